"""Mean and standard deviation of every column, block by block."""

from functools import partial

import numpy as np

from .. import _kernels
from .._arrays import beside, is_sparse, numbers_may_end, to_host, widest
from .._model.coordinates import FEW
from .rows import ends, take_rows

#: Rows that tell what is usual in a column; a deviation so many times the usual one
#: is that of a few absurd values, as is an offset that none of these rows has.
USUAL, ABSURD = 256, 1e3

#: Rows half of which tell, of most columns, that nothing in them is absurd.
GLANCE = 16


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
    total = rows.total_weight if np.ndim(rows.weights) == 1 else rows.n_rows
    limits = np.finfo(rows.dtype)
    with numbers_may_end():
        mean, square = sums_of(rows) / total
        variance = square - mean**2
        sound = variance > limits.eps**0.5 * square
        sound &= (square > limits.tiny * 2**40) & (square < limits.max / 2**40)
        deviation = np.sqrt(np.where(sound, variance, 0.0))
        if not sound.all():
            largest = rows.largest_sizes()
            columns = np.flatnonzero(~sound & (largest > 0))  # of zeros, as measured
            if len(columns):
                of_columns = _around_mean(rows, total, columns, largest[columns])
                mean[columns], deviation[columns] = of_columns
    return mean, deviation


def _around_mean(rows, total, columns, unit):
    """The mean and deviation of some columns, in two passes.

    They are measured in units of the largest sizes, so that the squares of 1e200 do not
    overflow nor those of 1e-200 vanish; and what rounding has lost of the mean in a
    long sum is given back: the deviation of a constant is 0.
    """
    mean = rows.total(partial(_sums, about=(columns, 0 * unit, unit)))[0] / total * unit
    slip, square = rows.total(partial(_sums, about=(columns, mean, unit))) / total
    variance = square - slip**2
    variance[variance < 1e-8 * square] = 0.0
    return mean + unit * slip, unit * np.sqrt(variance)


def sums_of(rows):
    """The weighted sums of x and of x^2, (2, n_features); asked for once."""
    if rows.sums is None:
        rows.sums = rows.total(_sums)
    return rows.sums


def _sums(rows, about=None):
    """What the rows give of the sums of x and of x^2, (2, n_columns).

    Or, about (columns, centre, unit), of ``(x - centre) / unit`` in those columns.
    """
    parts, sums = None if about else rows.for_kernels(), 0.0
    if parts is not None:
        return sum(_kernels.moments(X, _sizes(of), of.dtype) for of, X in parts)
    without_gaps = len(about[0]) if about else 0
    for block in rows.blocks(3 * (rows.X.shape[1] if rows.is_dense else without_gaps)):
        X, w = widest(block.X), _sizes(block)
        w = beside(np.ones(X.shape[0]), X) if w is None else widest(w)
        if about:
            centre, unit = (beside(of, X) for of in about[1:])
            X = take_rows(X.T, about[0]).T
            X = ((X.toarray() if is_sparse(X) else X) - centre) / unit
        square = X.multiply(X) if is_sparse(X) else X * X
        sums = sums + np.stack([to_host(w @ X), to_host(w @ square)])
    return sums


def _sizes(rows):
    """Sizes of the rows' weights; None where those differ from output to output."""
    return abs(rows.weights) if np.ndim(rows.weights) == 1 else None


