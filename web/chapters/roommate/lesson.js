// "Learn it": sixty-four networks read a diary and look for the rule; the one that is easiest to read is shown.

import { h, s } from "latchwork/draw/dom.js";
import { grid } from "latchwork/draw/grid.js";
import { MATRICES } from "latchwork/chapters/roommate/kitchens.js";
import { Class, countRight, readable, seeded, STARTS, STEPS, writeDiary } from "latchwork/chapters/roommate/learn.js";

const DIARY_DAYS = 120;
const UNSEEN_DAYS = 1000;
const FRAME_MILLISECONDS = 12; // of learning in each frame, so that the page stays at 60 frames a second
const WIDTH = 360;
const HEIGHT = 150;
const LOWEST = 1e-3; // the loss at the foot of the picture, nats a day
const HIGHEST = 3;

export function mountLesson(root) {
  let seed = 0;
  let running = false;
  const button = h("button", { class: "button primary", type: "button", onclick: start }, "Learn it from a diary");
  const report = h(
    "p",
    { class: "note", "aria-live": "polite" },
    `A diary of ${DIARY_DAYS} days, and ${STARTS} networks that start from random numbers. Nobody tells them the rule: each changes its numbers a little, again and again, so that its error on the diary falls.`,
  );
  const lines = s("g", { class: "losses" });
  const chart = s(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: "loss-chart",
      role: "img",
      "aria-label": "Training error of each network, falling",
    },
    lines,
    s("text", { class: "label", x: 0, y: 11, "data-term": "error", tabindex: 0 }, "error on the diary"),
    s("text", { class: "label", x: WIDTH, y: HEIGHT - 4, "text-anchor": "end" }, "training steps →"),
  );
  const found = {};
  const pairs = Object.entries(MATRICES.merged).map(([name, exact]) => {
    const rule = grid(exact.length, exact[0].length, { label: `${name}, the rule`, colour: "hidden" });
    rule.set(exact);
    found[name] = grid(exact.length, exact[0].length, { label: `${name}, learned`, decimals: 1, colour: "hidden" });
    return h(
      "figure",
      { class: "pair" },
      rule.element,
      found[name].element,
      h(
        "figcaption",
        {},
        h("b", {}, `${name[0].toUpperCase()}${name.slice(1)} matrix`),
        " the rule, and what was found",
      ),
    );
  });
  const body = h(
    "div",
    { class: "lesson-body" },
    h(
      "div",
      { class: "lesson-left" },
      h("h3", {}, "Could a network find these matrices itself?"),
      report,
      button,
      chart,
    ),
    h("div", { class: "pairs" }, pairs),
  );
  root.append(h("div", { class: "stage lesson" }, body));

  function start() {
    if (running) return;
    running = true;
    button.disabled = true;
    chart.classList.add("begun");
    const lesson = new Class(writeDiary(DIARY_DAYS, seeded(seed)), seed);
    const paths = lesson.learners.map(() => s("path", { class: "plot-line" }));
    lines.replaceChildren(...paths);
    requestAnimationFrame(function frame() {
      const until = performance.now() + FRAME_MILLISECONDS;
      let more = true;
      while (more && performance.now() < until) more = lesson.advance(1);
      show(lesson, paths);
      if (more) requestAnimationFrame(frame);
      else finish(lesson);
    });
  }

  function show(lesson, paths) {
    const leader = lesson.leader();
    lesson.learners.forEach((learner, index) => {
      paths[index].setAttribute("d", curve(learner.losses));
      paths[index].classList.toggle("leader", learner === leader);
    });
    for (const [name, values] of Object.entries(readable(leader))) found[name].set(values);
    report.textContent = `Step ${lesson.step} of ${STEPS}. Each line is one network; the strong one, whose matrices are easiest to read, is shown.`;
  }

  function finish(lesson) {
    const right = countRight(lesson.leader(), writeDiary(UNSEEN_DAYS, seeded(1000 + seed)));
    report.textContent =
      `On ${UNSEEN_DAYS.toLocaleString("en")} days it had never seen, fed only with the weather and its own dish of the day before, ` +
      `it served ${right.toLocaleString("en")} right.`;
    seed += 1;
    running = false;
    button.disabled = false;
    button.textContent = "Learn it again, from other numbers";
  }
}

// The losses on a logarithmic scale.
function curve(losses) {
  const stride = Math.max(1, Math.floor(losses.length / 120));
  const height = (loss) =>
    (HEIGHT - 24) * (1 - Math.log(Math.max(loss, LOWEST) / LOWEST) / Math.log(HIGHEST / LOWEST)) + 16;
  const points = [];
  for (let at = 0; at < losses.length; at += stride)
    points.push(`${((at / STEPS) * WIDTH).toFixed(1)} ${height(losses[at]).toFixed(1)}`);
  return `M${points.join("L")}`;
}
