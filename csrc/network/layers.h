// The layers of a network in training: each with its buffers, forward and backward, for one shape of batch.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "network/learning.h"
#include "recurrence/call.h"
#include "recurrence/kernels.h"

namespace latchwork {

// Floats on cache lines of their own, not cleared.
class Floats {
 public:
  explicit Floats(int64_t count) : loan_(static_cast<std::size_t>(count) * sizeof(float) + 64) {}
  float* data() const { return reinterpret_cast<float*>(loan_.data()); }

 private:
  Loan loan_;
};

// What flows between two layers, and back: [rows, steps, width], or [rows, width] where `has_time` is false (steps is 1).
struct Flow {
  int64_t rows, steps, width;
  bool has_time;
  float* values;
  float* by_values;  // or null where nobody asks for the derivatives
  int32_t* tokens;   // in place of values where symbols flow: [rows, steps], width is 1

  int64_t count() const { return rows * steps * width; }
};

// What a step tells its layers.
struct StepOf {
  uint64_t seed, step;  // what is dropped follows from both, and from the layer's place
  bool drops;
};

// Every thread of a team calls `forward` and `backward`, and the team meets afterwards.
class Layer {
 public:
  virtual ~Layer() = default;
  // Before a step, on one thread: the batch's lengths are there.
  virtual void arrange(const StepOf&) {}
  virtual void forward(const StepOf& step, const Team& team) = 0;
  virtual void backward(const StepOf& step, const Team& team) = 0;
  virtual int useful_threads() const { return 1; }

  const Flow& output() const { return output_; }

 protected:
  // Makes the output's buffers; the derivatives' where the network is trained.
  void make_output(const Flow& like, int64_t width, bool has_time, bool trains);

  Flow output_{};
  std::vector<Floats> buffers_;
};

struct Part {
  int64_t begin, end;
};

// The part of `count` numbers that falls to a thread, cut at multiples of `grain`.
inline Part part_of(int64_t count, const Team& team, int64_t grain = 1) {
  const int64_t grains = (count + grain - 1) / grain;
  return {std::min(count, grains * team.rank / team.size * grain),
          std::min(count, grains * (team.rank + 1) / team.size * grain)};
}

constexpr int64_t kDrawn = 4;  // random numbers that are drawn at once

// Where a layer's arrays are among all parameters, and their gradients likewise; null where it is not trained.
struct Arrays {
  const float* parameters;
  float* gradients;
};

struct RecurrentLayout {
  Kind kind;
  int64_t hidden;
  bool reverse, last_only;
  float dropout, recurrent_dropout;
  int64_t heads = 1;
};

// How many floats a recurrent layer's arrays take, in the order input_weight, hidden_weight, bias(es), peepholes.
int64_t recurrent_floats(const RecurrentLayout& layout, int64_t features);

// `lengths` [rows] or null; `place` tells a layer's random numbers from another's.
std::unique_ptr<Layer> make_recurrent(const Flow& input, const RecurrentLayout& layout, const int32_t* lengths,
                                      Arrays arrays, uint64_t place, bool trains, int threads);
// Two of them, one reading each way, outputs side by side; the forward one's arrays first.
std::unique_ptr<Layer> make_bidirectional(const Flow& input, const RecurrentLayout& layout, const int32_t* lengths,
                                          Arrays arrays, uint64_t place, bool trains, int threads);
std::unique_ptr<Layer> make_dense(const Flow& input, int64_t width, Activation activation, Arrays arrays, bool trains);
std::unique_ptr<Layer> make_dropout(const Flow& input, float rate, uint64_t place, bool trains);
// A sequence as one vector: these kinds over its real steps, side by side.
LATCHWORK_ENUM(Pool, first, last, mean, max)
std::unique_ptr<Layer> make_pooling(const Flow& input, std::vector<Pool> kinds, const int32_t* lengths, bool trains);
// A vector of `width` for each of so many symbols; arrays weight [symbols, width].
std::unique_ptr<Layer> make_embedding(const Flow& input, int64_t symbols, int64_t width, Arrays arrays, bool trains);
// Each vector with mean 0 and variance 1, then scaled and shifted; arrays scale, offset.
std::unique_ptr<Layer> make_norm(const Flow& input, float epsilon, Arrays arrays, bool trains);

}  // namespace latchwork
