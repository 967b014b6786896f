// The layers that multiply no matrices.
#include <cstring>
#include <utility>

#include "network/layers.h"
#include "network/random.h"
#include "network/rows.h"

namespace latchwork {
namespace {

class Dropout : public Layer {
 public:
  Dropout(const DropoutDescription& layer, const LayerSetting& setting)
      : input_(setting.input), rate_(layer.rate), place_(setting.place) {
    make_output(input_, input_.width, input_.has_time, setting.use);
    mask_ = setting.use == Use::train ? take(input_.count()) : nullptr;
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
    for (int64_t i = mine.begin; i < mine.end; ++i)
      input_.by_values[i] = mask_ ? output_.by_values[i] * mask_[i] : output_.by_values[i];
  }

 private:
  const Flow input_;
  const float rate_;
  const uint64_t place_;
  float* mask_;
};

class Pooling : public Layer {
 public:
  Pooling(const PoolingDescription& layer, const LayerSetting& setting)
      : input_(setting.input), kinds_(layer.kinds), lengths_(setting.lengths) {
    make_output(input_, input_.width * static_cast<int64_t>(kinds_.size()), false, setting.use);
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(input_.rows, team);
    float* to = output_.values + mine.begin * output_.width;
    for (int64_t row = mine.begin; row < mine.end; ++row)
      for (const Pool kind : kinds_) {
        pool(kind, input_.values + step_at(row, 0), length(row), input_.width, to);
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
  Embedding(const EmbeddingDescription& layer, const LayerSetting& setting)
      : input_(setting.input),
        symbols_(layer.symbols),
        is_tied_(setting.tie.vectors),
        vectors_(setting.parameters),
        by_vectors_(setting.gradients) {
    make_output(input_, layer.units, true, setting.use);
  }

  void forward(const StepOf&, const Team& team) override {
    const int64_t width = output_.width;
    const Part mine = part_of(input_.rows * input_.steps, team);
    for (int64_t at = mine.begin; at < mine.end; ++at)
      std::memcpy(output_.values + at * width, vectors_ + symbol_of(input_.tokens[at], symbols_) * width,
                  static_cast<std::size_t>(width) * sizeof(float));
  }

  // Each thread has its own columns, so that every symbol's vectors are added in the order of the rows.
  void backward(const StepOf&, const Team& team) override {
    const int64_t width = output_.width;
    const Part mine = part_of(width, team, kWidestRegister);
    if (!by_vectors_ || mine.begin == mine.end) return;
    for (int64_t at = 0; !is_tied_ && at < symbols_; ++at)
      std::memset(by_vectors_ + at * width + mine.begin, 0,
                  static_cast<std::size_t>(mine.end - mine.begin) * sizeof(float));
    for (int64_t at = 0; at < input_.rows * input_.steps; ++at) {
      float* to = by_vectors_ + symbol_of(input_.tokens[at], symbols_) * width;
      const float* by = output_.by_values + at * width;
      for (int64_t i = mine.begin; i < mine.end; ++i) to[i] += by[i];
    }
  }

 private:
  const Flow input_;
  const int64_t symbols_;
  const bool is_tied_;
  const float* const vectors_;
  float* const by_vectors_;
};

class Norm : public Layer {
 public:
  Norm(const NormDescription& layer, const LayerSetting& setting)
      : input_(setting.input),
        epsilon_(layer.epsilon),
        rows_(input_.rows * input_.steps),
        parameters_(setting.parameters),
        gradients_(setting.gradients) {
    make_output(input_, input_.width, input_.has_time, setting.use);
    normal_ = take(input_.count());
    spread_ = take(rows_);
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(rows_, team);
    const int64_t width = input_.width;
    const float *scale = parameters_, *offset = scale + width;
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      float* normal = normal_ + row * width;
      spread_[row] = normalise(input_.values + row * width, width, epsilon_, normal);
      for (int64_t i = 0; i < width; ++i) output_.values[row * width + i] = normal[i] * scale[i] + offset[i];
    }
  }

  void backward(const StepOf&, const Team& team) override {
    const int64_t width = input_.width;
    const float* scale = parameters_;
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
    if (!gradients_) return;
    const Part mine = part_of(width, team);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      float by_scale = 0, by_offset = 0;
      for (int64_t row = 0; row < rows_; ++row) {
        const float by = output_.by_values[row * width + i];
        by_scale += by * normal_[row * width + i];
        by_offset += by;
      }
      gradients_[i] = by_scale;
      gradients_[width + i] = by_offset;
    }
  }

