"""Where the likelihood has no maximum: how a fit notices, and what it says.

Where classes separate, the climb ends on a slope that rises for ever. There Newton's
next step still moves some logit by 1 or more: along a direction of separation with
margins m_i, of labels with probabilities p_i whose margins the step moves by dz_i, its
equations read ``sum m_i p_i (1 - p_i) dz_i = sum m_i (1 - p_i)``, so that some dz_i is
1 / p_i or more. At a top it moves next to nothing. So the length of one step, which the
climb knows, clears an ordinary fit without a look at its data. Others are looked at
more closely: the cheaper questions first, the linear programme last.
"""

from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from ._arrays import array_namespace, beside, is_numpy, is_sparse, like, to_host
from ._ascent import Newton
from ._model import Standardised
from ._model.rows import block_rows, take_rows
from ._separation import Programme, in_deviations

#: A step that moves no logit as far is that of a climb at its top. Newton's was at
#: least 1 on separated data (0.2 of several classes, or in float32) and at most 2e-5 on
#: others; L-BFGS's 0.07 and 0.005.
SUSPECT = 0.03
#: The largest linear programme, in weights and in numbers of X: some tenths of a
#: second, rarely seconds.
WEIGHTS, NUMBERS = 100, 10_000_000
#: Iterations to an output of a climb cut short, beside which a closer look, and a
#: linear programme, are not expensive.
LOOK, LONG = 10, 100
#: By how much of its largest margin a step may miss and count as separating, where the
#: programme would be too large.
MISS = 1e-3
#: How many features, and outputs, a message names.
NAMED = 10


@dataclass
class Finding:
    """That the classes of an output separate, and how.

    Attributes
    ----------
    column : int
        The output's.
    kind : str
        "completely", "quasi-completely" or, where that cannot be told, "by all signs".
    alone : list of int
        Features that separate the classes, at least quasi-completely, by themselves.
    together : list of int
        Features whose weighted sum separates them in the way that `kind` says, the
        heaviest first; empty if those of `alone` do.
    absent : list of int
        Codes of classes of which there are no samples, so that an intercept can fall
        for ever.
    """

    column: int
    kind: str
    alone: list = field(default_factory=list)
    together: list = field(default_factory=list)
    absent: list = field(default_factory=list)


def all_labels_likely(log_likelihood, rows):
    """Whether every label must have more than half of the probability.

    The parameters themselves then separate the classes completely, of every output.
    """
    if not log_likelihood > -np.log(2) * rows.total_weight / rows.n_rows:
        return False  # as the smallest weight is no larger than the mean
    return log_likelihood > -np.log(2) * rows.smallest_weight


def telling_step(result, objective, direction, price):
    """The step whose length tells a top from an endless slope; None: there is none.

    Of a climb cut short, the last step. Of one that converged, the next, which is as
    good as known where the direction knows its length. Gradient's does not; and where
    rounding ended a climb without a curvature, what was learned of it is lost. There
    Newton's step is found, if the `price` of its curvature, in gradients, is a small
    part of what the climb took.
    """
    here, before = result.position, result.before
    if result.converged:
        known = direction.knows_its_length and here.evaluation is not None
        if result.n_iter and not getattr(direction, "solvers", None):
            known &= result.curve[-1] > result.curve[-2]
        if known:
            return direction(here.theta, here.evaluation)
        if 20 * price <= result.n_iter:
            there = objective.evaluate(here.theta, curvature=True)
            return Newton()(here.theta, there)
    return None if before is None else here.theta - before.theta


