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

// What a unit carries besides its hidden state, and the peephole weights of its register.
struct Peepholes {
  Vec input, forget, output;
};

struct ForwardUnits {
  Vec hidden_before;
  Vec cell_before;
  Vec cell;   // written by forward, as the next
  Vec shown;  // tanh(cell)
  Peepholes peepholes;
};

struct BackwardUnits {
  Vec hidden;       // this step's, for the simple RNN
  Vec cell_before;  // for peepholes
  Vec by_hidden;    // in: by this step's hidden state; out: by the one before, without the recurrent product
  Vec by_cell;      // in: by this step's cell; out: by the one before
  Peepholes peepholes;
  Peepholes by_peepholes;  // written by backward
};

LATCHWORK_INLINE Vec zero() { return Vec{}; }

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
  static constexpr bool kNeedsHiddenBefore = kind == Kind::gru;
  static constexpr bool kNeedsHidden = kSlopes == 0;
  // Registers of units that one tile of the product covers.
  static constexpr int kTileUnits = kGates == 1 ? 2 : 1;
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
struct Gru : CellBase<Kind::gru> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits&) {
    bend<Curve::sigmoid, Curve::sigmoid>(z + 1);  // 1, 2
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    z[0] = tanh(z[0] + z[1] * z[3]);                // 3
    return z[0] + z[2] * (u.hidden_before - z[0]);  // 4
  }

  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec, Vec* by) {
    const Vec candidate = z[0], reset = z[1], update = z[2], recurrent = z[3];
    by[0] = (u.hidden_before - candidate) * update * (1.0f - update);  // hidden by the update's sum: 4, 2
    by[1] = (1.0f - update) * (1.0f - candidate * candidate);          // hidden by the candidate's sum: 4, 3
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

template <bool with_peepholes>
struct LstmBase : CellBase<with_peepholes ? Kind::peephole_lstm : Kind::lstm> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits& u) {
    if constexpr (with_peepholes) {
      z[0] += u.peepholes.input * u.cell_before;
      z[1] += u.peepholes.forget * u.cell_before;
      bend<Curve::sigmoid, Curve::sigmoid, Curve::tanh>(z);  // 1, 2, 3
    } else {
      bend<Curve::sigmoid, Curve::sigmoid, Curve::tanh, Curve::sigmoid>(z);  // 1, 2, 3, 5
    }
    u.cell = z[1] * u.cell_before + z[0] * z[2];                                       // 4
    if constexpr (with_peepholes) z[3] = sigmoid(z[3] + u.peepholes.output * u.cell);  // 5
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    u.shown = tanh(u.cell);
    return z[3] * u.shown;  // 6
  }

  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec hidden, Vec* by) {
    const Vec input = z[0], forget = z[1], candidate = z[2], output = z[3];
    by[0] = hidden * (1.0f - output);                  // hidden by the output gate's sum: 6, 5
    by[1] = output * (1.0f - u.shown * u.shown);       // hidden by the cell: 6
    by[2] = forget;                                    // the cell by the one before: 4
    by[3] = input * (1.0f - candidate * candidate);    // the cell by the candidate's sum: 4, 3
    by[4] = u.cell_before * forget * (1.0f - forget);  // the cell by the forget gate's sum: 4, 2
    by[5] = candidate * input * (1.0f - input);        // the cell by the input gate's sum: 4, 1
    if constexpr (with_peepholes) by[6] = u.cell;
  }

  static LATCHWORK_INLINE void backward(const Vec* by, Vec* z, BackwardUnits& u) {
    z[3] = u.by_hidden * by[0];                     // 6, 5
    Vec by_cell = u.by_cell + u.by_hidden * by[1];  // 6
    if constexpr (with_peepholes) {
      by_cell += z[3] * u.peepholes.output;
      u.by_peepholes.output = z[3] * by[6];
    }
    u.by_cell = by_cell * by[2];  // 4
    z[2] = by_cell * by[3];       // 4, 3
    z[1] = by_cell * by[4];       // 4, 2
    z[0] = by_cell * by[5];       // 4, 1
    if constexpr (with_peepholes) {
      u.by_cell += z[0] * u.peepholes.input + z[1] * u.peepholes.forget;
      u.by_peepholes.input = z[0] * u.cell_before;
      u.by_peepholes.forget = z[1] * u.cell_before;
    }
    u.by_hidden = zero();
  }
};

using Lstm = LstmBase<false>;
using PeepholeLstm = LstmBase<true>;

// Slots f, g, o; the input gate is 1 - f.
struct CoupledLstm : CellBase<Kind::coupled_lstm> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits& u) {
    bend<Curve::sigmoid, Curve::tanh, Curve::sigmoid>(z);  // 1, 2, 4
    u.cell = z[1] + z[0] * (u.cell_before - z[1]);         // 3
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    u.shown = tanh(u.cell);
    return z[2] * u.shown;  // 5
  }

  static LATCHWORK_INLINE void slopes(const Vec* z, const ForwardUnits& u, Vec hidden, Vec* by) {
    const Vec forget = z[0], candidate = z[1], output = z[2];
    by[0] = hidden * (1.0f - output);                                // hidden by the output gate's sum: 5, 4
    by[1] = output * (1.0f - u.shown * u.shown);                     // hidden by the cell: 5
    by[2] = forget;                                                  // the cell by the one before: 3
    by[3] = (1.0f - forget) * (1.0f - candidate * candidate);        // the cell by the candidate's sum: 3, 2
    by[4] = (u.cell_before - candidate) * forget * (1.0f - forget);  // the cell by the forget gate's sum: 3, 1
  }

  static LATCHWORK_INLINE void backward(const Vec* by, Vec* z, BackwardUnits& u) {
    z[2] = u.by_hidden * by[0];                           // 5, 4
    const Vec by_cell = u.by_cell + u.by_hidden * by[1];  // 5
    u.by_cell = by_cell * by[2];                          // 3
    z[1] = by_cell * by[3];                               // 3, 2
    z[0] = by_cell * by[4];                               // 3, 1
    u.by_hidden = zero();
  }
};

}  // namespace latchwork::LATCHWORK_BUILD
