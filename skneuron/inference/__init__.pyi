from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import ArrayLike
from pandas import DataFrame
from sklearn.pipeline import Pipeline

from .._typing import Array, Features, Labels, Weights
from ..logistic_regression import GradientAscentLogisticRegression

_Fitted: TypeAlias = GradientAscentLogisticRegression | Pipeline
_Covariance: TypeAlias = Literal["nonrobust", "HC0", "HC1", "cluster"]

__all__ = [
    "HypothesisTest",
    "MLESummary",
    "Separation",
    "compare",
    "influence",
    "marginal_effects",
    "mle_summary",
    "probability_intervals",
    "profile_intervals",
    "separation",
    "wald_test",
]

@dataclass(eq=False, repr=False)
class MLESummary:
    names: list[str]
    fit_intercept: bool
    classes: Array
    estimate: Array
    covariance: Array
    n_observations: float
    log_likelihood: float
    null_log_likelihood: float
    confidence: float
    lr_statistic: float
    separated: Any
    penalty: str | None
    cov_type: str = "nonrobust"
    std_error: Array = field(init=False)
    z: Array = field(init=False)
    p_value: Array = field(init=False)
    ci_low: Array = field(init=False)
    ci_high: Array = field(init=False)
    lr_df: int = field(init=False)
    lr_p_value: float = field(init=False)
    aic: float = field(init=False)
    bic: float = field(init=False)
    pseudo_r2: float = field(init=False)

    def to_frame(self) -> DataFrame: ...
    def odds_ratios(self) -> DataFrame: ...
    def labels(self) -> list[Any]: ...
    def frame_of(self, columns: dict[str, Array]) -> DataFrame: ...

def mle_summary(
    estimator: _Fitted,
    X: Features,
    y: Labels,
    *,
    sample_weight: Weights = None,
    feature_names: ArrayLike | None = None,
    confidence: float = 0.95,
    cov_type: _Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    reference: Any = None,
) -> MLESummary: ...
def profile_intervals(
    estimator: _Fitted, X: Features, y: Labels, **options: Any
) -> DataFrame: ...
def marginal_effects(
    estimator: _Fitted,
    X: Features,
    y: Labels,
    *,
    at: Literal["overall", "mean"] = "overall",
    cov_type: _Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    **options: Any,
) -> DataFrame: ...
def probability_intervals(
    estimator: _Fitted,
    X: Features,
    y: Labels,
    *,
    at: Features | None = None,
    cov_type: _Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    **options: Any,
) -> DataFrame: ...
def influence(
    estimator: _Fitted, X: Features, y: Labels, **options: Any
) -> DataFrame: ...

@dataclass
class HypothesisTest:
    name: str
    statistic: float
    df: int

    p_value: float = field(init=False)

def compare(
    smaller: _Fitted,
    larger: _Fitted,
    X: Features | tuple[Features, Features],
    y: Labels,
    *,
    sample_weight: Weights = None,
) -> HypothesisTest: ...
def wald_test(
    summary: MLESummary, hypotheses: ArrayLike | list[Any], value: ArrayLike = 0.0
) -> HypothesisTest: ...

@dataclass(eq=False)
class Separation:
    kind: Literal["none", "quasi-complete", "complete"]
    direction: Array
    intercept: float | Array
    features: list[Any]

def separation(
    X: Features, y: Labels, *, fit_intercept: bool = True
) -> Separation | Any: ...
