"""The multi-layer perceptron: logistic regression on features that it learns."""

from functools import partial
from itertools import islice
from numbers import Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from . import _ascent
from ._estimator import plan
from ._estimator.by_hand import with_layers
from ._estimator.fit import AT_LEAST_1, NOT_NEGATIVE, NeuronClassifier
from ._estimator.watch import ValidationScores
from ._model.layers import Convolution, are_counts

#: The rates that "auto" starts with. The logistic function, whose slope is at most a
#: quarter of tanh's, is given three times as much.
AUTO_RATES = {"adam": 0.01, "gradient": 0.1}
LOGISTIC_FACTOR = 3.0

#: Steps until the rate of "auto" has halved.
HALF_LIFE = 3000

#: What "auto" may take for the penalty's strength, of all examples together and weights
#: of standardised features: what makes rows that are held out most likely. It differs
#: by a factor of thirty from table to table, for which the number of rows, of features
#: or of classes says little; that it is of all examples together, whatever their
#: number, does (`python -m tests.benchmarks.mlp --quality`). Fewer rows than FEW cannot
#: tell, and take the first; of more than MOST some are as good.
STRENGTHS = 0.3, 0.1, 1.0, 3.0
FEW, MOST = 100, 2000

#: Deviations to a unit of the features, under "auto". The wider it is, the longer the
#: neurons stay as good as linear, and the less noise they learn by heart. Adam's steps
#: are as long for features of any size, so that it can afford it.
WIDTHS = {"adam": 3.0, "gradient": 1.0, "lbfgs": 1.0}

#: Deviations that a feature may lie off its mean. One that lies farther, as a pixel at
#: the border does in a few rows, has its unit by that: its deviation is too small for
#: what those rows alone say of its weight.
FARTHEST = 4.0


# Of this package: a kept fit has it among its memory, and needs trust in nothing else.
def value(position):
    """What the climb raises; where it no longer rises is the plateau."""
    return position.value


