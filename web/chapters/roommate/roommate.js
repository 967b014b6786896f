// Chapter 1: the roommate. Choose a kitchen and the weather, and follow the vectors through the matrices.

import { choices, h, stillness } from "latchwork/draw/dom.js";
import { DISHES, PAUSE, PLAY, WEATHER } from "latchwork/draw/icons.js";
import { drawKitchen } from "latchwork/chapters/roommate/board.js";
import { RULES, STAGES } from "latchwork/chapters/roommate/days.js";
import { cook, MATRICES, multiply } from "latchwork/chapters/roommate/kitchens.js";
import { mountLesson } from "latchwork/chapters/roommate/lesson.js";

const DAYS_SHOWN = 7;
const STAGE_MILLISECONDS = 1600;
const ROW_MILLISECONDS = 170; // of a product that is worked out row by row

/** Build the chapter's figures inside `root`. */
export function mountRoommate(root) {
  const state = { kitchen: "merged", yesterday: 0, weather: 0, stage: 0, days: [], timer: null, walk: null };
  const board = h("div", { class: "kitchen" });
  const rule = h("p", { class: "note" });
  const caption = h("p", { class: "caption", "aria-live": "polite" });
  const arithmetic = h("p", { class: "arithmetic note" });
  const week = h("ol", { class: "week", "aria-label": "The days so far" });
  const playButton = h("button", { class: "button", type: "button", onclick: toggle }, PLAY(), "Run");
  const backButton = h("button", { class: "button", type: "button", onclick: () => (pause(), back()) }, "Back");
  const stepButton = h("button", { class: "button primary", type: "button", onclick: () => (pause(), step()) }, "Step");
  const sky = choices(
    "Today’s weather",
    WEATHER.map(({ name, draw }, value) => ({ value, label: name, icon: draw() })),
    state.weather,
    (value) => ((state.weather = value), goTo(0)),
  );
  let parts;

  root.append(
    h(
      "div",
      { class: "stage" },
      h(
        "div",
        { class: "row apart" },
        choices(
          "How he decides",
          [
            { value: "plain", label: "By the weather" },
            { value: "recurrent", label: "By yesterday" },
            { value: "merged", label: "By both" },
          ],
          state.kitchen,
          (value) => ((state.kitchen = value), build()),
        ),
        sky,
      ),
      rule,
      board,
      h(
        "div",
        { class: "row apart speech" },
        caption,
        h("div", { class: "row controls" }, backButton, playButton, stepButton),
      ),
      arithmetic,
      h("h3", { class: "week-title" }, "What he has served"),
      week,
    ),
  );
  root.firstChild.addEventListener("keydown", (event) => {
    const move = { ArrowRight: step, ArrowLeft: back }[event.key];
    if (!move || event.target.closest(".matrix")) return;
    event.preventDefault();
    pause();
    move();
  });
  build();
  mountLesson(root);

  function build() {
    sky.hidden = state.kitchen === "recurrent";
    rule.textContent = RULES[state.kitchen];
    parts = drawKitchen(state.kitchen, explain);
    board.replaceChildren(parts.element);
    board.dataset.kitchen = state.kitchen;
    goTo(0);
  }

  function step() {
    if (state.stage < STAGES[state.kitchen].length - 1) return goTo(state.stage + 1);
    const { dish } = today();
    state.days.push({ yesterday: state.yesterday, weather: state.weather, dish, kitchen: state.kitchen });
    state.yesterday = dish;
    // Left to run, the weather changes like weather does; stepped by hand it stays until it is chosen.
    if (state.timer && state.kitchen !== "recurrent") setWeather(Math.floor(Math.random() * 2));
    goTo(0);
  }

  // One stage back, or into the evening of the day before.
  function back() {
    if (state.stage > 0) return goTo(state.stage - 1);
    if (state.days.at(-1)?.kitchen !== state.kitchen) return;
    const { yesterday, weather } = state.days.pop();
    state.yesterday = yesterday;
    setWeather(weather);
    goTo(STAGES[state.kitchen].length - 1);
  }

  function setWeather(weather) {
    state.weather = weather;
    [...sky.children].forEach((button, value) => button.setAttribute("aria-pressed", value === weather));
  }

  function goTo(stage) {
    const forward = stage > state.stage;
    state.stage = stage;
    render();
    const { by } = STAGES[state.kitchen][stage];
    if (by) walk(parts.products[by], forward);
  }

  function today() {
    const vectors = cook(state.kitchen, state.yesterday, state.weather);
    return { vectors, yesterday: state.yesterday, weather: state.weather, dish: vectors.dish.indexOf(1) };
  }

  function render() {
    clearInterval(state.walk);
    const day = today();
    const stages = STAGES[state.kitchen];
    const past = stages.slice(0, state.stage + 1);
    const shown = past.flatMap((stage) => stage.shows ?? []);
    for (const [name, shows] of Object.entries(parts.vectors)) {
      shows.forEach((show) => show(shown.includes(name) ? day.vectors[name] : null));
    }
    for (const each of Object.values(parts.products)) {
      const worked = past.some((stage) => stage.by === each.name);
      each.showResult(worked ? day.vectors[each.result] : null);
      const column = day.vectors[each.input].indexOf(1);
      each.touch((_, at) => worked && at === column);
    }
    caption.textContent = stages[state.stage].say(day);
    stepButton.textContent = state.stage < stages.length - 1 ? "Step" : "Next day";
    backButton.disabled = state.stage === 0 && state.days.at(-1)?.kitchen !== state.kitchen;
    arithmetic.textContent = "Point at a row of a matrix to see its arithmetic.";
    week.replaceChildren(...daysSoFar());
  }

  // The vector meets the matrix: row by row, what comes out is worked out and written down.
  function walk(each, forward) {
    const vector = today().vectors[each.result];
    const still = !forward || stillness();
    let row = still ? each.height : 0;
    const show = () => {
      each.showResult(vector, row + 1);
      explain(each.name, Math.min(row, each.height - 1));
      row += 1;
      if (row < each.height) return;
      clearInterval(state.walk);
      explain(each.name, vector.indexOf(1));
    };
    if (!still) state.walk = setInterval(show, ROW_MILLISECONDS);
    show();
  }

  function daysSoFar() {
    const past = state.days
      .slice(-DAYS_SHOWN)
      .map(({ weather, dish, kitchen }) =>
        h("li", {}, kitchen === "recurrent" ? null : WEATHER[weather].draw(), DISHES[dish].draw()),
      );
    const empty = Array.from({ length: DAYS_SHOWN - past.length }, () => h("li", { class: "empty" }));
    return [...past, ...empty];
  }

  // One row of a product, written out: 1 x 0 + 0 x 1 + 0 x 0 = 0.
  function explain(name, row) {
    const { title, input, rowNames, touch } = parts.products[name];
    const vector = today().vectors[input];
    const entries = MATRICES[state.kitchen][name][row];
    const terms = entries.map((entry, column) => `${entry} × ${vector[column]}`);
    const column = vector.indexOf(1);
    touch((at, across) => at === row || across === column);
    arithmetic.replaceChildren(
      `${title}, ${rowNames[row]}: `,
      h("b", {}, `${terms.join(" + ")} = ${multiply([entries], vector)[0]}`),
    );
  }

  function toggle() {
    if (state.timer) return pause();
    playButton.replaceChildren(PAUSE(), "Pause");
    state.timer = setInterval(step, STAGE_MILLISECONDS);
    step();
  }

  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    playButton.replaceChildren(PLAY(), "Run");
  }
}
