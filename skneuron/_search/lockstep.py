"""The fits of a fold: the same climbs as one by one, on data that is read once."""

import math
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from .._arrays import is_elsewhere, numbers_may_end
from .._model import answers
from .._threads import n_threads, one_blas, one_thread
from ..logistic_regression import GradientAscentLogisticRegression

#: Bytes that the parameters of climbs that are answered together may take.
BUDGET = 1 << 28

#: Penalties that differ by less, in logarithms, do not say where the tops lead.
CLOSE = 0.1

#: By such solvers, at such a tol and after so many iterations climbs end at the top, to
#: more digits than scores show, wherever they began.
SURE, STRICT, ENOUGH = ("auto", "newton"), 1e-5, 100


@dataclass
class Outcome:
    """What came of a fit.

    Attributes
    ----------
    estimator : estimator
        Fitted, unless there is an error.
    error : Exception or None
    warning : (callable, type) or None
        What gives a message, and its category.
    mean_log_likelihood : float
        Of the training rows, by their weight; NaN where some were set aside.
    seconds : float
    """

    estimator: object
    error: Exception | None = None
    warning: tuple | None = None
    mean_log_likelihood: float = np.nan
    seconds: float = 0.0

    @contextmanager
    def keeping_errors(self):
        """A context whose errors are what came of the fit."""
        try:
            yield
        except Exception as error:
            self.error = error

    def give(self, X, y=None, **params):
        """What came of the fit, in place of fitting: its estimator, or its error.

        Once: who fits the estimator again, as a scorer may, fits it indeed.
        """
        if self.error is not None:
            raise self.error
        del self.estimator.fit
        return self.estimator

    def in_place_of_a_clone(self, **params):
        """The estimator with a candidate's parameters, whose fit is done."""
        self.estimator.fit = self.give
        return self.estimator


@dataclass
class Member:
    """A fit under way: its outcome, and what it is of."""

    outcome: Outcome
    data: object
    past: object

    def prepare(self):
        """The climber of a fit by itself."""
        return self.outcome.estimator._prepare(self.data, self.past)

    def finish(self, climber, result):
        """Keep what was found."""
        estimator, outcome = self.outcome.estimator, self.outcome
        estimator._keep(climber, result)
        outcome.warning = estimator._warning(climber, result)
        if result.interrupted:  # a fit by itself keeps its climb; of many it is no use
            raise KeyboardInterrupt
        if self.data.validation is None:
            mean = estimator.log_likelihood_ / self.data.rows.total_weight
            outcome.mean_log_likelihood = mean

    def fit(self, context=nullcontext):
        """Fit by itself, in a context."""
        with self.outcome.keeping_errors(), numbers_may_end(), context():
            climber = self.prepare()
            self.finish(climber, climber.run())


def fit_members(estimators, X, y, sample_weight):
    """Fit estimators of one kind to the same rows.

    - Logistic regressions that take the lecture's steps, each at a rate of its own,
      climb side by side: what they ask is answered by one pass over the rows.
    - Those that are sure to get to the top, and differ in C alone, climb one after the
      other, from the strongest penalty to the weakest, each from where the tops before
      it lead.
    - Others have a thread each.

    Parameters
    ----------
    estimators : list of estimators
        Not fitted; fitted in place.
    X, y, sample_weight : as `fit` takes them

    Returns
    -------
    outcomes : list of Outcome
    """
    outcomes = [Outcome(estimator) for estimator in estimators]
    with numbers_may_end(), one_blas():
        ways = {"beside": [], None: []}
        for member in _read(outcomes, X, y, sample_weight):
            ways.setdefault(_way(member), []).append(member)
        _climb_side_by_side(ways.pop("beside"))
        _climb_each(ways.pop(None))
        for members in ways.values():
            _climb_along(sorted(members, key=lambda one: one.outcome.estimator.C))
    return outcomes


def _read(outcomes, X, y, sample_weight):
    """The members that are sound, and read the same where they read alike."""
    members, readings = [], {}
    for outcome in outcomes:
        estimator = outcome.estimator
        with outcome.keeping_errors():
            estimator._validate_params()
            estimator._check_parameters()
            past = estimator._past()
            key = repr(estimator.class_weight)
            if getattr(estimator, "early_stopping", False):
                key = id(estimator)  # each sets its own rows aside
            if key not in readings:
                data = estimator._read(X, y, sample_weight, past)
                readings[key] = data, estimator
            data, first = readings[key]
            estimator._check_penalty(data.rows)
            found = {"n_features_in_", "feature_names_in_"} & vars(first).keys()
            vars(estimator).update({name: getattr(first, name) for name in found})
            members.append(Member(outcome, data, past))
    return members


