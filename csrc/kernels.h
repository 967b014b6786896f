// The kernels' door: forward and backward through time, for any number of independent networks of one shape.
#pragma once

#include "job.h"

namespace latchwork {

// The build that this processor runs, the fastest it can. LATCHWORK_BUILD=baseline|avx2|avx512 asks for another.
const Engine& engine();

// `threads` is how many the call may use; its results do not depend on it.
void forward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Results* results,
             int64_t members, int threads);

void backward(Kind kind, const Shape& shape, bool reverse, const Operands* operands, const Cotangents* cotangents,
              const Gradients* gradients, int64_t members, int threads);

// Operations a second that `threads` cores reach with multiply-adds between registers: no kernel can be faster.
double fma_peak(int threads);

}  // namespace latchwork
