"""Threads: the same bits for any number of them, and nothing that breaks the team."""

import multiprocessing
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed
from problems import problem
from slow import sums

from skneuron import _kernels

pytestmark = pytest.mark.skipif(not _kernels.available(), reason="no compiled core")


def answers(n_threads=None, n=3000, **of):
    """Bits of all that is computed by a team."""
    was = _kernels.n_threads, _kernels.SHARED_NUMBERS
    if n_threads:
        _kernels.n_threads, _kernels.SHARED_NUMBERS = (lambda: n_threads), 0
    try:
        return [*_answers(n, **of)]
    finally:
        _kernels.n_threads, _kernels.SHARED_NUMBERS = was


def _answers(n, **of):
    X, _, codes, likelihood, theta, weights = problem(n, **of)
    values, gradient, pairs = sums(
        _kernels.readable(X, theta.dtype),
        codes,
        likelihood,
        theta,
        intercept=True,
        weights=weights,
        curvature=True,
    )
    yield values.tobytes()
    yield gradient.tobytes()
    yield from (pairs[pair].tobytes() for pair in likelihood.pairs)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(10 * n, likelihood.n_logits)).astype(theta.dtype)
    codes, weights = np.tile(codes, (10, 1)), np.tile(weights, (10, 1))
    for wanted in [_kernels.LOG_LIKELIHOOD, _kernels.Y_HAT, _kernels.RESIDUAL]:
        of_z = z.copy()
        yield _kernels.outcome(of_z, codes, likelihood, weights, wanted)
        yield of_z.tobytes()
    for name in _kernels.ACTIVATIONS:
        a = z.copy()
        _kernels.activate(name, a)
        yield a.tobytes()
        _kernels.activate(name, a, z)
        yield a.tobytes()


PROBLEMS = {
    "few columns": {"d": 20},
    "more columns": {"d": 90, "likelihood": "softmax"},
    "many columns": {"n": 1500, "d": 200, "dtype": "f"},
    "one column": {"d": 1, "likelihood": "bernoullis", "layout": "columns"},
    "bytes": {"d": 30, "layout": "int8", "likelihood": "joint"},
    "sparse": {"d": 40, "layout": "narrow", "dtype": "f"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_any_number_of_threads_gives_the_same_bits(name):
    alone = answers(1, **PROBLEMS[name])
    for n_threads in [2, 3, 8]:
        for _ in range(3):
            assert answers(n_threads, **PROBLEMS[name]) == alone


# --- at once --------------------------------------------------------------------------


def test_many_threads_may_ask_at_once(monkeypatch):
    alone = answers(d=30)
    monkeypatch.setattr(_kernels, "n_threads", lambda: 3)
    monkeypatch.setattr(_kernels, "SHARED_NUMBERS", 0)
    with ThreadPoolExecutor(6) as pool:
        assert all(of == alone for of in pool.map(lambda _: answers(d=30), range(40)))


def test_thousands_of_tiny_jobs(monkeypatch):
    monkeypatch.setattr(_kernels, "SHARED_NUMBERS", 0)
    for n_threads in [2, 8]:
        monkeypatch.setattr(_kernels, "n_threads", lambda n=n_threads: n)
        for n in range(2000):
            z = np.full((1 + n % 7, 1), -1.0)
            _kernels.activate("relu", z)
            assert not z.any()


# --- in other processes ---------------------------------------------------------------


def _put_answers(queue, n_threads):
    queue.put(answers(n_threads, d=20))


def in_a_child(how):
    context = multiprocessing.get_context(how)
    queue = context.Queue()
    with warnings.catch_warnings():  # Python 3.12 warns of any fork beside threads
        warnings.simplefilter("ignore", DeprecationWarning)
        child = context.Process(target=_put_answers, args=(queue, 3))
        child.start()
    of_child = queue.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    return of_child


@pytest.mark.slow
def test_a_child_has_a_team_of_its_own():
    alone = answers(3, d=20)
    for _ in range(3):
        assert in_a_child("fork") == alone
        assert answers(3, d=20) == alone
    assert in_a_child("spawn") == alone


def test_a_process_may_fork_while_there_are_jobs():
    alone = answers(3, d=20)
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(answers, 3, d=20) for _ in range(20)]
        for _ in range(3):
            assert in_a_child("fork") == alone
        assert all(of.result() == alone for of in busy)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib_gets_the_same_bits(backend):
    alone = answers(d=20)
    work = (delayed(partial(answers, d=20))() for _ in range(6))
    assert all(of == alone for of in Parallel(2, backend=backend)(work))


# --- at the end of the world ----------------------------------------------------------


def run(code):
    """What a fresh process prints, of code that can use `answers`."""
    folder = Path(__file__).parent
    head = f"import sys; sys.path[:0] = [{os.fspath(folder)!r}]\n"
    head += "from test_team import *\nalone = answers(1, d=20)\n"
    done = subprocess.run(
        [sys.executable, "-c", head + code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_process_may_end_while_others_sleep_and_work():
    code = """
import threading
def forever():
    while True:
        answers(3, d=20)
assert answers(8, d=20) == alone
for _ in range(2):
    threading.Thread(target=forever, daemon=True).start()
assert answers(8, d=20) == alone
print("done")
"""
    assert run(code) == "done\n"


@pytest.mark.slow
@pytest.mark.skipif(
    not sys.platform.startswith("linux") or "asan" in os.environ.get("LD_PRELOAD", ""),
    reason="reads /proc, and leaves no memory for a sanitizer",
)
def test_it_does_without_threads_that_it_cannot_have():
    # For root there is no limit of processes; but a thread needs room for its stack.
    code = """
import resource, signal
answers(1, d=20)  # takes the memory that it needs
n_before = len(os.listdir("/proc/self/task"))
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (3 << 20), -1))
assert answers(8, d=20) == alone
assert len(os.listdir("/proc/self/task")) == n_before
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
assert answers(8, d=20) == alone
threads = os.listdir("/proc/self/task")
assert len(threads) == n_before + 7
assert answers(1000, d=20) == alone

def blocked(thread):
    status = open(f"/proc/self/task/{thread}/status").read()
    return int(status.split("SigBlk:")[1].split()[0], 16)

interrupts, faults = 1 << (signal.SIGINT - 1), 1 << (signal.SIGSEGV - 1)
masks = [blocked(thread) for thread in threads]
print(sum(bool(mask & interrupts and not mask & faults) for mask in masks) >= 7)
"""
    assert run(code) == "True\n"


@pytest.mark.slow
def test_an_interrupt_reaches_python_and_leaves_the_team_whole():
    code = """
import gc, signal, threading
gc.callbacks.clear()  # hypothesis has one, in which an interrupt would be lost
try:
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
    while True:
        answers(3, d=20)
except KeyboardInterrupt:
    assert answers(3, d=20) == alone
    print("interrupted")
"""
    assert run(code) == "interrupted\n"
