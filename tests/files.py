"""Tables that lie in files, as others give access to them."""

import numpy as np


class File:
    """A table in a file, as h5py's: slices in bounds, places in order and once each."""

    def __init__(self, table):
        self._table = table
        self.shape, self.dtype, self.ndim = table.shape, table.dtype, 2

    def __len__(self):
        return len(self._table)

    def __getitem__(self, at):
        if isinstance(at, slice):
            assert 0 <= at.start <= at.stop <= len(self)
        else:
            assert np.all(np.diff(at) > 0)
        return self._table[at].copy()

    def __array__(self, dtype=None, copy=None):
        raise MemoryError("larger than memory")
