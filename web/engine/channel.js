// How likely letters come out as others: the counterpart of src/latchwork/text/channel.py, src/latchwork/text/layouts.py
// and src/latchwork/text/folding.py.

const LAYOUTS = {
  qwerty: [
    [0, "qwertyuiop"],
    [0.25, "asdfghjkl"],
    [0.75, "zxcvbnm"],
  ],
  qwertz: [
    [0, "qwertzuiopü"],
    [0.25, "asdfghjklöä"],
    [0.75, "yxcvbnm"],
  ],
  azerty: [
    [0, "azertyuiop"],
    [0.25, "qsdfghjklm"],
    [0.75, "wxcvbn"],
  ],
  йцукен: [
    [0, "йцукенгшщзхъ"],
    [0.25, "фывапролджэ"],
    [0.75, "ячсмитьбю"],
  ],
};
const NEAR = 1.3;
const RATES = {
  neighbour: 0.015,
  other: 0.001,
  swapped: 0.006,
  doubled: 0.004,
  leftOut: 0.007,
  undoubled: 0.02,
  extra: 0.001,
};
const COSTS = Object.fromEntries(Object.entries(RATES).map(([kind, rate]) => [kind, -Math.log(rate)]));
const REACH = 2;
const NEVER = 1e3;
const LEFT_OUT = /['’‘ʼ\-‐‑·׳״\u0640\u00ad\u200c\u200d]/gu;
const ACCENTS =
  /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]/gu;
const LETTERS = { æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ı: "i", ß: "ss", ς: "σ" };

/** A word's letters alone: without case, accents, points, apostrophes and hyphens. */
export function fold(word) {
  const apart = word.toLowerCase().normalize("NFD").replace(ACCENTS, "").normalize("NFC");
  return Array.from(apart, (letter) => LETTERS[letter] ?? letter)
    .join("")
    .replace(LEFT_OUT, "");
}

export const rowsOf = (layout) => LAYOUTS[layout].map(([, keys]) => keys);

/** The layout that has most of a text's letters. */
export function layoutFor(text) {
  const seen = new Set(text.toLowerCase());
  const known = (name) => new Set(LAYOUTS[name].flatMap(([, keys]) => [...keys].filter((key) => seen.has(key)))).size;
  return Object.keys(LAYOUTS).reduce((best, name) => (known(name) > known(best) ? name : best));
}

/** The letters on the keys around each letter's. */
export function neighbours(layout) {
  const places = LAYOUTS[layout].flatMap(([left, keys], row) => [...keys].map((key, at) => [key, left + at, row]));
  const beside = ([, x, y]) =>
    places.filter(([, u, v]) => (u !== x || v !== y) && (u - x) ** 2 + (v - y) ** 2 <= NEAR ** 2);
  return new Map(places.map((place) => [place[0], new Set(beside(place).map(([key]) => key))]));
}

export const CHEAPEST = Math.min(...Object.values(COSTS));

/** What it costs to take typed letters for a word, and for its likeliest beginning: [whole, beginning]. */
export function distance(typed, word, near) {
  const width = 2 * REACH + 1;
  const rows = [];
  const at = (row, d) => (row && d >= 0 && d < width ? row[d] : NEVER);
  for (let i = 0; i <= typed.length; i++) {
    const row = new Float64Array(width).fill(NEVER);
    for (let d = 0; d < width; d++) {
      const j = i + d - REACH;
      if (j < 0 || j > word.length) continue;
      if (i === 0 && j === 0) {
        row[d] = 0;
        continue;
      }
      let best = NEVER;
      const [one, meant] = [typed[i - 1], word[j - 1]];
      if (i && j) best = at(rows[i - 1], d) + wrongKey(one, meant, near);
      if (i)
        best = Math.min(
          best,
          at(rows[i - 1], d + 1) + (i > 1 && one === typed[i - 2] ? COSTS.doubled : COSTS.extra + Math.log(20)),
        );
      if (j) best = Math.min(best, at(row, d - 1) + (j > 1 && meant === word[j - 2] ? COSTS.undoubled : COSTS.leftOut));
      if (i > 1 && j > 1 && word[j - 2] === one && meant === typed[i - 2])
        best = Math.min(best, rows[i - 2][d] + COSTS.swapped);
      row[d] = best;
    }
    rows.push(row);
  }
  const last = rows.at(-1);
  return [at(last, word.length - typed.length + REACH), Math.min(...last)];
}

function wrongKey(typed, meant, near) {
  if (typed === meant) return 0;
  const beside = near.get(meant);
  return beside?.has(typed) ? COSTS.neighbour + Math.log(beside.size) : COSTS.other + Math.log(20);
}
