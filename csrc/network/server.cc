#include "network/server.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "threads/lender.h"
#include "threads/team.h"

namespace latchwork {
namespace {

// A large call goes through the layers a block of sequences after the other, each block on one thread: what flows between
// two layers stays in cache, and threads need not meet. As many sequences as fill the recurrence's tiles, as few as keep
// a block below so many floats where sequences are long.
constexpr int64_t kLeastRows = 64, kMostRows = 256;
constexpr int64_t kBlockFloats = int64_t{1} << 20;

// Multiplications of a call that is over before a second thread has woken.
constexpr int64_t kSmallCall = 400'000;

// Floats that a thread keeps: an answer that takes a microsecond must not wait for memory.
constexpr int64_t kKept = 16 << 10;

class Scratch {
 public:
  explicit Scratch(int64_t floats) {
    static thread_local std::vector<float> kept;
    if (floats <= kKept && !kExactLoans) {
      if (static_cast<int64_t>(kept.size()) < floats) kept.resize(static_cast<std::size_t>(floats));
      data_ = kept.data();
    } else {
      data_ = reinterpret_cast<float*>(loan_.emplace(static_cast<std::size_t>(floats) * sizeof(float)).data());
    }
  }
  float* data() const { return data_; }

 private:
  std::optional<Loan> loan_;
  float* data_;
};

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

Server::Server(const NetworkDescription& network, const Form& input, const float* parameters,
               std::vector<double> offset, std::vector<double> scale)
    : input_(input), output_(form_after(network, input)), offset_(std::move(offset)), scale_(std::move(scale)) {
  Form form = input;
  for (const LayerDescription& layer : network) {
    const Form after = form_after(layer, form);
    if (const auto* embedding = std::get_if<EmbeddingDescription>(&layer)) symbols_ = embedding->symbols;
    const auto* ahead = std::get_if<AheadDescription>(&layer);
    if (ahead) {
      if (ahead_) throw std::invalid_argument("two layers look ahead");
      ahead_ = ahead->features;
    }
    can_step_ = can_step_ && !ahead && !needs_whole_sequences(layer);
    work_ += work_of(layer, form);
    if (auto served = make_served(layer, form, parameters)) {
      state_floats_ += served->state_floats();
      places_.push_back({std::move(served), after.width, after.has_time, layer});
    }
    parameters += parameter_floats(layer, form);
    form = after;
  }
  Given one{};
  one.time = one.horizon = 1;
  if (can_step_) of_step_ = need(one);
}

int64_t Server::answer_steps(const Given& given) const {
  int64_t steps = given.time;
  for (const Place& place : places_) steps = steps_after(place.description, place.has_time, steps, given.horizon);
  return steps;
}

Server::Need Server::need(const Given& given) const {
  Need need{input_.is_symbols ? 0 : given.time * input_.width, 0};
  int64_t steps = given.time;
  for (const Place& place : places_) {
    need.layer = std::max(need.layer, place.layer->scratch_floats(steps));
    steps = steps_after(place.description, place.has_time, steps, given.horizon);
    need.flow = std::max(need.flow, steps * place.width);
  }
  return need;
}

// Where the first layer reads from: the inputs themselves, or scaled ones.
bool Server::prepare(const Given& given, const float*& from, float* scaled) const {
  from = given.inputs;
  if (given.tokens) return true;
  const int64_t rows = given.batch * given.time, features = input_.width;
  if (!all_finite(given.inputs, rows * features)) return false;
  if (offset_.empty()) return true;
  from = scaled;
  const float* values = given.inputs;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < features; ++i)
      *scaled++ = static_cast<float>((static_cast<double>(*values++) - offset_[i]) / scale_[i]);
  return true;
}

bool Server::pass(const Given& given, const float* before, float* after, float* outputs, int threads) const {
  const Need each = given.time == 1 && can_step_ ? of_step_ : need(given);
  const Scratch scratch(given.batch * each.floats());
  Passage passage{given.batch,   given.time, given.lengths, given.tokens,   given.ahead,
                  given.horizon, before,     after,         scratch.data(), threads};
  float* to = scratch.data() + given.batch * each.layer;  // two halves that take turns
  float* other = to + given.batch * each.flow;
  const float* from;
  if (!prepare(given, from, other)) return false;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    float* const target = index + 1 == places_.size() ? outputs : to;
    places_[index].layer->run(passage, from, target);
    from = target;
    std::swap(to, other);
  }
  if (places_.empty())
    std::memcpy(outputs, from, static_cast<std::size_t>(given.batch * given.time * input_.width) * sizeof(float));
  return true;
}

bool Server::run_blocks(const Given& given, int64_t rows, float* outputs) const {
  struct Blocks {
    const Server& self;
    const Given& given;
    const int64_t rows, count, answer;
    float* const outputs;
    std::atomic<int64_t> next{0};
    std::atomic<bool> finite{true};

    void work() {
      for (int64_t index; (index = next.fetch_add(1)) < count && finite.load(std::memory_order_relaxed);) {
        const int64_t first = given.batch * index / count;
        Given block = given;
        block.batch = given.batch * (index + 1) / count - first;
        if (block.inputs) block.inputs += first * given.time * self.input_.width;
        if (block.tokens) block.tokens += first * given.time;
        if (block.lengths) block.lengths += first;
        if (block.ahead) block.ahead += first * given.horizon * self.ahead_;
        if (!self.pass(block, nullptr, nullptr, outputs + first * answer, 1)) finite = false;
      }
    }
  } blocks{*this, given, rows, (given.batch + rows - 1) / rows, answer_steps(given) * output_.width, outputs};
  run_team(
      static_cast<int>(std::min<int64_t>(available_threads(), blocks.count)),
      [](const void* job, const Team&) { static_cast<Blocks*>(const_cast<void*>(job))->work(); }, &blocks);
  return blocks.finite;
}

bool Server::run(const Given& given, float* outputs) const {
  const int64_t rows = std::clamp(kBlockFloats / std::max<int64_t>(need(given).floats(), 1), kLeastRows, kMostRows);
  const bool is_large = given.batch * given.time * work_ >= kSmallCall;
  if (is_large && given.batch >= 2 * rows) return run_blocks(given, rows, outputs);
  return pass(given, nullptr, nullptr, outputs, available_threads());
}

bool Server::advance(const Given& given, const ServerState& before, ServerState& after, float* outputs) const {
  return pass(given, before.values.data(), after.values.data(), outputs, available_threads());
}

}  // namespace latchwork
