// A network's description as Python writes it: a list of (name, {setting: value}).
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "network/description.h"

namespace latchwork {

// std::invalid_argument that says which name or setting is unknown or missing.
NetworkDescription network_of(nanobind::handle layers);

// What flows into it: features of sequences or vectors, or the symbols that an embedding takes.
Form input_form(const NetworkDescription& network, int64_t features, bool has_time);

// The layers that there are.
std::vector<std::string> layer_names();

}  // namespace latchwork
