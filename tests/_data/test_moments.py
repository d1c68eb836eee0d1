"""Moments of columns, against np.average of integers' worth of digits."""

import math

import numpy as np
import pytest
from tables import KINDS, dense, draw, kinds, weightings

from skneuron._data import moments, rows
from skneuron._data.moments import column_moments, measured
from skneuron._data.rows import Rows

#: What sums in the float type of the data leave of the digits of a mean, and of a
#: deviation, that is not small beside it.
DIGITS = {np.float32: (1e-5, 1e-3), np.float64: (1e-12, 1e-10)}
floats = pytest.mark.parametrize("dtype", DIGITS)


def moments_of(X, weights=None):
    """Of features alone; whatever of them overflows, nobody is warned."""
    codes = np.zeros((X.shape[0], 1), int)
    with np.errstate(all="raise", under="ignore"):
        mean, deviation = column_moments(Rows(X, codes, weights))
    assert mean.dtype == deviation.dtype == np.float64
    assert mean.shape == deviation.shape == (X.shape[1],)
    return mean, deviation


def slow_moments(X, weights=None):
    """In units of the largest deviation, in extended precision where there is one."""
    X = X.astype(np.longdouble)
    mean = np.average(X, axis=0, weights=weights)
    unit = np.abs(X - mean).max(axis=0)
    unit[unit == 0] = 1
    square = np.average(((X - mean) / unit) ** 2, axis=0, weights=weights)
    return mean, unit * np.sqrt(square)


def close(found, expected, rtol):
    """Relative to the expected, column by column; 0 is 0."""
    return np.all(np.abs(found - expected) <= rtol * np.abs(expected))


@kinds
@weightings
@floats
def test_moments(make, weighting, dtype):
    X, codes, weights = draw(weighting=weighting)
    X = X.astype(dtype)
    mean, deviation = column_moments(Rows(make(X), codes, weights))
    # Weights that differ between the outputs leave the features' own moments.
    expected = slow_moments(X, weights if weighting == "row" else None)
    assert mean.dtype == deviation.dtype == np.float64
    assert np.allclose(mean, expected[0].astype(float), DIGITS[dtype][0], 1e-7)
    assert close(deviation, expected[1], DIGITS[dtype][1])


@kinds
@pytest.mark.parametrize("weighting", ["none", "row"])
@floats
def test_moments_over_many_blocks(make, weighting, dtype, monkeypatch):
    X, _, weights = draw(weighting=weighting)
    X = np.c_[X, X[:, 0] + 1e6, X[:, 1] * 1e-25, np.full(300, 0.3)].astype(dtype)
    once = moments_of(make(X), weights)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 8)
    assert len([*Rows(make(X), np.zeros((len(X), 1), int)).blocks(9)]) > 3
    found, expected = moments_of(make(X), weights), slow_moments(X, weights)
    for blocked, whole, slow in zip(found, once, expected):
        assert np.allclose(blocked, whole, 10 * DIGITS[dtype][0], 1e-40)
        assert np.allclose(blocked[:-1], slow[:-1].astype(float), 1e-3, 1e-40)


@pytest.mark.parametrize("weighted", [False, True])
@floats
def test_moments_of_many_columns(weighted, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(0.5, 1.0, (23, 1101)).astype(dtype)
    weights = rng.integers(0, 4, 23).astype(dtype) if weighted else None
    found, expected = moments_of(X, weights), slow_moments(X, weights)
    assert np.allclose(found[0], expected[0].astype(float), DIGITS[dtype][0], 1e-7)
    assert close(found[1], expected[1], DIGITS[dtype][1])


# --- where the fast way loses digits --------------------------------------------------

#: name: (factor, offset) of a column whose deviation is about 1.
COLUMNS = {
    "plain": (1.0, 0.0),
    "small": (1e-3, 0.0),
    "large": (1e3, 2e3),
    "mild offset": (1.0, 10.0),
    "offset": (1.0, 1e6),
    "far": (1.0, -1e10),
    "huge": (1e200, 0.0),
    "huge and far": (1e190, 1e200),
    "at the end": (1e307, 0.0),
    "tiny": (1e-200, 0.0),
    "tiny and far": (1e-210, -1e-200),
    "at the beginning": (1e-300, 0.0),
    "next to overflow": (1e150, 0.0),
    "next to underflow": (1e-150, 0.0),
    "empty": (0.0, 0.0),
    "one": (0.0, 1.0),
    "third": (0.0, 1 / 3),
    "large constant": (0.0, 1e200),
    "small constant": (0.0, -1e-200),
}
SINGLE_COLUMNS = {
    "plain": (1.0, 0.0),
    "mild offset": (1.0, 10.0),
    "offset": (1.0, 50.0),
    "far": (1.0, -1e4),
    "huge": (1e30, 0.0),
    "tiny": (1e-30, 0.0),
    "next to overflow": (1e18, 0.0),
    "next to underflow": (1e-18, 0.0),
    "empty": (0.0, 0.0),
    "third": (0.0, 1 / 3),
    "large constant": (0.0, 1e30),
}


def columns_of(kinds, n=400, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, len(kinds)))
    x = np.clip(x, -3, 3)
    factors, offsets = np.array(kinds).T
    return x * factors + offsets


