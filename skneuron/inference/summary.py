"""The inference that a maximum likelihood estimate brings.

Near its top the log-likelihood is a parabola, and its curvature there, the observed
information I = -d2LL/dtheta2, is how sharply the data tell theta: the estimate is, in
large samples, normal around the truth with covariance I^-1.

Other covariances hold where the likelihood does not, or samples hang together. The
estimate is where the scores sum to 0. It moves by I^-1 times their sum, so that its
covariance is I^-1 M I^-1, M that of the sum (Huber, 1967; White, 1982).
"""

import warnings
from collections import namedtuple
from contextlib import suppress
from dataclasses import replace
from numbers import Real

import numpy as np
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._arrays import is_sparse, product, to_host
from .._ascent import Question
from .._data import OnDemand, Rows, Targets, check_data, column_moments, measured
from .._data.reading import rows_that_count
from .._model import Firth, Network, Objective, standardised
from .._peers import check_kind, last_step
from .._separation.endless import all_labels_likely, margins_along
from .._separation.programme import find_direction
from ..exceptions import SeparationWarning
from ..logistic_regression import GradientAscentLogisticRegression
from .page import MLESummary

#: The kinds of covariances.
COV_TYPES = ["nonrobust", "HC0", "HC1", "cluster"]


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
    fitted = examined(estimator, X, y, *options)
    covariance = _covariance(covariance_root(fitted, cov_type, groups))
    return replace(fitted.summary, cov_type=cov_type, covariance=covariance)


def examined(
    given, X, y, sample_weight=None, feature_names=None, confidence=0.95, reference=None
):
    """The estimate, and the data, as :func:`mle_summary` takes them, in a `Fitted`."""
    index = index_of(X)
    estimator, X = last_step(given, X)
    _check_estimator(estimator)
    if estimator is not given and feature_names is None:
        with suppress(AttributeError):  # of a step that has no names for its output
            feature_names = given[:-1].get_feature_names_out()
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(f"confidence must be between 0 and 1, not %: {confidence!r}.")
    if feature_names is None and hasattr(X, "design_info"):  # patsy's
        feature_names = X.design_info.column_names
    data = map(to_host, (X, y, sample_weight))
    X, y, weights = check_data(estimator, *data, reset=False)
    if feature_names is None:
        feature_names = _check_feature_names_in(estimator)
    if isinstance(feature_names, str) or len(feature_names) != X.shape[1]:
        raise ValueError(f"feature_names must be {X.shape[1]} names: {feature_names}.")
    names = [str(name) for name in feature_names]
    targets = Targets(estimator.classes_)
    (classes,), codes = targets.per_output, targets.encode(y)
    labels = classes.tolist()
    if reference is not None and reference not in labels:
        raise ValueError(f"reference={reference!r} must be among the classes {labels}.")
    order = np.argsort([label != reference for label in labels], kind="stable")
    weights = np.ones(len(codes)) if weights is None else weights.astype(np.float64)
    per_class = np.bincount(codes[:, 0], weights, len(classes))
    if len(absent := classes[per_class == 0]):
        raise ValueError(f"Classes of which no sample counts in y: {absent.tolist()}.")
    intercept = bool(estimator.fit_intercept)
    W, b = (np.asarray(to_host(of), float) for of in estimator._layers[0])
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError("coef_ and intercept_ must be finite.")
    if not intercept and b.any():
        raise ValueError("With fit_intercept=False, intercept_ must be zeros.")

    eps = np.finfo(X.dtype).eps  # what rounding has left of the values
    X = X.astype(float, copy=False) if is_sparse(X) else OnDemand(X, float)
    rows = rows_that_count(Rows(X, codes, weights))
    mean, deviation = column_moments(rows)
    # A formula's intercept, of patsy or statsmodels: it stands for the estimator's too.
    ones = np.isin([name.lower() for name in names], ["intercept", "const"])
    ones &= (deviation == 0) & np.isclose(mean, 1.0, rtol=1e-12)
    has_intercept = bool(intercept or ones.any())
    W, intercept = W + b * ones[:, None], intercept and not ones.any()
    what = "constant, as the intercept is" if intercept else "always 0"
    if not intercept:  # but for their size, columns are not to be shifted
        mean, deviation = np.zeros_like(mean), np.hypot(mean, deviation)
    constant = deviation <= 8 * eps * np.abs(mean)
    if constant.any():
        raise _singular(names, constant, f"is {what}. Leave such features out.")
    tol = np.clip(10 * eps * (1 + np.max(np.abs(mean / deviation))), 1e-12, 1e-4)
    network = Network(W.shape, "identity", intercept)
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
        share = np.linalg.norm(flat.reshape(objective.n_inputs, -1), axis=1)
        raise _singular(names, share > 1e-5, reason)

    def contrasts(theta):
        """What each class of the order has on the first, (n_classes, n_inputs)."""
        of = theta.reshape(objective.n_inputs, -1)
        of = of if of.shape[1] > 1 else np.pad(of, ((0, 0), (1, 0)))  # the second's
        return (of[:, order] - of[:, order[:1]]).T

    by_class = contrasts(theta)
    separated = np.zeros(by_class.shape, bool)
    doubt = _doubt(objective, targets, here, F, estimator.penalty)
    if doubt is not None:
        warnings.warn(doubt, stacklevel=3)
    if isinstance(doubt, SeparationWarning):
        with suppress(RuntimeError):  # a programme that is not solved
            table = rows.X[:], rows.codes[:, 0]
            kind, W, b = find_direction(*table, len(classes), intercept)
            along = abs(contrasts(np.vstack([W, b])[: objective.n_inputs]))
            # Of complete separation, directions all around separate, too.
            separated = (along > 1e-7 * along.max(axis=0)) | (kind == "complete")
    # The root of the covariance of the parameters, of the features as they are.
    root = np.stack([contrasts(objective.parameters(of)) for of in F.T], axis=2)
    shares = per_class if has_intercept else np.ones(len(classes))
    null = -rows.total_weight * float(entropy(shares))
    lowest = null
    if estimator.penalty:
        # Of the null model all probabilities are one, and the determinant is a multiple
        # of `(p (1 - p))^n_parameters`.
        logit = np.diff(np.log(per_class + len(theta) / 2))[0]
        start = logit * np.append(ones, intercept)[: len(theta)]
        lowest = hill.answer(Question(objective.at(start))).value
    summary = MLESummary(
        names=[*names, "intercept"] if intercept else names,
        fit_intercept=has_intercept,
        classes=classes[order],
        estimate=by_class[1:].ravel(),
        covariance=_covariance(root),
        n_observations=rows.total_weight,
        log_likelihood=here.log_likelihood,
        null_log_likelihood=null,
        confidence=float(confidence),
        penalty=estimator.penalty,
        separated=separated[1:].ravel(),
        lr_statistic=float(2 * (here.value - lowest)),
    )
    counts = weights > 0
    index = np.flatnonzero(counts) if index is None else index[counts]
    figures = summary, by_class, root, separated
    return Fitted(*figures, rows, counts, index, order, hill, here.theta, F)


