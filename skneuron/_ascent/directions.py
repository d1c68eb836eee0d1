"""Which way: the direction that a climb takes from where it stands.

A direction is called with the parameters and the objective's evaluation there, and
returns a vector like the parameters. It may keep a memory of earlier calls; a climb
that goes on later with the same object goes on as if it had never paused.
"""

import math

import numpy as np
from scipy.linalg import blas

from .._arrays import array_namespace


class Direction:
    """The base of all directions.

    ``direction(theta, here)`` gives the vector along which to go. Those of mini-batches
    also have ``move(theta, gradient, rate)``, which is ``theta += rate * direction`` in
    place; and ``memory(theta, n_steps)``, what so many compiled steps need: their rule,
    and the memory itself, that they go on with.
    """

    #: How many derivatives it asks for: 2 with the curvature.
    order = 1
    #: Whether a step of length 1 is the natural first try.
    knows_its_length = False
    #: Curvatures to solve with: none.
    solvers = ()

    def is_settled(self, theta, here, tol):
        """Whether a gradient below tol is all that this direction can be asked for."""
        return True

    def forget(self):
        """Drop what was learned from earlier steps; return whether there was any."""
        return False

    def rules(self, step_size):
        """The `rules` of a question, by this direction and so far; None: none."""

    def begin(self):
        """Be told that a walk starts, at a place not necessarily the last."""

    def bend(self, more):
        """Be told that the curvature has become larger by a diagonal, everywhere.

        That is another hill, whose climb is to begin.
        """


class Gradient(Direction):
    """``gradient``: with a fixed rate, the lecture's ``theta += eta * gradient``."""

    def __call__(self, theta, here):
        return here.gradient

    def move(self, theta, gradient, rate):
        theta += rate * gradient

    def memory(self, theta, n_steps):
        return {"rule": "gradient"}


class _Moments(Direction):
    """The base of directions that are made of averages over the gradients so far."""

    #: How many averages it keeps; and those, once there are any.
    n_moments, moments = 1, ()

    def __call__(self, theta, here):
        """A move from 0 at the rate 1."""
        result = array_namespace(here.gradient).zeros_like(here.gradient)
        self.move(result, here.gradient, 1.0)
        return result

    def begun(self, theta):
        """The averages, zeros at first, in the float type of theta."""
        xp = array_namespace(theta)
        if not self.moments:
            self.moments = [xp.zeros_like(theta) for _ in range(self.n_moments)]
        elif self.moments[0].dtype != theta.dtype:  # a warm start of another type
            self.moments = [xp.astype(of, theta.dtype) for of in self.moments]
        return self.moments


class Momentum(_Moments):
    """``velocity = momentum * velocity + gradient`` (Polyak, 1964).

    Parameters
    ----------
    momentum : float in [0, 1)
    """

    def __init__(self, momentum):
        self.momentum = momentum

    def move(self, theta, gradient, rate):
        (velocity,) = self.begun(theta)
        velocity *= self.momentum
        velocity += gradient
        theta += rate * velocity

    def memory(self, theta, n_steps):
        moments, numbers = (*self.begun(theta), None), (self.momentum, 0.0, 0.0, 0.0)
        return {"rule": "momentum", "moments": moments, "numbers": numbers}


class Adam(_Moments):
    """``m_hat / (sqrt(v_hat) + eps)``, m and v running means of g and g^2.

    Each corrected for starting at 0, the two corrections in one factor, as in the last
    lines of section 2 of Kingma & Ba, *Adam* (ICLR 2015).
    """

    n_moments = 2

    def __init__(self, beta_1=0.9, beta_2=0.999, eps=1e-8):
        self.beta_1, self.beta_2, self.eps = beta_1, beta_2, eps
        self.t = 0

    def move(self, theta, gradient, rate):
        m, v = self.begun(theta)
        self.t += 1
        m += (1 - self.beta_1) * (gradient - m)
        v += (1 - self.beta_2) * (gradient * gradient - v)
        rate *= math.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        theta += rate * m / (array_namespace(theta).sqrt(v) + self.eps)

    def memory(self, theta, n_steps):
        before, self.t = self.t, self.t + n_steps
        moments, numbers = self.begun(theta), (0.0, self.beta_1, self.beta_2, self.eps)
        return {"rule": "adam", "moments": moments, "numbers": numbers, "t": before}


