"""A model that is kept is the model: what it predicts, and how it learns on."""

import copy
import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
from reference import binary_data, multiclass_data
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP
from skneuron.model_selection import LockstepSearchCV

sio = pytest.importorskip("skops.io")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneuron.exceptions.SeparationWarning"),
]


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def by_skops(model):
    kept = sio.dumps(model)
    return sio.loads(kept, trusted=sio.get_untrusted_types(data=kept))


WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "cloudpickle": lambda model: cloudpickle.loads(cloudpickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "joblib": by_joblib,
    "skops": by_skops,
}
slow = pytest.mark.slow
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)

X, TWO = binary_data()
_, THREE = multiclass_data(n=60)
LABELS = {
    "binary": TWO,
    "strings": np.array(["Bern", "Graz", "Ulm"])[THREE],
    "multilabel": np.column_stack([TWO, THREE > 0]).astype(int),
    "several": np.column_stack([TWO, THREE]),
}
MODELS = [
    LR(),
    LR(0.1, max_iter=20),
    LR(solver="lbfgs", max_iter=10, tol=0),
    LR(solver="newton", C=1.0),
    LR(solver="gradient", max_iter=20),
    LR(batch_size=16, max_iter=10, random_state=0),
    MLP((4,), max_iter=10, random_state=0),
    MLP((4,), "relu", batch_size=16, learning_rate=0.1, max_iter=10, random_state=0),
    MLP((4,), solver="gradient", max_iter=10, random_state=0),
    MLP((4,), "tanh", solver="lbfgs", max_iter=10, tol=0, random_state=0),
    MLP((4,), early_stopping=True, max_iter=10, random_state=0),
]
every_model = pytest.mark.parametrize("model", MODELS, ids=str)


def assert_same(ours, theirs):
    """Both have the same parameters and fitted attributes, and predict the same."""
    assert type(ours) is type(theirs)
    assert ours.get_params() == theirs.get_params()
    assert vars(ours).keys() == vars(theirs).keys()
    for name, value in vars(theirs).items():
        if not name.startswith("_"):
            np.testing.assert_equal(getattr(ours, name), value)
            assert type(getattr(ours, name)) is type(value)
    np.testing.assert_equal(ours.predict_proba(X), theirs.predict_proba(X))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def classes_of(y):
    return [np.unique(column) for column in y.T] if y.ndim == 2 else np.unique(y)


@pytest.mark.slow
@every_way
@every_model
@pytest.mark.parametrize("kind", LABELS)
def test_predictions(model, kind, way):
    fitted = clone(model).fit(X, LABELS[kind])
    kept = way(fitted)
    assert_same(kept, fitted)
    assert_same(kept.fit(X, LABELS[kind]), fitted)


@every_way
@every_model
@pytest.mark.parametrize("kind", ["strings", pytest.param("several", marks=slow)])
def test_a_warm_start_goes_on(model, kind, way):
    fitted = clone(model).set_params(warm_start=True).fit(X, LABELS[kind])
    kept = way(fitted)
    assert_same(kept.fit(X, LABELS[kind]), fitted.fit(X, LABELS[kind]))


@every_way
@pytest.mark.parametrize(
    "model", [model for model in MODELS if hasattr(model, "partial_fit")], ids=str
)
@pytest.mark.parametrize("kind", ["strings", pytest.param("several", marks=slow)])
def test_a_stream_goes_on(model, kind, way):
    y = LABELS[kind]
    fitted = clone(model).partial_fit(X[:30], y[:30], classes=classes_of(y))
    kept = way(fitted)
    assert_same(kept.partial_fit(X[30:], y[30:]), fitted.partial_fit(X[30:], y[30:]))


