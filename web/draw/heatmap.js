// A trace as a picture: one row a unit, one column a step, one pixel a number; CSS scales it up.

import { tableOf } from "latchwork/draw/colour.js";

/** Paint values [time][units] of a gate or state onto a canvas; `order` lists the units from top to bottom. */
export function paint(canvas, values, part, order = null) {
  const units = order ?? Array.from(values[0].keys());
  const [width, height] = [values.length, units.length];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [from, to, table] = tableOf(part);
  const scale = (table.length - 1) / (to - from);
  for (let time = 0; time < width; time++) {
    const step = values[time];
    for (let row = 0; row < height; row++) {
      const shade = Math.round((step[units[row]] - from) * scale);
      pixels[row * width + time] = table[shade < 0 ? 0 : shade < table.length ? shade : table.length - 1];
    }
  }
  context.putImageData(image, 0, 0);
}

/** Units sorted by behaviour: each next to the one most like it, starting from the steadiest. */
export function byBehaviour(values) {
  const units = values[0].length;
  const series = Array.from({ length: units }, (_, unit) => values.map((step) => step[unit]));
  const left = new Set(series.keys());
  const spread = (list) => {
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
    return list.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  };
  const distance = (a, b) => a.reduce((sum, value, time) => sum + (value - b[time]) ** 2, 0);
  const nearest = (score) => [...left].reduce((best, unit) => (score(unit) < score(best) ? unit : best));
  const order = [];
  while (left.size) {
    const last = order.at(-1);
    const unit = nearest((other) =>
      last === undefined ? spread(series[other]) : distance(series[other], series[last]),
    );
    left.delete(unit);
    order.push(unit);
  }
  return order;
}
