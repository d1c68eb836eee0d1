"""Dask collections: cut into parts, asked part by part, nothing gathered.

What is asked goes out once; what comes back is a tree of sums. Dask schedules, on
threads or on a cluster; nothing here knows which.
"""

import copy
import operator
from functools import partial, reduce
from itertools import pairwise

import numpy as np
from scipy import sparse
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ._labels import FLOATS, canonical, check_weights
from ._threads import blas_on_one_thread

#: How many sums are added up at once, on a worker.
FAN_IN = 8


def is_dask(data):
    """Tell whether `data` is a Dask array or dataframe, without an import of Dask."""
    return type(data).__module__.startswith(("dask.array", "dask.dataframe"))


# Asking --------------------------------------------------------------------------


def task_of(function):
    from dask import delayed

    # Not `pure`: names are drawn, as hashing what is sent would take longer.
    return partial(delayed(function, pure=False, traverse=False), pure=False)


def sent(value):
    """A value that goes out once, for many tasks."""
    from dask import delayed

    return delayed(value, pure=False, traverse=False)


def compute(*tasks):
    """What the tasks give: a tuple."""
    import dask

    try:
        with blas_on_one_thread():  # the tasks, where they run here, run in threads
            return dask.compute(*tasks)
    except Exception as error:
        if type(error).__name__ != "KilledWorker":
            raise
        raise RuntimeError(
            "Worker after worker died over the same part of the data, most likely out "
            "of memory. Cut X into smaller parts (rechunk, repartition), or give the "
            "workers more memory."
        ) from error


def persist(*tasks):
    """The same tasks, whose results stay with the workers."""
    import dask

    with blas_on_one_thread():
        return dask.persist(*tasks)


def put_together(tasks, combine):
    """A task that gives all that the tasks do, in a tree of few at a time."""
    some = task_of(partial(_combined, combine))
    while len(tasks) > 1:
        tasks = [some(*tasks[i : i + FAN_IN]) for i in range(0, len(tasks), FAN_IN)]
    return tasks[0]


def _combined(combine, *shares):
    return reduce(combine, shares)


def call(function, *arguments):
    return function(*arguments)


# Parts, as they are given ------------------------------------------------------------


def _specimen(X):
    """A row or two in the likeness of X: what scikit-learn can look at."""
    if hasattr(X, "dtypes"):
        from dask.dataframe.utils import meta_nonempty

        return meta_nonempty(X._meta).iloc[:1]  # the second may be of missing values
    if any(np.isnan(n) for n in X.shape[1:]):
        raise ValueError(
            "X has an unknown number of columns; call X.compute_chunk_sizes() first."
        )
    shape = (1, *X.shape[1:])
    if sparse.issparse(X._meta):
        return type(X._meta)(shape, dtype=X.dtype)
    return np.ones(shape).astype(X.dtype)  # of text, too


def check_features(estimator, X, reset):
    """Names and number of the features; return those, and the float type."""
    specimen = validate_data(
        estimator, _specimen(X), accept_sparse="csr", dtype=FLOATS, reset=reset
    )
    return specimen.shape[1], specimen.dtype


def check_given(estimator, y):
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )


def _whole_rows(X):
    """The same array, not cut along its columns."""
    if X.ndim == 2 and X.numblocks[1] > 1:
        return X.rechunk({1: -1})
    return X


def _sizes(collection):
    """The rows of each part, as far as they are known."""
    if hasattr(collection, "chunks"):
        return list(collection.chunks[0])
    return [np.nan] * collection.npartitions


def parts_of(X, *others):
    """X and what goes with it, part by part: lists of tasks.

    Of the others, arrays are cut as X is; numbers and None are the same for all parts.
    """
    if hasattr(X, "chunks"):
        X = _whole_rows(X)
    sizes = _sizes(X)
    parts = [_tasks(X)]
    for other in others:
        if other is None or np.isscalar(other):
            parts.append([other] * len(sizes))
        else:
            parts.append(_tasks(_cut_alike(other, sizes)))
    return list(zip(*parts))


def _tasks(collection):
    return list(np.ravel(collection.to_delayed()))


def _cut_alike(other, sizes):
    known = not np.isnan(sizes).any()
    if not is_dask(other):
        if not known:
            raise ValueError(
                "Beside a Dask collection whose parts have unknown sizes, y and "
                "sample_weight must be Dask collections too, cut as X is."
            )
        from dask.array import from_array

        other = other.toarray() if sparse.issparse(other) else np.asarray(other)
        other = from_array(other, chunks=-1)
    if not hasattr(other, "chunks"):  # a dataframe
        known = False
    else:
        other = _whole_rows(other)
        known &= not np.isnan(other.shape[0])
    if known:
        if other.shape[0] != sum(sizes):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"{[sum(sizes), other.shape[0]]}"
            )
        if list(other.chunks[0]) != sizes:
            other = other.rechunk({0: tuple(sizes)})
    elif len(_sizes(other)) != len(sizes):
        raise ValueError(
            "X, y and sample_weight must be cut into the same parts where the sizes of "
            f"those are unknown: found {len(sizes)} parts and {len(_sizes(other))}."
        )
    return other


