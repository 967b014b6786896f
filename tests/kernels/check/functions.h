// A build's own functions on arrays, to be measured.
#pragma once

#include <cstdint>

namespace latchwork {

// Where they go, an array of `count` each.
struct Values {
  float *sigmoid, *tanh, *exp, *log_sigmoid;
};

namespace baseline {
void functions(const float* x, int64_t count, const Values& to);
}
namespace avx2 {
void functions(const float* x, int64_t count, const Values& to);
}
namespace avx512 {
void functions(const float* x, int64_t count, const Values& to);
}
}  // namespace latchwork
