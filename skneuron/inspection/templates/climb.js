// The page: the controls, and three pictures of the climb.
const problem = JSON.parse(document.getElementById("model").textContent);
const at = (id) => document.getElementById(id);
const COLOURS = [[33, 102, 172], [178, 24, 43], [27, 120, 55], [224, 130, 20],
  [118, 42, 131], [90, 90, 90], [1, 133, 113], [166, 97, 26]];
const colourOf = (code) => COLOURS[code % COLOURS.length];
const mixed = (rgb, t) => rgb.map((c) => Math.round(255 + t * (c - 255)));
const short = (number) => String(Number(number.toPrecision(4)));

let state = begin(problem), climb = [state], before = [], rate = problem.rate, timer = 0;

// --- pictures -------------------------------------------------------------------------

// A canvas as a map: from coordinates to its dots, an image of cells, and axes.
function map(canvas, [x0, x1], [y0, y1], margin) {
  const { width, height } = canvas, context = canvas.getContext("2d");
  const [left, top, right, bottom] = margin;
  const across = width - left - right, down = height - top - bottom;
  const X = (x) => left + (across * (x - x0)) / (x1 - x0);
  const Y = (y) => top + (down * (y1 - y)) / (y1 - y0);
  context.clearRect(0, 0, width, height);
  return { context, X, Y,
    cells(n, colour) {
      const image = new ImageData(n, n), small = document.createElement("canvas");
      small.width = small.height = n;
      for (let i = 0; i < n * n; i++) {
        const x = x0 + ((x1 - x0) * ((i % n) + 0.5)) / n;
        const y = y1 - ((y1 - y0) * (Math.floor(i / n) + 0.5)) / n;
        image.data.set([...colour(x, y), 255], 4 * i);
      }
      small.getContext("2d").putImageData(image, 0, 0);
      context.drawImage(small, left, top, across, down);
    },
    line(points, style, width, dots) {
      Object.assign(context, { strokeStyle: style, fillStyle: style, lineWidth: width });
      context.save();
      context.beginPath();
      context.rect(left, top - 4, across + 4, down + 8);
      context.clip();
      context.beginPath();
      for (const [x, y] of points) context.lineTo(X(x), Y(y));
      context.stroke();
      if (dots) for (const [x, y] of points) {
        context.beginPath();
        context.arc(X(x), Y(y), dots, 0, 2 * Math.PI);
        context.fill();
      }
      context.restore();
    },
    axes(xLabel, yLabel) {
      Object.assign(context, { strokeStyle: "#767676", lineWidth: 2, fillStyle: "#1a1a1a" });
      context.font = "24px system-ui, sans-serif";
      context.strokeRect(left, top, across, down);
      context.textAlign = "center";
      for (const x of ticks(x0, x1)) context.fillText(short(x), X(x), height - bottom + 30);
      context.fillText(xLabel, left + across / 2, height - 10);
      context.textAlign = "right";
      for (const y of ticks(y0, y1)) context.fillText(short(y), left - 8, Y(y) + 8);
      context.save();
      context.translate(24, top + down / 2);
      context.rotate(-Math.PI / 2);
      context.textAlign = "center";
      context.fillText(yLabel, 0, 0);
      context.restore();
    } };
}

function ticks(low, high) {
  const rough = (high - low) / 4, unit = 10 ** Math.floor(Math.log10(rough));
  const size = unit * [1, 2, 5, 10].find((k) => k * unit >= rough), found = [];
  for (let i = Math.ceil(low / size); i * size <= high; i++) found.push(i * size);
  return found;
}

const MARGIN = [110, 16, 16, 76];

function drawCurve() {
  const curves = [...before, { rate, values: climb.map((of) => of.logLikelihood) }];
  const all = curves.flatMap(({ values }) => values).filter(Number.isFinite);
  const start = climb[0].logLikelihood, most = all.reduce((a, b) => Math.max(a, b));
  const least = all.reduce((a, b) => Math.min(a, b));
  // A climb that falls leaves the picture, so that the others stay readable.
  const bottom = most > start ? Math.max(least, start - (most - start)) : least;
  const room = 0.06 * (most - bottom) || 1;
  const n = Math.max(20, ...curves.map(({ values }) => values.length - 1));
  const picture = map(at("curve"), [0, n], [bottom - room, most + room], MARGIN);
  curves.forEach(({ rate, values }, i) => {
    const now = i === curves.length - 1, points = values.map((value, k) => [k, value]);
    picture.line(points, now ? "#2166ac" : "#b0b0b0", now ? 5 : 3, now && n < 80 ? 6 : 0);
    if (now) return;
    const { context, X, Y } = picture, last = lastOf(points);
    context.fillStyle = "#666";
    context.font = "22px system-ui, sans-serif";
    context.textAlign = "right";
    const y = Math.min(Math.max(Y(last[1]) - 8, 40), 540);
    context.fillText(`rate ${short(rate)}`, Math.max(X(last[0]), 230), y);
  });
  picture.axes("step", "log-likelihood (nats)");
  at("curve").setAttribute("aria-label",
    `The log-likelihood after each of ${state.nSteps} steps, from ${short(start)} to ` +
    `${short(state.logLikelihood)}.`);
}

