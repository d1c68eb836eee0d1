"""Newton's direction: solutions against numpy's, climbs against one another."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from hills import Here, logistic, pairs, quadratic, reach, top_of, way

from skneuron._ascent import LBFGS, LineSearch, Newton, Top, newton, steps
from skneuron._ascent.newton import Solver

# --- a curvature in every iteration ---------------------------------------------------


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


def test_newton_begins_a_walk_without_the_last_direction():
    """The same object, with other numbers, is another place in another walk."""
    direction, A = Newton(), np.diag([1.0, 4.0])
    here = Here(np.ones(2), curvature=[(np.arange(2), A)])
    first = direction(np.zeros(2), here).copy()
    here.gradient = 2 * np.ones(2)
    assert np.array_equal(direction(np.zeros(2), here), first)  # asked twice
    direction.begin()
    assert np.allclose(direction(np.zeros(2), here), 2 / np.diagonal(A))


def test_a_second_walk_with_the_same_newton_is_the_first():
    objective, direction = quadratic(), Newton()
    kept = []
    for _ in range(2):
        places = way(objective, steps, np.zeros(8), direction, LineSearch())
        kept.append([position.theta for position, _ in zip(places, range(3))])
    assert np.array_equal(kept[0], kept[1])


# --- a curvature that is kept ---------------------------------------------------------

PRICES = [0.5, 3.0, 20.0, 1e9]
prices = pytest.mark.parametrize("price", PRICES)

PROBLEMS = {
    "easy": {},
    "wide": {"n": 400, "p": 20},
    "certain": {"n": 500, "p": 4, "size": 3.0},
    "scales": {"p": 6, "spread": 1e4},
    "penalised": {"n": 40, "p": 12, "size": 2.0, "l2": 1.0},
}
problems = pytest.mark.parametrize("problem", PROBLEMS)


@problems
@pytest.mark.parametrize("seed", range(4))
def test_all_ways_lead_to_the_same_top(problem, seed):
    objective = logistic(seed=seed, **PROBLEMS[problem])
    top = top_of(objective)
    unit = np.abs(top).max()
    assert np.abs(objective.evaluate(top).gradient).max() <= 1e-9
    ways = {price: Newton(price) for price in [0.0, *PRICES]}
    if problem != "scales":  # where L-BFGS takes its time
        ways["L-BFGS"] = LBFGS(memory=20)
    for direction in ways.values():
        result = reach(objective, direction)
        assert result.converged and not result.fell
        expected = objective.evaluate(top).value
        assert result.position.value == pytest.approx(expected, rel=1e-12)
        assert np.allclose(result.position.theta, top, rtol=1e-4, atol=1e-4 * unit)


@problems
@pytest.mark.parametrize("seed", range(4))
def test_without_curvatures_it_is_lbfgs(problem, seed):
    objective = logistic(seed=seed, **PROBLEMS[problem])
    one, other = (
        reach(objective, direction, max_iter=20)
        for direction in [Newton(np.inf, at_once=False), LBFGS(memory=20)]
    )
    assert objective.curvatures == 0
    assert one.curve == other.curve
    assert np.array_equal(one.position.theta, other.position.theta)


@problems
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("price", [0.5, 3.0])
def test_a_first_curvature_may_wait_until_it_pays(problem, seed, price):
    objective = logistic(seed=seed, **PROBLEMS[problem])
    direction = Newton(price, at_once=False)
    assert direction.order == 1 and not direction.knows_its_length
    result = reach(objective, direction)
    assert result.converged and not result.fell
    assert objective.curvatures < objective.gradients - 1
    top = top_of(objective)
    slack = 1e-4 * np.abs(top).max()
    assert np.allclose(result.position.theta, top, rtol=1e-4, atol=slack)


@problems
@pytest.mark.parametrize("seed", range(4))
def test_a_high_price_buys_fewer_curvatures(problem, seed):
    bought = []
    for price in [0.0, 1.0, np.inf]:
        objective = logistic(seed=seed, **PROBLEMS[problem])
        result = reach(objective, Newton(price))
        assert result.converged
        bought.append(objective.curvatures)
        if price == 0.0:  # each evaluation comes with one
            assert objective.curvatures == objective.gradients
    assert bought[0] >= bought[1] >= bought[2] == 1
    assert bought[0] >= 4


def test_a_kept_curvature_is_the_one_that_was_bought():
    """Nothing of later calls comes in, but the changes of the gradient."""
    objective, rng = quadratic(), np.random.default_rng(0)
    other = quadratic(seed=1)
    direction = Newton(1e9)
    at = rng.standard_normal(8)
    direction(at, Here(objective.evaluate(at).gradient, curvature=[other_block(other)]))
    assert direction.order == 1
    pairs = []
    for _ in range(4):
        last, at = at, rng.standard_normal(8)
        step = at - last
        pairs.append((step, objective.A @ step))
        here = objective.evaluate(at)
        H = np.linalg.inv(other.A)
        for s, y in pairs:
            V = np.eye(8) - np.outer(y, s) / (s @ y)
            H = V.T @ H @ V + np.outer(s, s) / (s @ y)
        assert np.allclose(direction(at, here), H @ here.gradient, rtol=1e-6)


def other_block(objective):
    return np.arange(len(objective.A)), objective.A


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_a_curvature_that_misleads_is_replaced(scale):
    """A first curvature from far off the mark: the pace shows, and pays a new one."""
    objective = logistic(n=300, p=8)
    start = np.zeros(8)
    first = objective.evaluate(start, curvature=True)
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    wrong = scale * (Q * np.geomspace(1e-3, 1e3, 8)) @ Q.T
    first.curvature = [(np.arange(8), wrong)]
    direction, objective.curvatures = Newton(1.0), 0
    result = reach(objective, direction, start, here=first)
    assert result.converged
    assert objective.curvatures >= 1
    assert np.allclose(result.position.theta, top_of(objective), atol=1e-6)


def paced(gains, price, target=1e-12):
    """Tell a Newton of a climb whose steps promise these gains; what it asks for.

    The curvature is the identity, and every step meets just that.
    """
    direction = Newton(price, target=target)
    at, last, asked = np.zeros(2), None, []
    for gain in gains:
        gradient = np.array([gain**0.5, 0.0])
        if last is not None:
            at = at + last - gradient
        here = Here(gradient)
        if direction.order > 1:
            here.curvature = [(np.arange(2), np.eye(2))]
        direction.begin()  # a new walk is no new pace
        assert direction(at, here) @ gradient == pytest.approx(gain)
        asked.append(direction.order > 1)
        last = gradient
    return asked


def test_no_price_no_patience():
    assert paced([1.0, 1e-3, 1e-9], 0.0) == [True] * 3


@pytest.mark.parametrize("price", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("pace", [1.1, 2.0, 10.0, 1e3, 1e6])
@pytest.mark.parametrize("gain", [1e2, 1e-3, 1e-9])
def test_a_curvature_is_asked_for_where_the_way_is_long_at_this_pace(price, pace, gain):
    target, to_go, left = 1e-12, 0, gain / pace**2
    while left > target:
        left /= pace
        to_go += 1
    *before, now = paced([gain, gain / pace, gain / pace**2], price, target)
    assert not any(before)  # there is no pace as yet
    if abs(to_go - (newton.PATIENCE * price + 2)) > 1.5:
        assert now == (to_go > newton.PATIENCE * price + 2)


def test_a_gain_that_grows_asks_for_a_curvature():
    assert paced([1e-3, 1e-2, 1e-1], 3.0) == [False, False, True]


def test_what_is_next_to_nothing_asks_for_nothing():
    assert paced([1e-2, 1e-11, 1e-13, 1e-13, 0.0], 1.0) == [False] * 5


def test_after_a_curvature_the_pace_is_measured_anew():
    asked = paced([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4], 1.0)
    #        learns ------------ learns ------------ learns
    assert asked == [False, False, True, False, False, True, False]


def test_a_place_where_numbers_end_asks_for_nothing():
    for bad in [np.nan, np.inf]:
        direction = Newton(1.0)
        block = [(np.arange(2), np.eye(2))]
        direction(np.zeros(2), Here(np.ones(2), curvature=block))
        direction(np.ones(2), Here(np.zeros(2)))
        with np.errstate(invalid="ignore"):
            direction(2 * np.ones(2), Here(np.full(2, bad)))
        assert direction.order == 1


# --- pauses ---------------------------------------------------------------------------


def climbed(price, pauses, make, n=12, stop=None):
    """A climb of n iterations, all in one or paused after some of them."""
    objective, direction, step_size = make(), Newton(price), LineSearch()
    theta, places, asked = np.zeros(objective.X.shape[1]), [], 0
    for until in [*pauses, n]:
        for position in way(objective, steps, theta, direction, step_size):
            theta = position.theta
            if stop is not None:
                stop(objective, direction)(position)
            if asked == until:
                break
            places.append(theta)
            asked += 1
        direction, step_size = pickle.loads(pickle.dumps((direction, step_size)))
    return np.array(places)


def asks_nothing(objective, direction):
    return lambda position: False


def asks_the_direction(objective, direction):
    return Top(objective, direction, 1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("price", [0.0, *PRICES])
@pytest.mark.parametrize("pauses", [[1], [2], [3], [4], [1, 2, 3, 4, 5, 6]], ids=str)
@pytest.mark.parametrize("stop", [asks_nothing, asks_the_direction])
@pytest.mark.parametrize("problem", ["easy", "certain", "wide"])
def test_a_paused_climb_is_the_same_climb(price, pauses, stop, problem):
    """Whether or not the place of the pause was looked at before."""

    def make():
        return logistic(seed=3, **PROBLEMS[problem])

    whole = climbed(price, [], make, stop=stop)
    paused = climbed(price, pauses, make, stop=stop)
    assert np.allclose(paused, whole[: len(paused)], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("price", [0.0, 3.0, 1e9])
@pytest.mark.parametrize("n", range(1, 6))
def test_asking_twice_changes_nothing(price, n):
    """With the same evaluation, a copy of it, in this walk or another."""
    objective, direction = logistic(), Newton(price)
    walk = way(objective, steps, np.zeros(5), direction, LineSearch())
    for _ in range(n):
        position = next(walk)
    theta, here = position.theta, position
    expected = direction(theta, here).copy()
    asked = direction.order
    for again in range(3):
        if again == 1:
            here = copy.deepcopy(here)
        elif again == 2:
            direction.begin()
        assert np.allclose(direction(theta.copy(), here), expected, rtol=1e-9)
        assert direction.order == asked


@pytest.mark.parametrize("price", [0.0, 3.0, 1e9])
@pytest.mark.parametrize("n", range(1, 6))
@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
def test_a_copy_in_mid_climb_goes_on_as_the_original(price, n, how):
    objective, direction = logistic(n=200, p=6), Newton(price)
    walk = way(objective, steps, np.zeros(6), direction, LineSearch())
    for _ in range(n):
        position = next(walk)
        direction(position.theta, position)
    if how == "pickle":
        again = pickle.loads(pickle.dumps(direction))
    else:
        again = copy.deepcopy(direction)
    rng, theta = np.random.default_rng(0), position.theta
    for _ in range(4):
        theta = theta + 1e-3 * rng.standard_normal(6)
        asked = direction.order
        assert again.order == asked
        here = objective.evaluate(theta, curvature=asked > 1)
        there = copy.deepcopy(here)
        assert np.array_equal(direction(theta, here), again(theta.copy(), there))
        found, expected = (
            of.is_settled(theta, at, 1e-6)
            for of, at in [(again, there), (direction, here)]
        )
        assert found == expected


# --- another place --------------------------------------------------------------------


@prices
@pytest.mark.parametrize("n", [1, 2, 4])
def test_what_is_known_is_carried_to_another_place(price, n):
    """The curvature and its corrections, but no step from the one to the other."""
    below, there = quadratic(seed=0), quadratic(seed=1)
    direction, rng = Newton(price), np.random.default_rng(0)
    for at in rng.standard_normal((n, 8)):
        direction(at, below.evaluate(at, curvature=direction.order > 1))
    direction.carry()
    assert direction.order == 1
    at = rng.standard_normal(8)
    gradient = there.evaluate(at).gradient
    found = direction(at, Here(gradient))
    assert np.allclose(found, np.linalg.solve(below.A, gradient), rtol=1e-7)


def wandered(direction, objective, n, rng):
    """A climb of n iterations, from any place to any other."""
    for at in rng.standard_normal((n, 8)):
        direction(at, objective.evaluate(at, curvature=direction.order > 1))
        direction.order = 1


def test_a_curvature_serves_another_penalty():
    """As it is; what steps have met of it is what they would have met there."""
    rng, more = np.random.default_rng(0), np.linspace(0.0, 2.0, 8)
    direction, below = Newton(1e9), quadratic()
    wandered(direction, below, 12, rng)
    kept, steps_before = direction.solvers, [step for step, *_ in pairs(direction)]
    direction.bend(more)
    assert direction.solvers is kept and direction.order == 1
    assert len(pairs(direction)) == 11
    for (step, change, curvature), before in zip(pairs(direction), steps_before):
        assert np.array_equal(step, before)
        assert np.allclose(change, below.A @ step + more * step, rtol=1e-9)
        assert curvature == pytest.approx(step @ change)


def test_the_way_to_the_start_under_another_penalty_is_a_step():
    """From the last place, of whose gradient the penalty's part is known."""
    rng, more = np.random.default_rng(0), np.linspace(0.0, 2.0, 8)
    for direction in (Newton(1e9), LBFGS()):
        below = quadratic()
        wandered(direction, below, 3, rng)
        direction.bend(more)
        last, at = direction.last[0], rng.standard_normal(8)
        direction(at, Here(below.evaluate(at).gradient - more * at))
        step, change, _ = pairs(direction)[-1]
        assert np.array_equal(step, at - last)
        assert np.allclose(change, below.A @ step + more * step, rtol=1e-9)


