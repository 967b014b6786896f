// Forward through time, for one chunk of rows.
#pragma once

#include "recurrence/pack.h"
#include "recurrence/tile.h"

namespace latchwork::LATCHWORK_BUILD {

// One network's weights in the kernels' order.
template <class Cell>
struct PackedForward {
  float *input, *hidden, *bias, *peepholes;

  PackedForward(Carver carver, const Shape& shape, const Sizes& sizes, int64_t* bytes = nullptr) {
    input = carver.take<float>(shape.features * sizes.blocks * Cell::kGates * kWidth);
    hidden = carver.take<float>(shape.hidden * sizes.blocks * Cell::kGates * kWidth);
    bias = carver.take<float>(sizes.line);
    peepholes = carver.take<float>(Cell::kShape.has_peepholes ? 3 * sizes.padded_hidden : 0);
    if (bytes) *bytes = carver.taken();
  }

  void pack(const Operands& given, const Shape& shape, const Sizes& sizes, Range panels, bool first) const {
    const Panels<Cell> all{shape.hidden};
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      pack_panel(all, panel, given.input_weight, shape.features, true, 1, input);
      pack_panel(all, panel, given.hidden_weight, shape.hidden, false, shape.heads, hidden);
    }
    if (!first) return;
    pack_bias<Cell>(given.bias, given.hidden_bias, shape.hidden, bias);
    if constexpr (Cell::kShape.has_peepholes)
      for (int which = 0; which < 3; ++which)
        pack_vector(given.peepholes[which], shape.hidden, peepholes + which * sizes.padded_hidden);
  }
};

// Where a row stands in an array [batch, time, width]: `first` is its first step read, and the steps after it follow at
// `stride`, which is negative in reverse.
struct Steps {
  int64_t time, width;
  bool reverse;

  int64_t stride() const { return reverse ? -width : width; }
  int64_t first(int32_t row, int32_t length) const {
    return (row * time + (reverse && length > 0 ? length - 1 : 0)) * width;
  }
};

// What a chunk needs while it runs.
template <class Cell>
struct ForwardScratch {
  float* product_hidden[2];    // what the recurrent product reads and writes, in turn: masked where there is a mask
  float* hidden;               // the state itself, where there is a mask
  float* states[kMostStates];  // the kind's others
  float* sums;                 // project_first: the sums of a block of steps
  const float** row_inputs;
  float** row_outputs;

  ForwardScratch(Carver carver, int64_t rows, const Sizes& sizes, const Schedule& schedule, bool masked,
                 int64_t* bytes = nullptr) {
    const int64_t state = rows * sizes.padded_hidden;
    product_hidden[0] = carver.take<float>(state);
    product_hidden[1] = carver.take<float>(state);
    hidden = carver.take<float>(masked ? state : 0);
    for (int s = 0; s < Cell::kStates; ++s) states[s] = carver.take<float>(state);
    sums = carver.take<float>(schedule.project_first ? schedule.block_rows * sizes.line : 0);
    row_inputs = carver.take<const float*>(rows);
    row_outputs = carver.take<float*>(rows);
    if (bytes) *bytes = carver.taken();
  }
};

template <class Cell>
class ForwardChunk {
 public:
  static constexpr int kSlots = Cell::kSlots;
  static constexpr int kTracedVectors = traced_vectors(Cell::kKind);

  ForwardChunk(const ForwardJob& job, int64_t member, const Chunk& chunk, void* scratch)
      : shape_(job.shape),
        sizes_(job.sizes),
        schedule_(job.schedule),
        chunk_(chunk),
        given_(job.operands[member]),
        results_(job.results[member]),
        packed_(Carver(job.packed + member * sizes_.packed), shape_, sizes_),
        scratch_(Carver(scratch), chunk.count, sizes_, schedule_, given_.hidden_mask),
        input_steps_{shape_.time, shape_.features, job.reverse},
        output_steps_{shape_.time, shape_.hidden, job.reverse} {
    if (results_.saved) saved_ = results_.saved + chunk.first_step * sizes_.padded_hidden * kept();
  }