// The window of the hill, and its heights: computed anew when the climb leaves it.
let hill = null;
function surveyed() {
  const path = climb.map(({ theta }) => theta);
  const centre = [0, 1].map((k) => (problem.top[k] + problem.start[k]) / 2);
  const far = [problem.top, ...path].map((p) => Math.max(...p.map((v, k) => Math.abs(v - centre[k]))));
  const reach = far.reduce((a, b) => Math.max(a, b));
  if (hill && reach < 0.95 * hill.half) return hill;
  const half = hill ? 2 * reach : 1.8 * reach || 1;
  const { X, codes, weights } = problem, n = 64, heights = [];
  for (let i = 0; i < n * n; i++) {
    const a = centre[0] + half * ((2 * (i % n) + 1) / n - 1);
    const b = centre[1] - half * ((2 * Math.floor(i / n) + 1) / n - 1);
    let total = 0;
    for (let r = 0; r < X.length; r++) {
      const z = a * X[r][0] + b * X[r][1];
      total += (weights ? weights[r] : 1) * logSigmoid(codes[r] ? z : -z);
    }
    heights.push(total);
  }
  return (hill = { centre, half, n, heights });
}

function drawHill() {
  const { centre, half, heights } = surveyed();
  const spans = centre.map((c) => [c - half, c + half]);
  const picture = map(at("hill"), ...spans, MARGIN);
  const most = heights.reduce((a, b) => Math.max(a, b)), least = heights.reduce((a, b) => Math.min(a, b));
  let i = 0; // in bands, as on a map
  picture.cells(hill.n, () => {
    const depth = Math.sqrt((most - heights[i++]) / (most - least || 1));
    const t = Math.min(Math.floor(depth * 24) / 24, 1);
    return mixed([68, 1, 84], 0.05 + 0.75 * t);
  });
  picture.line(climb.map(({ theta }) => [...theta]), "#000", 4, 6);
  const { context, X, Y } = picture, [x, y] = [X(problem.top[0]), Y(problem.top[1])];
  Object.assign(context, { strokeStyle: "#e08214", lineWidth: 6 });
  context.beginPath();
  for (const d of [-1, 1]) {
    context.moveTo(x - 14, y - 14 * d);
    context.lineTo(x + 14, y + 14 * d);
  }
  context.stroke();
  picture.axes(...problem.features.map((name) => `weight of ${name}`));
  at("hill").setAttribute("aria-label",
    `The hill of the log-likelihood. The climb is at ${[...state.theta].map(short).join(", ")}; ` +
    `the top is at ${problem.top.map(short).join(", ")}.`);
}

const spans = [0, 1].map((k) => {
  const values = problem.X.map((x) => x[k]);
  const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  const room = 0.08 * (high - low) || 1;
  return [low - room, high + room];
});
// Classes differ in shape as well as in colour.
const SHAPES = [0, 4, 3, 6];

function drawPlane() {
  const picture = map(at("plane"), ...spans, MARGIN), layers = layersOf(problem, state.theta);
  picture.cells(56, (x, y) => {
    const p = probabilitiesOf(lastOf(activationsOf(problem, layers, [x, y])));
    const best = p.reduce((top, each, i) => (each > p[top] ? i : top), 0);
    return mixed(colourOf(best), (0.6 * (p[best] * p.length - 1)) / (p.length - 1) || 0);
  });
  const { context, X, Y } = picture;
  problem.X.forEach(([x, y], row) => {
    const code = problem.codes[row], corners = SHAPES[code % SHAPES.length];
    context.beginPath();
    if (corners)
      for (let i = 0; i < corners; i++) {
        const angle = 2 * Math.PI * ((i + 0.5) / corners + 0.25);
        context.lineTo(X(x) + 9 * Math.cos(angle), Y(y) + 9 * Math.sin(angle));
      }
    else context.arc(X(x), Y(y), 7, 0, 2 * Math.PI);
    context.closePath();
    context.fillStyle = `rgb(${colourOf(code)})`;
    context.fill();
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 2 });
    context.stroke();
  });
  picture.axes(...problem.features);
  const right = problem.X.filter((x, row) => {
    const p = probabilitiesOf(lastOf(activationsOf(problem, layers, x)));
    return p.every((each, i) => i === problem.codes[row] || each < p[problem.codes[row]]);
  }).length;
  at("plane").setAttribute("aria-label",
    `${problem.X.length} examples of ${problem.classes.length} classes; ${right} are ` +
    "classified rightly now.");
}

