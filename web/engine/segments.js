// Where words begin and end: the counterpart of src/latchwork/transforms/segments.py, by both versions of its rules.

const MARKS = "\\p{M}\\u200c\\u200d\\u00ad";
const UNSPACED =
  "(?![\\p{P}\\p{S}\\p{N}])[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}" +
  "\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ー々〇ｰ]";
const LETTER = `(?!${UNSPACED})[\\p{L}\\p{N}][${MARKS}]*`;
const WORD = `(?:${LETTER})+(?:['’\\-‐‑׳״](?:${LETTER})+)*`;
const RUN = `(?:${UNSPACED}[${MARKS}]*)+`;
const OLDEST = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/uy;
const LATEST = new RegExp(`(${WORD})|(${RUN})`, "uy");
const ONE_UNSPACED = new RegExp(UNSPACED, "u");
const BEING_TYPED = new RegExp(`(?:${WORD})['’\\-‐‑׳״]?$`, "u");
const NO_SPACE_BEFORE = new Set("\n\r\t.,!?;:)]}%…'’\"”-/");
const NO_SPACE_AFTER = new Set('\n\r\t([{#$@/-_‘“"');
const WIDE = new Set("。、，！？；：）」』】》…（「『【《・");

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/** The characters of a text as a reader sees them. */
export const clusters = (text) => Array.from(graphemes.segment(text), ({ segment }) => segment);

/** The segments of a text without spaces and line ends: [text, "word" | "run" | "sign"]. */
export function segments(text, version) {
  const found = [];
  const pattern = version === 1 ? OLDEST : LATEST;
  for (let at = 0; at < text.length;) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const sign = () =>
      version === 1 ? String.fromCodePoint(text.codePointAt(at)) : clusters(text.slice(at, at + 64))[0];
    const part = match ? match[0] : sign();
    found.push([part, match ? (match[2] ? "run" : "word") : "sign"]);
    at += part.length;
  }
  return found;
}

/** Whether a character is of a script that puts no spaces between words, or one of its signs. */
export const isUnspaced = (character) => WIDE.has(character) || ONE_UNSPACED.test(character);

/** Whether a space between two segments is the rule; their first characters decide. */
export function spaceIsDue(before, after, version) {
  if (before === null) return false;
  const [first, next] = [before, after].map((text) => String.fromCodePoint(text.codePointAt(0)));
  if (NO_SPACE_AFTER.has(first) || NO_SPACE_BEFORE.has(next)) return false;
  return version === 1 || !(isUnspaced(first) || isUnspaced(next));
}

/** The beginning of a word that a text ends with; empty between words and after unspaced script. */
export function beingTyped(text) {
  const letters = BEING_TYPED.exec(text.slice(-80))?.[0] ?? "";
  return letters;
}

/** Whether a text is one word. */
export const isWord = (text) => {
  const [[first, kind], ...rest] = text ? segments(text, 2) : [["", "sign"]];
  return rest.length === 0 && kind !== "sign" && first === text;
};
