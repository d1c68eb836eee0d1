"""Newton's direction, with a curvature that is kept for as long as it serves."""

import math

import numpy as np
from scipy.linalg import blas, lapack, qr, solve_triangular

from .._threads import cached
from .directions import LBFGS, _norm

#: How much longer than its price the way may be before a curvature is bought: the pace
#: picks up by itself.
PATIENCE = 2.0

#: Floating-point operations that a root may take: some seconds. Beyond, the
#: curvature alone has to do.
MOST_ROOT_WORK = 1e11

#: How many iterations a climb takes with a curvature of its own, about.
FEWEST = 3

EPS = float(np.finfo(np.float64).eps)

#: What is left of the least gain that matters when nothing is; the share of the value
#: that is little; and what of a slope no rounding can have made, so many times theta's.
NOTHING, LITTLE, HIDDEN = 1e-12, 1e-10, 5e3

#: The gain, to tol, at which the way ends where no curvature says how far the top is.
#: Of 750 columns and 1,000 rows L-BFGS ends within 3e-8 of it, whatever the penalty.
ROUGHLY = 2e-3

#: The least pivot of a Cholesky factor, squared, that no rounding can have made. Where
#: more is rounded than in float64, of sums in float32 or of terms that cancel, so many
#: times what is; and only pivots in their order tell.
CLEAR, CLEAR_OF_NOISE = 1e-10, 64.0


