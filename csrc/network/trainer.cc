#include "network/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace latchwork {
namespace {

int64_t part(int64_t count, int rank, int size) { return count * rank / size; }

int64_t carried_by(const NetworkDescription& network, int64_t rows) {
  int64_t floats = 0;
  for (const LayerDescription& layer : network) floats += carried_floats(layer, rows);
  return floats;
}

}  // namespace

Trainer::Trainer(const TrainerPlan& plan)
    : ragged_(plan.ragged),
      trains_(plan.trains),
      by_values_(plan.by_values),
      plain_counts_(plan.plain_counts),
      parameter_count_(parameter_floats(plan.network, plan.input)),
      labels_(plan.labels),
      carried_count_(plan.carries ? carried_by(plan.network, plan.batch) : 0),
      threads_(plan.threads),
      rule_(plan.rule),
      limits_(plan.limits),
      images_(plan.images),
      masks_(plan.masks),
      parameters_(parameter_count_),
      gradients_(trains_ ? parameter_count_ : 0),
      slots_(trains_ ? 2 * parameter_count_ : 0),
      carried_(carried_count_),
      lengths_(ragged_ ? plan.batch : 0, static_cast<int32_t>(plan.time)),
      weights_(plan.batch),
      shares_(plan.batch),
      counts_(plan.batch),
      squares_((parameter_count_ + kSquared - 1) / kSquared),
      terms_(plan.terms),
      penalties_(plan.penalties) {
  input_ = {plan.batch, plan.time, plan.input.width, plan.input.has_time, nullptr, nullptr, nullptr};
  if (plan.input.is_symbols) {
    tokens_.resize(static_cast<std::size_t>(input_.count()));
    input_.tokens = tokens_.data();
  } else {
    input_.values = take(input_.count());
  }
  for (const LayerDescription& layer : plan.network) {
    const auto* ahead = std::get_if<AheadDescription>(&layer);
    if (!ahead) continue;
    if (plan.horizon < 1 || ahead_)
      throw std::invalid_argument("one layer looks ahead, and rows have what it looks at");
    ahead_floats_ = plan.horizon * ahead->features;
    ahead_ = take(plan.batch * ahead_floats_);
  }
  LayerSetting setting{};
  setting.input = input_;
  setting.lengths = ragged_ ? lengths_.data() : nullptr;
  setting.ahead = ahead_;
  setting.horizon = plan.horizon;
  setting.parameters = parameters_.data();
  setting.gradients = trains_ ? gradients_.data() : nullptr;
  setting.use = trains_ ? Use::train : Use::evaluate;
  setting.threads = threads_;
  if (plan.carries) setting.carried = carried_.data();
  tie(plan.network, setting);
  const bool samples = trains_ && plan.sampling;
  for (const LayerDescription& layer : plan.network)
    samples && &layer == &plan.network.back() ? sample(plan, setting) : add(layer, setting);
  answers_each_step_ = setting.lengths != nullptr;
  const bool aligns = !terms_.empty() && takes_labels(terms_.front().criterion);
  if (aligns != (labels_ > 0) || (aligns && (!output().has_time || ahead_)))
    throw std::invalid_argument("labels are aligned with the steps of a sequence");
  if (terms_.empty() || !is_loss(terms_.front().criterion))
    throw std::invalid_argument("the first criterion is a loss");
  for (const Term& term : terms_) add(term);
}

// Where a layer is tied, all layers are told of the first one's vectors.
void Trainer::tie(const NetworkDescription& network, LayerSetting& setting) const {
  const auto* first = network.empty() ? nullptr : std::get_if<EmbeddingDescription>(&network.front());
  Form form{input_.has_time, input_.tokens != nullptr, input_.width};
  for (const LayerDescription& layer : network) {
    const auto* dense = std::get_if<DenseDescription>(&layer);
    if (dense && dense->tied) {
      if (!first || setting.tie.vectors || dense->units != first->symbols || form.width != first->units)
        throw std::invalid_argument("one layer may be tied to an embedding, which comes first and has its shape");
      setting.tie = {parameters_.data(), trains_ ? gradients_.data() : nullptr};
    }
    form = form_after(layer, form);
  }
}

