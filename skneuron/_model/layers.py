"""Layers: what a neuron sees of the activations below, and what comes of its sums.

A dense neuron sees all of them, once. One that is slid over a picture sees a window at
each place: to it, a picture is as many examples as there are places. All else is the
dense layer's own formulas, on those examples.
"""

from dataclasses import dataclass
from functools import reduce
from math import prod
from numbers import Integral

from numpy import ndindex

from .._arrays import array_namespace, is_sparse


@dataclass(frozen=True)
class Convolution:
    """A hidden layer that shares its weights: each neuron is slid over the picture.

    It looks at a window, wherever that fits into the picture, always with the same
    weights: ``z = h W + b`` with h the numbers in the window. Of the sums at
    neighbouring places the largest may stand for all of them; then comes the
    activation. What comes out is a picture again, with a channel for each neuron.

    Parameters
    ----------
    n_filters : int
        Neurons.
    window : int or tuple of (int, int), default=(3, 3)
        Height and width of the window, in pixels; an int is both.
    pool : int, default=1
        Of squares of ``pool`` by ``pool`` places the largest sum is kept. Places that
        fill no square, to the right and at the bottom, are left out. 1 keeps all.

    Raises
    ------
    ValueError
        If one of them is no whole number above 0.

    See Also
    --------
    SimpleMLPClassifier : Takes it as the first of its `hidden_layer_sizes`.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner, *Gradient-based learning applied to document
    recognition* (Proceedings of the IEEE 86, 1998).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneuron import Convolution, SimpleMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> layers = Convolution(8, window=(3, 3), pool=2), 20
    >>> clf = SimpleMLPClassifier(layers, image_shape=(8, 8), random_state=0).fit(X, y)
    >>> [weights.shape for weights in clf.coefs_]
    [(9, 8), (72, 20), (20, 10)]
    """

    n_filters: int
    window: int | tuple[int, int] = (3, 3)
    pool: int = 1

    def __post_init__(self):
        given = self.window
        window = (given, given) if isinstance(given, Integral) else tuple(given)
        object.__setattr__(self, "window", window)  # a list would have no hash
        if len(window) != 2 or not are_counts(self.n_filters, *window, self.pool):
            raise ValueError(
                "n_filters and pool of a Convolution must be whole numbers > 0, and "
                f"window two such, got {self!r}."
            )


def are_counts(*numbers):
    """Whether all are whole numbers above 0."""
    return all(isinstance(n, Integral) and n > 0 for n in numbers)


class Dense:
    """Every neuron sees all that is below.

    Attributes
    ----------
    shape : tuple of (int, int)
        Of W: what a neuron sees, and neurons.
    n_units : int
        How many inputs have a unit of their own; those of all others are the same, over
        and over.
    n_out : int
        Activations of a row.
    picture : tuple of (int, int, int), or None
        The activations as a picture: height, width and channels.
    n_numbers, work : int
        What is computed from a row, at the same time; and products.
    windows : tuple of 6 int
        What is below as a picture, height and width of a window, and the side of the
        squares that are pooled. A dense layer has none.
    """

    picture, windows = None, (0,) * 6

    def __init__(self, n_in, n_out):
        self.shape, self.n_units, self.n_out = (n_in, n_out), n_in, n_out
        self.n_numbers, self.work = n_out, n_in * n_out

    def seen(self, h):
        """What neurons see of h, a row for each place: (n_rows n_places, n_in)."""
        return h

    def pooled(self, z):
        """What is kept of sums, (n_rows n_places, n_neurons): (n_rows, n_out)."""
        return z

    def examples(self, h, weights, D):
        """What neurons see, and dLL/dz there, where D is that of what was kept."""
        return h, D

    def below(self, d):
        """dLL/dh, where d is that of what was seen: the transpose of :meth:`seen`."""
        return d


