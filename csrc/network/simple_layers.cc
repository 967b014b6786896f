// The layers that multiply no matrices.
#include <cmath>
#include <cstring>
#include <utility>

#include "network/layers.h"
#include "network/random.h"

namespace latchwork {
namespace {

class Dropout : public Layer {
 public:
  Dropout(const Flow& input, float rate, uint64_t place, bool trains) : input_(input), rate_(rate), place_(place) {
    make_output(input, input.width, input.has_time, trains);
    mask_ = trains ? buffers_.emplace_back(input.count()).data() : nullptr;
  }

  void forward(const StepOf& step, const Team& team) override {
    const Part mine = part_of(input_.count(), team, kDrawn);
    if (!mask_ || !step.drops) {
      std::memcpy(output_.values + mine.begin, input_.values + mine.begin,
                  static_cast<std::size_t>(mine.end - mine.begin) * sizeof(float));
      return;
    }
    fill_mask(step.seed, step.step, 2 * place_, rate_, mine.begin, mine.end, mask_);
    for (int64_t i = mine.begin; i < mine.end; ++i) output_.values[i] = input_.values[i] * mask_[i];
  }

  void backward(const StepOf&, const Team& team) override {
    if (!input_.by_values) return;
    const Part mine = part_of(input_.count(), team, kDrawn);
    for (int64_t i = mine.begin; i < mine.end; ++i) input_.by_values[i] = output_.by_values[i] * mask_[i];
  }

 private:
  const Flow input_;
  const float rate_;
  const uint64_t place_;
  float* mask_;
};

class Pooling : public Layer {
 public:
  Pooling(const Flow& input, std::vector<Pool> kinds, const int32_t* lengths, bool trains)
      : input_(input), kinds_(std::move(kinds)), lengths_(lengths) {
    make_output(input, input.width * static_cast<int64_t>(kinds_.size()), false, trains);
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(input_.rows, team);
    float* to = output_.values + mine.begin * output_.width;
    for (int64_t row = mine.begin; row < mine.end; ++row)
      for (const Pool kind : kinds_) {
        pool(kind, row, to);
        to += input_.width;
      }
  }

  void backward(const StepOf&, const Team& team) override {
    if (!input_.by_values) return;
    const Part mine = part_of(input_.rows, team);
    const int64_t size = input_.steps * input_.width;
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      std::memset(input_.by_values + row * size, 0, static_cast<std::size_t>(size) * sizeof(float));
      const int64_t at = row * output_.width;
      for (std::size_t place = 0; place < kinds_.size(); ++place) {
        const int64_t from = at + static_cast<int64_t>(place) * input_.width;
        give_back(kinds_[place], row, output_.values + from, output_.by_values + from);
      }
    }
  }

 private:
  int64_t length(int64_t row) const { return lengths_ ? lengths_[row] : input_.steps; }
  int64_t step_at(int64_t row, int64_t step) const { return (row * input_.steps + step) * input_.width; }
  int64_t last_at(int64_t row) const { return step_at(row, std::max<int64_t>(length(row), 1) - 1); }

  void pool(Pool kind, int64_t row, float* to) const {
    const int64_t width = input_.width, steps = length(row);
    if (kind == Pool::first || kind == Pool::last) {
      const float* from = input_.values + (kind == Pool::first ? step_at(row, 0) : last_at(row));
      std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(float));
      return;
    }
    for (int64_t i = 0; i < width; ++i) to[i] = kind == Pool::mean ? 0.0f : -INFINITY;
    for (int64_t step = 0; step < steps; ++step) {
      const float* from = input_.values + step_at(row, step);
      for (int64_t i = 0; i < width; ++i) {
        if (kind == Pool::mean)
          to[i] += from[i];
        else if (!(from[i] <= to[i]))
          to[i] = from[i];
      }
    }
    if (kind == Pool::mean)
      for (int64_t i = 0; i < width; ++i) to[i] /= static_cast<float>(steps);
  }

  void give_back(Pool kind, int64_t row, const float* pooled, const float* by) const {
    const int64_t width = input_.width, steps = length(row);
    if (kind == Pool::first || kind == Pool::last) {
      float* to = input_.by_values + (kind == Pool::first ? step_at(row, 0) : last_at(row));
      for (int64_t i = 0; i < width; ++i) to[i] += by[i];
      return;
    }
    for (int64_t i = 0; i < width; ++i) {
      for (int64_t step = 0; step < steps; ++step) {
        const int64_t at = step_at(row, step) + i;
        if (kind == Pool::mean) {
          input_.by_values[at] += by[i] / static_cast<float>(steps);
        } else if (input_.values[at] == pooled[i]) {  // the first step that has the largest value
          input_.by_values[at] += by[i];
          break;
        }
      }
    }
  }

  const Flow input_;
  const std::vector<Pool> kinds_;
  const int32_t* const lengths_;
};

class Embedding : public Layer {
 public:
  Embedding(const Flow& input, int64_t symbols, int64_t width, Arrays arrays, bool trains)
      : input_(input), symbols_(symbols), arrays_(arrays) {
    make_output(input, width, true, trains);
  }

