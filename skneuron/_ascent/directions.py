"""Which way: the direction that a climb takes from where it stands.

A direction is called with the parameters and the objective's evaluation there, and
returns a vector like the parameters. It may keep a memory of earlier calls; a climb
that goes on later with the same object goes on as if it had never paused.
"""

from collections import deque

import numpy as np
from scipy import linalg

from .._arrays import array_namespace


class Direction:
    """The base of all directions."""

    #: Whether the objective has to give its curvature.
    needs_curvature = False
    #: Whether a step of length 1 is the natural first try.
    knows_its_length = False

    def __call__(self, theta, here):
        raise NotImplementedError

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
        if self.velocity is None:
            self.velocity = array_namespace(theta).zeros_like(theta)
        self.velocity *= self.momentum
        self.velocity += here.gradient
        return self.velocity


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
        xp = array_namespace(theta)
        if self.t == 0:
            self.m, self.v = xp.zeros_like(theta), xp.zeros_like(theta)
        self.t += 1
        self.m *= self.beta_1
        self.m += (1 - self.beta_1) * here.gradient
        self.v *= self.beta_2
        self.v += (1 - self.beta_2) * here.gradient**2
        correction = np.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        direction = xp.sqrt(self.v)
        direction += self.eps
        direction = self.m / direction
        direction *= float(correction)
        return direction


class LBFGS(Direction):
    """The two-loop recursion over the last steps (Nocedal & Wright, algorithm 7.4).

    Parameters
    ----------
    memory : int, default=10
        Pairs of (step, change of gradient) that stand in for the curvature.
    """

    def __init__(self, memory=10):
        self.pairs = deque(maxlen=memory)
        self.last = None

    @property
    def knows_its_length(self):
        return bool(self.pairs)

    def __call__(self, theta, here):
        gradient = here.gradient
        if self.last is not None:
            step, change = theta - self.last[0], self.last[1] - gradient
            curvature = float(step @ change)
            # Positive curvature along every kept step keeps the estimate definite.
            if curvature > 1e-10 * float(change @ change) ** 0.5 * _norm(step):
                self.pairs.append((step, change, curvature))
        self.last = (theta, gradient)
        direction = +gradient
        shares = []
        for step, change, curvature in reversed(self.pairs):
            share = float(step @ direction) / curvature
            direction -= share * change
            shares.append(share)
        if self.pairs:
            _, change, curvature = self.pairs[-1]
            direction *= curvature / float(change @ change)
        for (step, change, curvature), share in zip(
            self.pairs, reversed(shares), strict=True
        ):
            direction += (share - float(change @ direction) / curvature) * step
        return direction

    def forget(self):
        had_any = bool(self.pairs)
        self.pairs.clear()
        return had_any


class Newton(Direction):
    """``curvature^-1 gradient``: Fisher scoring, for these likelihoods the same thing.

    Where the curvature is singular (collinear columns, softmax's one class too many,
    more features than rows) the step is the shortest that solves the equations: no
    move along a direction in which the likelihood is flat.

    Parameters
    ----------
    accumulate : bool, default=False
        Solve with the sum of the curvatures of all calls so far, for a stream of
        batches: each batch moves the parameters by its share of the information.
    """

    needs_curvature = True
    knows_its_length = True

    def __init__(self, accumulate=False):
        self.accumulate = accumulate
        self.information = {}
        self._cached = (None, None)
        self._last_slope = np.inf

    def begin(self):
        self._cached, self._last_slope = (None, None), np.inf

    def __call__(self, theta, here):
        if self._cached[0] is not here:
            direction = np.zeros_like(theta)
            for i, (at, curvature) in enumerate(here.curvature):
                if self.accumulate:
                    curvature = curvature + self.information.get(i, 0.0)
                    self.information[i] = curvature
                direction[at] = solve_shortest(curvature, here.gradient[at])
            self._cached = (here, direction)
        return self._cached[1]

    def is_settled(self, theta, here, tol):
        """Whether the value itself has settled, not only its gradient.

        On a long flat ridge a small gradient can be far from the top. The gain that the
        next step promises tells; Newton's steps square it, so it is climbed on until it
        is nothing, or has stopped falling that fast (as where the top is at infinity).
        """
        gain = float(self(theta, here) @ here.gradient)
        last, self._last_slope = self._last_slope, gain
        return gain <= tol and (gain <= tol**2 * 1e-4 or gain > 0.1 * last)


def solve_shortest(matrix, vector):
    """Solve ``matrix x = vector`` for positive semidefinite, maybe singular, matrix.

    Parameters
    ----------
    matrix : array of shape (size, size)
    vector : array of shape (size,)

    Returns
    -------
    x : array of shape (size,)
        The solution; for a singular matrix the shortest one, in the units that give
        the matrix a unit diagonal, with nothing along directions that are flat to
        rounding.
    """
    eps = np.finfo(np.float64).eps
    unit = np.sqrt(np.diagonal(matrix))
    unit = np.where(unit > 0, unit, 1.0)
    scaled = matrix / unit / unit[:, None]
    right = vector / unit
    factor, failed = linalg.lapack.dpotrf(scaled, lower=1)
    if not failed:
        norm = np.abs(scaled).sum(axis=0).max()
        reciprocal_condition, _ = linalg.lapack.dpocon(factor, norm, uplo="L")
        if reciprocal_condition > 1e-10:
            return linalg.lapack.dpotrs(factor, right, lower=1)[0] / unit
    values, vectors = linalg.eigh(scaled)
    along = vectors.T @ right
    # Below rounding an eigenvalue says nothing, and neither does a slope.
    flat = values <= len(values) * eps * values[-1]
    flat |= (values <= 1e-10 * values[-1]) & (np.abs(along) <= 32 * eps * _norm(right))
    along[flat] = 0.0
    values[flat] = 1.0
    return vectors @ (along / values) / unit


def _norm(vector):
    return float(vector @ vector) ** 0.5
