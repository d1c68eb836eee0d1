"""LockstepSearchCV against GridSearchCV: the same results, whatever goes together."""

import pickle
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier, _kernels
from skneuron._search.teams import Team
from skneuron.model_selection import LockstepSearchCV

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneuron.exceptions.SeparationWarning"),
]

LR = GradientAscentLogisticRegression(learning_rate=0.5, max_iter=30)
MLP = SimpleMLPClassifier(
    (4,), learning_rate=0.05, max_iter=5, batch_size=20, random_state=0
)
RATES = {"learning_rate": [0.01, 0.3, 2.0]}


def data(n_classes=2, n_rows=90, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_rows, 4)) * [1, 2, 0.5, 1] + [0, 1, 0, -1]
    z = X @ rng.normal(size=(4, n_classes)) + rng.gumbel(size=(n_rows, n_classes))
    return X, z.argmax(axis=1)


X, Y = data()
X3, Y3 = data(3)
WEIGHTS = np.random.RandomState(1).uniform(0.5, 3.0, len(X))
GROUPS = np.arange(len(X)) % 7


def short(case):
    """A test's name: without numbers of objects, which differ between processes."""
    return re.sub(r"\W+", " ", re.sub(r" at 0x\w+", "", str(case)))[:60]


def same_results(ours, theirs):
    """Every key, its type, its dtype, its mask and its values, but for the times."""
    assert list(ours) == list(theirs)
    for key in theirs:
        if key.endswith("_time"):
            assert (ours[key] >= 0).all()
        elif key == "params":
            assert repr(ours[key]) == repr(theirs[key])
        elif key.startswith("rank_"):  # where there are no ties but for rounding
            scores = theirs[key.replace("rank", "mean")]
            apart = np.abs(scores[:, None] - scores) > 2e-6
            higher = np.subtract.outer(ours[key], ours[key]) < 0
            np.testing.assert_array_equal(
                higher[apart], np.subtract.outer(theirs[key], theirs[key])[apart] < 0
            )
        elif key.startswith("param_"):
            assert ours[key].dtype == theirs[key].dtype
            np.testing.assert_array_equal(ours[key].mask, theirs[key].mask)
            assert repr(ours[key].tolist()) == repr(theirs[key].tolist())
        else:
            assert ours[key].dtype == theirs[key].dtype
            np.testing.assert_allclose(ours[key], theirs[key], atol=1e-6, err_msg=key)


def unnumbered(estimator):
    return re.sub(r"0x\w+", "", repr(estimator))


def parameters(estimator):
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    kept = {"coef_", "intercept_"} if hasattr(last, "coef_") else {"coefs_"}
    return np.concatenate(
        [np.ravel(part) for name in sorted(kept) for part in getattr(last, name)]
    )


@pytest.fixture
def together(monkeypatch):
    """How many fits each call of Team.fit was for."""
    calls, fit = [], Team.fit

    def counted(team, *args):
        outcomes = fit(team, *args)
        calls.append(len(outcomes))
        return outcomes

    monkeypatch.setattr(Team, "fit", counted)
    return calls


def check(estimator, grid, X=X, y=Y, fit_params=None, **options):
    """Both searches, compared; ours comes back, theirs beside it."""
    options = {"cv": 3, "return_train_score": True, **options}
    ours = LockstepSearchCV(estimator, grid, **options)
    theirs = GridSearchCV(estimator, grid, **options)
    for search in (ours, theirs):
        search.fit(X, y, **(fit_params or {}))
    same_results(ours.cv_results_, theirs.cv_results_)
    names = {n for n in vars(theirs) if n.endswith("_") and not n.startswith("_")}
    assert {n for n in vars(ours) if n.endswith("_")} == names | {"log_likelihoods_"}
    for name in ["best_params_", "best_index_", "n_splits_", "multimetric_"]:
        if name in names:
            assert repr(getattr(ours, name)) == repr(getattr(theirs, name)), name
    if "best_score_" in names:
        np.testing.assert_allclose(ours.best_score_, theirs.best_score_, atol=1e-6)
    if "best_estimator_" in names:
        assert unnumbered(ours.best_estimator_) == unnumbered(theirs.best_estimator_)
        best = parameters(ours.best_estimator_)
        np.testing.assert_allclose(best, parameters(theirs.best_estimator_), atol=1e-6)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        if not (callable(ours.refit) and ours.multimetric_):
            assert ours.score(X, y) == pytest.approx(theirs.score(X, y))
        assert ours.n_features_in_ == theirs.n_features_in_
        assert repr(ours.classes_) == repr(theirs.classes_)
    assert ours.log_likelihoods_.shape == (
        len(ours.cv_results_["params"]),
        ours.n_splits_,
    )
    return ours


