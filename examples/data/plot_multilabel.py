"""
Several labels at once
======================

An example can have several labels, or none: a picture with a cat and a dog, a mail that
is both urgent and private. Where ``y`` is a table of 0 and 1, both estimators learn one
sigmoid for each of its columns. The log-likelihood is the sum of the columns'. The
network's outputs share its hidden layer, so that they learn its features together.
"""

# %%
# Three overlapping shapes
# ------------------------
# Points in the plane, and three labels: inside a disc, below a wave, and within a
# diagonal band. A point may be in all of them or in none. One label in twenty is
# flipped, so that no model can be right about all.

import matplotlib.pyplot as plt
import numpy as np

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

names = ["disc", "wave", "band"]


def shapes(X):
    """Which of the three shapes each point is in, as a table of 0 and 1."""
    x0, x1 = X.T
    return np.column_stack(
        [
            np.hypot(x0 + 0.6, x1 - 0.6) < 1.1,
            x1 < 0.5 * np.sin(2.5 * x0) - 0.3,
            np.abs(x0 - x1) < 0.8,
        ]
    ).astype(int)


rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(3000, 2))
flipped = rng.random((3000, 3)) < 0.05
y = shapes(X) ^ flipped
X_train, X_test, y_train, y_test = X[:1500], X[1500:], y[:1500], y[1500:]
print("the first three rows of y:", *y[:3].tolist())

# %%
# One hidden layer for three outputs
# ----------------------------------
# ``predict_proba`` gives a column for each label, and ``score`` is the share of rows
# with every label right.

network = SimpleMLPClassifier(
    (24,), "tanh", solver="lbfgs", alpha=1.0, max_iter=1000, random_state=0
).fit(X_train, y_train)
neurons = GradientAscentLogisticRegression().fit(X_train, y_train)

print("predict_proba of the first row:", network.predict_proba(X_test[:1]).round(3))
for name, model in [("three neurons", neurons), ("network", network)]:
    right = (model.predict(X_test) == y_test).mean(axis=0)
    print(f"{name:14} rows with every label right: {model.score(X_test, y_test):.1%};")
    print(
        " " * 15 + "; ".join(f"{n} {r:.1%}" for n, r in zip(names, right, strict=True))
    )

# %%
# What each output learned
# ------------------------
# Colours are the probability that a point has the label; the dashed line is the true
# edge. One neuron can only say in which direction a label becomes more likely, and of
# the band not even that. With one label in twenty flipped, nobody can be right, in the
# long run, about more than 95% of a label, or more than 0.95 ** 3, 86%, of the rows.

side = np.linspace(-2, 2, 160)
x0, x1 = np.meshgrid(side, side)
points = np.column_stack([x0.ravel(), x1.ravel()])
truth = shapes(points)

fig, axes = plt.subplots(
    2, 3, figsize=(7.5, 5.2), sharex=True, sharey=True, layout="constrained"
)
for row, (model_name, model) in zip(
    axes, [("three neurons", neurons), ("24 hidden neurons", network)], strict=True
):
    probabilities = model.predict_proba(points)
    for j, ax in enumerate(row):
        image = ax.pcolormesh(
            x0,
            x1,
            probabilities[:, j].reshape(x0.shape),
            cmap="coolwarm",
            vmin=0,
            vmax=1,
            rasterized=True,
        )
        ax.contour(
            x0, x1, truth[:, j].reshape(x0.shape), [0.5], colors="k", linestyles="--"
        )
        ax.set(aspect="equal", xticks=[], yticks=[])
        right = np.mean(model.predict(X_test)[:, j] == y_test[:, j])
        ax.set_title(f"{names[j]}: {right:.0%} right", fontsize="medium")
    row[0].set_ylabel(model_name, fontsize="large")
fig.colorbar(image, ax=axes, label="probability of the label", shrink=0.7)
fig.suptitle("One hidden layer learns three shapes at once")

plt.show()
