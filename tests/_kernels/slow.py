"""Slow and obvious: what the kernels compute, row by row; and data to compute it of."""

import math
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import strategies as st

from skneuron import _kernels
from skneuron._model import Likelihood

needs_core = pytest.mark.skipif(
    not _kernels.available(), reason="there is no compiled core"
)
floats = pytest.mark.parametrize("dtype", [np.float64, np.float32])

LIKELIHOODS = [
    Likelihood([0]),
    Likelihood([0, 0, 0]),
    *[Likelihood([k]) for k in range(1, 7)],
    Likelihood([0, 3, 1]),
    Likelihood([2, 0, 0, 5]),
]
likelihoods = st.sampled_from(LIKELIHOODS)
dtypes = st.sampled_from([np.float64, np.float32])
#: Within a block of rows, or several of them.
n_rows = st.one_of(st.integers(1, 20), st.integers(1, 600))
seeds = st.integers(0, 2**32 - 1)
weightings = st.sampled_from([None, "rows", "outputs", "zeros"])

NUMBERS = [np.bool_, np.int8, np.int16, np.int32, np.int64]
NUMBERS += [np.uint8, np.uint16, np.uint32, np.uint64, np.float32, np.float64]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "rows backwards": lambda X: X[::-1].copy()[::-1],
    "columns backwards": lambda X: X[:, ::-1].copy()[:, ::-1],
    "every other": lambda X: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
    "every other, F": lambda X: np.asfortranarray(np.repeat(X, 2, 0))[::2],
    "rows with a gap": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "all rows alike": lambda X: np.broadcast_to(X[:1], X.shape),
}


@contextmanager
def patched(**values):
    """Other values of what the kernels' module has."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(_kernels, name, value)
        yield


def passes(
    X,
    codes,
    likelihood,
    dtype,
    *,
    intercept,
    weights=None,
    centre=None,
    spans=None,
    n_members=1,
):
    """Passes over what `readable` gave, as if it were the features of rows."""
    rows = SimpleNamespace(
        codes=codes,
        weights=weights,
        dtype=dtype,
        centre=centre,
        spans=[slice(0, len(codes))] if spans is None else spans,
    )
    return _kernels.Passes(X, rows, likelihood, intercept, n_members)


def sums(X, codes, likelihood, theta, *, gradients=True, curvature=False, **given):
    """The compiled sums at some parameters, in their float type."""
    sums_at = passes(X, codes, likelihood, theta.dtype, **given)
    return sums_at(theta, gradients + curvature)


def generic():
    """A context in which there is no compiled core."""
    return patched(_core=None)


def threads(n):
    """A context in which every kernel has so many."""
    return patched(n_threads=lambda: n, CHUNK_WORK=64, SHARED_NUMBERS=0, SHARED_WORK=0)


# --- data -----------------------------------------------------------------------------


def draw_features(rng, n, d, number=np.float64, layout="C"):
    """Small numbers of a type, (n, d)."""
    kind = np.dtype(number).kind
    if kind == "f":
        X = rng.standard_normal((n, d))
    else:
        X = rng.integers(*{"b": (0, 2), "u": (0, 6), "i": (-3, 4)}[kind], (n, d))
    return LAYOUTS[layout](X.astype(number))


def draw_sparse(rng, n, d, dtype, wide, density=0.3):
    """With rows and columns of nothing."""
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < density)
    X[rng.random(n) < 0.2] = 0
    X[:, rng.random(d) < 0.2] = 0
    X = sp.csr_array(X.astype(dtype))
    X.indices, X.indptr = (
        of.astype(np.int64 if wide else np.int32) for of in (X.indices, X.indptr)
    )
    return X


def draw_codes(rng, n, likelihood, integer=np.int8):
    n_classes = np.where(likelihood.widths, likelihood.widths, 2)
    return rng.integers(0, n_classes, (n, len(n_classes))).astype(integer)


def draw_weights(rng, n, likelihood, weighting, dtype=np.float64):
    if weighting is None:
        return None
    w = rng.random((n, likelihood.n_outputs) if weighting == "outputs" else n) * 2
    if weighting == "zeros":
        w[rng.random(n) < 0.5] = 0
    return w.astype(dtype)


def by_output(weights, n, likelihood):
    """Weights of any kind as floats, (n, n_outputs)."""
    w = np.ones((n, 1)) if weights is None else weights.astype(np.float64)
    return np.broadcast_to(w.reshape(n, -1), (n, likelihood.n_outputs))


# --- what is likely of a row ----------------------------------------------------------


def of_row(z, codes, w, widths):
    """Of a row: z is a list of floats; of `codes` and `w`, one is of each output.

    Returns
    -------
    log_likelihood : float
        ``sum w log P(y | z)``.
    y_hat : list of float
    residual : list of float
        ``w (y - y_hat)``.
    curvature : array of shape (n_logits, n_logits)
        ``w (diag(y_hat) - y_hat y_hat')`` of each output.
    minuend : array of shape (n_logits, n_logits)
        What there is subtracted from: rounding errors are as large as it is.
    """
    total, y_hat, residual, first = 0.0, [], [], 0
    curvature, minuend = np.zeros((2, len(z), len(z)))
    for code, weight, k in zip(codes, w, widths):
        of = slice(first, first + max(1, k))
        if k:
            shifted = [value - max(z[of]) for value in z[of]]
            e = [math.exp(value) for value in shifted]
            p = [value / math.fsum(e) for value in e]
            total += weight * (shifted[code] - math.log(math.fsum(e)))
            residual += [weight * ((c == code) - p[c]) for c in range(k)]
            minuend[of, of] = weight * np.diag(p)
            curvature[of, of] = minuend[of, of] - weight * np.outer(p, p)
        else:
            size = z[first]
            e = math.exp(-abs(size))
            one, other = 1 / (1 + e), e / (1 + e)
            p = [one if size >= 0 else other]
            not_p = other if size >= 0 else one
            total += weight * (min(size if code else -size, 0.0) - math.log1p(e))
            residual.append(weight * (not_p if code else -p[0]))
            curvature[first, first] = weight * one * other
        y_hat += p
        first = of.stop
    return total, y_hat, residual, curvature, minuend
