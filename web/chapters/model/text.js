// Text: type, see what comes next, colour the text by any unit or by what the next letter, or word, leaned on.

import { css, inkOn, signed } from "latchwork/draw/colour.js";
import { choices, figure, h, onThemeChange } from "latchwork/draw/dom.js";
import { softmax } from "latchwork/engine/algebra.js";
import { embeddedExample } from "latchwork/data.js";
import { FileError } from "latchwork/engine/latch.js";
import { mountKeys } from "latchwork/chapters/model/keys.js";
import { Stepper } from "latchwork/engine/stepper.js";
import { vocabularyOf } from "latchwork/engine/vocabulary.js";

const SHOWN = 8; // likeliest letters
const LONGEST = 400; // letters read; the rest of a long text would only slow the page
const LEANED_AFTER = 60; // milliseconds without a new step: influence goes back through all of them
const WRITTEN = 120; // letters that it goes on for
const ENDING = 14; // letters of what was read in the heading of what comes next
const START = {
  char: "ROMEO:\nBut soft, what light",
  byte: "ROMEO:\nBut soft, what light",
  word: "I will see you at the",
};

export function mountText(root, { document: saved, tensors, network }, inside) {
  const { encode, names, pieces } = vocabularyOf(saved.fitted.vocabulary);
  const units = saved.fitted.vocabulary.units;
  const what = units === "word" ? "word" : "letter";
  const reader = new Stepper(network);
  const [first, last] = [network.spec.layers[0], network.spec.layers.at(-1)];
  if (first.tokens !== names.length || last.units !== names.length)
    throw new FileError(`Its vocabulary has ${names.length} tokens, its network ${first.tokens} and ${last.units}.`);
  const state = { colour: "unit", at: null, temperature: 0.7 };
  const area = h("textarea", {
    rows: 3,
    "aria-label": "Text",
    maxlength: LONGEST,
    oninput: think,
    spellcheck: "false",
  });
  area.value = (embeddedExample() ?? START[units]).slice(0, LONGEST);
  const coloured = h("p", {
    class: "letters",
    tabindex: 0,
    "aria-label": `The ${what}s read; move with the arrow keys`,
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
            "Colour the text by",
            [
              { value: "unit", label: "Colour by unit" },
              { value: "influence", label: "By influence" },
            ],
            state.colour,
            (value) => ((state.colour = value), paint()),
          ),
        ),
        coloured,
        h(
          "p",
          { class: "note" },
          `Choose a ${what} to see what was expected after it. By influence: what that leaned on, orange where it raised its odds.`,
        ),
      ),
      h("div", {}, asked, bars),
    ),
  );
  if (units === "word") mountKeys(root, { document: saved, tensors, network });
  inside.onunit = paint;
  inside.onchoose = (time) => ask(time);
  onThemeChange(root, paint);
  think();

  function think() {
    state.tokens = encode(area.value || " ").slice(0, LONGEST);
    reader.read(state.tokens);
    state.traces = reader.traces();
    state.pieces = pieces(state.tokens);
    state.signals = signalsOf(state.pieces);
    state.spans = state.pieces.map((piece, time) => {
      const line = piece.includes("\n");
      return h("span", { class: line ? "line-end" : null, onclick: () => ask(time) }, line ? "↵\n" : piece);
    });
    coloured.replaceChildren(...state.spans);
    ask(state.tokens.length - 1);
  }

  function ask(time) {
    state.at = time;
    const shares = softmax(reader.answer(time));
    const ranked = likeliest(shares, SHOWN);
    state.expected = ranked[0];
    asked.textContent = `After “${ending(state.pieces.slice(0, time + 1))}”`;
    bars.replaceChildren(...ranked.map((token) => bar(names[token], shares[token])));
    inside.show(state.traces, {
      time,
      label: (step) => `“${visible(state.pieces[step])}” at ${step + 1}`,
      signals: state.signals,
    });
    paint();
  }

  function paint() {
    const { layer, unit } = inside.unit();
    const byUnit = state.colour === "unit";
    clearTimeout(state.leaning);
    state.spans.forEach((letter, time) => letter.classList.toggle("asked", time === state.at));
    if (byUnit) colourBy(state.traces[layer].trace.hidden.map((step) => step[unit]));
    else state.leaning = setTimeout(() => colourBy(influence()), LEANED_AFTER);
  }

  function colourBy(values) {
    const most = state.colour === "unit" ? 1 : Math.max(...values.map(Math.abs)) || 1;
    state.spans.forEach((letter, time) => {
      const ground = signed((values[time] ?? 0) / most);
      letter.style.background = css(ground);
      letter.style.color = css(inkOn(ground));
    });
  }

  // How much each step pushed what is likeliest after the chosen one.
  function influence() {
    return reader.influence(state.expected, state.at).map((step) => step.reduce((sum, value) => sum + value, 0));
  }

  function write() {
    const tokens = encode(area.value || " ").slice(0, LONGEST - 1);
    reader.read(tokens);
    for (let step = 0; step < WRITTEN && tokens.length < LONGEST; step++) {
      tokens.push(draw(softmax(reader.answer(tokens.length - 1), state.temperature)));
      reader.push(tokens.at(-1));
    }
    area.value = pieces(tokens).join("");
    think();
  }
}

function likeliest(shares, count) {
  const best = [];
  for (let token = 0; token < shares.length; token++) {
    if (best.length === count && shares[token] <= shares[best.at(-1)]) continue;
    best.push(token);
    best.sort((a, b) => shares[b] - shares[a]);
    if (best.length > count) best.pop();
  }
  return best;
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

// What a unit may follow while the text is read.
function signalsOf(text) {
  const since = (test) => {
    let steps = 0;
    return text.map((letter) => (steps = test(letter) ? 0 : steps + 1));
  };
  const where = (test) => text.map((letter) => Number(test(letter)));
  return {
    "the place in the line": since((letter) => letter.includes("\n")),
    "the place in the word": since((letter) => /^\W/.test(letter)),
    "spaces and ends of lines": where((letter) => /^\s/.test(letter)),
    "capital letters": where((letter) => letter !== letter.toLowerCase()),
    vowels: where((letter) => /^[aeiou]$/i.test(letter)),
    "the place in the text": text.map((_, at) => at),
  };
}

// The last pieces, whole ones, as many as a heading holds.
function ending(pieces) {
  let from = pieces.length - 1;
  let length = pieces[from].length;
  while (from > 0 && length + pieces[from - 1].length <= ENDING) length += pieces[--from].length;
  return pieces.slice(from).join("").replace(/^ +/, "").replaceAll("\n", "↵") || visible(pieces.at(-1));
}
