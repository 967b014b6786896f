// A dense layer for a few rows at a time: for many, a large library's product is faster.
#pragma once

#include "recurrence/job.h"
#include "recurrence/math.h"

namespace latchwork::LATCHWORK_BUILD {

LATCHWORK_INLINE Vec activated(Vec sum, Activation activation) {
  switch (activation) {
    case Activation::tanh: return tanh(sum);
    case Activation::sigmoid: return sigmoid(sum);
    case Activation::relu: return at_least(sum, 0.0f);
    case Activation::none: break;
  }
  return sum;
}

inline void run_dense(const DenseJob& job) {
  for (int64_t row = 0; row < job.rows; ++row) {
    const float* const inputs = job.inputs + row * job.depth;
    float* const outputs = job.outputs + row * job.width;
    for (int64_t column = 0; column < job.width; column += kWidth) {
      const int64_t count = job.width - column < kWidth ? job.width - column : kWidth;
      Vec sum = load(job.bias + column, count);
      for (int64_t k = 0; k < job.depth; ++k) sum += inputs[k] * load(job.weight + k * job.width + column, count);
      store(outputs + column, activated(sum, job.activation), count);
    }
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
