// The kernels' builds, one for each instruction set, and which of them runs.
#pragma once

#include <string>
#include <vector>

namespace latchwork {

// The names of those that this processor can run, the best first.
std::vector<std::string> builds();

// Chooses one of them; the best where nobody has chosen before the first call. What one build has packed no other can
// read, so the choice is final. Throws std::invalid_argument where this processor cannot run it, std::logic_error where
// another one runs already.
void use_build(const std::string& name);

}  // namespace latchwork
