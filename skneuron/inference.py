"""The inference that a maximum likelihood estimate brings.

Near its top the log-likelihood is a parabola, and its curvature there, the observed
information I = -d2LL/dtheta2, is how sharply the data tell theta: the estimate is, in
large samples, normal around the truth with covariance I^-1.
"""

import warnings
from numbers import Real

import numpy as np
from scipy import sparse
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from ._arrays import to_host
from ._labels import check_data
from ._model import Network, Objective, Rows, Targets, column_moments
from ._separation import Separation, separation
from ._summary import MLESummary
from .exceptions import SeparationWarning
from .logistic_regression import GradientAscentLogisticRegression

__all__ = ["MLESummary", "Separation", "mle_summary", "separation"]


def mle_summary(
    estimator, X, y, *, sample_weight=None, feature_names=None, confidence=0.95
):
    """Standard errors, tests and measures of fit of a maximum likelihood estimate.

    Parameters
    ----------
    estimator : GradientAscentLogisticRegression
        Fitted without a penalty (C=inf) and without class weights, to a single output.
        Its public `coef_` and `intercept_` are read.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The features that it was fitted to.
    y : array-like of shape (n_samples,)
        The labels that it was fitted to.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights that it was fitted with: how many times each sample counts. A weight
        of 2 is the sample twice, in the standard errors and the BIC too.
    feature_names : array-like of shape (n_features,), default=None
        By default `feature_names_in_`, or x0, x1, ... without those.
    confidence : float, default=0.95
        Of the intervals, between 0 and 1.

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
        If it was fitted with a penalty, class weights or several outputs; if X, y,
        sample_weight, feature_names or confidence is not usable; or if the observed
        information is singular: the message names collinear features.

    Warns
    -----
    ConvergenceWarning
        If the estimator is not at the maximum of the likelihood of these data.
    SeparationWarning
        If it tells the classes apart so well that there is no maximum, or some samples
        so certainly that there seems to be none.

    See Also
    --------
    separation : Whether the maximum likelihood estimate exists.

    References
    ----------
    P. McCullagh & J. A. Nelder, *Generalized Linear Models*, 2nd edition (1989),
    chapters 4 and 5.

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
    _check_estimator(estimator)
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}.")
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
    if np.any(weights == 0):
        counting = np.flatnonzero(weights)
        X, codes, weights = X[counting], codes[counting], weights[counting]
    intercept = bool(estimator.fit_intercept)
    learned = estimator.coef_.T, estimator.intercept_
    W, b = (np.asarray(to_host(of), float) for of in learned)
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError("coef_ and intercept_ must be finite.")
    if not intercept and b.any():
        raise ValueError("With fit_intercept=False, intercept_ must be zeros.")

    rows = Rows(X, codes, weights)
    mean, scale = _units(rows, intercept, names)
    log_likelihood, gradient, information, gram = _evaluate(
        rows, W, b if intercept else None, targets.likelihood, mean, scale
    )
    noise = np.finfo(X.dtype).eps * (1 + np.max(np.abs(mean / scale)))
    # Collinear columns are so up to the rounding of their values.
    tol = min(max(1e-12, 100 * noise**2), 1e-8)
    F = _root_of_inverse(information, gram, tol, names, intercept)

    if log_likelihood > -np.log(2) * weights.min():  # all probabilities above 1/2
        warnings.warn(
            "The estimator tells all samples right, and certainly: the classes "
            "separate completely, the maximum likelihood estimate does not exist, and "
            "standard errors mean nothing. skneuron.inference.separation(X, y) says "
            "along which direction.",
            SeparationWarning,
            stacklevel=2,
        )
    elif (distance := np.linalg.norm(F.T @ gradient.ravel())) > 0.05:
        warnings.warn(
            f"The estimator is {distance:.2g} standard errors from the maximum of the "
            "likelihood of these data. Pass the X, y and sample_weight that it was "
            "fitted to; if they are, fit it longer: with learning_rate='auto', a "
            "larger max_iter or a smaller tol.",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif (move := _newtons_move(rows, F, gradient, mean, scale)) > 0.1:
        warnings.warn(
            f"One more step of Newton's would move log-odds by {move:.2g}, as happens "
            "where the classes separate, if only along some direction: the maximum "
            "likelihood estimate does not exist, and standard errors along that "
            "direction mean nothing. skneuron.inference.separation(X, y) says whether, "
            "and along which.",
            SeparationWarning,
            stacklevel=2,
        )

    # Back to the features as they are: W = W' / s and b = b' - m^T W, on the root.
    root = F.reshape(len(W) + intercept, -1, F.shape[1])
    root[: len(W)] /= scale[:, None, None]
    theta = np.concatenate([W, b[None]]) if intercept else W
    if intercept:
        root[-1] -= np.tensordot(mean, root[:-1], axes=1)
    root = root.transpose(1, 0, 2).reshape(F.shape)
    if theta.shape[1] > 1:
        theta = theta[:, 1:] - theta[:, :1]
    total = float(weights.sum())
    null = xlogy(per_class, per_class / total).sum()
    return MLESummary(
        names=[*names, "intercept"] if intercept else names,
        fit_intercept=intercept,
        classes=classes,
        estimate=theta.T.ravel(),
        std_error=np.linalg.norm(root, axis=1),
        covariance=root @ root.T,
        n_observations=total,
        log_likelihood=log_likelihood,
        null_log_likelihood=float(null if intercept else -total * np.log(len(classes))),
        confidence=float(confidence),
    )


def _check_estimator(estimator):
    if not isinstance(estimator, GradientAscentLogisticRegression):
        hint = ""
        if hasattr(estimator, "steps"):
            hint = (
                " Of a pipeline pass the last step, with the data transformed by the "
                "others: mle_summary(pipeline[-1], pipeline[:-1].transform(X), y)."
            )
        elif hasattr(estimator, "best_estimator_"):
            hint = " Of a search pass its best_estimator_."
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
    names = feature_names
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return [f"x{i}" for i in range(n_features)]
    if isinstance(names, str) or len(names) != n_features:
        raise ValueError(
            f"feature_names must be {n_features} names, one for each feature; got "
            f"{feature_names!r}."
        )
    return [str(name) for name in names]


def _units(rows, intercept, names):
    """Mean and deviation of each feature; without intercepts, 0 and its size."""
    mean, deviation = column_moments(rows)
    if not intercept:
        mean, deviation = np.zeros_like(mean), np.hypot(mean, deviation)
    constant = deviation <= 8 * np.finfo(rows.X.dtype).eps * np.abs(mean)
    if np.any(constant):
        found = ", ".join(repr(names[j]) for j in np.flatnonzero(constant))
        raise ValueError(
            f"The information is singular: {found} "
            + ("is constant, as the intercept is" if intercept else "is always 0")
            + ". Leave such features out."
        )
    return mean, deviation


def _evaluate(rows, W, b, likelihood, mean, scale):
    """Log-likelihood, its gradient and information; and the features' Gram matrix.

    All in the coordinates of standardised features and, of k classes, of the last k - 1
    relative to the first: gradient (n_inputs, k - 1), information (n_inputs, k - 1,
    n_inputs, k - 1).
    """
    intercept = b is not None
    n_logits = W.shape[1]
    network = Network([len(W), n_logits], "identity", intercept)
    theta = network.flatten([(W * scale[:, None], b + mean @ W if intercept else None)])
    width = len(W) + intercept
    log_likelihood, gram = 0.0, np.zeros((len(W), len(W)))
    gradient = np.zeros((width, n_logits))
    curvature = np.zeros((width, n_logits, width, n_logits))
    for block in rows.blocks(width):
        Z = block.X.toarray() if sparse.issparse(block.X) else block.X
        Z = Z.astype(np.float64)  # a copy, of a block
        Z -= mean
        Z /= scale
        block = Rows(Z, block.codes, block.weights)
        objective = Objective(network, likelihood, block, reduction="sum")
        here = objective.evaluate(theta, curvature=True)
        log_likelihood += here.log_likelihood
        gradient += here.gradient.reshape(gradient.shape)
        ((_, matrix),) = here.curvature
        curvature += matrix.reshape(curvature.shape)
        gram += Z.T @ (Z * block.weights[:, None])
    if n_logits > 1:
        # The first class's logit is 0: theta = E beta, up to a shift of all logits,
        # which softmax cannot see; nor does E^T E pick up what stands there instead.
        E = np.eye(n_logits)[:, 1:] - 1 / n_logits
        gradient = gradient @ E
        curvature = np.einsum("iajc,ab,cd->ibjd", curvature, E, E, optimize=True)
    return log_likelihood, gradient, curvature, gram


def _newtons_move(rows, F, gradient, mean, scale):
    """By how much Newton's step moves a log-odds, at most: next to nothing at a top."""
    step = (F @ (F.T @ gradient.ravel())).reshape(gradient.shape)
    W = step[: len(scale)] / scale[:, None]
    b = step[len(scale) :].sum(axis=0) - mean @ W
    return max(np.abs(block.X @ W + b).max() for block in rows.blocks(W.shape[1]))


