// The three cells side by side at the same step of the same sequence: what each remembers, and what it would answer.

import { h } from "latchwork/draw/dom.js";
import { NAMES } from "latchwork/draw/cells.js";
import { drawStrip } from "latchwork/chapters/belt/strip.js";

/**
 * @param {HTMLElement} root
 * @param {object} sequence one of `loadSequences`
 * @param {Object<string, object>} runs by cell, each what the sequence's `run` gave
 * @param {{onscrub(time: number): void, oncell(cell: string): void}} listeners
 * @returns {{show(time: number, cell: string): void}}
 */
export function drawTogether(root, sequence, runs, { onscrub, oncell }) {
  const rows = Object.entries(runs).map(([cell, run]) => {
    const memory = run.trace.cell ? "cell" : "hidden";
    const button = h(
      "button",
      { class: "button", type: "button", "aria-label": `${NAMES[cell]}: draw it above`, onclick: () => oncell(cell) },
      NAMES[cell],
    );
    const says = h("output");
    const strip = drawStrip(button, memory, run.trace[memory], onscrub);
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
