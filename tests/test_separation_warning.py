"""A fit to classes that separate says so, once, and names what separates them."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning

import skneuron._separation.endless
import skneuron.logistic_regression
from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.exceptions import SeparationWarning
from skneuron.inference import mle_summary, separation

SOLVERS = ["auto", "gradient", "lbfgs", "newton"]
every_solver = pytest.mark.parametrize("solver", SOLVERS)


def warning_of(X, y, sample_weight=None, **parameters):
    """What the SeparationWarning of a fit says; None: there is no warning at all."""
    clf = GradientAscentLogisticRegression(**parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf.fit(X, y, sample_weight)
        clf.predict_proba(X)
    assert np.isfinite(clf.coef_).all() and np.isfinite(clf.intercept_).all()
    if not caught:
        return None
    (warning,) = caught
    assert warning.category is SeparationWarning
    assert warning.filename == __file__
    return str(warning.message)


def named(message):
    """The features that a message names, in their order."""
    return re.findall(r"'(\w+)'", message)


def ordinary(n=400, n_features=4, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features))
    z = X @ rng.normal(size=(n_features, n_classes))
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def with_dummy(column=2, **keywords):
    """Ordinary data, but for a feature that is 1 for some of the last class only."""
    X, y = ordinary(**keywords)
    X[:, column] = (y == y.max()) & (np.arange(len(y)) % 5 == 0)
    return X, y


def complete(n=300, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features))
    y = (X @ rng.normal(size=n_features) > 0.2).astype(int)
    return X, y


# --- what is said ---------------------------------------------------------------------


@every_solver
def test_complete_separation(solver):
    X, y = complete()
    message = warning_of(X, y, solver=solver)
    assert "separate completely along a weighted sum of" in message
    assert sorted(named(message)) == ["x0", "x1", "x2", "x3", "x4"]
    assert "maximum likelihood estimate does not exist" in message
    assert "Set a finite C" in message and "leave out" in message
    assert separation(X, y).kind == "complete"


@every_solver
def test_quasi_complete_separation_by_a_category_of_one_class(solver):
    X, y = with_dummy()
    message = warning_of(X, y, solver=solver, max_iter=200)
    assert "separate quasi-completely along 'x2' alone" in message
    assert named(message) == ["x2"]


@pytest.mark.parametrize("seed", [0, 2, 3, 4])
def test_a_category_that_is_certain_beyond_the_float_type(seed):
    """By a long step that an absurd value allows: no slope is left, nor a curvature."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.arange(30) < 3, rng.normal(size=30)]).astype(float)
    y = (X[:, 1] + rng.logistic(size=30) > 0).astype(int)
    y[:3], X[5, 1], y[5] = 0, -1e7, 0
    assert "quasi-completely along 'x0' alone" in warning_of(X, y)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
def test_what_ended_the_climb_is_named(solver):
    X, y = with_dummy()
    assert "tol=1e-05" in warning_of(X, y, solver=solver, tol=1e-5)
    X, y = complete()
    assert "max_iter=20 " in warning_of(X, y, solver=solver, max_iter=20, tol=0)


def test_one_feature_that_tells_all():
    X, y = ordinary()
    X[:, 1] = 2.0 * y + 0.1 * np.sin(X[:, 1])
    assert "completely along 'x1' alone" in warning_of(X, y)
    X[:, 3] = -X[:, 1]
    assert "completely along each of 'x1' and 'x3' alone" in warning_of(X, y)


def test_features_that_separate_in_their_own_ways():
    X, y = complete()
    X = np.column_stack([X, (y == 1) & (X[:, 1] > 1)])
    message = warning_of(X, y)
    assert "separate completely along a weighted sum of" in message
    assert "(and quasi-completely along 'x5' alone)" in message


@every_solver
def test_features_that_separate_together_only(solver):
    # 'x0' - 'x1' is never negative, and positive for class 1 alone
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 4)), rng.integers(0, 2, 500)
    X[:, 1] = rng.integers(0, 2, 500)
    X[:, 0] = X[:, 1] + ((y == 1) & (rng.random(500) < 0.2))
    message = warning_of(X, y, solver=solver)
    assert "separate quasi-completely along a weighted sum of 'x" in message
    assert sorted(named(message)) == ["x0", "x1"]