def find_separation(objective, rows, targets, result, log_likelihood, step):
    """The outputs whose classes separate, as far as that can be told at a fair price.

    Parameters
    ----------
    objective : Objective or Standardised
        Without a penalty.
    rows : Rows
        As they were given.
    targets : Targets
    result : Climb
    log_likelihood : float
        At the climb's end.
    step : array of shape (n_parameters,) or None
        The telling one. None: do not ask further than the log-likelihood does.

    Returns
    -------
    findings : list of Finding
    """
    theta = result.position.theta
    n_outputs = len(targets.per_output)
    # What a climb cut short took is a measure of what to spend on it.
    patience = np.inf if result.converged else result.n_iter / n_outputs
    if all_labels_likely(log_likelihood, rows):
        suspects, complete = range(n_outputs), np.ones(n_outputs, dtype=bool)
    elif step is None:
        return []
    else:
        # Steps of a climb cut short say nothing: it may have been anywhere.
        suspects = np.full(n_outputs, patience >= LOOK)
        if result.converged:
            for swings in (_furthest_swings, _swings):
                suspects = swings(objective, targets, step) >= SUSPECT
                if not suspects.any():
                    return []
        lowest, largest = _margins(objective, targets, [theta, step])
        complete = lowest[0] > 64 * objective.noise * largest[0]
        if not result.converged:
            suspects |= complete
        suspects = np.flatnonzero(suspects)
    found = []
    for column in suspects:
        case = _Case(objective, rows, targets, column)
        finding = case.complete(theta) if complete[column] else case.single()
        if finding is None and patience >= LONG:
            if case.is_small(len(suspects)):
                finding = case.programme()
            elif result.converged and lowest[1, column] > -MISS * largest[1, column]:
                finding = case.along(step, "by all signs")
        if finding is not None:
            found.append(finding)
    return found


def _furthest_swings(objective, targets, step):
    """What :func:`_swings` cannot exceed, whatever the data of such deviations."""
    base = objective.base
    rows, d = base.rows, base.network.sizes[0]
    w, spread = rows.weights, rows.n_rows
    if w is not None and w.ndim == 1:
        spread = rows.total_weight / rows.smallest_weight
    # A row is no further from the mean than this many deviations, which are rounded to
    # powers of 2.
    furthest = 1.5 * np.sqrt(spread)
    z = np.abs(step.reshape(-1, base.network.sizes[1]))
    z = furthest * z[:d].sum(axis=0) + z[d:].sum(axis=0)
    return np.array([min(2, own.size) * own.max() for _, own in targets.split(z[None])])


def _swings(objective, targets, step):
    """By how much a step moves a difference of logits of each output, at most."""
    base = objective.base
    rows, (d, n_logits) = base.rows, base.network.sizes
    W = objective.first_layer_parameters(step.reshape(-1, n_logits))
    of = partial(_swings_of, targets, W[:d], W[d:].sum(axis=0))
    return rows.total(of, np.maximum)


def _swings_of(targets, W, b, rows):
    slope, shift = (like(of, rows.X) for of in (W, b))
    xp, swings = array_namespace(rows.X), np.zeros(len(targets.per_output))
    for block in rows.blocks(W.shape[1]):
        z = block.X @ slope + shift
        for column, (_, own) in enumerate(targets.split(z)):
            swing = xp.max(own, axis=1) - xp.min(own, axis=1)
            if own.shape[1] == 1:
                swing = xp.abs(own)
            swings[column] = max(swings[column], float(xp.max(swing)))
    return swings


def _margins(objective, targets, vectors):
    """The lowest and the largest margin of each output along each vector.

    Two arrays of shape (n_vectors, n_outputs).
    """
    base = objective.base
    d, n_logits = base.network.sizes
    maps = [
        objective.first_layer_parameters(v.reshape(-1, n_logits).astype(np.float64))
        for v in vectors
    ]
    W = np.hstack(maps)
    of = partial(_margins_of, targets, len(vectors), W[:d], W[d:].sum(axis=0))
    minus_lowest, largest = base.rows.total(of, np.maximum)
    return -minus_lowest, largest


def _margins_of(targets, n_vectors, W, b, rows):
    """Minus the lowest, and the largest: maxima, both."""
    shape = n_vectors, len(targets.per_output)
    minus_lowest, largest = bounds = np.full((2, *shape), -np.inf)
    n_logits, xp = W.shape[1] // n_vectors, array_namespace(rows.X)
    slope, shift = (beside(of, rows.X) for of in (W, b))
    for block in rows.blocks(2 * W.shape[1]):
        X = block.X if is_numpy(slope) else xp.astype(block.X, slope.dtype)
        z = X @ slope + shift
        for v in range(n_vectors):
            at = z[:, v * n_logits : (v + 1) * n_logits]
            for column, (_, own) in enumerate(targets.split(at)):
                codes, w = block.codes[:, column], block.weights
                if w is not None and w.ndim == 2:
                    counting = xp.nonzero(w[:, column] > 0)[0]
                    own, codes = (take_rows(of, counting) for of in (own, codes))
                if codes.shape[0]:
                    low, high = _range_of_margins(own, codes)
                    minus_lowest[v, column] = max(minus_lowest[v, column], -low)
                    largest[v, column] = max(largest[v, column], high)
    return bounds


