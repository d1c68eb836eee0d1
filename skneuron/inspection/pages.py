"""Pages to draw on, and to climb on: single HTML files that need no network.

What they compute is in ``templates/network.js`` and ``templates/ascent.js``.
"""

import json
import re
import warnings
from base64 import b64encode
from html import escape
from importlib.resources import files
from numbers import Real
from pathlib import Path

import numpy as np
from sklearn import preprocessing as pre
from sklearn.base import clone
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_feature_names_in

from .._arrays import is_sparse, numbers_may_end, to_host
from .._data import Targets
from .._model import largest_safe_rate
from .._threads import one_blas
from ..mlp import SimpleMLPClassifier
from .passes import check_dense, check_estimator, checked_shape, dense_layers

#: Rows of X that a page holds, and those that tell what a training image looks like.
MOST_EXAMPLES, MOST_IMAGES = 100, 2000

#: Up to so many weights are written with all of their digits, more with eleven.
MOST_EXACT = 20_000

#: What a page can compute before the network.
SCALERS = pre.StandardScaler, pre.RobustScaler, pre.MaxAbsScaler, pre.MinMaxScaler

#: The ends of the rates' slider, beside one that is right: too small, and overshooting.
SLOWEST, FASTEST = 1 / 100, 30


def write_page(estimator, path, *, image_shape, X=None, y=None, title="Draw a digit"):
    """Write a page on which one draws, and sees a network think.

    One HTML file that holds the weights, and computes what `predict_proba` does. It
    shows the drawing as the features that it becomes, each layer's neurons with their
    activations and with pictures of their weights, and the probabilities. One draws
    with a mouse, a finger or the keyboard.

    A drawing is made like the images of X: as tall as they are, or as wide as they may
    be; its mass where theirs is; its pen so thin that it takes as much ink; and a pixel
    the share of its 4 x 4 dots that are inked.

    Parameters
    ----------
    estimator : GradientAscentLogisticRegression, SimpleMLPClassifier or Pipeline
        Fitted. The features are the pixels of an image, row by row. A pipeline may have
        a `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler` or `RobustScaler` before the
        estimator.
    path : str or path-like
        Where to write; what is there is replaced.
    image_shape : tuple of (int, int) or (int, int, 1)
        Height and width of an image.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
        Images, as the estimator takes them. The page can show the first 100, and the
        first 2000 tell what a drawing has to be like. None: no examples, and drawings
        are made like MNIST's digits, of values from 0 to 1.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        The labels of X, shown beside them.
    title : str, default="Draw a digit"
        The page's heading.

    Raises
    ------
    TypeError
        If the estimator, or a step of the pipeline, is of another kind.
    NotFittedError
        If one of them is not fitted.
    ValueError
        If `image_shape` does not fit the features, neurons share weights, X or y is not
        usable, or y comes without X.

    See Also
    --------
    write_climb_page : A page to try learning rates on.
    NeuronWeightsDisplay : Pictures of weights, by matplotlib.

    Notes
    -----
    Probabilities are those of `predict_proba` to 1e-6 and better: weights keep all of
    their digits, or 11 where there are more than 20,000.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_digits
    >>> from skneuron import SimpleMLPClassifier
    >>> from skneuron.inspection import write_page
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SimpleMLPClassifier((16,), random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "draw.html")
    ...     write_page(clf, path, image_shape=(8, 8), X=X, y=y)
    ...     path.stat().st_size < 100_000
    True
    """
    *before, (_, est) = getattr(estimator, "steps", [(None, estimator)])
    layers = dense_layers(est)
    steps = [s for _, s in before if s is not None and s != "passthrough"]
    n_features = len(layers[0][0])
    shape = checked_shape(image_shape, n_features, "features")
    targets = Targets(est.classes_)
    n_bytes = 8 if sum(weights.size for weights, _ in layers) <= MOST_EXACT else 6
    model = {
        "steps": [_scaling(step, n_features) for step in steps],
        "activation": est._activation(),
        "layers": [
            {"weights": _packed(weights, n_bytes), "intercepts": _packed(intercepts)}
            for weights, intercepts in layers
        ],
        "outputs": [of.astype(str) for of in targets.per_output],
        "multilabel": targets.multilabel,
        "examples": None,
        "frame": {"shape": shape},
    }
    if X is not None:
        X = check_array(to_host(X), accept_sparse="csr", dtype=np.float64)
        check_consistent_length(X, y)
        if X.shape[1] != n_features:
            raise ValueError(f"X has {X.shape[1]} features, not {n_features}.")
        X = X[:MOST_IMAGES].toarray() if is_sparse(X) else X[:MOST_IMAGES]
        model["frame"] |= _frame(X.reshape(-1, *shape))
        X = X[:MOST_EXAMPLES]
        if y is not None:
            y = np.asarray(to_host(y)).tolist()[: len(X)]
            y = [", ".join(map(str, of if type(of) is list else [of])) for of in y]
        model["examples"] = {"n": len(X), "pixels": _packed(X), "labels": y}
    elif y is not None:
        raise ValueError("y are the labels of X, which is missing.")
    write(path, "draw.html", title, model)


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
    with numbers_may_end(), one_blas():
        past = est._past()
        data = est._read(*map(to_host, (X, y)), None, past)
        rows, targets, rate = data.rows, data.targets, est.learning_rate
        size = {"auto": 200, None: rows.n_rows}.get(est.batch_size, est.batch_size)
        wanted = {
            "learning_rate": isinstance(rate, Real),
            "solver": not network or est.solver == "gradient",
            "early_stopping": not getattr(est, "early_stopping", False),
            "batch_size": size >= rows.n_rows,
        }
        for name, right in wanted.items():
            if not right:
                raise ValueError(
                    f"{name}={getattr(est, name)!r}: the page takes steps of a "
                    "learning rate, a number, along the gradient of all examples."
                )
        if targets.several:
            raise ValueError("y must have one output, of two classes or more.")
        if rows.X.shape[1] != 2:
            raise ValueError(f"X must have 2 features, got {rows.X.shape[1]}.")
        objective, right = est._objective(data), rate
        if not network:
            objective = objective.but(reduction=est.reduction)
            right = float(largest_safe_rate(objective))
    X = rows.X.toarray() if is_sparse(rows.X) else rows.X
    model = {
        "X": X,
        "codes": np.ravel(rows.codes),
        "weights": rows.weights,
        "sizes": objective.network.sizes,
        "activation": est._activation(),
        "hasIntercepts": bool(est.fit_intercept),
        "l2": objective.l2,
        "divisor": objective.divisor,
        "totalWeight": objective.total_weight,
        "momentum": est.momentum if network else 0.0,
        "start": est._start(objective.network, past.rng),
        "classes": targets.classes.astype(str),
        "features": _check_feature_names_in(est),
        "rate": rate,
        "rates": [min(SLOWEST * right, rate), max(FASTEST * right, rate)],
        "safe": None if network else right,
        "top": None,
    }
    if objective.n_parameters == 2 and not network:
        with warnings.catch_warnings(action="ignore"):  # that there may be no top
            names = "C", "fit_intercept", "class_weight"
            top = type(est)(**{of: getattr(est, of) for of in names}).fit(X, to_host(y))
        model["top"] = top.coef_[0]
    # To be filled in: what takes the same steps.
    patient = {"n_iter_no_change": "STEPS"} if network else {}
    est.set_params(learning_rate="RATE", max_iter="STEPS", tol=0.0, **patient)
    write(path, "climb.html", title, model | {"python": repr(est)})


