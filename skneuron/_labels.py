"""Data, labels and weights as users give them: checked, named where wrong, ready."""

from numbers import Number, Real

import numpy as np
from scipy import sparse
from sklearn.utils._array_api import (
    _max_precision_float_dtype,
    get_namespace_and_device,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from ._arrays import array_namespace, beside, is_elsewhere, like, to_host
from ._model import OnDemand, Targets
from ._model.rows import block_rows, slices

#: The float types that stay as they are; others become the first.
FLOATS = [np.float64, np.float32]


def floats(X):
    """The same in the namespace that scikit-learn sees in X, as far as its device goes.

    That is NumPy's, unless ``array_api_dispatch`` is on.
    """
    xp, _, device = get_namespace_and_device(X)
    # scikit-learn looks for these in NumPy's arrays alone.
    if is_elsewhere(X) and array_namespace(X).isdtype(X.dtype, "complex floating"):
        raise ValueError("Complex data not supported")
    if _max_precision_float_dtype(xp, device) == xp.float32:
        return [xp.float32]
    return [xp.float64, xp.float32]


def check_features(estimator, X, *, reset):
    """X by scikit-learn's rules; what is read from a file or converted stays there."""
    if not stays_where_it_is(X):
        return validate_data(
            estimator, X, reset=reset, accept_sparse="csr", dtype=floats(X)
        )
    first = np.asarray(X[0 : min(1, X.shape[0])])
    first = validate_data(estimator, first, reset=reset, dtype=FLOATS)
    X = OnDemand(X, first.dtype)
    if X.source.dtype.kind not in "iub":
        for at in slices(X.shape[0], block_rows(X.dtype.itemsize * X.shape[1])):
            name = type(estimator).__name__
            assert_all_finite(X[at], estimator_name=name, input_name="X")
    return X


def stays_where_it_is(X):
    """Whether X gives rows that are not floats, or not in memory: as few as one wants.

    A memory map of integers, say, or a table in a file of another kind.
    """
    if isinstance(X, np.ndarray):
        mapped = isinstance(X, np.memmap) and X.ndim == 2
        return mapped and X.dtype.kind in "iubf" and X.dtype not in FLOATS
    if sparse.issparse(X) or is_elsewhere(X) or getattr(X, "ndim", None) != 2:
        return False
    gives = hasattr(X, "__getitem__") and hasattr(X, "__array__")
    # The first row is enough to say what is wrong with complex numbers.
    return gives and getattr(getattr(X, "dtype", None), "kind", "O") in "iubfc"


def check_data(estimator, X, y, sample_weight, *, reset):
    """X, y and sample_weight (or None) by scikit-learn's rules and ours."""
    if stays_where_it_is(X):
        X = check_features(estimator, X, reset=reset)
        y = validate_data(estimator, X="no_validation", y=y, multi_output=True)
        check_consistent_length(X, y)
    else:  # in one call, which notes nothing of X if y is wrong
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse="csr",
            dtype=floats(X),
            multi_output=True,
            reset=reset,
        )
    X = canonical(X)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, X)
    return X, check_labels(y), sample_weight


def canonical(X):
    """X, whose entries that are given twice, if it is sparse, count as their sum."""
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()  # not in place
        X.sum_duplicates()
    return X


def check_weights(sample_weight, X, *, may_be_zero=False):
    """`sample_weight` as floats, (n_samples,), where X is.

    ValueError that names it if wrong.
    """
    if is_elsewhere(X) and not (
        is_elsewhere(sample_weight) or np.isscalar(sample_weight)
    ):
        sample_weight = np.asarray(sample_weight)
    try:
        sample_weight = _check_sample_weight(
            sample_weight,
            X,
            dtype=floats(X),
            ensure_non_negative=True,
            allow_all_zero_weights=may_be_zero,
        )
        # Namespaces do not mix float types.
        return like(sample_weight, X) if is_elsewhere(X) else sample_weight
    except (TypeError, ValueError) as error:
        if "weight" in str(error):
            raise
        raise ValueError(
            f"sample_weight must be one number for each sample: {error}"
        ) from error


