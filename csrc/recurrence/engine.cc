// One build of the kernels: compiled once for each instruction set, with LATCHWORK_BUILD naming it.
#include <cstdlib>

#include "recurrence/backward.h"
#include "recurrence/peak.h"

namespace latchwork::LATCHWORK_BUILD {
namespace {

template <template <class> class Work, class Job, class... Arguments>
auto for_cell(const Job& job, const Arguments&... arguments) {
  switch (job.kind) {
#define LATCHWORK_CASE(kind, Cell, ...) \
  case Kind::kind: return Work<Cell>::run(job, arguments...);
    LATCHWORK_KINDS(LATCHWORK_CASE)
#undef LATCHWORK_CASE
  }
  std::abort();  // no kind: the doors let none through
}

template <class Cell>
Sizes sizes_of(const Shape& shape) {
  Sizes sizes{};
  sizes.blocks = blocks_of(shape.hidden);
  sizes.padded_hidden = sizes.blocks * kWidth;
  sizes.line = sizes.padded_hidden * Cell::kSlots;
  return sizes;
}

template <class Cell>
struct MeasureForward {
  static Sizes run(const ForwardJob& job, int64_t most_rows) {
    Sizes sizes = sizes_of<Cell>(job.shape);
    int64_t bytes = 0;
    PackedForward<Cell>(Carver(nullptr), job.shape, sizes, &bytes);
    sizes.packed = bytes / static_cast<int64_t>(sizeof(float));
    for (int64_t member = 0; member < job.members; ++member) {
      ForwardScratch<Cell>(Carver(nullptr), most_rows, sizes, job.schedule, job.operands[member].hidden_mask, &bytes);
      if (bytes > sizes.scratch) sizes.scratch = bytes;
    }
    return sizes;
  }
};

template <class Cell>
struct MeasureBackward {
  static Sizes run(const BackwardJob& job, int64_t most_rows) {
    Sizes sizes = sizes_of<Cell>(job.shape);
    int64_t bytes = 0;
    PackedBackward<Cell>(Carver(nullptr), job.shape, sizes, job.gradients[0].inputs, &bytes);
    sizes.packed = bytes / static_cast<int64_t>(sizeof(float));
    Partial<Cell>(Carver(nullptr), job.shape, sizes, &bytes);
    sizes.partial = bytes / static_cast<int64_t>(sizeof(float));
    for (int64_t member = 0; member < job.members; ++member) {
      BackwardScratch<Cell>(Carver(nullptr), most_rows, job.shape, sizes, job.schedule,
                            job.operands[member].hidden_mask, &bytes);
      if (bytes > sizes.scratch) sizes.scratch = bytes;
    }
    return sizes;
  }
};

// Calls body(index) for this thread's part of [0, count).
template <class Body>
void for_share(int64_t count, const Team& team, Body&& body) {
  const Range mine = share(count, team.rank, team.size);
  for (int64_t index = mine.begin; index < mine.end; ++index) body(index);
}

template <class Cell>
void pack_panels(const ForwardJob& job, int64_t member, Range panels, bool first) {
  PackedForward<Cell>(Carver(job.packed + member * job.sizes.packed), job.shape, job.sizes)
      .pack(job.operands[member], job.shape, job.sizes, panels, first);
}

template <class Cell>
struct Pack {
  static void run(const ForwardJob& job) {
    for (int64_t member = 0; member < job.members; ++member)
      pack_panels<Cell>(job, member, {0, Panels<Cell>{job.shape.hidden}.count}, true);
  }
};

template <class Cell>
struct Forward {
  static void run(const ForwardJob& job, const Team& team) {
    const int64_t panels = Panels<Cell>{job.shape.hidden}.count;
    if (job.schedule.by_columns) {
      const Range mine = share(panels, team.rank, team.size);
      for (int64_t member = 0; member < job.members; ++member) {
        if (!job.is_packed) pack_panels<Cell>(job, member, mine, team.rank == 0);
        ForwardChunk<Cell>(job, member, job.chunks[member], job.scratch).run(mine, team);
        team.sync();
      }
      return;
    }
    if (!job.is_packed) {
      for_share(job.members * panels, team, [&](int64_t index) {
        const int64_t panel = index % panels;
        pack_panels<Cell>(job, index / panels, {panel, panel + 1}, panel == 0);
      });
      team.sync();
    }
    for_share(job.members * job.schedule.chunks, team, [&](int64_t index) {
      ForwardChunk<Cell>(job, index / job.schedule.chunks, job.chunks[index],
                         job.scratch + team.rank * job.sizes.scratch)
          .run({0, panels}, team);
    });
  }
};

template <class Cell>
struct Backward {
  static void pack(const BackwardJob& job, int64_t member, const Shares& shares) {
    const Operands& given = job.operands[member];
    const bool inputs = job.gradients[member].inputs;
    const PackedBackward<Cell> packed(Carver(job.packed + member * job.sizes.packed), job.shape, job.sizes, inputs);
    // The derivatives that come back from a step need it: not where there is one step and nobody asks for the state's.
    if (job.shape.time > 1 || job.gradients[member].hidden_state) {
      pack_transposed<Cell>(given.hidden_weight, job.shape.hidden, job.shape.hidden, false, shares.transposed,
                            packed.hidden);
    }
    if (inputs) {
      pack_transposed<Cell>(given.input_weight, job.shape.features, job.shape.hidden, true, shares.inputs,
                            packed.input);
    }
    if (Cell::kShape.has_peepholes && shares.first)
      for (int which = 0; which < 3; ++which)
        pack_vector(given.peepholes[which], job.shape.hidden, packed.peepholes + which * job.sizes.padded_hidden);
  }

