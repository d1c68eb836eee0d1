"""Slow and obvious implementations that the package has to agree with, and data.

Everything here is written for reading: pure Python, one loop per sum of the formula,
no vector operation and no trick. Nothing here imports skneuron.
"""

import math

import numpy as np

# --- the lecture's logistic regression ------------------------------------------------


def sigmoid(z):
    """1 / (1 + exp(-z)), for z that does not overflow (tests keep z small)."""
    return 1.0 / (1.0 + math.exp(-z))


def slides_gradient_ascent(X, y, eta, n_iter, fit_intercept=True, weights=None):
    """The slides' pseudo-code, letter by letter. y is 0 or 1.

    Returns (theta, intercept); the intercept is 0.0 with ``fit_intercept=False``.
    """
    rows = [[float(value) for value in row] for row in X]
    if fit_intercept:
        rows = [[1.0, *row] for row in rows]  # x_0 = 1
    weights = [1.0] * len(rows) if weights is None else [float(w) for w in weights]
    m = len(rows[0])
    theta = [0.0] * m
    for _ in range(n_iter):
        gradient = [0.0] * m
        for x, label, weight in zip(rows, y, weights, strict=True):
            z = 0.0
            for j in range(m):
                z += theta[j] * x[j]
            for j in range(m):
                gradient[j] += weight * x[j] * (label - 1.0 / (1.0 + math.exp(-z)))
        for j in range(m):
            theta[j] += eta * gradient[j]
    if fit_intercept:
        return theta[1:], theta[0]
    return theta, 0.0


def softmax_gradient_ascent(X, y, n_classes, eta, n_iter, fit_intercept=True):
    """The same for several classes: one row of theta per class, y in 0..k-1.

    Returns (theta, intercepts): k rows of m numbers, and k numbers.
    """
    rows = [[float(value) for value in row] for row in X]
    if fit_intercept:
        rows = [[1.0, *row] for row in rows]
    m = len(rows[0])
    theta = [[0.0] * m for _ in range(n_classes)]
    for _ in range(n_iter):
        gradient = [[0.0] * m for _ in range(n_classes)]
        for x, label in zip(rows, y, strict=True):
            z = [sum(theta[c][j] * x[j] for j in range(m)) for c in range(n_classes)]
            total = sum(math.exp(value) for value in z)
            for c in range(n_classes):
                residual = (1.0 if label == c else 0.0) - math.exp(z[c]) / total
                for j in range(m):
                    gradient[c][j] += x[j] * residual
        for c in range(n_classes):
            for j in range(m):
                theta[c][j] += eta * gradient[c][j]
    if fit_intercept:
        return [row[1:] for row in theta], [row[0] for row in theta]
    return theta, [0.0] * n_classes


# --- log-likelihoods ------------------------------------------------------------------


def log_sigmoid(z):
    """log(sigmoid(z)), right for any finite z."""
    if z >= 0:
        return -math.log1p(math.exp(-z))
    return z - math.log1p(math.exp(z))


def bernoulli_log_likelihood(logits, y, weights=None):
    """sum_i w_i log P(y_i), for one logit an example and y of 0 and 1."""
    weights = [1.0] * len(logits) if weights is None else weights
    return math.fsum(
        w * log_sigmoid(float(z) if label == 1 else -float(z))
        for z, label, w in zip(logits, y, weights, strict=True)
    )


def categorical_log_likelihood(logits, y, weights=None):
    """sum_i w_i log P(y_i), for k logits an example and y of 0..k-1."""
    weights = [1.0] * len(logits) if weights is None else weights
    terms = []
    for row, label, w in zip(logits, y, weights, strict=True):
        values = [float(z) for z in row]
        top = max(values)
        best = values.index(top)
        rest = math.fsum(math.exp(z - top) for c, z in enumerate(values) if c != best)
        terms.append(w * (values[label] - top - math.log1p(rest)))
    return math.fsum(terms)


# --- the lecture's network ------------------------------------------------------------


def mlp_forward(x, coefs, intercepts):
    """Activations of every layer for one example: sigmoids all the way up."""
    layers = [[float(value) for value in x]]
    for W, b in zip(coefs, intercepts, strict=True):
        below = layers[-1]
        above = []
        for j in range(len(W[0])):
            z = b[j]
            for i in range(len(below)):
                z += below[i] * W[i][j]
            above.append(sigmoid(z))
        layers.append(above)
    return layers


def mlp_log_likelihood(X, y, coefs, intercepts):
    """Total log-likelihood of a network of sigmoids with one output, y of 0 and 1."""
    total = []
    for x, label in zip(X, y, strict=True):
        y_hat = mlp_forward(x, coefs, intercepts)[-1][0]
        total.append(math.log(y_hat) if label == 1 else math.log1p(-y_hat))
    return math.fsum(total)


def mlp_gradient(X, y, coefs, intercepts):
    """Backpropagation of the total log-likelihood, one example and one weight a time.

    Returns (gradients of the coefs, gradients of the intercepts), as nested lists.
    """
    grad_W = [[[0.0] * len(W[0]) for _ in W] for W in coefs]
    grad_b = [[0.0] * len(b) for b in intercepts]
    for x, label in zip(X, y, strict=True):
        layers = mlp_forward(x, coefs, intercepts)
        residual = [label - layers[-1][0]]
        for level in reversed(range(len(coefs))):
            below = layers[level]
            for j in range(len(residual)):
                grad_b[level][j] += residual[j]
                for i in range(len(below)):
                    grad_W[level][i][j] += below[i] * residual[j]
            residual = [
                sum(coefs[level][i][j] * residual[j] for j in range(len(residual)))
                * below[i]
                * (1.0 - below[i])
                for i in range(len(below))
            ]
    return grad_W, grad_b


# --- data -----------------------------------------------------------------------------


def binary_data(n=60, p=4, seed=0):
    """Standard normal X, and y drawn from a logistic model: never separable."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    slopes = rng.uniform(-1.0, 1.0, p)
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-(X @ slopes + 0.3)))).astype(int)
    X[:2], y[:2] = X[0], [0, 1]  # one row with both labels: the MLE exists
    return X, y


def multiclass_data(n=90, p=4, k=3, seed=0):
    """Standard normal X, and y of 0..k-1 drawn from a softmax model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    logits = X @ rng.uniform(-1.0, 1.0, (p, k)) + rng.gumbel(size=(n, k))
    y = logits.argmax(axis=1)
    X[:k], y[:k] = X[0], np.arange(k)
    return X, y
