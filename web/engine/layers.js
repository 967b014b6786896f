// Each kind of layer as { forward, back } for one sequence.
//
//   forward(input, ahead)     -> record with `output` (and, for recurrent layers, `trace`)
//   back(record, gradient)    -> gradient of the input, shaped like it
//
// `ahead` is what is known in advance of the steps to come, which the layer of that name reads.
//
// A sequence is an array of Float64Array [features], one a step; a vector is one Float64Array. Dropout does nothing
// outside training.

import { ACTIVATIONS, FUNCTIONS, add, addProduct, concatenate, transposedProduct } from "latchwork/engine/algebra.js";
import { CELLS, traced } from "latchwork/engine/cells.js";

/**
 * The layers without a cell: the sizes of their arrays, of `inputs` features and the description's numbers; how many
 * features they give; how they are built. tests/page_table.py reads the lines of the arrays.
 */
export const LAYERS = {
  Embedding: {
    parameters: { weight: ["tokens", "units"] },
    gives: ({ units }) => units,
    build: embedding,
  },
  Dense: {
    parameters: { weight: ["inputs", "units"], bias: ["units"] },
    gives: ({ units }) => units,
    build: dense,
  },
  Dropout: {
    parameters: {},
    gives: (_, inputs) => inputs,
    build: same,
  },
  LayerNorm: {
    parameters: { scale: ["inputs"], offset: ["inputs"] },
    gives: (_, inputs) => inputs,
    build: layerNorm,
  },
  Pooling: {
    parameters: {},
    gives: ({ kinds }, inputs) => inputs * kinds.length,
    build: pooling,
  },
  Ahead: {
    parameters: { weight: ["inputs", "units"], ahead_weight: ["features", "units"], bias: ["units"] },
    gives: ({ units }) => units,
    build: ahead,
  },
  Activation: {
    parameters: {},
    gives: (_, inputs) => inputs,
    build: activation,
  },
  RepeatVector: {
    parameters: {},
    gives: (_, inputs) => inputs,
    build: repeatVector,
  },
  Flatten: {
    parameters: {},
    gives: ({ steps }, inputs) => steps * inputs,
    build: flatten,
  },
  Conv1D: {
    parameters: { weight: ["steps", "inputs", "units"], bias: ["units"] },
    gives: ({ units }) => units,
    build: convolution,
  },
};

/** The layer that a spec describes, around its arrays by name; throws on a kind that is not known. */
export function buildLayer(spec, parameters) {
  if (spec.kind === "Bidirectional") return bidirectional(spec, parameters);
  if (Object.hasOwn(CELLS, spec.kind)) return recurrent(spec, parameters);
  if (!Object.hasOwn(LAYERS, spec.kind)) throw new Error(`Unknown layer ${spec.kind}.`);
  return LAYERS[spec.kind].build(spec, parameters);
}

function recurrent(spec, parameters, reverse = spec.reverse ?? false) {
  const cell = CELLS[spec.kind];
  const units = spec.units;
  const start = () => Object.fromEntries(cell.states.map((name) => [name, new Float64Array(units)]));
  // The times in the order in which they are read.
  const order = (length) => Array.from({ length }, (_, index) => (reverse ? length - 1 - index : index));
  const step = (x, before) => ({ x, before, ...cell.step(parameters, x, before, spec) });
  return {
    kind: spec.kind,
    cell,
    spec,
    units,
    reverse,
    parameters,
    start,
    step,
    forward(input) {
      const steps = new Array(input.length);
      let state = start();
      for (const time of order(input.length)) {
        steps[time] = state = step(input[time], state);
      }
      const output = spec.return_sequences ? steps.map((step) => step.hidden) : state.hidden;
      return { output, steps, trace: gather(steps, traced(cell)) };
    },
    back({ steps }, gradient) {
      const inputs = new Array(steps.length);
      const times = order(steps.length).reverse();
      let carried = start();
      if (!spec.return_sequences) carried.hidden = gradient;
      for (const time of times) {
        if (spec.return_sequences) add(carried.hidden, gradient[time]);
        [inputs[time], carried] = cell.back(parameters, steps[time], steps[time].before, carried, spec);
      }
      return inputs;
    },
  };
}