  // The chunks' sums, added up in order, to where the gradients go; one panel of the columns.
  static void unpack_panel(const BackwardJob& job, int64_t member, int64_t panel) {
    const Gradients& wanted = job.gradients[member];
    const Panels<Cell> panels{job.shape.hidden};
    const auto matrix = [&](float* to, int64_t depth, bool of_inputs, auto which) {
      if (!to) return;
      const int64_t columns = Cell::kGates * job.shape.hidden;
      visit_panel(panels, panel, depth, of_inputs, [&](int64_t k, int64_t place, int64_t column, int64_t count) {
        Vec sum = zero();
        for (int64_t chunk = 0; chunk < job.schedule.chunks; ++chunk)
          sum += load(which(partial(job, member, chunk)) + panels.offset(panel, depth) + place);
        store(to + k * columns + column, sum, count);
      });
    };
    matrix(wanted.input_weight, job.shape.features, true, [](const Partial<Cell>& part) { return part.input_weight; });
    matrix(wanted.hidden_weight, job.shape.hidden, false, [](const Partial<Cell>& part) { return part.hidden_weight; });
  }

  static void unpack_vectors(const BackwardJob& job, int64_t member) {
    const Gradients& wanted = job.gradients[member];
    const auto sum = [&](int64_t at, auto which) {
      Vec total = zero();
      for (int64_t chunk = 0; chunk < job.schedule.chunks; ++chunk)
        total += load(which(partial(job, member, chunk)) + at);
      return total;
    };
    const int64_t hidden = job.shape.hidden;
    for (int64_t block = 0; block < job.sizes.blocks; ++block) {
      const int64_t count = lanes(hidden, block);
      for (int gate = 0; gate < Cell::kGates; ++gate) {
        const auto bias = [&](float* to, int slot, int place) {
          if (to) {
            store(to + place * hidden + block * kWidth,
                  sum((block * Cell::kSlots + slot) * kWidth, [](const Partial<Cell>& part) { return part.bias; }),
                  count);
          }
        };
        const int input = Cell::kInputSlot + gate, recurrent = Cell::kHiddenSlot + gate;
        bias(wanted.bias, input, input_gate(Cell::kKind, input));
        bias(wanted.hidden_bias, recurrent, hidden_gate(Cell::kKind, recurrent));
      }
      if (!Cell::kShape.has_peepholes) continue;
      for (int which = 0; which < 3; ++which) {
        if (!wanted.peepholes[which]) continue;
        store(wanted.peepholes[which] + block * kWidth,
              sum(which * job.sizes.padded_hidden + block * kWidth,
                  [](const Partial<Cell>& part) { return part.peepholes; }),
              count);
      }
    }
  }

  static Partial<Cell> partial(const BackwardJob& job, int64_t member, int64_t chunk) {
    return Partial<Cell>(Carver(job.partials + (member * job.schedule.chunks + chunk) * job.sizes.partial), job.shape,
                         job.sizes);
  }

  static void run_chunk(const BackwardJob& job, int64_t index, const Shares& shares, char* scratch, const Team& team) {
    BackwardChunk<Cell>(job, index / job.schedule.chunks, job.chunks[index], job.partials + index * job.sizes.partial,
                        scratch, shares)
        .run(team);
  }

  static void run(const BackwardJob& job, const Team& team) {
    const int64_t panels = Panels<Cell>{job.shape.hidden}.count;
    if (job.schedule.by_columns) {
      const Shares mine = Shares::of<Cell>(job.shape, team.rank, team.size);
      for (int64_t member = 0; member < job.members; ++member) {
        pack(job, member, mine);
        run_chunk(job, member, mine, job.scratch, team);
        team.sync();
      }
    } else {
      const Shares whole = Shares::of<Cell>(job.shape, 0, 1);
      const int64_t parts = (job.sizes.blocks + kTransposedUnits - 1) / kTransposedUnits;
      for_share(job.members * parts, team, [&](int64_t index) {
        const auto part = static_cast<int>(index % parts);
        pack(job, index / parts, Shares::of<Cell>(job.shape, part, static_cast<int>(parts)));
      });
      team.sync();
      for_share(job.members * job.schedule.chunks, team, [&](int64_t index) {
        run_chunk(job, index, whole, job.scratch + team.rank * job.sizes.scratch, team);
      });
      team.sync();
    }
    for_share(job.members * panels, team, [&](int64_t index) { unpack_panel(job, index / panels, index % panels); });
    for_share(job.members, team, [&](int64_t member) { unpack_vectors(job, member); });
  }
};

Sizes measure_forward(const ForwardJob& job, int64_t most_rows) { return for_cell<MeasureForward>(job, most_rows); }

Sizes measure_backward(const BackwardJob& job, int64_t most_rows) { return for_cell<MeasureBackward>(job, most_rows); }

void pack(const ForwardJob& job) { for_cell<Pack>(job); }

void forward(const void* job, const Team& team) {
  const FlushSubnormals flush;
  for_cell<Forward>(*static_cast<const ForwardJob*>(job), team);
}

void backward(const void* job, const Team& team) {
  const FlushSubnormals flush;
  for_cell<Backward>(*static_cast<const BackwardJob*>(job), team);
}

}  // namespace

#define LATCHWORK_TEXT_(text) #text
#define LATCHWORK_TEXT(text) LATCHWORK_TEXT_(text)

extern const Engine engine;
const Engine engine = {
    LATCHWORK_TEXT(LATCHWORK_BUILD), kWidth, measure_forward, measure_backward, pack, forward, backward, peak};

}  // namespace latchwork::LATCHWORK_BUILD
