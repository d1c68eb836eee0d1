"""Passes against slow obvious versions, and what the pictures show."""

import copy
import math
import re
import sys
import warnings

import numpy as np
import pytest
import reference
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier, inspection
from skneuron._model import Network
from skneuron.inspection import (
    LearningRateDisplay,
    LogLikelihoodDisplay,
    NetworkDisplay,
    NeuronWeightsDisplay,
    backward_pass,
    check_gradient,
    forward_pass,
    max_stable_learning_rate,
)
from skneuron.model_selection import LockstepSearchCV

#: What is left of equality where the same sums of a few terms, of about 1, are
#: computed by other kernels: some units in the last place.
ROUNDING = {"rtol": 1e-14, "atol": 1e-15}

KINDS = ["binary", "multiclass", "multilabel", "multioutput"]
ACTIVATIONS = ["logistic", "tanh", "relu", "identity"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def data(kind, n=25, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    z = X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(n, 3))
    y = {
        "binary": np.array(["no", "yes"])[(z[:, 0] > 0).astype(int)],
        "multiclass": np.array(["a", "b", "c"])[z.argmax(axis=1)],
        "multilabel": (z > 0.5).astype(int),
        "multioutput": np.column_stack([z.argmax(axis=1), 5 + (z[:, 0] > 0)]),
    }[kind]
    return X, y


def quietly(est, X, y, sample_weight=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return est.fit(X, y, sample_weight)


def logistic(kind, **keywords):
    X, y = data(kind)
    keywords = {"learning_rate": 0.3, "max_iter": 5, **keywords}
    return quietly(GradientAscentLogisticRegression(**keywords), X, y), X, y


def network(kind, activation="logistic", sizes=(4, 2), **keywords):
    X, y = data(kind)
    keywords = {"solver": "lbfgs", "max_iter": 5, "random_state": 0, **keywords}
    return quietly(SimpleMLPClassifier(sizes, activation, **keywords), X, y), X, y


MODELS = {
    "logistic regression": logistic,
    **{
        f"network, {activation}": lambda kind, a=activation: network(kind, a)
        for activation in ACTIVATIONS
    },
}
every_model = pytest.mark.parametrize("model", MODELS)


# --- slow and obvious -----------------------------------------------------------------

HIDDEN = {
    "logistic": reference.sigmoid,
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "identity": lambda z: z,
}


def public_layers(est):
    if hasattr(est, "coef_"):
        return [(est.coef_.T, est.intercept_)]
    return list(zip(est.coefs_, est.intercepts_))


def slow_forward(est, x, shift=(None, None, 0.0)):
    """Activations of each layer for one row, the last one's z; `shift` changes a z."""
    layers = [[float(value) for value in x]]
    for number, (W, b) in enumerate(public_layers(est)):
        zs = []
        for j in range(W.shape[1]):
            z = float(b[j])
            for i in range(W.shape[0]):
                z += layers[-1][i] * float(W[i, j])
            zs.append(z + (shift[2] if shift[:2] == (number, j) else 0.0))
        last = number == len(public_layers(est)) - 1
        layers.append(zs if last else [HIDDEN[est.activation](z) for z in zs])
    return layers


def classes_of(est):
    return est.classes_ if isinstance(est.classes_, list) else [est.classes_]


def slow_log_likelihood(est, x, labels, shift):
    z, total = slow_forward(est, x, shift)[-1], 0.0
    for classes, label in zip(classes_of(est), np.atleast_1d(labels)):
        code = classes.tolist().index(label)
        if len(classes) == 2:
            total += reference.bernoulli_log_likelihood(z[:1], [code])
            z = z[1:]
        else:
            total += reference.categorical_log_likelihood([z[: len(classes)]], [code])
            z = z[len(classes) :]
    return total


def difference(function, step=1e-5):
    return (function(step) - function(-step)) / (2 * step)


# --- forward --------------------------------------------------------------------------


@every_kind
@every_model
def test_forward_pass_by_hand(model, kind):
    est, X, _ = MODELS[model](kind)
    found = forward_pass(est, X)
    slow = [slow_forward(est, x) for x in X]
    assert len(found) == len(public_layers(est)) + 1
    for layer, activations in enumerate(found[:-1]):
        expected = np.array([row[layer] for row in slow])
        np.testing.assert_allclose(activations, expected, rtol=1e-12, atol=1e-14)
    z, expected = np.array([row[-1] for row in slow]), []
    for classes in classes_of(est):
        if len(classes) == 2:
            expected.append(1 / (1 + np.exp(-z[:, :1])))
            z = z[:, 1:]
        else:
            e = np.exp(z[:, : len(classes)])
            expected.append(e / e.sum(axis=1, keepdims=True))
            z = z[:, len(classes) :]
    np.testing.assert_allclose(found[-1], np.hstack(expected), rtol=1e-12)


@every_kind
def test_the_last_layer_is_what_predict_proba_gives(kind):
    est, X, _ = network(kind)
    y_hat, proba = forward_pass(est, 100 * X)[-1], est.predict_proba(100 * X)
    if kind == "binary":
        proba = proba[:, 1:]
        assert y_hat.shape == (len(X), 1)
    elif kind == "multioutput":
        proba = np.hstack([proba[0], proba[1][:, 1:]])
    # By what is left of the digits of logits of some hundreds.
    np.testing.assert_allclose(y_hat, proba, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("make", [logistic, network])
def test_forward_pass_reads_the_public_attributes(make):
    est, X, _ = make("binary")
    W, b = public_layers(est)[-1]
    W[...], b[...] = 0.0, 2.0
    np.testing.assert_allclose(forward_pass(est, X)[-1], reference.sigmoid(2.0))


# --- backward -------------------------------------------------------------------------


@every_kind
@every_model
def test_backward_pass_by_finite_differences(model, kind):
    est, X, y = MODELS[model](kind)
    w = np.arange(len(X)) % 3 + 0.5
    found = backward_pass(est, X, y, w)
    names = (
        ["coef_", "intercept_"] if hasattr(est, "coef_") else ["coefs_", "intercepts_"]
    )
    for name, gradient in zip(names, [found.coefs, found.intercepts]):
        if isinstance(getattr(est, name), list):
            assert isinstance(gradient, list)
            parts = [(k, part) for k, part in enumerate(gradient)]
        else:
            parts = [(None, gradient)]
        for k, part in parts:
            moved = copy.deepcopy(est)
            of = getattr(moved, name)
            of = of if k is None else of[k]
            assert part.shape == of.shape
            for at in np.ndindex(of.shape):
                before = of[at]

                def value(step, of=of, at=at, before=before, moved=moved):
                    of[at] = before + step
                    return moved.log_likelihood(X, y, w)

                assert part[at] == pytest.approx(difference(value), rel=1e-6, abs=1e-6)
                of[at] = before


@every_kind
@every_model
def test_residuals_by_finite_differences(model, kind):
    est, X, y = MODELS[model](kind)
    w = np.arange(len(X)) % 3 + 0.5
    residuals = backward_pass(est, X, y, w).residuals
    assert [D.shape for D in residuals] == [
        (len(X), W.shape[1]) for W, _ in public_layers(est)
    ]
    for row in [0, 7]:
        for layer, D in enumerate(residuals):
            for j in range(D.shape[1]):

                def value(step, row=row, layer=layer, j=j):
                    shift = layer, j, step
                    return w[row] * slow_log_likelihood(est, X[row], y[row], shift)

                assert D[row, j] == pytest.approx(difference(value), abs=1e-7)


def test_backward_pass_is_the_lecture_s():
    """Backpropagation of one example at a time, as on the slides."""
    X, y = reference.binary_data(n=30)
    est = quietly(SimpleMLPClassifier((3, 2), max_iter=5, random_state=1), X, y)
    found = backward_pass(est, X, y)
    coefs, intercepts = reference.mlp_gradient(X, y, est.coefs_, est.intercepts_)
    for ours, theirs in zip(found.coefs, coefs):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    for ours, theirs in zip(found.intercepts, intercepts):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_one_step_of_the_lecture_is_eta_times_this_gradient():
    X, y = data("binary")
    keywords = {"learning_rate": 0.01, "reduction": "sum"}
    now, _, _ = logistic("binary", max_iter=3, **keywords)
    then, _, _ = logistic("binary", max_iter=4, **keywords)
    gradient = backward_pass(now, X, y)
    np.testing.assert_allclose(then.coef_, now.coef_ + 0.01 * gradient.coefs)
    intercept = now.intercept_ + 0.01 * gradient.intercepts
    np.testing.assert_allclose(then.intercept_, intercept)
    residual = (y == "yes") - now.predict_proba(X)[:, 1]
    np.testing.assert_allclose(gradient.residuals[-1][:, 0], residual)
    np.testing.assert_allclose(gradient.coefs[0], X.T @ residual)


def test_there_is_no_second_backpropagation(monkeypatch):
    est, X, y = network("multiclass")
    calls = []
    original = Network.backward
    monkeypatch.setattr(
        Network, "backward", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    backward_pass(est, X, y)
    assert calls == [1]


def test_without_intercepts_the_gradient_still_has_their_place():
    est, X, y = network("binary", fit_intercept=False)
    found = backward_pass(est, X, y)
    assert [b.shape for b in found.intercepts] == [(4,), (2,), (1,)]
    np.testing.assert_allclose(found.intercepts[-1][0], found.residuals[-1].sum())


@pytest.mark.parametrize("make", [logistic, network])
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.coo_array])
def test_sparse_is_as_dense(make, container):
    est, X, y = make("multiclass")
    X = np.where(abs(X) > 0.5, X, 0.0)
    some = container(X)
    assert sparse.issparse(forward_pass(est, some)[0])
    np.testing.assert_allclose(forward_pass(est, some)[-1], forward_pass(est, X)[-1])
    ours, theirs = backward_pass(est, some, y), backward_pass(est, X, y)
    for a, b in zip(ours.residuals, theirs.residuals):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(ours.coefs[0], theirs.coefs[0], atol=1e-12)
    assert check_gradient(est, some, y) < 1e-6


def test_float32_stays_and_nothing_is_written_to():
    X, y = data("multiclass")
    X = X.astype(np.float32)
    est = SimpleMLPClassifier((4,), max_iter=3, random_state=0)
    est = quietly(est, X, y)
    before, X_before = copy.deepcopy(est.coefs_), X.copy()
    assert {a.dtype.name for a in forward_pass(est, X)} == {"float32"}
    found = backward_pass(est, X, y)
    assert {a.dtype.name for a in [*found.coefs, *found.residuals]} == {"float32"}
    assert backward_pass(est, X.astype(float), y).coefs[0].dtype == np.float64
    assert check_gradient(est, X, y) < 1e-6
    np.testing.assert_array_equal(X, X_before)
    for a, b in zip(before, est.coefs_):
        np.testing.assert_array_equal(a, b)


# --- the check ------------------------------------------------------------------------


@every_kind
@every_model
def test_the_gradient_holds(model, kind):
    est, X, y = MODELS[model](kind)
    assert 0 < check_gradient(est, X, y) < 1e-6
    assert check_gradient(est, X, y, sample_weight=np.arange(len(X)) % 4) < 1e-6


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_the_gradient_holds_at_the_top_and_in_any_units(unit):
    X, y = load_breast_cancer(return_X_y=True)
    est = GradientAscentLogisticRegression(C=1.0).fit(unit * X[:, :6], y)
    assert check_gradient(est, unit * X[:, :6], y) < 1e-6


@pytest.mark.parametrize("unit", [0.0, 1e-300, 1e300])
@every_kind
def test_the_passes_of_extreme_features_are_finite(kind, unit):
    est, X, y = network(kind)
    assert np.isfinite(forward_pass(est, unit * X)[-1]).all()
    found = backward_pass(est, unit * X, y)
    assert all(np.isfinite(part).all() for part in [*found.coefs, *found.residuals])
    assert check_gradient(est, unit * X, y) < 1e-6


@pytest.mark.parametrize("factor", [0.99, -1.0, 0.0])
@pytest.mark.parametrize("make", [logistic, network])
def test_a_wrong_gradient_is_found(make, factor, monkeypatch):
    est, X, y = make("multiclass")
    original = Network.backward

    def wrong(self, layers, activations, residual, gradient):
        residuals = original(self, layers, activations, residual, gradient)
        gradient[0][0].flat[3] *= factor
        return residuals

    monkeypatch.setattr(Network, "backward", wrong)
    assert check_gradient(est, X, y) > 1e-4


def test_some_parameters_are_drawn():
    est, X, y = network("binary", sizes=(20,))
    assert est.n_parameters_ > 100
    some = [check_gradient(est, X, y, n_parameters=5, random_state=i) for i in range(4)]
    assert len(set(some)) > 1
    assert max(some) <= check_gradient(est, X, y, n_parameters=1000)
    assert check_gradient(est, X, y) == check_gradient(est, X, y, random_state=0)
    for wrong in [0, 2.5, None]:
        with pytest.raises(ValueError, match="n_parameters must be a whole number"):
            check_gradient(est, X, y, n_parameters=wrong)


# --- the stable rate ------------------------------------------------------------------


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"reduction": "sum"},
        {"fit_intercept": False},
        {"C": 0.01},
        {"class_weight": "balanced"},
    ],
    ids=str,
)
@every_kind
def test_the_stable_rate_is_the_warning_s(kind, keywords):
    X, y = data(kind)
    weights = np.arange(len(X)) % 3
    rate = max_stable_learning_rate(X, y, sample_weight=weights, **keywords)
    est = GradientAscentLogisticRegression(1000 * rate, max_iter=20, **keywords)
    with pytest.warns(ConvergenceWarning, match="fell") as caught:
        est.fit(X, y, weights)
    named = re.search(r"safe for this data is (\S+) ", str(caught[0].message))
    named = float(named.group(1))
    assert named <= rate < named * 1.0011
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        est = GradientAscentLogisticRegression(rate, max_iter=50, **keywords)
        est.fit(X, y, weights)
    if keywords in ({}, {"reduction": "sum"}, {"fit_intercept": False}):
        assert np.diff(est.log_likelihood_curve_).min() > -1e-10


