"""The passes of a fitted network: forward, backward, and what both can be held to."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._arrays import numbers_may_end, to_host
from ._estimator import NeuronClassifier
from ._labels import FLOATS, check_data
from ._model import (
    Network,
    Objective,
    OnDemand,
    Rows,
    Targets,
    largest_safe_rate,
    log_likelihood,
)
from ._predictions import _sigmoid, _softmax
from ._threads import one_blas
from .logistic_regression import GradientAscentLogisticRegression

EPS = np.finfo(np.float64).eps

#: A difference tells something of a gradient that is so many times its rounding error.
RESOLVED = 1e6


def forward_pass(est, X):
    """Every layer's activations.

    The first layer's are X. A hidden layer's are ``a = g(h W + b)``, h being those of
    the layer before. The last layer's are probabilities, ``y_hat = sigmoid(h W + b)``
    or ``softmax(h W + b)``, in one column for each of its neurons.

    Parameters
    ----------
    est : GradientAscentLogisticRegression or SimpleMLPClassifier
        Fitted. Its public `coef_` and `intercept_`, or `coefs_` and `intercepts_`, are
        read.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features.

    Returns
    -------
    activations : list of ndarray of shape (n_samples, n_neurons)
        Inputs first (a sparse X stays sparse), then each hidden layer's, and y_hat
        last. Two classes have one neuron, whose y_hat, (n_samples, 1), is the
        probability of the second: ``predict_proba(X)[:, 1:]``. More classes have one
        each, whose y_hat is ``predict_proba(X)``; so it is for multilabel targets. The
        y_hat of multiclass-multioutput targets stand side by side in the same way.

    Raises
    ------
    TypeError
        If `est` is not one of the two estimators.
    NotFittedError
        If it is not fitted.
    ValueError
        If X is not usable.

    See Also
    --------
    backward_pass : The way back, from the residuals to the gradient.

    References
    ----------
    Rumelhart, Hinton & Williams, *Learning representations by back-propagating errors*
    (Nature 323, 1986), equations 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skneuron import SimpleMLPClassifier
    >>> from skneuron.inspection import forward_pass
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> clf = SimpleMLPClassifier((3,), solver="lbfgs", random_state=0)
    >>> clf = clf.fit(X, [0, 1, 1, 0])
    >>> [a.shape for a in forward_pass(clf, X)]
    [(4, 2), (4, 3), (4, 1)]
    """
    check_estimator(est)
    with numbers_may_end():
        X = to_host(X)  # to be looked at
        X = validate_data(est, X, reset=False, accept_sparse="csr", dtype=FLOATS)
        network, layers = est._fitted_network(X)
        *activations, z = network.forward(layers, X, guarded=True)
        outputs = [
            _sigmoid(at) if at.shape[1] < len(classes) else _softmax(at)
            for classes, at in Targets(est.classes_).split(z)
        ]
    return [*activations, np.concatenate(outputs, axis=1)]


@dataclass(eq=False)
class BackwardPass:
    """What :func:`backward_pass` found: the gradient, and what leads to it.

    LL is the total log-likelihood, in nats; h are the activations that a layer gets,
    and z its weighted sums ``h W + b``.

    Attributes
    ----------
    coefs : ndarray of shape (n_logits, n_features), or list of ndarray of shape \
