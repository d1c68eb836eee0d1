"""What rows give of each sum over the examples: log-likelihood, gradient, curvature."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from operator import add, mul

import numpy as np
from scipy.linalg import qr

from .. import _kernels
from .._arrays import adjoint, array_namespace, beside, is_numpy, like, product, to_host
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
    log_likelihood : float, or array of shape (n_members,)
    gradient : array of shape (n_parameters,) or (n_members, n_parameters), or None
        None where it was not asked for.
    pairs : dict
        Of the curvature, as :meth:`Network.curvature` has them.
    end : array of shape (n_parameters,), or None
        Where these sums are, if steps were taken first.
    passed : list of (theta, log_likelihood, value)
        The places before, on the way.
    """

    log_likelihood: float
    gradient: np.ndarray | None = None
    pairs: dict = field(default_factory=dict)
    end: np.ndarray | None = None
    passed: list = field(default_factory=list)

    def __add__(self, other):
        log_likelihood = self.log_likelihood + other.log_likelihood
        gradient = None if self.gradient is None else self.gradient + other.gradient
        pairs = {pair: of + other.pairs[pair] for pair, of in self.pairs.items()}
        return Sums(log_likelihood, gradient, pairs)


def over_rows(network, likelihood, theta, rows, *, order=1, guarded=False, ahead=None):
    """Log-likelihood, its gradient and curvature: block by block.

    Parameters
    ----------
    network : Network
    likelihood : Likelihood
    theta : array of shape (n_parameters,)
        Sums over blocks are kept in its float type. It is on the host or beside the
        rows, and so are the sums.
    rows : Rows
    order : {0, 1, 2}
        How many derivatives; a curvature is that of a network without hidden layers.
    guarded : bool, default=False
        As :meth:`Network.forward` takes it, where sums are not finite.
    ahead : (shrunk, divisor, rules), default=None
        Of steps that may be taken first, where the compiled core takes them: the
        penalty's curvature, what sums are divided by, and a question's rules.

    Returns
    -------
    sums : Sums
    """
    if is_numpy(theta):
        total = compiled(network, likelihood, theta, rows, order, ahead)
        if total is not None and (not guarded or np.isfinite(total.log_likelihood)):
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
        network.backward(layers, activations, residual, network.layers(slope))
        return Sums(value, xp.astype(slope, there.dtype, copy=False), pairs)

    total = reduce(add, map(share, rows.blocks(2 * network.n_numbers)))
    if is_numpy(theta):  # once for all blocks, as this waits for them
        pairs = {pair: to_host(whole) for pair, whole in total.pairs.items()}
        total = Sums(float(total.log_likelihood), to_host(total.gradient), pairs)
    return total


def compiled(network, likelihood, theta, rows, order=1, ahead=None):
    """As :func:`over_rows`, by the compiled core; None: it cannot.

    Of a network without hidden layers, of many parameters at once, too: an array of
    shape (n_members, n_parameters).
    """
    if not network.is_one_layer:
        read = rows.in_place()
        if read[0] is None or len(rows.spans) > 1:
            return None
        model = likelihood, network, theta
        return Sums(*_kernels.network_sums(read, rows, *model, order))
    n_members = len(theta) if theta.ndim > 1 else 1
    passes = rows.passes(likelihood, network.fit_intercept, n_members)
    if passes is None:
        return None
    if ahead and isinstance(passes, list) and theta.dtype == rows.dtype == np.float64:
        return Sums(*passes[0].newton(theta, *ahead))
    total = reduce(add, (Sums(*sums_at(theta, order)) for sums_at in passes))
    if theta.ndim == 1:
        total.log_likelihood = float(total.log_likelihood[0])
    return total


