"""
Learning rates: too small, right, too large
===========================================

Gradient ascent takes steps ``theta += learning_rate * gradient``. The rate decides
whether it arrives, how soon, and whether it falls. This example draws the climbs of
four rates on the same hill, and shows what the scale of the features has to do with it.
"""

# %%
# The hill
# --------
# Two features of the breast cancer data, the mean radius and the mean texture of a
# tumour's cell nuclei, tell the malignant from the benign. In standardised features,
# with the gradient averaged over the examples,
# :func:`~skneuron.inspection.max_stable_learning_rate` knows beforehand the largest
# rate at which no step can lower the log-likelihood.

import textwrap
import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression
from skneuron.inspection import LogLikelihoodDisplay, max_stable_learning_rate

X, y = load_breast_cancer(return_X_y=True)
X = X[:, :2]
X_scaled = StandardScaler().fit_transform(X)

limit = max_stable_learning_rate(X_scaled, y)
print(f"No step can fall at a rate of up to {limit:.3f}.")

# %%
# Four rates
# ----------
# A hundredth of the limit, a tenth, the limit itself, and ten times as much, for 60
# steps each. No climb of 60 steps ends at the top to six digits, so that each comes
# with a ``ConvergenceWarning``; its text says what to do, and whether the rate was too
# large.


def climb(rate, X, max_iter=60):
    """Fit at a learning rate; return the fitted model and what fit warned of."""
    model = GradientAscentLogisticRegression(learning_rate=rate, max_iter=max_iter)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X, y)
    return model, [str(warning.message) for warning in caught]


rates = {
    "a hundredth of the limit": (limit / 100, "#56b4e9"),
    "a tenth": (limit / 10, "#0072b2"),
    "the limit": (limit, "#009e73"),
    "ten times the limit": (round(10 * limit, 1), "#d55e00"),
}

fig, ax = plt.subplots(figsize=(7, 4.8), layout="constrained")
for name, (rate, color) in rates.items():
    model, messages = climb(rate, X_scaled)
    LogLikelihoodDisplay.from_estimator(
        model, ax=ax, name=f"{rate:.2f}: {name}", color=color, lw=2
    )
top = GradientAscentLogisticRegression().fit(X_scaled, y).log_likelihood_
ax.axhline(top, color="k", ls=":", lw=1, label=f"the maximum: {top:.1f} nats")
ax.set(xlabel="iteration (each a step with all 569 examples)", xlim=(0, 60))
ax.set_title("The largest stable rate is soon at the top; ten times it never settles")
ax.get_legend().remove()
fig.legend(title="learning rate", loc="outside lower center", ncols=2)

# %%
# The last of them falls with its first step to far below the start, climbs, and falls
# again, as its steps carry it over the top and down the other side. In the end it
# swings about a height that is no better than the start. Its warning says that the
# log-likelihood fell, and names the limit.

print(textwrap.fill(messages[0], 80))

# %%
# What scaling buys
# -----------------
# The features as they are have means of 14 and 19, and deviations of about 4. There the
# hill is a long narrow ridge: what one of the weights gives, the intercept can take
# away. The limit is some 450 times lower, and 2000 steps at the limit do not get half
# of the way. ``learning_rate="auto"``, which chooses its own steps, does not depend on
# the scale.

raw_limit = max_stable_learning_rate(X, y)

fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, rate, features, color in [
    (f"standardised features, rate {limit:.2f}", limit, X_scaled, "#009e73"),
    (f"features as they are, rate {raw_limit:.4f}", raw_limit, X, "#cc79a7"),
]:
    model, _ = climb(rate, features, max_iter=2000)
    LogLikelihoodDisplay.from_estimator(model, ax=ax, name=name, color=color, lw=2)
auto = GradientAscentLogisticRegression().fit(X, y)
ax.plot(
    auto.n_iter_,
    auto.log_likelihood_,
    "k*",
    ms=12,
    label=f'features as they are, "auto": {auto.n_iter_} iterations',
)
ax.set(xscale="symlog", xlim=(0, 2200), xlabel="iteration")
ax.set_title("Each at its largest stable rate: only scaled features arrive")
ax.get_legend().remove()
fig.legend(loc="outside lower center")

plt.show()
