// What the kernels are asked to do, as plain data: no Python, no XLA, no SIMD.
//
// All arrays are float32, dense and batch first. Shapes below are C order.
#pragma once

#include <cstdint>

namespace latchwork {

enum class Kind : int32_t { simple_tanh, simple_relu, gru, lstm, peephole_lstm, coupled_lstm };

enum class Activation : int32_t { none, tanh, relu, sigmoid };

// How a kind's numbers lie in memory. A *slot* is one vector per unit and step: a gate's sum and its value in `forward`,
// the loss's derivative by that sum in `backward`. A *slope* is a derivative inside a step, such as the cell's by a
// gate's sum: `forward` saves them, since it has all that they take at hand. The input product fills the slots from
// `input_slot` on, the recurrent product those from `hidden_slot` on, `gates` of each; they differ for the GRU alone,
// whose slots are n (from the inputs), r, z and n (from the hidden state).
struct KindShape {
  int gates;
  int slots;
  int input_slot;
  int hidden_slot;
  int slopes;  // and, of peepholes, the cell; a simple RNN's derivative needs its output only
  bool has_cell;
  bool has_peepholes;
};

constexpr KindShape kind_shape(Kind kind) {
  switch (kind) {
    case Kind::simple_tanh:
    case Kind::simple_relu: return {1, 1, 0, 0, 0, false, false};
    case Kind::gru: return {3, 4, 0, 1, 5, false, false};
    case Kind::lstm: return {4, 4, 0, 0, 6, true, false};
    case Kind::peephole_lstm: return {4, 4, 0, 0, 7, true, true};
    case Kind::coupled_lstm: return {3, 3, 0, 0, 5, true, false};
  }
  return {};
}

// The gate, in the order of the weights' columns, that a slot holds. The GRU's columns are r, z, n.
constexpr int input_gate(Kind kind, int slot) { return kind == Kind::gru ? (slot + 2) % 3 : slot; }
constexpr int hidden_gate(Kind kind, int slot) { return kind == Kind::gru ? slot - 1 : slot; }

struct Shape {
  int64_t batch;
  int64_t time;
  int64_t features;
  int64_t hidden;
};

// One network's operands. Null where it says "or null".
struct Operands {
  const float* inputs;         // [batch, time, features]
  const float* input_weight;   // [features, gates * hidden]
  const float* hidden_weight;  // [hidden, gates * hidden]
  const float* bias;           // [gates * hidden]
  const float* hidden_bias;    // [gates * hidden], the GRU's second bias, else null
  const float* peepholes[3];   // [hidden]: input, forget, output; else null
  const float* hidden_state;   // [batch, hidden] or null for zeros
  const float* cell_state;     // [batch, hidden] or null for zeros
  const float* hidden_mask;    // [batch, hidden] or null for ones
  const int32_t* lengths;      // [batch] or null where every sequence fills the time axis
};

struct Results {
  float* outputs;       // [batch, time, hidden]
  float* final_hidden;  // [batch, hidden]
  float* final_cell;    // [batch, hidden]; null for kinds without a cell
  float* saved;         // saved_floats() for backward, or null where none will follow
  bool saves_gates;     // of these in place of slopes, for people to look at: traced_floats()
};

// What backward is given beside the operands of forward: what forward gave, and the loss's derivatives by it.
struct Cotangents {
  const float* outputs;     // forward's own
  const float* saved;       // forward's own
  const float* by_outputs;  // [batch, time, hidden] or null for zeros
  const float* by_hidden;   // [batch, hidden], by the final state, or null for zeros
  const float* by_cell;     // [batch, hidden], by the final state, or null for zeros
};

// Where each gradient goes, or null where it is not asked for.
struct Gradients {
  float* inputs;
  float* input_weight;
  float* hidden_weight;
  float* bias;
  float* hidden_bias;
  float* peepholes[3];
  float* hidden_state;
  float* cell_state;
};

// Hidden units are padded to whole registers of the widest build, whichever build runs, so that the size of `saved`
// does not depend on the processor.
constexpr int64_t kWidestRegister = 16;

constexpr int64_t padded(int64_t count, int64_t width) { return (count + width - 1) / width * width; }

constexpr int64_t saved_floats(Kind kind, const Shape& shape) {
  return shape.batch * shape.time * padded(shape.hidden, kWidestRegister) * kind_shape(kind).slopes;
}

// What a step's trace has of a unit: its slots, and the cell behind them.
constexpr int traced_vectors(Kind kind) { return kind_shape(kind).slots + (kind_shape(kind).has_cell ? 1 : 0); }

constexpr int64_t traced_floats(Kind kind, const Shape& shape) {
  return shape.batch * shape.time * padded(shape.hidden, kWidestRegister) * traced_vectors(kind);
}

}  // namespace latchwork
