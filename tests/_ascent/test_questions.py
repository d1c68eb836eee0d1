"""Questions: asked in turn, answered from outside, and interrupted in between."""

import warnings

import numpy as np
import pytest
from hills import Here, Until, logistic, place, top_of

from skneuron._ascent import (
    Gradient,
    LineSearch,
    Newton,
    Question,
    Rate,
    answered,
    climb,
    epochs,
    in_one,
    is_finite,
    next_position,
    positions,
    sampled,
    steps,
)

EPS = np.finfo(float).eps
THETA = np.zeros(5)


def at(i):
    return place(np.array([float(i)]), float(i), float(i))


def asking(log):
    """A walk with two questions before a position, one before the next, and a top."""
    for i, n_questions in enumerate([2, 1]):
        for j in range(n_questions):
            log.append((yield Question((i, j))))
        yield at(i)
    return True


class Heard:
    """Answers as a hill does, and notes what it was asked."""

    def __init__(self, hill, raise_at=None):
        self.hill, self.raise_at = hill, raise_at
        self.asked = []

    def __call__(self, question):
        self.asked.append(question)
        if len(self.asked) - 1 == self.raise_at:
            raise KeyboardInterrupt
        return self.hill.answer(question)


WALKS = {
    "steps": lambda: steps(THETA, Gradient(), Rate(0.1), EPS),
    "line search": lambda: steps(THETA, Newton(3.0), LineSearch(), EPS),
    "sampled": lambda: sampled(THETA, Newton(3.0), LineSearch(), EPS, 200, 400),
    "sampled, all": lambda: sampled(THETA, Newton(3.0), LineSearch(), EPS, 200, None),
    "in one": lambda: in_one(THETA, Newton(), LineSearch(), EPS, 3),
}
every = pytest.mark.parametrize("make", WALKS.values(), ids=WALKS)


# --- what is asked --------------------------------------------------------------------


def test_a_question_is_of_the_gradient_of_all_rows():
    assert Question("here") == ("here", 1, None, None)


@pytest.mark.parametrize("order", [1, 2])
def test_steps_ask_what_their_direction_wants_to_know(order):
    direction = Gradient()
    direction.order = order
    heard = Heard(logistic())
    walk = positions(steps(THETA, direction, Rate(0.1), EPS), heard)
    for _ in range(3):
        next(walk)
    assert {question.order for question in heard.asked} == {order}
    assert {question.n_rows for question in heard.asked} == {None}


@pytest.mark.parametrize("exact", [True, False])
def test_epochs_ask_for_the_whole_where_they_are_exact(exact):
    hill, met = logistic(), Here(None, -1.0, -1.0, theta=THETA)
    heard = Heard(hill)
    kinds = {"exact": exact, "monotone": False}
    asking = epochs(THETA, Rate(0.1), lambda theta: met, THETA, **kinds)
    walk = positions(asking, heard)
    start, first, _ = (next(walk) for _ in range(3))
    assert [question.order for question in heard.asked] == ([1] * 3 if exact else [0])
    assert (start.gradient is None) == (first.gradient is None) == (not exact)
    assert start.log_likelihood == hill.log_likelihood(THETA)
    assert first.value == (start.value if exact else -1.0)


@pytest.mark.parametrize("n_telling", [200, 400, 2000])
def test_a_sampled_walk_asks_of_its_sample_first(n_telling):
    """The value of all, then of the sample; where that leads, of all again."""
    heard = Heard(logistic(n=2000))
    walk = sampled(THETA, Newton(3.0), LineSearch(), EPS, 200, n_telling)
    walk = positions(walk, heard)
    next(walk)
    assert [tuple(question)[1:3] for question in heard.asked] == [(0, None)]
    next(walk)

    def of_all():
        return [question.order for question in heard.asked if question.n_rows is None]

    assert of_all() == [0, 1]
    next(walk)
    assert of_all()[2] == 1
    of_some = [question for question in heard.asked if question.n_rows is not None]
    assert {question.n_rows for question in of_some[:-1]} == {200}
    assert tuple(of_some[-1])[1:3] == (2, n_telling)
    assert all(question.order > 0 for question in heard.asked[1:])


