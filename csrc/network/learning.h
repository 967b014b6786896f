// The parts of a training step that are no recurrence, as plain data: dense layers, losses, optimisers.
//
// Each runs on a team of threads that meets after it. No result depends on how many there are: a thread takes rows, or
// columns of a gradient, or a range of the parameters, and what is summed over rows is summed in their order.
#pragma once

#include "recurrence/problem.h"
#include "threads/team.h"

namespace latchwork {

// Rows times a matrix that dense_pack() has packed: outputs = activation(start + inputs weight).
struct DenseProductJob {
  int64_t rows, depth, width;
  Activation activation;
  const float* inputs;  // [rows, depth]
  const float* packed;
  const float* bias;    // [width], where the sums start; or null
  const float* starts;  // in its place [rows / shared, width]: each serves so many rows, one after the other; or null
  int64_t shared;
  float* outputs;  // [rows, width]
};

// A dense layer over rows: outputs = activation(start + inputs weight), and backward.
struct DenseLearningJob {
  int64_t rows, depth, width;
  Activation activation;
  const float* inputs;  // [rows, depth]
  const float* weight;  // [depth, width], or [width, depth] where it is transposed; so is its gradient
  bool transposed;
  const float* bias;  // these two as in the product
  const float* starts;
  int64_t shared;
  float* outputs;  // [rows, width]
  const float* by_outputs;
  float* by_inputs;  // or null; so are the next two
  float* by_weight;
  float* by_bias;
  float* packed;   // dense_packed_floats()
  float* by_sums;  // [rows, padded(width)]
};

constexpr int64_t dense_packed_floats(int64_t depth, int64_t width) {
  const int64_t forward = depth * padded(width, kWidestRegister), transposed = width * padded(depth, kWidestRegister);
  return forward > transposed ? forward : transposed;
}

// What is computed of a row's outputs: losses, which have a derivative, and accuracies, which have none.
LATCHWORK_ENUM(Criterion, softmax_cross_entropy, squared_error, absolute_error, huber, smooth_absolute_error, accuracy,
               smooth_smape, pinball, binary_cross_entropy, binary_accuracy, percentage_error, logarithmic_error,
               log_cosh, poisson, threshold_accuracy, connectionist_temporal)

constexpr bool takes_classes(Criterion criterion) {
  return criterion == Criterion::softmax_cross_entropy || criterion == Criterion::accuracy;
}

// Labels in their order, whatever the steps: more or fewer of them than steps.
constexpr bool takes_labels(Criterion criterion) { return criterion == Criterion::connectionist_temporal; }

constexpr bool takes_whole_numbers(Criterion criterion) { return takes_classes(criterion) || takes_labels(criterion); }

constexpr bool is_loss(Criterion criterion) {
  return criterion != Criterion::accuracy && criterion != Criterion::binary_accuracy &&
         criterion != Criterion::threshold_accuracy;
}

struct CriterionJob {
  Criterion criterion;
  // Label smoothing, Huber's delta, what is added to a squared error before its root or keeps a quotient or a logarithm
  // finite, a threshold, whether a cost is divided by the number of labels, or pinball's level: it alone has several, with
  // an output each for every target.
  const float* setting;
  int64_t settings;
  int64_t batch, steps, width;
  const float* outputs;    // [batch, steps, width]
  const float* values;     // targets [batch, steps, width / levels], of numbers; NaN where none was observed
  const int32_t* classes;  // targets [batch, steps], of classes; below 0 where none was observed
  int64_t labels;          // in place of steps the most of a row [batch, labels], with numbers below 0 behind them
  const int32_t* lengths;  // [batch], or null: the real steps, where labels are aligned with them
  float* scratch;          // of each thread for that: alignment_floats()
  const float* shares;     // [batch]: of each row in the loss of the batch; its derivative is multiplied by it
  float* values_of_rows;   // [batch], a mean over the row's observed values
  float* by_outputs;       // or null
};

// Outputs for each target.
constexpr int64_t levels_of(const CriterionJob& job) { return job.criterion == Criterion::pinball ? job.settings : 1; }

// `velocity` and `nesterov` keep what a step has moved, its rate included, where `momentum` keeps gradients.
LATCHWORK_ENUM(Direction, sgd, momentum, rmsprop, adam, adagrad, velocity, nesterov, adadelta, adamax)

constexpr int direction_slots(Direction direction) {
  if (direction == Direction::sgd) return 0;
  return direction == Direction::adam || direction == Direction::adadelta || direction == Direction::adamax ? 2 : 1;
}

// One step of an optimiser for a range of parameters: parameter += scale * direction.
struct UpdateJob {
  Direction direction;
  float decay, gain;                          // of the first moment, or the only one; the gain is 1 - decay
  float decay_of_squares, gain_of_squares;    // of Adam's second
  float epsilon;                              // what keeps a root above zero
  float first_correction, second_correction;  // of Adam's moments: 1 - decay^steps
  float norm, most_norm;                      // gradients longer than the most are scaled down to it
  float scale;                                // minus the rate
  float weight_decay;
  int64_t count;
  float* parameters;
  const float* gradients;
  float* slots[2];
};

// What a build offers for them.
struct LearningEngine {
  // Packs a matrix [depth, width] into dense_packed_floats(), on the calling thread.
  void (*dense_pack)(const float* weight, int64_t depth, int64_t width, float* packed);
  void (*dense_product)(const DenseProductJob& job, const Team& team);
  void (*dense_forward)(const DenseLearningJob& job, const Team& team);
  void (*dense_backward)(const DenseLearningJob& job, const Team& team);
  // Floats from one row of its `by_sums` to the next.
  int64_t (*dense_line)(int64_t width);
  void (*criterion)(const CriterionJob& job, const Team& team);
  // Each row's probabilities in place of its scores, [rows, width].
  void (*softmax)(int64_t rows, int64_t width, float* scores);
  double (*sum_of_squares)(const float* values, int64_t count);
  void (*update)(const UpdateJob& job);
};

const LearningEngine& learning_engine();

}  // namespace latchwork
