// The optimisers: Keras's directions, as Optax computes them.
#pragma once

#include "learning.h"
#include "pack.h"

namespace latchwork::LATCHWORK_BUILD {

LATCHWORK_INLINE Vec square_root(Vec value) {
#if defined(__AVX512F__)
  return _mm512_sqrt_ps(value);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(value);
#else
  for (int lane = 0; lane < kWidth; ++lane) value[lane] = __builtin_sqrtf(value[lane]);
  return value;
#endif
}

// In double, in order: the gradients' norm must not depend on who adds it up.
inline double sum_of_squares(const float* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * values[i];
  return sum;
}

template <Direction direction>
LATCHWORK_INLINE void update_register(const UpdateJob& job, int64_t at, int64_t count) {
  Vec gradient = load(job.gradients + at, count);
  if (job.norm >= job.most_norm || job.norm != job.norm) gradient = gradient / job.norm * job.most_norm;
  Vec way = gradient;
  if constexpr (direction == Direction::momentum) {
    way = gradient + job.decay * load(job.slots[0] + at, count);
    store(job.slots[0] + at, way, count);
  } else if constexpr (direction == Direction::rmsprop) {
    const Vec squares = job.gain * (gradient * gradient) + job.decay * load(job.slots[0] + at, count);
    store(job.slots[0] + at, squares, count);
    way = gradient / square_root(squares + job.epsilon);
  } else if constexpr (direction == Direction::adagrad) {
    const Vec squares = gradient * gradient + load(job.slots[0] + at, count);
    store(job.slots[0] + at, squares, count);
    way = gradient / square_root(squares + job.epsilon);
  } else if constexpr (direction == Direction::adam) {
    const Vec mean = job.gain * gradient + job.decay * load(job.slots[0] + at, count);
    const Vec squares =
        job.gain_of_squares * (gradient * gradient) + job.decay_of_squares * load(job.slots[1] + at, count);
    store(job.slots[0] + at, mean, count);
    store(job.slots[1] + at, squares, count);
    way = mean / job.first_correction / (square_root(squares / job.second_correction) + job.epsilon);
  }
  const Vec parameter = load(job.parameters + at, count);
  if (job.weight_decay != 0.0f) way += job.weight_decay * parameter;
  store(job.parameters + at, parameter + job.scale * way, count);
}

template <Direction direction>
void update_range(const UpdateJob& job) {
  int64_t at = 0;
  for (; at + kWidth <= job.count; at += kWidth) update_register<direction>(job, at, kWidth);
  if (at < job.count) update_register<direction>(job, at, job.count - at);
}

inline void update(const UpdateJob& job) {
  const FlushSubnormals flush;
  switch (job.direction) {
    case Direction::sgd: return update_range<Direction::sgd>(job);
    case Direction::momentum: return update_range<Direction::momentum>(job);
    case Direction::rmsprop: return update_range<Direction::rmsprop>(job);
    case Direction::adam: return update_range<Direction::adam>(job);
    case Direction::adagrad: return update_range<Direction::adagrad>(job);
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
