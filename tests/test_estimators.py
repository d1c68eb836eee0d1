"""What both estimators promise: outputs, weights, streams, early stopping, manners."""

import warnings

import numpy as np
import pytest
from reference import bernoulli_log_likelihood, binary_data, multiclass_data
from scipy import sparse
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

slow = pytest.mark.slow

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
BOTH = [LR(), MLP((5,), max_iter=30, random_state=0)]
both = pytest.mark.parametrize("model", BOTH, ids=["LR", "MLP"])
DETERMINISTIC = [
    LR(),
    LR(solver="lbfgs"),
    LR(solver="newton"),
    LR(C=1.0),
    LR(0.5, max_iter=50, tol=0),
    LR(0.01, reduction="sum", max_iter=50, tol=0),
    MLP((4,), "tanh", solver="lbfgs", max_iter=20, random_state=0),
    MLP((4,), "tanh", max_iter=20, tol=0, random_state=0),
    MLP((4,), "tanh", solver="gradient", max_iter=20, tol=0, random_state=0),
    MLP((), solver="lbfgs", alpha=1.0, random_state=0),
]
deterministic = pytest.mark.parametrize("model", DETERMINISTIC, ids=str)


# --- the table of kinds of y ----------------------------------------------------------


@both
def test_two_classes(model):
    X, y = binary_data()
    fitted = clone(model).fit(X, y)
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (60, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert fitted.predict(X).shape == (60,)
    assert fitted.decision_function(X).shape == (60,)
    logits = fitted.decision_function(X)
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-logits)))
    np.testing.assert_array_equal(fitted.predict(X), (logits > 0).astype(int))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities))
    np.testing.assert_array_equal(fitted.classes_, [0, 1])
    assert fitted.score(X, y) == accuracy_score(y, fitted.predict(X))


@both
def test_several_classes(model):
    X, y = multiclass_data(k=4)
    fitted = clone(model).fit(X, y)
    probabilities = fitted.predict_proba(X)
    logits = fitted.decision_function(X)
    assert probabilities.shape == logits.shape == (90, 4)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, softmax)
    np.testing.assert_array_equal(fitted.predict(X), logits.argmax(axis=1))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities))
    np.testing.assert_array_equal(fitted.classes_, np.arange(4))
    assert fitted.score(X, y) == accuracy_score(y, fitted.predict(X))


@both
def test_multilabel(model):
    X, y = binary_data()
    Y = np.column_stack([y, np.roll(y, 7), 1 - y[::-1]])
    fitted = clone(model).fit(X, Y)
    probabilities = fitted.predict_proba(X)
    assert fitted.predict(X).shape == (60, 3)
    assert probabilities.shape == (60, 3)
    assert fitted.decision_function(X).shape == (60, 3)
    np.testing.assert_allclose(
        probabilities, 1 / (1 + np.exp(-fitted.decision_function(X)))
    )
    np.testing.assert_array_equal(fitted.predict(X), (probabilities > 0.5).astype(int))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities))
    assert isinstance(fitted.classes_, list) and len(fitted.classes_) == 3
    for classes in fitted.classes_:
        np.testing.assert_array_equal(classes, [0, 1])
    every = (fitted.predict(X) == Y).all(axis=1).mean()
    assert 0 < every < 1
    assert fitted.score(X, Y) == pytest.approx(every)


@both
def test_two_labels_that_exclude_one_another_are_still_two_outputs(model):
    X, y = binary_data()
    fitted = clone(model).fit(X, np.column_stack([y, 1 - y]))
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (60, 2)
    if isinstance(model, LR):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)


@both
def test_several_outputs_of_labels(model):
    X, y = binary_data()
    Y = np.column_stack(
        [
            np.array(["no", "yes"], dtype=object)[y],
            np.array(["a", "b", "c"], dtype=object)[np.arange(60) % 3],
        ]
    )
    fitted = clone(model).fit(X, Y)
    predicted = fitted.predict(X)
    assert predicted.shape == (60, 2)
    assert set(predicted[:, 0]) <= {"no", "yes"}
    assert set(predicted[:, 1]) <= {"a", "b", "c"}
    probabilities = fitted.predict_proba(X)
    logs = fitted.predict_log_proba(X)
    assert isinstance(probabilities, list) and isinstance(logs, list)
    assert [p.shape for p in probabilities] == [(60, 2), (60, 3)]
    for column, (p, log_p) in enumerate(zip(probabilities, logs, strict=True)):
        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_allclose(log_p, np.log(p))
        best = np.asarray(fitted.classes_[column])[p.argmax(axis=1)]
        np.testing.assert_array_equal(predicted[:, column], best)
    assert isinstance(fitted.classes_, list)
    assert [list(classes) for classes in fitted.classes_] == [
        ["no", "yes"],
        ["a", "b", "c"],
    ]
    every = (predicted == Y).all(axis=1).mean()
    assert fitted.score(X, Y) == pytest.approx(every)
    logits = fitted.decision_function(X)
    assert isinstance(logits, list)
    assert [z.shape for z in logits] == [(60,), (60, 3)]


