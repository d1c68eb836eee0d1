"""What a fit says of how its climb ended, and whether anybody hears it."""

from functools import partial
from traceback import walk_stack

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..exceptions import SeparationWarning

#: The gain, in nats to a parameter, that is not worth another step: chance alone moves
#: the top of a likelihood by half a nat.
NEXT_TO_NOTHING = 0.001


class Endings:
    """The warning half of an estimator, a mixin."""

    def _overshot(self, result):
        """Whether a rate turns out to be too large."""
        return result.diverged or not self.log_likelihood_ >= result.curve[0]

    def _no_maximum(self, climber, result):
        """The warning where the climb had no top, or was far from it; None: it had.

        The penalty leaves the intercepts free to make classes without samples unlikely.
        """
        targets = climber.data.targets
        if targets.several or not self.fit_intercept:
            return None
        (classes,) = targets.per_output
        absent = classes[climber.data.rows.counts(len(classes)) == 0].tolist()
        if not absent:
            return None
        return SeparationWarning(
            f"No sample that counts is of class {' or '.join(map(repr, absent))}: all "
            "that is learned of it is to make it ever less likely, for as long as the "
            "climb goes on. Leave out classes that have no samples to learn from."
        )

    def _warning(self, climber, result):
        """What a user should know of how the climb ended, or None.

        A function that gives the message, which takes a while to say for a rate that
        is too large; and its category.
        """
        try:
            return self._of_ending(climber, result)
        except KeyboardInterrupt:  # as in the climb itself
            result.interrupted = True
            return self._of_ending(climber, result)

    def _of_ending(self, climber, result):
        """The same, unless an interrupt comes in between."""
        n = result.n_iter
        if result.interrupted:
            message = (
                f"The climb was interrupted after {n} iterations; the estimator keeps "
                "what it had reached."
            )
        elif self.learning_rate != "auto" and self._overshot(result):
            return partial(self._overshoot_message, climber), ConvergenceWarning
        elif result.diverged:
            message = (
                f"The climb stopped after {n} iterations, where numbers overflow: "
                "scale the features, for example with StandardScaler."
            )
        elif result.stopped or climber.past.partial:
            return None
        elif endless := self._no_maximum(climber, result):
            return endless.__str__, type(endless)
        elif result.converged:
            return None
        elif n < self.max_iter:
            message = (
                f"The climb stopped after {n} iterations, where no step raises the "
                f"log-likelihood any more, before its gradient was below tol={self.tol}"
                ". Increase tol."
            )
        else:
            visible = NEXT_TO_NOTHING * climber.plan.objective.n_parameters
            # The next iteration would gain about as much as the last.
            is_slow = result.curve[-1] - result.curve[-2] <= visible
            if is_slow and self._nats_to_go(climber, result) <= visible:
                return None  # converged_ is False still
            return partial(self._short_message, climber, result), ConvergenceWarning
        return message.__str__, ConvergenceWarning

    def _nats_to_go(self, climber, result):
        """How far below the top a climb ended; infinity where that is not known."""
        return np.inf

    def _short_message(self, climber, result):
        nats, rate = self._nats_to_go(climber, result), self.learning_rate
        below = f", about {nats:.2g} nats below the top" if nats < np.inf else ""
        or_change = "" if rate == "auto" else f", or change learning_rate={rate}"
        return (
            f"The climb stopped at max_iter={self.max_iter} before it met "
            f"tol={self.tol}{below}. Increase max_iter or tol{or_change}."
        )


def is_one_of_many():
    """Whether scikit-learn, or joblib, called for this fit, as of a search's clones.

    A pipeline's last step is no clone: it keeps its climb, as a fit by itself does.
    """
    callers = (frame.f_globals.get("__name__", "") for frame, _ in walk_stack(None))
    packages = {"sklearn", "joblib"}
    by_itself = {"sklearn.base", "sklearn.pipeline"}
    return any(of.split(".")[0] in packages and of not in by_itself for of in callers)
