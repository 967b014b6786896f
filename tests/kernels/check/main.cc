// The kernels checked without Python: for sanitizers, for other processors, for whoever changes csrc/.
//
//   latchwork_check [--cases N] [--seed S] [--stride K] [--only calls|reference|inference|training|threads|functions]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "parts.h"
#include "recurrence/kernels.h"

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
    else
      return std::fprintf(stderr, "see the top of tests/kernels/check/main.cc for what it takes\n"), 2;
  }
  setenv("LATCHWORK_THREADS", "4", 0);  // more than one, whatever the machine
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
