#include "calls.h"

#include <thread>

#include "parts.h"

namespace check {
namespace {

void check_call(const Case& c, Report& report) {
  const Outcome got(c, c.threads);
  const Outcome inference(c, c.threads, false);
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    const Member& m = c.members[i];
    const Expected e = expect(c, m, values_of(c, m));
    compare_results(c, e, got.results[i], "", report);
    compare_results(c, e, inference.results[i], "inference: ", report);
    for (int tensor = 0; tensor < kTensors; ++tensor)
      if (c.wanted[tensor])
        report.compare(c, std::string("by ") + kTensorNames[tensor], gradient(e, tensor),
                       got.gradients[i].tensors[tensor].data(),
                       [&] { return gradient(expect(c, m, values_of(c, m), true), tensor); });
    report.expect(got.gradients[i].intact(), c, "backward wrote beyond its gradients");
  }
  report.expect(got.equals(Outcome(c, c.threads == 1 ? 3 : 1)), c, "results depend on the number of threads");
}

}  // namespace

bool check_calls(int64_t cases, uint64_t seed) {
  Report report;
  for (int64_t i = 0; i < cases; ++i) check_call(Case::random(seed + i), report);
  return report.print((std::to_string(cases) + " random calls, norm of the difference over norm").c_str());
}

bool check_threads(int64_t cases, uint64_t seed) {
  constexpr int kCallers = 4;
  std::vector<Case> all;
  std::vector<Outcome> alone;
  for (int64_t i = 0; i < cases; ++i) {
    all.push_back(Case::random(seed + i));
    all.back().threads = 3;
    alone.emplace_back(all.back(), 1);
  }
  std::vector<int> wrong(kCallers, 0);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int64_t i = 0; i < cases; ++i) {
        const int64_t mine = (i + caller * cases / kCallers) % cases;
        if (!Outcome(all[mine], all[mine].threads).equals(alone[mine])) ++wrong[caller];
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  Report report;
  for (const int count : wrong) report.note("calls that differ", count);
  for (const int count : wrong)
    if (count) report.fail(std::to_string(count) + " calls differ when others run beside them");
  return report.print((std::to_string(kCallers) + " threads with " + std::to_string(cases) + " calls each").c_str());
}

}  // namespace check
