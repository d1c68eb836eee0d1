"""Random cases keep every promise; `tests/fuzz.py` says which, and runs many more."""

import fuzz
import numpy as np
import pytest
from scipy import sparse

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SEED = 0  # the same cases every time: new ones are for the command


@pytest.mark.parametrize("number", range(40))
def test_a_random_case(number):
    found = fuzz.run(SEED, number)
    assert found is None, found


def test_a_broken_promise_is_found(monkeypatch):
    """The fuzzer sees what it looks for: of a model that is off, in one digit."""
    right = LR.predict_proba
    monkeypatch.setattr(LR, "predict_proba", lambda self, X: 0.999 * right(self, X))
    found = [fuzz.run(SEED, number) for number in range(10)]
    assert any(said and "log p is the logarithm of p" in said for said in found)


# --- what it has found ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_of_logits_beyond_the_smallest_number(dtype, n_classes):
    """A rate of a million leaves logits of 1e154, which are finite all the same."""
    X = np.array([[-1.0], [1.0], [2.0], [-2.0], [0.5], [-0.5]], dtype=dtype)
    model = LR(max_iter=1).set_params(C=1.0)
    model.fit(X, np.arange(6) % n_classes)
    largest = np.finfo(dtype).max ** 0.5
    model.coef_ = np.arange(1, len(model.coef_) + 1, dtype=dtype)[:, None] * largest
    p = model.predict_proba(X)
    assert ((p > 0) & (p < 1)).all()
    assert np.isfinite(model.predict_log_proba(X)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_stream_whose_weights_have_become_too_large(dtype):
    """The next batch says so, in words, and leaves the fit as it was."""
    rng = np.random.default_rng(557)
    X = rng.standard_normal((49, 1)).astype(dtype)
    y = (X[:, 0] > 0).astype(int)
    model = MLP((1,), "relu", solver="gradient", learning_rate=1e6, random_state=0)
    model.partial_fit(X, y, [0, 1])
    model.coefs_ = [W * 0 + np.finfo(dtype).max / 4 for W in model.coefs_]
    with pytest.raises(ValueError, match="smaller learning_rate"):
        model.partial_fit(X, y)
    assert np.isfinite(model.coefs_[0]).all()


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_column_whose_curvature_is_rounding(kind, dtype):
    """The difference of its sums may come out below 0."""
    rng = np.random.default_rng(790)
    X = rng.standard_normal((88, 4)).astype(dtype)
    for value in rng.random(20):
        X[:, 0] = value
        model = LR(max_iter=3).fit(kind(X), np.arange(88) % 4)
        assert np.isfinite(model.coef_).all()
