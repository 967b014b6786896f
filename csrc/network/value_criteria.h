// Losses and metrics of numbers: each value by itself, averaged over those of a row that were observed.
#pragma once

#include "network/learning.h"

namespace latchwork::LATCHWORK_BUILD {

// What a value costs, and the derivative of that by the output.
struct Cost {
  float value, slope;
};

template <Criterion criterion>
Cost cost_of(float output, float target, float setting) {
  const float error = output - target, size = __builtin_fabsf(error);
  const float sign = error > 0.0f ? 1.0f : error < 0.0f ? -1.0f : error;
  if constexpr (criterion == Criterion::squared_error) {
    return {error * error, 2.0f * error};
  } else if constexpr (criterion == Criterion::absolute_error) {
    return {size, sign};
  } else if constexpr (criterion == Criterion::huber) {
    const float near = size > setting ? setting : size;
    const float slope = error > setting ? setting : error < -setting ? -setting : error;
    return {0.5f * near * near + setting * (size - near), slope};
  } else if constexpr (criterion == Criterion::smooth_absolute_error) {
    const float root = __builtin_sqrtf(error * error + setting);
    return {root, error / root};
  } else if constexpr (criterion == Criterion::smooth_smape) {
    const float root = __builtin_sqrtf(error * error + setting), height = __builtin_sqrtf(output * output + setting);
    const float whole = height + __builtin_sqrtf(target * target + setting), share = 2.0f * root / whole;
    return {share, (2.0f * error / root - share * output / height) / whole};
  } else if constexpr (criterion == Criterion::pinball) {
    return {(error < 0.0f ? -setting : 1.0f - setting) * error, error < 0.0f   ? -setting
                                                                : error > 0.0f ? 1.0f - setting
                                                                               : error};
  } else if constexpr (criterion == Criterion::binary_cross_entropy) {
    const float wanted = target * (1.0f - setting) + 0.5f * setting;
    const float power = __builtin_expf(-__builtin_fabsf(output));  // at most 1
    const float probability = (output >= 0.0f ? 1.0f : power) / (1.0f + power);
    const float above = output > 0.0f ? output : 0.0f;
    return {above - output * wanted + __builtin_log1pf(power), probability - wanted};
  } else if constexpr (criterion == Criterion::percentage_error) {
    const float height = __builtin_fabsf(target), whole = height > setting ? height : setting;
    return {100.0f * size / whole, 100.0f * sign / whole};
  } else if constexpr (criterion == Criterion::logarithmic_error) {
    const float above = output > setting ? output : setting, wanted = target > setting ? target : setting;
    const float apart = __builtin_log1pf(above) - __builtin_log1pf(wanted);
    return {apart * apart, output > setting ? 2.0f * apart / (above + 1.0f) : 0.0f};
  } else if constexpr (criterion == Criterion::log_cosh) {
    const float power = __builtin_expf(-2.0f * size);  // at most 1
    return {size + __builtin_log1pf(power) - 0.693147181f, sign * (1.0f - power) / (1.0f + power)};
  } else if constexpr (criterion == Criterion::poisson) {
    return {output - target * __builtin_logf(output + setting), 1.0f - target / (output + setting)};
  } else if constexpr (criterion == Criterion::threshold_accuracy) {
    return {static_cast<float>((output > setting ? 1.0f : 0.0f) == target), 0.0f};
  } else {
    static_assert(criterion == Criterion::binary_accuracy);
    return {static_cast<float>((output > 0.0f) == (target > 0.5f)), 0.0f};
  }
}

// A row's targets each stand before `levels` outputs; each level has its setting.
template <Criterion criterion>
float cost_of_row(const CriterionJob& job, int64_t row) {
  const int64_t levels = levels_of(job), count = job.steps * job.width;
  const float* outputs = job.outputs + row * count;
  const float* targets = job.values + row * (count / levels);
  float* by = job.by_outputs ? job.by_outputs + row * count : nullptr;
  int64_t observed = 0;
  for (int64_t i = 0; i < count / levels; ++i) observed += targets[i] == targets[i];
  const float values = static_cast<float>((observed > 0 ? observed : 1) * levels), share = job.shares[row] / values;
  float sum = 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    const float target = targets[i / levels];
    if (target != target) {
      if (by) by[i] = 0.0f;
      continue;
    }
    const Cost cost = cost_of<criterion>(outputs[i], target, job.setting[i % levels]);
    sum += cost.value;
    if (by) by[i] = share * cost.slope;
  }
  return sum / values;
}

inline float criterion_of_values(const CriterionJob& job, int64_t row) {
  switch (job.criterion) {
    case Criterion::squared_error: return cost_of_row<Criterion::squared_error>(job, row);
    case Criterion::absolute_error: return cost_of_row<Criterion::absolute_error>(job, row);
    case Criterion::huber: return cost_of_row<Criterion::huber>(job, row);
    case Criterion::smooth_absolute_error: return cost_of_row<Criterion::smooth_absolute_error>(job, row);
    case Criterion::smooth_smape: return cost_of_row<Criterion::smooth_smape>(job, row);
    case Criterion::pinball: return cost_of_row<Criterion::pinball>(job, row);
    case Criterion::binary_cross_entropy: return cost_of_row<Criterion::binary_cross_entropy>(job, row);
    case Criterion::binary_accuracy: return cost_of_row<Criterion::binary_accuracy>(job, row);
    case Criterion::percentage_error: return cost_of_row<Criterion::percentage_error>(job, row);
    case Criterion::logarithmic_error: return cost_of_row<Criterion::logarithmic_error>(job, row);
    case Criterion::log_cosh: return cost_of_row<Criterion::log_cosh>(job, row);
    case Criterion::poisson: return cost_of_row<Criterion::poisson>(job, row);
    case Criterion::threshold_accuracy: return cost_of_row<Criterion::threshold_accuracy>(job, row);
    case Criterion::softmax_cross_entropy:
    case Criterion::connectionist_temporal:
    case Criterion::accuracy: break;
  }
  return 0.0f;
}

}  // namespace latchwork::LATCHWORK_BUILD
