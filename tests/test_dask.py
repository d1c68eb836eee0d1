"""Dask collections: the same answer as in memory, on threads and on a cluster."""

import os
import pickle
import signal
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron._data import dask_rows
from skneuron.exceptions import SeparationWarning
from skneuron.model_selection import LockstepSearchCV

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe", reason="pip install dask[dataframe]")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
N, D = 600, 6

slow = pytest.mark.slow
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def here():
    """No cluster: all parts one after another."""
    with dask.config.set(scheduler="synchronous"):
        yield


def features(n=N):
    X, y = make_classification(
        n, D, n_informative=5, n_redundant=0, n_classes=3, flip_y=0.2, random_state=0
    )
    return X + [0, 0, 5, -200, 0, 0], y


X, THREE = features()
TWO = (THREE > 0).astype(int)
WEIGHTS = np.random.RandomState(0).randint(0, 3, N).astype(float)
WORDS = np.array(["low", "mid", "highest"])
LABELS = {
    "two": TWO,
    "three": THREE,
    "strings": WORDS[THREE],
    "objects": WORDS.astype(object)[THREE],
    "multilabel": np.c_[TWO, THREE == 1].astype(int),
    "several": np.c_[THREE, TWO],
}
EVEN = (200, 200, 200)
CHUNKS = {
    "even": (EVEN, (D,)),
    "uneven": ((10, 290, 1, 299), (D,)),
    "by columns": ((250, 250, 100), (4, 2)),
    "one": ((N,), (D,)),
}
MODELS = {
    "auto": LR(),
    "newton": LR(solver="newton", C=1.0),
    "lbfgs": LR(solver="lbfgs", fit_intercept=False),
    "gradient": LR(solver="gradient", max_iter=10),
    "lecture": LR(0.1, reduction="sum", max_iter=20, tol=0.0),
    "balanced": LR(C=0.1, class_weight="balanced"),
    "network": MLP((4,), solver="lbfgs", alpha=0.1, max_iter=15, random_state=0),
    "network, all rows": MLP(
        (4,), alpha=0.1, batch_size=N, max_iter=15, random_state=0
    ),
}


def lazy(array, rows):
    """A Dask array with the rows of a chunk, or of every chunk."""
    return da.from_array(array, chunks=(rows, *array.shape[1:]))


def unknown(*arrays):
    """Arrays of which nobody knows how long their chunks are."""
    return [array[da.ones(N, chunks=EVEN) > 0] for array in arrays]


def learned(model):
    return np.concatenate([np.ravel(part) for pair in model._layers for part in pair])


def fitted(model, *data):
    """A clone, fitted, and the categories and messages of its warnings."""
    model = type(model)(**model.get_params())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data)
    return model, [(w.category, str(w.message)) for w in caught]


def assert_same(found, expected, X=X, lazy_X=None, atol=1e-8):
    lazy_X = lazy(X, EVEN) if lazy_X is None else lazy_X
    assert np.allclose(learned(found), learned(expected), 1e-8, atol)
    assert found.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-10)
    names = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    for name in names:
        ours, theirs = getattr(found, name)(lazy_X), getattr(expected, name)(X)
        if not isinstance(theirs, list):
            ours, theirs = [ours], [theirs]
        for lazy_one, there in zip(ours, theirs, strict=True):
            assert isinstance(lazy_one, da.Array)
            one = lazy_one.compute()
            assert one.dtype == there.dtype == lazy_one.dtype
            assert one.shape == there.shape
            same = np.array_equal if name == "predict" else np.allclose
            assert same(one, there), name


# The same answer ---------------------------------------------------------------------


def same_as_in_memory(model, labels, chunks, weights=None):
    y = LABELS[labels]
    rows, columns = CHUNKS[chunks]
    lazy_X, lazy_y = da.from_array(X, chunks=(rows, columns)), lazy(y, rows)
    lazy_weights = None if weights is None else lazy(weights, rows)
    found, said = fitted(MODELS[model], lazy_X, lazy_y, lazy_weights)
    expected, warned = fitted(MODELS[model], X, y, weights)
    assert said == warned
    assert_same(found, expected, lazy_X=lazy_X, atol=1e-7)
    assert found.n_iter_ == expected.n_iter_
    assert np.allclose(found.log_likelihood_curve_, expected.log_likelihood_curve_)
    proba = found.predict_proba(lazy_X)
    assert (proba[0] if isinstance(proba, list) else proba).chunks[0] == rows
    for name in ["score", "log_likelihood"]:
        there = getattr(expected, name)(X, y, weights)
        ours = getattr(found, name)(lazy_X, lazy_y, lazy_weights)
        assert ours == pytest.approx(there)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("labels", ["two", pytest.param("three", marks=slow)])
