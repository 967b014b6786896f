// Backward through time, for one chunk of rows: forward's mirror.
//
// Steps are taken from the last to the first. A tile's product brings the derivative back from the step after it, and
// the gates' derivatives follow while it is in registers. The derivatives of a block of row-steps stay in cache until
// the weights' and the inputs' gradients have been made from them.
#pragma once

#include "recurrence/forward.h"

namespace latchwork::LATCHWORK_BUILD {

template <class Cell>
struct PackedBackward {
  float *input, *hidden, *peepholes;

  PackedBackward(Carver carver, const Shape& shape, const Sizes& sizes, bool inputs, int64_t* bytes = nullptr) {
    const int64_t depth = sizes.blocks * Cell::kGates * kWidth;
    hidden = carver.take<float>(depth * sizes.padded_hidden);
    input = carver.take<float>(inputs ? depth * blocks_of(shape.features) * kWidth : 0);
    peepholes = carver.take<float>(Cell::kShape.has_peepholes ? 3 * sizes.padded_hidden : 0);
    if (bytes) *bytes = carver.taken();
  }
};

// One chunk's sums of the weights' gradients, in the kernels' order.
template <class Cell>
struct Partial {
  float *input_weight, *hidden_weight, *bias, *peepholes;

  Partial(Carver carver, const Shape& shape, const Sizes& sizes, int64_t* bytes = nullptr) {
    const int64_t columns = sizes.blocks * Cell::kGates * kWidth;
    input_weight = carver.take<float>(shape.features * columns);
    hidden_weight = carver.take<float>(shape.hidden * columns);
    bias = carver.take<float>(sizes.line);
    peepholes = carver.take<float>(Cell::kShape.has_peepholes ? 3 * sizes.padded_hidden : 0);
    if (bytes) *bytes = carver.taken();
  }
};

template <class Cell>
struct BackwardScratch {
  // Row-steps whose derivatives wait for the weights' and the inputs' gradients: two blocks, in turn.
  struct Block {
    float* by_sums;        // [registers of units][block_rows][slots]
    const float** inputs;  // each row-step's inputs, the hidden state before it, and where its gradient goes
    const float** hidden;
    float** by_inputs;
    float* masked;   // [block_rows] masked states
    float* columns;  // by_columns: of the inputs, then of the states (masked): [features + hidden][block_rows]
  };
  Block blocks[2];
  float* by_hidden;  // by the hidden state of the step before, but for the recurrent product's part
  float* by_states[kMostStates];
  float* first_cell;  // of peepholes: the cell before the first step
  float* zeros;       // a row of a state

  BackwardScratch(Carver carver, int64_t rows, const Shape& shape, const Sizes& sizes, const Schedule& schedule,
                  bool masked_too, int64_t* bytes = nullptr) {
    const int64_t state = rows * sizes.padded_hidden;
    for (Block& block : blocks) {
      block.by_sums = carver.take<float>(schedule.block_rows * sizes.line);
      block.inputs = carver.take<const float*>(schedule.block_rows);
      block.hidden = carver.take<const float*>(schedule.block_rows);
      block.by_inputs = carver.take<float*>(schedule.block_rows);
      block.masked = carver.take<float>(masked_too && !schedule.by_columns ? schedule.block_rows * shape.hidden : 0);
      const int64_t columns = schedule.by_columns ? shape.features + shape.hidden : 0;
      block.columns = carver.take<float>(schedule.block_rows * columns);
    }
    by_hidden = carver.take<float>(state);
    for (int s = 0; s < Cell::kStates; ++s) by_states[s] = carver.take<float>(state);
    first_cell = carver.take<float>(Cell::kShape.has_peepholes ? state : 0);
    zeros = carver.take<float>(shape.hidden);
    if (bytes) *bytes = carver.taken();
  }
};

// How a team shares a chunk's work; all of it where the chunk is one thread's own.
struct Shares {
  Range panels;      // of the weights' gradients
  Range transposed;  // of the hidden state's derivatives
  Range inputs;      // of the inputs' gradients
  bool first;        // does what is done once