class Newton(LBFGS):
    """``curvature^-1 gradient``: Fisher scoring, for these likelihoods the same thing.

    A curvature costs many times a gradient, and stays nearly right near the top. It is
    kept, and corrected by the changes of the gradient that steps meet (as L-BFGS does
    with a multiple of the identity), until the climb would be quicker with a new one:
    when the iterations still to go at the pace of the last are more than its price.
    From hill to hill (:meth:`bend`) it is kept until what that has cost is its price.

    Where the curvature is singular (collinear columns, softmax's one class too many,
    more features than rows) the step is the shortest that solves the equations: no
    move along a direction in which the likelihood is flat.

    Parameters
    ----------
    price : float, default=0.0
        What a curvature costs, in gradients. 0: a new one in every iteration. inf: none
        at all, which is L-BFGS.
    at_once : bool, default=True
        Whether to start with a curvature, or as L-BFGS until it pays.
    target : float, default=1e-12
        The promised gain at which the way ends.
    ahead : bool, default=False
        Whether whole steps may be taken by whoever answers the first question.
    endless : bool, default=True
        Whether the top may be at infinity, where a gain that falls slowly is no way.
    """

    #: Iterations since the last climb or curvature; and those that keeping it has cost.
    _n_steps = _excess = 0
    #: What the curvature is of; and whether its rank was ever in doubt.
    _is_carried = _is_bent = _is_in_doubt = False
    #: Of the last curvature, where theta is 0, and of one whose rank is certain.
    ranks = ranks_at_0 = _known_ranks = None
    #: What solutions with a curvature of another hill are to be multiplied by; and a
    #: gain that is none.
    _scale, little = 1.0, 0.0

    def __init__(
        self, price=0.0, at_once=True, target=1e-12, ahead=False, endless=True
    ):
        super().__init__()
        self.price, self.target, self.ahead = price, target, ahead
        self.order, self.endless = 1 + at_once, endless
        self.solvers, self._gains = [], []
        self.begin()

    def begin(self):
        self._cached, self._last_slope = (None, None), np.inf

    def rules(self, step_size):
        if not self.ahead or self.last is not None:
            return None
        lengths = step_size.enough, step_size.flat, step_size.stride
        return NOTHING * self.target, CLEAR, *lengths

    def carry(self):
        """Go on elsewhere with what is known from here."""
        self._is_carried, self.order, self._gains, self.last = True, 1, [], None

    def forget(self):
        """Drop what is not of this place; return whether there was any such thing."""
        if self.price == np.inf:
            return super().forget()
        was_kept, self.order = self.order == 1, 2
        super().forget()
        self._gains = []
        return was_kept

    def __call__(self, theta, here):
        if self._cached[0] is not here:
            resumed = self._n_steps > 0 and self.is_at(theta)
            if here.curvature and not resumed:
                self._learn(theta, here)
            here.roots = None  # with which a memory would keep the rows
            self._cached = (here, super().__call__(theta, here))
            if not resumed:
                self._n_steps += 1
                self.order = 1 + self._is_slow(self._cached[1] @ here.gradient)
        return self._cached[1]

    def note(self, theta, gradient):
        super().note(theta, gradient)
        if self._is_bent and not self._n_steps and self.n_pairs and self.solvers:
            # Where classes separate all curvatures shrink with the penalty. The way
            # from the last top tells, as it does L-BFGS.
            change = self.kept[1, self.newest]
            curvature = self.products[self.newest, self.newest]
            if (size := float(change @ self.first_guess(change))) > 0:
                self._scale *= curvature / size

    def bend(self, more):
        super().bend(more)
        # A curvature is kept from climb to climb until that has cost what a new one
        # does: iterations beyond those that a climb takes with its own.
        self._excess += max(self._n_steps - FEWEST, 0)
        self._gains, self._n_steps, self._is_bent = [], 0, True
        self.order = 1 + (self.order > 1 or self._excess > self.price)

    def _learn(self, theta, here):
        self.solvers = [(at, Solver(of, None, here.noise)) for at, of in here.curvature]
        ranks = [solve.rank for _, solve in self.solvers]
        full = [len(at) for at, _ in self.solvers]
        # Once in doubt, for good: what is clear by rounding alone is no rank.
        self._is_in_doubt |= not self._are_clear()
        known = ranks in (full, self._known_ranks) and not self._is_in_doubt
        if here.roots is not None and not known and here.root_work <= MOST_ROOT_WORK:
            if not (self._are_clear() and is_flat_indeed(self.solvers, here)):
                both, noise = zip(here.curvature, here.roots()), here.stored
                self.solvers = [(at, Solver(of, R, noise[at])) for (at, of), R in both]
            # Once is enough where the matrix says the same: columns are collinear.
            if ranks == [solve.rank for _, solve in self.solvers]:
                self._known_ranks = ranks
        self.ranks = [solve.rank for _, solve in self.solvers]
        self.ranks_at_0 = self.ranks_at_0 if theta.any() else self.ranks
        super().forget()
        self._is_carried = self._is_bent = False
        self._gains, self._excess, self._n_steps, self._scale = [], 0, 0, 1.0

    def first_guess(self, gradient):
        if not self.solvers:
            return super().first_guess(gradient)
        direction = np.zeros_like(gradient)
        for at, solve in self.solvers:
            direction[at] = self._scale * solve(gradient[at])
        return direction

    def _are_clear(self):
        """Whether all ranks are."""
        return all(solve.is_clear for _, solve in self.solvers)

    def _keeps(self):
        """Whether a curvature is worth keeping: not where its rank is not clear."""
        return self.price and self._are_clear()

    def _is_slow(self, gain):
        """Whether the climb would be quicker with a new curvature."""
        if not self._keeps():
            return True
        if self.knows_its_length:  # a promise in nats
            self._gains = [*self._gains[-2:], float(gain)]
        if len(self._gains) < 3 or gain <= self.target:
            return False
        pace = math.log(max(self._gains[0] / gain, 1.0 + 1e-9)) / (len(self._gains) - 1)
        return math.log(gain / self.target) / pace > PATIENCE * self.price + 2

    def is_settled(self, theta, here, tol):
        """Whether the value itself has settled, not only its gradient.

        On a long flat ridge a small gradient can be far from the top. The gain that the
        next step promises tells. Newton's steps square it, so it is climbed on until it
        is nothing, or has stopped falling that fast (as where the top is at infinity).
        """
        gain = float(self(theta, here) @ here.gradient)
        if self.price == np.inf:
            return self.endless or gain <= ROUGHLY * self.target**0.5
        flat = np.zeros_like(theta)
        for at, solve in self.solvers:
            flat[at] = solve.flat(here.gradient[at])
        unseen = max(float(flat @ here.gradient), 0.0) ** 0.5
        # What is flat on a sample, such as a category that it lacks, need not be.
        if self._is_carried and not unseen <= 1e-3 * self.target**0.5:
            self.order = 2
            return False
        last, self._last_slope = self._last_slope, gain
        # Nor what is so here, where rows of much weight are certain.
        is_hidden = unseen > HIDDEN * here.noise * (1.0 + _norm(theta))
        few = max(LITTLE, 64 * here.noise) * abs(here.value)
        self.little = min(tol, self.target, 0.0 if self.endless and is_hidden else few)
        keeps, little = self._keeps(), tol if self.endless else self.little
        # On the way to a far top gains fall as slowly as on one without end, or where
        # they are rounding. And of another hill's curvature a stall says little.
        fast = not keeps and (self.endless or here.noise > EPS)
        stalls = (0.1 if fast else 0.9) * last < gain <= little
        least = self.target if keeps else NOTHING * tol**2
        settled = gain <= least or (stalls and not self._is_bent)
        if settled and is_hidden and not self.endless:
            self._cached, settled = (here, flat), False
        return settled


def is_flat_indeed(solvers, here):
    """Whether the rows agree that the curvature is flat where it seems so.

    The curvature has half of the digits. Its size along a direction that has all of the
    flat ones in it tells, of the rows: nothing but rounding.
    """
    direction = flat_way(solvers, here.theta)
    roots, rounded = zip(solvers, here.roots(direction)), direction * here.stored
    return all(
        abs(R[0, 0]) <= rounding(len(at), _norm(rounded[at] * solve.unit))
        for (at, solve), R in roots
    )


def flat_way(solvers, theta):
    """A vector that has all directions in it along which solvers are flat."""
    way = np.zeros_like(theta)
    for at, solve in solvers:
        if solve.rank < len(at):
            way[at] = solve.flat_direction()
    return way


def rounding(size, noise):
    """What rounds the root of a matrix of so many columns, relatively, at most."""
    return max(8 * max(size, 32) * EPS, 2 * size**0.5 * noise)


