// The opening: the memory of a real, trained LSTM, one row a unit, one column a month.

import { CELLS, partOf } from "latchwork/engine/cells.js";
import { paint } from "latchwork/draw/heatmap.js";
import { loadSequences } from "latchwork/chapters/belt/sequences.js";

export async function mountStripes(figure) {
  const { cells, airline } = await loadSequences();
  const { name, memory } = CELLS[cells[0]];
  const run = airline.run(cells[0]);
  const canvas = figure.querySelector("canvas");
  const draw = () => paint(canvas, run.trace[memory], partOf(cells[0], memory));
  draw();
  addEventListener("themechange", draw);
  figure.querySelector("figcaption").textContent =
    `What an ${name} remembers while it reads twelve years of monthly airline passengers, 1949 to 1960. ` +
    "Each row is one unit of its memory, orange above 0 and blue below; the summers are plain to see.";
}
