// Connectionist temporal classification (Graves et al., 2006): minus the logarithm of the probability that a row's labels
// are emitted in their order, at whatever steps, with blanks (class 0) between them; and its derivative by the outputs.
//
// Probabilities are logarithms, at each step relative to the likeliest place of the step before: what counts stays near
// zero, where floats are fine, however long the sequence is. Places stand in two lines, `blank[i]` before label i and
// `label[i]`, so that a register holds neighbours.
#pragma once

#include "network/labels.h"
#include "network/lanes.h"
#include "network/learning.h"

namespace latchwork::LATCHWORK_BUILD {

inline constexpr float kNever = -1e30f;  // log 0, finite so that differences are

// log(e^a + e^b).
LATCHWORK_INLINE Vec log_sum(Vec a, Vec b) {
  const Vec apart = from_bits(to_bits(a - b) & 0x7fffffffu);
  return (a > b ? a : b) - log_sigmoid(apart);
}

// The log probability of being at each place, in a pair of lines; what is before the first and behind the last is never
// reached.
struct Places {
  float *blank, *label;
};

// One row in its thread's memory.
struct Alignment {
  int64_t width, steps, count, blocks;
  const int32_t* labels;
  const float* scores;  // [steps, width]
  float* by;            // [steps, width], or null
  float share;
  // Memory: lines of `line` floats, of which the places begin at kWidestRegister.
  int64_t line;
  float* memory;

  float* at(int64_t index) const { return memory + index * line + kWidestRegister; }
  float* skip() const { return at(0); }     // 0 where a label may follow the one before without a blank, else never
  float* emitted() const { return at(1); }  // log probability of each label in a step
  Places backwards() const { return {at(2), at(3)}; }
  Places shares() const { return {at(4), at(5)}; }
  Places forwards(int64_t step) const { return {at(8 + 2 * step), at(9 + 2 * step)}; }  // -1: before the first
  float* normaliser() const { return at(8 + 2 * steps) - kWidestRegister; }             // [steps]

  void clear(Places places) const {
    for (int64_t i = -kWidestRegister; i < line - kWidestRegister; ++i) places.blank[i] = places.label[i] = kNever;
  }

  // Logarithms of what the scores of each step sum up to; `by` gets its softmax times the share. False where a score is
  // no number.
  bool normalise() const {
    bool numbers = true;
    for (int64_t step = 0; step < steps; ++step) {
      const float* from = scores + step * width;
      float* to = by ? by + step * width : nullptr;
      float largest = from[0];
      for (int64_t i = 1; i < width; ++i)
        if (!(from[i] <= largest)) largest = from[i];
      Vec sum = zero();
      for (int64_t block = 0; block < blocks_of(width); ++block) {
        const int64_t some = lanes(width, block);
        const Vec power = filled(exponential(load(from + block * kWidth, some) - largest), some, 0.0f);
        if (to) store(to + block * kWidth, power, some);
        sum += power;
      }
      const float whole = sum_of_lanes(sum), log_whole = __builtin_logf(whole) + largest;
      numbers = numbers && log_whole - log_whole == 0.0f;
      normaliser()[step] = log_whole;
      if (!to) continue;
      const float factor = share / whole;
      for (int64_t block = 0; block < blocks_of(width); ++block) {
        const int64_t some = lanes(width, block);
        store(to + block * kWidth, load(to + block * kWidth, some) * factor, some);
      }
    }
    return numbers;
  }

  // The step's log probability of a class, less `relative`.
  float log_probability(int64_t step, int64_t of, float relative) const {
    const float value = scores[step * width + of] - normaliser()[step] - relative;
    return value > kNever ? value : kNever;
  }
  // Of a blank; those of the labels go to emitted().
  float emit(int64_t step, float relative) const {
    for (int64_t i = 0; i < count; ++i) emitted()[i] = log_probability(step, labels[i], relative);
    return log_probability(step, 0, relative);
  }

  // Each step's places from the step before. Returns the logarithm of the labels' probability.
  double forward() const {
    clear(forwards(-1));
    forwards(-1).blank[0] = 0.0f;
    float relative = 0.0f;
    double total = 0;
    for (int64_t step = 0; step < steps; ++step) {
      const float blank = emit(step, relative);
      const Places before = forwards(step - 1), now = forwards(step);
      clear(now);
      Vec most = splat(kNever);
      for (int64_t i = 0; i < blocks * kWidth; i += kWidth) {
        const Vec left = load(before.label + i - 1), stay = load(before.blank + i);
        const Vec at_blank = log_sum(stay, left) + blank;
        const Vec at_label =
            log_sum(log_sum(load(before.label + i), stay), left + load(skip() + i)) + load(emitted() + i);
        store(now.blank + i, at_blank);
        store(now.label + i, at_label);
        const Vec larger = at_blank > at_label ? at_blank : at_label;
        most = larger > most ? larger : most;
      }
      total += relative;
      relative = largest_of_lanes(most);
      if (relative < 0.5f * kNever) return kNever;
    }
    const Places last = forwards(steps - 1);
    const float blank = last.blank[count], label = last.label[count - 1];
    const float larger = blank > label ? blank : label, apart = __builtin_fabsf(blank - label);
    return total + larger + __builtin_log1pf(__builtin_expf(-apart));
  }

