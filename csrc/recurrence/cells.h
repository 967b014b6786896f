// One step of each cell for a register of units: the equation forward, its mirror backward.
//
// `z` holds a vector per slot. Forward turns the gates' sums into the gates, in two parts, `begin` and `end`: a tile
// begins all its rows before it ends any, so that the processor finds enough independent work while an exponential is
// under way. `slopes` makes of them what backward multiplies by: forward has all of it in registers, and backward, which
// reads as much, neither computes a tanh again nor waits for one. Backward makes the loss's derivative by each sum. Its
// lines answer forward's from the last to the first, by number.
#pragma once

#include "recurrence/math.h"
#include "recurrence/problem.h"

namespace latchwork::LATCHWORK_BUILD {

// The peephole weights of a register of units.
struct Peepholes {
  Vec input, forget, output;
};

// `before` and `after` a step: the kind's states but for the hidden one, in its order.
struct ForwardUnits {
  Vec hidden_before;
  Vec before[kMostStates];
  Vec after[kMostStates];  // written by `begin`
  Vec notes[2];            // what a cell hands on from `begin` and `end` to `slopes`
  Peepholes peepholes;
};

struct BackwardUnits {
  Vec hidden;                  // this step's, for the simple RNN
  Vec cell_before;             // for peepholes
  Vec by_hidden;               // in: by this step's hidden state; out: by the one before, without the recurrent product
  Vec by_states[kMostStates];  // in: by this step's states; out: by those before
  Peepholes peepholes;
  Peepholes by_peepholes;  // written by backward
};

LATCHWORK_INLINE Vec zero() { return Vec{}; }

// What a candidate and a cell's memory go through: tanh, or the rectifier.
template <bool is_relu>
LATCHWORK_INLINE Vec bent(Vec x) {
  if constexpr (is_relu)
    return x < 0.0f ? zero() : x;  // in this order NaN passes through
  else
    return tanh(x);
}
// Its slope where it gives y.
template <bool is_relu>
LATCHWORK_INLINE Vec slope_of_bent(Vec y) {
  if constexpr (is_relu)
    return y > 0.0f ? splat(1.0f) : zero();
  else
    return 1.0f - y * y;
}

// What the products of this kind have in common.
template <Kind kind>
struct CellBase {
  static constexpr Kind kKind = kind;
  static constexpr KindShape kShape = kind_shape(kind);
  static constexpr int kGates = kShape.gates;
  static constexpr int kSlots = kShape.slots;
  static constexpr int kInputSlot = kShape.input_slot;
  static constexpr int kHiddenSlot = kShape.hidden_slot;
  static constexpr int kSlopes = kShape.slopes;
  static constexpr int kStates = kShape.states;
  static constexpr int kTraced = kShape.traced;
  static constexpr bool kNeedsHiddenBefore = false;
  static constexpr bool kNeedsHidden = kSlopes == 0;
  // Registers of units that one tile of the product covers.
  static constexpr int kTileUnits = kGates == 1 ? 2 : 1;

  // The gates as people see them, in the order of KindShape's traced_gates.
  static LATCHWORK_INLINE void trace(const Vec* z, Vec* gates) {
    for (int n = 0; n < kTraced; ++n) gates[n] = z[n];
  }
};

struct SimpleTanh : CellBase<Kind::simple_rnn_tanh> {
  static LATCHWORK_INLINE void begin(Vec*, ForwardUnits&) {}
  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits&) { return tanh(z[0]); }
  static LATCHWORK_INLINE void slopes(const Vec*, const ForwardUnits&, Vec, Vec*) {}

  static LATCHWORK_INLINE void backward(const Vec*, Vec* z, BackwardUnits& u) {
    z[0] = u.by_hidden * (1.0f - u.hidden * u.hidden);
    u.by_hidden = zero();
  }
};

