// latchwork.engines.native._native.Trainer: training steps on NumPy arrays. latchwork.training.native is the door.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bind/names.h"
#include "network/trainer.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace latchwork {
namespace {

template <class T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Numbers = std::optional<Array<const float>>;
using Whole = std::optional<Array<const int32_t>>;

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

template <class T>
const T* pointer(const std::optional<Array<const T>>& array) {
  return array ? array->data() : nullptr;
}

template <class T>
bool holds(const std::optional<Array<const T>>& array, int64_t count) {
  return array && static_cast<int64_t>(array->size()) == count;
}

using Members = std::vector<Trainer*>;

// The memory is read by these shapes alone, so nothing unchecked may come through.
Examples checked_examples(const Trainer& self, int64_t members, const Numbers& inputs, const Whole& tokens,
                          const Numbers& values, const Whole& classes, const Whole& lengths, const Numbers& weight) {
  const auto rows_of = [](const auto& array) {
    return static_cast<int64_t>(array && array->ndim() ? array->shape(0) : 0);
  };
  const int64_t rows = self.takes_tokens() ? rows_of(tokens) : rows_of(inputs);
  const int64_t numbers = rows * members * self.row_floats(), targets = rows * members * self.row_targets();
  require(rows > 0 && (self.takes_tokens() ? holds(tokens, numbers) && !inputs : holds(inputs, numbers) && !tokens),
          "inputs have the wrong shape or type");
  require(self.takes_classes() ? holds(classes, targets) && !values : holds(values, targets) && !classes,
          "targets have the wrong shape or type");
  require(self.is_ragged() ? holds(lengths, rows) : !lengths, "lengths do not fit");
  require(!weight || holds(weight, rows), "weight has the wrong shape");
  return {
      rows,           members, pointer(inputs), pointer(tokens), pointer(values), pointer(classes), pointer(lengths),
      pointer(weight)};
}

// Members of one shape, as far as memory goes.
const Trainer& checked_members(const Members& members, bool trains) {
  require(!members.empty() && members.front(), "there is no network");
  const Trainer& one = *members.front();
  for (const Trainer* each : members) {
    require(each && each->trains() == trains && each->batch() == one.batch() &&
                each->parameters() == one.parameters() && each->slots() == one.slots() &&
                each->row_floats() == one.row_floats() && each->measures() == one.measures() && each->measures() > 0 &&
                each->row_targets() == one.row_targets() && each->takes_classes() == one.takes_classes() &&
                each->takes_tokens() == one.takes_tokens() && each->is_ragged() == one.is_ragged(),
            "the networks differ in shape");
    require(each->parameters_used() == each->parameters(), "the layers do not use all parameters");
    require(std::count(members.begin(), members.end(), each) == 1, "a network is there twice");
  }
  return one;
}

void check_batches(const Trainer& one, std::size_t members, const Array<const int32_t>& order, int64_t rows,
                   const Array<double>& sums) {
  require(order.ndim() == 2 && static_cast<int64_t>(order.shape(1)) == one.batch(), "order has the wrong shape");
  for (std::size_t i = 0; i < order.size(); ++i)
    require(order.data()[i] >= -1 && order.data()[i] < rows, "the order names a row that is not there");
  require(sums.size() == members * order.shape(0) * static_cast<std::size_t>(one.measures() + 1),
          "sums have the wrong shape");
}

void run(const Members& members, float* parameters, float* slots, const Examples& examples, const Batches& batches) {
  const nb::gil_scoped_release released;
  if (members.size() == 1) {
    members.front()->run(parameters, slots, examples, batches);
  } else {
    run_members(members, parameters, slots, examples, batches);
  }
}

void train(const Members& members, const Array<float>& parameters, const Array<float>& slots, const Numbers& inputs,
           const Whole& tokens, const Numbers& values, const Whole& classes, const Whole& lengths,
           const Numbers& weight, const Array<const int32_t>& order, const Array<const float>& scales, int64_t first,
           uint64_t seed, const Array<double>& sums) {
  const Trainer& one = checked_members(members, true);
  const auto count = static_cast<int64_t>(members.size());
  const Examples examples = checked_examples(one, count, inputs, tokens, values, classes, lengths, weight);
  check_batches(one, members.size(), order, examples.rows, sums);
  require(scales.size() == order.shape(0), "scales have the wrong shape");
  require(static_cast<int64_t>(parameters.size()) == count * one.parameters() &&
              static_cast<int64_t>(slots.size()) == count * one.parameters() * one.slots(),
          "parameters or slots have the wrong shape");
  run(members, parameters.data(), slots.data(), examples,
      {static_cast<int64_t>(order.shape(0)), order.data(), scales.data(), first, seed, sums.data()});
}

void evaluate(const Members& members, const Array<float>& parameters, const Numbers& inputs, const Whole& tokens,
              const Numbers& values, const Whole& classes, const Whole& lengths, const Numbers& weight,
              const Array<const int32_t>& order, const Array<double>& sums) {
  const Trainer& one = checked_members(members, false);
  const auto count = static_cast<int64_t>(members.size());
  const Examples examples = checked_examples(one, count, inputs, tokens, values, classes, lengths, weight);
  check_batches(one, members.size(), order, examples.rows, sums);
  require(static_cast<int64_t>(parameters.size()) == count * one.parameters(), "parameters have the wrong shape");
  run(members, parameters.data(), nullptr, examples,
      {static_cast<int64_t>(order.shape(0)), order.data(), nullptr, 0, 0, sums.data()});
}

}  // namespace

