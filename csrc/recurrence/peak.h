// The most that a core can do: multiply-adds between registers, as many at a time as it takes to hide their
// latency. The benchmark's upper limit.
#pragma once

#include "recurrence/job.h"
#include "recurrence/simd.h"

namespace latchwork::LATCHWORK_BUILD {

inline constexpr int kPeakChains = 12;  // two units, four or five cycles each, and some to spare; fits 16 registers

inline void peak(const void* untyped, const Team& team) {
  const PeakJob& job = *static_cast<const PeakJob*>(untyped);
  const Vec factor = splat(job.factor), term = splat(job.term);
  Vec chains[kPeakChains];  // each starts elsewhere: equal ones would be computed once
  for (int chain = 0; chain < kPeakChains; ++chain) chains[chain] = term * static_cast<float>(chain);
  for (int64_t round = 0; round < job.rounds; ++round) {
#pragma GCC unroll 16
    for (int chain = 0; chain < kPeakChains; ++chain) chains[chain] = chains[chain] * factor + term;
  }
  Vec sum = {};
  for (const Vec& chain : chains) sum += chain;
  store(job.results + team.rank * kWidth, sum);  // so that nothing above may be left out
  if (team.rank == 0) *job.operations = 2.0 * kPeakChains * kWidth * static_cast<double>(job.rounds) * team.size;
}

}  // namespace latchwork::LATCHWORK_BUILD
