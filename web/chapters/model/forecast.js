// A saved forecaster: its forecast with intervals, whose say made it, and which past values it leaned on.

import { choices, figure, h, onThemeChange, unbroken } from "latchwork/draw/dom.js";
import { fan, shorten } from "latchwork/draw/fan.js";
import { correctorOf } from "latchwork/engine/corrector.js";
import { seriesOf, timeText } from "latchwork/chapters/model/stored.js";

const METHODS = {
  naive: "the last value again",
  drift: "the last value, moved on by the average change",
  recent_mean: "the average of the last season",
  exponential: "an average that fades into the past",
  theta: "Theta, in logarithms",
  theta_linear: "Theta",
  damped: "a trend that fades, in logarithms",
  damped_linear: "a trend that fades",
  holt_linear: "a trend that goes on",
  autoregressive: "an autoregression",
  seasonal_naive: "the season before again",
  seasonal_growth: "the season before, grown",
  holt_winters: "trend and season (Holt-Winters)",
  box_jenkins: "the airline ARIMA",
  seasonal_autoregressive: "a seasonal autoregression",
  ets: "AutoETS",
  arima: "AutoARIMA",
};
const USED = {
  latchwork: "a combination of methods, weighed for this series",
  blend: "half the combination, half the method that did best on this series before",
  average: "half a trained network, half what would be used without it",
  network: "the combination, corrected by a trained network",
};
const METHODS_SHOWN = 7;
const NAMED = 3; // past values named in words
const LEAST = 0.005; // a share that would be written as 0.00

