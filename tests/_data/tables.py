"""Tables of features, labels and weights that tests of rows and of moments draw."""

import numpy as np
import pytest
import scipy.sparse as sp

KINDS = [np.asarray, sp.csr_array, sp.csr_matrix]
kinds = pytest.mark.parametrize("make", KINDS, ids=["dense", "array", "matrix"])
weightings = pytest.mark.parametrize("weighting", ["none", "row", "output"])


def draw(n=300, p=4, m=2, weighting="none", seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) + [5.0, 0, -1, 2][:p]) * (rng.random((n, p)) > 0.4)
    weights = {
        "none": None,
        "row": rng.integers(0, 4, n).astype(float),
        "output": rng.random((n, m)),
    }[weighting]
    return X, rng.integers(0, 2, (n, m)), weights


def dense(X):
    return X.toarray() if sp.issparse(X) else X
