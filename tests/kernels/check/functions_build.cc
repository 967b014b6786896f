// Compiled once for each instruction set, like the kernels.
#include "functions.h"
#include "recurrence/math.h"

namespace latchwork::LATCHWORK_BUILD {

void functions(const float* x, int64_t count, const Values& to) {
  const FlushSubnormals flush;
  for (int64_t at = 0; at < count; at += kWidth) {
    const int64_t lanes = count - at < kWidth ? count - at : kWidth;
    const Vec value = load(x + at, lanes);
    store(to.sigmoid + at, sigmoid(value), lanes);
    store(to.tanh + at, tanh(value), lanes);
    store(to.exp + at, exp(value), lanes);
    store(to.log_sigmoid + at, log_sigmoid(value), lanes);
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
