#include "network/sampled.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "network/random.h"

namespace latchwork {
namespace {

constexpr float kNever = -1e30f;  // the score of what must not count: its power is zero, and no sum gets infinite

// Sampled softmax (Jean et al., 2015), but for the frequent outputs, which are summed exactly: they are most of the
// variance. A sampled score has the logarithm of how often it is drawn taken off, so that the expected sum of powers is
// right. A target that is not among the frequent has the last place to itself, and is taken out of the sample.
class Sampled : public Layer {
 public:
  Sampled(const DenseDescription& layer, const Sampling& sampling, const LayerSetting& setting, const int32_t* targets,
          int32_t* classes)
      : outputs_(layer.units),
        frequent_(sampling.frequent),
        drawn_(sampling.drawn),
        targets_(targets),
        classes_(classes),
        sample_(static_cast<std::size_t>(sampling.drawn)) {
    const Flow& input = setting.input;
    if (layer.activation != Activation::none || frequent_ < 1 || frequent_ >= outputs_ || drawn_ < 1)
      throw std::invalid_argument("a linear layer is sampled, from the outputs that are not frequent");
    make_output(input, places(), input.has_time, setting.use);
    const int64_t width = input.width, matrix = layer.tied ? 0 : width * outputs_;
    unit_stride_ = layer.tied ? 1 : outputs_;
    output_stride_ = layer.tied ? width : 1;
    matrix_ = layer.tied ? setting.tie.vectors : setting.parameters;
    by_matrix_ = layer.tied ? setting.tie.by_vectors : setting.gradients;
    bias_ = setting.parameters + matrix;
    by_bias_ = setting.gradients + matrix;
    by_target_ = take(input.rows * input.steps);
    job_.rows = input.rows * input.steps;
    job_.depth = width;
    job_.width = places();
    job_.activation = Activation::none;
    job_.inputs = input.values;
    job_.by_inputs = input.by_values;
    job_.transposed = true;
    job_.weight = vectors_ = take(places() * width);
    job_.by_weight = take(places() * width);
    job_.bias = biases_ = take(places());
    job_.by_bias = take(places());
    job_.shared = 1;
    job_.outputs = output_.values;
    job_.by_outputs = output_.by_values;
    job_.packed = take(dense_packed_floats(width, places()));
    job_.by_sums = take(job_.rows * padded(places(), kWidestRegister));
    std::memset(vectors_ + (places() - 1) * width, 0, static_cast<std::size_t>(width) * sizeof(float));
    biases_[places() - 1] = 0.0f;
  }

  void forward(const StepOf& step, const Team& team) override {
    if (team.rank == 0) draw(step);
    team.sync();
    const Part places = part_of(frequent_ + drawn_, team);
    for (int64_t place = places.begin; place < places.end; ++place) fetch(place);
    team.sync();
    learning_engine().dense_forward(job_, team);
    team.sync();
    const Part rows = part_of(job_.rows, team);
    for (int64_t row = rows.begin; row < rows.end; ++row) place_target(row);
  }

  void backward(const StepOf&, const Team& team) override {
    const Part rows = part_of(job_.rows, team);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      float& by = output_.by_values[(row + 1) * places() - 1];
      by_target_[row] = is_rare(row) ? by : 0.0f;
      by = 0.0f;
    }
    team.sync();
    learning_engine().dense_backward(job_, team);
    team.sync();
    for (int64_t row = rows.begin; job_.by_inputs && row < rows.end; ++row) {
      if (!is_rare(row)) continue;
      const float* vector = matrix_ + targets_[row] * output_stride_;
      float* to = job_.by_inputs + row * job_.depth;
      for (int64_t unit = 0; unit < job_.depth; ++unit) to[unit] += by_target_[row] * vector[unit * unit_stride_];
    }
    scatter(part_of(job_.depth, team, kWidestRegister));
    if (team.rank == 0) scatter_bias();
  }

 private:
  int64_t places() const { return frequent_ + drawn_ + 1; }
  int64_t output_at(int64_t place) const { return place < frequent_ ? place : sample_[place - frequent_]; }
  bool is_rare(int64_t row) const { return targets_[row] >= frequent_ && targets_[row] < outputs_; }

