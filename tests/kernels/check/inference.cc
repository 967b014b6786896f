#include "calls.h"
#include "network/cell_arrays.h"
#include "network/server.h"
#include "parts.h"

namespace check {
namespace {

using latchwork::Activation;

std::unique_ptr<latchwork::Weights> packed(const Case& c) {
  return std::make_unique<latchwork::Weights>(c.kind, c.shape.features, c.shape.hidden, c.operands(c.members[0]));
}

// Weights packed once give a sequence whole, and step by step.
void check_weights(const Case& c, Report& report) {
  const Member& m = c.members[0];
  const Expected e = expect(c, m, values_of(c, m));
  const auto weights = packed(c);
  Results got(c, false);
  weights->forward(c.shape.batch, c.shape.time, c.reverse, c.operands(m), got.pointers(false), c.threads);
  compare_results(c, e, got, "packed: ", report);
  if (c.reverse || !m.lengths.empty() || m.mask.size()) return;

  Case one = c;
  one.shape.time = 1;
  const int64_t states = c.shape.batch * c.shape.hidden, inputs = c.shape.batch * c.shape.features;
  Floats hidden(states), cell(latchwork::kind_shape(c.kind).has_cell ? states : 0), now(inputs);
  const auto begin = [](const Floats& from, Floats& to) {
    for (int64_t i = 0; i < to.size(); ++i) to.data()[i] = from.size() ? from.data()[i] : 0.0f;
  };
  begin(m.tensors[8], hidden);
  begin(m.tensors[9], cell);
  Doubles outputs;
  for (int64_t step = 0; step < c.shape.time; ++step) {
    for (int64_t i = 0; i < inputs; ++i) {
      const int64_t row = i / c.shape.features, feature = i % c.shape.features;
      now.data()[i] = m.tensors[0].data()[(row * c.shape.time + step) * c.shape.features + feature];
    }
    latchwork::Operands given{};
    given.inputs = now.data();
    given.hidden_state = hidden.data();
    given.cell_state = check::given(cell);
    Results after(one, false);
    weights->forward(c.shape.batch, 1, false, given, after.pointers(false), c.threads);
    report.expect(after.intact(), c, "a step wrote beyond its results");
    hidden = after.final_hidden;
    cell = after.final_cell;
  }
  Doubles expected_hidden, expected_cell;
  for (const Sequence& s : e.sequences) {
    expected_hidden.insert(expected_hidden.end(), s.final_hidden.begin(), s.final_hidden.end());
    expected_cell.insert(expected_cell.end(), s.final_cell.begin(), s.final_cell.end());
  }
  report.compare(c, "step by step: hidden", expected_hidden, hidden.data());
  if (cell.size()) report.compare(c, "step by step: cell", expected_cell, cell.data());
}

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::tanh: return std::tanh(x);
    case Activation::sigmoid: return sigmoid(x);
    case Activation::relu: return std::fmax(x, 0.0);
    case Activation::none: break;
  }
  return x;
}

Doubles dense(const Doubles& rows, const Floats& weight, const Floats& bias, Activation activation) {
  const int64_t width = bias.size(), depth = weight.size() / width;
  Doubles to;
  for (std::size_t row = 0; row < rows.size() / depth; ++row)
    for (int64_t column = 0; column < width; ++column) {
      double sum = bias.data()[column];
      for (int64_t k = 0; k < depth; ++k) sum += rows[row * depth + k] * weight.data()[k * width + column];
      to.push_back(activate(sum, activation));
    }
  return to;
}

// A recurrent layer that shows every step, or its last one alone, and a dense one: at once, and step by step.
void check_server(const Case& c, Random& random, Report& report) {
  const Member& m = c.members[0];
  if (!c.shape.batch || !c.shape.time) return;
  const bool last_only = random.chance(50);
  const auto activation = static_cast<Activation>(random.from(0, 3));
  Floats weight(c.shape.hidden * random.from(1, 40)), bias(weight.size() / c.shape.hidden);
  for (Floats* array : {&weight, &bias})
    for (int64_t i = 0; i < array->size(); ++i)
      array->data()[i] = random.normal() / static_cast<float>(std::sqrt(c.shape.hidden));

  // The server begins at zero and reads `lengths`; it knows no mask.
  Case plain = c;
  Member& own = plain.members[0];
  own.mask = own.tensors[8] = own.tensors[9] = Floats();
  for (int32_t& length : own.lengths) length = std::max(length, 1);
  const Expected e = expect(plain, own, values_of(plain, own));
  Doubles shown;
  for (const Sequence& s : e.sequences) {
    const Doubles& part = last_only ? s.final_hidden : s.outputs;
    shown.insert(shown.end(), part.begin(), part.end());
  }
  const Doubles expected = dense(shown, weight, bias, activation);

  const latchwork::NetworkDescription network = {
      latchwork::RecurrentDescription{c.kind, c.shape.hidden, c.reverse, false, !last_only, 0, 0},
      latchwork::DenseDescription{bias.size(), activation}};
  std::vector<float> parameters;
  const auto append = [&](const float* from, int64_t count) {
    parameters.insert(parameters.end(), from, from + count);
  };
  latchwork::Operands arrays = plain.operands(own);
  latchwork::visit_cell_arrays(c.kind, c.shape.features, c.shape.hidden, arrays, append);
  append(weight.data(), weight.size());
  append(bias.data(), bias.size());
  const latchwork::Server server(network, {true, false, c.shape.features}, parameters.data(), {}, {});
  latchwork::Given given{};
  given.batch = c.shape.batch;
  given.time = c.shape.time;
  given.inputs = m.tensors[0].data();
  given.lengths = own.lengths.empty() ? nullptr : own.lengths.data();
  Floats got(static_cast<int64_t>(expected.size()), 3);
  report.expect(server.run(given, got.data()), c, "the server refuses finite inputs");
  report.compare(c, "server", expected, got.data());
  report.expect(got.intact(), c, "the server wrote beyond its outputs");
  if (c.reverse || !own.lengths.empty()) return;

  latchwork::ServerState state{c.shape.batch,
                               std::vector<float>(static_cast<std::size_t>(c.shape.batch * server.state_floats()))};
  given.time = 1;
  Floats now(c.shape.batch * c.shape.features), answer(c.shape.batch * bias.size(), 1);
  for (int64_t step = 0; step < c.shape.time; ++step) {
    for (int64_t row = 0; row < c.shape.batch; ++row)
      std::memcpy(now.data() + row * c.shape.features,
                  m.tensors[0].data() + (row * c.shape.time + step) * c.shape.features,
                  c.shape.features * sizeof(float));
    latchwork::ServerState after = state;
    given.inputs = now.data();
    server.advance(given, state, after, answer.data());
    state = after;
  }
  Doubles last;
  for (const Sequence& s : e.sequences) last.insert(last.end(), s.final_hidden.begin(), s.final_hidden.end());
  report.compare(c, "server, step by step", dense(last, weight, bias, activation), answer.data());
  report.expect(answer.intact(), c, "the server's step wrote beyond its outputs");
}

}  // namespace

bool check_inference(int64_t cases, uint64_t seed) {
  Report report;
  for (int64_t i = 0; i < cases; ++i) {
    Case c = Case::random(seed + i);
    c.members.resize(1);
    check_weights(c, report);
    Random random(seed + i);
    check_server(c, random, report);
  }
  return report.print((std::to_string(cases) + " networks packed once, norm of the difference over norm").c_str());
}

}  // namespace check