void bind_trainer(nb::module_& module) {
  nb::class_<Trainer>(module, "Trainer")
      .def(nb::init<int64_t, int64_t, int64_t, bool, bool, int64_t, bool, int>(), "batch"_a, "time"_a, "features"_a,
           "has_time"_a, "ragged"_a, "parameters"_a, "trains"_a, "threads"_a)
      .def(
          "add_recurrent",
          [](Trainer& self, const std::string& kind, int64_t hidden, bool reverse, bool last_only, bool both_ways,
             float dropout, float recurrent_dropout) {
            self.add(RecurrentDescription{named<Kind>(kind, "kind of cell"), hidden, reverse, both_ways, !last_only,
                                          dropout, recurrent_dropout});
          },
          "kind"_a, "hidden"_a, "reverse"_a, "last_only"_a, "both_ways"_a, "dropout"_a, "recurrent_dropout"_a)
      .def(
          "add_dense",
          [](Trainer& self, int64_t width, const std::string& activation) {
            self.add(DenseDescription{width, named<Activation>(activation, "activation")});
          },
          "width"_a, "activation"_a)
      .def(
          "add_dropout", [](Trainer& self, float rate) { self.add(DropoutDescription{rate}); }, "rate"_a)
      .def(
          "add_pooling",
          [](Trainer& self, const std::vector<std::string>& kinds) {
            std::vector<Pool> chosen;
            for (const std::string& kind : kinds) chosen.push_back(named<Pool>(kind, "kind of pooling"));
            self.add(PoolingDescription{std::move(chosen)});
          },
          "kinds"_a)
      .def(
          "add_norm", [](Trainer& self, float epsilon) { self.add(NormDescription{epsilon}); }, "epsilon"_a)
      .def(
          "add_embedding",
          [](Trainer& self, int64_t symbols, int64_t width) { self.add(EmbeddingDescription{symbols, width}); },
          "symbols"_a, "width"_a)
      .def(
          "add_measure",
          [](Trainer& self, const std::string& measure, float setting) {
            const Measure chosen = named<Measure>(measure, "measure");
            require(self.measures() ? takes_classes(chosen) == self.takes_classes() : chosen != Measure::accuracy,
                    "the measures take different targets");
            self.add_measure(chosen, setting);
          },
          "measure"_a, "setting"_a)
      .def(
          "set_rule",
          [](Trainer& self, const std::string& direction, double decay, double decay_of_squares, double epsilon,
             float weight_decay, float most_norm, const std::vector<std::pair<int64_t, int64_t>>& decayed) {
            for (const auto& [first, last] : decayed)
              require(0 <= first && first <= last && last <= self.parameters(), "a decayed range does not fit");
            self.set_rule({named<Direction>(direction, "optimiser"), decay, decay_of_squares, epsilon, weight_decay,
                           most_norm, decayed});
          },
          "direction"_a, "decay"_a, "decay_of_squares"_a, "epsilon"_a, "weight_decay"_a, "most_norm"_a, "decayed"_a)
      .def_prop_ro("slots", &Trainer::slots);
  module.def("train", train, "members"_a, "parameters"_a, "slots"_a, "inputs"_a.none(), "tokens"_a.none(),
             "values"_a.none(), "classes"_a.none(), "lengths"_a.none(), "weight"_a.none(), "order"_a, "scales"_a,
             "first"_a, "seed"_a, "sums"_a);
  module.def("evaluate", evaluate, "members"_a, "parameters"_a, "inputs"_a.none(), "tokens"_a.none(), "values"_a.none(),
             "classes"_a.none(), "lengths"_a.none(), "weight"_a.none(), "order"_a, "sums"_a);
}

}  // namespace latchwork
