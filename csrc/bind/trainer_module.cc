// latchwork.engines.native._native.Trainer: training steps and evaluation on NumPy arrays. latchwork.engines.native.training
// is the door.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bind/description.h"
#include "bind/names.h"
#include "network/members.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace latchwork {
namespace {

template <class T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Any = std::optional<nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>>;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument(what);
}

// A named array of examples: whose it is and what it holds. The memory is read by these shapes alone, so nothing
// unchecked may come through.
class Named {
 public:
  Named(const char* name, const Any& array, const std::vector<std::string>& per_member, int64_t members)
      : name_(name), array_(array), owners_(std::count(per_member.begin(), per_member.end(), name) ? members : 1) {}

  int64_t rows() const { return array_ && array_->ndim() ? static_cast<int64_t>(array_->shape(0)) : 0; }

  // That it has `floats` numbers of type T in each of `rows` rows, for each member where each has its own.
  template <class T>
  void check(int64_t rows, int64_t floats) {
    require(
        array_ && array_->dtype() == nb::dtype<T>() && static_cast<int64_t>(array_->size()) == rows * owners_ * floats,
        std::string(name_) + " has the wrong shape or type");
    floats_ = floats;
  }
  void check_absent() const { require(!array_, std::string(name_) + " has no place in this network"); }
  explicit operator bool() const { return array_.has_value(); }

  template <class T>
  Column<T> column(int64_t member) const {
    if (!array_) return {nullptr, 0};
    return {static_cast<const T*>(array_->data()) + (owners_ > 1 ? member * floats_ : 0), owners_ * floats_};
  }

 private:
  const char* name_;
  const Any& array_;
  const int64_t owners_;
  int64_t floats_ = 0;
};

struct Table {
  Named inputs, targets, lengths, weight, ahead;
  int64_t rows;

  Table(const Trainer& one, bool ragged, int64_t members, const Any& inputs, const Any& targets, const Any& lengths,
        const Any& weight, const Any& ahead, const std::vector<std::string>& per_member)
      : inputs("inputs", inputs, per_member, members),
        targets("targets", targets, per_member, members),
        lengths("lengths", lengths, per_member, members),
        weight("weight", weight, per_member, members),
        ahead("ahead", ahead, per_member, members),
        rows(this->inputs.rows()) {
    require(rows > 0, "there is not one row");
    one.takes_tokens() ? this->inputs.check<int32_t>(rows, one.row_floats())
                       : this->inputs.check<float>(rows, one.row_floats());
    one.takes_classes() ? this->targets.check<int32_t>(rows, one.row_targets())
                        : this->targets.check<float>(rows, one.row_targets());
    ragged ? this->lengths.check<int32_t>(rows, 1) : this->lengths.check_absent();
    if (this->weight) this->weight.check<float>(rows, 1);
    one.row_ahead() ? this->ahead.check<float>(rows, one.row_ahead()) : this->ahead.check_absent();
  }

  Examples of(const Trainer& one, int64_t member) const {
    Examples examples{};
    one.takes_tokens() ? void(examples.tokens = inputs.column<int32_t>(member))
                       : void(examples.inputs = inputs.column<float>(member));
    one.takes_classes() ? void(examples.classes = targets.column<int32_t>(member))
                        : void(examples.values = targets.column<float>(member));
    examples.lengths = lengths.column<int32_t>(member);
    examples.weight = weight.column<float>(member);
    examples.ahead = ahead.column<float>(member);
    return examples;
  }
};

struct Training {
  Members members;
  const bool ragged, trains;

  Training(TrainerPlan plan, int64_t count) : members(plan, count), ragged(plan.ragged), trains(plan.trains) {}
};

