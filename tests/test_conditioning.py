"""The top is the same whatever the features' units, offsets and near-collinearity."""

import numpy as np
import pytest
import scipy.sparse as sp

from skneuron import GradientAscentLogisticRegression as LR


def overlapping(n=200, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("offset", [1e4, 1e7, 1e9])
def test_an_offset_changes_the_intercept_alone(solver, offset):
    X, y = overlapping()
    plain, moved = LR(tol=1e-8).fit(X, y), LR(solver=solver).fit(X + offset, y)
    assert moved.converged_
    assert moved.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-7)
    np.testing.assert_allclose(moved.coef_, plain.coef_, rtol=1e-5, atol=1e-5)


def test_an_offset_in_float32():
    X, y = overlapping()
    X = (X + 1e5).astype(np.float32)  # what is left of the digits is data
    exact = LR().fit(X.astype(np.float64), y).log_likelihood_
    assert LR().fit(X, y).log_likelihood_ == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("apart", [1e-4, 1e-6, 1e-8])
def test_what_a_column_has_beyond_a_sum_of_others_is_learned(apart):
    """Of so many columns, too, that a climb does not always begin with a curvature."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 150))
    z = 0.1 * X[:, :20].sum(axis=1) + 2 * X[:, 3]
    y = (rng.logistic(size=3000) < z).astype(int)
    exact = LR().fit(X, y).log_likelihood_
    X[:, 3] = X[:, 1] + X[:, 2] + apart * X[:, 3]
    assert LR().fit(X, y).log_likelihood_ == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_powers_of_raw_years(degree):
    rng = np.random.default_rng(0)
    year = rng.integers(1900, 2021, 400).astype(float)
    z = (year - 1960) / 60
    y = (rng.random(400) < 1 / (1 + np.exp(-2 * z))).astype(int)
    powers = np.arange(1, degree + 1)
    raw = LR().fit(year[:, None] ** powers, y)
    tidy = LR().fit(z[:, None] ** powers, y)
    assert raw.converged_
    assert raw.log_likelihood_ == pytest.approx(tidy.log_likelihood_, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e-8, 1e8, 1e12])
@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_a_unit_changes_its_coefficient_alone(solver, scale):
    X, y = overlapping()
    units = np.array([1.0, scale, 1.0])
    plain, scaled = LR(tol=1e-8).fit(X, y), LR(solver=solver).fit(X * units, y)
    assert scaled.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-8)
    np.testing.assert_allclose(scaled.coef_ * units, plain.coef_, rtol=1e-4, atol=1e-5)


def test_a_column_given_twice_shares_its_coefficient():
    X, y = overlapping()
    once, twice = LR().fit(X, y), LR().fit(X[:, [0, 0, 1, 2]], y)
    assert twice.log_likelihood_ == pytest.approx(once.log_likelihood_, abs=1e-9)
    np.testing.assert_allclose(twice.coef_[0, :2], once.coef_[0, 0] / 2, rtol=1e-6)


def test_a_penalty_too_small_to_matter_leaves_a_constant_column_alone():
    X, y = overlapping()
    model = LR(C=1e36).fit(np.c_[X, np.full(len(X), 7.3)], y)
    assert model.coef_[0, -1] == pytest.approx(0, abs=1e-9)
    assert model.log_likelihood_ == pytest.approx(LR().fit(X, y).log_likelihood_)


# --- data so many that a climb starts on a sample and keeps its curvature -------------

MANY = 40_000


def labels(rng, z):
    return (rng.random(len(z)) < 1 / (1 + np.exp(-z))).astype(int)


def powers(degree, years):
    rng = np.random.default_rng(degree)
    u = rng.uniform(-1, 1, MANY)
    X = (1960 + 60 * u if years else 3 * u)[:, None] ** np.arange(1, degree + 1)
    return X, labels(rng, u - 0.5 * u**2 + u**3)


def nearly_collinear(distance):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((MANY, 6))
    apart = rng.standard_normal(MANY)
    y = labels(rng, X[:, 0] + X[:, 1] + apart)
    return np.column_stack([X, X[:, 0] + distance * apart]), y


def scales_and_offsets():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((MANY, 10))
    return Z * np.logspace(-6, 6, 10) + np.logspace(0, 8, 10), labels(rng, Z.sum(1))


def rare_categories():
    rng = np.random.default_rng(0)
    X = (rng.random((MANY, 40)) < np.logspace(-3.7, -0.5, 40)).astype(float)
    y = labels(rng, X @ rng.standard_normal(40) - 1)
    order = np.argsort(X[:, 0], kind="stable")  # the rarest all in one place
    return X[order], y[order]


def heavy_tails():
    rng = np.random.default_rng(0)
    X = rng.standard_t(1.2, (MANY, 8))
    return X, labels(rng, np.clip(X.sum(1), -3, 3))


def few_of_a_class():
    rng = np.random.default_rng(0)
    return rng.standard_normal((MANY, 20)), (rng.random(MANY) < 0.002).astype(int)


def strong_signal_sorted_by_label():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((MANY, 20))
    y = labels(rng, X @ rng.standard_normal(20) * 3)
    return X[np.argsort(y)], np.sort(y)


MAKES = {
    **{f"years to the {n}": lambda n=n: powers(n, True) for n in (2, 3, 4)},
    **{f"powers up to {n}": lambda n=n: powers(n, False) for n in (3, 6, 9)},
    **{
        f"{distance} apart": lambda distance=distance: nearly_collinear(distance)
        for distance in (1e-2, 1e-4, 1e-6, 1e-8)
    },
    "scales and offsets": scales_and_offsets,
    "rare categories": rare_categories,
    "heavy tails": heavy_tails,
    "few of a class": few_of_a_class,
    "strong signal": strong_signal_sorted_by_label,
}


@pytest.mark.parametrize("name", MAKES)
def test_many_rows_reach_the_top_that_newton_reaches(name):
    X, y = MAKES[name]()
    model, newton = LR().fit(X, y), LR(solver="newton").fit(X, y)
    assert model.converged_
    # The last value is that of the attributes, whose large terms are rounded.
    rounding = np.finfo(float).eps * MANY**0.5 * np.abs(model.coef_ * X).max()
    assert np.all(np.diff(model.log_likelihood_curve_) >= -1e-9 - rounding)
    assert model.log_likelihood_ >= newton.log_likelihood_ - 1e-10 * MANY


def penalised(model):
    return model.log_likelihood_ - np.square(model.coef_).sum() / (2 * model.C)


@pytest.mark.parametrize("C", [np.inf, 100.0])
@pytest.mark.parametrize(("n_columns", "n_classes"), [(710, 2), (120, 6)])
def test_more_parameters_than_a_curvature_is_cheap_for(n_columns, n_classes, C):
    """Of columns that are walks: L-BFGS by itself takes up to a thousand iterations."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2500, n_columns)).cumsum(axis=1)
    z = X @ rng.standard_normal((n_columns, n_classes)) * 1e-3
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    model, newton = LR(C=C).fit(X, y), LR(C=C, solver="newton").fit(X, y)
    assert model.converged_ and model.n_iter_ < 100
    assert penalised(model) == pytest.approx(penalised(newton), abs=1e-9 * len(X))


