// A last dense layer over a large vocabulary, as it is trained: the scores of its most frequent outputs, and of a sample
// of the others.
#pragma once

#include <memory>

#include "network/layers.h"

namespace latchwork {

// The first `frequent` outputs are scored always; of the rest `drawn` are drawn in each step, output w with a chance of
// about 1 / w.
struct Sampling {
  int64_t frequent, drawn;
};

// Its output [rows, steps, frequent + drawn + 1] are scores whose softmax is that of all outputs, in expectation, and
// `classes` [rows * steps] get the place of each target among them. `targets` are there when it is called.
// std::invalid_argument where there is nothing to sample, or the layer has an activation.
std::unique_ptr<Layer> make_sampled(const DenseDescription& layer, const Sampling& sampling,
                                    const LayerSetting& setting, const int32_t* targets, int32_t* classes);

}  // namespace latchwork
