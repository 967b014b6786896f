// The kernels checked without Python: for sanitizers, for other processors, for whoever changes csrc/.
//
//   LATCHWORK_BUILD=avx2 latchwork_check [--cases N] [--seed S] [--stride K] [--only calls|reference|inference|training|threads|functions]
//   latchwork_check --builds      the builds that this processor runs
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "parts.h"
#include "recurrence/builds.h"
#include "recurrence/kernels.h"
#include "threads/team.h"

namespace {

int list_builds() {
  for (const std::string& build : latchwork::builds()) std::puts(build.c_str());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  int64_t cases = 300, stride = 65521;  // a prime: every exponent and all kinds of fractions
  uint64_t seed = 1;
  std::string only;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const char* const value = i + 1 < count ? words[++i] : "";
    if (word == "--cases" && std::atoll(value) > 0)
      cases = std::atoll(value);
    else if (word == "--seed")
      seed = std::strtoull(value, nullptr, 10);
    else if (word == "--stride" && std::atoll(value) > 0)
      stride = std::atoll(value);
    else if (word == "--only")
      only = value;
    else if (word == "--builds")
      return list_builds();
    else
      return std::fprintf(stderr, "see the top of tests/kernels/check/main.cc for what it takes\n"), 2;
  }
  latchwork::use_threads(4);  // more than one, whatever the machine
  if (const char* build = std::getenv("LATCHWORK_BUILD")) {
    try {
      latchwork::use_build(build);
    } catch (const std::invalid_argument& error) {
      return std::fprintf(stderr, "LATCHWORK_BUILD=%s\n", error.what()), 2;
    }
  }
  std::printf("the %s build, %d floats a register\n", latchwork::engine().name, latchwork::engine().width);
  bool good = true;
  const auto run = [&](const char* part, auto&& check) {
    if (!only.empty() && only != part) return;
    good = check() && good;
    std::fflush(stdout);
  };
  run("reference", [&] { return check::check_reference((cases + 4) / 5, seed); });
  run("functions", [&] { return check::check_functions(stride); });
  run("calls", [&] { return check::check_calls(cases, seed); });
  run("inference", [&] { return check::check_inference((cases + 1) / 2, seed); });
  run("training", [&] { return check::check_training((cases + 4) / 5, seed); });
  run("threads", [&] { return check::check_threads((cases + 9) / 10, seed); });
  std::puts(good ? "all is well" : "FAILED");
  return good ? 0 : 1;
}
