"""Dask data as users give them: checked part by part, labels and weights derived.

Labels and weights are read first, to find the classes and what they weigh; then all of
it once, to check it and to derive what stays with the workers.
"""

import operator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length

from ._dask import (
    call,
    check_features,
    check_given,
    compute,
    features_of,
    labels_of,
    parts_of,
    put_together,
    sent,
    task_of,
    weights_of,
)
from ._labels import (
    check_labels,
    check_two_classes,
    class_tables,
    find_targets,
    rows_that_count,
    weigh,
)
from ._remote_rows import Derived, Likeness, RemoteRows


@dataclass
class _Seen:
    """The labels of some rows, with their weights; ``+`` puts rows together.

    Attributes
    ----------
    n_rows : int
    n_dimensions : int
        Of y.
    dtype : dtype
        Of y.
    columns : list of dict
        Label to weight, for each column of y.
    """

    n_rows: int
    n_dimensions: int
    dtype: np.dtype
    columns: list

    @classmethod
    def of(cls, estimator, y, sample_weight):
        """What a part has."""
        y = labels_of(y, estimator)
        if len(y):
            sample_weight = weights_of(sample_weight, y)
        else:
            sample_weight = None
        columns = y.T if y.ndim == 2 else [y]
        columns = [_weight_of_each(column, sample_weight) for column in columns]
        return cls(len(y), y.ndim, y.dtype, columns)

    def __add__(self, other):
        if not other.n_rows or not self.n_rows:
            return self if self.n_rows else other
        return _Seen(
            self.n_rows + other.n_rows,
            self.n_dimensions,
            np.result_type(self.dtype, other.dtype),
            [
                {label: a.get(label, 0.0) + b.get(label, 0.0) for label in {**a, **b}}
                for a, b in zip(self.columns, other.columns, strict=True)
            ],
        )

    def y(self):
        """Few rows with every label: for all that is asked of labels alone.

        Each comes three times, as scikit-learn warns of labels that are rare.
        """
        columns = [np.array(list(of), self.dtype) for of in self.columns]
        size = 3 * max(len(column) for column in columns)
        y = np.stack([np.resize(column, size) for column in columns], axis=1)
        return y if self.n_dimensions == 2 else y[:, 0]

    def counts(self, targets):
        """The weight of each class of each output."""
        return [
            np.array([of.get(label, 0.0) for label in classes.tolist()])
            for of, classes in zip(self.columns, targets.per_output, strict=True)
        ]


def _weight_of_each(column, sample_weight):
    """A dict of label to weight; of labels that are wrong, enough to tell that."""
    if column.dtype.kind == "f":
        continuous = column[column != np.floor(column)]
        if len(continuous):
            return {float(continuous[0]): 0.0}
    try:
        labels, places = np.unique(column, return_inverse=True)
    except TypeError:  # of different types
        return dict.fromkeys(column.tolist(), 0.0)
    return dict(
        zip(labels.tolist(), np.bincount(places, sample_weight, len(labels)).tolist())
    )


def _derive(estimator, dtype, n_features, targets, tables, X, y, sample_weight):
    """Check a part of X, and encode its labels and weights."""
    X, y = features_of(X, dtype, check=estimator), labels_of(y, estimator)
    check_consistent_length(X, y)
    if X.shape[1] != n_features:
        raise ValueError(
            f"A part of X has {X.shape[1]} columns, but X has {n_features} of them."
        )
    if y.ndim == 2 and not targets.several:
        y = y[:, 0]
    codes = targets.encode(y)
    weights = weights_of(sample_weight, y) if len(y) else None
    if tables is not None:
        weights = weigh(tables, codes, weights)
    n_stored = X.nnz if sparse.issparse(X) else X.size
    derived = Derived(codes, weights, None, n_stored / max(1, len(y)))
    counting = rows_that_count(weights)
    return derived if counting is None else derived.take(counting)


def read_elsewhere(
    estimator, X, y, sample_weight, *, known, classes, partial_fit, counts, reset
):
    """Validate Dask data: targets, rows, and the weight of each output's classes."""
    name = type(estimator).__name__
    n_features, dtype = check_features(estimator, X, reset)
    check_given(estimator, y)
    parts = parts_of(X, y, sample_weight)
    see = task_of(partial(_Seen.of, name))
    seen = put_together([see(*own) for _, *own in parts], operator.add)
    (seen,) = compute(seen)
    if not seen.n_rows:
        raise ValueError(
            f"Found array with 0 sample(s) (shape=(0, {n_features})) while a minimum "
            f"of 1 is required by {name}."
        )
    labels = check_labels(seen.y())
    targets = find_targets(labels, known=known, classes=classes, partial=partial_fit)
    targets.encode(labels)  # none that is unknown
    tables = None
    if estimator.class_weight is not None:
        new = seen.counts(targets)
        counts = [a + b for a, b in zip(counts, new)] if counts else new
        tables = class_tables(estimator.class_weight, targets, counts)
    rule = sent(partial(_derive, name, dtype, n_features, targets, tables))
    derive = task_of(call)
    derived = [derive(rule, *part) for part in parts]
    is_dense = hasattr(X, "dtypes") or not sparse.issparse(X._meta)
    weights = None
    if sample_weight is not None or tables is not None:
        several = tables is not None and len(tables) > 1
        shape = (seen.n_rows, len(tables)) if several else (seen.n_rows,)
        weights = Likeness(shape, dtype, np.prod(shape))
    like = Likeness((seen.n_rows, n_features), dtype, 0)
    rows = RemoteRows([(X, None) for X, *_ in parts], [], like, weights, is_dense)
    rows = rows._of(derived, len(targets.per_output[0]))
    if not rows.n_rows:
        raise ValueError(
            "No sample counts: sample_weight times class_weight is 0 for all."
        )
    if not (partial_fit or targets.several):
        present = np.sum([of.counts for of in rows.figures], axis=0)
        check_two_classes(np.flatnonzero(present), targets.classes)
    return targets, rows, counts
