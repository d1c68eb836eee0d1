"""Where the likelihood has no maximum: how a fit notices, and what it says.

Where classes separate, the climb ends on a slope that rises for ever. There Newton's
next step still moves some logit by 1 or more: along a direction of separation with
margins m_i, of labels with probabilities p_i whose margins the step moves by dz_i, its
equations read ``sum m_i p_i (1 - p_i) dz_i = sum m_i (1 - p_i)``, so that some dz_i is
1 / p_i or more. At a top it moves next to nothing. So the length of one step, which the
climb knows, clears an ordinary fit without a look at its data. Others are looked at
more closely: the cheaper questions first, the linear programme last.
"""

from collections import namedtuple
from contextlib import suppress
from functools import partial

import numpy as np

from .._arrays import is_sparse, product, to_host
from .._ascent import Newton, flat_way
from .._data import Rows, ends, take_rows
from .._data.reading import rows_that_count
from .._threads import cached
from .programme import find_direction, margins

#: A step that moves no margin as far is that of a climb at its top. Newton's was at
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


FIELDS = "column kind alone together absent"


class Finding(namedtuple("Finding", FIELDS, defaults=[()] * 3)):
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
        for ever: nothing else need be said.
    """


def all_labels_likely(log_likelihood, rows):
    """Whether every label must have more than half of the probability.

    The parameters themselves then separate the classes completely, of every output.
    """
    return log_likelihood > -np.log(2) * rows.smallest_weight


def telling_step(result, objective, direction, price):
    """The step whose length tells a top from an endless slope; None: there is none.

    Of a climb cut short, the last step. Of one that converged, the next, which is as
    good as known where the direction knows its length. Gradient's does not, and neither
    that nor L-BFGS sees anything of a long flat ridge: to these Newton's is added where
    it can be. Where rounding ended a climb without a curvature, what was learned of it
    is lost: then so it is, if its `price`, in gradients, is a small part of the way.

    And the same with all that the curvature does not see, if it saw more where theta is
    0: what is certain beyond the float type is as flat to it as collinear columns are,
    along which no margin moves.
    """
    here, before = result.position, result.before
    last = None if before is None else here.theta - before.theta
    if not result.converged:
        return last, last
    known = direction.knows_its_length and here.gradient is not None
    if result.n_iter and not direction.solvers:
        known &= result.curve[-1] > result.curve[-2]
    step = direction(here.theta, here) if known else None
    blind = not isinstance(direction, Newton)
    is_flatter = not blind and direction.ranks != direction.ranks_at_0
    solvers = direction.solvers if is_flatter else ()
    if price < np.inf if blind else not known and 20 * price <= result.n_iter:
        there, newton = objective.evaluate(here.theta, curvature=True), Newton()
        # It, in turn, does not see what is certain beyond the float type.
        step = newton(here.theta, there) + (0.0 if step is None else step)
        solvers = newton.solvers
    return (last, last) if step is None else (step, step + flat_way(solvers, step))


def find_separation(objective, rows, targets, result, log_likelihood, step):
    """The outputs whose classes separate, as far as that can be told at a fair price.

    Parameters
    ----------
    objective : Objective
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
    complete = np.full(n_outputs, all_labels_likely(log_likelihood, rows))
    suspects = all_signs = complete
    if not complete.all():
        if step is None:
            return []
        # Steps of a climb cut short say nothing: it may have been anywhere.
        suspects = np.full(n_outputs, patience >= LOOK)
        if result.converged:
            if _furthest_move(objective, targets, step) < SUSPECT:
                return []
            lowest, largest = margins_along(objective, targets, step)
            suspects = np.maximum(largest, -lowest) >= SUSPECT
            all_signs = lowest > -MISS * largest
        lowest, largest = margins_along(objective, targets, theta)
        complete = lowest > 64 * objective.noise * largest
        suspects |= complete
    found = []
    for column in np.flatnonzero(suspects):
        case = _Case(objective, rows, targets, column)
        finding = case.single()
        if complete[column] and (finding is None or finding.kind != "completely"):
            finding = case.along(theta, "completely")
        if finding is None and patience >= LONG:
            if case.is_small(np.count_nonzero(suspects)):
                finding = case.programme()
            elif all_signs[column]:
                finding = case.along(step, "by all signs")
        found.append(finding)
    return [finding for finding in found if finding is not None]


