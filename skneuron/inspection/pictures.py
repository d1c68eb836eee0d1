"""Pictures of a fitted network: the weights of its neurons, and the whole of it.

And what these displays share with those of curves.
"""

from dataclasses import dataclass
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _check_feature_names_in

from .._arrays import is_sparse, numbers_may_end, to_host
from .._data import Targets
from . import passes

#: Ends of the colour map "RdBu_r": the colours of signs, in every picture.
POSITIVE, NEGATIVE = "#b2182b", "#2166ac"

#: Inches between neurons that are neighbours, in a figure of our own; and the width of
#: a letter, in such distances.
UNIT, LETTER = 0.5, 0.17

#: Points: of headings at least; and of names, which smaller ones would not tell.
LEGIBLE, SMALLEST = 8, 5

#: Letters of a name; what is longer is cut.
LONGEST_NAME = 40

#: Of axes that leave no margins.
WHOLE = {"layout": None, "subplot_kw": {"position": (0, 0, 1, 1)}}

#: Images that are drawn if nobody says of which neurons.
MOST_IMAGES = 100


class Display:
    """A picture: what is drawn is in its fields, and how in its `plot`."""

    def _axes(self, ax=None, layout="constrained", **how):
        """The axes to draw on, in an array: `ax`, or those of a new figure."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        axes = np.ravel(plt.subplots(layout=layout, **how)[1] if ax is None else ax)
        self.figure_ = axes[0].figure
        return axes


@dataclass(eq=False, repr=False, kw_only=True)
class NeuronWeightsDisplay(Display):
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

    weights: np.ndarray
    image_shape: tuple
    names: list

    @classmethod
    def from_estimator(cls, est, *, image_shape, layer=0, neurons=None, **imshow_kw):
        """Draw the weights of a layer's neurons.

        Parameters
        ----------
        est : GradientAscentLogisticRegression or SimpleMLPClassifier
            Fitted.
        image_shape : tuple of (int, int)
            Height and width of an image; their product is the layer's inputs, or the
            window of a Convolution.
        layer : int, default=0
            Which layer's neurons, 0 being those that see the features. The logistic
            regression has that one alone, with one neuron for two classes and one for
            each of more.
        neurons : array-like of int, default=None
            Which of them, counted from 0. None: all, or the first 100.
        **imshow_kw : dict of str to object
            For matplotlib's `imshow`; `vmin` and `vmax` set another scale, and `cmap`
            other colours than "RdBu_r": of a diverging map, as its middle is zero.

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
        passes.check_estimator(est)
        layers = est._layers
        if not (isinstance(layer, Integral) and 0 <= layer < len(layers)):
            raise ValueError(f"There are {len(layers)} layers, and no layer={layer!r}.")
        weights = np.asarray(to_host(layers[layer][0])).T
        n_neurons, n_in = weights.shape
        shape = passes.checked_shape(image_shape, n_in, f"inputs of layer {layer}")
        every = range(n_neurons)
        chosen = np.ravel(every[:MOST_IMAGES] if neurons is None else neurons)
        if not (len(chosen) and np.isin(chosen, every).all()):
            raise ValueError(f"neurons={neurons!r} must be from 0 to {n_neurons - 1}.")
        outputs, is_last = output_names(est), layer == len(layers) - 1
        names = [outputs[j] if is_last else f"neuron {j}" for j in chosen]
        display = cls(weights=weights[chosen], image_shape=shape, names=names)
        return display.plot(**imshow_kw)

    def plot(self, **imshow_kw):
        """Draw the images in a new figure.

        Parameters
        ----------
        **imshow_kw : dict of str to object
            For matplotlib's `imshow`, as :meth:`from_estimator` takes them.

        Returns
        -------
        self : NeuronWeightsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_images = len(self.weights)
        side = int(np.ceil(np.sqrt(n_images)))
        # A rectangle without gaps, unless that is a strip; then as good as a square.
        n_columns = next((n for n in range(side, 2 * side) if n_images % n == 0), side)
        n_rows = int(np.ceil(n_images / n_columns))
        height, width = self.image_shape
        side = min(1.6, 10 / n_columns)  # inches
        across, down = side * np.clip([width / height, height / width], 1, 4)
        figsize = max(n_columns * across, 2) + 1, max(n_rows * (down + 0.2), 2)
        axes = self._axes(nrows=n_rows, ncols=n_columns, figsize=figsize)
        for ax in axes:
            ax.set_axis_off()
        largest = _largest(self.weights)
        imshow_kw = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest, **imshow_kw}
        self.axes_, self.images_ = axes[:n_images], []
        for ax, weights, name in zip(self.axes_, self.weights, self.names):
            self.images_.append(ax.imshow(weights.reshape(height, width), **imshow_kw))
            ax.set_title(name, fontsize="small")
        self.colorbar_ = self.figure_.colorbar(self.images_[0], ax=axes, label="weight")
        return self


@dataclass(eq=False, repr=False, kw_only=True)
class NetworkDisplay(Display):
    """The network as a lecture draws it: columns of neurons, and edges between them.

    An edge is red for a positive weight and blue for a negative one, and as wide as the
    weight is large among those drawn of its layer. Intercepts are the edges of a unit
    below the others that is always 1, no wider than the widest weight; a layer whose
    intercepts are all 0 has none. So each parameter is an edge. Of a layer that is too
    large to draw, the neurons that tell most are chosen: those whose outgoing weights
    have the largest norm. It is made by :meth:`from_estimator`; all parameters are kept
    as attributes.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_in, n_out)
        Weights of every layer.
    input_names : sequence of str
        Of the features.
    output_names : sequence of str
        Of the neurons of the last layer.
    intercepts : list of ndarray of shape (n_out,), default=None
        Of every layer; None: not drawn.
    activations : list of ndarray of shape (n_neurons,), default=None
        Every layer's activations for one example, inputs first and y_hat last.
    title : str, default=None
        What the edges are, where they are not the weights.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    shown_ : list of ndarray of int
        The neurons that are drawn, of each column; inputs first.
    edges_ : list of matplotlib LineCollection
        One for each layer of weights, its intercepts included.
    neurons_ : list of matplotlib PatchCollection
        One for each column; its array holds the activations, if there are any.
    ones_ : list of matplotlib Circle
        The units that are always 1, one for each layer with intercepts.

    See Also
    --------
    NeuronWeightsDisplay : The weights as images.
    Snapshots : Keeps an estimator's earlier moments, to compare with.
    forward_pass : The numbers that are written in the neurons.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")  # no screen is needed
    >>> import numpy as np
    >>> from skneuron import SimpleMLPClassifier
    >>> from skneuron.inspection import NetworkDisplay, Snapshots
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = [0, 1, 1, 0]
    >>> clf = SimpleMLPClassifier((3,), solver="lbfgs", alpha=0.001, random_state=0)
    >>> snapshots = Snapshots([2])
    >>> clf = clf.set_callbacks(snapshots).fit(X, y)
    >>> display = NetworkDisplay.from_estimator(clf, X[1:2])
    >>> [len(edges.get_segments()) for edges in display.edges_]
    [9, 4]
    >>> clf.n_parameters_
    13

    What the climb has changed since its second iteration:

    >>> display = NetworkDisplay.from_estimator(clf, since=snapshots.taken[2])
    >>> display.title
    'Change of the weights since iteration 2'
    """

    coefs: list
    input_names: list
    output_names: list
    intercepts: list | None = None
    activations: list | None = None
    title: str | None = None

    @classmethod
    @numbers_may_end()
    def from_estimator(
        cls, est, X=None, *, since=None, standardize_by=None, ax=None, max_neurons=10
    ):
        """Draw a fitted network, with an example's way through it if there is one.

        Parameters
        ----------
        est : GradientAscentLogisticRegression or SimpleMLPClassifier
            Fitted.
        X : {array-like, sparse matrix} of shape (1, n_features), default=None
            An example. Its activations are written in the neurons, which are coloured
            by them: the deeper, the larger beside the others of the layer, or, in
            the last one, beside 1.
        since : estimator like `est`, default=None
            Fitted, with layers of the same sizes: the same network at an earlier
            moment, as :class:`Snapshots` keeps it. Edges are drawn, and neurons
            chosen, by the change of the weights since then: red where they grew, blue
            where they fell. The title says so.
        standardize_by : {array-like, sparse matrix} of shape (n_samples, n_features), \
