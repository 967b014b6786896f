// One call, laid out: what every thread of the team reads. Laid out in kernels.cc, worked on by each build.
#pragma once

#include "recurrence/problem.h"
#include "threads/team.h"

namespace latchwork {

// The rows of one network that are worked on together, longest first, so that the rows still running are always the
// first ones. Row r is sequence rows[r] of the batch.
struct Chunk {
  const int32_t* rows;
  const int32_t* lengths;
  int64_t count;
  int64_t first_step;  // row-steps in the chunks before: where this one's part of `saved` starts
  int64_t row_steps;   // the sum of the lengths
};

// How a call is cut. It depends on the sizes alone, never on the number of threads.
struct Schedule {
  bool by_columns;     // threads share each step's hidden units and meet after it; else they own chunks of rows
  bool project_first;  // the inputs' product for many steps at once, before the recurrence
  int64_t chunks;      // of rows, in each network
  int64_t block_rows;  // row-steps that the input product and the weights' gradients take at once
};

// Filled in by the build, since registers differ in width.
struct Sizes {
  int64_t blocks;         // registers of hidden units
  int64_t padded_hidden;  // floats of a row of a state
  int64_t line;           // floats of a row of all slots
  int64_t packed;         // floats of packed weights, for each network
  int64_t partial;        // floats of one chunk's sums of the weights' gradients
  int64_t scratch;        // bytes, for each chunk that is being worked on
};

struct ForwardJob {
  Kind kind;
  Shape shape;
  bool reverse;
  Schedule schedule;
  Sizes sizes;
  int64_t members;
  const Operands* operands;  // [members]
  const Results* results;
  const Chunk* chunks;  // [members][schedule.chunks]
  float* packed;        // [members][sizes.packed]
  bool is_packed;       // packed by pack() before
  char* scratch;        // [threads, or 1 by columns][sizes.scratch]
};

struct BackwardJob {
  Kind kind;
  Shape shape;
  bool reverse;
  Schedule schedule;
  Sizes sizes;
  int64_t members;
  const Operands* operands;
  const Cotangents* cotangents;
  const Gradients* gradients;
  const Chunk* chunks;
  float* packed;
  float* partials;  // [members][schedule.chunks][sizes.partial]
  char* scratch;
};

struct PeakJob {
  int64_t rounds;
  float factor;  // unknown to the compiler, so that it computes nothing ahead
  float term;
  float* results;      // [threads][floats in a register]
  double* operations;  // how many all threads have done
};

// What a build offers.
struct Engine {
  const char* name;
  int width;  // floats in a register
  Sizes (*measure_forward)(const ForwardJob& job, int64_t most_rows);
  Sizes (*measure_backward)(const BackwardJob& job, int64_t most_rows);
  void (*pack)(const ForwardJob& job);  // all members' weights, on the calling thread
  TeamWork forward;                     // on a ForwardJob
  TeamWork backward;                    // on a BackwardJob
  TeamWork peak;                        // on a PeakJob
};

}  // namespace latchwork
