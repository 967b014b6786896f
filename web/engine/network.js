// A network that runs in the page: built from a saved model's spec and tensors.

import { FileError } from "latchwork/engine/latch.js";
import { buildLayer } from "latchwork/engine/layers.js";
import { checkShapes } from "latchwork/engine/shapes.js";

/** A saved model's network; a matrix that two layers share is stored once and given to both. */
export function networkOf({ document, tensors }) {
  if (!document.network)
    throw new FileError("This model has no network to look into: it answers with statistics alone.");
  const weights = unpacked(tensors);
  const { layers } = document.network;
  const isTied = (layer, index) => layer.tied || (document.fitted?.tied && index === layers.length - 1);
  layers.forEach((layer, index) => {
    if (isTied(layer, index)) weights[`network.layers.${index}.weight`] = transpose(weights["network.layers.0.weight"]);
  });
  return new Network(document.network, weights);
}

const SCALES = "fitted.scales.";

/** Weights stored as whole numbers, times the scale of their row or column, as in src/latchwork/core/packing.py. */
function unpacked(tensors) {
  const found = { ...tensors };
  for (const [name, scales] of Object.entries(tensors)) {
    if (!name.startsWith(SCALES)) continue;
    const own = `network.${name.slice(SCALES.length)}`;
    const { shape, data } = halved(tensors[own]);
    const [columns, byRow] = [shape[1], scales.shape[0] === shape[0]];
    const scaleAt = (index) => scales.data[byRow ? Math.floor(index / columns) : index % columns];
    found[own] = { shape, data: Float32Array.from(data, (value, index) => value * scaleAt(index)) };
  }
  return found;
}

/** Two weights of four bits to a byte, the first in the high half, each 8 more than it is; others as they are. */
function halved({ shape: [rows, columns], data }) {
  if (!(data instanceof Uint8Array)) return { shape: [rows, columns], data };
  const weights = new Float32Array(2 * data.length);
  data.forEach((byte, at) => {
    weights[2 * at] = (byte >> 4) - 8;
    weights[2 * at + 1] = (byte & 15) - 8;
  });
  return { shape: [rows, 2 * columns], data: weights };
}

export class Network {
  /**
   * @param {object} spec the document's `network`: { input_shape, layers }
   * @param {Object<string, {shape: number[], data: Float32Array}>} tensors with names `network.layers.0.bias`
   * @throws {FileError} a layer is unknown, a tensor is missing or of another shape
   */
  constructor(spec, tensors, prefix = "network.") {
    checkShapes(spec, tensors, prefix);
    this.spec = spec;
    this.layers = spec.layers.map((layer, index) => buildLayer(layer, ownArrays(tensors, `${prefix}layers.${index}.`)));
  }

  /** Everything each layer computes for one sequence; the last record's `output` is the answer. */
  run(input, ahead = undefined) {
    const records = [];
    for (const layer of this.layers) {
      records.push(layer.forward(records.length ? records.at(-1).output : input, ahead));
    }
    return { records, output: records.at(-1).output };
  }

  /**
   * How much each step's features contributed to one number of the answer: gradient times input.
   *
   * @param {object} run what `run` returned
   * @param {ArrayLike<Float64Array>} input what it ran on; for tokens, the contribution of each token's vector
   * @param {number} output which number of the answer
   * @param {number} [time] at which step, where the answer is a sequence; the last step where left out
   * @returns {Float64Array[]} [time][features]
   */
  influence(run, input, output, time = undefined) {
    let gradient = oneHotLike(run.output, output, time);
    const first = this.layers[0].kind === "Embedding" ? 1 : 0;
    for (let index = this.layers.length - 1; index >= first; index--) {
      gradient = this.layers[index].back(run.records[index], gradient);
    }
    const read = first ? run.records[0].output : input;
    return gradient.map((step, at) => step.map((slope, feature) => slope * read[at][feature]));
  }

  /**
   * The answer after each step, as if the sequence had ended there.
   *
   * @param {ArrayLike} input the whole sequence
   * @returns {Float64Array[]} one answer a step
   */
  answersSoFar(input) {
    const { records, output } = this.run(input);
    if (Array.isArray(output)) return output;
    const [first, ...rest] = this.layers;
    const simple =
      first.cell && !first.reverse && rest.every((layer) => layer.kind === "Dense" || layer.kind === "Dropout");
    if (simple) {
      return records[0].steps.map((step) => rest.reduce((value, layer) => layer.forward(value).output, step.hidden));
    }
    return Array.from(input, (_, time) => this.run(input.slice(0, time + 1)).output);
  }

  /** The recurrent layers' traces in order: { name, kind, units, trace: { forget: [time][units], ... } }. */
  traces(run) {
    return this.layers.flatMap((layer, index) => {
      const record = run.records[index];
      if (layer.ways) {
        return layer.ways.map((way, side) => ({
          name: `Layer ${index + 1}, read ${side ? "backward" : "forward"}`,
          kind: way.kind,
          units: way.units,
          trace: record.records[side].trace,
        }));
      }
      if (!layer.cell) return [];
      return [{ name: `Layer ${index + 1}`, kind: layer.kind, units: layer.units, trace: record.trace }];
    });
  }
}

function transpose({ shape: [rows, columns], data }) {
  return { shape: [columns, rows], data: data.map((_, at) => data[(at % rows) * columns + Math.floor(at / rows)]) };
}

function ownArrays(tensors, prefix) {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor.data]));
}

function oneHotLike(output, index, time) {
  const hot = (vector) => Float64Array.from(vector, (_, at) => (at === index ? 1 : 0));
  if (!Array.isArray(output)) return hot(output);
  const chosen = time ?? output.length - 1;
  return output.map((vector, at) => (at === chosen ? hot(vector) : new Float64Array(vector.length)));
}
