// SHA-256 (FIPS 180-4). The browser's own is asynchronous and, in some browsers, absent from pages opened from disk.

const CONSTANTS = fractions((prime) => Math.cbrt(prime), 64);
const START = fractions((prime) => Math.sqrt(prime), 8);

// The first 32 bits of the fractional parts of a root of the first primes.
function fractions(root, count) {
  const found = [];
  for (let number = 2; found.length < count; number++) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= number; divisor++) prime &&= number % divisor !== 0;
    if (prime) found.push((root(number) % 1) * 2 ** 32);
  }
  return Uint32Array.from(found);
}

/** The SHA-256 of a Uint8Array, as 64 hexadecimal digits. */
export function sha256(bytes) {
  const padded = pad(bytes);
  const state = START.slice();
  const schedule = new Uint32Array(64);
  for (let offset = 0; offset < bytes.length - (bytes.length % 64); offset += 64) {
    absorb(state, schedule, bytes, offset);
  }
  for (let offset = 0; offset < padded.length; offset += 64) absorb(state, schedule, padded, offset);
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

// The bytes after the last whole block, a one bit, zeros, and the length in bits.
function pad(bytes) {
  const rest = bytes.subarray(bytes.length - (bytes.length % 64));
  const padded = new Uint8Array(rest.length < 56 ? 64 : 128);
  padded.set(rest);
  padded[rest.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length * 8) % 2 ** 32);
  return padded;
}

function absorb(state, w, bytes, offset) {
  for (let t = 0; t < 16; t++) {
    const at = offset + 4 * t;
    w[t] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let t = 16; t < 64; t++) {
    const s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >>> 3);
    const s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >>> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + CONSTANTS[t] + w[t]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] += word));
}

function rotate(word, by) {
  return (word >>> by) | (word << (32 - by));
}
