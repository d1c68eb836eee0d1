"""Layers that share weights: against loops over places, and against PyTorch."""

from itertools import product

import numpy as np
import pytest

from skneuron import Convolution
from skneuron._arrays import numbers_may_end
from skneuron._model import Network
from skneuron._model.layers import Dense, Windows, connected

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
#: Pictures, and what is slid over them.
CASES = [
    ((4, 5), [Convolution(3, window=(2, 3))]),
    ((5, 4, 2), [Convolution(3, window=(2, 1), pool=2)]),
    ((7, 8, 3), [Convolution(2, window=2, pool=2), Convolution(4, window=(3, 2))]),
    ((9, 9), [Convolution(4, pool=3), Convolution(3, window=1, pool=2)]),
    ((3, 3), [Convolution(2)]),
    ((1, 6), [Convolution(2, window=(1, 3), pool=1)]),
]
cases = pytest.mark.parametrize("image_shape, convolutions", CASES, ids=str)
activations = pytest.mark.parametrize("activation", ACTIVATIONS)


def build(image_shape, convolutions, activation="tanh", intercept=True, n=5):
    """A network with a dense layer above the others, parameters, and pictures."""
    rng = np.random.default_rng(0)
    n_in = int(np.prod(image_shape))
    sizes = n_in, *convolutions, 4, 2
    network = Network(sizes, activation, intercept, image_shape)
    theta = rng.standard_normal(network.n_parameters)
    return network, theta, rng.standard_normal((n, n_in))


