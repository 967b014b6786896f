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
                        return Form{l.return_sequences, false, l.output_width()};
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
                      [&](const RepeatDescription& l) {
                        require(!input.has_time && l.times > 0, "a vector is repeated, at least once");
                        return Form{true, false, input.width};
                      },
                      [&](const FlattenDescription& l) {
                        sequences();
                        require(l.steps > 0, "a sequence of no steps");
                        return Form{false, false, input.width * l.steps};
                      },
                      [&](const ConvolutionDescription& l) {
                        sequences();
                        require(l.steps > 0 && 0 <= l.before && l.before < l.steps, "a convolution that sees no step");
                        return Form{true, false, l.units};
                      },
                      [&](const NormDescription&) { return input; }, [&](const DropoutDescription&) { return input; },
                      [&](const NonlinearDescription&) { return input; }},
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
           [&](const ConvolutionDescription& l) { return (l.steps * input.width + 1) * l.units; },
           [&](const NormDescription&) { return 2 * input.width; }, [&](const auto&) { return int64_t{0}; }},
      layer);
}

int64_t work_of(const LayerDescription& layer, const Form& input) {
  if (std::holds_alternative<EmbeddingDescription>(layer)) return form_after(layer, input).width;
  return parameter_floats(layer, input) + input.width;
}

int64_t steps_after(const LayerDescription& layer, bool gives_time, int64_t steps, int64_t horizon) {
  if (const auto* flatten = std::get_if<FlattenDescription>(&layer))
    require(steps == flatten->steps, "sequences of another number of steps than the network flattens");
  if (const auto* repeat = std::get_if<RepeatDescription>(&layer)) return repeat->times;
  if (std::holds_alternative<AheadDescription>(layer)) return horizon;
  return gives_time ? steps : 1;
}

bool needs_whole_sequences(const LayerDescription& layer) {
  if (std::holds_alternative<RepeatDescription>(layer) || std::holds_alternative<FlattenDescription>(layer) ||
      std::holds_alternative<ConvolutionDescription>(layer))
    return true;
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
