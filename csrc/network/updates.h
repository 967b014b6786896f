// The optimisers: Keras's directions, as Optax computes them.
#pragma once

#include <cstring>

#include "network/learning.h"
#include "recurrence/pack.h"

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

// One register of parameters, their gradients and their slots.
struct UpdateAt {
  float* parameters;
  const float* gradients;
  float* slots[2];
};

template <Direction direction>
LATCHWORK_INLINE void update_register(const UpdateJob& job, const UpdateAt& at) {
  Vec gradient = load(at.gradients);
  if (job.norm >= job.most_norm || job.norm != job.norm) gradient = gradient / job.norm * job.most_norm;
  Vec way = gradient;
  if constexpr (direction == Direction::momentum) {
    way = gradient + job.decay * load(at.slots[0]);
    store(at.slots[0], way);
  } else if constexpr (direction == Direction::rmsprop) {
    const Vec squares = job.gain * (gradient * gradient) + job.decay * load(at.slots[0]);
    store(at.slots[0], squares);
    way = gradient / square_root(squares + job.epsilon);
  } else if constexpr (direction == Direction::adagrad) {
    const Vec squares = gradient * gradient + load(at.slots[0]);
    store(at.slots[0], squares);
    way = gradient / square_root(squares + job.epsilon);
  } else if constexpr (direction == Direction::adam) {
    const Vec mean = job.gain * gradient + job.decay * load(at.slots[0]);
    const Vec squares = job.gain_of_squares * (gradient * gradient) + job.decay_of_squares * load(at.slots[1]);
    store(at.slots[0], mean);
    store(at.slots[1], squares);
    way = mean / job.first_correction / (square_root(squares / job.second_correction) + job.epsilon);
  } else if constexpr (direction == Direction::adadelta) {
    const Vec squares = job.gain * (gradient * gradient) + job.decay * load(at.slots[0]), moves = load(at.slots[1]);
    way = square_root(moves + job.epsilon) * gradient / square_root(squares + job.epsilon);
    store(at.slots[0], squares);
    store(at.slots[1], job.gain * (way * way) + job.decay * moves);
  } else if constexpr (direction == Direction::adamax) {
    const Vec mean = job.gain * gradient + job.decay * load(at.slots[0]);
    const Vec size = gradient < 0.0f ? -gradient : gradient, before = job.decay_of_squares * load(at.slots[1]);
    const Vec largest = size < before ? before : size;
    store(at.slots[0], mean);
    store(at.slots[1], largest);
    way = mean / job.first_correction / (largest + job.epsilon);
  }
  const Vec parameter = load(at.parameters);
  if constexpr (direction == Direction::velocity || direction == Direction::nesterov) {
    const Vec moved = job.decay * load(at.slots[0]) + job.scale * gradient;
    store(at.slots[0], moved);
    const Vec move = direction == Direction::nesterov ? job.decay * moved + job.scale * gradient : moved;
    const Vec shrunk = job.weight_decay != 0.0f ? parameter + job.scale * job.weight_decay * parameter : parameter;
    store(at.parameters, shrunk + move);
    return;
  }
  if (job.weight_decay != 0.0f) way += job.weight_decay * parameter;
  store(at.parameters, parameter + job.scale * way);
}

// What fills no register goes through lanes of its own, and so through the same instructions: compiled a second time, a
// sum of two products may be fused the other way round, and which numbers are at the end of a range follows from the
// number of threads.
template <Direction direction>
void update_range(const UpdateJob& job) {
  constexpr int kSlots = direction_slots(direction);
  alignas(4 * kWidth) float rest[4][kWidth] = {};
  for (int64_t at = 0; at < job.count; at += kWidth) {
    UpdateAt here{job.parameters + at, job.gradients + at, {}};
    for (int slot = 0; slot < kSlots; ++slot) here.slots[slot] = job.slots[slot] + at;
    const int64_t left = job.count - at;
    const UpdateAt own = here;
    if (left < kWidth) {
      const std::size_t bytes = static_cast<std::size_t>(left) * sizeof(float);
      std::memcpy(rest[0], own.parameters, bytes);
      std::memcpy(rest[1], own.gradients, bytes);
      for (int slot = 0; slot < kSlots; ++slot) std::memcpy(rest[2 + slot], own.slots[slot], bytes);
      here = {rest[0], rest[1], {rest[2], rest[3]}};
    }
    update_register<direction>(job, here);
    if (left < kWidth) {
      const std::size_t bytes = static_cast<std::size_t>(left) * sizeof(float);
      std::memcpy(own.parameters, rest[0], bytes);
      for (int slot = 0; slot < kSlots; ++slot) std::memcpy(own.slots[slot], rest[2 + slot], bytes);
    }
  }
}

inline void update(const UpdateJob& job) {
  const FlushSubnormals flush;
  switch (job.direction) {
    case Direction::sgd: return update_range<Direction::sgd>(job);
    case Direction::momentum: return update_range<Direction::momentum>(job);
    case Direction::rmsprop: return update_range<Direction::rmsprop>(job);
    case Direction::adam: return update_range<Direction::adam>(job);
    case Direction::adagrad: return update_range<Direction::adagrad>(job);
    case Direction::velocity: return update_range<Direction::velocity>(job);
    case Direction::nesterov: return update_range<Direction::nesterov>(job);
    case Direction::adadelta: return update_range<Direction::adadelta>(job);
    case Direction::adamax: return update_range<Direction::adamax>(job);
  }
}

}  // namespace latchwork::LATCHWORK_BUILD