def test_names_are_those_of_the_features():
    pd = pytest.importorskip("pandas")
    X, y = with_dummy()
    frame = pd.DataFrame(X, columns=["age", "dose", "rare", "weight"])
    assert named(warning_of(frame, y)) == ["rare"]
    frame.columns = [0, 1, 2, 3]
    assert named(warning_of(frame, y)) == ["x2"]


def test_ten_names_are_enough():
    X, y = ordinary(n=600)
    dummies = [(y == 1) & (np.arange(600) % 40 == k) for k in range(14)]
    message = warning_of(np.column_stack([X, *dummies]), y)
    kept = [d for d in dummies if d.any()]
    assert len(named(message)) == 10
    assert f"and {len(kept) - 10} more alone" in message


def test_the_heaviest_are_named_first():
    X, y = complete(n_features=30)
    message = warning_of(X, y)
    assert len(named(message)) == 10
    assert re.search("and (19|20) more", message)


def test_a_feature_that_decides_is_named_first():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 12))
    y = (10 * X[:, 7] + X[:, 3] > 0).astype(int)
    assert named(warning_of(1e-4 ** np.arange(12) * X, y))[0] == "x7"


# --- kinds of targets -----------------------------------------------------------------


@every_solver
def test_one_class_of_several(solver):
    X, y = load_iris(return_X_y=True)  # setosa apart; the others overlap
    message = warning_of(X, y, solver=solver)
    assert "quasi-completely along each of 'x2' and 'x3' alone" in message
    X, y = with_dummy(n_classes=4)
    assert "'x2' alone" in warning_of(X, y, solver=solver, max_iter=200)


def test_several_classes_that_are_apart():
    X, y = ordinary(n_classes=3)
    corners = 4 * np.eye(3)[y] + 0.1 * X[:, :3]
    assert "completely along a weighted sum of" in warning_of(corners, y)
    line = y[:, None] + 0.1 * np.tanh(X[:, :1])
    assert "completely along 'x0' alone" in warning_of(line, y)


@every_solver
def test_multilabel_outputs_are_named(solver):
    X, y = with_dummy(n=600)
    rng = np.random.default_rng(1)
    other = rng.integers(0, 2, len(y))
    message = warning_of(X, np.column_stack([other, y]), solver=solver)
    assert "in column 1 of y quasi-completely along 'x2' alone." in message
    assert "column 0" not in message
    both = np.column_stack([y, other, X[:, 0] > 0])
    message = warning_of(X, both, solver=solver)
    assert "in column 0 of y quasi-completely along 'x2' alone; " in message
    assert "in column 2 of y completely along 'x0' alone." in message
    assert "column 1" not in message


def test_multiclass_outputs_are_named():
    X, y = with_dummy(n_classes=3, n=600)
    other = np.random.default_rng(1).integers(5, 8, len(y))
    labels = np.column_stack([other, y])
    assert "in column 1 of y quasi-completely along 'x2'" in warning_of(X, labels)
    assert warning_of(X, labels[:, :1].ravel()) is None


def test_ten_outputs_are_enough():
    X, _ = ordinary()
    outputs = X[:, :1] > np.linspace(-1, 1, 14)
    message = warning_of(X, outputs)
    assert message.count("in column") == 10 and "and in 4 more columns" in message


def test_an_output_of_one_class():
    X, y = ordinary()
    message = warning_of(X, np.column_stack([y, np.zeros_like(y)]))
    assert "in column 1 of y no sample that counts is of class 1." in message
    assert "Leave out classes and outputs" in message and "finite C" not in message
    assert "separation(X, y)" not in message  # which takes no y of one class
    message = warning_of(X, np.column_stack([X[:, 1] > 0, np.zeros_like(y)]))
    assert "in column 0 of y completely along 'x1' alone; in column 1" in message
    assert "Set a finite C" in message and "leave out classes" in message


