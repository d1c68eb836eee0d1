"""Which candidates of a search can be fitted together, and fitting them so."""

import time
from dataclasses import dataclass, field

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.metaestimators import _safe_split

from ..logistic_regression import GradientAscentLogisticRegression
from ..mlp import SimpleMLPClassifier
from .lockstep import Outcome, fit_members

#: Subclasses may have changed anything.
KINDS = GradientAscentLogisticRegression, SimpleMLPClassifier


@dataclass(eq=False)
class Team:
    """Candidates that a fold's rows are read for once.

    Attributes
    ----------
    last : str or None
        Name of the last step, if they are pipelines.
    candidates : dict of int to estimator
        By their numbers. Not fitted; their clones are.
    """

    last: str | None
    candidates: dict = field(default_factory=dict)

    @property
    def weights(self):
        """What the parameter of fit is called that weighs rows."""
        return f"{self.last}__sample_weight" if self.last else "sample_weight"

    def fit(self, X, y, train, sample_weight):
        """What comes of the candidates on the rows `train`, by their numbers."""
        start = time.time()
        members = [clone(one) for one in self.candidates.values()]
        if sample_weight is not None:
            sample_weight = _safe_indexing(sample_weight, train)
        X, y = _safe_split(members[0], X, y, train)
        steps = members[0].steps[:-1] if self.last else []
        try:
            if steps:
                X = Pipeline(steps).fit_transform(X, y)
        except Exception as error:  # it is that of all of them
            outcomes = [Outcome(member, error) for member in members]
        else:
            alone = [member[-1] for member in members] if self.last else members
            outcomes = fit_members(alone, X, y, sample_weight)
        _say_once(outcomes)
        for outcome in outcomes:
            outcome.seconds = (time.time() - start) / len(outcomes)
            if self.last and outcome.error is None:
                outcome.estimator = Pipeline([*steps, (self.last, outcome.estimator)])
        return dict(zip(self.candidates, outcomes, strict=True))


def _say_once(outcomes):
    """Put in words the first warning of each category, and no other."""
    said = set()
    for outcome in outcomes:
        if outcome.warning is not None:
            say, category = outcome.warning
            outcome.warning = None if category in said else say(), category
            said.add(category)


def find_teams(base, candidates):
    """The candidates that can be fitted together, as a list of `Team`.

    `candidates` are the parameters of each, to be set on `base`.
    """
    teams = {}
    for number, params in enumerate(candidates):
        estimator = clone(base).set_params(**clone(params, safe=False))
        last, key = None, ()
        if isinstance(estimator, Pipeline):
            if not _can_be_taken_apart(estimator):
                continue
            last = estimator.steps[-1][0]
            others = sorted(of for of in params if not of.startswith(f"{last}__"))
            key = tuple((name, _likeness(params[name])) for name in others)
        one = estimator[-1] if last else estimator
        plain = type(one) in KINDS and not (one.warm_start or one.verbose)
        if plain and not hasattr(one, "_skl_callbacks"):
            team = teams.setdefault((type(one), last, *key), Team(last))
            team.candidates[number] = estimator
    return list(teams.values())


def _likeness(value):
    """Something to hash that like values share; where in doubt, only the same ones."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def _can_be_taken_apart(pipeline):
    """Whether fitting step after step is all that the pipeline's fit does."""
    watched = [pipeline, *(step for _, step in pipeline.steps)]
    return (
        type(pipeline) is Pipeline
        and pipeline.memory is None
        and pipeline.transform_input is None
        and not pipeline.verbose
        and not _routing_enabled()
        and not any(hasattr(part, "_skl_callbacks") for part in watched)
    )
