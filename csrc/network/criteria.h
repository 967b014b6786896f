// Losses and metrics of a batch, row by row, and the losses' derivatives by the outputs.
#pragma once

#include "network/ctc.h"
#include "network/lanes.h"
#include "network/learning.h"
#include "network/value_criteria.h"

namespace latchwork::LATCHWORK_BUILD {

// One target's cross-entropy; `by` gets its derivative times `share`.
inline float cross_entropy(const float* scores, int64_t classes, int32_t target, float smoothing, float share,
                           float* by) {
  float largest = scores[0], total = 0.0f;
  for (int64_t i = 0; i < classes; ++i) {
    if (!(scores[i] <= largest)) largest = scores[i];
    total += scores[i];
  }
  Vec sum = zero();
  for (int64_t block = 0; block < blocks_of(classes); ++block) {
    const int64_t count = lanes(classes, block);
    const Vec power = filled(exponential(load(scores + block * kWidth, count) - largest), count, 0.0f);
    if (by) store(by + block * kWidth, power, count);
    sum += power;
  }
  const float whole = sum_of_lanes(sum);
  const float log_whole = __builtin_logf(whole) + largest;
  const bool known = target >= 0 && target < classes;  // an unknown class has no score to raise
  const float hit = known ? scores[target] - log_whole : 0.0f;
  const float mean = total / static_cast<float>(classes) - log_whole;
  if (by) {
    const float factor = share * ((known ? 1.0f - smoothing : 0.0f) + smoothing) / whole;
    const float less = share * smoothing / static_cast<float>(classes);
    for (int64_t block = 0; block < blocks_of(classes); ++block) {
      const int64_t count = lanes(classes, block);
      store(by + block * kWidth, load(by + block * kWidth, count) * factor - less, count);
    }
    if (known) by[target] -= share * (1.0f - smoothing);
  }
  return -((1.0f - smoothing) * hit + smoothing * mean);
}

inline void softmax(int64_t rows, int64_t width, float* scores) {
  for (int64_t row = 0; row < rows; ++row, scores += width) {
    float largest = scores[0];
    for (int64_t i = 1; i < width; ++i)
      if (!(scores[i] <= largest)) largest = scores[i];
    Vec sum = zero();
    for (int64_t block = 0; block < blocks_of(width); ++block) {
      const int64_t count = lanes(width, block);
      const Vec power = filled(exponential(load(scores + block * kWidth, count) - largest), count, 0.0f);
      store(scores + block * kWidth, power, count);
      sum += power;
    }
    const float factor = 1.0f / sum_of_lanes(sum);
    for (int64_t block = 0; block < blocks_of(width); ++block) {
      const int64_t count = lanes(width, block);
      store(scores + block * kWidth, load(scores + block * kWidth, count) * factor, count);
    }
  }
}

inline int32_t largest_of(const float* scores, int64_t classes) {
  int32_t best = 0;
  for (int64_t i = 1; i < classes && scores[best] == scores[best]; ++i)
    if (!(scores[i] <= scores[best])) best = static_cast<int32_t>(i);
  return best;
}

// A target below 0 was not observed: its step counts nowhere.
inline float criterion_of_classes(const CriterionJob& job, int64_t row) {
  const int32_t* targets = job.classes + row * job.steps;
  int64_t observed = 0;
  for (int64_t step = 0; step < job.steps; ++step) observed += targets[step] >= 0;
  const float steps = static_cast<float>(observed > 0 ? observed : 1), share = job.shares[row] / steps;
  float sum = 0.0f;
  for (int64_t step = 0; step < job.steps; ++step) {
    const int64_t at = (row * job.steps + step) * job.width;
    float* by = job.by_outputs ? job.by_outputs + at : nullptr;
    if (targets[step] < 0) {
      if (by) std::memset(by, 0, static_cast<size_t>(job.width) * sizeof(float));
      continue;
    }
    sum += job.criterion == Criterion::accuracy
               ? static_cast<float>(largest_of(job.outputs + at, job.width) == targets[step])
               : cross_entropy(job.outputs + at, job.width, targets[step], job.setting[0], share, by);
  }
  return sum / steps;
}

inline void criterion(const CriterionJob& job, const Team& team) {
  const FlushSubnormals flush;
  const Range mine = share(job.batch, team.rank, team.size);
  float* const scratch = job.scratch ? job.scratch + team.rank * alignment_floats(job.labels, job.steps) : nullptr;
  for (int64_t row = mine.begin; row < mine.end; ++row) {
    job.values_of_rows[row] = takes_labels(job.criterion)    ? criterion_of_labels(job, row, scratch)
                              : takes_classes(job.criterion) ? criterion_of_classes(job, row)
                                                             : criterion_of_values(job, row);
    // A row that does not count changes nothing, whatever its output is.
    if (job.by_outputs && job.shares[row] == 0.0f)
      std::memset(job.by_outputs + row * job.steps * job.width, 0,
                  static_cast<size_t>(job.steps * job.width) * sizeof(float));
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