# --- what goes together ---------------------------------------------------------------

LOSS = {"scoring": "neg_log_loss"}


@pytest.mark.parametrize(
    "grid",
    [
        {"learning_rate": [0.01, 1], "C": [0.1, np.inf]},
        {"learning_rate": [0.01, 0.1], "reduction": ["mean", "sum"]},
        {"class_weight": [None, "balanced", {0: 1.0, 1: 3.0}]},
        {"learning_rate": [1e-6, 0.1, 5.0, 1e3]},  # some overshoot
        {"learning_rate": [0.5], "C": [1e-3, 1e-2]},  # soon at the top
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression(grid, n_classes, together):
    X, y = data(n_classes)
    search = check(clone(LR).set_params(tol=1e-3), grid, X, y, **LOSS)
    assert together == [len(search.log_likelihoods_)] * 3
    assert np.isfinite(search.log_likelihoods_).all()


def test_any_parameter_may_differ(together):
    grid = {"max_iter": [1, 20], "tol": [0.0, 0.1], "learning_rate": [0.1, 0.2]}
    check(LR, grid, **LOSS)
    assert together == [8] * 3
    grid = {"learning_rate": ["auto"], "solver": ["auto", "lbfgs", "newton"]}
    search = LockstepSearchCV(LR, {**grid, "C": [0.1, 1.0]}, cv=3, **LOSS).fit(X, Y)
    assert together == [8] * 3 + [6] * 3
    scores = search.cv_results_["mean_test_score"].reshape(2, 3)
    np.testing.assert_allclose(scores, scores[:, :1] + np.zeros(3), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "changes, grid",
    [
        ({}, {"learning_rate": [0.01, 0.1], "alpha": [0.0, 0.1]}),
        ({"solver": "gradient"}, {"learning_rate": [0.01, 50.0], "momentum": [0, 0.5]}),
        ({"learning_rate": "auto"}, {"alpha": [0.0, 0.1, 1.0]}),
        ({"batch_size": "auto", "activation": "tanh"}, RATES),
    ],
    ids=str,
)
def test_networks(changes, grid, n_classes, together):
    X, y = data(n_classes)
    search = check(clone(MLP).set_params(**changes), grid, X, y, **LOSS)
    assert together == [len(search.cv_results_["params"])] * 3


def test_networks_of_other_sizes(together):
    check(MLP, {"hidden_layer_sizes": [(3,), (4, 2), ()], **RATES}, cv=2)
    assert together == [9] * 2


def test_numbers_and_auto(together):
    check(MLP, {"learning_rate": [0.01, "auto", 0.1], "alpha": [0.0, 0.1]}, cv=2)
    assert together == [6] * 2
    together.clear()
    check(LR, {"learning_rate": [0.01, "auto", 0.1]}, cv=2)
    assert together == [3] * 2


@pytest.mark.slow
@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
@pytest.mark.parametrize(
    "options",
    [
        {"cv": ShuffleSplit(3, test_size=0.3, random_state=0)},
        {
            "cv": StratifiedShuffleSplit(
                2, train_size=0.4, test_size=0.2, random_state=0
            )
        },
        {"cv": RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0)},
        {"cv": KFold(2, shuffle=True, random_state=3)},
        {"cv": GroupKFold(3), "fit_params": {"groups": GROUPS}},
        {"fit_params": {"sample_weight": WEIGHTS}},
        {"fit_params": {"sample_weight": pd.Series(WEIGHTS, index=WEIGHTS)}},
        {"fit_params": {"sample_weight": WEIGHTS.tolist()}, "scoring": "accuracy"},
        {"fit_params": {"sample_weight": None}},
    ],
    ids=short,
)
def test_folds_groups_and_weights(model, options, together):
    search = check(model, RATES, **options)
    assert sum(together) == search.log_likelihoods_.size


@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
def test_splits_given_as_lists(model, together):
    rng = np.random.RandomState(0)
    rows = rng.permutation(len(X))
    mask = np.arange(len(X)) < 50
    splits = [
        (rows[:40], rows[40:60]),
        (rng.choice(60, 80), rows[::-1][:20].tolist()),  # repeated rows
        (mask, ~mask),
    ]
    search = check(model, RATES, cv=splits, **LOSS)
    assert sum(together) == search.log_likelihoods_.size


KINDS = {
    "multilabel": np.stack([Y, X[:, 0] > 0], axis=1).astype(int),
    "multioutput": np.stack([Y3, Y, X[:, 0] > 1], axis=1).astype(int),
    "strings": np.array(["no", "yes"])[Y],
    "list": Y.tolist(),
}


@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_y(model, kind, together):
    weighted = {"fit_params": {"sample_weight": WEIGHTS}}
    balanced = clone(model).set_params(class_weight="balanced")
    check(model, RATES, y=KINDS[kind], cv=2, **weighted)
    check(balanced, RATES, y=KINDS[kind], cv=2)
    assert together


@pytest.mark.slow
@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
@pytest.mark.parametrize(
    "X",
    [
        sparse.csr_array(X * (np.abs(X) > 0.5)),
        sparse.csc_matrix(X),
        X.astype(np.float32),
        np.asfortranarray(X),
        X.tolist(),
        pd.DataFrame(X, columns=list("abcd"), index=np.arange(len(X))[::-1]),
    ],
    ids=["csr", "csc", "float32", "fortran", "list", "pandas"],
)
def test_kinds_of_X(model, X, together):
    search = check(model, RATES, X, cv=2, **LOSS)
    assert sum(together) == search.log_likelihoods_.size
    if isinstance(X, pd.DataFrame):
        assert search.feature_names_in_.tolist() == list("abcd")


# --- metrics and refit ----------------------------------------------------------------


def several(estimator, X, y):
    proba = estimator.predict_proba(X)
    return {
        "right": accuracy_score(y, proba.argmax(axis=1)),
        "loss": -log_loss(y, proba),
    }


def simplest(results):
    return int(np.argmin(results["param_learning_rate"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"},
        {"scoring": ["accuracy", "roc_auc"], "refit": False},
        {"scoring": {"a": "accuracy", "b": make_scorer(log_loss)}, "refit": simplest},
        {"scoring": several, "refit": "loss"},
        {"scoring": several, "refit": False, "return_train_score": False},
        {"scoring": lambda estimator, X, y: 0.5},
        {"refit": simplest},
        {"refit": False},
        {"scoring": "f1", "return_train_score": False},
    ],
    ids=short,
)
@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
def test_metrics(model, options, together):
    search = check(model, RATES, cv=2, **options)
    assert together
    assert search.scorer_ is not None


def test_a_refit_that_does_not_suit_is_refused():
    for scoring, refit in [(several, True), (["accuracy", "f1"], "loss")]:
        with pytest.raises(ValueError, match="refit must be set to a scorer key"):
            LockstepSearchCV(LR, RATES, scoring=scoring, refit=refit).fit(X, Y)
    with pytest.raises(IndexError, match="best_index_"):
        LockstepSearchCV(LR, RATES, refit=lambda results: 9).fit(X, Y)


def test_a_scorer_that_fails():
    def scorer(estimator, X, y):
        raise RuntimeError("no score")

    with pytest.warns(UserWarning) as caught:
        check(LR, RATES, scoring=scorer, refit=False)
    texts = [str(warning.message) for warning in caught]
    failed = sum("Scoring failed" in text for text in texts)
    assert failed == 2 * 2 * 9  # test and train; both searches
    with pytest.raises(RuntimeError, match="no score"):
        LockstepSearchCV(LR, RATES, scoring=scorer, error_score="raise").fit(X, Y)


# --- fits that fail -------------------------------------------------------------------


@pytest.mark.parametrize(
    "grid, n_failed",
    [
        ({"learning_rate": [0.1, -1.0, np.inf]}, 6),
        ({"max_iter": [-1, 5], "learning_rate": [0.1, 0.2]}, 6),
        ({"class_weight": [None, {7: 2.0}]}, 3),
        ([{"learning_rate": [0.1]}, {"solver": ["newton"]}], 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1"], several])
def test_fits_that_fail(grid, n_failed, scoring):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        options = {"scoring": scoring, "refit": not scoring, "error_score": -2.0}
        search = check(LR, grid, **options)
    ours, theirs = (w for w in caught if w.category is FitFailedWarning)
    head = f"{n_failed} fits failed out of a total of"
    assert head in str(ours.message) and head in str(theirs.message)
    last = [re.findall(r"^\w.*Error: .*", str(w.message), re.M) for w in (ours, theirs)]
    assert sorted(set(last[0])) == sorted(set(last[1])) != []
    assert np.isnan(search.log_likelihoods_).sum() == n_failed
    with pytest.raises(ValueError):
        LockstepSearchCV(LR, grid, error_score="raise").fit(X, Y)


@pytest.mark.parametrize("search", [LockstepSearchCV, GridSearchCV])
def test_all_fits_that_fail(search):
    with pytest.raises(ValueError, match="All the 6 fits failed"):
        search(LR, {"max_iter": [-1], **{"C": [1, 2]}}, cv=3).fit(X, Y)


@pytest.mark.parametrize("search", [LockstepSearchCV, GridSearchCV])
def test_parameters_that_do_not_exist(search):
    with pytest.raises(ValueError, match="Invalid parameter 'eta'"):
        search(LR, {"eta": [1, 2]}).fit(X, Y)


def test_a_fold_of_one_class():
    rows = np.argsort(Y, kind="stable")
    splits = [(rows[:20], rows[20:]), (rows[::2], rows[1::2])]
    with pytest.warns(FitFailedWarning, match="3 fits failed"):
        check(LR, RATES, cv=splits, error_score=0.0)


PENALTIES = {"C": np.geomspace(1e-3, 1e3, 7).tolist()}


@pytest.mark.parametrize("odd", ["a class", "a feature", "a scale"])
def test_penalties_of_folds_that_look_unlike(odd, together):
    """One lacks a class; in one a feature is constant, or a million times as large."""
    rng = np.random.RandomState(0)
    x, y = rng.normal(size=(300, 5)), np.arange(300) % 3
    x[:, 0] += y
    if odd == "a class":
        y = np.sort(y)
    elif odd == "a feature":
        x[100:, 1] = 7.0
    else:
        x[:100, 1] *= 1e6
    search = check(GradientAscentLogisticRegression(), PENALTIES, x, y, cv=KFold(3))
    assert together == [7] * 3
    assert np.isfinite(search.log_likelihoods_).all()


@pytest.mark.slow
def test_penalties_have_the_same_scores_in_any_number_of_processes():
    (x, y), model = data(3, 400), GradientAscentLogisticRegression()
    at_once, in_two = (
        LockstepSearchCV(model, PENALTIES, n_jobs=n, **LOSS).fit(x, y)
        for n in (None, 2)
    )
    np.testing.assert_array_equal(at_once.log_likelihoods_, in_two.log_likelihoods_)
    for key, scores in at_once.cv_results_.items():
        if key.startswith("split"):
            np.testing.assert_array_equal(in_two.cv_results_[key], scores)


@pytest.mark.parametrize("n_threads", [2, 4])
@pytest.mark.parametrize("model", ["penalties", "rates", "a pipeline"])
def test_scores_are_the_same_in_any_number_of_threads(model, n_threads, monkeypatch):
    (x, y), top = data(3, 400), GradientAscentLogisticRegression()
    model, grid = {
        "penalties": (top, PENALTIES),
        "rates": (LR, RATES),
        "a pipeline": (
            make_pipeline(StandardScaler(), top),
            {f"gradientascentlogisticregression__{k}": v for k, v in PENALTIES.items()},
        ),
    }[model]
    found = []
    for n in (1, n_threads):
        monkeypatch.setattr(_kernels, "n_threads", lambda n=n: n)
        search = LockstepSearchCV(model, grid, **LOSS).fit(x, y)
        found.append(search)
    np.testing.assert_array_equal(*(of.log_likelihoods_ for of in found))
    for key, scores in found[0].cv_results_.items():
        if key.startswith("split"):
            np.testing.assert_array_equal(found[1].cv_results_[key], scores)


def test_one_warning_speaks_of_many_fits():
    with pytest.warns(ConvergenceWarning, match="5 of 6 fits .*learning_rate") as seen:
        grid = {"learning_rate": [1e-1, 1e3, 1e4], "tol": [0.1]}
        LockstepSearchCV(LR, grid, cv=2, refit=False).fit(X, Y)
    assert len(seen) == 1
    assert seen[0].filename == __file__


# --- pipelines ------------------------------------------------------------------------


def pipeline(model=LR):
    return Pipeline([("scaler", StandardScaler()), ("nothing", None), ("clf", model)])


@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_pipelines(model, scoring, together):
    grid = {"scaler__with_mean": [True, False], "clf__learning_rate": [0.1, 0.3, 1.0]}
    check(pipeline(model), grid, scoring=scoring)
    assert together == [3] * 6


@pytest.mark.slow
@pytest.mark.parametrize(
    "scaler, change",
    [
        (StandardScaler(with_std=False), np.array),
        (RobustScaler(), np.array),
        (MinMaxScaler((-1, 1), clip=True), np.array),
        (QuantileTransformer(n_quantiles=5), np.array),
        (StandardScaler(), np.float32),
        (StandardScaler(), lambda X: X + 100.0),
        (StandardScaler(), np.ndarray.tolist),
        (StandardScaler(), lambda X: np.where(np.arange(4) == 1, 3.0, X)),
        (MaxAbsScaler(), sparse.csr_array),
        (StandardScaler().set_output(transform="pandas"), np.array),
    ],
    ids=short,
)
def test_scalers(scaler, change, together):
    model = Pipeline([("scaler", scaler), ("clf", LR)])
    grid = {"clf__learning_rate": [0.1, 0.5], "clf__class_weight": [None, "balanced"]}
    search = check(model, grid, change(X), **LOSS)
    assert together == [4] * 3
    assert np.isfinite(search.log_likelihoods_).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the")
def test_those_that_cannot_go_together_after_a_scaler():
    """A refused rate, a climb that leaves the numbers, a fold without a class."""
    grid = {"clf__learning_rate": [0.1, 50.0, -1.0, 1e300]}
    check(pipeline(), grid, **LOSS)
    rare = np.where(np.arange(len(Y)) < 20, 2, Y)
    check(pipeline(), grid, y=rare, cv=KFold(4), error_score=-1.0, scoring=None)


@pytest.mark.parametrize(
    "grid",
    [
        {"scaler": ["passthrough", StandardScaler()], "clf__C": [1.0, 2.0]},
        {"nothing": [FunctionTransformer(np.tanh), None], "clf__C": [1.0, 2.0]},
        {"clf": [LR, MLP, LogisticRegression()]},
        [{"clf": [LR, clone(LR)], "clf__C": [1.0, 3.0]}, {"clf": [MLP]}],
        {"scaler__with_std": [True, "no"], "clf__learning_rate": [0.1, 0.2]},
    ],
    ids=short,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the")
def test_grids_over_steps(grid, together):
    check(pipeline(), grid)
    assert together


def test_pipelines_with_weights(together):
    fit_params = {"clf__sample_weight": WEIGHTS}
    check(pipeline(), {"clf__learning_rate": [0.1, 0.2]}, fit_params=fit_params)
    assert together == [2] * 3
    together.clear()
    fit_params["scaler__sample_weight"] = WEIGHTS
    check(pipeline(), {"clf__learning_rate": [0.1, 0.2]}, fit_params=fit_params)
    assert not together


def test_a_step_that_transforms_training_rows_otherwise():
    encoder = TargetEncoder(cv=KFold(3))
    table = pd.DataFrame({"city": np.array(list("abc"))[Y3], "x": X3[:, 0].round()})
    model = Pipeline([("encoder", encoder), ("clf", LR)])
    check(model, {"clf__learning_rate": [0.1, 1.0]}, table, Y)


def test_a_step_that_cannot_transform_the_test_rows():
    model = Pipeline([("encoder", OneHotEncoder()), ("clf", LR)])
    seldom = np.where(np.arange(len(X)) == 4, 9.0, Y3)[:, None]
    options = {"return_train_score": False, "cv": KFold(3), "refit": False}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(model, {"clf__learning_rate": [0.1, 1.0]}, seldom, **options)
    failed = ["Scoring failed" in str(warning.message) for warning in caught]
    assert sum(failed) == 2 * 2  # of two candidates, by both searches


def test_a_step_fits_once_for_its_settings_and_fold():
    fits = []

    class Scaler(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            fits.append(len(X))
            return super().fit(X, y, sample_weight)

    search = LockstepSearchCV(
        make_pipeline(Scaler(), LR),
        {"gradientascentlogisticregression__learning_rate": [0.1, 0.2, 0.3]},
        cv=3,
        refit=False,
    )
    search.fit(X, Y)
    assert fits == [60] * 3


def test_a_pipeline_of_one_step(together):
    check(Pipeline([("clf", LR)]), {"clf__learning_rate": [0.1, 0.3]})
    assert together == [2] * 3


@pytest.mark.parametrize("changes", [{"memory": "cache"}, {"verbose": True}])
def test_pipelines_that_are_more_than_their_steps(changes, tmp_path, together):
    if "memory" in changes:
        changes = {"memory": str(tmp_path)}
    grid = {"clf__learning_rate": [0.1, 0.3]}
    check(pipeline().set_params(**changes), grid, cv=2)
    assert not together


# --- grids ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grid",
    [
        [{"learning_rate": [0.1, 0.2]}, {"C": [1.0, 2.0], "fit_intercept": [False]}],
        [{"solver": ["gradient", "newton"], "learning_rate": ["auto"]}, RATES],
        {"batch_size": [None, 10], "random_state": [0], "learning_rate": [0.1, 0.2]},
        {"class_weight": [None, {0: 1, 1: 2}], "verbose": [False]},
        {"learning_rate": np.logspace(-2, 0, 3), "C": np.array([1, 10])},
        [{"learning_rate": [0.1]}, {}],
    ],
    ids=str,
)
def test_grids(grid, together):
    check(LR, grid)
    assert together


@pytest.mark.parametrize(
    "model, grid, n",
    [
        (LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, 0),
        (clone(LR).set_params(warm_start=True), RATES, 0),
        (clone(LR).set_params(learning_rate="auto"), {"C": [0.1, 1.0]}, 2),
        (clone(LR).set_params(batch_size=9, random_state=0), RATES, 3),
        (clone(MLP).set_params(random_state=np.random.RandomState(0)), RATES, 3),
        (clone(MLP).set_params(early_stopping=True), RATES, 3),
        (
            clone(MLP).set_params(solver="lbfgs", learning_rate="auto"),
            {"alpha": [0.1, 1.0]},
            2,
        ),
    ],
    ids=["other", "warm", "auto", "batches", "RandomState", "stopping", "lbfgs"],
)
def test_other_models(model, grid, n, together):
    check(model, grid)
    assert together == [n] * 3 * bool(n)


def test_a_subclass_is_fitted_by_itself(together):
    class Own(GradientAscentLogisticRegression):
        pass

    check(Own(learning_rate=0.1, max_iter=5), RATES)
    assert not together


@pytest.mark.slow
@pytest.mark.parametrize("model", [LR, MLP, pipeline()], ids=["LR", "MLP", "pipe"])
def test_two_processes(model):
    grid = {"clf__C": [1.0, 2.0]} if isinstance(model, Pipeline) else RATES
    search = check(model, grid, n_jobs=2, cv=2, pre_dispatch=2)
    assert np.isfinite(search.log_likelihoods_).all()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_in_a_context_of_joblibs(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        check(LR, {"C": [1.0, 2.0]}, cv=2)


def test_a_scorer_may_fit_again():
    check(LR, {"C": [0.01, 1.0]}, scoring=lambda e, X, y: e.fit(X, y).log_likelihood_)


@pytest.mark.parametrize("search", [LockstepSearchCV, GridSearchCV])
def test_no_splits(search):
    splits = iter([(np.arange(50), np.arange(50, 90))])
    list(splits)
    with pytest.raises(ValueError, match="No fits were performed"):
        search(LR, RATES, cv=splits).fit(X, Y)


def test_a_search_leaves_nothing_of_itself_behind():
    model = clone(LR)
    search = LockstepSearchCV(model, RATES, cv=2).fit(X, Y)
    assert search.estimator is model
    assert type(search.best_estimator_) is GradientAscentLogisticRegression
    assert "fit" not in vars(search.best_estimator_)
    assert type(search.scorer_._estimator) is GradientAscentLogisticRegression
    with pytest.raises(ValueError, match="inconsistent"):
        search.fit(X, Y[:-1])
    assert search.estimator is model


# --- what is kept ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, y, weights",
    [
        (LR, Y, None),
        (LR, Y, WEIGHTS),
        (clone(LR).set_params(class_weight="balanced"), Y, WEIGHTS),
        (clone(LR).set_params(class_weight={0: 1, 1: 5}), Y, None),
        (clone(LR).set_params(class_weight="balanced"), KINDS["multioutput"], WEIGHTS),
        (clone(LR).set_params(learning_rate="auto"), Y, WEIGHTS),
        (clone(MLP).set_params(class_weight="balanced"), Y3, None),
    ],
    ids=["plain", "weights", "both", "class_weight", "outputs", "newton", "MLP"],
)
def test_log_likelihoods(model, y, weights):
    cv = KFold(3)
    grid = [{"fit_intercept": [True, False]}, {"learning_rate": [0.3]}]
    search = LockstepSearchCV(model, grid, cv=cv).fit(X, y, sample_weight=weights)
    for i, params in enumerate(search.cv_results_["params"]):
        for j, (train, _) in enumerate(cv.split(X)):
            w = None if weights is None else weights[train]
            one = clone(model).set_params(**params).fit(X[train], y[train], w)
            # Of log-likelihood per example nothing is left of the weights' scale.
            w = np.full(len(train), 1.0) if w is None else w
            if one.class_weight is not None:
                columns = y[train].reshape(len(train), -1).T
                w = w * np.mean([class_weights(one, of, w) for of in columns], axis=0)
            expected = one.log_likelihood_ / w.sum()
            assert search.log_likelihoods_[i, j] == pytest.approx(expected)


def class_weights(estimator, y, weights):
    if isinstance(estimator.class_weight, dict):
        return np.array([estimator.class_weight[label] for label in y])
    total = {label: weights[y == label].sum() for label in np.unique(y)}
    return np.array([weights.sum() / (len(total) * total[label]) for label in y])


def test_log_likelihoods_that_are_not_known():
    model = clone(MLP).set_params(early_stopping=True)
    grid = {"early_stopping": [True, False], "learning_rate": [0.1]}
    search = LockstepSearchCV(model, grid, cv=2).fit(X, Y)
    assert np.isnan(search.log_likelihoods_).tolist() == [[True] * 2, [False] * 2]


def test_clone_parameters_and_pickle():
    search = LockstepSearchCV(LR, RATES, cv=2, scoring="f1", error_score="raise")
    signature = {**GridSearchCV(LR, RATES).get_params()}
    assert search.get_params().keys() == signature.keys()
    copy = clone(search).set_params(estimator__C=3.0, cv=3)
    assert (copy.estimator.C, copy.cv, search.estimator.C) == (3.0, 3, np.inf)
    search.fit(X, Y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    same_results(again.cv_results_, search.cv_results_)
    assert repr(search).startswith("LockstepSearchCV(")


def test_inside_cross_validate():
    results = [
        cross_validate(search(LR, RATES, cv=2), X, Y, cv=3, return_estimator=True)
        for search in (LockstepSearchCV, GridSearchCV)
    ]
    np.testing.assert_allclose(results[0]["test_score"], results[1]["test_score"])
    for ours, theirs in zip(*(result["estimator"] for result in results), strict=True):
        same_results(ours.cv_results_, theirs.cv_results_)


@pytest.mark.parametrize("model", [LR, pipeline()], ids=["LR", "pipeline"])
def test_metadata_routing(model):
    with sklearn.config_context(enable_metadata_routing=True):
        model, name = clone(model), ""
        if isinstance(model, Pipeline):
            name = "clf__"
            model["clf"].set_fit_request(sample_weight=True)
            model["clf"].set_score_request(sample_weight=True)
            model["scaler"].set_fit_request(sample_weight=True)
        else:
            model.set_fit_request(sample_weight="w").set_score_request(
                sample_weight="w"
            )
        given = {"w" if not name else "sample_weight": WEIGHTS}
        check(
            model,
            {f"{name}learning_rate": [0.1, 1.0]},
            cv=GroupKFold(3).set_split_request(groups=True),
            fit_params={**given, "groups": GROUPS},
        )


# --- what looks on --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("verbose", [1, 2, 3, 10])
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1"]])
def test_verbose_prints_the_same_lines(verbose, scoring, capsys):
    lines = []
    for search in (LockstepSearchCV, GridSearchCV):
        for train in (False, True):
            search(
                LR,
                RATES,
                cv=2,
                verbose=verbose,
                scoring=scoring,
                refit=False,
                return_train_score=train,
            ).fit(X, Y)
        printed = capsys.readouterr().out
        printed = re.sub(r"\.*( total time=).*", r"\1", re.sub(r"\.{3,}", " ", printed))
        lines.append(sorted(printed.splitlines()))
    assert lines[0] == lines[1]


class Counter:
    """A callback that keeps which tasks begin, on how many rows, and which end."""

    def __init__(self):
        self.begun, self.ended = [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        given = X, y, (metadata or {}).get("sample_weight")
        sizes = [None if of is None else len(of) for of in given]
        self.begun.append(f"{context.task_name} {context.task_id} {sizes}")

    def on_fit_task_end(self, estimator, context):
        self.ended.append(f"{context.task_name} {context.task_id}")


class Inquisitive(Counter):
    """One that wants to see the fits from the inside."""

    max_propagation_depth = 1


@pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
def test_callbacks_of_the_search(model, together):
    seen = []
    for search in (LockstepSearchCV, GridSearchCV):
        callback = Counter()
        search = search(model, RATES, cv=3).set_callbacks(callback)
        search.fit(X, Y, sample_weight=WEIGHTS)
        seen.append((sorted(callback.begun), sorted(callback.ended)))
    assert together
    assert seen[0] == seen[1]


def test_a_progress_bar(together, capsys):
    search = LockstepSearchCV(pipeline(), {"clf__C": [1.0, 2.0]}, cv=3)
    search.set_callbacks(ProgressBar()).fit(X, Y)
    printed = capsys.readouterr().out
    assert together == [2] * 3
    assert "LockstepSearchCV - search" in printed and "100%" in printed


@pytest.mark.slow
def test_callbacks_that_look_inside(together):
    inside = clone(LR).set_callbacks(ScoringMonitor(scoring="accuracy"))
    check(inside, RATES, cv=2)
    check(pipeline(inside), {"clf__C": [1.0, 2.0]}, cv=2)
    callback = Inquisitive()
    LockstepSearchCV(LR, RATES, cv=2).set_callbacks(callback).fit(X, Y)
    assert "iteration 0" in callback.ended
    assert not together


# --- scikit-learn's checks ------------------------------------------------------------


def checked(test):
    """Of bad input the splitter warns, and then each fit or score that fails."""
    for ignored in [
        "invalid value encountered in cast:RuntimeWarning",
        ":sklearn.exceptions.FitFailedWarning",
        "Scoring failed:UserWarning",
        "One or more of the:UserWarning",
    ]:
        test = pytest.mark.filterwarnings(f"ignore:{ignored}")(test)
    return test


@pytest.mark.slow
@checked
@parametrize_with_checks([LockstepSearchCV(LR, {"learning_rate": [0.05, 0.1]}, cv=2)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@checked
@pytest.mark.slow
@parametrize_with_checks(
    [
        LockstepSearchCV(MLP, {"alpha": [0.0, 0.01]}, cv=2),
        LockstepSearchCV(pipeline(), {"clf__learning_rate": [0.05, 0.1]}, cv=2),
    ]
)
def test_scikit_learn_checks_of_other_searches(estimator, check):
    check(estimator)
