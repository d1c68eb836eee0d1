"""Logistic regression and neural networks that climb the log-likelihood."""

from ._model import Convolution
from ._show_versions import show_versions
from .logistic_regression import GradientAscentLogisticRegression
from .mlp import SimpleMLPClassifier

__version__ = "0.1.0"

__all__ = [
    "Convolution",
    "GradientAscentLogisticRegression",
    "SimpleMLPClassifier",
    "__version__",
    "show_versions",
]
