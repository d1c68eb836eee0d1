"""Dask collections as users give them: read, and predicted, part by part.

Labels and weights are read first, to find the classes and what they weigh; then all of
it once, to check it and to derive what stays with the workers. Nothing is gathered.
"""

import copy
import operator
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.utils import validation

from . import reading
from .dask_rows import RemoteRows, Unread, compute, each, features_of, put_together


def is_dask(data):
    """Tell whether `data` is a Dask array or dataframe, without an import of Dask."""
    return type(data).__module__.startswith(("dask.array", "dask.dataframe"))


# Collections ---------------------------------------------------------------------


def _check_features(estimator, X, y="no_validation", *, reset):
    """Names and number of the features; return those, and the float type.

    They are those of a row in the likeness of X, which scikit-learn can look at.
    ValueError if there is no y.
    """
    if hasattr(X, "dtypes"):
        from dask.dataframe.utils import meta_nonempty

        specimen = meta_nonempty(X._meta).iloc[:1]  # the second may be missing values
        text = [name for name, of in specimen.items() if isinstance(of.iloc[0], str)]
        if text:
            raise ValueError(
                f"could not convert to numbers the columns {text} of X, which hold "
                "text: encode them, for example by dummies, or leave them out."
            )
    elif np.isnan(X.shape[1:]).any():
        raise ValueError(
            "X has an unknown number of columns; call X.compute_chunk_sizes() first."
        )
    else:
        specimen = np.ones((1, *X.shape[1:])).astype(X.dtype)  # of text, too
    specimen = reading.check_features(estimator, specimen, y, reset=reset)
    return specimen.shape[1], specimen.dtype


def _parts_of(X, *others):
    """Columns: the parts of X as tasks, and those of what goes with it.

    Arrays and frames are cut as X is; numbers and None are the same for all parts.
    """
    return _tasks(X), *(_cut_alike(other, _sizes(X)) for other in others)


def _tasks(collection):
    """The parts, which are of whole rows."""
    if getattr(collection, "chunks", ())[1:]:
        collection = collection.rechunk({1: -1})
    return list(np.ravel(collection.to_delayed()))


def _sizes(collection):
    """The rows of each part; NaN where they are unknown."""
    return list(getattr(collection, "chunks", [[np.nan] * collection.npartitions])[0])


def _cut_alike(other, sizes):
    """The parts of what goes with an X whose parts have these sizes."""
    if other is None or np.isscalar(other):
        return [other] * len(sizes)
    if not is_dask(other):
        if np.isnan(sizes).any():
            raise ValueError(
                "Beside a Dask collection whose parts have unknown sizes, y and "
                "sample_weight must be Dask collections too, cut as X is."
            )
        from dask.array import from_array

        other = other.toarray() if sparse.issparse(other) else np.asarray(other)
        other = from_array(other, chunks=-1)
    found = _sizes(other)
    if not np.isnan([*sizes, *found]).any():
        validation.check_consistent_length(range(sum(sizes)), range(sum(found)))
        other = other.rechunk({0: tuple(sizes)})
    elif len(found) != len(sizes):
        raise ValueError(
            "X, y and sample_weight must be cut into the same parts where the sizes of "
            f"those are unknown: found {len(sizes)} parts and {len(found)}."
        )
    return _tasks(other)


# Parts, where they lie -----------------------------------------------------------


def _labels_of(name, y, sample_weight):
    """A part of y and of the weights (or None), by scikit-learn's rules."""
    if np.shape(y)[:1] == (0,):  # no rows are against the rules
        return np.zeros(y.shape), None
    y = reading.check_array_of_labels(name, y)
    y = y.toarray() if sparse.issparse(y) else y
    return y, reading.check_weights(sample_weight, y, may_be_zero=True)


def _read_part(name, dtype, X, y, sample_weight):
    """A part of all three, by scikit-learn's rules, for the estimator of that name."""
    X = features_of(X, dtype, check=name)
    y, weights = _labels_of(name, y, sample_weight)
    validation.check_consistent_length(X, y)
    return X, y.reshape(len(y)) if y.shape[1:] == (1,) else y, weights


def _summary(name, y, sample_weight):
    """A few rows of y with all of its labels, and what each of these weighs."""
    y, weights = _labels_of(name, y, sample_weight)
    if y.dtype.kind == "f" and np.any(y != np.floor(y)):
        reading.check_labels(y)  # an error, as of different types
    wanted = {"return_index": True, "return_inverse": True}
    try:
        found = [np.unique(column, **wanted) for column in np.atleast_2d(y.T)]
    except TypeError:
        reading.check_labels(y)
        raise
    rows = np.unique(np.concatenate([first for _, first, _ in found]))
    sums = np.zeros((len(rows), len(found)))
    for i, (_, first, places) in enumerate(found):
        sums[np.searchsorted(rows, first), i] = np.bincount(places, weights, len(first))
    return y[rows], sums


