"""Likelihoods: value, residual and curvature against loops and finite differences."""

import math

import numpy as np
import pytest
from reference import categorical_log_likelihood
from reference import log_sigmoid as slow_log_sigmoid

from skneuron._model import Likelihood, log_sigmoid, log_softmax
from skneuron._model.likelihood import sigmoid, softmax

LIKELIHOODS = {
    "one sigmoid": Likelihood([0]),
    "three sigmoids": Likelihood([0, 0, 0]),
    "softmax of 4": Likelihood([4]),
    "softmax of 2": Likelihood([2]),
    "softmax of 1": Likelihood([1]),
    "joint": Likelihood([0, 3, 1, 0]),
}
every = pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)
floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def parts(likelihood):
    """Each output's (is it a softmax?, number of logits), in order."""
    return [(k > 0, max(k, 1)) for k in likelihood.widths.tolist()]


def draw(likelihood, n=6, scale=3.0, seed=0):
    """Logits and codes."""
    rng = np.random.default_rng(seed)
    z = scale * rng.standard_normal((n, likelihood.n_logits))
    n_classes = [k if softmax else 2 for softmax, k in parts(likelihood)]
    return z, rng.integers(0, n_classes, (n, len(n_classes)))


def slow_log_prob(likelihood, z, codes):
    """One example and one output a time."""
    result = np.zeros(codes.shape)
    for i in range(len(z)):
        first = 0
        for output, (is_softmax, k) in enumerate(parts(likelihood)):
            logits, code = z[i, first : first + k], int(codes[i, output])
            if is_softmax:
                result[i, output] = categorical_log_likelihood([logits], [code])
            else:
                sign = 1.0 if code == 1 else -1.0
                result[i, output] = slow_log_sigmoid(sign * float(logits[0]))
            first += k
    return result


def dense_curvature(likelihood, z):
    """The couplings as one matrix for each row."""
    n, m = z.shape
    matrices = np.zeros((n, m, m))
    for (a, c), values in likelihood.couplings(z).items():
        assert a <= c and values.shape == (n,)
        matrices[:, a, c] = matrices[:, c, a] = values
    return matrices


@every
def test_counts(likelihood):
    z, codes = draw(likelihood)
    assert likelihood.n_outputs == len(parts(likelihood)) == codes.shape[1]
    assert likelihood.n_logits == sum(k for _, k in parts(likelihood))
    assert likelihood.coupled == max(k for _, k in parts(likelihood))
    assert likelihood.log_prob(z, codes).shape == codes.shape
    assert likelihood.y_hat(z).shape == z.shape


@every
@pytest.mark.parametrize("scale", [1e-8, 1.0, 30.0, 1e4])
def test_log_prob_is_the_log_of_the_probability(likelihood, scale):
    z, codes = draw(likelihood, scale=scale)
    found = likelihood.log_prob(z, codes)
    assert np.allclose(found, slow_log_prob(likelihood, z, codes), 1e-13, 1e-15)


@every
def test_probabilities_agree_with_log_prob(likelihood):
    z, codes = draw(likelihood)
    y_hat, log_prob = likelihood.y_hat(z), likelihood.log_prob(z, codes)
    first = 0
    for output, (is_softmax, k) in enumerate(parts(likelihood)):
        p = y_hat[:, first : first + k]
        if is_softmax:
            assert np.allclose(p.sum(axis=1), 1)
            p = np.take_along_axis(p, codes[:, [output]], axis=1)
        else:
            p = np.where(codes[:, [output]] == 1, p, 1 - p)
        assert np.allclose(np.exp(log_prob[:, output]), p[:, 0])
        first += k


@every
def test_residual_is_the_slope_of_log_prob(likelihood):
    z, codes = draw(likelihood)
    found = likelihood.residual(z, codes)
    step = 1e-5
    for c in range(z.shape[1]):
        up, down = z.copy(), z.copy()
        up[:, c] += step
        down[:, c] -= step
        rise = likelihood.log_prob(up, codes) - likelihood.log_prob(down, codes)
        assert np.allclose(found[:, c], rise.sum(axis=1) / (2 * step), atol=1e-9)


@every
def test_curvature_is_minus_the_slope_of_the_residual(likelihood):
    z, codes = draw(likelihood)
    found = dense_curvature(likelihood, z)
    step = 1e-5
    for c in range(z.shape[1]):
        up, down = z.copy(), z.copy()
        up[:, c] += step
        down[:, c] -= step
        fall = likelihood.residual(down, codes)
        fall = fall - likelihood.residual(up, codes)
        assert np.allclose(found[:, :, c], fall / (2 * step), atol=1e-9)


@every
def test_largest_curvature_is_reached_and_never_passed(likelihood):
    z, _ = draw(likelihood, n=200)
    z[0] = 0.0
    z[1] = 0.0
    first = 0
    for _, k in parts(likelihood):  # two classes share all the probability
        z[1, first + 2 : first + k] = -1e3
        first += k
    largest = np.linalg.eigvalsh(dense_curvature(likelihood, z)).max()
    assert largest <= likelihood.largest_curvature + 1e-12
    if likelihood.widths.tolist() != [1]:
        assert largest >= likelihood.largest_curvature - 1e-12


