"""To ONNX and back into onnxruntime: what the graph says is what the estimator says."""

import sys

import numpy as np
import pandas as pd
import pytest
from reference import binary_data, multiclass_data
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.model_selection import LockstepSearchCV
from skneuron.onnx import register

skl2onnx = pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR = GradientAscentLogisticRegression(C=1.0, max_iter=100)
MLP = SimpleMLPClassifier((5,), learning_rate=0.05, max_iter=20, random_state=0)
both = pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
X, BINARY = binary_data()
_, THREE = multiclass_data(n=60)
PAIRS = np.column_stack([BINARY, THREE])

LABELS = {
    "binary": BINARY,
    "binary strings": np.array(["no", "yes"])[BINARY],
    "bool": BINARY == 1,
    "floats": BINARY * 2.0 - 1.0,
    "uint8": THREE.astype(np.uint8),
    "three": THREE * 10,
    "three strings": np.array(["Bern", "Graz", "Ulm"], dtype=object)[THREE],
    "multilabel": PAIRS > 0,
    "multilabel floats": (PAIRS > 0).astype(float),
    "several": PAIRS,
    "several strings": np.column_stack(
        [np.array(["no", "yes"])[BINARY], np.array(["Bern", "Graz", "Ulm"])[THREE]]
    ),
}


@pytest.fixture(autouse=True, scope="module")
def registered():
    register()
    register()  # once more does no harm


def run(model, X, **options):
    """What the graph of a model puts out."""
    graph = skl2onnx.to_onnx(model, X[:1], options={"zipmap": False, **options})
    return run_graph(graph, {"X": X})


def run_graph(graph, given):
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return session.run(None, given)


def check(model, X, put_out, tol=1e-5):
    """Labels and probabilities of a graph are those of the fitted model."""
    labels, probabilities = put_out
    np.testing.assert_array_equal(labels, model.predict(X))
    expected = model.predict_proba(X)
    if not isinstance(expected, list):
        probabilities, expected = [probabilities], [expected]
    assert len(probabilities) == len(expected)
    for ours, theirs in zip(probabilities, expected, strict=True):
        assert ours.dtype == (np.float64 if X.dtype == np.float64 else np.float32)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tol)


# --- all that there is to convert -----------------------------------------------------


@both
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_all_kinds_of_targets_and_inputs(model, kind, dtype):
    Z = (3 * X).astype(dtype)
    fitted = clone(model).fit(Z, LABELS[kind])
    check(fitted, Z, run(fitted, Z), 1e-12 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize("kind", ["binary", "three strings", "multilabel", "several"])
@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)], ids=str)
def test_all_networks(activation, kind, hidden):
    model = clone(MLP).set_params(hidden_layer_sizes=hidden, activation=activation)
    model.fit(X, LABELS[kind])
    check(model, X, run(model, X), 1e-12)


@both
def test_no_intercepts(model):
    fitted = clone(model).set_params(fit_intercept=False).fit(X, THREE)
    check(fitted, X, run(fitted, X), 1e-12)


@both
@pytest.mark.parametrize("kind", ["binary", "three", "multilabel", "several"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e3, 1e30])
def test_extreme_logits(model, kind, dtype, scale):
    fitted = clone(model).fit(X.astype(dtype), LABELS[kind])
    if model is LR:
        fitted.coef_ *= 100
    else:
        fitted.coefs_[-1] *= dtype(scale)
    Z = (X * scale).astype(dtype)
    labels, probabilities = run(fitted, Z)
    assert all(np.isfinite(of).all() for of in probabilities)
    check(fitted, Z, (labels, probabilities))


def test_attributes_that_a_user_sets():
    fitted = clone(LR).fit(X, BINARY)
    fitted.coef_ = np.array([[1, -2, 0, 3]])
    fitted.intercept_ = 0.0
    check(fitted, X, run(fitted, X), 1e-12)


def test_the_graph_computes_as_the_estimator_does():
    # Terms of a thousand that cancel: in single precision nothing would be left.
    Z = np.column_stack([X[:, 0] + 1e4, np.full(60, 1e4)]).astype(np.float32)
    fitted = clone(LR).fit(Z.astype(np.float64), BINARY)
    fitted.coef_ = np.array([[100.0, -100.0]])
    check(fitted, Z, run(fitted, Z), 1e-6)
    fitted.fit(Z, BINARY)
    assert fitted.coef_.dtype == np.float32
    graph = skl2onnx.to_onnx(fitted, Z[:1], options={"zipmap": False})
    weights = [one for one in graph.graph.initializer if one.data_type in (1, 11)]
    assert weights and {one.data_type for one in weights} == {1}  # float, not double


