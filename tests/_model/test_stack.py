"""Answers at once against the answer of each objective alone."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from some_rows import LIKELIHOODS, draw, every, floats, makes, weightings

from skneuron import _kernels
from skneuron._arrays import numbers_may_end
from skneuron._ascent import Question
from skneuron._data import rows
from skneuron._data.moments import measured
from skneuron._data.rows import Rows
from skneuron._model import (
    Likelihood,
    Network,
    Objective,
    answers,
    stack,
    standardised,
)


@pytest.fixture(params=["core", "no core", "no core, many blocks"])
def compiled(request, monkeypatch):
    """The core where there is one, and the lines that stand beside it."""
    if request.param != "core":
        monkeypatch.setattr(_kernels, "_core", None)
    if request.param.endswith("blocks"):
        monkeypatch.setattr(rows, "BLOCK_BYTES", 64)


@pytest.fixture
def together(monkeypatch):
    """How many are answered at once, each time that some are."""
    sizes, sums = [], stack._together

    def noting(objectives, thetas):
        sizes.append(len(objectives))
        return sums(objectives, thetas)

    monkeypatch.setattr(stack, "_together", noting)
    return sizes


def objectives_of(likelihood, drawn, n=5, *, fit_intercept=True, seed=0):
    """Some on the same rows, with parameters; no two have the same penalty."""
    rng = np.random.default_rng(seed)
    sizes = drawn.X.shape[1], likelihood.n_logits
    found = []
    for i in range(n):
        network = Network(sizes, "identity", fit_intercept)
        l2 = 0.7 * i if i % 2 else 0.0
        reduction = "mean" if i % 3 else "sum"
        objective = Objective(network, likelihood, drawn, l2, reduction)
        found.append((objective, rng.standard_normal(objective.n_parameters)))
    return found


def asked(objectives, order=1, n_rows=None):
    return [(one, Question(theta, order, n_rows)) for one, theta in objectives]


def check(questions, rtol=1e-11):
    """Answered at once as one by one, in the order of the questions."""
    before = [question.theta.copy() for _, question in questions]
    found = answers(questions)
    assert len(found) == len(questions)
    for (objective, question), here in zip(questions, found, strict=True):
        expected = objective.answer(question)
        near = {"rel": rtol, "abs": rtol}
        assert here.log_likelihood == pytest.approx(expected.log_likelihood, **near)
        assert here.value == pytest.approx(expected.value, **near)
        assert type(here.value) is type(expected.value)
        assert type(here.log_likelihood) is float
        assert (here.gradient is None) == (expected.gradient is None)
        if expected.gradient is not None:
            assert here.gradient.dtype == expected.gradient.dtype
            size = max(1.0, abs(expected.gradient).max())
            np.testing.assert_allclose(
                here.gradient, expected.gradient, rtol=0, atol=rtol * size
            )
        for (at, matrix), (where, other) in zip(
            here.curvature, expected.curvature, strict=True
        ):
            np.testing.assert_array_equal(at, where)
            np.testing.assert_allclose(matrix, other, rtol=1e-9, atol=1e-12)
    for (_, question), theta in zip(questions, before, strict=True):
        np.testing.assert_array_equal(question.theta, theta)
    return found


@every
@weightings
@makes
@floats
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_against_alone(
    likelihood, weighting, make, dtype, fit_intercept, compiled, together
):
    drawn = draw(likelihood, weighting, dtype, make)
    some = objectives_of(likelihood, drawn, fit_intercept=fit_intercept)
    check(asked(some), rtol=1e-11 if dtype is np.float64 else 3e-6)
    assert together == [5]


@every
@makes
@floats
def test_parameters_of_the_float_type_of_the_data(
    likelihood, make, dtype, compiled, together
):
    drawn = draw(likelihood, "row", dtype, make)
    some = [(o, theta.astype(dtype)) for o, theta in objectives_of(likelihood, drawn)]
    found = check(asked(some), rtol=1e-11 if dtype is np.float64 else 1e-5)
    assert all(here.gradient.dtype == dtype for here in found)
    assert together == [5]


@every
@makes
@floats
@pytest.mark.filterwarnings("error")
def test_extreme_logits(likelihood, make, dtype, compiled):
    drawn = draw(likelihood, "row", dtype, make)
    some = [(o.but(l2=0.0), 1e4 * at) for o, at in objectives_of(likelihood, drawn)]
    with numbers_may_end():
        check(asked(some), rtol=1e-10 if dtype is np.float64 else 1e-4)


@every
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_where_numbers_end_others_are_answered_all_the_same(likelihood, kind, compiled):
    """What one climb comes to is nothing to the others."""
    drawn = draw(likelihood, "row", kind)
    some = objectives_of(likelihood, drawn)
    questions = asked(some)
    beyond = np.inf * some[2][1]
    lost = [*questions[:2], (some[2][0], Question(beyond)), *questions[3:]]
    with numbers_may_end():
        found = answers(lost)
        expected = answers(questions)
    assert not np.isfinite(found[2].value)
    for i in (0, 1, 3, 4):
        assert found[i].value == pytest.approx(expected[i].value, rel=1e-12)
        size = abs(expected[i].gradient).max()
        np.testing.assert_allclose(
            found[i].gradient, expected[i].gradient, rtol=0, atol=1e-6 * size
        )


# --- who is answered with whom --------------------------------------------------------


@every
@weightings
def test_other_questions_are_answered_one_by_one(
    likelihood, weighting, compiled, together
):
    """Mixed, and in the order asked."""
    some = objectives_of(likelihood, draw(likelihood, weighting), n=8)
    questions = asked(some)
    for i, order, n_rows in [(1, 2, None), (3, 1, 16), (4, 0, None), (6, 2, 32)]:
        questions[i] = (some[i][0], Question(some[i][1], order, n_rows))
    found = check(questions)
    assert together == [4]
    assert [bool(here.curvature) for here in found] == [i in (1, 6) for i in range(8)]
    assert [here.gradient is None for here in found] == [i == 4 for i in range(8)]


def test_rows_that_are_not_the_same_are_not_put_together(compiled, together):
    """Though they may be alike; nor with and without an intercept."""
    likelihood, drawn = Likelihood([3]), draw(Likelihood([3]))
    like = Rows(drawn.X, drawn.codes, drawn.weights)
    groups = [
        objectives_of(likelihood, drawn, 2),
        objectives_of(likelihood, like, 3),
        objectives_of(likelihood, drawn, 2, fit_intercept=False),
        objectives_of(Likelihood([0]), draw(Likelihood([0])), 1),
    ]
    questions = [one for group in groups for one in asked(group)]
    order = np.random.default_rng(0).permutation(len(questions))
    check([questions[i] for i in order])
    assert sorted(together) == [2, 2, 3]


def test_one_is_answered_by_itself(together):
    ((objective, question),) = asked(
        objectives_of(Likelihood([0]), draw(Likelihood([0])), 1)
    )
    (here,) = answers([(objective, question)])
    expected = objective.answer(question)
    assert here.value == expected.value
    np.testing.assert_array_equal(here.gradient, expected.gradient)
    assert together == []


def test_nobody_asks():
    assert answers([]) == []


@every
def test_networks_with_hidden_layers_answer_each_by_itself(likelihood, together):
    drawn, some = draw(likelihood), []
    for seed in range(3):
        network = Network((drawn.X.shape[1], 4, likelihood.n_logits), "tanh")
        theta = np.random.default_rng(seed).standard_normal(network.n_parameters)
        some.append((Objective(network, likelihood, drawn, 0.1), theta))
    check(asked(some), rtol=0.0)
    assert together == []


@every
@makes
def test_in_coordinates_of_their_own(likelihood, make, compiled, together):
    """By the chain rule they are on the same rows; else each reads its own."""
    drawn = draw(likelihood, "row", make=make)
    some = objectives_of(likelihood, drawn)
    moments = measured(drawn)
    moved = [
        (standardised(one, moments, width=w), theta)
        for (one, theta), w in zip(some, [None, 1.0, 4.0, None, 2.0])
    ]
    check(asked([*some[:2], *moved]))
    alike = sum(one.rows is drawn for one, _ in moved)
    assert together == [2 + alike]
    assert alike == 5 or (alike == 0 and make is not sp.csr_array)


def test_samples_that_were_drawn_are_rows_as_any(compiled, together):
    some = objectives_of(Likelihood([0]), draw(Likelihood([0]), "row"), 3)
    sample = some[0][0].sample(16)
    like = [(sample.but(l2=0.0), some[1][1]), (sample, some[2][1])]
    check(asked([*some, *like]))
    assert sorted(together) == [2, 3]


patient = settings(  # however busy the machine is
    deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40
)


@given(
    n=st.integers(1, 200),
    n_members=st.integers(1, 70),
    likelihood=st.sampled_from(LIKELIHOODS),
    weighting=st.sampled_from([None, "row", "output"]),
    core=st.booleans(),
    seed=st.integers(0, 1000),
)
@patient
def test_any_number_of_rows_and_of_climbs(
    n, n_members, likelihood, weighting, core, seed
):
    drawn = draw(likelihood, weighting, n=n)
    with pytest.MonkeyPatch.context() as patch:
        if not core:
            patch.setattr(_kernels, "_core", None)
        check(asked(objectives_of(likelihood, drawn, n_members, seed=seed)))


def test_inputs_are_not_written_to(compiled):
    for make in (np.array, sp.csr_array):
        likelihood = Likelihood([3])
        drawn = draw(likelihood, "row", make=make)
        some = objectives_of(likelihood, drawn)
        parts = [drawn.codes, drawn.weights, *(theta for _, theta in some)]
        parts += [drawn.X.data] if sp.issparse(drawn.X) else [drawn.X]
        for part in parts:
            part.flags.writeable = False
        check(asked(some))
