"""Logistic regression: one neuron, or one for each class."""

from dataclasses import replace
from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from . import _ascent
from ._data.moments import measured
from ._estimator.by_hand import with_layers
from ._estimator.endings import NEXT_TO_NOTHING
from ._estimator.fit import AT_LEAST_1, NeuronClassifier
from ._estimator.plan import Plan, learns_from_streams, round_down, standardised, walks
from ._model import Firth, Remembering, information_along, largest_safe_rate
from ._separation.endless import find_separation, separation_message, telling_step
from .exceptions import SeparationWarning

#: Up to so many parameters to an output a curvature may be formed, which takes the
#: square of them in memory, and their cube in time; up to so many, and as many as rows,
#: only where L-BFGS would take long.
MOST_PARAMETERS, MOST_ON_A_RIDGE = 700, 2000

#: Rows that a sample takes for its curvature to stand in for that of all; and so many
#: that more make no difference.
ROWS_TO_A_PARAMETER = 15, 100

#: What a curvature may cost, in gradients of all rows, for a climb to start with one.
#: At the border (10,000 x 100, 5,000 x 50) features that are as good as independent are
#: climbed in two thirds of the time by L-BFGS, others in a fraction by Newton.
BARGAIN = 3.0

#: A column of which, but for what others say of it, less is left makes a ridge that is
#: too flat for L-BFGS; and where there are more parameters than those.
RIDGE = 1e-2, 0.1

#: Numbers in X, and products in a curvature, up to which data are small: Newton's
#: method takes fewest calls.
SMALL, SMALL_CURVATURE = 100_000, 20_000_000

#: Deviations within this factor share a unit where a penalty holds more features than
#: rows: then every step stays among sums of rows, and the hill has no more dimensions
#: than those (2,000 x 5,000: 52 iterations in place of 87).
ALIKE_IF_WIDE = 100.0

#: Steps on a batch of a stream, at most: one whose classes separate has no top.
BATCH_STEPS = 3

DIRECTIONS = {"gradient": _ascent.Gradient, "lbfgs": _ascent.LBFGS}

#: What goes with a solver that chooses its own steps, of all examples.
ITS_OWN = {"learning_rate": ["auto"], "batch_size": [None]}


