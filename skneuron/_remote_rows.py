"""Rows that lie elsewhere, in parts: as good as others to what asks for sums.

The log-likelihood is a sum over examples, so each part gives its share of it where it
lies. Codes and weights are derived once, and stay with the workers. X stays as it is: a
collection that is not persisted is computed anew for every sum.
"""

import copy
import operator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from ._arrays import numbers_may_end
from ._ascent import Batches
from ._dask import call, compute, features_of, persist, put_together, sent, task_of
from ._model import Rows
from ._model.aside import drawn, quotas, shared_out
from ._model.rows import take_rows
from ._threads import one_blas

#: How many runs a part's share of a sample is made of, at least.
RUNS = 16

#: A sample up to so large is put together in one place.
JOINED_BYTES = 1 << 28


@dataclass
class Derived:
    """Codes and weights of a part.

    Attributes
    ----------
    codes, weights : as in Rows
        Of the rows that count.
    at : int array, or None
        Which those are; None: all.
    density : float
        How many numbers of a row of X are stored, on the average.
    """

    codes: np.ndarray
    weights: np.ndarray | None
    at: np.ndarray | None
    density: float

    def rows(self, X):
        """The part's rows that count."""
        X = X if self.at is None else take_rows(X, self.at)
        return Rows(X, self.codes, self.weights)

    def take(self, at):
        """Some of those."""
        weights = None if self.weights is None else self.weights[at]
        where = at if self.at is None else self.at[at]
        return Derived(self.codes[at], weights, where, self.density)

    def figures(self, n_classes):
        """What is asked of codes and weights alone."""
        rows = Rows(self.codes, self.codes, self.weights)
        some = rows.n_rows > 0
        return Figures(
            rows.n_rows,
            rows.total_weight if some else 0.0,
            rows.smallest_weight if some else np.inf,
            np.bincount(self.codes[:, 0], minlength=n_classes),
            self.density * rows.n_rows,
            rows.fingerprint() if some else 0,
        )


@dataclass
class Figures:
    """What the client knows of a part.

    Attributes
    ----------
    n_rows : int
    total_weight, smallest_weight, fingerprint : as in Rows
    counts : int array
        The rows of each class of the first output.
    n_stored : float
        How many numbers of X are stored.
    """

    n_rows: int
    total_weight: float
    smallest_weight: float
    counts: np.ndarray
    n_stored: float
    fingerprint: int


@dataclass
class Likeness:
    """What an array looks like from afar.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    nnz : float
        How many numbers are stored.
    """

    shape: tuple
    dtype: np.dtype
    nnz: float

    @property
    def ndim(self):
        """How many axes there are."""
        return len(self.shape)


@dataclass
class _Errand:
    """A question to the rows of a part."""

    of: object
    dtype: np.dtype
    views: tuple

    def __call__(self, X, derived, *more):
        with numbers_may_end(), one_blas():
            # A part of a sample is rows already.
            rows = derived if X is None else derived.rows(features_of(X, self.dtype))
            for view in self.views:
                rows = view(rows)
            return self.of(rows, *more)


