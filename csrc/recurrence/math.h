// sigmoid, tanh, exp and log sigmoid for a register of floats. tanh is within 5 units in the last place for every float, sigmoid within 4
// for x >= 0 and, since log2(e) is one float, 4 + |x| below (4 + 1.5 |x| without fused multiply-adds); both within 2.4e-7
// in absolute terms (docs/kernels.md; tests/kernels/check measures it). NaN gives NaN.
//
// Both rest on 2^x = 2^n 2^(j / kRoots) 2^f: the root of two out of a table in a register where permutations are
// cheap, and 2^f - 1 = f q(f), |f| <= 1 / (2 kRoots), with q a minimax polynomial, so that tanh keeps its relative
// accuracy near zero.
#pragma once

#include "recurrence/simd.h"

namespace latchwork::LATCHWORK_BUILD {

inline constexpr float kLog2E = 1.44269504f;

// q's coefficients, from the last one on, for a table of so many roots: relative errors 1.1e-7, 6.3e-9 and 1.3e-8.
// `kFine` is for where these count: 2.8e-9 in place of 1.1e-7.
template <int root_bits>
struct Series;

template <>
struct Series<4> {
  static constexpr float kPlain[] = {0.055502765f, 0.24023353f, 0.6931472f};
  static constexpr float kFine[] = {0.0096173715f, 0.055501513f, 0.2402265f, 0.6931472f};
};

template <>
struct Series<3> {
  static constexpr float kPlain[] = {0.009618291f, 0.05550771f, 0.2402265f, 0.6931472f};
  static constexpr const auto& kFine = kPlain;
};

template <>
struct Series<0> {
  static constexpr float kPlain[] = {0.00015381938f, 0.0013387392f, 0.009618311f,
                                     0.055503674f,   0.24022649f,   0.6931472f};
  static constexpr const auto& kFine = kPlain;
};

// 2^(x factor) as root + part, for |x factor| <= 126: part = root (2^f - 1).
struct PowerOfTwo {
  Vec root, part;
};

// Several of them in step: each instruction then has others to run beside, where one alone would wait for itself. Where
// `near_one`, 2^x - 1 keeps its relative accuracy: a root's own rounding counts then.
template <int N>
LATCHWORK_INLINE void powers_of_two(const Vec (&x)[N], const float (&factors)[N], const bool (&near_one)[N],
                                    PowerOfTwo (&powers)[N]) {
  // Adding it rounds to a multiple of 1 / kRoots, whose last bits then are j's, and n's above them; x factor is rounded
  // once only, in the fused subtraction.
  constexpr float rounder = 12582912.0f / kRoots;  // 1.5 * 2^23
  Vec rounded[N], f[N], q[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) rounded[i] = x[i] * factors[i] + rounder;
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) f[i] = x[i] * factors[i] - (rounded[i] - rounder);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i)
    if (near_one[i] && kRoots > 1) f[i] -= excess_of_root(to_bits(rounded[i]));
  // In a root's bits, j's are taken off again that the shift leaves below the exponent.
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i)
    powers[i].root = from_bits(root_of_two(to_bits(rounded[i])) + (to_bits(rounded[i]) << (23 - kRootBits)));
  using Terms = Series<kRootBits>;
  constexpr int plain = sizeof Terms::kPlain / sizeof(float), fine = sizeof Terms::kFine / sizeof(float);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) q[i] = splat(near_one[i] ? Terms::kFine[0] : Terms::kPlain[0]);
#pragma GCC unroll 8
  for (int term = 1; term < fine; ++term)
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i)
      if (near_one[i] || term < plain) q[i] = q[i] * f[i] + (near_one[i] ? Terms::kFine[term] : Terms::kPlain[term]);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) powers[i].part = powers[i].root * f[i] * q[i];
}

LATCHWORK_INLINE PowerOfTwo power_of_two(Vec x, float factor) {
  const Vec xs[1] = {x};
  const float factors[1] = {factor};
  const bool near_one[1] = {false};
  PowerOfTwo powers[1];
  powers_of_two(xs, factors, near_one, powers);
  return powers[0];
}

