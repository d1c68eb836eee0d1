"""What the benchmarks share: peers, their tolerances, interleaved medians, tables.

A race has two parts. First `tune` gives every solver of every contender the loosest
tolerance that arrives, once. Then `interleaved_medians` times those that did: other
work on a machine slows down whoever runs at the moment, so they take turns, in an order
that changes from round to round, and only ratios of medians of one run are compared.
"""

import gc
import importlib
import os
import platform
import signal
import statistics
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from random import Random
from time import perf_counter, sleep

from threadpoolctl import threadpool_info

#: A solver is given up after so many times the seconds of its contender's fastest that
#: arrived; if none has, of anyone's fastest; if nobody has, after MOST seconds. Below
#: LEAST seconds none is.
PATIENCE, PATIENCE_WITH_ALL, LEAST, MOST = 4.0, 100.0, 2.0, 20.0

#: Seconds before a fit, in which threads of the one before fall asleep. OpenBLAS lets
#: them spin for 0.03 s, on a core that whoever is next would use.
QUIET = 0.1


class Skipped(Exception):
    """A peer does not take part; the message says why."""


def peer(module, package):
    """A module of a peer, or Skipped if its package is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        reason = f"pip install {package}" if error.name in module else str(error)
        raise Skipped(f"not installed ({reason})") from error


@contextmanager
def time_limit(seconds):
    """Raise TimeoutError in the block after so many seconds.

    Compiled code hears of it when it returns to Python. Without effect where there are
    no alarms (Windows).
    """

    def interrupt(signum, frame):
        raise TimeoutError(f"longer than {seconds:.1f} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def timed(function):
    """Seconds that a call takes, and its result; warnings and garbage kept out."""
    gc.collect()
    sleep(QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = perf_counter()
        result = function()
        return perf_counter() - start, result


@dataclass
class Solver:
    """One way of fitting a problem, and what its last fit came to."""

    name: str
    fit: Callable  # tolerance -> fitted model
    tolerances: tuple  # those to try next, the loosest first
    tol: float | None = None
    seconds: float = float("inf")
    value: float = float("-inf")

    def fit_tighter(self, value, limit):
        """Fit with the next tolerance, and say whether that worked."""
        self.tol, *tighter = self.tolerances
        self.tolerances = ()
        try:
            with time_limit(limit):
                self.seconds, model = timed(partial(self.fit, self.tol))
        except Exception:  # too slow, singular, not supported: out, whatever it is
            return False
        reached = value(model)
        if reached == reached:  # not NaN
            self.value = reached
        if self.seconds <= limit:
            self.tolerances = tuple(tighter)
        return True


def tune(contenders, value, within):
    """Find each solver's loosest tolerance that arrives.

    Parameters
    ----------
    contenders : dict of str to list of Solver
        A contender's solvers; their results are noted in them.
    value : callable
        Of a fitted model, what is to be as large as possible.
    within : float
        To arrive is to come so close to the best value that anyone finds.

    Returns
    -------
    arrived : dict of str to list of Solver
        The solvers that are worth timing: they arrived, and not far later than their
        contender's fastest.
    best : float
    """
    everyone = [solver for solvers in contenders.values() for solver in solvers]
    best = float("-inf")

    def fastest(solvers):
        return min(
            (s.seconds for s in solvers if s.value >= best - within),
            default=float("inf"),
        )

    def limit(solvers):
        patience = PATIENCE * fastest(solvers)
        if patience == float("inf"):
            patience = PATIENCE_WITH_ALL * fastest(everyone)
        return min(MOST, max(LEAST, patience))

    for _ in range(2):  # again, for those whom a later find has put out of reach
        for solvers in contenders.values():
            for solver in solvers:
                while solver.value < best - within or solver.value == float("-inf"):
                    if not solver.tolerances:
                        break
                    solver.fit_tighter(value, limit(solvers))
                    best = max(best, solver.value)
    arrived = {
        name: [
            s
            for s in solvers
            if s.value >= best - within and s.seconds <= limit(solvers)
        ]
        for name, solvers in contenders.items()
    }
    return arrived, best


def seconds_of(function):
    """Seconds that a call takes: the usual measure."""
    return timed(function)[0]


def result_of(function):
    """What a call returns: the measure of functions with a clock of their own."""
    return timed(function)[1]


def interleaved_medians(functions, rounds, budget, at_least=1.0, *, measure=seconds_of):
    """Median seconds of each of several functions that take turns.

    Parameters
    ----------
    functions : dict of str to callable
    rounds : int
        How often each is called; more often as long as all of it takes less than
        `at_least` seconds.
    budget : float
        Seconds after which no further round begins. The first is always run.
    at_least : float, default=1.0
    measure : callable, default=seconds_of
        ``measure(function)`` calls it and gives the seconds.

    Returns
    -------
    medians : dict of str to float
        Without those that failed, if only once.
    """
    seconds = {name: [] for name in functions}
    shuffle = Random(0).shuffle
    start, n_done = perf_counter(), 0
    while n_done < rounds or perf_counter() - start < at_least:
        names = list(seconds)
        shuffle(names)
        for name in names:
            try:
                seconds[name].append(measure(functions[name]))
            except Exception as failure:  # a peer's, as of a matrix singular at times
                print(f"{name} failed: {failure}", file=sys.stderr)
                del seconds[name]
        n_done += 1
        if perf_counter() - start > budget:
            break
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def peak_memory(function):
    """Bytes that a call has allocated at its peak, by Python, NumPy and SciPy."""
    tracemalloc.start()
    try:
        timed(function)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def markdown(header, rows):
    """A Markdown table, its columns aligned; the first to the left."""
    rows = [header, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[j]) for row in rows) for j in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
        for row in [header, rule, *rows[1:]]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def seconds_text(seconds):
    """Three digits, with a unit that fits."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{1e3 * seconds:.3g} ms"


def mean_text(ratios):
    """Their geometric mean; of how many, if some are 0, infinite or no number."""
    usable = [ratio for ratio in ratios if 0 < ratio < float("inf")]
    counted = "" if len(usable) == len(ratios) else f" ({len(usable)} of {len(ratios)})"
    return f"{statistics.geometric_mean(usable):.2f}{counted}" if usable else "-"


def progress(*words):
    """Tell whoever waits; the tables go elsewhere."""
    print(*words, file=sys.stderr, flush=True)


def circumstances(*packages):
    """One line: versions, cores, BLAS, date."""
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} -")
    blas = {
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')} "
        f"({pool['num_threads']} threads)"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return ", ".join(
        [
            f"Python {platform.python_version()}",
            *versions,
            f"{os.cpu_count()} cores ({platform.machine()})",
            *sorted(blas),
            str(date.today()),
        ]
    )
