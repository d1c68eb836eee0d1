"""Directions against their formulas, written out with matrices."""

import copy
import pickle

import numpy as np
import pytest
from hills import Here, pairs, quadratic, way
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from skneuron._ascent import (
    LBFGS,
    Adam,
    Gradient,
    LineSearch,
    Momentum,
    steps,
)


def gradients(n=5, count=12, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(n) for _ in range(count)]


# --- first order ----------------------------------------------------------------------


def test_gradient():
    g = np.array([1.0, -2.0])
    assert np.array_equal(Gradient()(np.zeros(2), Here(g)), g)


@pytest.mark.parametrize("share", [0.9, 0.5, 1e-4])
def test_momentum_is_the_discounted_sum(share):
    direction, given = Momentum(share), gradients(count=150)
    for t, g in enumerate(given):
        found = direction(np.zeros(5), Here(g))
        expected = sum(share ** (t - s) * given[s] for s in range(t + 1))
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-14)


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
    direction, rate = Adam(beta_2=0.99), 0.001
    peer = AdamOptimizer([np.zeros(5)], learning_rate_init=rate, beta_2=0.99)
    for g in gradients(count=1500):
        found = rate * direction(np.zeros(5, dtype), Here(g.astype(dtype)))
        (expected,) = peer._get_updates([-g])  # it descends
        assert found.dtype == dtype
        rtol = 1e-12 if dtype == np.float64 else 1e-3
        assert np.allclose(found, expected, rtol=rtol, atol=rate * rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [Gradient, lambda: Momentum(0.9), Adam], ids="GMA")
def test_a_move_is_a_step_along_the_direction(make, dtype):
    rng = np.random.default_rng(0)
    moves, steps_ = make(), make()
    theta = rng.standard_normal(20).astype(dtype)
    expected = theta.copy()
    for scale in [1.0, 1e-12, 1e12, 0.0, 1.0]:
        g = (scale * rng.standard_normal(20)).astype(dtype)
        expected = expected + 0.1 * steps_(expected, Here(g))
        before = g.copy()
        moves.move(theta, g, 0.1)
        assert np.array_equal(g, before)
        assert theta.dtype == dtype
        tol = 1e-13 if dtype == np.float64 else 1e-5
        assert np.allclose(theta, expected, rtol=tol, atol=tol * scale)


@pytest.mark.parametrize("make", [lambda: Momentum(0.9), Adam], ids="MA")
def test_compiled_steps_are_given_the_memory_itself(make):
    """So that what they do to it is what the direction goes on with."""
    direction, g = make(), np.array([1.0, -2.0])
    direction.move(np.zeros(2), g, 0.1)
    given = direction.memory(np.zeros(2), 3)
    assert given["rule"] == type(direction).__name__.lower()
    again = direction.memory(np.zeros(2), 5)
    for one, other in zip(given["moments"], again["moments"]):
        assert one is other
    if "t" in given:  # steps before
        assert (given["t"], again["t"], direction.t) == (1, 4, 9)


@pytest.mark.parametrize("make", [lambda: Momentum(0.9), Adam], ids="MA")
def test_a_memory_goes_on_in_the_float_type_of_theta(make):
    direction, g = make(), np.array([1.0, -2.0])
    direction.move(np.zeros(2), g, 0.1)
    kept = [of for of in direction.memory(np.zeros(2), 0)["moments"] if of is not None]
    theta = np.zeros(2, np.float32)
    single = direction.memory(theta, 0)["moments"]
    for one, other in zip(single, kept):
        assert one.dtype == np.float32
        assert np.allclose(one, other)
    direction.move(theta, g.astype(np.float32), 0.1)
    assert theta.dtype == np.float32


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


# --- pairs ----------------------------------------------------------------------------


def bfgs_matrix(pairs, H):
    """The inverse curvature, H corrected pair by pair (N & W, (7.16))."""
    n = len(H)
    for s, y in pairs:
        V = np.eye(n) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return H


def solve(direction, gradient, first_guess):
    """The direction's solution, its pairs correcting a first guess."""
    direction.first_guess = first_guess
    return direction.solve(gradient)


def walked(objective, places, memory):
    """Pairs from a walk, and the same by hand."""
    direction = LBFGS(memory)
    for at in places:
        direction.note(at, objective.evaluate(at).gradient)
    moves = np.diff(places, axis=0)
    return direction, [(move, objective.A @ move) for move in moves][-memory:]


