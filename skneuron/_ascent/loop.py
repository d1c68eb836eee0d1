"""The loop: take steps, keep the curve, stop in time, and never lose the climb so far.

:func:`steps` and :func:`epochs` say what one iteration is; :func:`climb` iterates.
"""

import math
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from .._arrays import array_namespace, beside, numbers_may_end, to_host

#: Steps on a sample, at most: one whose classes separate has no top.
SAMPLED_STEPS = 12

#: Rows that a sample takes for its curvature to stand in for that of all.
ROWS_TO_A_PARAMETER = 15


@dataclass
class Position:
    """Where a climb stands after an iteration.

    Attributes
    ----------
    theta : array of shape (n_parameters,)
    log_likelihood : float
    value : float
        The objective.
    evaluation : Evaluation or None
        None where only the figures above are known.
    """

    theta: np.ndarray
    log_likelihood: float
    value: float
    evaluation: object = None

    @classmethod
    def at(cls, theta, here):
        return cls(theta, here.log_likelihood, here.value, here)

    def is_finite(self):
        return math.isfinite(self.value) and bool(
            array_namespace(self.theta).all(
                array_namespace(self.theta).isfinite(self.theta)
            )
        )


@dataclass
class Climb:
    """What came of a climb.

    Attributes
    ----------
    position : Position
        The last one that is finite.
    before : Position or None
        The one before it.
    curve : list of float
        The log-likelihood at the start and after every iteration.
    converged, stopped, interrupted, diverged : bool
        How it ended: the stopping rule was met; `watch` said stop; the user did; a step
        led to where numbers end. None of them: max_iter.
    fell : bool
        Whether the objective was ever lower after an iteration than before it.
    """

    position: Position
    curve: list = field(default_factory=list)
    before: Position | None = None
    converged: bool = False
    stopped: bool = False
    interrupted: bool = False
    diverged: bool = False
    fell: bool = False

    @property
    def n_iter(self):
        return len(self.curve) - 1


def steps(objective, theta, direction, step_size, here=None):
    """Yield positions, each one step from the last, all examples in every step.

    Parameters
    ----------
    objective : object with ``evaluate(theta, curvature=...)`` and `noise`
    theta : array of shape (n_parameters,)
    direction : Direction
    step_size : FixedRate, FallingRate or LineSearch
    here : Evaluation, default=None
        That at theta, where it is known.
    """
    direction.begin()
    if here is None:
        here = objective.evaluate(theta, curvature=direction.needs_curvature)
    yield Position.at(theta, here)
    while True:
        along = direction(theta, here)
        taken = _take(step_size, objective, theta, here, along, direction)
        if taken is None and direction.forget():
            if direction.needs_curvature:  # another chance, as for a new direction
                here = objective.evaluate(theta, curvature=True)
                step_size.renew()
            along = direction(theta, here)
            taken = _take(step_size, objective, theta, here, along, direction)
        if taken is None:
            # No higher place to be found: the top, if what the slope still promises is
            # within the rounding of the value, or of logits, sums of terms like theta.
            promise = float(along @ here.gradient)
            size = float(theta @ theta) ** 0.5
            return promise <= objective.noise * max(64 * abs(here.value), size)
        theta, here = taken
        yield Position.at(theta, here)


def sampled(objective, theta, direction, step_size, n_rows):
    """Yield positions: where a climb on some of the rows leads to, then :func:`steps`.

    The top of a sample's likelihood is as far from that of all rows as the estimate is
    from the truth in a study of the sample's size: in a curve, the first iteration.

    Parameters
    ----------
    objective, theta, step_size : as in :func:`steps`
    direction : Newton
    n_rows : int
        The sample's.
    """
    log_likelihood = objective.log_likelihood(theta)
    value = (log_likelihood - objective.penalty(theta)) / objective.divisor
    yield Position(theta, log_likelihood, value)
    sample = objective.sample(n_rows)
    target, direction.target = direction.target, 0.1 * len(theta) / n_rows
    try:
        for n, position in enumerate(steps(sample, theta, direction, step_size)):
            top, here = position.theta, position.evaluation
            gain = float(direction(top, here) @ here.gradient)
            if not gain > direction.target or n == SAMPLED_STEPS:
                break
    finally:  # an interrupted climb may go on later
        direction.target = target
    there = None
    if direction.solvers:
        n_telling = ROWS_TO_A_PARAMETER * len(theta)
        if n_telling >= objective.n_rows:
            there = teller = objective.evaluate(top, curvature=True)
        elif n_telling > n_rows:
            teller = objective.sample(n_telling).evaluate(top, curvature=True)
        else:
            teller = here if here.curvature else sample.evaluate(top, curvature=True)
        direction.pairs.move()
        direction(top, teller)
    there = there or objective.evaluate(top)
    if there.value > value:
        direction.carry()
        return (yield from steps(objective, top, direction, step_size, there))
    direction.forget()  # the sample was misleading
    return (yield from steps(objective, theta, direction, step_size))


def in_one(objective, theta, direction, step_size, max_steps):
    """Yield a start, and where a few of :func:`steps` lead: a single iteration.

    One step at least: what a batch of a stream has to say, however little, it says
    once. More, while they promise more than the direction's target.

    Parameters
    ----------
    objective, theta, step_size : as in :func:`steps`
    direction : Newton
    max_steps : int
    """
    walk = steps(objective, theta, direction, step_size)
    end = next(walk)
    yield end
    for end in islice(walk, max_steps):
        here = end.evaluation
        if not float(direction(end.theta, here) @ here.gradient) > direction.target:
            break
    yield end


def _take(step_size, objective, theta, here, along, direction):
    return step_size(
        objective,
        theta,
        here,
        along,
        curvature=direction.needs_curvature,
        unit=direction.knows_its_length,
    )


