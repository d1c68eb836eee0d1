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
    z = z - xp.max(z, axis=1, keepdims=True)
    # But for the largest, whose 1 would round off what others have.
    others = xp.exp(xp.sort(z, axis=1)[:, :-1])
    return z - xp.log1p(xp.sum(others, axis=1, keepdims=True))


def by_output(weights):
    """Weights of rows, or of outputs, to multiply (n_rows, n_outputs) by."""
    return weights[:, None] if weights.ndim == 1 else weights


class Likelihood:
    """What outputs of any kind share.

    Parameters
    ----------
    widths : sequence of int
        How many classes of a softmax each output has; 0: a sigmoid.

    Attributes
    ----------
    n_outputs, n_logits : int
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
        self.widths = np.asarray(widths, np.intc)
        ends = np.cumsum(np.maximum(self.widths, 1)).tolist()
        self.blocks = [range(*span) for span in zip([0, *ends], ends)]
        self.n_outputs, self.n_logits = len(ends), ends[-1]
        self.coupled = max(map(len, self.blocks))
        self.largest_curvature = 0.5 if self.widths.any() else 0.25
        self.of_even_odds = -float(np.log(np.where(self.widths, self.widths, 2)).sum())

    @cached_property
    def pairs(self):
        """The pairs of logits, a <= c, that the curvature couples: of one output."""
        return [(a, c) for of in self.blocks for a in of for c in of if a <= c]

    def sum_and_residual(self, z, codes, weights=None):
        """``sum w log P(y | z)``, and the residual ``w (y - y_hat)``.

        The residual is put in the place of z where the compiled core gives it.
        """
        if _kernels.takes(z):
            return _kernels.outcome(z, codes, self, weights, _kernels.RESIDUAL), z
        residual = self.residual(z, codes)
        if weights is not None:
            each = self.per_logit(weights)
            residual *= array_namespace(z).astype(each, z.dtype, copy=False)
        return self.total(z, codes, weights), residual

    def total(self, z, codes, weights=None):
        """``sum w log P(y | z)``, of rows and outputs."""
        if _kernels.takes(z):
            return _kernels.outcome(z, codes, self, weights, _kernels.LOG_LIKELIHOOD)
        log_prob = self.log_prob(z, codes)
        if weights is not None:
            log_prob = log_prob * by_output(weights)
        return array_namespace(z).sum(log_prob, dtype=widest_float(log_prob))

    def probabilities(self, z):
        """`y_hat`, of logits that are not overwritten."""
        y_hat = np.array(z, order="C") if is_numpy(z) else z
        if not _kernels.takes(y_hat):
            return self.y_hat(z)
        _kernels.outcome(y_hat, None, self, None, _kernels.Y_HAT)
        return y_hat

    def roots(self, z):
        """Roots of the curvature: for each output R with ``R^T R`` that of each row.

        Of a Bernoulli (n_rows, 1, 1), of k classes (n_rows, k + 1, k). As for
        :class:`Evaluation`, it is made definite along the shift of all logits.
        """
        found, couplings = [], self.couplings(z)
        for of in self.blocks:
            own = np.stack([couplings[a, a] for a in of], axis=1)
            k = len(of)
            if k == 1:
                found.append(np.sqrt(own)[:, None])
                continue
            # (I - v v^T) diag(v), v = sqrt(y_hat): the first factor is a projector.
            v = np.sqrt(np.exp(log_softmax(z[:, of.start : of.stop])))
            R = -v[:, :, None] * (v**2)[:, None, :]
            R[:, range(k), range(k)] = own / np.where(v > 0, v, 1.0)
            shift = np.sqrt(own.sum(axis=1))[:, None, None] / k
            found.append(np.concatenate([R, np.repeat(shift, k, axis=2)], axis=1))
        return found

    def per_logit(self, weights):
        """Weights of rows, or of outputs, to multiply (n_rows, n_logits) by."""
        if weights.ndim == 1:
            return weights[:, None]
        columns = [weights[:, i] for i, of in enumerate(self.blocks) for _ in of]
        return array_namespace(weights).stack(columns, axis=1)


class Bernoulli(Likelihood):
    """Yes-or-no outputs, one logit each: ``P(y = 1) = sigmoid(z)``.

    Parameters
    ----------
    n_outputs : int, default=1
        Independent outputs side by side.
    """

    def __init__(self, n_outputs=1):
        super().__init__([0] * n_outputs)

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

    def __init__(self, n_classes):
        super().__init__([n_classes])

    def y_hat(self, z):
        """Softmax, without overflow."""
        xp = array_namespace(z)
        e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)

    def log_prob(self, z, codes):
        """``log P(y | z)`` of the class that was observed."""
        xp = array_namespace(z)
        return xp.take_along_axis(log_softmax(z), xp.astype(codes, xp.int64), axis=1)

    def residual(self, z, codes):
        """``y - y_hat``, y the indicator of the observed class.

        The observed class lacks what all others have.
        """
        xp = array_namespace(z)
        observed = codes == xp.arange(self.n_logits, device=codes.device)
        y_hat = self.y_hat(z)
        others = xp.where(observed, xp.zeros_like(y_hat), y_hat)
        return xp.where(observed, xp.sum(others, axis=1, keepdims=True), -y_hat)

    def couplings(self, z):
        """The curvature, by pair of logits, a <= c: {(a, c): (n_rows,) array}.

        ``1 - y_hat`` of a class is the sum over all others.
        """
        xp, y_hat = array_namespace(z), self.y_hat(z)
        values = {(a, c): -y_hat[:, a] * y_hat[:, c] for a, c in self.pairs}
        for a in range(self.n_logits):
            others = xp.concat([y_hat[:, :a], y_hat[:, a + 1 :]], axis=1)
            values[a, a] = y_hat[:, a] * xp.sum(others, axis=1)
        return values


class Joint(Likelihood):
    """Several outputs together: their log-likelihoods add up.

    Parameters
    ----------
    outputs : list of Bernoulli or Categorical
        One for each column of the labels, in their order.
    """

    def __init__(self, outputs):
        super().__init__(np.concatenate([output.widths for output in outputs]))
        self.outputs = outputs

    def _of_each(self, method, z, *codes):
        """What a method of each output says of its own logits and codes."""
        for i, (output, at) in enumerate(zip(self.outputs, self.blocks)):
            own = [of[:, i : i + 1] for of in codes]
            yield getattr(output, method)(z[:, at.start : at.stop], *own)

    def y_hat(self, z):
        """Every output's probabilities side by side, (n_rows, n_logits)."""
        return array_namespace(z).concat([*self._of_each("y_hat", z)], axis=1)

    def log_prob(self, z, codes):
        """``log P(y | z)`` of each output, (n_rows, n_outputs)."""
        return array_namespace(z).concat([*self._of_each("log_prob", z, codes)], axis=1)

    def residual(self, z, codes):
        """``y - y_hat`` of each output, side by side."""
        return array_namespace(z).concat([*self._of_each("residual", z, codes)], axis=1)

    def couplings(self, z):
        """The curvature, by pair: logits of different outputs never couple."""
        return {
            (at.start + a, at.start + c): weight
            for at, of in zip(self.blocks, self._of_each("couplings", z))
            for (a, c), weight in of.items()
        }
