"""The examples: features, codes and weights, in blocks that fit the cache.

The log-likelihood is a sum over examples, so all that a block of rows gives is its
share of that sum, of the gradient and of the curvature.
"""

import zlib

import numpy as np

#: A block's features and activations take about this much: some of the second-level
#: cache, enough rows that BLAS runs at speed, and few enough that it does not split the
#: block among threads, which on a busy machine wait for one another.
BLOCK_BYTES = 1 << 19


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
    """

    def __init__(self, X, codes, weights=None, centre=None):
        self.X, self.codes, self.weights = X, codes, weights
        self.centre = centre
        self.n_rows = X.shape[0]
        if weights is None:
            self.total_weight = float(self.n_rows)
        else:  # the outputs' mean total, for those that weigh rows differently
            self.total_weight = float(weights.sum()) / (weights.size // self.n_rows)

    def fingerprint(self):
        """A number that tells other labels or weights from these."""
        of_weights = 0 if self.weights is None else zlib.crc32(self.weights.tobytes())
        return zlib.crc32(self.codes.tobytes(), of_weights)

    def take(self, at):
        """The rows at an index array or slice."""
        weights = None if self.weights is None else self.weights[at]
        return Rows(self.X[at], self.codes[at], weights, self.centre)

    def centred(self, mean, scale):
        """The same rows, standardised as they are read."""
        centre = mean.astype(self.X.dtype), scale.astype(self.X.dtype)
        return Rows(self.X, self.codes, self.weights, centre)

    def in_units(self, exponents):
        """The same rows, each column divided by 2 to its exponent: a copy."""
        if isinstance(self.X, np.ndarray):
            X = np.ldexp(self.X, -exponents)
        else:
            X = self.X.copy()
            X.data = np.ldexp(X.data, -exponents[X.indices])
        return Rows(X, self.codes, self.weights)

    def blocks(self, width):
        """Yield consecutive blocks as Rows, `width` numbers to a row."""
        size = block_rows(width * self.X.dtype.itemsize)
        for start in range(0, self.n_rows, size):
            whole = self.n_rows <= size
            block = self if whole else self.take(slice(start, start + size))
            if self.centre is not None:
                mean, scale = self.centre
                X = block.X - mean
                X /= scale
                block = Rows(X, block.codes, block.weights)
            yield block

    def column_moments(self):
        """The weighted mean and standard deviation of every column.

        Returns
        -------
        mean, deviation : arrays of shape (n_features,), float64
        """
        w = self.weights if self.weights is None or self.weights.ndim == 1 else None
        share = np.full(self.n_rows, 1.0) if w is None else w.astype(np.float64)
        share /= share.sum()
        if isinstance(self.X, np.ndarray):
            return _dense_moments(self, share)
        return _sparse_moments(self.X, share)


def block_rows(row_bytes):
    """How many rows of `row_bytes` make a block."""
    return max(64, BLOCK_BYTES // max(1, row_bytes))


def _dense_moments(rows, share):
    X, size = rows.X, block_rows(8 * rows.X.shape[1])
    spans = [slice(i, i + size) for i in range(0, rows.n_rows, size)]
    mean = sum(share[at] @ X[at].astype(np.float64, copy=False) for at in spans)
    # The deviations are measured in units of their largest, so that the squares of
    # 1e200 do not overflow nor those of 1e-200 vanish.
    largest = np.zeros(X.shape[1])
    for at in spans:
        np.maximum(largest, np.abs(X[at] - mean).max(axis=0), out=largest)
    unit = np.where(largest > 0, largest, 1.0)
    square = sum(share[at] @ ((X[at] - mean) / unit) ** 2 for at in spans)
    return mean, unit * np.sqrt(square)


def _sparse_moments(X, share):
    n_features = X.shape[1]
    weight = np.repeat(share, np.diff(X.indptr))  # of every stored element
    value = X.data.astype(np.float64, copy=False)
    if not len(value):  # where bincount forgets that it counts in floats
        return np.zeros(n_features), np.zeros(n_features)
    mean = np.bincount(X.indices, weight * value, n_features)
    stored = np.bincount(X.indices, weight, n_features)
    off = value - mean[X.indices]
    unit = np.abs(mean)
    np.maximum.at(unit, X.indices, np.abs(off))
    unit[unit == 0] = 1.0
    square = np.bincount(X.indices, weight * (off / unit[X.indices]) ** 2, n_features)
    square += np.clip(1.0 - stored, 0, None) * (mean / unit) ** 2
    return mean, unit * np.sqrt(square)
