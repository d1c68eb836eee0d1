"""What a fit is made of: past and data, the choice of a climb, and the climber."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context

import numpy as np

from .. import _ascent
from .._arrays import to_host
from .._data.moments import measured
from .._model import coordinates

NO_NUMBERS = (
    "There are no numbers to climb on: X holds NaN or infinity, which scikit-learn's "
    "assume_finite=True lets pass, or overflows."
)
TOO_FAR = (
    "The fit to go on from has weights so large that numbers overflow: its steps were "
    "too long. Start again with a smaller learning_rate."
)


#: What partial_fit is not for, and why.
NOT_FOR_STREAMS = {
    ("solver", "lbfgs"): ", which learns from steps on one and the same data; choose "
    "another solver",
    ("penalty", "firth"): ", which is of all rows together",
    ("early_stopping", True): ": it runs one epoch and sets no data aside",
}

#: Rounds down to four digits.
FOUR_DIGITS = Context(prec=4, rounding=ROUND_FLOOR)


@dataclass
class Plan:
    """An estimator's choice of climb.

    Attributes
    ----------
    objective : Objective
    walk : callable
        ``walk(theta)`` gives what :func:`skneuron._ascent.climb` follows.
    stops : list of Top and Plateau
    memory : dict
        What a later fit needs to go on as if this one had not ended.
    exact_curve : bool
        Whether the curve's values are the log-likelihood after each iteration. If not,
        parameters are of the data's float type during the climb.
    answer : callable, default=None
        What answers the climb's questions; None: the objective.
    """

    objective: object
    walk: object
    stops: list
    memory: dict
    exact_curve: bool = True
    answer: object = None


@dataclass
class Past:
    """What a fit goes on from.

    Attributes
    ----------
    partial : bool
        Whether it takes one iteration on a batch of a stream.
    goes_on : bool
        Whether from the fitted parameters.
    classes : array, list or None
        Those that are known.
    state : dict
        What earlier calls left for this one, and this one leaves for later ones: the
        `memory` of a climb, and the `settings` that it is of; `theta`, where it ended,
        and what was `kept` of that; `rng`; `split_seed`, by which rows were set aside;
        `class_counts`, what the classes of each output weighed.
    rng : RandomState
    """

    partial: bool
    goes_on: bool
    classes: object
    state: dict
    rng: object

    @property
    def is_new(self):
        """Whether features may be others than those of before."""
        return not (self.partial and self.goes_on)


@dataclass
class Data:
    """What was read.

    Attributes
    ----------
    targets : Targets
    rows : Rows
    validation : Rows or None
        What was set aside of the rows, for early stopping.
    """

    targets: object
    rows: object
    validation: object = None


@dataclass
class Climber:
    """A climb that is ready to begin.

    Attributes
    ----------
    data : Data
    past : Past
    plan : Plan
    theta : array
        The start.
    max_iter : int
    """

    data: Data
    past: Past
    plan: object
    theta: object
    max_iter: int

    def climb(self, watch=None):
        """The climb, to be answered."""
        plan = self.plan
        how = {"max_iter": self.max_iter, "stops": plan.stops, "watch": watch}
        return _ascent.climb(plan.walk(self.theta), noise=plan.objective.noise, **how)

    def run(self, watch=None):
        """What comes of the climb, answered as the plan has it."""
        plan = self.plan
        return _ascent.answered(self.climb(watch), plan.answer or plan.objective.answer)


def standardised(objective, memory, *, partial, farthest=None, **unit):
    """The objective in standardised coordinates, and the memory that is valid there.

    A stream stays in the coordinates of its first batch. A fit has those of its data;
    a memory of others is dropped. `farthest` is for :func:`measured`, and `unit` what
    else :func:`coordinates.standardised` takes.
    """
    moments = memory.get("moments")
    if not (partial and moments):
        moments = measured(objective.rows, objective.network.is_one_layer, farthest)
        if not np.isfinite(moments[1]).all():
            raise ValueError(NO_NUMBERS)
        if memory and not all(map(np.array_equal, moments, memory.get("moments", ()))):
            memory = {}
    found = coordinates.standardised(objective, moments, **unit)
    return found, {**memory, "moments": moments}


def walks(objective, direction, step_size, size, rng, theta, *, whole_penalty, **how):
    """Walk by steps; or by epochs of mini-batches of so many rows, here or elsewhere.

    A `size` of None: by steps, with all rows in each. Batches are shuffled by `rng`,
    unless it is None. Each bears the whole penalty, or its share; `how` is what else
    :func:`skneuron._ascent.epochs` takes.
    """
    if size is None:
        return _ascent.steps(theta, direction, step_size, objective.noise)
    take = objective.rows.epochs(objective, size, rng, whole_penalty=whole_penalty)

    def epoch(theta):
        met = float(take(theta, direction, step_size))
        return objective.evaluation_of(met, to_host(theta))

    direction.begin()
    return _ascent.epochs(theta, step_size, epoch, objective.rows.X, **how)


def round_down(number):
    """A number with four digits that is not above the given one."""
    return float(FOUR_DIGITS.create_decimal_from_float(number))


def learns_from_streams(estimator):
    """Whether partial_fit is there: `available_if`'s question."""
    for (name, value), why in NOT_FOR_STREAMS.items():
        if getattr(estimator, name, None) == value:
            raise AttributeError(f"partial_fit is not for {name}={value!r}{why}.")
    return True
