"""
Neurons that share their weights
================================

A dense neuron looks at a whole picture, with a weight for each pixel. A neuron of a
:class:`~skneuron.Convolution` looks at a small window, and is slid over the picture: it
has few weights, and uses them everywhere. This example trains both kinds on
handwritten digits of 8 by 8 pixels, and looks at what they look for.
"""

# %%
# As many parameters, put to better use
# -------------------------------------
# Sixteen neurons that see windows of 3 by 3 pixels; of each two by two places the
# largest sum is kept. On top of that stand 26 dense neurons. The other network has
# one dense layer, and as many parameters.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneuron import Convolution, SimpleMLPClassifier
from skneuron.inspection import NeuronWeightsDisplay, forward_pass

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

layers = Convolution(16, window=(3, 3), pool=2), 26
shared = SimpleMLPClassifier(layers, "tanh", image_shape=(8, 8), random_state=0)
dense = SimpleMLPClassifier((56,), "tanh", random_state=0)
for name, network in {"shared": shared, "dense": dense}.items():
    network.fit(X_train, y_train)
    print(
        f"{name}: {network.n_parameters_} parameters, "
        f"{network.score(X_test, y_test):.1%} right of held-out digits"
    )

# %%
# What they look for
# ------------------
# The weights of neurons that share them are small pictures: edges and strokes, lying,
# standing and slanting.

display = NeuronWeightsDisplay.from_estimator(shared, image_shape=(3, 3))
display.figure_.suptitle("16 neurons that are slid over the picture")

# %%
# Where they find it
# ------------------
# :func:`~skneuron.inspection.forward_pass` gives what the layer makes of a digit: a
# picture of 3 by 3 numbers for each of its neurons, side by side in a row.

digits = X_test[:4]
found = forward_pass(shared, digits)[1].reshape(4, 3, 3, 16)

fig, axes = plt.subplots(4, 9, figsize=(8, 4), layout="constrained")
for row, digit, maps in zip(axes, digits, found):
    row[0].imshow(digit.reshape(8, 8), cmap="Greys")
    for j, ax in enumerate(row[1:]):
        image = ax.imshow(maps[:, :, j], cmap="RdBu_r", vmin=-1, vmax=1)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
for j, ax in enumerate(axes[0, 1:]):
    ax.set_title(f"neuron {j}", fontsize="small")
fig.colorbar(image, ax=axes, label="activation", shrink=0.8)
fig.suptitle("Four digits, and where eight of the neurons find what they look for")

# %%
# A digit that moves
# ------------------
# Digits that are moved to the side are met by the same weights, wherever they are. To a
# dense network each is a new picture.

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
shifts = np.arange(-2, 3)
for name, network in {"shared": shared, "dense": dense}.items():
    right = [
        network.score(np.roll(X_test.reshape(-1, 8, 8), s, 2).reshape(-1, 64), y_test)
        for s in shifts
    ]
    ax.plot(shifts, right, "o-", label=f"{name} weights")
ax.set(xlabel="pixels to the right", ylabel="share that is right")
ax.set(xticks=shifts, ylim=(0, 1.05))
ax.set_title("Held-out digits, moved")
ax.legend()

plt.show()