struct SimpleRelu : CellBase<Kind::simple_rnn_relu> {
  static LATCHWORK_INLINE void begin(Vec*, ForwardUnits&) {}
  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits&) {
    return z[0] < 0.0f ? zero() : z[0];  // in this order NaN passes through
  }
  static LATCHWORK_INLINE void slopes(const Vec*, const ForwardUnits&, Vec, Vec*) {}

  static LATCHWORK_INLINE void backward(const Vec*, Vec* z, BackwardUnits& u) {
    z[0] = u.hidden > 0.0f ? u.by_hidden : zero();
    u.by_hidden = zero();
  }
};

// Slots n (the candidate's sum from the inputs), r, z, and the candidate's sum from the hidden state.
template <bool is_relu>
struct GruBase : CellBase<is_relu ? Kind::gru_relu : Kind::gru> {
  static constexpr bool kNeedsHiddenBefore = true;
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits&) {
    bend<Curve::sigmoid, Curve::sigmoid>(z + 1);  // 1, 2
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    z[0] = bent<is_relu>(z[0] + z[1] * z[3]);       // 3
    return z[0] + z[2] * (u.hidden_before - z[0]);  // 4
  }

  static LATCHWORK_INLINE void trace(const Vec* z, Vec* gates) {
    gates[0] = z[1];
    gates[1] = z[2];
    gates[2] = z[0];
  }

  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec, Vec* by) {
    const Vec candidate = z[0], reset = z[1], update = z[2], recurrent = z[3];
    by[0] = (u.hidden_before - candidate) * update * (1.0f - update);  // hidden by the update's sum: 4, 2
    by[1] = (1.0f - update) * slope_of_bent<is_relu>(candidate);       // hidden by the candidate's sum: 4, 3
    by[2] = update;                                                    // hidden by the one before: 4
    by[3] = reset;                                                     // the candidate's sum by the recurrent one: 3
    by[4] = recurrent * reset * (1.0f - reset);                        // the candidate's sum by the reset's: 3, 1
  }

  static LATCHWORK_INLINE void backward(const Vec* by, Vec* z, BackwardUnits& u) {
    z[2] = u.by_hidden * by[0];         // 4, 2
    z[0] = u.by_hidden * by[1];         // 4, 3
    u.by_hidden = u.by_hidden * by[2];  // 4
    z[3] = z[0] * by[3];                // 3
    z[1] = z[0] * by[4];                // 3, 1
  }
};

using Gru = GruBase<false>;
using GruRelu = GruBase<true>;

template <bool with_peepholes, bool is_relu = false>
struct LstmBase : CellBase<with_peepholes ? Kind::peephole_lstm
                           : is_relu      ? Kind::lstm_relu
                                          : Kind::lstm> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits& u) {
    if constexpr (with_peepholes) {
      z[0] += u.peepholes.input * u.before[0];
      z[1] += u.peepholes.forget * u.before[0];
      bend<Curve::sigmoid, Curve::sigmoid, Curve::tanh>(z);  // 1, 2, 3
    } else if constexpr (is_relu) {
      z[2] = bent<true>(z[2]);                  // 3
      bend<Curve::sigmoid, Curve::sigmoid>(z);  // 1, 2
      bend<Curve::sigmoid>(z + 3);              // 5
    } else {
      bend<Curve::sigmoid, Curve::sigmoid, Curve::tanh, Curve::sigmoid>(z);  // 1, 2, 3, 5
    }
    u.after[0] = z[1] * u.before[0] + z[0] * z[2];                                         // 4
    if constexpr (with_peepholes) z[3] = sigmoid(z[3] + u.peepholes.output * u.after[0]);  // 5
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    u.notes[0] = bent<is_relu>(u.after[0]);
    return z[3] * u.notes[0];  // 6
  }

  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec hidden, Vec* by) {
    const Vec input = z[0], forget = z[1], candidate = z[2], output = z[3], shown = u.notes[0];
    by[0] = hidden * (1.0f - output);                   // hidden by the output gate's sum: 6, 5
    by[1] = output * slope_of_bent<is_relu>(shown);     // hidden by the cell: 6
    by[2] = forget;                                     // the cell by the one before: 4
    by[3] = input * slope_of_bent<is_relu>(candidate);  // the cell by the candidate's sum: 4, 3
    by[4] = u.before[0] * forget * (1.0f - forget);     // the cell by the forget gate's sum: 4, 2
    by[5] = candidate * input * (1.0f - input);         // the cell by the input gate's sum: 4, 1
    if constexpr (with_peepholes) by[6] = u.after[0];
  }

  static LATCHWORK_INLINE void backward(const Vec* by, Vec* z, BackwardUnits& u) {
    z[3] = u.by_hidden * by[0];                          // 6, 5
    Vec by_cell = u.by_states[0] + u.by_hidden * by[1];  // 6
    if constexpr (with_peepholes) {
      by_cell += z[3] * u.peepholes.output;
      u.by_peepholes.output = z[3] * by[6];
    }
    u.by_states[0] = by_cell * by[2];  // 4
    z[2] = by_cell * by[3];            // 4, 3
    z[1] = by_cell * by[4];            // 4, 2
    z[0] = by_cell * by[5];            // 4, 1
    if constexpr (with_peepholes) {
      u.by_states[0] += z[0] * u.peepholes.input + z[1] * u.peepholes.forget;
      u.by_peepholes.input = z[0] * u.cell_before;
      u.by_peepholes.forget = z[1] * u.cell_before;
    }
    u.by_hidden = zero();
  }
};

