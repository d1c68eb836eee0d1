"""Pictures of a fitted network: the weights of its neurons, and the whole of it."""

import math
from numbers import Integral

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ._arrays import to_host
from ._model import Targets
from ._passes import check_estimator, forward_pass

#: Ends of the colour map "RdBu_r": the colours of signs, in every picture.
POSITIVE, NEGATIVE = "#b2182b", "#2166ac"

#: Inches between neurons that are neighbours, in a figure of our own; and the width of
#: a letter, in such distances.
UNIT, LETTER = 0.5, 0.17

#: Images that are drawn if nobody says of which neurons.
MOST_IMAGES = 100


class NeuronWeightsDisplay:
    """Each neuron's weights as an image, red for positive ones and blue for negative.

    It is made by :meth:`from_estimator`; all parameters are kept as attributes.

    Parameters
    ----------
    weights : ndarray of shape (n_neurons, n_inputs)
        A neuron in each row.
    image_shape : tuple of (int, int)
        Height and width of an image, in inputs.
    names : list of n_neurons str
        Titles of the images.

    Attributes
    ----------
    axes_ : ndarray of shape (n_neurons,) of matplotlib Axes
        An image each.
    images_ : list of n_neurons matplotlib AxesImage
    colorbar_ : matplotlib Colorbar
        Of the scale that all images share, centred on zero.
    figure_ : matplotlib Figure

    See Also
    --------
    NetworkDisplay : All layers, and how they are connected.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")  # no screen is needed
    >>> from sklearn.datasets import load_digits
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import NeuronWeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = GradientAscentLogisticRegression(C=0.01).fit(X, y)
    >>> display = NeuronWeightsDisplay.from_estimator(clf, image_shape=(8, 8))
    >>> len(display.images_)
    10
    """

    def __init__(self, *, weights, image_shape, names):
        self.weights = weights
        self.image_shape = image_shape
        self.names = names

    @classmethod
    def from_estimator(
        cls, est, *, image_shape, layer=0, neurons=None, cmap="RdBu_r", **imshow_kw
    ):
        """Draw the weights of a layer's neurons.

        Parameters
        ----------
        est : GradientAscentLogisticRegression or SimpleMLPClassifier
            Fitted.
        image_shape : tuple of (int, int)
            Height and width of an image; their product is the layer's inputs.
        layer : int, default=0
            Which layer's neurons, 0 being those that see the features. The logistic
            regression has that one alone, with one neuron for two classes and one for
            each of more.
        neurons : array-like of int, default=None
            Which of them, counted from 0. None: all, or the first 100.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Should be a diverging one, as its middle is zero.
        **imshow_kw : dict of str to object
            For matplotlib's `imshow`; `vmin` and `vmax` set another scale.

        Returns
        -------
        display : NeuronWeightsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `est` is not one of the two estimators.
        NotFittedError
            If it is not fitted.
        ValueError
            If `image_shape` does not fit the number of inputs, or there is no such
            layer or neuron.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_estimator(est)
        layers = est._layers
        if not (isinstance(layer, Integral) and 0 <= layer < len(layers)):
            raise ValueError(
                f"layer={layer!r} does not exist: the model has {len(layers)} of them, "
                f"counted from 0 to {len(layers) - 1}."
            )
        weights = np.asarray(to_host(layers[layer][0])).T
        n_neurons, n_inputs = weights.shape
        shape = tuple(np.ravel(image_shape).tolist())
        whole = all(isinstance(size, Integral) and size > 0 for size in shape)
        if not (len(shape) == 2 and whole and math.prod(shape) == n_inputs):
            raise ValueError(
                f"image_shape={image_shape!r} does not fit the {n_inputs} inputs of "
                f"layer {layer}: it must be (height, width), height * width = "
                f"{n_inputs}."
            )
        chosen = np.arange(n_neurons)[:MOST_IMAGES] if neurons is None else neurons
        chosen = np.atleast_1d(np.asarray(chosen))
        there = chosen.dtype.kind in "iu" and chosen.ndim == 1 and len(chosen)
        if not (there and np.all((chosen >= 0) & (chosen < n_neurons))):
            raise ValueError(
                f"neurons={neurons!r} must be numbers of neurons of layer {layer}, "
                f"from 0 to {n_neurons - 1}."
            )
        names = [f"neuron {j}" for j in range(n_neurons)]
        if layer == len(layers) - 1:
            names = output_names(est)
        display = cls(
            weights=weights[chosen],
            image_shape=shape,
            names=[names[j] for j in chosen],
        )
        return display.plot(cmap=cmap, **imshow_kw)

    def plot(self, *, cmap="RdBu_r", **imshow_kw):
        """Draw the images in a new figure.

        Parameters
        ----------
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Should be a diverging one, as its middle is zero.
        **imshow_kw : dict of str to object
            For matplotlib's `imshow`.

        Returns
        -------
        self : NeuronWeightsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        n_images = len(self.weights)
        side = math.ceil(math.sqrt(n_images))
        # A rectangle without gaps, unless that is a strip; then as good as a square.
        full = [n for n in range(side, 2 * side) if n_images % n == 0]
        n_columns = full[0] if full else side
        n_rows = math.ceil(n_images / n_columns)
        height, width = self.image_shape
        side = min(1.6, 10 / n_columns)  # inches
        figure, axes = plt.subplots(
            n_rows,
            n_columns,
            figsize=(
                max(side * n_columns * max(1, min(width / height, 4)), 2) + 1,
                max((side * max(1, min(height / width, 4)) + 0.2) * n_rows, 2),
            ),
            squeeze=False,
            layout="constrained",
        )
        largest = float(np.nan_to_num(abs(self.weights), posinf=0.0).max()) or 1.0
        imshow_kw = {"vmin": -largest, "vmax": largest, **imshow_kw}
        axes = axes.ravel()
        for ax in axes:
            ax.set_axis_off()
        self.axes_ = axes[:n_images]
        self.images_ = []
        for ax, weights, name in zip(self.axes_, self.weights, self.names):
            image = ax.imshow(weights.reshape(height, width), cmap=cmap, **imshow_kw)
            self.images_.append(image)
            ax.set_title(name, fontsize="small")
        self.colorbar_ = figure.colorbar(
            self.images_[0], ax=axes.tolist(), label="weight"
        )
        self.figure_ = figure
        return self


