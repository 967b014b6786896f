#include "calls.h"

#include <thread>

#include "parts.h"

namespace check {
namespace {

// What a trace unpacks must make its own outputs, step after step, and be nothing past a length.
void check_trace(const Case& c, Report& report) {
  const latchwork::KindShape kind = latchwork::kind_shape(c.kind);
  if (!kind.slopes) return;
  const Member& m = c.members[0];
  Case alone = c;  // beside other networks the same rows may be cut otherwise, and their last bits differ
  alone.members.resize(1);
  const Outcome got(alone, c.threads, false);
  const int64_t hidden = c.shape.hidden, plane = c.shape.batch * c.shape.time * hidden;
  const int count = latchwork::traced_planes(c.kind);
  Floats planes(count * plane, 1);
  Results final(c, false);
  latchwork::trace(c.kind, c.shape, c.reverse, c.operands(m), planes.data(), final.final_hidden.data(),
                   kind.has_cell ? final.final_cell.data() : nullptr, c.threads);
  report.expect(planes.intact() && final.final_hidden.intact() && final.final_cell.intact(), c,
                "a trace wrote beyond its planes");
  const float* outputs = planes.data() + (count - 1) * plane;
  report.expect(!plane || std::memcmp(outputs, got.results[0].outputs.data(), plane * sizeof(float)) == 0, c,
                "a trace's outputs are not forward's");
  Doubles expected, shown;
  for (int64_t row = 0; row < c.shape.batch; ++row) {
    const auto at = [&](int which, int64_t step, int64_t unit) {
      const int64_t time = c.reverse ? c.steps(m, row) - 1 - step : step;
      return static_cast<double>(planes.data()[which * plane + (row * c.shape.time + time) * hidden + unit]);
    };
    for (int64_t unit = 0; unit < hidden; ++unit) {
      double before = kind.has_cell ? (m.tensors[9].size() ? m.tensors[9].data()[row * hidden + unit] : 0.0f)
                                    : (m.tensors[8].size() ? m.tensors[8].data()[row * hidden + unit] : 0.0f);
      for (int64_t step = 0; step < c.steps(m, row); ++step) {
        if (kind.has_cell) {  // input, forget, candidate, output, cell
          before = at(1, step, unit) * before + at(0, step, unit) * at(2, step, unit);
          expected.insert(expected.end(), {before, at(3, step, unit) * std::tanh(before)});
          shown.insert(shown.end(), {before = at(4, step, unit), at(5, step, unit)});
        } else {  // reset, update, candidate
          expected.push_back((1 - at(1, step, unit)) * at(2, step, unit) + at(1, step, unit) * before);
          shown.push_back(before = at(3, step, unit));
        }
      }
      for (int which = 0; which < count; ++which)
        for (int64_t step = c.steps(m, row); step < c.shape.time; ++step)
          report.expect(planes.data()[which * plane + (row * c.shape.time + step) * hidden + unit] == 0, c,
                        "a trace shows something past a length");
    }
  }
  const std::vector<float> as_floats(shown.begin(), shown.end());
  report.compare(c, "trace", expected, as_floats.data());
}

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
                       [&](Rounded rounded) { return gradient(expect(c, m, values_of(c, m), rounded), tensor); });
    report.expect(got.gradients[i].intact(), c, "backward wrote beyond its gradients");
  }
  report.expect(got.equals(Outcome(c, c.threads == 1 ? 3 : 1)), c, "results depend on the number of threads");
  check_trace(c, report);
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