def test_the_stable_rate_by_its_formula():
    X, y = reference.binary_data()
    X1 = np.column_stack([X, np.ones(len(X))])
    largest = np.linalg.eigvalsh(X1.T @ X1)[-1]
    assert max_stable_learning_rate(X, y, reduction="sum") == pytest.approx(8 / largest)
    rate = max_stable_learning_rate(sparse.csr_array(X), y)
    assert rate == pytest.approx(8 * len(X) / largest)
    assert max_stable_learning_rate(0 * X, y, fit_intercept=False) == np.inf
    with pytest.raises(ValueError, match="reduction"):
        max_stable_learning_rate(X, y, reduction="max")
    with pytest.raises(ValueError, match="C"):
        max_stable_learning_rate(X, y, C=-1)


# --- who is let in --------------------------------------------------------------------

ASK = {
    "forward_pass": lambda est, X, y: forward_pass(est, X),
    "backward_pass": lambda est, X, y: backward_pass(est, X, y),
    "check_gradient": lambda est, X, y: check_gradient(est, X, y),
    "the climb": lambda est, X, y: LogLikelihoodDisplay.from_estimator(est),
    "weights": lambda est, X, y: NeuronWeightsDisplay.from_estimator(
        est, image_shape=(1, 3)
    ),
    "network": lambda est, X, y: NetworkDisplay.from_estimator(est),
}