def test_string_labels():
    X, y = with_dummy()
    assert named(warning_of(X, np.array(["no", "yes"])[y])) == ["x2"]


# --- kinds of data --------------------------------------------------------------------


@every_solver
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix, np.float32])
def test_sparse_and_float32(solver, make):
    X, y = with_dummy()
    assert "along 'x2' alone" in warning_of(make(X), y, solver=solver)
    X, y = complete()
    assert "separate completely" in warning_of(make(X), y, solver=solver)
    X, y = ordinary()
    assert warning_of(make(X), y, solver=solver) is None


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_of_no_weight_do_not_count(n_classes):
    X, y = with_dummy(n_classes=n_classes)
    X[:5, 2], y[:5] = 1.0, np.arange(5) % (n_classes - 1)  # of all classes,
    assert warning_of(X, y) is None
    weights = np.ones(len(y))
    weights[:5] = 0  # but for these
    assert "along 'x2' alone" in warning_of(X, y, weights)
    weights[:5] = 1e-3
    assert warning_of(X, y, weights) is None


def test_weights_do_not_separate():
    X, y = ordinary()
    weights = np.random.default_rng(0).lognormal(sigma=3, size=len(y))
    assert warning_of(X, y, weights) is None
    assert warning_of(X, y, 1e-9 * weights, tol=1e-8) is None
    X, y = complete()
    assert "completely" in warning_of(X, y, 1e9 * weights[: len(y)])


def test_class_weights():
    X, y = with_dummy(n_classes=3)
    assert "along 'x2' alone" in warning_of(X, y, class_weight="balanced")
    without_last = warning_of(X, y, class_weight={2: 0.0})
    assert "no sample that counts is of class 2" in without_last
    labels = np.column_stack([y, ordinary()[1]])
    message = warning_of(X, labels, class_weight=[{0: 2.0}, {1: 0.0}])
    assert "in column 0 of y quasi-completely along 'x2' alone" in message
    assert "in column 1 of y no sample that counts is of class 1" in message


def test_through_the_origin():
    X, y = ordinary()
    X[:, 0] = np.abs(X[:, 0]) * np.where(y == 1, 1, -1)
    assert "completely along 'x0' alone" in warning_of(X, y, fit_intercept=False)
    X[:, 0] += 5  # now only with an intercept
    assert warning_of(X, y, fit_intercept=False) is None
    assert "quasi-completely" not in warning_of(X, y)
    dummy, y = with_dummy()
    assert named(warning_of(dummy, y, fit_intercept=False)) == ["x2"]


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scales_and_offsets(scale, offset):
    X, y = with_dummy()
    assert "along 'x2' alone" in warning_of(scale * (X + offset), y)
    X, y = complete()
    assert "separate completely" in warning_of(scale * (X + offset), y)
    X, y = ordinary()
    assert warning_of(scale * (X + offset), y) is None


@pytest.mark.parametrize("size", [1e-250, 1e250])
def test_numbers_that_have_no_squares(size):
    for make in [with_dummy, complete, ordinary]:
        X, y = make()
        assert (warning_of(size * X, y) is None) == (make is ordinary)
    X, y = with_dummy()
    assert named(warning_of(size * X, y)) == ["x2"]


def test_more_features_than_samples():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 800)), rng.integers(0, 2, 40)
    assert "separate completely" in warning_of(X, y)


# --- when -----------------------------------------------------------------------------


def test_a_penalty_is_a_maximum():
    X, y = complete()
    assert warning_of(X, y, C=1e6) is None


def test_networks_do_not_warn():
    X, y = complete()
    for hidden in [(), (5,)]:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SeparationWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            SimpleMLPClassifier(hidden, solver="lbfgs", random_state=0).fit(X, y)


def test_streams_do_not_warn():
    X, y = complete()
    clf = GradientAscentLogisticRegression()
    for _ in range(20):
        clf.partial_fit(X, y, classes=[0, 1])


