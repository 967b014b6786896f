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
typedef uint32_t BitsVec __attribute__((vector_size(4 * kWidth)));

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

// quotients[i] = above[i] / below[i], in step: to within 2 units in the last place, for divisors whose inverse is a normal
// number.
template <int N>
LATCHWORK_INLINE void divide(const Vec (&above)[N], const Vec (&below)[N], Vec* quotients) {
#if defined(__AVX512F__)
  Vec inverse[N], miss[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) inverse[i] = _mm512_rcp14_ps(below[i]);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) quotients[i] = above[i] * inverse[i];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) miss[i] = above[i] - below[i] * quotients[i];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) quotients[i] += inverse[i] * miss[i];
#elif defined(__AVX2__)
  // Newton's step alone errs to one side, by up to two units: over a sequence that adds up in the weights' gradients.
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) {
    const Vec guess = _mm256_rcp_ps(below[i]);
    const Vec miss = 1.0f - below[i] * guess;
    quotients[i] = above[i] * (guess + guess * (miss + miss * miss));
  }
#else
  for (int i = 0; i < N; ++i) quotients[i] = above[i] / below[i];
#endif
}

LATCHWORK_INLINE BitsVec to_bits(Vec value) {
  BitsVec bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

LATCHWORK_INLINE Vec from_bits(BitsVec bits) {
  Vec value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// How many roots of two, 2^(j / kRoots), a register's table holds.
#if defined(__AVX512F__)
inline constexpr int kRootBits = 4;
#elif defined(__AVX2__)
inline constexpr int kRootBits = 3;
#else
inline constexpr int kRootBits = 0;  // nothing to look up with
#endif
inline constexpr int kRoots = 1 << kRootBits;

// The bits of the root of which j are the last bits of `index`, less j shifted to where the exponent ends.
LATCHWORK_INLINE BitsVec root_of_two(BitsVec index) {
#if defined(__AVX512F__)
  const BitsVec roots = {0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532,
                         0x3f75fed7, 0x3f75583f, 0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c,
                         0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};
  return (BitsVec)_mm512_permutexvar_epi32((__m512i)index, (__m512i)roots);
#elif defined(__AVX2__)
  const BitsVec roots = {0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7,
                         0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};
  return (BitsVec)_mm256_permutevar8x32_epi32((__m256i)roots, (__m256i)index);
#else
  (void)index;
  return 0x3f800000u + BitsVec{};
#endif
}

// log2 of that root, which is a float, less j / kRoots.
LATCHWORK_INLINE Vec excess_of_root(BitsVec index) {
#if defined(__AVX512F__)
  const Vec excess = {0.0f,           -6.677582e-08f, 1.7301026e-08f,  -6.823633e-08f, -4.6071282e-08f, -5.2240814e-08f,
                      4.471016e-08f,  1.0784453e-08f, -2.4690674e-08f, 4.396878e-08f,  -7.550105e-09f,  -8.8113925e-09f,
                      2.1235902e-08f, 7.586838e-09f,  8.84121e-09f,    -7.4163315e-09f};
  return _mm512_permutexvar_ps((__m512i)index, excess);
#elif defined(__AVX2__)
  const Vec excess = {0.0f,           1.7301026e-08f, -4.6071282e-08f, 4.471016e-08f, -2.4690674e-08f,
                      -7.550105e-09f, 2.1235902e-08f, 8.84121e-09f};
  return _mm256_permutevar8x32_ps(excess, (__m256i)index);
#else
  (void)index;
  return Vec{};
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
