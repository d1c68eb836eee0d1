"""Tests, effects, diagnostics, profiles: against statsmodels and published figures."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import logit
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PolynomialFeatures,
    StandardScaler,
)
from studies import contraceptives, endometrial

from skneuron import GradientAscentLogisticRegression
from skneuron.exceptions import SeparationWarning
from skneuron.inference import (
    compare,
    influence,
    marginal_effects,
    mle_summary,
    probability_intervals,
    profile_intervals,
    wald_test,
)

pd = pytest.importorskip("pandas")
CLOSE = {"rtol": 5e-7, "atol": 1e-12}
FUNCTIONS = [mle_summary, marginal_effects, influence, probability_intervals]
FUNCTIONS.append(profile_intervals)


def fit(X, y, **keywords):
    weights = keywords.pop("sample_weight", None)
    keywords = {"tol": 1e-10, **keywords}
    return GradientAscentLogisticRegression(**keywords).fit(X, y, weights)


def simulated(n=300, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    z = X @ rng.normal(size=(3, n_classes)) + rng.normal(size=n_classes)
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def study(name):
    """Data, our fit, and statsmodels' model."""
    sm = pytest.importorskip("statsmodels.api")
    data = getattr(sm.datasets, name).load_pandas()
    X, y = data.exog.drop(columns="const", errors="ignore"), data.endog
    y = (y > 0).astype(int) if name == "fair" else y.astype(int)
    Model = sm.MNLogit if name == "anes96" else sm.Logit
    return X, y, fit(X, y), Model(y, sm.add_constant(X, prepend=False))


def flat(table):
    return np.asarray(table, float).T.ravel()


names = pytest.mark.parametrize("name", ["spector", "fair", "anes96"])
binary = pytest.mark.parametrize("name", ["spector", "fair"])


# --- the table ------------------------------------------------------------------------


@names
def test_odds_ratios_are_exponentials(name):
    X, y, clf, model = study(name)
    theirs = model.fit(disp=0, tol=1e-12)
    odds = mle_summary(clf, X, y).odds_ratios()
    np.testing.assert_allclose(odds["odds_ratio"], np.exp(flat(theirs.params)), **CLOSE)
    np.testing.assert_allclose(odds["p_value"], flat(theirs.pvalues), **CLOSE)
    interval = np.exp(np.asarray(theirs.conf_int()).reshape(-1, 2))
    np.testing.assert_allclose(odds[["ci_low", "ci_high"]], interval, **CLOSE)


@names
def test_robust_errors_equal_statsmodels(name):
    X, y, clf, model = study(name)
    from statsmodels.stats.sandwich_covariance import cov_white_simple

    groups = np.random.default_rng(0).integers(0, 8, len(y))

    def theirs(**keywords):
        with warnings.catch_warnings():  # of its own keywords
            warnings.simplefilter("ignore", FutureWarning)
            return model.fit(disp=0, tol=1e-12, **keywords)

    ours = mle_summary(clf, X, y, cov_type="HC0")
    np.testing.assert_allclose(
        ours.std_error, flat(theirs(cov_type="HC0").bse), **CLOSE
    )
    np.testing.assert_allclose(
        ours.p_value, flat(theirs(cov_type="HC0").pvalues), **CLOSE
    )
    assert "standard errors HC0" in str(ours)
    plain = mle_summary(clf, X, y)
    assert ours.aic == plain.aic and ours.lr_statistic == plain.lr_statistic
    # Its fit calls HC1 what is HC0; its function has White's correction.
    ours = mle_summary(clf, X, y, cov_type="HC1")
    expected = cov_white_simple(theirs(), use_correction=True)
    np.testing.assert_allclose(ours.covariance, expected, rtol=1e-6, atol=1e-10)
    ours = mle_summary(clf, X, y, cov_type="cluster", groups=groups)
    keywords = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    np.testing.assert_allclose(ours.std_error, flat(theirs(**keywords).bse), **CLOSE)
    words = np.array(list("abcdefgh"))[groups]
    again = mle_summary(clf, X, y, cov_type="cluster", groups=words)
    np.testing.assert_array_equal(again.std_error, ours.std_error)