// The last layer, as it is trained on a sample of its outputs.
void Trainer::sample(const TrainerPlan& plan, const LayerSetting& setting) {
  const auto* last = std::get_if<DenseDescription>(&plan.network.back());
  for (const Term& term : plan.terms)
    if (!last || term.criterion != Criterion::softmax_cross_entropy || term.settings != std::vector<float>{0.0f})
      throw std::invalid_argument("a sample of the outputs has a cross-entropy, and nothing else");
  classes_.resize(static_cast<std::size_t>(setting.input.rows * setting.input.steps));
  sampled_classes_.resize(classes_.size());
  layers_.push_back(make_sampled(*last, *plan.sampling, setting, classes_.data(), sampled_classes_.data()));
}

void Trainer::add(const LayerDescription& layer, LayerSetting& setting) {
  const Form form{setting.input.has_time, setting.input.tokens != nullptr, setting.input.width};
  const Form after = form_after(layer, form);
  layers_.push_back(std::visit([&](const auto& one) { return make_layer(one, setting); }, layer));
  const int64_t floats = parameter_floats(layer, form);
  setting.input = output();
  setting.parameters += floats;
  if (trains_) setting.gradients += floats;
  if (setting.carried) setting.carried += carried_floats(layer, input_.rows);
  if (std::holds_alternative<RecurrentDescription>(layer) || std::holds_alternative<DropoutDescription>(layer))
    setting.place += 2;
  if (!after.has_time || std::holds_alternative<AheadDescription>(layer)) setting.lengths = nullptr;
}

void Trainer::add(const Term& term) {
  const Flow& outputs = output();
  const bool is_first = criteria_.empty();
  CriterionJob job{};
  job.criterion = term.criterion;
  job.setting = term.settings.data();
  job.settings = static_cast<int64_t>(term.settings.size());
  job.batch = outputs.rows;
  job.steps = outputs.steps;
  job.width = outputs.width;
  job.outputs = outputs.values;
  job.shares = shares_.data();
  job.values_of_rows = take(outputs.rows);
  job.by_outputs = is_first && trains_ ? outputs.by_values : nullptr;
  const int64_t levels = levels_of(job);
  if (job.settings < 1 || job.width % levels)
    throw std::invalid_argument("the outputs are not so many for each target as there are levels");
  const auto kind = [](Criterion of) { return takes_labels(of) ? 2 : latchwork::takes_classes(of) ? 1 : 0; };
  if (!is_first && (kind(term.criterion) != kind(terms_.front().criterion) || levels != levels_of(criteria_.front())))
    throw std::invalid_argument("the criteria take different targets");
  if (takes_labels(term.criterion)) {
    job.labels = labels_;
    job.lengths = answers_each_step_ ? lengths_.data() : nullptr;
    job.scratch = is_first ? take(threads_ * alignment_floats(labels_, outputs.steps)) : criteria_.front().scratch;
  }
  if (!is_first) {
    job.values = criteria_.front().values;
    job.classes = criteria_.front().classes;
  } else if (takes_whole_numbers(term.criterion)) {
    classes_.resize(static_cast<std::size_t>(outputs.rows * (labels_ ? labels_ : outputs.steps)));
    job.classes = sampled_classes_.empty() ? classes_.data() : sampled_classes_.data();
  } else {
    job.values = values_ = take(outputs.count() / levels);
  }
  criteria_.push_back(job);
}

int Trainer::useful_threads() const {
  int threads = 1;
  for (const auto& layer : layers_) {
    layer->arrange({});
    threads = std::max(threads, layer->useful_threads());
  }
  return threads;
}

// Takes the arrays over; returns how many threads a call is worth.
int Trainer::begin(const Memory& memory) {
  const std::size_t bytes = static_cast<std::size_t>(parameter_count_) * sizeof(float);
  std::memcpy(parameters_.data(), memory.parameters, bytes);
  if (slots()) std::memcpy(slots_.data(), memory.slots, bytes * slots());
  if (carried_count_) std::memcpy(carried_.data(), memory.carried, carried_count_ * sizeof(float));
  return useful_threads();
}

