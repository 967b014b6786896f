// The kitchens drawn: each matrix with its input vector lying on its columns and its product standing beside its rows.

import { grid } from "latchwork/draw/grid.js";
import { h } from "latchwork/draw/dom.js";
import { DISHES, WEATHER } from "latchwork/draw/icons.js";
import { COURSES, MATRICES } from "latchwork/chapters/roommate/kitchens.js";

/**
 * Draw a kitchen.
 *
 * @param {string} kitchen plain, recurrent or merged
 * @param {(matrix: string, row: number) => void} onpoint called when a row of a matrix is pointed at
 * @returns {{element, products, vectors, mark}} `products` by the matrix's name: { input, result, rows, show(vector,
 *   upTo) and touch(column, row) }; `vectors` by name: functions that show one, or null for none yet
 */
export function drawKitchen(kitchen, onpoint) {
  return BUILD[kitchen](onpoint);
}

function product({ title, term, values, input, result, icons, rows, rowNames, name }, onpoint) {
  const columns = values[0].length;
  const top = grid(1, columns, { label: `${title}: what comes in`, colour: "accent" });
  const body = grid(values.length, columns, { label: title, colour: "hidden", onpoint: (row) => onpoint(name, row) });
  const side = grid(values.length, 1, { label: `${title}: what comes out`, colour: "accent" });
  body.set(values);
  const element = h(
    "div",
    { class: "product" },
    h(
      "div",
      { class: "over" },
      h(
        "div",
        { class: "heads", style: `--columns:${columns}` },
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
    input,
    result,
    name,
    title,
    rowNames,
    height: values.length,
    showInput: (vector) => top.set(vector && [vector]),
    /** What comes out, down to row `upTo`. */
    showResult: (vector, upTo = values.length) =>
      side.set(vector && vector.map((value, row) => [row < upTo ? value : undefined])),
    touch: (test) => body.touch(test),
  };
}

const sign = (text) => h("div", { class: "sign", "aria-hidden": "true" }, text);
const dishRows = () => DISHES.map(({ draw }) => draw());
const dishNames = DISHES.map(({ name }) => name);
const halves = () =>
  ["same", "next"].flatMap((half) => DISHES.map(({ draw }) => h("span", {}, draw(), h("small", {}, half))));
const halfNames = ["same", "next"].flatMap((half) => dishNames.map((dish) => `${dish}, ${half}`));
const numbered = () =>
  Array.from({ length: 2 * COURSES }, (_, index) => ({ draw: () => h("small", {}, String(index + 1)) }));

function kitchenOf(products, element, vectors = {}) {
  return {
    element,
    products: Object.fromEntries(products.map((each) => [each.name, each])),
    vectors: {
      ...Object.fromEntries(products.map((each) => [each.input, [each.showInput]])),
      ...vectors,
    },
  };
}

const BUILD = {
  plain(onpoint) {
    const weather = product(
      {
        title: "Weather matrix",
        term: "matrix",
        name: "weather",
        values: MATRICES.plain.weather,
        input: "weather",
        result: "dish",
        icons: WEATHER,
        rows: dishRows(),
        rowNames: dishNames,
      },
      onpoint,
    );
    return kitchenOf([weather], h("div", { class: "line" }, weather.element));
  },
  recurrent(onpoint) {
    const food = product(
      {
        title: "Food matrix",
        term: "matrix",
        name: "food",
        values: MATRICES.recurrent.food,
        input: "yesterday",
        result: "dish",
        icons: DISHES,
        rows: dishRows(),
        rowNames: dishNames,
      },
      onpoint,
    );
    return kitchenOf([food], h("div", { class: "line" }, food.element));
  },
  merged(onpoint) {
    const { food: F, weather: W, merge: M } = MATRICES.merged;
    const food = product(
      {
        title: "Food matrix",
        term: "food matrix",
        name: "food",
        values: F,
        input: "yesterday",
        result: "proposals",
        icons: DISHES,
        rows: halves(),
        rowNames: halfNames,
      },
      onpoint,
    );
    const weather = product(
      {
        title: "Weather matrix",
        term: "weather matrix",
        name: "weather",
        values: W,
        input: "weather",
        result: "verdict",
        icons: WEATHER,
        rowNames: halfNames,
      },
      onpoint,
    );
    const merge = product(
      {
        title: "Merge matrix",
        term: "merge",
        name: "merge",
        values: M,
        input: "chosen",
        result: "dish",
        icons: numbered(),
        rows: dishRows(),
        rowNames: dishNames,
      },
      onpoint,
    );
    const total = grid(2 * COURSES, 1, { label: "The sum", colour: "above", most: 2 });
    const chosen = grid(2 * COURSES, 1, { label: "After the nonlinearity", colour: "accent" });
    const column = (vector) => vector && vector.map((value) => [value]);
    return kitchenOf(
      [food, weather, merge],
      h(
        "div",
        { class: "line" },
        h("div", { class: "line" }, food.element, sign("+"), weather.element),
        h(
          "div",
          { class: "line" },
          sign("="),
          lone(total, "add", "Sum"),
          sign("→"),
          lone(chosen, "nonlinearity", "Over 1"),
          sign("→"),
          merge.element,
        ),
      ),
      {
        total: [(vector) => total.set(column(vector))],
        chosen: [(vector) => chosen.set(column(vector)), merge.showInput],
      },
    );
  },
};

function lone({ element }, term, title) {
  return h(
    "div",
    { class: "product lone" },
    element,
    h("button", { class: "term under", type: "button", "data-term": term }, title),
  );
}
