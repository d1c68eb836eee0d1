"""Many climbs in step: the lecture's, each with a rate of its own.

All objectives are asked at once, at one place each. A climb that has arrived, or that
leaves the numbers which can be asked about, leaves the others.
"""

from dataclasses import dataclass

import numpy as np

#: How far from a climb its shadow starts, and how far they may part, in sizes of their
#: parameters.
TRIFLE, PARTED = 1e-12, 1e-8


@dataclass
class Climbs:
    """What came of them.

    Attributes
    ----------
    theta : array of shape (n_parameters, n_members)
        Where each ended.
    n_iter : int array of shape (n_members,)
    converged, fell, lost : bool arrays of shape (n_members,)
        Whether a climb met `tol`; whether its objective was ever lower after an
        iteration than before; and whether what is known of it is of no use, since it
        left the numbers, or tumbles so that rounding errors grow without end: where it
        arrives depends on the order of sums.
    """

    theta: np.ndarray
    n_iter: np.ndarray
    converged: np.ndarray
    fell: np.ndarray
    lost: np.ndarray


def climb_together(objective, theta, rates, *, max_iter, tol):
    """Take ``theta += rate * gradient`` in every climb until its top, or max_iter.

    Parameters
    ----------
    objective : SideBySide
        Or whatever has its `gradients`, `values`, `safe_rates`, `noise`, `resolution`
        and `largest`.
    theta : array of shape (n_parameters, n_members)
        The start; overwritten.
    rates : array of shape (n_members,)
    max_iter : int
    tol : float

    Returns
    -------
    Climbs

    Notes
    -----
    A rate that cannot make an objective fall brings climbs together. From its first
    fall on, a climb is followed by its shadow, which starts a trifle away: if they
    part, so would a climb that differs by rounding. In float32, rounding is no trifle:
    a climb that falls is lost.
    """
    n_members = theta.shape[1]
    n_iter = np.zeros(n_members, dtype=int)
    fell, lost = np.zeros((2, n_members), dtype=bool)
    may_fall = rates > objective.safe_rates()
    tol = max(tol, objective.resolution)
    members, shadows = np.arange(n_members), {}
    trifle = np.where(np.arange(len(theta)) % 2, TRIFLE, -TRIFLE)
    gradient = objective.gradients(theta, members)
    converged = np.abs(gradient).max(axis=0) <= tol
    values = np.full(n_members, np.nan)
    while True:
        going = ~(converged | lost)[members]
        members, gradient = members[going], gradient[:, going]
        if not len(members) or n_iter[members[0]] == max_iter:
            return Climbs(theta, n_iter, converged, fell, lost)
        here, step = theta[:, members], rates[members] * gradient
        there = here + step
        n_iter[members] += 1
        inside = np.abs(there).max(axis=0) <= objective.largest  # NaN is not
        lost[members] = ~inside
        members, step = members[inside], step[:, inside]
        here, there = here[:, inside], there[:, inside]
        theta[:, members] = there
        gradient = _gradients(objective, there, members, shadows, rates)
        for member in _parted(theta, members, shadows):
            lost[member] = True
        asked = (may_fall & ~fell)[members]
        falls = _falls(objective, here, there, gradient, step, members, values, asked)
        fell[members[falls]] = True
        if objective.noise > TRIFLE:
            lost[members[falls]] = True
        for at, member in zip(np.flatnonzero(falls), members[falls].tolist()):
            size = np.abs(theta[:, member]).max()
            shadows[member] = theta[:, member] + size * trifle, gradient[:, at]
        converged[members] = np.abs(gradient).max(axis=0) <= tol


def _gradients(objective, there, members, shadows, rates):
    """Those of the members; their shadows are moved on by the way."""
    followed = [member for member in members.tolist() if member in shadows]
    if not followed:
        return objective.gradients(there, members)
    places = [shadows[one][0] + rates[one] * shadows[one][1] for one in followed]
    both = np.column_stack([there, *places])
    gradient = objective.gradients(both, np.concatenate([members, followed]))
    slopes = gradient[:, len(members) :].T
    for member, place, slope in zip(followed, places, slopes):
        shadows[member] = place, slope
    return gradient[:, : len(members)]


def _parted(theta, members, shadows):
    """The members from whom their shadows have parted."""
    return [
        member
        for member in members.tolist()
        if member in shadows
        and not np.abs(shadows[member][0] - theta[:, member]).max()
        <= PARTED * np.abs(theta[:, member]).max()
    ]


def _falls(objective, here, there, gradient, step, members, values, asked):
    """Which members' objectives are lower `there`, of those that are `asked` for.

    The objectives are concave: where the slope still points ahead, a step has climbed.
    Only others have to be evaluated. What that gives is kept in `values`.
    """
    asked &= np.einsum("pk,pk->k", gradient, step) < 0
    last = values[members]
    values[members] = np.nan
    if not asked.any():
        return asked
    unknown = asked & np.isnan(last)
    if unknown.any():
        last[unknown] = objective.values(here[:, unknown], members[unknown])
    some, last = members[asked], last[asked]
    values[some] = objective.values(there[:, asked], some)
    asked[asked] = values[some] < last - 64 * objective.noise * np.abs(last)
    return asked
