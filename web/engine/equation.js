// What the cells' equations are written with, beside the algebra of every layer.

import { addProduct, transposedProduct } from "latchwork/engine/algebra.js";

/** x W + h U + b */
export function affine(p, x, hidden) {
  return addProduct(addProduct(Float64Array.from(p.bias), x, p.input_weight), hidden, p.hidden_weight);
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
  return (p, step, gate, unit) => [
    [entry(step.x, p.input_weight, order, gate, unit), "from the input"],
    [entry(step.before.hidden, p.hidden_weight, order, gate, unit), "from the old hidden state"],
    [p.bias[order.indexOf(gate) * step.hidden.length + unit], "bias"],
  ];
}

/** One entry of a vector's product with a matrix whose columns stand gate by gate. */
export function entry(vector, weight, order, gate, unit) {
  const width = weight.length / vector.length;
  const column = (order.indexOf(gate) * width) / order.length + unit;
  return vector.reduce((sum, value, row) => sum + value * weight[row * width + column], 0);
}