@every_way
@pytest.mark.parametrize(
    "model",
    [
        LR(0.1, tol=0, batch_size=16, random_state=0),
        LR(solver="lbfgs", tol=0),
        MLP((4,), tol=0, batch_size=16, random_state=0),
        MLP((4,), solver="lbfgs", tol=0, random_state=0),
    ],
    ids=str,
)
def test_ten_iterations_are_five_and_five_that_were_kept_between(model, way):
    ten = clone(model).set_params(max_iter=10).fit(X, THREE)
    half = clone(model).set_params(max_iter=5, warm_start=True).fit(X, THREE)
    half = way(half).fit(X, THREE)
    np.testing.assert_allclose(
        half.predict_proba(X), ten.predict_proba(X), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("model", [LR(), MLP((5,), max_iter=5)], ids=["LR", "MLP"])
@pytest.mark.parametrize("kind", LABELS)
def test_a_memory_map(model, kind, tmp_path):
    fitted = clone(model).fit(X, LABELS[kind])
    joblib.dump(fitted, tmp_path / "model.joblib")
    kept = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_equal(kept.predict_proba(X), fitted.predict_proba(X))
    kept.set_params(warm_start=True).fit(X, LABELS[kind])  # writes to no mapped array


@pytest.mark.parametrize("warm_start", [False, True])
@every_model
def test_the_training_data_are_not_kept(model, warm_start):
    rng = np.random.default_rng(0)
    many, y = rng.standard_normal((5000, 4)), np.arange(5000) % 2
    fitted = clone(model).set_params(max_iter=3, warm_start=warm_start).fit(many, y)
    assert len(pickle.dumps(fitted)) < 20_000


# --- what has to be trusted -----------------------------------------------------------


def untrusted(model):
    return set(sio.get_untrusted_types(data=sio.dumps(model)))


@every_model
@pytest.mark.parametrize("kind", LABELS)
def test_to_trust_a_model_is_to_trust_its_class(model, kind):
    fitted = clone(model).fit(X, LABELS[kind])
    names = {f"{type(model).__module__}.{type(model).__name__}"}
    if LABELS[kind].ndim == 2:
        names.add("skneuron._data.targets.ClassesPerOutput")
    assert untrusted(fitted) == names


@every_model
def test_what_learns_on_needs_trust_in_nothing_but_this_package(model):
    fits = [clone(model).set_params(warm_start=True).fit(X, LABELS["several"])]
    if hasattr(model, "partial_fit"):
        classes = classes_of(LABELS["several"])
        fits.append(clone(model).partial_fit(X, LABELS["several"], classes))
    for fitted in fits:
        assert all(name.startswith("skneuron.") for name in untrusted(fitted))


# --- searches and pipelines -----------------------------------------------------------


@pytest.mark.slow
@every_way
@pytest.mark.parametrize(
    "model", [LR(0.1, max_iter=20), MLP((4,), max_iter=5)], ids=str
)
@pytest.mark.parametrize("kind", ["binary", "several"])
def test_searches(model, kind, way):
    model = clone(model).set_params(random_state=0)
    grid = {"learning_rate": [0.1, 0.3]}
    fitted = LockstepSearchCV(model, grid, cv=2).fit(X, LABELS[kind])
    kept = way(fitted)
    assert_same(kept.best_estimator_, fitted.best_estimator_)
    np.testing.assert_equal(kept.cv_results_.keys(), fitted.cv_results_.keys())
    for name, column in fitted.cv_results_.items():
        np.testing.assert_array_equal(kept.cv_results_[name], column)
    np.testing.assert_array_equal(kept.log_likelihoods_, fitted.log_likelihoods_)
    assert (kept.best_params_, kept.best_score_) == (
        fitted.best_params_,
        fitted.best_score_,
    )
    again = way(clone(fitted)).fit(X, LABELS[kind])
    np.testing.assert_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_a_search_needs_as_much_trust_as_scikit_learns():
    both = [
        untrusted(search(LR(0.1, max_iter=20), {"C": [1.0, 2.0]}, cv=2).fit(X, TWO))
        for search in (LockstepSearchCV, GridSearchCV)
    ]
    assert both[0] - both[1] == {"skneuron.model_selection.LockstepSearchCV"}


@every_way
@pytest.mark.parametrize("model", [LR(), MLP((4,), max_iter=5)], ids=str)
def test_pipelines(model, way):
    fitted = make_pipeline(StandardScaler(), clone(model)).fit(X, LABELS["strings"])
    kept = way(fitted)
    np.testing.assert_array_equal(kept.predict_proba(X), fitted.predict_proba(X))
