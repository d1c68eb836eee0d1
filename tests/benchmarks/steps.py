"""What made it fast, step by step: the same fit with one of the steps undone.

Run from the root of the repository::

    python -m tests.benchmarks.steps            # some three minutes

A number in the table is the time of a fit without the step, divided by that of the fit
as it is; the two take turns. Where a step makes no difference to a problem it says 1.
"""

import argparse
from contextlib import ExitStack
from functools import partial
from unittest import mock

import numpy as np
from sklearn.base import clone

from skneuron import GradientAscentLogisticRegression

from . import _logistic_problems, _mlp_contenders, mlp
from ._mlp_contenders import Record, Setting
from ._timing import (
    circumstances,
    interleaved_medians,
    markdown,
    progress,
    result_of,
    seconds_text,
    timed,
)

#: What of the package is replaced, for any fit.
OF_ANY = {
    "one thread": {"skneuron._kernels.n_threads": lambda: 1},
    "nothing compiled": {"skneuron._kernels._core": None},
}

#: By name: the parameters, and what of the package is replaced.
OF_REGRESSION = {
    "no sample first": (
        {},
        {"skneuron.logistic_regression._samples": lambda objective: None},
    ),
    "a new curvature at every step": ({"solver": "newton"}, {}),
    "no curvature": ({"solver": "lbfgs"}, {}),
    **{name: ({}, replaced) for name, replaced in OF_ANY.items()},
}

PROBLEMS = ["100k x 50", "1M x 20", "20k x 500", "60k x 200, 10 classes"]

SETTINGS = [
    Setting(32, 100, "adam", np.float32),
    Setting(32, 500, "adam", np.float64),
    Setting(200, 100, "adam", np.float32),
    Setting(1000, 500, "adam", np.float32),
]


def without(replaced, function):
    """What a function returns while some of the package is replaced."""
    with ExitStack() as stack:
        for name, other in replaced.items():
            stack.enter_context(mock.patch(name, other))
        return function()


def seconds_of_fit(problem, parameters):
    """Seconds to the maximum of the likelihood."""
    model = GradientAscentLogisticRegression(C=problem.C, **parameters)
    return timed(lambda: clone(model).fit(problem.X, problem.y))[0]


def seconds_of_epoch(X, y, setting):
    """Seconds of an epoch of the network."""
    record = Record(copying=False)
    given = _mlp_contenders.our_parameters(setting, mlp.EPOCHS[setting.batch])
    _mlp_contenders.ours(X, y, record, **given)
    return record.seconds_an_epoch()


def line(name, functions, rounds, budget):
    """Seconds as it is, and how many times as much without each of the steps."""
    seconds = interleaved_medians(functions, rounds, budget, 0.0, measure=result_of)
    plain = seconds.pop("as it is")
    cells = [name, seconds_text(plain), *(f"{s / plain:.2f}" for s in seconds.values())]
    progress(*cells)
    return cells


def main():
    """Read the options and print the two tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.steps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=25.0, help="seconds a row")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    options = parser.parse_args()
    shrink, limits = 10 if options.quick else 1, (options.rounds, options.budget)

    lines = []
    for name in PROBLEMS:
        problem = _logistic_problems.PROBLEMS[name](shrink)
        functions = {"as it is": partial(seconds_of_fit, problem, {})}
        for step, (parameters, replaced) in OF_REGRESSION.items():
            fit = partial(seconds_of_fit, problem, parameters)
            functions[step] = partial(without, replaced, fit)
        lines.append(line(name, functions, *limits))
    print(markdown(["fit", "as it is", *OF_REGRESSION], lines) + "\n")

    lines = []
    for setting in SETTINGS:
        X, y = mlp.data(setting.dtype, shrink)
        functions = {"as it is": partial(seconds_of_epoch, X, y, setting)}
        for step, replaced in OF_ANY.items():
            functions[step] = partial(without, replaced, functions["as it is"])
        lines.append(line(str(setting), functions, *limits))
    print(markdown(["epoch", "as it is", *OF_ANY], lines))
    print("\n" + circumstances("skneuron", "numpy", "scipy", "scikit-learn"))


if __name__ == "__main__":
    main()
