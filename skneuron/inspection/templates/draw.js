// The page: a pad, what the network sees, its layers, and its answers.
const model = JSON.parse(document.getElementById("model").textContent);
const at = (id) => document.getElementById(id);
const made = (tag, parent, properties = {}) =>
  parent.appendChild(Object.assign(document.createElement(tag), properties));
const percent = (p) => (100 * p).toFixed(1) + "%";

for (const layer of model.layers)
  for (const name of ["weights", "intercepts"]) layer[name] = unpacked(layer[name]);
for (const step of model.steps)
  for (const name of ["centre", "scale"]) step[name] = unpacked(step[name]);
model.frame = framed(model.frame);
const [rows, columns] = model.frame.shape, { examples } = model;
const nFeatures = rows * columns, images = examples && unpacked(examples.pixels);

// Red for positive numbers, blue for negative ones, white for 0; the ends are 1 and -1.
function colour(value) {
  const end = value > 0 ? [178, 24, 43] : [33, 102, 172], t = Math.min(Math.abs(value), 1);
  return end.map((c) => Math.round(255 + t * (c - 255)));
}

function paint(canvas, width, height, values, colourOf) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  image.data.fill(255);
  values.forEach((value, i) => image.data.set(colourOf(value), 4 * i));
  context.putImageData(image, 0, 0);
}

// --- layers ---------------------------------------------------------------------------

function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
}

const names = model.outputs.map((_, i) => `output ${i}`);
// A logit's name: its class, of two the second; of several labels its output.
const logitNames = model.multilabel
  ? names
  : model.outputs.flatMap((classes) => (classes.length === 2 ? [classes[1]] : classes));

const layers = model.layers.map(({ weights, intercepts }, k) => {
  const n = intercepts.length, last = k === model.layers.length - 1;
  const box = made("details", at("layers"), { open: true });
  const name = last ? "Output layer" : `Hidden layer ${k + 1}`;
  const kind = last ? "" : `, ${model.activation}`;
  made("summary", box, { textContent: `${name}: ${n} neuron${n > 1 ? "s" : ""}${kind}` });
  const text = made("p", box, { className: "note" });
  const grid = made("div", box, { className: "neurons" });
  grid.setAttribute("aria-hidden", "true"); // the text says what is worth saying
  const nIn = weights.length / n;
  const width = k ? Math.ceil(Math.sqrt(nIn)) : columns;
  const height = k ? Math.ceil(nIn / width) : rows;
  const neurons = Array.from({ length: n }, (_, j) => {
    const cell = made("div", grid, { className: "neuron" });
    const own = Array.from({ length: nIn }, (_, i) => weights[i * n + j]);
    const most = largest(own);
    paint(made("canvas", cell), width, height, own, (w) => colour(w / most));
    const label = last ? logitNames[j] : String(j + 1);
    if (last) made("b", cell, { textContent: label });
    return { cell, label, value: made("div", cell, { className: "numbers" }) };
  });
  return { text, neurons, last };
});

function light({ text, neurons, last }, z) {
  const bounded = !last && ["logistic", "tanh"].includes(model.activation);
  const most = bounded ? 1 : largest(z);
  neurons.forEach(({ cell, label, value }, j) => {
    const rgb = colour((0.75 * z[j]) / most);
    cell.style.background = `rgb(${rgb})`;
    cell.style.borderColor = `rgb(${colour((1.2 * z[j]) / most)})`;
    value.textContent = z[j].toFixed(2);
    cell.style.color = rgb[1] < 120 ? "#fff" : "#1a1a1a";
    cell.title = `${last ? "logit of" : "neuron"} ${label}: ${z[j]}`;
  });
  const order = [...z.keys()].sort((a, b) => z[b] - z[a]).slice(0, 3);
  const listed = order.map((j) => `${neurons[j].label} (${z[j].toFixed(2)})`).join(", ");
  const what = last ? "Highest logits" : "Most active";
  text.textContent = `${what}: ${listed}.`;
}

// --- answers --------------------------------------------------------------------------

// A table of (label, place among the probabilities); its guesses are those labels.
const tables = [];
{
  let start = 0;
  const starts = model.outputs.map((classes) => (start += classes.length) - classes.length);
  if (model.multilabel)
    tables.push({ title: "Labels", labels: names, places: starts.map((of) => of + 1) });
  else
    model.outputs.forEach((labels, i) => {
      const title = names.length > 1 ? names[i] : "";
      tables.push({ title, labels, places: labels.map((_, j) => starts[i] + j) });
    });
}
for (const table of tables) {
  if (table.title) made("h2", at("answers"), { textContent: table.title });
  table.guess = made("p", at("answers"), { className: "guess" });
  const body = made("tbody", made("table", at("answers"), { className: "numbers" }));
  table.rows = table.labels.map((label) => {
    const row = made("tr", body), head = made("th", row, { textContent: label });
    head.scope = "row";
    const bar = made("i", made("div", made("td", row), { className: "bar" }));
    bar.parentNode.setAttribute("aria-hidden", "true");
    return { row, bar, text: made("td", row) };
  });
}

function answer(probabilities) {
  return tables.map(({ title, labels, places, guess, rows }) => {
    const p = places.map((place) => probabilities[place]);
    const order = [...p.keys()].sort((a, b) => p[b] - p[a]);
    const chosen = model.multilabel ? order.filter((i) => p[i] > 0.5) : order.slice(0, 1);
    rows.forEach(({ row, bar, text }, i) => {
      row.className = chosen.includes(i) ? "first" : "";
      row.dataset.probability = p[i];
      bar.style.width = 100 * p[i] + "%";
      text.textContent = percent(p[i]);
    });
    guess.replaceChildren();
    const told = (i) => `${labels[i]} (${percent(p[i])})`;
    const lead = model.multilabel ? "Likelier than not: " : "First guess: ";
    const first = model.multilabel ? chosen.map(told).join(", ") || "none" : told(order[0]);
    guess.append(lead);
    made("strong", guess, { textContent: first });
    let second = "";
    if (!model.multilabel && order.length > 1) {
      second = `Second guess: ${told(order[1])}`;
      made("br", guess);
      guess.append(second);
    }
    return `${title ? title + ". " : ""}${lead}${first}. ${second}`;
  });
}