default=None
            Examples, such as those of the fit. Weights are drawn, and compared, times
            the standard deviation that the feature or the hidden neuron has among
            them, and intercepts where all are at their means: what they would be of
            standardised features. The title says so. None: in the features' own units,
            in which a small weight may say much.
        ax : matplotlib Axes, default=None
            Where to draw; None: in a new figure.
        max_neurons : int, default=10
            Of a layer of more than so many, as many are drawn, in their order: those
            whose weights to the next layer have the largest Euclidean norm. Of the last
            layer it is the weights from the layer before that count, or the
            probabilities of the example. Dots stand for the others.

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
            If X is not one usable row, `max_neurons` is below 1, layers of `since` have
            other sizes, or layers share their weights: an edge is a weight of its own.
        """
        layers, title = passes.dense_layers(est), None
        if since is not None:
            earlier = passes.dense_layers(since)
            then, now = ([W.shape for W, _ in of] for of in (earlier, layers))
            if then != now:
                raise ValueError(
                    f"since has weights of shapes {then}, and est of {now}: there is a "
                    "change to draw only between two moments of one network."
                )
            layers = [(W - V, b - a) for (V, a), (W, b) in zip(earlier, layers)]
            title = "Change of the weights"
            if hasattr(since, "n_iter_"):
                title += f" since iteration {since.n_iter_}"
        if standardize_by is not None:
            title = f"{title or 'Weights'}, per standard deviation"
            inputs = passes.forward_pass(est, standardize_by)[:-1]
            # Without their mean, as they may be sparse.
            found = (StandardScaler(with_mean=False).fit(h) for h in inputs)
            layers = [
                (W * np.sqrt(of.var_)[:, None], b + of.mean_ @ W)
                for (W, b), of in zip(layers, found)
            ]
        activations = None
        if X is not None:
            found = passes.forward_pass(est, X)
            if (n_rows := len(found[-1])) != 1:
                raise ValueError(f"X must be one row, as X[:1], not {n_rows}.")
            activations = [of.toarray()[0] if is_sparse(of) else of[0] for of in found]
        coefs, intercepts = map(list, zip(*layers))
        return cls(
            coefs=coefs,
            input_names=[str(name) for name in _check_feature_names_in(est)],
            output_names=output_names(est),
            intercepts=intercepts,
            activations=activations,
            title=title,
        ).plot(ax, max_neurons=max_neurons)

    def plot(self, ax=None, *, max_neurons=10):
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: in a new figure. Where there is so little room that
            nobody could read the names, they are left out.
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
        passes.check_count("max_neurons", max_neurons)
        sizes = [len(self.coefs[0]), *(weights.shape[1] for weights in self.coefs)]
        self.shown_ = shown = self._most_telling(max_neurons)
        intercepts = self.intercepts or [np.zeros(size) for size in sizes[1:]]
        has_one = [*(np.any(of) for of in intercepts), False]
        columns = [(len(of) - 1) / 2 - np.arange(len(of)) for of in shown]
        # Below the neurons: dots for those that are left out, then the unit of 1.
        dots = [len(of) < size for of, size in zip(shown, sizes)]
        lowest = [ys[-1] - a - b for ys, a, b in zip(columns, dots, has_one)]
        inputs = [_short(self.input_names[j]) for j in shown[0]]
        outputs = [_short(self.output_names[j]) for j in shown[-1]]
        # All in distances of neurons, text too, so that it fits axes of any size.
        bottom, top = min(lowest) - 0.7, max(ys[0] for ys in columns) + 1.7
        gap = max(3.0, 0.45 * (top - bottom - 1.4))
        longest = (max(map(len, names)) for names in (inputs, outputs))
        left, right = (max(1.5, 0.8 + LETTER * length) for length in longest)
        last = gap * len(self.coefs)
        width, height = left + last + right, top - bottom
        figsize = UNIT * width, UNIT * (height + (1.2 if self.title else 0))
        ax = self.ax_ = self._axes(ax, figsize=figsize, **WHOLE)[0]
        from matplotlib.collections import LineCollection, PatchCollection
        from matplotlib.patches import Circle

        box = ax.get_window_extent()
        unit = min(box.width / width, box.height / height) / ax.figure.dpi
        fontsize = 10 * unit / UNIT
        write = partial(ax.text, ha="center", va="center", fontsize=fontsize, zorder=3)
        ax.set_axis_off()
        ax.set(aspect="equal", xlim=(-left, width - left), ylim=(bottom, top))
        if self.title:
            ax.set_title(self.title, fontsize=max(1.1 * fontsize, LEGIBLE))

        self.edges_, self.neurons_, self.ones_ = [], [], []
        for i, (weights, intercept) in enumerate(zip(self.coefs, intercepts)):
            x, starts, ends = gap * i, columns[i], columns[i + 1]
            weights = weights[np.ix_(shown[i], shown[i + 1])]
            widest = _largest(weights)
            if has_one[i]:
                starts = [*starts, lowest[i]]
                weights = np.vstack([weights, intercept[shown[i + 1]]])
                one = Circle((x, lowest[i]), 0.4, fc="0.9", ec="0.5", ls=":", zorder=2)
                self.ones_.append(ax.add_patch(one))
                write(x, lowest[i], "1", color="0.3", fontsize=0.75 * fontsize)
            weights = _relative(weights, widest).ravel()
            order = np.argsort(abs(weights))  # the largest on top
            weights = weights[order]
            lines = np.array([[(x, a), (x + gap, b)] for a in starts for b in ends])
            colors = np.where(weights > 0, POSITIVE, NEGATIVE)
            edges = LineCollection(lines[order], colors=colors, alpha=0.7, zorder=1)
            edges.set_linewidth(0.3 * fontsize * abs(weights))
            self.edges_.append(ax.add_collection(edges, autolim=False))
        for i, (size, heights) in enumerate(zip(sizes, columns)):
            x = gap * i
            kind = "input" if x == 0 else "neuron" if x < last else "output"
            counted = f"{len(heights)} of {size}" if dots[i] else f"{size}"
            counted += f" {kind}{'s' if size > 1 else ''}"
            write(x, top - 0.5, counted, fontsize=max(fontsize, LEGIBLE))
            if dots[i]:
                write(x, heights[-1] - 1, "\u22ee", fontsize=1.5 * fontsize)
            circles = [Circle((x, y), radius=0.4) for y in heights]
            circles = PatchCollection(circles, fc="white", ec="0.2", zorder=2)
            self.neurons_.append(ax.add_collection(circles, autolim=False))
            if self.activations is not None:
                values = self.activations[i][shown[i]].astype(float)
                # Twice the range: colours stay light enough to read what is written.
                # Probabilities are large or small by themselves.
                limit = 2 * (_largest(self.activations[i]) if x < last else 1.0)
                circles.set(array=values, cmap="RdBu_r", clim=(-limit, limit))
                for y, value in zip(heights, values):
                    text = f"{value:.2f}" if abs(value) < 99.995 else f"{value:.0e}"
                    write(x, y, text, fontsize=0.75 * fontsize)
        if fontsize >= SMALLEST:
            for name, y in zip(inputs, columns[0]):
                write(-0.55, y, name, ha="right")
            for name, y in zip(outputs, columns[-1]):
                write(last + 0.55, y, name, ha="left")
        return self

    def _most_telling(self, most):
        """Which neurons of each column are drawn."""
        beside_largest = [_relative(W, _largest(W)) for W in self.coefs]
        sizes = [np.linalg.norm(W, axis=1) for W in beside_largest]
        last = np.linalg.norm(beside_largest[-1], axis=0)
        sizes.append(last if self.activations is None else abs(self.activations[-1]))
        return [np.sort(np.argsort(-of, kind="stable")[:most]) for of in sizes]


def output_names(est):
    """A name for each neuron of the last layer: its class, and its output of several.

    A neuron of its own stands for the second of two classes.
    """
    targets = Targets(est.classes_)
    if targets.multilabel:
        return [f"output {i}" for i in range(len(targets.per_output))]
    return [
        f"output {i}: class {label}" if targets.several else f"class {label}"
        for i, classes in enumerate(targets.per_output)
        for label in (classes[1:] if len(classes) == 2 else classes)
    ]


def _short(name):
    """A name that is not too long for the margin."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\u2026"


def _relative(weights, largest):
    """Weights beside the largest: from -1 to 1, and 0 for NaN."""
    return np.nan_to_num(np.clip(weights.astype(float) / largest, -1, 1))


def _largest(values):
    """The largest finite size; of zeros alone 1: the end of a scale of colours."""
    return float(np.nan_to_num(abs(values), posinf=0.0).max()) or 1.0
