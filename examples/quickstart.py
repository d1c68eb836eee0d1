"""Quickstart: why one would change an import, in figures, within a minute.

1. The answer of scikit-learn's ``LogisticRegression``, sooner, with standard errors.
2. Data whose classes separate, so that there is no answer: found, and named.
3. A search over C.
4. A neural network beside ``MLPClassifier``, on examples that neither has seen.
5. The climb itself, at learning rates from too small to too large: a picture.

Run it with ``python examples/quickstart.py``. The picture is written to
``quickstart.png`` in the folder where you run it.
"""

import textwrap
import time
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draw into a file; no screen is needed

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.exceptions import SeparationWarning
from skneuron.inference import mle_summary
from skneuron.model_selection import LockstepSearchCV


def title(text):
    print(f"\n{text}\n{'-' * len(text)}")


def timed(fit, *data):
    """What `fit` returns, and how many seconds it took."""
    start = time.perf_counter()
    fitted = fit(*data)
    return fitted, time.perf_counter() - start


def generated(n_rows, n_features):
    """Features of very different sizes, and yes-or-no labels."""
    rng = np.random.default_rng(0)
    sizes = np.geomspace(0.01, 100, n_features)
    X = rng.standard_normal((n_rows, n_features)) * sizes
    z = X @ (rng.standard_normal(n_features) / sizes) / 2 - 1
    return X, (rng.random(n_rows) < 1 / (1 + np.exp(-z))).astype(int)


def logistic_regression():
    title("1. Logistic regression: 200,000 rows, 20 features from 0.01 to 100 in size")
    X, y = generated(200_000, 20)
    models = {
        "LogisticRegression, lbfgs, scaled": make_pipeline(
            StandardScaler(), LogisticRegression(C=np.inf, tol=1e-6)
        ),
        "LogisticRegression, newton-cholesky": LogisticRegression(
            C=np.inf, solver="newton-cholesky", tol=1e-8
        ),
        "GradientAscentLogisticRegression": GradientAscentLogisticRegression(),
    }
    print(f"{'':37}  seconds   log-likelihood")
    for name, model in models.items():
        model, seconds = timed(model.fit, X, y)
        log_p = model.predict_log_proba(X)
        height = log_p[np.arange(len(y)), y].sum()
        print(f"{name:37} {seconds:8.2f} {height:16.4f}")
    theirs = models["LogisticRegression, newton-cholesky"].coef_
    ratio = abs(model.coef_ / theirs - 1).max()
    print(f"Coefficients differ from newton-cholesky's by {ratio:.0e} of them at most.")
    summary = mle_summary(model, X, y)
    print("\nHow sure are they? mle_summary(model, X, y) says so; two of its rows:\n")
    lines = str(summary).splitlines()
    head = next(i for i, line in enumerate(lines) if "std_error" in line)
    print("\n".join(lines[head : head + 4]))


def separated():
    title("2. Classes that separate: setosa or not, by the length of the petals")
    X, y = load_iris(return_X_y=True, as_frame=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SeparationWarning)
        GradientAscentLogisticRegression().fit(X[["petal length (cm)"]], y > 0)
    for warning in caught:
        print(textwrap.fill(f"{warning.category.__name__}: {warning.message}", 88))


def search():
    title("3. A search over C: 20 values, 5 folds, 20,000 rows, 50 features")
    X, y = generated(20_000, 50)
    grid = {"C": np.geomspace(1e-4, 1e4, 20)}
    scaled = {"logisticregression__C": grid["C"]}
    theirs = make_pipeline(
        StandardScaler(), LogisticRegression(solver="newton-cholesky")
    )
    ours = make_pipeline(StandardScaler(), GradientAscentLogisticRegression())
    our_grid = {"gradientascentlogisticregression__C": grid["C"]}
    for name, search in {
        "GridSearchCV, LogisticRegression": GridSearchCV(
            theirs, scaled, scoring="neg_log_loss", n_jobs=2
        ),
        "LockstepSearchCV, ours": LockstepSearchCV(
            ours, our_grid, scoring="neg_log_loss"
        ),
    }.items():
        search, seconds = timed(search.fit, X, y)
        (best,) = search.best_params_.values()
        print(
            f"{name:37} {seconds:6.2f} s, C={best:.3g}: "
            f"log-loss {-search.best_score_:.6f}"
        )


def networks():
    title("4. A neural network, on examples that it has not seen")
    print("Mean log-likelihood (nats an example; nearer to 0 is better) and accuracy\n")
    print(f"{'':15}  MLPClassifier, scaled      SimpleMLPClassifier()")
    data = {"breast cancer": load_breast_cancer, "wine": load_wine}
    for name, load in {**data, "digits": load_digits}.items():
        X, y = load(return_X_y=True)
        split = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
        X_train, X_test, y_train, y_test = split
        print(f"{name:15}", end="")
        for model in [
            make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
            SimpleMLPClassifier(random_state=0),
        ]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs
                model, seconds = timed(model.fit, X_train, y_train)
            log_p = model.predict_log_proba(X_test)
            height = log_p[np.arange(len(y_test)), y_test].mean()
            score = model.score(X_test, y_test)
            print(f"  {height:7.3f} {score:7.1%} {seconds:6.2f} s", end="")
        print()


def climbs(path):
    title("5. Gradient ascent: breast cancer, mean radius and mean texture")
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X[:, :2])
    rates = {
        0.01: ("too small", "#56b4e9"),
        0.1: ("small", "#0072b2"),
        3.0: ("right", "#009e73"),
        100.0: ("too large", "#d55e00"),
    }
    top = GradientAscentLogisticRegression().fit(X, y).log_likelihood_ / len(y)
    fig, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for rate, (note, color) in rates.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model = GradientAscentLogisticRegression(rate).fit(X, y)
        curve = model.log_likelihood_curve_ / len(y)
        steps = f"{model.n_iter_} steps"
        print(f"rate {rate:6g} ({note}): {curve[-1]:8.4f} nats after {steps}")
        if rate == max(rates):
            message = "ConvergenceWarning: " + str(caught[0].message)
            print(textwrap.indent(textwrap.fill(message, 80), "    "))
        ax.plot(curve[:101], color=color, lw=2, label=f"{rate:g}  ({note})")
    for height, text in [(top, "the maximum"), (-np.log(2), "a coin toss")]:
        ax.axhline(height, color="0.5", lw=1, ls=":", zorder=0)
        ax.text(98, height, text, color="0.35", ha="right", va="bottom")
    # The largest rate falls out of this frame, so that the others stay readable.
    ax.set(
        title="Gradient ascent: breast cancer data, mean radius and mean texture",
        xlabel="iteration (each a step with all 569 rows)",
        ylabel="log-likelihood per example (nats)",
        xlim=(0, 100),
        ylim=(-1.6, -0.15),
    )
    fig.legend(title="learning rate", loc="outside lower center", ncols=len(rates))
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(fig)
    print(f"\nThe picture of these climbs is in {path}")


def main():
    logistic_regression()
    separated()
    search()
    networks()
    climbs(Path("quickstart.png").resolve())


if __name__ == "__main__":
    main()
