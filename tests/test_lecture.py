"""A number as learning rate is the lecture, to the letter."""

import itertools
import re
import warnings

import numpy as np
import pytest
from reference import (
    bernoulli_log_likelihood,
    binary_data,
    categorical_log_likelihood,
    mlp_gradient,
    mlp_log_likelihood,
    multiclass_data,
    slides_gradient_ascent,
    softmax_gradient_ascent,
)
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

# Most climbs here stop on purpose before the top; the tests of the warnings say so.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_LABELS = np.array([0, 1, 1, 0])


def lecture(eta, **parameters):
    return GradientAscentLogisticRegression(eta, **{"tol": 0, **parameters})


# --- the slides' pseudo-code ----------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_iter", [1, 2, 200])
def test_sum_is_the_slides_step_to_the_letter(n_iter, fit_intercept):
    X, y = binary_data()
    theta, intercept = slides_gradient_ascent(X, y, 0.01, n_iter, fit_intercept)
    model = lecture(
        0.01, reduction="sum", max_iter=n_iter, fit_intercept=fit_intercept
    ).fit(X, y)
    assert model.n_iter_ == n_iter
    np.testing.assert_allclose(model.coef_, [theta], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, [intercept], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sum_is_the_slides_step_for_several_classes(fit_intercept):
    X, y = multiclass_data()
    theta, intercepts = softmax_gradient_ascent(X, y, 3, 0.01, 100, fit_intercept)
    model = lecture(
        0.01, reduction="sum", max_iter=100, fit_intercept=fit_intercept
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, theta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, intercepts, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-12)


def test_the_slides_step_with_sample_weights():
    X, y = binary_data()
    weights = np.random.default_rng(0).uniform(0, 3, len(y))
    theta, intercept = slides_gradient_ascent(X, y, 0.01, 50, weights=weights)
    model = lecture(0.01, reduction="sum", max_iter=50)
    model.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.coef_, [theta], rtol=1e-10)
    np.testing.assert_allclose(model.intercept_, [intercept], rtol=1e-10)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_mean_is_the_sum_over_the_number_of_examples(data):
    X, y = data()
    mean = lecture(0.5, max_iter=80).fit(X, y)
    total = lecture(0.5 / len(y), reduction="sum", max_iter=80).fit(X, y)
    assert mean.get_params()["reduction"] == "mean"
    np.testing.assert_allclose(mean.coef_, total.coef_, rtol=1e-10)
    np.testing.assert_allclose(mean.intercept_, total.intercept_, rtol=1e-10)
    if data is binary_data:
        theta, intercept = slides_gradient_ascent(X, y, 0.5 / len(y), 80)
        np.testing.assert_allclose(mean.coef_, [theta], rtol=1e-10)
        np.testing.assert_allclose(mean.intercept_, [intercept], rtol=1e-10)


def test_the_first_step_starts_at_zero():
    X, y = binary_data()
    model = lecture(0.25, reduction="sum", max_iter=1).fit(X, y)
    np.testing.assert_allclose(model.coef_[0], 0.25 * X.T @ (y - 0.5), rtol=1e-12)
    np.testing.assert_allclose(model.intercept_, 0.25 * np.sum(y - 0.5), atol=1e-12)


def test_the_random_state_does_not_touch_the_lecture():
    X, y = binary_data()
    first = lecture(0.1, max_iter=20, random_state=0).fit(X, y)
    second = lecture(0.1, max_iter=20, random_state=1).fit(X, y)
    np.testing.assert_array_equal(first.coef_, second.coef_)


