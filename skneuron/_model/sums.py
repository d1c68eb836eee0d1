"""What rows give of each sum over the examples: log-likelihood, gradient, curvature."""

from dataclasses import dataclass, field

import numpy as np

from .. import _kernels
from .._arrays import array_namespace, beside, is_elsewhere, is_numpy, like, to_host
from .likelihood import by_logit


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
        return Sums(
            self.log_likelihood + other.log_likelihood,
            self.gradient + other.gradient,
            {pair: self.pairs[pair] + other.pairs[pair] for pair in self.pairs},
        )


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
    passes = None
    if network.is_one_layer and is_numpy(theta):
        passes = rows.passes(likelihood, network.fit_intercept)
    if passes is not None:
        total = None
        for sums_at in passes:
            (value,), gradient, pairs = sums_at(theta, curvature=curvature)
            share = Sums(float(value), gradient, pairs)
            total = share if total is None else total + share
        gradient = total.gradient / divisor
        total.gradient = gradient.astype(theta.dtype, copy=False)
        return total
    if is_numpy(theta) and not curvature:
        found = _compiled_network(network, likelihood, theta, rows, gradients=True)
        if found is not None:
            return Sums(found[0], (found[1] / divisor).astype(theta.dtype, copy=False))
    there, xp = beside(theta, rows.X), array_namespace(rows.X)
    layers, dtype = network.layers(like(there, rows.X)), there.dtype
    total, gradient, sums = 0.0, None, {}
    for block in rows.blocks(2 * sum(network.sizes[1:])):
        activations = network.forward(layers, block.X)
        logits, w = activations[-1], block.weights
        if curvature:
            pairs = likelihood.couplings(logits)
            if w is not None:
                each = by_logit(likelihood, w)
                pairs = {
                    (a, c): each[:, a if each.shape[1] > 1 else 0] * value
                    for (a, c), value in pairs.items()
                }
            network.add_curvature(sums, block.X, pairs)
        some, residual = likelihood.sum_and_residual(logits, block.codes, w)
        total += some
        residual /= divisor
        share = xp.empty(network.n_parameters, dtype=logits.dtype, device=logits.device)
        network.backward(layers, activations, residual, network.layers(share))
        if share.dtype != dtype:
            share = xp.astype(share, dtype)
        gradient = share if gradient is None else gradient + share
    if not is_numpy(theta):
        return Sums(total, gradient, sums)
    # Once for all blocks, as this waits for them.
    sums = {pair: to_host(whole) for pair, whole in sums.items()}
    return Sums(float(total), like(gradient, theta), sums)


def _compiled_network(network, likelihood, theta, rows, *, gradients):
    """Log-likelihood and gradient of a network; None: no kernel can read the rows."""
    X, places = rows.in_place()
    if X is None or len(rows.spans) > 1:
        return None
    return _kernels.network_sums(
        X,
        rows.codes,
        likelihood,
        network,
        theta.astype(rows.dtype, copy=False),
        places=places,
        gradients=gradients,
        weights=rows.weights,
        centre=rows.inverse_centre(),
    )


def log_likelihood(network, likelihood, layers, rows, *, guarded=False):
    """The total, weighted log-likelihood of rows that a network's layers give."""
    passes = None
    if network.is_one_layer:
        passes = rows.passes(likelihood, network.fit_intercept)
    if passes is not None:
        theta = network.flatten(layers)
        values = [sums_at(theta, gradients=False)[0][0] for sums_at in passes]
        if np.isfinite(sum(values)) or not guarded:
            return float(sum(values))
    elif not is_elsewhere(layers[0][0]):
        theta = network.flatten(layers)
        found = _compiled_network(network, likelihood, theta, rows, gradients=False)
        if found is not None and (np.isfinite(found[0]) or not guarded):
            return found[0]
    total = 0.0
    for block in rows.blocks(2 * sum(network.sizes[1:])):
        logits = network.forward(layers, block.X, guarded=guarded)[-1]
        total += likelihood.total(logits, block.codes, block.weights)
    return float(total)
