"""What rows give of each sum over the examples: log-likelihood, gradient, curvature."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from operator import add, mul

import numpy as np
from scipy.linalg import qr

from .. import _kernels
from .._arrays import adjoint, array_namespace, beside, is_numpy, like, to_host
from .coordinates import FEW
from .likelihood import Likelihood, by_output

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
    gradient: np.ndarray | float = 0.0
    pairs: dict = field(default_factory=dict)

    def __add__(self, other):
        log_likelihood = self.log_likelihood + other.log_likelihood
        pairs = {pair: of + other.pairs[pair] for pair, of in self.pairs.items()}
        return Sums(log_likelihood, self.gradient + other.gradient, pairs)


def over_rows(network, likelihood, theta, divisor, rows, *, order=1, guarded=False):
    """Log-likelihood, its gradient divided by `divisor`, and curvature: block by block.

    Parameters
    ----------
    network : Network
    likelihood : Likelihood
    theta : array of shape (n_parameters,)
        Sums over blocks are kept in its float type. It is on the host or beside the
        rows, and so are the sums.
    divisor : float
    rows : Rows
    order : {0, 1, 2}
        How many derivatives; a curvature is that of a network without hidden layers.
    guarded : bool, default=False
        As :meth:`Network.forward` takes it, where sums are not finite.

    Returns
    -------
    sums : Sums
    """
    if is_numpy(theta):
        total = _compiled(network, likelihood, theta, rows, order)
        if total is not None and (not guarded or np.isfinite(total.log_likelihood)):
            if order:
                gradient = total.gradient / divisor
                total.gradient = gradient.astype(theta.dtype, copy=False)
            return total
    there, xp = beside(theta, rows.X), array_namespace(rows.X)
    layers = network.layers(like(there, rows.X))

    def share(block):
        activations, pairs = network.forward(layers, block.X, guarded=guarded), {}
        z, codes, w = activations[-1], block.codes, block.weights
        if not order:
            return Sums(likelihood.total(z, codes, w))
        if order > 1:
            pairs = network.curvature(block.X, likelihood.couplings(z, w))
        slope = xp.empty(network.n_parameters, dtype=z.dtype, device=z.device)
        value, residual = likelihood.sum_and_residual(z, codes, w)
        residual /= divisor
        network.backward(layers, activations, residual, network.layers(slope))
        return Sums(value, xp.astype(slope, there.dtype, copy=False), pairs)

    total = reduce(add, map(share, rows.blocks(2 * network.n_numbers)))
    if is_numpy(theta):  # once for all blocks, as this waits for them
        pairs = {pair: to_host(whole) for pair, whole in total.pairs.items()}
        gradient = like(total.gradient, theta) if order else 0.0
        total = Sums(float(total.log_likelihood), gradient, pairs)
    return total


def _compiled(network, likelihood, theta, rows, order):
    """The sums, with so many derivatives, by the compiled core; None: it cannot."""
    if network.is_one_layer:
        passes = rows.passes(likelihood, network.fit_intercept)
        wanted = {"gradients": order > 0, "curvature": order > 1}

        def share(sums_at):
            (value,), gradient, pairs = sums_at(theta, **wanted)
            return Sums(float(value), gradient if order else 0.0, pairs)

        return None if passes is None else reduce(add, map(share, passes))
    read = rows.in_place()
    if read[0] is None or len(rows.spans) > 1:
        return None
    given = read, rows, likelihood, network, theta, order > 0
    return Sums(*_kernels.network_sums(*given))


def after_steps(network, likelihood, rows, theta, shrunk, divisor, rules):
    """Where compiled steps of Newton's lead, the sums there, and the places before.

    None where there are no such steps. `rules` are a question's, `shrunk` the
    penalty's, and sums are divided as in :func:`over_rows`.
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


def curvature_roots(network, likelihood, theta, directions, rows):
    """Triangular R of each block of the curvature, ``R^T R``, block by block of rows.

    They are those of ``QR = sqrt(curvature) X1 directions``, of some rows beneath the R
    of all before these. The curvature itself has the square of their condition.
    `directions` are of each block: (parameters, any).
    """
    total = [None] * len(likelihood.blocks)
    by_input = [sides.reshape(len(theta), -1) for sides in directions]
    n_numbers = 4 * likelihood.coupled * sum(sides.shape[1] for sides in by_input)
    of_blocks = _by_block(network, likelihood, rows, n_numbers, theta, *by_input)
    for _, _, w, z, *moved in of_blocks:
        for i, (of, root) in enumerate(zip(likelihood.blocks, likelihood.roots(z))):
            root = root * np.sqrt(w[:, of.start, None, None])
            share = root @ moved[i].reshape(len(z), len(of), -1)
            share = share.reshape(-1, share.shape[2])
            total[i] = share if total[i] is None else np.vstack([total[i], share])
            if len(total[i]) > 5 * total[i].shape[1]:
                total[i] = _triangular(total[i])
    return Roots(map(_triangular, total))


