"""The network: forward against loops, backward against central differences."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron._model import Network

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
HIDDEN = [(), (4,), (4, 2)]
hidden = pytest.mark.parametrize("layers", HIDDEN, ids=str)
activations = pytest.mark.parametrize("activation", ACTIVATIONS)
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])
N, P, K = 7, 3, 2


def build(layers, activation="logistic", fit_intercept=True, seed=0):
    """A network, parameters and features, of which a third are zeros."""
    rng = np.random.default_rng(seed)
    network = Network((P, *layers, K), activation, fit_intercept)
    X = rng.standard_normal((N, P)) * (rng.random((N, P)) > 1 / 3)
    return network, rng.standard_normal(network.n_parameters), X


def slow_logits(network, theta, X, activation):
    """Neuron by neuron, reading theta in its order."""
    g = {
        "identity": lambda z: z,
        "logistic": lambda z: 1 / (1 + math.exp(-z)),
        "tanh": math.tanh,
        "relu": lambda z: max(z, 0.0),
    }[activation]
    result = []
    for x in X:
        below, at = [float(value) for value in x], 0
        for level, n_out in enumerate(network.sizes[1:]):
            n_in = len(below)
            above = [0.0] * n_out
            for i in range(n_in):
                for j in range(n_out):
                    above[j] += below[i] * theta[at + i * n_out + j]
            at += n_in * n_out
            if network.fit_intercept:
                for j in range(n_out):
                    above[j] += theta[at + j]
                at += n_out
            is_last = level == len(network.sizes) - 2
            below = above if is_last else [g(z) for z in above]
        result.append(below)
    assert at == network.n_parameters == len(theta)
    return np.array(result)


@hidden
@activations
@intercepts
def test_forward(layers, activation, fit_intercept):
    network, theta, X = build(layers, activation, fit_intercept)
    found = network.forward(network.layers(theta), X)
    assert found[0] is X
    assert [a.shape[1] for a in found] == list(network.sizes)
    assert np.allclose(found[-1], slow_logits(network, theta, X, activation))


def gradient(network, layers, activations, residual):
    """What `backward` finds, as a flat vector."""
    found = np.full(network.n_parameters, np.nan, residual.dtype)
    network.backward(layers, activations, residual, network.layers(found))
    return found


@hidden
@activations
@intercepts
def test_backward_is_the_gradient(layers, activation, fit_intercept):
    network, theta, X = build(layers, activation, fit_intercept)
    residual = np.random.default_rng(1).standard_normal((N, K))

    def logits_along_residual(theta):
        z = network.forward(network.layers(theta), X)[-1]
        return float((residual * z).sum())

    layers_ = network.layers(theta)
    found = gradient(network, layers_, network.forward(layers_, X), residual)
    step = 1e-6
    for i in range(network.n_parameters):
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        rise = logits_along_residual(up) - logits_along_residual(down)
        assert found[i] == pytest.approx(rise / (2 * step), rel=1e-6, abs=1e-8)


@hidden
@activations
@intercepts
@pytest.mark.parametrize("make", [sp.csr_array, sp.csr_matrix])
def test_sparse_is_dense(layers, activation, fit_intercept, make):
    network, theta, X = build(layers, activation, fit_intercept)
    residual = np.random.default_rng(1).standard_normal((N, K))
    views = network.layers(theta)
    dense, thin = network.forward(views, X), network.forward(views, make(X))
    assert isinstance(thin[-1], np.ndarray)
    assert np.allclose(thin[-1], dense[-1], rtol=1e-14)
    assert np.allclose(
        gradient(network, views, thin, residual),
        gradient(network, views, dense, residual),
        rtol=1e-13,
    )


@hidden
@activations
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_float32_stays_float32_and_agrees(layers, activation, make):
    network, theta, X = build(layers, activation)
    theta, X = theta.astype(np.float32), X.astype(np.float32)
    residual = np.random.default_rng(1).standard_normal((N, K)).astype(np.float32)

    def run(dtype):
        views = network.layers(theta.astype(dtype))
        found = network.forward(views, make(X.astype(dtype)))
        return found[-1], gradient(network, views, found, residual.astype(dtype))

    for single, double in zip(run(np.float32), run(np.float64)):
        assert single.dtype == np.float32
        assert np.allclose(single, double, rtol=1e-4, atol=1e-5)


def test_forward_and_backward_change_hidden_activations_alone():
    network, theta, X = build((4,))
    kept = theta.copy(), X.copy()
    views = network.layers(theta)
    found = network.forward(views, X)
    residual = np.ones((N, K))
    logits = found[-1].copy()
    gradient(network, views, found, residual)
    assert np.array_equal(theta, kept[0]) and np.array_equal(X, kept[1])
    assert np.array_equal(residual, np.ones((N, K)))
    assert found[0] is X and np.array_equal(found[-1], logits)


# --- the flat vector ------------------------------------------------------------------


@hidden
@intercepts
def test_layers_are_views_and_flatten_is_their_inverse(layers, fit_intercept):
    network, theta, _ = build(layers, fit_intercept=fit_intercept)
    views = network.layers(theta)
    assert np.array_equal(network.flatten(views), theta)
    for (weights, b), n_in, n_out in zip(views, network.sizes, network.sizes[1:]):
        assert weights.shape == (n_in, n_out)
        assert (b is None) == (not fit_intercept)
        weights[...] = 1.0
        if fit_intercept:
            b[...] = 2.0
    assert set(theta) == ({1.0, 2.0} if fit_intercept else {1.0})
    counts = [
        n_in * n_out + n_out * fit_intercept
        for n_in, n_out in zip(network.sizes, network.sizes[1:])
    ]
    assert network.n_parameters == sum(counts)


@activations
def test_random_start(activation):
    network = Network((30, 20, 15, 10), activation)
    start = network.random_start(np.random.RandomState(0))
    assert np.array_equal(start, network.random_start(np.random.RandomState(0)))
    layers = network.layers(start)
    gains = network.activation.gain, network.activation.inner_gain, 0.1
    for gain, (weights, _) in zip(gains, layers, strict=True):
        bound = gain * math.sqrt(3 / len(weights))
        assert 0.9 * bound <= np.abs(weights).max() <= bound
        assert abs(weights.mean()) < 0.15 * bound
    for _, b in layers[:-1]:
        assert 0.4 < np.abs(b).max() <= 0.5 * math.sqrt(3)
    assert not layers[-1][1].any()


def test_start_gives_logits_of_unit_deviation():
    rng = np.random.default_rng(0)
    for n_in in (2, 30, 500):
        network = Network((n_in, 400, 1), "logistic")
        weights, _ = network.layers(network.random_start(np.random.RandomState(0)))[0]
        z = rng.standard_normal((300, n_in)) @ weights
        assert 0.8 < z.std() < 1.2


# --- curvature ------------------------------------------------------------------------


kinds = pytest.mark.parametrize("make", [np.asarray, sp.csr_array, sp.csr_matrix])


def draw_pairs(sign=-1, n=N, seed=2):
    """Weights for each pair of logits, all of one sign."""
    rng = np.random.default_rng(seed)
    signs = {(0, 0): 1, (0, 1): sign, (1, 1): 1}
    return {pair: sign * rng.random(n) for pair, sign in signs.items()}


def slow_curvature(X1, weight):
    """One example and one pair of columns a time."""
    n, d = X1.shape
    result = np.zeros((d, d))
    for i in range(n):
        for j in range(d):
            for l in range(d):  # noqa: E741
                result[j, l] += weight[i] * X1[i, j] * X1[i, l]
    return result


def with_intercept(network, X):
    return np.c_[X, np.ones(len(X))] if network.fit_intercept else X


def assert_sums(sums, X1, pairs, rtol=1e-12):
    assert set(sums) == set(pairs)
    for pair, weight in pairs.items():
        expected = slow_curvature(X1, weight)
        # What lies above the diagonal is nobody's.
        assert np.allclose(np.tril(sums[pair]), np.tril(expected), rtol, rtol)


@intercepts
@kinds
@pytest.mark.parametrize("sign", [1, -1])
def test_curvature_is_of_weighted_squares(fit_intercept, make, sign):
    network, _, X = build((), fit_intercept=fit_intercept)
    X1, pairs = with_intercept(network, X), draw_pairs(sign)
    assert_sums(network.curvature(make(X), pairs), X1, pairs)


@kinds
@pytest.mark.parametrize("zeros", [[0], [0, 1, 2], [N - 1], range(N)], ids=str)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_rows_without_weight_do_not_hide_the_sign_of_the_others(make, zeros, zero):
    """A weight of 0, or a probability that is 0 to rounding, has no sign."""
    network, _, X = build(())
    pairs = draw_pairs()
    for weight in pairs.values():
        weight[list(zeros)] = zero
    sums = network.curvature(make(X), pairs)
    assert_sums(sums, with_intercept(network, X), pairs)


@kinds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_curvature_in_the_float_type_of_the_features(make, dtype):
    network, _, X = build(())
    X = X.astype(dtype)
    pairs = {pair: w.astype(dtype) for pair, w in draw_pairs().items()}
    kept = X.copy(), {pair: w.copy() for pair, w in pairs.items()}
    X = make(X)
    sums = network.curvature(X, pairs)
    assert all(matrix.dtype == dtype for matrix in sums.values())
    assert_sums(sums, with_intercept(network, kept[0]), pairs, rtol=1e-5)
    assert np.array_equal(X.toarray() if sp.issparse(X) else X, kept[0])
    assert all(np.array_equal(pairs[pair], kept[1][pair]) for pair in pairs)


def test_curvature_of_independent_outputs_has_no_pairs_of_two():
    network, _, X = build(())
    pairs = draw_pairs()
    del pairs[0, 1]
    sums = network.curvature(X, pairs)
    assert_sums(sums, with_intercept(network, X), pairs)


# --- guarded --------------------------------------------------------------------------


@hidden
@activations
def test_guarded_changes_nothing_where_nothing_overflows(layers, activation):
    network, theta, X = build(layers, activation)
    views = network.layers(theta)
    guarded = network.forward(views, X, guarded=True)[-1]
    # Sums of a few terms of about 1, whoever adds them up.
    assert np.allclose(guarded, network.forward(views, X)[-1], 1e-14, 1e-14)


@activations
@pytest.mark.parametrize("layers", HIDDEN, ids=str)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(
    ("dtype", "sizes"),
    [
        (np.float64, [(1e200, 1e200), (1e308, 1.0), (1e-200, 1e308)]),
        (np.float32, [(1e30, 1e30), (3e38, 1.0), (1e-30, 3e38)]),
    ],
)
def test_guarded_is_finite_for_all_that_is_finite(
    activation, layers, make, dtype, sizes
):
    for x_size, weight_size in sizes:
        network, theta, X = build(layers, activation)
        theta = (theta / np.abs(theta).max() * weight_size).astype(dtype)
        X = make((X / np.abs(X).max() * x_size).astype(dtype))
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            found = network.forward(network.layers(theta), X, guarded=True)
        assert all(np.all(np.isfinite(a)) for a in found[1:])


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        sp.csr_array,
    ],
)
def test_guarded_keeps_float32(make):
    network = Network((2, 1), fit_intercept=False)
    X = np.array([[1e30, 0.0], [0.0, 1e30]], dtype=np.float32)
    theta = np.array([1e30, -1e30], dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        z = network.forward(network.layers(theta), make(X), guarded=True)[-1]
    assert z.dtype == np.float32


def test_guarded_where_only_the_intercept_overflows():
    network = Network((10, 1))
    theta = np.r_[np.full(10, 0.1), 1.7e308]
    with np.errstate(over="ignore", invalid="ignore"):
        z = network.forward(
            network.layers(theta), np.full((1, 10), 1.7e308), guarded=True
        )[-1]
    assert np.all(np.isfinite(z))


def test_guarded_keeps_the_sign():
    network = Network((2, 1), fit_intercept=False)
    X = np.array([[1e200, 0.0], [-1e200, 0.0], [0.0, 1e200]])
    views = network.layers(np.array([1e200, -1e200]))
    with np.errstate(over="ignore", invalid="ignore"):
        z = network.forward(views, X, guarded=True)[-1]
    assert z[0, 0] > 1e300 and z[1, 0] < -1e300 and z[2, 0] < -1e300


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_guarded_logits_have_finite_differences(dtype, share):
    """Logits that are finite, but so large that what softmax makes of them is not."""
    size = dtype(np.finfo(dtype).max * share)
    network = Network((1, 3), fit_intercept=False)
    X, theta = np.array([[1.0], [-1.0]], dtype), np.array([size, -size, 1.0], dtype)
    z = network.forward(network.layers(theta), X, guarded=True)[-1]
    assert z.dtype == dtype
    assert np.all(np.isfinite(z[:, :, None] - z[:, None, :]))
    assert np.array_equal(z[0].argsort(), [1, 2, 0])
    assert np.array_equal(z[1].argsort(), [0, 2, 1])
