// Each term in one or two plain sentences, shown where it appears; those of a cell stand with it in the table.

import { CELLS } from "latchwork/engine/cells.js";

export const TERMS = {
  ...Object.assign({}, ...Object.values(CELLS).map(({ words }) => words)),
  "recurrent network":
    "A network that reads a sequence one step at a time and hands something of itself from each step to the next.",
  "neural network":
    "A chain of matrices with a nonlinearity between them. Its numbers are not written by a person but learned from examples.",
  layer:
    "One matrix, an added vector (the bias) and a function on each entry, such as σ or tanh. Its numbers are learned.",
  "element by element":
    "Each number meets only the one at its own place: the first with the first, the second with the second. Nothing is mixed and nothing is learned.",
  bias: "A number that is always added, whatever comes in: where a gate stands when nothing else speaks.",
  optimiser: "The rule by which learning changes the network’s numbers, step by step, so that its error falls.",
  error:
    "How far the network’s answers are from what was really served. At 0 it would be certain and right every time.",
  "hidden state":
    "The numbers that a network hands to its own next step, and shows to the layers above. One number for each unit.",
  unit: "One of the many small memories in a layer. A layer of 6 units has 6 numbers on its belt, and 6 in each gate.",
  gate: "A number between 0 (shut) and 1 (open) for each unit, computed anew at every step, that something else is multiplied by.",
  "one-hot":
    "A list of zeros with a single 1. Its place says which of several things is meant: apple pie is 1\u00a00\u00a00, burger is 0\u00a01\u00a00.",
  vector: "A list of numbers.",
  matrix:
    "A table of numbers. Multiplied with a vector it gives another vector: each row is multiplied entry by entry, and summed.",
  "food matrix":
    "Its upper half repeats yesterday’s dish; its lower half gives the next one. Both proposals come out, one above the other.",
  "weather matrix": "Sun puts 1s on the upper half (the same dish), rain on the lower half (the next dish).",
  add: "The two vectors added, entry by entry.",
  nonlinearity:
    "A function applied to each entry on its own, here: whatever exceeds 1. Without one, any stack of matrices is just one matrix.",
  merge: "A matrix that lays the two halves on top of each other, so that 6 entries become 3 dishes again.",
  sigmoid: "An S-shaped function that squeezes any number to between 0 and 1: just right for a gate.",
  tanh: "An S-shaped function that squeezes any number to between −1 and 1.",
  gradient:
    "How much the error would change if a number changed a little. Learning follows it; where it is zero, nothing can be learned.",
  "vanishing gradient":
    "Carried back through many steps, a gradient is multiplied again and again. If each factor is below 1, almost nothing arrives.",
  influence:
    "How much each step of the input pushed one number of the answer up or down: the gradient times the input.",
  chance: "What a guess would reach.",
  temperature: "How boldly letters are drawn: low takes the likeliest, high takes more of the unlikely ones.",
};

/** One tooltip for every term on the page, by pointer, keyboard or touch. */
export function explainTerms(root) {
  const tip = Object.assign(document.createElement("div"), { id: "tip", role: "tooltip" });
  root.append(tip);
  const termAt = (event) => event.target.closest?.("[data-term]");

  function show(element) {
    tip.textContent = TERMS[element.dataset.term];
    element.setAttribute("aria-describedby", "tip");
    const box = element.getBoundingClientRect();
    const margin = 16;
    const left = Math.min(
      Math.max(margin, box.left + box.width / 2 - tip.offsetWidth / 2),
      innerWidth - tip.offsetWidth - margin,
    );
    const above = box.top - tip.offsetHeight - 10;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 64 ? above : box.bottom + 10}px`;
    tip.classList.add("shown");
  }

  const hide = () => tip.classList.remove("shown");
  for (const event of ["pointerover", "focusin", "click"]) {
    root.addEventListener(event, (happened) => {
      const element = termAt(happened);
      if (element) show(element);
      else if (event !== "pointerover") hide();
    });
  }
  root.addEventListener("pointerout", (event) => termAt(event) && event.pointerType === "mouse" && hide());
  root.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  // Moving the focus scrolls the page: the explanation then follows its term.
  addEventListener("scroll", () => (document.activeElement?.dataset.term ? show(document.activeElement) : hide()), {
    passive: true,
  });
}
