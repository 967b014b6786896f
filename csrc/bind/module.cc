// latchwork.engines.native._native: the kernels on NumPy arrays, and the XLA handlers as capsules.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bind/arrays.h"
#include "bind/names.h"
#include "bind/xla.h"
#include "recurrence/builds.h"
#include "recurrence/kernels.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace latchwork {
namespace {

template <int rank>
using Floats = nb::ndarray<const float, nb::ndim<rank>, nb::c_contig, nb::device::cpu>;
template <int rank>
using Result = nb::ndarray<float, nb::ndim<rank>, nb::c_contig, nb::device::cpu>;
using Lengths = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class Array>
auto data(const std::optional<Array>& array) -> decltype(array->data()) {
  return array ? array->data() : nullptr;
}

template <class Array>
void expect(const char* name, const Array& array, std::initializer_list<int64_t> shape) {
  std::size_t axis = 0;
  for (const int64_t size : shape)
    if (static_cast<int64_t>(array.shape(axis++)) != size)
      throw std::invalid_argument(std::string(name) + " has the wrong shape");
}

template <class Array>
void expect(const char* name, const std::optional<Array>& array, std::initializer_list<int64_t> shape) {
  if (array) expect(name, *array, shape);
}

nb::capsule target(void* address) { return nb::capsule(address, "xla._CUSTOM_CALL_TARGET"); }

std::unique_ptr<Weights> make_weights(const std::string& kind_name, const Floats<2>& input_weight,
                                      const Floats<2>& hidden_weight, const Floats<1>& bias,
                                      const std::optional<Floats<1>>& hidden_bias,
                                      const std::optional<Floats<1>>& input_peephole,
                                      const std::optional<Floats<1>>& forget_peephole,
                                      const std::optional<Floats<1>>& output_peephole) {
  const auto kind = named<Kind>(kind_name, "kind of cell");
  const KindShape& shape = kind_shape(kind);
  const auto features = static_cast<int64_t>(input_weight.shape(0));
  const auto hidden = static_cast<int64_t>(hidden_weight.shape(0));
  expect("input_weight", input_weight, {features, shape.gates * hidden});
  // Of several heads each has columns for its own units alone.
  const auto columns = static_cast<int64_t>(hidden_weight.shape(1));
  const int64_t heads = columns > 0 ? shape.gates * hidden / columns : 0;
  if (hidden == 0 || heads * columns != shape.gates * hidden || hidden % heads != 0)
    throw std::invalid_argument("hidden_weight has the wrong shape");
  expect("bias", bias, {shape.gates * hidden});
  expect("hidden_bias", hidden_bias, {shape.gates * hidden});
  if (shape.has_hidden_bias && !hidden_bias) throw std::invalid_argument("hidden_bias is missing");
  for (const auto* peephole : {&input_peephole, &forget_peephole, &output_peephole}) {
    expect("peephole", *peephole, {hidden});
    if (shape.has_peepholes && !*peephole) throw std::invalid_argument("a peephole is missing");
  }
  Operands given{};
  given.input_weight = input_weight.data();
  given.hidden_weight = hidden_weight.data();
  given.bias = bias.data();
  given.hidden_bias = data(hidden_bias);
  given.peepholes[0] = data(input_peephole);
  given.peepholes[1] = data(forget_peephole);
  given.peepholes[2] = data(output_peephole);
  return std::make_unique<Weights>(kind, features, hidden, given, heads);
}

// The kind's states [batch, hidden], the hidden one first, or none for zeros.
template <class Arrays>
void expect_states(const Weights& self, const Arrays& arrays, int64_t batch) {
  if (static_cast<int>(arrays.size()) != kind_shape(self.kind()).states + 1)
    throw std::invalid_argument("there are not as many states as the kind has");
  for (const auto& array : arrays) expect("a state", array, {batch, self.hidden()});
}

// Where the states lie: forward reads `given` and writes `results`.
void set_states(const std::optional<std::vector<Floats<2>>>& before, const std::vector<Result<2>>& after,
                Operands& given, Results& results) {
  results.final_hidden = after[0].data();
  for (std::size_t s = 1; s < after.size(); ++s) results.final_states[s - 1] = after[s].data();
  if (!before) return;
  given.hidden_state = (*before)[0].data();
  for (std::size_t s = 1; s < before->size(); ++s) given.states[s - 1] = (*before)[s].data();
}

// Whole sequences. The results' arrays are the caller's.
void run(const Weights& self, const Floats<3>& inputs, const std::optional<std::vector<Floats<2>>>& state,
         const std::optional<Lengths>& lengths, bool reverse, const Result<3>& outputs,
         const std::vector<Result<2>>& final_state) {
  const auto batch = static_cast<int64_t>(inputs.shape(0));
  const auto time = static_cast<int64_t>(inputs.shape(1));
  expect("inputs", inputs, {batch, time, self.features()});
  expect("lengths", lengths, {batch});
  expect("outputs", outputs, {batch, time, self.hidden()});
  if (state) expect_states(self, *state, batch);
  expect_states(self, final_state, batch);
  Operands given{};
  Results results{};
  given.inputs = inputs.data();
  given.lengths = data(lengths);
  results.outputs = outputs.data();
  set_states(state, final_state, given, results);
  const nb::gil_scoped_release released;
  self.forward(batch, time, reverse, given, results, available_threads());
}

// One step: the inputs [batch, features], and where the new state goes. It stays on the calling thread where it is
// small, so it is over in about a microsecond.
void step(const Weights& self, const Floats<2>& inputs, const std::vector<Floats<2>>& state,
          const std::vector<Result<2>>& new_state) {
  const auto batch = static_cast<int64_t>(inputs.shape(0));
  expect("inputs", inputs, {batch, self.features()});
  expect_states(self, state, batch);
  expect_states(self, new_state, batch);
  Operands given{};
  Results results{};
  given.inputs = inputs.data();
  set_states(state, new_state, given, results);
  results.outputs = results.final_hidden;
  results.final_hidden = nullptr;
  const nb::gil_scoped_release released;
  self.forward(batch, 1, false, given, results, available_threads());
}

// What Python is told of a kind of cell.
struct KindInfo {
  std::string name;
  Kind kind;
};

nb::typed<nb::tuple, nb::str, nb::ellipsis> tuple_of(const char* names) {
  return nb::steal<nb::typed<nb::tuple, nb::str, nb::ellipsis>>(nb::tuple(nb::cast(split_names(names))).release());
}

}  // namespace

