"""The search over learning rates, beside GridSearchCV on the same estimators.

Run from the root of the repository::

    python -m tests.benchmarks.lockstep              # some four minutes
    python -m tests.benchmarks.lockstep --quick      # scaled down, to try it out
    python -m tests.benchmarks.lockstep --problems "digits,MLP" --rounds 5

Both searches take turns; ratios are of medians. The difference is the largest between
any two scores of the two. In the last row both search over the penalty of
scikit-learn's own LogisticRegression (C, 20 values), which is what people do today in
place of the first: it has no lockstep. Nothing else should run on the machine.
"""

import argparse
from functools import partial

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.model_selection import LockstepSearchCV

from ._logistic_problems import one_hot
from ._timing import (
    circumstances,
    interleaved_medians,
    markdown,
    mean_text,
    progress,
    seconds_text,
    timed,
)

PREFIX = "gradientascentlogisticregression__"


def rates(n, low=-3, high=0):
    return np.logspace(low, high, n).tolist()


def regression(**parameters):
    """The lecture's, for 100 iterations."""
    given = {"learning_rate": 0.1, "max_iter": 100, **parameters}
    return GradientAscentLogisticRegression(**given)


def table(n, d, informative, **more):
    return make_classification(n, d, n_informative=informative, random_state=0, **more)


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def sparse(n):
    problem = one_hot(n)
    return sp.csr_matrix(problem.X), problem.y


#: By name: data (given what to divide rows by), estimator, grid.
PROBLEMS = {
    "20k x 50, 20 rates": (
        lambda q: table(20_000 // q, 50, 20),
        regression(),
        {"learning_rate": rates(20)},
    ),
    "20k x 50, scaler, 10 rates": (
        lambda q: table(20_000 // q, 50, 20),
        make_pipeline(StandardScaler(), regression()),
        {PREFIX + "learning_rate": rates(10)},
    ),
    "digits, 4 rates x 4 C": (
        lambda q: digits(),
        regression(),
        {"learning_rate": rates(4), "C": [0.01, 0.1, 1.0, 10.0]},
    ),
    "digits, MLP, 8 rates": (
        lambda q: digits(),
        SimpleMLPClassifier((50,), batch_size=32, max_iter=20, random_state=0),
        {"learning_rate": rates(8, -4, -1)},
    ),
    "20k x 50 of 4 classes, 20 rates": (
        lambda q: table(20_000 // q, 50, 20, n_classes=4),
        regression(),
        {"learning_rate": rates(20)},
    ),
    "20k x 50 float32, 20 rates": (
        lambda q: [a.astype(np.float32) for a in table(20_000 // q, 50, 20)],
        regression(),
        {"learning_rate": rates(20)},
    ),
    "30k x 94 sparse, 10 rates": (
        lambda q: sparse(30_000 // q),
        regression(),
        {"learning_rate": rates(10)},
    ),
    "iris, 5 rates": (
        lambda q: load_iris(return_X_y=True),
        regression(),
        {"learning_rate": rates(5)},
    ),
    "20k x 50, 1 rate": (
        lambda q: table(20_000 // q, 50, 20),
        regression(),
        {"learning_rate": [0.1]},
    ),
    "20k x 50, LogisticRegression, 20 C": (
        lambda q: table(20_000 // q, 50, 20),
        LogisticRegression(max_iter=100),
        {"C": np.logspace(-4, 4, 20).tolist()},
    ),
}


def largest_difference(one, other):
    """Between the scores of two searches, all cells."""
    return max(
        np.abs(one.cv_results_[key] - other.cv_results_[key]).max()
        for key in one.cv_results_
        if key.startswith("split")
    )


def main():
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.lockstep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--problems", default="", help="parts of their names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=30.0, help="seconds a row")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    options = parser.parse_args()
    wanted = [word.strip() for word in options.problems.split(",")]
    rows, ratios = [], []
    for name, (load, estimator, grid) in PROBLEMS.items():
        if not any(word in name for word in wanted):
            continue
        X, y = load(10 if options.quick else 1)
        searches = {
            kind.__name__: kind(estimator, grid, cv=5)
            for kind in (LockstepSearchCV, GridSearchCV)
        }
        fits = {who: partial(of.fit, X, y) for who, of in searches.items()}
        for fit in fits.values():
            timed(fit)
        seconds = interleaved_medians(fits, options.rounds, options.budget, 0.0)
        ours, theirs = (seconds[who] for who in searches)
        ratios.append(theirs / ours)
        cells = [seconds_text(ours), seconds_text(theirs), f"{ratios[-1]:.2f}"]
        rows.append([name, *cells, f"{largest_difference(*searches.values()):.0e}"])
        progress(*rows[-1])
    rows.append(["geometric mean", "", "", mean_text(ratios), ""])
    header = ["search, 5 folds", *searches, "ratio", "difference of scores"]
    print(markdown(header, rows))
    packages = "skneuron", "numpy", "scipy", "scikit-learn"
    print("\n" + circumstances(*packages))


if __name__ == "__main__":
    main()
