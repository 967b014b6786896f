// The GRU, its reset after the recurrent product or before it: one equation and one drawing.

import { ACTIVATIONS, add, addProduct, concatenate, sigmoid } from "latchwork/engine/algebra.js";
import { entry, split, transposed } from "latchwork/engine/equation.js";
import { HIDDEN_AFTER, INPUT_STRIP } from "latchwork/engine/parts.js";

/** h' = (1 - z) n + z h: what both share. */
export function gru({ resetFirst = false } = {}) {
  return {
    memory: "hidden",
    colour: "update",
    kept: ["update", "before.hidden"],
    written: ["1-update", "candidate"],
    curves: { reset: "sigmoid", update: "sigmoid", candidate: "tanh" },
    lines: [
      "{hidden|new state} = ; {update|keep} × {before.hidden|old state} ; + {1-update|the rest} × {candidate|proposal}",
    ],

    /**
     * r, z = sigmoid(..), h' = (1 - z) n + z h; n = tanh(x_n + r * u_n) with u = h U + c, or tanh(x_n + (r h) U_n)
     */
    step(p, x, { hidden: before }, { activation = "tanh" }) {
      const [xr, xz, xn] = split(
        addProduct(Float64Array.from(resetFirst ? p.bias : p.input_bias), x, p.input_weight),
        3,
      );
      const start = resetFirst ? new Float64Array(3 * before.length) : Float64Array.from(p.hidden_bias);
      const [ur, uz, un] = split(addProduct(start, before, p.hidden_weight), 3);
      const reset = xr.map((a, unit) => sigmoid(a + ur[unit]));
      const update = xz.map((a, unit) => sigmoid(a + uz[unit]));
      const looked = reset.map((r, unit) => r * before[unit]);
      const recurrent = resetFirst
        ? split(addProduct(new Float64Array(3 * before.length), looked, p.hidden_weight), 3)[2]
        : un.map((u, unit) => reset[unit] * u);
      const candidate = xn.map((a, unit) => ACTIVATIONS[activation].value(a + recurrent[unit]));
      const hidden = update.map((z, unit) => (1 - z) * candidate[unit] + z * before[unit]);
      return { reset, update, candidate, hidden, product: un };
    },
    back(p, { reset, update, candidate, product }, { hidden: before }, { hidden: d }, { activation = "tanh" }) {
      const { slope } = ACTIVATIONS[activation];
      const none = new Float64Array(d.length);
      const dn = candidate.map((n, unit) => d[unit] * (1 - update[unit]) * slope(n));
      const dz = update.map((z, unit) => d[unit] * (before[unit] - candidate[unit]) * z * (1 - z));
      const dLooked = transposed(concatenate([none, none, dn]), p.hidden_weight); // by r h, where the reset comes first
      const dr = reset.map(
        (r, unit) => (resetFirst ? dLooked[unit] * before[unit] : dn[unit] * product[unit]) * r * (1 - r),
      );
      const dun = resetFirst ? none : dn.map((value, unit) => value * reset[unit]);
      const dBefore = transposed(concatenate([dr, dz, dun]), p.hidden_weight);
      add(
        dBefore,
        update.map((z, unit) => d[unit] * z + (resetFirst ? dLooked[unit] * reset[unit] : 0)),
      );
      return [transposed(concatenate([dr, dz, dn]), p.input_weight), { hidden: dBefore }];
    },
    sums(p, step, gate, unit) {
      const order = ["reset", "update", "candidate"];
      const at = order.indexOf(gate) * step.hidden.length + unit;
      const input = [entry(step.x, p.input_weight, order, gate, unit), "from the input"];
      if (resetFirst) {
        const { hidden } = step.before;
        const seen = gate === "candidate" ? hidden.map((h, one) => h * step.reset[one]) : hidden;
        return [
          input,
          [entry(seen, p.hidden_weight, order, gate, unit), "from the old hidden state"],
          [p.bias[at], "bias"],
        ];
      }
      const looked = gate === "candidate" ? step.reset[unit] : 1; // its bias is looked at as its product is
      const recurrent = entry(step.before.hidden, p.hidden_weight, order, gate, unit);
      const bias = gate === "candidate" ? 0 : p.hidden_bias[at];
      return [
        input,
        [looked * (recurrent + p.hidden_bias[at] - bias), "from the old hidden state"],
        [p.input_bias[at] + bias, "bias"],
      ];
    },
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
  };
}
