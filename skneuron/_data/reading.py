"""Data, labels and weights as users give them: checked, named where wrong, ready."""

from contextlib import contextmanager
from numbers import Number, Real

import numpy as np
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

from .._arrays import array_namespace, beside, is_elsewhere, is_sparse, like, to_host
from .files import OnDemand, check_file
from .moments import sums_of
from .rows import Rows, block_rows, slices
from .targets import Targets, looked_up

#: The float types that stay as they are; others become the first.
FLOATS = [np.float64, np.float32]


def floats(X):
    """The same in the namespace that scikit-learn sees in X, as far as its device goes.

    That is NumPy's, unless ``array_api_dispatch`` is on.
    """
    if not is_elsewhere(X):
        return FLOATS
    xp, _, device = get_namespace_and_device(X)
    # scikit-learn looks for these in NumPy's arrays alone.
    if array_namespace(X).isdtype(X.dtype, "complex floating"):
        raise ValueError("Complex data not supported")
    return [_max_precision_float_dtype(xp, device), xp.float32]


def check_features(estimator, X, *, reset):
    """X by scikit-learn's rules; what is read from a file or converted stays there."""
    check_file(X)
    if not stays_where_it_is(X):
        rules = {"accept_sparse": "csr", "dtype": floats(X)}
        return validate_data(estimator, X, reset=reset, **rules)
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
    if is_sparse(X) or is_elsewhere(X) or getattr(X, "ndim", None) != 2:
        return False
    is_mapped = isinstance(X, np.memmap)
    if isinstance(X, np.ndarray) and not (is_mapped and X.dtype not in FLOATS):
        return False
    gives = hasattr(X, "__getitem__") and hasattr(X, "__array__")
    # The first row is enough to say what is wrong with complex numbers.
    return gives and getattr(getattr(X, "dtype", None), "kind", "O") in "iubfc"


def check_data(estimator, X, y, sample_weight, *, reset, signed=False, finite=True):
    """X, y and sample_weight (or None) by scikit-learn's rules and ours.

    `signed`: whether weights may be negative; `finite`: whether to look for NaN in X.
    """
    check_file(X)
    with missing_named():
        if stays_where_it_is(X):
            X = check_features(estimator, X, reset=reset)
            y = validate_data(estimator, X="no_validation", y=y, multi_output=True)
            check_consistent_length(X, y)
        elif reset and not finite and are_plain(X, y):  # to be noted, that is all
            vars(estimator).pop("feature_names_in_", None)
            estimator.n_features_in_ = X.shape[1]
        else:  # in one call, which notes nothing of X if y is wrong
            rules = {"multi_output": True, "accept_sparse": "csr", "dtype": floats(X)}
            rules["ensure_all_finite"] = finite
            X, y = validate_data(estimator, X, y, reset=reset, **rules)
    X = canonical(X)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, X, signed=signed)
    return X, check_labels(y), sample_weight


def are_plain(X, y):
    """Whether arrays are such that scikit-learn could mind nothing in them but NaN."""
    arrays = type(X) is type(y) is np.ndarray
    alike = arrays and X.ndim == 2 and X.size > 0 and X.shape[:1] == y.shape
    return alike and X.dtype in FLOATS and y.dtype.kind in "biu"


@contextmanager
def missing_named():
    """ValueError in place of what pandas says of its NA, which is like no other."""
    try:
        yield
    except TypeError as error:
        if "NA is ambiguous" not in str(error):
            raise
        raise ValueError("Input y contains NaN: pandas.NA is no label.") from error


def canonical(X):
    """X, whose entries that are given twice, if it is sparse, count as their sum."""
    if is_sparse(X) and not X.has_canonical_format:
        X = X.copy()  # not in place
        X.sum_duplicates()
    return X


