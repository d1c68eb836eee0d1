"""Separation of the classes: where the maximum likelihood estimate does not exist.

A direction D, one row of weights (and an intercept) to each class, separates if

    margin_ik = x_i^T (D_{y_i} - D_k) >= 0    for every example i, every class k != y_i

and some margin is positive: along it the log-likelihood rises for ever (Albert &
Anderson, 1984). Whether there is one is a linear programme (Konis, 2007).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from sklearn.utils.validation import check_X_y

from ._arrays import to_host
from ._labels import FLOATS, canonical, check_labels
from ._model import Rows, Targets, column_moments

#: Margins are of features in units of their deviation, and of weights up to 1. One
#: that is negative by no more than OVERLAP is rounding; one is positive above STRICT.
OVERLAP, STRICT = 1e-9, 1e-8
#: Finest tolerances that HiGHS takes.
HIGHS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(eq=False)
class Separation:
    """Whether, and along which direction, the classes separate.

    Attributes
    ----------
    kind : {"none", "quasi-complete", "complete"}
        "none": the classes overlap in every direction, and the maximum likelihood
        estimate exists. "complete": every margin is positive along `direction`.
        "quasi-complete": none is negative, and some are positive.
    direction : ndarray of shape (n_features,) or (n_classes, n_features)
        Adding any multiple of it to `coef_` (and of `intercept` to `intercept_`) raises
        the log-likelihood. For two classes, in favour of the second; for more, a row
        for each, zeros for the first. All zeros if `kind` is "none".
    intercept : float or ndarray of shape (n_classes,)
        0 without an intercept.
    features : list of int or str
        The features with a weight in `direction`: their places, or their names if X
        has names. Of complete separation those of a direction of widest margin (all,
        where there are no more samples than features); of quasi-complete separation
        all whose weights can grow together.
    """

    kind: str
    direction: np.ndarray
    intercept: float | np.ndarray
    features: list

    def __repr__(self):
        if self.kind == "none":
            return "Separation: none. The maximum likelihood estimate exists."
        columns = np.flatnonzero(np.any(np.atleast_2d(self.direction), axis=0))
        lines = []
        for name, column in zip(self.features[:10], columns):
            weights = np.atleast_1d(self.direction[..., column])
            lines.append(f"  {name}: " + ", ".join(f"{w:+.4g}" for w in weights))
        if len(columns) > 10:
            lines.append(f"  ... and {len(columns) - 10} more")
        intercepts = ", ".join(f"{b:+.4g}" for b in np.atleast_1d(self.intercept))
        return "\n".join(
            [f"Separation: {self.kind}, along", *lines, f"  intercept: {intercepts}"]
        )


def separation(X, y, *, fit_intercept=True):
    """Tell whether, and along which direction, the classes separate.

    Where they do, logistic regression without a penalty has no maximum likelihood
    estimate: weights along the direction grow for ever.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features; of any scale, collinear or not.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Labels.
    fit_intercept : bool, default=True
        Whether the model has intercepts.

    Returns
    -------
    separation : Separation, or list of n_outputs Separation
        A list if y has several columns, each an output of its own.

    Raises
    ------
    ValueError
        If X or y is not usable, or y (or a column of it) holds a single class.
    RuntimeError
        If the linear programme was not solved.

    Notes
    -----
    Gaps and overlaps of less than about 1e-8 of the features' deviations count as
    touching, as they may be rounding. Only constraints that matter are given to the
    solver: those that a solution of fewer violates are added until none is violated.

    References
    ----------
    A. Albert & J. A. Anderson, "On the existence of maximum likelihood estimates in
    logistic regression models", Biometrika 71 (1984), 1-10.

    K. Konis, "Linear programming algorithms for detecting separated data in binary
    logistic regression models", D.Phil. thesis, University of Oxford (2007).

    Examples
    --------
    >>> from skneuron.inference import separation
    >>> X = [[0, 5], [1, 2], [2, 7], [3, 1], [4, 6]]
    >>> separation(X, [0, 0, 0, 1, 1]).kind
    'complete'
    >>> separation(X, [0, 1, 1, 0, 1])
    Separation: none. The maximum likelihood estimate exists.

    All samples of the second feature's 1 are of class 1; elsewhere the classes mix:

    >>> X = [[0, 0], [1, 0], [2, 0], [3, 0], [1, 1], [2, 1]]
    >>> found = separation(X, [0, 1, 0, 1, 1, 1])
    >>> found.kind, found.features
    ('quasi-complete', [1])
    """
    names = getattr(X, "columns", None)
    X, y = to_host(X), to_host(y)  # where the solver is
    X, y = check_X_y(X, y, accept_sparse="csr", dtype=FLOATS, multi_output=True)
    if names is None or not all(isinstance(name, str) for name in names):
        names = range(X.shape[1])
    X = canonical(X)
    targets = Targets.of(check_labels(y))
    codes = targets.encode(y[:, 0] if y.ndim == 2 and not targets.several else y)
    for column, classes in enumerate(targets.per_output):
        if len(np.unique(codes[:, column])) < 2:
            at = f" in column {column}" if targets.several else ""
            raise ValueError(
                "Classes separate from each other, and y contains only one class"
                f"{at}: {classes[codes[:1, column]].tolist()}."
            )
    names = list(names)
    Z, mean, scale = in_deviations(X, fit_intercept)
    found = []
    for classes, of_output in zip(targets.per_output, codes.T, strict=True):
        kind, D = Programme(Z, of_output, len(classes), fit_intercept).solve()
        found.append(_in_units(kind, D, mean, scale, fit_intercept, names))
    return found if targets.several else found[0]


def in_deviations(X, fit_intercept):
    """X in units of its columns' deviations, float64, ones beside it; mean, scale."""
    mean, deviation = column_moments(Rows(X, None))
    if sparse.issparse(X) or not fit_intercept:  # not shifted: size, not deviation
        scale, mean = np.hypot(mean, deviation), np.zeros_like(mean)
    else:
        constant = deviation <= 8 * np.finfo(X.dtype).eps * np.abs(mean)
        scale = np.where(constant, np.inf, deviation)
    scale[scale == 0] = np.inf  # a column that says nothing becomes zeros
    if sparse.issparse(X):
        Z = sparse.csr_array(X, dtype=np.float64, copy=True)
        Z.data /= scale[Z.indices]
        ones = [sparse.csr_array(np.ones((X.shape[0], 1)))] if fit_intercept else []
        return sparse.hstack([Z, *ones], format="csr"), mean, scale
    Z = np.ones((X.shape[0], X.shape[1] + fit_intercept))
    np.subtract(X, mean, out=Z[:, : X.shape[1]])
    Z[:, : X.shape[1]] /= scale
    return Z, mean, scale


