"""
Overfitting, a penalty, and early stopping
==========================================

A network with more weights than the data can determine goes on climbing the
log-likelihood of the training data long after it has learned all that holds for other
data as well. This example watches both; then it holds the weights back by a penalty, as
the estimator does by default; and then it lets the estimator stop by itself.
"""

# %%
# Too many weights for few examples
# ---------------------------------
# 400 noisy points of the two moons among eight features that mean nothing, and 100
# hidden neurons. One label in ten is flipped: who is right about all 400 has learned
# the noise by heart.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

from skneuron import SimpleMLPClassifier

rng = np.random.default_rng(0)


def sample(n_samples):
    """Moons, eight columns of noise, and one label in ten flipped."""
    X, y = make_moons(n_samples, noise=0.2, random_state=rng.integers(2**31))
    X = np.column_stack([X, rng.standard_normal((n_samples, 8))])
    return X, np.where(rng.random(n_samples) < 0.1, 1 - y, y)


X_train, y_train = sample(400)
X_test, y_test = sample(4000)

# %%
# Watched from outside
# --------------------
# With ``warm_start=True``, every ``fit`` goes on where the last one ended, so that the
# held-out data can be asked after each five epochs. ``alpha=0`` is the lecture's climb,
# without a penalty. The default, ``alpha="auto"``, chooses one, and ``alpha_`` says
# which: as these features deviate by about 1, it means the same as a number.

epochs = np.arange(5, 305, 5)


def watched(alpha):
    """The network, and the mean log-likelihoods on the way: training, held-out."""
    network = SimpleMLPClassifier(
        (100,),
        "tanh",
        alpha=alpha,
        warm_start=True,
        max_iter=5,
        tol=0.0,
        random_state=0,
    )
    curves = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # five are not the top
        for _ in epochs:
            network.fit(X_train, y_train)
            for curve, X, y in zip(curves, [X_train, X_test], [y_train, y_test]):
                curve.append(network.log_likelihood(X, y) / len(y))
    return network, *curves


network, train, test = watched(alpha=0)
chosen = SimpleMLPClassifier((100,), "tanh", max_iter=300, random_state=0)
chosen.fit(X_train, y_train)
print(f"alpha={chosen.alpha_:g}")
penalised, penalised_train, penalised_test = watched(chosen.alpha_)
best = epochs[np.argmax(test)]

# %%
# Stopped from inside
# -------------------
# With ``early_stopping=True`` the estimator sets a part of the training data aside,
# ends when its log-likelihood has not risen for ``n_iter_no_change`` epochs, and keeps
# the weights that were best for it.

stopped = SimpleMLPClassifier(
    (100,),
    "tanh",
    alpha=0,
    early_stopping=True,
    validation_fraction=0.25,
    n_iter_no_change=20,
    max_iter=300,
    random_state=0,
).fit(X_train, y_train)
# The last of the 20 epochs that were best together: one may be best by luck.
means = np.convolve(stopped.validation_scores_, np.full(20, 1 / 20), mode="valid")
kept = 20 + np.argmax(means)
print(f"stopped after {stopped.n_iter_} epochs, weights of epoch {kept} kept")
models = {"all 300 epochs": network, "early stopping": stopped, "penalty": penalised}
for name, model in models.items():
    mean = model.log_likelihood(X_test, y_test) / len(y_test)
    print(
        f"{name}: {model.score(X_test, y_test):.1%} of the held-out rows right,"
        f" {mean:.3f} nats per row"
    )

# %%
# All in one picture
# ------------------
# Without a penalty the log-likelihood of the held-out data is best early on. By the end
# it is far below that of a coin toss: the network is certain, and often wrong. That is
# overfitting: what is gained on the training data is lost on the others. With the
# penalty both stay close together, and the climb may take as long as it likes.

fig, (above, below) = plt.subplots(
    2,
    1,
    figsize=(7, 5.6),
    sharex=True,
    height_ratios=[1.6, 1],
    layout="constrained",
)
above.plot(epochs, train, color="#0072b2", lw=2, label="training data")
above.plot(epochs, test, color="#d55e00", lw=2, label="held-out data")
above.plot(epochs, penalised_train, color="#0072b2", ls="--", label="with a penalty")
above.plot(epochs, penalised_test, color="#d55e00", ls="--", label="with a penalty")
above.plot(best, max(test), "*", color="#d55e00", ms=14, label=f"best: epoch {best}")
above.axhline(-np.log(2), color="0.5", ls=":", label="a coin toss")
above.set(ylabel="log-likelihood\n(nats per example)", xlim=(0, 300), ylim=(-1.35, 0.1))
above.set_title("What is gained on the training data is lost on the others")
above.legend(loc="lower left")
below.plot(
    np.arange(1, stopped.n_iter_ + 1),
    stopped.validation_scores_,
    color="#009e73",
    label="validation rows",
)
below.axvline(kept, color="0.3", ls="--", label=f"weights of epoch {kept} are kept")
below.axvline(stopped.n_iter_, color="0.3", label=f"the end: epoch {stopped.n_iter_}")
below.set(xlabel="epoch", ylabel="log-likelihood\n(nats per example)")
below.legend(loc="lower right")

plt.show()
