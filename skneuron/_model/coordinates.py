"""The coordinates of a climb: the parameters for standardised features.

Features of any scale and offset make a long, narrow hill; in units of their own mean m
and deviation s, or those of their usual values, it is a round one. A network on
``x' = (x - m) / s`` with first-layer parameters W', b' is the network on x with::

    W = W' / s        b = b' - m^T W

What the climb needs in the new coordinates follows from the old by the chain rule, as
``T^T gradient`` and ``T^T curvature T`` with T the linear map above, and the features
are read as they are. Where a feature's offset is large, that would lose digits: then
they are standardised block by block as they are read. The penalty is on W, as
ever.

Pixels that share a weight share a unit and a centre, too: those of their channel.
"""

import numpy as np

from .._arrays import like

#: Deviations within this factor of one another are those of features in one unit.
ALIKE = 32.0

#: The largest offset, in deviations, that the chain rule is left to deal with: it costs
#: the curvature the square of that in rounding errors. Sparse features, such as a
#: category that nearly all have, would take several times as long to centre.
MILD, MILD_IF_SPARSE = 8.0, 64.0

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
    reach : array of shape (n_features,), default=1.0
        The deviations of the features, in their units, about.
    """

    def __init__(self, mean, scale, exponents=None, reach=1.0):
        self.mean, self.scale, self.exponents = mean, scale, exponents
        self._columns = mean[:, None], scale[:, None]
        self.reach, self.farthest = reach, float(np.max(reach))
        #: The features' sizes in their deviations, 1 at least.
        self.offsets = np.maximum(np.abs(mean) / scale, 1.0)
        offset = min(float(np.max(self.offsets)), 1e3)
        #: In what rounds a curvature, what the chain rule's differences leave of that.
        self.noise = offset**2 if offset > MILD else 1.0

    def to_parameters(self, first):
        """T along the first axis, in place."""
        W, b, mean, scale = self._beside(first)
        W /= scale
        b -= mean.T @ W

    def pull(self, first, *, sizes=False):
        """T^T along the first axis, in place; `sizes`: of the sizes of errors."""
        W, b, mean, scale = self._beside(first)
        W -= (-np.abs(mean) if sizes else mean) @ b
        W /= scale

    def largest_terms(self, first):
        """What the terms of logits add up to, in usual rows, without signs, at most."""
        W, b, *_ = self._beside(np.abs(first))
        return 2 * (np.abs(self.mean) / self.scale + self.reach) @ W + b.sum(axis=0)

    def to_given(self, first, dtype=np.float64):
        """T, and to weights of the features as they were given, in place.

        Weights are rounded to a type: for what that does the intercept makes up.
        """
        W, b, mean, scale = self._beside(first)
        W[...] = (W / scale).astype(dtype)
        b -= mean.T @ W
        W[...] = self.in_own_units(W, -1)

    def from_given(self, first):
        """The inverse of :meth:`to_given`, in place."""
        W, b, mean, scale = self._beside(first)
        W[...] = self.in_own_units(W)
        b += mean.T @ W
        W *= scale

    def slope(self, first, *, sizes=False):
        """A gradient's components in the features' own units, of the weights alone.

        From one in coordinates, (n_inputs, any); `sizes`: from the sizes of its errors.
        """
        W, b, mean, scale = self._beside(first)
        return self.in_own_units(W * scale + (np.abs(mean) if sizes else mean) @ b)

    def in_own_units(self, slope, sign=1):
        """A gradient in weights, of the features as they were given."""
        if self.exponents is None:
            return slope
        return np.ldexp(slope, sign * self.exponents[:, None])

    def _beside(self, first):
        """Views of W and b; m and s as columns. Without a row of b, m is no column."""
        d, n_rows = len(self.scale), first.shape[0]
        mean, scale = (like(of, first) for of in self._columns)
        return first[:d, :], first[d:, :], mean[:, : n_rows - d], scale


def standardised(objective, moments, width=None, alike=ALIKE, penalised=False):
    """An objective as a function of the parameters for standardised features.

    Parameters
    ----------
    objective : Objective
    moments : (exponents, (mean, deviation, reach))
        The features' own, as :func:`skneuron._data.moments.measured` gives them.
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
    exponents, (mean, deviation, reach) = _in_common(
        moments, objective.network.kinds[0]
    )
    rows, n_features = objective.rows, objective.network.sizes[0]
    if exponents is not None:
        in_units = rows.in_units(np.resize(exponents, n_features))
        objective = objective.reading(in_units, exponents)
    if not objective.network.fit_intercept:  # no b for the shift: size, not deviation
        deviation = np.hypot(mean, deviation)
        mean = np.zeros_like(mean)
    # What the penalty adds to the curvature, in the same units.
    prior = np.sqrt(4 * objective.l2 / rows.total_weight) * objective.sizes
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
            objective = objective.but(sizes=deviation)
        deviation = width * deviation
    scale = np.where(constant, np.where(mean != 0, 2.0**huge, 1.0), deviation)
    scale = np.exp2(np.rint(np.log2(scale)).clip(-1000, huge))
    if objective.network.is_one_layer:
        # A centre of few digits: what has few, too, is taken from it without rounding.
        mean = np.where(constant, mean, np.rint(16 * mean / scale) * scale / 16)
    mean = mean.astype(rows.dtype).astype(np.float64)
    most = MILD if rows.is_dense or rows.dtype != np.float64 else MILD_IF_SPARSE
    mild = bool((np.abs(mean) <= most * scale).all())
    chained = mild or n_features > FEW
    if rows.is_dense:
        chained = mild and exponents is None and not rows.is_small
    return objective.in_coordinates(Coordinates(mean, scale, exponents, reach), chained)


def _in_common(moments, layer):
    """The moments of what a neuron sees, where places share units: channel by channel.

    They repeat from channel to channel: as long as need be, they are those of all.
    """
    exponents, (mean, deviation, reach) = moments
    if layer.n_units == len(mean):
        return moments
    mean, deviation = (of.reshape(-1, layer.n_units) for of in (mean, deviation))
    if exponents is not None:
        each = exponents.reshape(mean.shape)
        exponents = each.max(axis=0)
        mean, deviation = (np.ldexp(of, each - exponents) for of in (mean, deviation))
        exponents = np.resize(exponents, layer.shape[0])
    centre = mean.mean(axis=0)
    deviation = np.sqrt(np.mean((mean - centre) ** 2 + deviation**2, axis=0))
    common = [np.resize(of, layer.shape[0]) for of in (centre, deviation, reach)]
    return exponents, common