def epochs(
    objective, theta, direction, step_size, batches, *, whole_penalty, exact, monotone
):
    """Yield positions, each one pass over the batches from the last.

    Parameters
    ----------
    objective, theta, direction : as in :func:`steps`
        Whatever `batches` asks of the objective, too, and ``place``, an array where the
        rows are. There the parameters are during an epoch.
    step_size : FixedRate or FallingRate
    batches : Batches
    whole_penalty : bool
        Whether each batch bears the whole penalty, or its share by rows.
    exact : bool
        Evaluate the whole objective after every epoch. Otherwise a position's figures
        are sums over the epoch's batches, each before its step: what costs nothing.
    monotone : bool
        With `exact`: take an epoch that lowered the objective back, and halve the rate.
    """
    direction.begin()
    epoch = batches.over(objective, whole_penalty=whole_penalty)
    if exact:
        here = objective.evaluate(theta)
        yield Position.at(theta, here)
    else:
        start = objective.log_likelihood(theta)
        value = start - objective.penalty(theta)
        yield Position(theta, start, value / objective.divisor)
    while True:
        before, theta = theta, beside(+theta, objective.place)
        log_likelihood = float(epoch(theta, direction, step_size))
        theta = to_host(theta)
        if not exact:
            value = log_likelihood - objective.penalty(theta)
            yield Position(theta, log_likelihood, value / objective.divisor)
            continue
        there = objective.evaluate(theta)
        if monotone and not there.value >= here.value:
            theta = before
            step_size.rate /= 2
        else:
            here = there
        yield Position.at(theta, here)


class Batches:
    """The mini-batches of an epoch, drawn anew for each.

    Parameters
    ----------
    n_rows, size : int
    rng : RandomState or None
        Shuffles the rows; None takes them in their order.
    """

    def __init__(self, n_rows, size, rng):
        self.n_rows, self.size, self.rng = n_rows, size, rng

    def order(self):
        """The places of the rows in the order of the next epoch; None: as they lie."""
        shuffled = self.rng is not None and self.size < self.n_rows
        return self.rng.permutation(self.n_rows) if shuffled else None

    def __call__(self, place=None):
        """Yield an index array or slice for each batch of the next epoch.

        Index arrays are where the array `place` is; by default, on the host.
        """
        order = self.order()
        if order is not None and place is not None:
            order = beside(order, place)
        for start in range(0, self.n_rows, self.size):
            at = slice(start, min(start + self.size, self.n_rows))
            yield at if order is None else order[at]

    def over(self, objective, *, whole_penalty):
        """What takes a climb through the next epoch: :func:`one_epoch` of theta etc.

        Of the objective it needs ``compiled_steps(size, whole_penalty=...)``, or where
        that gives None ``parts(whole_penalty=...)``: a function of the places of some
        rows and of theta that gives their log-likelihood, and the gradient of the
        objective of them alone, which may be overwritten.
        """
        steps = objective.compiled_steps(self.size, whole_penalty=whole_penalty)
        if steps is not None:
            return partial(compiled_epoch, self, steps)
        return partial(one_epoch, self, objective.parts(whole_penalty=whole_penalty))


def one_epoch(batches, part, theta, direction, step_size):
    """Take a step for each batch, and return the sum of the log-likelihoods met.

    Parameters
    ----------
    batches : Batches
    part : callable
        As :meth:`Batches.over` has it.
    theta : array of shape (n_parameters,)
        Overwritten.
    direction : Direction
    step_size : FixedRate or FallingRate
    """
    log_likelihood = 0.0
    for at in batches(theta):
        met, gradient = part(at, theta)
        direction.move(theta, gradient, step_size.next_rate())
        log_likelihood += met
    return log_likelihood


def compiled_epoch(batches, steps, theta, direction, step_size):
    """As :func:`one_epoch`, all of it compiled."""
    order = batches.order()
    n_batches = -(-batches.n_rows // batches.size)
    rates = np.array([step_size.next_rate() for _ in range(n_batches)])
    return steps(order, theta, rates, **direction.memory(theta, n_batches))


def climb(walk, *, max_iter, stop, watch, noise):
    """Follow a walk until its top, its limit, or a word from outside.

    Parameters
    ----------
    walk : iterator of Position
        :func:`steps` or :func:`epochs`; the first position is the start.
    max_iter : int
    stop : object
        ``stop.at_start(position)`` and, after every iteration, ``stop(position)``: True
        at the top.
    watch : object
        ``watch.begin(n, position)`` before iteration n, ``watch.end(n, position)``
        after it; a true answer of the latter stops the climb.
    noise : float
        Relative rounding error of the objective's value.

    Returns
    -------
    Climb
    """
    with numbers_may_end():  # every position is looked at
        position = next(walk)
        result = Climb(position, [position.log_likelihood])
        if not position.is_finite():
            result.diverged = True
            return result
        try:
            result.converged = bool(stop.at_start(position))
            while result.n_iter < max_iter and not result.converged:
                n = result.n_iter + 1
                watch.begin(n, position)
                try:
                    position = next(walk)
                except StopIteration as end:  # an iteration that found nothing higher
                    result.converged = bool(end.value)
                    result.curve.append(result.position.log_likelihood)
                    watch.end(n, result.position)
                    break
                if not position.is_finite():
                    result.diverged = result.fell = True
                    watch.end(n, result.position)
                    break
                last = result.position.value
                result.fell |= bool(position.value < last - 64 * noise * abs(last))
                result.before, result.position = result.position, position
                result.curve.append(position.log_likelihood)
                result.converged = bool(stop(position))
                if watch.end(n, position):
                    result.stopped = True
                    break
        except KeyboardInterrupt:
            result.interrupted = True
    return result
