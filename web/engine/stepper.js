// A network read one step at a time: what is appended costs one step, however long the sequence is already.

import { traced } from "latchwork/engine/cells.js";
import { FileError } from "latchwork/engine/latch.js";

const POINTWISE = ["Dense", "Dropout", "LayerNorm", "Activation"];

/** Keeps what a network computed for a sequence that grows and shrinks at its end. */
export class Stepper {
  /**
   * @param {Network} network of an embedding first, if any, then layers that read forwards and answer at every step
   * @throws {FileError} a layer needs the whole sequence
   */
  constructor(network) {
    this.layers = network.layers;
    this.last = this.layers.length - 1;
    this.specs = network.spec.layers;
    const fits = this.layers.every(
      (layer, at) =>
        (layer.kind === "Embedding" && at === 0) ||
        POINTWISE.includes(layer.kind) ||
        (layer.cell && !layer.reverse && this.specs[at].return_sequences),
    );
    if (!fits || this.layers[this.last].kind !== "Dense")
      throw new FileError("It needs whole sequences: this page cannot read it step by step.");
    this.clear();
  }

  clear() {
    this.length = 0;
    // For each layer, by step: what came in, and for recurrent layers the record of the step.
    this.inputs = this.layers.map(() => []);
    this.steps = this.layers.map(() => []);
    this.found = []; // answers, made when they are asked for
    this.layerTraces = this.layers.map(({ cell }) =>
      cell ? Object.fromEntries(traced(cell).map((name) => [name, []])) : null,
    );
  }

  /** Read one step: a token's number or a vector of features. */
  push(read) {
    let value = read;
    this.layers.forEach((layer, at) => {
      this.inputs[at].push(value);
      if (at === this.last) return;
      if (layer.cell) {
        const step = layer.step(value, this.steps[at].at(-1) ?? layer.start());
        this.steps[at].push(step);
        for (const [name, values] of Object.entries(this.layerTraces[at])) values.push(step[name]);
        value = step.hidden;
      } else value = layer.kind === "Embedding" ? layer.forward([value]).output[0] : layer.forward(value).output;
    });
    this.length += 1;
  }

  /** Forget all steps from `length` on. */
  truncate(length) {
    this.length = Math.min(this.length, length);
    const arrays = [
      ...this.inputs,
      ...this.steps,
      this.found,
      ...this.layerTraces.flatMap((t) => Object.values(t ?? {})),
    ];
    for (const array of arrays) array.length = Math.min(array.length, this.length);
  }

  /** Read a sequence, from where it differs from the one that was read before. */
  read(sequence) {
    let same = 0;
    while (same < Math.min(this.length, sequence.length) && this.inputs[0][same] === sequence[same]) same++;
    this.truncate(same);
    for (let at = same; at < sequence.length; at++) this.push(sequence[at]);
  }

  /** What the network answers at one step. */
  answer(time) {
    return (this.found[time] ??= this.layers[this.last].forward(this.inputs[this.last][time]).output);
  }

  /** Gradient times input of number `output` of the answer at `time`: [time + 1][features] of what the first layer gives. */
  influence(output, time) {
    const hot = this.answer(time).map((_, at) => Number(at === output));
    const final = this.layers[this.last].back({ output: this.answer(time) }, hot);
    let gradient = Array.from({ length: time + 1 }, (_, at) => (at === time ? final : new Float64Array(final.length)));
    const first = this.layers[0].kind === "Embedding" ? 1 : 0;
    for (let at = this.last - 1; at >= first; at--) {
      const input = this.inputs[at].slice(0, time + 1);
      const output = this.inputs[at + 1].slice(0, time + 1);
      gradient = this.layers[at].back({ input, output, steps: this.steps[at].slice(0, time + 1) }, gradient);
    }
    return gradient.map((step, at) => step.map((slope, feature) => slope * this.inputs[first][at][feature]));
  }

  /** The recurrent layers' traces, as `Network.traces` gives them. */
  traces() {
    return this.layers.flatMap(({ cell, kind, units }, at) =>
      cell ? [{ name: `Layer ${at + 1}`, kind, units, trace: this.layerTraces[at] }] : [],
    );
  }
}
