"""
One neuron and a hidden layer
=============================

One neuron divides the plane with a straight line. A hidden layer of neurons draws
several lines, and a neuron on top of it combines them. This example sets the two beside
each other on three sets of points that no straight line divides, and then takes the
hidden layer of one network apart.
"""

# %%
# Three sets of points
# --------------------
# Exclusive or: the class is 1 where exactly one of the coordinates is positive. Two
# moons that hold each other. A ring around a disc.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_circles, make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inspection import forward_pass

rng = np.random.default_rng(0)
corners = rng.integers(0, 2, size=(300, 2))
X_xor = 2 * corners - 1 + 0.4 * rng.standard_normal((300, 2))
data = {
    "exclusive or": (X_xor, corners[:, 0] ^ corners[:, 1]),
    "moons": make_moons(300, noise=0.2, random_state=0),
    "ring and disc": make_circles(300, factor=0.4, noise=0.12, random_state=0),
}

models = {
    "one neuron": GradientAscentLogisticRegression(),
    "8 hidden neurons": SimpleMLPClassifier(
        (8,), "tanh", solver="lbfgs", alpha=0.1, max_iter=1000, random_state=0
    ),
}

# %%
# The boundaries
# --------------
# The colours are the probability of class 1, and the black line is where it is one
# half. ``alpha`` is a small penalty on the weights: without it, the network would
# sharpen its boundary until it is as certain as it can be of every point.


def draw(model, X, y, ax):
    """The probability of class 1, the boundary, and the points."""
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        response_method="predict_proba",
        plot_method="pcolormesh",
        ax=ax,
        eps=0.3,
        cmap="coolwarm",
        vmin=0,
        vmax=1,
        alpha=0.6,
        rasterized=True,
    )
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        response_method="predict_proba",
        plot_method="contour",
        ax=ax,
        eps=0.3,
        levels=[0.5],
        colors="black",
    )
    ax.scatter(*X.T, c=y, cmap="coolwarm", s=12, edgecolor="white", linewidth=0.4)
    ax.set(xticks=[], yticks=[])


fig, axes = plt.subplots(2, 3, figsize=(7.5, 5.2), layout="constrained")
for column, (name, (X, y)) in zip(axes.T, data.items(), strict=True):
    for ax, (model_name, model) in zip(column, models.items(), strict=True):
        model.fit(X, y)
        draw(model, X, y, ax)
        ax.set_title(f"{model.score(X, y):.1%} right", fontsize="medium")
        if name == "exclusive or":
            ax.set_ylabel(model_name, fontsize="large")
    column[-1].set_xlabel(name, fontsize="large")
fig.colorbar(
    axes[0, 0].collections[0], ax=axes, label="probability of class 1", shrink=0.7
)
fig.suptitle("A straight line divides none of them; a hidden layer, all three")

# %%
# Inside the hidden layer
# -----------------------
# Three hidden neurons are enough for the ring. Each of them is a logistic regression of
# its own, with a straight boundary; :func:`~skneuron.inspection.forward_pass` gives
# their activations. The output neuron adds them up with the weights above the panels:
# it takes off from its intercept for the neurons that see the outside of the disc, and
# adds for the one that sees the inside. What is left is high where all three say
# "inside".

X, y = data["ring and disc"]
network = SimpleMLPClassifier(
    (3,), "logistic", solver="lbfgs", alpha=0.1, max_iter=1000, random_state=0
).fit(X, y)

side = np.linspace(-1.6, 1.6, 200)
x0, x1 = np.meshgrid(side, side)
_, hidden, output = forward_pass(network, np.column_stack([x0.ravel(), x1.ravel()]))

fig, axes = plt.subplots(1, 4, figsize=(7.5, 2.5), layout="constrained", sharey=True)
for j, ax in enumerate(axes):
    activation = hidden[:, j] if j < 3 else output[:, 0]
    image = ax.pcolormesh(
        x0,
        x1,
        activation.reshape(x0.shape),
        cmap="coolwarm",
        vmin=0,
        vmax=1,
        alpha=0.6,
        rasterized=True,
    )
    ax.contour(x0, x1, activation.reshape(x0.shape), [0.5], colors="black")
    ax.scatter(*X.T, c=y, cmap="coolwarm", s=5, edgecolor="white", linewidth=0.2)
    title = "output neuron"
    if j < 3:
        title = f"hidden neuron {j}\nweight {network.coefs_[1][j, 0]:+.1f}"
    ax.set_title(title, fontsize="medium")
    ax.set(aspect="equal", xticks=[], yticks=[])
fig.colorbar(image, ax=axes, label="activation", shrink=0.8)
fig.suptitle("Three straight lines make a closed curve")

plt.show()
