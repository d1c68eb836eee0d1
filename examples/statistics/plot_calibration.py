"""
What a probability means
========================

A classifier that says "0.8" is calibrated if it is right in eight of ten such cases.
The likelihood rewards just this: it is highest, in the long run, for the probabilities
that are true. This example looks at the calibration of a logistic regression and of two
networks, on data whose true probabilities are known.
"""

# %%
# Data with known probabilities
# -----------------------------
# Ten features; the log-odds of class 1 are a linear function of them plus a product of
# two, which a logistic regression cannot form.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit, xlogy
from sklearn.calibration import CalibrationDisplay
from sklearn.exceptions import ConvergenceWarning

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

rng = np.random.default_rng(0)
X = rng.standard_normal((22_000, 10))
truth = expit(X[:, :4] @ [1.0, -0.8, 0.6, -0.4] + X[:, 0] * X[:, 4])
y = (rng.random(len(X)) < truth).astype(int)
X_train, X_test, y_train, y_test = X[:2000], X[2000:], y[:2000], y[2000:]

# %%
# Three models
# ------------
# A logistic regression; a network that climbs for 300 epochs without a penalty; and the
# same network with a penalty on its weights.

models = {
    "logistic regression": GradientAscentLogisticRegression(),
    "network, no penalty": SimpleMLPClassifier(
        (50,), "tanh", alpha=0, max_iter=300, tol=0.0, random_state=0
    ),
    "network, alpha=1": SimpleMLPClassifier(
        (50,), "tanh", alpha=1.0, max_iter=300, tol=0.0, random_state=0
    ),
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 300 epochs and no more
    for model in models.values():
        model.fit(X_train, y_train)

print(f"{'on held-out rows':22}{'accuracy':>9}{'nats per row':>14}")
for name, model in models.items():
    mean = model.log_likelihood(X_test, y_test) / len(y_test)
    print(f"{name:22}{model.score(X_test, y_test):9.1%}{mean:14.3f}")
possible = np.mean(xlogy(truth, truth) + xlogy(1 - truth, 1 - truth))
print(
    f"{'the true probability':22}{np.mean(np.maximum(truth, 1 - truth)):9.1%}", end=""
)
print(f"{possible:14.3f}")

# %%
# Said and true
# -------------
# Above, scikit-learn's ``CalibrationDisplay``: of the rows that got a probability, how
# many were of class 1. Below, because here the truth is known, each row's true
# probability against what it was given; yellow is where most rows are.

colors = ["#0072b2", "#d55e00", "#009e73"]
fig, axes = plt.subplots(
    2, 3, figsize=(7.5, 5.4), sharex=True, sharey=True, layout="constrained"
)
for (above, below), (name, model), color in zip(
    axes.T, models.items(), colors, strict=True
):
    CalibrationDisplay.from_estimator(
        model, X_test, y_test, n_bins=10, ax=above, color=color, name=name
    )
    above.get_legend().remove()
    above.set(title=name, xlabel="", ylabel="")
    below.hexbin(
        model.predict_proba(X_test)[:, 1],
        truth[2000:],
        gridsize=30,
        extent=(0, 1, 0, 1),
        bins="log",
        cmap="viridis",
        mincnt=1,
    )
    below.plot([0, 1], [0, 1], "k:", lw=1)
    below.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    below.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
axes[0, 0].set_ylabel("share of class 1")
axes[1, 0].set_ylabel("true probability\n(brighter: more rows)")
fig.supxlabel("predicted probability of class 1", fontsize="medium")
fig.suptitle("Calibrated is not yet right, and certain is not yet calibrated")

# %%
# What one sees
# -------------
# The logistic regression is nearly calibrated: of the rows to which it gives 0.7, seven
# in ten are of class 1. Yet row by row its probabilities are far from the true ones, as
# it knows nothing of the product; to be calibrated is not to be sharp. The network
# without a penalty has learned its 2000 examples by heart, and is far too certain of
# the others. With the penalty it is nearly calibrated and close to the truth.

plt.show()
