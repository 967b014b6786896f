// The kernels' door for NumPy arrays.
#pragma once

#include <nanobind/nanobind.h>

namespace latchwork {

void bind_numpy(nanobind::module_& module);

}  // namespace latchwork
