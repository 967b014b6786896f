// One unit's step written out in numbers, each of which can be asked where it comes from; and the step in words.

import { CELLS, partOf } from "latchwork/engine/cells.js";
import { figure, h } from "latchwork/draw/dom.js";
import { baseOf, vectorOf } from "latchwork/draw/vectors.js";
import { CURVES } from "latchwork/chapters/belt/pen.js";

/** Write the arithmetic of one unit of one step into `root`; `onask(asked)` is called when a number is chosen. */
export function writeArithmetic(root, kind, step, unit, onask) {
  root.replaceChildren(
    ...CELLS[kind].lines.map((line) =>
      h(
        "p",
        { class: "equation" },
        line.split(";").map((group, at) =>
          h(
            "span",
            {},
            partsOf(group).map((part) =>
              part.name
                ? token(kind, part, step, unit, at > 0 && onask) // the first one is what the line is about
                : h("span", { class: "sign" }, part.sign),
            ),
          ),
        ),
      ),
    ),
  );
}

// "{forget|keep} × " is a number with its words, then a sign.
function partsOf(group) {
  return group
    .split(/(\{[^}]+\})/)
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text) => {
      const [name, words] = text.startsWith("{") ? text.slice(1, -1).split("|") : [];
      return name ? { name, words } : { sign: text };
    });
}

function token(kind, { name, words }, step, unit, onask) {
  return h(
    onask ? "button" : "span",
    {
      class: "token",
      style: `--colour:var(--${partOf(kind, baseOf(name)).colour})`,
      ...(onask && { type: "button", onclick: () => onask({ name, words }) }),
    },
    h("b", {}, figure(vectorOf(kind, step, name)[unit])),
    h("small", {}, words),
  );
}

/** Where a number of the arithmetic comes from: words, and terms that can be asked about. */
export function whence(kind, { parameters, spec }, step, { name, words }, unit) {
  const cell = CELLS[kind];
  const value = vectorOf(kind, step, name)[unit];
  const said = `${words[0].toUpperCase()}${words.slice(1)}, unit ${unit + 1}: `;
  if (name.startsWith("before."))
    return `${said}${figure(value)}, as the step before left it. Before the first step it is 0.`;
  if (name.startsWith("1-")) return `${said}1 − ${figure(step[baseOf(name)][unit])}. What is not kept is replaced.`;
  if (cell.states.includes(name)) return `${said}the result of the line above.`;
  const gate = baseOf(name);
  const terms = cell.sums(parameters, step, gate, unit, spec);
  return [
    `${cell.states.includes(gate) ? "new state" : gate}, unit ${unit + 1}: `,
    term(cell.curves[gate], CURVES[cell.curves[gate]]),
    "( ",
    ...terms.flatMap(([part, from], at) => [
      `${at ? " + " : ""}${figure(part)} `,
      from === "bias" ? term("bias") : from,
    ]),
    ` ) = ${figure(step[gate][unit])}`,
  ];
}

const term = (name, text) => h("button", { type: "button", class: "term", "data-term": name }, text ?? name);

/** What a step erased, wrote and showed, in a sentence or two. */
export function narrate(kind, step) {
  const most = (values) =>
    values.reduce((best, value, at) => (Math.abs(value) > Math.abs(values[best]) ? at : best), 0);
  const shown = most(step.hidden);
  const shows = `shows most of unit ${shown + 1} (${figure(step.hidden[shown])})`;
  const { kept: keepsSome, memory } = CELLS[kind];
  if (!keepsSome)
    return `This step keeps nothing as it was: it computes all ${step.hidden.length} numbers anew, and ${shows}.`;
  const [before, kept, written] = [`before.${memory}`, "kept", "written"].map((name) => vectorOf(kind, step, name));
  const size = (values) => values.reduce((sum, value) => sum + Math.abs(value), 0);
  const erased = before.map((value, unit) => value - kept[unit]);
  const [wipes, writes] = [most(erased), most(written)];
  const keeps = size(before)
    ? `keeps ${Math.round((100 * size(kept)) / size(before))} % of what it remembered (it erases most in unit ${wipes + 1}: ` +
      `${figure(before[wipes])} becomes ${figure(kept[wipes])})`
    : "has nothing to keep yet";
  return `This step ${keeps}, writes most into unit ${writes + 1} (${figure(written[writes])}), and ${shows}.`;
}
