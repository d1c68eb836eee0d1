"""Right to the last digit: the estimates of 80 digits, or a word that they are not."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from skneuron import GradientAscentLogisticRegression as LR
from skneuron.inference import mle_summary, separation

pytest.importorskip("mpmath")
from exact import exact_mle


def labels(rng, z):
    return (z + rng.logistic(size=len(z)) > 0).astype(int)


def parameters(model):
    """Weights and intercept of each logit but the first of several classes."""
    found = np.column_stack([model.coef_, model.intercept_]).astype(float)
    return found if len(found) == 1 else found[1:] - found[0]


def hold(model, X, y, weights=None, *, ll=1e-9, digits=1e-6):
    """Assert that a model is at its top, and say where that is."""
    l2 = 1 / model.C
    exact = exact_mle(X, y, weights, l2, start=parameters(model))
    assert model.converged_
    expected = exact.log_likelihood
    assert model.log_likelihood_ == pytest.approx(expected, rel=ll, abs=ll)
    np.testing.assert_allclose(parameters(model)[:, :-1], exact.coef, rtol=digits)
    return exact


def hold_summary(model, X, y, weights=None):
    exact = hold(model, X, y, weights)
    summary = mle_summary(model, X, y, sample_weight=weights)
    np.testing.assert_allclose(summary.std_error, exact.std_error.ravel(), rtol=1e-5)
    assert separation(X, y).kind == "none"


# --- absurd values --------------------------------------------------------------------


def with_absurd(value, n=100):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 3))
    y = labels(rng, X @ [1.0, 0.5, -0.5])
    X[0, 0], y[0] = value, 1
    return X, y


def on_the_wrong_side(value):
    X, y = with_absurd(value)
    y[0] = 0
    return X, y


def against_each_other(value):
    X, y = with_absurd(value)
    X[7, 0], y[7] = 0.7 * value, 0
    return X, y


def in_several_columns(value):
    X, y = with_absurd(value)
    X[0] = value, 2 * value, -value
    return X, y


def of_several_sizes(value):
    X, y = with_absurd(value)
    for i, (size, label) in enumerate([(1e4, 1), (1e7, 1), (-1e9, 0)], start=5):
        X[i, 0], y[i] = size, label
    return X, y


def among_few_numbers(value):
    X, y = with_absurd(value)
    X[:, 1:] = np.sign(X[:, 1:])
    return X, y


ABSURD = [
    with_absurd,
    on_the_wrong_side,
    against_each_other,
    in_several_columns,
    of_several_sizes,
    among_few_numbers,
]


@pytest.mark.parametrize("value", [1e6, 1e10, 1e12])
@pytest.mark.parametrize("make", ABSURD)
def test_an_absurd_value(make, value):
    X, y = make(value)
    hold_summary(LR().fit(X, y), X, y)


@pytest.mark.slow
@pytest.mark.parametrize("value", [1e6, 1e10, 1e12, 1e15])
def test_an_absurd_value_in_each_kind_of_problem(value):
    X, y = with_absurd(value)
    hold(LR(C=1.0).fit(X, y), X, y, ll=np.inf)
    hold(LR(solver="newton").fit(X, y), X, y)
    hold(LR().fit(sp.csr_array(X), y), X, y)
    gaps = np.where(np.abs(X) > 0.7, X, 0.0)
    hold(LR().fit(sp.csr_array(gaps), y), gaps, y)
    w = np.random.default_rng(0).uniform(0, 3, len(y))
    hold(LR().fit(X, y, sample_weight=w), X, y, w)
    both = LR().fit(X, np.column_stack([y, X[:, 1] + X[:, 2] > np.sin(9 * X[:, 1])]))
    np.testing.assert_allclose(both.coef_[0], LR().fit(X, y).coef_[0], rtol=1e-6)
    three = np.where(X[:, 2] + np.sin(9 * X[:, 1]) > 0.5, 2, y)
    three[0] = 1
    hold(LR().fit(X, three), X, three)


@pytest.mark.parametrize("value", [1e4, 1e6, 1e8, 1e10])
def test_an_absurd_value_in_float32(value):
    X, y = with_absurd(value)
    X = X.astype(np.float32)
    hold(LR().fit(X, y), X, y, ll=1e-6, digits=1e-4)


@pytest.mark.parametrize("solver", ["lbfgs", "gradient"])
@pytest.mark.parametrize("value", [3e4, 1e10])
def test_an_absurd_value_without_a_curvature(solver, value):
    X, y = with_absurd(value)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LR(solver=solver).fit(X, y)
    if model.converged_:
        hold(model, X, y, digits=1e-3)
    else:
        assert [of.category for of in caught] == [ConvergenceWarning]


def test_an_absurd_value_among_next_to_no_rows():
    """Its coefficient has as many digits as the others, and no step to go."""
    x = np.array([1e9, -1.2682268, 0.46280285, -1.0505814, 0.039041573, -0.66174684])
    X, y = x[:, None], np.array([0, 0, 0, 1, 1, 1])
    hold_summary(LR().fit(X, y), X, y)


@pytest.mark.parametrize("seed", [45, 98, 115, 122])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_an_absurd_value_of_which_classes_tie(seed, fit_intercept):
    """Of the difference of their logits, 1e10 each, rounding leaves six digits."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 1))
    logits = x * np.array([-2.0, 2.0, -1.0, 0.6])
    y = np.argmax(logits + rng.gumbel(size=(40, 4)), axis=1)
    x[0], y[0], x[1] = -6e9, 1, -2e4
    model = LR(fit_intercept=fit_intercept).fit(x, y)
    assert model.converged_
    if fit_intercept:
        exact = exact_mle(x, y, start=parameters(model))
        assert model.log_likelihood_ == pytest.approx(exact.log_likelihood, rel=1e-8)


