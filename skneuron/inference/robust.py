"""Covariances that hold where the likelihood does not, or samples hang together.

The estimate is where the scores sum to 0. It moves by I^-1 times their sum, so that its
covariance is I^-1 M I^-1, M that of the sum (Huber, 1967; White, 1982).
"""

import numpy as np

from .._arrays import product

COV_TYPES = ["nonrobust", "HC0", "HC1", "cluster"]


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
    moves = np.empty((fitted.rows.n_rows, root.shape[1]))
    for at, block, p in fitted.blocks(root.shape[1]):
        residual = ((block.codes == fitted.order) - p)[:, 1:]
        parts = [product(block.X, of) for of in of_class]
        moves[at] = sum(r[:, None] * of for r, of in zip(residual.T, parts))
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
        raise ValueError(
            f"cov_type={cov_type!r} is for maximum likelihood estimates, not for "
            "penalty='firth'."
        )
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
