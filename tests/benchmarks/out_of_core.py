"""Data larger than memory: what a fit of a memory map takes, in time and in memory.

Run from the root of the repository, on Linux::

    python -m tests.benchmarks.out_of_core              # 30 GB of disk, half an hour
    python -m tests.benchmarks.out_of_core --gigabytes 1

The data are written once, to a folder that is removed at the end. Each row of the table
is a process of its own. Memory is what that process alone holds (RssAnon) at its peak,
above what it holds after a fit of a few rows. Pages of the files do not count: the
system takes them back when it needs them.
"""

import argparse
import shutil
import tempfile
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP

from ._timing import circumstances, markdown, progress, seconds_text, timed

N_FEATURES, STORED = 100, 10

#: By name: which table, a model, and what it is asked for.
ROWS = {
    "to the maximum": ("float64", LR(), "fit"),
    "L-BFGS to the maximum": ("float64", LR(solver="lbfgs"), "fit"),
    "mini-batches, an epoch": ("float64", LR(batch_size=10_000, max_iter=1), "fit"),
    "network of 50, an epoch": (
        "float64",
        MLP((50,), batch_size=10_000, max_iter=1),
        "fit",
    ),
    "the same, early stopping": (
        "float64",
        MLP((50,), batch_size=10_000, max_iter=1, early_stopping=True),
        "fit",
    ),
    "network, L-BFGS, 2 iterations": (
        "float64",
        MLP((50,), solver="lbfgs", max_iter=2),
        "fit",
    ),
    "predict_proba": ("float64", LR(max_iter=1), "predict_proba"),
    "bytes, to the maximum": ("uint8", LR(), "fit"),
    "sparse, to the maximum": ("sparse", LR(), "fit"),
    "LogisticRegression, L-BFGS": (
        "float64",
        LogisticRegression(C=np.inf, tol=1e-6, max_iter=300),
        "fit",
    ),
}


def write(folder, n_rows, at_once=100_000):
    """Normal features as float64 and, rounded, as bytes; a few of them; and labels."""
    rng = np.random.default_rng(0)
    slope = rng.standard_normal(N_FEATURES) / 5
    make = np.lib.format.open_memmap
    shape = n_rows, N_FEATURES
    X = make(folder / "float64.npy", "w+", np.float64, shape)
    as_bytes = make(folder / "uint8.npy", "w+", np.uint8, shape)
    data = make(folder / "data.npy", "w+", np.float64, (n_rows * STORED,))
    indices = make(folder / "indices.npy", "w+", np.int64, (n_rows * STORED,))
    y = np.empty(n_rows, np.int8)
    for start in range(0, n_rows, at_once):
        block = rng.standard_normal((min(at_once, n_rows - start), N_FEATURES))
        rows = slice(start, start + len(block))
        X[rows] = block
        as_bytes[rows] = np.clip(np.round(128 + 30 * block), 0, 255)
        stored = slice(start * STORED, (start + len(block)) * STORED)
        data[stored] = block[:, :STORED].ravel()
        first = rng.integers(0, N_FEATURES // STORED, len(block))
        columns = first[:, None] + N_FEATURES // STORED * np.arange(STORED)
        indices[stored] = columns.ravel()
        y[rows] = rng.random(len(block)) < 1 / (1 + np.exp(-block @ slope))
    np.save(folder / "y.npy", y)


def read(folder, kind):
    """The features, where they are, and the labels."""

    def mapped(name):
        return np.load(folder / f"{name}.npy", mmap_mode="r")

    y = np.load(folder / "y.npy")
    if kind != "sparse":
        return mapped(kind), y
    starts = STORED * np.arange(len(y) + 1)
    parts = mapped("data"), mapped("indices"), starts
    return sparse.csr_matrix(parts, shape=(len(y), N_FEATURES)), y


def held():
    """Bytes of memory that only this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise OSError("This system does not tell RssAnon.")


class Peak(threading.Thread):
    """Looks every few milliseconds at how much memory is held."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.largest = held()
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.005):
            self.largest = max(self.largest, held())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        self.above = self.largest - self.before


def measure(folder, name):
    """Seconds, bytes above, bytes of the features, and iterations, of a row."""
    kind, model, task = ROWS[name]
    X, y = read(folder, kind)
    warnings.simplefilter("ignore", ConvergenceWarning)
    few = clone(model).fit(X[:5000], y[:5000])
    call = clone(model).fit if task == "fit" else getattr(few, task)
    with Peak() as peak:
        seconds, result = timed(lambda: call(X, y) if task == "fit" else call(X))
    size = X.nbytes if kind != "sparse" else X.data.nbytes + X.indices.nbytes
    n_iter = np.max(result.n_iter_) if task == "fit" else "-"
    return seconds, peak.above, size, n_iter


def main():
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.out_of_core",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--gigabytes", type=float, default=20.0, help="of float64")
    parser.add_argument("--rows", default="", help="comma-separated parts of names")
    parser.add_argument("--folder", type=Path, help="an existing one, on a large disk")
    options = parser.parse_args()
    held()  # or say at once that it cannot be told
    wanted = [word.strip() for word in options.rows.split(",")]
    n_rows = int(options.gigabytes * 1e9 / (8 * N_FEATURES))
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    table = []
    try:
        start = time.perf_counter()
        write(folder, n_rows)
        progress(f"{n_rows} rows written in {time.perf_counter() - start:.0f} s")
        for name in ROWS:
            if not any(word in name for word in wanted):
                continue
            spawn = get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                future = process.submit(measure, folder, name)
                seconds, above, size, n_iter = future.result()
            share = f"{above / size:.1%}"
            gigabytes = f"{size / 1e9:.3g} GB"
            table.append([name, gigabytes, n_iter, seconds_text(seconds), share])
            progress(*table[-1])
    except KeyboardInterrupt:
        progress("interrupted")
    finally:
        shutil.rmtree(folder)
    header = ["", "features", "iterations", "time", "memory / features"]
    print(markdown(header, table))
    print("\n" + circumstances("skneuron", "numpy", "scipy", "scikit-learn"))


if __name__ == "__main__":
    main()
