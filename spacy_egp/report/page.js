"use strict";

// Sortable tables: a button in each header cell.

function sortValue(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
}

function compare(a, b) {
  return typeof a === "number" ? a - b : a.localeCompare(b);
}

function sortTable(header) {
  const table = header.closest("table");
  const isText = header.classList.contains("text");
  const first = isText ? "ascending" : "descending";
  const second = isText ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? second : first;
  for (const other of header.parentElement.cells) {
    if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  }
  header.setAttribute("aria-sort", order);
  const body = table.tBodies[0];
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...body.rows].sort(
    (a, b) => sign * compare(sortValue(a, header.cellIndex), sortValue(b, header.cellIndex))
  );
  body.append(...rows);
}

for (const button of document.querySelectorAll("th[aria-sort] button")) {
  button.addEventListener("click", () => sortTable(button.closest("th")));
}

// The label filter hides rows of other labels.

function filterRows(label) {
  for (const row of document.querySelectorAll("tr[data-labels]")) {
    row.hidden = label !== "" && !JSON.parse(row.dataset.labels).includes(Number(label));
  }
  document.querySelectorAll("table[data-shown]").forEach(unfold);
  for (const table of document.querySelectorAll("table.examples")) {
    const isEmpty = [...table.tBodies[0].rows].every((row) => row.hidden);
    table.hidden = isEmpty;
    table.closest("section").querySelector(".none").hidden = !isEmpty;
  }
}

// Long lists are folded until somebody wants to see them or filters them.

function unfold(table) {
  if (!table.classList.contains("folded")) return;
  table.classList.remove("folded");
  table.parentElement.nextElementSibling.remove();
}

for (const table of document.querySelectorAll("table[data-shown]")) {
  const nRows = table.tBodies[0].rows.length;
  if (nRows > Number(table.dataset.shown)) {
    const more = document.createElement("button");
    more.type = "button";
    more.className = "more";
    more.textContent = `Show all ${nRows}`;
    more.addEventListener("click", () => unfold(table));
    table.classList.add("folded");
    table.parentElement.after(more);
  }
}

// A link to a folded section opens it.
for (const link of document.querySelectorAll("nav a")) {
  const folded = document.querySelector(`${link.hash} > details`);
  if (folded) link.addEventListener("click", () => (folded.open = true));
}

const labelFilter = document.getElementById("label-filter");
labelFilter.addEventListener("change", () => filterRows(labelFilter.value));

// The spans of a context: bars below their words, each line of text for itself, with a tag on each line.

const LANE = 17;
const GAP = 4;

function middle(rect) {
  return (rect.top + rect.bottom) / 2;
}

function findLines(tokens) {
  const lines = [];
  for (const token of tokens) {
    for (const { top, bottom } of token.getClientRects()) {
      const last = lines.at(-1);
      if (!last || top > middle(last)) lines.push({ top, bottom, lanes: [] });
    }
    if (lines.length) lines.at(-1).token = token;
  }
  return lines;
}

// Where a span is on a line, from left to right: text of both directions can come between its words.
function findBars(range, line) {
  const bars = [];
  const rects = [...range.getClientRects()].filter(
    (rect) => rect.width && middle(rect) > line.top && middle(rect) < line.bottom
  );
  for (const { left, right } of rects.sort((a, b) => a.left - b.left)) {
    const last = bars.at(-1);
    if (last && left < last.right + 1) last.right = Math.max(last.right, right);
    else bars.push({ left, right });
  }
  return bars;
}

function findLane(lanes, left, right) {
  const isFree = (lane) => lane.every((one) => right + GAP <= one.left || one.right + GAP <= left);
  let k = lanes.findIndex(isFree);
  if (k < 0) k = lanes.push([]) - 1;
  lanes[k].push({ left, right });
  return k;
}

function addMark(name, kind, marks) {
  const mark = document.createElement(name);
  mark.className = kind;
  marks.append(mark);
  return mark;
}

