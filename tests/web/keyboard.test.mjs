// The page's keyboard against Python's: for texts typed letter by letter, the same offers and the same corrections.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Keyboard } from "../../web/engine/keyboard.js";
import { readLatch } from "../../web/engine/latch.js";
import { networkOf } from "../../web/engine/network.js";

const folder = process.env.MODELS;
const bytes = readFileSync(`${folder}/keyboard.latch`);
const latch = readLatch(
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
);
const keyboard = new Keyboard({ ...latch, network: networkOf(latch) });
const typed = JSON.parse(readFileSync(`${folder}/typed.json`, "utf-8"));

test("offers and corrections are those of Python", () => {
  assert.ok(typed.length > 50);
  for (const { text, offers, correct } of typed) {
    assert.deepEqual(
      keyboard.offers(text).map((offer) => offer.text),
      offers,
      `after ${JSON.stringify(text)}`,
    );
    assert.equal(
      keyboard.correct(text)?.text ?? null,
      correct,
      `a space after ${JSON.stringify(text)}`,
    );
  }
});
