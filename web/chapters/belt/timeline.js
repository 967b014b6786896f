// The sequence under the belt: a line of months with what the network expects next, or a row of days with its dishes.

import { figure, h, s } from "latchwork/draw/dom.js";
import { softmax } from "latchwork/engine/algebra.js";
import { DISHES } from "latchwork/draw/icons.js";

/** Draw the sequence into `root`; gives { show(time) }. */
export function drawSequence(root, kind, sequence, run, listeners) {
  return kind === "airline" ? drawSeries(root, sequence, run) : drawDishes(root, sequence, run, listeners);
}

const [WIDTH, HEIGHT] = [1000, 190]; // stretched to the width of the pictures below

function drawSeries(root, sequence, run) {
  const { passengers, seen, steps } = sequence;
  const most = Math.max(...passengers) * 1.05;
  const x = (time) => ((time + 0.5) / steps) * WIDTH;
  const y = (count) => HEIGHT - (count / most) * HEIGHT;
  const line = (values, from) =>
    `M${values.map((value, index) => `${x(index + from).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`;
  const expected = run.answers.slice(0, -1).map(sequence.forecast);
  const now = s("line", { y1: 0, y2: HEIGHT, class: "now" });
  const dot = s("path", { class: "dot" });
  const guess = s("path", { class: "dot guess" });
  const inner = s("path", { class: "dot guess-inside" });
  const words = h("p", { class: "note" });
  root.replaceChildren(
    h(
      "div",
      { class: "over-heat" },
      s(
        "svg",
        {
          viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
          class: "series",
          role: "img",
          "aria-label": "Monthly airline passengers, and what the network expects one month ahead",
          preserveAspectRatio: "none",
        },
        s("rect", { x: x(seen - 0.5), y: 0, width: WIDTH - x(seen - 0.5), height: HEIGHT, class: "unseen" }),
        s("path", { d: line(expected, 1), class: "plot-line expected" }),
        s("path", { d: line(passengers, 0), class: "plot-line actual" }),
        now,
        dot,
        guess,
        inner,
      ),
      h(
        "div",
        { class: "years", "aria-hidden": "true" },
        sequence.years.map((year) => h("span", {}, year)),
      ),
    ),
    words,
  );
  return {
    show(time) {
      now.setAttribute("x1", x(time));
      now.setAttribute("x2", x(time));
      const next = sequence.forecast(run.answers[time]);
      place(dot, x(time), y(passengers[time]));
      for (const part of [guess, inner]) place(part, x(time + 1), y(next));
      const came = time + 1 < steps ? `; ${passengers[time + 1]} came` : "";
      words.textContent =
        `${passengers[time]} thousand passengers. The network expects ${next.toFixed(0)} next month${came}. ` +
        "Solid: what was observed. Dotted: what it expected a month before. The tinted years were never trained on.";
    },
  };
}

// A line of no length with round ends: a dot that stays round however the picture is stretched.
function place(dot, x, y) {
  dot.setAttribute("d", `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
}

function drawDishes(root, sequence, run, { onchoose, onchange }) {
  const last = sequence.steps - 1;
  const days = Array.from({ length: sequence.steps }, (_, day) =>
    h(
      "button",
      { type: "button", class: "day", "aria-label": dayName(sequence, day), onclick: () => choose(day) },
      day < last ? DISHES[sequence.dishes[day]].draw() : h("b", {}, "?"),
      h("small", {}, day === 0 ? "keep" : day === last ? "" : String(day + 1)),
    ),
  );
  const bars = DISHES.map(({ name, draw }) => {
    const fill = h("i");
    const value = h("output");
    return {
      element: h(
        "div",
        { class: "bar-row" },
        draw(),
        h("span", { class: "bar-track", "aria-label": name }, fill),
        value,
      ),
      fill,
      value,
    };
  });
  root.replaceChildren(
    h("div", { class: "days over-heat", style: `--days:${sequence.steps}` }, days),
    h(
      "p",
      { class: "note" },
      "Only the first day’s dish will be asked for. Choose a day to go there; choose it again to serve something else.",
    ),
    h(
      "div",
      { class: "answer" },
      h("span", {}, "If it were asked now, it would say"),
      ...bars.map(({ element }) => element),
    ),
  );
  let current = 0;

  function choose(day) {
    if (day === current && day < last) {
      sequence.change(day);
      onchange();
    } else onchoose(day);
  }

  return {
    show(time) {
      current = time;
      days.forEach((day, index) => {
        day.classList.toggle("read", index < time);
        day.setAttribute("aria-current", index === time ? "step" : "false");
      });
      softmax(run.answers[time]).forEach((share, index) => {
        bars[index].fill.style.transform = `scaleX(${share})`;
        bars[index].value.textContent = figure(share);
      });
    },
  };
}

function dayName(sequence, day) {
  const last = sequence.steps - 1;
  return day === last ? "The question" : `Day ${day + 1}: ${DISHES[sequence.dishes[day]].name}`;
}
