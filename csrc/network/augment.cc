#include "network/augment.h"

#include <cmath>

#include "network/random.h"

namespace latchwork {

namespace {

constexpr uint32_t kPlace = 0xFFFFFFFF;  // among the layers' places in a key: no layer has it

}  // namespace

void AffineImages::draw(uint64_t seed, uint64_t step, int64_t place, float (&draws)[kDraws]) {
  const Philox philox{{static_cast<uint32_t>(seed), kPlace - static_cast<uint32_t>(seed >> 32)}};
  uint32_t stream[2] = {static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
  uint32_t numbers[4];
  for (int at = 0; at < kDraws; ++at) {
    if (at % 4 == 0) philox.draw(static_cast<uint64_t>(2 * place + at / 4), stream, numbers);
    draws[at] = static_cast<float>(numbers[at % 4] >> 8) * 0x1p-23f - 1.0f;
  }
}

void AffineImages::change(const float (&draws)[kDraws], int64_t rows, int64_t columns, const float* image,
                          float* changed) const {
  const float angle = rotation * draws[0], slant = shear * draws[1];
  const float tall = 1 + scale * draws[2], wide = 1 + scale * draws[3];
  const float down = shift * draws[4], across = shift * draws[5];
  const float cosine = std::cos(angle), sine = std::sin(angle);
  const float middle_y = static_cast<float>(rows - 1) / 2, middle_x = static_cast<float>(columns - 1) / 2;
  const auto at = [&](int64_t row, int64_t column) {
    return row >= 0 && row < rows && column >= 0 && column < columns ? image[row * columns + column] : 0.0f;
  };
  for (int64_t row = 0; row < rows; ++row) {
    const float y = static_cast<float>(row) - middle_y;
    for (int64_t column = 0; column < columns; ++column) {
      // Where the pixel comes from, about the middle: rotation, then slant, then stretch.
      const float x = static_cast<float>(column) - middle_x;
      const float from_y = (cosine * y - sine * x) * tall + down + middle_y;
      const float from_x = (sine * y + cosine * x + slant * y) * wide + across + middle_x;
      const float top = std::floor(from_y), left = std::floor(from_x);
      const float below = from_y - top, right = from_x - left;
      const auto t = static_cast<int64_t>(top), l = static_cast<int64_t>(left);
      const float upper = (1 - right) * at(t, l) + right * at(t, l + 1);
      const float lower = (1 - right) * at(t + 1, l) + right * at(t + 1, l + 1);
      changed[row * columns + column] = (1 - below) * upper + below * lower;
    }
  }
}

}  // namespace latchwork
