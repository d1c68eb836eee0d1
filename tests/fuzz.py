"""Random data, containers, parameters, weights and targets, held to every promise.

    python -m tests.fuzz --cases 1000 --seed 0      # each case has a number
    python -m tests.fuzz --seed 0 --only 17         # one of them, again

A case is drawn from its seed and its number alone. A promise that is broken prints the
case and how to see it again; what it was about becomes a test of its own.
"""

import argparse
import copy
import faulthandler
import pickle
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP
from skneuron.exceptions import SeparationWarning

EXPECTED = (ConvergenceWarning, SeparationWarning, DataConversionWarning)


# --- what is drawn --------------------------------------------------------------------


def choose(rng, values):
    """One of the values, whatever they are."""
    return values[rng.integers(len(values))]


def draw_table(rng):
    """Features, float64: of many kinds, column by column."""
    n, p = int(rng.integers(4, 120)), int(rng.integers(1, 9))
    if rng.random() < 0.1:
        n, p = int(rng.integers(4, 12)), int(rng.integers(12, 40))
    X = rng.standard_normal((n, p))
    for j in range(p):
        kind = choose(rng, ["normal"] * 6 + ["units", "far", "counts", "binary"])
        if rng.random() < 0.1:
            kind = choose(rng, ["constant", "copy", "outlier", "zero", "tiny", "huge"])
        if kind == "units":
            X[:, j] *= 10.0 ** rng.integers(-9, 10)
        elif kind == "far":
            X[:, j] += 10.0 ** rng.integers(1, 7)
        elif kind == "counts":
            X[:, j] = rng.poisson(2, n)
        elif kind == "binary":
            X[:, j] = rng.random(n) < rng.random()
        elif kind == "constant":
            X[:, j] = rng.standard_normal()
        elif kind == "copy":
            X[:, j] = X[:, rng.integers(p)] * choose(rng, [1.0, -2.0])
        elif kind == "outlier":
            X[rng.integers(n), j] = 10.0 ** rng.integers(3, 13)
        elif kind == "zero":
            X[:, j] = 0
        elif kind == "tiny":
            X[:, j] *= 10.0 ** rng.integers(-30, -9)
        elif kind == "huge":
            X[:, j] *= 10.0 ** rng.integers(9, 30)
    if rng.random() < 0.3:
        X[rng.random(X.shape) < 0.7] = 0
    return X


NAMES = [
    lambda k: np.arange(k),
    lambda k: np.arange(k, dtype=np.int8) * 3 - 2,
    lambda k: np.array(["Bern", "Graz", "Ulm", "Aachen", "Zug"])[:k],
    lambda k: np.array(["b", "a", "e", "d", "c"], dtype=object)[:k],
    lambda k: np.arange(k) * 2.0 - 1,
    lambda k: np.array([False, True]) if k == 2 else np.arange(k) + 2**40,
]


def draw_codes(rng, X, k):
    """Codes below k, every one of which is there: from a model, by chance, or apart."""
    n = len(X)
    scaled = (X - X.mean(0)) / np.maximum(np.abs(X - X.mean(0)).max(0), 1e-300)
    z = scaled @ rng.standard_normal((X.shape[1], k))
    way = choose(rng, ["model"] * 4 + ["chance", "chance", "apart", "rare"])
    z = {"model": z + rng.gumbel(size=z.shape), "apart": z}.get(way, rng.random((n, k)))
    if way == "rare":
        z[:, 0] += 1
    codes = np.argmax(z, axis=1)
    codes[rng.permutation(n)[:k]] = np.arange(k)
    return codes


def draw_labels(rng, X):
    """The kind of y, and y."""
    kind = choose(rng, ["binary"] * 4 + ["multiclass"] * 3 + ["multilabel", "several"])
    if kind in ("binary", "multiclass"):
        k = 2 if kind == "binary" else int(rng.integers(3, min(6, len(X) + 1)))
        return kind, choose(rng, NAMES)(k)[draw_codes(rng, X, k)]
    if kind == "multilabel":
        m = int(rng.integers(2, 4))
        return kind, np.column_stack([draw_codes(rng, X, 2) for _ in range(m)])
    return kind, np.column_stack([draw_codes(rng, X, k) for k in (2, 3)])


