// The merged kitchen's matrices found from a diary, in the page: the counterpart of src/latchwork/explain/diary.py.
//
//   chosen = softmax(F yesterday + W weather + b),  scores = M chosen

import { softmax } from "latchwork/engine/algebra.js";
import { COURSES, MATRICES, next, SUNNY } from "latchwork/chapters/roommate/kitchens.js";

const HIDDEN = 2 * COURSES;
const LEARNING_RATE = 0.05;
const WEIGHT_DECAY = 1e-4;
const [MOMENTUM, SECOND_MOMENTUM, TINY] = [0.9, 0.999, 1e-8]; // Adam's usual ones
const WEIGHTS = HIDDEN * (2 * COURSES + 2); // F, W and M decay; the bias, which comes last, does not

export const STARTS = 64;
export const STEPS = 1500;

const rule = (dish, weather) => (weather === SUNNY ? dish : next(dish));

/** A diary of days: { first, days: [{ weather, dish }] } with weather drawn at random. */
export function writeDiary(length, random) {
  const first = Math.floor(random() * COURSES);
  let dish = first;
  const days = Array.from({ length }, () => {
    const weather = Math.floor(random() * 2);
    dish = rule(dish, weather);
    return { weather, dish };
  });
  return { first, days };
}

/** A random number generator from a seed (mulberry32), so that what is seen can be seen again. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One network, from one random start. */
class Learner {
  constructor(random) {
    // F [hidden, dishes], W [hidden, weathers], M [dishes, hidden], b [hidden], end to end.
    this.values = Float64Array.from({ length: WEIGHTS + HIDDEN }, () => normal(random));
    this.momentum = new Float64Array(this.values.length);
    this.square = new Float64Array(this.values.length);
    this.food = this.values.subarray(0, HIDDEN * COURSES);
    this.weather = this.values.subarray(HIDDEN * COURSES, HIDDEN * (COURSES + 2));
    this.merge = this.values.subarray(HIDDEN * (COURSES + 2), WEIGHTS);
    this.bias = this.values.subarray(WEIGHTS);
    this.step = 0;
    this.losses = [];
  }

  chosen(yesterday, weather) {
    const total = new Float64Array(HIDDEN);
    for (let j = 0; j < HIDDEN; j++) {
      total[j] = this.food[j * COURSES + yesterday] + this.weather[j * 2 + weather] + this.bias[j];
    }
    return softmax(total);
  }

  scores(chosen) {
    return Float64Array.from({ length: COURSES }, (_, k) =>
      chosen.reduce((sum, share, j) => sum + this.merge[k * HIDDEN + j] * share, 0),
    );
  }

  serve(yesterday, weather) {
    const scores = this.scores(this.chosen(yesterday, weather));
    return scores.indexOf(Math.max(...scores));
  }

  /** One step of Adam on all states of the diary, each weighted by how often it occurs. */
  learn(states) {
    const gradient = Float64Array.from(this.values, (value, at) =>
      at < WEIGHTS ? (2 * WEIGHT_DECAY * value) / COURSES : 0,
    );
    const food = gradient.subarray(0, HIDDEN * COURSES);
    const weather = gradient.subarray(HIDDEN * COURSES, HIDDEN * (COURSES + 2));
    const merge = gradient.subarray(HIDDEN * (COURSES + 2), WEIGHTS);
    let loss = 0;
    for (const state of states) {
      const chosen = this.chosen(state.yesterday, state.weather);
      const shares = softmax(this.scores(chosen));
      loss -= state.weight * Math.log(shares[state.dish]);
      const dScores = shares.map((share, k) => state.weight * (share - Number(k === state.dish)));
      const dChosen = chosen.map((_, j) => dScores.reduce((sum, d, k) => sum + d * this.merge[k * HIDDEN + j], 0));
      const mean = chosen.reduce((sum, share, j) => sum + share * dChosen[j], 0);
      for (let j = 0; j < HIDDEN; j++) {
        const d = chosen[j] * (dChosen[j] - mean);
        food[j * COURSES + state.yesterday] += d;
        weather[j * 2 + state.weather] += d;
        gradient[WEIGHTS + j] += d;
        for (let k = 0; k < COURSES; k++) merge[k * HIDDEN + j] += dScores[k] * chosen[j];
      }
    }
    this.losses.push(loss);
    this.adam(gradient);
  }

