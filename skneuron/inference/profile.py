"""Intervals by the profile of the likelihood, which need no parabola.

The profile of a parameter is the largest likelihood that is left when it has a value.
The interval holds the values whose profile is not significantly below the top.
"""

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import minimize
from scipy.special import chdtrc, ndtri

from .._arrays import numbers_may_end
from .._ascent import Question
from .summary import examined

#: A climb on a profile ends where no slope is larger, in nats to a standard error.
FLAT = 1e-5
#: Standard errors from the estimate, to both sides, within which limits are sought.
FURTHEST = 200.0
#: A deviance that is as good as infinite.
MOST = 1e12


def profile_intervals(estimator, X, y, **options):
    """Profile-likelihood intervals of the parameters, and likelihood-ratio tests of 0.

    They fit where the log-likelihood is no parabola: few data, rare events, and Firth's
    estimate of separated classes, whose penalised likelihood is profiled.

    Parameters
    ----------
    estimator, X, y : as :func:`mle_summary` takes them
    **options : dict
        `sample_weight`, `feature_names`, `confidence` and `reference`, as well.

    Returns
    -------
    frame : DataFrame of shape (n_parameters, 5)
        Columns estimate, lr_statistic (of the hypothesis that the parameter is 0),
        p_value, ci_low and ci_high; rows as in :meth:`MLESummary.to_frame`. A limit
        that is not met within 200 standard errors is infinite.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`mle_summary` does.
    ImportError
        If pandas is not installed.

    Notes
    -----
    Far from its top Firth's likelihood of separated classes can have several hills. The
    profile is then of those that climbs from near by find.

    References
    ----------
    D. J. Venzon & S. H. Moolgavkar, "A method for computing profile-likelihood-based
    confidence intervals", Applied Statistics 37 (1988), 87-94.

    Examples
    --------
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inference import profile_intervals
    >>> X, y = [[1], [2], [3], [4], [5], [6]], [0, 0, 0, 1, 1, 1]
    >>> clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    >>> profile_intervals(clf, X, y, feature_names=["hours"]).round(2)
               estimate  lr_statistic  p_value  ci_low  ci_high
    hours          1.13          3.86     0.05    0.00     6.07
    intercept     -3.95          3.18     0.07  -21.59     0.30
    """
    fitted = examined(estimator, X, y, **options)
    summary, errors = fitted.summary, np.linalg.norm(fitted.root, axis=1)
    z = float(ndtri(0.5 + summary.confidence / 2))
    rows = []
    with numbers_may_end():
        for row, estimate, error in zip(fitted.root, summary.estimate, errors):
            profile = Profile(fitted, row)
            statistic = profile.deviance(-estimate / error)
            ends = [estimate + error * profile.limit(end) for end in (-z, z)]
            rows.append([estimate, statistic, chdtrc(1, statistic), *ends])
    names = "estimate", "lr_statistic", "p_value", "ci_low", "ci_high"
    return summary.frame_of(dict(zip(names, np.transpose(rows))))


class Profile:
    """The profile of one parameter, a function of its distance from the estimate.

    In the coordinates that the covariance's root spans, distances are in standard
    errors, and the likelihood is as good as round. The first axis is turned to where
    the parameter changes; along all others it stays.

    Parameters
    ----------
    fitted : Fitted
    row : array of shape (n_coordinates,)
        The parameter's, of the root of the covariance.
    """

    def __init__(self, fitted, row):
        self.hill, self.theta = fitted.hill, fitted.theta
        self.along = fitted.axes @ row / np.linalg.norm(row)
        self.others = fitted.axes @ null_space(row[None])
        self.rest = np.zeros(len(row) - 1)
        self.top, _ = self._highest(self.theta, fitted.axes, np.zeros(len(row)))

    def deviance(self, t):
        """Twice what the likelihood loses where the parameter is t errors away."""
        place = self.theta + t * self.along
        value, rest = self._highest(place, self.others, self.rest)
        if np.isfinite(value):
            self.rest = rest  # from which the next climb starts
        return float(np.clip(2 * (self.top - value), 0.0, MOST))

    def limit(self, z):
        """How far the deviance stays below z^2, to the side of its sign."""
        side, z = np.copysign(1.0, z), abs(z)
        self.rest, inside, outside = 0 * self.rest, 0.0, np.inf
        # The root of the deviance is nearly the distance itself: a secant, safeguarded.
        last, t = (0.0, 0.0), z
        while inside <= FURTHEST and outside - inside > 1e-9:
            root = np.sqrt(self.deviance(side * t))
            if abs(root - z) <= 1e-8:
                return side * t
            inside, outside = (t, outside) if root < z else (inside, t)
            slope, last = (root - last[1]) / (t - last[0]), (t, root)
            t = t + (z - root) / slope if slope > 0 else np.inf
            t = min(t, 4 * max(inside, z))
            if not inside < t < outside:
                t = (inside + outside) / 2
        return side * (t if np.isfinite(outside) else np.inf)

    def _highest(self, place, axes, start):
        """The value that a climb from a place along axes ends at, and its way there."""

        def depth(way):
            here = self.hill.answer(Question(place + axes @ way))
            return -here.value, -(axes.T @ here.gradient)

        if not len(start):
            return -depth(start)[0], start
        found = minimize(depth, start, method="BFGS", jac=True, options={"gtol": FLAT})
        return -found.fun, found.x