@both
def test_score_weighs_the_rows(model):
    X, y = binary_data()
    Y = np.column_stack([y, (X[:, 0] > 0).astype(int)])
    weights = np.random.default_rng(0).uniform(0, 1, 60)
    for labels in (y, Y):
        fitted = clone(model).fit(X, labels)
        right = (fitted.predict(X) == labels).reshape(60, -1).all(axis=1)
        expected = np.average(right, weights=weights)
        assert fitted.score(X, labels, sample_weight=weights) == pytest.approx(expected)


# --- log-likelihood -------------------------------------------------------------------


@both
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_log_likelihood_is_that_of_the_fit_and_of_log_loss(model, data):
    X, y = data()
    weights = np.random.default_rng(0).uniform(0, 2, len(y))
    for w in (None, weights):
        fitted = clone(model).fit(X, y, sample_weight=w)
        total = fitted.log_likelihood(X, y, sample_weight=w)
        assert total == pytest.approx(fitted.log_likelihood_, rel=1e-9)
        loss = log_loss(y, fitted.predict_proba(X), sample_weight=w, normalize=False)
        assert total == pytest.approx(-loss, rel=1e-7)


@deterministic
@pytest.mark.parametrize("offset", [1e4, 1e8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_reported_is_what_the_attributes_say(model, offset, dtype):
    """An offset costs them digits, which the climb in its coordinates still has."""
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((200, 10)) + offset).astype(dtype)
    y = rng.integers(0, 3, 200)
    fitted = clone(model).set_params(max_iter=15).fit(X, y)
    told = fitted.log_likelihood(X, y)
    assert fitted.log_likelihood_ == pytest.approx(told, rel=2e-12)
    assert fitted.log_likelihood_curve_[-1] == fitted.log_likelihood_


@both
def test_log_likelihood_has_no_penalty(model):
    X, y = binary_data()
    strong = {"C": 0.01} if isinstance(model, LR) else {"alpha": 100.0}
    fitted = clone(model).set_params(**strong).fit(X, y)
    loss = log_loss(y, fitted.predict_proba(X), normalize=False)
    assert fitted.log_likelihood_ == pytest.approx(-loss, rel=1e-9)


@both
def test_log_likelihood_of_a_part_and_of_labels_that_are_words(model):
    X, y = multiclass_data()
    words = np.array(["a", "b", "c"])[y]
    fitted = clone(model).fit(X, words)
    parts = fitted.log_likelihood(X[:30], words[:30])  # floats that add up
    parts += fitted.log_likelihood(X[30:], words[30:])
    assert parts == pytest.approx(fitted.log_likelihood_, rel=1e-9)
    only = words == "b"
    expected = fitted.predict_log_proba(X[only])[:, 1].sum()
    assert fitted.log_likelihood(X[only], words[only]) == pytest.approx(expected)


def test_far_from_the_line_nothing_overflows_or_underflows():
    X, y = binary_data()
    model = LR(C=1.0).fit(X, y)
    model.coef_ = np.array([[1e6, 0, 0, 0]])
    model.intercept_ = np.array([0.0])
    logits = X[:, 0] * 1e6
    np.testing.assert_allclose(model.decision_function(X), logits)
    logs = model.predict_log_proba(X)
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(logs.min(axis=1), -np.abs(logits), rtol=1e-12)
    expected = bernoulli_log_likelihood(logits, y)
    assert model.log_likelihood(X, y) == pytest.approx(expected, rel=1e-12)


def test_predict_log_proba_is_finite_where_the_probability_is_zero():
    X, y = multiclass_data()
    for model in (LR(C=1.0), MLP((5,), max_iter=5, random_state=0)):
        model.fit(X, y)
        if isinstance(model, LR):
            model.coef_ = model.coef_ * 1e6
        else:
            model.coefs_ = [W * 1e6 for W in model.coefs_]
        logs = model.predict_log_proba(X)
        assert (model.predict_proba(X) < 1e-300).any()
        assert np.isfinite(logs).all()
        assert np.isfinite(model.log_likelihood(X, y))


# --- weights --------------------------------------------------------------------------


@deterministic
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_integer_weights_are_repeated_rows(model, data):
    X, y = (of[:50] for of in data())  # too few to choose a penalty by, repeated or not
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = clone(model).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6
    )
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-6)


