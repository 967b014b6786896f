// The cells in double precision, written out plainly: what the kernels are compared with, forward and backward.
//
// One sequence at a time, one unit at a time. Nothing is shared with the kernels but the kinds and the order of the
// weights, so that a mistake would have to be made twice.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "recurrence/problem.h"

namespace check {

using latchwork::Kind;
using latchwork::kMostStates;
using Doubles = std::vector<double>;

struct Network {
  Kind kind;
  int64_t features, hidden;
  Doubles input_weight, hidden_weight, bias, hidden_bias, peepholes[3];

  int64_t gates() const { return latchwork::kind_shape(kind).gates; }
  int states() const { return latchwork::kind_shape(kind).states; }
  bool has_peepholes() const { return latchwork::kind_shape(kind).has_peepholes; }
};

// One sequence: what goes in, what comes out. Vectors of states are [hidden].
struct Sequence {
  int64_t length, time;  // real steps, and all of them
  bool reverse;
  Doubles inputs;  // [time, features]
  Doubles hidden_state, states[kMostStates], mask;
  Doubles outputs;  // [time, hidden]
  Doubles final_hidden, final_states[kMostStates];
  Doubles traced;  // [traced_vectors, time, hidden]: the gates as people see them, then the states
};

// The loss's derivatives by a sequence's results, and then by what went in.
struct Derivatives {
  Doubles by_outputs, by_final_hidden, by_final_states[kMostStates];
  Doubles inputs, hidden_state, states[kMostStates];
};

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// What a step of one unit computes; the names are the papers' own.
struct Unit {
  double i = 0, f = 0, g = 0, o = 0;            // LSTM
  double r = 0, z = 0, n = 0, recurrent_n = 0;  // GRU
  double share = 0, by_forget = 0;              // sLSTM: of the stabilizer that is the old one's; log f by f
  double hidden_before = 0, hidden = 0;
  double before[kMostStates] = {}, after[kMostStates] = {};  // the other states
};

// What people see of a unit's step: its gates.
inline Doubles gates_of(Kind kind, const Unit& u) {
  switch (kind) {
    case Kind::simple_rnn_tanh:
    case Kind::simple_rnn_relu: return {};
    case Kind::gru:
    case Kind::gru_relu: return {u.r, u.z, u.n};
    case Kind::lstm:
    case Kind::lstm_relu:
    case Kind::peephole_lstm:
    case Kind::coupled_lstm:
    case Kind::slstm_sigmoid:
    case Kind::slstm_exponential: return {u.i, u.f, u.g, u.o};
  }
  return {};
}

inline double peephole(const Network& net, int which, int64_t unit) {
  return net.has_peepholes() ? net.peepholes[which][unit] : 0;
}

// What a candidate and an LSTM's memory go through, and its slope where it gives y.
inline double bent(Kind kind, double x) {
  return kind == Kind::lstm_relu || kind == Kind::gru_relu ? std::fmax(x, 0.0) : std::tanh(x);
}
inline double slope_of_bent(Kind kind, double y) {
  return kind == Kind::lstm_relu || kind == Kind::gru_relu ? (y > 0 ? 1.0 : 0.0) : 1 - y * y;
}

// `x` and `h` hold the gates' sums for one unit, from the inputs and from the hidden state, biases included.
inline void step_unit(const Network& net, int64_t unit, const double* x, const double* h, Unit& u) {
  const double cell_before = u.before[0];
  double& cell = u.after[0];
  switch (net.kind) {
    case Kind::simple_rnn_tanh: u.hidden = std::tanh(x[0] + h[0]); return;
    case Kind::simple_rnn_relu: u.hidden = std::fmax(x[0] + h[0], 0.0); return;
    case Kind::gru:
    case Kind::gru_relu:
      u.r = sigmoid(x[0] + h[0]);
      u.z = sigmoid(x[1] + h[1]);
      u.recurrent_n = h[2];
      u.n = bent(net.kind, x[2] + u.r * h[2]);
      u.hidden = (1 - u.z) * u.n + u.z * u.hidden_before;
      return;
    case Kind::lstm:
    case Kind::lstm_relu:
    case Kind::peephole_lstm:
      u.i = sigmoid(x[0] + h[0] + peephole(net, 0, unit) * cell_before);
      u.f = sigmoid(x[1] + h[1] + peephole(net, 1, unit) * cell_before);
      u.g = bent(net.kind, x[2] + h[2]);
      cell = u.f * cell_before + u.i * u.g;
      u.o = sigmoid(x[3] + h[3] + peephole(net, 2, unit) * cell);
      u.hidden = u.o * bent(net.kind, cell);
      return;
    case Kind::coupled_lstm:
      u.f = sigmoid(x[0] + h[0]);
      u.g = std::tanh(x[1] + h[1]);
      u.i = 1 - u.f;
      cell = u.f * cell_before + u.i * u.g;
      u.o = sigmoid(x[2] + h[2]);
      u.hidden = u.o * std::tanh(cell);
      return;
    case Kind::slstm_sigmoid:
    case Kind::slstm_exponential: {
      const double i = x[0] + h[0], f = x[1] + h[1], normalizer = u.before[1], stabilizer = u.before[2];
      const bool is_sigmoid = net.kind == Kind::slstm_sigmoid;
      const double log_f = is_sigmoid ? std::fmin(f, 0) - std::log1p(std::exp(-std::fabs(f))) : f;
      const double kept = normalizer == 0 ? -HUGE_VAL : log_f + stabilizer;
      const double most = std::fmax(kept, i);
      u.share = kept > i ? 1 : kept == i ? 0.5 : 0;
      u.by_forget = is_sigmoid ? sigmoid(-f) : 1;
      u.i = std::exp(i - most);
      u.f = std::exp(kept - most);
      u.g = std::tanh(x[2] + h[2]);
      u.o = sigmoid(x[3] + h[3]);
      cell = u.f * cell_before + u.i * u.g;
      u.after[1] = u.f * normalizer + u.i;
      u.after[2] = most;
      u.hidden = u.o * cell / u.after[1];
    }
  }
}

// Given the loss's derivatives by the unit's hidden state and others, those by its sums: `x`, `h`; and by what it was
// given besides: the states before (in `by_states`), the hidden state before but for the product (in `by_hidden`).
inline void step_unit_back(const Network& net, int64_t unit, const Unit& u, double& by_hidden, double* by_states,
                           double* x, double* h, double* by_peepholes) {
  const double dh = by_hidden, cell_before = u.before[0], cell = u.after[0];
  double& by_cell = by_states[0];
  by_hidden = 0;
  const auto both = [&](int gate, double by_sum) { x[gate] = h[gate] = by_sum; };
  const double shown = bent(net.kind, cell);
  switch (net.kind) {
    case Kind::simple_rnn_tanh: both(0, dh * (1 - u.hidden * u.hidden)); return;
    case Kind::simple_rnn_relu: both(0, u.hidden > 0 ? dh : 0); return;
    case Kind::gru:
    case Kind::gru_relu: {
      const double by_n = dh * (1 - u.z) * slope_of_bent(net.kind, u.n);
      both(0, by_n * u.recurrent_n * u.r * (1 - u.r));
      both(1, dh * (u.hidden_before - u.n) * u.z * (1 - u.z));
      x[2] = by_n;
      h[2] = by_n * u.r;
      by_hidden = dh * u.z;
      return;
    }
    case Kind::lstm:
    case Kind::lstm_relu:
    case Kind::peephole_lstm: {
      const double by_o = dh * shown * u.o * (1 - u.o);
      const double dc = by_cell + dh * u.o * slope_of_bent(net.kind, shown) + by_o * peephole(net, 2, unit);
      const double by_i = dc * u.g * u.i * (1 - u.i);
      const double by_f = dc * cell_before * u.f * (1 - u.f);
      both(0, by_i);
      both(1, by_f);
      both(2, dc * u.i * slope_of_bent(net.kind, u.g));
      both(3, by_o);
      by_cell = dc * u.f + by_i * peephole(net, 0, unit) + by_f * peephole(net, 1, unit);
      by_peepholes[0] = by_i * cell_before;
      by_peepholes[1] = by_f * cell_before;
      by_peepholes[2] = by_o * cell;
      return;
    }
    case Kind::coupled_lstm: {
      const double dc = by_cell + dh * u.o * (1 - shown * shown);
      both(0, dc * (cell_before - u.g) * u.f * (1 - u.f));
      both(1, dc * (1 - u.f) * (1 - u.g * u.g));
      both(2, dh * shown * u.o * (1 - u.o));
      by_cell = dc * u.f;
      return;
    }
    case Kind::slstm_sigmoid:
    case Kind::slstm_exponential: {
      const double normalizer = u.after[1];
      const double dc = by_cell + dh * u.o / normalizer, dn = by_states[1] - dh * u.hidden / normalizer;
      const double by_i = (dc * u.g + dn) * u.i, by_f = (dc * cell_before + dn * u.before[1]) * u.f;
      const double by_most = by_states[2] - by_i - by_f, by_kept = by_f + u.share * by_most;
      both(0, by_i + (1 - u.share) * by_most);
      both(1, by_kept * u.by_forget);
      both(2, dc * u.i * (1 - u.g * u.g));
      both(3, dh * u.hidden * (1 - u.o));
      by_cell = dc * u.f;
      by_states[1] = dn * u.f;
      by_states[2] = by_kept;
    }
  }
}

// What the reference rounds to float on its way, to show what is lost in any float32 network, however exact otherwise:
// `states` hands a step's states on and keeps its gates for backward as floats (1 - f of a gate that is nearly open);
// `derivatives` hands those by the gates' sums back as floats too (a weight's, in which the steps' nearly cancel).
enum class Rounded { nothing, states, derivatives };

// Runs a sequence forward, then backward: its derivatives by the weights are added to `into`.
class Run {
 public:
  Run(const Network& net, Sequence& sequence, Rounded rounded)
      : net_(net), sequence_(sequence), rounded_(rounded), units_(sequence.length) {
    const auto kept = [&](double& value) {
      return rounded == Rounded::nothing ? value : value = static_cast<float>(value);
    };
    sequence.outputs.assign(sequence.time * net.hidden, 0.0);
    sequence.traced.assign(latchwork::traced_vectors(net.kind) * sequence.time * net.hidden, 0.0);
    Doubles hidden = sequence.hidden_state, states[kMostStates];
    for (int s = 0; s < net.states(); ++s) states[s] = sequence.states[s];
    for (int64_t step = 0; step < sequence.length; ++step) {
      const int64_t at = time_of(step);
      units_[step].resize(net.hidden);
      Doubles x = net.bias, h = net.hidden_bias;
      h.resize(net.bias.size());
      add_product(&sequence.inputs[at * net.features], net.input_weight, net.features, x);
      Doubles masked = hidden;
      for (int64_t unit = 0; unit < net.hidden; ++unit) masked[unit] *= sequence.mask[unit];
      add_product(masked.data(), net.hidden_weight, net.hidden, h);
      for (int64_t unit = 0; unit < net.hidden; ++unit) {
        Unit& u = units_[step][unit];
        double unit_x[4], unit_h[4];
        for (int64_t gate = 0; gate < net.gates(); ++gate) {
          unit_x[gate] = x[gate * net.hidden + unit];
          unit_h[gate] = h[gate * net.hidden + unit];
        }
        u.hidden_before = hidden[unit];
        for (int s = 0; s < net.states(); ++s) u.before[s] = states[s][unit];
        step_unit(net, unit, unit_x, unit_h, u);
        for (double* gate : {&u.i, &u.f, &u.g, &u.o, &u.r, &u.z, &u.n, &u.recurrent_n}) kept(*gate);
      }
      for (int64_t unit = 0; unit < net.hidden; ++unit) {
        hidden[unit] = sequence.outputs[at * net.hidden + unit] = kept(units_[step][unit].hidden);
        for (int s = 0; s < net.states(); ++s) states[s][unit] = kept(units_[step][unit].after[s]);
        Doubles seen = gates_of(net.kind, units_[step][unit]);
        seen.insert(seen.end(), units_[step][unit].after, units_[step][unit].after + net.states());
        for (std::size_t vector = 0; vector < seen.size(); ++vector)
          sequence.traced[(vector * sequence.time + at) * net.hidden + unit] = seen[vector];
      }
    }
    sequence.final_hidden = hidden;
    for (int s = 0; s < net.states(); ++s) sequence.final_states[s] = states[s];
  }

