"""Directions against their formulas, written out with matrices."""

import copy
import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from skneuron._ascent import LBFGS, Adam, Gradient, LineSearch, Momentum, Newton, steps
from skneuron._ascent.newton import Solver


@dataclass
class Here:
    """What an objective knows at a point."""

    gradient: np.ndarray
    value: float = 0.0
    log_likelihood: float = 0.0
    curvature: list = field(default_factory=list)


class Quadratic:
    """``-(theta - top)^T A (theta - top) / 2``, A in blocks or whole."""

    noise = np.finfo(float).eps

    def __init__(self, A, top):
        self.A, self.top = A, top

    def evaluate(self, theta, *, curvature=False):
        away = theta - self.top
        value = -0.5 * float(away @ self.A @ away)
        blocks = [(np.arange(len(theta)), self.A.copy())] if curvature else []
        return Here(-self.A @ away, value, value, blocks)


def quadratic(n=8, condition=1e3, seed=0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = Q * np.geomspace(1, condition, n) @ Q.T
    return Quadratic((A + A.T) / 2, rng.standard_normal(n))


def gradients(n=5, count=12, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(n) for _ in range(count)]


# --- first order ----------------------------------------------------------------------


def test_gradient():
    g = np.array([1.0, -2.0])
    assert np.array_equal(Gradient()(np.zeros(2), Here(g)), g)


def test_momentum_is_the_discounted_sum():
    direction, given = Momentum(0.9), gradients()
    for t, g in enumerate(given):
        found = direction(np.zeros(5), Here(g))
        expected = sum(0.9 ** (t - s) * given[s] for s in range(t + 1))
        assert np.allclose(found, expected, rtol=1e-13)


def test_no_momentum_is_the_gradient():
    direction = Momentum(0.0)
    for g in gradients():
        assert np.array_equal(direction(np.zeros(5), Here(g)), g)


def test_momentum_leaves_the_gradient_alone():
    direction, g = Momentum(0.9), np.ones(3)
    direction(np.zeros(3), Here(g))
    direction(np.zeros(3), Here(g))
    assert np.array_equal(g, np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_is_scikit_learns(dtype):
    direction, rate = Adam(), 0.001
    peer = AdamOptimizer([np.zeros(5)], learning_rate_init=rate)
    for g in gradients(count=30):
        found = rate * direction(np.zeros(5, dtype), Here(g.astype(dtype)))
        (expected,) = peer._get_updates([-g])  # it descends
        assert found.dtype == dtype
        rtol = 1e-12 if dtype == np.float64 else 1e-3
        assert np.allclose(found, expected, rtol=rtol, atol=rate * rtol)


def test_adam_takes_first_steps_of_length_one_in_every_component():
    g = np.array([1e-3, -5.0, 1e4])
    assert np.allclose(Adam()(np.zeros(3), Here(g)), np.sign(g), rtol=1e-3)


@pytest.mark.parametrize("make", [lambda: Momentum(0.9), Adam, LBFGS], ids="MAL")
def test_a_copy_goes_on_as_the_original(make):
    direction, place = make(), np.zeros(5)
    given = gradients()
    for g in given[:6]:
        direction(place, Here(g))
        place = place - g
    again = pickle.loads(pickle.dumps(direction))
    deep = copy.deepcopy(direction)
    for g in given[6:]:
        one = direction(place, Here(g)).copy()
        assert np.array_equal(one, again(place, Here(g)))
        assert np.array_equal(one, deep(place, Here(g)))
        place = place - g


# --- L-BFGS ---------------------------------------------------------------------------


def bfgs_direction(pairs, gradient):
    """H g with the inverse-curvature matrix H written out (N & W, (7.16), (7.20))."""
    n = len(gradient)
    H = np.eye(n)
    if pairs:
        s, y = pairs[-1]
        H = H * (s @ y) / (y @ y)
    for s, y in pairs:
        V = np.eye(n) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return H @ gradient


@pytest.mark.parametrize("memory", [1, 3, 10])
def test_lbfgs_is_the_matrix_formula(memory):
    objective, direction = quadratic(), LBFGS(memory)
    rng = np.random.default_rng(1)
    places = [rng.standard_normal(8) for _ in range(8)]
    found = [direction(at, objective.evaluate(at)) for at in places]
    for t, at in enumerate(places):
        pairs = [
            (places[s + 1] - places[s], objective.A @ (places[s + 1] - places[s]))
            for s in range(t)
        ][-memory:]
        expected = bfgs_direction(pairs, objective.evaluate(at).gradient)
        assert np.allclose(found[t], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_lbfgs_always_points_up(seed):
    """On a surface that is no hill: sin has curvature of both signs."""
    rng, direction = np.random.default_rng(seed), LBFGS()
    for _ in range(30):
        at = 3 * rng.standard_normal(6)
        g = np.cos(at)
        assert float(direction(at, Here(g)) @ g) > 0
        for _, _, curvature in direction.pairs:
            assert curvature > 0


def test_lbfgs_leaves_the_gradient_alone():
    objective, direction = quadratic(), LBFGS()
    for at in np.random.default_rng(0).standard_normal((4, 8)):
        here = objective.evaluate(at)
        kept = here.gradient.copy()
        direction(at, here)
        assert np.array_equal(here.gradient, kept)


def test_lbfgs_forgets():
    objective, direction = quadratic(), LBFGS()
    places = np.random.default_rng(0).standard_normal((4, 8))
    assert not direction.forget()
    assert not direction.knows_its_length
    for at in places:
        direction(at, objective.evaluate(at))
    assert direction.knows_its_length
    assert direction.forget()
    assert not direction.forget()
    here = objective.evaluate(places[-1])
    assert np.array_equal(direction(places[-1], here), here.gradient)


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e5])
def test_lbfgs_reaches_the_top_of_a_quadratic(condition):
    objective = quadratic(condition=condition)
    walk = steps(objective, np.zeros(8), LBFGS(), LineSearch())
    for position, _ in zip(walk, range(150)):
        last = position
    assert np.allclose(last.theta, objective.top, atol=1e-6)


# --- Newton ---------------------------------------------------------------------------


def test_newton_reaches_the_top_of_a_quadratic_in_one_step():
    objective = quadratic(condition=1e6)
    start = np.zeros(8)
    step = Newton()(start, objective.evaluate(start, curvature=True))
    assert np.allclose(start + step, objective.top, rtol=1e-8)


def test_newton_solves_block_by_block():
    rng = np.random.default_rng(0)
    blocks, whole, g = [], np.zeros((6, 6)), rng.standard_normal(6)
    for at in [np.array([0, 2, 4]), np.array([1, 3, 5])]:
        root = rng.standard_normal((3, 5))
        blocks.append((at, root @ root.T))
        whole[np.ix_(at, at)] = root @ root.T
    found = Newton()(np.zeros(6), Here(g, curvature=blocks))
    assert np.allclose(found, np.linalg.solve(whole, g))


def test_newton_can_add_up_what_batches_know():
    rng, direction, total = np.random.default_rng(0), Newton(accumulate=True), 0.0
    for _ in range(4):
        root, g = rng.standard_normal((3, 5)), rng.standard_normal(3)
        total = total + root @ root.T
        here = Here(g, curvature=[(np.arange(3), root @ root.T)])
        for _ in range(2):  # a place asked for twice counts once
            assert np.allclose(direction(np.zeros(3), here), np.linalg.solve(total, g))
        direction = pickle.loads(pickle.dumps(direction))


def test_newton_is_settled_when_nothing_is_left_to_gain():
    A = np.diag([1.0, 1e-8])

    def gain_of(direction, g, tol):
        here = Here(np.array(g), curvature=[(np.arange(2), A)])
        return direction.is_settled(np.zeros(2), here, tol)

    assert gain_of(Newton(), [0.0, 0.0], 1e-6)
    # A gradient below tol, on a ridge so flat that there are 50 to gain:
    assert not gain_of(Newton(), [0.0, 1e-3 * 0.7], 1e-3)
    # A small gain that does not shrink: the top is at infinity.
    direction = Newton()
    gain_of(direction, [1e-4, 0.0], 1e-6)
    assert gain_of(direction, [1e-4, 0.0], 1e-6)


def test_newton_begins_a_walk_without_the_last_ones_slope():
    """Of a second climb, the first gain is no sign that gains stopped falling."""
    A, tol = np.diag([1.0, 1e-8]), 1e-6

    def is_settled():
        here = Here(np.array([1e-4, 0.0]), curvature=[(np.arange(2), A)])
        return direction.is_settled(np.zeros(2), here, tol)

    direction = Newton()
    for _ in range(2):
        direction.begin()
        assert not is_settled()
        assert is_settled()


@pytest.mark.parametrize("accumulate", [True, False])
def test_newton_begins_a_walk_without_the_last_direction(accumulate):
    """The same object, with other numbers, is another place in another walk."""
    direction, A = Newton(accumulate), np.diag([1.0, 4.0])
    here = Here(np.ones(2), curvature=[(np.arange(2), A)])
    first = direction(np.zeros(2), here).copy()
    here.gradient = 2 * np.ones(2)
    assert np.array_equal(direction(np.zeros(2), here), first)  # asked twice
    direction.begin()
    # The accumulated information is kept: it is what a stream knows.
    total = 2 * A if accumulate else A
    assert np.allclose(direction(np.zeros(2), here), 2 / np.diagonal(total))


def test_a_second_walk_with_the_same_newton_is_the_first():
    objective, direction = quadratic(), Newton()
    kept = []
    for _ in range(2):
        walk = steps(objective, np.zeros(8), direction, LineSearch())
        kept.append([position.theta for position, _ in zip(walk, range(3))])
    assert np.array_equal(kept[0], kept[1])


@pytest.mark.parametrize("make", [Gradient, lambda: Momentum(0.9), Adam, LBFGS])
def test_others_keep_their_memory_when_a_walk_begins(make):
    one, other = make(), make()
    for at, g in enumerate(gradients()):
        place = np.full(5, float(at))
        expected = other(place, Here(g)).copy()
        one.begin()
        assert np.array_equal(one(place, Here(g)), expected)


def test_others_are_settled_by_the_gradient():
    for direction in [Gradient(), Momentum(0.9), Adam(), LBFGS()]:
        assert direction.is_settled(np.zeros(2), Here(np.ones(2)), 1e-6)


# --- the shortest solution ------------------------------------------------------------


def shortest(matrix, vector):
    """In the units that give the matrix a unit diagonal, by the pseudo-inverse."""
    unit = np.sqrt(np.diagonal(matrix))
    unit = np.where(unit > 0, unit, 1.0)
    scaled = matrix / unit / unit[:, None]
    found = np.linalg.lstsq(scaled, vector / unit, rcond=1e-12)[0]
    assert np.allclose(
        found, np.linalg.pinv(scaled, rcond=1e-12, hermitian=True) @ (vector / unit)
    )
    return found / unit


def semidefinite(kind, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, 6))
    if kind == "twins":
        X[:, 3] = X[:, 1]
    elif kind == "sum":
        X[:, 5] = X[:, 0] + X[:, 2] - X[:, 4]
    elif kind == "zero":
        X[:, 2] = 0.0
    elif kind == "few rows":
        X = X[:3]
    elif kind == "scales":
        X = X * np.geomspace(1e-6, 1e6, 6)
    elif kind == "scales and twins":
        X[:, 3] = X[:, 1]
        X = X * np.geomspace(1e-3, 1e3, 6)
    elif kind == "one":
        X = X[:, :1]
    return X.T @ X, X.T @ rng.standard_normal(len(X))