@deterministic
def test_rows_of_no_weight_are_not_there(model):
    X, y = binary_data()
    weights = (np.arange(60) % 3 > 0).astype(float)
    X[weights == 0] = 1e6  # would change every scale
    weighted = clone(model).fit(X, y, sample_weight=weights)
    removed = clone(model).fit(X[weights > 0], y[weights > 0])
    rows = X[weights > 0]
    np.testing.assert_allclose(
        weighted.predict_proba(rows), removed.predict_proba(rows), atol=1e-6
    )


@deterministic
def test_no_weights_are_weights_of_one(model):
    X, y = binary_data()
    plain = clone(model).fit(X, y)
    ones = clone(model).fit(X, y, sample_weight=np.ones(60))
    np.testing.assert_allclose(
        ones.predict_proba(X), plain.predict_proba(X), atol=1e-10
    )


@deterministic
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_balanced_classes_weigh_the_same(model, data):
    X, y = data()
    shares = np.bincount(y)
    by_hand = (len(y) / (len(shares) * shares))[y]
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    weighted = clone(model).fit(X, y, sample_weight=by_hand)
    as_dict = dict(enumerate(len(y) / (len(shares) * shares)))
    dictionary = clone(model).set_params(class_weight=as_dict).fit(X, y)
    expected = weighted.predict_proba(X)
    np.testing.assert_allclose(balanced.predict_proba(X), expected, atol=1e-8)
    np.testing.assert_allclose(dictionary.predict_proba(X), expected, atol=1e-8)
    # As in a fold that lacks a class: one that is weighted, and not there.
    dictionary.set_params(class_weight={**as_dict, len(shares): 5.0}).fit(X, y)
    np.testing.assert_allclose(dictionary.predict_proba(X), expected, atol=1e-8)


def test_a_balanced_mle_is_balanced():
    X, y = binary_data()
    model = LR(class_weight="balanced", tol=1e-9).fit(X, y)
    p = model.predict_proba(X)[:, 1]
    by_class = [p[y == 0].mean(), 1 - p[y == 1].mean()]
    assert by_class[0] == pytest.approx(by_class[1], abs=1e-6)


# --- the public attributes are the model ----------------------------------------------


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_logistic_regression_reads_its_public_attributes(data):
    X, y = data()
    model = LR().fit(X, y)
    logits = np.squeeze(X @ (2 * model.coef_).T + 7 + model.intercept_ * 0)
    model.coef_ = 2 * model.coef_
    model.intercept_ = np.full_like(model.intercept_, 7.0)
    np.testing.assert_allclose(model.decision_function(X), logits)
    before = model.log_likelihood(X, y)
    model.coef_[:] = 0  # in place as well
    model.intercept_[:] = 0
    np.testing.assert_allclose(
        model.predict_proba(X), 1 / len(model.classes_), rtol=1e-12
    )
    k = len(model.classes_)
    assert model.log_likelihood(X, y) == pytest.approx(-len(y) * np.log(k))
    assert model.log_likelihood(X, y) != before


def test_softmax_does_not_mind_coefs_that_do_not_sum_to_zero():
    X, y = multiclass_data()
    model = LR().fit(X, y)
    expected = model.predict_proba(X)
    model.coef_ = model.coef_ + 3.0
    model.intercept_ = model.intercept_ - 5.0
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-9)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_a_network_reads_its_public_attributes(data):
    X, y = data()
    model = MLP((5, 3), "tanh", max_iter=3, random_state=0).fit(X, y)
    rng = np.random.default_rng(0)
    model.coefs_ = [rng.standard_normal(W.shape) for W in model.coefs_]
    model.intercepts_ = [rng.standard_normal(b.shape) for b in model.intercepts_]
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    hidden = np.tanh(hidden @ model.coefs_[1] + model.intercepts_[1])
    logits = np.squeeze(hidden @ model.coefs_[2] + model.intercepts_[2])
    np.testing.assert_allclose(model.decision_function(X), logits)
    model.coefs_[2][:] = 0  # in place as well
    model.intercepts_[2][:] = 0
    np.testing.assert_allclose(model.predict_proba(X), 1 / len(model.classes_))


