"""Against statsmodels and scikit-learn: the same objective, the same optimum."""

import numpy as np
import pytest
from reference import binary_data, multiclass_data
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

sm = pytest.importorskip("statsmodels.api")


def statsmodels_data(name):
    data = getattr(sm.datasets, name).load_pandas()
    y = data.endog
    if name == "fair":
        y = (y > 0).astype(int)  # had an affair
    return data.exog, y.astype(int)


# --- the maximum likelihood estimate, to the digits that are printed ------------------


@pytest.mark.parametrize("solver", ["auto", "newton"])
@pytest.mark.parametrize("name", ["spector", "fair"])
def test_mle_is_that_of_logit(name, solver):
    X, y = statsmodels_data(name)
    theirs = sm.Logit(y, sm.add_constant(X)).fit(
        method="newton", maxiter=100, tol=1e-13, disp=0
    )
    ours = GradientAscentLogisticRegression(solver=solver).fit(X, y)
    assert ours.converged_
    np.testing.assert_allclose(ours.coef_[0], theirs.params.to_numpy()[1:], rtol=5e-7)
    np.testing.assert_allclose(
        ours.intercept_[0], theirs.params.to_numpy()[0], rtol=5e-7
    )
    assert ours.log_likelihood_ == pytest.approx(theirs.llf, rel=1e-10)


def test_mle_is_that_of_logit_without_a_constant():
    X, y = statsmodels_data("spector")
    theirs = sm.Logit(y, X).fit(method="newton", maxiter=100, tol=1e-13, disp=0)
    ours = GradientAscentLogisticRegression(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(ours.coef_[0], theirs.params.to_numpy(), rtol=5e-7)
    assert ours.log_likelihood_ == pytest.approx(theirs.llf, rel=1e-10)


def test_mle_is_that_of_mnlogit():
    X, y = statsmodels_data("anes96")
    theirs = sm.MNLogit(y, sm.add_constant(X)).fit(
        method="newton", maxiter=100, tol=1e-13, disp=0
    )
    params = theirs.params.to_numpy()
    ours = GradientAscentLogisticRegression().fit(X, y)
    assert ours.converged_
    np.testing.assert_array_equal(ours.classes_, np.arange(7))
    np.testing.assert_allclose(ours.coef_.sum(axis=0), 0, atol=1e-10)
    relative = (ours.coef_[1:] - ours.coef_[0]).T
    # Six significant digits of each column's largest coefficient and of its own.
    np.testing.assert_allclose(relative, params[1:], rtol=2e-6, atol=1e-8)
    np.testing.assert_allclose(
        ours.intercept_[1:] - ours.intercept_[0], params[0], rtol=2e-6
    )
    assert ours.log_likelihood_ == pytest.approx(theirs.llf, rel=1e-10)


@pytest.mark.parametrize("solver", ["lbfgs", "gradient"])
def test_slower_climbs_reach_the_log_likelihood_of_logit(solver):
    X, y = statsmodels_data("fair")
    theirs = sm.Logit(y, sm.add_constant(X)).fit(method="newton", disp=0)
    ours = GradientAscentLogisticRegression(solver=solver, max_iter=20_000).fit(X, y)
    assert ours.log_likelihood_ == pytest.approx(theirs.llf, rel=1e-7)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_score_equations_of_the_mle(data):
    X, y = data()
    model = GradientAscentLogisticRegression(tol=1e-9).fit(X, y)
    shares = np.bincount(y) / len(y)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.mean(axis=0), shares, atol=1e-8)
    one_hot = np.eye(len(shares))[y]
    np.testing.assert_allclose(X.T @ probabilities, X.T @ one_hot, atol=1e-6)


def test_collinear_columns_cost_nothing():
    X, y = statsmodels_data("spector")
    alone = GradientAscentLogisticRegression().fit(X, y)
    twice = np.column_stack([X, X.to_numpy()[:, 1], np.ones(len(y)), X.sum(axis=1)])
    doubled = GradientAscentLogisticRegression().fit(twice, y)
    assert doubled.log_likelihood_ == pytest.approx(alone.log_likelihood_, rel=1e-9)
    np.testing.assert_allclose(
        doubled.predict_proba(twice), alone.predict_proba(X), atol=1e-5
    )


# --- C is LogisticRegression's C ------------------------------------------------------


def peer(**parameters):
    return LogisticRegression(tol=1e-10, max_iter=10_000, **parameters)


