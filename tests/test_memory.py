"""A climb that goes on: five iterations and five more are ten, and nothing else."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP

CLIMBS = [
    LR(solver="newton"),
    LR(solver="lbfgs"),
    LR(solver="gradient"),
    LR(0.1),
    LR(0.1, batch_size=50, random_state=0),
    LR(batch_size=50, random_state=0),
    *(
        MLP(
            (5,),
            solver=solver,
            early_stopping=early,
            batch_size=size,
            alpha=0.1,  # one that is chosen depends on how long a fit is
            random_state=0,
        )
        for solver in ["adam", "gradient", "lbfgs"]
        for early in [False, True]
        for size in [50, 1000]
    ),
    MLP((5,), learning_rate=0.01, random_state=0),
]


def quietly(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def parameters(model):
    if hasattr(model, "coef_"):
        return np.r_[model.coef_.ravel(), model.intercept_]
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("first", [2, 5])
@pytest.mark.parametrize("model", CLIMBS, ids=str)
def test_some_iterations_and_some_more_are_all(model, first, dtype):
    X, y = load_iris(return_X_y=True)
    X = np.repeat(X, 2, axis=0).astype(dtype)
    y = np.repeat((y > 1).astype(int), 2)
    paused = quietly(clone(model).set_params(max_iter=first, warm_start=True), X, y)
    quietly(paused.set_params(max_iter=10 - first), X, y)
    straight = quietly(clone(model).set_params(max_iter=10), X, y)
    np.testing.assert_allclose(
        parameters(paused), parameters(straight), rtol=1e-9, atol=1e-9
    )
    assert paused.log_likelihood_ == pytest.approx(straight.log_likelihood_, rel=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        LR(tol=1e-12),
        LR(solver="lbfgs", tol=1e-12),
        LR(solver="gradient", tol=1e-9),
        MLP((5,), random_state=0, max_iter=300),
        MLP((5,), solver="lbfgs", random_state=0, max_iter=300),
    ],
    ids=str,
)
def test_new_labels_are_learned_however_well_the_old_ones_were(model):
    X, y = make_classification(300, 5, flip_y=0.1, random_state=0)
    model = quietly(clone(model).set_params(warm_start=True), X, y)
    assert quietly(model, X, 1 - y).score(X, 1 - y) > 0.85


def test_another_solver_begins_with_no_memory():
    X, y = make_classification(300, 5, flip_y=0.2, random_state=0)
    model = quietly(MLP((4,), warm_start=True, max_iter=2, random_state=0), X, y)
    before = model.log_likelihood_
    quietly(model.set_params(solver="lbfgs", max_iter=30), X, y)
    assert model.n_iter_ > 2
    assert model.log_likelihood_ > before + 10


def test_a_stream_after_a_fit_does_not_lose_it():
    X, y = make_classification(300, 5, flip_y=0.2, random_state=0)
    model = quietly(LR(warm_start=True, max_iter=3), X, y)
    top = LR().fit(X, y).log_likelihood_
    for i in range(0, 300, 30):
        model.partial_fit(X[i : i + 30], y[i : i + 30])
    assert model.log_likelihood(X, y) > top - 2


def test_one_pass_over_a_stream_ends_near_the_top():
    X, y = make_classification(3000, 8, flip_y=0.2, random_state=1)
    X = X * np.logspace(-4, 4, 8) + 10.0  # no scaling is needed
    stream, top = LR(), LR().fit(X, y).log_likelihood_
    for i in range(0, 3000, 100):
        stream.partial_fit(X[i : i + 100], y[i : i + 100], classes=[0, 1])
    assert stream.log_likelihood(X, y) > 1.002 * top


def recursion(batches, C=np.inf):
    """Batch after batch, the top of its likelihood and of the hill before it."""
    n = batches[0][0].shape[1] + 1
    theta, information = np.zeros(n), np.diag(np.r_[np.ones(n - 1), 0.0]) / C
    for X, y in batches:
        X1, top = np.c_[X, np.ones(len(X))], theta
        along = []
        for step in range(4):
            p = 1 / (1 + np.exp(-X1 @ theta))
            along.append(X1.T @ (X1 * (p * (1 - p))[:, None]))
            slope = X1.T @ (y - p) - information @ (theta - top)
            way = np.linalg.solve(information + along[-1], slope)
            if step == 3 or (step and way @ slope <= 0.001 * n):
                break
            theta = theta + way
        information = information + (along[0] + along[-1]) / 2
    return theta


def stream_of(n_batches, n_rows, sizes=1.0, p=6, slope=1.0):
    rng = np.random.default_rng(0)
    w, batches = slope * rng.standard_normal(p), []
    for _ in range(n_batches):
        Z = rng.standard_normal((n_rows, p))
        y = (rng.random(n_rows) < 1 / (1 + np.exp(1 - Z @ w))).astype(int)
        batches.append((Z * sizes, y))
    return batches


def learned(batches, **parameters):
    stream = LR(**parameters)
    for X, y in batches:
        stream.partial_fit(X, y, classes=[0, 1])
    return stream


def below_the_top(stream, batches, C=np.inf):
    """How far below that of a fit to all batches the height is, in nats a row."""
    X, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    found, best = (
        model.log_likelihood(X, y) - np.sum(model.coef_**2) / (2 * C)
        for model in [stream, LR(C=C).fit(X, y)]
    )
    return (best - found) / len(y)


@pytest.mark.parametrize("C", [np.inf, 1.0, 0.01])
@pytest.mark.parametrize("spread", [1.0, 10.0])
def test_a_batch_climbs_its_likelihood_and_the_hill_of_all_before(spread, C):
    batches = stream_of(30, 80, np.geomspace(1 / spread, spread, 6))
    found, expected = parameters(learned(batches, C=C)), recursion(batches, C)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("C", [np.inf, 1.0, 0.01])
@pytest.mark.parametrize(
    ("n_batches", "n_rows", "near"),
    [(20, 300, 1e-4), (40, 50, 2e-3), (100, 1, 3e-2)],
)
def test_a_stream_ends_near_the_top_of_all_batches_and_one_penalty(
    n_batches, n_rows, near, C
):
    batches = stream_of(n_batches, n_rows, p=4)
    assert -1e-9 <= below_the_top(learned(batches, C=C), batches, C) < near


def test_a_stream_of_each_class_by_itself_ends_near_the_top():
    X, y = stream_of(1, 3000)[0]
    zeros, ones = (np.array_split(np.flatnonzero(y == label), 10) for label in [0, 1])
    order = [at for pair in zip(zeros, ones, strict=True) for at in pair]
    batches = [(X[at], y[at]) for at in order]
    assert below_the_top(learned(batches), batches) < 2e-3


@pytest.mark.parametrize("label", [0, "separating"])
def test_batches_without_a_top_move_nothing_far(label):
    """At most three Newton steps each, of which every one adds about 1 to a logit."""
    X, _ = stream_of(1, 100)[0]
    y = (X[:, 0] > 0).astype(int) if label == "separating" else np.full(100, label)
    for n_batches in [1, 10]:
        stream = learned([(X, y)] * n_batches)
        assert np.abs(stream.decision_function(X)).max() < 30


def test_a_misleading_row_moves_nothing_far():
    """Where a likelihood saturates, Newton's own step leads to where numbers end."""
    batches = stream_of(150, 1, p=4, slope=5.0)
    assert below_the_top(learned(batches), batches) < 0.05


