// A cell drawn as the article draws it: lines carry vectors, boxes learn, circles act number by number.

import { colourOf, css } from "latchwork/draw/colour.js";
import { s } from "latchwork/draw/dom.js";

// Where things stand, in two sizes of one drawing. Columns: the gates, then the way out.
const WIDE = {
  width: 1000,
  height: 470,
  square: 14,
  columns: [215, 390, 565, 740],
  out: 880,
  left: 25,
  right: 975,
  belt: 96,
  tanh: 152,
  meet: 168,
  strip: 236,
  box: 322,
  line: 396,
  inputAt: 110,
};
const NARROW = {
  width: 400,
  height: 420,
  square: 9,
  columns: [52, 136, 220, 304],
  out: 376,
  left: 2,
  right: 398,
  belt: 84,
  tanh: 124,
  meet: 148,
  strip: 196,
  box: 264,
  line: 326,
  inputAt: 20,
};
const NARROW_BELOW = 640; // pixels of the figure

/**
 * Draw one cell.
 *
 * @param {string} kind LSTM, GRU or SimpleRNN
 * @param {number} available the figure's width in pixels
 * @param {number} units how many squares a vector has
 * @param {(unit: number) => void} onchoose called when a square is chosen
 * @returns {{element: SVGElement, show(step: object, unit: number): void, pulse(): void}}
 */
export function drawCell(kind, available, units, onchoose) {
  const at = available < NARROW_BELOW ? NARROW : WIDE;
  const pen = new Pen(at, units, onchoose);
  DRAW[kind](pen, at);
  pen.entrances();
  return { element: pen.finish(kind), show: (step, unit) => pen.show(step, unit), pulse: () => pen.pulse() };
}

class Pen {
  constructor(at, units, onchoose) {
    this.at = at;
    this.units = units;
    this.onchoose = onchoose;
    this.wires = s("g", { class: "wires" });
    this.parts = s("g");
    this.strips = [];
  }

  /** A line that carries a vector, in the colour of what it carries. */
  wire(points, name) {
    const d = `M${points.map((point) => point.join(" ")).join("L")}`;
    this.wires.append(
      s("path", { d, class: "wire", style: `--colour:var(--${name})` }),
      s("path", { d, class: "pulse", style: `--colour:var(--${name})`, pathLength: 1 }),
    );
  }

  /** A small layer that learns. */
  box(x, y, text, name) {
    const [w, h] = this.at === WIDE ? [64, 36] : [46, 28];
    this.parts.append(
      s("rect", {
        x: x - w / 2,
        y: y - h / 2,
        width: w,
        height: h,
        rx: 7,
        class: "layer",
        style: `--colour:var(--${name})`,
      }),
      s("text", { x, y: y + 5, class: "layer-name" }, text),
    );
  }

  /** An operation on each number by itself. */
  circle(x, y, text) {
    const wide = text.length > 1;
    const [rx, ry] = this.at === WIDE ? [wide ? 26 : 15, 15] : [wide ? 19 : 11, 11];
    this.parts.append(
      s("ellipse", { cx: x, cy: y, rx, ry, class: "operation" }),
      s("text", { x, y: y + (this.at === WIDE ? 5 : 4), class: "operation-name" }, text),
    );
  }

  /** The numbers of a vector as squares, centred at x, with its name above. */
  strip(name, x, y, title, term, read = (step) => step[name]) {
    const size = this.at.square;
    const width = this.units * size;
    const left = Math.min(Math.max(x - width / 2, 2), this.at.width - width - 2);
    const squares = Array.from({ length: this.units }, (_, unit) =>
      s(
        "rect",
        {
          x: left + unit * size,
          y: y - size / 2,
          width: size - 1.5,
          height: size + 4,
          rx: 2,
          class: "cell-square",
          onclick: () => this.onchoose(unit),
        },
        s("title"),
      ),
    );
    const ground = s("rect", {
      x: left - 4,
      y: y - size / 2 - 4,
      width: width + 6.5,
      height: size + 12,
      rx: 5,
      class: "strip-ground",
    });
    const label = s(
      "text",
      {
        x: left + width / 2,
        y: y - size / 2 - 9,
        class: "strip-name",
        style: `--colour:var(--${name})`,
        "data-term": term ?? null,
      },
      title,
    );
    this.parts.append(ground, label, ...squares);
    this.strips.push({ name, title, squares, read });
  }

  /** What comes in from outside: the step before on the left, the sequence from below. */
  entrances() {
    const { left, line, inputAt, height } = this.at;
    this.parts.append(
      s("text", { x: left, y: line - 12, class: "entrance" }, this.at === WIDE ? "hidden, before" : "hidden"),
      s("text", { x: inputAt, y: height - 8, class: "entrance" }, "input"),
    );
  }

  show(step, chosen) {
    for (const { name, title, squares, read } of this.strips) {
      const values = read(step);
      const colour = colourOf(name);
      squares.forEach((square, unit) => {
        square.style.fill = css(colour(values[unit]));
        square.classList.toggle("chosen", unit === chosen);
        square.firstChild.textContent = `${title}, unit ${unit + 1}: ${values[unit].toFixed(3)}`;
      });
    }
  }

  /** Let a pulse run along every wire, from left to right and from below to above, as one step is computed. */
  pulse() {
    for (const pulse of this.wires.querySelectorAll(".pulse")) {
      pulse.getAnimations().forEach((animation) => animation.cancel());
      pulse.animate(
        [
          { strokeDashoffset: 1.25, opacity: 1 },
          { strokeDashoffset: 0, opacity: 1, offset: 0.9 },
          { strokeDashoffset: 0, opacity: 0 },
        ],
        { duration: 700, easing: "ease-in-out" },
      );
    }
  }

