// What losses do with the lanes of a register.
#pragma once

#include "recurrence/math.h"
#include "recurrence/pack.h"

namespace latchwork::LATCHWORK_BUILD {

// exp(x) for x <= 0, to within some units in the last place; NaN gives NaN.
LATCHWORK_INLINE Vec exponential(Vec x) {
  const PowerOfTwo e = power_of_two(at_least(x, -87.0f), kLog2E);
  return e.root + e.part;
}

// The same numbers, with `fill` in place of the lanes from `count` on.
LATCHWORK_INLINE Vec filled(Vec value, int64_t count, float fill) {
  if (count == kWidth) return value;
  alignas(4 * kWidth) float lane[kWidth];
  store(lane, value);
  for (int64_t i = count; i < kWidth; ++i) lane[i] = fill;
  return load(lane);
}

LATCHWORK_INLINE float sum_of_lanes(Vec value) {
  alignas(4 * kWidth) float lane[kWidth];
  store(lane, value);
  for (int half = kWidth / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

LATCHWORK_INLINE float largest_of_lanes(Vec value) {
  alignas(4 * kWidth) float lane[kWidth];
  store(lane, value);
  for (int half = kWidth / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
  return lane[0];
}

}  // namespace latchwork::LATCHWORK_BUILD
