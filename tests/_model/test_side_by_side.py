"""Regressions side by side against the objective of each of them alone."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skneuron._arrays import numbers_may_end
from skneuron._model import (
    Bernoulli,
    Categorical,
    Joint,
    Network,
    Objective,
    Rows,
    SideBySide,
    largest_safe_rate,
    side_by_side,
)

LIKELIHOODS = {
    "one sigmoid": (Bernoulli(), [2]),
    "three sigmoids": (Bernoulli(3), [2, 2, 2]),
    "softmax of 3": (Categorical(3), [3]),
    "softmax of 1": (Categorical(1), [1]),
    "joint": (Joint([Bernoulli(), Categorical(3), Bernoulli()]), [2, 3, 2]),
}
every = pytest.mark.parametrize("name", LIKELIHOODS)
makes = pytest.mark.parametrize(
    "make", [np.array, np.asfortranarray, sp.csr_array, sp.csr_matrix]
)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def folds(n, rng):
    """Three training sets of a partition."""
    return (rng.permutation(n)[:, None] % 3 != np.arange(3)).astype(int)


def twice_or_never(n, rng):
    """Rows drawn with replacement; some row is in no split."""
    drawn = [np.bincount(rng.integers(0, n // 2, n), minlength=n) for _ in range(4)]
    return np.stack(drawn, axis=1)


def overlapping(n, rng):
    """More patterns than are worth groups of their own."""
    return rng.integers(0, 2, (n, 9))


def too_many(n, rng):
    """More splits than an integer can be a key of."""
    return rng.integers(0, 3, (n, 64))


def one_split(n, rng):
    return np.ones((n, 1), dtype=int)


COUNTS = [folds, twice_or_never, overlapping, too_many, one_split]
counting = pytest.mark.parametrize("draw_counts", COUNTS)


class Problem:
    """Models side by side, and the objective of each alone."""

    def __init__(
        self,
        name="joint",
        draw_counts=folds,
        *,
        n=120,
        make=np.array,
        dtype=np.float64,
        fit_intercept=True,
        weighted=True,
        classes_weigh=False,
        in_units=False,
        size=1.0,
        seed=0,
    ):
        rng = np.random.default_rng(seed)
        self.likelihood, n_classes = LIKELIHOODS[name]
        X = rng.standard_normal((n, 4)) * (rng.random((n, 4)) > 0.3)
        self.X = make(X.astype(dtype))
        self.codes = np.stack([rng.integers(0, k, n) for k in n_classes], axis=1)
        self.counts = draw_counts(n, rng)
        n_splits = self.counts.shape[1]
        self.splits = np.r_[np.arange(n_splits), rng.integers(0, n_splits, 4)]
        k = len(self.splits)
        self.l2 = np.where(rng.random(k) < 0.5, 0.0, rng.random(k) * 5)
        self.weights = rng.integers(0, 4, n) * 0.5 if weighted else None
        self.tables = rng.random((n_classes[0], k)) + 0.5 if classes_weigh else None
        self.network = Network((4, self.likelihood.n_logits), "identity", fit_intercept)
        self.units = None
        if in_units:
            self.units = rng.standard_normal((2, n_splits, 4))
            self.units[1] = np.exp(self.units[1])
        self.theta = size * rng.standard_normal((self.network.n_parameters, k))
        self.together = SideBySide(
            self.likelihood,
            self.X,
            self.codes,
            self.counts,
            self.splits,
            self.l2,
            weights=self.weights,
            tables=self.tables,
            fit_intercept=fit_intercept,
            units=self.units,
        )

    def alone(self, member):
        at = np.repeat(np.arange(len(self.codes)), self.counts[:, self.splits[member]])
        weights = np.ones(len(at)) if self.weights is None else self.weights[at].copy()
        if self.tables is not None:
            weights *= self.tables[self.codes[at, 0], member]
        X = self.X[at]
        if self.units is not None:
            centre, scale = self.units[:, self.splits[member]]
            X = (X - centre) / scale
        rows = Rows(X, self.codes[at], weights)
        return Objective(self.network, self.likelihood, rows, self.l2[member])

    def check(self, members=None, rtol=1e-11):
        members = np.arange(len(self.splits)) if members is None else members
        theta = self.theta[:, members]
        before = theta.copy()
        gradients = self.together.gradients(theta, members)
        log_likelihoods = self.together.log_likelihoods(theta, members)
        values = self.together.values(theta, members)
        np.testing.assert_array_equal(theta, before)
        assert gradients.shape == theta.shape
        assert gradients.dtype == log_likelihoods.dtype == np.float64
        for i, member in enumerate(members):
            objective = self.alone(member)
            total = self.together.total_weight[member]
            assert total == pytest.approx(objective.total_weight, rel=1e-12)
            here = objective.evaluate(theta[:, i].copy())
            scale = max(1.0, abs(here.gradient).max())
            np.testing.assert_allclose(
                gradients[:, i], here.gradient, rtol=0, atol=rtol * scale
            )
            near = {"rel": rtol, "abs": rtol}
            assert log_likelihoods[i] == pytest.approx(here.log_likelihood, **near)
            assert values[i] == pytest.approx(here.value, **near)


@every
@counting
@pytest.mark.parametrize("weighted", [False, True])
def test_against_alone(name, draw_counts, weighted):
    Problem(name, draw_counts, weighted=weighted).check()


@every
@makes
@dtypes
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_features(name, make, dtype, fit_intercept):
    problem = Problem(name, make=make, dtype=dtype, fit_intercept=fit_intercept)
    problem.check(rtol=1e-11 if dtype is np.float64 else 3e-6)


@pytest.mark.parametrize("name", ["one sigmoid", "softmax of 3"])
@counting
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_classes(name, draw_counts, weighted):
    Problem(name, draw_counts, weighted=weighted, classes_weigh=True).check()


@every
@counting
def test_splits_with_units_of_their_own(name, draw_counts):
    problem = Problem(name, draw_counts, in_units=True)
    problem.check()
    problem.check(np.array([2, 0]) % len(problem.splits))


@every
def test_safe_rates_in_units(name, monkeypatch):
    monkeypatch.setattr(side_by_side, "FEW_ROWS", 1)
    problem = Problem(name, in_units=True, weighted=False)
    problem.together._penalty[:] = problem.l2[:] = 0
    found = problem.together.safe_rates()
    expected = [0.99 * largest_safe_rate(problem.alone(i)) for i in range(len(found))]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@every
@makes
@counting
@pytest.mark.parametrize("weighted", [False, True])
def test_safe_rates(name, make, draw_counts, weighted, monkeypatch):
    monkeypatch.setattr(side_by_side, "FEW_ROWS", 1)
    problem = Problem(name, draw_counts, make=make, weighted=weighted)
    found = problem.together.safe_rates()
    if problem.together.groups[0].counts.ndim == 2:  # not known
        assert not found.any()
        return
    for i in range(len(found)):
        exact = 0.99 * largest_safe_rate(problem.alone(i))
        if problem.l2[i]:  # of the intercept, too
            assert 0.5 * exact < found[i] <= exact * (1 + 1e-12)
        else:
            assert found[i] == pytest.approx(exact, rel=1e-9)


def test_safe_rates_at_the_least(monkeypatch):
    monkeypatch.setattr(side_by_side, "FEW_ROWS", 1)
    problem = Problem("one sigmoid", classes_weigh=True)
    found = problem.together.safe_rates()
    for i in range(len(found)):
        exact = largest_safe_rate(problem.alone(i))
        assert 0.3 * exact < found[i] < exact
    huge = Problem("one sigmoid", dtype=np.float32)
    huge.together.X = huge.together.X * np.float32(1e30)
    with numbers_may_end():
        assert not huge.together.safe_rates().any()


@every
@makes
@dtypes
@pytest.mark.filterwarnings("error")
def test_extreme_logits(name, make, dtype):
    problem = Problem(name, make=make, dtype=dtype, size=1e4)
    problem.l2[:] = 0
    problem.together._penalty[:] = 0
    with numbers_may_end():
        problem.check(rtol=1e-10 if dtype is np.float64 else 1e-4)


@counting
def test_some_of_the_members(draw_counts):
    Problem(draw_counts=draw_counts).check(np.array([5, 0, 2, 2]) % 5)
    Problem(draw_counts=draw_counts).check(np.array([1]))


def test_no_members():
    problem = Problem()
    none = np.zeros(0, dtype=int)
    theta = problem.theta[:, none]
    assert problem.together.gradients(theta, none).shape == theta.shape
    assert problem.together.values(theta, none).shape == (0,)


@makes
@dtypes
def test_many_blocks(monkeypatch, make, dtype):
    """Groups long enough for the blocks of two threads, each of many rows."""
    monkeypatch.setattr(side_by_side, "block_rows", lambda *given: 17)
    problem = Problem(n=1500, make=make, dtype=dtype)
    assert len(problem.together.groups) == 3
    problem.check(rtol=1e-10 if dtype is np.float64 else 1e-5)


@counting
def test_groups_are_of_rows_that_count_alike(draw_counts):
    counts = draw_counts(900, np.random.default_rng(0))
    order, groups = side_by_side._grouped(counts)
    np.testing.assert_array_equal(np.sort(order), np.flatnonzero(counts.any(axis=1)))
    ends = [0, *(group.rows.stop for group in groups)]
    assert [group.rows.start for group in groups] == ends[:-1]
    assert ends[-1] == len(order)
    for group in groups:
        like = np.broadcast_to(group.counts, counts[order[group.rows]].shape)
        np.testing.assert_array_equal(counts[order[group.rows]], like)
    is_partition = draw_counts in (folds, one_split)
    assert all(group.counts.ndim == (1 if is_partition else 2) for group in groups)


patient = settings(  # however busy the machine is
    deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40
)


@given(
    n=st.integers(1, 40),
    n_splits=st.integers(1, 5),
    most=st.integers(1, 4),
    few=st.integers(1, 9),
    name=st.sampled_from([*LIKELIHOODS]),
    seed=st.integers(0, 1000),
)
@patient
def test_any_counts(n, n_splits, most, few, name, seed):
    def draw_counts(n, rng):
        counts = rng.integers(0, most + 1, (n, n_splits))
        counts[0] = 1
        return counts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(side_by_side, "FEW_ROWS", few)
        problem = Problem(name, draw_counts, n=n, seed=seed, weighted=False)
    problem.check()


def test_inputs_are_not_written_to():
    for make in (np.array, sp.csr_array):
        problem = Problem("softmax of 3", make=make, classes_weigh=True)
        parts = [problem.codes, problem.counts, problem.weights, problem.tables]
        parts += [problem.X.data] if sp.issparse(problem.X) else [problem.X]
        for part in parts:
            part.flags.writeable = False
        problem.check()


def test_parameters_up_to_the_largest_give_finite_numbers():
    for more in ({}, {"dtype": np.float32}, {"in_units": True}):
        problem = Problem("softmax of 3", **more)
        members = np.arange(len(problem.splits))
        theta = np.sign(problem.theta) * problem.together.largest
        with np.errstate(over="ignore"):
            gradients = problem.together.gradients(theta, members)
            values = problem.together.values(theta, members)
        assert np.isfinite(gradients).all() and np.isfinite(values).all()