def test_another_reference_is_as_other_labels():
    X, y = simulated(n_classes=3)
    clf = fit(X, y)
    found = mle_summary(clf, X, y, reference=1)
    assert found.classes.tolist() == [1, 0, 2]
    relabelled = np.array([1, 0, 2])[y]
    expected = mle_summary(fit(X, relabelled), X, relabelled)
    for figure in ["estimate", "std_error", "ci_low", "lr_statistic", "covariance"]:
        ours, theirs = getattr(found, figure), getattr(expected, figure)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
    assert "against class 1" in str(found)
    y = y > 0
    found, plain = (
        mle_summary(fit(X, y), X, y, reference=True),
        mle_summary(fit(X, y), X, y),
    )
    np.testing.assert_array_equal(found.estimate, -plain.estimate)
    np.testing.assert_array_equal(found.ci_low, -plain.ci_high)
    assert "class False against class True" in str(found)
    with pytest.raises(ValueError, match=r"'yes' must be among .*\[False, True\]"):
        mle_summary(fit(X, y), X, y, reference="yes")


def test_a_pipeline_is_its_last_step():
    X, y = simulated()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    scaler, last = StandardScaler(), GradientAscentLogisticRegression(tol=1e-10)
    pipeline = make_pipeline(scaler, PolynomialFeatures(include_bias=False), last)
    pipeline.fit(frame, y)
    found = mle_summary(pipeline, frame, y)
    assert found.names[:5] == ["a", "b", "c", "a^2", "a b"]
    Z = pipeline[:-1].transform(frame)
    np.testing.assert_array_equal(found.std_error, mle_summary(last, Z, y).std_error)
    for function in FUNCTIONS[1:]:
        function(pipeline, frame, y)
    at = probability_intervals(pipeline, frame, y, at=frame[5:7])
    expected = probability_intervals(last, Z, y, at=Z[5:7])
    assert at.index.tolist() == [5, 6]
    np.testing.assert_array_equal(at, expected)
    alone = make_pipeline(GradientAscentLogisticRegression(tol=1e-10)).fit(frame, y)
    assert mle_summary(alone, frame, y).names == ["a", "b", "c", "intercept"]
    columns = make_column_transformer((StandardScaler(), ["c", "a"]))
    some = make_pipeline(columns, GradientAscentLogisticRegression()).fit(frame, y)
    names = mle_summary(some, frame, y).names
    assert names == ["standardscaler__c", "standardscaler__a", "intercept"]
    nameless = make_pipeline(
        FunctionTransformer(np.exp), GradientAscentLogisticRegression()
    )
    names = mle_summary(nameless.fit(X, y), X, y).names
    assert names == ["x0", "x1", "x2", "intercept"]
    names = mle_summary(some, frame, y, feature_names=["p", "q"]).names
    assert names == ["p", "q", "intercept"]


# --- tests of hypotheses --------------------------------------------------------------


@names
def test_nested_fits_are_compared_by_likelihoods(name):
    X, y, larger, model = study(name)
    smaller = fit(X.iloc[:, 1:], y)
    found = compare(smaller, larger, X, y)
    exog = model.exog[:, 1:]
    few = type(model)(np.asarray(y), exog).fit(disp=0, tol=1e-12)
    ratio = 2 * (model.fit(disp=0, tol=1e-12).llf - few.llf)
    assert found.statistic == pytest.approx(ratio, rel=1e-6)
    assert found.df == len(larger.classes_) - 1
    assert found.p_value == pytest.approx(stats.chi2.sf(ratio, found.df), rel=1e-5)
    both = (X.iloc[:, 1:], X)
    assert compare(smaller, larger, both, y) == found
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_is_not_nested_is_a_value_error():
    X, y = simulated()
    one, other, both = fit(X[:, :1], y), fit(X[:, 1:2], y), fit(X[:, 1:], y)
    with pytest.raises(ValueError, match="must be nested"):
        compare(one, other, (X[:, :1], X[:, 1:2]), y)
    with pytest.raises(ValueError, match="must be nested"):
        compare(both, one, (X[:, 1:], X[:, :1]), y)
    with pytest.raises(ValueError, match="features"):
        compare(one, both, X, y)
    firth = fit(X, y, penalty="firth")
    with pytest.raises(ValueError, match="profile_intervals"):
        compare(one, firth, (X[:, :1], X), y)


