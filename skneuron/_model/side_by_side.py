"""Logistic regressions side by side: the same features, parameters of their own.

K models are one model with K times as many outputs, of which each counts on rows of its
own. What takes the time, the products with the features, becomes a product of matrices:
the features are read once for all of them, and from a cache that has them already.

Rows that count for the same models are put next to each other. Then a block of rows is
computed for those models alone, and nothing is ever multiplied by a 0.

Where features lie on a device, the parameters of all models go there in one move, and
what was summed there comes back in one.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .._arrays import (
    all_beside,
    all_to_host,
    array_namespace,
    beside,
    float_type,
    is_elsewhere,
    is_sparse,
    largest_size,
    like,
    widest_float,
)
from .rows import block_rows, take_rows

#: With more inputs than this, their products are not worth forming.
FEW_INPUTS = 300

#: Ways of counting with fewer rows than this are not worth a product of their own.
FEW_ROWS = 256


@dataclass
class Group:
    """Rows that count alike.

    Attributes
    ----------
    rows : slice
        Where they are.
    counts : array of shape (n_splits,), or of (n_rows, n_splits)
        How often they count in each split; or how often each row does.
    """

    rows: slice
    counts: np.ndarray

    def __post_init__(self):
        #: Whether any of them counts in each split.
        self.active = np.atleast_2d(self.counts).max(axis=0) > 0


class _Features:
    """The features X of a block of rows, and their products with rows of numbers.

    Sparse ones take longer to make, and to transpose, than to multiply with.
    """

    def __init__(self, X):
        self._X, self._X_T = X, X.T

    def logits(self, weights, room):
        """``weights @ X.T``, in `room` if that helps."""
        if is_sparse(self._X):
            return (self._X @ weights.T).T
        if is_elsewhere(self._X):
            return weights @ self._X_T
        return np.matmul(weights, self._X_T, out=room.reshape(len(weights), -1))

    def sums(self, residuals):
        """``residuals @ X``."""
        if is_sparse(self._X):
            return (self._X_T @ residuals.T).T
        return residuals @ self._X


class SideBySide:
    """The mean penalised log-likelihoods of several logistic regressions.

    Parameters, `theta`, are (n_parameters, n_members): a column is what the `Objective`
    of that member alone takes. All arguments are on the host but X, which is computed
    with where it is.

    Parameters
    ----------
    likelihood : Bernoulli, Categorical or Joint
    X : array or CSR matrix of shape (n_rows, n_features)
    codes : int array of shape (n_rows, n_outputs)
    counts : int array of shape (n_rows, n_splits)
        How often each row counts in each split.
    splits : int array of shape (n_members,)
        The split of each member.
    l2 : array of shape (n_members,)
        Strengths of the penalties on the weights.
    weights : array of shape (n_rows,), default=None
        None: every row counts once.
    tables : array of shape (n_classes, n_members), default=None
        Weights of the classes of a single output; None: all 1.
    fit_intercept : bool, default=True
    units : (centres, scales), default=None
        Arrays of shape (n_splits, n_features): the members of a split are regressions
        on ``(X - centre) / scale``, with an intercept. Dense only.
    n_threads : int, default=1
        Blocks that are computed at a time. BLAS should have one thread then.
    """

    def __init__(
        self,
        likelihood,
        X,
        codes,
        counts,
        splits,
        l2,
        *,
        weights=None,
        tables=None,
        fit_intercept=True,
        units=None,
        n_threads=1,
    ):
        self.likelihood, self.splits, self.tables = likelihood, splits, tables
        self.units = units
        self.n_logits = likelihood.n_logits
        self.n_threads = 1 if is_elsewhere(X) else n_threads
        self._pool = ThreadPoolExecutor(max(1, n_threads - 1))
        self._taken = {}  # the blocks of the last call, likely those of the next
        self.dtype = float_type(X)
        order, self.groups = _grouped(counts)
        rows = take_rows(X, beside(order, X))
        self.X = _with_intercept(rows) if fit_intercept else rows
        self.codes = beside(codes[order], X)
        self.weights = None if weights is None else like(weights[order], X)
        if is_elsewhere(X):
            for group in self.groups:
                if group.counts.ndim == 2:
                    group.counts = like(group.counts.astype(np.float64), X)
        self.total_weight = self._total_weights(counts, codes, weights)
        shrunk = np.ones((self.X.shape[1], self.n_logits, 1))
        shrunk[X.shape[1] :] = 0
        self._penalty = shrunk.reshape(-1, 1) * l2
        self.n_parameters = len(self._penalty)
        limits = np.finfo(self.dtype)
        self.noise = float(limits.eps)
        self.resolution = 64 * self.noise  # of a gradient
        self._unit = max(1.0, largest_size(X) if min(X.shape) else 0.0)
        terms = 4.0 * self.X.shape[0] * self.X.shape[1]
        if units is not None:  # what they make of parameters is larger
            centres, scales = units
            terms *= (1 + float(abs(centres / scales).sum(axis=1).max())) / min(
                1.0, float(scales.min())
            )
        #: Parameters up to this size give logits, and sums of them, that are finite.
        self.largest = float(limits.max) / terms / self._unit
        if np.any(l2):  # ... and penalties
            most = np.sqrt(max(1.0, self.n_parameters * np.max(l2)))
            self.largest = min(self.largest, np.finfo(float).max ** 0.5 / most)

    def _total_weights(self, counts, codes, weights):
        w = np.ones(len(codes)) if weights is None else weights.astype(float)
        if self.tables is None:
            return (w @ counts)[self.splits]
        by_class = np.zeros((len(self.tables), counts.shape[1]))
        np.add.at(by_class, codes[:, 0], counts * w[:, None])
        return np.einsum("ck,ck->k", self.tables, by_class[:, self.splits])

    def gradients(self, theta, members):
        """Those of the members' objectives, (n_parameters, n_members).

        Parameters
        ----------
        theta : array of shape (n_parameters, n_members)
        members : int array of shape (n_members,)
            Which of all members these are.
        """
        likelihood, n_inputs = self.likelihood, self.X.shape[1]
        scale = likelihood.logit_scale[:, None, None]
        gradient = np.zeros((self.n_logits, len(members), n_inputs))
        own = self._in_units(theta, members)
        bound = self._unit * np.abs(own).sum(axis=0)
        moderate = bool(np.all(bound < 0.4 * np.log(np.finfo(self.dtype).max)))

        def share(features, at, z, active, counts):
            z = likelihood.residuals(z, self.codes[at, ...], moderate)
            self._weigh(z, at, members[active], counts)
            return features.sums(array_namespace(z).reshape(z, (-1, z.shape[2])))

        for active, total in self._sums(own, members, scale, share):
            gradient[:, active] += total.reshape(self.n_logits, -1, n_inputs)
        gradient *= scale
        gradient = np.moveaxis(gradient, 2, 0)
        if self.units is not None:
            _pull(gradient, *self._units_of(members))
        gradient = gradient.reshape(self.n_parameters, len(members))
        gradient -= self._penalty[:, members] * theta
        return gradient / self.total_weight[members]

    def safe_rates(self):
        """Rates up to which no step can lower each member's objective, (n_members,).

        For `largest_safe_rate`'s reasons; a hundredth less, for rounding. What would
        take long to know is left at 0.
        """
        n_inputs, unknown = self.X.shape[1], np.zeros(len(self.splits))
        in_groups = self.groups and all(one.counts.ndim == 1 for one in self.groups)
        if n_inputs > FEW_INPUTS or not in_groups:
            return unknown
        products = all_to_host([self._squares(group.rows) for group in self.groups])
        counts = np.stack([group.counts for group in self.groups], axis=1)
        squares = np.tensordot(counts, np.stack(products), axes=1)
        if self.units is not None:
            for matrix, centre, scale in zip(squares, *self.units):
                _pull(matrix, centre[:, None], scale[:, None])
                _pull(matrix.T, centre[:, None], scale[:, None])
        if not np.isfinite(squares).all():
            return unknown
        curvature = np.linalg.eigvalsh(squares)[:, -1][self.splits]
        curvature *= self.likelihood.largest_curvature
        if self.tables is not None:
            curvature *= self.tables.max(axis=0)
        curvature += self._penalty.max(axis=0)
        with np.errstate(divide="ignore"):
            return 0.99 * 2 * self.total_weight / curvature

    def _squares(self, at):
        """``X^T diag(w) X`` of some rows."""
        X = weighted = take_rows(self.X, at)
        if self.weights is not None:
            w = self.weights[at][:, None]
            weighted = X.multiply(w).tocsr() if is_sparse(X) else X * w
        squares = X.T @ weighted
        return squares.toarray() if is_sparse(squares) else squares

    def log_likelihoods(self, theta, members):
        """The total log-likelihood of each member, without its penalty."""

        def share(features, at, z, active, counts):
            xp, codes = array_namespace(z), self.codes[at, ...]
            n_logits, n_active, n = z.shape
            z = xp.reshape(xp.permute_dims(z, (1, 2, 0)), (-1, n_logits))
            log_prob = self.likelihood.log_prob(z, xp.tile(codes, (n_active, 1)))
            log_prob = xp.reshape(log_prob, (n_active, n, -1))
            log_prob = xp.asarray(xp.permute_dims(log_prob, (2, 0, 1)), copy=True)
            self._weigh(log_prob, at, members[active], counts)
            return xp.sum(log_prob, axis=(0, 2), dtype=widest_float(z))

        values = np.zeros(len(members))
        own = self._in_units(theta, members)
        for active, total in self._sums(own, members, 1, share):
            values[active] += total
        return values

    def values(self, theta, members):
        """The members' objectives."""
        shrunk = self._penalty[:, members] * theta  # 0 where theta^2 overflows
        penalty = 0.5 * np.einsum("pk,pk->k", shrunk, theta)
        likelihood = self.log_likelihoods(theta, members)
        return (likelihood - penalty) / self.total_weight[members]

    def _units_of(self, members):
        """Centres and scales, (n_features, 1, n_members)."""
        return [of[self.splits[members]].T[:, None, :] for of in self.units]

    def _in_units(self, theta, members):
        """The parameters for X as it is, (n_inputs, n_logits, n_members)."""
        theta = theta.reshape(self.X.shape[1], self.n_logits, len(members))
        if self.units is None:
            return theta
        centres, scales = self._units_of(members)
        theta = theta.copy()
        theta[:-1] /= scales
        theta[-1] -= (centres * theta[:-1]).sum(axis=0)
        return theta

    def _sums(self, theta, members, scale, share):
        """Pairs of members' places and sums of shares, some for each group.

        `theta` is of X as it is, (n_inputs, n_logits, n_members); logits are computed
        times `scale`. A share is given the features of a block of rows, its place, the
        logits, (n_logits, n_active, n_rows), and the members and counts of them; what
        it returns is added up over a group's blocks.
        """
        # Members before rows: NumPy's inner loops are over many rows, not few members.
        theta = (theta.transpose(1, 2, 0) * scale).astype(self.dtype, order="C")
        groups, of_each = [], []
        for group in self.groups:
            active = np.flatnonzero(group.active[self.splits[members]])
            if len(active):
                groups.append((group, active))
                own = np.take(theta, active, axis=1)
                of_each.append(own.reshape(-1, self.X.shape[1]))
        tasks = [
            (group, active, weights, at)
            for (group, active), weights in zip(groups, all_beside(of_each, self.X))
            for at in _blocks(group.rows, weights, self.X)
        ]
        self._taken = {
            (at.start, at.stop): self._taken.get((at.start, at.stop))
            or _Features(take_rows(self.X, at))
            for *_, at in tasks
        }

        def run(mine):
            sums, room = {}, np.empty(0, self.dtype)
            for group, active, weights, at in mine:
                features, n = self._taken[at.start, at.stop], at.stop - at.start
                size = weights.shape[0] * n
                if len(room) < size:
                    room = np.empty(size, self.dtype)
                z = features.logits(weights, room[:size])
                counts = group.counts
                if counts.ndim == 2:
                    first = at.start - group.rows.start
                    counts = counts[first : first + n, ...]
                xp = array_namespace(z)
                z = xp.reshape(z, (self.n_logits, -1, n))
                total = share(features, at, z, active, counts)
                total = xp.astype(total, widest_float(total), copy=False)
                key = group.rows.start
                if key in sums:
                    sums[key][1][...] += total
                else:
                    sums[key] = active, total
            return list(sums.values())

        cuts = np.linspace(0, len(tasks), self.n_threads + 1).astype(int)
        parts = [tasks[a:b] for a, b in itertools.pairwise(cuts) if a < b]
        # What NumPy keeps quiet about is a matter of each thread's context.
        rest = [self._pool.submit(copy_context().run, run, p) for p in parts[1:]]
        sums = [run(part) for part in parts[:1]]
        sums = [one for some in [*sums, *(r.result() for r in rest)] for one in some]
        totals = all_to_host([total for _, total in sums])
        return [(active, total) for (active, _), total in zip(sums, totals)]

    def _weigh(self, z, at, members, counts):
        """Multiply (any, n_members, n_rows) by the weights of rows and members."""
        xp, splits = array_namespace(z), self.splits[members]
        if self.weights is not None:
            z *= self.weights[at]
        if self.tables is not None:
            table = like(self.tables[:, members].T, z)
            z *= xp.take(table, self.codes[at, 0], axis=1)
        if counts.ndim == 2:
            z *= xp.take(counts, beside(splits, z), axis=1).T
        elif not np.all(counts[splits] == 1):
            z *= like(counts[splits].astype(float), z)[:, None]


