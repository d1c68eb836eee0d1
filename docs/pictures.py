"""The lecture's pictures: each is drawn by a function, when the site is built."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import BoundaryNorm
from scipy.special import log_expit
from sklearn.datasets import load_iris

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inspection import NetworkDisplay

HOURS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
PASSED = np.array([0, 0, 1, 0, 1, 1])
BLUE, ORANGE = "#0072b2", "#d55e00"


def hill():
    """The log-likelihood of the six students, its gradients, and its top."""
    hours = HOURS - HOURS.mean()
    slopes, intercepts = np.linspace(-1, 3, 121), np.linspace(-2.5, 2.5, 121)
    z = hours * slopes[None, :, None] + intercepts[:, None, None]
    height = log_expit(np.where(PASSED == 1, z, -z)).sum(axis=-1)
    fig, ax = plt.subplots(figsize=(6.2, 4.4), layout="constrained")
    levels = [-16, -12, -9, -7, -6, -5, -4.4, -4, -3.6, -3.2, -2.9, -2.7, -2.47]
    norm = BoundaryNorm(levels, 180)  # the lighter colours of the map
    filled = ax.contourf(
        slopes, intercepts, height, levels=levels, cmap="YlGn", norm=norm
    )
    ax.contour(slopes, intercepts, height, levels=levels, colors="0.5", linewidths=0.4)
    fig.colorbar(filled, label="log-likelihood (nats)")

    across, up = np.meshgrid(np.linspace(-0.75, 2.75, 8), np.linspace(-2.1, 2.1, 7))
    z = hours * across[..., None] + up[..., None]
    residual = PASSED - 1 / (1 + np.exp(-z))
    gradient = (residual * hours).sum(axis=-1), residual.sum(axis=-1)
    size = np.hypot(*gradient) ** 0.5 + 1e-9  # long arrows would hide the hill
    arrows = [of / size for of in gradient]
    ax.quiver(across, up, *arrows, color="0.25", width=0.004)
    edge = {"mec": "white", "mew": 0.8, "ls": "none"}
    top = GradientAscentLogisticRegression().fit(hours[:, None], PASSED)
    ax.plot(
        top.coef_[0], top.intercept_, "*", color=ORANGE, **edge, ms=16, label="the top"
    )
    ax.plot(0, 0, "o", color=BLUE, **edge, ms=8, label="the start")
    ax.set(
        xlabel="weight of an hour (log-odds)",
        ylabel="intercept, at 3.5 hours",
        title="The hill of the six students, and which way is up",
    )
    ax.legend(loc="upper left", framealpha=1)


def network():
    """40 inputs, 20 hidden neurons, one output: an edge for each of 820 weights."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 40)), np.arange(30) % 2
    clf = SimpleMLPClassifier((20,), fit_intercept=False, max_iter=1, random_state=0)
    clf.set_params(tol=1e9, n_iter_no_change=1).fit(X, y)
    _, ax = plt.subplots(figsize=(6.5, 7.5), layout="constrained")
    NetworkDisplay.from_estimator(clf, ax=ax, max_neurons=40)
    ax.set_title("40 · 20 + 20 · 1 = 820 edges, a weight on each", fontsize=11)


def draw_graph(nodes, edges, title):
    """A graph of computation: values forward in blue, derivatives back in orange."""
    _, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    centred = {"ha": "center", "va": "center"}
    for start, end, local in edges:
        (x0, y0, *_), (x1, y1, *_) = nodes[start], nodes[end]
        ax.annotate(
            "",
            (x1, y1),
            (x0, y0),
            arrowprops={
                "arrowstyle": "->",
                "shrinkA": 22,
                "shrinkB": 22,
                "color": "0.4",
            },
        )
        middle = (x0 + x1) / 2, (y0 + y1) / 2
        on_edge = {"boxstyle": "square,pad=0.2", "fc": "white", "ec": "none"}
        ax.text(*middle, local, color="0.35", **centred, fontsize=9, bbox=on_edge)
    for name, (x, y, value, back) in nodes.items():
        ax.text(
            x,
            y,
            name,
            **centred,
            bbox={"boxstyle": "circle,pad=0.45", "fc": "white", "ec": "0.3"},
        )
        for number, dy, color in [(value, 0.5, BLUE), (back, -0.5, ORANGE)]:
            text = f"{number:g}".replace("-", "\u2212")
            ax.text(x, y + dy, text, **centred, color=color, fontweight="bold")
    ax.set(xlim=(-0.6, 3.6), ylim=(-0.8, 4.0))
    ax.set_axis_off()
    ax.set_title(title, fontsize=11)
    ax.text(
        3.55,
        3.9,
        "above: the value\nbelow: its derivative\non an edge: the local one",
        ha="right",
        va="top",
        fontsize=9,
        color="0.35",
    )


