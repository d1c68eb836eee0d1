"""Networks side by side: the same shape and the same rows, parameters of their own.

A mini-batch is gathered once for all of them, and the products of its features with
their first layers are one: with the weights of all members next to each other, it is
the product of one layer with K times as many neurons.
"""

import copy

import numpy as np

from .likelihood import weighed
from .room import Room


class Networks:
    """The penalised log-likelihoods of K networks, as functions of one flat vector.

    In it lie, layer by layer, the weights of all members and then their intercepts:
    those of the first layer as (n_in, K, n_out), of others as (K, n_in, n_out), and
    intercepts as (K, n_out).

    Parameters
    ----------
    network : Network
        Every member's shape.
    likelihood : Bernoulli, Categorical or Joint
    rows : Rows
    l2 : array of shape (K,)
        Strengths of the penalties on the weights.
    """

    def __init__(self, network, likelihood, rows, l2):
        self.network, self.likelihood, self.rows = network, likelihood, rows
        self._of(l2)

    def _of(self, l2):
        self.l2, self.n_members = l2, len(l2)
        self.n_parameters = self.n_members * self.network.n_parameters
        mask = np.tile(self.network.weight_mask(), (self.n_members, 1))
        self._shrunk = self.join(mask * l2[:, None]) if np.any(l2) else None

    def keeping(self, members):
        """The same of some of the members: an index array."""
        other = copy.copy(self)
        other._of(self.l2[members])
        return other

    def _views(self, vector):
        """A list of (W, b) of all members: views into a flat vector."""
        k, first, end, views = self.n_members, True, 0, []
        for n_in, n_out in zip(self.network.sizes, self.network.sizes[1:]):
            start, end = end, end + k * n_in * n_out
            shape = (n_in, k, n_out) if first else (k, n_in, n_out)
            weights, intercepts = vector[start:end].reshape(shape), None
            if self.network.fit_intercept:
                start, end = end, end + k * n_out
                intercepts = vector[start:end].reshape(k, n_out)
            views.append((weights, intercepts))
            first = False
        return views

    def _members(self, vector):
        """The same views, with the members along the first axis."""
        (weights, intercepts), *rest = self._views(vector)
        return [(weights.transpose(1, 0, 2), intercepts), *rest]

    def join(self, thetas):
        """The flat vector of (n_members, network.n_parameters)."""
        vector = np.empty(self.n_parameters, thetas.dtype)
        for at, theta in enumerate(thetas):
            for (all_w, all_b), (w, b) in zip(
                self._members(vector), self.network.layers(theta), strict=True
            ):
                all_w[at] = w
                if b is not None:
                    all_b[at] = b
        return vector

    def split(self, vector):
        """The inverse of :meth:`join`."""
        layers = self._members(vector)
        return np.stack(
            [
                self.network.flatten([(w[at], b is None or b[at]) for w, b in layers])
                for at in range(self.n_members)
            ]
        )

    def spread(self, values):
        """A flat vector with a number for each member at its parameters."""
        ones = np.ones(self.network.n_parameters)
        return self.join(np.multiply.outer(values, ones))

    def penalties(self, vector):
        """``sum(l2 theta^2) / 2`` of each member, (n_members,)."""
        if self._shrunk is None:
            return np.zeros(self.n_members)
        squares = 0.5 * self._shrunk * vector.astype(np.float64) ** 2
        return self.split(squares).sum(axis=1)

    def parts(self, size):
        """A function that gives, of the rows at an index array, what they say.

        It takes the flat vector, too, and returns the total log-likelihoods,
        (n_members,), and the gradient of the objectives, the penalties whole: what
        `Objective.part` gives, for all members. The gradient is valid until the next
        call, and may be overwritten.
        """
        rows = self.rows
        room = Room(rows, size)
        gradient = np.empty(self.n_parameters, rows.X.dtype)
        shrink = self._shrunk

        def part(at, vector):
            batch = room.take(rows, at)
            layers = self._views(vector)
            activations = self._forward(layers, batch.X)
            logits = activations[-1]
            # Operations in the order of `Objective.evaluate`: the same to the last bit.
            divisor = rows.total_weight * (batch.n_rows / rows.n_rows)
            values, residual = self._residuals(logits, batch, divisor)
            self._backward(layers, activations, residual, self._views(gradient))
            if shrink is not None:
                shrunk = shrink / divisor * vector
                np.subtract(gradient, shrunk.astype(vector.dtype), out=gradient)
            return values, gradient

        return part

    def _forward(self, layers, X):
        """Every layer's activations: X, and then (n_members, n_rows, n_neurons)."""
        activations = [X]
        for i, (weights, intercepts) in enumerate(layers):
            if i == 0:
                z = X @ weights.reshape(len(weights), -1)
                if intercepts is not None:
                    z += intercepts.reshape(-1)
                z = z.reshape(len(z), self.n_members, -1).transpose(1, 0, 2)
            else:
                activations[-1] = self.network.activation.value(activations[-1])
                z = activations[-1] @ weights
                if intercepts is not None:
                    z += intercepts[:, None]
            activations.append(z)
        return activations

    def _residuals(self, logits, batch, divisor):
        """Log-likelihoods of the members, and dLL/dz over the divisor."""
        k, n, n_logits = logits.shape
        codes = np.tile(batch.codes, (k, 1))
        z = logits.reshape(k * n, n_logits)
        log_prob, y_hat = self.likelihood.log_prob_and_y_hat(z, codes)
        residual = self.likelihood.residual(y_hat, codes)
        log_prob, residual = weighed(
            self.likelihood,
            batch.weights,
            log_prob.reshape(k, n, -1),
            residual.reshape(k, n, n_logits),
        )
        residual /= divisor
        return log_prob.sum(axis=(1, 2), dtype=np.float64), residual

    def _backward(self, layers, activations, residual, views):
        """The chain rule, as `Network.backward`'s, into views of the gradient."""
        for i in reversed(range(len(layers))):
            h, (into_weights, into_intercepts) = activations[i], views[i]
            if into_intercepts is not None:
                into_intercepts[...] = residual.sum(axis=1)
            if i > 0:
                np.matmul(h.transpose(0, 2, 1), residual, out=into_weights)
                below = residual @ layers[i][0].transpose(0, 2, 1)
                residual = self.network.activation.times_slope(below, h)
            else:
                wide = residual.transpose(1, 0, 2).reshape(h.shape[0], -1)
                into_weights.reshape(len(into_weights), -1)[...] = h.T @ wide