@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs"])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_C_is_that_of_logistic_regression(data, C, solver):
    X, y = data()
    X = X * [1, 2, 5, 0.5] + 1
    theirs = peer(C=C).fit(X, y)
    ours = GradientAscentLogisticRegression(C=C, solver=solver, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-5)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=2e-5
    )


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
@pytest.mark.parametrize(
    "class_weight", [None, "balanced", {0: 3.0}, {0: 0.5, 1: 2.0}], ids=str
)
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_are_those_of_logistic_regression(data, class_weight, weighted):
    X, y = data()
    weights = np.random.default_rng(0).uniform(0, 3, len(y)) if weighted else None
    theirs = peer(C=0.7, class_weight=class_weight).fit(X, y, sample_weight=weights)
    ours = GradientAscentLogisticRegression(
        C=0.7, class_weight=class_weight, tol=1e-9
    ).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=5e-5)


def test_C_of_the_lecture_has_the_same_top():
    X, y = binary_data()
    theirs = peer(C=0.5).fit(X, y)
    for reduction, eta in [("mean", 1.0), ("sum", 1.0 / len(y))]:
        ours = GradientAscentLogisticRegression(
            eta, C=0.5, reduction=reduction, max_iter=5000, tol=1e-9
        ).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_shapes_and_scores_are_those_of_logistic_regression(data):
    X, y = data()
    theirs = peer(C=1.0).fit(X, y)
    ours = GradientAscentLogisticRegression(C=1.0, tol=1e-9).fit(X, y)
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == theirs.intercept_.shape
    for method in ("decision_function", "predict_log_proba", "predict_proba"):
        np.testing.assert_allclose(
            getattr(ours, method)(X), getattr(theirs, method)(X), atol=1e-4
        )


# --- alpha is MLPClassifier's alpha ---------------------------------------------------


def mlp_peer(hidden, alpha, activation="tanh"):
    return MLPClassifier(
        hidden,
        activation,
        solver="lbfgs",
        alpha=alpha,
        tol=1e-12,
        max_iter=20_000,
        max_fun=100_000,
        random_state=0,
    )


def penalised(model, X, y, alpha):
    """n times MLPClassifier's objective, with the sign turned."""
    squares = sum(float(np.sum(W * W)) for W in model.coefs_)
    return model.log_likelihood(X, y) - 0.5 * alpha * squares


def at_the_optimum_of(theirs, X, y, **parameters):
    with pytest.warns(ConvergenceWarning):
        ours = SimpleMLPClassifier(
            theirs.hidden_layer_sizes,
            theirs.activation,
            solver="lbfgs",
            alpha=theirs.alpha,
            max_iter=1,
            random_state=0,
            **parameters,
        ).fit(X, y)
    ours.coefs_ = [W.copy() for W in theirs.coefs_]
    ours.intercepts_ = [b.copy() for b in theirs.intercepts_]
    return ours


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_the_same_weights_are_the_same_network(data, activation):
    X, y = data()
    theirs = mlp_peer((5, 3), 0.5, activation).set_params(tol=1e-4).fit(X, y)
    ours = at_the_optimum_of(theirs, X, y)
    assert [W.shape for W in ours.coefs_] == [W.shape for W in theirs.coefs_]
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-7, atol=1e-12
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert penalised(ours, X, y, 0.5) == pytest.approx(-len(y) * theirs.loss_, 1e-8)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_the_optimum_of_mlp_classifier_is_an_optimum_here(data):
    X, y = data()
    theirs = mlp_peer((3,), 1.0).fit(X, y)
    ours = at_the_optimum_of(theirs, X, y, warm_start=True)
    before = penalised(ours, X, y, 1.0)
    proba = ours.predict_proba(X)
    ours.set_params(max_iter=1000, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), proba, atol=1e-3)
    assert penalised(ours, X, y, 1.0) == pytest.approx(before, rel=1e-7)


def test_the_other_solvers_have_the_same_objective():
    X, y = binary_data()
    alpha = 2.0
    theirs = mlp_peer((), alpha).fit(X, y)
    for solver in ("adam", "gradient"):
        ours = SimpleMLPClassifier(
            (),
            solver=solver,
            alpha=alpha,
            max_iter=5000,
            n_iter_no_change=100,
            tol=1e-7,
            batch_size=len(y),
            random_state=0,
        ).fit(X, y)
        np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=2e-3)