def assert_right(X, weights, make, rtol):
    mean, deviation = moments_of(make(X), weights)
    slow_mean, slow_deviation = slow_moments(X, weights)
    size = np.maximum(np.abs(slow_mean), slow_deviation)
    assert np.all(np.abs(mean - slow_mean) <= rtol * size)
    # A deviation is known to the rounding of the mean.
    eps = np.finfo(np.float64).eps
    slack = rtol * slow_deviation + 2 * eps * np.abs(slow_mean)
    assert np.all(np.abs(deviation - slow_deviation) <= slack)


@kinds
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("column", COLUMNS)
def test_moments_of_a_column(make, weighted, column):
    X = columns_of([COLUMNS[column]])
    w = np.random.default_rng(1).integers(0, 4, len(X)) if weighted else None
    assert_right(X, w, make, 1e-6)


@kinds
@pytest.mark.parametrize("weighted", [False, True])
def test_columns_of_all_kinds_side_by_side(make, weighted, monkeypatch):
    X = columns_of([*COLUMNS.values()])
    w = np.random.default_rng(1).integers(0, 4, len(X)) if weighted else None
    assert_right(X, w, make, 1e-6)
    found = moments_of(make(X), w)
    order = np.random.default_rng(2).permutation(X.shape[1])
    for one, other in zip(found, moments_of(make(X[:, order]), w)):
        assert np.allclose(one[order], other, rtol=1e-9, atol=0)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 8)
    assert_right(X, w, make, 1e-6)


@kinds
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("column", SINGLE_COLUMNS)
def test_float32_columns(make, weighted, column):
    X = columns_of([SINGLE_COLUMNS[column], (1.0, 0.0)]).astype(np.float32)
    w = np.random.default_rng(1).integers(0, 4, len(X)) if weighted else None
    assert_right(X, w, make, 1e-3)


@kinds
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e150, 1e-150, 1e300])
def test_moments_of_any_scale(make, scale):
    X, _, _ = draw()
    mean, deviation = moments_of(make(X * scale))
    expected = slow_moments(X)
    assert np.allclose(mean / scale, expected[0].astype(float), rtol=1e-12)
    assert np.allclose(deviation / scale, expected[1].astype(float), rtol=1e-12)


@kinds
@pytest.mark.parametrize("offset", [1e8, -1e9, 1e10])
def test_moments_survive_a_large_offset(make, offset):
    X = offset + np.random.default_rng(0).standard_normal((200, 3))
    mean, deviation = moments_of(make(X))
    expected = np.array([math.fsum(column) / len(X) for column in X.T])
    assert close(mean, expected, 1e-15)
    assert np.allclose(deviation, X.std(axis=0), rtol=1e-6)


@kinds
@pytest.mark.parametrize("offset", [1e8, 1e10])
def test_an_offset_is_survived_in_many_rows(make, offset):
    """That the shares of all rows add up to 1 but for rounding costs no digits."""
    X = np.full((30_000, 2), offset)
    X[::2] += [1.0, 2.0]
    mean, deviation = moments_of(make(X))
    assert close(mean, X[0] - [0.5, 1.0], 1e-15)
    assert close(deviation, np.array([0.5, 1.0]), 1e-5)


# --- constant columns -----------------------------------------------------------------


@kinds
@floats
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [50, 1000, 70_000])
def test_constant_columns_have_no_deviation(make, dtype, weighted, n):
    """Not even the rounding errors of a long sum, which would pass for one."""
    values = np.array([0.0, 1.0, 0.3, -7.3, 1e9 / 3], dtype)
    w = np.random.default_rng(0).random(n) if weighted else None
    mean, deviation = moments_of(make(np.tile(values, (n, 1))), w)
    eps = np.finfo(np.float64).eps
    assert close(mean, values.astype(float), 2 * eps)
    assert close(deviation, 0 * mean, 0) or np.all(deviation <= 2 * eps * np.abs(mean))


@kinds
def test_constants_of_any_scale(make):
    X = np.tile([0.0, 3.0, 1e200, -1e-200], (50, 1))
    mean, deviation = moments_of(make(X))
    assert close(mean, X[0], 1e-15)
    assert np.all(deviation <= 1e-15 * np.abs(mean))


