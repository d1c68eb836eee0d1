"""The picture of a network: intercepts, what is chosen of it, and how it changed."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from test_inspection import (
    KINDS,
    data,
    drawn_weights,
    every_kind,
    logistic,
    network,
    public_layers,
    texts,
)

from skneuron import Convolution, GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inspection import NetworkDisplay, Snapshots, forward_pass

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
both = pytest.mark.parametrize("make", [logistic, network])


@pytest.fixture(autouse=True)
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    for number in plt.get_fignums():  # drawing finds what making does not
        plt.figure(number).canvas.draw()
    plt.close("all")


def digits(**keywords):
    X, y = load_digits(return_X_y=True, as_frame=True)
    keywords = {"max_iter": 5, "random_state": 0, **keywords}
    return MLP((32,), **keywords).fit(X, y), X, y


# --- intercepts -----------------------------------------------------------------------


@both
def test_intercepts_that_are_not_there_are_not_drawn(make):
    est, _, _ = make("multiclass", fit_intercept=False)
    display = NetworkDisplay.from_estimator(est)
    assert display.ones_ == [] and "1" not in texts(display.ax_)
    assert [len(edges.get_segments()) for edges in display.edges_] == [
        W.size for W, _ in public_layers(est)
    ]
    names = ["a", "b", "c"]
    by_hand = {"input_names": names, "output_names": names, "coefs": [np.eye(3)]}
    assert NetworkDisplay(**by_hand).plot().ones_ == []
    intercepts = [np.array([0.0, -0.5, 0.0])]
    display = NetworkDisplay(**by_hand, intercepts=intercepts).plot()
    ((_, drawn),) = drawn_weights(display)
    np.testing.assert_allclose(drawn, [0.0, -0.5, 0.0])


def test_a_large_intercept_does_not_hide_the_weights():
    clf = LR.from_weights([1.0, -2.0], -300.0)
    ((weights, intercepts),) = drawn_weights(NetworkDisplay.from_estimator(clf))
    np.testing.assert_allclose(weights, [[0.5], [-1.0]])
    assert intercepts.tolist() == [-1.0]


def test_the_unit_of_1_stands_below_the_others():
    est, _, _ = digits()
    display = NetworkDisplay.from_estimator(est)
    assert len(display.ones_) == 2
    bottom, top = display.ax_.get_ylim()
    for one, neurons in zip(display.ones_, display.neurons_):
        lowest = min(path.get_extents().y0 for path in neurons.get_paths())
        x, y = one.center
        dots = [text for text in display.ax_.texts if text.get_text() == "\u22ee"]
        between = [text.get_position()[1] for text in dots]
        assert bottom < y - one.radius and y + one.radius < between[0] < lowest < top
        assert x in [text.get_position()[0] for text in dots]


# --- what is chosen -------------------------------------------------------------------


def test_neurons_with_the_largest_weights_are_chosen():
    est, X, _ = digits()
    display = NetworkDisplay.from_estimator(est, max_neurons=7)
    sizes_of = [np.linalg.norm(W, axis=1) for W in est.coefs_]
    sizes_of.append(np.linalg.norm(est.coefs_[-1], axis=0))
    for shown, sizes in zip(display.shown_, sizes_of, strict=True):
        assert len(shown) == 7 and np.all(np.diff(shown) > 0)
        assert sizes[shown].min() >= np.delete(sizes, shown).max()
    found = texts(display.ax_)
    assert set(X.columns[display.shown_[0]]) <= set(found)
    assert not set(np.delete(X.columns, display.shown_[0])) & set(found)
    assert {"7 of 64 inputs", "7 of 32 neurons", "7 of 10 outputs"} <= set(found)
    for (weights, ones), (W, b), rows, columns in zip(
        drawn_weights(display), public_layers(est), display.shown_, display.shown_[1:]
    ):
        largest = abs(W[np.ix_(rows, columns)]).max()
        np.testing.assert_allclose(weights, W[np.ix_(rows, columns)] / largest)
        np.testing.assert_allclose(ones, np.clip(b[columns] / largest, -1, 1))


def test_the_classes_that_the_example_may_be_are_chosen():
    est, X, _ = digits()
    display = NetworkDisplay.from_estimator(est, X[7:8], max_neurons=3)
    p = est.predict_proba(X[7:8])[0]
    np.testing.assert_array_equal(display.shown_[-1], np.sort(np.argsort(-p)[:3]))
    np.testing.assert_allclose(display.neurons_[-1].get_array(), p[display.shown_[-1]])


def test_of_equals_the_first_are_chosen():
    clf = LR.from_weights(np.repeat([1.0, 2.0, 1.0], 100))
    display = NetworkDisplay.from_estimator(clf, max_neurons=4)
    assert display.shown_[0].tolist() == [100, 101, 102, 103]


@pytest.mark.parametrize("wrong", [np.inf, np.nan, 1e-320])
def test_weights_that_are_no_use_are_chosen_from(wrong):
    weights = np.r_[np.full(10, 1e-3), wrong, 2.0]
    clf = LR.from_weights(np.zeros(12))
    clf.coef_[0] = weights
    display = NetworkDisplay.from_estimator(clf, max_neurons=2)
    chosen = [10, 11] if wrong == np.inf else [0, 11]
    assert display.shown_[0].tolist() == chosen


# --- in standardised units ------------------------------------------------------------


@every_kind
@both
def test_standardised_layers_compute_the_same(make, kind):
    est, X, _ = make(kind)
    X = X * [1e-3, 1.0, 1e3] + [0, 5, 0]
    display = NetworkDisplay.from_estimator(est, standardize_by=X)
    assert display.title == "Weights, per standard deviation"
    assert display.ax_.get_title() == display.title
    *inputs, _ = forward_pass(est, X)
    for h, (W, b), V, a in zip(
        inputs, public_layers(est), display.coefs, display.intercepts, strict=True
    ):
        deviation = h.std(axis=0)
        standard = (h - h.mean(axis=0)) / np.where(deviation == 0, 1.0, deviation)
        np.testing.assert_allclose(standard @ V + a, h @ W + b, rtol=1e-7, atol=1e-9)
    of_sparse = NetworkDisplay.from_estimator(est, standardize_by=sparse.csr_array(X))
    for ours, theirs in zip(of_sparse.coefs, display.coefs):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_units_do_not_change_what_is_chosen():
    X, y = load_breast_cancer(return_X_y=True)
    units = np.logspace(-6, 6, 30)
    chosen = []
    for scaled in [X, X * units]:
        clf = LR(C=np.inf, solver="newton", max_iter=5).fit(scaled, y)
        display = NetworkDisplay.from_estimator(clf, standardize_by=scaled)
        chosen.append(display.shown_[0])
    np.testing.assert_array_equal(*chosen)
    plain = NetworkDisplay.from_estimator(clf)  # the smallest units have large weights
    assert plain.shown_[0].max() < chosen[0].max()


def test_a_feature_that_never_varies_is_not_chosen():
    est, X, _ = digits()
    est.coefs_[0][0] = 100.0  # of a corner that has no ink
    assert X.iloc[:, 0].max() == 0
    assert 0 in NetworkDisplay.from_estimator(est).shown_[0]
    display = NetworkDisplay.from_estimator(est, standardize_by=X)
    assert 0 not in display.shown_[0]
    with pytest.raises(ValueError, match="feature names"):
        NetworkDisplay.from_estimator(est, standardize_by=X.iloc[:, :3])


# --- what changed ---------------------------------------------------------------------


@pytest.mark.slow
@every_kind
@both
def test_the_change_between_two_moments(make, kind):
    earlier, _, _ = make(kind, max_iter=2)
    later, _, _ = make(kind, max_iter=6)
    display = NetworkDisplay.from_estimator(later, since=earlier)
    assert display.title == f"Change of the weights since iteration {earlier.n_iter_}"
    assert display.ax_.get_title() == display.title
    for (weights, intercepts), (V, a), (W, b) in zip(
        drawn_weights(display), public_layers(earlier), public_layers(later)
    ):
        largest = abs(W - V).max()
        np.testing.assert_allclose(weights, (W - V) / largest, atol=1e-12)
        expected = np.clip((b - a) / largest, -1, 1)
        np.testing.assert_allclose(intercepts, expected, atol=1e-12)


def test_a_change_of_weights_by_hand_in_standardised_units():
    earlier, later = LR.from_weights([1.0, 3.0]), LR.from_weights([2.0, 2.0])
    X = np.array([[0.0, 0.0], [4.0, 20.0]])
    show = NetworkDisplay.from_estimator
    display = show(later, X[:1], since=earlier, standardize_by=X)
    assert display.title == "Change of the weights, per standard deviation"
    assert display.coefs[0].tolist() == [[2.0], [-10.0]]
    assert display.intercepts[0].tolist() == [-8.0]
    assert display.neurons_[0].get_array().tolist() == [0.0, 0.0]
    again = show(later, since=later)
    assert again.coefs[0].tolist() == [[0.0], [0.0]]
    assert again.ones_ == []


def test_neurons_that_changed_most_are_chosen():
    earlier, later = digits(max_iter=2)[0], digits(max_iter=9)[0]
    display = NetworkDisplay.from_estimator(later, since=earlier, max_neurons=5)
    change = np.linalg.norm(later.coefs_[0] - earlier.coefs_[0], axis=1)
    chosen = np.sort(np.argsort(-change)[:5])
    np.testing.assert_array_equal(display.shown_[0], chosen)


def test_other_sizes_have_no_change():
    est, X, y = network("multiclass")
    show = NetworkDisplay.from_estimator
    for other in [network("multiclass", sizes=(4, 3))[0], logistic("multiclass")[0]]:
        with pytest.raises(ValueError, match=r"since has .*\(3, .*two moments of one"):
            show(est, since=other)
    with pytest.raises(NotFittedError):
        show(est, since=clone(est))
    with pytest.raises(TypeError, match=r"pipeline\[-1\]"):
        show(est, since=make_pipeline(est))
    pictures = MLP((Convolution(2, window=2),), image_shape=(1, 3), max_iter=1)
    pictures = pictures.set_params(hidden_layer_sizes=(Convolution(2, window=(1, 2)),))
    pictures.fit(X, y)
    for keywords in [{"since": pictures}, {"standardize_by": X}, {}]:
        with pytest.raises(ValueError, match="no Convolution"):
            show(pictures, **keywords)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@both
def test_fits_of_float32_and_of_sparse_data(make, container):
    X, y = data("multilabel")
    X = container(np.where(abs(X) > 0.5, X, 0.0).astype(np.float32))
    snapshots = Snapshots([1, 3])
    est = clone(make("multilabel")[0]).set_callbacks(snapshots).fit(X, y)
    then = snapshots.taken[1]
    assert {part.dtype.name for of in public_layers(then) for part in of} == {"float32"}
    display = NetworkDisplay.from_estimator(
        est, X[:1], since=then, standardize_by=X, max_neurons=3
    )
    assert "output 2" in texts(display.ax_)
    assert all(np.isfinite(W).all() for W in display.coefs)


# --- legible --------------------------------------------------------------------------


def boxes(display, artists):
    """Where artists stand in the figure, in inches."""
    inches = display.figure_.dpi_scale_trans.inverted()
    return [artist.get_window_extent().transformed(inches) for artist in artists]


def wide(n_features, name, sizes=(50,)):
    pd = pytest.importorskip("pandas")
    X = np.random.default_rng(0).normal(size=(60, n_features))
    X = pd.DataFrame(X, columns=[f"{name}{i}" for i in range(n_features)])
    return MLP(sizes, max_iter=2, random_state=0).fit(X, np.arange(60) % 12), X


@pytest.mark.parametrize(
    "n_features, name, sizes",
    [(200, "x", (50,)), (64, "a name that is far too long for a margin ", (50, 50))],
)
@pytest.mark.parametrize("with_title", [True, False])
def test_all_is_legible_at_the_default_size(n_features, name, sizes, with_title):
    est, X = wide(n_features, name, sizes)
    how = {"standardize_by": X} if with_title else {"X": X[:1]}
    display = NetworkDisplay.from_estimator(est, **how)
    width, height = display.figure_.get_size_inches()
    assert width < 14 and height < 9
    assert max(len(text.get_text()) for text in display.ax_.texts) <= 40
    display.figure_.canvas.draw()
    texts = [*display.ax_.texts, display.ax_.title]
    texts = [text for text in texts if text.get_text()]
    found = boxes(display, texts)
    for text, box in zip(texts, found):
        assert text.get_fontsize() >= 7
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    for i, box in enumerate(found):
        assert not any(box.overlaps(other) for other in found[:i])
    columns = boxes(display, [*display.neurons_, *display.ones_])
    for text, box in zip(texts, found):
        if len(text.get_text()) > 5:  # a name, or a heading: beside its neurons
            assert not any(box.overlaps(column) for column in columns)


def test_names_that_nobody_could_read_are_left_out(plt):
    est, _ = wide(40, "x")
    _, ax = plt.subplots(figsize=(3, 3))
    display = NetworkDisplay.from_estimator(est, ax=ax, max_neurons=40)
    found = {text.get_text(): text.get_fontsize() for text in ax.texts}
    assert found["40 inputs"] >= 8 and found["12 outputs"] >= 8
    assert "x0" not in found and "class 0" not in found
    assert len(display.neurons_[0].get_paths()) == 40


# --- snapshots ------------------------------------------------------------------------

CLIMBS = [
    LR(0.3, tol=0, max_iter=9),
    LR(solver="newton", C=1.0, tol=0, max_iter=9),
    MLP((4,), learning_rate=0.01, tol=0, max_iter=9, random_state=0),
    MLP((4,), solver="gradient", learning_rate=0.1, tol=0, max_iter=9, random_state=0),
    MLP((4,), solver="lbfgs", alpha=0.01, tol=0, max_iter=9, random_state=0),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", CLIMBS, ids=str)
def test_a_snapshot_is_the_fit_that_ends_there(model, kind):
    X, y = data(kind)
    snapshots = Snapshots([1, 3, 7, 500])
    est = clone(model).set_callbacks(snapshots)
    assert snapshots.taken == {}
    est.fit(X, y)
    reached = [n for n in (1, 3, 7) if n <= est.n_iter_]
    assert list(snapshots.taken) == reached and 3 in reached
    silent = clone(model).fit(X, y)
    for (W, b), (V, a) in zip(public_layers(est), public_layers(silent)):
        np.testing.assert_array_equal(W, V)
        np.testing.assert_array_equal(b, a)
    for n, then in snapshots.taken.items():
        assert type(then) is type(model) and then.n_iter_ == n
        assert then.get_params() == model.get_params()
        short = clone(model).set_params(max_iter=n).fit(X, y)
        np.testing.assert_allclose(
            then.decision_function(X) if kind != "multioutput" else then._layers[0][0],
            short.decision_function(X)
            if kind != "multioutput"
            else short._layers[0][0],
            rtol=1e-6,
            atol=1e-9,
        )
        assert then.log_likelihood(X, y) == pytest.approx(short.log_likelihood_)


def test_snapshots_are_of_the_last_fit_and_hold_no_callbacks():
    X, y = data("binary")
    snapshots = Snapshots(range(1, 4))
    est = clone(CLIMBS[0]).set_callbacks(snapshots).fit(X, y)
    first = snapshots.taken
    assert list(first) == [1, 2, 3]
    est.fit(X[:, :2], y)
    assert {then.n_features_in_ for then in first.values()} == {3}
    assert {then.n_features_in_ for then in snapshots.taken.values()} == {2}
    assert not hasattr(snapshots.taken[3], "_skl_callbacks")
    assert not hasattr(snapshots.taken[3], "log_likelihood_curve_")
    snapshots.taken[3].coef_[...] = 0
    assert np.all(est.coef_ != 0) and np.all(snapshots.taken[2].coef_ != 0)


def test_snapshots_know_names():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :3]
    snapshots = Snapshots([1])
    LR(solver="newton", max_iter=2).set_callbacks(snapshots).fit(X, y)
    display = NetworkDisplay.from_estimator(snapshots.taken[1], X[:1])
    assert set(X.columns) <= set(texts(display.ax_))


def test_snapshots_of_shared_weights():
    X, y = data("multiclass")
    snapshots = Snapshots([2])
    layers = (Convolution(2, window=(1, 2)),)
    est = MLP(layers, image_shape=(1, 3), max_iter=4, random_state=0)
    est.set_callbacks(snapshots).fit(X, y)
    short = clone(est).set_callbacks().set_params(max_iter=2).fit(X, y)
    np.testing.assert_allclose(
        snapshots.taken[2].predict_proba(X), short.predict_proba(X), rtol=1e-6
    )
