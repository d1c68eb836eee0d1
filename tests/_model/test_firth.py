"""Firth's penalty: value by determinants, gradient by central differences."""

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._ascent import Question
from skneuron._data.moments import measured
from skneuron._data.rows import Rows
from skneuron._model import Firth, Likelihood, Network, Objective, standardised
from skneuron._model.coordinates import Coordinates


def draw(make=np.asarray, intercept=True, weighted=False, n=40, d=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) > 0.3)
    codes = rng.integers(0, 2, (n, 1))
    weights = rng.integers(1, 4, n).astype(float) if weighted else None
    network = Network((d, 1), "identity", intercept)
    return Objective(network, Likelihood([0]), Rows(make(X), codes, weights))


def at(firth, theta):
    return firth.answer(Question(theta))


def slow(objective, theta):
    """The mean of the penalised log-likelihood, of plain arrays."""
    rows = objective.rows
    X = rows.X.toarray() if sp.issparse(rows.X) else rows.X
    if objective.network.fit_intercept:
        X = np.column_stack([X, np.ones(len(X))])
    w = np.ones(len(X)) if rows.weights is None else rows.weights
    z = X @ theta
    p = 1 / (1 + np.exp(-z))
    value = w @ np.where(rows.codes[:, 0] > 0, np.log(p), np.log(1 - p))
    sign, log_det = np.linalg.slogdet(X.T @ (X * (w * p * (1 - p))[:, None]))
    assert sign > 0
    return (value + log_det / 2) / w.sum()


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_value_and_gradient(make, intercept, weighted):
    objective = draw(make, intercept, weighted)
    firth = Firth(objective)
    theta = np.linspace(-1, 1, objective.n_parameters)
    here = firth.answer(Question(theta, 0))
    assert here.value == pytest.approx(slow(objective, theta), rel=1e-12)
    assert here.log_likelihood == pytest.approx(objective.log_likelihood(theta))
    steps = 1e-5 * np.eye(len(theta))
    slope = [slow(objective, theta + e) - slow(objective, theta - e) for e in steps]
    np.testing.assert_allclose(here.gradient, np.array(slope) / 2e-5, atol=1e-9)


@pytest.mark.parametrize("chained", [True, False])
def test_coordinates_change_the_value_by_a_constant(chained):
    plain = draw()
    mean, scale = np.array([0.5, -1.0, 3.0]), np.array([0.5, 2.0, 4.0])
    moved = plain.in_coordinates(Coordinates(mean, scale), chained)
    firth, other = Firth(plain), Firth(moved)
    parameters = np.array([0.3, -0.2, 0.5, 1.0])
    for theta in (parameters, 2 * parameters):
        there = at(other, moved.at(theta))
        gap = there.value - at(firth, theta).value
        expected = -np.log(scale).sum() / plain.divisor
        assert gap == pytest.approx(expected, rel=1e-10)
    steps = 1e-5 * np.eye(4)
    there = moved.at(parameters)
    slope = [at(other, there + e).value - at(other, there - e).value for e in steps]
    found = at(other, there).gradient
    np.testing.assert_allclose(found, np.array(slope) / 2e-5, atol=1e-9)


def test_collinear_columns_are_left_out_of_the_determinant():
    objective = draw()
    X = np.column_stack([objective.rows.X, objective.rows.X[:, 0], np.zeros(40)])
    rows = Rows(X, objective.rows.codes)
    wide = Objective(Network((5, 1), "identity", True), Likelihood([0]), rows)
    wide = standardised(wide, measured(rows))
    firth = Firth(wide)
    assert firth.seen.shape == (6, 4)
    theta = wide.at(np.array([0.1, 0.2, 0.3, 0.1, 0.0, -1.0]))
    there = at(firth, theta)
    same = wide.at(np.array([0.2, 0.2, 0.3, 0.0, 0.0, -1.0]))
    assert there.value == pytest.approx(at(firth, same).value, rel=1e-12)


def test_where_all_is_certain_it_is_endlessly_low():
    firth = Firth(draw())
    assert at(firth, np.full(4, 1e6)).value == -np.inf
