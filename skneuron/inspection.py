"""Looking inside: the climb, the network, its two passes, and searches over rates.

Displays follow scikit-learn's: made by a class method, redrawn by `plot`, with the
matplotlib objects in attributes that end in an underscore.
"""

from numbers import Real

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from ._arrays import to_host
from ._displays import NetworkDisplay, NeuronWeightsDisplay
from ._passes import (
    BackwardPass,
    backward_pass,
    check_estimator,
    check_gradient,
    forward_pass,
    max_stable_learning_rate,
)
from .logistic_regression import GradientAscentLogisticRegression

__all__ = [
    "BackwardPass",
    "LearningRateDisplay",
    "LogLikelihoodDisplay",
    "NetworkDisplay",
    "NeuronWeightsDisplay",
    "backward_pass",
    "check_gradient",
    "forward_pass",
    "max_stable_learning_rate",
]


class LogLikelihoodDisplay:
    """The climb: the total log-likelihood after every iteration.

    It is made by :meth:`from_estimator`; all parameters are kept as attributes.

    Parameters
    ----------
    log_likelihood_curve : ndarray of shape (n_iter + 1,)
        At the start and after every iteration, in nats. Entries that are NaN, or not
        finite, are left out: the line goes on from what is known to what is known.
    name : str, default=None
        Of the curve, in the legend; None: without a legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D

    See Also
    --------
    LearningRateDisplay : Where the climbs of many learning rates ended.

    Notes
    -----
    A curve that falls leaves the picture at the bottom, so that those beside it stay
    readable: it reaches from the highest point of all curves down to where they start,
    and no further below than that again. Where all curves only fall, it is all there.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")  # no screen is needed
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import LogLikelihoodDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, ax = scale(X[:, :2]), None
    >>> for rate in [1.0, 3.0]:
    ...     clf = GradientAscentLogisticRegression(rate, tol=1e-3).fit(X, y)
    ...     ax = LogLikelihoodDisplay.from_estimator(clf, ax=ax).ax_
    >>> len(ax.lines), ax.get_ylabel()
    (2, 'log-likelihood (nats)')
    """

    def __init__(self, *, log_likelihood_curve, name=None):
        self.log_likelihood_curve = log_likelihood_curve
        self.name = name

    @classmethod
    def from_estimator(cls, est, *, ax=None, name=None, **line_kw):
        """Draw the climb of a fitted estimator.

        Parameters
        ----------
        est : GradientAscentLogisticRegression or SimpleMLPClassifier
            Fitted.
        ax : matplotlib Axes, default=None
            Where to draw, beside the curves that are there; None: in a new figure.
        name : str, default=None
            Of the curve, in the legend. None: the estimator's class, and its learning
            rate if that is a number.
        **line_kw : dict of str to object
            For matplotlib's `plot`.

        Returns
        -------
        display : LogLikelihoodDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `est` is not one of the two estimators.
        NotFittedError
            If it is not fitted.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_estimator(est, "log_likelihood_curve_")
        if name is None:
            name = type(est).__name__
            if isinstance(est.learning_rate, Real):
                name += f", learning rate {est.learning_rate:g}"
        display = cls(log_likelihood_curve=est.log_likelihood_curve_, name=name)
        return display.plot(ax, **line_kw)

    def plot(self, ax=None, *, name=None, **line_kw):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, beside the curves that are there; None: in a new figure.
        name : str, default=None
            Of the curve; None: the display's own name.
        **line_kw : dict of str to object
            For matplotlib's `plot`.

        Returns
        -------
        self : LogLikelihoodDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = _axes(self, ax)
        curve = np.asarray(to_host(self.log_likelihood_curve), dtype=float)
        known = np.flatnonzero(np.isfinite(curve))
        line_kw = {"label": self.name if name is None else name, **line_kw}
        (self.line_,) = ax.plot(known, curve[known], **line_kw)
        self.ax_, self.figure_ = ax, ax.figure
        ax.set(xlabel="iteration", ylabel="log-likelihood (nats)")
        curves = [
            np.asarray(line.get_ydata(), dtype=float)
            for line in ax.lines
            if line.get_transform() == ax.transData
        ]
        curves = [curve for curve in curves if len(curve)]
        if curves:
            ax.set_ylim(*_limits_of_climbs(curves))
        if ax.get_legend_handles_labels()[1]:
            ax.legend()
        return self


class LearningRateDisplay:
    """What came of each learning rate of a search: its scores, and how high it climbed.

    It is made by :meth:`from_search`; all parameters are kept as attributes.

    Parameters
    ----------
    learning_rates : ndarray of shape (n_rates,)
        In ascending order.
    mean_scores : ndarray of shape (n_rates,)
        Mean test score over the folds.
    std_scores : ndarray of shape (n_rates,)
        Its standard deviation over the folds.
    log_likelihoods : ndarray of shape (n_rates,), default=None
        Mean log-likelihood of an example of the training rows at the end of the climb,
        in nats, averaged over the folds.
    stable_limit : float, default=None
        The largest rate at which no step can lower the log-likelihood.
    score_name : str, default="score"

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the scores.
    log_likelihood_ax_ : matplotlib Axes or None
        Of the log-likelihoods, with its scale on the right.
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The mean scores.
    errorbar_ : matplotlib ErrorbarContainer
        With their standard deviations.
    best_ : matplotlib Line2D or None
        Marks the rate with the highest mean score.
    log_likelihood_line_ : matplotlib Line2D or None
    stable_limit_line_ : matplotlib Line2D or None

    See Also
    --------
    LogLikelihoodDisplay : One climb, iteration by iteration.
    max_stable_learning_rate : The limit that is marked.

    Notes
    -----
    Values more than ten times as low as the best one, and at least 5 below it, are left
    out of the picture, so that a rate that diverges does not flatten the others.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")  # no screen is needed
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.preprocessing import scale
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import LearningRateDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X[:, :2])
    >>> lecture = GradientAscentLogisticRegression(tol=1e-2)
    >>> search = GridSearchCV(lecture, {"learning_rate": [0.3, 1.0, 3.0]}).fit(X, y)
    >>> display = LearningRateDisplay.from_search(search, X=X, y=y)
    >>> print(f"{display.stable_limit:.3f}")
    6.043
    """

    def __init__(
        self,
        *,
        learning_rates,
        mean_scores,
        std_scores,
        log_likelihoods=None,
        stable_limit=None,
        score_name="score",
    ):
        self.learning_rates = learning_rates
        self.mean_scores = mean_scores
        self.std_scores = std_scores
        self.log_likelihoods = log_likelihoods
        self.stable_limit = stable_limit
        self.score_name = score_name

    @classmethod
    def from_search(
        cls,
        search,
        *,
        X=None,
        y=None,
        ax=None,
        metric=None,
        learning_rate_name=None,
        **line_kw,
    ):
        """Draw the learning rates of a fitted search.

        Where other parameters vary as well, each rate is drawn with the best of them.
        Rates that are no numbers, such as "auto", are left out.

        Parameters
        ----------
        search : GridSearchCV, LockstepSearchCV or another with `cv_results_`
            Fitted. The log-likelihoods are drawn if it has `log_likelihoods_`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            The features that it was fitted to. With them and `y`, the largest rate that
            is stable is marked: of the best estimator, a logistic regression, on these
            data; in a pipeline, on what its other steps make of them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The labels that it was fitted to.
        ax : matplotlib Axes, default=None
            Where to draw; None: in a new figure.
        metric : str, default=None
            Of a search with several metrics, the one to draw. None: that which chose
            the best estimator.
        learning_rate_name : str, default=None
            The learning rate's name in the grid. None: the one that is
            ``learning_rate``, or ends in ``__learning_rate``.
        **line_kw : dict of str to object
            For the line of the scores, as matplotlib's `errorbar` takes them.

        Returns
        -------
        display : LearningRateDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the search is not fitted.
        ValueError
            If there is no learning rate in the grid, or several, or none that is a
            number; if there is no such metric; if X comes without y, or y without X;
            or if, with both, the search has no best estimator, or a network.
        """
        check_matplotlib_support(f"{cls.__name__}.from_search")
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        metric = _metric(search, metric)
        name = _learning_rate_name(results, learning_rate_name)
        means = np.asarray(results[f"mean_test_{metric}"], dtype=float)
        best_of = {}  # the candidate that is drawn, by rate
        for i, parameters in enumerate(results["params"]):
            rate = parameters.get(name)
            if not (isinstance(rate, Real) and 0 < rate < np.inf):
                continue
            other = best_of.setdefault(float(rate), i)
            if means[i] > means[other] or np.isnan(means[other]):
                best_of[float(rate)] = i
        if not best_of:
            raise ValueError(f"No value of {name} in the grid is a number.")
        rates = np.array(sorted(best_of))
        drawn = [best_of[rate] for rate in rates]
        log_likelihoods = getattr(search, "log_likelihoods_", None)
        if log_likelihoods is not None:
            log_likelihoods = np.asarray(to_host(log_likelihoods))[drawn].mean(axis=1)
        stds = np.asarray(results[f"std_test_{metric}"], dtype=float)
        scoring = getattr(search, "scoring", None)
        if metric == "score" and isinstance(scoring, str):
            metric = scoring
        display = cls(
            learning_rates=rates,
            mean_scores=means[drawn],
            std_scores=stds[drawn],
            log_likelihoods=log_likelihoods,
            stable_limit=_stable_limit(search, X, y),
            score_name=metric,
        )
        return display.plot(ax, **line_kw)

    def plot(self, ax=None, **line_kw):
        """Draw the scores, and what else is known.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: in a new figure.
        **line_kw : dict of str to object
            For the line of the scores, as matplotlib's `errorbar` takes them.

        Returns
        -------
        self : LearningRateDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = _axes(self, ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.best_ = self.stable_limit_line_ = None
        self.log_likelihood_ax_ = self.log_likelihood_line_ = None
        rates, means = self.learning_rates, np.asarray(self.mean_scores, dtype=float)
        spread = np.asarray(self.std_scores, dtype=float)
        line_kw = {
            "marker": "o",
            "capsize": 3,
            "label": "test score, and its deviation over the folds",
            **line_kw,
        }
        ylabel = f"mean test {self.score_name}"
        ax.set(xscale="log", xlabel="learning rate", ylabel=ylabel)
        self.errorbar_ = ax.errorbar(rates, means, spread, **line_kw)
        self.line_ = self.errorbar_.lines[0]
        if np.isfinite(means).any():
            ax.set_ylim(*_limits_near_the_best(means, spread))
            best = np.nanargmax(np.where(np.isfinite(means), means, np.nan))
            (self.best_,) = ax.plot(
                rates[best],
                means[best],
                color="tab:orange",
                zorder=3,
                marker="*",
                markersize=16,
                linestyle="none",
                label=f"best: {rates[best]:g}",
            )
        if self.stable_limit is not None:
            self.stable_limit_line_ = ax.axvline(
                self.stable_limit,
                color="0.4",
                linestyle="--",
                label=f"stable up to {self.stable_limit:.3g}",
            )
        handles, labels = ax.get_legend_handles_labels()
        climbed = self.log_likelihoods
        climbed = np.asarray(np.nan if climbed is None else climbed, dtype=float)
        if np.isfinite(climbed).any():
            other = self.log_likelihood_ax_ = ax.twinx()
            (self.log_likelihood_line_,) = other.plot(
                rates,
                climbed,
                color="tab:green",
                marker="s",
                linestyle=":",
                label="log-likelihood of the training rows",
            )
            other.set_ylabel("mean log-likelihood (nats)", color="tab:green")
            other.set_ylim(*_limits_near_the_best(climbed, np.zeros(len(rates))))
            handles.append(self.log_likelihood_line_)
            labels.append(self.log_likelihood_line_.get_label())
        # Above the axes: two scales leave no corner free.
        ax.legend(
            handles,
            labels,
            fontsize="small",
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=2,
            frameon=False,
        )
        return self


def _axes(display, ax):
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1] if ax is None else ax


