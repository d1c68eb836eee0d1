"""What batches in one room say: what they say one by one, without new memory."""

import tracemalloc

import numpy as np
import pytest
from some_rows import P, batches, draw, every, floats, makes, weightings

from skneuron._ascent import Adam, Batches, FixedRate, Gradient, Momentum, epochs
from skneuron._model import (
    Categorical,
    Network,
    Objective,
    Rows,
    Standardised,
    mini_batches,
)
from skneuron._model import rows as rows_module


@every
@weightings
@makes
@floats
@pytest.mark.parametrize(
    "hidden, activation",
    [
        ((), "identity"),
        ((4, 3), "logistic"),
        ((4,), "relu"),
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
        for whole in [True, False]:
            part = objective.parts(16, whole_penalty=whole)
            moved = theta.copy()
            for at in batches():
                moved *= 0.9  # in place, as a climb does
                other = objective.part(at, whole_penalty=whole).evaluate(moved)
                log_likelihood, gradient = part(at, moved)
                assert gradient.dtype == dtype
                assert log_likelihood == pytest.approx(other.log_likelihood, rel=tol)
                assert np.allclose(gradient, other.gradient, tol, tol)


@floats
def test_parts_at_parameters_of_another_float_type(dtype):
    rows = draw(Categorical(3), "row", dtype)
    network = Network((P, 4, 3))
    objective = Objective(network, Categorical(3), rows, 0.3)
    other_type = np.float32 if dtype == np.float64 else np.float64
    theta = np.random.default_rng(2).standard_normal(network.n_parameters)
    theta = theta.astype(other_type)
    part = objective.parts(16, whole_penalty=True)
    for at in batches():
        theta *= 0.9
        other = objective.part(at, whole_penalty=True).evaluate(theta)
        log_likelihood, gradient = part(at, theta)
        assert gradient.dtype == other_type
        assert log_likelihood == pytest.approx(other.log_likelihood, rel=1e-5)
        assert np.allclose(gradient, other.gradient, 1e-4, 1e-5)


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
        other = standardised.part(at, whole_penalty=False).evaluate(theta)
        log_likelihood, gradient = part(at, theta)
        assert log_likelihood == pytest.approx(other.log_likelihood, rel=tol)
        assert np.allclose(gradient, other.gradient, tol, tol)


def test_a_large_batch_takes_no_room(monkeypatch):
    monkeypatch.setattr(mini_batches, "MOST_BYTES", 100)
    rows = draw(Categorical(3))
    objective = Objective(Network((P, 4, 3)), Categorical(3), rows)
    theta = np.ones(objective.n_parameters)
    part = objective.parts(16, whole_penalty=False)
    (_, here), (_, there) = part(slice(0, 16), theta), part(slice(16, 32), theta)
    assert not np.shares_memory(here, there)
    expected = objective.part(slice(0, 16), whole_penalty=False).evaluate(theta)
    assert np.allclose(here, expected.gradient, 1e-12, 1e-12)


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
