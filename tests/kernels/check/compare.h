// The kernels' results beside the reference's, tensor by tensor, and the worst that was seen.
#pragma once

#include <cstdio>
#include <map>

#include "cases.h"

namespace check {

constexpr double kTolerance = 1e-5;  // norm of the difference over norm, of each tensor

// Where a recurrence magnifies the rounding of its states and gates, so often what that alone does is allowed.
constexpr double kStatesShare = 10;

// What a case's loss is in the reference, and its derivatives. The loss is the sum of the results, each times the
// derivative that the kernels are given for it.
struct Expected {
  std::vector<Sequence> sequences;
  std::vector<Derivatives> by;
  Network by_weights;
  double loss = 0;
};

// Visits each number of recurrent weights of several heads: visit(where it is in them, where among all units' weights).
template <class Visit>
void for_heads(const latchwork::Shape& shape, int64_t numbers, Visit&& visit) {
  const int64_t width = shape.hidden / shape.heads, columns = numbers / shape.hidden;
  for (int64_t row = 0; row < shape.hidden; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t gate = column / width, unit = row / width * width + column % width;
      visit(row * columns + column, (row * columns / width + gate) * shape.hidden + unit);
    }
}

inline Doubles expanded(const latchwork::Shape& shape, const Doubles& weight) {
  Doubles all(weight.size() * shape.heads);
  for_heads(shape, static_cast<int64_t>(weight.size()), [&](int64_t own, int64_t place) { all[place] = weight[own]; });
  return all;
}

inline Doubles contracted(const latchwork::Shape& shape, const Doubles& all) {
  Doubles weight(all.size() / shape.heads);
  for_heads(shape, static_cast<int64_t>(weight.size()), [&](int64_t own, int64_t place) { weight[own] = all[place]; });
  return weight;
}

// The reference on one member. `values` are the tensors of latchwork::Gradients, all there, in double.
inline Expected expect(const Case& c, const Member& m, const std::vector<Doubles>& values,
                       Rounded rounded = Rounded::nothing) {
  const auto part = [](const Doubles& all, int64_t row, int64_t size) {
    return Doubles(all.begin() + row * size, all.begin() + (row + 1) * size);
  };
  const auto rows = [&](const Floats& array, int64_t row, int64_t size) {
    return array.size() ? array.doubles(row * size, size) : Doubles(size, 0.0);
  };
  const int64_t hidden = c.shape.hidden, time = c.shape.time;
  const Network net{c.kind,
                    c.shape.features,
                    hidden,
                    values[1],
                    expanded(c.shape, values[2]),
                    values[3],
                    values[4],
                    {values[5], values[6], values[7]}};
  Expected e;
  e.by_weights = net;
  for (Doubles* weight :
       {&e.by_weights.input_weight, &e.by_weights.hidden_weight, &e.by_weights.bias, &e.by_weights.hidden_bias,
        &e.by_weights.peepholes[0], &e.by_weights.peepholes[1], &e.by_weights.peepholes[2]})
    std::fill(weight->begin(), weight->end(), 0.0);
  const auto dot = [](const Doubles& a, const Doubles& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  e.sequences.resize(c.shape.batch);
  e.by.resize(c.shape.batch);
  for (int64_t row = 0; row < c.shape.batch; ++row) {
    Sequence& s = e.sequences[row];
    s = {c.steps(m, row),
         time,
         c.reverse,
         part(values[0], row, time * c.shape.features),
         part(values[8], row, hidden),
         {},
         Doubles(hidden, 1.0),
         {},
         {},
         {},
         {}};
    for (int state = 0; state < net.states(); ++state) s.states[state] = part(values[kFirstState + state], row, hidden);
    if (m.mask.size()) s.mask = rows(m.mask, row, hidden);
    const Run run(net, s, rounded);
    Derivatives& by = e.by[row];
    by.by_outputs = rows(m.by_outputs, row, time * hidden);
    by.by_final_hidden = rows(m.by_final_hidden, row, hidden);
    e.loss += dot(s.outputs, by.by_outputs) + dot(s.final_hidden, by.by_final_hidden);
    for (int state = 0; state < net.states(); ++state) {
      by.by_final_states[state] = rows(m.by_final_states[state], row, hidden);
      e.loss += dot(s.final_states[state], by.by_final_states[state]);
    }
    run.backward(by, e.by_weights);
  }
  e.by_weights.hidden_weight = contracted(c.shape, e.by_weights.hidden_weight);
  return e;
}

inline std::vector<Doubles> values_of(const Case& c, const Member& m) {
  std::vector<Doubles> values;
  for (int tensor = 0; tensor < kTensors; ++tensor) {
    const Floats& given = m.tensors[tensor];
    values.push_back(given.size() ? given.doubles() : Doubles(size_of(c, tensor), 0.0));
  }
  return values;
}

// The reference's gradient by a tensor.
inline Doubles gradient(const Expected& e, int tensor) {
  const Network& w = e.by_weights;
  const Doubles* const whole[kTensors] = {nullptr,        &w.input_weight, &w.hidden_weight, &w.bias,
                                          &w.hidden_bias, &w.peepholes[0], &w.peepholes[1],  &w.peepholes[2]};
  if (whole[tensor]) return *whole[tensor];
  Doubles joined;
  for (const Derivatives& by : e.by) {
    const Doubles& part = tensor == 0 ? by.inputs : tensor == 8 ? by.hidden_state : by.states[tensor - kFirstState];
    joined.insert(joined.end(), part.begin(), part.end());
  }
  return joined;
}

// Norm of the difference over norm; a tensor that is all zeros must be exactly so. NaN where anything is NaN.
template <class Number>
double relative_error(const Doubles& expected, const Number* got) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (expected[i] - got[i]) * (expected[i] - got[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / (norm > 0 ? norm : 1));
}

class Report {
 public:
  // `again(rounded)` gives the tensor from a reference that rounds; asked only where the error is above the tolerance.
  template <class Again>
  void compare(const Case& c, const std::string& tensor, const Doubles& expected, const float* got, Again&& again) {
    const double error = relative_error(expected, got);
    ++compared_;
    if (error <= kTolerance) return note(tensor, error);
    const double states = std::fmax(relative_error(expected, again(Rounded::states).data()),
                                    relative_error(expected, again(Rounded::derivatives).data()));
    char words[200];
    std::snprintf(words, sizeof words, ": %s is off by %.2e; rounding states, gates and derivatives alone makes %.2e",
                  tensor.c_str(), error, states);
    if (!(error <= kStatesShare * states)) return fail(c.text() + words);
    std::printf("  note: %s%s\n", c.text().c_str(), words);
    ++magnified_;
  }

  void compare(const Case& c, const std::string& tensor, const Doubles& expected, const float* got) {
    compare(c, tensor, expected, got, [&](Rounded) { return expected; });
  }

  void expect(bool true_, const Case& c, const char* what) {
    if (!true_) fail(c.text() + ": " + what);
  }

  void fail(const std::string& words) {
    if (++failures_ <= 20) std::printf("FAILED %s\n", words.c_str());
  }

  void note(const std::string& what, double value) { worst_[what] = std::fmax(worst_[what], value); }

  double worst(const std::string& what) const { return worst_.at(what); }

  // Whether all went well.
  bool print(const char* of) const {
    std::printf("%s, the worst of each:\n", of);
    for (const auto& [tensor, error] : worst_) std::printf("  %-28s %.2e\n", tensor.c_str(), error);
    if (compared_)
      std::printf("  %d tensors, %d of them beyond %.0e by the rounding of states, gates and derivatives alone\n",
                  compared_, magnified_, kTolerance);
    if (failures_) std::printf("  %d FAILED\n", failures_);
    return failures_ == 0;
  }

 private:
  std::map<std::string, double> worst_;
  int compared_ = 0, magnified_ = 0, failures_ = 0;
};

}  // namespace check
