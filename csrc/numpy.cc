// The kernels on NumPy arrays, with the interpreter's lock released. Shapes are checked in kernels/native.py, types here.
#include "numpy.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <optional>

#include "kernels.h"

namespace latchwork {
namespace {

namespace nb = nanobind;

template <class T>
using Dense = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <class T>
using Given = std::optional<Dense<T>>;

template <class T>
T* data(const Given<T>& array) {
  return array ? array->data() : nullptr;
}

void forward_numpy(int kind, bool reverse, const Dense<const float>& inputs, const Dense<const float>& input_weight,
                   const Dense<const float>& hidden_weight, const Given<const float>& bias,
                   const Given<const float>& hidden_bias, const Given<const float>& input_peephole,
                   const Given<const float>& forget_peephole, const Given<const float>& output_peephole,
                   const Given<const float>& hidden_state, const Given<const float>& cell_state,
                   const Given<const int32_t>& lengths, const Dense<float>& outputs, const Dense<float>& final_hidden,
                   const Given<float>& final_cell) {
  const Shape shape = {static_cast<int64_t>(inputs.shape(0)), static_cast<int64_t>(inputs.shape(1)),
                       static_cast<int64_t>(inputs.shape(2)), static_cast<int64_t>(hidden_weight.shape(0))};
  const Operands operands = {inputs.data(),
                             input_weight.data(),
                             hidden_weight.data(),
                             data(bias),
                             data(hidden_bias),
                             {data(input_peephole), data(forget_peephole), data(output_peephole)},
                             data(hidden_state),
                             data(cell_state),
                             nullptr,
                             data(lengths)};
  const Results results = {outputs.data(), final_hidden.data(), data(final_cell), nullptr};
  const nb::gil_scoped_release released;
  forward(static_cast<Kind>(kind), shape, reverse, &operands, &results, 1, available_threads());
}

}  // namespace

void bind_numpy(nb::module_& module) { module.def("forward", &forward_numpy); }

}  // namespace latchwork
