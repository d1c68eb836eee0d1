"""The inference that a maximum likelihood estimate brings.

Near its top the log-likelihood is a parabola, and its curvature there, the observed
information I = -d2LL/dtheta2, is how sharply the data tell theta: the estimate is, in
large samples, normal around the truth with covariance I^-1.
"""

from .._separation.programme import Separation, separation
from .effects import influence, marginal_effects, probability_intervals
from .hypotheses import HypothesisTest, compare, profile_intervals, wald_test
from .page import MLESummary
from .summary import mle_summary

__all__ = [
    "HypothesisTest",
    "MLESummary",
    "Separation",
    "compare",
    "influence",
    "marginal_effects",
    "mle_summary",
    "probability_intervals",
    "profile_intervals",
    "separation",
    "wald_test",
]
