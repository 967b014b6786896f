// The page's kitchens in every state, and what its networks learn from a diary.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  cook,
  MATRICES,
  next,
  oneHot,
  SUNNY,
} from "../../web/chapters/roommate/kitchens.js";
import {
  Class,
  countRight,
  readable,
  seeded,
  writeDiary,
} from "../../web/chapters/roommate/learn.js";

const RULES = {
  plain: (yesterday, weather) => weather,
  recurrent: (yesterday) => next(yesterday),
  merged: (yesterday, weather) =>
    weather === SUNNY ? yesterday : next(yesterday),
};

for (const [kitchen, rule] of Object.entries(RULES)) {
  test(`the ${kitchen} kitchen is exact in every state`, () => {
    for (const yesterday of [0, 1, 2]) {
      for (const weather of [0, 1]) {
        assert.deepEqual(
          cook(kitchen, yesterday, weather).dish,
          oneHot(rule(yesterday, weather), 3),
        );
      }
    }
  });
}

const SEEDS = Number(process.env.SEEDS);

for (let seed = 0; seed < SEEDS; seed++) {
  test(`what is learned from seed ${seed} rounds to the rule and holds for 1,000 new days`, () => {
    const lesson = new Class(writeDiary(120, seeded(seed)), seed);
    while (lesson.advance(100));
    const learner = lesson.leader();
    assert.equal(
      countRight(learner, writeDiary(1000, seeded(1000 + seed))),
      1000,
    );
    for (const [name, values] of Object.entries(readable(learner))) {
      assert.deepEqual(
        values.map((row) => row.map((value) => Math.abs(Math.round(value)))),
        MATRICES.merged[name],
      );
    }
  });
}
