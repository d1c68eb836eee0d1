"""Standard errors, tests and tables against statsmodels; separation by brute force."""

import sys
import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.exceptions import SeparationWarning
from skneuron.inference import MLESummary, Separation, mle_summary, separation

slow = pytest.mark.slow
COLUMNS = ["estimate", "std_error", "z", "p_value", "ci_low", "ci_high"]


def fit(X, y, **keywords):
    weights = keywords.pop("sample_weight", None)
    keywords = {"tol": 1e-10, **keywords}
    return GradientAscentLogisticRegression(**keywords).fit(X, y, weights)


def summarise(X, y, **keywords):
    given = {k: keywords.pop(k) for k in ["feature_names"] if k in keywords}
    weights = keywords.get("sample_weight")
    return mle_summary(fit(X, y, **keywords), X, y, sample_weight=weights, **given)


def simulated(n=400, n_features=3, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features))
    z = X @ rng.normal(size=(n_features, n_classes)) + rng.normal(size=n_classes)
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


# --- against statsmodels --------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("kind", ["frame", "matrix", "formulaic", "const", "sparse"])
def test_the_intercept_of_a_formula_is_the_intercept(kind, fit_intercept):
    sm, patsy = (pytest.importorskip(of) for of in ("statsmodels.api", "patsy"))
    pd = pytest.importorskip("pandas")
    features, y = simulated(n_features=2)
    table = pd.DataFrame(features + [5, 0], columns=["a", "b"])
    frame, given = patsy.dmatrix("a + b", table, return_type="dataframe"), {}
    theirs = sm.Logit(y, frame).fit(disp=0)
    name = "Intercept"
    if kind == "frame":
        X = frame
    elif kind == "matrix":
        X = patsy.dmatrix("a + b", table)
    elif kind == "formulaic":
        X = pytest.importorskip("formulaic").model_matrix("a + b", table)
    elif kind == "const":
        X, name = sm.add_constant(table), "const"
    else:
        X, given = sparse.csr_array(frame), {"feature_names": list(frame.columns)}
    estimator = fit(X, y, fit_intercept=fit_intercept)
    before = estimator.coef_.copy()
    ours = mle_summary(estimator, X, y, **given)
    assert ours.names == [name, "a", "b"] and ours.fit_intercept
    np.testing.assert_allclose(ours.estimate, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(ours.std_error, theirs.bse, rtol=1e-6)
    assert ours.null_log_likelihood == pytest.approx(theirs.llnull, rel=1e-6)
    assert ours.lr_df == theirs.df_model == 2
    assert "Intercept" in str(ours) or name == "const"
    np.testing.assert_array_equal(estimator.coef_, before)


def test_several_classes_have_an_intercept_of_a_formula_each():
    X, y = simulated(n_classes=3)
    ones = np.c_[np.ones(len(X)), X]
    names = ["Intercept", "a", "b", "c"]
    found = summarise(ones, y, feature_names=names)
    wanted = summarise(X, y, feature_names=names[1:])
    order = [3, 0, 1, 2, 7, 4, 5, 6]  # there the intercept comes last
    np.testing.assert_allclose(found.estimate, wanted.estimate[order], rtol=1e-6)
    np.testing.assert_allclose(found.std_error, wanted.std_error[order], rtol=1e-6)
    assert found.lr_df == wanted.lr_df


def test_a_constant_column_is_an_intercept_by_its_name_alone():
    X, y = simulated()
    X[:, 0] = 2.0
    for names in (["Intercept", "a", "b"], ["one", "a", "b"]):
        with pytest.raises(ValueError, match=f"{names[0]}' is constant"):
            summarise(X, y, feature_names=names)
    X[:, 0] = 1.0
    with pytest.raises(ValueError, match="'one' is constant"):
        summarise(X, y, feature_names=names)


def test_a_frame_needs_pandas(monkeypatch):
    found = summarise(*simulated())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"MLESummary.to_frame requires pandas"):
        found.to_frame()


