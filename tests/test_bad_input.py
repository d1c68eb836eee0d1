"""Bad input gets an error that names what is wrong; a failed fit changes nothing."""

import copy
import re

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from reference import binary_data, multiclass_data
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
BOTH = [LR(), MLP((5,), max_iter=10, random_state=0)]
both = pytest.mark.parametrize("model", BOTH, ids=["LR", "MLP"])

# --- parameters -----------------------------------------------------------------------

SHARED_WRONG = {
    "learning_rate": [0, -0.1, "fast", "adaptive", None, np.nan, np.inf, [0.1]],
    "solver": ["sag", "sgd", None, 1],
    "max_iter": [-1, 1.5, "many", None],
    "tol": [-1e-3, "small", None, np.nan],
    "fit_intercept": ["yes", 2, None],
    "class_weight": ["auto", 3, 0.5],
    "warm_start": ["yes", None],
    "random_state": ["seed", -1, 1.5],
    "verbose": [-1, "loud", None],
}
LR_WRONG = SHARED_WRONG | {
    "C": [0, -1.0, "big", None, np.nan],
    "reduction": ["median", None, 1],
    "batch_size": [0, -5, 1.5, "full"],
}
MLP_WRONG = SHARED_WRONG | {
    "hidden_layer_sizes": [
        0,
        -3,
        (0,),
        (5, -1),
        (2.5,),
        "5",
        None,
        (5, "a"),
        ((5,), 2),
    ],
    "activation": ["sigmoid", "softmax", None],
    "alpha": [-1e-3, "a little", None, np.nan],
    "batch_size": [0, -5, 1.5, "full"],
    "n_iter_no_change": [0, -1, 2.5, None],
    "momentum": [-0.1, 1.5, "heavy", None],
    "shuffle": ["yes", None],
    "early_stopping": ["yes", None],
    "validation_fraction": [0, 0.0, 1.0, 1.5, -0.1, "some"],
}
WRONG = [
    pytest.param(
        estimator, name, value, id=f"{estimator.__name__[:6]}-{name}-{value!r}"
    )
    for estimator, table in [(LR, LR_WRONG), (MLP, MLP_WRONG)]
    for name, values in table.items()
    for value in values
]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("estimator", "name", "value"), WRONG)
def test_wrong_parameters_are_named(estimator, name, value, method):
    X, y = binary_data()
    if (method, name) == ("partial_fit", "early_stopping"):
        method = "fit"  # with early stopping of any kind there is no partial_fit
    model = estimator(**{name: value})
    arguments = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=re.escape(name)) as caught:
        getattr(model, method)(X, y, **arguments)
    if not isinstance(value, tuple):
        assert isinstance(caught.value, InvalidParameterError)
    assert not hasattr(model, "classes_")


BROUGHT_ALONG = {
    "learning_rate_init": "Use learning_rate",
    "eta0": "Use learning_rate",
    "n_jobs": "OMP_NUM_THREADS",
    "l1_ratio": "C of .*alpha of",
    "epochs": "Use max_iter",
    "loss": "always the log-likelihood",
    "multi_class": "OneVsRestClassifier",
}


@both
@pytest.mark.parametrize("name", BROUGHT_ALONG)
def test_parameters_of_other_libraries_get_what_to_use(model, name):
    words = f"'{name}'.*{BROUGHT_ALONG[name]}"
    with pytest.raises(TypeError, match=f"unexpected keyword argument {words}"):
        type(model)(**{name: 1})
    with pytest.raises(ValueError, match=f"Invalid parameter {words}"):
        clone(model).set_params(**{name: 1})
    with pytest.raises(ValueError, match=f"Invalid parameter {words}"):
        GridSearchCV(model, {name: [1]}, error_score="raise").fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "name"), [(MLP, "penalty"), (MLP, "C"), (LR, "alpha")]
)
def test_the_penalty_has_a_name_in_each(estimator, name):
    with pytest.raises(TypeError, match=f"keyword argument '{name}'.*C of .*alpha of"):
        estimator(**{name: 0.1})


