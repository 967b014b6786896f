// What the page answers for saved models of every job, against Python: run by pytest (test_engine.py), which writes the
// models that MODELS points to.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { inUnits, scaled } from "../../web/chapters/model/scaling.js";
import { vocabularyOf } from "../../web/engine/vocabulary.js";
import { softmax } from "../../web/engine/algebra.js";
import { correctorOf } from "../../web/engine/corrector.js";
import { readLatch } from "../../web/engine/latch.js";
import { networkOf } from "../../web/engine/network.js";
import { Stepper } from "../../web/engine/stepper.js";

const MODELS = process.env.MODELS;
const files = readdirSync(MODELS).sort();
const TOLERANCE = 1e-4;

// A copy: small files share one buffer.
const open = (name) =>
  readLatch(new Uint8Array(readFileSync(join(MODELS, name))).buffer);

function rows({ shape, data }) {
  const [time, features] = shape.slice(-2);
  return Array.from({ length: time }, (_, step) =>
    Float64Array.from(data.slice(step * features, (step + 1) * features)),
  );
}

// What the page answers, as its panels make it.
const ANSWERS = {
  classification({ tensors }, network) {
    const input = scaled(rows(tensors["example.input"]), tensors);
    return softmax(network.run(input).output);
  },
  regression({ tensors }, network) {
    const input = scaled(rows(tensors["example.input"]), tensors);
    return inUnits(network.run(input).output, tensors);
  },
  text({ document, tensors }, network) {
    const tokens = vocabularyOf(document.fitted.vocabulary).encode(
      document.fitted.read,
    );
    assert.deepEqual(tokens, Array.from(tensors["example.input"].data));
    const reader = new Stepper(network);
    reader.read([tokens[0], tokens[0]]); // what was read before is forgotten
    reader.read(tokens);
    return tokens.flatMap((_, time) => Array.from(reader.answer(time)));
  },
  forecasting({ tensors }) {
    const [past, future] = ["past", "future"].map((name) =>
      rows(tensors[`fitted.shown.${name}`]),
    );
    return correctorOf(tensors).run(past, future).corrections;
  },
};

function farthest(found, expected) {
  assert.equal(found.length, expected.length);
  const away = Array.from(
    found,
    (value, at) =>
      Math.abs(value - expected[at]) / Math.max(1, Math.abs(expected[at])),
  );
  assert.ok(away.every(Number.isFinite));
  return Math.max(...away);
}

test(`${files.length} models of all jobs answer as Python does`, () => {
  const most = {};
  for (const name of files) {
    const latch = open(name);
    const { job, network } = latch.document;
    const answer = ANSWERS[job](latch, network && networkOf(latch));
    const away = farthest(answer, latch.tensors["expected.answer"].data);
    assert.ok(away <= TOLERANCE, `${name}: ${away} away`);
    most[job] = Math.max(most[job] ?? 0, away);
  }
  assert.deepEqual(Object.keys(most).sort(), Object.keys(ANSWERS).sort());
  console.log("farthest from Python, relative beyond 1:", most);
});

test("step by step is influenced as the whole sequence is", () => {
  for (const name of files.filter((each) => each.includes("-char-"))) {
    const latch = open(name);
    const network = networkOf(latch);
    const tokens = Array.from(latch.tensors["example.input"].data);
    const reader = new Stepper(network);
    reader.read(tokens);
    const run = network.run(tokens);
    for (const time of [0, 5, tokens.length - 1]) {
      const whole = network.influence(run, tokens, 2, time);
      const steps = reader.influence(2, time);
      const flat = (list) => list.flatMap((step) => Array.from(step));
      const away = farthest(flat(steps), flat(whole.slice(0, time + 1)));
      assert.ok(away < 1e-9, `${name}: ${away}`);
    }
  }
});

test("a corrector's influence is the slope of its correction", () => {
  const name = files.find((each) => each.includes("-forecasting-"));
  const { tensors } = open(name);
  const corrector = correctorOf(tensors);
  const [past, future] = ["past", "future"].map((each) =>
    rows(tensors[`fitted.shown.${each}`]),
  );
  const found = corrector.influence(corrector.run(past, future), past, 3);
  const nudged = (by) => {
    const moved = past.map((row) => row.slice());
    moved[20][1] += by;
    return corrector.run(moved, future).corrections[3];
  };
  const slope = (nudged(1e-5) - nudged(-1e-5)) / 2e-5;
  assert.ok(Math.abs(found[20][1] - slope * past[20][1]) < 1e-7);
});
