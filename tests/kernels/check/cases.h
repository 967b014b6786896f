// Random calls of the kernels: sizes, options and numbers, the same for a seed on every machine.
#pragma once

#include <cstring>
#include <memory>
#include <string>

#include "recurrence/kernels.h"
#include "reference.h"

namespace check {

// splitmix64: the standard library's distributions differ between libraries.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int64_t from(int64_t least, int64_t most) { return least + static_cast<int64_t>(next() % (most - least + 1)); }
  bool chance(int percent) { return from(1, 100) <= percent; }
  // Of mean 0 and variance 1, as a float, so that the reference computes with the kernels' own numbers.
  float normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(next() >> 11) / 9007199254740992.0;
    return static_cast<float>(sum);
  }

 private:
  uint64_t state_;
};

// An array that knows whether somebody wrote beyond its ends. Under AddressSanitizer it ends where its memory does.
class Floats {
 public:
  Floats() = default;
  explicit Floats(int64_t count, int64_t shift = 0) : count_(count), before_(shift) {
#if defined(__SANITIZE_ADDRESS__)
    const int64_t after = 0;
#else
    const int64_t after = kGuard;
    before_ += kGuard;
#endif
    memory_.assign(before_ + count + after, guard());
    std::fill(data(), data() + count, std::nanf(""));  // what nobody writes is found
  }

  float* data() { return memory_.data() + before_; }
  const float* data() const { return memory_.data() + before_; }
  int64_t size() const { return count_; }
  bool intact() const {
    for (int64_t i = 0; i < static_cast<int64_t>(memory_.size()); ++i)
      if ((i < before_ || i >= before_ + count_) && std::memcmp(&memory_[i], &kPattern, 4) != 0) return false;
    return true;
  }
  Doubles doubles() const { return Doubles(data(), data() + count_); }
  Doubles doubles(int64_t from, int64_t count) const { return Doubles(data() + from, data() + from + count); }

 private:
  static constexpr int64_t kGuard = 32;
  static constexpr uint32_t kPattern = 0x4b1d4b1d;
  static float guard() {
    float value;
    std::memcpy(&value, &kPattern, 4);
    return value;
  }

  int64_t count_ = 0, before_ = 0;
  std::vector<float> memory_;
};

constexpr int kTensors = 10;  // of weights, inputs and states, in the order of latchwork::Gradients
inline const char* const kTensorNames[kTensors] = {
    "inputs",         "input_weight",    "hidden_weight",   "bias",         "hidden_bias",
    "input_peephole", "forget_peephole", "output_peephole", "hidden_state", "cell_state"};

// One of several independent networks of a call. A tensor that the kind does not have, or that is not given, is empty.
struct Member {
  Floats tensors[kTensors];
  Floats mask;
  std::vector<int32_t> lengths;
  Floats by_outputs, by_final_hidden, by_final_cell;
};

struct Case {
  Kind kind;
  latchwork::Shape shape;
  bool reverse;
  int threads;
  bool wanted[kTensors];  // gradients; the same of all members, as are the options that are given
  std::vector<Member> members;

  static Case random(uint64_t seed);
  // No call of its own size: what is small enough for finite differences.
  static Case small(uint64_t seed, Kind kind);

  std::string text() const;
  int64_t steps(const Member& member, int64_t row) const {
    return member.lengths.empty() ? shape.time : member.lengths[row];
  }
  latchwork::Operands operands(const Member& member) const;

 private:
  void fill(Random& random);
};

// How many numbers a tensor of the case has, whether or not it is given; 0 where the kind has none.
inline int64_t size_of(const Case& c, int tensor) {
  const latchwork::KindShape k = latchwork::kind_shape(c.kind);
  const int64_t columns = k.gates * c.shape.hidden;
  switch (tensor) {
    case 0: return c.shape.batch * c.shape.time * c.shape.features;
    case 1: return c.shape.features * columns;
    case 2: return c.shape.hidden * columns;
    case 3: return columns;
    case 4: return k.has_hidden_bias ? columns : 0;
    case 8: return c.shape.batch * c.shape.hidden;
    case 9: return k.has_cell ? c.shape.batch * c.shape.hidden : 0;
    default: return k.has_peepholes ? c.shape.hidden : 0;
  }
}