def test_a_penalty_by_its_name_is_c():
    with pytest.raises((TypeError, ValueError), match="use C of"):
        LR(penalty="l2").fit(X, Y)


def test_parameters_that_nobody_has_are_pythons():
    with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
        LR(depth=3)


def test_a_subclass_may_have_what_the_estimator_has_not():
    class Threaded(LR):
        def __init__(self, n_jobs=None, C=1.0):
            super().__init__(C=C)
            self.n_jobs = n_jobs

    assert clone(Threaded(n_jobs=2)).set_params(n_jobs=3).n_jobs == 3
    assert Threaded(n_jobs=2).fit(X, Y).score(X, Y) > 0.5


@pytest.mark.parametrize(
    ("model", "use"),
    [
        (LR(solver="sgd"), "solver='gradient'.*batch_size"),
        (MLP(solver="sgd"), "solver='gradient'"),
        (LR(solver="saga"), "solver='gradient'"),
        (LR(solver="liblinear"), "solver='auto'"),
        (LR(solver="newton-cg"), "'newton'"),
        (LR(solver="adam"), "SimpleMLPClassifier"),
        (MLP(solver="newton"), "solver='adam', or 'lbfgs'"),
        (LR("adaptive"), "learning_rate='auto', or a number"),
        (MLP(learning_rate="constant"), "learning_rate='auto', or a number"),
        (MLP(learning_rate=None), "learning_rate='auto', or a number"),
        (MLP(activation="sigmoid"), "activation='logistic'"),
        (MLP(activation="linear"), "activation='identity'"),
        (LR(C=None), "C=np.inf"),
        (LR(C=0), "C=np.inf"),
        (MLP(alpha=None), "alpha=0"),
        (LR(batch_size="auto"), "batch_size=None"),
        (MLP(batch_size=None), "batch_size='auto'"),
        (MLP(None), r"hidden_layer_sizes=\(\)"),
        (LR(class_weight="auto"), "class_weight='balanced'"),
        (LR(tol=None), "tol=0"),
    ],
    ids=str,
)
def test_values_of_other_libraries_get_what_to_use(model, use):
    with pytest.raises(InvalidParameterError, match=rf"Got .* instead\..*{use}"):
        model.fit(X, Y)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_mini_batches_need_gradient(solver):
    X, y = binary_data()
    with pytest.raises(ValueError, match="batch_size"):
        LR(solver=solver, batch_size=8).fit(X, y)


@both
@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({0: 1.0, 1: -1.0}, "class_weight"),
        ({"a": 1.0, "b": 2.0}, "class_weight"),
        ({0: 1.0, 2: 1.0}, "not have, .2., and not all that it has: .0, 1."),
        ({0: np.nan, 1: 1.0}, "class_weight"),
        ({0: 0.0, 1: 0.0}, "weight"),
    ],
    ids=str,
)
def test_wrong_class_weights_are_named(model, weights, words):
    X, y = binary_data()
    with pytest.raises(ValueError, match=words):
        clone(model).set_params(class_weight=weights).fit(X, y)


def test_an_array_without_axes_is_no_sequence_of_layers():
    with pytest.raises(ValueError, match=r"hidden_layer_sizes must be .*array\(5\)"):
        MLP(np.array(5)).fit(X, Y)


def test_a_validation_set_needs_rows():
    X, y = np.eye(3), np.array([0, 1, 1])
    model = MLP((3,), early_stopping=True, validation_fraction=0.01)
    with pytest.raises(ValueError, match=r"early_stopping.*validation_fraction"):
        model.fit(X, y)


# --- X, y and weights -----------------------------------------------------------------


def with_value(array, value, at=3):
    array = np.array(array, dtype=float)
    array.flat[at] = value
    return array