def test_every_solver(model, labels):
    same_as_in_memory(model, labels, "uneven", WEIGHTS)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize(
    "chunks", ["even", "by columns", "one", pytest.param("uneven", marks=slow)]
)
def test_every_kind_of_labels_and_chunks(labels, chunks):
    same_as_in_memory("auto", labels, chunks)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("labels", ["strings", "multilabel", "several"])
def test_networks_and_weights_of_classes(labels):
    same_as_in_memory("network", labels, "even")
    same_as_in_memory("balanced", labels, "even", WEIGHTS)


@pytest.mark.usefixtures("here")
def test_chunks_of_unknown_sizes():
    lazy_X, lazy_y, weights = unknown(*(lazy(a, EVEN) for a in (X, TWO, WEIGHTS)))
    assert np.isnan(lazy_X.shape[0])
    found, _ = fitted(LR(), lazy_X, lazy_y, weights)
    assert_same(found, LR().fit(X, TWO, WEIGHTS), lazy_X=lazy_X)
    assert found.score(lazy_X, lazy_y, weights) == pytest.approx(
        found.score(X, TWO, WEIGHTS)
    )


@pytest.mark.usefixtures("here")
def test_some_chunks_may_be_empty():
    lazy_X, lazy_y = lazy(X, EVEN), lazy(TWO, EVEN)
    first = da.arange(N, chunks=EVEN) < 250
    found, _ = fitted(LR(), lazy_X[first], lazy_y[first])
    expected = LR().fit(X[:250], TWO[:250])
    assert_same(found, expected, X[:250], lazy_X[first])
    assert found.score(lazy_X[first], lazy_y[first]) == expected.score(
        X[:250], TWO[:250]
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("labels", ["strings", "several"])
def test_some_chunks_of_other_labels_may_be_empty(labels):
    first, y = da.arange(N, chunks=EVEN) < 250, LABELS[labels]
    data = [lazy(of, EVEN)[first] for of in (X, y, WEIGHTS)]
    found, _ = fitted(LR(class_weight="balanced"), *data)
    expected = LR(class_weight="balanced").fit(X[:250], y[:250], WEIGHTS[:250])
    assert_same(found, expected, X[:250], data[0])


@pytest.mark.usefixtures("here")
def test_labels_in_a_column_and_a_weight_for_all():
    found, said = fitted(LR(C=1.0), lazy(X, EVEN), lazy(TWO[:, None], EVEN), 2.0)
    expected, warned = fitted(LR(C=1.0), X, TWO[:, None], np.full(N, 2.0))
    assert set(said) == set(warned)
    assert_same(found, expected)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("text", ["category", "string[pyarrow]", "object"])
def test_dataframes(text):
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["whole"] = np.arange(N) % 7
    y = pd.Series(WORDS[TWO]).astype(text)
    lazy_frame = dd.from_pandas(frame, npartitions=4)
    lazy_y = dd.from_pandas(y, npartitions=4)
    found, expected = LR().fit(lazy_frame, lazy_y), LR().fit(frame, y)
    assert np.array_equal(found.feature_names_in_, frame.columns)
    assert_same(found, expected, frame, lazy_frame)
    assert found.score(lazy_frame, lazy_y) == expected.score(frame, y)
    with pytest.raises(ValueError, match="feature names should match"):
        found.predict(lazy_frame[list(frame.columns[::-1])])
    arrays = LR().fit(lazy_frame.to_dask_array(), lazy_y)
    assert np.allclose(arrays.coef_, found.coef_, 1e-8, 1e-8)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("numbers", ["Int64", "Float32", "int16[pyarrow]"])
def test_dataframes_of_numbers_that_may_be_missing(numbers):
    whole = np.round(5 * (X - X.mean(axis=0)))
    frame = pd.DataFrame(whole, columns=list("abcdef")).astype(numbers)
    y = pd.Series(TWO).astype("Int64")
    lazy_frame, lazy_y = (dd.from_pandas(of, npartitions=3) for of in (frame, y))
    assert_same(LR().fit(lazy_frame, lazy_y), LR().fit(frame, y), frame, lazy_frame)
    frame.iloc[500, 3] = pd.NA
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LR().fit(dd.from_pandas(frame, npartitions=3), lazy_y)


@pytest.mark.usefixtures("here")
def test_sparse_labels_in_memory():
    y = LABELS["multilabel"]
    found = LR().fit(lazy(X, EVEN), sparse.csr_array(y))
    assert_same(found, LR().fit(X, y))
    assert found.score(lazy(X, EVEN), sparse.csr_array(y)) == found.score(X, y)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("model", ["auto", "network"])
def test_float32_stays_float32(model):
    single = X.astype(np.float32)
    found, _ = fitted(MODELS[model], lazy(single, EVEN), lazy(TWO, EVEN))
    expected, _ = fitted(MODELS[model], single, TWO)
    assert learned(found).dtype == np.float32
    assert found.predict_proba(lazy(single, EVEN)).compute().dtype == np.float32
    assert found.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-5)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_chunks(kind):
    dense = np.where(np.random.RandomState(0).rand(N, D) < 0.3, X, 0)
    lazy_X = lazy(dense, EVEN).map_blocks(kind)
    for model in [LR(), LR(C=1.0, solver="newton"), MODELS["network"]]:
        found, _ = fitted(model, lazy_X, lazy(TWO, EVEN))
        expected, _ = fitted(model, sparse.csr_matrix(dense), TWO)
        assert_same(found, expected, dense, lazy_X, atol=1e-7)