def statsmodels_data(name):
    sm = pytest.importorskip("statsmodels.api")
    data = getattr(sm.datasets, name).load_pandas()
    X, y = data.exog, data.endog
    if name == "fair":
        y = (y > 0).astype(int)
    return X.drop(columns="const", errors="ignore"), y.astype(int)


@pytest.mark.parametrize("confidence", [0.95, 0.8])
@pytest.mark.parametrize("name", ["spector", "fair", "anes96"])
def test_equals_statsmodels_to_six_digits(name, confidence):
    X, y = statsmodels_data(name)
    import statsmodels.api as sm

    Model = sm.MNLogit if name == "anes96" else sm.Logit
    theirs = Model(y, sm.add_constant(X, prepend=False)).fit(disp=0, tol=1e-12)
    ours = mle_summary(fit(X, y), X, y, confidence=confidence)

    def flat(table):
        return np.asarray(table).T.ravel()

    frame = ours.to_frame()
    assert list(frame.columns) == COLUMNS
    close = {"rtol": 5e-7, "atol": 1e-12}
    np.testing.assert_allclose(frame["estimate"], flat(theirs.params), **close)
    np.testing.assert_allclose(frame["std_error"], flat(theirs.bse), **close)
    np.testing.assert_allclose(frame["z"], flat(theirs.tvalues), **close)
    np.testing.assert_allclose(frame["p_value"], flat(theirs.pvalues), **close)
    interval = np.asarray(theirs.conf_int(1 - confidence)).reshape(-1, 2)
    np.testing.assert_allclose(frame[["ci_low", "ci_high"]], interval, **close)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-6)
    for mine, name_there in {
        "log_likelihood": "llf",
        "null_log_likelihood": "llnull",
        "lr_statistic": "llr",
        "lr_p_value": "llr_pvalue",
        "lr_df": "df_model",
        "aic": "aic",
        "bic": "bic",
        "pseudo_r2": "prsquared",
        "n_observations": "nobs",
    }.items():
        np.testing.assert_allclose(
            getattr(ours, mine), getattr(theirs, name_there), **close
        )


