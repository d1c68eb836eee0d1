"""
A network, watched while it learns
==================================

scikit-learn 1.9 has callbacks: objects that look on while an estimator is fitted. At
the end of each iteration they get an estimator that is as if the fit had ended there.
This example uses one to draw a network and its decision boundary at several moments of
one fit.
"""

# %%
# A callback that keeps snapshots
# -------------------------------
# A callback has four methods, of which this one needs the last: after some of the
# iterations it keeps a copy of the fitted estimator. Tasks that are not iterations,
# such as the fit as a whole, have another name.

import copy
import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay

from skneuron import SimpleMLPClassifier
from skneuron.inspection import LogLikelihoodDisplay, NetworkDisplay


class Snapshots:
    """Keep a copy of the fitted estimator after some of the iterations."""

    def __init__(self, iterations):
        self.iterations = iterations
        self.taken = {}

    def setup(self, estimator, context):
        self.n_seen = 0

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **kwargs):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, **kwargs):
        if context.task_name == "iteration":
            self.n_seen += 1
            if self.n_seen in self.iterations:
                self.taken[self.n_seen] = copy.deepcopy(fitted_estimator)


# %%
# One fit, three moments
# ----------------------
# The two moons, and three hidden neurons that climb with Adam. A callback is set with
# ``set_callbacks``, and does not change what is learned. Beside the boundary stands the
# network: red edges are positive weights, blue ones negative, and the wider an edge,
# the larger its weight beside the others of its layer.

X, y = make_moons(300, noise=0.2, random_state=0)
snapshots = Snapshots([100, 350, 600])
network = SimpleMLPClassifier(
    (3,), "tanh", alpha=0, max_iter=600, tol=0.0, random_state=6
)
network.set_callbacks(snapshots)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 600 iterations and no more
    network.fit(X, y)

fig, axes = plt.subplots(
    3, 2, figsize=(7, 8.2), width_ratios=[1, 1.25], layout="constrained"
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
