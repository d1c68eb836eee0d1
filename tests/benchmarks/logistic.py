"""Seconds to the maximum of the likelihood, beside those who get there too.

Run from the root of the repository::

    python -m tests.benchmarks.logistic                  # all problems, some minutes
    python -m tests.benchmarks.logistic --quick          # scaled down, to try it out
    python -m tests.benchmarks.logistic --problems digits,wide --rounds 9
    python -m tests.benchmarks.logistic --growth         # time and memory against n, d

The measure is the mean penalised log-likelihood, in float64, whatever the dtype of the
data. Ours runs with its defaults and is to be within 1e-8 of the best that anyone
finds, a peer within 1e-7. Before anything is timed, each of a peer's solvers is given
the loosest tolerance that gets there (solvers that fail, or take far longer than the
fastest, are out), and its best solver's median is what the table shows. Peers that are
not installed are skipped, with a reason: ``pip install scikit-learn-intelex glum``. An
interrupt (Ctrl-C) prints the table so far.
"""

import argparse
import sys
from functools import partial
from statistics import geometric_mean

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from skneuron import GradientAscentLogisticRegression

from ._logistic_problems import PROBLEMS, classification
from ._timing import (
    Skipped,
    Solver,
    circumstances,
    interleaved_medians,
    markdown,
    peak_memory,
    peer,
    seconds_text,
    tune,
)

OURS_WITHIN, PEERS_WITHIN = 1e-8, 1e-7
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
#: The epochs of sag and saga are compiled and cannot be interrupted: numbers of X to
#: read in all, some seconds.
STOCHASTIC_READS = 3e8
NO_PENALTY = 1e15  # oneDAL's: with C=inf it leaves the fit to scikit-learn


# --- who takes part -------------------------------------------------------------------


def ours(problem):
    def fit(tol):
        model = GradientAscentLogisticRegression(C=problem.C)
        return model.fit(problem.X, problem.y)

    return [Solver("defaults", fit, tolerances=(None,))]


def reference(problem):
    """Not timed: the value to come close to is looked for with more care."""

    def fit(tol):
        # Of numbers in their own type: columns of float32 that were sums of others are
        # off by their rounding, from which float64 would learn.
        model = GradientAscentLogisticRegression(C=problem.C, tol=tol)
        return model.fit(problem.X, problem.y)

    return [Solver("careful", fit, tolerances=(1e-10,))]


def scikit_learn(problem):
    def fit(tol, *, solver, max_iter):
        model = LogisticRegression(
            C=problem.C, solver=solver, tol=tol, max_iter=max_iter
        )
        return model.fit(problem.X, problem.y)

    n_numbers = problem.X.size
    epochs = int(max(10, STOCHASTIC_READS / n_numbers))
    limits = dict.fromkeys(["lbfgs", "newton-cg", "newton-cholesky"], 10_000)
    limits |= dict.fromkeys(["sag", "saga"], epochs)
    return [
        Solver(name, partial(fit, solver=name, max_iter=max_iter), TOLERANCES)
        for name, max_iter in limits.items()
    ]


def onedal(problem):
    model_class = peer("sklearnex.linear_model", "scikit-learn-intelex")
    if sp.issparse(problem.X):
        raise Skipped("leaves sparse X to scikit-learn")

    def fit(tol):
        model = model_class.LogisticRegression(
            C=min(problem.C, NO_PENALTY), tol=tol, max_iter=10_000
        )
        return model.fit(problem.X, problem.y)

    # The one solver that runs in oneDAL on a CPU.
    return [Solver("lbfgs", fit, TOLERANCES)]


def glum(problem):
    model_class = peer("glum", "glum")
    if problem.y.max() > 1:
        raise Skipped("has two classes only")

    def fit(tol, *, solver):
        model = model_class.GeneralizedLinearRegressor(
            family="binomial",
            alpha=1 / (problem.C * len(problem.y)),
            solver=solver,
            gradient_tol=tol,
            max_iter=10_000,
        )
        return model.fit(problem.X, problem.y.astype(problem.X.dtype))

    names = ["irls-ls", "lbfgs", "irls-cd", "trust-constr"]
    return [Solver(name, partial(fit, solver=name), TOLERANCES) for name in names]


CONTENDERS = {
    "ours": ours,
    "scikit-learn": scikit_learn,
    "oneDAL": onedal,
    "glum": glum,
}
PEERS = list(CONTENDERS)[1:]


# --- the race -------------------------------------------------------------------------