@pytest.mark.parametrize("seed", [3, 4, 8, 10, 17, 18])
def test_an_absurd_value_among_nine_rows(seed):
    """Among so few, too, it is not of the others' unit, which hides their digits."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(9, 3))
    y = labels(rng, X[:, 0])
    y[:2], X[0, 2], X[:, 0] = [0, 1], 7e10, np.exp(3 * X[:, 0])
    hold(LR(C=1e5).fit(X, y), X, y, digits=1e-5)


@pytest.mark.parametrize("where", [0, 0.37, 1])
def test_an_absurd_value_among_many_rows(where):
    """That samples of the rows may not have."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30_000, 5))
    y = labels(rng, X.sum(axis=1))
    plain = LR(tol=1e-8).fit(X, y)
    at = int(where * (len(y) - 1))
    X[at, 2], y[at] = 1e10, 1
    model = LR(tol=1e-8).fit(X, y)
    assert model.converged_
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=0.01)
    gradient = X.T @ (y - model.predict_proba(X)[:, 1]) / len(y)
    assert np.abs(gradient).max() <= 1e-6


# --- ill-conditioned, but determined --------------------------------------------------


def powers_of_the_year(degree, n=400, first=1990):
    rng = np.random.default_rng(5)
    year = rng.integers(first, 2024, n).astype(float)
    t = (year - (first + 2023) / 2) / (2024 - first) * 3.4
    y = labels(rng, 0.3 + 1.2 * t - 0.8 * t**2 + 0.3 * t**3)
    return year[:, None] ** np.arange(1, degree + 1), y


def nearly_the_same(distance, n=200):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n))
    return np.column_stack([a, a + distance * b]), labels(rng, a + b)


def drifting(size, n=200):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, 2))
    y = labels(rng, X[:, 0] - X[:, 1])
    return X + size * np.linspace(0, 1, n)[:, None], y


def far_from_each_other(n=200):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 4))
    units, offsets = [1e-9, 1e9, 1, 1e5], [0, 1e10, 5, 1e8]
    return X * units + offsets, labels(rng, X.sum(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "given"),
    [
        (powers_of_the_year, (3,)),
        (powers_of_the_year, (4,)),
        (powers_of_the_year, (4, 400, 1950)),
        (nearly_the_same, (1e-4,)),
        (nearly_the_same, (1e-6,)),
        (nearly_the_same, (1e-7,)),
        (drifting, (1e3,)),
        (drifting, (1e6,)),
        (drifting, (1e8,)),
        (far_from_each_other, ()),
    ],
)
def test_ill_conditioned(make, given):
    X, y = make(*given)
    hold_summary(LR().fit(X, y), X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [nearly_the_same, drifting])
def test_no_rounding_lowers_a_curve(make, dtype):
    """Neither that of large terms in the logits, nor that of the attributes."""
    X, y = make(1e-9 if make is nearly_the_same else 1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LR().fit(X.astype(dtype), y)
    assert np.diff(model.log_likelihood_curve_).min() >= 0
    assert model.log_likelihood_curve_[-1] == model.log_likelihood_


def test_sparse_features_far_from_0():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 2)) + [0, 1e8]
    X[::2, 0] = 0
    y = labels(rng, X[:, 0] + X[:, 1] - 1e8)
    hold(LR().fit(sp.csr_array(X), y), X, y)


