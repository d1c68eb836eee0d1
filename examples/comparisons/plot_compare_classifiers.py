"""
Beside scikit-learn's classifiers
=================================

Which classifier is the right one depends on the data. This example sets the two
estimators beside four of scikit-learn's: first on three sets of points in the plane,
where one can see what each of them takes for the boundary, and then in numbers on
handwritten digits.
"""

# %%
# The classifiers
# ---------------
# Each with its defaults, behind a scaler, but for two things: the logistic regressions
# are given the same penalty and tolerance, and the forest has 50 trees.

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits, make_blobs, make_circles, make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

models = {
    "Gradient ascent LR": GradientAscentLogisticRegression(C=1.0),
    "Logistic regression": LogisticRegression(C=1.0, tol=1e-6, max_iter=1000),
    "Simple MLP": SimpleMLPClassifier(random_state=0),
    "MLP": MLPClassifier(random_state=0),
    "Nearest neighbours": KNeighborsClassifier(),
    "Random forest": RandomForestClassifier(50, random_state=0),
}
ours = {"Gradient ascent LR", "Simple MLP"}
models = {name: make_pipeline(StandardScaler(), m) for name, m in models.items()}

# %%
# In the plane
# ------------
# 150 points to learn from, which are drawn, and 450 to be asked about: the number in
# the corner is the share of these that are right. The two logistic regressions are the
# same model, and draw the same picture. Neighbours bend their boundary around single
# points, and trees cut along the axes. The networks get the 200 epochs of their
# defaults, which here are 200 steps, as 150 points are one batch: enough for the ring,
# but not for the bend between the moons.

data = {
    "moons": make_moons(600, noise=0.3, random_state=0),
    "ring and disc": make_circles(600, noise=0.2, factor=0.5, random_state=1),
    "two clouds": make_blobs(
        600, centers=[(-1, -1), (1, 1)], cluster_std=1.2, random_state=0
    ),
}

fig, axes = plt.subplots(6, 3, figsize=(7, 11), layout="constrained")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs and no more
    for column, (data_name, (X, y)) in zip(axes.T, data.items(), strict=True):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, train_size=150, random_state=0
        )
        column[0].set_title(data_name)
        for ax, (name, model) in zip(column, models.items(), strict=True):
            model.fit(X_train, y_train)
            DecisionBoundaryDisplay.from_estimator(
                model,
                X,
                response_method="predict_proba",
                plot_method="pcolormesh",
                ax=ax,
                grid_resolution=80,
                eps=0.4,
                cmap="coolwarm",
                vmin=0,
                vmax=1,
                alpha=0.6,
                rasterized=True,
            )
            ax.scatter(
                *X_train.T,
                c=y_train,
                cmap="coolwarm",
                s=10,
                edgecolor="w",
                linewidth=0.4,
            )
            ax.set(xticks=[], yticks=[])
            ax.text(
                0.97,
                0.04,
                f"{model.score(X_test, y_test):.0%}",
                transform=ax.transAxes,
                ha="right",
                bbox={
                    "facecolor": "white",
                    "alpha": 0.8,
                    "edgecolor": "none",
                    "pad": 2,
                },
            )
            if data_name == "moons":
                ax.set_ylabel(name, fontweight="bold" if name in ours else "normal")
fig.colorbar(
    axes[0, 0].collections[0],
    ax=axes,
    location="bottom",
    shrink=0.6,
    aspect=40,
    pad=0.01,
    label="probability of the red class",
)

# %%
# In numbers
# ----------
# The 1797 handwritten digits, by 2-fold cross-validation. The log-loss, the mean
# negative log-likelihood of held-out rows, asks more than the accuracy: it is small
# where a classifier is right and certain, and large where it is certain and wrong.

X, y = load_digits(return_X_y=True)
rows = {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name, model in models.items():
        scores = cross_validate(model, X, y, cv=2, scoring=["accuracy", "neg_log_loss"])
        rows[name] = {
            "accuracy": scores["test_accuracy"].mean(),
            "log-loss (nats)": -scores["test_neg_log_loss"].mean(),
        }
results = pd.DataFrame(rows).T
print(results.round(3).to_string())

# %%
# Half a point of accuracy is no more than chance. The logistic regressions agree, being
# the same model at the same maximum. The neighbours are often certain and wrong: at an
# accuracy like the others', their log-loss is far the highest.

fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.2), sharey=True, layout="constrained")
place = np.arange(len(results))[::-1]
for ax, (measure, values) in zip(axes, results.items(), strict=True):
    colors = ["#d55e00" if name in ours else "#0072b2" for name in results.index]
    ax.scatter(values, place, color=colors, s=60, zorder=2)
    ax.set(xlabel=measure, yticks=place, yticklabels=results.index)
    ax.grid(alpha=0.3)
axes[1].set_xlim(0, None)
fig.suptitle("Digits: skneuron's two estimators (orange) and four others")

plt.show()