/** Build the panel inside `root`; `inside` shows the gates where a network was saved, and is hidden where none was. */
export function mountForecast(root, { document: saved, tensors }, inside) {
  const all = seriesOf(saved, tensors);
  const network = correctorOf(tensors);
  const state = { series: 0, step: 0, lean: "measured" };
  const chart = fan("The series, its forecast with intervals, and how much each past value counted", (time) =>
    goTo(time - all[state.series].values.length),
  );
  const slider = h("input", {
    type: "range",
    min: 0,
    "aria-label": "Step of the forecast",
    oninput: () => goTo(Number(slider.value)),
  });
  const said = h("p", { class: "verdict", "aria-live": "polite" });
  const leaned = h("p", { class: "note" });
  const lean = h("div");
  const methods = h("ol", { class: "bars named" });
  const table = h("tbody");
  const picker = all.length > 1 && seriesPicker(all, (index) => ((state.series = index), open()));
  inside.root.hidden = !network;

  root.append(
    h("div", { class: "row apart" }, h("h3", {}, "What comes next"), picker),
    h("p", { class: "note" }, `Made by ${USED[saved.fitted.used] ?? METHODS[saved.fitted.used] ?? "one method"}.`),
    chart.element,
    h("label", { class: "ahead" }, "Which step of it", slider),
    said,
    h("div", { class: "row apart leaning" }, leaned, lean),
    h(
      "div",
      { class: "two" },
      h("div", {}, h("h3", {}, "Whose say it is"), methods),
      h(
        "details",
        {},
        h("summary", {}, "The forecast in numbers"),
        h("div", { class: "table" }, h("table", {}, heading(all[0].bands), table)),
      ),
    ),
  );
  if (network && all[0].past)
    lean.append(
      choices(
        "Leaned on",
        [
          { value: "measured", label: "The whole forecast" },
          { value: "network", label: "The network’s correction" },
        ],
        state.lean,
        (value) => ((state.lean = value), show()),
      ),
    );
  onThemeChange(root, show);
  open();

  function open() {
    const series = all[state.series];
    slider.max = series.mean.length - 1;
    state.step = Math.min(state.step, series.mean.length - 1);
    state.run = network && series.past ? network.run(series.past, series.future) : null;
    methods.replaceChildren(
      ...series.weights
        .filter(({ share }) => share >= LEAST)
        .slice(0, METHODS_SHOWN)
        .map(({ method, share }) => bar(METHODS[method] ?? method, share)),
    );
    table.replaceChildren(
      ...series.mean.map((value, step) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, timeText(series.times.at(step - series.mean.length), series.style)),
          [value, ...series.bands.flatMap(({ low, high }) => [low[step], high[step]])].map((each) =>
            h("td", {}, exact(each)),
          ),
        ),
      ),
    );
    show();
  }

  function goTo(step) {
    state.step = Math.min(Math.max(step, 0), all[state.series].mean.length - 1);
    show();
  }

  function show() {
    const series = all[state.series];
    const { values, times, style, mean, bands } = series;
    const labels = times.map((time) => timeText(time, style));
    const shares = sharesOf(series);
    slider.value = state.step;
    const label = labels[values.length + state.step];
    slider.setAttribute("aria-valuetext", `${label}: ${exact(mean[state.step])}`);
    chart.show({
      values,
      from: values.length,
      ahead: mean,
      bands: [...bands].reverse(),
      labels,
      leaned: { from: values.length - shares.length, values: shares },
      chosen: values.length + state.step,
    });
    const within = bands.map(
      ({ level, low, high }) => `${level} % within ${exact(low[state.step])} to ${exact(high[state.step])}`,
    );
    said.textContent = `${label}: ${exact(mean[state.step])}, ${within.join(", ")}`;
    leaned.textContent = wordsFor(shares, labels.slice(values.length - shares.length, values.length));
    if (state.run)
      inside.show(network.traces(state.run), {
        time: state.run.runs[0].record.steps.length - 1,
        label: (time) => labels[values.length - series.past.length + time],
        signals: {
          "the value, season aside": series.past.map(([value]) => value),
          "the change": series.past.map((row) => row[1]),
          "the season": series.past.map((row) => row[3]),
          "the step": series.past.map((_, at) => at),
        },
      });
  }

  function sharesOf(series) {
    if (state.lean === "network" && state.run)
      return network
        .influence(state.run, series.past, state.step)
        .map((step) => step.reduce((sum, value) => sum + value, 0) * series.spread);
    return series.leanings ? series.leanings.map((step) => step[state.step]) : [];
  }

  function wordsFor(shares, labels) {
    if (!shares.length) return "What this series’ forecast leaned on was not kept in the file.";
    const ranked = [...shares.keys()].sort((a, b) => Math.abs(shares[b]) - Math.abs(shares[a])).slice(0, NAMED);
    if (state.lean === "network")
      return `Each bar is how far that step’s input moved the network’s correction: gradient times input. Most of all: ${ranked.map((at) => unbroken(labels[at])).join(", ")}.`;
    const named = ranked.map((at) => `${unbroken(labels[at])} (${figure(shares[at])})`);
    return `Each bar is how much this forecast would rise had that past value been 1 higher. Most of all: ${named.join(", ")}.`;
  }
}

function heading(bands) {
  const ends = bands.flatMap(({ level }) => [`${level} % from`, "to"]);
  return h(
    "thead",
    {},
    h(
      "tr",
      {},
      ["time", "forecast", ...ends].map((text) => h("th", { scope: "col" }, text)),
    ),
  );
}

function seriesPicker(all, onchoose) {
  const select = h(
    "select",
    { "aria-label": "Series", onchange: () => onchoose(Number(select.value)) },
    all.map(({ name }, value) => h("option", { value }, name)),
  );
  return select;
}

function bar(name, share) {
  return h(
    "li",
    {},
    h("span", {}, name),
    h("span", { class: "bar-track" }, h("i", { style: `transform:scaleX(${share})` })),
    h("output", {}, figure(share)),
  );
}

// As many digits as tell neighbouring forecasts apart.
function exact(value) {
  if (!Number.isFinite(value)) return "unknown";
  const size = Math.abs(value);
  if (size >= 1e7 || (size < 1e-3 && size > 0)) return shorten(value);
  const digits = Math.max(4, Math.ceil(Math.log10(size + 1)));
  return value.toLocaleString("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
}
