// The keyboard of a saved model of words: the counterpart of src/latchwork/text/keyboard.py, for a page.

import { softmax } from "latchwork/engine/algebra.js";
import { CHEAPEST, distance, fold, layoutFor, neighbours } from "latchwork/engine/channel.js";
import { NGram } from "latchwork/engine/ngram.js";
import { beingTyped, isUnspaced, isWord, segments } from "latchwork/engine/segments.js";
import { Stepper } from "latchwork/engine/stepper.js";
import { vocabularyOf } from "latchwork/engine/vocabulary.js";

const [OTHER_FORM, OTHER_WHOLE] = [0.2, 0.3];
const [OVER_KNOWN, OVER_UNKNOWN] = [30, 2]; // how many times likelier a word must be that takes another's place
const [SHORTEST, MOST_COST, ENOUGH] = [2, 6.5, 600];
const [SHORTEST_SPLIT, SPACE_LEFT_OUT, ONE_LETTER] = [3, 2e-3, 0.005]; // two words run together
const MOST_CONTEXT = 400; // tokens that are read
const LEFT_ALONE = /[@/\\_\d]|:\/\/|^www\./i;
const JOIN = "\u2060";

export class Keyboard {
  /** @param {{document: object, tensors: object, network: object}} saved a model of words */
  constructor({ document, tensors, network }) {
    const { vocabulary, ngram_share: share = 0 } = document.fitted;
    this.vocabulary = vocabularyOf(vocabulary);
    this.newline = this.vocabulary.encode("\n");
    this.reader = new Stepper(network);
    const tokens = vocabulary.tokens;
    if (tensors["fitted.ngram.unigram"]) {
      this.ngram = new NGram(tensors);
      this.shares = tensors["fitted.shares"]?.data ?? null;
      this.share = share;
      this.ends = this.ngram.ends(tokens.map((token) => token.length > 1 && token[0] === JOIN));
    }
    this.layout = layoutFor(tokens.join(""));
    this.near = neighbours(this.layout);
    this.words = tokens.flatMap((word, id) => (isWord(word) ? [{ word, id, folded: fold(word) }] : []));
    this.words = this.words.filter(({ folded }) => folded);
    this.words.sort((a, b) => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0));
    this.exact = new Map(this.words.map((entry) => [entry.word, entry]));
    this.points = new Map();
  }

  /** What to offer after a text: [{ text, replaces, corrects }], best first. */
  offers(text, count = 3) {
    const { before, letters, likely, point } = this.at(text);
    if (LEFT_ALONE.test(glued(before))) return [];
    const folded = fold(letters);
    const scored = new Map();
    for (const entry of this.best(this.beginningWith(folded), likely, 4 * count + 4))
      scored.set(entry.word, likely(entry) * (straight(entry.word).startsWith(straight(letters)) ? 1 : OTHER_FORM));
    if (letters.length && !/^\d/.test(letters) && folded.length >= SHORTEST) {
      const least = scored.size >= count ? [...scored.values()].sort((a, b) => b - a)[count - 1] : 0;
      for (const [entry, whole, beginning] of this.compared(folded, likely, least)) {
        const cost = folded.length <= SHORTEST ? whole : beginning;
        if (cost > MOST_COST + folded.length) continue;
        const odds = likely(entry) * Math.exp(-cost);
        if (odds > Math.max(least, scored.get(entry.word) ?? 0)) scored.set(entry.word, odds);
      }
    }
    if (letters.length > SHORTEST_SPLIT && ![...scored.keys()].some((word) => fold(word).startsWith(folded))) {
      const split = this.split(point, letters);
      if (split) scored.set(split.word, split.odds);
    }
    const found = new Map();
    for (const [word, odds] of [...scored].sort(([, a], [, b]) => b - a)) {
      const shown = inCaseOf(letters, word, this.shouts(before));
      if (shown === letters || found.has(shown) || !(odds > 0)) continue;
      found.set(shown, { text: shown, replaces: letters.length, corrects: !fold(word).startsWith(folded) });
      if (found.size === count) break;
    }
    return [...found.values()];
  }

  /** What takes the place of the word that a text ends with, were a space typed now; null where it is right. */
  correct(text) {
    const { before, letters, likely, point } = this.at(text);
    if (!letters || LEFT_ALONE.test(glued(before) + letters)) return null;
    if (isShouted(letters) && !this.shouts(before)) return null;
    const folded = fold(letters);
    let best = { odds: 0, word: letters };
    const consider = (odds, word) => odds > best.odds && (best = { odds, word });
    for (const entry of this.beginningWith(folded)) {
      if (entry.folded !== folded) continue;
      consider(likely(entry) * (straight(entry.word) === straight(letters) ? 1 : OTHER_WHOLE), entry.word);
    }
    if (folded.length >= SHORTEST)
      for (const [entry, whole] of this.compared(folded, likely, 0))
        consider(likely(entry) * Math.exp(-whole), entry.word);
    const split = this.split(point, letters);
    if (split) consider(split.odds, split.word);
    const shown = inCaseOf(letters, best.word, this.shouts(before));
    const known = this.exact.get(letters) ?? this.exact.get(letters[0].toLowerCase() + letters.slice(1));
    if (shown === letters) return null;
    if (known && shown.toLowerCase() === letters.toLowerCase() && letters.length > 1) return null;
    const asTyped = known ? likely(known) : this.oddsOf(point, letters);
    const due = best.odds > (known ? OVER_KNOWN : OVER_UNKNOWN) * asTyped;
    return due ? { text: shown, replaces: letters.length, corrects: true } : null;
  }

  at(text) {
    const normal = text.normalize("NFC");
    const typed = beingTyped(normal);
    const letters = typed && isUnspaced(typed.at(-1)) ? "" : typed;
    const before = normal.slice(0, normal.length - letters.length);
    const point = this.point(before);
    const likely = ({ id }) => point.probabilities[id] * (this.ends?.[id] ?? 1);
    return { before, letters, likely, point };
  }

  /** Where the model stands after a text; the last few places are kept. */
  point(before) {
    const text = before.replace(/ +$/, "");
    if (!this.points.has(text)) {
      const tokens = [...this.newline, ...this.vocabulary.encode(text)].slice(-MOST_CONTEXT);
      if (this.points.size > 50) this.points.clear();
      this.points.set(text, { tokens, probabilities: this.after(tokens) });
    }
    return this.points.get(text);
  }

  /** The probabilities of the next token: the network's, and the n-gram's with its share. */
  after(tokens) {
    this.reader.read(tokens);
    const one = softmax(this.reader.answer(tokens.length - 1));
    if (!this.ngram) return one;
    let contexts = [];
    for (const token of tokens) contexts = this.ngram.advance(token, contexts);
    const other = this.ngram.after(contexts);
    const share = this.shares ? this.shares[this.ngram.confidence(contexts)] : this.share;
    return one.map((value, token) => (1 - share) * value + share * other[token]);
  }

  /** How likely the pieces of a word that is not known come next. */
  oddsOf({ tokens, probabilities }, letters) {
    let [odds, read, now] = [1, tokens, probabilities];
    for (const token of this.vocabulary.encode(letters)) {
      odds *= now[token];
      read = [...read, token];
      now = this.after(read);
    }
    return odds;
  }

  /** Two words that were run together, and how likely they are. */
  split({ tokens, probabilities }, letters) {
    let best = null;
    for (let cut = 1; cut < letters.length; cut++) {
      const [first, second] = [letters.slice(0, cut), letters.slice(cut)].map((half) => this.exact.get(half));
      if (!first || !second) continue;
      const odds = probabilities[first.id] * (this.ends?.[first.id] ?? 1);
      if (best && odds < best.odds) continue;
      const follows = this.after([...tokens, first.id])[second.id] * (this.ends?.[second.id] ?? 1);
      if (Math.min(cut, letters.length - cut) === 1 && Math.min(odds, follows) < ONE_LETTER) continue;
      const both = odds * follows * SPACE_LEFT_OUT;
      if (!best || both > best.odds) best = { odds: both, word: `${first.word} ${second.word}` };
    }
    return best;
  }

  beginningWith(folded) {
    const first = bound(this.words, (entry) => entry.folded < folded);
    const end = bound(this.words, (entry) => entry.folded < folded || entry.folded.startsWith(folded));
    return this.words.slice(first, end);
  }

  best(entries, likely, many) {
    return entries
      .map((entry) => [entry, likely(entry)])
      .sort(([, a], [, b]) => b - a)
      .slice(0, many)
      .map(([entry]) => entry);
  }

  /** The likeliest words that could have become these letters, with what their slips cost. */
  *compared(folded, likely, least) {
    const own = new Set(folded);
    const few = folded.length < 5 ? 1 : 2;
    const enough = least * Math.exp(CHEAPEST);
    const near = this.words.filter((entry) => {
      if (entry.folded.length < folded.length - 2 || likely(entry) <= enough) return false;
      let foreign = 0;
      for (const letter of own) if (!entry.folded.includes(letter) && ++foreign > few) return false;
      return true;
    });
    for (const entry of this.best(near, likely, ENOUGH)) yield [entry, ...distance(folded, entry.folded, this.near)];
  }

  shouts(before) {
    const word = segments(before.trimEnd().slice(-80).split(/[ \n]/).at(-1) || " ", 2).at(-1)[0];
    return isShouted(word);
  }
}

const glued = (before) =>
  before
    .slice(before.lastIndexOf("\n") + 1)
    .split(" ")
    .at(-1);
const straight = (word) => word.replace(/[’‘ʼ]/g, "'");
const isShouted = (word) => word.length > 1 && word === word.toUpperCase() && word !== word.toLowerCase();

function bound(entries, isBefore) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(entries[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A word in the capitals and with the apostrophe that were typed. */
export function inCaseOf(typed, word, shouting) {
  const letters = Array.from(typed).filter((c) => c.toLowerCase() !== c.toUpperCase());
  const capitals = letters.filter((c) => c !== c.toLowerCase()).length;
  const curly = /[’]/.test(typed) ? word.replaceAll("'", "’") : word;
  if (capitals && capitals === letters.length && (capitals > 1 || shouting)) return curly.toUpperCase();
  if (capitals && letters[0] !== letters[0].toLowerCase()) return curly[0].toUpperCase() + curly.slice(1);
  return curly;
}