def _check_estimator(estimator):
    check_kind("estimator", estimator, GradientAscentLogisticRegression)
    check_is_fitted(estimator)
    if isinstance(estimator.classes_, list):
        raise ValueError(
            f"The estimator has {len(estimator.classes_)} outputs, and a summary is of "
            "one: fit and summarise an estimator for each column of y."
        )
    for name, plain in {"C": np.inf, "class_weight": None}.items():
        if (value := getattr(estimator, name)) != plain:
            raise ValueError(
                f"The estimator was fitted with {name}={value!r}, not {plain}: that is "
                "no maximum likelihood estimate, whose standard errors these are. "
                "Samples that count several times are a matter of sample_weight."
            )


def _doubt(objective, targets, here, F, penalty):
    """The warning, if any, that the estimate is not at a maximum."""
    off_top = F.T @ here.gradient  # in standard errors
    if not penalty and all_labels_likely(here.log_likelihood, objective.rows):
        sign = "The estimator tells all samples right, and certainly, as happens where "
        sign += "the classes separate completely"
    elif (distance := np.linalg.norm(off_top)) > 0.05:
        return ConvergenceWarning(
            f"The estimator is {distance:.2g} standard errors from the maximum of the "
            "likelihood of these data. Pass the X, y and sample_weight that it was "
            "fitted to; if they are, fit it longer: with learning_rate='auto', a "
            "larger max_iter or a smaller tol."
        )
    else:
        step = F @ off_top
        # What an absurd value makes of the estimate's rounding is no step.
        if penalty or np.all(np.abs(step) <= 1e-6 * np.abs(here.theta)):
            return None
        lowest, largest = margins_along(objective, targets, step)
        if (move := max(largest[0], -lowest[0])) <= 0.1:
            return None
        sign = f"One more step of Newton's would move log-odds by {move:.2g}, as "
        sign += "happens where the classes separate, if only along some direction"
    return SeparationWarning(
        f"{sign}. The maximum likelihood estimate then does not exist, and standard "
        "errors along that direction mean nothing. skneuron.inference.separation(X, y) "
        "says whether, and along which."
    )