function drawSpans(context) {
  const tokens = [...context.querySelectorAll("span")];
  context.querySelector(".marks")?.remove();
  for (const token of tokens) token.classList.remove("last");
  const marks = addMark("div", "marks", context);
  const isRtl = getComputedStyle(context).direction === "rtl";
  const box = context.getBoundingClientRect();
  const lines = findLines(tokens);
  const pieces = [];
  const range = document.createRange();
  for (const [kind, name, first, beyond] of JSON.parse(context.dataset.spans)) {
    range.setStartBefore(tokens[first]);
    range.setEndAfter(tokens[beyond - 1]);
    let isContinued = false;
    for (const line of lines) {
      const bars = findBars(range, line);
      if (!bars.length) continue;
      const tag = addMark("b", kind, marks);
      tag.textContent = isContinued ? `… ${name}` : name;
      pieces.push({ kind, line, bars, tag });
      isContinued = true;
    }
  }
  for (const piece of pieces) piece.width = piece.tag.offsetWidth;
  for (const piece of pieces) {
    const { bars, width } = piece;
    const [start, end] = [bars[0].left, bars.at(-1).right];
    piece.left = isRtl ? Math.max(end - width, box.left) : Math.max(Math.min(start, box.right - width), box.left);
    const reach = [Math.min(start, piece.left), Math.max(end, piece.left + width)];
    piece.lane = findLane(piece.line.lanes, ...reach);
  }
  // A line is as high as its lanes are.
  for (const { token, lanes } of lines) {
    token.classList.add("last");
    token.style.setProperty("--room", `${lanes.length * LANE + GAP}px`);
  }
  const top = context.getBoundingClientRect().top;
  findLines(tokens).forEach(({ bottom }, i) => (lines[i].bottom = bottom - top));
  for (const { kind, line, bars, tag, left, lane } of pieces) {
    tag.style.left = `${left - box.left}px`;
    tag.style.top = `${line.bottom + lane * LANE}px`;
    for (const bar of bars) {
      const { style } = addMark("i", kind, marks);
      style.left = `${bar.left - box.left}px`;
      style.width = `${bar.right - bar.left}px`;
      style.top = tag.style.top;
    }
  }
}

// Contexts are drawn when they are seen, and when their width changes.
const widths = new Map();
const observer = new ResizeObserver((entries) =>
  requestAnimationFrame(() => {
    for (const { target, contentRect } of entries) {
      if (contentRect.width && contentRect.width !== widths.get(target)) drawSpans(target);
      widths.set(target, contentRect.width);
    }
  })
);
for (const context of document.querySelectorAll(".spans")) observer.observe(context);

// The score matrix.

const SCALE = 256;
const CELL = 15;
const MARGIN = 96;
const LARGEST = 8;
const heatmaps = JSON.parse(document.getElementById("heatmaps").textContent);
const sentenceChoice = document.getElementById("matrix-sentence");
const labelChoice = document.getElementById("matrix-label");
const canvas = document.getElementById("matrix-canvas");
const readout = document.getElementById("matrix-cell");
let heatmap, scores, gold, predicted, cell;

function addOptions(choice, names) {
  choice.replaceChildren(...names.map((name, i) => new Option(name, i)));
}

function key(start, end) {
  return start * heatmap.tokens.length + end;
}

function cellsOf(spans) {
  const label = Number(labelChoice.value);
  return new Set(spans.filter((span) => span[2] === label).map(([start, end]) => key(start, end)));
}

function textOf(start, end) {
  const { tokens, spaces } = heatmap;
  return tokens.slice(start, end).map((token, i) => token + (spaces[start + i] ? " " : "")).join("");
}

function score(start, end) {
  const n = heatmap.tokens.length;
  return scores[start * n - (start * (start - 1)) / 2 + end - start] / SCALE;
}

function chooseSentence() {
  heatmap = heatmaps[sentenceChoice.value];
  addOptions(labelChoice, heatmap.labels);
  labelChoice.value = heatmap.gold[0]?.[2] ?? 0;
  chooseLabel();
}

