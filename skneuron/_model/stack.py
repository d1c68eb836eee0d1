"""Many logistic regressions on the same rows: what they ask, answered at once.

A block of rows is read once for all of them. The compiled core then takes one after
the other, each with the very sums that it has alone. Elsewhere K models are one model
with K times as many outputs: a product of matrices. Where features lie on a device, all
parameters go there in one move, and what was summed there comes back in one.
"""

import numpy as np

from .._arrays import adjoint, array_namespace, like, to_host, widest
from .sums import Sums


def answers(asked):
    """The evaluations that climbs ask for.

    Those are answered together that ask for a gradient on the very same rows.

    Parameters
    ----------
    asked : list of (Objective, Question)

    Returns
    -------
    evaluations : list of Evaluation
    """
    replies, groups = [None] * len(asked), {}
    for i, (objective, (_, order, n_rows, _)) in enumerate(asked):
        simple = order == 1 and n_rows is None and objective.network.is_one_layer
        shape = id(objective.rows), objective.network.fit_intercept
        groups.setdefault(shape if simple else i, []).append(i)
    for members in groups.values():
        objectives, questions = zip(*(asked[i] for i in members))
        if len(members) > 1:
            found = _together(objectives, [question.theta for question in questions])
        else:
            found = [objectives[0].answer(questions[0])]
        for i, reply in zip(members, found):
            replies[i] = reply
    return replies


def _together(objectives, thetas):
    """Yield the evaluation of each objective, of the same rows, at its own place."""
    read = [one.as_read(theta) for one, theta in zip(objectives, thetas)]
    first, stacked = objectives[0], np.stack(read)
    wanted = first.likelihood, first.network.fit_intercept, len(read)
    passes, values, gradient = first.rows.passes(*wanted), 0.0, 0.0
    parts = _plain(first, stacked) if passes is None else (of(stacked) for of in passes)
    for some, share, *_ in parts:
        values, gradient = values + some, gradient + share
    members = zip(objectives, thetas, read, values, to_host(gradient))
    for objective, theta, own, value, slope in members:
        slope = (slope / objective.divisor).astype(own.dtype, copy=False)
        yield objective.evaluation(theta, own, Sums(float(value), slope))


def _plain(objective, theta):
    """Yield of each block of rows the members' log-likelihoods, and their gradients."""
    rows, likelihood = objective.rows, objective.likelihood
    n_members, k, xp = len(theta), likelihood.n_logits, array_namespace(rows.X)
    by_input = theta.reshape(n_members, -1, k).transpose(1, 0, 2)
    there = like(by_input.reshape(-1, n_members * k), rows.X)

    for block, z in rows.products(there, 4 * there.shape[1]):
        z = xp.reshape(z, (-1, k))
        codes = xp.repeat(block.codes, n_members, axis=0)
        w = block.weights
        if w is not None:
            w = xp.repeat(like(w, z), n_members, axis=0)
        log_prob = widest(likelihood.log_prob(z, codes, w))
        residual = likelihood.residual(z, codes, w)
        values = xp.reshape(xp.sum(log_prob, axis=1), (-1, n_members))
        values = xp.sum(values, axis=0)
        residual = xp.reshape(residual, (-1, n_members * k))
        gradient = widest(adjoint(block.X, residual, there.shape[0]))
        gradient = xp.reshape(gradient, (-1, n_members, k))
        gradient = xp.permute_dims(gradient, (1, 0, 2))
        yield to_host(values), xp.reshape(gradient, (n_members, -1))
