"""Maximum likelihood estimates to 80 digits: Newton's method, one loop per sum.

Nothing here imports skneuron, or rounds before the end.
"""

from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

DIGITS = 80


@dataclass
class Exact:
    """The top: coef and intercept of every logit but the first of several classes."""

    log_likelihood: float
    coef: np.ndarray
    intercept: np.ndarray
    std_error: np.ndarray  # (n_logits, n_features + 1), the intercept's last


def exact_mle(X, y, weights=None, l2=0.0, start=None):
    """The top of ``sum w log P(y | x) - l2 |coef|^2 / 2``, y of 0..k-1.

    Of several classes the first's logit is 0, and there is no penalty. From wherever it
    starts, (n_logits, n_features + 1) with the intercepts last, the top is the same.
    """
    with mp.workdps(DIGITS):
        rows = [[mpf(float(x)) for x in row] + [mpf(1)] for row in np.asarray(X)]
        w = (
            [mpf(1)] * len(rows)
            if weights is None
            else [mpf(float(v)) for v in weights]
        )
        k, d = int(max(y)) + 1, len(rows[0])
        logits = range(1, k)
        size = d * len(logits)
        shrunk = [mpf(l2) * ((i % d) < d - 1) for i in range(size)]

        def value_of(theta):
            total = -sum(s * t**2 for s, t in zip(shrunk, theta)) / 2
            likely = mpf(0)
            for row, label, weight in zip(rows, y, w):
                z = _logits(row, theta, d, k)
                e = [mp.exp(v - max(z)) for v in z]
                likely += weight * (z[label] - max(z) - mp.log(sum(e)))
            return total + likely, likely

        start = np.zeros(size) if start is None else np.ravel(start)
        theta = mp.matrix([mpf(float(t)) for t in start])
        value, likely = value_of(theta)
        for _ in range(500):
            gradient, H = mp.matrix(size, 1), mp.matrix(size, size)
            for i in range(size):
                gradient[i], H[i, i] = -shrunk[i] * theta[i], shrunk[i]
            for row, label, weight in zip(rows, y, w):
                z = _logits(row, theta, d, k)
                e = [mp.exp(v - max(z)) for v in z]
                p = [v / sum(e) for v in e]
                for a, c in enumerate(logits):
                    r = weight * ((label == c) - p[c])
                    for j in range(d):
                        gradient[a * d + j] += r * row[j]
                    for b, o in enumerate(logits):
                        q = weight * p[c] * ((c == o) - p[o])
                        for i in range(d):
                            for j in range(d):
                                H[a * d + i, b * d + j] += q * row[i] * row[j]
            # In units that make the matrix one of plain numbers.
            s = [mp.sqrt(H[i, i]) for i in range(size)]
            for i in range(size):
                for j in range(size):
                    H[i, j] /= s[i] * s[j]
            step = mp.lu_solve(H, mp.matrix([gradient[i] / s[i] for i in range(size)]))
            step = mp.matrix([step[i] / s[i] for i in range(size)])
            promise = (gradient.T * step)[0]
            if promise < mpf(10) ** -40:
                break
            length, best = mpf(1), value_of(theta + step)
            while best[0] < value:
                length /= 2
                best = value_of(theta + length * step)
            while (further := value_of(theta + 2 * length * step))[0] > best[0]:
                length, best = 2 * length, further
            theta, (value, likely) = theta + length * step, best
        else:
            raise AssertionError("no top")
        inverse = H**-1
        errors = [mp.sqrt(inverse[i, i]) / s[i] for i in range(size)]
        found = np.array([float(t) for t in theta]).reshape(-1, d)
        errors = np.array([float(e) for e in errors]).reshape(-1, d)
        return Exact(float(likely), found[:, :-1], found[:, -1], errors)


def _logits(row, theta, d, k):
    z = [sum(theta[a * d + j] * row[j] for j in range(d)) for a in range(k - 1)]
    return [mpf(0), *z]
