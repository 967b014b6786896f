"use strict";
// Draws the charts of report.html from the JSON in the page. No library: lines, bands, axes and a hover line.
const data = JSON.parse(document.getElementById("data").textContent);
const NAMES = "http://www.w3.org/2000/svg";
const LEFT = 62, RIGHT = 12, TOP = 12, BOTTOM = 28;
const format = (v) => v === null ? "–" : v === 0 ? "0" : Math.abs(v) >= 1e6 || (v !== 0 && Math.abs(v) < 1e-3)
  ? v.toExponential(2) : v.toLocaleString("en", { maximumSignificantDigits: 5 });

function node(parent, name, attributes, text) {
  const made = document.createElementNS(NAMES, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function ticks(low, high, count = 6) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + 1e-9 * step; v += step) found.push(v);
  return found;
}

// Kinds of calendar boundary: how much of a date names one, how much of it lies above, the number there, round numbers.
const CALENDAR = [
  [16, 13, (t) => Number(t.slice(14, 16)), [1, 5, 15, 30]],
  [13, 10, (t) => Number(t.slice(11, 13)), [1, 3, 6, 12]],
  [10, 7, (t) => Number(t.slice(8, 10)) - 1, [1, 2, 4, 7, 14]],
  [7, 4, (t) => t[5] === "Q" ? 3 * (t[6] - 1) : Number(t.slice(5, 7)) - 1, [1, 3, 6]],
  [4, 0, (t) => Number(t.slice(0, 4)), [1, 2, 5, 10, 20, 50, 100]],
];

// Places on the x axis to name, at round dates or round numbers, and their names.
function places(x0, x1, labels, width) {
  const all = range(x0, x1 - x0 + 1), names = all.map(labels);
  if (/^\d{4}(-|$)/.test(names[0])) {
    for (const [size, above, number, rounds] of CALENDAR) {
      if (names[0].length < size) continue;
      const most = width / (9 * (size > 10 ? 11 : size) + 30);
      for (const round of rounds) {
        const last = above === 7 && round > 1 ? 27 : Infinity; // the month's odd days belong to its last part
        const period = names.map((t) => t.slice(0, above) + Math.floor(Math.min(number(t), last) / round));
        const found = all.filter((_, i) => i > 0 && period[i] !== period[i - 1]);
        if (found.length > 1 && found.length <= most) {
          return found.map((x) => [x, labels(x).slice(size > 10 ? 5 : 0, Math.max(size, size > 10 ? 16 : 0)).replace("T", " ")]);
        }
      }
    }
  }
  const long = names.reduce((a, b) => Math.max(a, b.length), 0), most = Math.max(1, Math.floor(width / (8 * long + 40)));
  return ticks(x0, x1, most).filter((x) => Number.isInteger(x) && x <= x1).map((x) => [x, labels(x).replace(/T.*/, "")]);
}

