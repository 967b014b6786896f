// The parts of the check: each runs its cases and says whether all went well.
#pragma once

#include <cstdint>

namespace check {

// Forward and backward of random calls, in all their forms, against the reference.
bool check_calls(int64_t cases, uint64_t seed);

// The reference's own gradients against finite differences, and that comparison against a wrong derivative.
bool check_reference(int64_t cases, uint64_t seed);

// Sequences step by step and whole networks in one call, against the reference.
bool check_inference(int64_t cases, uint64_t seed);

// Whole training steps of random networks: on any number of threads, side by side, from two threads at a time.
bool check_training(int64_t cases, uint64_t seed);

// Calls from many threads at a time: each must give what it gives alone.
bool check_threads(int64_t cases, uint64_t seed);

// sigmoid and tanh over all floats (every `stride`-th), in units in the last place.
bool check_functions(int64_t stride);

}  // namespace check
