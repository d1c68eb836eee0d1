"""``alpha="auto"``: a penalty that predicts well, and the MLE where it is asked for."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits

from skneuron import SimpleMLPClassifier as MLP
from skneuron.mlp import FEW, STRENGTHS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def noisy(n, d=8, seed=0):
    """A line to learn, and one label in four that says nothing."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = np.where(rng.random(n) < 0.5, rng.random(n) < 0.5, X[:, 0] > 0)
    return X, y.astype(int)


@pytest.mark.parametrize("solver", ["adam", "gradient", "lbfgs"])
def test_auto_is_a_penalty_on_all_rows_together(solver):
    usual = STRENGTHS[0]
    for n, batch_size, batch in [(90, "auto", 90), (250, "auto", 125), (90, 20, 20)]:
        X, y = noisy(n)
        options = {"solver": solver, "batch_size": batch_size, "random_state": 0}
        model = MLP((5,), max_iter=3, **options).fit(X, y)
        share = 1 if solver == "lbfgs" else batch / n
        strengths = [usual] if n < FEW else STRENGTHS
        assert np.isclose(model.alpha_, np.multiply(strengths, share)).any()


def test_neurons_with_steep_slopes_are_held_back_more():
    X, y = noisy(FEW - 1)
    alphas = [
        MLP(hidden, activation, max_iter=2).fit(X, y).alpha_
        for hidden in [(3,), ()]
        for activation in ["logistic", "tanh", "relu"]
    ]
    usual = STRENGTHS[0]
    np.testing.assert_allclose(alphas, [usual, 4 * usual, 4 * usual, *[usual] * 3])


def test_auto_is_the_mle_with_a_number_as_the_rate():
    X, y = noisy(400)
    lecture = MLP((5,), learning_rate=0.1, max_iter=5, random_state=0).fit(X, y)
    mle = clone(lecture).set_params(alpha=0).fit(X, y)
    assert lecture.alpha_ == mle.alpha_ == 0
    np.testing.assert_array_equal(lecture.coefs_[0], mle.coefs_[0])


def test_a_number_is_the_penalty_in_force():
    X, y = noisy(400)
    for alpha in [0, 0.5]:
        model = MLP((3,), alpha=alpha, max_iter=3).fit(X, y)
        assert model.alpha_ == alpha


def test_auto_of_standardised_features_is_alpha():
    X, y = noisy(150)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    tight = {"solver": "lbfgs", "tol": 1e-8, "max_iter": 5000, "random_state": 0}
    auto = MLP((), **tight).fit(np.clip(X, -4, 4), y)
    number = MLP((), alpha=auto.alpha_, **tight).fit(np.clip(X, -4, 4), y)
    np.testing.assert_allclose(auto.coefs_[0], number.coefs_[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("units", [1e-9, 2.0**-9, 2.0**9, 1e9])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_auto_does_not_ask_for_the_units_of_the_features(units, container):
    X, y = noisy(120)
    few = {"solver": "lbfgs", "max_iter": 300, "tol": 1e-7, "random_state": 0}
    model = MLP((), **few).fit(container(X), y)
    other = MLP((), **few).fit(container(X * units), y)
    found = other.predict_proba(container(X * units))
    np.testing.assert_allclose(found, model.predict_proba(container(X)), atol=1e-3)


def test_auto_holds_noise_back_and_lets_a_clear_rule_be_learned():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 20))
    clear, noise = X[:, 0] > 0, rng.integers(0, 2, 500)
    of_clear, of_noise = (MLP(random_state=0).fit(X, y) for y in [clear, noise])
    assert of_clear.alpha_ < of_noise.alpha_
    assert of_clear.score(X, clear) > 0.97
    new = rng.standard_normal((500, 20))
    assert of_noise.log_likelihood(new, noise) / 500 > -0.8  # a coin toss: -0.69


@pytest.mark.parametrize("n", [401, 404, 601, 650])
def test_a_few_rows_more_than_a_batch_change_little(n):
    """Their own batch would be of so few that its step is noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 8))
    y = rng.random(n) < 1 / (1 + np.exp(-2 * X[:, 0] * X[:, 1]))
    some, all_of_them = (
        MLP(alpha=0, random_state=0).fit(X[:m], y[:m]) for m in [n // 200 * 200, n]
    )
    learned = [model.log_likelihood_ / len(y) for model in (some, all_of_them)]
    assert learned[1] > learned[0] - 0.1


def test_a_choice_is_repeated_and_kept():
    X, y = noisy(400)
    options = {"max_iter": 5, "random_state": 0}
    straight = MLP((5,), max_iter=10, random_state=0).fit(X, y)
    again = clone(straight).fit(X, y)
    np.testing.assert_array_equal(straight.coefs_[0], again.coefs_[0])
    warm = MLP((5,), warm_start=True, **options).fit(X, y)
    chosen = warm.alpha_
    assert warm.fit(X, y).alpha_ == chosen


def test_the_prior_of_a_stream_counts_once():
    X, y = noisy(400)
    model = MLP((5,), random_state=0)
    for n, rows in enumerate(np.split(np.arange(400), 4), start=1):
        model.partial_fit(X[rows], y[rows], classes=[0, 1])
        np.testing.assert_allclose(model.alpha_, STRENGTHS[0] / n)


def test_weights_that_are_no_counts_do_not_weigh_less_than_the_penalty():
    X, y = noisy(150)
    few = {"solver": "lbfgs", "max_iter": 500, "tol": 1e-8, "random_state": 0}
    shares = MLP((), **few).fit(X, y, sample_weight=np.full(150, 1 / 150))
    rows = MLP((), **few).fit(X, y)
    np.testing.assert_allclose(shares.coefs_[0], rows.coefs_[0], atol=1e-3)


def test_an_interrupt_of_the_choice_ends_the_fit(monkeypatch):
    X, y = noisy(400)
    model = MLP((3,), max_iter=3, random_state=0)

    def interrupted(climber, watch=None):
        raise KeyboardInterrupt

    monkeypatch.setattr("skneuron._estimator.plan.Climber.run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_a_pixel_at_the_border_does_not_decide():
    X, y = load_digits(return_X_y=True)
    train, test = np.arange(0, 1797, 2), np.arange(1, 1797, 2)
    model = MLP(max_iter=40, tol=0.0, random_state=0)
    model.fit(X[train], y[train])
    plain = model.score(X[test], y[test])
    assert plain > 0.95
    for pixel in [0, 8, 16, 24, 32, 39, 47, 56]:
        grey = X[test].copy()
        grey[:, pixel] = 8
        assert model.score(grey, y[test]) > plain - 0.03
