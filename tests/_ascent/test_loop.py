"""The loop: curves, limits, interrupts, and what is kept of a climb."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from hills import Hill, Logistic, logistic, place, top_of, way

from skneuron._ascent import (
    LBFGS,
    Adam,
    Climb,
    Gradient,
    LineSearch,
    Momentum,
    Newton,
    Rate,
    Top,
    answered,
    climb,
    epochs,
    in_one,
    positions,
    sampled,
    steps,
)
from skneuron._ascent.loop import SAMPLED_STEPS
from skneuron._data.batches import Batches

EPS = np.finfo(float).eps


@dataclass
class Here:
    value: float
    gradient: np.ndarray
    log_likelihood: float
    curvature: list = field(default_factory=list)
    roots: object = None
    passed: tuple = ()
    theta: np.ndarray | None = None
    noise: float = np.finfo(float).eps


class Rowwise(Hill):
    """``-sum_i (theta - x_i)^2 / 2`` over rows, a mean, with a penalty to bear."""

    def __init__(self, x, l2=0.0):
        self.x, self.l2 = np.asarray(x, dtype=float), l2
        self.divisor = float(len(self.x))
        self.asked = []

    def evaluate(self, theta, *, curvature=False):
        self.asked.append(theta.copy())
        n = len(self.x)
        total = -0.5 * float(((theta - self.x) ** 2).sum())
        gradient = (self.x.sum() - n * theta) - self.l2 * theta
        value = total - self.penalty(theta)
        blocks = [(np.arange(1), np.array([[1 + self.l2 / n]]))] if curvature else []
        return Here(value / n, gradient / n, total, blocks, theta=theta)

    def log_likelihood(self, theta):
        return self.evaluate(theta).log_likelihood

    def part(self, at, *, whole_penalty):
        return self.on(self.x[at], whole_penalty=whole_penalty)

    def on(self, x, *, whole_penalty):
        part = Rowwise(x, self.l2)
        if not whole_penalty:
            part.l2 *= len(part.x) / len(self.x)
        return part

    @property
    def rows(self):
        return SimpleNamespace(take=self.x.__getitem__, X=self.x)

    shrunk = np.zeros(1)

    def but(self, *, shrunk):
        return self

    def compiled_steps(self, size, *, whole_penalty):
        return None


class Watch:
    """Notes what it sees; stops, or raises, at an iteration of choice."""

    def __init__(self, stop_at=None, raise_in=None, raise_at=None):
        self.stop_at, self.raise_in, self.raise_at = stop_at, raise_in, raise_at
        self.seen = []

    def begin(self, n, position):
        self._note("begin", n, position)

    def end(self, n, position):
        self._note("end", n, position)
        return n == self.stop_at

    def _note(self, word, n, position):
        self.seen.append((word, n, float(position.theta[0])))
        if (word, n) == (self.raise_in, self.raise_at):
            raise KeyboardInterrupt


def passing(values):
    """A walk over positions of these values, place i at i."""
    for i, value in enumerate(values):
        yield place(np.array([float(i)]), 10.0 * value, value)


class When:
    """The rule that a function is: asked at the start as after every iteration."""

    def __init__(self, rule):
        self.at_start = self.rule = rule

    def __call__(self, position):
        return self.rule(position)

    def allows(self, position):
        return True


def go(walk, max_iter=100, stop=lambda position: False, watch=None, noise=EPS):
    """Climb where questions are answered; `stop` is a rule, or a function for one."""
    stop = stop if hasattr(stop, "at_start") else When(stop)
    watch = watch or Watch()
    asking = climb(walk, max_iter=max_iter, stops=[stop], watch=watch, noise=noise)
    return answered(asking, None)


def by_epochs(objective, theta, direction, rate, batches, *, whole_penalty, **kinds):
    """The positions of a walk by epochs of an objective's batches."""
    take = batches.over(objective, whole_penalty=whole_penalty)

    def epoch(theta):
        return objective.evaluation_of(take(theta, direction, rate), theta)

    asking = epochs(theta, rate, epoch, objective.x, **kinds)
    return positions(asking, objective.answer)


