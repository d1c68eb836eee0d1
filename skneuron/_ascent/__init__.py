"""HOW to climb: which way (directions), how far (step sizes), the loop, when to stop.

Plain array code. A climb knows an objective that gives value, gradient and, if asked,
curvature at a flat parameter vector, and nothing of neurons.
"""

from .directions import LBFGS, Adam, Gradient, Momentum
from .loop import (
    ROWS_TO_A_PARAMETER,
    Batches,
    Climb,
    Position,
    climb,
    epochs,
    in_one,
    sampled,
    steps,
)
from .newton import Newton
from .step_sizes import FallingRate, FixedRate, LineSearch
from .stopping import Any, Plateau, Top
from .together import climb_together

__all__ = [
    "LBFGS",
    "ROWS_TO_A_PARAMETER",
    "Adam",
    "Any",
    "Batches",
    "Climb",
    "FallingRate",
    "FixedRate",
    "Gradient",
    "LineSearch",
    "Momentum",
    "Newton",
    "Plateau",
    "Position",
    "Top",
    "climb",
    "climb_together",
    "epochs",
    "in_one",
    "sampled",
    "steps",
]
