// A whole small network for one answer at a time: recurrent layers and dense ones, one after the other, in one call.
#pragma once

#include <memory>
#include <vector>

#include "recurrence/kernels.h"

namespace latchwork {

// What a chain remembers between two steps: each recurrent layer's states in their order, each [batch, hidden].
struct ChainState {
  int64_t batch;
  std::vector<float> values;
};

// Built once, by appending layers; then it changes nothing in itself, and any number of threads may use it.
class Chain {
 public:
  // Inputs go through (value - offset) / scale first; both [features], in double as they were fitted.
  Chain(int64_t features, std::vector<double> offset, std::vector<double> scale);
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // `last_only`: the layer gives its output at each sequence's last step read, and no time axis.
  void add_recurrent(std::unique_ptr<const Weights> weights, bool reverse, bool last_only);
  void add_dense(const float* weight, const float* bias, int64_t outputs, Activation activation);

  int64_t features() const { return features_; }
  int64_t outputs() const { return width_; }
  bool keeps_time() const { return keeps_time_; }
  // Multiplications for one step of one sequence.
  int64_t work() const { return work_; }
  ChainState initial_state(int64_t batch) const;

  // Outputs [batch, outputs], or [batch, time, outputs] where no layer takes the last step alone. False, and nothing
  // done, where an input is not finite.
  bool run(int64_t batch, int64_t time, const float* inputs, const int32_t* lengths, float* outputs) const;

  // One step from inputs [batch, features]: the outputs [batch, outputs] were it the last, and the state after it.
  bool step(const float* inputs, const ChainState& before, ChainState& after, float* outputs) const;

 private:
  struct Layer {
    std::unique_ptr<const Weights> weights;  // of a recurrent layer, else null
    bool reverse, last_only;
    std::vector<float> weight, bias;  // of a dense layer
    Activation activation;
    int64_t width;  // of its outputs
  };

  bool scale(const float* inputs, int64_t rows, float* scaled) const;

  int64_t features_, width_, widest_, work_ = 0;
  bool keeps_time_ = true;
  std::vector<double> offset_, scale_;
  std::vector<Layer> layers_;
};

// Each row's probabilities in place of its scores, [rows, width].
void softmax(int64_t rows, int64_t width, float* scores);

}  // namespace latchwork