def test_without_an_intercept_equals_statsmodels_but_for_the_null_model():
    X, y = statsmodels_data("spector")
    import statsmodels.api as sm

    theirs = sm.Logit(y, X).fit(disp=0, tol=1e-12)
    ours = summarise(X, y, fit_intercept=False)
    np.testing.assert_allclose(ours.estimate, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(ours.std_error, theirs.bse, rtol=1e-6)
    assert ours.names == list(X.columns)
    assert ours.null_log_likelihood == pytest.approx(-len(y) * np.log(2))
    assert ours.lr_df == 3
    assert ours.aic == pytest.approx(theirs.aic)


# --- the frame and the pages ----------------------------------------------------------


def test_the_frame_of_two_classes_is_indexed_by_names():
    pd = pytest.importorskip("pandas")
    X, y = simulated()
    frame = summarise(pd.DataFrame(X, columns=["a", "b", "c"]), y).to_frame()
    assert list(frame.index) == ["a", "b", "c", "intercept"]
    frame = summarise(X, y, feature_names=("u", "v", "w")).to_frame()
    assert list(frame.index) == ["u", "v", "w", "intercept"]
    assert summarise(X, y).names == ["x0", "x1", "x2", "intercept"]


def test_the_frame_of_several_classes_is_against_the_first():
    pytest.importorskip("pandas")
    X, codes = simulated(n_classes=3)
    y = np.array(["low", "middle", "high"])[codes]
    clf = fit(X, y)
    summary = mle_summary(clf, X, y)
    frame = summary.to_frame()
    assert frame.index.names == ["class", "name"]
    assert list(frame.index[[0, 3, 4]]) == [
        ("low", "x0"),
        ("low", "intercept"),
        ("middle", "x0"),
    ]
    against = clf.coef_[1:] - clf.coef_[:1]
    np.testing.assert_allclose(
        frame["estimate"].to_numpy().reshape(2, 4)[:, :3], against
    )
    assert "log-odds of each class against class high" in str(summary)


def test_a_feature_may_be_called_intercept():
    X, y = simulated(n_features=1)
    summary = summarise(X, y, fit_intercept=False, feature_names=["intercept"])
    assert summary.lr_df == 1


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_page_is_aligned(n_classes):
    X, y = simulated(n_classes=n_classes)
    X[:, 1] *= 1e9
    names = ["short", "a name that is rather long", "<b>&"]
    summary = summarise(X, y, feature_names=names)
    assert str(summary) == repr(summary)
    lines = str(summary).splitlines()
    assert not any(line != line.rstrip() for line in lines)
    (width,) = {len(line) for line in lines if line.startswith("---")}
    parameters = [line for line in lines if line.startswith((*names, "intercept"))]
    assert len(parameters) == 4 * (n_classes - 1)
    assert {len(line) for line in parameters} == {width}
    (facts,) = {len(line) for line in lines[2:7]}
    assert facts < 88
    assert sum(line == "class 2" for line in lines) == (n_classes == 3)
    for word in ["Log-likelihood", "AIC", "BIC", "McFadden", "95%", "p_value"]:
        assert word in str(summary)


def test_the_html_page_is_escaped_and_well_formed():
    from xml.etree import ElementTree

    X, y = simulated(n_classes=3)
    names = np.array(["<b>", "a & b", "c"])
    page = summarise(X, y, feature_names=names)._repr_html_()
    tables = ElementTree.fromstring(f"<div>{page}</div>").findall("table")
    assert len(tables) == 3
    cells = [cell.text for cell in tables[1].iter("th")]
    assert cells == [None, *COLUMNS, *names, "intercept"]
    captions = [table.find("caption").text for table in tables]
    assert captions[0].startswith("Logistic regression") and captions[1] == "class 1"
    assert {len(row) for row in tables[0].iter("tr")} == {4}
    sides = {cell.get("style") for cell in tables[1].iter("td")}
    assert sides == {"text-align: right; padding: 0 0.5em"}
    assert "&lt;b&gt;" in page


# --- what must not change anything ----------------------------------------------------


def figures(summary):
    keys = ["z", "p_value", "log_likelihood", "lr_statistic", "aic", "bic"]
    return np.concatenate([np.atleast_1d(getattr(summary, key)) for key in keys])


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_scaling_a_feature_scales_its_estimate_and_error(n_classes, fit_intercept):
    X, y = simulated(n_classes=n_classes)
    scales = np.array([1e-8, 1.0, 1e8])
    plain = summarise(X, y, fit_intercept=fit_intercept)
    scaled = summarise(X * scales, y, fit_intercept=fit_intercept)
    units = np.tile([*scales, 1.0] if fit_intercept else scales, n_classes - 1)
    np.testing.assert_allclose(scaled.estimate * units, plain.estimate, rtol=1e-6)
    np.testing.assert_allclose(scaled.std_error * units, plain.std_error, rtol=1e-6)
    np.testing.assert_allclose(figures(scaled), figures(plain), rtol=1e-5)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_offsets_change_the_intercept_alone(make):
    X, y = simulated()
    plain = summarise(X, y)
    moved = summarise(make(X + np.array([1e6, -1e6, 0])), y)
    np.testing.assert_allclose(moved.std_error[:3], plain.std_error[:3], rtol=1e-6)
    np.testing.assert_allclose(moved.estimate[:3], plain.estimate[:3], rtol=1e-6)
    jump = np.array([-1e6, 1e6, 0, 1])
    error = np.sqrt(jump @ plain.covariance @ jump)
    assert moved.std_error[3] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repetitions(n_classes):
    X, y = simulated(n_classes=n_classes)
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = summarise(X, y, sample_weight=weights)
    repeated = summarise(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(figures(weighted), figures(repeated), rtol=1e-7)
    np.testing.assert_allclose(weighted.std_error, repeated.std_error, rtol=1e-7)
    assert weighted.n_observations == weights.sum()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_is_as_dense(n_classes):
    X, y = simulated(n_classes=n_classes)
    X[np.abs(X) < 0.7] = 0
    clf = fit(X, y)
    dense = mle_summary(clf, X, y)
    for make in [sparse.csr_array, sparse.csc_matrix]:
        np.testing.assert_allclose(
            mle_summary(clf, make(X), y).std_error, dense.std_error, rtol=1e-12
        )
    twice = sparse.coo_array(make(X))
    entries = np.concatenate([twice.data / 2] * 2)
    at = np.tile(twice.coords, 2)
    order = np.argsort(at[0], kind="stable")
    doubled = sparse.csr_array((len(y), 3))
    doubled.data, doubled.indices = entries[order], at[1][order].astype(np.int32)
    doubled.indptr = np.searchsorted(at[0][order], np.arange(len(y) + 1))
    np.testing.assert_allclose(
        mle_summary(clf, doubled, y).std_error, dense.std_error, rtol=1e-12
    )


def test_many_blocks_of_rows_are_as_one():
    X, y = simulated(n=60_000)
    summary = summarise(X, y)
    p = fit(X, y).predict_proba(X)[:, 1]
    X1 = np.column_stack([X, np.ones(len(y))])
    information = X1.T @ (X1 * (p * (1 - p))[:, None])
    np.testing.assert_allclose(
        summary.covariance, np.linalg.inv(information), rtol=1e-8, atol=1e-12
    )


def test_float32_data_is_summarised_in_float64():
    X, y = simulated()
    X = X.astype(np.float32)
    summary = mle_summary(fit(X, y, tol=1e-6), X, y)
    plain = summarise(X.astype(float), y)
    assert summary.std_error.dtype == np.float64
    np.testing.assert_allclose(summary.std_error, plain.std_error, rtol=1e-5)


def test_public_attributes_are_what_is_summarised():
    X, y = simulated()
    clf = fit(X, y)
    clf.coef_ = clf.coef_ + 0.5
    with pytest.warns(ConvergenceWarning, match="standard errors from the maximum"):
        summary = mle_summary(clf, X, y)
    np.testing.assert_array_equal(summary.estimate[:3], clf.coef_[0])
    assert summary.log_likelihood == pytest.approx(clf.log_likelihood(X, y))


def test_inputs_are_not_written_to():
    X, y = simulated()
    clf = fit(X, y)
    before = X.copy(), clf.coef_.copy(), clf.intercept_.copy()
    mle_summary(clf, X, y)
    separation(X, y)
    np.testing.assert_array_equal(before[0], X)
    np.testing.assert_array_equal(before[1], clf.coef_)
    np.testing.assert_array_equal(before[2], clf.intercept_)


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    truth, covered = np.array([1.0, -0.5, 0.3]), []
    for _ in range(200):
        X = rng.normal(size=(300, 2))
        y = rng.random(300) < 1 / (1 + np.exp(-(X @ truth[:2] + truth[2])))
        found = mle_summary(fit(X, y), X, y, confidence=0.9)
        covered.append((found.ci_low < truth) & (truth < found.ci_high))
    hits = np.sum(covered)  # of 600, nearly independent
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 600, 0.9)
    assert low <= hits <= high


# --- what cannot be summarised --------------------------------------------------------


def test_other_estimators_are_a_type_error():
    X, y = simulated()
    ours = GradientAscentLogisticRegression()
    for estimator in [
        LogisticRegression().fit(X, y),
        SimpleMLPClassifier(),
        GradientAscentLogisticRegression,
        None,
    ]:
        with pytest.raises(TypeError, match="must be a fitted GradientAscentLogistic"):
            mle_summary(estimator, X, y)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match="must be a fitted GradientAscentLogistic"):
        mle_summary(pipeline, X, y)
    search = GridSearchCV(ours, {"fit_intercept": [True]}, cv=2).fit(X, y)
    with pytest.raises(TypeError, match="best_estimator_"):
        mle_summary(search, X, y)
    with pytest.raises(NotFittedError):
        mle_summary(GradientAscentLogisticRegression(), X, y)


