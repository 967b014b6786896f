// What a network's description says of its arrays: the counterpart of `check_parameters` in src/latchwork/core/spec.py.

import { CELLS } from "latchwork/engine/cells.js";
import { FileError } from "latchwork/engine/latch.js";
import { LAYERS, MERGES } from "latchwork/engine/layers.js";

const MOST_LAYERS = 64;

/** The sizes of a layer's arrays by name, as its row in the table of cells or layers says. */
export function shapesOf({ kind, layer, ...spec }, inputs) {
  if (kind === "Bidirectional") {
    const inner = Object.entries(shapesOf(layer, inputs));
    const way = (name) => inner.map(([own, shape]) => [`${name}.${own}`, shape]);
    return Object.fromEntries([...way("forward"), ...way("backward")]);
  }
  const { parameters } = CELLS[kind] ?? LAYERS[kind];
  const sizes = { ...spec, inputs };
  return Object.fromEntries(
    Object.entries(parameters).map(([name, shape]) => [name, shape.map((size) => sizeOf(size, sizes))]),
  );
}

// "4 units / heads": numbers and names with spaces between them are multiplied, what follows a stroke divides.
function sizeOf(text, sizes) {
  const [over, under = ["1"]] = text.split(" / ").map((part) => part.split(" "));
  const product = (words) => words.reduce((size, word) => size * Number(sizes[word] ?? word), 1);
  return product(over) / product(under);
}

function featuresGiven(spec, inputs) {
  if (spec.kind === "Bidirectional")
    return (spec.merge ?? "concat") === "concat" ? 2 * spec.layer.units : spec.layer.units;
  return Object.hasOwn(CELLS, spec.kind) ? spec.units : LAYERS[spec.kind].gives(spec, inputs);
}

function isKnown(layer) {
  if (layer?.kind === "Bidirectional") {
    return Object.hasOwn(CELLS, layer.layer?.kind) && Object.hasOwn(MERGES, layer.merge ?? "concat");
  }
  return Object.hasOwn(CELLS, layer?.kind) || Object.hasOwn(LAYERS, layer?.kind);
}

/** @throws {FileError} the arrays are not those that the description asks for */
export function checkShapes(spec, tensors, prefix = "network.") {
  if (!Array.isArray(spec?.layers) || !spec.layers.length || spec.layers.length > MOST_LAYERS)
    throw new FileError("It does not describe a network.");
  const shape = spec.input_shape;
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2)
    throw new FileError("It does not say what its network reads.");
  let features = shape.length === 2 ? shape[1] : null;
  spec.layers.forEach((layer, at) => {
    if (!isKnown(layer)) throw new FileError(`This page does not know the layer ${String(layer?.kind).slice(0, 40)}.`);
    for (const [name, expected] of Object.entries(shapesOf(layer, features))) {
      const full = `${prefix}layers.${at}.${name}`;
      const found = tensors[full]?.shape;
      if (!found) throw new FileError(`Its ${full} is missing.`);
      if (found.join() !== expected.join())
        throw new FileError(`Its ${full} is of shape ${found.join(" × ")}, its network needs ${expected.join(" × ")}.`);
    }
    features = featuresGiven(layer, features);
  });
}
