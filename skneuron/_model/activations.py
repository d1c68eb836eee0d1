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

from .. import _kernels
from .._arrays import array_namespace


class Activation:
    """What all have: the plain formulas, or the compiled ones."""

    name: str
    gain = inner_gain = 1.0

    def value(self, z):
        """``g(z)``."""
        if not _kernels.takes(z):
            return self._value(z)
        _kernels.activate(self.name, z)
        return z

    def times_slope(self, d, a):
        """``d g'``, where the value is `a`."""
        if not (_kernels.takes(d) and _kernels.takes(a)):
            return d * self._slope(a)
        _kernels.activate(self.name, d, a)
        return d


class Identity(Activation):
    """``g(z) = z``, ``g'(a) = 1``: a hidden layer that stays linear."""

    name = "identity"

    def _value(self, z):
        return z

    def _slope(self, a):
        return 1


class Logistic(Activation):
    """``g(z) = sigmoid(z) = 1 / (1 + exp(-z))``, ``g'(a) = a (1 - a)``.

    Where the exponential overflows, g is 0, as it should be.
    """

    name = "logistic"
    inner_gain = 4.0

    def _value(self, z):
        return 1 / (1 + array_namespace(z).exp(-z))

    def _slope(self, a):
        return a * (1 - a)


class Tanh(Activation):
    """``g(z) = tanh(z)``, ``g'(a) = 1 - a^2``."""

    name = "tanh"

    def _value(self, z):
        return array_namespace(z).tanh(z)

    def _slope(self, a):
        return 1 - a * a


class Relu(Activation):
    """``g(z) = max(z, 0)``, ``g'(a) = 1`` where a > 0, else 0."""

    name = "relu"
    gain = inner_gain = 2.0**0.5

    def _value(self, z):
        return array_namespace(z).clip(z, 0, None)

    def _slope(self, a):
        return array_namespace(a).sign(a)


ACTIVATIONS = {of.name: of() for of in (Identity, Logistic, Tanh, Relu)}
