// The layers of a network that answers: weights packed once, nothing changed by a call, so any number of threads may
// share them.
#pragma once

#include <memory>

#include "network/description.h"

namespace latchwork {

// One call on its way through the layers: what they are given beside the numbers that flow. Where `before` and `after`
// are there, each layer goes on from what it remembered, moves both on past its part, and all sequences are full.
struct Passage {
  int64_t batch;
  int64_t steps;           // of what flows now: 1 where it has no time axis
  const int32_t* lengths;  // [batch], or null where all sequences are full
  const int32_t* tokens;   // [batch, steps], of a network that begins with an embedding
  const float* ahead;      // [batch, horizon, features], for layers that look ahead
  int64_t horizon;
  const float* before;
  float* after;
  float* scratch;  // [batch * scratch_floats(steps)] of the layer
  int threads;     // that a layer may use
};

class ServedLayer {
 public:
  virtual ~ServedLayer() = default;
  // From [batch, steps, width] to what the layer gives; the passage's steps and lengths are then those of its outputs.
  virtual void run(Passage& passage, const float* from, float* to) const = 0;
  // Floats for each sequence: of what it remembers between two calls, and of what it needs in one.
  virtual int64_t state_floats() const { return 0; }
  virtual int64_t scratch_floats(int64_t) const { return 0; }
};

// `parameters` are read, not kept. Null for layers that do nothing.
std::unique_ptr<const ServedLayer> make_served(const LayerDescription& layer, const Form& input,
                                               const float* parameters);

}  // namespace latchwork
