// One step of each cell and its gradient, in the letters of src/latchwork/core/cells.py.
//
// A cell is { gates, states, shapes, step, back }:
//   shapes(features, units)                     -> the shapes of its arrays by name
//   step(parameters, x, state)                  -> record: each gate and each new state by name, Float64Array [units]
//   back(parameters, record, state, gradient)   -> [gradient of x, gradient of the state before]
// where `state` and `gradient` hold { hidden } or { hidden, cell }.

import { add, addProduct, concatenate, sigmoid, transposedProduct } from "latchwork/engine/algebra.js";

const ACTIVATIONS = {
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y },
  relu: { value: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
};

/** h' = activation(x W + h U + b) */
function simpleRNN({ activation = "tanh" }) {
  const { value, slope } = ACTIVATIONS[activation];
  return {
    gates: [],
    states: ["hidden"],
    shapes: (features, units) => shapesOf(features, units, 1),
    step(p, x, { hidden }) {
      return { hidden: affine(p.bias, x, p.input_weight, hidden, p.hidden_weight).map(value) };
    },
    back(p, { hidden }, state, gradient) {
      const d = hidden.map((h, unit) => gradient.hidden[unit] * slope(h));
      return [transposed(d, p.input_weight), { hidden: transposed(d, p.hidden_weight) }];
    },
  };
}

/** r, z = sigmoid(..), n = tanh(x_n + r * u_n), h' = (1 - z) n + z h, where u = h U + c */
function gru() {
  return {
    gates: ["reset", "update", "candidate"],
    states: ["hidden"],
    shapes: (features, units) => shapesOf(features, units, 3, ["input_bias", "hidden_bias"]),
    step(p, x, { hidden: before }) {
      const [xr, xz, xn] = split(addProduct(Float64Array.from(p.input_bias), x, p.input_weight), 3);
      const [ur, uz, un] = split(addProduct(Float64Array.from(p.hidden_bias), before, p.hidden_weight), 3);
      const reset = xr.map((a, unit) => sigmoid(a + ur[unit]));
      const update = xz.map((a, unit) => sigmoid(a + uz[unit]));
      const candidate = xn.map((a, unit) => Math.tanh(a + reset[unit] * un[unit]));
      const hidden = update.map((z, unit) => (1 - z) * candidate[unit] + z * before[unit]);
      return { reset, update, candidate, hidden, recurrent: un };
    },
    back(p, { reset, update, candidate, recurrent }, { hidden: before }, { hidden: d }) {
      const dn = candidate.map((n, unit) => d[unit] * (1 - update[unit]) * (1 - n * n));
      const dz = update.map((z, unit) => d[unit] * (before[unit] - candidate[unit]) * z * (1 - z));
      const dr = reset.map((r, unit) => dn[unit] * recurrent[unit] * r * (1 - r));
      const dun = dn.map((value, unit) => value * reset[unit]);
      const dBefore = transposed(concatenate([dr, dz, dun]), p.hidden_weight);
      add(
        dBefore,
        update.map((z, unit) => d[unit] * z),
      );
      return [transposed(concatenate([dr, dz, dn]), p.input_weight), { hidden: dBefore }];
    },
  };
}

/**
 * c' = f c + i g,  h' = o tanh(c').
 * `order` is the order of the gates in the weights; without an input gate of its own, i = 1 - f.
 * With peepholes the input and forget gates see c, the output gate sees c'.
 */
function lstm(order, { peepholes = false } = {}) {
  const coupled = !order.includes("input");
  const look = (weights, cell, unit) => (peepholes ? weights[unit] * cell[unit] : 0);
  return {
    gates: ["input", "forget", "candidate", "output"],
    states: ["hidden", "cell"],
    shapes: (features, units) => ({
      ...shapesOf(features, units, order.length),
      ...(peepholes && { input_peephole: [units], forget_peephole: [units], output_peephole: [units] }),
    }),
    step(p, x, { hidden: before, cell: old }) {
      const parts = split(affine(p.bias, x, p.input_weight, before, p.hidden_weight), order.length);
      const z = Object.fromEntries(order.map((gate, index) => [gate, parts[index]]));
      const forget = z.forget.map((a, unit) => sigmoid(a + look(p.forget_peephole, old, unit)));
      const input = coupled
        ? forget.map((f) => 1 - f)
        : z.input.map((a, unit) => sigmoid(a + look(p.input_peephole, old, unit)));
      const candidate = z.candidate.map(Math.tanh);
      const cell = forget.map((f, unit) => f * old[unit] + input[unit] * candidate[unit]);
      const output = z.output.map((a, unit) => sigmoid(a + look(p.output_peephole, cell, unit)));
      const hidden = output.map((o, unit) => o * Math.tanh(cell[unit]));
      return { input, forget, candidate, output, cell, hidden };
    },
    back(p, { input, forget, candidate, output, cell }, { cell: old }, gradient) {
      const shown = cell.map(Math.tanh);
      const dOutput = output.map((o, unit) => gradient.hidden[unit] * shown[unit] * o * (1 - o));
      const dCell = shown.map(
        (s, unit) =>
          gradient.cell[unit] +
          gradient.hidden[unit] * output[unit] * (1 - s * s) +
          (peepholes ? dOutput[unit] * p.output_peephole[unit] : 0),
      );
      const dCandidate = candidate.map((g, unit) => dCell[unit] * input[unit] * (1 - g * g));
      const dInput = input.map((i, unit) => dCell[unit] * candidate[unit] * i * (1 - i));
      // Where i = 1 - f, what opens the one closes the other.
      const dForget = forget.map(
        (f, unit) => dCell[unit] * (old[unit] - (coupled ? candidate[unit] : 0)) * f * (1 - f),
      );
      const dOld = dCell.map(
        (d, unit) =>
          d * forget[unit] +
          (peepholes ? dInput[unit] * p.input_peephole[unit] + dForget[unit] * p.forget_peephole[unit] : 0),
      );
      const byGate = { input: dInput, forget: dForget, candidate: dCandidate, output: dOutput };
      const d = concatenate(order.map((gate) => byGate[gate]));
      return [transposed(d, p.input_weight), { hidden: transposed(d, p.hidden_weight), cell: dOld }];
    },
  };
}

/** For each kind of recurrent layer, the cell that its description asks for. */
export const CELLS = {
  SimpleRNN: simpleRNN,
  GRU: gru,
  LSTM: () => lstm(["input", "forget", "candidate", "output"]),
  PeepholeLSTM: () => lstm(["input", "forget", "candidate", "output"], { peepholes: true }),
  CoupledLSTM: () => lstm(["forget", "candidate", "output"]),
};

function shapesOf(features, units, gates, biases = ["bias"]) {
  const width = gates * units;
  const bias = Object.fromEntries(biases.map((name) => [name, [width]]));
  return { input_weight: [features, width], hidden_weight: [units, width], ...bias };
}

function affine(bias, x, inputWeight, hidden, hiddenWeight) {
  return addProduct(addProduct(Float64Array.from(bias), x, inputWeight), hidden, hiddenWeight);
}

function transposed(d, weight) {
  return transposedProduct(d, weight, weight.length / d.length);
}

function split(array, parts) {
  const size = array.length / parts;
  return Array.from({ length: parts }, (_, part) => array.slice(part * size, (part + 1) * size));
}