def first_graph():
    """L = c (a + 2b), forward and backward."""
    nodes = {
        "a": (0, 3.2, 3, -2),
        "b": (0, 1.6, 1, -4),
        "c": (0, 0, -2, 5),
        "d": (1, 1.6, 2, -2),
        "e": (2, 2.4, 5, -2),
        "L": (3, 1.2, -10, 1),
    }
    edges = [
        ("b", "d", "2"),
        ("a", "e", "1"),
        ("d", "e", "1"),
        ("c", "L", "e = 5"),
        ("e", "L", "c = −2"),
    ]
    draw_graph(nodes, edges, "d = 2b,   e = a + d,   L = c e")


def second_graph():
    """J = 3 (a + b c), forward and backward."""
    nodes = {
        "a": (0, 3.2, 5, 3),
        "b": (0, 1.6, 3, 6),
        "c": (0, 0, 2, 9),
        "u": (1, 0.8, 6, 3),
        "v": (2, 2.0, 11, 3),
        "J": (3, 2.0, 33, 1),
    }
    edges = [
        ("b", "u", "c = 2"),
        ("c", "u", "b = 3"),
        ("a", "v", "1"),
        ("u", "v", "1"),
        ("v", "J", "3"),
    ]
    draw_graph(nodes, edges, "u = bc,   v = a + u,   J = 3v")


def softmax():
    """Three classes: three probabilities at each place, that sum to 1."""
    X, y = load_iris(return_X_y=True)
    X = X[:, :2]
    clf = GradientAscentLogisticRegression(C=10.0).fit(X, y)
    xs, ys = np.meshgrid(np.linspace(4, 8.2, 120), np.linspace(1.8, 4.6, 100))
    p = clf.predict_proba(np.column_stack([xs.ravel(), ys.ravel()]))
    colors = np.array([[0, 114, 178], [230, 159, 0], [0, 158, 115]]) / 255
    _, ax = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
    mixed = 1 - (p @ (1 - colors)).reshape(*xs.shape, 3) * 0.75
    ax.imshow(mixed, origin="lower", extent=(4, 8.2, 1.8, 4.6), aspect="auto")
    species = {"setosa": "o", "versicolor": "s", "virginica": "^"}
    for k, (name, marker) in enumerate(species.items()):
        of = X[y == k]
        ax.plot(*of.T, marker, color=colors[k], mec="white", mew=0.6, ms=6, label=name)
    at = np.array([[6.0, 3.2]])
    shares = ", ".join(f"{share:.2f}" for share in clf.predict_proba(at)[0])
    ax.plot(*at[0], "k+", ms=12, mew=2)
    ax.annotate(
        f"{shares}\nsum to 1", at[0], (6.25, 3.9), arrowprops={"arrowstyle": "-"}
    )
    ax.set(
        xlabel="sepal length (cm)",
        ylabel="sepal width (cm)",
        title="Colours mixed by the probabilities of three classes",
    )
    ax.legend(loc="upper left", fontsize=9)


def sharpness():
    """The same top, from six students and from sixty: how sharp, how sure."""
    slopes, intercepts = np.linspace(-1, 6, 281), np.linspace(-3, 3, 241)
    z = (HOURS - 3.5) * slopes[:, None, None] + intercepts[:, None]
    height = log_expit(np.where(PASSED == 1, z, -z)).sum(axis=-1).max(axis=-1)
    _, ax = plt.subplots(figsize=(6.2, 3.8), layout="constrained")
    for times, color in [(1, BLUE), (10, ORANGE)]:
        fall = times * (height - height.max())
        ax.plot(slopes, fall, color=color, lw=2, label=f"{6 * times} students")
        inside = slopes[fall > -1.92]
        ax.plot(inside[[0, -1]], [-1.92] * 2, "|-", color=color, lw=1, ms=10)
    ax.text(4.25, -1.9, "95% intervals", va="center", fontsize=9)
    ax.set(
        ylim=(-6, 0.2),
        xlabel="weight of an hour (log-odds)",
        ylabel="log-likelihood below the top (nats)",
        title="One top, two hills: the sharper, the surer",
    )
    ax.legend(loc="upper right")
