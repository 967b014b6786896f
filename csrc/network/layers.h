// The layers of a network in training: each with its buffers, forward and backward, for one shape of batch.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "network/description.h"
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

// What a network is laid out for: to be evaluated, to give the derivatives by its inputs, or by its parameters as well.
enum class Use { evaluate, differentiate, train };

// Every thread of a team calls `forward` and `backward`, and the team meets afterwards.
class Layer {
 public:
  virtual ~Layer() = default;
  // Before a step, on one thread: the batch's lengths are there.
  virtual void arrange(const StepOf&) {}
  virtual void forward(const StepOf& step, const Team& team) = 0;
  virtual void backward(const StepOf& step, const Team& team) = 0;
  virtual int useful_threads() const { return 1; }
  // After a step, on one thread: the states that the next one begins with are those that this one ended with.
  virtual void carry() {}

  const Flow& output() const { return output_; }

 protected:
  // Makes the output's buffers: of derivatives as well, where they are asked for.
  void make_output(const Flow& like, int64_t width, bool has_time, Use use);
  float* take(int64_t count) { return buffers_.emplace_back(count).data(); }

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

// The vectors of a network's embedding, which a tied layer uses as well; null where none is tied.
struct Tie {
  const float* vectors;  // [symbols, units]
  float* by_vectors;     // the tied layer writes the derivatives, and the embedding adds its own
};

// Where a layer stands in its network.
struct LayerSetting {
  Flow input;
  const int32_t* lengths;  // [rows], or null where every sequence fills the time axis
  const float* ahead;      // [rows, horizon, features], for layers that look ahead
  int64_t horizon;
  const float* parameters;  // its arrays
  float* gradients;         // by them; null unless it is trained
  float* carried;           // its states before a step, carried_floats(); null where each step begins with zeros
  Tie tie;
  uint64_t place;  // tells its random numbers from another layer's
  Use use;
  int threads;  // at most
};

// Floats that a layer carries from step to step, for so many rows; std::invalid_argument where it reads backwards.
int64_t carried_floats(const LayerDescription& layer, int64_t rows);

std::unique_ptr<Layer> make_layer(const RecurrentDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const DenseDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const AheadDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const EmbeddingDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const PoolingDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const NormDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const DropoutDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const RepeatDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const ConvolutionDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const FlattenDescription& layer, const LayerSetting& setting);
std::unique_ptr<Layer> make_layer(const NonlinearDescription& layer, const LayerSetting& setting);

}  // namespace latchwork
