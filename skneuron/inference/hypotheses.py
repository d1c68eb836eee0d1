"""Tests of hypotheses: of nested fits, and linear ones about the parameters."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from .page import probability_text
from .summary import examined


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
        self.p_value = float(chdtrc(self.df, max(self.statistic, 0.0)))

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
    data = X if isinstance(X, tuple) else [_own(of, X) for of in (smaller, larger)]
    both = zip((smaller, larger), data, strict=True)
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
            "The smaller fit must be nested in the larger: it has "
            f"{len(small.estimate)} parameters and a log-likelihood of "
            f"{small.log_likelihood:.6g}, the larger has {len(large.estimate)} and "
            f"{large.log_likelihood:.6g}."
        )
    return HypothesisTest("Likelihood ratio", max(ratio, 0.0), df)


def _own(estimator, X):
    """The columns of a data frame that an estimator was fitted to."""
    names = getattr(estimator, "feature_names_in_", None)
    return X if names is None or not hasattr(X, "columns") else X[list(names)]


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
    if any(isinstance(of, str | tuple) and _is_name(of) for of in hypotheses):
        hypotheses = np.concatenate([_rows_of(summary, of) for of in hypotheses])
    R = np.atleast_2d(np.asarray(hypotheses, dtype=float))
    if R.ndim != 2 or R.shape[1] != n_parameters:
        raise ValueError(
            f"hypotheses must have {n_parameters} columns, one for each parameter; got "
            f"shape {R.shape}."
        )
    gap = R @ summary.estimate - np.broadcast_to(value, len(R))
    used = R.any(axis=0)  # what is not may be NaN
    covariance = R[:, used] @ summary.covariance[np.ix_(used, used)] @ R[:, used].T
    unit = np.sqrt(covariance.diagonal())
    scaled = covariance / unit / unit[:, None]
    # NaN, of separated parameters, stays NaN.
    if np.isfinite(scaled).all() and np.linalg.matrix_rank(scaled) < len(R):
        raise ValueError("The hypotheses follow from one another: leave some out.")
    gap = gap / unit
    return HypothesisTest("Wald", float(gap @ np.linalg.solve(scaled, gap)), len(R))


def _is_name(of):
    return isinstance(of, str) or any(isinstance(part, str) for part in of)


def _rows_of(summary, name):
    """The rows of R that pick the parameters of a name."""
    labels = summary.labels()
    found = [of == name or (isinstance(of, tuple) and of[1] == name) for of in labels]
    if not any(found):
        raise ValueError(f"No parameter is called {name!r}; there are {labels}.")
    return np.eye(len(labels))[np.flatnonzero(found)]