def curvature_roots(likelihood, theta, directions, rows):
    """Triangular R of each block of the curvature, ``R^T R``, block by block of rows.

    They are those of ``QR = sqrt(curvature) X1 directions``, of some rows beneath the R
    of all before these. The curvature itself has the square of their condition.
    `theta` is (n_inputs, n_logits), of a network without hidden layers; `directions`
    are of each block's parameters, (n_inputs, any). All is in float64, on the host.
    """
    total = [None] * len(directions)
    ends = np.cumsum([theta.shape[1], *(of.shape[1] for of in directions)])
    n_numbers = 4 * likelihood.coupled * (ends[-1] - ends[0])
    for block, products in rows.products(np.hstack([theta, *directions]), n_numbers):
        products = to_host(products).astype(np.float64, copy=False)
        z, *moved = np.split(products, ends[:-1], axis=1)
        w = np.ones(1) if block.weights is None else to_host(block.weights)
        w = np.broadcast_to(likelihood.per_logit(w), z.shape)
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


def times_squares(network, directions, unit, rows):
    """``X1^T diag(w) X1 directions / unit``, w the largest sizes of the rows' weights.

    Of `directions`, (n_inputs, any); of None, the whole matrix.
    """
    n = network.sizes[0] + network.fit_intercept
    many, w = directions is None or directions.shape[1] == n, rows.weights
    if many and unit == 1.0 and (w is None or (w.ndim < 2 and (to_host(w) >= 0).all())):
        found = compiled(network, Likelihood([0]), np.zeros(n), rows, 2)
        if found is not None:
            squares = found.pairs[0, 0]
            squares *= 4  # which a sigmoid's curvature is a quarter of, at 0
            return squares if directions is None else squares @ directions
    directions = np.eye(n) if directions is None else directions
    total, xp = np.zeros_like(directions), array_namespace(rows.X)
    for block, z in rows.products(directions, n):
        if block.weights is not None:
            w = xp.max(abs(by_output(block.weights)), axis=1, keepdims=True)
            z *= xp.astype(w, z.dtype, copy=False)
        z /= unit
        total += to_host(adjoint(block.X, z, n))
    return total


def _triangular(rows):
    """R of ``QR = rows``; by SciPy's BLAS, which keeps to one thread."""
    return qr(rows, mode="r", check_finite=False)[0][: rows.shape[1]]


def rounding_errors(likelihood, theta, rows):
    """The sizes of all that is rounded in the sums of a gradient, (n_inputs, n_logits).

    That is the terms, and the logits' own terms as far as they change these.
    """
    total = 0.0
    for block, z in rows.products(theta, 4 * theta.size):
        sizes, w = abs(block.X).astype(np.float64), block.weights
        of_logits = product(sizes, np.abs(theta))
        of_outputs = [of_logits[:, at].sum(axis=1) for at in likelihood.blocks]
        curvature = likelihood.couplings(z, w)
        slopes = np.stack([curvature[a, a] for a in range(z.shape[1])], axis=1)
        changed = slopes * likelihood.per_logit(np.stack(of_outputs, axis=1))
        terms = np.abs(likelihood.residual(z, block.codes, w)) + changed
        total += adjoint(sizes, terms, len(theta))
    return total


def log_likelihood(network, likelihood, theta, rows, *, guarded=False):
    """The total, weighted log-likelihood of rows that a network's parameters give."""
    theta, rows = _about_a_row(network, theta, rows)
    model = network, likelihood, theta
    return float(over_rows(*model, rows, order=0, guarded=guarded).log_likelihood)


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
    first, far = some[0], np.abs(some[0]) > FAR * np.ptp(some, axis=0)
    terms = np.abs(first[far, None] * W[far]).max(initial=0.0)
    logits, most = np.abs(first @ W + b).max(), np.finfo(rows.dtype).max / 8
    if not (terms > LARGE and logits < most):  # nor where there is a NaN
        return theta, rows
    x = [*map(Fraction, first.tolist()), 1]
    exact = [sum(map(mul, x, map(Fraction, of))) for of in np.vstack([W, b]).T.tolist()]
    theta = theta.astype(rows.dtype)
    network.layers(theta)[0][1][...] = np.array(exact, dtype=float)
    return theta, rows.centred(first, np.ones(len(W)))
