"""Pictures of the climb, and of searches over learning rates; the stable rates."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._arrays import numbers_may_end, to_host
from .._model import largest_safe_rate
from .._peers import last_step
from .._threads import one_blas
from ..logistic_regression import GradientAscentLogisticRegression
from .passes import check_estimator
from .pictures import Display


@dataclass(eq=False, repr=False, kw_only=True)
class LogLikelihoodDisplay(Display):
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

    log_likelihood_curve: np.ndarray
    name: str | None = None

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
        check_estimator(est, "log_likelihood_curve_")
        rate = est.learning_rate
        of_rate = f", learning rate {rate:g}" if isinstance(rate, Real) else ""
        name = type(est).__name__ + of_rate if name is None else name
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
        ax = self.ax_ = self._axes(ax)[0]
        curve = np.asarray(to_host(self.log_likelihood_curve), dtype=float)
        known = np.flatnonzero(np.isfinite(curve))
        line_kw = {"label": self.name if name is None else name, **line_kw}
        (self.line_,) = ax.plot(known, curve[known], **line_kw)
        ax.set(xlabel="iteration", ylabel="log-likelihood (nats)")
        lines = [line for line in ax.lines if line.get_transform() == ax.transData]
        curves = [line.get_ydata() for line in lines if len(line.get_ydata())]
        if curves:
            ax.set_ylim(*_limits_of_climbs(curves))
        if ax.get_legend_handles_labels()[1]:
            ax.legend()
        return self


@dataclass(eq=False, repr=False, kw_only=True)
class LearningRateDisplay(Display):
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

    learning_rates: np.ndarray
    mean_scores: np.ndarray
    std_scores: np.ndarray
    log_likelihoods: np.ndarray | None = None
    stable_limit: float | None = None
    score_name: str = "score"

    best_ = stable_limit_line_ = log_likelihood_ax_ = log_likelihood_line_ = None

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
        TypeError
            If it is no search.
        NotFittedError
            If the search is not fitted.
        ValueError
            If there is no learning rate in the grid, or several, or none that is a
            number; if there is no such metric; if X comes without y, or y without X;
            or if, with both, the search has no best estimator, or a network.
        """
        if not (hasattr(search, "cv_results_") or hasattr(search, "estimator")):
            raise TypeError(
                f"search must be a fitted search, as GridSearchCV, not {search!r}: "
                "a climb alone is drawn by LogLikelihoodDisplay.from_estimator."
            )
        check_is_fitted(search, "cv_results_")
        results, candidates = search.cv_results_, search.cv_results_["params"]
        scoring, refit = (getattr(search, of, None) for of in ("scoring", "refit"))
        metrics = [of.split("_", 2)[2] for of in results if "mean_test_" in of]
        metric = None if metric == scoring else metric  # the only one is "score" there
        likely = [refit] if refit in metrics else metrics
        metric = _choose("metric", metric, metrics, likely, "metrics")
        names = sorted({name for candidate in candidates for name in candidate})
        likely = [name for name in names if name.split("__")[-1] == "learning_rate"]
        which = "learning_rate_name", learning_rate_name
        name = _choose(*which, names, likely, "learning rates")
        means, stds = (results[f"{of}_test_{metric}"] for of in ("mean", "std"))
        best_of = {}  # the candidate that is drawn, by rate
        for i in np.argsort(-means, kind="stable"):
            rate = candidates[i].get(name)
            if isinstance(rate, Real) and 0 < rate < np.inf:
                best_of.setdefault(float(rate), i)
        if not best_of:
            raise ValueError(f"No value of {name} in the grid is a number.")
        rates, drawn = (np.array(of) for of in zip(*sorted(best_of.items())))
        log_likelihoods = getattr(search, "log_likelihoods_", None)
        if log_likelihoods is not None:
            log_likelihoods = np.asarray(to_host(log_likelihoods))[drawn].mean(axis=1)
        return cls(
            learning_rates=rates,
            mean_scores=means[drawn],
            std_scores=stds[drawn],
            log_likelihoods=log_likelihoods,
            stable_limit=_stable_limit(search, X, y),
            score_name=scoring if isinstance(scoring, str) else metric,
        ).plot(ax, **line_kw)

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
        ax = self.ax_ = self._axes(ax)[0]
        rates, means = self.learning_rates, np.asarray(self.mean_scores, dtype=float)
        spread = np.nan_to_num(np.asarray(self.std_scores, dtype=float))
        label = "test score, and its deviation over the folds"
        line_kw = {"marker": "o", "capsize": 3, "label": label, **line_kw}
        ylabel = f"mean test {self.score_name}"
        self.errorbar_ = ax.errorbar(rates, means, spread, **line_kw)
        # The scale after what is drawn, or a single rate gets limits that are one, too.
        ax.set(xscale="log", xlabel="learning rate", ylabel=ylabel)
        self.line_ = self.errorbar_.lines[0]
        if np.isfinite(means).any():
            ax.set_ylim(*_limits_near_the_best(means, spread))
            best = np.argmax(np.where(np.isfinite(means), means, -np.inf))
            star = {"color": "tab:orange", "markersize": 16, "zorder": 3}
            star["label"] = f"best: {rates[best]:g}"
            (self.best_,) = ax.plot(rates[best], means[best], "*", **star)
        if self.stable_limit is not None:
            dashed = {"color": "0.4", "linestyle": "--"}
            dashed["label"] = f"stable up to {self.stable_limit:.3g}"
            self.stable_limit_line_ = ax.axvline(self.stable_limit, **dashed)
        handles, _ = ax.get_legend_handles_labels()
        climbed = np.array(self.log_likelihoods, dtype=float)  # NaN, if there are none
        if np.isfinite(climbed).any():
            other = self.log_likelihood_ax_ = ax.twinx()
            label = "log-likelihood of the training rows"
            green = {"color": "tab:green"}
            handles += other.plot(rates, climbed, "s:", label=label, **green)
            self.log_likelihood_line_ = handles[-1]
            other.set_ylabel("mean log-likelihood (nats)", **green)
            other.set_ylim(*_limits_near_the_best(climbed))
        # Above the axes: two scales leave no corner free.
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
        ax.legend(handles=handles, ncols=2, fontsize="small", frameon=False, **above)
        return self