def _furthest_move(objective, targets, step):
    """What a step's margins cannot exceed, whatever the data of such deviations."""
    rows, d = objective.rows, objective.network.sizes[0]
    spread = max(rows.n_rows, rows.total_weight / rows.smallest_weight)
    # A row is no further from the mean than this many deviations, which are rounded to
    # powers of 2.
    furthest = 1.5 * np.sqrt(spread)
    row = np.broadcast_to(furthest * objective.coordinates.reach, (1, d))
    z = product(row, np.abs(step.reshape(-1, objective.network.sizes[1])))
    return max(min(2, own.size) * own.max() for _, own in targets.split(z))


def margins_along(objective, targets, vector):
    """The lowest and the largest margin of each output along a vector of the climb's.

    Two arrays of shape (n_outputs,).
    """
    vector = vector.reshape(objective.n_inputs, -1).astype(np.float64)
    read = objective.as_read(vector).astype(objective.rows.dtype)
    of = partial(_margins_of, targets, read)
    largest, minus_lowest = objective.rows.total(of, np.maximum)
    return -minus_lowest, largest


def _margins_of(targets, read, rows):
    """The largest, and minus the lowest: maxima, both."""
    bounds = np.full((2, len(targets.per_output)), -np.inf)
    for block, logits in rows.products(read, 2 * read.shape[1]):
        for column, (_, z) in enumerate(targets.split(logits)):
            of = _counting(Rows(z, block.codes, block.weights), column)
            of = Rows(margins(of.X, of.codes[:, column]), of.codes)
            bounds[:, column] = np.maximum(bounds[:, column], ends(of).max(axis=1))
    return bounds


