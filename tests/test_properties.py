"""Properties that hold for any data, searched for with hypothesis."""

import numpy as np
import pytest
from reference import bernoulli_log_likelihood, categorical_log_likelihood
from sklearn.base import clone

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra.numpy import arrays  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
quick = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

# Multiples of 1/8 in [-4, 4]: equal rows and collinear columns come up often, and
# sums of a few of them are exact.
numbers = st.integers(-32, 32).map(lambda value: value / 8)


@st.composite
def problems(draw, n_classes=None):
    """X, y and weights whose MLE exists: every row comes with every label."""
    k = n_classes or draw(st.integers(2, 3))
    n, p = draw(st.integers(2, 8)), draw(st.integers(1, 4))
    rows = draw(arrays(float, (n, p), elements=numbers))
    weights = draw(arrays(float, n * k, elements=st.integers(1, 8).map(float)))
    return np.tile(rows, (k, 1)), np.repeat(np.arange(k), n), weights


@st.composite
def finite(draw, p, dtype=float):
    edges = [
        0.0,
        1e-300,
        -1e-300,
        1e-150,
        1e150,
        -1e150,
        1e300,
        -1e300,
        1.7e308,
        -1e308,
    ]
    values = st.one_of(st.sampled_from(edges), st.floats(-1e3, 1e3))
    return draw(arrays(dtype, (draw(st.integers(1, 5)), p), elements=values))


@quick
@given(problems(), st.sampled_from(["auto", "newton", "lbfgs", "gradient"]))
def test_auto_never_falls_and_ends_where_it_says(problem, solver):
    X, y, weights = problem
    model = LR(solver=solver, max_iter=100).fit(X, y, sample_weight=weights)
    curve = np.asarray(model.log_likelihood_curve_)
    assert (np.diff(curve) >= -1e-12 * abs(curve[0])).all()
    k = len(model.classes_)
    assert curve[0] == pytest.approx(weights.sum() * np.log(1 / k))
    logits = X @ model.coef_.T + model.intercept_
    if k == 2:
        expected = bernoulli_log_likelihood(logits[:, 0], y, weights)
    else:
        expected = categorical_log_likelihood(logits, y, weights)
    assert model.log_likelihood_ == pytest.approx(expected, rel=1e-9)


@quick
@given(problems())
def test_the_top_is_where_the_score_equations_hold(problem):
    X, y, weights = problem
    model = LR(tol=1e-8).fit(X, y, sample_weight=weights)
    assert model.converged_
    residual = weights[:, None] * (
        np.eye(len(model.classes_))[y] - model.predict_proba(X)
    )
    assert np.abs(residual.sum(axis=0)).max() <= 1e-5 * weights.sum()
    assert np.abs(X.T @ residual).max() <= 1e-5 * weights.sum()