def _range_of_margins(z, codes):
    xp = array_namespace(z)
    if z.shape[1] == 1:
        margins = xp.where(codes > 0, z[:, 0], -z[:, 0])
        return float(xp.min(margins)), float(xp.max(margins))
    at = xp.astype(codes, xp.int64)[:, None]
    margins = xp.take_along_axis(z, at, axis=1) - z
    own = at == xp.arange(z.shape[1], device=z.device)
    others = xp.where(own, xp.inf, margins)
    return float(xp.min(others)), float(xp.max(margins))


class _Case:
    """An output that is looked at closely."""

    def __init__(self, objective, rows, targets, column):
        base = objective.base
        self.objective, self.column = objective, column
        self.fit_intercept = base.network.fit_intercept
        self.rows, self.k = rows, len(targets.per_output[column])
        places = np.arange(base.network.sizes[1])[None]
        self.logits = [own[0] for _, own in targets.split(places)][column]

    def single(self):
        """What a class without samples, or a feature alone, does."""
        low, high = self._ranges
        absent = _places(low.min(axis=1) > high.max(axis=1))
        if absent and self.fit_intercept:
            return Finding(self.column, "quasi-completely", absent=absent)
        alone, strictly = self._alone
        if strictly.any():
            return Finding(self.column, "completely", _places(strictly))
        if alone.any():
            return Finding(self.column, "quasi-completely", _places(alone))
        return None

    def complete(self, theta):
        """The same, or else what separates along theta."""
        found = self.single()
        if found is not None and (found.absent or found.kind == "completely"):
            return found
        return self.along(theta, "completely")

    def along(self, vector, kind):
        """What separates along a vector of the climb's."""
        d = self.rows.X.shape[1]
        weights = vector.reshape(-1, self.objective.base.network.sizes[1])
        weights = weights[:d, self.logits]
        if weights.shape[1] > 1:  # softmax cannot see what all its logits share
            weights = weights - weights.mean(axis=1, keepdims=True)
        if not isinstance(self.objective, Standardised):
            low, high = self._ranges
            weights = weights * (high.max(axis=0) - low.min(axis=0))[:, None]
        return self._together(weights, kind)

    def is_small(self, n_cases):
        """Whether the linear programmes of so many cases are affordable.

        None is of rows that lie elsewhere: a programme takes all of them together.
        """
        X = self.rows.X
        if not self.rows.lie_here:
            return False
        n_weights = (self.k - 1) * (X.shape[1] + self.fit_intercept)
        stored = X.nnz if is_sparse(X) else X.shape[0] * X.shape[1]
        n_numbers = max(stored, X.shape[0] * self.k)
        return n_cases * n_weights**2 <= WEIGHTS**2 and n_cases * n_numbers <= NUMBERS

    def programme(self):
        """What the linear programme says, if it does."""
        rows = _counting(self.rows, self.column)
        # The solver is on the host; where it is asked, the features are few.
        X = take_rows(rows.X, slice(0, rows.n_rows))
        Z, *_ = in_deviations(to_host(X), self.fit_intercept)
        codes = to_host(rows.codes[:, self.column])
        try:
            kind, D = Programme(Z, codes, self.k, self.fit_intercept).solve()
        except RuntimeError:  # not solved
            return None
        if kind == "none":
            return None
        return self._together(D[: X.shape[1]], kind + "ly")

    def _together(self, weights, kind):
        weights = np.abs(weights).max(axis=1)
        heaviest = np.argsort(-weights, kind="stable")
        heaviest = heaviest[weights[heaviest] > 1e-3 * weights.max()]
        alone, _ = self._alone
        return Finding(self.column, kind, _places(alone), heaviest.tolist())

    @cached_property
    def _alone(self):
        """Which features separate the classes by themselves; which, completely.

        With an intercept, where all values of some classes are at or above all of the
        others; without, where 0 lies between them.
        """
        low, high = self._ranges
        if self.fit_intercept:
            order = np.lexsort((high, low), axis=0)
            bottoms = np.take_along_axis(low, order, axis=0)[1:]
            tops = np.take_along_axis(high, order, axis=0)
            tops = np.maximum.accumulate(tops, axis=0)[:-1]
            alone = (tops <= bottoms).any(axis=0) & (low.min(axis=0) < high.max(axis=0))
            return alone, (tops < bottoms).all(axis=0)
        above, below = high > 0, low < 0
        sides = [above.any(axis=0), below.any(axis=0), (~above & ~below).any(axis=0)]
        alone = ~(above & below).any(axis=0) & (np.sum(sides, axis=0) >= 2)
        strictly = alone & ((low > 0) | (high < 0)).all(axis=0) & (self.k == 2)
        return alone, strictly

    @cached_property
    def _ranges(self):
        """Smallest and largest value of each feature in each class, (k, d)."""
        of = partial(_ranges_of, self.column, self.k)
        minus_low, high = self.rows.total(of, np.maximum)
        return -minus_low, high