// layers: {kind: "line" | "band" | "points", x: [..], y: [..], high: [..], colour, opacity, width}
function chart(figure, layers, labels, describe) {
  figure.replaceChildren();
  const width = figure.clientWidth, height = figure.clientHeight;
  const svg = node(figure, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": figure.dataset.label });
  const xs = layers.flatMap((l) => l.x), known = (v) => v !== null;
  const ys = layers.flatMap((l) => (l.kind === "band" ? [] : l.y)).filter(known);
  const ends = layers.flatMap((l) => (l.kind === "band" ? [...l.y, ...l.high] : [])).filter(known);
  if (!ys.length) return;
  const reduce = (list, better) => list.reduce((a, b) => (better(b, a) ? b : a));
  const less = (a, b) => a < b, more = (a, b) => a > b;
  const x0 = reduce(xs, less), x1 = reduce(xs, more) || 1;
  let y0 = reduce(ys, less), y1 = reduce(ys, more);
  const most = y1 - y0 || Infinity; // a band that reaches further than this beyond the lines is cut at the edge
  if (ends.length) [y0, y1] = [Math.max(y0 - most, Math.min(y0, reduce(ends, less))), Math.min(y1 + most, Math.max(y1, reduce(ends, more)))];
  const flat = y1 - y0 <= 2e-4 * Math.abs(y1); // a change so small is not to fill the chart
  const room = flat ? Math.abs(y1) * 0.1 || 1 : (y1 - y0) * 0.05;
  y0 -= room; y1 += room;
  const X = (v) => LEFT + (v - x0) / (x1 - x0 || 1) * (width - LEFT - RIGHT);
  const Y = (v) => height - BOTTOM - (v - y0) / (y1 - y0) * (height - TOP - BOTTOM);
  const clip = `clip-${figure.id}`;
  node(node(svg, "clipPath", { id: clip }), "rect", { x: 0, y: TOP, width, height: height - TOP - BOTTOM });
  for (const v of ticks(y0, y1)) {
    node(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: Y(v), y2: Y(v), class: "grid" });
    node(svg, "text", { x: LEFT - 8, y: Y(v) + 4, "text-anchor": "end" }, format(v));
  }
  for (const [at, name] of places(x0, x1, labels, width - LEFT - RIGHT)) {
    const room = 3.5 * name.length, x = X(at); // half of the text
    node(svg, "text", { x: Math.min(Math.max(x, room), width - room), y: height - 8, "text-anchor": "middle" }, name);
  }
  for (const l of layers) {
    const points = l.x.map((x, i) => [X(x), l.y[i] === null ? null : Y(l.y[i])]);
    if (l.kind === "band") {
      const top = l.x.map((x, i) => `${X(x)},${Y(l.high[i])}`).reverse();
      node(svg, "polygon", { points: [...points.map((p) => p.join(",")), ...top].join(" "), fill: l.colour, opacity: l.opacity, "clip-path": `url(#${clip})` });
    } else if (l.kind === "points") {
      for (const [x, y] of points) node(svg, "circle", { cx: x, cy: y, r: 2, fill: l.colour, opacity: l.opacity });
    } else {
      let path = "", open = false;
      for (const [x, y] of points) {
        if (y === null) { open = false; continue; }
        path += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
        open = true;
      }
      node(svg, "path", { d: path, fill: "none", stroke: l.colour, "stroke-width": l.width || 1.8, opacity: l.opacity || 1 });
    }
  }
  const cursor = node(svg, "line", { y1: TOP, y2: height - BOTTOM, class: "cursor", visibility: "hidden" });
  const tip = document.createElement("div");
  tip.className = "tip";
  figure.appendChild(tip);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = Math.round(x0 + (event.clientX - box.left - LEFT) / (width - LEFT - RIGHT) * (x1 - x0));
    if (at < x0 || at > x1) return;
    cursor.setAttribute("x1", X(at)); cursor.setAttribute("x2", X(at)); cursor.setAttribute("visibility", "visible");
    tip.innerHTML = "";
    for (const line of describe(at)) tip.append(line.replace(/^(\d{4}-\d\d-\d\d)T/, "$1 "), document.createElement("br"));
    tip.style.display = "block";
    const left = X(at) > width / 2 ? X(at) - tip.offsetWidth - 12 : X(at) + 12; // beside what is pointed at
    tip.style.left = `${Math.max(0, Math.min(left, width - tip.offsetWidth))}px`;
    tip.style.top = `${TOP}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.style.display = "none"; cursor.setAttribute("visibility", "hidden"); });
}

const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);
const widest = [...data.levels].sort((a, b) => b - a);

function bands(held, at) {
  return widest.map((level, i) => ({
    kind: "band", x: range(at, held[level][0].length), y: held[level][0], high: held[level][1],
    colour: "var(--line-1)", opacity: 0.14 + 0.1 * i,
  }));
}

function drawFan(series) {
  const n = series.values.length, figure = document.getElementById("fan"), wide = figure.clientWidth > 500;
  const shown = Math.min(n, Math.max(wide ? 96 : 36, (wide ? 5 : 3) * series.mean.length)), from = n - shown;
  const label = (i) => i < n ? series.times[i] : series.future[i - n] ?? "";
  chart(figure, [
    ...bands(series.bands, n),
    { kind: "line", x: range(from, shown), y: series.values.slice(from), colour: "var(--ink)", width: 1.5 },
    { kind: "line", x: range(n - 1, series.mean.length + 1), y: [series.values[n - 1], ...series.mean], colour: "var(--line-1)", width: 2.2 },
  ], label, (i) => i < n ? [label(i), format(series.values[i])] : [label(i), `forecast ${format(series.mean[i - n])}`,
    ...[...widest].reverse().map((l) => `${l} %: ${format(series.bands[l][0][i - n])} to ${format(series.bands[l][1][i - n])}`)]);
}

function drawOrigins(series) {
  const figure = document.getElementById("origins");
  if (!figure || !series.origins.length) return;
  const n = series.values.length, horizon = series.mean.length, broken = new Set(series.breaks);
  const near = (p) => series.origins.some((o) => o.at - horizon <= p && p < o.at + horizon);
  const first = Math.max(0, Math.min(...series.origins.map((o) => o.at)) - horizon);
  const shown = range(first, n - first).filter((p) => !broken.size || near(p)); // far origins stand side by side
  const place = new Map(), line = { x: [], y: [] }, there = [];
  for (const [i, p] of shown.entries()) {
    if (i && (broken.has(p) || shown[i - 1] !== p - 1)) { line.x.push(there.length); line.y.push(null); there.push(p); }
    place.set(p, there.length);
    line.x.push(there.length); line.y.push(series.values[p]);
    there.push(p);
  }
  const known = (o) => Math.min(o.mean.length, n - o.at);
  const cut = (held, count) => Object.fromEntries(widest.map((l) => [l, held[l].map((side) => side.slice(0, count))]));
  chart(figure, [
    ...series.origins.flatMap((o) => bands(cut(o.bands, known(o)), place.get(o.at)).map((b) => ({ ...b, opacity: b.opacity / 2 }))),
    { kind: "line", ...line, colour: "var(--ink)", width: 1.4 },
    ...series.origins.map((o, i) => ({ kind: "line", x: range(place.get(o.at), known(o)), y: o.mean.slice(0, known(o)), colour: i % 2 ? "var(--line-2)" : "var(--line-3)" })),
  ], (x) => series.times[there[x]] ?? "", (x) => [series.times[there[x]], `came ${format(series.values[there[x]])}`,
    ...series.origins.filter((o) => o.at <= there[x] && there[x] < o.at + o.mean.length).map((o) => `from ${series.times[o.at - 1] ?? "the start"}: ${format(o.mean[there[x] - o.at])}`)]);
}

function drawHorizon() {
  const figure = document.getElementById("horizon");
  if (!figure) return;
  const names = Object.keys(data.byHorizon), order = [data.used, ...names.filter((n) => n !== data.used)].slice(0, 6);
  const colours = ["var(--line-1)", "var(--line-2)", "var(--line-3)", "var(--line-4)", "var(--line-5)", "var(--muted)"];
  const lines = order.map((name, i) => ({ kind: "line", x: range(1, data.byHorizon[name].length), y: data.byHorizon[name], colour: colours[i], width: i ? 1.4 : 2.6 }));
  chart(figure, lines, (h) => String(h), (h) => [`${h} ahead`, ...order.map((n) => `${n}: ${format(data.byHorizon[n][h - 1])}`)]);
  if (figure.nextElementSibling.id === "key") return; // drawn again for another width
  const key = document.createElement("figcaption");
  key.id = "key";
  order.forEach((name, i) => {
    const mark = document.createElement("span");
    mark.textContent = "● ";
    mark.style.color = colours[i];
    const entry = document.createElement("span");
    entry.className = "key";
    entry.append(mark, name);
    key.append(entry, " ");
  });
  figure.after(key);
}

function drawResiduals() {
  const figure = document.getElementById("residuals");
  if (!figure || !data.residuals.length) return;
  const x = data.residuals.map((r) => r[0]), y = data.residuals.map((r) => r[1]);
  const horizon = x.reduce((a, b) => Math.max(a, b));
  chart(figure, [
    { kind: "line", x: [1, Math.max(2, horizon)], y: [0, 0], colour: "var(--muted)", width: 1 },
    { kind: "points", x, y, colour: "var(--line-1)", opacity: 0.45 },
  ], (h) => String(h), (h) => {
    const at = y.filter((_, i) => x[i] === h);
    return [`${h} ahead`, `mean residual ${format(at.reduce((a, b) => a + b, 0) / (at.length || 1))}`];
  });
}

function drawPaths() {
  const figure = document.getElementById("paths");
  if (!figure) return;
  const { times, quantiles: q } = data.paths, x = range(0, times.length);
  const band = (low, high, opacity) => ({ kind: "band", x, y: q[low], high: q[high], colour: "var(--line-1)", opacity });
  chart(figure, [band(5, 95, 0.16), band(25, 75, 0.26), { kind: "line", x, y: q[50], colour: "var(--line-1)", width: 2.2 }],
    (i) => times[i], (i) => [times[i], `half below ${format(q[50][i])}`, `50 %: ${format(q[25][i])} to ${format(q[75][i])}`,
      `90 %: ${format(q[5][i])} to ${format(q[95][i])}`]);
}

function drawOverview() {
  const place = document.getElementById("overview");
  if (!place) return;
  const columns = [["name", "Series"], ["length", "Values"], ["last", "Last"], ["next", "Next"], ["mean", "Mean ahead"], ["error", "Backtest MASE"]];
  const charted = new Map(data.charts.map((c, i) => [c.name, i]));
  let key = "error", down = true;
  const search = document.getElementById("search");
  function render() {
    const wanted = search.value.toLowerCase();
    const rows = data.overview.filter((r) => r.name.toLowerCase().includes(wanted));
    rows.sort((a, b) => (typeof a[key] === "string" ? a[key].localeCompare(b[key]) : (a[key] ?? -1) - (b[key] ?? -1)) * (down ? -1 : 1));
    const table = document.createElement("table"), head = table.createTHead().insertRow(), body = table.createTBody();
    for (const [id, title] of columns) {
      const cell = document.createElement("th");
      cell.textContent = title + (id === key ? (down ? " ↓" : " ↑") : "");
      cell.onclick = () => { down = id === key ? !down : true; key = id; render(); };
      head.append(cell);
    }
    for (const r of rows.slice(0, 500)) {
      const row = body.insertRow();
      for (const [id] of columns) row.insertCell().textContent = typeof r[id] === "string" ? r[id] : format(r[id]);
      if (charted.has(r.name)) {
        row.className = "charted";
        row.cells[0].onclick = () => { choose.value = charted.get(r.name); show(); };
      }
    }
    place.replaceChildren(table);
  }
  search.oninput = render;
  render();
}

const choose = document.getElementById("choose");
if (choose) {
  data.charts.forEach((c, i) => choose.append(new Option(c.name, i)));
  choose.onchange = () => show();
}
function show() {
  const series = data.charts[choose ? Number(choose.value) : 0];
  drawFan(series);
  drawOrigins(series);
}
show();
drawHorizon();
drawResiduals();
drawPaths();
drawOverview();
addEventListener("resize", () => { show(); drawHorizon(); drawResiduals(); drawPaths(); });