@pytest.mark.parametrize("factor", [1e-3, 0.5, 4.0])
def test_a_curvature_serves_a_hill_that_has_shrunk_all_over(factor):
    objective, direction, at = quadratic(), Newton(1e9), np.zeros(8)
    direction(at, objective.evaluate(at, curvature=True))
    direction(objective.top, objective.evaluate(objective.top))
    direction.bend(np.zeros(8))
    assert direction.order == 1
    at = np.random.default_rng(0).standard_normal(8)
    found = direction(at, Here(factor * objective.evaluate(at).gradient))
    assert np.allclose(found, objective.top - at, rtol=1e-6)


@pytest.mark.parametrize("price", [0.0, 10.0, 30.0, np.inf])
@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_a_curvature_is_kept_until_that_has_cost_what_a_new_one_does(price, n):
    rng, there = np.random.default_rng(0), quadratic()
    direction = Newton(price, at_once=price < np.inf)
    wandered(direction, there, 1, rng)
    for done in range(1, 40):
        direction.bend(np.zeros(8))
        cost = max(n - newton.FEWEST, 0) * (done - 1)
        assert direction.order == 1 + (cost > price)
        if direction.order > 1:
            break
        wandered(direction, there, n, rng)
    else:
        assert n <= newton.FEWEST or price == np.inf
    if direction.order > 1:  # and then the count begins anew
        wandered(direction, there, 1, rng)
        direction.bend(np.zeros(8))
        assert direction.order == 1