X, Y = binary_data()
N = len(Y)
ONES = np.ones(N)
BAD_FITS = {
    "NaN in X": ((with_value(X, np.nan), Y), "X.*NaN"),
    "inf in X": ((with_value(X, np.inf), Y), "X.*infinity"),
    "NaN in sparse X": ((sp.csr_array(with_value(X, np.nan)), Y), "X.*NaN"),
    "1-d X": ((X[:, 0], Y), "2D array"),
    "3-d X": ((X[:, :, None], Y), "dim 3"),
    "no X": ((None, Y), "2D array"),
    "no rows": ((X[:0], Y[:0]), "0 sample"),
    "no columns": ((X[:, :0], Y), "0 feature"),
    "words in X": ((np.full(X.shape, "word"), Y), "string|numeric"),
    "complex X": ((X + 1j, Y), "Complex"),
    "no y": ((X, None), "y"),
    "y too short": ((X, Y[:-1]), "inconsistent numbers of samples"),
    "y too long": ((X, np.r_[Y, 0]), "inconsistent numbers of samples"),
    "NaN in y": ((X, with_value(Y, np.nan)), "y.*NaN"),
    "inf in y": ((X, with_value(Y, np.inf)), "y.*infinity"),
    "continuous y": ((X, X[:, 0]), "(?i)continuous|unknown label type"),
    "3-d y": ((X, np.zeros((N, 2, 2))), "(?i)y|label|dim"),
    "continuous columns in y": ((X, X[:, :2]), "(?i)continuous|unknown label type"),
    "one class": ((X, np.zeros(N, dtype=int)), "class"),
    "one word": ((X, np.full(N, "yes")), "class"),
    "short weights": ((X, Y, ONES[:-1]), "sample_weight"),
    "2-d weights": ((X, Y, np.ones((N, 2))), "(?i)sample.weight"),
    "NaN in weights": ((X, Y, with_value(ONES, np.nan)), "sample_weight.*NaN"),
    "inf in weights": ((X, Y, with_value(ONES, np.inf)), "sample_weight.*infinity"),
    "huge weights": ((X, Y, 1e308 * ONES), "sample_weight.*largest float64"),
    "weights huge beside X": ((X.astype("f"), Y, 1e40 * ONES), "weight.*float32"),
    "negative weights": ((X, Y, with_value(ONES, -1)), "(?i)negative.*weight"),
    "zero weights": ((X, Y, 0 * ONES), "(?i)weight.*zero"),
    "words as weights": ((X, Y, ["a"] * N), "(?i)weight|string"),
}
# A batch of a stream may hold one class, or nothing of weight; and a step may lead away
# from a label.
FINE_BATCHES = {"one class", "one word", "zero weights", "negative weights"}
BAD_BATCHES = [name for name in BAD_FITS if name not in FINE_BATCHES]
BAD_CALLS = [("fit", name) for name in BAD_FITS]
BAD_CALLS += [("partial_fit", name) for name in BAD_BATCHES]


@both
@pytest.mark.parametrize("name", BAD_FITS)
def test_bad_input_to_fit_is_named(model, name):
    arguments, words = BAD_FITS[name]
    fresh = clone(model)
    with pytest.raises((ValueError, TypeError), match=words):
        fresh.fit(*arguments)
    assert not [name for name in vars(fresh) if name.endswith("_")]


