"""What a hidden neuron does with its weighted sum: a = g(z), and the slope g'.

Every slope is a function of the activation a alone, so that backpropagation needs to
keep nothing but the activations of the forward pass. Functions may overwrite their
arguments, and return the first.

`gain` widens the initial weights: 1 for tanh (Glorot & Bengio, 2010), sqrt(2) for relu,
which silences half of its input (He et al., 2015), and 2 for the logistic function,
whose slope at 0 is a quarter of tanh's (4 would make up for it in full, and held-out
digits were classified worse with it).
"""

from .._arrays import array_namespace, into


def _tanh(z):
    return array_namespace(z).tanh(z, **into(z))


def _times_minus(d, a):
    """``-d a``, in place."""
    d *= a
    d *= -1
    return d


class Identity:
    """``g(z) = z``, ``g'(a) = 1``: a hidden layer that stays linear."""

    gain = 1.0

    @staticmethod
    def value(z):
        return z

    @staticmethod
    def times_slope(d, a):
        return d


class Logistic:
    """``g(z) = sigmoid(z) = (1 + tanh(z / 2)) / 2``, ``g'(a) = a (1 - a)``.

    The tanh form never overflows and is a third of the price of ``1 / (1 + exp(-z))``.
    """

    gain = 2.0

    @staticmethod
    def value(z):
        z *= 0.5
        z = _tanh(z)
        z *= 0.5
        z += 0.5
        return z

    @staticmethod
    def times_slope(d, a):
        d *= a
        a -= 1
        return _times_minus(d, a)


class Tanh:
    """``g(z) = tanh(z)``, ``g'(a) = 1 - a^2``."""

    gain = 1.0

    @staticmethod
    def value(z):
        return _tanh(z)

    @staticmethod
    def times_slope(d, a):
        a *= a
        a -= 1
        return _times_minus(d, a)


class Relu:
    """``g(z) = max(z, 0)``, ``g'(a) = 1`` where a > 0, else 0."""

    gain = 2.0**0.5

    @staticmethod
    def value(z):
        return array_namespace(z).clip(z, 0, None, **into(z))

    @staticmethod
    def times_slope(d, a):
        d *= array_namespace(a).sign(a, **into(a))
        return d


ACTIVATIONS = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": Relu,
}
