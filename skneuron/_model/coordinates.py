"""The coordinates of a climb: the parameters for standardised features.

Features of any scale and offset make a long, narrow hill; in units of their own mean m
and deviation s it is a round one. A network on ``x' = (x - m) / s`` with first-layer
parameters W', b' is the network on x with::

    W = W' / s        b = b' - m^T W

What the climb needs in the new coordinates follows from the old by the chain rule, as
``T^T gradient`` and ``T^T curvature T`` with T the linear map above, and the features
are read as they are. Where a feature's offset is large, that would lose digits: then
they are standardised block by block as they are read. The penalty is on W, as
ever.
"""

import numpy as np

from .._arrays import like

#: Deviations within this factor of one another are those of features in one unit.
ALIKE = 32.0

#: The largest offset, in deviations, that the chain rule is left to deal with: it costs
#: the curvature the square of that in rounding errors.
MILD = 8.0

#: So many sparse features may be read without their gaps, to take an offset from them.
FEW = 500


class Coordinates:
    """The map T between W', b' and W, b, both in one matrix with b as its last row.

    Parameters
    ----------
    mean, scale : arrays of shape (n_features,)
        m, and s: powers of two, by which to divide is exact.
    exponents : int array of shape (n_features,), default=None
        The features are measured, and read, divided by 2 to these. None: as they are.
    """

    def __init__(self, mean, scale, exponents=None):
        self.mean, self.scale, self.exponents = mean, scale, exponents

    def to_parameters(self, first):
        """T along the first axis, in place."""
        W, b, mean, scale = self._beside(first)
        W /= scale
        b -= mean.T @ W

    def to_coordinates(self, first):
        """The inverse of T along the first axis, in place."""
        W, b, mean, scale = self._beside(first)
        b += mean.T @ W
        W *= scale

    def pull(self, first):
        """T^T along the first axis, in place."""
        W, b, mean, scale = self._beside(first)
        W -= mean @ b
        W /= scale

    def pull_both(self, matrix, n_inputs):
        """T^T matrix T of a block of the curvature, in place."""
        rows = matrix.reshape(n_inputs, -1)
        self.pull(rows)
        matrix[...] = matrix.T.copy()
        self.pull(rows)

    def as_given(self, first, sign=-1):
        """To weights of the features as they were given, in place; or back, by +1."""
        if self.exponents is not None:
            W, *_ = self._beside(first)
            W[...] = np.ldexp(W, sign * self.exponents[:, None])

    def slope(self, first):
        """A gradient's components in the features' own units, and what rounds them.

        From one in coordinates, of the shape (n_inputs, any): two arrays like it.
        """
        W, b, mean, scale = self._beside(first)
        size = np.maximum(self.scale, np.abs(self.mean))[:, None]
        raw = W * scale + mean @ b
        if self.exponents is not None:
            raw, size = (np.ldexp(x, self.exponents[:, None]) for x in (raw, size))
        return raw, size

    def _beside(self, first):
        """Views of W and b; m and s as columns. Without a row of b, m is no column."""
        d, n_rows = len(self.scale), first.shape[0]
        mean, scale = (like(of, first)[:, None] for of in (self.mean, self.scale))
        return first[:d, :], first[d:, :], mean[:, : n_rows - d], scale


def standardised(objective, moments, width=None, alike=ALIKE, penalised=False):
    """An objective as a function of the parameters for standardised features.

    Parameters
    ----------
    objective : Objective
    moments : (exponents, (mean, deviation))
        The features' own, as ``rows.moments()`` gives them.
    width : float, default=None
        How many deviations make a unit, which is one for all features where their
        deviations are alike: then their sizes say something, as they do where one
        scale measured them all. None: to each feature its own deviation.
    alike : float, default=ALIKE
        The factor within which deviations are alike.
    penalised : bool, default=False
        Whether a penalty is on weights of features of deviation 1, not as they are.

    Returns
    -------
    objective : Objective
    """
    exponents, (mean, deviation) = moments
    rows = objective.rows
    if exponents is not None:
        objective = objective.reading(rows.in_units(exponents), exponents)
    if not objective.network.fit_intercept:  # no b for the shift: size, not deviation
        deviation = np.hypot(mean, deviation)
        mean = np.zeros_like(mean)
    mean = mean.astype(rows.dtype).astype(np.float64)
    # What the penalty adds to the curvature, in the same units.
    l2 = 0.0 if penalised else objective.l2
    prior = np.full_like(mean, np.sqrt(4 * l2 / rows.total_weight))
    if exponents is not None:
        prior = np.ldexp(prior, -exponents)
    deviation = np.hypot(deviation, prior)
    # What rounding leaves of a constant column is measured as 0; the intercept says
    # all that the column could.
    huge = np.finfo(rows.dtype).maxexp - 24
    constant = deviation <= 8 * objective.noise * np.abs(mean)
    if width is not None:
        varying = deviation[~constant]
        deviation = np.where(constant, 1.0, deviation)  # whose weights may fade
        if len(varying) and varying.max() <= alike * varying.min():
            deviation = np.full_like(deviation, np.sqrt(np.mean(varying**2)))
        if penalised:
            unit = np.clip(objective.exponents, -500, 500)
            objective = objective.measured_in(np.ldexp(deviation, unit))
        deviation = width * deviation
    scale = np.where(constant, np.where(mean != 0, 2.0**huge, 1.0), deviation)
    scale = np.exp2(np.clip(np.round(np.log2(scale)), -1000, huge))
    mild = bool(np.all(np.abs(mean) <= MILD * scale))
    chained = mild or len(mean) > FEW
    if rows.is_dense:
        chained = mild and exponents is None and not rows.is_small()
    return objective.in_coordinates(Coordinates(mean, scale, exponents), chained)
