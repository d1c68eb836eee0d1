"""Hills to climb: small objectives whose tops are known, written with matrices."""

from dataclasses import dataclass, field

import numpy as np

from skneuron._ascent import LineSearch, answered, climb, positions, steps


@dataclass
class Here:
    """What an objective knows at a point."""

    gradient: np.ndarray | None
    value: float = 0.0
    log_likelihood: float = 0.0
    curvature: list = field(default_factory=list)
    roots: object = None
    passed: tuple = ()
    theta: np.ndarray | None = None
    noise: float = np.finfo(float).eps


def place(theta, log_likelihood, value, gradient=None):
    """A position of a walk: what is known of a place."""
    return Here(gradient, value, log_likelihood, theta=theta)


class Hill:
    """What answers a climb's questions, given `evaluate` and `log_likelihood`."""

    noise = np.finfo(float).eps
    l2 = 0.0
    divisor = 1.0
    _sample = None, None

    def answer(self, question):
        theta, order, n_rows, _ = question
        hill = self
        if n_rows is not None:
            if self._sample[0] != n_rows:
                self._sample = n_rows, self.sample(n_rows)
            hill = self._sample[1]
        if order == 0:
            return hill.evaluation_of(hill.log_likelihood(theta), theta)
        return hill.evaluate(theta, curvature=order > 1)

    def evaluation_of(self, log_likelihood, theta):
        value = (log_likelihood - self.penalty(theta)) / self.divisor
        return Here(None, value, log_likelihood, theta=theta)

    def penalty(self, theta):
        return 0.5 * self.l2 * float(theta @ theta)


def way(objective, kind, theta, direction, step_size, *more):
    """The positions of a walk of a kind, such as `steps`, on an objective's hill."""
    asking = kind(theta, direction, step_size, objective.noise, *more)
    return positions(asking, objective.answer)


class Quadratic(Hill):
    """``-(theta - top)^T A (theta - top) / 2``."""

    def __init__(self, A, top):
        self.A, self.top = A, top

    def evaluate(self, theta, *, curvature=False):
        away = theta - self.top
        value = -0.5 * float(away @ self.A @ away)
        blocks = [(np.arange(len(theta)), self.A.copy())] if curvature else []
        return Here(-self.A @ away, value, value, blocks, theta=theta)


def quadratic(n=8, condition=1e3, seed=0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = Q * np.geomspace(1, condition, n) @ Q.T
    return Quadratic((A + A.T) / 2, rng.standard_normal(n))


class Logistic(Hill):
    """The mean log-likelihood of a logistic regression, with a penalty to bear.

    Counts what it is asked for: gradients, and the curvatures among them.
    """

    def __init__(self, X, y, l2=0.0):
        self.X, self.y, self.l2 = X, np.asarray(y, dtype=float), l2
        self.n_rows = len(X)
        self.total_weight = self.divisor = float(len(X))
        self.gradients = self.curvatures = 0

    def evaluate(self, theta, *, curvature=False):
        self.gradients += 1
        self.curvatures += curvature
        z, blocks = self.X @ theta, []
        y_hat = np.exp(-np.logaddexp(0, -z))
        gradient = self.X.T @ (self.y - y_hat) - self.l2 * theta
        if curvature:
            matrix = (self.X.T * (y_hat * (1 - y_hat))) @ self.X
            matrix += self.l2 * np.eye(len(theta))
            blocks = [(np.arange(len(theta)), matrix / self.divisor)]
        total = float((self.y * z - np.logaddexp(0, z)).sum())
        value = (total - self.penalty(theta)) / self.divisor
        gradient = gradient / self.divisor
        return Here(gradient, value, total, blocks, theta=theta)

    def log_likelihood(self, theta):
        z = self.X @ theta
        return float((self.y * z - np.logaddexp(0, z)).sum())

    def sample(self, n_rows):
        """Rows at equal distances."""
        at = np.linspace(0, len(self.X) - 1, n_rows).astype(int)
        return Logistic(self.X[at], self.y[at], self.l2 * n_rows / len(self.X))

    def is_top(self, evaluation, tol):
        return np.abs(evaluation.gradient).max() <= tol


def logistic(n=300, p=5, seed=0, spread=1.0, size=1.0, l2=0.0):
    """Labels drawn from the model, on columns whose scales spread over a factor."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * np.geomspace(spread**-0.5, spread**0.5, p)
    X[:, 0] = 1.0
    theta = size * rng.standard_normal(p) / X.std(axis=0).clip(1e-9, None)
    theta[0] = 0.3
    y = rng.random(n) < 1 / (1 + np.exp(-X @ theta))
    X[:2], y[:2] = X[0], [0, 1]  # one row with both labels: the top is somewhere
    return Logistic(X, y, l2)


def top_of(objective):
    """By the textbook's Newton steps, halved while they do not climb."""
    theta = np.zeros(objective.X.shape[1])
    for _ in range(100):
        here = objective.evaluate(theta, curvature=True)
        ((_, matrix),) = here.curvature
        step = np.linalg.lstsq(matrix, here.gradient, rcond=None)[0]
        if here.gradient @ step <= 1e-25:  # nothing left to gain
            return theta
        while (
            here.gradient @ step > 1e-12
            and objective.evaluate(theta + step).value < here.value
        ):
            step /= 2
        theta = theta + step
    raise AssertionError("no top")


class Until:
    """Stop where the gradient is next to nothing."""

    def __init__(self, tol):
        self.tol = tol

    def at_start(self, position):
        return position.gradient is not None and self(position)

    def allows(self, position):
        return True

    def __call__(self, position):
        return np.abs(position.gradient).max() <= self.tol


def go(walk, stop, max_iter=300):
    """Follow a walk whose questions are answered."""
    noise = Logistic.noise
    return answered(climb(walk, max_iter=max_iter, stops=[stop], noise=noise), None)


def reach(objective, direction, theta=None, stop=None, max_iter=300, here=None):
    """Climb from theta, or 0, by a line search."""
    theta = np.zeros(objective.X.shape[1]) if theta is None else theta
    positions = way(objective, steps, theta, direction, LineSearch(), here)
    return go(positions, Until(1e-9) if stop is None else stop, max_iter)


def pairs(direction):
    """Each step that L-BFGS keeps, its change, and their product, the oldest first."""
    steps, changes = direction.kept.copy() if direction.n_pairs else ((), ())
    products = direction.products.diagonal().tolist()
    first = max(0, direction.n_pairs - direction.n_kept)
    places = np.arange(first, direction.n_pairs) % direction.n_kept
    return [(steps[i], changes[i], products[i]) for i in places]
