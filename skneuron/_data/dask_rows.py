"""Rows that lie elsewhere, in parts: as good as others to what asks for sums.

The log-likelihood is a sum over examples, so each part gives its share of it where it
lies: what is asked goes out once, what comes back is a tree of sums. Codes and weights
are derived once, and stay with the workers. X stays as it is: a collection that is not
persisted is computed anew for every sum. Dask schedules, on threads or on a cluster;
nothing here knows which.
"""

import copy
import operator
from dataclasses import dataclass, replace
from functools import partial, partialmethod, reduce
from types import SimpleNamespace

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from .._arrays import numbers_may_end
from .._threads import blas_on_one_thread, one_blas
from .batches import drawn, quotas, shared_out
from .reading import canonical
from .rows import Rows, take_rows

#: How many sums are added up at once, on a worker.
FAN_IN = 8

#: A sample up to so large is put together in one place.
JOINED_BYTES = 1 << 28


# Tasks ---------------------------------------------------------------------------


def sent(value):
    """A value, or a function, that goes out once, for many tasks."""
    from dask import delayed

    # Not `pure`: names are drawn, as hashing what is sent would take longer.
    return delayed(value, pure=False, traverse=False)


def each(function, *columns):
    """A task for each part: `function` of what every column has of it."""
    call, function = sent(operator.call), sent(function)
    return [call(function, *arguments) for arguments in zip(*columns)]


def put_together(tasks, combine):
    """A task that gives all that the tasks do, in a tree of few at a time."""
    # Dask looks through arguments sooner than through a list.
    fold = sent(lambda *shares: reduce(combine, shares))
    while len(tasks) > 1:
        starts = range(0, len(tasks), FAN_IN)
        tasks = [fold(*tasks[start : start + FAN_IN]) for start in starts]
    return tasks[0]


def compute(*tasks, keep=False):
    """What the tasks give: a tuple; `keep`: of tasks, that stays with the workers."""
    import dask

    try:
        with blas_on_one_thread():  # the tasks, where they run here, run in threads
            return dask.persist(*tasks) if keep else dask.compute(*tasks)
    except Exception as error:
        if type(error).__name__ != "KilledWorker":
            raise
        raise RuntimeError(
            "Worker after worker died over the same part of the data, most likely out "
            "of memory. Cut X into smaller parts (rechunk, repartition), or give the "
            "workers more memory."
        ) from error


# Parts ---------------------------------------------------------------------------


def features_of(X, dtype, check=None):
    """A part of X as floats, by scikit-learn's rules; `check` names who needs it."""
    rules = {"accept_sparse": "csr", "ensure_min_samples": 0, "dtype": dtype}
    rules |= {"ensure_all_finite": check is not None, "estimator": check}
    return canonical(check_array(X, **rules, input_name="X"))


@dataclass
class Unread:
    """What stands for the features of a part in its Rows until they are asked for.

    Attributes
    ----------
    shape : (int,)
        How many rows count.
    size : float
        How many numbers of them are stored, about.
    at : int array, default=None
        Which rows of the part those are; None: all.
    """

    shape: tuple
    size: float
    at: np.ndarray | None = None

    def __getitem__(self, at):
        at = at if self.at is None else self.at[at]
        return Unread((len(at),), self.size * len(at) / max(1, self.shape[0]), at)


def _figures(n_classes, rows):
    """What the client knows of the rows of a part.

    Numbers as Rows have them, the rows of each class of the first output, (n_classes,),
    and how many numbers of X are stored.
    """
    names = "n_rows", "total_weight", "smallest_weight"
    found = {name: getattr(rows, name) for name in names}
    found |= {"fingerprint": rows.fingerprint(), "counts": rows.counts(n_classes)}
    found["weights"] = None if rows.weights is None else rows.weights[:0]
    return SimpleNamespace(**found, n_stored=rows.X.size)  # of a sparse matrix, too


def _answer(of, dtype, views, X, rows, *more):
    """``of(rows, *more)`` of a part; an X of None: they are not to be read."""
    with numbers_may_end(), one_blas():
        if X is not None:
            X, at = features_of(X, dtype), rows.X.at
            rows = Rows(X if at is None else take_rows(X, at), rows.codes, rows.weights)
        for view in views:
            rows = view(rows)
        return of(rows, *more)