  // Within a step, all rows' registers of a block of units lie together: `vectors` of each row.
  static int64_t registers_at(int64_t vectors, int64_t block, int64_t row, int64_t running) {
    return (block * running + row) * vectors * kWidth;
  }

  // Runs the whole chunk; by columns, each thread of the team its own panels.
  void run(Range panels, const Team& team) {
    start(panels, team);
    if (schedule_.by_columns) team.sync();
    int64_t running = chunk_.count;
    int64_t projected = 0;  // steps whose input product stands ready
    int64_t place = 0;      // row-steps before this one
    const int64_t steps = chunk_.count ? chunk_.lengths[0] : 0;
    for (int64_t step = 0; step < steps; ++step) {
      while (chunk_.lengths[running - 1] <= step) --running;
      if (schedule_.project_first && step == projected) projected = project(panels, step, running, place);
      run_step(panels, step, running, place);
      if (schedule_.by_columns) team.sync();
      int64_t still = running;
      while (still > 0 && chunk_.lengths[still - 1] <= step + 1) --still;
      finish(panels, still, running, step + 1);
      place += running;
    }
  }

 private:
  // The registers of units of some panels.
  Range blocks(Range panels) const {
    return {smaller(panels.begin * Cell::kTileUnits, sizes_.blocks),
            smaller(panels.end * Cell::kTileUnits, sizes_.blocks)};
  }

  void start(Range panels, const Team& team) {
    const Range mine = blocks(panels);
    for (int64_t row = 0; row < chunk_.count; ++row) {
      for (int64_t block = mine.begin; block < mine.end; ++block) {
        const int64_t count = lanes(shape_.hidden, block);
        const int64_t from = chunk_.rows[row] * shape_.hidden + block * kWidth;
        const int64_t to = row * sizes_.padded_hidden + block * kWidth;
        Vec hidden = given_.hidden_state ? load(given_.hidden_state + from, count) : zero();
        if (given_.hidden_mask) {
          store(scratch_.hidden + to, hidden);
          hidden *= load(given_.hidden_mask + from, count);
        }
        store(scratch_.product_hidden[0] + to, hidden);
        for (int s = 0; s < Cell::kStates; ++s)
          store(scratch_.states[s] + to, given_.states[s] ? load(given_.states[s] + from, count) : zero());
      }
    }
    if (!schedule_.by_columns || team.rank == 0) find_rows();
    // A sequence without a step keeps its state.
    int64_t real = chunk_.count;
    while (real > 0 && chunk_.lengths[real - 1] == 0) --real;
    finish(panels, real, chunk_.count, 0);
  }

  void find_rows() {
    for (int64_t row = 0; row < chunk_.count; ++row) {
      const int32_t sequence = chunk_.rows[row], length = chunk_.lengths[row];
      scratch_.row_inputs[row] = given_.inputs + input_steps_.first(sequence, length);
      scratch_.row_outputs[row] = results_.outputs + output_steps_.first(sequence, length);
      if (length == shape_.time) continue;
      float* past = results_.outputs + (sequence * shape_.time + length) * shape_.hidden;
      std::memset(past, 0, static_cast<size_t>((shape_.time - length) * shape_.hidden) * sizeof(float));
    }
  }

