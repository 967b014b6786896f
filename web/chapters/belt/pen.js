// What cells are drawn with: lines that carry vectors, boxes that learn, circles that act number by number, and strips
// of squares that show a vector's numbers.

import { colourOf, css } from "latchwork/draw/colour.js";
import { figure, s, stillness } from "latchwork/draw/dom.js";

const ARROW = 7; // half the width of an arrowhead

/** How the function that a layer ends in is written. */
export const CURVES = { sigmoid: "σ", tanh: "tanh", exponential: "exp" };

const colour = (part) => `--colour:var(--${part.colour})`;

export class Pen {
  /**
   * @param {object} at where things stand: { width, height, square, box: [w, h], circle }
   * @param {number} units how many squares a vector has
   * @param {(unit: number) => void} onchoose called when a square is chosen
   */
  constructor(at, units, onchoose) {
    this.at = at;
    this.units = units;
    this.onchoose = onchoose;
    this.wires = s("g", { class: "wires" });
    this.parts = s("g");
    this.strips = [];
  }

  /**
   * A line that carries a vector along points [x, y], in the colour of what it carries; with `over` it passes over the
   * lines that it crosses.
   */
  wire(points, part, { wide = false, over = false } = {}) {
    const d = `M${points.map(([x, y]) => `${x} ${y}`).join("L")}`;
    if (over) this.wires.append(s("path", { d, class: "casing" }));
    this.wires.append(
      s("path", { d, class: wide ? "wire belt" : "wire", style: colour(part) }),
      s("path", { d, class: "pulse", style: colour(part), pathLength: 1 }),
    );
  }

  /** The head of an arrow that comes from one point and whose tip is at x, y. */
  arrow([fromX, fromY], [x, y], part) {
    const [dx, dy] = [Math.sign(x - fromX), Math.sign(y - fromY)];
    const side = (sign) => `${x - dx * ARROW + sign * dy * ARROW} ${y - dy * ARROW + sign * dx * ARROW}`;
    this.wires.append(s("path", { d: `M${side(1)}L${x} ${y}L${side(-1)}`, class: "arrow", style: colour(part) }));
  }

  /** A small layer that learns; `term` explains the curve that it ends in. */
  box(x, y, text, part, term) {
    const [w, h] = this.at.box;
    this.parts.append(
      s("rect", {
        x: x - w / 2,
        y: y - h / 2,
        width: w,
        height: h,
        rx: 7,
        class: "layer",
        style: colour(part),
      }),
      s("text", { x, y: y + 5, class: "layer-name", "data-term": term, tabindex: 0 }, text),
    );
  }

  /** An operation on each number by itself, drawn from its first place to its last where it takes several together. */
  circle([first, ...others], text, term = "element by element") {
    const r = this.at.circle;
    const [from, y] = first;
    const to = (others.at(-1) ?? first)[0];
    const end = text.length > 1 ? r * 1.7 : r;
    const x = (from + to) / 2;
    this.parts.append(
      others.length
        ? s("rect", { x: from - end, y: y - r, width: to - from + 2 * end, height: 2 * r, rx: r, class: "operation" })
        : s("ellipse", { cx: x, cy: y, rx: end, ry: r, class: "operation" }),
      s("text", { x, y: y + r / 3, class: "operation-name", "data-term": term, tabindex: 0 }, text),
    );
  }

  /**
   * The numbers of a vector as squares centred at x, with its name above or, with `beside`, to its right.
   *
   * @param {(step: object) => ArrayLike<number>} read takes the vector from a step's record
   * @param {{names?: string[], beside?: boolean, term?: string}} options `names` of the numbers, where they are not
   *   units that can be chosen
   */
  strip(part, x, y, title, read, { names = null, beside = false, term = null } = {}) {
    const { square: size, width: whole } = this.at;
    const width = (names?.length ?? this.units) * size;
    const left = Math.min(Math.max(x - width / 2, 6), whole - width - 6);
    const squares = Array.from({ length: names?.length ?? this.units }, (_, unit) =>
      s(
        "rect",
        {
          x: left + unit * size,
          y: y - size / 2,
          width: size - 1.5,
          height: size + 4,
          rx: 2,
          class: names ? "cell-square still" : "cell-square",
          onclick: names ? null : () => this.onchoose(unit),
        },
        s("title"),
      ),
    );
    this.parts.append(
      s("rect", {
        x: left - 4,
        y: y - size / 2 - 4,
        width: width + 6.5,
        height: size + 12,
        rx: 5,
        class: "strip-ground",
      }),
      s(
        "text",
        {
          x: beside ? left + width + 10 : left + width / 2,
          y: beside ? y + size / 2 + 2 : y - size / 2 - 9,
          class: beside ? "strip-name beside" : "strip-name",
          style: colour(part),
          "data-term": term,
          tabindex: term ? 0 : null,
        },
        title,
      ),
      ...squares,
    );
    this.strips.push({ part, title, squares, read, names });
  }

  show(step, chosen) {
    for (const { part, title, squares, read, names } of this.strips) {
      const values = read(step);
      const shade = colourOf(part);
      squares.forEach((square, at) => {
        square.style.fill = css(shade(values[at]));
        square.classList.toggle("chosen", !names && at === chosen);
        square.firstChild.textContent = `${title}, ${names?.[at] ?? `unit ${at + 1}`}: ${figure(values[at], 3)}`;
      });
    }
  }

  /** Let a pulse run along every wire, from left to right and from below to above, as one step is computed. */
  pulse() {
    if (stillness()) return;
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

  finish(label) {
    const { width, height } = this.at;
    return s(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, class: "cell-diagram", role: "group", "aria-label": label },
      this.wires,
      this.parts,
    );
  }
}
