// Every kind of cell that the kernels know, and all that is to be said of one but for its equation (cells.h). A new kind
// is a row here and a struct there.
//
// All of a unit's numbers are vectors of one float per unit. A *slot* is one per unit and step: a gate's sum and its value
// in `forward`, the loss's derivative by that sum in `backward`. A *slope* is a derivative inside a step, such as the
// cell's by a gate's sum: `forward` saves them, since it has all that they take at hand. The input product fills the
// slots from `input_slot` on, the recurrent product those from `hidden_slot` on, `gates` of each; they differ for the
// GRU alone, whose slots are n (from the inputs), r, z and n (from the hidden state).
#pragma once

#include "recurrence/enums.h"

// Name, its struct in cells.h, then KindShape's fields: gates, slots, input_slot, hidden_slot, first_gate, slopes; the
// states; the gates of a trace; a second bias, peepholes.
// clang-format off
#define LATCHWORK_KINDS(each)                                                           \
  each(simple_rnn_tanh, SimpleTanh, 1, 1, 0, 0, 0, 0, "hidden", "", false, false)       \
  each(simple_rnn_relu, SimpleRelu, 1, 1, 0, 0, 0, 0, "hidden", "", false, false)       \
  each(gru, Gru, 3, 4, 0, 1, 2, 5, "hidden", "reset, update, candidate", true, false)   \
  each(gru_relu, GruRelu, 3, 4, 0, 1, 2, 5, "hidden", "reset, update, candidate", true, false) \
  each(lstm, Lstm, 4, 4, 0, 0, 0, 6,                                                    \
       "hidden, cell", "input, forget, candidate, output", false, false)                \
  each(lstm_relu, LstmRelu, 4, 4, 0, 0, 0, 6,                                           \
       "hidden, cell", "input, forget, candidate, output", false, false)                \
  each(peephole_lstm, PeepholeLstm, 4, 4, 0, 0, 0, 7,                                   \
       "hidden, cell", "input, forget, candidate, output", false, true)                 \
  each(coupled_lstm, CoupledLstm, 3, 3, 0, 0, 0, 5,                                     \
       "hidden, cell", "input, forget, candidate, output", false, false)                \
  each(slstm_sigmoid, SlstmSigmoid, 4, 4, 0, 0, 0, 12,                                  \
       "hidden, cell, normalizer, stabilizer", "input, forget, candidate, output", false, false) \
  each(slstm_exponential, SlstmExponential, 4, 4, 0, 0, 0, 12,                          \
       "hidden, cell, normalizer, stabilizer", "input, forget, candidate, output", false, false)
// clang-format on

namespace latchwork {

#define LATCHWORK_KIND(kind, Cell, ...) kind,
enum class Kind : int32_t { LATCHWORK_KINDS(LATCHWORK_KIND) };
#undef LATCHWORK_KIND

inline constexpr int kMostStates = 3;  // besides the hidden one

struct KindShape {
  int gates;  // columns of the weights, each `hidden` wide
  int slots;
  int input_slot;            // the first of the input product's
  int hidden_slot;           // the first of the recurrent product's
  int first_gate;            // the column in the first of the input product's slots; the others follow in turn
  int slopes;                // and, of peepholes, the cell; a simple RNN's derivative needs its output only
  const char* state_names;   // "hidden, cell": the hidden state first
  const char* traced_gates;  // what people see of a step besides the states: "input, forget"
  bool has_hidden_bias;      // a second bias, in the recurrent product
  bool has_peepholes;
  int states = count_names(state_names) - 1;  // that the unit alone sees: all but the hidden one
  int traced = count_names(traced_gates);
};

#define LATCHWORK_KIND(kind, Cell, ...) {__VA_ARGS__},
inline constexpr KindShape kKindShapes[] = {LATCHWORK_KINDS(LATCHWORK_KIND)};
#undef LATCHWORK_KIND

inline constexpr int kKinds = sizeof kKindShapes / sizeof kKindShapes[0];

constexpr const KindShape& kind_shape(Kind kind) { return kKindShapes[static_cast<int>(kind)]; }

#define LATCHWORK_KIND(kind, Cell, ...) #kind ", "
constexpr const char* names_of(Kind) { return LATCHWORK_KINDS(LATCHWORK_KIND); }
#undef LATCHWORK_KIND

// The gate, in the order of the weights' columns, that a slot holds.
constexpr int input_gate(Kind kind, int slot) {
  const KindShape& k = kind_shape(kind);
  return (slot - k.input_slot + k.first_gate) % k.gates;
}
constexpr int hidden_gate(Kind kind, int slot) { return slot - kind_shape(kind).hidden_slot; }

}  // namespace latchwork
