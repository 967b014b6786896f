// The page's tables of cells and layers: whole, drawable, and as tests/page_table.py reads them (PAGE_TABLE, from
// test_table.py). Every row's gradient against finite differences.

import assert from "node:assert/strict";
import { test } from "node:test";

import { shownAs, vectorOf } from "../../web/draw/vectors.js";
import { layoutOf } from "../../web/draw/layouts.js";
import { CELLS, partOf, traced } from "../../web/engine/cells.js";
import { buildLayer, LAYERS } from "../../web/engine/layers.js";
import { shapesOf } from "../../web/engine/shapes.js";
import { TERMS } from "../../web/terms.js";
import { CURVES } from "../../web/chapters/belt/pen.js";

const [UNITS, INPUTS, TIME] = [4, 3, 5];

// A row's settings beside the units: whatever its equation branches on.
const VARIANTS = {
  SimpleRNN: [{ activation: "tanh" }, { activation: "relu" }],
  GRU: [{ activation: "tanh" }, { activation: "relu" }],
  ResetFirstGRU: [{ activation: "tanh" }, { activation: "relu" }],
  LSTM: [{ activation: "tanh" }, { activation: "relu" }],
  SLSTM: [1, 2, 4].flatMap((heads) =>
    ["sigmoid", "exponential"].map((forget_gate) => ({ heads, forget_gate })),
  ),
};

const cases = Object.keys(CELLS).flatMap((kind) =>
  (VARIANTS[kind] ?? [{}]).map((own) => ({ kind, units: UNITS, ...own })),
);
const named = ({ kind, units, ...own }) => [kind, ...Object.values(own)].join();

