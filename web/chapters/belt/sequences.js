// The real sequences of chapter 2, each with one trained network of every cell.

import { loadJson, loadModel } from "latchwork/data.js";
import { DISHES } from "latchwork/draw/icons.js";
import { softmax } from "latchwork/engine/algebra.js";
import { Network } from "latchwork/engine/network.js";
import { oneHot } from "latchwork/chapters/roommate/kitchens.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FIRST_DISHES = [1, 0, 2, 2, 1, 0, 1, 2, 0, 0, 2, 1, 2, 0];

let loading = null;

/**
 * { cells, units, airline, dish }: the cells that were trained and their units; each sequence has `steps`, `label(time)`,
 * `run(cell)` and, in words, `says(answer)`. Loaded once.
 */
export function loadSequences() {
  return (loading ??= load());
}

async function load() {
  const { cells } = await loadJson("belt.json");
  const networks = async (prefix) =>
    Object.fromEntries(
      await Promise.all(
        cells.map(async (cell) => {
          const { document, tensors } = await loadModel(`${prefix}-${cell}.latch`);
          return [cell, new Network(document.network, tensors)];
        }),
      ),
    );
  const [series, airlineNetworks, dishNetworks] = await Promise.all([
    loadJson("airline.json"),
    networks("airline"),
    networks("dish"),
  ]);
  const units = dishNetworks[cells[0]].layers[0].units;
  return { cells, units, airline: airline(series, airlineNetworks), dish: dish(dishNetworks) };
}

// Everything a figure needs of one network's run: each step's gates, and what they were computed from.
function run(network, input) {
  const records = network.run(input).records;
  const [layer, dense] = network.layers;
  const answers = records[0].steps.map((step) => dense.forward(step.hidden).output);
  return { trace: records[0].trace, steps: records[0].steps, layer, answers };
}

function airline({ months, passengers, mean, spread, held_back }, networks) {
  const input = passengers.map((count) => Float64Array.of((Math.log(count) - mean) / spread));
  const forecast = (answer) => Math.exp(answer[0] * spread + mean);
  const name = (time) => `${MONTHS[Number(months[time].slice(5)) - 1]} ${months[time].slice(0, 4)}`;
  return {
    steps: months.length,
    passengers,
    years: [...new Set(months.map((month) => month.slice(0, 4)))],
    seen: months.length - held_back,
    inputNames: ["passengers"],
    label: name,
    forecast,
    says: (answer) => `${forecast(answer).toFixed(0)} thousand`,
    run: (cell) => run(networks[cell], input),
  };
}

function dish(networks) {
  const dishes = [...FIRST_DISHES];
  const last = dishes.length;
  // The menu's three dishes, then two marks: "remember this one" on the first day and the question on the last.
  const input = () => [
    ...dishes.map((which, day) => Float64Array.from([...oneHot(which, 3), Number(day === 0), 0])),
    Float64Array.of(0, 0, 0, 0, 1),
  ];
  return {
    steps: last + 1,
    dishes,
    inputNames: ["apple pie", "burger", "chicken", "remember", "which was it?"],
    label: (time) => (time === last ? "The question" : `Day ${time + 1}`),
    change: (day) => (dishes[day] = (dishes[day] + 1) % 3),
    run: (cell) => run(networks[cell], input()),
    says(answer) {
      const shares = softmax(answer);
      const best = shares.indexOf(Math.max(...shares));
      return `${DISHES[best].name}, ${Math.round(100 * shares[best])} %`;
    },
  };
}
