// Random numbers that follow from a key and a place alone, so that any thread may draw any of them.
#pragma once

#include <cstdint>

namespace latchwork {

// Philox4x32-10 (Salmon et al., 2011): four numbers for each counter.
struct Philox {
  uint32_t key[2];

  void draw(uint64_t counter, uint32_t stream[2], uint32_t (&numbers)[4]) const {
    uint32_t x[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), stream[0], stream[1]};
    uint32_t k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * x[0], b = uint64_t{0xCD9E8D57} * x[2];
      const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ x[1] ^ k[0], static_cast<uint32_t>(b),
                                static_cast<uint32_t>(a >> 32) ^ x[3] ^ k[1], static_cast<uint32_t>(a)};
      for (int i = 0; i < 4; ++i) x[i] = next[i];
      k[0] += 0x9E3779B9;
      k[1] += 0xBB67AE85;
    }
    for (int i = 0; i < 4; ++i) numbers[i] = x[i];
  }
};

// The numbers of a place in a network. A member of networks side by side may have a seed beyond 32 bits: what is above
// them goes where no layer's place comes near.
inline Philox keyed(uint64_t seed, uint64_t place) {
  return {{static_cast<uint32_t>(seed), static_cast<uint32_t>(place) ^ (static_cast<uint32_t>(seed >> 32) << 12)}};
}

// The places of what inputs are changed by, and of what a sampled layer draws; layers come before them.
inline constexpr uint64_t kInputs = 0xfff, kSampled = 0xffe;

// Numbers from -1 to 1, 1 left out, for what one place of a batch is changed by in a step.
template <int count>
void draw_changes(uint64_t seed, uint64_t step, int64_t place, float (&draws)[count]) {
  static_assert(count <= 8);
  uint32_t stream[2] = {static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
  uint32_t numbers[2][4];
  for (uint64_t half = 0; half < 2; ++half)
    keyed(seed, kInputs).draw(2 * static_cast<uint64_t>(place) + half, stream, numbers[half]);
  for (int i = 0; i < count; ++i) draws[i] = static_cast<float>(numbers[i / 4][i % 4] >> 8) * 0x1p-23f - 1.0f;
}

// Fills mask[begin, end) of a layer's mask in a step: zero with probability `rate`, else 1 / (1 - rate), so that the
// expectation stays. `begin` is a multiple of 4.
inline void fill_mask(uint64_t seed, uint64_t step, uint64_t place, float rate, int64_t begin, int64_t end,
                      float* mask) {
  const Philox philox = keyed(seed, place);
  uint32_t stream[2] = {static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
  const float keep = 1.0f - rate, kept = 1.0f / keep;
  for (int64_t at = begin; at < end; at += 4) {
    uint32_t numbers[4];
    philox.draw(static_cast<uint64_t>(at / 4), stream, numbers);
    for (int i = 0; i < 4 && at + i < end; ++i)
      mask[at + i] = static_cast<float>(numbers[i] >> 8) * 0x1p-24f < keep ? kept : 0.0f;
  }
}

}  // namespace latchwork
