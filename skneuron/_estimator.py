"""What both estimators share: the skeleton of fit, and the tags.

This is where the model and the climb meet. An estimator adds its parameters, its
network, and its choice of climb.
"""

import copy
import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ._arrays import (
    array_namespace,
    beside,
    is_elsewhere,
    like,
    numbers_may_end,
    to_host,
)
from ._ascent import Any, Batches, Plateau, climb
from ._dask import is_dask
from ._labels import (
    check_data,
    check_two_classes,
    example_weights,
    find_targets,
    rows_that_count,
)
from ._model import Network, Objective, Rows, Standardised, largest_safe_rate
from ._predictions import Predictions, check_same_place
from ._remote_reading import read_elsewhere
from ._remote_rows import RemoteBatches
from ._threads import one_blas
from ._watch import ValidationScores, Watch
from .exceptions import SeparationWarning


@dataclass
class Plan:
    """An estimator's choice of climb.

    Attributes
    ----------
    objective : Objective or Standardised
    walk : callable
        ``walk(objective, theta)`` gives the iterator of positions.
    stop : Top or Plateau
    memory : dict
        What a later fit needs to go on as if this one had not ended.
    rate : float or None
        The learning rate, where a number was asked for.
    theta_dtype : dtype, default=float64
        The float type of the parameters during the climb.
    exact_curve : bool
        Whether the curve's values are the log-likelihood after each iteration.
    """

    objective: object
    walk: object
    stop: object
    memory: dict = field(default_factory=dict)
    rate: float | None = None
    theta_dtype: object = np.float64
    exact_curve: bool = True

    @cached_property
    def safe_rate(self):
        """The largest rate that cannot lower the objective: no hidden layers."""
        return largest_safe_rate(self.objective)


