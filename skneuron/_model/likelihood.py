"""How likely labels are, given the logits: outputs of a sigmoid, or of a softmax.

Both are exponential families, so both share three lines (DESIGN, section 2)::

    log-likelihood   LL = sum_i w_i log P(y_i | z_i)
    residual         dLL/dz = w (y - y_hat)
    curvature        -d2LL/dz2 = w (diag(y_hat) - y_hat y_hat^T)

``1 - y_hat`` is never a difference, of which nothing would be left where y_hat is
nearly 1: it is the other label's probability, or that of all other classes.

Shapes, throughout: `z` and `y_hat` (n_rows, n_logits), `codes` (n_rows, n_outputs) of
integers 0..k-1, `log_prob` (n_rows, n_outputs). Everything is finite for logits up to
half the largest number of their float type. Of NumPy's logits the compiled core says
the same in one pass.
"""

from itertools import accumulate
from math import log

import numpy as np

from .. import _kernels
from .._arrays import array_namespace, beside, is_numpy, like, widest_float
from .._threads import cached


def sigmoid(z):
    """``1 / (1 + exp(-z))``, elementwise: no overflow, and exact in both tails."""
    exp, size = array_namespace(z).exp, abs(z)
    return exp(0.5 * (z - size)) / (1 + exp(-size))


def softmax(z):
    """``exp(z) / sum exp(z)``, along the last axis, without overflow."""
    xp = array_namespace(z)
    e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


def log_sigmoid(z):
    """``log sigmoid(z) = min(z, 0) - log(1 + exp(-|z|))``, elementwise."""
    xp = array_namespace(z)
    return xp.clip(z, None, 0) - xp.log1p(xp.exp(-xp.abs(z)))


def log_softmax(z):
    """``log softmax(z) = z - max z - log sum exp(z - max z)``, along the last axis."""
    xp = array_namespace(z)
    z = z - xp.max(z, axis=1, keepdims=True)
    # But for the largest, whose 1 would round off what others have.
    others = xp.exp(xp.sort(z, axis=1)[:, :-1])
    return z - xp.log1p(xp.sum(others, axis=1, keepdims=True))


def log_prob_of_sigmoid(z, y):
    """``log P(y | z)``: log sigmoid of z where y is 1, of -z where y is 0."""
    return log_sigmoid(array_namespace(z).where(y, z, -z))


def log_prob_of_softmax(z, y):
    """``log P(y | z)`` of the class that was observed, (n_rows, 1)."""
    xp, log_p = array_namespace(z), log_softmax(z)
    return xp.sum(xp.where(y, log_p, xp.zeros_like(log_p)), axis=1, keepdims=True)


def residual_of_sigmoid(z, y):
    """``y - y_hat``: what the other label has, of the sign of this one."""
    where = array_namespace(z).where
    missed = sigmoid(where(y, -z, z))
    return where(y, missed, -missed)


def residual_of_softmax(z, y):
    """``y - y_hat``: the class that was observed lacks what all others have."""
    xp, y_hat = array_namespace(z), softmax(z)
    missed = xp.where(y, xp.zeros_like(y_hat), y_hat)
    return xp.where(y, xp.sum(missed, axis=1, keepdims=True), -y_hat)


def others(p):
    """The sum of all other probabilities: ``1 - p``, without a difference."""
    eye = array_namespace(p).eye(p.shape[1], dtype=p.dtype, device=p.device)
    return p @ (1 - eye)


def by_output(weights):
    """Weights of rows, or of outputs, to multiply (n_rows, n_outputs) by."""
    return weights[:, None] if weights.ndim == 1 else weights


