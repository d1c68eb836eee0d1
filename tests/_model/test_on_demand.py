"""Rows that are read when they are asked for, against indexing."""

import numpy as np
from files import File

from skneuron._model import OnDemand


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