def _way(member):
    """How it can climb with others: "beside" them, along with its like; None: alone."""
    estimator = member.outcome.estimator
    regression = type(estimator) is GradientAscentLogisticRegression
    if not regression or estimator.batch_size is not None:
        return None
    if isinstance(estimator.learning_rate, Real):
        return "beside"
    sure = estimator.solver in SURE and estimator.tol <= STRICT
    sure &= estimator.max_iter >= ENOUGH
    others = estimator.get_params() | {"C": None, "random_state": None}
    return (id(member.data), repr(others)) if sure else None


def _climb_side_by_side(members):
    """Climbs whose questions are answered together."""
    climbers = []
    for member in members:
        with member.outcome.keeping_errors():
            climbers.append((member, member.prepare()))
    parameters = max((len(climber.theta) for _, climber in climbers), default=1)
    size = max(1, BUDGET // (48 * parameters))
    for start in range(0, len(climbers), size):
        some = climbers[start : start + size]
        for (member, climber), result in zip(some, _results(some), strict=True):
            with member.outcome.keeping_errors():
                member.finish(climber, result)


def _results(climbers):
    results = [None] * len(climbers)
    climbs = [climber.climb() for _, climber in climbers]
    objectives = [climber.plan.objective for _, climber in climbers]
    asked = {i: next(climb) for i, climb in enumerate(climbs)}
    while asked:
        replies = answers([(objectives[i], asked[i]) for i in asked])
        for i, reply in zip(list(asked), replies, strict=True):
            try:
                asked[i] = climbs[i].send(reply)
            except StopIteration as end:
                results[i] = end.value
                del asked[i]
    return results


def _climb_along(members):
    """Climbs from top to top as the penalty gets weaker."""
    # Without a penalty, coordinates may be any number of times others.
    while members and (len(members) == 1 or np.inf == members[-1].outcome.estimator.C):
        members.pop().fit()
    climber, tops = None, {}
    for member in members:
        with member.outcome.keeping_errors():
            if climber is None:
                climber = members[-1].prepare()  # whose coordinates suit all
            t = math.log(member.outcome.estimator.C)
            theta = _ahead(tops, t) if tops else climber.theta
            climber = member.outcome.estimator._follow(climber, theta)
            result = climber.run()
            if tops and t - max(tops) < CLOSE:
                tops.popitem()
            tops[t] = result.position.theta
            member.finish(climber, result)
            if not result.converged:
                member.fit()


def _ahead(tops, t):
    """Where the tops, by log(C), lead: on a curve through the last of them.

    That is the last one again, or on a line, a parabola or a cubic: in log(C), as where
    classes separate, or in the penalty, which matters ever less where they do not. On
    which of these the last one was, as seen from those before it.
    """
    *before, last = tops
    if not before:
        return tops[last]

    def error(curve):
        return np.linalg.norm(_along(tops, *curve, last) - tops[last])

    scales = float, lambda t: np.exp(last - t)
    sizes = range(1, min(4, len(before)) + 1)
    curves = [(scale, before[-n:]) for n in sizes for scale in scales[:n]]
    scale, places = min(curves, key=error)
    # They tell of no more than such a distance.
    t = min(t, last + 2 * (last - before[-1]))
    return _along(tops, scale, [*before, last][-len(places) :], t)


def _along(tops, scale, places, t):
    """The polynomial through the tops at some places, at t (Lagrange's), on a scale."""
    x, known = scale(t), [scale(of) for of in places]
    factors = ([(x - of) / (at - of) for of in known if of != at] for at in known)
    return list(map(math.prod, factors)) @ np.array([tops[at] for at in places])


def _climb_each(members):
    """Climbs of their own, in threads where that changes nothing."""
    seeds = [member.outcome.estimator.random_state for member in members]
    fixed = all(isinstance(seed, Integral) for seed in seeds)
    fixed &= not any(is_elsewhere(member.data.rows.X) for member in members)
    n_jobs = max(1, min(n_threads(), len(members))) if fixed else 1
    alone = one_thread if n_jobs > 1 else nullcontext
    Parallel(n_jobs, prefer="threads")(delayed(one.fit)(alone) for one in members)
