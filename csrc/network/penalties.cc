#include "network/penalties.h"

#include <cmath>

namespace latchwork {
namespace {

constexpr int64_t kBlock = 4096;

}  // namespace

Penalties::Penalties(const std::vector<Penalty>& penalties) {
  for (const Penalty& one : penalties)
    for (int64_t at = one.first; at < one.last; at += kBlock)
      blocks_.push_back({at, std::min(at + kBlock, one.last), one.l1, one.l2});
  costs_.resize(blocks_.size());
}

void Penalties::measure(const float* parameters, const Team& team) {
  const Part mine = part_of(static_cast<int64_t>(blocks_.size()), team);
  for (int64_t index = mine.begin; index < mine.end; ++index) {
    const Penalty& block = blocks_[index];
    double sizes = 0, squares = 0;
    for (int64_t at = block.first; at < block.last; ++at) {
      const auto weight = static_cast<double>(parameters[at]);
      sizes += std::fabs(weight);
      squares += weight * weight;
    }
    costs_[index] = block.l1 * sizes + block.l2 * squares;
  }
}

double Penalties::total() const {
  double sum = 0;
  for (const double cost : costs_) sum += cost;
  return sum;
}

void Penalties::add_slopes(const float* parameters, float* gradients, const Team& team) const {
  const Part mine = part_of(static_cast<int64_t>(blocks_.size()), team);
  for (int64_t index = mine.begin; index < mine.end; ++index) {
    const Penalty& block = blocks_[index];
    const float twice = 2.0f * block.l2;
    for (int64_t at = block.first; at < block.last; ++at) {
      const float weight = parameters[at];
      const float slope = weight > 0.0f ? block.l1 : weight < 0.0f ? -block.l1 : 0.0f;
      gradients[at] += slope + twice * weight;
    }
  }
}

}  // namespace latchwork
