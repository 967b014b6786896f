#include "recurrence/builds.h"

#include <atomic>
#include <stdexcept>

#include "network/learning.h"
#include "recurrence/kernels.h"

namespace latchwork {

#define LATCHWORK_DECLARE(build)        \
  namespace build {                     \
  extern const Engine engine;           \
  extern const LearningEngine learning; \
  }

LATCHWORK_DECLARE(baseline)
#if defined(__x86_64__)
LATCHWORK_DECLARE(avx2)
LATCHWORK_DECLARE(avx512)
#endif

namespace {

struct Build {
  const Engine& engine;
  const LearningEngine& learning;
};

const std::vector<Build>& runnable() {
  static const std::vector<Build> found = [] {
    std::vector<Build> builds;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
      builds.push_back({avx512::engine, avx512::learning});
    }
    if (has_avx2) builds.push_back({avx2::engine, avx2::learning});
#endif
    builds.push_back({baseline::engine, baseline::learning});
    return builds;
  }();
  return found;
}

std::atomic<const Build*> chosen{nullptr};

// Makes `wanted` the choice where there is none yet, and gives the one that stands.
const Build& choose(const Build& wanted) {
  const Build* before = nullptr;
  return chosen.compare_exchange_strong(before, &wanted, std::memory_order_acq_rel) ? wanted : *before;
}

const Build& build() {
  const Build* const ready = chosen.load(std::memory_order_acquire);
  return ready ? *ready : choose(runnable().front());
}

}  // namespace

std::vector<std::string> builds() {
  std::vector<std::string> names;
  for (const Build& each : runnable()) names.emplace_back(each.engine.name);
  return names;
}

void use_build(const std::string& name) {
  for (const Build& each : runnable()) {
    if (name != each.engine.name) continue;
    if (&choose(each) != &each)
      throw std::logic_error("the " + std::string(engine().name) + " build runs already, so " + name + " cannot");
    return;
  }
  std::string known;
  for (const std::string& each : builds()) known += (known.empty() ? "" : ", ") + each;
  throw std::invalid_argument("'" + name + "': this processor runs " + known);
}

const Engine& engine() { return build().engine; }

const LearningEngine& learning_engine() { return build().learning; }

}  // namespace latchwork
