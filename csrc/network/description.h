// What a network is, as plain data: its layers in order, and what flows between them. Servers and trainers are made from
// one such list.
#pragma once

#include <variant>
#include <vector>

#include "recurrence/problem.h"

namespace latchwork {

// What a sequence's numbers are between two layers: [time, width], or [width] without a time axis, or symbols [time].
struct Form {
  bool has_time;
  bool is_symbols;
  int64_t width;  // 1 of symbols
};

// How the outputs of two ways become one: side by side, or number by number.
LATCHWORK_ENUM(Merge, concat, sum, mul, ave)

struct RecurrentDescription {
  Kind kind;
  int64_t units;
  bool reverse;           // reads from each sequence's last step to its first
  bool both_ways;         // two of them, one reading each way, outputs side by side
  bool return_sequences;  // else the output at the last step read alone, and no time axis
  float dropout, recurrent_dropout;
  int64_t heads = 1;            // of the recurrent weights
  Merge merge = Merge::concat;  // of both ways

  int64_t output_width() const { return both_ways && merge == Merge::concat ? 2 * units : units; }
};

struct DenseDescription {
  int64_t units;
  Activation activation;
  bool tied = false;  // its matrix is the first layer's, an embedding's, transposed; of its own it has the bias alone
};

// A vector and a side input `ahead` [horizon, features] to [horizon, units]:
// out[k] = activation(vector weight + ahead[k] ahead_weight + bias).
struct AheadDescription {
  int64_t units, features;
  Activation activation;
};

struct EmbeddingDescription {
  int64_t symbols, units;
};

// A sequence as one vector: these over its real steps, side by side.
LATCHWORK_ENUM(Pool, first, last, mean, max)
struct PoolingDescription {
  std::vector<Pool> kinds;
};

// Each vector with mean 0 and variance 1, then scaled and shifted.
struct NormDescription {
  float epsilon;
};

struct DropoutDescription {
  float rate;
};

// A vector at each of so many steps.
struct RepeatDescription {
  int64_t times;
};

// A sequence of just so many steps as one vector.
struct FlattenDescription {
  int64_t steps;
};

// activation(the sum over k of weight[k] step[t - before + k] + bias) at each step t, for k from 0 to steps - 1; zeros outside
// of the sequence.
struct ConvolutionDescription {
  int64_t units, steps, before;
  Activation activation;
};

LATCHWORK_ENUM(Nonlinearity, tanh, relu, sigmoid, softmax, elu, selu, softplus, softsign, silu, exponential)
struct NonlinearDescription {
  Nonlinearity kind;
};

using LayerDescription = std::variant<RecurrentDescription, DenseDescription, AheadDescription, EmbeddingDescription,
                                      PoolingDescription, NormDescription, DropoutDescription, RepeatDescription,
                                      FlattenDescription, NonlinearDescription, ConvolutionDescription>;
using NetworkDescription = std::vector<LayerDescription>;

// What a layer gives for what flows into it; std::invalid_argument where it cannot take it.
Form form_after(const LayerDescription& layer, const Form& input);
// How many steps flow out of a layer that so many flow into; 1 where it gives no time axis.
int64_t steps_after(const LayerDescription& layer, bool gives_time, int64_t steps, int64_t horizon);
// How many floats its arrays take, one after the other in the order that its row of the table says.
int64_t parameter_floats(const LayerDescription& layer, const Form& input);
// Multiplications for one step of one sequence, about.
int64_t work_of(const LayerDescription& layer, const Form& input);
// Whether its answer to a step waits for later ones, or is no answer to a step at all.
bool needs_whole_sequences(const LayerDescription& layer);

// Of the whole list. What flows between two layers is found by going through them.
Form form_after(const NetworkDescription& network, Form input);
int64_t parameter_floats(const NetworkDescription& network, Form input);

}  // namespace latchwork
