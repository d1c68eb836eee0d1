"""Features that stay where they are, and are read when they are asked for.

A memory map of bytes would be eight times as large as floats, and some of the rows of a
large table nearly as large as the table: neither is made as a whole.
"""

from mmap import ALLOCATIONGRANULARITY

import numpy as np


def check_file(X):
    """ValueError that names the file of a memory map, if it has become too short.

    To read what is no longer there ends the process: nothing can be caught.
    """
    while isinstance(X, np.ndarray) and not isinstance(X, np.memmap):
        X = X.base
    there = getattr(X, "_mmap", None)
    if there is not None:
        needed = X.offset - X.offset % ALLOCATIONGRANULARITY + len(there)
        if there.size() < needed:
            raise ValueError(
                f"The file of X, {X.filename}, has become shorter than its memory map: "
                f"{there.size()} bytes are left of {needed}."
            )


class OnDemand:
    """Rows of a table, as floats, read block by block.

    Parameters
    ----------
    source : array-like of shape (any, n_features)
        Whatever gives rows for a slice, and for a sorted index array.
    dtype : dtype
        The float type of what is read.
    at : int array of shape (n_rows,), default=None
        Which rows, in which order; None: all.
    exponents : int array of shape (n_features,), default=None
        What is read of each column is divided by 2 to its exponent.
    """

    def __init__(self, source, dtype, at=None, exponents=None):
        if isinstance(source, OnDemand):
            at = source.at if at is None else source.places(at)
            exponents = source.exponents if exponents is None else exponents
            source = source.source
        self.source, self.dtype, self.at = source, np.dtype(dtype), at
        self.exponents = exponents
        self.shape = (source.shape[0] if at is None else len(at), source.shape[1])

    def __getitem__(self, at):
        """The rows at a slice or an index array, (n_chosen, n_features)."""
        X = np.asarray(self._given(self.places(at)), dtype=self.dtype)
        return X if self.exponents is None else np.ldexp(X, -self.exponents)

    def places(self, at):
        """Where in the source the rows at a slice or an index array are."""
        return at if self.at is None else self.at[at]

    def _given(self, at):
        check_file(self.source)
        if isinstance(at, slice):  # which some files take within their bounds only
            return self.source[slice(*at.indices(self.source.shape[0]))]
        if isinstance(self.source, np.ndarray):
            return self.source[at]
        if not len(at):
            return self.source[0:0]
        # Files of other kinds want places in order, and each of them once.
        places, where = np.unique(at, return_inverse=True)
        return np.asarray(self.source[places])[where]
