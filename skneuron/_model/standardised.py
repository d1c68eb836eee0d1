"""The same objective in other coordinates: those of standardised features.

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

import copy

import numpy as np

from .._arrays import largest_size
from .moments import column_moments
from .rows import largest_sizes

#: Deviations within this factor of one another are those of features in one unit.
ALIKE = 10.0

#: The largest offset, in deviations, that the chain rule is left to deal with: it costs
#: the curvature the square of that in rounding errors.
MILD = 8.0

#: So many sparse features may be read without their gaps, to take an offset from them.
FEW = 500


class Standardised:
    """An objective as a function of the parameters for standardised features.

    Parameters
    ----------
    objective : Objective
    moments : tuple, default=None
        Another's `moments`, to have the same coordinates; by default they are measured.
    width : float, default=None
        How many deviations make a unit, which is one for all features where their
        deviations are alike: then their sizes say something, as they do where one
        scale measured them all. None: to each feature its own deviation.
    alike : float, default=ALIKE
        The factor within which deviations are alike.
    """

    def __init__(self, objective, moments=None, width=None, alike=ALIKE):
        self.moments = _measure(objective.rows) if moments is None else moments
        self.exponents, (mean, deviation) = self.moments
        network, rows = objective.network, objective.rows
        if self.exponents is not None:
            objective = objective.in_units(self.exponents)
        if not network.fit_intercept:  # no b to take the shift: size, not deviation
            deviation = np.hypot(mean, deviation)
            mean = np.zeros_like(mean)
        mean = mean.astype(rows.dtype).astype(np.float64)
        # What the penalty adds to the curvature, in the same units.
        prior = np.full_like(mean, np.sqrt(4 * objective.l2 / rows.total_weight))
        if self.exponents is not None:
            prior = np.ldexp(prior, -self.exponents)
        deviation = np.hypot(deviation, prior)
        # What rounding leaves of a constant column is measured as 0; the intercept says
        # all that the column could.
        huge = np.finfo(rows.dtype).maxexp - 24
        constant = deviation <= 8 * objective.noise * np.abs(mean)
        if width is not None:
            deviation = width * _shared(deviation, ~constant, alike)
        scale = np.where(constant, np.where(mean != 0, 2.0**huge, 1.0), deviation)
        # Powers of two: dividing by them is exact.
        scale = np.exp2(np.clip(np.round(np.log2(scale)), -1000, huge))
        self.mean, self.scale = mean, scale
        mild = bool(np.all(np.abs(mean) <= MILD * scale))
        if rows.is_dense:
            self._pulls = mild and self.exponents is None and not rows.is_small()
        else:
            self._pulls = mild or len(mean) > FEW
        self.base = objective if self._pulls else objective.centred(mean, scale)
        self.n_parameters = objective.n_parameters
        self.total_weight = objective.total_weight
        self.divisor = objective.divisor
        self.noise = objective.noise
        self.resolution = objective.resolution
        self._shape = (network.sizes[0] + network.fit_intercept, network.sizes[1])

    @property
    def n_rows(self):
        """How many examples there are."""
        return self.base.n_rows

    @property
    def place(self):
        """An array where the rows are."""
        return self.base.place

    def part(self, at, *, whole_penalty):
        """The objective of some of the rows alone, in the same coordinates."""
        return self._of(self.base.part(at, whole_penalty=whole_penalty))

    def on(self, rows, *, whole_penalty):
        """As :meth:`Objective.on`, in the same coordinates."""
        return self._of(self.base.on(rows, whole_penalty=whole_penalty))

    def parts(self, *, whole_penalty):
        """As :meth:`Objective.parts`, in the same coordinates."""
        base = self.base.parts(whole_penalty=whole_penalty)

        def part(at, coordinates):
            log_likelihood, gradient = base(at, self._of_base(coordinates))
            if self._pulls:
                self._pull(self._first_layer(gradient))
            return log_likelihood, gradient

        return part

    def compiled_steps(self, size, *, whole_penalty):
        """As :meth:`Objective.compiled_steps`, in the same coordinates.

        Features are standardised as a batch of them is read: that is a pass over the
        batch, and the chain rule several over the parameters.
        """
        base = self.base
        if self._pulls:
            base = base.centred(self.mean, self.scale)
        return base.compiled_steps(size, whole_penalty=whole_penalty)

    def sample(self, n_rows):
        """The objective of about `n_rows` of the rows, in the same coordinates."""
        return self._of(self.base.sample(n_rows))

    def _of(self, base):
        other = copy.copy(self)
        other.base = base
        other.total_weight, other.divisor = base.total_weight, base.divisor
        return other

    # The map between coordinates and parameters ------------------------------------

    def parameters(self, coordinates):
        """The network's own parameters, W and b, at the coordinates W', b'."""
        theta = coordinates.copy()
        first = self._first_layer(theta)
        self._to_parameters(first)
        if self.exponents is not None:
            weights = first[: len(self.scale)]
            weights[...] = np.ldexp(weights, -self.exponents[:, None])
        return theta

    def coordinates(self, theta):
        """W', b' at the network's own parameters W, b."""
        coordinates = theta.copy()
        first = self._first_layer(coordinates)
        weights = first[: len(self.scale)]
        if self.exponents is not None:
            weights[...] = np.ldexp(weights, self.exponents[:, None])
        if len(first) > len(weights):
            first[-1] += self._like(self.mean, first)[:, 0] @ weights
        weights *= self._like(self.scale, first)
        return coordinates

    def _first_layer(self, vector):
        size = self._shape[0] * self._shape[1]
        return vector[:size].reshape(self._shape)

    def _like(self, per_feature, array):
        return per_feature.astype(array.dtype, copy=False)[:, None]

    def _to_parameters(self, first):
        """T along the first axis, in place."""
        weights = first[: len(self.scale)]
        weights /= self._like(self.scale, first)
        if len(first) > len(weights):
            first[-1] -= self._like(self.mean, first)[:, 0] @ weights

    def _pull(self, first):
        """T^T along the first axis, in place."""
        weights = first[: len(self.scale)]
        if len(first) > len(weights):
            weights -= self._like(self.mean, first) * first[-1]
        weights /= self._like(self.scale, first)

    def _of_base(self, coordinates):
        """What `base` takes for its parameters."""
        if not self._pulls:
            return coordinates
        theta = coordinates.copy()
        self._to_parameters(self._first_layer(theta))
        return theta

    def first_layer_parameters(self, matrix):
        """What `base` takes, for columns of a matrix of shape (n_in + 1, any)."""
        if self._pulls:
            matrix = matrix.copy()
            self._to_parameters(matrix)
        return matrix

    def first_layer_gradient(self, matrix):
        """The transpose of that map, in place."""
        if self._pulls:
            self._pull(matrix)
        return matrix

    # The objective -----------------------------------------------------------------

    def evaluate(self, coordinates, *, curvature=False):
        """As :meth:`Objective.evaluate`, derivatives with respect to coordinates."""
        here = self.base.evaluate(self._of_base(coordinates), curvature=curvature)
        if self._pulls:
            self._pull(self._first_layer(here.gradient))
            for _, matrix in here.curvature:
                rows = matrix.reshape(self._shape[0], -1)
                self._pull(rows)
                matrix[...] = matrix.T.copy()
                self._pull(rows)
        return here

    def log_likelihood(self, coordinates):
        """The total log-likelihood alone: a forward pass."""
        return self.base.log_likelihood(self._of_base(coordinates))

    def penalty(self, coordinates):
        """The penalty on the network's own weights."""
        return self.base.penalty(self._of_base(coordinates)) if self.base.l2 else 0.0

    def is_top(self, evaluation, tol):
        """Whether the gradient is below tol in the parameters and in the coordinates.

        In the parameters alone would stop at the start for features of 1e-9, and never
        for features of 1e9, whose gradient's rounding errors exceed tol.
        """
        mean_factor = self.divisor / self.total_weight
        gradient = evaluation.gradient * mean_factor
        resolution = self.resolution
        if largest_size(gradient) > max(tol, resolution):
            return False
        first = self._first_layer(gradient)
        size = np.maximum(self.scale, np.abs(self.mean))[:, None]
        raw = first[: len(size)] * self.scale[:, None]
        if len(first) > len(size):
            raw += self.mean[:, None] * first[-1]
        if self.exponents is not None:
            raw, size = (np.ldexp(x, self.exponents[:, None]) for x in (raw, size))
        return bool(np.all(np.abs(raw) <= np.maximum(tol, resolution * size)))


def _shared(deviation, counting, alike):
    """One deviation in place of those that count, if they are alike."""
    some = deviation[counting]
    if len(some) and some.max() <= alike * some.min():
        return np.where(counting, np.sqrt(np.mean(some**2)), deviation)
    return deviation


def _measure(rows):
    """Exponents of the columns' units, or None, and the moments in those units.

    Squares of features beyond 1e+-150 (in float32, 1e+-18) cannot be represented. Data
    that hold any are measured in units of powers of two, column by column, which is
    exact.
    """
    limits = np.finfo(rows.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = column_moments(rows)
        square = np.maximum(mean**2, deviation**2)
        regular = (square < limits.max / 2**40) & (square > limits.tiny * 2**40)
    if np.all(regular | ((mean == 0) & (deviation == 0))):
        return None, (mean, deviation)
    largest = rows.total(largest_sizes, np.maximum)
    # A column whose weights would overflow before they mattered is taken for zeros.
    exponents = np.where(largest < limits.tiny * 2**20, 5000, np.frexp(largest)[1])
    return exponents, column_moments(rows.in_units(exponents))
