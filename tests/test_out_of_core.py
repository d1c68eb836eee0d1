"""Features that stay where they are: read as they are needed, never as a whole."""

import tracemalloc
import warnings

import numpy as np
import pytest
from files import File
from scipy.sparse import issparse
from scipy.sparse import random as sparse_random
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP
from skneuron._data import rows

MODELS = [
    LR(),
    LR(solver="newton"),
    LR(solver="lbfgs"),
    LR(0.5, max_iter=20),
    LR(batch_size=100, random_state=0, max_iter=5),
    LR(class_weight={0: 0.0, 1: 1.0, 2: 2.0}),
    LR(fit_intercept=False, C=1.0),
    MLP((5,), max_iter=5, random_state=0),
    MLP((5,), max_iter=5, random_state=0, early_stopping=True, batch_size=64),
    MLP((5,), max_iter=5, random_state=0, solver="gradient", learning_rate=0.01),
    MLP((5,), max_iter=5, random_state=0, solver="lbfgs"),
]


def data(n=1500, dtype=np.int16):
    rng = np.random.default_rng(0)
    X = (100 * rng.standard_normal((n, 4))).astype(dtype)
    y = np.clip(np.round((X[:, 0] - X[:, 1]) / 150 + rng.logistic(size=n)), -1, 1)
    return X, y.astype(int) + 1


def mapped(folder, X):
    path = folder / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def quietly(model, X, y, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(model).fit(X, y, **more)


#: What sums in other blocks leave of the digits: of a logit of hundreds in float32,
#: hardly more than what comes before the point and some places after it.
DIGITS = {
    np.float64: {"rtol": 1e-9, "atol": 1e-12},
    np.float32: {"rtol": 1e-3, "atol": 1e-4},
}


def says_the_same(stored, here, X, floats, y):
    for method in ["predict", "predict_proba", "decision_function"]:
        np.testing.assert_allclose(
            getattr(stored, method)(X),
            getattr(here, method)(floats),
            **DIGITS[floats.dtype.type if floats.dtype.kind == "f" else np.float64],
        )
    assert stored.score(X, y) == here.score(floats, y)
    assert stored.log_likelihood(X, y) == pytest.approx(here.log_likelihood(floats, y))


@pytest.mark.parametrize("dtype", [np.int16, np.float16, ">f8", bool])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_map_of_numbers_of_any_type(tmp_path, model, dtype):
    X, y = data()
    X = X.astype(dtype)
    stored, floats = mapped(tmp_path, X), X.astype(float)
    says_the_same(
        quietly(model, stored, y), quietly(model, floats, y), stored, floats, y
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_table_in_a_file_of_another_kind(model, dtype):
    X, y = data()
    X = np.abs(X).astype(dtype) if dtype == np.uint8 else X.astype(dtype)
    floats = X.astype(np.float32 if dtype == np.float32 else np.float64)
    stored, here = quietly(model, File(X), y), quietly(model, floats, y)
    assert stored.n_features_in_ == 4
    says_the_same(stored, here, File(X), floats, y)


@pytest.mark.parametrize("model", [LR(), MLP((3,), random_state=0)], ids=str)
def test_a_stream_out_of_a_file(model):
    X, y = data()
    stored, here = clone(model), clone(model)
    for at in np.split(np.arange(len(y)), 3):
        stored.partial_fit(File(X[at]), y[at], classes=[0, 1, 2])
        here.partial_fit(X[at].astype(float), y[at], classes=[0, 1, 2])
    np.testing.assert_allclose(
        stored.predict_proba(File(X)), here.predict_proba(X.astype(float)), rtol=1e-9
    )


def test_what_is_wrong_is_said():
    X, y = data(dtype=np.float32)
    X[1200, 2] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN"):
        LR().fit(File(X), y)
    with pytest.raises(ValueError, match=r"Complex data not supported"):
        LR().fit(File(X * 1j), y)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples"):
        LR().fit(File(data()[0]), y[:-1])
    with pytest.raises(ValueError, match=r"0 sample"):
        LR().fit(File(X[:0]), y[:0])
    model = quietly(LR(), File(data()[0]), y)
    with pytest.raises(ValueError, match=r"expecting 4 features"):
        model.predict(File(X[:, :3]))


def test_a_table_is_read_under_dispatch_too(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    X, y = data()
    with config_context(array_api_dispatch=True):
        stored = LR().partial_fit(File(X), y, classes=[0, 1, 2]).fit(File(X), y)
        says_the_same(stored, LR().fit(X, y), File(X), X, y)


def peak_share(model, X, y, **more):
    """The peak of what a fit allocates, as a share of X."""
    quietly(model, X[:2000], y[:2000])
    tracemalloc.start()
    quietly(model, X, y, **more)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (X.data.nbytes + X.indices.nbytes if issparse(X) else X.nbytes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        LR(max_iter=3),
        LR(batch_size=1000, max_iter=1),
        MLP((5,), max_iter=1, batch_size=1000, early_stopping=True),
        MLP((5,), max_iter=1, batch_size=1000, early_stopping=True, solver="lbfgs"),
    ],
    ids=str,
)
def test_no_copy_of_features_that_are_large(model, monkeypatch):
    # Of data that are small enough for a test, blocks would be a notable share.
    monkeypatch.setattr(rows, "LARGE_BYTES", 1 << 19)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1 << 19)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 200))
    y = (X[:, 0] + rng.logistic(size=len(X)) > 0).astype(np.int8)
    assert peak_share(model, X, y) < 0.1
    counts = np.ones(len(X))
    counts[::10] = 0
    assert peak_share(model, X, y, sample_weight=counts) < 0.1


@pytest.mark.slow
def test_no_copy_of_large_features_of_any_size(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1 << 19)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 100)).astype(np.float32)
    y = (X[:, 0] + rng.logistic(size=len(X)) > 0).astype(np.int8)
    X[:, :3] *= [1e15, 1e-20, 0.0]
    model = MLP((3,), max_iter=1, random_state=0, early_stopping=True)
    monkeypatch.setattr(rows, "LARGE_BYTES", X.nbytes)
    copied = quietly(model, X, y)
    monkeypatch.setattr(rows, "LARGE_BYTES", 1 << 19)
    found = quietly(model, X, y).log_likelihood_
    assert found == pytest.approx(copied.log_likelihood_, rel=1e-6)
    assert peak_share(model, X, y) < 0.4


@pytest.mark.slow
def test_no_copy_of_sparse_features(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1 << 19)
    X = sparse_random(50_000, 100, 0.2, format="csr", random_state=0)
    y = (X @ np.arange(100.0) > 495).astype(np.int8)
    assert peak_share(LR(batch_size=1000, max_iter=1, C=1e-3), X, y) < 0.4


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
def test_probabilities_take_little_more_than_their_room(method):
    X = np.random.default_rng(0).standard_normal((200_000, 1))
    three = np.arange(len(X)) % 3
    two = three > 0
    for y in [two, three, np.c_[two, three == 1], np.c_[three, two]]:
        model = quietly(LR(max_iter=1), X[:300], y[:300])
        tracemalloc.start()
        found = getattr(model, method)(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        few = getattr(model, method)(X[-100:])
        if not isinstance(found, list):
            found, few = [found], [few]
        assert peak < 3 * sum(one.nbytes for one in found) + (4 << 20)
        for one, end in zip(found, few, strict=True):
            np.testing.assert_allclose(one[-100:], end, rtol=1e-12)
