// One build of what csrc/network/learning.h names: compiled once for each instruction set, with LATCHWORK_BUILD naming it.
#include "network/learning.h"

#include "network/criteria.h"
#include "network/dense.h"
#include "network/updates.h"

namespace latchwork::LATCHWORK_BUILD {

extern const LearningEngine learning;
const LearningEngine learning = {dense_pack, dense_product, dense_forward,  dense_backward, dense_line,
                                 criterion,  softmax,       sum_of_squares, update};

}  // namespace latchwork::LATCHWORK_BUILD
