// Where the parts of a cell's drawing stand: two sizes of one picture. Columns go from left to right by name, or by how
// many a cell has side by side; rows from top to bottom. A drawing leaves out what its cell does not have, and its
// `layout` puts what it has elsewhere.

const WIDE = {
  width: 1000,
  height: 500,
  square: 16,
  box: [64, 36],
  circle: 15,
  columns: { 1: [502], 3: [250, 470, 700], 4: [215, 390, 565, 740] },
  x: {
    left: 20,
    branch: 40, // where a memory that is the hidden state is read from
    input: 76,
    hiddenAt: 20,
    before: 86, // the memory before, what is kept of it, the new one
    kept: 345,
    after: 680,
    out: 870,
    shown: 930, // where the hidden state leaves upwards
    right: 984,
  },
  y: {
    top: 26,
    leave: 46,
    above: 72, // strips over the belt
    belt: 118,
    tanh: 172,
    written: 176,
    meet: 222,
    show: 240,
    loop: 254,
    strip: 292,
    boxes: 362,
    reads: 390, // the strip of the old hidden state
    line: 426,
    foot: 474,
  },
};

const NARROW = {
  width: 340,
  height: 470,
  square: 7.6,
  box: [44, 28],
  circle: 11,
  columns: { 1: [170], 3: [62, 160, 258], 4: [42, 118, 194, 268] },
  x: {
    left: 4,
    branch: 8,
    input: 20,
    hiddenAt: 68,
    before: 36,
    kept: 102,
    after: 218,
    out: 312,
    shown: 331,
    right: 336,
  },
  y: {
    top: 20,
    leave: 40,
    above: 76,
    belt: 116,
    tanh: 158,
    written: 168,
    meet: 206,
    show: 222,
    loop: 228,
    strip: 266,
    boxes: 332,
    line: 386,
    reads: 426,
    foot: 444,
  },
};

const NARROW_BELOW = 640; // pixels of the figure

/**
 * The layout of a drawing for a figure of `available` pixels: { narrow, width, height, square, box, circle,
 * point("f belt") -> [x, y] }.
 */
export function layoutOf({ columns, layout }, available) {
  const narrow = available < NARROW_BELOW;
  const size = narrow ? NARROW : WIDE;
  const own = layout?.[narrow ? "narrow" : "wide"] ?? {};
  const side = own.columns ?? size.columns[Math.floor(Math.max(...Object.values(columns))) + 1];
  const x = { ...size.x, ...own.x };
  for (const [name, place] of Object.entries(columns)) x[name] = between(side, place);
  const y = { ...size.y, ...own.y };
  return {
    ...size,
    narrow,
    height: own.height ?? size.height,
    point(text) {
      const [column, row] = text.split(" ");
      return [x[column], y[row]];
    },
  };
}

// Column 1.5 lies half-way between the second and the third; below 0 it lies before the first.
function between(side, place) {
  const at = Math.min(Math.max(Math.floor(place), 0), Math.max(side.length - 2, 0));
  return place === at ? side[at] : side[at] + (place - at) * (side[at + 1] - side[at]);
}
