"""Which way: the direction that a climb takes from where it stands.

A direction is called with the parameters and the objective's evaluation there, and
returns a vector like the parameters. It may keep a memory of earlier calls; a climb
that goes on later with the same object goes on as if it had never paused.
"""

import math

import numpy as np

from .._arrays import array_namespace


class Direction:
    """The base of all directions."""

    #: How many derivatives it asks for: 2 with the curvature.
    order = 1
    #: Whether a step of length 1 is the natural first try.
    knows_its_length = False

    def __call__(self, theta, here):
        raise NotImplementedError

    def move(self, theta, gradient, rate):
        """``theta += rate * direction``, in place."""
        raise NotImplementedError

    def memory(self, theta, n_steps):
        """What the compiled steps need: their rule, and memory that they go on with."""
        raise NotImplementedError

    def is_settled(self, theta, here, tol):
        """Whether a gradient below tol is all that this direction can be asked for."""
        return True

    def forget(self):
        """Drop what was learned from earlier steps; return whether there was any."""
        return False

    def begin(self):
        """Be told that a walk starts, at a place not necessarily the last."""

    def bend(self, more):
        """Be told that the curvature has become larger by a diagonal, everywhere."""


class Gradient(Direction):
    """``gradient``: with a fixed rate, the lecture's ``theta += eta * gradient``."""

    def __call__(self, theta, here):
        return here.gradient

    def move(self, theta, gradient, rate):
        theta += rate * gradient

    def memory(self, theta, n_steps):
        return {"rule": "gradient"}


class Momentum(Direction):
    """``velocity = momentum * velocity + gradient`` (Polyak, 1964).

    Parameters
    ----------
    momentum : float in [0, 1)
    """

    def __init__(self, momentum):
        self.momentum = momentum
        self.velocity = None

    def __call__(self, theta, here):
        return _from_zero(self, here)

    def move(self, theta, gradient, rate):
        self._begin(theta)
        self.velocity *= self.momentum
        self.velocity += gradient
        theta += rate * self.velocity

    def memory(self, theta, n_steps):
        self._begin(theta)
        return {
            "rule": "momentum",
            "moments": (self.velocity, None),
            "numbers": (self.momentum, 0.0, 0.0, 0.0),
        }

    def _begin(self, theta):
        if self.velocity is None:
            self.velocity = array_namespace(theta).zeros_like(theta)
        elif self.velocity.dtype != theta.dtype:  # a warm start of another float type
            self.velocity = array_namespace(theta).astype(self.velocity, theta.dtype)


class Adam(Direction):
    """``m_hat / (sqrt(v_hat) + eps)``, m and v running means of g and g^2.

    Each corrected for starting at 0, the two corrections in one factor, as in the last
    lines of section 2 of Kingma & Ba, *Adam* (ICLR 2015).
    """

    def __init__(self, beta_1=0.9, beta_2=0.999, eps=1e-8):
        self.beta_1, self.beta_2, self.eps = beta_1, beta_2, eps
        self.t = 0
        self.m = self.v = None

    def __call__(self, theta, here):
        return _from_zero(self, here)

    def move(self, theta, gradient, rate):
        self._begin(theta)
        self.t += 1
        self.m += (1 - self.beta_1) * (gradient - self.m)
        self.v += (1 - self.beta_2) * (gradient * gradient - self.v)
        rate *= math.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        theta += rate * self.m / (array_namespace(theta).sqrt(self.v) + self.eps)

    def memory(self, theta, n_steps):
        self._begin(theta)
        before, self.t = self.t, self.t + n_steps
        return {
            "rule": "adam",
            "moments": (self.m, self.v),
            "numbers": (0.0, self.beta_1, self.beta_2, self.eps),
            "t": before,
        }

    def _begin(self, theta):
        xp = array_namespace(theta)
        if self.m is None:
            self.m, self.v = xp.zeros_like(theta), xp.zeros_like(theta)
        elif self.m.dtype != theta.dtype:  # a warm start of another float type
            self.m, self.v = (xp.astype(of, theta.dtype) for of in (self.m, self.v))


def _from_zero(direction, here):
    """The direction itself: a move from 0 at the rate 1."""
    result = array_namespace(here.gradient).zeros_like(here.gradient)
    direction.move(result, here.gradient, 1.0)
    return result


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

    def bend(self, more):
        """As :meth:`Direction.bend`."""
        self.move()
        for i, (step, change, _) in enumerate(self.kept):
            change = change + more * step
            self.kept[i] = step, change, float(step @ change)
        self.kept = [pair for pair in self.kept if pair[2] > 0]

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

    def bend(self, more):
        self.pairs.bend(more)


def _norm(vector):
    return float(vector @ vector) ** 0.5