# --- partial_fit ----------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_partial_fit_on_everything_is_a_step_of_the_lecture(data, reduction):
    X, y = data()
    parameters = {"learning_rate": 0.01, "reduction": reduction, "tol": 0}
    whole = LR(**parameters, max_iter=12).fit(X, y)
    stream = LR(**parameters)
    for _ in range(12):
        stream.partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_allclose(stream.coef_, whole.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(stream.intercept_, whole.intercept_, rtol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "gradient"])
def test_partial_fit_of_a_network_is_an_epoch(solver):
    X, y = binary_data()
    parameters = {
        "solver": solver,
        "learning_rate": 0.05,
        "shuffle": False,
        "tol": 0,
        "random_state": 0,
    }
    whole = MLP((4,), **parameters, max_iter=7).fit(X, y)
    stream = MLP((4,), **parameters)
    for _ in range(7):
        stream.partial_fit(X, y, classes=[0, 1])
    for W, expected in zip(stream.coefs_, whole.coefs_, strict=True):
        np.testing.assert_allclose(W, expected, rtol=1e-9, atol=1e-12)


@both
def test_partial_fit_goes_on_after_fit(model):
    X, y = binary_data()
    fitted = clone(model).fit(X, y)
    before = fitted.log_likelihood(X, y)
    for _ in range(5):
        fitted.partial_fit(X, y)
    assert fitted.log_likelihood(X, y) >= before - 1e-3 * abs(before)


@both
def test_partial_fit_knows_classes_that_it_has_not_seen(model):
    X, y = binary_data()
    stream = clone(model).partial_fit(X, y, classes=[0, 1, 2])
    assert stream.predict_proba(X).shape == (60, 3)
    stream.partial_fit(X[:1], [2])
    np.testing.assert_array_equal(stream.classes_, [0, 1, 2])


@both
def test_partial_fit_with_several_outputs(model):
    X, y = binary_data()
    Y = np.column_stack([y, 1 - y[::-1]])
    stream = clone(model)
    for _ in range(3):
        stream.partial_fit(X, Y, classes=[np.array([0, 1]), np.array([0, 1])])
    assert stream.predict(X).shape == (60, 2)


@both
def test_partial_fit_takes_weights(model):
    X, y = binary_data()
    weights = (np.arange(60) % 2).astype(float)
    weighted, removed = clone(model), clone(model)
    for _ in range(3):
        weighted.partial_fit(X, y, [0, 1], weights)
        removed.partial_fit(X[1::2], y[1::2], [0, 1])
    np.testing.assert_allclose(
        weighted.predict_proba(X), removed.predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_balanced_in_a_stream_is_balanced_so_far(data):
    X, y = data()
    parameters = {"learning_rate": 0.1, "tol": 0, "class_weight": "balanced"}
    whole = LR(**parameters, max_iter=6).fit(X, y)
    stream = LR(**parameters)
    for _ in range(6):
        stream.partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_allclose(stream.coef_, whole.coef_, rtol=1e-9)
    # One class in a batch, none of it so far of another: weights stay finite.
    first = LR(**parameters).partial_fit(X[y == 0], y[y == 0], classes=np.unique(y))
    assert np.isfinite(first.coef_).all()


def test_a_stream_of_unscaled_batches_is_learnt():
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    model = LR()
    for _ in range(10):
        for batch in np.array_split(order, 12):
            model.partial_fit(X[batch], y[batch], classes=[0, 1])
    assert np.isfinite(model.coef_).all()
    assert model.score(X, y) > 0.9


# --- early stopping -------------------------------------------------------------------


def test_early_stopping_stops_early():
    X, y = binary_data(n=300)
    model = MLP(
        (10,), early_stopping=True, max_iter=1000, learning_rate=0.05, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
    assert model.n_iter_ < 1000
    assert len(model.validation_scores_) == model.n_iter_
    assert all(score <= 0 for score in model.validation_scores_)
    assert model.score(X, y) > 0.6


def test_early_stopping_keeps_the_end_of_the_best_ten_epochs():
    X, y = binary_data(n=200)
    parameters = {"early_stopping": True, "learning_rate": 0.5, "random_state": 0}
    model = MLP((10,), max_iter=300, **parameters).fit(X, y)
    scores = np.lib.stride_tricks.sliding_window_view(model.validation_scores_, 10)
    best = int(np.argmax(scores.mean(axis=1))) + 10
    assert best < model.n_iter_
    only = MLP((10,), max_iter=best, **parameters).fit(X, y)
    for W, expected in zip(model.coefs_, only.coefs_, strict=True):
        np.testing.assert_allclose(W, expected, rtol=1e-10)


def test_validation_scores_are_mean_log_likelihoods_of_rows_set_aside():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1, 4)).repeat(200, axis=0), np.arange(200) % 4 == 0
    model = MLP((3,), early_stopping=True, max_iter=20, random_state=0).fit(X, y)
    # Rows that are all alike: those set aside are as likely as the others, all in all.
    kept = model.log_likelihood(X, y) / 200
    assert np.isclose(model.validation_scores_, kept, rtol=1e-9, atol=0).any()