  template <class Cell>
  static Shares of(const Shape& shape, int rank, int size) {
    const auto groups = [](int64_t count) { return (blocks_of(count) + kTransposedUnits - 1) / kTransposedUnits; };
    return {share(Panels<Cell>{shape.hidden}.count, rank, size), share(groups(shape.hidden), rank, size),
            share(groups(shape.features), rank, size), rank == 0};
  }
};

// sum[r][n] = by_sums[r][slots] times a panel of transposed weights, for the slots of one of the two products. Each of
// the `blocks` registers of units has its rows together, the next one's follow at `stride`.
template <int kGates, int kSlots, int R, int N>
LATCHWORK_INLINE void multiply_by_slots(Vec (&sum)[R][N], const float* by_sums, int64_t blocks, int64_t stride,
                                        const float* weights) {
  Sets<tile_sets(R * N), R, N> sets;
  for (int64_t block = 0; block < blocks; ++block) {
    sets.multiply_add(weights, kGates * kWidth, [&](int r, int64_t k) { return by_sums[r * kSlots * kWidth + k]; });
    by_sums += stride;
    weights += kGates * kWidth * N * kWidth;
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) sum[r][n] = sets.total(r, n);
}

// R rows of the inputs' gradients, N registers of features wide.
template <int R, int N, int kGates, int kSlots>
LATCHWORK_TILE void give_tile(const float* by_sums, int64_t blocks, int64_t stride, const float* weights,
                              float* const* rows, int64_t first, int64_t features) {
  Vec sum[R][N] = {};
  multiply_by_slots<kGates, kSlots>(sum, by_sums, blocks, stride, weights);
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) store(rows[r] + (first + n) * kWidth, sum[r][n], lanes(features, first + n));
}

// to[m][n] += the sum over k of factors(row + m, k) * lines[k][n]; or just the sum, if `fresh`.
template <int R, int N, int kGates, int kLine, class Factors>
LATCHWORK_TILE void add_weights_tile(Factors factors, int64_t row, const float* lines, int64_t stride, int64_t count,
                                     float* to, bool fresh) {
  Vec sum[R][N] = {};
  if (!fresh) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[r][n] = load(to + (r * N + n) * kWidth);
  }
  multiply_add_transposed<kGates, kLine>(sum, factors, row, lines, stride, count);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) store(to + (r * N + n) * kWidth, sum[r][n]);
}

template <class Cell>
class BackwardChunk {
 public:
  static constexpr int kSlots = Cell::kSlots;
  static constexpr int kSlopes = Cell::kSlopes;

  BackwardChunk(const BackwardJob& job, int64_t member, const Chunk& chunk, float* partial, void* scratch,
                const Shares& shares)
      : shape_(job.shape),
        sizes_(job.sizes),
        schedule_(job.schedule),
        chunk_(chunk),
        given_(job.operands[member]),
        cotangents_(job.cotangents[member]),
        wanted_(job.gradients[member]),
        shares_(shares),
        packed_(Carver(job.packed + member * sizes_.packed), shape_, sizes_, wanted_.inputs),
        partial_(Carver(partial), shape_, sizes_),
        scratch_(Carver(scratch), chunk.count, shape_, sizes_, schedule_, given_.hidden_mask),
        input_steps_{shape_.time, shape_.features, job.reverse},
        output_steps_{shape_.time, shape_.hidden, job.reverse} {
    if (kSlopes > 0) saved_ = cotangents_.saved + chunk.first_step * sizes_.padded_hidden * kSlopes;
  }

