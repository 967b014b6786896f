// One unit's step written out in numbers, each of which can be asked where it comes from; and the step in words.

import { figure, h } from "latchwork/draw/dom.js";
import { DOES } from "latchwork/chapters/belt/diagram.js";

// The order in which each cell's gates stand in its weights.
const ORDER = {
  LSTM: ["input", "forget", "candidate", "output"],
  GRU: ["reset", "update", "candidate"],
  SimpleRNN: ["hidden"],
};

const number = (value, name, says, asks = null) => ({ value, name, says, asks });
const clip = (value) => Math.min(1 - 1e-9, Math.max(value, 1e-9 - 1));

/**
 * The lines of a cell's arithmetic for one unit: lists of groups that stay together, of signs and of numbers
 * { value, name, says, asks }; `asks` is what `whence` explains.
 */
const LINES = {
  LSTM: (step, u) => [
    [
      [number(step.cell[u], "cell", "new memory"), "="],
      [
        number(step.forget[u], "forget", "keep", "forget"),
        "×",
        number(step.before.cell[u], "cell", "old memory", "before"),
      ],
      [
        "+",
        number(step.input[u], "input", "let in", "input"),
        "×",
        number(step.candidate[u], "candidate", "proposal", "candidate"),
      ],
    ],
    [
      [number(step.hidden[u], "hidden", "shown"), "="],
      [
        number(step.output[u], "output", "show", "output"),
        "× tanh(",
        number(step.cell[u], "cell", "new memory", "cell"),
        ")",
      ],
    ],
  ],
  GRU: (step, u) => [
    [
      [number(step.hidden[u], "hidden", "new state"), "="],
      [
        number(step.update[u], "update", "keep", "update"),
        "×",
        number(step.before.hidden[u], "hidden", "old state", "before"),
      ],
      [
        "+",
        number(1 - step.update[u], "update", "the rest", "rest"),
        "×",
        number(step.candidate[u], "candidate", "proposal", "candidate"),
      ],
    ],
  ],
  SimpleRNN: (step, u) => [
    [
      [number(step.hidden[u], "hidden", "new state"), "="],
      [
        "tanh(",
        number(Math.atanh(clip(step.hidden[u])), "hidden", "input and old state, weighed and summed", "hidden"),
        ")",
      ],
    ],
  ],
};

/** Write the arithmetic of one unit of one step into `root`; `onask(name)` is called when a number is chosen. */
export function writeArithmetic(root, kind, step, unit, onask) {
  root.replaceChildren(
    ...LINES[kind](step, unit).map((groups) =>
      h(
        "p",
        { class: "equation" },
        groups.map((parts) =>
          h(
            "span",
            {},
            parts.map((part) => (typeof part === "string" ? h("span", { class: "sign" }, part) : token(part, onask))),
          ),
        ),
      ),
    ),
  );
}

function token({ value, name, says, asks }, onask) {
  return h(
    asks ? "button" : "span",
    {
      class: "token",
      style: `--colour:var(--${name})`,
      ...(asks && { type: "button", onclick: () => onask(asks) }),
    },
    h("b", {}, figure(value)),
    h("small", {}, says),
  );
}

/** Where a number of the arithmetic comes from, in words. */
export function whence(kind, layer, step, asked, unit) {
  const memory = kind === "LSTM" ? "memory" : "state";
  if (asked === "before") {
    const value = kind === "LSTM" ? step.before.cell[unit] : step.before.hidden[unit];
    return `Old ${memory}, unit ${unit + 1}: ${figure(value)}, as the step before left it. Before the first step it is 0.`;
  }
  if (asked === "cell") return `New memory, unit ${unit + 1}: the result of the line above.`;
  if (asked === "rest")
    return `The rest, unit ${unit + 1}: 1 − ${figure(step.update[unit])}. What is not kept is replaced.`;
  return fromWeights(kind, layer, step, asked, unit);
}

// The input's part, the hidden state's and the bias, before the S-curve.
function fromWeights(kind, { parameters, units }, step, gate, unit) {
  const column = ORDER[kind].indexOf(gate) * units + unit;
  const width = ORDER[kind].length * units;
  const dot = (vector, weight) => vector.reduce((sum, value, row) => sum + value * weight[row * width + column], 0);
  const fromInput = dot(step.x, parameters.input_weight);
  let fromHidden = dot(step.before.hidden, parameters.hidden_weight);
  let bias = (parameters.bias ?? parameters.input_bias)[column];
  if (kind === "GRU") {
    if (gate === "candidate") fromHidden = step.reset[unit] * (fromHidden + parameters.hidden_bias[column]);
    else bias += parameters.hidden_bias[column];
  }
  const curve = gate === "candidate" || gate === "hidden" ? "tanh" : "σ";
  const name = gate === "hidden" ? "new state" : gate;
  return (
    `${name}, unit ${unit + 1}: ${curve}( ${figure(fromInput)} from the input + ${figure(fromHidden)} ` +
    `from the old hidden state + ${figure(bias)} bias ) = ${figure(step[gate][unit])}`
  );
}

/** What a step erased, wrote and showed, in a sentence or two. */
export function narrate(kind, step) {
  const most = (values) =>
    values.reduce((best, value, at) => (Math.abs(value) > Math.abs(values[best]) ? at : best), 0);
  const shown = most(step.hidden);
  const shows = `shows most of unit ${shown + 1} (${figure(step.hidden[shown])})`;
  if (!DOES[kind])
    return `This step keeps nothing as it was: it computes all ${step.hidden.length} numbers anew, and ${shows}.`;
  const [before, kept, written] = ["before", "kept", "written"].map((name) => DOES[kind][name](step));
  const size = (values) => values.reduce((sum, value) => sum + Math.abs(value), 0);
  const erased = before.map((value, unit) => value - kept[unit]);
  const [wipes, writes] = [most(erased), most(written)];
  const keeps = size(before)
    ? `keeps ${Math.round((100 * size(kept)) / size(before))} % of what it remembered (it erases most in unit ${wipes + 1}: ` +
      `${figure(before[wipes])} becomes ${figure(kept[wipes])})`
    : "has nothing to keep yet";
  return `This step ${keeps}, writes most into unit ${writes + 1} (${figure(written[writes])}), and ${shows}.`;
}
