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

// The outputs of both ways [units] as one.
inline void merge_ways(Merge merge, const float* one, const float* two, int64_t units, float* to) {
  if (merge == Merge::concat) {
    std::memcpy(to, one, static_cast<std::size_t>(units) * sizeof(float));
    std::memcpy(to + units, two, static_cast<std::size_t>(units) * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < units; ++i)
    to[i] = merge == Merge::mul ? one[i] * two[i] : merge == Merge::ave ? 0.5f * (one[i] + two[i]) : one[i] + two[i];
}

// SELU's constants (Klambauer et al., 2017).
inline constexpr float kSeluScale = 1.05070098735548f, kSeluSlope = 1.67326324235438f;

inline float sigmoid_of(float x) { return 0.5f * std::tanh(0.5f * x) + 0.5f; }

// One vector through a function; all but the softmax go number by number.
inline void bend_vector(Nonlinearity kind, const float* from, int64_t width, float* to) {
  const auto each = [&](auto function) {
    for (int64_t i = 0; i < width; ++i) to[i] = function(from[i]);
  };
  switch (kind) {
    case Nonlinearity::tanh: return each([](float x) { return std::tanh(x); });
    case Nonlinearity::relu: return each([](float x) { return x < 0.0f ? 0.0f : x; });
    case Nonlinearity::sigmoid: return each(sigmoid_of);
    case Nonlinearity::elu: return each([](float x) { return x > 0.0f ? x : std::expm1(x); });
    case Nonlinearity::selu:
      return each([](float x) { return kSeluScale * (x > 0.0f ? x : kSeluSlope * std::expm1(x)); });
    case Nonlinearity::softplus:
      return each([](float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::fabs(x))); });
    case Nonlinearity::softsign: return each([](float x) { return x / (1.0f + std::fabs(x)); });
    case Nonlinearity::silu: return each([](float x) { return x * sigmoid_of(x); });
    case Nonlinearity::exponential: return each([](float x) { return std::exp(x); });
    case Nonlinearity::softmax: {
      const float largest = *std::max_element(from, from + width);
      float sum = 0.0f;
      for (int64_t i = 0; i < width; ++i) sum += to[i] = std::exp(from[i] - largest);
      for (int64_t i = 0; i < width; ++i) to[i] /= sum;
    }
  }
}

// The derivative by x of what has the derivative `by` by y, y being x bent.
inline void bend_back(Nonlinearity kind, const float* x, const float* y, const float* by, int64_t width, float* to) {
  const auto each = [&](auto slope) {
    for (int64_t i = 0; i < width; ++i) to[i] = by[i] * slope(x[i], y[i]);
  };
  switch (kind) {
    case Nonlinearity::tanh: return each([](float, float y) { return 1.0f - y * y; });
    case Nonlinearity::relu: return each([](float, float y) { return y > 0.0f ? 1.0f : 0.0f; });
    case Nonlinearity::sigmoid: return each([](float, float y) { return y * (1.0f - y); });
    case Nonlinearity::elu: return each([](float x, float y) { return x > 0.0f ? 1.0f : y + 1.0f; });
    case Nonlinearity::selu:
      return each([](float x, float y) { return x > 0.0f ? kSeluScale : y + kSeluScale * kSeluSlope; });
    case Nonlinearity::softplus: return each([](float x, float) { return sigmoid_of(x); });
    case Nonlinearity::softsign:
      return each([](float, float y) { return (1.0f - std::fabs(y)) * (1.0f - std::fabs(y)); });
    case Nonlinearity::silu: return each([](float x, float y) { return y + sigmoid_of(x) * (1.0f - y); });
    case Nonlinearity::exponential: return each([](float, float y) { return y; });
    case Nonlinearity::softmax: {
      float along = 0.0f;
      for (int64_t i = 0; i < width; ++i) along += by[i] * y[i];
      for (int64_t i = 0; i < width; ++i) to[i] = y[i] * (by[i] - along);
    }
  }
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

// The `count` steps of a sequence [steps, width] from `first` on, zeros where there are none.
inline void window(const float* from, int64_t steps, int64_t width, int64_t first, int64_t count, float* to) {
  for (int64_t step = first; step < first + count; ++step, to += width) {
    if (0 <= step && step < steps)
      std::memcpy(to, from + step * width, static_cast<std::size_t>(width) * sizeof(float));
    else
      std::fill(to, to + width, 0.0f);
  }
}

// As NumPy counts, from the end where negative; what is beyond is the first or the last.
inline int64_t symbol_of(int64_t token, int64_t symbols) {
  return std::clamp<int64_t>(token < 0 ? token + symbols : token, 0, symbols - 1);
}

}  // namespace latchwork