// Numbers that look random and are the same each time.
function numbers(count, seed, size = 0.9) {
  return Float64Array.from({ length: count }, (_, at) => {
    const wave = Math.sin((at + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return size * (2 * (wave - Math.floor(wave)) - 1);
  });
}

function build(spec, inputs = INPUTS) {
  const arrays = Object.entries(shapesOf(spec, inputs)).map(
    ([name, shape], at) => [
      name,
      numbers(
        shape.reduce((size, part) => size * part, 1),
        at + 1,
      ),
    ],
  );
  return buildLayer(spec, Object.fromEntries(arrays));
}

const sequence = (seed) =>
  Array.from({ length: TIME }, (_, time) => numbers(INPUTS, seed + time, 2));

// The slope of a sum of all outputs, each weighed, at every number of the input.
function assertSlopes(layer, input, forward, what) {
  const list = (output) => (Array.isArray(output) ? output : [output]);
  const weights = list(forward(input).output).map((step, at) =>
    numbers(step.length, 50 + at),
  );
  const value = () =>
    list(forward(input).output).reduce(
      (sum, step, at) =>
        sum + step.reduce((part, x, unit) => part + x * weights[at][unit], 0),
      0,
    );
  const record = forward(input);
  const found = layer.back(
    record,
    Array.isArray(record.output) ? weights : weights[0],
  );
  list(input).forEach((row, time) =>
    row.forEach((x, feature) => {
      const [step, at] = [1e-5, list(found)[time][feature]];
      row[feature] = x + step;
      const above = value();
      row[feature] = x - step;
      const slope = (above - value()) / (2 * step);
      row[feature] = x;
      assert.ok(
        Math.abs(at - slope) < 1e-7 * Math.max(1, Math.abs(slope)),
        `${what}: ${at} at step ${time}, feature ${feature}; the slope is ${slope}`,
      );
    }),
  );
}

for (const spec of cases) {
  test(`${named(spec)}: its gradient is the slope, every step shown or the last one, either way`, () => {
    for (const return_sequences of [true, false]) {
      for (const reverse of [true, false]) {
        const layer = build({ ...spec, return_sequences, reverse });
        assertSlopes(
          layer,
          sequence(7),
          (input) => layer.forward(input),
          named(spec),
        );
      }
    }
  });

  test(`${named(spec)}: a state that is far from zero flows back as well`, () => {
    const layer = build(spec);
    const state = () =>
      Object.fromEntries(
        layer.cell.states.map((name, at) => [
          name,
          numbers(UNITS, 20 + at).map((x) => (at > 1 ? x + 1.5 : x)),
        ]),
      );
    const x = numbers(INPUTS, 3, 2);
    const weights = Object.fromEntries(
      layer.cell.states.map((name, at) => [name, numbers(UNITS, 30 + at)]),
    );
    const value = (before) => {
      const record = layer.step(x, before);
      return layer.cell.states.reduce(
        (sum, name) =>
          sum +
          record[name].reduce(
            (part, each, unit) => part + each * weights[name][unit],
            0,
          ),
        0,
      );
    };
    const record = layer.step(x, state());
    const [, found] = layer.cell.back(
      layer.parameters,
      record,
      record.before,
      weights,
      spec,
    );
    for (const name of layer.cell.states) {
      for (let unit = 0; unit < UNITS; unit++) {
        const at = (step) => {
          const moved = state();
          moved[name][unit] += step;
          return value(moved);
        };
        const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert.ok(
          Math.abs(found[name][unit] - slope) < 1e-7,
          `${named(spec)}: ${name} ${unit}: ${found[name][unit]}, the slope is ${slope}`,
        );
      }
    }
  });

  test(`${named(spec)}: the arithmetic's numbers and terms add up`, () => {
    const layer = build(spec);
    const { steps } = layer.forward(sequence(11));
    const { cell } = layer;
    for (const step of steps) {
      for (let unit = 0; unit < UNITS; unit++) {
        for (const gate of Object.keys(cell.curves)) {
          if (gate === "candidate" && spec.kind === "SimpleRNN") continue;
          const sum = cell
            .sums(layer.parameters, step, gate, unit, spec)
            .reduce((total, [value]) => total + value, 0);
          const curve = {
            sigmoid: (x) => 1 / (1 + Math.exp(-x)),
            tanh:
              spec.activation === "relu" ? (x) => Math.max(x, 0) : Math.tanh,
            exponential: Math.exp,
          }[cell.curves[gate]];
          assert.ok(
            Math.abs(curve(sum) - step[gate][unit]) < 1e-9,
            `${named(spec)}: ${gate}: ${curve(sum)} of its terms, ${step[gate][unit]} computed`,
          );
        }
      }
      for (const line of cell.lines)
        assert.ok(adds(spec, step, line), `${named(spec)}: ${line}`);
    }
  });
}

// Whether a line of the arithmetic holds: its numbers put in, "×" and "÷" read as they are written.
function adds(spec, step, line) {
  if (spec.activation === "relu") return true; // the line writes the tanh of the belt's network
  const [left, right] = line.replaceAll(";", "").split(" = ");
  const put = (text) =>
    text
      .replace(
        /\{([^|]+)\|[^}]+\}/g,
        (_, name) => `(${vectorOf(spec.kind, step, name)[0]})`,
      )
      .replaceAll("×", "*")
      .replaceAll("÷", "/");
  const value = Function("tanh", `return ${put(right)}`)(Math.tanh);
  return Math.abs(Function(`return ${put(left)}`)() - value) < 1e-9;
}

test("Ahead reads a vector and what is known of the steps to come", () => {
  const spec = { kind: "Ahead", units: UNITS, features: 2, activation: "tanh" };
  const layer = build(spec);
  const known = [numbers(2, 1), numbers(2, 2), numbers(2, 3)];
  assert.equal(layer.forward(numbers(INPUTS, 5), known).output.length, 3);
  assertSlopes(
    layer,
    numbers(INPUTS, 5),
    (input) => layer.forward(input, known),
    "Ahead",
  );
});

test("Conv1D sees neighbours, before and behind or before alone", () => {
  for (const padding of ["same", "causal"]) {
    for (const steps of [1, 2, 3, 7]) {
      const spec = {
        kind: "Conv1D",
        units: UNITS,
        steps,
        padding,
        activation: "tanh",
      };
      const layer = build(spec);
      assertSlopes(
        layer,
        sequence(3),
        (input) => layer.forward(input),
        `Conv1D, ${padding}, ${steps}`,
      );
    }
  }
});

test("every row says all that the page asks of a cell", () => {
  for (const [kind, cell] of Object.entries(CELLS)) {
    const row = (what) => `${kind}: ${what}`;
    assert.equal(cell.states[0], "hidden", row("states"));
    assert.ok(cell.states.length <= 4, row("states"));
    for (const what of ["name", "colour", "says", "words", "drawing"])
      assert.ok(cell[what], row(`has no ${what}`));
    assert.ok(cell.states.includes(cell.memory), row("memory"));
    for (const name of traced(cell)) {
      const part = partOf(kind, name);
      assert.ok(part?.colour, row(`no colour for ${name}`));
      assert.ok(TERMS[part.term], row(`no words for ${name}`));
    }
    for (const curve of Object.values(cell.curves)) {
      assert.ok(CURVES[curve], row(`${curve} is not written`));
      assert.ok(TERMS[curve], row(`${curve} is not explained`));
    }
  }
});

test("every drawing stands on its sheet, and shows vectors that the cell computes", () => {
  for (const spec of cases) {
    const { drawing } = CELLS[spec.kind];
    const [step] = build(spec).forward(sequence(1)).steps;
    for (const width of [390, 1280]) {
      const layout = layoutOf(drawing, width);
      const places = [
        ...drawing.wires.flatMap(([, path]) => path.split(" > ")),
        ...[...drawing.boxes, ...drawing.circles, ...drawing.strips].flatMap(
          ([, places]) => places.split(" > "),
        ),
      ];
      for (const place of places) {
        const [x, y] = layout.point(place);
        assert.ok(
          x >= 0 && x <= layout.width && y >= 0 && y <= layout.height,
          `${spec.kind}, ${width}: ${place} is at ${x}, ${y}`,
        );
      }
    }
    for (const [path, at] of drawing.wires.map(([, path]) => [
      path,
      layoutOf(drawing, 1280),
    ]))
      path
        .split(" > ")
        .map(at.point)
        .reduce((a, b) => {
          assert.ok(
            a[0] === b[0] || a[1] === b[1],
            `${spec.kind}: ${path} is askew`,
          );
          return b;
        });
    for (const [vector] of drawing.strips) {
      assert.ok(partOf(spec.kind, shownAs(spec.kind, vector)), vector);
      assert.ok(
        vectorOf(spec.kind, step, vector).every(Number.isFinite),
        `${spec.kind}: ${vector}`,
      );
    }
  }
});

test("Python reads the same rows", () => {
  const read = JSON.parse(process.env.PAGE_TABLE);
  const plain = ({ gates = [], states = [], parameters }) => ({
    gates,
    states,
    parameters,
  });
  const own = (table) =>
    Object.fromEntries(
      Object.entries(table).map(([kind, row]) => [kind, plain(row)]),
    );
  assert.deepEqual(read, { cells: own(CELLS), layers: own(LAYERS) });
});
