"""What both estimators say of new data, read from their public fitted attributes.

Of Dask collections they say it as lazy Dask arrays; scores are computed.
"""

import math
from functools import partial

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils._array_api import check_same_namespace
from sklearn.utils.validation import check_is_fitted

from .._arrays import array_namespace, beside, is_sparse, numbers_may_end, to_host
from .._data import reading
from .._data.dask import is_dask, lazily, total_of
from .._data.files import OnDemand
from .._data.rows import block_rows, slices, take_rows
from .._data.targets import Targets
from .._model import Convolution, Network, log_likelihood
from .._model.likelihood import Likelihood, log_sigmoid, log_softmax


class Predictions:
    """The predicting half of an estimator, a mixin.

    Needs ``_layers``, a list of (W, b) made of the public attributes, ``classes_``,
    ``_hidden_layer_sizes()`` and ``_activation()``.
    """

    def _logits(self, X, method):
        """Logits of X from the public attributes, (n_samples, n_logits)."""
        check_is_fitted(self)
        check_same_place(X, self, method)
        with numbers_may_end():
            X = reading.check_features(self, X, reset=False)
            network, layers = self._fitted_network(X)
            dense = X.shape[1] == network.shapes[0][0]
            if is_sparse(X) and X.nnz < X.shape[1] and dense:
                # SciPy copies all weights of a layer that are not in its order: a row
                # of 5,000 features and 300 classes took six times as long.
                stored, (weights, intercepts) = np.unique(X.indices), layers[0]
                X, layers[0] = X[:, stored], (weights[stored], intercepts)

            def logits(some):
                return network.forward(layers, some, guarded=True)[-1]

            if len(layers) == 1 and not isinstance(X, OnDemand):
                return logits(X)
            return _by_blocks(logits, X, X.shape[1] + network.n_numbers)

    @property
    def _first_weights(self):
        return self._layers[0][0]

    def _fitted_network(self, X):
        """The network and its layers, where X is."""
        layers = [tuple(beside(of, X, mixed=True) for of in at) for at in self._layers]
        shapes, hidden = [W.shape for W, _ in layers], self._hidden_layer_sizes()
        sizes = [X.shape[1], *(n_out for _, n_out in shapes)]
        shared = [of for of in hidden if isinstance(of, Convolution)]
        sizes[1 : 1 + len(shared)] = shared
        pictures = getattr(self, "image_shape", None)
        network = Network(sizes, self._activation(), image_shape=pictures)
        if network.shapes != shapes:
            raise ValueError(
                f"The weights have shapes {shapes}, but of this network and these "
                f"features they are {network.shapes}."
            )
        return network, layers

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
            Multilabel log-odds rank as the probabilities do: beyond 22 (float32: 2),
            those of probabilities that round to the same number are the same.
        """
        outputs = _resolved, lambda z, n_classes: z[:, 0] if z.shape[1] == 1 else z
        return self._output_by_output(X, "decision_function", *outputs)

    def predict(self, X):
        """The likeliest label of every output.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        if is_dask(X):
            return lazily(self, "predict", X)
        z = self._logits(X, "predict")
        targets = Targets(self.classes_)
        return targets.labels(targets.choose(z))

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
        return self._probabilities(X, "predict_proba", _sigmoid, _softmax)

    def predict_log_proba(self, X):
        """Logarithms of the probabilities, finite where those underflow to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : as :meth:`predict_proba`
        """
        return self._probabilities(X, "predict_log_proba", log_sigmoid, log_softmax)

    def _probabilities(self, X, method, sigmoid, softmax):
        def of_both(z):  # the first class's logit is -z
            return sigmoid(array_namespace(z).concat([-z, z], axis=1))

        def of_output(z, n_classes):
            return _by_blocks(of_both if n_classes == 2 else softmax, z)

        outputs = partial(_by_blocks, sigmoid), of_output
        return self._output_by_output(X, method, *outputs)

    def _output_by_output(self, X, method, of_indicators, of_output):
        """What a method makes of the logits, and number of classes, of each output."""
        if is_dask(X):
            return lazily(self, method, X)
        z, targets = self._logits(X, method), Targets(self.classes_)
        with numbers_may_end():
            if targets.multilabel:
                return of_indicators(z)
            outputs = [of_output(at, len(of)) for of, at in targets.split(z)]
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
        if is_dask(X):
            return total_of(self, "score", X, y, sample_weight)
        # On the host, which may compare labels of any kind, and has the widest floats.
        predicted, y, sample_weight = map(to_host, (self.predict(X), y, sample_weight))
        kind, alike = predicted.dtype.kind, isinstance(y, np.ndarray)
        alike = alike and y.shape == predicted.shape and y.dtype.kind == kind
        if predicted.ndim == 1 and not (alike and kind in "biuU"):
            # Then scikit-learn may mind.
            # To scikit-learn, objects that are not strings are no labels.
            if predicted.dtype == object:
                y, predicted = (np.array([*np.asarray(of)]) for of in (y, predicted))
            return float(accuracy_score(y, predicted, sample_weight=sample_weight))
        y = y.toarray() if is_sparse(y) else np.asarray(y)
        if y.shape != predicted.shape:
            raise ValueError(
                f"y has shape {y.shape}, but predictions have {predicted.shape}."
            )
        right = np.all(predicted.reshape(len(y), -1) == y.reshape(len(y), -1), axis=1)
        signed = predicted.ndim == 1  # as to scikit-learn
        sample_weight = reading.check_weights(sample_weight, right, signed=signed)
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
        if is_dask(X):
            return total_of(self, "log_likelihood", X, y, sample_weight)
        check_is_fitted(self)
        check_same_place(X, self, "log_likelihood")
        with numbers_may_end():
            X, y, weights = reading.check_data(self, X, y, sample_weight, reset=False)
            targets = Targets(self.classes_)
            # Sums of float32 lose more digits to an offset than parameters do.
            rows = reading.weighted_rows(X, targets.encode(y), weights).widened()
            network, layers = self._fitted_network(X)
            model = network, targets.likelihood, network.flatten(layers)
            return log_likelihood(*model, rows, guarded=True)


