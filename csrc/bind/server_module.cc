// A network that answers and shows what it computes, on NumPy arrays. latchwork.engines.native.program is the door.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bind/arrays.h"
#include "bind/description.h"
#include "network/learning.h"
#include "network/looking.h"
#include "network/server.h"
#include "recurrence/unpack.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace latchwork {
namespace {

using Vector = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Lengths = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

// The inputs of a call, where they are what the kernels take as they are.
class Call {
 public:
  // `axes` of the inputs: without features for tokens.
  Call(const Form& form, int64_t symbols, int64_t ahead_features, nb::handle inputs, int axes, nb::handle lengths,
       nb::handle ahead)
      : inputs_(inputs, axes) {
    if (!inputs_.type()) return;
    const int features_axis = axes - 1;
    given_.batch = inputs_.shape(0);
    given_.time = axes > (form.is_symbols ? 1 : 2) ? inputs_.shape(1) : 1;
    if (!given_.batch || !given_.time) return;
    if (form.is_symbols ? !read_tokens(symbols) : !inputs_.is_float() || inputs_.shape(features_axis) != form.width)
      return;
    if (!form.is_symbols) given_.inputs = inputs_.data();
    if (!lengths.is_none()) read_lengths(lengths);
    if (ahead_features && !read_ahead(ahead, ahead_features)) return;
    fits_ = true;
  }

  explicit operator bool() const { return fits_; }
  const Given& given() const { return given_; }

 private:
  bool read_tokens(int64_t symbols) {
    const bool is_long = inputs_.type() == 'l' || inputs_.type() == 'q';
    if (!is_long && inputs_.type() != 'i') return false;
    const int64_t count = given_.batch * given_.time;
    bool known = true;
    const auto check = [&](int64_t token) { known &= 0 <= token && token < symbols; };
    if (is_long) {
      tokens_.resize(static_cast<std::size_t>(count));
      for (int64_t i = 0; i < count; ++i) {
        const auto token = static_cast<int64_t>(inputs_.data<int64_t>()[i]);
        check(token);
        tokens_[i] = static_cast<int32_t>(token);
      }
      given_.tokens = tokens_.data();
    } else {
      for (int64_t i = 0; i < count; ++i) check(inputs_.data<int32_t>()[i]);
      given_.tokens = inputs_.data<int32_t>();
    }
    return known;
  }

  void read_lengths(nb::handle lengths) {
    lengths_ = nb::cast<Lengths>(lengths);
    require(static_cast<int64_t>(lengths_->shape(0)) == given_.batch, "lengths has the wrong shape");
    for (int64_t row = 0; row < given_.batch; ++row)
      require(lengths_->data()[row] >= 1 && lengths_->data()[row] <= given_.time, "a length does not fit");
    given_.lengths = lengths_->data();
  }

  bool read_ahead(nb::handle ahead, int64_t features) {
    ahead_.emplace(ahead, 3);
    if (!ahead_->is_float() || ahead_->shape(0) != given_.batch || ahead_->shape(2) != features) return false;
    given_.ahead = ahead_->data();
    given_.horizon = ahead_->shape(1);
    return given_.horizon > 0;
  }

  DenseArray inputs_;
  std::optional<DenseArray> ahead_;
  std::optional<Lengths> lengths_;
  std::vector<int32_t> tokens_;
  Given given_{};
  bool fits_ = false;
};

// A server as Python has it. `scores`: steps turn their outputs into probabilities.
struct Answering {
  Server server;
  bool scores;

