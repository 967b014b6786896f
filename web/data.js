// The files that come with the page: embedded where the page is one self-contained file, else beside it.

import { readLatch } from "latchwork/engine/latch.js";

/** The bytes of a file in web/data. */
export async function loadBytes(name) {
  const embedded = document.querySelector(`script[data-file="${name}"]`);
  if (embedded) return Uint8Array.from(atob(embedded.textContent.trim()), (letter) => letter.charCodeAt(0)).buffer;
  const response = await fetch(`data/${name}`);
  if (!response.ok) throw new Error(`${name} is missing (${response.status})`);
  return response.arrayBuffer();
}

/** The text that the page was made with, or null. */
export function embeddedExample() {
  const embedded = document.querySelector('script[data-file="example.txt"]');
  return (
    embedded &&
    new TextDecoder().decode(Uint8Array.from(atob(embedded.textContent.trim()), (letter) => letter.charCodeAt(0)))
  );
}

export async function loadJson(name) {
  return JSON.parse(new TextDecoder().decode(await loadBytes(name)));
}

export async function loadModel(name) {
  return readLatch(await loadBytes(name));
}
