// The page: chapters are built when they come near, so that the first paint waits for none of them.

import { resetPalette } from "latchwork/draw/colour.js";
import { h } from "latchwork/draw/dom.js";
import { mountBelt } from "latchwork/chapters/belt/belt.js";
import { mountMemory } from "latchwork/chapters/memory/memory.js";
import { mountModel } from "latchwork/chapters/model/model.js";
import { mountRoommate } from "latchwork/chapters/roommate/roommate.js";
import { mountStripes } from "latchwork/stripes.js";
import { explainTerms } from "latchwork/terms.js";

const CHAPTERS = { roommate: mountRoommate, belt: mountBelt, memory: mountMemory, model: mountModel };
const NEAR = "600px";

explainTerms(document.body);
mountStripes(document.getElementById("stripes"));

const builder = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => build(target)),
  { rootMargin: NEAR },
);
document.querySelectorAll("[data-chapter]").forEach((root) => builder.observe(root));

async function build(root) {
  builder.unobserve(root);
  try {
    await CHAPTERS[root.dataset.chapter](root);
    root.dataset.ready = "true";
  } catch (error) {
    root.append(h("p", { class: "error", role: "alert" }, `This chapter could not be shown: ${error.message}`));
    throw error;
  }
}

const links = new Map([...document.querySelectorAll(".bar nav a")].map((link) => [link.hash.slice(1), link]));
const reader = new IntersectionObserver(
  (entries) =>
    entries.forEach(({ target, isIntersecting }) => links.get(target.id).setAttribute("aria-current", isIntersecting)),
  { rootMargin: "-45% 0px -55% 0px" },
);
document.querySelectorAll(".chapter").forEach((chapter) => reader.observe(chapter));

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  resetPalette();
  dispatchEvent(new Event("themechange"));
});