@pytest.mark.parametrize("ask", ASK)
def test_only_fitted_estimators_of_ours(ask):
    X, y = data("binary")
    with pytest.raises(NotFittedError):
        ASK[ask](SimpleMLPClassifier(), X, y)
    pipeline = make_pipeline(StandardScaler(), GradientAscentLogisticRegression())
    with pytest.raises(TypeError, match=r"pipeline\[-1\]"):
        ASK[ask](pipeline.fit(X, y), X, y)
    search = GridSearchCV(GradientAscentLogisticRegression(), {"C": [1.0]}, cv=2)
    with pytest.raises(TypeError, match="best_estimator_"):
        ASK[ask](search.fit(X, y), X, y)


def test_bad_data_is_refused():
    est, X, y = network("binary")
    with pytest.raises(ValueError, match="2 features"):
        forward_pass(est, X[:, :2])
    with pytest.raises(ValueError, match="not among the classes"):
        backward_pass(est, X, np.repeat("maybe", len(X)))
    with pytest.raises(ValueError, match="weight"):
        backward_pass(est, X, y, [1.0])


# --- pictures -------------------------------------------------------------------------


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    for number in plt.get_fignums():  # drawing finds what making does not
        plt.figure(number).canvas.draw()
    plt.close("all")


def test_the_climb_is_drawn(plt):
    est, _, _ = logistic("binary")
    display = LogLikelihoodDisplay.from_estimator(est)
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(est.n_iter_ + 1))
    curve = est.log_likelihood_curve_
    np.testing.assert_array_equal(display.line_.get_ydata(), curve)
    assert display.ax_.get_xlabel() == "iteration"
    assert display.ax_.get_ylabel() == "log-likelihood (nats)"
    assert display.figure_ is display.ax_.figure
    bottom, top = display.ax_.get_ylim()
    assert bottom < curve[0] < curve[-1] < top
    assert top - bottom < 1.2 * (curve[-1] - curve[0])
    other = LogLikelihoodDisplay.from_estimator(
        network("binary")[0], ax=display.ax_, name="net", color="k", linestyle=":"
    )
    assert other.ax_ is display.ax_ and len(display.ax_.lines) == 2
    assert other.line_.get_color() == "k" and other.line_.get_linestyle() == ":"
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["GradientAscentLogisticRegression, learning rate 0.3", "net"]
    assert other.plot().ax_ is not display.ax_
    assert other.plot(name="again").line_.get_label() == "again"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("depth", [-1e4, -1e300, -1.7e308])
