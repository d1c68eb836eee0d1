from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colorbar import Colorbar
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from .._estimator.fit import NeuronClassifier
from .._typing import Array, ClassWeight, Features, Labels, RandomState, Weights

__all__ = [
    "BackwardPass",
    "LearningRateDisplay",
    "LogLikelihoodDisplay",
    "NetworkDisplay",
    "NeuronWeightsDisplay",
    "Snapshots",
    "animate_climb",
    "backward_pass",
    "check_gradient",
    "forward_pass",
    "max_stable_learning_rate",
    "write_climb_page",
    "write_page",
]

class _Display:
    figure_: Figure

@dataclass(eq=False, repr=False, kw_only=True)
class LogLikelihoodDisplay(_Display):
    log_likelihood_curve: Array
    name: str | None = None
    ax_: Axes = field(init=False)
    line_: Line2D = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        est: NeuronClassifier,
        *,
        ax: Axes | None = None,
        name: str | None = None,
        **line_kw: Any,
    ) -> Self: ...
    def plot(
        self, ax: Axes | None = None, *, name: str | None = None, **line_kw: Any
    ) -> Self: ...

@dataclass(eq=False, repr=False, kw_only=True)
class LearningRateDisplay(_Display):
    learning_rates: Array
    mean_scores: Array
    std_scores: Array
    log_likelihoods: Array | None = None
    stable_limit: float | None = None
    score_name: str = "score"
    ax_: Axes = field(init=False)
    log_likelihood_ax_: Axes | None = field(init=False)
    line_: Line2D = field(init=False)
    errorbar_: ErrorbarContainer = field(init=False)
    best_: Line2D | None = field(init=False)
    log_likelihood_line_: Line2D | None = field(init=False)
    stable_limit_line_: Line2D | None = field(init=False)

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        X: Features | None = None,
        y: Labels | None = None,
        ax: Axes | None = None,
        metric: str | None = None,
        learning_rate_name: str | None = None,
        **line_kw: Any,
    ) -> Self: ...
    def plot(self, ax: Axes | None = None, **line_kw: Any) -> Self: ...

@dataclass(eq=False, repr=False, kw_only=True)
class NeuronWeightsDisplay(_Display):
    weights: Array
    image_shape: Sequence[int]
    names: Sequence[str]

    axes_: NDArray[np.object_] = field(init=False)
    images_: list[AxesImage] = field(init=False)
    colorbar_: Colorbar = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        est: NeuronClassifier,
        *,
        image_shape: Sequence[int],
        layer: int = 0,
        neurons: ArrayLike | None = None,
        **imshow_kw: Any,
    ) -> Self: ...
    def plot(self, **imshow_kw: Any) -> Self: ...

@dataclass(eq=False, repr=False, kw_only=True)
class NetworkDisplay(_Display):
    coefs: Sequence[Array]
    input_names: Sequence[str]
    output_names: Sequence[str]
    intercepts: Sequence[Array] | None = None
    activations: Sequence[Array] | None = None
    title: str | None = None
    ax_: Axes = field(init=False)
    shown_: list[NDArray[np.intp]] = field(init=False)
    edges_: list[LineCollection] = field(init=False)
    neurons_: list[PatchCollection] = field(init=False)
    ones_: list[Circle] = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        est: NeuronClassifier,
        X: Features | None = None,
        *,
        since: NeuronClassifier | None = None,
        standardize_by: Features | None = None,
        ax: Axes | None = None,
        max_neurons: int = 10,
    ) -> Self: ...
    def plot(self, ax: Axes | None = None, *, max_neurons: int = 10) -> Self: ...

class Snapshots:
    iterations: set[int]
    taken: dict[int, Any]

    def __init__(self, iterations: Iterable[int]) -> None: ...
    def setup(self, estimator: Any, context: Any) -> None: ...
    def teardown(self, estimator: Any, context: Any) -> None: ...
    def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...
    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None: ...

def forward_pass(est: NeuronClassifier, X: Features) -> list[Any]: ...

@dataclass(eq=False)
class BackwardPass:
    coefs: Any
    intercepts: Any
    residuals: list[Array]

def backward_pass(
    est: NeuronClassifier, X: Features, y: Labels, sample_weight: Weights = None
) -> BackwardPass: ...
def check_gradient(
    est: NeuronClassifier,
    X: Features,
    y: Labels,
    *,
    sample_weight: Weights = None,
    n_parameters: int = 100,
    random_state: RandomState = 0,
) -> float: ...
def max_stable_learning_rate(
    X: Features,
    y: Labels,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    C: float = ...,
    fit_intercept: bool = True,
    sample_weight: Weights = None,
    class_weight: ClassWeight = None,
) -> float: ...
def animate_climb(
    est: NeuronClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_frames: int = 40,
    interval: int = 150,
    fig: Figure | None = None,
) -> FuncAnimation: ...
def write_page(
    estimator: NeuronClassifier | Pipeline,
    path: str | PathLike[str],
    *,
    image_shape: Sequence[int],
    X: Features | None = None,
    y: Labels | None = None,
    title: str = "Draw a digit",
) -> None: ...
def write_climb_page(
    est: NeuronClassifier,
    path: str | PathLike[str],
    X: Features,
    y: Labels,
    *,
    title: str = "Climb the log-likelihood",
) -> None: ...