Training* make_trainer(nb::handle layers, int64_t features, bool has_time, int64_t time, int64_t horizon,
                       int64_t labels, bool ragged, bool carries, int64_t batch, int64_t members, int threads,
                       const std::vector<std::pair<std::string, std::vector<float>>>& terms, bool by_values,
                       const std::vector<std::tuple<int64_t, int64_t, float, float>>& penalties,
                       const std::optional<std::tuple<std::string, double, double, double, bool>>& rule,
                       float weight_decay, const Ranges& decayed, const Ranges& frozen, const Ranges& variables,
                       float clip_each, float clip_value, bool plain_counts,
                       const std::optional<std::tuple<float, float, float, float>>& images,
                       const std::optional<std::tuple<int64_t, int64_t, int64_t>>& masks,
                       const std::optional<std::pair<int64_t, int64_t>>& sampling) {
  TrainerPlan plan{};
  plan.network = network_of(layers);
  plan.input = input_form(plan.network, features, has_time);
  require(batch > 0 && time > 0 && members > 0 && threads > 0, "sizes are at least 1");
  plan.batch = batch;
  plan.time = has_time ? time : 1;
  plan.horizon = horizon;
  plan.labels = labels;
  plan.ragged = ragged;
  plan.carries = carries;
  plan.trains = rule.has_value();
  plan.by_values = by_values;
  plan.plain_counts = plain_counts;
  for (const auto& [name, settings] : terms) plan.terms.push_back({named<Criterion>(name, "loss or metric"), settings});
  const int64_t parameters = parameter_floats(plan.network, plan.input);
  for (const Ranges* ranges : {&decayed, &frozen, &variables})
    for (const auto& [first, last] : *ranges)
      require(0 <= first && first <= last && last <= parameters, "a range of the parameters does not fit");
  plan.limits = {frozen, variables, clip_each, clip_value};
  int64_t penalised = 0;  // ranges come in order, and none twice
  for (const auto& [first, last, l1, l2] : penalties) {
    require(penalised <= first && first <= last && last <= parameters, "a penalised range does not fit");
    plan.penalties.push_back({first, penalised = last, l1, l2});
  }
  if (rule) {
    const auto& [name, decay, decay_of_squares, epsilon, beside_raw] = *rule;
    plan.rule = {
        named<Direction>(name, "optimiser"), decay, decay_of_squares, epsilon, beside_raw, weight_decay, decayed};
  }
  if (images) {
    require(!plan.input.is_symbols && has_time, "images are rows of pixels");
    const auto& [rotation, scale, shear, shift] = *images;
    plan.images = AffineLimits{rotation, scale, shear, shift};
  }
  if (masks) {
    const auto& [time_mask, band_mask, bands] = *masks;
    require(
        !plan.input.is_symbols && has_time && time_mask >= 0 && band_mask >= 0 && bands > 0 && features % bands == 0,
        "spectrograms are steps of whole frames");
    plan.masks = MaskLimits{time_mask, band_mask, bands};
  }
  if (sampling) plan.sampling = Sampling{sampling->first, sampling->second};
  plan.threads = threads;
  return new Training(std::move(plan), members);
}

// Where each member's batches are, in arrays that all share or that have an axis of members.
std::vector<MemberCall> member_calls(const Training& self, const Table& table, const Array<float>& parameters,
                                     const Array<float>& carried, const Array<const int32_t>& order,
                                     const Array<double>& sums) {
  const Trainer& one = self.members.one();
  const int64_t members = self.members.count();
  const bool own_order = order.ndim() == 3;
  require(order.ndim() == 2 || (own_order && static_cast<int64_t>(order.shape(0)) == members),
          "order has the wrong shape");
  const auto steps = static_cast<int64_t>(order.shape(order.ndim() - 2));
  require(static_cast<int64_t>(order.shape(order.ndim() - 1)) == one.batch(), "order has the wrong shape");
  for (std::size_t i = 0; i < order.size(); ++i)
    require(order.data()[i] >= -1 && order.data()[i] < table.rows, "the order names a row that is not there");
  require(static_cast<int64_t>(sums.size()) == members * steps * (one.criteria() + 1), "sums have the wrong shape");
  require(static_cast<int64_t>(parameters.size()) == members * one.parameters(), "parameters have the wrong shape");
  require(static_cast<int64_t>(carried.size()) == members * one.carried(), "carried states have the wrong shape");
  std::vector<MemberCall> calls;
  for (int64_t member = 0; member < members; ++member) {
    MemberCall call{};
    call.memory.parameters = parameters.data() + member * one.parameters();
    call.memory.carried = carried.data() + member * one.carried();
    call.examples = table.of(one, member);
    call.batches.count = steps;
    call.batches.order = order.data() + (own_order ? member * steps * one.batch() : 0);
    call.batches.most_norm = std::numeric_limits<float>::infinity();
    call.batches.sums = sums.data() + member * steps * (one.criteria() + 1);
    calls.push_back(call);
  }
  return calls;
}

