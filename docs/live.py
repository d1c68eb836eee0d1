"""The pages to play with that the documentation has: how they are made."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, make_moons
from sklearn.preprocessing import scale

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inspection import write_climb_page, write_page


def digits_network():
    """A network that reads the digits of scikit-learn, and drawings like them."""
    X, y = load_digits(return_X_y=True)
    images = np.pad(X.reshape(-1, 8, 8), [(0, 0), (0, 0), (1, 1)])
    # A drawing is seldom in the very place: each image, and it moved to both sides.
    shifted = [images[:, :, at : at + 8].reshape(-1, 64) for at in range(3)]
    network = SimpleMLPClassifier((32, 16), alpha=1.0, random_state=0)
    return network.fit(np.concatenate(shifted), np.tile(y, 3))


def write_pages(folder):
    """Write all pages into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    X, y = load_digits(return_X_y=True)
    draw = folder / "draw.html"
    write_page(digits_network(), draw, image_shape=(8, 8), X=X, y=y)

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X[["mean radius", "mean texture"]].apply(scale)
    y = y.map({0: "malignant", 1: "benign"})
    neuron = GradientAscentLogisticRegression(learning_rate=1.0, fit_intercept=False)
    write_climb_page(neuron, folder / "climb.html", X, y, title="One neuron climbs")

    X, y = make_moons(100, noise=0.2, random_state=0)
    network = SimpleMLPClassifier(
        (4,), "tanh", solver="gradient", learning_rate=1.0, momentum=0.0, random_state=0
    )
    title = "A network climbs"
    write_climb_page(network, folder / "climb_network.html", X, y, title=title)
