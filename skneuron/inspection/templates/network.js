"use strict";
// What a network computes, and what it sees of a drawing. No page is needed to run it.

// Numbers in base64, each of 8 bytes or the leading 6 (of a float64), or of 1: its place
// in a palette.
function unpacked({ size, data, palette }) {
  const code = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const value = Object.fromEntries([...code].map((letter, i) => [letter, i]));
  const bytes = new Uint8Array((data.replace(/=/g, "").length * 3) >> 2);
  for (let i = 0, end = 0, bits = 0; end < bytes.length; i++) {
    bits = ((bits << 6) | value[data[i]]) & 0xffffff;
    if (i % 4) bytes[end++] = bits >> (6 - 2 * (i % 4));
  }
  if (palette) return Float64Array.from(bytes, (place) => palette[place]);
  const width = bytes.length / size, numbers = new Float64Array(size);
  const there = new Uint8Array(numbers.buffer);
  for (let i = 0; i < size; i++)
    there.set(bytes.subarray(width * i, width * (i + 1)), 8 * i + 8 - width);
  return numbers;
}

const lastOf = (items) => items[items.length - 1];

const ACTIVATIONS = {
  identity: (z) => z,
  logistic: (z) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z) => Math.max(z, 0),
};

// z = h W + b
function sums(h, { weights, intercepts }) {
  const z = Float64Array.from(intercepts), n = z.length;
  for (let i = 0; i < h.length; i++)
    if (h[i]) for (let j = 0; j < n; j++) z[j] += h[i] * weights[i * n + j];
  return z;
}

function softmax(z) {
  const top = Math.max(...z), e = z.map((each) => Math.exp(each - top));
  const total = e.reduce((a, b) => a + b);
  return e.map((each) => each / total);
}

// Activations (x, then each hidden layer's), logits, and the probabilities of the classes
// of every output, side by side.
function forward(model, x) {
  let h = Float64Array.from(x);
  for (const { centre, scale, clip } of model.steps) {
    h = h.map((each, i) => (each - centre[i]) / scale[i]);
    if (clip) h = h.map((each) => Math.min(Math.max(each, clip[0]), clip[1]));
  }
  const activations = [x];
  for (const layer of model.layers.slice(0, -1)) {
    h = sums(h, layer).map(ACTIVATIONS[model.activation]);
    activations.push(h);
  }
  const logits = sums(h, lastOf(model.layers)), probabilities = [];
  let start = 0;
  for (const { length } of model.outputs) {
    const z = logits.slice(start, (start += length === 2 ? 1 : length));
    probabilities.push(...(length === 2 ? [-z[0], z[0]].map(ACTIVATIONS.logistic) : softmax(z)));
  }
  return { activations, logits, probabilities };
}

// What drawings have to be like. Where no images have told: as MNIST's digits, of values
// from 0 to 1.
function framed(frame) {
  const { shape } = frame, [rows, columns] = shape;
  return {
    box: shape.map((n) => (n * 5) / 7),
    centre: shape.map((n) => n / 2),
    mass: 0.13 * rows * columns,
    pen: 0.1 * rows,
    paper: 0,
    ink: 1,
    ...frame,
  };
}

// The features of a drawing: strokes, each a list of points [x, y], y downwards. They get
// the height, or the greatest width, of the training images, and their centre of mass;
// the pen is thinned, or thickened, until there is as much ink.
function features(strokes, given) {
  const frame = framed(given);
  const { shape, box, pen, mass, paper, ink } = frame;
  let high = Math.min(1.4 * pen, Math.min(...box) / 2), low = Math.min(pen, high) / 2;
  let shares = new Float64Array(shape[0] * shape[1]);
  for (let i = 0; i < 6 && strokes.length; i++) {
    const middle = (low + high) / 2;
    shares = drawn(strokes, frame, middle);
    if (shares.reduce((a, b) => a + b) < mass) low = middle;
    else high = middle;
  }
  return shares.map((share) => paper + share * (ink - paper));
}

// Of every pixel the share of its 4 x 4 dots that a pen of such a width, in pixels, inks.
function drawn(strokes, { shape, box, centre }, pen) {
  const [rows, columns] = shape, segments = [], mass = [0, 0];
  let length = 0;
  for (const stroke of strokes)
    stroke.forEach(([x, y], i) => {
      const [x0, y0] = stroke[Math.max(i - 1, 0)], n = Math.hypot(x - x0, y - y0) + 1e-9;
      segments.push([y0, x0, y, x]);
      length += n;
      mass[0] += (n * (y + y0)) / 2;
      mass[1] += (n * (x + x0)) / 2;
    });
  const spans = [0, 1].map((k) => {
    const all = segments.flatMap((segment) => [segment[k], segment[k + 2]]);
    const of = all.map((at) => at - mass[k] / length);
    return [of.reduce((a, b) => Math.min(a, b)), of.reduce((a, b) => Math.max(a, b))];
  });
  const scale = Math.min(
    ...spans.map(([low, high], k) => Math.max(box[k] - pen, 0) / Math.max(high - low, 1e-9)));
  const shift = centre.map((at, k) => { // there, or as near as keeps all in the picture
    const [least, most] = [pen / 2, shape[k] - pen / 2].map((edge, i) => edge - scale * spans[k][i]);
    return least > most ? (least + most) / 2 : Math.min(Math.max(at, least), most);
  });
  const dots = new Uint8Array(16 * rows * columns), radius = 2 * pen;
  for (const segment of segments) {
    const [y0, x0, y1, x1] = segment.map((at, i) =>
      4 * (scale * (at - mass[i % 2] / length) + shift[i % 2]));
    const dy = y1 - y0, dx = x1 - x0, square = dy * dy + dx * dx;
    const [top, bottom] = reach(y0, y1, radius, 4 * rows);
    const [left, right] = reach(x0, x1, radius, 4 * columns);
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const a = y + 0.5 - y0, b = x + 0.5 - x0;
        const t = square ? Math.min(Math.max((a * dy + b * dx) / square, 0), 1) : 0;
        if ((a - t * dy) ** 2 + (b - t * dx) ** 2 <= radius ** 2) dots[4 * columns * y + x] = 1;
      }
  }
  const shares = new Float64Array(rows * columns);
  dots.forEach((dot, i) => {
    const y = Math.floor(i / (4 * columns)), x = i % (4 * columns);
    shares[columns * (y >> 2) + (x >> 2)] += dot / 16;
  });
  return shares;
}

// The dots that a pen may reach on its way from one place to another.
function reach(from, to, radius, most) {
  const first = Math.floor(Math.min(from, to) - radius), last = Math.max(from, to) + radius;
  return [Math.max(first, 0), Math.min(Math.ceil(last), most)];
}
