// latchwork.kernels._native: the kernels on NumPy arrays, and the XLA handlers as capsules.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "kernels.h"
#include "numpy.h"
#include "xla.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace latchwork {
namespace {

nb::capsule target(void* address) { return nb::capsule(address, "xla._CUSTOM_CALL_TARGET"); }

}  // namespace

NB_MODULE(_native, module) {
  module.def("build", [] { return engine().name; });
  module.def("register_width", [] { return engine().width; });
  module.def("threads", [] { return available_threads(); });
  module.def("fma_peak", [](int threads) {
    const nb::gil_scoped_release released;
    return fma_peak(threads);
  }, "threads"_a);
  module.def("saved_floats", [](int kind, int64_t batch, int64_t time, int64_t features, int64_t hidden) {
    return saved_floats(static_cast<Kind>(kind), {batch, time, features, hidden});
  });
  bind_numpy(module);
  module.def("forward_target", [] { return target(forward_target()); });
  module.def("backward_target", [] { return target(backward_target()); });
}

}  // namespace latchwork
