// What a network computes inside, and how its outputs follow from its inputs: for people who look into it.
#pragma once

#include <vector>

#include "network/server.h"

namespace latchwork {

// One way of one recurrent layer: its planes [planes, batch, time, units], the outputs last; the caller's.
struct TracedWay {
  std::size_t layer;  // its place in the list
  bool backwards;
  Kind kind;
  int64_t units;
};

// The ways that a trace of the network shows, in order.
std::vector<TracedWay> traced_ways(const NetworkDescription& network);

// How many planes a kind is shown by.
int64_t planes_of(Kind kind);

// Writes each way's planes, and the outputs [batch, steps, width].
void trace_network(const NetworkDescription& network, const Form& input, const float* parameters, const Given& given,
                   const std::vector<float*>& planes, float* outputs);

// Outputs [batch, steps, width], and the derivative of their sum, weighted by `by_outputs`, by the inputs. Nothing is
// dropped. The outputs alone where `by_inputs` is null.
void differentiate(const NetworkDescription& network, const Form& input, const float* parameters, const Given& given,
                   const float* by_outputs, float* outputs, float* by_inputs);

}  // namespace latchwork
