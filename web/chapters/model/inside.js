// Inside a model: every gate of every recurrent layer over the sequence, one row a unit, all live.

import { CELLS, partOf } from "latchwork/engine/cells.js";
import { figure, h, onThemeChange } from "latchwork/draw/dom.js";
import { byBehaviour, paint } from "latchwork/draw/heatmap.js";
import { followers } from "latchwork/chapters/model/unitsearch.js";

const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const SORTED_AFTER = 300; // milliseconds without a new step
const MOST_SORTED = 256; // units; sorting more by behaviour would be felt

/**
 * Heat maps of a network's traces inside `root`.
 *
 * @returns {{root: HTMLElement, show(traces, options): void, unit: () => {layer: number, unit: number},
 *   onchoose: Function}} `show` takes `network.traces(run)` and { time, label(time), signals }, where `signals` names
 *   what a unit may follow, one number a step; `onchoose(time)` may be set by the panel that owns the sequence
 */
export function mountInside(root) {
  const state = { layer: 0, unit: 0, time: 0, traces: [], order: [], sorting: null };
  const layers = h("select", { "aria-label": "Layer", onchange: () => ((state.layer = Number(layers.value)), draw()) });
  const find = h("input", {
    type: "number",
    min: 1,
    value: 1,
    class: "unit-search",
    "aria-label": "Unit",
    oninput: () => choose(Number(find.value) - 1),
  });
  const signal = h("select", { "aria-label": "Find units that follow", onchange: search });
  const found = h("div", { class: "row", "aria-live": "polite" });
  const maps = h("div", {
    class: "heat inside",
    tabindex: 0,
    role: "group",
    "aria-label": "Gates and memories, step by step; the arrow keys move through steps and units",
    onkeydown: move,
  });
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
      "Each picture is one gate or memory: a row for each unit, a column for each step, units that behave alike side by side. Gates are strong where open, faint where shut; the rest is orange above 0, blue below. Point anywhere.",
    ),
    maps,
    words,
    h("div", { class: "row search" }, h("label", {}, "Find units that follow ", signal), found),
  );
  onThemeChange(root, () => state.traces.length && draw());
  const api = {
    root,
    show,
    unit: () => ({ layer: state.layer, unit: state.unit }),
    onchoose: () => {},
    onunit: () => {},
  };
  return api;

  function show(traces, { time, label, signals }) {
    const changed = traces.length !== state.traces.length;
    const moved = traces === state.traces; // the same numbers, seen at another time
    Object.assign(state, { traces, time, label, signals });
    root.hidden = !traces.length;
    if (!traces.length) return;
    if (moved) return mark();
    const names = Object.keys(signals);
    if (names.join() !== [...signal.options].map((option) => option.value).join())
      signal.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    if (changed) {
      state.layer = 0;
      layers.replaceChildren(
        ...traces.map(({ name, kind, units }, value) => h("option", { value }, `${name}: ${kind}, ${units} units`)),
      );
    }
    if (changed || state.order.length !== traces[state.layer].units) state.order = order(traces[state.layer]);
    else sortSoon();
    draw();
  }

  // Sorting is felt in large layers: while steps come one after another the old order stays.
  function sortSoon() {
    clearTimeout(state.sorting);
    state.sorting = setTimeout(() => {
      if (!root.isConnected) return;
      state.order = order(state.traces[state.layer]);
      draw();
    }, SORTED_AFTER);
  }

  // One order for all pictures of a layer, so that a unit stands in the same row in each.
  function order({ kind, trace, units }) {
    const values = trace[CELLS[kind].memory];
    return units <= MOST_SORTED && values.length > 1
      ? byBehaviour(values)
      : Array.from({ length: units }, (_, unit) => unit);
  }

  function draw() {
    const { kind, trace, units } = state.traces[state.layer];
    if (state.order.length !== units) state.order = order(state.traces[state.layer]);
    find.max = units;
    const rows = Object.entries(trace).map(([name, values]) => {
      const canvas = h("canvas", { role: "img", "aria-label": `${name}: ${units} units over ${values.length} steps` });
      const part = partOf(kind, name);
      paint(canvas, values, part, state.order);
      const mark = h("i", { class: "unit-mark" });
      const head = h("i", { class: "playhead" });
      const box = h("div", { class: "heat-canvas", onpointermove: point, onpointerdown: point }, canvas, mark, head);
      return h("div", { class: "heat-row" }, h("span", { style: `color:var(--${part.colour})` }, name), box);
    });
    maps.replaceChildren(...rows);
    mark();
    search();
  }

  function search() {
    const { kind, trace } = state.traces[state.layer];
    const { memory } = CELLS[kind];
    const steps = state.signals[signal.value];
    found.replaceChildren(
      ...followers(trace, [...new Set([memory, "hidden"])], steps).map(({ unit, what, correlation }) =>
        h(
          "button",
          { class: "button", type: "button", onclick: () => choose(unit) },
          `unit ${unit + 1}`,
          h("small", {}, `${what} ${figure(correlation)}`),
        ),
      ),
    );
  }

  function move(event) {
    const [steps, units] = KEYS[event.key] ?? [];
    if (steps === undefined) return;
    event.preventDefault();
    const { trace } = state.traces[state.layer];
    const row = state.order.indexOf(state.unit) + units;
    state.time = Math.min(Math.max(state.time + steps, 0), trace.hidden.length - 1);
    choose(state.order[Math.min(Math.max(row, 0), state.order.length - 1)]);
    if (steps) api.onchoose(state.time);
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