@pytest.mark.usefixtures("here")
def test_features_of_any_size():
    wild = X * [1e-200, 1e180, 1, 1, 1, 0] + [0, 0, 1e6, 0, 0, 0.3]
    found = LR().fit(lazy(wild, EVEN), lazy(TWO, EVEN))
    assert_same(found, LR().fit(wild, TWO), wild, lazy(wild, EVEN), atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_climb_that_starts_on_a_sample(kind, joined, monkeypatch):
    if not joined:
        monkeypatch.setattr(dask_rows, "JOINED_BYTES", 0)
    rng = np.random.RandomState(0)
    X = rng.randn(60_000, 8) * (rng.rand(60_000, 8) < 0.5)
    y = (X @ rng.randn(8) + rng.logistic(size=len(X)) > 0).astype(int)
    weights, rows = 1.0 + rng.rand(len(X)), (30, 29_970, 30_000)
    lazy_X = lazy(X, rows).map_blocks(kind)
    found = LR().fit(lazy_X, lazy(y, rows), lazy(weights, rows))
    expected = LR().fit(kind(X), y, weights)
    assert found.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-10)
    assert np.allclose(found.coef_, expected.coef_, atol=1e-4)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("model", ["auto", "lecture"])
def test_warnings_of_separation_and_of_rates(model):
    y = (X[:, 0] > 0).astype(int)
    _, said = fitted(MODELS[model], lazy(X, EVEN), lazy(y, EVEN))
    assert said == fitted(MODELS[model], X, y)[1]
    assert said[0][0] is (SeparationWarning if model == "auto" else ConvergenceWarning)
    _, said = fitted(LR(100.0, max_iter=9), lazy(X, EVEN), lazy(TWO, EVEN))
    assert said == fitted(LR(100.0, max_iter=9), X, TWO)[1]


# Epochs, warm starts, streams --------------------------------------------------------


@pytest.mark.usefixtures("here")
@unfinished
def test_batches_in_their_order_are_those_in_memory():
    few = {"batch_size": 50, "max_iter": 5, "random_state": 0}
    model = MLP((4,), alpha=0.1, shuffle=False, **few)
    found, _ = fitted(model, lazy(X, EVEN), lazy(TWO, EVEN))
    assert_same(found, fitted(model, X, TWO)[0])


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@unfinished
@pytest.mark.parametrize(
    "model",
    [
        LR(batch_size=32, max_iter=8, random_state=3),
        LR(0.01, batch_size=32, max_iter=8, random_state=3),
        MLP((5,), max_iter=8, batch_size=64, random_state=3),
        pytest.param(
            MLP((5,), solver="gradient", batch_size=64, max_iter=8, random_state=3),
            marks=slow,
        ),
    ],
)
def test_shuffled_batches_repeat_with_their_seed(model):
    Z = X - X.mean(axis=0)
    data = lazy(Z, EVEN), lazy(TWO, EVEN)
    once, again = fitted(model, *data)[0], fitted(model, *data)[0]
    assert np.array_equal(learned(once), learned(again))
    other = fitted(model.set_params(random_state=4), *data)[0]
    assert not np.array_equal(learned(once), learned(other))
    expected, _ = fitted(model, Z, TWO)
    assert once.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=0.1)
    assert once.log_likelihood_ == pytest.approx(once.log_likelihood(Z, TWO))


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@unfinished
@pytest.mark.parametrize("labels", ["three", "several"])
def test_early_stopping_sets_rows_of_every_chunk_aside(labels):
    model = MLP((5,), early_stopping=True, max_iter=30, random_state=0)
    y = LABELS[labels]
    found, _ = fitted(model, lazy(X, (150, 450)), lazy(y, (150, 450)))
    expected, _ = fitted(model, X, y)
    assert len(found.validation_scores_) == found.n_iter_
    assert found.validation_scores_.max() > found.validation_scores_[0]
    share = found.log_likelihood_ / found.log_likelihood(X, y)
    assert 0.8 < share < 1
    assert found.score(X, y) == pytest.approx(expected.score(X, y), abs=0.2)


