"""The loop: take steps, keep the curve, stop in time, and never lose the climb so far.

A walk, such as :func:`steps` or :func:`epochs`, says what one iteration is;
:func:`climb` iterates. A position is the evaluation where an iteration has led:
`theta`, `log_likelihood`, `value` and, unless only these are known, `gradient`.
"""

import math
from dataclasses import dataclass, field

from .._arrays import beside, to_host
from .questions import Question, next_position

#: Steps on a sample, at most: one whose classes separate has no top.
SAMPLED_STEPS = 12


class Position:
    """What 0.1.0 kept of a place: now a climb stands where an evaluation is."""


def is_finite(position):
    """Whether a place, and what is known of it, are numbers."""
    # One call where `all(isfinite(...))` takes two; what the sum overflows of has
    # long left the numbers that a climb can come back from.
    return math.isfinite(position.value + position.theta.sum())


@dataclass
class Climb:
    """What came of a climb.

    Attributes
    ----------
    position : Evaluation
        The last one that is finite.
    before : Evaluation or None
        The one before it.
    curve : list of float
        The log-likelihood at the start and after every iteration.
    converged, stopped, interrupted, diverged : bool
        How it ended: the stopping rule was met; `watch` said stop; the user did; a step
        led to where numbers end. None of them: max_iter.
    fell : bool
        Whether the objective was ever lower after an iteration than before it.
    """

    position: object
    curve: list = field(default_factory=list)
    before: object = None
    converged: bool = False
    stopped: bool = False
    interrupted: bool = False
    diverged: bool = False
    fell: bool = False

    @property
    def n_iter(self):
        return len(self.curve) - 1


def steps(theta, direction, step_size, noise, here=None):
    """Walk by steps, each from the last place, all examples in every step.

    Parameters
    ----------
    theta : array of shape (n_parameters,)
    direction : Direction
    step_size : Rate or LineSearch
    noise : float
        Relative rounding error of the objective's value.
    here : Evaluation, default=None
        That at theta, where it is known.

    Yields
    ------
    Question or Evaluation

    Returns
    -------
    at_the_top : bool
        At the walk's end, where no step leads higher.
    """
    direction.begin()
    if here is None:
        here = yield Question(theta, direction.order, None, direction.rules(step_size))
        yield from here.passed
        theta = here.theta
    yield here
    while True:
        along = direction(theta, here)
        taken = yield from step_size(theta, here, along, direction, noise)
        if taken is None and direction.forget():
            if direction.order > 1:  # another chance, as for a new direction
                here = yield Question(theta, direction.order)
                step_size.renew()
            along = direction(theta, here)
            taken = yield from step_size(theta, here, along, direction, noise)
        if taken is None:
            # No higher place to be found: the top, if what the slope still promises is
            # within the rounding of the value, or of logits, sums of terms like theta.
            promise = float(along @ here.gradient)
            size = float(theta @ theta) ** 0.5
            return promise <= noise * max(64 * abs(here.value), size)
        theta, here = taken
        yield here


def sampled(theta, direction, step_size, noise, n_rows, n_telling):
    """Walk first to where a climb on some of the rows leads, then by :func:`steps`.

    The top of a sample's likelihood is as far from that of all rows as the estimate is
    from the truth in a study of the sample's size: in a curve, the first iteration.

    Parameters
    ----------
    theta, step_size, noise : as in :func:`steps`
    direction : Newton
    n_rows : int
        The sample's.
    n_telling : int
        Of the sample, no smaller, whose curvature can stand in for that of all.
    """
    start = yield Question(theta, 0)
    yield start
    target, direction.target = direction.target, 0.3 * len(theta) / n_rows
    try:
        walk = steps(theta, direction, step_size, noise)
        end = yield from _while_it_pays(walk, direction, SAMPLED_STEPS + 1, n_rows)
    finally:  # an interrupted climb may go on later
        direction.target = target
    if direction.solvers:
        direction.last = None  # or the place would seem that of a pause
        direction(end.theta, (yield Question(end.theta, 2, n_telling)))
    there = yield Question(end.theta)
    if there.value > start.value:
        direction.carry()
        return (yield from steps(end.theta, direction, step_size, noise, there))
    direction.forget()  # the sample was misleading
    return (yield from steps(theta, direction, step_size, noise))


