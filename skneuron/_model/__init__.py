"""WHAT is likely: targets, likelihood, activations, network, objective.

Plain array code. Nothing here knows of steps, solvers or scikit-learn.
"""

from .likelihood import Bernoulli, Categorical, Joint, log_sigmoid, log_softmax
from .moments import column_moments
from .network import Network
from .objective import Evaluation, Objective, largest_safe_rate, log_likelihood
from .on_demand import OnDemand
from .remembering import Remembering, information_along
from .rows import Rows
from .side_by_side import SideBySide
from .standardised import Standardised
from .targets import ClassesPerOutput, Targets

__all__ = [
    "Bernoulli",
    "Categorical",
    "ClassesPerOutput",
    "Evaluation",
    "Joint",
    "Network",
    "Objective",
    "OnDemand",
    "Remembering",
    "Rows",
    "SideBySide",
    "Standardised",
    "Targets",
    "column_moments",
    "information_along",
    "largest_safe_rate",
    "log_likelihood",
    "log_sigmoid",
    "log_softmax",
]
