// The network of a saved forecaster: the counterpart of `Trained` in Python.
//
//   correction of step k = mean over members of  tanh(h C + f_k S + b) O,  h the last hidden state of an LSTM

import { addProduct, transposedProduct } from "latchwork/engine/algebra.js";
import { FileError } from "latchwork/engine/latch.js";
import { buildLayer } from "latchwork/engine/layers.js";

const PREFIX = "fitted.network.";

/** The network among a forecaster's tensors; null where it was saved without one. */
export function correctorOf(tensors) {
  const bias = tensors[`${PREFIX}bias`];
  if (!bias) return null;
  const part = (name, member) => {
    const held = tensors[PREFIX + name];
    if (!held || held.shape[0] !== bias.shape[0]) throw new FileError(`Its network lacks ${name}.`);
    const size = held.data.length / held.shape[0];
    return held.data.subarray(member * size, (member + 1) * size);
  };
  const units = tensors[`${PREFIX}context_weight`]?.shape[1];
  return new Corrector(
    Array.from({ length: bias.shape[0] }, (_, member) => ({
      layer: buildLayer(
        { kind: "LSTM", units, return_sequences: false },
        {
          input_weight: part("cell.input_weight", member),
          hidden_weight: part("cell.hidden_weight", member),
          bias: part("cell.bias", member),
        },
      ),
      context: part("context_weight", member),
      step: part("step_weight", member),
      bias: part("bias", member),
      output: part("output_weight", member),
    })),
  );
}

class Corrector {
  constructor(members) {
    this.members = members;
  }

  /** past: [window][inputs], future: [horizon][features]; gives { corrections, runs } with one run a member. */
  run(past, future) {
    const runs = this.members.map(({ layer, context, step, bias, output }) => {
      const record = layer.forward(past);
      const shared = addProduct(Float64Array.from(bias), record.output, context);
      const heads = future.map((known) => addProduct(Float64Array.from(shared), known, step).map(Math.tanh));
      return { record, heads, said: heads.map((head) => head.reduce((sum, value, at) => sum + value * output[at], 0)) };
    });
    const mean = (at) => runs.reduce((sum, run) => sum + run.said[at], 0) / runs.length;
    return { corrections: future.map((_, at) => mean(at)), runs };
  }

  /** Gradient times input of one step's correction, [window][inputs]: how much each past input moved it. */
  influence({ runs }, past, at) {
    const total = past.map((row) => new Float64Array(row.length));
    this.members.forEach(({ layer, context, output }, member) => {
      const { record, heads } = runs[member];
      const slope = heads[at].map((value, unit) => (output[unit] * (1 - value * value)) / runs.length);
      layer
        .back(record, transposedProduct(slope, context, layer.units))
        .forEach((row, time) => row.forEach((value, input) => (total[time][input] += value * past[time][input])));
    });
    return total;
  }

  /** What `Network.traces` gives, one entry a member. */
  traces({ runs }) {
    return runs.map(({ record }, member) => ({
      name: `Network ${member + 1} of ${runs.length}`,
      kind: "LSTM",
      units: this.members[member].layer.units,
      trace: record.trace,
    }));
  }
}
