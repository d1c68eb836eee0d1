"""Rows of every kind, and batches of them."""

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._data.rows import Rows
from skneuron._model import Likelihood

N, P = 40, 5
LIKELIHOODS = [Likelihood([0]), Likelihood([0, 0]), Likelihood([3])]
LIKELIHOODS += [Likelihood([0, 3])]

every = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=["b", "bb", "c", "bc"])
floats = pytest.mark.parametrize("dtype", [np.float64, np.float32])
weightings = pytest.mark.parametrize("weighting", [None, "row", "output"])
makes = pytest.mark.parametrize(
    "make",
    [np.asarray, np.asfortranarray, lambda X: np.repeat(X, 2, 1)[:, ::2], sp.csr_array],
    ids=["C", "F", "strided", "sparse"],
)


def draw(likelihood, weighting=None, dtype=np.float64, make=np.asarray, n=N):
    rng = np.random.default_rng(0)
    X = make(rng.standard_normal((n, P)).astype(dtype) + 2)
    codes = rng.integers(0, 2, (n, likelihood.n_outputs))
    shape = {None: None, "row": n, "output": codes.shape}[weighting]
    weights = None if shape is None else rng.random(shape).astype(dtype)
    return Rows(X, codes, weights)


def batches():
    order = np.random.default_rng(1).permutation(N)
    return [
        order[:16],
        order[16:32],
        order[32:],
        slice(0, 16),
        slice(32, 48),
        order[:1],
    ]