enum class Curve { sigmoid, tanh };

// z[i] = the i-th curve of z[i], all in step. sigmoid is 1 / (1 + e^-x), tanh (e^2x - 1) / (e^2x + 1).
template <Curve... curves>
LATCHWORK_INLINE void bend_in_step(Vec* z) {
  constexpr int N = sizeof...(curves);
  constexpr bool is_tanh[N] = {(curves == Curve::tanh)...};
  constexpr float factors[N] = {(curves == Curve::tanh ? 2.0f * kLog2E : -kLog2E)...};
  // sigmoid is 1 to the last bit, or below 2e-38, beyond these, and tanh 1 to the last bit.
  constexpr float limits[N] = {(curves == Curve::tanh ? 9.1f : 87.0f)...};
  Vec x[N], divisor[N], quotient[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) x[i] = at_most(at_least(z[i], -limits[i]), limits[i]);
  PowerOfTwo e[N];
  powers_of_two(x, factors, is_tanh, e);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) divisor[i] = (e[i].root + e[i].part) + 1.0f;
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) quotient[i] = is_tanh[i] ? e[i].part + (e[i].root - 1.0f) : splat(1.0f);
  divide(quotient, divisor, z);
}

// The same; one after the other where registers are too few for all.
template <Curve... curves>
LATCHWORK_INLINE void bend(Vec* z) {
  if constexpr (kRegisters == 32) {
    bend_in_step<curves...>(z);
  } else {
    (bend_in_step<curves>(z++), ...);
  }
}

LATCHWORK_INLINE Vec sigmoid(Vec x) {
  bend<Curve::sigmoid>(&x);
  return x;
}

LATCHWORK_INLINE Vec tanh(Vec x) {
  bend<Curve::tanh>(&x);
  return x;
}

// e^x for x up to 87, within 2 units in the last place; 0 below -87.3, where the answer is no normal number.
LATCHWORK_INLINE Vec exp(Vec x) {
  // The logarithm of two in two parts: a multiple of 1 / kRoots times the first is exact, so that x - n log(2) is.
  constexpr float log_2_high = 0.693359375f, log_2_low = -2.12194440e-4f;
  constexpr float rounder = 12582912.0f / kRoots;
  constexpr float limit = 87.3f;
  const Vec clipped = at_most(at_least(x, -limit), limit);
  const Vec rounded = clipped * kLog2E + rounder, n = rounded - rounder;
  const Vec f = ((clipped - n * log_2_high) - n * log_2_low) * kLog2E;
  using Terms = Series<kRootBits>;
  Vec q = splat(Terms::kPlain[0]);
#pragma GCC unroll 8
  for (int term = 1; term < static_cast<int>(sizeof Terms::kPlain / sizeof(float)); ++term)
    q = q * f + Terms::kPlain[term];
  const Vec root = from_bits(root_of_two(to_bits(rounded)) + (to_bits(rounded) << (23 - kRootBits)));
  // Without fused multiply-adds a small product would be lost, and there a root is a power of two.
  const Vec power = kRoots == 1 ? root * (1.0f + f * q) : root + root * (f * q);
  return x < -limit ? Vec{} : power;
}

// log(sigmoid(x)) = min(x, 0) - log(1 + e^-|x|), within 4 units in the last place. log(1 + u) = 2 artanh(u / (2 + u)), whose
// series for u <= 1 is short.
LATCHWORK_INLINE Vec log_sigmoid(Vec x) {
  const Vec u = exp(from_bits(to_bits(x) | 0x80000000u));
  const Vec s = u / (2.0f + u), t = s * s;
  Vec sum = splat(2.0f / 15);
#pragma GCC unroll 8
  for (int odd = 13; odd > 0; odd -= 2) sum = sum * t + 2.0f / static_cast<float>(odd);
  return at_most(x, 0.0f) - s * sum;
}

}  // namespace latchwork::LATCHWORK_BUILD
