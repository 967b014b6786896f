// The files that come with the page: embedded where the page is one self-contained file, else beside it.

import { readLatch } from "latchwork/engine/latch.js";

/** The bytes of a file in web/data. */
export async function loadBytes(name) {
  const embedded = document.querySelector(`script[data-file="${name}"]`);
  if (embedded) return bytesOf(embedded).buffer;
  const response = await fetch(`data/${name}`);
  if (!response.ok) throw new Error(`${name} is missing (${response.status})`);
  return response.arrayBuffer();
}

/** The text that the page was made with, or null. */
export function embeddedExample() {
  const embedded = document.querySelector('script[data-file="example.txt"]');
  return embedded && new TextDecoder().decode(bytesOf(embedded));
}

// By index: going through a text letter by letter makes a string of each, which models of megabytes feel.
function bytesOf(embedded) {
  const text = atob(embedded.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

export async function loadJson(name) {
  return JSON.parse(new TextDecoder().decode(await loadBytes(name)));
}

export async function loadModel(name) {
  return readLatch(await loadBytes(name));
}
