#include "network/serving.h"

#include <cstring>
#include <stdexcept>
#include <vector>

#include "network/cell_arrays.h"
#include "network/layers.h"
#include "network/rows.h"

namespace latchwork {
namespace {

std::size_t bytes(int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

// Work, in multiplications or numbers moved, that is over before a second thread has woken.
constexpr int64_t kSmallProduct = 400'000;
constexpr int64_t kSmallMove = 100'000;

// Calls body(row) for all rows, on several threads where they are many.
template <class Body>
void for_rows(int64_t rows, int64_t floats, int threads, const Body& body) {
  struct Rows {
    int64_t count;
    const Body& body;
  } const job{rows, body};
  const auto work = [](const void* given, const Team& team) {
    const Rows& job = *static_cast<const Rows*>(given);
    const Part mine = part_of(job.count, team);
    for (int64_t row = mine.begin; row < mine.end; ++row) job.body(row);
  };
  if (threads > 1 && rows * floats > kSmallMove)
    run_team(threads, work, &job);
  else
    work(&job, {0, 1, nullptr});
}

std::unique_ptr<const Weights> packed_cell(const RecurrentDescription& layer, int64_t features,
                                           const float* parameters) {
  Operands given{};
  set_cell_arrays(layer.kind, features, layer.units, layer.heads, parameters, given);
  return std::make_unique<const Weights>(layer.kind, features, layer.units, given, layer.heads);
}

class ServedRecurrent : public ServedLayer {
 public:
  ServedRecurrent(const RecurrentDescription& layer, int64_t features, const float* parameters)
      : layer_(layer), weights_(packed_cell(layer, features, parameters)) {}

  int64_t state_floats() const override { return state_count(layer_.kind) * layer_.units; }
  int64_t scratch_floats(int64_t steps) const override { return (1 + steps) * layer_.units; }

  void run(Passage& passage, const float* from, float* to) const override {
    const int64_t size = passage.batch * layer_.units;
    Operands given{};
    given.inputs = from;
    given.lengths = passage.lengths;
    if (passage.before) {
      given.hidden_state = passage.before;
      for (int s = 1; s < state_count(layer_.kind); ++s) given.states[s - 1] = passage.before + s * size;
      passage.before += passage.batch * state_floats();
    }
    float* const last = passage.after ? passage.after : passage.scratch;
    const bool gives_all = layer_.return_sequences || passage.steps == 1;
    float* const outputs = gives_all ? to : passage.scratch + size;
    Results results{outputs, last, {}, nullptr, false};
    for (int s = 1; passage.after && s < state_count(layer_.kind); ++s) results.final_states[s - 1] = last + s * size;
    weights_->forward(passage.batch, passage.steps, layer_.reverse, given, results, passage.threads);
    if (passage.after) passage.after += passage.batch * state_floats();
    if (!gives_all) std::memcpy(to, last, bytes(size));
    if (layer_.return_sequences) return;
    passage.steps = 1;
    passage.lengths = nullptr;
  }

 private:
  const RecurrentDescription layer_;

  const std::unique_ptr<const Weights> weights_;
};

class ServedBidirectional : public ServedLayer {
 public:
  ServedBidirectional(const RecurrentDescription& layer, int64_t features, const float* parameters) : layer_(layer) {
    for (auto& way : ways_) {
      way = packed_cell(layer, features, parameters);
      parameters += cell_floats(layer.kind, features, layer.units, layer.heads);
    }
  }

  int64_t scratch_floats(int64_t steps) const override { return 2 * (1 + steps) * layer_.units; }

  void run(Passage& passage, const float* from, float* to) const override {
    const int64_t units = layer_.units, size = passage.batch * units;
    const float* shown[2];
    Operands given{};
    given.inputs = from;
    given.lengths = passage.lengths;
    const int64_t rows = layer_.return_sequences ? passage.batch * passage.steps : passage.batch;
    for (int way = 0; way < 2; ++way) {
      float* const last = passage.scratch + way * size * (1 + passage.steps);
      float* const outputs = last + size;
      ways_[way]->forward(passage.batch, passage.steps, way == 1, given, {outputs, last, {}, nullptr, false},
                          passage.threads);
      shown[way] = layer_.return_sequences ? outputs : last;
    }
    for_rows(rows, 2 * units, passage.threads, [&](int64_t row) {
      const int64_t at = row * units;
      merge_ways(layer_.merge, shown[0] + at, shown[1] + at, units, to + row * layer_.output_width());
    });
    if (layer_.return_sequences) return;
    passage.steps = 1;
    passage.lengths = nullptr;
  }

 private:
  const RecurrentDescription layer_;
  std::unique_ptr<const Weights> ways_[2];
};

// A matrix packed once, its products on as many threads as they are worth.
class Product {
 public:
  Product(const float* weight, int64_t depth, int64_t width)
      : depth_(depth), width_(width), packed_(dense_packed_floats(depth, width)) {
    learning_engine().dense_pack(weight, depth, width, packed_.data());
  }

  int64_t width() const { return width_; }

  void run(int64_t rows, const float* inputs, const float* bias, const float* starts, int64_t shared,
           Activation activation, float* outputs, int threads) const {
    const DenseProductJob job{rows, depth_, width_, activation, inputs, packed_.data(), bias, starts, shared, outputs};
    if (threads == 1 || rows * depth_ * width_ < kSmallProduct)
      return learning_engine().dense_product(job, {0, 1, nullptr});
    run_team(
        threads,
        [](const void* given, const Team& team) {
          learning_engine().dense_product(*static_cast<const DenseProductJob*>(given), team);
        },
        &job);
  }

 private:
  const int64_t depth_, width_;
  const Floats packed_;
};

class ServedDense : public ServedLayer {
 public:
  ServedDense(const DenseDescription& layer, int64_t features, const float* parameters)
      : activation_(layer.activation),
        product_(parameters, features, layer.units),
        bias_(parameters + features * layer.units, parameters + (features + 1) * layer.units) {}

  void run(Passage& passage, const float* from, float* to) const override {
    product_.run(passage.batch * passage.steps, from, bias_.data(), nullptr, 1, activation_, to, passage.threads);
  }

 private:
  const Activation activation_;
  const Product product_;
  const std::vector<float> bias_;
};

class ServedAhead : public ServedLayer {
 public:
  ServedAhead(const AheadDescription& layer, int64_t features, const float* parameters)
      : activation_(layer.activation),
        vector_(parameters, features, layer.units),
        ahead_(parameters + features * layer.units, layer.features, layer.units),
        bias_(parameters + (features + layer.features) * layer.units,
              parameters + (features + layer.features + 1) * layer.units) {}

  int64_t scratch_floats(int64_t) const override { return vector_.width(); }

  void run(Passage& passage, const float* from, float* to) const override {
    const int64_t batch = passage.batch, horizon = passage.horizon;
    vector_.run(batch, from, bias_.data(), nullptr, 1, Activation::none, passage.scratch, passage.threads);
    ahead_.run(batch * horizon, passage.ahead, nullptr, passage.scratch, horizon, activation_, to, passage.threads);
    passage.steps = horizon;
  }

 private:
  const Activation activation_;
  const Product vector_, ahead_;
  const std::vector<float> bias_;
};

class ServedEmbedding : public ServedLayer {
 public:
  ServedEmbedding(const EmbeddingDescription& layer, const float* parameters)
      : layer_(layer), vectors_(parameters, parameters + layer.symbols * layer.units) {}

  void run(Passage& passage, const float*, float* to) const override {
    const int64_t units = layer_.units;
    for_rows(passage.batch * passage.steps, units, passage.threads, [&](int64_t row) {
      const float* const vector = vectors_.data() + symbol_of(passage.tokens[row], layer_.symbols) * units;
      std::memcpy(to + row * units, vector, bytes(units));
    });
  }

 private:
  const EmbeddingDescription layer_;
  const std::vector<float> vectors_;
};

class ServedNorm : public ServedLayer {
 public:
  ServedNorm(const NormDescription& layer, int64_t features, const float* parameters)
      : layer_(layer), width_(features), arrays_(parameters, parameters + 2 * features) {}

  void run(Passage& passage, const float* from, float* to) const override {
    const float *scale = arrays_.data(), *offset = scale + width_;
    for_rows(passage.batch * passage.steps, 4 * width_, passage.threads, [&](int64_t row) {
      float* const normal = to + row * width_;
      normalise(from + row * width_, width_, layer_.epsilon, normal);
      for (int64_t i = 0; i < width_; ++i) normal[i] = normal[i] * scale[i] + offset[i];
    });
  }

 private:
  const NormDescription layer_;
  const int64_t width_;
  const std::vector<float> arrays_;
};

// What it remembers of a sequence: the number of steps (as the bits of an int32), the first, the sum, the largest.
class ServedPooling : public ServedLayer {
 public:
  ServedPooling(const PoolingDescription& layer, int64_t features) : kinds_(layer.kinds), width_(features) {}

  int64_t state_floats() const override { return 1 + 3 * width_; }

  void run(Passage& passage, const float* from, float* to) const override {
    const int64_t steps = passage.steps, wide = width_ * static_cast<int64_t>(kinds_.size());
    for_rows(passage.batch, steps * width_, passage.threads, [&](int64_t row) {
      const float* const sequence = from + row * steps * width_;
      float* vector = to + row * wide;
      if (passage.after) return go_on(passage, row, sequence, vector);
      const int64_t length = passage.lengths ? passage.lengths[row] : steps;
      for (const Pool kind : kinds_) {
        pool(kind, sequence, length, width_, vector);
        vector += width_;
      }
    });
    if (passage.after) {
      passage.before += passage.batch * state_floats();
      passage.after += passage.batch * state_floats();
    }
    passage.steps = 1;
    passage.lengths = nullptr;
  }

 private:
  void go_on(const Passage& passage, int64_t row, const float* sequence, float* vector) const {
    const float* const before = passage.before + row * state_floats();
    float* const after = passage.after + row * state_floats();
    float *const first = after + 1, *const total = first + width_, *const largest = total + width_;
    std::memcpy(after, before, bytes(state_floats()));
    int32_t seen;
    std::memcpy(&seen, after, sizeof seen);
    if (seen == 0) {
      std::memcpy(first, sequence, bytes(width_));
      std::memcpy(largest, sequence, bytes(width_));
    }
    pool_total(sequence, passage.steps, width_, total);
    pool_largest(sequence, passage.steps, width_, largest);
    seen += static_cast<int32_t>(passage.steps);
    std::memcpy(after, &seen, sizeof seen);
    for (const Pool kind : kinds_) {
      switch (kind) {
        case Pool::first: std::memcpy(vector, first, bytes(width_)); break;
        case Pool::last: std::memcpy(vector, sequence + (passage.steps - 1) * width_, bytes(width_)); break;
        case Pool::mean:
          for (int64_t i = 0; i < width_; ++i) vector[i] = total[i] / static_cast<float>(seen);
          break;
        case Pool::max: std::memcpy(vector, largest, bytes(width_)); break;
      }
      vector += width_;
    }
  }

  const std::vector<Pool> kinds_;
  const int64_t width_;
};

class ServedRepeat : public ServedLayer {
 public:
  ServedRepeat(const RepeatDescription& layer, int64_t width) : times_(layer.times), width_(width) {}

  void run(Passage& passage, const float* from, float* to) const override {
    for_rows(passage.batch * times_, width_, passage.threads,
             [&](int64_t row) { std::memcpy(to + row * width_, from + row / times_ * width_, bytes(width_)); });
    passage.steps = times_;
  }

 private:
  const int64_t times_, width_;
};

class ServedFlatten : public ServedLayer {
 public:
  explicit ServedFlatten(int64_t floats) : floats_(floats) {}

  void run(Passage& passage, const float* from, float* to) const override {
    for_rows(passage.batch, floats_, passage.threads,
             [&](int64_t row) { std::memcpy(to + row * floats_, from + row * floats_, bytes(floats_)); });
    passage.steps = 1;
    passage.lengths = nullptr;
  }

 private:
  const int64_t floats_;
};

class ServedNonlinear : public ServedLayer {
 public:
  ServedNonlinear(const NonlinearDescription& layer, int64_t width) : kind_(layer.kind), width_(width) {}

  void run(Passage& passage, const float* from, float* to) const override {
    for_rows(passage.batch * passage.steps, 8 * width_, passage.threads,
             [&](int64_t row) { bend_vector(kind_, from + row * width_, width_, to + row * width_); });
  }

 private:
  const Nonlinearity kind_;
  const int64_t width_;
};

class ServedConvolution : public ServedLayer {
 public:
  ServedConvolution(const ConvolutionDescription& layer, int64_t width, const float* parameters)
      : layer_(layer),
        width_(width),
        product_(parameters, layer.steps * width, layer.units),
        bias_(parameters + layer.steps * width * layer.units, parameters + (layer.steps * width + 1) * layer.units) {}

  int64_t scratch_floats(int64_t steps) const override { return steps * layer_.steps * width_; }

  void run(Passage& passage, const float* from, float* to) const override {
    const int64_t rows = passage.batch * passage.steps, depth = layer_.steps * width_;
    for_rows(rows, depth, passage.threads, [&](int64_t at) {
      const int64_t row = at / passage.steps, step = at % passage.steps;
      const int64_t steps = passage.lengths ? passage.lengths[row] : passage.steps;
      window(from + row * passage.steps * width_, steps, width_, step - layer_.before, layer_.steps,
             passage.scratch + at * depth);
    });
    product_.run(rows, passage.scratch, bias_.data(), nullptr, 1, layer_.activation, to, passage.threads);
  }

 private:
  const ConvolutionDescription layer_;
  const int64_t width_;
  const Product product_;
  const std::vector<float> bias_;
};

using Served = std::unique_ptr<const ServedLayer>;

struct MakeServed {
  const int64_t features;
  const float* parameters;

  Served operator()(const RecurrentDescription& layer) const {
    if (layer.both_ways) return std::make_unique<ServedBidirectional>(layer, features, parameters);
    return std::make_unique<ServedRecurrent>(layer, features, parameters);
  }
  Served operator()(const DenseDescription& layer) const {
    if (layer.tied) throw std::invalid_argument("a layer is served with a matrix of its own");
    return std::make_unique<ServedDense>(layer, features, parameters);
  }
  Served operator()(const AheadDescription& layer) const {
    return std::make_unique<ServedAhead>(layer, features, parameters);
  }
  Served operator()(const EmbeddingDescription& layer) const {
    return std::make_unique<ServedEmbedding>(layer, parameters);
  }
  Served operator()(const PoolingDescription& layer) const { return std::make_unique<ServedPooling>(layer, features); }
  Served operator()(const NormDescription& layer) const {
    return std::make_unique<ServedNorm>(layer, features, parameters);
  }
  Served operator()(const DropoutDescription&) const { return nullptr; }
  Served operator()(const RepeatDescription& layer) const { return std::make_unique<ServedRepeat>(layer, features); }
  Served operator()(const FlattenDescription& layer) const {
    return std::make_unique<ServedFlatten>(layer.steps * features);
  }
  Served operator()(const ConvolutionDescription& layer) const {
    return std::make_unique<ServedConvolution>(layer, features, parameters);
  }
  Served operator()(const NonlinearDescription& layer) const {
    return std::make_unique<ServedNonlinear>(layer, features);
  }
};

}  // namespace

Served make_served(const LayerDescription& layer, const Form& input, const float* parameters) {
  return std::visit(MakeServed{input.width, parameters}, layer);
}

}  // namespace latchwork
