// Inside a model: every gate of every recurrent layer over the sequence, one row a unit, all live.

import { colourOf } from "latchwork/draw/colour.js";
import { figure, h } from "latchwork/draw/dom.js";
import { byBehaviour, paint } from "latchwork/draw/heatmap.js";

const MOST_SORTED = 256; // units; sorting more by behaviour would be felt

/**
 * Heat maps of a network's traces inside `root`.
 *
 * @returns {{show(traces, options): void, unit: () => {layer: number, unit: number}, onchoose: Function}} `show` takes
 *   `network.traces(run)` and { time, label(time) }; `onchoose(time)` may be set by the panel that owns the sequence
 */
export function mountInside(root) {
  const state = { layer: 0, unit: 0, time: 0, traces: [], orders: [] };
  const layers = h("select", { "aria-label": "Layer", onchange: () => ((state.layer = Number(layers.value)), draw()) });
  const find = h("input", {
    type: "number",
    min: 1,
    value: 1,
    class: "unit-search",
    "aria-label": "Unit",
    oninput: () => choose(Number(find.value) - 1),
  });
  const maps = h("div", { class: "heat inside" });
  const words = h("p", { class: "note number-text", "aria-live": "polite" });
  root.append(
    h(
      "div",
      { class: "row apart" },
      h("h3", {}, "Inside, while it reads"),
      h("div", { class: "row" }, layers, h("label", { class: "unit-label" }, "unit ", find)),
    ),
    h(
      "p",
      { class: "note" },
      "Each picture is one gate or memory: a row for each unit, a column for each step, units that behave alike side by side. Point anywhere.",
    ),
    maps,
    words,
  );
  addEventListener("themechange", () => state.traces.length && draw());
  const api = { show, unit: () => ({ layer: state.layer, unit: state.unit }), onchoose: () => {}, onunit: () => {} };
  return api;

  function show(traces, { time, label }) {
    const changed = traces.length !== state.traces.length;
    Object.assign(state, { traces, time, label });
    if (changed) {
      state.layer = 0;
      layers.replaceChildren(
        ...traces.map(({ name, kind, units }, value) => h("option", { value }, `${name}: ${kind}, ${units} units`)),
      );
    }
    state.order = order(traces[state.layer]);
    draw();
  }

  // One order for all pictures of a layer, so that a unit stands in the same row in each.
  function order({ trace, units }) {
    const values = trace.cell ?? trace.hidden;
    return units <= MOST_SORTED && values.length > 1
      ? byBehaviour(values)
      : Array.from({ length: units }, (_, unit) => unit);
  }

  function draw() {
    const { trace, units } = state.traces[state.layer];
    if (state.order.length !== units) state.order = order(state.traces[state.layer]);
    find.max = units;
    const rows = Object.entries(trace).map(([name, values]) => {
      const canvas = h("canvas", { role: "img", "aria-label": `${name}: ${units} units over ${values.length} steps` });
      paint(canvas, values, colourOf(name), state.order);
      const mark = h("i", { class: "unit-mark" });
      const head = h("i", { class: "playhead" });
      const box = h("div", { class: "heat-canvas", onpointermove: point, onpointerdown: point }, canvas, mark, head);
      return h("div", { class: "heat-row" }, h("span", { style: `color:var(--${name})` }, name), box);
    });
    maps.replaceChildren(...rows);
    mark();
  }

  function point(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const { trace, units } = state.traces[state.layer];
    const within = (share, size) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
    const time = within((event.clientX - box.left) / box.width, trace.hidden.length);
    state.time = time;
    choose(state.order[within((event.clientY - box.top) / box.height, units)]);
    if (event.type === "pointerdown") api.onchoose(time);
  }

  function choose(unit) {
    const { units } = state.traces[state.layer];
    if (!(unit >= 0 && unit < units)) return;
    const changed = unit !== state.unit;
    state.unit = unit;
    mark();
    if (changed) api.onunit();
  }

  function mark() {
    const { trace, units } = state.traces[state.layer];
    state.unit = Math.min(state.unit, units - 1);
    if (document.activeElement !== find) find.value = state.unit + 1;
    const steps = trace.hidden.length;
    maps.querySelectorAll(".playhead").forEach((head) => (head.style.left = `${((state.time + 0.5) / steps) * 100}%`));
    const row = state.order.indexOf(state.unit);
    maps.querySelectorAll(".unit-mark").forEach((line) => {
      line.style.top = `${(row / units) * 100}%`;
      line.style.height = `${100 / units}%`;
    });
    const numbers = Object.entries(trace).map(
      ([name, values]) => `${name} ${figure(values[Math.min(state.time, steps - 1)][state.unit])}`,
    );
    words.textContent = `Unit ${state.unit + 1}, ${state.label(Math.min(state.time, steps - 1))}: ${numbers.join(", ")}.`;
  }
}