class SimpleMLPClassifier(NeuronClassifier):
    """A neural network that climbs the log-likelihood by backpropagation.

    Hidden layers of neurons ``a = g(h W + b)``, any number of them, and on top of the
    last one logistic regression. The gradient of the log-likelihood in every weight
    comes from the chain rule, layer by layer from the residual ``y - y_hat`` down.

    Parameters
    ----------
    hidden_layer_sizes : int, Convolution or sequence of those, default=(100,)
        Neurons in each hidden layer. ``()`` is logistic regression. The first may be a
        :class:`Convolution`, or several: layers of neurons that are slid over a
        picture, and share their weights wherever they look.
    activation : {"logistic", "tanh", "relu", "identity"}, default="logistic"
        g of the hidden neurons.
    image_shape : tuple of (int, int) or (int, int, int), default=None
        Height and width of the picture that the features are, row by row; and its
        channels, if each pixel has several. A Convolution needs it.
    solver : {"adam", "gradient", "lbfgs"}, default="adam"
        ``"gradient"`` is gradient ascent with `momentum`; ``"adam"`` scales each
        parameter's step by the gradients it has seen; ``"lbfgs"`` climbs with every
        example in every step and a line search, best for small data.
    learning_rate : "auto" or float, default="auto"
        A number is the rate of the step on the features as they are. ``"auto"`` climbs
        in the coordinates of standardised features, so that the data need no scaling
        (features that are within a factor of thirty of one another keep their
        relative sizes), at a rate that suits them and falls with the steps: it starts
        at 0.01 for ``"adam"`` and 0.1 for ``"gradient"``, at three times that for
        ``"logistic"`` neurons, and is half of it after 3000 steps. ``"lbfgs"`` finds
        its own lengths and takes no number.
    alpha : "auto" or float, default="auto"
        Strength of the L2 penalty on the weights. A number has the meaning that it has
        in `sklearn.neural_network.MLPClassifier`: ``log-likelihood - alpha / 2
        ||W||^2`` of the examples in a step, all of them or a mini-batch. 0 is no
        penalty: the maximum likelihood estimate. ``"auto"`` is 0 where `learning_rate`
        is a number, and otherwise a penalty that predicts well: for features in units
        of their standard deviations, of strength 0.1, 0.3, 1 or 3 for all examples
        together, whatever their number. It is that after a fit with which a fifth of
        them (of 2000 at most), held out, is most likely; 0.3, of fewer than 100
        examples. Neurons other than ``"logistic"``, whose slopes are steeper, have
        four times as much.
    batch_size : "auto" or int, default="auto"
        Examples in a mini-batch of ``"adam"`` and ``"gradient"``; ``"auto"`` is 200 at
        most, in batches of one size. ``"lbfgs"`` uses all.
    max_iter : int, default=200
        Largest number of iterations: epochs, or steps of ``"lbfgs"``.
    tol : float, default=1e-4
        ``"adam"`` and ``"gradient"`` end when the mean penalised log-likelihood (with
        `early_stopping`, the mean log-likelihood of the validation data) has not risen
        by `tol` for `n_iter_no_change` epochs on end; as epochs are noisy, that of the
        last `n_iter_no_change` together. ``"lbfgs"`` ends when no component of its
        gradient is larger, or with a hundredth of `tol` as these do: where neurons have
        kinks, its gradient need not get small.
    n_iter_no_change : int, default=10
        See `tol`.
    momentum : float, default=0.9
        Share of the last step that ``"gradient"`` carries on, in [0, 1).
    shuffle : bool, default=True
        Whether to draw the mini-batches anew for every epoch.
    early_stopping : bool, default=False
        Set `validation_fraction` of the training data aside, end when its mean
        log-likelihood stops rising, and keep the parameters at the end of the
        `n_iter_no_change` epochs that were best for it together: a single one may be
        best by luck, most of all where few rows are set aside.
    validation_fraction : float, default=0.1
        Share of the training data to set aside, in (0, 1).
    class_weight : dict, "balanced", list of those, or None, default=None
        Weights of the classes, by which each example counts as often; ``"balanced"``:
        inversely proportional to their frequencies. For several outputs a list gives
        each its own, and each output is weighted by its own classes.
    fit_intercept : bool, default=True
        Whether the neurons have intercepts.
    warm_start : bool, default=False
        Go on from the previous fit, its penalty and its optimiser included: ten
        iterations are five and five more, if `alpha` is a number.
    random_state : int, RandomState or None, default=None
        Draws the initial weights, the validation data and the mini-batches. An int
        makes the fit repeatable, to the bit.
    verbose : int, default=0
        Above 0, print the log-likelihood at iterations 0, 1, 10, 100, ...

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of n_outputs such arrays
        The classes of y, or of each of its columns.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of every layer; of a Convolution, (height * width * channels of its
        window, n_filters).
    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of every layer; zeros without `fit_intercept`.
    n_iter_ : int
        Iterations run.
    converged_ : bool
        Whether the climb ended as `tol` has it.
    alpha_ : float
        `alpha`, or what ``"auto"`` chose: the penalty beside the log-likelihood of the
        examples in a step, which is their share of that on all.
    n_parameters_ : int
        How many numbers were learned; weights that are shared are one.
    log_likelihood_ : float
        Total log-likelihood of the training data (without those set aside), weighted,
        without the penalty, in nats.
    log_likelihood_curve_ : ndarray of shape (`n_iter_` + 1,)
        The same at the start and after every iteration. For ``"adam"`` and
        ``"gradient"`` an epoch's entry is the sum of what each mini-batch had before
        its step, which costs nothing to know; the last entry is exact.
    validation_scores_ : ndarray of shape (`n_iter_`,)
        With `early_stopping`: the mean log-likelihood of the validation data after
        every iteration.
    n_features_in_ : int
        Features seen in fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    GradientAscentLogisticRegression : The network without a hidden layer.
    sklearn.neural_network.MLPClassifier : The same model with a weaker penalty.

    References
    ----------
    Rumelhart, Hinton & Williams, *Learning representations by back-propagating errors*
    (Nature 323, 1986). Adam: Kingma & Ba (ICLR 2015). L-BFGS: Nocedal & Wright,
    *Numerical Optimization* (2006), chapter 7.

    Examples
    --------
    One neuron cannot tell "exactly one of two" from the rest; a hidden layer can.

    >>> import numpy as np
    >>> from skneuron import SimpleMLPClassifier
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([0, 1, 1, 0])
    >>> clf = SimpleMLPClassifier((4,), solver="lbfgs", alpha=0, random_state=0)
    >>> clf.fit(X, y).predict(X)
    array([0, 1, 1, 0])
    >>> clf.n_parameters_
    17
    """

    _parameter_constraints = {
        **NeuronClassifier._parameter_constraints,
        "hidden_layer_sizes": ["array-like", AT_LEAST_1, Convolution],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "image_shape": ["array-like", None],
        "solver": [StrOptions({"adam", "gradient", "lbfgs"})],
        "alpha": [StrOptions({"auto"}), NOT_NEGATIVE],
        "batch_size": [StrOptions({"auto"}), AT_LEAST_1],
        "n_iter_no_change": [AT_LEAST_1],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="logistic",
        *,
        image_shape=None,
        solver="adam",
        learning_rate="auto",
        alpha="auto",
        batch_size="auto",
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        momentum=0.9,
        shuffle=True,
        early_stopping=False,
        validation_fraction=0.1,
        class_weight=None,
        fit_intercept=True,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self._keep_parameters(locals())

    @classmethod
    def from_weights(cls, coefs, intercepts, *, classes=None, **parameters):
        """A network whose weights are given by hand, ready to predict.

        Parameters
        ----------
        coefs : list of array-like of shape (n_in, n_out)
            Weights of every layer.
        intercepts : list of array-like of shape (n_out,)
            Intercepts of every layer.
        classes : array-like of shape (n_classes,), or list of such, default=None
            The classes in their order, as `classes_` has them; 0, 1, ... by default.
        **parameters : dict
            The estimator's parameters but `hidden_layer_sizes`, which follows.

        Returns
        -------
        estimator : SimpleMLPClassifier
            With ``warm_start=True``, its `fit` climbs from these weights.

        Raises
        ------
        ValueError
            If shapes do not fit each other or the classes, or classes are not sorted.

        Examples
        --------
        Exactly one of two is: one of them, and not both.

        >>> from skneuron import SimpleMLPClassifier
        >>> network = SimpleMLPClassifier.from_weights(
        ...     [[[20, 20], [20, 20]], [[20], [-20]]], [[-10, -30], [-10]]
        ... )
        >>> network.predict([[0, 0], [0, 1], [1, 0], [1, 1]])
        array([0, 1, 1, 0])
        """
        coefs = [np.array(of, float, ndmin=2) for of in coefs]
        intercepts = [np.array(of, float, ndmin=1) for of in intercepts]
        sizes = tuple(map(len, intercepts[:-1]))
        estimator = cls(**{"hidden_layer_sizes": sizes, **parameters})
        return with_layers(estimator, [*zip(coefs, intercepts, strict=True)], classes)

    @available_if(plan.learns_from_streams)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Run one epoch over a batch of a stream.

        Not available with ``solver="lbfgs"``, whose memory is of one data set.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features of the batch.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of the batch.
        classes : array-like, or list of n_outputs array-likes, default=None
            All labels that y will ever hold; needed on the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each sample counts. A negative weight counts against the
            sample's label: the step makes it less likely, as policy gradients want it
            of actions that were worse than expected. A mean is by the weights' sizes.

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

    _needs = {("solver", "lbfgs"): {"learning_rate": ["auto"]}}

    def _check_parameters(self):
        sizes = self._hidden_layer_sizes()
        if not all(isinstance(n, Convolution) or are_counts(n) for n in sizes):
            raise ValueError(
                "hidden_layer_sizes must be whole numbers of neurons > 0, or "
                f"Convolutions, got {self.hidden_layer_sizes!r}."
            )
        super()._check_parameters()

    def _takes_signed_weights(self):
        return True

    def _hidden_layer_sizes(self):
        sizes = self.hidden_layer_sizes
        return tuple(sizes) if np.iterable(sizes) else (sizes,)

    def _activation(self):
        return self.activation

    def _l2(self):
        return 0.0 if self.alpha == "auto" else self.alpha

    def _prepare(self, data, past):
        goes_on = past.goes_on and hasattr(self, "alpha_")
        if self.alpha != "auto" or self.learning_rate != "auto":
            self.alpha_ = self._l2()
        elif past.partial or not goes_on:
            # The prior of a stream counts once, not for every batch.
            n_calls = 1 + (self.n_iter_ if goes_on else 0)
            self.alpha_ = self._alpha(data, self._strength(data, past)) / n_calls
        return super()._prepare(data, past)

    def _alpha(self, data, strength):
        """The share of a mini-batch in the penalty on all examples."""
        rows, n_rows = data.rows, data.rows.n_rows
        # Weights of less than 1 on the mean are no numbers of rows; and the rows of a
        # truth table are no sample.
        strength *= min(1.0, rows.total_weight / max(n_rows, 40))
        if self._hidden_layer_sizes() and self.activation != "logistic":
            strength *= 4  # tanh(z) is 2 logistic(2z) - 1: the same, by weights of half
        return strength * self._batch_rows(rows) / n_rows

    def _strength(self, data, past):
        """The one of STRENGTHS under which rows that are held out are likeliest."""
        rows, by_class, scores = data.rows, not data.targets.several, {}
        if past.partial or rows.n_rows < FEW:
            return STRENGTHS[0]
        seed = past.rng.randint(2**31 - 1)
        if rows.n_rows > MOST:
            _, rows = rows.split(MOST, seed, by_class=by_class)
        rows, aside = rows.split(rows.n_rows // 5, seed, by_class=by_class)
        for strength in STRENGTHS:
            trial = plan.Data(data.targets, rows)
            self.alpha_ = self._alpha(trial, strength)
            new = plan.Past(False, False, None, {}, np.random.RandomState(seed))
            climber = super()._prepare(trial, new)
            result, objective = climber.run(), climber.plan.objective
            if result.interrupted:
                raise KeyboardInterrupt
            scores[strength] = ValidationScores(objective, aside)(result.position)
        return max(scores, key=scores.get)

    def _start(self, network, rng):
        theta = network.random_start(rng)
        if self.learning_rate == "auto":  # to whom features are so many times smaller
            weights, _ = network.layers(theta)[0]
            weights *= WIDTHS[self.solver]
        return theta

    @property
    def _layers(self):
        return list(zip(self.coefs_, self.intercepts_, strict=True))

    def _named(self, layers):
        weights, intercepts = zip(*layers)
        return {"coefs_": [W.copy() for W in weights], "intercepts_": list(intercepts)}

    def _memory_settings(self, partial):
        return self.solver, self.activation, self.momentum, self.learning_rate == "auto"

    def _plan(self, objective, memory, rng, partial):
        auto = self.learning_rate == "auto"
        if auto:
            unit = {"width": WIDTHS[self.solver], "farthest": FARTHEST}
            unit |= {"partial": partial, "penalised": self.alpha == "auto"}
            objective, memory = plan.standardised(objective, memory, **unit)
            if self.alpha == "auto":
                l2 = self.alpha_ * objective.n_rows / self._batch_rows(objective)
                objective = objective.but(l2=l2)
        direction = memory.setdefault("direction", self._direction())
        new = _ascent.Plateau(value, 0, 0, noisy=self.solver != "lbfgs")
        stop = memory.setdefault("stop", new)
        stop.tol, stop.patience, stops = self.tol, self.n_iter_no_change, [stop]
        if self.solver == "lbfgs":
            step_size = memory.setdefault("step_size", _ascent.LineSearch())
            stop.tol /= 100
            stops = [self._top(objective, direction), stop]
        elif auto:
            factor = LOGISTIC_FACTOR if self.activation == "logistic" else 1.0
            new = _ascent.Rate(factor * AUTO_RATES[self.solver], HALF_LIFE)
            step_size = memory.setdefault("step_size", new)
        else:
            step_size = _ascent.Rate(self.learning_rate)
        walk = self._walk(objective, direction, step_size, rng)
        whole = self._batch_rows(objective) == objective.n_rows
        return plan.Plan(objective, walk, stops, memory, exact_curve=whole)

    def _batch_rows(self, rows):
        """How many of the rows are in a mini-batch: all, at most."""
        size, n_rows = self.batch_size, rows.n_rows
        if size == "auto":  # as even as can be: what a few rows say is mostly noise
            size = -(-n_rows // -(-n_rows // 200))
        return n_rows if self.solver == "lbfgs" else min(size, n_rows)

    def _walk(self, objective, direction, step_size, rng):
        size, rng = self._batch_rows(objective), rng if self.shuffle else None
        size = None if size == objective.n_rows else size
        # Each batch bears all of alpha, as MLPClassifier's does, one of few rows too;
        # or its share of a penalty that is for all rows.
        how = {"whole_penalty": self.alpha != "auto", "exact": False, "monotone": False}
        return partial(plan.walks, objective, direction, step_size, size, rng, **how)

    def _direction(self):
        if self.solver == "gradient":
            return _ascent.Momentum(self.momentum)
        return _ascent.LBFGS() if self.solver == "lbfgs" else _ascent.Adam()

    def _overshoot_message(self, climber):
        rate = self._holding_rate(climber.plan.objective, climber.theta)
        return (
            f"The log-likelihood fell: learning_rate={self.learning_rate} steps over "
            "the top. By halving it, the largest rate found safe for this data is "
            f"{plan.round_down(rate):.4g}; learning_rate='auto' picks its own."
        )

    def _holding_rate(self, objective, start):
        """The rate, by halving, whose iterations (50 at most) stay above the start."""
        least, rate, fell = objective.log_likelihood(start), self.learning_rate, True
        n_iter = min(self.max_iter, 50)
        while fell and rate > 0:
            rate /= 2
            how = self._direction(), _ascent.Rate(rate), np.random.RandomState(0)
            walk = self._walk(objective, *how)(start)
            found = islice(_ascent.positions(walk, objective.answer), 1 + n_iter)
            fell = not all(objective.log_likelihood(at.theta) >= least for at in found)
        return rate
