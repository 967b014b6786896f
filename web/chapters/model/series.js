// Series: a network's own forecast of the year ahead from any month, its interval, and which months it leaned on.

import { choices, h, onThemeChange, unbroken } from "latchwork/draw/dom.js";
import { fan } from "latchwork/draw/fan.js";
import { loadJson } from "latchwork/data.js";

const HORIZON = 12;
const FIRST_ORIGIN = 30; // months that the network has read before it is asked
const COVERED = [0.1, 0.9]; // the interval holds 80 % of what came

export async function mountSeries(root, { network }, inside) {
  const series = await loadJson("airline.json");
  const { passengers, months, mean, spread } = series;
  const unscale = (value) => Math.exp(value * spread + mean);
  const values = passengers.map((count) => (Math.log(count) - mean) / spread);
  const seen = months.length - series.held_back;
  const errors = measureErrors(network, values, seen);
  const held = shareHeld(network, values, seen, errors);
  const labels = [...months, ...monthsAfter(months.at(-1), HORIZON)];
  const state = { origin: seen };

  const chart = fan("Airline passengers, the forecast of the year ahead, and the months it leaned on", (time) =>
    goTo(time + 1),
  );
  const words = h("p", { class: "note", "aria-live": "polite" });
  const slider = h("input", {
    type: "range",
    min: FIRST_ORIGIN,
    max: months.length,
    "aria-label": "Month of the forecast",
    oninput: () => goTo(Number(slider.value)),
  });
  const jump = choices(
    "Made at the end of",
    [FIRST_ORIGIN, 72, seen, months.length].map((value) => ({ value, label: months[value - 1] })),
    state.origin,
    goTo,
  );
  root.append(
    h("div", { class: "row apart" }, h("h3", {}, "The year ahead, from any month"), jump),
    chart.element,
    slider,
    words,
  );
  inside.onchoose = (time) => goTo(time + 1);
  onThemeChange(root, show);
  show();

  function goTo(origin) {
    state.origin = Math.min(Math.max(origin, FIRST_ORIGIN), months.length);
    show();
  }

  function show() {
    const { origin } = state;
    const ahead = continueFrom(network, values.slice(0, origin), HORIZON);
    const bound = (at) => ahead.map((value, step) => unscale(value + errors[step][at]));
    const input = values.slice(0, origin).map((value) => Float64Array.of(value));
    const run = network.run(input);
    const influence = network.influence(run, input, 0).map(([value]) => value);
    slider.value = origin;
    slider.setAttribute("aria-valuetext", `made at the end of ${months[origin - 1]}`);
    chart.show({
      values: passengers,
      from: origin,
      ahead: ahead.map(unscale),
      bands: [{ low: bound(0), high: bound(1) }],
      labels,
      leaned: { from: 0, values: influence },
      chosen: origin - 1,
    });
    const ranked = [...influence.keys()]
      .sort((a, b) => Math.abs(influence[b]) - Math.abs(influence[a]))
      .slice(0, 3)
      .map((time) => unbroken(months[time]));
    words.textContent =
      `Made at the end of ${months[origin - 1]}${origin >= seen ? ", in years never trained on" : ""}. ` +
      `The band covered 80 % of what was observed, at each distance, in the years it was trained on, and ${held} % in those it was not. ` +
      `The bars below are what the next month’s forecast leaned on, up where a month raised it: most of all ${ranked.join(", ")}.`;
    inside.show(network.traces(run), {
      time: origin - 1,
      label: (time) => months[time],
      signals: {
        "the month of the year, July high": months
          .slice(0, origin)
          .map((month) => -Math.cos((2 * Math.PI * (month.slice(5) - 1)) / 12)),
        "the number of passengers": passengers.slice(0, origin),
        "the change since the month before": passengers
          .slice(0, origin)
          .map((count, at) => count - (passengers[at - 1] ?? count)),
        "the months since the start": passengers.slice(0, origin).map((_, at) => at),
      },
    });
  }
}

function monthsAfter(last, count) {
  const [year, month] = last.split("-").map(Number);
  return Array.from({ length: count }, (_, index) => {
    const at = month + index; // months since the start of that year
    return `${year + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`;
  });
}

// The network goes on alone, fed with its own forecasts.
function continueFrom(network, history, steps) {
  const [recurrent, dense] = network.layers;
  let state = recurrent.start();
  for (const value of history) state = recurrent.step(Float64Array.of(value), state);
  return Array.from({ length: steps }, () => {
    const answer = dense.forward(state.hidden).output;
    state = recurrent.step(answer, state);
    return answer[0];
  });
}

// For each distance ahead, the band of errors that held most of them, over all origins of the training years.
function measureErrors(network, values, seen) {
  const errors = Array.from({ length: HORIZON }, () => []);
  for (let origin = FIRST_ORIGIN; origin <= seen - HORIZON; origin++) {
    continueFrom(network, values.slice(0, origin), HORIZON).forEach((value, step) =>
      errors[step].push(values[origin + step] - value),
    );
  }
  return errors.map((list) => {
    const sorted = list.sort((a, b) => a - b);
    return COVERED.map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  });
}

// How much of what came after the training years lay in the band, in per cent.
function shareHeld(network, values, seen, errors) {
  let [inside, all] = [0, 0];
  for (let origin = seen; origin < values.length; origin++) {
    continueFrom(network, values.slice(0, origin), Math.min(HORIZON, values.length - origin)).forEach((value, step) => {
      const error = values[origin + step] - value;
      inside += Number(error >= errors[step][0] && error <= errors[step][1]);
      all += 1;
    });
  }
  return Math.round((100 * inside) / all);
}
