"""What a fit is made of: past and data, the choice of a climb, and the climber."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .. import _ascent
from .._arrays import to_host
from .._data.moments import measured
from .._model import coordinates, largest_safe_rate


@dataclass
class Plan:
    """An estimator's choice of climb.

    Attributes
    ----------
    objective : Objective
    walk : callable
        ``walk(theta)`` gives what :func:`skneuron._ascent.climb` follows.
    stop : Top or Plateau
    memory : dict
        What a later fit needs to go on as if this one had not ended.
    rate : float or None
        The learning rate, where a number was asked for.
    theta_dtype : dtype, default=float64
        The float type of the parameters during the climb.
    exact_curve : bool
        Whether the curve's values are the log-likelihood after each iteration.
    answer : callable, default=None
        What answers the climb's questions; None: the objective.
    """

    objective: object
    walk: object
    stop: object
    memory: dict = field(default_factory=dict)
    rate: float | None = None
    theta_dtype: object = np.float64
    exact_curve: bool = True
    answer: object = None

    def __post_init__(self):
        self.answer = self.answer or self.objective.answer

    @cached_property
    def safe_rate(self):
        """The largest rate that cannot lower the objective: no hidden layers."""
        return largest_safe_rate(self.objective)


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
        What earlier calls left for this one.
    rng : RandomState
    """

    partial: bool
    goes_on: bool
    classes: object
    state: dict
    rng: object


@dataclass
class Data:
    """What was read.

    Attributes
    ----------
    targets : Targets
    rows : Rows
    counts : list of arrays, or None
        The weight of each output's classes so far, in a stream.
    validation : Rows or None
        What was set aside of the rows.
    split_seed : int or None
        By which it was drawn.
    """

    targets: object
    rows: object
    counts: object = None
    validation: object = None
    split_seed: int | None = None


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
    settings : tuple
        What a memory is of.
    max_iter : int
    best : Plateau or None
        With early stopping: where the validation scores were best.
    """

    data: Data
    past: Past
    plan: object
    theta: object
    settings: tuple
    max_iter: int
    best: object = None
    stops: list = field(default_factory=list)

    def climb(self, watch=None):
        """The climb, to be answered."""
        return _ascent.climb(
            self.plan.walk(self.theta),
            max_iter=self.max_iter,
            stop=_ascent.Any(self.stops),
            noise=self.plan.objective.noise,
            watch=watch,
        )


def standardised(objective, memory, *, partial, **unit):
    """The objective in standardised coordinates, and the memory that is valid there.

    A stream stays in the coordinates of its first batch. A fit has those of its data;
    a memory of others is dropped. `unit` is what else :func:`coordinates.standardised`
    takes.
    """
    moments = memory.get("moments")
    if not (partial and moments):
        moments = measured(objective.rows)
        if "moments" in memory and not _same(moments, memory["moments"]):
            memory = {}
    found = coordinates.standardised(objective, moments, **unit)
    return found, {**memory, "moments": moments}


def _same(moments, others):
    return np.array_equal(moments[0], others[0]) and np.array_equal(
        moments[1], others[1]
    )


def epochs(
    objective, theta, direction, step_size, size, rng, *, whole_penalty, exact, monotone
):
    """Walk by epochs of mini-batches of so many rows, here or elsewhere.

    They are shuffled by `rng`, unless it is None. Each bears the whole penalty, or its
    share; `exact` and `monotone` are as in :func:`skneuron._ascent.epochs`.
    """
    rows = objective.rows
    take = rows.batches(size, rng).over(objective, whole_penalty=whole_penalty)

    def epoch(theta):
        met = float(take(theta, direction, step_size))
        return objective.evaluation_of(met, to_host(theta))

    direction.begin()
    given = {"exact": exact, "monotone": monotone}
    return _ascent.epochs(theta, step_size, epoch, rows.X, **given)


def round_down(number):
    """A number with four digits that is not above the given one."""
    if not (number > 0 and math.isfinite(number)):
        return number
    unit = 10.0 ** (math.floor(math.log10(number)) - 3)
    return math.floor(number / unit) * unit if unit > 0 else number


def learns_from_streams(estimator):
    """Whether partial_fit is there: `available_if`'s question."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is not for solver='lbfgs', which learns from steps on one and "
            "the same data; choose another solver."
        )
    if getattr(estimator, "early_stopping", False) is True:
        raise AttributeError(
            "partial_fit is not for early_stopping=True: it runs one epoch and sets no "
            "data aside."
        )
    return True
