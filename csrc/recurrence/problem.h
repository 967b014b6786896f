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
  int64_t heads = 1;  // of the recurrent weights: each unit reads those of its own head alone
};

// One network's operands. Null where it says "or null".
struct Operands {
  const float* inputs;        // [batch, time, features]
  const float* input_weight;  // [features, gates * hidden]
  // [hidden, gates * hidden / heads]: row r belongs to head r / (hidden / heads); its columns are that head's units, gate
  // by gate.
  const float* hidden_weight;
  const float* bias;                 // [gates * hidden]
  const float* hidden_bias;          // [gates * hidden], of kinds with a second bias, else null
  const float* peepholes[3];         // [hidden]: input, forget, output; else null
  const float* hidden_state;         // [batch, hidden] or null for zeros
  const float* states[kMostStates];  // the same of the kind's other states, in their order
  const float* hidden_mask;          // [batch, hidden] or null for ones
  const int32_t* lengths;            // [batch] or null where every sequence fills the time axis
};

struct Results {
  float* outputs;                    // [batch, time, hidden]
  float* final_hidden;               // [batch, hidden] or null
  float* final_states[kMostStates];  // [batch, hidden] each, or null
  float* saved;                      // saved_floats() for backward, or null where none will follow
  bool traces;                       // saves what people look at in place of slopes: traced_floats()
};

// What backward is given beside the operands of forward: what forward gave, and the loss's derivatives by it.
struct Cotangents {
  const float* outputs;                 // forward's own
  const float* saved;                   // forward's own
  const float* by_outputs;              // [batch, time, hidden] or null for zeros
  const float* by_hidden;               // [batch, hidden], by the final state, or null for zeros
  const float* by_states[kMostStates];  // [batch, hidden], by the other final states, or null for zeros
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
  float* states[kMostStates];
};

// Hidden units are padded to whole registers of the widest build, whichever build runs, so that the size of `saved`
// does not depend on the processor.
constexpr int64_t kWidestRegister = 16;

constexpr int64_t padded(int64_t count, int64_t width) { return (count + width - 1) / width * width; }

constexpr int64_t saved_floats(Kind kind, const Shape& shape) {
  return shape.batch * shape.time * padded(shape.hidden, kWidestRegister) * kind_shape(kind).slopes;
}

// What a step's trace saves of a unit: its gates as people see them, then its states; forward writes the outputs anyway.
constexpr int traced_vectors(Kind kind) { return kind_shape(kind).traced + kind_shape(kind).states; }

constexpr int64_t traced_floats(Kind kind, const Shape& shape) {
  return shape.batch * shape.time * padded(shape.hidden, kWidestRegister) * traced_vectors(kind);
}

}  // namespace latchwork
