// Which units follow something that a person can name: ranked by correlation over the sequence at hand. The counterpart,
// over many sequences and with held-out steps, is `lw.neurons`.

const SHOWN = 5;
const FEWEST_STEPS = 4;

/**
 * @param {object} trace a layer's, by name: { hidden: [time][units], ... }
 * @param {string[]} memories the names to search: what a unit keeps and what it shows
 * @param {ArrayLike<number>} signal one number a step
 * @returns {{unit: number, what: string, correlation: number}[]} the units that follow it most closely, best first
 */
export function followers(trace, memories, signal) {
  if (signal.length < FEWEST_STEPS) return [];
  const units = Array.from({ length: trace.hidden[0].length }, (_, unit) =>
    memories
      .map((what) => ({ unit, what, correlation: correlation(trace[what], unit, signal) }))
      .reduce((best, other) => (Math.abs(other.correlation) > Math.abs(best.correlation) ? other : best)),
  );
  return units.sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation)).slice(0, SHOWN);
}

function correlation(values, unit, signal) {
  const steps = Math.min(values.length, signal.length);
  let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0];
  for (let time = 0; time < steps; time++) {
    const [a, b] = [values[time][unit], signal[time]];
    x += a;
    y += b;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  const spread = Math.sqrt((xx - (x * x) / steps) * (yy - (y * y) / steps));
  return spread > 1e-12 ? (xy - (x * y) / steps) / spread : 0;
}
