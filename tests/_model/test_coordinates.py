"""Coordinates: the same objective, in the coordinates of standardised features."""

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._data import rows
from skneuron._data.moments import column_moments, measured
from skneuron._data.rows import Rows
from skneuron._model import (
    Likelihood,
    Network,
    Objective,
    coordinates,
    largest_safe_rate,
)

N, P = 40, 3
LIKELIHOODS = {"sigmoid": Likelihood([0]), "softmax": Likelihood([3])}
every = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])
hiddens = pytest.mark.parametrize("hidden", [(), (4,), (3, 2)], ids=str)
kinds = pytest.mark.parametrize(
    "make", [np.asarray, sp.csr_array], ids=["dense", "sparse"]
)


def plain(
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
    return Objective(network, likelihood, drawn, l2)


def standard(objective, **unit):
    """The same objective in the coordinates of its own features."""
    return coordinates.standardised(objective, measured(objective.rows), **unit)


def build(*args, **kwargs):
    standardised = standard(plain(*args, **kwargs))
    rng = np.random.default_rng(1)
    return standardised, rng.standard_normal(standardised.n_parameters)


@pytest.fixture(params=["few", "many"])
def rows_are(request, monkeypatch):
    """Few enough to be standardised at once, or too many."""
    if request.param == "many":
        monkeypatch.setattr(rows, "BLOCK_BYTES", 64)
    return request.param


few_and_many = pytest.mark.usefixtures("rows_are")


def dense(X):
    return X.toarray() if sp.issparse(X) else X


def explicit(standardised, given):
    """The plain objective of features that were really standardised."""
    to = standardised.coordinates
    X = (dense(given.rows.X) - to.mean) / to.scale
    drawn = Rows(X, given.rows.codes, given.rows.weights)
    return Objective(given.network, given.likelihood, drawn)


@few_and_many
@every
@hiddens
@intercepts
@kinds
def test_evaluation_is_that_of_standardised_features(
    likelihood, hidden, fit_intercept, make
):
    standardised, c = build(likelihood, hidden, fit_intercept, make=make)
    given = plain(likelihood, hidden, fit_intercept, make=make)
    expected = explicit(standardised, given).evaluate(c)
    found = standardised.evaluate(c)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-10)
    assert found.value == pytest.approx(expected.value, rel=1e-10)
    assert np.allclose(found.gradient, expected.gradient, rtol=1e-8, atol=1e-11)
    total = standardised.log_likelihood(c)
    assert total == pytest.approx(expected.log_likelihood, rel=1e-10)


@few_and_many
@every
@intercepts
@kinds
def test_curvature_is_that_of_standardised_features(likelihood, fit_intercept, make):
    standardised, c = build(likelihood, fit_intercept=fit_intercept, make=make)
    given = plain(likelihood, fit_intercept=fit_intercept, make=make)
    expected = explicit(standardised, given).evaluate(c, curvature=True).curvature
    found = standardised.evaluate(c, curvature=True).curvature
    for (at, one), (same, other) in zip(expected, found, strict=True):
        assert np.array_equal(at, same)
        assert np.allclose(one, other, rtol=1e-8, atol=1e-10)


@few_and_many
@every
@hiddens
@intercepts
@kinds
def test_gradient_with_a_penalty_is_the_difference_quotient(
    likelihood, hidden, fit_intercept, make
):
    given = plain(
        likelihood,
        hidden,
        fit_intercept,
        l2=2.0,
        make=make,
        scale=(0.1, 1, 9),
        offset=(0, 1, -20),
    )
    standardised = standard(given)
    c = np.random.default_rng(1).standard_normal(given.n_parameters)
    found = standardised.evaluate(c)
    theta = standardised.parameters(c)
    there = given.evaluate(theta)
    assert found.value == pytest.approx(there.value, rel=1e-12)
    assert found.log_likelihood == pytest.approx(there.log_likelihood, rel=1e-12)
    assert standardised._penalty(standardised.as_read(c))[0] == pytest.approx(
        given._penalty(given.as_read(theta))[0], rel=1e-12
    )
    step = 1e-6
    for i in range(len(c)):
        up, down = c.copy(), c.copy()
        up[i] += step
        down[i] -= step
        rise = standardised.evaluate(up).value - standardised.evaluate(down).value
        assert found.gradient[i] == pytest.approx(rise / 2 / step, rel=1e-5, abs=1e-7)


