"""Data, labels and weights as users give them: checked, named where wrong, ready."""

from numbers import Number, Real

import numpy as np
from sklearn.utils import _array_api, validation
from sklearn.utils.multiclass import check_classification_targets

from .._arrays import array_namespace, beside, is_elsewhere, is_sparse, to_host
from .files import OnDemand, check_file
from .moments import sums_of
from .rows import Rows, block_rows, slices
from .targets import Targets, looked_up

#: The float types that stay as they are; others become the first.
FLOATS = [np.float64, np.float32]

#: Types of labels that can stand side by side, NumPy's beside Python's.
KINDS = (Number, np.bool_), str, bytes


def check_features(estimator, X, y="no_validation", *, reset, finite=True):
    """X by scikit-learn's rules; what is read from a file or converted stays there.

    ValueError if there is no y. `finite`: whether to look for NaN.
    """
    check_file(X)
    plain = type(X) is np.ndarray and X.ndim == 2 and X.size and X.dtype in FLOATS
    plain = plain and y is not None and "feature_names_in_" not in vars(estimator)
    if plain and (reset or getattr(estimator, "n_features_in_", 0) == X.shape[1]):
        if finite:  # there is nothing else that scikit-learn could mind
            check_finite(estimator, X)
        estimator.n_features_in_ = X.shape[1]
        return X
    stays, y = stays_where_it_is(X), None if y is None else "no_validation"
    some = np.asarray(X[0 : min(1, X.shape[0])]) if stays else X
    # Which scikit-learn looks for in NumPy's arrays alone.
    if is_elsewhere(X) and array_namespace(X).isdtype(X.dtype, "complex floating"):
        raise ValueError("Complex data not supported")
    # In NumPy, unless ``array_api_dispatch`` is on, and as far as a device goes.
    xp, _, device = _array_api.get_namespace_and_device(some)
    floats = [_array_api._max_precision_float_dtype(xp, device), xp.float32]
    rules = {"accept_sparse": "csr", "dtype": floats, "ensure_all_finite": finite}
    some = validation.validate_data(estimator, some, y, reset=reset, **rules)
    if not stays:
        return some
    X = OnDemand(X, some.dtype)
    if X.source.dtype.kind not in "iub":
        for at in slices(X.shape[0], block_rows(X.dtype.itemsize * X.shape[1])):
            check_finite(estimator, X[at])
    return X


def check_finite(estimator, X):
    """ValueError if X holds NaN or infinity."""
    name = type(estimator).__name__
    validation.assert_all_finite(X, estimator_name=name, input_name="X")


def stays_where_it_is(X):
    """Whether X gives rows that are not floats, or not in memory: as few as one wants.

    A memory map of integers, say, or a table in a file of another kind.
    """
    mapped = isinstance(X, np.memmap) and X.dtype not in FLOATS
    gives = mapped or (hasattr(X, "__array__") and not isinstance(X, np.ndarray))
    # The first row is enough to say what is wrong with complex numbers.
    numbers = getattr(getattr(X, "dtype", None), "kind", "O") in "iubfc"
    return gives and numbers and getattr(X, "ndim", 0) == 2 and not is_elsewhere(X)


def check_data(estimator, X, y, sample_weight, *, reset, signed=False, finite=True):
    """X, y and sample_weight (or None) by scikit-learn's rules and ours.

    `signed`: whether weights may be negative; `finite`: whether to look for NaN in X.
    Weights are on the host.
    """
    X = canonical(check_features(estimator, X, y, reset=reset, finite=finite))
    y = check_array_of_labels(estimator, y)
    validation.check_consistent_length(X, y)
    return X, check_labels(y), check_weights(sample_weight, X, signed=signed)


def check_array_of_labels(estimator, y):
    """y by scikit-learn's rules, for an estimator, or one of that name."""
    if type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biu":
        return y  # in which scikit-learn could mind nothing
    try:
        return validation._check_y(y, multi_output=True, estimator=estimator)
    except TypeError as error:  # what pandas says of its NA, which is like no other
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
    """`sample_weight`, or None, as floats on the host, (n_samples,), as X has samples.

    ValueError that names it if wrong.
    """
    if sample_weight is None:
        return None
    rules = {"ensure_non_negative": not signed, "allow_all_zero_weights": may_be_zero}
    try:
        given, as_many = to_host(sample_weight), np.empty((X.shape[0], 0))
        return validation._check_sample_weight(given, as_many, dtype=FLOATS, **rules)
    except (TypeError, ValueError) as error:
        if "weight" in str(error):
            raise
        message = f"sample_weight must be one number for each sample: {error}"
        raise ValueError(message) from error


def check_labels(y):
    """y as a dense array of shape (n_samples,) or (n_samples, several)."""
    if is_sparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = validation.column_or_1d(y, warn=True)
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
        alike = (all(issubclass(of, kind) for of in types) for kind in KINDS)
        if len(types) > 1 and not any(alike):
            names = sorted(of.__name__ for of in types)
            raise ValueError(
                f"y mixes labels of different types, {names}; make them all strings "
                "or all numbers."
            )
        check_classification_targets(np.array(column.tolist()))
    return y