def check_weights(sample_weight, X, *, may_be_zero=False, signed=False):
    """`sample_weight` as floats, (n_samples,), where X is.

    ValueError that names it if wrong.
    """
    rules = {"ensure_non_negative": not signed, "allow_all_zero_weights": may_be_zero}
    try:
        given, as_many = to_host(sample_weight), np.empty((X.shape[0], 0))
        sample_weight = _check_sample_weight(given, as_many, dtype=FLOATS, **rules)
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
    if is_sparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    labels = to_host(y)
    if labels.dtype != object:
        # scikit-learn looks at length, and warns if every other sample of many has a
        # class of its own: not so for integers that are few, or in a narrow range.
        integers, n = labels.ndim == 1 and labels.dtype.kind in "iu", len(labels)
        few = integers and (n <= 20 or int(labels.max()) - int(labels.min()) < n // 2)
        if not few:
            check_classification_targets(labels)
        return y
    for column in labels.T if labels.ndim == 2 else [labels]:
        types = set(map(type, column))
        if len({_kind(of) for of in types}) > 1:
            names = sorted(of.__name__ for of in types)
            raise ValueError(
                f"y mixes labels of different types, {names}; make them all strings "
                "or all numbers."
            )
        check_classification_targets(np.array(column.tolist()))
    return y


def _kind(type_of_label):
    """What labels of a type can stand beside: numbers and strings, NumPy's or not."""
    kinds = (Number, np.bool_), str, bytes
    return next((of for of in kinds if issubclass(type_of_label, of)), type_of_label)


def find_targets(y, past, classes):
    """The classes of y, those given to partial_fit, or those known from before."""
    partial = past.partial
    if past.classes is None:
        if partial and classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all "
                "labels that y will ever hold (for several outputs, a list of one "
                "array for each)."
            )
        targets = _given_classes(classes, y) if partial else Targets.of(y)
        if not targets.several and len(targets.per_output[0]) < 2:
            raise ValueError(
                "Learning to tell classes apart takes at least 2 classes; the data "
                f"contains only one class: {_listed(targets)}."
            )
        return targets
    targets = Targets(past.classes)
    now = targets if partial else Targets.of(y)
    if not targets.same_classes(now):
        raise ValueError(
            "warm_start goes on from the previous fit, so y must have the same "
            f"classes. Before: {_listed(targets)}; now: {_listed(now)}. Set "
            "warm_start=False to start again."
        )
    given = targets if classes is None else _given_classes(classes, y)
    if not targets.same_classes(given):
        raise ValueError(
            f"classes={_listed(given)} is not the same as on the first call to "
            f"partial_fit: {_listed(targets)}."
        )
    return targets


def _given_classes(classes, y):
    """Targets of the `classes` that partial_fit was given."""
    if y.ndim == 1:
        return Targets(_sorted(classes, y))
    n_columns = y.shape[1]
    is_list = isinstance(classes, (list, tuple)) and not any(map(np.isscalar, classes))
    if not is_list and getattr(classes, "ndim", 1) < 2:  # the same for all columns
        indicators = Targets.of(y)
        numbers = np.unique(np.asarray(to_host(classes)))
        # To scikit-learn, classes of indicators are the numbers of the columns.
        if indicators.multilabel and np.array_equal(numbers, np.arange(n_columns)):
            return indicators
        classes = [classes] * n_columns
    if len(classes) != n_columns:
        raise ValueError(
            f"classes has {len(classes)} entries for the {n_columns} columns of y; "
            "give a list of one array of labels for each column."
        )
    return Targets([_sorted(of, y) for of in to_host(classes)])


def _sorted(classes, y):
    """The distinct ones of `classes`, where the labels are."""
    classes = np.unique(np.asarray(to_host(classes)))
    return beside(classes, y) if classes.dtype.kind in "biuf" else classes


def _listed(targets):
    lists = [classes.tolist() for classes in targets.per_output]
    return lists if targets.several else lists[0]


def weigh(tables, codes, sample_weight):
    """Sample weights times the weights of classes, which `tables` hold by output.

    They lie where the codes do.
    """
    weights = array_namespace(codes).stack(looked_up(tables, codes), axis=1)
    if sample_weight is not None:
        weights = weights * sample_weight[:, None]
    return weights if len(tables) > 1 else weights[:, 0]


