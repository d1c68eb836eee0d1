"""Sums over rows: by the formulas, and those of parts put together."""

from functools import partial

import numpy as np
import pytest
from some_rows import draw, every, makes, weightings

from skneuron._model import Network, log_likelihood
from skneuron._model import sums as of_rows
from skneuron._model.likelihood import by_output
from skneuron._model.sums import Sums, over_rows, times_squares


def test_sums_of_parts_add_up():
    one = Sums(1.0, np.ones(2), {(0, 0): np.eye(2)})
    both = one + Sums(2.0, np.arange(2.0), {(0, 0): np.ones((2, 2))})
    assert both.log_likelihood == 3.0
    np.testing.assert_array_equal(both.gradient, [1.0, 2.0])
    np.testing.assert_array_equal(both.pairs[0, 0], np.eye(2) + 1)


@every
@weightings
@makes
def test_sums_are_those_of_the_formulas(likelihood, weighting, make):
    rows = draw(likelihood, weighting, make=make)
    network = Network([rows.X.shape[1], likelihood.n_logits], "identity")
    theta = np.random.default_rng(2).standard_normal(network.n_parameters)
    sums = over_rows(network, likelihood, theta, rows, order=2)
    X = rows.X.toarray() if hasattr(rows.X, "toarray") else rows.X
    ((W, b),) = network.layers(theta)
    log_prob = likelihood.log_prob(X @ W + b, rows.codes)
    w = 1.0 if rows.weights is None else by_output(rows.weights)
    np.testing.assert_allclose(sums.log_likelihood, (w * log_prob).sum(), rtol=1e-12)
    alone = log_likelihood(network, likelihood, theta, rows)
    np.testing.assert_allclose(alone, sums.log_likelihood, rtol=1e-13)

    def value(theta):
        return log_likelihood(network, likelihood, theta, rows)

    step = 1e-6
    for j, slope in enumerate(sums.gradient):
        d = step * (np.arange(len(theta)) == j)
        difference = (value(theta + d) - value(theta - d)) / (2 * step)
        np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-5)


def test_parts_of_rows_give_shares_of_their_sums():
    likelihood = every.args[1][2]
    rows = draw(likelihood, "row")
    network = Network([rows.X.shape[1], likelihood.n_logits], "identity")
    theta = np.random.default_rng(2).standard_normal(network.n_parameters)
    of = partial(over_rows, network, likelihood, theta, order=2)
    whole, first = of(rows), of(rows.take(slice(0, 17)))
    both = first + of(rows.take(slice(17, rows.n_rows)))
    np.testing.assert_allclose(both.log_likelihood, whole.log_likelihood, rtol=1e-13)
    np.testing.assert_allclose(both.gradient, whole.gradient, rtol=1e-11, atol=1e-12)
    for pair, square in whole.pairs.items():
        np.testing.assert_allclose(both.pairs[pair], square, rtol=1e-11, atol=1e-12)


@every
@weightings
@makes
@pytest.mark.parametrize("core", [True, False])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_times_squares(likelihood, weighting, make, core, sign, monkeypatch):
    if not core:
        monkeypatch.setattr(of_rows, "compiled", lambda *given: None)
    rows = draw(likelihood, weighting, make=make)
    network = Network([rows.X.shape[1], likelihood.n_logits], "identity")
    X = rows.X.toarray() if hasattr(rows.X, "toarray") else rows.X
    X1, w = np.c_[X, np.ones(len(X))], 1.0
    if rows.weights is not None:
        w = by_output(rows.weights).max(axis=1, keepdims=True)
        rows.weights = sign * rows.weights  # one that counts against the label
    expected = X1.T @ (w * X1)
    found = times_squares(network, None, 1.0, rows)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    for unit in [1.0, 7.0]:
        for directions in [np.eye(X1.shape[1]), np.ones((X1.shape[1], 2))]:
            found = times_squares(network, directions, unit, rows)
            product = expected @ directions / unit
            np.testing.assert_allclose(found, product, rtol=1e-10, atol=1e-10)
