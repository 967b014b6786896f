// The cells side by side at the same step of the same sequence: what each remembers, and what it would answer.

import { h } from "latchwork/draw/dom.js";
import { CELLS, partOf } from "latchwork/engine/cells.js";
import { drawStrip } from "latchwork/chapters/belt/strip.js";

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** The heading, and what is seen: a list of elements. */
export function introduce(cells, units) {
  const count = NUMBERS[cells.length] ?? cells.length;
  const termOf = (cell) => partOf(cell, CELLS[cell].memory).term;
  const terms = [...new Set(cells.map(termOf))];
  const memories = terms.flatMap((term, at) => {
    const own = cells.filter((cell) => termOf(cell) === term);
    const last = at > 0 && at === terms.length - 1;
    const owners = last ? "the others’" : own.map((cell) => `the ${CELLS[cell].name}’s`).join(" and ");
    return [`${at ? ", " : ""}${owners} `, h("button", { type: "button", class: "term", "data-term": term }, term)];
  });
  return [
    h("h3", {}, `All ${count} at this step`),
    h(
      "p",
      { class: "note" },
      `The same sequence, read by ${count} networks of ${NUMBERS[units] ?? units} units. Each picture is what that network remembers: `,
      ...memories,
      "; beside it what it would answer now. Stripes that stay are memory; what changes from column to column follows what is read.",
    ),
  ];
}

/**
 * @param {HTMLElement} root
 * @param {object} sequence one of `loadSequences`
 * @param {Object<string, object>} runs by cell, each what the sequence's `run` gave
 * @param {{onscrub(time: number): void, oncell(cell: string): void}} listeners
 * @returns {{show(time: number, cell: string): void}}
 */
export function drawTogether(root, sequence, runs, { onscrub, oncell }) {
  const rows = Object.entries(runs).map(([cell, run]) => {
    const { name, memory } = CELLS[cell];
    const button = h(
      "button",
      { class: "button", type: "button", "aria-label": `${name}: draw it above`, onclick: () => oncell(cell) },
      name,
    );
    const says = h("output");
    const strip = drawStrip(button, memory, partOf(cell, memory), run.trace[memory], onscrub);
    strip.element.append(says);
    return { cell, run, button, says, strip };
  });
  root.replaceChildren(...rows.map(({ strip }) => strip.element));
  return {
    show(time, shown) {
      for (const { cell, run, button, says, strip } of rows) {
        strip.place(time);
        says.textContent = sequence.says(run.answers[time]);
        button.setAttribute("aria-pressed", String(cell === shown));
      }
    },
  };
}
