"""Remembering: a batch's log-likelihood, and the hill that the rest left behind."""

import numpy as np
import pytest

from skneuron._ascent import Question
from skneuron._data.rows import Rows
from skneuron._model import (
    Likelihood,
    Network,
    Objective,
    Remembering,
    information_along,
)

N, P = 30, 3
LIKELIHOODS = {"sigmoid": Likelihood([0]), "softmax": Likelihood([3])}
every = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)


def batch(likelihood, l2=0.0):
    rng = np.random.default_rng(0)
    rows = Rows(rng.standard_normal((N, P)), rng.integers(0, 2, (N, 1)), None)
    network = Network([P, likelihood.n_logits], "identity", True)
    return Objective(network, likelihood, rows, l2, reduction="sum")


def hill(objective):
    """A top and the information there, block by block; and that as one matrix."""
    rng, n = np.random.default_rng(1), objective.n_parameters
    blocks, whole = [], np.zeros((n, n))
    for at, _ in objective.evaluate(np.zeros(n), curvature=True).curvature:
        root = rng.standard_normal((len(at), len(at)))
        blocks.append((at, root @ root.T))
        whole[np.ix_(at, at)] = root @ root.T
    return rng.standard_normal(n), blocks, whole


def answer(objective, theta, order, top, blocks):
    remembering = Remembering(objective, blocks)
    remembering.top = top
    return remembering.answer(Question(theta, order))


@every
def test_a_hill_is_added_to_value_gradient_and_curvature(likelihood):
    objective = batch(likelihood)
    top, blocks, whole = hill(objective)
    theta = np.linspace(-1, 1, len(top))
    alone = objective.evaluate(theta, curvature=True)
    here = answer(objective, theta, 2, top, blocks)
    step = theta - top
    assert here.value == pytest.approx(alone.value - step @ whole @ step / 2)
    assert here.log_likelihood == alone.log_likelihood
    np.testing.assert_allclose(here.gradient, alone.gradient - whole @ step)
    for (_, found), (at, own) in zip(here.curvature, alone.curvature, strict=True):
        np.testing.assert_allclose(found, own + whole[np.ix_(at, at)])
    assert not answer(objective, theta, 1, top, blocks).curvature


@every
def test_without_a_past_there_is_the_batch_alone(likelihood):
    objective = batch(likelihood, l2=0.5)
    theta = np.linspace(-1, 1, objective.n_parameters)
    alone = objective.evaluate(theta, curvature=True)
    here = answer(objective, theta, 2, 0 * theta, [])
    assert here.value == alone.value
    np.testing.assert_array_equal(here.gradient, alone.gradient)
    np.testing.assert_array_equal(here.curvature[0][1], alone.curvature[0][1])


def test_information_is_the_mean_of_both_ends():
    objective = batch(LIKELIHOODS["sigmoid"])
    ends = [
        objective.evaluate(theta, curvature=True)
        for theta in [np.zeros(P + 1), np.ones(P + 1)]
    ]
    ((at, found),) = information_along(*ends)
    np.testing.assert_array_equal(at, np.arange(P + 1))
    np.testing.assert_allclose(
        found, (ends[0].curvature[0][1] + ends[1].curvature[0][1]) / 2
    )