def _root_of_inverse(here, tol):
    """F with F F^T the inverse of the information, and where there is none, flat.

    By a root of the information, whose condition is the square of its root's. What
    stands in the place of the shift of all logits, which softmax cannot see, is no
    difference of any two, and of those are all estimates.
    """
    (R,) = here.roots()
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


Fields = namedtuple(
    "Fields", "summary weights root separated rows counts index order hill theta axes"
)


class Fitted(Fields):
    """An estimate and its data, read once.

    Classes are in the summary's order, whose first is the reference.

    Attributes
    ----------
    summary : MLESummary
        With the covariance that the information gives.
    weights : array of shape (n_classes, n_inputs)
        Of the log-odds of each class against the reference.
    root : array of shape (n_classes, n_inputs, n_coordinates)
        A root of their covariance: of the reference, 0.
    separated : bool array of shape (n_classes, n_inputs)
        Which of them have no finite estimate.
    rows : Rows
        Those that have a weight.
    counts : bool array of shape (n_samples,)
        Which of the samples that were given these are.
    index : pandas.Index, or array of shape (n_rows,)
        What the rows are called: their places among the samples, if nobody says.
    order : array of shape (n_classes,)
        The codes of the classes.
    hill : Objective or Firth
        What the estimate is the top of.
    theta, axes : arrays of shape (n_coordinates,), (n_coordinates, n_coordinates)
        The top's coordinates, and a root of the covariance there.
    """

    __slots__ = ()

    def probabilities(self, X):
        """Those of all classes, (n_rows, n_classes)."""
        return softmax(product(X, self.weights.T), axis=1)

    def blocks(self, n_numbers):
        """Yield each block of rows, and its probabilities."""
        for block in self.rows.blocks(n_numbers + 4 * len(self.order)):
            yield block, self.probabilities(block.X)


def index_of(X):
    """What the rows of a pandas frame are called; None of others."""
    return X.index if hasattr(X, "iloc") else None


def _covariance(root):
    """The covariance of the parameters, class by class, by a root of it."""
    root = np.concatenate(root[1:])
    return root @ root.T


def covariance_root(fitted, cov_type, groups):
    """The root of the covariance of a kind, (n_classes, n_inputs, any).

    M is the sum of the scores' squares (HC0); or that of the squares of the sums of G
    groups, times G / (G - 1) (n - 1) / (n - p) (cluster), where each sample may be a
    group of its own (HC1). The rows of separated parameters are NaN.
    """
    if cov_type not in COV_TYPES:
        raise ValueError(f"cov_type must be one of {COV_TYPES}, got {cov_type!r}.")
    if fitted.summary.penalty and cov_type != "nonrobust":
        raise ValueError(f"cov_type={cov_type!r} is not for penalty='firth'.")
    if (groups is None) == (cov_type == "cluster"):
        raise ValueError("groups go with cov_type='cluster', and with that alone.")
    root, n, weights = fitted.root, fitted.rows.total_weight, fitted.rows.weights
    known = np.where(fitted.separated, np.nan, 1.0)[..., None]
    if cov_type == "nonrobust":
        return known * root
    moves, n_parameters = [], len(fitted.summary.estimate)
    for block, p in fitted.blocks(len(root) * root.shape[2]):
        residual = (block.codes == fitted.order) - p
        parts = [product(block.X, of) for of in root]
        moves.append(np.einsum("nc,cnr->nr", residual, parts))
    moves = np.concatenate(moves)
    sums, n_groups = np.sqrt(weights)[:, None] * moves, n
    if cov_type == "cluster":
        groups, names = np.asarray(groups), []
        if groups.shape == fitted.counts.shape:
            names, groups = np.unique(groups[fitted.counts], return_inverse=True)
        if (n_groups := len(names)) < 2:
            raise ValueError(
                f"groups must name a group for each of {len(fitted.counts)} samples, "
                f"two at least; got an array of shape {groups.shape}."
            )
        sums = np.stack([np.bincount(groups, weights * of) for of in moves.T], axis=1)
    if cov_type != "HC0":
        sums = sums * np.sqrt(n_groups / (n_groups - 1) * (n - 1) / (n - n_parameters))
    return known * root @ np.linalg.qr(sums, mode="r").T
