"""A page to try learning rates on: steps of gradient ascent, one by one.

What it computes is in ``templates/ascent.js``.
"""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import _check_feature_names_in

from .._arrays import is_sparse, numbers_may_end, to_host
from .._model import largest_safe_rate
from .._threads import one_blas
from ..logistic_regression import GradientAscentLogisticRegression
from ..mlp import SimpleMLPClassifier
from .pages import write
from .passes import check_dense, check_estimator

#: The ends of the slider, beside a rate that is right: too small, and overshooting.
SLOWEST, FASTEST = 1 / 100, 30


def write_climb_page(est, path, X, y, *, title="Climb the log-likelihood"):
    """Write a page on which one takes steps of gradient ascent, at any learning rate.

    One HTML file that holds the data, and computes the steps that `fit` takes. It shows
    the probabilities over the plane of two features, the log-likelihood as it goes and,
    where there are two parameters, the hill. One plays, pauses, takes single steps, and
    moves the learning rate from too small to overshooting.

    Parameters
    ----------
    est : GradientAscentLogisticRegression or SimpleMLPClassifier
        Fitted or not; left as it is. Its parameters say what is climbed, and where from
        (`random_state`). Its `learning_rate`, a number, is where the slider starts.
        Every step takes all examples: of the network with ``solver="gradient"``, and a
        `batch_size` of all rows.
    path : str or path-like
        Where to write; what is there is replaced.
    X : array-like of shape (n_samples, 2)
        Two features.
    y : array-like of shape (n_samples,)
        Labels.
    title : str, default="Climb the log-likelihood"
        The page's heading.

    Raises
    ------
    TypeError
        If `est` is not one of the two estimators.
    ValueError
        If X has not two features, y more than one output, or `est` takes no steps of
        plain gradient ascent with all examples, or a parameter is not usable.

    See Also
    --------
    write_page : A page to draw on.
    max_stable_learning_rate : The rate that the slider marks.

    Notes
    -----
    The page holds every row, and goes through all of them in each step: some hundreds
    are right.

    The slider goes from a hundredth of a rate that is right to thirty times it: of the
    logistic regression its largest safe rate, of a network the estimator's own.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import write_climb_page
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X[:, :2])
    >>> clf = GradientAscentLogisticRegression(learning_rate=1.0, fit_intercept=False)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "climb.html")
    ...     write_climb_page(clf, path, X, y)
    ...     path.stat().st_size < 100_000
    True
    """
    check_estimator(est, [])
    est = clone(est)
    est._validate_params()
    est._check_parameters()
    check_dense(est)
    network = isinstance(est, SimpleMLPClassifier)
    wanted = {"learning_rate": isinstance(est.learning_rate, Real)}
    if network:
        wanted |= {"solver": est.solver == "gradient"}
        wanted |= {"early_stopping": not est.early_stopping}
    with numbers_may_end(), one_blas():
        past = est._past()
        data = est._read(*map(to_host, (X, y)), None, past)
        rows, targets = data.rows, data.targets
        size = {"auto": 200, None: rows.n_rows}.get(est.batch_size, est.batch_size)
        wanted |= {"batch_size": size >= rows.n_rows}
        for name, right in wanted.items():
            if not right:
                raise ValueError(
                    f"{name}={getattr(est, name)!r}: the page takes steps of a "
                    "learning rate, a number, along the gradient of all examples."
                )
        if targets.several or len(targets.classes) < 2:
            raise ValueError("y must have one output, of two classes or more.")
        if rows.X.shape[1] != 2:
            raise ValueError(f"X must have 2 features, got {rows.X.shape[1]}.")
        objective = est._objective(data)
        right = est.learning_rate
        if not network:
            objective = objective.reduced(est.reduction)
            right = float(largest_safe_rate(objective))
        start = est._start(objective.network, past.rng)
    X = rows.X.toarray() if is_sparse(rows.X) else rows.X
    weights = None if rows.weights is None else np.ravel(rows.weights).tolist()
    model = {
        "X": X.tolist(),
        "codes": np.ravel(rows.codes).tolist(),
        "weights": weights,
        "sizes": objective.network.sizes,
        "activation": est._activation(),
        "hasIntercepts": bool(est.fit_intercept),
        "l2": float(objective.l2),
        "divisor": float(objective.divisor),
        "totalWeight": float(objective.total_weight),
        "momentum": float(est.momentum) if network else 0.0,
        "start": start.tolist(),
        "classes": [str(of) for of in to_host(targets.classes).tolist()],
        "features": _check_feature_names_in(est).tolist(),
        "rate": float(est.learning_rate),
        "rates": [
            min(SLOWEST * right, est.learning_rate),
            max(FASTEST * right, est.learning_rate),
        ],
        "safe": None if network else right,
        "top": None,
    }
    if objective.n_parameters == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a hill without a top is one to see, too
            names = "C", "fit_intercept", "class_weight"
            to_the_top = {name: getattr(est, name) for name in names}
            top = GradientAscentLogisticRegression(**to_the_top).fit(X, to_host(y))
        model["top"] = top.coef_[0].tolist()
    # To be filled in: what takes the same steps.
    est.set_params(learning_rate="RATE", max_iter="STEPS", tol=0.0)
    if network:
        est.set_params(n_iter_no_change="STEPS")
    write(path, "climb.html", title, model | {"python": repr(est)})
