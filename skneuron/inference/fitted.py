"""An estimate beside the data that it was fitted to: what all inference is made of."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from .._arrays import product, to_host
from .._data.files import OnDemand
from .._data.reading import check_features
from .._data.rows import Rows


@dataclass(eq=False)
class Fitted:
    """An estimate and its data, read once.

    Attributes
    ----------
    estimator : estimator
        As it was given: a pipeline, maybe.
    summary : MLESummary
        With the covariance that the information gives.
    root : array of shape (n_parameters, n_coordinates)
        Its product with its own transpose is that covariance.
    rows : Rows
        Those that have a weight.
    places : array of shape (n_rows,)
        Of these among the samples that were given.
    n_samples : int
        How many were given.
    index : pandas.Index or None
        What the given samples are called.
    order : array of shape (n_classes,)
        The codes of the classes in the summary's order, the reference first.
    hill : Objective or Firth
        What the estimate is the top of.
    theta, axes : arrays of shape (n_coordinates,), (n_coordinates, n_coordinates)
        The top's coordinates, and a root of the covariance there.
    """

    estimator: object
    summary: object
    root: np.ndarray
    rows: Rows
    places: np.ndarray
    n_samples: int
    index: object
    order: np.ndarray
    hill: object
    theta: np.ndarray
    axes: np.ndarray

    @property
    def weights_by_class(self):
        """Log-odds' weights, (n_classes, n_inputs): of the reference, 0."""
        return self.by_class(self.summary.estimate)[..., 0]

    def by_class(self, root):
        """A root of a covariance, (n_classes, n_inputs, any): of the reference, 0."""
        root = root.reshape(len(self.order) - 1, len(self.summary.names), -1)
        return np.concatenate([np.zeros_like(root[:1]), root])

    def probabilities(self, X):
        """Those of all classes in the summary's order, (n_rows, n_classes)."""
        return softmax(product(X, self.weights_by_class.T), axis=1)

    def blocks(self, n_numbers):
        """Yield the place of each block of rows, the block, and its probabilities."""
        start = 0
        for block in self.rows.blocks(n_numbers + 4 * len(self.order)):
            stop = start + block.n_rows
            yield slice(start, stop), block, self.probabilities(block.X)
            start = stop

    def features(self, X):
        """Other data as the logistic regression is given them, and their index."""
        last, index = self.estimator, index_of(X)
        if isinstance(last, Pipeline):
            X, last = transformed(last, X), last.steps[-1][1]
        X = check_features(last, to_host(X), reset=False)
        return X[:] if isinstance(X, OnDemand) else X, index


def transformed(pipeline, X):
    """What reaches the last step of a pipeline."""
    return pipeline[:-1].transform(X) if len(pipeline.steps) > 1 else X


def index_of(X):
    """What the rows of a pandas frame are called; None of others."""
    return X.index if hasattr(X, "iloc") else None
