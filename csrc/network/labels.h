// Rows that are answered with labels in their order, whatever the steps: what both the trainer and its losses know.
#pragma once

#include "recurrence/problem.h"

namespace latchwork {

// How many labels there are before the first number below 0.
inline int64_t labels_in(const int32_t* labels, int64_t most) {
  int64_t count = 0;
  while (count < most && labels[count] >= 0) ++count;
  return count;
}

// Whether so many steps can hold them: one for each, and one for the blank between two equal ones. Class 0 is the blank.
inline bool can_align(const int32_t* labels, int64_t count, int64_t steps, int64_t classes) {
  int64_t needed = count;
  for (int64_t i = 0; i < count; ++i) {
    if (labels[i] == 0 || labels[i] >= classes) return false;
    needed += i > 0 && labels[i] == labels[i - 1];
  }
  return needed <= steps;
}

// Floats of a line of places, margins included, and of all that a row with so many labels needs (see ctc.h).
constexpr int64_t alignment_line(int64_t labels) { return padded(labels + 1, kWidestRegister) + 2 * kWidestRegister; }
constexpr int64_t alignment_floats(int64_t labels, int64_t steps) {
  return (8 + 2 * steps) * alignment_line(labels) + padded(steps, kWidestRegister);
}

}  // namespace latchwork