def check_labels(y):
    """y as a dense array of shape (n_samples,) or (n_samples, several)."""
    if sparse.issparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if is_elsewhere(y):
        # Of several outputs, too, it is the labels that have to be classes.
        check_classification_targets(array_namespace(y).reshape(y, (-1,)))
        return y
    if y.dtype != object:
        if not _are_few_integers(y):
            check_classification_targets(y)
        return y
    for column in y.T if y.ndim == 2 else [y]:
        if len({_kind(label) for label in column}) > 1:
            raise ValueError(
                "y mixes labels of different types, "
                f"{sorted({type(label).__name__ for label in column})}; make them all "
                "strings or all numbers."
            )
        check_classification_targets(np.array(column.tolist()))
    return y


def _are_few_integers(y):
    """Whether y is of classes beyond doubt, not for scikit-learn to look at at length.

    It also warns where classes are more than half of the samples; these are fewer.
    """
    if y.dtype.kind not in "iu" or y.ndim != 1:
        return False
    return int(y.max()) - int(y.min()) < len(y) // 2


def _kind(label):
    return Number if isinstance(label, Number) else type(label)


def find_targets(y, *, known, classes, partial):
    """The classes of y, those given to partial_fit, or those known from before."""
    if known is not None:
        targets = Targets(known)
        if not partial and not targets.same_classes(Targets.of(y)):
            raise ValueError(
                "warm_start goes on from the previous fit, so y must have the same "
                f"classes. Before: {_listed(targets.classes)}; now: "
                f"{_listed(Targets.of(y).classes)}. Set warm_start=False to start "
                "again."
            )
        if classes is not None:
            _check_same(targets, _given_classes(classes, y))
        return targets
    if partial:
        if classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all "
                "labels that y will ever hold (for several outputs, a list of one "
                "array for each)."
            )
        return _given_classes(classes, y)
    return _at_least_two_classes(Targets.of(y))


def _at_least_two_classes(targets):
    if not targets.several and len(targets.per_output[0]) < 2:
        raise ValueError(
            "Learning to tell classes apart takes at least 2 classes; the data "
            f"contains only one class: {_listed(targets.classes)}."
        )
    return targets


def _given_classes(classes, y):
    """Targets of the `classes` that partial_fit was given."""
    if y.ndim == 1:
        return _at_least_two_classes(Targets(_sorted(classes, y)))
    flat = not isinstance(classes, (list, tuple)) or any(map(np.isscalar, classes))
    per_output = not flat
    if getattr(classes, "ndim", 1) == 2:
        classes, per_output = to_host(classes), True
    if not per_output:
        classes = [classes] * y.shape[1]
    if len(classes) != y.shape[1]:
        raise ValueError(
            f"classes has {len(classes)} entries for the {y.shape[1]} columns of y; "
            "give a list of one array of labels for each column."
        )
    return Targets([_sorted(of, y) for of in classes])


def _sorted(classes, y):
    """The distinct ones of `classes`, where the labels are."""
    classes = np.unique(np.asarray(to_host(classes)))
    return beside(classes, y) if classes.dtype.kind in "biuf" else classes


def _check_same(targets, given):
    if not targets.same_classes(given):
        raise ValueError(
            f"classes={_listed(given.classes)} is not the same as on the first call to "
            f"partial_fit: {_listed(targets.classes)}."
        )


def example_weights(wanted, targets, codes, sample_weight, counts):
    """Sample weights times class weights, the latter output by output.

    They lie where the codes do. `wanted` is an estimator's `class_weight`. `counts`,
    the weight of each output's classes in earlier batches, is added to: to a stream,
    "balanced" means balanced so far.
    """
    if wanted is None:
        return sample_weight, counts
    counts = counts or [np.zeros(len(classes)) for classes in targets.per_output]
    known, given = to_host(codes), sample_weight
    given = None if given is None else to_host(given)
    counts = [
        to_host(before) + np.bincount(code, given, len(before))
        for before, code in zip(counts, known.T, strict=True)
    ]
    return weigh(class_tables(wanted, targets, counts), codes, sample_weight), counts


