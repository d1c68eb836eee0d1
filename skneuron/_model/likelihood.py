"""How likely a label is, given the logits: Bernoulli, Categorical, several together.

Both are exponential families, so both share three lines (DESIGN, section 2)::

    log-likelihood   LL = sum_i w_i log P(y_i | z_i)
    residual         dLL/dz = w (y - y_hat)
    curvature        -d2LL/dz2 = w (diag(y_hat) - y_hat y_hat^T)

Shapes, throughout: `z` and `y_hat` (n_rows, n_logits), `codes` (n_rows, n_outputs) of
integers 0..k-1, `log_prob` (n_rows, n_outputs). Everything is finite for logits up to
half the largest number of their float type. `log_prob_and_y_hat` and `residual` put
what they return in the place of their first argument, where that is NumPy's.
"""

import numpy as np

from .._arrays import array_namespace, into, is_numpy, widest_float

#: The logarithms of so many numbers, so far from 1 in the mean, are summed as those of
#: products, of so many factors.
MANY, LARGE, FACTORS = 4096, 0.05, 32


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
    if is_numpy(z):  # a tenth of the calls of the generic line
        return z[np.arange(len(z)), codes[:, 0]][:, None]
    xp = array_namespace(z)
    return xp.take_along_axis(z, xp.astype(codes, xp.int64), axis=1)


def _row_maxima(z):
    """``max z`` of each row, (n_rows, 1)."""
    if not is_numpy(z):
        return array_namespace(z).max(z, axis=1, keepdims=True)
    if z.shape[1] > 32 or len(z) < 128:
        return np.maximum.reduce(z, axis=1, keepdims=True)
    largest = z[:, 0].copy()  # NumPy is slow along a short last axis, and calls are not
    for column in z.T[1:]:
        np.maximum(largest, column, out=largest)
    return largest[:, None]


def _row_sums(z):
    """``sum z`` of each row, (n_rows, 1), as a product: several times as fast."""
    if is_numpy(z):
        return z @ np.ones((z.shape[1], 1), z.dtype)
    return z @ array_namespace(z).ones_like(z[:1, :]).T