def test_a_step_of_the_network_is_the_rate_times_the_mean_gradient():
    X, y = binary_data(n=12, p=3)
    model = SimpleMLPClassifier(
        (4, 3),
        solver="gradient",
        learning_rate=0.7,
        momentum=0,
        batch_size=len(y),
        shuffle=False,
        max_iter=3,
        tol=0,
        warm_start=True,
        random_state=0,
    ).fit(X, y)
    before = [W.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_]
    model.set_params(max_iter=1).fit(X, y)
    grad_W, grad_b = mlp_gradient(X, y, *before)
    for level in range(3):
        np.testing.assert_allclose(
            model.coefs_[level] - before[0][level],
            0.7 * np.array(grad_W[level]) / len(y),
            rtol=1e-8,
            atol=1e-14,
        )
        np.testing.assert_allclose(
            model.intercepts_[level] - before[1][level],
            0.7 * np.array(grad_b[level]) / len(y),
            rtol=1e-8,
            atol=1e-14,
        )


# --- the lecture's facts --------------------------------------------------------------


def test_40_inputs_and_20_hidden_neurons_have_820_parameters():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 40)), np.arange(30) % 2
    model = SimpleMLPClassifier((20,), fit_intercept=False, max_iter=1).fit(X, y)
    assert model.n_parameters_ == 820 == 40 * 20 + 20 * 1
    with_intercepts = SimpleMLPClassifier((20,), max_iter=1).fit(X, y)
    assert with_intercepts.n_parameters_ == 820 + 20 + 1


def test_parameters_of_a_single_neuron():
    X, y = binary_data(p=4)
    assert GradientAscentLogisticRegression().fit(X, y).n_parameters_ == 5
    model = GradientAscentLogisticRegression(fit_intercept=False).fit(X, y)
    assert model.n_parameters_ == 4
    np.testing.assert_array_equal(model.intercept_, 0)


