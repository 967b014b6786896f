#include "network/looking.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "network/cell_arrays.h"
#include "network/layers.h"
#include "network/rows.h"

namespace latchwork {
namespace {

std::size_t bytes(int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

// Runs one way of a layer so that all it computes stays; returns where its outputs [batch, time, units] are, and fills in
// its final hidden state [batch, units].
const float* trace_way(const TracedWay& way, bool reverse, int64_t features, const float* parameters,
                       const Passage& passage, const float* from, float* planes, float* final_hidden) {
  const Shape shape{passage.batch, passage.steps, features, way.units, way.heads};
  Operands operands{};
  set_cell_arrays(way.kind, features, way.units, way.heads, parameters, operands);
  operands.inputs = from;
  operands.lengths = passage.lengths;
  trace(way.kind, shape, reverse, operands, planes, final_hidden, nullptr, available_threads());
  return planes + (traced_planes(way.kind) - 1) * shape.batch * shape.time * shape.hidden;
}

}  // namespace

std::vector<TracedWay> traced_ways(const NetworkDescription& network) {
  std::vector<TracedWay> ways;
  for (std::size_t index = 0; index < network.size(); ++index) {
    const auto* layer = std::get_if<RecurrentDescription>(&network[index]);
    if (!layer) continue;
    if (layer->both_ways) ways.push_back({index, false, layer->kind, layer->units, layer->heads});
    ways.push_back({index, layer->both_ways || layer->reverse, layer->kind, layer->units, layer->heads});
  }
  return ways;
}

void trace_network(const NetworkDescription& network, const Form& input, const float* parameters, const Given& given,
                   const std::vector<float*>& planes, float* outputs) {
  const std::vector<TracedWay> ways = traced_ways(network);
  std::size_t next = 0;
  Passage passage{given.batch,   given.time, given.lengths, given.tokens, given.ahead,
                  given.horizon, nullptr,    nullptr,       nullptr,      available_threads()};
  Form form = input;
  std::vector<Floats> flows;
  const float* from = given.inputs;
  for (const LayerDescription& layer : network) {
    const Form after = form_after(layer, form);
    const int64_t steps = steps_after(layer, after.has_time, passage.steps, passage.horizon);
    if (const auto* recurrent = std::get_if<RecurrentDescription>(&layer)) {
      const int64_t units = recurrent->units;
      const int64_t rows = passage.batch * steps;
      const Floats last(2 * passage.batch * units);
      float* const to = flows.emplace_back(rows * after.width).data();
      const float* own = parameters;
      const float* shown[2];
      for (int at = 0; at < (recurrent->both_ways ? 2 : 1); ++at, ++next) {
        const TracedWay& way = ways[next];
        float* const final_hidden = last.data() + at * passage.batch * units;
        const float* all = trace_way(way, way.backwards, form.width, own, passage, from, planes[next], final_hidden);
        shown[at] = recurrent->return_sequences ? all : final_hidden;
        own += cell_floats(way.kind, form.width, units, way.heads);
      }
      for (int64_t row = 0; row < rows; ++row) {
        if (recurrent->both_ways)
          merge_ways(recurrent->merge, shown[0] + row * units, shown[1] + row * units, units, to + row * after.width);
        else
          std::memcpy(to + row * units, shown[0] + row * units, bytes(units));
      }
      if (!recurrent->return_sequences) passage.steps = 1;
      if (!recurrent->return_sequences) passage.lengths = nullptr;
      from = to;
    } else if (const auto served = make_served(layer, form, parameters)) {
      const Floats scratch(passage.batch * served->scratch_floats(passage.steps));
      passage.scratch = scratch.data();
      float* const to = flows.emplace_back(passage.batch * steps * after.width).data();
      served->run(passage, from, to);
      from = to;
    }
    parameters += parameter_floats(layer, form);
    form = after;
  }
  std::memcpy(outputs, from, bytes(passage.batch * passage.steps * form.width));
}

void differentiate(const NetworkDescription& network, const Form& input, const float* parameters, const Given& given,
                   const float* by_outputs, float* outputs, float* by_inputs) {
  LayerSetting setting{};
  setting.input = {given.batch,
                   given.time,
                   input.width,
                   input.has_time,
                   const_cast<float*>(given.inputs),
                   by_inputs,
                   const_cast<int32_t*>(given.tokens)};
  setting.lengths = given.lengths;
  setting.ahead = given.ahead;
  setting.horizon = given.horizon;
  setting.use = by_inputs ? Use::differentiate : Use::evaluate;
  setting.threads = available_threads();
  std::vector<std::unique_ptr<Layer>> layers;
  Form form = input;
  int threads = 1;
  for (const LayerDescription& layer : network) {
    const Form after = form_after(layer, form);
    setting.parameters = parameters;
    layers.push_back(std::visit([&](const auto& one) { return make_layer(one, setting); }, layer));
    layers.back()->arrange({});
    threads = std::max(threads, layers.back()->useful_threads());
    setting.input = layers.back()->output();
    if (!after.has_time || std::holds_alternative<AheadDescription>(layer)) setting.lengths = nullptr;
    parameters += parameter_floats(layer, form);
    form = after;
  }
  const Flow& last = setting.input;
  if (by_inputs) std::memcpy(last.by_values, by_outputs, bytes(last.count()));
  struct Call {
    const std::vector<std::unique_ptr<Layer>>& layers;
    const bool goes_back;
  } const call{layers, by_inputs != nullptr};
  run_team(
      threads,
      [](const void* given, const Team& team) {
        const Call& call = *static_cast<const Call*>(given);
        const StepOf step{0, 0, false};
        for (const auto& layer : call.layers) {
          layer->forward(step, team);
          team.sync();
        }
        if (!call.goes_back) return;
        for (auto layer = call.layers.rbegin(); layer != call.layers.rend(); ++layer) {
          (*layer)->backward(step, team);
          team.sync();
        }
      },
      &call);
  std::memcpy(outputs, last.values, bytes(last.count()));
}

}  // namespace latchwork