class Windows(Dense):
    """Every neuron sees a window of a picture, place by place.

    Parameters
    ----------
    picture : tuple of (int, int, int)
        What is below: height, width and channels, in the order of C.
    convolution : Convolution
    """

    def __init__(self, picture, convolution):
        self.under, self.window = picture, convolution.window
        self.pool, n_filters = convolution.pool, convolution.n_filters
        self.places = [n - of + 1 for n, of in zip(picture, self.window)]
        self.picture = (*(n // self.pool for n in self.places), n_filters)
        if min(self.picture) < 1:
            raise ValueError(
                f"{convolution!r} is larger than the picture below it, which is of "
                f"{picture[0]} by {picture[1]} pixels."
            )
        self.n_units, self.n_out = picture[2], prod(self.picture)
        self.shape = prod(self.window) * self.n_units, n_filters
        self.n_places = prod(self.places)
        self.n_numbers = self.n_places * sum(self.shape) + self.n_out
        self.work = self.n_places * prod(self.shape)
        self.windows = *picture, *self.window, self.pool

    def pixels(self, pictures):
        """Yield for each pixel of the window what it sees, from place to place."""
        return _moved(pictures, self.window, self.places)

    def squares(self, z):
        """Yield for each place in the squares that are pooled the sums there."""
        z = array_namespace(z).reshape(z, (-1, *self.places, self.shape[1]))
        return _moved(z, (self.pool, self.pool), self.picture, self.pool)

    def seen(self, h):
        """As of :class:`Dense`."""
        h = h.toarray() if is_sparse(h) else h
        xp = array_namespace(h)
        pictures = xp.reshape(h, (-1, *self.under))
        seen = xp.concat([*self.pixels(pictures)], axis=3)
        return xp.reshape(seen, (-1, self.shape[0]))

    def pooled(self, z):
        """As of :class:`Dense`."""
        xp = array_namespace(z)
        return xp.reshape(reduce(xp.maximum, self.squares(z)), (-1, self.n_out))

    def examples(self, h, weights, D):
        """As of :class:`Dense`."""
        xp, h = array_namespace(D), self.seen(h)
        if self.pool == 1:
            return h, xp.reshape(D, (-1, self.shape[1]))
        z = h @ weights
        shares, left = xp.zeros_like(z), xp.reshape(D, (-1, *self.picture))
        largest = xp.reshape(self.pooled(z), left.shape)
        for share, of in zip(self.squares(shares), self.squares(z)):
            share[...] = left * xp.astype(of == largest, left.dtype)
            left = left - share  # of places that are alike, the first has it
        return h, shares

    def below(self, d):
        """As of :class:`Dense`."""
        xp, n_channels = array_namespace(d), self.n_units
        d = xp.reshape(d, (-1, *self.places, self.shape[0]))
        shape = d.shape[0], *self.under
        pictures = xp.zeros(shape, dtype=d.dtype, device=d.device)
        for k, pixel in enumerate(self.pixels(pictures)):
            pixel += d[..., k * n_channels : (k + 1) * n_channels]
        return xp.reshape(pictures, (d.shape[0], -1))


def _moved(pictures, window, size, step=1):
    """Yield for each place in a window every so many pixels from it on: views."""
    height, width = ((n - 1) * step + 1 for n in size[:2])
    for i, j in ndindex(window):
        yield pictures[:, i : i + height : step, j : j + width : step, :]


def connected(sizes, image_shape=None):
    """The layers between so many neurons, or Convolutions; from the inputs up.

    Parameters
    ----------
    sizes : sequence of int or Convolution
        Inputs, hidden layers, logits.
    image_shape : sequence of int, default=None
        The inputs as a picture: height, width and, if there are several, channels.

    Returns
    -------
    layers : list of Dense

    Raises
    ------
    ValueError
        If there is no such picture, or none below a Convolution.
    """
    layers, picture, n_in = [], None, int(sizes[0])
    if image_shape is not None:
        picture = (*image_shape, 1) if len(image_shape) == 2 else tuple(image_shape)
        if len(picture) != 3 or not are_counts(*picture) or prod(picture) != n_in:
            raise ValueError(
                f"image_shape={image_shape!r} must be (height, width) or (height, "
                f"width, channels) of the {n_in} features."
            )
    for of in sizes[1:]:
        if not isinstance(of, Convolution):
            layer = Dense(n_in, int(of))
        elif picture is not None:
            layer = Windows(picture, of)
        else:
            raise ValueError(
                f"{of!r} looks at a picture: it needs an image_shape, and nothing but "
                "other Convolutions below it in hidden_layer_sizes."
            )
        layers.append(layer)
        n_in, picture = layer.n_out, layer.picture
    return layers