@pytest.mark.parametrize("offset", [5.0, 20.0, 40.0, 51.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_float32_sums_of_many_rows_keep_the_deviation(offset, weighted):
    """Round numbers, whose sums err to one side."""
    rng = np.random.default_rng(0)
    X = (rng.integers(-1, 2, (100_000, 2)) + offset).astype(np.float32)
    w = rng.random(len(X)) if weighted else None
    mean, deviation = moments_of(X, w)
    expected = slow_moments(X, w)
    assert close(mean, expected[0], 1e-5)
    assert close(deviation, expected[1], 0.01)


# --- sparse ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", KINDS[1:], ids=["array", "matrix"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
def test_zeros_count_whether_stored_or_not(make, weighted, scale):
    X, _, _ = draw()
    X *= scale
    w = np.random.default_rng(1).integers(0, 4, len(X)) if weighted else None
    stored = make(np.where(X == 0, 9.0, X))
    stored.data[stored.data == 9.0] = 0.0
    assert stored.nnz == X.size
    expected = slow_moments(X / scale, w)
    for given in [make(X), stored]:
        for found, slow in zip(moments_of(given, w), expected):
            assert np.allclose(found / scale, slow.astype(float), rtol=1e-12)


@pytest.mark.parametrize("make", KINDS[1:], ids=["array", "matrix"])
@pytest.mark.parametrize("value", [1.0, 1e5, 1e10, 1e200, 1e-200])
@pytest.mark.parametrize("n", [4, 400, 40_000])
def test_a_column_of_a_few_large_entries(make, value, n):
    """The deviation of a value in a quarter of the rows is its mean times sqrt(3)."""
    column = np.zeros((n, 1))
    column[::4] = value
    mean, deviation = moments_of(make(column))
    assert mean == pytest.approx(value / 4, rel=1e-12)
    assert deviation == pytest.approx(3**0.5 * value / 4, rel=1e-11)


@pytest.mark.parametrize("make", KINDS[1:], ids=["array", "matrix"])
def test_a_matrix_that_stores_nothing(make):
    for found in moments_of(make(np.zeros((70, 3)))):
        assert np.array_equal(found, np.zeros(3))


# --- the rest -------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_moments_ignore_rows_without_weight(make, offset):
    X = draw()[0] + offset
    weights = np.r_[np.ones(150), np.zeros(150)]
    X[200] = 1e12  # but for a digit or two
    mean, deviation = moments_of(make(X), weights)
    expected = slow_moments(X[:150])
    assert np.allclose(mean, expected[0].astype(float), rtol=1e-12)
    assert np.allclose(deviation, expected[1].astype(float), rtol=1e-6)


@kinds
@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_moments_do_not_mind_the_size_of_weights(make, factor):
    X, _, weights = draw(weighting="row")
    one, other = moments_of(make(X), weights), moments_of(make(X), factor * weights)
    assert np.allclose(one, other, rtol=1e-12)


@kinds
@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_moments_change_nothing(make, scale):
    X, _, weights = draw(weighting="row")
    X *= scale
    kept, weights_kept = X.copy(), weights.copy()
    X = make(X)
    moments_of(X, weights)
    assert np.array_equal(dense(X), kept)
    assert np.array_equal(weights, weights_kept)


@pytest.mark.parametrize("where", [0, 2, 3])
def test_columns_are_measured_carefully_only_where_needed(where, monkeypatch):
    asked = []
    careful = moments._around_mean

    def noting(given, total, columns, unit):
        asked.extend(columns)
        return careful(given, total, columns, unit)

    monkeypatch.setattr(moments, "_around_mean", noting)
    X = np.random.default_rng(0).standard_normal((100, 4))
    moments_of(X)
    assert asked == []
    X[:, where] += 1e6
    moments_of(X)
    assert asked == [where]


@kinds
@pytest.mark.parametrize("n", [20, 300, 3000])
@pytest.mark.parametrize("share", [0.0, 0.02])
def test_a_glance_spares_only_columns_that_are_as_usual(make, n, share, monkeypatch):
    """Most columns are clear at a glance; what is said of all is as without one."""
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, 12))
    X[:, 3:6] = rng.random((n, 3)) < 0.1  # mostly zeros
    absurd = rng.permutation(n)[: int(share * n)]
    X[np.ix_(absurd, [1, 4, 7])] = 1e9
    X = make(X)
    codes = np.zeros((n, 1), int)
    _, at_a_glance = measured(Rows(X, codes))
    monkeypatch.setattr(moments, "GLANCE", 1)  # from which nothing is off
    _, carefully = measured(Rows(X, codes))
    for of, expected in zip(at_a_glance, carefully):
        assert np.array_equal(of, expected)
    assert (at_a_glance[2].max() > 1) == (share * n > 5)
