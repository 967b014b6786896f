// The kernels' own order of the weights, and back. A *panel* holds what one tile of the product needs, a line for each
// k: of the tile's registers of units, each gate's registers side by side.
#pragma once

#include "recurrence/cells.h"
#include "recurrence/job.h"

namespace latchwork::LATCHWORK_BUILD {

// A range of panels or other parts of the work.
struct Range {
  int64_t begin, end;
};

// The part of `count` pieces of work that falls to one thread.
LATCHWORK_INLINE Range share(int64_t count, int rank, int size) {
  return {count * rank / size, count * (rank + 1) / size};
}

LATCHWORK_INLINE int64_t blocks_of(int64_t count) { return (count + kWidth - 1) / kWidth; }

LATCHWORK_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// How many of a register's units are real; the others are padding.
LATCHWORK_INLINE int64_t lanes(int64_t total, int64_t block) { return smaller(kWidth, total - block * kWidth); }

// The registers of units in each panel of a cell's forward weights, and of the gradients by them.
template <class Cell>
struct Panels {
  int64_t hidden;
  int64_t blocks = blocks_of(hidden);
  int64_t count = (blocks + Cell::kTileUnits - 1) / Cell::kTileUnits;

  int64_t first_block(int64_t panel) const { return panel * Cell::kTileUnits; }
  int64_t units(int64_t panel) const { return smaller(Cell::kTileUnits, blocks - first_block(panel)); }
  // Where a panel of a matrix of `depth` rows starts.
  int64_t offset(int64_t panel, int64_t depth) const { return first_block(panel) * depth * Cell::kGates * kWidth; }
};

// Visits every register of a panel's lines: visit(k, place in the panel, column of the weights, lanes).
template <class Cell, class Visit>
LATCHWORK_INLINE void visit_panel(const Panels<Cell>& panels, int64_t panel, int64_t depth, bool of_inputs,
                                  Visit&& visit) {
  const int64_t units = panels.units(panel);
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t unit = 0; unit < units; ++unit) {
      const int64_t block = panels.first_block(panel) + unit;
      for (int gate = 0; gate < Cell::kGates; ++gate) {
        const int place = of_inputs ? input_gate(Cell::kKind, Cell::kInputSlot + gate)
                                    : hidden_gate(Cell::kKind, Cell::kHiddenSlot + gate);
        visit(k, ((k * units + unit) * Cell::kGates + gate) * kWidth, place * panels.hidden + block * kWidth,
              lanes(panels.hidden, block));
      }
    }
  }
}

// Where the recurrent weights of several heads lie: a row has columns for the units of its own head alone.
struct Heads {
  int64_t width;  // units of a head

  Heads(int64_t hidden, int64_t heads) : width(hidden / heads) {}

  // Of `count` units from `unit` on, those in the head of row `row`, counted from `unit`.
  Range units(int64_t row, int64_t unit, int64_t count) const {
    const int64_t first = row / width * width - unit, last = first + width;
    return {first < 0 ? 0 : smaller(first, count), last < 0 ? 0 : smaller(last, count)};
  }
  // Where in the weights a unit of the row's own head stands.
  int64_t place(int gates, int64_t row, int64_t gate, int64_t unit) const {
    return (row * gates + gate) * width + unit % width;
  }
};

// weights [depth, gates * hidden] to panels; those of several heads with zeros between the heads.
template <class Cell>
void pack_panel(const Panels<Cell>& panels, int64_t panel, const float* weights, int64_t depth, bool of_inputs,
                int64_t heads, float* packed) {
  float* to = packed + panels.offset(panel, depth);
  if (heads > 1) {
    const Heads all(panels.hidden, heads);
    return visit_panel(panels, panel, depth, of_inputs, [&](int64_t k, int64_t place, int64_t column, int64_t count) {
      const int64_t gate = column / panels.hidden, unit = column % panels.hidden;
      const Range own = all.units(k, unit, count);
      store(to + place, zero());
      for (int64_t lane = own.begin; lane < own.end; ++lane)
        to[place + lane] = weights[all.place(Cell::kGates, k, gate, unit + lane)];
    });
  }
  const int64_t columns = Cell::kGates * panels.hidden;
  visit_panel(panels, panel, depth, of_inputs, [&](int64_t k, int64_t place, int64_t column, int64_t count) {
    store(to + place, load(weights + k * columns + column, count));
  });
}

