// What the cells' rows share: how gates and states are shown, and the strips that every drawing has.

/**
 * How what a cell computes is shown: the palette's colour, whether it `opens` from 0 to 1 (else it is coloured by
 * sign, full at 1, or with `reach` ever more slowly up to that), and the term that explains it. A cell may have `parts`
 * of its own.
 */
export const PARTS = {
  input: { colour: "input", opens: true, term: "input gate" },
  forget: { colour: "forget", opens: true, term: "forget gate" },
  candidate: { colour: "candidate", term: "candidate" },
  output: { colour: "output", opens: true, term: "output gate" },
  reset: { colour: "reset", opens: true, term: "reset gate" },
  update: { colour: "update", opens: true, term: "update gate" },
  cell: { colour: "cell", term: "cell state" },
  hidden: { colour: "hidden", term: "hidden state" },
  x: { colour: "input-vector" },
};

/** Rows of a drawing's `strips`. */
export const INPUT_STRIP = ["x", "input foot", "input"];
export const HIDDEN_BEFORE = ["before.hidden", "hiddenAt reads", "hidden, before"];
export const HIDDEN_AFTER = ["hidden", "shown top", "hidden, new"];