def check_same_place(X, estimator, method):
    """ValueError if X is of another namespace, or device, than what was learned."""
    if is_dask(X) or reading.stays_where_it_is(X):
        X = np.empty((0, 0))  # of NumPy's, as is what is read of X
    check_same_namespace(X, estimator, attribute="_first_weights", method=method)


def _by_blocks(function, X, n_numbers=None):
    """``function(X)`` by blocks of rows, for each of which it takes n_numbers besides.

    By default, as many as probabilities take that are computed from logits.
    """
    size = block_rows(8 * (n_numbers or 8 * max(2, X.shape[1])), X)
    parts = [function(take_rows(X, at)) for at in slices(max(1, X.shape[0]), size)]
    return parts[0] if len(parts) == 1 else array_namespace(parts[0]).concat(parts)


def _sigmoid(z):
    return _proper(Likelihood([0] * z.shape[1]).y_hat(z), log_sigmoid, z)


def _softmax(z):
    return _proper(Likelihood([z.shape[1]]).y_hat(z), log_softmax, z)


def _proper(p, log_p, z):
    """Probabilities kept from rounding to 0 or 1, which no finite logit means.

    Below the smallest normal number they stay in order, if not in proportion, as far
    as there are numbers.
    """
    xp = array_namespace(p)
    limits = xp.finfo(p.dtype)
    tiny, below_1 = float(limits.smallest_normal), 1 - float(limits.eps) / 2
    if float(xp.min(p)) < tiny:
        least = math.log(tiny)
        order = least / xp.clip(log_p(z), None, least)
        p = xp.where(p < tiny, xp.astype(tiny * order, p.dtype), p)
    return xp.clip(p, tiny * float(limits.eps), below_1)


def _resolved(z):
    """Log-odds as far as probabilities tell them apart, so that both rank alike.

    Probabilities near 1 are eps / 2 apart, their log-odds exp(z) times as much: from
    where that is 4e-7 on, log-odds are those of the probabilities.
    """
    xp = array_namespace(z)
    high = -math.log(xp.finfo(z.dtype).eps) - 14
    if float(xp.max(z)) < high:
        return z
    p = _sigmoid(z)
    return xp.where(z > high, xp.log(p) - xp.log(1 - p), z)
