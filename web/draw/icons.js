// Small drawings, made by hand for this page; 32 by 32 units.

import { s } from "latchwork/draw/dom.js";

function icon(label, ...shapes) {
  return s("svg", { viewBox: "0 0 32 32", role: "img", "aria-label": label, class: "icon" }, shapes);
}

const path = (d, attributes) => s("path", { d, ...attributes });
const outline = { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" };

function pie() {
  return icon(
    "apple pie",
    path("M3 19c1-7 6.5-11 13-11s12 4 13 11z", { fill: "#e8a94f" }),
    path("M9.5 10.5l3 8.5M16 8.2V19M22.5 10.5l-3 8.5", { ...outline, stroke: "#c07f2a", "stroke-width": 1.8 }),
    path(
      "M2.5 18.5h27c.8 0 1.2 1 .7 1.7l-3.7 5.3a3 3 0 0 1-2.4 1.2H7.9a3 3 0 0 1-2.4-1.2l-3.7-5.3c-.5-.7-.1-1.7.7-1.7z",
      { fill: "#c9873a" },
    ),
    path("M14 5.5c-.8-.9-.5-1.8.2-2.5M18.5 5.5c-.8-.9-.5-1.8.2-2.5", {
      ...outline,
      stroke: "#9aa0ab",
      "stroke-width": 1.5,
    }),
  );
}

function burger() {
  return icon(
    "burger",
    path("M4 14c0-5.5 5.4-8.5 12-8.5S28 8.5 28 14z", { fill: "#dd9a4c" }),
    path("M11 9.5h.1M16 8h.1M21 9.5h.1M18.5 11.3h.1M13.5 11.5h.1", {
      ...outline,
      stroke: "#fbe9c6",
      "stroke-width": 1.7,
    }),
    path(
      "M3.5 15.5h25c0 2.6-2.6 3-4.2 1.9-1.6 1.5-3.9 1.5-5.5 0-1.6 1.5-3.9 1.5-5.6 0-1.6 1.5-3.9 1.5-5.5 0-1.6 1.1-4.2.7-4.2-1.9z",
      { fill: "#6fae4e" },
    ),
    path("M4 19h24v1.5a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z", { fill: "#7a4630" }),
    path("M4.5 23.8h23c0 2.3-1.9 3.7-4 3.7h-15c-2.1 0-4-1.4-4-3.7z", { fill: "#dd9a4c" }),
  );
}

function chicken() {
  return icon(
    "chicken",
    path(
      "M28 8.5C28 3.5 22.5 1.5 18 4.5c-4 2.7-4.8 7-6.5 9.9-.7 1.2-.3 2.5.7 3.4l2 2c.9 1 2.2 1.4 3.4.7 2.9-1.7 7.4-2.5 9.6-6.1.6-1.7.8-4 .8-5.9z",
      { fill: "#d1803a" },
    ),
    path("M25 8c-.4-1.8-2.2-2.6-4-2", { ...outline, stroke: "#f0b070", "stroke-width": 1.8 }),
    path("M12.7 17.3l2 2-5.6 5.6c.4 1.6-.3 3.1-1.7 3.4-1.5.3-2.4-.8-2.3-2-1.3.1-2.4-.8-2-2.3.3-1.4 1.8-2 3.3-1.6z", {
      fill: "#f1e6d4",
      stroke: "#cdbfa6",
      "stroke-width": 1,
    }),
  );
}

function sun() {
  const rays = Array.from({ length: 8 }, (_, index) => {
    const angle = (index * Math.PI) / 4;
    const at = (radius) =>
      `${(16 + radius * Math.cos(angle)).toFixed(1)} ${(16 + radius * Math.sin(angle)).toFixed(1)}`;
    return `M${at(10.5)}L${at(13.5)}`;
  });
  return icon(
    "sunny",
    s("circle", { cx: 16, cy: 16, r: 7, fill: "var(--sun)" }),
    path(rays.join(""), { ...outline, stroke: "var(--sun)", "stroke-width": 2.4 }),
  );
}

function rain() {
  return icon(
    "rainy",
    path("M9 19.5a5.5 5.5 0 0 1-.3-11A7.5 7.5 0 0 1 23 9.8a5 5 0 0 1 .5 9.7z", { fill: "var(--rain)" }),
    path("M10.5 23l-1.5 4M16.5 23L15 27M22.5 23L21 27", { ...outline, stroke: "var(--rain)", "stroke-width": 2.2 }),
  );
}

export const DISHES = [
  { name: "apple pie", draw: pie },
  { name: "burger", draw: burger },
  { name: "chicken", draw: chicken },
];

export const WEATHER = [
  { name: "sunny", draw: sun },
  { name: "rainy", draw: rain },
];

const control = (d) => s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, path(d, { fill: "currentColor" }));

export const PLAY = () => control("M7 4.5v15l12.5-7.5z");
export const PAUSE = () => control("M6.5 5h4v14h-4zM13.5 5h4v14h-4z");