@pytest.mark.usefixtures("here")
@unfinished
@pytest.mark.parametrize(
    "model",
    [LR(solver="lbfgs"), MLP((4,), alpha=0.1, tol=0.0, random_state=0), LR(0.1)],
    ids=["lbfgs", "adam", "lecture"],
)
def test_a_warm_start_goes_on(model):
    data = lazy(X, EVEN), lazy(TWO, EVEN)
    whole, _ = fitted(model.set_params(warm_start=True, max_iter=6), *data)
    half, _ = fitted(model.set_params(max_iter=3), *data)
    half.fit(*data)
    assert np.allclose(learned(half), learned(whole), 1e-9, 1e-11)


@pytest.mark.usefixtures("here")
def test_partial_fit():
    found, expected = LR(class_weight="balanced"), LR(class_weight="balanced")
    for part in [slice(0, 300), slice(300, 600)]:
        one, y = X[part], TWO[part]
        found.partial_fit(lazy(one, 100), lazy(y, 100), classes=[0, 1])
        expected.partial_fit(one, y, classes=[0, 1])
    assert_same(found, expected)


@pytest.mark.usefixtures("here")
def test_partial_fit_under_dispatch(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    data = lazy(X, EVEN), lazy(TWO, EVEN)
    with config_context(array_api_dispatch=True):
        found = LR().partial_fit(*data, classes=[0, 1]).partial_fit(*data)
    expected = LR().partial_fit(X, TWO, classes=[0, 1]).partial_fit(X, TWO)
    assert_same(found, expected)


@pytest.mark.usefixtures("here")
def test_verbose_tells_the_same(capsys):
    LR(verbose=1).fit(lazy(X, EVEN), lazy(TWO, EVEN))
    said = capsys.readouterr().out
    LR(verbose=1).fit(X, TWO)
    assert said == capsys.readouterr().out


# What cannot be used -----------------------------------------------------------------


def broken(X, y, weights):
    """Data that are wrong in one way each."""
    gap, endless = X.copy(), X.copy()
    gap[400, 2], endless[0, 0] = np.nan, np.inf
    mixed = y.astype(object)
    mixed[:5] = "a"
    return {
        "NaN": (gap, y),
        "inf": (endless, y),
        "lengths": (X, y[:-1]),
        "one class": (X, 0 * y),
        "continuous": (X, y + 0.2),
        "NaN in y": (X, y * np.nan),
        "mixed labels": (X, mixed),
        "negative weights": (X, y, weights - 1),
        "NaN in weights": (X, y, weights * np.nan),
        "text": (np.full(X.shape, "a"), y),
        "complex": (X + 1j, y),
        "one axis": (X[:, 0], y),
        "no rows": (X[:0], y[:0]),
    }


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", broken(X, TWO, WEIGHTS))
def test_the_same_errors_as_in_memory(name):
    data = broken(X, TWO, WEIGHTS)[name]
    with pytest.raises(ValueError) as expected:
        LR().fit(*data)
    model = LR().fit(X, TWO)
    before = model.coef_
    with pytest.raises(ValueError) as found:
        model.fit(*(lazy(one, 200) for one in data))
    first, wanted = (str(one.value).splitlines()[0] for one in (found, expected))
    assert first[:30] == wanted[:30]
    assert model.coef_ is before


@pytest.mark.usefixtures("here")
def test_other_errors():
    lazy_X, y = lazy(X, EVEN), lazy(TWO, EVEN)
    with pytest.raises(ValueError, match="No sample counts"):
        LR().fit(lazy_X, y, lazy(0 * WEIGHTS, EVEN))
    with pytest.raises(ValueError, match="same parts"):
        LR().fit(*unknown(lazy_X), lazy(TWO, 100))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        LR().fit(lazy_X[lazy_X[:, 0] > 0], y)
    with pytest.raises(ValueError, match="must be Dask collections too"):
        LR().fit(*unknown(lazy_X), TWO)
    model = LR().fit(lazy_X, TWO)  # in memory: small beside X
    assert_same(model, LR().fit(X, TWO))
    with pytest.raises(ValueError, match="not among the classes"):
        model.log_likelihood(lazy_X, y + 1)
    with pytest.raises(ValueError, match="expecting 6 features"):
        model.predict(lazy_X[:, :3])
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.score(lazy_X, None)
    with pytest.raises(ValueError, match="same classes"):
        model.set_params(warm_start=True).fit(lazy_X, y + 1)


@pytest.mark.usefixtures("here")
def test_labels_that_are_wrong_between_chunks_alone():
    mixed = TWO.astype(object)
    mixed[:200] = "a"
    with pytest.raises(ValueError, match="mixes labels of different types"):
        LR().fit(lazy(X, EVEN), lazy(mixed, EVEN))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        LR().fit(lazy(X, EVEN), lazy(np.r_[TWO[:400], X[400:, 0]], EVEN))
    with pytest.raises(TypeError, match="at least 1 dimension"):
        LR().fit(lazy(X, EVEN), 1)


@pytest.mark.usefixtures("here")
def test_chunks_of_other_shapes_are_named():
    parts = [X[:300], X[300:, :4]]
    parts = [da.from_delayed(dask.delayed(of), (300, D), float) for of in parts]
    with pytest.raises(ValueError, match="A part of X has 4 columns, but X has 6"):
        LR().fit(da.concatenate(parts), lazy(TWO, 300))


@pytest.mark.usefixtures("here")
def test_a_search_takes_one_candidate_after_the_other():
    grid = {"C": [0.1, 1.0]}
    search = LockstepSearchCV(LR(solver="newton"), grid, cv=2)
    found = search.fit(lazy(X, EVEN), lazy(TWO, EVEN)).best_score_
    assert found == pytest.approx(search.fit(X, TWO).best_score_)


# A cluster ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            memory_limit=0,
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


class AfterIterations:
    """Call a function after some iterations: scikit-learn's callback."""

    def __init__(self, n, function):
        self.n, self.function = n, function

    def setup(self, *args, **kwargs):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        self.n -= 1
        if self.n == 0:
            self.function()


def spread_out(client, rows=200):
    return client.persist([lazy(X, rows), lazy(TWO, rows)])


@slow
@pytest.mark.parametrize("model", ["auto", "network"])
def test_the_same_answer_on_a_cluster(client, model):
    lazy_X, y = spread_out(client)
    found, said = fitted(MODELS[model], lazy_X, y)
    expected, warned = fitted(MODELS[model], X, TWO)
    assert said == warned
    assert_same(found, expected, lazy_X=lazy_X, atol=1e-7)
    assert found.score(lazy_X, y) == pytest.approx(expected.score(X, TWO))


@slow
@unfinished
def test_the_same_epochs_on_a_cluster(client):
    model = MLP((4,), batch_size=50, max_iter=4, random_state=0)
    found, _ = fitted(model, *spread_out(client))
    with dask.config.set(scheduler="synchronous"):
        expected, _ = fitted(model, lazy(X, EVEN), lazy(TWO, EVEN))
    assert np.allclose(learned(found), learned(expected))


@slow
def test_no_chunk_comes_to_the_client(client, monkeypatch):
    X, y = features(20_000)
    X, y = client.persist([lazy(X, 2500), lazy((y > 0).astype(int), 2500)])
    sizes = []
    gather = type(client).gather

    def noted(self, *args, **kwargs):
        result = gather(self, *args, **kwargs)
        sizes.append(len(pickle.dumps(result)))
        return result

    monkeypatch.setattr(type(client), "gather", noted)
    model = LR().fit(X, y)
    model.score(X, y), model.log_likelihood(X, y), model.predict(X)
    assert sizes
    assert max(sizes) < 5000 < X.nbytes / X.npartitions / 20


@slow
@unfinished
def test_a_worker_killed_in_a_fit_changes_nothing(client):
    lazy_X, y = spread_out(client)
    model = LR(0.01, max_iter=6, tol=0.0)
    expected, _ = fitted(model, X, TWO)
    pids = client.run(os.getpid)
    victim = next(iter(pids.values()))
    model.set_callbacks(AfterIterations(2, lambda: os.kill(victim, signal.SIGKILL)))
    model.fit(lazy_X, y)
    assert np.allclose(learned(model), learned(expected), atol=1e-10)
    client.wait_for_workers(2)
    assert victim not in client.run(os.getpid).values()


def test_columns_of_text_are_named():
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(city="Bern", zip="3000")
    lazy_frame = dd.from_pandas(frame, npartitions=2)
    y = dd.from_pandas(pd.Series(TWO), npartitions=2)
    with pytest.raises(ValueError, match=r"\['city', 'zip'\].*hold text"):
        LR().fit(lazy_frame, y)
    fitted = LR().fit(lazy_frame[list("abcdef")], y)
    with pytest.raises(ValueError, match="hold text"):
        fitted.predict(lazy_frame)


@pytest.mark.usefixtures("here")
def test_a_column_of_labels_is_warned_about_once():
    lazy_X, y = lazy(X, 100), lazy(TWO[:, None], 100)
    for call in (LR(C=1.0).fit, LR(C=1.0).fit(X, TWO).log_likelihood):
        with pytest.warns(DataConversionWarning, match="column-vector") as caught:
            call(lazy_X, y)
        assert len(caught) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("model", [LR(), LR(C=1.0), MLP((3,), random_state=0)], ids=str)
def test_a_class_without_weight_is_rare(model):
    weights = 1.0 * (THREE != 1)
    with pytest.warns(SeparationWarning, match="o sample that counts is of class 1"):
        fitted = model.fit(lazy(X, 200), lazy(THREE, 200), lazy(weights, 200))
    assert (fitted.predict(X) != 1).all()


@pytest.mark.usefixtures("here")
def test_labels_that_are_missing_are_named():
    y = pd.Series(WORDS[THREE], dtype="string")
    y[500] = pd.NA
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcdef")), npartitions=3)
    with pytest.raises(ValueError, match="NaN"):
        LR().fit(frame, dd.from_pandas(y, npartitions=3))


@pytest.mark.usefixtures("here")
def test_what_cannot_be_known_or_scored_is_said():
    columns = lazy(X, 200)[:, da.ones(D, chunks=D) > 0]
    with pytest.raises(ValueError, match="unknown number of columns"):
        LR().fit(columns, lazy(TWO, 200))
    clf, nothing = LR(C=1.0).fit(X, TWO), lazy(np.zeros(N), 200)
    with pytest.raises(ValueError, match="No sample counts"):
        clf.score(lazy(X, 200), lazy(TWO, 200), nothing)


@slow
def test_an_interrupt_keeps_the_climb(client):
    lazy_X, y = spread_out(client)
    model = LR(1e-3, max_iter=10_000, tol=0.0)
    timer = AfterIterations(2, lambda: signal.setitimer(signal.ITIMER_REAL, 0.1))
    model.set_callbacks(timer)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.warns(ConvergenceWarning, match="interrupted after"):
            model.fit(lazy_X, y)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 2 <= model.n_iter_ < 1000
    assert model.log_likelihood_ == pytest.approx(model.log_likelihood(lazy_X, y))


@slow
def test_a_cluster_out_of_memory_is_explained(client, monkeypatch):
    from distributed import KilledWorker

    def dies(*args, **kwargs):
        raise KilledWorker("part", None, 3)

    data = spread_out(client)
    monkeypatch.setattr(dask, "compute", dies)
    with pytest.raises(RuntimeError, match="out of memory"):
        LR().fit(*data)


@slow
def test_dataframes_on_a_cluster(client):
    frame = pd.DataFrame(X, columns=list("abcdef"))
    lazy_frame = dd.from_pandas(frame, npartitions=3)
    y = dd.from_pandas(pd.Series(WORDS[TWO], dtype="category"), npartitions=3)
    found, expected = LR().fit(lazy_frame, y), LR().fit(frame, WORDS[TWO])
    assert np.allclose(found.coef_, expected.coef_)
    assert np.array_equal(found.predict(lazy_frame).compute(), expected.predict(frame))