@pytest.mark.parametrize("eta", ["auto", 0.01, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_xor_is_too_much_for_a_single_neuron(eta, fit_intercept):
    model = GradientAscentLogisticRegression(eta, fit_intercept=fit_intercept)
    assert model.fit(XOR, XOR_LABELS).score(XOR, XOR_LABELS) <= 0.75


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
def test_xor_is_no_trouble_for_a_hidden_layer(solver, activation):
    model = SimpleMLPClassifier(
        (8,),
        activation,
        solver=solver,
        learning_rate="auto" if solver == "lbfgs" else {"adam": 0.1}.get(solver, 1.0),
        alpha=0,
        max_iter=3000,
        tol=1e-6,
        random_state=0,
    ).fit(XOR, XOR_LABELS)
    assert model.score(XOR, XOR_LABELS) == 1.0


def test_two_layers_without_activation_are_still_one_line():
    model = SimpleMLPClassifier(
        (8,), "identity", solver="lbfgs", alpha=0, max_iter=500, random_state=0
    )
    assert model.fit(XOR, XOR_LABELS).score(XOR, XOR_LABELS) <= 0.75


# --- the curve ------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"learning_rate": 0.3}, {"C": 1.0}])
def test_the_curve_starts_at_a_coin_toss_and_ends_at_the_model(parameters):
    X, y = binary_data()
    model = GradientAscentLogisticRegression(**parameters).fit(X, y)
    curve = np.asarray(model.log_likelihood_curve_)
    assert curve.shape == (model.n_iter_ + 1,)
    assert curve[0] == pytest.approx(len(y) * np.log(0.5), rel=1e-12)
    assert curve[-1] == pytest.approx(model.log_likelihood_, rel=1e-12)
    logits = X @ model.coef_[0] + model.intercept_[0]
    expected = bernoulli_log_likelihood(logits, y)
    assert model.log_likelihood_ == pytest.approx(expected, rel=1e-10)


def test_the_curve_of_several_classes_and_weights():
    X, y = multiclass_data(k=4)
    weights = np.random.default_rng(0).uniform(0, 2, len(y))
    model = GradientAscentLogisticRegression().fit(X, y, sample_weight=weights)
    curve = model.log_likelihood_curve_
    assert curve[0] == pytest.approx(weights.sum() * np.log(0.25), rel=1e-12)
    logits = X @ model.coef_.T + model.intercept_
    expected = categorical_log_likelihood(logits, y, weights)
    assert model.log_likelihood_ == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
def test_the_curve_of_a_network(solver):
    X, y = binary_data()
    model = SimpleMLPClassifier((3,), solver=solver, max_iter=20, random_state=0)
    model.fit(X, y)
    assert len(model.log_likelihood_curve_) == model.n_iter_ + 1
    assert model.log_likelihood_curve_[-1] == pytest.approx(model.log_likelihood_)
    expected = mlp_log_likelihood(X, y, model.coefs_, model.intercepts_)
    assert model.log_likelihood_ == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("solver", ["auto", "gradient", "lbfgs", "newton"])
@pytest.mark.parametrize("C", [np.inf, 0.1])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_auto_never_lowers_the_objective(data, C, solver):
    X, y = data()
    X = X * [1e-3, 1.0, 10.0, 1e3] + [0, 5, 0, 1e3]
    model = GradientAscentLogisticRegression(solver=solver, C=C, max_iter=60)
    model.fit(X, y)
    curve = np.asarray(model.log_likelihood_curve_)
    assert np.isfinite(curve).all()
    assert curve[-1] > curve[0]
    if np.isinf(C):  # with a penalty it is the penalised one that never falls
        assert (np.diff(curve) >= -1e-12 * abs(curve[0])).all()


def test_lbfgs_never_lowers_the_log_likelihood_of_a_network():
    X, y = multiclass_data()
    model = SimpleMLPClassifier((5,), "tanh", solver="lbfgs", alpha=0, random_state=0)
    curve = np.asarray(model.fit(X, y).log_likelihood_curve_)
    assert (np.diff(curve) >= -1e-12 * abs(curve[0])).all()
    assert curve[-1] > curve[0]


# --- climbs that stop short -----------------------------------------------------------


def short(model, X, y):
    """How many nats a fit is short of the top, and what it says: one message, or ""."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    top = GradientAscentLogisticRegression(C=model.C, tol=1e-9).fit(X, y)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) <= 1
    top, end = (
        of.log_likelihood_ - (of.coef_**2).sum() / 2 / of.C for of in (top, model)
    )
    return top - end, "".join(messages)


@pytest.mark.parametrize("eta", [1.0, 3.0])
def test_a_rate_that_was_right_is_not_called_wrong(eta):
    """At max_iter it is so near the top that nobody could see the difference."""
    X, y = cancer_data()
    X = scale(X[:, :2])
    model = lecture(eta, max_iter=400 if eta == 1.0 else 150)
    nats, said = short(model, X, y)
    assert 0 < nats < 1e-3 * 3 and not model.converged_
    assert said == ""


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
@pytest.mark.parametrize("C", [np.inf, 1.0])
@pytest.mark.parametrize("batch_size", [None, 30])
@pytest.mark.parametrize("max_iter", [10, 30, 100, 300, 1000])
def test_a_climb_that_stops_short_says_by_how_much(data, C, batch_size, max_iter):
    X, y = data(n=90)
    more = {"batch_size": batch_size, "random_state": 0, "C": C}
    model = lecture(0.1, max_iter=max_iter, **more)
    nats, said = short(model, X, y)
    visible = 1e-3 * model.n_parameters_
    if not said:
        assert nats <= 1.1 * visible
        return
    assert f"max_iter={max_iter}" in said and "or change learning_rate=0.1." in said
    (told,) = re.findall(r"about (\S+) nats below the top", said)
    assert float(told) > 0.95 * visible
    if nats < 0.3:  # near the top, the hill is a parabola
        assert float(told) == pytest.approx(nats, rel=0.2)


def test_nats_to_go_of_a_hill_without_curvature_somewhere():
    X, y = binary_data()
    X = np.c_[X, X[:, 0], np.ones(60), np.zeros(60)]  # collinear, constant, nothing
    nats, said = short(lecture(0.1, max_iter=30), X, y)
    assert "nats below the top" in said
    nats, said = short(lecture(0.1, max_iter=3000), X, y)
    assert nats < 7e-3 and said == ""


def test_auto_says_by_how_much_and_calls_no_rate_wrong():
    X, y = cancer_data()
    model = GradientAscentLogisticRegression(max_iter=2)
    nats, said = short(model, X, y)
    assert nats > 1 and re.search(r"about \S+ nats below the top\. Increase max", said)
    assert "learning_rate" not in said


def test_what_is_dear_to_know_is_left_out():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 800)), np.arange(20) % 2
    with pytest.warns(
        ConvergenceWarning, match=r"tol=0\. Increase max_iter or tol, or"
    ):
        lecture(1e-5, C=1.0, max_iter=3).fit(X, y)


# --- rates that overshoot -------------------------------------------------------------


def wide_data(seed=0):
    X, y = binary_data(n=80, seed=seed)
    return X * [1.0, 3.0, 0.1, 10.0] + [0, 2, 0, -5], y


def cancer_data():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:, :10], y  # the ten means: not separable


def safe_rate(message):
    """The rate that the warning recommends: "... is safe for this data is 0.123"."""
    found = re.search(r"safe\b.*?\bis (\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)", message)
    assert found, f"no rate in: {message}"
    return float(found.group(1))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("data", [wide_data, cancer_data, multiclass_data])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_rate_that_overshoots_is_told_the_largest_that_is_safe(
    data, reduction, fit_intercept
):
    X, y = data()
    model = lecture(1e3, reduction=reduction, max_iter=30, fit_intercept=fit_intercept)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
    assert np.isfinite(model.log_likelihood_curve_).all()
    assert np.isfinite(model.predict_proba(X)).all()
    assert (np.diff(model.log_likelihood_curve_) < 0).any()
    assert {warning.category for warning in caught} == {ConvergenceWarning}
    fell = [str(w.message) for w in caught if "fell" in str(w.message)]
    assert len(fell) == 1
    assert "log-likelihood" in fell[0] and "learning_rate" in fell[0]

    rate = safe_rate(fell[0])
    assert 0 < rate < 1e3
    calm = lecture(
        rate, reduction=reduction, max_iter=400, fit_intercept=fit_intercept
    ).fit(X, y)
    curve = np.asarray(calm.log_likelihood_curve_)
    assert (np.diff(curve) >= -1e-12 * abs(curve[0])).all()


def test_the_safe_rate_is_not_timid():
    """Largest that is safe: the curvature bound 4 / lambda_max(X^T X / n) at most.

    The step that can never lower a log-likelihood whose curvature is below L is
    2 / L; 1 / L is the classical choice. A tenth of it is not "the largest".
    """
    X, y = wide_data()
    with pytest.warns(ConvergenceWarning, match="fell") as caught:
        lecture(1e3, max_iter=30).fit(X, y)
    rate = safe_rate(next(str(w.message) for w in caught if "fell" in str(w.message)))
    design = np.column_stack([np.ones(len(y)), X])
    largest = np.linalg.eigvalsh(design.T @ design / len(y))[-1] / 4
    assert 0.9 / largest <= rate <= 2.0 / largest * (1 + 1e-9)


def test_a_rate_that_is_right_is_not_warned_about():
    X, y = binary_data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GradientAscentLogisticRegression(0.5, max_iter=5000).fit(X, y)
    assert model.converged_
    assert model.n_iter_ < 5000


def test_stopping_before_the_top_is_said():
    X, y = binary_data()
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = GradientAscentLogisticRegression(0.01, max_iter=3).fit(X, y)
    assert not model.converged_
    assert model.n_iter_ == 3


def test_a_network_with_a_rate_that_overshoots_stays_finite():
    X, y = wide_data()
    model = SimpleMLPClassifier(
        (5,), solver="gradient", learning_rate=1e6, max_iter=30, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="learning_rate"):
        model.fit(X, y)
    assert all(np.isfinite(W).all() for W in model.coefs_)
    assert np.isfinite(model.predict_proba(X)).all()
    assert np.isfinite(model.log_likelihood_)


# --- which solver ---------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
def test_a_number_belongs_to_gradient(solver):
    X, y = binary_data()
    model = GradientAscentLogisticRegression(0.1, solver=solver)
    with pytest.raises(ValueError, match=r"learning_rate.*gradient"):
        model.fit(X, y)


def test_a_number_belongs_to_adam_and_gradient():
    X, y = binary_data()
    with pytest.raises(ValueError, match="learning_rate"):
        SimpleMLPClassifier(solver="lbfgs", learning_rate=0.1).fit(X, y)


def test_auto_with_a_number_is_gradient():
    X, y = binary_data()
    auto = lecture(0.1, max_iter=30).fit(X, y)
    gradient = lecture(0.1, max_iter=30, solver="gradient").fit(X, y)
    np.testing.assert_array_equal(auto.coef_, gradient.coef_)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_every_auto_solver_reaches_the_same_top(data):
    X, y = data()
    tops = [
        GradientAscentLogisticRegression(solver=solver, tol=1e-9, max_iter=20_000)
        .fit(X, y)
        .coef_
        for solver in ("auto", "gradient", "lbfgs", "newton")
    ]
    for top in tops[1:]:
        np.testing.assert_allclose(top, tops[0], atol=1e-6)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
def test_tol_bounds_the_gradient_of_the_mean_log_likelihood(solver):
    X, y = binary_data()
    model = GradientAscentLogisticRegression(solver=solver, tol=1e-7).fit(X, y)
    assert model.converged_
    residual = y - model.predict_proba(X)[:, 1]
    assert np.abs(X.T @ residual).max() / len(y) <= 1e-6
    assert abs(residual.mean()) <= 1e-6


# --- mini-batches ---------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_epoch_of_mini_batches_is_one_step_for_each_batch(reduction):
    X, y = binary_data(n=4, p=2)
    model = lecture(
        0.3, reduction=reduction, batch_size=2, max_iter=1, random_state=0
    ).fit(X, y)
    scale = 0.3 / 2 if reduction == "mean" else 0.3
    ends = []
    for order in itertools.permutations(range(4)):
        theta = np.zeros(3)
        for batch in (list(order[:2]), list(order[2:])):
            x1 = np.column_stack([np.ones(2), X[batch]])
            theta = theta + scale * x1.T @ (y[batch] - 1 / (1 + np.exp(-x1 @ theta)))
        ends.append(theta)
    reached = np.r_[model.intercept_, model.coef_[0]]
    assert min(np.abs(reached - end).max() for end in ends) < 1e-12


def test_a_batch_of_every_row_is_the_full_gradient():
    X, y = binary_data()
    full = lecture(0.2, max_iter=25).fit(X, y)
    for batch_size in (len(y), 10 * len(y)):
        batch = lecture(0.2, max_iter=25, batch_size=batch_size).fit(X, y)
        np.testing.assert_allclose(batch.coef_, full.coef_, rtol=1e-10)


def test_mini_batches_climb_and_count_epochs():
    X, y = binary_data(n=203)
    top = GradientAscentLogisticRegression().fit(X, y).log_likelihood_
    model = lecture(0.05, batch_size=20, max_iter=100, random_state=0).fit(X, y)
    assert model.n_iter_ == 100
    assert len(model.log_likelihood_curve_) == 101
    assert model.log_likelihood_curve_[0] == pytest.approx(203 * np.log(0.5))
    assert top - 1.0 < model.log_likelihood_ <= top


def test_mini_batches_with_auto_climb():
    X, y = binary_data(n=203)
    top = GradientAscentLogisticRegression().fit(X, y).log_likelihood_
    model = GradientAscentLogisticRegression(
        solver="gradient", batch_size=20, max_iter=100, random_state=0
    ).fit(X, y)
    assert top - 2.0 < model.log_likelihood_ <= top


# --- seeds and warm starts ------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits():
    X, y = multiclass_data(n=150)

    def climb(seed):
        single = lecture(0.1, batch_size=16, max_iter=5, random_state=seed)
        network = SimpleMLPClassifier(
            (6,), batch_size=16, max_iter=5, random_state=seed
        )
        return [single.fit(X, y).coef_, *network.fit(X, y).coefs_]

    for first, second, other in zip(climb(7), climb(7), climb(8), strict=True):
        assert first.tobytes() == second.tobytes()
        assert first.tobytes() != other.tobytes()


def five_and_five_more(make, X, y):
    ten = make(max_iter=10).fit(X, y)
    halves = make(max_iter=5, warm_start=True).fit(X, y)
    assert halves.n_iter_ == 5
    halves.fit(X, y)
    return ten, halves


@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "batch_size": 16, "random_state": 0},
        {"solver": "gradient"},
        {"solver": "newton"},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "C": 0.5},
    ],
    ids=str,
)
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_ten_iterations_are_five_and_five_more(data, parameters):
    X, y = data()

    def make(**more):
        return GradientAscentLogisticRegression(**{"tol": 0, **parameters, **more})

    ten, halves = five_and_five_more(make, X, y)
    np.testing.assert_allclose(halves.coef_, ten.coef_, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(halves.intercept_, ten.intercept_, rtol=1e-9, atol=1e-11)
    assert halves.log_likelihood_ == pytest.approx(ten.log_likelihood_, rel=1e-12)
    assert len(halves.log_likelihood_curve_) == halves.n_iter_ + 1


@pytest.mark.parametrize("batch_size", ["auto", 16])
@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
def test_ten_epochs_are_five_and_five_more(solver, batch_size):
    X, y = multiclass_data()

    def make(**more):
        return SimpleMLPClassifier(
            (4,), solver=solver, batch_size=batch_size, tol=0, random_state=0, **more
        )

    ten, halves = five_and_five_more(make, X, y)
    for W, expected in zip(halves.coefs_, ten.coefs_, strict=True):
        np.testing.assert_allclose(W, expected, rtol=1e-9, atol=1e-12)
    assert len(halves.log_likelihood_curve_) == halves.n_iter_ + 1


def test_without_warm_start_a_fit_forgets():
    X, y = binary_data()
    model = lecture(0.1, max_iter=5).fit(X, y)
    once = model.coef_.copy()
    np.testing.assert_array_equal(model.fit(X, y).coef_, once)


def test_a_warm_start_at_the_top_stays_there():
    X, y = binary_data()
    model = GradientAscentLogisticRegression(warm_start=True).fit(X, y)
    top = model.coef_.copy()
    model.fit(X, y)
    np.testing.assert_allclose(model.coef_, top, atol=1e-6)
    assert model.n_iter_ <= 2


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_a_warm_start_begins_at_the_public_attributes(data):
    X, y = data()
    model = lecture(0.1, max_iter=5, warm_start=True).fit(X, y)
    expected = lecture(0.1, max_iter=5).fit(X, y)
    model.coef_ = np.zeros_like(model.coef_)
    model.intercept_ = np.zeros_like(model.intercept_)
    model.fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
@pytest.mark.parametrize("first", [True, False])
def test_a_warm_start_with_other_intercepts(solver, first):
    X, y = multiclass_data()
    model = SimpleMLPClassifier((4,), solver=solver, random_state=0, warm_start=True)
    model.set_params(max_iter=5, fit_intercept=first).fit(X, y)
    before = model.log_likelihood(X, y)
    model.set_params(max_iter=200, fit_intercept=not first).fit(X, y)
    assert model.log_likelihood_ > before
    assert model.intercepts_[0].any() == (not first)
