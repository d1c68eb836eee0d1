"""Candidates times folds: fitted together, scored one by one."""

import time
import traceback
from functools import cached_property

import numpy as np
from sklearn.base import clone
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection._validation import _fit_and_score, _score
from sklearn.utils import _safe_indexing
from sklearn.utils._array_api import get_namespace_and_device
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

from ._arrays import to_host
from ._estimator import NeuronClassifier
from ._labels import check_labels, example_weights
from ._lockstep import scores_together
from ._model import Targets
from ._together import last_step


class Fold:
    """The rows of one split, taken out once, when first asked for."""

    def __init__(self, evaluation, train, test):
        self.evaluation, self.train, self.test = evaluation, train, test

    def _rows(self, rows, train=None):
        of = self.evaluation
        return _safe_split(of.search.estimator, of.X, of.y, rows, train)

    @cached_property
    def training(self):
        return self._rows(self.train)

    @cached_property
    def testing(self):
        return self._rows(self.test, self.train)

    @cached_property
    def weights(self):
        """Sample weights of the training rows."""
        weights = self.evaluation.weights
        return None if weights is None else _safe_indexing(weights, self.train)

    def score_params(self, rows):
        params = self.evaluation.score_params
        return _check_method_params(self.evaluation.X, params, indices=rows)

    def mean_log_likelihood(self, estimator):
        """`log_likelihood_` by the total weight of the training rows; NaN without."""
        last, weights = last_step(estimator), self.weights
        ours = isinstance(last, NeuronClassifier)
        if not ours or getattr(last, "early_stopping", False):
            return np.nan
        if weights is not None:
            weights = np.asarray(to_host(weights), dtype=float)
        if last.class_weight is not None:
            targets = Targets(last.classes_)
            y = self.training[1]
            y = check_labels(y if hasattr(y, "toarray") else np.asarray(to_host(y)))
            codes = targets.encode(y)
            weights, _ = example_weights(
                last.class_weight, targets, codes, weights, None
            )
            weights = weights if weights.ndim == 1 else weights.mean(axis=1)
        total = _num_samples(self.train) if weights is None else weights.sum()
        return last.log_likelihood_ / total


