// The page's engine against Python: run by pytest (test_engine.py), which writes the models that MODELS points to.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { FileError, readLatch } from "../../web/engine/latch.js";
import { Network, networkOf } from "../../web/engine/network.js";
import { sha256 } from "../../web/engine/sha256.js";

const MODELS = process.env.MODELS;
const files = readdirSync(MODELS).sort();
const TOLERANCE = 1e-5;

const bytesOf = (name) => new Uint8Array(readFileSync(join(MODELS, name)));

function rows({ shape, data }) {
  if (shape.length === 1) return data;
  const [time, features] = shape;
  return Array.from({ length: time }, (_, step) =>
    Float64Array.from(data.slice(step * features, (step + 1) * features)),
  );
}

function flat(output) {
  return Array.isArray(output)
    ? output.flatMap((step) => Array.from(step))
    : Array.from(output);
}

function assertClose(found, expected, what) {
  assert.equal(found.length, expected.length, what);
  found.forEach((value, index) => {
    const limit = TOLERANCE * Math.max(1, Math.abs(expected[index]));
    assert.ok(
      Math.abs(value - expected[index]) <= limit,
      `${what}: ${value} at ${index}, expected ${expected[index]}`,
    );
  });
}

test(`${files.length} random models answer, and are influenced, as in Python`, () => {
  for (const name of files) {
    const { document, tensors } = readLatch(bytesOf(name).buffer);
    const network = new Network(document.network, tensors);
    const input = rows(tensors["example.input"]);
    const run = network.run(input);
    const answer = flat(run.output);
    assertClose(answer, tensors["expected.output"].data, `${name}: output`);

    const width = Array.isArray(run.output)
      ? run.output[0].length
      : run.output.length;
    const influence = network.influence(run, input, width - 1);
    assertClose(
      flat(influence),
      tensors["expected.influence"].data,
      `${name}: influence`,
    );
  }
});

test("a changed weight is noticed", () => {
  const { document, tensors } = readLatch(bytesOf(files[0]).buffer);
  tensors["network.layers.0.input_weight"].data[0] += 0.01;
  const run = new Network(document.network, tensors).run(
    rows(tensors["example.input"]),
  );
  assert.throws(() =>
    assertClose(flat(run.output), tensors["expected.output"].data, "output"),
  );
});

test("traces are named by gate and have one row a step", () => {
  const { document, tensors } = readLatch(
    bytesOf(files.find((name) => name.includes("-LSTM(5)"))).buffer,
  );
  const network = new Network(document.network, tensors);
  const [layer] = network.traces(network.run(rows(tensors["example.input"])));
  assert.deepEqual(Object.keys(layer.trace), [
    "input",
    "forget",
    "candidate",
    "output",
    "cell",
    "hidden",
  ]);
  assert.equal(layer.trace.cell.length, tensors["example.input"].shape[0]);
  assert.equal(layer.trace.cell[0].length, 5);
});

test("every flipped byte is refused with one line, and so is every cut", () => {
  const good = bytesOf(files[0]);
  for (let at = 0; at < good.length; at += 7) {
    const bad = good.slice();
    bad[at] ^= 16;
    assert.throws(() => readLatch(bad.buffer), isOneLine, `byte ${at}`);
    assert.throws(
      () => readLatch(good.slice(0, at).buffer),
      isOneLine,
      `cut at ${at}`,
    );
  }
});

function isOneLine(error) {
  return error instanceof FileError && !error.message.includes("\n");
}

test("SHA-256 equals the system's for all lengths around a block", () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from(
      { length },
      (_, index) => (index * 31 + length) % 256,
    );
    assert.equal(
      sha256(bytes),
      createHash("sha256").update(bytes).digest("hex"),
    );
  }
});

test("weights stored as whole numbers are multiplied by their scales", () => {
  const name = files.find((file) => file.includes("Embedding"));
  const { document, tensors } = readLatch(bytesOf(name).buffer);
  const input = rows(tensors["example.input"]);
  for (const axis of [0, 1]) {
    const own = "network.layers.0.weight";
    const { shape, data } = tensors[own];
    const count = shape[axis];
    const scales = Float32Array.from({ length: count }, (_, i) => (i + 1) / 64);
    const at = (i) => (axis ? i % shape[1] : Math.floor(i / shape[1]));
    const whole = Int8Array.from(data, (value, i) => value / scales[at(i)]);
    const expected = Float32Array.from(
      whole,
      (value, i) => value * scales[at(i)],
    );
    const packed = networkOf({
      document,
      tensors: {
        ...tensors,
        [own]: { shape, data: whole },
        "fitted.scales.layers.0.weight": {
          shape: axis ? [1, count] : [count, 1],
          data: scales,
        },
      },
    });
    const plain = new Network(document.network, {
      ...tensors,
      [own]: { shape, data: expected },
    });
    assert.deepEqual(
      flat(packed.run(input).output),
      flat(plain.run(input).output),
    );
  }
});