def race(problem, rounds, budget):
    """Each contender's best median seconds and solver, what ours lacks, who is out.

    Returns
    -------
    seconds, solvers : dict of str to float, of str to str
        For the contenders that arrived, and for ours in any case.
    gap : float
        The best value that anyone finds, less that of ours.
    skipped : dict of str to str
        Reasons.
    """
    contenders, skipped = {"reference": reference(problem)}, {}
    for name, solvers_of in CONTENDERS.items():
        try:
            contenders[name] = solvers_of(problem)
        except Skipped as reason:
            skipped[name] = str(reason)
    arrived, best = tune(contenders, problem.value_of, PEERS_WITHIN)
    del arrived["reference"]
    arrived["ours"] = contenders["ours"]
    functions = {
        (name, solver.name): partial(solver.fit, solver.tol)
        for name, solvers in arrived.items()
        for solver in solvers
    }
    medians = interleaved_medians(functions, rounds, budget)
    seconds, solvers = {}, {}
    for (name, solver), taken in sorted(medians.items(), key=lambda item: -item[1]):
        seconds[name], solvers[name] = taken, solver  # the last is the fastest
    skipped |= {
        name: "no solver arrived in time"
        for name, solvers_left in arrived.items()
        if not solvers_left
    }
    return seconds, solvers, best - contenders["ours"][0].value, skipped


def race_table(names, rounds, budget, shrink):
    """Print how ours and the peers do on each problem, and the geometric means."""
    rows, to_fastest, to_scikit_learn, reasons = [], [], [], {}
    for name in names:
        problem = PROBLEMS[name](shrink)
        try:
            seconds, solvers, gap, skipped = race(problem, rounds, budget)
        except KeyboardInterrupt:
            reasons["interrupted"] = [name]
            break
        for who, reason in skipped.items():
            reasons.setdefault(f"{who}: {reason}", []).append(name)
        cells = [
            f"{seconds_text(seconds[who])} ({solvers[who]})" if who in seconds else "-"
            for who in PEERS
        ]
        ratios = ["-", "-"]
        peers = [seconds[who] for who in PEERS if who in seconds]
        if peers:
            to_fastest.append(min(peers) / seconds["ours"])
            ratios[0] = f"{to_fastest[-1]:.2f}"
        if "scikit-learn" in seconds:
            to_scikit_learn.append(seconds["scikit-learn"] / seconds["ours"])
            ratios[1] = f"{to_scikit_learn[-1]:.2f}"
        lacking = f"{gap:.0e}" + (" (!)" if gap > OURS_WITHIN else "")
        rows.append([name, seconds_text(seconds["ours"]), *cells, *ratios, lacking])
        print(f"{name}: {' '.join(ratios)}", file=sys.stderr, flush=True)
    means = [
        f"{geometric_mean(ratios):.2f}" if ratios else "-"
        for ratios in (to_fastest, to_scikit_learn)
    ]
    rows.append(["geometric mean", "", *[""] * len(PEERS), *means, ""])
    header = ["problem", "ours", *PEERS, "fastest / ours", "scikit-learn / ours", "gap"]
    print(markdown(header, rows))
    for reason, where in reasons.items():
        print(f"\n- {reason} ({'; '.join(where)})", end="")
    print()


# --- what grows -----------------------------------------------------------------------


def growth_table(rounds, budget, shrink):
    """Print seconds and memory against n and d; time is to be linear in n."""
    sizes = [(n, 20, float) for n in (62_500, 125_000, 250_000, 500_000, 1_000_000)]
    sizes += [(20_000, d, float) for d in (25, 50, 100, 200, 400)]
    sizes += [(500_000, 20, np.float32), (20_000, 400, np.float32)]
    sizes += [(1_000, 4_000, float)]
    rows = []
    for n, d, dtype in sizes:
        n = n // shrink
        problem = classification(
            n, d, min(10, d), C=1.0 if d > n else np.inf, dtype=dtype
        )
        fit = partial(ours(problem)[0].fit, None)
        seconds = interleaved_medians({"ours": fit}, rounds, budget)["ours"]
        peak, data = peak_memory(fit), problem.X.nbytes
        rows.append(
            [
                f"{n:,} x {d:,}, {np.dtype(dtype)}",
                seconds_text(seconds),
                f"{1e9 * seconds / problem.X.size:.1f}",
                f"{data / 2**20:.1f}",
                f"{peak / 2**20:.1f}",
                f"{peak / data:.1%}",
            ]
        )
    header = [
        "data",
        "seconds",
        "ns a number",
        "data MiB",
        "peak above it MiB",
        "share",
    ]
    print(markdown(header, rows))


def main():
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.logistic",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--problems", help=f"comma-separated beginnings of: {'; '.join(PROBLEMS)}"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--budget", type=float, default=20.0, help="seconds of timing a problem"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--growth", action="store_true", help="the second table alone")
    options = parser.parse_args()
    shrink = 10 if options.quick else 1
    if options.growth:
        growth_table(options.rounds, options.budget, shrink)
    else:
        wanted = [word.strip() for word in (options.problems or "").split(",")]
        names = [name for name in PROBLEMS if name.startswith(tuple(wanted))]
        if not names:
            parser.error(f"no problem begins with {options.problems}")
        race_table(names, options.rounds, options.budget, shrink)
    print(
        "\n"
        + circumstances(
            "skneuron", "numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "glum"
        )
    )


if __name__ == "__main__":
    main()
