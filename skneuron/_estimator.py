"""What both estimators share: validation, the skeleton of fit, predictions, tags.

This is where the model and the climb meet. An estimator adds its parameters, its
network, and its choice of climb.
"""

import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from ._ascent import Plateau, climb
from ._model import (
    Network,
    Objective,
    Rows,
    Targets,
    log_likelihood,
    log_sigmoid,
    log_softmax,
)
from ._model.rows import block_rows

FLOATS = [np.float64, np.float32]


@dataclass
class Plan:
    """An estimator's choice of climb.

    Attributes
    ----------
    objective : Objective or Standardised
    walk : callable
        ``walk(objective, theta)`` gives the iterator of positions.
    stop : callable
    state : dict
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
    state: dict = field(default_factory=dict)
    rate: float | None = None
    theta_dtype: object = np.float64
    exact_curve: bool = True


class NeuronClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Base of the two estimators: a network whose log-likelihood is climbed.

    A subclass gives ``_check_parameters()``, ``_hidden_layer_sizes()``,
    ``_activation()``, ``_l2()``, ``_plan(...)``, ``_overshoot(...)``, and maps layers
    to its public attributes and back with ``_layers`` and ``_layer_attributes``.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        return tags

    # Training ----------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Climb the log-likelihood of the training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features. float32 stays float32; other types become float64.
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
        """
        with _all_or_nothing(self):
            return self._fit(X, y, sample_weight)

    def _partial_fit(self, X, y, classes, sample_weight):
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all of y, which partial_fit does not "
                "see. Compute the weights with "
                "sklearn.utils.class_weight.compute_class_weight and pass them as a "
                "dict."
            )
        with _all_or_nothing(self):
            return self._fit(X, y, sample_weight, classes=classes, partial=True)

    def _fit(self, X, y, sample_weight, classes=None, partial=False):
        given = X, y
        self._check_parameters()
        known = hasattr(self, "classes_")
        going_on = known and (partial or self.warm_start)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=FLOATS,
            multi_output=True,
            reset=not (partial and known),
        )
        y = _check_labels(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=FLOATS, ensure_non_negative=True
            )
        targets = self._targets(y, classes, partial, going_on)
        codes = targets.encode(y)
        weights = self._weights(targets, codes, sample_weight)
        rows = Rows(X, codes, weights)
        if weights is not None and not np.all(_any_output(weights) > 0):
            # A row of no weight is no row: not in a batch's count either.
            rows = rows.take(np.flatnonzero(_any_output(weights) > 0))
        if not (partial or targets.several):
            _check_two_classes(rows.codes, targets.classes)

        state = getattr(self, "_state", {}) if going_on else {}
        rng = state.get("rng") or check_random_state(self.random_state)
        rows, validation = self._split(rows, targets, rng, partial)
        sizes = [X.shape[1], *self._hidden_layer_sizes(), targets.likelihood.n_logits]
        network = Network(sizes, self._activation(), self.fit_intercept)
        if going_on:
            theta = self._start_from_fitted(network)
        else:
            theta = self._start(network, rng)
        objective = Objective(network, targets.likelihood, rows, self._l2())

        plan = self._plan(objective, state, rng, partial)
        plan.state["rng"] = rng
        theta = plan.objective.coordinates(theta).astype(plan.theta_dtype)
        scores, stops = None, [] if partial else [plan.stop]
        if validation is not None:
            scores = _ValidationScores(plan.objective, network, targets, validation)
            plateau = Plateau(scores, self.tol, self.n_iter_no_change)
            stops = (
                [plateau] if isinstance(plan.stop, Plateau) else [plateau, plan.stop]
            )

        def attributes(position):
            parameters = plan.objective.parameters(position.theta)
            layers = network.layers(parameters.astype(rows.X.dtype))
            return {**self._layer_attributes(layers), "classes_": targets.classes}

        max_iter = 1 if partial else self.max_iter
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        context = self._init_callback_context(max_subtasks=max_iter)
        hooks = {"estimator": self, "X": given[0], "y": given[1], "metadata": metadata}
        context.call_on_fit_task_begin(**hooks)
        watch = _Watch(self, context, hooks, attributes, plan.objective.total_weight)
        result = climb(
            plan.walk(plan.objective, theta),
            max_iter=max_iter,
            stop=lambda position: any([stop(position) for stop in stops]),
            watch=watch,
            noise=plan.objective.noise,
        )
        watch.close(result)

        position, curve = result.position, np.array(result.curve)
        if scores is not None and plateau.best_position is not None:
            position = plateau.best_position
        if not plan.exact_curve or position is not result.position:
            exact = plan.objective.log_likelihood(position.theta)
            if position is result.position:
                curve[-1] = exact
        else:
            exact = position.log_likelihood
        for name, value in attributes(position).items():
            setattr(self, name, value)
        self.n_parameters_ = network.n_parameters
        self.log_likelihood_ = float(exact)
        self.converged_ = result.converged
        if partial and known and hasattr(self, "log_likelihood_curve_"):
            curve = np.concatenate([self.log_likelihood_curve_, curve[1:]])
        self.log_likelihood_curve_ = curve
        self.n_iter_ = len(curve) - 1
        if scores is not None:
            self.validation_scores_ = np.array(scores.history[1:])
        elif hasattr(self, "validation_scores_"):
            del self.validation_scores_
        self._state = plan.state if partial or self.warm_start else {}
        context.call_on_fit_task_end(**hooks, reconstruction_attributes={})
        self._warn(result, plan, theta, exact, partial)
        return self

    def _targets(self, y, classes, partial, going_on):
        """The classes: those of y, those given, or those of the fit to go on with."""
        if going_on:
            targets = Targets(self.classes_)
            if not partial and not targets.same_classes(Targets.of(y)):
                raise ValueError(
                    "warm_start goes on from the previous fit, so y must have the same "
                    f"classes. Before: {_listed(targets.classes)}; now: "
                    f"{_listed(Targets.of(y).classes)}. Set warm_start=False to start "
                    "again."
                )
            if classes is not None:
                _check_same(targets, _given_classes(classes, y))
            return targets
        if partial:
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: all "
                    "labels that y will ever hold (for several outputs, a list of one "
                    "array for each)."
                )
            return _given_classes(classes, y)
        targets = Targets.of(y)
        if not targets.several and len(targets.classes) < 2:
            raise ValueError(
                "Learning to tell classes apart takes at least 2 classes in y; the "
                f"data contains only one class: {targets.classes[0]!r}."
            )
        return targets

    def _weights(self, targets, codes, sample_weight):
        """Sample weights times class weights, the latter output by output."""
        if self.class_weight is None:
            return sample_weight
        several = len(targets.per_output)
        wanted = self.class_weight
        if isinstance(wanted, list):
            if len(wanted) != several:
                raise ValueError(
                    f"class_weight has {len(wanted)} entries for {several} outputs: "
                    "give one dict (or 'balanced') for each column of y."
                )
        else:
            wanted = [wanted] * several
        columns = []
        for classes, code, of in zip(targets.per_output, codes.T, wanted, strict=True):
            if isinstance(of, dict) and (unknown := set(of) - set(classes.tolist())):
                raise ValueError(
                    f"class_weight names classes that y does not have: "
                    f"{sorted(unknown, key=str)}. The classes are {classes.tolist()}."
                )
            present = np.unique(code)
            weight = np.ones(len(classes))
            if isinstance(of, dict):
                for i, label in enumerate(classes.tolist()):
                    weight[i] = of.get(label, 1.0)
            else:
                weight[present] = compute_class_weight(
                    of, classes=present, y=code, sample_weight=sample_weight
                )
            if not (np.all(weight >= 0) and np.all(np.isfinite(weight))):
                raise ValueError(
                    f"class_weight must be finite and not negative, got {of}."
                )
            columns.append(weight[code])
        weights = columns[0] if several == 1 else np.stack(columns, axis=1)
        if sample_weight is None:
            return weights
        return weights * (sample_weight if several == 1 else sample_weight[:, None])

    def _split(self, rows, targets, rng, partial):
        """Set rows aside for early stopping, class by class for a single output."""
        if partial or not getattr(self, "early_stopping", False):
            return rows, None
        train, validation = train_test_split(
            np.arange(rows.n_rows),
            test_size=self.validation_fraction,
            stratify=None if targets.several else rows.codes[:, 0],
            random_state=rng.randint(np.iinfo(np.int32).max),
        )
        return rows.take(np.sort(train)), rows.take(np.sort(validation))

    def _start_from_fitted(self, network):
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
            [(np.asarray(w, dtype), np.asarray(b, dtype)) for w, b in layers]
        )

    def _warn(self, result, plan, start, exact, partial):
        """Say what a user should know of how the climb ended."""
        n = result.n_iter
        if result.interrupted:
            message = (
                f"The climb was interrupted after {n} iterations; the estimator keeps "
                "what it had reached."
            )
        elif plan.rate is not None and self._overshot(result, exact):
            message = self._overshoot_message(result, plan, start)
        elif result.diverged:
            message = (
                f"The climb stopped after {n} iterations, where numbers overflow: "
                "scale the features, for example with StandardScaler."
            )
        elif result.converged or result.stopped or partial:
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
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    # Prediction --------------------------------------------------------------------

    def _logits(self, X):
        """Logits of X from the public attributes, (n_samples, n_logits)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=FLOATS)
        network, layers = self._fitted_network()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if len(layers) == 1:
                return network.forward(layers, X, guarded=True)[-1]
            size = block_rows(8 * sum(network.sizes[1:]))
            return np.concatenate(
                [
                    network.forward(layers, X[i : i + size], guarded=True)[-1]
                    for i in range(0, X.shape[0], size)
                ]
            )

    def _fitted_network(self):
        layers = self._layers
        sizes = [layers[0][0].shape[0], *(weights.shape[1] for weights, _ in layers)]
        return Network(sizes, self._activation()), layers

    def decision_function(self, X):
        """Logits: log-odds of the second class, or each class's softmax score.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, \
n_outputs), or list of such ndarrays
            For two classes, k classes, multilabel, and multiclass-multioutput targets.
            Multilabel log-odds rank as the probabilities do: beyond some 30, those of
            probabilities that round to the same number are the same.
        """
        z = self._logits(X)
        targets = Targets(self.classes_)
        if targets.multilabel:
            return _resolved(z, targets.likelihood)
        outputs = [_squeezed(at) for _, at in targets.split(z)]
        return outputs if targets.several else outputs[0]

    def predict(self, X):
        """The likeliest label of every output.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        z = self._logits(X)
        targets = Targets(self.classes_)
        codes = targets.choose(z)
        return targets.classes[codes if targets.several else codes[:, 0]]

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, \
n_outputs), or list of n_outputs ndarrays of shape (n_samples, n_classes)
            For a single output, in the order of `classes_`; for multilabel targets, of
            a 1 in each column; for multiclass-multioutput targets.
        """
        return self._probabilities(X, log=False)

    def predict_log_proba(self, X):
        """Logarithms of the probabilities, finite where those underflow to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : as :meth:`predict_proba`
        """
        return self._probabilities(X, log=True)

    def _probabilities(self, X, log):
        z = self._logits(X)
        targets = Targets(self.classes_)
        with np.errstate(under="ignore", over="ignore"):
            if targets.multilabel:
                return log_sigmoid(z) if log else targets.likelihood.y_hat(z)
            outputs = []
            for classes, at in targets.split(z):
                if at.shape[1] == len(classes):
                    of = log_softmax if log else Targets(classes).likelihood.y_hat
                    outputs.append(of(at))
                else:
                    both = np.concatenate([-at, at], axis=1)
                    of = log_sigmoid if log else Targets(classes).likelihood.y_hat
                    outputs.append(of(both))
        return outputs if targets.several else outputs[0]

    def score(self, X, y, sample_weight=None):
        """The share of samples whose every output is predicted right.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        accuracy : float
        """
        predicted = self.predict(X)
        if predicted.ndim == 1:
            from sklearn.metrics import accuracy_score

            return float(accuracy_score(y, predicted, sample_weight=sample_weight))
        y = y.toarray() if sparse.issparse(y) else np.asarray(y)
        if y.shape != predicted.shape:
            raise ValueError(
                f"y has shape {y.shape}, but the predictions have {predicted.shape}."
            )
        right = np.all(predicted == y, axis=1)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, right[:, None])
        return float(np.average(right, weights=sample_weight))

    def log_likelihood(self, X, y, sample_weight=None):
        """The total log-likelihood of data under the fitted model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels among `classes_`.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each sample counts.

        Returns
        -------
        log_likelihood : float
            ``sum_i w_i log P(y_i | x_i)``, in nats, summed over the outputs.
        """
        check_is_fitted(self)
        X, y = validate_data(
            self,
            X,
            y,
            reset=False,
            accept_sparse="csr",
            dtype=FLOATS,
            multi_output=True,
        )
        codes = Targets(self.classes_).encode(_check_labels(y))
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=FLOATS, ensure_non_negative=True
            )
        network, layers = self._fitted_network()
        likelihood = Targets(self.classes_).likelihood
        rows = Rows(X, codes, sample_weight)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return sum(
                log_likelihood(network, likelihood, layers, block, guarded=True)
                for block in rows.blocks(sum(network.sizes))
            )


class _Watch:
    """What looks on while the climb runs: callbacks, and the lines of `verbose`."""

    def __init__(self, estimator, context, hooks, attributes, total_weight):
        self.verbose = estimator.verbose
        self.name = type(estimator).__name__
        self.context = context if hasattr(estimator, "_skl_callbacks") else None
        self.hooks, self.attributes = hooks, attributes
        self.total_weight = total_weight
        self.next_line = 0

    def begin(self, n, position):
        if self.verbose and n == 1:
            self._print(0, position)
        if self.context is not None:
            self.task = self.context.subcontext(task_name="iteration")
            self.task.call_on_fit_task_begin(
                **self.hooks,
                reconstruction_attributes=lambda: self.attributes(position),
            )

    def end(self, n, position):
        if self.verbose and n >= self.next_line:
            self._print(n, position)
        if self.context is None:
            return False
        return self.task.call_on_fit_task_end(
            **self.hooks, reconstruction_attributes=lambda: self.attributes(position)
        )

    def close(self, result):
        if self.verbose and result.n_iter >= self.next_line // 10 + 1:
            self._print(result.n_iter, result.position)

    def _print(self, n, position):
        mean = position.log_likelihood / self.total_weight
        print(
            f"{self.name}: iteration {n:>6d}  log-likelihood "
            f"{position.log_likelihood:.6f}  ({mean:.6f} per example)"
        )
        self.next_line = max(1, n * 10)


class _ValidationScores:
    """The share of set-aside rows predicted right, position by position."""

    def __init__(self, objective, network, targets, rows):
        self.objective, self.network = objective, network
        self.targets, self.rows = targets, rows
        self.history = []

    def __call__(self, position):
        theta = self.objective.parameters(position.theta).astype(self.rows.X.dtype)
        layers = self.network.layers(theta)
        right = [
            np.all(
                self.targets.choose(self.network.forward(layers, block.X)[-1])
                == block.codes,
                axis=1,
            )
            for block in self.rows.blocks(sum(self.network.sizes))
        ]
        weights = self.rows.weights
        score = np.average(
            np.concatenate(right),
            weights=None if weights is None else _any_output(weights),
        )
        self.history.append(float(score))
        return self.history[-1]


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


def _check_labels(y):
    """y as a dense array of shape (n_samples,) or (n_samples, several)."""
    if sparse.issparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    if y.dtype == object and len({_kind(label) for label in y.flat}) > 1:
        raise ValueError(
            "y mixes labels of different types, "
            f"{sorted({type(label).__name__ for label in y.flat})}; make them all "
            "strings or all numbers."
        )
    return y


def _kind(label):
    return str if isinstance(label, str) else float


def _given_classes(classes, y):
    """Targets of the `classes` that partial_fit was given."""
    if y.ndim == 1:
        return Targets(np.unique(np.asarray(classes)))
    per_output = isinstance(classes, (list, tuple)) and not np.isscalar(classes[0])
    if isinstance(classes, np.ndarray) and classes.ndim == 2:
        per_output = True
    if not per_output:
        classes = [classes] * y.shape[1]
    if len(classes) != y.shape[1]:
        raise ValueError(
            f"classes has {len(classes)} entries for the {y.shape[1]} columns of y; "
            "give a list of one array of labels for each column."
        )
    return Targets([np.unique(np.asarray(of)) for of in classes])


def _check_same(targets, given):
    if not targets.same_classes(given):
        raise ValueError(
            f"classes={_listed(given.classes)} is not the same as on the first call to "
            f"partial_fit: {_listed(targets.classes)}."
        )


def _check_two_classes(codes, classes):
    present = np.unique(codes)
    if len(present) < 2:
        raise ValueError(
            "Learning to tell classes apart takes at least 2 classes with samples of "
            f"positive weight; only one class has any: {classes[present].tolist()}."
        )


def _listed(classes):
    if isinstance(classes, list):
        return [of.tolist() for of in classes]
    return classes.tolist()


def _any_output(weights):
    return weights if weights.ndim == 1 else weights.max(axis=1)


def _resolved(z, likelihood):
    """Log-odds as far as probabilities tell them apart, so that both rank alike."""
    info = np.finfo(z.dtype)
    high, low = -np.log(info.eps) - 6, np.log(info.tiny)
    if low < z.min() and z.max() < high:
        return z
    with np.errstate(under="ignore", over="ignore"):
        p = likelihood.y_hat(z)
        top = np.log(p) - np.log(np.maximum(1 - p, info.eps / 4))
        bottom = np.log(np.maximum(p, info.smallest_subnormal / 2 or info.tiny))
    z = np.where(z > high, np.maximum(top, high), z)
    return np.where(z < low, bottom, z).astype(p.dtype)


def _squeezed(z):
    return z[:, 0] if z.shape[1] == 1 else z


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
    return True
