// The table of the cells: all that the page knows of each one. A new cell is a row here and nothing else.
//
//   gates, states        as a trace names them; `hidden` is the first state. tests/page_table.py reads these lines
//   parameters           the arrays, each with its sizes: "4 units" is four times the description's `units`
//   step(p, x, state, spec)                  -> record: each gate and each new state by name, Float64Array [units]
//   back(p, record, state, gradient, spec)   -> [gradient of x, gradient of the state before]
//   name, memory, colour what it is called, the state that carries its memory and the palette's colour for that
//   kept, written        the two products that its new memory is the sum of; a cell that keeps nothing has neither
//   curves, sums         the function that each learned sum goes through, and the terms of that sum for one unit
//   lines                one unit's step in numbers: {what|in words}, groups that stay together between semicolons
//   says, words          a sentence beside its drawing, and its terms
//   drawing              its parts at the columns and rows of draw/layouts.js, which `layout` changes
//
// `p` are the arrays, `state` and `gradient` hold each state by name; the letters are those of
// src/latchwork/core/cells.py.

import { ACTIVATIONS, add, addProduct, concatenate, sigmoid } from "latchwork/engine/algebra.js";
import { affine, entry, split, transposed, weighed } from "latchwork/engine/equation.js";
import { lstm } from "latchwork/engine/lstm.js";
import { HIDDEN_AFTER, HIDDEN_BEFORE, INPUT_STRIP, PARTS } from "latchwork/engine/parts.js";