def test_other_likelihoods_are_a_value_error():
    X, y = simulated()
    with pytest.raises(ValueError, match=r"with C=1\.0, not inf: that is no max"):
        mle_summary(fit(X, y, C=1.0), X, y)
    with pytest.raises(ValueError, match=r"class_weight='balanced'.*sample_weight"):
        mle_summary(fit(X, y, class_weight="balanced"), X, y)
    several = np.column_stack([y, 1 - y])
    with pytest.raises(ValueError, match="has 2 outputs"):
        mle_summary(fit(X, several), X, several)
    clf = fit(X, y, fit_intercept=False)
    clf.intercept_ = np.ones(1)
    with pytest.raises(ValueError, match="intercept_ must be zeros"):
        mle_summary(clf, X, y)
    clf = fit(X, y)
    clf.coef_ = np.full((1, 3), np.nan)
    with pytest.raises(ValueError, match="must be finite"):
        mle_summary(clf, X, y)


def test_data_that_do_not_fit_the_estimator_are_a_value_error():
    X, y = simulated()
    clf = fit(X, y)
    with pytest.raises(ValueError, match="2 features"):
        mle_summary(clf, X[:, :2], y)
    with pytest.raises(ValueError, match=r"not among the classes.*\[7\]"):
        mle_summary(clf, X, np.where(y == 1, 7, y))
    with pytest.raises(ValueError, match=r"no sample counts in y: \[1\]"):
        mle_summary(clf, X, np.zeros_like(y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        mle_summary(clf, X, y[:-1])
    with pytest.raises(ValueError, match="contains NaN"):
        mle_summary(clf, np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="sample_weight"):
        mle_summary(clf, X, y, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="feature_names must be 3 names"):
        mle_summary(clf, X, y, feature_names=["a"])
    with pytest.raises(ValueError, match="feature_names must be 3 names"):
        mle_summary(clf, X, y, feature_names="abc")
    with pytest.raises(ValueError, match=r"not %: 90\."):
        mle_summary(clf, X, y, confidence=90)
    for confidence in [0, 1, 95, "high", np.nan]:
        with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
            mle_summary(clf, X, y, confidence=confidence)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_collinear_features_are_named(n_classes, offset, dtype):
    X, y = simulated(n_classes=n_classes)
    X[:, 0] += offset
    X = np.column_stack([X[:, 1], X, 2 * X[:, 1] - X[:, 2]]).astype(dtype)
    clf = GradientAscentLogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="are collinear") as error:
        mle_summary(clf, X, y, feature_names=list("abcde"))
    named = [name for name in "abcde" if repr(name) in str(error.value)]
    assert named == ["a", "c", "d", "e"]


def test_constant_features_are_named():
    X, y = simulated()
    X[:, 1] = 1e6 / 3
    with pytest.raises(ValueError, match="'x1' is constant, as the intercept is"):
        summarise(X, y, tol=1e-6)
    assert len(summarise(X / [1, 1e6, 1], y, fit_intercept=False).estimate) == 3
    X[:, 1] = 0
    with pytest.raises(ValueError, match="'x1' is always 0"):
        summarise(X, y, fit_intercept=False)


def test_every_category_with_an_intercept_is_collinear():
    rng = np.random.default_rng(0)
    X, y = np.eye(3)[rng.integers(0, 3, 200)], rng.integers(0, 2, 200)
    X = sparse.csr_array(np.column_stack([X, rng.normal(size=200)]))
    with pytest.raises(ValueError, match="singular: 'x0', 'x1', 'x2' are collinear"):
        summarise(X, y, tol=1e-6)


def test_probabilities_of_0_and_1_have_no_information():
    X, y = simulated()
    clf = fit(X, y)
    clf.coef_ = clf.coef_ * 1e4
    with pytest.raises(ValueError, match=r"classes probably separate.*separation"):
        mle_summary(clf, X, y)


def test_a_fit_to_separated_classes_warns():
    X = np.arange(20.0)[:, None]
    y = X[:, 0] > 9
    with pytest.warns(SeparationWarning, match="along 'x0' alone"):
        clf = GradientAscentLogisticRegression().fit(X, y)
    with pytest.warns(SeparationWarning, match="separate completely"):
        summary = mle_summary(clf, X, y)
    assert isinstance(summary, MLESummary)
    assert np.isnan([summary.std_error, summary.p_value, summary.ci_high]).all()
    assert str(summary).count("separated") == 2 and "nan" not in str(summary)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_fit_to_classes_that_separate_in_a_category_warns(n_classes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 4)), rng.integers(0, n_classes, 500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summarise(X, y)
    X[:, 2] = (np.arange(500) % 50 == 0) & (y == 1)
    with pytest.warns(SeparationWarning, match="along 'x2' alone"):
        clf = GradientAscentLogisticRegression().fit(X, y)
    with pytest.warns(SeparationWarning, match="move log-odds by 1, .* separate"):
        mle_summary(clf, X, y)


# --- separation -----------------------------------------------------------------------


def null_vector(rows):
    """An integer vector orthogonal to P - 1 integer rows of length P: cofactors."""
    columns = range(rows.shape[1])
    minors = [np.linalg.det(np.delete(rows, j, axis=1)) for j in columns]
    return np.array([(-1) ** j * round(minor) for j, minor in enumerate(minors)])


def kind_by_brute_force(X, y, n_classes, fit_intercept):
    """The extreme rays of the cone of directions, among all that rows could give.

    The cone's interior holds their sum. None if the rows leave a direction open.
    """
    X1 = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    rows = []
    for x, own in zip(X1.astype(int), y):
        for other in set(range(n_classes)) - {own}:
            row = np.zeros((n_classes, len(x)), dtype=int)
            row[own], row[other] = x, -x
            rows.append(row[1:].ravel())
    rows = np.unique(rows, axis=0)
    P = rows.shape[1]
    if np.linalg.matrix_rank(rows) < P:
        return None
    inside = np.zeros(P, dtype=int)
    for chosen in combinations(rows, P - 1):
        ray = null_vector(np.array(chosen).reshape(P - 1, P))
        for d in (ray, -ray):
            if d.any() and np.all(rows @ d >= 0):
                inside += d
    if not inside.any():
        return "none"
    return "complete" if np.all(rows @ inside > 0) else "quasi-complete"


def check_certificate(found, X, y, fit_intercept=True):
    """The direction does what `kind` says."""
    X = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=float)
    W, b = np.atleast_2d(found.direction), np.atleast_1d(found.intercept)
    if found.direction.ndim == 1:
        W, b = np.vstack([0 * W, W]), np.array([0.0, found.intercept])
    if found.kind == "none":
        assert not W.any() and not b.any() and not found.features
        return
    assert fit_intercept or not b.any()
    assert not W[0].any() and b[0] == 0
    z = X @ W.T + b
    codes = np.unique(y, return_inverse=True)[1]
    margins = np.take_along_axis(z, codes[:, None], axis=1) - z
    margins = margins[codes[:, None] != np.arange(z.shape[1])]
    size = np.max(np.abs(W) * X.std(axis=0))
    assert margins.min() >= -2e-8 * size
    assert margins.max() > 2e-8 * size
    assert (margins.min() > 2e-8 * size) == (found.kind == "complete")


