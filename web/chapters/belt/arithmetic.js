// One unit's step written out in numbers, each of which can be asked where it comes from.

import { figure, h } from "latchwork/draw/dom.js";

// The order in which each cell's gates stand in its weights.
const ORDER = {
  LSTM: ["input", "forget", "candidate", "output"],
  GRU: ["reset", "update", "candidate"],
  SimpleRNN: ["hidden"],
};

/** The lines of a cell's arithmetic for one unit: each a list of words, and of numbers { value, name, says }. */
const LINES = {
  LSTM: (step, u) => [
    [
      number(step.cell[u], "cell", "new memory"),
      "=",
      number(step.forget[u], "forget", "keep"),
      "×",
      number(step.before.cell[u], "cell", "old memory"),
      "+",
      number(step.input[u], "input", "let in"),
      "×",
      number(step.candidate[u], "candidate", "proposal"),
    ],
    [
      number(step.hidden[u], "hidden", "shown"),
      "=",
      number(step.output[u], "output", "show"),
      "× tanh(",
      number(step.cell[u], "cell", "new memory"),
      ")",
    ],
  ],
  GRU: (step, u) => [
    [
      number(step.hidden[u], "hidden", "new state"),
      "=",
      number(step.update[u], "update", "keep"),
      "×",
      number(step.before.hidden[u], "hidden", "old state"),
      "+",
      number(1 - step.update[u], "update", "the rest"),
      "×",
      number(step.candidate[u], "candidate", "proposal"),
    ],
  ],
  SimpleRNN: (step, u) => [
    [
      number(step.hidden[u], "hidden", "new state"),
      "= tanh(",
      number(Math.atanh(clip(step.hidden[u])), "hidden", "input and old state, weighed and summed"),
      ")",
    ],
  ],
};

const number = (value, name, says) => ({ value, name, says });
const clip = (value) => Math.min(1 - 1e-9, Math.max(value, 1e-9 - 1));

/** Write the arithmetic of one unit of one step into `root`; `onask(name)` is called when a gate's number is chosen. */
export function writeArithmetic(root, kind, step, unit, onask) {
  root.replaceChildren(
    ...LINES[kind](step, unit).map((line) =>
      h(
        "p",
        { class: "equation" },
        line.map((part) => (typeof part === "string" ? h("span", { class: "sign" }, part) : token(part, kind, onask))),
      ),
    ),
  );
}

function token({ value, name, says }, kind, onask) {
  const askable = ORDER[kind].includes(name) && name !== "hidden";
  return h(
    askable ? "button" : "span",
    {
      class: "token",
      style: `--colour:var(--${name})`,
      ...(askable && { type: "button", onclick: () => onask(name) }),
    },
    h("b", {}, figure(value)),
    h("small", {}, says),
  );
}

/** Where a gate's number comes from: the input's part, the hidden state's and the bias, before the S-curve. */
export function whence(kind, layer, step, gate, unit) {
  const { parameters, units } = layer;
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
  const curve = gate === "candidate" ? "tanh" : "σ";
  return `${gate}, unit ${unit + 1}: ${curve}( ${figure(fromInput)} from the input + ${figure(fromHidden)} from the hidden state + ${figure(bias)} bias ) = ${figure(step[gate][unit])}`;
}
