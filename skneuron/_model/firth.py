"""Firth's penalty: the log-likelihood and half the log determinant of its information.

The determinant falls to 0 where probabilities become 0 and 1. So the sum has a top
where classes separate, too, and its top is where the estimate's first-order bias is
gone (D. Firth, *Bias reduction of maximum likelihood estimates*, Biometrika 80, 1993)::

    LL(theta) + log det(I) / 2        I = X1^T diag(w v) X1,  v = y_hat (1 - y_hat)
    gradient  X1^T (w (y - y_hat) + h (1/2 - y_hat))
    leverage  h_i = w_i v_i x_i^T I^-1 x_i
"""

from functools import partial

import numpy as np
from scipy.linalg import solve_triangular

from .._arrays import adjoint, array_namespace, to_host


class Firth:
    """An objective with Firth's penalty: of one Bernoulli output, and one layer.

    Parameters
    ----------
    objective : Objective
        In the coordinates that it is climbed in: in others the penalty is larger or
        smaller by a constant.
    """

    def __init__(self, objective):
        self.objective = objective
        # Along what no row can tell the determinant would be 0: it is that of the rest.
        start = np.zeros(objective.n_parameters)
        ((_, information),) = objective.evaluate(start, curvature=True).curvature
        values, vectors = np.linalg.eigh(information)
        self.seen = vectors[:, values > 1e-12 * values[-1]]

    def answer(self, question):
        """The evaluation at a question's theta, value and gradient with the penalty.

        The curvature, where it is asked for, is the information alone.
        """
        objective, theta = self.objective, question.theta
        here = objective.evaluate(theta, curvature=True)
        ((_, information),) = here.curvature
        if question.order < 2:
            here.curvature = []
        information = self.seen.T @ (objective.divisor * information) @ self.seen
        try:
            factor = np.linalg.cholesky(information)
        except np.linalg.LinAlgError:  # far out, where all is certain
            here.value = -np.inf
            return here
        here.value += np.log(factor.diagonal()).sum() / objective.divisor
        root = solve_triangular(factor, self.seen.T, lower=True).T
        read = objective.as_read(np.column_stack([theta, root]))
        of = partial(_slope_of_penalty, objective.likelihood, read)
        here.gradient += objective.pulled(objective.rows.total(of)) / objective.divisor
        return here


def _slope_of_penalty(likelihood, read, rows):
    """What rows give of ``X1^T h (1/2 - y_hat)``, (n_inputs,).

    `read` is theta beside F, ``F F^T = I^-1``, so that ``x^T I^-1 x = |F^T x|^2``.
    """
    total, xp = np.zeros(len(read)), array_namespace(rows.X)
    for block, along in rows.products(read, 2 * read.shape[1]):
        z = along[:, :1]
        curvature = likelihood.couplings(z, block.weights)[0, 0]
        h = curvature * xp.sum(along[:, 1:] ** 2, axis=1)
        h = h * (0.5 - likelihood.y_hat(z)[:, 0])
        total += to_host(adjoint(block.X, h[:, None], len(read)))[:, 0]
    return total
