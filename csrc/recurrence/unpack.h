// What a trace keeps, as arrays that people can read: each gate and each state of every step.
#pragma once

#include "recurrence/job.h"

namespace latchwork {

// Planes [batch, time, hidden], zero past a sequence's length: the gates as KindShape names them, the states but for the
// hidden one, and the outputs, which forward itself has written.
constexpr int traced_planes(Kind kind) { return traced_vectors(kind) + 1; }

struct UnpackJob {
  Kind kind;
  Shape shape;
  bool reverse;
  int width;  // floats in a register of the build that ran
  const Chunk* chunks;
  int64_t chunk_count;
  const float* saved;
  float* planes;  // [traced_planes, batch, time, hidden]
};

// A TeamWork on an UnpackJob.
void unpack(const void* job, const Team& team);

}  // namespace latchwork