@pytest.mark.slow
@pytest.mark.parametrize(
    "n_features, n_classes, fit_intercept",
    [(1, 2, True), (2, 2, True), (2, 2, False), (3, 2, False), (1, 3, True)],
)
def test_separation_is_as_brute_force_finds(n_features, n_classes, fit_intercept):
    rng = np.random.default_rng(n_features + 10 * n_classes)
    seen = set()
    for _ in range(60):
        n = int(rng.integers(n_classes + 1, 9))
        X = rng.integers(-2, 3, (n, n_features))
        y = np.append(np.arange(n_classes), rng.integers(0, n_classes, n - n_classes))
        kind = kind_by_brute_force(X, y, n_classes, fit_intercept)
        if kind is None:
            continue
        seen.add(kind)
        for made in [X, sparse.csr_array(X)]:
            found = separation(made, y, fit_intercept=fit_intercept)
            assert found.kind == kind, (X, y)
            check_certificate(found, made, y, fit_intercept)
    assert seen == {"none", "quasi-complete", "complete"}


def test_a_category_of_one_class_is_named():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 4)), rng.integers(0, 2, 500)
    X[:, 2] = (np.arange(500) % 50 == 0) & (y == 1)
    found = separation(X, y)
    assert (found.kind, found.features) == ("quasi-complete", [2])
    assert found.direction[2] > 0
    check_certificate(found, X, y)
    frame = pd.DataFrame(X, columns=["a", "b", "rare", "c"])
    assert separation(frame, y).features == ["rare"]
    assert "quasi-complete" in repr(separation(frame, y))
    assert "rare: +" in repr(separation(frame, y))