def _limits_of_climbs(curves):
    """Bottom and top of the picture of some curves, however deep one of them falls."""
    top = max(curve.max() for curve in curves)
    starts = np.array([curve[0] for curve in curves])
    # Curves of more examples start lower, but not from the wreck of an earlier fit.
    start = starts[starts >= 100 * min(starts.max(), -1.0)].min()
    bottom = min(curve.min() for curve in curves)
    if top > start:  # otherwise all that there is to see is how they fall
        bottom = max(bottom, start - (top - start))
    bottom = max(bottom, -1e300)  # limits have to be numbers with room around them
    margin = 0.05 * (top - bottom) or 1.0
    return bottom - margin, top + margin


def _limits_near_the_best(means, spread):
    """Bottom and top of the picture of some values, however bad one of them is."""
    known = np.isfinite(means)
    means, spread = means[known], np.nan_to_num(spread[known])
    best = means.max()
    lowest = best - 10 * max(abs(best), 0.5)
    near = means >= lowest
    means, spread = means[near], spread[near]
    bottom = max((means - spread).min(), lowest)
    top = min((means + spread).max(), best + (best - bottom))
    margin = 0.08 * (top - bottom) or 0.1 * max(abs(best), 0.1)
    return bottom - margin, max(top, best) + margin


def _metric(search, metric):
    """The name that `cv_results_` has for the metric: "score" if there is only one."""
    prefix = "mean_test_"
    there = [key[len(prefix) :] for key in search.cv_results_ if key.startswith(prefix)]
    if metric is None:
        metric = "score" if there == ["score"] else getattr(search, "refit", None)
        if metric not in there:
            raise ValueError(
                f"The search has several metrics, {there}: say with metric which one "
                "to draw."
            )
    elif metric not in there and there == ["score"] and metric == search.scoring:
        metric = "score"
    elif metric not in there:
        raise ValueError(
            f"metric={metric!r} is not among those of the search: {there}."
        )
    return metric


