"""What the rooms ask of arrays: their namespace, and silence where numbers end."""

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


def into(array):
    """Keywords that let a function write to `array`, if it is one of NumPy's."""
    return {"out": array} if is_numpy(array) else {}


def numbers_may_end():
    """A context without warnings of overflow, underflow and NaN.

    For code that looks for overflow and NaN itself, and so need not warn of them too.
    """
    return np.errstate(over="ignore", under="ignore", invalid="ignore")