def draw_weights(rng, n):
    """Weights, or None."""
    kind = choose(rng, ["none"] * 4 + ["whole", "real", "some", "wide", "large", "int"])
    if kind == "none":
        return None
    if kind == "whole":
        return rng.integers(1, 5, n).astype(float)
    if kind == "some":
        return rng.uniform(0.5, 2, n) * (rng.random(n) < 0.8)
    if kind == "wide":
        return 10.0 ** rng.uniform(-8, 4, n)
    if kind == "int":
        return rng.integers(1, 4, n)
    return rng.uniform(0.1, 2, n) * (1e10 if kind == "large" else 1)


def draw_model(rng, n):
    """An estimator with random parameters that go together."""
    seed = int(rng.integers(1000))
    shared = {
        "fit_intercept": rng.random() < 0.8,
        "class_weight": choose(rng, [None, None, None, "balanced"]),
        "warm_start": rng.random() < 0.15,
        "random_state": seed,
    }
    rate = choose(rng, [0.001, 0.1, 0.1, 1.0, 3.0, 100.0, 1e6])
    if rng.random() < 0.6:
        way = choose(rng, ["auto"] * 5 + ["newton", "lbfgs", "gradient", "batches"])
        own = {"C": choose(rng, [np.inf] * 3 + [1e-3, 1.0, 100.0, 1e6])}
        if way == "batches" or rng.random() < 0.2:
            own |= {"learning_rate": choose(rng, ["auto", rate])}
            own |= {"batch_size": choose(rng, [None, 1, 7, 32])}
            own |= {"reduction": choose(rng, ["mean", "sum"])}
        elif way != "batches":
            own["solver"] = way
        own["max_iter"] = int(choose(rng, [1, 3, 30, 300]))
        return LR(**shared, **own, tol=choose(rng, [1e-6, 1e-6, 1e-3, 0.0]))
    solver = choose(rng, ["adam", "gradient", "lbfgs"])
    own = {
        "hidden_layer_sizes": choose(rng, [(), (1,), 4, (5, 3), [2, 2, 2]]),
        "activation": choose(rng, ["logistic", "tanh", "relu", "identity"]),
        "solver": solver,
        "alpha": choose(rng, [0.0, 0.0, 1e-4, 1.0, 1e4]),
        "batch_size": choose(rng, ["auto", 1, 7, 32, 1000]),
        "shuffle": rng.random() < 0.8,
        "momentum": choose(rng, [0.0, 0.9]),
        "max_iter": int(choose(rng, [1, 3, 15])),
        "tol": choose(rng, [1e-4, 1e-4, 1e-2, 0.0]),
        "early_stopping": n >= 20 and rng.random() < 0.15,
    }
    if solver != "lbfgs" and rng.random() < 0.4:
        own["learning_rate"] = rate
    return MLP(**shared, **own)


def on_disk(folder, X):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


def as_file(folder, X):
    from files import File

    return File(X)


def as_pandas(folder, X):
    import pandas as pd

    return pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])


def as_polars(folder, X):
    import polars as pl

    return pl.DataFrame(X, schema=[f"x{j}" for j in range(X.shape[1])])


