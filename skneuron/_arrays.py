"""The namespace of an array: the one question the model and the climb ask of both."""

import numpy as np


def array_namespace(array):
    """Return the array-API namespace that `array` belongs to.

    SciPy's sparse matrices multiply with NumPy arrays, so theirs is NumPy's.
    """
    find = getattr(array, "__array_namespace__", None)
    return np if find is None else find()


def is_numpy(array):
    """Tell whether `array` may take NumPy's in-place and ``out=`` forms."""
    return isinstance(array, np.ndarray)
