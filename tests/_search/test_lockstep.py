"""Fits of the same rows at once against each fit alone: the same, or its error."""

import copy
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron._model import Objective
from skneuron._search import lockstep
from skneuron._search.lockstep import _ahead, fit_members
from skneuron.exceptions import SeparationWarning

LR = GradientAscentLogisticRegression(0.5, max_iter=30)
TOP = GradientAscentLogisticRegression()
MLP = SimpleMLPClassifier((5,), max_iter=6, random_state=0)
RATES = {"learning_rate": [0.01, 0.3, 2.0]}
CS = {"C": [0.01, 1.0, 100.0, np.inf, 0.1]}


def variants(base, **grid):
    return [
        clone(base).set_params(**dict(zip(grid, v))) for v in product(*grid.values())
    ]


def data(n_classes=2, n=90, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 4)) * [1, 2, 0.5, 1] + [0, 1, 0, -1]
    z = X @ rng.normal(size=(4, n_classes)) + rng.gumbel(size=(n, n_classes))
    return X, z.argmax(axis=1)


X, Y = data()
X3, Y3 = data(3)
W = np.random.RandomState(1).uniform(0.5, 3.0, len(X))


def heard(fit):
    """What comes of it, or the exception; and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = fit()
        except Exception as error:
            result = error
    return result, [(str(w.message), w.category) for w in caught]


def same_array(ours, theirs, rtol, size=1.0, name=""):
    assert type(ours) is type(theirs), name
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, name
    atol = rtol * max(size, abs(theirs).max())
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=name)


def same_data(one, alone):
    """What a fit says of the data."""
    assert vars(one).keys() == vars(alone).keys()
    assert one.n_features_in_ == alone.n_features_in_
    assert one.n_parameters_ == alone.n_parameters_
    if hasattr(alone, "feature_names_in_"):
        np.testing.assert_array_equal(one.feature_names_in_, alone.feature_names_in_)
    ours, theirs = one.classes_, alone.classes_
    assert type(ours) is type(theirs)
    for a, b in zip(*([c] if isinstance(c, np.ndarray) else c for c in (ours, theirs))):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def same_steps(one, alone, rtol):
    """The same climb, iteration by iteration."""
    curve = alone.log_likelihood_curve_
    penalised = np.isfinite(alone.C)
    if not penalised and (np.diff(curve) < 0).any():
        assert np.isfinite(one.log_likelihood_)  # what a fall leads to is rounding
        return
    assert one.n_iter_ == alone.n_iter_
    assert one.converged_ == alone.converged_
    same_array(one.log_likelihood_curve_, curve, rtol, name="curve")
    assert one.log_likelihood_ == pytest.approx(alone.log_likelihood_, rel=rtol)
    # What rounding leaves of a sum that is 0 is multiplied by the rate as well.
    size = max(1.0, abs(alone.coef_).max(), abs(alone.intercept_).max())
    for name in ("coef_", "intercept_"):
        same_array(getattr(one, name), getattr(alone, name), rtol, size, name)


def same_top(one, alone, rtol):
    """The same top, whichever way leads there."""
    assert one.converged_ == alone.converged_
    assert one.coef_.dtype == alone.coef_.dtype
    assert one.coef_.shape == alone.coef_.shape
    found, expected = (
        each.log_likelihood_
        - (0.5 * float((each.coef_.astype(float) ** 2).sum()) / C if np.inf > C else 0)
        for each, C in ((one, one.C), (alone, one.C))
    )
    assert found == pytest.approx(expected, rel=rtol)
    if one.solver in ("auto", "newton"):  # which end well within tol
        # Not its top but the penalised one's, so that what is left of the way counts.
        near = pytest.approx(alone.log_likelihood_, rel=100 * rtol)
        assert one.log_likelihood_ == near
    assert len(one.log_likelihood_curve_) == one.n_iter_ + 1
    assert one.log_likelihood_curve_[-1] == one.log_likelihood_


def same_bits(one, alone, rtol):
    """The same network, to the last digit."""
    for name, value in vars(alone).items():
        if name.endswith("_") or name == "coefs_":
            ours = getattr(one, name)
            for a, b in zip(
                *(v if isinstance(v, list) else [v] for v in (ours, value))
            ):
                np.testing.assert_array_equal(a, b, err_msg=name)


def check(estimators, X, y, weights=None, *, same=same_steps, rtol=1e-9, failing=()):
    """Fit together and alone; those `failing`, and no others, fail, alike.

    Returns the outcomes.
    """
    estimators = [clone(one) for one in estimators]
    before = [clone(one) for one in estimators]
    outcomes, said_at_once = heard(lambda: fit_members(estimators, X, y, weights))
    assert isinstance(outcomes, list), outcomes
    assert [one.estimator for one in outcomes] == estimators
    failed = [i for i, one in enumerate(outcomes) if one.error is not None]
    assert failed == list(failing)
    for outcome, alone in zip(outcomes, before, strict=True):
        result, said = heard(lambda: alone.fit(X, y, sample_weight=weights))  # noqa: B023
        if outcome.error is not None:
            assert type(outcome.error) is type(result)
            assert str(outcome.error) == str(result)
            assert outcome.warning is None and np.isnan(outcome.mean_log_likelihood)
            assert not hasattr(outcome.estimator, "coef_")
            continue
        assert result is alone, result
        same_data(outcome.estimator, alone)
        if same is same_top and outcome.warning is not None:
            # Where there is no top, climbs end anywhere near it.
            near = pytest.approx(alone.log_likelihood_, abs=1e-4)
            assert outcome.estimator.log_likelihood_ == near
        else:
            same(outcome.estimator, alone, rtol)
        # Of the data, it is said once; of the climb, by whoever asks for the outcomes.
        said = [one for one in said if one not in said_at_once]
        if outcome.warning is None:
            assert said == []
        else:
            ((message, category),) = said
            assert outcome.warning[1] is category
            if same is not same_top and "fell" not in message:
                assert outcome.warning[0]() == message
        mean = outcome.mean_log_likelihood
        if getattr(alone, "early_stopping", False):
            assert np.isnan(mean)
        else:
            total = len(y) if weights is None else np.sum(weights)
            if outcome.estimator.class_weight is None:
                expected = outcome.estimator.log_likelihood_ / total
                assert mean == pytest.approx(expected, rel=1e-6)
    return outcomes


def warned(outcomes):
    return [one.warning and one.warning[1] for one in outcomes]


# --- the lecture's steps, side by side ------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_all_that_may_differ(weights, n_classes, fit_intercept):
    X, y = data(n_classes)
    base = clone(LR).set_params(fit_intercept=fit_intercept)
    some = variants(
        base,
        learning_rate=[0.01, 0.3],
        C=[np.inf, 0.5],
        reduction=["mean", "sum"],
        class_weight=[None, "balanced", {0: 2.0}],
        max_iter=[10, 30],
        tol=[0.0, 0.05],
    )
    some = [one for one in some if one.reduction == "mean" or one.learning_rate < 0.1]
    check(some, X, y, weights)


def test_with_and_without_an_intercept():
    check(variants(LR, **RATES, fit_intercept=[True, False]), X3, Y3, W)


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("weights", [None, W])
def test_sparse(make, weights):
    check(variants(LR, **RATES), make(X * (X > 0)), Y, weights)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_float32(make):
    x = make(X.astype(np.float32))
    some = variants(LR, learning_rate=[0.01, 0.3], C=[1.0, np.inf])
    check(some, x, Y, W.astype(np.float32), rtol=3e-5)


def test_a_read_only_memory():
    parts = [X.copy(), Y.copy(), W.copy()]
    for part in parts:
        part.flags.writeable = False
    check(variants(LR, **RATES, class_weight=["balanced"]), *parts)
    sparse = sp.csr_array(parts[0])
    sparse.data.flags.writeable = False
    check(variants(LR, **RATES, class_weight=["balanced"]), sparse, *parts[1:])


def test_one_and_many_and_none():
    check([LR], X, Y)
    check(variants(LR, learning_rate=np.geomspace(1e-3, 0.5, 40)), X, Y)
    assert fit_members([], X, Y, None) == []


@pytest.mark.parametrize("budget", [1, 48 * 5 * 4])
def test_in_batches(monkeypatch, budget):
    monkeypatch.setattr(lockstep, "BUDGET", budget)
    check(variants(LR, **RATES, C=[1.0, np.inf]), X, Y)


def test_ends():
    """At the start, at tol, one step before max_iter, at it, and after a single one."""
    some = variants(
        LR,
        tol=[0.0, 1e-3, 1e-2, 10.0],
        max_iter=[1, 2, 25, 200],
        learning_rate=[0.1, 0.5],
        C=[0.1, np.inf],
    )
    outcomes = check(some, X, Y)
    assert {one.estimator.n_iter_ for one in outcomes} >= {0, 1, 2, 25}


def test_separable():
    y = (X[:, 0] > 0) * 1
    x = X + 3 * np.outer(2 * y - 1, [1, 0, 0, 0])
    base = clone(LR).set_params(max_iter=3000, tol=1e-3)
    outcomes = check(variants(base, learning_rate=[0.1, 0.3], C=[1.0, np.inf]), x, y)
    assert warned(outcomes) == [None, SeparationWarning] * 2


@pytest.mark.parametrize("kind", ["fell", "beyond all numbers"])
def test_a_rate_that_is_too_large_is_told_of_alone(kind):
    """The others climb on, and do not notice."""
    rates = [0.01, 1e3 if kind == "fell" else 1e308, 0.3]
    outcomes = check(variants(LR, learning_rate=rates), X, Y)
    assert all(np.isfinite(one.estimator.coef_).all() for one in outcomes)
    assert (
        "stepped over" in outcomes[1].warning[0]() or "fell" in outcomes[1].warning[0]()
    )
    assert warned(outcomes) == [ConvergenceWarning] * 3
    assert "fell" not in outcomes[0].warning[0]() + outcomes[2].warning[0]()


@pytest.mark.parametrize("size", [1.0, 1e100, 1e300])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rates_and_features_beyond_all_numbers(size, dtype):
    size = size if dtype is np.float64 else size**0.1
    rates = [1e3, 1e8, 1e150, 1e300, 1e308]
    some = variants(LR, learning_rate=rates, C=[np.inf, 1.0])
    x = (X * size).astype(dtype)
    outcomes, said = heard(lambda: fit_members(some, x, Y, None))
    assert isinstance(outcomes, list) and said == []
    for outcome in outcomes:
        alone = clone(outcome.estimator)
        result, expected = heard(lambda: alone.fit(x, Y))  # noqa: B023
        assert outcome.error is None and result is alone
        assert np.isfinite(outcome.estimator.coef_).all()
        assert [outcome.warning[1]] == [category for _, category in expected]


SETS = {"iris": load_iris, "cancer": load_breast_cancer, "digits": load_digits}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_known_data_at_any_rate(name, scaled, dtype):
    """Where the objective does not fall."""
    x, y = SETS[name](return_X_y=True)
    x, y = (scale(x) if scaled else x)[:900].astype(dtype), y[:900]
    some = variants(LR, learning_rate=np.geomspace(1e-8, 1.0, 9), max_iter=[60])
    check(some, x, y, rtol=1e-9 if dtype is np.float64 else 1e-4)


# --- to the top, from the strongest penalty to the weakest ----------------------------


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs"])
def test_penalties(weights, n_classes, fit_intercept, solver):
    X, y = data(n_classes)
    base = clone(TOP).set_params(fit_intercept=fit_intercept, solver=solver)
    outcomes = check(variants(base, **CS), X, y, weights, same=same_top)
    assert warned(outcomes) == [None] * 5


def test_a_gradient_climbs_along_penalties():
    """By steps of its own: many of them, and so near the top as these lead."""
    base = clone(TOP).set_params(solver="gradient", max_iter=20_000, tol=1e-5)
    check(variants(base, **CS), X, Y, same=same_top)


@pytest.mark.parametrize(
    "changes",
    [{"solver": "gradient"}, {"solver": "lbfgs"}, {"max_iter": 4}, {"tol": 1e-2}],
    ids=str,
)
def test_climbs_that_end_where_their_ways_lead_go_ways_of_their_own(changes):
    base = clone(TOP).set_params(**changes)
    check(variants(base, **CS), X, Y, same=same_bits)


def test_a_climb_that_does_not_get_to_the_top_is_climbed_by_itself(monkeypatch):
    monkeypatch.setattr(lockstep, "ENOUGH", 1)
    base = clone(TOP).set_params(max_iter=1)
    check(variants(base, C=CS["C"][:3]), X, Y, same=same_bits)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_penalties_of_any_kind_of_features(make, dtype):
    x = make((X3 * (X3 > 0)).astype(dtype))
    rtol = 1e-9 if dtype is np.float64 else 1e-5
    check(variants(TOP, **CS), x, Y3, W.astype(dtype), same=same_top, rtol=rtol)


@pytest.mark.parametrize("scales", [1e-3, 1e3, 1e-12, 1e12, 1e170])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_penalties_of_features_of_any_scale(scales, offset):
    x = X * np.geomspace(1, scales, 4) + offset
    check(variants(TOP, **CS), x, Y, same=same_top, rtol=1e-8)


@pytest.mark.parametrize("scales", [1e-60, 1e-170])
def test_penalties_of_features_that_are_next_to_nothing(scales):
    x = X * np.geomspace(1, scales, 4)
    check(variants(TOP, **CS), x, Y, same=same_top)


@pytest.mark.parametrize("n", [30, 3000])
def test_penalties_of_many_rows_or_many_features(n):
    """Climbed on a sample first; and with more features than rows."""
    rng = np.random.RandomState(0)
    x = rng.normal(size=(n, 60))
    y = (x[:, :3].sum(axis=1) + rng.logistic(size=n) > 0) * 1
    check(variants(TOP, C=[1e-3, 0.1, 1.0, 10.0]), x, y, same=same_top)


@pytest.mark.parametrize(
    "Cs",
    [
        [1.0, 1.0, 1.0],
        [1.0, 1 + 2**-52, 1 + 2**-51, 2.0, 4.0],
        [1e-6, 1e-3, 1e-2, 0.1, 0.11, 1.0, 1e6],
        np.geomspace(1e-4, 1e4, 25).tolist(),
        np.geomspace(1e-4, 1e4, 3).tolist(),
    ],
    ids=["the same", "as good as the same", "uneven", "fine", "coarse"],
)
@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs"])
def test_penalties_any_way_apart(Cs, solver):
    """Wherever the tops before it seem to lead, each climb ends at its own."""
    base = clone(TOP).set_params(solver=solver)
    rng = np.random.RandomState(0)
    x = rng.normal(size=(3000, 40))  # where a curvature is dear
    y = (x[:, :3].sum(axis=1) + rng.logistic(size=3000) > 0) * 1
    check(variants(base, C=Cs), x, y, same=same_top, rtol=1e-8)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("scale", [float, lambda t: np.exp(-t)], ids=["log", "penalty"])
def test_tops_on_a_curve_lead_along_it(degree, scale):
    """Constant, line, parabola or cubic, whichever the tops lie on; and in what."""
    share = np.random.RandomState(degree).normal(size=(degree + 1, 4))

    def top(t):
        return scale(t) ** np.arange(degree + 1) @ share

    tops = {t: top(t) for t in [-4.0, -2.5, -1.0, 0.0, 1.0][-degree - 2 :]}
    np.testing.assert_allclose(_ahead(tops, 3.0), top(3.0), rtol=1e-9)
    np.testing.assert_allclose(_ahead(tops, 1.0), top(1.0), rtol=1e-9)


def test_tops_lead_no_farther_than_they_tell():
    tops = {0.0: np.zeros(2), 1.0: np.ones(2)}
    np.testing.assert_array_equal(_ahead(tops, 2.0), np.ones(2))  # two tell nothing
    tops[2.0] = 2 * np.ones(2)
    np.testing.assert_array_equal(_ahead(tops, 700.0), 4 * np.ones(2))


def test_a_path_is_short(monkeypatch):
    """Together they take no more gradients than alone, and fewer curvatures."""
    asked, evaluate = [], Objective.evaluate

    def counted(self, theta, *, curvature=False, **rules):
        asked.append(curvature)
        return evaluate(self, theta, curvature=curvature, **rules)

    monkeypatch.setattr(Objective, "evaluate", counted)
    rng = np.random.RandomState(0)
    x = rng.normal(size=(4000, 40)) * rng.uniform(0.3, 3.0, size=40)
    y = (x @ rng.normal(size=(40, 3)) + rng.gumbel(size=(4000, 3))).argmax(axis=1)
    some = variants(TOP, C=np.geomspace(1e-3, 1e3, 15).tolist())
    outcomes = fit_members(some, x, y, None)
    assert all(outcome.estimator.converged_ for outcome in outcomes)
    together, asked[:] = (len(asked), sum(asked)), []
    for one in some:
        clone(one).fit(x, y)
    assert together[0] < len(asked)
    assert together[1] < sum(asked)


def test_collinear_features():
    x = np.c_[X, X[:, 1] - X[:, 0], np.ones(90)]
    check(variants(TOP, **CS), x, Y, same=same_top)


def test_where_classes_separate_only_those_without_a_penalty_have_no_top():
    y = (X[:, 0] > 0) * 1
    outcomes = check(variants(TOP, C=[np.inf, 0.1, 10.0]), X, y, same=same_top)
    assert warned(outcomes) == [SeparationWarning, None, None]
    assert heard(lambda: clone(TOP).fit(X, y))[1] == [
        (outcomes[0].warning[0](), outcomes[0].warning[1])
    ]
    frame = pd.DataFrame(X, columns=list("abcd"))
    outcomes = check(variants(TOP, C=[10.0, np.inf]), frame, y, same=same_top)
    assert "a" in outcomes[1].warning[0]()


def test_quasi_separation():
    y = (X[:, 0] > 0) * 1
    x = X.copy()
    x[:, 1] = X[:, 0] > 1
    y[:40] = np.arange(40) % 2
    y[x[:, 1] > 0] = 1
    outcomes = check(variants(TOP, C=[1.0, np.inf]), x, y, same=same_top)
    assert warned(outcomes) == [None, SeparationWarning]


def test_each_is_told_that_it_stopped_at_max_iter():
    for max_iter in (1, 2):
        base = clone(TOP).set_params(max_iter=max_iter, solver="gradient")
        some = [clone(one) for one in variants(base, C=[1.0, 10.0, 100.0])]
        outcomes = fit_members(some, X, Y, None)
        for outcome in outcomes:
            assert outcome.estimator.n_iter_ == max_iter
            assert not outcome.estimator.converged_
            say, category = outcome.warning
            message = say()
            assert category is ConvergenceWarning
            assert f"max_iter={max_iter}" in message


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_an_error_is_of_the_one_that_raised_it(n, monkeypatch):
    """And the others climb on, from the last that was fitted."""
    kept = GradientAscentLogisticRegression._keep
    order = np.argsort(CS["C"])

    def keep(self, climber, result):
        if CS["C"][order[n]] == self.C:
            raise RuntimeError("not this one")
        return kept(self, climber, result)

    some = [clone(one) for one in variants(TOP, **CS)]
    with monkeypatch.context() as patch:
        patch.setattr(GradientAscentLogisticRegression, "_keep", keep)
        outcomes = fit_members(some, X, Y, None)
    for i, outcome in enumerate(outcomes):
        if i == order[n]:
            assert str(outcome.error) == "not this one"
        else:
            assert outcome.error is None
            same_top(outcome.estimator, clone(outcome.estimator).fit(X, Y), 1e-9)


def test_those_that_differ_in_more_than_their_penalty():
    some = variants(
        TOP,
        C=[1.0, 10.0],
        class_weight=[None, "balanced"],
        fit_intercept=[True, False],
        solver=["auto", "lbfgs"],
    )
    check(some, X, Y, W, same=same_top)


# --- others ---------------------------------------------------------------------------


def test_mini_batches():
    """Each by itself, to the last digit."""
    base = clone(LR).set_params(batch_size=16, random_state=0, max_iter=5)
    some = variants(base, learning_rate=[0.01, 0.1, "auto"], C=[1.0, np.inf])
    check(some, X, Y, W, same=same_bits)


@pytest.mark.slow
@pytest.mark.parametrize("random_state", [0, np.random.RandomState(3)], ids="iR")
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("kind", ["two classes", "three classes", "several"])
def test_networks(random_state, n_threads, kind, monkeypatch):
    """To the last digit, in threads where the seed makes that the same."""
    monkeypatch.setattr(lockstep, "n_threads", lambda: n_threads)
    y = {"two classes": Y, "three classes": Y3, "several": np.stack([Y, Y3], 1)}[kind]
    some = variants(
        clone(MLP).set_params(random_state=random_state),
        hidden_layer_sizes=[(5,), (4, 3)],
        solver=["adam", "gradient", "lbfgs"],
        batch_size=[16, "auto"],
        class_weight=[None, "balanced"] if kind != "several" else [None],
    )
    check(some, X3, y, W, same=same_bits)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_networks_that_stop_early_set_their_own_rows_aside(n_threads, monkeypatch):
    monkeypatch.setattr(lockstep, "n_threads", lambda: n_threads)
    base = clone(MLP).set_params(early_stopping=True, max_iter=20, n_iter_no_change=2)
    some = variants(base, random_state=[0, 1], validation_fraction=[0.1, 0.4])
    check([*some, clone(MLP)], X3, Y3, W, same=same_bits)


def test_an_error_of_a_network_is_its_own():
    base = clone(MLP).set_params(early_stopping=True)
    some = variants(base, validation_fraction=[0.2, 0.99, 2.0, 0.3])
    check(some, X, Y, same=same_bits, failing=[1, 2])


def test_every_kind_of_climb_at_once():
    some = [
        clone(LR).set_params(learning_rate=0.1),
        clone(TOP).set_params(C=1.0),
        clone(LR).set_params(batch_size=16, random_state=0, max_iter=3),
        clone(LR).set_params(learning_rate=0.3, C=2.0),
        clone(TOP).set_params(C=10.0),
        clone(TOP).set_params(C=5.0, solver="newton"),
    ]

    def same(one, alone, rtol):
        auto = one.learning_rate == "auto"
        (same_bits if one.batch_size else same_top if auto else same_steps)(
            one, alone, rtol
        )

    outcomes = check(some, X, Y, W, same=same)
    assert [one.error for one in outcomes] == [None] * 6


# --- whatever the climb ---------------------------------------------------------------

KINDS = {"steps": (LR, RATES, same_steps), "top": (TOP, CS, same_top)}
kinds = pytest.mark.parametrize(("base", "grid", "same"), KINDS.values(), ids=KINDS)


@kinds
def test_frames_and_labels(base, grid, same):
    frame = pd.DataFrame(X3, columns=list("abcd"))
    labels = np.array(["no", "yes", "perhaps"])[Y3]
    for y in (labels, pd.Series(labels), labels.astype(object), Y3 * 1.0):
        check(variants(base, **grid), frame, y, pd.Series(W), same=same)


@kinds
@pytest.mark.parametrize("n_labels", [2, 3])
def test_several_outputs(n_labels, base, grid, same):
    """Multilabel where they are 0 and 1."""
    Z = np.stack([data(n_labels, seed=seed)[1] for seed in range(3)], axis=1)
    check(variants(base, **grid), X, Z, W, same=same)
    tables = [None, "balanced", [{0: 2.0}] * 3, [None, "balanced", {0: 0.5}]]
    grid = {name: values[:2] for name, values in grid.items()}
    weighted = variants(base, **grid, class_weight=tables)
    check(weighted, X, Z, None, same=same)


@kinds
def test_class_weights(base, grid, same):
    tables = [None, "balanced", {0: 2.0, 1: 0.5, 2: 1.0}, {1: 3.0}]
    check(variants(base, **grid, class_weight=tables), X3, Y3, W, same=same)


@kinds
def test_inputs_stay(base, grid, same):
    given = [X.copy(), Y.copy(), W.copy()]
    before = copy.deepcopy(given)
    check(variants(base, **grid, class_weight=["balanced"]), *given, same=same)
    for ours, theirs in zip(given, before):
        np.testing.assert_array_equal(ours, theirs)


@kinds
def test_rows_of_no_weight(base, grid, same):
    """They do not matter, nor for what is said of the others."""
    x, y = np.r_[X, X[:20]], np.r_[X[:, 0] > 0, X[:20, 0] <= 0] * 1
    w = np.r_[np.ones(90), np.zeros(20)]
    order = np.random.RandomState(0).permutation(110)
    x, y, w = x[order], y[order], w[order]
    outcomes = check(
        variants(base, **grid, class_weight=[None, "balanced"]), x, y, w, same=same
    )
    if base is TOP:
        assert warned(outcomes).count(SeparationWarning) == 2


@kinds
def test_bad_data(base, grid, same):
    some = variants(base, **grid)
    every = range(len(some))
    spoilt = X.copy()
    spoilt[3, 1] = np.nan
    for given in [
        (spoilt, Y),
        (X, np.zeros(90, dtype=int)),
        (X, Y[:80]),
        (X, Y, -W),
        (X, X[:, 0]),
        (X[:0], Y[:0]),
        (X, Y, np.zeros(90)),
        (X.astype(np.float32), Y, np.full(90, 1e39)),
    ]:
        check(some, *given, same=same, failing=every)


@kinds
def test_bad_parameters(base, grid, same):
    one = next(iter(grid))
    check(variants(base, C=[0.0, 1.0, "c"]), X, Y, same=same, failing=[0, 2])
    tables = [{7: 1.0}, {0: 0.0}, {0: -1.0}, {0: 2.0}, "balance", {"a": 1.0}]
    tables += [[{0: 3.0}], None]
    some = variants(base, class_weight=tables, **{one: grid[one][:1]})
    alone = [heard(lambda: clone(one).fit(X, Y))[0] for one in some]  # noqa: B023
    failing = [i for i, one in enumerate(alone) if isinstance(one, Exception)]
    assert {0, 2, 4, 5} <= set(failing) and 7 not in failing
    check(some, X, Y, same=same, failing=failing)
    check(variants(base, max_iter=[0, 1000], C=[1.0]), X, Y, same=same, failing=[0])


@kinds
def test_a_penalty_beyond_all_numbers(base, grid, same):
    check(variants(base, C=[1e-320, 1.0]), X, Y, same=same, failing=[0])


@kinds
def test_a_penalty_beyond_all_numbers_that_is_not_the_first(base, grid, same):
    check(variants(base, C=[1.0, 1e-320]), X, Y, same=same, failing=[1])


def test_bad_rates():
    rates = [-1.0, 0.1, np.nan, np.inf, "many", 0.3]
    check(variants(LR, learning_rate=rates), X, Y, failing=[0, 2, 3, 4])


def test_what_data_warn_of_is_said_once():
    some = [clone(one) for one in variants(LR, **RATES)]
    outcomes, said = heard(lambda: fit_members(some, X, Y[:, None], None))
    assert len(said) == 1 and "column-vector" in said[0][0]
    assert all(one.error is None for one in outcomes)


def test_warnings_that_are_errors_are_not_those_of_a_climb():
    """Its own is kept for whoever asks."""
    some = [clone(one) for one in variants(LR, **RATES, C=[1e-2, np.inf])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcomes = fit_members(some, X, Y, None)
    assert all(one.error is None for one in outcomes)
    assert ConvergenceWarning in warned(outcomes)


# --- interrupts -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["steps", "top", "batches", "networks"])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_an_interrupt_ends_all_of_them(name, n, monkeypatch):
    """One fit keeps what it had reached; many are of no use."""
    bases = {name: base for name, (base, _, _) in KINDS.items()}
    bases["batches"] = clone(LR).set_params(batch_size=45, random_state=0)
    bases["networks"] = clone(MLP).set_params(batch_size=45, solver="lbfgs")
    some = [clone(bases[name]) for _ in range(3)]
    for i, one in enumerate(some):
        if name in ("top", "steps"):
            one.set_params(C=float(i + 1))
    module = lockstep if name == "steps" else Objective
    attribute = "answers" if name == "steps" else "answer"
    compute, calls = getattr(module, attribute), []

    def interrupted(*given):
        calls.append(given)
        if len(calls) == n + 1:
            raise KeyboardInterrupt
        return compute(*given)

    monkeypatch.setattr(module, attribute, interrupted)
    monkeypatch.setattr(lockstep, "n_threads", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        fit_members(some, X, Y, None)
    assert len(calls) == n + 1


@pytest.mark.parametrize("base", [LR, TOP], ids=["steps", "top"])
def test_an_interrupt_while_separation_is_looked_for_ends_all_of_them(
    base, monkeypatch
):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr("skneuron.logistic_regression.find_separation", interrupted)
    some = [clone(base).set_params(max_iter=i) for i in (3, 4)]
    with pytest.raises(KeyboardInterrupt):
        fit_members(some, X, (X[:, 0] > 0) * 1, None)
