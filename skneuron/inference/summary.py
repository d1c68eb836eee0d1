"""The inference that a maximum likelihood estimate brings.

Near its top the log-likelihood is a parabola, and its curvature there, the observed
information I = -d2LL/dtheta2, is how sharply the data tell theta: the estimate is, in
large samples, normal around the truth with covariance I^-1.
"""

import warnings
from contextlib import suppress
from dataclasses import replace
from numbers import Real

import numpy as np
from scipy import sparse
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._arrays import to_host
from .._ascent import Question
from .._data import OnDemand, Rows, Targets, check_data, column_moments, measured
from .._model import Firth, Network, Objective, standardised
from .._separation.endless import all_labels_likely, margins_along
from .._separation.programme import find_direction
from ..exceptions import SeparationWarning
from ..logistic_regression import GradientAscentLogisticRegression
from .fitted import Fitted, covariance_root, index_of, transformed
from .page import MLESummary


def mle_summary(
    estimator,
    X,
    y,
    *,
    sample_weight=None,
    feature_names=None,
    confidence=0.95,
    cov_type="nonrobust",
    groups=None,
    reference=None,
):
    """Standard errors, tests and measures of fit of a maximum likelihood estimate.

    Parameters
    ----------
    estimator : GradientAscentLogisticRegression, or Pipeline that ends in one
        Fitted without a penalty (C=inf), or with Firth's, and without class weights, to
        a single output. Its public `coef_` and `intercept_` are read. A pipeline
        transforms X; features are those that reach its last step.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The features that it was fitted to.
    y : array-like of shape (n_samples,)
        The labels that it was fitted to.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights that it was fitted with: how many times each sample counts. A weight
        of 2 is the sample twice, in the standard errors and the BIC too.
    feature_names : array-like of shape (n_features,), default=None
        By default those of a formula, or `feature_names_in_`, or x0, x1, ... without;
        of a pipeline what its steps call their output.
    confidence : float, default=0.95
        Of the intervals, between 0 and 1.
    cov_type : {"nonrobust", "HC0", "HC1", "cluster"}, default="nonrobust"
        The covariance: the inverse of the information; or the sandwich, which holds for
        a wrong likelihood too, as it is, times n / (n - n_parameters), or with samples
        of a group dependent on each other.
    groups : array-like of shape (n_samples,), default=None
        With "cluster": the group of each sample.
    reference : label, default=None
        The class that log-odds are against; None: the first.

    Returns
    -------
    summary : MLESummary

    Raises
    ------
    TypeError
        If the estimator is not a GradientAscentLogisticRegression.
    NotFittedError
        If it is not fitted.
    ValueError
        If it was fitted with C, class weights or several outputs; if another parameter
        is not usable; or if the observed information is singular: the message names
        collinear features.

    Warns
    -----
    ConvergenceWarning
        If the estimator is not at the maximum of the likelihood of these data.
    SeparationWarning
        If it tells the classes apart so well that there is no maximum, or some samples
        so certainly that there seems to be none. Parameters without a finite estimate
        then have no standard errors: a linear programme says which.

    See Also
    --------
    separation : Whether the maximum likelihood estimate exists.
    profile_intervals : Intervals that need no parabola.
    marginal_effects : What features do to probabilities.

    Notes
    -----
    A column of ones by the name of "Intercept" or "const", as formulas have it, is the
    intercept, under its own name: with or without another of the estimator's, of which
    it shows the sum.

    References
    ----------
    P. McCullagh & J. A. Nelder, *Generalized Linear Models*, 2nd edition (1989),
    chapters 4 and 5.

    H. White, "Maximum likelihood estimation of misspecified models", Econometrica 50
    (1982), 1-25. Of Firth's estimate: G. Heinze & M. Schemper, "A solution to the
    problem of separation in logistic regression", Statistics in Medicine 21 (2002).

    D. McFadden, "Conditional logit analysis of qualitative choice behavior", in
    *Frontiers in Econometrics* (1974), 105-142.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import mle_summary
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = X[:, [1, 4]]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> mle_summary(clf, X, y, feature_names=["texture", "smoothness"])
    Logistic regression: log-odds of class 1 against class 0
    <BLANKLINE>
    Observations                   569    Parameters                    3
    Log-likelihood           -273.2023    Null log-likelihood   -375.7200
    Likelihood ratio (2 df)   205.0353    p-value of the ratio    <0.0001
    AIC                       552.4047    BIC                    565.4363
    Pseudo-R2 (McFadden)        0.2729    Confidence                  95%
    <BLANKLINE>
                estimate  std_error       z  p_value    ci_low   ci_high
    --------------------------------------------------------------------
    texture      -0.2860     0.0298  -9.611  <0.0001   -0.3444   -0.2277
    smoothness  -78.1991     9.0541  -8.637  <0.0001  -95.9449  -60.4534
    intercept    13.7954     1.2374  11.148  <0.0001   11.3700   16.2207
    """
    options = sample_weight, feature_names, confidence, reference
    found = examined(estimator, X, y, *options)
    root = covariance_root(found, cov_type, groups)
    return replace(found.summary, cov_type=cov_type, **_errors(root))


