// One gate or memory over the whole sequence, a row for each unit and a column for each step, under a moving playhead.

import { h } from "latchwork/draw/dom.js";
import { byBehaviour, paint } from "latchwork/draw/heatmap.js";

/**
 * @param {HTMLElement} label what stands before the picture
 * @param {string} name of the gate or state
 * @param {object} part how it is shown
 * @param {Float64Array[]} values [time][units]
 * @param {(time: number) => void} onscrub called when a step is pointed at
 * @returns {{element: HTMLElement, place(time: number): void}}
 */
export function drawStrip(label, name, part, values, onscrub) {
  const canvas = h("canvas", { role: "img", "aria-label": `${name}: each row a unit, each column a step` });
  paint(canvas, values, part, byBehaviour(values));
  const head = h("i", { class: "playhead" });
  const scrub = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    onscrub(Math.floor(((event.clientX - box.left) / box.width) * values.length));
  };
  const element = h(
    "div",
    { class: "heat-row" },
    label,
    h(
      "div",
      { class: "heat-canvas", onpointerdown: scrub, onpointermove: (event) => event.buttons && scrub(event) },
      canvas,
      head,
    ),
  );
  return { element, place: (time) => (head.style.left = `${((time + 0.5) / values.length) * 100}%`) };
}
