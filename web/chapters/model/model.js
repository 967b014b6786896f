// Chapter 4: your model. Open a .latch file, or one of those that come with the page, and look inside while it works.

import { FileError, readLatch } from "latchwork/engine/latch.js";
import { networkOf } from "latchwork/engine/network.js";
import { loadBytes } from "latchwork/data.js";
import { h } from "latchwork/draw/dom.js";
import { mountDigits } from "latchwork/chapters/model/digits.js";
import { mountForecast } from "latchwork/chapters/model/forecast.js";
import { mountInside } from "latchwork/chapters/model/inside.js";
import { mountNumbers } from "latchwork/chapters/model/numbers.js";
import { mountSeries } from "latchwork/chapters/model/series.js";
import { mountText } from "latchwork/chapters/model/text.js";

const GALLERY = [
  { file: "digits.latch", label: "Handwritten digits" },
  { file: "airline-LSTM.latch", label: "Airline passengers" },
  { file: "forecast.latch", label: "A saved forecast" },
  { file: "letters.latch", label: "Shakespeare, letter by letter" },
];

/** Build the chapter's figures inside `root`. */
export async function mountModel(root) {
  const input = h("input", {
    type: "file",
    accept: ".latch",
    class: "file",
    id: "model-file",
    onchange: () => input.files[0] && openFile(input.files[0]),
  });
  const gallery = h(
    "div",
    { class: "row gallery" },
    GALLERY.map(({ file, label }) =>
      h("button", { class: "button", type: "button", onclick: () => openShipped(file, label) }, label),
    ),
  );
  const zone = h(
    "div",
    { class: "drop" },
    h(
      "label",
      { for: "model-file" },
      h("strong", {}, "Drop a .latch file here"),
      h("span", {}, "or choose one from this machine"),
      input,
    ),
    h("div", { class: "or" }, "or look into one of these"),
    gallery,
  );
  const problem = h("p", { class: "error", role: "alert", hidden: "" });
  const card = h("div", { class: "model-card" });
  const workplace = h("div", { class: "workplace" });
  root.append(h("div", { class: "stage" }, zone, problem, card), workplace);

  for (const name of ["dragenter", "dragover"])
    root.addEventListener(name, (event) => (event.preventDefault(), zone.classList.add("over")));
  for (const name of ["dragleave", "drop"])
    root.addEventListener(name, (event) => (event.preventDefault(), zone.classList.remove("over")));
  root.addEventListener("drop", (event) => event.dataTransfer.files[0] && openFile(event.dataTransfer.files[0]));

  let turns = 0;
  const opened = document.getElementById("opened");
  if (opened) await open(opened.textContent.trim(), () => loadBytes("model.latch"));
  else await openShipped(GALLERY[0].file, GALLERY[0].label);

  function openFile(file) {
    return open(file.name, () => file.arrayBuffer());
  }

  function openShipped(file, label) {
    return open(label, () => loadBytes(file));
  }

  async function open(name, read) {
    problem.hidden = true;
    const turn = (turns += 1);
    const latest = () => turn === turns; // what was chosen last is shown, however long the others take
    try {
      const latch = readLatch(await read());
      const network = latch.document.job === "forecasting" ? null : networkOf(latch);
      if (latest()) await show({ name, ...latch, network }, latest);
      [...gallery.children].forEach((button) => button.setAttribute("aria-pressed", button.textContent === name));
    } catch (error) {
      if (!latest()) return;
      // Whole, and yet not what this page knows: a file made by hand, or of a job that is newer than the page.
      const said = error instanceof FileError ? error.message : `This page cannot show it (${error.message}).`;
      problem.textContent = `${name}: ${said}`;
      problem.hidden = false;
    } finally {
      if (latest()) root.dataset.opened = name;
    }
  }

  async function show(model, latest) {
    const stage = h("div", { class: "stage" });
    const inside = h("div", { class: "stage" });
    await panelFor(model)(stage, model, mountInside(inside, model));
    if (!latest()) return;
    card.replaceChildren(...describe(model));
    workplace.replaceChildren(stage, inside);
  }
}

// What a model is shown with, by what it was made for.
function panelFor({ document, name }) {
  if (document.job === "forecasting") return mountForecast;
  const shape = document.network.input_shape ?? [];
  if (document.job === "classification" && shape[0] === 28 && shape[1] === 28) return mountDigits;
  if (document.fitted?.vocabulary) return mountText;
  if (name === "Airline passengers") return mountSeries;
  return mountNumbers;
}

function describe({ name, document, tensors }) {
  if (document.job === "forecasting") return [h("h3", {}, name), h("p", { class: "note" }, aboutForecast(document))];
  const count = Object.entries(tensors)
    .filter(([key]) => key.startsWith("network."))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
  return [
    h("h3", {}, name),
    h(
      "p",
      { class: "note" },
      `${document.network.layers.map(layerText).join(" → ")}. ${count.toLocaleString("en")} numbers, all learned.`,
    ),
  ];
}

function aboutForecast({ fitted }) {
  const { names, frequency, target } = fitted.panel;
  const many = names.length === 1 ? "One series" : `${names.length.toLocaleString("en")} series`;
  return `${many} of ${target}, ${frequency.name}, forecast ${fitted.horizon} steps ahead.`;
}

function layerText({ kind, units, layer, rate, tokens }) {
  if (kind === "Bidirectional") return `both ways ${layerText(layer)}`;
  return `${kind}${tokens ? ` of ${tokens} tokens,` : ""}${units ? ` ${units}` : ""}${rate ? ` ${rate}` : ""}`;
}
