// The opening: the memory of a real, trained LSTM, one row a unit, one column a month.

import { paint } from "latchwork/draw/heatmap.js";
import { loadSequences } from "latchwork/chapters/belt/sequences.js";

export async function mountStripes(figure) {
  const { airline } = await loadSequences();
  const run = airline.run("LSTM");
  const canvas = figure.querySelector("canvas");
  const draw = () => paint(canvas, run.trace.cell, "cell");
  draw();
  addEventListener("themechange", draw);
  figure.querySelector("figcaption").textContent =
    "What an LSTM remembers while it reads twelve years of monthly airline passengers, 1949 to 1960. " +
    "Each row is one unit of its memory, orange above 0 and blue below; the summers are plain to see.";
}