class LBFGS(Direction):
    """``curvature^-1 gradient``, the curvature guessed from the last steps.

    The first guess is a multiple of the identity, measured on the last step (Nocedal &
    Wright, equation 7.20).

    Parameters
    ----------
    memory : int, default=34
        How many steps are kept.

    Attributes
    ----------
    kept : array of shape (2, room, n_parameters)
        Steps, and the changes of the gradient that they met. The next pair takes the
        place of the oldest; there is room once there is one.
    products : array of shape (room, room)
        Each step times every change that was met no sooner.
    newest : int
        The place of the last pair.
    scale : float
        What the last pair says of the first guess.
    n_pairs : int
        Pairs so far, those that are kept no longer among them.
    last : (theta, gradient) or None
        Where the next step is from; None: the next place is not a step from the last.
    """

    def __init__(self, memory=34):
        self.n_kept, self.n_pairs, self.last = memory, 0, None
        self.kept, self.products = np.zeros((2, 0, 0)), np.zeros((0, 0))

    @property
    def knows_its_length(self):
        return bool(self.solvers or self.n_pairs)

    def __call__(self, theta, here):
        self.note(theta, here.gradient)
        return self.solve(here.gradient)

    def note(self, theta, gradient):
        """Note the place that the climb has come to."""
        if self.last is not None:
            self._keep(theta - self.last[0], self.last[1] - gradient)
        self.last = (theta, gradient)

    def _keep(self, step, change):
        product, square = float(step @ change), float(change @ change)
        # Positive curvature along every kept step keeps the estimate definite.
        if not product > 1e-10 * square**0.5 * _norm(step):
            return
        if more := self.n_kept - len(self.products):
            kept = self.kept if len(self.products) else np.zeros((2, 0, len(step)))
            self.kept = np.pad(kept, [(0, 0), (0, more), (0, 0)])
            self.products = np.pad(self.products, (0, more))
        self.newest, self.scale = self.n_pairs % self.n_kept, product / square
        self.kept[:, self.newest] = step, change
        self.products[:, self.newest] = blas.dgemv(1.0, self.kept[0].T, change, trans=1)
        self.n_pairs += 1

    def __getstate__(self):
        """What is kept takes no more room than it needs."""
        n = min(self.n_pairs, self.n_kept)
        kept, products = self.kept[:, :n], self.products[:n, :n]
        return {**vars(self), "kept": kept, "products": products}

    def is_at(self, theta):
        """Whether this is the place that was noted last."""
        return self.last is not None and bool((theta == self.last[0]).all())

    def solve(self, gradient):
        """``curvature^-1 gradient``, as far as the pairs tell.

        The two-loop recursion (Nocedal & Wright, algorithm 7.4), each loop a triangular
        system in the products (Byrd, Nocedal & Schnabel, 1994), so that what takes the
        time are four products with a matrix; the first guess solves with the estimate
        of the curvature that the pairs correct.
        """
        if not self.n_pairs:
            return self.first_guess(gradient)
        at = np.arange(max(0, self.n_pairs - self.n_kept), self.n_pairs) % self.n_kept
        steps, changes = (of[: len(at)].T for of in self.kept)
        lower, shares = self.products[np.ix_(at, at)].T, np.empty(len(at))
        along = blas.dgemv(1.0, steps, gradient, trans=1)[at]
        shares[at] = blas.dtrsv(lower, along, lower=1, trans=1)
        direction = self.first_guess(blas.dgemv(-1.0, changes, shares, 1.0, gradient))
        shares *= self.products.diagonal()[: len(at)]
        shares -= blas.dgemv(1.0, changes, direction, trans=1)
        shares[at] = blas.dtrsv(lower, shares[at], lower=1)
        return blas.dgemv(1.0, steps, shares, 1.0, direction, overwrite_y=1)

    def first_guess(self, gradient):
        """``curvature^-1 gradient`` without what the pairs correct."""
        return self.scale * gradient if self.n_pairs else +gradient

    def forget(self):
        had_any, self.n_pairs, self.last = bool(self.n_pairs), 0, None
        return had_any

    def bend(self, more):
        if self.last is not None:  # the way to the next start is a step, too
            theta, gradient = self.last
            self.last = theta, gradient - more * theta
        if self.n_pairs:
            steps, changes = self.kept
            changes += more * steps
            self.products = blas.dgemm(1.0, steps.T, changes.T, trans_a=1)
            change = changes[self.newest]
            self.scale = self.products[self.newest, self.newest] / (change @ change)


def _norm(vector):
    return float(vector @ vector) ** 0.5
