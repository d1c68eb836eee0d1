"""Which rows: in batches, every one once; set aside, of each class its share."""

import numpy as np
import pytest

from skneuron._ascent import Adam, Gradient, Momentum, Rate
from skneuron._data.batches import Batches, drawn, quotas
from skneuron._data.rows import Rows
from skneuron._model import Likelihood, Network, Objective

# --- batches --------------------------------------------------------------------------


@pytest.mark.parametrize(("n_rows", "size"), [(10, 3), (10, 5), (10, 10), (3, 7)])
@pytest.mark.parametrize("shuffled", [True, False])
def test_batches_take_every_row_once(n_rows, size, shuffled):
    batches = Batches(n_rows, size, np.random.RandomState(0) if shuffled else None)
    rows = np.arange(n_rows)
    for _ in range(3):
        drawn = [rows[at] for at in batches()]
        assert sorted(np.concatenate(drawn)) == [*rows]
        assert all(len(batch) == min(size, n_rows) for batch in drawn[:-1])
        if not shuffled:
            assert np.array_equal(np.concatenate(drawn), rows)


def test_batches_are_drawn_anew_and_by_the_seed():
    rows = np.arange(50)

    def draw(batches):
        return np.concatenate([rows[at] for at in batches()])

    one, other = (Batches(50, 8, np.random.RandomState(0)) for _ in range(2))
    first, second = draw(one), draw(one)
    assert not np.array_equal(first, second)
    assert np.array_equal(draw(other), first)
    assert np.array_equal(draw(other), second)


def test_one_batch_of_all_rows_needs_no_order():
    rng = np.random.RandomState(0)
    before = rng.get_state()[1].copy()
    (at,) = Batches(5, 5, rng)()
    assert np.array_equal(np.arange(5)[at], np.arange(5))
    assert np.array_equal(rng.get_state()[1], before)


RULES = {
    "gradient": (Gradient, lambda: Rate(0.1)),
    "momentum": (lambda: Momentum(0.9), lambda: Rate(0.1)),
    "adam": (Adam, lambda: Rate(0.1, half_life=7)),
}


def problem(n=23, l2=0.5, weighted=True):
    rng = np.random.default_rng(0)
    X, codes = rng.standard_normal((n, 3)), rng.integers(0, 3, (n, 1))
    weights = rng.random(n) + 0.5 if weighted else None
    objective = Objective(Network((3, 3)), Likelihood([3]), Rows(X, codes, weights), l2)
    return objective, rng.standard_normal(objective.n_parameters)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [1, 5, 23, 40])
@pytest.mark.parametrize("whole_penalty", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_an_epoch_takes_a_step_for_each_batch(
    rule, size, whole_penalty, compiled, monkeypatch
):
    """Compiled or not; the next goes on with the memory and the rate of the last."""
    objective, start = problem()
    if not compiled:
        monkeypatch.setattr(objective, "compiled_steps", lambda *_, **__: None)
    (direction, step_size), (slow, rate) = ([f() for f in RULES[rule]] for _ in "ab")
    batches, again = (Batches(23, size, np.random.RandomState(0)) for _ in range(2))
    epoch = batches.over(objective, whole_penalty=whole_penalty)
    theta, expected = start.copy(), start.copy()
    for _ in range(3):
        met = epoch(theta, direction, step_size)
        total = 0.0
        for at in again():
            batch = objective.on(objective.rows.take(at), whole_penalty=whole_penalty)
            here = batch.evaluate(expected)
            total += here.log_likelihood
            slow.move(expected, here.gradient, rate.next_rate())
        assert met == pytest.approx(total, rel=1e-12)
        np.testing.assert_allclose(theta, expected, rtol=1e-9, atol=1e-12)
    assert step_size.next_rate() == rate.next_rate()


# --- set aside ------------------------------------------------------------------------


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_each_class_gives_its_share(seed, n_parts):
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 300, (n_parts, 4))
    found = quotas(100, counts)
    assert found.shape == counts.shape and np.all(found <= counts)
    share = counts.sum(axis=0) * 100 / counts.sum()
    assert np.all(abs(found.sum(axis=0) - share) <= 1)
    assert np.all(found.sum(axis=0) >= 1)


def test_a_small_class_is_on_both_sides():
    assert quotas(10, [[1000, 2, 0]]).tolist() == [[9, 1, 0]]
    assert quotas(900, [[1000, 2]]).tolist() == [[898, 1]]


def test_a_class_of_one_is_no_class_to_share_out():
    assert quotas(10, [[99, 1]]).tolist() == [[10]]
    assert quotas(10, [[30, 1], [69, 0]]).sum() == 10
    assert quotas(10, [[60, 40]], by_class=False).tolist() == [[10]]


@pytest.mark.parametrize("quota", [[3, 0, 20], [7]])
def test_as_many_as_asked_at_random(quota):
    codes = np.repeat([0, 1, 2], [10, 20, 30])
    times = np.zeros(60)
    for seed in range(2000):
        rest, aside = drawn(codes, quota, seed)
        assert sorted([*rest, *aside]) == [*range(60)]
        times[aside] += 1
        if len(quota) == 3:
            assert np.bincount(codes[aside], minlength=3).tolist() == quota
        else:
            assert len(aside) == quota[0]
    for one, again in zip(drawn(codes, quota, 5), drawn(codes, quota, 5)):
        np.testing.assert_array_equal(one, again)
    expected = np.repeat([3 / 10, 0, 20 / 30], [10, 20, 30])
    if len(quota) == 1:
        expected = np.full(60, 7 / 60)
    assert abs(times / 2000 - expected).max() < 0.06