def test_a_curve_that_falls_does_not_flatten_the_others(plt, depth, first):
    climb = -100.0 + 60 * (1 - 0.8 ** np.arange(30.0))
    fall = np.r_[-100.0, depth, -np.inf, depth, np.nan]
    ax = None
    for curve in [fall, climb] if first else [climb, fall]:
        ax = LogLikelihoodDisplay(log_likelihood_curve=curve).plot(ax).ax_
    bottom, top = ax.get_ylim()
    assert top > climb.max() and bottom < -100
    assert top - bottom < 3 * np.ptp(climb)
    assert ax.get_legend() is None


def test_a_start_from_a_wreck_does_not_flatten_the_others(plt):
    climb = -100.0 + 60 * (1 - 0.8 ** np.arange(30.0))
    ax = LogLikelihoodDisplay(log_likelihood_curve=climb).plot().ax_
    LogLikelihoodDisplay(log_likelihood_curve=np.r_[-1e300, climb]).plot(ax)
    assert np.ptp(ax.get_ylim()) < 3 * np.ptp(climb)
    LogLikelihoodDisplay(log_likelihood_curve=10 * climb).plot(ax)
    assert ax.get_ylim()[0] < -1000


def test_a_fall_alone_is_all_there(plt):
    curve = np.array([-10.0, -1e5, -1e6, -5e5])
    bottom, top = LogLikelihoodDisplay(log_likelihood_curve=curve).plot().ax_.get_ylim()
    assert bottom < -1e6 and top > -10