def test_collinear_columns_are_harmless():
    rng = np.random.default_rng(0)
    groups, y = rng.integers(0, 6, 400), rng.integers(0, 2, 400)
    X = np.column_stack([np.eye(6)[groups], np.eye(3)[rng.integers(0, 3, 400)]])
    assert separation(X, y).kind == "none"
    assert separation(sparse.csr_array(X), y).kind == "none"
    y[groups == 4] = 0
    for made in [X, sparse.csr_array(X)]:
        found = separation(made, y)
        assert (found.kind, found.features) == ("quasi-complete", [4])
        check_certificate(found, made, y)
    np.testing.assert_array_less(found.direction[4], 0)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_scales_and_offsets_are_harmless(scale, offset):
    X, y = simulated(n=3000)
    assert separation(scale * (X + offset), y).kind == "none"
    y = (X @ [1.0, -2.0, 0.5] > 0.1).astype(int)
    found = separation(scale * (X + offset), y)
    assert found.kind == "complete"
    y[X[:, 0] > 0] = np.arange(np.count_nonzero(X[:, 0] > 0)) % 2
    assert separation(scale * (X + offset), y).kind == "none"


@pytest.mark.parametrize("value", [1e6, 1e9, 1e11, 1e13])
def test_of_a_class_with_one_absurd_value_direction_and_intercept_separate(value):
    X = np.array([[0.16, 5.0], [-0.36, 4.0], [-0.47, 3.0], [0.28, 6.0], [-value, 5.0]])
    y = np.array([0, 0, 0, 0, 1])
    found = separation(X, y)
    assert found.kind == "complete"
    z = X @ found.direction + found.intercept
    assert (z[:4] < 0).all() and z[4] > 0


