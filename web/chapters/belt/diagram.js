// A cell as the article draws it: the parts and wires that the table of the cells names, at their places.

import { CELLS, partOf } from "latchwork/engine/cells.js";
import { layoutOf } from "latchwork/draw/layouts.js";
import { shownAs, vectorOf } from "latchwork/draw/vectors.js";
import { CURVES, Pen } from "latchwork/chapters/belt/pen.js";

/**
 * Draw one cell.
 *
 * @param {string} kind a cell of the table
 * @param {number} available the figure's width in pixels
 * @param {number} units how many squares a vector has
 * @param {string[]} inputNames what the numbers of the input are
 * @param {(unit: number) => void} onchoose called when a square is chosen
 * @returns {{element: SVGElement, show(step: object, unit: number): void, pulse(): void}}
 */
export function drawCell(kind, available, units, inputNames, onchoose) {
  const { drawing, curves } = CELLS[kind];
  const layout = layoutOf(drawing, available);
  const pen = new Pen(layout, units, onchoose);
  for (const [name, path, look = ""] of drawing.wires) {
    const points = path.split(" > ").map(layout.point);
    const has = (word) => look.split(" ").includes(word);
    pen.wire(points, partOf(kind, name), { wide: has("belt"), over: has("over") });
    if (has("arrow")) pen.arrow(...points.slice(-2), partOf(kind, name));
  }
  for (const [name, place, curve = curves[name]] of drawing.boxes)
    pen.box(...layout.point(place), CURVES[curve], partOf(kind, name), curve);
  for (const [text, places, term] of drawing.circles)
    pen.circle(places.split(" > ").map(layout.point), written(text), term);
  for (const [vector, place, title = vector, only] of drawing.strips) {
    if (only && (only === "narrow") !== layout.narrow) continue;
    const input = vector === "x";
    const part = partOf(kind, shownAs(kind, vector));
    pen.strip(part, ...layout.point(place), written(title), (step) => vectorOf(kind, step, vector), {
      ...(input && { names: inputNames, beside: true }),
      term: vector === "kept" || vector === "written" ? null : part.term,
    });
  }

  // "what is kept|kept": in full, and where there is less room.
  function written(text) {
    const [wide, narrow = wide] = text.split("|");
    return layout.narrow ? narrow : wide;
  }

  return {
    element: pen.finish(`One step of a ${kind} cell`),
    show: (step, unit) => pen.show(step, unit),
    pulse: () => pen.pulse(),
  };
}
