// A build's own sigmoid and tanh on arrays, to be measured.
#pragma once

#include <cstdint>

namespace latchwork {
namespace baseline {
void functions(const float* x, int64_t count, float* sigmoids, float* tanhs);
}
namespace avx2 {
void functions(const float* x, int64_t count, float* sigmoids, float* tanhs);
}
namespace avx512 {
void functions(const float* x, int64_t count, float* sigmoids, float* tanhs);
}
}  // namespace latchwork
