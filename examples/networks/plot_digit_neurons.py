"""
What the neurons of digits see
==============================

A neuron that looks at an image has one weight for each pixel, so its weights are an
image as well: where they are positive, ink raises the neuron's logit, and where they
are negative, ink lowers it. This example shows the weights of neurons that were trained
on handwritten digits of 8 by 8 pixels.
"""

# %%
# Ten neurons, one for each digit
# -------------------------------
# Softmax regression is one layer of ten neurons. A penalty (``C=0.1``) keeps the
# weights of pixels that tell little close to zero. Without one, the likelihood of these
# digits has no maximum: the classes can be separated, and the weights would grow for
# ever.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inspection import NeuronWeightsDisplay, forward_pass

X, y = load_digits(return_X_y=True)
X = X / 16  # grey levels from 0 to 1
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

softmax = GradientAscentLogisticRegression(C=0.1).fit(X_train, y_train)
print(f"right on held-out digits: {softmax.score(X_test, y_test):.1%}")

display = NeuronWeightsDisplay.from_estimator(softmax, image_shape=(8, 8))
display.figure_.suptitle("Red: ink here speaks for the digit; blue: against it")

# %%
# The neuron of 0 has a blue middle: the one place where a zero has no ink.

# %%
# Hidden neurons
# --------------
# In a network the digits are told apart by the output layer. The neurons of the hidden
# layer are free to look for whatever helps it: strokes at certain places, and contrasts
# between neighbouring pixels.

network = SimpleMLPClassifier((16,), random_state=0)
network.fit(X_train, y_train)
print(f"right on held-out digits: {network.score(X_test, y_test):.1%}")

display = NeuronWeightsDisplay.from_estimator(network, image_shape=(8, 8))
display.figure_.suptitle("16 hidden neurons: parts of digits")

# %%
# Which digits a hidden neuron answers to
# ---------------------------------------
# :func:`~skneuron.inspection.forward_pass` gives the activations of all layers.
# Averaged over the held-out digits of each class, they are the code in which the hidden
# layer passes a digit on.

_, hidden, _ = forward_pass(network, X_test)
code = np.array([hidden[y_test == digit].mean(axis=0) for digit in range(10)])

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
image = ax.imshow(code, cmap="viridis", vmin=0, vmax=1, aspect="auto")
ax.set(xticks=range(16), yticks=range(10), xlabel="hidden neuron", ylabel="digit")
ax.set_title("Each digit switches on a combination of neurons of its own")
fig.colorbar(image, label="mean activation")

plt.show()