@few_and_many
@every
@intercepts
@kinds
def test_curvature_with_a_penalty_is_the_difference_quotient(
    likelihood, fit_intercept, make
):
    standardised, c = build(
        likelihood,
        fit_intercept=fit_intercept,
        l2=2.0,
        make=make,
        scale=(0.1, 1, 9),
        offset=(0, 1, -20),
    )
    step, k = 1e-6, getattr(likelihood, "n_logits", 1)
    ((at, matrix),) = standardised.evaluate(c, curvature=True).curvature
    for i, column in zip(at, matrix.T, strict=True):
        up, down = c.copy(), c.copy()
        up[i] += step
        down[i] -= step
        fall = standardised.evaluate(down).gradient - standardised.evaluate(up).gradient
        # but for the shift of all logits, where the matrix is made definite
        expected = (fall[at] / 2 / step).reshape(-1, k)
        found = column.reshape(-1, k)
        if k > 1:
            shift = (found - expected).mean(axis=1, keepdims=True)
            found = found - shift
        assert np.allclose(found, expected, rtol=1e-5, atol=1e-6)


@every
@hiddens
@intercepts
@pytest.mark.parametrize("l2", [0.0, 2.0])
def test_coordinates_and_parameters_are_inverse(likelihood, hidden, fit_intercept, l2):
    standardised, c = build(likelihood, hidden, fit_intercept, l2)
    kept = c.copy()
    theta = standardised.parameters(c)
    assert np.allclose(standardised.at(theta), c, rtol=1e-10)
    assert np.array_equal(c, kept)
    kept = theta.copy()
    standardised.at(theta)
    assert np.array_equal(theta, kept)


@hiddens
def test_only_the_first_layer_changes(hidden):
    standardised, c = build(hidden=hidden)
    network, to = standardised.network, standardised.coordinates
    before, after = network.layers(c), network.layers(standardised.parameters(c))
    (W1, b1), (W, b) = before[0], after[0]
    for j in range(P):
        assert np.allclose(W[j], W1[j] / to.scale[j])
    assert np.allclose(b, b1 - sum(to.mean[j] * W[j] for j in range(P)))
    for (one, c_1), (other, c_2) in zip(before[1:], after[1:]):
        assert np.array_equal(one, other) and np.array_equal(c_1, c_2)


@kinds
def test_features_that_are_alike_share_a_unit(make):
    alike = plain(scale=(1.0, 2.0, 5.0), offset=(0.0, 3.0, 10.0), make=make)
    deviations = column_moments(alike.rows)[1]
    assert deviations.max() <= 10 * deviations.min()
    shared = standard(alike, width=3.0).coordinates.scale
    assert len(set(shared)) == 1
    # a power of two
    assert np.all(abs(np.log2(shared / (3 * np.hypot(*deviations[1:])))) <= 1.5)
    assert len(set(standard(alike).coordinates.scale)) > 1


@kinds
def test_features_that_are_not_alike_have_units_of_their_own(make):
    objective = plain(make=make)
    own, wide = standard(objective), standard(objective, width=4.0)
    np.testing.assert_array_equal(wide.coordinates.scale, 4 * own.coordinates.scale)


def test_a_constant_feature_has_no_say_in_the_shared_unit():
    objective = plain(scale=(1.0, 2.0, 1.0), offset=(0.0, 0.0, 0.0))
    expected = standard(objective, width=1.0).coordinates.scale[0]
    objective = plain(scale=(1.0, 2.0, 1.0), offset=(0.0, 0.0, 0.0))
    objective.rows.X[:, 2] = 7.0
    found = standard(objective, width=1.0).coordinates.scale
    assert found[0] == found[1] <= 2 * expected
    assert found[2] > 1e9  # out of sight


