// Digits: draw one, and see what the network believes after each of the 28 rows that it reads.

import { css, share, signed } from "latchwork/draw/colour.js";
import { figure, h, onThemeChange } from "latchwork/draw/dom.js";
import { PLAY } from "latchwork/draw/icons.js";
import { softmax } from "latchwork/engine/algebra.js";
import { embeddedExample, loadModel } from "latchwork/data.js";
import { scaled } from "latchwork/chapters/model/scaling.js";

const SIDE = 28;
const BRUSH = 1.35; // radius in pixels of the digit
const ROW_MILLISECONDS = 70;
const FIRST_SHOWN = 13; // a three, plainly written

export async function mountDigits(root, { document: saved, network, tensors }, inside) {
  const classes = saved.fitted?.classes ?? Array.from({ length: 10 }, (_, digit) => digit);
  const { shape, data } = (await loadModel("digit-samples.latch")).tensors.images;
  const samples = Array.from({ length: shape[0] }, (_, index) =>
    Float32Array.from(data.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE), (value) => value / 255),
  );
  const given = readImage(embeddedExample());
  const state = { drawn: given ?? samples[FIRST_SHOWN].slice(), row: SIDE - 1, timer: null, leaning: false };

  const pad = h("canvas", {
    width: SIDE,
    height: SIDE,
    class: "pad",
    tabindex: 0,
    role: "img",
    "aria-label": "Draw a digit here",
  });
  const read = h("canvas", {
    width: SIDE,
    height: SIDE,
    class: "pad reading",
    role: "img",
    "aria-label": "What the network reads, row by row",
  });
  const beliefs = h("canvas", {
    width: classes.length,
    height: SIDE,
    class: "beliefs",
    role: "img",
    "aria-label": "Belief in each digit after each row",
  });
  const bars = classes.map((name) => {
    const fill = h("i");
    const value = h("output");
    return {
      element: h("li", {}, h("b", {}, String(name)), h("span", { class: "bar-track" }, fill), value),
      fill,
      value,
    };
  });
  const slider = h("input", {
    type: "range",
    min: 0,
    max: SIDE - 1,
    "aria-label": "Rows read",
    oninput: () => (stop(), goTo(Number(slider.value))),
  });
  const verdict = h("p", { class: "verdict", "aria-live": "polite" });
  const lean = h("input", { type: "checkbox", onchange: () => ((state.leaning = lean.checked), show()) });

  root.append(
    h(
      "div",
      { class: "digits" },
      h("figure", {}, pad, h("figcaption", {}, "Draw with mouse or finger")),
      h(
        "figure",
        { class: "aligned" },
        h("div", { class: "aligned-row" }, read, beliefs),
        h("figcaption", {}, "What it reads, and beside each row what it then believes: 0 to 9"),
      ),
      h(
        "div",
        { class: "digit-answer" },
        verdict,
        h(
          "ol",
          { class: "bars" },
          bars.map(({ element }) => element),
        ),
      ),
    ),
    h(
      "div",
      { class: "row apart" },
      h(
        "div",
        { class: "row samples" },
        samples.map((image, index) =>
          h(
            "button",
            { type: "button", class: "sample", "aria-label": `Sample ${index + 1}`, onclick: () => use(image) },
            thumbnail(image),
          ),
        ),
      ),
      h(
        "div",
        { class: "row" },
        h("button", { class: "button", type: "button", onclick: () => use(new Float32Array(SIDE * SIDE)) }, "Clear"),
        h("button", { class: "button primary", type: "button", onclick: play }, PLAY(), "Read again"),
      ),
    ),
    slider,
    h(
      "label",
      { class: "check" },
      lean,
      h("span", {}, "Show which pixels the answer leaned on "),
      h("button", { type: "button", class: "term", "data-term": "influence" }, "(influence)"),
    ),
  );
  pad.addEventListener("pointerdown", begin);
  pad.addEventListener("pointermove", (event) => event.buttons && stroke(event));
  pad.addEventListener("pointerup", play);
  inside.onchoose = (time) => (stop(), goTo(time));
  onThemeChange(root, show);
  think();

  function use(image) {
    state.drawn = image.slice();
    think();
    play();
  }

  function begin(event) {
    stop();
    pad.setPointerCapture(event.pointerId);
    stroke(event);
  }

  function stroke(event) {
    const box = pad.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * SIDE - 0.5;
    const y = ((event.clientY - box.top) / box.height) * SIDE - 0.5;
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        const ink = Math.min(1, Math.max(0, BRUSH + 0.5 - Math.hypot(column - x, row - y)));
        state.drawn[row * SIDE + column] = Math.max(state.drawn[row * SIDE + column], ink);
      }
    }
    state.row = SIDE - 1;
    think();
  }

  function think() {
    const centred = centre(state.drawn);
    state.image = centred;
    state.input = scaled(
      Array.from({ length: SIDE }, (_, row) => Float64Array.from(centred.subarray(row * SIDE, (row + 1) * SIDE))),
      tensors,
    );
    state.run = network.run(state.input);
    state.traces = network.traces(state.run);
    state.shares = network.answersSoFar(state.input).map((scores) => softmax(scores));
    state.influence = null;
    show();
  }

  function play() {
    stop();
    goTo(0);
    state.timer = setInterval(() => (state.row < SIDE - 1 ? goTo(state.row + 1) : stop()), ROW_MILLISECONDS);
  }

  function stop() {
    clearInterval(state.timer);
    state.timer = null;
  }

  function goTo(row) {
    state.row = row;
    show();
  }

  function show() {
    const shares = state.shares[state.row];
    const best = shares.indexOf(Math.max(...shares));
    slider.value = state.row;
    drawInk(pad, state.drawn);
    drawReading(best);
    paintBeliefs();
    bars.forEach(({ element, fill, value }, index) => {
      fill.style.transform = `scaleX(${shares[index]})`;
      value.textContent = figure(shares[index]);
      element.classList.toggle("best", index === best);
    });
    verdict.textContent =
      state.row === SIDE - 1
        ? `It reads a ${classes[best]}`
        : `After ${state.row + 1} of ${SIDE} rows: ${classes[best]}?`;
    inside.show(state.traces, { time: state.row, label: (time) => `row ${time + 1}`, signals: signalsOf(state.image) });
  }

  function drawReading(best) {
    if (state.leaning) state.influence ??= network.influence(state.run, state.input, best);
    const most = state.leaning ? Math.max(...state.influence.map((row) => Math.max(...row.map(Math.abs)))) || 1 : 1;
    pixels(read, SIDE, SIDE, (row, column) => {
      const ink = state.image[row * SIDE + column];
      const colour = state.leaning ? signed(state.influence[row][column] / most) : share(ink, "hidden");
      return [...colour, row > state.row ? 70 : 255];
    });
  }

  function paintBeliefs() {
    pixels(beliefs, classes.length, SIDE, (row, column) => [
      ...share(state.shares[row][column], "accent"),
      row > state.row ? 0 : 255,
    ]);
  }
}