def examined(
    given, X, y, sample_weight=None, feature_names=None, confidence=0.95, reference=None
):
    """The estimate, and the data, as :func:`mle_summary` takes them, in a `Fitted`."""
    index = index_of(X)
    estimator = given[-1] if isinstance(given, Pipeline) else given
    _check_estimator(estimator)
    if estimator is not given:
        X = transformed(given, X)
        if feature_names is None:
            with suppress(AttributeError):  # of a step that has no names for its output
                feature_names = given[:-1].get_feature_names_out()
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        percent = isinstance(confidence, Real) and 1 < confidence < 100
        hint = f": {confidence / 100:g} is {confidence:g}%" if percent else ""
        raise ValueError(
            f"confidence must be between 0 and 1, got {confidence!r}{hint}."
        )
    if feature_names is None and hasattr(X, "design_info"):  # patsy's
        feature_names = X.design_info.column_names
    X, y, sample_weight = (to_host(of) for of in (X, y, sample_weight))
    X, y, weights = check_data(estimator, X, y, sample_weight, reset=False)
    names = _names(estimator, feature_names, X.shape[1])
    targets = Targets(estimator.classes_)
    classes = targets.per_output[0]
    codes = targets.encode(y)
    weights = np.ones(len(codes)) if weights is None else weights.astype(np.float64)
    per_class = np.bincount(codes[:, 0], weights, len(classes))
    if np.any(per_class == 0):
        raise ValueError(
            "Every class that the estimator knows must have samples of positive weight"
            f"; these have none in y: {classes[per_class == 0].tolist()}."
        )
    order = _reference_first(classes, reference)
    counting, n_samples = np.flatnonzero(weights), len(weights)
    if np.any(weights == 0):
        X, codes, weights = X[counting], codes[counting], weights[counting]
    intercept = bool(estimator.fit_intercept)
    W, b = (np.asarray(to_host(of), float) for of in estimator._layers[0])
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError("coef_ and intercept_ must be finite.")
    if not intercept and b.any():
        raise ValueError("With fit_intercept=False, intercept_ must be zeros.")

    has_intercept, place = intercept, _intercept_column(X, names)
    if place is not None:  # a formula's: it stands for the estimator's own, too
        W = W + b * (np.arange(len(W)) == place)[:, None]  # no change to coef_
        has_intercept, intercept = True, False
    what = "constant, as the intercept is" if intercept else "always 0"
    mean, deviation = column_moments(Rows(X, codes, weights))
    if not intercept:  # but for their size, columns are not to be shifted
        mean, deviation = np.zeros_like(mean), np.hypot(mean, deviation)
    constant = deviation <= 8 * np.finfo(X.dtype).eps * np.abs(mean)
    if constant.any():
        raise _singular(names, constant, f"is {what}. Leave such features out.")
    # Collinear columns are so up to the rounding of their values.
    rounding = np.finfo(X.dtype).eps * (1 + np.max(np.abs(mean / deviation)))
    tol = min(max(1e-12, 10 * rounding), 1e-4)
    X = X.astype(float, copy=False) if sparse.issparse(X) else OnDemand(X, float)
    rows, network = Rows(X, codes, weights), Network(W.shape, "identity", intercept)
    objective = Objective(network, targets.likelihood, rows, reduction="sum")
    objective = standardised(objective, measured(rows))
    theta = network.flatten([(W, b)])
    hill = Firth(objective) if estimator.penalty else objective
    here = hill.answer(Question(objective.at(theta), 2))
    F, flat = _root_of_inverse(here, tol)
    if flat.size:
        # Where all classes are as likely as each other, only features can be the cause.
        start = objective.evaluate(np.zeros_like(theta), curvature=True)
        _, collinear = _root_of_inverse(start, tol)
        reason = (
            "have no curvature along some direction, where all probabilities are 0 or "
            "1: the classes probably separate; see skneuron.inference.separation."
        )
        if collinear.size:
            flat = collinear
            reason = f"are collinear: a weighted sum of them is {what}. Leave out some."
        share = np.linalg.norm(flat.reshape(len(names) + intercept, -1), axis=1)
        raise _singular(names, share > 1e-5, reason)

    doubt = _doubt(objective, targets, here, F, estimator.penalty)
    separated = False
    if doubt is not None:
        warnings.warn(doubt, stacklevel=3)
        if isinstance(doubt, SeparationWarning):
            separated = _separated(rows, len(classes), intercept, order)

    # The root of the covariance of the parameters, of the features as they are.
    columns = map(objective.parameters, F.T)
    root = np.stack([_contrasts(of, W.shape[1], order) for of in columns], axis=1)
    total = float(weights.sum())
    null = -total * np.log(len(classes))
    if has_intercept:
        null = xlogy(per_class, per_class / total).sum()
    summary = MLESummary(
        names=[*names, "intercept"] if intercept else names,
        fit_intercept=has_intercept,
        classes=classes[order],
        estimate=_contrasts(theta, W.shape[1], order),
        **_errors(root),
        n_observations=total,
        log_likelihood=here.log_likelihood,
        null_log_likelihood=float(null),
        confidence=float(confidence),
        penalty=estimator.penalty,
        separated=separated,
        lr_statistic=estimator.penalty and _penalised_ratio(hill, here, per_class),
    )
    at = rows, counting, n_samples, index, order
    return Fitted(given, summary, root, *at, hill, objective.at(theta), F)


