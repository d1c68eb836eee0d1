"""Swapped for LogisticRegression or MLPClassifier, nothing around them breaks."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from reference import binary_data, multiclass_data
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFECV, SelectFromModel
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.exceptions import SeparationWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
both = pytest.mark.parametrize(
    "model",
    [LR(), LR(0.5, max_iter=50), MLP((5,), learning_rate=0.05, random_state=0)],
    ids=["LR auto", "LR 0.5", "MLP"],
)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@both
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_cross_validate(model, data):
    X, y = data()
    result = cross_validate(
        model,
        X,
        y,
        cv=3,
        scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"],
        return_train_score=True,
        error_score="raise",
    )
    assert np.isfinite(result["test_neg_log_loss"]).all()
    assert result["train_accuracy"].mean() > 1 / len(np.unique(y))


@pytest.mark.slow
@both
def test_grid_search_in_two_processes(model):
    X, y = binary_data()
    grid = {"learning_rate": [0.01, 0.1, "auto"], "fit_intercept": [True, False]}
    search = GridSearchCV(model, grid, n_jobs=2, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    alone = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


@both
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated(model, ensemble):
    X, y = multiclass_data()
    calibrated = CalibratedClassifierCV(model, cv=3, ensemble=ensemble)
    calibrated.fit(X, y, sample_weight=np.ones(len(y)))
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)


@both
def test_stacking(model):
    X, y = multiclass_data()
    stack = StackingClassifier(
        [("one", model), ("two", clone(model).set_params(tol=1e-2))],
        final_estimator=clone(model),
        cv=3,
    )
    assert stack.fit(X, y).predict_proba(X).shape == (90, 3)


@both
def test_bagging_and_voting(model):
    X, y = binary_data()
    weights = np.arange(60) % 3
    bag = BaggingClassifier(model, n_estimators=3, max_features=0.5, random_state=0)
    assert bag.fit(X, y, sample_weight=weights).score(X, y) > 0.5
    vote = VotingClassifier([("a", model), ("b", clone(model))], voting="soft")
    assert vote.fit(X, y, sample_weight=weights + 1).score(X, y) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [LR(), LR(C=1.0), LR(0.5, max_iter=50), MLP((3,), max_iter=50, random_state=0)],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::skneuron.exceptions.SeparationWarning")
def test_bags_that_lack_a_class(model):
    X, _ = binary_data(n=120)
    y = np.where(np.arange(120) < 3, "rare", "common")
    bag = BaggingClassifier(model, n_estimators=25, max_samples=0.3, random_state=0)
    bag.fit(X, y)
    lacking = [n for n, rows in enumerate(bag.estimators_samples_) if min(rows) > 2]
    assert 0 < len(lacking) < 25
    peer = BaggingClassifier(
        LogisticRegression(), n_estimators=25, max_samples=0.3, random_state=0
    ).fit(X, y)
    assert bag.score(X, y) == pytest.approx(peer.score(X, y), abs=0.02)
    for n in lacking:
        assert (bag.estimators_[n].predict(X) == 0).all()  # of codes


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (LR(), "no sample that counts is of class 'b'.*Leave out"),
        (LR(C=1.0), "No sample that counts is of class 'b'.*Leave out"),
        (MLP((3,), max_iter=300, random_state=0), "No sample.*class 'b'.*Leave out"),
        (MLP((3,), early_stopping=True, random_state=0), "No sample.*class 'b'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_class_without_weight_is_said_once(model, words, n_classes):
    X, _ = binary_data()
    y = np.array(["a", "b", "c"])[np.arange(60) % n_classes]
    with pytest.warns(SeparationWarning, match=words) as caught:
        fitted = clone(model).fit(X, y, sample_weight=1.0 * (y != "b"))
    assert len(caught) == 1
    assert list(fitted.classes_) == ["a", "b", "c"][:n_classes]
    assert (fitted.predict(X) != "b").all()
    with pytest.warns(SeparationWarning, match=words):
        clone(model).set_params(class_weight={"b": 0, "a": 1, "c": 1}).fit(X, y)


def test_without_intercepts_a_penalty_bounds_what_a_missing_class_gets():
    X, y = binary_data()
    weights = 1.0 * (y == 0)
    model = LR(C=1.0, fit_intercept=False, tol=1e-9).fit(X, y, sample_weight=weights)
    assert model.converged_
    peer = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-9)
    peer.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.coef_, peer.coef_, rtol=1e-4)


@both
def test_one_against_the_rest(model):
    X, y = load_iris(return_X_y=True)
    rest = OneVsRestClassifier(model).fit(X, y)
    assert rest.predict_proba(X).shape == (150, 3)
    assert rest.score(X, y) > 0.6
    multilabel = OneVsRestClassifier(model).fit(X, np.eye(3, dtype=int)[y])
    assert multilabel.predict(X).shape == (150, 3)
    assert OneVsOneClassifier(model).fit(X, y).score(X, y) > 0.6
    stream = OneVsRestClassifier(model)
    stream.partial_fit(X[::2], y[::2], classes=[0, 1, 2]).partial_fit(X[1::2], y[1::2])
    assert stream.predict(X).shape == (150,)


@both
def test_self_training(model):
    X, y = binary_data(n=120)
    labels = np.where(np.arange(120) % 3 == 0, y, -1)
    trained = SelfTrainingClassifier(model, threshold=0.6).fit(X, labels)
    assert (trained.labeled_iter_ > 0).any()
    assert trained.predict_proba(X).shape == (120, 2)


@pytest.mark.parametrize("parameters", [{}, {"learning_rate": 0.3, "max_iter": 100}])
def test_feature_selection_by_coef(parameters):
    X, y = binary_data(n=200, p=3)
    noise = np.random.default_rng(0).standard_normal((200, 4))
    wide = np.column_stack([X * 2, noise])
    model = LR(**parameters)
    ranked = RFECV(model, cv=3, min_features_to_select=2).fit(wide, y)
    assert 2 <= ranked.n_features_ <= 7
    assert SelectFromModel(model).fit(wide, y).transform(wide).shape[1] >= 1


@pytest.mark.slow
@both
def test_tuned_threshold(model):
    X, y = binary_data(n=120)
    for method in ("predict_proba", "decision_function"):
        tuned = TunedThresholdClassifierCV(
            model, scoring="balanced_accuracy", response_method=method, cv=3
        ).fit(X, y)
        assert np.isfinite(tuned.best_threshold_)
        assert tuned.predict(X).shape == (120,)
    fixed = FixedThresholdClassifier(model, threshold=0.0).fit(X, y)
    assert fixed.predict(X).shape == (120,)


@both
def test_multi_output_wrappers(model):
    X, y = binary_data()
    Y = np.column_stack([y, (X[:, 0] > 0).astype(int)])
    wrapped = MultiOutputClassifier(model).fit(X, Y)
    direct = clone(model).fit(X, Y)
    assert wrapped.predict(X).shape == direct.predict(X).shape
    if isinstance(model, LR):
        np.testing.assert_array_equal(wrapped.predict(X), direct.predict(X))
    assert ClassifierChain(model).fit(X, Y).predict_proba(X).shape == (60, 2)
    stream = MultiOutputClassifier(model)
    stream.partial_fit(X, Y, classes=[[0, 1], [0, 1]]).partial_fit(X, Y)
    assert stream.predict(X).shape == (60, 2)


@both
def test_multi_output_in_cross_validation(model):
    X, y = binary_data()
    Y = np.column_stack([y, (X[:, 0] > 0).astype(int)])
    result = cross_validate(model, X, Y, cv=3, error_score="raise")
    assert result["test_score"].shape == (3,)
    predicted = cross_val_predict(model, X, Y, cv=3, method="predict_proba")
    assert np.shape(predicted) == (60, 2)


@both
def test_curves_and_importances(model):
    X, y = binary_data()
    learning_curve(model, X, y, cv=2, train_sizes=[0.5, 1.0], error_score="raise")
    fitted = clone(model).fit(X, y)
    assert permutation_importance(fitted, X, y, n_repeats=2).importances.shape == (4, 2)
    scores = cross_val_predict(model, X, y, cv=2, method="predict_log_proba")
    assert scores.shape == (60, 2)


# --- a table as people have it --------------------------------------------------------


def table(n=150):
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 80, n)
    income = rng.lognormal(10, 1, n)
    city = rng.choice(["Bern", "Graz", "Ulm"], n)
    logit = (age - 50) / 15 + (city == "Ulm") - 0.3
    y = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "buys", "leaves")
    age[::10] = np.nan
    income[5::17] = np.nan
    city = city.astype(object)
    city[3::20] = None
    return pd.DataFrame({"age": age, "income": income, "city": city}), pd.Series(y)


def pipeline(model, scale=True):
    # The scaler takes weights too: with routing on, it has to be told not to.
    scaler = StandardScaler()
    if sklearn.get_config()["enable_metadata_routing"]:
        scaler.set_fit_request(sample_weight=False)
    numbers = [SimpleImputer(), scaler] if scale else [SimpleImputer()]
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(*numbers), ["age", "income"]),
            (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ),
        model,
    )


@both
def test_column_transformer_pipeline(model):
    X, y = table()
    people = pipeline(model).fit(X[:100], y[:100])
    assert set(people.predict(X[100:])) <= {"buys", "leaves"}
    assert people.score(X[100:], y[100:]) > 0.55
    result = cross_validate(pipeline(model), X, y, cv=3, error_score="raise")
    assert result["test_score"].mean() > 0.55


def test_auto_does_not_need_the_scaler_in_the_pipeline():
    X, y = table()
    scaled = pipeline(LR()).fit(X, y)
    raw = pipeline(LR(), scale=False).fit(X, y)
    np.testing.assert_allclose(raw.predict_proba(X), scaled.predict_proba(X), atol=1e-5)


@both
def test_pandas_output_gives_feature_names(model):
    X, y = table()
    X = X.drop(columns="city").fillna(0.0)
    people = make_pipeline(StandardScaler().set_output(transform="pandas"), model)
    people.fit(X, y)
    assert list(people[-1].feature_names_in_) == ["age", "income"]


# --- metadata routing -----------------------------------------------------------------


@both
def test_weights_through_a_pipeline_without_routing(model):
    X, y = table()
    weights = np.arange(len(y)) % 4
    people = pipeline(model)
    name = people.steps[-1][0]
    people.fit(X, y, **{f"{name}__sample_weight": weights})
    unweighted = pipeline(clone(model)).fit(X, y)
    assert not np.allclose(people.predict_proba(X), unweighted.predict_proba(X))


@pytest.mark.slow
@both
def test_weights_through_routing(model, routing):
    X, y = table()
    weights = np.arange(len(y)) % 4
    requests = clone(model).set_fit_request(sample_weight=True)
    requests.set_score_request(sample_weight=True)
    people = pipeline(requests).fit(X, y, sample_weight=weights)

    by_hand = clone(people[:-1]).fit(X, y)
    expected = clone(model).fit(by_hand.transform(X), y, sample_weight=weights)
    np.testing.assert_allclose(
        people.predict_proba(X), expected.predict_proba(by_hand.transform(X))
    )
    people.score(X, y, sample_weight=weights)

    name = people.steps[-1][0]
    search = GridSearchCV(people, {f"{name}__tol": [1e-2, 1e-4]}, cv=2, n_jobs=2)
    search.set_params(error_score="raise").fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(
        search.best_estimator_.predict_proba(X).shape, (len(y), 2)
    )
    result = cross_validate(
        people,
        X,
        y,
        cv=3,
        params={"sample_weight": weights},
        error_score="raise",
    )
    assert np.isfinite(result["test_score"]).all()


@both
def test_weights_that_were_not_asked_for_are_refused(model, routing):
    X, y = binary_data()
    search = GridSearchCV(model, {"tol": [1e-2]}, cv=2)
    with pytest.raises(ValueError, match="sample_weight"):
        search.fit(X, y, sample_weight=np.ones(60))


@both
def test_partial_fit_can_request_its_metadata(model, routing):
    requests = clone(model).set_partial_fit_request(classes=True, sample_weight=True)
    request = requests.get_metadata_routing().partial_fit.requests
    assert request == {"classes": True, "sample_weight": True}


@pytest.mark.slow
@both
def test_meta_estimators_with_routing_on(model, routing):
    X, y = binary_data()
    weights = np.arange(60) % 3 + 1.0
    requests = clone(model).set_fit_request(sample_weight=True)
    scorer = make_scorer(balanced_accuracy_score).set_score_request(sample_weight=True)
    for meta in (
        CalibratedClassifierCV(requests, cv=2),
        BaggingClassifier(requests, n_estimators=2, random_state=0),
        OneVsRestClassifier(requests),
        TunedThresholdClassifierCV(requests, scoring=scorer, cv=2),
    ):
        meta.fit(X, y, sample_weight=weights)
        assert meta.predict(X).shape == (60,)
