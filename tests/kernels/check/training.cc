// Whole training steps: random networks of every layer, beside themselves on other numbers of threads, side by side and
// from several threads at a time; their gradients beside what a small step along them does to the loss.
#include <optional>
#include <thread>

#include "compare.h"
#include "network/members.h"
#include "parts.h"

namespace check {
namespace {

using latchwork::Activation;
using latchwork::Criterion;
using latchwork::Direction;
using latchwork::Pool;
using latchwork::Trainer;

std::vector<float> settings_of(Criterion criterion) {
  if (criterion == Criterion::pinball) return {0.1f, 0.5f, 0.8f};
  return {criterion == Criterion::huber ? 0.5f : 0.1f};
}

// A network, its data and how it is trained.
struct Training {
  int64_t batch, time, features, symbols, embedded;  // symbols: 0 where it takes numbers
  bool ragged, smooth;                               // smooth: its loss has a derivative everywhere
  bool by_values;
  bool carries = false;
  int64_t begin_every = 0;
  int64_t horizon = 0, labels = 0, width = 0;
  float most_norm;
  int64_t parameters = 0, carried = 0, rows = 0, targets = 0, steps = 0;
  std::optional<latchwork::Sampling> sampling;
  latchwork::NetworkDescription layers;
  std::vector<Criterion> criteria;
  std::vector<latchwork::Penalty> penalties;
  bool answers_each_step = false;
  std::optional<latchwork::MaskLimits> masks;
  latchwork::Limits limits{{}, {}, INFINITY, INFINITY};
  latchwork::Rule rule{};
  uint64_t seed;
  Floats inputs, values, start, states, weight, scales, ahead;
  std::vector<int32_t> tokens, classes, lengths, order;
  std::string text;

  latchwork::TrainerPlan plan(bool trains, int threads) const {
    latchwork::TrainerPlan plan{};
    plan.network = layers;
    plan.input = {true, symbols > 0, symbols ? 1 : features};
    plan.batch = batch;
    plan.time = time;
    plan.horizon = horizon;
    plan.labels = labels;
    plan.masks = masks;
    plan.limits = limits;
    plan.ragged = ragged;
    plan.trains = trains;
    plan.by_values = by_values;
    plan.carries = carries;
    plan.sampling = sampling;
    for (const Criterion criterion : criteria)
      plan.terms.push_back({criterion, sampling ? std::vector<float>{0.0f} : settings_of(criterion)});
    plan.penalties = penalties;
    plan.rule = rule;
    plan.threads = threads;
    return plan;
  }

  // Of one of several members: inputs and targets are its own, all else is everybody's.
  latchwork::Examples examples(int64_t members = 1, int64_t member = 0) const {
    latchwork::Examples examples{};
    const auto own = [&](const auto& array, int64_t count, auto& column) {
      if (array.size()) column = {array.data() + member * count, members * count};
    };
    own(inputs, time * features, examples.inputs);
    own(tokens, time, examples.tokens);
    own(values, targets, examples.values);
    own(classes, targets, examples.classes);
    if (!lengths.empty()) examples.lengths = {lengths.data(), 1};
    if (weight.size()) examples.weight = {weight.data(), 1};
    if (ahead.size()) examples.ahead = {ahead.data(), ahead.size() / rows};
    return examples;
  }

  // How many of a row's targets count.
  int64_t observed(int64_t row) const {
    if (labels) {
      const int32_t* own = classes.data() + row * labels;
      const int64_t count = latchwork::labels_in(own, labels);
      const bool holds = latchwork::can_align(own, count, ragged ? lengths[row] : time, width);
      return holds ? std::max<int64_t>(count, 1) : 0;
    }
    int64_t sum = 0;
    for (int64_t i = 0; i < targets; ++i) sum += counts(row, i);
    return sum;
  }

  // Whether a target was observed, and lies before the end of its sequence.
  bool counts(int64_t row, int64_t target) const {
    if (ragged && answers_each_step && target / (targets / time) >= lengths[row]) return false;
    return classes.empty() ? !std::isnan(values.data()[row * targets + target]) : classes[row * targets + target] >= 0;
  }