using Lstm = LstmBase<false>;
using LstmRelu = LstmBase<false, true>;
using PeepholeLstm = LstmBase<true>;

// Slots f, g, o; the input gate is 1 - f.
struct CoupledLstm : CellBase<Kind::coupled_lstm> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits& u) {
    bend<Curve::sigmoid, Curve::tanh, Curve::sigmoid>(z);  // 1, 2, 4
    u.after[0] = z[1] + z[0] * (u.before[0] - z[1]);       // 3
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    u.notes[0] = tanh(u.after[0]);
    return z[2] * u.notes[0];  // 5
  }

  static LATCHWORK_INLINE void trace(const Vec* z, Vec* gates) {
    gates[0] = 1.0f - z[0];
    for (int n = 0; n < kGates; ++n) gates[n + 1] = z[n];
  }

  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec hidden, Vec* by) {
    const Vec forget = z[0], candidate = z[1], output = z[2], shown = u.notes[0];
    by[0] = hidden * (1.0f - output);                              // hidden by the output gate's sum: 5, 4
    by[1] = output * (1.0f - shown * shown);                       // hidden by the cell: 5
    by[2] = forget;                                                // the cell by the one before: 3
    by[3] = (1.0f - forget) * (1.0f - candidate * candidate);      // the cell by the candidate's sum: 3, 2
    by[4] = (u.before[0] - candidate) * forget * (1.0f - forget);  // the cell by the forget gate's sum: 3, 1
  }

  static LATCHWORK_INLINE void backward(const Vec* by, Vec* z, BackwardUnits& u) {
    z[2] = u.by_hidden * by[0];                                // 5, 4
    const Vec by_cell = u.by_states[0] + u.by_hidden * by[1];  // 5
    u.by_states[0] = by_cell * by[2];                          // 3
    z[1] = by_cell * by[3];                                    // 3, 2
    z[0] = by_cell * by[4];                                    // 3, 1
    u.by_hidden = zero();
  }
};

// Slots i, f, g, o; states cell, normalizer, stabilizer. The gates i and f are exponentials, both shifted by the
// stabilizer m, the larger of their logarithms, so that neither overflows:
//   kept = log f + m,  m' = max(kept, i),  c' = e^(kept - m') c + e^(i - m') g,  n' = e^(kept - m') n + e^(i - m').
// While the normalizer is zero nothing was written yet, and nothing is kept.
template <bool is_sigmoid>
struct SlstmBase : CellBase<is_sigmoid ? Kind::slstm_sigmoid : Kind::slstm_exponential> {
  // Infinities count as numbers that no sum reaches, so that their differences are numbers.
  static constexpr float kFar = 1e37f;

