"""Looking inside: the climb, the network, its two passes, and searches over rates.

Displays follow scikit-learn's: made by a class method, redrawn by `plot`, with the
matplotlib objects in attributes that end in an underscore.
"""

from .animation import Snapshots, animate_climb
from .curves import LearningRateDisplay, LogLikelihoodDisplay, max_stable_learning_rate
from .pages import write_climb_page, write_page
from .passes import BackwardPass, backward_pass, check_gradient, forward_pass
from .pictures import NetworkDisplay, NeuronWeightsDisplay

__all__ = [
    "BackwardPass",
    "LearningRateDisplay",
    "LogLikelihoodDisplay",
    "NetworkDisplay",
    "NeuronWeightsDisplay",
    "Snapshots",
    "animate_climb",
    "backward_pass",
    "check_gradient",
    "forward_pass",
    "max_stable_learning_rate",
    "write_climb_page",
    "write_page",
]
