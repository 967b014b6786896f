// Reads a .latch file: a safetensors file whose metadata holds one JSON document and a SHA-256 over every byte.
// The layout, the limits and the wording of the errors are those of src/latchwork/core/storage.py.

import { sha256 } from "latchwork/engine/sha256.js";

export const FORMAT = 1;
export const MAX_FILE_BYTES = 256 << 20;

const PREFIX = '{"__metadata__":{"sha256":"';
const DIGEST_START = 8 + PREFIX.length;
const DIGITS = 64;

// Bytes of a number, and what is read into what. Where nothing is converted the bytes are taken as they lie, since all
// machines that run browsers are little-endian too; 64-bit integers become ordinary numbers, as no model counts beyond
// 2^53.
const TYPES = {
  F64: [8, Float64Array],
  F32: [4, Float32Array],
  I64: [8, Float64Array, (view, at) => Number(view.getBigInt64(at, true))],
  U64: [8, Float64Array, (view, at) => Number(view.getBigUint64(at, true))],
  I32: [4, Int32Array],
  U32: [4, Uint32Array],
  F16: [2, Float32Array, (view, at) => half(view.getUint16(at, true))],
  I16: [2, Int16Array],
  U16: [2, Uint16Array],
  I8: [1, Int8Array],
  U8: [1, Uint8Array],
  BOOL: [1, Uint8Array],
};

/** What is wrong with a file, in one line for the person who chose it. */
export class FileError extends Error {}

/**
 * Parse and verify a .latch file.
 *
 * @param {ArrayBuffer} buffer the file's bytes
 * @returns {{document: object, tensors: Object<string, {shape: number[], data: ArrayLike<number>}>}}
 * @throws {FileError} not a .latch file, cut short, changed since it was saved, too large or too new
 */
export function readLatch(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length > MAX_FILE_BYTES)
    throw new FileError(`Too large for this page: more than ${MAX_FILE_BYTES >> 20} MB.`);
  if (text(bytes, 8, DIGEST_START) !== PREFIX) {
    throw new FileError("Not a .latch file, or its first bytes are damaged.");
  }
  const view = new DataView(buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  if (start > bytes.length) {
    throw new FileError(`Truncated: its header needs ${start} bytes, the file has ${bytes.length}.`);
  }

  const { header, document } = parseHeader(text(bytes, 8, start));
  if (document.format > FORMAT) {
    throw new FileError(`Format ${document.format} is newer than this page reads (up to ${FORMAT}): update latchwork.`);
  }
  const end = Object.values(header).reduce((most, entry) => Math.max(most, start + entry.data_offsets[1]), start);
  if (end !== bytes.length) {
    const what = end > bytes.length ? "Truncated" : "Damaged";
    throw new FileError(`${what}: its tensors need a file of ${end} bytes, it has ${bytes.length}.`);
  }
  if (digest(bytes) !== text(bytes, DIGEST_START, DIGEST_START + DIGITS)) {
    throw new FileError("Damaged: its contents do not match the SHA-256 that was saved with them.");
  }
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) tensors[name] = readTensor(view, start, entry);
  return { document, tensors };
}

function parseHeader(json) {
  try {
    const { __metadata__: metadata, ...header } = JSON.parse(json);
    const document = JSON.parse(metadata.document);
    if (!Number.isInteger(document.format) || document.format < 1) throw new Error("no format");
    for (const entry of Object.values(header)) {
      const [from, to] = entry.data_offsets;
      const size = entry.shape.reduce((product, extent) => product * extent, 1) * TYPES[entry.dtype][0];
      if (!(from >= 0) || to - from !== size) throw new Error("wrong size");
    }
    return { header, document };
  } catch {
    throw new FileError("Damaged: its header does not hold a latchwork document.");
  }
}

function digest(bytes) {
  const unsigned = bytes.slice();
  unsigned.fill("0".charCodeAt(0), DIGEST_START, DIGEST_START + DIGITS);
  return sha256(unsigned);
}

function readTensor(view, start, { dtype, shape, data_offsets: [from, to] }) {
  const [width, Type, read] = TYPES[dtype];
  if (!read) return { shape, data: new Type(view.buffer.slice(start + from, start + to)) };
  const data = new Type((to - from) / width);
  for (let index = 0; index < data.length; index++) data[index] = read(view, start + from + index * width);
  return { shape, data };
}

function text(bytes, from, to) {
  return new TextDecoder().decode(bytes.subarray(from, to));
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
