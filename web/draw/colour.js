// Numbers as colours, read from the page's palette so that light and dark share one language.

/** The value of a CSS colour variable as [red, green, blue]. */
function channels(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

const GATES = ["input", "forget", "output", "reset", "update"];
let cached = {};

/** Forget the palette; to be called when the theme changes. */
export function resetPalette() {
  cached = {};
  tables.clear();
}

function palette(name) {
  return (cached[name] ??= channels(name));
}

function mix(from, to, share) {
  return from.map((channel, index) => Math.round(channel + (to[index] - channel) * share));
}

/** A number from -limit to limit, from blue over nothing to orange, as [red, green, blue]. */
export function signed(value, limit = 1) {
  const share = Math.min(1, Math.abs(value) / limit);
  return mix(palette("well"), palette(value < 0 ? "below" : "above"), share ** 0.8);
}

/** A share from 0 to 1 in the colour of one gate. */
export function share(value, name) {
  return mix(palette("well"), palette(name), Math.min(1, Math.max(0, value)));
}

/** How an array of a trace is coloured: gates that open and close by their own colour, the rest by sign. */
export function colourOf(name) {
  return GATES.includes(name) ? (value) => share(value, name) : (value) => signed(value);
}

/** The page's ink or its ground, whichever reads better on `ground`; black or white where neither would do. */
export function inkOn(ground) {
  const contrast = (ink) => {
    const [a, b] = [luminance(ink), luminance(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const better = (pair) => pair.reduce((best, ink) => (contrast(ink) > contrast(best) ? ink : best));
  const own = better([palette("ink"), palette("panel")]);
  return contrast(own) >= READABLE ? own : better([BLACK, WHITE]);
}

// WCAG 2.2's relative luminance.
function luminance(rgb) {
  const [red, green, blue] = rgb.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const READABLE = 4.5; // WCAG's AA
const [BLACK, WHITE] = [
  [0, 0, 0],
  [255, 255, 255],
];
const SHADES = 256;
const tables = new Map();

/** The colours of an array of a trace as a table: [from, to, pixels], `pixels` spread evenly from one to the other. */
export function tableOf(name) {
  const kept = tables.get(name);
  if (kept) return kept;
  const opens = GATES.includes(name);
  const from = opens ? 0 : -1;
  const colour = colourOf(name);
  const shades = Array.from({ length: SHADES }, (_, at) => colour(from + ((1 - from) * at) / (SHADES - 1)));
  const pixels = new Uint32Array(Uint8Array.from(shades.flatMap((shade) => [...shade, 255])).buffer);
  tables.set(name, [from, 1, pixels]);
  return tables.get(name);
}

export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}
