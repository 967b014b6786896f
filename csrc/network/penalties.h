// What the size of parameters costs beside the loss.
#pragma once

#include <vector>

#include "network/layers.h"

namespace latchwork {

// l1 |w| + l2 w^2 for each parameter w of a range.
struct Penalty {
  int64_t first, last;
  float l1, l2;
};

// All of a network's. No result depends on the number of threads: what is summed is summed in blocks of fixed size.
class Penalties {
 public:
  explicit Penalties(const std::vector<Penalty>& penalties);

  explicit operator bool() const { return !blocks_.empty(); }
  // Every thread of a team computes its blocks; once they have met, total() is the sum.
  void measure(const float* parameters, const Team& team);
  double total() const;
  // Adds the derivatives by the parameters to the gradients.
  void add_slopes(const float* parameters, float* gradients, const Team& team) const;

 private:
  std::vector<Penalty> blocks_;
  std::vector<double> costs_;  // of each
};

}  // namespace latchwork
