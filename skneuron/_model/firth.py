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

from .._arrays import adjoint, array_namespace, to_host

#: Up to so much work, some milliseconds, the information's root is of the rows, and has
#: all digits of nearly collinear columns.
CHEAP = 1e7


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
        start = objective.evaluate(np.zeros(objective.n_parameters), curvature=True)
        root, rounding = _root(start)
        _, values, rows = np.linalg.svd(root, full_matrices=False)
        self.seen = rows[values > rounding * values[0]].T

    def answer(self, question):
        """The evaluation at a question's theta, value and gradient with the penalty.

        The curvature, where it is asked for, is the information alone.
        """
        objective, theta = self.objective, question.theta
        here = objective.evaluate(theta, curvature=True)
        root = objective.divisor**0.5 * _root(here)[0] @ self.seen
        if question.order < 2:
            here.curvature = []
        # Far out, where all is certain, minus infinity.
        here.value += np.linalg.slogdet(np.linalg.qr(root, "r"))[1] / objective.divisor
        inverse = self.seen @ np.linalg.pinv(root)
        read = objective.as_read(np.column_stack([theta, inverse]))
        of = partial(_slope_of_penalty, objective.likelihood, read)
        here.gradient += objective.pulled(objective.rows.total(of)) / objective.divisor
        return here


def _root(here):
    """R, ``R^T R`` the information, and what rounds it, relatively."""
    if here.roots and here.root_work <= CHEAP:
        return here.roots()[0], np.clip(64 * here.stored.max(), 1e-12, 1e-4)
    values, vectors = np.linalg.eigh(here.curvature[0][1])
    return (vectors * np.sqrt(values.clip(0))).T, 1e-6


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
