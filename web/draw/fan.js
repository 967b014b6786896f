// A series, its forecast with intervals, and under it how much each past value counted; drawn anew at every width.

import { h, rem, s } from "latchwork/draw/dom.js";

// In rem, so that it grows with the type.
const [NARROW_BELOW, NARROW_HEIGHT, WIDE_HEIGHT] = [40, 15, 21];
const [LEFT, RIGHT, TOP, FOOT] = [3, 0.75, 0.75, 1.6]; // margins; the labels of time stand in the foot
const LEANED_HEIGHT = 5.25;
const [YEAR_WIDTH, LABEL_WIDTH] = [3, 6.25]; // room for one label of time

/**
 * @param {string} label what is drawn, for those who cannot see it
 * @param {(index: number) => void} onchoose called with the place in time that was pointed at
 * @returns {{element: HTMLElement, show(data: object): void}} `show` takes
 *   { values, from, ahead, bands, labels, leaned, chosen }: `values` over time (NaN where unknown), also beyond `from`
 *   where it is known what came; `ahead` from index `from` on, `bands` a list of { low, high }, widest first, `leaned`
 *   { from, values }, `chosen` an index in time
 */
export function fan(label, onchoose) {
  const element = h("div", {
    class: "fan",
    onpointerdown: choose,
    onpointermove: (event) => event.buttons && choose(event),
  });
  let data = null;
  let scale = null;

  new ResizeObserver(draw).observe(element);
  return { element, show: (given) => ((data = given), draw()) };

  function choose(event) {
    if (!scale) return;
    const at = scale.timeAt(event.clientX - element.getBoundingClientRect().left);
    if (at >= 0 && at < data.labels.length) onchoose(at);
  }

  function draw() {
    if (!data || !element.clientWidth) return;
    scale = scales(data, element.clientWidth);
    const { em, width, height, top, x, y } = scale;
    const line = (values, from) => path(values.map((value, index) => [x(from + index), y(value)]));
    const joined = (values) => [data.values[data.from - 1], ...values];
    element.replaceChildren(
      s(
        "svg",
        { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
        axes(data, scale),
        data.bands.map(({ low, high }) =>
          s("path", {
            class: "interval",
            d: `${line(joined(high), data.from - 1)}${back(joined(low), data.from - 1, scale)}Z`,
          }),
        ),
        s("line", { class: "now", x1: x(data.chosen), x2: x(data.chosen), y1: top, y2: height - FOOT * em }),
        s("path", { class: "plot-line actual", d: line(data.values, 0) }),
        s("path", { class: "plot-line expected", d: line(joined(data.ahead), data.from - 1) }),
        Number.isFinite(valueAt(data, data.chosen)) &&
          s("circle", { class: "guess-dot", r: em * 0.32, cx: x(data.chosen), cy: y(valueAt(data, data.chosen)) }),
        leanedBars(data, scale),
      ),
    );
  }
}

function valueAt({ ahead, values, from }, time) {
  return time >= from ? ahead[Math.min(time - from, ahead.length - 1)] : values[time];
}

function scales({ values, bands, ahead, labels }, width) {
  const em = rem();
  const [left, right, top, under] = [LEFT, RIGHT, TOP, LEANED_HEIGHT].map((size) => size * em);
  const height = em * (width < NARROW_BELOW * em ? NARROW_HEIGHT : WIDE_HEIGHT) + under;
  const all = [...values, ...ahead, ...bands.flatMap(({ low, high }) => [...low, ...high])].filter(Number.isFinite);
  let [least, most] = [Math.min(...all), Math.max(...all)];
  if (least >= 0 && least < 0.6 * most) least = 0; // a series that could reach zero is measured from there
  const room = (most - least || Math.abs(most) || 1) * 0.06;
  [least, most] = [least === 0 ? 0 : least - room, most + room];
  const foot = height - FOOT * em - under;
  const step = (width - left - right) / labels.length;
  return {
    em,
    width,
    height,
    left,
    right: width - right,
    top,
    foot,
    step,
    x: (time) => left + (time + 0.5) * step,
    y: (value) => foot - ((value - least) / (most - least)) * (foot - top),
    timeAt: (x) => Math.floor((x - left) / step),
    ticks: ticks(least, most),
  };
}

function axes({ labels }, { em, left, right, height, x, y, foot, step, ticks: values }) {
  const named = namedTimes(labels, step / em);
  return s(
    "g",
    { class: "axis" },
    values.flatMap((value) => [
      s("line", { x1: left, x2: right, y1: y(value), y2: y(value) }),
      s("text", { x: left - em * 0.5, y: y(value) + em * 0.27, "text-anchor": "end" }, shorten(value)),
    ]),
    s("line", { x1: left, x2: right, y1: foot, y2: foot }),
    named
      .filter(([, time]) => x(time) < right - em)
      .map(([text, time]) => s("text", { x: x(time), y: height - em * 0.4, "text-anchor": "middle" }, text)),
  );
}

// Months are told by their Januaries; other times are named as often as there is room.
function namedTimes(labels, step) {
  const monthly = labels.every((text) => /^\d{4}-\d\d$/.test(text));
  const all = labels.map((text, time) => [monthly ? text.slice(0, 4) : text, time]);
  const known = monthly ? all.filter(([, time]) => labels[time].endsWith("-01")) : all;
  const apart = known.length > 1 ? (known[1][1] - known[0][1]) * step : step;
  const every = Math.max(1, Math.ceil((monthly ? YEAR_WIDTH : LABEL_WIDTH) / apart));
  return known.filter((_, index) => index % every === 0);
}

// Up, in the colour of what is above zero, where a higher value would have raised the forecast; down where lowered.
function leanedBars({ leaned, labels }, { em, x, step, left, right, foot }) {
  const middle = foot + em * (LEANED_HEIGHT / 2 + 0.25);
  const most = Math.max(...leaned.values.map(Math.abs), 1e-12);
  const bars = leaned.values.map((value, index) => {
    const size = (Math.abs(value) / most) * em * (LEANED_HEIGHT / 2 - 0.6);
    return s(
      "rect",
      {
        x: x(leaned.from + index) - Math.max(1, step * 0.8) / 2,
        y: value < 0 ? middle : middle - size,
        width: Math.max(1, step * 0.8),
        height: Math.max(size, 0.5),
        class: value < 0 ? "leaned-below" : "leaned-above",
      },
      s("title", {}, `${labels[leaned.from + index]}: ${value.toFixed(3)}`),
    );
  });
  return s("g", {}, s("line", { class: "axis-line", x1: left, x2: right, y1: middle, y2: middle }), bars);
}

function path(points) {
  let pen = "M";
  return points
    .map(([x, y]) => {
      if (!Number.isFinite(y)) return (pen = "M") && "";
      const part = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
      return part;
    })
    .join("");
}

function back(values, from, { x, y }) {
  return values
    .map((value, index) => (Number.isFinite(value) ? `L${x(from + index).toFixed(1)} ${y(value).toFixed(1)}` : ""))
    .reverse()
    .join("");
}

function ticks(least, most) {
  const rough = (most - least) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough) * power;
  const first = Math.ceil(least / size) * size;
  return Array.from({ length: Math.floor((most - first) / size + 1e-9) + 1 }, (_, index) => first + index * size);
}

/** A number as short as a reader wants it: 1.2M, 340, 0.05. */
export function shorten(value) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 })
    .format(value)
    .replace("-", "−");
}
