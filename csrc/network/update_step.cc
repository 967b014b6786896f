// The last part of a training step: gradients are limited, and the optimiser moves the parameters.
#include <algorithm>
#include <cmath>

#include "network/trainer.h"

namespace latchwork {
namespace {

int64_t part(int64_t count, int rank, int size) { return count * rank / size; }

}  // namespace

bool Limits::any() const { return !frozen.empty() || std::isfinite(norm) || std::isfinite(value); }

void Trainer::limit(const Team& team) {
  if (!limits_.any()) return;
  float* const gradients = gradients_.data();
  if (team.rank == 0)
    for (const auto& [first, last] : limits_.frozen) std::fill(gradients + first, gradients + last, 0.0f);
  team.sync();
  if (std::isfinite(limits_.value)) {
    const Part mine = part_of(parameter_count_, team);
    for (int64_t i = mine.begin; i < mine.end; ++i)  // in this order NaN passes through
      gradients[i] = gradients[i] > limits_.value    ? limits_.value
                     : gradients[i] < -limits_.value ? -limits_.value
                                                     : gradients[i];
    team.sync();
  }
  if (std::isfinite(limits_.norm)) {
    for (std::size_t index = 0; index < limits_.variables.size(); ++index) {
      if (static_cast<int>(index) % team.size != team.rank) continue;
      const auto [first, last] = limits_.variables[index];
      const auto norm =
          static_cast<float>(std::sqrt(learning_engine().sum_of_squares(gradients + first, last - first)));
      if (norm > limits_.norm)
        for (int64_t i = first; i < last; ++i) gradients[i] = gradients[i] * limits_.norm / norm;
    }
  }
  team.sync();
}

void Trainer::update(int64_t step, const Batches& batches, const Team& team) {
  limit(team);
  UpdateJob job{};
  job.direction = rule_.direction;
  job.decay = static_cast<float>(rule_.decay);
  job.gain = static_cast<float>(1 - rule_.decay);
  job.decay_of_squares = static_cast<float>(rule_.decay_of_squares);
  job.gain_of_squares = static_cast<float>(1 - rule_.decay_of_squares);
  job.epsilon = static_cast<float>(rule_.epsilon);
  // In float, as Optax has them: the first steps of a run depend on it.
  const auto steps = static_cast<float>(batches.first + step + 1);
  job.first_correction = 1.0f - std::pow(job.decay, steps);
  job.second_correction = 1.0f - std::pow(job.decay_of_squares, steps);
  if (rule_.epsilon_beside_raw) job.epsilon /= std::sqrt(job.second_correction);
  job.most_norm = batches.most_norm;
  job.scale = batches.scales[step];
  if (std::isfinite(batches.most_norm)) {
    const auto blocks = static_cast<int64_t>(squares_.size());
    for (int64_t block = part(blocks, team.rank, team.size); block < part(blocks, team.rank + 1, team.size); ++block) {
      const int64_t begin = block * kSquared;
      squares_[block] =
          learning_engine().sum_of_squares(gradients_.data() + begin, std::min(kSquared, parameter_count_ - begin));
    }
    team.sync();
    double sum = 0;
    for (const double part : squares_) sum += part;
    job.norm = static_cast<float>(std::sqrt(sum));
  }
  // Each thread has a range of the parameters; weight decay starts and ends inside it.
  const int64_t registers = (parameter_count_ + kWidestRegister - 1) / kWidestRegister;
  int64_t at = part(registers, team.rank, team.size) * kWidestRegister;
  const int64_t end = std::min(parameter_count_, part(registers, team.rank + 1, team.size) * kWidestRegister);
  const auto apply = [&](int64_t to, bool decays) {
    if (to <= at) return;
    job.weight_decay = decays ? rule_.weight_decay : 0.0f;
    job.count = to - at;
    job.parameters = parameters_.data() + at;
    job.gradients = gradients_.data() + at;
    for (int slot = 0; slot < slots(); ++slot) job.slots[slot] = slots_.data() + slot * parameter_count_ + at;
    learning_engine().update(job);
    at = to;
  };
  if (rule_.weight_decay != 0) {
    for (const auto& [first, last] : rule_.decayed) {
      apply(std::min(first, end), false);
      apply(std::min(last, end), true);
    }
  }
  apply(end, false);
}

}  // namespace latchwork