def write(path, template, title, model):
    """A page, made of a template, the files that it names, and what it shows."""
    folder = files(__package__) / "templates"
    parts = {of.name: of.read_text("utf-8") for of in folder.iterdir()}
    numbers = json.dumps(model, allow_nan=False, default=lambda of: of.tolist())
    # Nothing in a string ends the element that the numbers are in.
    parts |= {"title": escape(title), "model": numbers.replace("<", r"\u003c")}
    page = re.sub(r"\{\{([\w.]+)\}\}", lambda found: parts[found[1]], parts[template])
    Path(path).write_text(page, "utf-8")


def _packed(values, n_bytes=8):
    """Numbers as text: so many bytes of each, or one where few of them differ."""
    values = np.ravel(values).astype("<f8")
    palette, places = np.unique(values, return_inverse=True)
    found = {"size": values.size, "palette": None}
    if len(palette) <= 256:
        found["palette"], read = palette.tolist(), places.astype(np.uint8)
    else:  # the leading bytes stand last; the others are rounded off
        bits = values.view("<u8") + (1 << 15 if n_bytes == 6 else 0)
        read = bits[:, None].view(np.uint8)[:, 8 - n_bytes :]
    return {**found, "data": b64encode(read.tobytes()).decode()}


def _scaling(step, n_features):
    """What a scaler subtracts, and divides by; and where it clips."""
    if type(step) not in SCALERS:
        names = ", ".join(of.__name__ for of in SCALERS)
        raise TypeError(f"The page computes {names} before the estimator, not {step}.")
    centre, one = step.inverse_transform(np.outer([0.0, 1.0], np.ones(n_features)))
    ends = getattr(step, "feature_range", (-1, 1))
    return {
        "centre": _packed(centre),
        "scale": _packed(one - centre),
        "clip": ends if getattr(step, "clip", False) else None,
    }


def _frame(images):
    """What drawings have to be like: what images are on average.

    Their height, and what is hardly ever wider; centre of mass; ink, and the width of
    the pen, in pixels; the values of a pixel without ink, and full of it.
    """
    paper, ink = images.min(), images.max()
    if np.median(images) > (paper + ink) / 2:
        paper, ink = ink, paper
    shares = (images - paper) / (ink - paper or 1.0)
    shares = shares[shares.any(axis=(1, 2))]
    if not len(shares):
        return {}
    mass, box, centre, edges = shares.sum(axis=(1, 2)), [], [], 0.0
    for axis, n in enumerate(images.shape[1:]):
        inked = (shares > 1 / 8).any(axis=2 - axis)
        sizes = n - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)
        box.append(min(n, np.mean(sizes) + 2 * axis * np.std(sizes)))
        places = shares.sum(axis=2 - axis) @ (np.arange(n) + 0.5)
        centre.append(np.mean(places / mass))
        along = np.diff(shares, axis=1 + axis, prepend=0.0, append=0.0)
        edges = edges + abs(along).sum(axis=(1, 2))
    # A line's edges are twice its length; slanted ones count 4 / pi times, in rows and
    # columns.
    pen = np.mean(8 / np.pi * mass / edges)
    found = {"box": box, "centre": centre, "mass": mass.mean(), "pen": pen}
    return {"paper": paper, "ink": ink, **found}