def _in_units(kind, D, mean, scale, fit_intercept, names):
    """The Separation that a direction for standardised features is."""
    W = D[: len(scale)] / scale[:, None]
    b = np.zeros(D.shape[1])
    if fit_intercept:
        b = D[-1] - mean @ W
        rounding = np.abs(D[-1]) + np.abs(mean) @ np.abs(W)
        b[np.abs(b) <= 64 * np.finfo(float).eps * rounding] = 0.0
    involved = [name for name, weights in zip(names, W, strict=True) if weights.any()]
    if D.shape[1] == 2:
        return Separation(kind, W[:, 1].copy(), float(b[1]), involved)
    return Separation(kind, np.ascontiguousarray(W.T), b, involved)


class Programme:
    """The linear programmes of one output.

    Their variables are v = (D+, D-, t) >= 0, with D = D+ - D- of shape (n_classes - 1,
    n_inputs), flat, the first class's row being fixed to 0, and constraints
    ``margin >= t + needed``.
    """

    def __init__(self, Z, codes, n_classes, fit_intercept):
        self.Z, self.codes, self.k = Z, codes, n_classes
        # The mean over the examples of the sum of their margins, linear in D.
        indicator = codes[:, None] == np.arange(n_classes)
        self.mean_margin = (Z.T @ (n_classes * indicator - 1.0) / len(codes)).T[1:]
        self.mean_margin = self.mean_margin.ravel()
        weights = np.ones((n_classes - 1, Z.shape[1]))
        weights[:, Z.shape[1] - fit_intercept :] = 0
        self.is_weight = weights.ravel()
        self.others = ~indicator
        # Pairs (example, other class) whose margins the solver knows of.
        n_start = min(len(codes), 100 + 2000 // (n_classes - 1))
        i = np.linspace(0, len(codes) - 1, n_start).astype(int)
        i, k = i.repeat(n_classes), np.tile(np.arange(n_classes), len(i))
        self.pairs = i[self.others[i, k]], k[self.others[i, k]]

    def solve(self):
        """The kind of separation and its direction, (n_inputs, n_classes)."""
        zero = np.zeros_like(self.mean_margin)
        one = np.ones_like(zero)
        if self.Z.shape[0] <= self.Z.shape[1]:
            D = self._interpolating()
            if self._least_margin(D) > STRICT:
                return "complete", self._rows(D).T
        # Konis: of weights in [-1, 1], those of the largest margins in all.
        D = self._maximise(self.mean_margin, zero, one)
        margins = self._margins(D)
        if margins.min() < -OVERLAP or not margins.max() > STRICT:
            return "none", self._rows(zero).T
        # Of weights that sum to 1 in absolute value, those of the largest margin.
        large = np.where(self.is_weight, 1.0, 2 * abs(self.Z).max())
        widest = self._maximise(zero, zero, large, widest=True)
        if self._least_margin(widest) > STRICT:
            return "complete", self._cleaned(widest)
        # Collinear columns leave weights open: the least that give these margins.
        needed = np.where(margins > STRICT, (1 - 1e-9) * margins, 0.0)
        least = self._maximise(zero, self.is_weight, 1e4 * one, needed)
        return "quasi-complete", self._cleaned(least)

    def _interpolating(self):
        """Logits of 1/2 for an example's class, -1/2 for others, 0 for the first."""
        indicator = self.codes[:, None] == np.arange(1, self.k)
        gram = self.Z @ self.Z.T
        gram = gram.toarray() if sparse.issparse(gram) else gram
        gram[np.diag_indices_from(gram)] += 1e-10 * gram.trace() / len(gram)
        D = (self.Z.T @ np.linalg.solve(gram, indicator - 0.5)).T.ravel()
        return D / max(abs(D).max(), np.finfo(float).tiny)

    def _maximise(self, gain, price, bound, needed=0.0, widest=False):
        """D of the largest ``gain D - price |D|``, |D| <= bound, margin >= needed.

        Or, if `widest`, of the largest t with margin >= t, the weights summing to at
        most 1 in absolute value.
        """
        size = len(gain)
        cost = np.concatenate([price - gain, price + gain, [-float(widest)]])
        upper = np.concatenate([bound, bound, [np.inf if widest else 0.0]])
        bounds = np.stack([np.zeros_like(upper), upper], axis=1)
        total = np.concatenate([self.is_weight, self.is_weight, [0.0]])[None]
        needed = np.broadcast_to(needed, (len(self.codes), self.k))
        while True:
            rows = self._constraints(*self.pairs)
            limits = -needed[self.pairs]
            if widest:
                stack = sparse.vstack if sparse.issparse(rows) else np.vstack
                rows, limits = stack([rows, total]), np.append(limits, 1.0)
            found = linprog(
                cost, rows, limits, bounds=bounds, method="highs", options=HIGHS
            )
            if found.x is None:
                raise RuntimeError(
                    "Whether the classes separate could not be told: the linear "
                    f"programme was not solved. {found.message}"
                )
            D, t = found.x[:size] - found.x[size:-1], found.x[-1]
            short = self._margins(D) - t - needed
            short[~self.others] = 0.0
            short[self.pairs] = 0.0
            n_short = np.count_nonzero(short < -OVERLAP)
            if not n_short:
                return D
            n_more = min(n_short, max(1000, len(self.pairs[0])))
            worst = np.argpartition(short, n_more - 1, axis=None)[:n_more]
            more = np.unravel_index(worst, short.shape)
            self.pairs = tuple(map(np.append, self.pairs, more))

    def _constraints(self, i, k):
        """Rows r of ``r v <= 0``: t minus the margins of pairs."""
        Z = self.Z[i]
        signs = [
            (self.codes[i] == c).astype(float) - (k == c) for c in range(1, self.k)
        ]
        if sparse.issparse(Z):
            margins = sparse.hstack([sparse.diags_array(s) @ Z for s in signs])
            ones = sparse.csr_array(np.ones((len(i), 1)))
            return sparse.hstack([-margins, margins, ones], format="csr")
        margins = np.hstack([s[:, None] * Z for s in signs])
        return np.hstack([-margins, margins, np.ones((len(i), 1))])

    def _rows(self, D):
        """D of every class, the first's zeros included: (n_classes, n_inputs)."""
        rows = D.reshape(self.k - 1, -1)
        return np.concatenate([np.zeros_like(rows[:1]), rows])

    def _margins(self, D):
        """The margin of every example over every class, (n_samples, n_classes)."""
        z = self.Z @ self._rows(D).T
        return np.take_along_axis(z, self.codes[:, None].astype(int), axis=1) - z

    def _least_margin(self, D):
        return self._margins(D)[self.others].min()

    def _cleaned(self, D):
        """D without the weights that are the solver's rounding."""
        D = np.where((np.abs(D) > 1e-7) | (self.is_weight == 0), D, 0.0)
        return self._rows(D).T