def _sum_of_log1p(e):
    """``sum log(1 + e)`` of numbers from 0 to 1.

    A logarithm takes as long as many products, and the logarithm of a product is as
    exact. Small numbers, which a sum with 1 would round away, are taken one by one.
    """
    total = 0.0
    if np.mean(e) >= LARGE:
        e = e.reshape(-1)
        some, e = np.split(e, [len(e) // FACTORS * FACTORS])
        factors = np.add(some, 1.0, dtype=np.float64).reshape(FACTORS, -1)
        total = np.sum(np.log(np.multiply.reduce(factors, axis=0)))
    return total + np.sum(np.log1p(e), dtype=np.float64)


def weighed(likelihood, weights, residual):
    """Residuals, (..., n_rows, n_logits), times the weights of rows or outputs.

    In their place. Weights of None are all 1.
    """
    if weights is not None:
        residual *= by_logit(likelihood, weights)
    return residual


def by_output(weights):
    """Weights of rows, or of outputs, to multiply (n_rows, n_outputs) by."""
    return weights[:, None] if weights.ndim == 1 else weights


def by_logit(likelihood, weights):
    """The same, to multiply (n_rows, n_logits) by."""
    return weights[:, None] if weights.ndim == 1 else likelihood.per_logit(weights)


class Likelihood:
    """What outputs of any kind share."""

    def sum_and_y_hat(self, z, codes, weights=None):
        """``sum w log P(y | z)`` and `y_hat`."""
        log_prob, y_hat = self.log_prob_and_y_hat(z, codes)
        if weights is not None:
            log_prob *= by_output(weights)
        xp = array_namespace(log_prob)
        return xp.sum(log_prob, dtype=widest_float(log_prob)), y_hat


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
        #: What :meth:`residuals` takes logits times, and gives residuals divided by.
        self.logit_scale = np.full(n_outputs, -1.0)

    def y_hat(self, z):
        """The probability of a 1, without overflow and exact in both tails."""
        exp, size = array_namespace(z).exp, abs(z)
        return exp(0.5 * (z - size)) / (1 + exp(-size))

    def log_prob(self, z, codes):
        """``log P(y | z)``: log sigmoid of z where y is 1, of -z where y is 0."""
        return log_sigmoid(array_namespace(z).where(codes > 0, z, -z))

    def _without_log(self, z, codes):
        """``y z - max(z, 0)``, ``e = exp(-|z|)``, and `y_hat`."""
        xp = array_namespace(z)
        size = abs(z)
        e = xp.exp(-size)
        log_prob = xp.astype(codes, z.dtype)
        log_prob *= z
        size += z
        size *= 0.5
        log_prob -= size
        # The numerator is exp(min(z, 0)), and e is exp(-|z|).
        z = xp.maximum(xp.astype(z >= 0, z.dtype), e, **into(z))
        z /= 1 + e
        return log_prob, e, z

    def log_prob_and_y_hat(self, z, codes):
        """Both at once: ``y z - max(z, 0) - log(1 + exp(-|z|))``, and `y_hat`."""
        log_prob, e, y_hat = self._without_log(z, codes)
        log_prob -= array_namespace(e).log1p(e)
        return log_prob, y_hat

    def sum_and_y_hat(self, z, codes, weights=None):
        """``sum w log P(y | z)`` and `y_hat`; of many rows alike, by few logarithms."""
        if weights is not None or not is_numpy(z) or z.size < MANY:
            return super().sum_and_y_hat(z, codes, weights)
        log_prob, e, y_hat = self._without_log(z, codes)
        return np.sum(log_prob, dtype=np.float64) - _sum_of_log1p(e), y_hat

    def residual(self, y_hat, codes):
        """``y - y_hat``."""
        xp = array_namespace(y_hat)
        return xp.subtract(xp.astype(codes, y_hat.dtype), y_hat, **into(y_hat))

    def residuals(self, z, codes, moderate=False):
        """Those of several models, of logits (n_logits, any, n_rows), in their place.

        As ``y_hat - y``, of ``y_hat = 1 / (1 + exp(-z))``: both signs are left to
        `logit_scale`.
        """
        xp = array_namespace(z)
        z = xp.exp(z, **into(z))
        z += 1
        z **= -1
        z -= xp.astype(codes, z.dtype).T[:, None, :]
        return z

    def per_logit(self, w):
        """Spread weights (n_rows, n_outputs) to (n_rows, n_logits)."""
        return w

    def couplings(self, y_hat):
        """The curvature, by pair of logits: {(a, a): (n_rows,) array}."""
        return {(a, a): y_hat[:, a] * (1 - y_hat[:, a]) for a in range(self.n_logits)}


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
        self.logit_scale = np.ones(n_classes)

    def y_hat(self, z):
        """Softmax, without overflow."""
        xp = array_namespace(z)
        e = xp.exp(z - _row_maxima(z))
        e /= _row_sums(e)
        return e

    def log_prob(self, z, codes):
        """``log P(y | z)`` of the class that was observed."""
        return _observed(log_softmax(z), codes)

    def log_prob_and_y_hat(self, z, codes):
        """Both, for the price of one exponential."""
        xp = array_namespace(z)
        z -= _row_maxima(z)
        log_prob = _observed(z, codes)
        e = xp.exp(z, **into(z))
        total = _row_sums(e)
        log_prob -= xp.log(total)
        e /= total
        return log_prob, e

    def residual(self, y_hat, codes):
        """``y - y_hat``, y the indicator of the observed class."""
        if is_numpy(y_hat):
            np.negative(y_hat, out=y_hat)
            y_hat[np.arange(len(y_hat)), codes[:, 0]] += 1
            return y_hat
        xp = array_namespace(y_hat)
        classes = xp.arange(self.n_logits, device=codes.device)
        return xp.astype(codes == classes, y_hat.dtype) - y_hat

    def residuals(self, z, codes, moderate=False):
        """Those of several models, of logits (n_logits, any, n_rows), in their place.

        The exponentials of `moderate` logits, and sums of them, are finite and not 0.
        """
        xp = array_namespace(z)
        if not moderate:
            z -= xp.max(z, axis=0)
        z = xp.exp(z, **into(z))
        z /= -xp.sum(z, axis=0)
        observed = codes == xp.arange(self.n_logits, device=codes.device)
        z += xp.astype(observed, z.dtype).T[:, None, :]
        return z

    def per_logit(self, w):
        """Spread weights (n_rows, n_outputs) to (n_rows, n_logits)."""
        return w  # one column, broadcast over the logits

    def couplings(self, y_hat):
        """The curvature, by pair of logits, a <= c: {(a, c): (n_rows,) array}."""
        pairs = {}
        for a in range(self.n_logits):
            for c in range(a, self.n_logits):
                p, q = y_hat[:, a], y_hat[:, c]
                pairs[a, c] = p * (1 - p) if a == c else -p * q
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
        self.coupled = max(output.coupled for output in outputs)
        self.largest_curvature = max(output.largest_curvature for output in outputs)
        self.logit_scale = np.concatenate([output.logit_scale for output in outputs])

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

    def log_prob_and_y_hat(self, z, codes):
        """Both, for the price of one exponential."""
        log_probs = []

        def y_hat(part, z, codes):
            log_prob, found = part.log_prob_and_y_hat(z, codes)
            log_probs.append(log_prob)
            return found

        z = self._in_place(z, codes, y_hat)
        return array_namespace(z).concat(log_probs, axis=1), z

    def residual(self, y_hat, codes):
        """``y - y_hat`` of each output, side by side."""
        return self._in_place(y_hat, codes, lambda part, *given: part.residual(*given))

    def residuals(self, z, codes, moderate=False):
        """Those of several models, of logits (n_logits, any, n_rows), there."""
        for part, at, column in self._parts():
            own = z[at, ...]
            found = part.residuals(own, codes[:, column], moderate)
            if found is not own:  # elsewhere than on the host it may be new
                z[at, ...] = found
        return z

    def _in_place(self, z, codes, of_part):
        for part, at, column in self._parts():
            own = z[:, at]
            found = of_part(part, own, codes[:, column])
            if found is not own:
                z[:, at] = found
        return z

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

    def couplings(self, y_hat):
        """The curvature, by pair: logits of different outputs never couple."""
        return {
            (at.start + a, at.start + c): weight
            for part, at, _ in self._parts()
            for (a, c), weight in part.couplings(y_hat[:, at]).items()
        }
