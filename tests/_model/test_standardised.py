"""Standardised: the same objective, in the coordinates of standardised features."""

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._model import (
    Bernoulli,
    Categorical,
    Network,
    Objective,
    Rows,
    Standardised,
)

N, P = 40, 3
LIKELIHOODS = {"sigmoid": Bernoulli(), "softmax": Categorical(3)}
every = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])
hiddens = pytest.mark.parametrize("hidden", [(), (4,), (3, 2)], ids=str)
kinds = pytest.mark.parametrize(
    "make", [np.asarray, sp.csr_array], ids=["dense", "sparse"]
)


def build(
    likelihood=LIKELIHOODS["sigmoid"],
    hidden=(),
    fit_intercept=True,
    l2=0.0,
    make=np.asarray,
    dtype=float,
    weighted=True,
    scale=(1e-3, 1.0, 500.0),
    offset=(0.0, 3.0, -4000.0),
):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, P)) * scale + offset
    X *= rng.random((N, P)) > 0.3
    k = getattr(likelihood, "n_logits", 1)
    codes = rng.integers(0, max(k, 2), (N, 1))
    weights = rng.integers(1, 4, N).astype(float) if weighted else None
    network = Network((P, *hidden, k), "tanh", fit_intercept)
    drawn = Rows(make(X.astype(dtype)), codes, weights)
    objective = Objective(network, likelihood, drawn, l2)
    coordinates = np.random.default_rng(1).standard_normal(network.n_parameters)
    return Standardised(objective), coordinates


def explicit(standardised):
    """The plain objective of features that were really standardised."""
    base = standardised.base
    X = base.rows.X.toarray() if sp.issparse(base.rows.X) else base.rows.X
    drawn = Rows(
        (X - standardised.mean) / standardised.scale, base.rows.codes, base.rows.weights
    )
    return Objective(base.network, base.likelihood, drawn)


@every
@hiddens
@intercepts
@kinds
def test_evaluation_is_that_of_standardised_features(
    likelihood, hidden, fit_intercept, make
):
    standardised, c = build(likelihood, hidden, fit_intercept, make=make)
    expected, found = explicit(standardised).evaluate(c), standardised.evaluate(c)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-10)
    assert found.value == pytest.approx(expected.value, rel=1e-10)
    assert np.allclose(found.gradient, expected.gradient, rtol=1e-8, atol=1e-11)
    total = standardised.log_likelihood(c)
    assert total == pytest.approx(expected.log_likelihood, rel=1e-10)


@every
@intercepts
@kinds
def test_curvature_is_that_of_standardised_features(likelihood, fit_intercept, make):
    standardised, c = build(likelihood, fit_intercept=fit_intercept, make=make)
    expected = explicit(standardised).evaluate(c, curvature=True).curvature
    found = standardised.evaluate(c, curvature=True).curvature
    for (at, one), (same, other) in zip(expected, found, strict=True):
        assert np.array_equal(at, same)
        assert np.allclose(one, other, rtol=1e-8, atol=1e-10)


@every
@hiddens
@intercepts
def test_gradient_with_a_penalty_is_the_difference_quotient(
    likelihood, hidden, fit_intercept
):
    standardised, c = build(
        likelihood, hidden, fit_intercept, l2=2.0, scale=(0.1, 1, 9), offset=(0, 1, -20)
    )
    found = standardised.evaluate(c)
    base = standardised.base.evaluate(standardised.parameters(c))
    assert found.value == base.value
    assert found.log_likelihood == base.log_likelihood
    step = 1e-6
    for i in range(len(c)):
        up, down = c.copy(), c.copy()
        up[i] += step
        down[i] -= step
        rise = standardised.evaluate(up).value - standardised.evaluate(down).value
        assert found.gradient[i] == pytest.approx(rise / 2 / step, rel=1e-5, abs=1e-7)


