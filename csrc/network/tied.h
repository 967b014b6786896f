// The gradient by a matrix that a dense layer uses transposed: a row for each output, so an embedding's vectors where the
// layer is tied to it.
#pragma once

#include "network/learning.h"
#include "recurrence/pack.h"
#include "recurrence/tile.h"

namespace latchwork::LATCHWORK_BUILD {

inline constexpr int kTiedUnits = 4;       // registers of a tile's columns
inline constexpr int64_t kTiedRows = 256;  // rows that are summed over at a time: what they hold stays in the L2 cache

// to[m][n] += the sum over the rows k in `rows` of by_sums[k][first + m] * inputs[k][n]; where they are the first rows,
// in place of what was there.
template <int R, int N, bool kWhole>
LATCHWORK_TILE void tied_tile(const DenseLearningJob& job, Range rows, int64_t first, int64_t block) {
  const int64_t line = blocks_of(job.width) * kWidth;
  const int64_t last = kWhole ? kWidth : lanes(job.depth, block + N - 1);
  const auto at = [&](int n) { return n + 1 < N ? kWidth : last; };
  float* const to = job.by_weight + first * job.depth + block * kWidth;
  Vec sum[R][N] = {};
  if (rows.begin > 0)
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n) sum[r][n] = load(to + r * job.depth + n * kWidth, at(n));
  const float* by = job.by_sums + rows.begin * line + first;
  const float* from = job.inputs + rows.begin * job.depth + block * kWidth;
  for (int64_t k = rows.begin; k < rows.end; ++k, by += line, from += job.depth) {
    Vec input[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n)
      input[n] = kWhole || n + 1 < N ? load(from + n * kWidth) : load(from + n * kWidth, last);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(by[r]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[r][n] += factor * input[n];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) store(to + r * job.depth + n * kWidth, sum[r][n], at(n));
}

// A thread has outputs of its own, and so rows of the matrix.
inline void tied_gradient(const DenseLearningJob& job, const Team& team) {
  const Range mine = share(job.width, team.rank, team.size);
  const int64_t blocks = blocks_of(job.depth);
  for (int64_t row = 0; row < job.rows; row += kTiedRows) {
    const Range rows{row, smaller(row + kTiedRows, job.rows)};
    for (int64_t block = 0; block < blocks; block += kTiedUnits) {
      with_constant<kTiedUnits>(smaller(kTiedUnits, blocks - block), [&](auto units) {
        constexpr int N = decltype(units)::kValue;
        const bool whole = (block + N) * kWidth <= job.depth;
        for_tiles<tile_rows(N)>(mine.begin, mine.end, [&](auto height, int64_t first) {
          constexpr int R = decltype(height)::kValue;
          whole ? tied_tile<R, N, true>(job, rows, first, block) : tied_tile<R, N, false>(job, rows, first, block);
        });
      });
    }
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
