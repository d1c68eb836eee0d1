"""Passes over rows: the kernel against loops over them, and the generic line."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from slow import (
    LAYOUTS,
    LIKELIHOODS,
    NUMBERS,
    by_output,
    draw_codes,
    draw_features,
    draw_sparse,
    draw_weights,
    dtypes,
    floats,
    generic,
    likelihoods,
    n_rows,
    needs_core,
    of_row,
    patched,
    seeds,
    sums,
    threads,
    weightings,
)

from skneuron import _kernels
from skneuron._data.rows import Rows
from skneuron._model import (
    Likelihood,
    Network,
)
from skneuron._model.sums import over_rows

pytestmark = needs_core
PAIR = Likelihood([2, 0])
#: Rounding errors, by the sizes of what sums are made of.
NEAR = {np.float64: 1e-14, np.float32: 5e-6}


def slow(X, codes, likelihood, theta, weights, intercept, spans=None):
    """Log-likelihood, gradient and curvature; and the sizes of what they are made of.

    The curvature is (n_inputs, n_inputs) for each pair of logits. Rounding errors are
    those of the logits, z, and of differences such as 1 - y_hat.
    """
    at = np.concatenate([np.r_[span] for span in spans or [slice(0, len(codes))]])
    at = at.astype(int)
    x = np.c_[X[at].astype(np.float64), np.ones((len(at), int(intercept)))]
    theta = theta.astype(np.float64)
    w = by_output(weights, len(codes), likelihood)[at]
    rows = zip((x @ theta).tolist(), codes[at].tolist(), w.tolist())
    k, n_inputs = theta.shape[1], len(theta)
    columns = [(), (k,), (k,), (k, k), (k, k)]
    columns = [np.zeros((len(at), *shape)) for shape in columns]
    for i, row in enumerate(rows):
        of = of_row(*row, likelihood.widths.tolist())
        for column, value in zip(columns, of):
            column[i] = value
    values, _, residual, couplings, minuend = columns

    def sums(x, values, residual, couplings):
        pairs = np.zeros((k, k, n_inputs, n_inputs))
        for a, c in likelihood.pairs:
            pairs[a, c] = x.T @ (couplings[:, a, c, None] * x)
        return values.sum(), x.T @ residual, pairs

    size_of_z = np.abs(x) @ np.abs(theta)
    shaken = np.einsum("iaa,ia->i", couplings, size_of_z)[:, None, None]
    w = np.broadcast_to(likelihood.per_logit(w), residual.shape)
    sizes = (
        np.abs(x),
        np.abs(values) + np.abs(residual * size_of_z).sum(axis=1) + w.sum(axis=1),
        w + shaken[:, 0],
        np.abs(couplings) + minuend + shaken,
    )
    return sums(x, values, residual, couplings), sums(*sizes)


def check(found, expected, sizes, dtype, pairs):
    """Whether they are near, by the sizes of what they are made of."""
    values, gradient, squares = found
    assert values.shape == (1,)
    near = [NEAR[dtype] * np.maximum(size, 1e-30) for size in sizes]
    assert abs(values[0] - expected[0]) <= near[0]
    if gradient is not None:
        assert gradient.shape == expected[1].shape
        np.testing.assert_array_less(np.abs(gradient - expected[1]), near[1])
    assert [*squares] == pairs
    for (a, c), square in squares.items():
        off = np.abs(square - expected[2][a, c])
        np.testing.assert_array_less(off, near[2][a, c])
        np.testing.assert_array_equal(square, square.T)


@given(
    likelihoods,
    dtypes,
    n_rows,
    st.integers(1, 9),
    st.sampled_from([*NUMBERS, "narrow", "wide"]),
    st.sampled_from([*LAYOUTS]),
    weightings,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    seeds,
)
@settings(deadline=None, max_examples=80)
def test_of_any_rows_as_the_loops(
    likelihood, dtype, n, d, number, layout, weighting, intercept, centred, cut, seed
):
    rng = np.random.default_rng(seed)
    if isinstance(number, str):
        X = draw_sparse(rng, n, d, dtype, number == "wide")
        dense, layout = X.toarray(), number
    else:
        X = dense = draw_features(rng, n, d, number, layout)
    codes = draw_codes(rng, n, likelihood, rng.choice([np.int8, np.int16, np.int64]))
    weights = draw_weights(rng, n, likelihood, weighting, rng.choice([dtype, float]))
    theta = rng.standard_normal((d + intercept, likelihood.n_logits)).astype(dtype)
    centre = spans = None
    read = dense.astype(dtype)
    if centred:
        centre = rng.standard_normal(d), 2.0 ** rng.integers(-2, 3, d)
        read = (read - centre[0].astype(dtype)) * centre[1].astype(dtype)
    if cut:
        a, b, c, e = sorted(rng.integers(0, n + 1, 4))
        spans = [slice(a, b), slice(c, e)]
    expected, sizes = slow(read, codes, likelihood, theta, weights, intercept, spans)
    given = {"intercept": intercept, "weights": weights}
    with patched(CHUNK_WORK=rng.choice([64, 1 << 14])):
        for gradients, curvature in [(True, True), (True, False), (False, False)]:
            found = sums(
                _kernels.readable(X, dtype),
                codes,
                likelihood,
                theta,
                centre=centre,
                spans=spans,
                gradients=gradients,
                curvature=curvature,
                **given,
            )
            pairs = likelihood.pairs if curvature else []
            assert (found[1] is None) != gradients
            check(found, expected, sizes, dtype, pairs)


@given(
    likelihoods,
    dtypes,
    n_rows,
    st.integers(1, 9),
    st.sampled_from(["C", "F", "narrow"]),
    weightings,
    st.booleans(),
    st.booleans(),
    seeds,
)
@settings(deadline=None, max_examples=40)
def test_as_the_generic_line(
    likelihood, dtype, n, d, layout, weighting, intercept, centred, seed
):
    rng = np.random.default_rng(seed)
    if layout == "narrow":
        X = draw_sparse(rng, n, d, dtype, False)
    else:
        X = draw_features(rng, n, d, dtype, layout)
    centre = (
        (rng.standard_normal(d), 2.0 ** rng.integers(-2, 3, d)) if centred else None
    )
    centre = centre and tuple(of.astype(dtype) for of in centre)
    weights = draw_weights(rng, n, likelihood, weighting, dtype)
    codes = draw_codes(rng, n, likelihood)
    network = Network((d, likelihood.n_logits), fit_intercept=intercept)
    theta = rng.standard_normal(network.n_parameters)
    given = network, likelihood, theta, Rows(X, codes, weights, centre)
    found = over_rows(*given, order=2)
    with generic():
        expected = over_rows(*given, order=2)
    near = {"rtol": 10 * NEAR[dtype], "atol": 10 * n * NEAR[dtype]}
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-5)
    np.testing.assert_allclose(found.log_likelihood, expected.log_likelihood, **near)
    np.testing.assert_allclose(found.gradient, expected.gradient, **near)
    assert found.pairs.keys() == expected.pairs.keys()
    for pair, square in found.pairs.items():
        np.testing.assert_allclose(square, expected.pairs[pair], **near)


# --- curvatures of many inputs: tiles -------------------------------------------------


@floats
@pytest.mark.parametrize("d", [63, 64, 65, 127, 128, 257, 603])
@pytest.mark.parametrize("likelihood", [Likelihood([0]), PAIR], ids="BP")
def test_large_curvatures(dtype, d, likelihood):
    rng = np.random.default_rng(d)
    n, intercept = 40, d != 65
    X = draw_features(rng, n, d, dtype)
    codes = draw_codes(rng, n, likelihood)
    weights = draw_weights(rng, n, likelihood, "outputs", dtype)
    theta = rng.standard_normal((d + intercept, likelihood.n_logits)).astype(dtype)
    theta /= np.sqrt(d, dtype=dtype)
    expected, sizes = slow(X, codes, likelihood, theta, weights, intercept)
    for most, n_rows_of in [(64, 64), (1, 1 << 30)]:  # chunks: several, and one
        with patched(MOST_CHUNKS=most, CHUNK_WORK=n_rows_of, SUMS=1 << 30, FEWEST=most):
            found = sums(
                X,
                codes,
                likelihood,
                theta,
                intercept=intercept,
                weights=weights,
                curvature=True,
            )
        check(found, expected, sizes, dtype, likelihood.pairs)


@floats
@pytest.mark.parametrize("d", [3, 70, 140])
@pytest.mark.parametrize("density", [0.05, 0.2, 0.9])
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("centred", [True, False])
def test_curvatures_of_sparse_rows(dtype, d, density, wide, centred):
    rng = np.random.default_rng(d)
    likelihood, n = PAIR, 60
    X = draw_sparse(rng, n, d, dtype, wide, density)
    codes = draw_codes(rng, n, likelihood)
    weights = draw_weights(rng, n, likelihood, "rows", dtype)
    theta = rng.standard_normal((d + 1, 3)).astype(dtype) / np.sqrt(d, dtype=dtype)
    read, centre = X.toarray(), None
    if centred:
        centre = rng.standard_normal(d).astype(dtype), np.full(d, 0.5, dtype)
        read = (read - centre[0]) * centre[1]
    expected, sizes = slow(read, codes, likelihood, theta, weights, True)
    X = _kernels.readable(X, dtype)
    given = {"intercept": True, "weights": weights, "centre": centre}
    for work in (64, 1 << 30):  # chunks: several, and one
        with patched(CHUNK_WORK=work):
            found = sums(X, codes, likelihood, theta, curvature=True, **given)
        check(found, expected, sizes, dtype, likelihood.pairs)


# --- many members ---------------------------------------------------------------------


@given(
    st.sampled_from(LIKELIHOODS),
    dtypes,
    n_rows,
    st.integers(1, 6),
    st.integers(1, 7),
    st.sampled_from(["C", "F", np.int8, "narrow"]),
    st.sampled_from([None, "rows", "zeros"]),
    st.booleans(),
    seeds,
)
@settings(deadline=None, max_examples=40)
def test_each_of_many_members_as_alone(
    likelihood, dtype, n, d, k, layout, weighting, intercept, seed
):
    rng = np.random.default_rng(seed)
    if layout == "narrow":
        X = draw_sparse(rng, n, d, dtype, False)
        dense = X.toarray()
    elif layout == np.int8:
        X = dense = draw_features(rng, n, d, np.int8)
    else:
        X = dense = draw_features(rng, n, d, dtype, layout)
    codes = draw_codes(rng, n, likelihood)
    weights = draw_weights(rng, n, likelihood, weighting, dtype)
    size = likelihood.n_logits
    theta = rng.standard_normal((k, d + intercept, size)).astype(dtype)
    given = _kernels.readable(X, dtype), codes, likelihood
    options = {"intercept": intercept, "weights": weights}
    values, gradients, _ = sums(*given, theta, n_members=k, **options)
    for own, value, gradient in zip(theta, values, gradients, strict=True):
        alone, slope, _ = sums(*given, own, **options)
        assert value == alone[0]  # to the bit
        np.testing.assert_array_equal(gradient, slope)
        expected = slow(dense.astype(dtype), codes, likelihood, own, weights, intercept)
        check((alone, slope, {}), *expected, dtype, [])


# --- extremes -------------------------------------------------------------------------

FEATURES = [0.0, -0.0, 5e-324, 1e-310, 1e-150, -1e-150, 1.0, -3.0, 1e6, 1e150, -1e150]


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda of: str(of.widths))
@pytest.mark.parametrize("make", [np.array, sp.csr_array])
@pytest.mark.parametrize("size", [1e-150, 1e-3, 1.0, 1e6, 1e150])
def test_what_is_finite_in_the_loops_is_finite(likelihood, make, size):
    """Logits of 1e6, 1e150 and 1e300 among them, and of next to nothing."""
    rng = np.random.default_rng(0)
    n, d = 200, 3
    X = np.zeros((n, d))
    X[np.arange(n), rng.integers(0, d, n)] = rng.choice(FEATURES, n)
    X[rng.random(n) < 0.5, 0] = -0.0
    codes = draw_codes(rng, n, likelihood)
    theta = size * rng.standard_normal((d + 1, likelihood.n_logits)) / 8
    expected, sizes = slow(X, codes, likelihood, theta, None, True)
    values, gradient, pairs = sums(
        _kernels.readable(make(X), np.float64),
        codes,
        likelihood,
        theta,
        intercept=True,
        curvature=True,
    )
    assert all(np.isfinite(of).all() for of in (values, gradient, *pairs.values()))
    # A probability below the smallest regular number may be 0.
    x = np.abs(np.c_[X, np.ones(n)])
    tiny = np.finfo(float).tiny
    assert abs(values[0] - expected[0]) <= 1e-13 * sizes[0]
    allowed = 1e-13 * sizes[1] + 4 * tiny * x.sum(axis=0)[:, None] + 1e-300
    np.testing.assert_array_less(np.abs(gradient - expected[1]), allowed)
    for (a, c), square in pairs.items():
        allowed = 1e-13 * sizes[2][a, c] + 4 * tiny * (x.T @ x) + 1e-300
        off = np.abs(square - expected[2][a, c])
        np.testing.assert_array_less(off, allowed)


def test_float32_features_of_any_size():
    rng = np.random.default_rng(0)
    X = rng.choice([0.0, 1e-45, 1e-20, 1.0, 1e15, -1e15], (300, 1)).astype(np.float32)
    codes = draw_codes(rng, 300, Likelihood([0]))
    for size in (1e-20, 1.0, 1e15):
        theta = np.full((1, 1), size, np.float32)
        expected, sizes = slow(X, codes, Likelihood([0]), theta, None, False)
        given = {"intercept": False, "curvature": True}
        found = sums(X, codes, Likelihood([0]), theta, **given)
        check(found, expected, sizes, np.float32, [(0, 0)])


# --- threads, and what can be read ----------------------------------------------------


@pytest.mark.slow
@floats
@pytest.mark.parametrize("d", [5, 70, 200])
@pytest.mark.parametrize("make", [np.array, np.asfortranarray, sp.csr_array])
@pytest.mark.parametrize("likelihood", [Likelihood([0]), PAIR], ids="BP")
def test_the_same_bits_for_any_number_of_threads(dtype, d, make, likelihood):
    rng = np.random.default_rng(0)
    n = 700
    X = make((rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.2)).astype(dtype))
    codes = draw_codes(rng, n, likelihood)
    theta = rng.standard_normal((d + 1, likelihood.n_logits)).astype(dtype)
    results = []
    for n_threads in (1, 1, 2, 3, 8):
        with threads(n_threads):
            values, gradient, pairs = sums(
                _kernels.readable(X, dtype),
                codes,
                likelihood,
                theta,
                intercept=True,
                curvature=True,
            )
        results.append([values, gradient, *pairs.values()])
    for result in results[1:]:
        for one, other in zip(result, results[0]):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("work", [1 << 16, 64])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_many_spans_and_no_row_at_all(n_threads, work):
    """In one sum, and in several of some spans each."""
    rng = np.random.default_rng(0)
    X, codes = draw_features(rng, 2900, 2), draw_codes(rng, 2900, Likelihood([0]))
    theta = rng.standard_normal((3, 1))
    spans = [slice(i, i + 1) for i in range(0, 2900, 2)]  # more than a team takes tasks
    given = {"intercept": True, "curvature": True}

    def of(X, codes, spans=None):
        X = _kernels.readable(X, np.float64)
        return sums(X, codes, Likelihood([0]), theta, spans=spans, **given)

    with threads(n_threads), patched(CHUNK_WORK=work):
        found = of(X, codes, spans)
        nothing = of(X, codes, [slice(3, 3)]), of(X[:0], codes[:0])
    expected, sizes = slow(X, codes, Likelihood([0]), theta, None, True, spans)
    check(found, expected, sizes, np.float64, [(0, 0)])
    for values, gradient, pairs in nothing:
        assert not values.any() and not gradient.any() and not pairs[0, 0].any()


def test_a_pass_in_several_calls_is_one_pass():
    """Between calls an interrupt is seen."""
    rng = np.random.default_rng(0)
    X, codes = draw_features(rng, 9000, 3), draw_codes(rng, 9000, Likelihood([0]))
    given, theta = {"intercept": True, "curvature": True}, rng.standard_normal((4, 1))
    X = _kernels.readable(X, np.float64)

    def passed():
        values, gradient, pairs = sums(X, codes, Likelihood([0]), theta, **given)
        return [values, gradient, pairs[0, 0]]

    whole = passed()
    with patched(CALL_WORK=1, CHUNK_WORK=64):
        in_calls = passed()
    for found, expected in zip(in_calls, whole):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)


def test_what_the_kernels_read():
    X = np.zeros((4, 3))
    for array in [X, X.T, X[::-1, ::2], np.broadcast_to(X[:1], X.shape), X > 0]:
        assert _kernels.readable(array, np.float64) is array
    S = sp.csr_array(X + 1)
    data, indices, indptr, shape = _kernels.readable(S, np.float64)
    assert data is S.data and indices is S.indices and indptr is S.indptr
    assert shape == S.shape


def test_what_the_kernels_do_not_read():
    X = np.ones((4, 3))
    unaligned = np.zeros(97, np.uint8)[1:].view(float).reshape(4, 3)
    other = [unaligned, X[0], X.astype(">f8"), X.astype(np.float16), X.astype("M8[s]")]
    other += [X.astype(of) for of in (complex, np.longdouble, object, "U1")]
    other += [sp.csc_array(X), sp.coo_array(X), sp.csr_array(X > 0)]
    gaps, mixed = sp.csr_array(X), sp.csr_array(X)
    gaps.data = np.repeat(gaps.data, 2)[::2]
    mixed.indptr = mixed.indptr.astype(np.int64)
    for array in [*other, gaps, mixed]:
        assert _kernels.readable(array, np.float64) is None
    assert _kernels.readable(X, np.float16) is None
    with generic():
        assert _kernels.readable(X, np.float64) is None


@pytest.mark.parametrize("what", ["unaligned", "gaps", "mixed"])
def test_rows_that_cannot_be_read_as_they_are(what):
    """They are copied, or left to the generic line."""
    rng = np.random.default_rng(0)
    given = draw_features(rng, 300, 3)
    if what == "unaligned":
        X = np.zeros(given.nbytes + 1, np.uint8)[1:].view(float).reshape(given.shape)
        X[:] = given
    else:
        X = sp.csr_array(given)
        if what == "gaps":
            X.data = np.repeat(X.data, 2)[::2]
        else:
            X.indices = X.indices.astype(np.int64)
    codes = draw_codes(rng, 300, Likelihood([0]))
    network, theta = Network((3, 1)), rng.standard_normal(4)
    found, expected = (
        over_rows(network, Likelihood([0]), theta, Rows(of, codes), order=2)
        for of in (X, given)
    )
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(found.gradient, expected.gradient, atol=1e-11)
    np.testing.assert_allclose(found.pairs[0, 0], expected.pairs[0, 0], atol=1e-11)
