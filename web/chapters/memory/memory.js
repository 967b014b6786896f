// Chapter 3: how far back. Choose a distance: what was measured, and one trained network of each cell trying it live.

import { CELLS } from "latchwork/engine/cells.js";
import { h, s } from "latchwork/draw/dom.js";
import { loadJson, loadModel } from "latchwork/data.js";
import { softmax } from "latchwork/engine/algebra.js";
import { networkOf } from "latchwork/engine/network.js";
import { drawChart, linesBelow } from "latchwork/chapters/memory/chart.js";

const TRIES = 20; // menus tried live for each cell

export async function mountMemory(root) {
  const measured = await loadJson("memory.json");
  const cells = Object.keys(measured.cells);
  const networks = {};
  const state = { distance: measured.distances.indexOf(100) };
  const live = h("div", { class: "tries" });
  const sentence = h("p", { class: "caption", "aria-live": "polite" });
  const slider = h("input", {
    type: "range",
    min: 0,
    max: measured.distances.length - 1,
    value: state.distance,
    "aria-label": "Steps back",
    oninput: () => choose(Number(slider.value)),
  });
  const chart = drawChart(measured, choose);
  const again = h("button", { class: "button", type: "button", onclick: tryLive }, "Try other menus");
  root.append(
    h(
      "div",
      { class: "stage" },
      h("h3", {}, "How often the first day’s dish is remembered"),
      chart.element,
      h("div", { class: "under-chart" }, slider),
      sentence,
      h(
        "p",
        { class: "note" },
        `Each line is the middle one of ${measured.cells[cells[0]].accuracy.length} networks that began from different random numbers; the band reaches from the worst to the best.${hiddenLines()}`,
      ),
    ),
    h(
      "div",
      { class: "stage" },
      h("div", { class: "row apart" }, h("h3", {}, "Live, in this page"), again),
      h(
        "p",
        { class: "note" },
        "Each square is a new menu: one dish to keep, the rest to ignore. Filled: the network still knew. Beside it, how much of each day still reaches the answer (",
        h("button", { type: "button", class: "term", "data-term": "gradient" }, "gradient"),
        " times input, from the first day on the left to the question on the right).",
      ),
      live,
    ),
  );
  addEventListener("themechange", tryLive);
  await choose(state.distance);

  function hiddenLines() {
    const names = ([below, above]) => `The ${CELLS[below].name}’s line lies under the ${CELLS[above].name}’s.`;
    return linesBelow(measured.cells)
      .map((pair) => ` ${names(pair)}`)
      .join("");
  }

  async function choose(index) {
    state.distance = index;
    slider.value = index;
    const distance = measured.distances[index];
    slider.setAttribute("aria-valuetext", `${distance} steps back`);
    chart.mark(index);
    const said = cells.map(
      (cell) =>
        `${CELLS[cell].name} ${Math.round(100 * median(measured.cells[cell].accuracy.map((seed) => seed[index])))} %`,
    );
    sentence.textContent = `${distance} days back: ${said.join(", ")}. A guess is right once in ${measured.courses}.`;
    await tryLive();
  }

  // The distances whose networks came with the page are few; the nearest one that is not longer is tried.
  async function tryLive() {
    const wanted = measured.distances[state.distance];
    const distance = measured.live.filter((each) => each <= wanted).at(-1) ?? measured.live[0];
    const rows = await Promise.all(cells.map((cell) => tryCell(cell, distance)));
    live.replaceChildren(h("p", { class: "note" }, `${distance} days between the dish and the question`), ...rows);
  }

  async function tryCell(cell, distance) {
    const file = `memory-${cell}-${distance}.latch`;
    const network = (networks[file] ??= networkOf(await loadModel(file)));
    let reach = new Float64Array(distance + 1);
    const squares = Array.from({ length: TRIES }, () => {
      const { input, dish } = menu(distance, measured.courses);
      const run = network.run(input);
      const shares = softmax(run.output);
      const right = shares.indexOf(Math.max(...shares)) === dish;
      network
        .influence(run, input, dish)
        .forEach((step, time) => (reach[time] += Math.abs(step.reduce((sum, value) => sum + value, 0)) / TRIES));
      return h("i", { class: right ? "right" : "", title: right ? "remembered" : "forgotten" });
    });
    const count = squares.filter((square) => square.className).length;
    return h(
      "div",
      { class: "try", style: `--colour:var(--${CELLS[cell].colour})` },
      h("b", {}, CELLS[cell].name),
      h("span", { class: "squares", role: "img", "aria-label": `${count} of ${TRIES} remembered` }, squares),
      h("output", {}, `${count} of ${TRIES}`),
      reachLine(reach),
    );
  }
}

// A menu as the networks were trained on: a dish to keep, dishes to ignore, the question.
function menu(distance, courses) {
  const dishes = Array.from({ length: distance }, () => Math.floor(Math.random() * courses));
  const days = dishes.map((dish, day) =>
    Float64Array.from({ length: courses + 2 }, (_, at) => Number(at === dish || (day === 0 && at === courses))),
  );
  return {
    input: [...days, Float64Array.from({ length: courses + 2 }, (_, at) => Number(at === courses + 1))],
    dish: dishes[0],
  };
}

function reachLine(reach) {
  const [width, height] = [400, 44];
  const most = Math.max(...reach) || 1;
  const bars = Array.from(reach, (value, time) => {
    const size = Math.max(1, (value / most) * height);
    return s("rect", {
      x: (time / reach.length) * width,
      y: height - size,
      width: Math.max(0.6, width / reach.length - 0.6),
      height: size,
    });
  });
  return s(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      class: "reach",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": "How much each day reaches the answer",
    },
    bars,
  );
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