@intercepts
@kinds
@pytest.mark.parametrize("far", [False, True])
def test_first_layer_maps_are_the_map_and_its_transpose(
    fit_intercept, make, far, rows_are
):
    objective = plain(fit_intercept=fit_intercept, make=make)
    if far and make is np.asarray:
        objective.rows.X += 1e5
    standardised = standard(objective)
    size = P + fit_intercept
    matrix = np.random.default_rng(2).standard_normal((size, 2))
    kept = matrix.copy()
    T = standardised.as_read(np.eye(size))
    assert np.allclose(standardised.as_read(matrix), T @ matrix)
    assert np.array_equal(matrix, kept)
    assert np.allclose(standardised.pulled(matrix), T.T @ kept)
    if make is np.asarray and (rows_are == "few" or (fit_intercept and far)):
        # the features are standardised, not the parameters
        assert np.array_equal(T, np.eye(size))
    else:
        column = standardised.parameters(kept[:, 0].copy())
        assert np.allclose(column, T @ kept[:, 0])


@few_and_many
@intercepts
@kinds
def test_first_layer_maps_lead_to_the_base(fit_intercept, make):
    standardised, c = build(fit_intercept=fit_intercept, make=make)
    here = standardised.evaluate(c)
    read = standardised.as_read(c[:, None])[:, 0]
    base = plain(fit_intercept=fit_intercept, make=make)
    if np.array_equal(read, c):  # the features are standardised, as they are read
        base = explicit(standardised, base)
    there = base.evaluate(read)
    assert there.value == pytest.approx(here.value, rel=1e-12)
    pulled = standardised.pulled(there.gradient[:, None].copy())
    assert np.allclose(pulled[:, 0], here.gradient, rtol=1e-12)


@few_and_many
@every
@intercepts
@pytest.mark.parametrize("l2", [0.0, 2.0])
def test_dense_and_sparse_are_the_same_function(likelihood, fit_intercept, l2):
    kwargs = {"fit_intercept": fit_intercept, "l2": l2}
    one, c = build(likelihood, **kwargs)
    other, _ = build(likelihood, make=sp.csr_array, **kwargs)
    assert np.array_equal(one.coordinates.scale, other.coordinates.scale)
    here, there = (of.evaluate(c, curvature=True) for of in (one, other))
    assert here.value == pytest.approx(there.value, rel=1e-11)
    assert np.allclose(here.gradient, there.gradient, rtol=1e-9, atol=1e-11)
    for (at, matrix), (same, expected) in zip(here.curvature, there.curvature):
        assert np.array_equal(at, same)
        assert np.allclose(matrix, expected, rtol=1e-8, atol=1e-10)
    rate = pytest.approx(largest_safe_rate(other), rel=1e-9)
    assert largest_safe_rate(one) == rate


# --- large offsets --------------------------------------------------------------------

OFFSETS = [
    (np.float64, (1e8, -3e9, 1e10)),
    (np.float64, (1e10, 1e10, -1e10)),
    (np.float32, (1e4, -5e4, 1e5)),
]


def offset_and_centred(likelihood, hidden, dtype, offset, l2=0.0, n=150):
    """The objective of features far away, and of the same, brought near, exactly."""
    rng = np.random.default_rng(0)
    near = np.round(rng.standard_normal((n, P)) * (0.5, 1, 2) * 2**6) / 2**6
    offset = np.asarray(offset)
    far = (near + offset).astype(dtype)
    assert np.array_equal(far.astype(float) - offset, near)  # not a digit is lost
    k = likelihood.n_logits
    logits = near @ rng.standard_normal((P, k)) + rng.logistic(size=(n, k))
    codes = logits.argmax(axis=1) if k > 1 else logits[:, 0] > 0
    codes = codes.astype(int)[:, None]
    network = Network((P, *hidden, k), "tanh")
    standardised = standard(Objective(network, likelihood, Rows(far, codes), l2))
    mean = standardised.coordinates.mean - offset  # exact, for they are close
    centred = Rows((near - mean) / standardised.coordinates.scale, codes)
    return standardised, Objective(network, likelihood, centred), near, codes


