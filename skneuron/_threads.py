"""How many threads there are: of the kernels, and of BLAS while we compute."""

import os
import threading
from contextlib import contextmanager, nullcontext
from functools import cache, cached_property
from pathlib import Path

from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from sklearn.utils.parallel import _get_threadpool_controller


class cached(cached_property):
    """A property that is computed once.

    Without the lock that Python 3.11 has for it, one for all objects: in a child that
    was forked meanwhile it would be held for ever, by a thread that is not there.
    """

    def __init__(self, function):
        super().__init__(function)
        self.lock = nullcontext()


class _OneThread:
    """A context in which SciPy's own BLAS, or every other, keeps to the calling thread.

    Fits in several threads at once hold it together: the first sets the limit, the last
    restores what was before it.
    """

    def __init__(self, of_scipy):
        self._of_scipy, self._n_inside = of_scipy, 0
        self._lock = lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            # Or a child may have it locked, by a thread that it does not have.
            release = {"after_in_parent": lock.release, "after_in_child": lock.release}
            os.register_at_fork(before=lock.acquire, **release)

    def __enter__(self):
        with self._lock:
            self._n_inside += 1
            if self._n_inside == 1:
                libraries = _blas(self._of_scipy).lib_controllers
                self._before = [(of, of.num_threads) for of in libraries]
                _limit((of, 1) for of in libraries)

    def __exit__(self, *error):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                _limit(self._before)


def _limit(numbers):
    """Give libraries so many threads each, whichever thread did so before.

    Of OpenBLAS, threadpoolctl has come to heed only the thread that set a limit first.
    Ours are the process's, and counted.
    """
    for library, n in numbers:
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(n)
        release(force=True)


#: How many threads scikit-learn would use, in a worker of joblib's and elsewhere: as
#: many as there are cores, unless OMP_NUM_THREADS or threadpoolctl say less.
n_threads = _openmp_effective_n_threads


def one_thread():
    """A context in which this thread's kernels have no others: for one of many fits."""
    # OpenMP counts them for each thread that asks.
    return _get_threadpool_controller().limit(limits=1, user_api="openmp")


def one_blas():
    """A context in which SciPy's own BLAS, if it has one, keeps to the calling thread.

    As installed from PyPI, NumPy and SciPy bring an OpenBLAS each. Its threads wait for
    more work by spinning: those of the one take the cores from those of the other,
    and code that calls both in turn takes several times as long.
    """
    return _of_scipy


@contextmanager
def blas_on_one_thread():
    """A context in which no BLAS has threads of its own: for code that has them."""
    with one_blas(), _of_others:
        yield


@cache
def _blas(of_scipy):
    """The BLAS that only SciPy uses, in SciPy's own folder; or every other.

    That is NumPy's, and where they share one, SciPy's.
    """
    controller = _get_threadpool_controller().select(user_api="blas")
    paths = [Path(library.filepath) for library in controller.lib_controllers]
    found = [str(of) for of in paths if ("scipy" in str(of.parts[-3:-1])) == of_scipy]
    return controller.select(filepath=found)


_of_scipy, _of_others = _OneThread(True), _OneThread(False)