(n_in, n_out)
        dLL/dW of every layer, ``h^T D`` with the layer's residuals D: in the shapes of
        `coef_` of the logistic regression (there ``D^T X``), of `coefs_` of the
        network.
    intercepts : ndarray of shape (n_logits,), or list of ndarray of shape (n_out,)
        dLL/db of every layer, ``sum_i D_i``: in the shapes of `intercept_`, or of
        `intercepts_`. Without `fit_intercept` too, though the climb leaves it out.
    residuals : list of ndarray of shape (n_samples, n_neurons)
        D = dLL/dz of every layer but the inputs. The last layer's are ``w (y - y_hat)``
        with the sample's weight w; each other's follow from those of the layer above,
        ``D = (D_above W_above^T) * g'(z)``.
    """

    coefs: object
    intercepts: object
    residuals: list


def backward_pass(est, X, y, sample_weight=None):
    """The gradient of the log-likelihood in every parameter, by backpropagation.

    Parameters
    ----------
    est : GradientAscentLogisticRegression or SimpleMLPClassifier
        Fitted. Its public `coef_` and `intercept_`, or `coefs_` and `intercepts_`, are
        read.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Labels among `classes_`.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each sample counts.

    Returns
    -------
    gradient : BackwardPass
        With `coefs`, `intercepts` and `residuals`, of the total log-likelihood:
        ``est.log_likelihood(X, y, sample_weight)``, without penalty or class weights.

    Raises
    ------
    TypeError
        If `est` is not one of the two estimators.
    NotFittedError
        If it is not fitted.
    ValueError
        If X, y or sample_weight is not usable.

    See Also
    --------
    check_gradient : This gradient against differences of the log-likelihood.

    References
    ----------
    Rumelhart, Hinton & Williams, *Learning representations by back-propagating errors*
    (Nature 323, 1986), equations 4 to 7.

    Examples
    --------
    At the top of the log-likelihood the gradient is 0.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import backward_pass
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = X[:, :4]
    >>> clf = GradientAscentLogisticRegression().fit(X, y)
    >>> gradient = backward_pass(clf, X, y)
    >>> gradient.coefs.shape
    (1, 4)
    >>> bool(abs(gradient.coefs).max() < 1e-3)
    True
    >>> [D.shape for D in gradient.residuals]
    [(569, 1)]
    """
    check_estimator(est)
    with numbers_may_end():
        network, layers, likelihood, rows = _problem(est, X, y, sample_weight)
        gradient, residuals = _backward(network, layers, likelihood, rows)
    found = est._layer_attributes(network.layers(gradient))
    return BackwardPass(*found.values(), residuals)


def check_gradient(est, X, y, *, sample_weight=None, n_parameters=100, random_state=0):
    """Hold backpropagation's gradient against differences of the log-likelihood.

    A derivative is the limit of ``(LL(theta + d) - LL(theta - d)) / 2d``. A right
    gradient is as close to that as rounding lets it be, to 1e-6 of its size or better;
    a wrong one is not.

    Parameters
    ----------
    est : GradientAscentLogisticRegression or SimpleMLPClassifier
        Fitted; left as it is. Everything is computed in float64.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Labels among `classes_`.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each sample counts.
    n_parameters : int, default=100
        How many parameters to check, drawn at random if there are more. Each takes two
        forward passes.
    random_state : int, RandomState or None, default=0
        Draws the parameters.

    Returns
    -------
    error : float
        The largest relative error of a component: its distance from the difference,
        divided by the sum of the sizes of the samples' shares in it. (The component
        itself is a sum of shares that cancel out at the top, and is no measure there.)
        Where that is less than a million times what rounding can make of a difference,
        which then tells nothing, these stand in for it.

    Raises
    ------
    TypeError
        If `est` is not one of the two estimators.
    NotFittedError
        If it is not fitted.
    ValueError
        If X, y, sample_weight or n_parameters is not usable.

    See Also
    --------
    backward_pass : The gradient.

    Notes
    -----
    d changes z by about 6e-6. Where relu's z is closer to 0 than that, its kink lies
    between the two log-likelihoods, and their difference is of no use.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization* (2006), section 8.1, for the length of d.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneuron import SimpleMLPClassifier
    >>> from skneuron.inspection import check_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SimpleMLPClassifier((5,), solver="lbfgs", random_state=0).fit(X, y)
    >>> check_gradient(clf, X, y) < 1e-6
    True
    """
    check_estimator(est)
    if not (isinstance(n_parameters, Integral) and n_parameters > 0):
        raise ValueError(
            f"n_parameters must be a whole number above 0, got {n_parameters!r}."
        )
    with numbers_may_end():
        network, layers, likelihood, rows = _problem(
            est, X, y, sample_weight, dtype=np.float64
        )
        gradient, residuals = _backward(network, layers, likelihood, rows)
        *inputs, z = network.forward(layers, rows.X, guarded=True)
        # What rounding of its terms, and of z, may do to a log-likelihood.
        terms = abs(likelihood.log_prob(z, rows.codes))
        if rows.weights is not None:
            terms *= rows.weights[:, None]
        noise = 8 * EPS * (terms.sum() + abs(z * residuals[-1]).sum())
        sizes = network.flatten(
            [(abs(h).T @ abs(D), abs(D).sum(axis=0)) for h, D in zip(inputs, residuals)]
        )
        theta = network.flatten(layers)
        steps = network.flatten(
            [
                (_steps(h, D.shape[1]), _steps(None, D.shape[1]))
                for h, D in zip(inputs, residuals)
            ]
        )
        steps = np.maximum(steps, 1e4 * np.spacing(abs(theta)))  # or theta + d is theta
        chosen = np.arange(len(theta))
        if len(chosen) > n_parameters:
            rng = check_random_state(random_state)
            chosen = rng.choice(len(theta), n_parameters, replace=False)

        def value(j, step):
            moved = theta.copy()
            moved[j] += step
            at = network.layers(moved)
            return moved[j], log_likelihood(network, likelihood, at, rows, guarded=True)

        worst = 0.0
        for j in chosen:
            (right, above), (left, below) = value(j, steps[j]), value(j, -steps[j])
            difference = (above - below) / (right - left)
            distance = abs(gradient[j] - difference)
            if distance != 0:
                seen = RESOLVED * noise / (right - left)
                size = max(sizes[j], abs(gradient[j]), abs(difference), seen)
                worst = np.maximum(worst, distance / size)  # NaN too
    return float(worst)


def max_stable_learning_rate(
    X,
    y,
    *,
    reduction="mean",
    C=np.inf,
    fit_intercept=True,
    sample_weight=None,
    class_weight=None,
):
    """The largest learning rate at which no step can lower the log-likelihood.

    For gradient ascent of the logistic regression with every example in every step.
    The curvature of the (penalised) log-likelihood is nowhere above
    ``c X1^T diag(w) X1 + P``: X1 are the features and a 1 for the intercept, w the
    weights, P the penalty, and c is 1/4 for sigmoids and 1/2 for softmaxes. With L its
    largest eigenvalue, a step of eta times the gradient gains at least ``eta (1 - eta
    L / 2) |gradient|^2``, which is not negative up to ``eta = 2 / L``.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Labels.
    reduction : {"mean", "sum"}, default="mean"
        Whether the gradient is averaged or summed over the samples.
    C : float, default=np.inf
        Inverse strength of the L2 penalty.
    fit_intercept : bool, default=True
        Whether there are intercepts.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each sample counts.
    class_weight : dict, "balanced", list of those, or None, default=None
        Weights of the classes.

    Returns
    -------
    rate : float
        What the `ConvergenceWarning` of a `GradientAscentLogisticRegression` with these
        parameters and too large a `learning_rate` names, but for its rounding down.
        inf if nothing can be learned: all features 0, and no intercept.

    Raises
    ------
    ValueError
        If a parameter, X, y or sample_weight is not usable.

    See Also
    --------
    skneuron.inspection.LearningRateDisplay : Marks it among the rates of a search.

    Notes
    -----
    Rates above this one may do as well, where probabilities are far from the 1/2 at
    which the curvature is largest; but no longer for certain.

    References
    ----------
    D. Boehning & B. G. Lindsay, "Monotonicity of quadratic-approximation algorithms",
    *Annals of the Institute of Statistical Mathematics* 40 (1988), 641-663.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skneuron.inspection import max_stable_learning_rate
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> print(f"{max_stable_learning_rate(scale(X[:, :2]), y):.3f}")
    6.043
    """
    est = GradientAscentLogisticRegression(
        1.0,
        C=C,
        reduction=reduction,
        fit_intercept=fit_intercept,
        class_weight=class_weight,
    )
    est._validate_params()
    with numbers_may_end(), one_blas():
        targets, rows, _ = est._read(
            X, y, sample_weight, known=None, classes=None, partial=False, counts=None
        )
        sizes = [rows.X.shape[1], targets.likelihood.n_logits]
        network = Network(sizes, est._activation(), fit_intercept)
        objective = Objective(network, targets.likelihood, rows, est._l2(), reduction)
        return float(largest_safe_rate(objective))


def check_estimator(est, fitted=None):
    """Raise unless `est` is one of the two estimators and has the `fitted` attribute.

    `fitted` of None: any.
    """
    if not isinstance(est, NeuronClassifier):
        hint = ""
        if hasattr(est, "steps"):
            hint = (
                " Of a pipeline pass the last step, pipeline[-1], and X, where it is "
                "asked for, transformed by the others: pipeline[:-1].transform(X)."
            )
        elif hasattr(est, "best_estimator_"):
            hint = " Of a search pass its best_estimator_."
        raise TypeError(
            "est must be a fitted GradientAscentLogisticRegression or "
            f"SimpleMLPClassifier, got {est!r}.{hint}"
        )
    check_is_fitted(est, fitted)


def _problem(est, X, y, sample_weight, dtype=None):
    """Network, layers, likelihood and rows, of `dtype` or the widest that comes in."""
    X, y, sample_weight = (to_host(of) for of in (X, y, sample_weight))
    X, y, sample_weight = check_data(est, X, y, sample_weight, reset=False)
    network, layers = est._fitted_network(X)
    if dtype is None:
        dtype = np.result_type(X.dtype, *(np.asarray(w).dtype for w, _ in layers))
    layers = [(np.asarray(w, dtype), np.asarray(b, dtype)) for w, b in layers]
    targets = Targets(est.classes_)
    if sample_weight is not None:
        sample_weight = sample_weight.astype(dtype)
    if isinstance(X, OnDemand):
        X = X[:]
    rows = Rows(X.astype(dtype, copy=False), targets.encode(y), sample_weight)
    return network, layers, targets.likelihood, rows


def _backward(network, layers, likelihood, rows):
    """The flat gradient, and every layer's dLL/dz."""
    activations = network.forward(layers, rows.X, guarded=True)
    residual = likelihood.residual(activations[-1], rows.codes)
    if rows.weights is not None:
        residual *= rows.weights[:, None]
    gradient = np.empty(network.n_parameters, rows.dtype)
    into = network.layers(gradient)
    return gradient, network.backward(layers, activations, residual, into)


def _steps(h, n_neurons):
    """Steps of weights that meet inputs h; None: of intercepts, whose input is 1.

    The cube root of the rounding error, where a difference's own error and what
    rounding adds to it are alike; by the size of the input, as it is z that they move.
    """
    step = EPS ** (1 / 3)
    if h is None:
        return np.full(n_neurons, step)
    largest = abs(h).max(axis=0)
    largest = largest.toarray().ravel() if sparse.issparse(largest) else largest
    largest = np.where(largest > 0, largest, 1.0)
    return np.repeat((step / largest)[:, None], n_neurons, axis=1)