@every
@pytest.mark.parametrize("hidden", [(), (4,)], ids=str)
@pytest.mark.parametrize(("dtype", "offset"), OFFSETS)
@pytest.mark.parametrize("one_block", [True, False])
def test_large_offsets_are_as_data_that_were_centred(
    likelihood, hidden, dtype, offset, one_block, monkeypatch
):
    if not one_block:
        monkeypatch.setattr(rows, "BLOCK_BYTES", 1)
    standardised, centred, near, _ = offset_and_centred(
        likelihood, hidden, dtype, offset
    )
    to = standardised.coordinates
    assert np.all(np.abs(to.mean - offset - near.mean(0)) < near.std(0))
    ratio = to.scale / near.std(axis=0)
    assert np.all((ratio > 0.70) & (ratio < 1.42))
    rtol = 1e-10 if dtype == np.float64 else 1e-4
    for seed in range(3):
        c = np.random.default_rng(seed).standard_normal(centred.n_parameters)
        found = standardised.evaluate(c, curvature=not hidden)
        expected = centred.evaluate(c, curvature=not hidden)
        assert found.value == pytest.approx(expected.value, rel=rtol)
        assert standardised.log_likelihood(c) == pytest.approx(
            expected.log_likelihood, rel=rtol
        )
        assert np.allclose(found.gradient, expected.gradient, rtol=rtol, atol=rtol)
        for (_, one), (_, other) in zip(
            found.curvature, expected.curvature, strict=True
        ):
            assert np.allclose(one, other, rtol=10 * rtol, atol=10 * rtol)
    at = np.arange(5, n := len(near), 7)
    part = standardised.on(standardised.rows.take(at), whole_penalty=False).evaluate(c)
    expected = centred.on(centred.rows.take(at), whole_penalty=False).evaluate(c)
    assert len(at) < n and part.value == pytest.approx(expected.value, rel=rtol)
    assert np.allclose(part.gradient, expected.gradient, rtol=rtol, atol=rtol)


@every
@pytest.mark.parametrize("l2", [0.0, 3.0])
@pytest.mark.parametrize("offset", [0.0, 1e8, 1e9, 1e10])
def test_the_top_is_found_at_any_offset(likelihood, l2, offset):
    """With the weights of the centred features: they know nothing of the offset."""
    standardised, _, near, codes = offset_and_centred(
        likelihood, (), float, (offset, -offset, offset), l2
    )
    network = standardised.network
    reference = Objective(network, likelihood, Rows(near, codes), l2)

    def top(objective):
        c = np.zeros(objective.n_parameters)
        for _ in range(30):
            here = objective.evaluate(c, curvature=True)
            ((at, matrix),) = here.curvature
            c[at] += np.linalg.solve(matrix, here.gradient[at])
        assert objective.is_top(here, 1e-10)
        return here.value, objective.parameters(c)[: -likelihood.n_logits]

    (value, weights), (expected, theirs) = top(standardised), top(reference)
    assert value == pytest.approx(expected, rel=1e-12)
    assert np.allclose(weights, theirs, rtol=1e-8, atol=1e-10)


# --- the units ------------------------------------------------------------------------


@few_and_many
@kinds
def test_scale_is_the_deviation_to_a_power_of_two(make):
    standardised, rows = build(make=make)[0], plain(make=make).rows
    X = dense(rows.X)
    mean = np.average(X, axis=0, weights=rows.weights)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=rows.weights))
    assert np.all(np.abs(standardised.coordinates.mean - mean) <= deviation / 16)
    ratio = standardised.coordinates.scale / deviation
    assert np.all((ratio > 0.70) & (ratio < 1.42))
    assert np.all(np.frexp(standardised.coordinates.scale)[0] == 0.5)


@few_and_many
@kinds
def test_without_an_intercept_nothing_is_shifted(make):
    standardised, _ = build(fit_intercept=False, make=make)
    rows = plain(make=make).rows
    X = dense(rows.X)
    size = np.sqrt(np.average(X**2, axis=0, weights=rows.weights))
    assert not standardised.coordinates.mean.any()
    ratio = standardised.coordinates.scale / size
    assert np.all((ratio > 0.70) & (ratio < 1.42))