@dataclass(eq=False)
class RemoteRows:
    """Examples that lie elsewhere: to what asks for sums, as good as :class:`Rows`.

    Parameters
    ----------
    n_features : int
    dtype : dtype
        The float type of the features.
    is_dense : bool
    parts : sequence of (task, task, figures)
        A part of X, and Rows with its labels, whose features are :class:`Unread`; or
        None, and Rows with features. No part is without rows.
    views : tuple of callable
        What becomes of a part's Rows before anything is asked of them.
    """

    n_features: int
    dtype: np.dtype
    is_dense: bool
    parts: tuple = ()
    views: tuple = ()

    #: Never so small that they were copied sooner than read with care.
    is_small = lie_here = False
    sums = centre = None

    def __post_init__(self):
        figures = [part[-1] for part in self.parts]
        #: Without rows: None, where every example counts once, or of their axes.
        self.weights = figures[0].weights if figures else None
        self.n_rows = sum(of.n_rows for of in figures)
        self.smallest_weight = min((of.smallest_weight for of in figures), default=0)
        self.total_weight = sum(of.total_weight for of in figures)
        shape, nnz = (self.n_rows, self.n_features), sum(of.n_stored for of in figures)
        self.X = SimpleNamespace(shape=shape, dtype=self.dtype, nnz=nnz)

    def __getstate__(self):
        """What travels with an objective is how many there are."""
        return {**vars(self), "parts": None}

    def with_parts(self, X, rows, n_classes=0):
        """Examples of other parts, of which only Rows stay with the workers."""
        rows = compute(*rows, keep=True)
        parts = zip(X, rows, compute(*each(partial(_figures, n_classes), rows)))
        return replace(self, parts=tuple(part for part in parts if part[-1].n_rows))

    def _ask(self, of, *more):
        """A task for each part: what `of` gives for its rows, and its own of `more`."""
        X, rows, _ = zip(*self.parts)
        return each(partial(_answer, of, self.dtype, self.views), X, rows, *more)

    def total(self, of, combine=operator.add):
        """``of(rows)`` of each part, put together where the parts lie."""
        return compute(put_together(self._ask(of), combine))[0]

    def epochs(self, objective, size, rng, **how):
        """As of :class:`Rows`: part after part, each where it lies.

        What travels, to a part and back, are the parameters and the memory of the
        direction and of the step size. `rng` shuffles the parts, and the rows of each.
        """
        return partial(_epoch, objective, size, rng, how)

    def counts(self, n_classes):
        """As of :class:`Rows`."""
        return sum(of.counts for *_, of in self.parts)

    largest_sizes = Rows.largest_sizes

    def sample(self, n_rows):
        """About `n_rows` of the rows, from every part its share of them: a copy there.

        It is looked at many times: X need not be computed for it, and all of it lies in
        one place unless it is large, as to ask many takes longer than the answers.
        """
        shares = shared_out(n_rows, [of.n_rows for *_, of in self.parts])
        given = [[share] for share in shares], [0] * len(shares)
        tasks = replace(self, views=())._ask(partial(_drawn, True), *given)
        stored = n_rows / self.n_rows * self.X.nnz * self.dtype.itemsize
        if stored <= JOINED_BYTES:
            tasks = [put_together(tasks, _joined)]
        return self.with_parts([None] * len(tasks), tasks)

    def split(self, aside, seed, *, by_class):
        """All rows but about `aside`, drawn at random, and those.

        Of each class its share where `by_class`, if there are two or more of each: its
        whole share, cut into those of the parts. Each part draws its own.
        """
        X, rows, figures = zip(*self.parts)
        counts = [of.counts for of in figures]
        shares = quotas(aside, counts, by_class).tolist()
        seeds = np.random.RandomState(seed).randint(2**31 - 1, size=len(X)).tolist()
        sides = [each(partial(_drawn, of), rows, shares, seeds) for of in (False, True)]
        return [self.with_parts(X, side, len(counts[0])) for side in sides]

    def _viewed(self, name, *given):
        """What the method of that name makes of Rows, of each part as it is read."""
        return replace(self, views=(*self.views, operator.methodcaller(name, *given)))

    centred = partialmethod(_viewed, "centred")
    in_units = partialmethod(_viewed, "in_units")
    widened = partialmethod(_viewed, "widened")

    def fingerprint(self):
        """What tells other labels or weights from these."""
        return [of.fingerprint for *_, of in self.parts]


def _joined(first, second):
    """The rows of both."""
    stack = np.concatenate if first.is_dense else partial(sparse.vstack, format="csr")
    codes, weights = np.concatenate([first.codes, second.codes]), None
    if first.weights is not None:
        weights = np.concatenate([first.weights, second.weights])
    return Rows(stack([first.X, second.X]), codes, weights)


def _drawn(is_aside, rows, quota, seed):
    """Those of a part's rows that are set aside, or the others: a copy."""
    return rows.take(drawn(rows.codes[:, 0], quota, seed)[is_aside])


# Mini-batches --------------------------------------------------------------------


def _epoch(objective, size, rng, how, theta, direction, step_size):
    rows, log_likelihood = objective.rows, 0.0
    n_parts = len(rows.parts)
    for i in range(n_parts) if rng is None else rng.permutation(n_parts):
        seed = None if rng is None else rng.randint(2**31 - 1)
        state = theta, direction, step_size
        part = replace(rows, parts=(rows.parts[i],))
        there = partial(_epoch_there, objective, size, seed, how, state)
        met, theta[...], *memories = part.total(there)
        log_likelihood += met
        for mine, its in zip((direction, step_size), memories):
            vars(mine).update(vars(its))
    return log_likelihood


def _epoch_there(objective, size, seed, how, state, rows):
    """An epoch of the rows of a part; the log-likelihood met, and the state after."""
    state = theta, direction, step_size = copy.deepcopy(state)
    rng = None if seed is None else np.random.RandomState(seed)
    epoch = rows.epochs(objective.on(rows, **how), size, rng, **how)
    return epoch(theta, direction, step_size), *state
