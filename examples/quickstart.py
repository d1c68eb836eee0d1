"""Quickstart: two estimators, a search over learning rates, and the climb itself.

Part 1 fits a logistic regression (breast cancer data) and a neural network
(handwritten digits) in scikit-learn pipelines, chooses the learning rate of each by
cross-validation, and prints them beside scikit-learn's own estimators.

Part 2 draws the log-likelihood as gradient ascent climbs it, at learning rates from
too small to too large.

Run it with ``python examples/quickstart.py``. It writes ``quickstart.png`` beside
itself.
"""

import textwrap
import time
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draw into a file; no screen is needed

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier


def scaled(model):
    """`model` behind a StandardScaler."""
    return Pipeline([("scale", StandardScaler()), ("model", model)])


def search_learning_rate(model, rates, X, y):
    """The best of `rates` by cross-validated log-loss; prints every one of them."""
    search = GridSearchCV(
        scaled(model),
        {"model__learning_rate": rates},
        scoring="neg_log_loss",
        cv=3,
        n_jobs=2,
    )
    with warnings.catch_warnings():
        # Every candidate gets the same steps: too few for the small rates, and too
        # long ones for the large. The warnings say so; here, the scores do, too.
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X, y)
    best = search.best_params_["model__learning_rate"]
    print("learning rate   cross-validated log-loss (nats per example)")
    for rate, score in zip(rates, search.cv_results_["mean_test_score"], strict=True):
        print(f"{rate:13g}   {-score:8.4f}{'   <- chosen' if rate == best else ''}")
    return best


def compare(models, X_train, X_test, y_train, y_test):
    """Fit each model on the training rows and print how it does on the others."""
    print(f"\n{'on held-out rows':47} accuracy   log-loss   fit seconds")
    for name, model in models.items():
        pipeline = scaled(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed budget again
            start = time.perf_counter()
            pipeline.fit(X_train, y_train)
            seconds = time.perf_counter() - start
        accuracy = pipeline.score(X_test, y_test)
        loss = log_loss(y_test, pipeline.predict_proba(X_test))
        print(f"{name:47} {accuracy:8.4f}   {loss:8.4f}   {seconds:11.3f}")


def climb(rates, n_steps, X, y):
    """{rate: log-likelihood per example, at the start and after each step}."""
    curves = {}
    for rate in rates:
        model = GradientAscentLogisticRegression(learning_rate=rate, max_iter=n_steps)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(X, y)
        curves[rate] = np.asarray(model.log_likelihood_curve_) / len(y)
        print(f"\nlearning_rate={rate:g}: {curves[rate][-1]:.4f} nats per example")
        for warning in caught:
            message = f"{warning.category.__name__}: {warning.message}"
            print(textwrap.indent(textwrap.fill(message, 80), "    "))
    return curves


def draw(curves, top, path):
    """Draw the curves of `climb`, and the top that they climb to, into a file."""
    notes = ["too small", "small", "right", "too large"]
    colors = ["#56b4e9", "#0072b2", "#009e73", "#d55e00"]  # safe for colour blindness
    fig, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for (rate, curve), note, color in zip(curves.items(), notes, colors, strict=True):
        ax.plot(curve, color=color, lw=2, label=f"{rate:g}  ({note})")
    for height, text in [(top, "the maximum"), (-np.log(2), "a coin toss")]:
        ax.axhline(height, color="0.5", lw=1, ls=":", zorder=0)
        ax.text(len(curve) - 2, height, text, color="0.35", ha="right", va="bottom")
    # The largest rate falls out of this frame, so that the others stay readable.
    ax.set(
        title="Gradient ascent: breast cancer data, mean radius and mean texture",
        xlabel="iteration (each a step with all 569 rows)",
        ylabel="log-likelihood per example (nats)",
        xlim=(0, len(curve) - 1),
        ylim=(-1.6, -0.15),
    )
    fig.legend(title="learning rate", loc="outside lower center", ncols=len(curves))
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(fig)


def main():
    print("LOGISTIC REGRESSION: breast cancer, 569 rows, 30 features, 2 classes\n")
    X, y = load_breast_cancer(return_X_y=True)
    split = train_test_split(X, y, stratify=y, random_state=0)
    lecture = GradientAscentLogisticRegression(max_iter=100)
    rates = [0.001, 0.01, 0.1, 1.0, 10.0]
    best = search_learning_rate(lecture, rates, *split[::2])
    models = {
        "LogisticRegression(C=1)": LogisticRegression(C=1),
        "GradientAscentLogisticRegression(C=1)": GradientAscentLogisticRegression(C=1),
        f"the same without C, learning_rate={best:g}, 100 steps": (
            GradientAscentLogisticRegression(best, max_iter=100)
        ),
    }
    compare(models, *split)

    print("\n\nNEURAL NETWORK: digits, 1797 rows, 64 features, 10 classes\n")
    X_digits, y_digits = load_digits(return_X_y=True)
    split = train_test_split(X_digits, y_digits, stratify=y_digits, random_state=0)
    shared = {"hidden_layer_sizes": (50,), "max_iter": 50, "random_state": 0}
    rates = [0.0001, 0.001, 0.01, 0.1]
    best = search_learning_rate(SimpleMLPClassifier(**shared), rates, *split[::2])
    models = {
        "MLPClassifier, same model and rate": MLPClassifier(
            activation="logistic", alpha=0, learning_rate_init=best, **shared
        ),
        f"SimpleMLPClassifier(learning_rate={best:g})": SimpleMLPClassifier(
            learning_rate=best, **shared
        ),
        "SimpleMLPClassifier(learning_rate='auto')": SimpleMLPClassifier(**shared),
    }
    compare(models, *split)

    print("\n\nTHE CLIMB: logistic regression, breast cancer, 2 of the features")
    X = StandardScaler().fit_transform(X[:, :2])
    auto = GradientAscentLogisticRegression().fit(X, y)
    top = auto.log_likelihood_ / len(y)
    print(f"\nlearning_rate='auto': {top:.4f} nats per example, the maximum")
    curves = climb([0.01, 0.1, 3.0, 100.0], 100, X, y)
    picture = Path(__file__).with_suffix(".png")
    draw(curves, top, picture)
    print(f"\nThe picture of these climbs is in {picture}")


if __name__ == "__main__":
    main()
