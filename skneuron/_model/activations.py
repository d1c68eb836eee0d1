"""What a hidden neuron does with its weighted sum: a = g(z), and the slope g'.

Every slope is a function of the activation a alone, so that backpropagation needs to
keep nothing but the activations of the forward pass. Functions may overwrite their
first argument, and return the result; of NumPy's arrays the compiled core does the same
in place.

`gain` is the deviation of z, on features of deviation 1, that a network starts with: 1,
or sqrt(2) for relu, which silences half of its input (He et al., 2015). Neurons that
start further from linear learn more noise by heart: with 2, logistic ones classified
82% of the held-out rows of generated data of 5 classes rightly, with 1, 84%.
`inner_gain` is that of layers on top of others: 4 for the logistic function, as its
slope at 0 is a quarter of tanh's, so that its values deviate by a quarter.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .. import _kernels
from .._arrays import array_namespace


@dataclass
class Activation:
    """An activation, by its plain formulas or the compiled ones.

    Attributes
    ----------
    name : str
    formula, slope : callable
        ``g(z)``, and g' where the value is a.
    gain, inner_gain : float
    """

    name: str
    formula: Callable
    slope: Callable
    gain: float = 1.0
    inner_gain: float = 1.0

    def value(self, z):
        """``g(z)``."""
        return _kernels.activate(self.name, z) if _kernels.takes(z) else self.formula(z)

    def times_slope(self, d, a):
        """``d g'``, where the value is `a`."""
        if _kernels.takes(d) and _kernels.takes(a):
            return _kernels.activate(self.name, d, a)
        return d * self.slope(a)


def logistic(z):
    """The sigmoid: where the exponential overflows it is 0, as it should be."""
    return 1 / (1 + array_namespace(z).exp(-z))


def slope_of_logistic(a):
    """The slope of the sigmoid, where it is a."""
    return a * (1 - a)


def relu(z):
    """``max(z, 0)``; its slope is the sign of that."""
    return array_namespace(z).clip(z, 0, None)


ROOT_2 = 2.0**0.5
ACTIVATIONS = [
    Activation("identity", lambda z: z, lambda a: 1),
    Activation("logistic", logistic, slope_of_logistic, inner_gain=4.0),
    Activation("tanh", lambda z: array_namespace(z).tanh(z), lambda a: 1 - a * a),
    Activation("relu", relu, lambda a: array_namespace(a).sign(a), ROOT_2, ROOT_2),
]
ACTIVATIONS = {of.name: of for of in ACTIVATIONS}
