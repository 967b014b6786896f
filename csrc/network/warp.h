// Images turned, stretched, slanted and moved while they are gathered: `AffineImages` of latchwork.transforms.
#pragma once

#include <cmath>
#include <cstdint>

#include "network/random.h"

namespace latchwork {

// How much at most: an angle in radians, shares of the size, pixels.
struct AffineLimits {
  float rotation, scale, shear, shift;
};

// Numbers from -1 to 1 for each image: angle, slant, height, width, down, across.
inline constexpr int kAffineDraws = 6;

// An image [rows, columns], sampled with bilinear interpolation; what comes from outside is zero.
inline void warp(const AffineLimits& limits, const float (&draws)[kAffineDraws], int64_t rows, int64_t columns,
                 const float* from, float* to) {
  const float angle = limits.rotation * draws[0], shear = limits.shear * draws[1];
  const float tall = 1.0f + limits.scale * draws[2], wide = 1.0f + limits.scale * draws[3];
  const float down = limits.shift * draws[4], across = limits.shift * draws[5];
  const float cosine = std::cos(angle), sine = std::sin(angle);
  const float middle_y = static_cast<float>(rows - 1) / 2, middle_x = static_cast<float>(columns - 1) / 2;
  const auto at = [&](int64_t row, int64_t column) {
    return 0 <= row && row < rows && 0 <= column && column < columns ? from[row * columns + column] : 0.0f;
  };
  for (int64_t row = 0; row < rows; ++row) {
    const float y = static_cast<float>(row) - middle_y;
    for (int64_t column = 0; column < columns; ++column) {
      const float x = static_cast<float>(column) - middle_x;
      const float from_y = (cosine * y - sine * x) * tall + down + middle_y;
      const float from_x = (sine * y + cosine * x + shear * y) * wide + across + middle_x;
      const float top = std::floor(from_y), left = std::floor(from_x);
      const float below = from_y - top, right = from_x - left;
      const auto upper_row = static_cast<int64_t>(top), left_column = static_cast<int64_t>(left);
      const float upper = (1 - right) * at(upper_row, left_column) + right * at(upper_row, left_column + 1);
      const float lower = (1 - right) * at(upper_row + 1, left_column) + right * at(upper_row + 1, left_column + 1);
      *to++ = (1 - below) * upper + below * lower;
    }
  }
}

}  // namespace latchwork
