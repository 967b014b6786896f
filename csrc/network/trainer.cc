#include "network/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace latchwork {
namespace {

// Parameters whose gradients' squares are summed at once: fixed, so that the norm does not depend on the threads.
constexpr int64_t kSquared = 4096;

int64_t part(int64_t count, int rank, int size) { return count * rank / size; }

}  // namespace

Trainer::Trainer(int64_t batch, int64_t time, int64_t features, bool has_time, bool ragged, int64_t parameters,
                 bool trains, int threads)
    : ragged_(ragged),
      trains_(trains),
      parameter_count_(parameters),
      threads_(threads),
      parameters_(parameters),
      gradients_(trains ? parameters : 0),
      slots_(trains ? 2 * parameters : 0),
      lengths_(ragged ? batch : 0, static_cast<int32_t>(time)),
      weights_(batch),
      shares_(batch),
      squares_((parameters + kSquared - 1) / kSquared) {
  input_ = {batch, has_time ? time : 1, std::max<int64_t>(features, 1), has_time, nullptr, nullptr, nullptr};
  if (features) {
    input_.values = buffers_.emplace_back(input_.count()).data();
  } else {
    tokens_.resize(static_cast<std::size_t>(input_.count()));
    input_.tokens = tokens_.data();
  }
}

void Trainer::add(const LayerDescription& layer) {
  const Flow input = output();
  const Form form{input.has_time, input.tokens != nullptr, input.width};
  form_after(layer, form);
  LayerSetting setting{};
  setting.input = input;
  setting.lengths = ragged_ ? lengths_.data() : nullptr;
  setting.parameters = parameters_.data() + used_;
  setting.gradients = trains_ ? gradients_.data() + used_ : nullptr;
  setting.place = places_;
  setting.use = trains_ ? Use::train : Use::measure;
  setting.threads = threads_;
  used_ += parameter_floats(layer, form);
  if (std::holds_alternative<RecurrentDescription>(layer) || std::holds_alternative<DropoutDescription>(layer))
    places_ += 2;
  layers_.push_back(std::visit([&](const auto& one) { return make_layer(one, setting); }, layer));
}

void Trainer::add_measure(Measure measure, float setting) {
  const Flow& outputs = output();
  const bool is_loss = measures_.empty();
  MeasureJob job{};
  job.measure = measure;
  job.setting = setting;
  job.batch = outputs.rows;
  job.steps = outputs.steps;
  job.width = outputs.width;
  job.outputs = outputs.values;
  job.shares = shares_.data();
  job.measured = buffers_.emplace_back(outputs.rows).data();
  job.by_outputs = is_loss && trains_ ? outputs.by_values : nullptr;
  measures_.push_back(job);
  if (!is_loss) {
    measures_.back().values = measures_.front().values;
    measures_.back().classes = measures_.front().classes;
    return;
  }
  if (latchwork::takes_classes(measure)) {
    classes_.resize(static_cast<std::size_t>(outputs.rows * outputs.steps));
    measures_.back().classes = classes_.data();
  } else {
    measures_.back().values = values_ = buffers_.emplace_back(outputs.count()).data();
  }
}

// Takes the parameters and the slots over; returns how many threads a call is worth.
int Trainer::begin(const float* parameters, const float* slots) {
  const std::size_t bytes = static_cast<std::size_t>(parameter_count_) * sizeof(float);
  std::memcpy(parameters_.data(), parameters, bytes);
  if (this->slots()) std::memcpy(slots_.data(), slots, bytes * this->slots());
  int threads = 1;
  for (const auto& layer : layers_) {
    layer->arrange({});
    threads = std::max(threads, layer->useful_threads());
  }
  return threads;
}

void Trainer::end(float* parameters, float* slots) const {
  if (!trains_) return;
  const std::size_t bytes = static_cast<std::size_t>(parameter_count_) * sizeof(float);
  std::memcpy(parameters, parameters_.data(), bytes);
  if (this->slots()) std::memcpy(slots, slots_.data(), bytes * this->slots());
}

void Trainer::run(float* parameters, float* slots, const Examples& examples, const Batches& batches) {
  const int threads = begin(parameters, slots);
  const Call call{this, &examples, &batches};
  run_team(
      threads,
      [](const void* given, const Team& team) {
        const Call& call = *static_cast<const Call*>(given);
        call.self->work(call, team);
      },
      &call);
  end(parameters, slots);
}

void Trainer::run_alone(float* parameters, float* slots, const Examples& examples, const Batches& batches) {
  begin(parameters, slots);
  Barrier alone(1);
  work({this, &examples, &batches}, {0, 1, &alone});
  end(parameters, slots);
}

