"""What mini-batches say of a network's parameters: batch after batch, in one room.

A step of a small batch is a few products of small matrices. Everything else that it
takes, memory and views and checks, is seen to once, before the first.
"""

import numpy as np

from .likelihood import weighed
from .room import Room

#: Larger batches are no mini-batches: they are read in place, block by block.
MOST_BYTES = 1 << 25


class MiniBatches:
    """What :meth:`Objective.parts` gives, of batches of rows on the host.

    Parameters
    ----------
    objective : Objective
        Of all rows.
    size : int
        Rows in the largest batch.
    whole_penalty : bool
        Whether each batch bears the whole penalty, or its share by rows.
    """

    def __init__(self, objective, size, whole_penalty):
        self._objective, self._whole_penalty = objective, whole_penalty
        network, dtype = objective.network, objective.rows.dtype
        self._room = Room(objective.rows, size)
        self._activations = [np.empty((size, n), dtype) for n in network.sizes[1:]]
        self._below = [np.empty_like(a) for a in self._activations[:-1]]
        self._gradient = np.empty(network.n_parameters, dtype)
        self._into = network.layers(self._gradient)
        self._theta = self._layers = None

    @staticmethod
    def are_large(objective, size):
        """Whether a batch would need more than is good to keep."""
        n_in, *sizes = objective.network.sizes
        numbers = size * (n_in + 2 * sum(sizes))
        return numbers * objective.rows.dtype.itemsize > MOST_BYTES

    def __call__(self, at, theta):
        """The log-likelihood of rows at `at`, and the gradient of their objective.

        Parameters
        ----------
        at : int array or slice
        theta : array of shape (n_parameters,)

        Returns
        -------
        log_likelihood : float
            Total, weighted, without the penalty.
        gradient : array of shape (n_parameters,)
            Valid until the next call; may be overwritten.
        """
        objective = self._objective
        network, likelihood = objective.network, objective.likelihood
        batch = self._room.take(objective.rows, at)
        layers, n = self._layers_at(theta), batch.n_rows
        out = [room[:n] for room in self._activations]
        activations = network.forward(layers, batch.X, out=out)
        codes, weights = batch.codes, batch.weights
        total, y_hat = likelihood.sum_and_y_hat(activations[-1], codes, weights)
        residual = weighed(likelihood, weights, likelihood.residual(y_hat, codes))
        divisor = objective.divisor_of(n)
        residual /= divisor
        below = [room[:n] for room in self._below]
        network.backward(layers, activations, residual, self._into, out=below)
        gradient = self._gradient.astype(theta.dtype, copy=False)
        if objective.l2:
            l2 = objective.l2_of(n, self._whole_penalty)
            gradient -= ((l2 / divisor) * objective.shrunk * theta).astype(theta.dtype)
        return float(total), gradient

    def _layers_at(self, theta):
        """Views into theta; an epoch, which moves it in place, needs them once."""
        if theta.dtype != self._gradient.dtype:
            return self._objective.network.layers(theta.astype(self._gradient.dtype))
        if theta is not self._theta:
            self._theta = theta
            self._layers = self._objective.network.layers(theta)
        return self._layers