def _limits_of_climbs(curves):
    """Bottom and top of the picture of some curves, however deep one of them falls."""
    drawn = np.concatenate(curves)
    starts = np.array([curve[0] for curve in curves])
    # Curves of more examples start lower, but not from the wreck of an earlier fit.
    start = starts[starts >= 100 * min(starts.max(), -1.0)].min()
    top, bottom = drawn.max(), max(drawn.min(), -1e300)  # with room for a margin
    if top > start:  # otherwise all that there is to see is how they fall
        bottom = max(bottom, start - (top - start))
    margin = 0.05 * (top - bottom) or 1.0
    return bottom - margin, top + margin


def _limits_near_the_best(values, spread=0.0):
    """Bottom and top of the picture of some values, however bad one of them is."""
    best = values[np.isfinite(values)].max()
    near = best - values <= 10 * max(abs(best), 0.5)
    bottom, top = (values - spread)[near].min(), (values + spread)[near].max()
    margin = 0.08 * (top - bottom) or 0.1 * max(abs(best), 0.1)
    return bottom - margin, top + margin


def _choose(name, given, there, likely, what):
    """Of what is `there` that which is `given` by a keyword, or the only likely one."""
    if given is not None and given not in there:
        raise ValueError(f"{name}={given!r} is not among those of the search: {there}.")
    if given is None and len(likely) != 1:
        raise ValueError(
            f"The search has {'several' if likely else 'no'} {what} among {there}: say "
            f"with {name} which one to draw."
        )
    return likely[0] if given is None else given


def _stable_limit(search, X, y):
    """The largest stable rate of the best estimator on X and y; None without those."""
    if X is None and y is None:
        return None
    if X is None or y is None:
        raise ValueError("To mark the stable limit takes both X and y.")
    best, X = last_step(getattr(search, "best_estimator_", None), X)
    if not isinstance(best, GradientAscentLogisticRegression):
        raise ValueError(
            "Only a GradientAscentLogisticRegression that refit=True finds has a "
            f"stable limit, and best_estimator_ is {best!r}: leave X and y out."
        )
    names = "reduction", "C", "fit_intercept", "class_weight"
    return max_stable_learning_rate(X, y, **{of: getattr(best, of) for of in names})


def max_stable_learning_rate(
    X,
    y,
    *,
    reduction="mean",
    C=np.inf,
    fit_intercept=True,
    sample_weight=None,
    class_weight=None,
):
    """The largest learning rate at which no step can lower the log-likelihood.

    For gradient ascent of the logistic regression with every example in every step.
    The curvature of the (penalised) log-likelihood is nowhere above
    ``c X1^T diag(w) X1 + P``: X1 are the features and a 1 for the intercept, w the
    weights, P the penalty, and c is 1/4 for sigmoids and 1/2 for softmaxes. With L its
    largest eigenvalue, a step of eta times the gradient gains at least ``eta (1 - eta
    L / 2) |gradient|^2``, which is not negative up to ``eta = 2 / L``.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Labels.
    reduction : {"mean", "sum"}, default="mean"
        Whether the gradient is averaged or summed over the samples.
    C : float, default=np.inf
        Inverse strength of the L2 penalty.
    fit_intercept : bool, default=True
        Whether there are intercepts.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each sample counts.
    class_weight : dict, "balanced", list of those, or None, default=None
        Weights of the classes.

    Returns
    -------
    rate : float
        What the `ConvergenceWarning` of a `GradientAscentLogisticRegression` with these
        parameters and too large a `learning_rate` names, but for its rounding down.
        inf if nothing can be learned: all features 0, and no intercept.

    Raises
    ------
    ValueError
        If a parameter, X, y or sample_weight is not usable.

    See Also
    --------
    skneuron.inspection.LearningRateDisplay : Marks it among the rates of a search.

    Notes
    -----
    Rates above this one may do as well, where probabilities are far from the 1/2 at
    which the curvature is largest; but no longer for certain.

    References
    ----------
    D. Boehning & B. G. Lindsay, "Monotonicity of quadratic-approximation algorithms",
    *Annals of the Institute of Statistical Mathematics* 40 (1988), 641-663.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skneuron.inspection import max_stable_learning_rate
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> print(f"{max_stable_learning_rate(scale(X[:, :2]), y):.3f}")
    6.043
    """
    est = GradientAscentLogisticRegression(
        C=C, reduction=reduction, fit_intercept=fit_intercept, class_weight=class_weight
    )
    est._validate_params()
    with numbers_may_end(), one_blas():
        data = est._read(X, y, sample_weight, est._past())
        return float(largest_safe_rate(est._objective(data).but(reduction=reduction)))
