"""Separation of the classes: where the maximum likelihood estimate does not exist.

A direction D, one row of weights (and an intercept) to each class, separates if

    margin_ik = x_i^T (D_{y_i} - D_k) >= 0    for every example i, every class k != y_i

and some margin is positive: along it the log-likelihood rises for ever (Albert &
Anderson, 1984). Whether there is one is a linear programme (Konis, 2007).
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.linalg import lsqr
from sklearn.utils.validation import _get_feature_names, check_X_y

from .._arrays import array_namespace, to_host
from .._data import FLOATS, Targets, canonical, check_labels

#: Margins are of features in units of usual values, and of weights up to 1. One
#: that is negative by no more than OVERLAP is rounding; one is positive above STRICT.
OVERLAP, STRICT = 1e-9, 1e-8
#: The unit of intercepts. HiGHS takes numbers below 1e-9 for 0: in rows that are so far
#: out, the intercept is to be larger than that.
FAR = 1e4
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
        weights = [of for of in self.direction.T if np.any(of)]
        lines = [f"  {of}: {_signed(w)}" for of, w in zip(self.features, weights)]
        if len(lines) > 10:
            lines[10:] = [f"  ... and {len(lines) - 10} more"]
        lines = [f"Separation: {self.kind}, along", *lines]
        return "\n".join([*lines, f"  intercept: {_signed(self.intercept)}"])


def _signed(numbers):
    return ", ".join(f"{number:+.4g}" for number in np.atleast_1d(numbers))


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
    Gaps and overlaps of less than about 1e-8 of the features' median distances from
    their medians count as touching, as they may be rounding. Only constraints that
    matter are given to the solver: those that a solution of fewer violates are added
    until none is violated.

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
    names = _get_feature_names(X)
    X, y = to_host(X), to_host(y)  # where the solver is
    X, y = check_X_y(X, y, accept_sparse="csr", dtype=FLOATS, multi_output=True)
    X, names = canonical(X), range(X.shape[1]) if names is None else names
    y = check_labels(y)
    targets = Targets.of(y)
    codes = targets.encode(y)
    found = []
    for column, (classes, own) in enumerate(zip(targets.per_output, codes.T)):
        if len(np.unique(own)) < 2:
            at = f" in column {column}" if targets.several else ""
            raise ValueError(f"y has only one class{at}: {classes[own[:1]].tolist()}.")
        kind, W, b = find_direction(X, own, len(classes), fit_intercept)
        features = [name for name, weights in zip(names, W) if weights.any()]
        direction, intercept = np.ascontiguousarray(W.T), b
        if len(classes) == 2:
            direction, intercept = direction[1], float(b[1])
        found.append(Separation(kind, direction, intercept, features))
    return found if targets.several else found[0]


def margins(z, codes):
    """By how much each example's own logit is above those of the other classes.

    Parameters
    ----------
    z : array of shape (n_rows, n_classes), or (n_rows, 1)
        Of two classes the second's may do: then the first's is 0.
    codes : int array of shape (n_rows,)

    Returns
    -------
    margins : array of shape (n_rows, n_classes - 1)
        Over the other classes, in their order.
    """
    xp = array_namespace(z)
    if z.shape[1] == 1:
        return xp.where(codes[:, None] > 0, z, -z)
    own = xp.astype(codes, xp.int64)[:, None]
    others = xp.arange(z.shape[1] - 1, device=z.device)[None, :]
    others = others + xp.astype(others >= own, others.dtype)
    return xp.take_along_axis(z, own, axis=1) - xp.take_along_axis(z, others, axis=1)


def find_direction(X, codes, n_classes, fit_intercept):
    """The kind of separation, and a direction of it in the features' own units.

    Returns
    -------
    kind : {"none", "quasi-complete", "complete"}
    W, b : arrays of shape (n_features, n_classes), (n_classes,)
        The first class's are 0.
    """
    shifted = fit_intercept and not sparse.issparse(X)
    centre = np.median(X, axis=0) if shifted else np.zeros(X.shape[1])
    off = sparse.csc_array(X - centre if shifted else X, dtype=np.float64)
    # What usual values, but for it, are off it: in units of the deviation that an
    # absurd value makes, all others look the same. A column that says nothing has none.
    columns = np.split(np.abs(off.data), off.indptr[1:-1])
    usual = np.array([np.median(c[c > 0]) if c.any() else 0.0 for c in columns])
    rounding = 8 * np.finfo(X.dtype).eps * np.abs(centre)
    scale = np.where(usual > rounding, usual, np.inf)
    Z = off @ sparse.diags_array(1 / scale)
    largest = abs(Z).max(axis=1).toarray().ravel()
    Z = sparse.hstack([Z, np.full((len(largest), int(fit_intercept)), FAR)])
    # Rows that are far out in units of their own, which changes no sign of a margin.
    Z = sparse.diags_array(1 / np.maximum(largest, 1.0)) @ Z.tocsr()
    kind, D = Programme(Z, codes, n_classes, fit_intercept).solve()
    W, far = D[: len(scale)] / scale[:, None], FAR * D[len(scale) :].sum(axis=0)
    b = far - centre @ W
    rounding = np.abs(far) + np.abs(centre) @ np.abs(W)
    b[np.abs(b) <= 64 * np.finfo(float).eps * rounding] = 0.0
    return kind, W, b


class Programme:
    """The linear programmes of one output.

    Their variables are v = (D+, D-) >= 0, with D = D+ - D- of shape (n_classes - 1,
    n_inputs), flat, the first class's row being fixed to 0, and constraints
    ``margin >= needed``.
    """

    def __init__(self, Z, codes, n_classes, fit_intercept):
        self.Z, self.codes, self.k = Z, codes.astype(int), n_classes
        (n, d), n_others = Z.shape, n_classes - 1
        self.is_weight = np.tile(np.arange(d) < d - fit_intercept, n_others)
        # The margins that the solver knows of: their places among all, flat.
        i = np.linspace(0, n - 1, min(n, 100 + 2000 // n_others)).astype(int)
        self.known = np.add.outer(i * n_others, np.arange(n_others)).ravel()

    def solve(self):
        """The kind of separation and its direction, (n_inputs, n_classes)."""
        (n, d), is_class = self.Z.shape, self.codes[:, None] == np.arange(1, self.k)
        if n <= d:
            # Logits of 1/2 for an example's class, -1/2 for others, 0 for the first.
            logits = (is_class - 0.5).T
            D = np.concatenate([lsqr(self.Z, z, iter_lim=10_000)[0] for z in logits])
            D = D / max(abs(D).max(), np.finfo(float).tiny)
            if self._margins(D).min() > STRICT:
                return "complete", self._by_class(D)
        # Konis: of weights in [-1, 1], those of the largest margins in all: in the sum
        # over the examples, which is linear in D.
        mean_margin = self.Z.T @ (self.k * is_class - 1.0) / n
        D = self._maximise(mean_margin.T.ravel(), 1.0)
        found = self._margins(D)
        if found.min() < -OVERLAP or not found.max() > STRICT:
            return "none", self._by_class(0 * D)
        with suppress(RuntimeError):  # no weights are large enough
            return "complete", self._least(1.0)
        with suppress(RuntimeError):  # collinear columns leave D's weights open
            return "quasi-complete", self._least(np.where(found > STRICT, found, 0.0))
        return "quasi-complete", self._by_class(D)

    def _least(self, margins):
        """The least weights of such margins, in units of their sum.

        Of the same margin for all: no others of that sum have a wider one.
        """
        D = self._maximise(0.0, 1 / STRICT, self.is_weight, (1 - 1e-9) * margins)
        D = D / abs(D[self.is_weight]).sum()
        # Without those that are the solver's rounding.
        return self._by_class(np.where((abs(D) > 1e-7) | ~self.is_weight, D, 0.0))

    def _maximise(self, gain, bound, price=0.0, needed=0.0):
        """D of the largest ``gain D - price |D|``, |D| <= bound, margin >= needed."""
        cost = np.concatenate([price - gain, price + gain])
        needed = np.broadcast_to(needed, len(self.codes) * (self.k - 1))
        while True:
            lines, limits = self._constraints(self.known), -needed[self.known]
            found = linprog(cost, lines, limits, bounds=(0, bound), options=HIGHS)
            if found.x is None:
                raise RuntimeError(f"Separation could not be told: {found.message}")
            D = np.subtract(*np.split(found.x, 2))
            short = self._margins(D) - needed
            short[self.known] = 0.0
            violated = np.flatnonzero(short < -OVERLAP)
            if not len(violated):
                return D
            worst = np.argsort(short[violated])[: max(1000, len(self.known))]
            self.known = np.append(self.known, violated[worst])

    def _constraints(self, places):
        """Rows r of ``r v <= 0``: minus the margins at these places."""
        i, other = np.divmod(places, self.k - 1)
        own, Z = self.codes[i], self.Z[i]
        other += other >= own
        signs = [(own == c).astype(float) - (other == c) for c in range(1, self.k)]
        found = sparse.hstack([sparse.diags_array(sign) @ Z for sign in signs])
        return sparse.hstack([-found, found])

    def _by_class(self, D):
        """D of every class, the first's zeros included: (n_inputs, n_classes)."""
        return np.pad(D.reshape(self.k - 1, -1), ((1, 0), (0, 0))).T

    def _margins(self, D):
        """The margins of all examples, flat."""
        return margins(self.Z @ self._by_class(D), self.codes).ravel()
