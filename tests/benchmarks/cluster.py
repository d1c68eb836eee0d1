"""A fit of rows that lie on the workers of a cluster: how it scales, what travels.

Run from the root of the repository::

    python -m tests.benchmarks.cluster               # a few minutes, 2 GB
    python -m tests.benchmarks.cluster --quick       # a tenth of the rows

Clusters of one and of two processes with a thread each, on this machine, take turns
round by round; beside them the same rows in memory, with one thread of BLAS too if
OPENBLAS_NUM_THREADS=1 is set. An iteration is one of the lecture's: a log-likelihood
and a gradient of all rows; its seconds are the median over a fit, and so are the bytes.
"From the client" is all that client and scheduler write (parameters, tasks, and words
that keep connections alive), "between workers" what those send one another. "To the
top" is a whole fit with the estimator's own steps; dask-ml's LogisticRegression has a
column beside it where it can be imported. Nothing else should run on the machine.
"""

import argparse
import statistics
import warnings
from contextlib import contextmanager
from time import perf_counter

import numpy as np

from skneuron import GradientAscentLogisticRegression

from ._timing import (
    Skipped,
    circumstances,
    markdown,
    peer,
    progress,
    seconds_text,
    timed,
)

N_ROWS, N_FEATURES, N_CHUNKS, N_ITERATIONS = 2_000_000, 50, 16, 15