@few_and_many
@kinds
@pytest.mark.parametrize("l2", [0.0, 1.0])
@intercepts
def test_constant_and_empty_columns_do_no_harm(make, l2, fit_intercept):
    X = np.random.default_rng(0).standard_normal((N, 4))
    X[:, 1], X[:, 2], X[:, 3] = 0.0, 7.3, 1e9
    codes = np.arange(N)[:, None] % 2
    network = Network((4, 1), fit_intercept=fit_intercept)
    standardised = standard(
        Objective(network, Likelihood([0]), Rows(make(X), codes), l2)
    )
    scale = standardised.coordinates.scale
    assert np.all(scale > 0) and np.all(np.isfinite(scale))
    here = standardised.evaluate(np.zeros(network.n_parameters), curvature=True)
    assert np.isfinite(here.value) and np.all(np.isfinite(here.gradient))
    assert all(np.all(np.isfinite(matrix)) for _, matrix in here.curvature)


@kinds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1000, 30_000])
def test_constant_columns_of_many_rows_are_taken_for_constant(make, dtype, n):
    """The intercept says it all: rounding errors of a long mean are no deviation."""
    X = np.random.default_rng(0).standard_normal((n, 4))
    X[:, 1:] = 7.3, 0.1, -1e6 / 3
    drawn = Rows(make(X.astype(dtype)), np.arange(n)[:, None] % 2)
    standardised = standard(Objective(Network((4, 1)), Likelihood([0]), drawn))
    assert 0.5 <= standardised.coordinates.scale[0] <= 2
    assert np.all(standardised.coordinates.scale[1:] > 1e30)
    theta = standardised.parameters(np.ones(5))
    assert np.all(np.abs(theta[1:4]) < 1e-30)


@few_and_many
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
        layers = ordinary.network.layers(theta)
        layers[0][0][...] /= size
        moved = extreme.at(theta)
        there = extreme.evaluate(moved)
    here = ordinary.evaluate(c)
    assert there.value == pytest.approx(here.value, rel=1e-9)
    assert np.all(np.isfinite(there.gradient))
    # The same units, up to a power of two.
    ratio = moved[:P] / c[:P]
    assert np.all((ratio > 0.49) & (ratio < 2.01))
    assert np.allclose(extreme.parameters(moved), theta, rtol=1e-9)


@few_and_many
@kinds
def test_given_moments_are_used(make):
    own, c = build(make=make)
    objective = plain(make=make)
    few = objective.on(objective.rows.take(slice(0, 9)), whole_penalty=False)
    moments = measured(few.rows)
    other = coordinates.standardised(few, moments)
    given = coordinates.standardised(objective, moments)
    assert not np.array_equal(given.coordinates.mean, own.coordinates.mean)
    assert np.array_equal(given.coordinates.mean, other.coordinates.mean)
    assert np.array_equal(given.coordinates.scale, other.coordinates.scale)
    assert np.allclose(given.parameters(c), other.parameters(c), rtol=0, atol=0)
    expected = explicit(given, objective).evaluate(c)
    assert given.evaluate(c).value == pytest.approx(expected.value, rel=1e-10)


@few_and_many
@kinds
@pytest.mark.parametrize("size", [1e-290, 1e-200, 1e-150, 1.0, 1e150, 1e200, 1e290])
def test_the_penalty_is_on_the_weights_as_they_are(make, size):
    """Whatever the units: those of the climb and, of extreme features, of the data."""
    if make is not np.asarray and size < 1e-150:
        pytest.skip("sparse features keep their units, whose inverse squares overflow")
    standardised, c = build(
        l2=2.0, scale=(size, 2 * size, 3 * size), offset=(0, size, -size), make=make
    )
    weights = standardised.parameters(c)[:P]
    expected = float(weights @ weights)  # times 2, halved
    assert standardised._penalty(standardised.as_read(c))[0] == pytest.approx(
        expected, rel=1e-9, abs=1e-100
    )