class NeuronClassifier(
    Predictions, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Base of the two estimators: a network whose log-likelihood is climbed.

    A subclass gives ``_check_parameters``, ``_hidden_layer_sizes``, ``_activation``,
    ``_l2``, ``_start``, ``_plan``, ``_memory_settings``, ``_overshot`` and
    ``_overshoot_message``, and maps layers to its public attributes and back with
    ``_layer_attributes`` and ``_layers``.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags

    # Training ----------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Climb the log-likelihood of the training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features. float32 stays float32; other types become float64. Dask arrays and
            dataframes are left where they lie, and so are a y and weights cut as X is.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels: of one output, 0/1 indicators of several (multilabel), or labels of
            several (multiclass-multioutput).
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each sample counts; not negative.

        Returns
        -------
        self : estimator
            Fitted.

        Raises
        ------
        ValueError
            If a parameter, X, y or sample_weight is not usable. The estimator is left
            as it was.

        Warns
        -----
        ConvergenceWarning
            If the climb ended before its top: at `max_iter`, by an interrupt, or
            because the learning rate is too large.
        SeparationWarning
            In its place, or of a climb that met `tol`: if there is no top, as the
            classes separate and logistic regression has no penalty (``C=np.inf``). It
            names the features, and the outputs, of which that is so.
        """
        with _all_or_nothing(self), numbers_may_end(), one_blas():
            return self._fit(X, y, sample_weight)

    def _partial_fit(self, X, y, classes, sample_weight):
        with _all_or_nothing(self), numbers_may_end(), one_blas():
            return self._fit(X, y, sample_weight, classes=classes, partial=True)

    def _fit(self, X, y, sample_weight, classes=None, partial=False):
        """The skeleton: read the data, plan, climb, keep what was found."""
        self._check_parameters()
        if partial and hasattr(self, "classes_"):
            check_same_place(X, self, "partial_fit")
        given = {"X": X, "y": y, "metadata": None}
        if sample_weight is not None:
            given["metadata"] = {"sample_weight": sample_weight}
        known = hasattr(self, "classes_")
        going_on = known and (partial or self.warm_start)
        # A copy: if this fit fails, the fit to go on from is the old one.
        state = copy.deepcopy(getattr(self, "_state", {})) if going_on else {}
        rng = state.get("rng") or check_random_state(self.random_state)

        targets, rows, counts = self._read(
            X,
            y,
            sample_weight,
            known=self.classes_ if going_on else None,
            classes=classes,
            partial=partial,
            counts=state.get("class_counts") if partial else None,
        )
        place = None  # a memory that lies on a device is of use there alone
        if is_elsewhere(rows.X):
            place = array_namespace(rows.X).__name__, str(rows.X.device)
        settings = *self._memory_settings(partial), self.fit_intercept, place
        if self.warm_start and not partial:  # what was learned of other data is no use
            settings = *settings, rows.fingerprint()
        memory = state.get("memory", {}) if state.get("settings") == settings else {}
        validation = split_seed = None
        if getattr(self, "early_stopping", False) and not partial:
            split_seed = state.get("split_seed") or rng.randint(1, 2**31 - 1)
            rows, validation = self._split(rows, targets, split_seed)
        n_features, n_logits = rows.X.shape[1], targets.likelihood.n_logits
        sizes = [n_features, *self._hidden_layer_sizes(), n_logits]
        network = Network(sizes, self._activation(), self.fit_intercept)
        objective = Objective(network, targets.likelihood, rows, self._l2())
        if going_on:
            theta = self._fitted_parameters(network)
            if "kept" in state and np.array_equal(theta, to_host(state["kept"])):
                # With the digits that the attributes round off.
                theta = to_host(state["theta"])

        plan = self._plan(objective, memory, rng, partial)
        if going_on:
            theta = plan.objective.coordinates(theta)
        else:  # small numbers are small in the coordinates of the climb
            theta = self._start(network, rng)
        theta = theta.astype(plan.theta_dtype)
        stops, scores = [] if partial else [plan.stop], None
        if validation is not None:
            scores = ValidationScores(plan.objective, network, targets, validation)
            best = plan.memory.get("best") or Plateau(None, 0, 0)
            best.figure, best.tol = scores, self.tol
            best.patience = self.n_iter_no_change
            # It stands in for a plateau of the log-likelihood, and joins a top.
            stops = [best, *(stop for stop in stops if not isinstance(stop, Plateau))]

        def attributes(position):
            return self._fitted(plan.objective, position.theta, targets, rows)

        max_iter = 1 if partial else self.max_iter
        context = self._init_callback_context(max_subtasks=max_iter)
        context.call_on_fit_task_begin(estimator=self, **given)
        watch = Watch(self, context, given, attributes, plan.objective.total_weight)
        result = climb(
            plan.walk(plan.objective, theta),
            max_iter=max_iter,
            stop=Any(stops),
            watch=watch,
            noise=plan.objective.noise,
        )
        watch.close(result)

        position = self._keep(
            result,
            plan,
            best.best_position if scores else None,
            adding=partial and hasattr(self, "log_likelihood_curve_"),
        )
        for name, value in attributes(position).items():
            setattr(self, name, value)
        if scores is not None:
            plan.memory["best"], best.figure = best, None
            self.validation_scores_ = beside(
                np.array(scores.history[-self.n_iter_ :][: self.n_iter_]), rows.X
            )
        elif hasattr(self, "validation_scores_"):
            del self.validation_scores_
        self._state = {}
        if partial or self.warm_start:
            last = plan.objective.parameters(result.position.theta.astype(np.float64))
            self._state = {
                "settings": settings,
                "memory": plan.memory,
                "rng": rng,
                "split_seed": split_seed,
                "class_counts": counts,
                "theta": last,
                "kept": self._fitted_parameters(network),
            }
        context.call_on_fit_task_end(
            estimator=self, **given, reconstruction_attributes={}
        )
        self._warn(result, plan, theta, rows, partial)
        return self

    def _fitted(self, objective, theta, targets, rows):
        """The public attributes that say what was learned, where the rows are."""
        parameters = objective.parameters(theta).astype(rows.dtype)
        layers = objective.base.network.layers(parameters)
        learned = {
            name: [beside(of, rows.X) for of in value]
            if isinstance(value, list)
            else beside(value, rows.X)
            for name, value in self._layer_attributes(layers).items()
        }
        return {
            **learned,
            "classes_": targets.classes,
            "n_parameters_": len(parameters),
        }

    def _read(self, X, y, sample_weight, *, known, classes, partial, counts):
        """Validate the data: targets, rows, and the weight of each output's classes."""
        reset = not (partial and hasattr(self, "classes_"))
        given = self, X, y, sample_weight
        asked = {"known": known, "classes": classes, "partial_fit": partial}
        read = read_elsewhere if is_dask(X) else _read_here
        targets, rows, counts = read(*given, **asked, counts=counts, reset=reset)
        if not rows.total_weight <= np.finfo(rows.dtype).max:
            raise ValueError(
                f"sample_weight sums to more than the largest {rows.dtype}, the type "
                "of the features. Divide the weights by a constant."
            )
        if not np.isfinite(self._l2() / rows.total_weight):
            raise ValueError(
                f"sample_weight sums to {rows.total_weight}: too small beside the "
                "penalty. Multiply the weights by a constant."
            )
        return targets, rows, counts

    def _keep(self, result, plan, best, adding):
        """Set the figures of the climb, and return the position that is kept.

        It is the climb's last, unless early stopping found a better one; or the one
        before, if the last turns out to lie where the log-likelihood is no number.
        """
        position = result.position if best is None else best
        exact = position.log_likelihood
        if not plan.exact_curve:
            try:
                exact = plan.objective.log_likelihood(position.theta)
                if not np.isfinite(exact) and result.before is not None:
                    result.diverged = result.fell = True
                    result.position = position = result.before
                    result.curve.pop()
                    exact = plan.objective.log_likelihood(position.theta)
            except KeyboardInterrupt:
                result.interrupted = True
            if position is result.position:
                result.curve[-1] = exact
        curve = np.array(result.curve)
        if adding:
            curve = np.concatenate([to_host(self.log_likelihood_curve_), curve[1:]])
        self.log_likelihood_ = float(exact)
        self.log_likelihood_curve_ = beside(curve, plan.objective.base.rows.X)
        self.n_iter_ = len(curve) - 1
        self.converged_ = result.converged and not result.diverged
        return position

    def _split(self, rows, targets, seed):
        """Set rows aside for early stopping, class by class for a single output."""
        least = 1 if targets.several else len(targets.per_output[0])
        aside = max(math.ceil(self.validation_fraction * rows.n_rows), least)
        if aside + least > rows.n_rows:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} sets {aside} samples aside, at least one "
                f"for each class: too many when n_samples = {rows.n_rows}. Give more "
                "samples, or set early_stopping=False."
            )
        return rows.split(aside, seed, by_class=not targets.several)

    def _fitted_parameters(self, network):
        layers = self._layers
        expected = [(a, b) for a, b in zip(network.sizes, network.sizes[1:])]
        found = [weights.shape for weights, _ in layers]
        if found != expected:
            raise ValueError(
                "The fit to go on from has weights of shapes "
                f"{found}, but this network has {expected}. Set warm_start=False, or "
                "clone the estimator, to start again."
            )
        dtype = np.float64
        return network.flatten(
            [
                tuple(np.asarray(to_host(part), dtype) for part in layer)
                for layer in layers
            ]
        )

    def _no_maximum(self, result, plan, rows):
        """What to say where the climb could not have a top; None: it could."""
        return None

    def _warn(self, result, plan, start, rows, partial):
        """Say what a user should know of how the climb ended."""
        n, category = result.n_iter, ConvergenceWarning
        overshot = plan.rate is not None and self._overshot(result)
        endless = None
        cut_short = result.interrupted or result.diverged or result.stopped
        if not (partial or overshot or cut_short):
            try:
                endless = self._no_maximum(result, plan, rows)
            except KeyboardInterrupt:  # as in the climb itself
                result.interrupted = True
        if result.interrupted:
            message = (
                f"The climb was interrupted after {n} iterations; the estimator keeps "
                "what it had reached."
            )
        elif overshot:
            message = self._overshoot_message(result, plan, start)
        elif result.diverged:
            message = (
                f"The climb stopped after {n} iterations, where numbers overflow: "
                "scale the features, for example with StandardScaler."
            )
        elif result.stopped or partial:
            return
        elif endless:
            message, category = endless, SeparationWarning
        elif result.converged:
            return
        elif n < self.max_iter:
            message = (
                f"The climb stopped after {n} iterations, where no step raises the "
                f"log-likelihood any more, before its gradient was below tol={self.tol}"
                ". Increase tol."
            )
        else:
            message = (
                f"The climb stopped at max_iter={self.max_iter} before it met "
                f"tol={self.tol}. Increase max_iter or tol"
                + (
                    f", or change learning_rate={plan.rate}."
                    if plan.rate is not None
                    else "."
                )
            )
        warnings.warn(message, category, stacklevel=5)


