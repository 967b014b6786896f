#include "bind/description.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "bind/names.h"

namespace nb = nanobind;

namespace latchwork {
namespace {

// One layer's settings; each is read once, and none may be left.
class Settings {
 public:
  Settings(std::string layer, nb::dict values) : layer_(std::move(layer)), values_(std::move(values)) {}

  template <class T>
  T take(const char* name) {
    if (!values_.contains(name)) throw std::invalid_argument(layer_ + ": the setting " + name + " is missing");
    ++taken_;
    try {
      return nb::cast<T>(values_[name]);
    } catch (const nb::cast_error&) {
      throw std::invalid_argument(layer_ + ": the setting " + name + " has another type");
    }
  }
  int64_t size(const char* name) {
    const auto size = take<int64_t>(name);
    if (size < 1) throw std::invalid_argument(layer_ + ": " + name + " is at least 1");
    return size;
  }
  Activation activation() { return named<Activation>(take<std::string>("activation"), "activation"); }
  void end() const {
    if (nb::len(values_) != taken_) throw std::invalid_argument(layer_ + ": a setting that is not known");
  }

 private:
  std::string layer_;
  nb::dict values_;
  std::size_t taken_ = 0;
};

RecurrentDescription recurrent(Settings& settings, bool both_ways) {
  RecurrentDescription layer{};
  layer.kind = named<Kind>(settings.take<std::string>("kind"), "kind of cell");
  layer.units = settings.size("units");
  layer.reverse = settings.take<bool>("reverse");
  layer.both_ways = both_ways;
  layer.return_sequences = settings.take<bool>("return_sequences");
  layer.dropout = settings.take<float>("dropout");
  layer.recurrent_dropout = settings.take<float>("recurrent_dropout");
  layer.heads = settings.size("heads");
  if (both_ways) layer.merge = named<Merge>(settings.take<std::string>("merge"), "way to merge");
  return layer;
}

PoolingDescription pooling(Settings& settings) {
  PoolingDescription layer;
  for (const std::string& name : settings.take<std::vector<std::string>>("kinds"))
    layer.kinds.push_back(named<Pool>(name, "kind of pooling"));
  return layer;
}

// Each layer by its name in the table.
using Make = LayerDescription (*)(Settings& settings);
const std::map<std::string, Make> kLayers = {
    {"Recurrent", [](Settings& s) -> LayerDescription { return recurrent(s, false); }},
    {"Bidirectional", [](Settings& s) -> LayerDescription { return recurrent(s, true); }},
    {"Dense",
     [](Settings& s) -> LayerDescription {
       return DenseDescription{s.size("units"), s.activation(), s.take<bool>("tied")};
     }},
    {"Ahead",
     [](Settings& s) -> LayerDescription {
       return AheadDescription{s.size("units"), s.size("features"), s.activation()};
     }},
    {"Embedding",
     [](Settings& s) -> LayerDescription { return EmbeddingDescription{s.size("tokens"), s.size("units")}; }},
    {"Pooling", [](Settings& s) -> LayerDescription { return pooling(s); }},
    {"LayerNorm", [](Settings& s) -> LayerDescription { return NormDescription{s.take<float>("epsilon")}; }},
    {"RepeatVector", [](Settings& s) -> LayerDescription { return RepeatDescription{s.size("times")}; }},
    {"Conv1D",
     [](Settings& s) -> LayerDescription {
       const int64_t units = s.size("units"), steps = s.size("steps"), before = s.take<int64_t>("before");
       return ConvolutionDescription{units, steps, before, s.activation()};
     }},
    {"Flatten", [](Settings& s) -> LayerDescription { return FlattenDescription{s.size("steps")}; }},
    {"Activation",
     [](Settings& s) -> LayerDescription {
       return NonlinearDescription{named<Nonlinearity>(s.take<std::string>("kind"), "activation")};
     }},
    {"Dropout", [](Settings& s) -> LayerDescription { return DropoutDescription{s.take<float>("rate")}; }},
};

}  // namespace

NetworkDescription network_of(nb::handle layers) {
  NetworkDescription network;
  for (nb::handle layer : layers) {
    const auto name = nb::cast<std::string>(layer[0]);
    Settings settings(name, nb::cast<nb::dict>(nb::object(layer[1])));
    const auto make = kLayers.find(name);
    if (make == kLayers.end()) throw std::invalid_argument("the kernels know no layer " + name);
    network.push_back(make->second(settings));
    settings.end();
  }
  return network;
}

Form input_form(const NetworkDescription& network, int64_t features, bool has_time) {
  const bool is_symbols = !network.empty() && std::holds_alternative<EmbeddingDescription>(network.front());
  if (!is_symbols && features < 1) throw std::invalid_argument("there are no features");
  return {has_time, is_symbols, is_symbols ? 1 : features};
}

std::vector<std::string> layer_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : kLayers) names.push_back(name);
  return names;
}

}  // namespace latchwork