# --- next_position --------------------------------------------------------------------


def test_next_position_passes_questions_and_answers_on():
    log = []
    walk = asking(log)
    ask = next_position(walk)
    assert next(ask) == Question((0, 0))
    assert ask.send("a") == Question((0, 1))
    with pytest.raises(StopIteration) as end:
        ask.send("b")
    assert end.value.value.theta[0] == 0
    assert log == ["a", "b"]
    ask = next_position(walk)
    next(ask)
    with pytest.raises(StopIteration) as end:
        ask.send("c")
    assert end.value.value.theta[0] == 1
    assert log == ["a", "b", "c"]


@pytest.mark.parametrize("ends", [True, False, None])
def test_next_position_says_where_the_walk_has_ended(ends):
    def walk():
        yield at(0)
        return ends

    walk = walk()
    assert answered(next_position(walk), None).theta[0] == 0
    assert answered(next_position(walk), None) is bool(ends)


def test_next_position_asks_of_a_sample():
    questions = []
    walk = asking([])
    for _ in range(2):
        answered(next_position(walk, 7), questions.append)
    assert questions == [Question(of, 1, 7) for of in [(0, 0), (0, 1), (1, 0)]]


# --- positions, and answered ----------------------------------------------------------


def test_positions_are_those_of_the_walk():
    log, questions = [], []

    def answer(question):
        questions.append(question)
        return len(questions)

    def whole():
        end = yield from positions(asking(log), answer)
        seen.append(end)

    seen = []
    assert [position.theta[0] for position in whole()] == [0, 1]
    assert seen == [True]
    assert log == [1, 2, 3]
    assert questions == [Question((0, 0)), Question((0, 1)), Question((1, 0))]


def test_positions_ask_no_more_than_they_have_to():
    questions = []
    walk = positions(asking([]), questions.append)
    assert questions == []
    next(walk)
    assert len(questions) == 2


@every
def test_a_climb_is_the_same_whoever_answers(make):
    """At once, as positions are answered one by one, or by hand, one of two climbs."""

    def begin(walk):
        return climb(walk, max_iter=5, stops=[Until(0.0)], noise=EPS)

    hills = [logistic(n=2000, seed=seed) for seed in range(2)]
    expected = [answered(begin(make()), hill.answer) for hill in hills]
    before = [answered(begin(positions(make(), h.answer)), None) for h in hills]
    climbs, found = [begin(make()) for _ in hills], [None, None]
    asked = {i: next(one) for i, one in enumerate(climbs)}
    while asked:  # in turn
        for i in list(asked):
            try:
                asked[i] = climbs[i].send(hills[i].answer(asked[i]))
            except StopIteration as end:
                found[i] = end.value
                del asked[i]
    for way in (before, found):
        for one, other in zip(way, expected, strict=True):
            assert one.curve == other.curve
            assert np.array_equal(one.position.theta, other.position.theta)
            assert one.converged == other.converged


def test_answers_may_be_without_end():
    """Every position is looked at: a number that is none need not be warned of."""

    def walk():
        here = yield Question(np.ones(1))
        yield here

    def answer(question):
        value = float((question.theta * 1e300 * 1e300)[0])
        return Here(question.theta, value, theta=question.theta)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (position,) = positions(walk(), answer)
        result = answered(
            climb(walk(), max_iter=1, stops=[Until(0.0)], noise=EPS), answer
        )
    assert not is_finite(position)
    assert result.diverged and result.n_iter == 0


@pytest.mark.parametrize("drive", [answered, lambda *given: list(positions(*given))])
def test_errors_of_an_answer_go_to_who_asked_for_it(drive):
    def answer(question):
        raise ZeroDivisionError

    def walk():
        try:
            yield Question(THETA)
        except Exception as error:  # only an interrupt is the climb's matter
            raise AssertionError from error

    with pytest.raises(ZeroDivisionError):
        drive(walk(), answer)


