// The three cells as the article draws them. What they are drawn with is in pen.js.

import { Pen } from "latchwork/chapters/belt/pen.js";

// Two sizes of one drawing. Columns are the gates', rows from top to bottom; what a cell does not have it leaves out.
const WIDE = {
  width: 1000,
  height: 500,
  square: 16,
  box: [64, 36],
  circle: 15,
  gates: [215, 390, 565, 740],
  threeGates: [250, 470, 700],
  out: 870,
  left: 20,
  branch: 40, // where a GRU's memory is read from
  right: 984,
  shown: 930, // where the hidden state leaves upwards
  onBelt: [86, 345, 680], // the memory before, what is kept of it, the new one
  onHidden: [86, 470], // the new one leaves at the top
  said: [" state, before", "what is kept", " state, new"],
  top: 26,
  above: 72, // strips over the belt
  belt: 118,
  written: 176,
  writes: "what is written",
  meet: 222,
  tanh: 172,
  show: 240,
  strip: 292,
  boxes: 362,
  line: 426,
  input: 76,
  hiddenAt: 20,
  reads: -36, // the old hidden state's strip, from the line
};
const NARROW = {
  width: 340,
  height: 470,
  square: 7.6,
  box: [44, 28],
  circle: 11,
  gates: [42, 118, 194, 268],
  threeGates: [62, 160, 258],
  out: 312,
  left: 4,
  branch: 8,
  right: 336,
  shown: 331,
  onBelt: [36, 102, 218],
  onHidden: [36, 160],
  said: [", before", "kept", ", new"],
  top: 20,
  above: 76,
  belt: 116,
  written: 168,
  writes: "written",
  meet: 206,
  tanh: 158,
  show: 222,
  strip: 266,
  boxes: 332,
  line: 386,
  input: 20,
  hiddenAt: 68,
  reads: 40,
};
const NARROW_BELOW = 640; // pixels of the figure
const [RIGHT, UP] = [
  [1, 0],
  [0, -1],
];
const ROOM = 50; // over the line of a cell without a belt

const times = (a, b) => a.map((value, unit) => value * b[unit]);

/** What each step does to the memory, number by number: what is kept of the old, and what is written. */
export const DOES = {
  LSTM: {
    before: (step) => step.before.cell,
    kept: (step) => times(step.forget, step.before.cell),
    written: (step) => times(step.input, step.candidate),
  },
  GRU: {
    before: (step) => step.before.hidden,
    kept: (step) => times(step.update, step.before.hidden),
    written: (step) =>
      times(
        step.update.map((z) => 1 - z),
        step.candidate,
      ),
  },
};

/**
 * Draw one cell.
 *
 * @param {string} kind LSTM, GRU or SimpleRNN
 * @param {number} available the figure's width in pixels
 * @param {number} units how many squares a vector has
 * @param {string[]} inputNames what the numbers of the input are
 * @param {(unit: number) => void} onchoose called when a square is chosen
 * @returns {{element: SVGElement, show(step: object, unit: number): void, pulse(): void}}
 */
export function drawCell(kind, available, units, inputNames, onchoose) {
  const size = available < NARROW_BELOW ? NARROW : WIDE;
  const at = { LSTM: size, GRU: { ...size, onBelt: size.onHidden }, SimpleRNN: lowered(size) }[kind];
  const pen = new Pen(at, units, onchoose);
  DRAW[kind](pen, at);
  entrances(pen, at, inputNames);
  return {
    element: pen.finish(`One step of a ${kind} cell`),
    show: (step, unit) => pen.show(step, unit),
    pulse: () => pen.pulse(),
  };
}

// A simple RNN has nothing over its one line: the drawing is cut down to it.
function lowered(at) {
  const up = at.line - at.above - ROOM;
  return { ...at, height: at.height - up, line: at.line - up };
}

// What every cell reads: the input from below, the hidden state from the left.
function entrances(pen, at, inputNames) {
  const foot = at.height - 26;
  pen.wire(`M${at.input} ${foot}V${at.line}`, "hidden");
  pen.strip("input-vector", at.input, foot, "input", (step) => step.x, { names: inputNames, beside: true });
  if (at.onBelt.length < 3) return; // the memory above is what is read
  pen.strip("hidden", at.hiddenAt, at.line + at.reads, "hidden, before", (step) => step.before.hidden, {
    term: "hidden state",
  });
}

// The hidden state leaves twice, as in the article: to the right for the next step, upwards for the layers above.
function leave(pen, at, from) {
  pen.wire(`M${at.shown} ${from}V${at.top + 20}`, "hidden");
  pen.arrow(at.shown, at.top + 20, UP, "hidden");
  pen.strip("hidden", at.shown, at.top, "hidden, new", (step) => step.hidden, { term: "hidden state" });
}