class Roots(list):
    """Triangular roots of blocks; ``+`` puts those of more rows, or rows, beneath."""

    def __add__(self, others):
        return Roots(_triangular(np.concatenate(both)) for both in zip(self, others))


def squares(network, rows):
    """``X1^T diag(w) X1``, w the rows' largest weights."""
    n = network.sizes[0] + network.fit_intercept
    if np.ndim(rows.weights) < 2:
        found = _compiled(network, Likelihood([0]), np.zeros((n, 1)), rows, 2)
        if found is not None:
            matrix = found.pairs[0, 0]
            matrix *= 4  # which a sigmoid's curvature is a quarter of, at 0
            return matrix
    return _times_squares(np.eye(n), 1.0, rows)


def times_squares(network, directions, unit, rows):
    """``X1^T diag(w) X1 directions / unit``, (n_inputs, any)."""
    if directions.shape[1] == len(directions) and unit == 1.0:
        return squares(network, rows) @ directions
    return _times_squares(directions, unit, rows)


def _times_squares(directions, unit, rows):
    total, xp = np.zeros_like(directions), array_namespace(rows.X)
    for block, z in rows.products(directions, len(directions)):
        if block.weights is not None:
            w = xp.max(by_output(block.weights), axis=1, keepdims=True)
            z *= xp.astype(w, z.dtype, copy=False)
        z /= unit
        total += to_host(adjoint(block.X, z, len(directions)))
    return total


def _triangular(rows):
    """R of ``QR = rows``; by SciPy's BLAS, which keeps to one thread."""
    return qr(rows, mode="r", check_finite=False)[0][: rows.shape[1]]


def rounding_errors(network, likelihood, theta, rows):
    """The sizes of all that is rounded in the sums of a gradient, (n_inputs, n_logits).

    That is the terms, and the logits' own terms as far as they change these.
    """
    total, sides = 0.0, [(0, 0), (0, network.fit_intercept)]
    blocks = _by_block(network, likelihood, rows, 4 * theta.size, theta)
    for block, codes, w, z in blocks:
        X = to_host(block.X if block.is_dense else block.X.toarray())
        sizes = np.abs(np.pad(X.astype(np.float64), sides, constant_values=1.0))
        of_logits = sizes @ np.abs(theta)
        of_outputs = [of_logits[:, at].sum(axis=1) for at in likelihood.blocks]
        changed = likelihood.per_logit(np.stack(of_outputs, axis=1))
        changed = changed * likelihood.y_hat(z) * likelihood.rest(z)
        total += sizes.T @ (w * (np.abs(likelihood.residual(z, codes)) + changed))
    return total


def log_likelihood(network, likelihood, theta, rows, *, guarded=False):
    """The total, weighted log-likelihood of rows that a network's parameters give."""
    theta, rows = _about_a_row(network, theta, rows)
    model = network, likelihood, theta
    sums = over_rows(*model, 1.0, rows, order=0, guarded=guarded)
    return float(sums.log_likelihood)


def _about_a_row(network, theta, rows):
    """Parameters and rows of the same logits, where features lie far from 0.

    There the terms of a logit cancel. Less those of one of the rows they are small, and
    that row's logits, the intercepts to come, are summed exactly.
    """
    (W, b), X, n_rows = network.layers(theta)[0], rows.X, rows.X.shape[0]
    whole = rows.lie_here and rows.n_rows == n_rows > 0
    plain = whole and rows.centre is None and (rows.is_dense or len(W) <= FEW)
    if not (plain and is_numpy(W) and b is not None and len(W) == X.shape[1]):
        return theta, rows
    some = X[:SOME] if rows.is_dense else X[:SOME].toarray()
    some = to_host(some).astype(np.float64)
    far = np.abs(some[0]) > FAR * np.ptp(some, axis=0)
    if not np.abs(some[0, far, None] * W[far]).max(initial=0.0) > LARGE:
        return theta, rows
    if not all(np.isfinite(of).all() for of in (some[0], W, b)):
        return theta, rows
    x = [*map(Fraction, some[0].tolist()), 1]
    exact = [sum(map(mul, x, map(Fraction, of))) for of in np.vstack([W, b]).T.tolist()]
    if max(map(abs, exact)) > float(np.finfo(rows.dtype).max):
        return theta, rows
    theta = theta.astype(rows.dtype)
    network.layers(theta)[0][1][...] = np.array(exact, dtype=float)
    return theta, rows.centred(some[0], np.ones(len(W)))