@pytest.mark.parametrize("seed", range(3))
def test_early_stopping_is_worth_it_where_the_network_learns_by_heart(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((1400, 15))  # and one label in four says nothing
    y = np.where(rng.random(1400) < 0.5, rng.random(1400) < 0.5, X[:, 0] > 0)
    train, test = (X[:400], y[:400]), (X[400:], y[400:])
    heart = MLP(alpha=0, random_state=0).fit(*train)
    stopped = clone(heart).set_params(early_stopping=True).fit(*train)
    assert stopped.log_likelihood(*test) > heart.log_likelihood(*test) + 100


def test_without_early_stopping_there_are_no_validation_scores():
    X, y = binary_data()
    model = MLP((3,), max_iter=3, early_stopping=True).fit(X, y)
    assert len(model.validation_scores_) == 3
    model.set_params(early_stopping=False).fit(X, y)
    assert getattr(model, "validation_scores_", None) is None


def test_early_stopping_takes_weights_and_several_outputs():
    X, y = binary_data(n=120)
    Y = np.column_stack([y, (X[:, 0] > 0).astype(int)])
    model = MLP((4,), early_stopping=True, max_iter=20, random_state=0)
    model.fit(X, Y, sample_weight=np.linspace(0.1, 1, 120))
    assert model.predict(X).shape == (120, 2)
    assert len(model.validation_scores_) == model.n_iter_


# --- scikit-learn's manners -----------------------------------------------------------


PARAMETERS = {
    LR: {
        "learning_rate": "auto",
        "C": np.inf,
        "penalty": None,
        "reduction": "mean",
        "solver": "auto",
        "batch_size": None,
        "max_iter": 1000,
        "tol": 1e-6,
        "fit_intercept": True,
        "class_weight": None,
        "warm_start": False,
        "random_state": None,
        "verbose": 0,
    },
    MLP: {
        "hidden_layer_sizes": (100,),
        "activation": "logistic",
        "image_shape": None,
        "solver": "adam",
        "learning_rate": "auto",
        "alpha": "auto",
        "batch_size": "auto",
        "max_iter": 200,
        "tol": 1e-4,
        "n_iter_no_change": 10,
        "momentum": 0.9,
        "shuffle": True,
        "early_stopping": False,
        "validation_fraction": 0.1,
        "class_weight": None,
        "fit_intercept": True,
        "warm_start": False,
        "random_state": None,
        "verbose": 0,
    },
}


@pytest.mark.parametrize("estimator", PARAMETERS)
def test_the_constructor_is_that_of_the_design(estimator):
    assert estimator().get_params() == PARAMETERS[estimator]
    assert clone(estimator()).get_params() == PARAMETERS[estimator]


def test_the_constructors_take_little_by_position():
    assert LR(0.5).learning_rate == 0.5
    model = MLP((3,), "tanh")
    assert (model.hidden_layer_sizes, model.activation) == ((3,), "tanh")
    with pytest.raises(TypeError):
        LR(0.5, 1.0)
    with pytest.raises(TypeError):
        MLP((3,), "tanh", "adam")


@pytest.mark.parametrize("hidden", [5, (5,), [5], np.array([5])], ids=repr)
def test_hidden_layer_sizes_of_every_kind(hidden):
    X, y = binary_data()
    model = MLP(hidden, max_iter=3, random_state=0).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(4, 5), (5, 1)]
    assert [b.shape for b in model.intercepts_] == [(5,), (1,)]