def test_a_climb_that_is_stopped_or_overshoots_says_that():
    X, y = complete()
    with pytest.warns(ConvergenceWarning, match="fell: learning_rate") as caught:
        GradientAscentLogisticRegression(1e4, max_iter=20).fit(100 * X[:, :1], y)
    assert len(caught) == 1


@pytest.mark.parametrize("batch_size", [None, 50])
def test_the_lectures_steps_warn_where_they_have_separated_the_classes(batch_size):
    X = np.repeat([[-2.0], [2.0]], 10, axis=0)
    y = np.repeat([0, 1], 10)
    rate = {"learning_rate": 1.0, "batch_size": batch_size, "random_state": 0}
    assert "along 'x0' alone" in warning_of(X, y, max_iter=100, **rate)
    assert "tol=0.001" in warning_of(X, y, tol=1e-3, **rate)
    with pytest.warns(ConvergenceWarning, match="max_iter=2 before") as caught:
        GradientAscentLogisticRegression(max_iter=2, **rate).fit(X, y)
    assert [warning.category for warning in caught] == [ConvergenceWarning]


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
def test_a_climb_cut_short_is_not_an_alarm(solver):
    X, y = ordinary()
    for max_iter in [1, 2, 3]:
        with pytest.warns(ConvergenceWarning, match="max_iter") as caught:
            GradientAscentLogisticRegression(solver=solver, max_iter=max_iter).fit(X, y)
        assert [warning.category for warning in caught] == [ConvergenceWarning]


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
@pytest.mark.parametrize("make", [with_dummy, complete])
def test_warm_starts_warn_again(solver, make):
    X, y = make()
    clf = GradientAscentLogisticRegression(solver=solver, warm_start=True)
    for _ in range(3):
        with pytest.warns(SeparationWarning):
            clf.fit(X, y)
    X, y = ordinary()
    clf = clone(clf)
    for _ in range(3):
        clf.fit(X, y)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