# --- options --------------------------------------------------------------------------


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["binary", "bool", "three strings"])
def test_dictionaries_unless_told_otherwise(model, dtype, kind):
    Z = X.astype(dtype)
    fitted = clone(model).fit(Z, LABELS[kind])
    labels, rows = run_graph(skl2onnx.to_onnx(fitted, Z[:1]), {"X": Z})
    np.testing.assert_array_equal(labels, fitted.predict(Z))
    assert [*rows[0]] == fitted.classes_.tolist()
    found = [[*row.values()] for row in rows]
    np.testing.assert_allclose(found, fitted.predict_proba(Z), atol=1e-6)


@both
@pytest.mark.parametrize("kind", ["binary", "three strings"])
def test_columns(model, kind):
    fitted = clone(model).fit(X, LABELS[kind])
    graph = skl2onnx.to_onnx(fitted, X[:1], options={"zipmap": "columns"})
    theirs = skl2onnx.to_onnx(
        LogisticRegression().fit(X, LABELS[kind]), X[:1], options={"zipmap": "columns"}
    )
    names = [[output.name for output in of.graph.output] for of in (graph, theirs)]
    assert names[0] == names[1]
    _, *columns = run_graph(graph, {"X": X})
    np.testing.assert_allclose(np.transpose(columns), fitted.predict_proba(X))


@both
@pytest.mark.parametrize("kind", ["multilabel", "several"])
def test_several_outputs_have_no_dictionaries(model, kind):
    fitted = clone(model).fit(X, LABELS[kind])
    check(fitted, X, run_graph(skl2onnx.to_onnx(fitted, X[:1]), {"X": X}))
    with pytest.raises(ValueError, match="zipmap='columns' is for one output"):
        run(fitted, X, zipmap="columns")


@both
@pytest.mark.parametrize("kind", LABELS)
def test_raw_scores(model, kind):
    fitted = clone(model).fit(X, LABELS[kind])
    labels, scores = run(fitted, X, raw_scores=True)
    np.testing.assert_array_equal(labels, fitted.predict(X))
    expected = fitted.decision_function(X)
    if not isinstance(expected, list):
        scores, expected = [scores], [expected]
    for ours, theirs in zip(scores, expected, strict=True):
        if theirs.ndim == 1:  # as skl2onnx has it for LogisticRegression
            theirs = np.column_stack([-theirs, theirs])
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.slow
@both
@pytest.mark.parametrize("kind", LABELS)
def test_class_labels(model, kind):
    fitted = clone(model).fit(X, LABELS[kind])
    *put_out, classes = run(fitted, X, output_class_labels=True)
    check(fitted, X, put_out)
    if not isinstance(fitted.classes_, list):
        classes = [classes]
    expected = np.atleast_2d(fitted.classes_) if len(classes) == 1 else fitted.classes_
    for ours, theirs in zip(classes, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="zipmap=False"):
        run(clone(model).fit(X, BINARY), X, output_class_labels=True, zipmap=True)


@both
@pytest.mark.parametrize("kind", LABELS)
def test_places_in_the_classes(model, kind):
    fitted = clone(model).fit(X, LABELS[kind])
    codes, _ = run(fitted, X, nocl=True)
    assert codes.dtype == np.int64
    if codes.ndim == 1:
        codes = fitted.classes_[codes]
    else:
        codes = np.column_stack(
            [of[column] for of, column in zip(fitted.classes_, codes.T)]
        )
    np.testing.assert_array_equal(codes, fitted.predict(X))


@both
def test_labels_that_onnx_does_not_have(model):
    halves = clone(model).fit(X, BINARY)
    halves.classes_ = np.array([0.5, 1.5])
    with pytest.raises(ValueError, match="whole numbers"):
        run(halves, X)
    np.testing.assert_array_equal(run(halves, X, nocl=True)[0], halves.predict(X) > 1)
    mixed = np.column_stack([BINARY.astype(object), LABELS["three strings"]])
    mixed = clone(model).fit(X, mixed)
    with pytest.raises(ValueError, match="nocl=True"):
        run(mixed, X)
    codes, _ = run(mixed, X, nocl=True)
    np.testing.assert_array_equal(
        mixed.classes_[1][codes[:, 1]], mixed.predict(X)[:, 1]
    )


def test_options_that_are_none():
    fitted = clone(LR).fit(X, BINARY)
    with pytest.raises(NameError, match="decision_path"):
        run(fitted, X, decision_path=True)