  // From the last step to the first, what follows each place; takes each class's share in the alignments off `by`.
  void backward() const {
    const Places after = backwards(), shared = shares();
    clear(after);
    after.blank[count] = 0.0f;
    if (count > 0) after.label[count - 1] = 0.0f;
    float relative = 0.0f;
    for (int64_t step = steps - 1; step >= 0; --step) {
      share_out(step, forwards(step), after, shared);
      if (step == 0) return;
      const float blank = emit(step, relative);
      Vec most = splat(kNever);
      // In place: a register and its right neighbour are read before the register is written.
      for (int64_t i = 0; i < blocks * kWidth; i += kWidth) {
        const Vec at_blank = load(after.blank + i) + blank, at_label = load(after.label + i) + load(emitted() + i);
        const Vec next_blank = load(after.blank + i + 1) + blank;
        const Vec next_label = load(after.label + i + 1) + load(emitted() + i + 1) + load(skip() + i + 1);
        const Vec of_blank = log_sum(at_blank, at_label);
        const Vec of_label = log_sum(log_sum(at_label, next_blank), next_label);
        store(after.blank + i, of_blank);
        store(after.label + i, of_label);
        const Vec larger = of_blank > of_label ? of_blank : of_label;
        most = larger > most ? larger : most;
      }
      relative = largest_of_lanes(most);
    }
  }

  void share_out(int64_t step, const Places& before, const Places& after, const Places& shared) const {
    Vec most = splat(kNever);
    for (int64_t i = 0; i < blocks * kWidth; i += kWidth) {
      const Vec at_blank = load(before.blank + i) + load(after.blank + i);
      const Vec at_label = load(before.label + i) + load(after.label + i);
      store(shared.blank + i, at_blank);
      store(shared.label + i, at_label);
      const Vec larger = at_blank > at_label ? at_blank : at_label;
      most = larger > most ? larger : most;
    }
    const float largest = largest_of_lanes(most);
    Vec blanks = zero(), others = zero();
    for (int64_t i = 0; i < blocks * kWidth; i += kWidth) {
      const Vec at_label = exp(load(shared.label + i) - largest);
      store(shared.label + i, at_label);
      blanks += exp(load(shared.blank + i) - largest);
      others += at_label;
    }
    const float of_blank = sum_of_lanes(blanks), factor = share / (of_blank + sum_of_lanes(others));
    float* to = by + step * width;
    to[0] -= factor * of_blank;
    for (int64_t i = 0; i < count; ++i) to[labels[i]] -= factor * shared.label[i];
  }
};

inline Alignment alignment_of(const CriterionJob& job, int64_t row, float* memory) {
  Alignment one{};
  one.width = job.width;
  one.steps = job.lengths ? smaller(job.lengths[row] > 0 ? job.lengths[row] : 0, job.steps) : job.steps;
  one.labels = job.classes + row * job.labels;
  one.count = labels_in(one.labels, job.labels);
  one.blocks = blocks_of(one.count + 1);
  one.scores = job.outputs + row * job.steps * job.width;
  one.by = job.by_outputs ? job.by_outputs + row * job.steps * job.width : nullptr;
  one.line = alignment_line(one.count);
  one.memory = memory;
  return one;
}

// A row's cost: for each label, where the setting says so.
inline float criterion_of_labels(const CriterionJob& job, int64_t row, float* memory) {
  Alignment one = alignment_of(job, row, memory);
  const float parts = job.setting[0] != 0.0f && one.count > 1 ? static_cast<float>(one.count) : 1.0f;
  one.share = job.shares[row] / parts;
  float* const past = one.by ? one.by + one.steps * one.width : nullptr;
  if (past) std::memset(past, 0, static_cast<size_t>((job.steps - one.steps) * one.width) * sizeof(float));
  if (!can_align(one.labels, one.count, one.steps, one.width)) {
    if (one.by) std::memset(one.by, 0, static_cast<size_t>(one.steps * one.width) * sizeof(float));
    return 0.0f;  // it counts nowhere
  }
  if (one.steps == 0) return 0.0f;
  for (int64_t i = -kWidestRegister; i < one.line - kWidestRegister; ++i) {
    one.emitted()[i] = kNever;
    one.skip()[i] = i > 0 && i < one.count && one.labels[i] != one.labels[i - 1] ? 0.0f : kNever;
  }
  const bool numbers = one.normalise();
  const double found = numbers ? one.forward() : 0.0;
  if (numbers && found > 0.5 * kNever) {
    if (one.by) one.backward();
    return static_cast<float>(-found / parts);
  }
  // Alignments there are, but the outputs give them no probability at all, or are no numbers: no derivative is right.
  for (int64_t i = 0; one.by && i < one.steps * one.width; ++i) one.by[i] = __builtin_nanf("");
  return numbers ? __builtin_inff() : __builtin_nanf("");
}

}  // namespace latchwork::LATCHWORK_BUILD
