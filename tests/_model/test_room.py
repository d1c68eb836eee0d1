"""Batches in one room: as new copies of the rows, in the same memory."""

import copy
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._ascent import Adam, Batches, FixedRate, Gradient, Momentum, epochs
from skneuron._model import Categorical, Joint, Network, Objective, Rows, Standardised
from skneuron._model import room as room_module
from skneuron._model import rows as rows_module
from skneuron._model.likelihood import Bernoulli
from skneuron._model.room import Room

N, P = 40, 5
LIKELIHOODS = [Bernoulli(), Bernoulli(2), Categorical(3)]
LIKELIHOODS += [Joint([Bernoulli(), Categorical(3)])]

every = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=["b", "bb", "c", "bc"])
floats = pytest.mark.parametrize("dtype", [np.float64, np.float32])
weightings = pytest.mark.parametrize("weighting", [None, "row", "output"])
makes = pytest.mark.parametrize(
    "make",
    [np.asarray, np.asfortranarray, lambda X: np.repeat(X, 2, 1)[:, ::2], sp.csr_array],
    ids=["C", "F", "strided", "sparse"],
)


def draw(likelihood, weighting=None, dtype=np.float64, make=np.asarray, n=N):
    rng = np.random.default_rng(0)
    X = make(rng.standard_normal((n, P)).astype(dtype) + 2)
    codes = rng.integers(0, 2, (n, likelihood.n_outputs))
    shape = {None: None, "row": n, "output": codes.shape}[weighting]
    weights = None if shape is None else rng.random(shape).astype(dtype)
    return Rows(X, codes, weights)


def batches():
    order = np.random.default_rng(1).permutation(N)
    return [
        order[:16],
        order[16:32],
        order[32:],
        slice(0, 16),
        slice(32, 48),
        order[:1],
    ]


@every
@weightings
@makes
@floats
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("block", [1 << 20, 1])
def test_take_is_a_new_copy(
    likelihood, weighting, make, dtype, centre, block, monkeypatch
):
    rows = draw(likelihood, weighting, dtype, make)
    if centre and isinstance(rows.X, np.ndarray):
        monkeypatch.setattr(rows_module, "BLOCK_BYTES", block)
        monkeypatch.setattr(room_module, "block_rows", lambda row_bytes: 3)
        rows.centre = np.arange(P, dtype=dtype), 2.0 ** np.arange(P).astype(dtype)
    kept = copy.deepcopy(rows)
    room = Room(Network((P, 3, likelihood.n_logits)), rows, 16)
    for at in batches():
        found, (expected,) = room.take(rows, at), rows.take(at).blocks(0)
        assert found.centre is None and found.n_rows == expected.n_rows
        assert found.X.dtype == dtype
        for name in ["X", "codes", "weights"]:
            one, other = getattr(found, name), getattr(expected, name)
            if one is not None:
                assert (one != other).sum() == 0
    for name in ["X", "codes", "weights"]:
        if getattr(rows, name) is not None:
            assert (getattr(rows, name) != getattr(kept, name)).sum() == 0


@every
@weightings
@makes
@floats
@pytest.mark.parametrize(
    "hidden, activation",
    [
        ((), "logistic"),
        ((4,), "logistic"),
        ((4, 3), "tanh"),
        ((4,), "relu"),
        ((4, 3), "identity"),
    ],
)
def test_parts_in_a_room_are_parts(
    likelihood, weighting, make, dtype, hidden, activation
):
    rows = draw(likelihood, weighting, dtype, make)
    network = Network((P, *hidden, likelihood.n_logits), activation)
    theta = np.random.default_rng(2).standard_normal(network.n_parameters).astype(dtype)
    tol = 1e-12 if dtype == np.float64 else 1e-4
    for reduction in ["mean", "sum"]:
        objective = Objective(network, likelihood, rows, 0.3, reduction)
        part = objective.parts(16, whole_penalty=True)
        for at in batches():
            one = part(at).evaluate(theta)
            other = objective.part(at, whole_penalty=True).evaluate(theta)
            assert one.gradient.dtype == dtype
            assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=tol)
            assert one.value == pytest.approx(other.value, rel=tol)
            assert np.allclose(one.gradient, other.gradient, tol, tol)


@makes
@floats
@pytest.mark.parametrize("l2", [0.0, 2.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_parts_of_standardised_coordinates(make, dtype, l2, fit_intercept, monkeypatch):
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 100)  # as for many rows
    rows = draw(Categorical(3), "row", dtype, make)
    network = Network((P, 4, 3), "logistic", fit_intercept)
    standardised = Standardised(Objective(network, Categorical(3), rows, l2))
    assert standardised._pulls
    theta = np.random.default_rng(2).standard_normal(network.n_parameters).astype(dtype)
    tol = 1e-10 if dtype == np.float64 else 1e-4
    part = standardised.parts(16, whole_penalty=False)
    for at in batches():
        one = part(at).evaluate(theta)
        other = standardised.part(at, whole_penalty=False).evaluate(theta)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=tol)
        assert one.value == pytest.approx(other.value, rel=tol)
        assert np.allclose(one.gradient, other.gradient, tol, tol)


def test_a_large_batch_takes_no_room(monkeypatch):
    monkeypatch.setattr(room_module, "MOST_BYTES", 100)
    rows = draw(Categorical(3))
    objective = Objective(Network((P, 4, 3)), Categorical(3), rows)
    theta = np.ones(objective.n_parameters)
    part = objective.parts(16, whole_penalty=False)
    one, other = part(slice(0, 16)), part(slice(16, 32))
    here, there = one.evaluate(theta), other.evaluate(theta)
    assert not np.shares_memory(here.gradient, there.gradient)
    expected = objective.part(slice(0, 16), whole_penalty=False).evaluate(theta)
    assert np.array_equal(here.gradient, expected.gradient)


@floats
@pytest.mark.parametrize("make", [Adam, lambda: Momentum(0.9), Gradient])
def test_an_epoch_takes_no_memory(make, dtype):
    """But for what an epoch takes once, and some numbers a row for the likelihood."""
    rng = np.random.default_rng(0)
    n, p, size = 2000, 300, 50
    rows = Rows(rng.random((n, p)).astype(dtype), rng.integers(0, 3, (n, 1)))
    network = Network((p, 200, 3))
    objective = Standardised(Objective(network, Categorical(3), rows))
    theta = network.random_start(rng).astype(dtype)
    walk = epochs(
        objective,
        theta,
        make(),
        FixedRate(1e-3),
        Batches(n, size, np.random.RandomState(0)),
        whole_penalty=True,
        exact=False,
        monotone=False,
    )
    next(walk), next(walk)
    tracemalloc.start()
    try:
        next(walk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The epoch's own copy of theta, the order of its rows, and the 64 kB that NumPy
    # holds ready for every call that broadcasts.
    assert peak < theta.nbytes + 8 * n + 10 * size * 3 * 8 + 100_000
