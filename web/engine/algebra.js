// The little linear algebra that a network needs. A matrix [rows, columns] is one flat array, row after row.

/** out += vector * matrix */
export function addProduct(out, vector, matrix) {
  const columns = out.length;
  for (let row = 0; row < vector.length; row++) {
    const value = vector[row];
    if (value === 0) continue;
    const offset = row * columns;
    for (let column = 0; column < columns; column++) out[column] += value * matrix[offset + column];
  }
  return out;
}

/** matrix * vector, as needed for gradients: entry `row` is the dot product of the matrix's row with the vector. */
export function transposedProduct(vector, matrix, rows) {
  const columns = vector.length;
  const out = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += vector[column] * matrix[row * columns + column];
    out[row] = sum;
  }
  return out;
}

/** a += b */
export function add(a, b) {
  for (let index = 0; index < a.length; index++) a[index] += b[index];
  return a;
}

/** Arrays end to end. */
export function concatenate(arrays) {
  const out = new Float64Array(arrays.reduce((total, array) => total + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    out.set(array, offset);
    offset += array.length;
  }
  return out;
}

export function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

/** The logarithm of the sigmoid, which does not run out of numbers where the sigmoid is all but 0. */
export function logSigmoid(x) {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

/** What a layer may end in: the function, and its slope where it gives y. */
export const ACTIVATIONS = {
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y },
  relu: { value: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  sigmoid: { value: sigmoid, slope: (y) => y * (1 - y) },
  linear: { value: (x) => x, slope: () => 1 },
};

const [SELU_SCALE, SELU_SLOPE] = [1.05070098735548, 1.67326324235438];

// A function of each number, with its slope at x, where it gives y.
const each = (value, slope) => ({
  value: (vector) => vector.map(value),
  back: (x, y, gradient) => gradient.map((d, unit) => d * slope(x[unit], y[unit])),
});

/** What a vector may go through on its own: the function, and the way back from x, y and the gradient by y. */
export const FUNCTIONS = {
  tanh: each(Math.tanh, (_, y) => 1 - y * y),
  relu: each(
    (x) => Math.max(x, 0),
    (_, y) => (y > 0 ? 1 : 0),
  ),
  sigmoid: each(sigmoid, (_, y) => y * (1 - y)),
  elu: each(
    (x) => (x > 0 ? x : Math.expm1(x)),
    (x, y) => (x > 0 ? 1 : y + 1),
  ),
  selu: each(
    (x) => SELU_SCALE * (x > 0 ? x : SELU_SLOPE * Math.expm1(x)),
    (x, y) => (x > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_SLOPE),
  ),
  softplus: each((x) => -logSigmoid(-x), sigmoid),
  softsign: each(
    (x) => x / (1 + Math.abs(x)),
    (_, y) => (1 - Math.abs(y)) ** 2,
  ),
  silu: each(
    (x) => x * sigmoid(x),
    (x, y) => y + sigmoid(x) * (1 - y),
  ),
  exponential: each(Math.exp, (_, y) => y),
  softmax: {
    value: (vector) => softmax(vector),
    back: (_, y, gradient) => {
      const along = y.reduce((sum, share, unit) => sum + share * gradient[unit], 0);
      return y.map((share, unit) => share * (gradient[unit] - along));
    },
  },
};

/** Scores to shares that sum to 1; a temperature below 1 sharpens them. */
export function softmax(scores, temperature = 1) {
  const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const weights = Float64Array.from(scores, (score) => Math.exp((score - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
