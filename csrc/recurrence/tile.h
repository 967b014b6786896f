// The register tile that every product here is made of: R rows by N registers of columns, held in registers while the
// depth k runs. Weights lie in panels, N registers a line, one line for each k, so that they stream.
#pragma once

#include "recurrence/simd.h"

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

// A tile of few registers would wait for each multiply-add before the next to the same register. So it keeps several
// sums of each, for every second or fourth k, as many as there are registers for.
constexpr int tile_sets(int registers) {
  const int room = kRegisters == 32 ? 24 : 12;
  if (registers >= 12) return 1;
  return 4 * registers <= room ? 4 : 2 * registers <= room ? 2 : 1;
}

template <int kSets, int R, int N>
struct Sets {
  Vec part[kSets][R][N] = {};

  // part[set] += factor_of(r, k) * the panel's line k, over all k.
  template <class FactorOf>
  LATCHWORK_INLINE void multiply_add(const float* panel, int64_t depth, FactorOf&& factor_of) {
    int64_t k = 0;
    for (; k + kSets <= depth; k += kSets) {
#pragma GCC unroll 4
      for (int set = 0; set < kSets; ++set, panel += N * kWidth) add_line(part[set], panel, k + set, factor_of);
    }
    if constexpr (kSets > 1)
      for (; k < depth; ++k, panel += N * kWidth) add_line(part[0], panel, k, factor_of);
  }

  // The sum of all sets, register by register.
  LATCHWORK_INLINE Vec total(int r, int n) const {
    if constexpr (kSets == 1) return part[0][r][n];
    if constexpr (kSets == 2) return part[0][r][n] + part[1][r][n];
    return (part[0][r][n] + part[1][r][n]) + (part[2 % kSets][r][n] + part[3 % kSets][r][n]);
  }

 private:
  template <class FactorOf>
  static LATCHWORK_INLINE void add_line(Vec (&sums)[R][N], const float* panel, int64_t k, FactorOf&& factor_of) {
    Vec line[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) line[n] = load(panel + n * kWidth);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(factor_of(r, k));
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[r][n] += factor * line[n];
    }
  }
};

// sums[r][at[n]] += rows[r][k] * panel[k][n], for all k. `offset` shifts where the line's registers are added.
template <int R, int N, int kOffset, int kStride>
LATCHWORK_INLINE void multiply_add(Vec (&sums)[R][kStride], const float* const* rows, const float* panel,
                                   int64_t depth) {
  const float* row[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) row[r] = rows[r];
  if constexpr (tile_sets(R * N) > 1) {
    Sets<tile_sets(R * N), R, N> sets;
    sets.multiply_add(panel, depth, [&](int r, int64_t k) { return row[r][k]; });
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[r][kOffset + n] += sets.total(r, n);
    return;
  }
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

// The factors of a transposed product: rows anywhere in memory, of which a tile takes some columns; or those columns,
// each by itself.
struct Rows {
  const float* const* rows;

  float operator()(int64_t column, int64_t k) const { return rows[k][column]; }
};

struct Columns {
  const float* columns;
  int64_t stride;

  float operator()(int64_t column, int64_t k) const { return columns[column * stride + k]; }
};

// sums[r][u * kGates + g] += factors(first + r, k) * lines[u][k][g], for all k: the transposed product of the weights'
// gradients. A unit's lines are kLine floats long; those of the next unit follow at `stride`.
template <int kGates, int kLine, class Factors, int R, int N>
LATCHWORK_INLINE void multiply_add_transposed(Vec (&sums)[R][N], const Factors& factors, int64_t first,
                                              const float* lines, int64_t stride, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k, lines += kLine) {
    Vec line[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) line[n] = load(lines + n / kGates * stride + n % kGates * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(factors(first + r, k));
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[r][n] += factor * line[n];
    }
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