 private:
  const Flow input_;
  const float epsilon_;
  const int64_t rows_;
  const float* const parameters_;
  float* const gradients_;
  float *normal_, *spread_;  // the vectors before scale and offset, and what they were multiplied by
};

// A vector at each of so many steps.
class Repeat : public Layer {
 public:
  Repeat(const RepeatDescription& layer, const LayerSetting& setting) : input_(setting.input) {
    Flow like = input_;
    like.steps = layer.times;
    make_output(like, input_.width, true, setting.use);
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(output_.rows * output_.steps, team);
    const int64_t width = input_.width;
    for (int64_t at = mine.begin; at < mine.end; ++at)
      std::memcpy(output_.values + at * width, input_.values + at / output_.steps * width,
                  static_cast<std::size_t>(width) * sizeof(float));
  }

  void backward(const StepOf&, const Team& team) override {
    if (!input_.by_values) return;
    const Part mine = part_of(input_.rows, team);
    const int64_t width = input_.width;
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      float* const to = input_.by_values + row * width;
      std::fill(to, to + width, 0.0f);
      pool_total(output_.by_values + row * output_.steps * width, output_.steps, width, to);
    }
  }

 private:
  const Flow input_;
};

// A sequence as one vector: the same numbers.
class Flatten : public Layer {
 public:
  Flatten(const FlattenDescription& layer, const LayerSetting& setting) : input_(setting.input) {
    steps_after(layer, false, input_.steps, 0);
    make_output(input_, input_.width * layer.steps, false, setting.use);
  }

  void forward(const StepOf&, const Team& team) override { copy(input_.values, output_.values, team); }
  void backward(const StepOf&, const Team& team) override {
    if (input_.by_values) copy(output_.by_values, input_.by_values, team);
  }

 private:
  void copy(const float* from, float* to, const Team& team) const {
    const Part mine = part_of(input_.count(), team);
    std::memcpy(to + mine.begin, from + mine.begin, static_cast<std::size_t>(mine.end - mine.begin) * sizeof(float));
  }

  const Flow input_;
};

class Nonlinear : public Layer {
 public:
  Nonlinear(const NonlinearDescription& layer, const LayerSetting& setting) : input_(setting.input), kind_(layer.kind) {
    make_output(input_, input_.width, input_.has_time, setting.use);
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(input_.rows * input_.steps, team);
    for (int64_t at = mine.begin * input_.width; at < mine.end * input_.width; at += input_.width)
      bend_vector(kind_, input_.values + at, input_.width, output_.values + at);
  }

  void backward(const StepOf&, const Team& team) override {
    if (!input_.by_values) return;
    const Part mine = part_of(input_.rows * input_.steps, team);
    for (int64_t at = mine.begin * input_.width; at < mine.end * input_.width; at += input_.width)
      bend_back(kind_, input_.values + at, output_.values + at, output_.by_values + at, input_.width,
                input_.by_values + at);
  }

 private:
  const Flow input_;
  const Nonlinearity kind_;
};

}  // namespace

std::unique_ptr<Layer> make_layer(const RepeatDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Repeat>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const FlattenDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Flatten>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const NonlinearDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Nonlinear>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const EmbeddingDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Embedding>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const PoolingDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Pooling>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const NormDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Norm>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const DropoutDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Dropout>(layer, setting);
}

}  // namespace latchwork
