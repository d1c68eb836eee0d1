"""The objective: the penalised log-likelihood of a network, mean or sum.

A climb sees nothing else of a model: value, gradient and, if asked, curvature at a
flat parameter vector.
"""

import copy
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from .. import _kernels
from .._arrays import (
    array_namespace,
    beside,
    is_elsewhere,
    is_numpy,
    largest_size,
    like,
    to_host,
)
from .likelihood import by_logit
from .rows import largest_sizes


@dataclass
class Evaluation:
    """What an objective knows at one point.

    Attributes
    ----------
    log_likelihood : float
        Total, weighted, without the penalty.
    value : float
        The objective: penalised, and divided by the total weight for a mean.
    gradient : array of shape (n_parameters,)
        Of `value`.
    curvature : list of (indices, matrix)
        Minus the second derivatives of `value`, block-diagonal: a block's places in
        the parameter vector, (size,), and its matrix, (size, size), made definite along
        the shift of all logits that softmax cannot see. Empty unless asked for.
    """

    log_likelihood: float
    value: float
    gradient: np.ndarray
    curvature: list = field(default_factory=list)


class Objective:
    """``(LL(theta) - sum(l2 theta^2) / 2) / total_weight``, or that undivided.

    Parameters
    ----------
    network : Network
    likelihood : Bernoulli, Categorical or Joint
    rows : Rows
    l2 : float, default=0.0
        Strength of the penalty on the weights; intercepts go free.
    reduction : {"mean", "sum"}, default="mean"
        Whether to divide by the total weight of the examples.
    """

    def __init__(self, network, likelihood, rows, l2=0.0, reduction="mean"):
        self.network, self.likelihood, self.rows = network, likelihood, rows
        self.l2 = l2
        self.reduction = reduction
        #: What the penalty takes l2 times: 1 at weights, 0 at intercepts. None: no l2.
        self.shrunk = network.weight_mask() if l2 else None
        self._exponents = 0  # of the units that the features are read in
        self.n_parameters = network.n_parameters
        self.total_weight = rows.total_weight
        self.divisor = rows.total_weight if reduction == "mean" else 1.0
        #: Relative rounding error of the value: of the data's float type.
        self.noise = float(np.finfo(rows.dtype).eps)
        #: What the float type of the data resolves of a gradient.
        self.resolution = 64 * self.noise

    def reduced(self, reduction):
        """The same objective as a mean or as a sum."""
        return Objective(
            self.network, self.likelihood, self.rows, self.l2, reduction=reduction
        )

    def in_units(self, exponents):
        """The objective of the weights of features divided by 2 to their exponents."""
        return self._with_rows(self.rows.in_units(exponents), exponents)

    def centred(self, mean, scale):
        """The objective of the weights of features read as (x - mean) / scale."""
        return self._with_rows(self.rows.centred(mean, scale), np.log2(scale))

    def _with_rows(self, rows, exponents):
        other = copy.copy(self)
        other.rows = rows
        if self.l2:  # the penalty stays on the weights of the features as they were
            other._exponents = self._exponents + exponents
            other.shrunk = self.shrunk.copy()
            weights, _ = self.network.layers(other.shrunk)[0]
            weights[...] = np.exp2(np.clip(-2 * other._exponents, -1000, 1000))[:, None]
        return other

    def part(self, at, *, whole_penalty):
        """The objective of some of the rows alone: a mini-batch.

        A mean divides by the number of rows times the mean weight of all rows, so that
        a batch of light rows takes a light step. The batch bears the whole penalty, or
        its share by rows.
        """
        return self.on(self.rows.take(at), whole_penalty=whole_penalty)

    def parts(self, *, whole_penalty):
        """A function that says of some rows, at theta, what :meth:`part` says.

        It takes their places and theta, and returns their log-likelihood and the
        gradient of their objective. Of rows on a device, all are there.
        """
        base = self
        if self.l2 and is_elsewhere(self.rows.X):
            base = copy.copy(self)
            base.shrunk = beside(self.shrunk, self.rows.X)

        def part(at, theta):
            there = base.part(at, whole_penalty=whole_penalty).evaluate(theta)
            return there.log_likelihood, there.gradient

        return part

    def compiled_steps(self, size, *, whole_penalty):
        """A function that takes a step for each mini-batch; None: no kernel can.

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
        X, places = self.rows.in_place()
        if X is None:
            return None
        n, dtype = self.rows.n_rows, self.rows.dtype
        shrunk = None
        if self.l2:  # what is beyond the float type is as good as without end
            shrunk = np.minimum(self.shrunk, np.finfo(dtype).max).astype(dtype)
        l2, divisor = (self.l2, 0.0), (self.divisor, 0.0)
        if not whole_penalty:
            l2 = 0.0, self.l2 / n
        if self.reduction == "mean":
            divisor = 0.0, self.total_weight / n

        def steps(order, theta, rates, **memory):
            own = theta.astype(dtype, copy=False)
            total = _kernels.epoch(
                X,
                self.rows.codes,
                self.likelihood,
                self.network,
                own,
                order=order,
                places=places,
                n_rows=n,
                batch=size,
                rates=rates,
                weights=self.rows.weights,
                centre=self.rows.inverse_centre(),
                shrunk=shrunk,
                l2=l2,
                divisor=divisor,
                **memory,
            )
            theta[...] = own
            return total

        return steps

    def sample(self, n_rows):
        """The objective of about `n_rows` of the rows, with their share of the penalty.

        Its mean is an estimate of the mean of all.
        """
        return self.on(self.rows.sample(n_rows), whole_penalty=False)

    def on(self, rows, *, whole_penalty):
        """The objective of `rows`, some of these: that of :meth:`part`."""
        other = copy.copy(self)
        other.rows = rows
        other.l2 = self.l2_of(rows.n_rows, whole_penalty)
        other.total_weight = self.total_weight * self.share_of(rows.n_rows)
        other.divisor = self.divisor_of(rows.n_rows)
        return other

    def share_of(self, n_rows):
        """The share that so many rows are of these."""
        return n_rows / self.rows.n_rows

    def l2_of(self, n_rows, whole_penalty):
        """The penalty's strength that so many of the rows bear."""
        return self.l2 * (1.0 if whole_penalty else self.share_of(n_rows))

    def divisor_of(self, n_rows):
        """What the sum over so many of the rows is divided by."""
        if self.reduction == "sum":
            return 1.0
        return self.total_weight * self.share_of(n_rows)

    def evaluate(self, theta, *, curvature=False):
        """Value, gradient and, if asked, curvature at theta.

        Parameters
        ----------
        theta : array of shape (n_parameters,)
            Sums over blocks are kept in its float type. On the host or beside the rows:
            what comes back is where it is.
        curvature : bool, default=False
            Only for a network without hidden layers.

        Returns
        -------
        Evaluation
            Of the parts of a batch that is on a device, figures are 0-d arrays: to look
            at one would be to wait for it.
        """
        sums = self.rows.total(
            partial(
                sums_over_rows,
                self.network,
                self.likelihood,
                theta,
                self.divisor,
                curvature=curvature,
            )
        )
        gradient = sums.gradient
        value = sums.log_likelihood - self.penalty(theta)
        if self.l2:
            shrunk = (self.l2 / self.divisor * self.shrunk) * theta
            xp = array_namespace(theta)
            gradient -= xp.astype(shrunk, theta.dtype, copy=False)
        return Evaluation(
            sums.log_likelihood,
            value / self.divisor,
            gradient,
            self._curvature(sums.pairs),
        )

    @cached_property
    def _blocks(self):
        """The logits of each block of the curvature, and its places in theta."""
        width, n_logits = self.network.sizes[0] + self.network.fit_intercept, 0
        blocks = []
        for size in np.maximum(self.likelihood.widths, 1).tolist():
            logits = range(n_logits, n_logits + size)
            places = np.arange(width) * self.likelihood.n_logits
            blocks.append((logits, np.add.outer(places, logits).reshape(-1)))
            n_logits += size
        return blocks

    def _curvature(self, pairs):
        """The blocks of `Evaluation.curvature`, from the sums of pairs of logits."""
        blocks = []
        for logits, indices in self._blocks if pairs else ():
            size, n = len(logits), len(indices)
            if size == 1:
                matrix = pairs[logits[0], logits[0]].astype(np.float64, copy=False)
                blocks.append((indices, self._penalised(indices, matrix)))
                continue
            squares = np.stack(
                [pairs[min(a, c), max(a, c)] for a in logits for c in logits]
            )
            # Softmax cannot see a shift of all its logits: there the curvature is 0,
            # and the gradient too. Any definite matrix in that place keeps the
            # directions that it can see, and spares their solver a singular matrix.
            squares += squares[:: size + 1].sum(axis=0) / size**2
            squares = squares.reshape(size, size, n // size, n // size)
            matrix = squares.transpose(2, 0, 3, 1).astype(np.float64, order="C")
            blocks.append((indices, self._penalised(indices, matrix.reshape(n, n))))
        return blocks

    def _penalised(self, indices, matrix):
        """The curvature, from that of the log-likelihood's sum; in its place."""
        if self.l2:
            matrix.reshape(-1)[:: len(matrix) + 1] += self.l2 * self.shrunk[indices]
        matrix /= self.divisor
        return matrix

    def log_likelihood(self, theta):
        """The total log-likelihood alone: a forward pass."""
        layers = self.network.layers(like(theta, self.rows.X))
        return self.rows.total(
            partial(log_likelihood, self.network, self.likelihood, layers)
        )

    def penalty(self, theta):
        """``sum(l2 theta^2) / 2``, over the weights."""
        if not self.l2:
            return 0.0
        if is_numpy(theta):
            return 0.5 * self.l2 * float((self.shrunk * theta) @ theta)
        return 0.5 * self.l2 * array_namespace(theta).sum(self.shrunk * theta * theta)

    def is_top(self, evaluation, tol):
        """Whether no component of the mean objective's gradient exceeds tol.

        Where tol is below what the float type of the data resolves, that resolution
        stands in for it.
        """
        gradient = evaluation.gradient * (self.divisor / self.total_weight)
        return largest_size(gradient) <= max(tol, self.resolution)

    @property
    def n_rows(self):
        """How many examples there are."""
        return self.rows.n_rows

    @property
    def place(self):
        """An array where the rows are."""
        return self.rows.X

    @property
    def base(self):
        """The objective in the network's own parameters: this one."""
        return self

    def first_layer_parameters(self, matrix):
        """The map from coordinates to W and b, on columns of a matrix: identity."""
        return matrix

    def first_layer_gradient(self, matrix):
        """The map's transpose: identity."""
        return matrix

    def parameters(self, theta):
        """The network's own parameters at theta: here, theta."""
        return theta

    def coordinates(self, theta):
        """The climb's coordinates of the network's own parameters: here, the same."""
        return theta


@dataclass
class Sums:
    """What some rows give of each sum over the examples; ``+`` puts rows together.

    Attributes
    ----------
    log_likelihood : float
    gradient : array of shape (n_parameters,)
    pairs : dict
        Of the curvature, as :meth:`Network.add_curvature` has them.
    """

    log_likelihood: float
    gradient: np.ndarray
    pairs: dict = field(default_factory=dict)

    def __add__(self, other):
        return Sums(
            self.log_likelihood + other.log_likelihood,
            self.gradient + other.gradient,
            {pair: self.pairs[pair] + other.pairs[pair] for pair in self.pairs},
        )


def sums_over_rows(network, likelihood, theta, divisor, rows, *, curvature):
    """Log-likelihood, its gradient divided by `divisor`, and curvature: block by block.

    Parameters
    ----------
    network : Network
    likelihood : Bernoulli, Categorical or Joint
    theta : array of shape (n_parameters,)
        Sums over blocks are kept in its float type. It is on the host or beside the
        rows, and so are the sums.
    divisor : float
    rows : Rows
    curvature : bool

    Returns
    -------
    sums : Sums
    """
    passes = None
    if network.is_one_layer and is_numpy(theta):
        passes = rows.passes(likelihood, network.fit_intercept)
    if passes is not None:
        total, theta = None, theta.reshape(-1, likelihood.n_logits)
        for sums_at in passes:
            (value,), gradient, pairs = sums_at(theta, curvature=curvature)
            share = Sums(float(value), gradient, pairs)
            total = share if total is None else total + share
        gradient = total.gradient.reshape(-1) / divisor
        total.gradient = gradient.astype(theta.dtype, copy=False)
        return total
    if is_numpy(theta) and not curvature:
        found = _compiled_network(network, likelihood, theta, rows, gradients=True)
        if found is not None:
            return Sums(found[0], (found[1] / divisor).astype(theta.dtype, copy=False))
    there, xp = beside(theta, rows.X), array_namespace(rows.X)
    layers, dtype = network.layers(like(there, rows.X)), there.dtype
    total, gradient, sums = 0.0, None, {}
    for block in rows.blocks(2 * sum(network.sizes[1:])):
        activations = network.forward(layers, block.X)
        logits, w = activations[-1], block.weights
        if curvature:
            pairs = likelihood.couplings(logits)
            if w is not None:
                each = by_logit(likelihood, w)
                pairs = {
                    (a, c): each[:, a if each.shape[1] > 1 else 0] * value
                    for (a, c), value in pairs.items()
                }
            network.add_curvature(sums, block.X, pairs)
        some, residual = likelihood.sum_and_residual(logits, block.codes, w)
        total += some
        residual /= divisor
        share = xp.empty(network.n_parameters, dtype=logits.dtype, device=logits.device)
        network.backward(layers, activations, residual, network.layers(share))
        if share.dtype != dtype:
            share = xp.astype(share, dtype)
        gradient = share if gradient is None else gradient + share
    if not is_numpy(theta):
        return Sums(total, gradient, sums)
    # Once for all blocks, as this waits for them.
    sums = {pair: to_host(whole) for pair, whole in sums.items()}
    return Sums(float(total), like(gradient, theta), sums)


def _compiled_network(network, likelihood, theta, rows, *, gradients):
    """Log-likelihood and gradient of a network; None: no kernel can read the rows."""
    X, places = rows.in_place()
    if X is None or len(rows.spans) > 1:
        return None
    return _kernels.network_sums(
        X,
        rows.codes,
        likelihood,
        network,
        theta.astype(rows.dtype, copy=False),
        places=places,
        gradients=gradients,
        weights=rows.weights,
        centre=rows.inverse_centre(),
    )


def largest_safe_rate(objective):
    """The largest fixed rate at which gradient ascent cannot lower the objective.

    For a network without hidden layers the curvature is nowhere above
    ``c X1^T diag(w) X1`` (X1: the features, and a 1 for the intercept; c: 1/4 for
    Bernoulli, after Boehning & Lindsay, 1988, and 1/2 for Categorical outputs). With L
    its largest eigenvalue plus the penalty's, a step of ``eta`` along the gradient
    gains at least ``eta (1 - eta L / 2) |gradient|^2``: never negative up to 2 / L.

    Parameters
    ----------
    objective : Objective or Standardised
        The rate is for its coordinates and its reduction.

    Returns
    -------
    rate : float
        inf for features that are all zero, without an intercept.
    """
    base = objective.base
    network, rows = base.network, base.rows
    n_inputs = network.sizes[0] + network.fit_intercept
    bound = base.likelihood.largest_curvature
    # Keeps the squares of 1e200 finite.
    unit = 1.0
    if rows.centre is None:
        unit = max(unit, float(rows.total(largest_sizes, np.maximum).max()))
    shrunk = 0.0
    if base.l2:
        first_logit = base.shrunk[: n_inputs * network.sizes[1] : network.sizes[1]]
        shrunk = (base.l2 / bound / unit * first_logit)[:, None]

    def apply(directions):
        theta = objective.first_layer_parameters(
            directions.reshape(n_inputs, -1) / unit
        )
        total = rows.total(partial(_products, network.sizes[0], theta, unit))
        total += shrunk * theta
        return objective.first_layer_gradient(total)

    if n_inputs <= 500:
        largest = np.linalg.eigvalsh(apply(np.eye(n_inputs)))[-1]
    else:
        operator = LinearOperator((n_inputs, n_inputs), matvec=apply, dtype=float)
        start = np.ones(n_inputs)
        largest = eigsh(operator, k=1, v0=start, return_eigenvectors=False)[0] * 1.0001
    curvature = bound * max(float(largest), 0.0)
    return 2.0 * base.divisor / curvature / unit / unit if curvature else np.inf


def _products(n_features, theta, unit, rows):
    """``X1^T diag(w) X1 theta / unit`` of some rows, (n_inputs, any)."""
    total = np.zeros_like(theta)
    there, xp = beside(theta, rows.X), array_namespace(rows.X)
    slope, shift = there[:n_features, :], xp.sum(there[n_features:, :], axis=0)
    for block in rows.blocks(len(theta)):
        X = block.X if is_numpy(there) else xp.astype(block.X, there.dtype)
        z = X @ slope + shift
        if block.weights is not None:
            w = block.weights
            w = w if w.ndim == 1 else xp.max(w, axis=1)
            z *= xp.astype(w, z.dtype, copy=False)[:, None]
        z /= unit
        total[:n_features] += to_host(X.T @ z)
        total[n_features:] += to_host(xp.sum(z, axis=0))
    return total


def log_likelihood(network, likelihood, layers, rows, *, guarded=False):
    """The total, weighted log-likelihood of rows that a network's layers give."""
    passes = None
    if network.is_one_layer:
        passes = rows.passes(likelihood, network.fit_intercept)
    if passes is not None:
        theta = network.flatten(layers).reshape(-1, likelihood.n_logits)
        values = [sums_at(theta, gradients=False)[0][0] for sums_at in passes]
        if np.isfinite(sum(values)) or not guarded:
            return float(sum(values))
    elif not is_elsewhere(layers[0][0]):
        theta = network.flatten(layers)
        found = _compiled_network(network, likelihood, theta, rows, gradients=False)
        if found is not None and (np.isfinite(found[0]) or not guarded):
            return found[0]
    total = 0.0
    for block in rows.blocks(2 * sum(network.sizes[1:])):
        logits = network.forward(layers, block.X, guarded=guarded)[-1]
        total += likelihood.total(logits, block.codes, block.weights)
    return float(total)
