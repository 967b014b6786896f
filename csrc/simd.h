// One SIMD register of floats, as wide as the build: GCC's and Clang's vector extensions do the arithmetic, and the few
// operations that they lack stand here, once for each instruction set.
//
// This header is compiled once for each instruction set, so everything lives in a namespace named after the build and
// nothing here may instantiate a template of the standard library (the linker could keep the AVX-512 copy of it).
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#ifndef LATCHWORK_BUILD
#error "define LATCHWORK_BUILD: the name of the build, baseline, avx2 or avx512"
#endif

#define LATCHWORK_INLINE inline __attribute__((always_inline))
// A tile is a function of its own: the compiler's time grows faster than a function's length.
#define LATCHWORK_TILE __attribute__((noinline))

namespace latchwork::LATCHWORK_BUILD {

#if defined(__AVX512F__)
inline constexpr int kWidth = 16;
inline constexpr int kRegisters = 32;
#elif defined(__AVX2__)
inline constexpr int kWidth = 8;
inline constexpr int kRegisters = 16;
#elif defined(__aarch64__)
inline constexpr int kWidth = 4;
inline constexpr int kRegisters = 32;
#else
inline constexpr int kWidth = 4;
inline constexpr int kRegisters = 16;
#endif

typedef float Vec __attribute__((vector_size(4 * kWidth)));
typedef float UnalignedVec __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));
typedef int32_t IntVec __attribute__((vector_size(4 * kWidth)));

LATCHWORK_INLINE Vec splat(float value) { return value - Vec{}; }

LATCHWORK_INLINE Vec load(const float* from) { return *reinterpret_cast<const UnalignedVec*>(from); }

LATCHWORK_INLINE void store(float* to, Vec value) { *reinterpret_cast<UnalignedVec*>(to) = value; }

// The first `count` lanes, zeros behind them: 0 < count <= kWidth.
LATCHWORK_INLINE Vec load(const float* from, int64_t count) {
  if (count == kWidth) return load(from);
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
  alignas(4 * kWidth) float lanes[kWidth] = {};
  for (int64_t lane = 0; lane < count; ++lane) lanes[lane] = from[lane];
  return load(lanes);
#endif
}

LATCHWORK_INLINE void store(float* to, Vec value, int64_t count) {
  if (count == kWidth) return store(to, value);
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
#else
  alignas(4 * kWidth) float lanes[kWidth];
  store(lanes, value);
  for (int64_t lane = 0; lane < count; ++lane) to[lane] = lanes[lane];
#endif
}

// min and max that let NaN in `value` through.
LATCHWORK_INLINE Vec at_most(Vec value, float limit) {
#if defined(__AVX512F__)
  return _mm512_min_ps(splat(limit), value);
#elif defined(__AVX2__)
  return _mm256_min_ps(splat(limit), value);
#else
  const Vec bound = splat(limit);
  return value > bound ? bound : value;
#endif
}

LATCHWORK_INLINE Vec at_least(Vec value, float limit) {
#if defined(__AVX512F__)
  return _mm512_max_ps(splat(limit), value);
#elif defined(__AVX2__)
  return _mm256_max_ps(splat(limit), value);
#else
  const Vec bound = splat(limit);
  return value < bound ? bound : value;
#endif
}

// 1 / value to within 2 units in the last place, for values whose inverse is a normal number.
LATCHWORK_INLINE Vec reciprocal(Vec value) {
#if defined(__AVX512F__)
  const Vec guess = _mm512_rcp14_ps(value);
  return guess + guess * (1.0f - value * guess);
#elif defined(__AVX2__)
  // Newton's step alone errs to one side, by up to two units: over a sequence that adds up in the weights' gradients.
  const Vec guess = _mm256_rcp_ps(value);
  const Vec miss = 1.0f - value * guess;
  return guess + guess * (miss + miss * miss);
#else
  return 1.0f / value;
#endif
}

// value * 2^exponent, where `exponent` holds whole numbers from -126 to 127.
LATCHWORK_INLINE Vec scale_by_power_of_two(Vec value, Vec exponent) {
#if defined(__AVX512F__)
  return _mm512_scalef_ps(value, exponent);
#else
  const IntVec biased = __builtin_convertvector(exponent, IntVec) + 127;
  const IntVec bits = biased << 23;
  Vec power;
  std::memcpy(&power, &bits, sizeof power);
  return value * power;
#endif
}

// Subnormal numbers count as zero between the constructor and the destructor: a recurrence that decays towards zero
// would otherwise run a hundred times slower. What the caller had set comes back afterwards.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() : saved_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(saved_ | 0x8040); }
  ~FlushSubnormals() { __builtin_ia32_ldmxcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ | (1ull << 24)));
  }
  ~FlushSubnormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  uint64_t saved_;
#endif
};

}  // namespace latchwork::LATCHWORK_BUILD