@every
def test_couplings_name_every_pair_of_logits_of_an_output(likelihood):
    z, _ = draw(likelihood)
    pairs, first = set(), 0
    for _, k in parts(likelihood):
        pairs |= {(first + a, first + c) for c in range(k) for a in range(c + 1)}
        first += k
    assert set(likelihood.couplings(z)) == pairs


@every
@floats
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_the_weights_of_a_coupling_are_of_one_sign(likelihood, dtype, scale):
    z = draw(likelihood, n=300, scale=scale)[0].astype(dtype)
    for (a, c), values in likelihood.couplings(z).items():
        assert values.dtype == dtype
        assert np.all(values >= 0) if a == c else np.all(values <= 0)


@every
@floats
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1.0, 30.0, 1e4, "huge"])
def test_both_at_once_are_as_one_by_one(likelihood, dtype, weighted, scale):
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    if scale == "huge":  # and sums of so many are finite
        scale = float(np.finfo(dtype).max) / 2**14
    z, codes = draw(likelihood, n=300, scale=1.0)
    z = (z * scale).astype(dtype)
    z[:3], z[3:6, ::2] = 0.0, -0.0
    weights, by_output = None, np.ones((300, likelihood.n_outputs), dtype)
    if weighted:
        weights = by_output = np.random.default_rng(1).random(by_output.shape)
    weights, by_output = weights, by_output.astype(dtype)
    kept = z.copy(), codes.copy()
    with np.errstate(all="raise", under="ignore"):
        total, residual = likelihood.sum_and_residual(z.copy(), codes, weights)
        same = likelihood.total(z, codes, weights)
        y_hat = likelihood.y_hat(z)
        expected = by_output * likelihood.log_prob(z, codes)
    assert residual.dtype == y_hat.dtype == dtype
    assert residual.shape == y_hat.shape == z.shape
    expected = math.fsum(expected.ravel().tolist())  # of terms of one sign
    assert total == same == pytest.approx(expected, rel=16 * eps, abs=tiny)
    # The compiled core takes exp of what is next to the smallest number for 0.
    plain = likelihood._by_output(sigmoid, softmax, z)
    assert np.allclose(y_hat, plain, 4 * eps, 4 * tiny)
    expected = likelihood.per_logit(by_output) * likelihood.residual(z, codes)
    assert np.allclose(residual, expected, 4 * eps, 4 * eps)
    assert np.array_equal(z, kept[0]) and np.array_equal(codes, kept[1])


@floats
def test_certain_rows_are_not_rounded_away(dtype):
    """The sum of what 10,000 rows lack of certainty: each 1e-20 of it."""
    z = np.full((10_000, 1), np.log(1e20), dtype)
    codes = np.ones((10_000, 1), int)
    assert Likelihood([0]).total(z, codes) == pytest.approx(-1e-16, rel=1e-4)
    z[::10] = 0.1  # among others
    expected = -1000 * np.log1p(np.exp(-0.1))
    assert Likelihood([0]).total(z, codes) == pytest.approx(expected, rel=1e-6)


@floats
@pytest.mark.parametrize("gap", [10.0, 50.0])
def test_what_a_nearly_certain_class_lacks_is_not_rounded_away(dtype, gap):
    z = np.array([[0.0, gap, -1.0], [gap, gap, 0.0]], dtype=dtype)
    codes, weights = np.ones((2, 1), np.int32), np.array([1.0, 0.0], dtype=dtype)
    expected = -math.log1p(math.exp(-gap) + math.exp(-1 - gap))
    log_prob = Likelihood([3]).log_prob(z, codes)[:, 0]
    assert log_prob[0] == pytest.approx(expected, rel=1e-4)
    assert log_prob[1] == pytest.approx(-math.log(2), rel=1e-4)
    total = Likelihood([3]).total(z, codes, weights)
    assert total == pytest.approx(expected, rel=1e-4)


@floats
@pytest.mark.parametrize("codes_dtype", [np.int8, np.int16, np.int32, np.int64])
@every
def test_both_at_once_take_codes_of_any_integer_type(likelihood, dtype, codes_dtype):
    z, codes = draw(likelihood)
    z = z.astype(dtype)
    found = likelihood.sum_and_residual(z.copy(), codes.astype(codes_dtype))
    expected = likelihood.sum_and_residual(z.copy(), codes)
    assert found[0] == expected[0]
    assert np.array_equal(found[1], expected[1])


