// What a network's description says of its arrays: the counterpart of `check_parameters` in src/latchwork/core/spec.py.

import { CELLS } from "latchwork/engine/cells.js";
import { FileError } from "latchwork/engine/latch.js";

const MOST_LAYERS = 64;

// For each kind, [shapes of its arrays, features that come out]; `features` is null for tokens.
const SHAPES = {
  Embedding: ({ tokens, units }) => [{ weight: [tokens, units] }, units],
  Dense: ({ units }, features) => [{ weight: [features, units], bias: [units] }, units],
  Dropout: (_, features) => [{}, features],
  LayerNorm: (_, features) => [{ scale: [features], offset: [features] }, features],
  Pooling: ({ kinds }, features) => [{}, features * kinds.length],
  Bidirectional({ layer }, features) {
    const inner = Object.entries(recurrent(layer, features));
    const both = ["forward", "backward"].flatMap((way) => inner.map(([name, shape]) => [`${way}.${name}`, shape]));
    return [Object.fromEntries(both), 2 * layer.units];
  },
};
for (const kind of Object.keys(CELLS)) SHAPES[kind] = (spec, features) => [recurrent(spec, features), spec.units];

function recurrent(spec, features) {
  return CELLS[spec.kind](spec).shapes(features, spec.units);
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
    const known =
      Object.hasOwn(SHAPES, layer?.kind) && (layer.kind !== "Bidirectional" || Object.hasOwn(CELLS, layer.layer?.kind));
    if (!known) throw new FileError(`This page does not know the layer ${String(layer?.kind).slice(0, 40)}.`);
    const [shapes, next] = SHAPES[layer.kind](layer, features);
    for (const [name, expected] of Object.entries(shapes)) {
      const full = `${prefix}layers.${at}.${name}`;
      const found = tensors[full]?.shape;
      if (!found) throw new FileError(`Its ${full} is missing.`);
      if (found.join() !== expected.join())
        throw new FileError(`Its ${full} is of shape ${found.join(" × ")}, its network needs ${expected.join(" × ")}.`);
    }
    features = next;
  });
}
