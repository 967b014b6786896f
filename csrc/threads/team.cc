#include "threads/team.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace latchwork {
namespace {

// A wait of some microseconds is cheaper than a sleep and a wake-up; a longer one gives the processor away, since the
// thread that is waited for may need it.
constexpr int kSpins = 2000;

void relax(int& spins) {
  if (++spins > kSpins) {
    sched_yield();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Threads that sleep until a call needs them. One call has them at a time.
class Pool {
 public:
  explicit Pool(int helpers) : helpers_(helpers) {
    for (int rank = 1; rank <= helpers; ++rank) std::thread(&Pool::serve, this, rank).detach();
  }

  bool try_run(int threads, TeamWork work, const void* job) {
    const int helpers = std::min(threads - 1, helpers_);
    std::unique_lock<std::mutex> owner(owner_, std::try_to_lock);
    if (helpers < 1 || !owner.owns_lock()) return false;
    Barrier barrier(helpers + 1);
    work_ = work;
    job_ = job;
    barrier_ = &barrier;
    size_ = helpers + 1;
    busy_.store(helpers_, std::memory_order_relaxed);
    call_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(sleep_);
      wake_.notify_all();
    }
    work(job, {0, size_, &barrier});
    for (int spins = 0; busy_.load(std::memory_order_acquire) > 0;) relax(spins);
    return true;
  }

 private:
  void serve(int rank) {
    for (unsigned seen = 0;;) {
      for (int spins = 0; spins <= kSpins && call_.load(std::memory_order_acquire) == seen;) relax(spins);
      if (call_.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(sleep_);
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] { return call_.load(std::memory_order_seq_cst) != seen; });
        sleepers_.fetch_sub(1, std::memory_order_seq_cst);
      }
      ++seen;
      if (rank < size_) work_(job_, {rank, size_, barrier_});
      busy_.fetch_sub(1, std::memory_order_release);
    }
  }

  const int helpers_;
  std::mutex owner_;
  TeamWork work_ = nullptr;
  const void* job_ = nullptr;
  Barrier* barrier_ = nullptr;
  int size_ = 0;
  alignas(64) std::atomic<unsigned> call_{0};
  alignas(64) std::atomic<int> busy_{0};
  std::atomic<int> sleepers_{0};
  std::mutex sleep_;
  std::condition_variable wake_;
};

std::atomic<int> wanted_threads{0};  // 0: as many as there are processors
std::atomic<Pool*> pool{nullptr};
std::mutex pool_creation;

// The pool lives as long as the process. A forked child has none of its threads, so it starts its own.
Pool& shared_pool() {
  if (Pool* ready = pool.load(std::memory_order_acquire)) return *ready;
  std::lock_guard<std::mutex> lock(pool_creation);
  if (Pool* ready = pool.load(std::memory_order_acquire)) return *ready;
  static std::once_flag once;
  std::call_once(once,
                 [] { pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr, std::memory_order_release); }); });
  Pool* created = new Pool(available_threads() - 1);
  pool.store(created, std::memory_order_release);
  return *created;
}

}  // namespace

void Barrier::wait() {
  const int round = __atomic_load_n(&round_, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&arrived_, 1, __ATOMIC_ACQ_REL) == size_) {
    __atomic_store_n(&arrived_, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&round_, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int spins = 0; __atomic_load_n(&round_, __ATOMIC_ACQUIRE) == round;) relax(spins);
}

void use_threads(int count) { wanted_threads.store(std::max(1, count), std::memory_order_relaxed); }

int available_threads() {
  if (const int wanted = wanted_threads.load(std::memory_order_relaxed)) return wanted;
  static const int processors = [] {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }();
  return processors;
}

void run_team(int threads, TeamWork work, const void* job) {
  threads = std::min(threads, available_threads());
  if (threads > 1 && shared_pool().try_run(threads, work, job)) return;
  Barrier alone(1);
  work(job, {0, 1, &alone});
}

}  // namespace latchwork
