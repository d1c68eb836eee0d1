"""When to stop."""

import numpy as np
import pytest
from hills import place

from skneuron._ascent import Plateau, Top, answered, climb


def stops(figures, tol, patience, noisy=False):
    """At which of the figures, the first being the start, a plateau stops."""
    plateau = Plateau(lambda position: position.value, tol, patience, noisy)
    for n, figure in enumerate(figures):
        ask = plateau if n else plateau.at_start
        if ask(place(np.zeros(1), figure, figure)):
            return n, plateau
    return None, plateau


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_plateau_waits_for_patience_iterations(patience):
    n, _ = stops([0.0] * 30, 1e-4, patience)
    assert n == patience  # the start is no iteration


def test_plateau_goes_on_while_the_figure_rises_by_tol():
    assert stops(np.arange(50) * 0.1, 0.1 - 1e-9, 3)[0] is None
    assert stops(np.arange(50) * 0.1, 0.11, 3)[0] == 3


def test_a_rise_in_time_starts_the_wait_again():
    assert stops([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], 0.5, 3)[0] == 9


def test_a_figure_has_to_pass_its_best_not_its_last():
    assert stops([0, 5, 1, 2, 3, 4], 0.5, 4)[0] == 5


def test_small_rises_do_not_add_up():
    """As scikit-learn counts: each rise is measured from the best figure so far."""
    assert stops(np.arange(20) * 0.09, 0.1, 5)[0] == 5


def test_a_lucky_figure_among_noisy_ones_does_not_stop_what_rises():
    rng = np.random.default_rng(0)
    rise, noise = np.arange(200) * 0.01, rng.standard_normal(200) * 0.05
    noise[3] = 0.5
    assert stops(rise + noise, 1e-4, 10)[0] < 60
    assert stops(rise + noise, 1e-4, 10, True)[0] is None
    level, plateau = stops(noise, 1e-4, 10, True)
    assert level < 100
    assert plateau.best_position.value == noise[end_of_best(noise[: level + 1], 10)]


def end_of_best(figures, n):
    """Of which n the mean is highest; of fewer, the highest."""
    n = n if len(figures) >= n else 1
    means = np.lib.stride_tricks.sliding_window_view(figures, n).mean(axis=1)
    return n - 1 + int(np.argmax(means))


@pytest.mark.parametrize("n", [1, 3, 9, 10, 11, 40])
def test_the_end_of_the_highest_mean_is_kept_of_noisy_figures(n):
    figures = np.random.default_rng(n).standard_normal(n)
    end, plateau = stops(figures, 0.0, 10, True)
    seen = figures if end is None else figures[: end + 1]
    assert plateau.best_position.value == seen[end_of_best(seen, 10)]


@pytest.mark.parametrize("figures", [[3, 1, 4, 1, 5, 2, 5], [0, -1, -2], [-5.0]])
def test_the_best_position_is_kept(figures):
    _, plateau = stops(figures, 10.0, 100)
    assert plateau.best == max(figures)
    assert plateau.best_position.value == max(figures)


def test_the_first_of_equals_is_the_best_position():
    seen = [place(np.zeros(1), 1.0, 1.0) for _ in range(3)]
    plateau = Plateau(lambda position: position.value, 0.0, 10)
    plateau.at_start(seen[0])
    for position in seen[1:]:
        plateau(position)
    assert plateau.best_position is seen[0]


def test_nan_is_no_rise():
    assert stops([0.0] + [np.nan] * 9, 1e-4, 4)[0] == 4


def test_the_figure_may_be_any_of_the_position():
    plateau = Plateau(lambda position: -position.log_likelihood, 0.1, 1)
    assert not plateau.at_start(place(np.zeros(1), 5.0, 0.0))
    assert not plateau(place(np.zeros(1), 4.0, 0.0))
    assert plateau(place(np.zeros(1), 4.5, 9.0))


def test_the_start_is_no_iteration_and_never_the_end():
    plateau = Plateau(lambda position: position.value, 0.1, 1)
    start = place(np.zeros(1), 1.0, 1.0)
    assert plateau.at_start(start) is False
    assert plateau.best_position is start and plateau.best == 1.0
    assert plateau.waited == 0


