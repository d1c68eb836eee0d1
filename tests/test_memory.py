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


@pytest.mark.parametrize("spread", [1.0, 10.0])
def test_a_stream_weighs_each_batch_by_the_information_of_all(spread):
    rng = np.random.default_rng(0)
    sizes, w = np.geomspace(1 / spread, spread, 6), rng.standard_normal(6)
    stream, theta, information = LR(), np.zeros(7), 0.0
    for _ in range(100):
        Z = rng.standard_normal((80, 6))
        y = (rng.random(80) < 1 / (1 + np.exp(1 - Z @ w))).astype(int)
        stream.partial_fit(Z * sizes, y, classes=[0, 1])
        X1 = np.c_[Z * sizes, np.ones(80)]
        p = 1 / (1 + np.exp(-X1 @ theta))
        information = information + X1.T @ (X1 * (p * (1 - p))[:, None])
        theta = theta + np.linalg.solve(information, X1.T @ (y - p))
        np.testing.assert_allclose(parameters(stream), theta, rtol=1e-6)


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