@few_and_many
@kinds
def test_moments_are_exponents_and_mean_and_deviation(make):
    exponents, (mean, deviation, reach) = measured(plain(make=make).rows)
    assert exponents is None
    expected = column_moments(plain(make=make).rows)
    assert np.allclose((mean, deviation), expected, rtol=1e-14, atol=0)
    assert np.all(reach == 1)
    extreme = plain(make=make, scale=(1e-200, 1, 1e200))
    exponents, moments = measured(extreme.rows)
    assert exponents.shape == (P,)
    assert all(np.all(np.isfinite(np.square(of))) for of in moments)


# --- another penalty ------------------------------------------------------------------

PENALISED = {
    "chained": {"make": sp.csr_array},
    "as they are read": {"offset": (0.0, 1e6, -1e7)},
    "in units": {"scale": (1e-200, 1.0, 1e200), "offset": (0, 0, 1e200)},
}


@few_and_many
@every
@intercepts
@pytest.mark.parametrize("kind", PENALISED)
def test_another_penalty_in_the_same_coordinates(likelihood, fit_intercept, kind):
    kwargs = {"fit_intercept": fit_intercept, **PENALISED[kind]}
    standardised, c = build(likelihood, l2=2.0, **kwargs)
    before = standardised.evaluate(c, curvature=True)
    for l2 in [0.0, 1e-3, 30.0]:
        other = standardised.but(l2=l2)
        assert other.coordinates is standardised.coordinates
        weights, _ = other.network.layers(other.parameters(c))[0]
        penalty = 0.5 * l2 * float((weights**2).sum())
        assert other._penalty(other.as_read(c))[0] == pytest.approx(
            penalty, rel=1e-9, abs=1e-100
        )
        here = other.evaluate(c, curvature=True)
        assert here.log_likelihood == pytest.approx(before.log_likelihood, rel=1e-13)
        value = (
            here.log_likelihood - other._penalty(other.as_read(c))[0]
        ) / other.divisor
        assert here.value == pytest.approx(value, rel=1e-13)
        share = l2 / 2.0
        bare = standardised.but(l2=0.0).evaluate(c).gradient
        expected = bare + share * (before.gradient - bare)
        assert np.allclose(here.gradient, expected, rtol=1e-9, atol=1e-12)
    again = standardised.evaluate(c, curvature=True)
    assert again.value == before.value  # the objective itself is left alone
    assert np.array_equal(again.gradient, before.gradient)


@few_and_many
@every
@intercepts
@pytest.mark.parametrize("kind", PENALISED)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_what_a_penalty_adds_to_the_curvature(
    likelihood, fit_intercept, kind, reduction
):
    kwargs = {"fit_intercept": fit_intercept, **PENALISED[kind]}
    standardised, c = build(likelihood, l2=2.0, **kwargs)
    standardised = standardised.but(reduction=reduction)
    with_it = standardised.evaluate(c, curvature=True).curvature
    without = standardised.but(l2=0.0).evaluate(c, curvature=True).curvature
    for l2 in [2.0, 0.5, 70.0]:
        more = standardised.but(l2=l2).penalty_curvature()
        assert more.shape == c.shape and np.all(more >= 0)
        for (at, one), (_, other) in zip(with_it, without, strict=True):
            added = (one - other) * l2 / 2.0
            size = np.abs(one).max() * l2
            assert np.allclose(added, np.diag(more[at]), rtol=1e-8, atol=1e-13 * size)


# --- the rest of what an objective is -------------------------------------------------


@few_and_many
@kinds
@pytest.mark.parametrize("l2", [0.0, 2.0])
def test_parts_sum_to_the_whole_in_the_same_coordinates(make, l2):
    standardised, c = build(hidden=(3,), l2=l2, make=make)
    order = np.random.default_rng(3).permutation(N)
    parts = [
        standardised.on(standardised.rows.take(at), whole_penalty=False)
        for at in (order[:15], order[15:30], order[30:])
    ]
    here = standardised.evaluate(c)
    there = [part.evaluate(c) for part in parts]
    value = sum(at.value * part.divisor for at, part in zip(there, parts))
    assert value == pytest.approx(here.value * standardised.divisor)
    gradient = sum(at.gradient * part.divisor for at, part in zip(there, parts))
    assert np.allclose(gradient, here.gradient * standardised.divisor)
    assert all(part.coordinates is standardised.coordinates for part in parts)