def _pull(gradient, centres, scales):
    """The chain rule of `_in_units`, in place, along the first axis."""
    gradient[:-1] -= centres * gradient[-1:]
    gradient[:-1] /= scales


def _blocks(rows, weights, X):
    """Slices of the same length, but for rounding; here, an even number of them.

    Some 2.5 MB with what is computed of them: smaller ones spend their time in calls,
    and two threads wake each other too often; larger ones leave the cache.
    """
    width, n_inputs = weights.shape
    n_rows = rows.stop - rows.start
    size = block_rows((n_inputs + width) * float_type(X).itemsize * 2 // 5, X)
    n_blocks = -(-n_rows // size)
    n_blocks += 0 if is_elsewhere(X) else n_blocks % 2
    ends = rows.start + np.linspace(0, n_rows, n_blocks + 1).astype(int)
    return [slice(a, b) for a, b in zip(ends.tolist(), ends[1:].tolist()) if a < b]


def _with_intercept(X):
    """X and a last column of 1."""
    if sp.issparse(X):
        return sp.hstack([X, np.ones((X.shape[0], 1), X.dtype)], format="csr")
    if is_elsewhere(X):
        xp = array_namespace(X)
        return xp.concat([X, xp.ones_like(X[:, :1])], axis=1)
    wide = np.ones((X.shape[0], X.shape[1] + 1), X.dtype)
    wide[:, :-1] = X
    return wide


def _grouped(counts):
    """An order of the rows that count at all, and the groups that they then are in."""
    counting = np.flatnonzero(counts.any(axis=1))
    counts = counts[counting]
    base = int(counts.max(initial=0)) + 1
    n_splits = counts.shape[1]
    if base**n_splits < 2**62:
        key = counts @ base ** np.arange(n_splits, dtype=np.int64)
        _, first, key, sizes = np.unique(
            key, return_index=True, return_inverse=True, return_counts=True
        )
        if len(sizes) * FEW_ROWS <= len(counts) or len(sizes) == 1:
            ends = np.cumsum(sizes)
            groups = [
                Group(slice(end - size, end), counts[one])
                for one, size, end in zip(first, sizes, ends)
            ]
            return counting[np.argsort(key, kind="stable")], groups
    return counting, [Group(slice(0, len(counts)), counts)]