def as_dask(folder, X):
    import dask.array as da

    return da.from_array(X, chunks=(max(1, len(X) // 3), X.shape[1]))


def strided(folder, X):
    wide = np.zeros((2 * len(X), 2 * X.shape[1]), dtype=X.dtype)
    wide[::2, ::2] = X
    return wide[::2, ::2]


def read_only(folder, X):
    X.setflags(write=False)
    return X


#: Names to what makes a container of a table: of whole floats, or of floats alone.
DENSE = {
    "array": lambda folder, X: X,
    "Fortran": lambda folder, X: np.asfortranarray(X),
    "strided": strided,
    "read-only": read_only,
    "big endian": lambda folder, X: X.astype(X.dtype.newbyteorder(">")),
    "list": lambda folder, X: X.tolist(),
    "map": on_disk,
    "file": as_file,
    "pandas": as_pandas,
    "polars": as_polars,
    "Dask": as_dask,
}
SPARSE = {
    f"{form}_{of}": lambda folder, X, name=f"{form}_{of}": getattr(sp, name)(X)
    for form in ("csr", "csc", "coo")
    for of in ("array", "matrix")
}


class Case:
    """One random case: what it is made of, and a folder for what it has on disk."""

    def __init__(self, seed, number, folder):
        self.seed, self.number, self.folder = seed, number, Path(folder)
        self.rng = rng = np.random.default_rng([seed, number])
        table = draw_table(rng)
        self.kind, self.y = draw_labels(rng, table)
        self.weights = draw_weights(rng, len(table))
        if self.weights is not None and self.y.ndim == 1:  # every class has some
            self.weights[np.unique(self.y, return_index=True)[1]] = 1
        self.model = draw_model(rng, len(table))
        name = choose(rng, list(DENSE)[:8] * 2 + [*DENSE, *SPARSE])
        form = choose(rng, ["float64"] * 5 + ["float32", "float32", "int64", "bool"])
        if form == "int64":
            table = np.round(np.clip(table, -1e9, 1e9))
        elif form == "bool":
            table = table > 0
        elif form == "float32":
            table = np.clip(table, -1e30, 1e30)
        table = table.astype(form)
        self.container = f"{name} of {form}"
        try:
            self.X = {**DENSE, **SPARSE}[name](self.folder, table.copy())
        except ImportError:
            self.X, self.container = table.copy(), f"array of {form}"
        self.table = table.astype(float)
        self.is_dask = hasattr(self.X, "dask")
        # scikit-learn makes float64 of what is no array, or has other bytes
        widened = name in ("list", "big endian", "polars")
        self.single = form == "float32" and not widened
        self.precision = float(np.finfo(np.float32 if self.single else float).eps)

    def __str__(self):
        n, p = self.table.shape
        weights = "no weights"
        if self.weights is not None:
            weights = f"weights {self.weights.min():g} to {self.weights.max():g}"
        return (
            f"{self.container}, {n} x {p}, {self.kind} labels {self.y.dtype}, "
            f"{weights}, {self.model}"
        )

    def fit(self, model=None):
        """A fitted clone of a model, of the case's by default."""
        model = clone(self.model if model is None else model)
        return model.fit(self.X, self.y, sample_weight=self.weights)

    def counting(self):
        """The weights that the log-likelihood has, class weights among them."""
        weights = np.ones(len(self.y)) if self.weights is None else self.weights
        weights = np.asarray(weights, float)
        if self.model.class_weight is None:
            return weights
        # "balanced", of one output
        names, codes = np.unique(self.y, return_inverse=True)
        counts = np.bincount(codes, weights, len(names))
        present = np.maximum((counts > 0).sum() * counts, 1e-300)
        return weights * (counts.sum() / present)[codes]


def quiet():
    """For the checks' own sums: only those of the package may not warn."""
    return np.errstate(all="ignore")


# --- what is promised -----------------------------------------------------------------


def require(holds, promise, *details):
    """AssertionError that names the promise, unless it holds."""
    if not holds:
        raise AssertionError(f"{promise}: {' '.join(map(str, details))}")


def numbers(model):
    """All fitted numbers, one array after another."""
    layers = model.coefs_ + model.intercepts_ if hasattr(model, "coefs_") else None
    return layers or [model.coef_, model.intercept_]


def contents(value):
    """What a container has inside, as bytes and lists that can be compared."""
    if sp.issparse(value):
        parts = value.tocsr() if value.format == "coo" else value
        return [parts.data.tobytes(), parts.indices.tobytes(), parts.indptr.tobytes()]
    if hasattr(value, "dask") or isinstance(value, list):
        return np.asarray(value).tobytes()
    if hasattr(value, "to_numpy"):
        return value.to_numpy().tobytes()
    value = getattr(value, "_table", value)
    return value if value is None else np.array(value).tolist()


def rounding(case, model):
    """What the log-likelihood and a gradient may be off by, from rounding alone.

    Parameters that are rounded to their last bit move a logit by as much as that of
    each of its terms, and a row's log-likelihood by no more.
    """
    X, size = np.abs(case.table), np.abs(case.table)
    with quiet():
        for W, b in model._layers:
            size = size @ np.abs(np.asarray(W, float)) + np.abs(np.asarray(b, float))
        moved = 32 * case.precision * (1 + size.sum(axis=1))
        moved = np.minimum(moved, np.finfo(float).max / 1e9)  # which 0 may weigh
    weights = case.counting() if case.kind in ("binary", "multiclass") else 1.0
    if np.ndim(weights) == 0 and case.weights is not None:
        weights = np.asarray(case.weights, float)
    # a class weight of several outputs is at most so large
    largest = 1 if case.model.class_weight is None else len(X)
    return weights * moved * largest


def check_shapes(case, model):
    n_logits = numbers(model)[-1].shape[0]
    n_iter = model.n_iter_
    require(0 <= n_iter <= model.max_iter, "n_iter_ is within max_iter", n_iter)
    require(len(model.log_likelihood_curve_) == n_iter + 1, "a curve's length")
    require(model.n_features_in_ == case.table.shape[1], "n_features_in_")
    sizes = [np.size(part) for part in numbers(model)]
    absent = 0 if model.fit_intercept else sum(len(b) for _, b in model._layers)
    require(model.n_parameters_ == sum(sizes) - absent, "n_parameters_", sizes)
    for part in numbers(model):
        require(np.isfinite(part).all(), "a fit is finite")
        wanted = np.float32 if case.single else np.float64
        require(part.dtype == wanted, "float types stay", part.dtype)
    require(np.isfinite(model.log_likelihood_curve_).all(), "curves are finite")
    outputs = case.y.shape[1] if case.y.ndim == 2 else 1
    require(n_logits >= outputs, "logits")


def check_predictions(case, model):
    X = case.X
    read = np.asarray if case.is_dask else (lambda given: given)
    parts = {
        name: getattr(model, name)(X)
        for name in ("predict_proba", "predict_log_proba", "decision_function")
    }
    labels = read(model.predict(X))
    require(labels.shape == case.y.shape, "a label for each", labels.shape)
    if case.kind == "several":
        lists = zip(parts["predict_proba"], parts["predict_log_proba"], strict=True)
        outputs = [
            (classes, read(p), read(log_p), labels[:, i])
            for i, (classes, (p, log_p)) in enumerate(zip(model.classes_, lists))
        ]
    else:
        p, log_p = read(parts["predict_proba"]), read(parts["predict_log_proba"])
        outputs = [(model.classes_, p, log_p, labels)]
    for classes, p, log_p, chosen in outputs:
        within = (p > 0) & (p < 1)
        require(within.all(), "probabilities lie within (0, 1)", p[~within][:3])
        require((log_p <= 0).all() and np.isfinite(log_p).all(), "log p is finite")
        large = p > 1e-30
        size = 64 * case.precision * np.abs(log_p[large]).max(initial=1)
        with quiet():
            near = np.allclose(np.exp(log_p[large]), p[large], rtol=size, atol=0)
        require(near, "log p is the logarithm of p")
        if case.kind == "multilabel":
            likelier = (chosen == (p > 0.5)) | (abs(p - 0.5) <= case.precision)
            require(likelier.all(), "the likelier label")
            continue
        near = np.allclose(p.sum(axis=1), 1, atol=64 * case.precision, rtol=0)
        require(near, "probabilities sum to 1")
        best = p.max(axis=1) <= p[np.arange(len(p)), np.searchsorted(classes, chosen)]
        require(best.all(), "the likeliest label")
    score = model.score(X, case.y, sample_weight=case.weights)
    require(0 <= score <= 1, "a score is a share", score)


def check_likelihood(case, model):
    one_output = case.kind in ("binary", "multiclass")
    if getattr(model, "early_stopping", False):
        return
    if model.class_weight is not None and not one_output:
        return
    weights = case.counting() if one_output else case.weights
    if not np.all(np.isfinite(weights if weights is not None else 0)):
        return
    again = model.log_likelihood(case.X, case.y, sample_weight=weights)
    slack = rounding(case, model).sum() + 64 * case.precision * abs(again)
    off = abs(again - model.log_likelihood_)
    require(off <= slack, "log_likelihood_ is the data's", again, model.log_likelihood_)
    require(model.log_likelihood_curve_[-1] == model.log_likelihood_, "a curve's end")
    require(model.log_likelihood_ <= slack, "a log-likelihood is at most 0")
    if one_output and not case.is_dask:
        log_p = np.asarray(model.predict_log_proba(case.X))
        rows, codes = np.arange(len(case.y)), np.searchsorted(model.classes_, case.y)
        with quiet():
            sums = (1.0 if weights is None else weights) * log_p[rows, codes].astype(
                float
            )
        # log p of a saturated row is of the logit's own digits
        slack += 64 * case.precision * np.abs(sums).sum()
        off, largest = abs(sums.sum() - again), np.finfo(log_p.dtype).max
        # Next to the largest number logits are held back, for sums of them to be ones.
        sound = off <= slack or np.abs(log_p).max() >= largest / 10
        require(sound, "log_likelihood sums log p", again, sums.sum())


def check_climb(case, model):
    """ "auto" climbs, and says that it is at the top only where it is."""
    climbs = isinstance(model, LR) or model.solver == "lbfgs"
    if model.learning_rate != "auto" or not climbs or model.class_weight == "balanced":
        return
    curve, slack = model.log_likelihood_curve_, rounding(case, model).sum()
    pure = np.isinf(model.C) if isinstance(model, LR) else model.alpha == 0
    if pure:
        falls = -np.diff(curve).min(initial=0)
        allowed = slack + 64 * case.precision * np.abs(curve).max()
        require(falls <= allowed, "auto never falls", falls, allowed)
    if not (isinstance(model, LR) and model.converged_):
        return
    if case.kind not in ("binary", "multiclass"):
        return
    X, weights = case.table, case.counting()
    p = np.asarray(model.predict_proba(case.X), float)
    with quiet():
        one_hot = case.y[:, None] == model.classes_
        residual = weights[:, None] * (one_hot - p)
        gradient = (X.T @ residual)[:, -len(model.coef_) :].T - model.coef_ / model.C
        # Rounding moves a residual by as much as the logit, and a sum by its terms'.
        moved = rounding(case, model) + 64 * case.precision * weights
        allowed = model.tol * weights.sum() * 1.001 + np.abs(X).T @ moved
        over = np.abs(gradient) / np.maximum(allowed, 1e-300)
        # Or no step shows: what a component may still gain is within the value's digits
        spread = weights[:, None] * np.maximum(p * (1 - p), case.precision)
        bend = (X.T**2 @ spread)[:, -len(model.coef_) :].T + 1 / model.C
        size = abs(model.log_likelihood_) + (model.coef_**2).sum() / model.C
        visible = gradient**2 / bend > 4096 * case.precision * size
        over = np.where(visible, over, 0).max()
    require(over <= 1, "converged_ is at the top, to tol", over)


def check_again(case, model, fit):
    same = partial(np.testing.assert_array_equal, err_msg="the same bits again")
    second = fit(case)
    for ours, others in zip(numbers(model), numbers(second), strict=True):
        same(ours, others)
    same(model.log_likelihood_curve_, second.log_likelihood_curve_)
    if case.is_dask:
        return
    kept = pickle.loads(pickle.dumps(model))
    for other in (kept, copy.deepcopy(model)):
        same(np.asarray(other.predict(case.X)), np.asarray(model.predict(case.X)))
        for ours, others in zip(numbers(model), numbers(other), strict=True):
            same(ours, others)


def check_stream(case):
    """Half the rows after the other half."""
    model = clone(case.model)
    if not hasattr(model, "partial_fit") or case.is_dask:
        return
    X = case.table.astype(np.float32 if case.single else float)
    classes = [np.unique(column) for column in case.y.T]
    classes = np.unique(case.y) if case.y.ndim == 1 else classes
    for at in (slice(0, len(X), 2), slice(1, len(X), 2)):
        weights = None if case.weights is None else case.weights[at]
        if weights is not None and not weights.any():
            return
        try:
            model.partial_fit(X[at], case.y[at], classes, sample_weight=weights)
        except ValueError as error:  # of weights that a rate has made too large
            require(model.learning_rate != "auto", "an auto stream goes on")
            require("smaller learning_rate" in str(error), "it says what to change")
        for part in numbers(model):
            require(np.isfinite(part).all(), "a stream's fit is finite")


def check_warm_start(case, model):
    """From where it was, an "auto" climbs on."""
    if not model.warm_start:
        return
    before = model.log_likelihood_
    slack = rounding(case, model).sum() + 64 * case.precision * abs(before)
    model.fit(case.X, case.y, sample_weight=case.weights)
    pure = isinstance(model, LR) and np.isinf(model.C) and model.class_weight is None
    if pure and model.learning_rate == "auto":
        slack += rounding(case, model).sum()
        require(model.log_likelihood_ >= before - slack, "a warm start climbs on")


NONSENSE = [None, "nonsense", -1, 0, 1.5, np.nan, np.inf, [], {}, (), object(), True]


def spoiled(case, model):
    """The arguments of fit with something wrong, and whether they are surely wrong."""
    rng, n = case.rng, len(case.y)
    X, y, weights = case.table.copy(), case.y, case.weights
    way = rng.integers(13)
    if way == 0:
        name = choose(rng, sorted(model.get_params()))
        model.set_params(**{name: choose(rng, NONSENSE)})
        return way, (X, y, weights), False
    if way == 1:
        X[rng.integers(n), 0] = choose(rng, [np.nan, np.inf, -np.inf])
    elif way == 2:
        y = np.zeros(n, int)
    elif way == 3:
        weights = np.ones(n)
        weights[rng.integers(n)] = choose(rng, [-1.0, np.nan, np.inf])
    elif way == 4:
        weights = choose(rng, [np.ones(n + 1), np.zeros(n), "weights", np.ones((n, 2))])
    elif way == 5:
        y = y[:-1]
    elif way == 6:
        y = rng.standard_normal(n)
    elif way == 7:
        y = np.array([1.0, np.nan] * n)[:n]
    elif way == 8:
        X = choose(rng, [X[0], X[None], X[:0], X[:, :0], X.astype(complex) + 1j, None])
    elif way == 9:
        X = choose(rng, [np.full(X.shape, "a"), [[1], [2, 3]], "X", 3.0, {}, object()])
    elif way == 10:
        y = choose(rng, [None, "y", np.ones((n, 2, 2)), [[1], [2, 3]], 1.0, {}])
    elif way == 11:
        y = np.array([1, "a", None, (2,)] * n, dtype=object)[:n]
    else:
        X = sp.csr_array(X)
        X.data = np.full(len(X.data), np.nan)
        if not X.nnz:
            return way, (X, y, weights), False
    return way, (X, y, weights), True


def check_bad_input(case, model):
    """An error in words, of two kinds alone, and the fit as it was before."""
    model = copy.deepcopy(model)
    way, (X, y, weights), surely_wrong = spoiled(case, model)
    if way == 0:
        before = None
    else:
        before = pickle.dumps({k: v for k, v in vars(model).items() if k[-1] == "_"})
    try:
        model.fit(X, y, sample_weight=weights)
    except (ValueError, TypeError) as error:
        require(len(str(error).split()) > 2, "an error has words", repr(error))
        if before is not None:
            now = pickle.dumps({k: v for k, v in vars(model).items() if k[-1] == "_"})
            require(before == now, "a fit that fails leaves the old one")
        return
    require(not surely_wrong, "what is wrong is refused", way)
    if surely_wrong or way:
        return


def check(case):
    """Hold a case to all that is promised."""
    given = [contents(of) for of in (case.X, case.y, case.weights)]
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        for category in EXPECTED:
            warnings.simplefilter("ignore", category)
        model = case.fit()
        require(vars(clone(model)) == vars(clone(case.model)), "clones are clones")
        check_shapes(case, model)
        check_predictions(case, model)
        check_likelihood(case, model)
        check_climb(case, model)
        check_again(case, model, Case.fit)
        check_stream(case)
        now = [contents(of) for of in (case.X, case.y, case.weights)]
        require(given == now, "inputs are never written to")
        check_bad_input(case, model)
        check_warm_start(case, model)


def in_this_thread():
    """A context for Dask's work, if it is there."""
    try:
        import dask
    except ImportError:
        return nullcontext()
    return dask.config.set(scheduler="synchronous")


def run(seed, number):
    """Draw and check one case; the traceback where a promise is broken, or None."""
    with tempfile.TemporaryDirectory() as folder, in_this_thread():
        case = Case(seed, number, folder)
        try:
            check(case)
        except Exception:
            return f"{case}\n{traceback.format_exc()}"
        finally:
            del case.X  # a map of the folder
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="a new one by default")
    parser.add_argument("--only", type=int, help="the number of a single case")
    given = parser.parse_args()
    seed = given.seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    print(f"seed {seed}", flush=True)
    chosen = range(given.cases) if given.only is None else [given.only]
    begun, broken = time.monotonic(), []
    for number in chosen:
        faulthandler.dump_traceback_later(300, exit=True)  # one that hangs
        found = run(seed, number)
        if found:
            broken.append(number)
            print(f"\n--- python -m tests.fuzz --seed {seed} --only {number}\n{found}")
    faulthandler.cancel_dump_traceback_later()
    seconds = time.monotonic() - begun
    print(f"{len(chosen)} cases in {seconds:.0f} s; {len(broken)} broken: {broken}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