def flags(result):
    names = ["converged", "stopped", "interrupted", "diverged", "fell"]
    return {name for name in names if getattr(result, name)}


# --- climb ----------------------------------------------------------------------------


@pytest.mark.parametrize("max_iter", [0, 1, 5])
def test_max_iter(max_iter):
    result = go(passing(range(99)), max_iter=max_iter)
    assert isinstance(result, Climb)
    assert result.n_iter == max_iter
    assert result.curve == [10.0 * value for value in range(max_iter + 1)]
    assert result.position.theta[0] == max_iter
    assert flags(result) == set()


@pytest.mark.parametrize("top", [0, 1, 7])
def test_stops_at_the_top(top):
    watch = Watch()
    result = go(passing(range(99)), stop=lambda at: at.value >= top, watch=watch)
    assert flags(result) == {"converged"}
    assert result.n_iter == top
    assert len(result.curve) == top + 1
    assert [n for word, n, _ in watch.seen if word == "end"] == [*range(1, top + 1)]


def test_converged_at_the_last_iteration_is_converged():
    result = go(passing(range(99)), max_iter=3, stop=lambda at: at.value >= 3)
    assert flags(result) == {"converged"}


def test_stop_is_asked_once_for_every_position():
    asked = []
    go(passing(range(99)), max_iter=4, stop=lambda at: asked.append(at.value))
    assert asked == [0, 1, 2, 3, 4]


def test_the_start_is_asked_as_the_start():
    class Noting:
        def __init__(self):
            self.asked = []

        def at_start(self, position):
            self.asked.append(("start", position.value))

        def __call__(self, position):
            self.asked.append(("after", position.value))

    stop = Noting()
    go(passing(range(99)), max_iter=2, stop=stop)
    assert stop.asked == [("start", 0), ("after", 1), ("after", 2)]


def test_a_climb_knows_the_position_before_its_last():
    assert go(passing(range(99)), max_iter=0).before is None
    for max_iter in [1, 4]:
        result = go(passing(range(99)), max_iter=max_iter)
        assert result.before.theta[0] == max_iter - 1
        assert result.before.log_likelihood == result.curve[-2]


@pytest.mark.parametrize(
    ("values", "before"), [([0, 1, 2, np.nan], 1), ([0, np.nan], None)]
)
def test_the_position_before_is_that_of_the_last_finite_one(values, before):
    result = go(passing(values))
    assert (result.before and result.before.theta[0]) == before


def test_watch_sees_before_and_after():
    watch = Watch()
    go(passing(range(99)), max_iter=2, watch=watch)
    assert watch.seen == [
        ("begin", 1, 0.0),
        ("end", 1, 1.0),
        ("begin", 2, 1.0),
        ("end", 2, 2.0),
    ]


def test_watch_can_stop():
    result = go(passing(range(99)), watch=Watch(stop_at=3))
    assert flags(result) == {"stopped"}
    assert result.n_iter == 3
    assert result.position.theta[0] == 3


@pytest.mark.parametrize(
    ("at_top", "expected"), [(True, {"converged"}), (False, set())]
)
def test_a_walk_that_ends_says_whether_at_the_top(at_top, expected):
    def walk():
        yield from passing([0, 1, 2])
        return at_top

    watch = Watch()
    result = go(walk(), watch=watch)
    assert flags(result) == expected
    # That it found nothing higher took an iteration, and stays on the curve.
    assert result.n_iter == 3
    assert result.curve == [0.0, 10.0, 20.0, 20.0]
    assert result.position.theta[0] == 2
    assert watch.seen[-1] == ("end", 3, 2.0)
    begun = [n for word, n, _ in watch.seen if word == "begin"]
    ended = [n for word, n, _ in watch.seen if word == "end"]
    assert begun == ended


@pytest.mark.parametrize("word", ["begin", "end"])
@pytest.mark.parametrize("n", [1, 4])
def test_an_interrupt_in_watch_keeps_the_climb(word, n):
    result = go(passing(range(99)), watch=Watch(raise_in=word, raise_at=n))
    assert flags(result) == {"interrupted"}
    reached = n if word == "end" else n - 1
    assert result.n_iter == reached
    assert result.position.theta[0] == reached
    assert result.curve == [10.0 * value for value in range(reached + 1)]


