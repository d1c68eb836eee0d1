"""Rows that are set aside: as many of each class as its share, at random."""

import numpy as np
import pytest

from skneuron._model.aside import drawn, quotas


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_each_class_gives_its_share(seed, n_parts):
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 300, (n_parts, 4))
    found = quotas(100, counts)
    assert found.shape == counts.shape and np.all(found <= counts)
    share = counts.sum(axis=0) * 100 / counts.sum()
    assert np.all(abs(found.sum(axis=0) - share) <= 1)
    assert np.all(found.sum(axis=0) >= 1)


def test_a_small_class_is_on_both_sides():
    assert quotas(10, [[1000, 2, 0]]).tolist() == [[9, 1, 0]]
    assert quotas(900, [[1000, 2]]).tolist() == [[898, 1]]


def test_a_class_of_one_is_no_class_to_share_out():
    assert quotas(10, [[99, 1]]).tolist() == [[10]]
    assert quotas(10, [[30, 1], [69, 0]]).sum() == 10


@pytest.mark.parametrize("quota", [[3, 0, 20], [7]])
def test_as_many_as_asked_at_random(quota):
    codes = np.repeat([0, 1, 2], [10, 20, 30])
    times = np.zeros(60)
    for seed in range(2000):
        aside = drawn(codes, quota, seed)
        times += aside
        if len(quota) == 3:
            assert np.bincount(codes[aside], minlength=3).tolist() == quota
        else:
            assert aside.sum() == quota[0]
    np.testing.assert_array_equal(drawn(codes, quota, 5), drawn(codes, quota, 5))
    expected = np.repeat([3 / 10, 0, 20 / 30], [10, 20, 30])
    if len(quota) == 1:
        expected = np.full(60, 7 / 60)
    assert abs(times / 2000 - expected).max() < 0.06