def test_a_curve_is_drawn_between_what_is_known(plt):
    curve = np.array([-10.0, np.nan, np.nan, -5.0, np.nan, -4.0])
    line = LogLikelihoodDisplay(log_likelihood_curve=curve).plot().line_
    np.testing.assert_array_equal(line.get_xdata(), [0, 3, 5])
    np.testing.assert_array_equal(line.get_ydata(), [-10.0, -5.0, -4.0])
    nothing = LogLikelihoodDisplay(log_likelihood_curve=np.array([np.nan])).plot()
    assert len(nothing.line_.get_xdata()) == 0


@every_kind
def test_an_image_for_each_neuron(plt, kind):
    est, _, _ = logistic(kind)
    display = NeuronWeightsDisplay.from_estimator(est, image_shape=(1, 3))
    titles = [ax.get_title() for ax in display.axes_]
    assert (
        titles
        == {
            "binary": ["class yes"],
            "multiclass": ["class a", "class b", "class c"],
            "multilabel": ["output 0", "output 1", "output 2"],
            "multioutput": [
                *(f"output 0: class {i}" for i in range(3)),
                "output 1: class 6",
            ],
        }[kind]
    )
    largest = abs(est.coef_).max()
    for image, weights in zip(display.images_, est.coef_, strict=True):
        np.testing.assert_array_equal(image.get_array(), [weights])
        assert image.get_clim() == (-largest, largest)
        assert image.get_cmap().name == "RdBu_r"
    assert display.colorbar_.ax.get_ylabel() == "weight"
    assert display.figure_ is display.axes_[0].figure


def test_the_images_of_a_network(plt):
    est, _, _ = network("multiclass", sizes=(6,))
    display = NeuronWeightsDisplay.from_estimator(
        est, image_shape=(3, 1), neurons=[4, 1], cmap="PuOr", vmin=-2, vmax=2
    )
    assert [ax.get_title() for ax in display.axes_] == ["neuron 4", "neuron 1"]
    np.testing.assert_array_equal(
        display.images_[1].get_array(), est.coefs_[0][:, 1].reshape(3, 1)
    )
    assert display.images_[0].get_cmap().name == "PuOr"
    assert display.images_[0].get_clim() == (-2, 2)
    of_last = NeuronWeightsDisplay.from_estimator(est, image_shape=(2, 3), layer=1)
    assert [ax.get_title() for ax in of_last.axes_] == ["class a", "class b", "class c"]
    est.coefs_[0][...] = 0.0
    blank = NeuronWeightsDisplay.from_estimator(est, image_shape=(3, 1))
    assert blank.images_[0].get_clim() == (-1, 1)
    for keywords, match in [
        ({"image_shape": (2, 2)}, r"\(2, 2\) does not fit the 3 inputs of layer 0"),
        ({"image_shape": (3,)}, "height, width"),
        ({"image_shape": 3}, "image_shape=3 .*height, width"),
        ({"image_shape": (1.0, 3)}, "height, width"),
        ({"image_shape": (1, 3), "layer": 2}, "2 layers, and no layer=2"),
        ({"image_shape": (1, 3), "layer": -1}, "no layer=-1"),
        ({"image_shape": (1, 3), "neurons": [6]}, "neurons=.6. must be from 0 to 5"),
        ({"image_shape": (1, 3), "neurons": []}, "neurons"),
    ]:
        with pytest.raises(ValueError, match=match):
            NeuronWeightsDisplay.from_estimator(est, **keywords)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def centres(collection):
    paths = collection.get_paths()
    return [path.get_extents().get_points().mean(axis=0) for path in paths]


def drawn_weights(display):
    """What the edges of each layer show: (weights, intercepts), the widest of them 1.

    Where an edge is not, NaN.
    """
    found = []
    ones = {circle.center[0]: circle.center for circle in display.ones_}
    for left, right, edges in zip(
        display.neurons_, display.neurons_[1:], display.edges_, strict=False
    ):
        starts, ends = centres(left), centres(right)
        starts.append(ones.get(starts[0][0], [np.nan, np.nan]))
        layer = np.full((len(starts), len(ends)), np.nan)
        widths = np.array(edges.get_linewidths())
        red = edges.get_colors()[:, 0] > edges.get_colors()[:, 2]
        assert np.all(np.diff(widths) >= 0)  # the largest on top
        for (start, end), width, positive in zip(edges.get_segments(), widths, red):
            (i,) = np.flatnonzero(np.isclose(starts, start).all(axis=1))
            (j,) = np.flatnonzero(np.isclose(ends, end).all(axis=1))
            assert np.isnan(layer[i, j])
            layer[i, j] = width if positive else -width
        layer /= widths.max()
        found.append((layer[:-1], layer[-1]))
    return found


