"""
A network, watched while it learns
==================================

scikit-learn 1.9 has callbacks: objects that look on while an estimator is fitted. At
the end of each iteration they get an estimator that is as if the fit had ended there.
This example uses one to draw a network and its decision boundary at several moments of
one fit.
"""

# %%
# One fit, three moments
# ----------------------
# The two moons, and three hidden neurons that climb with Adam. The callback is
# :class:`~skneuron.inspection.Snapshots`: after some of the iterations it keeps what
# the fitted estimator would be there. It is set with ``set_callbacks``, and does not
# change what is learned.

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay

from skneuron import SimpleMLPClassifier
from skneuron.inspection import LogLikelihoodDisplay, NetworkDisplay, Snapshots

X, y = make_moons(300, noise=0.2, random_state=0)
snapshots = Snapshots([100, 350, 600])
network = SimpleMLPClassifier(
    (3,), "tanh", alpha=0, max_iter=600, tol=0.0, random_state=6
)
network.set_callbacks(snapshots)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 600 iterations and no more
    network.fit(X, y)

# %%
# Beside the boundary stands the network: red edges are positive weights, blue ones
# negative, and the wider an edge, the larger its weight beside the others of its layer.
# The edges of the units of 1 are the intercepts.

fig, axes = plt.subplots(
    3, 2, figsize=(7.8, 8.2), width_ratios=[1, 1.5], layout="constrained"
)
for (left, right), (n_iter, snapshot) in zip(
    axes, snapshots.taken.items(), strict=True
):
    surface = DecisionBoundaryDisplay.from_estimator(
        snapshot,
        X,
        response_method="predict_proba",
        plot_method="pcolormesh",
        ax=left,
        eps=0.3,
        cmap="coolwarm",
        vmin=0,
        vmax=1,
        alpha=0.6,
        rasterized=True,
    ).surface_
    left.scatter(*X.T, c=y, cmap="coolwarm", s=10, edgecolor="white", linewidth=0.3)
    left.set(xticks=[], yticks=[])
    left.set_title(f"after {n_iter} epochs: {snapshot.score(X, y):.0%} right")
    NetworkDisplay.from_estimator(snapshot, ax=right)
fig.colorbar(
    surface,
    ax=axes[:, 0],
    location="bottom",
    label="probability of class 1",
    shrink=0.9,
    aspect=30,
)
fig.suptitle("First a straight line, then the bends")

# %%
# What changed
# ------------
# The same network between two of the moments. Here an edge is the change of a weight:
# red if it grew, blue if it fell.

fig, axes = plt.subplots(2, 1, figsize=(7, 6), layout="constrained")
moments = [*snapshots.taken.values()]
for ax, earlier, later in zip(axes, moments, moments[1:]):
    NetworkDisplay.from_estimator(later, since=earlier, ax=ax)
    ax.set_title(f"Epochs {earlier.n_iter_} to {later.n_iter_}")
fig.suptitle("The change of the weights")

# %%
# The climb
# ---------
# The fitted estimator keeps the log-likelihood after each iteration. The marks are the
# moments of the pictures above. Within 100 epochs the network is nearly as good as one
# neuron can be. For another 150 it gains little: the hidden neurons have to turn away
# from the line on which they agree. Then the bends come, and the climb is faster once
# more.

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
display = LogLikelihoodDisplay.from_estimator(network, ax=ax, color="#0072b2", lw=2)
epochs = list(snapshots.taken)
ax.plot(
    epochs, network.log_likelihood_curve_[epochs], "o", color="#d55e00", label="drawn"
)
ax.set(xlim=(0, 610), xlabel="epoch")
ax.set_title("The climb almost rests on the straight line before it finds the bends")
ax.legend(loc="lower right")

plt.show()
