// The register tile that every product here is made of: R rows by N registers of columns, held in registers while the
// depth k runs. Weights lie in panels, N registers a line, one line for each k, so that they stream.
#pragma once

#include "simd.h"

namespace latchwork::LATCHWORK_BUILD {

// Rows of a tile that is `vectors` registers wide: as many as leave room for a line of weights and a broadcast.
constexpr int tile_rows(int vectors) {
  const int room = kRegisters == 32 ? 24 : 12;
  const int rows = room / vectors;
  return rows < 8 ? rows : 8;
}

// Where one address serves all the rows, there are registers for more of them.
constexpr int near_tile_rows(int vectors) {
  const int room = kRegisters == 32 ? 24 : 12;
  const int rows = room / vectors;
  return rows < 12 ? rows : 12;
}

template <int value>
struct Constant {
  static constexpr int kValue = value;
};

// Calls body(Constant<count>) for 1 <= count <= most.
template <int most, class Body>
LATCHWORK_INLINE void with_constant(int64_t count, Body&& body) {
  if constexpr (most == 1) {
    body(Constant<1>{});
  } else {
    if (count == most) {
      body(Constant<most>{});
    } else {
      with_constant<most - 1>(count, body);
    }
  }
}

// Cuts [begin, end) into tiles of at most `most` rows, all of about one height: body(Constant<rows>, first row).
template <int most, class Body>
LATCHWORK_INLINE void for_tiles(int64_t begin, int64_t end, Body&& body) {
  const int64_t rows = end - begin;
  if (rows <= 0) return;
  int64_t tiles = (rows + most - 1) / most;
  for (int64_t row = begin; row < end; --tiles) {
    const int64_t height = (end - row + tiles - 1) / tiles;
    with_constant<most>(height, [&](auto constant) { body(constant, row); });
    row += height;
  }
}

// sums[r][at[n]] += rows[r][k] * panel[k][n], for all k. `offset` shifts where the line's registers are added.
template <int R, int N, int kOffset, int kStride>
LATCHWORK_INLINE void multiply_add(Vec (&sums)[R][kStride], const float* const* rows, const float* panel,
                                   int64_t depth) {
  const float* row[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) row[r] = rows[r];
  for (int64_t k = 0; k < depth; ++k, panel += N * kWidth) {
    Vec line[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) line[n] = load(panel + n * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(row[r][k]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[r][kOffset + n] += factor * line[n];
    }
  }
}

// The same for rows that lie kRowStride floats apart: one address serves them all.
template <int kRowStride, int R, int N>
LATCHWORK_INLINE void multiply_add_near(Vec (&sums)[R][N], const float* rows, const float* panel, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k, ++rows, panel += N * kWidth) {
    Vec line[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) line[n] = load(panel + n * kWidth);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(rows[r * kRowStride]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[r][n] += factor * line[n];
    }
  }
}

// sums[r][u * kGates + g] += rows[k][first + r] * lines[u][k][g], for all k: the transposed product of the weights'
// gradients. A unit's lines are kLine floats long; those of the next unit follow at `stride`.
template <int kGates, int kLine, int R, int N>
LATCHWORK_INLINE void multiply_add_transposed(Vec (&sums)[R][N], const float* const* rows, int64_t first,
                                              const float* lines, int64_t stride, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k, lines += kLine) {
    const float* row = rows[k] + first;
    Vec line[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) line[n] = load(lines + n / kGates * stride + n % kGates * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(row[r]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[r][n] += factor * line[n];
    }
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