  // Output w is drawn where frequent * (outputs / frequent)^u, for a u from 0 to 1, lies between w and w + 1.
  void draw(const StepOf& step) {
    const double span = std::log(static_cast<double>(outputs_) / static_cast<double>(frequent_));
    const Philox philox = keyed(step.seed, kSampled);
    uint32_t stream[2] = {static_cast<uint32_t>(step.step), static_cast<uint32_t>(step.step >> 32)};
    for (int64_t at = 0; at < drawn_; at += kDrawn) {
      uint32_t numbers[kDrawn];
      philox.draw(static_cast<uint64_t>(at / kDrawn), stream, numbers);
      for (int64_t i = 0; i < kDrawn && at + i < drawn_; ++i) {
        const double place = static_cast<double>(frequent_) * std::exp(span * numbers[i] * 0x1p-32);
        const int64_t output = std::min(std::max(static_cast<int64_t>(place), frequent_), outputs_ - 1);
        const double expected =
            static_cast<double>(drawn_) * std::log1p(1.0 / static_cast<double>(output)) / span;  // times in a step
        sample_[at + i] = static_cast<int32_t>(output);
        biases_[frequent_ + at + i] = bias_[output] - static_cast<float>(std::log(expected));
      }
    }
  }

  void fetch(int64_t place) {
    const int64_t output = output_at(place), width = job_.depth;
    const float* from = matrix_ + output * output_stride_;
    float* to = vectors_ + place * width;
    for (int64_t unit = 0; unit < width; ++unit) to[unit] = from[unit * unit_stride_];
    if (place < frequent_) biases_[place] = bias_[output];
  }

  void place_target(int64_t row) {
    float* scores = output_.values + row * places();
    const int64_t last = places() - 1;
    const int32_t target = targets_[row];
    scores[last] = kNever;
    // One that was not observed stays below zero, and one that is no output is none of the places either.
    classes_[row] = target >= outputs_ ? static_cast<int32_t>(places()) : target;
    if (!is_rare(row)) return;
    const float *from = matrix_ + target * output_stride_, *features = job_.inputs + row * job_.depth;
    float sum = bias_[target];
    for (int64_t unit = 0; unit < job_.depth; ++unit) sum += features[unit] * from[unit * unit_stride_];
    scores[last] = sum;
    classes_[row] = static_cast<int32_t>(last);
    for (int64_t i = 0; i < drawn_; ++i)
      if (sample_[i] == target) scores[frequent_ + i] = kNever;
  }

  // Each thread has its own units of every vector, so that what falls to one output is added in the order of the sample
  // and of the rows.
  void scatter(const Part& units) {
    const int64_t width = job_.depth;
    const auto add = [&](int64_t output, float factor, const float* from) {
      float* to = by_matrix_ + output * output_stride_;
      for (int64_t unit = units.begin; unit < units.end; ++unit) to[unit * unit_stride_] += factor * from[unit];
    };
    for (int64_t output = 0; output < outputs_; ++output)
      for (int64_t unit = units.begin; unit < units.end; ++unit)
        by_matrix_[output * output_stride_ + unit * unit_stride_] = 0.0f;
    for (int64_t place = 0; place + 1 < places(); ++place) add(output_at(place), 1.0f, job_.by_weight + place * width);
    for (int64_t row = 0; row < job_.rows; ++row)
      if (is_rare(row)) add(targets_[row], by_target_[row], job_.inputs + row * width);
  }

  void scatter_bias() {
    std::memset(by_bias_, 0, static_cast<std::size_t>(outputs_) * sizeof(float));
    for (int64_t place = 0; place + 1 < places(); ++place) by_bias_[output_at(place)] += job_.by_bias[place];
    for (int64_t row = 0; row < job_.rows; ++row)
      if (is_rare(row)) by_bias_[targets_[row]] += by_target_[row];
  }

  const int64_t outputs_, frequent_, drawn_;
  const int32_t* const targets_;
  int32_t* const classes_;
  std::vector<int32_t> sample_;
  int64_t unit_stride_, output_stride_;  // of the matrix: from one input to the next, from one output to the next
  const float *matrix_, *bias_;
  float *by_matrix_, *by_bias_;
  float *vectors_, *biases_, *by_target_;
  DenseLearningJob job_{};
};

}  // namespace

std::unique_ptr<Layer> make_sampled(const DenseDescription& layer, const Sampling& sampling,
                                    const LayerSetting& setting, const int32_t* targets, int32_t* classes) {
  return std::make_unique<Sampled>(layer, sampling, setting, targets, classes);
}

}  // namespace latchwork