def _ranges_of(column, k, rows):
    """Minus the smallest value, and the largest, of each feature in each class."""
    rows = _counting(rows, column)
    d, codes = rows.X.shape[1], to_host(rows.codes[:, column])
    xp = array_namespace(rows.X)
    minus_low, high = bounds = np.full((2, k, d), -np.inf)
    for c in range(k):
        members = np.flatnonzero(codes == c)
        for first in range(0, len(members), size := block_rows(16 * d, rows.X)):
            part = members[first : first + size]
            part = take_rows(rows.X, beside(part, rows.X))
            minus_low[c] = np.maximum(minus_low[c], -_dense(xp.min(part, axis=0)))
            high[c] = np.maximum(high[c], _dense(xp.max(part, axis=0)))
    return bounds


def _counting(rows, column):
    """The rows that have a weight in an output."""
    if rows.weights is None or rows.weights.ndim == 1:
        return rows
    counting = to_host(rows.weights[:, column]) > 0
    return rows if counting.all() else rows.take(np.flatnonzero(counting))


def _dense(row):
    return row.toarray().ravel() if is_sparse(row) else to_host(row)


def _places(mask):
    return np.flatnonzero(mask).tolist()


def separation_message(findings, targets, names, ended):
    """What a SeparationWarning says.

    Parameters
    ----------
    findings : list of Finding
        One, at least.
    targets : Targets
    names : array of str, or None
        Of the features; x0, x1, ... without.
    ended : str
        What ended the climb.
    """
    parts = [_how(of, targets, names) for of in findings[:NAMED]]
    colon = ":" if targets.several or findings[0].absent else ""
    if targets.several:
        parts = [f"in column {of.column} of y {x}" for of, x in zip(findings, parts)]
    if len(findings) > NAMED:
        parts.append(f"and in {len(findings) - NAMED} more columns")
    cures = []
    if any(not of.absent for of in findings):
        cures.append("set a finite C, for example C=1.0, or leave out such features")
    if any(of.absent for of in findings):
        cures.append("leave out classes and outputs that have no samples to learn from")
    cures = "; ".join(cures)
    further = " skneuron.inference.separation(X, y) tells along which direction."
    if any(of.absent for of in findings):  # which it cannot say of y of one class
        further = ""
    return (
        f"The classes separate{colon} {'; '.join(parts)}. The maximum likelihood "
        "estimate does not exist: the log-likelihood rises for ever as some weights "
        f"grow, and their size only tells where {ended} stopped the climb. "
        f"{cures[0].upper()}{cures[1:]}.{further}"
    )


def _how(of, targets, names):
    if of.absent:
        absent = targets.per_output[of.column][of.absent]
        return f"no sample that counts is of class {_listed(absent)}"

    def listed(features):
        return _listed([f"x{j}" if names is None else names[j] for j in features])

    each = "each of " if len(of.alone) > 1 else ""
    if not of.together:
        return f"{of.kind} along {each}{listed(of.alone)} alone"
    several = "a weighted sum of " if len(of.together) > 1 else ""
    how = f"{of.kind} along {several}{listed(of.together)}"
    if of.alone:
        how += f" (and quasi-completely along {each}{listed(of.alone)} alone)"
    return how


def _listed(items):
    items = [repr(item) for item in np.asarray(items).tolist()] or ["the intercept"]
    if len(items) > NAMED:
        items[NAMED:] = [f"{len(items) - NAMED} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if items[1:] else items[0]
