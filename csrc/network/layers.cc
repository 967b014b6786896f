#include "network/layers.h"

#include <cstring>
#include <stdexcept>

#include "network/cell_arrays.h"
#include "network/random.h"
#include "network/rows.h"

namespace latchwork {
namespace {

class Recurrent : public Layer {
 public:
  Recurrent(const RecurrentDescription& layer, const LayerSetting& setting, bool owns_by_inputs)
      : input_(setting.input), layer_(layer), place_(setting.place) {
    const Flow& input = setting.input;
    shape_ = {input.rows, input.steps, input.width, layer.units, layer.heads};
    const int64_t state = shape_.batch * shape_.hidden, all = state * shape_.time;
    make_output(input, layer.units, layer.return_sequences, setting.use);
    float* const outputs = layer.return_sequences ? output_.values : take(all);
    float* const last = layer.return_sequences ? take(state) : output_.values;
    operands_.inputs = input.values;
    operands_.lengths = setting.lengths;
    if (setting.use == Use::train && layer.dropout > 0) {
      input_mask_ = take(shape_.batch * shape_.features);
      masked_inputs_ = take(input.count());
      operands_.inputs = masked_inputs_;
    }
    if (setting.use == Use::train && layer.recurrent_dropout > 0) operands_.hidden_mask = hidden_mask_ = take(state);
    const auto set = [&](auto* from, auto& arrays) {
      set_cell_arrays(layer.kind, shape_.features, shape_.hidden, layer.heads, from, arrays);
    };
    set(setting.parameters, operands_);
    if (setting.gradients) set(setting.gradients, gradients_);
    const bool goes_back = setting.use != Use::evaluate;
    results_ = {outputs, last, {}, goes_back ? take(saved_floats(layer.kind, shape_)) : nullptr, false};
    if (setting.carried) begin_with(setting.carried, state);
    forward_ =
        std::make_unique<ForwardCall>(layer.kind, shape_, layer.reverse, &operands_, &results_, 1, setting.threads);
    if (!goes_back) return;
    if (input.by_values) gradients_.inputs = owns_by_inputs ? take(input.count()) : input.by_values;
    cotangents_ = {outputs,
                   results_.saved,
                   layer.return_sequences ? output_.by_values : nullptr,
                   layer.return_sequences ? nullptr : output_.by_values,
                   {}};
    backward_ = std::make_unique<BackwardCall>(layer.kind, shape_, layer.reverse, &operands_, &cotangents_, &gradients_,
                                               1, setting.threads);
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

  void carry() override {
    if (!carried_) return;
    const std::size_t state = static_cast<std::size_t>(shape_.batch * shape_.hidden);
    std::memcpy(carried_, results_.final_hidden, state * sizeof(float));
    for (int s = 0; s < kind_shape(layer_.kind).states; ++s)
      std::memcpy(carried_ + (s + 1) * state, results_.final_states[s], state * sizeof(float));
  }

 private:
  void begin_with(float* carried, int64_t state) {
    carried_ = carried;
    operands_.hidden_state = carried;
    for (int s = 0; s < kind_shape(layer_.kind).states; ++s) {
      operands_.states[s] = carried + (s + 1) * state;
      results_.final_states[s] = take(state);
    }
  }

  bool draw_masks(const StepOf& step, const Team& team) {
    if (input_mask_) {
      const int64_t count = shape_.batch * shape_.features;
      const Part mine = part_of(count, team, kDrawn);
      fill_mask(step.seed, step.step, 2 * place_, layer_.dropout, mine.begin, mine.end, input_mask_);
      team.sync();
      mask_inputs(input_.values, masked_inputs_, team);
    }
    if (hidden_mask_) {
      const Part mine = part_of(shape_.batch * shape_.hidden, team, kDrawn);
      fill_mask(step.seed, step.step, 2 * place_ + 1, layer_.recurrent_dropout, mine.begin, mine.end, hidden_mask_);
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
  const RecurrentDescription layer_;
  const uint64_t place_;
  Shape shape_;
  Operands operands_{};
  Results results_{};
  Cotangents cotangents_{};
  Gradients gradients_{};
  float *input_mask_ = nullptr, *masked_inputs_ = nullptr, *hidden_mask_ = nullptr, *carried_ = nullptr;
  std::unique_ptr<ForwardCall> forward_;
  std::unique_ptr<BackwardCall> backward_;
  bool arranged_ = false;
};

class Bidirectional : public Layer {
 public:
  Bidirectional(RecurrentDescription layer, LayerSetting setting)
      : input_(setting.input), hidden_(layer.units), merge_(layer.merge) {
    make_output(input_, layer.output_width(), layer.return_sequences, setting.use);
    const int64_t floats = cell_floats(layer.kind, input_.width, hidden_, layer.heads);
    for (int way = 0; way < 2; ++way) {
      layer.reverse = way == 1;
      ways_[way] = std::make_unique<Recurrent>(layer, setting, way == 1);
      ++setting.place;
      setting.parameters += floats;
      if (setting.gradients) setting.gradients += floats;
    }
  }

  void arrange(const StepOf& step) override {
    for (auto& way : ways_) way->arrange(step);
  }

  void forward(const StepOf& step, const Team& team) override {
    for (auto& way : ways_) way->forward(step, team);
    team.sync();
    const Part mine = part_of(output_.rows * output_.steps, team);
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      const float *one = ways_[0]->output().values + row * hidden_, *two = ways_[1]->output().values + row * hidden_;
      merge_ways(merge_, one, two, hidden_, output_.values + row * output_.width);
    }
  }

  void backward(const StepOf& step, const Team& team) override {
    const Part mine = part_of(output_.rows * output_.steps, team);
    for (int way = 0; way < 2; ++way) {
      const Flow &own = ways_[way]->output(), &other = ways_[1 - way]->output();
      for (int64_t row = mine.begin; row < mine.end; ++row) {
        float* const to = own.by_values + row * hidden_;
        const float* by = output_.by_values + row * output_.width + (merge_ == Merge::concat ? way * hidden_ : 0);
        const float* factor = other.values + row * hidden_;
        for (int64_t i = 0; i < hidden_; ++i)
          to[i] = merge_ == Merge::mul ? by[i] * factor[i] : merge_ == Merge::ave ? 0.5f * by[i] : by[i];
      }
    }
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
  const Flow input_;
  const int64_t hidden_;
  const Merge merge_;
  std::unique_ptr<Recurrent> ways_[2];
};

// A product of rows with a matrix, its outputs and derivatives wherever they are.
DenseLearningJob dense_job(const Flow& input, int64_t width, Activation activation, const LayerSetting& setting) {
  DenseLearningJob job{};
  job.rows = input.rows * input.steps;
  job.depth = input.width;
  job.width = width;
  job.activation = activation;
  job.inputs = input.values;
  job.by_inputs = input.by_values;
  job.weight = setting.parameters;
  job.by_weight = setting.gradients;
  job.shared = 1;
  return job;
}

class Dense : public Layer {
 public:
  Dense(const DenseDescription& layer, const LayerSetting& setting) {
    make_output(setting.input, layer.units, setting.input.has_time, setting.use);
    job_ = dense_job(setting.input, layer.units, layer.activation, setting);
    if (layer.tied) {
      if (!setting.tie.vectors) throw std::invalid_argument("there is no embedding to tie a layer to");
      job_.transposed = true;
      job_.weight = setting.tie.vectors;
      job_.by_weight = setting.tie.by_vectors;
    }
    const int64_t weights = layer.tied ? 0 : job_.depth * job_.width;
    job_.bias = setting.parameters + weights;
    if (setting.gradients) job_.by_bias = setting.gradients + weights;
    job_.outputs = output_.values;
    job_.by_outputs = output_.by_values;
    job_.packed = take(dense_packed_floats(job_.depth, job_.width));
    if (setting.use != Use::evaluate) job_.by_sums = take(job_.rows * padded(job_.width, kWidestRegister));
  }

  void forward(const StepOf&, const Team& team) override { learning_engine().dense_forward(job_, team); }
  void backward(const StepOf&, const Team& team) override { learning_engine().dense_backward(job_, team); }

 private:
  DenseLearningJob job_;
};

// A dense layer of each step's neighbours, side by side.
class Convolution : public Layer {
 public:
  Convolution(const ConvolutionDescription& layer, const LayerSetting& setting)
      : input_(setting.input), lengths_(setting.lengths), count_(layer.steps), before_(layer.before) {
    make_output(input_, layer.units, true, setting.use);
    const int64_t floats = input_.count() * count_;
    const Flow windows{input_.rows, input_.steps, input_.width * count_,
                       true,        take(floats), input_.by_values ? take(floats) : nullptr,
                       nullptr};
    job_ = dense_job(windows, layer.units, layer.activation, setting);
    const int64_t weights = job_.depth * job_.width;
    job_.bias = setting.parameters + weights;
    if (setting.gradients) job_.by_bias = setting.gradients + weights;
    job_.outputs = output_.values;
    job_.by_outputs = output_.by_values;
    job_.packed = take(dense_packed_floats(job_.depth, job_.width));
    if (setting.use != Use::evaluate) job_.by_sums = take(job_.rows * padded(job_.width, kWidestRegister));
    if (job_.rows * weights > kSmallProduct) threads_ = setting.threads;
  }

  void forward(const StepOf&, const Team& team) override {
    const Part mine = part_of(job_.rows, team);
    for (int64_t at = mine.begin; at < mine.end; ++at) {
      const int64_t row = at / input_.steps, step = at % input_.steps;
      window(input_.values + row * input_.steps * input_.width, length(row), input_.width, step - before_, count_,
             const_cast<float*>(job_.inputs) + at * job_.depth);
    }
    team.sync();
    learning_engine().dense_forward(job_, team);
  }

  void backward(const StepOf&, const Team& team) override {
    learning_engine().dense_backward(job_, team);
    if (!input_.by_values) return;
    team.sync();
    const Part mine = part_of(job_.rows, team);
    for (int64_t at = mine.begin; at < mine.end; ++at) {
      const int64_t row = at / input_.steps, step = at % input_.steps;
      float* const to = input_.by_values + at * input_.width;
      std::memset(to, 0, static_cast<std::size_t>(input_.width) * sizeof(float));
      if (step >= length(row)) continue;
      // Its part in every output that saw it, as the k-th of what that saw.
      for (int64_t k = 0; k < count_; ++k) {
        const int64_t seen_by = step + before_ - k;
        if (seen_by < 0 || seen_by >= input_.steps) continue;
        const float* by = job_.by_inputs + (row * input_.steps + seen_by) * job_.depth + k * input_.width;
        for (int64_t i = 0; i < input_.width; ++i) to[i] += by[i];
      }
    }
  }

  int useful_threads() const override { return threads_; }

 private:
  static constexpr int64_t kSmallProduct = 400'000;  // multiplications that are over before a second thread has woken

  int64_t length(int64_t row) const { return lengths_ ? lengths_[row] : input_.steps; }

  const Flow input_;
  const int32_t* const lengths_;
  const int64_t count_, before_;
  int threads_ = 1;
  DenseLearningJob job_;
};

// activation(vector weight + ahead ahead_weight + bias): the vector's product with the bias is where the sums of every
// step ahead start.
class Ahead : public Layer {
 public:
  Ahead(const AheadDescription& layer, const LayerSetting& setting) {
    const Flow& input = setting.input;
    const bool goes_back = setting.use != Use::evaluate;
    const Flow ahead{input.rows, setting.horizon, layer.features, true, const_cast<float*>(setting.ahead),
                     nullptr,    nullptr};
    make_output(ahead, layer.units, true, setting.use);
    LayerSetting own = setting;
    vector_ = dense_job(input, layer.units, Activation::none, own);
    own.parameters += input.width * layer.units;
    if (own.gradients) own.gradients += input.width * layer.units;
    ahead_ = dense_job(ahead, layer.units, layer.activation, own);
    vector_.bias = own.parameters + layer.features * layer.units;
    if (own.gradients) vector_.by_bias = own.gradients + layer.features * layer.units;
    const int64_t starts = input.rows * layer.units, line = padded(layer.units, kWidestRegister);
    ahead_.starts = vector_.outputs = take(starts);
    ahead_.shared = setting.horizon;
    ahead_.outputs = output_.values;
    ahead_.by_outputs = output_.by_values;
    if (goes_back) vector_.by_outputs = by_starts_ = take(starts);
    for (DenseLearningJob* job : {&vector_, &ahead_}) {
      job->packed = take(dense_packed_floats(job->depth, job->width));
      if (goes_back) job->by_sums = take(job->rows * line);
    }
  }

  void forward(const StepOf&, const Team& team) override {
    learning_engine().dense_forward(vector_, team);
    team.sync();
    learning_engine().dense_forward(ahead_, team);
  }

  void backward(const StepOf&, const Team& team) override {
    learning_engine().dense_backward(ahead_, team);
    team.sync();
    const Part mine = part_of(vector_.rows, team);
    const int64_t width = vector_.width, line = learning_engine().dense_line(width);
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      float* const to = by_starts_ + row * width;
      std::memset(to, 0, static_cast<std::size_t>(width) * sizeof(float));
      for (int64_t step = 0; step < ahead_.shared; ++step) {
        const float* by = ahead_.by_sums + (row * ahead_.shared + step) * line;
        for (int64_t i = 0; i < width; ++i) to[i] += by[i];
      }
    }
    team.sync();
    learning_engine().dense_backward(vector_, team);
  }

 private:
  DenseLearningJob vector_, ahead_;
  float* by_starts_ = nullptr;
};

}  // namespace

void Layer::make_output(const Flow& like, int64_t width, bool has_time, Use use) {
  output_ = {like.rows, has_time ? like.steps : 1, width, has_time, nullptr, nullptr, nullptr};
  output_.values = take(output_.count());
  if (use != Use::evaluate) output_.by_values = take(output_.count());
}

int64_t carried_floats(const LayerDescription& layer, int64_t rows) {
  const auto* recurrent = std::get_if<RecurrentDescription>(&layer);
  if (recurrent && (recurrent->reverse || recurrent->both_ways))
    throw std::invalid_argument("a layer that reads backwards has no state to carry on");
  return recurrent ? state_count(recurrent->kind) * rows * recurrent->units : 0;
}

std::unique_ptr<Layer> make_layer(const RecurrentDescription& layer, const LayerSetting& setting) {
  if (layer.both_ways) return std::make_unique<Bidirectional>(layer, setting);
  return std::make_unique<Recurrent>(layer, setting, false);
}

std::unique_ptr<Layer> make_layer(const DenseDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Dense>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const ConvolutionDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Convolution>(layer, setting);
}

std::unique_ptr<Layer> make_layer(const AheadDescription& layer, const LayerSetting& setting) {
  return std::make_unique<Ahead>(layer, setting);
}

}  // namespace latchwork
