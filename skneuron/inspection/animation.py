"""The moments of a climb: kept as estimators, and in motion as a film of pictures."""

import copy

import numpy as np
from sklearn.base import clone
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_feature_names_in

from .passes import check_count, check_estimator
from .pictures import NEGATIVE, POSITIVE, NetworkDisplay

#: What an estimator predicts by.
LEARNED = ["coef_", "intercept_", "coefs_", "intercepts_", "classes_", "n_parameters_"]
LEARNED += ["n_features_in_", "feature_names_in_"]


class Snapshots:
    """Keeps an estimator as it is after some of the iterations: a callback.

    Parameters
    ----------
    iterations : iterable of int
        After which to keep it, counted from 1. Those that a fit does not reach are left
        out.

    Attributes
    ----------
    taken : dict of int to estimator
        By the iteration, what the estimator would be had the last fit ended there: it
        predicts, and can be drawn. Its `n_iter_` is the iteration; what else a fit
        says of its climb, such as `log_likelihood_curve_`, the whole fit has alone.

    See Also
    --------
    NetworkDisplay : Draws a snapshot, or the change since.
    animate_climb : Shows many of them, in motion.

    Notes
    -----
    scikit-learn's callbacks are set with ``est.set_callbacks``. What is learned is the
    same with them as without.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import Snapshots
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X[:, :2])
    >>> snapshots = Snapshots([1, 10, 100])
    >>> clf = GradientAscentLogisticRegression(learning_rate=0.1, tol=0.01)
    >>> clf = clf.set_callbacks(snapshots).fit(X, y)
    >>> {n: then.coef_.round(1).tolist() for n, then in snapshots.taken.items()}
    {1: ...}
    """

    def __init__(self, iterations):
        self.iterations = set(iterations)
        self.taken = {}

    def setup(self, estimator, context):
        """Forget the moments of an earlier fit."""
        self.taken = {}

    def teardown(self, estimator, context):
        """Nothing is left to do after a fit."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing is to be done before an iteration."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Keep the estimator as it is, if this is one of the iterations."""
        n = context.task_id + 1
        if context.task_name == "iteration" and n in self.iterations:
            model = clone(estimator).set_callbacks()  # which hold all copies so far
            known = vars(fitted_estimator).items()
            learned = {name: value for name, value in known if name in LEARNED}
            vars(model).update(copy.deepcopy(learned), n_iter_=n)
            self.taken[n] = model


def animate_climb(est, X, y, *, n_frames=40, interval=150, fig=None):
    """Fit an estimator to two features, and show how it learns.

    Three pictures move together: the examples over what the model says of each place,
    the network with its weights, and the log-likelihood, which they climb.

    Parameters
    ----------
    est : GradientAscentLogisticRegression or SimpleMLPClassifier
        Is cloned, and the clone fitted.
    X : {array-like, DataFrame} of shape (n_samples, 2)
        The features.
    y : array-like of shape (n_samples,)
        Labels, of two classes or more.
    n_frames : int, default=40
        Iterations to show, at most. They lie close together at first, where most
        happens: in a geometric series from the first to the last.
    interval : int, default=150
        Milliseconds from one to the next.
    fig : matplotlib Figure, default=None
        Where to draw; None: a new one, 11 inches wide.

    Returns
    -------
    animation : matplotlib.animation.FuncAnimation
        Keep it for as long as it is to move. ``animation.save("climb.gif")`` writes it,
        and in a notebook ``HTML(animation.to_jshtml())`` plays it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `est` is not one of the two estimators.
    ValueError
        If X has not two features, y is not one column of labels, or the fit finds
        something wrong.

    See Also
    --------
    NetworkDisplay : The picture of the network.
    Snapshots : Keeps the moments that are shown.
    write_climb_page : A page on which to try learning rates.
    sklearn.inspection.DecisionBoundaryDisplay : The picture of the boundary.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")  # no screen is needed
    >>> from sklearn.datasets import make_moons
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import animate_climb
    >>> X, y = make_moons(60, noise=0.1, random_state=0)
    >>> clf = GradientAscentLogisticRegression(learning_rate=1.0, tol=0.05)
    >>> animation = animate_climb(clf, X, y, n_frames=4)
    >>> html = animation.to_jshtml()
    """
    check_matplotlib_support("animate_climb")
    import matplotlib.pyplot as plt
    from matplotlib.animation import FuncAnimation

    check_estimator(est, [])
    check_count("n_frames", n_frames)
    if np.shape(X)[1:] != (2,):
        raise ValueError(f"X must have two features; its shape is {np.shape(X)}.")
    if type_of_target(y, input_name="y") not in ("binary", "multiclass"):
        raise ValueError("y must be one column of labels.")
    last = clone(est)
    snapshots = Snapshots(np.geomspace(1, last.max_iter, n_frames).round())
    last.set_callbacks(snapshots).fit(X, y)
    frames = [*{**snapshots.taken, last.n_iter_: last}.items()]

    fig = plt.figure(figsize=(11, 3.9), layout="constrained") if fig is None else fig
    place, network, height = fig.subplots(1, 3, width_ratios=[1, 1.2, 0.8])
    curve, labels, points = last.log_likelihood_curve_, np.asarray(y), np.asarray(X)
    names, binary = _check_feature_names_in(last), len(last.classes_) == 2
    shades = {"response_method": "predict_proba", "grid_resolution": 60, "alpha": 0.6}
    shades |= {"cmap": "RdBu_r"} if binary else {}

    def draw(frame):
        n, model = frame
        for ax in (place, network, height):
            ax.clear()
        boundary = DecisionBoundaryDisplay.from_estimator(model, X, ax=place, **shades)
        colors = [NEGATIVE, POSITIVE] if binary else boundary.multiclass_colors_
        for label, color in zip(last.classes_, colors):
            dots = {"color": color, "ms": 5, "mec": "white", "label": f"class {label}"}
            place.plot(*points[labels == label].T, "o", **dots)
        place.legend(loc="upper right", fontsize="small")
        place.set(xlabel=names[0], ylabel=names[1])
        place.set_title(f"iteration {n}: {model.score(X, y):.0%} right")
        NetworkDisplay.from_estimator(model, ax=network)
        height.plot(curve, color="0.8")
        height.plot(curve[: n + 1], color="#0072b2", lw=2)
        height.plot(n, curve[n], "o", color="#d55e00")
        height.set(xlabel="iteration", title="log-likelihood (nats)")

    return FuncAnimation(fig, draw, frames=frames, interval=interval)
