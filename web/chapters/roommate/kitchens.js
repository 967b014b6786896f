// The three kitchens as exact matrices: the counterpart of src/latchwork/explain/roommate.py.

export const COURSES = 3;
export const SUNNY = 0;
export const RAINY = 1;

const range = (size) => Array.from({ length: size }, (_, index) => index);
const matrix = (rows, columns, entry) =>
  range(rows).map((row) => range(columns).map((column) => Number(entry(row, column))));

export const oneHot = (index, size) => range(size).map((at) => Number(at === index));
export const next = (dish) => (dish + 1) % COURSES;

const same = matrix(COURSES, COURSES, (row, column) => row === column);
const nextDay = matrix(COURSES, COURSES, (row, column) => row === next(column));

export const MATRICES = {
  plain: { weather: matrix(COURSES, 2, (row, column) => row === column) },
  recurrent: { food: nextDay },
  merged: {
    food: [...same, ...nextDay],
    weather: matrix(2 * COURSES, 2, (row, column) => Math.floor(row / COURSES) === column),
    merge: same.map((row) => [...row, ...row]),
  },
};

export function multiply(rows, vector) {
  return rows.map((row) => row.reduce((sum, entry, column) => sum + entry * vector[column], 0));
}

/** Every vector on the way from yesterday's dish and today's weather to today's dish. */
export function cook(kitchen, yesterdayDish, todayWeather) {
  const yesterday = oneHot(yesterdayDish, COURSES);
  const weather = oneHot(todayWeather, 2);
  const matrices = MATRICES[kitchen];
  if (kitchen === "plain") return { weather, dish: multiply(matrices.weather, weather) };
  if (kitchen === "recurrent") return { yesterday, dish: multiply(matrices.food, yesterday) };
  const proposals = multiply(matrices.food, yesterday);
  const verdict = multiply(matrices.weather, weather);
  const total = proposals.map((value, index) => value + verdict[index]);
  const chosen = total.map((value) => Math.max(value - 1, 0));
  return { yesterday, weather, proposals, verdict, total, chosen, dish: multiply(matrices.merge, chosen) };
}