class RemoteRows:
    """Examples that lie elsewhere: to what asks for sums, as good as :class:`Rows`.

    Parameters
    ----------
    parts : list of (task, task)
        A part of X and what is derived of its labels; or None, and Rows. None is empty.
    figures : list of Figures
        Of each part.
    X, weights : Likeness
        None for weights: every example counts once.
    is_dense : bool
    views : tuple of callable
        What becomes of a part's Rows before anything is asked of them.
    """

    lie_here = False
    centre = None

    def __init__(self, parts, figures, X, weights, is_dense, views=()):
        self.parts, self.figures = parts, figures
        self.X, self.weights, self.is_dense = X, weights, is_dense
        self.views = views
        self.n_rows = sum(of.n_rows for of in figures)
        self.smallest_weight = min((of.smallest_weight for of in figures), default=0)
        self.total_weight = sum(of.total_weight for of in figures)

    @property
    def dtype(self):
        """The float type of the features."""
        return self.X.dtype

    def __getstate__(self):
        """What travels with an objective is how many there are."""
        return {**vars(self), "parts": None, "figures": None}

    def _like(self, parts, figures, views):
        """Others, of the same columns."""
        n_rows = sum(of.n_rows for of in figures)
        X = Likeness(
            (n_rows, self.X.shape[1]),
            self.X.dtype,
            sum(of.n_stored for of in figures),
        )
        return RemoteRows(parts, figures, X, self.weights, self.is_dense, views)

    def _of(self, derived, n_classes):
        """The same X with what else is derived of its labels, which is persisted."""
        derived = persist(*derived)
        ask = task_of(Derived.figures)
        figures = compute(*(ask(of, n_classes) for of in derived))
        kept = [i for i, of in enumerate(figures) if of.n_rows]
        parts = [(self.parts[i][0], derived[i]) for i in kept]
        return self._like(parts, [figures[i] for i in kept], self.views)

    def _ask(self, of, *more):
        """A task for each part: what `of` gives for its rows, and its own of `more`."""
        errand = sent(_Errand(of, self.X.dtype, self.views))
        run = task_of(call)
        return [run(errand, *part, *own) for part, *own in zip(self.parts, *more)]

    def total(self, of, combine=operator.add):
        """``of(rows)`` of each part, put together where the parts lie."""
        return compute(put_together(self._ask(of), combine))[0]

    def of_part(self, i, of):
        """``of(rows)`` of one part alone."""
        return compute(self._part(i)._ask(of)[0])[0]

    def _part(self, i):
        return self._like([self.parts[i]], [self.figures[i]], self.views)

    def sample(self, n_rows):
        """About `n_rows` of the rows, from every part its share of them: a copy there.

        It is looked at many times: X need not be computed for it, and all of it lies in
        one place unless it is large, as to ask many takes longer than the answers.
        """
        shares = shared_out(n_rows, [of.n_rows for of in self.figures])
        as_given = self._like(self.parts, self.figures, ())
        tasks = as_given._ask(_some_rows, shares)
        tasks = [task for task, share in zip(tasks, shares) if share]
        stored = n_rows / self.n_rows * self.X.nnz * self.X.dtype.itemsize
        if stored <= JOINED_BYTES:
            tasks = [put_together(tasks, _joined)]
        parts = persist(*tasks)
        figures = compute(*map(task_of(_figures_of_rows), parts))
        return self._like([(None, part) for part in parts], list(figures), self.views)

    def split(self, aside, seed, *, by_class):
        """All rows but about `aside`, drawn at random, and those.

        Of each class its share where `by_class`, if there are two or more of each: its
        whole share, cut into those of the parts. Each part draws its own.
        """
        counts = np.array([of.counts for of in self.figures])
        n_classes = counts.shape[1]
        if not by_class:
            counts = counts.sum(axis=1, keepdims=True)
        of_parts = quotas(aside, counts)
        seeds = np.random.RandomState(seed).randint(2**31 - 1, size=len(of_parts))
        draw = task_of(_drawn)

        def those(is_aside):
            return self._of(
                [
                    draw(derived, quota, one, is_aside)
                    for (_, derived), quota, one in zip(
                        self.parts, of_parts.tolist(), seeds.tolist()
                    )
                ],
                n_classes,
            )

        return those(False), those(True)

    def centred(self, mean, scale):
        """The same rows, standardised as they are read."""
        return self._viewed(operator.methodcaller("centred", mean, scale))

    def in_units(self, exponents):
        """The same rows, each column divided by 2 to its exponent as they are read."""
        return self._viewed(operator.methodcaller("in_units", exponents))

    def _viewed(self, view):
        return self._like(self.parts, self.figures, (*self.views, view))

    def is_small(self):
        """Not so small that they were copied sooner than read with care."""
        return False

    def fingerprint(self):
        """What tells other labels or weights from these."""
        return [of.fingerprint for of in self.figures]


def _some_rows(rows, n):
    """About n of the rows: a copy, so that the others need not be kept."""
    if n >= rows.n_rows:
        return rows
    if n < RUNS:
        return rows.take(np.linspace(0, rows.n_rows - 1, n).astype(int))
    some = rows.sample(n)
    if len(some.spans) == 1:
        return some
    return rows.take(np.concatenate([np.r_[span] for span in some.spans]))


def _joined(some, others):
    """The rows of both."""
    stack = np.concatenate
    if sparse.issparse(some.X):
        stack = partial(sparse.vstack, format="csr")
    X = stack([some.X, others.X])
    codes, weights = np.concatenate([some.codes, others.codes]), None
    if some.weights is not None:
        weights = np.concatenate([some.weights, others.weights])
    return Rows(X, codes, weights)


def _figures_of_rows(rows):
    n_stored = rows.X.nnz if sparse.issparse(rows.X) else rows.X.size
    derived = Derived(rows.codes, rows.weights, None, n_stored / rows.n_rows)
    return derived.figures(0)


def _drawn(derived, quota, seed, is_aside):
    """Those of a part's rows that are set aside, or the others."""
    aside = drawn(derived.codes[:, 0], quota, seed)
    return derived.take(np.flatnonzero(aside == is_aside))


class RemoteBatches:
    """Mini-batches of rows that lie elsewhere: part after part, each where it lies.

    What travels, to a part and back, are the parameters and the memory of the direction
    and of the step size.

    Parameters
    ----------
    rows : RemoteRows
    size : int
    rng : RandomState or None
        Shuffles the parts, and the rows of each. None takes all in their order.
    """

    def __init__(self, rows, size, rng):
        self.size, self.rng = size, rng
        self.n_parts = len(rows.parts)

    def over(self, objective, *, whole_penalty):
        """As :meth:`Batches.over`."""
        return partial(self._epoch, objective, whole_penalty)

    def _epoch(self, objective, whole_penalty, theta, direction, step_size):
        rows, rng = objective.base.rows, self.rng
        log_likelihood = 0.0
        order = range(self.n_parts) if rng is None else rng.permutation(self.n_parts)
        for i in order:
            seed = None if rng is None else rng.randint(2**31 - 1)
            there = partial(_epoch_there, objective, whole_penalty, self.size, seed)
            here = theta, direction, step_size
            met, place, *memories = rows.of_part(i, partial(there, here))
            log_likelihood += met
            theta[...] = place
            for mine, its in zip((direction, step_size), memories):
                vars(mine).update(vars(its))
        return log_likelihood


def _epoch_there(objective, whole_penalty, size, seed, state, rows):
    """An epoch of the rows of a part; the log-likelihood met, and the state after."""
    state = theta, direction, step_size = copy.deepcopy(state)
    part = objective.on(rows, whole_penalty=whole_penalty)
    rng = None if seed is None else np.random.RandomState(seed)
    epoch = Batches(rows.n_rows, size, rng).over(part, whole_penalty=whole_penalty)
    return epoch(theta, direction, step_size), *state