// Each name's arrays over time: { forget: [time][units], ... }.
function gather(steps, names) {
  return Object.fromEntries(names.map((name) => [name, steps.map((step) => step[name])]));
}

// How the outputs of both ways become one vector, and what of its gradient is each way's.
export const MERGES = {
  concat: {
    join: (a, b) => concatenate([a, b]),
    part: (d, way) => d.slice((way * d.length) / 2, ((way + 1) * d.length) / 2),
  },
  sum: { join: (a, b) => a.map((x, unit) => x + b[unit]), part: (d) => d.slice() },
  mul: { join: (a, b) => a.map((x, unit) => x * b[unit]), part: (d, _, other) => d.map((x, unit) => x * other[unit]) },
  ave: { join: (a, b) => a.map((x, unit) => (x + b[unit]) / 2), part: (d) => d.map((x) => x / 2) },
};

function bidirectional({ layer, merge = "concat" }, parameters) {
  const { join, part } = MERGES[merge];
  const own = (way) =>
    Object.fromEntries(
      Object.entries(parameters)
        .filter(([name]) => name.startsWith(way))
        .map(([name, array]) => [name.slice(way.length), array]),
    );
  const ways = [recurrent(layer, own("forward."), false), recurrent(layer, own("backward."), true)];
  return {
    kind: "Bidirectional",
    ways,
    forward(input) {
      const records = ways.map((way) => way.forward(input));
      const [first, second] = records.map((record) => record.output);
      const output = layer.return_sequences
        ? first.map((hidden, time) => join(hidden, second[time]))
        : join(first, second);
      return { output, records };
    },
    back({ records }, gradient) {
      const [first, second] = ways.map((way, index) => {
        const other = records[1 - index].output;
        const own = layer.return_sequences
          ? gradient.map((step, time) => part(step, index, other[time]))
          : part(gradient, index, other);
        return way.back(records[index], own);
      });
      return first.map((vector, time) => add(vector, second[time]));
    },
  };
}

function embedding({ units }, { weight }) {
  return {
    kind: "Embedding",
    forward: (tokens) => ({
      output: Array.from(tokens, (token) => Float64Array.from(weight.subarray(token * units, (token + 1) * units))),
    }),
    // Tokens have no gradient: what flows back is each step's gradient of its vector.
    back: (record, gradient) => gradient,
  };
}

function dense({ activation }, { weight, bias }) {
  const { value, slope } = ACTIVATIONS[activation ?? "linear"];
  const forward = (x) => addProduct(Float64Array.from(bias), x, weight).map(value);
  const back = (y, gradient) =>
    transposedProduct(
      gradient.map((d, unit) => d * slope(y[unit])),
      weight,
      weight.length / bias.length,
    );
  return {
    kind: "Dense",
    forward: (input) => ({ output: eachStep(input, forward) }),
    back: ({ output }, gradient) =>
      Array.isArray(output) ? output.map((y, time) => back(y, gradient[time])) : back(output, gradient),
  };
}

// A vector h and, of each step ahead, what is known of it in advance, s: activation(h W + s S + b), a sequence.
function ahead({ activation }, { weight, ahead_weight: aheadWeight, bias }) {
  const { value, slope } = ACTIVATIONS[activation ?? "linear"];
  return {
    kind: "Ahead",
    forward(vector, known) {
      const shared = addProduct(Float64Array.from(bias), vector, weight);
      return { output: known.map((step) => addProduct(Float64Array.from(shared), step, aheadWeight).map(value)) };
    },
    back({ output }, gradient) {
      const total = new Float64Array(bias.length);
      output.forEach((y, step) =>
        add(
          total,
          y.map((each, unit) => gradient[step][unit] * slope(each)),
        ),
      );
      return transposedProduct(total, weight, weight.length / bias.length);
    },
  };
}

function same() {
  return { kind: "Dropout", forward: (input) => ({ output: input }), back: (record, gradient) => gradient };
}

function activation({ function: name }) {
  const { value, back } = FUNCTIONS[name];
  return {
    kind: "Activation",
    forward: (input) => ({ input, output: eachStep(input, value) }),
    back: ({ input, output }, gradient) =>
      Array.isArray(input)
        ? input.map((x, time) => back(x, output[time], gradient[time]))
        : back(input, output, gradient),
  };
}