@every
@kinds
@pytest.mark.parametrize("l2", [0.0, 2.0])
@pytest.mark.parametrize("n_rows", [16, 32])
@pytest.mark.parametrize("far", [False, True])
def test_a_sample_is_the_bases_in_the_same_coordinates(
    likelihood, make, l2, n_rows, far, monkeypatch
):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 100)
    offset = (1e3, -1e4, 2e4) if far else (0, 1, -2)
    standardised, c = build(
        likelihood, l2=l2, make=make, scale=(1, 1, 1), offset=offset
    )
    sample = standardised.sample(n_rows)
    assert sample.coordinates is standardised.coordinates
    assert sample.rows.n_rows == n_rows
    X = standardised.rows.X
    if n_rows == 16:
        at = np.linspace(0, N - 1, 16).astype(int)
    else:
        at = (np.linspace(0, N - 2, 16).astype(int)[:, None] + [0, 1]).reshape(-1)
    part = standardised.on(standardised.rows.take(at), whole_penalty=False)
    for name in ["total_weight", "divisor", "noise", "n_parameters"]:
        assert getattr(sample, name) == getattr(part, name)
    here, there = sample.evaluate(c, curvature=True), part.evaluate(c, curvature=True)
    assert here.value == pytest.approx(there.value, rel=1e-9)
    assert np.allclose(here.gradient, there.gradient, rtol=1e-8, atol=1e-10)
    # The curvature of a sample is an estimate anyway.
    for (one, matrix), (other, expected) in zip(
        here.curvature, there.curvature, strict=True
    ):
        assert np.array_equal(one, other)
        size = np.sqrt(np.outer(np.diagonal(expected), np.diagonal(expected)))
        assert np.all(np.abs(matrix - expected) <= 1e-3 * size)
    assert standardised.rows.X is X
    assert standardised.total_weight == standardised.rows.total_weight


def test_attributes_are_those_of_the_objective():
    standardised, base = build()[0], plain()
    for name in ["n_parameters", "total_weight", "divisor", "noise"]:
        assert getattr(standardised, name) == getattr(base, name)


@few_and_many
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
    X, kept = standardised.rows.X, c.copy()
    X_kept = X.copy()
    standardised.evaluate(c, curvature=True)
    assert np.array_equal(c, kept) and np.array_equal(X, X_kept)


@few_and_many
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


@intercepts
def test_maps_are_those_of_tensors_too(fit_intercept):
    torch = pytest.importorskip("torch")
    to = coordinates.Coordinates(np.array([1.0, -2.0]), np.array([0.5, 4.0]))
    first = np.random.default_rng(0).standard_normal((2 + fit_intercept, 3))
    first = first.astype(np.float32)
    for change in [to.to_parameters, to.from_given, to.pull]:
        tensor = torch.asarray(first.copy())
        change(first)
        change(tensor)
        assert tensor.dtype == torch.float32
        np.testing.assert_allclose(tensor.numpy(), first, rtol=1e-6)


@every
@pytest.mark.parametrize("l2", [0.0, 2.0])
@pytest.mark.parametrize("kind", PENALISED)
def test_the_root_along_a_direction_is_its_size_there(likelihood, l2, kind):
    objective, c = build(likelihood, l2=l2, **PENALISED[kind])
    here = objective.evaluate(c, curvature=True)
    along = np.random.default_rng(0).standard_normal(len(c))
    roots, sizes = here.roots(), here.roots(along)
    for (at, matrix), R, size in zip(here.curvature, roots, sizes, strict=True):
        assert size.shape == (1, 1)
        assert abs(size[0, 0]) == pytest.approx(np.linalg.norm(R @ along[at]))
        assert size[0, 0] ** 2 == pytest.approx(along[at] @ matrix @ along[at])
