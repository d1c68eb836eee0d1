"""Time to a likelihood and an accuracy: the network and its peers.

All at their defaults, but that ours has no penalty: what is timed is the climb.
"""

from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median, median_low
from time import perf_counter

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from . import _mlp_contenders as contenders
from ._mlp_contenders import NEVER, Record, log_likelihood, torch_missing
from ._timing import (
    interleaved_medians,
    markdown,
    mean_text,
    peer,
    progress,
    seconds_text,
    timed,
)


@dataclass
class Data:
    """A data set, and whether a user of the peers would standardise it."""

    load: object  # by what to divide the rows -> X, y
    standardise: bool = True


def generated(n, d, informative, n_classes):
    def load(shrink):
        return make_classification(
            n // shrink,
            d,
            n_informative=informative,
            n_classes=n_classes,
            random_state=0,
        )

    return Data(load, standardise=False)


def bundled(load):
    return Data(lambda shrink: load(return_X_y=True))


SMALL = {
    "iris": bundled(load_iris),
    "wine": bundled(load_wine),
    "breast cancer": bundled(load_breast_cancer),
}
DATA = {
    "digits": bundled(load_digits),
    **SMALL,
    "generated 5k x 50, 5 classes": generated(5_000, 50, 20, 5),
    "generated 50k x 20, 3 classes": generated(50_000, 20, 10, 3),
}
#: Rows whose log-likelihood stands for that of all, when epochs are looked at.
N_JUDGED = 10_000
#: Points of accuracy that may be missing.
SLACK = 0.002


@dataclass
class Run:
    """A fit: seconds, log-likelihood and held-out accuracy at the end of each epoch."""

    seconds: np.ndarray
    log_likelihood: np.ndarray
    accuracy: np.ndarray

    def seconds_to(self, figure, target):
        reached = np.flatnonzero(getattr(self, figure) >= target)
        return self.seconds[reached[0]] if len(reached) else NEVER


def run(fit, train, test, activation):
    """Fit, watched; if that was short, again unwatched, for the right length."""

    def watched():
        record = Record(copying=True)
        fit(*train, record)
        return record

    record = timed(watched)[1]
    seconds = np.array(record.seconds)
    if seconds[-1] < 2:
        seconds *= timed(partial(fit, *train))[0] / seconds[-1]
    (X, y), n = train, N_JUDGED
    judged = [log_likelihood(net, X[:n], y[:n], activation) for net in record.layers]
    scored = [log_likelihood(net, *test, activation) for net in record.layers]
    return Run(seconds, np.array(judged)[:, 0], np.array(scored)[:, 1])


def runs_of(data_set, seed, shrink):
    """A run of each contender, by name."""
    X, y = data_set.load(shrink)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(X_train)
    raw = (X_train, y_train), (X_test, y_test)
    scaled = (scaler.transform(X_train), y_train), (scaler.transform(X_test), y_test)
    theirs = scaled if data_set.standardise else raw
    ours = partial(contenders.ours, alpha=0.0, random_state=seed)
    scikit_learn = partial(contenders.scikit_learn, random_state=seed)
    logistic = partial(scikit_learn, activation="logistic")
    runs = {
        "ours": run(ours, *raw, "logistic"),
        "ours, scaled": run(ours, *scaled, "logistic"),
        "scikit-learn": run(scikit_learn, *theirs, "relu"),
        "scikit-learn, logistic": run(logistic, *theirs, "logistic"),
    }
    if not torch_missing():
        adam = partial(peer("torch.optim", "torch").Adam, lr=1e-3)
        pytorch = partial(contenders.pytorch, optimizer=adam, seed=seed, tol=1e-4)
        theirs = [(X.astype(np.float32), y) for X, y in theirs]
        runs["PyTorch"] = run(pytorch, *theirs, "logistic")
    return runs