@names
@pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
def test_wald_tests_equal_statsmodels(name, cov_type):
    X, y, clf, model = study(name)
    theirs = model.fit(disp=0, tol=1e-12, cov_type=cov_type)
    ours = mle_summary(clf, X, y, cov_type=cov_type)
    R = np.random.default_rng(0).normal(size=(3, len(ours.estimate)))
    for value in [0.0, np.array([0.1, -0.2, 0.3])]:
        found = wald_test(ours, R, value)
        constraint = R, np.broadcast_to(value, 3)
        expected = theirs.wald_test(constraint, use_f=False, scalar=True)
        assert found.statistic == pytest.approx(float(expected.statistic), rel=1e-6)
        assert found.p_value == pytest.approx(float(expected.pvalue), rel=1e-5)
        assert found.df == 3


def test_names_are_hypotheses():
    X, y = simulated(n_classes=3)
    summary = mle_summary(fit(X, y), X, y, feature_names=["a", "b", "c"])
    one = wald_test(summary, (1, "b"))
    assert one.statistic == pytest.approx(summary.z[1] ** 2)
    assert one.p_value == pytest.approx(summary.p_value[1])
    both, rows = wald_test(summary, "b"), np.eye(8)[[1, 5]]
    assert both == wald_test(summary, rows) and both.df == 2
    assert wald_test(summary, ["a", (2, "c")]).df == 3
    assert wald_test(summary, "a", 2.0) != wald_test(summary, "a")
    assert str(both).startswith("Wald: ") and "(2 df), p" in str(both)
    with pytest.raises(ValueError, match="No parameter is called 'd'"):
        wald_test(summary, "d")
    with pytest.raises(ValueError, match="must have 8 columns"):
        wald_test(summary, np.eye(3))
    with pytest.raises(ValueError, match="follow from one another"):
        wald_test(summary, ["a", (1, "a")])


# --- effects and probabilities --------------------------------------------------------


@names
@pytest.mark.parametrize("at", ["overall", "mean"])
def test_marginal_effects_equal_statsmodels(name, at):
    X, y, clf, model = study(name)
    theirs = model.fit(disp=0, tol=1e-12).get_margeff(at=at)
    ours = marginal_effects(clf, X, y, at=at, confidence=0.9)
    np.testing.assert_allclose(ours["effect"], flat(theirs.margeff), **CLOSE)
    np.testing.assert_allclose(ours["std_error"], flat(theirs.margeff_se), **CLOSE)
    np.testing.assert_allclose(ours["p_value"], flat(theirs.pvalues), **CLOSE)
    half = stats.norm.ppf(0.95) * ours["std_error"]
    np.testing.assert_allclose(ours["ci_high"], ours["effect"] + half)
    if name == "anes96":
        assert ours.index[0] == (0, X.columns[0]) and ours.index.nlevels == 2
        sums = ours["effect"].groupby("name").sum()
        np.testing.assert_allclose(sums, 0, atol=1e-12)
    else:
        assert list(ours.index) == list(X.columns)


def test_robust_effects_equal_statsmodels():
    X, y, clf, model = study("fair")
    theirs = model.fit(disp=0, tol=1e-12, cov_type="HC0").get_margeff()
    ours = marginal_effects(clf, X, y, cov_type="HC0")
    np.testing.assert_allclose(ours["std_error"], theirs.margeff_se, **CLOSE)
    with pytest.raises(ValueError, match="at must be"):
        marginal_effects(clf, X, y, at="median")


@binary
def test_probability_intervals_equal_statsmodels(name):
    X, y, clf, model = study(name)
    theirs = model.fit(disp=0, tol=1e-12).get_prediction(model.exog).summary_frame()
    ours = probability_intervals(clf, X, y)
    assert list(ours.columns) == ["probability", "std_error", "ci_low", "ci_high"]
    np.testing.assert_allclose(ours, theirs, **CLOSE)
    other = probability_intervals(clf, X, y, reference=1)
    np.testing.assert_allclose(other["ci_low"], 1 - ours["ci_high"], rtol=1e-6)


