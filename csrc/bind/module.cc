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

#include "bind/names.h"
#include "bind/xla.h"
#include "network/chain.h"
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

// An array of any object that offers its memory as dense float32 of so many axes: a tenth of what a general
// conversion costs. Empty, with no error set, where it is something else; the slow path then says what is wrong.
class Dense {
 public:
  Dense(nb::handle object, int axes, bool writable = false) {
    const int flags = PyBUF_ND | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
      PyErr_Clear();
      return;
    }
    held_ = true;
    fits_ = view_.ndim == axes && view_.format && view_.format[0] == 'f' && view_.format[1] == 0;
  }
  ~Dense() {
    if (held_) PyBuffer_Release(&view_);
  }
  Dense(const Dense&) = delete;
  Dense& operator=(const Dense&) = delete;

  bool has_shape(std::initializer_list<int64_t> shape) const {
    if (!fits_) return false;
    const Py_ssize_t* axis = view_.shape;
    for (const int64_t size : shape)
      if (*axis++ != size) return false;
    return true;
  }
  int64_t shape(int axis) const { return view_.shape[axis]; }
  explicit operator bool() const { return fits_; }
  float* data() const { return static_cast<float*>(view_.buf); }

 private:
  Py_buffer view_;
  bool held_ = false, fits_ = false;
};

// Calls shorter than this, in multiplications, keep the interpreter: letting go and taking it again costs as much.
constexpr int64_t kBriefCall = 100'000;

template <class Call>
bool released(int64_t work, Call&& call) {
  if (work < kBriefCall) return call();
  const nb::gil_scoped_release released;
  return call();
}

void add_dense(Chain& self, const Floats<2>& weight, const Floats<1>& bias, const std::string& activation) {
  const auto outputs = static_cast<int64_t>(weight.shape(1));
  expect("weight", weight, {self.outputs(), outputs});
  expect("bias", bias, {outputs});
  self.add_dense(weight.data(), bias.data(), outputs, named<Activation>(activation, "activation"));
}

// NumPy's `empty` and its float32, from the module's start on: an answer's array is made without a line of Python.
PyObject *numpy_empty, *numpy_float32;

nb::object new_array(const nb::tuple& shape) { return nb::handle(numpy_empty)(shape, nb::handle(numpy_float32)); }

// Multiplications of a call from which layers one by one are as fast: a large library's products pay then.
constexpr int64_t kMostWork = 1'000'000;

// A chain as Python has it. `scores`: steps turn their outputs into probabilities.
struct Answering {
  Chain chain;
  bool scores;

  Answering(int64_t features, const std::vector<double>& offset, const std::vector<double>& scale, bool scores)
      : chain(features, offset, scale), scores(scores) {}
};

Answering* make_chain(int64_t features, const std::vector<double>& offset, const std::vector<double>& scale,
                      bool scores) {
  if (features < 1 || offset.size() != scale.size() ||
      (!offset.empty() && static_cast<int64_t>(offset.size()) != features))
    throw std::invalid_argument("offset and scale are as many as the features");
  return new Answering(features, offset, scale, scores);
}

// None where the inputs are not what it takes as they are, too many for it to pay, or not finite.
nb::object chain_run(const Answering& self, nb::handle inputs, nb::handle given_lengths) {
  const Chain& chain = self.chain;
  const Dense from(inputs, 3);
  if (!from) return nb::none();
  const int64_t batch = from.shape(0), time = from.shape(1);
  if (!batch || !time || !from.has_shape({batch, time, chain.features()})) return nb::none();
  if (batch * time * chain.work() > kMostWork) return nb::none();
  std::optional<Lengths> lengths;
  if (!given_lengths.is_none()) {
    lengths = nb::cast<Lengths>(given_lengths);
    expect("lengths", lengths, {batch});
    for (int64_t row = 0; row < batch; ++row)
      if (lengths->data()[row] < 1 || lengths->data()[row] > time) throw std::invalid_argument("a length does not fit");
  }
  nb::object outputs = new_array(chain.keeps_time() ? nb::make_tuple(batch, time, chain.outputs())
                                                    : nb::make_tuple(batch, chain.outputs()));
  const Dense to(outputs, chain.keeps_time() ? 3 : 2, true);
  const bool done = released(batch * time * chain.work(),
                             [&] { return chain.run(batch, time, from.data(), data(lengths), to.data()); });
  return done ? outputs : nb::none();
}

