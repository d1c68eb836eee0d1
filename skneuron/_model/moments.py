"""Mean and standard deviation of every column, block by block."""

from functools import partial

import numpy as np

from .. import _kernels
from .._arrays import (
    array_namespace,
    beside,
    is_elsewhere,
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
    weighted = rows.weights is not None and rows.weights.ndim == 1
    total = rows.total_weight if weighted else rows.n_rows
    limits = np.finfo(rows.dtype)
    with numbers_may_end():
        mean, square = rows.total(partial(_mean_and_square, total))
        variance = square - mean**2
        sound = variance > limits.eps**0.5 * square
        sound &= (square > limits.tiny * 2**40) & (square < limits.max / 2**40)
    deviation = np.sqrt(np.where(sound, variance, 0.0))
    unsound = np.flatnonzero(~sound)
    if len(unsound):
        careful = _dense_moments if rows.is_dense else _sparse_moments
        mean[unsound], deviation[unsound] = careful(rows, total, unsound)
    return mean, deviation


def _mean_and_square(total, rows):
    """What some rows give of the means of x and of x^2, (2, n_features)."""
    X, w = rows.X, rows.weights
    w = None if w is None or w.ndim == 2 else w
    parts = rows.for_kernels() if rows.centre is None else None
    if parts is not None:
        of_block = partial(_kernels.moments, n_columns=X.shape[1], dtype=rows.dtype)
        return (1 / total) * sum(
            of_block(read, None if w is None else some.weights, some.X.shape[0])
            for some, read in parts
        )
    moments = np.zeros((2, X.shape[1]))
    for at in _spans(X):
        share = 1 / total if w is None else _shares(rows, total, at)
        if rows.is_dense:
            moments += _dense_sums(take_rows(X, at), share)
        else:
            moments += _sparse_sums(*_stored(X, at, share), X.shape[1])
    return moments


def _stored(X, at, share):
    """What some rows of a CSR matrix store: values, their columns, their shares."""
    ends = X.indptr[at.start : at.stop + 1]
    stored = slice(ends[0], ends[-1])
    if np.ndim(share):
        share = np.repeat(share, np.diff(ends))
    return X.data[stored].astype(np.float64), X.indices[stored], share


def _shares(rows, total, at):
    """The share of each of some rows in the weight of all, (n_rows,)."""
    w = rows.weights
    if w is None or w.ndim == 2:
        return beside(np.full(len(range(rows.n_rows)[at]), 1.0 / total), rows.X)
    return array_namespace(w).astype(w[at], widest_float(w)) / total


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
    xp = array_namespace(X)
    X = xp.astype(X, widest_float(X), copy=False)
    shared = X * (share if isinstance(share, float) else xp.reshape(share, (-1, 1)))
    return to_host(xp.sum(shared, axis=0)), to_host(xp.sum(shared * X, axis=0))


def _sparse_sums(value, column, share, n_features):
    total = np.bincount(column, share * value, n_features)
    value *= value
    value *= share
    return total, np.bincount(column, value, n_features)


def _dense_moments(rows, total, columns):
    mean = rows.total(partial(_dense_mean, total, columns))
    # The deviations are measured in units of their largest, so that the squares of
    # 1e200 do not overflow nor those of 1e-200 vanish.
    about = partial(_dense_slip, total, columns, mean)
    slip, largest = rows.total(about, _sum_and_largest)
    mean += slip  # what rounding has lost of a long sum: a constant's deviation is 0
    unit = np.where(largest > 0, largest, 1.0)
    square = rows.total(partial(_dense_square, total, columns, mean, unit))
    return mean, unit * np.sqrt(square)


def _sum_and_largest(some, others):
    return some[0] + others[0], np.maximum(some[1], others[1])


def _chosen(rows, total, columns):
    """Yield block by block the shares of rows, and some columns of them."""
    X, xp = rows.X, array_namespace(rows.X)
    whole = len(columns) == X.shape[1]
    columns = beside(columns, X)
    for at in _spans(X):
        some = X[at, ...] if whole else xp.take(X[at, ...], columns, axis=1)
        some = xp.astype(some, widest_float(X), copy=False)
        yield _shares(rows, total, at), some


def _dense_mean(total, columns, rows):
    blocks = _chosen(rows, total, columns)
    return sum(to_host(share @ block) for share, block in blocks)


def _dense_slip(total, columns, mean, rows):
    """The mean of ``x - mean``, which rounding leaves, and the largest, column-wise."""
    slip, largest = np.zeros((2, len(columns)))
    centre, xp = beside(mean, rows.X), array_namespace(rows.X)
    for share, block in _chosen(rows, total, columns):
        off = block - centre
        largest = np.maximum(largest, to_host(xp.max(xp.abs(off), axis=0)))
        slip += to_host(share @ off)
    return slip, largest


def _dense_square(total, columns, mean, unit, rows):
    centre, unit = beside(mean, rows.X), beside(unit, rows.X)
    return sum(
        to_host(share @ ((block - centre) / unit) ** 2)
        for share, block in _chosen(rows, total, columns)
    )


def _sparse_moments(rows, total, columns):
    mean, stored, count = rows.total(partial(_sparse_mean, total, columns))
    about = partial(_sparse_slip, total, columns, mean)
    slip, unit = rows.total(about, _sum_and_largest)
    without_gaps = count == rows.n_rows
    mean += np.where(without_gaps, slip, 0.0)  # as above
    stored[without_gaps] = 1.0
    unit = np.maximum(unit, np.abs(mean))
    unit[unit == 0] = 1.0
    square = rows.total(partial(_sparse_square, total, columns, mean, unit))
    square += np.clip(1.0 - stored, 0, None) * (mean / unit) ** 2
    return mean, unit * np.sqrt(square)


def _stored_of(rows, total, columns):
    """Yield what blocks store of some columns: place among those, share, value."""
    place = np.full(rows.X.shape[1], -1)
    place[columns] = np.arange(len(columns))
    for at in _spans(rows.X):
        value, column, share = _stored(rows.X, at, _shares(rows, total, at))
        where = place[column]
        chosen = where >= 0
        yield where[chosen], share[chosen], value[chosen]


def _sparse_mean(total, columns, rows):
    """Sums of ``share x``, of shares, and of ones, over what is stored."""
    sums = np.zeros((3, len(columns)))
    for where, share, value in _stored_of(rows, total, columns):
        for of, one in zip(sums, (share * value, share, np.ones_like(share))):
            of += np.bincount(where, one, len(columns))
    return sums


def _sparse_slip(total, columns, mean, rows):
    """As :func:`_dense_slip`, of what is stored."""
    slip, largest = np.zeros((2, len(columns)))
    for where, share, value in _stored_of(rows, total, columns):
        off = value - mean[where]
        np.maximum.at(largest, where, np.abs(off))
        slip += np.bincount(where, share * off, len(columns))
    return slip, largest


def _sparse_square(total, columns, mean, unit, rows):
    square = np.zeros(len(columns))
    for where, share, value in _stored_of(rows, total, columns):
        off = (value - mean[where]) / unit[where]
        square += np.bincount(where, share * off**2, len(columns))
    return square