def _is_rounding(R, noise):
    """Whether the last column is a sum of those before it, but for their rounding."""
    shares = np.append(solve_triangular(R[:-1, :-1], R[:-1, -1]), -1.0)
    return abs(R[-1, -1]) <= rounding(len(noise), _norm(shares * noise[: len(R)]))


class Solver:
    """A positive semidefinite matrix made ready to solve with.

    Parameters
    ----------
    matrix : array of shape (size, size)
    root : array of shape (any, size), default=None
        R with ``R^T R`` the matrix, which has twice the digits.
    noise : float or array of shape (size,), default=EPS
        What rounds the numbers that the matrix, or the root's columns, are made of,
        relatively.

    Notes
    -----
    For a singular matrix the solution is the shortest, in the units that give the
    matrix a unit diagonal, with nothing along directions that are flat to rounding.
    The rank shows in the pivots of a Cholesky factor; where it does not show clearly,
    in those of its root.

    Attributes
    ----------
    rank : int
        How many pivots are more than rounding.
    pivots : array
        Those of the Cholesky factor, in those units: what columns leave of one another.
    is_clear : bool
        Whether the pivots show the rank.
    """

    #: The columns of a factor that has fewer than rows; whether the pivots show the
    #: rank; and whether the factor is of the matrix as it is.
    tall, is_clear, is_regular = None, True, False

    def __init__(self, matrix, root=None, noise=EPS):
        self.matrix, size, squares = matrix, len(matrix), matrix.diagonal()
        # Rounding can make those of a constant column a little less than 0.
        self.unit = np.sqrt(np.where(squares > 0, squares, 1.0))
        root = None if root is None else root / self.unit
        if root is not None and np.isfinite(root).all():
            R, self.order = qr(root, mode="r", pivoting=True)
            R = np.pad(R[:size], [(0, max(0, size - len(R))), (0, 0)])  # of few rows
            self.pivots = np.abs(np.diagonal(R))
            noise = np.broadcast_to(noise, size)[self.order]
            least = rounding(size, noise.min()) * self.pivots[0]
            self.rank = int(np.sum(self.pivots > least))
            while self.rank and _is_rounding(R[: self.rank, : self.rank], noise):
                self.rank -= 1
            self.factor = np.asfortranarray(R.T)
        else:
            self.rank, self.is_regular, most = size, True, float(np.max(noise))
            self.factor, fails = lapack.dpotrf(matrix.T, lower=1, clean=0)
            self.pivots = self.factor.diagonal() / self.unit
            if not fails and self.pivots.min() ** 2 > CLEAR and most <= EPS:
                return
            self.factor = None  # leaves its room to the next
            scaled = np.triu(matrix)
            scaled /= self.unit
            scaled /= self.unit[:, None]
            least = max(64 * size * EPS, CLEAR_OF_NOISE * most)
            rules = {"tol": least, "lower": 1, "overwrite_a": 1}
            self.factor, order, self.rank, _ = lapack.dpstrf(scaled.T, **rules)
            self.order, self.is_regular = order - 1, False
            self.pivots = self.factor.diagonal()[: self.rank]
            self.is_clear = self.rank > 0 and bool(self.pivots[-1] ** 2 > CLEAR)
        if 0 < self.rank < size:
            self.tall, rest = np.split(self.factor, [self.rank], axis=1)
            rest[self.rank :] = np.eye(size - self.rank)

    @cached
    def _inner(self):
        """The factor of L^T L: the pseudoinverse of L L^T is L (L^T L)^-2 L^T."""
        return lapack.dpotrf(blas.dsyrk(1.0, self.tall, trans=1, lower=1), lower=1)[0]

    def __call__(self, vector):
        """x with ``matrix x = vector``."""
        if self.is_regular:  # dpotrs takes more than twice as long for a vector alone
            half = blas.dtrsv(self.factor, vector, lower=1)
            return blas.dtrsv(self.factor, half, lower=1, trans=1, overwrite_x=1)
        scaled = vector / self.unit
        if self.rank == 0:
            return np.zeros_like(vector)
        x = scaled[self.order]
        if self.tall is None:
            x, _ = lapack.dpotrs(self.factor, x, lower=1)
        else:
            x = blas.dgemv(1.0, self.tall, x, trans=1)
            for _ in range(2):
                x, _ = lapack.dpotrs(self._inner, x, lower=1)
            x = blas.dgemv(1.0, self.tall, x)
        scaled[self.order] = x
        return scaled / self.unit

    def flat(self, vector):
        """The vector's part along which the matrix is flat: no step, but a slope."""
        if self.is_regular:
            return np.zeros_like(vector)
        return (vector - self.matrix @ self(vector)) / self.unit / self.unit

    def flat_direction(self):
        """One with all those in it along which the matrix, a singular one, is flat.

        Its length is 1, in the units that give the matrix a unit diagonal.
        """
        flat = np.random.default_rng(0).standard_normal(len(self.unit))
        if self.rank:  # L^T takes it to 0
            flat[: self.rank] = 0.0
            flat[self.order] = blas.dtrsv(self.factor, flat, lower=1, trans=1)
        return flat / _norm(flat) / self.unit