@every
@hiddens
@intercepts
@pytest.mark.parametrize("l2", [0.0, 2.0])
def test_coordinates_and_parameters_are_inverse(likelihood, hidden, fit_intercept, l2):
    standardised, c = build(likelihood, hidden, fit_intercept, l2)
    kept = c.copy()
    theta = standardised.parameters(c)
    assert np.allclose(standardised.coordinates(theta), c, rtol=1e-10)
    assert np.array_equal(c, kept)
    kept = theta.copy()
    standardised.coordinates(theta)
    assert np.array_equal(theta, kept)


@hiddens
def test_only_the_first_layer_changes(hidden):
    standardised, c = build(hidden=hidden)
    network = standardised.base.network
    before, after = network.layers(c), network.layers(standardised.parameters(c))
    (W1, b1), (W, b) = before[0], after[0]
    for j in range(P):
        assert np.allclose(W[j], W1[j] / standardised.scale[j])
    assert np.allclose(b, b1 - sum(standardised.mean[j] * W[j] for j in range(P)))
    for (one, c_1), (other, c_2) in zip(before[1:], after[1:]):
        assert np.array_equal(one, other) and np.array_equal(c_1, c_2)


@intercepts
def test_first_layer_maps_are_the_map_and_its_transpose(fit_intercept):
    standardised, _ = build(fit_intercept=fit_intercept)
    size = P + fit_intercept
    matrix = np.random.default_rng(2).standard_normal((size, 2))
    kept = matrix.copy()
    T = standardised.first_layer_parameters(np.eye(size))
    assert np.allclose(standardised.first_layer_parameters(matrix), T @ matrix)
    assert np.array_equal(matrix, kept)
    assert np.allclose(standardised.first_layer_gradient(matrix), T.T @ kept)
    column = standardised.parameters(kept[:, 0].copy())
    assert np.allclose(column, T @ kept[:, 0])


# --- the units ------------------------------------------------------------------------


@kinds
def test_scale_is_the_deviation_to_a_power_of_two(make):
    standardised, _ = build(make=make)
    rows = standardised.base.rows
    X = rows.X.toarray() if sp.issparse(rows.X) else rows.X
    mean = np.average(X, axis=0, weights=rows.weights)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=rows.weights))
    assert np.allclose(standardised.mean, mean, rtol=1e-12)
    ratio = standardised.scale / deviation
    assert np.all((ratio > 0.70) & (ratio < 1.42))
    assert np.all(np.frexp(standardised.scale)[0] == 0.5)


@kinds
def test_without_an_intercept_nothing_is_shifted(make):
    standardised, _ = build(fit_intercept=False, make=make)
    rows = standardised.base.rows
    X = rows.X.toarray() if sp.issparse(rows.X) else rows.X
    size = np.sqrt(np.average(X**2, axis=0, weights=rows.weights))
    assert not standardised.mean.any()
    ratio = standardised.scale / size
    assert np.all((ratio > 0.70) & (ratio < 1.42))


@kinds
@pytest.mark.parametrize("l2", [0.0, 1.0])
@intercepts
def test_constant_and_empty_columns_do_no_harm(make, l2, fit_intercept):
    X = np.random.default_rng(0).standard_normal((N, 4))
    X[:, 1], X[:, 2], X[:, 3] = 0.0, 7.3, 1e9
    codes = np.arange(N)[:, None] % 2
    network = Network((4, 1), fit_intercept=fit_intercept)
    standardised = Standardised(
        Objective(network, Bernoulli(), Rows(make(X), codes), l2)
    )
    assert np.all(standardised.scale > 0) and np.all(np.isfinite(standardised.scale))
    here = standardised.evaluate(np.zeros(network.n_parameters), curvature=True)
    assert np.isfinite(here.value) and np.all(np.isfinite(here.gradient))
    assert all(np.all(np.isfinite(matrix)) for _, matrix in here.curvature)