def test_a_warm_start_is_as_if_there_had_been_no_question(solver):
    X, y = with_dummy()
    whole = GradientAscentLogisticRegression(solver=solver, max_iter=8)
    parts = clone(whole).set_params(max_iter=4, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole.fit(X, y)
        parts.fit(X, y).fit(X, y)
    # A climb that goes on starts from its parameters, which have been rounded.
    np.testing.assert_allclose(whole.coef_, parts.coef_, rtol=1e-9, atol=1e-11)


# --- no false alarm -------------------------------------------------------------------


def nearly_separated():
    """Complete but for one row, in the middle of the other class."""
    X, y = complete()
    middle = np.argmin(np.linalg.norm(X - X[y == 1].mean(axis=0), axis=1))
    y[middle] = 0
    return X, y


def ill_conditioned():
    rng = np.random.default_rng(0)
    year = rng.uniform(1900, 2020, 1000)
    y = rng.logistic(size=1000) < (year - 1960) / 30
    return np.column_stack([year, year**2, year**3, year**4]), y


def collinear():
    X, y = ordinary()
    return np.column_stack([X, X[:, 0] + X[:, 1], 2 * X[:, 2] + 1e-7]), y


def one_hot():
    rng = np.random.default_rng(0)
    X = np.hstack([np.eye(k)[rng.integers(0, k, 2000)] for k in (3, 5, 9)])
    return X, rng.integers(0, 2, 2000)


def heavy_tails():
    X, y = ordinary(n=3000)
    return np.exp(3 * X), y


def absurd_value():
    X, y = ordinary()
    X[0, 0] = 1e15
    return X, y


def rare_but_mixed():
    X, y = ordinary(n=5000)
    X[:, 0] = 0
    X[np.flatnonzero(y == 0)[:2], 0] = X[np.flatnonzero(y == 1)[:1], 0] = 1
    return X, y


def wide():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3000, 300)), rng.integers(0, 2, 3000)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton"])
@pytest.mark.parametrize(
    "make",
    [
        ordinary,
        nearly_separated,
        ill_conditioned,
        collinear,
        one_hot,
        heavy_tails,
        absurd_value,
        rare_but_mixed,
        wide,
    ],
)
@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-8])
def test_no_false_alarm(make, solver, tol):
    X, y = make()
    clf = GradientAscentLogisticRegression(solver=solver, tol=tol, max_iter=10_000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf.fit(X, y)
    # L-BFGS may end on a ridge, or in rounding, and say so.
    given_up = solver == "lbfgs" and make in (ill_conditioned, absurd_value)
    allowed = [ConvergenceWarning] if given_up else []
    assert all(warning.category in allowed for warning in caught)


def test_breast_cancer_overlaps_in_few_features_and_not_in_all():
    X, y = load_breast_cancer(return_X_y=True)
    assert warning_of(X[:, :8], y) is None
    assert "separate completely" in warning_of(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_ordinary_fit_is_not_looked_at_closely(monkeypatch, solver, n_classes):
    def no(*args, **keywords):
        raise AssertionError("an ordinary fit was looked at closely")

    monkeypatch.setattr(skneuron._separation.endless, "find_direction", no)
    monkeypatch.setattr(skneuron._separation.endless, "_Case", no)
    for X, y in [
        ordinary(n_classes=n_classes),
        ordinary(n=20_000, n_features=20, n_classes=n_classes),
    ]:
        assert warning_of(X, y, solver=solver) is None


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
def test_data_too_large_for_the_programme_do_without(monkeypatch, solver):
    def no(*args, **keywords):
        raise AssertionError("an expensive linear programme")

    monkeypatch.setattr(skneuron._separation.endless, "find_direction", no)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 150)), rng.integers(0, 2, 3000)
    X[:, 0] = np.where(np.arange(3000) < 2500, 0, np.abs(X[:, 0]) + 0.1)
    y[2500:] = 1
    assert "quasi-completely along 'x0' alone" in warning_of(X, y, solver=solver)
    turned, _ = np.linalg.qr(rng.normal(size=(150, 150)))
    assert "by all signs along a weighted" in warning_of(X @ turned, y, solver=solver)
    y[2500:2510] = 0
    assert warning_of(X @ turned, y, solver=solver) is None


def test_a_programme_that_fails_leaves_the_question_open(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 4)), rng.integers(0, 2, 500)
    X[:, 1] = rng.integers(0, 2, 500)
    X[:, 0] = X[:, 1] + ((y == 1) & (rng.random(500) < 0.2))

    def unsolved(*args):
        raise RuntimeError("not solved")

    assert warning_of(X, y) is not None
    monkeypatch.setattr(skneuron._separation.endless, "find_direction", unsolved)
    assert warning_of(X, y) is None


