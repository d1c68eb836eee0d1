"""Which estimators can be fitted together, and fitting them so.

Estimators go together when they differ in nothing but numbers that their climbs can
carry side by side: the lockstep parameters.
"""

from dataclasses import dataclass, field
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples

from ._arrays import is_elsewhere
from ._lockstep import fit_regressions
from ._scaling import as_columns, only_scales, units_of
from ._threads import n_threads, one_thread
from .logistic_regression import GradientAscentLogisticRegression
from .mlp import SimpleMLPClassifier


def together_parameters(estimator):
    """Names of the parameters that may differ between estimators fitted together.

    None if this estimator has to be fitted alone. A subclass has: it may have changed
    anything. So has one that prints, is watched by callbacks, or goes on from its
    previous fit.
    """
    kind = type(estimator)
    if kind not in (GradientAscentLogisticRegression, SimpleMLPClassifier):
        return None
    if (
        estimator.warm_start
        or estimator.verbose
        or hasattr(estimator, "_skl_callbacks")
    ):
        return None
    number = isinstance(estimator.learning_rate, Real)
    if kind is GradientAscentLogisticRegression:
        # Full-batch gradient ascent draws nothing: any random_state will do.
        known = estimator.solver in ("auto", "gradient")
        if number and known and estimator.batch_size is None:
            return frozenset({"learning_rate", "C", "reduction", "class_weight"})
        return None
    # Only an int draws the same starts and mini-batches for all.
    if not isinstance(estimator.random_state, Integral) or estimator.early_stopping:
        return None
    if estimator.solver not in ("adam", "gradient"):
        return None
    names = frozenset({"alpha", "momentum"})
    return names | {"learning_rate"} if number else names


def shares_rows(estimator):
    """Whether estimators with different training rows can be fitted together.

    Full-batch gradients are sums over rows, of which each estimator may take its own.
    Mini-batches are drawn from the rows of one training set.
    """
    return type(estimator) is GradientAscentLogisticRegression


def fit_together(estimators, X, y, trains, sample_weight=None):
    """Fit each of the estimators on its own training rows.

    Parameters
    ----------
    estimators : list of estimators
        Not fitted, and alike but for their `together_parameters`. They are fitted in
        place.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    trains : list of index arrays, one for each estimator
        The training rows, in their order. Estimators with the same rows have the same
        array, the very object.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    fitted : list
        For each estimator itself, or the exception that its fit raised.
    """
    fitted = [None] * len(estimators)
    # One to a training set has nobody to share a product with.
    several = len(estimators) > len({id(train) for train in trains})
    if several and shares_rows(estimators[0]):
        done = fit_regressions(estimators, X, y, trains, sample_weight)
        for i, estimator in done.items():
            fitted[i] = estimator
    for train in {id(train): train for train in trains}.values():
        mine = [i for i, one in enumerate(trains) if one is train and not fitted[i]]
        if mine:
            weights = None
            if sample_weight is not None:
                weights = _safe_indexing(sample_weight, train)
            members = [estimators[i] for i in mine]
            data = *_safe_split(members[0], X, y, train), weights
            for i, outcome in zip(mine, _fit_on_the_same_rows(members, *data)):
                fitted[i] = outcome
    return fitted


def _fit_on_the_same_rows(estimators, X, y, sample_weight):
    """As `fit_together`, of rows that are those of all."""
    # Networks share nothing but rows; the steps of small ones are too short to share.
    if type(estimators[0]) is SimpleMLPClassifier and not is_elsewhere(X):
        run = Parallel(min(n_threads(), len(estimators)), prefer="threads")
        fit = delayed(_fit_beside_others)
        return run(fit(one, X, y, sample_weight) for one in estimators)
    return [_fit_alone(one, X, y, sample_weight) for one in estimators]


def _fit_alone(estimator, X, y, sample_weight):
    try:
        return estimator.fit(X, y, sample_weight=sample_weight)
    except Exception as error:
        return error


def _fit_beside_others(estimator, X, y, sample_weight):
    with one_thread():
        return _fit_alone(estimator, X, y, sample_weight)


def find_teams(base, candidates):
    """The candidates that can be fitted together, as a list of `Team`.

    `candidates` are the parameters of each, to be set on `base`.
    """
    teams = {}
    for number, params in enumerate(candidates):
        estimator, last = candidate(base, params), None
        if isinstance(estimator, Pipeline):
            if not _can_be_taken_apart(estimator):
                continue
            last = estimator.steps[-1][0]
        names = together_parameters(last_step(estimator))
        if names is None:
            continue
        free = {name if last is None else f"{last}__{name}" for name in names}
        rest = sorted(params.keys() - free)
        key = names, *((name, _likeness(params[name])) for name in rest)
        teams.setdefault(key, Team(last)).candidates[number] = estimator
    return list(teams.values())


