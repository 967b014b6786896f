// What the cells' equations are written with, beside the algebra of every layer.

import { addProduct, transposedProduct } from "latchwork/engine/algebra.js";

/** x W + h U + b; U within heads, where there are several. */
export function affine(p, x, hidden, heads = 1) {
  const total = addProduct(Float64Array.from(p.bias), x, p.input_weight);
  if (heads === 1) return addProduct(total, hidden, p.hidden_weight);
  within(heads, hidden.length, total.length, (row, column, at) => (total[column] += hidden[row] * p.hidden_weight[at]));
  return total;
}

/** The gradient of a hidden state whose product with U, within heads, has the gradient d. */
export function transposedWithin(heads, d, weight) {
  const out = new Float64Array((weight.length * heads) / d.length);
  within(heads, out.length, d.length, (row, column, at) => (out[row] += d[column] * weight[at]));
  return out;
}

/**
 * Visit every weight of a matrix that mixes units within heads alone: its row, its column with all heads side by side,
 * and its place in the array, which keeps for each row its own head's columns, gate by gate.
 */
function within(heads, units, columns, visit) {
  const [size, width] = [units / heads, columns / heads];
  for (let row = 0; row < units; row++) {
    const first = Math.floor(row / size) * size;
    for (let own = 0; own < width; own++)
      visit(row, Math.floor(own / size) * units + first + (own % size), row * width + own);
  }
}

/** The gradient of a vector whose product with the weight has the gradient d. */
export function transposed(d, weight) {
  return transposedProduct(d, weight, weight.length / d.length);
}

/** An array cut into equal parts. */
export function split(array, parts) {
  const size = array.length / parts;
  return Array.from({ length: parts }, (_, part) => array.slice(part * size, (part + 1) * size));
}

/** What comes of one unit of a gate before its curve: entries [value, words], `order` being that of the weights. */
export function weighed(order) {
  return (p, step, gate, unit, { heads = 1 } = {}) => {
    const size = step.hidden.length / heads;
    const first = Math.floor(unit / size) * size; // of the units of its head
    const own = step.before.hidden.slice(first, first + size);
    const width = p.hidden_weight.length / step.hidden.length;
    const weight = p.hidden_weight.slice(first * width, (first + size) * width);
    return [
      [entry(step.x, p.input_weight, order, gate, unit), "from the input"],
      [entry(own, weight, order, gate, unit - first), "from the old hidden state"],
      [p.bias[order.indexOf(gate) * step.hidden.length + unit], "bias"],
    ];
  };
}

/** One entry of a vector's product with a matrix whose columns stand gate by gate. */
export function entry(vector, weight, order, gate, unit) {
  const width = weight.length / vector.length;
  const column = (order.indexOf(gate) * width) / order.length + unit;
  return vector.reduce((sum, value, row) => sum + value * weight[row * width + column], 0);
}