def test_shapes_of_the_fitted_attributes():
    X, y = multiclass_data(k=3)
    single = LR().fit(X, y)
    assert single.coef_.shape == (3, 4) and single.intercept_.shape == (3,)
    assert isinstance(single.n_iter_, int) and isinstance(single.converged_, bool)
    assert single.n_features_in_ == 4
    network = MLP((6, 5), max_iter=3).fit(X, y)
    assert [W.shape for W in network.coefs_] == [(4, 6), (6, 5), (5, 3)]
    assert [b.shape for b in network.intercepts_] == [(6,), (5,), (3,)]
    assert network.n_parameters_ == 4 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3
    no_hidden = MLP((), max_iter=3).fit(X, y)
    assert [W.shape for W in no_hidden.coefs_] == [(4, 3)]


def test_a_network_without_intercepts():
    X, y = binary_data()
    model = MLP((3,), "tanh", fit_intercept=False, max_iter=30).fit(X, y)
    assert all((np.asarray(b) == 0).all() for b in model.intercepts_)
    np.testing.assert_allclose(model.predict_proba(np.zeros((1, 4))), 0.5)


@pytest.mark.parametrize("data", [binary_data, multiclass_data])
@pytest.mark.parametrize(
    "model", [LR(), LR(C=1.0), MLP((3,), alpha=1.0, max_iter=5000)], ids=str
)
def test_a_climb_to_the_top_is_silent(model, data, capsys):
    X, y = data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = clone(model).fit(X, y)
    assert fitted.converged_
    assert capsys.readouterr().out == ""


@both
def test_representations(model):
    X, y = binary_data()
    name = type(model).__name__
    assert repr(model).startswith(name)
    assert name in model._repr_html_()
    assert name in clone(model).fit(X, y)._repr_html_()


@both
def test_fit_returns_self_and_refits_from_scratch(model):
    X, y = binary_data()
    fresh = clone(model)
    assert fresh.fit(X, y) is fresh
    expected = fresh.predict_proba(X)
    other, labels = multiclass_data(p=7)
    fresh.fit(other, labels)
    assert fresh.predict_proba(other).shape == (90, 3)
    np.testing.assert_array_equal(fresh.fit(X, y).predict_proba(X), expected)


def test_a_network_that_reaches_max_iter_says_so():
    X, y = binary_data()
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = MLP((3,), max_iter=2, random_state=0).fit(X, y)
    assert not model.converged_
    assert model.n_iter_ == 2


def test_a_fit_goes_on_from_one_of_its_own_shapes_alone():
    X, y = binary_data()
    model = MLP((3,), max_iter=2, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="The fit to go on from has weights of shapes"):
        model.set_params(hidden_layer_sizes=(4,)).fit(X, y)


def test_outputs_of_the_wrong_number_are_told():
    X, y = multiclass_data()
    both = np.column_stack([y, y > 0])
    with pytest.raises(ValueError, match="1 entries for 2 outputs"):
        LR(C=1.0, class_weight=["balanced"]).fit(X, both)
    with pytest.raises(ValueError, match="must be a dict, 'balanced' or None, got 3"):
        LR(C=1.0, class_weight=["balanced", 3]).fit(X, both)
    with pytest.raises(ValueError, match="but predictions have"):
        LR(C=1.0).fit(X, both).score(X, both[:, :1])


def test_outputs_of_several_kinds_and_sparse_ones_come_back():
    X, y = multiclass_data()
    mixed = np.column_stack([np.array(["a", "b"], object)[1 * (y > 0)], y])
    found = LR(C=1.0).fit(X, mixed).predict(X)
    assert {type(of) for of in found[:, 0]} == {str} and found.dtype == object
    assert set(found[:, 1]) <= set(y.tolist())
    indicators = np.column_stack([y > 0, y > 1]).astype(int)
    dense, thin = (
        LR(C=1.0).fit(X, of) for of in (indicators, sparse.csr_array(indicators))
    )
    np.testing.assert_array_equal(dense.coef_, thin.coef_)


