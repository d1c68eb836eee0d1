// Gradient ascent: the log-likelihood, its gradient by backpropagation, and the step.
// Parameters are one vector: each layer's weights, row by row, and then its intercepts.

const SLOPES = {
  identity: () => 1,
  logistic: (a) => a * (1 - a),
  tanh: (a) => 1 - a * a,
  relu: (a) => (a > 0 ? 1 : 0),
};

const logSigmoid = (z) => Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));

function layersOf({ sizes, hasIntercepts }, theta) {
  let end = 0;
  return sizes.slice(1).map((nOut, k) => {
    const weights = theta.subarray(end, (end += sizes[k] * nOut));
    const intercepts = hasIntercepts ? theta.subarray(end, (end += nOut)) : null;
    return { weights, intercepts: intercepts || new Float64Array(nOut) };
  });
}

// Every layer's activations for one example: x, those of hidden layers, the logits.
function activationsOf(problem, layers, x) {
  const found = [x];
  layers.forEach((layer, k) => {
    const z = sums(found[k], layer);
    found.push(k < layers.length - 1 ? z.map(ACTIVATIONS[problem.activation]) : z);
  });
  return found;
}

function probabilitiesOf(z) {
  return z.length > 1 ? softmax(z) : [-z[0], z[0]].map(ACTIVATIONS.logistic);
}

// log P(y | z), and its derivative in the logits, y - y_hat.
function outcome(z, code) {
  if (z.length === 1) {
    const sign = code ? 1 : -1;
    return [logSigmoid(sign * z[0]), [sign * ACTIVATIONS.logistic(-sign * z[0])]];
  }
  const top = Math.max(...z), y_hat = softmax(z);
  const total = z.reduce((sum, each) => sum + Math.exp(each - top), 0);
  return [z[code] - top - Math.log(total), y_hat.map((p, j) => (j === code) - p)];
}

// The total log-likelihood, and the gradient of what is climbed: that of the penalised
// log-likelihood, divided by the total weight for a mean.
function evaluate(problem, theta) {
  const { X, codes, weights, sizes, activation, l2, divisor } = problem;
  const gradient = new Float64Array(theta.length), slope = SLOPES[activation];
  const layers = layersOf(problem, theta), slopes = layersOf(problem, gradient);
  let logLikelihood = 0;
  X.forEach((x, row) => {
    const h = activationsOf(problem, layers, x), weight = weights ? weights[row] : 1;
    let [logP, D] = outcome(lastOf(h), codes[row]);
    logLikelihood += weight * logP;
    D = D.map((d) => d * weight);
    for (let k = layers.length - 1; k >= 0; k--) {
      const n = sizes[k + 1], below = new Float64Array(sizes[k]);
      for (let j = 0; j < n; j++) {
        slopes[k].intercepts[j] += D[j];
        for (let i = 0; i < sizes[k]; i++) {
          slopes[k].weights[n * i + j] += h[k][i] * D[j];
          below[i] += D[j] * layers[k].weights[n * i + j];
        }
      }
      D = below.map((d, i) => d * slope(h[k][i]));
    }
  });
  layers.forEach((layer, k) =>
    layer.weights.forEach((w, i) => (slopes[k].weights[i] -= l2 * w)));
  return { logLikelihood, gradient: gradient.map((g) => g / divisor) };
}

function begin(problem) {
  const theta = Float64Array.from(problem.start);
  const velocity = new Float64Array(theta.length);
  return { nSteps: 0, theta, velocity, ...evaluate(problem, theta) };
}

// theta += rate * velocity, all of the gradient known before any of theta moves. Without
// momentum the velocity is the gradient.
function step(problem, state, rate) {
  const { momentum } = problem;
  const velocity = state.velocity.map((v, i) => momentum * v + state.gradient[i]);
  const theta = state.theta.map((at, i) => at + rate * velocity[i]);
  return { nSteps: state.nSteps + 1, theta, velocity, ...evaluate(problem, theta) };
}
