// What layers without a product do to one row, in training and in serving alike.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "network/description.h"

namespace latchwork {

// A row with mean 0 and variance 1; returns what its distances from the mean were multiplied by.
inline float normalise(const float* from, int64_t width, float epsilon, float* normal) {
  float sum = 0, squares = 0;
  for (int64_t i = 0; i < width; ++i) sum += from[i];
  const float mean = sum / static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i) {
    normal[i] = from[i] - mean;
    squares += normal[i] * normal[i];
  }
  const float spread = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
  for (int64_t i = 0; i < width; ++i) normal[i] *= spread;
  return spread;
}

// Adds to sums, or to the largest so far, what further steps [steps, width] bring.
inline void pool_total(const float* from, int64_t steps, int64_t width, float* total) {
  for (int64_t step = 0; step < steps; ++step, from += width)
    for (int64_t i = 0; i < width; ++i) total[i] += from[i];
}

inline void pool_largest(const float* from, int64_t steps, int64_t width, float* largest) {
  for (int64_t step = 0; step < steps; ++step, from += width)
    for (int64_t i = 0; i < width; ++i)
      if (!(from[i] <= largest[i])) largest[i] = from[i];
}

// A sequence's `steps` real steps [steps, width] as one vector.
inline void pool(Pool kind, const float* from, int64_t steps, int64_t width, float* to) {
  switch (kind) {
    case Pool::first: std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(float)); return;
    case Pool::last:
      std::memcpy(to, from + (std::max<int64_t>(steps, 1) - 1) * width,
                  static_cast<std::size_t>(width) * sizeof(float));
      return;
    case Pool::mean:
      std::fill(to, to + width, 0.0f);
      pool_total(from, steps, width, to);
      for (int64_t i = 0; i < width; ++i) to[i] /= static_cast<float>(steps);
      return;
    case Pool::max:
      std::fill(to, to + width, -INFINITY);
      pool_largest(from, steps, width, to);
      return;
  }
}

// As NumPy counts, from the end where negative; what is beyond is the first or the last.
inline int64_t symbol_of(int64_t token, int64_t symbols) {
  return std::clamp<int64_t>(token < 0 ? token + symbols : token, 0, symbols - 1);
}

}  // namespace latchwork