def test_a_climb_that_nothing_raises_any_more_says_so():
    said = []
    for seed in range(4):  # of one of them rounding may meet even this tol
        X, y = make_classification(200, 5, flip_y=0.3, random_state=seed)
        model = LR(solver="gradient", tol=0, max_iter=10**5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        assert model.converged_ is not bool(caught)
        said += [str(warning.message) for warning in caught]
    assert said
    assert all("no step raises" in of and "Increase tol" in of for of in said)


@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
def test_networks_learn(solver):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 2))
    y = (np.hypot(*X.T) > 1.1).astype(int)  # a disc
    model = MLP(
        (16,), "tanh", solver=solver, learning_rate="auto", max_iter=400, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.9
    assert LR().fit(X, y).score(X, y) < 0.7


@pytest.mark.parametrize(
    "hidden",
    [(100,), *(pytest.param(s, marks=slow) for s in [(50, 50), (50, 50, 50)])],
    ids=str,
)
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_defaults_learn_what_no_line_can_tell(activation, hidden):
    rng = np.random.default_rng(0)
    disc = rng.standard_normal((400, 2))
    square = rng.uniform(-1, 1, (1000, 2))
    problems = [
        (disc, np.hypot(*disc.T) > 1.1),
        (square * [1e-3, 50.0] + [4.0, 0.0], square.prod(axis=1) > 0),
    ]
    for X, y in problems:
        for seed in range(2):
            model = MLP(hidden, activation, random_state=seed)
            # Three layers of logistic neurons, all alike, may stay so: where a penalty
            # holds them, and rows are few, it is chance whether they part.
            if activation != "logistic" or len(hidden) < 3 or len(y) > 400:
                assert model.fit(X, y).score(X, y) > 0.9
            assert model.set_params(alpha=0).fit(X, y).score(X, y) > 0.95


def test_a_falling_rate_goes_on_where_it_was():
    X, y = load_iris(return_X_y=True)
    whole = MLP((5,), batch_size=20, max_iter=10, random_state=0)
    halves = MLP((5,), batch_size=20, max_iter=5, random_state=0, warm_start=True)
    with pytest.warns(ConvergenceWarning):
        whole.fit(X, y)
        halves.fit(X, y).fit(X, y)
    np.testing.assert_allclose(whole.coefs_[0], halves.coefs_[0], rtol=1e-9)


def test_a_stream_by_newton_is_newtons_however_many_the_features():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 701)), np.arange(40) % 2
    streamed = LR(solver="newton", C=1.0).partial_fit(X, y, classes=[0, 1])
    with pytest.warns(ConvergenceWarning):
        three_steps = LR(solver="newton", C=1.0, max_iter=3).fit(X, y)
    np.testing.assert_allclose(streamed.coef_, three_steps.coef_, rtol=1e-6, atol=1e-9)


# --- scores of single outputs ---------------------------------------------------------


@both
@pytest.mark.parametrize("kind", [int, np.uint8, bool, str, object, float])
def test_a_score_is_scikit_learns_accuracy(model, kind):
    X, y = binary_data()
    labels = (
        np.array(["0", "1"])[y].astype(object) if kind is object else y.astype(kind)
    )
    fitted = clone(model).fit(X, labels)
    predicted = fitted.predict(X)
    weights = np.random.default_rng(0).random(len(y))
    for w in [None, weights, weights.astype(np.float32), weights.tolist(), -weights]:
        expected = accuracy_score(labels, predicted, sample_weight=w)
        assert fitted.score(X, labels, w) == expected
    assert fitted.score(X, labels.tolist()) == accuracy_score(labels, predicted)


@both
@pytest.mark.parametrize("words", [False, True])
def test_labels_that_fit_has_not_seen_are_wrong(model, words):
    X, y = binary_data()
    y = np.array(["a", "b", "other"])[y] if words else y
    fitted = clone(model).fit(X, y)
    given = fitted.predict(X).astype("U5" if words else int)
    assert fitted.score(X, given) == 1
    given[:15] = "other" if words else 7
    assert fitted.score(X, given) == 0.75


@both
def test_what_cannot_be_scored_is_told_as_scikit_learn_does(model):
    X, y = binary_data()
    fitted = clone(model).fit(X, y)
    for wrong, words in [
        (y[:-1], "inconsistent numbers of samples"),
        (y + 0.5, "mix of continuous"),
        (y.astype(str), "[Mm]ix of"),
        (np.c_[y, y], "mix of multilabel"),
    ]:
        with pytest.raises((ValueError, TypeError), match=words):
            fitted.score(X, wrong)
    for weights in [np.ones(59), np.ones((60, 2)), np.zeros(60)]:
        with pytest.raises(ValueError, match="weight"):
            fitted.score(X, y, weights)


# --- one sparse row -------------------------------------------------------------------


@both
@pytest.mark.parametrize("n_stored", [0, 1, 3])
def test_few_sparse_entries_are_predicted_as_dense_ones(model, n_stored):
    X, y = multiclass_data()
    fitted = clone(model).fit(X, y)
    rows = np.zeros((2, X.shape[1]))
    rows[1, : min(n_stored, X.shape[1])] = [1.0, -2.0, 3.0][:n_stored][: X.shape[1]]
    for make in [sparse.csr_array, sparse.csr_matrix]:
        np.testing.assert_allclose(
            fitted.predict_proba(make(rows)), fitted.predict_proba(rows), rtol=1e-12
        )


