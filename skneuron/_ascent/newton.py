"""Newton's direction, with a curvature that is kept for as long as it serves."""

import math

import numpy as np
from scipy.linalg import blas, eigh, lapack

from .directions import Direction, Pairs


#: How much longer than its price the way may be before a curvature is bought: the pace
#: picks up by itself.
PATIENCE = 1.5


class Newton(Direction):
    """``curvature^-1 gradient``: Fisher scoring, for these likelihoods the same thing.

    A curvature costs many times a gradient, and stays nearly right near the top. It is
    kept, and corrected by the changes of the gradient that steps meet (as L-BFGS does
    with a multiple of the identity), until the climb would be quicker with a new one:
    when the iterations still to go at the pace of the last are more than its price.

    Where the curvature is singular (collinear columns, softmax's one class too many,
    more features than rows) the step is the shortest that solves the equations: no
    move along a direction in which the likelihood is flat.

    Parameters
    ----------
    price : float, default=0.0
        What a curvature costs, in gradients. 0: a new one in every iteration.
    target : float, default=1e-12
        The promised gain at which the way ends.
    accumulate : bool, default=False
        Solve with the sum of the curvatures of all calls so far, for a stream of
        batches: each batch moves the parameters by its share of the information.
    """

    knows_its_length = True

    def __init__(self, price=0.0, target=1e-12, accumulate=False):
        self.price, self.target, self.accumulate = price, target, accumulate
        self.information = {}
        self.needs_curvature = True
        self._solvers = None
        self._pairs = Pairs(memory=10)
        self._gain = np.inf
        self._cached = (None, None)
        self._last_slope = np.inf

    def begin(self):
        self._cached, self._last_slope = (None, None), np.inf

    def carry(self):
        """Go on elsewhere with the curvature known from here."""
        self._pairs.forget()
        self._gain = np.inf
        self.needs_curvature = False

    def forget(self):
        """Drop what is not of this place; return whether there was any such thing."""
        was_kept, self.needs_curvature = not self.needs_curvature, True
        self._pairs.forget()
        self._gain = np.inf
        return was_kept

    def __call__(self, theta, here):
        if self._cached[0] is not here:
            resumed = self._pairs.is_at(theta)
            if here.curvature:
                self._learn(here.curvature)
            self._pairs.add(theta, here.gradient)
            direction = self._pairs.solve(here.gradient, self._solve)
            self._cached = (here, direction)
            if not resumed:
                gain = float(direction @ here.gradient)
                self.needs_curvature = self._is_slow(gain)
                self._gain = gain
        return self._cached[1]

    def _learn(self, curvature):
        if self.accumulate:
            for i, (_, matrix) in enumerate(curvature):
                self.information[i] = matrix + self.information.get(i, 0.0)
            curvature = [
                (at, self.information[i]) for i, (at, _) in enumerate(curvature)
            ]
        self._solvers = [(at, Solver(matrix)) for at, matrix in curvature]
        self._pairs.forget()
        self._gain = np.inf

    def _solve(self, vector):
        direction = np.zeros_like(vector)
        for at, solve in self._solvers:
            direction[at] = solve(vector[at])
        return direction

    def _is_slow(self, gain):
        if not self.price:
            return True
        if not gain > self.target or self._gain == np.inf:
            return False
        pace = math.log(max(self._gain / gain, 1.0 + 1e-9))
        return math.log(gain / self.target) / pace > PATIENCE * self.price + 2

    def is_settled(self, theta, here, tol):
        """Whether the value itself has settled, not only its gradient.

        On a long flat ridge a small gradient can be far from the top. The gain that the
        next step promises tells; Newton's steps square it, so it is climbed on until it
        is nothing, or has stopped falling that fast (as where the top is at infinity).
        """
        gain = float(self(theta, here) @ here.gradient)
        last, self._last_slope = self._last_slope, gain
        enough = tol**2 * (1e-4 if not self.price else 1.0)
        return gain <= tol and (gain <= enough or gain > 0.1 * last)


class Solver:
    """A positive semidefinite matrix made ready to solve with.

    Parameters
    ----------
    matrix : array of shape (size, size)

    Notes
    -----
    For a singular matrix the solution is the shortest, in the units that give the
    matrix a unit diagonal, with nothing along directions that are flat to rounding.
    The rank shows in the pivots of a Cholesky factor; where it does not show clearly,
    in the eigenvalues.
    """

    def __init__(self, matrix):
        unit = np.sqrt(np.diagonal(matrix))
        self.unit = np.where(unit > 0, unit, 1.0)
        scaled = matrix / self.unit
        scaled /= self.unit[:, None]
        self.tall = self.values = None
        self.factor, pivots, rank, _ = lapack.dpstrf(scaled, lower=1)
        self.order = pivots - 1
        if not rank or self.factor[rank - 1, rank - 1] ** 2 <= 1e-10:
            self.values, self.vectors = eigh(scaled)
        elif rank < len(matrix):
            # matrix = L L^T with L (size, rank): its pseudoinverse is L (L^T L)^-2 L^T.
            self.tall = np.asfortranarray(np.tril(self.factor)[:, :rank])
            inner = blas.dsyrk(1.0, self.tall, trans=1, lower=1)
            self.factor, _ = lapack.dpotrf(inner, lower=1)

    def __call__(self, vector):
        """x with ``matrix x = vector``."""
        scaled = vector / self.unit
        if self.values is not None:
            return self._by_eigenvalues(scaled) / self.unit
        x = scaled[self.order]
        if self.tall is None:
            x, _ = lapack.dpotrs(self.factor, x, lower=1)
        else:
            x = blas.dgemv(1.0, self.tall, x, trans=1)
            for _ in range(2):
                x, _ = lapack.dpotrs(self.factor, x, lower=1)
            x = blas.dgemv(1.0, self.tall, x)
        scaled[self.order] = x
        return scaled / self.unit

    def _by_eigenvalues(self, vector):
        values, eps = self.values, np.finfo(np.float64).eps
        along = self.vectors.T @ vector
        # Below rounding an eigenvalue says nothing, and neither does a slope.
        flat = values <= len(values) * eps * values[-1]
        size = float(vector @ vector) ** 0.5
        flat |= (values <= 1e-10 * values[-1]) & (np.abs(along) <= 32 * eps * size)
        return self.vectors @ np.where(flat, 0.0, along / np.where(flat, 1.0, values))
