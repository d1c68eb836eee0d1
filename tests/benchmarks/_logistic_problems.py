"""The data that logistic regression is raced on."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.special import logsumexp
from sklearn.datasets import load_breast_cancer, load_digits, make_classification


@dataclass
class Problem:
    """Data, the inverse strength of the penalty, and what is to be made large."""

    X: np.ndarray | sp.sparray
    y: np.ndarray
    C: float = np.inf

    def value_of(self, model):
        """Mean penalised log-likelihood of a fitted model, whoever's it is."""
        coef = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
        logits = self.X @ coef.T + np.asarray(model.intercept_, dtype=np.float64)
        if len(coef) == 1:
            logits = np.column_stack([np.zeros(len(self.y)), logits])
        of_y = logits[np.arange(len(self.y)), self.y]
        likelihood = np.mean(of_y - logsumexp(logits, axis=1))
        return likelihood - np.sum(coef**2) / (2 * self.C * len(self.y))


def classification(n, d, informative, *, C=np.inf, scales=1.0, dtype=float, **more):
    X, y = make_classification(n, d, n_informative=informative, random_state=0, **more)
    return Problem(np.ascontiguousarray(X * scales, dtype=dtype), y, C)


def one_hot(n):
    """15 categorical features of 3 to 10 levels, 94 columns: each group sums to 1."""
    rng = np.random.default_rng(0)
    levels = 3 + np.arange(15) % 8
    columns = rng.integers(levels, size=(n, 15)) + np.cumsum(levels) - levels
    X = sp.csr_array(
        (np.ones(columns.size), columns.ravel(), np.arange(0, 15 * n + 1, 15)),
        shape=(n, levels.sum()),
    )
    weights = rng.normal(scale=0.5, size=X.shape[1])
    return Problem(X, (rng.logistic(size=n) < X @ weights).astype(int))


def bundled(load):
    X, y = load(return_X_y=True)
    return Problem(X, y, C=1.0)


#: By name; each is given what to divide the rows by.
PROBLEMS = {
    "100k x 50": lambda q: classification(100_000 // q, 50, 20),
    "1M x 20": lambda q: classification(1_000_000 // q, 20, 10),
    "20k x 500": lambda q: classification(20_000 // q, 500 // q, 50 // q),
    "60k x 200, 10 classes": lambda q: classification(
        60_000 // q, 200 // q, 50 // min(q, 5), n_classes=10
    ),
    "100k x 30, condition 1e4": lambda q: classification(
        100_000 // q, 30, 10, n_redundant=0, scales=np.logspace(-2, 2, 30)
    ),
    "30k x 94, sparse one-hot": lambda q: one_hot(30_000 // q),
    "breast cancer, C=1": lambda q: bundled(load_breast_cancer),
    "digits, C=1": lambda q: bundled(load_digits),
    "200k x 20, float32": lambda q: classification(
        200_000 // q, 20, 10, dtype=np.float32
    ),
    "2k x 5k, C=1": lambda q: classification(2_000 // q, 5_000 // q, 50 // q, C=1.0),
}