void bind_server(nb::module_& module);   // in server_module.cc
void bind_trainer(nb::module_& module);  // in trainer_module.cc

NB_MODULE(_native, module) {
  find_numpy();
  module.doc() = "Fused recurrent kernels. latchwork.engines.native is the door.";
  nb::class_<KindInfo>(module, "Kind")
      .def_ro("name", &KindInfo::name)
      .def_prop_ro("number", [](const KindInfo& self) { return static_cast<int>(self.kind); })
      .def_prop_ro("columns", [](const KindInfo& self) { return kind_shape(self.kind).gates; })
      .def_prop_ro("gates", [](const KindInfo& self) { return tuple_of(kind_shape(self.kind).traced_gates); })
      .def_prop_ro("states", [](const KindInfo& self) { return tuple_of(kind_shape(self.kind).state_names); })
      .def_prop_ro("has_hidden_bias", [](const KindInfo& self) { return kind_shape(self.kind).has_hidden_bias; })
      .def_prop_ro("has_peepholes", [](const KindInfo& self) { return kind_shape(self.kind).has_peepholes; });
  module.def("builds", builds, "The builds that this processor can run, the best first.");
  module.def(
      "use",
      [](const std::optional<std::string>& build, const std::optional<int>& threads) {
        if (build) use_build(*build);
        if (threads) use_threads(*threads);
      },
      "build"_a.none(), "threads"_a.none(),
      "Choose the build, for good, and how many threads a call may use; None for the best, and for all processors.");
  module.def("build", [] { return engine().name; });
  module.def("register_width", [] { return engine().width; });
  module.def("threads", [] { return available_threads(); });
  module.def(
      "fma_peak",
      [](int threads) {
        const nb::gil_scoped_release released;
        return fma_peak(threads);
      },
      "threads"_a);
  module.def("kinds", [] {
    std::vector<KindInfo> all;
    for (const std::string& name : split_names(names_of(Kind{}))) all.push_back({name, static_cast<Kind>(all.size())});
    return all;
  });
  module.def(
      "saved_floats",
      [](const std::string& kind, int64_t batch, int64_t time, int64_t features, int64_t hidden) {
        return saved_floats(named<Kind>(kind, "kind of cell"), {batch, time, features, hidden});
      },
      "kind"_a, "batch"_a, "time"_a, "features"_a, "hidden"_a);
  module.def("forward_target", [] { return target(forward_target()); });
  module.def("backward_target", [] { return target(backward_target()); });
  nb::class_<Weights>(module, "Weights")
      .def(nb::new_(&make_weights), "kind"_a, "input_weight"_a, "hidden_weight"_a, "bias"_a, "hidden_bias"_a.none(),
           "input_peephole"_a.none(), "forget_peephole"_a.none(), "output_peephole"_a.none())
      .def("run", run, "inputs"_a, "state"_a.none(), "lengths"_a.none(), "reverse"_a, "outputs"_a, "final_state"_a)
      .def("step", step, "inputs"_a, "state"_a, "new_state"_a);
  bind_server(module);
  bind_trainer(module);
}

}  // namespace latchwork
