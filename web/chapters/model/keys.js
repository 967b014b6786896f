// A keyboard to type on, as on a phone: suggestions, corrections that can be taken back, and the keys saved.

import { figure, h } from "latchwork/draw/dom.js";
import { rowsOf } from "latchwork/engine/channel.js";
import { Keyboard } from "latchwork/engine/keyboard.js";
import { FileError } from "latchwork/engine/latch.js";
import { isUnspaced } from "latchwork/engine/segments.js";

const OFFERS = 3;
const ATTACHED = ".,!?;:)"; // takes back the space that a suggestion brought
const ENDS_A_WORD = ` ${ATTACHED}`;
const SIGNS = ["'", ",", ".", "?", "!"];
const MOST = 2000; // characters typed

/** What is typed and what it cost: the counterpart of Session in src/latchwork/text/terminal.py. */
export class Typing {
  constructor(keyboard) {
    Object.assign(this, { keyboard, text: "", keys: 0, brought: false, corrected: null });
    this.offers = keyboard.offers("");
  }

  get saved() {
    return this.text.length ? 1 - this.keys / this.text.length : 0;
  }

  press(key) {
    if (key === "Backspace") this.takeBack();
    else if (key === "Enter") this.write("\n");
    else this.write(key);
    this.look();
  }

  choose(offer) {
    const space = isUnspaced(offer.text.at(-1)) ? "" : " ";
    this.text = this.text.slice(0, this.text.length - offer.replaces) + offer.text + space;
    this.keys += 1;
    [this.brought, this.corrected] = [space !== "", null];
    this.look();
  }

  look() {
    this.text = this.text.slice(-MOST);
    this.offers = this.keyboard.offers(this.text);
  }

  takeBack() {
    this.keys += 1;
    this.brought = false;
    if (this.corrected) {
      const { typed, became } = this.corrected;
      this.text = this.text.slice(0, -became.length - 1) + typed + this.text.at(-1);
      this.kept = typed;
      this.corrected = null;
    } else this.text = this.text.slice(0, -1);
  }

  write(character) {
    const brought = this.brought;
    [this.brought, this.corrected] = [false, null];
    if (brought && character === " ") return;
    if (brought && (ATTACHED.includes(character) || character === "\n")) this.text = this.text.slice(0, -1);
    else if (ENDS_A_WORD.includes(character) || character === "\n") this.change();
    this.text += character;
    this.keys += 1;
  }

  change() {
    const correction = this.keyboard.correct(this.text);
    if (!correction) return;
    const at = this.text.length - correction.replaces;
    const typed = this.text.slice(at);
    if (typed === this.kept) return; // it was taken back once: it is meant
    this.text = this.text.slice(0, at) + correction.text;
    this.corrected = { typed, became: correction.text };
  }
}

/** Build the keyboard of a saved model of words into an element. */
export function mountKeys(root, saved) {
  const typing = new Typing(keyboardOf(saved));
  let shift = false;
  const shown = h("p", { class: "typed", dir: "auto", "aria-label": "What was typed", "aria-live": "off" });
  const bar = h("div", { class: "offers", role: "group", "aria-label": "Suggestions" });
  const count = h("p", { class: "note", "aria-live": "polite" });
  const keys = h("div", { class: "keys", role: "group", "aria-label": "Keys" });

  const key = (label, name, press, style = "") =>
    h("button", { type: "button", class: `key ${style}`, "aria-label": name, onclick: press }, label);

  function typeKey(letter) {
    typing.press(shift ? letter.toUpperCase() : letter);
    shift = false;
    paint();
  }

  function paint() {
    shown.replaceChildren(...typedParts(typing), h("i", { class: "caret" }));
    bar.replaceChildren(
      ...Array.from({ length: OFFERS }, (_, at) => {
        const offer = typing.offers[at];
        return h(
          "button",
          {
            type: "button",
            class: offer?.corrects ? "offer corrects" : "offer",
            disabled: offer ? null : "",
            dir: "auto",
            onclick: () => (typing.choose(offer), paint()),
          },
          offer?.text ?? "\u00a0",
        );
      }),
    );
    const back = typing.corrected ? ` Backspace puts back “${typing.corrected.typed}”.` : "";
    count.textContent = typing.text.length
      ? `${typing.keys} keys for ${typing.text.length} characters: ${figure(100 * typing.saved, 0)} % saved.${back}`
      : "Type, or take a word above the keys.";
    keys.querySelectorAll("[data-letter]").forEach((button) => {
      button.textContent = shift ? button.dataset.letter.toUpperCase() : button.dataset.letter;
    });
    keys.querySelector(".shift").setAttribute("aria-pressed", String(shift));
  }

  const letterKey = (letter) => {
    const button = key(letter, letter, () => typeKey(letter));
    button.dataset.letter = letter;
    return button;
  };
  const rows = rowsOf(typing.keyboard.layout).map((letters) => Array.from(letters, letterKey));
  rows[2].unshift(key("⇧", "Shift", () => ((shift = !shift), paint()), "wide shift"));
  rows[2].push(key("⌫", "Backspace", () => (typing.press("Backspace"), paint()), "wide"));
  const signs = SIGNS.map((sign) => key(sign, sign, () => typeKey(sign)));
  rows.push([
    ...signs.slice(0, 2),
    key("space", "Space", () => typeKey(" "), "space"),
    ...signs.slice(2),
    key("↵", "Enter", () => (typing.press("Enter"), paint()), "wide"),
  ]);
  keys.append(...rows.map((row) => h("div", { class: "key-row" }, ...row)));
  const board = h("div", { class: "phone", tabindex: 0, "aria-label": "Keyboard: type here" }, shown, bar, keys, count);
  board.addEventListener("keydown", (event) => {
    const ours = event.key.length === 1 || ["Backspace", "Enter"].includes(event.key);
    if (!ours || event.ctrlKey || event.metaKey || event.altKey || event.target !== board) return;
    event.preventDefault();
    typing.press(event.key);
    paint();
  });
  root.append(board);
  paint();
  return typing;
}

function keyboardOf(saved) {
  try {
    return new Keyboard(saved);
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError("Its n-gram and its network do not belong together.");
  }
}

// The text, with what was just corrected marked.
function typedParts({ text, corrected }) {
  if (!corrected) return [text];
  const at = text.length - corrected.became.length - 1;
  return [text.slice(0, at), h("mark", {}, corrected.became), text.slice(-1)];
}