def test_probability_intervals_of_several_classes_are_by_the_delta_method():
    X, y = simulated(n_classes=3)
    clf = fit(X, y)
    found, summary = probability_intervals(clf, X, y, at=X[:4]), mle_summary(clf, X, y)
    assert found.shape == (4, 12) and found.columns[0] == (0, "probability")
    x1 = np.append(X[2], 1.0)

    def odds(estimate):  # of class 2 against both others
        z = np.append(0, estimate.reshape(2, 4) @ x1)
        return logit(np.exp(z) / np.exp(z).sum())[2]

    steps = 1e-6 * np.eye(8)
    at = summary.estimate
    slope = np.array([odds(at + e) - odds(at - e) for e in steps]) / 2e-6
    half = stats.norm.ppf(0.975) * np.sqrt(slope @ summary.covariance @ slope)
    p = found[2].iloc[2]
    assert p["probability"] == pytest.approx(clf.predict_proba(X[2:3])[0, 2])
    assert logit(p["ci_high"]) == pytest.approx(odds(at) + half, rel=1e-6)
    assert logit(p["ci_low"]) == pytest.approx(odds(at) - half, rel=1e-6)


# --- diagnostics ----------------------------------------------------------------------


@binary
def test_influence_equals_statsmodels(name):
    X, y, clf, model = study(name)
    import statsmodels.api as sm

    glm = sm.GLM(y, model.exog, family=sm.families.Binomial()).fit(tol=1e-14)
    theirs, ours = glm.get_influence(), influence(clf, X, y)
    np.testing.assert_allclose(ours["pearson"], glm.resid_pearson, **CLOSE)
    np.testing.assert_allclose(ours["deviance"], glm.resid_deviance, **CLOSE)
    np.testing.assert_allclose(ours["leverage"], theirs.hat_matrix_diag, **CLOSE)
    np.testing.assert_allclose(
        ours["cooks_distance"], theirs.cooks_distance[0], **CLOSE
    )
    assert ours["leverage"].sum() == pytest.approx(X.shape[1] + 1)
    total = -2 * mle_summary(clf, X, y).log_likelihood
    assert (ours["deviance"] ** 2).sum() == pytest.approx(total)
    assert ours.index.equals(X.index)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_what_is_certain_to_the_last_digit_has_figures(n_classes):
    """A light sample that is surely wrong, one that is surely right, and their like."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))
    y = np.argmax(X * np.arange(n_classes) + rng.gumbel(size=(60, n_classes)), axis=1)
    w = np.ones(60)
    X[0], y[0], w[0], X[1], y[1] = 100.0, 0, 1e-20, 1e4, n_classes - 1
    clf = GradientAscentLogisticRegression().fit(X, y, sample_weight=w)
    found = probability_intervals(clf, X, y, sample_weight=w, at=[[0.3], [300.0]])
    assert np.isfinite(found).all(axis=None)
    if n_classes == 2:
        found = influence(clf, X, y, sample_weight=w)
        assert np.isfinite(found).all(axis=None)
        deviance = -2 * clf.predict_log_proba(X)[np.arange(60), y]
        np.testing.assert_allclose(found["deviance"] ** 2, deviance, rtol=1e-12)


def test_influence_is_of_two_classes():
    X, y = simulated(n_classes=3)
    with pytest.raises(ValueError, match="two classes; the estimator has 3"):
        influence(fit(X, y), X, y)


# --- profiles -------------------------------------------------------------------------


def test_a_profile_is_what_fits_with_an_offset_say():
    X, y, clf, model = study("spector")
    import statsmodels.api as sm

    found = profile_intervals(clf, X, y, confidence=0.9)
    top = model.fit(disp=0, tol=1e-12).llf

    def deviance(j, value):
        few = np.delete(model.exog, j, axis=1)
        offset = model.exog[:, j] * value
        glm = sm.GLM(y, few, sm.families.Binomial(), offset=offset).fit(tol=1e-14)
        return 2 * (top - glm.llf)

    for j in range(4):
        for limit in found[["ci_low", "ci_high"]].iloc[j]:
            quantile = stats.chi2.ppf(0.9, 1)
            assert deviance(j, limit) == pytest.approx(quantile, rel=1e-5)
        statistic = found["lr_statistic"].iloc[j]
        assert statistic == pytest.approx(deviance(j, 0.0), rel=1e-6)
        p = stats.chi2.sf(statistic, 1)
        assert found["p_value"].iloc[j] == pytest.approx(p)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_profile_of_a_parameter_that_is_0():
    """Of weights that are not at the top, so that there is a way to it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.integers(0, 2, 30)
    x, y = np.vstack([x, -x]), np.append(y, 1 - y)
    by_hand = GradientAscentLogisticRegression.from_weights([0.1, 0.1])
    found = profile_intervals(by_hand, x, y).loc["intercept"]
    assert found["lr_statistic"] == pytest.approx(0, abs=1e-6)
    assert found["ci_low"] < 0 < found["ci_high"]