// The outputs and the state after the step, or None as `chain_run` gives it.
nb::object chain_step(const Answering& self, nb::handle inputs, const ChainState& state) {
  const Chain& chain = self.chain;
  const Dense from(inputs, 2);
  if (!from.has_shape({state.batch, chain.features()})) return nb::none();
  nb::object outputs = new_array(nb::make_tuple(state.batch, chain.outputs()));
  const Dense to(outputs, 2, true);
  ChainState after{state.batch, std::vector<float>(state.values.size())};
  const bool done = released(state.batch * chain.work(), [&] {
    if (!chain.step(from.data(), state, after, to.data())) return false;
    if (self.scores) softmax(state.batch, chain.outputs(), to.data());
    return true;
  });
  if (!done) return nb::none();
  return nb::make_tuple(outputs, std::move(after));
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

void bind_trainer(nb::module_& module);  // in trainer_module.cc

NB_MODULE(_native, module) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  numpy_empty = nb::object(numpy.attr("empty")).release().ptr();
  numpy_float32 = nb::object(numpy.attr("dtype")("float32")).release().ptr();
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
  module.def("trace_target", [] { return target(trace_target()); });
  nb::class_<Weights>(module, "Weights")
      .def(nb::new_(&make_weights), "kind"_a, "input_weight"_a, "hidden_weight"_a, "bias"_a, "hidden_bias"_a.none(),
           "input_peephole"_a.none(), "forget_peephole"_a.none(), "output_peephole"_a.none())
      .def("run", run, "inputs"_a, "state"_a.none(), "lengths"_a.none(), "reverse"_a, "outputs"_a, "final_state"_a)
      .def("step", step, "inputs"_a, "state"_a, "new_state"_a);
  nb::class_<ChainState>(module, "ChainState").def_ro("batch", &ChainState::batch);
  nb::class_<Answering>(module, "Chain")
      .def(nb::new_(&make_chain), "features"_a, "offset"_a, "scale"_a, "scores"_a)
      .def(
          "add_recurrent",
          [](Answering& self, const std::string& kind, const Floats<2>& input_weight, const Floats<2>& hidden_weight,
             const Floats<1>& bias, const std::optional<Floats<1>>& hidden_bias,
             const std::optional<Floats<1>>& input_peephole, const std::optional<Floats<1>>& forget_peephole,
             const std::optional<Floats<1>>& output_peephole, bool reverse, bool last_only) {
            auto weights = make_weights(kind, input_weight, hidden_weight, bias, hidden_bias, input_peephole,
                                        forget_peephole, output_peephole);
            if (weights->features() != self.chain.outputs())
              throw std::invalid_argument("the layers do not fit together");
            self.chain.add_recurrent(std::move(weights), reverse, last_only);
          },
          "kind"_a, "input_weight"_a, "hidden_weight"_a, "bias"_a, "hidden_bias"_a.none(), "input_peephole"_a.none(),
          "forget_peephole"_a.none(), "output_peephole"_a.none(), "reverse"_a, "last_only"_a)
      .def(
          "add_dense",
          [](Answering& self, const Floats<2>& weight, const Floats<1>& bias, const std::string& activation) {
            add_dense(self.chain, weight, bias, activation);
          },
          "weight"_a, "bias"_a, "activation"_a)
      // By place alone: names would cost a brief call a tenth of its time.
      .def("initial_state", [](const Answering& self, int64_t batch) { return self.chain.initial_state(batch); })
      .def("run", chain_run, nb::arg(), nb::arg().none())
      .def("step", chain_step);
  bind_trainer(module);
}

}  // namespace latchwork
