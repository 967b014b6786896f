#include "network/members.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace latchwork {

Members::Members(TrainerPlan plan, int64_t count) : count_(count) {
  const int64_t trainers = std::min<int64_t>(count, plan.threads);
  if (count > 1) plan.threads = 1;
  for (int64_t i = 0; i < trainers; ++i) trainers_.push_back(std::make_unique<Trainer>(plan));
}

int Members::useful_threads() const {
  return count_ == 1 ? one().useful_threads() : static_cast<int>(trainers_.size());
}

void Members::run(const std::vector<MemberCall>& calls) {
  if (count_ == 1) {
    for (const MemberCall& call : calls) trainers_.front()->run(call.memory, call.examples, call.batches);
    return;
  }
  struct Queue {
    const std::vector<MemberCall>& calls;
    const std::vector<std::unique_ptr<Trainer>>& trainers;
    std::atomic<std::size_t> next{0};
  } queue{calls, trainers_};
  run_team(
      static_cast<int>(std::min(calls.size(), trainers_.size())),
      [](const void* given, const Team& team) {
        Queue& queue = *static_cast<Queue*>(const_cast<void*>(given));
        for (std::size_t index; (index = queue.next.fetch_add(1)) < queue.calls.size();) {
          const MemberCall& call = queue.calls[index];
          queue.trainers[team.rank]->run_alone(call.memory, call.examples, call.batches);
        }
      },
      &queue);
}

}  // namespace latchwork