@both
@pytest.mark.parametrize("m", [2, 3, 4])
def test_numbers_of_columns_are_the_classes_of_a_stream_of_indicators(model, m):
    """As to MLPClassifier; labels of several outputs have a list of their classes."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((40, 3)), rng.integers(0, 2, (40, m))
    stream = clone(model).partial_fit(X, Y, classes=np.arange(m))
    assert stream.predict_proba(X).shape == (40, m)
    assert [classes.tolist() for classes in stream.classes_] == [[0, 1]] * m
    stream.partial_fit(X, Y, classes=range(m))
    labels = [np.arange(m)] * m
    probabilities = clone(model).partial_fit(X, Y, labels).predict_proba(X)
    if m > 2:
        assert [p.shape for p in probabilities] == [(40, m)] * m


@pytest.mark.parametrize("dtype, at_most", [(np.float64, 60), (np.float32, 25)])
def test_multilabel_log_odds_rank_as_the_probabilities(dtype, at_most):
    """As a check of scikit-learn's wants it, wherever a climb may end."""
    X = np.random.default_rng(0).uniform(-at_most, at_most, (400, 2)).astype(dtype)
    model = GradientAscentLogisticRegression().fit(X, (X > 0).astype(int))
    model.coef_, model.intercept_ = np.eye(2, dtype=dtype), np.zeros(2, dtype=dtype)
    probabilities, log_odds = model.predict_proba(X), model.decision_function(X)
    for p, z in zip(probabilities.T, log_odds.T):
        np.testing.assert_array_equal(rankdata(p), rankdata(z))
    near = X < 22 if dtype == np.float64 else X < 2
    np.testing.assert_allclose(log_odds[near], X[near], rtol=1e-6)


# --- weights that count against a label -----------------------------------------------


def signed_data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 3)), rng.integers(0, 3, 60), rng.standard_normal(60)


def test_a_negative_weight_steps_away_from_the_label():
    X, y, weights = signed_data()
    model = GradientAscentLogisticRegression(0.1)
    model.partial_fit(X, y, classes=[0, 1, 2], sample_weight=weights)
    residual = weights[:, None] * (np.eye(3)[y] - 1 / 3)
    size = abs(weights).sum()
    np.testing.assert_allclose(model.coef_, 0.1 * residual.T @ X / size, rtol=1e-12)
    np.testing.assert_allclose(model.intercept_, 0.1 * residual.sum(axis=0) / size)


def test_a_rate_that_is_too_large_for_weights_of_both_signs():
    X, y, weights = signed_data()
    weights[:50] = abs(weights[:50])
    X1 = np.column_stack([X, np.ones(len(X))])
    squares = X1.T @ (abs(weights)[:, None] * X1)
    safe = 8 * abs(weights).sum() / np.linalg.eigvalsh(squares)[-1]
    model = GradientAscentLogisticRegression(1e3)
    with pytest.warns(
        ConvergenceWarning, match=f"is {np.floor(1e3 * safe) / 1e3:.3f} "
    ):
        for _ in range(3):
            model.partial_fit(X, y % 2, classes=[0, 1], sample_weight=weights)


@pytest.mark.parametrize("parameters", [{}, {"solver": "gradient"}, {"batch_size": 7}])
def test_a_network_learns_from_weights_of_both_signs(parameters):
    X, y, weights = signed_data()
    model = SimpleMLPClassifier((4,), random_state=0, **parameters)
    given = {"classes": [0, 1, 2], "sample_weight": weights}
    first = model.partial_fit(X, y, **given).log_likelihood_
    for _ in range(20):
        model.partial_fit(X, y, **given)
    assert model.log_likelihood_ > first
    of_signs = [
        model.log_likelihood(X[chosen], y[chosen], abs(weights[chosen]))
        for chosen in (weights > 0, weights < 0)
    ]
    assert model.log_likelihood_ == pytest.approx(of_signs[0] - of_signs[1])


@pytest.mark.parametrize(
    "learn",
    [
        GradientAscentLogisticRegression(0.1).fit,
        GradientAscentLogisticRegression().partial_fit,
        SimpleMLPClassifier().fit,
    ],
)
def test_where_a_top_is_looked_for_no_weight_is_negative(learn):
    X, y, weights = signed_data()
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_w"):
        learn(X, y, sample_weight=weights)
