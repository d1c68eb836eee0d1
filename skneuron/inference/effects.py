"""What features do to probabilities, how sure these are, and what samples do to all.

By the delta method: a function of the estimate with derivative J has about the variance
J C J^T. With log-odds eta_m of class m against the reference, dp_c / deta_m =
p_c ([c = m] - p_m).
"""

import numpy as np
from scipy.special import expit, log_expit, logsumexp, ndtri, softmax

from .._arrays import adjoint, product, to_host
from .._data import check_features, take_rows
from .._peers import last_step
from .page import frame_by_class, wald_figures
from .summary import covariance_root, examined, index_of


def marginal_effects(
    estimator, X, y, *, at="overall", cov_type="nonrobust", groups=None, **options
):
    """What a feature's rise does to the probabilities of the classes.

    Parameters
    ----------
    estimator, X, y : as :func:`mle_summary` takes them
    at : {"overall", "mean"}, default="overall"
        The mean of the samples' effects, by weight; or the effects on a sample that has
        the mean of every feature.
    cov_type, groups : as :func:`mle_summary` takes them
    **options : dict
        `sample_weight`, `feature_names`, `confidence` and `reference`, as well.

    Returns
    -------
    frame : DataFrame of shape (n_effects, 6)
        Columns effect (the change of the probability, for a unit of the feature),
        std_error, z, p_value, ci_low and ci_high. For two classes, of the probability
        of the second (not the reference), the index holding features' names; for more,
        of that of every class, (class, name).

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`mle_summary` does; and if `at` is neither.
    ImportError
        If pandas is not installed.

    Notes
    -----
    Every feature is taken for a continuous one: effects are derivatives.

    References
    ----------
    W. H. Greene, *Econometric Analysis*, 7th edition (2012), section 17.3.2.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import marginal_effects
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> X = X[["mean texture", "mean smoothness"]]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> marginal_effects(clf, X, y)[["effect", "std_error"]].round(4)
                      effect  std_error
    mean texture     -0.0452     0.0031
    mean smoothness -12.3449     1.0707
    """
    if at not in ("overall", "mean"):
        raise ValueError(f"at must be 'overall' or 'mean', got {at!r}.")
    fitted = examined(estimator, X, y, **options)
    root = covariance_root(fitted, cov_type, groups)
    rows, total = fitted.rows, fitted.summary.n_observations
    B, d = fitted.weights, rows.X.shape[1]
    blocks = ((b.X, b.weights, p) for b, p in fitted.blocks(4 * B.size))
    if at == "mean":
        mean = sum(adjoint(X, w[:, None], d) for X, w, _ in blocks).T / total
        blocks = [(mean, np.array([total]), fitted.probabilities(mean))]
    k, n_inputs = B.shape
    effects, slopes = np.zeros((k, d)), np.zeros((k, d, k, n_inputs))
    for X, w, p in blocks:
        share = (w / total)[:, None]
        slope = B[:, None, :d] - p @ B[:, :d]  # of log p_c in the feature, by row
        effects += np.einsum("nc,cnj->cj", share * p, slope)
        for c, m in np.ndindex(k, k):
            both = share * p[:, [c]] * p[:, [m]]
            moved = (c == m) * share * p[:, [c]] - both
            by_feature = moved * slope[c] - both * slope[m]
            slopes[c, :, m] += adjoint(X, by_feature, n_inputs).T
            slopes[c, range(d), m, range(d)] += moved.sum()
    std_error = np.linalg.norm(np.einsum("cjml,mlr->cjr", slopes, root), axis=2)
    shown, summary = slice(k == 2, None), fitted.summary
    figures = wald_figures(effects[shown], std_error[shown], summary.confidence)
    frame = frame_by_class(figures, summary.classes[shown], summary.names[:d])
    return frame.rename(columns={"estimate": "effect"})


