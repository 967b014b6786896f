#include "network/layers.h"

#include <cstring>

#include "network/random.h"

namespace latchwork {
namespace {

class Recurrent : public Layer {
 public:
  Recurrent(const Flow& input, const RecurrentLayout& layout, const int32_t* lengths, Arrays arrays, uint64_t place,
            bool trains, int threads, bool owns_by_inputs)
      : input_(input), layout_(layout), place_(place) {
    const KindShape& kind = kind_shape(layout.kind);
    shape_ = {input.rows, input.steps, input.width, layout.hidden, layout.heads};
    const int64_t state = shape_.batch * shape_.hidden, all = state * shape_.time;
    make_output(input, layout.hidden, !layout.last_only, trains);
    float* const outputs = layout.last_only ? take(all) : output_.values;
    float* const last = layout.last_only ? output_.values : take(state);
    operands_.inputs = input.values;
    operands_.lengths = lengths;
    if (trains && layout.dropout > 0) {
      input_mask_ = take(shape_.batch * shape_.features);
      masked_inputs_ = take(input.count());
      operands_.inputs = masked_inputs_;
    }
    if (trains && layout.recurrent_dropout > 0) operands_.hidden_mask = hidden_mask_ = take(state);
    const float* weights = arrays.parameters;
    float* by_weights = arrays.gradients;
    const auto next = [&](const float*& from, float*& to, int64_t count) {
      from = weights;
      to = by_weights;
      weights += count;
      if (by_weights) by_weights += count;
    };
    const int64_t columns = kind.gates * shape_.hidden;
    next(operands_.input_weight, gradients_.input_weight, shape_.features * columns);
    next(operands_.hidden_weight, gradients_.hidden_weight, shape_.hidden * columns / layout.heads);
    next(operands_.bias, gradients_.bias, columns);
    if (kind.has_hidden_bias) next(operands_.hidden_bias, gradients_.hidden_bias, columns);
    for (int which = 0; kind.has_peepholes && which < 3; ++which)
      next(operands_.peepholes[which], gradients_.peepholes[which], shape_.hidden);
    results_ = {outputs, last, {}, trains ? take(saved_floats(layout.kind, shape_)) : nullptr, false};
    forward_ = std::make_unique<ForwardCall>(layout.kind, shape_, layout.reverse, &operands_, &results_, 1, threads);
    if (!trains) return;
    if (input.by_values) gradients_.inputs = owns_by_inputs ? take(input.count()) : input.by_values;
    cotangents_ = {outputs,
                   results_.saved,
                   layout.last_only ? nullptr : output_.by_values,
                   layout.last_only ? output_.by_values : nullptr,
                   {}};
    backward_ = std::make_unique<BackwardCall>(layout.kind, shape_, layout.reverse, &operands_, &cotangents_,
                                               &gradients_, 1, threads);
  }

  void arrange(const StepOf&) override {
    if (arranged_ && !operands_.lengths) return;
    forward_->arrange();
    if (backward_) backward_->arrange();
    arranged_ = true;
  }

  void forward(const StepOf& step, const Team& team) override {
    if (draw_masks(step, team)) team.sync();
    forward_->run(team);
  }

  void backward(const StepOf&, const Team& team) override {
    backward_->run(team);
    if (!input_mask_ || !gradients_.inputs) return;
    team.sync();
    mask_inputs(gradients_.inputs, gradients_.inputs, team);
  }

  int useful_threads() const override { return forward_->useful_threads(); }
  const float* by_inputs() const { return gradients_.inputs; }

 private:
  float* take(int64_t count) { return buffers_.emplace_back(count).data(); }

  bool draw_masks(const StepOf& step, const Team& team) {
    if (input_mask_) {
      const int64_t count = shape_.batch * shape_.features;
      const Part mine = part_of(count, team, kDrawn);
      fill_mask(step.seed, step.step, 2 * place_, layout_.dropout, mine.begin, mine.end, input_mask_);
      team.sync();
      mask_inputs(input_.values, masked_inputs_, team);
    }
    if (hidden_mask_) {
      const Part mine = part_of(shape_.batch * shape_.hidden, team, kDrawn);
      fill_mask(step.seed, step.step, 2 * place_ + 1, layout_.recurrent_dropout, mine.begin, mine.end, hidden_mask_);
    }
    return input_mask_ || hidden_mask_;
  }

  // The same features of a sequence are dropped at every step.
  void mask_inputs(const float* from, float* to, const Team& team) const {
    const Part mine = part_of(shape_.batch, team);
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      const float* mask = input_mask_ + row * shape_.features;
      for (int64_t step = 0; step < shape_.time; ++step) {
        const int64_t at = (row * shape_.time + step) * shape_.features;
        for (int64_t i = 0; i < shape_.features; ++i) to[at + i] = from[at + i] * mask[i];
      }
    }
  }

