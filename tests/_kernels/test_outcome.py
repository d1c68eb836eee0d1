"""What is likely of logits: the kernel against loops, and against exact numbers."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from slow import (
    LIKELIHOODS,
    by_output,
    draw_codes,
    draw_weights,
    dtypes,
    floats,
    generic,
    likelihoods,
    n_rows,
    needs_core,
    of_row,
    seeds,
    threads,
    weightings,
)

from skneuron import _kernels
from skneuron._model import Likelihood, log_softmax

pytestmark = needs_core
EPS = {np.float64: 2.0**-52, np.float32: 2.0**-23}


def slow(z, codes, likelihood, weights):
    """Log-likelihood, probabilities and residuals."""
    w, widths = by_output(weights, len(z), likelihood), likelihood.widths.tolist()
    rows = [
        of_row(row, code, weight, widths)
        for row, code, weight in zip(z.tolist(), codes.tolist(), w.tolist())
    ]
    total = math.fsum(row[0] for row in rows)
    return total, *(np.array([row[i] for row in rows]) for i in (1, 2))


@given(likelihoods, dtypes, n_rows, weightings, seeds)
@settings(deadline=None, max_examples=60)
def test_of_any_logits_as_the_loops_and_as_the_generic_line(
    likelihood, dtype, n, weighting, seed
):
    rng = np.random.default_rng(seed)
    scale = rng.choice([1e-3, 1.0, 30.0, 1e6])
    z = (scale * rng.standard_normal((n, likelihood.n_logits))).astype(dtype)
    codes = draw_codes(rng, n, likelihood, rng.choice([np.int8, np.int32, np.int64]))
    weights = draw_weights(rng, n, likelihood, weighting, rng.choice([dtype, float]))
    total, y_hat, residual = slow(z, codes, likelihood, weights)
    kept, eps = z.copy(), EPS[dtype]
    near = {"rtol": 16 * eps, "atol": 16 * eps}  # weights are 2 at most
    # log(1 + e) of a softmax has the digits of 1.
    of_sum = {"rel": 32 * eps, "abs": 4 * eps * n * likelihood.n_outputs}

    found = likelihood.total(z, codes, weights)
    assert found == pytest.approx(total, **of_sum)
    np.testing.assert_array_equal(z, kept)
    np.testing.assert_allclose(likelihood.y_hat(z), y_hat, **near)
    np.testing.assert_array_equal(z, kept)
    both, place = likelihood.sum_and_residual(z, codes, weights)
    assert both == found and place is z
    np.testing.assert_allclose(z, residual, **near)

    with generic():
        both, place = likelihood.sum_and_residual(kept.copy(), codes, weights)
        assert both == pytest.approx(found, **of_sum)
        np.testing.assert_allclose(place, z, **near)


EXTREMES = [0.0, -0.0, 5e-324, -2.5e-310, 1e-150, 1.0, -40.0, 709.0, -746.0]
EXTREMES += [1e6, -1e6, 1e150, -1e150, 1e300, -1e300]
EXTREMES = {
    np.float64: EXTREMES,
    np.float32: [0.0, -0.0, 1e-45, -1e-39, 1.0, -17.0, 88.0, -104.0, 1e6, -1e6]
    + [1e18, -1e18, 1e35, -1e35],
}


@floats
@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda of: str(of.widths))
def test_no_logit_is_too_large_or_too_small(likelihood, dtype):
    rng = np.random.default_rng(0)
    z = rng.choice(EXTREMES[dtype], (300, likelihood.n_logits)).astype(dtype)
    codes = draw_codes(rng, len(z), likelihood)
    total, y_hat, residual = slow(z, codes, likelihood, None)
    eps, tiny = EPS[dtype], float(np.finfo(dtype).tiny)
    near = {"rtol": 8 * eps, "atol": 4 * eps}
    found = likelihood.total(z, codes)
    assert np.isfinite(found) and found == pytest.approx(total, rel=16 * eps)
    # Both tails keep their digits, down to the smallest regular number.
    p = likelihood.y_hat(z)
    np.testing.assert_allclose(p, y_hat, rtol=16 * eps, atol=4 * tiny)
    assert p.min() >= 0 and p.max() <= 1
    np.testing.assert_allclose(
        likelihood.sum_and_residual(z, codes)[1], residual, **near
    )


@floats
def test_one_class_with_all_probability_leaves_no_residual(dtype):
    z = np.array([[1e6, -1e6, 0.0], [0.0, 1e4, -1e4]], dtype)
    codes = np.array([[0], [1]])
    total, residual = Likelihood([3]).sum_and_residual(z, codes)
    assert total == 0
    np.testing.assert_array_equal(residual, 0)


# --- to the last digits ---------------------------------------------------------------

GRID = {
    np.float64: np.r_[-708:708:1001j, -1:1:301j, 2.0 ** np.arange(-60, 9)],
    np.float32: np.r_[-87:87:1001j, -1:1:301j, 2.0 ** np.arange(-30, 7)],
}


def exact(function, grid):
    """In 60 digits, of the very numbers of the grid."""
    with localcontext() as context:
        context.prec = 60
        return np.array([float(function(Decimal(float(x)))) for x in grid])


@floats
def test_a_sigmoid_is_right_to_the_last_digits(dtype):
    z = GRID[dtype].astype(dtype)
    expected = exact(lambda x: 1 / (1 + (-x).exp()), z)
    found = Likelihood([0]).y_hat(z[:, None])[:, 0].astype(np.float64)
    assert np.abs(found / expected - 1).max() <= 4 * EPS[dtype]


@floats
@pytest.mark.parametrize("code", [0, 1])
def test_a_log_likelihood_is_right_to_the_last_digits(dtype, code):
    """Of a single row, that is; relative to a value that may be 1e-300."""
    z, sign = GRID[dtype].astype(dtype), 1 if code else -1

    def log_sigmoid(x):
        e = (-x).exp()
        return -(e - e * e / 2 if x > 60 else (1 + e).ln())

    expected = exact(lambda x: log_sigmoid(sign * x), z)
    codes = np.array([[code]])
    found = [Likelihood([0]).total(at[None, None], codes) for at in z]
    assert np.abs(found / expected - 1).max() <= 4 * EPS[dtype]


@floats
def test_a_softmax_is_right_to_the_last_digits(dtype):
    rng = np.random.default_rng(0)
    z = (8 * rng.standard_normal((200, 4))).astype(dtype)
    with localcontext() as context:
        context.prec = 60
        e = [[Decimal(value).exp() for value in row] for row in z.tolist()]
        y_hat = np.array([[float(at / sum(row)) for at in row] for row in e])
        log_p = np.array([float((row[0] / sum(row)).ln()) for row in e])
    # The differences of logits are rounded.
    near = EPS[dtype] * (4 + np.abs(z).max())
    found = Likelihood([4]).y_hat(z).astype(np.float64)
    assert np.abs(found / y_hat - 1).max() <= near
    first = np.zeros((1, 1), int)
    found = np.array([Likelihood([4]).total(row[None], first) for row in z])
    assert np.abs(found - log_p).max() <= near
    assert np.abs(log_softmax(z)[:, 0] - log_p).max() <= near


# --- threads, and what can be worked on -----------------------------------------------


@floats
@pytest.mark.parametrize("n", [1, 255, 256, 257, 9000])
def test_the_same_bits_for_any_number_of_threads(dtype, n):
    rng = np.random.default_rng(0)
    likelihood = LIKELIHOODS[-1]
    z = rng.standard_normal((n, likelihood.n_logits)).astype(dtype)
    codes = draw_codes(rng, n, likelihood)
    results = []
    for n_threads in (1, 1, 2, 3, 8):
        with threads(n_threads):
            results.append(likelihood.sum_and_residual(z.copy(), codes))
    for total, residual in results[1:]:
        assert total == results[0][0]
        np.testing.assert_array_equal(residual, results[0][1])


def test_only_arrays_without_gaps_that_may_be_written_to_are_worked_on():
    z = np.zeros((4, 3))
    frozen = z.copy()
    frozen.flags.writeable = False
    assert _kernels.takes(z)
    unaligned = np.zeros(33, np.uint8)[1:].view(float)
    for other in [z.T, z[:, ::2], z[:0], frozen, unaligned, z.tolist()]:
        assert not _kernels.takes(other)
    for dtype in (">f8", np.float16, int, complex):
        assert not _kernels.takes(z.astype(dtype))
    # ... and the generic line takes all of them.
    codes = np.zeros((4, 1), int)
    for other in (frozen, np.zeros((3, 4)).T, z.astype(">f8")):
        total, residual = Likelihood([3]).sum_and_residual(other, codes)
        assert total == pytest.approx(-4 * np.log(3))
        np.testing.assert_allclose(residual, np.tile([2, -1, -1], (4, 1)) / 3)