def measured(rows, robust=True, farthest=None):
    """Exponents of the columns' units, or None, and in those units the columns' own.

    Squares of features beyond 1e+-150 (in float32, 1e+-18) cannot be represented. Data
    that hold any are measured in units of powers of two, column by column, which is
    exact.

    Parameters
    ----------
    rows : Rows
    robust : bool, default=True
        Whether units are those of usual values. A hidden layer is better off with all
        values among them.
    farthest : float, default=None
        A deviation is at least the largest distance from the mean divided by it.

    Returns
    -------
    exponents : int array of shape (n_features,), or None
    (centre, unit, reach) : arrays of shape (n_features,)
        As :func:`usual` has them.
    """
    limits = np.finfo(rows.dtype)
    mean, deviation = column_moments(rows)
    size, exponents = np.maximum(np.abs(mean), deviation), None
    regular = (size < limits.max**0.5 / 2**20) & (size > limits.tiny**0.5 * 2**20)
    if not (regular | (size == 0)).all():
        largest = rows.largest_sizes()
        # A column whose weights would overflow before they mattered is taken for zeros.
        nothing = largest < limits.tiny * 2**20
        exponents = np.where(nothing, 5000, np.frexp(largest)[1])
        rows = rows.in_units(exponents)
        mean, deviation = column_moments(rows)
    if farthest is not None:
        top, bottom = rows.total(ends, np.maximum)
        reach = np.maximum(top - mean, bottom + mean)
        deviation = np.maximum(deviation, reach / farthest)
    return exponents, usual(rows, mean, deviation, robust)


def usual(rows, mean, deviation, robust):
    """The centre and the unit of every column, which no absurd value moves.

    They are the mean and the deviation, unless nearly all rows of a sample say that
    these are a few values': then they are the median, and half of what 95% of the
    distances from it do not exceed. Centred elsewhere, the other values would lose
    their digits, and look all the same.

    Returns
    -------
    centre, unit : arrays of shape (n_features,)
    reach : array of shape (n_features,)
        The root of the mean square of ``(x - centre) / unit``.
    """
    reach, is_few = np.ones_like(mean), rows.is_dense or len(mean) <= FEW
    # x and x^2 have the same sum in columns of 0 and 1, of which none is absurd.
    columns = np.flatnonzero(np.not_equal(*sums_of(rows)) & robust & is_few)
    if rows.lie_here and len(columns):
        few = rows.take(np.arange(0, rows.n_rows, 1 + rows.n_rows // GLANCE))
        median, distances = _about_median(columns, few)
        off = np.hypot(deviation[columns], mean[columns] - median)
        width = distances[len(distances) // 2]
        columns = columns[~(width * ABSURD / 10 > off)]
    if not len(columns):
        return mean, deviation, reach
    # A sample lies in one place, unless rows are so wide that medians of parts do.
    of, between = partial(_median_and_width, columns), lambda a, b: (a + b) / 2
    median, width = rows.sample(USUAL).total(of, between)
    off = np.hypot(deviation[columns], mean[columns] - median)
    absurd = width * ABSURD < off
    columns, off, width = columns[absurd], off[absurd], width[absurd]
    least = off / float(np.finfo(rows.dtype).max) ** 0.4  # whose squares are numbers
    width = np.where(width > 0, np.maximum(width, least), off)
    mean[columns], deviation[columns] = median[absurd], width
    reach[columns] = off / width
    return mean, deviation, reach


def _about_median(columns, rows):
    """The median of columns, (n_columns,), and the distances from it, in their order.

    (n_rows, n_columns), float64; of few rows.
    """
    blocks = [of.X if rows.is_dense else of.X.toarray() for of in rows.blocks(0)]
    X = np.concatenate([*map(to_host, blocks)])[:, columns].astype(np.float64)
    median = np.sort(X, axis=0)[len(X) // 2]
    return median, np.sort(np.abs(X - median), axis=0)


def _median_and_width(columns, rows):
    """The median, and half of what 95% of the distances from it do not exceed.

    Of each column, (2, n_columns); of few rows, of all of them. If these are all 0, as
    most of a rare feature are, of those that are not.
    """
    median, distances = _about_median(columns, rows)
    n, some = len(distances), np.sum(distances > 0, axis=0)
    some = np.where(distances[_nearly_all(n)] > 0, n, some)
    width = np.take_along_axis(distances, n - some[None] + _nearly_all(some), axis=0)
    return np.stack([median, width[0] / 2])


def _nearly_all(n):
    """The place of what 95% of so many do not exceed."""
    return n - 1 - np.minimum(np.maximum(2, n // 20), n // 4)
