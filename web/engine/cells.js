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

import { ACTIVATIONS, concatenate, logSigmoid, sigmoid } from "latchwork/engine/algebra.js";
import { affine, split, transposed, transposedWithin, weighed } from "latchwork/engine/equation.js";
import { gru } from "latchwork/engine/gru.js";
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
    ...gru(),
    name: "GRU",
    says: "The GRU has no belt of its own: its hidden state is the memory. One gate decides both what stays and what is replaced.",
  },

  ResetFirstGRU: {
    gates: ["reset", "update", "candidate"],
    states: ["hidden"],
    parameters: { input_weight: ["inputs", "3 units"], hidden_weight: ["units", "3 units"], bias: ["3 units"] },
    ...gru({ resetFirst: true }),
    name: "GRU, reset first",
    says: "The GRU as it was first written down: the reset gate decides what is looked at before anything is weighed.",
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

  SLSTM: {
    gates: ["input", "forget", "candidate", "output"],
    states: ["hidden", "cell", "normalizer", "stabilizer"],
    parameters: { input_weight: ["inputs", "4 units"], hidden_weight: ["units", "4 units / heads"], bias: ["4 units"] },
    name: "sLSTM",
    memory: "cell",
    colour: "memory-2",
    parts: {
      cell: { colour: "cell", reach: 6, term: "cell state" },
      normalizer: { colour: "memory-2", reach: 6, term: "normalizer" },
      stabilizer: { colour: "memory-3", reach: 6, term: "stabilizer" },
    },
    kept: ["forget", "before.cell"],
    written: ["input", "candidate"],
    curves: { input: "exponential", forget: "exponential", candidate: "tanh", output: "sigmoid" },
    lines: [
      "{cell|new memory} = ; {forget|keep} × {before.cell|old memory} ; + {input|let in} × {candidate|proposal}",
      "{normalizer|new weight} = ; {forget|keep} × {before.normalizer|old weight} ; + {input|let in}",
      "{hidden|shown} = ; {output|show} × ; {cell|new memory} ÷ {normalizer|new weight}",
    ],

    /**
     * i, f, g, o = x W + h R + b, R within heads;  kept = log f + m, minus infinity before anything was written
     * m' = max(kept, i),  F = exp(kept - m'),  I = exp(i - m')
     * c' = F c + I tanh(g),  n' = F n + I,  h' = sigmoid(o) c' / n'
     */
    step(p, x, { hidden: before, cell: c, normalizer: n, stabilizer: m }, { heads = 1, forget_gate = "sigmoid" }) {
      const [i, f, g, o] = split(affine(p, x, before, heads), 4);
      const logForget = forget_gate === "sigmoid" ? f.map(logSigmoid) : f;
      const kept = logForget.map((a, unit) => (n[unit] === 0 ? -Infinity : a + m[unit]));
      const stabilizer = kept.map((a, unit) => Math.max(a, i[unit]));
      const forget = kept.map((a, unit) => Math.exp(a - stabilizer[unit]));
      const input = i.map((a, unit) => Math.exp(a - stabilizer[unit]));
      const candidate = g.map(Math.tanh);
      const output = o.map(sigmoid);
      const cell = forget.map((a, unit) => a * c[unit] + input[unit] * candidate[unit]);
      const normalizer = forget.map((a, unit) => a * n[unit] + input[unit]);
      const hidden = output.map((a, unit) => (a * cell[unit]) / normalizer[unit]);
      return { input, forget, candidate, output, cell, normalizer, stabilizer, hidden, logForget };
    },
    back(p, step, { cell: c, normalizer: n }, gradient, { heads = 1, forget_gate = "sigmoid" }) {
      const { input, forget, candidate, output, cell, normalizer, logForget } = step;
      const d = Array.from({ length: 4 }, () => new Float64Array(output.length)); // of i, f, g, o
      const [dCell, dNormalizer, dStabilizer] = d.map((each) => each.slice());
      output.forEach((o, unit) => {
        const dShown = (gradient.hidden[unit] * o) / normalizer[unit];
        const dc = gradient.cell[unit] + dShown;
        const dn = gradient.normalizer[unit] - (dShown * cell[unit]) / normalizer[unit];
        const dForget = (dc * c[unit] + dn * n[unit]) * forget[unit];
        const dInput = (dc * candidate[unit] + dn) * input[unit];
        const dm = gradient.stabilizer[unit] - dForget - dInput;
        const leads = forget[unit] === 1; // what was kept is the larger: the stabilizer comes of it
        const dKept = dForget + (leads ? dm : 0);
        d[0][unit] = dInput + (leads ? 0 : dm);
        d[1][unit] = dKept * (forget_gate === "sigmoid" ? 1 - Math.exp(logForget[unit]) : 1);
        d[2][unit] = dc * input[unit] * (1 - candidate[unit] ** 2);
        d[3][unit] = dShown * cell[unit] * (1 - o);
        dCell[unit] = dc * forget[unit];
        dNormalizer[unit] = dn * forget[unit];
        dStabilizer[unit] = dKept;
      });
      const all = concatenate(d);
      const hidden = transposedWithin(heads, all, p.hidden_weight);
      return [
        transposed(all, p.input_weight),
        { hidden, cell: dCell, normalizer: dNormalizer, stabilizer: dStabilizer },
      ];
    },
    sums(p, step, gate, unit, spec) {
      const terms = weighed(["input", "forget", "candidate", "output"])(p, step, gate, unit, spec);
      if (gate === "candidate" || gate === "output") return terms;
      const [before, after] = [step.before.stabilizer[unit], step.stabilizer[unit]];
      if (gate === "input") return [...terms, [-after, "from the stabilizer"]];
      if (step.before.normalizer[unit] === 0) return [[-Infinity, "since nothing was written before"]];
      const exponent = spec.forget_gate === "exponential" ? terms : [[step.logForget[unit], "from its log σ"]];
      return [...exponent, [before - after, "from the stabilizer"]];
    },
    says: "Two belts: the memory, and below it how much was written in all. What is shown is the one divided by the other: an average, in which something striking outweighs all that came before. The thin line remembers how striking, so that no number grows without end.",
    words: {
      sLSTM:
        "The LSTM of xLSTM (Beck and others, 2024): its gates are exponentials, and its memory is an average of all that was written.",
      normalizer: "For each unit, how much was written in all, faded as the memory fades. The memory is divided by it.",
      stabilizer:
        "For each unit, the larger of two exponents: of what is kept and of what comes in. Both gates are divided by it, so that the larger one becomes 1 and the other a share of it.",
      exponential: "A function that grows ever faster: 0 gives 1, each step of 1 up multiplies by 2.72.",
    },
    drawing: {
      layout: {
        wide: {
          height: 646,
          columns: [250, 415, 585, 750],
          x: { kept: 375, after: 690, weight: 690, tap: 800, out: 880, shown: 937 },
          y: {
            written: 186,
            above2: 186,
            belt2: 232,
            divide: 276,
            meet: 292,
            show: 326,
            strip: 378,
            scale: 440,
            boxes: 510,
            line: 574,
            reads: 538,
            foot: 622,
          },
        },
        narrow: {
          height: 600,
          columns: [44, 120, 196, 268],
          x: { kept: 108, weight: 236, tap: 284 },
          y: {
            written: 172,
            above2: 172,
            belt2: 212,
            divide: 246,
            meet: 262,
            show: 286,
            strip: 336,
            scale: 390,
            boxes: 450,
            line: 504,
            reads: 544,
            foot: 574,
          },
        },
      },
      columns: { f: 0, i: 1, write: 1.5, g: 2, between: 2.5, o: 3 },
      wires: [
        ["hidden", "left line > o line > o boxes"],
        ["hidden", "f line > f boxes"],
        ["hidden", "i line > i boxes"],
        ["hidden", "g line > g boxes"],
        ["forget", "f boxes > f belt"],
        ["input", "i boxes > i belt2"],
        ["input", "i meet > write meet"],
        ["candidate", "g boxes > g meet > write meet"],
        ["candidate", "write meet > write belt"],
        ["output", "o boxes > o show > out show"],
        ["hidden", "out divide > out line > right line", "arrow"],
        ["hidden", "shown line > shown leave", "arrow"],
        ["normalizer", "left belt2 > right belt2", "belt over arrow"],
        ["normalizer", "tap belt2 > tap divide > out divide"],
        ["cell", "out belt > out divide", "over"],
        ["cell", "left belt > right belt", "belt arrow"],
        ["stabilizer", "left scale > right scale", "over arrow"],
        ["hidden", "input foot > input line"],
      ],
      boxes: [
        ["forget", "f boxes", "sigmoid"],
        ["input", "i boxes"],
        ["candidate", "g boxes"],
        ["output", "o boxes"],
      ],
      circles: [
        ["×", "f belt"],
        ["+", "write belt"],
        ["×", "f belt2"],
        ["+", "i belt2"],
        ["×", "write meet"],
        ["÷", "out divide", "normalizer"],
        ["×", "out show"],
        ["÷ the larger|÷ larger", "f scale > i scale", "stabilizer"],
      ],
      strips: [
        ["before.cell", "before above", "cell state, before|cell, before"],
        ["kept", "kept above", "what is kept|kept"],
        ["cell", "after above", "cell state, new|cell, new"],
        HIDDEN_AFTER,
        ["before.normalizer", "before above2", "normalizer, before", "wide"],
        ["written", "write written", "what is written|written"],
        ["normalizer", "weight above2", "normalizer, new|normalizer"],
        ["forget", "f strip"],
        ["input", "i strip"],
        ["candidate", "g strip"],
        ["output", "o strip"],
        ["before.stabilizer", "before scale", "stabilizer, before", "wide"],
        ["stabilizer", "between scale", "stabilizer, new|stabilizer"],
        INPUT_STRIP,
        HIDDEN_BEFORE,
      ],
    },
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