// The two biases as the sums' starting values: [blocks][slots] registers.
template <class Cell>
void pack_bias(const float* bias, const float* hidden_bias, int64_t hidden, float* packed) {
  for (int64_t block = 0; block < blocks_of(hidden); ++block) {
    const int64_t count = lanes(hidden, block);
    for (int slot = 0; slot < Cell::kSlots; ++slot, packed += kWidth) {
      Vec sum = zero();
      if (slot >= Cell::kInputSlot && slot < Cell::kInputSlot + Cell::kGates)
        sum += load(bias + input_gate(Cell::kKind, slot) * hidden + block * kWidth, count);
      if (hidden_bias && slot >= Cell::kHiddenSlot && slot < Cell::kHiddenSlot + Cell::kGates)
        sum += load(hidden_bias + hidden_gate(Cell::kKind, slot) * hidden + block * kWidth, count);
      store(packed, sum);
    }
  }
}

inline void pack_vector(const float* from, int64_t count, float* packed) {
  for (int64_t block = 0; block < blocks_of(count); ++block)
    store(packed + block * kWidth, load(from + block * kWidth, lanes(count, block)));
}

// Two registers of columns are as wide as a tile of the transposed products goes.
inline constexpr int kTransposedUnits = 2;

// The transpose of weights [rows, gates * hidden], in panels of kTransposedUnits registers of rows; a line for each
// slot's unit, in the order of the slots, padding included.
template <class Cell>
void pack_transposed(const float* weights, int64_t rows, int64_t hidden, bool of_inputs, int64_t heads, Range panels,
                     float* packed) {
  const int64_t columns = Cell::kGates * hidden;
  const int64_t depth = blocks_of(hidden) * Cell::kGates * kWidth;
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int64_t first = panel * kTransposedUnits * kWidth;
    const int64_t wide = smaller(kTransposedUnits, blocks_of(rows) - panel * kTransposedUnits) * kWidth;
    const int64_t real = smaller(wide, rows - first);
    float* to = packed + first * depth;
    for (int64_t block = 0; block < blocks_of(hidden); ++block) {
      const int64_t count = lanes(hidden, block);
      for (int gate = 0; gate < Cell::kGates; ++gate, to += kWidth * wide) {
        const int place = of_inputs ? input_gate(Cell::kKind, Cell::kInputSlot + gate)
                                    : hidden_gate(Cell::kKind, Cell::kHiddenSlot + gate);
        if (count < kWidth || real < wide || heads > 1)
          std::memset(to, 0, static_cast<size_t>(kWidth * wide) * sizeof(float));
        if (heads > 1) {
          const Heads all(hidden, heads);
          for (int64_t row = 0; row < real; ++row) {
            const Range own = all.units(first + row, block * kWidth, count);
            for (int64_t lane = own.begin; lane < own.end; ++lane)
              to[lane * wide + row] = weights[all.place(Cell::kGates, first + row, place, block * kWidth + lane)];
          }
          continue;
        }
        const float* from = weights + first * columns + place * hidden + block * kWidth;
        for (int64_t lane = 0; lane < count; ++lane)
          for (int64_t row = 0; row < real; ++row) to[lane * wide + row] = from[row * columns + lane];
      }
    }
  }
}

// Hands out parts of a block of memory, each on its own cache lines. From null it only measures.
class Carver {
 public:
  explicit Carver(void* from) : from_(static_cast<char*>(from)), next_(from_) {}

  int64_t taken() const { return next_ - from_; }

  template <class T>
  T* take(int64_t count) {
    T* taken = reinterpret_cast<T*>(next_);
    next_ += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return taken;
  }

 private:
  char* from_;
  char* next_;
};

}  // namespace latchwork::LATCHWORK_BUILD
