"""Networks side by side against the objective of each of them alone."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skneuron._model import (
    Bernoulli,
    Categorical,
    Joint,
    Network,
    Networks,
    Objective,
    Rows,
)

LIKELIHOODS = {
    "one sigmoid": (Bernoulli(), [2]),
    "two sigmoids": (Bernoulli(2), [2, 2]),
    "softmax of 3": (Categorical(3), [3]),
    "joint": (Joint([Bernoulli(), Categorical(3)]), [2, 3]),
}
N, P = 60, 5
L2 = np.array([0.0, 0.3, 20.0])


def build(
    name="softmax of 3",
    hidden=(4, 3),
    activation="tanh",
    *,
    fit_intercept=True,
    weighting="none",
    make=np.asarray,
    dtype=np.float64,
    l2=L2,
    seed=0,
):
    rng = np.random.default_rng(seed)
    likelihood, n_classes = LIKELIHOODS[name]
    X = rng.standard_normal((N, P)) * (rng.random((N, P)) > 0.3)
    codes = np.stack([rng.integers(0, k, N) for k in n_classes], axis=1)
    weights = {
        "none": None,
        "row": rng.random(N) + 0.1,
        "output": rng.random((N, len(n_classes))) + 0.1,
    }[weighting]
    network = Network((P, *hidden, likelihood.n_logits), activation, fit_intercept)
    rows = Rows(make(X.astype(dtype)), codes, weights)
    thetas = rng.standard_normal((len(l2), network.n_parameters)).astype(dtype)
    return Networks(network, likelihood, rows, l2), thetas


def alone(networks, member):
    return Objective(
        networks.network, networks.likelihood, networks.rows, networks.l2[member]
    )


def check_part(networks, thetas, rtol):
    part = networks.parts(32)
    order = np.random.default_rng(3).permutation(N)
    for at in (order[:32], order[32:], slice(0, 32), slice(32, N)):
        vector = networks.join(thetas)
        before = vector.copy()
        log_likelihoods, gradient = part(at, vector)
        np.testing.assert_array_equal(vector, before)
        assert gradient.dtype == thetas.dtype
        for member, (theta, mine) in enumerate(zip(thetas, networks.split(gradient))):
            there = alone(networks, member).part(at, whole_penalty=True)
            there = there.evaluate(theta)
            scale = max(1.0, abs(there.gradient).max())
            np.testing.assert_allclose(mine, there.gradient, atol=rtol * scale)
            expected = pytest.approx(there.log_likelihood, rel=rtol)
            assert log_likelihoods[member] == expected


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("weighting", ["none", "row", "output"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_parts(name, weighting, hidden, fit_intercept):
    networks, thetas = build(
        name, hidden, weighting=weighting, fit_intercept=fit_intercept
    )
    check_part(networks, thetas, rtol=1e-11)


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("l2", [L2, np.zeros(2), np.ones(1)])
def test_parts_of_features(activation, make, dtype, l2):
    networks, thetas = build(activation=activation, make=make, dtype=dtype, l2=l2)
    check_part(networks, thetas, rtol=1e-11 if dtype is np.float64 else 1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_extreme_logits(name):
    networks, thetas = build(name, l2=np.zeros(3))
    check_part(networks, 1e4 * thetas, rtol=1e-10)


patient = settings(  # however busy the machine is
    deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50
)
shapes = st.tuples(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.booleans(),
    st.integers(1, 5),
)


def of_shape(shape):
    sizes, fit_intercept, k = shape
    rows = Rows(np.zeros((2, sizes[0])), np.zeros((2, 1), dtype=int))
    network = Network(sizes, "tanh", fit_intercept)
    return Networks(network, Bernoulli(sizes[-1]), rows, np.arange(k) * 0.5)


@given(shapes, st.integers(0, 1000), st.sampled_from([np.float32, np.float64]))
@patient
def test_join_and_split_are_inverses(shape, seed, dtype):
    networks = of_shape(shape)
    thetas = np.random.default_rng(seed).standard_normal(
        (networks.n_members, networks.network.n_parameters)
    )
    thetas = thetas.astype(dtype)
    vector = networks.join(thetas)
    assert vector.shape == (networks.n_parameters,)
    assert vector.dtype == networks.split(vector).dtype == dtype
    np.testing.assert_array_equal(networks.split(vector), thetas)
    np.testing.assert_array_equal(networks.join(networks.split(vector)), vector)


@given(shapes)
@patient
def test_spread(shape):
    networks = of_shape(shape)
    numbers = np.arange(1.0, 1 + networks.n_members)
    spread = networks.split(networks.spread(numbers))
    expected = np.repeat(numbers[:, None], networks.network.n_parameters, axis=1)
    np.testing.assert_array_equal(spread, expected)


@given(shapes, st.data())
@patient
def test_keeping(shape, data):
    networks = of_shape(shape)
    members = st.integers(0, networks.n_members - 1)
    kept = np.array(data.draw(st.lists(members, unique=True)), dtype=int)
    fewer = networks.keeping(kept)
    assert fewer.n_members == len(kept)
    np.testing.assert_array_equal(fewer.l2, networks.l2[kept])
    assert networks.n_members == shape[2]  # it itself stays
    thetas = np.random.default_rng(0).standard_normal(
        (networks.n_members, networks.network.n_parameters)
    )
    if len(kept):
        vector = fewer.join(networks.split(networks.join(thetas))[kept])
        np.testing.assert_array_equal(fewer.split(vector), thetas[kept])
        np.testing.assert_allclose(
            fewer.penalties(vector), networks.penalties(networks.join(thetas))[kept]
        )


def test_penalties():
    networks, thetas = build()
    expected = [alone(networks, i).penalty(theta) for i, theta in enumerate(thetas)]
    np.testing.assert_allclose(networks.penalties(networks.join(thetas)), expected)


def test_rows_are_not_written_to():
    networks, thetas = build(weighting="row")
    for part in (networks.rows.X, networks.rows.codes, networks.rows.weights):
        part.flags.writeable = False
    check_part(networks, thetas, rtol=1e-11)