def class_tables(wanted, targets, counts, codes, weights):
    """The weights of each output's classes, and what each class weighs in the data.

    The latter with `counts`, those of before: to a stream, "balanced" means balanced so
    far.
    """
    n_outputs = len(targets.per_output)
    wanted = wanted if isinstance(wanted, list) else [wanted] * n_outputs
    if len(wanted) != n_outputs:
        raise ValueError(
            f"class_weight has {len(wanted)} entries for {n_outputs} outputs: give "
            "one dict, 'balanced' or None for each column of y."
        )
    counts = counts or [np.zeros(len(classes)) for classes in targets.per_output]
    weights = weights.T if np.ndim(weights) == 2 else [weights] * n_outputs
    columns = zip(counts, to_host(codes).T, weights, strict=True)
    counts = [to_host(n) + np.bincount(code, w, len(n)) for n, code, w in columns]
    return list(map(_class_weights, wanted, targets.per_output, counts)), counts


def _class_weights(wanted, classes, counts):
    """The weight of each class of an output: scikit-learn's definition."""
    weights = np.ones(len(classes))
    if isinstance(wanted, str) and wanted == "balanced":
        present = counts > 0
        weights[present] = counts.sum() / (present.sum() * counts[present])
    elif isinstance(wanted, dict):
        labels = classes.tolist()
        unknown = [label for label in wanted if label not in labels]
        # A fold may lack a class; but where others are not named, it is a slip.
        if unknown and not all(label in wanted for label in labels):
            raise ValueError(
                f"class_weight names classes that y does not have, {unknown}, and not "
                f"all that it has: {labels}."
            )
        weights = np.array([wanted.get(label, 1.0) for label in labels], dtype=object)
        if not all(isinstance(w, Real) and 0 <= w < np.inf for w in weights):
            raise ValueError(
                "class_weight must hold finite numbers, none of them negative: "
                f"{wanted}."
            )
    elif wanted is not None:
        raise ValueError(
            f"class_weight must be a dict, 'balanced' or None, got {wanted!r}."
        )
    return weights.astype(float)


def rows_that_count(rows):
    """The rows that have a weight in some output: in place if they are all.

    A row of no weight is no row: not in a batch's count either.
    """
    if rows.weights is None:
        return rows
    counts = to_host(rows.weights) != 0
    counts = counts if counts.ndim == 1 else counts.any(axis=1)
    return rows if counts.all() else rows.only(np.flatnonzero(counts))


def check_rows(rows):
    """ValueError if no rows count."""
    if not rows.n_rows:
        raise ValueError(
            "No sample counts: sample_weight times class_weight is 0 for all."
        )


def read_here(estimator, X, y, sample_weight, past, classes):
    """Validate data in memory.

    Returns
    -------
    targets : Targets
    rows : Rows
    counts : list of arrays, or None
        The weight of each output's classes, here and before.
    """
    signed = past.partial and estimator._takes_signed_weights()
    weighted = sample_weight is not None or estimator.class_weight is not None
    finite = weighted or past.partial or stays_where_it_is(X)
    rules = {"reset": past.is_new, "signed": signed, "finite": finite}
    X, y, weights = check_data(estimator, X, y, sample_weight, **rules)
    targets, counts = find_targets(y, past, classes), past.counts
    codes, wanted = beside(targets.encode(y), X), estimator.class_weight
    if wanted is not None:
        sizes = None if weights is None else abs(to_host(weights))
        tables, counts = class_tables(wanted, targets, counts, codes, sizes)
        weights = weigh(tables, codes, weights)
    if weights is not None and is_elsewhere(X):
        weights = like(weights, X)  # as other namespaces mix no types
    rows = rows_that_count(Rows(X, codes, weights))
    # Sums tell, that are needed anyway; but not what is large from what is infinite.
    if not (finite or np.isfinite(sums_of(rows)).all()):
        name = type(estimator).__name__
        assert_all_finite(X, input_name="X", estimator_name=name)
    check_rows(rows)
    return targets, rows, counts
