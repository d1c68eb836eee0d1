"""How far each sample lies from the model, and how much the estimate leans on it."""

import numpy as np

from .._arrays import product
from .summary import examined


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
    n_classes, n_parameters = len(fitted.order), len(fitted.root)
    if n_classes > 2:
        raise ValueError(f"Influence is of two classes; the estimator has {n_classes}.")
    figures = np.empty((4, fitted.rows.n_rows))
    for at, block, p in fitted.blocks(fitted.root.shape[1]):
        observed = block.codes == fitted.order
        missed = np.where(observed, 0.0, p).sum(axis=1)  # 1 - p of what was observed
        sign = np.where(observed[:, 1], 1.0, -1.0)
        variance = np.sum(product(block.X, fitted.root) ** 2, axis=1)  # of the logit
        leverage = p[:, 0] * p[:, 1] * variance
        pearson = sign * np.sqrt(missed / np.where(observed, p, 0.0).sum(axis=1))
        deviance = sign * np.sqrt(-2 * np.log1p(-missed))
        cooks = pearson**2 * leverage / (1 - leverage) ** 2 / n_parameters
        figures[:, at] = pearson, deviance, leverage, cooks
    index = fitted.places if fitted.index is None else fitted.index[fitted.places]
    names = ["pearson", "deviance", "leverage", "cooks_distance"]
    return pd.DataFrame(dict(zip(names, figures)), index)