def _rows(size, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((size, N_FEATURES))
    z = X @ np.random.default_rng(0).standard_normal(N_FEATURES)
    return X, (z / 2 + rng.logistic(size=size) > 0).astype(np.int8)


def on_workers(client, n_rows):
    """X and y, drawn on the workers: Dask arrays in their memory."""
    import dask.array as da
    from dask import delayed
    from distributed import wait

    size = n_rows // N_CHUNKS
    drawn = [delayed(_rows, nout=2)(size, seed) for seed in range(N_CHUNKS)]
    X = [da.from_delayed(x, (size, N_FEATURES), float) for x, _ in drawn]
    y = [da.from_delayed(y, (size,), np.int8) for _, y in drawn]
    data = client.persist([da.concatenate(X), da.concatenate(y)])
    wait(data)
    return data


def in_memory(n_rows):
    """The same rows, here."""
    parts = [_rows(n_rows // N_CHUNKS, seed) for seed in range(N_CHUNKS)]
    return [np.concatenate(part) for part in zip(*parts)]


class Clock:
    """A callback that takes the time, and whatever else, after every iteration."""

    def __init__(self, counters=lambda: ()):
        self.counters, self.seen = counters, []

    def setup(self, *args, **kwargs):
        """Nothing to do."""

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        """Note where the counters stand."""
        before, read = perf_counter(), self.counters()
        self.seen.append((before, perf_counter(), read))

    def medians(self):
        """Of an iteration: seconds, and what each counter grew by."""
        pairs = list(zip(self.seen[:-2], self.seen[1:-1]))  # the last ends the fit
        seconds = statistics.median(b[0] - a[1] for a, b in pairs)
        grown = np.array([np.subtract(b[2], a[2]) for a, b in pairs])
        return seconds, np.median(grown, axis=0).tolist()


def iterate(X, y, counters=lambda: ()):
    """What :meth:`Clock.medians` gives of the lecture's iterations."""
    clock = Clock(counters)
    model = GradientAscentLogisticRegression(0.1, max_iter=N_ITERATIONS, tol=0.0)
    model.set_callbacks(clock)
    timed(lambda: model.fit(X, y))
    return clock.medians()


@contextmanager
def cluster(n_workers):
    """A client, and a function that gives the bytes sent by it, and among workers."""
    from distributed import Client, LocalCluster
    from distributed.comm.tcp import TCP

    write, sent = TCP.write, [0]

    async def counted(self, *args, **kwargs):
        n_bytes = await write(self, *args, **kwargs)
        sent[0] += n_bytes or 0
        return n_bytes

    def among_workers(dask_worker):
        return dask_worker.transfer_outgoing_bytes_total

    with (
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=0,
        ) as processes,
        Client(processes) as client,
    ):
        TCP.write = counted
        try:
            yield client, lambda: (sent[0], sum(client.run(among_workers).values()))
        finally:
            TCP.write = write


def bytes_text(number):
    """With a unit that fits."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def dask_ml():
    """Its LogisticRegression without a penalty worth the name, or why not."""
    regression = peer("dask_ml.linear_model", "dask-ml").LogisticRegression
    return regression(solver="lbfgs", penalty="l2", C=1e10, tol=1e-6, max_iter=100)


def main():
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    options = parser.parse_args()
    n_rows = N_ROWS // (10 if options.quick else 1)
    warnings.simplefilter("ignore")
    places = {"in memory": 0, "1 worker": 1, "2 workers": 2}
    iterations = {place: [] for place in places}
    to_the_top, likelihoods, theirs, notes = {}, {}, {}, {}
    for _ in range(options.rounds):
        for place, n_workers in places.items():
            if not n_workers:
                iterations[place].append((*iterate(*(data := in_memory(n_rows))), 0))
                fit = GradientAscentLogisticRegression().fit
                seconds, model = timed(lambda fit=fit, data=data: fit(*data))
                to_the_top.setdefault(place, []).append(seconds)
                likelihoods[place] = model.log_likelihood_
                del data
                continue
            with cluster(n_workers) as (client, counters):
                X, y = on_workers(client, n_rows)
                iterations[place].append((*iterate(X, y, counters), X.nbytes))
                fit = GradientAscentLogisticRegression().fit
                seconds, model = timed(lambda fit=fit, X=X, y=y: fit(X, y))
                to_the_top.setdefault(place, []).append(seconds)
                likelihoods[place] = model.log_likelihood_
                try:
                    peers = dask_ml()
                    seconds, peers = timed(lambda m=peers, X=X, y=y: m.fit(X, y))
                    weights = np.r_[peers.coef_.ravel(), peers.intercept_]
                    model.coef_, model.intercept_ = weights[None, :-1], weights[-1:]
                    reached = model.log_likelihood(X, y)
                    notes["dask-ml's log-likelihood"] = f"{reached:.6f}"
                    theirs.setdefault(place, []).append(seconds)
                except Skipped as reason:
                    notes["dask-ml"] = str(reason)
                except Exception as failure:  # a peer's, of whatever kind
                    notes["dask-ml"] = f"fails: {failure!r}"[:200]
        progress({place: seconds_text(of[-1][0]) for place, of in iterations.items()})
    rows, first = [], None
    for place, found in iterations.items():
        seconds = statistics.median(of[0] for of in found)
        sent = found[-1][1] or [0, 0]
        first = seconds if place == "1 worker" else first
        rows.append(
            [
                place,
                seconds_text(seconds),
                f"{first / seconds:.2f}" if first else "",
                bytes_text(sent[0]),
                bytes_text(sent[1]),
                seconds_text(statistics.median(to_the_top[place])),
                f"{likelihoods[place]:.6f}",
                seconds_text(statistics.median(theirs[place]))
                if place in theirs
                else "-",
            ]
        )
    header = [
        f"{n_rows:,} x {N_FEATURES}, {N_CHUNKS} chunks",
        "an iteration",
        "speed-up",
        "from the client",
        "between workers",
        "to the top",
        "log-likelihood",
        "dask-ml, to the top",
    ]
    print(markdown(header, rows))
    print(f"\nThe data: {bytes_text(8 * n_rows * N_FEATURES)}, of which none travels.")
    for what, note in notes.items():
        print(f"{what}: {note}")
    packages = "skneuron", "dask", "distributed", "dask-ml", "numpy", "scikit-learn"
    print("\n" + circumstances(*packages))


if __name__ == "__main__":
    main()