problem.classes.forEach((name, code) => {
  const key = at("keys").appendChild(document.createElement("span"));
  key.className = "key";
  key.style.background = `rgb(${colourOf(code)})`;
  if (!SHAPES[code % SHAPES.length]) key.style.borderRadius = "50%";
  at("keys").append(name);
});

// --- what is shown --------------------------------------------------------------------

function show(aloud) {
  drawCurve();
  if (problem.top) drawHill();
  drawPlane();
  const { nSteps, logLikelihood, gradient, theta } = state;
  const words = `Step ${nSteps}: log-likelihood ${logLikelihood.toFixed(3)} nats`;
  at("state").textContent = words;
  const gain = nSteps ? logLikelihood - climb.at(-2).logLikelihood : 0;
  const slope = Math.max(...gradient.map(Math.abs)) * (problem.divisor / problem.totalWeight);
  const fell = gain < -1e-9 * Math.abs(logLikelihood);
  const verdict = !nSteps ? "At the start."
    : slope < 1e-6 ? "At the top: the gradient is 0 to six digits."
    : fell ? `It fell by ${short(-gain)}: the step went over the top.`
    : `It rose by ${short(Math.max(gain, 0))}.`;
  at("verdict").textContent = verdict;
  at("verdict").className = fell ? "fell" : "";
  at("exact").textContent = logLikelihood;
  at("parameters").textContent = theta.join(", ");
  at("python").textContent = problem.python
    .replace("'RATE'", rate).replaceAll("'STEPS'", Math.max(nSteps, 1));
  if (aloud) at("said").textContent = `${words}. ${verdict}`;
}

// --- controls -------------------------------------------------------------------------

function advance() {
  state = step(problem, state, rate);
  climb.push(state);
}

function pause() {
  clearInterval(timer);
  timer = 0;
  at("play").textContent = "Play";
}

function play() {
  const perSecond = Number(at("speed").value), many = Math.ceil(perSecond / 20);
  clearInterval(timer);
  timer = setInterval(() => {
    for (let i = 0; i < many; i++) advance();
    show(false);
  }, (1000 * many) / perSecond);
  at("play").textContent = "Pause";
}

at("play").addEventListener("click", () => {
  if (!timer) return play();
  pause();
  show(true);
});
at("speed").addEventListener("change", () => timer && play());
at("step").addEventListener("click", () => {
  pause();
  advance();
  show(true);
});

function restart() {
  if (state.nSteps) {
    before.push({ rate: climb.rate || rate, values: climb.map((of) => of.logLikelihood) });
    before = before.slice(-4);
  }
  state = begin(problem);
  climb = [state];
}
at("again").addEventListener("click", () => {
  pause();
  restart();
  show(true);
});

const PER_DECADE = 40, [slowest, fastest] = problem.rates, slider = at("slider");
slider.max = Math.round(PER_DECADE * Math.log10(fastest / slowest));

// A number that is read on the page is the number that is used.
const rateAt = (place) => Number((slowest * 10 ** (place / PER_DECADE)).toPrecision(3));

function setRate(value) {
  rate = value;
  at("number").value = rate;
  slider.value = Math.round(PER_DECADE * Math.log10(rate / slowest));
  const { safe } = problem, share = safe && rate / safe;
  const words = !safe ? "" : share <= 1 ? "no step can lower the log-likelihood" : "may overshoot";
  slider.setAttribute("aria-valuetext", `${rate}${words && ", " + words}`);
  at("safe").textContent = safe ? `${words}; safe up to ${short(safe)}` : "";
}
slider.addEventListener("input", () => changeRate(rateAt(Number(slider.value))));
at("number").addEventListener("change", () => {
  const value = Number(at("number").value);
  changeRate(value > 0 && Number.isFinite(value) ? value : rate);
});

// Another rate is another climb, from the start.
function changeRate(value) {
  climb.rate = rate;
  restart();
  setRate(value);
  show(!timer);
}

at("hill-figure").hidden = !problem.top;
setRate(problem.rate);
show(false);
