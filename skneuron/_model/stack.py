"""Many logistic regressions on the same rows: what they ask, answered at once.

A block of rows is read once for all of them. The compiled core then takes one after
the other, each with the very sums that it has alone. Elsewhere K models are one model
with K times as many outputs: a product of matrices. Where features lie on a device, all
parameters go there in one move, and what was summed there comes back in one.
"""

import numpy as np

from .._arrays import adjoint, array_namespace, like, to_host, widest
from .sums import Sums, compiled


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
    replies, groups = {}, {}
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
        replies.update(zip(members, found))
    return [replies[i] for i in range(len(asked))]


def _together(objectives, thetas):
    """Yield the evaluation of each objective, of the same rows, at its own place."""
    read = [one.as_read(theta) for one, theta in zip(objectives, thetas)]
    first, stacked = objectives[0], np.stack(read)
    model = first.network, first.likelihood
    total = compiled(*model, stacked, first.rows) or _plain(first, stacked)
    each = zip(total.log_likelihood.tolist(), total.gradient)
    for objective, theta, own, of in zip(objectives, thetas, read, each):
        yield objective.evaluation(theta, Sums(*of), own)


def _plain(objective, theta):
    """The sums of all members, side by side in every product."""
    rows, likelihood, values, slopes = objective.rows, objective.likelihood, 0.0, 0.0
    n_members, k, xp = len(theta), likelihood.n_logits, array_namespace(rows.X)
    by_input = theta.reshape(n_members, -1, k).transpose(1, 0, 2)
    there = like(by_input.reshape(-1, n_members * k), rows.X)

    for block, z in rows.products(there, 4 * there.shape[1]):
        z, codes, w = xp.reshape(z, (-1, k)), block.codes, block.weights
        codes = xp.repeat(codes, n_members, axis=0)
        w = None if w is None else xp.repeat(w, n_members, axis=0)
        log_prob = widest(likelihood.log_prob(z, codes, w))
        log_prob = xp.reshape(log_prob, (-1, n_members, likelihood.n_outputs))
        values = values + xp.sum(log_prob, axis=(0, 2))
        residual = xp.reshape(likelihood.residual(z, codes, w), (-1, n_members * k))
        slopes = slopes + widest(adjoint(block.X, residual, there.shape[0]))
    by_member = to_host(slopes).reshape(-1, n_members, k).transpose(1, 0, 2)
    return Sums(to_host(values), by_member.reshape(n_members, -1))
