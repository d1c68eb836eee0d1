"""Mean and standard deviation of every column, block by block."""

import numpy as np

from .._arrays import (
    array_namespace,
    beside,
    is_elsewhere,
    is_numpy,
    is_sparse,
    numbers_may_end,
    to_host,
    widest_float,
)
from .rows import block_rows, slices, take_rows


def column_moments(rows):
    """The weighted mean and standard deviation of every column.

    Parameters
    ----------
    rows : Rows

    Returns
    -------
    mean, deviation : arrays of shape (n_features,), float64

    Notes
    -----
    ``mean(x^2) - mean(x)^2`` takes one pass. Where it would lose digits to an offset,
    or squares overflow or vanish, the column is measured once more, around its mean.
    """
    w = rows.weights if rows.weights is None or rows.weights.ndim == 1 else None
    X, wide = rows.X, widest_float(rows.X)
    xp = array_namespace(X)
    total = rows.n_rows if w is None else float(xp.sum(w, dtype=wide))

    def share(at):
        if w is None:
            some = np.full(len(range(rows.n_rows)[at]), 1.0 / total)
            return beside(some, X)
        return xp.astype(w[at], wide) / total

    sums = _sparse_sums if is_sparse(X) else _dense_sums
    mean, square = 0.0, 0.0
    limits = np.finfo(rows.dtype)
    with numbers_may_end():
        for at in _spans(X):
            of = 1.0 / total if w is None else share(at)
            some_mean, some_square = sums(take_rows(X, at), of)
            mean, square = mean + some_mean, square + some_square
        variance = square - mean**2
        sound = variance > limits.eps**0.5 * square
        sound &= (square > limits.tiny * 2**40) & (square < limits.max / 2**40)
    deviation = np.sqrt(np.where(sound, variance, 0.0))
    unsound = np.flatnonzero(~sound)
    if len(unsound):
        careful = _sparse_moments if is_sparse(X) else _dense_moments
        mean[unsound], deviation[unsound] = careful(X, share, unsound)
    return mean, deviation


def _spans(X):
    width = X.shape[1]
    if is_sparse(X):
        width = 4 * X.nnz // max(1, X.shape[0])
    size = block_rows(8 * width, X)
    if not is_elsewhere(X) and X.dtype == np.float32:
        size = min(size, 1024)  # sums of more numbers lose the digits looked for
    return slices(X.shape[0], size)


def _dense_sums(X, share):
    """Sums of ``share x`` and ``share x^2`` over the rows of a block."""
    if not is_numpy(X):
        xp = array_namespace(X)
        X = xp.astype(X, widest_float(X))
        share = xp.reshape(share, (-1, 1)) if not isinstance(share, float) else share
        shared = share * X
        return to_host(xp.sum(shared, axis=0)), to_host(xp.sum(shared * X, axis=0))
    if np.ndim(share):
        share = share.astype(X.dtype, copy=False)
        return (share @ X).astype(float), np.einsum("i,ij,ij->j", share, X, X)
    ones = np.ones(len(X), X.dtype)
    total = (ones @ X).astype(float)
    return share * total, share * np.einsum("ij,ij->j", X, X).astype(float)


def _sparse_sums(X, share):
    value = X.data.astype(np.float64)
    of = np.repeat(share, np.diff(X.indptr)) if np.ndim(share) else share
    total = np.bincount(X.indices, of * value, X.shape[1])
    value *= value
    value *= of
    return total, np.bincount(X.indices, value, X.shape[1])


def _dense_moments(X, share, columns):
    spans, xp = _spans(X), array_namespace(X)
    whole = len(columns) == X.shape[1]
    columns = beside(columns, X)

    def block(at):
        some = X[at, ...] if whole else xp.take(X[at, ...], columns, axis=1)
        return xp.astype(some, widest_float(X), copy=False)

    def total(of):
        """A sum over all rows."""
        return sum(to_host(share(at) @ of(block(at))) for at in spans)

    mean = total(lambda x: x)
    centre = beside(mean, X)
    # The deviations are measured in units of their largest, so that the squares of
    # 1e200 do not overflow nor those of 1e-200 vanish.
    largest, slip = np.zeros((2, len(mean)))
    for at in spans:
        off = block(at) - centre
        largest = np.maximum(largest, to_host(xp.max(xp.abs(off), axis=0)))
        slip += to_host(share(at) @ off)
    mean += slip  # what rounding has lost of a long sum: a constant's deviation is 0
    unit = np.where(largest > 0, largest, 1.0)
    centre, there = beside(mean, X), beside(unit, X)
    square = total(lambda x: ((x - centre) / there) ** 2)
    return mean, unit * np.sqrt(square)


def _sparse_moments(X, share, columns):
    n_columns = len(columns)
    place = np.full(X.shape[1], -1)
    place[columns] = np.arange(n_columns)
    mean, stored, square, slip, unit = np.zeros((5, n_columns))
    count = np.zeros(n_columns, int)
    blocks = []
    for at in _spans(X):
        block = take_rows(X, at)
        where = place[block.indices]
        chosen = where >= 0
        weight = np.repeat(share(at), np.diff(block.indptr))[chosen]
        blocks.append((where[chosen], weight, block.data[chosen].astype(np.float64)))
    for where, weight, value in blocks:
        mean += np.bincount(where, weight * value, n_columns)
        stored += np.bincount(where, weight, n_columns)
        count += np.bincount(where, minlength=n_columns)
    for where, weight, value in blocks:
        off = value - mean[where]
        np.maximum.at(unit, where, np.abs(off))
        slip += np.bincount(where, weight * off, n_columns)
    without_gaps = count == X.shape[0]
    mean += np.where(without_gaps, slip, 0.0)  # as above
    stored[without_gaps] = 1.0
    unit = np.maximum(unit, np.abs(mean))
    unit[unit == 0] = 1.0
    for where, weight, value in blocks:
        off = (value - mean[where]) / unit[where]
        square += np.bincount(where, weight * off**2, n_columns)
    square += np.clip(1.0 - stored, 0, None) * (mean / unit) ** 2
    return mean, unit * np.sqrt(square)
