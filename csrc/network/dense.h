// Dense layers, on the register tile of the recurrence.
#pragma once

#include "network/learning.h"
#include "network/tied.h"
#include "recurrence/math.h"
#include "recurrence/pack.h"
#include "recurrence/tile.h"

namespace latchwork::LATCHWORK_BUILD {

LATCHWORK_INLINE Vec activated(Vec sum, Activation activation) {
  switch (activation) {
    case Activation::tanh: return tanh(sum);
    case Activation::sigmoid: return sigmoid(sum);
    case Activation::relu: return at_least(sum, 0.0f);
    case Activation::none: break;
  }
  return sum;
}

// Registers of columns that a panel holds: a matrix [depth, columns] is packed panel by panel, a line for each row.
inline constexpr int kDenseUnits = kTiedUnits;

LATCHWORK_INLINE int64_t dense_panels(int64_t columns) { return (blocks_of(columns) + kDenseUnits - 1) / kDenseUnits; }

LATCHWORK_INLINE int64_t dense_units(int64_t columns, int64_t panel) {
  return smaller(kDenseUnits, blocks_of(columns) - panel * kDenseUnits);
}

inline void pack_dense(const float* weight, int64_t depth, int64_t width, Range panels, float* packed) {
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int64_t first = panel * kDenseUnits, units = dense_units(width, panel);
    float* to = packed + first * kWidth * depth;
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t unit = 0; unit < units; ++unit, to += kWidth)
        store(to, load(weight + k * width + (first + unit) * kWidth, lanes(width, first + unit)));
  }
}

// The transpose [width, depth] likewise.
inline void pack_dense_transposed(const float* weight, int64_t depth, int64_t width, Range panels, float* packed) {
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int64_t first = panel * kDenseUnits * kWidth, wide = dense_units(depth, panel) * kWidth;
    float* to = packed + first * width;
    for (int64_t k = 0; k < width; ++k, to += wide)
      for (int64_t lane = 0; lane < wide; ++lane)
        to[lane] = first + lane < depth ? weight[(first + lane) * width + k] : 0.0f;
  }
}

// A product's tiles; `stride` is from one row of the inputs to the next.
struct DenseProduct {
  const DenseProductJob& job;
  int64_t stride;

  // A thread takes whole tiles of all the rows there are, and not rows to cut into tiles of its own: how a tile adds its
  // sums up depends on its height (tile.h), and no result may depend on the number of threads.
  void run(const Team& team) const {
    for (int64_t panel = 0; panel < dense_panels(job.width); ++panel) {
      with_constant<kDenseUnits>(dense_units(job.width, panel), [&](auto units) {
        constexpr int N = decltype(units)::kValue, kMost = tile_rows(N);
        const Range mine = share((job.rows + kMost - 1) / kMost, team.rank, team.size);
        int64_t index = 0;
        for_tiles<kMost>(0, job.rows, [&](auto height, int64_t row) {
          if (mine.begin <= index && index < mine.end) tile<decltype(height)::kValue, N>(panel, row);
          ++index;
        });
      });
    }
  }

  template <int R, int N>
  LATCHWORK_TILE void tile(int64_t panel, int64_t row) const {
    const int64_t first = panel * kDenseUnits;
    Vec sum[R][N];
    const float* from[R];
    for (int r = 0; r < R; ++r) from[r] = job.inputs + (row + r) * stride;
    for (int n = 0; n < N; ++n) {
      const int64_t column = (first + n) * kWidth, count = lanes(job.width, first + n);
      const Vec start = job.bias ? load(job.bias + column, count) : zero();
      for (int r = 0; r < R; ++r)
        sum[r][n] = job.starts ? load(job.starts + (row + r) / job.shared * job.width + column, count) : start;
    }
    multiply_add<R, N, 0>(sum, from, job.packed + first * kWidth * job.depth, job.depth);
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n)
        store(job.outputs + (row + r) * job.width + (first + n) * kWidth, activated(sum[r][n], job.activation),
              lanes(job.width, first + n));
  }
};

inline void dense_pack(const float* weight, int64_t depth, int64_t width, float* packed) {
  pack_dense(weight, depth, width, {0, dense_panels(width)}, packed);
}

inline void dense_product(const DenseProductJob& job, const Team& team) {
  const FlushSubnormals flush;
  DenseProduct{job, job.depth}.run(team);
}