def _root_of_inverse(information, gram, tol, names, intercept):
    """F with F F^T the inverse of the information; ValueError if there is none."""
    width, several = information.shape[:2]
    size = width * several
    matrix = information.reshape(size, size)
    unit = np.sqrt(np.clip(matrix.diagonal(), 0, None))
    null, vectors = np.ones(1, dtype=bool), np.diag(unit == 0)[:, unit == 0]
    if np.all(unit > 0):
        values, vectors = np.linalg.eigh(matrix / unit / unit[:, None])
        null = values <= tol * values[-1]
        if not null.any():
            return vectors / np.sqrt(values) / unit[:, None]
        vectors = vectors[:, null]
    # Is it the features, or is it that probabilities are 0 and 1 in some direction?
    values, directions = np.linalg.eigh(gram)
    collinear = directions[:, values <= tol * values[-1]]
    if collinear.size:
        what = "constant, as the intercept is" if intercept else "always 0"
        reason = f"are collinear: a weighted sum of them is {what}. Leave out some."
    else:
        collinear = np.linalg.norm(vectors.reshape(width, -1), axis=1)[: len(names)]
        collinear = collinear[:, None]
        reason = (
            "have no curvature along some direction, where all probabilities are 0 or "
            "1: the classes probably separate; see skneuron.inference.separation."
        )
    share = np.linalg.norm(collinear, axis=1)
    found = [repr(name) for name, s in zip(names, share, strict=True) if s > 1e-5]
    listed = ", ".join(found[:20]) + (", ..." if len(found) > 20 else "")
    raise ValueError(f"The information is singular: {listed} {reason}")