@prices
def test_forgetting_asks_for_a_curvature(price):
    objective, direction = quadratic(), Newton(price)
    assert not direction.forget()  # of a new one, nothing is kept
    at = np.zeros(8)
    direction(at, objective.evaluate(at, curvature=True))
    at = np.ones(8)
    direction(at, objective.evaluate(at))
    direction.order = 1
    assert direction.forget()
    assert direction.order == 2
    assert not direction.forget()
    here = objective.evaluate(at, curvature=True)
    assert np.allclose(direction(at, here), objective.top - at, rtol=1e-8)


def test_without_a_price_there_is_nothing_to_forget():
    objective, direction = quadratic(), Newton()
    for at in np.random.default_rng(0).standard_normal((3, 8)):
        direction(at, objective.evaluate(at, curvature=True))
        assert direction.order == 2 and not direction.forget()


@pytest.mark.parametrize("kind", ["lacks a column", "twins", "few rows"])
def test_what_a_sample_cannot_see_is_not_settled(kind):
    """A direction that looks flat there need not be so here."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    if kind == "lacks a column":
        X[:, 2], unseen = 0.0, np.array([0.0, 0.0, 1.0, 0.0])
    elif kind == "twins":
        X[:, 2], unseen = X[:, 1], np.array([0.0, 1.0, -1.0, 0.0])
    else:
        X = X[:3]
        # flat along v: orthogonal to what is seen, in units of a unit diagonal
        unseen = np.linalg.svd(X)[2][-1] * (X**2).sum(axis=0)
    matrix = X.T @ X / len(X)
    seen = matrix @ np.ones(4)

    def settled(gradient, *, carried):
        direction, block = Newton(3.0, target=1e-12), [(np.arange(4), matrix)]
        if carried:
            direction(np.zeros(4), Here(seen, curvature=block))
            direction.carry()
        here = Here(gradient, curvature=[] if carried else block)
        found = direction.is_settled(np.ones(4), here, 1e-6)
        return found, direction.order > 1

    assert settled(1e-9 * seen, carried=True) == (True, False)
    assert settled(1e-5 * unseen, carried=True) == (False, True)
    # One that was measured here is taken at its word.
    assert settled(1e-5 * unseen, carried=False) == (True, False)


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
def test_solver(kind, seed):
    matrix, vector = semidefinite(kind, seed)
    kept = matrix.copy(), vector.copy()
    found = Solver(matrix)(vector)
    unit = np.sqrt(np.diagonal(matrix))
    unit = np.where(unit > 0, unit, 1.0)
    assert np.allclose(matrix @ found / unit, vector / unit, rtol=1e-7, atol=1e-9)
    assert np.allclose(found * unit, shortest(matrix, vector) * unit, rtol=1e-6)
    assert np.array_equal(matrix, kept[0]) and np.array_equal(vector, kept[1])


def test_solver_gives_twins_equal_shares():
    matrix, vector = semidefinite("twins")
    found = Solver(matrix)(vector)
    assert found[1] == pytest.approx(found[3], rel=1e-9)


def test_solver_of_nothing_is_nothing():
    assert not Solver(np.zeros((3, 3)))(np.zeros(3)).any()


def test_solver_makes_no_step_where_the_matrix_is_flat_to_rounding():
    v = np.array([1.0, 1.0]) / 2**0.5
    matrix = np.eye(2) - np.outer(v, v) + 1e-17
    assert np.abs(Solver(matrix)(1e-16 * v)).max() <= 1e-9


# --- matrices without a clear rank ----------------------------------------------------


def spectrum(values, seed=0):
    """A matrix of about a unit diagonal, with these eigenvalues before it is scaled."""
    values = np.asarray(values, dtype=float)
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values),) * 2))[0]
    matrix = (Q * values) @ Q.T
    return (matrix + matrix.T) / 2


def scaled_to_unit(matrix):
    unit = np.sqrt(np.diagonal(matrix))
    unit = np.where(unit > 0, unit, 1.0)
    return matrix / unit / unit[:, None], unit


@pytest.mark.parametrize("n", [1, 2, 5, 20, 60])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_solver_is_the_pseudo_inverse(n, share, seed):
    """Of matrices whose rank is clear, whatever it is."""
    rng = np.random.default_rng(seed)
    rank = max(1, n - int(share * n))
    root = rng.standard_normal((n, rank)) * np.geomspace(1, 30, n)[:, None]
    matrix = root @ root.T
    scaled, unit = scaled_to_unit(matrix)
    inverse = np.linalg.pinv(scaled, rcond=1e-11, hermitian=True)
    solve = Solver(matrix)
    for vector in [matrix @ rng.standard_normal(n), *rng.standard_normal((3, n))]:
        found = unit * solve(vector)
        expected = inverse @ (vector / unit)
        size = np.abs(expected).max()
        assert np.allclose(found, expected, rtol=1e-5, atol=1e-5 * size)


@pytest.mark.parametrize("smallest", [1e-3, 1e-6, 1e-9, 1e-11, 1e-13])
@pytest.mark.parametrize("n", [3, 10, 40])
@pytest.mark.parametrize("seed", range(3))
def test_solver_of_matrices_without_a_gap_solves_the_equations(smallest, n, seed):
    """Eigenvalues that fall steadily to rounding: what is promised is the residual."""
    matrix = spectrum(np.geomspace(1, smallest, n), seed)
    scaled, unit = scaled_to_unit(matrix)
    x = np.random.default_rng(seed).standard_normal(n)
    vector = matrix @ x
    found = Solver(matrix)(vector)
    assert np.allclose(scaled @ (unit * found), vector / unit, rtol=0, atol=1e-8)
    # No longer than what solves it, but for rounding errors along what is near flat.
    values = np.linalg.eigvalsh(scaled)
    slack = 1e-14 * n / values[values > n * newton.EPS * values[-1]].min()
    longest = np.linalg.norm(unit * x) * (1 + 1e-6)
    assert np.linalg.norm(unit * found) <= longest + slack * np.abs(vector / unit).max()


@pytest.mark.parametrize("smallest", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("n", [3, 10, 40])
def test_solver_of_matrices_without_a_gap_agrees_with_numpy(smallest, n):
    matrix = spectrum(np.geomspace(1, smallest, n))
    scaled, unit = scaled_to_unit(matrix)
    inverse = np.linalg.pinv(scaled, rcond=1e-13, hermitian=True)
    for vector in np.random.default_rng(0).standard_normal((3, n)):
        found, expected = unit * Solver(matrix)(vector), inverse @ (vector / unit)
        size = np.abs(expected).max()
        assert np.allclose(found, expected, rtol=0, atol=1e-7 / smallest**0.5 * size)


@pytest.mark.parametrize("smallest", [1e-2, 1e-6, 1e-9, 1e-12, 1e-15])
@pytest.mark.parametrize("rank", [3, 8])
def test_solver_steps_up_whatever_the_rank(smallest, rank):
    """Singular, and ill-conditioned in what is not: a direction must not lead down."""
    values = np.r_[np.geomspace(1, smallest, rank), np.zeros(4)]
    for seed in range(5):
        matrix = spectrum(values, seed)
        vector = np.random.default_rng(seed).standard_normal(len(values))
        for along in [matrix @ vector, vector]:
            assert Solver(matrix)(along) @ along >= -1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_solver_sees_all_but_what_is_flat(kind):
    matrix, vector = semidefinite(kind)
    solve = Solver(matrix)
    scaled, unit = scaled_to_unit(matrix)
    onto = scaled @ np.linalg.pinv(scaled, rcond=1e-12, hermitian=True)
    for given in [vector, np.ones_like(vector), unit]:
        part = given / unit
        expected = np.linalg.norm(part - onto @ part)
        size = np.linalg.norm(part)
        unseen = np.linalg.norm(solve.flat(given) * solve.unit)
        assert unseen == pytest.approx(expected, abs=1e-7 * size)
    unseen = np.linalg.norm(solve.flat(matrix @ vector) * solve.unit)
    assert unseen <= 1e-8 * np.linalg.norm(matrix @ vector)


@pytest.mark.parametrize("kind", KINDS)
def test_solver_is_ready_for_any_number_of_vectors(kind):
    matrix, vector = semidefinite(kind)
    solve = Solver(matrix)
    kept = matrix.copy()
    first = solve(vector).copy()
    solve(2 * vector + 1)
    again = pickle.loads(pickle.dumps(solve))
    for other in [solve, again, copy.deepcopy(solve)]:
        assert np.array_equal(other(vector), first)
    assert np.array_equal(matrix, kept)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", KINDS)
def test_solver_takes_matrices_of_any_memory_order(order, kind):
    matrix, vector = semidefinite(kind)
    found = Solver(np.array(matrix, order=order))(vector)
    strided = np.zeros((2 * len(matrix),) * 2)[::2, ::2]
    strided[...] = matrix
    assert np.allclose(found, Solver(strided)(vector), rtol=1e-9)


@pytest.mark.parametrize("apart, flat", [(0.0, True), (1e-8, False), (1e-10, False)])
def test_the_rows_tell_what_is_flat_indeed(apart, flat):
    """Columns so far apart look the same in the products, but not in the rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    X[:, 3] = X[:, 1] - X[:, 0] + apart * X[:, 3]
    solvers = [(np.arange(4), Solver(X.T @ X))]
    assert solvers[0][1].rank == 3

    def roots(along):
        return [np.linalg.qr(X @ along[:, None], mode="r")]

    stored = np.full(4, newton.EPS)
    here = SimpleNamespace(theta=np.zeros(4), roots=roots, stored=stored)
    assert newton.is_flat_indeed(solvers, here) == flat


