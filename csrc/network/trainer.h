// Training steps of a whole network in one call: gather the rows, forward, loss, backward, optimiser, sums.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "network/layers.h"

namespace latchwork {

// What a network is given, a row for each example. Null where it says "or null". Of several networks side by side each
// has its own example in a row: inputs and targets of one are found `members` times their size apart.
struct Examples {
  int64_t rows;
  int64_t members;
  const float* inputs;     // [rows, steps, features], or null
  const int32_t* tokens;   // in place of inputs [rows, steps], or null
  const float* values;     // targets of errors [rows, ...], or null
  const int32_t* classes;  // targets of classes [rows, ...], or null
  const int32_t* lengths;  // [rows] or null
  const float* weight;     // [rows] or null for ones
};

struct Rule {
  Direction direction;
  double decay, decay_of_squares, epsilon;
  float weight_decay;
  float most_norm;                                   // of all gradients together; infinity for any
  std::vector<std::pair<int64_t, int64_t>> decayed;  // ranges of the parameters
};

// `order` [count, batch] says which rows make each batch, -1 for none.
struct Batches {
  int64_t count;
  const int32_t* order;
  const float* scales;  // [count]: minus each step's rate
  int64_t first;        // the number of the first step, counted from the start of the run
  uint64_t seed;
  double* sums;  // [count, measures + 1]: each measure's over the rows, weighted, and the weights'
};

// A network for one shape of batch. Layers are added in order, then measures; it is used from one thread at a time.
class Trainer {
 public:
  // `threads` is how many a call may use.
  // `has_time`: inputs are sequences [batch, time, features], else vectors; `features` is 0 for sequences of tokens
  // [batch, time]. `ragged`: rows come with lengths.
  Trainer(int64_t batch, int64_t time, int64_t features, bool has_time, bool ragged, int64_t parameters, bool trains,
          int threads);

  // std::invalid_argument where it does not take what the one before gives.
  void add(const LayerDescription& layer);
  // The loss comes first.
  void add_measure(Measure measure, float setting);
  void set_rule(Rule rule) { rule_ = std::move(rule); }

  const Flow& output() const { return layers_.empty() ? input_ : layers_.back()->output(); }
  bool takes_tokens() const { return input_.tokens; }
  int64_t row_floats() const { return input_.steps * input_.width; }
  int64_t batch() const { return input_.rows; }
  bool is_ragged() const { return ragged_; }
  bool trains() const { return trains_; }
  bool takes_classes() const { return latchwork::takes_classes(measures_.front().measure); }
  int64_t row_targets() const { return output().steps * (takes_classes() ? 1 : output().width); }
  int64_t measures() const { return static_cast<int64_t>(measures_.size()); }
  int64_t parameters() const { return parameter_count_; }
  int64_t parameters_used() const { return used_; }
  int slots() const { return trains_ ? direction_slots(rule_.direction) : 0; }

  // Trains for the batches' steps, on as many threads as it is worth; `parameters` and `slots` [slots, parameters]
  // change in place. One that was made to evaluate only measures, and reads its parameters alone.
  void run(float* parameters, float* slots, const Examples& examples, const Batches& batches);
  // The same on the calling thread.
  void run_alone(float* parameters, float* slots, const Examples& examples, const Batches& batches);

 private:
  struct Call {
    Trainer* self;
    const Examples* examples;
    const Batches* batches;
  };

  int begin(const float* parameters, const float* slots);
  void end(float* parameters, float* slots) const;
  void work(const Call& call, const Team& team);
  void gather(const Call& call, int64_t step, const StepOf& of, const Team& team);
  void add_up(double* sums) const;
  void update(int64_t step, const Batches& batches, const Team& team);

  const bool ragged_, trains_;
  const int64_t parameter_count_;
  const int threads_;
  int64_t used_ = 0;
  uint64_t places_ = 0;
  Floats parameters_, gradients_, slots_;
  std::vector<Floats> buffers_;
  Flow input_{};
  std::vector<int32_t> tokens_, lengths_, classes_;
  std::vector<float> weights_, shares_;
  float* values_ = nullptr;
  std::vector<double> squares_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<MeasureJob> measures_;
  Rule rule_{};
};

// Independent networks of one shape side by side, each trained on one thread from the first step to the last. Arrays
// [members, ...] of what `Trainer::run` takes, but for the order, the scales and the rows' weights, which all share.
void run_members(const std::vector<Trainer*>& members, float* parameters, float* slots, const Examples& examples,
                 const Batches& batches);

}  // namespace latchwork
