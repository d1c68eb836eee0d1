"""Curvatures of many classes; and digits of what is nearly certain."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from slow import draw_codes, draw_features, floats, generic, needs_core, sums, threads

from skneuron._model import Likelihood

#: Many times the rounding errors of exp and of a few products.
DIGITS = {np.float64: 4e-15, np.float32: 2e-6}
#: Of logits: what is less and more certain, up to numbers that have all their digits.
SIZES = {np.float64: [0.5, 30.0, 300.0, 700.0], np.float32: [0.5, 12.0, 40.0, 80.0]}


def exactly(z, likelihood):
    """y_hat of a row, ``1 - y_hat``, and its curvature, of Decimals."""
    with localcontext() as context:
        context.prec = 40
        if not likelihood.widths.any():
            e = [Decimal(0).exp(), Decimal(float(z[0])).exp()]
        else:
            e = [Decimal(float(value)).exp() for value in z]
        p = [value / sum(e) for value in e]
        others = [sum(e[:c] + e[c + 1 :]) / sum(e) for c in range(len(e))]
        first = 1 if not likelihood.widths.any() else 0
        k = range(first, len(p))
        curvature = [[p[a] * (others[a] if a == c else -p[c]) for c in k] for a in k]
        floats = (np.array(of, dtype=float) for of in (p, others, curvature))
        return tuple(floats)


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_core), False])
@floats
@pytest.mark.parametrize("likelihood", [Likelihood([k]) for k in (0, 2, 3, 5)])
def test_no_digit_is_lost_where_a_class_is_nearly_certain(likelihood, dtype, compiled):
    """In residuals and curvatures; of numbers that the float type has."""
    k, bernoulli = likelihood.n_logits, not likelihood.widths.any()
    near = {"rtol": DIGITS[dtype], "atol": 8 * float(np.finfo(dtype).tiny)}
    rows = [np.eye(k)[c] * s for c in range(k) for s in SIZES[dtype]]
    rows += [-np.linspace(0, s, k)[::-1] for s in SIZES[dtype]]
    for z in np.array(rows + [-row for row in rows]).astype(dtype)[:, None, :]:
        p, others, curvature = exactly(z[0], likelihood)
        for code in range(max(2, k)):
            codes = np.array([[code]], np.int8)
            if bernoulli:
                expected = [others[1] if code else -p[1]]
            else:
                expected = [others[c] if c == code else -p[c] for c in range(k)]
            if compiled:
                _, found = likelihood.sum_and_residual(z.copy(), codes)
            else:
                with generic():
                    _, found = likelihood.sum_and_residual(z.copy(), codes)
            np.testing.assert_allclose(found[0], expected, **near)
        if compiled:  # one input that is 1, by each way that curvatures are formed
            for d in (1, 200):
                X, theta = np.zeros((1, d), dtype), np.zeros((d, k), dtype)
                X[0, 0], theta[0] = 1, z[0]
                given = {"intercept": False, "curvature": True}
                _, _, pairs = sums(X, codes, likelihood, theta, **given)
                found = {pair: square[0, 0] for pair, square in pairs.items()}
                assert not any(square[1:].any() for square in pairs.values())
                for (a, c), value in found.items():
                    np.testing.assert_allclose(value, curvature[a, c], **near)
        else:
            for (a, c), value in likelihood.couplings(z).items():
                np.testing.assert_allclose(value[0], curvature[a, c], **near)


MANY = [
    Likelihood([5]),
    Likelihood([10]),
    Likelihood([4, 0, 0]),
]


@pytest.mark.slow
@needs_core
@floats
@pytest.mark.parametrize("likelihood", [*MANY, Likelihood([14])])  # two sets of pairs
@pytest.mark.parametrize("d", [1, 31, 60])
@pytest.mark.parametrize("intercept", [False, True])
def test_many_classes(likelihood, d, intercept, dtype):
    """As the sums of matrices, pair by pair, whoever forms which."""
    rng = np.random.default_rng(d)
    n, k = 300, likelihood.n_logits
    X = draw_features(rng, n, d, dtype)
    codes = draw_codes(rng, n, likelihood)
    weights = rng.random(n).astype(dtype)
    theta = (rng.standard_normal((d + intercept, k)) / np.sqrt(d)).astype(dtype)
    given = {"intercept": intercept, "weights": weights, "curvature": True}
    found = []
    for n_threads in (1, 2, 3, 8) if d == 31 else (1, 3):
        with threads(n_threads):
            found.append(sums(X, codes, likelihood, theta, **given)[2])
    X1 = np.c_[X.astype(float), np.ones((n, int(intercept)))]
    z = X1 @ theta.astype(float)
    for (a, c), by in likelihood.couplings(z).items():
        expected = X1.T @ ((by * weights.astype(float))[:, None] * X1)
        atol = 20 * np.finfo(dtype).eps * n
        np.testing.assert_allclose(found[0][a, c], expected, rtol=0, atol=atol)
        for other in found[1:]:
            assert np.array_equal(found[0][a, c], other[a, c])