@pytest.mark.parametrize(("C", "digits"), [(1e7, 1e-6), (1e13, 1e-5)])
@pytest.mark.parametrize("solver", ["auto", "newton"])
def test_a_category_of_one_class_under_a_weak_penalty(solver, C, digits):
    """The way there looks like one without end."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=40), np.arange(40) < 5])
    y = labels(rng, X[:, 0])
    y[:5] = 0
    hold(LR(C=C, solver=solver).fit(X, y), X, y, digits=digits)


def test_rows_of_next_to_no_weight_under_a_weak_penalty():
    """They alone keep classes from separating: far from 0 gains fall slowly."""
    rng = np.random.default_rng(146)
    X, w = rng.normal(size=(30, 3)), np.full(30, 1e4)
    y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
    at = rng.choice(30, 6, replace=False)
    y[at], w[at] = 1 - y[at], 10.0 ** rng.uniform(-6, -2, 6)
    hold(LR(C=1e8).fit(X, y, sample_weight=w), X, y, w)


@pytest.mark.parametrize("seed", [153, 379])
def test_a_row_of_much_weight_whose_certainty_hides_a_slope(seed):
    """There its curvature is 0 to rounding: a step along the slope leads back."""
    rng = np.random.default_rng(seed)
    if seed == 153:
        X, n = rng.normal(size=(40, 3)).round(1), 40
        y = labels(rng, 2 * X[:, 0])
    else:
        n, group = 30, rng.integers(0, 2, 30)
        x = rng.normal(size=n)
        X, y = np.column_stack([group, x, group * x]), labels(rng, 4 * x)
    w = 10.0 ** rng.uniform(-6, 6, n)
    hold(LR().fit(X, y, sample_weight=w), X, y, w)


def test_weights_of_twelve_decades():
    rng = np.random.default_rng(542)
    group, x = rng.integers(0, 2, 30), rng.normal(size=30)
    X, y = np.column_stack([group, x, group * x]), labels(rng, 4 * x)
    w = 10.0 ** rng.uniform(-6, 6, 30)
    hold(LR().fit(X, y, sample_weight=w), X, y, w)


def test_what_hardly_keeps_classes_from_separating():
    """A single row, which has next to no weight."""
    rng = np.random.default_rng(86)
    X, w = rng.normal(size=(30, 2)), np.ones(30)
    y = (X @ [1.0, 2.0] > 0).astype(int)
    at = rng.integers(30)
    y[at], w[at] = 1 - y[at], 1e-5
    hold_summary(LR().fit(X, y, sample_weight=w), X, y, w)


@pytest.mark.parametrize("solver", ["auto", "newton"])
@pytest.mark.parametrize("C", [1e12, 1e16])
def test_a_penalty_that_is_nearly_none_beside_columns_nearly_the_same(C, solver):
    X, y = nearly_the_same(1e-7)
    hold(LR(C=C, solver=solver).fit(X, y), X, y)


def test_columns_that_are_nearly_the_same_among_many():
    """Where L-BFGS is cheaper than a curvature, and sees no ridge."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 100))
    b = rng.normal(size=len(X))
    y = labels(rng, X[:, 0] + b + X[:, 2])
    tidy = X.copy()
    tidy[:, 1], X[:, 1] = b, X[:, 0] + 1e-6 * b
    model, plain = LR().fit(X, y), LR().fit(tidy, y)
    assert model.converged_
    assert model.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-9)


@pytest.mark.parametrize("solver", ["lbfgs", "gradient"])
def test_what_sees_no_ridge_says_so(solver):
    X, y = nearly_the_same(1e-7)
    with pytest.warns(ConvergenceWarning, match="nats more. Use solver='auto'"):
        assert not LR(solver=solver).fit(X, y).converged_


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_collinear_columns_stay_collinear(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(dtype)
    y = labels(rng, X[:, 0])
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    model = LR().fit(X, y)
    assert model.converged_ and np.abs(model.coef_).max() < 10
    with pytest.raises(ValueError, match="'x0', 'x1', 'x3' are collinear"):
        mle_summary(model, X, y)


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
def test_columns_that_are_nearly_the_same_in_float32(distance):
    X, y = nearly_the_same(distance)
    X = X.astype(np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LR().fit(X, y)
    if model.converged_:
        hold(model, X, y, ll=1e-4, digits=1e-2)
    else:
        assert [of.category for of in caught] == [ConvergenceWarning]


# --- weights, and probabilities at the edge -------------------------------------------


@pytest.mark.parametrize("decades", [3, 6, 12])
def test_weights_of_many_sizes(decades):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = labels(rng, X @ [1, -1])
    w = 10 ** rng.uniform(-decades, decades, len(y))
    hold_summary(LR().fit(X, y, sample_weight=w), X, y, w)


@pytest.mark.parametrize("weight", [1e-12, 1e12])
@pytest.mark.parametrize("all_rows", [True, False])
def test_weights_of_a_class(weight, all_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = labels(rng, X @ [1, -1])
    w = np.where(all_rows | (y == 1), weight, 1.0)
    hold_summary(LR().fit(X, y, sample_weight=w), X, y, w)


@pytest.mark.parametrize("size", [100, 800, 1e5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_at_the_edge_of_the_float_type(size, dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 1))
    y = labels(rng, x[:, 0])
    x[:50], y[:50] = size, 1
    x[50:100], y[50:100] = -size, 0
    x = x.astype(dtype)
    near = {"ll": 1e-6, "digits": 1e-4} if dtype == np.float32 else {}
    hold(LR().fit(x, y), x, y, **near)