def _learning_rate_name(results, name):
    """The learning rate's name in the grid."""
    varied = sorted({key for parameters in results["params"] for key in parameters})
    if name is not None:
        if name not in varied:
            raise ValueError(
                f"learning_rate_name={name!r} is not among the parameters of the "
                f"search: {varied}."
            )
        return name
    found = [key for key in varied if key.split("__")[-1] == "learning_rate"]
    if not found:
        raise ValueError(
            f"The search has no learning rate among its parameters: {varied}. Its grid "
            "needs values of learning_rate, in a pipeline of <step>__learning_rate."
        )
    if len(found) > 1:
        raise ValueError(
            f"The search has several learning rates, {found}: say with "
            "learning_rate_name which one to draw."
        )
    return found[0]


def _stable_limit(search, X, y):
    """The largest stable rate of the best estimator on X and y; None without those."""
    if X is None and y is None:
        return None
    if X is None or y is None:
        raise ValueError("To mark the stable limit takes both X and y.")
    best = getattr(search, "best_estimator_", None)
    if best is None:
        raise ValueError(
            "The stable limit is that of best_estimator_, and the search has none: set "
            "refit=True, or leave X and y out."
        )
    if hasattr(best, "steps"):
        if len(best.steps) > 1:
            X = best[:-1].transform(X)
        best = best[-1]
    if not isinstance(best, GradientAscentLogisticRegression):
        raise ValueError(
            "Only a GradientAscentLogisticRegression has a stable limit that is known "
            f"beforehand, and the best estimator is {best!r}: leave X and y out."
        )
    return max_stable_learning_rate(
        X,
        y,
        reduction=best.reduction,
        C=best.C,
        fit_intercept=best.fit_intercept,
        class_weight=best.class_weight,
    )