def find_targets(y, past, classes):
    """The classes of y, those given to partial_fit, or those known from before."""
    known = None if past.classes is None else Targets(past.classes)
    given = known if classes is None else _given_classes(classes, y)
    found = given if past.partial else Targets.of(y)
    if found is None:
        raise ValueError(
            "classes must be passed on the first call to partial_fit: all labels that "
            "y will ever hold (for several outputs, a list of one array for each)."
        )
    if known is None:
        if not found.several and len(found.per_output[0]) < 2:
            raise ValueError(
                "Learning to tell classes apart takes at least 2 classes; the data "
                f"contains only one class: {_listed(found)}."
            )
        return found
    if known.same_classes(found):
        return known
    if past.partial:
        raise ValueError(
            f"classes={_listed(found)} is not the same as on the first call to "
            f"partial_fit: {_listed(known)}."
        )
    raise ValueError(
        "warm_start goes on from the previous fit, so y must have the same classes. "
        f"Before: {_listed(known)}; now: {_listed(found)}. Set warm_start=False to "
        "start again."
    )


def _given_classes(classes, y):
    """Targets of the `classes` that partial_fit was given."""
    if y.ndim == 1:
        return Targets(_sorted(classes, y))
    n_columns = y.shape[1]
    if any(map(np.isscalar, to_host(classes))):  # the same for all columns
        indicators = Targets.of(y)
        # To scikit-learn, classes of indicators are the numbers of the columns.
        if indicators.multilabel and {*to_host(classes)} == {*range(n_columns)}:
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


def class_tables(wanted, targets, past, codes, weights):
    """The weights of each output's classes; None: they are all 1.

    What each class weighs in the data is added to what it weighed in the past: to a
    stream, "balanced" means balanced so far.
    """
    if wanted is None:
        return None
    n_outputs = len(targets.per_output)
    wanted = wanted if isinstance(wanted, list) else [wanted] * n_outputs
    if len(wanted) != n_outputs:
        raise ValueError(
            f"class_weight has {len(wanted)} entries for {n_outputs} outputs: give "
            "one dict, 'balanced' or None for each column of y."
        )
    sizes = np.abs(1.0 if weights is None else weights).T
    columns = zip(targets.per_output, codes.T, np.broadcast_to(sizes, codes.T.shape))
    counts = [np.bincount(code, w, len(classes)) for classes, code, w in columns]
    if past.partial and past.state.get("class_counts"):
        counts = list(map(np.add, counts, map(to_host, past.state["class_counts"])))
    past.state["class_counts"] = counts
    return list(map(_class_weights, wanted, targets.per_output, counts))


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
            raise ValueError(f"class_weight must be finite and not negative: {wanted}.")
    elif wanted is not None:
        words = "class_weight must be a dict, 'balanced' or None, got"
        raise ValueError(f"{words} {wanted!r}.")
    return weights.astype(float)


def encoded(estimator, y, weights, past, classes):
    """Targets, codes of y, and the weights of classes, as of :func:`class_tables`."""
    targets = find_targets(y, past, classes)
    codes, wanted = targets.encode(y), estimator.class_weight
    return targets, codes, class_tables(wanted, targets, past, codes, weights)


def weighted_rows(X, codes, weights, tables=None):
    """Rows of features, codes, and weights (or None) times those of their classes.

    Codes and weights go where the features lie. `tables` are as of
    :func:`class_tables`.
    """
    if tables is not None:
        of_classes = np.stack(looked_up(tables, codes), axis=1)
        weights = of_classes * (1.0 if weights is None else weights[:, None])
        weights = weights if len(tables) > 1 else weights[:, 0]
    return Rows(X, beside(codes, X), beside(weights, X, mixed=True))


def rows_that_count(rows):
    """The rows that have a weight in some output: in place if they are all.

    A row of no weight is no row: not in a batch's count either.
    """
    if rows.weights is None:
        return rows
    counts = np.atleast_2d(to_host(rows.weights).T).any(axis=0)
    return rows if counts.all() else rows.only(np.flatnonzero(counts))


def read_here(estimator, X, y, sample_weight, past, classes):
    """Validate data in memory.

    Returns
    -------
    targets : Targets
    rows : Rows
    """
    signed = past.partial and estimator._takes_signed_weights()
    weighted = sample_weight is not None or estimator.class_weight is not None
    finite = weighted or past.partial or stays_where_it_is(X)
    rules = {"reset": past.is_new, "signed": signed, "finite": finite}
    X, y, weights = check_data(estimator, X, y, sample_weight, **rules)
    targets, codes, tables = encoded(estimator, y, weights, past, classes)
    rows = rows_that_count(weighted_rows(X, codes, weights, tables))
    # Sums tell, that are needed anyway; but not what is large from what is infinite.
    if not (finite or np.isfinite(sums_of(rows)).all()):
        check_finite(estimator, X)
    return targets, rows