  void run(const Team& team) {
    start();
    if (schedule_.by_columns) team.sync();
    int64_t running = 0;  // rows that take this step
    int64_t running_before = running_at(chunk_.count ? chunk_.lengths[0] - 1 : 0, 0);
    int64_t filled = 0;  // row-steps of the block so far
    int64_t rows_after = 0;
    const float* after = nullptr;  // the derivatives of the step after this one
    Block* block = &scratch_.blocks[0];
    place_ = chunk_.row_steps;
    for (int64_t step = chunk_.count ? chunk_.lengths[0] - 1 : -1; step >= 0; --step) {
      running = running_before;
      running_before = running_at(step - 1, running);
      place_ -= running;
      place_before_ = place_ - running_before;
      float* by_sums = block->by_sums + filled * kSlots * kWidth;
      run_step(step, running, by_sums, after, rows_after);
      if (shares_.first) note_rows(step, running, *block, filled);
      if (schedule_.by_columns) gather_columns(step, running, *block, filled);
      filled += running;
      after = by_sums;
      rows_after = running;
      if (schedule_.by_columns) team.sync();
      if (step == 0 || filled + running_before > schedule_.block_rows) {
        finish_block(*block, filled);
        block = &scratch_.blocks[block == &scratch_.blocks[0]];
        filled = 0;
      }
    }
    finish(after, rows_after);
  }

 private:
  using Block = typename BackwardScratch<Cell>::Block;

  // How many rows take `step`, when at least `known` do.
  int64_t running_at(int64_t step, int64_t known) const {
    while (known < chunk_.count && chunk_.lengths[known] > step) ++known;
    return known;
  }

  // This share's registers of units.
  Range blocks() const {
    return {smaller(shares_.transposed.begin * kTransposedUnits, sizes_.blocks),
            smaller(shares_.transposed.end * kTransposedUnits, sizes_.blocks)};
  }

  static Vec load_or_zero(const float* array, int64_t at, int64_t count) {
    return array ? load(array + at, count) : zero();
  }

  void start() {
    const Range mine = blocks();
    for (int64_t row = 0; row < chunk_.count; ++row) {
      for (int64_t block = mine.begin; block < mine.end; ++block) {
        const int64_t count = lanes(shape_.hidden, block);
        const int64_t from = chunk_.rows[row] * shape_.hidden + block * kWidth;
        const int64_t to = row * sizes_.padded_hidden + block * kWidth;
        store(scratch_.by_hidden + to, load_or_zero(cotangents_.by_hidden, from, count));
        for (int s = 0; s < Cell::kStates; ++s)
          store(scratch_.by_states[s] + to, load_or_zero(cotangents_.by_states[s], from, count));
        if constexpr (Cell::kShape.has_peepholes) {
          store(scratch_.first_cell + to, load_or_zero(given_.states[0], from, count));
        }
      }
      if (wanted_.inputs && shares_.first) {
        const int64_t past = (chunk_.rows[row] * shape_.time + chunk_.lengths[row]) * shape_.features;
        const int64_t count = (shape_.time - chunk_.lengths[row]) * shape_.features;
        std::memset(wanted_.inputs + past, 0, static_cast<size_t>(count) * sizeof(float));
      }
    }
    if (shares_.first) std::memset(scratch_.zeros, 0, static_cast<size_t>(shape_.hidden) * sizeof(float));
    if (chunk_.row_steps == 0) clear_weights();
    if (!shares_.first) return;
    std::memset(partial_.bias, 0, static_cast<size_t>(sizes_.line) * sizeof(float));
    if constexpr (Cell::kShape.has_peepholes)
      std::memset(partial_.peepholes, 0, static_cast<size_t>(3 * sizes_.padded_hidden) * sizeof(float));
  }

  // A chunk without a step gives its weights nothing. (In any other the first block overwrites what is there.)
  void clear_weights() const {
    const Panels<Cell> all{shape_.hidden};
    const auto clear = [&](float* matrix, int64_t depth) {
      const int64_t begin = all.offset(shares_.panels.begin, depth);
      const int64_t end = smaller(shares_.panels.end * Cell::kTileUnits, sizes_.blocks) * depth * Cell::kGates * kWidth;
      if (end > begin) std::memset(matrix + begin, 0, static_cast<size_t>(end - begin) * sizeof(float));
    };
    clear(partial_.input_weight, shape_.features);
    clear(partial_.hidden_weight, shape_.hidden);
  }