inline void Case::fill(Random& random) {
  const latchwork::KindShape k = latchwork::kind_shape(kind);
  const bool has_lengths = random.chance(50), has_mask = random.chance(30);
  const bool has_hidden = random.chance(70), has_cell = random.chance(70);
  const bool by_outputs = random.chance(80), by_final_hidden = random.chance(80), by_final_cell = random.chance(80);
  for (int tensor = 0; tensor < kTensors; ++tensor) wanted[tensor] = size_of(*this, tensor) > 0 && random.chance(85);
  const auto numbers = [&](int64_t count, double scale) {
    Floats array(count, random.from(0, 3));
    for (int64_t i = 0; i < count; ++i) array.data()[i] = static_cast<float>(scale * random.normal());
    return array;
  };
  for (Member& m : members) {
    for (int tensor = 0; tensor < kTensors; ++tensor) {
      const int64_t count = size_of(*this, tensor);
      if ((tensor == 8 && !has_hidden) || (tensor == 9 && !has_cell)) continue;
      const double depth = tensor == 1 ? shape.features : tensor == 2 ? shape.hidden : 1;
      m.tensors[tensor] = numbers(count, 1 / std::sqrt(depth));
    }
    if (has_mask) {
      m.mask = Floats(shape.batch * shape.hidden);
      for (int64_t i = 0; i < m.mask.size(); ++i) m.mask.data()[i] = random.chance(50) ? 2.0f : 0.0f;
    }
    if (has_lengths)
      for (int64_t row = 0; row < shape.batch; ++row)
        m.lengths.push_back(static_cast<int32_t>(random.chance(10) ? 0 : random.from(0, shape.time)));
    if (by_outputs) m.by_outputs = numbers(shape.batch * shape.time * shape.hidden, 1);
    if (by_final_hidden) m.by_final_hidden = numbers(shape.batch * shape.hidden, 1);
    if (k.has_cell && by_final_cell) m.by_final_cell = numbers(shape.batch * shape.hidden, 1);
  }
}

inline Case Case::random(uint64_t seed) {
  Random random(seed);
  Case c{};
  c.kind = static_cast<Kind>(random.from(0, latchwork::kKinds - 1));
  if (random.chance(10)) {  // weights too large for one core's cache: threads share the columns of a step
    c.shape = {random.from(4, 9), random.from(1, 4), random.from(1, 40), random.from(250, 300)};
    if (latchwork::kind_shape(c.kind).gates == 1) c.shape.hidden = random.from(500, 530);
    c.members.resize(1);
  } else if (random.chance(20)) {  // those from which the inputs' product is made apart
    c.shape = {random.from(1, 60), random.from(1, 12), random.from(1, 150), random.from(60, 150)};
    c.members.resize(random.from(1, 2));
  } else {
    c.shape = {random.from(1, 40), random.from(1, 24), random.from(1, 70), random.from(1, 50)};
    c.members.resize(random.chance(70) ? 1 : random.from(2, 5));
    if (random.chance(10)) c.shape.batch = 1;
    if (random.chance(10)) c.shape.time = 1;
    if (random.chance(3)) c.shape.batch = 0;
    if (random.chance(3)) c.shape.time = 0;
  }
  c.reverse = random.chance(50);
  c.threads = static_cast<int>(random.from(1, 4));
  c.fill(random);
  return c;
}

inline Case Case::small(uint64_t seed, Kind kind) {
  Random random(seed);
  Case c{};
  c.kind = kind;
  c.shape = {random.from(1, 3), random.from(1, 6), random.from(1, 4), random.from(1, 5)};
  c.reverse = random.chance(50);
  c.threads = 1;
  c.members.resize(1);
  c.fill(random);
  return c;
}

inline std::string Case::text() const {
#define LATCHWORK_KIND(kind, ...) #kind,
  const char* const kinds[] = {LATCHWORK_KINDS(LATCHWORK_KIND)};
#undef LATCHWORK_KIND
  const auto number = [](int64_t value) { return std::to_string(value); };
  return std::string(kinds[static_cast<int>(kind)]) + ", batch " + number(shape.batch) + ", time " +
         number(shape.time) + ", features " + number(shape.features) + ", hidden " + number(shape.hidden) +
         ", members " + number(static_cast<int64_t>(members.size())) + ", threads " + number(threads) +
         (reverse ? ", reverse" : "") + (members[0].lengths.empty() ? "" : ", ragged") +
         (members[0].mask.size() ? ", masked" : "");
}

inline const float* given(const Floats& array) { return array.size() ? array.data() : nullptr; }

inline latchwork::Operands Case::operands(const Member& m) const {
  latchwork::Operands o{};
  o.inputs = m.tensors[0].data();
  o.input_weight = m.tensors[1].data();
  o.hidden_weight = m.tensors[2].data();
  o.bias = m.tensors[3].data();
  o.hidden_bias = given(m.tensors[4]);
  for (int which = 0; which < 3; ++which) o.peepholes[which] = given(m.tensors[5 + which]);
  o.hidden_state = given(m.tensors[8]);
  o.cell_state = given(m.tensors[9]);
  o.hidden_mask = given(m.mask);
  o.lengths = m.lengths.empty() ? nullptr : m.lengths.data();
  return o;
}

}  // namespace check