@quick
@given(problems(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_does_not_matter(problem, seed):
    X, y, weights = problem
    order = np.random.default_rng(seed).permutation(len(y))
    model = LR().fit(X, y, sample_weight=weights)
    mixed = LR().fit(X[order], y[order], sample_weight=weights[order])
    np.testing.assert_allclose(
        mixed.predict_proba(X), model.predict_proba(X), atol=1e-6
    )


@quick
@given(
    problems(),
    st.lists(st.integers(-20, 20), min_size=4, max_size=4),
    st.lists(st.integers(-50, 50), min_size=4, max_size=4),
)
def test_units_and_origins_of_the_features_do_not_matter(problem, powers, shifts):
    X, y, weights = problem
    p = X.shape[1]
    moved = (X + np.array(shifts[:p], dtype=float)) * 2.0 ** np.array(powers[:p])
    model = LR().fit(X, y, sample_weight=weights)
    other = LR().fit(moved, y, sample_weight=weights)
    np.testing.assert_allclose(
        other.predict_proba(moved), model.predict_proba(X), atol=1e-5
    )


@quick
@given(problems(), st.floats(1e-6, 1e6))
def test_only_ratios_of_weights_matter_for_the_mle(problem, factor):
    X, y, weights = problem
    model = LR().fit(X, y, sample_weight=weights)
    other = LR().fit(X, y, sample_weight=weights * factor)
    np.testing.assert_allclose(
        other.predict_proba(X), model.predict_proba(X), atol=1e-5
    )
    assert other.log_likelihood_ == pytest.approx(
        factor * model.log_likelihood_, rel=1e-6
    )


@quick
@given(problems(), st.permutations([0, 1, 2]))
def test_the_names_of_the_classes_do_not_matter(problem, names):
    X, y, weights = problem
    k = len(np.unique(y))
    names = np.argsort(names[:k])  # a permutation of 0..k-1
    for model in (LR(), LR(0.3, max_iter=20, tol=0)):
        plain = clone(model).fit(X, y, sample_weight=weights)
        renamed = clone(model).fit(X, names[y], sample_weight=weights)
        np.testing.assert_allclose(
            renamed.predict_proba(X)[:, names], plain.predict_proba(X), atol=1e-6
        )


@quick
@given(problems(n_classes=2))
def test_a_softmax_of_two_is_a_sigmoid(problem):
    """Two classes of three, the third with a vanishing weight, are two classes."""
    X, y, weights = problem
    two = LR().fit(X, y, sample_weight=weights)
    flipped = LR().fit(X, 1 - y, sample_weight=weights)
    np.testing.assert_allclose(flipped.coef_, -two.coef_, atol=1e-5)
    np.testing.assert_allclose(
        flipped.predict_proba(X)[:, ::-1], two.predict_proba(X), atol=1e-6
    )


FITTED = {}


def fitted(kind, k):
    """One fitted model of each kind, made when first asked for."""
    if (kind, k) not in FITTED:
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((40, 3)), np.arange(40) % k
        model = LR() if kind == "LR" else MLP((4,), kind, max_iter=20, random_state=0)
        FITTED[kind, k] = model.fit(X, y)
    return FITTED[kind, k]


@settings(quick, max_examples=100)
@given(
    finite(p=3),
    st.sampled_from(["LR", "logistic", "tanh", "relu", "identity"]),
    st.integers(2, 3),
)
def test_probabilities_are_probabilities_whatever_is_asked(X, kind, k):
    model = fitted(kind, k)
    probabilities = model.predict_proba(X)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)
    assert not np.isnan(model.predict_log_proba(X)).any()
    assert (model.predict_log_proba(X) <= 0).all()
    assert not np.isnan(model.decision_function(X)).any()
    assert np.isin(model.predict(X), model.classes_).all()
    assert not np.isnan(model.log_likelihood(X, np.arange(len(X)) % k))


@quick
@given(finite(p=2), st.floats(1e-3, 1e3), st.sampled_from(["mean", "sum"]))
def test_any_rate_on_any_features_leaves_a_finite_model(rows, eta, reduction):
    rows = np.clip(rows, -1e150, 1e150)
    X, y = np.tile(rows, (2, 1)), np.repeat([0, 1], len(rows))
    y[0] = 1 - y[0] if len(rows) > 1 else y[0]
    for model in (
        LR(eta, reduction=reduction, max_iter=5),
        LR(),
        MLP((2,), learning_rate=eta, max_iter=2, random_state=0),
    ):
        model.fit(X, y)
        probabilities = model.predict_proba(X)
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        assert np.isfinite(model.log_likelihood_curve_).all()


@quick
@given(problems(), st.sampled_from(["logistic", "tanh", "relu", "identity"]))
def test_networks_climb_and_say_where_they_are(problem, activation):
    X, y, weights = problem
    model = MLP(
        (3,),
        activation,
        solver="lbfgs",
        alpha=0,
        max_iter=20,
        tol=1e-3,
        random_state=0,
    ).fit(X, y, sample_weight=weights)
    curve = np.asarray(model.log_likelihood_curve_)
    assert (np.diff(curve) >= -1e-12 * abs(curve[0])).all()
    assert model.log_likelihood(X, y, sample_weight=weights) == pytest.approx(
        model.log_likelihood_, rel=1e-9
    )
