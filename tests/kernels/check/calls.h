// The kernels called on a case, into arrays of their own.
#pragma once

#include "compare.h"

namespace check {

struct Results {
  Floats outputs, final_hidden, final_states[kMostStates], saved;

  Results(const Case& c, bool saves)
      : outputs(c.shape.batch * c.shape.time * c.shape.hidden, 1),
        final_hidden(c.shape.batch * c.shape.hidden, 2),
        saved(saves ? latchwork::saved_floats(c.kind, c.shape) : 0) {
    for (int s = 0; s < latchwork::kind_shape(c.kind).states; ++s)
      final_states[s] = Floats(c.shape.batch * c.shape.hidden, s);
  }

  latchwork::Results pointers(bool saves) {
    latchwork::Results to{outputs.data(), final_hidden.data(), {}, saves ? saved.data() : nullptr, false};
    for (int s = 0; s < kMostStates; ++s)
      to.final_states[s] = final_states[s].size() ? final_states[s].data() : nullptr;
    return to;
  }
  bool intact() const {
    for (const Floats& state : final_states)
      if (!state.intact()) return false;
    return outputs.intact() && final_hidden.intact() && saved.intact();
  }
};

struct Gradients {
  Floats tensors[kTensors];

  explicit Gradients(const Case& c) {
    for (int tensor = 0; tensor < kTensors; ++tensor)
      if (c.wanted[tensor]) tensors[tensor] = Floats(size_of(c, tensor), tensor % 4);
  }

  latchwork::Gradients pointers(const Case& c) {
    const auto at = [&](int tensor) { return c.wanted[tensor] ? tensors[tensor].data() : nullptr; };
    return {at(0), at(1), at(2), at(3), at(4), {at(5), at(6), at(7)}, at(8), {at(9), at(10), at(11)}};
  }
  bool intact() const {
    for (const Floats& tensor : tensors)
      if (!tensor.intact()) return false;
    return true;
  }
};

// Both passes over all members in one call each.
struct Outcome {
  std::vector<Results> results;
  std::vector<Gradients> gradients;

  Outcome(const Case& c, int threads, bool saves = true) {
    std::vector<latchwork::Operands> operands;
    std::vector<latchwork::Results> into;
    for (const Member& m : c.members) {
      results.emplace_back(c, saves);
      operands.push_back(c.operands(m));
    }
    for (Results& r : results) into.push_back(r.pointers(saves));
    const auto count = static_cast<int64_t>(c.members.size());
    latchwork::forward(c.kind, c.shape, c.reverse, operands.data(), into.data(), count, threads);
    if (!saves) return;
    std::vector<latchwork::Cotangents> by;
    std::vector<latchwork::Gradients> wanted;
    for (std::size_t i = 0; i < c.members.size(); ++i) {
      const Member& m = c.members[i];
      gradients.emplace_back(c);
      by.push_back({results[i].outputs.data(),
                    results[i].saved.data(),
                    given(m.by_outputs),
                    given(m.by_final_hidden),
                    {given(m.by_final_states[0]), given(m.by_final_states[1]), given(m.by_final_states[2])}});
    }
    for (Gradients& g : gradients) wanted.push_back(g.pointers(c));
    latchwork::backward(c.kind, c.shape, c.reverse, operands.data(), by.data(), wanted.data(), count, threads);
  }

  // To the last bit; NaN in what nobody writes is the same NaN.
  bool equals(const Outcome& other) const {
    const auto same = [](const Floats& a, const Floats& b) {
      return a.size() == b.size() && (!a.size() || !std::memcmp(a.data(), b.data(), a.size() * sizeof(float)));
    };
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!same(results[i].outputs, other.results[i].outputs)) return false;
      if (!same(results[i].final_hidden, other.results[i].final_hidden)) return false;
      for (int s = 0; s < kMostStates; ++s)
        if (!same(results[i].final_states[s], other.results[i].final_states[s])) return false;
      for (int tensor = 0; tensor < kTensors && i < gradients.size(); ++tensor)
        if (!same(gradients[i].tensors[tensor], other.gradients[i].tensors[tensor])) return false;
    }
    return true;
  }
};

// What forward gave, against the reference.
inline void compare_results(const Case& c, const Expected& e, const Results& got, const std::string& prefix,
                            Report& report) {
  const auto joined = [&](auto part) {
    Doubles all;
    for (const Sequence& s : e.sequences) all.insert(all.end(), part(s).begin(), part(s).end());
    return all;
  };
  report.compare(c, prefix + "outputs", joined([](const Sequence& s) -> auto& { return s.outputs; }),
                 got.outputs.data());
  report.compare(c, prefix + "final hidden", joined([](const Sequence& s) -> auto& { return s.final_hidden; }),
                 got.final_hidden.data());
  for (int state = 0; state < latchwork::kind_shape(c.kind).states; ++state)
    report.compare(c, prefix + "final states",
                   joined([&](const Sequence& s) -> auto& { return s.final_states[state]; }),
                   got.final_states[state].data());
  report.expect(got.intact(), c, "forward wrote beyond its results");
}

}  // namespace check