def _derive(name, dtype, n_features, targets, tables, *part):
    """Check a part of X, and encode its labels and weights: Rows without features."""
    X, y, weights = _read_part(name, dtype, *part)
    if X.shape[1] != n_features:
        raise ValueError(
            f"A part of X has {X.shape[1]} columns, but X has {n_features} of them."
        )
    # A sparse matrix, too, has the size of what is stored.
    given = Unread(y.shape[:1], X.size), targets.encode(y), weights, tables
    return reading.rows_that_count(reading.weighted_rows(*given))


# Training data -------------------------------------------------------------------


def read_elsewhere(estimator, X, y, sample_weight, past, classes):
    """Validate Dask data: targets and rows, as :func:`reading.read_here`."""
    n_features, dtype = _check_features(estimator, X, y, reset=past.is_new)
    name = type(estimator).__name__
    parts = _parts_of(X, y, sample_weight)
    summaries = compute(*each(partial(_summary, name), *parts[1:]))
    summaries = [summary for summary in summaries if len(summary[0])]
    if not summaries:  # an error, in scikit-learn's words
        validation.check_array(np.empty((0, n_features)), estimator=name)
    labels, weights = map(np.concatenate, zip(*summaries))
    # Thrice, as scikit-learn warns of labels that are rare.
    labels = reading.check_labels(np.repeat(labels, 3, axis=0))[::3]
    targets, _, tables = reading.encoded(estimator, labels, weights, past, classes)
    derive = partial(_derive, name, dtype, n_features, targets, tables)
    rows = RemoteRows(n_features, dtype, not sparse.issparse(X._meta))
    rows = rows.with_parts(parts[0], each(derive, *parts), len(targets.per_output[0]))
    return targets, rows


# New data ------------------------------------------------------------------------


def total_of(estimator, method, X, y, sample_weight):
    """What a method gives of each part, times its weight; and the weight of all.

    In place of ``method(X, y, sample_weight)`` of a fitted estimator, where that is a
    sum over examples (:meth:`log_likelihood`) or their mean (:meth:`score`).
    """
    bare = _bare(estimator)
    _, dtype = _check_features(estimator, X, y, reset=False)
    if method != "score" and getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        # Said once, not by each part.
        validation.column_or_1d(np.zeros((1, 1)), warn=True)
    of_part = partial(_of_part, bare, method, dtype)
    tasks = each(of_part, *_parts_of(X, y, sample_weight))
    total, weight = compute(put_together(tasks, operator.add))[0]
    if not weight > 0:
        raise ValueError("No sample counts: there is none, or their weights are all 0.")
    return float(total / weight if method == "score" else total)


def _bare(estimator):
    """A copy that predicts, and has nothing else to carry; it has to be fitted."""
    validation.check_is_fitted(estimator)
    bare = copy.copy(estimator)
    for name in ("_state", "_skl_callbacks", "feature_names_in_"):
        vars(bare).pop(name, None)
    return bare


def _of_part(estimator, method, dtype, *part):
    """What a method gives of a part, times its weight for a mean; and that weight."""
    X, y, weights = _read_part(type(estimator).__name__, dtype, *part)
    weight = float(len(y) if weights is None else weights.sum())
    if not weight > 0:
        return np.zeros(2)
    figure = getattr(estimator, method)(X, y, weights)
    return np.array([figure * weight if method == "score" else figure, weight])


def lazily(estimator, method, X):
    """What a method says of X, (n_samples,) or (n_samples, any), as a lazy Dask array.

    A list of those, where the method gives a list; cut as X is.
    """
    import dask.array as da

    bare = _bare(estimator)
    n_features, dtype = _check_features(estimator, X, reset=False)
    like = getattr(bare, method)(np.zeros((1, n_features), dtype))
    tasks, sizes = each(partial(_said, bare, method, dtype), *_parts_of(X)), _sizes(X)
    outputs, said = like if isinstance(like, list) else [like], []
    for i, of in enumerate(outputs):
        lazy = partial(da.from_delayed, meta=of[:0])
        parts = [lazy(task[i], (n, *of.shape[1:])) for task, n in zip(tasks, sizes)]
        said.append(da.concatenate(parts, allow_unknown_chunksizes=True))
    return said if isinstance(like, list) else said[0]


def _said(estimator, method, dtype, X):
    """What a method says of a part: a list, of every output."""
    X = features_of(X, dtype)
    some = X if X.shape[0] else np.zeros((1, X.shape[1]), dtype)
    said = getattr(estimator, method)(some)
    return [of[: X.shape[0]] for of in (said if isinstance(said, list) else [said])]