void Trainer::work(const Call& call, const Team& team) {
  const Batches& batches = *call.batches;
  for (int64_t step = 0; step < batches.count; ++step) {
    const StepOf of{batches.seed, static_cast<uint64_t>(batches.first + step), trains_};
    gather(call, step, of, team);
    team.sync();
    for (const auto& layer : layers_) {
      layer->forward(of, team);
      team.sync();
    }
    for (const MeasureJob& job : measures_) learning_engine().measure(job, team);
    team.sync();
    if (team.rank == 0) add_up(batches.sums + step * (measures() + 1));
    if (!trains_) {
      team.sync();
      continue;
    }
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      (*layer)->backward(of, team);
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
  if (team.rank == 0) {
    int64_t counted = 0;
    for (int64_t place = 0; place < batch; ++place) {
      weights_[place] = order[place] < 0 ? 0.0f : from.weight ? from.weight[order[place]] : 1.0f;
      counted += weights_[place] > 0;
    }
    const float rows = static_cast<float>(std::max<int64_t>(counted, 1));
    for (int64_t place = 0; place < batch; ++place)
      shares_[place] = weights_[place] > 0 ? weights_[place] / rows : 0.0f;
    if (ragged_) {
      for (int64_t place = 0; place < batch; ++place) lengths_[place] = from.lengths[row_of(place)];
      for (const auto& layer : layers_) layer->arrange(of);
    }
  }
  const int64_t begin = part(batch, team.rank, team.size), end = part(batch, team.rank + 1, team.size);
  const auto copy = [&](const auto* rows, int64_t count, auto* to) {
    if (!rows) return;
    const auto row = [&](int64_t place) { return rows + row_of(place) * from.members * count; };
    for (int64_t place = begin; place < end; ++place) {
      // Rows in any order are nothing that a processor could foresee: the next one is on its way while this is copied.
      const auto* next = reinterpret_cast<const char*>(row(std::min(place + 1, end - 1)));
      for (std::size_t at = 0; at < static_cast<std::size_t>(count) * sizeof(*to); at += 64)
        __builtin_prefetch(next + at);
      std::memcpy(to + place * count, row(place), static_cast<std::size_t>(count) * sizeof(*to));
    }
  };
  copy(from.inputs, row_floats(), input_.values);
  copy(from.tokens, row_floats(), input_.tokens);
  copy(from.values, row_targets(), values_);
  copy(from.classes, row_targets(), classes_.data());
}

void Trainer::add_up(double* sums) const {
  for (const MeasureJob& job : measures_) {
    double sum = 0;
    for (int64_t row = 0; row < input_.rows; ++row)
      if (weights_[row] > 0) sum += static_cast<double>(job.measured[row]) * weights_[row];
    *sums++ = sum;
  }
  double weights = 0;
  for (const float weight : weights_) weights += weight;
  *sums = weights;
}

void Trainer::update(int64_t step, const Batches& batches, const Team& team) {
  UpdateJob job{};
  job.direction = rule_.direction;
  job.decay = static_cast<float>(rule_.decay);
  job.gain = static_cast<float>(1 - rule_.decay);
  job.decay_of_squares = static_cast<float>(rule_.decay_of_squares);
  job.gain_of_squares = static_cast<float>(1 - rule_.decay_of_squares);
  job.epsilon = static_cast<float>(rule_.epsilon);
  // In float, as Optax has them: the first steps of a run depend on it.
  const auto steps = static_cast<float>(batches.first + step + 1);
  job.first_correction = 1.0f - std::pow(job.decay, steps);
  job.second_correction = 1.0f - std::pow(job.decay_of_squares, steps);
  job.most_norm = rule_.most_norm;
  job.scale = batches.scales[step];
  if (std::isfinite(rule_.most_norm)) {
    const auto blocks = static_cast<int64_t>(squares_.size());
    for (int64_t block = part(blocks, team.rank, team.size); block < part(blocks, team.rank + 1, team.size); ++block) {
      const int64_t begin = block * kSquared;
      squares_[block] =
          learning_engine().sum_of_squares(gradients_.data() + begin, std::min(kSquared, parameter_count_ - begin));
    }
    team.sync();
    double sum = 0;
    for (const double part : squares_) sum += part;
    job.norm = static_cast<float>(std::sqrt(sum));
  }
  // Each thread has a range of the parameters; weight decay starts and ends inside it.
  const int64_t registers = (parameter_count_ + kWidestRegister - 1) / kWidestRegister;
  int64_t at = part(registers, team.rank, team.size) * kWidestRegister;
  const int64_t end = std::min(parameter_count_, part(registers, team.rank + 1, team.size) * kWidestRegister);
  const auto apply = [&](int64_t to, bool decays) {
    if (to <= at) return;
    job.weight_decay = decays ? rule_.weight_decay : 0.0f;
    job.count = to - at;
    job.parameters = parameters_.data() + at;
    job.gradients = gradients_.data() + at;
    for (int slot = 0; slot < slots(); ++slot) job.slots[slot] = slots_.data() + slot * parameter_count_ + at;
    learning_engine().update(job);
    at = to;
  };
  if (rule_.weight_decay != 0) {
    for (const auto& [first, last] : rule_.decayed) {
      apply(std::min(first, end), false);
      apply(std::min(last, end), true);
    }
  }
  apply(end, false);
}

namespace {

struct MembersCall {
  const std::vector<Trainer*>& members;
  float *parameters, *slots;
  const Examples& examples;
  const Batches& batches;

  void run(std::size_t index) const {
    Trainer& member = *members[index];
    const auto place = static_cast<int64_t>(index);
    Examples own = examples;
    if (own.inputs) own.inputs += place * member.row_floats();
    if (own.tokens) own.tokens += place * member.row_floats();
    if (own.values) own.values += place * member.row_targets();
    if (own.classes) own.classes += place * member.row_targets();
    Batches steps = batches;
    steps.sums += place * batches.count * (member.measures() + 1);
    // Random numbers of their own, whichever thread draws them.
    steps.seed += place << 32;
    member.run_alone(parameters + place * member.parameters(), slots + place * member.parameters() * member.slots(),
                     own, steps);
  }
};

}  // namespace

void run_members(const std::vector<Trainer*>& members, float* parameters, float* slots, const Examples& examples,
                 const Batches& batches) {
  const MembersCall call{members, parameters, slots, examples, batches};
  // A network that is small for itself is worth a thread for a whole block.
  run_team(
      static_cast<int>(members.size()),
      [](const void* given, const Team& team) {
        const MembersCall& call = *static_cast<const MembersCall*>(given);
        const auto count = static_cast<int64_t>(call.members.size());
        for (int64_t index = part(count, team.rank, team.size); index < part(count, team.rank + 1, team.size); ++index)
          call.run(static_cast<std::size_t>(index));
      },
      &call);
}

}  // namespace latchwork
