"""Rows: blocks that tile, and moments against np.average."""

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._model import Rows, rows
from skneuron._model.rows import block_rows

KINDS = [np.asarray, sp.csr_array, sp.csr_matrix]
kinds = pytest.mark.parametrize("make", KINDS, ids=["dense", "array", "matrix"])
weightings = pytest.mark.parametrize("weighting", ["none", "row", "output"])


def draw(n=300, p=4, m=2, weighting="none", seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) + [5.0, 0, -1, 2][:p]) * (rng.random((n, p)) > 0.4)
    weights = {
        "none": None,
        "row": rng.integers(0, 4, n).astype(float),
        "output": rng.random((n, m)),
    }[weighting]
    return X, rng.integers(0, 2, (n, m)), weights


def dense(X):
    return X.toarray() if sp.issparse(X) else X


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
    X, codes, weights = draw(weighting=weighting)
    whole = Rows(make(X), codes, weights)
    blocks = list(whole.blocks(10**6))
    assert len(blocks) > 3
    assert np.array_equal(np.concatenate([dense(b.X) for b in blocks]), X)
    assert np.array_equal(np.concatenate([b.codes for b in blocks]), codes)
    if weights is not None:
        assert np.array_equal(np.concatenate([b.weights for b in blocks]), weights)
    total = sum(block.total_weight for block in blocks)
    assert total == pytest.approx(whole.total_weight)


def test_few_rows_are_one_block():
    whole = Rows(*draw())
    assert list(whole.blocks(1)) == [whole]


@weightings
@pytest.mark.parametrize("width", [1, 10**6], ids=["one block", "blocks"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centred_rows_are_standardised_block_by_block(weighting, width, dtype):
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


@pytest.mark.parametrize("row_bytes", [0, 1, 8, 1000, 10**9])
def test_a_block_fits_the_cache_unless_rows_are_very_wide(row_bytes):
    size = block_rows(row_bytes)
    assert size >= 64
    assert size == 64 or size * row_bytes <= rows.BLOCK_BYTES


# --- moments --------------------------------------------------------------------------


def slow_moments(X, weights):
    mean = np.average(X, axis=0, weights=weights)
    return mean, np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))


@kinds
@weightings
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments(make, weighting, dtype):
    X, codes, weights = draw(weighting=weighting)
    X = X.astype(dtype)
    mean, deviation = Rows(make(X), codes, weights).column_moments()
    # Weights that differ between the outputs leave the features' own moments.
    expected = slow_moments(
        X.astype(float), weights if weighting == "row" else np.ones(len(X))
    )
    assert mean.dtype == deviation.dtype == np.float64
    assert np.allclose(mean, expected[0], rtol=1e-12)
    assert np.allclose(deviation, expected[1], rtol=1e-12)


@kinds
def test_moments_over_many_blocks(make, monkeypatch):
    X, codes, weights = draw(weighting="row")
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1)
    found = Rows(make(X), codes, weights).column_moments()
    assert np.allclose(found, slow_moments(X, weights), rtol=1e-12)


@kinds
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e150, 1e-150, 1e300])
def test_moments_of_any_scale(make, scale):
    X, codes, _ = draw()
    with np.errstate(all="raise", under="ignore"):
        mean, deviation = Rows(make(X * scale), codes).column_moments()
    expected = slow_moments(X, None)
    assert np.allclose(mean / scale, expected[0], rtol=1e-12)
    assert np.allclose(deviation / scale, expected[1], rtol=1e-12)


@kinds
def test_moments_of_constant_columns(make):
    X = np.tile([0.0, 3.0, 1e200, -1e-200], (50, 1))
    mean, deviation = Rows(make(X), np.zeros((50, 1), int)).column_moments()
    assert np.allclose(mean, X[0], rtol=1e-13, atol=0)
    assert np.all(deviation <= 1e-13 * np.abs(mean))


@kinds
def test_moments_survive_a_large_offset(make):
    rng = np.random.default_rng(0)
    X = 1e8 + rng.standard_normal((200, 3))
    mean, deviation = Rows(make(X), np.zeros((200, 1), int)).column_moments()
    assert np.allclose(mean, X.mean(axis=0), rtol=1e-15)
    assert np.allclose(deviation, X.std(axis=0), rtol=1e-6)


@kinds
def test_moments_ignore_rows_without_weight(make):
    X, codes, _ = draw()
    weights = np.r_[np.ones(150), np.zeros(150)]
    found = Rows(make(X), codes, weights).column_moments()
    assert np.allclose(found, slow_moments(X[:150], None), rtol=1e-12)


@kinds
def test_moments_change_nothing(make):
    X, codes, weights = draw(weighting="row")
    kept, weights_kept = X.copy(), weights.copy()
    X = make(X)
    Rows(X, codes, weights).column_moments()
    assert np.array_equal(dense(X), kept)
    assert np.array_equal(weights, weights_kept)
