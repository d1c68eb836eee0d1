"""Room for a mini-batch: memory that is taken once, for batch after batch.

Memory that is new to a process has to be cleared and mapped page by page, which costs
more than most of what is computed in it; and what was just in use is in the cache.
"""

import numpy as np

from .._arrays import is_numpy
from .on_demand import OnDemand
from .rows import Rows, block_rows, take_rows


class Room:
    """Room for the rows of a batch.

    Parameters
    ----------
    rows : Rows
        That batches will be taken from.
    size : int
        Rows in the largest batch.
    """

    def __init__(self, rows, size):
        def like(array):
            return np.empty((size, *array.shape[1:]), array.dtype)

        X, weights = rows.X, rows.weights
        self.X = np.empty((size, X.shape[1]), X.dtype) if rows.is_dense else None
        self.codes = like(rows.codes)
        self.weights = None if weights is None else like(weights)
        if rows.centre is not None:
            mean, scale = rows.centre
            self.mean, self.inverse = mean, 1 / scale  # exact: a power of two

    def take(self, rows, at):
        """The rows at an index array or slice, standardised if they are to be.

        They are valid until the next call.
        """
        codes = _take(rows.codes, at, self.codes)
        weights = None
        if rows.weights is not None:
            weights = _take(rows.weights, at, self.weights)
        if self.X is None:
            return Rows(take_rows(rows.X, at), codes, weights)
        if rows.centre is None:
            return Rows(_take(rows.X, at, self.X), codes, weights)
        step = block_rows(self.X.itemsize * self.X.shape[1])
        for start in range(0, len(codes), step):  # standardised while in the cache
            end = min(start + step, len(codes))
            part = _part(at, start, end)
            out = self.X[start:end]
            np.subtract(_take(rows.X, part, out), self.mean, out=out)
            out *= self.inverse
        return Rows(self.X[: len(codes)], codes, weights)


def _take(array, at, room):
    """``array[at]``: for a slice in place, otherwise in some of the room."""
    if isinstance(at, slice):
        return array[at]
    out = room[: len(at)]
    if isinstance(array, OnDemand) and array.is_of(out.dtype):
        array, at = array.source, array.places(at)
    if is_numpy(array) and array.flags.c_contiguous and array.flags.aligned:
        # `mode`: NumPy's default buffers what it writes to `out`.
        return array.take(at, axis=0, out=out, mode="clip")
    out[...] = array[at]  # `take` would copy all of the array first
    return out


def _part(at, start, end):
    if isinstance(at, slice):
        return slice(at.start + start, at.start + end)
    return at[start:end]
