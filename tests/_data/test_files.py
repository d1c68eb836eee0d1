"""Rows that are read when they are asked for, against indexing."""

import numpy as np
import pytest
from files import File

from skneuron._data import rows
from skneuron._data.files import OnDemand
from skneuron._data.rows import Rows


def test_rows_are_those_that_were_chosen():
    rng = np.random.default_rng(1)
    X = rng.integers(-100, 100, (1500, 4))
    first = rng.permutation(len(X))[:700]
    second = rng.integers(0, 700, 300)
    for source in (X, File(X)):
        some = OnDemand(OnDemand(source, float), float, first)
        np.testing.assert_array_equal(some[10:20], X[first[10:20]])
        np.testing.assert_array_equal(
            OnDemand(some, float, second)[:], X[first[second]]
        )
        np.testing.assert_array_equal(some[second], X[first[second]])
        assert some[second[:0]].shape == (0, 4)


def test_rows_are_read_in_the_units_that_were_asked_for():
    X = np.random.default_rng(1).standard_normal((300, 3))
    exponents = np.array([3, -5000, 0])
    with np.errstate(over="ignore"):
        expected = np.ldexp(X, -exponents)
        in_units = OnDemand(X, float, exponents=exponents)
        np.testing.assert_array_equal(in_units[5:20], expected[5:20])
        some = OnDemand(in_units, float, np.arange(100, 200))
        np.testing.assert_array_equal(some[[7, 2]], expected[[107, 102]])


@pytest.mark.parametrize("exponents", [None, np.array([1, 0, -2, 3])])
def test_rows_of_rows_in_units(exponents):
    X = np.random.default_rng(1).integers(-100, 100, (1500, 4), dtype=np.int8)
    at = np.arange(1400, 300, -7)
    expected = np.ldexp(
        X[::-1][at].astype(float), 0 if exponents is None else -exponents
    )
    for source in (X, File(X)):
        whole = OnDemand(source, float, np.arange(1499, -1, -1), exponents)
        np.testing.assert_array_equal(whole[at], expected)


@pytest.mark.parametrize("n_rows", [1000, 5000])
def test_a_sample_of_bytes_takes_no_more_than_a_block(n_rows):
    X = np.random.default_rng(1).integers(-100, 100, (20_000, 50), dtype=np.int8)
    codes = np.arange(20_000)[:, None]
    sample = Rows(OnDemand(X, float), codes).sample(n_rows)
    if n_rows == 1000:
        assert sample.X.nbytes == sample.n_rows * 50 * 8 <= rows.BLOCK_BYTES
    else:
        assert sample.X.source is X
    for block in sample.blocks(1):
        np.testing.assert_array_equal(block.X, X[block.codes[:, 0]])