class Likelihood:
    """Outputs side by side, whose log-likelihoods add up.

    A sigmoid is a yes or no, ``P(y = 1) = sigmoid(z)``. A softmax of k logits is one of
    k classes, ``P(y = c) = softmax(z)_c``; of one class the probability is 1.

    Parameters
    ----------
    widths : sequence of int
        How many classes of a softmax each output has; 0: a sigmoid.

    Attributes
    ----------
    n_outputs, n_logits : int
    has_softmax : bool
    blocks : list of range
        The logits of each output.
    coupled : int
        How many logits share a block of the curvature, at most.
    largest_curvature : float
        The largest eigenvalue that a row's curvature can have. ``y_hat (1 - y_hat)`` is
        1/4 at y_hat = 1/2; ``diag(y_hat) - y_hat y_hat^T`` is largest, 1/2, where two
        classes share all probability.
    of_even_odds : float
        The log-likelihood of a row whose logits are all 0.
    """

    def __init__(self, widths):
        self.widths = np.array(widths, np.intc)
        ends = [*accumulate(max(of, 1) for of in widths)]
        self.blocks = [range(*span) for span in zip([0, *ends], ends)]
        self.n_outputs, self.n_logits = len(ends), ends[-1]
        self.coupled = max(map(len, self.blocks))
        self.has_softmax = any(widths)
        self.largest_curvature = 0.5 if self.has_softmax else 0.25
        self.of_even_odds = -sum(log(of or 2) for of in widths)

    @cached
    def pairs(self):
        """The pairs of logits, a <= c, that the curvature couples: of one output."""
        return [(a, c) for of in self.blocks for a in of for c in of if a <= c]

    def sum_and_residual(self, z, codes, weights=None):
        """``sum w log P(y | z)``, and the residual ``w (y - y_hat)``.

        The residual is put in the place of z where the compiled core gives it.
        """
        if _kernels.takes(z):
            return _kernels.outcome(z, codes, self, weights, _kernels.RESIDUAL), z
        return self.total(z, codes, weights), self.residual(z, codes, weights)

    def total(self, z, codes, weights=None):
        """``sum w log P(y | z)``, of rows and outputs."""
        if _kernels.takes(z):
            return _kernels.outcome(z, codes, self, weights, _kernels.LOG_LIKELIHOOD)
        log_prob = self.log_prob(z, codes, weights)
        return array_namespace(z).sum(log_prob, dtype=widest_float(log_prob))

    def per_logit(self, given):
        """What is of rows, or of outputs, to stand beside (n_rows, n_logits)."""
        given = by_output(given)
        if given.shape[1] == 1:
            return given
        at = np.array([i for i, of in enumerate(self.blocks) for _ in of])
        return array_namespace(given).take(given, beside(at, given), axis=1)

    def observed(self, codes):
        """Where y is 1: of a sigmoid if the code is, of a softmax in that class."""
        labels = [c for k in self.widths.tolist() for c in (range(k) if k else [1])]
        there = array_namespace(codes).asarray(labels, device=codes.device)
        return self.per_logit(codes) == there

    def _by_output(self, of_sigmoids, of_softmax, *arrays):
        """What functions of each output's logits give, side by side."""
        if self.n_outputs == 1 or not self.has_softmax:
            return (of_softmax if self.has_softmax else of_sigmoids)(*arrays)
        parts = []
        for width, of in zip(self.widths, self.blocks):
            own = [array[:, of.start : of.stop] for array in arrays]
            parts.append((of_softmax if width else of_sigmoids)(*own))
        return array_namespace(arrays[0]).concat(parts, axis=1)

    def y_hat(self, z):
        """The probabilities that y is 1."""
        y_hat = np.array(z, order="C") if is_numpy(z) else z
        if not _kernels.takes(y_hat):
            return self._by_output(sigmoid, softmax, z)
        _kernels.outcome(y_hat, None, self, None, _kernels.Y_HAT)
        return y_hat

    def rest(self, z):
        """``1 - y_hat``: the probability of the other label, or of all others."""
        return self._by_output(lambda z: sigmoid(-z), lambda z: others(softmax(z)), z)

    def log_prob(self, z, codes, weights=None):
        """``w log P(y | z)`` of each output, (n_rows, n_outputs)."""
        of = log_prob_of_sigmoid, log_prob_of_softmax
        log_prob = self._by_output(*of, z, self.observed(codes))
        return log_prob if weights is None else log_prob * by_output(weights)

    def residual(self, z, codes, weights=None):
        """``w (y - y_hat)`` of each logit, (n_rows, n_logits)."""
        of = residual_of_sigmoid, residual_of_softmax
        residual = self._by_output(*of, z, self.observed(codes))
        if weights is not None:
            residual *= self.per_logit(like(weights, z))
        return residual

    def couplings(self, z, weights=None):
        """The curvature, by pair of logits, a <= c: {(a, c): (n_rows,) array}."""
        p, rest = self.y_hat(z), self.rest(z)
        wp = p if weights is None else p * self.per_logit(weights)
        return {
            (a, c): wp[:, a] * (rest[:, a] if a == c else -p[:, c])
            for a, c in self.pairs
        }

    def roots(self, z):
        """Roots of the curvature: for each output R with ``R^T R`` that of each row.

        Of a sigmoid (n_rows, 1, 1), of k classes (n_rows, k + 1, k). As for
        :class:`Evaluation`, it is made definite along the shift of all logits.
        """
        found, y_hat, rest = [], self.y_hat(z), self.rest(z)
        for of in self.blocks:
            k, p, q = len(of), y_hat[:, of], rest[:, of]
            size = np.sqrt((p * q).sum(axis=1))[:, None, None]
            if k == 1:
                found.append(size)
                continue
            # (I - v v^T) diag(v), v = sqrt(y_hat): the first factor is a projector.
            v = np.sqrt(p)
            R = -v[:, :, None] * p[:, None, :]
            R[:, range(k), range(k)] = v * q
            found.append(np.concatenate([R, np.repeat(size / k, k, axis=2)], axis=1))
        return found
