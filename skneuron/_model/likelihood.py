"""How likely a label is, given the logits: Bernoulli, Categorical, several together.

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

from functools import cached_property

import numpy as np

from .. import _kernels
from .._arrays import array_namespace, is_numpy, widest_float


def log_sigmoid(z):
    """``log sigmoid(z) = min(z, 0) - log(1 + exp(-|z|))``, elementwise."""
    xp = array_namespace(z)
    return xp.clip(z, None, 0) - xp.log1p(xp.exp(-xp.abs(z)))


def log_softmax(z):
    """``log softmax(z) = z - max z - log sum exp(z - max z)``, along the last axis."""
    xp = array_namespace(z)
    z = z - _row_maxima(z)
    return z - xp.log(_row_sums(xp.exp(z)))


def _observed(z, codes):
    """What each row has at its code, (n_rows, 1)."""
    xp = array_namespace(z)
    return xp.take_along_axis(z, xp.astype(codes, xp.int64), axis=1)


def _row_maxima(z):
    """``max z`` of each row, (n_rows, 1)."""
    return array_namespace(z).max(z, axis=1, keepdims=True)


def _row_sums(z):
    """``sum z`` of each row, (n_rows, 1)."""
    return array_namespace(z).sum(z, axis=1, keepdims=True)


def by_output(weights):
    """Weights of rows, or of outputs, to multiply (n_rows, n_outputs) by."""
    return weights[:, None] if weights.ndim == 1 else weights


def by_logit(likelihood, weights):
    """The same, to multiply (n_rows, n_logits) by."""
    return weights[:, None] if weights.ndim == 1 else likelihood.per_logit(weights)


class Likelihood:
    """What outputs of any kind share."""

    @cached_property
    def pairs(self):
        """The pairs of logits, a <= c, that the curvature couples."""
        pairs, first = [], 0
        for width in np.maximum(self.widths, 1).tolist():
            logits = range(first, first + width)
            pairs += [(a, c) for a in logits for c in logits if a <= c]
            first += width
        return pairs

    def sum_and_residual(self, z, codes, weights=None):
        """``sum w log P(y | z)``, and the residual ``w (y - y_hat)``.

        The residual is put in the place of z where the compiled core gives it.
        """
        if _kernels.takes(z):
            wanted = _kernels.RESIDUAL
            return _kernels.outcome(z, codes, self, weights, wanted), z
        residual = self.residual(z, codes)
        if weights is not None:
            each = by_logit(self, weights)
            residual *= array_namespace(z).astype(each, z.dtype, copy=False)
        return self.total(z, codes, weights), residual

    def total(self, z, codes, weights=None):
        """``sum w log P(y | z)``, of rows and outputs."""
        if _kernels.takes(z):
            wanted = _kernels.LOG_LIKELIHOOD
            return _kernels.outcome(z, codes, self, weights, wanted)
        log_prob = self.log_prob(z, codes)
        if weights is not None:
            log_prob = log_prob * by_output(weights)
        return array_namespace(z).sum(log_prob, dtype=widest_float(log_prob))

    def probabilities(self, z):
        """`y_hat`, of logits that are not overwritten."""
        if not is_numpy(z):
            return self.y_hat(z)
        y_hat = np.array(z, order="C")
        if not _kernels.takes(y_hat):
            return self.y_hat(z)
        _kernels.outcome(y_hat, None, self, None, _kernels.Y_HAT)
        return y_hat


class Bernoulli(Likelihood):
    """Yes-or-no outputs, one logit each: ``P(y = 1) = sigmoid(z)``.

    Parameters
    ----------
    n_outputs : int, default=1
        Independent outputs side by side.
    """

    #: The largest eigenvalue that ``y_hat (1 - y_hat)`` can have, at y_hat = 1/2.
    largest_curvature = 0.25
    #: How many logits share a block of the curvature.
    coupled = 1

    def __init__(self, n_outputs=1):
        self.n_outputs = self.n_logits = n_outputs
        #: How many classes of a softmax each output has: none.
        self.widths = np.zeros(n_outputs, np.intc)

    def y_hat(self, z):
        """The probability of a 1, without overflow and exact in both tails."""
        exp, size = array_namespace(z).exp, abs(z)
        return exp(0.5 * (z - size)) / (1 + exp(-size))

    def log_prob(self, z, codes):
        """``log P(y | z)``: log sigmoid of z where y is 1, of -z where y is 0."""
        return log_sigmoid(array_namespace(z).where(codes > 0, z, -z))

    def residual(self, z, codes):
        """``y - y_hat``: what the other label has, of the sign of this one."""
        where = array_namespace(z).where
        missed = self.y_hat(where(codes > 0, -z, z))
        return where(codes > 0, missed, -missed)

    def per_logit(self, w):
        """Spread weights (n_rows, n_outputs) to (n_rows, n_logits)."""
        return w

    def couplings(self, z):
        """The curvature, by pair of logits: {(a, a): (n_rows,) array}."""
        values = self.y_hat(z) * self.y_hat(-z)
        return {(a, a): values[:, a] for a in range(self.n_logits)}


class Categorical(Likelihood):
    """One output of k classes, k logits: ``P(y = c) = softmax(z)_c``.

    Parameters
    ----------
    n_classes : int
        k. One class is allowed: its probability is 1 and its residual 0.
    """

    n_outputs = 1
    #: diag(y_hat) - y_hat y_hat^T is largest where two classes share all probability.
    largest_curvature = 0.5

    def __init__(self, n_classes):
        self.n_logits = self.coupled = n_classes
        self.widths = np.array([n_classes], np.intc)

    def y_hat(self, z):
        """Softmax, without overflow."""
        xp = array_namespace(z)
        e = xp.exp(z - _row_maxima(z))
        e /= _row_sums(e)
        return e

    def log_prob(self, z, codes):
        """``log P(y | z)`` of the class that was observed."""
        return _observed(log_softmax(z), codes)

    def residual(self, z, codes):
        """``y - y_hat``, y the indicator of the observed class.

        The observed class lacks what all others have.
        """
        xp = array_namespace(z)
        device = None if is_numpy(codes) else codes.device
        observed = codes == xp.arange(self.n_logits, device=device)
        y_hat = self.y_hat(z)
        others = xp.where(observed, xp.zeros_like(y_hat), y_hat)
        return xp.where(observed, _row_sums(others), -y_hat)

    def per_logit(self, w):
        """Spread weights (n_rows, n_outputs) to (n_rows, n_logits)."""
        return w  # one column, broadcast over the logits

    def couplings(self, z):
        """The curvature, by pair of logits, a <= c: {(a, c): (n_rows,) array}.

        ``p_a (1 - p_a)`` is the sum of ``p_a p_c`` over the other classes.
        """
        y_hat = self.y_hat(z)
        pairs = {(a, a): 0 * y_hat[:, a] for a in range(self.n_logits)}
        for a, c in self.pairs:
            if a < c:
                both = y_hat[:, a] * y_hat[:, c]
                pairs[a, c] = -both
                pairs[a, a] = pairs[a, a] + both
                pairs[c, c] = pairs[c, c] + both
        return pairs


class Joint(Likelihood):
    """Several outputs together: their log-likelihoods add up.

    Parameters
    ----------
    outputs : list of Bernoulli or Categorical
        One for each column of the labels, in their order.
    """

    def __init__(self, outputs):
        self.outputs = outputs
        self.n_outputs = len(outputs)
        self.n_logits = sum(output.n_logits for output in outputs)
        self.widths = np.concatenate([output.widths for output in outputs])
        self.coupled = max(output.coupled for output in outputs)
        self.largest_curvature = max(output.largest_curvature for output in outputs)

    def _parts(self):
        first = 0
        for column, output in enumerate(self.outputs):
            logits = slice(first, first + output.n_logits)
            yield output, logits, slice(column, column + 1)
            first = logits.stop

    def y_hat(self, z):
        """Every output's probabilities side by side, (n_rows, n_logits)."""
        xp = array_namespace(z)
        return xp.concat(
            [part.y_hat(z[:, at]) for part, at, _ in self._parts()], axis=1
        )

    def log_prob(self, z, codes):
        """``log P(y | z)`` of each output, (n_rows, n_outputs)."""
        return array_namespace(z).concat(
            [p.log_prob(z[:, at], codes[:, col]) for p, at, col in self._parts()],
            axis=1,
        )

    def residual(self, z, codes):
        """``y - y_hat`` of each output, side by side."""
        return array_namespace(z).concat(
            [p.residual(z[:, at], codes[:, col]) for p, at, col in self._parts()],
            axis=1,
        )

    def per_logit(self, w):
        """Spread weights (n_rows, n_outputs) to (n_rows, n_logits)."""
        xp = array_namespace(w)
        return xp.concat(
            [
                xp.broadcast_to(w[:, col], (w.shape[0], part.n_logits))
                for part, _, col in self._parts()
            ],
            axis=1,
        )

    def couplings(self, z):
        """The curvature, by pair: logits of different outputs never couple."""
        return {
            (at.start + a, at.start + c): weight
            for part, at, _ in self._parts()
            for (a, c), weight in part.couplings(z[:, at]).items()
        }
