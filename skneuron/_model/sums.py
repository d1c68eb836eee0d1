"""What rows give of each sum over the examples: log-likelihood, gradient, curvature."""

from dataclasses import dataclass, field

import numpy as np

from .. import _kernels
from .._arrays import array_namespace, beside, is_elsewhere, is_numpy, like, to_host


@dataclass
class Sums:
    """What some rows give of each sum over the examples; ``+`` puts rows together.

    Attributes
    ----------
    log_likelihood : float
    gradient : array of shape (n_parameters,)
    pairs : dict
        Of the curvature, as :meth:`Network.add_curvature` has them.
    """

    log_likelihood: float
    gradient: np.ndarray
    pairs: dict = field(default_factory=dict)

    def __add__(self, other):
        log_likelihood = self.log_likelihood + other.log_likelihood
        pairs = {pair: of + other.pairs[pair] for pair, of in self.pairs.items()}
        return Sums(log_likelihood, self.gradient + other.gradient, pairs)


def sums_over_rows(network, likelihood, theta, divisor, rows, *, curvature):
    """Log-likelihood, its gradient divided by `divisor`, and curvature: block by block.

    Parameters
    ----------
    network : Network
    likelihood : Bernoulli, Categorical or Joint
    theta : array of shape (n_parameters,)
        Sums over blocks are kept in its float type. It is on the host or beside the
        rows, and so are the sums.
    divisor : float
    rows : Rows
    curvature : bool

    Returns
    -------
    sums : Sums
    """
    if is_numpy(theta):
        total = _compiled(network, likelihood, theta, rows, 1 + curvature)
        if total is not None:
            gradient = total.gradient / divisor
            total.gradient = gradient.astype(theta.dtype, copy=False)
            return total
    there, xp = beside(theta, rows.X), array_namespace(rows.X)
    layers, total = network.layers(like(there, rows.X)), None
    for block in rows.blocks(2 * network.n_numbers):
        activations, pairs = network.forward(layers, block.X), {}
        logits, w = activations[-1], block.weights
        if curvature:
            by_pair = likelihood.couplings(logits)
            if w is not None:
                each = xp.broadcast_to(likelihood.per_logit(w), logits.shape)
                by_pair = {(a, c): each[:, a] * by_pair[a, c] for a, c in by_pair}
            network.add_curvature(pairs, block.X, by_pair)
        value, residual = likelihood.sum_and_residual(logits, block.codes, w)
        residual /= divisor
        slope = xp.empty(network.n_parameters, dtype=logits.dtype, device=logits.device)
        network.backward(layers, activations, residual, network.layers(slope))
        share = Sums(value, xp.astype(slope, there.dtype, copy=False), pairs)
        total = share if total is None else total + share
    if is_numpy(theta):  # once for all blocks, as this waits for them
        pairs = {pair: to_host(whole) for pair, whole in total.pairs.items()}
        gradient = like(total.gradient, theta)
        total = Sums(float(total.log_likelihood), gradient, pairs)
    return total


def _compiled(network, likelihood, theta, rows, order):
    """The sums, with so many derivatives, by the compiled core; None: it cannot.

    A curvature is that of a network without hidden layers.
    """
    if network.is_one_layer:
        passes = rows.passes(likelihood, network.fit_intercept)
        if passes is None:
            return None
        wanted = {"gradients": order > 0, "curvature": order > 1}
        total = None
        for sums_at in passes:
            (value,), gradient, pairs = sums_at(theta, **wanted)
            share = Sums(float(value), gradient if order else 0.0, pairs)
            total = share if total is None else total + share
        return total
    read = rows.in_place()
    if read[0] is None or len(rows.spans) > 1:
        return None
    given = read, rows, likelihood, network, theta, order > 0
    return Sums(*_kernels.network_sums(*given))


def log_likelihood(network, likelihood, layers, rows, *, guarded=False):
    """The total, weighted log-likelihood of rows that a network's layers give."""
    if not is_elsewhere(layers[0][0]):
        found = _compiled(network, likelihood, network.flatten(layers), rows, 0)
        if found is not None and (np.isfinite(found.log_likelihood) or not guarded):
            return found.log_likelihood
    total = 0.0
    for block in rows.blocks(2 * network.n_numbers):
        logits = network.forward(layers, block.X, guarded=guarded)[-1]
        total += likelihood.total(logits, block.codes, block.weights)
    return float(total)