def test_rounding_neither_separates_nor_overlaps():
    X = np.array([[0.0], [0.3], [0.1 + 0.2], [1.0]])
    assert X[1] != X[2]
    for y in ([0, 0, 1, 1], [0, 1, 0, 1]):
        assert separation(X, y).kind == "quasi-complete"
    assert separation(X + [[0], [0], [1e-6], [0]], [0, 0, 1, 1]).kind == "complete"
    assert separation(X + [[0], [0], [1e-6], [0]], [0, 1, 0, 1]).kind == "none"


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [1e8, 1e15, *(pytest.param(s, marks=slow) for s in [1e10, 1e12, 1e100])]
)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_an_absurd_value_hides_no_other(size, n_classes, make, fit_intercept):
    X, y = simulated(n_classes=n_classes)
    X[0, 0], X[5, 1] = size, -size
    keywords = {"fit_intercept": fit_intercept}
    assert separation(make(X), y, **keywords).kind == "none"
    apart = np.column_stack([X, 4.0 * np.eye(n_classes)[y] - 2])
    assert separation(make(apart), y, **keywords).kind == "complete"
    X[:, 2] = (y == 1) & (np.arange(len(y)) % 5 == 0)
    found = separation(make(X), y, **keywords)
    assert (found.kind, found.features) == ("quasi-complete", [2])


