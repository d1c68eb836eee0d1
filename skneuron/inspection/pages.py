"""A page to draw on, in a single HTML file that needs no network.

What it computes is in ``templates/network.js``.
"""

import json
import re
from base64 import b64encode
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn import preprocessing
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from .._arrays import is_sparse, to_host
from .._data.targets import Targets
from .passes import check_dense, check_estimator

#: Rows of X that a page holds, and those that tell what a training image looks like.
MOST_EXAMPLES, MOST_IMAGES = 100, 2000

#: Up to so many weights are written with all of their digits, more with eleven.
MOST_EXACT = 20_000

#: What each scaler subtracts, and what it divides by then.
SCALERS = {
    preprocessing.StandardScaler: lambda s: (
        s.mean_ if s.with_mean else None,
        s.scale_,
    ),
    preprocessing.RobustScaler: lambda s: (s.center_, s.scale_),
    preprocessing.MaxAbsScaler: lambda s: (None, s.scale_),
    preprocessing.MinMaxScaler: lambda s: (-s.min_ / s.scale_, 1 / s.scale_),
}


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
    check_estimator(est)
    check_dense(est)
    steps = [s for _, s in before if s is not None and s != "passthrough"]
    layers = [tuple(map(to_host, layer)) for layer in est._layers]
    n_features, shape = len(layers[0][0]), tuple(map(int, image_shape))
    shape = shape[:2] if shape[2:] == (1,) else shape
    if len(shape) != 2 or min(shape) < 1 or np.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} must be a height and a width, with as many "
            f"pixels as there are features: {n_features}."
        )
    targets = Targets(est.classes_)
    n_weights = sum(weights.size for weights, _ in layers)
    n_bytes = 8 if n_weights <= MOST_EXACT else 6
    model = {
        "steps": [_scaling(step, n_features) for step in steps],
        "activation": est._activation(),
        "layers": [
            {"weights": _packed(weights, n_bytes), "intercepts": _packed(intercepts)}
            for weights, intercepts in layers
        ],
        "outputs": [[str(of) for of in at.tolist()] for at in targets.per_output],
        "multilabel": targets.multilabel,
        "examples": None,
    }
    images = None
    if X is not None:
        X = check_array(to_host(X), accept_sparse="csr", dtype=np.float64)
        check_consistent_length(X, y)
        if X.shape[1] != n_features:
            raise ValueError(f"X has {X.shape[1]} features, not {n_features}.")
        X = X[:MOST_IMAGES].toarray() if is_sparse(X) else X[:MOST_IMAGES]
        images, X = X.reshape(-1, *shape), X[:MOST_EXAMPLES]
        if y is not None:
            y = np.asarray(to_host(y)).tolist()[: len(X)]
            y = [", ".join(map(str, of if type(of) is list else [of])) for of in y]
        model["examples"] = {"n": len(X), "pixels": _packed(X), "labels": y}
    elif y is not None:
        raise ValueError("y are the labels of X, which is missing.")
    write(path, "draw.html", title, model | {"frame": _frame(shape, images)})


def write(path, template, title, model):
    """A page, made of a template, the files that it names, and what it shows."""
    # Nothing in a string ends the element that the numbers are in.
    numbers = json.dumps(model, allow_nan=False).replace("<", r"\u003c")
    made = {"title": escape(title), "model": numbers}
    folder = files(__package__) / "templates"

    def part(match):
        name = match[1]
        return made[name] if name in made else (folder / name).read_text("utf-8")

    text = (folder / template).read_text("utf-8")
    Path(path).write_text(re.sub(r"\{\{([\w.]+)\}\}", part, text), "utf-8")


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
        raise TypeError(
            f"The page can compute {names} before the estimator, not {step}."
        )
    check_is_fitted(step)
    centre, scale = SCALERS[type(step)](step)
    ends = getattr(step, "feature_range", (-1, 1))
    return {
        "centre": _packed(np.zeros(n_features) if centre is None else centre),
        "scale": _packed(np.ones(n_features) if scale is None else scale),
        "clip": ends if getattr(step, "clip", False) else None,
    }


def _frame(shape, images):
    """What drawings have to be like: what images are like on average.

    Their height, and what is hardly ever wider; centre of mass; ink, and the width of
    the pen, in pixels; the values of a pixel without ink, and full of it.
    """
    frame = {
        "shape": shape,
        "box": [n * 5 / 7 for n in shape],
        "centre": [n / 2 for n in shape],
        "mass": 0.13 * shape[0] * shape[1],
        "pen": 0.1 * shape[0],
        "paper": 0.0,
        "ink": 1.0,
    }
    if images is None:
        return frame
    paper, ink = images.min(), images.max()
    if np.median(images) > (paper + ink) / 2:
        paper, ink = ink, paper
    shares = (images - paper) / (ink - paper or 1.0)
    shares = shares[shares.any(axis=(1, 2))]
    if not len(shares):
        return frame
    mass, box, centre, edges = shares.sum(axis=(1, 2)), [], [], 0.0
    for axis, n in enumerate(shape):
        inked = (shares > 1 / 8).any(axis=2 - axis)
        sizes = n - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)
        box.append(float(min(n, np.mean(sizes) + 2 * axis * np.std(sizes))))
        places = shares.sum(axis=2 - axis) @ (np.arange(n) + 0.5)
        centre.append(float(np.mean(places / mass)))
        along = np.insert(shares, [0, n], 0.0, axis=1 + axis)
        edges = edges + abs(np.diff(along, axis=1 + axis)).sum(axis=(1, 2))
    return frame | {
        "box": box,
        "centre": centre,
        "mass": float(mass.mean()),
        # A line's edges are twice its length; slanted ones count 4 / pi times, in rows
        # and columns.
        "pen": float(np.mean(8 / np.pi * mass / edges)),
        "paper": float(paper),
        "ink": float(ink),
    }
