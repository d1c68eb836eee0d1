"""
Separable data: a hill without a top
====================================

Where a line divides the classes without a mistake, the likelihood of a logistic
regression has no maximum: steeper is always better. This example shows the hill that
goes on for ever, what the package says about it, and what to do.
"""

# %%
# Two features
# ------------
# The lengths of the petals tell the irises *setosa* (class 0) from the two other
# species (class 1) without a mistake: no setosa has more than 1.9 cm, no other less
# than 3 cm. The lengths of the sepals overlap.

import textwrap
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import log_expit
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from skneuron import GradientAscentLogisticRegression
from skneuron.exceptions import SeparationWarning
from skneuron.inference import profile_intervals, separation

X, y = load_iris(return_X_y=True, as_frame=True)
y = (y > 0).astype(int)
petal, sepal = X[["petal length (cm)"]], X[["sepal length (cm)"]]

# %%
# What the package says
# ---------------------
# ``fit`` ends with finite weights, and with a
# :class:`~skneuron.exceptions.SeparationWarning` that names the features.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", SeparationWarning)
    GradientAscentLogisticRegression().fit(petal, y)
print(textwrap.fill(str(caught[0].message), 80))

# %%
# :func:`~skneuron.inference.separation` looks at the data alone.

print(separation(petal, y))
print(separation(sepal, y))

# %%
# The hill
# --------
# On the left, the log-likelihood at each weight of the feature, with the best intercept
# for that weight. The sepals' has a top; the petals' rises towards zero, which it never
# reaches. On the right, what that means for the climb: the petals' weight grows for as
# long as one climbs, more and more slowly. With a penalty there is a top, and the
# weight stays there.

weights = np.linspace(0.5, 12, 116)
middles = np.linspace(0, 9, 181)  # where the probability is one half, in cm


def profile(x):
    """The mean log-likelihood at each weight, with the best of the intercepts."""
    z = weights[:, None, None] * (x - middles[:, None])
    return log_expit(np.where(y == 1, z, -z)).mean(axis=-1).max(axis=-1)


def weights_of_climb(x, iterations, **parameters):
    """The weight after so many iterations of gradient ascent."""
    model = GradientAscentLogisticRegression(
        1.0, warm_start=True, tol=0.0, **parameters
    )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for more in np.diff(iterations, prepend=0):
            found.append(model.set_params(max_iter=more).fit(x, y).coef_[0, 0])
    return found


iterations = np.unique(np.geomspace(1, 2000, 22).astype(int))

fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.9), layout="constrained")
for feature, name, color in [
    (petal, "petal length", "#d55e00"),
    (sepal, "sepal length", "#0072b2"),
]:
    height = profile(feature.to_numpy().ravel())
    left.plot(weights, height, color=color, lw=2, label=f"{name}, no penalty")
    if feature is sepal:
        top = height.argmax()
        left.plot(weights[top], height[top], "*", color=color, ms=14)
    climb = weights_of_climb(feature - feature.mean(), iterations)
    right.plot(iterations, climb, color=color, lw=2)
climb = weights_of_climb(petal - petal.mean(), iterations, C=1.0)
right.plot(iterations, climb, color="#d55e00", lw=2, ls="--", label="petal length, C=1")
left.axhline(0, color="0.5", ls=":")
left.set(
    xlabel="weight (log-odds per cm)",
    ylabel="log-likelihood per example (nats)",
    title="One hill has a top (star), one has none",
    ylim=(-0.55, 0.05),
)
right.set(
    xscale="log",
    xlabel="iterations of gradient ascent",
    ylabel="weight (log-odds per cm)",
    title="Without a top, weights grow for ever",
)
fig.legend(loc="outside lower center", ncols=3)

# %%
# What to do
# ----------
# Separation is no error of the fit, and the classes that it predicts are sensible. But
# the size of the weights, and with it the certainty of the probabilities, says when the
# climb was ended rather than anything about irises; and there are no standard errors. A
# finite ``C`` gives weights that the data and the penalty determine.

model = GradientAscentLogisticRegression(C=1.0).fit(petal, y)
print(f"C=1: weight {model.coef_[0, 0]:.2f}, {model.score(petal, y):.0%} right")

# %%
# Firth's penalty leaves nothing to choose, and brings intervals: the data bound the
# weight from below, the penalty from above.

model = GradientAscentLogisticRegression(penalty="firth").fit(petal, y)
print(profile_intervals(model, petal, y).round(2))

# %%
# Separation hides where it is not looked for. Here everybody who was treated recovered,
# and of the others some did. No line divides the two classes, but the weight of the
# treatment can grow without ever doing harm. This is quasi-complete separation, and it
# is found, too.

people = pd.DataFrame(
    {
        "treated": [1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
        "age": [31, 62, 45, 58, 28, 66, 49, 37, 55, 41],
    }
)
recovered = [1, 1, 1, 1, 1, 0, 0, 1, 1, 0]
found = separation(people, recovered)
print(f"{found.kind} separation, along {found.features}")

plt.show()