def test_profiles_of_several_classes_are_those_of_comparisons():
    X, y = simulated(n_classes=3)
    found = profile_intervals(fit(X, y), X, y)
    wald = mle_summary(fit(X, y), X, y).to_frame()
    np.testing.assert_allclose(found["ci_low"], wald["ci_low"], atol=0.2)
    # One weight may be 0 for free where the other makes up for it; both, for the ratio.
    small = fit(X[:, 1:], y)
    ratio = compare(small, fit(X, y), (X[:, 1:], X), y).statistic
    assert found["lr_statistic"].loc[[(1, "x0"), (2, "x0")]].max() <= ratio + 1e-9
    other = profile_intervals(fit(X, y), X, y, reference=2)
    np.testing.assert_allclose(
        found.loc[(2, "x1"), ["ci_low", "ci_high"]],
        -other.loc[(0, "x1"), ["ci_high", "ci_low"]],
        rtol=1e-6,
    )


def test_one_parameter():
    y = np.array([1] * 7 + [0] * 2)
    found = profile_intervals(
        fit(np.ones((9, 1)), y, fit_intercept=False), np.ones((9, 1)), y
    )
    p = 1 / (1 + np.exp(-found[["ci_low", "ci_high"]].iloc[0]))
    lost = 2 * (stats.binom.logpmf(7, 9, 7 / 9) - stats.binom.logpmf(7, 9, p))
    np.testing.assert_allclose(lost, stats.chi2.ppf(0.95, 1), rtol=1e-6)


def test_endometrial_cancer_is_as_published():
    X, y, names = endometrial()
    clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    # Errors as brglm2 prints them.
    summary = mle_summary(clf, X, y, feature_names=names)
    published = [1.55076, 0.03958, 0.77602, 1.48869]
    np.testing.assert_allclose(summary.std_error, published, atol=6e-6)
    assert "Firth's penalty" in str(summary) and "separated" not in str(summary)
    # Heinze & Schemper (2002), table 2: profile intervals, and p-values.
    found = profile_intervals(clf, X, y, feature_names=names)
    published = [[0.61, 7.85], [-0.12, 0.04], [-4.37, -1.23]]
    np.testing.assert_allclose(found[["ci_low", "ci_high"]][:3], published, atol=6e-3)
    np.testing.assert_allclose(found["p_value"][:3], [0.0091, 0.3875, 0], atol=6e-5)


def test_contraceptives_are_as_published():
    # summary(logistf(..., data = sex2, alpha = 0.1)) of logistf 1.26
    X, y, names = contraceptives()
    clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    found = profile_intervals(clf, X, y, feature_names=names, confidence=0.9)
    low = [-1.8277045, -0.7986318, 1.4248338, -3.0613215, -1.4743338, 1.0835108]
    high = [-0.4328451, 0.6507581, 3.2325326, -1.2704704, -0.1137542, 6.8752016]
    ratio = [7.50773092, 0.02467044, 22.93139022, 19.10407252, 3.69740975, 7.89693139]
    p = [6.143472e-03, 8.751911e-01, 1.678877e-06, 1.237805e-05, 5.449701e-02]
    np.testing.assert_allclose(found["ci_low"], [*low, -0.6673577], atol=2e-5)
    np.testing.assert_allclose(found["ci_high"], [*high, 0.9177303], atol=2e-5)
    np.testing.assert_allclose(found["lr_statistic"], [*ratio, 0.06286298], rtol=1e-5)
    np.testing.assert_allclose(found["p_value"][:5], p, rtol=1e-5)
    summary = mle_summary(clf, X, y)
    assert summary.lr_statistic == pytest.approx(49.09064, abs=6e-6)
    assert summary.lr_p_value == pytest.approx(7.15089e-09, rel=1e-5)
    assert summary.lr_df == 6
    # The errors of the information, as logistf printed them up to 1.23.
    errors = [0.4236601, 0.4437934, 0.5484160, 0.5430825, 0.4173675, 1.6750220]
    np.testing.assert_allclose(summary.std_error, [*errors, 0.4855415], rtol=1e-5)