void train(Training& self, const Array<float>& parameters, const Array<float>& slots, const Array<float>& carried,
           const Any& inputs, const Any& targets, const Any& lengths, const Any& weight, const Any& ahead,
           const std::vector<std::string>& per_member, const Array<const int32_t>& order,
           const Array<const float>& scales, const std::vector<float>& clips, const std::vector<bool>& active,
           int64_t first, int64_t begin_every, const std::vector<uint64_t>& seeds, const Array<double>& sums) {
  require(self.trains, "it was made to evaluate");
  const Trainer& one = self.members.one();
  const int64_t members = self.members.count();
  const Table table(one, self.ragged, members, inputs, targets, lengths, weight, ahead, per_member);
  std::vector<MemberCall> calls = member_calls(self, table, parameters, carried, order, sums);
  const int64_t steps = calls.front().batches.count, slot_floats = one.parameters() * one.slots();
  require(static_cast<int64_t>(slots.size()) == members * slot_floats, "slots have the wrong shape");
  require(static_cast<int64_t>(scales.size()) == members * steps, "scales have the wrong shape");
  const auto each = static_cast<std::size_t>(members);
  require(begin_every >= 0, "a period is no negative number");
  require(clips.size() == each && active.size() == each && seeds.size() == each, "one for each member is needed");
  std::vector<MemberCall> chosen;
  for (std::size_t member = 0; member < each; ++member) {
    if (!active[member]) continue;
    MemberCall& call = calls[member];
    const auto place = static_cast<int64_t>(member);
    call.memory.slots = slots.data() + place * slot_floats;
    call.batches.scales = scales.data() + place * steps;
    call.batches.first = first;
    call.batches.begin_every = begin_every;
    call.batches.seed = seeds[member];
    call.batches.most_norm = clips[member];
    chosen.push_back(call);
  }
  const nb::gil_scoped_release released;
  self.members.run(chosen);
}

void evaluate(Training& self, const Array<float>& parameters, const Array<float>& carried, const Any& inputs,
              const Any& targets, const Any& lengths, const Any& weight, const Any& ahead,
              const std::vector<std::string>& per_member, const Array<const int32_t>& order,
              const Array<double>& sums) {
  require(!self.trains, "it was made to train");
  const Table table(self.members.one(), self.ragged, self.members.count(), inputs, targets, lengths, weight, ahead,
                    per_member);
  const std::vector<MemberCall> calls = member_calls(self, table, parameters, carried, order, sums);
  const nb::gil_scoped_release released;
  self.members.run(calls);
}

// Images [batch, rows, columns] changed by given draws [batch, 6]: what training draws for itself.
void warp_images(const Array<const float>& images, const Array<const float>& draws, float rotation, float scale,
                 float shear, float shift, const Array<float>& changed) {
  require(images.ndim() == 3 && draws.ndim() == 2 && images.shape(0) == draws.shape(0) &&
              draws.shape(1) == kAffineDraws && changed.size() == images.size(),
          "images and draws do not fit");
  const auto rows = static_cast<int64_t>(images.shape(1)), columns = static_cast<int64_t>(images.shape(2));
  for (std::size_t image = 0; image < images.shape(0); ++image) {
    float own[kAffineDraws];
    std::copy_n(draws.data() + image * kAffineDraws, kAffineDraws, own);
    const std::size_t at = image * images.shape(1) * images.shape(2);
    warp({rotation, scale, shear, shift}, own, rows, columns, images.data() + at, changed.data() + at);
  }
}

