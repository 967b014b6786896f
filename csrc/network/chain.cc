#include "network/chain.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace latchwork {

namespace {

// What flows between two layers, in two halves that take turns. It is a thread's own and kept: an answer that takes a
// microsecond must not wait for memory.
float* scratch(int64_t floats) {
  static thread_local std::vector<float> kept;
  if (static_cast<int64_t>(kept.size()) < floats) kept.resize(static_cast<std::size_t>(floats));
  return kept.data();
}

bool all_finite(const float* values, int64_t count) {
  constexpr uint32_t kExponent = 0x7f800000;  // all its bits are set in infinities and NaN alone
  uint32_t found = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    found |= static_cast<uint32_t>((bits & kExponent) == kExponent);
  }
  return !found;
}

}  // namespace

Chain::Chain(int64_t features, std::vector<double> offset, std::vector<double> scale)
    : features_(features), width_(features), widest_(features), offset_(std::move(offset)), scale_(std::move(scale)) {}

void Chain::add_recurrent(std::unique_ptr<const Weights> weights, bool reverse, bool last_only) {
  width_ = weights->hidden();
  widest_ = std::max(widest_, width_);
  work_ += kind_shape(weights->kind()).gates * width_ * (weights->features() + width_);
  keeps_time_ = keeps_time_ && !last_only;
  layers_.push_back({std::move(weights), reverse, last_only, {}, {}, Activation::none, width_});
}

void Chain::add_dense(const float* weight, const float* bias, int64_t outputs, Activation activation) {
  work_ += width_ * outputs;
  layers_.push_back(
      {nullptr, false, false, {weight, weight + width_ * outputs}, {bias, bias + outputs}, activation, outputs});
  width_ = outputs;
  widest_ = std::max(widest_, width_);
}

ChainState Chain::initial_state(int64_t batch) const {
  int64_t floats = 0;
  for (const Layer& layer : layers_)
    if (layer.weights) floats += layer.width * (kind_shape(layer.weights->kind()).states + 1);
  return {batch, std::vector<float>(static_cast<std::size_t>(batch * floats))};
}

bool Chain::scale(const float* inputs, int64_t rows, float* scaled) const {
  if (!all_finite(inputs, rows * features_)) return false;
  if (offset_.empty()) {
    std::memcpy(scaled, inputs, static_cast<std::size_t>(rows * features_) * sizeof(float));
    return true;
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < features_; ++i)
      *scaled++ = static_cast<float>((static_cast<double>(*inputs++) - offset_[i]) / scale_[i]);
  return true;
}

bool Chain::run(int64_t batch, int64_t time, const float* inputs, const int32_t* lengths, float* outputs) const {
  const int64_t half = batch * time * widest_;
  float* from = scratch(2 * half + batch * widest_);
  float* to = from + half;
  float* const last = to + half;  // final hidden state
  if (!scale(inputs, batch * time, from)) return false;
  int64_t steps = time;  // 1 once a layer has taken the last step alone
  for (const Layer& layer : layers_) {
    if (layer.weights) {
      Operands given{};
      given.inputs = from;
      given.lengths = steps == time ? lengths : nullptr;
      const Results results{to, last, {}, nullptr, false};
      layer.weights->forward(batch, steps, layer.reverse, given, results, available_threads());
      if (layer.last_only) {
        std::memcpy(to, last, static_cast<std::size_t>(batch * layer.width) * sizeof(float));
        steps = 1;
      }
    } else {
      const int64_t depth = static_cast<int64_t>(layer.weight.size()) / layer.width;
      engine().dense(
          {batch * steps, depth, layer.width, from, layer.weight.data(), layer.bias.data(), layer.activation, to});
    }
    std::swap(from, to);
  }
  std::memcpy(outputs, from, static_cast<std::size_t>(batch * steps * width_) * sizeof(float));
  return true;
}

bool Chain::step(const float* inputs, const ChainState& before, ChainState& after, float* outputs) const {
  const int64_t batch = before.batch;
  const int64_t half = batch * widest_;
  float* from = scratch(2 * half);
  float* to = from + half;
  if (!scale(inputs, batch, from)) return false;
  const float* state = before.values.data();
  float* next = after.values.data();
  for (const Layer& layer : layers_) {
    if (layer.weights) {
      const int64_t size = batch * layer.width;
      Operands given{};
      Results results{to, next, {}, nullptr, false};
      given.inputs = from;
      given.hidden_state = state;
      for (int s = 0; s < kind_shape(layer.weights->kind()).states; ++s) {
        given.states[s] = state += size;
        results.final_states[s] = next += size;
      }
      layer.weights->forward(batch, 1, false, given, results, available_threads());
      state += size;
      next += size;
    } else {
      const int64_t depth = static_cast<int64_t>(layer.weight.size()) / layer.width;
      engine().dense({batch, depth, layer.width, from, layer.weight.data(), layer.bias.data(), layer.activation, to});
    }
    std::swap(from, to);
  }
  std::memcpy(outputs, from, static_cast<std::size_t>(batch * width_) * sizeof(float));
  return true;
}

void softmax(int64_t rows, int64_t width, float* scores) {
  for (int64_t row = 0; row < rows; ++row, scores += width) {
    const float most = *std::max_element(scores, scores + width);
    float sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += scores[i] = std::exp(scores[i] - most);
    for (int64_t i = 0; i < width; ++i) scores[i] /= sum;
  }
}

}  // namespace latchwork