def test_an_interrupt_in_a_step_keeps_the_climb():
    def walk():
        yield from passing(range(4))
        raise KeyboardInterrupt

    result = go(walk())
    assert flags(result) == {"interrupted"}
    assert result.n_iter == 3
    assert result.position.theta[0] == 3


def test_an_interrupt_in_stop_keeps_the_climb():
    def stop(position):
        if position.value == 2:
            raise KeyboardInterrupt

    result = go(passing(range(99)), stop=stop)
    assert flags(result) == {"interrupted"}
    assert result.n_iter == 2
    assert result.position.theta[0] == 2


def test_other_errors_are_not_swallowed():
    def walk():
        yield from passing(range(2))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(walk())


def test_an_interrupt_in_mid_epoch_keeps_the_last_whole_epoch():
    objective = Rowwise([0.0, 1.0, 5.0, 6.0])

    class Torn(Batches):
        calls = 0

        def __call__(self, place=None):
            self.calls += 1
            yield slice(0, 2)
            if self.calls == 3:
                raise KeyboardInterrupt
            yield slice(2, 4)

    for exact in [True, False]:
        kwargs = {"whole_penalty": False, "exact": exact, "monotone": False}
        start = np.zeros(1)
        walk = by_epochs(
            objective, start, Gradient(), Rate(0.1), Torn(4, 2, None), **kwargs
        )
        result = go(walk)
        batches = Batches(4, 2, None)
        whole = by_epochs(
            objective, np.zeros(1), Gradient(), Rate(0.1), batches, **kwargs
        )
        for _ in range(3):
            expected = next(whole).theta.copy()
        assert flags(result) == {"interrupted"}
        assert result.n_iter == 2
        assert np.array_equal(result.position.theta, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_step_to_where_numbers_end_keeps_the_last_finite_place(bad):
    watch = Watch()
    result = go(passing([0, 1, 2, bad, 4]), watch=watch)
    assert flags(result) == {"diverged", "fell"}
    assert result.n_iter == 2
    assert result.position.theta[0] == 2
    assert np.all(np.isfinite(result.curve))
    assert watch.seen[-1] == ("end", 3, 2.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_parameters_have_to_be_finite_too(bad):
    def walk():
        yield from passing([0, 1])
        yield place(np.array([bad]), 20.0, 2.0)

    result = go(walk())
    assert flags(result) == {"diverged", "fell"}
    assert result.position.theta[0] == 1


def test_a_start_where_numbers_end():
    result = go(passing([np.nan, 1]))
    assert result.diverged
    assert result.n_iter == 0


def test_overflow_on_the_way_is_not_warned_of():
    def walk():
        yield from passing([0])
        yield place(np.array([1e300]) * 1e300, 0.0, 0.0)

    assert go(walk()).diverged


@pytest.mark.parametrize(
    ("values", "fell"),
    [
        ([0, 1, 2, 3], False),
        ([3, 3, 3], False),
        ([0, 2, 1, 5], True),
        ([-1.0, -1.0 - 10 * EPS], False),  # within rounding
        ([-1.0, -1.0 - 1000 * EPS], True),
    ],
)
def test_fell(values, fell):
    result = go(passing(values), max_iter=len(values) - 1)
    assert result.fell == fell


def test_fell_knows_the_noise_of_float32():
    values = [-1.0, -1.0 - 1e-6]
    assert go(passing(values), max_iter=1).fell
    noise = float(np.finfo(np.float32).eps)
    assert not go(passing(values), max_iter=1, noise=noise).fell


# --- steps ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.7])
def test_steps_of_a_fixed_rate_are_the_lectures(rate):
    objective = Rowwise([1.0, 2.0, 6.0])
    theta = np.zeros(1)
    for position, _ in zip(
        way(objective, steps, np.zeros(1), Gradient(), Rate(rate)), range(10)
    ):
        assert np.array_equal(position.theta, theta)
        here = objective.evaluate(theta)
        assert position.value == here.value
        assert position.log_likelihood == here.log_likelihood
        theta = theta + rate * here.gradient


@pytest.mark.parametrize("make", [Gradient, Newton, lambda: Momentum(0.0)], ids="GNM")
def test_steps_end_at_the_top(make):
    objective = Rowwise([1.0, 2.0, 6.0])
    result = go(way(objective, steps, np.zeros(1), make(), LineSearch()))
    assert result.converged
    assert result.n_iter < 50
    assert result.position.theta[0] == pytest.approx(3.0, abs=1e-7)
    assert not result.fell


def test_steps_that_find_nothing_higher_try_again_without_memory():
    objective = Rowwise([3.0])

    class Misled(Gradient):
        """Points the wrong way until it forgets."""

        misled = True

        def __call__(self, theta, here):
            return -here.gradient if self.misled else here.gradient

        def forget(self):
            was, self.misled = self.misled, False
            return was

    result = go(way(objective, steps, np.zeros(1), Misled(), LineSearch()), max_iter=20)
    assert result.position.theta[0] == pytest.approx(3.0)


def test_steps_that_cannot_rise_though_the_slope_says_so_are_not_at_the_top():
    class Liar(Rowwise):
        def evaluate(self, theta, *, curvature=False):
            value = -float(abs(theta[0]))
            return Here(value, np.ones(1), value, theta=theta)

    result = go(way(Liar([1.0]), steps, np.zeros(1), Gradient(), LineSearch()))
    assert flags(result) == set()
    assert result.n_iter == 1
    assert result.curve[0] == result.curve[1]
    assert result.position.theta[0] == 0


def test_steps_leave_the_start_and_earlier_positions_alone():
    start = np.zeros(1)
    for direction in [Gradient(), Momentum(0.9), Adam()]:
        walk = way(Rowwise([4.0]), steps, start, direction, Rate(0.1))
        kept = [next(walk) for _ in range(5)]
        copies = [position.theta.copy() for position in kept]
        next(walk)
        assert start[0] == 0
        assert all(np.array_equal(p.theta, c) for p, c in zip(kept, copies))
        assert len({float(p.theta[0]) for p in kept}) == 5


@pytest.mark.parametrize("make", [lambda: Rate(0.1), LineSearch])
def test_steps_tell_the_direction_that_a_walk_begins(make):
    class Told(Gradient):
        begun = 0

        def begin(self):
            self.begun += 1

        def __call__(self, theta, here):
            assert self.begun
            return super().__call__(theta, here)

    direction = Told()
    for walks in [1, 2]:
        walk = way(Rowwise([4.0]), steps, np.zeros(1), direction, make())
        for _ in range(4):
            next(walk)
        assert direction.begun == walks


@pytest.mark.parametrize("make", [Gradient, LBFGS, Newton, lambda: Newton(3.0)])
def test_steps_from_a_place_that_is_known_do_not_evaluate_it_again(make):
    start = np.full(5, 0.1)
    one, other = logistic(), logistic()
    here = one.evaluate(start, curvature=True)
    one.gradients = one.curvatures = 0
    known = way(one, steps, start, make(), LineSearch(), here)
    unknown = way(other, steps, start, make(), LineSearch())
    first = next(known)
    assert one.gradients == 0 and first is here
    assert first.value == here.value and first.log_likelihood == here.log_likelihood
    next(unknown)
    for _ in range(5):
        assert np.array_equal(next(known).theta, next(unknown).theta)
    assert one.gradients == other.gradients - 1


# --- sampled --------------------------------------------------------------------------

ADAPTIVE = {
    "newton": lambda: Newton(3.0),
    "dear newton": lambda: Newton(50.0),
    "newton later": lambda: Newton(3.0, at_once=False),
    "never newton": lambda: Newton(np.inf, at_once=False),
}
adaptive = pytest.mark.parametrize("make", ADAPTIVE.values(), ids=ADAPTIVE)
SAMPLES = {
    "small": {"n": 2000, "p": 5},
    "wide": {"n": 3000, "p": 15},
    "certain": {"n": 3000, "p": 4, "size": 2.0},
    "scales": {"n": 2000, "p": 5, "spread": 100.0},
    "penalised": {"n": 2000, "p": 5, "l2": 20.0},
}
samples = pytest.mark.parametrize("problem", SAMPLES)


def by_sample(objective, theta, direction, n_rows, n_telling=15):
    """The positions of a sampled walk; so many rows to a parameter can be telling."""
    n_telling *= objective.X.shape[1]
    n_telling = int(min(max(n_telling, n_rows), objective.n_rows))
    return way(objective, sampled, theta, direction, LineSearch(), n_rows, n_telling)


def reach_by_sample(
    objective, direction, n_rows, start=None, tol=1e-8, n_telling=15, **kwargs
):
    """Climb to the top; every position on the way, too."""
    theta = np.zeros(objective.X.shape[1]) if start is None else start
    seen = []

    def walk():
        inner = by_sample(objective, theta, direction, n_rows, n_telling)
        while True:
            try:
                position = next(inner)
            except StopIteration as end:
                return end.value
            seen.append(position)
            yield position

    result = go(walk(), stop=Top(objective, direction, tol), **kwargs)
    return result, seen


def assert_at_top(objective, result, seen):
    top = top_of(objective)
    assert result.converged and not result.fell
    values = np.array([position.value for position in seen])
    assert np.all(np.diff(values) >= -64 * EPS * np.abs(values[:-1]))
    here = objective.evaluate(result.position.theta)
    assert here.value == result.position.value
    assert here.log_likelihood == result.position.log_likelihood == result.curve[-1]
    assert np.abs(here.gradient).max() <= 1e-8
    away = result.position.theta - top
    assert np.abs(away).max() <= 1e-4 * np.abs(top).max()


@adaptive
@samples
@pytest.mark.parametrize("share", [0.05, 0.25])
@pytest.mark.parametrize("seed", range(2))
def test_sampled_climbs_reach_the_top(make, problem, share, seed):
    objective = logistic(seed=seed, **SAMPLES[problem])
    direction = make()
    n_rows = int(share * objective.n_rows)
    result, seen = reach_by_sample(objective, direction, n_rows)
    assert_at_top(objective, result, seen)


@adaptive
@samples
def test_sampled_climbs_start_at_the_start_and_go_where_the_sample_leads(make, problem):
    objective, direction = logistic(**SAMPLES[problem]), make()
    n_rows, p = 500, objective.X.shape[1]
    start = np.full(p, 0.01)
    walk = by_sample(objective, start, direction, n_rows)
    first, second = next(walk), next(walk)
    assert first.theta is start and first.gradient is None
    there = objective.evaluate(start)
    assert first.log_likelihood == there.log_likelihood
    assert first.value == pytest.approx(there.value, rel=1e-14)
    here = objective.evaluate(second.theta)
    assert second.value == here.value > first.value
    assert second.log_likelihood == here.log_likelihood
    assert np.array_equal(second.gradient, here.gradient)
    # As near to the sample's own top as its size asks for: a share of what the
    # sample's top is off by from the top of all.
    sample = objective.sample(n_rows).evaluate(second.theta, curvature=True)
    ((_, matrix),) = sample.curvature
    to_gain = sample.gradient @ np.linalg.solve(matrix, sample.gradient)
    assert to_gain <= (0.3 if problem != "scales" else 10.0) * p / n_rows


@adaptive
@samples
@pytest.mark.parametrize("n_telling", [1, 60, 1e9])
def test_the_top_is_the_same_whichever_rows_tell_of_the_curvature(
    make, problem, n_telling
):
    """The sample's own, those of a larger one, or all."""
    objective, direction = logistic(**SAMPLES[problem]), make()
    asked = []
    answer = objective.answer

    def listening(question):
        asked.append(question)
        return answer(question)

    objective.answer = listening
    start = np.zeros(objective.X.shape[1])
    result, seen = reach_by_sample(
        objective, direction, 200, start, n_telling=n_telling
    )
    assert_at_top(objective, result, seen)
    if make is not ADAPTIVE["never newton"]:
        n_all = objective.n_rows
        expected = {1: 200, 60: min(60 * len(start), n_all), 1e9: n_all}[n_telling]
        n_rows = {question.n_rows or n_all for question in asked if question.order > 1}
        assert expected in n_rows or make is ADAPTIVE["newton later"]
        assert n_rows <= {200, expected, n_all}


@adaptive
def test_a_sample_spares_looks_at_all_rows(make):
    plain, other = (logistic(n=5000, p=5, size=2.0) for _ in range(2))
    result = go(
        way(plain, steps, np.zeros(5), make(), LineSearch()),
        stop=(lambda position: np.abs(position.gradient).max() <= 1e-8),
    )
    assert result.converged
    result, _ = reach_by_sample(other, make(), 1000)
    assert result.converged
    assert other.gradients < plain.gradients
    assert other.curvatures <= plain.curvatures


@adaptive
def test_the_target_is_the_directions_own_again(make):
    objective, direction = logistic(n=1000), make()
    direction.target = 1e-9
    walk = by_sample(objective, np.zeros(5), direction, 200)
    next(walk)
    assert direction.target == 1e-9
    next(walk)
    assert direction.target == 1e-9


class Misleading(Logistic):
    """Has samples that are not of it."""

    def __init__(self, of, kind):
        super().__init__(of.X, of.y, of.l2)
        self.kind = kind
        self.drawn = []

    def sample(self, n_rows):
        sample = super().sample(n_rows)
        if self.kind == "other labels":
            sample.y = 1 - sample.y
        elif self.kind == "one label":
            sample.y[:] = 1.0
        elif self.kind == "separated":
            sample.y = (sample.X[:, 1] > 0.0).astype(float)
        elif self.kind == "separated the other way":
            sample.y = (sample.X @ -top_of(self) > 0.0).astype(float)
        elif self.kind == "lacks columns":
            sample.X[:, 2:] = 0.0
        elif self.kind == "twins":
            sample.X[:, 2] = sample.X[:, 1]
        elif self.kind == "a row":
            sample.X[:], sample.y[:] = sample.X[:1], sample.y[:1]
        elif self.kind == "other units":
            sample.X[:, 1:] *= 1e-3
        elif self.kind == "noise":
            sample.y = np.random.default_rng(0).permutation(sample.y)
        self.drawn.append(sample)
        return sample


MISLEADING = [
    "other labels",
    "one label",
    "separated",
    "separated the other way",
    "lacks columns",
    "twins",
    "a row",
    "other units",
    "noise",
]


@adaptive
@pytest.mark.parametrize("kind", MISLEADING)
@pytest.mark.parametrize("seed", range(3))
def test_a_sample_that_misleads_is_dropped(make, kind, seed):
    objective = Misleading(logistic(n=1500, p=4, seed=seed), kind)
    result, seen = reach_by_sample(objective, make(), 300)
    assert_at_top(objective, result, seen)
    if kind in ("other labels", "separated the other way"):
        # Back to the start, which took an iteration.
        assert np.array_equal(seen[1].theta, seen[0].theta)
        assert result.curve[0] == pytest.approx(result.curve[1], rel=1e-14)


@adaptive
@pytest.mark.parametrize("kind", ["one label", "separated", "a row"])
def test_a_sample_without_a_top_is_not_climbed_for_ever(make, kind):
    objective = Misleading(logistic(n=1500, p=4), kind)
    walk = by_sample(objective, np.zeros(4), make(), 300)
    for _ in range(2):
        next(walk)
    assert objective.drawn[0].gradients <= 3 * SAMPLED_STEPS
    assert objective.gradients <= 3


@adaptive
@pytest.mark.parametrize("order", ["by label", "by a feature"])
def test_sorted_rows_are_sampled_evenly(make, order):
    objective = logistic(n=2000, p=4)
    at = np.argsort(objective.y if order == "by label" else objective.X[:, 1])
    objective = Logistic(objective.X[at], objective.y[at])
    result, seen = reach_by_sample(objective, make(), 400)
    assert_at_top(objective, result, seen)
    assert not np.array_equal(seen[1].theta, seen[0].theta)


@adaptive
def test_a_start_at_the_top_is_kept(make):
    objective = logistic(n=1000)
    start = top_of(objective)
    result, _ = reach_by_sample(objective, make(), 200, start=start, max_iter=10)
    assert result.converged and not result.fell
    assert np.allclose(result.position.theta, start, rtol=1e-6, atol=1e-8)
    assert result.n_iter <= 2


@adaptive
@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_interrupt_on_the_sample_keeps_the_start(make, at):
    """And leaves a direction that can climb on."""

    class Interrupted(Logistic):
        def sample(self, n_rows):
            sample = super().sample(n_rows)
            evaluate = sample.evaluate

            def until(theta, *, curvature=False):
                if sample.gradients == at:
                    raise KeyboardInterrupt
                return evaluate(theta, curvature=curvature)

            sample.evaluate = until
            return sample

    given = logistic(n=1000, size=2.0)
    objective, direction = Interrupted(given.X, given.y), make()
    direction.target = 1e-16
    result, seen = reach_by_sample(objective, direction, 300)
    assert flags(result) == {"interrupted"} and result.n_iter == 0
    assert len(seen) == 1 and not result.position.theta.any()
    assert direction.target == 1e-16
    result = go(
        way(given, steps, result.position.theta, direction, LineSearch()),
        stop=Top(given, direction, 1e-8),
    )
    assert result.converged
    assert np.allclose(result.position.theta, top_of(given), rtol=1e-5, atol=1e-6)


# --- epochs ---------------------------------------------------------------------------

X = [0.0, 1.0, 5.0, 6.0, 9.0]


def slow_epochs(objective, theta, rate, size, n, whole_penalty):
    places = [theta]
    for _ in range(n):
        for start in range(0, len(objective.x), size):
            at = slice(start, start + size)
            part = objective.part(at, whole_penalty=whole_penalty)
            theta = theta + rate * part.evaluate(theta).gradient
        places.append(theta)
    return places


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("whole_penalty", [True, False])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_epochs_step_batch_by_batch(exact, whole_penalty, size):
    objective, start = Rowwise(X, l2=0.5), np.zeros(1)
    walk = by_epochs(
        objective,
        start,
        Gradient(),
        Rate(0.1),
        Batches(5, size, None),
        whole_penalty=whole_penalty,
        exact=exact,
        monotone=False,
    )
    expected = slow_epochs(objective, np.zeros(1), 0.1, size, 4, whole_penalty)
    found = [position for position, _ in zip(walk, range(5))]
    for position, theta in zip(found, expected):
        assert np.allclose(position.theta, theta, rtol=1e-13)
    assert start[0] == 0


def test_exact_epochs_know_the_whole_objective():
    objective = Rowwise(X, l2=0.5)
    walk = by_epochs(
        objective,
        np.zeros(1),
        Gradient(),
        Rate(0.1),
        Batches(5, 2, None),
        whole_penalty=False,
        exact=True,
        monotone=False,
    )
    for position, _ in zip(walk, range(4)):
        here = objective.evaluate(position.theta)
        assert position.value == here.value
        assert position.log_likelihood == here.log_likelihood
        assert position.gradient is not None


def test_other_epochs_add_up_what_the_batches_saw():
    objective = Rowwise(X, l2=0.5)
    walk = by_epochs(
        objective,
        np.zeros(1),
        Gradient(),
        Rate(0.1),
        Batches(5, 2, None),
        whole_penalty=False,
        exact=False,
        monotone=False,
    )
    start = next(walk)
    assert start.log_likelihood == objective.log_likelihood(np.zeros(1))
    theta = np.zeros(1)
    for position, _ in zip(walk, range(3)):
        seen = 0.0
        for at in Batches(5, 2, None)():
            part = objective.part(at, whole_penalty=False)
            here = part.evaluate(theta)
            seen += here.log_likelihood
            theta = theta + 0.1 * here.gradient
        assert position.log_likelihood == pytest.approx(seen)
        value = seen - objective.penalty(position.theta)
        assert position.value == pytest.approx(value / objective.divisor)


def test_the_start_of_epochs_bears_the_penalty_as_the_epochs_do():
    objective = Rowwise(X, l2=50.0)
    walk = by_epochs(
        objective,
        np.array([4.0]),
        Gradient(),
        Rate(1e-9),  # next to no move: next to no change
        Batches(5, 5, None),
        whole_penalty=True,
        exact=False,
        monotone=False,
    )
    assert next(walk).value == pytest.approx(next(walk).value, rel=1e-6)


def test_monotone_epochs_never_lower_the_objective():
    objective = Rowwise(X)

    def run(monotone):
        return by_epochs(
            objective,
            np.zeros(1),
            Gradient(),
            Rate(30.0),  # far too large
            Batches(5, 2, np.random.RandomState(0)),
            whole_penalty=False,
            exact=True,
            monotone=monotone,
        )

    assert go(run(False), max_iter=20).fell
    result = go(run(True), max_iter=40)
    assert not result.fell
    assert np.all(np.diff(result.curve) >= 0)
    best = objective.log_likelihood(np.array([np.mean(X)]))
    assert result.curve[0] < result.curve[-1] <= best
    assert result.curve[-1] == pytest.approx(best, rel=0.01)


@pytest.mark.parametrize("monotone", [True, False])
def test_monotone_epochs_keep_the_halved_rate_in_the_step_size(monotone):
    objective, step_size = Rowwise(X), Rate(30.0)

    def walk(theta, rate=step_size):
        batches = Batches(5, 2, None)
        kwargs = {"whole_penalty": False, "exact": True, "monotone": monotone}
        return by_epochs(objective, theta, Gradient(), rate, batches, **kwargs)

    places = walk(np.zeros(1))
    last, rates = next(places), []
    for _ in range(8):
        rate, position = step_size.rate, next(places)
        fell = np.array_equal(position.theta, last.theta)  # and was taken back
        assert step_size.rate == (rate / 2 if fell else rate)
        rates.append(step_size.rate)
        last = position
    if not monotone:
        assert rates == [30.0] * 8
        return
    assert rates[0] == 15.0 and 0.0 < rates[-1] < 2.0
    # A later climb goes on at the rate that this one arrived at.
    paused = walk(last.theta)
    next(paused)
    on = walk(last.theta, Rate(step_size.rate))
    next(on)
    assert np.array_equal(next(paused).theta, next(on).theta)


def test_epochs_leave_earlier_positions_alone():
    for exact in [True, False]:
        walk = by_epochs(
            Rowwise(X),
            np.zeros(1),
            Momentum(0.5),
            Rate(0.1),
            Batches(5, 2, None),
            whole_penalty=False,
            exact=exact,
            monotone=exact,
        )
        kept = [next(walk) for _ in range(4)]
        copies = [position.theta.copy() for position in kept]
        next(walk)
        assert all(np.array_equal(p.theta, c) for p, c in zip(kept, copies))


# --- in_one ---------------------------------------------------------------------------


@pytest.mark.parametrize("max_steps", [1, 2, 3])
def test_some_steps_are_one_iteration(max_steps):
    objective, start = logistic(), np.zeros(logistic().X.shape[1])
    walk = way(objective, in_one, start, Newton(), LineSearch(), max_steps)
    ends = [position.theta for position in walk]
    straight = way(objective, steps, start, Newton(), LineSearch())
    every = [position.theta for position, _ in zip(straight, range(max_steps + 1))]
    assert len(ends) == 2
    np.testing.assert_array_equal(ends, [every[0], every[-1]])


def test_in_one_iteration_there_is_one_step_at_least_and_more_while_they_pay():
    objective, start = logistic(), np.zeros(logistic().X.shape[1])
    for target, n_steps in [(np.inf, 1), (0.0, 5)]:
        direction = Newton(target=target)
        _, end = way(objective, in_one, start, direction, LineSearch(), 5)
        walk = way(objective, steps, start, Newton(), LineSearch())
        expected = [position.theta for position, _ in zip(walk, range(n_steps + 1))]
        np.testing.assert_array_equal(end.theta, expected[-1])


def test_in_one_iteration_nowhere_to_go_is_the_end():
    top = np.zeros(1)
    start, end = way(Rowwise([0.0, 0.0]), in_one, top, Newton(), LineSearch(), 3)
    assert end is start
    np.testing.assert_array_equal(end.theta, top)