def _read_here(
    estimator, X, y, sample_weight, *, known, classes, partial_fit, counts, reset
):
    """Validate data in memory: what `_read` gives of them."""
    X, y, sample_weight = check_data(estimator, X, y, sample_weight, reset=reset)
    targets = find_targets(y, known=known, classes=classes, partial=partial_fit)
    codes = beside(targets.encode(y), X)
    weights, counts = example_weights(
        estimator.class_weight, targets, codes, sample_weight, counts
    )
    if weights is not None and is_elsewhere(X):
        weights = like(weights, X)  # as other namespaces mix no types
    rows = Rows(X, codes, weights)
    counting = rows_that_count(weights)
    if counting is not None:
        if not len(counting):
            raise ValueError(
                "No sample counts: sample_weight times class_weight is 0 for all."
            )
        rows = rows.only(counting)
    if not (partial_fit or targets.several):
        check_two_classes(rows.codes, targets.per_output[0])
    return targets, rows, counts


def batches_of(rows, size, rng):
    """Mini-batches of rows, here or elsewhere; shuffled by `rng`, unless it is None."""
    if rows.lie_here:
        return Batches(rows.n_rows, size, rng)
    return RemoteBatches(rows, size, rng)


def standardised(objective, memory, *, partial, **unit):
    """The objective in standardised coordinates, and the memory that is valid there.

    A stream stays in the coordinates of its first batch. A fit has those of its data;
    a memory of others is dropped. `unit` is what else :class:`Standardised` takes.
    """
    if partial and "moments" in memory:
        return Standardised(objective, memory["moments"], **unit), memory
    found = Standardised(objective, **unit)
    if "moments" in memory and not _same(found.moments, memory["moments"]):
        memory = {}
    return found, {**memory, "moments": found.moments}


def _same(moments, others):
    return np.array_equal(moments[0], others[0]) and np.array_equal(
        moments[1], others[1]
    )


@contextmanager
def _all_or_nothing(estimator):
    """Put the fitted attributes back as they were if the fit fails."""

    def fitted():
        return {
            name: value
            for name, value in vars(estimator).items()
            if name == "_state" or (name.endswith("_") and not name.startswith("_"))
        }

    before = fitted()
    try:
        yield
    except BaseException:
        for name in fitted():
            delattr(estimator, name)
        vars(estimator).update(before)
        raise


def round_down(number):
    """A number with four digits that is not above the given one."""
    if not (number > 0 and math.isfinite(number)):
        return number
    unit = 10.0 ** (math.floor(math.log10(number)) - 3)
    return math.floor(number / unit) * unit if unit > 0 else number


def learns_from_streams(estimator):
    """Whether partial_fit is there: `available_if`'s question."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is not for solver='lbfgs', which learns from steps on one and "
            "the same data; choose another solver."
        )
    if getattr(estimator, "early_stopping", False) is True:
        raise AttributeError(
            "partial_fit is not for early_stopping=True: it runs one epoch and sets no "
            "data aside."
        )
    return True