function chooseLabel() {
  const bytes = Uint8Array.from(atob(heatmap.scores[labelChoice.value]), (c) => c.charCodeAt(0));
  scores = new Int16Array(bytes.buffer);
  const label = Number(labelChoice.value);
  gold = cellsOf(heatmap.gold);
  predicted = cellsOf(heatmap.predicted);
  const spans = [...heatmap.gold, ...heatmap.predicted];
  const [start, end] = spans.find((span) => span[2] === label) ?? [0, 0];
  chooseCell(start, end);
}

function chooseCell(start, end) {
  const n = heatmap.tokens.length;
  if (start < 0 || end >= n || start > end) return;
  cell = [start, end];
  const value = score(start, end);
  const probability = 1 / (1 + Math.exp(-value));
  const parts = [
    `“${textOf(start, end + 1).trim()}”`,
    `score ${value.toFixed(2)}`,
    `probability ${probability.toFixed(3)}`,
  ];
  if (gold.has(key(start, end))) parts.push("gold");
  if (predicted.has(key(start, end))) parts.push("predicted");
  readout.textContent = parts.join(" · ");
  draw();
}

function shorten(token) {
  return token.length > 12 ? `${token.slice(0, 11)}…` : token;
}

function draw() {
  const style = getComputedStyle(canvas);
  const color = (name) => style.getPropertyValue(`--${name}`);
  const { tokens } = heatmap;
  const n = tokens.length;
  const size = MARGIN + n * CELL + 2;
  const ratio = window.devicePixelRatio;
  canvas.width = canvas.height = size * ratio;
  canvas.style.width = canvas.style.height = `${size}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = `11px ${style.fontFamily}`;
  context.textBaseline = "middle";

  const at = (i) => MARGIN + i * CELL;
  for (let start = 0; start < n; start++) {
    for (let end = start; end < n; end++) {
      const share = Math.min(Math.max(score(start, end) / LARGEST, -1), 1) / 2 + 0.5;
      context.globalAlpha = 0.04 + 0.96 * share ** 1.5;
      context.fillStyle = color("accent");
      context.fillRect(at(end), at(start), CELL - 1, CELL - 1);
      context.globalAlpha = 1;
      if (predicted.has(key(start, end))) {
        context.fillStyle = color("card");
        context.beginPath();
        context.arc(at(end) + CELL / 2 - 0.5, at(start) + CELL / 2 - 0.5, 2.5, 0, 7);
        context.fill();
      }
    }
    context.fillStyle = color(start === cell[0] ? "ink" : "muted");
    context.textAlign = "right";
    context.fillText(shorten(tokens[start]), at(start) - 4, at(start) + CELL / 2);
    context.fillStyle = color(start === cell[1] ? "ink" : "muted");
    context.textAlign = "left";
    context.save();
    context.translate(at(start) + CELL / 2, MARGIN - 5);
    context.rotate(-Math.PI / 2);
    context.fillText(shorten(tokens[start]), 0, 0);
    context.restore();
  }
  context.lineWidth = 2;
  context.strokeStyle = color("gold");
  for (const one of gold) {
    const [start, end] = [Math.floor(one / n), one % n];
    context.strokeRect(at(end) - 0.5, at(start) - 0.5, CELL, CELL);
  }
  context.strokeStyle = color("ink");
  context.strokeRect(at(cell[1]) - 2.5, at(cell[0]) - 2.5, CELL + 4, CELL + 4);
}

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

if (heatmaps.length) {
  canvas.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    chooseCell(cell[0] + step[0], cell[1] + step[1]);
  });
  canvas.addEventListener("pointermove", (event) => {
    const index = (offset) => Math.floor((offset - MARGIN) / CELL);
    chooseCell(index(event.offsetY), index(event.offsetX));
  });
  sentenceChoice.addEventListener("change", chooseSentence);
  labelChoice.addEventListener("change", chooseLabel);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  const beginnings = heatmaps.map((one) => {
    heatmap = one;
    return `${textOf(0, 10).trim()}${one.tokens.length > 10 ? " …" : ""}`;
  });
  addOptions(sentenceChoice, beginnings);
  chooseSentence();
}