  // Row's hidden state before `step`, not masked: [hidden], not padded.
  const float* hidden_before(int64_t row, int64_t step) const {
    const int32_t sequence = chunk_.rows[row];
    if (step > 0) {
      return cotangents_.outputs + output_steps_.first(sequence, chunk_.lengths[row]) +
             (step - 1) * output_steps_.stride();
    }
    return given_.hidden_state ? given_.hidden_state + sequence * shape_.hidden : scratch_.zeros;
  }

  void run_step(int64_t step, int64_t running, float* by_sums, const float* after, int64_t rows_after) {
    for (int64_t panel = shares_.transposed.begin; panel < shares_.transposed.end; ++panel) {
      const int64_t wide = smaller(kTransposedUnits, sizes_.blocks - panel * kTransposedUnits);
      with_constant<kTransposedUnits>(wide, [&](auto units) {
        constexpr int kUnits = decltype(units)::kValue;
        // The rows whose last step this is have no step after it.
        const Range parts[2] = {{0, rows_after}, {rows_after, running}};
        for (int part = 0; part < 2; ++part) {
          for_tiles<near_tile_rows(kUnits)>(parts[part].begin, parts[part].end, [&](auto height, int64_t row) {
            run_tile<decltype(height)::kValue, kUnits>(panel, step, row, running, by_sums, part == 0 ? after : nullptr);
          });
        }
      });
    }
  }

  // sum[r][n] += by_sums[row + r] times the transposed recurrent weights.
  template <int R, int kUnits>
  LATCHWORK_INLINE void add_recurrent(Vec (&sum)[R][kUnits], int64_t panel, int64_t row, const float* by_sums) const {
    multiply_by_slots<Cell::kGates, kSlots>(sum, by_sums + row * kSlots * kWidth + Cell::kHiddenSlot * kWidth,
                                            sizes_.blocks, block_stride(), packed_.hidden + transposed_offset(panel));
  }

  // From one register of units to the next in a block of derivatives.
  int64_t block_stride() const { return schedule_.block_rows * kSlots * kWidth; }

  int64_t transposed_offset(int64_t panel) const {
    return panel * kTransposedUnits * kWidth * sizes_.blocks * Cell::kGates * kWidth;
  }

  // What forward saved of a register of units, where `place` row-steps come before the step that `running` rows took.
  const float* saved_at(int64_t place, int64_t block, int64_t row, int64_t running) const {
    return saved_ + place * sizes_.padded_hidden * kSlopes +
           ForwardChunk<Cell>::registers_at(kSlopes, block, row, running);
  }

