"""
The hill: paths over the log-likelihood
=======================================

A logistic regression of two weights and no intercept has a log-likelihood that can be
drawn as a map. This example draws it, and on it the way that the climb takes from zero
to the top: gradient ascent at three rates, and Newton's method.
"""

# %%
# A map of the likelihood
# -----------------------
# A map has a height at each place: the log-likelihood of the data at each pair of
# weights. A fitted estimator answers for any weights that are put into its ``coef_``,
# but for a whole map it is as easy to write the formula down. The two features are
# correlated, which is what makes a hill into a ridge.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import log_expit
from sklearn.exceptions import ConvergenceWarning

from skneuron import GradientAscentLogisticRegression
from skneuron.inspection import max_stable_learning_rate

rng = np.random.default_rng(0)
n_samples = 400
X = rng.multivariate_normal([0, 0], [[1.0, 0.8], [0.8, 1.0]], size=n_samples)
y = (rng.random(n_samples) < 1 / (1 + np.exp(-X @ [2.0, -1.0]))).astype(int)


def log_likelihood(w0, w1):
    """Mean log-likelihood at weights of any shape (...)."""
    z = w0[..., None] * X[:, 0] + w1[..., None] * X[:, 1]
    return np.mean(log_expit(np.where(y == 1, z, -z)), axis=-1)


w0, w1 = np.meshgrid(np.linspace(-1, 4, 120), np.linspace(-3, 1.5, 120))
height = log_likelihood(w0, w1)

# %%
# The ways up
# -----------
# To see where the climb is after each iteration, fit with ``warm_start=True`` and one
# iteration at a time: ten times one iteration is ten iterations. Each such fit warns
# that one iteration is not the top, which here is no news.


def path(n_steps, **parameters):
    """The weights at the start and after each of so many iterations."""
    model = GradientAscentLogisticRegression(
        fit_intercept=False, warm_start=True, max_iter=1, **parameters
    )
    weights = [np.zeros(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(n_steps):
            weights.append(model.fit(X, y).coef_[0])
    return np.array(weights)


limit = max_stable_learning_rate(X, y, fit_intercept=False)
top = GradientAscentLogisticRegression(fit_intercept=False).fit(X, y).coef_[0]

ways = {
    f"a tenth of the limit: {limit / 10:.2f}, 40 steps": path(
        40, learning_rate=limit / 10
    ),
    f"the limit: {limit:.2f}, 40 steps": path(40, learning_rate=limit),
    f"twice the limit: {2 * limit:.2f}, 40 steps": path(40, learning_rate=2 * limit),
    "Newton's method, 6 steps": path(6, solver="newton"),
}

fig, axes = plt.subplots(
    2, 2, figsize=(7.5, 6.8), sharex=True, sharey=True, layout="constrained"
)
below_top = log_likelihood(*top) - height
levels = np.geomspace(0.0003, 3, 13)
for ax, (name, way) in zip(axes.flat, ways.items(), strict=True):
    filled = ax.contourf(
        w0, w1, below_top, levels, cmap="viridis_r", norm="log", extend="both"
    )
    ax.plot(*way.T, "o-", color="white", ms=3.5, lw=1.2, mec="black", mew=0.5)
    ax.plot(*top, "*", color="#d55e00", ms=14, mec="white")
    ax.set_title(name, fontsize="medium")
    ax.set(xlim=(-1, 4), ylim=(-3, 1.5))
fig.supxlabel("weight of the first feature")
fig.supylabel("weight of the second feature")
fig.colorbar(
    filled,
    ax=axes,
    ticks=[0.001, 0.01, 0.1, 1],
    format="%g",
    shrink=0.8,
    label="nats per example below the maximum",
)
fig.suptitle("The limit and Newton's method arrive at the maximum (star)")

# %%
# What one sees
# -------------
# The gradient is at right angles to the contours, so the climb first runs up the steep
# flank and then turns along the ridge, where the gradient is small and the steps are
# short. At a tenth of the limit, 40 steps are too few; at the limit they nearly arrive.
# At twice the limit the steps jump over the ridge, and end up going to and fro between
# two points on either side of it. Newton's method divides the gradient by the
# curvature, which makes a round hill of the ridge: it goes straight to the top, and is
# there in a few steps.

for name, way in ways.items():
    below = log_likelihood(*top) - log_likelihood(*way[-1])
    print(f"{name:37} ends {below:.1e} nats per example below the maximum")

plt.show()
