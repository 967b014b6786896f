// Text to token numbers and back: the counterpart of src/latchwork/transforms/vocabulary.py.
//
// A vocabulary here is { encode(text), names, pieces(tokens), decoder() }: the tokens of a text, each token as it is
// listed, what each token of a sequence adds to the text, and that one token after the other.

import { FileError } from "latchwork/engine/latch.js";
import { clusters, segments, spaceIsDue } from "latchwork/engine/segments.js";

const JOIN = "\u2060"; // token 1 says that there is no space where one is the rule; before letters, that they continue a word
const UNKNOWN = "\ufffd"; // token 0; before a digit, a token that spells
const LATEST = 2;
const FIRST_DIGIT = 3; // in vocabularies of words; in those of characters the digits are last
const DIGITS = 16;
const MOST_IN_A_PIECE = 8; // characters of unspaced script

/** @throws {FileError} the vocabulary is of no kind that this page knows */
export function vocabularyOf({ units, tokens, version = 1 } = {}) {
  if (units === "byte") return bytes();
  if (!["char", "word"].includes(units) || !Array.isArray(tokens) || !tokens.every((t) => typeof t === "string"))
    throw new FileError("It does not say what its tokens are.");
  if (!(version <= LATEST)) throw new FileError(`Its vocabulary is newer than this page reads: update latchwork.`);
  return units === "char" ? characters(tokens, version) : words(tokens, version);
}

function bytes() {
  const names = Array.from({ length: 256 }, (_, byte) => (byte < 128 ? String.fromCharCode(byte) : "·"));
  const add = () => (id) => names[id];
  return { encode: (text) => [...new TextEncoder().encode(text)], names, decoder: add, pieces: piecesBy(add) };
}

const piecesBy = (decoder) => (ids) => ids.map(decoder());

function characters(tokens, version) {
  const first = version === 1 ? Infinity : tokens.length - DIGITS;
  const numbers = new Map(tokens.map((token, index) => [token, index]));
  const number = (letter) => (letter === UNKNOWN ? undefined : numbers.get(letter));
  const decoder = () => {
    const read = speller();
    return (id) => (id >= first ? read(id - first) : tokens[id]);
  };
  return {
    encode: (text) =>
      version === 1
        ? Array.from(text, (letter) => number(letter) ?? 0)
        : Array.from(text.normalize("NFC")).flatMap((letter) => number(letter) ?? spelt(letter, first)),
    names: tokens.map(shortly),
    decoder,
    pieces: piecesBy(decoder),
  };
}

// The hexadecimal digits of a text's UTF-8, as tokens; and what reads them again.
const spelt = (text, first) =>
  [...new TextEncoder().encode(text)].flatMap((byte) => [first + (byte >> 4), first + (byte & 15)]);

function speller() {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let high = null;
  return (digit) => {
    if (high === null) return ((high = digit), "");
    const byte = 16 * high + digit;
    high = null;
    return decoder.decode(Uint8Array.of(byte), { stream: true });
  };
}

const shortly = (token) => (token.length > 1 && token[0] === UNKNOWN ? `·${token.slice(1)}` : token.replace(JOIN, "…"));

function words(tokens, version) {
  const numbers = new Map(tokens.map((token, index) => [token, index]));
  const kept = new Map(); // what stands between two spaces, and its tokens

  const begin = (text) => [0, ...spelt(text, FIRST_DIGIT)];

  // An unknown word: its longest known beginning, then pieces that continue it.
  function spell(word) {
    const beginning = longestBeginning(word, (part) => numbers.has(part));
    const ids = numbers.has(beginning) ? [numbers.get(beginning)] : version === 1 ? [0] : begin(beginning);
    for (let rest = word.slice(beginning.length); rest;) {
      const piece = longestBeginning(rest, (part) => numbers.has(JOIN + part));
      if (numbers.has(JOIN + piece)) ids.push(numbers.get(JOIN + piece));
      else ids.push(...(version === 1 ? [0] : spelt(piece, FIRST_DIGIT)));
      rest = rest.slice(piece.length);
    }
    return ids;
  }

  // A run of unspaced script: the longest known pieces, one after the other.
  function run(text) {
    const [ids, parts] = [[], clusters(text)];
    for (let at = 0; at < parts.length;) {
      let end = Math.min(parts.length, at + MOST_IN_A_PIECE);
      while (end > at && !numbers.has(parts.slice(at, end).join(""))) end--;
      if (end > at) ids.push(numbers.get(parts.slice(at, end).join("")));
      else ids.push(...begin(parts[at]));
      at = Math.max(end, at + 1);
    }
    return ids;
  }

  function segment([text, kind]) {
    const known = numbers.get(text);
    if (known >= FIRST_DIGIT) return [known];
    if (kind === "run") return run(text);
    if (kind === "word") return spell(text);
    return version === 1 ? [known ?? 0] : begin(text);
  }

  function chunk(text) {
    let before = null;
    const ids = [];
    const parts = text === "\n" ? [["\n", "sign"]] : segments(text, version);
    for (const part of parts) {
      if (spaceIsDue(before, part[0], version)) ids.push(1);
      ids.push(...segment(part));
      before = part[0];
    }
    const [first, after] = [spaceIsDue("a", parts[0][0], version), spaceIsDue(before, "a", version)];
    kept.set(text, { ids, before: first, after });
    return kept.get(text);
  }

  function encode(given) {
    const text = version === 1 ? given : given.normalize("NFC");
    const ids = [];
    let due = false;
    text.split("\n").forEach((line, number) => {
      if (number) {
        ids.push(...(kept.get("\n") ?? chunk("\n")).ids);
        due = false;
      }
      let spaces = -1;
      for (const part of line.split(" ")) {
        spaces++;
        if (!part) continue;
        const found = kept.get(part) ?? chunk(part);
        const extra = spaces - Number(due && found.before);
        if (extra < 0) ids.push(1);
        for (let more = 0; more < extra; more++) ids.push(2);
        ids.push(...found.ids);
        [due, spaces] = [found.after, 0];
      }
      for (let more = 0; more < spaces; more++) ids.push(2);
    });
    return ids;
  }

  function decoder() {
    let [before, joined, begins] = [null, false, false];
    const read = speller();
    return (id) => {
      let token = tokens[id];
      if (id === 1) return (joined = true) && "";
      if (id === 2) return " ";
      if (version > 1 && id === 0) return (begins = true) && "";
      if (version > 1 && id >= FIRST_DIGIT && id < FIRST_DIGIT + DIGITS) {
        token = read(id - FIRST_DIGIT);
        if (!begins || !token) return token;
        begins = false;
      } else if (token.length > 1 && token[0] === JOIN) return token.slice(1);
      const space = !joined && spaceIsDue(before, token, version);
      [before, joined] = [token, false];
      return (space ? " " : "") + token;
    };
  }

  return { encode, names: tokens.map(shortly), decoder, pieces: piecesBy(decoder) };
}

function longestBeginning(word, known) {
  let letters = Array.from(word);
  for (let length = letters.length; length > 1; length--) {
    const part = letters.slice(0, length).join("");
    if (known(part)) return part;
  }
  return letters[0];
}