def features_of(X, dtype, check=None):
    """A part of X as floats, by scikit-learn's rules; `check` names who needs it."""
    X = check_array(
        X,
        accept_sparse="csr",
        dtype=dtype,
        ensure_all_finite=check is not None,
        ensure_min_samples=0,
        estimator=check,
        input_name="X",
    )
    return canonical(X)


def labels_of(y, estimator):
    y = check_array(
        y,
        accept_sparse="csr",
        ensure_2d=False,
        dtype=None,
        ensure_min_samples=0,
        estimator=estimator,
        input_name="y",
    )
    return y.toarray() if sparse.issparse(y) else y


def weights_of(sample_weight, y):
    if sample_weight is None:
        return None
    return check_weights(sample_weight, y, may_be_zero=True)


# New data ------------------------------------------------------------------------


def total_of(estimator, method, X, y, sample_weight):
    """What a method gives of each part, times its weight; and the weight of all.

    In place of ``method(X, y, sample_weight)`` of a fitted estimator, where that is a
    sum over examples (:meth:`log_likelihood`) or their mean (:meth:`score`).
    """
    check_is_fitted(estimator)
    _, dtype = check_features(estimator, X, reset=False)
    check_given(estimator, y)
    parts = parts_of(X, y, sample_weight)
    ask = sent(partial(_of_part, _bare(estimator), method, dtype))
    tasks = [task_of(call)(ask, *part) for part in parts]
    total, weight = compute(put_together(tasks, operator.add))[0]
    if not weight > 0:
        raise ValueError("No sample counts: there is none, or their weights are all 0.")
    return float(total / weight if method == "score" else total)


def _bare(estimator):
    """A copy that predicts, and has nothing else to carry."""
    bare = copy.copy(estimator)
    for name in ("_state", "_skl_callbacks", "feature_names_in_"):
        vars(bare).pop(name, None)
    return bare


def _of_part(estimator, method, dtype, X, y, sample_weight):
    name = type(estimator).__name__
    X, y = features_of(X, dtype), labels_of(y, name)
    check_consistent_length(X, y)
    weights = weights_of(sample_weight, y) if len(y) else np.zeros(0)
    weight = float(len(y) if weights is None else weights.sum())
    if not weight > 0:
        return np.zeros(2)
    figure = getattr(estimator, method)(X, y, weights)
    return np.array([figure * weight if method == "score" else figure, weight])


def lazily(estimator, method, X):
    """What a method says of X, (n_samples,) or (n_samples, any), as a lazy Dask array.

    A list of those, where the method gives a list; cut as X is.
    """
    check_is_fitted(estimator)
    _, dtype = check_features(estimator, X, reset=False)
    bare = _bare(estimator)
    like = getattr(bare, method)(np.zeros((1, estimator.n_features_in_), dtype))
    say = partial(_said, method, dtype)
    parts = like if isinstance(like, list) else [like]
    meta = _side_by_side(like)[:0]
    said = _map_parts(say, X, sent(bare), meta)
    if not isinstance(like, list):
        return said
    ends = np.cumsum([0] + [one.shape[1] if one.ndim == 2 else 1 for one in parts])
    outputs = [said[:, start:end] for start, end in pairwise(ends)]
    return [of[:, 0] if one.ndim == 1 else of for of, one in zip(outputs, parts)]


def _map_parts(say, X, estimator, meta):
    import dask.array as da

    if hasattr(X, "chunks"):
        X = _whole_rows(X)
    shape = meta.shape[1:]
    tell = task_of(say)
    return da.concatenate(
        [
            da.from_delayed(tell(estimator, part), (size, *shape), meta=meta)
            for part, size in zip(_tasks(X), _sizes(X))
        ],
        allow_unknown_chunksizes=True,
    )


def _said(method, dtype, estimator, X):
    """What a method says of a part, its outputs side by side."""
    X = features_of(X, dtype)
    n_rows = X.shape[0]
    if not n_rows:
        X = np.zeros((1, X.shape[1]), dtype)
    said = getattr(estimator, method)(X)
    return _side_by_side(said)[:n_rows]


def _side_by_side(said):
    if not isinstance(said, list):
        return said
    return np.hstack([one[:, None] if one.ndim == 1 else one for one in said])
