// The judge is judged first: the reference's gradients against finite differences of the reference.
#include "calls.h"
#include "parts.h"

namespace check {
namespace {

// In double, halfway between what rounding and what the third derivative cost.
constexpr double kStep = 1e-5;
constexpr double kAgreement = 1e-6;

// How far a claimed slope along a random direction of a tensor is from the measured one, relative to its size.
double disagreement(const Case& c, int tensor, const Doubles& direction, double claimed) {
  const Member& m = c.members[0];
  const auto loss = [&](double step) {
    std::vector<Doubles> values = values_of(c, m);
    for (std::size_t i = 0; i < direction.size(); ++i) values[tensor][i] += step * direction[i];
    return expect(c, m, values).loss;
  };
  double least = HUGE_VAL;
  // A rectifier has a corner: a smaller step gets round one that happens to lie within the first.
  for (const double step : {kStep, kStep / 10}) {
    const double slope = (loss(step) - loss(-step)) / (2 * step);
    least = std::fmin(least, std::fabs(slope - claimed) / std::fmax(1.0, std::fabs(slope)));
  }
  return least;
}

}  // namespace

bool check_reference(int64_t cases, uint64_t seed) {
  Report report;
  for (int64_t i = 0; i < cases; ++i) {
    const Case c = Case::small(seed + i, static_cast<Kind>(i % latchwork::kKinds));
    const Expected e = expect(c, c.members[0], values_of(c, c.members[0]));
    Random random(seed + i);
    for (int tensor = 0; tensor < kTensors; ++tensor) {
      const Doubles slopes = gradient(e, tensor);
      if (slopes.empty()) continue;
      Doubles direction(slopes.size());
      double claimed = 0, norm = 0;
      for (double& each : direction) {
        each = random.normal();
        norm += each * each;
      }
      for (std::size_t k = 0; k < slopes.size(); ++k) claimed += slopes[k] * (direction[k] /= std::sqrt(norm));
      const double off = disagreement(c, tensor, direction, claimed);
      report.note(std::string("by ") + kTensorNames[tensor], off);
      report.expect(off <= kAgreement, c,
                    (std::string("finite differences disagree by ") + kTensorNames[tensor]).c_str());
      // 2.001 where 2 is right must not pass.
      if (std::fabs(claimed) > 0.1)
        report.expect(disagreement(c, tensor, direction, claimed * 1.0005) > kAgreement, c,
                      "finite differences let a wrong derivative pass");
    }
  }
  return report.print((std::to_string(cases) + " cases, the reference beside finite differences").c_str());
}

}  // namespace check
