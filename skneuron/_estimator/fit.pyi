from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin

from .._typing import Features, Labels, Likewise, Weights

class NeuronClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    classes_: Likewise
    n_iter_: int
    converged_: bool
    n_parameters_: int
    log_likelihood_: float
    log_likelihood_curve_: Likewise
    n_features_in_: int
    feature_names_in_: Any

    def fit(self, X: Features, y: Labels, sample_weight: Weights = None) -> Self: ...
    def decision_function(self, X: Features) -> Likewise: ...
    def predict(self, X: Features) -> Likewise: ...
    def predict_proba(self, X: Features) -> Likewise: ...
    def predict_log_proba(self, X: Features) -> Likewise: ...
    def score(self, X: Features, y: Labels, sample_weight: Weights = None) -> float: ...
    def log_likelihood(
        self, X: Features, y: Labels, sample_weight: Weights = None
    ) -> float: ...
