"""The examples: features, codes and weights, in blocks that fit the cache.

The log-likelihood is a sum over examples, so all that a block of rows gives is its
share of that sum, of the gradient and of the curvature.
"""

import operator
import zlib

import numpy as np

from .._arrays import array_namespace, beside, is_elsewhere, is_sparse, product, to_host
from .._kernels import Passes, available, plain, readable
from .._threads import cached
from .batches import Batches, drawn, quotas, slices
from .files import OnDemand

#: A block of rows, and what is computed for it, take about this much: some of the
#: second-level cache.
BLOCK_BYTES = 1 << 20

#: The same on a device, which takes a call for a whole block to have enough to do, and
#: has no cache to speak of.
DEVICE_BYTES = 1 << 28

#: Rows of a block, at least, but for the last one.
LEAST_ROWS = 64

#: Runs of rows in a sample, at most: a pass sums each by itself.
MOST_RUNS = 256

#: Features up to this size are copied where that is simpler.
LARGE_BYTES = 1 << 25


class Rows:
    """Examples.

    Parameters
    ----------
    X : array of shape (n_rows, n_features), CSR matrix, or OnDemand
    codes : int array of shape (n_rows, n_outputs)
    weights : array of shape (n_rows,) or (n_rows, n_outputs), or None
        None: every example counts once.
    centre : (mean, inverse), default=None
        Arrays of shape (n_features,): blocks hold ``(X - mean) inverse``, without gaps.
    spans : list of slice, default=None
        The runs of rows that count; None: all of them.
    """

    #: Whether they are in this process: numbers can be looked up, rows be taken.
    lie_here = True
    #: The sums of x and of x^2, (2, n_features), once somebody has asked for them.
    sums = None

    def __init__(self, X, codes, weights=None, centre=None, spans=None):
        self.X, self.codes, self.weights = X, codes, weights
        self.centre, self._ready = centre, (None, None)
        #: Whether the features are an array, without gaps.
        self.is_dense = not is_sparse(X)
        self.spans = [slice(0, X.shape[0])] if spans is None else spans
        self.n_rows = sum(span.stop - span.start for span in self.spans)

    @property
    def dtype(self):
        """The float type of the features, as NumPy calls it."""
        if not is_elsewhere(self.X):
            return self.X.dtype
        return np.dtype(str(self.X.dtype).rpartition(".")[2])  # such as torch.float32

    @cached
    def total_weight(self):
        """The sum of the weights' sizes: where outputs have their own, their mean."""
        if self.weights is None:
            return float(self.n_rows)
        w = np.abs(to_host(self.weights))
        total = sum(w[span].sum(dtype=float) for span in self.spans)
        return float(total / (1 if w.ndim == 1 else w.shape[1]))

    @cached
    def smallest_weight(self):
        """The smallest weight of a row that counts."""
        if self.weights is None:
            return 1.0
        w = to_host(self.weights)
        return float(np.min(w, where=w > 0, initial=np.inf))

    def fingerprint(self):
        """Numbers that tell other labels or weights from these."""
        given = (of for of in (self.codes, self.weights) if of is not None)
        return [zlib.crc32(to_host(of).tobytes()) for of in given]

    def counts(self, n_classes=0):
        """How many rows have each class of the first output, (n_classes,)."""
        return np.bincount(to_host(self.codes[:, 0]), minlength=n_classes)

    def take(self, at, X=None):
        """The rows at an index array or slice; `X`: their features, if not a copy."""
        X = take_rows(self.X, at) if X is None else X
        weights = None if self.weights is None else take_rows(self.weights, at)
        return Rows(X, take_rows(self.codes, at), weights, self.centre)

    def only(self, at):
        """The rows at an index array, without a copy of features that are large."""
        if isinstance(self.X, np.ndarray | OnDemand) and self._bytes() > LARGE_BYTES:
            return self.take(at, OnDemand(self.X, self.dtype, at))
        return self.take(at)

    def split(self, n_aside, seed, *, by_class):
        """All rows but about `n_aside`, drawn at random, and those.

        Of each class its share where `by_class`, if there are two or more of each.
        """
        (quota,) = quotas(n_aside, [self.counts()], by_class).tolist()
        return [self.only(at) for at in drawn(to_host(self.codes[:, 0]), quota, seed)]

    def epochs(self, objective, size, rng, **how):
        """What :meth:`Batches.over` gives: `size` rows a batch, `rng` shuffles them."""
        return Batches(self.n_rows, size, rng).over(objective, **how)

    def sample(self, n_rows):
        """About `n_rows` of the rows: evenly spread runs of neighbours, read in place.

        Or a copy, of what fits into a block, where to read costs a call.
        """
        if n_rows >= self.n_rows:
            return self
        in_block = block_rows(self._row_bytes(), self.X)
        n_runs = min(max(16, n_rows // in_block), MOST_RUNS)
        size = max(1, n_rows // n_runs)
        starts = np.linspace(0, self.n_rows - size, n_runs).astype(int)
        if n_rows <= in_block and not isinstance(self.X, np.ndarray):
            return self.take(np.add.outer(starts, np.arange(size)).reshape(-1))
        spans = [slice(start, start + size) for start in starts.tolist()]
        return Rows(self.X, self.codes, self.weights, self.centre, spans)

    def centred(self, mean, scale):
        """The same rows, standardised as they are read; at once if they are few."""
        mean, scale = (beside(of.astype(self.dtype), self.X) for of in (mean, scale))
        rows = Rows(self.X, self.codes, self.weights, (mean, 1 / scale))
        return rows.standardised() if self.is_small else rows

    def standardised(self):
        """Rows with a centre, read as it has them."""
        (mean, inverse), X = self.centre, take_rows(self.X, slice(None))
        X = (X if self.is_dense else X.toarray()) - mean
        X *= inverse
        return Rows(X, self.codes, self.weights)

    @property
    def is_small(self):
        """Whether all rows are copied sooner than read with care."""
        return self.is_dense and self._bytes() <= block_bytes(self.X)

    def in_units(self, exponents):
        """The same rows, each column divided by 2 to its exponent.

        A copy, but of dense features that are large.
        """
        if isinstance(self.X, np.ndarray | OnDemand):
            X = OnDemand(self.X, self.dtype, exponents=exponents)
            X = X if self._bytes() > LARGE_BYTES else X[:]
        elif is_elsewhere(self.X):
            X = beside(np.ldexp(to_host(self.X), -exponents), self.X)
        else:
            X = self.X.copy()
            X.data = np.ldexp(X.data, -exponents[X.indices])
        return Rows(X, self.codes, self.weights)

    def widened(self):
        """The same rows, read as float64; on a device or sparse, as they are."""
        if is_elsewhere(self.X) or not self.is_dense or self.dtype == np.float64:
            return self
        X = OnDemand(self.X, np.float64)
        return Rows(X, self.codes, self.weights, self.centre, self.spans)

    def blocks(self, n_numbers):
        """Yield consecutive blocks as Rows.

        Parameters
        ----------
        n_numbers : int
            How many are computed from a row, at the same time.
        """
        row_bytes = n_numbers * self.dtype.itemsize + self._row_bytes()
        size = block_rows(row_bytes, self.X)
        for span in self.spans:
            for at in slices(span.stop, size, span.start):
                block = self.take(at)
                yield block if self.centre is None else block.standardised()

    def products(self, matrix, n_numbers):
        """Yield consecutive blocks, and ``X1 @ matrix`` of each.

        Parameters
        ----------
        matrix : array of shape (n_features, any), or (n_features + 1, any)
            Where it has one row more, X1 is X and a column of 1. A device, whose
            products do not mix float types, reads X in that of the matrix.
        n_numbers : int
            As :meth:`blocks` takes it.
        """
        there = beside(matrix, self.X)
        for block in self.blocks(n_numbers):
            X = beside(block.X, there, mixed=True)
            yield Rows(X, block.codes, block.weights), product(X, there)

    def in_place(self):
        """What the kernels read of the features, and the places of the rows there.

        Places of None are all, as they lie. An X of None: they cannot read them.
        """
        X, places = self.X, None
        if isinstance(X, OnDemand) and X.exponents is None:
            X, places = X.source, X.at
        return readable(X, self.dtype), places

    def for_kernels(self):
        """Rows, and what the kernels read of them: in one go, or block by block.

        None where there is no compiled core, the rows lie elsewhere, or a sparse matrix
        is of parts that it cannot read.
        """
        X, places = self.in_place()
        if X is not None and places is None:
            return [(self, X)]
        if not available() or is_elsewhere(self.X) or not self.is_dense:
            return None
        return ((of, readable(plain(of.X), of.dtype)) for of in self.blocks(0))

    def passes(self, likelihood, intercept, n_members=1):
        """Compiled passes over all rows, one after the other; None: there are none.

        Each sums for several parameter vectors side by side.
        """
        wanted = likelihood, intercept, n_members
        if self._ready[0] != wanted:
            parts = self.for_kernels()
            passes = parts and (Passes(X, rows, *wanted) for rows, X in parts)
            if not isinstance(parts, list):  # blocks are read anew each time
                return passes
            self._ready = wanted, list(passes)
        return self._ready[1]

    def __getstate__(self):
        """What is made ready for the kernels holds addresses, and stays here."""
        return {**vars(self), "_ready": (None, None)}

    def total(self, of, combine=operator.add):
        """``of(rows)``, a sum over examples, of all of these: here, in one go.

        Rows that lie elsewhere add up what `of` gives for each part of them, or
        `combine` it in another way, such as ``np.maximum``.
        """
        return of(self)

    def largest_sizes(self):
        """The largest absolute value in every column, (n_features,)."""
        return self.total(ends, np.maximum).max(axis=0)

    def _bytes(self):
        """What all features take, as they are read."""
        return self.X.shape[0] * self._row_bytes()

    def _row_bytes(self):
        """What the features of a row take, as they are read, on the average."""
        if self.is_dense or self.centre is not None:
            return self.X.shape[1] * self.dtype.itemsize
        stored = self.X.dtype.itemsize + self.X.indices.dtype.itemsize
        return self.X.nnz * stored // max(1, self.X.shape[0])


def ends(rows):
    """The largest of x, and of -x, in every column: (2, n_features)."""
    found = np.full((2, rows.X.shape[1]), -np.inf)
    for block in rows.blocks(0):
        xp = array_namespace(block.X)
        top, bottom = xp.max(block.X, axis=0), xp.min(block.X, axis=0)
        if not block.is_dense:
            top, bottom = (np.ravel(of.toarray()) for of in (top, bottom))
        found = np.maximum(found, [to_host(top), -to_host(bottom)])
    return found


def take_rows(X, at):
    """The rows at an index array or slice; a slice of most rows is no copy."""
    if is_elsewhere(X):
        if isinstance(at, slice):
            return X[at, ...]
        return array_namespace(X).take(X, beside(at, X), axis=0)
    if not (is_sparse(X) and isinstance(at, slice)):
        return X[at]
    start, stop, _ = at.indices(X.shape[0])  # X[at] of SciPy's would copy any
    stored = slice(X.indptr[start], X.indptr[stop])
    parts = X.data[stored], X.indices[stored], X.indptr[start : stop + 1] - stored.start
    return type(X)(parts, shape=(stop - start, X.shape[1]))


def block_rows(row_bytes, X=None):
    """How many rows of `row_bytes` make a block, where X lies; by default, here."""
    return max(LEAST_ROWS, int(block_bytes(X) // max(1, row_bytes)))


def block_bytes(X=None):
    """What a block may take."""
    return DEVICE_BYTES if is_elsewhere(X) else BLOCK_BYTES
