"""The network: layers ``a = g(h W + b)``, forward and, by the chain rule, backward.

Logistic regression is the network with no hidden layer. Its gradient,
``X^T (y - y_hat)``, is the last line of :meth:`Network.backward`; there is no other.

All parameters are one flat vector `theta`; a layer's weights W, (n_in, n_out), and
then its intercepts b, (n_out,), are views into it. W and b together are therefore one
C-ordered matrix of shape (n_in + 1, n_out). What a neuron sees of h, and what is kept
of its sums, is its layer's matter.
"""

import numpy as np

from .._arrays import array_namespace, is_sparse, largest_size
from .activations import ACTIVATIONS
from .layers import connected


class Network:
    """Layers with a linear last one, whose output is the logits.

    Parameters
    ----------
    sizes : sequence of int or Convolution
        Neurons in every layer: inputs, hidden layers (any number), logits.
    activation : {"identity", "logistic", "tanh", "relu"}, default="logistic"
        g of the hidden layers.
    fit_intercept : bool, default=True
        Whether a layer has b.
    image_shape : sequence of int, default=None
        See :func:`connected`.
    """

    def __init__(
        self, sizes, activation="logistic", fit_intercept=True, image_shape=None
    ):
        self.kinds = connected(sizes, image_shape)
        #: Of every layer's W.
        self.shapes = [kind.shape for kind in self.kinds]
        #: Activations of a row, in every layer.
        self.sizes = int(sizes[0]), *(kind.n_out for kind in self.kinds)
        #: What is computed from a row on the way forward.
        self.n_numbers = sum(kind.n_numbers for kind in self.kinds)
        self.activation = ACTIVATIONS[activation]
        self.fit_intercept = fit_intercept
        #: Whether nothing is hidden: logistic regression.
        self.is_one_layer = len(self.sizes) == 2
        counts = [(n_in + fit_intercept) * n_out for n_in, n_out in self.shapes]
        self.n_parameters = sum(counts)

    def layers(self, theta):
        """Named views into theta: a list of (W, b); b is None without intercepts."""
        layers, start, reshape = [], 0, array_namespace(theta).reshape
        for n_in, n_out in self.shapes:
            middle = start + n_in * n_out
            weights = reshape(theta[start:middle], (n_in, n_out))
            start = middle + n_out * self.fit_intercept
            intercepts = theta[middle:start] if self.fit_intercept else None
            layers.append((weights, intercepts))
        return layers

    def flatten(self, layers):
        """The flat vector of a list of (W, b): the inverse of :meth:`layers`."""
        xp = array_namespace(layers[0][0])
        parts = [of for layer in layers for of in layer[: 1 + self.fit_intercept]]
        return xp.concat([xp.reshape(part, (-1,)) for part in parts])

    def random_start(self, rng):
        """Random weights, so that hidden neurons of a layer come to differ.

        Uniform, with the deviation ``gain / sqrt(n_in)`` that gives each neuron's z a
        deviation of `gain` on features of deviation 1 (LeCun et al., *Efficient
        BackProp*, 1998, section 4.6), with the activation's own gains. Intercepts of
        hidden neurons deviate by a half: with none, neurons are odd functions, and see
        nothing of an even one. The last layer starts near 0, as logistic regression
        does at 0.
        """
        theta = np.zeros(self.n_parameters)
        layers = self.layers(theta)
        gains = [self.activation.gain, *[self.activation.inner_gain] * len(layers)]
        gains[len(layers) - 1] = 0.1
        for gain, (weights, _) in zip(gains, layers):
            weights[...] = _uniform(rng, gain / np.sqrt(len(weights)), weights.shape)
        for _, intercepts in layers[:-1]:
            if intercepts is not None:
                intercepts[...] = _uniform(rng, 0.5, intercepts.shape)
        return theta

    def forward(self, layers, X, *, guarded=False):
        """Every layer's activations.

        Parameters
        ----------
        layers : list of (W, b)
        X : array or sparse matrix of shape (n_rows, n_features)
        guarded : bool, default=False
            Give finite activations for every finite input, however large.

        Returns
        -------
        activations : list of arrays
            X, each hidden layer's a (n_rows, n_neurons), and last the logits.
        """
        activations, h = [X], X
        for i, (weights, intercepts) in enumerate(layers):
            if i > 0:
                activations[i] = h = self.activation.value(activations[i])
            h = self.kinds[i].seen(h)
            z = h @ weights
            if intercepts is not None:
                z += intercepts
            if guarded and not largest_size(z) <= _largest_logit(z):  # NaN too
                z = _affine_of_huge(h, weights, intercepts)
            activations.append(self.kinds[i].pooled(z))
        return activations

    def backward(self, layers, activations, residual, gradient):
        """The gradient of the log-likelihood in every parameter, by the chain rule.

        With D = dLL/dz of a layer (for the last, the residual ``w (y - y_hat)``)::

            dLL/dW = h^T D      dLL/db = sum D      D below = (D W^T) * g'(h)

        Parameters
        ----------
        layers, activations : as :meth:`forward` takes and gives them
        residual : array of shape (n_rows, n_logits)
        gradient : list of (W, b)
            Where it is put.

        Returns
        -------
        residuals : list of arrays of shape (n_rows, n_neurons)
            D of every layer.
        """
        residuals = [residual]
        for i in reversed(range(len(layers))):
            a, (into_weights, into_intercepts) = activations[i], gradient[i]
            weights, _ = layers[i]
            h, D = self.kinds[i].examples(a, weights, residual)
            into_weights[...] = h.T @ D
            if into_intercepts is not None:
                into_intercepts[...] = array_namespace(D).sum(D, axis=0)
            if i > 0:
                residual = self.kinds[i].below(D @ weights.T)
                residual = self.activation.times_slope(residual, a)
                residuals.insert(0, residual)
        return residuals

    def curvature(self, X, weights):
        """``X1^T diag(w) X1``, for each pair of logits.

        For a network with no hidden layer; X1 is X and, with intercepts, a column of 1.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_rows, n_features)
        weights : dict of (a, c) to array of shape (n_rows,)

        Returns
        -------
        sums : dict of (a, c) to array of shape (n_in + 1, n_in + 1)
            n_in in place of n_in + 1 without intercepts.
        """
        if is_sparse(X):
            X = X.toarray()  # some times as fast to multiply with itself
        xp = array_namespace(X)
        X = xp.concat([X, xp.ones_like(X[:, : int(self.fit_intercept)])], axis=1)
        return {pair: X.T @ (w[:, None] * X) for pair, w in weights.items()}


def _uniform(rng, deviation, shape):
    bound = np.sqrt(3.0) * deviation
    return rng.uniform(-bound, bound, shape)


def _affine_of_huge(h, weights, intercepts):
    """``h W + b`` where that overflows: cut off at the largest numbers, never NaN."""
    xp, limit = array_namespace(weights), _largest_logit(weights)
    unit, weight_unit = largest_size(h) or 1.0, largest_size(weights) or 1.0
    z = (h / unit) @ (weights / weight_unit)
    z = xp.astype(z, weights.dtype, copy=False) * unit * weight_unit
    if intercepts is not None:
        z += xp.clip(intercepts, -limit, limit)
    return xp.clip(z, -limit, limit)


def _largest_logit(array):
    """Small enough that differences and sums of a few are finite."""
    return float(array_namespace(array).finfo(array.dtype).max) / 8
