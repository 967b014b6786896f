#include "functions.h"

#include "calls.h"
#include "parts.h"

namespace check {
namespace {

// What docs/kernels.md promises. Below zero the logarithm of two, rounded to a float, costs sigmoid up to |x| ulps
// more, and without fused multiply-adds, where the product of both is rounded too, up to 1.5 |x|; the answer is small
// there, so that no gate notices.
constexpr double kTanhUlps = 5;
constexpr double kSigmoidUlps = 4;
constexpr double kAbsolute = 2.4e-7;
constexpr double kExpUlps = 2;
constexpr double kLogUlps = 4;
constexpr double kLeastExponent = -87, kMostExponent = 87;
constexpr double kSmallest = 1.18e-38;  // below it numbers are subnormal and count as zero
constexpr double kLeastArgument = -87;  // of sigmoid; below it any answer under 2e-38 will do

// The difference in units of the last place of the exact value's float.
double ulps(double exact, float got) {
  const double size = std::fabs(exact);
  int exponent;
  std::frexp(std::fmax(size, kSmallest), &exponent);
  return std::fabs(exact - static_cast<double>(got)) / std::ldexp(1.0, exponent - 24);
}

bool is_fused() {
#if defined(__x86_64__)
  return std::strcmp(latchwork::engine().name, "baseline") != 0;
#else
  return true;
#endif
}

void functions(const float* x, int64_t count, const latchwork::Values& to) {
#if defined(__x86_64__)
  if (std::strcmp(latchwork::engine().name, "avx512") == 0) return latchwork::avx512::functions(x, count, to);
  if (std::strcmp(latchwork::engine().name, "avx2") == 0) return latchwork::avx2::functions(x, count, to);
#endif
  latchwork::baseline::functions(x, count, to);
}

}  // namespace

bool check_functions(int64_t stride) {
  constexpr int kMany = 1021;  // not a whole number of registers
  Report report;
  float x[kMany], sigmoids[kMany], tanhs[kMany], exps[kMany], logs[kMany];
  const auto measure = [&](int count) {
    functions(x, count, {sigmoids, tanhs, exps, logs});
    for (int i = 0; i < count; ++i) {
      if (std::isnan(x[i])) {
        for (const float* values : {sigmoids, tanhs, exps, logs})
          if (!std::isnan(values[i])) report.fail("NaN does not give NaN");
        continue;
      }
      const double exact = x[i], sigmoid_exact = check::sigmoid(exact);
      if (exact >= kLeastArgument) {
        const double off = ulps(sigmoid_exact, sigmoids[i]);
        report.note("sigmoid, ulps", off);
        report.note("sigmoid, ulps beyond those of |x| below 0", off + (is_fused() ? 1 : 1.5) * std::fmin(exact, 0));
      }
      if (exact < kLeastArgument && !(sigmoids[i] >= 0 && sigmoids[i] < 2 * kSmallest))
        report.fail("sigmoid of " + std::to_string(exact));
      // Subnormal arguments count as zero.
      if (std::fabs(exact) >= kSmallest)
        report.note("tanh, ulps", ulps(std::tanh(exact), tanhs[i]));
      else if (!(std::fabs(tanhs[i]) < kSmallest))
        report.fail("tanh of a subnormal");
      report.note("sigmoid, absolute", std::fabs(sigmoid_exact - sigmoids[i]));
      report.note("tanh, absolute", std::fabs(std::tanh(exact) - tanhs[i]));
      if (exact >= kLeastExponent && exact <= kMostExponent) report.note("exp, ulps", ulps(std::exp(exact), exps[i]));
      if (exact < kLeastExponent && !(exps[i] >= 0 && exps[i] < 2 * kSmallest))
        report.fail("exp of " + std::to_string(exact));
      const double log_exact = std::fmin(exact, 0) - std::log1p(std::exp(-std::fabs(exact)));
      if (exact <= kMostExponent && std::isfinite(log_exact))
        report.note("log sigmoid, ulps", ulps(log_exact, logs[i]));
      else if (exact > kMostExponent && !(std::fabs(logs[i]) < 3 * kSmallest))
        report.fail("log sigmoid of " + std::to_string(exact));
      if (!(std::fabs(tanhs[i]) <= 1 && sigmoids[i] >= 0 && sigmoids[i] <= 1)) report.fail("beyond 1");
    }
  };
  int count = 0;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += stride) {
    const auto low = static_cast<uint32_t>(bits);
    std::memcpy(&x[count++], &low, 4);
    if (count < kMany) continue;
    measure(count);
    count = 0;
  }
  measure(count);
  const auto promise = [&](const char* of, double most) {
    if (!(report.worst(of) <= most)) report.fail(std::string(of) + ": more than is promised");
  };
  promise("tanh, ulps", kTanhUlps);
  promise("sigmoid, ulps beyond those of |x| below 0", kSigmoidUlps);
  promise("sigmoid, absolute", kAbsolute);
  promise("exp, ulps", kExpUlps);
  promise("log sigmoid, ulps", kLogUlps);
  promise("tanh, absolute", kAbsolute);
  return report.print(stride == 1 ? "the functions of every float" : "the functions of a part of all floats");
}

}  // namespace check
