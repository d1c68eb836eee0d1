"""Which rows: the mini-batches of an epoch, and the split for early stopping.

scikit-learn's `train_test_split` gathers indices in lists of Python's numbers, which
take more memory than a tenth of many a table; and it wants all labels in one place.
"""

from functools import partial

import numpy as np

from .._arrays import beside


class Batches:
    """The mini-batches of an epoch, drawn anew for each.

    Parameters
    ----------
    n_rows, size : int
    rng : RandomState or None
        Shuffles the rows; None takes them in their order.
    """

    def __init__(self, n_rows, size, rng):
        self.n_rows, self.size, self.rng = n_rows, size, rng

    def order(self, place=None):
        """The places of the rows in the order of the next epoch; None: as they lie.

        They are where the array `place` is; by default, on the host.
        """
        shuffled = self.rng is not None and self.size < self.n_rows
        return beside(self.rng.permutation(self.n_rows), place) if shuffled else None

    def __call__(self, place=None):
        """Yield an index array or slice for each batch of the next epoch."""
        order = self.order(place)
        for at in slices(self.n_rows, self.size):
            yield at if order is None else order[at]

    def over(self, objective, *, whole_penalty):
        """What takes a climb through the next epoch.

        Parameters
        ----------
        objective : Objective
        whole_penalty : bool
            Whether each batch bears the whole penalty, or its share by rows.

        Returns
        -------
        epoch : callable
            ``epoch(theta, direction, step_size)`` takes a step for each batch, in
            theta's place, and returns the sum of the log-likelihoods met.
        """
        steps = objective.compiled_steps(self.size, whole_penalty=whole_penalty)
        if steps is not None:
            return partial(self._compiled, steps)
        there = beside(objective.shrunk, objective.rows.X)
        return partial(self._plain, objective.but(shrunk=there), whole_penalty)

    def _plain(self, objective, whole_penalty, theta, direction, step_size):
        log_likelihood, rows = 0.0, objective.rows
        for at in self(theta):
            part = objective.on(rows.take(at), whole_penalty=whole_penalty)
            here = part.evaluate(theta)
            direction.move(theta, here.gradient, step_size.next_rate())
            log_likelihood += here.log_likelihood
        return log_likelihood

    def _compiled(self, steps, theta, direction, step_size):
        order, n_batches = self.order(), -(-self.n_rows // self.size)
        rates = np.array([step_size.next_rate() for _ in range(n_batches)])
        return steps(order, theta, rates, **direction.memory(theta, n_batches))


def slices(stop, size, start=0):
    """Consecutive slices of `size` rows; the last may be shorter."""
    return [slice(at, min(at + size, stop)) for at in range(start, stop, size)]


def shared_out(n, sizes):
    """n in whole shares, as the sizes are to one another, none larger than its size."""
    ends = np.cumsum([0, *sizes])
    return np.diff(ends * min(n, ends[-1]) // max(1, ends[-1])).tolist()


def quotas(n_aside, counts, by_class=True):
    """How many rows of each class each part sets aside.

    Parameters
    ----------
    n_aside : int
        Of all rows, about.
    counts : array of shape (n_parts, n_classes)
        The rows of each class in each part.
    by_class : bool, default=True
        Whether each class gives its share.

    Returns
    -------
    quotas : array of shape (n_parts, n_classes) or (n_parts, 1)
        Of each class its share, but one at least, and one less than all; of each part
        its share of that. A column for all rows if a class has a single one, which
        cannot be on both sides.
    """
    counts = np.asarray(counts)
    if not by_class or 1 in counts.sum(axis=0):
        counts = counts.sum(axis=1, keepdims=True)
    present = counts.sum(axis=0)
    most = np.maximum(present - 1, 0)
    of_class = np.clip(shared_out(n_aside, present), np.minimum(1, most), most)
    return np.stack([*map(shared_out, of_class, counts.T)], axis=1)


def drawn(codes, quota, seed):
    """Which rows of a part stay, and which are set aside, class by class at random.

    Parameters
    ----------
    codes : int array of shape (n_rows,)
    quota : sequence of int
        The part's row of :func:`quotas`.
    seed : int

    Returns
    -------
    rest, aside : int arrays
        Places in the part, in their order.
    """
    rng, aside = np.random.RandomState(seed), np.zeros(len(codes), dtype=bool)
    for code, n in enumerate(quota):
        members = np.flatnonzero((codes == code) | (len(quota) == 1))
        rng.shuffle(members)
        aside[members[:n]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)
