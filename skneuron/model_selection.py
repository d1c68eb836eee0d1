"""Grid search that fits the candidates together."""

from functools import partial

import numpy as np
from sklearn import get_config
from sklearn.base import _fit_context
from sklearn.callback import AutoPropagatedCallback, ProgressBar
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.utils.validation import _check_method_params, _num_samples, indexable

from ._arrays import beside
from ._data.dask import is_dask
from ._search.evaluation import Evaluation, SplitRows
from ._search.teams import find_teams


class LockstepSearchCV(GridSearchCV):
    """`GridSearchCV` that fits the candidates together, for our two estimators.

    The scores, the best parameters and everything else are those of
    `sklearn.model_selection.GridSearchCV`. What differs is the way there: of each fold
    the rows are taken out, transformed and read once for all candidates.

    - `GradientAscentLogisticRegression` with ``learning_rate="auto"``, `solver`
      ``"auto"`` or ``"newton"``, a `tol` of 1e-5 at most, and a `max_iter` of 100 or
      more: candidates that differ in `C` climb one after the other, from the strongest
      penalty to the weakest, each from where the tops before it lead, to a top of its
      own. Scores that are functions of probabilities are those of `GridSearchCV` to
      1e-6, or to what `tol` leaves open, if that is more.
    - With numbers as `learning_rate`, and no mini-batches: all candidates climb side by
      side, and a pass over the rows answers what all of them ask. Each takes the very
      steps that it takes alone.
    - Others, `SimpleMLPClassifier` among them, have a thread each, where `random_state`
      is an int.

    The estimator may be the last step of a `Pipeline`: the steps before it are fitted
    once for each of their own settings and each fold. Any other estimator is searched
    as `GridSearchCV` does it, and so are candidates that print (`verbose`), go on from
    a fit (`warm_start`) or are watched by callbacks.

    Parameters
    ----------
    estimator : estimator
        Any that `GridSearchCV` takes.
    param_grid : dict or list of dict
        Parameter names, and the values to try of each.
    scoring : str, callable, list, tuple, dict or None, default=None
        What to measure on the test rows; None is ``estimator.score``.
    n_jobs : int or None, default=None
        How many processes: folds go to them, whose candidates stay together. None
        is 1, unless joblib's context says otherwise.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all rows; of several metrics, which of
        them says what is best, or a function of `cv_results_` that gives the index.
    cv : int, cross-validation generator, iterable or None, default=None
        How to split the rows; None is 5 folds, stratified by class.
    verbose : int, default=0
        The higher, the more is printed.
    pre_dispatch : int or str, default="2*n_jobs"
        How many jobs are handed out ahead.
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
        the fit failed, where early stopping has set rows aside, and of candidates that
        are searched as `GridSearchCV` does it.
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
    What fits would warn of one by one is said once, with how many of them say so. An
    interrupt ends the search.

    A `ProgressBar` moves when fits are scored, after all of them. Steps of a pipeline
    that draw random numbers with ``random_state=None`` draw once for all candidates
    that share them.

    Of array-API arrays under ``array_api_dispatch``, such as PyTorch's tensors, rows
    stay where X lies: in climbs side by side, once an iteration, all parameters go
    there, and the gradients come back.

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

    #: While it fits: what its candidates' fits are.
    _evaluation = None

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
        given, self._evaluation = self.estimator, self._evaluate(X, y, params)
        evaluation = self._evaluation
        try:
            super().fit(X if evaluation is None else evaluation.rows, y, **params)
        finally:
            self.estimator = given
            del self._evaluation
        found = np.full((len(self.cv_results_["params"]), self.n_splits_), np.nan)
        if evaluation is not None:
            found = evaluation.log_likelihoods
            evaluation.warn()
        dispatched = get_config()["array_api_dispatch"]
        self.log_likelihoods_ = beside(found, X) if dispatched else found
        return self

    def _evaluate(self, X, y, params):
        """How candidates are fitted together; None: none can be."""
        # A callback that wants to see every fit from the inside is shown every fit.
        callbacks = getattr(self, "_skl_callbacks", [])
        watching = [of for of in callbacks if not isinstance(of, ProgressBar)]
        inquisitive = any(isinstance(of, AutoPropagatedCallback) for of in watching)
        if y is None or is_dask(X) or inquisitive:
            return None
        try:
            candidates = list(ParameterGrid(self.param_grid))
            teams = find_teams(self.estimator, candidates)
            X, y = indexable(X, y)
            params = _check_method_params(X, params=params)
            routed = self._get_routed_params_for_fit(params)
        except Exception:  # the search says so itself
            return None
        # Other parameters of fit than weights of rows are for scikit-learn to pass on.
        given = routed.estimator.fit
        weights = next(iter(given.values()), None)
        alike = weights is None or np.shape(weights)[:1] == (_num_samples(X),)
        teams = [team for team in teams if alike and given.keys() <= {team.weights}]
        if not teams:
            return None
        evaluation = Evaluation(self.estimator, teams, len(candidates), X, y, weights)
        together = sum(len(team.candidates) for team in teams)
        all_are = together == len(candidates) and not self.return_train_score
        plain = hasattr(X, "shape") and not get_config()["array_api_dispatch"]
        if all_are and plain and not callbacks:
            evaluation.rows = SplitRows(X)
        return evaluation

    def __getstate__(self):
        """What goes to other processes, to score there, goes without the data."""
        return {**super().__getstate__(), "_evaluation": None}

    def _check_input_parameters(self, X, y, split_params):
        # The last word before the estimator is cloned: a scorer may keep it before. And
        # before joblib's backend is at work, which one of its contexts has but once.
        if self._evaluation is not None:
            self._evaluation.fit(self, split_params)
            self.estimator = self._evaluation.stand_in()

    def _run_search(self, evaluate_candidates, *, callback_ctx=None):
        fits = self._evaluation
        if fits is not None:
            self.estimator = fits.estimator
            evaluate_candidates = partial(evaluate_candidates, cv=fits)
        super()._run_search(evaluate_candidates, callback_ctx=callback_ctx)

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        if self._evaluation is not None:
            for outcome, scored in zip(self._evaluation.outcomes.ravel(), out):
                scored["fit_time"] += getattr(outcome, "seconds", 0.0)
        return super()._format_results(candidate_params, n_splits, out, more_results)