  adam(gradient) {
    const rate = (LEARNING_RATE * (1 + Math.cos((Math.PI * this.step) / STEPS))) / 2;
    this.step += 1;
    for (let at = 0; at < gradient.length; at++) {
      this.momentum[at] += (1 - MOMENTUM) * (gradient[at] - this.momentum[at]);
      this.square[at] += (1 - SECOND_MOMENTUM) * (gradient[at] ** 2 - this.square[at]);
      const direction = this.momentum[at] / (1 - MOMENTUM ** this.step);
      const size = Math.sqrt(this.square[at] / (1 - SECOND_MOMENTUM ** this.step)) + TINY;
      this.values[at] -= (rate * direction) / size;
    }
  }
}

/** Sixty-four networks that learn from one diary side by side. */
export class Class {
  constructor(diary, seed) {
    const random = seeded(seed);
    this.states = count(diary);
    this.learners = Array.from({ length: STARTS }, () => new Learner(random));
    this.step = 0;
  }

  advance(steps) {
    for (let done = 0; done < steps && this.step < STEPS; done++, this.step++) {
      for (const learner of this.learners) learner.learn(this.states);
    }
    return this.step < STEPS;
  }

  /** The one that is easiest to read: most units stand for a single state; among equals, the lowest loss. */
  leader() {
    const rank = (learner) => new Set(this.states.map((state) => winner(learner, state))).size;
    return this.learners
      .map((learner) => ({ learner, units: rank(learner), loss: learner.losses.at(-1) }))
      .reduce((best, other) =>
        other.units > best.units || (other.units === best.units && other.loss < best.loss) ? other : best,
      ).learner;
  }
}

/** How many of a new diary's days the network serves right, fed with its own dish of the day before. */
export function countRight(learner, diary) {
  let dish = diary.first;
  return diary.days.filter((day) => {
    dish = learner.serve(dish, day.weather);
    return dish === day.dish;
  }).length;
}

/** A learner's matrices in the exact kitchen's order of units and on its scale of 0 and 1. */
export function readable(learner) {
  const order = exactOrder(learner);
  const take = (array, columns) =>
    order.map((unit) => Array.from(array.subarray(unit * columns, (unit + 1) * columns)));
  const merge = Array.from({ length: COURSES }, (_, k) => order.map((unit) => learner.merge[k * HIDDEN + unit]));
  const learned = { food: take(learner.food, COURSES), weather: take(learner.weather, 2), merge };
  return Object.fromEntries(
    Object.entries(learned).map(([name, values]) => [name, normalise(values, MATRICES.merged[name])]),
  );
}

// Each exact unit stands for one state; it takes the free learned unit that fires most on that state.
function exactOrder(learner) {
  const free = new Set(Array.from({ length: HIDDEN }, (_, unit) => unit));
  return Array.from({ length: HIDDEN }, (_, place) => {
    const weather = Math.floor(place / COURSES);
    const dish = place % COURSES;
    const yesterday = weather === SUNNY ? dish : (dish + COURSES - 1) % COURSES;
    const chosen = learner.chosen(yesterday, weather);
    const best = [...free].reduce((most, unit) => (chosen[unit] > chosen[most] ? unit : most));
    free.delete(best);
    return best;
  });
}

function normalise(values, exact) {
  const where = (entry) => values.flatMap((row, r) => row.filter((_, c) => exact[r][c] === entry));
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [low, high] = [mean(where(0)), mean(where(1))];
  const span = Math.max(Math.abs(high - low), 0.5); // before anything is learned there is no scale
  return values.map((row) => row.map((value) => (value - low) / span));
}

function winner(learner, state) {
  const chosen = learner.chosen(state.yesterday, state.weather);
  return chosen.indexOf(Math.max(...chosen));
}

function count({ first, days }) {
  const counts = new Map();
  days.forEach(({ weather, dish }, index) => {
    const yesterday = index ? days[index - 1].dish : first;
    const key = `${yesterday} ${weather}`;
    const state = counts.get(key) ?? { yesterday, weather, dish, weight: 0 };
    state.weight += 1 / days.length;
    counts.set(key, state);
  });
  return [...counts.values()];
}

function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