@pytest.mark.parametrize("given", [endometrial, contraceptives])
def test_profiles_equal_firthmodels(given):
    theirs = pytest.importorskip("firthmodels").FirthLogisticRegression()
    X, y, _ = given()
    ours = profile_intervals(fit(X, y, penalty="firth"), X, y)
    expected = theirs.fit(X, y).conf_int(method="pl")
    np.testing.assert_allclose(ours[["ci_low", "ci_high"]], expected, rtol=1e-4)


# --- separated classes ----------------------------------------------------------------


def test_separated_parameters_have_no_figures():
    X, y, names = endometrial()
    with pytest.warns(SeparationWarning):
        clf = GradientAscentLogisticRegression().fit(X, y)
    with pytest.warns(SeparationWarning):
        summary = mle_summary(clf, X, y, feature_names=names)
    assert summary.separated.tolist() == [True, False, False, False]
    (line,) = [line for line in str(summary).splitlines() if line.startswith("NV")]
    assert line.split() == ["NV", "separated", *"-----"]
    assert '0.5em">separated</td>' in summary._repr_html_()
    # As glm of R prints them of these data.
    np.testing.assert_allclose(
        summary.estimate[1:], [-0.04218, -2.90261, 4.30452], 1e-3
    )
    np.testing.assert_allclose(summary.std_error[1:], [0.04433, 0.84555, 1.6373], 1e-3)
    frame = summary.to_frame()
    assert frame.loc["NV", "std_error":].isna().all() and frame["z"][1:].notna().all()
    assert np.isnan(wald_test(summary, "NV").statistic)
    assert wald_test(summary, "EH").p_value < 0.01
    with pytest.warns(SeparationWarning):
        assert marginal_effects(clf, X, y)["std_error"].isna().all()
    with pytest.warns(SeparationWarning):  # the likelihood still bounds it from below
        found = profile_intervals(clf, X, y)
    # Where Newton's method finds the deviance of an offset.
    assert found["ci_low"].iloc[0] == pytest.approx(1.28411, abs=1e-4)
    assert found["ci_high"].iloc[0] == np.inf


def test_of_several_classes_those_are_separated_that_are():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)), rng.integers(0, 3, 500)
    X[:, 2] = (np.arange(500) % 25 == 0) & (y == 1)
    with pytest.warns(SeparationWarning):
        clf = GradientAscentLogisticRegression().fit(X, y)
    with pytest.warns(SeparationWarning):
        summary = mle_summary(clf, X, y)
    separated = summary.separated.reshape(2, 4)
    assert separated[0].tolist() == [False, False, True, False]
    assert not separated[1, [0, 1, 3]].any()


# --- all of them ----------------------------------------------------------------------


def frame_of(function, clf, X, y, **options):
    found = function(clf, X, y, **options)
    return found.to_frame() if function is mle_summary else found


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("penalty", [None, "firth"])
def test_weights_are_repetitions(function, penalty):
    X, y = simulated()
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    clf = fit(X, y, sample_weight=weights, penalty=penalty)
    weighted = frame_of(function, clf, X, y, sample_weight=weights)
    again = np.repeat(np.arange(len(y)), weights)
    repeated = frame_of(function, clf, X[again], y[again])
    if function is probability_intervals:
        repeated = frame_of(function, clf, X[again], y[again], at=X)
    if function is influence:
        assert weighted.index.tolist() == np.flatnonzero(weights).tolist()
        weighted = weighted.loc[again]
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("cov_type", ["HC0", "HC1", "cluster"])
def test_robust_weights_are_repetitions(cov_type):
    X, y = simulated(n_classes=3)
    rng = np.random.default_rng(0)
    weights, groups = rng.integers(0, 3, len(y)), rng.integers(0, 9, len(y))
    clf, again = fit(X, y, sample_weight=weights), np.repeat(np.arange(len(y)), weights)
    keywords = [{}, {}]
    if cov_type == "cluster":
        keywords = [{"groups": groups}, {"groups": groups[again]}]
    rules = {"cov_type": cov_type}
    weighted = mle_summary(clf, X, y, sample_weight=weights, **rules, **keywords[0])
    repeated = mle_summary(clf, X[again], y[again], **rules, **keywords[1])
    np.testing.assert_allclose(weighted.std_error, repeated.std_error, rtol=1e-8)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("penalty", [None, "firth"])
