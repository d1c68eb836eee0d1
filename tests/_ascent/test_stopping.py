"""When to stop."""

import numpy as np
import pytest

from skneuron._ascent import Plateau, Position, Top


def stops(figures, tol, patience):
    """At which of the figures, the first being the start, a plateau stops."""
    plateau = Plateau(lambda position: position.value, tol, patience)
    for n, figure in enumerate(figures):
        if plateau(Position(np.zeros(1), figure, figure)):
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


@pytest.mark.parametrize("figures", [[3, 1, 4, 1, 5, 2, 5], [0, -1, -2], [-5.0]])
def test_the_best_position_is_kept(figures):
    _, plateau = stops(figures, 10.0, 100)
    assert plateau.best == max(figures)
    assert plateau.best_position.value == max(figures)


def test_the_first_of_equals_is_the_best_position():
    seen = [Position(np.zeros(1), 1.0, 1.0) for _ in range(3)]
    plateau = Plateau(lambda position: position.value, 0.0, 10)
    for position in seen:
        plateau(position)
    assert plateau.best_position is seen[0]


def test_nan_is_no_rise():
    assert stops([0.0] + [np.nan] * 9, 1e-4, 4)[0] == 4


def test_the_figure_may_be_any_of_the_position():
    plateau = Plateau(lambda position: -position.log_likelihood, 0.1, 1)
    assert not plateau(Position(np.zeros(1), 5.0, 0.0))
    assert not plateau(Position(np.zeros(1), 4.0, 0.0))
    assert plateau(Position(np.zeros(1), 4.5, 9.0))


@pytest.mark.parametrize("is_top", [True, False])
@pytest.mark.parametrize("is_settled", [True, False])
def test_top_asks_the_objective_and_the_direction(is_top, is_settled):
    class Asked:
        def is_top(self, evaluation, tol):
            assert (evaluation, tol) == ("here", 0.5)
            return is_top

        def is_settled(self, theta, here, tol):
            assert (theta, here, tol) == ("theta", "here", 0.5)
            return is_settled

    stop = Top(Asked(), Asked(), 0.5)
    position = Position("theta", 0.0, 0.0, "here")
    assert bool(stop(position)) == (is_top and is_settled)
