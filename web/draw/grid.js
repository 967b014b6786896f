// Vectors and matrices as squares that carry a number.

import { css, inkOn, share, signed } from "latchwork/draw/colour.js";
import { figure, h } from "latchwork/draw/dom.js";

const NEAR_ZERO = 0.05; // of a full square; a number below it is as pale as a zero

/**
 * A grid of squares.
 *
 * @param {number} rows
 * @param {number} columns
 * @param {{label: string, decimals?: number, colour?: string, most?: number, onpoint?: Function}} options `colour` names
 *   the palette entry of a full square, `most` is the number that fills it, `onpoint(row)` is called when a row is
 *   pointed at or reached by the arrow keys
 * @returns {{element: HTMLElement, set(values: number[][] | null): void, touch(test: (row, column) => boolean): void}}
 */
export function grid(rows, columns, { label, decimals = 0, colour = null, most = 1, onpoint = null }) {
  const squares = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      h("div", { class: "square waiting", onpointerenter: onpoint && (() => onpoint(row)) }),
    ),
  );
  const element = h(
    "div",
    {
      class: "matrix",
      role: "img",
      "aria-label": label,
      style: `--columns:${columns}`,
      ...(onpoint && { tabindex: 0, onfocus: () => onpoint(reached), onkeydown: move }),
    },
    squares.flat(),
  );
  let shown = null;
  let reached = 0; // the row that the arrow keys are at

  function move(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    reached = Math.min(Math.max(reached + by, 0), rows - 1);
    onpoint(reached);
  }

  function set(values) {
    shown = values;
    squares.forEach((line, row) => line.forEach((square, column) => show(square, values?.[row][column])));
    element.setAttribute(
      "aria-label",
      values
        ? `${label}: ${values.map((line) => line.map((value) => value ?? "not yet").join(" ")).join("; ")}`
        : label,
    );
  }

  function show(square, value) {
    square.classList.toggle("waiting", value === undefined);
    square.textContent = value === undefined ? "" : figure(value, decimals);
    square.style.removeProperty("background");
    square.style.removeProperty("color");
    if (value === undefined || Math.abs(value) < NEAR_ZERO * most) return;
    const ground = colour && value >= 0 ? share(value / most, colour) : signed(value / most);
    square.style.background = css(ground);
    square.style.color = css(inkOn(ground));
  }

  return {
    element,
    set,
    touch(test) {
      squares.forEach((line, row) =>
        line.forEach((square, column) => square.classList.toggle("touched", test(row, column))),
      );
    },
    repaint: () => set(shown),
  };
}
