"""The examples: features, codes and weights, in blocks that fit the cache.

The log-likelihood is a sum over examples, so all that a block of rows gives is its
share of that sum, of the gradient and of the curvature.
"""

import operator
import zlib
from functools import cached_property

import numpy as np

#: What is computed for a block of rows takes about this much: some of the second-level
#: cache.
BLOCK_BYTES = 1 << 20

#: Features that are read in place, twice: enough that BLAS reads them with all cores,
#: some of the last-level cache.
READ_BYTES = 1 << 23

#: The share of the rows that a sample may copy.
COPIED = 1 / 12


class Rows:
    """Examples.

    Parameters
    ----------
    X : array of shape (n_rows, n_features), or CSR matrix
    codes : int array of shape (n_rows, n_outputs)
    weights : array of shape (n_rows,) or (n_rows, n_outputs), or None
        None: every example counts once.
    centre : (mean, scale), default=None
        Arrays of shape (n_features,): blocks hold ``(X - mean) / scale``. Dense only.
    spans : list of slice, default=None
        The runs of rows that count; None: all of them.
    """

    #: Whether they are in this process: numbers can be looked up, rows be taken.
    lie_here = True

    def __init__(self, X, codes, weights=None, centre=None, spans=None):
        self.X, self.codes, self.weights = X, codes, weights
        self.centre = centre
        self.spans = [slice(0, X.shape[0])] if spans is None else spans
        self.n_rows = sum(span.stop - span.start for span in self.spans)

    @cached_property
    def total_weight(self):
        """The sum of the weights: for outputs that weigh rows differently, the mean."""
        w = self.weights
        if w is None:
            return float(self.n_rows)
        total = sum(float(w[span].sum(dtype=np.float64)) for span in self.spans)
        return total / (1 if w.ndim == 1 else w.shape[1])

    @cached_property
    def smallest_weight(self):
        """The smallest weight of a row that counts."""
        w = self.weights
        return 1.0 if w is None else float(w[w > 0].min())

    @property
    def is_dense(self):
        """Whether the features are an array, without gaps."""
        return isinstance(self.X, np.ndarray)

    def fingerprint(self):
        """A number that tells other labels or weights from these."""
        of_weights = 0 if self.weights is None else zlib.crc32(self.weights.tobytes())
        return zlib.crc32(self.codes.tobytes(), of_weights)

    def take(self, at):
        """The rows at an index array or slice."""
        weights = None if self.weights is None else self.weights[at]
        return Rows(take_rows(self.X, at), self.codes[at], weights, self.centre)

    def sample(self, n_rows):
        """About `n_rows` of the rows: evenly spread runs of neighbours, read in place.

        Runs, as they need no copy where they are long, and are quickly copied where
        they are short.
        """
        n_runs = max(16, n_rows // block_rows(self._row_bytes()))
        size = max(1, n_rows // n_runs)
        starts = np.linspace(0, self.n_rows - size, n_runs).astype(int).tolist()
        spans = [slice(start, start + size) for start in starts]
        if n_rows <= COPIED * self.n_rows:
            return self.take(np.concatenate([np.r_[span] for span in spans]))
        return Rows(self.X, self.codes, self.weights, self.centre, spans)

    def centred(self, mean, scale):
        """The same rows, standardised as they are read; at once if they are few."""
        centre = mean.astype(self.X.dtype), scale.astype(self.X.dtype)
        rows = Rows(self.X, self.codes, self.weights, centre)
        return next(rows.blocks(0)) if self.is_small() else rows

    def is_small(self):
        """Whether all rows are one block, copied sooner than read with care."""
        return self.is_dense and self.X.nbytes <= BLOCK_BYTES

    def in_units(self, exponents):
        """The same rows, each column divided by 2 to its exponent: a copy."""
        if isinstance(self.X, np.ndarray):
            X = np.ldexp(self.X, -exponents)
        else:
            X = self.X.copy()
            X.data = np.ldexp(X.data, -exponents[X.indices])
        return Rows(X, self.codes, self.weights)

    def blocks(self, n_numbers, at_least=64):
        """Yield consecutive blocks as Rows.

        Parameters
        ----------
        n_numbers : int
            How many are computed from a row, at the same time.
        at_least : int, default=64
            Rows to a block, but for the last one.
        """
        if self.centre is not None:
            n_numbers += self.X.shape[1]
        number = n_numbers * self.X.dtype.itemsize
        if isinstance(self.X, np.ndarray):
            size = min(block_rows(number), READ_BYTES // max(1, self._row_bytes()))
        else:  # SciPy's products need no cache, and its slices are copies
            some = max(BLOCK_BYTES, self.X.shape[0] * self._row_bytes() // 20)
            size = some // (number + self._row_bytes())
            if number * self.X.shape[0] <= some:
                size = self.X.shape[0]
        size = max(size, at_least)
        for span in self.spans:
            for start in range(span.start, span.stop, size):
                block = self
                if self.X.shape[0] > size or len(self.spans) > 1:
                    block = self.take(slice(start, min(start + size, span.stop)))
                if self.centre is not None:
                    mean, scale = self.centre
                    X = block.X - mean
                    X /= scale
                    block = Rows(X, block.codes, block.weights)
                yield block

    def total(self, of, combine=operator.add):
        """``of(rows)``, a sum over examples, of all of these: here, in one go.

        Rows that lie elsewhere add up what `of` gives for each part of them, or
        `combine` it in another way, such as ``np.maximum``.
        """
        return of(self)

    def _row_bytes(self):
        if isinstance(self.X, np.ndarray):
            return self.X.shape[1] * self.X.dtype.itemsize
        stored = self.X.dtype.itemsize + self.X.indices.dtype.itemsize
        return self.X.nnz * stored // max(1, self.X.shape[0])


def largest_sizes(rows):
    """The largest absolute value in every column, (n_features,)."""
    largest = abs(rows.X).max(axis=0)
    return largest.toarray().ravel() if hasattr(largest, "toarray") else largest


def take_rows(X, at):
    """The rows at an index array or slice; a slice of most rows is no copy."""
    if isinstance(X, np.ndarray) or not isinstance(at, slice):
        return X[at]
    start, stop, _ = at.indices(X.shape[0])  # X[at] of SciPy's would copy any
    stored = slice(X.indptr[start], X.indptr[stop])
    parts = X.data[stored], X.indices[stored], X.indptr[start : stop + 1] - stored.start
    return type(X)(parts, shape=(stop - start, X.shape[1]))


def slices(n_rows, size):
    """Consecutive slices of `size` rows; the last may reach beyond the end."""
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def block_rows(row_bytes):
    """How many rows of `row_bytes` make a block."""
    return max(64, BLOCK_BYTES // max(1, row_bytes))
