// One shape of call, laid out once and run any number of times: what it costs to begin is paid once.
#pragma once

#include <optional>
#include <vector>

#include "recurrence/job.h"
#include "threads/lender.h"

namespace latchwork {

// Each member's chunks of rows, and the memory that they point into.
class Plan {
 public:
  // Cuts the rows as the operands' lengths are now; the second time it allocates nothing.
  void arrange(const Shape& shape, const Operands* operands, int64_t members, int64_t chunk_count);

  const Chunk* chunks() const { return chunks_.data(); }
  int64_t row_steps() const { return row_steps_; }  // the sum of all lengths

 private:
  std::vector<int32_t> rows_, lengths_, order_;
  std::vector<Chunk> chunks_;
  int64_t row_steps_ = 0;
};

// What a call that runs once borrows from its thread: a single step is over in less time than it takes to ask for memory.
struct Workspace {
  Plan plan;
  alignas(64) char memory[16 << 10];

  static Workspace& of_this_thread();
};

// Both calls read what `operands` and the others point to at each run, so these stay where they are. What may change is
// the numbers in the arrays, not which arrays there are. `arrange` comes before the first run, and again where lengths
// have changed; `run` is called by each thread of a team of at most `threads`, and returns when this thread has done
// its part: the team meets before it reads the results.
class ForwardCall {
 public:
  ForwardCall(const ForwardCall&) = delete;
  // `packed`: weights that were packed before, or null to pack them in each run. `borrowed`: a workspace that no other
  // call uses while this one lives, or null.
  ForwardCall(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
              int64_t members, int threads, float* packed = nullptr, Workspace* borrowed = nullptr);

  void arrange();
  // How many threads a team should have for this call alone.
  int useful_threads() const;
  void run(const Team& team) const;

 private:
  ForwardJob job_{};
  Plan own_plan_;
  Plan& plan_;
  std::optional<Loan> loan_;
  int threads_;
};

class BackwardCall {
 public:
  BackwardCall(const BackwardCall&) = delete;
  BackwardCall(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Cotangents* cotangents,
               const Gradients* gradients, int64_t members, int threads, Workspace* borrowed = nullptr);

  void arrange();
  int useful_threads() const;
  void run(const Team& team) const;

 private:
  BackwardJob job_{};
  Plan own_plan_;
  Plan& plan_;
  std::optional<Loan> loan_;
  int threads_;
};

}  // namespace latchwork