function repeatVector({ times }) {
  return {
    kind: "RepeatVector",
    forward: (vector) => ({ output: Array.from({ length: times }, () => vector) }),
    back: (_, gradient) => gradient.reduce((sum, step) => add(sum, step), new Float64Array(gradient[0].length)),
  };
}

function flatten({ steps }) {
  return {
    kind: "Flatten",
    forward: (input) => ({ output: concatenate(input) }),
    back: (_, gradient) => {
      const size = gradient.length / steps;
      return Array.from({ length: steps }, (_, time) => gradient.slice(time * size, (time + 1) * size));
    },
  };
}

// Each step's neighbours, from `before` it on, each with a matrix of its own.
function convolution({ steps, padding = "same", activation }, { weight, bias }) {
  const { value, slope } = ACTIVATIONS[activation ?? "linear"];
  const before = padding === "causal" ? steps - 1 : Math.floor((steps - 1) / 2);
  const size = weight.length / steps;
  const matrices = Array.from({ length: steps }, (_, k) => weight.subarray(k * size, (k + 1) * size));
  const features = size / bias.length;
  return {
    kind: "Conv1D",
    forward: (input) => ({
      output: input.map((_, time) =>
        matrices
          .reduce((sum, matrix, k) => addProduct(sum, input[time - before + k] ?? [], matrix), Float64Array.from(bias))
          .map(value),
      ),
    }),
    back({ output }, gradient) {
      const found = output.map(() => new Float64Array(features));
      output.forEach((y, time) => {
        const d = gradient[time].map((each, unit) => each * slope(y[unit]));
        matrices.forEach((matrix, k) => {
          const step = found[time - before + k];
          if (step) add(step, transposedProduct(d, matrix, features));
        });
      });
      return found;
    },
  };
}

function layerNorm({ epsilon = 1e-5 }, { scale, offset }) {
  const normalise = (x) => {
    const mean = average(x);
    const deviation = Math.sqrt(average(x.map((value) => (value - mean) ** 2)) + epsilon);
    return { normal: x.map((value) => (value - mean) / deviation), deviation };
  };
  const back = (x, gradient) => {
    const { normal, deviation } = normalise(x);
    const d = gradient.map((value, unit) => value * scale[unit]);
    const mean = average(d);
    const slant = average(d.map((value, unit) => value * normal[unit]));
    return d.map((value, unit) => (value - mean - normal[unit] * slant) / deviation);
  };
  return {
    kind: "LayerNorm",
    forward: (input) => ({
      input,
      output: eachStep(input, (x) => normalise(x).normal.map((value, unit) => value * scale[unit] + offset[unit])),
    }),
    back: ({ input }, gradient) =>
      Array.isArray(input) ? input.map((x, time) => back(x, gradient[time])) : back(input, gradient),
  };
}

// How much each step's feature takes part in a pooled one.
const SHARES = {
  first: (input) => (time) => (time === 0 ? 1 : 0),
  last: (input) => (time) => (time === input.length - 1 ? 1 : 0),
  mean: (input) => () => 1 / input.length,
  max: (input) => {
    const highest = input[0].map((_, unit) =>
      input.reduce((best, x, time) => (x[unit] > input[best][unit] ? time : best), 0),
    );
    return (time, unit) => (time === highest[unit] ? 1 : 0);
  },
};

function pooling({ kinds }) {
  return {
    kind: "Pooling",
    forward(input) {
      const shares = kinds.map((kind) => SHARES[kind](input));
      const pool = (share) =>
        input[0].map((_, unit) => input.reduce((sum, x, time) => sum + share(time, unit) * x[unit], 0));
      return { output: concatenate(shares.map(pool)), shares, length: input.length, features: input[0].length };
    },
    back({ shares, length, features }, gradient) {
      return Array.from({ length }, (_, time) =>
        Float64Array.from({ length: features }, (_, unit) =>
          shares.reduce((sum, share, kind) => sum + share(time, unit) * gradient[kind * features + unit], 0),
        ),
      );
    },
  };
}

function eachStep(input, apply) {
  return Array.isArray(input) ? input.map(apply) : apply(input);
}

function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