def candidate(base, params):
    """An estimator with the parameters: copies of both, as they may be estimators."""
    return clone(base).set_params(**clone(params, safe=False))


def _likeness(value):
    """Something to hash that like values share; where in doubt, only the same ones."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def last_step(estimator):
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _can_be_taken_apart(pipeline):
    """Whether fitting step after step is all that the pipeline's fit does."""
    watched = [pipeline, *(step for _, step in pipeline.steps)]
    return (
        type(pipeline) is Pipeline
        and pipeline.memory is None
        and pipeline.transform_input is None
        and not pipeline.verbose
        and not _routing_enabled()
        and not any(hasattr(part, "_skl_callbacks") for part in watched)
    )


@dataclass(eq=False)
class Team:
    """Candidates to be fitted together.

    Attributes
    ----------
    last : str or None
        Name of the last step, if they are pipelines.
    candidates : dict of int to estimator
        By their numbers. Not fitted; their clones are.
    """

    last: str | None
    candidates: dict = field(default_factory=dict)

    @property
    def weight_name(self):
        return "sample_weight" if self.last is None else f"{self.last}__sample_weight"

    def fit_across(self, X, y, trains, weights):
        """What of the members of all folds can be fitted at once.

        Returns
        -------
        done : list of (head, members), one for each of `trains`, or None
            The fitted steps before the last, and each member's last step: fitted, what
            its fit raised, or None, if it is to be fitted with its fold. None for all
            where the folds have no rows in common.
        """
        one, n = next(iter(self.candidates.values())), len(self.candidates)
        head = None if self.last is None else one[:-1]
        if not (shares_rows(last_step(one)) and (head is None or only_scales(head))):
            return None
        members = [
            clone(last_step(one)) for _ in trains for one in self.candidates.values()
        ]
        rows = [train for train in trains for _ in range(n)]
        if head is None or not head.steps:
            heads = [head] * len(trains)
            fitted = fit_together(members, X, y, rows, weights)
        else:
            heads, fitted = _fit_scaled(head, members, X, y, rows, trains, weights)
        return heads and [
            (head, fitted[n * i : n * (i + 1)]) for i, head in enumerate(heads)
        ]

    def fit(self, fold, done=None):
        """The members of one fold: fitted, or what their fits raised.

        Parameters
        ----------
        fold : Fold
        done : (head, members), default=None
            What :meth:`fit_across` has of this fold.

        Returns
        -------
        members : list
        head : Pipeline or None
            The fitted steps before the last that they share.
        """
        if self.last is not None:
            return self._fit_pipelines(fold, done)
        if done is not None:
            return done[1], None
        of, members = fold.evaluation, [clone(one) for one in self.candidates.values()]
        rows = [fold.train] * len(members)
        return fit_together(members, of.X, of.y, rows, of.weights), None

    def _fit_pipelines(self, fold, done):
        head, lasts = done or (None, [None] * len(self.candidates))
        missing = {
            i: clone(one)
            for i, one in enumerate(self.candidates.values())
            if lasts[i] is None
        }
        if missing:
            X, y = fold.training
            try:
                if head is not None:
                    X = head.transform(X)
                else:
                    head = next(iter(missing.values()))[:-1]
                    X = head.fit_transform(X, y) if head.steps else X
            except Exception as error:
                return [error] * len(lasts), None
            fitted = fit_together(
                [last_step(one) for one in missing.values()],
                X,
                y,
                [np.arange(_num_samples(X))] * len(missing),
                fold.weights,
            )
            for i, last in zip(missing, fitted):
                lasts[i] = last
        return [
            last
            if isinstance(last, Exception)
            else Pipeline([*head.steps, (self.last, last)])
            for last in lasts
        ], head


def _fit_scaled(head, members, X, y, rows, trains, weights):
    """Members after steps that only scale columns; (None, None) where none can go so.

    To them the features of a fold are X in units of its own: they share its rows.

    Returns
    -------
    heads : list of Pipeline
        The steps fitted to each of `trains`.
    fitted : list
        Each of the members, or None.
    """
    nothing, columns = (None, None), as_columns(X)
    alone = len(members) == len(trains)
    if columns is None or alone or not members[0].fit_intercept:
        return nothing
    heads, units, n = [], [], len(members) // len(trains)
    for train in trains:
        try:
            some = _safe_indexing(X, train)
            heads.append(clone(head).fit(some))
            found = units_of(heads[-1], some)
        except Exception:  # to be raised fold by fold
            return nothing
        if found is None:
            return nothing
        units += [found] * n
    fitted = fit_regressions(members, columns, y, rows, weights, units)
    return heads, [fitted.get(i) for i in range(len(members))]
