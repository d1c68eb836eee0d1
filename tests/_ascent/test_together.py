"""Climbs in step against each of them alone."""

from itertools import islice

import numpy as np
import pytest
from hills import Unseen, logistic

from skneuron._ascent import FixedRate, Gradient, Top, climb, climb_together, steps
from skneuron._model import Bernoulli, SideBySide


class Hills:
    """Several hills with what `climb_together` asks of objectives; counts questions."""

    noise, resolution, largest = 2.0**-52, 2.0**-46, 1e200

    def __init__(self, hills):
        self.hills, self.asked, self.valued = hills, [], []

    def gradients(self, theta, members):
        self.asked.append(members.tolist())
        return np.stack(
            [
                self.hills[i].evaluate(one).gradient
                for i, one in zip(members.tolist(), theta.T)
            ],
            axis=1,
        ).reshape(len(theta), len(members))

    def safe_rates(self):
        return np.zeros(len(self.hills))

    def values(self, theta, members):
        self.valued += members.tolist()
        return np.array(
            [self.hills[i].evaluate(t).value for i, t in zip(members.tolist(), theta.T)]
        )


def alone(hill, rate, max_iter, tol, n_parameters):
    direction = Gradient()
    walk = steps(hill, np.zeros(n_parameters), direction, FixedRate(rate))
    stop = Top(hill, direction, max(tol, Hills.resolution))
    return climb(walk, max_iter=max_iter, stop=stop, watch=Unseen(), noise=Hills.noise)


@pytest.mark.parametrize("max_iter", [1, 2, 30, 400])
@pytest.mark.parametrize("tol", [0.0, 1e-6, 1e-2, 10.0])
def test_climbs(max_iter, tol):
    rates = np.array([1e-3, 0.1, 1.0, 4.0, 0.5])
    hills = [logistic(n=60, p=3, seed=seed, l2=0.1 * seed) for seed in range(5)]
    together = Hills(hills)
    climbs = climb_together(
        together, np.zeros((3, 5)), rates, max_iter=max_iter, tol=tol
    )
    for i, (hill, rate) in enumerate(zip(hills, rates)):
        one = alone(hill, rate, max_iter, tol, 3)
        assert not climbs.lost[i]
        np.testing.assert_allclose(climbs.theta[:, i], one.position.theta, rtol=1e-12)
        assert climbs.n_iter[i] == one.n_iter
        assert climbs.converged[i] == one.converged
        assert climbs.fell[i] == one.fell


def test_a_rate_that_overshoots():
    """Falling is found; what comes is as alone, or known to be of no use."""
    hills = [logistic(n=60, p=3, spread=10, seed=seed) for seed in range(12)]
    rates = np.geomspace(0.1, 1e8, 12)
    climbs = climb_together(Hills(hills), np.zeros((3, 12)), rates, max_iter=60, tol=0)
    for i, (hill, rate) in enumerate(zip(hills, rates)):
        if not climbs.lost[i]:
            one = alone(hill, rate, 60, 0.0, 3)
            theta = one.position.theta
            near = 1e-8 * abs(theta).max()
            np.testing.assert_allclose(climbs.theta[:, i], theta, atol=near)
            assert climbs.fell[i] == one.fell
    assert climbs.fell.any() and not climbs.fell.all()
    assert not climbs.lost[~climbs.fell].any()


def test_at_a_safe_rate_nobody_asks_for_a_fall():
    hills = [logistic(n=60, p=3, spread=10, seed=seed) for seed in range(4)]
    rates = np.array([0.1, 0.1, 10.0, 1e3])

    class Sure(Hills):
        def safe_rates(self):
            return np.array([0.1, 0.2, 0.1, 0.1])

    sure, unsure = Sure(hills), Hills(hills)
    one, other = (
        climb_together(those, np.zeros((3, 4)), rates, max_iter=30, tol=0.0)
        for those in (sure, unsure)
    )
    assert np.array_equal(one.theta, other.theta)
    assert np.array_equal(one.fell, other.fell)
    assert set(sure.valued) == {2, 3}


def test_a_climb_that_tumbles_is_lost():
    """Where a change of the last digit grows without end, so it is said to be."""
    hill = logistic(n=60, p=3, spread=30, seed=1)
    rates = np.geomspace(1, 1e3, 25)
    climbs = climb_together(
        Hills([hill] * 25), np.zeros((3, 25)), rates, max_iter=300, tol=0
    )
    n_chaotic = 0
    for i, rate in enumerate(rates):
        ends = []
        for start in (np.zeros(3), 1e-15 * np.array([1.0, -1, 1])):
            walk = steps(hill, start, Gradient(), FixedRate(rate))
            ends.append(next(islice(walk, 300, None)).theta)
        if abs(ends[0] - ends[1]).max() > 1e-6 * abs(ends[0]).max():
            n_chaotic += 1
            assert climbs.lost[i], rate
    assert n_chaotic > 0


def test_in_float32_a_climb_that_falls_is_lost():
    together = Hills([logistic(n=60, p=3)] * 2)
    together.noise = 2.0**-23
    climbs = climb_together(
        together, np.zeros((3, 2)), np.array([0.1, 1e3]), max_iter=50, tol=0
    )
    assert climbs.lost.tolist() == climbs.fell.tolist() == [False, True]


def test_numbers_that_end():
    class Steep(Hills):
        def gradients(self, theta, members):
            return super().gradients(theta, members) * 1e150

    hills = [logistic(n=60, p=3)] * 3
    start = np.zeros((3, 3))
    rates = np.array([1e-151, 1e250, 1e60])
    with np.errstate(over="ignore"):
        climbs = climb_together(Steep(hills), start, rates, max_iter=9, tol=0)
    assert climbs.lost.tolist() == [False, True, True]
    assert np.isfinite(climbs.theta).all()
    assert climbs.theta is start


@pytest.mark.parametrize("rates", [[1e300], [1e300, 1e305]])
def test_all_of_them_leave_the_numbers(rates):
    """Real objectives bear to be asked about nobody."""
    rng = np.random.default_rng(0)
    X, codes = rng.standard_normal((40, 2)) * 1e10, rng.integers(0, 2, (40, 1))
    n = len(rates)
    counts, splits = np.ones((40, 1), dtype=int), np.zeros(n, dtype=int)
    objective = SideBySide(Bernoulli(), X, codes, counts, splits, np.zeros(n))
    with np.errstate(over="ignore"):
        climbs = climb_together(
            objective, np.zeros((3, n)), np.array(rates), max_iter=9, tol=0
        )
    assert climbs.lost.all()


def test_those_who_arrived_are_not_asked_again():
    hills = [logistic(n=60, p=3, seed=seed, l2=5.0) for seed in range(2)]
    together = Hills(hills)
    rates = np.array([1.0, 0.01])
    climbs = climb_together(together, np.zeros((3, 2)), rates, max_iter=90, tol=1e-4)
    n_asked = [sum(member in asked for asked in together.asked) for member in (0, 1)]
    assert n_asked == (climbs.n_iter + 1).tolist()
    assert climbs.n_iter[0] < climbs.n_iter[1] == 90
    assert together.valued == []  # a slope that points ahead tells enough


def test_no_climb_at_all():
    climbs = climb_together(
        SideBySide(
            Bernoulli(),
            np.ones((4, 1)),
            np.array([[0], [1], [0], [1]]),
            np.ones((4, 1), dtype=int),
            np.zeros(0, dtype=int),
            np.zeros(0),
        ),
        np.zeros((2, 0)),
        np.zeros(0),
        max_iter=3,
        tol=0,
    )
    assert climbs.theta.shape == (2, 0)
