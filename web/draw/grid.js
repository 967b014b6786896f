// Vectors and matrices as squares that carry a number.

import { css, share, signed } from "latchwork/draw/colour.js";
import { figure, h } from "latchwork/draw/dom.js";

/**
 * A grid of squares.
 *
 * @param {number} rows
 * @param {number} columns
 * @param {{label: string, decimals?: number, colour?: string}} options `colour` names the palette entry of a
 *   full square, `most` the number that fills it
 * @returns {{element: HTMLElement, set(values: number[][] | null): void, touch(test: (row, column) => boolean): void}}
 */
export function grid(rows, columns, { label, decimals = 0, colour = null, most = 1, onpoint = null }) {
  const squares = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      h("div", { class: "square waiting", onpointerenter: onpoint && (() => onpoint(row, column)) }),
    ),
  );
  const element = h(
    "div",
    { class: "matrix", role: "img", "aria-label": label, style: `--columns:${columns}` },
    squares.flat(),
  );
  let shown = null;

  function set(values) {
    shown = values;
    squares.forEach((line, row) => line.forEach((square, column) => show(square, values?.[row][column])));
    element.setAttribute("aria-label", values ? `${label}: ${values.map((line) => line.join(" ")).join("; ")}` : label);
  }

  function show(square, value) {
    square.classList.toggle("waiting", value === undefined);
    square.classList.toggle("full", value !== undefined && Math.abs(value) > 0.6 * most);
    square.textContent = value === undefined ? "" : figure(value, decimals);
    if (value === undefined) square.style.removeProperty("background");
    else square.style.background = css(colour && value >= 0 ? share(value / most, colour) : signed(value));
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