  void backward(Derivatives& by, Network& into) const {
    const int64_t gates = net_.gates(), hidden = net_.hidden, columns = gates * hidden;
    Doubles by_hidden = by.by_final_hidden;
    std::vector<std::array<double, kMostStates>> by_states(hidden);  // by unit
    for (int64_t unit = 0; unit < hidden; ++unit)
      for (int s = 0; s < net_.states(); ++s) by_states[unit][s] = by.by_final_states[s][unit];
    by.inputs.assign(sequence_.time * net_.features, 0.0);
    for (int64_t step = sequence_.length - 1; step >= 0; --step) {
      const int64_t at = time_of(step);
      Doubles x(columns), h(columns);
      for (int64_t unit = 0; unit < hidden; ++unit) {
        by_hidden[unit] += by.by_outputs[at * hidden + unit];
        double by_x[4], by_h[4], by_peepholes[3] = {};
        step_unit_back(net_, unit, units_[step][unit], by_hidden[unit], by_states[unit].data(), by_x, by_h,
                       by_peepholes);
        if (rounded_ == Rounded::derivatives) {
          for (int64_t gate = 0; gate < gates; ++gate) {
            by_x[gate] = static_cast<float>(by_x[gate]);
            by_h[gate] = static_cast<float>(by_h[gate]);
          }
          for (double& by : by_peepholes) by = static_cast<float>(by);
          by_hidden[unit] = static_cast<float>(by_hidden[unit]);
          for (double& by : by_states[unit]) by = static_cast<float>(by);
        }
        for (int64_t gate = 0; gate < gates; ++gate) {
          x[gate * hidden + unit] = by_x[gate];
          h[gate * hidden + unit] = by_h[gate];
        }
        if (net_.has_peepholes())
          for (int which = 0; which < 3; ++which) into.peepholes[which][unit] += by_peepholes[which];
      }
      for (int64_t column = 0; column < columns; ++column) {
        into.bias[column] += x[column];
        if (!into.hidden_bias.empty()) into.hidden_bias[column] += h[column];
      }
      for (int64_t k = 0; k < net_.features; ++k)
        by.inputs[at * net_.features + k] +=
            product_back(sequence_.inputs[at * net_.features + k], net_.input_weight, k, x, into.input_weight);
      for (int64_t k = 0; k < hidden; ++k)
        by_hidden[k] += sequence_.mask[k] * product_back(units_[step][k].hidden_before * sequence_.mask[k],
                                                         net_.hidden_weight, k, h, into.hidden_weight);
    }
    by.hidden_state = by_hidden;
    for (int s = 0; s < net_.states(); ++s) {
      by.states[s].clear();
      for (int64_t unit = 0; unit < hidden; ++unit) by.states[s].push_back(by_states[unit][s]);
    }
  }

 private:
  int64_t time_of(int64_t step) const { return sequence_.reverse ? sequence_.length - 1 - step : step; }

  // sums += row * weight, for `depth` rows of weight.
  static void add_product(const double* row, const Doubles& weight, int64_t depth, Doubles& sums) {
    for (int64_t k = 0; k < depth; ++k)
      for (std::size_t column = 0; column < sums.size(); ++column)
        sums[column] += row[k] * weight[k * sums.size() + column];
  }

  // The derivative by the k-th factor of a product, given those by its sums; adds that by the k-th row of the weight.
  static double product_back(double factor, const Doubles& weight, int64_t k, const Doubles& by_sums,
                             Doubles& by_weight) {
    double by_factor = 0;
    const std::size_t row = k * by_sums.size();
    for (std::size_t column = 0; column < by_sums.size(); ++column) {
      by_weight[row + column] += factor * by_sums[column];
      by_factor += weight[row + column] * by_sums[column];
    }
    return by_factor;
  }

  const Network& net_;
  const Sequence& sequence_;
  const Rounded rounded_;
  std::vector<std::vector<Unit>> units_;  // [steps][units]
};

}  // namespace check