@every
@floats
@pytest.mark.parametrize("size", [1e6, "huge"])
def test_a_label_that_is_certain_is_certain_both_at_once(likelihood, dtype, size):
    """However large the logit that says so: log 1 is 0."""
    if size == "huge":
        size = float(np.finfo(dtype).max) / 4
    z, codes = draw(likelihood, n=50)
    first = 0
    for output, (is_softmax, k) in enumerate(parts(likelihood)):
        if is_softmax:
            z[:, first : first + k] = -size
            np.put_along_axis(z[:, first : first + k], codes[:, [output]], size, 1)
        else:
            z[:, first] = np.where(codes[:, output] == 1, size, -size)
        first += k
    z = z.astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        y_hat = likelihood.y_hat(z)
        total, residual = likelihood.sum_and_residual(z, codes)
    assert total == 0
    assert np.all(residual == 0)
    assert np.all((y_hat == 0) | (y_hat == 1))


@every
def test_one_class_is_certain(likelihood):
    z, codes = draw(likelihood)
    residual = likelihood.residual(z, codes)
    log_prob, first = likelihood.log_prob(z, codes), 0
    for output, (is_softmax, k) in enumerate(parts(likelihood)):
        if is_softmax and k == 1:
            assert np.all(log_prob[:, output] == 0)
            assert np.all(residual[:, first] == 0)
        first += k


@every
def test_per_logit_gives_every_logit_the_weight_of_its_output(likelihood):
    z, codes = draw(likelihood)
    w = np.random.default_rng(1).random(codes.shape)
    expected, first = np.empty_like(z), 0
    for output, (_, k) in enumerate(parts(likelihood)):
        for c in range(first, first + k):
            expected[:, c] = w[:, output]
        first += k
    found = np.broadcast_to(likelihood.per_logit(w), z.shape)
    assert np.array_equal(found, expected)


@every
@floats
@pytest.mark.parametrize("size", ["1e6", "huge"])
def test_safe_at_any_logit(likelihood, dtype, size):
    size = 1e6 if size == "1e6" else {np.float32: 1e38, np.float64: 1e300}[dtype]
    values = np.array([-size, -1.0, 0.0, 1.0, size])
    rng = np.random.default_rng(0)
    z = rng.choice(values, (200, likelihood.n_logits)).astype(dtype)
    _, codes = draw(likelihood, n=200)
    with np.errstate(all="raise", under="ignore"):
        log_prob, y_hat = likelihood.log_prob(z, codes), likelihood.y_hat(z)
        residual = likelihood.residual(z, codes)
        curvature = dense_curvature(likelihood, z)
    assert log_prob.dtype == y_hat.dtype == dtype
    eps = np.finfo(dtype).eps
    assert np.allclose(log_prob, slow_log_prob(likelihood, z, codes), 8 * eps, 8 * eps)
    assert np.all((y_hat >= 0) & (y_hat <= 1))
    assert np.all(np.abs(residual) <= 1)
    assert np.all(np.isfinite(curvature))


@every
def test_only_the_logits_of_both_at_once_may_be_overwritten(likelihood):
    z, codes = draw(likelihood)
    weights = np.random.default_rng(1).random(codes.shape)
    before = z.copy(), codes.copy(), weights.copy()
    y_hat = likelihood.y_hat(z)
    kept = y_hat.copy()
    likelihood.log_prob(z, codes)
    likelihood.total(z, codes, weights)
    likelihood.y_hat(z)
    likelihood.residual(z, codes)
    dense_curvature(likelihood, z)
    assert np.array_equal(z, before[0])
    assert np.array_equal(y_hat, kept)
    likelihood.sum_and_residual(z, codes, weights)
    assert np.array_equal(codes, before[1])
    assert np.array_equal(weights, before[2])


@every
def test_few_rows_as_many(likelihood):
    z, codes = draw(likelihood)
    total, residual = likelihood.sum_and_residual(z.copy(), codes)
    many, each = likelihood.sum_and_residual(
        np.tile(z, (300, 1)), np.tile(codes, (300, 1))
    )
    assert many == pytest.approx(300 * total, rel=1e-14)
    assert np.allclose(each, np.tile(residual, (300, 1)), rtol=1e-15, atol=1e-15)


def test_sigmoid_is_exact_in_both_tails():
    z = np.array([-700.0, -40.0, -1e-3, 0.0, 1e-3, 40.0, 700.0])
    p, log_p = sigmoid(z), log_sigmoid(z)
    for value, found, log_found in zip(z, p, log_p):
        if value < 0:
            expected = math.exp(value) / (1 + math.exp(value))
        else:
            expected = 1 / (1 + math.exp(-value))
        assert found == pytest.approx(expected, rel=1e-15)
        assert log_found == pytest.approx(slow_log_sigmoid(value), rel=1e-15)


def test_log_softmax_does_not_mind_a_shift():
    z = np.random.default_rng(0).standard_normal((5, 3))
    assert np.allclose(log_softmax(z), log_softmax(z + 1000.0), atol=1e-12)
    assert np.allclose(np.exp(log_softmax(z)).sum(axis=1), 1)


def test_softmax_of_two_is_the_sigmoid_of_their_difference():
    z = np.random.default_rng(0).standard_normal((9, 2))
    codes = np.arange(9)[:, None] % 2
    assert np.allclose(
        Likelihood([2]).log_prob(z, codes),
        Likelihood([0]).log_prob(z[:, [1]] - z[:, [0]], codes),
    )