# --- in company -----------------------------------------------------------------------


@both
@pytest.mark.parametrize("kind", ["binary", "three strings", "multilabel", "several"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pipelines(model, kind, dtype):
    Z = X.astype(dtype)
    fitted = make_pipeline(StandardScaler(), clone(model)).fit(Z, LABELS[kind])
    check(fitted, Z, run(fitted, Z))


@both
@pytest.mark.parametrize("kind", ["binary strings", "several"])
def test_tables(model, kind):
    table = pd.DataFrame(
        {
            "age": X[:, 0].astype(np.float32),
            "income": X[:, 1].astype(np.float32),
            "city": np.array(["Bern", "Graz", "Ulm"])[THREE],
        }
    )
    encode = make_column_transformer(
        (StandardScaler(), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
    )
    fitted = make_pipeline(encode, clone(model)).fit(table, LABELS[kind])
    graph = skl2onnx.to_onnx(fitted, table[:1], options={"zipmap": False})
    given = {name: table[[name]].to_numpy() for name in table}
    labels, probabilities = run_graph(graph, given)
    np.testing.assert_array_equal(labels, fitted.predict(table))
    for ours, theirs in zip(probabilities, fitted.predict_proba(table), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@both
def test_a_frame_is_an_input_for_each_column(model):
    table = pd.DataFrame(X, columns=list("abcd")).astype({"a": np.float32})
    fitted = clone(model).fit(table, THREE)
    graph = skl2onnx.to_onnx(fitted, table[:1], options={"zipmap": False})
    _, probabilities = run_graph(
        graph, {name: table[[name]].to_numpy() for name in table}
    )
    np.testing.assert_allclose(probabilities, fitted.predict_proba(table), atol=1e-6)


@pytest.mark.slow
@both
@pytest.mark.parametrize("search", [GridSearchCV, LockstepSearchCV])
@pytest.mark.parametrize("kind", ["binary", "three strings", "multilabel", "several"])
def test_searches(model, search, kind):
    rates = [0.01, 0.1]
    alone = search(clone(model), {"learning_rate": rates}, cv=2)
    alone.fit(X, LABELS[kind])
    check(alone, X, run(alone, X))
    name = f"{type(model).__name__.lower()}__learning_rate"
    pipe = search(make_pipeline(StandardScaler(), clone(model)), {name: rates}, cv=2)
    pipe.fit(X, LABELS[kind])
    check(pipe, X, run(pipe, X))


@both
@pytest.mark.parametrize("search", [GridSearchCV, LockstepSearchCV])
def test_a_search_in_a_pipeline(model, search):
    search = search(clone(model), {"learning_rate": [0.01, 0.1]}, cv=2)
    fitted = make_pipeline(StandardScaler(), search).fit(X, THREE)
    check(fitted, X, run(fitted, X))


@pytest.mark.slow
@both
@pytest.mark.parametrize(
    "meta",
    [
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: VotingClassifier(
            [("a", model), ("b", make_pipeline(StandardScaler(), model))],
            voting="soft",
            flatten_transform=False,
        ),
        lambda model: StackingClassifier([("a", model)], final_estimator=model, cv=2),
        lambda model: BaggingClassifier(model, n_estimators=2, random_state=0),
        OneVsRestClassifier,
    ],
    ids=["calibrated", "voting", "stacking", "bagging", "one against the rest"],
)
@pytest.mark.parametrize("kind", ["binary", "three strings"])
def test_meta_estimators(model, meta, kind):
    Z = X.astype(np.float32)
    fitted = meta(clone(model)).fit(Z, LABELS[kind])
    check(fitted, Z, run(fitted, Z))


@both
def test_one_estimator_for_each_output(model):
    Z = X.astype(np.float32)
    fitted = MultiOutputClassifier(clone(model)).fit(Z, PAIRS)
    check(fitted, Z, run(fitted, Z))


# --- what is missing ------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [LR, MLP, LockstepSearchCV(LR, {"C": [1.0]}), make_pipeline(LR)],
    ids=["LR", "MLP", "search", "pipeline"],
)
def test_unfitted(model):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        run(clone(model), X)


def test_a_search_without_refit():
    search = LockstepSearchCV(LR, {"C": [1.0, 2.0]}, refit=False, cv=2).fit(X, BINARY)
    with pytest.raises(NotFittedError):
        run(search, X)


def test_without_skl2onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r'pip install "skneuron\[onnx\]"'):
        register()