KINDS = [
    "definite",
    "twins",
    "sum",
    "zero",
    "few rows",
    "scales",
    "scales and twins",
    "one",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_solve_shortest(kind, seed):
    matrix, vector = semidefinite(kind, seed)
    kept = matrix.copy(), vector.copy()
    found = Solver(matrix)(vector)
    unit = np.sqrt(np.diagonal(matrix))
    unit = np.where(unit > 0, unit, 1.0)
    assert np.allclose(matrix @ found / unit, vector / unit, rtol=1e-7, atol=1e-9)
    assert np.allclose(found * unit, shortest(matrix, vector) * unit, rtol=1e-6)
    assert np.array_equal(matrix, kept[0]) and np.array_equal(vector, kept[1])


def test_solve_shortest_gives_twins_equal_shares():
    matrix, vector = semidefinite("twins")
    found = Solver(matrix)(vector)
    assert found[1] == pytest.approx(found[3], rel=1e-9)


def test_solve_shortest_of_nothing_is_nothing():
    assert not Solver(np.zeros((3, 3)))(np.zeros(3)).any()


def test_solve_shortest_makes_no_step_where_the_matrix_is_flat_to_rounding():
    v = np.array([1.0, 1.0]) / 2**0.5
    matrix = np.eye(2) - np.outer(v, v) + 1e-17
    assert np.abs(Solver(matrix)(1e-16 * v)).max() <= 1e-9