def in_one(theta, direction, step_size, noise, max_steps):
    """Walk a few of :func:`steps` in a single iteration.

    One step at least: what a batch of a stream has to say, however little, it says
    once. More, while they promise more than the direction's target.

    Parameters
    ----------
    theta, step_size, noise : as in :func:`steps`
    direction : Newton
    max_steps : int
    """
    walk = steps(theta, direction, step_size, noise)
    start = yield from next_position(walk)
    yield start
    yield (yield from _while_it_pays(walk, direction, max_steps)) or start


def _while_it_pays(walk, direction, n_steps, n_rows=None):
    """The last position of a walk, None if there is none.

    It is followed for as long as more is promised than the direction's target.
    """
    last = None
    for _ in range(n_steps):
        position = yield from next_position(walk, n_rows)
        if isinstance(position, bool):
            break
        last = position
        if not float(direction(last.theta, last) @ last.gradient) > direction.target:
            break
    return last


def epochs(theta, step_size, epoch, place, *, exact, monotone):
    """Walk by epochs, each one pass over mini-batches.

    Parameters
    ----------
    theta : array of shape (n_parameters,)
    step_size : Rate
    epoch : callable
        ``epoch(theta)`` takes a step for each batch, moves theta in its place, and
        returns an evaluation with the figures that its batches met.
    place : array
        One where the rows are. There the parameters are during an epoch.
    exact : bool
        Ask for the whole objective after every epoch. Otherwise a position's figures
        are those that its batches met, each before its step: what costs nothing.
    monotone : bool
        With `exact`: take an epoch that lowered the objective back, and halve the rate.
    """
    here = yield Question(theta, int(exact))
    yield here
    while True:
        before, theta = theta, beside(+theta, place)
        met = epoch(theta)
        theta = to_host(theta)
        there = (yield Question(theta)) if exact else met
        if monotone and not there.value >= here.value:
            theta = before
            step_size.rate /= 2
        else:
            here = there
        yield here


def climb(walk, *, max_iter, stops, noise, watch=None):
    """Follow a walk until its top, its limit, or a word from outside.

    Parameters
    ----------
    walk : iterator of Question and Evaluation
        The first position is the start.
    max_iter : int
    stops : list
        Rules, any of which may stop it; all of them are always asked:
        ``stop.at_start(position)`` and, after every iteration, ``stop(position)``: True
        at the top; and ``stop.allows(position)``, True if it can be where nothing is
        higher.
    noise : float
        Relative rounding error of the objective's value.
    watch : object, default=None
        ``watch.begin(n, position)`` before iteration n, ``watch.end(n, position)``
        after it; a true answer of the latter stops the climb.

    Yields
    ------
    Question

    Returns
    -------
    Climb
    """
    position = yield from next_position(walk)
    result = Climb(position, [position.log_likelihood])
    if not is_finite(position):
        result.diverged = True
        return result
    try:
        result.converged = any([stop.at_start(position) for stop in stops])
        for n in range(1, max_iter + 1):
            if result.converged:
                break
            if watch is not None:
                watch.begin(n, position)
            position = yield from next_position(walk)
            if isinstance(position, bool):  # an iteration that found nothing higher
                ended, last = True, result.position
                result.converged = position and all(of.allows(last) for of in stops)
                result.curve.append(result.position.log_likelihood)
            elif not is_finite(position):
                result.diverged = result.fell = ended = True
            else:
                ended, last = False, result.position.value
                result.fell |= bool(position.value < last - 64 * noise * abs(last))
                result.before, result.position = result.position, position
                result.curve.append(position.log_likelihood)
                result.converged = any([stop(position) for stop in stops])
            if watch is not None and watch.end(n, result.position) and not ended:
                result.stopped = True
            if ended or result.stopped:
                break
    except KeyboardInterrupt:
        result.interrupted = True
    return result
