"""What both estimators share: the skeleton of fit, and the tags.

This is where the model and the climb meet: a fit reads the data, climbs, and keeps what
was found. An estimator adds its parameters, its network, and its choice of climb.
"""

import copy
import math
import warnings
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from .._arrays import array_namespace, beside, is_elsewhere, numbers_may_end, to_host
from .._ascent import LineSearch, Plateau, Top, is_finite
from .._data.dask import is_dask, read_elsewhere
from .._data.reading import read_here
from .._model import Network, Objective
from .._peers import AnswersPeers
from .._threads import one_blas
from .endings import Endings, is_one_of_many
from .kept import Kept
from .plan import NO_NUMBERS, TOO_FAR, Climber, Data, Past
from .predictions import check_same_place
from .watch import ValidationScores, Watch

AT_LEAST_1 = Interval(Integral, 1, None, closed="left")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, np.inf, closed="neither")


class NeuronClassifier(
    AnswersPeers, Endings, Kept, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Base of the two estimators: a network whose log-likelihood is climbed.

    A subclass says what the model is (``_hidden_layer_sizes``, ``_activation``,
    ``_l2``), how it is climbed (``_start``, ``_plan``, ``_memory_settings``), what a
    rate that is too large does (``_overshoot_message``), which parameters go together
    (``_needs``), and maps layers to its public attributes and back (``_named``,
    ``_layers``). It may have more to say (``_overshot``, ``_no_maximum``).
    """

    #: Those of the parameters that both have.
    _parameter_constraints = {
        "learning_rate": [StrOptions({"auto"}), POSITIVE],
        "max_iter": [AT_LEAST_1],
        "tol": [NOT_NEGATIVE],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags

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
            because the learning rate is too large. An interrupt of a fit that is one
            of many, in a search, say, or an ensemble, is raised, and ends them.
        SeparationWarning
            In its place, or of a climb that met `tol`: if there is no top, as the
            classes separate and logistic regression has no penalty (``C=np.inf``), or
            no sample that counts is of some class. It names the features, the outputs
            and the classes of which that is so.
        """
        return self._fit(X, y, sample_weight)

    def _fit(self, X, y, sample_weight, classes=None, partial=False):
        """The skeleton: read the data, climb, keep what was found."""
        with all_or_nothing(self), numbers_may_end(), one_blas():
            self._check_parameters()
            if partial and hasattr(self, "classes_"):
                check_same_place(X, self, "partial_fit")
            past = self._past(partial)
            data = self._read(X, y, sample_weight, past, classes)
            climber = self._prepare(data, past)

            routed = None if sample_weight is None else {"sample_weight": sample_weight}
            given = {"estimator": self, "X": X, "y": y, "metadata": routed}
            watch = Watch(self, given, climber)
            result = climber.run(watch)
            self._keep(climber, result)
            watch.close(result)
            warning = self._warning(climber, result)
            if result.interrupted and is_one_of_many():
                raise KeyboardInterrupt
            if warning is not None:
                message, category = warning
                warnings.warn(message(), category, stacklevel=4)
        return self

    # Read ----------------------------------------------------------------------------

    def _check_parameters(self):
        """ValueError if what several parameters say together is no use."""
        for (name, value), needed in self._needs.items():
            needed = needed if getattr(self, name) == value else {}
            for other, fitting in needed.items():
                if (given := getattr(self, other)) not in fitting:
                    needs = f"{name}={value!r} needs {other}={fitting[0]!r}"
                    takes = "; solver='gradient' takes it" if name == "solver" else ""
                    raise ValueError(f"{needs}, got {given!r}{takes}.")

    def _past(self, partial=False):
        """What a fit, or a call of partial_fit, goes on from."""
        goes_on = hasattr(self, "classes_") and (partial or self.warm_start)
        known = getattr(self, "_state", {}) if goes_on else {}
        # A copy: if this fit fails, the fit to go on from is the old one.
        state = {**known, "memory": copy.deepcopy(known.get("memory")) or {}}
        rng = state.get("rng") or check_random_state(self.random_state)
        return Past(partial, goes_on, self.classes_ if goes_on else None, state, rng)

    def _read(self, X, y, sample_weight, past, classes=None):
        """Validate the data, and set some aside for early stopping."""
        read = read_elsewhere if is_dask(X) else read_here
        data = Data(*read(self, X, y, sample_weight, past, classes))
        rows = data.rows
        if not rows.n_rows:
            raise ValueError(
                "No sample counts: sample_weight times class_weight is 0 for all."
            )
        if not rows.total_weight <= np.finfo(rows.dtype).max:
            raise ValueError(
                f"sample_weight sums to more than the largest {rows.dtype}, the type "
                "of the features. Divide the weights by a constant."
            )
        self._check_penalty(rows)
        if getattr(self, "early_stopping", False) and not past.partial:
            self._set_aside(data, past)
        return data

    def _check_penalty(self, rows):
        if not np.isfinite(self._l2() / rows.total_weight):
            raise ValueError(
                f"sample_weight sums to {rows.total_weight}: too small beside the "
                "penalty. Multiply the weights by a constant."
            )

    def _set_aside(self, data, past):
        """Take some of the rows for validation: in a warm start, the same again."""
        several, n = data.targets.several, data.rows.n_rows
        least = 1 if several else len(data.targets.per_output[0])
        aside = max(math.ceil(self.validation_fraction * n), least)
        if aside + least > n:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} sets {aside} samples aside, at least one "
                f"for each class: too many when n_samples = {n}. Give more samples, or "
                "set early_stopping=False."
            )
        seed = past.state.get("split_seed") or past.rng.randint(1, 2**31 - 1)
        past.state["split_seed"] = seed
        data.rows, data.validation = data.rows.split(aside, seed, by_class=not several)

    def _objective(self, data):
        """The objective of the data, in the network's own parameters."""
        likelihood = data.targets.likelihood
        sizes = [data.rows.X.shape[1], *self._hidden_layer_sizes(), likelihood.n_logits]
        pictures = getattr(self, "image_shape", None)
        network = Network(sizes, self._activation(), self.fit_intercept, pictures)
        return Objective(network, likelihood, data.rows, self._l2())

    # Climb ---------------------------------------------------------------------------

    def _prepare(self, data, past):
        """Choose the climb, and its start."""
        objective, state = self._objective(data), past.state
        X = data.rows.X  # a memory that lies on a device is of use there alone
        place = is_elsewhere(X) and (array_namespace(X).__name__, str(X.device))
        settings = *self._memory_settings(past.partial), self.fit_intercept, place
        if self.warm_start and not past.partial:  # not what was learned of other data
            settings = *settings, data.rows.fingerprint()
        memory = state["memory"] if state.get("settings") == settings else {}
        state["settings"] = settings
        plan = self._plan(objective, memory, past.rng, past.partial)
        if past.goes_on:
            theta = self._fitted_parameters(objective.network)
            if np.array_equal(theta, to_host(state.get("kept"))):
                # With the digits that the attributes round off.
                theta = to_host(state["theta"])
            theta = plan.objective.at(theta)
        else:  # small numbers are small in the coordinates of the climb
            theta = self._start(objective.network, past.rng)
        theta = theta.astype(float if plan.exact_curve else data.rows.dtype)
        if past.partial:
            plan.stops = []
        elif data.validation:
            best = plan.memory.setdefault("best", Plateau(None, 0, 0, noisy=True))
            best.figure = ValidationScores(plan.objective, data.validation)
            best.tol, best.patience = self.tol, self.n_iter_no_change
            plan.stops[-1] = best  # in place of a plateau of the log-likelihood
        return Climber(data, past, plan, theta, 1 if past.partial else self.max_iter)

    def _fitted_parameters(self, network):
        layers = [[np.asarray(to_host(of), float) for of in at] for at in self._layers]
        found = [weights.shape for weights, _ in layers]
        if found != network.shapes:
            raise ValueError(
                "The fit to go on from has weights of shapes "
                f"{found}, but this network has {network.shapes}. Set warm_start=False,"
                " or clone the estimator, to start again."
            )
        return network.flatten(layers)

    def _top(self, objective, direction):
        """What stops a climb at the top."""
        # Not of weights that stand for repeated rows: the climb ends as with those.
        mean = objective.total_weight / objective.n_rows
        lightest = min(1000 * objective.rows.smallest_weight / mean, 1.0)
        strict = objective.network.is_one_layer
        return Top(objective, direction, self.tol, lightest, strict)

    # Keep ----------------------------------------------------------------------------

    def _keep(self, climber, result):
        """Set the fitted attributes, and what a later fit goes on from."""
        if not is_finite(result.position):
            raise ValueError(TOO_FAR if climber.past.goes_on else NO_NUMBERS)
        data, past, plan = climber.data, climber.past, climber.plan
        best = plan.memory["best"] if data.validation else None
        position = best.best_position if best else result.position
        position = self._keep_figures(climber, result, position)
        vars(self).pop("validation_scores_", None)
        vars(self).update(self._fitted(climber, position))
        if best:
            scores = best.figure.history[-self.n_iter_ :][: self.n_iter_]
            self.validation_scores_ = beside(np.array(scores), data.rows.X)
            best.figure = None
        self._state = {}
        if past.partial or self.warm_start:
            theta = plan.objective.parameters(result.position.theta.astype(np.float64))
            kept = self._fitted_parameters(plan.objective.network)
            learned = {"memory": plan.memory, "theta": theta, "kept": kept}
            self._state = {**past.state, **learned, "rng": past.rng}

    def _keep_figures(self, climber, result, position):
        """Set the figures of the climb, and return the position that is kept.

        It is the one that is given, the climb's last or a better one; or the one before
        the last, if that turns out to lie where the log-likelihood is no number.
        """
        data, past, plan = climber.data, climber.past, climber.plan
        objective, whole = plan.objective, plan.exact_curve
        exact = position.log_likelihood
        as_told = past.partial or objective.is_told_exactly(position)
        if not (whole and as_told):
            there = self._objective(Data(data.targets, data.rows.widened()))

            def of_attributes(position):  # of which offsets may have cost digits
                parameters = self._parameters(climber, position)
                return there.log_likelihood(parameters, guarded=whole)

            try:
                exact = of_attributes(position)
                if not np.isfinite(exact) and result.before is not None:
                    result.diverged = result.fell = True
                    result.position = position = result.before
                    result.curve.pop()
                    exact = of_attributes(position)
            except KeyboardInterrupt:
                result.interrupted = True
            if whole and math.isclose(exact, position.log_likelihood, rel_tol=1e-12):
                exact = position.log_likelihood
            if position is result.position:
                result.curve[-1] = exact
        curve, step_size = np.array(result.curve), plan.memory.get("step_size")
        if isinstance(step_size, LineSearch) and not (objective.l2 or plan.answer):
            # Where a climb of the log-likelihood itself falls, that is rounding.
            curve = np.minimum.accumulate(curve[::-1])[::-1]
        if past.partial and hasattr(self, "log_likelihood_curve_"):
            curve = np.concatenate([to_host(self.log_likelihood_curve_), curve[1:]])
        self.log_likelihood_ = float(exact)
        self.log_likelihood_curve_ = beside(curve, objective.rows.X)
        self.n_iter_ = len(curve) - 1
        self.converged_ = result.converged and not result.diverged
        return position

    def _parameters(self, climber, position):
        """The network's own, as the attributes hold them."""
        dtype = climber.data.rows.dtype
        return climber.plan.objective.parameters(position.theta, dtype).astype(dtype)

    def _fitted(self, climber, position):
        """The public attributes that say what was learned, where the rows are."""
        parameters = self._parameters(climber, position)
        layers = climber.plan.objective.network.layers(parameters)
        X, known = climber.data.rows.X, climber.data.targets.classes
        learned = {
            name: [beside(W, X) for W in of] if isinstance(of, list) else beside(of, X)
            for name, of in self._layer_attributes(layers).items()
        }
        return {**learned, "classes_": known, "n_parameters_": len(parameters)}

    def _layer_attributes(self, layers):
        """Layers by the names of the attributes; intercepts that are not there: 0."""
        layers = [(W, np.zeros_like(W[0]) if b is None else +b) for W, b in layers]
        return self._named(layers)


@contextmanager
def all_or_nothing(estimator):
    """Put the fitted attributes back as they were if the fit fails."""

    before = {**vars(estimator)}
    rng = before.get("_state", {}).get("rng")  # to copy it takes as long as a step
    drawn = rng and rng.get_state(legacy=False)
    try:
        yield
    except BaseException:
        for name in [*vars(estimator)]:  # and in the order that they had
            if name == "_state" or name.endswith("_"):
                delattr(estimator, name)
        vars(estimator).update(before)
        if rng:
            rng.set_state(drawn)
        raise
