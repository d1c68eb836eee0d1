"""HOW to climb: which way (directions), how far (step sizes), the loop, when to stop.

Plain array code. A climb asks for value, gradient and, where it wants it, curvature at
flat parameter vectors; it knows nothing of neurons, nor of who answers.
"""
# ruff: noqa: F401 (what other rooms use)

from .directions import LBFGS, Adam, Gradient, Momentum
from .loop import Climb, climb, epochs, in_one, is_finite, sampled, steps
from .newton import Newton, Solver, flat_way, is_flat_indeed
from .questions import Question, answered, next_position, positions
from .step_sizes import LineSearch, Rate
from .stopping import Plateau, Top
