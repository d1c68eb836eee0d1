"""What rows give of each sum over the examples: log-likelihood, gradient, curvature."""

from dataclasses import dataclass, field
from fractions import Fraction
from operator import mul

import numpy as np
from scipy.linalg import qr

from .. import _kernels
from .._arrays import array_namespace, beside, is_elsewhere, is_numpy, like, to_host

#: Rows that tell whether a feature lies far from 0, so many times as they differ; and
#: the terms of a logit that this makes too large for its digits.
SOME, FAR, LARGE = 32, 8.0, 1e3


@dataclass
class Sums:
    """What some rows give of each sum over the examples; ``+`` puts rows together.

    Attributes
    ----------
    log_likelihood : float
    gradient : array of shape (n_parameters,)
    pairs : dict
        Of the curvature, as :meth:`Network.curvature` has them.
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
            pairs = network.curvature(block.X, by_pair)
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


def after_steps(network, likelihood, rows, theta, shrunk, divisor, rules):
    """Where compiled steps of Newton's lead, the sums there, and the places before.

    None where there are no such steps. `rules` are a question's, `shrunk` the
    penalty's, and sums are divided as in :func:`sums_over_rows`.
    """
    passes = None
    if rows.lie_here and theta.dtype == rows.dtype == np.float64:
        passes = rows.passes(likelihood, network.fit_intercept)
    if not isinstance(passes, list):
        return None
    passed, gradient, pairs = passes[0].newton(theta, shrunk, divisor, rules)
    theta, log_likelihood, _ = passed.pop()
    return theta, Sums(log_likelihood, gradient / divisor, pairs), passed


def _by_block(network, likelihood, rows, n_numbers, theta, *matrices):
    """Yield of blocks of rows: themselves, codes, weights, and inputs times matrices.

    In float64, on the host; weights by logit, (n_rows or 1, n_logits). `theta` and
    `matrices` are of the shape (n_inputs, any), of a network without hidden layers.
    """
    ends = np.cumsum([theta.shape[1], *(of.shape[1] for of in matrices)])[:-1]
    for block, products in rows.products(np.hstack([theta, *matrices]), n_numbers):
        w = np.ones((1, theta.shape[1]))
        if block.weights is not None:
            w = w * likelihood.per_logit(to_host(block.weights).astype(np.float64))
        products = to_host(products).astype(np.float64, copy=False)
        yield block, to_host(block.codes), w, *np.split(products, ends, axis=1)


def _inputs(network, rows):
    """What the weights, and intercepts, multiply: in float64, on the host."""
    X = to_host(rows.X if rows.is_dense else rows.X.toarray()).astype(np.float64)
    return np.pad(X, [(0, 0), (0, network.fit_intercept)], constant_values=1.0)


def curvature_roots(network, likelihood, theta, along, rows):
    """Triangular R of each block of the curvature, ``R^T R``, block by block of rows.

    They are those of ``QR = sqrt(curvature) X1 along``, of some rows beneath the R of
    all before these. The curvature itself has the square of their condition. `along`
    has a direction of each block, (n_inputs, block's logits); None: all directions.
    """
    total = [None] * len(likelihood.blocks)
    wide, sides = 4 * likelihood.coupled**2 * (1 if along else len(theta)), along or []
    of_blocks = _by_block(network, likelihood, rows, wide, theta, *sides)
    for block, _, w, z, *moved in of_blocks:
        inputs = None if along else _inputs(network, block)[:, None, :, None]
        for i, (of, root) in enumerate(zip(likelihood.blocks, likelihood.roots(z))):
            root = root * np.sqrt(w[:, of.start, None, None])
            if along:
                share = (root @ moved[i][:, :, None]).reshape(-1, 1)
            else:
                share = (inputs * root[:, :, None, :]).reshape(-1, len(theta) * len(of))
            total[i] = share if total[i] is None else np.vstack([total[i], share])
            if len(total[i]) > 5 * total[i].shape[1]:
                total[i] = _triangular(total[i])
    return [_triangular(rows) for rows in total]


def _triangular(rows):
    """R of ``QR = rows``; by SciPy's BLAS, which keeps to one thread."""
    return qr(rows, mode="r", check_finite=False)[0][: rows.shape[1]]


def rounding_errors(network, likelihood, theta, rows):
    """The sizes of all that is rounded in the sums of a gradient, (n_inputs, n_logits).

    That is the terms, and the logits' own terms as far as they change these.
    """
    total = 0.0
    blocks = _by_block(network, likelihood, rows, 4 * theta.size, theta)
    for block, codes, w, z in blocks:
        sizes, moved = np.abs(_inputs(network, block)), likelihood.couplings(z)
        of_logits = sizes @ np.abs(theta)
        terms = np.abs(likelihood.residual(z, codes))
        for of in likelihood.blocks:
            each = of_logits[:, of].sum(axis=1)
            for a in of:
                terms[:, a] += moved[a, a] * each
        total += sizes.T @ (w * terms)
    return total


def stacked(some, others):
    """The triangular roots of the rows of both."""
    both = zip(some, others)
    return [_triangular(np.concatenate(of)) for of in both]


def log_likelihood(network, likelihood, layers, rows, *, guarded=False):
    """The total, weighted log-likelihood of rows that a network's layers give."""
    layers, rows = _about_a_row(layers, rows)
    if not is_elsewhere(layers[0][0]):
        found = _compiled(network, likelihood, network.flatten(layers), rows, 0)
        if found is not None and (np.isfinite(found.log_likelihood) or not guarded):
            return found.log_likelihood
    total = 0.0
    for block in rows.blocks(2 * network.n_numbers):
        logits = network.forward(layers, block.X, guarded=guarded)[-1]
        total += likelihood.total(logits, block.codes, block.weights)
    return float(total)


def _about_a_row(layers, rows):
    """Layers and rows of the same logits, where features lie far from 0.

    There the terms of a logit cancel. Less those of one of the rows they are small, and
    that row's logits, the intercepts to come, are summed exactly.
    """
    (W, b), X, n_rows = layers[0], rows.X, rows.X.shape[0]
    whole = rows.lie_here and rows.n_rows == n_rows > 0
    plain = whole and rows.is_dense and rows.centre is None
    if not (plain and is_numpy(W) and b is not None and len(W) == X.shape[1]):
        return layers, rows
    some = to_host(X[:SOME]).astype(np.float64)
    far = np.abs(some[0]) > FAR * np.ptp(some, axis=0)
    if not np.abs(some[0, far, None] * W[far]).max(initial=0.0) > LARGE:
        return layers, rows
    if not all(np.isfinite(of).all() for of in (some[0], W, b)):
        return layers, rows
    x = [*map(Fraction, some[0].tolist()), 1]
    exact = [sum(map(mul, x, map(Fraction, of))) for of in np.vstack([W, b]).T.tolist()]
    if max(map(abs, exact)) > float(np.finfo(rows.dtype).max):
        return layers, rows
    at_the_row = W, np.array(exact, dtype=rows.dtype)
    return [at_the_row, *layers[1:]], rows.centred(some[0], np.ones(len(W)))