void Trainer::end(const Memory& memory) const {
  if (carried_count_) std::memcpy(memory.carried, carried_.data(), carried_count_ * sizeof(float));
  if (!trains_) return;
  const std::size_t bytes = static_cast<std::size_t>(parameter_count_) * sizeof(float);
  std::memcpy(memory.parameters, parameters_.data(), bytes);
  if (slots()) std::memcpy(memory.slots, slots_.data(), bytes * slots());
}

void Trainer::run(const Memory& memory, const Examples& examples, const Batches& batches) {
  const int threads = begin(memory);
  const Call call{this, &examples, &batches};
  run_team(
      threads,
      [](const void* given, const Team& team) {
        const Call& call = *static_cast<const Call*>(given);
        call.self->work(call, team);
      },
      &call);
  end(memory);
}

void Trainer::run_alone(const Memory& memory, const Examples& examples, const Batches& batches) {
  begin(memory);
  Barrier alone(1);
  work({this, &examples, &batches}, {0, 1, &alone});
  end(memory);
}

void Trainer::work(const Call& call, const Team& team) {
  const Batches& batches = *call.batches;
  for (int64_t step = 0; step < batches.count; ++step) {
    const StepOf of{batches.seed, static_cast<uint64_t>(batches.first + step), trains_};
    gather(call, step, of, team);
    if (team.rank == 0 && batches.begin_every && (batches.first + step) % batches.begin_every == 0)
      std::memset(carried_.data(), 0, static_cast<std::size_t>(carried_count_) * sizeof(float));
    team.sync();
    if (team.rank == 0) count(batches.order + step * batch(), call.examples->weight);
    for (const auto& layer : layers_) {
      layer->forward(of, team);
      team.sync();
    }
    for (const CriterionJob& job : criteria_) learning_engine().criterion(job, team);
    penalties_.measure(parameters_.data(), team);
    team.sync();
    if (team.rank == 0) add_up(batches.sums + step * (criteria() + 1));
    for (auto layer = layers_.rbegin(); trains_ && layer != layers_.rend(); ++layer) {
      (*layer)->backward(of, team);
      team.sync();
    }
    for (const auto& layer : layers_)
      if (team.rank == 0) layer->carry();
    if (!trains_) {
      team.sync();
      continue;
    }
    if (penalties_) {
      penalties_.add_slopes(parameters_.data(), gradients_.data(), team);
      team.sync();
    }
    update(step, batches, team);
  }
}

// The rows of a batch, next to one another. Where there is no row, the first one stands in and weighs nothing.
void Trainer::gather(const Call& call, int64_t step, const StepOf& of, const Team& team) {
  const Examples& from = *call.examples;
  const int64_t batch = input_.rows;
  const int32_t* order = call.batches->order + step * batch;
  const auto row_of = [&](int64_t place) { return order[place] < 0 ? 0 : order[place]; };
  if (team.rank == 0 && ragged_) {
    for (int64_t place = 0; place < batch; ++place) lengths_[place] = *from.lengths.row(row_of(place));
    for (const auto& layer : layers_) layer->arrange(of);
  }
  const int64_t begin = part(batch, team.rank, team.size), end = part(batch, team.rank + 1, team.size);
  const auto copy = [&](const auto& rows, int64_t count, auto* to) {
    if (!rows.data) return;
    for (int64_t place = begin; place < end; ++place) {
      // Rows in any order are nothing that a processor could foresee: the next one is on its way while this is copied.
      const auto* next = reinterpret_cast<const char*>(rows.row(row_of(std::min(place + 1, end - 1))));
      for (std::size_t at = 0; at < static_cast<std::size_t>(count) * sizeof(*to); at += 64)
        __builtin_prefetch(next + at);
      std::memcpy(to + place * count, rows.row(row_of(place)), static_cast<std::size_t>(count) * sizeof(*to));
    }
  };
  if (images_ && trains_) {
    for (int64_t place = begin; place < end; ++place) {
      float draws[kAffineDraws];
      draw_changes(of.seed, of.step, place, draws);
      warp(*images_, draws, input_.steps, input_.width, from.inputs.row(row_of(place)),
           input_.values + place * row_floats());
    }
  } else {
    copy(from.inputs, row_floats(), input_.values);
  }
  for (int64_t place = begin; masks_ && trains_ && place < end; ++place) {
    float draws[kMaskDraws];
    draw_changes(of.seed, of.step, place, draws);
    const int64_t steps = ragged_ ? *from.lengths.row(row_of(place)) : input_.steps;
    mask(*masks_, draws, std::clamp<int64_t>(steps, 0, input_.steps), input_.width,
         input_.values + place * row_floats());
  }
  copy(from.tokens, row_floats(), input_.tokens);
  copy(from.values, row_targets(), values_);
  copy(from.classes, row_targets(), classes_.data());
  copy(from.ahead, ahead_floats_, ahead_);
  if (answers_each_step_ && !labels_)
    for (int64_t place = begin; place < end; ++place) hide_past_end(from.lengths, row_of(place), place);
}

