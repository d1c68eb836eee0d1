"""Epochs of mini-batches: the kernel against step after step by the generic line."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from slow import (
    LIKELIHOODS,
    draw_codes,
    draw_features,
    draw_sparse,
    draw_weights,
    dtypes,
    floats,
    generic,
    likelihoods,
    needs_core,
    patched,
    seeds,
    threads,
    weightings,
)

from skneuron import Convolution
from skneuron._arrays import numbers_may_end
from skneuron._ascent import Adam, Gradient, Momentum
from skneuron._data.files import OnDemand
from skneuron._data.moments import measured
from skneuron._data.rows import Rows
from skneuron._model import Likelihood, Network, Objective, standardised

pytestmark = needs_core
RULES = {"gradient": Gradient, "momentum": lambda: Momentum(0.7), "adam": Adam}
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]


def slow_epoch(objective, size, whole_penalty, order, theta, rates, direction):
    """A step for each batch, as the formulas have it: theta, and the log-likelihood."""
    theta, total = theta.copy(), 0.0
    for i, rate in enumerate(rates):
        at = slice(i * size, min((i + 1) * size, objective.n_rows))
        at = at if order is None else order[at]
        batch = objective.on(objective.rows.take(at), whole_penalty=whole_penalty)
        here = batch.evaluate(theta)
        total += here.log_likelihood
        direction.move(theta, here.gradient, rate)
    return theta, total


def both(objective, size, whole_penalty, orders, theta, rates, make):
    """What epochs, one for each of `orders`, give compiled, and step by step."""
    n_batches = -(-objective.n_rows // size)
    steps = objective.compiled_steps(size, whole_penalty=whole_penalty)
    direction, found, seen = make(), theta.copy(), []
    for order in orders:
        memory = direction.memory(found, n_batches)
        seen.append(steps(order, found, rates[:n_batches], **memory))
    direction, expected, counted = make(), theta, []
    with generic(), numbers_may_end():
        for order in orders:
            given = size, whole_penalty, order, expected, rates[:n_batches], direction
            expected, total = slow_epoch(objective, *given)
            counted.append(total)
    return (found, seen), (expected, counted)


def check(found, expected, dtype):
    (theta, seen), (there, counted) = found, expected
    # A step of Adam is one of a ratio, which has fewer digits than a gradient.
    near = 1e-7 if dtype is np.float64 else 2e-3
    assert theta.dtype == dtype and np.isfinite(theta).all()
    np.testing.assert_allclose(theta, there, rtol=near, atol=near)
    np.testing.assert_allclose(seen, counted, rtol=near, atol=near)


@given(
    likelihoods,
    dtypes,
    st.integers(1, 150),
    st.integers(1, 7),
    st.lists(st.sampled_from([1, 2, 5, 33, 80]), max_size=3),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from([*RULES]),
    st.sampled_from([1, 3, 16, 50, 200, 10**12]),
    st.sampled_from(["C", "F", np.int8, np.float32, "places", "narrow", "wide"]),
    weightings,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(["mean", "sum"]),
    seeds,
)
@settings(deadline=None, max_examples=80)
def test_epochs_step_by_step(
    likelihood,
    dtype,
    n,
    d,
    hidden,
    activation,
    rule,
    size,
    features,
    weighting,
    intercept,
    shuffled,
    centred,
    whole_penalty,
    l2,
    reduction,
    seed,
):
    rng = np.random.default_rng(seed)
    if features in ("narrow", "wide"):
        X = draw_sparse(rng, n, d, dtype, features == "wide")
    elif features == "places":
        source = draw_features(rng, 2 * n, d, np.int16)
        X = OnDemand(source, dtype, rng.choice(2 * n, n))
    elif isinstance(features, str):
        X = draw_features(rng, n, d, dtype, features)
    else:
        X = OnDemand(draw_features(rng, n, d, features), dtype)
    weights = draw_weights(rng, n, likelihood, weighting, dtype)
    if weights is not None:
        weights[0] += 1  # a mean divides by them
    centre = None
    if centred:
        centre = rng.standard_normal(d), 2.0 ** rng.integers(-1, 2, d)
        centre = tuple(of.astype(dtype) for of in centre)
    rows = Rows(X, draw_codes(rng, n, likelihood), weights, centre)
    network = Network([d, *hidden, likelihood.n_logits], activation, intercept)
    objective = Objective(network, likelihood, rows, l2, reduction)
    theta = network.random_start(rng).astype(dtype)
    rates = rng.uniform(0.01, 0.02, n)
    if dtype is np.float32:  # whose rounding errors grow from step to step
        size = max(size, n // 10)
    if rule != "adam":
        rates /= 4 if reduction == "mean" else 4 * n
    orders = [rng.permutation(n) if shuffled else None for _ in range(2)]
    given = size, whole_penalty, orders, theta, rates, RULES[rule]
    with patched(CALL_WORK=rng.choice([1, 1 << 12, 1 << 31])):
        found, expected = both(objective, *given)
    # Deep linear networks may tumble, and make much of rounding errors.
    assume(np.abs(expected[0]).max() < 100)
    check(found, expected, dtype)


@pytest.mark.slow
@given(
    likelihoods,
    dtypes,
    st.integers(1, 100),
    st.tuples(st.integers(3, 6), st.integers(3, 6), st.integers(1, 3)),
    st.lists(
        st.builds(
            Convolution,
            st.sampled_from([1, 3, 8, 17]),
            st.tuples(st.integers(1, 3), st.integers(1, 3)),
            st.integers(1, 2),
        ),
        min_size=1,
        max_size=2,
    ),
    st.sampled_from([(), (5,)]),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from([*RULES]),
    st.sampled_from([1, 16, 50, 200]),
    st.sampled_from(["C", "F", np.int8, "places", "narrow", "wide"]),
    weightings,
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.3]),
    seeds,
)
@settings(deadline=None, max_examples=80)
def test_windows_step_by_step(
    likelihood,
    dtype,
    n,
    picture,
    convolutions,
    hidden,
    activation,
    rule,
    size,
    features,
    weighting,
    intercept,
    centred,
    l2,
    seed,
):
    rng, d = np.random.default_rng(seed), int(np.prod(picture))
    if features in ("narrow", "wide"):
        X = draw_sparse(rng, n, d, dtype, features == "wide")
    elif features == "places":
        # No two sums alike, or rounding would tell which of them is the largest.
        source = draw_features(rng, 2 * n, d, dtype)
        X = OnDemand(source, dtype, rng.choice(2 * n, n))
    elif isinstance(features, str):
        X = draw_features(rng, n, d, dtype, features)
    else:
        X = OnDemand(draw_features(rng, n, d, features), dtype)
    weights = draw_weights(rng, n, likelihood, weighting, dtype)
    if weights is not None:
        weights[0] += 1
    centre = None
    if centred:
        centre = rng.standard_normal(d), 2.0 ** rng.integers(-1, 2, d)
        centre = tuple(of.astype(dtype) for of in centre)
    rows = Rows(X, draw_codes(rng, n, likelihood), weights, centre)
    sizes = [d, *convolutions, *hidden, likelihood.n_logits]
    try:
        network = Network(sizes, activation, intercept, picture)
    except ValueError:  # larger than the picture
        assume(False)
    objective = Objective(network, likelihood, rows, l2)
    theta = network.random_start(rng).astype(dtype)
    rates = rng.uniform(0.01, 0.02, n) / (1 if rule == "adam" else 4)
    orders = [rng.permutation(n), None]
    given = size, True, orders, theta, rates, RULES[rule]
    with patched(CALL_WORK=rng.choice([1, 1 << 12, 1 << 31])):
        found, expected = both(objective, *given)
    assume(np.abs(expected[0]).max() < 100)
    check(found, expected, dtype)
    here = objective.evaluate(theta)
    with generic():
        there = objective.evaluate(theta)
    near = 1e-10 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(here.value, there.value, rtol=near)
    np.testing.assert_allclose(here.gradient, there.gradient, rtol=near, atol=near)
    value = objective.log_likelihood(theta)
    np.testing.assert_allclose(value, there.log_likelihood, rtol=near)


def digits(dtype, n=90, d=12, make=np.array):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.5)
    return make(X.astype(dtype)), rng.integers(0, 3, (n, 1))


@floats
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("make", [np.array, sp.csr_array])
@pytest.mark.parametrize("hidden", [(), (40,)])
def test_standardised_epochs_step_by_step(dtype, rule, make, hidden):
    """Features that are standardised as they are read, by the chain rule or so."""
    X, codes = digits(dtype, make=make)
    network = Network([12, *hidden, 3])
    rows = Rows(X, codes)
    objective = Objective(network, Likelihood([3]), rows, 0.1)
    objective = standardised(objective, measured(rows))
    theta = network.random_start(np.random.default_rng(1)).astype(dtype)
    given = 16, True, [None], theta, np.full(6, 0.01), RULES[rule]
    check(*both(objective, *given), dtype)


@floats
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("make", [np.array, sp.csr_array])
@pytest.mark.parametrize(
    "hidden", [(), (70,), (120, 55), (Convolution(9, 2, 2), Convolution(50, 1), 7)]
)
def test_the_same_bits_for_any_number_of_threads(dtype, rule, make, hidden):
    X, codes = digits(dtype, 300, make=make)
    network = Network([12, *hidden, 3], "tanh", image_shape=(4, 3))
    objective = Objective(network, Likelihood([3]), Rows(X, codes), 0.1)
    start = network.random_start(np.random.default_rng(1)).astype(dtype)
    order, results = np.random.default_rng(2).permutation(300), []
    for n_threads in (1, 1, 2, 3, 8):
        direction, theta = RULES[rule](), start.copy()
        with threads(n_threads):
            steps = objective.compiled_steps(130, whole_penalty=True)
            memory = direction.memory(theta, 3)
            total = steps(order, theta, np.full(3, 0.01), **memory)
        results.append((theta, total))
    for theta, total in results[1:]:
        assert total == results[0][1]
        np.testing.assert_array_equal(theta, results[0][0])


@floats
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("make", [np.array, sp.csr_array])
@pytest.mark.parametrize(
    ("size", "hidden"), [(45, (117,)), (45, (150, 70)), (301, (117,))]
)
def test_epochs_of_many_inputs(dtype, rule, make, size, hidden):
    """Whose weights are several slices, in several threads, and tiles of all widths."""
    X, codes = digits(dtype, 301, 299, make=make)
    network = Network([299, *hidden, 3])
    objective = Objective(network, Likelihood([3]), Rows(X, codes), 0.1)
    objective = standardised(objective, measured(objective.rows))
    theta = network.random_start(np.random.default_rng(1)).astype(dtype)
    order = np.random.default_rng(2).permutation(301)
    rates = np.full(-(-301 // size), 0.001)
    results = []
    for n_threads in (1, 3):
        with threads(n_threads):
            given = size, True, [order], theta.copy(), rates, RULES[rule]
            found, expected = both(objective, *given)
        check(found, expected, dtype)
        results.append(found)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


@floats
def test_no_logit_is_too_large(dtype):
    """Of weights and features that are, and of a class with all probability."""
    rng, size = np.random.default_rng(0), 1e150 if dtype is np.float64 else 1e15
    X = np.zeros((64, 2), dtype)
    X[:, 0] = rng.choice([0.0, -0.0, 1e-30, 1.0, size, -size], 64)
    for likelihood in LIKELIHOODS:
        codes = draw_codes(rng, 64, likelihood)
        network = Network([2, likelihood.n_logits])
        objective = Objective(network, likelihood, Rows(X, codes))
        for of in (1e-30, 1.0, size):
            theta = np.full(network.n_parameters, of, dtype)
            theta *= rng.choice([-1, 1], theta.shape)
            rates = np.full(4, 1e-6 * of / size)
            given = 16, True, [None], theta, rates, Gradient
            (found, seen), (expected, counted) = both(objective, *given)
            assert np.isfinite(found).all() and np.isfinite(seen).all()
            near = {"rtol": 1e-12} if dtype is np.float64 else {"rtol": 1e-5}
            np.testing.assert_allclose(found, expected, **near, atol=1e-30)
            np.testing.assert_allclose(seen, counted, **near)


def test_what_is_given_is_left_alone():
    X, codes = digits(np.float64)
    weights, order = np.ones(90), np.arange(90)[::-1].copy()
    rates = np.full(6, 0.01)
    for array in (X, codes, weights, order, rates):
        array.flags.writeable = False
    network = Network([12, 5, 3])
    objective = Objective(network, Likelihood([3]), Rows(X, codes, weights), 0.3)
    theta, direction = network.random_start(np.random.default_rng(1)), Adam()
    steps = objective.compiled_steps(16, whole_penalty=True)
    steps(order, theta, rates, **direction.memory(theta, 6))


def test_theta_of_another_float_type_is_moved_in_its_place():
    X, codes = digits(np.float32)
    network = Network([12, 3])
    objective = Objective(network, Likelihood([3]), Rows(X, codes))
    theta = np.zeros(network.n_parameters)
    given = theta, np.full(6, 0.01)
    steps = objective.compiled_steps(16, whole_penalty=True)
    steps(None, *given, **Gradient().memory(*given))
    with generic():
        given = objective, 16, True, None, np.zeros_like(theta), given[1], Gradient()
        expected, _ = slow_epoch(*given)
    assert theta.dtype == np.float64
    np.testing.assert_allclose(theta, expected, atol=1e-6)


def test_where_no_kernel_can_there_are_no_compiled_steps():
    X, codes = digits(np.float64, make=sp.csr_array)
    network = Network([12, 3])
    exponents = np.zeros(12, int)
    for other in (
        OnDemand(X.toarray(), np.float64, exponents=exponents),
        sp.csc_array(X),
    ):
        objective = Objective(network, Likelihood([3]), Rows(other, codes))
        assert objective.compiled_steps(16, whole_penalty=True) is None
    with generic():
        objective = Objective(network, Likelihood([0]), Rows(X, codes))
        assert objective.compiled_steps(16, whole_penalty=True) is None


@floats
@pytest.mark.parametrize("likelihood", LIKELIHOODS[::3])
@pytest.mark.parametrize("make", [np.array, sp.csr_array])
@pytest.mark.parametrize("weighting", [None, "rows", "outputs"])
@pytest.mark.parametrize("hidden", [(4,), (40, 7)])
def test_sums_over_all_rows_are_those_of_the_generic_line(
    dtype, likelihood, make, weighting, hidden
):
    """With few numbers to a block: several of them, and a short last one."""
    rng, n = np.random.default_rng(0), 150
    X = make(draw_features(rng, n, 5).astype(dtype))
    codes = draw_codes(rng, n, likelihood)
    weights = draw_weights(rng, n, likelihood, weighting, dtype)
    network = Network([5, *hidden, likelihood.n_logits], "tanh")
    theta = rng.normal(size=network.n_parameters)
    objective = Objective(network, likelihood, Rows(X, codes, weights), l2=0.3)
    with generic():
        there, alone = objective.evaluate(theta), objective.log_likelihood(theta)
    for n_threads in (1, 3):
        with patched(BLOCK_NUMBERS=5000), threads(n_threads):
            here = objective.evaluate(theta)
            value = objective.log_likelihood(theta)
        rtol = 1e-12 if dtype is np.float64 else 1e-4
        assert here.log_likelihood == pytest.approx(there.log_likelihood, rel=rtol)
        assert value == pytest.approx(alone, rel=rtol)
        size = np.abs(there.gradient).max()
        np.testing.assert_allclose(here.gradient, there.gradient, atol=rtol * size)


@pytest.mark.parametrize("wrong", [np.zeros(2), np.zeros(4, np.float32)])
def test_moments_that_are_not_like_theta_never_reach_the_kernel(wrong):
    X, codes = np.ones((6, 3)), np.array([[0], [1]] * 3)
    objective = Objective(Network([3, 1]), Likelihood([0]), Rows(X, codes))
    theta, steps = np.zeros(4), objective.compiled_steps(2, whole_penalty=False)
    memory = {**Momentum(0.7).memory(theta, 3), "moments": (wrong, None)}
    with pytest.raises(ValueError, match="like theta"):
        steps(None, theta, np.full(3, 0.1), **memory)
    assert not theta.any()