@every_kind
@pytest.mark.parametrize("make", [logistic, network])
def test_the_network_is_drawn(plt, make, kind):
    est, _, _ = make(kind)
    display = NetworkDisplay.from_estimator(est)
    weights = [W for W, _ in public_layers(est)]
    for (edges, ones), layer in zip(
        drawn_weights(display), public_layers(est), strict=True
    ):
        W, b = (of / abs(layer[0]).max() for of in layer)
        np.testing.assert_allclose(edges, W)
        np.testing.assert_allclose(ones, np.clip(b, -1, 1))
    assert [len(n.get_paths()) for n in display.neurons_] == [
        3,
        *(W.shape[1] for W in weights),
    ]
    n_edges = sum(len(edges.get_segments()) for edges in display.edges_)
    assert n_edges == est.n_parameters_
    assert len(display.ones_) == len(weights)
    assert display.title is None
    shown = texts(display.ax_)
    assert {"x0", "x1", "x2", "3 inputs"} <= set(shown)
    assert "\u22ee" not in shown
    last = {"binary": "class yes", "multiclass": "class c", "multilabel": "output 2"}
    assert last.get(kind, "output 1: class 6") in shown


def test_an_example_is_written_in_the_neurons(plt):
    est, X, _ = network("multiclass", "tanh")
    activations = forward_pass(est, X[:1])
    for example in [X[:1], sparse.csr_array(X[:1])]:
        display = NetworkDisplay.from_estimator(est, example)
        for layer, neurons in zip(activations, display.neurons_, strict=True):
            np.testing.assert_allclose(neurons.get_array(), layer[0], **ROUNDING)
            assert {f"{a:.2f}" for a in layer[0]} <= set(texts(display.ax_))
    assert display.neurons_[-1].get_clim() == (-2, 2)
    with pytest.raises(ValueError, match=r"X must be one row.*25"):
        NetworkDisplay.from_estimator(est, X)


def test_names_and_large_layers(plt):
    X, y = load_iris(return_X_y=True, as_frame=True)
    est = quietly(SimpleMLPClassifier((30,), max_iter=2, random_state=0), X, y)
    _, ax = plt.subplots()
    display = NetworkDisplay.from_estimator(est, X[:1], ax=ax, max_neurons=5)
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert [len(n.get_paths()) for n in display.neurons_] == [4, 5, 3]
    assert [len(e.get_segments()) for e in display.edges_] == [25, 18]
    found = texts(ax)
    assert found.count("\u22ee") == 1
    assert found.count("1") == 2
    assert set(X.columns) <= set(found)
    assert {"class 0", "4 inputs", "5 of 30 neurons", "3 outputs"} <= set(found)
    chosen = np.sort(np.argsort(-np.linalg.norm(est.coefs_[1], axis=1))[:5])
    np.testing.assert_array_equal(display.shown_[1], chosen)
    hidden = forward_pass(est, X[:1])[1][0]
    np.testing.assert_allclose(
        display.neurons_[1].get_array(), hidden[chosen], **ROUNDING
    )
    single = NetworkDisplay.from_estimator(est, max_neurons=1)
    assert [len(n.get_paths()) for n in single.neurons_] == [1, 1, 1]
    with pytest.raises(ValueError, match="max_neurons"):
        NetworkDisplay.from_estimator(est, max_neurons=0)


def test_a_weight_that_is_no_number_does_not_hide_the_others(plt):
    weights = np.array([[np.inf, -2.0], [np.nan, 1.0]])
    names = ["a", "b"]
    display = NetworkDisplay(coefs=[weights], input_names=names, output_names=names)
    widths = np.array(display.plot().edges_[0].get_linewidths())
    np.testing.assert_allclose(widths / widths.max(), [0.0, 0.5, 1.0, 1.0])


# --- searches -------------------------------------------------------------------------


def searched(search=GridSearchCV, grid=None, model=None, **keywords):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X[:, :4])[:150]
    model = model or GradientAscentLogisticRegression(max_iter=10)
    grid = grid or {"learning_rate": [10.0, "auto", 0.1, 1.0]}
    keywords = {"cv": KFold(3), **keywords}
    return quietly_search(search(model, grid, **keywords), X, y[:150]), X, y[:150]


