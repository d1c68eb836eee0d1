"""
A network's two passes, drawn
=============================

Forward, a network turns an example into a probability; backward, it turns the residual
of that probability into the gradient of the log-likelihood. This example draws both
passes of a small network, takes one step along the gradient, and looks at what has
changed.
"""

# %%
# A small network
# ---------------
# Two inputs, three hidden neurons and one output, trained for a few steps on "exactly
# one of the two". It is far from done, so that there is a residual to see.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneuron import SimpleMLPClassifier
from skneuron.inspection import (
    NetworkDisplay,
    backward_pass,
    check_gradient,
    forward_pass,
)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])
network = SimpleMLPClassifier(
    (3,), solver="lbfgs", alpha=0, max_iter=12, random_state=0
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # twelve steps are not the top
    network.fit(X, y)
print("probability of class 1:", network.predict_proba(X)[:, 1].round(2))

# %%
# Forward
# -------
# The example is (0, 1), whose class is 1. Each neuron takes the sum of its inputs,
# times the weights of the edges, plus its intercept, the edge that comes from the unit
# of 1; the number in it is the logistic function of that sum. Red edges are positive
# weights, blue ones negative.

example, label = X[1:2], y[1:2]
inputs, hidden, y_hat = forward_pass(network, example)
print("hidden:", hidden.round(3), " y_hat:", y_hat.round(3))

# %%
# Backward
# --------
# The output's residual is ``y - y_hat``, the derivative of the log-likelihood in the
# output's logit. Each hidden neuron gets its share of it: times the weight between
# them, times ``a (1 - a)``, the slope of the logistic function at its activation ``a``.
# The gradient in a weight is the activation where its edge begins times the residual
# where it ends. A :class:`~skneuron.inspection.NetworkDisplay` can draw this as well:
# residuals in the neurons, and the gradient on the edges. In the inputs stand the
# derivatives in the features themselves, one step further back.

gradient = backward_pass(network, example, label)
of_hidden, of_output = gradient.residuals
of_inputs = of_hidden @ network.coefs_[0].T

np.testing.assert_allclose(of_output, label - y_hat)
np.testing.assert_allclose(
    of_hidden, of_output @ network.coefs_[1].T * hidden * (1 - hidden)
)
np.testing.assert_allclose(gradient.coefs[1], hidden.T @ of_output)

fig, (above, below) = plt.subplots(2, 1, figsize=(7, 6.6), layout="constrained")
NetworkDisplay.from_estimator(network, example, ax=above)
above.set_title("Forward: activations, and weights on the edges")
NetworkDisplay(
    coefs=gradient.coefs,
    intercepts=gradient.intercepts,
    input_names=["x0", "x1"],
    output_names=["class 1"],
    activations=[of_inputs[0], of_hidden[0], of_output[0]],
).plot(below)
below.set_title("Backward: residuals, and the gradient on the edges")

# %%
# The edges of x0 have no gradient: the example has x0 = 0, so that their weights change
# nothing. The middle hidden neuron speaks against class 1, so that its residual is
# negative: the less it is active, the more likely is this example's class.
#
# One step
# --------
# The fitted attributes may be set, so that a step along the gradient can be taken by
# hand. It raises the probability of the example's class, and with it its
# log-likelihood.

before = network.log_likelihood(example, label)
rate = 0.5
network.coefs_ = [
    W + rate * dW for W, dW in zip(network.coefs_, gradient.coefs, strict=True)
]
network.intercepts_ = [
    b + rate * db
    for b, db in zip(network.intercepts_, gradient.intercepts, strict=True)
]
after = network.log_likelihood(example, label)
print(f"log-likelihood of the example: {before:.3f} before the step, {after:.3f} after")

# %%
# Is the gradient right?
# ----------------------
# :func:`~skneuron.inspection.check_gradient` compares backpropagation with differences
# of the log-likelihood itself, and gives the largest relative difference.

print(f"largest relative difference: {check_gradient(network, X, y):.1e}")

plt.show()
