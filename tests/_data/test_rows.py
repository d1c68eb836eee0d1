"""Rows: blocks and samples, against the same rows taken one by one."""

import numpy as np
import pytest
import scipy.sparse as sp
from tables import KINDS, dense, draw, kinds, weightings

from skneuron._arrays import adjoint
from skneuron._data import rows
from skneuron._data.files import OnDemand
from skneuron._data.rows import Rows, block_rows, take_rows


@weightings
def test_total_weight(weighting):
    X, codes, weights = draw(weighting=weighting)
    total = 0.0
    for i in range(len(X)):
        if weights is None:
            total += 1.0
        elif weights.ndim == 1:
            total += weights[i]
        else:  # the outputs' mean
            total += sum(weights[i]) / len(weights[i])
    assert Rows(X, codes, weights).total_weight == pytest.approx(total)


@kinds
@weightings
@pytest.mark.parametrize(
    "at", [slice(3, 9), np.array([5, 1, 1, 7]), slice(295, 400)], ids=str
)
def test_take(make, weighting, at):
    X, codes, weights = draw(weighting=weighting)
    part = Rows(make(X), codes, weights).take(at)
    assert np.array_equal(dense(part.X), X[at])
    assert np.array_equal(part.codes, codes[at])
    assert part.n_rows == len(X[at])
    if weights is None:
        assert part.weights is None
    else:
        assert np.array_equal(part.weights, weights[at])


@kinds
@weightings
def test_blocks_tile_the_rows(make, weighting):
    X, codes, weights = draw(n=1100, weighting=weighting)
    whole = Rows(make(X), codes, weights)
    blocks = list(whole.blocks(10**6))
    assert len(blocks) > 3
    assert np.array_equal(np.concatenate([dense(b.X) for b in blocks]), X)
    assert np.array_equal(np.concatenate([b.codes for b in blocks]), codes)
    if weights is not None:
        assert np.array_equal(np.concatenate([b.weights for b in blocks]), weights)
    total = sum(block.total_weight for block in blocks)
    assert total == pytest.approx(whole.total_weight)


@kinds
@pytest.mark.parametrize("intercept", [True, False])
def test_products_are_with_a_column_of_ones_where_it_has_weights(make, intercept):
    X, codes, _ = draw(n=1100)
    X1 = np.hstack([X, np.ones((len(X), int(intercept)))])
    weights = np.random.default_rng(0).standard_normal((X1.shape[1], 3))
    read = list(Rows(make(X), codes).products(weights, 10**6))
    assert len(read) > 3
    found = np.concatenate([product for _, product in read])
    np.testing.assert_allclose(found, X1 @ weights, rtol=1e-12, atol=1e-12)
    back = sum(adjoint(block.X, product, len(weights)) for block, product in read)
    np.testing.assert_allclose(back, X1.T @ X1 @ weights, rtol=1e-10)


def test_few_rows_are_one_block():
    whole = Rows(*draw())
    (block,) = whole.blocks(1)
    assert block.n_rows == whole.n_rows and np.shares_memory(block.X, whole.X)


