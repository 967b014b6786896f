// Any other model: give it numbers, one step a line, and see its answer and what that leaned on.

import { css, signed } from "latchwork/draw/colour.js";
import { choices, figure, h } from "latchwork/draw/dom.js";
import { embeddedExample } from "latchwork/data.js";
import { FileError } from "latchwork/engine/latch.js";
import { softmax } from "latchwork/engine/algebra.js";
import { inUnits, scaled } from "latchwork/chapters/model/scaling.js";

const EXAMPLE_STEPS = 24;
const MOST_STEPS = 2000;
const MOST_SIGNALS = 40;

export function mountNumbers(root, { document: saved, network, tensors }, inside) {
  const [time, features] = saved.network.input_shape?.length === 2 ? saved.network.input_shape : [null, null];
  const tokens = features === null;
  if (time !== null && !(Number.isInteger(time) && time >= 1 && time <= MOST_STEPS))
    throw new FileError(`Its sequences have ${time} steps: this page reads 1 to ${MOST_STEPS}.`);
  const heard = saved.job === "speech" && ["nothing", ...saved.fitted.symbols.known];
  const classes = heard || saved.fitted?.classes;
  const state = { output: 0 };
  const area = h("textarea", {
    rows: 8,
    class: "numbers",
    spellcheck: "false",
    "aria-label": "The sequence",
    oninput: think,
  });
  const problem = h("p", { class: "error", role: "alert", hidden: "" });
  const answer = h("div", { "aria-live": "polite" });
  const strip = h("div", { class: "influence-strip" });
  area.value =
    embeddedExample() ??
    example(time ?? EXAMPLE_STEPS, tokens ? 1 : features, tokens ? saved.network.layers[0].tokens : 0);
  root.append(
    h(
      "div",
      { class: "text-panel" },
      h(
        "div",
        {},
        h("h3", {}, "Give it a sequence"),
        h(
          "p",
          { class: "note" },
          tokens
            ? "One token number a line."
            : `One step a line, ${features} number${features === 1 ? "" : "s"} in it; a file of numbers can be pasted.`,
        ),
        area,
        problem,
      ),
      h(
        "div",
        {},
        h("h3", {}, "Its answer"),
        answer,
        h("p", { class: "note" }, "What the chosen number leaned on, step by step"),
        strip,
      ),
    ),
  );
  think();

  function think() {
    const rows = parse(area.value);
    const wrong = complaint(rows, tokens ? 1 : features, tokens ? saved.network.layers[0].tokens : Infinity);
    problem.hidden = !wrong;
    problem.textContent = wrong ?? "";
    if (wrong) return;
    state.rows = rows;
    state.input = tokens
      ? rows.map(([token]) => token)
      : scaled(
          rows.map((row) => Float64Array.from(row)),
          tensors,
        );
    state.run = network.run(state.input);
    show();
  }

  function show() {
    const { output } = state.run;
    const last = inUnits(Array.isArray(output) ? output.at(-1) : output, tensors);
    state.output = Math.min(state.output, last.length - 1);
    const shares = (heard || saved.job === "classification") && last.length > 1 ? softmax(last) : null;
    const options = Array.from(last, (value, index) => ({
      value: index,
      label: `${classes?.[index] ?? index + 1}: ${figure(shares ? shares[index] : value)}`,
    }));
    answer.replaceChildren(
      choices("Number of the answer", options, state.output, (index) => ((state.output = index), show())),
    );
    const influence = network
      .influence(state.run, state.input, state.output)
      .map((step) => step.reduce((sum, value) => sum + value, 0));
    const most = Math.max(...influence.map(Math.abs)) || 1;
    strip.replaceChildren(
      ...influence.map((value, step) =>
        h("i", { style: `background:${css(signed(value / most))}`, title: `step ${step + 1}: ${value.toFixed(4)}` }),
      ),
    );
    inside.show(network.traces(state.run), {
      time: state.input.length - 1,
      label: (step) => `step ${step + 1}`,
      signals: signalsOf(state.rows),
    });
  }
}

function parse(text) {
  return text
    .trim()
    .split(/\n+/)
    .map((line) =>
      line
        .trim()
        .split(/[\s,;]+/)
        .map(Number),
    );
}

// What a unit may follow: each number of the input, and the step.
function signalsOf(rows) {
  const columns = rows[0].slice(0, MOST_SIGNALS);
  return {
    "the step": rows.map((_, step) => step),
    ...Object.fromEntries(
      columns.map((_, at) => [columns.length > 1 ? `number ${at + 1}` : "the number", rows.map((row) => row[at])]),
    ),
  };
}

function complaint(rows, features, tokens) {
  if (rows.length > MOST_STEPS) return `${rows.length} steps: this page reads at most ${MOST_STEPS}.`;
  const at = rows.findIndex((row) => row.length !== features || row.some((value) => !Number.isFinite(value)));
  if (at >= 0) return `Line ${at + 1} should hold ${features} number${features === 1 ? "" : "s"}.`;
  const beyond = rows.findIndex(
    ([token]) => Number.isFinite(tokens) && !(Number.isInteger(token) && token >= 0 && token < tokens),
  );
  return beyond < 0 ? null : `Line ${beyond + 1} should hold a whole number from 0 to ${tokens - 1}.`;
}

// Waves of different lengths: something to start from.
function example(steps, features, tokens) {
  const entry = (step, feature) => (tokens ? (step * 7) % tokens : Math.sin((step * (feature + 2)) / 5).toFixed(2));
  return Array.from({ length: steps }, (_, step) =>
    Array.from({ length: features }, (_, feature) => entry(step, feature)).join(" "),
  ).join("\n");
}
