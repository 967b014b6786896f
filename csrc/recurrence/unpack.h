// What forward keeps for backward, as arrays that people can read: each gate and the cell state of every step.
#pragma once

#include "recurrence/job.h"

namespace latchwork {

// Planes [batch, time, hidden], zero past a sequence's length: the gates after their nonlinearities in the order of the
// weights' columns (before a coupled LSTM's, its input gate, 1 - forget), the cell state where there is one, and the
// outputs, which forward itself has written.
constexpr int traced_planes(Kind kind) {
  const KindShape k = kind_shape(kind);
  return (kind == Kind::coupled_lstm ? 1 : 0) + k.gates + (k.has_cell ? 1 : 0) + 1;
}

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

// A TeamWork on an UnpackJob. Kinds that save no slots have nothing to unpack.
void unpack(const void* job, const Team& team);

}  // namespace latchwork
