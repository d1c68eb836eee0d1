"""Searches as people run them: ours beside scikit-learn's, and beside GridSearchCV.

Run from the root of the repository::

    python -m tests.benchmarks.lockstep              # some five minutes
    python -m tests.benchmarks.lockstep --quick      # scaled down, to try it out
    python -m tests.benchmarks.lockstep --problems "digits,MLP" --rounds 5

The searches of a row take turns; ratios are of medians. "Same" is GridSearchCV of the
same estimator, and the difference the largest between any two of its scores and ours.
"Peer" is scikit-learn's fastest way to the same end: LogisticRegressionCV (the fastest
of its solvers here), GridSearchCV of a pipeline with LogisticRegression's
newton-cholesky, or GridSearchCV of MLPClassifier. Nothing else should run on the
machine.
"""

import argparse
from functools import partial

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
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


CS = np.logspace(-4, 4, 20).tolist()
ALPHAS = np.logspace(-4, 1, 8).tolist()
OURS = GradientAscentLogisticRegression()
BEHIND_A_SCALER = make_pipeline(StandardScaler(), OURS)


def cross_validated(solver):
    """scikit-learn's own search over C."""
    return LogisticRegressionCV(
        Cs=CS, cv=5, solver=solver, max_iter=1000, scoring="accuracy"
    )


def newton_cholesky():
    model = LogisticRegression(solver="newton-cholesky")
    grid = {"logisticregression__C": CS}
    return GridSearchCV(make_pipeline(StandardScaler(), model), grid, cv=5)


def network():
    model = MLPClassifier((50,), batch_size=32, max_iter=20, random_state=0)
    # Ours climbs all of its 20 epochs, too.
    model.set_params(n_iter_no_change=20)
    return GridSearchCV(model, {"alpha": ALPHAS}, cv=5)


#: By name: data (given what to divide rows by), estimator, grid, and peer.
PROBLEMS = {
    "20k x 50, 20 C": (
        lambda q: table(20_000 // q, 50, 20),
        OURS,
        {"C": CS},
        partial(cross_validated, "newton-cholesky"),
    ),
    "20k x 50, scaler, 20 C": (
        lambda q: table(20_000 // q, 50, 20),
        BEHIND_A_SCALER,
        {PREFIX + "C": CS},
        newton_cholesky,
    ),
    "digits, 20 C": (
        lambda q: digits(),
        OURS,
        {"C": CS},
        partial(cross_validated, "lbfgs"),
    ),
    "digits, MLP, 8 alpha": (
        lambda q: digits(),
        SimpleMLPClassifier((50,), batch_size=32, max_iter=20, random_state=0),
        {"alpha": ALPHAS},
        network,
    ),
    "20k x 50, 20 rates": (
        lambda q: table(20_000 // q, 50, 20),
        regression(),
        {"learning_rate": rates(20)},
        None,
    ),
    "20k x 50, scaler, 10 rates": (
        lambda q: table(20_000 // q, 50, 20),
        make_pipeline(StandardScaler(), regression()),
        {PREFIX + "learning_rate": rates(10)},
        None,
    ),
    "digits, 4 rates x 4 C": (
        lambda q: digits(),
        regression(),
        {"learning_rate": rates(4), "C": [0.01, 0.1, 1.0, 10.0]},
        None,
    ),
    "digits, MLP, 8 rates": (
        lambda q: digits(),
        SimpleMLPClassifier((50,), batch_size=32, max_iter=20, random_state=0),
        {"learning_rate": rates(8, -4, -1)},
        None,
    ),
    "20k x 50 of 4 classes, 20 rates": (
        lambda q: table(20_000 // q, 50, 20, n_classes=4),
        regression(),
        {"learning_rate": rates(20)},
        None,
    ),
    "20k x 50 float32, 20 rates": (
        lambda q: [a.astype(np.float32) for a in table(20_000 // q, 50, 20)],
        regression(),
        {"learning_rate": rates(20)},
        None,
    ),
    "30k x 94 sparse, 10 rates": (
        lambda q: sparse(30_000 // q),
        regression(),
        {"learning_rate": rates(10)},
        None,
    ),
    "iris, 5 rates": (
        lambda q: load_iris(return_X_y=True),
        regression(),
        {"learning_rate": rates(5)},
        None,
    ),
    "20k x 50, 1 rate": (
        lambda q: table(20_000 // q, 50, 20),
        regression(),
        {"learning_rate": [0.1]},
        None,
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
    rows, ratios = [], {"same": [], "peer": []}
    for name, (load, estimator, grid, peer) in PROBLEMS.items():
        if not any(word in name for word in wanted):
            continue
        X, y = load(10 if options.quick else 1)
        searches = {
            "ours": LockstepSearchCV(estimator, grid, cv=5),
            "same": GridSearchCV(estimator, grid, cv=5),
        }
        if peer is not None:
            searches["peer"] = peer()
        fits = {who: partial(of.fit, X, y) for who, of in searches.items()}
        for fit in fits.values():
            timed(fit)
        seconds = interleaved_medians(fits, options.rounds, options.budget, 0.0)
        cells = [seconds_text(seconds["ours"])]
        for who in ("same", "peer"):
            if who in seconds:
                ratio = seconds[who] / seconds["ours"]
                ratios[who].append(ratio)
                cells += [seconds_text(seconds[who]), f"{ratio:.2f}"]
            else:
                cells += ["", ""]
        difference = largest_difference(searches["ours"], searches["same"])
        rows.append([name, *cells, f"{difference:.0e}"])
        progress(*rows[-1])
    means = [mean_text(of) if of else "" for of in ratios.values()]
    rows.append(["geometric mean", "", "", means[0], "", means[1], ""])
    header = ["search, 5 folds", "ours", "GridSearchCV", "ratio", "scikit-learn's"]
    print(markdown([*header, "ratio", "difference"], rows))
    packages = "skneuron", "numpy", "scipy", "scikit-learn"
    print("\n" + circumstances(*packages))


if __name__ == "__main__":
    main()