# --- interrupts -----------------------------------------------------------------------


def interrupted(walk, raise_at, hill=None):
    """A climb during whose answer of that number the user interrupts."""
    heard = Heard(hill or logistic(n=2000), raise_at)
    stop = Until(1e-9)
    asking = climb(walk, max_iter=50, stops=[stop], noise=EPS)
    return answered(asking, heard), heard


@every
def test_an_interrupt_before_the_start_is_known_leaves_no_climb(make):
    with pytest.raises(KeyboardInterrupt):
        interrupted(make(), 0)


@every
def test_an_interrupt_while_an_answer_is_computed_keeps_the_climb(make):
    """Whichever question it is: the curve so far, and where that had led."""
    whole, heard = interrupted(make(), None)
    n = len(heard.asked)
    assert n > 2
    lengths = []
    for raise_at in range(1, n):
        result, again = interrupted(make(), raise_at)
        assert result.interrupted and not result.converged and not result.diverged
        assert len(again.asked) == raise_at + 1  # no further question
        assert result.curve == whole.curve[: len(result.curve)]
        known = logistic(n=2000).log_likelihood(result.position.theta)
        assert known == pytest.approx(result.curve[-1], rel=1e-13)
        lengths.append(len(result.curve))
    assert lengths == sorted(lengths) and lengths[0] == 1
    assert lengths[-1] >= len(whole.curve) - 2


@pytest.mark.parametrize("raise_at", [1, 2, 3])
def test_an_interrupt_on_the_sample_keeps_the_start(raise_at):
    """And leaves a direction, with its own target, that can climb on."""
    direction, hill = Newton(3.0, target=1e-9), logistic(n=2000)
    targets = []

    class Spied(Heard):
        def __call__(self, question):
            targets.append(direction.target)
            return super().__call__(question)

    def begin(kind, theta, *more):
        walk = kind(theta, direction, LineSearch(), EPS, *more)
        return climb(walk, max_iter=50, stops=[Until(1e-9)], noise=EPS)

    heard = Spied(hill, raise_at)
    result = answered(begin(sampled, THETA, 200, 400), heard)
    assert heard.asked[-1].n_rows == 200 and targets[-1] != 1e-9
    assert direction.target == 1e-9
    assert result.interrupted
    assert result.n_iter == 0 and not result.position.theta.any()
    on = answered(begin(steps, result.position.theta), hill.answer)
    assert on.converged
    assert np.allclose(on.position.theta, top_of(hill), rtol=1e-5, atol=1e-6)


def test_an_interrupt_is_thrown_in_where_the_question_was():
    """A walk can put in order what it holds: it hears of it, at its question."""
    heard = []

    def walk():
        try:
            yield Question(THETA)
        except KeyboardInterrupt:
            heard.append("here")
            raise

    def answer(question):
        raise KeyboardInterrupt

    for drive in (
        lambda: answered(next_position(walk()), answer),
        lambda: next(positions(walk(), answer)),
    ):
        with pytest.raises(KeyboardInterrupt):
            drive()
    assert heard == ["here", "here"]


def test_a_watch_that_is_interrupted_and_an_answer_that_is_are_kept_alike():
    class Watch:
        def begin(self, n, position):
            if n == 3:
                raise KeyboardInterrupt

        def end(self, n, position):
            return False

    def walk():
        return steps(THETA, Gradient(), Rate(0.1), EPS)

    kinds = {"max_iter": 9, "stops": [Until(0.0)], "noise": EPS}
    one = answered(climb(walk(), watch=Watch(), **kinds), logistic().answer)
    other, _ = interrupted(walk(), 3, logistic())
    assert one.interrupted and other.interrupted
    assert one.curve == other.curve
    assert np.array_equal(one.position.theta, other.position.theta)


def test_a_climb_needs_no_watch():
    hill = logistic()
    walk = steps(THETA, Newton(), LineSearch(), EPS)
    result = answered(
        climb(walk, max_iter=50, stops=[Until(1e-9)], noise=EPS), hill.answer
    )
    assert result.converged