def weigh(tables, codes, sample_weight):
    """Sample weights times the weights of classes, which `tables` hold by output."""
    if is_elsewhere(codes):
        xp = array_namespace(codes)
        weights = xp.stack(
            [
                xp.take(beside(table, codes), codes[:, i], axis=0)
                for i, table in enumerate(tables)
            ],
            axis=1,
        )
        if sample_weight is not None:
            weights = sample_weight[:, None] * xp.astype(weights, sample_weight.dtype)
        return weights if len(tables) > 1 else weights[:, 0]
    if len(tables) == 1:
        weights = tables[0][codes[:, 0]]
        per_row = weights
    else:
        weights = np.empty(codes.shape)
        for i, table in enumerate(tables):
            weights[:, i] = table[codes[:, i]]
        per_row = weights.T
    if sample_weight is not None:
        per_row *= sample_weight
    return weights


def class_tables(wanted, targets, counts):
    """The weights of each output's classes, which have the weights `counts` in data."""
    several = len(targets.per_output)
    if not isinstance(wanted, list):
        wanted = [wanted] * several
    elif len(wanted) != several:
        raise ValueError(
            f"class_weight has {len(wanted)} entries for {several} outputs: give "
            "one dict, 'balanced' or None for each column of y."
        )
    return [
        _class_weights(of, classes, count)
        for of, classes, count in zip(wanted, targets.per_output, counts, strict=True)
    ]


def _class_weights(wanted, classes, counts):
    """The weight of each class of an output: scikit-learn's definition."""
    if wanted is None:
        return np.ones(len(classes))
    if isinstance(wanted, str) and wanted == "balanced":
        present = counts > 0
        weights = np.ones(len(classes))
        weights[present] = counts.sum() / (present.sum() * counts[present])
        return weights
    if not isinstance(wanted, dict):
        raise ValueError(
            f"class_weight must be a dict, 'balanced' or None, got {wanted!r}."
        )
    labels = classes.tolist()
    unknown = [label for label in wanted if label not in labels]
    # A fold may lack a class; but where others are not named, it is a slip.
    if unknown and not all(label in wanted for label in labels):
        raise ValueError(
            f"class_weight names classes that y does not have, {unknown}, and not all "
            f"that it has: {labels}."
        )
    weights = [wanted.get(label, 1.0) for label in labels]
    if not all(isinstance(w, Real) and 0 <= w < np.inf for w in weights):
        raise ValueError(
            f"class_weight must hold finite numbers, none of them negative: {wanted}."
        )
    return np.array(weights, dtype=float)


def check_two_classes(codes, classes):
    """Raise ValueError if the rows that count hold fewer than two classes."""
    present = to_host(array_namespace(codes).unique_values(codes))
    if len(present) < 2:
        raise ValueError(
            "Learning to tell classes apart takes at least 2 classes with samples of "
            f"positive weight; only one class has any: {classes[present].tolist()}."
        )


def _listed(classes):
    if isinstance(classes, list):
        return [to_host(of).tolist() for of in classes]
    return to_host(classes).tolist()


def of_any_output(weights):
    """The largest weight that a row has in any output, (n_rows,)."""
    xp = array_namespace(weights)
    return weights if weights.ndim == 1 else xp.max(weights, axis=1)


def rows_that_count(weights):
    """Which rows have a weight in some output, an index array; None: all of them.

    A row of no weight is no row: not in a batch's count either.
    """
    if weights is None:
        return None
    counts = to_host(of_any_output(weights) > 0)
    return None if np.all(counts) else np.flatnonzero(counts)
