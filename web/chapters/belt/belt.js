// Chapter 2: the conveyor belt. Step a trained cell through a real sequence and watch every gate.

import { choices, h } from "latchwork/draw/dom.js";
import { PAUSE, PLAY } from "latchwork/draw/icons.js";
import { narrate, whence, writeArithmetic } from "latchwork/chapters/belt/arithmetic.js";
import { drawCell } from "latchwork/chapters/belt/diagram.js";
import { loadSequences } from "latchwork/chapters/belt/sequences.js";
import { drawStrip } from "latchwork/chapters/belt/strip.js";
import { drawSequence } from "latchwork/chapters/belt/timeline.js";
import { drawTogether, introduce } from "latchwork/chapters/belt/together.js";
import { CELLS, partOf } from "latchwork/engine/cells.js";

const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const STEP_MILLISECONDS = 900;

/** Build the chapter's figure inside `root`. */
export async function mountBelt(root) {
  const { cells, units, ...sequences } = await loadSequences();
  const state = { cell: cells[0], sequence: "dish", time: 0, unit: 0, timer: null };
  let run;
  let diagram;
  let strips;
  let timeline;
  let together;

  const stage = h("div", { class: "belt-stage" });
  const say = h("p", { class: "note" });
  const when = h("output", { class: "when" });
  const story = h("p", { class: "story" });
  const equations = h("div", { class: "equations" });
  const origin = h("p", { class: "note origin", "aria-live": "polite" });
  const sequenceBox = h("div", { class: "sequence" });
  const heat = h("div", { class: "heat" });
  const threeCells = h("div", { class: "heat together" });
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

  const cellChooser = choices(
    "The cell",
    cells.map((value) => ({ value, label: CELLS[value].name })),
    state.cell,
    chooseCell,
  );
  const unitChooser = choices(
    "Unit",
    Array.from({ length: units }, (_, unit) => ({ value: unit, label: String(unit + 1) })),
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
        cellChooser,
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
        "Each square is one number. In a gate it is strong where the gate is open (1) and faint where it is shut (0); elsewhere it is ",
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
      h(
        "div",
        { class: "belt-right" },
        sequenceBox,
        heat,
        h(
          "p",
          { class: "note" },
          "In each picture a row is one unit and a column one step; the upright line is this step.",
        ),
      ),
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
    h("div", { class: "stage" }, introduce(cells, units), threeCells),
  );
  root.addEventListener("keydown", (event) => {
    if (event.target === slider) return; // it moves by itself
    const [steps, by] = KEYS[event.key] ?? [0, 0];
    if (!steps && !(by && event.target.closest(".unit-row, .belt-stage"))) return;
    event.preventDefault();
    if (steps) pause();
    if (steps) go(state.time + steps);
    else chooseUnit((state.unit + by + units) % units);
  });
  new ResizeObserver(redraw).observe(stage);
  addEventListener("themechange", () => (redraw(), rerun()));
  rebuild();

  function rebuild() {
    say.textContent = CELLS[state.cell].says;
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
      onchoose: scrub,
      onchange: rerun,
    });
    strips = Object.entries(run.trace).map(([name, values]) => {
      const part = partOf(state.cell, name);
      return drawStrip(h("span", { style: `color:var(--${part.colour})` }, name), name, part, values, scrub);
    });
    heat.replaceChildren(...strips.map(({ element }) => element));
    const runs = Object.fromEntries(cells.map((cell) => [cell, cell === state.cell ? run : sequence.run(cell)]));
    together = drawTogether(threeCells, sequence, runs, { onscrub: scrub, oncell: chooseCell });
    show();
  }

  function scrub(time) {
    pause();
    go(time);
  }

  function redraw() {
    diagram = drawCell(state.cell, stage.clientWidth, units, sequences[state.sequence].inputNames, chooseUnit);
    stage.replaceChildren(diagram.element);
    if (run) show();
  }

  function chooseCell(cell) {
    state.cell = cell;
    rebuild();
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
    strips.forEach((strip) => strip.place(state.time));
    together.show(state.time, state.cell);
    writeArithmetic(equations, state.cell, step, state.unit, (asked) =>
      origin.replaceChildren(...[whence(state.cell, run.layer, step, asked, state.unit)].flat()),
    );
    story.textContent = narrate(state.cell, step);
    press(unitChooser, state.unit);
    press(cellChooser, cells.indexOf(state.cell));
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

function press(chooser, chosen) {
  [...chooser.children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === chosen)));
}
