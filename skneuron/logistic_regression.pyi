from typing import Any, Literal, Self

from numpy.typing import ArrayLike

from ._estimator.fit import NeuronClassifier
from ._typing import ClassWeight, Features, Labels, Likewise, RandomState, Weights

class GradientAscentLogisticRegression(NeuronClassifier):
    coef_: Likewise
    intercept_: Likewise

    def __init__(
        self,
        learning_rate: float | Literal["auto"] = "auto",
        *,
        C: float = ...,
        penalty: Literal["firth"] | None = None,
        reduction: Literal["mean", "sum"] = "mean",
        solver: Literal["auto", "gradient", "lbfgs", "newton"] = "auto",
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
        fit_intercept: bool = True,
        class_weight: ClassWeight = None,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None: ...
    @classmethod
    def from_weights(
        cls,
        coef: ArrayLike,
        intercept: ArrayLike = 0.0,
        *,
        classes: ArrayLike | None = None,
        **parameters: Any,
    ) -> Self: ...
    def partial_fit(
        self,
        X: Features,
        y: Labels,
        classes: Labels | None = None,
        sample_weight: Weights = None,
    ) -> Self: ...
