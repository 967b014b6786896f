// Chapter 2: the conveyor belt. Step a trained cell through a real sequence and watch every gate.

import { choices, h } from "latchwork/draw/dom.js";
import { byBehaviour, paint } from "latchwork/draw/heatmap.js";
import { PAUSE, PLAY } from "latchwork/draw/icons.js";
import { narrate, whence, writeArithmetic } from "latchwork/chapters/belt/arithmetic.js";
import { drawCell } from "latchwork/chapters/belt/diagram.js";
import { CELLS, loadSequences } from "latchwork/chapters/belt/sequences.js";
import { drawSequence } from "latchwork/chapters/belt/timeline.js";
import { NAMES } from "latchwork/draw/cells.js";

const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const STEP_MILLISECONDS = 900;
const SAY = {
  LSTM: "The upper line is the belt: the memory rides on it. Below, four small layers read the input and the last hidden state, and decide.",
  GRU: "The GRU has no belt of its own: its hidden state is the memory. One gate decides both what stays and what is replaced.",
  SimpleRNN:
    "No gates at all: every step computes the whole state anew, so nothing can rest. Compare how it holds on to things.",
};

/** Build the chapter's figure inside `root`. */
export async function mountBelt(root) {
  const sequences = await loadSequences();
  const state = { cell: "LSTM", sequence: "dish", time: 0, unit: 0, timer: null };
  let run;
  let diagram;
  let strips;
  let timeline;

  const stage = h("div", { class: "belt-stage" });
  const say = h("p", { class: "note" });
  const when = h("output", { class: "when" });
  const story = h("p", { class: "story" });
  const equations = h("div", { class: "equations" });
  const origin = h("p", { class: "note origin", "aria-live": "polite" });
  const sequenceBox = h("div", { class: "sequence" });
  const heat = h("div", { class: "heat" });
  const slider = h("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": "Step of the sequence",
    oninput: () => (pause(), go(Number(slider.value))),
  });
  const play = h(
    "button",
    { class: "button", type: "button", onclick: () => (state.timer ? pause() : start()) },
    PLAY(),
    "Run",
  );

  const unitChooser = choices(
    "Unit",
    Array.from({ length: CELL_UNITS }, (_, unit) => ({ value: unit, label: String(unit + 1) })),
    state.unit,
    chooseUnit,
  );

  root.append(
    h(
      "div",
      { class: "stage belt-chapter" },
      h(
        "div",
        { class: "row apart" },
        choices(
          "The cell",
          CELLS.map((value) => ({ value, label: NAMES[value] })),
          state.cell,
          (value) => ((state.cell = value), rebuild()),
        ),
        choices(
          "The sequence",
          [
            { value: "dish", label: "The first day’s dish" },
            { value: "airline", label: "Airline passengers" },
          ],
          state.sequence,
          (value) => ((state.sequence = value), (state.time = 0), rebuild()),
        ),
      ),
      say,
      h(
        "p",
        { class: "note legend" },
        "Each square is one number. In a gate it is strong where the gate is open (1) and pale where it is shut (0); elsewhere it is ",
        h("b", { class: "above" }, "orange above 0"),
        " and ",
        h("b", { class: "below" }, "blue below"),
        ".",
      ),
      h(
        "div",
        { class: "belt-left" },
        stage,
        h(
          "div",
          { class: "row apart controls" },
          when,
          h(
            "div",
            { class: "row" },
            h("button", { class: "button", type: "button", onclick: () => (pause(), go(state.time - 1)) }, "Back"),
            play,
            h(
              "button",
              { class: "button primary", type: "button", onclick: () => (pause(), go(state.time + 1)) },
              "Step",
            ),
          ),
        ),
        slider,
        story,
      ),
      h("div", { class: "belt-right" }, sequenceBox, heat),
      h(
        "div",
        { class: "ledger" },
        h(
          "div",
          { class: "row unit-row" },
          h("h3", {}, h("button", { type: "button", class: "term", "data-term": "unit" }, "Unit")),
          unitChooser,
          h("span", { class: "note" }, "press a number to see where it comes from"),
        ),
        equations,
        origin,
      ),
    ),
  );
  root.addEventListener("keydown", (event) => {
    if (event.target === slider) return; // it moves by itself
    const [steps, units] = KEYS[event.key] ?? [0, 0];
    if (!steps && !(units && event.target.closest(".unit-row, .belt-stage"))) return;
    event.preventDefault();
    if (steps) pause();
    if (steps) go(state.time + steps);
    else chooseUnit((state.unit + units + CELL_UNITS) % CELL_UNITS);
  });
  new ResizeObserver(redraw).observe(stage);
  addEventListener("themechange", () => (redraw(), rerun()));
  rebuild();

  function rebuild() {
    say.textContent = SAY[state.cell];
    origin.textContent = "";
    state.time = Math.min(state.time, sequences[state.sequence].steps - 1);
    slider.max = sequences[state.sequence].steps - 1;
    run = null; // what the other cell computed does not fit this one's drawing
    redraw();
    rerun();
  }

  // The network runs again: the cell, the sequence or a dish was changed.
  function rerun() {
    const sequence = sequences[state.sequence];
    run = sequence.run(state.cell);
    timeline = drawSequence(sequenceBox, state.sequence, sequence, run, {
      onchoose: (time) => (pause(), go(time)),
      onchange: rerun,
    });
    strips = Object.entries(run.trace).map(([name, values]) => strip(name, values));
    heat.replaceChildren(...strips.map(({ element }) => element));
    show();
  }

  function strip(name, values) {
    const canvas = h("canvas", { role: "img", "aria-label": `${name}: each row a unit, each column a step` });
    paint(canvas, values, name, byBehaviour(values));
    const head = h("i", { class: "playhead" });
    const element = h(
      "div",
      { class: "heat-row" },
      h("span", { class: `gate-${name}`, style: `color:var(--${name})` }, name),
      h(
        "div",
        { class: "heat-canvas", onpointerdown: scrub, onpointermove: (event) => event.buttons && scrub(event) },
        canvas,
        head,
      ),
    );
    return { element, head };
  }

  function scrub(event) {
    const box = event.currentTarget.getBoundingClientRect();
    pause();
    go(Math.floor(((event.clientX - box.left) / box.width) * sequences[state.sequence].steps));
  }

  function redraw() {
    diagram = drawCell(state.cell, stage.clientWidth, CELL_UNITS, sequences[state.sequence].inputNames, chooseUnit);
    stage.replaceChildren(diagram.element);
    if (run) show();
  }

  function chooseUnit(unit) {
    state.unit = unit;
    show();
  }

  function go(time) {
    const last = sequences[state.sequence].steps - 1;
    const next = Math.min(Math.max(time, 0), last);
    if (next === last) pause();
    if (next === state.time + 1) diagram.pulse();
    state.time = next;
    show();
  }

  function show() {
    const sequence = sequences[state.sequence];
    const step = run.steps[state.time];
    slider.value = state.time;
    slider.setAttribute("aria-valuetext", sequence.label(state.time));
    when.textContent = `${sequence.label(state.time)}, step ${state.time + 1} of ${sequence.steps}`;
    diagram.show(step, state.unit);
    timeline.show(state.time);
    const share = `${((state.time + 0.5) / sequence.steps) * 100}%`;
    strips.forEach(({ head }) => (head.style.left = share));
    writeArithmetic(
      equations,
      state.cell,
      step,
      state.unit,
      (asked) => (origin.textContent = whence(state.cell, run.layer, step, asked, state.unit)),
    );
    story.textContent = narrate(state.cell, step);
    [...unitChooser.children].forEach((button, unit) => button.setAttribute("aria-pressed", unit === state.unit));
  }

  function start() {
    if (state.time === sequences[state.sequence].steps - 1) state.time = -1;
    play.replaceChildren(PAUSE(), "Pause");
    state.timer = setInterval(
      () => go(state.time + 1),
      state.sequence === "airline" ? STEP_MILLISECONDS / 4 : STEP_MILLISECONDS,
    );
    go(state.time + 1);
  }

  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    play.replaceChildren(PLAY(), "Run");
  }
}

const CELL_UNITS = 8;
