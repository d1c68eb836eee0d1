"""The objective: the penalised log-likelihood of a network, mean or sum.

A climb sees nothing else of a model: value, gradient and, if asked, curvature at a
flat parameter vector.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from .. import _kernels
from .._arrays import array_namespace, is_elsewhere, like, to_host
from .._threads import cached
from . import sums
from .sums import Sums


@dataclass
class Evaluation:
    """What an objective knows at one point.

    Attributes
    ----------
    log_likelihood : float
        Total, weighted, without the penalty.
    value : float
        The objective: penalised, and divided by the total weight for a mean.
    gradient : array of shape (n_parameters,), or None
        Of `value`.
    curvature : list of (indices, matrix)
        Minus the second derivatives of `value`, block-diagonal: a block's places in
        the parameter vector, (size,), and its matrix, (size, size), made definite along
        the shift of all logits that softmax cannot see. Empty unless asked for.
    roots : callable or None
        Gives R for each block of the curvature, ``R^T R``, with all of its digits: a
        pass, dearer than a curvature's.
        Of a direction, ``roots(along)``: R is its size there, (1, 1), and cheap.
    theta : array of shape (n_parameters,), or None
        Where this is.
    root_work : float
        Floating-point operations that the roots take, about.
    noise : float
        What rounds the features, and the sums, relatively.
    stored : array of shape (n_parameters,), or None
        What rounds a parameter's input as it was stored, in its deviations.
    passed : sequence of Evaluation
        On the way from the question's theta to here, that one first.
    """

    log_likelihood: float
    value: float
    gradient: np.ndarray | None = None
    curvature: list = field(default_factory=list)
    roots: object = None
    theta: np.ndarray | None = None
    root_work: float = 0.0
    noise: float = float(np.finfo(np.float64).eps)
    stored: np.ndarray | None = None
    passed: tuple = ()


class Objective:
    """``(LL(theta) - sum(l2 theta^2) / 2) / total_weight``, or that undivided.

    Parameters
    ----------
    network : Network
    likelihood : Likelihood
    rows : Rows
    l2 : float, default=0.0
        Strength of the penalty on the weights; intercepts go free.
    reduction : {"mean", "sum"}, default="mean"
        Whether to divide by the total weight of the examples.

    Attributes
    ----------
    coordinates : Coordinates or None
        What theta is a function of; None: the network's own parameters.
    """

    def __init__(self, network, likelihood, rows, l2=0.0, reduction="mean"):
        self.network, self.likelihood, self.rows = network, likelihood, rows
        self.l2, self.reduction = l2, reduction
        #: The units of features, as read, whose weights are penalised.
        self.sizes = 1.0
        #: Rows of the first layer: features, and a 1 with intercepts.
        self.n_inputs = network.shapes[0][0] + network.fit_intercept
        self.n_parameters, self.n_rows = network.n_parameters, rows.n_rows
        self.total_weight = rows.total_weight
        #: Relative rounding error of the value: of the data's float type.
        self.noise = float(np.finfo(rows.dtype).eps)
        #: What the float type of the data resolves of a gradient.
        self.resolution = 64 * self.noise
        self.coordinates, self._chained = None, False
        self._sample = None

    @property
    def divisor(self):
        """What the sum over the examples, and the penalty, are divided by."""
        return self.total_weight if self.reduction == "mean" else 1.0

    @cached
    def shrunk(self):
        """What the penalty takes l2 times: 0 at intercepts; 1 at weights, as given."""
        first, *others = [(np.ones(of), np.zeros(of[1])) for of in self.network.shapes]
        first[0][...] *= np.square(np.clip(self.sizes, 2.0**-500, 2.0**500))[..., None]
        return self.network.flatten([first, *others])

    # Others like it ----------------------------------------------------------------

    def but(self, **changed):
        """The same objective with other attributes, such as `l2` or `reduction`."""
        other = object.__new__(type(self))
        vars(other).update({**vars(self), **changed, "_sample": None})
        if "sizes" in changed:
            vars(other).pop("shrunk", None)
        return other

    def reading(self, rows, exponents):
        """The objective of the weights of features divided by 2 to their exponents.

        `rows` give these. The penalty stays on the weights of the features as before.
        """
        with np.errstate(over="ignore"):
            return self.but(rows=rows, sizes=np.ldexp(self.sizes, -exponents))

    def in_coordinates(self, coordinates, chained):
        """The objective as a function of coordinates.

        Parameters
        ----------
        coordinates : Coordinates
        chained : bool
            Whether by the chain rule, of features as they are. Otherwise features are
            standardised as they are read.
        """
        base, scale = self, coordinates.scale
        if not chained:
            unit = np.arange(self.network.sizes[0]) % len(scale)
            centred = self.rows.centred(coordinates.mean[unit], scale[unit])
            base = self.reading(centred, np.log2(scale).astype(int))
        return base.but(coordinates=coordinates, _chained=chained)

    def on(self, rows, *, whole_penalty):
        """The objective of `rows`, some of these: a mini-batch, or a sample.

        A mean divides by the number of rows times the mean weight of all rows, so that
        a batch of light rows takes a light step. It bears the whole penalty, or its
        share by rows.
        """
        share = rows.n_rows / self.n_rows
        l2 = self.l2 * (1.0 if whole_penalty else share)
        whole = self.total_weight * share
        return self.but(rows=rows, n_rows=rows.n_rows, total_weight=whole, l2=l2)

    def sample(self, n_rows):
        """The objective of about `n_rows` of the rows, with their share of the penalty.

        Its mean is an estimate of the mean of all.
        """
        if self._sample is None or self._sample[0] != n_rows:
            rows = self.rows.sample(n_rows)
            self._sample = n_rows, self.on(rows, whole_penalty=False)
        return self._sample[1]

    # Mini-batches --------------------------------------------------------------------

    def compiled_steps(self, size, *, whole_penalty):
        """A function that takes a step for each mini-batch; None: no kernel can.

        Features are standardised as a batch of them is read: that is a pass over the
        batch, and the chain rule several over the parameters.

        Parameters
        ----------
        size : int
            Rows in a batch.
        whole_penalty : bool
            Whether each batch bears the whole penalty, or its share by rows.

        Returns
        -------
        steps : callable
            ``steps(order, theta, rates, **memory)`` moves theta in place, a step at
            each of `rates` for the batches of the rows at `order` (None: as they lie),
            with the memory of a direction. It returns the sum of the log-likelihoods
            that the batches met.
        """
        if self._chained:
            centred = self.in_coordinates(self.coordinates, chained=False)
            return centred.compiled_steps(size, whole_penalty=whole_penalty)
        read, n, dtype = self.rows.in_place(), self.rows.n_rows, self.rows.dtype
        if read[0] is None:
            return None
        most = np.finfo(dtype).max  # what is beyond that is as good as without end
        shrunk = np.minimum(self.shrunk, most).astype(dtype) if self.l2 else None
        l2 = (self.l2, 0.0) if whole_penalty else (0.0, self.l2 / n)
        divisor = (1.0, 0.0) if self.reduction == "sum" else (0.0, self.divisor / n)
        penalty = {"shrunk": shrunk, "l2": l2, "divisor": divisor}
        data = read, self.rows, self.likelihood, self.network
        return partial(_kernels.epoch, *data, size, **penalty)

    # What a climb asks for -----------------------------------------------------------

    def answer(self, question):
        """The evaluation at a question's theta, with the derivatives it asks for."""
        theta, order, n_rows, rules = question
        objective = self if n_rows is None else self.sample(n_rows)
        if order:
            return objective.evaluate(theta, curvature=order > 1, rules=rules)
        return objective.evaluation_of(objective.log_likelihood(theta), theta)

    def evaluation_of(self, log_likelihood, theta):
        """The evaluation without derivatives where the log-likelihood is known."""
        return self.evaluation(theta, Sums(log_likelihood), self.as_read(theta))

    def evaluate(self, theta, *, curvature=False, rules=None):
        """Value, gradient and, if asked, curvature at theta.

        Parameters
        ----------
        theta : array of shape (n_parameters,)
            Sums over blocks are kept in its float type. On the host or beside the rows:
            what comes back is where it is.
        curvature : bool, default=False
            Only for a network without hidden layers.
        rules : tuple, default=None
            Of steps that may be taken first, where the compiled core takes them: of few
            rows in memory.

        Returns
        -------
        Evaluation
            Of the parts of a batch that is on a device, figures are 0-d arrays: to look
            at one would be to wait for it.
        """
        read, how = self.as_read(theta), {"order": 1 + curvature}
        if rules and self.rows.lie_here and not self._chained:
            how["ahead"] = self.l2 * self.shrunk, self.divisor, rules
        total = self._total(sums.over_rows, self.network, self.likelihood, read, **how)
        if total.end is not None:
            theta = read = total.end
        here = self.evaluation(theta, total, read)
        here.passed = [Evaluation(*of, theta=at) for at, *of in total.passed]
        here.noise = self.noise * (self.coordinates.noise if self._chained else 1.0)
        if curvature and not is_elsewhere(self.rows.X):
            here.roots, here.stored = partial(self.roots, read), self.stored
            rows = self.n_rows * (self.likelihood.coupled + 1)
            here.root_work = 2.0 * rows * max(map(len, self._places)) ** 2
        return here

    def _total(self, of, *given, **how):
        """What a function of some other things, and of rows, gives of all rows."""
        return self.rows.total(partial(of, *given, **how))

    def evaluation(self, theta, total, read):
        """The evaluation at theta that sums over the rows make; `read` as_read."""
        penalty, slope = self._penalty(read) if self.l2 else (0.0, 0.0)
        value, gradient = (total.log_likelihood - penalty) / self.divisor, None
        if total.gradient is not None:
            gradient = like((total.gradient - slope) / self.divisor, read)
            self.pulled(gradient)
        blocks = self._curvature(total.pairs) if total.pairs else []
        return Evaluation(total.log_likelihood, value, gradient, blocks, None, theta)

    @cached
    def stored(self):
        """What `Evaluation.stored` has."""
        known = [] if self.coordinates is None else self.coordinates.offsets
        offsets = np.append(known, np.ones(self.n_inputs - len(known)))
        return np.repeat(self.noise * offsets, self.network.sizes[-1])

    @cached
    def _places(self):
        """Where in theta the parameters of each block of the curvature are."""
        first = np.arange(self.n_inputs) * self.likelihood.n_logits
        return [np.add.outer(first, of).reshape(-1) for of in self.likelihood.blocks]

    def _curvature(self, pairs):
        """The blocks of `Evaluation.curvature`, from the sums of pairs of logits."""
        blocks = []
        for logits, places in zip(self.likelihood.blocks, self._places):
            size, n = len(logits), len(places)
            # Softmax cannot see a shift of all its logits: there the curvature is 0,
            # and the gradient too. Any definite matrix in that place keeps the
            # directions that it can see, and spares their solver a singular matrix.
            shift = sum(pairs[a, a] for a in logits) / size**2 if size > 1 else 0.0
            matrix = np.empty((n // size, size, n // size, size))
            for (i, a), (j, c) in product(enumerate(logits), repeat=2):
                matrix[:, i, :, j] = pairs[min(a, c), max(a, c)] + shift
            matrix = matrix.reshape(n, n)
            if self.l2:
                matrix.reshape(-1)[:: n + 1] += self.l2 * self.shrunk[places]
            matrix /= self.divisor
            if self._chained:  # from both sides
                matrix = self.pulled(self.pulled(matrix).T.copy())
            blocks.append((places, matrix))
        return blocks

    def roots(self, read, along=None):
        """`Evaluation.roots` of parameters for the features as they are read."""
        read, directions = self._first_layer(read).astype(np.float64), []
        for at in self._places:
            sides = np.eye(len(at)) if along is None else along[at, None]
            directions.append(self.as_read(sides.reshape(self.n_inputs, -1)))
        roots = self._total(sums.curvature_roots, self.likelihood, read, directions)
        if self.l2:
            root = np.sqrt(self.l2 * self.shrunk)[:, None]
            both = zip(self._places, directions)
            roots = roots + [root[at] * of.reshape(len(at), -1) for at, of in both]
        return [R / self.divisor**0.5 for R in roots]

    def curvature_at_0(self):
        """That of one logit where theta is 0, as read.

        There the curvature of several is made of blocks that are this one, but for a
        factor.
        """
        matrix = self._total(sums.times_squares, self.network, None, 1.0) / 4
        penalty = self.l2 * self.shrunk[:: self.network.sizes[-1]]
        matrix.reshape(-1)[:: len(matrix) + 1] += penalty
        return matrix / self.divisor

    def log_likelihood(self, theta, *, guarded=False):
        """The total log-likelihood alone: a forward pass; guarded as the network's."""
        if np.ndim(self.rows.weights) < 2 and not np.any(to_host(theta)):
            return self.rows.total_weight * self.likelihood.of_even_odds
        model = self.network, self.likelihood, like(self.as_read(theta), self.rows.X)
        return self._total(sums.log_likelihood, *model, guarded=guarded)

    def _penalty(self, read):
        """The penalty, ``sum(l2 theta^2) / 2``, and its gradient."""
        slope = self.l2 * self.shrunk * read
        return 0.5 * array_namespace(read).sum(slope * read), slope

    def penalty_curvature(self):
        """What the penalty adds to the curvature's diagonal, (n_parameters,)."""
        # T^T diag T: intercepts have none, so that off the diagonal there is none.
        return self.pulled(self.pulled(self.l2 / self.divisor * self.shrunk))

    def is_top(self, evaluation, tol):
        """Whether no component of the mean objective's gradient exceeds tol.

        In coordinates, neither in them nor in the features' own units: the one alone
        would stop at the start for features of 1e-9, the other never for features of
        1e9, whose gradient's rounding errors exceed tol. These, where they do, stand in
        for it: what the float type resolves of usual values or, at a single neuron, of
        the very terms that are summed, which takes a pass.
        """
        gradient = evaluation.gradient * (self.divisor / self.total_weight)
        to, largest = self.coordinates, float(np.abs(gradient).max())
        if to is None:
            return largest <= max(tol, self.resolution)
        farthest, theta = to.farthest, evaluation.theta
        if farthest > 1:  # a logit of absurd values is rounded itself
            farthest *= 1 + farthest * np.abs(theta).sum()
        if largest > max(tol, self.resolution * farthest):
            return False

        both = np.abs(np.append(gradient, to.slope(self._first_layer(gradient))))
        if both.max() <= tol:
            return True

        def within(rounding_of_gradient, rounding_of_slope):
            rounding = np.append(rounding_of_gradient, rounding_of_slope)
            return bool(np.all(both <= np.maximum(tol, self.resolution * rounding)))

        sizes = np.ones_like(gradient)
        first = self._first_layer(sizes)
        usual = to.slope(first, sizes=True)
        first[: len(to.scale)] *= np.reshape(to.reach, (-1, 1))
        settled = within(sizes, usual)
        if settled or not self.network.is_one_layer:
            return settled
        # What rounds absurd values, and logits of large terms, is no more than this.
        sizes *= 1 + np.abs(sizes * theta).sum()
        settled = within(sizes, to.slope(first, sizes=True))
        if not settled or is_elsewhere(self.rows.X):
            return settled
        return within(*self._rounding(theta))

    def _rounding(self, theta):
        """The sizes of what is rounded in the mean gradient, at most.

        In coordinates, flat, and in the features' own units, (n_features, n_logits).
        """
        read = self._first_layer(self.as_read(theta)).astype(np.float64)
        errors = self._total(sums.rounding_errors, self.likelihood, read)
        errors /= self.total_weight
        if not self._chained:
            return errors.ravel(), self.coordinates.slope(errors, sizes=True)
        own = self.coordinates.in_own_units(errors[: self.network.sizes[0]] + 0.0)
        self.coordinates.pull(errors, sizes=True)
        return errors.ravel(), own

    # Its parameters ------------------------------------------------------------------

    def _first_layer(self, theta):
        """The first layer, (n_inputs, any): a view into theta, or what is one alone."""
        size = self.n_inputs * self.network.shapes[0][1]
        return array_namespace(theta).reshape(theta[:size], (self.n_inputs, -1))

    def _mapped(self, theta, change):
        theta = array_namespace(theta).asarray(theta, copy=True)
        change(self._first_layer(theta))
        return theta

    def as_read(self, theta):
        """The network's parameters for the features as they are read.

        Of all parameters, or of a first layer alone, (n_inputs, any).
        """
        if not self._chained:
            return theta
        return self._mapped(theta, self.coordinates.to_parameters)

    def pulled(self, theta):
        """The transpose of :meth:`as_read`, in place."""
        if self._chained:
            self.coordinates.pull(self._first_layer(theta))
        return theta

    def parameters(self, theta, dtype=np.float64):
        """The network's own parameters at theta, if they are to be of a float type."""
        to = self.coordinates and partial(self.coordinates.to_given, dtype=dtype)
        return theta if to is None else self._mapped(theta, to)

    def is_told_exactly(self, position):
        """Whether the network's own parameters say the same log-likelihood, to 1e-12.

        The terms of a logit are rounded there, and so is the intercept by offsets.
        """
        to, is_double = self.coordinates, self.noise <= 1e-12
        if to is None or (self._chained and to.exponents is None):
            return is_double  # they are what the features are read with
        terms = to.largest_terms(self._first_layer(position.theta)).sum()
        rounded = self.noise * self.total_weight * terms
        is_little = rounded <= 1e-12 * abs(position.log_likelihood)
        return is_double and self.network.is_one_layer and is_little

    def at(self, parameters):
        """Where the network has these parameters of its own."""
        to = self.coordinates
        return parameters if to is None else self._mapped(parameters, to.from_given)


def largest_safe_rate(objective):
    """The largest fixed rate at which gradient ascent cannot lower the objective.

    For a network without hidden layers the curvature is nowhere above
    ``c X1^T diag(w) X1`` (X1: the features, and a 1 for the intercept; c: 1/4 for a
    sigmoid, after Boehning & Lindsay, 1988, and 1/2 for a softmax). With L
    its largest eigenvalue plus the penalty's, a step of ``eta`` along the gradient
    gains at least ``eta (1 - eta L / 2) |gradient|^2``: never negative up to 2 / L.

    Parameters
    ----------
    objective : Objective
        The rate is for its coordinates and its reduction.

    Returns
    -------
    rate : float
        inf for features that are all zero, without an intercept.
    """
    n_logits = objective.network.sizes[1]
    rows, n_inputs = objective.rows, objective.n_inputs
    bound = objective.likelihood.largest_curvature
    # Keeps sums of the squares of 1e200 finite.
    largest = float(rows.largest_sizes().max()) if rows.centre is None else 1.0
    unit = largest if largest > np.finfo(rows.dtype).max ** (1 / 3) else 1.0
    first_logit = objective.shrunk[: n_inputs * n_logits : n_logits, None]
    shrunk = objective.l2 / bound / unit * first_logit

    def apply(directions):
        theta = objective.as_read(directions.reshape(n_inputs, -1) / unit)
        total = rows.total(partial(sums.times_squares, objective.network, theta, unit))
        return objective.pulled(total + shrunk * theta)

    if n_inputs <= 500:
        largest = np.linalg.eigvalsh(apply(np.eye(n_inputs)))[-1]
    else:
        operator = LinearOperator((n_inputs, n_inputs), matvec=apply, dtype=float)
        start = np.ones(n_inputs)
        largest = eigsh(operator, k=1, v0=start, return_eigenvectors=False)[0] * 1.0001
    curvature = bound * max(float(largest), 0.0)
    return 2.0 * objective.divisor / curvature / unit / unit if curvature else np.inf
