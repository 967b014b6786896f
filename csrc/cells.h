// One step of each cell for a register of units: the equation forward, its mirror backward.
//
// `z` holds a vector per slot. Forward turns the gates' sums into what backward needs; backward turns that into the
// loss's derivative by each sum. Forward has two parts, `begin` and `end`: a tile begins all its rows before it ends any,
// so that the processor finds enough independent work while an exponential is under way. Backward's lines answer forward's from the last to the first, by number.
#pragma once

#include "math.h"
#include "problem.h"

namespace latchwork::LATCHWORK_BUILD {

// What a unit carries besides its hidden state, and the peephole weights of its register.
struct Peepholes {
  Vec input, forget, output;
};

struct ForwardUnits {
  Vec hidden_before;
  Vec cell_before;
  Vec cell;  // written by forward
  Peepholes peepholes;
};

struct BackwardUnits {
  Vec hidden;  // this step's, for the simple RNN
  Vec hidden_before;
  Vec cell;
  Vec cell_before;
  Vec by_hidden;  // in: by this step's hidden state; out: by the one before, without the recurrent product
  Vec by_cell;    // in: by this step's cell; out: by the one before
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
  static constexpr bool kNeedsHiddenBefore = kind == Kind::gru;
  static constexpr bool kNeedsHidden = !kShape.saves_slots;
  // Registers of units that one tile of the product covers.
  static constexpr int kTileUnits = kGates == 1 ? 2 : 1;
};

struct SimpleTanh : CellBase<Kind::simple_tanh> {
  static LATCHWORK_INLINE void begin(Vec*, ForwardUnits&) {}
  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits&) { return tanh(z[0]); }

  static LATCHWORK_INLINE void backward(Vec* z, BackwardUnits& u) {
    z[0] = u.by_hidden * (1.0f - u.hidden * u.hidden);
    u.by_hidden = zero();
  }
};

struct SimpleRelu : CellBase<Kind::simple_relu> {
  static LATCHWORK_INLINE void begin(Vec*, ForwardUnits&) {}
  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits&) {
    return z[0] < 0.0f ? zero() : z[0];  // in this order NaN passes through
  }

  static LATCHWORK_INLINE void backward(Vec* z, BackwardUnits& u) {
    z[0] = u.hidden > 0.0f ? u.by_hidden : zero();
    u.by_hidden = zero();
  }
};

// Slots n (the candidate's sum from the inputs), r, z, and the candidate's sum from the hidden state.
struct Gru : CellBase<Kind::gru> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits&) {
    z[1] = sigmoid(z[1]);  // 1
    z[2] = sigmoid(z[2]);  // 2
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) {
    z[0] = tanh(z[0] + z[1] * z[3]);                // 3
    return z[0] + z[2] * (u.hidden_before - z[0]);  // 4
  }

  static LATCHWORK_INLINE void backward(Vec* z, BackwardUnits& u) {
    const Vec candidate = z[0], reset = z[1], update = z[2], recurrent = z[3];
    const Vec by_update = u.by_hidden * (u.hidden_before - candidate);                        // 4
    const Vec by_candidate = u.by_hidden * (1.0f - update) * (1.0f - candidate * candidate);  // 4, 3
    u.by_hidden = u.by_hidden * update;                                                       // 4
    z[0] = by_candidate;                                                                      // 3
    z[3] = by_candidate * reset;                                                              // 3
    z[2] = by_update * update * (1.0f - update);                                              // 2
    z[1] = by_candidate * recurrent * reset * (1.0f - reset);                                 // 3, 1
  }
};

template <bool with_peepholes>
struct LstmBase : CellBase<with_peepholes ? Kind::peephole_lstm : Kind::lstm> {
  static LATCHWORK_INLINE void begin(Vec* z, ForwardUnits& u) {
    if constexpr (with_peepholes) {
      z[0] += u.peepholes.input * u.cell_before;
      z[1] += u.peepholes.forget * u.cell_before;
    }
    z[0] = sigmoid(z[0]);                         // 1
    z[1] = sigmoid(z[1]);                         // 2
    z[2] = tanh(z[2]);                            // 3
    u.cell = z[1] * u.cell_before + z[0] * z[2];  // 4
    if constexpr (with_peepholes) z[3] += u.peepholes.output * u.cell;
    z[3] = sigmoid(z[3]);  // 5
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) { return z[3] * tanh(u.cell); }  // 6

  static LATCHWORK_INLINE void backward(Vec* z, BackwardUnits& u) {
    const Vec input = z[0], forget = z[1], candidate = z[2], output = z[3];
    const Vec shown = tanh(u.cell);
    z[3] = u.by_hidden * shown * output * (1.0f - output);                    // 6, 5
    Vec by_cell = u.by_cell + u.by_hidden * output * (1.0f - shown * shown);  // 6
    if constexpr (with_peepholes) {
      by_cell += z[3] * u.peepholes.output;
      u.by_peepholes.output = z[3] * u.cell;
    }
    u.by_cell = by_cell * forget;                               // 4
    z[2] = by_cell * input * (1.0f - candidate * candidate);    // 4, 3
    z[1] = by_cell * u.cell_before * forget * (1.0f - forget);  // 4, 2
    z[0] = by_cell * candidate * input * (1.0f - input);        // 4, 1
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
    z[0] = sigmoid(z[0]);                           // 1
    z[1] = tanh(z[1]);                              // 2
    u.cell = z[1] + z[0] * (u.cell_before - z[1]);  // 3
    z[2] = sigmoid(z[2]);                           // 4
  }

  static LATCHWORK_INLINE Vec end(Vec* z, ForwardUnits& u) { return z[2] * tanh(u.cell); }  // 5

  static LATCHWORK_INLINE void backward(Vec* z, BackwardUnits& u) {
    const Vec forget = z[0], candidate = z[1], output = z[2];
    const Vec shown = tanh(u.cell);
    z[2] = u.by_hidden * shown * output * (1.0f - output);                          // 5, 4
    const Vec by_cell = u.by_cell + u.by_hidden * output * (1.0f - shown * shown);  // 5
    u.by_cell = by_cell * forget;                                                   // 3
    z[1] = by_cell * (1.0f - forget) * (1.0f - candidate * candidate);              // 3, 2
    z[0] = by_cell * (u.cell_before - candidate) * forget * (1.0f - forget);        // 3, 1
    u.by_hidden = zero();
  }
};

}  // namespace latchwork::LATCHWORK_BUILD