  nb::object outputs(const Given& given) const {
    const Form& form = server.output();
    return new_array(form.has_time ? nb::make_tuple(given.batch, server.answer_steps(given), form.width)
                                   : nb::make_tuple(given.batch, form.width));
  }
  int axes() const { return (server.input().has_time ? 2 : 1) + (server.input().is_symbols ? 0 : 1); }
};

Answering* make_server(nb::handle layers, int64_t features, bool has_time, const Vector& parameters,
                       const std::vector<double>& offset, const std::vector<double>& scale, bool scores) {
  const NetworkDescription network = network_of(layers);
  const Form form = input_form(network, features, has_time);
  form_after(network, form);
  require(static_cast<int64_t>(parameters.size()) == parameter_floats(network, form),
          "the layers take another number of parameters");
  require(offset.size() == scale.size() && (offset.empty() || static_cast<int64_t>(offset.size()) == form.width),
          "offset and scale are as many as the features");
  return new Answering{{network, form, parameters.data(), offset, scale}, scores};
}

// None where the inputs are not what it takes as they are, or not finite.
nb::object run(const Answering& self, nb::handle inputs, nb::handle lengths, nb::handle ahead) {
  const Server& server = self.server;
  const Call call(server.input(), server.symbols(), server.ahead_features(), inputs, self.axes(), lengths, ahead);
  if (!call) return nb::none();
  const Given& given = call.given();
  nb::object outputs = self.outputs(given);
  const DenseArray to(outputs, server.output().has_time ? 3 : 2, true);
  const bool done = released(given.batch * given.time * server.work(), [&] { return server.run(given, to.data()); });
  return done ? outputs : nb::none();
}

ServerState initial_state(const Answering& self, int64_t batch) {
  require(self.server.goes_step_by_step(), "a layer reads from the end of a sequence: it cannot go step by step");
  require(batch > 0, "a state is of at least one sequence");
  return {batch, std::vector<float>(static_cast<std::size_t>(batch * self.server.state_floats()))};
}

// The outputs and the state after the steps, or None as `run` gives it.
nb::object go_on(const Answering& self, const Given& given, const ServerState& state, bool one_step) {
  const Server& server = self.server;
  if (given.batch != state.batch || static_cast<int64_t>(state.values.size()) != state.batch * server.state_floats())
    return nb::none();
  const int64_t width = server.output().width;
  const bool has_time = !one_step && server.output().has_time;
  nb::object outputs = has_time ? self.outputs(given) : new_array(nb::make_tuple(given.batch, width));
  const DenseArray to(outputs, has_time ? 3 : 2, true);
  ServerState after{state.batch, std::vector<float>(state.values.size())};
  const bool done = released(given.batch * given.time * server.work(), [&] {
    if (!server.advance(given, state, after, to.data())) return false;
    if (self.scores) learning_engine().softmax(given.batch * (has_time ? given.time : 1), width, to.data());
    return true;
  });
  if (!done) return nb::none();
  return nb::make_tuple(outputs, std::move(after));
}

nb::object step(const Answering& self, nb::handle inputs, const ServerState& state) {
  const Server& server = self.server;
  if (server.input().is_symbols) {
    const Call call(server.input(), server.symbols(), 0, inputs, self.axes() - 1, nb::none(), nb::none());
    return call ? go_on(self, call.given(), state, true) : nb::none();
  }
  const DenseArray from(inputs, 2);  // numbers go without all that a call may have
  if (!from.is_float() || from.shape(1) != server.input().width) return nb::none();
  Given given{};
  given.batch = from.shape(0);
  given.time = 1;
  given.inputs = from.data();
  return go_on(self, given, state, true);
}

nb::object advance(const Answering& self, nb::handle inputs, const ServerState& state) {
  const Server& server = self.server;
  const Call call(server.input(), server.symbols(), 0, inputs, self.axes(), nb::none(), nb::none());
  return call ? go_on(self, call.given(), state, false) : nb::none();
}

struct Described {
  NetworkDescription network;
  Form form;
  int64_t symbols = 0, ahead = 0;

  Described(nb::handle layers, int64_t features, bool has_time, const Vector& parameters)
      : network(network_of(layers)), form(input_form(network, features, has_time)) {
    form_after(network, form);
    require(static_cast<int64_t>(parameters.size()) == parameter_floats(network, form),
            "the layers take another number of parameters");
    for (const LayerDescription& layer : network) {
      if (const auto* embedding = std::get_if<EmbeddingDescription>(&layer)) symbols = embedding->symbols;
      if (const auto* looks = std::get_if<AheadDescription>(&layer)) ahead = looks->features;
    }
  }

