// One build of what csrc/learning.h names: compiled once for each instruction set, with LATCHWORK_BUILD naming it.
#include "learning.h"

#include "dense_learning.h"
#include "measures.h"
#include "updates.h"

namespace latchwork::LATCHWORK_BUILD {

extern const LearningEngine learning;
const LearningEngine learning = {dense_forward, dense_backward, measure, sum_of_squares, update};

}  // namespace latchwork::LATCHWORK_BUILD