def quietly_search(search, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search.fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [GridSearchCV, LockstepSearchCV])
def test_scores_by_learning_rate(plt, kind):
    search, X, y = searched(kind)
    display = LearningRateDisplay.from_search(search, X=X, y=y, color="k")
    order = [2, 3, 0]
    means = search.cv_results_["mean_test_score"][order]
    np.testing.assert_array_equal(display.line_.get_xdata(), [0.1, 1.0, 10.0])
    np.testing.assert_array_equal(display.line_.get_ydata(), means)
    assert display.line_.get_color() == "k"
    stds = search.cv_results_["std_test_score"][order]
    np.testing.assert_array_equal(display.std_scores, stds)
    (bars,) = display.errorbar_.lines[2]
    spans = np.array([np.ptp(segment[:, 1]) for segment in bars.get_segments()])
    np.testing.assert_allclose(spans, 2 * stds)
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_xlabel() == "learning rate"
    assert display.ax_.get_ylabel() == "mean test score"
    assert display.best_.get_xdata()[0] == [0.1, 1.0, 10.0][means.argmax()]
    limit = max_stable_learning_rate(X, y)
    assert display.stable_limit == limit
    assert display.stable_limit_line_.get_xdata()[0] == limit
    if kind is GridSearchCV:
        assert display.log_likelihood_ax_ is display.log_likelihood_line_ is None
    else:
        np.testing.assert_array_equal(
            display.log_likelihood_line_.get_ydata(),
            search.log_likelihoods_[order].mean(axis=1),
        )
        label = display.log_likelihood_ax_.get_ylabel()
        assert label == "mean log-likelihood (nats)"
    assert LearningRateDisplay.from_search(search).stable_limit_line_ is None
    _, ax = plt.subplots()
    assert display.plot(ax).ax_ is ax and display.figure_ is ax.figure


def test_other_parameters_in_a_pipeline(plt):
    name = "gradientascentlogisticregression"
    grid = {f"{name}__learning_rate": [0.1, 1.0], f"{name}__C": [1e-4, 1.0]}
    model = GradientAscentLogisticRegression(max_iter=10)
    model = make_pipeline(StandardScaler(), model)
    search, X, y = searched(model=model, grid=grid, scoring="neg_log_loss")
    display = LearningRateDisplay.from_search(search, X=X, y=y)
    by_rate = search.cv_results_["mean_test_score"].reshape(2, 2)  # C by rate
    np.testing.assert_array_equal(display.line_.get_ydata(), by_rate.max(axis=0))
    assert display.ax_.get_ylabel() == "mean test neg_log_loss"
    C = search.best_params_[f"{name}__C"]
    limit = max_stable_learning_rate(StandardScaler().fit_transform(X), y, C=C)
    assert display.stable_limit == pytest.approx(limit)
    again = LearningRateDisplay.from_search(search, metric="neg_log_loss")
    np.testing.assert_array_equal(again.mean_scores, display.mean_scores)


def test_several_metrics(plt):
    search, _, _ = searched(
        scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss", cv=2
    )
    display = LearningRateDisplay.from_search(search)
    assert display.ax_.get_ylabel() == "mean test neg_log_loss"
    display = LearningRateDisplay.from_search(search, metric="accuracy")
    np.testing.assert_array_equal(
        display.line_.get_ydata(), search.cv_results_["mean_test_accuracy"][[2, 3, 0]]
    )
    with pytest.raises(ValueError, match=r"metric='f1' is not among.*accuracy"):
        LearningRateDisplay.from_search(search, metric="f1")
    search.refit = False
    with pytest.raises(ValueError, match="several metrics"):
        LearningRateDisplay.from_search(search)
    search, _, _ = searched(scoring=["accuracy"], refit=False, cv=2)
    assert LearningRateDisplay.from_search(search).score_name == "accuracy"


@pytest.mark.parametrize("rate", [0.1, 0.3, 1.0])
def test_the_picture_of_a_single_rate_has_room_beside_it(plt, rate):
    one = {"learning_rates": np.array([rate]), "mean_scores": np.array([0.5])}
    display = LearningRateDisplay(**one, std_scores=np.array([0.1])).plot()
    display.figure_.canvas.draw()
    left, right = display.ax_.get_xlim()
    assert left < 0.9 * rate and right > 1.1 * rate


def test_a_rate_that_diverges_does_not_flatten_the_others(plt):
    display = LearningRateDisplay(
        learning_rates=np.array([0.1, 1.0, 10.0, 100.0, 1000.0]),
        mean_scores=np.array([-0.6, -0.2, -0.1, np.nan, -1e300]),
        std_scores=np.array([0.1, 0.1, 0.1, np.nan, 1e300]),
        log_likelihoods=[-0.5, -0.3, -0.2, np.nan, -1e307],
    ).plot()
    bottom, top = display.ax_.get_ylim()
    assert -1 < bottom < -0.7 and 0 < top < 0.5
    bottom, top = display.log_likelihood_ax_.get_ylim()
    assert -1 < bottom < -0.5 and -0.2 < top < 0
    assert display.best_.get_xdata()[0] == 10.0


