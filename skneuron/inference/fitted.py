"""An estimate beside the data that it was fitted to: what all inference is made of.

And its covariances, those too that hold where the likelihood does not, or samples hang
together. The estimate is where the scores sum to 0. It moves by I^-1 times their sum,
so that its covariance is I^-1 M I^-1, M that of the sum (Huber, 1967; White, 1982).
"""

from collections import namedtuple

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from .._arrays import product, to_host
from .._data import OnDemand, check_features

#: The kinds of covariances.
COV_TYPES = ["nonrobust", "HC0", "HC1", "cluster"]

Fields = namedtuple(
    "Fields", "estimator summary root rows places n_samples index order hill theta axes"
)


class Fitted(Fields):
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
        """Yield each block of rows, and its probabilities."""
        for block in self.rows.blocks(n_numbers + 4 * len(self.order)):
            yield block, self.probabilities(block.X)

    def features(self, X):
        """Other data as the logistic regression is given them, and their index."""
        last, index = self.estimator, index_of(X)
        if isinstance(last, Pipeline):
            X, last = transformed(last, X), last[-1]
        X = check_features(last, to_host(X), reset=False)
        return X[:] if isinstance(X, OnDemand) else X, index


def transformed(pipeline, X):
    """What reaches the last step of a pipeline."""
    return pipeline[:-1].transform(X) if len(pipeline.steps) > 1 else X


def index_of(X):
    """What the rows of a pandas frame are called; None of others."""
    return X.index if hasattr(X, "iloc") else None


def covariance_root(fitted, cov_type, groups):
    """The root of the covariance of a kind, (n_parameters, any).

    M is the sum of the scores' squares (HC0), times n / (n - p) (HC1); or that of the
    squares of each group's sum, times G / (G - 1) (n - 1) / (n - p) (cluster). The
    rows of separated parameters are NaN.
    """
    groups = _checked(fitted, cov_type, groups)
    root, n = fitted.root, fitted.summary.n_observations
    known = np.where(fitted.summary.separated, np.nan, 1.0)[:, None]
    if cov_type == "nonrobust":
        return known * root
    of_class, n_parameters = fitted.by_class(root)[1:], len(root)
    moves = []
    for block, p in fitted.blocks(root.shape[1]):
        residual = ((block.codes == fitted.order) - p)[:, 1:]
        parts = [product(block.X, of) for of in of_class]
        moves.append(sum(r[:, None] * of for r, of in zip(residual.T, parts)))
    moves = np.concatenate(moves)
    weights = fitted.rows.weights[:, None]
    if cov_type == "cluster":
        n_groups = groups.max() + 1
        sums = np.zeros((n_groups, root.shape[1]))
        np.add.at(sums, groups, weights * moves)
        factor = n_groups / (n_groups - 1) * (n - 1) / (n - n_parameters)
    else:
        sums = np.sqrt(weights) * moves
        factor = n / (n - n_parameters) if cov_type == "HC1" else 1.0
    return known * np.sqrt(factor) * root @ np.linalg.qr(sums, mode="r").T


def _checked(fitted, cov_type, groups):
    """Groups by number; ValueError if they, or the kind of covariance, are no use."""
    if cov_type not in COV_TYPES:
        raise ValueError(f"cov_type must be one of {COV_TYPES}, got {cov_type!r}.")
    if fitted.summary.penalty and cov_type != "nonrobust":
        raise ValueError(f"cov_type={cov_type!r} is not for penalty='firth'.")
    if (groups is None) == (cov_type == "cluster"):
        raise ValueError("groups go with cov_type='cluster', and with that alone.")
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape == (fitted.n_samples,):
        _, groups = np.unique(groups[fitted.places], return_inverse=True)
        if groups.any():
            return groups
    raise ValueError(
        f"groups must name a group for each of {fitted.n_samples} samples, two at "
        f"least; got an array of shape {groups.shape}."
    )