  int axes() const { return (form.has_time ? 2 : 1) + (form.is_symbols ? 0 : 1); }
  nb::object outputs(const Given& given) const {
    const Form after = form_after(network, form);
    int64_t steps = given.time;
    Form at = form;
    for (const LayerDescription& layer : network) {
      at = form_after(layer, at);
      steps = steps_after(layer, at.has_time, steps, given.horizon);
    }
    return new_array(after.has_time ? nb::make_tuple(given.batch, steps, after.width)
                                    : nb::make_tuple(given.batch, after.width));
  }
  int output_axes() const { return form_after(network, form).has_time ? 3 : 2; }
};

// ([(place of the layer, backwards, planes [planes, batch, time, units])], outputs), or None as `run` gives it.
nb::object trace(nb::handle layers, int64_t features, bool has_time, const Vector& parameters, nb::handle inputs,
                 nb::handle lengths, nb::handle ahead) {
  const Described described(layers, features, has_time, parameters);
  const Call call(described.form, described.symbols, described.ahead, inputs, described.axes(), lengths, ahead);
  if (!call) return nb::none();
  const Given& given = call.given();
  nb::list ways;
  std::vector<std::unique_ptr<DenseArray>> arrays;
  std::vector<float*> planes;
  for (const TracedWay& way : traced_ways(described.network)) {
    const nb::object array = new_array(nb::make_tuple(traced_planes(way.kind), given.batch, given.time, way.units));
    arrays.push_back(std::make_unique<DenseArray>(array, 4, true));
    planes.push_back(arrays.back()->data());
    ways.append(nb::make_tuple(way.layer, way.backwards, array));
  }
  nb::object outputs = described.outputs(given);
  const DenseArray to(outputs, described.output_axes(), true);
  {
    const nb::gil_scoped_release released;
    trace_network(described.network, described.form, parameters.data(), given, planes, to.data());
  }
  return nb::make_tuple(ways, outputs);
}

// (outputs, derivatives by the inputs), or None as `run` gives it.
nb::object gradient(nb::handle layers, int64_t features, bool has_time, const Vector& parameters, nb::handle inputs,
                    nb::handle by_outputs, nb::handle lengths, nb::handle ahead) {
  const Described described(layers, features, has_time, parameters);
  require(!described.form.is_symbols, "symbols have no derivatives");
  const Call call(described.form, 0, described.ahead, inputs, described.axes(), lengths, ahead);
  if (!call) return nb::none();
  const Given& given = call.given();
  nb::object outputs = described.outputs(given);
  const int axes = described.output_axes();
  const DenseArray to(outputs, axes, true), by(by_outputs, axes);
  if (!by.is_float()) return nb::none();
  for (int axis = 0; axis < axes; ++axis)
    if (by.shape(axis) != to.shape(axis)) return nb::none();
  nb::object by_inputs =
      new_array(described.form.has_time ? nb::make_tuple(given.batch, given.time, described.form.width)
                                        : nb::make_tuple(given.batch, described.form.width));
  const DenseArray back(by_inputs, described.axes(), true);
  {
    const nb::gil_scoped_release released;
    differentiate(described.network, described.form, parameters.data(), given, by.data(), to.data(), back.data());
  }
  return nb::make_tuple(outputs, by_inputs);
}

}  // namespace

void bind_server(nb::module_& module) {
  module.def("layers", layer_names);
  nb::class_<ServerState>(module, "ServerState").def_ro("batch", &ServerState::batch);
  nb::class_<Answering>(module, "Server")
      .def(nb::new_(&make_server), "layers"_a, "features"_a, "has_time"_a, "parameters"_a, "offset"_a, "scale"_a,
           "scores"_a)
      .def_prop_ro("goes_step_by_step", [](const Answering& self) { return self.server.goes_step_by_step(); })
      // By place alone: names would cost a brief call a tenth of its time.
      .def("initial_state", initial_state)
      .def("run", run, nb::arg(), nb::arg() = nb::none(), nb::arg() = nb::none())
      .def("step", step)
      .def("advance", advance);
  module.def("trace", trace, "layers"_a, "features"_a, "has_time"_a, "parameters"_a, "inputs"_a, "lengths"_a.none(),
             "ahead"_a.none());
  module.def("gradient", gradient, "layers"_a, "features"_a, "has_time"_a, "parameters"_a, "inputs"_a, "by_outputs"_a,
             "lengths"_a.none(), "ahead"_a.none());
}

}  // namespace latchwork