// What a unit may follow while the rows are read.
function signalsOf(image) {
  const rows = Array.from({ length: SIDE }, (_, row) => image.subarray(row * SIDE, (row + 1) * SIDE));
  const ink = rows.map((row) => row.reduce((sum, value) => sum + value, 0));
  const middle = rows.map((row, at) =>
    ink[at] ? row.reduce((sum, value, x) => sum + value * x, 0) / ink[at] : SIDE / 2,
  );
  let read = 0;
  return {
    "the ink in the row": ink,
    "all ink so far": ink.map((value) => (read += value)),
    "where the ink is, left to right": middle,
    "the row’s number": rows.map((_, row) => row),
  };
}

// An image given as text: 28 lines of 28 numbers, from 0 to 1 or to 255; null if it is anything else.
function readImage(text) {
  const values = (text ?? "")
    .trim()
    .split(/[\s,;]+/)
    .map(Number);
  if (values.length !== SIDE * SIDE || !values.every(Number.isFinite)) return null;
  const most = Math.max(...values) > 1 ? 255 : 1;
  return Float32Array.from(values, (value) => value / most);
}

function pixels(canvas, width, height, colour) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) image.data.set(colour(row, column), 4 * (row * width + column));
  }
  context.putImageData(image, 0, 0);
}

function drawInk(canvas, values) {
  pixels(canvas, SIDE, SIDE, (row, column) => [...share(values[row * SIDE + column], "hidden"), 255]);
}

function thumbnail(values) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const draw = () => drawInk(canvas, values);
  draw();
  onThemeChange(canvas, draw);
  return canvas;
}

// MNIST's digits are centred by their mass; what is drawn is moved likewise before it is read.
function centre(values) {
  let [mass, x, y] = [0, 0, 0];
  values.forEach((ink, at) => {
    mass += ink;
    x += ink * (at % SIDE);
    y += ink * Math.floor(at / SIDE);
  });
  if (!mass) return values;
  const middle = (SIDE - 1) / 2;
  const [right, down] = [Math.round(middle - x / mass), Math.round(middle - y / mass)];
  return values.map((_, at) => {
    const [row, column] = [Math.floor(at / SIDE) - down, (at % SIDE) - right];
    return row >= 0 && row < SIDE && column >= 0 && column < SIDE ? values[row * SIDE + column] : 0;
  });
}
