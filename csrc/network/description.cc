#include "network/description.h"

#include <stdexcept>

#include "network/cell_arrays.h"

namespace latchwork {
namespace {

// A function of each layer's kind, as std::visit takes it.
template <class... Functions>
struct Each : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Each(Functions...) -> Each<Functions...>;

void require(bool fits, const char* what) {
  if (!fits) throw std::invalid_argument(what);
}

}  // namespace

Form form_after(const LayerDescription& layer, const Form& input) {
  require(input.is_symbols == std::holds_alternative<EmbeddingDescription>(layer),
          "symbols go through an embedding, and nothing else does");
  const auto sequences = [&] { require(input.has_time, "recurrent layers and pooling take sequences"); };
  const auto form =
      std::visit(Each{[&](const RecurrentDescription& l) {
                        sequences();
                        require(l.heads > 0 && l.units % l.heads == 0, "the units do not fall into so many heads");
                        return Form{l.return_sequences, false, l.units * (l.both_ways ? 2 : 1)};
                      },
                      [&](const DenseDescription& l) { return Form{input.has_time, false, l.units}; },
                      [&](const AheadDescription& l) {
                        require(!input.has_time, "a layer that looks ahead takes a vector");
                        return Form{true, false, l.units};
                      },
                      [&](const EmbeddingDescription& l) {
                        sequences();
                        return Form{true, false, l.symbols > 0 ? l.units : 0};
                      },
                      [&](const PoolingDescription& l) {
                        sequences();
                        return Form{false, false, input.width * static_cast<int64_t>(l.kinds.size())};
                      },
                      [&](const NormDescription&) { return input; }, [&](const DropoutDescription&) { return input; }},
                 layer);
  require(form.width > 0, "a layer without units");
  return form;
}

int64_t parameter_floats(const LayerDescription& layer, const Form& input) {
  return std::visit(
      Each{[&](const RecurrentDescription& l) {
             return cell_floats(l.kind, input.width, l.units, l.heads) * (l.both_ways ? 2 : 1);
           },
           [&](const DenseDescription& l) { return ((l.tied ? 0 : input.width) + 1) * l.units; },
           [&](const AheadDescription& l) { return (input.width + l.features + 1) * l.units; },
           [&](const EmbeddingDescription& l) { return l.symbols * l.units; },
           [&](const NormDescription&) { return 2 * input.width; }, [&](const auto&) { return int64_t{0}; }},
      layer);
}

int64_t work_of(const LayerDescription& layer, const Form& input) {
  if (std::holds_alternative<EmbeddingDescription>(layer)) return form_after(layer, input).width;
  return parameter_floats(layer, input) + input.width;
}

bool reads_backwards(const LayerDescription& layer) {
  const auto* recurrent = std::get_if<RecurrentDescription>(&layer);
  return recurrent && (recurrent->reverse || recurrent->both_ways);
}

Form form_after(const NetworkDescription& network, Form input) {
  for (const LayerDescription& layer : network) input = form_after(layer, input);
  return input;
}

int64_t parameter_floats(const NetworkDescription& network, Form input) {
  int64_t floats = 0;
  for (const LayerDescription& layer : network) {
    floats += parameter_floats(layer, input);
    input = form_after(layer, input);
  }
  return floats;
}

}  // namespace latchwork
