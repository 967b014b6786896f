// sigmoid and tanh for a register of floats. tanh is within 5 units in the last place for every float, sigmoid within 4
// for x >= 0 and, since log2(e) is one float, 4 + |x| below (8 + |x| without fused multiply-adds); both within 2.4e-7 in
// absolute terms (docs/kernels.md; tests/kernels/check measures it). NaN gives NaN. Both rest on 2^f - 1 = f q(f),
// |f| <= 1/2, with q the minimax polynomial of degree 5 (relative error 1.1e-8), so that tanh keeps its relative accuracy
// near zero.
#pragma once

#include "simd.h"

namespace latchwork::LATCHWORK_BUILD {

// 2^x = 2^whole (1 + part): the whole number nearest to x, and 2^(x - whole) - 1.
struct PowerOfTwo {
  Vec whole;
  Vec part;
};

LATCHWORK_INLINE PowerOfTwo power_of_two(Vec x, float factor) {
  // Adding 1.5 * 2^23 rounds to a whole number; x * factor is rounded once only, in the fused subtraction.
  const float rounder = 12582912.0f;
  const Vec whole = (x * factor + rounder) - rounder;
  const Vec f = x * factor - whole;
  Vec q = splat(0.00015403512f);
  q = q * f + 0.0013390735f;
  q = q * f + 0.009618238f;
  q = q * f + 0.055503573f;
  q = q * f + 0.24022649f;
  q = q * f + 0.6931472f;
  return {whole, f * q};
}

inline constexpr float kLog2E = 1.44269504f;

LATCHWORK_INLINE Vec sigmoid(Vec x) {
  // Beyond +-87 the answer is 1 to the last bit, or below 2e-38, and 2^whole would leave the normal numbers.
  const PowerOfTwo e = power_of_two(at_most(at_least(x, -87.0f), 87.0f), -kLog2E);
  return reciprocal(1.0f + scale_by_power_of_two(1.0f + e.part, e.whole));
}

LATCHWORK_INLINE Vec tanh(Vec x) {
  // (e^2x - 1) / (e^2x + 1); 1 to the last bit beyond 9.02.
  const PowerOfTwo e = power_of_two(at_most(at_least(x, -9.1f), 9.1f), 2.0f * kLog2E);
  const Vec power = scale_by_power_of_two(splat(1.0f), e.whole);
  const Vec numerator = power * e.part + (power - 1.0f);
  return numerator * reciprocal(numerator + 2.0f);
}

}  // namespace latchwork::LATCHWORK_BUILD