@pytest.mark.parametrize(
    "model", [*BOTH, LR(0.1), LR(batch_size=9), MLP((5,), solver="lbfgs")], ids=str
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_told_where_nobody_looks(model, value):
    fitted = clone(model).fit(X, Y)
    with config_context(assume_finite=True):
        check_unchanged(fitted, lambda fitted: fitted.fit(with_value(X, value), Y))
        with pytest.raises(ValueError, match="X holds NaN or infinity"):
            clone(model).fit(with_value(X, value), Y)


@both
@pytest.mark.parametrize("dtype", ["object", "string", "category", "Int64"])
def test_labels_that_are_missing_are_named(model, dtype):
    labels = Y if dtype == "Int64" else np.array(["no", "yes"])[Y]
    labels = pd.Series(labels, dtype=dtype)
    labels[3] = pd.NA
    fitted = clone(model).fit(X, Y)
    for call in (clone(model).fit, fitted.log_likelihood):
        with pytest.raises(ValueError, match="NaN"):
            call(X, labels)


@both
@pytest.mark.parametrize("name", BAD_BATCHES)
def test_bad_input_to_partial_fit_is_named(model, name):
    (bad_X, bad_y, *weights), words = BAD_FITS[name]
    with pytest.raises((ValueError, TypeError), match=words):
        clone(model).partial_fit(bad_X, bad_y, [0, 1], *weights)


@both
def test_partial_fit_needs_classes_first(model):
    fresh = clone(model)
    with pytest.raises(ValueError, match="classes"):
        fresh.partial_fit(X, Y)
    fresh.partial_fit(X, Y, classes=[0, 1]).partial_fit(X, Y)


@both
def test_partial_fit_with_labels_outside_of_classes(model):
    fresh = clone(model)
    with pytest.raises(ValueError, match=r"classes|label"):
        fresh.partial_fit(X, Y + 1, classes=[0, 1])
    fresh.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="3"):
        fresh.partial_fit(X, np.where(Y == 1, 3, 0))


@both
def test_partial_fit_with_other_classes_than_before(model):
    fresh = clone(model).partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="classes"):
        fresh.partial_fit(X, Y, classes=[0, 1, 2])


@both
def test_partial_fit_with_one_class(model):
    with pytest.raises(ValueError, match="class"):
        clone(model).partial_fit(X, np.zeros(N, int), classes=[0])


@both
def test_partial_fit_with_no_classes_for_several_outputs(model):
    X, y = np.eye(4), np.array([[0, 1], [1, 0], [0, 0], [1, 1]])
    with pytest.raises(ValueError, match="classes has 0 entries for the 2 columns"):
        clone(model).partial_fit(X, y, classes=[])


@both
def test_partial_fit_with_other_features_than_before(model):
    fresh = clone(model).partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="features"):
        fresh.partial_fit(X[:, :2], Y)


def test_partial_fit_cannot_stop_early():
    with pytest.raises((ValueError, AttributeError)) as caught:
        MLP((3,), early_stopping=True).partial_fit(X, Y, classes=[0, 1])
    assert "early_stopping" in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("model", [LR(solver="lbfgs"), MLP((3,), solver="lbfgs")])
def test_partial_fit_is_not_for_lbfgs(model):
    with pytest.raises((ValueError, AttributeError)) as caught:
        model.partial_fit(X, Y, classes=[0, 1])
    assert "lbfgs" in f"{caught.value} {caught.value.__cause__}"


PREDICTIONS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@both
@pytest.mark.parametrize("method", PREDICTIONS)
def test_predictions_need_a_fit(model, method):
    with pytest.raises(NotFittedError, match=type(model).__name__):
        getattr(clone(model), method)(X)


@both
def test_scores_need_a_fit(model):
    with pytest.raises(NotFittedError):
        clone(model).score(X, Y)
    with pytest.raises(NotFittedError):
        clone(model).log_likelihood(X, Y)


@both
@pytest.mark.parametrize("method", PREDICTIONS)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (X[:, :3], "3 features.*expecting 4"),
        (np.c_[X, X], "8 features.*expecting 4"),
        (sp.csr_array(X[:, :3]), "3 features.*expecting 4"),
        (with_value(X, np.nan), "NaN"),
        (with_value(X, -np.inf), "infinity"),
        (X[0], "2D array"),
    ],
    ids=["few", "many", "sparse", "NaN", "inf", "1-d"],
)
def test_bad_input_to_predictions_is_named(model, method, bad, words):
    fitted = clone(model).fit(X, Y)
    with pytest.raises(ValueError, match=words):
        getattr(fitted, method)(bad)