class Evaluation:
    """Candidates times folds: the outcome of each, as `_fit_and_score` would give it.

    Parameters
    ----------
    search : LockstepSearchCV
    X, y : the data
    scorer : callable
    routed : Bunch
        Parameters of the estimator's fit and the scorer's score.
    splits : list of (train, test)
    callback_ctx : CallbackContext
        Of the whole search.
    """

    def __init__(self, search, X, y, scorer, routed, splits, callback_ctx):
        self.search, self.X, self.y, self.scorer = search, X, y, scorer
        self.fit_params, self.score_params = routed.estimator.fit, routed.scorer.score
        self.callback_ctx = callback_ctx
        xp, _, device = get_namespace_and_device(X)
        self.splits = [
            [xp.asarray(_indices(rows), device=device) for rows in split]
            for split in splits
        ]
        self.weights = next(iter(self.fit_params.values()), None)
        self.usual = len(self.fit_params) <= 1 and (
            self.weights is None or np.shape(self.weights)[:1] == (_num_samples(X),)
        )

    def of(self, base, candidates, teams):
        """The outcomes, candidate by candidate, and the mean log-likelihoods."""
        # Other parameters of fit than weights of rows are for scikit-learn to pass on.
        teams = [
            team
            for team in teams
            if self.usual and self.fit_params.keys() <= {team.weight_name}
        ]
        together = {number for team in teams for number in team.candidates}
        alone = [i for i in range(len(candidates)) if i not in together]
        self.candidates = candidates
        n_splits = len(self.splits)
        out = [None] * (len(candidates) * n_splits)
        self.log_likelihoods = np.full((len(candidates), n_splits), np.nan)
        self.tasks = [
            self.callback_ctx.subcontext("candidate-split-evaluation", task_id=task_id)
            for task_id in range(len(out))
        ]
        if self.search.verbose > 0:
            print(
                f"Fitting {n_splits} folds for each of {len(candidates)} candidates,"
                f" totalling {len(out)} fits"
            )

        trains, across = [train for train, _ in self.splits], {}
        for team in teams:
            start = time.time()
            done = team.fit_across(self.X, self.y, trains, self.weights)
            if done is not None:
                seconds = (time.time() - start) / n_splits
                across[team] = [(of_split, seconds) for of_split in done]
        for split, (train, test) in enumerate(self.splits):
            fold = Fold(self, train, test)
            for team in teams:
                start, done, seconds = time.time(), None, 0.0
                if team in across:
                    done, seconds = across[team][split]
                members, head = team.fit(fold, done)
                seconds += time.time() - start
                outcomes = self._scored(team, members, head, seconds, fold, split)
                for number, outcome in zip(team.candidates, outcomes, strict=True):
                    out[number * n_splits + split] = outcome
            for number in alone:
                outcome = self._fitted_alone(base, number, fold, split)
                out[number * n_splits + split] = outcome
        return out, self.log_likelihoods

    def _fitted_alone(self, base, number, fold, split):
        outcome = _fit_and_score(
            clone(base),
            self.X,
            self.y,
            train=fold.train,
            test=fold.test,
            parameters=self.candidates[number],
            scorer=self.scorer,
            fit_params=self.fit_params,
            score_params=self.score_params,
            return_train_score=self.search.return_train_score,
            return_times=True,
            return_estimator=True,
            error_score=self.search.error_score,
            verbose=self.search.verbose,
            split_progress=(split, len(self.splits)),
            candidate_progress=(number, len(self.candidates)),
            caller=self.search,
            callback_ctx=self.tasks[number * len(self.splits) + split],
        )
        estimator = outcome.pop("estimator")
        if outcome["fit_error"] is None and self.usual:
            mean = fold.mean_log_likelihood(estimator)
            self.log_likelihoods[number, split] = mean
        return outcome

    def _scored(self, team, members, head, seconds, fold, split):
        """The outcomes of the members of a team on one fold."""
        n = len(members)
        start = time.time()
        sets = {"test": (fold.testing, fold.score_params(fold.test))}
        if self.search.return_train_score:
            sets["train"] = fold.training, fold.score_params(fold.train)
        short_cut = self.search.scoring is None and head is not None and head.steps
        if short_cut:
            # Pipeline.score is the score of its last step on what the others make of
            # the rows, which is the same for all members.
            try:
                sets = {
                    name: ((head.transform(X), y), params)
                    for name, ((X, y), params) in sets.items()
                }
            except Exception:  # every member is to say so for itself
                short_cut = False
        scored = [last_step(member) if short_cut else member for member in members]
        known = self._scored_together(scored, sets)
        shared = (time.time() - start) / n
        outcomes = []
        for at, number, member in zip(range(n), team.candidates, members, strict=True):
            task = self.tasks[number * len(self.splits) + split]
            given = {"estimator": self.search, "metadata": None}
            given |= {"X": lambda: fold.training[0], "y": lambda: fold.training[1]}
            if "sample_weight" in self.fit_params and self.weights is not None:
                given["metadata"] = {"sample_weight": fold.weights}
            name = self._announced(number, split)
            task.call_on_fit_task_begin(**given)
            try:
                if isinstance(member, Exception):
                    outcome = self._failed(member, sets)
                else:
                    mean = fold.mean_log_likelihood(member)
                    self.log_likelihoods[number, split] = mean
                    if known is not None:
                        scores = {f"{name}_scores": of[at] for name, of in known}
                        outcome = {"fit_error": None, "score_time": 0.0, **scores}
                    else:
                        outcome = self._scores(scored[at], sets)
                    outcome["score_time"] += shared
                outcome["fit_time"] = seconds / n
            finally:
                task.call_on_fit_task_end(**given)
            self._report(name, outcome, self.candidates[number])
            outcomes.append(outcome)
        return outcomes

    def _scored_together(self, members, sets):
        """For each set of rows its name and the scores of the members; None: apart.

        Only where a score is an accuracy, which one product gives for all.
        """
        if self.search.scoring is not None:
            return None
        known = [
            (name, scores_together(members, X, y, **params))
            for name, ((X, y), params) in sets.items()
            if params.keys() <= {"sample_weight"}
        ]
        usable = len(known) == len(sets) and all(scores for _, scores in known)
        return known if usable else None

    def _failed(self, error, sets):
        if self.search.error_score == "raise":
            raise error
        score = self.search.error_score
        if isinstance(self.scorer, _MultimetricScorer):
            score = dict.fromkeys(self.scorer._scorers, score)
        of_each = {f"{name}_scores": score for name in sets}
        message = "".join(traceback.format_exception(error))
        return {"fit_error": message, **of_each, "score_time": 0.0}

    def _scores(self, estimator, sets):
        outcome = {"fit_error": None}
        for name, ((X, y), params) in sets.items():
            start = time.time()
            error_score = self.search.error_score
            outcome[f"{name}_scores"] = _score(
                estimator, X, y, self.scorer, params, error_score
            )
            outcome.setdefault("score_time", time.time() - start)
        return outcome

    # What `_fit_and_score` prints -----------------------------------------------------

    def _announced(self, number, split):
        """The name of a fit as `verbose` wants it, printed as its start if so."""
        verbose, name = self.search.verbose, "[CV"
        if verbose > 2:
            name += f" {split + 1}/{len(self.splits)}"
        if verbose > 9:
            name += f"; {number + 1}/{len(self.candidates)}"
            message = f"{name}] START {_listed(self.candidates[number])}"
            print(message + "." * (80 - len(message)))
        return name

    def _report(self, name, outcome, params):
        if self.search.verbose <= 1:
            return
        result = _listed(params) + (";" if params else "")
        if self.search.verbose > 2:
            test, train = outcome["test_scores"], outcome.get("train_scores")
            if isinstance(test, dict):
                for metric in sorted(test):
                    of_train = f"train={train[metric]:.3f}, " if train else ""
                    result += f" {metric}: ({of_train}test={test[metric]:.3f})"
            elif train is None:
                result += f", score={test:.3f}"
            else:
                result += f", score=(train={train:.3f}, test={test:.3f})"
        seconds = outcome["fit_time"] + outcome["score_time"]
        result += f" total time= {seconds:5.1f}s"
        message = f"{name}] END "
        print(message + "." * (80 - len(message) - len(result)) + result)


def _indices(rows):
    """Numbers of rows, which a splitter may give as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _listed(params):
    return ", ".join(f"{name}={params[name]}" for name in sorted(params))