def _errors(root):
    """The figures that a root of the covariance gives."""
    return {"std_error": np.linalg.norm(root, axis=1), "covariance": root @ root.T}


def _reference_first(classes, reference):
    """The codes of the classes, that of the reference first."""
    if reference is not None and reference not in classes.tolist():
        raise ValueError(
            f"reference must be one of the classes {classes.tolist()}, got "
            f"{reference!r}."
        )
    return np.argsort([label != reference for label in classes], kind="stable")


def _separated(rows, n_classes, intercept, order):
    """Which parameters grow without end, as far as a linear programme finds out."""
    try:
        kind, W, b = find_direction(rows.X[:], rows.codes[:, 0], n_classes, intercept)
    except RuntimeError:  # not solved
        return False
    direction = np.vstack([W, b]) if intercept else W
    direction = _contrasts(direction, n_classes, order).reshape(n_classes - 1, -1)
    grows = np.abs(direction) > 1e-7 * np.abs(direction).max(axis=0)
    # Of complete separation, directions all around separate, too.
    return grows.ravel() | (kind == "complete")


def _penalised_ratio(hill, here, per_class):
    """The likelihood-ratio statistic, both likelihoods with the whole model's penalty.

    With no weights but the intercept's all probabilities are one, and the determinant
    is a multiple of ``(p (1 - p))^n_parameters``.
    """
    network, n_parameters = hill.objective.network, hill.objective.n_parameters
    null = np.zeros(n_parameters)
    if network.fit_intercept:
        null[-1] = np.diff(np.log(per_class + n_parameters / 2))[0]
    there = hill.answer(Question(hill.objective.at(null)))
    return float(2 * (here.value - there.value))