def slow_sums(picture, weights, intercepts, window, pool):
    """Place by place, neuron by neuron, number by number."""
    height, width, channels = picture.shape
    rows, columns = height - window[0] + 1, width - window[1] + 1
    n_filters = weights.shape[1]
    z = np.zeros((rows, columns, n_filters))
    for r, c, f in product(range(rows), range(columns), range(n_filters)):
        z[r, c, f] = intercepts[f]
        numbers = product(range(window[0]), range(window[1]), range(channels))
        for k, (i, j, channel) in enumerate(numbers):
            z[r, c, f] += picture[r + i, c + j, channel] * weights[k, f]
    kept = np.zeros((rows // pool, columns // pool, n_filters))
    for r, c, f in product(*map(range, kept.shape)):
        square = z[r * pool : (r + 1) * pool, c * pool : (c + 1) * pool, f]
        kept[r, c, f] = square.max()
    return kept


@cases
@activations
def test_forward_is_place_by_place(image_shape, convolutions, activation):
    network, theta, X = build(image_shape, convolutions, activation)
    layers = network.layers(theta)
    found = network.forward(layers, X)
    g = {
        "identity": lambda z: z,
        "logistic": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: np.maximum(z, 0),
    }[activation]
    for i, x in enumerate(X):
        a = x.reshape((*image_shape, 1)[:3])
        for level, (of, (W, b)) in enumerate(zip(convolutions, layers)):
            a = g(slow_sums(a, W, b, of.window, of.pool))
            np.testing.assert_allclose(found[level + 1][i], a.ravel(), atol=1e-12)
        assert found[len(convolutions) + 1].shape[1] == 4


@cases
@activations
@pytest.mark.parametrize("intercept", [True, False])
def test_backward_is_the_gradient(image_shape, convolutions, activation, intercept):
    network, theta, X = build(image_shape, convolutions, activation, intercept)
    residual = np.random.default_rng(1).standard_normal((len(X), 2))
    layers = network.layers(theta)
    found = np.full(network.n_parameters, np.nan)
    activations = network.forward(layers, X)
    residuals = network.backward(layers, activations, residual, network.layers(found))
    shapes = [(len(X), n) for n in network.sizes[1:]]
    assert [D.shape for D in residuals] == shapes

    def value(theta):
        return float((residual * network.forward(network.layers(theta), X)[-1]).sum())

    step, differences = 1e-6, np.empty_like(theta)
    for i in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        differences[i] = (value(up) - value(down)) / (2 * step)
    np.testing.assert_allclose(found, differences, rtol=1e-5, atol=1e-7)


@pytest.mark.torch
@cases
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_as_pytorch_has_it(image_shape, convolutions, activation):
    torch = pytest.importorskip("torch")
    network, theta, X = build(image_shape, convolutions, activation)
    residual = np.random.default_rng(1).standard_normal((len(X), 2))
    layers = network.layers(theta)
    activations = network.forward(layers, X)
    found = np.empty(network.n_parameters)
    network.backward(layers, activations, residual, network.layers(found))

    shape = (*image_shape, 1)[:3]
    a = torch.from_numpy(X).reshape(-1, *shape).permute(0, 3, 1, 2)
    channels, pieces, g = shape[2], [], getattr(torch, activation)
    for of, (W, b) in zip(convolutions, layers):
        W = torch.from_numpy(W.copy()).requires_grad_()
        b = torch.from_numpy(b.copy()).requires_grad_()
        pieces += [W, b]
        filters = W.reshape(*of.window, channels, of.n_filters).permute(3, 2, 0, 1)
        z = torch.nn.functional.conv2d(a, filters, b)
        a = torch.nn.functional.max_pool2d(g(z), of.pool)
        channels = of.n_filters
    a = a.permute(0, 2, 3, 1).reshape(len(X), -1)
    for i, (W, b) in enumerate(layers[len(convolutions) :]):
        W = torch.from_numpy(W.copy()).requires_grad_()
        b = torch.from_numpy(b.copy()).requires_grad_()
        pieces += [W, b]
        a = (g(a) if i else a) @ W + b
    (a * torch.from_numpy(residual)).sum().backward()
    np.testing.assert_allclose(activations[-1], a.detach(), rtol=1e-10, atol=1e-10)
    expected = torch.cat([of.grad.reshape(-1) for of in pieces])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_window_of_the_whole_picture_is_the_dense_layer():
    convolution = Convolution(3, window=(4, 5))
    network, theta, X = build((4, 5), [convolution])
    dense = Network((20, 3, 4, 2), "tanh")
    assert network.shapes == dense.shapes and network.sizes == dense.sizes
    for found, expected in zip(
        network.forward(network.layers(theta), X), dense.forward(dense.layers(theta), X)
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_of_places_that_are_alike_the_first_has_the_residual():
    layer = Windows((2, 2, 1), Convolution(1, window=1, pool=2))
    h, W = np.zeros((1, 4)), np.ones((1, 1))
    _, D = layer.examples(h, W, np.array([[3.0]]))
    assert D.ravel().tolist() == [3, 0, 0, 0]


def test_places_that_fill_no_square_are_left_out():
    layer = Windows((5, 4, 1), Convolution(1, window=(1, 1), pool=2))
    assert layer.picture == (2, 2, 1)
    h, W, D = np.arange(20.0)[None], np.ones((1, 1)), np.ones((1, 4))
    assert layer.pooled(layer.seen(h) @ W).tolist() == [[5, 7, 13, 15]]
    _, D = layer.examples(h, W, D)
    assert np.flatnonzero(D).tolist() == [5, 7, 13, 15]


def test_huge_numbers_stay_finite():
    network, theta, X = build((4, 5), [Convolution(3, pool=2)])
    layers = network.layers(1e200 * theta)
    with numbers_may_end():
        found = network.forward(layers, 1e200 * X, guarded=True)
    assert all(np.isfinite(a).all() for a in found)


def test_connected():
    layers = connected([18, Convolution(4, window=2), 7, 3], [3, 3, 2])
    assert [type(of) for of in layers] == [Windows, Dense, Dense]
    assert [of.shape for of in layers] == [(8, 4), (16, 7), (7, 3)]
    assert [of.n_out for of in layers] == [16, 7, 3]


@pytest.mark.parametrize(
    "sizes, image_shape, message",
    [
        ([9, Convolution(2), 3], None, "needs an image_shape"),
        ([9, 4, Convolution(2), 3], (3, 3), "nothing but other Convolutions below"),
        ([9, Convolution(2), 3], (3, 4), "of the 9 features"),
        ([9, 3], (2, 2), "of the 9 features"),
        ([9, Convolution(2), 3], (9,), "of the 9 features"),
        ([9, Convolution(2), 3], (9, 1, 1, 1), "of the 9 features"),
        ([9, Convolution(2), 3], (-3, -3), "of the 9 features"),
        ([9, Convolution(2), 3], (4.5, 2), "of the 9 features"),
        ([9, Convolution(2, window=4), 3], (3, 3), "larger than the picture"),
        ([9, Convolution(2, pool=2), 3], (3, 3), "larger than the picture"),
        ([9, Convolution(2), Convolution(2), 3], (3, 3), "larger than the picture"),
    ],
)
def test_what_does_not_fit(sizes, image_shape, message):
    with pytest.raises(ValueError, match=message):
        connected(sizes, image_shape)


@pytest.mark.parametrize(
    "given",
    [(0,), (2.0,), ("2",), (2, 0), (2, (3,)), (2, (3, 3, 3)), (2, (3, -1)), (2, 3, 0)],
)
def test_a_convolution_is_of_whole_numbers(given):
    with pytest.raises(ValueError, match="whole numbers > 0"):
        Convolution(*given)


def test_a_convolution_is_a_value():
    assert Convolution(2) == Convolution(2, 3) == Convolution(2, [3, 3], pool=1)
    assert Convolution(2) != Convolution(2, pool=2)
    assert len({Convolution(2), Convolution(2, (3, 3)), Convolution(3)}) == 2
    assert eval(repr(Convolution(2, 4, 2))) == Convolution(2, 4, 2)
    with pytest.raises(AttributeError):
        Convolution(2).pool = 3