  void forward(const StepOf&, const Team& team) override {
    const int64_t width = output_.width;
    const Part mine = part_of(input_.rows * input_.steps, team);
    for (int64_t at = mine.begin; at < mine.end; ++at)
      std::memcpy(output_.values + at * width, arrays_.parameters + symbol(at) * width,
                  static_cast<std::size_t>(width) * sizeof(float));
  }

  // Each thread has its own columns, so that every symbol's vectors are added in the order of the rows.
  void backward(const StepOf&, const Team& team) override {
    const int64_t width = output_.width;
    const Part mine = part_of(width, team, kWidestRegister);
    if (mine.begin == mine.end) return;
    for (int64_t at = 0; at < symbols_; ++at)
      std::memset(arrays_.gradients + at * width + mine.begin, 0,
                  static_cast<std::size_t>(mine.end - mine.begin) * sizeof(float));
    for (int64_t at = 0; at < input_.rows * input_.steps; ++at) {
      float* to = arrays_.gradients + symbol(at) * width;
      const float* by = output_.by_values + at * width;
      for (int64_t i = mine.begin; i < mine.end; ++i) to[i] += by[i];
    }
  }

 private:
  // As NumPy counts, from the end where negative; what is beyond is the first or the last.
  int64_t symbol(int64_t at) const {
    const int64_t token = input_.tokens[at];
    return std::clamp<int64_t>(token < 0 ? token + symbols_ : token, 0, symbols_ - 1);
  }

  const Flow input_;
  const int64_t symbols_;
  const Arrays arrays_;
};

class Norm : public Layer {
 public:
  Norm(const Flow& input, float epsilon, Arrays arrays, bool trains)
      : input_(input), epsilon_(epsilon), rows_(input.rows * input.steps), arrays_(arrays) {
    make_output(input, input.width, input.has_time, trains);
    normal_ = buffers_.emplace_back(input.count()).data();
    spread_ = buffers_.emplace_back(rows_).data();
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(rows_, team);
    const int64_t width = input_.width;
    const float *scale = arrays_.parameters, *offset = scale + width;
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      const float* from = input_.values + row * width;
      float* normal = normal_ + row * width;
      float sum = 0, squares = 0;
      for (int64_t i = 0; i < width; ++i) sum += from[i];
      const float mean = sum / static_cast<float>(width);
      for (int64_t i = 0; i < width; ++i) {
        normal[i] = from[i] - mean;
        squares += normal[i] * normal[i];
      }
      spread_[row] = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon_);
      for (int64_t i = 0; i < width; ++i) {
        normal[i] *= spread_[row];
        output_.values[row * width + i] = normal[i] * scale[i] + offset[i];
      }
    }
  }

  void backward(const StepOf&, const Team& team) override {
    const int64_t width = input_.width;
    const float* scale = arrays_.parameters;
    if (input_.by_values) {
      const Part mine = part_of(rows_, team);
      for (int64_t row = mine.begin; row < mine.end; ++row) {
        const float *normal = normal_ + row * width, *by = output_.by_values + row * width;
        float mean = 0, along = 0;
        for (int64_t i = 0; i < width; ++i) {
          mean += by[i] * scale[i];
          along += by[i] * scale[i] * normal[i];
        }
        mean /= static_cast<float>(width);
        along /= static_cast<float>(width);
        for (int64_t i = 0; i < width; ++i)
          input_.by_values[row * width + i] = spread_[row] * (by[i] * scale[i] - mean - normal[i] * along);
      }
    }
    const Part mine = part_of(width, team);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      float by_scale = 0, by_offset = 0;
      for (int64_t row = 0; row < rows_; ++row) {
        const float by = output_.by_values[row * width + i];
        by_scale += by * normal_[row * width + i];
        by_offset += by;
      }
      arrays_.gradients[i] = by_scale;
      arrays_.gradients[width + i] = by_offset;
    }
  }

 private:
  const Flow input_;
  const float epsilon_;
  const int64_t rows_;
  const Arrays arrays_;
  float *normal_, *spread_;  // the vectors before scale and offset, and what they were multiplied by
};

}  // namespace

std::unique_ptr<Layer> make_dropout(const Flow& input, float rate, uint64_t place, bool trains) {
  return std::make_unique<Dropout>(input, rate, place, trains);
}

std::unique_ptr<Layer> make_pooling(const Flow& input, std::vector<Pool> kinds, const int32_t* lengths, bool trains) {
  return std::make_unique<Pooling>(input, std::move(kinds), lengths, trains);
}

std::unique_ptr<Layer> make_embedding(const Flow& input, int64_t symbols, int64_t width, Arrays arrays, bool trains) {
  return std::make_unique<Embedding>(input, symbols, width, arrays, trains);
}

std::unique_ptr<Layer> make_norm(const Flow& input, float epsilon, Arrays arrays, bool trains) {
  return std::make_unique<Norm>(input, epsilon, arrays, trains);
}

}  // namespace latchwork
