"""
Learning from a stream
======================

Data that come a batch at a time, and are not kept, are learned with ``partial_fit``.
This example follows two logistic regressions along one stream, and sets them beside the
maximum likelihood estimate of all that has passed so far.
"""

# %%
# A stream
# --------
# 200 batches of 100 examples each. The features have very different sizes, as features
# do.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skneuron import GradientAscentLogisticRegression

rng = np.random.default_rng(0)
n_batches, n_rows, n_features = 200, 100, 10
sizes = np.geomspace(0.1, 10, n_features)
weights = rng.standard_normal(n_features) / sizes


def batch(n_rows):
    """Examples of the stream."""
    X = sizes * rng.standard_normal((n_rows, n_features))
    return X, (rng.random(n_rows) < expit(X @ weights - 1)).astype(int)


X_test, y_test = batch(20_000)

# %%
# Two ways to learn from it
# -------------------------
# With a number as the learning rate, each batch gives one gradient step. With
# ``"auto"``, it gives up to three Newton steps, on the batch's log-likelihood and a
# quadratic hill that stands for that of all batches before. Nothing is kept of the
# batches but the curvature of that hill: a matrix with a row for each parameter.

models = {
    "learning_rate=0.03": GradientAscentLogisticRegression(learning_rate=0.03),
    'learning_rate="auto"': GradientAscentLogisticRegression(),
}
heights = {name: [] for name in models}
batches = []
for _ in range(n_batches):
    X, y = batch(n_rows)
    batches.append((X, y))  # for the comparison below alone
    for name, model in models.items():
        model.partial_fit(X, y, classes=[0, 1])
        heights[name].append(model.log_likelihood(X_test, y_test) / len(y_test))

# %%
# For comparison, fits to all rows that have passed, at some moments from the fifth
# batch on: the classes of very few rows may separate, and then there is nothing to
# compare with.

moments = np.unique(np.geomspace(5, n_batches, 12).astype(int))
of_all = []
for moment in moments:
    X, y = (np.concatenate(parts) for parts in zip(*batches[:moment], strict=True))
    fitted = GradientAscentLogisticRegression().fit(X, y)
    of_all.append(fitted.log_likelihood(X_test, y_test) / len(y_test))

fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
for (name, height), color in zip(heights.items(), ["#d55e00", "#0072b2"], strict=True):
    ax.plot(np.arange(1, n_batches + 1), height, color=color, lw=2, label=name)
ax.plot(moments, of_all, "o", color="k", ms=6, mfc="none", label="fit to all so far")
ax.set(
    xscale="log",
    xlabel="batches of 100 examples",
    ylabel="held-out log-likelihood per example (nats)",
    ylim=(-0.66, None),
    title="Newton steps follow the fit to all rows; gradient steps lag behind",
)
ax.legend(loc="lower right")

for name, height in heights.items():
    print(f"{name:22}{height[-1]:.4f} nats per held-out example at the end")
print(f"{'fit to all':22}{of_all[-1]:.4f}")

plt.show()
