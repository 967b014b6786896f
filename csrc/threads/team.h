// Threads that work on one call together.
#pragma once

namespace latchwork {

class Barrier {
 public:
  explicit Barrier(int size) : size_(size) {}
  void wait();

 private:
  const int size_;
  alignas(64) int arrived_ = 0;
  alignas(64) int round_ = 0;
};

// One thread's place among those that work on a call.
struct Team {
  int rank;
  int size;
  Barrier* barrier;

  // Returns once every thread of the team has come here.
  void sync() const {
    if (size > 1) barrier->wait();
  }
};

// Work that any number of threads may share: called once on each with its place in the team.
using TeamWork = void (*)(const void* job, const Team& team);

// Runs `work` on the calling thread and on up to `threads - 1` others. Where the others are busy with another call, the
// caller works alone: results never depend on how many take part.
void run_team(int threads, TeamWork work, const void* job);

// How many threads a call may use: what `use_threads` said last, or the processors that this process may run on. The
// pool never grows: what is said after the first call of a team can only take threads away.
int available_threads();
void use_threads(int count);

}  // namespace latchwork
