"""What lets scikit-learn's search score fits that are there already.

Its search clones an estimator for every candidate and split, candidates first, gives
the clone its parameters, and fits and scores what that returns. Here the clones are
those of a stand-in: each is the next of the fits that were done before, and gives the
fitted estimator, whose `fit` has nothing left to do.
"""

import copy
import warnings
from functools import partial
from types import SimpleNamespace

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils._array_api import get_namespace_and_device
from sklearn.utils.parallel import Parallel, delayed


class Evaluation:
    """The fits of a search's candidates on all splits.

    Parameters
    ----------
    estimator : estimator
        The search's.
    teams : list of Team
    n_candidates : int
    X, y : the data
    sample_weight : array or None
    """

    def __init__(self, estimator, teams, n_candidates, X, y, sample_weight):
        self.estimator, self.teams, self.n_candidates = estimator, teams, n_candidates
        self.X, self.y, self.sample_weight = X, y, sample_weight
        #: What the search takes for X.
        self.rows = X
        self._clones = None

    def fit(self, search, split_params):
        """Fit all teams to all splits; from then on this is a splitter into these."""
        cv, (xp, _, device) = search._checked_cv_orig, get_namespace_and_device(self.X)
        splits = [
            tuple(xp.asarray(as_indices(rows), device=device) for rows in split)
            for split in cv.split(self.X, self.y, **split_params)
        ]
        jobs = [(team, split) for split in range(len(splits)) for team in self.teams]
        found = Parallel(search.n_jobs, pre_dispatch=search.pre_dispatch)(
            delayed(team.fit)(self.X, self.y, splits[split][0], self.sample_weight)
            for team, split in jobs
        )
        shape = self.n_candidates, len(splits)
        self.outcomes = np.full(shape, None)
        self.log_likelihoods = np.full(shape, np.nan)
        for (_, split), outcomes in zip(jobs, found, strict=True):
            for number, outcome in outcomes.items():
                self.outcomes[number, split] = outcome
                self.log_likelihoods[number, split] = outcome.mean_log_likelihood
        if isinstance(self.rows, SplitRows):
            self.rows.know(splits)
        self.split = lambda *data, **params: splits

    def warn(self):
        """Say once what several fits have to say."""
        said = {}
        known = [one for one in self.outcomes.ravel() if one is not None]
        for message, category in filter(None, (one.warning for one in known)):
            said.setdefault(category, []).append(message)
        for category, (message, *others) in said.items():
            if len(known) > 1:
                n = f"{1 + len(others)} of {len(known)}"
                message = f"{n} fits of the search warn, one of them: {message}"
            warnings.warn(message, category, stacklevel=4)

    def stand_in(self):
        """An estimator like the search's, whose clones are the fits."""
        other = copy.copy(self.estimator)
        other.__sklearn_clone__ = partial(self._next_clone, other)
        return other

    def _next_clone(self, stand_in):
        """The first clone is the stand-in again; then those that are to be fitted."""
        if self._clones is None:
            self._clones = iter(self.outcomes.ravel())
            return stand_in
        outcome = next(self._clones, self)
        if outcome is None:  # to be fitted by itself
            return clone(self.estimator)
        return SimpleNamespace(set_params=outcome.in_place_of_a_clone)

    def in_place_of_a_clone(self, **params):
        """The best one, when all are scored: to be fitted to the rows themselves.

        The search may know these by another name.
        """
        estimator = clone(self.estimator).set_params(**params)

        def fit(X, y=None, **params):
            del estimator.fit
            return estimator.fit(self.X, y, **params)

        estimator.fit = fit
        return estimator


class SplitRows:
    """X, of which the rows of each test set are taken out once.

    Training rows are not taken out at all: the fits have had theirs.
    """

    def __init__(self, X):
        self._X, self._taken = X, {}
        self.shape = X.shape

    def know(self, splits):
        """Be told which rows are a test set's, by arrays that stay."""
        self._taken = {id(test): _safe_indexing(self._X, test) for _, test in splits}

    def __len__(self):
        return self.shape[0]

    #: By which scikit-learn knows a frame, and asks no further before it takes rows.
    iloc = None

    def take(self, rows, axis):
        if self._taken is None:
            return _safe_indexing(self._X, rows)
        return self._taken.get(id(rows))

    def __getstate__(self):
        """In another process rows have other identities."""
        return {**vars(self), "_taken": None}


def as_indices(rows):
    """Numbers of rows, which a splitter may give as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows
