"""Step sizes on awkward functions of one and two variables."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from skneuron._ascent import Gradient, LineSearch, Rate, answered

EPS = np.finfo(float).eps


@dataclass
class Here:
    value: float
    gradient: np.ndarray
    log_likelihood: float = 0.0


class Function:
    """A sum over coordinates of a function of one variable, watched."""

    def __init__(self, f, slope):
        self.f, self.slope = f, slope
        self.places = []

    def answer(self, question):
        return self.evaluate(question.theta)

    def evaluate(self, theta):
        self.places.append(theta.copy())
        with np.errstate(all="ignore"):
            return Here(float(self.f(theta).sum()), self.slope(theta))


class Along(Gradient):
    """A direction whose length is known or not, and that asks for derivatives."""

    def __init__(self, unit, order=1):
        self.knows_its_length, self.order = unit, order


def take(step_size, function, theta, here, along, *, unit=False, order=1):
    """Where a step leads, and what is there."""
    asking = step_size(theta, here, along, Along(unit, order), EPS)
    return answered(asking, function.answer)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


AWKWARD = {
    "flat": (lambda x: -1e6 + 0 * x, lambda x: 0 * x),
    "parabola": (lambda x: -((x - 3) ** 2), lambda x: -2 * (x - 3)),
    "steep parabola": (lambda x: -1e12 * (x - 3) ** 2, lambda x: -2e12 * (x - 3)),
    "flat parabola": (lambda x: -1e-12 * (x - 3) ** 2, lambda x: -2e-12 * (x - 3)),
    "quartic": (lambda x: -((x - 3) ** 4), lambda x: -4 * (x - 3) ** 3),
    "saturating": (lambda x: -np.log1p(np.exp(-x)), lambda x: sigmoid(-x)),
    "log-saturating": (lambda x: np.log(sigmoid(x)), lambda x: 1 - sigmoid(x)),
    "a wall of exp": (lambda x: x - np.exp(50 * x), lambda x: 1 - 50 * np.exp(50 * x)),
    "NaN beyond 1": (lambda x: 2 * x + np.log(1 - x), lambda x: 2 - 1 / (1 - x)),
    "NaN just beyond": (
        lambda x: np.sqrt(1e-6 - (x - 0.5)) + x,
        lambda x: 1 - 0.5 / np.sqrt(1e-6 - (x - 0.5)),
    ),
    "inf beyond 1": (
        lambda x: np.where(x < 1, x, np.inf),
        lambda x: np.where(x < 1, 1.0, np.nan),
    ),
    "a peak like a tent": (lambda x: -np.abs(x - 3), lambda x: -np.sign(x - 3)),
    "many hills": (
        lambda x: np.sin(9 * x) - 0.1 * x**2,
        lambda x: 9 * np.cos(9 * x) - 0.2 * x,
    ),
    "a cliff": (
        lambda x: np.where(x < 0.1, x, -1e6),
        lambda x: np.where(x < 0.1, 1.0, 0.0),
    ),
    "on a high plateau": (lambda x: 1e8 - (x - 3) ** 2, lambda x: -2 * (x - 3)),
    "a line": (lambda x: 2 * x, lambda x: 2 + 0 * x),
    "tiny": (lambda x: -1e-200 * (x - 3) ** 2, lambda x: -2e-200 * (x - 3)),
}
every = pytest.mark.parametrize("name", AWKWARD)
STARTS = [-20.0, -1.0, -1e-3, 0.0, 0.3]


def search(name, start, unit, lengthen=1.0, line_search=None):
    """Where a search from `start` ends up: (here, there or None, function)."""
    function = Function(*AWKWARD[name])
    theta = np.array(start, dtype=float).reshape(-1)
    here = function.evaluate(theta)
    function.places.clear()
    along = lengthen * here.gradient
    taken = take(line_search or LineSearch(), function, theta, here, along, unit=unit)
    return here, taken, function


@every
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("unit", [False, True])
def test_line_search_never_lowers_the_value(name, start, unit):
    for lengthen in [1e-6, 1.0, 1e6]:
        here, taken, function = search(name, start, unit, lengthen)
        assert len(function.places) <= 40
        if taken is None:
            continue
        place, there = taken
        assert math.isfinite(there.value) and np.all(np.isfinite(place))
        assert there.value >= here.value - 4 * EPS * abs(here.value)
        again = Function(*AWKWARD[name]).evaluate(place)
        assert again.value == there.value


@every
@pytest.mark.parametrize("start", STARTS)
def test_line_search_finds_a_higher_place_where_there_is_one(name, start):
    here, taken, _ = search(name, start, unit=False)
    if float(np.abs(here.gradient).max()) < 1e-9:
        return  # all that can be gained is rounding
    assert taken is not None
    assert taken[1].value > here.value


SMOOTH = ["parabola", "quartic", "saturating", "NaN beyond 1"]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("lengthen", [1e-4, 1.0, 1e4])
def test_line_search_climbs_enough(name, start, lengthen):
    """The first of the weak Wolfe conditions."""
    here, taken, _ = search(name, start, False, lengthen)
    place, there = taken
    along = lengthen * here.gradient
    length = float((place - start)[0] / along[0])
    enough = 1e-4 * length * float(along @ here.gradient)
    assert there.value - here.value >= enough * (1 - 1e-9)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("start", STARTS)
def test_line_search_goes_far_enough(name, start):
    """The second, from a first try that is far too short."""
    here, taken, _ = search(name, start, False, 1e-4)
    slope = here.gradient @ here.gradient
    assert float(here.gradient @ taken[1].gradient) <= 0.9 * float(slope)


def test_line_search_in_two_dimensions_of_unlike_scale():
    def f(x):
        return -np.array([1.0, 1e4]) * (x - 1) ** 2

    def slope(x):
        return -2 * np.array([1.0, 1e4]) * (x - 1)

    function, line_search = Function(f, slope), LineSearch()
    theta = np.zeros(2)
    here = function.evaluate(theta)
    for _ in range(20):
        taken = take(line_search, function, theta, here, here.gradient)
        if taken is None:
            break
        assert taken[1].value >= here.value
        theta, here = taken
    assert theta[1] == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("along", [-1.0, 0.0, np.nan])
def test_no_step_along_what_does_not_rise(along):
    function = Function(*AWKWARD["parabola"])
    theta = np.zeros(1)
    here = function.evaluate(theta)
    function.places.clear()
    found = take(LineSearch(), function, theta, here, np.array([along]), unit=True)
    assert found is None
    assert not function.places


def test_no_step_from_the_top():
    _, taken, _ = search("parabola", 3.0, unit=False)
    assert taken is None


def test_a_unit_step_is_tried_first_and_taken_when_good():
    _, taken, function = search("parabola", 0.0, unit=True, lengthen=0.5)
    assert len(function.places) == 1
    assert taken[0][0] == 3.0


def test_a_step_that_was_too_long_tells_where_the_peak_of_a_cubic_is():
    function = Function(lambda x: x - 1.1 * x**3, lambda x: 1 - 3.3 * x**2)
    theta = np.zeros(1)
    here = function.evaluate(theta)
    function.places.clear()
    take(LineSearch(), function, theta, here, np.ones(1), unit=True)
    first, second = np.ravel(function.places)[:2]
    # The slopes alone would say 0.3.
    assert first == 1.0 and second == pytest.approx(3.3**-0.5, rel=0.1)


@pytest.mark.parametrize("patience", [1, 3])
def test_a_line_search_out_of_patience_can_be_renewed_a_few_times(patience):
    """Its steps gain no more than rounding, however often it is asked."""
    line_search = LineSearch(patience=patience)

    def steps_taken():
        n = 0
        while n < 100:
            found, function = Here(-1e6, np.array([1e-12])), Function(*AWKWARD["flat"])
            theta, along = np.zeros(1), np.array([1e-3])
            taken = take(line_search, function, theta, found, along, unit=True)
            if taken is None:
                return n
            n += 1
        return n

    assert steps_taken() == patience
    assert steps_taken() == 0
    for _ in range(patience):
        line_search.renew()
        assert steps_taken() == patience
    line_search.renew()
    assert steps_taken() == 0


@pytest.mark.parametrize("start", [0.0, 10.0])
def test_the_first_try_is_within_the_stride(start):
    line_search = LineSearch(stride=2.0)
    _, _, function = search("a line", start, True, 1e9, line_search)
    assert abs(function.places[0][0] - start) <= 2.0 * (1 + start) * (1 + 1e-12)


def test_tries_are_bounded():
    line_search = LineSearch(max_tries=5)
    _, taken, function = search("a line", 0.0, False, 1.0, line_search)
    assert len(function.places) == 5  # a line never levels out
    assert taken is not None and taken[0][0] == max(p[0] for p in function.places)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("step_size", [LineSearch(), Rate(0.1)], ids="LF")
def test_the_direction_says_what_is_asked_for(step_size, order):
    asked = []

    class Asked(Function):
        def answer(self, question):
            asked.append(question)
            return super().answer(question)

    function, theta = Asked(*AWKWARD["parabola"]), np.zeros(1)
    here = function.evaluate(theta)
    take(step_size, function, theta, here, here.gradient, order=order)
    assert asked and all(question.order == order for question in asked)
    assert all(question.n_rows is None for question in asked)


@pytest.mark.parametrize("rate", [1e-3, 0.25, 100.0])
def test_fixed_rate_is_the_lectures_step(rate):
    function, theta = Function(*AWKWARD["parabola"]), np.array([1.0, -2.0])
    here = function.evaluate(theta)
    place, there = take(Rate(rate), function, theta, here, here.gradient, unit=True)
    assert np.array_equal(place, theta + rate * here.gradient)
    assert there.value == function.evaluate(place).value
    assert np.array_equal(theta, [1.0, -2.0])


def test_a_falling_rate_is_half_after_its_half_life():
    step_size = Rate(0.8, half_life=4)
    rates = [step_size.next_rate() for _ in range(13)]
    assert rates[0] == 0.8
    assert np.isclose(rates[4], 0.4) and np.isclose(rates[12], 0.2)
    assert np.all(np.diff(rates) < 0)


def test_steps_and_mini_batches_share_the_count_of_a_falling_rate():
    objective = Function(lambda x: x, np.ones_like)
    step_size, theta = Rate(1.0, half_life=1), np.zeros(2)
    step_size.next_rate()  # a mini-batch's
    here = objective.evaluate(theta)
    place, _ = take(step_size, objective, theta, here, here.gradient)
    np.testing.assert_allclose(place, 0.5)


def test_a_step_whose_length_is_no_number():
    """Its square underflows; the penalty is that steep where C is 1e-300."""
    theta, along = np.zeros(1), np.array([1e-200])
    function = Function(lambda x: x - 5e199 * x**2, lambda x: 1 - 1e200 * x)
    here = function.evaluate(theta)
    place, _ = take(LineSearch(), function, theta, here, along, unit=True)
    assert place == along
