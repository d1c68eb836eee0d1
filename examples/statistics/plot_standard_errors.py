"""
Standard errors, and intervals that hold the truth
==================================================

The top of a log-likelihood is the estimate; how sharply the hill bends there says how
much the estimate can be trusted. This example prints the summary of a logistic
regression that a statistician would want, draws its confidence intervals, and checks by
simulation that they do what they promise.
"""

# %%
# A summary
# ---------
# Five features of the breast cancer data, in units of their standard deviations, so
# that the sizes of the estimates can be compared. Class 0 is malignant and class 1
# benign.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression
from skneuron.inference import mle_summary

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
features = [
    "mean radius",
    "mean texture",
    "mean smoothness",
    "mean symmetry",
    "mean fractal dimension",
]
X = StandardScaler().set_output(transform="pandas").fit_transform(X[features])
model = GradientAscentLogisticRegression().fit(X, y)
summary = mle_summary(model, X, y)
print(summary)

# %%
# A forest plot
# -------------
# ``to_frame`` gives the table as a data frame. An interval that stays clear of zero is
# a feature whose sign the data have settled, at the level of 95%.

frame = summary.to_frame().drop("intercept").sort_values("estimate")
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for height, (_, row) in enumerate(frame.iterrows()):
    settled = row["ci_low"] > 0 or row["ci_high"] < 0
    color = "#0072b2" if settled else "0.6"
    ax.plot([row["ci_low"], row["ci_high"]], [height, height], color=color, lw=2.5)
    ax.plot(row["estimate"], height, "o", color=color, ms=8)
ax.axvline(0, color="0.3", ls=":")
ax.set(
    yticks=range(len(frame)),
    yticklabels=frame.index,
    ylim=(-0.6, len(frame) - 0.4),
    xlabel="log-odds of benign, per standard deviation of the feature (95% interval)",
)
n_settled = np.sum((frame["ci_low"] > 0) | (frame["ci_high"] < 0))
ax.set_title(f"The data have settled the signs of {n_settled} of 5 features")

# %%
# Do they hold the truth?
# -----------------------
# A 95% interval is a promise about many data sets: 95 in 100 such intervals hold the
# true value, give or take the two or so by which chance moves such a count. Here the
# truth is known. 100 data sets of 200 examples, and from each the interval of the first
# weight, which is 1:

rng = np.random.default_rng(1)
true_weights = np.array([1.0, -0.5, 0.0])
rows = []
for _ in range(100):
    X = rng.standard_normal((200, 3))
    y = (rng.random(200) < expit(X @ true_weights)).astype(int)
    model = GradientAscentLogisticRegression().fit(X, y)
    rows.append(mle_summary(model, X, y).to_frame().iloc[0])
low, high = (np.array([row[name] for row in rows]) for name in ("ci_low", "ci_high"))
estimate = np.array([row["estimate"] for row in rows])
missed = (low > 1) | (high < 1)

fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
number = np.arange(100)
for chosen, color, label in [
    (~missed, "0.6", f"{np.sum(~missed)} intervals with the truth"),
    (missed, "#d55e00", f"{np.sum(missed)} without"),
]:
    ax.vlines(number[chosen], low[chosen], high[chosen], color=color, lw=2, label=label)
    ax.plot(number[chosen], estimate[chosen], ".", color=color, ms=5)
ax.axhline(1, color="k", lw=1, label="the truth")
ax.set(xlabel="data set", ylabel="first weight (log-odds)", xlim=(-1, 100))
ax.set_title(f"{np.sum(~missed)} of 100 intervals of 95% hold the true weight")
fig.legend(loc="outside lower center", ncols=3)

plt.show()