def test_solver_takes_a_square_that_rounding_has_made_negative_for_zero():
    matrix = np.diag([2.0, -3e-71, 0.5])
    assert np.allclose(Solver(matrix)(np.array([1.0, 0.0, 1.0])), [0.5, 0.0, 2.0])


@pytest.mark.parametrize("seed", range(3))
def test_solver_sees_what_is_flat_in_sums_of_singles(seed):
    rng, single = np.random.default_rng(seed), np.finfo(np.float32).eps
    X = rng.standard_normal((3000, 20))
    X[:, -2:] = X[:, :4] @ rng.standard_normal((4, 2))
    X = X.astype(np.float32)
    matrix = (X.T @ X).astype(float)
    assert Solver(matrix, None, single).rank == 18
    matrix[np.diag_indices(20)] *= 1 + 1e-4
    assert Solver(matrix, None, single).rank == 20


@pytest.mark.parametrize("n_flat", [0, 1, 2])
def test_pivots_tell_what_columns_leave_and_where_a_matrix_is_flat(n_flat):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 6))
    X = np.hstack([X, X[:, :n_flat] - X[:, 3 : 3 + n_flat]])[:, ::-1]
    X *= np.logspace(-3, 3, 6 + n_flat)
    matrix, unit = X.T @ X, np.linalg.norm(X, axis=0)
    volume = np.sqrt(np.linalg.det((matrix / unit / unit[:, None])[n_flat:, n_flat:]))
    solve = Solver(matrix)
    assert solve.rank == len(solve.pivots) == 6
    assert solve.pivots[0] == pytest.approx(1.0)
    assert n_flat or np.prod(solve.pivots) == pytest.approx(volume, rel=1e-9)
    if n_flat:
        assert np.all(np.diff(solve.pivots) <= 0)
        flat = solve.flat_direction()
        assert np.linalg.norm(flat * unit) == pytest.approx(1.0)
        assert np.linalg.norm(X @ flat) < 1e-12


