// Series: the forecast with its interval from any month, and which months it leaned on.

import { signed, css } from "latchwork/draw/colour.js";
import { h, s } from "latchwork/draw/dom.js";
import { loadJson } from "latchwork/data.js";

const HORIZON = 12;
const FIRST_ORIGIN = 30; // months that the network has read before it is asked
const COVERED = [0.1, 0.9]; // the interval holds 80 % of what came
const [WIDTH, HEIGHT] = [1000, 300];
const LEANED = 26; // height of the strip of months that the forecast leaned on

export async function mountSeries(root, { network }, inside) {
  const series = await loadJson("airline.json");
  const { passengers, months, mean, spread } = series;
  const scale = (count) => (Math.log(count) - mean) / spread;
  const unscale = (value) => Math.exp(value * spread + mean);
  const values = passengers.map(scale);
  const seen = months.length - series.held_back;
  const errors = measureErrors(network, values, seen);
  const state = { origin: seen };

  const x = (time) => (time / (months.length + HORIZON)) * WIDTH;
  const most = Math.max(...passengers) * 1.15;
  const y = (count) => (HEIGHT - LEANED - 6) * (1 - Math.min(count, most) / most);
  const line = (list, from) =>
    `M${list.map((value, index) => `${x(from + index).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`;
  const band = s("path", { class: "interval" });
  const forecast = s("path", { class: "plot-line expected" });
  const leaned = s("g");
  const words = h("p", { class: "note", "aria-live": "polite" });
  const slider = h("input", {
    type: "range",
    min: FIRST_ORIGIN,
    max: months.length,
    value: state.origin,
    "aria-label": "Month of the forecast",
    oninput: () => ((state.origin = Number(slider.value)), show()),
  });

  root.append(
    h("h3", {}, "The year ahead, from any month"),
    s(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        class: "series tall",
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": "Airline passengers with the forecast",
      },
      leaned,
      band,
      s("path", { d: line(passengers, 0), class: "plot-line actual" }),
      forecast,
    ),
    slider,
    words,
  );
  inside.onchoose = (time) => (
    (state.origin = Math.max(FIRST_ORIGIN, time + 1)),
    (slider.value = state.origin),
    show()
  );
  addEventListener("themechange", show);
  show();

  function show() {
    const { origin } = state;
    const ahead = continueFrom(network, values.slice(0, origin), HORIZON);
    const bound = (at) => [passengers[origin - 1], ...ahead.map((value, step) => unscale(value + errors[step][at]))];
    forecast.setAttribute("d", line([passengers[origin - 1], ...ahead.map(unscale)], origin - 1));
    band.setAttribute(
      "d",
      `${line(bound(1), origin - 1)}${line(bound(0), origin - 1)
        .replace("M", "L")
        .split("L")
        .filter(Boolean)
        .reverse()
        .map((point) => `L${point}`)
        .join("")}Z`,
    );

    const input = values.slice(0, origin).map((value) => Float64Array.of(value));
    const run = network.run(input);
    const influence = network.influence(run, input, 0).map(([value]) => value);
    const strongest = Math.max(...influence.map(Math.abs)) || 1;
    leaned.replaceChildren(
      ...influence.map((value, time) =>
        s(
          "rect",
          {
            x: x(time - 0.5),
            y: 0,
            width: x(1) + 0.5,
            height: HEIGHT,
            style: `fill:${css(signed(value / strongest))}`,
          },
          s("title", {}, `${months[time]}: ${value.toFixed(3)}`),
        ),
      ),
    );
    const ranked = [...influence.keys()]
      .sort((a, b) => Math.abs(influence[b]) - Math.abs(influence[a]))
      .slice(0, 3)
      .map((time) => months[time]);
    words.textContent =
      `Forecast made at the end of ${months[origin - 1]}${origin >= seen ? ", in years never trained on" : ""}. ` +
      `The band held 80 % of what came at each distance in the training years; on new years expect it to be too narrow. ` +
      `The strip below shows the months that the next month’s forecast leaned on (orange raised it, blue lowered it), most of all ${ranked.join(", ")}.`;
    inside.show(network.traces(run), { time: origin - 1, label: (time) => months[time] });
  }
}

// The network goes on alone, fed with its own forecasts.
function continueFrom(network, history, steps) {
  const [recurrent, dense] = network.layers;
  let state = recurrent.start();
  for (const value of history) state = recurrent.cell.step(recurrent.parameters, Float64Array.of(value), state);
  return Array.from({ length: steps }, () => {
    const answer = dense.forward(state.hidden).output;
    state = recurrent.cell.step(recurrent.parameters, answer, state);
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