def test_a_search_where_all_failed(plt):
    display = LearningRateDisplay(
        learning_rates=np.array([0.1, 1.0]),
        mean_scores=np.full(2, np.nan),
        std_scores=np.full(2, np.nan),
    ).plot()
    assert display.best_ is None


def test_searches_that_cannot_be_drawn(plt):
    show = LearningRateDisplay.from_search
    with pytest.raises(NotFittedError):
        show(GridSearchCV(GradientAscentLogisticRegression(), {"learning_rate": [1.0]}))
    for other in (GradientAscentLogisticRegression(), {"test_score": [1.0]}):
        with pytest.raises(TypeError, match=r"search, as.*LogLikelihoodDisplay"):
            show(other)
    search, X, y = searched(grid={"C": [1.0]})
    with pytest.raises(ValueError, match=r"no learning rates among \['C'\]: say with"):
        show(search)
    with pytest.raises(ValueError, match="learning_rate_name='eta' is not among"):
        show(search, learning_rate_name="eta")
    search, X, y = searched(grid={"learning_rate": ["auto"]})
    with pytest.raises(ValueError, match="No value of learning_rate in the grid is a"):
        show(search)
    search.cv_results_["params"] = [{"a__learning_rate": 1.0, "b__learning_rate": 2.0}]
    with pytest.raises(ValueError, match="several learning rates"):
        show(search)
    assert show(search, learning_rate_name="b__learning_rate").learning_rates == [2.0]
    search, X, y = searched()
    with pytest.raises(ValueError, match="both X and y"):
        show(search, X=X)
    del search.best_estimator_
    with pytest.raises(ValueError, match="refit=True"):
        show(search, X=X, y=y)
    model = SimpleMLPClassifier((2,), max_iter=1)
    search, X, y = searched(model=model, cv=2)
    with pytest.raises(ValueError, match="leave X and y out"):
        show(search, X=X, y=y)
    assert show(search).stable_limit is None


def test_matplotlib_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    est, X, _ = logistic("binary")
    for draw in [
        lambda: LogLikelihoodDisplay.from_estimator(est),
        lambda: NeuronWeightsDisplay.from_estimator(est, image_shape=(1, 3)),
        lambda: NetworkDisplay.from_estimator(est),
        lambda: LogLikelihoodDisplay(log_likelihood_curve=[-1.0]).plot(),
    ]:
        with pytest.raises(ImportError, match=r"Display.* requires matplotlib"):
            draw()
    assert forward_pass(est, X)


def test_all_that_is_public_is_documented():
    for name in set(inspection.__all__) - {"BackwardPass"}:
        docstring = getattr(inspection, name).__doc__
        for section in ["Parameters", "See Also", "Examples"]:
            assert f"{section}\n" in docstring


# --- a climb in motion ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_climb_in_motion_shows_the_climb(plt, n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes, 2:], np.array(["a", "b", "c"])[y[y < n_classes]]
    est = SimpleMLPClassifier((3,), max_iter=20, tol=0, n_iter_no_change=99)
    est.set_params(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        animation = inspection.animate_climb(est, X, y, n_frames=5, fig=plt.figure())
        fitted = copy.deepcopy(est).fit(X, y)
    frames, classes = list(animation.new_frame_seq()), fitted.classes_
    assert [n for n, _ in frames] == [1, 2, 4, 9, 20]
    for n, model in frames:
        animation._draw_frame((n, model))
        place, _, height = animation._fig.axes[:3]
        assert f"iteration {n}:" in place.get_title()
        assert (place.get_xlabel(), place.get_ylabel()) == ("x0", "x1")
        colors = set()
        for dots, label in zip(place.lines, classes, strict=True):
            np.testing.assert_array_equal(dots.get_xydata(), X[y == label])
            assert dots.get_label() == f"class {label}"
            colors.add(dots.get_color() if n_classes == 2 else tuple(dots.get_color()))
        assert len(colors) == len(place.get_legend().get_texts()) == n_classes
        np.testing.assert_array_equal(
            height.lines[1].get_ydata(), fitted.log_likelihood_curve_[: n + 1]
        )
    for ours, theirs in zip(frames[-1][1].coefs_, fitted.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not hasattr(est, "coefs_")
    animation._draw_was_started = True  # drawn by hand


def test_a_climb_in_motion_wants_two_features_and_one_output():
    X, y = load_iris(return_X_y=True)
    est = GradientAscentLogisticRegression(0.1)
    with pytest.raises(ValueError, match=r"two features; its shape is \(150, 4\)"):
        inspection.animate_climb(est, X, y)
    with pytest.raises(ValueError, match="one column of labels"):
        inspection.animate_climb(est, X[:, :2], np.column_stack([y, y]))
    with pytest.raises(TypeError, match="est must be"):
        inspection.animate_climb(make_pipeline(est), X[:, :2], y)
