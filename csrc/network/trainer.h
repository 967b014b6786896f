// Training steps of a whole network in one call: gather the rows, forward, loss, backward, optimiser, sums.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "network/labels.h"
#include "network/layers.h"
#include "network/masks.h"
#include "network/penalties.h"
#include "network/sampled.h"
#include "network/warp.h"

namespace latchwork {

// A named array of examples, one in each row, or null: `stride` numbers from one row to the next.
template <class T>
struct Column {
  const T* data;
  int64_t stride;

  const T* row(int64_t index) const { return data + index * stride; }
};

// What a network is given, a row for each example.
struct Examples {
  Column<float> inputs;     // [steps, features], or null
  Column<int32_t> tokens;   // in place of inputs [steps], or null
  Column<float> values;     // targets of errors, NaN where none was observed; or null
  Column<int32_t> classes;  // targets of classes; or null
  Column<int32_t> lengths;  // one number, or null
  Column<float> weight;     // one number, or null for ones
  Column<float> ahead;      // [horizon, features], or null
};

using Ranges = std::vector<std::pair<int64_t, int64_t>>;  // of the parameters

struct Rule {
  Direction direction;
  double decay, decay_of_squares, epsilon;
  bool epsilon_beside_raw;  // Adam's epsilon beside the root before it is corrected, as in Keras
  float weight_decay;
  Ranges decayed;
};

// What becomes of gradients before the optimiser sees them.
struct Limits {
  Ranges frozen;                            // zero: these are not trained
  Ranges variables;                         // each with a norm of at most `norm`
  float norm = INFINITY, value = INFINITY;  // no number is further from zero than `value`

  bool any() const;
};

// Parameters whose gradients' squares are summed at once: fixed, so that the norm does not depend on the threads.
constexpr int64_t kSquared = 4096;

// `order` [count, batch] says which rows make each batch, -1 for none.
struct Batches {
  int64_t count;
  const int32_t* order;
  const float* scales;  // [count]: minus each step's rate
  int64_t first;        // the number of the first step, counted from the start of the run
  uint64_t seed;
  int64_t begin_every;  // after so many steps the states that are carried begin anew, with zeros; 0 for never
  float most_norm;      // of all gradients together; infinity for any
  double* sums;         // [count, criteria + 1]: each criterion's over the rows, weighted, and the weights'
};

struct Term {
  Criterion criterion;
  std::vector<float> settings;  // see CriterionJob; one, but several of pinball
};

// What a trainer is made for.
struct TrainerPlan {
  NetworkDescription network;
  Form input;
  int64_t batch, time;      // time: 1 where inputs have no time axis
  int64_t horizon;          // of layers that look ahead, else 0
  int64_t labels;           // the most that a row has, where the loss aligns labels with steps
  bool ragged;              // rows come with lengths
  bool trains;              // else it only evaluates
  bool carries;             // each step begins with the states that the one before has ended with
  bool by_values;           // rows count by their observed targets, so that a loss is a mean of values, not of rows
  std::vector<Term> terms;  // the loss comes first
  std::vector<Penalty> penalties;
  bool plain_counts;  // figures are means over rows whatever these weigh: the loss's sum alone knows weights
  Rule rule;
  Limits limits;
  std::optional<AffineLimits> images;  // that inputs are changed by while it trains
  std::optional<MaskLimits> masks;     // or these
  std::optional<Sampling> sampling;    // of the last layer's outputs while it trains
  int threads;                         // that a call may use
};

// What a run changes: the parameters, what the optimiser keeps [slots, parameters], and the states that are carried.
struct Memory {
  float *parameters, *slots, *carried;
};

// A network for one shape of batch; it is used from one thread at a time.
class Trainer {
 public:
  // std::invalid_argument where the layers or the terms do not fit together.
  explicit Trainer(const TrainerPlan& plan);

  int64_t batch() const { return input_.rows; }
  int64_t row_floats() const { return input_.steps * input_.width; }
  int64_t row_ahead() const { return ahead_floats_; }
  int64_t row_targets() const {
    const CriterionJob& loss = criteria_.front();
    if (takes_labels(loss.criterion)) return loss.labels;
    return loss.steps * (latchwork::takes_classes(loss.criterion) ? 1 : loss.width / levels_of(loss));
  }
  bool takes_tokens() const { return input_.tokens; }
  bool takes_classes() const { return takes_whole_numbers(criteria_.front().criterion); }
  int64_t criteria() const { return static_cast<int64_t>(criteria_.size()); }
  int64_t parameters() const { return parameter_count_; }
  int64_t carried() const { return carried_count_; }
  int slots() const { return trains_ ? direction_slots(rule_.direction) : 0; }

  // Trains for the batches' steps, on as many threads as it is worth; the arrays of `memory` change in place. One that
  // was made to evaluate reads its parameters alone.
  void run(const Memory& memory, const Examples& examples, const Batches& batches);
  // The same on the calling thread.
  void run_alone(const Memory& memory, const Examples& examples, const Batches& batches);
  // How many threads a call is worth.
  int useful_threads() const;

 private:
  struct Call {
    Trainer* self;
    const Examples* examples;
    const Batches* batches;
  };

  const Flow& output() const { return layers_.empty() ? input_ : layers_.back()->output(); }
  float* take(int64_t count) { return buffers_.emplace_back(count).data(); }
  void add(const LayerDescription& layer, LayerSetting& setting);
  void tie(const NetworkDescription& network, LayerSetting& setting) const;
  void sample(const TrainerPlan& plan, const LayerSetting& setting);
  void add(const Term& term);
  int begin(const Memory& memory);
  void end(const Memory& memory) const;
  void work(const Call& call, const Team& team);
  void gather(const Call& call, int64_t step, const StepOf& of, const Team& team);
  void count(const int32_t* order, const Column<float>& weight);
  void hide_past_end(const Column<int32_t>& lengths, int64_t row, int64_t place);
  int64_t observed(int64_t place) const;
  void add_up(double* sums) const;
  void limit(const Team& team);
  void update(int64_t step, const Batches& batches, const Team& team);

  const bool ragged_, trains_, by_values_, plain_counts_;
  const int64_t parameter_count_, labels_, carried_count_;
  const int threads_;
  const Rule rule_;
  const Limits limits_;
  const std::optional<AffineLimits> images_;
  const std::optional<MaskLimits> masks_;
  int64_t ahead_floats_ = 0;
  Floats parameters_, gradients_, slots_, carried_;
  std::vector<Floats> buffers_;
  Flow input_{};
  std::vector<int32_t> tokens_, lengths_, classes_;
  std::vector<int32_t> sampled_classes_;  // the classes' places in the sample
  std::vector<float> weights_, shares_, counts_;
  float *values_ = nullptr, *ahead_ = nullptr;
  std::vector<double> squares_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<Term> terms_;
  std::vector<CriterionJob> criteria_;
  Penalties penalties_;
  bool answers_each_step_ = false;  // of sequences that differ in length: what is past an end has no target
};

}  // namespace latchwork