def test_sparse_and_offset_features_change_nothing(function, penalty):
    X, y = simulated()
    X[np.abs(X) < 0.5] = 0
    clf = fit(X, y, penalty=penalty)
    plain = frame_of(function, clf, X, y)
    found = frame_of(function, clf, sparse.csr_array(X), y)
    np.testing.assert_allclose(found, plain, rtol=1e-8, atol=1e-10)
    moved = X + [1e5, -1e5, 0]
    found = frame_of(function, fit(moved, y, penalty=penalty), moved, y)
    slopes = slice(None) if function in (influence, probability_intervals) else slice(3)
    np.testing.assert_allclose(found[slopes], plain[slopes], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_features_that_stay_in_a_file(function, tmp_path):
    X, y = simulated()
    counts = np.memmap(tmp_path / "X", np.int16, "w+", shape=X.shape)
    counts[...] = np.round(10 * X)
    clf = fit(counts, y)
    plain = frame_of(function, clf, np.array(counts, float), y)
    found = frame_of(function, clf, counts, y)
    np.testing.assert_allclose(found, plain, rtol=1e-8)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_an_intercept(function):
    X, y = simulated()
    clf = fit(X, y, fit_intercept=False)
    assert np.isfinite(frame_of(function, clf, X, y)).all(axis=None)


def test_many_blocks_of_rows_are_as_one():
    X, y = simulated(n=30_000)
    clf = fit(X, y)
    p = clf.predict_proba(X)[:, 1]
    X1 = np.column_stack([X, np.ones(len(y))])
    bread = np.linalg.inv(X1.T @ (X1 * (p * (1 - p))[:, None]))
    meat = X1.T @ (X1 * ((y - p) ** 2)[:, None])
    found = mle_summary(clf, X, y, cov_type="HC0")
    np.testing.assert_allclose(found.covariance, bread @ meat @ bread, rtol=1e-7)
    leverage = p * (1 - p) * np.einsum("ij,jk,ik->i", X1, bread, X1)
    np.testing.assert_allclose(influence(clf, X, y)["leverage"], leverage, rtol=1e-7)
    effect = np.mean(p * (1 - p)) * clf.coef_[0]
    np.testing.assert_allclose(marginal_effects(clf, X, y)["effect"], effect, rtol=1e-8)


def test_an_estimate_of_firths_is_at_its_own_top():
    X, y = simulated(n=50)
    clf = fit(X, y, penalty="firth")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mle_summary(clf, X, y)
    with pytest.warns(ConvergenceWarning, match="standard errors from the maximum"):
        mle_summary(clf.set_params(penalty=None), X, y)


def test_unusable_covariances_are_a_value_error():
    X, y = simulated()
    clf = fit(X, y)
    groups = np.arange(len(y)) % 5
    for keywords, message in [
        ({"cov_type": "HC9"}, "cov_type must be one of"),
        ({"cov_type": "cluster"}, "groups go with"),
        ({"groups": groups}, "groups go with"),
        ({"cov_type": "cluster", "groups": groups[1:]}, "for each of 300 samples"),
        ({"cov_type": "cluster", "groups": 0 * groups}, "two at least"),
    ]:
        with pytest.raises(ValueError, match=message):
            mle_summary(clf, X, y, **keywords)
    with pytest.raises(ValueError, match="not for penalty='firth'"):
        mle_summary(fit(X, y, penalty="firth"), X, y, cov_type="HC0")


def test_a_summary_is_kept():
    X, y = simulated()
    summary = mle_summary(fit(X, y), X, y, cov_type="HC1")
    assert str(pickle.loads(pickle.dumps(summary))) == str(summary)
