// Accuracy against distance: a line for the median network of each cell, a band for the spread over seeds.

import { CELLS } from "latchwork/engine/cells.js";
import { h, rem, s } from "latchwork/draw/dom.js";

// In rem. The slider under the chart keeps to the same margins.
const MARGINS = [3.5, 6, 0.9, 2.75];
const NARROW_MARGINS = [2.75, 5.2, 0.9, 2.75];
const [NARROW_BELOW, NARROW_HEIGHT, WIDE_HEIGHT] = [40, 17, 24];
const SAME = 0.02; // shares closer than this look like one
const LINE = 1.15; // between names that would lie on each other

/** @returns {{element: HTMLElement, mark(index: number): void}} */
export function drawChart({ distances, courses, cells }, onchoose) {
  const element = h("div", { class: "memory-chart" });
  const below = new Map(linesBelow(cells));
  let marked = 0;
  let cursor;

  function draw() {
    const width = element.clientWidth;
    if (!width) return;
    const em = rem();
    const narrow = width < NARROW_BELOW * em;
    const [left, right, top, foot] = (narrow ? NARROW_MARGINS : MARGINS).map((margin) => margin * em);
    const height = em * (narrow ? NARROW_HEIGHT : WIDE_HEIGHT);
    element.parentElement.style.setProperty("--from", `${left - em / 2}px`); // less half a thumb
    element.parentElement.style.setProperty("--to", `${right - em / 2}px`);
    const x = (index) => left + (index / (distances.length - 1)) * (width - left - right);
    const y = (share) => top + (1 - share) * (height - top - foot);
    const path = (values) =>
      `M${values.map((value, index) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`;
    const names = apart(
      Object.entries(cells).map(([cell, { accuracy }]) => [cell, y(medianOf(accuracy, distances.length - 1))]),
      em * LINE,
    );
    const lines = Object.entries(cells).map(([cell, { accuracy }]) => {
      const at = (index, pick) => pick(accuracy.map((seed) => seed[index]).sort((a, b) => a - b));
      const over = (pick) => distances.map((_, index) => at(index, pick));
      const middle = distances.map((_, index) => medianOf(accuracy, index));
      const [low, high] = [over((sorted) => sorted[0]), over((sorted) => sorted.at(-1))];
      const back = low
        .map((value, index) => [index, value])
        .reverse()
        .map(([index, value]) => `L${x(index)} ${y(value)}`)
        .join("");
      return s(
        "g",
        { class: below.has(cell) ? "below-another" : null, style: `--colour:var(--${CELLS[cell].colour})` },
        s("path", { d: `${path(high)}${back}Z`, class: "spread" }),
        s("path", { d: path(middle), class: "plot-line memory-line" }),
        middle.map((value, index) => s("circle", { cx: x(index), cy: y(value), r: em * 0.28, class: "memory-dot" })),
        s(
          "text",
          { x: x(distances.length - 1) + em, y: names[cell] + em * 0.3, class: "memory-name" },
          CELLS[cell].name,
        ),
      );
    });
    cursor = s("line", { y1: 8, y2: height - foot, class: "now" });
    const axis = s(
      "g",
      { class: "axis" },
      [0, 0.5, 1].map((share) =>
        s(
          "g",
          {},
          s("line", { x1: left, x2: x(distances.length - 1), y1: y(share), y2: y(share) }),
          s("text", { x: left - 8, y: y(share) + 4, "text-anchor": "end" }, `${share * 100} %`),
        ),
      ),
      distances.map((distance, index) =>
        s("text", { x: x(index), y: height - foot + em * 1.4, "text-anchor": "middle" }, String(distance)),
      ),
      s("text", { x: x(0), y: height - em * 0.2 }, "days back"),
      s("line", { x1: left, x2: x(distances.length - 1), y1: y(1 / courses), y2: y(1 / courses), class: "chance" }),
      s("text", { x: x(0), y: y(1 / courses) - 6, "data-term": "chance", class: "chance-name" }, "a guess"),
    );
    const targets = distances.map((distance, index) =>
      s(
        "rect",
        { x: x(index) - 24, y: 0, width: 48, height, class: "target", onclick: () => onchoose(index) },
        s("title", {}, `${distance} days back`),
      ),
    );
    element.replaceChildren(
      s(
        "svg",
        {
          width,
          height,
          viewBox: `0 0 ${width} ${height}`,
          role: "img",
          "aria-label": "Accuracy against distance for each cell",
        },
        axis,
        cursor,
        lines,
        targets,
      ),
    );
    place(x);
    element.place = () => place(x);
  }

  function place(x) {
    cursor.setAttribute("x1", x(marked));
    cursor.setAttribute("x2", x(marked));
  }

  new ResizeObserver(draw).observe(element);
  return {
    element,
    mark(index) {
      marked = index;
      element.place?.();
    },
  };
}

/** Pairs [cell, other] where the other's line is drawn over the cell's own: they are the same at most distances. */
export function linesBelow(cells) {
  const medians = Object.entries(cells).map(([cell, { accuracy }]) => [
    cell,
    accuracy[0].map((_, index) => medianOf(accuracy, index)),
  ]);
  const same = (a, b) => a.filter((value, index) => Math.abs(value - b[index]) < SAME).length > a.length / 2;
  return medians.flatMap(([cell, own], at) => {
    const over = medians.slice(at + 1).find(([, other]) => same(own, other));
    return over ? [[cell, over[0]]] : [];
  });
}

function medianOf(accuracy, index) {
  const sorted = accuracy.map((seed) => seed[index]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// Heights for names, from the top down, each at its own or as far below the one before as a line needs.
function apart(wanted, line) {
  let free = -Infinity;
  return Object.fromEntries(
    [...wanted].sort(([, a], [, b]) => a - b).map(([name, height]) => [name, (free = Math.max(height, free + line))]),
  );
}