inline void dense_forward(const DenseLearningJob& job, const Team& team) {
  const FlushSubnormals flush;
  const Range panels = share(dense_panels(job.width), team.rank, team.size);
  job.transposed ? pack_dense_transposed(job.weight, job.width, job.depth, panels, job.packed)
                 : pack_dense(job.weight, job.depth, job.width, panels, job.packed);
  team.sync();
  const DenseProductJob product{job.rows,   job.depth, job.width,  job.activation, job.inputs,
                                job.packed, job.bias,  job.starts, job.shared,     job.outputs};
  DenseProduct{product, job.depth}.run(team);
}

LATCHWORK_INLINE Vec activation_slope(Vec output, Activation activation) {
  switch (activation) {
    case Activation::tanh: return 1.0f - output * output;
    case Activation::sigmoid: return output * (1.0f - output);
    case Activation::relu: return output > 0.0f ? splat(1.0f) : zero();
    case Activation::none: break;
  }
  return splat(1.0f);
}

// to[m][n] += the sum over the rows k in `rows` of inputs[k][first + m] * by_sums[k][n]; where they are the first rows,
// in place of what was there.
template <int R, int N>
LATCHWORK_TILE void dense_weight_tile(const DenseLearningJob& job, Range rows, int64_t first, int64_t block) {
  const int64_t line = blocks_of(job.width) * kWidth;
  float* const to = job.by_weight + first * job.width + block * kWidth;
  Vec sum[R][N] = {};
  if (rows.begin > 0)
    for (int r = 0; r < R; ++r)
      for (int n = 0; n < N; ++n) sum[r][n] = load(to + r * job.width + n * kWidth, lanes(job.width, block + n));
  const float* from = job.inputs + rows.begin * job.depth + first;
  const float* by = job.by_sums + rows.begin * line + block * kWidth;
  for (int64_t k = rows.begin; k < rows.end; ++k, from += job.depth, by += line) {
    Vec at[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) at[n] = load(by + n * kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec factor = splat(from[r]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[r][n] += factor * at[n];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) store(to + r * job.width + n * kWidth, sum[r][n], lanes(job.width, block + n));
}

inline int64_t dense_line(int64_t width) { return blocks_of(width) * kWidth; }

inline void dense_backward(const DenseLearningJob& job, const Team& team) {
  const FlushSubnormals flush;
  const int64_t blocks = blocks_of(job.width);
  const Range rows = share(job.rows, team.rank, team.size);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t at = row * job.width + block * kWidth, count = lanes(job.width, block);
      Vec by = load(job.by_outputs + at, count);
      if (job.activation != Activation::none) by *= activation_slope(load(job.outputs + at, count), job.activation);
      store(job.by_sums + (row * blocks + block) * kWidth, by);
    }
  }
  if (job.by_inputs) {
    const Range panels = share(dense_panels(job.depth), team.rank, team.size);
    job.transposed ? pack_dense(job.weight, job.width, job.depth, panels, job.packed)
                   : pack_dense_transposed(job.weight, job.depth, job.width, panels, job.packed);
  }
  team.sync();
  if (job.by_inputs) {
    const DenseProductJob product{job.rows, job.width, job.depth, Activation::none, job.by_sums, job.packed,
                                  nullptr,  nullptr,   1,         job.by_inputs};
    DenseProduct{product, blocks * kWidth}.run(team);
  }
  if (!job.by_weight) return;
  if (job.transposed) {
    tied_gradient(job, team);
  } else {
    const Range depth = share(job.depth, team.rank, team.size);
    for (int64_t row = 0; row < job.rows; row += kTiedRows) {
      const Range rows{row, smaller(row + kTiedRows, job.rows)};
      for (int64_t panel = 0; panel < dense_panels(job.width); ++panel) {
        with_constant<kDenseUnits>(dense_units(job.width, panel), [&](auto units) {
          constexpr int N = decltype(units)::kValue;
          for_tiles<tile_rows(N)>(depth.begin, depth.end, [&](auto height, int64_t first) {
            dense_weight_tile<decltype(height)::kValue, N>(job, rows, first, panel * kDenseUnits);
          });
        });
      }
    }
  }
  if (!job.by_bias) return;
  const Range mine = share(blocks, team.rank, team.size);
  for (int64_t block = mine.begin; block < mine.end; ++block) {
    Vec sum = zero();
    for (int64_t row = 0; row < job.rows; ++row) sum += load(job.by_sums + (row * blocks + block) * kWidth);
    store(job.by_bias + block * kWidth, sum, lanes(job.width, block));
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
