#include "recurrence/unpack.h"

#include <cstring>
#include <vector>

namespace latchwork {
namespace {

// Where a chunk's steps lie in `saved`: the row-steps before each one, and the rows that took it.
struct Places {
  std::vector<int64_t> before, running;

  explicit Places(const Chunk& chunk) {
    int64_t rows = chunk.count, place = 0;
    const int64_t steps = chunk.count ? chunk.lengths[0] : 0;
    for (int64_t step = 0; step < steps; ++step) {
      while (chunk.lengths[rows - 1] <= step) --rows;
      before.push_back(place);
      running.push_back(rows);
      place += rows;
    }
  }
};

// The layout mirrors ForwardChunk's registers_at: within a step, a register of units of all rows lies together.
template <int kWidth>
class Unpacking {
 public:
  explicit Unpacking(const UnpackJob& job)
      : job_(job),
        vectors_(traced_vectors(job.kind)),
        blocks_((job.shape.hidden + kWidth - 1) / kWidth),
        plane_(job.shape.batch * job.shape.time * job.shape.hidden) {}

  void run(const Team& team) const {
    for (int64_t index = 0; index < job_.chunk_count; ++index) {
      const Chunk& chunk = job_.chunks[index];
      const Places places(chunk);
      for (int64_t row = team.rank; row < chunk.count; row += team.size) unpack_row(chunk, places, row);
    }
  }

 private:
  void unpack_row(const Chunk& chunk, const Places& places, int64_t row) const {
    const Shape& shape = job_.shape;
    const int64_t length = chunk.lengths[row], first = chunk.rows[row] * shape.time;
    const int64_t padded = blocks_ * kWidth;
    const float* saved = job_.saved + chunk.first_step * padded * vectors_;
    for (int64_t step = 0; step < length; ++step) {
      const int64_t to = (first + (job_.reverse ? length - 1 - step : step)) * shape.hidden;
      const int64_t before = places.before[step] * padded, running = places.running[step];
      for (int64_t block = 0; block < blocks_; ++block) {
        const float* from = saved + (before + (block * running + row) * kWidth) * vectors_;
        for (int vector = 0; vector < vectors_; ++vector)
          copy(job_.planes + vector * plane_ + to, block, from + vector * kWidth);
      }
    }
    const int64_t end = (first + length) * shape.hidden, rest = (shape.time - length) * shape.hidden;
    for (int plane = 0; plane < vectors_; ++plane) clear(job_.planes + plane * plane_ + end, rest);
  }

  void copy(float* to, int64_t block, const float* from) const {
    const int64_t left = job_.shape.hidden - block * kWidth;
    const std::size_t count = left < kWidth ? static_cast<std::size_t>(left) : kWidth;
    if (count == kWidth) {
      std::memcpy(to + block * kWidth, from, kWidth * sizeof(float));  // of a constant size: one move
    } else {
      std::memcpy(to + block * kWidth, from, count * sizeof(float));
    }
  }

  static void clear(float* to, int64_t count) { std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(float)); }

  const UnpackJob& job_;
  const int vectors_;
  const int64_t blocks_;
  const int64_t plane_;  // floats of one
};

}  // namespace

void unpack(const void* given, const Team& team) {
  const UnpackJob& job = *static_cast<const UnpackJob*>(given);
  switch (job.width) {
    case 4: return Unpacking<4>(job).run(team);
    case 8: return Unpacking<8>(job).run(team);
    case 16: return Unpacking<16>(job).run(team);
  }
}

}  // namespace latchwork
