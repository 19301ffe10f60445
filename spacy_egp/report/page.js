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
  for (const table of document.querySelectorAll("table.examples")) {
    unfold(table);
    const isEmpty = [...table.tBodies[0].rows].every((row) => row.hidden);
    table.hidden = isEmpty;
    table.parentElement.querySelector(".none").hidden = !isEmpty;
  }
}

// Long lists are folded until somebody wants to see them or filters them.

function unfold(table) {
  table.classList.remove("folded");
  table.parentElement.querySelector(".more").hidden = true;
}

for (const table of document.querySelectorAll("table.examples")) {
  const more = table.parentElement.querySelector(".more");
  const nRows = table.tBodies[0].rows.length;
  if (nRows > 10) {
    table.classList.add("folded");
    more.hidden = false;
    more.textContent = `Show all ${nRows}`;
    more.addEventListener("click", () => unfold(table));
  }
}

const labelFilter = document.getElementById("label-filter");
labelFilter.addEventListener("change", () => filterRows(labelFilter.value));

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
