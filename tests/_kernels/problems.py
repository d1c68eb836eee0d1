"""Random problems for the kernels."""

import numpy as np
import scipy.sparse as sp

from skneuron._model.likelihood import Likelihood

LIKELIHOODS = {
    "bernoulli": Likelihood([0]),
    "bernoullis": Likelihood([0, 0, 0]),
    "softmax": Likelihood([4]),
    "joint": Likelihood([0, 3, 0]),
}


def problem(n, d, *, likelihood="bernoulli", layout="rows", dtype="d", intercept=True):
    """(X as given, X dense in float64, codes, likelihood, theta, weights)."""
    rng = np.random.default_rng([n, d, len(layout), len(likelihood)])
    of = LIKELIHOODS[likelihood]
    widths = [max(2, width) for width in of.widths]
    codes = np.stack([rng.integers(width, size=n) for width in widths], axis=1)
    X = rng.normal(size=(n, d)).astype(dtype)
    if layout == "columns":
        X = np.asfortranarray(X)
    elif layout == "strided":
        X = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::-2, ::3]
    elif layout in ("int8", "float32"):
        X = (3 * X).astype(layout)
    elif layout in ("narrow", "wide"):
        X = sp.csr_array(np.where(rng.random((n, d)) < 0.3, X, 0))
        kind = np.int32 if layout == "narrow" else np.int64
        X.indices, X.indptr = X.indices.astype(kind), X.indptr.astype(kind)
    theta = rng.normal(size=(d + intercept, of.n_logits)) / np.sqrt(d + 1)
    weights = rng.random((n, of.n_outputs)).astype(dtype)
    dense = (X.toarray() if sp.issparse(X) else X).astype(float)
    return X, dense, codes, of, theta.astype(dtype), weights