// The upper line: the memory that rides along, and what is left of it after each operation on it.
function ride(pen, at, kind, name) {
  const term = `${name} state`;
  const reads = [DOES[kind].before, DOES[kind].kept, (step) => step[name]];
  at.onBelt.forEach((x, index) => {
    const title = index === 1 ? at.said[1] : `${name}${at.said[index]}`;
    pen.strip(name, x, at.above, title, reads[index], { term: index === 1 ? null : term });
  });
  pen.wire(`M${at.left} ${at.belt}H${at.right}`, name, { wide: true });
  pen.arrow(at.right, at.belt, RIGHT, name);
}

const DRAW = {
  LSTM(pen, at) {
    const [f, i, g, o] = at.gates;
    const write = (i + g) / 2;
    ride(pen, at, "LSTM", "cell");
    pen.wire(`M${at.left} ${at.line}H${o}V${at.boxes}`, "hidden");
    for (const x of [f, i, g]) pen.wire(`M${x} ${at.line}V${at.boxes}`, "hidden");
    pen.wire(`M${f} ${at.boxes}V${at.belt}`, "forget");
    pen.wire(`M${i} ${at.boxes}V${at.meet}H${write}`, "input");
    pen.wire(`M${g} ${at.boxes}V${at.meet}H${write}`, "candidate");
    pen.wire(`M${write} ${at.meet}V${at.belt}`, "candidate");
    pen.wire(`M${o} ${at.boxes}V${at.show}H${at.out}`, "output");
    pen.wire(`M${at.out} ${at.belt}V${at.show}`, "cell");
    pen.wire(`M${at.out} ${at.show}V${at.line}H${at.right}`, "hidden");
    pen.arrow(at.right, at.line, RIGHT, "hidden");
    leave(pen, at, at.line);
    pen.box(f, at.boxes, "σ", "forget", "sigmoid");
    pen.box(i, at.boxes, "σ", "input", "sigmoid");
    pen.box(g, at.boxes, "tanh", "candidate", "tanh");
    pen.box(o, at.boxes, "σ", "output", "sigmoid");
    pen.circle(f, at.belt, "×");
    pen.circle(write, at.belt, "+");
    pen.circle(write, at.meet, "×");
    pen.circle(at.out, at.tanh, "tanh", "tanh");
    pen.circle(at.out, at.show, "×");
    const gate = (name, x, term = `${name} gate`) => pen.strip(name, x, at.strip, name, (step) => step[name], { term });
    gate("forget", f);
    gate("input", i);
    gate("candidate", g, "candidate");
    gate("output", o);
    pen.strip("cell", write, at.written, at.writes, DOES.LSTM.written);
  },

  GRU(pen, at) {
    const [z, r, n] = at.threeGates;
    const look = (r + n) / 2;
    ride(pen, at, "GRU", "hidden");
    pen.wire(`M${at.branch} ${at.belt}V${at.line}`, "hidden");
    leave(pen, at, at.belt);
    pen.wire(`M${at.branch} ${at.line}H${n}V${at.boxes}`, "hidden");
    for (const x of [z, r]) pen.wire(`M${x} ${at.line}V${at.boxes}`, "hidden");
    pen.wire(`M${z} ${at.boxes}V${at.belt}`, "update");
    pen.wire(`M${z} ${at.meet}H${n}`, "update");
    pen.wire(`M${r} ${at.boxes}V${at.strip - 38}H${look}V${at.line}`, "reset");
    pen.wire(`M${n} ${at.boxes}V${at.belt}`, "candidate");
    pen.box(z, at.boxes, "σ", "update", "sigmoid");
    pen.box(r, at.boxes, "σ", "reset", "sigmoid");
    pen.box(n, at.boxes, "tanh", "candidate", "tanh");
    pen.circle(z, at.belt, "×");
    pen.circle(n, at.belt, "+");
    pen.circle(n, at.meet, "×");
    pen.circle((z + r) / 2, at.meet, "1 −");
    pen.circle(look, at.line, "×");
    pen.strip("update", z, at.strip, "update", (step) => step.update, { term: "update gate" });
    pen.strip("reset", r, at.strip, "reset", (step) => step.reset, { term: "reset gate" });
    pen.strip("candidate", n, at.strip, "candidate", (step) => step.candidate, { term: "candidate" });
    pen.strip("hidden", n, at.written, at.writes, DOES.GRU.written);
  },

  SimpleRNN(pen, at) {
    const x = (at.left + at.right) / 2;
    pen.wire(`M${at.left} ${at.line}H${at.right}`, "hidden");
    pen.arrow(at.right, at.line, RIGHT, "hidden");
    leave(pen, at, at.line);
    pen.box(x, at.line, "tanh", "hidden", "tanh");
  },
};
