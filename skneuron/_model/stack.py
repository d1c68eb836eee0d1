"""Many logistic regressions on the same rows: what they ask, answered at once.

A block of rows is read once for all of them. The compiled core then takes one after
the other, each with the very sums that it has alone. Elsewhere K models are one model
with K times as many outputs: a product of matrices. Where features lie on a device, all
parameters go there in one move, and what was summed there comes back in one.
"""

import numpy as np

from .._arrays import adjoint, array_namespace, like, to_host, widest
from .likelihood import by_output
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
        objectives = [asked[i][0] for i in members]
        if len(members) == 1:
            (i,) = members
            replies[i] = objectives[0].answer(asked[i][1])
            continue
        read = [one.as_read(asked[i][1].theta) for one, i in zip(objectives, members)]
        sums = _sums(objectives, read)
        for i, objective, at, of in zip(members, objectives, read, sums):
            replies[i] = objective.evaluation(asked[i][1].theta, at, of)
    return replies


def _sums(objectives, thetas):
    """What the rows that objectives share give to each, at its own parameters."""
    first, theta = objectives[0], np.stack(thetas)
    rows, intercept = first.rows, first.network.fit_intercept
    passes = rows.passes(first.likelihood, intercept, n_members=len(thetas))
    parts = _plain(first, theta) if passes is None else (of(theta)[:2] for of in passes)
    values = gradient = 0.0
    for some, share in parts:
        values, gradient = values + some, gradient + share
    gradient = to_host(gradient)
    for objective, own, value, slope in zip(objectives, thetas, values, gradient):
        slope = (slope / objective.divisor).astype(own.dtype, copy=False)
        yield Sums(float(value), slope)


def _plain(objective, theta):
    """Yield of each block of rows the members' log-likelihoods, and their gradients."""
    rows, likelihood = objective.rows, objective.likelihood
    n_members, k, xp = len(theta), likelihood.n_logits, array_namespace(rows.X)
    by_input = theta.reshape(n_members, -1, k).transpose(1, 0, 2)
    there = like(by_input.reshape(-1, n_members * k), rows.X)

    for block, z in rows.products(there, 4 * there.shape[1]):
        z = xp.reshape(z, (-1, k))
        codes = xp.repeat(block.codes, n_members, axis=0)
        log_prob = likelihood.log_prob(z, codes)
        residual = likelihood.residual(z, codes)
        if block.weights is not None:
            w = xp.repeat(like(block.weights, z), n_members, axis=0)
            log_prob = log_prob * by_output(w)
            residual = residual * likelihood.per_logit(w)
        values = xp.reshape(xp.sum(widest(log_prob), axis=1), (-1, n_members))
        values = xp.sum(values, axis=0)
        residual = xp.reshape(residual, (-1, n_members * k))
        gradient = widest(adjoint(block.X, residual, there.shape[0]))
        gradient = xp.reshape(gradient, (-1, n_members, k))
        gradient = xp.permute_dims(gradient, (1, 0, 2))
        yield to_host(values), xp.reshape(gradient, (n_members, -1))