class _Case:
    """An output that is looked at closely."""

    def __init__(self, objective, rows, targets, column):
        self.objective, self.rows = objective, rows
        self.targets, self.column = targets, column
        self.fit_intercept = objective.network.fit_intercept
        self.k = len(targets.per_output[column])

    def single(self):
        """What a class without samples, or a feature alone, does."""
        low, high = self._ranges
        absent = _places(low.min(axis=1) > high.max(axis=1))
        if absent and self.fit_intercept:
            return Finding(self.column, "completely", absent=absent)
        alone, strictly = self._alone
        kind = "completely" if strictly.any() else "quasi-completely"
        found = _places(strictly) or _places(alone)
        return Finding(self.column, kind, found) if found else None

    def along(self, vector, kind):
        """What separates along a vector of the climb's."""
        theta = self.objective.parameters(vector.astype(np.float64))
        ((W, _),) = self.objective.network.layers(theta)
        own = [W for _, W in self.targets.split(W)]
        return self._together(own[self.column], kind)

    def is_small(self, n_cases):
        """Whether the linear programmes of so many cases are affordable.

        None is of rows that lie elsewhere: a programme takes all of them together.
        """
        (n, d), X = self.rows.X.shape, self.rows.X
        n_weights = (self.k - 1) * (d + self.fit_intercept)
        n_numbers = max(X.nnz if is_sparse(X) else n * d, n * self.k)
        few = n_cases * n_weights**2 <= WEIGHTS**2 and n_cases * n_numbers <= NUMBERS
        return self.rows.lie_here and few

    def programme(self):
        """What the linear programme says, if it does."""
        rows = _counting(self.rows, self.column)
        # The solver is on the host; where it is asked, the features are few.
        X = to_host(take_rows(rows.X, slice(0, rows.n_rows)))
        codes = to_host(rows.codes[:, self.column])
        with suppress(RuntimeError):  # not solved
            kind, W, _ = find_direction(X, codes, self.k, self.fit_intercept)
            return None if kind == "none" else self._together(W, kind + "ly")

    def _together(self, W, kind):
        """What weights of the features, (n_features, n_logits), separate."""
        low, high = self._ranges
        # What a feature does to logits, from end to end; without intercepts, from 0 on.
        end = np.inf if self.fit_intercept else 0.0
        top, bottom = high.max(axis=0, initial=-end), low.min(axis=0, initial=end)
        # Of two classes the first may have no logit but 0; softmax's are around it.
        weights = W.max(axis=1, initial=0.0) - W.min(axis=1, initial=0.0)
        weights = weights * top - weights * bottom
        heaviest = np.argsort(-weights, kind="stable")
        heaviest = heaviest[weights[heaviest] > 1e-3 * weights.max()]
        alone, _ = self._alone
        return Finding(self.column, kind, _places(alone), heaviest.tolist())

    @cached
    def _alone(self):
        """Which features separate the classes by themselves; which, completely.

        Where all values of some classes are at or above all of the others; without an
        intercept 0, to which the values of all classes then reach, lies between them.
        """
        low, high = self._ranges
        off_zero = (low > 0) | (high < 0)
        if not self.fit_intercept:
            low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        order = np.lexsort((high, low), axis=0)  # from the lowest class to the highest
        low, high = (np.take_along_axis(of, order, axis=0) for of in (low, high))
        gaps = low[1:] - np.maximum.accumulate(high)[:-1]
        alone = (gaps >= 0).any(axis=0) & (high.max(axis=0) > low[0])
        strictly = alone & off_zero.all(axis=0) & (self.k == 2)
        return alone, (gaps > 0).all(axis=0) if self.fit_intercept else strictly

    @cached
    def _ranges(self):
        """Smallest and largest value of each feature in each class, (k, d)."""
        of = partial(_ranges_of, self.column, self.k)
        high, minus_low = self.rows.total(of, np.maximum)
        return -minus_low, high


def _ranges_of(column, k, rows):
    """The largest value of each feature in each class, and minus the smallest."""
    rows = _counting(rows, column)
    places = [np.flatnonzero(to_host(rows.codes[:, column]) == c) for c in range(k)]
    return np.stack([ends(rows.only(at)) for at in places], axis=1)


def _counting(rows, column):
    """The rows that have a weight in an output."""
    if np.ndim(rows.weights) < 2:
        return rows
    return rows_that_count(Rows(rows.X, rows.codes, rows.weights[:, column]))


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
    colon = ":" if targets.several or findings[0].absent else ""
    where = "in column {} of y " if targets.several else ""
    parts = [where.format(of.column) + _how(of, targets, names) for of in findings]
    if len(parts) > NAMED:
        parts[NAMED:] = [f"and in {len(parts) - NAMED} more columns"]
    cures = []
    further = " skneuron.inference.separation(X, y) tells along which direction."
    if not all(of.absent for of in findings):
        firth = ', or penalty="firth"' if targets.likelihood.n_logits == 1 else ""
        cures.append(
            f"set a finite C, for example C=1.0{firth}, or leave out such features"
        )
    if any(of.absent for of in findings):
        cures.append("leave out classes and outputs that have no samples to learn from")
        further = ""  # which it cannot say of y of one class
    cures = "; ".join(cures)
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
    alone = f"along {each}{listed(of.alone)} alone"
    if not of.together:
        return f"{of.kind} {alone}"
    several = "a weighted sum of " if len(of.together) > 1 else ""
    how = f"{of.kind} along {several}{listed(of.together)}"
    return f"{how} (and quasi-completely {alone})" if of.alone else how


def _listed(items):
    items = [repr(item) for item in np.asarray(items).tolist()] or ["the intercept"]
    if len(items) > NAMED:
        items[NAMED:] = [f"{len(items) - NAMED} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if items[1:] else items[0]
