"""WHAT is likely: likelihood, activations, network, objective.

Plain array code. Nothing here knows of steps, solvers or scikit-learn.
"""

from .coordinates import standardised
from .likelihood import Bernoulli, Categorical, Joint, log_sigmoid, log_softmax
from .network import Network
from .objective import Evaluation, Objective, largest_safe_rate
from .stack import answers
from .streams import Remembering, information_along
from .sums import log_likelihood

__all__ = [
    "Bernoulli",
    "Categorical",
    "Evaluation",
    "Joint",
    "Network",
    "Objective",
    "Remembering",
    "answers",
    "information_along",
    "largest_safe_rate",
    "log_likelihood",
    "log_sigmoid",
    "log_softmax",
    "standardised",
]
