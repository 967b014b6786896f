// The LSTM and its variants: one equation and one drawing, with what each does otherwise.

import { ACTIVATIONS, concatenate, sigmoid } from "latchwork/engine/algebra.js";
import { affine, split, transposed, weighed } from "latchwork/engine/equation.js";
import { HIDDEN_AFTER, HIDDEN_BEFORE, INPUT_STRIP } from "latchwork/engine/parts.js";

/** c' = f c + i g, h' = o tanh(c'): what the LSTM and its variants share, with peepholes or with i = 1 - f. */
export function lstm(order, { peepholes = false } = {}) {
  const coupled = !order.includes("input");
  const look = (weights, cell, unit) => (peepholes ? weights[unit] * cell[unit] : 0);
  const sums = weighed(order);
  return {
    memory: "cell",
    colour: "cell",
    kept: ["forget", "before.cell"],
    written: ["input", "candidate"],
    curves: { input: "sigmoid", forget: "sigmoid", candidate: "tanh", output: "sigmoid" },
    lines: [
      "{cell|new memory} = ; {forget|keep} × {before.cell|old memory} ; + {input|let in} × {candidate|proposal}",
      "{hidden|shown} = ; {output|show} × tanh( {cell|new memory} )",
    ],
    step(p, x, { hidden: before, cell: old }, { activation = "tanh" }) {
      const bent = ACTIVATIONS[activation].value;
      const parts = split(affine(p, x, before), order.length);
      const z = Object.fromEntries(order.map((gate, index) => [gate, parts[index]]));
      const forget = z.forget.map((a, unit) => sigmoid(a + look(p.forget_peephole, old, unit)));
      const input = coupled
        ? forget.map((f) => 1 - f)
        : z.input.map((a, unit) => sigmoid(a + look(p.input_peephole, old, unit)));
      const candidate = z.candidate.map(bent);
      const cell = forget.map((f, unit) => f * old[unit] + input[unit] * candidate[unit]);
      const output = z.output.map((a, unit) => sigmoid(a + look(p.output_peephole, cell, unit)));
      const hidden = output.map((o, unit) => o * bent(cell[unit]));
      return { input, forget, candidate, output, cell, hidden };
    },
    back(p, { input, forget, candidate, output, cell }, { cell: old }, gradient, { activation = "tanh" }) {
      const { value: bent, slope } = ACTIVATIONS[activation];
      const shown = cell.map(bent);
      const dOutput = output.map((o, unit) => gradient.hidden[unit] * shown[unit] * o * (1 - o));
      const dCell = shown.map(
        (s, unit) =>
          gradient.cell[unit] +
          gradient.hidden[unit] * output[unit] * slope(s) +
          (peepholes ? dOutput[unit] * p.output_peephole[unit] : 0),
      );
      const dCandidate = candidate.map((g, unit) => dCell[unit] * input[unit] * slope(g));
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
    sums(p, step, gate, unit) {
      if (coupled && gate === "input")
        return [...sums(p, step, "forget", unit)].map(([value, words]) => [-value, words]);
      const seen = gate === "output" ? step.cell : step.before.cell;
      const weights = p[`${gate}_peephole`];
      return [...sums(p, step, gate, unit), ...(weights ? [[look(weights, seen, unit), "from the memory"]] : [])];
    },
    words: {
      LSTM: "Long short-term memory (Hochreiter and Schmidhuber, 1997): a recurrent network with a memory line and three gates.",
      "cell state":
        "The LSTM’s long memory: one number for each unit, changed only by gentle erasing and adding. The conveyor belt of the picture.",
      "forget gate": "For each unit, how much of the old memory stays: 1 keeps everything, 0 erases it.",
      "input gate": "For each unit, how much of the new proposal is written into the memory.",
      candidate: "What the cell would write into each unit, between −1 and 1, if the input gate lets it.",
      "output gate": "For each unit, how much of the memory is shown to the outside at this step.",
    },
    drawing: {
      columns: { f: 0, i: 1, write: 1.5, g: 2, o: 3, lookF: -0.25, lookI: 0.75, lookO: 2.75 },
      wires: [
        ["cell", "left belt > right belt", "belt arrow"],
        ["hidden", "left line > o line > o boxes"],
        ...["f", ...(coupled ? [] : ["i"]), "g"].map((x) => ["hidden", `${x} line > ${x} boxes`]),
        ["forget", "f boxes > f belt"],
        coupled ? ["input", "f loop > i loop > i meet > write meet"] : ["input", "i boxes > i meet > write meet"],
        ["candidate", "g boxes > g meet > write meet"],
        ["candidate", "write meet > write belt"],
        ["output", "o boxes > o show > out show"],
        ["cell", "out belt > out show"],
        ["hidden", "out show > out line > right line", "arrow"],
        ["hidden", "shown line > shown leave", "arrow"],
        ...(peepholes ? ["f", "i", "o"] : []).map((x) => {
          const from = `look${x.toUpperCase()}`;
          return ["cell", `${from} belt > ${from} boxes > ${x} boxes`];
        }),
        ["hidden", "input foot > input line"],
      ],
      boxes: [
        ["forget", "f boxes"],
        ...(coupled ? [] : [["input", "i boxes"]]),
        ["candidate", "g boxes"],
        ["output", "o boxes"],
      ],
      circles: [
        ["×", "f belt"],
        ["+", "write belt"],
        ["×", "write meet"],
        ...(coupled ? [["1 −", "i loop"]] : []),
        ["tanh", "out tanh", "tanh"],
        ["×", "out show"],
      ],
      strips: [
        ["before.cell", "before above", "cell state, before|cell, before"],
        ["kept", "kept above", "what is kept|kept"],
        ["cell", "after above", "cell state, new|cell, new"],
        HIDDEN_AFTER,
        ["forget", "f strip"],
        ...(coupled ? [] : [["input", "i strip"]]),
        ["candidate", "g strip"],
        ["output", "o strip"],
        ["written", "write written", "what is written|written"],
        INPUT_STRIP,
        HIDDEN_BEFORE,
      ],
    },
  };
}