def _check_estimator(estimator):
    if not isinstance(estimator, GradientAscentLogisticRegression):
        is_search = hasattr(estimator, "best_estimator_")
        hint = " Of a search pass its best_estimator_." if is_search else ""
        raise TypeError(
            "estimator must be a fitted GradientAscentLogisticRegression, got "
            f"{estimator!r}.{hint}"
        )
    check_is_fitted(estimator)
    if isinstance(estimator.classes_, list):
        raise ValueError(
            f"The estimator has {len(estimator.classes_)} outputs, and a summary is of "
            "one: fit and summarise an estimator for each column of y."
        )
    if np.isfinite(estimator.C):
        raise ValueError(
            f"The estimator was fitted with a penalty, C={estimator.C}: it is not a "
            "maximum likelihood estimate, whose standard errors these are. Fit it with "
            "C=np.inf."
        )
    if estimator.class_weight is not None:
        raise ValueError(
            f"The estimator was fitted with class_weight={estimator.class_weight!r}: a "
            "likelihood weighted by class has no such standard errors. Fit it with "
            "class_weight=None; if samples do count several times, say so with "
            "sample_weight, to fit and to mle_summary."
        )


def _names(estimator, feature_names, n_features):
    if feature_names is None:
        return list(_check_feature_names_in(estimator))
    if isinstance(feature_names, str) or len(feature_names) != n_features:
        raise ValueError(
            f"feature_names must be {n_features} names, one for each feature; got "
            f"{feature_names!r}."
        )
    return [str(name) for name in feature_names]


def _intercept_column(X, names):
    """The place of a column of ones that is named as formulas do; None: there is none.

    That is "Intercept", by patsy and formulaic, and "const", by statsmodels.
    """
    for place, name in enumerate(names):
        if name.lower() in ("intercept", "const"):
            at = X[:, [place]].toarray() if sparse.issparse(X) else X[:][:, place]
            return place if np.all(at == 1) else None
    return None


def _doubt(objective, targets, here, F, penalty):
    """The warning, if any, that the estimate is not at a maximum."""
    off_top = F.T @ here.gradient  # in standard errors
    if not penalty and all_labels_likely(here.log_likelihood, objective.rows):
        return SeparationWarning(
            "The estimator tells all samples right, and certainly: the classes "
            "separate completely, the maximum likelihood estimate does not exist, and "
            "standard errors mean nothing. skneuron.inference.separation(X, y) says "
            "along which direction."
        )
    if (distance := np.linalg.norm(off_top)) > 0.05:
        return ConvergenceWarning(
            f"The estimator is {distance:.2g} standard errors from the maximum of the "
            "likelihood of these data. Pass the X, y and sample_weight that it was "
            "fitted to; if they are, fit it longer: with learning_rate='auto', a "
            "larger max_iter or a smaller tol."
        )
    if penalty:
        return None
    step = F @ off_top
    if np.all(np.abs(step) <= 1e-6 * np.abs(here.theta)):
        return None  # what an absurd value makes of the estimate's rounding
    lowest, largest = margins_along(objective, targets, step)
    if (move := max(largest[0], -lowest[0])) > 0.1:
        return SeparationWarning(
            f"One more step of Newton's would move log-odds by {move:.2g}, as happens "
            "where the classes separate, if only along some direction: the maximum "
            "likelihood estimate does not exist, and standard errors along that "
            "direction mean nothing. skneuron.inference.separation(X, y) says whether, "
            "and along which."
        )
    return None


def _contrasts(theta, n_logits, order):
    """What each class has on the first of an order, class by class, flat."""
    of = theta.reshape(-1, n_logits)
    of = of if n_logits > 1 else np.pad(of, ((0, 0), (1, 0)))  # the second of two's
    return (of[:, order[1:]] - of[:, order[:1]]).T.ravel()


def _root_of_inverse(here, tol):
    """F with F F^T the inverse of the information, and where there is none, flat.

    By a root of the information, whose condition is the square of its root's. What
    stands in the place of the shift of all logits, which softmax cannot see, is no
    difference of any two, and of those are all estimates.
    """
    _, (R,) = here.roots()
    unit = np.linalg.norm(R, axis=0)
    unit[unit == 0] = 1.0
    _, values, rows = np.linalg.svd(R / unit)
    flat = values <= tol * values[0]
    lengths = np.where(flat, 1.0, values)
    return rows.T / lengths / unit[:, None], rows[flat].T


def _singular(names, involved, reason):
    found = [repr(name) for name, is_one in zip(names, involved) if is_one]
    listed = ", ".join(found[:20]) + (", ..." if len(found) > 20 else "")
    return ValueError(f"The information is singular: {listed} {reason}")
