"""What a second core is good for: the same work with one thread, and with all.

Run from the root of the repository::

    python -m tests.benchmarks.scaling          # some five minutes
    python -m tests.benchmarks.scaling --rows "1M,digits" --quick

BLAS and our own loops are held to one thread, or left as many as there are cores. The
two take turns, and ratios are of medians.
"""

import argparse
from functools import partial

from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from skneuron import GradientAscentLogisticRegression
from skneuron.model_selection import LockstepSearchCV

from . import _logistic_problems, _mlp_contenders, lockstep, mlp
from ._mlp_contenders import Record
from ._timing import (
    circumstances,
    interleaved_medians,
    markdown,
    mean_text,
    progress,
    result_of,
    seconds_text,
    timed,
)


def fits(make, shrink):
    """Seconds of a fit of logistic regression."""
    problem = make(shrink)
    model = GradientAscentLogisticRegression(C=problem.C)
    return lambda: timed(lambda: clone(model).fit(problem.X, problem.y))[0]


def epochs(setting, shrink):
    """Seconds of an epoch of the network."""
    X, y = mlp.data(setting.dtype, shrink)
    given = _mlp_contenders.our_parameters(setting, mlp.EPOCHS[setting.batch])

    def seconds():
        record = Record(copying=False)
        _mlp_contenders.ours(X, y, record, **given)
        return record.seconds_an_epoch()

    return seconds


def searches(problem, shrink):
    """Seconds of a lockstep search."""
    load, estimator, grid = problem
    X, y = load(shrink)
    search = LockstepSearchCV(estimator, grid, cv=5)
    return lambda: timed(lambda: clone(search).fit(X, y))[0]


def rows():
    """By name: a function of what to divide the rows by, that makes a clock."""
    of_regression = {
        f"fit, {name}": partial(fits, make)
        for name, make in _logistic_problems.PROBLEMS.items()
    }
    of_network = {
        f"epoch, {setting}": partial(epochs, setting) for setting in mlp.SETTINGS
    }
    of_search = {
        f"search, {name}": partial(searches, problem)
        for name, problem in lockstep.PROBLEMS.items()
        if "LogisticRegression" not in name  # whose search is not ours
    }
    return of_regression | of_network | of_search


def main():
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.scaling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", default="", help="comma-separated parts of names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=6.0, help="seconds a row")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    options = parser.parse_args()
    wanted = [word.strip() for word in options.rows.split(",")]
    n_threads = max(pool["num_threads"] for pool in threadpool_info())
    table, ratios = [], []
    for name, make in rows().items():
        if not any(word in name for word in wanted):
            continue
        clock = make(10 if options.quick else 1)

        def held(limit, clock=clock):
            with threadpool_limits(limit):
                return clock()

        clocks = {limit: partial(held, limit) for limit in (1, n_threads)}
        try:
            seconds = interleaved_medians(
                clocks, options.rounds, options.budget, 0.0, measure=result_of
            )
        except KeyboardInterrupt:
            break
        ratios.append(seconds[1] / seconds[n_threads])
        cells = [seconds_text(seconds[limit]) for limit in clocks]
        table.append([name, *cells, f"{ratios[-1]:.2f}"])
        progress(*table[-1])
    table.append(["geometric mean", "", "", mean_text(ratios)])
    header = ["", "one thread", f"{n_threads} threads", "one / all"]
    print(markdown(header, table))
    print("\n" + circumstances("skneuron", "numpy", "scipy", "scikit-learn"))


if __name__ == "__main__":
    main()
