"""Every kind of input of the contract, and hard input survived in silence."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from reference import binary_data, multiclass_data
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import DataConversionWarning
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
SOLVERS = [
    LR(),
    LR(solver="gradient", max_iter=50),
    LR(solver="lbfgs"),
    LR(solver="newton"),
    LR(0.1, max_iter=50),
    LR(0.1, max_iter=10, batch_size=16, random_state=0),
    LR(C=1.0),
    LR(fit_intercept=False),
    MLP((5,), max_iter=20, random_state=0),
    MLP((5,), solver="gradient", max_iter=20, random_state=0),
    MLP((5,), solver="lbfgs", max_iter=20, random_state=0),
    MLP((5, 3), activation="relu", max_iter=20, batch_size=16, random_state=0),
    MLP((), solver="lbfgs", alpha=1.0, random_state=0),
]
BOTH = [LR(), MLP((5,), max_iter=30, random_state=0)]
slow = pytest.mark.slow
each_solver = pytest.mark.parametrize("model", SOLVERS, ids=str)
both = pytest.mark.parametrize("model", BOTH, ids=["LR", "MLP"])


def fitted_parts(model):
    """The fitted numbers of either estimator, flat."""
    if hasattr(model, "coefs_"):
        return np.concatenate([p.ravel() for p in [*model.coefs_, *model.intercepts_]])
    return np.r_[model.coef_.ravel(), model.intercept_.ravel()]


def sparse_data(data=binary_data):
    X, y = data()
    X[np.random.default_rng(0).random(X.shape) < 0.5] = 0
    return X, y


# --- sparse ---------------------------------------------------------------------------


@each_solver
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array])
def test_sparse_is_dense(model, data, container):
    X, y = sparse_data(data)
    dense = clone(model).fit(X, y)
    sparse = clone(model).fit(container(X), y)
    expected = dense.predict_proba(X)
    np.testing.assert_allclose(sparse.predict_proba(X), expected, atol=1e-6)
    np.testing.assert_allclose(
        dense.predict_proba(container(X)), expected, rtol=1e-10, atol=1e-14
    )


@both
@pytest.mark.parametrize(
    "container", [sp.csc_matrix, sp.csc_array, sp.coo_matrix, sp.coo_array]
)
def test_every_sparse_format(model, container):
    X, y = sparse_data()
    weights = np.random.default_rng(0).uniform(0, 2, len(y))
    dense = clone(model).fit(X, y, sample_weight=weights)
    sparse = clone(model).fit(container(X), y, sample_weight=weights)
    np.testing.assert_allclose(
        sparse.predict_proba(container(X)), dense.predict_proba(X), atol=1e-6
    )
    assert sparse.log_likelihood(container(X), y) == pytest.approx(
        dense.log_likelihood(X, y), rel=1e-6
    )


@both
def test_sparse_is_never_densified(model):
    """A dense copy of this X would take 80 GB."""
    X = sp.random_array((100_000, 100_000), density=1e-8, rng=0, format="csr")
    y = np.arange(100_000) % 2
    small = clone(model).set_params(max_iter=2)
    if isinstance(small, MLP):
        small.set_params(hidden_layer_sizes=(1,), batch_size=50_000)
    else:
        small.set_params(solver="lbfgs")
    assert small.fit(X, y).predict(X[:5]).shape == (5,)


@both
def test_sparse_with_64_bit_indices(model):
    X, y = sparse_data()
    csr = sp.csr_array(X)
    csr.indices, csr.indptr = csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    expected = clone(model).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(
        clone(model).fit(csr, y).predict_proba(csr), expected, atol=1e-6
    )


# --- float types ----------------------------------------------------------------------


@each_solver
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_float32_stays_float32(model, container, data):
    X, y = sparse_data(data)
    double = clone(model).fit(container(X), y)
    single = clone(model).fit(container(X.astype(np.float32)), y)
    assert fitted_parts(double).dtype == np.float64
    assert fitted_parts(single).dtype == np.float32
    probabilities = single.predict_proba(container(X.astype(np.float32)))
    assert probabilities.dtype == np.float32
    assert double.predict_proba(container(X)).dtype == np.float64
    np.testing.assert_allclose(probabilities, double.predict_proba(X), atol=2e-3)


def test_float32_reaches_the_top_without_scaling():
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :10]
    double = LR().fit(X, y)
    single = LR().fit(X.astype(np.float32), y)
    assert single.log_likelihood_ == pytest.approx(double.log_likelihood_, rel=1e-3)


@both
@pytest.mark.parametrize(
    "dtype", [np.float16, np.int8, np.int64, np.uint8, np.uint32, bool, object, "f8"]
)
def test_every_number_type(model, dtype):
    X, y = binary_data()
    X = (np.round(np.abs(X) * 2)).astype(dtype)
    expected = clone(model).fit(X.astype(float), y).predict_proba(X.astype(float))
    result = clone(model).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(result.astype(float), expected, atol=2e-3)


# --- memory layouts -------------------------------------------------------------------


def layouts(tmp_path):
    X, y = binary_data()
    np.save(tmp_path / "X.npy", X)
    wide = np.zeros((2 * len(y), 2 * X.shape[1]))
    wide[::2, ::2] = X
    read_only = X.copy()
    read_only.setflags(write=False)
    return {
        "fortran": np.asfortranarray(X),
        "strided": wide[::2, ::2],
        "reversed": X[:, ::-1].copy()[:, ::-1],
        "read-only": read_only,
        "memory map": np.load(tmp_path / "X.npy", mmap_mode="r"),
        "big endian": X.astype(">f8"),
        "list": X.tolist(),
    }


@pytest.mark.parametrize(
    "layout",
    ["fortran", "strided", "reversed", "read-only", "memory map", "big endian", "list"],
)
@pytest.mark.parametrize(
    "model", [*BOTH, LR(0.1, max_iter=50), LR(solver="lbfgs")], ids=str
)
def test_every_layout(model, layout, tmp_path):
    X, y = binary_data()
    Z = layouts(tmp_path)[layout]
    labels, weights = y.copy(), np.ones(len(y))
    labels.setflags(write=False)
    weights.setflags(write=False)
    expected = clone(model).fit(X, y).predict_proba(X)
    result = clone(model).fit(Z, labels, sample_weight=weights).predict_proba(Z)
    np.testing.assert_allclose(result, expected, atol=1e-8)


@each_solver
@pytest.mark.parametrize("container", [np.array, np.asfortranarray, sp.csr_array])
def test_inputs_are_never_written_to(model, container):
    dense, y = sparse_data()
    X, weights = container(dense), np.random.default_rng(0).uniform(0, 2, len(y))
    X_before, y_before, weights_before = X.copy(), y.copy(), weights.copy()
    fitted = clone(model).set_params(class_weight="balanced")
    fitted.fit(X, y, sample_weight=weights)
    if model.solver != "lbfgs":  # its memory is of one set of data
        fitted.set_params(class_weight=None).partial_fit(X, y, sample_weight=weights)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        getattr(fitted, method)(X)
    fitted.log_likelihood(X, y, sample_weight=weights)
    fitted.score(X, y, sample_weight=weights)
    if sp.issparse(X):
        assert (X_before != X).nnz == 0
    else:
        np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)
    np.testing.assert_array_equal(weights, weights_before)


@both
def test_results_do_not_alias_the_input_or_the_model(model):
    X, y = binary_data()
    fitted = clone(model).set_params(max_iter=3).fit(X, y)
    before = fitted_parts(fitted).copy()
    X_before = X.copy()
    fitted.predict_proba(X)[:] = 7
    fitted.decision_function(X)[:] = 7
    np.testing.assert_array_equal(fitted_parts(fitted), before)
    np.testing.assert_array_equal(X, X_before)


# --- data frames ----------------------------------------------------------------------


def frame(kind, X):
    names = [f"feature {j}" for j in range(X.shape[1])]
    if kind == "pandas":
        return pd.DataFrame(X, columns=names)
    pl = pytest.importorskip("polars")
    return pl.DataFrame({name: X[:, j] for j, name in enumerate(names)})


@both
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_data_frames(model, kind):
    X, y = binary_data()
    expected = clone(model).fit(X, y).predict_proba(X)
    Z = frame(kind, X)
    fitted = clone(model).fit(Z, y)
    np.testing.assert_array_equal(fitted.feature_names_in_, list(Z.columns))
    assert fitted.n_features_in_ == 4
    np.testing.assert_allclose(fitted.predict_proba(Z), expected, rtol=1e-12)

    shuffled = Z[list(Z.columns)[::-1]]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(shuffled)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.log_likelihood(shuffled, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)


@both
def test_array_after_frame_forgets_the_names(model):
    X, y = binary_data()
    fitted = clone(model).fit(frame("pandas", X), y).fit(X, y)
    assert not hasattr(fitted, "feature_names_in_")


@both
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_labels_and_weights_in_series(model, kind):
    X, y = binary_data()
    labels = np.array(["no", "yes"])[y]
    weights = np.arange(len(y)) % 3 + 0.5
    expected = clone(model).fit(X, labels, sample_weight=weights)
    if kind == "pandas":
        index = np.arange(len(y))[::-1]  # an index is not a position
        series = pd.Series(labels, index=index), pd.Series(weights, index=index)
    else:
        pl = pytest.importorskip("polars")
        series = pl.Series(labels.tolist()), pl.Series(weights)
    fitted = clone(model).fit(X, series[0], sample_weight=series[1])
    np.testing.assert_array_equal(fitted.predict(X), expected.predict(X))
    assert fitted.score(X, series[0]) == expected.score(X, labels)
    np.testing.assert_allclose(fitted.predict_proba(X), expected.predict_proba(X))


@both
def test_categorical_labels(model):
    X, y = binary_data()
    labels = pd.Series(np.array(["no", "yes"])[y], dtype="category")
    fitted = clone(model).fit(X, labels)
    assert list(fitted.classes_) == ["no", "yes"]


# --- labels ---------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([5, 7]),
        np.array([5, 7], dtype=object),
        np.array([False, True], dtype=object),
        np.array([-1, 1]),
        np.array([0.0, 1.0]),
        np.array([7, 5]),
        np.array(["b", "a", "c"]),
        np.array([10, 30, 20]),
        np.array([1, 2, 3], dtype=np.uint8),
    ],
    ids=str,
)
def test_labels_come_back_as_they_are(model, labels):
    X, codes = binary_data() if len(labels) == 2 else multiclass_data()
    y = labels[codes]
    fitted = clone(model).fit(X, y)
    np.testing.assert_array_equal(fitted.classes_, np.unique(labels))
    predicted = fitted.predict(X)
    assert predicted.dtype == labels.dtype
    assert set(predicted.tolist()) <= set(labels.tolist())
    plain = clone(model).fit(X, np.argsort(np.argsort(labels))[codes])
    np.testing.assert_allclose(fitted.predict_proba(X), plain.predict_proba(X))
    assert fitted.score(X, y) == plain.score(X, np.argsort(np.argsort(labels))[codes])


@both
def test_labels_in_a_list(model):
    X, y = binary_data()
    fitted = clone(model).fit(X, y.tolist())
    np.testing.assert_array_equal(fitted.predict(X), clone(model).fit(X, y).predict(X))


@both
def test_a_column_of_labels_is_warned_about_and_one_dimensional(model):
    X, y = binary_data()
    fitted = clone(model)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        fitted.fit(X, y.reshape(-1, 1))
    assert fitted.predict(X).shape == (len(y),)
    assert fitted.predict_proba(X).shape == (len(y), 2)
    assert isinstance(fitted.classes_, np.ndarray)


@both
@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_multilabel_in_sparse(model, container):
    X, y = binary_data()
    Y = np.column_stack([y, (X[:, 0] + X[:, 1] > 0).astype(int), 1 - y])
    Y[:2, 1] = [0, 1]
    dense = clone(model).fit(X, Y)
    sparse = clone(model).fit(X, container(Y))
    np.testing.assert_allclose(
        sparse.predict_proba(X), dense.predict_proba(X), atol=1e-9
    )
    assert sparse.score(X, Y) == dense.score(X, Y)


# --- hard input, survived in silence --------------------------------------------------


def hard_inputs():
    rng = np.random.default_rng(0)
    X, y = binary_data(n=40, p=3)
    tall = rng.standard_normal((40, 3))
    return {
        "1e150": (X * 1e150, y),
        "1e-150": (X * 1e-150, y),
        "1e300": (X * 1e300, y),
        "1e-300": (X * 1e-300, y),
        "the largest floats": (np.where(X > 0, 1.7e308, -1.7e308), y),
        "1e-150 beside 1e150": (X * [1e-150, 1.0, 1e150], y),
        "1e-8 beside 1e8": (X * [1e-8, 1.0, 1e8], y),
        "far from zero": (X + 1e8, y),
        "constant column": (np.column_stack([X, np.full(40, 3.0)]), y),
        "huge constant column": (np.column_stack([X, np.full(40, 1e150)]), y),
        "duplicated columns": (np.column_stack([X, X, 2 * X]), y),
        "all zeros": (np.zeros((40, 3)), y),
        "subnormal": (X * 1e-310, y),
        "more features than rows": (rng.standard_normal((10, 50)), np.arange(10) % 2),
        "one feature": (X[:, :1], y),
        "two rows": (np.array([[0.0, 1.0], [1.0, 0.5]]), np.array([0, 1])),
        "two equal rows": (np.ones((2, 3)), np.array([0, 1])),
        "separable": (tall, (tall[:, 0] > 0).astype(int)),
        "separable with a gap": (tall + 100 * (tall > 0), (tall[:, 0] > 0).astype(int)),
        "a class of one": (tall, (np.arange(40) == 0).astype(int)),
        "one huge number": (np.where(np.arange(120).reshape(40, 3) == 5, 1e308, X), y),
        "outlier": (np.where(np.arange(120).reshape(40, 3) == 7, 1e12, X), y),
        "three classes, separable": (
            np.repeat(np.eye(3), 10, axis=0),
            np.repeat(np.arange(3), 10),
        ),
        "three classes, 1e150": (
            np.repeat(np.eye(3), 10, axis=0) * 1e150,
            np.repeat(np.arange(3), 10),
        ),
        "three classes, 1e300": (X * 1e300, np.arange(40) % 3),
        "three classes, collinear": (
            np.column_stack([tall[:30], tall[:30]]),
            np.arange(30) % 3,
        ),
    }


SURVIVORS = [
    LR(),
    LR(solver="gradient", max_iter=100),
    LR(solver="lbfgs"),
    LR(solver="newton"),
    LR(0.1, max_iter=100),
    LR(0.1, max_iter=100, reduction="sum", C=1.0),
    LR(1000.0, max_iter=20, batch_size=7, random_state=0),
    LR(C=1.0),
    LR(C=1e-6),
    LR(fit_intercept=False),
    MLP(max_iter=30, random_state=0),
    MLP((5,), "relu", max_iter=30, random_state=0),
    MLP((5,), "identity", max_iter=30, random_state=0, alpha=1.0),
    MLP((5,), "tanh", learning_rate=0.1, max_iter=30, random_state=0),
    MLP((5,), solver="gradient", max_iter=30, random_state=0),
    MLP((5,), solver="gradient", learning_rate=0.1, max_iter=30, random_state=0),
    MLP((5,), "relu", solver="lbfgs", max_iter=30, random_state=0),
    MLP((), solver="lbfgs", max_iter=30, random_state=0),
]


def assert_sane(model, X):
    assert np.isfinite(fitted_parts(model)).all()
    probabilities = model.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert not np.isnan(model.predict_log_proba(X)).any()
    assert not np.isnan(model.decision_function(X)).any()
    assert np.isfinite(model.log_likelihood_curve_).all()
    assert np.isfinite(model.log_likelihood_)


@pytest.mark.slow
@pytest.mark.parametrize("model", SURVIVORS, ids=str)
@pytest.mark.parametrize("name", hard_inputs())
def test_hard_input_is_survived_in_silence(model, name):
    # A floating-point warning is a RuntimeWarning, and every warning is an error here.
    X, y = hard_inputs()[name]
    with np.errstate(over="warn", invalid="warn", divide="warn"):
        assert_sane(clone(model).fit(X, y), X)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [*SURVIVORS[:5], SURVIVORS[10], *SURVIVORS[-4:]], ids=str
)
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
@pytest.mark.parametrize(
    "scale",
    [1e37, 1e-30, *(pytest.param(s, marks=slow) for s in [1e30, 1e20, 1e-20, 1e-44])],
)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_hard_input_in_float32(model, data, scale, container):
    X, y = data(n=40)
    X = container((X * scale).astype(np.float32))
    with np.errstate(over="warn", invalid="warn", divide="warn"):
        fitted = clone(model).fit(X, y)
        assert_sane(fitted, X)
    assert fitted_parts(fitted).dtype == np.float32


@pytest.mark.parametrize("model", SURVIVORS, ids=str)
@pytest.mark.parametrize("scale", [0, 1e150, 1e-150, 1e300])
def test_hard_sparse_input(model, scale):
    X, y = sparse_data()
    X = sp.csr_array(X * scale)
    X.eliminate_zeros()
    with np.errstate(over="warn", invalid="warn", divide="warn"):
        assert_sane(clone(model).fit(X, y), X)


@pytest.mark.parametrize("model", SURVIVORS, ids=str)
@pytest.mark.parametrize("weight", [1e300, 1e-300, "both"])
def test_hard_weights(model, weight):
    X, y = binary_data(n=40)
    weights = np.where(np.arange(40) % 2, 1e-200, 1e200)
    if weight != "both":
        weights = np.full(40, weight)
    with np.errstate(over="warn", invalid="warn", divide="warn"):
        assert_sane(clone(model).fit(X, y, sample_weight=weights), X)


@pytest.mark.parametrize(
    "model", [m for m in SURVIVORS if m.solver != "lbfgs"], ids=str
)
@pytest.mark.parametrize(
    "name",
    [
        "1e150",
        "1e-150",
        "1e300",
        "1e-8 beside 1e8",
        "all zeros",
        "two rows",
        "subnormal",
    ],
)
def test_hard_streams(model, name):
    X, y = hard_inputs()[name]
    stream = clone(model)
    with np.errstate(over="warn", invalid="warn", divide="warn"):
        for _ in range(3):
            stream.partial_fit(X, y, classes=[0, 1])
        assert_sane(stream, X)


@both
def test_hard_multilabel_input(model):
    X, y = binary_data()
    Y = np.column_stack([y, X[:, 0] > 0, X[:, 1] > 0]).astype(int)
    fitted = clone(model).fit(X * [1e150, 1e-150, 1e8, 1e-8], Y)
    assert np.isfinite(fitted.predict_proba(X)).all()


@pytest.mark.parametrize("scales", [[1e-8, 1, 1e4, 1e8], [1e150, 1, 1e-150, 1e10]])
@pytest.mark.parametrize("data", [binary_data, multiclass_data])
def test_auto_needs_no_scaling(data, scales):
    X, y = data()
    standardised = StandardScaler().fit_transform(X)
    expected = LR().fit(standardised, y)
    raw = LR().fit(X * scales, y)
    assert raw.converged_
    np.testing.assert_allclose(
        raw.predict_proba(X * scales), expected.predict_proba(standardised), atol=1e-5
    )
    np.testing.assert_array_equal(
        raw.predict(X * scales), expected.predict(standardised)
    )
    assert raw.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-8)


def test_separable_classes_are_separated():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    y = X[:, 0] > 0.1
    model = LR().fit(X, y)
    assert model.score(X, y) == 1.0
    assert -1e-2 < model.log_likelihood_ <= 0


def test_rows_without_information_give_the_class_shares():
    y = np.array([0] * 10 + [1] * 30)
    model = LR().fit(np.zeros((40, 3)), y)
    np.testing.assert_allclose(model.predict_proba(np.zeros((1, 3))), [[0.25, 0.75]])
    np.testing.assert_array_equal(model.coef_, 0)


@both
def test_predict_on_huge_features(model):
    X, y = binary_data()
    fitted = clone(model).fit(X, y)
    huge = np.array([[1e308, -1e308, 1e308, 1e308], [-1e308, 0, 0, 0], [0, 0, 0, 0]])
    probabilities = fitted.predict_proba(huge)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@both
@pytest.mark.parametrize("n", [1, 0])
def test_predict_on_one_row_and_on_none(model, n):
    X, y = binary_data()
    fitted = clone(model).fit(X, y)
    if n:
        assert fitted.predict_proba(X[:1]).shape == (1, 2)
    else:
        with pytest.raises(ValueError, match="0 sample"):
            fitted.predict(X[:0])
