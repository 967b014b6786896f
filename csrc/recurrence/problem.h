// What the kernels are asked to do, as plain data: no Python, no XLA, no SIMD.
//
// All arrays are float32, dense and batch first. Shapes below are C order.
#pragma once

#include <cstdint>

#include "recurrence/kinds.h"

namespace latchwork {

LATCHWORK_ENUM(Activation, none, tanh, relu, sigmoid)

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