def test_values_of_many_sizes_are_told_apart():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.lognormal(size=300), rng.uniform(1e9, 2e9, 20)])
    for threshold in [1.0, 1.5e9]:
        assert separation(x[:, None], x > threshold).kind == "complete"
    assert separation(x[:, None], (x > 1.5e9) ^ (x == x.max())).kind == "none"
    assert separation(x[:, None], (x > 1.0) ^ (x == x.min())).kind == "none"


def test_constraints_are_added_until_none_is_violated():
    X, y = simulated(n=50_000, n_features=5)
    rng = np.random.default_rng(1)
    direction = rng.normal(size=5)
    order = np.argsort(X @ direction)
    y = np.zeros(len(X), dtype=int)
    y[order[20_000:]] = 1
    found = separation(X, y)
    assert found.kind == "complete"
    check_certificate(found, X, y)
    y[order[[15_000, 25_000]]] = 1, 0  # two labels the other way round
    assert separation(X, y).kind == "none"


def test_several_classes():
    X, y = load_iris(return_X_y=True)
    found = separation(X, y)  # setosa apart from the others, which overlap
    assert found.kind == "quasi-complete"
    assert found.direction.shape == (3, 4) and found.intercept.shape == (3,)
    np.testing.assert_allclose(found.direction[1], found.direction[2], atol=1e-6)
    check_certificate(found, X, y)
    assert separation(X[y > 0], y[y > 0]).kind == "none"
    clusters = np.eye(4)[np.arange(40) % 4] + 0.01 * X[:40]
    names = np.array(["p", "q", "r", "s"])[np.arange(40) % 4]
    found = separation(clusters, names)
    assert found.kind == "complete"
    check_certificate(found, clusters, names)
    assert "complete, along" in repr(found)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_more_features_than_samples_separate_any_labels(make, n_classes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 60)), rng.integers(0, n_classes, 40)
    found = separation(make(X), y)
    assert found.kind == "complete"
    check_certificate(found, X, y)
    assert "and 50 more" in repr(found)
    X[7], y[7] = X[6], (y[6] + 1) % n_classes  # unless two are the same
    assert separation(make(X), y).kind == "quasi-complete"


def test_breast_cancer_overlaps_in_few_features_and_not_in_all():
    X, y = load_breast_cancer(return_X_y=True)
    assert separation(X[:, :8], y).kind == "none"
    found = separation(X, y)
    assert found.kind == "complete"
    check_certificate(found, X, y)


def test_along_the_direction_the_log_likelihood_rises():
    X, y = simulated(n_classes=3)
    X[:, 0] = y == 2
    found = separation(X, y)
    assert found.kind == "quasi-complete"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = GradientAscentLogisticRegression(max_iter=5).fit(X, y)
    values = []
    for step in [0, 1, 2, 3]:
        with pytest.warns(SeparationWarning, match="along 'x0' alone"):
            moved = fit(X, y, tol=1.0)
        moved.coef_ = clf.coef_ + step * found.direction
        moved.intercept_ = clf.intercept_ + step * found.intercept
        values.append(moved.log_likelihood(X, y))
    assert np.all(np.diff(values) > 0)


def test_several_outputs_are_a_list():
    X, y = simulated()
    outputs = np.column_stack([y, X[:, 0] > 0])
    found = separation(X, outputs)
    assert [of.kind for of in found] == ["none", "complete"]
    assert 0 in found[1].features
    assert all(isinstance(of, Separation) for of in found)
    assert isinstance(separation(X, y), Separation)


def test_unusable_data_are_a_value_error():
    X, y = simulated(n=20)
    with pytest.raises(ValueError, match=r"y has only one class: \[1\]"):
        separation(X, np.ones(20, dtype=int))
    with pytest.raises(ValueError, match="only one class in column 1"):
        separation(X, np.column_stack([y, np.ones(20, dtype=int)]))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        separation(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        separation(X, y[:-1])
    with pytest.raises(ValueError, match="y"):
        separation(X, None)
    with pytest.raises(ValueError, match="Unknown label type"):
        separation(X, X[:, 0])