class NetworkDisplay:
    """The network as a lecture draws it: columns of neurons, and edges between them.

    An edge is red for a positive weight and blue for a negative one, and as wide as the
    weight is large among those drawn of its layer. Intercepts are not drawn. It is made
    by :meth:`from_estimator`; all parameters are kept as attributes.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_in, n_out)
        Weights of every layer.
    input_names : sequence of str
        Of the features.
    output_names : sequence of str
        Of the neurons of the last layer.
    activations : list of ndarray of shape (n_neurons,), default=None
        Every layer's activations for one example, inputs first and y_hat last.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    edges_ : list of matplotlib LineCollection
        One for each layer of weights.
    neurons_ : list of matplotlib PatchCollection
        One for each column; its array holds the activations, if there are any.

    See Also
    --------
    NeuronWeightsDisplay : The weights as images.
    forward_pass : The numbers that are written in the neurons.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")  # no screen is needed
    >>> import numpy as np
    >>> from skneuron import SimpleMLPClassifier
    >>> from skneuron.inspection import NetworkDisplay
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> clf = SimpleMLPClassifier((3,), solver="lbfgs", random_state=0)
    >>> clf = clf.fit(X, [0, 1, 1, 0])
    >>> display = NetworkDisplay.from_estimator(clf, X[1:2])
    >>> [len(edges.get_segments()) for edges in display.edges_]
    [6, 3]
    """

    def __init__(self, *, coefs, input_names, output_names, activations=None):
        self.coefs = coefs
        self.input_names = input_names
        self.output_names = output_names
        self.activations = activations

    @classmethod
    def from_estimator(cls, est, X=None, *, ax=None, max_neurons=10):
        """Draw a fitted network, with an example's way through it if there is one.

        Parameters
        ----------
        est : GradientAscentLogisticRegression or SimpleMLPClassifier
            Fitted.
        X : {array-like, sparse matrix} of shape (1, n_features), default=None
            An example. Its activations are written in the neurons, which are coloured
            by them: the deeper, the larger beside the others of the layer, or, in
            the last one, beside 1.
        ax : matplotlib Axes, default=None
            Where to draw; None: in a new figure.
        max_neurons : int, default=10
            Of a layer of more than so many, as many are drawn: the first and the last,
            with dots between them.

        Returns
        -------
        display : NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `est` is not one of the two estimators.
        NotFittedError
            If it is not fitted.
        ValueError
            If X is not one usable row, or `max_neurons` is below 1.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_estimator(est)
        coefs = [np.asarray(to_host(weights)) for weights, _ in est._layers]
        activations = None
        if X is not None:
            activations = forward_pass(est, X)
            if activations[0].shape[0] != 1:
                raise ValueError(
                    f"X must be one row, the example to draw; it has "
                    f"{activations[0].shape[0]}. Pass X[i : i + 1]."
                )
            if hasattr(activations[0], "toarray"):
                activations[0] = activations[0].toarray()
            activations = [layer[0] for layer in activations]
        names = getattr(est, "feature_names_in_", None)
        if names is None:
            names = [f"x{j}" for j in range(len(coefs[0]))]
        display = cls(
            coefs=coefs,
            input_names=[str(name) for name in names],
            output_names=output_names(est),
            activations=activations,
        )
        return display.plot(ax, max_neurons=max_neurons)

    def plot(self, ax=None, *, max_neurons=10):
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: in a new figure.
        max_neurons : int, default=10
            Of a layer of more than so many, as many are drawn.

        Returns
        -------
        self : NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `max_neurons` is below 1.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if not (isinstance(max_neurons, Integral) and max_neurons > 0):
            raise ValueError(
                f"max_neurons must be a whole number above 0, got {max_neurons!r}."
            )
        sizes = [len(self.coefs[0]), *(weights.shape[1] for weights in self.coefs)]
        columns = [_places(size, max_neurons) for size in sizes]
        names = [[""]] * len(sizes)
        names[0] = [self.input_names[j] for j in columns[0][0]]
        names[-1] = [self.output_names[j] for j in columns[-1][0]]
        # All in distances of neurons, text too, so that it fits axes of any size.
        tallest = max(2 * abs(heights).max() + 1 for _, heights in columns)
        gap = max(3.0, 0.45 * tallest)
        left, right = (
            0.8 + LETTER * max(min(len(name), 40) for name in names[i]) for i in (0, -1)
        )
        width, height = left + gap * (len(sizes) - 1) + right, tallest + 1.4
        if ax is None:
            figure = plt.figure(figsize=(UNIT * width, UNIT * height))
            ax = figure.add_axes((0, 0, 1, 1))
        self.ax_, self.figure_ = ax, ax.figure
        box = ax.get_window_extent()
        unit = min(box.width / width, box.height / height) / ax.figure.dpi
        self._fontsize = 10 * unit / UNIT
        ax.set_axis_off()
        ax.set_aspect("equal")
        ax.set_xlim(-left, width - left)
        ax.set_ylim(-tallest / 2 - 0.2, tallest / 2 + 1.2)
        self.edges_ = [
            self._draw_edges(i, gap, columns[i], columns[i + 1])
            for i in range(len(self.coefs))
        ]
        self.neurons_ = [
            self._draw_neurons(i, gap * i, *column) for i, column in enumerate(columns)
        ]
        for i, size in enumerate(sizes):
            what = "input" if i == 0 else "neuron" if i < len(sizes) - 1 else "output"
            what = f"{size} {what}{'s' if size > 1 else ''}"
            self._write(gap * i, tallest / 2 + 0.6, what)
        for name, y in zip(names[0], columns[0][1]):
            self._write(-0.55, y, name, ha="right")
        for name, y in zip(names[-1], columns[-1][1]):
            self._write(gap * (len(sizes) - 1) + 0.55, y, name, ha="left")
        return self

    def _write(self, x, y, text, size=1.0, ha="center"):
        size *= self._fontsize
        self.ax_.text(x, y, text, ha=ha, va="center", fontsize=size, zorder=3)

    def _draw_edges(self, i, gap, left, right):
        """The lines of a layer of weights, the largest on top."""
        from matplotlib.collections import LineCollection

        weights = np.nan_to_num(self.coefs[i][np.ix_(left[0], right[0])].astype(float))
        largest = abs(weights).max() or 1.0
        weights = weights / largest
        ends = np.empty((*weights.shape, 2, 2))
        ends[:, :, :, 0] = gap * i, gap * (i + 1)
        ends[:, :, 0, 1] = left[1][:, None]
        ends[:, :, 1, 1] = right[1]
        order = np.argsort(abs(weights), axis=None)
        weights, ends = weights.ravel()[order], ends.reshape(-1, 2, 2)[order]
        edges = LineCollection(
            ends,
            linewidths=0.3 * self._fontsize * abs(weights),
            colors=np.where(weights > 0, POSITIVE, NEGATIVE),
            alpha=0.7,
            zorder=1,
        )
        return self.ax_.add_collection(edges, autolim=False)

    def _draw_neurons(self, i, x, shown, heights):
        """The circles of a column, and what stands in them."""
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Circle

        ax, radius = self.ax_, 0.4
        circles = PatchCollection(
            [Circle((x, y), radius) for y in heights],
            facecolor="white",
            edgecolor="0.2",
            zorder=2,
        )
        ax.add_collection(circles, autolim=False)
        if len(shown) < self._size(i):
            # In the middle of the one place that is left free among the heights.
            free = np.setdiff1d(np.arange(heights[-1], heights[0] + 1), heights)
            y = free[0] if len(free) else heights[-1] - 1
            self._write(x, y, "\u22ee", size=1.5)
        if self.activations is not None:
            values = self.activations[i][shown]
            largest = float(np.nan_to_num(abs(self.activations[i])).max()) or 1.0
            if i == len(self.coefs):
                largest = 1.0  # probabilities are large or small by themselves
            circles.set(cmap="RdBu_r", array=values.astype(float))
            # Twice the range: colours stay light enough to read what is written.
            circles.set_clim(-2 * largest, 2 * largest)
            for y, value in zip(heights, values):
                self._write(x, y, _short(value), size=0.75)
        return circles

    def _size(self, i):
        return (
            self.coefs[i].shape[0] if i < len(self.coefs) else self.coefs[-1].shape[1]
        )


def output_names(est):
    """A name for each neuron of the last layer: its class, and its output of several.

    A neuron of its own stands for the second of two classes.
    """
    targets = Targets(est.classes_)
    if targets.multilabel:
        return [f"output {i}" for i in range(len(targets.per_output))]
    names = []
    for i, classes in enumerate(targets.per_output):
        output = f"output {i}: " if targets.several else ""
        of_neurons = classes[1:] if len(classes) == 2 else classes
        names += [f"{output}class {label}" for label in of_neurons]
    return names


def _places(size, most):
    """Which neurons of a column are drawn, and how high: (indices, heights)."""
    if size <= most:
        return np.arange(size), (size - 1) / 2 - np.arange(size)
    first = math.ceil(most / 2)
    shown = np.concatenate([np.arange(first), np.arange(size - most + first, size)])
    slots = np.concatenate([np.arange(first), np.arange(first + 1, most + 1)])
    return shown, most / 2 - slots


def _short(value):
    """A number of at most five characters or so."""
    return f"{value:.2f}" if abs(value) < 99.995 else f"{value:.0e}"
