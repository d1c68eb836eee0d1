"""Activations: values and slopes against `math` and finite differences."""

import math

import numpy as np
import pytest

from skneuron import _kernels
from skneuron._model.activations import ACTIVATIONS

SLOW = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
}
POINTS = [-30.0, -3.0, -0.5, -1e-3, 1e-3, 0.1, 1.0, 4.0, 30.0]
every = pytest.mark.parametrize("name", ACTIVATIONS)


def test_every_activation_is_tested():
    assert set(ACTIVATIONS) == set(SLOW)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value(name, dtype):
    z = np.array([POINTS], dtype=dtype)
    found = ACTIVATIONS[name].value(z.copy())
    expected = np.array([[SLOW[name](float(value)) for value in z[0]]])
    assert found.dtype == dtype
    eps = np.finfo(dtype).eps
    assert np.allclose(found, expected, 4 * eps, eps)


@every
def test_slope_is_the_difference_quotient(name):
    step = 1e-6
    d = np.random.default_rng(0).standard_normal((1, len(POINTS)))
    a = ACTIVATIONS[name].value(np.array([POINTS]))
    slopes = [(SLOW[name](z + step) - SLOW[name](z - step)) / 2 / step for z in POINTS]
    found = ACTIVATIONS[name].times_slope(d.copy(), a)
    assert np.allclose(found, d * slopes, atol=1e-9)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slope_keeps_the_float_type_and_compiled_is_in_place(name, dtype):
    a = ACTIVATIONS[name].value(np.array([POINTS], dtype=dtype))
    d = np.ones_like(a)
    slope = ACTIVATIONS[name].times_slope(d, a)
    assert slope.dtype == dtype
    assert slope is d or not _kernels.available()


@every
@pytest.mark.parametrize(("dtype", "huge"), [(np.float32, 1e38), (np.float64, 1e300)])
def test_safe_at_any_size(name, dtype, huge):
    z = np.array([[-huge, -1e6, 0.0, 1e6, huge]], dtype=dtype)
    with np.errstate(all="raise", under="ignore", over="ignore"):
        a = ACTIVATIONS[name].value(z.copy())
        slope = ACTIVATIONS[name].times_slope(np.ones_like(a), a.copy())
    assert np.all(np.isfinite(a)) and np.all(np.isfinite(slope))
    if name in ("logistic", "tanh"):
        assert a[0, 0] == (0 if name == "logistic" else -1)
        assert a[0, -1] == 1
        assert np.all(slope[0, [0, 1, 3, 4]] == 0)