export const CELLS = {
  SimpleRNN: {
    gates: [],
    states: ["hidden"],
    parameters: { input_weight: ["inputs", "units"], hidden_weight: ["units", "units"], bias: ["units"] },
    name: "Simple RNN",
    memory: "hidden",
    colour: "hidden",
    curves: { hidden: "tanh" },
    sums: weighed(["hidden"]),
    lines: ["{hidden|new state} = ; tanh( {sum.hidden|input and old state, weighed and summed} )"],

    /** h' = activation(x W + h U + b) */
    step(p, x, { hidden: before }, { activation = "tanh" }) {
      const sum = affine(p, x, before);
      return { hidden: sum.map(ACTIVATIONS[activation].value), sum };
    },
    back(p, { hidden }, state, gradient, { activation = "tanh" }) {
      const d = hidden.map((h, unit) => gradient.hidden[unit] * ACTIVATIONS[activation].slope(h));
      return [transposed(d, p.input_weight), { hidden: transposed(d, p.hidden_weight) }];
    },
    says: "No gates at all: every step computes the whole state anew, so nothing can rest. Compare how it holds on to things.",
    words: {
      "simple RNN":
        "The plainest recurrent network: the new state is one layer of the input and the old state. Nothing decides what to keep.",
    },
    drawing: {
      layout: {
        wide: { height: 196, y: { line: 122, reads: 86, foot: 170 } },
        narrow: { height: 210, y: { line: 126, reads: 166, foot: 184 } },
      },
      columns: { all: 0 },
      wires: [
        ["hidden", "left line > right line", "arrow"],
        ["hidden", "shown line > shown leave", "arrow"],
        ["hidden", "input foot > input line"],
      ],
      boxes: [["hidden", "all line"]],
      circles: [],
      strips: [HIDDEN_AFTER, INPUT_STRIP, HIDDEN_BEFORE],
    },
  },

  GRU: {
    gates: ["reset", "update", "candidate"],
    states: ["hidden"],
    parameters: {
      input_weight: ["inputs", "3 units"],
      hidden_weight: ["units", "3 units"],
      input_bias: ["3 units"],
      hidden_bias: ["3 units"],
    },
    name: "GRU",
    memory: "hidden",
    colour: "update",
    kept: ["update", "before.hidden"],
    written: ["1-update", "candidate"],
    curves: { reset: "sigmoid", update: "sigmoid", candidate: "tanh" },
    lines: [
      "{hidden|new state} = ; {update|keep} × {before.hidden|old state} ; + {1-update|the rest} × {candidate|proposal}",
    ],

    /** r, z = sigmoid(..), n = tanh(x_n + r * u_n), h' = (1 - z) n + z h, where u = h U + c */
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
    sums(p, step, gate, unit) {
      const order = ["reset", "update", "candidate"];
      const at = order.indexOf(gate) * step.hidden.length + unit;
      const looked = gate === "candidate" ? step.reset[unit] : 1; // its bias is looked at as its product is
      const recurrent = entry(step.before.hidden, p.hidden_weight, order, gate, unit);
      const bias = gate === "candidate" ? 0 : p.hidden_bias[at];
      return [
        [entry(step.x, p.input_weight, order, gate, unit), "from the input"],
        [looked * (recurrent + p.hidden_bias[at] - bias), "from the old hidden state"],
        [p.input_bias[at] + bias, "bias"],
      ];
    },
    says: "The GRU has no belt of its own: its hidden state is the memory. One gate decides both what stays and what is replaced.",
    words: {
      GRU: "Gated recurrent unit (Cho and others, 2014): like an LSTM, with two gates and no separate memory line.",
      "reset gate": "For each unit of a GRU, how much of the old state is looked at when the new proposal is made.",
      "update gate": "For each unit of a GRU, how much of the old state stays; the rest is replaced by the proposal.",
    },
    drawing: {
      layout: { wide: { x: { kept: 470 } }, narrow: { x: { kept: 160 } } },
      columns: { z: 0, rest: 0.5, r: 1, look: 1.5, n: 2 },
      wires: [
        ["hidden", "left belt > right belt", "belt arrow"],
        ["hidden", "branch belt > branch line"],
        ["hidden", "shown belt > shown leave", "arrow"],
        ["hidden", "branch line > n line > n boxes"],
        ["hidden", "z line > z boxes"],
        ["hidden", "r line > r boxes"],
        ["update", "z boxes > z belt"],
        ["update", "z meet > n meet"],
        ["reset", "r boxes > r loop > look loop > look line"],
        ["candidate", "n boxes > n belt"],
        ["hidden", "input foot > input line"],
      ],
      boxes: [
        ["update", "z boxes"],
        ["reset", "r boxes"],
        ["candidate", "n boxes"],
      ],
      circles: [
        ["×", "z belt"],
        ["+", "n belt"],
        ["×", "n meet"],
        ["1 −", "rest meet"],
        ["×", "look line"],
      ],
      strips: [
        ["before.hidden", "before above", "hidden state, before|hidden, before"],
        ["kept", "kept above", "what is kept|kept"],
        HIDDEN_AFTER,
        ["update", "z strip"],
        ["reset", "r strip"],
        ["candidate", "n strip"],
        ["written", "n written", "what is written|written"],
        INPUT_STRIP,
      ],
    },
  },

  LSTM: {
    gates: ["input", "forget", "candidate", "output"],
    states: ["hidden", "cell"],
    parameters: { input_weight: ["inputs", "4 units"], hidden_weight: ["units", "4 units"], bias: ["4 units"] },
    ...lstm(["input", "forget", "candidate", "output"]),
    name: "LSTM",
    says: "The upper line is the belt: the memory rides on it. Below, four small layers read the input and the last hidden state, and decide.",
  },

  PeepholeLSTM: {
    gates: ["input", "forget", "candidate", "output"],
    states: ["hidden", "cell"],
    parameters: {
      input_weight: ["inputs", "4 units"],
      hidden_weight: ["units", "4 units"],
      bias: ["4 units"],
      input_peephole: ["units"],
      forget_peephole: ["units"],
      output_peephole: ["units"],
    },
    ...lstm(["input", "forget", "candidate", "output"], { peepholes: true }),
    name: "Peephole LSTM",
    says: "An LSTM whose gates look at the belt as well: the first two at the old memory, the last one at the new.",
  },

  CoupledLSTM: {
    gates: ["input", "forget", "candidate", "output"],
    states: ["hidden", "cell"],
    parameters: { input_weight: ["inputs", "3 units"], hidden_weight: ["units", "3 units"], bias: ["3 units"] },
    ...lstm(["forget", "candidate", "output"]),
    name: "Coupled LSTM",
    says: "An LSTM that writes just where it forgets: what one gate erases is what the new proposal fills.",
  },
};

/** How a cell's gate or state is shown. */
export function partOf(kind, name) {
  return CELLS[kind].parts?.[name] ?? PARTS[name];
}

/** What a trace has of a cell: its gates, then its states, the hidden one last. */
export function traced({ gates, states }) {
  return [...gates, ...states.slice(1), "hidden"];
}
