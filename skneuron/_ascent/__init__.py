"""HOW to climb: which way (directions), how far (step sizes), the loop, when to stop.

Plain array code. A climb asks for value, gradient and, where it wants it, curvature at
flat parameter vectors; it knows nothing of neurons, nor of who answers.
"""

from .directions import LBFGS, Adam, Gradient, Momentum
from .loop import Climb, Position, climb, epochs, in_one, sampled, steps
from .newton import Newton
from .questions import Question, answered, next_position, positions
from .step_sizes import FallingRate, FixedRate, LineSearch
from .stopping import Any, Plateau, Top

__all__ = [
    "LBFGS",
    "Adam",
    "Any",
    "Climb",
    "FallingRate",
    "FixedRate",
    "Gradient",
    "LineSearch",
    "Momentum",
    "Newton",
    "Plateau",
    "Position",
    "Question",
    "Top",
    "answered",
    "climb",
    "epochs",
    "in_one",
    "next_position",
    "positions",
    "sampled",
    "steps",
]
