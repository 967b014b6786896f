// Independent networks of one plan side by side, or one network by itself.
#pragma once

#include <memory>
#include <vector>

#include "network/trainer.h"

namespace latchwork {

// One member's part of a call.
struct MemberCall {
  Memory memory;
  Examples examples;
  Batches batches;
};

// One network has all threads; several are trained one on each thread, from the first step to the last, so that each
// costs no meeting and has the memory of one for all. It is used from one thread at a time.
class Members {
 public:
  Members(TrainerPlan plan, int64_t count);
  Members(const Members&) = delete;

  int64_t count() const { return count_; }
  const Trainer& one() const { return *trainers_.front(); }
  // How many threads a call for all of them is worth.
  int useful_threads() const;
  void run(const std::vector<MemberCall>& calls);

 private:
  const int64_t count_;
  std::vector<std::unique_ptr<Trainer>> trainers_;  // one for each thread
};

}  // namespace latchwork
