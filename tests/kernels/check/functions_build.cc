// Compiled once for each instruction set, like the kernels.
#include "functions.h"
#include "recurrence/math.h"

namespace latchwork::LATCHWORK_BUILD {

void functions(const float* x, int64_t count, float* sigmoids, float* tanhs) {
  const FlushSubnormals flush;
  for (int64_t at = 0; at < count; at += kWidth) {
    const int64_t lanes = count - at < kWidth ? count - at : kWidth;
    const Vec value = load(x + at, lanes);
    store(sigmoids + at, sigmoid(value), lanes);
    store(tanhs + at, tanh(value), lanes);
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
