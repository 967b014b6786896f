// The vectors that a step's record holds, by the names that the table of the cells uses.

import { CELLS } from "latchwork/engine/cells.js";

/**
 * A vector of a step: a gate or state by its name, "before.cell" as it was before the step, "1-update" what a gate
 * leaves, "sum.hidden" the sum before its curve, "kept" and "written" the two products that make the new memory.
 */
export function vectorOf(kind, step, name) {
  if (name === "kept" || name === "written") {
    const [gate, what] = CELLS[kind][name].map((factor) => vectorOf(kind, step, factor));
    return gate.map((value, unit) => value * what[unit]);
  }
  if (name.startsWith("before.")) return step.before[baseOf(name)];
  if (name.startsWith("1-")) return step[baseOf(name)].map((value) => 1 - value);
  return name.startsWith("sum.") ? step.sum : step[name];
}

/** The gate or state that a vector's name is about. */
export function baseOf(name) {
  return name.replace(/^(before\.|1-|sum\.)/, "");
}

/** The gate or state in whose colours a vector is shown. */
export function shownAs(kind, name) {
  return name === "kept" || name === "written" ? CELLS[kind].memory : baseOf(name);
}
