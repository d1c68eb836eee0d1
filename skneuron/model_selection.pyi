from abc import ABCMeta
from typing import Any, Self

from sklearn.model_selection import GridSearchCV

from ._typing import Features, Labels, Likewise

class LockstepSearchCV(GridSearchCV, metaclass=ABCMeta):
    log_likelihoods_: Likewise
    cv_results_: dict[str, Any]
    best_estimator_: Any
    best_score_: float
    best_params_: dict[str, Any]
    best_index_: int
    n_splits_: int
    refit_time_: float
    multimetric_: bool

    def fit(self, X: Features, y: Labels | None = None, **params: Any) -> Self: ...
