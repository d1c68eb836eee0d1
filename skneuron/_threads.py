"""One BLAS at a time."""

import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sklearn.utils.parallel import _get_threadpool_controller

_lock = threading.Lock()
_inside = {"count": 0, "limits": None}


@contextmanager
def one_blas():
    """A context in which SciPy's own BLAS, if it has one, keeps to the calling thread.

    As installed from PyPI, NumPy and SciPy bring an OpenBLAS each. Its threads wait for
    more work by spinning: those of the one take the cores from those of the other,
    and code that calls both in turn takes several times as long.
    """
    with _lock:
        _inside["count"] += 1
        if _inside["count"] == 1:
            _inside["limits"] = _scipys().limit(limits=1)
    try:
        yield
    finally:
        with _lock:
            _inside["count"] -= 1
            if _inside["count"] == 0:
                _inside["limits"].restore_original_limits()


@cache
def _scipys():
    """The BLAS that only SciPy uses: it lies in SciPy's own folder."""
    controller = _get_threadpool_controller()
    paths = [
        library.filepath
        for library in controller.lib_controllers
        if library.user_api == "blas"
        and any("scipy" in part for part in Path(library.filepath).parts[-3:-1])
    ]
    return controller.select(filepath=paths)
