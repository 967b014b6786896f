// Numbers as colours, read from the page's palette so that light and dark share one language.

/** The value of a CSS colour variable as [red, green, blue]. */
function channels(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

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

/**
 * How a gate or state is coloured, as a function of the number: what opens and closes by its own colour, the rest by
 * sign. A part without `reach` has its full colour at 1; with it, twice as far from 0 is always a little stronger.
 */
export function colourOf({ colour, opens, reach }) {
  if (opens) return (value) => share(value, colour);
  return reach ? (value) => signed(value / (1 + Math.abs(value))) : (value) => signed(value);
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

/** The colours of a gate or state as a table: [from, to, pixels], `pixels` spread evenly from one to the other. */
export function tableOf(part) {
  const { colour, opens = false, reach = 1 } = part;
  const key = `${colour} ${opens} ${reach}`;
  const kept = tables.get(key);
  if (kept) return kept;
  const from = opens ? 0 : -reach;
  const shade = colourOf(part);
  const shades = Array.from({ length: SHADES }, (_, at) => shade(from + ((reach - from) * at) / (SHADES - 1)));
  const pixels = new Uint32Array(Uint8Array.from(shades.flatMap((rgb) => [...rgb, 255])).buffer);
  tables.set(key, [from, reach, pixels]);
  return tables.get(key);
}

export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}