  // Copies the states of rows [begin, end), whose last step was step - 1, to where final states go.
  void finish(Range panels, int64_t begin, int64_t end, int64_t step) {
    if (begin == end) return;
    const Range mine = blocks(panels);
    const float* hidden = given_.hidden_mask ? scratch_.hidden : scratch_.product_hidden[step % 2];
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t block = mine.begin; block < mine.end; ++block) {
        const int64_t count = lanes(shape_.hidden, block);
        const int64_t to = chunk_.rows[row] * shape_.hidden + block * kWidth;
        const int64_t from = row * sizes_.padded_hidden + block * kWidth;
        if (results_.final_hidden) store(results_.final_hidden + to, load(hidden + from), count);
        for (int s = 0; s < Cell::kStates; ++s)
          if (results_.final_states[s]) store(results_.final_states[s] + to, load(scratch_.states[s] + from), count);
      }
    }
  }

  // Bias and input product of the steps from `step` on, as many as fit in a block; returns the step after them.
  int64_t project(Range panels, int64_t step, int64_t running, int64_t place) {
    const Panels<Cell> all{shape_.hidden};
    first_projected_ = place;
    int64_t last = step, rows = running, left = schedule_.block_rows;
    while (rows > 0 && left >= rows) {
      left -= rows;
      ++last;
      while (rows > 0 && chunk_.lengths[rows - 1] <= last) --rows;
    }
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      int64_t still = running;
      float* at = scratch_.sums;
      for (int64_t now = step; now < last; ++now) {
        while (chunk_.lengths[still - 1] <= now) --still;
        with_constant<Cell::kTileUnits>(all.units(panel), [&](auto units) {
          constexpr int kUnits = decltype(units)::kValue;
          for_tiles<tile_rows(kUnits * kSlots)>(0, still, [&](auto height, int64_t row) {
            project_tile<decltype(height)::kValue, kUnits>(panel, now, row, still, at);
          });
        });
        at += still * sizes_.line;
      }
    }
    return last;
  }

  template <int R, int kUnits>
  LATCHWORK_TILE void project_tile(int64_t panel, int64_t step, int64_t row, int64_t running, float* to) const {
    const Panels<Cell> all{shape_.hidden};
    const int64_t first_block = all.first_block(panel);
    Vec sum[R][kUnits * kSlots];
    begin_sums(sum, first_block);
    add_inputs<kUnits>(sum, step, row, packed_.input + all.offset(panel, shape_.features));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int n = 0; n < kUnits * kSlots; ++n)
        store(to + registers_at(kSlots, first_block + n / kSlots, row + r, running) + n % kSlots * kWidth, sum[r][n]);
  }

  template <int R, int N>
  LATCHWORK_INLINE void begin_sums(Vec (&sum)[R][N], int64_t block) const {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const Vec bias = load(packed_.bias + block * kSlots * kWidth + n * kWidth);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][n] = bias;
    }
  }

  template <int kUnits, int R, int N>
  LATCHWORK_INLINE void add_inputs(Vec (&sum)[R][N], int64_t step, int64_t row, const float* weights) const {
    const float* from[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) from[r] = scratch_.row_inputs[row + r] + step * input_steps_.stride();
    multiply_add<R, kUnits * Cell::kGates, Cell::kInputSlot>(sum, from, weights, shape_.features);
  }

  void run_step(Range panels, int64_t step, int64_t running, int64_t place) {
    const Panels<Cell> all{shape_.hidden};
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      with_constant<Cell::kTileUnits>(all.units(panel), [&](auto units) {
        constexpr int kUnits = decltype(units)::kValue;
        for_tiles<tile_rows(kUnits * kSlots)>(0, running, [&](auto height, int64_t row) {
          run_tile<decltype(height)::kValue, kUnits>(all, panel, step, row, running, place);
        });
      });
    }
  }

  // R rows by kUnits registers of units: the products, and the gates while the sums are in registers.
  template <int R, int kUnits>
  LATCHWORK_TILE void run_tile(const Panels<Cell>& all, int64_t panel, int64_t step, int64_t row, int64_t running,
                               int64_t place) {
    const int64_t first_block = all.first_block(panel);
    Vec sum[R][kUnits * kSlots];
    if (schedule_.project_first) {
      const float* ready = scratch_.sums + (place - first_projected_) * sizes_.line;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int n = 0; n < kUnits * kSlots; ++n)
          sum[r][n] =
              load(ready + registers_at(kSlots, first_block + n / kSlots, row + r, running) + n % kSlots * kWidth);
    } else {
      begin_sums(sum, first_block);
      add_inputs<kUnits>(sum, step, row, packed_.input + all.offset(panel, shape_.features));
    }
    const float* before = scratch_.product_hidden[step % 2];
    const float* hidden_rows[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) hidden_rows[r] = before + (row + r) * sizes_.padded_hidden;
    multiply_add<R, kUnits * Cell::kGates, Cell::kHiddenSlot>(
        sum, hidden_rows, packed_.hidden + all.offset(panel, shape_.hidden), shape_.hidden);

    ForwardUnits unit[R][kUnits];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        const int64_t block = first_block + u;
        const int64_t at = (row + r) * sizes_.padded_hidden + block * kWidth;
