// A network's description as Python writes it: a list of (name, {setting: value}).
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "network/description.h"

namespace latchwork {

// std::invalid_argument that says which name or setting is unknown or missing.
NetworkDescription network_of(nanobind::handle layers);

// The layers that there are.
std::vector<std::string> layer_names();

}  // namespace latchwork
