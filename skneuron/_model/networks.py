"""Networks side by side: the same shape and the same rows, parameters of their own.

A mini-batch is gathered once for all of them, and the products of its features with
their first layers are one: with the weights of all members next to each other, it is
the product of one layer with K times as many neurons.
"""

import copy

import numpy as np

from .likelihood import by_output, weighed
from .network import _column_sums, _product
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
        `Objective.parts` gives, for all members.
        """
        return _Batches(self, size)


class _Batches:
    """As `MiniBatches`, of all members.

    What the first layer computes of rows is (n_rows, n_members * n_neurons), as its
    product gives it; what others do, (n_members, n_rows, n_neurons).
    """

    def __init__(self, networks, size):
        self._networks = networks
        rows, shape, k = networks.rows, networks.network.sizes, networks.n_members
        self._room = Room(rows, size)
        self._gradient = np.empty(networks.n_parameters, rows.X.dtype)
        self._into = networks._views(self._gradient)
        first, *others = shape[1:]
        shapes = [(size, k * first), *((k, size, n) for n in others)]
        self._activations = [np.empty(shape, rows.X.dtype) for shape in shapes]
        self._below = [np.empty_like(a) for a in self._activations[:-1]]
        self._vector = self._layers = None

    def __call__(self, at, vector):
        networks = self._networks
        rows, shrink = networks.rows, networks._shrunk
        batch = self._room.take(rows, at)
        if vector is not self._vector:  # an epoch moves it in place
            self._vector, self._layers = vector, networks._views(vector)
        activations = self._forward(batch.X)
        # Operations in the order of `Objective.evaluate`: the same to the last bits.
        divisor = rows.total_weight * (batch.n_rows / rows.n_rows)
        values, residual = self._residuals(activations[-1], batch, divisor)
        self._backward(activations, residual)
        if shrink is not None:
            shrunk = shrink / divisor * vector
            self._gradient -= shrunk.astype(vector.dtype)
        return values, self._gradient

    def _by_member(self, array):
        """(n_members, n_rows, n_neurons) of what a first layer computed: a view."""
        n, k = len(array), self._networks.n_members
        return array.reshape(n, k, -1).transpose(1, 0, 2)

    def _forward(self, X):
        """Every layer's activations: X, and then (n_members, n_rows, n_neurons)."""
        n, activation = X.shape[0], self._networks.network.activation
        weights, intercepts = self._layers[0]
        z = _product(X, weights.reshape(len(weights), -1), self._activations[0][:n])
        if intercepts is not None:
            z += intercepts.reshape(-1)
        activations = [X]
        for (weights, intercepts), room in zip(self._layers[1:], self._activations[1:]):
            h = activation.value(z)
            if h.ndim == 2:
                h = self._by_member(h)
            activations.append(h)
            z = np.matmul(h, weights, out=room[:, :n])
            if intercepts is not None:
                z += intercepts[:, None]
        activations.append(self._by_member(z) if z.ndim == 2 else z)
        return activations

    def _residuals(self, logits, batch, divisor):
        """Log-likelihoods of the members, and dLL/dz over the divisor."""
        likelihood = self._networks.likelihood
        k, n, n_logits = logits.shape
        codes = np.concatenate([batch.codes] * k)
        z = logits.reshape(k * n, n_logits)
        log_prob, y_hat = likelihood.log_prob_and_y_hat(z, codes)
        residual = likelihood.residual(y_hat, codes).reshape(k, n, n_logits)
        residual = weighed(likelihood, batch.weights, residual)
        log_prob = log_prob.reshape(k, n, -1)
        if batch.weights is not None:
            log_prob *= by_output(batch.weights)
        residual /= divisor
        return log_prob.sum(axis=(1, 2), dtype=np.float64), residual

    def _backward(self, activations, residual):
        """The chain rule, as `Network.backward`'s, into views of the gradient."""
        network, n = self._networks.network, residual.shape[1]
        for i in reversed(range(1, len(self._layers))):
            h, (into_weights, into_intercepts) = activations[i], self._into[i]
            np.matmul(h.transpose(0, 2, 1), residual, out=into_weights)
            if into_intercepts is not None:
                np.sum(residual, axis=1, out=into_intercepts)
            room, weights = self._below[i - 1], self._layers[i][0].transpose(0, 2, 1)
            if i > 1:
                below = np.matmul(residual, weights, out=room[:, :n])
                residual = network.activation.times_slope(below, h)
            else:  # both as the first layer has them, without gaps
                flat, h = room[:n], self._activations[0][:n]
                np.matmul(residual, weights, out=self._by_member(flat))
                residual = network.activation.times_slope(flat, h)
        if residual.ndim == 3:
            residual = residual.transpose(1, 0, 2).reshape(n, -1)
        into_weights, into_intercepts = self._into[0]
        wide = into_weights.reshape(len(into_weights), -1)
        _product(activations[0].T, residual, wide)
        if into_intercepts is not None:
            _column_sums(residual, into_intercepts.reshape(-1))