def test_a_summary_without_a_solution_leaves_the_question_open(monkeypatch):
    X, y = np.array([[0.0], [1], [2], [3]]), [0, 0, 1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = GradientAscentLogisticRegression(tol=1e-3).fit(X, y)

    def unsolved(*args):
        raise RuntimeError("not solved")

    with pytest.warns(SeparationWarning, match="separate"):
        assert mle_summary(clf, X, y).separated.all()
    monkeypatch.setattr(skneuron.inference.summary, "find_direction", unsolved)
    with pytest.warns(SeparationWarning, match="separate"):
        assert not mle_summary(clf, X, y).separated.any()


def test_no_separation_is_said_in_a_line():
    found = separation([[0.0], [1], [2], [3]], [0, 1, 0, 1])
    assert repr(found) == "Separation: none. The maximum likelihood estimate exists."


def test_a_programme_that_is_not_solved_says_so(monkeypatch):
    X, y = np.array([[0.0], [1], [2], [3]]), [0, 0, 1, 1]
    unsolved = OptimizeResult(x=None, message="Out of time.")
    programme = skneuron._separation.programme
    monkeypatch.setattr(programme, "linprog", lambda *args, **options: unsolved)
    with pytest.raises(RuntimeError, match=r"could not be told: Out of time\."):
        separation(X, y)


def test_any_direction_serves_where_the_least_is_not_found(monkeypatch):
    X, y = np.array([[0.0, 0], [1, 0], [1, 0], [2, 0], [0, 1]]), [0, 1, 0, 1, 1]
    programme = skneuron._separation.programme
    unsolved, solve = OptimizeResult(x=None, message="Out of time."), programme.linprog

    def once(*args, **options):
        monkeypatch.setattr(programme, "linprog", lambda *args, **options: unsolved)
        return solve(*args, **options)

    monkeypatch.setattr(programme, "linprog", once)
    found = separation(X, y)
    assert found.kind == "quasi-complete"
    margins = (X @ found.direction + found.intercept) * np.where(y, 1, -1)
    assert margins.min() >= -1e-9 and margins.max() > 0.1


# --- the same answer as the linear programme's ----------------------------------------


patient = settings(  # however busy the machine is
    deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@st.composite
def small_tables(draw):
    """Integers, so that classes often touch, and often separate."""
    n_classes = draw(st.integers(2, 4))
    n = draw(st.integers(n_classes + 1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    largest = draw(st.integers(1, 3))
    X = rng.integers(-largest, largest + 1, (n, draw(st.integers(1, 4)))).astype(float)
    z = X @ rng.normal(size=(X.shape[1], n_classes)) * draw(st.sampled_from([0, 1, 9]))
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    if draw(st.booleans()):
        X[:, 0] = (y == 0) & (rng.random(n) < 0.3)
    return X, y


@pytest.mark.slow
@given(
    small_tables(),
    st.sampled_from(["auto", "lbfgs", "newton"]),
    st.booleans(),
    st.sampled_from([np.asarray, sparse.csr_array]),
)
@settings(patient, max_examples=150)
def test_agrees_with_separation(table, solver, fit_intercept, make):
    X, y = table
    found = separation(X, y, fit_intercept=fit_intercept)
    message = warning_of(make(X), y, solver=solver, fit_intercept=fit_intercept)
    assert (message is None) == (found.kind == "none")
    if message is not None:
        assert f" {found.kind}ly " in message


@pytest.mark.slow
@given(small_tables(), st.integers(0, 2**32 - 1))
@settings(patient, max_examples=50)
def test_agrees_with_separation_for_each_output(table, seed):
    X, y = table
    rng = np.random.default_rng(seed)
    other = np.where(rng.random(len(y)) < 0.3, 0, y) % 2
    other[:2] = 0, 1
    labels = np.column_stack([other, y + 1])
    found = [separation(X, column).kind != "none" for column in labels.T]
    message = warning_of(X, labels) or ""
    assert [f"in column {i} of y " in message for i in (0, 1)] == found


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs", "gradient"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_agrees_with_separation_on_many_tables(solver, dtype):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        n, k = int(rng.integers(6, 40)), int(rng.integers(2, 4))
        X = rng.integers(-2, 3, (n, 2)).astype(dtype)
        y = np.append(np.arange(k), rng.integers(0, k, n - k))
        if rng.random() < 0.5:
            y = np.where(X[:, 0] > 1, 0, y)
            y[:k] = np.arange(k)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            GradientAscentLogisticRegression(solver=solver, max_iter=300).fit(X, y)
        separate = any(w.category is SeparationWarning for w in caught)
        assert separate == (separation(X, y).kind != "none")
        seen.add(separate)
    assert seen == {True, False}


def test_an_interrupt_while_looking_keeps_the_climb(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(skneuron.logistic_regression, "find_separation", interrupted)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model = GradientAscentLogisticRegression().fit(
            [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
        )
    assert model.predict([[0.0], [3.0]]).tolist() == [0, 1]


def test_an_interrupt_while_counting_what_is_left_keeps_the_climb(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(GradientAscentLogisticRegression, "_nats_to_go", interrupted)
    model = GradientAscentLogisticRegression(1e-6, max_iter=5)
    with pytest.warns(ConvergenceWarning, match="interrupted after 5 iterations"):
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
    assert model.n_iter_ == 5