def climb_tables(names, seeds, budget, shrink):
    """Print accuracies and lengths of fits, and the times to where each peer ends."""
    ends, ways, ratios = [], [], []
    for name in names:
        every, start = [], perf_counter()
        try:
            while len(every) < seeds and (not every or perf_counter() - start < budget):
                every.append(runs_of(DATA[name], len(every), shrink))
        except KeyboardInterrupt:
            seeds = 0
        if not every:
            break
        runs = {who: [of[who] for of in every] for who in every[0]}
        points = {w: 100 * median(r.accuracy[-1] for r in runs[w]) for w in runs}
        ends.append([f"{name} ({len(every)} seeds)"])
        for who in runs:
            length = median(r.seconds[-1] for r in runs[who])
            ends[-1].append(f"{points[who]:.1f}%, {seconds_text(length)}")
        peers = list(runs)[2:]
        ends[-1].append(f"{points['ours'] - max(points[p] for p in peers):+.1f}")
        for who in peers:
            ways.append([f"{name}: {who}"])
            ratios.append([])
            for figure, slack in [("log_likelihood", 0.0), ("accuracy", SLACK)]:
                end = median_low(getattr(r, figure)[-1] for r in runs[who]) - slack
                times = [
                    median_low(r.seconds_to(figure, end) for r in runs[contender])
                    for contender in (who, "ours", "ours, scaled")
                ]
                ratios[-1].append(0 if times[1] == NEVER else times[0] / times[1])
                ways[-1] += [f"{end:.3g}", *map(seconds_or_never, times)]
                ways[-1].append(f"{ratios[-1][-1]:.2f}")
        progress(*ends[-1])
        if not seeds:
            break
    print("Held-out accuracy at the end, seconds of the fit (medians):\n")
    if ends:
        print(markdown(["data", *runs, "ours - best peer, points"], ends))
    means = [mean_text(column) for column in zip(*ratios)] or ["", ""]
    ways.append(["geometric mean", *[""] * 4, means[0], *[""] * 4, means[1]])
    columns = ["peer", "ours", "ours, scaled", "peer / ours"]
    header = ["data: peer", "log-likelihood", *columns, "accuracy", *columns]
    print(
        "\nSeconds to a peer's final median log-likelihood (the mean of the training "
        f"data), and to its final median accuracy less {100 * SLACK:.1f} points:\n"
    )
    print(markdown(header, ways))


def seconds_or_never(seconds):
    return "never" if seconds == NEVER else seconds_text(seconds)


# --- small data -----------------------------------------------------------------------

#: Mean log-likelihoods to reach; these data separate, so that 0 can be approached.
TARGETS = (-0.1, -0.01, -0.001)
MOST_ITERATIONS = 1024


def fewest(fit, X, y, target):
    """The fewest iterations after which fit(n) has reached the target, or None."""

    def reaches(n):
        return log_likelihood(timed(partial(fit, n))[1], X, y)[0] >= target

    high = 1
    while not reaches(high):
        high *= 2
        if high > MOST_ITERATIONS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def small_table(names, seeds, rounds, budget, shrink):
    """Print the seconds of fits by L-BFGS that end at the same log-likelihood."""
    rows, ratios = [], []
    for name, target in product(names, TARGETS):
        X, y = SMALL[name].load(shrink)
        scaled = StandardScaler().fit_transform(X)
        try:
            times = small_times(X, scaled, y, target, seeds, rounds, budget)
        except KeyboardInterrupt:
            break
        whom = list(times)
        ours, *peers = (median_low(taken) for taken in times.values())
        ratios.append(min(peers) / ours if ours < NEVER else 0)
        cells = map(seconds_or_never, [ours, *peers])
        rows.append([f"{name} to {target}", *cells, f"{ratios[-1]:.2f}"])
        progress(*rows[-1])
    if rows:
        rows.append(["geometric mean", *[""] * len(whom), mean_text(ratios)])
        print(markdown(["data", *whom, "fastest peer / ours"], rows))


def small_times(X, scaled, y, target, seeds, rounds, budget):
    """Seconds of each contender's shortest fit that gets there, seed by seed."""
    tight = {"solver": "lbfgs", "tol": 1e-12}

    def ours(n, seed):
        return contenders.ours(X, y, max_iter=n, alpha=0.0, random_state=seed, **tight)

    def scikit_learn(n, seed):
        more = {"activation": "logistic", "alpha": 0.0, "random_state": seed}
        return contenders.scikit_learn(scaled, y, max_iter=n, **more, **tight)

    def pytorch(n, seed):
        return contenders.pytorchs_lbfgs(scaled, y, n, seed=seed)

    fits = {"ours": ours, "scikit-learn": scikit_learn}
    if not torch_missing():
        fits["PyTorch"] = pytorch
    times = {who: [] for who in fits}
    for seed in range(seeds):
        functions = {}
        for who, fit in fits.items():
            features = X if who == "ours" else scaled
            n = fewest(partial(fit, seed=seed), features, y, target)
            if n is not None:
                functions[who] = partial(fit, n, seed)
        medians = interleaved_medians(functions, rounds, budget, at_least=0.0)
        for who in fits:
            times[who].append(medians.get(who, NEVER))
    return times