class GradientAscentLogisticRegression(NeuronClassifier):
    """Logistic regression by climbing the log-likelihood.

    With a number as `learning_rate`, the algorithm is the lecture's: theta starts at 0
    and every iteration is ``theta += eta * gradient``, where the gradient of the
    log-likelihood is ``X^T (y - y_hat)``. With ``"auto"``, the default, the estimator
    picks its own steps and goes to the top: the maximum likelihood estimate, for
    features of any scale, collinear ones too.

    Parameters
    ----------
    learning_rate : "auto" or float, default="auto"
        ``"auto"`` never lowers the (penalised) log-likelihood. A number is the
        lecture's eta; it needs ``solver="auto"`` or ``"gradient"``.
    C : float, default=np.inf
        Inverse strength of the L2 penalty on the weights (not the intercepts), with the
        meaning that it has in `sklearn.linear_model.LogisticRegression`: what is
        maximised is ``log-likelihood - ||coef||^2 / (2 C)``. inf is no penalty, the
        pure maximum likelihood estimate. Where classes separate there is none, and
        `fit` raises a `skneuron.exceptions.SeparationWarning`.
    penalty : {"firth"} or None, default=None
        ``"firth"``, for two classes: ``log-likelihood + log det(information) / 2`` is
        maximised, which has a maximum where classes separate, too, and takes from the
        estimate most of the bias that few data, or rare events, give it. It is of all
        rows together, and needs ``C=np.inf``, ``learning_rate="auto"``, `solver`
        ``"auto"`` or ``"newton"``, and no `batch_size`.
    reduction : {"mean", "sum"}, default="mean"
        With a number as `learning_rate`: whether the gradient is averaged or summed
        over the examples. ``"sum"`` is the step of the slides to the letter.
    solver : {"auto", "gradient", "lbfgs", "newton"}, default="auto"
        ``"auto"`` is ``"gradient"`` if `learning_rate` is a number or `batch_size` is
        set. Otherwise it is Newton's method with a curvature that is kept, and
        corrected as L-BFGS does, for as long as that is quicker than a new one; it
        climbs on a sample of the rows first, where there are many. ``"newton"`` takes
        a new curvature in every iteration; ``"lbfgs"``, none at all but, of up to 700
        parameters to an output, for a last look: on a long ridge of nearly collinear
        columns it may end far from the top, which is then said.
    batch_size : int, default=None
        None: every example in every step. An int: mini-batches of so many examples in
        random order (solver ``"gradient"``); an iteration is then an epoch. With
        ``learning_rate="auto"`` an epoch that lowers the log-likelihood is taken back
        and the rate halved.
    max_iter : int, default=1000
        Largest number of iterations.
    tol : float, default=1e-6
        The climb is at the top when no component of the gradient of the mean penalised
        log-likelihood is larger, in absolute value, in the features' own units; or than
        what rounds it.
    fit_intercept : bool, default=True
        Whether to learn an intercept for each logit.
    class_weight : dict, "balanced", list of those, or None, default=None
        Weights of the classes, by which each example counts as often; ``"balanced"``:
        inversely proportional to their frequencies. For several outputs a list gives
        each its own, and each output is weighted by its own classes.
    warm_start : bool, default=False
        Go on from the previous fit: ten iterations are five and five more.
    random_state : int, RandomState or None, default=None
        Shuffles mini-batches. An int makes the fit repeatable.
    verbose : int, default=0
        Above 0, print the log-likelihood at iterations 0, 1, 10, 100, ...

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of n_outputs such arrays
        The classes of y, or of each of its columns.
    coef_ : ndarray of shape (n_logits, n_features)
        Weights; a single row for two classes, a row for each class for more. For
        several outputs, the rows of the outputs one after another.
    intercept_ : ndarray of shape (n_logits,)
        Intercepts; zeros without `fit_intercept`.
    n_iter_ : int
        Iterations run.
    converged_ : bool
        Whether the climb ended at the top, as `tol` has it.
    n_parameters_ : int
        How many numbers were learned.
    log_likelihood_ : float
        Total log-likelihood of the training data, weighted, without the penalty, in
        nats; of the attributes as they are, which features of a large offset may cost
        digits.
    log_likelihood_curve_ : ndarray of shape (`n_iter_` + 1,)
        The same at the start and after every iteration.
    n_features_in_ : int
        Features seen in fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    SimpleMLPClassifier : Hidden layers between the features and the logits.
    skneuron.inference.separation : Whether, and where, classes separate.
    sklearn.linear_model.LogisticRegression : The same model with a penalty by default.

    References
    ----------
    The lecture's algorithm: gradient ascent on the log-likelihood of a Bernoulli, or a
    softmax, output. Fisher scoring: McCullagh & Nelder, *Generalized Linear Models*
    (1989), section 2.5.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = X[:, :4]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> round(clf.log_likelihood_, 4)
    -105.6834
    >>> clf.predict_proba(X[:2]).round(3)
    array([[1., 0.],
           [1., 0.]])

    The lecture's steps, of a rate that is right for features of this scale:

    >>> from sklearn.preprocessing import scale
    >>> lecture = GradientAscentLogisticRegression(
    ...     learning_rate=0.01, reduction="sum", max_iter=3, tol=0.0
    ... )
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # three steps are not the top
    ...     lecture.fit(scale(X), y).log_likelihood_curve_.round(1)
    array([-394.4, -150.8, -148.5, -146.8])

    Classes that separate have no maximum likelihood estimate, but one of Firth's:

    >>> firth = GradientAscentLogisticRegression(penalty="firth")
    >>> firth.fit([[1], [2], [3], [4], [5], [6]], [0, 0, 0, 1, 1, 1]).coef_.round(3)
    array([[1.129]])
    """

    _parameter_constraints = {
        **NeuronClassifier._parameter_constraints,
        "C": [Interval(Real, 0, None, closed="right")],
        "penalty": [StrOptions({"firth"}), None],
        "reduction": [StrOptions({"mean", "sum"})],
        "solver": [StrOptions({"auto", "gradient", "lbfgs", "newton"})],
        "batch_size": [AT_LEAST_1, None],
    }

    def __init__(
        self,
        learning_rate="auto",
        *,
        C=np.inf,
        penalty=None,
        reduction="mean",
        solver="auto",
        batch_size=None,
        max_iter=1000,
        tol=1e-6,
        fit_intercept=True,
        class_weight=None,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self._keep_parameters(locals())

    @classmethod
    def from_weights(cls, coef, intercept=0.0, *, classes=None, **parameters):
        """A neuron whose weights are given by hand, ready to predict.

        Parameters
        ----------
        coef : array-like of shape (n_features,) or (n_logits, n_features)
            Weights: a single row for two classes, a row for each class for more.
        intercept : float or array-like of shape (n_logits,), default=0.0
            Intercepts.
        classes : array-like of shape (n_classes,), or list of such, default=None
            The classes in their order, as `classes_` has them; 0, 1, ... by default.
        **parameters : dict
            The estimator's parameters.

        Returns
        -------
        estimator : GradientAscentLogisticRegression
            With ``warm_start=True``, its `fit` climbs from these weights.

        Raises
        ------
        ValueError
            If shapes do not fit each other or the classes, or classes are not sorted.

        Examples
        --------
        >>> from skneuron import GradientAscentLogisticRegression
        >>> both = GradientAscentLogisticRegression.from_weights([2, 2], -3)
        >>> both.predict([[0, 1], [1, 1]])
        array([0, 1])
        """
        weights = np.atleast_2d(np.asarray(coef, float)).T
        intercepts = np.broadcast_to(intercept, weights.shape[1:]).astype(float)
        return with_layers(cls(**parameters), [(weights, intercepts)], classes)

    @available_if(learns_from_streams)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Take one iteration on a batch of a stream.

        Not available with ``solver="lbfgs"``, whose memory is of one data set.

        With a number as `learning_rate`, one gradient step on the batch (with
        `batch_size`, one pass over its mini-batches). With ``"auto"``, up to three
        Newton steps on the batch's log-likelihood and a quadratic that stands for that
        of all batches before, so that a single pass over a stream ends close to the
        maximum likelihood estimate of the whole. The penalty of a finite `C` then
        counts once, as in a fit to all of it. Beyond 700 parameters to an output, or
        with ``solver="gradient"``, a gradient step at a rate that is safe for the
        batch, which bears the whole penalty, as it does with a number.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features of the batch.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of the batch.
        classes : array-like, or list of n_outputs array-likes, default=None
            All labels that y will ever hold; needed on the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each sample counts. With a number as `learning_rate` weights
            may be negative, which counts against the label; ``"auto"`` looks for a top,
            which such a likelihood need not have.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If `classes` is missing on the first call or another one later, y holds
            other labels, or an input is not usable.
        """
        return self._fit(X, y, sample_weight, classes, partial=True)

    # What the skeleton of fit asks for ---------------------------------------------

    _needs = {
        ("solver", "lbfgs"): ITS_OWN,
        ("solver", "newton"): ITS_OWN,
        ("penalty", "firth"): {"C": [np.inf], **ITS_OWN, "solver": ["auto", "newton"]},
    }

    def _takes_signed_weights(self):
        return self.learning_rate != "auto"

    def _objective(self, data):
        n_classes = [len(classes) for classes in data.targets.per_output]
        if self.penalty and n_classes != [2]:
            raise ValueError(
                "penalty='firth' is for one output of two classes; y has "
                f"{' and '.join(map(str, n_classes))}."
            )
        return super()._objective(data)

    def _hidden_layer_sizes(self):
        return ()

    def _activation(self):
        return "identity"

    def _l2(self):
        return 1.0 / self.C

    def _start(self, network, rng):
        return np.zeros(network.n_parameters)

    @property
    def _layers(self):
        return [(self.coef_.T, self.intercept_)]

    def _named(self, layers):
        ((weights, intercepts),) = layers
        return {"coef_": np.ascontiguousarray(weights.T), "intercept_": intercepts}

    def _memory_settings(self, partial):
        return self.solver, self.batch_size, self.learning_rate == "auto", partial

    def _plan(self, objective, memory, rng, partial):
        if self.learning_rate == "auto":
            return self._plan_to_the_top(objective, memory, rng, partial)
        lecture = _ascent.Gradient(), _ascent.Rate(self.learning_rate)
        return self._plan_of(objective.but(reduction=self.reduction), *lecture, rng, {})

    def _plan_to_the_top(self, objective, memory, rng, partial):
        solver = self.penalty or self.solver
        if solver == "auto" and (self.batch_size or partial):
            many = _n_coupled(objective) > MOST_PARAMETERS
            solver = "gradient" if self.batch_size or many else "newton"
        if partial and solver == "newton":
            if "moments" not in memory:  # of the first batch, as to all that follows
                memory = {**memory, "moments": measured(objective.rows)}
            if memory["moments"][0] is None:
                return self._plan_beside_the_past(objective, memory)
            solver = "gradient"
        wide = objective.l2 and objective.network.sizes[0] > objective.n_rows
        unit = {"width": 1.0, "alike": ALIKE_IF_WIDE} if wide else {}
        objective, memory = standardised(objective, memory, partial=partial, **unit)
        known, step_size = memory.get("direction"), memory.get("step_size")
        direction = known or self._direction(objective, solver)
        if partial or step_size is None:
            step_size = _ascent.LineSearch()
            if solver == "gradient" and (self.batch_size or partial):
                # Half the largest safe rate is the one that gains most for certain; in
                # four digits, as the last ones depend on the threads of a BLAS.
                safe = round_down(largest_safe_rate(objective))
                step_size = _ascent.Rate(0.5 * safe)
        plan = self._plan_of(objective, direction, step_size, rng, memory)
        if solver == "auto" and not known and (samples := _samples(objective)):
            rules = direction, step_size, objective.noise, *samples
            plan.walk = lambda theta: _ascent.sampled(theta, *rules)
        if self.penalty:
            plan.answer = Firth(objective).answer
        return plan

    def _plan_of(self, objective, direction, step_size, rng, memory):
        """The plan of such steps, with all rows or by mini-batches."""
        monotone = self.learning_rate == "auto"
        how = {"whole_penalty": False, "exact": True, "monotone": monotone}
        given = objective, direction, step_size, self.batch_size, rng
        walk, top = partial(walks, *given, **how), self._top(objective, direction)
        memory = {**memory, "direction": direction, "step_size": step_size}
        return Plan(objective, walk, [top], memory)

    def _plan_beside_the_past(self, objective, memory):
        """The climb of a batch, and of the hill that earlier batches left behind."""
        # Information adds up as sums, in the parameters as they are: coordinates that
        # no batch changes.
        known = memory.get("information", [])
        l2 = 0.0 if known else objective.l2  # the penalty is among what is known
        objective = objective.but(reduction="sum", l2=l2)
        direction = _ascent.Newton(target=NEXT_TO_NOTHING * objective.n_parameters)
        # In these a step may be of any size. But where the likelihood saturates, as
        # for a row that is sure to be of the other class, Newton's length is endless:
        # it is right where it gains about the half of what the slope promises.
        step_size = _ascent.LineSearch(enough=0.25, stride=np.inf)
        rules = direction, step_size, objective.noise, BATCH_STEPS
        hill = Remembering(objective, known)

        def walk(theta):
            hill.top = theta
            walk = _ascent.in_one(theta, *rules)
            start = yield from _ascent.next_position(walk)
            yield start
            end = yield from _ascent.next_position(walk)
            memory["information"] = information_along(start, end)
            yield end

        stops = [self._top(objective, direction)]
        return Plan(objective, walk, stops, memory, answer=hill.answer)

    def _direction(self, objective, solver):
        """The direction of a solver; of "auto" Newton's, as dear as it is here."""
        if solver == "newton":
            return _ascent.Newton(endless=not objective.l2)
        if solver == "firth":
            # The curvature is the likelihood's: steps correct it for the penalty's.
            return _ascent.Newton(1.0, target=max(1e-10, objective.resolution / 8) ** 2)
        if solver != "auto":
            return DIRECTIONS[solver]()
        price = _price_of_curvature(objective, MOST_ON_A_RIDGE)
        share = ROWS_TO_A_PARAMETER[0] * _n_coupled(objective) / objective.n_rows
        target = max(self.tol, objective.resolution) ** 2
        is_bargain = price * min(1.0, share) <= BARGAIN
        at_once = is_bargain or (price < np.inf and _has_ridge(objective))
        price = price if at_once else _price_of_curvature(objective)
        return _ascent.Newton(price, at_once, target, price == 0, not objective.l2)

    def _follow(self, climber, theta):
        """The climber of a fit that differs from another in C alone, from theta."""
        before, direction = climber.plan.objective, climber.plan.memory["direction"]
        objective = before.but(l2=self._l2())
        direction.bend(before.but(l2=objective.l2 - before.l2).penalty_curvature())
        return self._from(climber, theta, objective)

    def _from(self, climber, theta, objective):
        """The climber that goes on from theta, on a hill of the same coordinates."""
        memory, rng = climber.plan.memory, climber.past.rng
        given = objective, memory["direction"], _ascent.LineSearch(), rng, memory
        return replace(climber, plan=self._plan_of(*given), theta=theta)

    def _no_maximum(self, climber, result):
        if self.penalty:
            return super()._no_maximum(climber, result)
        plan, objective = climber.plan, climber.plan.objective
        direction, step, all_ways = plan.memory["direction"], None, None
        if self.learning_rate == "auto" and self.batch_size is None:
            by = direction, _price_of_curvature(objective)
            step, all_ways = telling_step(result, objective, *by)
        if objective.l2:
            endless = super()._no_maximum(climber, result)
        else:
            endless = self._separation(climber, result, all_ways)
        if endless or step is None or not result.converged:
            return endless
        promise = float(step @ result.position.gradient)
        if direction.solvers and direction.endless and promise > direction.little:
            # The way to a top that is far may have looked like one without end.
            direction.endless, direction.target = False, 1e-6 * direction.target
            climber = self._from(climber, result.position.theta, objective)
            climber.max_iter -= result.n_iter
            more = climber.run()
            result.curve += more.curve[1:]
            vars(result).update({**vars(more), "curve": result.curve})
            self._keep(climber, result)
            return self._no_maximum(climber, result)
        if promise <= max(self.tol * plan.stops[0].lightest, objective.noise):
            return None
        self.converged_ = result.converged = False
        return ConvergenceWarning(
            f"The climb met tol={self.tol} on a long flat ridge, along which Newton's "
            f"next step promises {promise * objective.total_weight:.2g} nats more. Use "
            "solver='auto'."
        )

    def _separation(self, climber, result, step):
        """The warning where classes separate; None: they do not, or none can tell."""
        objective, rows = climber.plan.objective, climber.data.rows
        targets, end = climber.data.targets, (self.log_likelihood_, step)
        found = find_separation(objective, rows, targets, result, *end)
        if not found:
            return None
        at_limit = not result.converged and result.n_iter == self.max_iter
        ended = f"max_iter={self.max_iter}" if at_limit else f"tol={self.tol}"
        names = getattr(self, "feature_names_in_", None)
        return SeparationWarning(separation_message(found, targets, names, ended))

    def _nats_to_go(self, climber, result):
        objective, theta = climber.plan.objective, result.position.theta
        if not _price_of_curvature(objective) <= 0.1 * result.n_iter:
            return np.inf  # to say it would take long, beside the climb
        here = objective.evaluate(theta, curvature=True)
        here.roots = None
        # Of a parabola with the slope and curvature that the hill has here.
        gain = 0.5 * float(_ascent.Newton()(theta, here) @ here.gradient)
        return min(gain * objective.divisor, -here.log_likelihood)

    def _overshot(self, result):
        # Mini-batches climb their own likelihoods: only the whole way can tell.
        return result.fell if self.batch_size is None else super()._overshot(result)

    def _overshoot_message(self, climber):
        safe = round_down(largest_safe_rate(climber.plan.objective))
        return (
            f"The log-likelihood fell: learning_rate={self.learning_rate} steps over "
            f"the top. The largest rate that is safe for this data is {safe:.4g} (with "
            f"reduction={self.reduction!r}); learning_rate='auto' picks its own."
        )


def _n_coupled(objective):
    """How many parameters share a block of the curvature: those of an output."""
    return (objective.network.sizes[0] + 1) * objective.likelihood.coupled


def _has_ridge(objective):
    """Whether some rows say that a column is nearly a weighted sum of those before it.

    Along such a ridge gradients are too small to tell where the top is. Columns that
    are such a sum make none: there a long step changes nothing.
    """
    inputs = objective.in_coordinates(objective.coordinates, chained=False)
    n_some = min(inputs.n_inputs + max(100, inputs.n_inputs // 4), inputs.n_rows)
    inputs = inputs.on(inputs.rows.sample(n_some).widened(), whole_penalty=False)
    solver = _ascent.Solver(inputs.curvature_at_0(), None, objective.noise)
    if np.any(solver.pivots < RIDGE[_n_coupled(objective) > MOST_PARAMETERS]):
        return True
    if solver.rank == inputs.n_inputs:
        return False
    theta = np.zeros(inputs.n_parameters)
    here = inputs.evaluation_of(0.0, theta)
    here.roots, here.stored = partial(inputs.roots, theta), inputs.stored
    of_one = np.arange(0, len(theta), inputs.likelihood.n_logits), solver
    return not _ascent.is_flat_indeed([of_one], here)


def _price_of_curvature(objective, most=MOST_PARAMETERS):
    """What a curvature costs, in steps with one that is kept.

    Measured on 5 to 700 columns and 1 to 10 classes, to within a half. 0 for small
    data, where all that takes time are calls, and Newton's method needs fewest.
    """
    X, n_classes = objective.rows.X, objective.likelihood.coupled
    n_parameters, (n_rows, n_features) = _n_coupled(objective), X.shape
    if n_parameters > min(most, max(n_rows, MOST_PARAMETERS)):
        return np.inf
    if n_rows * n_features < SMALL and n_rows * n_parameters**2 < SMALL_CURVATURE:
        return 0.0
    price = 2 + (n_features / 25 if objective.rows.is_dense else X.nnz / n_rows / 5)
    # With its factor, which takes a cube of the parameters, and no rows; to solve with
    # that takes a square of them.
    price = price * n_classes + n_parameters**2 / (4 * n_rows)
    return price / (1 + 7 * n_parameters / n_rows)


def _samples(objective):
    """How many rows to climb on first; of how many to take the curvature there.

    Of more rows, a curvature that costs two steps saves more; of many, half a step.
    None: too few to sample from.
    """
    n_rows, n_parameters = objective.n_rows, _n_coupled(objective)
    size = min(n_rows // 25, 1000 * n_parameters)
    size = min(max(size, 20 * n_parameters), n_rows // 4)
    if n_rows * objective.network.sizes[0] < SMALL or size < 5 * n_parameters:
        return None
    of_a_step = n_rows / _price_of_curvature(objective)
    least, many = (n * objective.n_parameters for n in ROWS_TO_A_PARAMETER)
    n_telling = max(size, least, min(many, 2 * of_a_step), of_a_step / 2)
    return size, int(min(n_telling, n_rows))
