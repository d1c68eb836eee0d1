from collections.abc import Sequence
from typing import Any, Literal, Self

from numpy.typing import ArrayLike

from ._estimator.fit import NeuronClassifier
from ._model.layers import Convolution
from ._typing import ClassWeight, Features, Labels, Likewise, RandomState, Weights

class SimpleMLPClassifier(NeuronClassifier):
    coefs_: list[Likewise]
    intercepts_: list[Likewise]
    alpha_: float
    validation_scores_: Likewise

    def __init__(
        self,
        hidden_layer_sizes: int | Convolution | Sequence[int | Convolution] = (100,),
        activation: Literal["identity", "logistic", "tanh", "relu"] = "logistic",
        *,
        image_shape: Sequence[int] | None = None,
        solver: Literal["adam", "gradient", "lbfgs"] = "adam",
        learning_rate: float | Literal["auto"] = "auto",
        alpha: float | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        momentum: float = 0.9,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        fit_intercept: bool = True,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None: ...
    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[ArrayLike],
        intercepts: Sequence[ArrayLike],
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
