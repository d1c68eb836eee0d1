"""Firth's logistic regression, against published figures and firthmodels."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import optimize, sparse
from scipy.special import expit, log_expit
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from studies import contraceptives, endometrial

from skneuron import GradientAscentLogisticRegression
from skneuron.exceptions import SeparationWarning
from skneuron.inference import mle_summary
from skneuron.model_selection import LockstepSearchCV


def fit(X, y, **keywords):
    weights = keywords.pop("sample_weight", None)
    keywords = {"penalty": "firth", "tol": 1e-10, **keywords}
    return GradientAscentLogisticRegression(**keywords).fit(X, y, weights)


def parameters(clf):
    return np.append(clf.intercept_, clf.coef_)


def draw(n=60, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.geomspace(0.01, 100, d) + 3
    return X, (rng.random(n) < expit(X[:, 1] - 4)).astype(int)


def by_simplex(X, y, weights=1.0, start=None):
    """The estimate, of the definition alone: Nelder and Mead look at values only."""
    X1 = np.column_stack([np.ones(len(X)), X])

    def minus(theta):
        z = X1 @ theta
        v = expit(z) * expit(-z) * weights
        penalty = np.linalg.slogdet(X1.T @ (X1 * v[:, None]))[1] / 2
        return -np.sum(weights * log_expit(np.where(y, z, -z))) - penalty

    theta = np.zeros(X1.shape[1]) if start is None else start
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
    for _ in range(3):
        found = optimize.minimize(minus, theta, method="Nelder-Mead", options=options)
        theta = found.x
    return theta


def test_endometrial_cancer_is_as_published():
    # brglm(HG ~ NV + PI + EH), as its authors print it, to all digits; the same in
    # Heinze & Schemper (2002), table 2, of logistf's ancestor.
    X, y, _ = endometrial()
    clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    published = [3.77456, 2.92927, -0.03475, -2.60416]
    np.testing.assert_allclose(parameters(clf), published, atol=5.1e-6)


def test_contraceptives_are_as_published():
    # summary(logistf(case ~ age + oc + vic + vicl + vis + dia, data = sex2))
    X, y, _ = contraceptives()
    assert X.shape == (239, 6) and y.sum() == 130
    clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    published = [0.12025405, -1.10598131, -0.06881673, 2.26887464]
    published += [-2.11140817, -0.78831694, 3.09601166]  # to logistf's own tolerance
    np.testing.assert_allclose(parameters(clf), published, atol=5e-7)


def test_of_one_proportion_it_adds_half_a_success_and_half_a_failure():
    y = np.array([1] * 7 + [0] * 2)
    clf = fit(np.zeros((9, 1)), y)
    assert clf.intercept_[0] == pytest.approx(np.log(7.5 / 2.5), rel=1e-9)


@pytest.mark.parametrize("study", [endometrial, contraceptives])
def test_it_equals_firthmodels(study):
    theirs = pytest.importorskip("firthmodels").FirthLogisticRegression(gtol=1e-8)
    X, y, _ = study()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X, y)
    expected = np.append(theirs.intercept_, theirs.coef_)
    np.testing.assert_allclose(parameters(fit(X, y)), expected, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_a_search_by_values_alone(weighted):
    X, y = draw(d=2)
    X = (X - X.mean(0)) / X.std(0)
    weights = np.arange(len(y)) % 3 + 1.0 if weighted else 1.0
    clf = fit(X, y, sample_weight=weights if weighted else None)
    expected = by_simplex(X, y, weights)
    np.testing.assert_allclose(parameters(clf), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_of_any_study_the_modified_score_is_0(seed):
    # Few and many rows, rare indicators, separated and not, in units of any size.
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(8, 60)), int(rng.integers(1, 6))
    X = rng.normal(size=(n, d))
    rare = rng.random(d) < 0.4
    X[:, rare] = rng.random((n, rare.sum())) < 0.2
    X[0] += 1
    slopes = rng.normal(size=d) * rng.choice([0.5, 2, 20])
    y = (rng.random(n) < expit(X @ slopes - 1)).astype(int)
    y[:2] = 0, 1
    scaled = X * 10.0 ** rng.integers(-4, 5, d)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = fit(scaled, y, tol=1e-8)
    assert clf.converged_
    X1 = np.column_stack([X, np.ones(n)])
    p = clf.predict_proba(scaled)[:, 1]
    v = p * (1 - p)
    h = v * np.einsum("ij,jk,ik->i", X1, np.linalg.pinv(X1.T @ (X1 * v[:, None])), X1)
    score = X1.T @ (y - p + h * (0.5 - p))
    np.testing.assert_allclose(score / n, 0, atol=1e-6)


def test_weights_are_repetitions():
    X, y = draw()
    weights = np.random.default_rng(0).integers(1, 4, len(y))
    weighted = fit(X, y, sample_weight=weights)
    repeated = fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(parameters(weighted), parameters(repeated), rtol=1e-6)


def test_scales_and_offsets_change_nothing():
    X, y = draw()
    scales, offsets = np.array([1e-7, 1.0, 1e7]), np.array([0, 1e4, -1e9])
    plain, moved = fit(X, y), fit(X * scales + offsets, y, tol=1e-6)
    np.testing.assert_allclose(moved.coef_ * scales, plain.coef_, rtol=1e-4)


@pytest.mark.parametrize("make", [sparse.csr_array, np.float32])
def test_sparse_and_float32(make):
    X, y = draw()
    clf = fit(make(X), y, tol=1e-6)
    np.testing.assert_allclose(parameters(clf), parameters(fit(X, y)), rtol=2e-3)
    assert clf.converged_


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_separated_and_collinear_data_have_an_estimate(fit_intercept):
    X, y = draw()
    X = np.column_stack([X, X[:, 1], y])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = fit(X, y, fit_intercept=fit_intercept, tol=1e-6)
    assert clf.converged_
    assert np.abs(clf.coef_[0, 4]) < 20
    assert clf.coef_[0, 1] == pytest.approx(clf.coef_[0, 3], rel=1e-6)


def test_columns_that_are_nearly_the_same():
    """As well as columns of the same span that are not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = (X.sum(axis=1) + rng.logistic(size=40) > 0).astype(int)
    near = np.column_stack([X[:, 0], X[:, 0] + 1e-7 * X[:, 1]])
    plain, clf = fit(X, y), fit(near, y, tol=1e-6)
    assert clf.converged_
    slopes = [plain.coef_[0, 0] - 1e7 * plain.coef_[0, 1], 1e7 * plain.coef_[0, 1]]
    np.testing.assert_allclose(clf.coef_[0], slopes, rtol=1e-6)


