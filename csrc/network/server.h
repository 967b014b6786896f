// A whole network that answers: batches of sequences of any size, or a step at a time.
#pragma once

#include <memory>
#include <vector>

#include "network/serving.h"

namespace latchwork {

// What a network remembers of `batch` sequences between two steps: each layer's part, one after the other.
struct ServerState {
  int64_t batch;
  std::vector<float> values;
};

// What a call is given: numbers [batch, time, features], or tokens [batch, time]. Null where it says "or null".
struct Given {
  int64_t batch, time;
  const float* inputs;
  const int32_t* tokens;   // in their place, or null
  const int32_t* lengths;  // [batch] or null
  const float* ahead;      // [batch, horizon, features] or null
  int64_t horizon;
};

// Packed once; then it changes nothing in itself, and any number of threads may use it.
class Server {
 public:
  // Inputs go through (value - offset) / scale first; both [features], in double as they were fitted, or empty.
  // std::invalid_argument where the layers do not fit together. `parameters` are not kept.
  Server(const NetworkDescription& network, const Form& input, const float* parameters, std::vector<double> offset,
         std::vector<double> scale);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Form& input() const { return input_; }
  const Form& output() const { return output_; }
  int64_t symbols() const { return symbols_; }            // of an embedding that comes first, else 0
  int64_t ahead_features() const { return ahead_; }       // of the side input, else 0
  bool goes_step_by_step() const { return can_step_; }    // no layer reads backwards or looks ahead
  int64_t work() const { return work_; }                  // multiplications for one step of one sequence
  int64_t answer_steps(const Given& given) const;         // of the outputs' time axis; 1 where there is none
  int64_t state_floats() const { return state_floats_; }  // of one sequence

  // Outputs [batch, answer_steps, outputs]. False, and nothing done, where an input is not finite.
  bool run(const Given& given, float* outputs) const;
  // The same from a state on, all sequences full; the state after the last step goes into `after`, whose values are as
  // many. Not for networks that cannot go step by step.
  bool advance(const Given& given, const ServerState& before, ServerState& after, float* outputs) const;

 private:
  struct Place {
    std::unique_ptr<const ServedLayer> layer;
    int64_t width;  // of its outputs
    bool has_time;
    LayerDescription description;  // that says how many steps flow out of it
  };

  // Floats for one sequence: of the widest of what flows between two layers, and of the layer that needs most.
  struct Need {
    int64_t flow, layer;
    int64_t floats() const { return 2 * flow + layer; }
  };

  Need need(const Given& given) const;
  bool prepare(const Given& given, const float*& from, float* scaled) const;
  bool pass(const Given& given, const float* before, float* after, float* outputs, int threads) const;
  bool run_blocks(const Given& given, int64_t rows, float* outputs) const;

  const Form input_;
  Form output_;
  int64_t symbols_ = 0, ahead_ = 0, work_ = 0, state_floats_ = 0;
  bool can_step_ = true;
  Need of_step_{};
  std::vector<double> offset_, scale_;
  std::vector<Place> places_;
};

}  // namespace latchwork