  template <int R, int kUnits>
  LATCHWORK_TILE void run_tile(int64_t panel, int64_t step, int64_t row, int64_t running, float* by_sums,
                               const float* after) {
    // What forward saved has left the nearest caches: it is on its way while the product is made.
    for (int u = 0; u < kUnits; ++u) {
      const float* saved = saved_at(place_, panel * kTransposedUnits + u, row, running);
      for (int line = 0; line < R * kSlopes; ++line) __builtin_prefetch(saved + line * kWidth);
    }
    Vec sum[R][kUnits] = {};
    if (after) add_recurrent(sum, panel, row, after);
    Peepholes by_peepholes[kUnits] = {};
    Vec by_bias[kUnits][kSlots] = {};
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const int64_t sequence = chunk_.rows[row + r];
      const int64_t output = output_steps_.first(sequence, chunk_.lengths[row + r]) + step * output_steps_.stride();
#pragma GCC unroll 2
      for (int u = 0; u < kUnits; ++u) {
        const int64_t block = panel * kTransposedUnits + u;
        const int64_t count = lanes(shape_.hidden, block);
        const int64_t at = (row + r) * sizes_.padded_hidden + block * kWidth;
        const int64_t in_row = block * kWidth;
        BackwardUnits unit{};
        Vec recurrent = sum[r][u];
        if (given_.hidden_mask) recurrent *= load(given_.hidden_mask + sequence * shape_.hidden + in_row, count);
        unit.by_hidden = recurrent + load(scratch_.by_hidden + at);
        if (cotangents_.by_outputs) unit.by_hidden += load(cotangents_.by_outputs + output + in_row, count);
        Vec slopes[kSlopes + 1];  // a simple RNN has none
        const float* saved = saved_at(place_, block, row + r, running);
#pragma GCC unroll 16
        for (int n = 0; n < kSlopes; ++n) slopes[n] = load(saved + n * kWidth);
        if constexpr (Cell::kNeedsHidden) unit.hidden = load(cotangents_.outputs + output + in_row, count);
#pragma GCC unroll 3
        for (int s = 0; s < Cell::kStates; ++s) unit.by_states[s] = load(scratch_.by_states[s] + at);
        if constexpr (Cell::kShape.has_peepholes) {
          const float* before =
              step == 0 ? scratch_.first_cell + at
                        : saved_at(place_before_, block, row + r, place_ - place_before_) + (kSlopes - 1) * kWidth;
          unit.cell_before = load(before);
          const float* peephole = packed_.peepholes + in_row;
          unit.peepholes = {load(peephole), load(peephole + sizes_.padded_hidden),
                            load(peephole + 2 * sizes_.padded_hidden)};
        }
        Vec z[kSlots];
        Cell::backward(slopes, z, unit);
        float* to = by_sums + block * block_stride() + (row + r) * kSlots * kWidth;
#pragma GCC unroll 4
        for (int n = 0; n < kSlots; ++n) {
          store(to + n * kWidth, z[n]);
          by_bias[u][n] += z[n];
        }
        store(scratch_.by_hidden + at, unit.by_hidden);
#pragma GCC unroll 3
        for (int s = 0; s < Cell::kStates; ++s) store(scratch_.by_states[s] + at, unit.by_states[s]);
        if constexpr (Cell::kShape.has_peepholes) {
          by_peepholes[u].input += unit.by_peepholes.input;
          by_peepholes[u].forget += unit.by_peepholes.forget;
          by_peepholes[u].output += unit.by_peepholes.output;
        }
      }
    }
    for (int u = 0; u < kUnits; ++u) {
      float* to = partial_.bias + (panel * kTransposedUnits + u) * kSlots * kWidth;
      for (int n = 0; n < kSlots; ++n, to += kWidth) store(to, load(to) + by_bias[u][n]);
    }
    if constexpr (Cell::kShape.has_peepholes) {
      for (int u = 0; u < kUnits; ++u) {
        float* to = partial_.peepholes + (panel * kTransposedUnits + u) * kWidth;
        store(to, load(to) + by_peepholes[u].input);
        to += sizes_.padded_hidden;
        store(to, load(to) + by_peepholes[u].forget);
        to += sizes_.padded_hidden;
        store(to, load(to) + by_peepholes[u].output);
      }
    }
  }

  // Enters a step's rows in the block, behind the `filled` row-steps that it holds.
  void note_rows(int64_t step, int64_t running, Block& block, int64_t filled) const {
    for (int64_t row = 0; row < running; ++row) {
      const int32_t sequence = chunk_.rows[row];
      const int64_t input = input_steps_.first(sequence, chunk_.lengths[row]) + step * input_steps_.stride();
      block.inputs[filled + row] = given_.inputs + input;
      if (wanted_.inputs) block.by_inputs[filled + row] = wanted_.inputs + input;
      const float* hidden = hidden_before(row, step);
      if (given_.hidden_mask && !schedule_.by_columns) {
        const float* mask = given_.hidden_mask + sequence * shape_.hidden;
        float* masked = block.masked + (filled + row) * shape_.hidden;
        for (int64_t unit = 0; unit < shape_.hidden; ++unit) masked[unit] = hidden[unit] * mask[unit];
        hidden = masked;
      }
      block.hidden[filled + row] = hidden;
    }
  }

  // The same rows column by column, this share's columns. Where weights are large, rows lie a power of two apart more
  // often than not: a column read across them would have a few lines of the cache to itself.
  void gather_columns(int64_t step, int64_t running, const Block& block, int64_t filled) const {
    constexpr int64_t kUnits = kTransposedUnits * kWidth;
    const auto gather = [&](const Range& groups, int64_t width, float* columns, auto&& row_of, const float* mask) {
      const int64_t end = smaller(groups.end * kUnits, width);
      for (int64_t first = groups.begin * kUnits; first < end; first += kWidth) {
        const int64_t last = smaller(first + kWidth, end);
        for (int64_t row = 0; row < running; ++row) {
          const float* from = row_of(row);
          const float* factor = mask ? mask + chunk_.rows[row] * width : nullptr;
          float* to = columns + filled + row;
          for (int64_t i = first; i < last; ++i) to[i * schedule_.block_rows] = factor ? from[i] * factor[i] : from[i];
        }
      }
    };
    const auto input = [&](int64_t row) {
      return given_.inputs + input_steps_.first(chunk_.rows[row], chunk_.lengths[row]) + step * input_steps_.stride();
    };
    const auto hidden = [&](int64_t row) { return hidden_before(row, step); };
    if (wanted_.input_weight) gather(shares_.inputs, shape_.features, block.columns, input, nullptr);
    float* const states = block.columns + shape_.features * schedule_.block_rows;
    if (wanted_.hidden_weight) gather(shares_.transposed, shape_.hidden, states, hidden, given_.hidden_mask);
  }

  void finish_block(const Block& block, int64_t filled) {
    const Panels<Cell> all{shape_.hidden};
    for (int64_t panel = shares_.panels.begin; panel < shares_.panels.end; ++panel) {
      with_constant<Cell::kTileUnits>(all.units(panel), [&](auto units) {
        constexpr int kUnits = decltype(units)::kValue;
        for (int64_t begin = 0; begin < filled; begin += kDepth)
          add_weights<kUnits>(block, panel, begin, smaller(kDepth, filled - begin), fresh_ && begin == 0);
      });
    }
    if (wanted_.inputs) give_inputs(block, filled);
    fresh_ = false;
  }

  // Adds what `count` row-steps of a block give a panel of the weights' gradients.
  template <int kUnits>
  void add_weights(const Block& block, int64_t panel, int64_t begin, int64_t count, bool fresh) const {
    const int64_t first_block = Panels<Cell>{shape_.hidden}.first_block(panel);
    const float* lines = block.by_sums + first_block * block_stride() + begin * kSlots * kWidth;
    const auto add = [&](auto inputs, auto hidden) {
      if (wanted_.input_weight)
        add_matrix<kUnits, Cell::kInputSlot>(partial_.input_weight, panel, inputs, shape_.features, lines, count,
                                             fresh);
      if (wanted_.hidden_weight)
        add_matrix<kUnits, Cell::kHiddenSlot>(partial_.hidden_weight, panel, hidden, shape_.hidden, lines, count,
                                              fresh);
    };
    if (!schedule_.by_columns) return add(Rows{block.inputs + begin}, Rows{block.hidden + begin});
    const int64_t stride = schedule_.block_rows;
    add(Columns{block.columns + begin, stride}, Columns{block.columns + shape_.features * stride + begin, stride});
  }

  // matrix[m][columns] += the sum over k of factors(m, k) * lines[k][columns].
  template <int kUnits, int kSlot, class Factors>
  void add_matrix(float* matrix, int64_t panel, Factors factors, int64_t depth, const float* lines, int64_t count,
                  bool fresh) const {
    constexpr int N = kUnits * Cell::kGates;
    float* to = matrix + Panels<Cell>{shape_.hidden}.offset(panel, depth);
    for_tiles<tile_rows(N)>(0, depth, [&](auto height, int64_t row) {
      add_weights_tile<decltype(height)::kValue, N, Cell::kGates, kSlots * kWidth>(
          factors, row, lines + kSlot * kWidth, block_stride(), count, to + row * N * kWidth, fresh);
    });
  }

  // The inputs' gradients: by_sums times the transposed input weights.
  void give_inputs(const Block& block, int64_t filled) const {
    for (int64_t panel = shares_.inputs.begin; panel < shares_.inputs.end; ++panel) {
      const int64_t first = panel * kTransposedUnits;
      with_constant<kTransposedUnits>(smaller(kTransposedUnits, blocks_of(shape_.features) - first), [&](auto units) {
        constexpr int N = decltype(units)::kValue;
        for_tiles<near_tile_rows(N)>(0, filled, [&](auto height, int64_t row) {
          give_tile<decltype(height)::kValue, N, Cell::kGates, kSlots>(
              block.by_sums + row * kSlots * kWidth + Cell::kInputSlot * kWidth, sizes_.blocks, block_stride(),
              packed_.input + transposed_offset(panel), block.by_inputs + row, first, shape_.features);
        });
      });
    }
  }

  // The initial states' gradients. `after` holds the first step's derivatives, of the rows that have a step.
  void finish(const float* after, int64_t rows_after) const {
    if (wanted_.hidden_state) {
      for (int64_t panel = shares_.transposed.begin; panel < shares_.transposed.end; ++panel) {
        const int64_t first = panel * kTransposedUnits;
        with_constant<kTransposedUnits>(smaller(kTransposedUnits, sizes_.blocks - first), [&](auto units) {
          constexpr int N = decltype(units)::kValue;
          for (int64_t row = 0; row < chunk_.count; ++row) {
            Vec sum[1][N] = {};
            if (row < rows_after) add_recurrent(sum, panel, row, after);
            for (int n = 0; n < N; ++n) {
              const int64_t count = lanes(shape_.hidden, first + n);
              const int64_t to = chunk_.rows[row] * shape_.hidden + (first + n) * kWidth;
              Vec by_hidden = sum[0][n];
              if (given_.hidden_mask) by_hidden *= load(given_.hidden_mask + to, count);
              by_hidden += load(scratch_.by_hidden + row * sizes_.padded_hidden + (first + n) * kWidth);
              store(wanted_.hidden_state + to, by_hidden, count);
            }
          }
        });
      }
    }
    const Range mine = blocks();
    for (int s = 0; s < Cell::kStates; ++s) {
      if (!wanted_.states[s]) continue;
      for (int64_t row = 0; row < chunk_.count; ++row)
        for (int64_t block = mine.begin; block < mine.end; ++block)
          store(wanted_.states[s] + chunk_.rows[row] * shape_.hidden + block * kWidth,
                load(scratch_.by_states[s] + row * sizes_.padded_hidden + block * kWidth), lanes(shape_.hidden, block));
    }
  }

  // Row-steps that a weights' gradient takes before its sums leave the registers: their lines fit in the L1 cache.
  static constexpr int64_t kDepth = 64;

  const Shape& shape_;
  const Sizes& sizes_;
  const Schedule& schedule_;
  const Chunk& chunk_;
  const Operands& given_;
  const Cotangents& cotangents_;
  const Gradients& wanted_;
  const Shares shares_;
  const PackedBackward<Cell> packed_;
  const Partial<Cell> partial_;
  BackwardScratch<Cell> scratch_;
  const Steps input_steps_;
  const Steps output_steps_;
  const float* saved_ = nullptr;  // this chunk's part
  int64_t place_ = 0;             // row-steps before this one in the chunk
  int64_t place_before_ = 0;      // and before the one that precedes it
  bool fresh_ = true;             // no block has been added to the weights' gradients yet
};

}  // namespace latchwork::LATCHWORK_BUILD
