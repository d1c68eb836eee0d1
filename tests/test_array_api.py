"""Arrays of other namespaces: PyTorch's tensors, and array-api-strict's as a stand-in.

The device "device1" of array-api-strict refuses to be taken for NumPy's memory, as a
GPU does: what is computed there was computed there, or moved on purpose.
"""

import math
import pickle
import warnings

import numpy as np
import pytest
import sklearn.utils._array_api as of_scikit_learn
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    _yield_array_api_checks,
    check_array_api_input,
    check_array_api_input_and_values,
)

from skneuron import (
    Convolution,
    GradientAscentLogisticRegression,
    SimpleMLPClassifier,
)
from skneuron._arrays import beside, to_host
from skneuron._search import lockstep
from skneuron.inference import mle_summary, separation
from skneuron.inspection import (
    LogLikelihoodDisplay,
    NetworkDisplay,
    backward_pass,
    check_gradient,
    forward_pass,
    max_stable_learning_rate,
)
from skneuron.model_selection import LockstepSearchCV

pytestmark = [
    # Fits of a few iterations, and the strict namespace's own divisions by 0.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

N = 90
RNG = np.random.RandomState(0)
X = RNG.randn(N, 5) * [1, 10, 0.1, 1, 1] + [0, 0, 0, 50, 0]
LOGITS = (X / [1, 10, 0.1, 1, 1] - [0, 0, 0, 50, 0]) @ RNG.randn(5, 2)
LOGITS += RNG.logistic(size=LOGITS.shape)
Y = {
    "two classes": (LOGITS[:, 0] > 0).astype(int),
    "three classes": 3 * (LOGITS > 0).sum(axis=1) - 3,
    "floats": np.where(LOGITS[:, 0] > 0, 2.0, -1.0),
    "booleans": LOGITS[:, 0] > 0,
    "multilabel": (LOGITS > 0).astype(int),
    "several outputs": np.stack(
        [(LOGITS > 0).sum(axis=1), 5 * (LOGITS[:, 1] > 0)], axis=1
    ),
}
WEIGHTS = RNG.randint(0, 3, N).astype(float)

few = {"max_iter": 3, "random_state": 0}
ESTIMATORS = {
    "auto": GradientAscentLogisticRegression(),
    "newton": GradientAscentLogisticRegression(solver="newton", C=2.0),
    "lbfgs": GradientAscentLogisticRegression(
        solver="lbfgs", class_weight="balanced", max_iter=10
    ),
    "gradient": GradientAscentLogisticRegression(solver="gradient", max_iter=5),
    "lecture": GradientAscentLogisticRegression(
        1e-4, reduction="sum", fit_intercept=False, max_iter=5
    ),
    "batches": GradientAscentLogisticRegression(1e-3, batch_size=32, C=1.0, **few),
    "batches, auto": GradientAscentLogisticRegression(batch_size=32, **few),
    "adam": SimpleMLPClassifier((6,), alpha=0.1, batch_size=32, **few),
    "adam, rate": SimpleMLPClassifier((6,), learning_rate=0.01, batch_size=32, **few),
    "momentum": SimpleMLPClassifier(
        (6, 4), "tanh", solver="gradient", batch_size=32, class_weight="balanced", **few
    ),
    "whole batch": SimpleMLPClassifier((6,), "relu", fit_intercept=False, **few),
    "mlp, lbfgs": SimpleMLPClassifier((6,), "identity", solver="lbfgs", **few),
    "early stopping": SimpleMLPClassifier(
        (6,), "relu", early_stopping=True, batch_size=32, **few
    ),
}
#: Every estimator sees a sigmoid, a softmax, and both together, which is where their
#: sums differ; what labels look like is one matter for all estimators of a class.
FITS = [
    *((name, kind) for name in ESTIMATORS for kind in [*Y][:2] + [*Y][-1:]),
    *((name, kind) for name in ["auto", "early stopping"] for kind in [*Y][2:-1]),
]


class Strict:
    """array-api-strict, on a device that is no host."""

    def __init__(self):
        self.xp = pytest.importorskip("array_api_strict", reason="not installed")
        self.device = self.xp.Device("device1")

    def __call__(self, array):
        return self.xp.asarray(array, device=self.device)


class Torch:
    """PyTorch, on its best device."""

    def __init__(self):
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        torch.set_num_threads(1)  # arrays of 90 rows: a second thread only waits
        self.xp = of_scikit_learn.array_api_compat.array_namespace(torch.empty(0))
        self.device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")

    def __call__(self, array):
        return self.xp.asarray(array, device=self.device)


@pytest.fixture(params=[Strict, pytest.param(Torch, marks=pytest.mark.torch)])
def put(request, monkeypatch):
    """Puts NumPy arrays into another namespace, which is dispatched to meanwhile."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    put = request.param()
    with config_context(array_api_dispatch=True):
        yield put


@pytest.fixture
def moved(monkeypatch):
    """Shapes of the arrays that are moved to the host."""
    shapes, convert = [], of_scikit_learn._convert_to_numpy

    def noting(array, xp):
        shapes.append(tuple(array.shape))
        return convert(array, xp)

    monkeypatch.setattr(of_scikit_learn, "_convert_to_numpy", noting)
    return shapes


def attributes(estimator):
    """All that is learned and is an array."""
    found = [estimator.log_likelihood_curve_]
    for name in ["coef_", "intercept_", "validation_scores_"]:
        found += [getattr(estimator, name)] if hasattr(estimator, name) else []
    for name in ["coefs_", "intercepts_"]:
        found += getattr(estimator, name, [])
    return found


def features_were_moved(shapes):
    return any(shape[1:] == X.shape[1:] and shape[0] > 20 for shape in shapes)


def outputs(result):
    return result if isinstance(result, list) else [result]


def assert_alike(theirs, ours, put, tol=1e-6):
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours):
        assert of_scikit_learn.get_namespace(b)[0] is put.xp
        assert b.device == put(np.zeros(1)).device
        b = to_host(b)
        assert b.dtype == a.dtype
        np.testing.assert_allclose(b, a, rtol=tol, atol=tol * max(1, np.abs(a).max()))


# --- fitting and predicting -----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name, kind", FITS)
def test_fits_and_predicts_as_on_the_host(name, kind, put, moved):
    y, weights = Y[kind], None if kind == "three classes" else WEIGHTS
    ours = clone(ESTIMATORS[name]).fit(X, y, sample_weight=weights)
    there, labels = put(X), put(y)
    w = None if weights is None else put(weights)
    theirs = clone(ESTIMATORS[name]).fit(there, labels, sample_weight=w)
    assert_alike(attributes(ours), attributes(theirs), put)
    for method in ["predict_proba", "predict_log_proba", "decision_function"]:
        here, elsewhere = (
            outputs(getattr(model, method)(of))
            for model, of in [(ours, X), (theirs, there)]
        )
        assert_alike(here, elsewhere, put, 1e-5)
    assert_alike([ours.predict(X)], [theirs.predict(there)], put)
    for classes, others in zip(outputs(ours.classes_), outputs(theirs.classes_)):
        np.testing.assert_array_equal(classes, to_host(others))
    assert theirs.score(there, labels, w) == pytest.approx(ours.score(X, y, weights))
    assert theirs.log_likelihood(there, labels, w) == pytest.approx(
        ours.log_likelihood(X, y, weights)
    )
    assert isinstance(theirs.log_likelihood_, float)
    assert theirs.n_iter_ == ours.n_iter_
    assert not features_were_moved(moved)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_firths_penalty_is_the_same_elsewhere(put, dtype, moved):
    here, y, weights = X.astype(dtype), Y["two classes"], WEIGHTS.astype(dtype)
    model = GradientAscentLogisticRegression(penalty="firth")
    ours = clone(model).fit(here, y, weights)
    theirs = clone(model).fit(put(here), put(y), put(weights))
    assert_alike(attributes(ours), attributes(theirs), put, 1e-5)
    assert not features_were_moved(moved)


@pytest.mark.parametrize("C", [np.inf, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_whole_climb_of_gradients_is_as_long_elsewhere(put, C, seed):
    """Rounding errors do not grow from step to step."""
    X, y = make_classification(30, 10, flip_y=0.3, random_state=seed)
    model = GradientAscentLogisticRegression(solver="gradient", C=C)
    ours, theirs = clone(model).fit(X, y), clone(model).fit(put(X), put(y))
    assert theirs.n_iter_ == ours.n_iter_ > 20
    curve = to_host(theirs.log_likelihood_curve_)
    np.testing.assert_allclose(curve, ours.log_likelihood_curve_, rtol=1e-11)


@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
def test_weights_that_are_shared(solver, put, moved):
    layers = Convolution(3, window=2, pool=2), Convolution(2, window=1), 4
    est = SimpleMLPClassifier(
        layers, "tanh", solver=solver, image_shape=(4, 3, 2), batch_size=32, **few
    )
    pictures, y = X @ np.random.RandomState(1).randn(5, 24), Y["three classes"]
    ours = clone(est).fit(pictures, y, sample_weight=WEIGHTS)
    theirs = clone(est).fit(put(pictures), put(y), sample_weight=put(WEIGHTS))
    assert_alike(attributes(ours), attributes(theirs), put)
    found = theirs.predict_proba(put(pictures))
    assert_alike([ours.predict_proba(pictures)], [found], put, 1e-5)
    assert not features_were_moved(moved)


@pytest.mark.parametrize("kind", ["two classes", "several outputs"])
@pytest.mark.parametrize(
    "name", ["newton", "lecture", "batches", "adam", "momentum", "whole batch"]
)
def test_single_precision_stays_so(name, kind, put):
    single, y = X.astype(np.float32), Y[kind]
    ours = clone(ESTIMATORS[name]).fit(single, y, sample_weight=WEIGHTS)
    theirs = clone(ESTIMATORS[name]).fit(put(single), put(y), put(WEIGHTS))
    # But for the curve: where it ends is a matter of rounding.
    assert_alike(attributes(ours)[1:], attributes(theirs)[1:], put, 5e-3)
    here, there = ours.predict_proba(single), theirs.predict_proba(put(single))
    assert_alike(outputs(here), outputs(there), put, 5e-3)


def test_large_data_go_block_by_block(put, monkeypatch):
    monkeypatch.setattr("skneuron._data.rows.DEVICE_BYTES", 4000)
    for name in ["newton", "lbfgs", "lecture", "adam", "batches, auto"]:
        for of in (X, X * [1e-170, 1, 1, 1e170, 0]):  # beyond what can be squared
            ours = clone(ESTIMATORS[name]).set_params(max_iter=3)
            theirs = clone(ours).fit(put(of), put(Y["three classes"]))
            ours.fit(of, Y["three classes"])
            assert_alike(
                outputs(ours.predict_proba(of)),
                [theirs.predict_proba(put(of))],
                put,
                1e-5,
            )


def test_huge_features_give_finite_probabilities(put):
    model = GradientAscentLogisticRegression(C=1.0).fit(put(X), put(Y["two classes"]))
    for factor in [1e3, 1e300]:
        ours = GradientAscentLogisticRegression(C=1.0).fit(X, Y["two classes"])
        expected = ours.predict_proba(X * factor)
        assert_alike([expected], [model.predict_proba(put(X * factor))], put)


@pytest.mark.parametrize("name", ["auto", "adam"])
def test_labels_of_any_origin_follow_the_features(name, put):
    y = Y["three classes"]
    expected = clone(ESTIMATORS[name]).fit(X, y).predict(X)
    model, there = clone(ESTIMATORS[name]), put(X)
    for labels in [y, y.tolist(), y[:, None]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the column
            predicted = model.fit(there, labels).predict(there)
        assert_alike([expected], [predicted], put)
    words = np.array(["a", "b", "c"])[y // 3 + 1]
    predicted = model.fit(there, words, WEIGHTS).predict(there)
    assert set(predicted) <= {"a", "b", "c"}
    assert model.score(there, words) > 0.3
    # Labels elsewhere, features here.
    np.testing.assert_array_equal(model.fit(X, put(y)).predict(X), expected)
    assert model.score(X, put(y)) == pytest.approx(np.mean(expected == y))


@pytest.mark.parametrize("name", ["newton", "lecture", "batches", "adam", "momentum"])
def test_partial_fit_and_warm_start_go_on(name, put):
    y = Y["three classes"]
    ours, theirs = (clone(ESTIMATORS[name]) for _ in range(2))
    for at in [slice(0, 50), slice(50, N)]:
        ours.partial_fit(X[at], y[at], classes=[-3, 0, 3])
        theirs.partial_fit(put(X[at]), put(y[at]), classes=put(np.array([-3, 0, 3])))
        theirs = pickle.loads(pickle.dumps(theirs)) if put.device is None else theirs
    assert_alike(attributes(ours), attributes(theirs), put)
    ours, theirs = (
        clone(ESTIMATORS[name]).set_params(warm_start=True) for _ in range(2)
    )
    for _ in range(2):
        ours.fit(X, y)
        theirs.fit(put(X), put(y))
    assert_alike(attributes(ours), attributes(theirs), put)
    theirs.fit(X, y)  # back on the host
    assert isinstance(attributes(theirs)[-1], np.ndarray)


@pytest.mark.parametrize("name", ["auto", "adam"])
def test_callbacks_see_what_was_learned(name, put):
    model = clone(ESTIMATORS[name]).set_callbacks(ScoringMonitor(scoring="accuracy"))
    assert model.fit(put(X), put(Y["two classes"])).n_iter_ > 1


def test_separation_is_noticed(put):
    y = Y["two classes"]
    there = put(np.column_stack([X, y]))
    with pytest.warns(ConvergenceWarning, match="completely along 'x5'|x5"):
        GradientAscentLogisticRegression().fit(there, put(y))
    tiny = put(np.column_stack([X, 0.3 * X[:, 0] + y]))
    with pytest.warns(ConvergenceWarning, match="separate"):
        GradientAscentLogisticRegression(solver="newton").fit(tiny, put(y))


def test_an_overshooting_rate_is_told(put):
    with pytest.warns(ConvergenceWarning, match="largest rate that is safe"):
        GradientAscentLogisticRegression(1e3, max_iter=5).fit(
            put(X), put(Y["two classes"])
        )
    with pytest.warns(ConvergenceWarning, match="largest rate found safe"):
        clone(ESTIMATORS["adam"]).set_params(solver="gradient", learning_rate=1e3).fit(
            put(X), put(Y["two classes"])
        )


# --- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["auto", "adam"])
def test_another_namespace_than_in_fit_is_an_error(name, put):
    model = clone(ESTIMATORS[name]).fit(put(X), put(Y["two classes"]))
    methods = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    for method in methods:
        with pytest.raises(ValueError, match=rf"{method}\(\) must use the same"):
            getattr(model, method)(X)
    with pytest.raises(ValueError, match="must use the same namespace"):
        model.partial_fit(X, Y["two classes"])
    moved = of_scikit_learn.move_estimator_to(model, np, "cpu")
    np.testing.assert_array_equal(moved.predict(X), to_host(model.predict(put(X))))
    with config_context(array_api_dispatch=False):  # the weights follow
        np.testing.assert_array_equal(model.predict(X), moved.predict(X))


def test_unusable_labels_are_named(put):
    model, there = GradientAscentLogisticRegression(), put(X)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(there, put(X[:, 0]))
    with pytest.raises(ValueError, match="only one class"):
        model.fit(there, put(np.zeros(N)))
    model.fit(there, put(Y["two classes"]))
    with pytest.raises(ValueError, match=r"not among the classes \[0, 1\]: \[2\]"):
        model.log_likelihood(there, put(2 * Y["two classes"]))
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(there, put(Y["two classes"]), put(WEIGHTS - 1))
    with pytest.raises(ValueError, match="Complex data not supported"):
        model.fit(put(X + 1j), put(Y["two classes"]))


@pytest.mark.parametrize("kind", [list, np.asarray])
def test_weights_may_be_anywhere(kind, put):
    there, y = put(X), put(Y["two classes"])
    found = GradientAscentLogisticRegression().fit(there, y, kind(WEIGHTS))
    expected = GradientAscentLogisticRegression().fit(there, y, put(WEIGHTS))
    assert found.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-12)


# --- beside scikit-learn's own --------------------------------------------------------


def test_pipelines_and_searches_leave_the_features_where_they_are(put, moved):
    there, y = put(X), put(Y["two classes"])
    model = make_pipeline(StandardScaler(), GradientAscentLogisticRegression())
    scores = cross_val_score(model, there, y, cv=2)
    here = cross_val_score(model, X, Y["two classes"], cv=2)
    np.testing.assert_allclose(scores, here)
    name = "gradientascentlogisticregression__C"
    search = GridSearchCV(model, {name: [0.1, 1.0]}, cv=2).fit(there, y)
    assert of_scikit_learn.get_namespace(search.predict(there))[0] is put.xp
    assert not features_were_moved(moved)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, dtype, scoring, steps",
    [
        ("two classes", np.float64, None, []),
        ("two classes", np.float32, "neg_log_loss", []),
        ("two classes", np.float32, None, [StandardScaler()]),
        ("three classes", np.float32, None, []),
        ("three classes", np.float64, "neg_log_loss", [StandardScaler()]),
        ("multilabel", np.float64, None, []),
    ],
)
def test_a_search_goes_in_lockstep_there(
    kind, dtype, scoring, steps, put, moved, monkeypatch
):
    monkeypatch.setattr("skneuron._data.rows.DEVICE_BYTES", 4000)  # two blocks
    together, answers = [], lockstep.answers

    def counted(asked):
        together.append(len(asked))
        return answers(asked)

    monkeypatch.setattr(lockstep, "answers", counted)
    model = make_pipeline(*steps, GradientAscentLogisticRegression(0.5, max_iter=10))
    prefix, weights = "gradientascentlogisticregression__", {}
    if kind != "three classes":
        weights[f"{prefix}sample_weight"] = put(WEIGHTS.astype(dtype))
    usual, others = [0.01, 0.5], [1e4, -1.0]  # one tumbles, one is refused
    grid = {"learning_rate": usual + others}, {"C": [0.5]}, {"reduction": ["mean"]}
    if kind != "multilabel":
        grid[2]["class_weight"] = ["balanced"]
    if not steps:
        model, prefix = model[-1], ""
        weights = {name.split("__")[-1]: of for name, of in weights.items()}
    grid = [{prefix + name: values for name, values in one.items()} for one in grid]
    options = {"cv": 2, "scoring": scoring, "return_train_score": True}
    there = put((X if steps else StandardScaler().fit_transform(X)).astype(dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the one that is refused
        theirs = GridSearchCV(model, grid, **options).fit(
            there, put(Y[kind]), **weights
        )
        moved.clear()
        ours = LockstepSearchCV(model, grid, **options)
        ours.fit(there, put(Y[kind]), **weights)
    assert together == [5] * 2 * 11  # all that are not refused
    for key, cells in theirs.cv_results_.items():
        if np.asarray(cells).dtype.kind in "fi" and not key.endswith("_time"):
            np.testing.assert_allclose(ours.cv_results_[key], cells, atol=1e-6)
    # Neither the features of a fold, nor gradients more than once a round of answers.
    assert max(map(math.prod, moved)) < X.size / 2
    alike = 5 - (kind != "multilabel")  # whose classes weigh the same
    n_logits = {"two classes": 1, "three classes": 3, "multilabel": 2}[kind]
    gradients = X.shape[1] + 1, alike * n_logits  # those of all members
    assert moved.count(gradients) == len(together)
    # Squares of the features, for the safe rate that a warning names.
    assert moved.count((X.shape[1], X.shape[1] + 1)) <= 2 * len(others)
    assert of_scikit_learn.get_namespace(ours.log_likelihoods_)[0] is put.xp
    assert np.isfinite(to_host(ours.log_likelihoods_)).sum() == 2 * 5


def test_networks_of_a_search_are_fitted_there_one_by_one(put, moved):
    of = StandardScaler().fit_transform(X)
    model = SimpleMLPClassifier((4,), learning_rate=0.1, batch_size=32, **few)
    search = LockstepSearchCV(model, {"learning_rate": [0.01, 0.1]}, cv=2)
    ours = clone(search).fit(of, Y["two classes"])
    theirs = clone(search).fit(put(of), put(Y["two classes"]))
    np.testing.assert_allclose(to_host(theirs.log_likelihoods_), ours.log_likelihoods_)
    np.testing.assert_allclose(
        theirs.cv_results_["mean_test_score"], ours.cv_results_["mean_test_score"]
    )
    assert of_scikit_learn.get_namespace(theirs.predict(put(of)))[0] is put.xp
    assert not features_were_moved(moved)


def test_looking_inside_takes_a_copy(put):
    pytest.importorskip("matplotlib").use("Agg")
    there, y = put(X), put(Y["two classes"])
    regression = GradientAscentLogisticRegression().fit(there, y)
    network = clone(ESTIMATORS["adam"]).fit(there, y)
    summary = mle_summary(regression, there, y, sample_weight=put(np.ones(N)))
    assert summary.log_likelihood == pytest.approx(regression.log_likelihood_)
    assert separation(there, y).kind == "none"
    probabilities = forward_pass(network, there)[-1]
    np.testing.assert_allclose(
        probabilities[:, 0], to_host(network.predict_proba(there))[:, 1]
    )
    assert isinstance(backward_pass(network, there, y).coefs[0], np.ndarray)
    assert check_gradient(network, there, y) < 1e-5
    assert max_stable_learning_rate(there, y) == pytest.approx(
        max_stable_learning_rate(X, Y["two classes"])
    )
    assert len(LogLikelihoodDisplay.from_estimator(regression).line_.get_xdata()) > 1
    assert NetworkDisplay.from_estimator(network).figure_ is not None


def test_arrays_move_whatever_their_memory_is_like(put):
    frozen = X[::-1]
    frozen.flags.writeable = False
    np.testing.assert_array_equal(to_host(beside(frozen, put(X))), frozen)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        # At a tol that float32 resolves: below, where a climb ends is for rounding to
        # say, and the checks compare the curves' lengths.
        GradientAscentLogisticRegression(C=1.0, tol=1e-3),
        GradientAscentLogisticRegression(0.1, max_iter=5),
        SimpleMLPClassifier((8,), solver="lbfgs", max_iter=5),
        SimpleMLPClassifier((8,), early_stopping=True, max_iter=3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize(
    "namespace", ["numpy", "strict", pytest.param("torch", marks=pytest.mark.torch)]
)
def test_scikit_learn_checks(estimator, namespace, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    name, ran = type(estimator).__name__, 0
    if namespace == "torch":
        Torch()
    for check in _yield_array_api_checks(estimator):
        # Those of inputs alone are part of those of inputs and values.
        if namespace in str(check.keywords) and check.func is not check_array_api_input:
            ran += _runs(check, name, estimator)
    pairs = of_scikit_learn.yield_namespace_device_dtype_combinations()
    for of, device, dtype in pairs:
        if namespace in of:
            for weighted in (False, True):
                given = of, device, dtype or "float64", weighted
                ran += _runs(check_array_api_input_and_values, name, estimator, *given)
    assert ran


def _runs(check, *given):
    """Whether a check does not skip itself, for want of a device."""
    try:
        check(*given)
    except Exception as reason:
        if type(reason).__name__ not in ("SkipTest", "Skipped"):
            raise
        return False
    return True