@kinds
@hiddens
@pytest.mark.parametrize("size", [1e-150, 1e150, 1e-290, 1e290])
def test_extreme_scales_look_like_any_other(make, hidden, size):
    ordinary, c = build(hidden=hidden, scale=(1, 2, 3), offset=(0, 1, -1), make=make)
    with np.errstate(all="raise", under="ignore"):
        extreme, _ = build(
            hidden=hidden,
            scale=(size, 2 * size, 3 * size),
            offset=(0, size, -size),
            make=make,
        )
        theta = ordinary.parameters(c)
        layers = ordinary.base.network.layers(theta)
        layers[0][0][...] /= size
        moved = extreme.coordinates(theta)
        there = extreme.evaluate(moved)
    here = ordinary.evaluate(c)
    assert there.value == pytest.approx(here.value, rel=1e-9)
    assert np.all(np.isfinite(there.gradient))
    # The same units, up to a power of two.
    ratio = moved[:P] / c[:P]
    assert np.all((ratio > 0.49) & (ratio < 2.01))
    assert np.allclose(extreme.parameters(moved), theta, rtol=1e-9)


@kinds
def test_given_moments_are_used(make):
    measured, c = build(make=make)
    base = measured.base
    other = Standardised(base.part(slice(0, 9), whole_penalty=False))
    given = Standardised(base, other.moments)
    assert not np.array_equal(given.mean, measured.mean)
    assert np.array_equal(given.mean, other.mean)
    assert np.array_equal(given.scale, other.scale)
    assert np.allclose(given.parameters(c), other.parameters(c), rtol=0, atol=0)
    expected = explicit(given).evaluate(c)
    assert given.evaluate(c).value == pytest.approx(expected.value, rel=1e-10)


# --- the rest of what an objective is -------------------------------------------------


@kinds
@pytest.mark.parametrize("l2", [0.0, 2.0])
def test_parts_sum_to_the_whole_in_the_same_coordinates(make, l2):
    standardised, c = build(hidden=(3,), l2=l2, make=make)
    order = np.random.default_rng(3).permutation(N)
    parts = [
        standardised.part(at, whole_penalty=False)
        for at in (order[:15], order[15:30], order[30:])
    ]
    here = standardised.evaluate(c)
    there = [part.evaluate(c) for part in parts]
    value = sum(at.value * part.divisor for at, part in zip(there, parts))
    assert value == pytest.approx(here.value * standardised.divisor)
    gradient = sum(at.gradient * part.divisor for at, part in zip(there, parts))
    assert np.allclose(gradient, here.gradient * standardised.divisor)
    assert all(part.scale is standardised.scale for part in parts)


def test_attributes_are_those_of_the_objective():
    standardised, _ = build()
    base = standardised.base
    for name in ["n_parameters", "total_weight", "divisor", "noise"]:
        assert getattr(standardised, name) == getattr(base, name)


@kinds
@pytest.mark.parametrize("theta_dtype", [np.float32, np.float64])
def test_float32(make, theta_dtype):
    double, c = build(hidden=(3,), offset=(0, 1, -100))
    single, _ = build(hidden=(3,), offset=(0, 1, -100), make=make, dtype=np.float32)
    one, other = double.evaluate(c), single.evaluate(c.astype(theta_dtype))
    assert other.gradient.dtype == theta_dtype
    assert other.value == pytest.approx(one.value, rel=1e-4)
    assert np.allclose(other.gradient, one.gradient, rtol=1e-2, atol=1e-4)


def test_evaluate_changes_nothing_given():
    standardised, c = build()
    X, kept = standardised.base.rows.X, c.copy()
    X_kept = X.copy()
    standardised.evaluate(c, curvature=True)
    assert np.array_equal(c, kept) and np.array_equal(X, X_kept)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_is_top_is_no_matter_of_the_features_units(size):
    standardised, _ = build(
        scale=(size, size, size), offset=(0, size, -size), weighted=False
    )
    c = np.zeros(standardised.n_parameters)
    assert not standardised.is_top(standardised.evaluate(c), 1e-6)
    for _ in range(30):
        here = standardised.evaluate(c, curvature=True)
        ((at, matrix),) = here.curvature
        c[at] += np.linalg.solve(matrix, here.gradient[at])
    assert standardised.is_top(standardised.evaluate(c), 1e-6)