  static Training random(uint64_t seed, bool smooth, int64_t members);
};

Training Training::random(uint64_t seed, bool smooth, int64_t members) {
  Random random(seed);
  Training t{};
  t.seed = seed;
  t.smooth = smooth;
  const bool large = random.chance(15);  // large enough for a team of threads
  t.batch = large ? random.from(20, 40) : random.from(1, 14);
  t.time = random.from(1, large ? 12 : 7);
  t.features = random.from(1, 9);
  t.ragged = random.chance(50);
  t.symbols = random.chance(30) ? random.from(1, 12) : 0;
  t.embedded = random.from(1, 20);
  int64_t width = t.symbols ? t.embedded : t.features;
  bool has_time = true;
  t.carries = random.chance(30);
  const auto add = [&](latchwork::LayerDescription layer) { t.layers.push_back(std::move(layer)); };
  const auto recurrent = [&](bool last_only) {
    latchwork::RecurrentDescription layer{};
    layer.both_ways = !t.carries && random.chance(30);
    layer.kind = static_cast<Kind>(random.from(0, latchwork::kKinds - 1));
    if (smooth && layer.kind == Kind::simple_rnn_relu) layer.kind = Kind::gru;
    layer.units = large ? random.from(40, 70) : random.from(1, 20);
    if (random.chance(20)) layer.units *= layer.heads = random.from(2, 3);
    layer.reverse = !t.carries && random.chance(30);
    layer.return_sequences = !last_only;
    layer.dropout = !smooth && random.chance(30) ? 0.25f : 0.0f;
    layer.recurrent_dropout = !smooth && random.chance(30) ? 0.2f : 0.0f;
    width = layer.units * (layer.both_ways ? 2 : 1);
    has_time = !last_only;
    add(layer);
  };
  const auto between = [&] {
    if (random.chance(25) && !smooth) add(latchwork::DropoutDescription{0.3f});
    if (random.chance(25) && width > 1) add(latchwork::NormDescription{1e-5f});
    if (random.chance(25)) {
      width = random.from(1, 30);
      const auto activation = static_cast<Activation>(random.from(0, 3));
      add(latchwork::DenseDescription{width, smooth && activation == Activation::relu ? Activation::tanh : activation});
    }
  };
  if (t.symbols) add(latchwork::EmbeddingDescription{t.symbols, t.embedded});
  between();
  if (random.chance(40)) recurrent(false);
  if (random.chance(20)) {
    width = random.from(1, 20);
    const int64_t steps = random.from(1, 5);
    add(latchwork::ConvolutionDescription{width, steps, random.from(0, steps - 1), Activation::tanh});
  }
  between();
  const bool pools = random.chance(30), answers_each_step = !pools && random.chance(40);
  recurrent(!pools && !answers_each_step);
  if (pools) {
    latchwork::PoolingDescription layer;
    for (int64_t i = random.from(1, 4); i > 0; --i)
      layer.kinds.push_back(static_cast<Pool>(random.from(0, smooth ? 2 : 3)));
    width *= static_cast<int64_t>(layer.kinds.size());
    has_time = false;
    add(layer);
  }
  between();
  constexpr int64_t kAhead = 3;
  if (!has_time && random.chance(30)) {
    t.horizon = random.from(1, 5);
    width = random.from(1, 30);
    add(latchwork::AheadDescription{width, kAhead, random.chance(50) ? Activation::tanh : Activation::none});
  }
  const std::vector<Criterion> losses = {Criterion::softmax_cross_entropy,
                                         Criterion::squared_error,
                                         Criterion::smooth_absolute_error,
                                         Criterion::smooth_smape,
                                         Criterion::binary_cross_entropy,
                                         Criterion::connectionist_temporal,
                                         Criterion::percentage_error,
                                         Criterion::logarithmic_error,
                                         Criterion::log_cosh,
                                         Criterion::absolute_error,
                                         Criterion::huber,
                                         Criterion::pinball};
  const bool samples = random.chance(25);
  Criterion loss = losses[samples ? 0 : random.from(0, smooth ? 5 : 11)];
  if (latchwork::takes_labels(loss) && (!has_time || t.horizon)) loss = Criterion::squared_error;
  const int64_t levels = loss == Criterion::pinball ? 3 : 1;
  const bool tied = t.symbols > 1 && t.symbols % levels == 0 && random.chance(50);
  if (tied) add(latchwork::DenseDescription{t.embedded, Activation::tanh});
  width = tied ? t.symbols : random.from(2, 20) * levels;
  add(latchwork::DenseDescription{width, Activation::none, tied});
  // A sample of the last output alone is all of them: the loss that is measured, without a sample, is then the same.
  if (samples) t.sampling = latchwork::Sampling{smooth ? width - 1 : random.from(1, width - 1), random.from(1, 9)};
  t.answers_each_step = has_time;
  t.criteria = {loss};
  if (!samples && random.chance(50))
    t.criteria.push_back(latchwork::takes_labels(loss)             ? loss
                         : latchwork::takes_classes(loss)          ? Criterion::accuracy
                         : levels > 1                              ? Criterion::pinball
                         : loss == Criterion::binary_cross_entropy ? Criterion::binary_accuracy
                                                                   : Criterion::absolute_error);
  t.rule = {static_cast<Direction>(random.from(0, 8)), 0.9, 0.99, 1e-7, random.chance(50), 0.0f, {}};
  t.most_norm = random.chance(50) ? 0.5f : INFINITY;
  t.by_values = random.chance(30);
  t.steps = random.from(1, 4);
  t.rows = t.batch + random.from(0, 9);

  t.parameters = latchwork::parameter_floats(t.layers, t.plan(false, 1).input);
  if (random.chance(30)) {
    t.rule.weight_decay = 0.1f;
    const int64_t first = random.from(0, t.parameters / 2);
    t.rule.decayed = {{first, random.from(first, t.parameters)}};
  }
  if (random.chance(30)) {
    const int64_t first = random.from(0, t.parameters / 2);
    t.penalties = {{first, random.from(first, t.parameters), smooth ? 0.0f : 0.01f, 0.02f}};
  }
  if (random.chance(30)) {
    const int64_t middle = random.from(0, t.parameters);
    t.limits = {{{0, middle / 3}}, {{0, middle}, {middle, t.parameters}}, 0.4f, 0.1f};
  }
  const auto numbers = [&](int64_t count, double size) {
    Floats array(count, random.from(0, 3));
    for (int64_t i = 0; i < count; ++i) array.data()[i] = static_cast<float>(size * random.normal());
    return array;
  };
  const auto whole = [&](int64_t count, int64_t least, int64_t most) {
    std::vector<int32_t> array;
    for (int64_t i = 0; i < count; ++i) array.push_back(static_cast<int32_t>(random.from(least, most)));
    return array;
  };
  t.width = width;
  t.targets = t.horizon ? t.horizon : has_time ? t.time : 1;
  if (latchwork::takes_labels(loss)) t.targets = t.labels = random.from(1, t.time + 1);  // they may be too many
  if (!smooth && !t.symbols && random.chance(30)) t.masks = latchwork::MaskLimits{3, 2, t.features};
  if (t.horizon) t.ahead = numbers(t.rows * t.horizon * kAhead, 1);
  if (t.symbols) {
    t.tokens = whole(members * t.rows * t.time, 0, t.symbols - 1);
  } else {
    t.inputs = numbers(members * t.rows * t.time * t.features, 1);
  }
  if (t.labels) {
    t.classes = whole(members * t.rows * t.labels, 1, width - 1);
    for (int32_t& one : t.classes)
      if (random.chance(30)) one = -1;
  } else if (latchwork::takes_classes(loss)) {
    t.classes = whole(members * t.rows * t.targets, 0, width - 1);
  } else {
    t.targets *= width / levels;
    t.values = numbers(members * t.rows * t.targets, 1);
    if (random.chance(30))  // not all was observed
      for (int64_t i = 0; i < t.values.size(); ++i)
        if (random.chance(30)) t.values.data()[i] = NAN;
  }
  if (!t.classes.empty() && !t.labels && random.chance(30))
    for (int32_t& one : t.classes)
      if (random.chance(30)) one = -1;
  if (t.ragged) t.lengths = whole(t.rows, 1, t.time);
  if (random.chance(40)) {
    t.weight = Floats(t.rows);
    for (int64_t i = 0; i < t.rows; ++i) t.weight.data()[i] = random.chance(20) ? 0.0f : 0.5f + 0.1f * (i % 7);
  }
  t.order = whole(t.steps * t.batch, random.chance(50) ? -1 : 0, t.rows - 1);  // -1: no row
  t.order[0] = 0;
  t.start = numbers(members * t.parameters, 0.3);
  for (const latchwork::LayerDescription& layer : t.layers)
    if (t.carries) t.carried += latchwork::carried_floats(layer, t.batch);
  t.states = numbers(members * t.carried, 0.3);
  // Above zero, as what an exponential gate's memory is divided by always is.
  for (int64_t i = 0; i < t.states.size(); ++i) t.states.data()[i] = 0.5f + std::fabs(t.states.data()[i]);
  t.begin_every = random.from(0, 3);
  t.scales = Floats(t.steps);
  std::fill(t.scales.data(), t.scales.data() + t.steps, -0.01f);
  t.text = "training " + std::to_string(seed) + ": batch " + std::to_string(t.batch) + ", time " +
           std::to_string(t.time) + (t.ragged ? ", ragged" : "") + (t.symbols ? ", tokens" : "") + ", " +
           (t.carries ? "carried states, " : "") + (tied ? "tied, " : "") + (samples ? "sampled, " : "") +
           std::to_string(t.layers.size()) + " layers, " + std::to_string(t.parameters) + " parameters";
  return t;
}

std::string bytes(const Floats& array) {
  return {reinterpret_cast<const char*>(array.data()), static_cast<std::size_t>(array.size()) * sizeof(float)};
}

// What training leaves behind.
struct Trained {
  Floats parameters, slots, carried;
  std::vector<double> sums;

