// Text to token numbers and back: the counterpart of src/latchwork/transforms/vocabulary.py.
//
// A vocabulary here is { encode(text), names, pieces(tokens) }: the tokens of a text, each token as it is listed, and
// what each token of a sequence adds to the text.

import { FileError } from "latchwork/engine/latch.js";

const JOIN = "\u2060"; // token 1 says that there is no space where one is the rule; before letters, that they continue a word
const SEGMENT = /( *)([\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|[^ ]|$)/gu;
const NO_SPACE_BEFORE = new Set("\n\r\t.,!?;:)]}%…'’\"”-/");
const NO_SPACE_AFTER = new Set('\n\r\t([{#$@/-_‘“"');

/** @throws {FileError} the vocabulary is of no kind that this page knows */
export function vocabularyOf({ units, tokens } = {}) {
  if (units === "byte") return bytes();
  if (!["char", "word"].includes(units) || !Array.isArray(tokens) || !tokens.every((t) => typeof t === "string"))
    throw new FileError("It does not say what its tokens are.");
  return units === "char" ? characters(tokens) : words(tokens);
}

function bytes() {
  const names = Array.from({ length: 256 }, (_, byte) => (byte < 128 ? String.fromCharCode(byte) : "·"));
  return { encode: (text) => [...new TextEncoder().encode(text)], names, pieces: (ids) => ids.map((id) => names[id]) };
}

function characters(tokens) {
  const numbers = new Map(tokens.map((token, index) => [token, index]));
  return {
    encode: (text) => Array.from(text, (letter) => numbers.get(letter) ?? 0),
    names: tokens,
    pieces: (ids) => ids.map((id) => tokens[id]),
  };
}

const spacesByRule = (before, after) =>
  Number(before !== null && !NO_SPACE_AFTER.has(before) && !NO_SPACE_BEFORE.has(after));

function words(tokens) {
  const numbers = new Map(tokens.map((token, index) => [token, index]));

  // An unknown word: its longest known beginning, then pieces that continue it.
  function spell(word) {
    const beginning = longestBeginning(word, (part) => numbers.has(part));
    const ids = [numbers.get(beginning) ?? 0];
    for (let rest = word.slice(beginning.length); rest;) {
      const piece = longestBeginning(rest, (part) => numbers.has(JOIN + part));
      ids.push(numbers.get(JOIN + piece) ?? 0);
      rest = rest.slice(piece.length);
    }
    return ids;
  }

  function encode(text) {
    const ids = [];
    let before = null;
    for (const [, spaces, token] of text.matchAll(SEGMENT)) {
      const rule = token ? spacesByRule(before, token) : 0;
      if (spaces.length < rule) ids.push(1);
      for (let more = rule; more < spaces.length; more++) ids.push(2);
      if (numbers.has(token)) ids.push(numbers.get(token));
      else if (token) ids.push(...spell(token));
      before = token;
    }
    return ids;
  }

  function pieces(ids) {
    let [before, joined] = [null, false];
    return ids.map((id) => {
      const token = tokens[id];
      if (id === 1) return (joined = true) && "";
      if (id === 2) return " ";
      if (token.length > 1 && token[0] === JOIN) return token.slice(1);
      const spaces = joined ? 0 : spacesByRule(before, token);
      [before, joined] = [token, false];
      return " ".repeat(spaces) + token;
    });
  }

  return { encode, names: tokens.map((token) => token.replace(JOIN, "…")), pieces };
}

// The longest beginning of a word that is known; its first letter where none is.
function longestBeginning(word, known) {
  const letters = Array.from(word);
  for (let length = letters.length; length > 1; length--) {
    const part = letters.slice(0, length).join("");
    if (known(part)) return part;
  }
  return letters[0];
}