def probability_intervals(
    estimator, X, y, *, at=None, cov_type="nonrobust", groups=None, **options
):
    """Probabilities of the classes, and how sure they are.

    Parameters
    ----------
    estimator, X, y : as :func:`mle_summary` takes them
    at : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
        The features to predict for; None: X.
    cov_type, groups : as :func:`mle_summary` takes them
    **options : dict
        `sample_weight`, `confidence` and `reference`, as well.

    Returns
    -------
    frame : DataFrame of shape (n_rows, 4), or (n_rows, 4 * n_classes)
        Columns probability, std_error, ci_low and ci_high; for two classes of the
        second (not the reference), for more of every class, (class, column). A
        data frame's index is kept.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`mle_summary` does.
    ImportError
        If pandas is not installed.

    Notes
    -----
    Intervals are of log-odds of the class against all others, by the delta method, and
    so never leave 0 to 1.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import probability_intervals
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = X[:, [1, 4]]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> probability_intervals(clf, X, y, at=[[20, 0.1]]).round(3)
       probability  std_error  ci_low  ci_high
    0        0.563      0.026   0.511    0.614
    """
    import pandas as pd

    fitted = examined(estimator, X, y, **options)
    root = covariance_root(fitted, cov_type, groups)
    given = X if at is None else at
    last, X = last_step(estimator, given)
    X = take_rows(check_features(last, to_host(X), reset=False), slice(None))
    classes, z = fitted.summary.classes, product(X, fitted.weights.T)
    moves = np.stack([product(X, of) for of in root])  # of each eta, in each coordinate
    quantile, figures = ndtri(0.5 + fitted.summary.confidence / 2), []
    for c, eta in enumerate(z.T):
        others = np.where(np.arange(len(classes)) == c, -np.inf, z)
        odds = eta - logsumexp(others, axis=1)
        move = moves[c] - np.einsum("nm,mnr->nr", softmax(others, axis=1), moves)
        error = np.linalg.norm(move, axis=1)
        p, half = expit(odds), quantile * error
        figures += [p, p * expit(-odds) * error, expit(odds - half), expit(odds + half)]
    names = ["probability", "std_error", "ci_low", "ci_high"]
    columns = pd.MultiIndex.from_product([classes, names])
    frame = pd.DataFrame(np.transpose(figures), index_of(given), columns)
    return frame if len(classes) > 2 else frame[classes[1]]


def influence(estimator, X, y, **options):
    """Residuals, leverage and Cook's distance of every sample, for two classes.

    Parameters
    ----------
    estimator, X, y : as :func:`mle_summary` takes them
    **options : dict
        `sample_weight` and `reference`, as well.

    Returns
    -------
    frame : DataFrame of shape (n_samples, 4)
        A data frame's index is kept; samples without weight are left out. Columns:

        - pearson: ``(y - p) / sqrt(p (1 - p))``;
        - deviance: of the sign of ``y - p``, its square the sample's share of
          ``-2 log-likelihood``;
        - leverage: ``p (1 - p) x^T C x``, C the inverse of the information; they sum to
          the number of parameters;
        - cooks_distance: ``pearson^2 leverage / (1 - leverage)^2 / n_parameters``, how
          far the estimate would move without the sample.

        A sample of weight 2 is two samples, and the figures are those of one of them.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`mle_summary` does; and if there are more than two classes.
    ImportError
        If pandas is not installed.

    References
    ----------
    D. Pregibon, "Logistic regression diagnostics", Annals of Statistics 9 (1981),
    705-724.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import influence
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = X[:, [1, 4]]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> influence(clf, X, y).nlargest(2, "cooks_distance").round(4)
         pearson  deviance  leverage  cooks_distance
    504   3.7882    2.3371    0.0190          0.0947
    232   2.6641    2.0453    0.0176          0.0433
    """
    import pandas as pd

    fitted = examined(estimator, X, y, **options)
    n_classes, n_parameters = len(fitted.order), len(fitted.summary.estimate)
    if n_classes > 2:
        raise ValueError(f"Influence is of two classes; the estimator has {n_classes}.")
    figures = []
    for block in fitted.rows.blocks(fitted.root.shape[2]):
        second = block.codes[:, 0] == fitted.order[1]
        z = product(block.X, fitted.weights[1:].T)[:, 0]
        sign, margin = np.where(second, 1.0, -1.0), np.where(second, z, -z)
        variance = np.sum(product(block.X, fitted.root[1]) ** 2, axis=1)  # of the logit
        missed = expit(-margin)  # 1 - p of what was observed
        leverage = missed * expit(margin) * variance
        deviance = sign * np.sqrt(-2 * log_expit(margin))
        with np.errstate(over="ignore", divide="ignore"):  # as endless as that is
            pearson = sign * np.exp(-margin / 2)
            cooks = missed**2 * variance / (1 - leverage) ** 2 / n_parameters
        figures.append([pearson, deviance, leverage, cooks])
    names = ["pearson", "deviance", "leverage", "cooks_distance"]
    return pd.DataFrame(np.concatenate(figures, axis=1).T, fitted.index, names)