@pytest.mark.slow
@pytest.mark.parametrize("condition", [1e5, 1e7])
def test_a_thin_ridge_of_many_columns_and_rows(condition):
    """Whose curvature hides its rank: the top is that of an orthonormal basis."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((6000, 690)))
    turned, _ = np.linalg.qr(rng.standard_normal((690, 690)))
    X = basis * np.geomspace(1, 1 / condition, 690) @ turned * 100
    y = labels(rng, X @ rng.standard_normal(690) * 0.05)
    model, expected = LR().fit(X, y), LR().fit(basis * 6000**0.5, y)
    assert model.converged_ and model.n_iter_ < 100
    top = expected.log_likelihood_
    assert model.log_likelihood_ == pytest.approx(top, abs=1e-9 * len(X))


@pytest.mark.parametrize("C", [1e2, 1e4, 1e6])
def test_a_weak_penalty_on_more_columns_than_rows(C):
    """Where no curvature is formed, gradients say little of how far the top is."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 800)).cumsum(axis=1)
    y = labels(rng, X[:, ::100].sum(axis=1))
    model, newton = LR(C=C).fit(X, y), LR(C=C, solver="newton").fit(X, y)
    assert model.converged_
    assert penalised(model) == pytest.approx(penalised(newton), abs=1e-7 * len(X))


@pytest.mark.parametrize("n", [4_000, 20_000])
@pytest.mark.parametrize("share", [0.99, 0.998])
def test_a_category_that_nearly_all_have(share, n):
    """Sparse, its deviations are left to the chain rule; dense, they are read."""
    rng = np.random.default_rng(0)
    X = rng.random((n, 30)) < np.r_[share, np.full(29, 0.3)]
    X = np.c_[X, ~X[:, :2]].astype(float)  # collinear with the intercept
    y = labels(rng, X[:, :5].sum(axis=1) - 2)
    dense, sparse = LR(tol=1e-9).fit(X, y), LR(tol=1e-9).fit(sp.csr_array(X), y)
    assert sparse.converged_
    assert sparse.log_likelihood_ == pytest.approx(dense.log_likelihood_, rel=1e-12)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "deviation, dtype",
    [(1.0, "f8"), (0.1, "f8"), (1e-2, "f8"), (1e-3, "f8"), (1.0, "f4"), (0.1, "f4")],
)
def test_a_temperature_in_three_units(deviation, dtype, n_classes):
    """As stored, they differ by rounding: of that nothing is to be learned."""
    rng = np.random.default_rng(0)
    kelvin = 300 + deviation * rng.standard_normal(2000)
    kelvin = kelvin.astype(dtype).astype(np.float64)
    warmth, others = (kelvin - 300) / deviation, rng.standard_normal((2000, 3))
    y = labels(rng, warmth + others.sum(axis=1))
    if n_classes == 3:
        y[rng.random(2000) < 1 / (1 + np.exp(others[:, 0]))] = 2
    units = [kelvin, kelvin - 273.15, 1.8 * kelvin - 459.67]
    X = np.column_stack([*units, others]).astype(dtype)
    expected = LR().fit(np.column_stack([warmth, others]), y)
    found = LR().fit(X, y)
    assert found.converged_ and expected.converged_
    rel = 1e-9 if dtype == "f8" else 1e-4
    assert found.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=rel)
    assert (
        np.abs(found.coef_[:, :3]).max() <= 4 * np.abs(expected.coef_).max() / deviation
    )