@both
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((X, Y[:-1]), "inconsistent"),
        ((X, Y + 5), "label|class"),
        ((X, np.array(["no", "yes"])[Y]), "label|class"),
        ((X, Y, -ONES), "(?i)negative.*weight"),
        ((X, Y, ONES[:-1]), "sample_weight"),
        ((X, np.c_[Y, Y]), "y|output"),
        ((X[:, :2], Y), "features"),
        ((X, with_value(Y, np.nan)), "NaN"),
    ],
)
def test_bad_input_to_log_likelihood_is_named(model, arguments, words):
    fitted = clone(model).fit(X, Y)
    with pytest.raises(ValueError, match=words):
        fitted.log_likelihood(*arguments)


# --- a failed refit -------------------------------------------------------------------


class Boom:
    """A callback that fails in the middle of the climb."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        raise RuntimeError("boom")


def state(model):
    hidden = {"_skl_callbacks"}
    return {k: joblib.hash(v) for k, v in vars(model).items() if k not in hidden}


def check_unchanged(fitted, refit, error=(ValueError, TypeError), rows=X):
    before = state(fitted)
    attributes = copy.deepcopy(
        {name: value for name, value in vars(fitted).items() if name.endswith("_")}
    )
    expected = fitted.predict_proba(rows)
    with pytest.raises(error):
        refit(fitted)
    assert state(fitted) == before
    assert set(attributes) <= set(vars(fitted))
    np.testing.assert_array_equal(fitted.predict_proba(rows), expected)


@both
@pytest.mark.parametrize(("method", "name"), BAD_CALLS)
def test_a_fit_that_fails_leaves_the_old_one(model, method, name):
    bad_X, bad_y, *weights = BAD_FITS[name][0]
    weights = weights[0] if weights else None
    check_unchanged(
        clone(model).fit(X, Y),
        lambda fitted: getattr(fitted, method)(bad_X, bad_y, sample_weight=weights),
    )


@both
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_fit_on_one_class_leaves_the_old_one(model, warm_start):
    check_unchanged(
        clone(model).set_params(warm_start=warm_start).fit(X, Y),
        lambda fitted: fitted.fit(*BAD_FITS["one class"][0]),
    )


@both
@pytest.mark.parametrize(
    ("bad_X", "bad_y"),
    [
        (pd.DataFrame(X[:, :2], columns=["c", "d"]), np.zeros(N)),
        (pd.DataFrame(with_value(X, np.nan), columns=list("efgh")), Y),
        (X[:, :3], Y[:-1]),
        (with_value(X[:, :3], np.nan), Y),
    ],
)
def test_a_fit_that_fails_leaves_the_names_of_the_frame(model, bad_X, bad_y):
    table = pd.DataFrame(X, columns=list("abcd"))
    fitted = clone(model).fit(table, Y)
    check_unchanged(fitted, lambda fitted: fitted.fit(bad_X, bad_y), rows=table)
    assert list(fitted.feature_names_in_) == list("abcd")
    assert fitted.n_features_in_ == 4


@both
def test_a_wrong_parameter_leaves_the_old_fit(model):
    fitted = clone(model).fit(X, Y).set_params(tol=-1)
    check_unchanged(fitted, lambda fitted: fitted.fit(X, Y))
    fitted.set_params(tol=1e-3, learning_rate=0.1, solver="lbfgs")
    check_unchanged(fitted, lambda fitted: fitted.fit(X, Y))


@both
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_failing_callback_leaves_the_old_fit(model, warm_start):
    fitted = clone(model).set_params(warm_start=warm_start).fit(X, Y)
    fitted.set_callbacks(Boom())
    other, labels = multiclass_data()
    if warm_start:
        other, labels = X[::-1], Y
    check_unchanged(fitted, lambda fitted: fitted.fit(other, labels), RuntimeError)


@both
def test_a_first_fit_that_fails_leaves_nothing(model):
    fresh = clone(model)
    with pytest.raises(ValueError, match="class"):
        fresh.fit(X, np.zeros(N, dtype=int))
    assert vars(fresh) == vars(clone(model))
    with pytest.raises(NotFittedError):
        fresh.predict(X)