@pytest.mark.parametrize("memory", [1, 3, 10])
@pytest.mark.parametrize("n_places", [1, 2, 3, 8])
@pytest.mark.parametrize("first_guess", ["identity", "small", "any"])
def test_pairs_correct_any_first_guess(memory, n_places, first_guess):
    rng, objective = np.random.default_rng(1), quadratic()
    places = rng.standard_normal((n_places, 8))
    direction, by_hand = walked(objective, places, memory)
    assert bool(pairs(direction)) == (n_places > 1)
    root = rng.standard_normal((8, 8))
    H = {"identity": np.eye(8), "small": 1e-3 * np.eye(8), "any": root @ root.T}
    H, g = H[first_guess], rng.standard_normal(8)
    kept = g.copy()
    found = solve(direction, g, lambda vector: H @ vector)
    assert np.allclose(found, bfgs_matrix(by_hand, H) @ g, rtol=1e-7, atol=1e-9)
    assert np.array_equal(g, kept)


def test_pairs_know_what_the_last_step_met():
    """The secant equation: the change that a step met asks for that step."""
    rng, objective = np.random.default_rng(0), quadratic()
    direction, by_hand = walked(objective, rng.standard_normal((5, 8)), 3)
    step, change = by_hand[-1]
    found = solve(direction, change, lambda vector: 0.1 * vector)
    assert np.allclose(found, step, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("exact", [True, False])
def test_pairs_leave_a_first_guess_that_is_right(exact):
    rng, objective = np.random.default_rng(0), quadratic(condition=10)
    direction, _ = walked(objective, rng.standard_normal((5, 8)), 10)
    g = rng.standard_normal(8)
    off = 1.0 if exact else 2.0
    found = solve(direction, g, lambda v: off * np.linalg.solve(objective.A, v))
    assert np.allclose(found, np.linalg.solve(objective.A, g), rtol=1e-8) == exact


@pytest.mark.parametrize("change", [-1.0, 0.0, 1e-13])
def test_pairs_are_kept_only_of_steps_that_met_curvature(change):
    direction, at, g = LBFGS(5), np.zeros(3), np.array([1.0, 2.0, 3.0])
    direction.note(at, g)
    step = np.array([1.0, 0.0, 0.0])
    across = np.array([0.0, 5.0, 0.0])
    direction.note(at + step, g - change * step - across)
    assert not pairs(direction)
    # The place is noted all the same: the next step starts there.
    assert direction.is_at(at + step) and not direction.is_at(at)
    direction.note(at + 2 * step, g - (change + 2.0) * step - across)
    ((kept, met, curvature),) = pairs(direction)
    assert np.array_equal(kept, step)
    assert np.allclose(met, 2 * step) and curvature == pytest.approx(2.0)


def test_pairs_do_not_mind_being_told_a_place_twice():
    objective, places = quadratic(), np.random.default_rng(0).standard_normal((4, 8))
    once, _ = walked(objective, places, 3)
    twice, _ = walked(objective, np.repeat(places, 2, axis=0), 3)
    g = np.ones(8)
    assert len(pairs(once)) == len(pairs(twice)) == 3
    one, other = (solve(of, g, lambda v: v) for of in (once, twice))
    assert np.array_equal(one, other)


def test_pairs_can_go_on_elsewhere():
    objective, places = quadratic(), np.random.default_rng(0).standard_normal((4, 8))
    direction, _ = walked(objective, places, 5)
    kept = pairs(direction)
    direction.last = None
    assert not direction.is_at(places[-1])
    direction.note(places[0], objective.evaluate(places[0]).gradient)
    assert len(pairs(direction)) == len(kept) and direction.is_at(places[0])
    direction.note(places[1], objective.evaluate(places[1]).gradient)
    assert len(pairs(direction)) == len(kept) + 1


def test_pairs_forget():
    objective, places = quadratic(), np.random.default_rng(0).standard_normal((4, 8))
    direction = LBFGS(3)
    assert not direction.forget() and not direction.is_at(places[0])
    direction.note(places[0], objective.evaluate(places[0]).gradient)
    assert direction.is_at(places[0].copy()) and not direction.is_at(places[1])
    assert not direction.forget()  # a place is not yet a pair
    assert not direction.is_at(places[0])
    direction, _ = walked(objective, places, 3)
    assert direction.forget() and not direction.forget()
    assert not pairs(direction) and direction.last is None
    g = np.ones(8)
    assert np.array_equal(solve(direction, g, lambda v: 3 * v), 3 * g)


# --- L-BFGS ---------------------------------------------------------------------------


def bfgs_direction(pairs, gradient):
    """From a multiple of the identity, measured on the last step (N & W, (7.20))."""
    H = np.eye(len(gradient))
    if pairs:
        s, y = pairs[-1]
        H = H * (s @ y) / (y @ y)
    return bfgs_matrix(pairs, H) @ gradient


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
        for _, _, curvature in pairs(direction):
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
    places = way(objective, steps, np.zeros(8), LBFGS(), LineSearch())
    for position, _ in zip(places, range(150)):
        last = position
    assert np.allclose(last.theta, objective.top, atol=1e-6)