  finish(kind) {
    return s(
      "svg",
      {
        viewBox: `0 0 ${this.at.width} ${this.at.height}`,
        class: "cell-diagram",
        role: "img",
        "aria-label": `One step of a ${kind} cell`,
      },
      this.wires,
      this.parts,
    );
  }
}

const halfStrip = (pen, at) => (pen.units * at.square) / 2 + 8;

const DRAW = {
  LSTM(pen, at) {
    const [f, i, g, o] = at.columns;
    const write = (i + g) / 2;
    const merge = at.meet;
    pen.wire(
      [
        [at.left, at.belt],
        [at.right, at.belt],
      ],
      "cell",
    );
    pen.wire(
      [
        [at.left, at.line],
        [o, at.line],
        [o, at.box],
      ],
      "hidden",
    );
    pen.wire(
      [
        [at.inputAt, at.height - 26],
        [at.inputAt, at.line],
      ],
      "hidden",
    );
    for (const x of [f, i, g])
      pen.wire(
        [
          [x, at.line],
          [x, at.box],
        ],
        "hidden",
      );
    pen.wire(
      [
        [f, at.box],
        [f, at.belt],
      ],
      "forget",
    );
    pen.wire(
      [
        [i, at.box],
        [i, merge],
        [write, merge],
      ],
      "input",
    );
    pen.wire(
      [
        [g, at.box],
        [g, merge],
        [write, merge],
      ],
      "candidate",
    );
    pen.wire(
      [
        [write, merge],
        [write, at.belt],
      ],
      "candidate",
    );
    pen.wire(
      [
        [o, at.box],
        [o, at.strip - 40],
        [at.out, at.strip - 40],
      ],
      "output",
    );
    pen.wire(
      [
        [at.out, at.belt],
        [at.out, at.line],
        [at.right, at.line],
      ],
      "cell",
    );
    pen.box(f, at.box, "σ", "forget");
    pen.box(i, at.box, "σ", "input");
    pen.box(g, at.box, "tanh", "candidate");
    pen.box(o, at.box, "σ", "output");
    pen.circle(f, at.belt, "×");
    pen.circle(write, at.belt, "+");
    pen.circle(write, merge, "×");
    pen.circle(at.out, at.tanh - 6, "tanh");
    pen.circle(at.out, at.strip - 40, "×");
    pen.strip("forget", f, at.strip, "forget", "forget gate");
    pen.strip("input", i, at.strip, "input", "input gate");
    pen.strip("candidate", g, at.strip, "candidate", "candidate");
    pen.strip("output", o, at.strip, "output", "output gate");
    ends(pen, at, "cell", (step) => step.before.cell);
    pen.strip("hidden", at.right - halfStrip(pen, at), at.line + 42, "hidden, new", "hidden state");
  },

  GRU(pen, at) {
    const [z, r, n] = at.columns;
    const [keep, look] = [at.meet, (r + n) / 2];
    pen.wire(
      [
        [at.left, at.belt],
        [at.right, at.belt],
      ],
      "hidden",
    );
    pen.wire(
      [
        [at.left, at.line],
        [n, at.line],
        [n, at.box],
      ],
      "hidden",
    );
    pen.wire(
      [
        [at.inputAt, at.height - 26],
        [at.inputAt, at.line],
      ],
      "hidden",
    );
    for (const x of [z, r])
      pen.wire(
        [
          [x, at.line],
          [x, at.box],
        ],
        "hidden",
      );
    pen.wire(
      [
        [z, at.box],
        [z, at.belt],
      ],
      "update",
    );
    pen.wire(
      [
        [z, keep],
        [n, keep],
      ],
      "update",
    );
    pen.wire(
      [
        [r, at.box],
        [r, at.strip - 36],
        [look, at.strip - 36],
        [look, at.line],
      ],
      "reset",
    );
    pen.wire(
      [
        [n, at.box],
        [n, at.belt],
      ],
      "candidate",
    );
    pen.box(z, at.box, "σ", "update");
    pen.box(r, at.box, "σ", "reset");
    pen.box(n, at.box, "tanh", "candidate");
    pen.circle(z, at.belt, "×");
    pen.circle(n, at.belt, "+");
    pen.circle(n, keep, "×");
    pen.circle((z + r) / 2, keep, "1 −");
    pen.circle(look, at.line, "×");
    pen.strip("update", z, at.strip, "update", "update gate");
    pen.strip("reset", r, at.strip, "reset", "reset gate");
    pen.strip("candidate", n, at.strip, "candidate", "candidate");
    ends(pen, at, "hidden", (step) => step.before.hidden);
  },

  SimpleRNN(pen, at) {
    const x = at.columns[1];
    pen.wire(
      [
        [at.left, at.line],
        [x, at.line],
        [x, at.belt],
        [at.right, at.belt],
      ],
      "hidden",
    );
    pen.wire(
      [
        [at.inputAt, at.height - 26],
        [at.inputAt, at.line],
      ],
      "hidden",
    );
    pen.box(x, at.box, "tanh", "hidden");
    pen.strip("hidden", at.right - halfStrip(pen, at) - 20, at.belt - 40, "hidden, new", "hidden state");
  },
};

// The two ends of the upper line: what comes from the step before, and what goes on to the next.
function ends(pen, at, name, before) {
  const title = name === "cell" ? "cell state" : "hidden";
  pen.strip(name, at.left + halfStrip(pen, at), at.belt - 40, `${title}, before`, `${name} state`, before);
  pen.strip(name, at.right - halfStrip(pen, at), at.belt - 40, `${title}, new`, `${name} state`);
}
