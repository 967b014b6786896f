// Images changed anew for each batch: latchwork.transforms.augmentation.AffineImages, whose equation this is.
#pragma once

#include <cstdint>

namespace latchwork {

// Largest amounts: an angle in radians, shares of the size and of the height, pixels.
struct AffineImages {
  float rotation, scale, shear, shift;

  static constexpr int kDraws = 6;

  // Numbers from -1 to 1 for the image at `place` of a batch: angle, slant, height, width, down, across. They follow
  // from the seed, the step and the place alone.
  static void draw(uint64_t seed, uint64_t step, int64_t place, float (&draws)[kDraws]);

  // The changed image [rows, columns], sampled with bilinear interpolation; what comes from outside is zero.
  void change(const float (&draws)[kDraws], int64_t rows, int64_t columns, const float* image, float* changed) const;
};

}  // namespace latchwork