@pytest.mark.parametrize("alpha", [0.1, 10.0])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_alpha_without_hidden_layer_has_one_optimum(data, alpha):
    X, y = data()
    theirs = mlp_peer((), alpha).fit(X, y)
    ours = SimpleMLPClassifier(
        (), solver="lbfgs", alpha=alpha, tol=1e-9, max_iter=5000, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-4)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4
    )


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_a_network_without_hidden_layer_is_logistic_regression(data):
    X, y = data()
    single = GradientAscentLogisticRegression(C=0.5, tol=1e-9).fit(X, y)
    network = SimpleMLPClassifier(
        (), solver="lbfgs", alpha=2.0, tol=1e-9, max_iter=5000, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(
        network.predict_proba(X), single.predict_proba(X), atol=1e-5
    )
    assert network.log_likelihood_ == pytest.approx(single.log_likelihood_, rel=1e-5)


# --- several outputs are several models -----------------------------------------------


def several_outputs(kind):
    """X, Y whose columns do not know of one another."""
    X, first = binary_data(n=120, seed=0)
    rng = np.random.default_rng(1)
    logits = X @ rng.uniform(-1, 1, (4, 3)) + rng.gumbel(size=(120, 3))
    second = logits.argmax(axis=1)
    third = (rng.random(120) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    if kind == "multilabel":
        return X, np.column_stack([first, third, (second == 1).astype(int)])
    if kind == "two by three":
        return X, np.column_stack([second, 2 - second[::-1]])
    assert kind == "mixed"  # 2, 3 and 2 labels
    return X, np.column_stack([first, second, third])


def column_probabilities(model, X):
    """One (n, k) array an output, whatever the kind of y."""
    probabilities = model.predict_proba(X)
    if isinstance(probabilities, list):
        return probabilities
    return [np.column_stack([1 - p, p]) for p in probabilities.T]


@pytest.mark.parametrize("kind", ["multilabel", "two by three", "mixed"])
@pytest.mark.parametrize("C", [np.inf, 0.3])
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
def test_several_outputs_are_one_model_a_column(kind, C, solver):
    X, Y = several_outputs(kind)
    together = GradientAscentLogisticRegression(C=C, solver=solver, tol=1e-8).fit(X, Y)
    alone = [
        GradientAscentLogisticRegression(C=C, tol=1e-8).fit(X, column) for column in Y.T
    ]
    columns = column_probabilities(together, X)
    assert len(columns) == Y.shape[1]
    for probabilities, model in zip(columns, alone, strict=True):
        np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(
        together.predict(X), np.column_stack([model.predict(X) for model in alone])
    )
    total = sum(model.log_likelihood_ for model in alone)
    assert together.log_likelihood_ == pytest.approx(total, rel=1e-8)
    assert together.n_parameters_ == sum(model.n_parameters_ for model in alone)


@pytest.mark.parametrize("kind", ["multilabel", "mixed"])
def test_several_outputs_take_the_lecture_step_each(kind):
    X, Y = several_outputs(kind)
    parameters = {"learning_rate": 0.3, "max_iter": 40, "tol": 0}
    with pytest.warns(ConvergenceWarning):
        together = GradientAscentLogisticRegression(**parameters).fit(X, Y)
        alone = [
            GradientAscentLogisticRegression(**parameters).fit(X, column)
            for column in Y.T
        ]
    columns = column_probabilities(together, X)
    for probabilities, model in zip(columns, alone, strict=True):
        np.testing.assert_allclose(probabilities, model.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("kind", ["multilabel", "mixed"])
def test_outputs_of_a_network_without_hidden_layer_are_one_model_a_column(kind):
    X, Y = several_outputs(kind)

    def network():
        return SimpleMLPClassifier(
            (), solver="lbfgs", alpha=1.0, tol=1e-9, max_iter=5000, random_state=0
        )

    columns = column_probabilities(network().fit(X, Y), X)
    for probabilities, y in zip(columns, Y.T, strict=True):
        expected = network().fit(X, y).predict_proba(X)
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_multilabel_with_alpha_is_that_of_mlp_classifier():
    X, Y = several_outputs("multilabel")
    theirs = mlp_peer((4,), 1.0).set_params(tol=1e-4).fit(X, Y)
    ours = at_the_optimum_of(theirs, X, Y)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-7
    )
    assert penalised(ours, X, Y, 1.0) == pytest.approx(-len(Y) * theirs.loss_, 1e-8)
