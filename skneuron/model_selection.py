"""Grid search that fits the candidates together."""

import time

import numpy as np
from sklearn import get_config
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.callback import AutoPropagatedCallback, ProgressBar
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_method_params, indexable

from ._arrays import beside
from ._dask import is_dask
from ._estimator import NeuronClassifier
from ._evaluation import Evaluation
from ._together import candidate, find_teams


class LockstepSearchCV(GridSearchCV):
    """`GridSearchCV` that fits the candidates together, for our two estimators.

    The scores, the best parameters and everything else are those of
    `sklearn.model_selection.GridSearchCV`. What differs is the way there: candidates
    that agree in all but a few numbers climb side by side, so that the features are
    read once for all of them. These numbers are

    - for `GradientAscentLogisticRegression` with a number as `learning_rate` and no
      mini-batches: `learning_rate`, `C`, `reduction` and `class_weight`; the candidates
      of all folds go together;
    - for `SimpleMLPClassifier` with an int as `random_state`, with solver ``"adam"`` or
      ``"gradient"`` and no early stopping: `learning_rate` (numbers), `alpha` and
      `momentum`; the candidates of a fold share its rows, and each climbs in a thread
      of its own.

    A grid over other parameters as well is as many such groups. The estimator may be
    the last step of a `Pipeline`: the steps before it are fitted once for each of
    their own settings and each fold. After steps that only shift and stretch columns
    of float64 (`StandardScaler`, `RobustScaler`, `MinMaxScaler`, `MaxAbsScaler`), folds
    go together, too: to the fits of a fold X is then in other units. Every other
    candidate is fitted by itself, as `GridSearchCV` does it.

    Parameters
    ----------
    estimator : estimator
        Any that `GridSearchCV` takes.
    param_grid : dict or list of dict
        Parameter names, and the values to try of each.
    scoring : str, callable, list, tuple, dict or None, default=None
        What to measure on the test rows; None is ``estimator.score``.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all rows; of several metrics, which of
        them says what is best, or a function of `cv_results_` that gives the index.
    cv : int, cross-validation generator, iterable or None, default=None
        How to split the rows; None is 5 folds, stratified by class.
    n_jobs : int or None, default=None
        With a number other than 1 the candidates are not fitted together, but by as
        many processes as `GridSearchCV` would use.
    verbose : int, default=0
        The higher, the more is printed.
    error_score : "raise" or float, default=np.nan
        Score of a fit that fails, with a `FitFailedWarning`; or raise its error.
    return_train_score : bool, default=False
        Whether to measure the training rows, too.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        With the keys that it has in `GridSearchCV`. `mean_fit_time` is of the time of
        a group an equal share for each of its members.
    log_likelihoods_ : array of shape (n_candidates, n_splits)
        Mean log-likelihood of each candidate on the training rows of each fold: its
        `log_likelihood_` divided by the total weight of these rows, in nats. NaN where
        the fit failed, where early stopping has set rows aside, for other estimators,
        and where nothing in the search could go together.
    best_estimator_ : estimator
        The best candidate, fitted on all rows, if `refit`.
    best_score_ : float
        Its mean test score; not there if `refit` is a function.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Where it stands in `cv_results_`.
    scorer_ : callable or dict
        What measures, for several metrics by their names.
    n_splits_ : int
        Folds.
    refit_time_ : float
        Seconds that fitting the best candidate on all rows took.
    multimetric_ : bool
        Whether there are several metrics.
    classes_ : ndarray of shape (n_classes,), or list of n_outputs such arrays
        The classes of y, if `refit`.
    n_features_in_ : int
        Features seen in fit, if `refit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if `refit` and X has names that are all strings.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : The search that this one stands in for.

    Notes
    -----
    A `ProgressBar` shows how many of the fits are done, but not the iterations within
    one of those that go together: it moves when these have been fitted, and are scored
    one by one. Steps of a pipeline that draw random numbers with
    ``random_state=None`` draw once for all candidates that share them.

    Of array-API arrays under ``array_api_dispatch``, such as PyTorch's tensors,
    logistic regressions go together where X lies: once an iteration, the parameters of
    all of them go there, and the gradients come back. Of the data only labels, weights
    and numbers of rows are copied to the host. Networks are fitted there one by one.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.model_selection import LockstepSearchCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> lecture = GradientAscentLogisticRegression(learning_rate=0.1, tol=1e-2)
    >>> name = "gradientascentlogisticregression"
    >>> search = LockstepSearchCV(
    ...     make_pipeline(StandardScaler(), lecture),
    ...     {f"{name}__learning_rate": [0.1, 0.3, 1.0], f"{name}__C": [1.0, 10.0]},
    ... ).fit(X, y)
    >>> print(f"{search.best_score_:.2f}")
    0.98
    >>> search.log_likelihoods_.shape
    (6, 5)
    """

    _parameter_constraints = {
        name: constraints
        for name, constraints in GridSearchCV._parameter_constraints.items()
        if name != "pre_dispatch"
    }

    #: What GridSearchCV's fit asks for; to candidates fitted together it means nothing.
    pre_dispatch = "2*n_jobs"

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        refit=True,
        cv=None,
        n_jobs=None,
        verbose=0,
        error_score=np.nan,
        return_train_score=False,
    ):
        self.estimator = estimator
        self.param_grid = param_grid
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit and score all candidates on all folds, and refit the best.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels.
        **params : dict of str to object
            For the estimator's `fit`, such as `sample_weight`, of which each fold gets
            its rows; `groups` for the splitter; with metadata routing, what was asked
            for.

        Returns
        -------
        self : LockstepSearchCV
            Fitted.

        Raises
        ------
        ValueError
            If a parameter or an input is not usable, or all fits fail.

        Warns
        -----
        FitFailedWarning
            If some fits fail, and `error_score` is a number.
        """
        # Dask collections are searched one candidate after the other.
        teams = [] if y is None or is_dask(X) else self._teams()
        if not teams:
            super().fit(X, y, **params)
            shape = len(ParameterGrid(self.param_grid)), self.n_splits_
            self.log_likelihoods_ = _where_it_computes(np.full(shape, np.nan), X)
            return self

        # From here to the end of fit: BaseSearchCV.fit, with another evaluation.
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        given = {"estimator": self, "X": X, "y": y, "metadata": None}
        if params.get("sample_weight") is not None:
            given["metadata"] = {"sample_weight": params["sample_weight"]}
        context = self._init_callback_context(
            max_subtasks=1 + (self.refit is not False)
        )
        context.call_on_fit_task_begin(**given)

        self._checked_cv_orig = check_cv(
            self.cv, y, classifier=is_classifier(self.estimator)
        )
        split_params = routed.splitter.split
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, **split_params)
        base = clone(self.estimator)

        def evaluate_candidates(candidates, callback_ctx):
            nonlocal results, out
            candidates = list(candidates)
            splits = list(self._checked_cv_orig.split(X, y, **split_params))
            if len(splits) != self.n_splits_:
                raise ValueError(
                    "cv.split and cv.get_n_splits return inconsistent results. "
                    f"Expected {self.n_splits_} splits, got {len(splits)}"
                )
            evaluation = Evaluation(self, X, y, scorer, routed, splits, callback_ctx)
            out, log_likelihoods = evaluation.of(base, candidates, teams)
            self.log_likelihoods_ = _where_it_computes(log_likelihoods, X)
            _warn_or_raise_about_fit_failures(out, self.error_score)
            if callable(self.scoring):
                _insert_error_scores(out, self.error_score)
            results = self._format_results(candidates, self.n_splits_, out)

        results, out = {}, []
        self._run_search(evaluate_candidates, callback_ctx=context)

        # Only now it is known whether a callable gives one metric or several.
        scores = out[0]["test_scores"]
        self.multimetric_ = isinstance(scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(scores)
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(
                self.refit, refit_metric, results
            )
            if not callable(self.refit):
                of_metric = results[f"mean_test_{refit_metric}"]
                self.best_score_ = of_metric[self.best_index_]
            self.best_params_ = results["params"][self.best_index_]

        if self.refit:
            self.best_estimator_ = candidate(base, self.best_params_)
            task = context.subcontext(task_name="refit-with-best-params")
            with task.propagate_callback_context(self.best_estimator_):
                task.call_on_fit_task_begin(**given)
                start = time.time()
                self.best_estimator_.fit(X, y, **routed.estimator.fit)
                self.refit_time_ = time.time() - start
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
            task.call_on_fit_task_end(**given)

        several = isinstance(scorer, _MultimetricScorer)
        self.scorer_ = scorer._scorers if several else scorer
        self.cv_results_ = results
        context.call_on_fit_task_end(**given)
        return self

    def _teams(self):
        """The candidates that can be fitted together."""
        # A callback that wants to see every fit from the inside is shown every fit.
        inquisitive = any(
            isinstance(callback, AutoPropagatedCallback)
            and not isinstance(callback, ProgressBar)
            for callback in getattr(self, "_skl_callbacks", [])
        )
        known = isinstance(self.estimator, (NeuronClassifier, Pipeline))
        if self.n_jobs not in (None, 1) or inquisitive or not known:
            return []
        return find_teams(self.estimator, list(ParameterGrid(self.param_grid)))


def _where_it_computes(array, X):
    """`array` beside X, if scikit-learn dispatches to X's namespace."""
    return beside(array, X) if get_config()["array_api_dispatch"] else array
