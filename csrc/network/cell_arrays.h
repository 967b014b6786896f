// A recurrent layer's arrays as they lie one after the other among a network's parameters, and its states.
#pragma once

#include "recurrence/problem.h"

namespace latchwork {

constexpr int state_count(Kind kind) { return kind_shape(kind).states + 1; }

// Visits (pointer to an array, its floats) in order: input_weight, hidden_weight, bias, the second bias and the
// peepholes where there are any. `Arrays` is Operands or Gradients.
template <class Arrays, class Visit>
void visit_cell_arrays(Kind kind, int64_t features, int64_t hidden, Arrays& arrays, Visit&& visit) {
  const KindShape& shape = kind_shape(kind);
  const int64_t columns = shape.gates * hidden;
  visit(arrays.input_weight, features * columns);
  visit(arrays.hidden_weight, hidden * columns);
  visit(arrays.bias, columns);
  if (shape.has_hidden_bias) visit(arrays.hidden_bias, columns);
  for (int which = 0; shape.has_peepholes && which < 3; ++which) visit(arrays.peepholes[which], hidden);
}

inline int64_t cell_floats(Kind kind, int64_t features, int64_t hidden) {
  int64_t floats = 0;
  Operands none{};
  visit_cell_arrays(kind, features, hidden, none, [&](const float*&, int64_t count) { floats += count; });
  return floats;
}

// Sets the arrays to where they lie from `parameters` on.
template <class Arrays, class Float>
void set_cell_arrays(Kind kind, int64_t features, int64_t hidden, Float* parameters, Arrays& arrays) {
  visit_cell_arrays(kind, features, hidden, arrays, [&](auto& array, int64_t count) {
    array = parameters;
    parameters += count;
  });
}

}  // namespace latchwork
