"""Activations and their slopes: the kernels against Python's math and exact numbers."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from slow import dtypes, floats, generic, n_rows, needs_core, seeds, threads

from skneuron._model.activations import ACTIVATIONS

pytestmark = needs_core
every = pytest.mark.parametrize("name", ACTIVATIONS)
EPS = {np.float64: 2.0**-52, np.float32: 2.0**-23}


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


VALUES = {
    "identity": lambda z: z,
    "logistic": sigmoid,
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
}
SLOPES = {
    "identity": lambda a: 1.0,
    "logistic": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: float(a > 0),
}


@every
@given(dtypes, n_rows, seeds)
@settings(deadline=None, max_examples=15)
def test_as_the_formulas_and_as_the_generic_line(name, dtype, n, seed):
    rng, g = np.random.default_rng(seed), ACTIVATIONS[name]
    z, d = (rng.choice([0.1, 5.0]) * rng.standard_normal((2, n, 3))).astype(dtype)
    # A slope of next to 0 is what is left of 1.
    near = {"rtol": 8 * EPS[dtype], "atol": 4 * EPS[dtype] * max(1, abs(d).max())}
    a = g.value(z.copy())
    assert a.dtype == dtype
    np.testing.assert_allclose(a, np.vectorize(VALUES[name], "d")(z), **near)
    there = g.times_slope(d.copy(), a)
    np.testing.assert_allclose(there, d * np.vectorize(SLOPES[name], "d")(a), **near)
    with generic():
        np.testing.assert_allclose(g.value(z.copy()), a, **near)
        np.testing.assert_allclose(g.times_slope(d.copy(), a), there, **near)


@every
@floats
def test_no_number_is_too_large_or_too_small(name, dtype):
    limits = np.finfo(dtype)
    sizes = [0.0, limits.smallest_subnormal, limits.tiny, 1e-30, 80.0, 1e3, 1e30]
    z = np.array([*sizes, limits.max]).astype(dtype)
    z = np.r_[z, -z]
    expected = np.array(
        [VALUES[name](value) for value in np.clip(z, -745, 745).tolist()]
    )
    if name in ("identity", "relu"):
        expected = np.array([VALUES[name](value) for value in z.tolist()])
    a = ACTIVATIONS[name].value(z.copy())
    # What is below the smallest regular number may be 0.
    np.testing.assert_allclose(a, expected, rtol=8 * EPS[dtype], atol=4 * limits.tiny)
    slope = ACTIVATIONS[name].times_slope(np.ones_like(a), a)
    assert np.isfinite(slope).all() and slope.min() >= 0 and slope.max() <= 1


@floats
def test_tanh_is_right_to_the_last_digits(dtype):
    """Relative to its size, down to the smallest numbers."""
    least = -300 if dtype is np.float64 else -37
    z = np.r_[np.logspace(least, -3, 300), np.linspace(1e-3, 3, 700), 5.0, 15.0, 40.0]
    z = z.astype(dtype)
    with localcontext() as context:
        context.prec = 60
        e = [(-2 * Decimal(float(value))) for value in z]
        # (1 - exp(x)) / (1 + exp(x)) has no digits left where x is next to 0.
        expected = [
            float((1 - x.exp()) / (1 + x.exp()) if x < Decimal("-1e-12") else -x / 2)
            for x in e
        ]
    tanh = ACTIVATIONS["tanh"]
    for sign in (1, -1):
        found = sign * tanh.value(sign * z).astype(np.float64)
        assert np.abs(found / expected - 1).max() <= 4 * EPS[dtype]


@every
@floats
@pytest.mark.parametrize("n", [1, 16384, 16385, 100_003])
def test_the_same_bits_for_any_number_of_threads(name, dtype, n):
    z, d = np.random.default_rng(0).standard_normal((2, n)).astype(dtype)
    results = []
    for n_threads in (1, 1, 2, 3, 8):
        with threads(n_threads):
            a = ACTIVATIONS[name].value(z.copy())
            results.append((a, ACTIVATIONS[name].times_slope(d.copy(), a)))
    for a, slope in results[1:]:
        np.testing.assert_array_equal(a, results[0][0])
        np.testing.assert_array_equal(slope, results[0][1])
