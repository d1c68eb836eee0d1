"""Newton's steps on few rows: the compiled ones against those of an ordinary climb."""

import numpy as np
import pytest
from problems import LIKELIHOODS, problem
from slow import needs_core

from skneuron._ascent import LineSearch, Newton, positions, steps
from skneuron._data.rows import Rows
from skneuron._model import Network, Objective

pytestmark = needs_core


def objective(
    n=60, d=4, *, likelihood="bernoulli", weights=None, intercept=True, **how
):
    X, _, codes, of, _, w = problem(n, d, likelihood=likelihood, intercept=intercept)
    w = {None: None, "rows": w[:, 0], "outputs": w}[weights]
    network = Network([d, of.n_logits], "identity", intercept)
    return Objective(network, of, Rows(X, codes, w), **how)


def climbed(on, ahead, n=20, start=None, **rules):
    """The positions of a climb, and how many questions it asked."""
    theta = np.zeros(on.n_parameters) if start is None else start
    walk = steps(theta, Newton(ahead=ahead), LineSearch(**rules), on.noise)
    asked = []

    def answer(question):
        asked.append(question)
        return on.answer(question)

    return [of for of, _ in zip(positions(walk, answer), range(n))], len(asked)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("weights", [None, "rows", "outputs"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("how", [{}, {"l2": 0.7}, {"l2": 2.0, "reduction": "sum"}])
def test_compiled_steps_are_the_steps(likelihood, weights, intercept, how):
    on = objective(likelihood=likelihood, weights=weights, intercept=intercept, **how)
    (plain, _), (ahead, _) = climbed(on, ahead=False), climbed(on, ahead=True)
    assert climbed(on, ahead=True, n=3)[1] < climbed(on, ahead=False, n=3)[1]
    assert min(len(plain), len(ahead)) >= 4
    for there, here in zip(plain, ahead):
        np.testing.assert_allclose(here.theta, there.theta, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(here.value, there.value, rtol=1e-12)
        np.testing.assert_allclose(here.log_likelihood, there.log_likelihood, 1e-12)
    np.testing.assert_allclose(ahead[-1].theta, plain[-1].theta, rtol=1e-9, atol=1e-9)
    assert ahead[-1].curvature


@pytest.mark.parametrize("stride", [0.05, 0.3])
def test_steps_are_no_longer_than_their_stride(stride):
    on = objective(l2=0.1)
    plain, _ = climbed(on, ahead=False, n=4, stride=stride)
    ahead, _ = climbed(on, ahead=True, n=4, stride=stride)
    for there, here in zip(plain, ahead):
        np.testing.assert_allclose(here.theta, there.theta, rtol=1e-7, atol=1e-9)


def test_a_step_that_does_not_do_is_not_taken():
    """From where Newton's step leads down."""
    on = objective(l2=1e-3)
    start = np.r_[40.0, np.zeros(on.n_parameters - 1)]
    ahead, _ = climbed(on, ahead=True, start=start)
    values = [at.value for at in ahead]
    assert np.all(np.diff(values) >= -1e-12)
    np.testing.assert_allclose(ahead[0].theta, start)
    plain, _ = climbed(on, ahead=False, start=start)
    np.testing.assert_allclose(values[-1], plain[-1].value, rtol=1e-9)


def test_a_singular_curvature_is_left_to_who_asked():
    on = objective()
    X = np.c_[on.rows.X[:, :3], on.rows.X[:, 0]]
    on = Objective(on.network, on.likelihood, Rows(X, on.rows.codes))
    ahead, together = climbed(on, ahead=True)
    plain, one_by_one = climbed(on, ahead=False)
    assert together == one_by_one
    np.testing.assert_allclose(ahead[-1].theta, plain[-1].theta, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e200])
def test_numbers_that_end_are_left_to_who_asked(number):
    on = objective()
    X = on.rows.X.copy()
    X[3, 1] = number
    on = Objective(on.network, on.likelihood, Rows(X, on.rows.codes))
    with np.errstate(all="ignore"):
        here = on.evaluate(np.zeros(5), curvature=True, rules=(0, 0, 1e-4, 0.9, 4.0))
    assert not here.passed


def test_single_precision_and_the_chain_rule_are_left_to_who_asked():
    X, _, codes, of, _, _ = problem(60, 4, dtype="f")
    on = Objective(Network([4, 1], "identity", True), of, Rows(X, codes))
    assert climbed(on, ahead=True)[1] == climbed(on, ahead=False)[1]