#pragma GCC unroll 3
        for (int s = 0; s < Cell::kStates; ++s) unit[r][u].before[s] = load(scratch_.states[s] + at);
        if constexpr (Cell::kShape.has_peepholes) {
          const float* peephole = packed_.peepholes + block * kWidth;
          unit[r][u].peepholes = {load(peephole), load(peephole + sizes_.padded_hidden),
                                  load(peephole + 2 * sizes_.padded_hidden)};
        }
        Cell::begin(&sum[r][u * kSlots], unit[r][u]);
#pragma GCC unroll 3
        for (int s = 0; s < Cell::kStates; ++s) store(scratch_.states[s] + at, unit[r][u].after[s]);
      }
    }
    float* saved = saved_ ? saved_ + place * sizes_.padded_hidden * kept() : nullptr;
    float* after = scratch_.product_hidden[(step + 1) % 2];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        const int64_t block = first_block + u;
        const int64_t at = (row + r) * sizes_.padded_hidden + block * kWidth;
        Vec* z = &sum[r][u * kSlots];
        if constexpr (Cell::kNeedsHiddenBefore) {
          unit[r][u].hidden_before = load((given_.hidden_mask ? scratch_.hidden : before) + at);
        }
        const Vec hidden = Cell::end(z, unit[r][u]);
        if constexpr (Cell::kSlopes > 0) {
          if (saved && !results_.traces) {
            float* to = saved + registers_at(Cell::kSlopes, block, row + r, running);
            Vec slopes[Cell::kSlopes];
            Cell::slopes(z, unit[r][u], hidden, slopes);
#pragma GCC unroll 16
            for (int n = 0; n < Cell::kSlopes; ++n) store(to + n * kWidth, slopes[n]);
          }
        }
        if constexpr (kTracedVectors > 0) {
          if (saved && results_.traces) {
            float* to = saved + registers_at(kTracedVectors, block, row + r, running);
            Vec traced[kTracedVectors];
            Cell::trace(z, traced);
            for (int s = 0; s < Cell::kStates; ++s) traced[Cell::kTraced + s] = unit[r][u].after[s];
            for (int n = 0; n < kTracedVectors; ++n) store(to + n * kWidth, traced[n]);
          }
        }
        const int64_t count = lanes(shape_.hidden, block);
        Vec shown = hidden;
        if (given_.hidden_mask) {
          store(scratch_.hidden + at, hidden);
          shown *= load(given_.hidden_mask + chunk_.rows[row + r] * shape_.hidden + block * kWidth, count);
        }
        store(after + at, shown);
        store(scratch_.row_outputs[row + r] + step * output_steps_.stride() + block * kWidth, hidden, count);
      }
    }
  }

  // Vectors that are saved of a unit and step.
  int64_t kept() const { return results_.traces ? kTracedVectors : Cell::kSlopes; }

  const Shape& shape_;
  const Sizes& sizes_;
  const Schedule& schedule_;
  const Chunk& chunk_;
  const Operands& given_;
  const Results& results_;
  const PackedForward<Cell> packed_;
  const ForwardScratch<Cell> scratch_;
  const Steps input_steps_;
  const Steps output_steps_;

  float* saved_ = nullptr;       // this chunk's part
  int64_t first_projected_ = 0;  // where the block of projected sums starts
};

}  // namespace latchwork::LATCHWORK_BUILD