@weightings
@pytest.mark.parametrize("width", [1, 10**6], ids=["one block", "blocks"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centred_rows_are_standardised_block_by_block(
    weighting, width, dtype, monkeypatch
):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 4000)  # less than X takes
    X, codes, weights = draw(weighting=weighting)
    X = X.astype(dtype)
    kept = X.copy()
    mean, scale = np.array([5.0, 0.25, -1, 2]), np.array([0.5, 2.0, 1, 4])
    whole = Rows(X, codes, weights).centred(mean, scale)
    for centred, at in [(whole, slice(None)), (whole.take([5, 1, 1]), [5, 1, 1])]:
        blocks = list(centred.blocks(width))
        found = np.concatenate([block.X for block in blocks])
        assert found.dtype == dtype
        assert np.array_equal(found, ((X - mean) / scale)[at].astype(dtype))
        assert np.array_equal(np.concatenate([b.codes for b in blocks]), codes[at])
        total = sum(block.total_weight for block in blocks)
        assert total == pytest.approx(centred.total_weight)
        # A block is not standardised twice.
        assert all(block.centre is None for block in blocks)
    assert whole.X is X and np.array_equal(X, kept)


@weightings
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_rows_are_standardised_at_once(weighting, dtype):
    X, codes, weights = draw(weighting=weighting)
    X = X.astype(dtype)
    kept = X.copy()
    mean, scale = np.array([5.0, 0.25, -1, 2]), np.array([0.5, 2.0, 1, 4])
    centred = Rows(X, codes, weights).centred(mean, scale)
    (block,) = centred.blocks(1)
    assert centred.centre is None and np.shares_memory(block.X, centred.X)
    assert centred.X.dtype == dtype and centred.n_rows == len(X)
    assert np.array_equal(centred.X, ((X - mean) / scale).astype(dtype))
    assert np.array_equal(centred.codes, codes)
    assert np.array_equal(centred.weights, weights)
    assert np.array_equal(X, kept)


@pytest.mark.parametrize("row_bytes", [0, 1, 8, 1000, 10**9])
def test_a_block_fits_the_cache_unless_rows_are_very_wide(row_bytes):
    size = block_rows(row_bytes)
    assert size >= 64
    assert size == 64 or size * row_bytes <= rows.BLOCK_BYTES


def test_blocks_have_at_least_64_rows_but_for_the_last():
    whole = Rows(*draw())
    sizes = [block.n_rows for block in whole.blocks(10**6)]
    assert len(sizes) > 1 and sum(sizes) == whole.n_rows
    assert set(sizes[:-1]) == {64}
    assert sizes[-1] <= 64


def test_blocks_of_dense_rows_are_read_in_place():
    X, codes, weights = draw(n=3000, weighting="row")
    for block in Rows(X, codes, weights).blocks(10**6):
        assert np.shares_memory(block.X, X)
        assert np.shares_memory(block.codes, codes)
        assert np.shares_memory(block.weights, weights)


def test_wide_dense_rows_are_read_in_blocks_however_little_comes_of_them(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 100 * 4 * 8)
    X, codes, _ = draw()
    sizes = [block.n_rows for block in Rows(X, codes).blocks(0)]
    assert sizes == [100, 100, 100]


@pytest.mark.parametrize("make", KINDS[1:], ids=["array", "matrix"])
@pytest.mark.parametrize(
    "at", [slice(3, 9), slice(0, 300), slice(290, 999), slice(7, 7), slice(300, 400)]
)
def test_taking_a_slice_of_sparse_rows(make, at):
    X = make(draw()[0])
    kept = X.copy()
    found = take_rows(X, at)
    assert type(found) is type(X) and found.dtype == X.dtype
    assert np.array_equal(dense(found), dense(X)[at])
    if found.nnz > X.nnz / 2:  # SciPy copies what is a small part of an array
        assert np.shares_memory(found.data, X.data)
        assert np.shares_memory(found.indices, X.indices)
    assert np.array_equal(dense(X), dense(kept))


@pytest.mark.parametrize("make", KINDS[1:], ids=["array", "matrix"])
def test_taken_sparse_rows_can_be_taken_from_and_multiplied(make):
    X = draw()[0]
    found = take_rows(take_rows(make(X), slice(20, 90)), slice(5, 30))
    v = np.arange(4.0)
    assert np.allclose(found @ v, X[25:50] @ v, rtol=1e-14)
    assert np.allclose(found.T @ np.ones(25), X[25:50].sum(axis=0), rtol=1e-13)


# --- samples --------------------------------------------------------------------------


def chosen(whole, n_rows):
    """The rows of a sample, by a column that numbers them."""
    X = dense(whole.X).copy()
    X[:, 0] = np.arange(len(X))
    numbered = Rows(type(whole.X)(X) if sp.issparse(whole.X) else X, whole.codes)
    blocks = numbered.sample(n_rows).blocks(1)
    return np.concatenate([dense(block.X)[:, 0] for block in blocks]).astype(int)


@pytest.mark.parametrize(
    ("make", "centred"),
    [*((make, False) for make in KINDS), (np.asarray, True)],
    ids=["dense", "array", "matrix", "centred"],
)
@weightings
@pytest.mark.parametrize("n_rows", [20, 90, 160, 700, 2300, 3000])
@pytest.mark.parametrize("width", [1, 10**6], ids=["wide blocks", "blocks"])
def test_a_sample_is_the_same_rows_taken(
    make, weighting, n_rows, width, centred, monkeypatch
):
    X, codes, weights = draw(n=3000, weighting=weighting)
    whole = Rows(make(X), codes, weights)
    if centred:
        monkeypatch.setattr(rows, "BLOCK_BYTES", 10_000)
        whole = whole.centred(np.array([5.0, 0.25, -1, 2]), np.array([0.5, 2.0, 1, 4]))
    at = chosen(whole, n_rows)
    sample, expected = whole.sample(n_rows), whole.take(at)
    assert sample.n_rows == expected.n_rows == len(at)
    assert sample.total_weight == pytest.approx(expected.total_weight, rel=1e-12)

    def read(of, name):
        parts = [getattr(block, name) for block in of.blocks(width)]
        return np.concatenate([dense(part) for part in parts])

    for name in ["X", "codes"] if weights is None else ["X", "codes", "weights"]:
        assert np.array_equal(read(sample, name), read(expected, name))
    blocks = list(sample.blocks(width))
    assert all(block.centre is None for block in blocks)
    total = sum(block.total_weight for block in blocks)
    assert total == pytest.approx(sample.total_weight, rel=1e-12)


@kinds
@pytest.mark.parametrize("n", [40, 300, 3000])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 1.0])
def test_a_sample_is_spread_over_the_rows_and_takes_none_twice(make, n, share):
    X, codes, _ = draw(n=n)
    n_rows = max(16, int(share * n))
    at = chosen(Rows(make(X), codes), n_rows)
    assert np.all(np.diff(at) > 0)
    assert n_rows - 16 < len(at) <= n_rows  # in 16 runs of one length
    assert at[0] == 0 and at[-1] == n - 1
    assert np.diff(at).max() <= n / 15 + 1


