#include "calls.h"

#include <thread>

#include "parts.h"

namespace check {
namespace {

// A trace's planes beside the reference's, its outputs beside forward's, and nothing past a length.
void check_trace(const Case& c, const Expected& e, Report& report) {
  const Member& m = c.members[0];
  Case alone = c;  // beside other networks the same rows may be cut otherwise, and their last bits differ
  alone.members.resize(1);
  const Outcome got(alone, c.threads, false);
  const int64_t row = c.shape.time * c.shape.hidden, plane = c.shape.batch * row;
  const int vectors = latchwork::traced_vectors(c.kind);
  Floats planes((vectors + 1) * plane, 1);
  Results final(c, false);
  float* final_states[kMostStates];
  for (int s = 0; s < kMostStates; ++s) final_states[s] = final.final_states[s].data();
  latchwork::trace(c.kind, c.shape, c.reverse, c.operands(m), planes.data(), final.final_hidden.data(), final_states,
                   c.threads);
  report.expect(planes.intact() && final.intact(), c, "a trace wrote beyond its planes");
  report.expect(!plane || std::memcmp(planes.data() + vectors * plane, got.results[0].outputs.data(),
                                      static_cast<std::size_t>(plane) * sizeof(float)) == 0,
                c, "a trace's outputs are not forward's");
  for (int vector = 0; vector < vectors; ++vector) {
    const auto traced = [&](const Expected& from) {
      Doubles all;
      for (const Sequence& s : from.sequences)
        all.insert(all.end(), s.traced.begin() + vector * row, s.traced.begin() + (vector + 1) * row);
      return all;
    };
    report.compare(c, "trace", traced(e), planes.data() + vector * plane,
                   [&](Rounded rounded) { return traced(expect(c, m, values_of(c, m), rounded)); });
    for (int64_t sequence = 0; sequence < c.shape.batch; ++sequence)
      for (int64_t at = c.steps(m, sequence) * c.shape.hidden; at < row; ++at)
        report.expect(planes.data()[vector * plane + sequence * row + at] == 0, c,
                      "a trace shows something past a length");
  }
}

void check_call(const Case& c, Report& report) {
  const Outcome got(c, c.threads);
  const Outcome inference(c, c.threads, false);
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    const Member& m = c.members[i];
    const Expected e = expect(c, m, values_of(c, m));
    if (i == 0) check_trace(c, e, report);
    compare_results(c, e, got.results[i], "", report);
    compare_results(c, e, inference.results[i], "inference: ", report);
    for (int tensor = 0; tensor < kTensors; ++tensor)
      if (c.wanted[tensor])
        report.compare(c, std::string("by ") + kTensorNames[tensor], gradient(e, tensor),
                       got.gradients[i].tensors[tensor].data(),
                       [&](Rounded rounded) { return gradient(expect(c, m, values_of(c, m), rounded), tensor); });
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