  bool same(const Trained& other) const {
    return bytes(parameters) == bytes(other.parameters) && bytes(slots) == bytes(other.slots) &&
           bytes(carried) == bytes(other.carried) && sums == other.sums;
  }
  bool intact() const { return parameters.intact() && slots.intact() && carried.intact(); }
  latchwork::Memory memory(int64_t member, int64_t members) {
    const auto own = [&](Floats& array) { return array.data() + array.size() / members * member; };
    return {own(parameters), own(slots), own(carried)};
  }
  bool finite() const {
    for (int64_t i = 0; i < parameters.size(); ++i)
      if (!std::isfinite(parameters.data()[i])) return false;
    return true;
  }
};

Trained begun(const Training& t, int64_t members, int slots) {
  Trained now{t.start, Floats(members * t.parameters * slots), t.states, {}};
  std::fill(now.slots.data(), now.slots.data() + now.slots.size(), 0.0f);
  now.sums.resize(static_cast<std::size_t>(members * t.steps * static_cast<int64_t>(t.criteria.size() + 1)));
  return now;
}

latchwork::Batches batches(const Training& t, Trained& into) {
  const int64_t begin_every = t.carries ? t.begin_every : 0;
  return {t.steps, t.order.data(), t.scales.data(), 3, t.seed & 0xffff, begin_every, t.most_norm, into.sums.data()};
}

Trained run(const Training& t, int threads) {
  Trainer trainer(t.plan(true, threads));
  Trained now = begun(t, 1, trainer.slots());
  trainer.run(now.memory(0, 1), t.examples(), batches(t, now));
  return now;
}

// The loss of the first batch, by a trainer that only evaluates.
double loss_of(const Training& t, Trainer& measuring, const std::vector<double>& at) {
  Floats parameters(t.parameters);
  for (int64_t i = 0; i < t.parameters; ++i) parameters.data()[i] = static_cast<float>(at[i]);
  std::vector<double> sums(t.criteria.size() + 1);
  double penalty = 0;
  for (const latchwork::Penalty& one : t.penalties)
    for (int64_t i = one.first; i < one.last; ++i) penalty += one.l1 * std::fabs(at[i]) + one.l2 * at[i] * at[i];
  const latchwork::Batches first{1, t.order.data(), nullptr, 0, 0, 0, INFINITY, sums.data()};
  Floats states = t.states;
  measuring.run({parameters.data(), nullptr, states.data()}, t.examples(), first);
  int64_t counted = 0;
  for (int64_t place = 0; place < t.batch; ++place) {
    const int32_t row = t.order[place];
    if (row < 0 || (t.weight.size() && !(t.weight.data()[row] > 0))) continue;
    const int64_t observed = t.observed(row);
    counted += t.by_values ? observed : observed > 0;
  }
  return (sums[0] - penalty * sums.back()) / static_cast<double>(std::max<int64_t>(counted, 1)) + penalty;
}

// A step of plain descent shows the gradient; the loss must fall along it by as much as it says.
void check_gradient(Training t, Report& report) {
  t.rule = {Direction::sgd, 0, 0, 0, false, 0.0f, {}};
  t.limits = {{}, {}, INFINITY, INFINITY};
  t.most_norm = INFINITY;
  t.begin_every = 0;
  t.steps = 1;
  t.scales.data()[0] = -1.0f;
  const Trained after = run(t, 1);
  std::vector<double> gradient(t.parameters), start = t.start.doubles();
  double squares = 0;
  for (int64_t i = 0; i < t.parameters; ++i) {
    gradient[i] = start[i] - after.parameters.data()[i];
    squares += gradient[i] * gradient[i];
  }
  if (squares < 1e-6) return;
  Trainer measuring(t.plan(false, 1));
  const auto at = [&](double distance) {
    std::vector<double> moved = start;
    for (int64_t i = 0; i < t.parameters; ++i) moved[i] += distance * gradient[i];
    return loss_of(t, measuring, moved);
  };
  // So far that the loss's rounding does not count, so near that its curve does not; the best is taken.
  double error = 1;
  for (const double fall : {0.02, 0.005, 0.001, 0.0002, 0.00005}) {
    const double distance = fall / squares;
    error = std::fmin(error, std::fabs((at(distance) - at(-distance)) / (2 * distance * squares) - 1));
  }
  report.note("gradient along itself", error);
  if (!(error < 0.02))
    report.fail(t.text + ": the loss does not fall as its gradient says, off by " + std::to_string(error));
}

void check_members(uint64_t seed, Report& report) {
  constexpr int64_t kMembers = 3;
  const Training t = Training::random(seed, false, kMembers);
  latchwork::Members members(t.plan(true, 2), kMembers);
  Trainer alone(t.plan(true, 1));
  Trained together = begun(t, kMembers, alone.slots()), apart = together;
  const auto call = [&](Trained& now, int64_t i) {
    latchwork::MemberCall call{};
    call.memory = now.memory(i, kMembers);
    call.examples = t.examples(kMembers, i);
    call.batches = batches(t, now);
    call.batches.sums += i * t.steps * static_cast<int64_t>(t.criteria.size() + 1);
    call.batches.seed += static_cast<uint64_t>(i) << 32;
    return call;
  };
  std::vector<latchwork::MemberCall> calls;
  for (int64_t i = 0; i < kMembers; ++i) calls.push_back(call(together, i));
  members.run(calls);
  if (!together.intact()) report.fail(t.text + ": members wrote beyond their arrays");
  for (int64_t i = 0; i < kMembers; ++i) {
    const latchwork::MemberCall own = call(apart, i);
    alone.run_alone(own.memory, own.examples, own.batches);
  }
  if (!together.same(apart)) report.fail(t.text + ": a member side by side is not what it is alone");
}

}  // namespace

bool check_training(int64_t cases, uint64_t seed) {
  Report report;
  std::vector<Training> all;
  std::vector<Trained> alone;
  for (int64_t i = 0; i < cases; ++i) {
    all.push_back(Training::random(seed + i, false, 1));
    const Training& t = all.back();
    alone.push_back(run(t, 1));
    if (!alone.back().intact()) report.fail(t.text + ": wrote beyond its parameters");
    if (!alone.back().finite()) report.fail(t.text + ": a parameter is no finite number");
    for (const int threads : {2, 4})
      if (!run(t, threads).same(alone.back())) report.fail(t.text + ": results depend on the number of threads");
    check_gradient(Training::random(seed + i, true, 1), report);
    if (i % 4 == 0) check_members(seed + i, report);
  }
  constexpr int kCallers = 2;
  std::vector<int> wrong(kCallers, 0);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int64_t i = 0; i < cases; ++i)
        if (!run(all[(i + caller * cases / kCallers) % cases], 2).same(alone[(i + caller * cases / kCallers) % cases]))
          ++wrong[caller];
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const int count : wrong)
    if (count) report.fail(std::to_string(count) + " trainings differ when others run beside them");
  return report.print((std::to_string(cases) + " random networks trained, a gradient beside its loss").c_str());
}

}  // namespace check
