"""The passes of a fitted network: forward, backward, and what both can be held to."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._arrays import numbers_may_end, to_host
from .._data import Rows, Targets, check_data, check_features, take_rows
from .._estimator.predictions import _sigmoid, _softmax
from .._model import Convolution, are_counts, log_likelihood
from .._peers import check_kind
from ..logistic_regression import GradientAscentLogisticRegression
from ..mlp import SimpleMLPClassifier

EPS = np.finfo(np.float64).eps

#: How far z is moved: there a difference's own error and what rounding adds to it are
#: alike.
STEP = EPS ** (1 / 3)

#: A difference tells something of a gradient that is so many times its rounding error.
RESOLVED = 1e6


def forward_pass(est, X):
    """Every layer's activations.

    The first layer's are X. A hidden layer's are ``a = g(h W + b)``, h being those of
    the layer before; a Convolution's are a picture, row by row, with each pixel's
    channels side by side. The last layer's are probabilities, ``y_hat = sigmoid(h W +
    b)`` or ``softmax(h W + b)``, in one column for each of its neurons.

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
        X = take_rows(check_features(est, to_host(X), reset=False), slice(None))
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
        (network, *_), _, residuals, gradient = _passes(est, X, y, sample_weight)
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
    d changes z by about 6e-6. Where relu's z is closer to 0 than that, or two sums that
    are pooled to one another, a kink lies between the two log-likelihoods, and their
    difference is of no use.

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
    check_count("n_parameters", n_parameters)
    with numbers_may_end():
        model, found, residuals, gradient = _passes(est, X, y, sample_weight, float)
        (network, layers, likelihood, rows), (*inputs, z) = model, found
        # What rounding of its terms, and of z, may do to a log-likelihood.
        terms = likelihood.log_prob(z, rows.codes, rows.weights)
        noise = 8 * EPS * (abs(terms).sum() + abs(z * residuals[-1]).sum())
        sizes, steps = [], []
        for kind, h, (W, _), D in zip(network.kinds, inputs, layers, residuals):
            h, D = kind.examples(h, W, D)
            sizes.append((abs(h).T @ abs(D), abs(D).sum(axis=0)))
            # By the size of the inputs, as it is z that they move; an intercept's is 1.
            largest = np.append(MaxAbsScaler().fit(h).max_abs_, 1.0)
            largest[largest == 0] = 1.0
            steps.append(np.repeat(STEP / largest, D.shape[1]))
        sizes, theta = network.flatten(sizes), network.flatten(layers)
        # Or theta + d is theta.
        steps = np.maximum(np.concatenate(steps), 1e4 * np.spacing(abs(theta)))
        chosen = check_random_state(random_state).permutation(len(theta))[:n_parameters]

        def value(theta):
            return log_likelihood(network, likelihood, theta, rows, guarded=True)

        widths, rises = np.zeros((2, len(chosen)))
        for i, j in enumerate(chosen):
            step = np.where(np.arange(len(theta)) == j, steps, 0.0)
            right, left = theta + step, theta - step
            widths[i], rises[i] = right[j] - left[j], value(right) - value(left)
        gradient, differences = gradient[chosen], rises / widths
        shares = sizes[chosen], RESOLVED * noise / widths
        size = np.max([*shares, abs(gradient), abs(differences)], axis=0)
        distance = abs(gradient - differences)
        return float(np.max(distance / np.where(distance == 0, 1.0, size)))  # NaN too


def check_count(name, value):
    """Raise unless a parameter is a whole number above 0."""
    if not are_counts(value):
        raise ValueError(f"{name} must be a whole number above 0, got {value!r}.")


def checked_shape(image_shape, n_pixels, what):
    """Height and width of images of so many pixels; ValueError if that they are not."""
    shape = tuple(np.ravel(image_shape).tolist())
    shape = shape[:2] if shape[2:] == (1,) else shape
    if len(shape) == 2 and are_counts(*shape) and np.prod(shape) == n_pixels:
        return shape
    raise ValueError(
        f"image_shape={image_shape!r} does not fit the {n_pixels} {what}: it must be "
        f"(height, width), height * width = {n_pixels}."
    )


def check_estimator(est, fitted=None):
    """Raise unless `est` is one of the two estimators and has the `fitted` attribute.

    `fitted` of None: any.
    """
    check_kind("est", est, GradientAscentLogisticRegression, SimpleMLPClassifier)
    check_is_fitted(est, fitted)


def dense_layers(est):
    """The (weights, intercepts) of every layer, of float64, of one of the estimators.

    Raises unless it is fitted, and its layers are dense.
    """
    check_estimator(est)
    check_dense(est)
    return [[np.asarray(to_host(of), float) for of in layer] for layer in est._layers]


def check_dense(est):
    """Raise if neurons share weights: what draws a network draws each weight."""
    if any(isinstance(of, Convolution) for of in est._hidden_layer_sizes()):
        raise ValueError("Only dense layers can be drawn, and no Convolution.")


def _passes(est, X, y, sample_weight, dtype=None):
    """Both passes, in `dtype` or the widest float type that comes in.

    Network, layers, likelihood and rows; every layer's activations and dLL/dz; and the
    flat gradient.
    """
    X, y, weights = check_data(est, *map(to_host, (X, y, sample_weight)), reset=False)
    network, layers = est._fitted_network(X)
    dtype = dtype or np.result_type(X.dtype, *(W for W, _ in layers))
    layers = [(np.asarray(W, dtype), np.asarray(b, dtype)) for W, b in layers]
    targets = Targets(est.classes_)
    X = take_rows(X, slice(None)).astype(dtype, copy=False)
    weights = np.ones(len(y), dtype) if weights is None else weights.astype(dtype)
    rows, likelihood = Rows(X, targets.encode(y), weights), targets.likelihood
    activations = network.forward(layers, X, guarded=True)
    residual = likelihood.residual(activations[-1], rows.codes, weights)
    gradient = np.empty(network.n_parameters, dtype)
    into = network.layers(gradient)
    residuals = network.backward(layers, activations, residual, into)
    return (network, layers, likelihood, rows), activations, residuals, gradient
