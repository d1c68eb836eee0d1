"""Logistic regression and neural networks that climb the log-likelihood."""

from .logistic_regression import GradientAscentLogisticRegression
from .mlp import SimpleMLPClassifier

__version__ = "0.1.0"

__all__ = ["GradientAscentLogisticRegression", "SimpleMLPClassifier", "__version__"]