// Spectrograms [batch, steps, features] with given stretches hidden, likewise [batch, 8].
void mask_spectrograms(const Array<const float>& inputs, const Array<const int32_t>& lengths,
                       const Array<const float>& draws, int64_t time_mask, int64_t band_mask, int64_t bands,
                       const Array<float>& changed) {
  require(inputs.ndim() == 3 && draws.ndim() == 2 && lengths.size() == inputs.shape(0) &&
              inputs.shape(0) == draws.shape(0) && draws.shape(1) == kMaskDraws && changed.size() == inputs.size() &&
              time_mask >= 0 && band_mask >= 0 && bands > 0 && static_cast<int64_t>(inputs.shape(2)) % bands == 0,
          "spectrograms, lengths and draws do not fit");
  const auto steps = static_cast<int64_t>(inputs.shape(1)), features = static_cast<int64_t>(inputs.shape(2));
  std::copy_n(inputs.data(), inputs.size(), changed.data());
  for (std::size_t row = 0; row < inputs.shape(0); ++row) {
    require(lengths.data()[row] >= 0 && lengths.data()[row] <= steps, "a length is longer than its row");
    float own[kMaskDraws];
    std::copy_n(draws.data() + row * kMaskDraws, kMaskDraws, own);
    mask({time_mask, band_mask, bands}, own, lengths.data()[row], features,
         changed.data() + static_cast<int64_t>(row) * steps * features);
  }
}

}  // namespace

void bind_trainer(nb::module_& module) {
  nb::class_<Training>(module, "Trainer")
      .def(nb::new_(&make_trainer), "layers"_a, "features"_a, "has_time"_a, "time"_a, "horizon"_a, "labels"_a,
           "ragged"_a, "carries"_a, "batch"_a, "members"_a, "threads"_a, "terms"_a, "by_values"_a, "penalties"_a,
           "rule"_a.none(), "weight_decay"_a, "decayed"_a, "frozen"_a, "variables"_a, "clip_each"_a, "clip_value"_a,
           "plain_counts"_a, "images"_a.none(), "masks"_a.none(), "sampling"_a.none())
      .def_prop_ro("slots", [](const Training& self) { return self.members.one().slots(); })
      .def_prop_ro("carried", [](const Training& self) { return self.members.one().carried(); })
      .def_prop_ro("useful_threads", [](const Training& self) { return self.members.useful_threads(); })
      .def("train", train, "parameters"_a, "slots"_a, "carried"_a, "inputs"_a.none(), "targets"_a.none(),
           "lengths"_a.none(), "weight"_a.none(), "ahead"_a.none(), "per_member"_a, "order"_a, "scales"_a, "clips"_a,
           "active"_a, "first"_a, "begin_every"_a, "seeds"_a, "sums"_a)
      .def("evaluate", evaluate, "parameters"_a, "carried"_a, "inputs"_a.none(), "targets"_a.none(), "lengths"_a.none(),
           "weight"_a.none(), "ahead"_a.none(), "per_member"_a, "order"_a, "sums"_a);
  module.def("mask_spectrograms", mask_spectrograms, "inputs"_a, "lengths"_a, "draws"_a, "time_mask"_a, "band_mask"_a,
             "bands"_a, "changed"_a);
  module.def("criteria", [] { return split_names(names_of(Criterion{})); });
  module.def("warp_images", warp_images, "images"_a, "draws"_a, "rotation"_a, "scale"_a, "shear"_a, "shift"_a,
             "changed"_a);
}

}  // namespace latchwork
