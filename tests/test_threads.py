"""SciPy's own BLAS keeps to one thread in a fit, and has its threads back after it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 (its BLAS is loaded)
from sklearn.datasets import make_classification
from sklearn.utils.parallel import _get_threadpool_controller

from skneuron import GradientAscentLogisticRegression as LR
from skneuron._threads import _blas, blas_on_one_thread, one_blas


def threads():
    """Of SciPy's own BLAS; empty where NumPy and SciPy share one."""
    return [library["num_threads"] for library in _blas(of_scipy=True).info()]


def all_threads():
    return [library["num_threads"] for library in _get_threadpool_controller().info()]


def test_one_blas_limits_scipys_alone_and_restores_it():
    before, others = threads(), all_threads()
    with one_blas():
        assert all(n == 1 for n in threads())
        with one_blas():
            assert all(n == 1 for n in threads())
        assert all(n == 1 for n in threads())
        assert sum(all_threads()) == sum(others) - sum(before) + len(before)
    assert threads() == before


def test_threads_are_restored_after_an_error():
    before = threads()
    with pytest.raises(KeyboardInterrupt), one_blas():
        raise KeyboardInterrupt
    assert threads() == before


def test_fits_side_by_side_agree_and_restore_the_threads():
    before = threads()
    X, y = make_classification(2000, 20, random_state=0)
    alone = LR().fit(X, y).coef_
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: LR().fit(X, y).coef_, range(12)))
    for coef in fits:  # BLAS may share out its sums otherwise while others compute
        np.testing.assert_allclose(coef, alone, rtol=1e-10)
    assert threads() == before


def test_a_rate_is_the_same_for_any_number_of_threads():
    """By few digits: the last ones of a BLAS's sums depend on its threads."""
    X, y = make_classification(2000, 20, random_state=0)
    clf = LR(batch_size=100, max_iter=1, tol=0.1, warm_start=True).fit(X, y)
    safe = 2 * clf._state["memory"]["step_size"].rate
    assert safe == pytest.approx(float(f"{safe:.4g}"), rel=1e-14)


def test_contexts_that_overlap_restore_all_threads():
    before = all_threads()
    first, second, third = blas_on_one_thread(), one_blas(), blas_on_one_thread()
    for context in (first, second, third):
        context.__enter__()
    for context in (first, second, third):
        assert all_threads() != before or max(before, default=1) == 1
        context.__exit__(None, None, None)
    assert all_threads() == before


def test_any_thread_limits_them_whoever_did_before():
    before = threads()
    with one_blas():
        pass
    seen = []

    def look():
        with one_blas():
            seen.extend(threads())

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert all(n == 1 for n in seen) and len(seen) == len(before)
    with one_blas():
        assert all(n == 1 for n in threads())
    assert threads() == before
