"""Many fits at once: the same climbs as one by one, side by side.

What comes of a fit, and what it warns of, is what it would be alone. Fits that turn out
to be special (an error, a class that is missing from some training rows, numbers that
end) are left to be run alone.
"""

import copy
import warnings
from contextlib import contextmanager

import numpy as np

from ._arrays import (
    array_namespace,
    beside,
    is_elsewhere,
    like,
    numbers_may_end,
    to_host,
)
from ._ascent import Climb, Position, climb_together
from ._estimator import _all_or_nothing
from ._labels import check_data, class_tables, find_targets
from ._model import (
    Network,
    Objective,
    OnDemand,
    Rows,
    SideBySide,
    Targets,
)
from ._model.rows import take_rows
from ._predictions import check_same_place
from ._threads import blas_on_one_thread
from .logistic_regression import GradientAscentLogisticRegression

#: What the parameters of models side by side, and their gradients, may take.
BUDGET = 1 << 28


def fit_regressions(estimators, X, y, trains, sample_weight, units=None):
    """Logistic regressions by full-batch gradient ascent, each on rows of its own.

    Parameters
    ----------
    estimators, X, y, trains, sample_weight
        As `fit_together` takes them.
    units : list of (centre, scale), one for each of `trains`, default=None
        Its features are read as ``(X - centre) / scale``. None: as they are.

    Returns
    -------
    fitted : dict of int to estimator
        By their places; those that are not in it have to be fitted alone.
    """
    try:
        with _warnings_raised():
            X, y, weights = check_data(estimators[0], X, y, sample_weight, reset=True)
            if isinstance(X, OnDemand):  # one by one: folds side by side are a copy
                return {}
            data = _Data(X, y, weights, trains, units)
    except Exception:  # to be raised, or warned of, fit by fit, as it is alone
        return {}
    members = [
        _Member(place, estimator, data, split)
        for place, (estimator, split) in enumerate(zip(estimators, data.splits))
        if data.is_whole[split] and _is_sound(estimator)
    ]
    members = [member for member in members if member.can_join]
    n_parameters = (X.shape[1] + 1) * data.targets.likelihood.n_logits
    size = max(1, BUDGET // (48 * n_parameters))
    fitted = {}
    for start in range(0, len(members), size):
        fitted |= _fit_some(members[start : start + size], data, estimators[0])
    return fitted


class _Data:
    """What all members share: the data, and which rows count in which split."""

    def __init__(self, X, y, weights, trains, units):
        self.units = None
        if units is not None:
            units = {id(train): unit for train, unit in zip(trains, units)}
            self.units = list(units.values())
        self.X, self.weights = X, None if weights is None else to_host(weights)
        self.targets = find_targets(y, known=None, classes=None, partial=False)
        self.codes = to_host(self.targets.encode(y))
        distinct = list({id(train): train for train in trains}.values())
        self.trains = [np.asarray(to_host(train)) for train in distinct]
        split_of = {id(train): split for split, train in enumerate(distinct)}
        self.splits = [split_of[id(train)] for train in trains]
        self.counts = np.stack(
            [np.bincount(train, minlength=len(self.codes)) for train in self.trains],
            axis=1,
        )
        self.is_whole = [self._has_all_classes(count) for count in self.counts.T]

    def _has_all_classes(self, count):
        counting = count > 0 if self.weights is None else (count > 0) * self.weights > 0
        per_output = self.targets.per_output
        if sum(map(len, per_output)) > max(10, count.sum() // 2):
            return False  # scikit-learn may warn of so many classes in so few rows
        return all(
            len(np.unique(code[counting])) == len(classes)
            for code, classes in zip(self.codes.T, per_output)
        )

    def rows(self, split, table):
        """The rows of a split, with the weights of its classes."""
        at = self.trains[split]  # in their order: the very rows of the fit alone
        if self.weights is not None:
            at = at[self.weights[at] > 0]
        weights = None if self.weights is None else self.weights[at]
        if table is not None:
            of_class = table[self.codes[at, 0]]
            weights = of_class if weights is None else of_class * weights
        if weights is not None and is_elsewhere(self.X):
            weights = like(weights, self.X)
        X = take_rows(self.X, beside(at, self.X))
        if self.units is not None:
            centre, scale = self.units[split]
            X = X - centre
            X /= scale
        return Rows(X, beside(self.codes[at], X), weights)


class _Member:
    """An estimator, its split, and the weights that it gives to the classes."""

    def __init__(self, place, estimator, data, split):
        self.place, self.estimator, self.split = place, estimator, split
        self.table = None
        wanted = estimator.class_weight
        self.can_join = wanted is None or not data.targets.several
        self.can_join &= np.isfinite(estimator._l2())
        if wanted is not None and self.can_join:
            weights = data.counts[:, split].astype(float)
            if data.weights is not None:
                weights *= data.weights
            try:
                counts = np.bincount(data.codes[:, 0], weights)
                (self.table,) = class_tables(wanted, data.targets, [counts])
            except ValueError:
                self.can_join = False
            else:
                self.can_join = bool(np.all(self.table > 0))

    @property
    def key(self):
        """What members with the same rows, and weights of them, share."""
        return self.split, b"" if self.table is None else self.table.tobytes()


def _fit_some(members, data, first):
    """Fit members side by side; by their places, those of which that came well."""
    tables = None
    ones = np.ones(len(data.targets.per_output[0]))
    if any(member.table is not None for member in members):
        tables = [ones if member.table is None else member.table for member in members]
        tables = np.stack(tables, axis=1)
    sizes = data.X.shape[1], data.targets.likelihood.n_logits
    network = Network(sizes, fit_intercept=first.fit_intercept)
    everyone = np.arange(len(members))
    start = np.zeros((network.n_parameters, len(members)))
    with numbers_may_end(), blas_on_one_thread():
        objective = SideBySide(
            data.targets.likelihood,
            data.X,
            data.codes,
            data.counts,
            np.array([member.split for member in members]),
            np.array([member.estimator._l2() for member in members]),
            weights=data.weights,
            tables=tables,
            fit_intercept=first.fit_intercept,
            units=data.units and [np.stack(of) for of in zip(*data.units)],
        )
        rates = np.array([float(member.estimator.learning_rate) for member in members])
        sums = [member.estimator.reduction == "sum" for member in members]
        begin = objective.log_likelihoods(start, everyone)
        climbs = climb_together(
            objective,
            start.copy(),
            np.where(sums, objective.total_weight, 1.0) * rates,
            max_iter=first.max_iter,
            tol=first.tol,
        )
        end = objective.log_likelihoods(climbs.theta, everyone)
        fitted, key, rows, plans = {}, None, None, {}
        for at in sorted(everyone, key=lambda at: members[at].key):
            member, n_iter = members[at], int(climbs.n_iter[at])
            estimator, l2 = member.estimator, member.estimator._l2()
            told = np.array([end[at], l2]) / objective.total_weight[at]
            if climbs.lost[at] or not np.all(np.isfinite(told)):
                continue
            if member.key != key:  # one at a time: they are a copy
                key, rows, plans = member.key, None, {}
                rows = data.rows(member.split, member.table)
            like = l2, estimator.reduction
            if like not in plans:
                alone = Objective(network, data.targets.likelihood, rows, l2)
                plans[like] = estimator._plan(alone, {}, None, False)
            if climbs.fell[at]:
                plans[like].safe_rate  # noqa: B018 - found once for all that tell it
            plan = copy.copy(plans[like])
            plan.rate = estimator.learning_rate
            # Values on the way were not needed, and are not known.
            curve = [begin[at], *[np.nan] * (n_iter - 1), end[at]][: n_iter + 1]
            position = Position(climbs.theta[:, at], float(end[at]), np.nan)
            result = Climb(position, curve)
            result.converged = bool(climbs.converged[at])
            result.fell = bool(climbs.fell[at])
            finish = estimator, first, data.targets, plan, result, start[:, at], rows
            if _finish(*finish):
                fitted[member.place] = estimator
    return fitted


def scores_together(estimators, X, y, sample_weight=None):
    """What `score` gives for each of several logistic regressions, from one product.

    None where that takes more than a product and a comparison.
    """
    first = estimators[0]
    if not all(type(one) is GradientAscentLogisticRegression for one in estimators):
        return None
    targets = Targets(first.classes_)
    if not all(targets.same_classes(Targets(one.classes_)) for one in estimators):
        return None
    try:
        check_same_place(X, first, "score")
        X, y, sample_weight = check_data(first, X, y, sample_weight, reset=False)
        if isinstance(X, OnDemand):
            return None
        codes = beside(targets.encode(y), X)
    except Exception:  # to be raised, score by score, as it is alone
        return None
    xp = array_namespace(X)
    weights = xp.concat([one.coef_ for one in estimators]).T
    intercepts = xp.concat([one.intercept_ for one in estimators])
    with numbers_may_end():
        network = Network(weights.shape)
        z = network.forward([(weights, intercepts)], X, guarded=True)[-1]
    n_logits = targets.likelihood.n_logits
    if sample_weight is not None:
        sample_weight = to_host(sample_weight)
    scores = []
    for at in range(0, z.shape[1], n_logits):
        right = targets.choose(z[:, at : at + n_logits]) == codes
        right = to_host(xp.all(right, axis=1))
        scores.append(float(np.average(right, weights=sample_weight)))
    return scores


def _is_sound(estimator):
    """Whether its parameters are what they may be."""
    try:
        estimator._validate_params()
        estimator._check_parameters()
    except (ValueError, TypeError):
        return False
    return True


def _finish(estimator, first, targets, plan, result, start, rows):
    """Make an estimator what its fit alone would have made it, and warn likewise.

    Whether that went well: what it raised, such as a warning that is an error to the
    user, the fit alone will raise again.
    """
    try:
        with _all_or_nothing(estimator):
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(first, name):
                    setattr(estimator, name, getattr(first, name))
            position = estimator._keep(result, plan, None, adding=False)
            fitted = estimator._fitted(plan.objective, position.theta, targets, rows)
            for name, value in fitted.items():
                setattr(estimator, name, value)
            estimator._state = {}
            estimator._warn(result, plan, start, rows, False)
    except Exception:
        return False
    return True


@contextmanager
def _warnings_raised():
    """A context in which a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