def test_the_default_tol_gives_all_digits():
    X, y, _ = endometrial()
    clf = GradientAscentLogisticRegression(penalty="firth").fit(X, y)
    exact = fit(X, y, tol=1e-14)
    np.testing.assert_allclose(parameters(clf), parameters(exact), rtol=1e-9)


def test_more_features_than_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 50)), np.arange(20) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit(X, y, tol=1e-4).score(X, y) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_step_never_lowers_the_penalised_likelihood(seed):
    X, y = draw(n=25, seed=seed)
    X1 = np.column_stack([np.ones(len(X)), X])
    values = []
    for max_iter in range(1, 9):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            clf = fit(X, y, max_iter=max_iter)
        p = clf.predict_proba(X)[:, 1]
        # Of the root: squares of these columns would round it to 1e-10.
        root = np.linalg.qr(X1 * np.sqrt(p * (1 - p))[:, None], "r")
        penalty = np.linalg.slogdet(root)[1]
        values.append(clf.log_likelihood_ + penalty)
    assert np.all(np.diff(values) >= -1e-10)


def test_it_can_be_paused():
    X, y, _ = contraceptives()
    paused = GradientAscentLogisticRegression(penalty="firth", warm_start=True)
    for max_iter in (2, 1000):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            paused.set_params(max_iter=max_iter).fit(X, y)
    whole = fit(X, y, tol=1e-6)
    np.testing.assert_allclose(paused.coef_, whole.coef_, rtol=1e-5)


def test_it_is_a_parameter_like_any_other():
    X, y = draw()
    clf = clone(fit(X, y))
    assert clf.get_params()["penalty"] == "firth"
    assert len(cross_val_score(clf, X, y, cv=3)) == 3
    fitted = clf.fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    base = GradientAscentLogisticRegression()
    grid = {"penalty": [None, "firth"], "fit_intercept": [True, False]}
    search = LockstepSearchCV(base, grid, cv=2, scoring="neg_log_loss").fit(X, y)
    half = (
        [at for at, _ in search.cv.split(X, y)] if hasattr(search.cv, "split") else []
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all() and not half


def test_what_it_cannot_do_is_a_value_error():
    X, y = draw()
    for keywords, message in [
        ({"C": 1.0}, "needs C=inf, got 1.0"),
        ({"learning_rate": 0.1}, "needs learning_rate='auto', got 0.1"),
        ({"solver": "lbfgs"}, "needs solver='auto', got 'lbfgs'"),
        ({"batch_size": 10}, "needs batch_size=None, got 10"),
        ({"penalty": "l2"}, "'penalty' parameter"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(X, y, **keywords)
    with pytest.raises(ValueError, match="two classes; y has 3"):
        fit(X, np.arange(len(y)) % 3)
    with pytest.raises(ValueError, match="two classes; y has 2 and 2"):
        fit(X, np.column_stack([y, 1 - y]))
    clf = GradientAscentLogisticRegression(penalty="firth")
    with pytest.raises(AttributeError, match="partial_fit"):
        clf.partial_fit(X, y, classes=[0, 1])


def test_a_separation_warning_names_it():
    X = np.arange(10.0)[:, None]
    with pytest.warns(SeparationWarning, match='or penalty="firth"'):
        GradientAscentLogisticRegression().fit(X, X[:, 0] > 4)
    with pytest.warns(SeparationWarning) as caught:
        GradientAscentLogisticRegression().fit(X, X[:, 0] // 4)
    assert "firth" not in str(caught[0].message)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_ratio_knows_an_intercept_among_the_features(fit_intercept):
    X, y = draw()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    plain = mle_summary(fit(X, y), X, y)
    X1, names = np.column_stack([X[:, :1], np.ones(60), X[:, 1:]]), ["a", "const", "b"]
    clf = fit(X1, y, fit_intercept=fit_intercept)
    ours = mle_summary(clf, X1, y, feature_names=[*names, "c"])
    assert ours.lr_df == plain.lr_df == 3
    assert ours.lr_statistic == pytest.approx(plain.lr_statistic, rel=1e-6)


def test_the_ratio_without_an_intercept_is_against_even_odds():
    X, y = draw()
    clf = fit(X, y, fit_intercept=False)

    def penalised(w):
        z = X @ w
        variance = expit(z) * expit(-z)
        information = (X * variance[:, None]).T @ X
        terms = np.where(y == y.max(), log_expit(z), log_expit(-z))
        return terms.sum() + 0.5 * np.linalg.slogdet(information)[1]

    ratio = 2 * (penalised(clf.coef_[0]) - penalised(np.zeros(X.shape[1])))
    summary = mle_summary(clf, X, y)
    assert summary.lr_statistic == pytest.approx(ratio, rel=1e-7)
    assert summary.lr_df == X.shape[1]
