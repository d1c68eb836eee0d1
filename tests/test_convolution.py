"""Networks that share weights, as users have them: all that other networks can do."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneuron import Convolution, SimpleMLPClassifier
from skneuron.inspection import (
    NetworkDisplay,
    NeuronWeightsDisplay,
    backward_pass,
    check_gradient,
    forward_pass,
)
from skneuron.model_selection import LockstepSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHAPE = (6, 7)
LAYERS = Convolution(3, window=(2, 3), pool=2), 5
MLP = SimpleMLPClassifier(
    LAYERS, "tanh", image_shape=SHAPE, max_iter=5, batch_size=20, random_state=0
)
solvers = pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])


def strokes(n=90, seed=0):
    """Pictures of a stroke somewhere: lying, standing, or slanting."""
    rng = np.random.default_rng(seed)
    X, kinds = rng.normal(0, 0.3, (n, *SHAPE)), rng.integers(0, 3, n)
    for picture, kind in zip(X, kinds):
        i, j = rng.integers(0, 3), rng.integers(0, 4)
        for k in range(4):
            picture[i + k * (kind != 0), j + k * (kind != 1)] += 2
    return X.reshape(n, -1), kinds


X, KINDS = strokes()
TARGETS = {
    "binary": KINDS > 0,
    "three": np.array(["lying", "standing", "slanting"])[KINDS],
    "multilabel": np.column_stack([KINDS > 0, KINDS > 1, KINDS == 0]).astype(int),
    "several": np.column_stack([KINDS, KINDS % 2]),
}
targets = pytest.mark.parametrize("name", TARGETS)


@solvers
@targets
def test_all_targets_and_solvers(solver, name):
    y, est = TARGETS[name], clone(MLP).set_params(solver=solver)
    est.fit(X, y, sample_weight=np.arange(len(X)) % 3)
    n_logits = {"binary": 1, "three": 3, "multilabel": 3, "several": 4}[name]
    shapes = [(6, 3), (12, 5), (5, n_logits)]
    assert [W.shape for W in est.coefs_] == shapes
    assert [len(b) for b in est.intercepts_] == [3, 5, n_logits]
    assert est.n_parameters_ == 21 + 65 + 6 * n_logits
    curve = est.log_likelihood_curve_
    assert np.isfinite(curve).all() and curve[-1] > curve[0]
    weights = np.linspace(0, 2, len(X))
    assert check_gradient(est, X, y, sample_weight=weights) < 1e-5
    gradient = backward_pass(est, X, y)
    assert [W.shape for W in gradient.coefs] == shapes
    assert [D.shape[1] for D in gradient.residuals] == [12, 5, n_logits]
    _, first, second, y_hat = forward_pass(est, X)
    assert first.shape == (len(X), 2 * 2 * 3) and second.shape == (len(X), 5)
    if name == "three":
        np.testing.assert_allclose(y_hat, est.predict_proba(X), rtol=1e-12)


def test_a_stroke_is_known_wherever_it_is():
    """Held out, as the same neurons look everywhere."""
    est = clone(MLP).set_params(max_iter=150)
    new, kinds = strokes(300, seed=1)
    assert est.fit(X, KINDS).score(new, kinds) > 0.9


@solvers
@pytest.mark.parametrize("rate", ["auto", 0.01])
def test_weights_are_repeats(solver, rate):
    if solver == "lbfgs" and rate != "auto":
        pytest.skip("lbfgs has no rate")
    est = clone(MLP).set_params(solver=solver, learning_rate=rate, batch_size=1000)
    times = np.arange(len(X)) % 3
    weighted = clone(est).fit(X, KINDS, sample_weight=times)
    repeated = clone(est).fit(np.repeat(X, times, 0), np.repeat(KINDS, times))
    np.testing.assert_allclose(
        weighted.log_likelihood_curve_, repeated.log_likelihood_curve_, rtol=1e-6
    )


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**30, 2.0**-600])
@pytest.mark.parametrize("offset", [0.0, 64.0])
@solvers
def test_auto_does_not_mind_units_and_offsets(solver, unit, offset):
    est = clone(MLP).set_params(solver=solver)
    plain = clone(est).fit(X, KINDS).predict_proba(X)
    moved = est.fit(unit * (X + offset), KINDS)
    near = 1e-6 if offset == 0 else 1e-3
    np.testing.assert_allclose(moved.predict_proba(unit * (X + offset)), plain, near)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_channels_have_units_of_their_own(fit_intercept):
    """As the pixels of one, so those of another, in another unit, beside them."""
    layers = Convolution(4, window=2, pool=2), 4
    both = np.stack([X, X[:, ::-1]], axis=2)
    est = clone(MLP).set_params(hidden_layer_sizes=layers, image_shape=(6, 7, 2))
    est.set_params(fit_intercept=fit_intercept)
    plain = clone(est).fit(both.reshape(len(X), -1), KINDS)
    assert plain.coefs_[0].shape == (8, 4)
    for scale in (2.0**20, 2.0**-20):
        moved = (both * [1.0, scale]).reshape(len(X), -1)
        found = clone(est).fit(moved, KINDS)
        np.testing.assert_allclose(
            found.log_likelihood_curve_, plain.log_likelihood_curve_, rtol=1e-6
        )
        np.testing.assert_allclose(
            found.coefs_[0][1::2] * scale, plain.coefs_[0][1::2], rtol=1e-5
        )


@solvers
@pytest.mark.parametrize("make", [sp.csr_array, np.asfortranarray, np.float32, list])
def test_containers(solver, make):
    est = clone(MLP).set_params(solver=solver)
    plain, y = np.where(abs(X) > 0.2, X, 0), TARGETS["three"]
    given = make(plain)
    found = clone(est).fit(given, y)
    assert found.coefs_[0].dtype == (np.float32 if make is np.float32 else np.float64)
    near = 2e-2 if make is np.float32 else 1e-6
    expected = est.fit(plain, y).predict_proba(plain)
    np.testing.assert_allclose(found.predict_proba(given), expected, near, near)
    one = make(plain[:1])  # of fewer numbers than features
    np.testing.assert_allclose(found.predict_proba(one), expected[:1], near, near)


def test_several_layers_streams_warm_starts_and_pickles():
    layers = Convolution(3, window=2), Convolution(4, window=3, pool=2), 4
    est = clone(MLP).set_params(hidden_layer_sizes=layers, warm_start=True)
    est.fit(X, KINDS)
    whole = clone(est).set_params(max_iter=10).fit(X, KINDS)
    kept = pickle.loads(pickle.dumps(est))
    for going_on in (est.fit(X, KINDS), kept.fit(X, KINDS)):
        np.testing.assert_allclose(going_on.coefs_[0], whole.coefs_[0], rtol=1e-10)
        assert going_on.n_iter_ == 5
    assert check_gradient(est, X, KINDS) < 1e-5
    stream = clone(est).set_params(warm_start=False)
    for start in range(0, 90, 30):
        at = slice(start, start + 30)
        stream.partial_fit(X[at], KINDS[at], classes=[0, 1, 2])
    assert [W.shape for W in stream.coefs_] == [(4, 3), (27, 4), (8, 4), (4, 3)]
    assert np.isfinite(stream.predict_proba(X)).all()


def test_early_stopping():
    est = clone(MLP).set_params(early_stopping=True).fit(X, KINDS)
    assert len(est.validation_scores_) == est.n_iter_


def test_it_is_a_parameter_like_others():
    est = clone(MLP)
    assert est.get_params()["hidden_layer_sizes"] == LAYERS
    assert "Convolution(n_filters=3" in repr(est)
    alone = clone(MLP).set_params(hidden_layer_sizes=LAYERS[0]).fit(X, KINDS)
    assert [W.shape for W in alone.coefs_] == [(6, 3), (12, 3)]


@pytest.mark.slow
@solvers
def test_searches(solver):
    """Beside dense networks, and in a pipeline."""
    grid = {"hidden_layer_sizes": [LAYERS, (LAYERS[0],), (4,)], "alpha": [0.0, 1.0]}
    est = clone(MLP).set_params(solver=solver)
    found = LockstepSearchCV(est, grid, cv=3).fit(X, KINDS)
    expected = GridSearchCV(est, grid, cv=3).fit(X, KINDS)
    for name in ("mean_test_score", "std_test_score", "params"):
        assert np.all(found.cv_results_[name] == expected.cv_results_[name])
    piped = make_pipeline(MinMaxScaler(), est)
    grid = {f"simplemlpclassifier__{name}": of for name, of in grid.items()}
    search = LockstepSearchCV(piped, grid, cv=2).fit(X, KINDS)
    assert np.isfinite(search.log_likelihoods_).all()


def test_dask_collections():
    da = pytest.importorskip("dask.array")
    here = clone(MLP).set_params(solver="lbfgs").fit(X, KINDS)
    far = da.from_array(X, chunks=(40, -1))
    there = clone(here).fit(far, da.from_array(KINDS, chunks=40))
    found = there.predict_proba(far).compute()
    np.testing.assert_allclose(found, here.predict_proba(X), 1e-5, 1e-6)


def test_log_likelihood_follows_the_public_weights():
    est = clone(MLP).fit(X, KINDS)
    before = est.log_likelihood(X, KINDS)
    y_hat = forward_pass(est, X)[-1]
    expected = np.log(y_hat[np.arange(len(X)), KINDS]).sum()
    assert before == pytest.approx(expected, rel=1e-10)
    assert before == pytest.approx(est.log_likelihood_, rel=1e-10)
    est.coefs_[0][...] = 0
    est.intercepts_[0][...] = 0
    assert np.ptp(est.predict_proba(X), axis=0).max() < 1e-12
    est.coefs_[0] = np.zeros((7, 3))
    with pytest.raises(ValueError, match="weights have shapes"):
        est.predict(X)


def test_pictures():
    pytest.importorskip("matplotlib").use("Agg")
    est = clone(MLP).fit(X, KINDS)
    display = NeuronWeightsDisplay.from_estimator(est, image_shape=(2, 3))
    assert len(display.images_) == 3
    with pytest.raises(ValueError, match="Only dense layers can be drawn"):
        NetworkDisplay.from_estimator(est)
    display.figure_.clear()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"image_shape": None}, "needs an image_shape"),
        ({"image_shape": (6, 6)}, "of the 42 features"),
        ({"image_shape": 42}, "image_shape"),
        ({"hidden_layer_sizes": (5, LAYERS[0])}, "nothing but other Convolutions"),
        ({"hidden_layer_sizes": (Convolution(2, 9),)}, "larger than the picture"),
        ({"hidden_layer_sizes": (LAYERS[0], 0)}, "or Convolutions, got"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    with pytest.raises(ValueError, match=message):
        clone(MLP).set_params(**change).fit(X, KINDS)


def test_to_onnx():
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from skneuron.onnx import register

    register()
    layers = Convolution(3, window=(2, 3), pool=2), Convolution(4, window=(1, 2)), 5
    for dtype, y in ((np.float32, KINDS), (np.float64, TARGETS["multilabel"])):
        est = clone(MLP).set_params(hidden_layer_sizes=layers).fit(X.astype(dtype), y)
        graph = skl2onnx.to_onnx(est, X[:1].astype(dtype), options={"zipmap": False})
        session = onnxruntime.InferenceSession(graph.SerializeToString())
        labels, found = session.run(None, {"X": X.astype(dtype)})
        np.testing.assert_array_equal(labels, est.predict(X.astype(dtype)))
        expected = est.predict_proba(X.astype(dtype))
        near = 1e-4 if dtype is np.float32 else 1e-12
        np.testing.assert_allclose(found, expected, near, near)


def test_it_warns_as_ever():
    with pytest.warns(ConvergenceWarning, match="max_iter=5"):
        clone(MLP).fit(X, KINDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone(MLP).set_params(tol=1e6, n_iter_no_change=1).fit(X, KINDS)