  const Flow input_;
  const RecurrentLayout layout_;
  const uint64_t place_;
  Shape shape_;
  Operands operands_{};
  Results results_{};
  Cotangents cotangents_{};
  Gradients gradients_{};
  float *input_mask_ = nullptr, *masked_inputs_ = nullptr, *hidden_mask_ = nullptr;
  std::unique_ptr<ForwardCall> forward_;
  std::unique_ptr<BackwardCall> backward_;
  bool arranged_ = false;
};

class Bidirectional : public Layer {
 public:
  Bidirectional(const Flow& input, RecurrentLayout layout, const int32_t* lengths, Arrays arrays, uint64_t place,
                bool trains, int threads)
      : input_(input), hidden_(layout.hidden) {
    make_output(input, 2 * layout.hidden, !layout.last_only, trains);
    const int64_t floats = recurrent_floats(layout, input.width);
    for (int way = 0; way < 2; ++way) {
      layout.reverse = way == 1;
      ways_[way] = std::make_unique<Recurrent>(input, layout, lengths, arrays, place + way, trains, threads, way == 1);
      arrays.parameters += floats;
      if (arrays.gradients) arrays.gradients += floats;
    }
  }

  void arrange(const StepOf& step) override {
    for (auto& way : ways_) way->arrange(step);
  }

  void forward(const StepOf& step, const Team& team) override {
    for (auto& way : ways_) way->forward(step, team);
    team.sync();
    const Part mine = part_of(output_.rows * output_.steps, team);
    for (int way = 0; way < 2; ++way)
      for (int64_t row = mine.begin; row < mine.end; ++row)
        copy(ways_[way]->output().values + row * hidden_, output_.values + (2 * row + way) * hidden_);
  }

  void backward(const StepOf& step, const Team& team) override {
    const Part mine = part_of(output_.rows * output_.steps, team);
    for (int way = 0; way < 2; ++way)
      for (int64_t row = mine.begin; row < mine.end; ++row)
        copy(output_.by_values + (2 * row + way) * hidden_, ways_[way]->output().by_values + row * hidden_);
    team.sync();
    for (auto& way : ways_) way->backward(step, team);
    if (!input_.by_values) return;
    team.sync();
    const Part inputs = part_of(input_.count(), team);
    const float* more = ways_[1]->by_inputs();
    for (int64_t i = inputs.begin; i < inputs.end; ++i) input_.by_values[i] += more[i];
  }

  int useful_threads() const override { return ways_[0]->useful_threads(); }

 private:
  void copy(const float* from, float* to) const {
    std::memcpy(to, from, static_cast<std::size_t>(hidden_) * sizeof(float));
  }

  const Flow input_;
  const int64_t hidden_;
  std::unique_ptr<Recurrent> ways_[2];
};

class Dense : public Layer {
 public:
  Dense(const Flow& input, int64_t width, Activation activation, Arrays arrays, bool trains) {
    make_output(input, width, input.has_time, trains);
    const int64_t rows = input.rows * input.steps, weights = input.width * width;
    job_ = {rows,
            input.width,
            width,
            activation,
            input.values,
            arrays.parameters,
            arrays.parameters + weights,
            output_.values,
            output_.by_values,
            input.by_values,
            arrays.gradients,
            arrays.gradients ? arrays.gradients + weights : nullptr,
            buffers_.emplace_back(dense_packed_floats(input.width, width)).data(),
            trains ? buffers_.emplace_back(rows * padded(width, kWidestRegister)).data() : nullptr};
  }

  void forward(const StepOf&, const Team& team) override { learning_engine().dense_forward(job_, team); }
  void backward(const StepOf&, const Team& team) override { learning_engine().dense_backward(job_, team); }

 private:
  DenseLearningJob job_;
};

}  // namespace

void Layer::make_output(const Flow& like, int64_t width, bool has_time, bool trains) {
  output_ = {like.rows, has_time ? like.steps : 1, width, has_time, nullptr, nullptr, nullptr};
  output_.values = buffers_.emplace_back(output_.count()).data();
  if (trains) output_.by_values = buffers_.emplace_back(output_.count()).data();
}

int64_t recurrent_floats(const RecurrentLayout& layout, int64_t features) {
  const KindShape& kind = kind_shape(layout.kind);
  const int64_t columns = kind.gates * layout.hidden;
  return (features + layout.hidden / layout.heads) * columns + (kind.has_hidden_bias ? 2 : 1) * columns +
         (kind.has_peepholes ? 3 * layout.hidden : 0);
}

std::unique_ptr<Layer> make_recurrent(const Flow& input, const RecurrentLayout& layout, const int32_t* lengths,
                                      Arrays arrays, uint64_t place, bool trains, int threads) {
  return std::make_unique<Recurrent>(input, layout, lengths, arrays, place, trains, threads, false);
}

std::unique_ptr<Layer> make_bidirectional(const Flow& input, const RecurrentLayout& layout, const int32_t* lengths,
                                          Arrays arrays, uint64_t place, bool trains, int threads) {
  return std::make_unique<Bidirectional>(input, layout, lengths, arrays, place, trains, threads);
}

std::unique_ptr<Layer> make_dense(const Flow& input, int64_t width, Activation activation, Arrays arrays, bool trains) {
  return std::make_unique<Dense>(input, width, activation, arrays, trains);
}

}  // namespace latchwork
