"""What the rooms ask of arrays: whose they are, where they lie, and how they move.

Arrays are NumPy's, SciPy's sparse ones, or those of another array-API namespace, such
as PyTorch's tensors, perhaps on a device of their own. An operation on several arrays
wants them side by side: nothing moves but by :func:`beside` and :func:`to_host`.
"""

import numpy as np
from scipy.sparse import issparse as is_sparse  # noqa: F401
from sklearn.externals import array_api_compat
from sklearn.utils import _array_api


def array_namespace(array):
    """Return the array-API namespace that `array` belongs to.

    SciPy's sparse matrices multiply with NumPy arrays, so theirs is NumPy's.
    """
    return array_api_compat.array_namespace(array) if is_elsewhere(array) else np


def is_numpy(array):
    """Tell whether `array` may take NumPy's in-place and ``out=`` forms."""
    return isinstance(array, np.ndarray)


def is_elsewhere(X):
    """Tell whether `X` is of another namespace than NumPy's, perhaps on a device.

    There calls are dear and arithmetic is cheap. Arrow's arrays, which have dlpack but
    no place, are no such ones.
    """
    return not is_numpy(X) and hasattr(X, "__dlpack__") and hasattr(X, "device")


def widest_float(array):
    """float64 in an array's namespace; float32 where its device has no wider."""
    return _array_api._max_precision_float_dtype(array_namespace(array), array.device)


def widest(array):
    """`array` in float64, or the widest float type that its device has."""
    if not is_elsewhere(array):  # sparse ones, too
        return array.astype(np.float64, copy=False)
    return array_namespace(array).astype(array, widest_float(array), copy=False)


def beside(array, other, *, mixed=False):
    """`array` in the namespace and on the device of `other`: itself, if it is there.

    Numbers of more digits than a device has lose them. To be `mixed` with the other is
    to be of its float type, too, where types do not mix: elsewhere. None stays None.
    """
    if array is None or not is_elsewhere(other):
        return to_host(array)
    if mixed:
        return like(array, other)
    xp = array_namespace(other)
    if array_namespace(array) is xp and array.device == other.device:
        return array
    array = to_host(array)
    narrow = array.dtype == np.float64 and widest_float(other) == xp.float32
    # PyTorch takes neither negative strides nor, without a warning, what is read-only.
    array = np.require(array, np.float32 if narrow else None, ["C", "W"])
    return xp.asarray(array, device=other.device)


def like(array, other):
    """`array` in the namespace, on the device, and of the float type of `other`."""
    if not is_elsewhere(other):
        return to_host(array).astype(other.dtype, copy=False)
    return array_namespace(other).astype(beside(array, other), other.dtype, copy=False)


def to_host(array):
    """`array` as NumPy's: a copy if it lies on a device.

    What is no array of another namespace, such as a list, stays as it is.
    """
    if not is_elsewhere(array):
        return array
    return _array_api._convert_to_numpy(array, array_namespace(array))


def product(X, weights):
    """``X1 @ weights``: X, and a 1 for the intercept where they have a row for it."""
    d, xp = X.shape[1], array_namespace(weights)
    return X @ weights[:d, :] + xp.sum(weights[d:, :], axis=0)


def adjoint(X, by_row, n_inputs):
    """``X1^T @ by_row``, (n_inputs, any): the transpose of :func:`product`."""
    xp = array_namespace(by_row)
    sums = xp.sum(by_row, axis=0, keepdims=True)[: n_inputs - X.shape[1], :]
    return xp.concat([X.T @ by_row, sums])


def largest_size(array):
    """The largest absolute value, a float."""
    return float(array_namespace(array).max(abs(array)))


def numbers_may_end():
    """A context without warnings of overflow, underflow and NaN.

    For code that looks for overflow and NaN itself, and so need not warn of them too.
    """
    return np.errstate(over="ignore", under="ignore", invalid="ignore")