// --- what is shown --------------------------------------------------------------------

let strokes = [], example = null, timer = 0;

function say(words) { // once, when nothing has changed for a while
  clearTimeout(timer);
  timer = setTimeout(() => (at("said").textContent = words), 600);
}

function show() {
  const drawn = example === null;
  const x = drawn
    ? features(strokes, model.frame)
    : images.slice(example * nFeatures, (example + 1) * nFeatures);
  const { paper, ink } = model.frame;
  const grey = (value) => {
    const share = (value - paper) / (ink - paper || 1);
    return Array(3).fill(Math.round(255 * (1 - Math.min(Math.max(share, 0), 1))));
  };
  paint(at("seen"), columns, rows, x, grey);
  at("pixels").textContent = `${rows} by ${columns} pixels`;
  const { activations, logits, probabilities } = forward(model, x);
  [...activations.slice(1), logits].forEach((z, k) => light(layers[k], z));
  let words = answer(probabilities).join(" ");
  if (examples) {
    const n = example + 1, label = examples.labels && examples.labels[example];
    const which = drawn ? "none" : `${n} of ${examples.n}` + (label ? `, labelled ${label}` : "");
    at("which").textContent = which;
    at("slider").setAttribute("aria-valuetext", which);
  }
  const empty = drawn && !strokes.length;
  const source = drawn ? "your drawing" : `example ${example + 1}`;
  at("seen").setAttribute("aria-label", `${rows} by ${columns} pixels of ${source}`);
  say(empty ? "The pad is empty." : words);
  draw();
}

// --- the pad --------------------------------------------------------------------------

const pad = at("pad"), SIZE = 280, pen = { x: SIZE / 2, y: SIZE / 2, down: false };

function draw() {
  const context = pad.getContext("2d"), k = pad.width / SIZE;
  context.setTransform(k, 0, 0, k, 0, 0);
  context.clearRect(0, 0, SIZE, SIZE);
  if (!strokes.length) {
    context.fillStyle = "#767676";
    context.font = "18px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("Draw here", SIZE / 2, SIZE / 2);
  }
  Object.assign(context, { lineWidth: 16, lineCap: "round", lineJoin: "round" });
  context.strokeStyle = "#1a1a1a";
  for (const stroke of strokes) {
    context.beginPath();
    stroke.concat([stroke[0]].slice(stroke.length - 1)).forEach(([x, y], i) =>
      i ? context.lineTo(x, y) : context.moveTo(x, y));
    context.stroke();
  }
  if (document.activeElement === pad && pad.matches(":focus-visible")) {
    context.strokeStyle = "#e08214";
    context.lineWidth = pen.down ? 6 : 3;
    context.beginPath();
    context.arc(pen.x, pen.y, 11, 0, 2 * Math.PI);
    context.stroke();
  }
}

let waiting = false;
function changed() { // at most once for what the screen shows
  example = null;
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    show();
  });
}

function place(event) {
  const { left, top, width, height } = pad.getBoundingClientRect();
  const inside = (share) => SIZE * Math.min(Math.max(share, 0), 1);
  return [inside((event.clientX - left) / width), inside((event.clientY - top) / height)];
}

let pointer = null;
pad.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button) return;
  pointer = event.pointerId;
  pad.setPointerCapture(pointer);
  pen.down = false;
  strokes.push([place(event)]);
  changed();
});
pad.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const each of events.length ? events : [event]) lastOf(strokes).push(place(each));
  changed();
});
for (const name of ["pointerup", "pointercancel"])
  pad.addEventListener(name, (event) => {
    if (event.pointerId === pointer) pointer = null;
  });

function clear() {
  strokes = [];
  pen.down = false;
  pointer = null;
  changed();
}
function undo() {
  strokes.pop();
  pen.down = false;
  pointer = null;
  changed();
}
at("clear").addEventListener("click", clear);
at("undo").addEventListener("click", undo);

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
pad.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in MOVES) {
    const [dx, dy] = MOVES[event.key].map((d) => d * (event.shiftKey ? 40 : 10));
    const inside = (at) => Math.min(Math.max(at, 0), SIZE);
    [pen.x, pen.y] = [inside(pen.x + dx), inside(pen.y + dy)];
    if (pen.down) lastOf(strokes).push([pen.x, pen.y]);
    if (pen.down) changed();
    else draw();
  } else if (event.key === " " || event.key === "Enter") {
    pen.down = !pen.down;
    if (pen.down) {
      strokes.push([[pen.x, pen.y]]);
      changed();
    } else draw();
    at("said").textContent = pen.down ? "Pen down." : "Pen up.";
  } else if (event.key === "Backspace") undo();
  else if (event.key === "Delete" || event.key === "Escape") clear();
  else return;
  event.preventDefault();
});
for (const name of ["focus", "blur"]) pad.addEventListener(name, draw);

// --- examples -------------------------------------------------------------------------

if (examples) {
  at("examples").hidden = false;
  at("slider").max = examples.n;
  for (const name of ["input", "click"]) // a click: the same example again
    at("slider").addEventListener(name, () => {
      strokes = [];
      pen.down = false;
      example = Number(at("slider").value) - 1;
      show();
    });
  example = 0;
}
show();
