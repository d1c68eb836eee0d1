"""WHAT is likely: likelihood, activations, network, objective.

Plain array code. Nothing here knows of steps, solvers or scikit-learn.
"""
# ruff: noqa: F401 (what other rooms use)

from .coordinates import standardised
from .firth import Firth
from .layers import Convolution, are_counts
from .likelihood import Likelihood, log_sigmoid, log_softmax
from .network import Network
from .objective import Evaluation, Objective, largest_safe_rate
from .stack import answers
from .streams import Remembering, information_along
from .sums import log_likelihood
