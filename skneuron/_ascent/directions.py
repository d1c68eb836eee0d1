"""Which way: the direction that a climb takes from where it stands.

A direction is called with the parameters and the objective's evaluation there, and
returns a vector like the parameters. It may keep a memory of earlier calls; a climb
that goes on later with the same object goes on as if it had never paused.
"""

import math

import numpy as np
from scipy.linalg import blas

from .._arrays import array_namespace, into, is_numpy

#: How much of each vector is worked on at a time: a few of them fit the second-level
#: cache.
PIECE_BYTES = 1 << 18


class Direction:
    """The base of all directions."""

    #: Whether the objective has to give its curvature.
    needs_curvature = False
    #: Whether a step of length 1 is the natural first try.
    knows_its_length = False

    def __call__(self, theta, here):
        raise NotImplementedError

    def move(self, theta, gradient, rate):
        """``theta += rate * direction``, in place; `gradient` is overwritten.

        A rate of each parameter is an array like theta.
        """
        raise NotImplementedError

    def cut(self, kept):
        """Go on with some of the parameters: `kept` takes a vector to its part."""

    def is_settled(self, theta, here, tol):
        """Whether a gradient below tol is all that this direction can be asked for."""
        return True

    def forget(self):
        """Drop what was learned from earlier steps; return whether there was any."""
        return False

    def begin(self):
        """Be told that a walk starts, at a place not necessarily the last."""


class Gradient(Direction):
    """``gradient``: with a fixed rate, the lecture's ``theta += eta * gradient``."""

    def __call__(self, theta, here):
        return here.gradient

    def move(self, theta, gradient, rate):
        _add(theta, gradient, rate)


class Fading:
    """A sum whose terms fade, ``sum = share * sum + term``.

    It is kept as a number times a vector. The number takes the fading, so that a step
    goes over the vector once, to add to it, and not twice.

    Attributes
    ----------
    vector : array like the terms, or None
        None: no term yet.
    unit : float
    """

    #: Where the number is this small, the vector takes it over.
    SMALLEST = 2.0**-10

    def __init__(self):
        self.vector, self.unit = None, 1.0

    def fade(self, share, terms):
        """Take the sum times `share`, one for all or one for each of `terms`."""
        if self.vector is None:
            self.vector = array_namespace(terms).zeros_like(terms)
        if getattr(share, "ndim", 0):
            self.vector *= share
            return
        self.unit *= float(share)
        if self.unit < self.SMALLEST:
            self.vector *= self.unit
            self.unit = 1.0

    def cut(self, kept):
        self.vector = kept(self.vector)


class Momentum(Direction):
    """``velocity = momentum * velocity + gradient`` (Polyak, 1964).

    Parameters
    ----------
    momentum : float in [0, 1), or array of them
        One for all parameters, or one for each.
    """

    def __init__(self, momentum):
        self.momentum = momentum
        self.velocity = Fading()

    def cut(self, kept):
        self.velocity.cut(kept)
        if np.ndim(self.momentum):
            self.momentum = kept(self.momentum)

    def __call__(self, theta, here):
        return _from_zero(self, here)

    def move(self, theta, gradient, rate):
        self.velocity.fade(self.momentum, theta)
        unit = self.velocity.unit
        pace, paces = _scalar_and_vector(rate)
        for place, velocity, g, own in _in_cache(
            theta, self.velocity.vector, gradient, paces
        ):
            _add(velocity, g, 1 / unit)
            if own is not None:
                velocity = array_namespace(g).multiply(velocity, own, **into(g))
            _add(place, velocity, pace * unit)


class Adam(Direction):
    """``m_hat / (sqrt(v_hat) + eps)``, m and v running means of g and g^2.

    Each corrected for starting at 0, the two corrections in one factor, as in the last
    lines of section 2 of Kingma & Ba, *Adam* (ICLR 2015). What is kept are the sums
    ``m / (1 - beta_1)`` and ``v / (1 - beta_2)``.
    """

    def __init__(self, beta_1=0.9, beta_2=0.999, eps=1e-8):
        self.beta_1, self.beta_2, self.eps = beta_1, beta_2, eps
        self.t = 0
        self.m, self.v = Fading(), Fading()

    def __call__(self, theta, here):
        return _from_zero(self, here)

    def cut(self, kept):
        self.m.cut(kept)
        self.v.cut(kept)

    def move(self, theta, gradient, rate):
        xp = array_namespace(theta)
        self.t += 1
        self.m.fade(self.beta_1, theta)
        self.v.fade(self.beta_2, theta)
        of_m, of_v = self.m.unit, self.v.unit
        root = math.sqrt((1 - self.beta_2) * of_v)
        eps = self.eps / root
        factor = (1 - self.beta_1) * of_m / root
        factor *= math.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        pace, paces = _scalar_and_vector(rate)
        for place, m, v, g, own in _in_cache(
            theta, self.m.vector, self.v.vector, gradient, paces
        ):
            _add(m, g, 1 / of_m)
            g *= g
            _add(v, g, 1 / of_v)
            step = xp.sqrt(v, **into(g))
            step += eps
            step = xp.divide(m, step, **into(step))
            if own is not None:
                step *= own
            _add(place, step, factor * pace)


