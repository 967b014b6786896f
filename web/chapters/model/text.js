// Text: type, see what comes next, colour the letters by any unit or by what the next letter leaned on.

import { css, signed } from "latchwork/draw/colour.js";
import { choices, figure, h } from "latchwork/draw/dom.js";
import { softmax } from "latchwork/engine/algebra.js";
import { embeddedExample } from "latchwork/data.js";
import { FileError } from "latchwork/engine/latch.js";

const SHOWN = 8; // likeliest letters
const LONGEST = 400; // letters read; the rest of a long text would only slow the page
const WRITTEN = 120; // letters that it goes on for
const START = "ROMEO:\nBut soft, what light";

export function mountText(root, { document: saved, network }, inside) {
  const { encode, letters } = tokeniser(saved.fitted.vocabulary);
  const state = { colour: "unit", at: null, temperature: 0.7 };
  const area = h("textarea", {
    rows: 3,
    "aria-label": "Text",
    maxlength: LONGEST,
    oninput: think,
    spellcheck: "false",
  });
  area.value = (embeddedExample() ?? START).slice(0, LONGEST);
  const coloured = h("p", {
    class: "letters",
    tabindex: 0,
    "aria-label": "The letters read; move with the arrow keys",
    onkeydown(event) {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      ask(Math.min(Math.max(state.at + by, 0), state.tokens.length - 1));
    },
  });
  const bars = h("ol", { class: "bars" });
  const asked = h("p", { class: "verdict", "aria-live": "polite" });
  const warmth = h("input", {
    type: "range",
    min: 0.2,
    max: 1.5,
    step: 0.1,
    value: state.temperature,
    id: "temperature",
    oninput: () => (state.temperature = Number(warmth.value)),
  });

  root.append(
    h(
      "div",
      { class: "text-panel" },
      h(
        "div",
        {},
        area,
        h(
          "div",
          { class: "row writing" },
          h("button", { class: "button primary", type: "button", onclick: write }, "Go on writing"),
          h(
            "label",
            { for: "temperature" },
            h("button", { type: "button", class: "term", "data-term": "temperature" }, "temperature"),
          ),
          warmth,
        ),
        h(
          "div",
          { class: "row" },
          choices(
            "Colour the letters by",
            [
              { value: "unit", label: "Colour by unit" },
              { value: "influence", label: "By influence" },
            ],
            state.colour,
            (value) => ((state.colour = value), paint()),
          ),
        ),
        coloured,
        h("p", { class: "note" }, "Choose a letter to see what was expected after it, and what that leaned on."),
      ),
      h("div", {}, asked, bars),
    ),
  );
  inside.onunit = paint;
  inside.onchoose = (time) => ask(time);
  addEventListener("themechange", paint);
  think();

  function think() {
    state.tokens = encode(area.value || " ");
    state.run = network.run(state.tokens);
    state.traces = network.traces(state.run);
    state.at = state.tokens.length - 1;
    state.spans = state.tokens.map((token, time) => {
      const line = letters[token] === "\n";
      return h("span", { class: line ? "line-end" : null, onclick: () => ask(time) }, line ? "↵\n" : letters[token]);
    });
    coloured.replaceChildren(...state.spans);
    ask(state.at);
  }

  function ask(time) {
    state.at = time;
    const shares = softmax(state.run.output[time]);
    const ranked = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, SHOWN);
    asked.textContent = `After “${state.tokens
      .slice(Math.max(0, time - 11), time + 1)
      .map((token) => letters[token])
      .join("")}”`;
    bars.replaceChildren(...ranked.map((token) => bar(letters[token], shares[token])));
    state.influence = network
      .influence(state.run, state.tokens, ranked[0], time)
      .map((step) => step.reduce((sum, value) => sum + value, 0));
    inside.show(state.traces, { time, label: (step) => `“${visible(letters[state.tokens[step]])}” at ${step + 1}` });
    paint();
  }

  function paint() {
    const { layer, unit } = inside.unit();
    const values =
      state.colour === "unit" ? state.traces[layer].trace.hidden.map((step) => step[unit]) : state.influence;
    const most = state.colour === "unit" ? 1 : Math.max(...state.influence.map(Math.abs)) || 1;
    state.spans.forEach((letter, time) => {
      letter.style.background = css(signed(values[time] / most));
      letter.classList.toggle("asked", time === state.at);
    });
  }

  function write() {
    const tokens = encode(area.value || " ");
    for (let step = 0; step < WRITTEN && tokens.length < LONGEST; step++) {
      tokens.push(draw(softmax(network.run(tokens.slice(-LONGEST)).output.at(-1), state.temperature)));
    }
    area.value = tokens.map((token) => letters[token]).join("");
    think();
  }
}

function bar(letter, share) {
  const fill = h("i", { style: `transform:scaleX(${share})` });
  return h(
    "li",
    {},
    h("b", {}, visible(letter)),
    h("span", { class: "bar-track" }, fill),
    h("output", {}, figure(share)),
  );
}

const visible = (letter) => ({ " ": "␣", "\n": "↵" })[letter] ?? letter;

function draw(shares) {
  let left = Math.random();
  for (let token = 0; token < shares.length; token++) {
    left -= shares[token];
    if (left < 0) return token;
  }
  return shares.length - 1;
}

// Text to token numbers and back: the counterpart of transforms/vocabulary.py.
function tokeniser({ units, tokens }) {
  if (units === "byte") {
    return {
      encode: (text) => [...new TextEncoder().encode(text)],
      letters: Array.from({ length: 256 }, (_, byte) => (byte < 128 ? String.fromCharCode(byte) : "·")),
    };
  }
  if (units !== "char")
    throw new FileError("A model of words: this page reads text letter by letter. Open one trained with --units char.");
  const numbers = new Map(tokens.map((token, index) => [token, index]));
  return { encode: (text) => Array.from(text, (letter) => numbers.get(letter) ?? 0), letters: tokens };
}