// Steps past a sequence's end have no target.
void Trainer::hide_past_end(const Column<int32_t>& lengths, int64_t row, int64_t place) {
  const int64_t steps = output().steps, targets = row_targets(), each = targets / steps;
  const int64_t first = std::clamp<int64_t>(*lengths.row(row), 0, steps) * each;
  if (values_) std::fill(values_ + place * targets + first, values_ + (place + 1) * targets, NAN);
  if (!classes_.empty())
    std::fill(classes_.data() + place * targets + first, classes_.data() + (place + 1) * targets, -1);
}

// What each row weighs, and its share in the loss of the batch. A row of which nothing was observed counts nowhere.
void Trainer::count(const int32_t* order, const Column<float>& weight) {
  double counted = 0;
  for (int64_t place = 0; place < batch(); ++place) {
    float& weighs = weights_[place];
    weighs = order[place] < 0 ? 0.0f : weight.data ? *weight.row(order[place]) : 1.0f;
    counts_[place] = 0.0f;
    if (order[place] < 0 || !(weighs > 0 || plain_counts_)) continue;
    const int64_t seen = observed(place), share = by_values_ ? seen : seen > 0;
    counts_[place] = static_cast<float>(share);
    weighs *= counts_[place];
    counted += static_cast<double>(share);
  }
  const auto rows = static_cast<float>(std::max(counted, 1.0));
  for (int64_t place = 0; place < batch(); ++place)
    shares_[place] = weights_[place] > 0 ? weights_[place] / rows : 0.0f;
}

// How many targets a row has. One whose labels its steps cannot hold has none.
int64_t Trainer::observed(int64_t place) const {
  const int64_t targets = row_targets();
  if (labels_) {
    const int32_t* labels = classes_.data() + place * targets;
    const int64_t count = labels_in(labels, targets), steps = answers_each_step_ ? lengths_[place] : output().steps;
    return can_align(labels, count, steps, output().width) ? std::max<int64_t>(count, 1) : 0;
  }
  int64_t observed = targets;
  for (int64_t i = place * targets; i < (place + 1) * targets; ++i)
    observed -= values_ ? values_[i] != values_[i] : classes_[i] < 0;
  return observed;
}

void Trainer::add_up(double* sums) const {
  const auto* counted = weights_.data();
  for (const CriterionJob& job : criteria_) {
    double sum = 0;
    for (int64_t row = 0; row < input_.rows; ++row)
      if (counted[row] > 0) sum += static_cast<double>(job.values_of_rows[row]) * counted[row];
    *sums++ = sum;
    if (plain_counts_) counted = counts_.data();
  }
  double weights = 0;
  for (int64_t row = 0; row < input_.rows; ++row) weights += counted[row];
  *sums = weights;
  if (penalties_) sums[-criteria()] += penalties_.total() * weights;
}

}  // namespace latchwork
