// Stretches of a spectrogram hidden while it is gathered: `SpectrogramMasks` of latchwork.transforms.
#pragma once

#include <algorithm>
#include <cstdint>

#include "network/random.h"

namespace latchwork {

// The longest stretches of steps and of bands that are hidden, and how many bands a frame has.
struct MaskLimits {
  int64_t time_mask, band_mask, bands;
};

// Numbers from -1 to 1 for each sequence: of two stretches of steps and two of bands, each its first and its length.
inline constexpr int kMaskDraws = 8;

// Places [begin, end) out of so many.
struct Stretch {
  int64_t begin, end;

  static Stretch drawn(const float* draws, int64_t places, int64_t longest) {
    const auto below = [](float draw, int64_t count) {
      return static_cast<int64_t>((draw + 1.0f) * 0.5f * static_cast<float>(count));
    };
    const int64_t begin = below(draws[0], places);
    return {begin, std::min(places, begin + below(draws[1], longest + 1))};
  }
};

// The real steps of a sequence [steps, features]; a step holds one or more frames, whose bands are hidden together.
inline void mask(const MaskLimits& limits, const float (&draws)[kMaskDraws], int64_t steps, int64_t features,
                 float* values) {
  for (int at = 0; at < kMaskDraws; at += 4) {
    const Stretch time = Stretch::drawn(draws + at, steps, limits.time_mask);
    std::fill(values + time.begin * features, values + time.end * features, 0.0f);
    const Stretch band = Stretch::drawn(draws + at + 2, limits.bands, limits.band_mask);
    for (int64_t frame = 0; frame < steps * features; frame += limits.bands)
      std::fill(values + frame + band.begin, values + frame + band.end, 0.0f);
  }
}

}  // namespace latchwork