def _add(vector, other, times):
    """``vector += times * other``, in place."""
    if is_numpy(vector) and not getattr(times, "ndim", 0):
        axpy = blas.saxpy if vector.dtype == np.float32 else blas.daxpy
        axpy(other, vector, a=times)  # over memory once, not twice
    else:
        vector += times * other


def _scalar_and_vector(rate):
    """One of them, for all parameters or for each, and nothing for the other.

    A float takes the float type of what it multiplies; NumPy's do not.
    """
    return (1.0, rate) if getattr(rate, "ndim", 0) else (float(rate), None)


def _from_zero(direction, here):
    """The direction itself: a move from 0 at the rate 1."""
    result = array_namespace(here.gradient).zeros_like(here.gradient)
    direction.move(result, +here.gradient, 1.0)
    return result


def _in_cache(*vectors):
    """Yield the vectors piece by piece, so that a second look finds them in the cache.

    Pieces are large enough that calls take next to no time. None stays None. Elsewhere
    than on the host there is no such cache.
    """
    first = vectors[0]
    if not is_numpy(first):
        yield vectors
        return
    size = PIECE_BYTES // first.itemsize
    for start in range(0, len(first), size):
        at = slice(start, start + size)
        yield [None if vector is None else vector[at] for vector in vectors]


class Pairs:
    """Steps and the changes of the gradient that they met: a memory of the curvature.

    Parameters
    ----------
    memory : int
        How many of the last ones are kept.
    """

    def __init__(self, memory):
        self.memory, self.kept = memory, []
        self.last = None

    def __bool__(self):
        return bool(self.kept)

    def add(self, theta, gradient):
        """Note the place that the climb has come to."""
        if self.last is not None:
            step, change = theta - self.last[0], self.last[1] - gradient
            curvature = float(step @ change)
            # Positive curvature along every kept step keeps the estimate definite.
            if curvature > 1e-10 * _norm(change) * _norm(step):
                self.kept.append((step, change, curvature))
                del self.kept[: -self.memory]
        self.last = (theta, gradient)

    def is_at(self, theta):
        """Whether this is the place that was noted last."""
        return self.last is not None and bool(np.array_equal(theta, self.last[0]))

    def move(self):
        """Go on elsewhere: the next place is not a step from the last."""
        self.last = None

    def forget(self):
        """Drop the pairs and the place; return whether there were any pairs."""
        had_any = bool(self.kept)
        self.kept.clear()
        self.move()
        return had_any

    def solve(self, gradient, first_guess):
        """``curvature^-1 gradient``, as far as the pairs tell.

        The two-loop recursion (Nocedal & Wright, algorithm 7.4); `first_guess` solves
        with the estimate of the curvature that the pairs correct.
        """
        direction = +gradient
        shares = []
        for step, change, curvature in reversed(self.kept):
            share = float(step @ direction) / curvature
            direction -= share * change
            shares.append(share)
        direction = first_guess(direction)
        for (step, change, curvature), share in zip(
            self.kept, reversed(shares), strict=True
        ):
            direction += (share - float(change @ direction) / curvature) * step
        return direction


class LBFGS(Direction):
    """``curvature^-1 gradient``, the curvature guessed from the last steps.

    The first guess is a multiple of the identity, measured on the last step (Nocedal &
    Wright, equation 7.20).

    Parameters
    ----------
    memory : int, default=10
        Pairs of (step, change of gradient) that are kept.
    """

    def __init__(self, memory=10):
        self.pairs = Pairs(memory)

    @property
    def knows_its_length(self):
        return bool(self.pairs)

    def __call__(self, theta, here):
        self.pairs.add(theta, here.gradient)
        return self.pairs.solve(here.gradient, self._first_guess)

    def _first_guess(self, gradient):
        if self.pairs:
            _, change, curvature = self.pairs.kept[-1]
            gradient *= curvature / float(change @ change)
        return gradient

    def forget(self):
        return self.pairs.forget()


def _norm(vector):
    return float(vector @ vector) ** 0.5