  static LATCHWORK_INLINE Vec bounded(Vec x) { return at_most(at_least(x, -kFar), kFar); }

  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits& u) {
    const Vec cell = u.before[0], normalizer = u.before[1], stabilizer = u.before[2];
    const Vec written = bounded(z[0]), forget = bounded(z[1]);
    bend<Curve::tanh, Curve::sigmoid>(z + 2);                                      // 1, 2
    Vec kept = bounded((is_sigmoid ? log_sigmoid(forget) : forget) + stabilizer);  // 3
    kept = normalizer == 0.0f ? splat(-10.0f * kFar) : kept;                       //
    const Vec most = (kept <= written ? written : kept) + (written - written);     // 4; NaN of either stays
    u.notes[0] = kept <= written ? (kept < written ? zero() : splat(0.5f)) : splat(1.0f);
    u.notes[1] = forget;
    z[0] = exp(written - most);              // 5
    z[1] = exp(kept - most);                 // 6
    u.after[0] = z[1] * cell + z[0] * z[2];  // 7
    u.after[1] = z[1] * normalizer + z[0];   // 8
    u.after[2] = most;
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    return z[3] * (u.after[0] / u.after[1]);  // 9
  }

  // 5 to 9 know i - m' and kept - m' alone: a change of both that leaves the output as it is, is left out of both, not
  // added to one and taken off the other.
  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec hidden, Vec* by) {
    const Vec input = z[0], forget = z[1], candidate = z[2], output = z[3];
    const Vec cell = u.before[0], normalizer = u.before[1], inverse = 1.0f / u.after[1];
    by[0] = hidden * (1.0f - output);                // hidden by the output gate's sum: 9, 2
    by[1] = output * inverse;                        // hidden by the cell: 9
    by[2] = hidden * inverse;                        // minus hidden by the normalizer: 9
    by[3] = forget;                                  // the cell and the normalizer by those before: 7, 8
    by[4] = input * (1.0f - candidate * candidate);  // the cell by the candidate's sum: 7, 1
    by[5] = input * candidate;                       // the cell by the exponent of 5: 7, 5
    by[6] = input;                                   // the normalizer by it: 8, 5
    by[7] = forget * cell;                           // the cell by the exponent of 6: 7, 6
    by[8] = forget * normalizer;                     // the normalizer by it: 8, 6
    by[9] = by[1] * (input * inverse) * (by[8] * candidate - by[7]);  // hidden by the exponent of 5, minus by that of 6
    by[10] = u.notes[0];                                              // the stabilizer by `kept`: 4
    by[11] = is_sigmoid ? sigmoid(-u.notes[1]) : splat(1.0f);         // `kept` by the forget gate's sum: 3
  }

  static LATCHWORK_INLINE void backward(const Vec* by, Vec* z, BackwardUnits& u) {
    const Vec by_cell = u.by_states[0], by_normalizer = u.by_states[1];
    const Vec through_cell = by_cell + u.by_hidden * by[1];              // 9
    const Vec through_normalizer = by_normalizer - u.by_hidden * by[2];  // 9
    const Vec shared = u.by_hidden * by[9];                              // 9
    const Vec written = by_cell * by[5] + by_normalizer * by[6];         // 8, 7, 5
    const Vec kept = by_cell * by[7] + by_normalizer * by[8];            // 8, 7, 6
    const Vec by_most = u.by_states[2] - written - kept;                 // 6, 5: the exponents less the stabilizer
    const Vec by_kept = kept - shared + by_most * by[10];                // 6, 4
    z[0] = written + shared + by_most * (1.0f - by[10]);                 // 5, 4
    z[1] = by_kept * by[11];                                             // 3
    z[2] = through_cell * by[4];                                         // 7, 1
    z[3] = u.by_hidden * by[0];                                          // 9, 2
    u.by_states[0] = through_cell * by[3];                               // 7
    u.by_states[1] = through_normalizer * by[3];                         // 8
    u.by_states[2] = by_kept;                                            // 3
    u.by_hidden = zero();
  }
};

using SlstmSigmoid = SlstmBase<true>;
using SlstmExponential = SlstmBase<false>;

}  // namespace latchwork::LATCHWORK_BUILD
