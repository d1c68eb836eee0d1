"""
The other classifier: naive Bayes
=================================

Logistic regression learns :math:`P(y | x)`, and nothing about how features come about.
Naive Bayes learns just that, a density of the features for each class, and turns it
around by Bayes' theorem. This example sets the two side by side: who is better with few
examples and who with many, what to do with categories, and what becomes of both where a
line cannot separate the classes.
"""

# %%
# Few examples, and many
# ----------------------
# Ng & Jordan (2001) found that naive Bayes is sooner at its best, and that its best is
# less good: its parameters are plain means, which few examples tell well, but features
# are not independent as it assumes them to be. Here is the mean log-likelihood of
# held-out examples, for training sets that are drawn again and again. A penalty keeps
# the logistic regression finite where few examples separate.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.naive_bayes import CategoricalNB, GaussianNB
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from skneuron import GradientAscentLogisticRegression

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(np.log1p(X))

MODELS = {
    "naive Bayes": (GaussianNB(), "#d55e00"),
    "logistic regression, C=1": (GradientAscentLogisticRegression(C=1.0), "#0072b2"),
}
sizes = [8, 12, 20, 35, 60, 100, 170, 280]


def held_out(model, size, n_draws=20):
    """Mean accuracy and log-likelihood per example, on what was not drawn."""
    splits = StratifiedShuffleSplit(
        n_draws, train_size=size, test_size=280, random_state=0
    )
    found = []
    for train, test in splits.split(X, y):
        model.fit(X[train], y[train])
        log_p = model.predict_log_proba(X[test])
        found.append(
            (model.score(X[test], y[test]), log_p[np.arange(280), y[test]].mean())
        )
    return np.mean(found, axis=0)


fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.9), layout="constrained")
for name, (model, color) in MODELS.items():
    for ax, values in zip(axes, np.transpose([held_out(model, n) for n in sizes])):
        ax.plot(sizes, values, "o-", color=color, lw=2, ms=4, label=name)
    print(f"{name}: {values[0]:.2f} nats an example with {sizes[0]} examples,", end=" ")
    print(f"{values[-1]:.2f} with {sizes[-1]}")
axes[0].set(ylabel="held-out accuracy", xscale="log")
axes[1].set(ylabel="held-out log-likelihood\n(nats an example)", xscale="log")
axes[1].set_ylim(-4, 0.1)  # the first points of naive Bayes lie far below
for ax in axes:
    ax.set_xlabel("training examples")
fig.suptitle("Naive Bayes is sure too soon: 30 features are not 30 witnesses")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

# %%
# In accuracy the regression is two or three points ahead, in log-likelihood worlds.
# Thirty measurements of the same cells repeat one another; naive Bayes takes each for a
# witness of its own, and multiplies what they say. Its probabilities are far too near 0
# and 1. What the regression maximises is the very thing that is drawn on the right.
#
# Where it is true
# ----------------
# Here are data that are made as naive Bayes assumes: 20 features, independent within a
# class. What it assumes beforehand, a regression that is left to itself has to learn,
# and it takes some hundreds of examples to catch up. A penalty assumes something too,
# that no weight is large, which serves as well here.

rng = np.random.default_rng(0)
y = rng.integers(0, 2, 6000)
X = rng.normal(size=(6000, 20)) + 0.5 * y[:, None]
unpenalised = {"hardly a penalty, C=100": (GradientAscentLogisticRegression(C=100), "")}
for name, (model, _) in {**MODELS, **unpenalised}.items():
    accuracies = [held_out(model, size)[0] for size in [60, 100, 300, 1000]]
    print(f"{name:25}", " ".join(f"{accuracy:.3f}" for accuracy in accuracies))

# %%
# {A, B, C} is not {1, 2, 3}
# --------------------------
# A model of sums takes numbers at their word: coded as 1, 2, 3, class C is three times
# class A, and B is half way between. One column for each category, *one-hot*, gives
# each a weight of its own. ``CategoricalNB`` counts categories, and needs no such
# thing. Here B alone makes the difference:

kind = rng.choice(["A", "B", "C"], 3000)[:, None]
likely = np.where(kind.ravel() == "B", 0.9, 0.2)
answer = (rng.random(3000) < likely).astype(int)
codes, one_hot = OrdinalEncoder(), OneHotEncoder()
as_numbers, as_columns = codes.fit_transform(kind), one_hot.fit_transform(kind)

regression = GradientAscentLogisticRegression()
rows = {
    "regression of 0, 1, 2": (regression, as_numbers, codes),
    "regression of one-hot": (regression, as_columns, one_hot),
    "CategoricalNB": (CategoricalNB(), as_numbers.astype(int), codes),
}
print(f"{'P(y = 1) of':23}A     B     C")
for name, (model, features, encoder) in rows.items():
    model.fit(features, answer)
    probabilities = model.predict_proba(encoder.transform([["A"], ["B"], ["C"]]))[:, 1]
    print(f"{name:22}", " ".join(f"{p:.2f} " for p in probabilities))

# %%
# Where a line cannot
# -------------------
# The border of the regression is straight; that of Gaussian naive Bayes nearly is,
# where the classes have nearly the same deviations. No line separates two clouds that
# overlap. Neither minds: a probability says how much they do.

centres = np.array([[0.0, 0.0], [1.6, 0.8]])
y = rng.integers(0, 2, 400)
X = centres[y] + rng.normal(size=(400, 2))
xs, ys = np.meshgrid(np.linspace(-3.5, 5, 86), np.linspace(-3.5, 4.5, 81))
grid = np.column_stack([xs.ravel(), ys.ravel()])

fig, axes = plt.subplots(
    1, 2, figsize=(7.5, 3.9), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, (model, _)) in zip(axes, MODELS.items(), strict=True):
    p = model.fit(X, y).predict_proba(grid)[:, 1].reshape(xs.shape)
    levels = np.linspace(0, 1, 11)
    filled = ax.contourf(xs, ys, p, levels=levels, cmap="RdBu_r", alpha=0.6)
    ax.contour(xs, ys, p, levels=[0.5], colors="k")
    ax.scatter(*X.T, c=y, cmap="RdBu_r", s=12, edgecolor="white", lw=0.4)
    ax.set_title(f"{name}: {model.score(X, y):.0%} right", fontsize=10)
    ax.set_xlabel("first feature")
axes[0].set_ylabel("second feature")
fig.colorbar(filled, ax=axes, label="P(y = 1)")

plt.show()
