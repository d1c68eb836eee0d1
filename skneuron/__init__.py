"""Logistic regression and neural networks that climb the log-likelihood."""

__version__ = "0.2.0"

from ._model.layers import Convolution
from ._show_versions import show_versions
from .logistic_regression import GradientAscentLogisticRegression
from .mlp import SimpleMLPClassifier

__all__ = [
    "Convolution",
    "GradientAscentLogisticRegression",
    "SimpleMLPClassifier",
    "__version__",
    "show_versions",
]
