"""Logistic regressions side by side: the same features, parameters of their own.

K models are one model with K times as many outputs, of which each counts on rows of its
own. What takes the time, the products with the features, becomes a product of matrices:
the features are read once for all of them, and from a cache that has them already.

Rows that count for the same models are put next to each other. Then a block of rows is
computed for those models alone, and nothing is ever multiplied by a 0.

Where features lie on a device, the parameters of all models go there in one move, and
what was summed there comes back in one.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .. import _kernels
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
    to_host,
    widest_float,
)
from .rows import block_rows, slices, take_rows

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
    ):
        self.likelihood, self.splits, self.tables = likelihood, splits, tables
        self.units = units
        self.n_logits = likelihood.n_logits
        self.dtype, self.fit_intercept = float_type(X), fit_intercept
        order, self.groups = _grouped(counts)
        self.X = take_rows(X, beside(order, X))
        self.codes = beside(codes[order], X)
        self.weights = None if weights is None else like(weights[order], X)
        if is_elsewhere(X):
            for group in self.groups:
                if group.counts.ndim == 2:
                    group.counts = like(group.counts.astype(np.float64), X)
        self.total_weight = self._total_weights(counts, codes, weights)
        self.n_inputs = X.shape[1] + fit_intercept
        shrunk = np.ones((self.n_inputs, self.n_logits, 1))
        shrunk[X.shape[1] :] = 0
        self._penalty = shrunk.reshape(-1, 1) * l2
        self.n_parameters = len(self._penalty)
        limits = np.finfo(self.dtype)
        self.noise = float(limits.eps)
        self.resolution = 64 * self.noise  # of a gradient
        self._unit = max(1.0, largest_size(X) if min(X.shape) else 0.0)
        terms = 4.0 * self.X.shape[0] * self.n_inputs
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
        _, gradient = self._sums(theta, members)
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
        n_inputs, unknown = self.n_inputs, np.zeros(len(self.splits))
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
        X = take_rows(self.X, at)
        weighted = X = _with_intercept(X) if self.fit_intercept else X
        if self.weights is not None:
            w = self.weights[at][:, None]
            weighted = X.multiply(w).tocsr() if is_sparse(X) else X * w
        squares = X.T @ weighted
        return squares.toarray() if is_sparse(squares) else squares

    def log_likelihoods(self, theta, members):
        """The total log-likelihood of each member, without its penalty."""
        return self._sums(theta, members, gradients=False)[0]

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
        theta = theta.reshape(self.n_inputs, self.n_logits, len(members))
        if self.units is None:
            return theta
        centres, scales = self._units_of(members)
        theta = theta.copy()
        theta[:-1] /= scales
        theta[-1] -= (centres * theta[:-1]).sum(axis=0)
        return theta

    def _sums(self, theta, members, gradients=True):
        """Log-likelihoods, and gradients for X as it is, without the penalties.

        Returns
        -------
        values : array of shape (n_members,)
        gradient : array of shape (n_inputs, n_logits, n_members), or None
        """
        theta = self._in_units(theta, members).transpose(2, 1, 0)  # members first
        values, total = np.zeros(len(members)), np.zeros_like(theta)
        groups, weights = [], []
        for group in self.groups:
            active = np.flatnonzero(group.active[self.splits[members]])
            if len(active):
                groups.append((group, active))
                own = theta[active].reshape(-1, self.n_inputs)
                weights.append(own.astype(self.dtype))
        compiled = _kernels.readable(self.X, self.dtype) is not None
        sums = self._compiled if compiled else self._generic
        for (_, active), (value, gradient) in zip(
            groups, sums(groups, all_beside(weights, self.X), members, gradients)
        ):
            values[active] += value
            if gradients:
                total[active] += gradient.reshape(len(active), -1, self.n_inputs)
        return values, total.transpose(2, 1, 0) if gradients else None

    def _compiled(self, groups, weights, members, gradients):
        for (group, active), own in zip(groups, weights):
            chosen, counts, at = members[active], group.counts, group.rows
            splits, each = self.splits[chosen], None
            if counts.ndim == 2:
                each = counts[:, splits]
            sums_at = _kernels.Passes(
                _kernels.readable(take_rows(self.X, at), self.dtype),
                self.codes[at],
                self.likelihood,
                self.dtype,
                intercept=self.fit_intercept,
                weights=None if self.weights is None else self.weights[at],
                n_members=len(active),
                tables=None if self.tables is None else self.tables[:, chosen],
                counts=each,
            )
            value, gradient, _ = sums_at(own.T, gradients=gradients)
            if gradients:
                gradient = gradient.T
            if each is None:  # they are the same for all rows of the group
                value = value * counts[splits]
                if gradients:
                    gradient = gradient * counts[splits].repeat(self.n_logits)[:, None]
            yield value, gradient

    def _generic(self, groups, weights, members, gradients):
        values, sums = [], []
        for (group, active), own in zip(groups, weights):
            value = total = 0.0
            size = block_rows(4 * own.shape[0] * self.dtype.itemsize, self.X)
            for of in slices(group.rows.stop - group.rows.start, size):
                at = slice(group.rows.start + of.start, group.rows.start + of.stop)
                some, share = self._of_block(
                    own, at, members[active], _part_of(group.counts, of), gradients
                )
                value, total = value + some, total + share
            values.append(value)
            sums.append(total)
        sums = all_to_host(sums) if gradients else sums
        return [(to_host(value), total) for value, total in zip(values, sums)]

    def _of_block(self, own, at, members, counts, gradients):
        """What a block of rows gives to each of some members."""
        X, xp = take_rows(self.X, at), array_namespace(self.X)
        d, n, k = X.shape[1], at.stop - at.start, self.n_logits
        z = X @ own[:, :d].T
        if self.fit_intercept:
            z = z + own[:, d]
        z = xp.reshape(z, (-1, k))
        codes = xp.repeat(self.codes[at, ...], len(members), axis=0)
        w = self._weights(at, members, counts, z)
        log_prob = xp.sum(self.likelihood.log_prob(z, codes), axis=1)
        log_prob = xp.reshape(log_prob, (n, -1)) * w
        value = xp.sum(log_prob, axis=0, dtype=widest_float(z))
        if not gradients:
            return value, 0.0
        residual = self.likelihood.residual(z, codes)
        residual = xp.reshape(residual, (n, -1, k)) * w[:, :, None]
        residual = xp.reshape(residual, (n, -1))
        total = (X.T @ residual).T
        if self.fit_intercept:
            total = xp.concat([total, xp.sum(residual, axis=0)[:, None]], axis=1)
        return value, xp.astype(total, widest_float(total), copy=False)

    def _weights(self, at, members, counts, z):
        """What rows weigh to members, (n_rows, n_members) or less."""
        xp, splits = array_namespace(z), self.splits[members]
        w = like(np.ones((1, 1)), z)
        if self.weights is not None:
            w = w * self.weights[at][:, None]
        if self.tables is not None:
            table = like(self.tables[:, members], z)
            w = w * xp.take(table, self.codes[at, 0], axis=0)
        if counts.ndim == 2:
            return w * xp.take(counts, beside(splits, z), axis=1)
        return w * like(counts[splits].astype(float), z)


def _part_of(counts, at):
    """The counts of some of the rows of a group."""
    return counts[at, ...] if counts.ndim == 2 else counts


def _pull(gradient, centres, scales):
    """The chain rule of `_in_units`, in place, along the first axis."""
    gradient[:-1] -= centres * gradient[-1:]
    gradient[:-1] /= scales


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
