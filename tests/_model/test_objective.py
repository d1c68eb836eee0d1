"""The objective: value by loops, gradient and curvature by central differences."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import categorical_log_likelihood
from reference import log_sigmoid as slow_log_sigmoid

from skneuron._ascent import Question
from skneuron._data import rows
from skneuron._data.moments import measured
from skneuron._data.rows import Rows
from skneuron._model import (
    Likelihood,
    Network,
    Objective,
    largest_safe_rate,
    log_likelihood,
    standardised,
)
from skneuron._model.coordinates import Coordinates

LIKELIHOODS = {
    "one sigmoid": Likelihood([0]),
    "two sigmoids": Likelihood([0, 0]),
    "softmax of 3": Likelihood([3]),
    "softmax of 1": Likelihood([1]),
    "joint": Likelihood([0, 3, 1]),
}
every = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)
weightings = pytest.mark.parametrize("weighting", ["none", "row", "output"])
reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])
N, P = 12, 3


def n_classes(likelihood):
    return [k or 2 for k in likelihood.widths.tolist()]


def draw_rows(likelihood, weighting="none", n=N, make=np.asarray, dtype=float, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, P)) * (rng.random((n, P)) > 1 / 3)
    codes = rng.integers(0, n_classes(likelihood), (n, likelihood.n_outputs))
    weights = {
        "none": None,
        "row": rng.integers(0, 4, n).astype(float),
        "output": rng.random((n, likelihood.n_outputs)) + 0.1,
    }[weighting]
    return Rows(make(X.astype(dtype)), codes.astype(np.int32), weights)


def build(
    likelihood,
    hidden=(),
    activation="tanh",
    fit_intercept=True,
    l2=0.0,
    reduction="mean",
    **kwargs,
):
    network = Network((P, *hidden, likelihood.n_logits), activation, fit_intercept)
    drawn = draw_rows(likelihood, **kwargs)
    theta = np.random.default_rng(1).standard_normal(network.n_parameters)
    return Objective(network, likelihood, drawn, l2, reduction), theta


def slow_log_likelihood(objective, theta):
    """Sum, over examples and outputs, of weight times log-probability."""
    network, drawn = objective.network, objective.rows
    z = network.forward(network.layers(theta), drawn.X)[-1]
    total = 0.0
    for i in range(drawn.n_rows):
        first = 0
        for output, k in enumerate(n_classes(objective.likelihood)):
            w, code = 1.0, int(drawn.codes[i, output])
            if drawn.weights is not None:
                w = drawn.weights[i] if drawn.weights.ndim == 1 else None
                w = drawn.weights[i, output] if w is None else w
            if k == 2:
                logit = float(z[i, first])
                total += w * slow_log_sigmoid(logit if code == 1 else -logit)
                first += 1
            else:
                logits = z[i, first : first + k]
                total += w * categorical_log_likelihood([logits], [code])
                first += k
    return total


def difference_gradient(f, theta, step=1e-5):
    columns = []
    for i in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        columns.append((f(up) - f(down)) / (2 * step))
    return np.array(columns)


# --- value ----------------------------------------------------------------------------


@every
@weightings
@reductions
@pytest.mark.parametrize("l2", [0.0, 0.7])
def test_value(likelihood, weighting, reduction, l2):
    objective, theta = build(
        likelihood, (2,), weighting=weighting, reduction=reduction, l2=l2
    )
    here = objective.evaluate(theta)
    total = slow_log_likelihood(objective, theta)
    assert here.log_likelihood == pytest.approx(total, rel=1e-12, abs=1e-15)
    assert objective.log_likelihood(theta) == pytest.approx(total, rel=1e-12, abs=1e-15)
    penalty = 0.0
    for weights, _ in objective.network.layers(theta):
        for weight in weights.ravel():
            penalty += 0.5 * l2 * weight**2
    value = total - penalty
    if reduction == "mean":
        value /= objective.rows.total_weight
    assert here.value == pytest.approx(value, rel=1e-12, abs=1e-15)
    assert here.curvature == []


@every
@weightings
def test_log_likelihood_of_rows_under_layers(likelihood, weighting):
    objective, theta = build(likelihood, (2,), weighting=weighting)
    network = objective.network
    for guarded in [False, True]:
        found = log_likelihood(
            network,
            likelihood,
            theta,
            objective.rows,
            guarded=guarded,
        )
        assert found == pytest.approx(slow_log_likelihood(objective, theta), rel=1e-12)


@every
@weightings
@pytest.mark.parametrize("hidden", [(), (4,)], ids=str)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_likelihood_where_all_parameters_are_zero(
    likelihood, weighting, hidden, make, dtype
):
    """Known without a look at the features: every label of k has probability 1/k."""
    objective, theta = build(
        likelihood, hidden, "logistic", weighting=weighting, make=make, dtype=dtype
    )
    theta[:] = 0.0
    theta[::2] = -0.0
    total = 0.0
    for output, k in enumerate(n_classes(likelihood)):
        w = objective.rows.weights
        w = np.ones(N) if w is None else w if w.ndim == 1 else w[:, output]
        total -= w.sum() * np.log(k)
    found = objective.log_likelihood(theta)
    rel = 1e-6 if dtype == np.float32 else 1e-13
    assert found == pytest.approx(total, rel=rel, abs=1e-15)
    expected = objective.evaluate(theta).log_likelihood
    assert found == pytest.approx(expected, rel=rel, abs=1e-15)


@pytest.mark.parametrize("i", range(P + 1))
def test_log_likelihood_where_all_parameters_but_one_are_zero(i):
    objective, theta = build(Likelihood([0]))
    theta[:] = 0.0
    theta[i] = 1e-3
    expected = slow_log_likelihood(objective, theta)
    assert objective.log_likelihood(theta) == pytest.approx(expected, rel=1e-12)
    assert expected != pytest.approx(N * np.log(0.5), rel=1e-9)


def test_whole_weights_count_rows():
    objective, theta = build(Likelihood([3]), (2,), weighting="row")
    drawn = objective.rows
    at = np.repeat(np.arange(N), drawn.weights.astype(int))
    repeated = Objective(
        objective.network, objective.likelihood, Rows(drawn.X[at], drawn.codes[at])
    )
    one, other = objective.evaluate(theta), repeated.evaluate(theta)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
    assert one.value == pytest.approx(other.value, rel=1e-12)
    assert np.allclose(one.gradient, other.gradient, rtol=1e-10)


# --- gradient -------------------------------------------------------------------------


@every
@pytest.mark.parametrize("hidden", [(), (4,), (3, 2)], ids=str)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_gradient(likelihood, hidden, activation, fit_intercept, make):
    objective, theta = build(
        likelihood, hidden, activation, fit_intercept, l2=0.3, make=make
    )
    found = objective.evaluate(theta).gradient
    expected = difference_gradient(lambda at: objective.evaluate(at).value, theta)
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-9)


@every
@weightings
@reductions
def test_gradient_with_weights(likelihood, weighting, reduction):
    objective, theta = build(
        likelihood, (3,), weighting=weighting, reduction=reduction, l2=0.5
    )
    found = objective.evaluate(theta).gradient
    expected = difference_gradient(lambda at: objective.evaluate(at).value, theta)
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-8)


@every
@weightings
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("theta_dtype", [np.float32, np.float64])
def test_float32_agrees_with_float64(likelihood, weighting, make, theta_dtype):
    kwargs = {"weighting": weighting, "l2": 0.3}
    double, theta = build(likelihood, (3,), **kwargs)
    single, _ = build(likelihood, (3,), make=make, dtype=np.float32, **kwargs)
    one, other = double.evaluate(theta), single.evaluate(theta.astype(theta_dtype))
    assert other.gradient.dtype == theta_dtype
    assert other.value == pytest.approx(one.value, rel=1e-5, abs=1e-6)
    assert np.allclose(other.gradient, one.gradient, rtol=1e-3, atol=1e-5)
    assert single.noise == np.finfo(np.float32).eps


def test_logistic_regressions_gradient_is_the_lectures():
    objective, theta = build(Likelihood([0]), reduction="sum")
    X1 = np.c_[objective.rows.X, np.ones(N)]
    expected = [0.0] * (P + 1)
    for i in range(N):
        y_hat = 1 / (1 + np.exp(-sum(X1[i, j] * theta[j] for j in range(P + 1))))
        for j in range(P + 1):
            expected[j] += X1[i, j] * (objective.rows.codes[i, 0] - y_hat)
    assert np.allclose(objective.evaluate(theta).gradient, expected, rtol=1e-12)


# --- curvature ------------------------------------------------------------------------


def dense_curvature(objective, theta):
    matrix = np.zeros((objective.n_parameters,) * 2)
    seen = []
    for at, block in objective.evaluate(theta, curvature=True).curvature:
        assert np.allclose(block, block.T, rtol=1e-12)
        matrix[np.ix_(at, at)] = block
        seen.extend(at)
    assert sorted(seen) == list(range(objective.n_parameters))
    return matrix


def unshifted(objective):
    """Projects parameters on those whose softmaxes' logits sum to 0."""
    m = objective.likelihood.n_logits
    keep, first = np.eye(m), 0
    for k in n_classes(objective.likelihood):
        if k == 2:
            first += 1
            continue
        span = slice(first, first + k)
        if k > 1:
            keep[span, span] -= 1 / k
        else:
            keep[span, span] = 0.0
        first += k
    return np.kron(np.eye(objective.n_parameters // m), keep)


@every
@weightings
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("l2", [0.0, 0.4])
def test_curvature(likelihood, weighting, fit_intercept, make, l2):
    objective, theta = build(
        likelihood,
        fit_intercept=fit_intercept,
        weighting=weighting,
        make=make,
        l2=l2,
    )
    found = dense_curvature(objective, theta)
    expected = -difference_gradient(lambda at: objective.evaluate(at).gradient, theta)
    # Along a shift of all of a softmax's logits it is made definite instead.
    keep = unshifted(objective)
    assert np.allclose(found @ keep, expected @ keep, rtol=1e-6, atol=1e-9)
    values = np.linalg.eigvalsh(found)
    assert values[0] >= -1e-12
    if 1 not in n_classes(likelihood):
        assert values[0] > 1e-6


@every
@weightings
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_curvature_is_the_sum_over_the_rows(likelihood, weighting, make):
    """Whichever row comes first: one without weight, or one that is certain."""
    kwargs = {"n": 40, "weighting": weighting, "make": make}
    objective, theta = build(likelihood, reduction="sum", **kwargs)
    drawn = objective.rows
    X = drawn.X.toarray() if sp.issparse(drawn.X) else drawn.X
    X[0], X[1] = 1e4, 0.0  # certain to rounding; uncertain
    w = drawn.weights
    if w is not None:
        w[2] = 0.0
    m = objective.likelihood.n_logits
    X1 = np.c_[X, np.ones(len(X))]
    z = X1 @ theta.reshape(-1, m)
    expected = np.zeros((P + 1, m, P + 1, m))
    sizes = [1 if k == 2 else k for k in n_classes(likelihood)]
    columns = np.repeat(np.arange(len(sizes)), sizes)
    for (a, c), values in likelihood.couplings(z).items():
        of = values if w is None else values * (w if w.ndim == 1 else w[:, columns[a]])
        for i in range(len(X)):
            square = of[i] * np.outer(X1[i], X1[i])
            expected[:, a, :, c] += square
            if a != c:
                expected[:, c, :, a] += square
    size = objective.n_parameters
    expected = expected.reshape(size, size)
    keep, scale = unshifted(objective), np.abs(expected).max()
    for first in range(4):
        order = np.r_[first, np.delete(np.arange(40), first)]
        weights = None if w is None else w[order]
        moved = Rows(make(X[order]), drawn.codes[order], weights)
        found = Objective(objective.network, likelihood, moved, reduction="sum")
        found = dense_curvature(found, theta)
        assert np.allclose(found @ keep, expected @ keep, rtol=1e-9, atol=1e-12 * scale)


def test_curvature_in_the_float_type_of_the_data():
    double, theta = build(Likelihood([3]), weighting="row", n=100)
    single, _ = build(Likelihood([3]), weighting="row", n=100, dtype=np.float32)
    one, other = (of.evaluate(theta, curvature=True) for of in (double, single))
    ((_, expected),), ((_, found),) = one.curvature, other.curvature
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_curvature_leaves_value_and_gradient():
    objective, theta = build(Likelihood([3]), weighting="row", l2=0.1)
    plain, full = objective.evaluate(theta), objective.evaluate(theta, curvature=True)
    assert plain.value == pytest.approx(full.value, rel=1e-13)
    assert np.allclose(plain.gradient, full.gradient, rtol=1e-12, atol=1e-14)


# --- sums over rows -------------------------------------------------------------------


@every
@weightings
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_blocks_change_nothing(likelihood, weighting, make, monkeypatch):
    objective, theta = build(likelihood, n=300, weighting=weighting, make=make, l2=0.2)
    whole = objective.evaluate(theta, curvature=True)
    once = objective.log_likelihood(theta)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1)
    blocked = objective.evaluate(theta, curvature=True)
    assert objective.log_likelihood(theta) == pytest.approx(once, rel=1e-12)
    assert blocked.value == pytest.approx(whole.value, rel=1e-12, abs=1e-15)
    assert np.allclose(blocked.gradient, whole.gradient, rtol=1e-9, atol=1e-13)
    for (at, one), (same, other) in zip(whole.curvature, blocked.curvature):
        assert np.array_equal(at, same)
        assert np.allclose(one, other, rtol=1e-9, atol=1e-13)


@every
@weightings
@reductions
def test_parts_sum_to_the_whole(likelihood, weighting, reduction):
    objective, theta = build(
        likelihood, (2,), weighting=weighting, reduction=reduction, l2=0.6
    )
    order = np.random.default_rng(3).permutation(N)
    parts = [
        objective.on(objective.rows.take(at), whole_penalty=False)
        for at in (order[:5], order[5:10], order[10:])
    ]
    here = objective.evaluate(theta)
    there = [part.evaluate(theta) for part in parts]
    assert sum(part.total_weight for part in parts) == pytest.approx(
        objective.total_weight
    )
    assert sum(at.log_likelihood for at in there) == pytest.approx(here.log_likelihood)
    assert sum(at.value * part.divisor for at, part in zip(there, parts)) == (
        pytest.approx(here.value * objective.divisor)
    )
    total = sum(at.gradient * part.divisor for at, part in zip(there, parts))
    assert np.allclose(total, here.gradient * objective.divisor)


@every
@weightings
@reductions
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_rows", [16, 160])
def test_a_sample_is_the_part_of_the_rows_in_it(
    likelihood, weighting, reduction, make, n_rows
):
    n = 300
    kwargs = {"weighting": weighting, "n": n, "make": make}
    objective, theta = build(likelihood, l2=0.6, reduction=reduction, **kwargs)
    sample = objective.sample(n_rows)
    starts = np.linspace(0, n - n_rows // 16, 16).astype(int)
    at = (starts[:, None] + np.arange(n_rows // 16)).reshape(-1)
    part = objective.on(objective.rows.take(at), whole_penalty=False)
    for name in ["n_parameters", "noise", "reduction"]:
        assert getattr(sample, name) == getattr(objective, name)
    for name in ["total_weight", "divisor", "l2"]:
        assert getattr(sample, name) == pytest.approx(getattr(part, name))
    here, there = (of.evaluate(theta, curvature=True) for of in (sample, part))
    assert here.log_likelihood == pytest.approx(there.log_likelihood, rel=1e-12)
    assert sample.log_likelihood(theta) == pytest.approx(there.log_likelihood)
    assert here.value == pytest.approx(there.value, rel=1e-12)
    assert np.allclose(here.gradient, there.gradient, rtol=1e-10, atol=1e-14)
    # The curvature of a sample is an estimate anyway: half the digits do.
    largest = max(np.abs(matrix).max() for _, matrix in there.curvature)
    for (one, found), (other, expected) in zip(
        here.curvature, there.curvature, strict=True
    ):
        assert np.array_equal(one, other)
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-5 * largest)
    # The objective that it was made from is left alone.
    assert objective.rows.n_rows == n and objective.l2 == 0.6
    assert objective.total_weight == objective.rows.total_weight


def test_a_part_can_bear_the_whole_penalty():
    objective, theta = build(Likelihood([0]), l2=0.6)
    at = slice(0, 4)
    bare, _ = build(Likelihood([0]))
    bare_part = bare.on(bare.rows.take(at), whole_penalty=True)
    part = objective.on(objective.rows.take(at), whole_penalty=True)
    assert part.divisor == bare_part.divisor == 4
    penalty = 0.3 * float(theta[:P] @ theta[:P])
    loss = bare_part.evaluate(theta).value - part.evaluate(theta).value
    assert loss == pytest.approx(penalty / 4)


def test_a_part_of_light_rows_takes_a_light_step():
    drawn = draw_rows(Likelihood([0]))
    drawn = Rows(drawn.X, drawn.codes, np.r_[np.full(6, 0.1), np.full(6, 1.9)])
    network = Network((P, 1))
    objective = Objective(network, Likelihood([0]), drawn)
    plain = Objective(network, Likelihood([0]), Rows(drawn.X, drawn.codes))
    theta = np.zeros(network.n_parameters)
    light = objective.on(
        objective.rows.take(slice(0, 6)), whole_penalty=False
    ).evaluate(theta)
    same = plain.on(plain.rows.take(slice(0, 6)), whole_penalty=False).evaluate(theta)
    assert np.allclose(light.gradient, 0.1 * same.gradient)


def test_reduced():
    objective, theta = build(Likelihood([3]), weighting="row", l2=0.6)
    total = objective.but(reduction="sum")
    assert total.reduction == "sum"
    one, other = objective.evaluate(theta), total.evaluate(theta)
    assert other.value == pytest.approx(one.value * objective.total_weight)
    assert np.allclose(other.gradient, one.gradient * objective.total_weight)
    again = total.but(reduction="mean").evaluate(theta)
    assert again.value == pytest.approx(one.value, rel=1e-13)


def test_evaluate_changes_nothing_given():
    objective, theta = build(Likelihood([0, 3]), weighting="output")
    drawn = objective.rows
    kept = [a.copy() for a in (theta, drawn.X, drawn.codes, drawn.weights)]
    objective.evaluate(theta, curvature=True)
    for before, after in zip(kept, (theta, drawn.X, drawn.codes, drawn.weights)):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_top_bounds_the_mean_gradient(dtype):
    for reduction in ["mean", "sum"]:
        objective, theta = build(Likelihood([0]), reduction=reduction, dtype=dtype)
        here = objective.evaluate(theta)
        largest = np.abs(here.gradient).max()
        if reduction == "sum":
            largest /= N
        assert objective.is_top(here, 1.01 * largest)
        assert not objective.is_top(here, 0.99 * largest)
        here.gradient *= 0
        assert objective.is_top(here, 0.0)


@every
@weightings
@pytest.mark.parametrize("hidden", [(), (4,)], ids=str)
def test_centred_is_the_same_function_of_other_weights(likelihood, weighting, hidden):
    objective, _ = build(likelihood, hidden, weighting=weighting, l2=0.7)
    mean, scale = np.array([1.0, -2.0, 0.5]), np.array([0.5, 4.0, 1.0])
    centred = objective.in_coordinates(Coordinates(mean, scale), False)
    c = np.random.default_rng(7).standard_normal(objective.n_parameters)
    theta = c.copy()
    weights, intercepts = objective.network.layers(theta)[0]
    weights /= scale[:, None]
    intercepts -= mean @ weights
    here, there = centred.evaluate(c), objective.evaluate(theta)
    assert here.log_likelihood == pytest.approx(there.log_likelihood, rel=1e-12)
    assert here.value == pytest.approx(there.value, rel=1e-12)
    assert centred._penalty(centred.as_read(c))[0] == pytest.approx(
        objective._penalty(objective.as_read(theta))[0], rel=1e-12
    )
    expected = difference_gradient(lambda at: centred.evaluate(at).value, c)
    assert np.allclose(here.gradient, expected, rtol=1e-6, atol=1e-7)
    # The objective that it was made from is left alone.
    for weights, intercepts in objective.network.layers(objective.shrunk):
        assert np.all(weights == 1) and not intercepts.any()


@every
@weightings
def test_centred_is_the_same_for_few_rows_and_many(likelihood, weighting, monkeypatch):
    """Few are standardised at once, many as they are read."""
    objective, theta = build(likelihood, n=200, weighting=weighting, l2=0.7)
    coordinates = Coordinates(np.array([1.0, -2.0, 0.5]), np.array([0.5, 4.0, 1.0]))
    few = objective.in_coordinates(coordinates, False)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 64)
    many = objective.in_coordinates(coordinates, False)
    assert many.rows.centre is not None
    here, there = few.evaluate(theta), many.evaluate(theta)
    assert here.value == pytest.approx(there.value, rel=1e-13)
    assert np.allclose(here.gradient, there.gradient, rtol=1e-10, atol=1e-14)


# --- what a climb asks for ------------------------------------------------------------


def same(one, other):
    """Two evaluations, to the last digit."""
    assert (one.value, one.log_likelihood) == (other.value, other.log_likelihood)
    assert (one.gradient is None) == (other.gradient is None)
    if one.gradient is not None:
        np.testing.assert_array_equal(one.gradient, other.gradient)
    for (at, found), (where, expected) in zip(
        one.curvature, other.curvature, strict=True
    ):
        np.testing.assert_array_equal(at, where)
        np.testing.assert_array_equal(found, expected)


@every
@weightings
@reductions
@pytest.mark.parametrize("n_rows", [None, 16])
def test_an_answer_has_the_derivatives_asked_for(
    likelihood, weighting, reduction, n_rows
):
    objective, theta = build(
        likelihood, l2=0.3, weighting=weighting, reduction=reduction, n=60
    )
    of = objective if n_rows is None else objective.sample(n_rows)
    first, second = (
        objective.answer(Question(theta, order, n_rows)) for order in (1, 2)
    )
    same(first, of.evaluate(theta))
    same(second, of.evaluate(theta, curvature=True))
    assert first.curvature == [] and second.curvature
    none = objective.answer(Question(theta, 0, n_rows))
    assert none.gradient is None and none.curvature == []
    assert none.log_likelihood == of.log_likelihood(theta)
    assert none.value == pytest.approx(first.value, rel=1e-13)
    same(none, of.evaluation_of(of.log_likelihood(theta), theta))


def test_answers_of_a_sample_are_of_the_same_rows():
    """Drawn once, for as long as the sample is of that size."""
    objective, theta = build(Likelihood([0]), n=300, l2=0.5)
    sample = objective.sample(32)
    assert objective.sample(32) is sample
    assert objective.sample(48) is not sample
    one, other = (objective.answer(Question(theta, 1, 32)) for _ in range(2))
    same(one, other)
    # One like it, of another penalty, has samples of its own.
    assert objective.but(l2=2.0).sample(32).l2 == pytest.approx(2.0 * 32 / 300)
    assert objective.but(reduction="sum").sample(32).divisor == 1.0


@every
@weightings
@reductions
@pytest.mark.parametrize("hidden", [(), (4,)], ids=str)
def test_penalised_is_the_objective_of_another_penalty(
    likelihood, weighting, reduction, hidden
):
    kwargs = {"weighting": weighting, "reduction": reduction}
    objective, theta = build(likelihood, hidden, l2=0.7, **kwargs)
    for l2 in [0.0, 5.0]:
        expected, _ = build(likelihood, hidden, l2=l2, **kwargs)
        same(objective.but(l2=l2).evaluate(theta), expected.evaluate(theta))
    assert objective.l2 == 0.7


@every
@weightings
@reductions
def test_the_penaltys_curvature_is_on_the_diagonal(likelihood, weighting, reduction):
    objective, theta = build(
        likelihood, l2=0.7, weighting=weighting, reduction=reduction
    )
    bare = dense_curvature(objective.but(l2=0.0), theta)
    more = objective.penalty_curvature()
    expected = dense_curvature(objective, theta) - bare
    assert np.allclose(expected, np.diag(more), rtol=1e-9, atol=1e-12)
    assert objective.shrunk.max() == 1.0  # left alone


# --- the largest safe rate ------------------------------------------------------------


def slow_rate(objective, X, bound):
    """2 / L, with L from the whole matrix."""
    drawn, network = objective.rows, objective.network
    X1 = np.c_[X, np.ones(len(X))] if network.fit_intercept else X
    w = np.ones(len(X)) if drawn.weights is None else drawn.weights
    w = w if w.ndim == 1 else w.max(axis=1)
    curvature = bound * X1.T @ (w[:, None] * X1)
    curvature[np.diag_indices(X.shape[1])] += objective.l2  # the intercept goes free
    return 2 * objective.divisor / np.linalg.eigvalsh(curvature)[-1]


@pytest.mark.parametrize("fit_intercept", [True, False])
@weightings
@reductions
@pytest.mark.parametrize("l2", [0.0, 2.0])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_rate_is_two_over_the_largest_eigenvalue(
    fit_intercept, weighting, reduction, l2, make
):
    for likelihood, bound in [(Likelihood([0, 0]), 0.25), (Likelihood([3]), 0.5)]:
        objective, _ = build(
            likelihood,
            fit_intercept=fit_intercept,
            weighting=weighting,
            reduction=reduction,
            l2=l2,
            make=make,
        )
        X = objective.rows.X
        X = X.toarray() if sp.issparse(X) else X
        expected = slow_rate(objective, X, bound)
        assert largest_safe_rate(objective) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_rate_of_many_features(make):
    X = np.random.default_rng(0).standard_normal((80, 520))
    drawn = Rows(make(X), np.zeros((80, 1), int))
    objective = Objective(Network((520, 1)), Likelihood([0]), drawn)
    found, expected = largest_safe_rate(objective), slow_rate(objective, X, 0.25)
    assert found <= expected * (1 + 1e-12)
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_rate_of_any_scale(scale):
    objective, _ = build(Likelihood([0]), fit_intercept=False)
    drawn = objective.rows
    scaled = Objective(
        objective.network, Likelihood([0]), Rows(drawn.X * scale, drawn.codes)
    )
    with np.errstate(over="raise", invalid="raise"):
        found = largest_safe_rate(scaled)
    assert found * scale * scale == pytest.approx(largest_safe_rate(objective), rel=0.1)


def test_rate_of_nothing_is_infinite():
    drawn = Rows(np.zeros((5, 2)), np.zeros((5, 1), int))
    network = Network((2, 1), fit_intercept=False)
    assert largest_safe_rate(Objective(network, Likelihood([0]), drawn)) == np.inf


@every
@weightings
@reductions
@pytest.mark.parametrize("coordinates", ["own", "standardised"])
def test_a_safe_rate_never_lowers_the_objective(
    likelihood, weighting, reduction, coordinates
):
    l2 = 0.3 if coordinates == "own" else 0.0
    objective, _ = build(likelihood, weighting=weighting, reduction=reduction, l2=l2)
    if coordinates == "standardised":
        objective = standardised(objective, measured(objective.rows))
    rate = largest_safe_rate(objective)
    rng = np.random.default_rng(5)
    for scale in [0.1, 1.0, 10.0]:
        theta = scale * rng.standard_normal(objective.n_parameters)
        here = objective.evaluate(theta)
        for _ in range(20):
            theta = theta + rate * here.gradient
            there = objective.evaluate(theta)
            assert there.value >= here.value - 1e-13 * abs(here.value)
            here = there


def test_a_safe_rate_of_standardised_coordinates_knows_the_penalty():
    drawn = draw_rows(Likelihood([0]), n=200)
    network = Network((P, 1), fit_intercept=False)
    small = Rows(drawn.X * 1e-3, drawn.codes)
    plain = Objective(network, Likelihood([0]), small, 1.0)
    objective = standardised(plain, measured(small))
    rate = largest_safe_rate(objective)
    theta = np.ones(P)
    here = objective.evaluate(theta)
    there = objective.evaluate(theta + rate * here.gradient)
    assert there.value >= here.value


@pytest.mark.parametrize(
    "likelihood", [Likelihood([0]), Likelihood([2])], ids=["B", "C"]
)
@reductions
def test_the_safe_rate_is_tight(likelihood, reduction):
    """Near a top where y_hat is 1/2, the bound on the curvature is the curvature."""
    X = np.random.default_rng(0).standard_normal((20, P))
    X, codes = np.r_[X, X], np.repeat([0, 1], 20)[:, None]
    network = Network((P, likelihood.n_logits), fit_intercept=False)
    objective = Objective(network, likelihood, Rows(X, codes), reduction=reduction)
    rate = largest_safe_rate(objective)
    steepest = np.linalg.eigh(X.T @ X)[1][:, -1]
    away = [1.0] if likelihood.n_logits == 1 else [1.0, -1.0]
    theta = 1e-3 * np.outer(steepest, away).ravel()
    here = objective.evaluate(theta)
    safe = objective.evaluate(theta + 0.99 * rate * here.gradient)
    unsafe = objective.evaluate(theta + 1.01 * rate * here.gradient)
    assert unsafe.value < here.value < safe.value


@pytest.mark.parametrize("likelihood", ["one sigmoid", "softmax of 3", "joint"])
@pytest.mark.parametrize("offset", [0.0, 3.0, 1e5, 1e9])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_parameters_that_say_the_same_are_known_without_a_pass(
    likelihood, offset, fit_intercept
):
    """What is said to be told to 1e-12 is; what offsets cost digits of is not."""
    of = LIKELIHOODS[likelihood]
    drawn = draw_rows(of, n=200)
    given = Rows(drawn.X + offset, drawn.codes)
    plain = Objective(Network((P, of.n_logits), "identity", fit_intercept), of, given)
    inside = standardised(plain, measured(given))
    theta = np.random.default_rng(0).standard_normal(plain.n_parameters)
    here = inside.evaluate(theta)
    there = plain.log_likelihood(inside.parameters(theta))
    if inside.is_told_exactly(here):
        np.testing.assert_allclose(there, here.log_likelihood, rtol=1e-12)
    assert inside.is_told_exactly(here) == (offset < 1e5 or not fit_intercept)
    assert plain.is_told_exactly(here)
