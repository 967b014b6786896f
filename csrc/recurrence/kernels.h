// The kernels' door: forward and backward through time, for any number of independent networks of one shape.
#pragma once

#include "recurrence/job.h"
#include "recurrence/unpack.h"

namespace latchwork {

// The build that runs (builds.h).
const Engine& engine();

// `threads` is how many the call may use; its results do not depend on it.
void forward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
             int64_t members, int threads);

// Forward of one network that keeps all it computes; for kinds that save slots. The outputs are the last of the planes.
void trace(Kind kind, const Shape& shape, bool reverse, const Operands& operands, float* planes, float* final_hidden,
           float* final_cell, int threads);

// One network's weights, packed once for any number of forward calls. It may be used from many threads at a time.
class Weights {
 public:
  // Reads the weights of `given` alone.
  Weights(Kind kind, int64_t features, int64_t hidden, const Operands& given);
  ~Weights();
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  Kind kind() const { return kind_; }
  int64_t features() const { return features_; }
  int64_t hidden() const { return hidden_; }

  // `given` brings the inputs, states, mask and lengths.
  void forward(int64_t batch, int64_t time, bool reverse, const Operands& given, const Results& results,
               int threads) const;

 private:
  Kind kind_;
  int64_t features_, hidden_;
  float* packed_;
};

void backward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Cotangents* cotangents,
              const Gradients* gradients, int64_t members, int threads);

// Operations a second that `threads` cores reach with multiply-adds between registers: no kernel can be faster.
double fma_peak(int threads);

}  // namespace latchwork