@pytest.mark.parametrize("noise", [1, 8])
@pytest.mark.parametrize("n", [2, 6, 33])
def test_what_is_flat_but_for_rounding_gets_no_share_of_a_step(n, noise):
    """However it is that sums were rounded: what is left is no curvature."""
    rng = np.random.default_rng(n)
    X = rng.standard_normal((100, n - 1))
    X = np.c_[X, X.sum(axis=1)]
    unit = np.linalg.norm(X, axis=0)
    flat = unit * np.r_[np.ones(n - 1), -1.0]
    flat /= np.linalg.norm(flat)
    rounded = noise * n * newton.EPS * np.outer(flat, flat)
    solve = Solver(X.T @ X + rounded * unit * unit[:, None])
    assert solve.rank == n - 1
    gradient = X.T @ rng.standard_normal(100) + 1e-12 * unit * flat
    assert abs(unit * solve(gradient) @ flat) <= 1e-9


@pytest.mark.parametrize("offset", [1e2, 1e5, 1e8])
@pytest.mark.parametrize("seed", range(3))
def test_a_sum_of_columns_far_from_0_is_known_as_such(offset, seed):
    """What their roundings leave of it is no direction; what is larger is one."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((200, 3)) + offset
    summed = X @ rng.standard_normal(3) + 1.8 * offset
    apart = summed + 100 * newton.EPS * offset * rng.standard_normal(200)
    for last, rank in [(summed, 4), (apart, 5)]:
        columns = np.c_[X, last, rng.standard_normal(200)]
        mean, deviation = columns.mean(axis=0), columns.std(axis=0)
        stored = newton.EPS * np.maximum(np.abs(mean) / deviation, 1.0)
        columns = (columns - mean) / deviation
        matrix, root = columns.T @ columns, np.linalg.qr(columns, mode="r")
        assert Solver(matrix, root, stored).rank == rank
        along = Solver(matrix)
        here = SimpleNamespace(theta=np.zeros(5), stored=stored)
        here.roots = lambda v, X=columns: [np.linalg.qr(X @ v[:, None], mode="r")]
        if along.rank == 4:
            is_flat = newton.is_flat_indeed([(np.arange(5), along)], here)
            assert is_flat == (rank == 4)