@kinds
@pytest.mark.parametrize("block_bytes", [1, 1000])
def test_a_sample_of_many_runs(make, block_bytes, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", block_bytes)
    X, codes, _ = draw(n=3000)
    for n_rows in [200, 2000]:
        at = chosen(Rows(make(X), codes), n_rows)
        assert np.all(np.diff(at) > 0)
        assert n_rows - max(16, n_rows // 64) <= len(at) <= n_rows
        assert at[0] == 0 and at[-1] == 2999


@pytest.mark.parametrize(
    "make", [*KINDS, lambda X: OnDemand(X, float)], ids=["dense", "a", "m", "on demand"]
)
@pytest.mark.parametrize("n_rows", [20, 64, 65, 1000])
def test_a_sample_is_read_in_place_but_for_little_that_is_dear_to_read(
    make, n_rows, monkeypatch
):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1)  # 64 rows
    X, codes, weights = draw(n=3000, weighting="row")
    whole = Rows(make(X), codes, weights)
    sample = whole.sample(n_rows)
    if n_rows <= 64 and not isinstance(whole.X, np.ndarray):
        assert len(sample.spans) == 1 and sample.X.shape[0] == sample.n_rows
    else:
        assert len(sample.spans) > 1
        assert sample.X is whole.X and sample.weights is whole.weights


@kinds
@weightings
def test_a_sample_changes_nothing(make, weighting):
    X, codes, weights = draw(n=500, weighting=weighting)
    kept = X.copy()
    whole = Rows(make(X), codes, weights)
    total = whole.total_weight
    for n_rows in [20, 400]:
        for block in whole.sample(n_rows).blocks(1):
            assert block.n_rows
    assert np.array_equal(dense(whole.X), kept)
    assert whole.n_rows == 500 and whole.total_weight == total
    assert [block.n_rows for block in whole.blocks(1)] == [500]


@kinds
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_largest_sizes_of_columns(make, dtype, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1000)
    X, codes, _ = draw()
    X = np.c_[X, 0 * X[:, 0], -abs(X[:, 0])].astype(dtype)
    found = Rows(make(X), codes).largest_sizes()
    np.testing.assert_array_equal(found, abs(X).max(axis=0))
