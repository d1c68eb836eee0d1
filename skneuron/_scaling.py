"""Steps of a pipeline that only scale columns, as numbers: ``(x - centre) / scale``."""

import numpy as np
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from ._model.standardised import MILD


def as_columns(X):
    """A table of float64 as an array; None of any other."""
    if not (isinstance(X, np.ndarray) or hasattr(X, "columns")):
        return None
    X = np.asarray(X)
    return X if X.ndim == 2 and X.dtype == np.float64 else None


def only_scales(pipeline):
    """Whether all that a pipeline does is to shift and stretch columns."""
    return all(
        step in (None, "passthrough")
        or type(step) in (StandardScaler, RobustScaler)
        or (type(step) in (MaxAbsScaler, MinMaxScaler) and not step.clip)
        for _, step in pipeline.steps
    )


def units_of(pipeline, X):
    """The centre and scale of each column, (n_features,), that a fitted pipeline has.

    None if its output is no array of float64, or a column lies so far from 0 that its
    digits are better kept by a copy.
    """
    made = pipeline.transform(X[:1])
    if not (isinstance(made, np.ndarray) and made.dtype == np.float64):
        return None
    n_features = made.shape[1]
    centre, one = pipeline.inverse_transform(np.outer([0.0, 1.0], np.ones(n_features)))
    scale = one - centre
    mild = np.all(np.abs(centre) <= MILD * scale) and np.all(np.isfinite(scale))
    return (centre, scale) if mild else None
