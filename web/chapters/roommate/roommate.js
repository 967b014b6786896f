// Chapter 1: the roommate. Choose a kitchen and the weather, and follow the vectors through the matrices.

import { grid } from "latchwork/draw/grid.js";
import { choices, h } from "latchwork/draw/dom.js";
import { DISHES, PAUSE, PLAY, WEATHER } from "latchwork/draw/icons.js";
import { cook, COURSES, MATRICES, multiply } from "latchwork/chapters/roommate/kitchens.js";
import { mountLesson } from "latchwork/chapters/roommate/lesson.js";

const DAYS_SHOWN = 7;
const STAGE_MILLISECONDS = 1100;
const dishName = (index) => DISHES[index].name;

// What each stage of a day reveals, and what is said about it.
const STAGES = {
  plain: [
    {
      shows: ["weather"],
      say: (day) =>
        `Today is ${WEATHER[day.weather].name}. Written as a one-hot vector: a 1 where it is true, a 0 where it is not.`,
    },
    {
      shows: ["dish"],
      say: (day) =>
        `The 1 picks one column of the weather matrix; the 0s silence the other. That column is the answer: ${dishName(day.dish)}.`,
    },
  ],
  recurrent: [
    {
      shows: ["yesterday"],
      say: (day) =>
        `Yesterday there was ${dishName(day.yesterday)}. What came out yesterday goes in today: that loop is all that “recurrent” means.`,
    },
    {
      shows: ["dish"],
      say: (day) =>
        `The food matrix moves the 1 one place on: after ${dishName(day.yesterday)} comes ${dishName(day.dish)}.`,
    },
  ],
  merged: [
    {
      shows: ["yesterday", "weather"],
      say: (day) =>
        `Two one-hot vectors come in: yesterday’s ${dishName(day.yesterday)}, and ${WEATHER[day.weather].name} weather.`,
    },
    {
      shows: ["proposals"],
      say: () =>
        "The food matrix makes two proposals: the same dish again (upper half) and the next dish (lower half).",
    },
    {
      shows: ["verdict"],
      say: (day) =>
        `The weather matrix gives the verdict: ${day.weather ? "rain, so the lower half holds" : "sun, so the upper half holds"}.`,
    },
    {
      shows: ["total"],
      say: () => "Add the two. Where a proposal meets the verdict there is a 2; everywhere else a 0 or a 1.",
    },
    {
      shows: ["chosen"],
      say: () =>
        "A nonlinearity keeps what is larger than 1. Only the 2 survives, as a 1. No matrix alone could have done this.",
    },
    {
      shows: ["dish"],
      say: (day) =>
        `The merge matrix lays both halves on top of each other: ${dishName(day.dish)} is served. Tomorrow it goes in on the left.`,
    },
  ],
};

