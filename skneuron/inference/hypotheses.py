"""Tests of hypotheses, and intervals of the values that they do not reject.

Of nested fits, of linear hypotheses about the parameters, and of one parameter by the
profile of the likelihood, which needs no parabola. The profile is the largest
likelihood that is left when the parameter has a value. The interval holds the values
whose profile is not significantly below the top.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import brentq, minimize
from scipy.stats import chi2, norm

from .._arrays import numbers_may_end
from .._ascent import Question
from .page import probability_text
from .summary import examined

#: A climb on a profile ends where no slope is larger, in nats to a standard error.
FLAT = 1e-5
#: Nor sooner: that of L-BFGS-B, which takes a fifth of BFGS's time.
QUICK = {"gtol": FLAT, "ftol": 0.0}
#: Standard errors from the estimate, to both sides, within which limits are sought.
FURTHEST = 200.0
#: A deviance that is as good as infinite.
MOST = 1e12


@dataclass
class HypothesisTest:
    """What a test found.

    Attributes
    ----------
    name : str
        Of the test.
    statistic : float
        If the hypothesis holds, about chi-squared.
    df : int
        Its degrees of freedom.
    p_value : float
        The probability of a statistic that large, or larger.
    """

    name: str
    statistic: float
    df: int

    def __post_init__(self):
        self.p_value = float(chi2.sf(self.statistic, self.df))

    def __repr__(self):
        p = probability_text(self.p_value)
        relation = "" if p.startswith("<") else "= "
        return f"{self.name}: {self.statistic:.4f} ({self.df} df), p {relation}{p}"


def compare(smaller, larger, X, y, *, sample_weight=None):
    """Likelihood-ratio test of two fits, the smaller nested in the larger.

    The hypothesis is that the smaller holds: that what only the larger has is 0.

    Parameters
    ----------
    smaller, larger : GradientAscentLogisticRegression, or Pipeline that ends in one
        Fitted as :func:`mle_summary` wants it, to the same samples. Every feature of
        the smaller must be one of the larger's, or a weighted sum of those.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or tuple of two
        The features that they were fitted to. Of a data frame each takes the columns
        that it was fitted to. A tuple has the smaller's and the larger's.
    y : array-like of shape (n_samples,)
        The labels that they were fitted to.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights that they were fitted with.

    Returns
    -------
    test : HypothesisTest

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`mle_summary` does; and if the two are not nested, as far as numbers
        of parameters and likelihoods tell, or are penalised.

    References
    ----------
    S. S. Wilks, "The large-sample distribution of the likelihood ratio for testing
    composite hypotheses", Annals of Mathematical Statistics 9 (1938), 60-62.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import compare
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> smaller = GradientAscentLogisticRegression().fit(X[:, [1]], y)
    >>> larger = GradientAscentLogisticRegression().fit(X[:, [1, 4]], y)
    >>> compare(smaller, larger, (X[:, [1]], X[:, [1, 4]]), y)
    Likelihood ratio: 100.1145 (1 df), p <0.0001
    """
    fits, data = (smaller, larger), X if isinstance(X, tuple) else (X, X)
    if hasattr(X, "columns"):
        data = [X[list(getattr(of, "feature_names_in_", X.columns))] for of in fits]
    both = zip(fits, data, strict=True)
    small, large = (examined(of, own, y, sample_weight).summary for of, own in both)
    if small.penalty or large.penalty:
        raise ValueError(
            "A likelihood ratio is of fits without penalty='firth'; "
            "profile_intervals tests its parameters one by one."
        )
    df = len(large.estimate) - len(small.estimate)
    ratio = 2 * (large.log_likelihood - small.log_likelihood)
    same = np.array_equal(small.classes, large.classes)
    if df <= 0 or not same or ratio < -1e-6 * abs(large.log_likelihood):
        raise ValueError(
            f"The smaller fit must be nested in the larger: {len(small.estimate)} and "
            f"{len(large.estimate)} parameters have log-likelihoods of "
            f"{small.log_likelihood:.6g} and {large.log_likelihood:.6g}."
        )
    return HypothesisTest("Likelihood ratio", max(ratio, 0.0), df)


def wald_test(summary, hypotheses, value=0.0):
    """Wald test of linear hypotheses about the parameters, all of them together.

    Parameters
    ----------
    summary : MLESummary
        Its covariance, robust or not, is what the test goes by.
    hypotheses : str, list of str or tuple, or array of shape (n_hypotheses, \
n_parameters)
        Names: that these parameters have the value. Where there are more than two
        classes a name is that of one parameter of every class but the reference, and
        (class, name) that of one. An array R: that ``R @ estimate`` has the value.
    value : float or array of shape (n_hypotheses,), default=0.0

    Returns
    -------
    test : HypothesisTest

    Raises
    ------
    ValueError
        If a name is unknown, shapes do not fit, or hypotheses follow from one another.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import mle_summary, wald_test
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = X[:, [1, 4]]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> summary = mle_summary(clf, X, y, feature_names=["texture", "smoothness"])
    >>> wald_test(summary, ["texture", "smoothness"])
    Wald: 123.8723 (2 df), p <0.0001
    >>> wald_test(summary, [[1, 0, 0]], value=-0.25)
    Wald: 1.4669 (1 df), p = 0.2258
    """
    n_parameters = len(summary.estimate)
    if isinstance(hypotheses, str | tuple):
        hypotheses = [hypotheses]
    if any(np.asarray(of).dtype.kind == "U" for of in hypotheses):  # names
        hypotheses = np.concatenate([_rows_of(summary, of) for of in hypotheses])
    R = np.atleast_2d(np.asarray(hypotheses, dtype=float))
    if R.ndim != 2 or R.shape[1] != n_parameters:
        raise ValueError(f"R of shape {R.shape} must have {n_parameters} columns.")
    used = R.any(axis=0)  # what is not may be NaN
    covariance = R[:, used] @ summary.covariance[np.ix_(used, used)] @ R[:, used].T
    unit = np.sqrt(covariance.diagonal())
    scaled = covariance / unit / unit[:, None]
    # NaN, of separated parameters, stays NaN.
    if np.isfinite(scaled).all() and np.linalg.matrix_rank(scaled) < len(R):
        raise ValueError("The hypotheses follow from one another: leave some out.")
    gap = (R @ summary.estimate - np.broadcast_to(value, len(R))) / unit
    return HypothesisTest("Wald", float(gap @ np.linalg.solve(scaled, gap)), len(R))


def _rows_of(summary, name):
    """The rows of R that pick the parameters of a name."""
    labels = summary.labels()
    found = [of == name or (isinstance(of, tuple) and of[1] == name) for of in labels]
    if not any(found):
        raise ValueError(f"No parameter is called {name!r}; there are {labels}.")
    return np.eye(len(labels))[np.flatnonzero(found)]


def profile_intervals(estimator, X, y, **options):
    """Profile-likelihood intervals of the parameters, and likelihood-ratio tests of 0.

    They fit where the log-likelihood is no parabola: few data, rare events, and Firth's
    estimate of separated classes, whose penalised likelihood is profiled.

    Parameters
    ----------
    estimator, X, y : as :func:`mle_summary` takes them
    **options : dict
        `sample_weight`, `feature_names`, `confidence` and `reference`, as well.

    Returns
    -------
    frame : DataFrame of shape (n_parameters, 5)
        Columns estimate, lr_statistic (of the hypothesis that the parameter is 0),
        p_value, ci_low and ci_high; rows as in :meth:`MLESummary.to_frame`. A limit
        that is not met within 200 standard errors is infinite.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`mle_summary` does.
    ImportError
        If pandas is not installed.

    Notes
    -----
    Far from its top Firth's likelihood of separated classes can have several hills. The
    profile is then of those that climbs from near by find.

    References
    ----------
    D. J. Venzon & S. H. Moolgavkar, "A method for computing profile-likelihood-based
    confidence intervals", Applied Statistics 37 (1988), 87-94.

    Examples
    --------
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import profile_intervals
    >>> X, y = [[1], [2], [3], [4], [5], [6]], [0, 0, 0, 1, 1, 1]
    >>> clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    >>> profile_intervals(clf, X, y, feature_names=["hours"]).round(2)
               estimate  lr_statistic  p_value  ci_low  ci_high
    hours          1.13          3.86     0.05    0.00     6.07
    intercept     -3.95          3.18     0.07  -21.59     0.30
    """
    fitted = examined(estimator, X, y, **options)
    summary, rows = fitted.summary, []
    quantiles = norm.interval(summary.confidence)
    with numbers_may_end():
        top, _ = _highest(fitted, fitted.theta, fitted.axes, 0 * fitted.theta)
        for row, estimate in zip(np.concatenate(fitted.root[1:]), summary.estimate):
            error, others = np.linalg.norm(row), fitted.axes @ null_space(row[None])
            profile = partial(_profile, fitted, fitted.axes @ row / error, others, top)
            statistic = profile()(-estimate / error)
            ends = [estimate + error * _limit(profile(), z) for z in quantiles]
            rows.append([estimate, statistic, chi2.sf(statistic, 1), *ends])
    names = "estimate", "lr_statistic", "p_value", "ci_low", "ci_high"
    return summary.frame_of(dict(zip(names, np.transpose(rows))))


def _profile(fitted, along, others, top):
    """The profile of one parameter, a function of its distance from the estimate.

    In the coordinates that the covariance's root spans, distances are in standard
    errors, and the likelihood is as good as round. The first axis is turned to where
    the parameter changes; along all others it stays.

    Parameters
    ----------
    fitted : Fitted
    along : array of shape (n_coordinates,)
    others : array of shape (n_coordinates, n_coordinates - 1)
        The axes, in coordinates of the climb.
    top : float
        The value at the top.

    Returns
    -------
    deviance : callable
        Of so many errors: twice what the likelihood loses where the parameter is there.
    """
    bend = np.zeros(others.shape[1])

    def deviance(t):
        nonlocal bend
        value, way = _highest(fitted, fitted.theta + t * along, others, bend * t**2)
        if np.isfinite(value) and t:
            bend = way / t**2  # of a parabola, the next climb's start
        return float(np.clip(2 * (top - value), 0.0, MOST))

    return deviance


def _limit(deviance, z):
    """How far the deviance stays below z^2, to the side of z's sign."""

    @cache
    def gap(t):  # nearly straight
        return np.sqrt(deviance(t)) - abs(z) if t else -abs(z)

    inside, outside = 0.0, z
    while gap(outside) < 0:
        if abs(outside) > FURTHEST:
            return np.copysign(np.inf, z)
        inside, outside = outside, 1.5 * outside
    return brentq(gap, inside, outside, xtol=1e-10)  # errors may be huge


def _highest(fitted, place, axes, start):
    """The value that a climb from a place along axes ends at, and its way there."""

    def depth(way):
        here = fitted.hill.answer(Question(place + axes @ way))
        return -here.value, -(axes.T @ here.gradient)

    if not len(start):
        return -depth(start)[0], start
    top = minimize(depth, start, method="L-BFGS-B", jac=True, options=QUICK)
    if abs(top.jac).max() > FLAT:  # as on a long slope, where classes separate
        top = minimize(depth, top.x, method="BFGS", jac=True, tol=FLAT)
    return -top.fun, top.x
