"""Weights by hand: what is given is what predicts."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inference import mle_summary
from skneuron.inspection import NetworkDisplay, backward_pass, forward_pass

One, Network = GradientAscentLogisticRegression, SimpleMLPClassifier


def test_one_neuron():
    clf = One.from_weights([1.0, -2.0], 0.5, classes=["no", "yes"])
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(clf.decision_function(X), [1.5, -1.5])
    assert clf.predict(X).tolist() == ["yes", "no"]
    assert clf.coef_.shape == (1, 2) and clf.intercept_.shape == (1,)
    assert (clf.n_features_in_, clf.n_parameters_) == (2, 3)
    expected = -2 * np.log1p(np.exp(-1.5))
    assert clf.log_likelihood(X, ["yes", "no"]) == pytest.approx(expected)


def test_a_neuron_to_a_class():
    X, y = load_iris(return_X_y=True)
    fitted = One(C=1.0).fit(X, y)
    clf = One.from_weights(fitted.coef_, fitted.intercept_)
    np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))
    assert clf.n_parameters_ == fitted.n_parameters_
    assert One.from_weights(np.eye(3)).intercept_.tolist() == [0, 0, 0]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_network(activation):
    X, y = load_iris(return_X_y=True)
    fitted = Network((5, 4), activation, max_iter=20, random_state=0, tol=0.0)
    with pytest.warns(match="max_iter"):
        fitted.fit(X, y)
    given = fitted.coefs_, fitted.intercepts_
    clf = Network.from_weights(*given, activation=activation, random_state=0)
    assert clf.hidden_layer_sizes == (5, 4)
    np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))
    assert clf.n_parameters_ == fitted.n_parameters_
    clf.coefs_[0][...] = 0  # a copy
    assert fitted.coefs_[0].any()


def test_it_can_be_looked_into():
    clf = Network.from_weights([[[1.0], [1.0]], [[2.0]]], [[-1.0], [-1.0]])
    hidden, out = forward_pass(clf, [[1.0, 1.0]])[1:]
    np.testing.assert_allclose(hidden, 1 / (1 + np.exp(-1.0)))
    assert backward_pass(clf, [[1.0, 1.0]], [1]) is not None
    pytest.importorskip("matplotlib").use("agg")
    NetworkDisplay.from_estimator(clf)
    assert out.shape == (1, 1)


def test_several_outputs():
    clf = One.from_weights(np.eye(2), classes=[[0, 1], [0, 1]])
    assert clf.predict([[1.0, -1.0]]).tolist() == [[1, 0]]
    clf = One.from_weights(np.eye(4), classes=[["a", "b"], ["p", "q", "r"]])
    assert clf.predict([[1.0, 0, 3, 2]]).tolist() == [["b", "q"]]


def test_a_fit_starts_anew_or_goes_on():
    X, y = load_iris(return_X_y=True)
    X, y = X[y > 0], y[y > 0] - 1
    clf = One.from_weights([0.1, 0.2, 0.3, 0.4], -1, warm_start=True)
    start = clf.log_likelihood(X, y)
    clf.set_params(C=10.0).fit(X, y)
    assert clf.log_likelihood_curve_[0] == pytest.approx(start, rel=1e-10)
    again = clone(clf).set_params(warm_start=False).fit(X, y)
    np.testing.assert_allclose(clf.coef_, again.coef_, rtol=1e-4)


def test_what_does_not_fit_is_a_value_error():
    with pytest.raises(ValueError, match="last layer has 2 logits"):
        One.from_weights(np.eye(2), classes=[0, 1])
    with pytest.raises(ValueError, match="sorted"):
        One.from_weights([1.0], classes=["yes", "no"])
    with pytest.raises(ValueError, match="shape"):
        One.from_weights([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="must have the shapes"):
        Network.from_weights([np.ones((2, 3)), np.ones((2, 1))], [np.ones(3), [0]])
    with pytest.raises(ValueError, match="must have the shapes"):
        Network.from_weights([np.ones((2, 3)), np.ones((3, 1))], [np.ones(2), [0]])
    with pytest.raises(ValueError, match="shorter"):
        Network.from_weights([np.ones((2, 1))], [])


def test_weights_that_make_all_certain_have_no_curvature():
    X, y = [[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1]
    with pytest.raises(ValueError, match="no curvature"):
        mle_summary(One.from_weights([1e6]), X, y)