/** Build the chapter's figures inside `root`. */
export function mountRoommate(root) {
  const state = { kitchen: "merged", yesterday: 0, weather: 0, stage: 0, days: [], timer: null };
  const board = h("div", { class: "kitchen" });
  const caption = h("p", { class: "caption", "aria-live": "polite" });
  const arithmetic = h("p", { class: "arithmetic note" });
  const week = h("ol", { class: "week", "aria-label": "The days so far" });
  const playButton = h("button", { class: "button", type: "button", onclick: toggle }, PLAY(), "Run");
  const stepButton = h("button", { class: "button primary", type: "button", onclick: () => (pause(), step()) }, "Step");
  const sky = choices(
    "Today’s weather",
    WEATHER.map(({ name, draw }, value) => ({ value, label: name, icon: draw() })),
    state.weather,
    (value) => ((state.weather = value), (state.stage = 0), render()),
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
          (value) => ((state.kitchen = value), (state.stage = 0), build()),
        ),
        sky,
      ),
      board,
      h("div", { class: "row apart speech" }, caption, h("div", { class: "row" }, playButton, stepButton)),
      arithmetic,
      week,
    ),
  );
  build();
  mountLesson(root);

  function build() {
    sky.hidden = state.kitchen === "recurrent";
    parts = BUILD[state.kitchen](explain);
    board.replaceChildren(parts.element);
    board.dataset.kitchen = state.kitchen;
    render();
  }

  function step() {
    if (state.stage < STAGES[state.kitchen].length - 1) state.stage += 1;
    else nextDay();
    render();
  }

  function nextDay() {
    const dish = today().dish;
    state.days = [...state.days, { weather: state.weather, dish, kitchen: state.kitchen }].slice(-DAYS_SHOWN);
    state.yesterday = dish;
    state.stage = 0;
    // Left to run, the weather changes like weather does; stepped by hand it stays until it is chosen.
    if (state.timer && state.kitchen !== "recurrent") sky.children[Math.floor(Math.random() * 2)].click();
  }

  function today() {
    const vectors = cook(state.kitchen, state.yesterday, state.weather);
    return { vectors, yesterday: state.yesterday, weather: state.weather, dish: vectors.dish.indexOf(1) };
  }

  function render() {
    const day = today();
    const stages = STAGES[state.kitchen];
    const shown = stages.slice(0, state.stage + 1).flatMap((stage) => stage.shows);
    for (const [name, part] of Object.entries(parts.vectors)) {
      part.forEach(({ set, column }) => {
        const vector = shown.includes(name) ? day.vectors[name] : null;
        set(vector && (column ? vector.map((value) => [value]) : [vector]));
      });
    }
    parts.touch(day, shown);
    caption.textContent = stages[state.stage].say(day);
    stepButton.textContent = state.stage < stages.length - 1 ? "Step" : "Next day";
    arithmetic.textContent = "Point at a row of a matrix to see its arithmetic.";
    week.replaceChildren(...daysSoFar());
  }

  function daysSoFar() {
    const empty = Array.from({ length: DAYS_SHOWN - state.days.length }, () => h("li", { class: "empty" }));
    const past = state.days.map(({ weather, dish, kitchen }) =>
      h(
        "li",
        {},
        kitchen === "recurrent" ? h("span", { class: "no-sky" }) : WEATHER[weather].draw(),
        DISHES[dish].draw(),
      ),
    );
    return [...past, ...empty];
  }

  // One row of a product, written out: 1 x 0 + 0 x 1 + 0 x 0 = 0.
  function explain(name, input, row) {
    const vector = today().vectors[input];
    const terms = MATRICES[state.kitchen][name][row].map((entry, column) => `${entry} × ${vector[column]}`);
    arithmetic.textContent = `${terms.join(" + ")} = ${multiply([MATRICES[state.kitchen][name][row]], vector)[0]}`;
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

// A matrix with its input vector lying on its columns and its product standing beside its rows.
function product({ title, term, values, input, result, icons, rows, explain, name }) {
  const top = grid(1, values[0].length, { label: `${title}: input`, colour: "accent" });
  const body = grid(values.length, values[0].length, {
    label: title,
    colour: "hidden",
    onpoint: (row) => explain(name, input, row),
  });
  body.set(values);
  const side = grid(values.length, 1, { label: `${title}: product`, colour: "accent" });
  const element = h(
    "div",
    { class: "product" },
    h(
      "div",
      { class: "over" },
      h(
        "div",
        { class: "heads", style: `--columns:${values[0].length}` },
        icons.map(({ draw }) => draw()),
      ),
      top.element,
    ),
    rows && h("div", { class: "rows" }, rows),
    body.element,
    side.element,
    h("button", { class: "term under", type: "button", "data-term": term }, title),
  );
  return {
    element,
    body,
    vectors: { [input]: [{ set: top.set }], [result]: [{ set: side.set, column: true }] },
    touch: (index) => body.touch((row, column) => column === index),
  };
}

const sign = (text) => h("div", { class: "sign", "aria-hidden": "true" }, text);
const dishRows = () => DISHES.map(({ draw }) => draw());
const halves = () =>
  ["same", "next"].flatMap((half) => DISHES.map(({ draw }) => h("span", {}, draw(), h("small", {}, half))));
const numbered = () =>
  Array.from({ length: 2 * COURSES }, (_, index) => ({ draw: () => h("small", {}, String(index + 1)) }));

const BUILD = {
  plain(explain) {
    const weather = product({
      title: "Weather matrix",
      term: "matrix",
      name: "weather",
      values: MATRICES.plain.weather,
      input: "weather",
      result: "dish",
      icons: WEATHER,
      rows: dishRows(),
      explain,
    });
    return {
      element: h("div", { class: "line" }, weather.element),
      vectors: weather.vectors,
      touch: (day) => weather.touch(day.weather),
    };
  },
  recurrent(explain) {
    const food = product({
      title: "Food matrix",
      term: "matrix",
      name: "food",
      values: MATRICES.recurrent.food,
      input: "yesterday",
      result: "dish",
      icons: DISHES,
      rows: dishRows(),
      explain,
    });
    return {
      element: h("div", { class: "line" }, food.element),
      vectors: food.vectors,
      touch: (day) => food.touch(day.yesterday),
    };
  },
  merged(explain) {
    const { food: F, weather: W, merge: M } = MATRICES.merged;
    const food = product({
      title: "Food matrix",
      term: "food matrix",
      name: "food",
      values: F,
      input: "yesterday",
      result: "proposals",
      icons: DISHES,
      rows: halves(),
      explain,
    });
    const weather = product({
      title: "Weather",
      term: "weather matrix",
      name: "weather",
      values: W,
      input: "weather",
      result: "verdict",
      icons: WEATHER,
      explain,
    });
    const merge = product({
      title: "Merge matrix",
      term: "merge",
      name: "merge",
      values: M,
      input: "chosen",
      result: "dish",
      icons: numbered(),
      rows: dishRows(),
      explain,
    });
    const total = grid(2 * COURSES, 1, { label: "Sum", colour: "above", most: 2 });
    const chosen = grid(2 * COURSES, 1, { label: "After the nonlinearity", colour: "accent" });
    const column = ({ element }, term, title) =>
      h(
        "div",
        { class: "product lone" },
        element,
        h("button", { class: "term under", type: "button", "data-term": term }, title),
      );
    return {
      element: h(
        "div",
        { class: "line" },
        h(
          "div",
          { class: "line" },
          food.element,
          sign("+"),
          weather.element,
          sign("="),
          column(total, "add", "Sum"),
          sign("→"),
          column(chosen, "nonlinearity", "Keep"),
        ),
        merge.element,
      ),
      vectors: {
        ...food.vectors,
        ...weather.vectors,
        ...merge.vectors,
        total: [{ set: total.set, column: true }],
        chosen: [{ set: chosen.set, column: true }, ...merge.vectors.chosen],
      },
      touch(day, shown) {
        food.touch(shown.includes("proposals") ? day.yesterday : -1);
        weather.touch(shown.includes("verdict") ? day.weather : -1);
        merge.touch(shown.includes("dish") ? day.vectors.chosen.indexOf(1) : -1);
      },
    };
  },
};