@pytest.mark.parametrize("solver", ["auto", "newton"])
def test_softmaxes_and_several_outputs_are_streamed_near_their_top(solver):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 4))
    code = (X @ rng.standard_normal((4, 3)) + rng.gumbel(size=(2000, 3))).argmax(1)
    for y in [code, np.c_[code > 0, code == 1].astype(int), np.c_[code, code % 2]]:
        classes = [np.unique(of) for of in y.T] if y.ndim > 1 else np.unique(y)
        stream = LR(solver=solver)
        for at in np.array_split(np.arange(2000), 10):
            stream.partial_fit(X[at], y[at], classes=classes)
        best = LR().fit(X, y).log_likelihood_
        assert 0 <= (best - stream.log_likelihood(X, y)) / 2000 < 1e-3
        assert stream.n_iter_ == 10


@pytest.mark.parametrize("solver", ["adam", "gradient"])
def test_with_one_batch_the_curve_is_the_log_likelihood_after_each_iteration(solver):
    X, y = load_iris(return_X_y=True)
    model = MLP((4,), solver=solver, learning_rate=0.01, random_state=0)
    curve = quietly(model.set_params(max_iter=4), X, y).log_likelihood_curve_
    for n in [1, 2, 3, 4]:
        n_iterations = quietly(clone(model).set_params(max_iter=n), X, y)
        assert curve[n] == pytest.approx(n_iterations.log_likelihood_, rel=1e-12)


def test_an_overshooting_network_stays_finite_and_names_a_rate_that_holds():
    X, y = load_breast_cancer(return_X_y=True)
    model = MLP((10,), "identity", solver="gradient", random_state=0, max_iter=20)
    with pytest.warns(ConvergenceWarning, match="learning_rate") as caught:
        model.set_params(learning_rate=1e3).fit(X, y)
    assert np.all(np.isfinite(parameters(model)))
    assert np.isfinite(model.log_likelihood_)
    safe = float(str(caught[0].message).split("data is ")[1].split(";")[0])
    again = quietly(model.set_params(learning_rate=safe), X, y)
    assert again.log_likelihood_ >= again.log_likelihood_curve_[0]
