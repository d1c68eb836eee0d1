"""The inference that a maximum likelihood estimate brings.

Near its top the log-likelihood is a parabola, and its curvature there, the observed
information I = -d2LL/dtheta2, is how sharply the data tell theta: the estimate is, in
large samples, normal around the truth with covariance I^-1.
"""

from .._separation.programme import Separation, separation
from .page import MLESummary
from .summary import mle_summary

__all__ = ["MLESummary", "Separation", "mle_summary", "separation"]