@pytest.mark.parametrize(
    "figures",
    [
        [0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5],  # the wait spans the pause
        [0, 5, 1, 1, 1, 1, 1, 1, 6, 1, 1],
        [0, -1, -2, -3, -4, -5, -4, -3, -2, -1, 0],
        [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ],
)
@pytest.mark.parametrize("patience", [3, 5, 7, 100])
def test_five_iterations_and_five_are_ten(figures, patience):
    """A climb that goes on with the same rule goes on as if it had never paused."""
    seen = [place(np.full(1, float(i)), v, v) for i, v in enumerate(figures)]

    def go(plateau, walk, max_iter=5):
        asking = climb(iter(walk), max_iter=max_iter, stops=[plateau], noise=0.0)
        return answered(asking, None)

    whole, halves = (
        Plateau(lambda position: position.value, 0.5, patience) for _ in range(2)
    )
    expected = go(whole, seen, max_iter=10)
    found = go(halves, seen[:6])
    n_iter = found.n_iter
    if not found.converged:
        found = go(halves, seen[5:])
        n_iter += found.n_iter
    assert (n_iter, found.converged) == (expected.n_iter, expected.converged)
    assert found.position is expected.position
    assert halves.best_position is whole.best_position
    assert (halves.best, halves.waited) == (whole.best, whole.waited)


def test_going_on_elsewhere_keeps_the_best_so_far():
    """The start of the second climb is not what its rises are measured from."""
    _, plateau = stops([0.0, 9.0, 3.0], 0.5, 10)
    plateau.at_start(place(np.zeros(1), -7.0, -7.0))
    assert plateau.best == 9.0 and plateau.best_position.value == 9.0
    assert plateau.waited == 1
    assert not plateau(place(np.zeros(1), 4.0, 4.0))
    assert plateau.waited == 2


class Says:
    """A rule that answers as told, and counts."""

    def __init__(self, at_start, after):
        self.answers = {"start": at_start, "after": after}
        self.asked = []

    def at_start(self, position):
        self.asked.append(("start", position))
        return self.answers["start"]

    def __call__(self, position):
        self.asked.append(("after", position))
        return self.answers["after"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("others", [(), (True,), (False,), (False, True)])
@pytest.mark.parametrize("when", ["start", "after"])
def test_any_rule_stops_a_climb_and_all_are_asked(first, others, when):
    answers = first, *others
    rules = [Says(of and when == "start", of) for of in answers]
    walk = [place(np.zeros(1), 0.0, 0.0) for _ in range(3)]
    asking = climb(iter(walk), max_iter=1, stops=rules, noise=0.0)
    found = answered(asking, None)
    assert found.converged == any(answers)
    assert found.n_iter == (0 if when == "start" and any(answers) else 1)
    asked = [("start", walk[0]), ("after", walk[1])][: 1 + found.n_iter]
    assert all(rule.asked == asked for rule in rules)


def test_without_rules_a_climb_never_stops():
    walk = [place(np.zeros(1), 0.0, 0.0) for _ in range(9)]
    found = answered(climb(iter(walk), max_iter=7, stops=[], noise=0.0), None)
    assert not found.converged and found.n_iter == 7


@pytest.mark.parametrize("is_top", [True, False])
@pytest.mark.parametrize("is_settled", [True, False])
def test_top_asks_the_objective_and_the_direction(is_top, is_settled):
    class Asked:
        def is_top(self, evaluation, tol):
            assert (evaluation, tol) == (position, 0.5)
            return is_top

        def is_settled(self, theta, here, tol):
            assert (theta, here, tol) == ("theta", position, 0.5)
            return is_settled

    stop = Top(Asked(), Asked(), 0.5)
    position = place("theta", 0.0, 0.0, "here")
    assert bool(stop(position)) == (is_top and is_settled)
    assert bool(stop.at_start(position)) == (is_top and is_settled)


@pytest.mark.parametrize("is_top", [True, False])
def test_where_nothing_is_higher_a_strict_top_alone_may_object(is_top):
    class Asked:
        def is_top(self, evaluation, tol):
            return is_top

    strict, mild = (Top(Asked(), Asked(), 0.5, strict=of) for of in (True, False))
    position, plateau = place("theta", 0.0, 0.0, "here"), Plateau(None, 0, 0)
    assert plateau.allows(position) and mild.allows(position)
    assert strict.allows(position) == is_top
