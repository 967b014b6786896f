// The network of a saved forecaster: members side by side, each an LSTM, a layer of the steps ahead and a sum.
//
//   correction of step k = mean over members of  tanh(h C + f_k S + b) O + c,  h the last hidden state of an LSTM

import { FileError } from "latchwork/engine/latch.js";
import { buildLayer } from "latchwork/engine/layers.js";

const PREFIX = "fitted.network.";

/** The network among a forecaster's tensors; null where it was saved without one. */
export function correctorOf(tensors) {
  const bias = tensors[`${PREFIX}bias`];
  if (!bias) return null;
  const part = (name, member) => {
    const found = tensors[PREFIX + name];
    if (!found || found.shape[0] !== bias.shape[0]) throw new FileError(`Its network lacks ${name}.`);
    const size = found.data.length / found.shape[0];
    return found.data.subarray(member * size, (member + 1) * size);
  };
  const units = tensors[`${PREFIX}context_weight`]?.shape[1];
  const cell = (member) =>
    Object.fromEntries(["input_weight", "hidden_weight", "bias"].map((name) => [name, part(`cell.${name}`, member)]));
  return new Corrector(
    Array.from({ length: bias.shape[0] }, (_, member) => [
      buildLayer({ kind: "LSTM", units, return_sequences: false }, cell(member)),
      buildLayer(
        { kind: "Ahead", activation: "tanh" },
        {
          weight: part("context_weight", member),
          ahead_weight: part("step_weight", member),
          bias: part("bias", member),
        },
      ),
      buildLayer(
        { kind: "Dense" },
        {
          weight: part("output_weight", member),
          bias: tensors[`${PREFIX}output_bias`] ? part("output_bias", member) : new Float64Array(1), // none in older files
        },
      ),
    ]),
  );
}

class Corrector {
  constructor(members) {
    this.members = members;
  }

  /** past: [window][inputs], future: [horizon][features]; gives { corrections, runs } with one run a member. */
  run(past, future) {
    const runs = this.members.map(([reader, ahead, sum]) => {
      const record = reader.forward(past);
      const head = ahead.forward(record.output, future);
      return { record, head, answer: sum.forward(head.output) };
    });
    const mean = (step) => runs.reduce((total, { answer }) => total + answer.output[step][0], 0) / runs.length;
    return { corrections: future.map((_, step) => mean(step)), runs };
  }

  /** Gradient times input of one step's correction, [window][inputs]: how much each past input moved it. */
  influence({ runs }, past, at) {
    const total = past.map((row) => new Float64Array(row.length));
    this.members.forEach(([reader, ahead, sum], member) => {
      const { record, head, answer } = runs[member];
      const asked = answer.output.map((_, step) => Float64Array.of(step === at ? 1 / runs.length : 0));
      reader
        .back(record, ahead.back(head, sum.back(answer, asked)))
        .forEach((row, time) => row.forEach((value, input) => (total[time][input] += value * past[time][input])));
    });
    return total;
  }

  /** What `Network.traces` gives, one entry a member. */
  traces({ runs }) {
    return runs.map(({ record }, member) => {
      const [{ kind, units }] = this.members[member];
      return { name: `Network ${member + 1} of ${runs.length}`, kind, units, trace: record.trace };
    });
  }
}
