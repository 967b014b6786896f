// What a saved forecaster holds, series by series: what Python wrote under `fitted.shown` and `fitted.panel`.

import { FileError } from "latchwork/engine/latch.js";

const SHOWN = "fitted.shown.";
const MOST_SERIES = 2000; // in the list to choose from
const [SHORTEST_HISTORY, SEASONS] = [60, 8]; // past values drawn

/**
 * @returns {object[]} a series each: { name, style, times, values, mean, bands: [{ level, low, high }], weights:
 *   [{ method, share }], and where they were kept leanings [past][horizon], past, future, spread }; `times` are seconds
 *   since 1970, of `values` and then of `mean`
 * @throws {FileError} the file holds no forecast
 */
export function seriesOf({ fitted }, tensors) {
  const shown = fitted?.shown;
  if (!shown || !tensors[`${SHOWN}mean`])
    throw new FileError("It was saved without its forecast: load it with this version of latchwork and save it again.");
  checkStored(fitted, tensors);
  const take = (name) => blocks(tensors[SHOWN + name]);
  const [mean, ahead, low, high, weights] = ["mean", "times", "low", "high", "weights"].map(take);
  const [leanings, past, future] = ["leanings", "past", "future"].map(take);
  const lengths = tensors["fitted.lengths"].data;
  const kept = Math.max(SHORTEST_HISTORY, SEASONS * Math.max(1, ...fitted.seasons));
  let end = 0;
  return fitted.panel.names.slice(0, MOST_SERIES).map((name, index) => {
    end += lengths[index];
    const start = Math.max(end - lengths[index], end - kept);
    return {
      name,
      style: fitted.panel.style,
      values: Array.from(tensors["fitted.values"].data.subarray(start, end)),
      times: [...tensors["fitted.times"].data.subarray(start, end), ...ahead[index]],
      mean: Array.from(mean[index]),
      bands: shown.levels.map((level, at) => ({
        level,
        low: Array.from(low[index][at]),
        high: Array.from(high[index][at]),
      })),
      weights: shown.methods
        .map((method, at) => ({ method, share: weights[index][at] }))
        .sort((a, b) => b.share - a.share),
      leanings: leanings?.[index],
      past: past?.[index]?.map((row) => Float64Array.from(row)),
      future: future?.[index]?.map((row) => Float64Array.from(row)),
      spread: tensors[`${SHOWN}spread`]?.data[index],
    };
  });
}

// What is drawn later must be whole now: a file may be undamaged and yet not hold what it says.
function checkStored({ panel, horizon, shown: { levels, methods } }, tensors) {
  const series = panel.names.length;
  const lengths = tensors["fitted.lengths"]?.data ?? [];
  const steps = lengths.reduce((sum, length) => sum + length, 0);
  const shapes = {
    [`${SHOWN}mean`]: [series, horizon],
    [`${SHOWN}times`]: [series, horizon],
    [`${SHOWN}low`]: [series, levels.length, horizon],
    [`${SHOWN}high`]: [series, levels.length, horizon],
    [`${SHOWN}weights`]: [series, methods.length],
    "fitted.values": [steps],
    "fitted.times": [steps],
    "fitted.lengths": [series],
  };
  for (const [name, shape] of Object.entries(shapes)) {
    if (tensors[name]?.shape.join() !== shape.join())
      throw new FileError(`Its ${name} is missing or of another shape.`);
  }
  const asked = tensors[`${SHOWN}leanings`]?.shape;
  const fits = !asked || (asked.length === 3 && asked[2] === horizon && asked[1] >= 1);
  const finite = ["mean", "low", "high"].every((name) => tensors[SHOWN + name].data.every(Number.isFinite));
  if (!(horizon >= 1 && levels.length >= 1 && fits && finite && lengths.every((length) => length >= 1)))
    throw new FileError("Its forecast is not whole.");
}

// A tensor [a, b, ...] as nested arrays, the last axis as it lies in memory.
function blocks(tensor) {
  if (!tensor) return null;
  const nest = (data, [count, ...rest]) => {
    const size = data.length / count;
    if (!rest.length) return data;
    return Array.from({ length: count }, (_, at) => nest(data.subarray(at * size, (at + 1) * size), rest));
  };
  return nest(tensor.data, tensor.shape);
}

/** A time as precise as the data wrote it: the counterpart of `format_times` in Python. */
export function timeText(seconds, style) {
  if (style === "number") return String(seconds);
  const text = new Date(seconds * 1000).toISOString();
  if (style === "quarter") return `${text.slice(0, 4)}-Q${Math.ceil(Number(text.slice(5, 7)) / 3)}`;
  const length = { year: 4, month: 7, day: 10 }[style];
  return length ? text.slice(0, length) : text.slice(0, 16).replace("T", " ");
}
