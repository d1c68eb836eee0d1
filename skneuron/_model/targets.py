"""What the labels mean: from y to integer codes and back, for every kind of y.

======================  ===========================  =======================
y                       classes                      likelihood
======================  ===========================  =======================
(n,), 2 classes         array of 2                   Bernoulli
(n,), k classes         array of k                   Categorical
(n, m) of 0/1           list of m arrays [0, 1]      m Bernoulli
(n, m) of labels        list of m arrays             m Bernoulli or Categorical
======================  ===========================  =======================
"""

import numpy as np

from .._arrays import array_namespace, beside, is_elsewhere, to_host, widest_float
from .likelihood import Bernoulli, Categorical, Joint
from .rows import slices


class ClassesPerOutput(list):
    """The classes of several outputs: a list of one array for each column of y.

    Like the ``classes_`` of a single output, it turns codes into labels when indexed
    with them: ``classes[codes]``, codes (n_samples, n_outputs), is (n_samples,
    n_outputs) of labels; and it has the `shape` that scikit-learn's cross_val_predict
    compares with the columns of predict_proba.
    """

    @property
    def shape(self):
        """(n_outputs,)."""
        return (len(self),)

    def __getitem__(self, key):
        if isinstance(key, np.ndarray) and key.ndim == 2:
            return Targets(list(self)).labels(key)
        return super().__getitem__(key)


class Targets:
    """The classes of every output, their likelihood, and the way there and back.

    Parameters
    ----------
    classes : array of shape (n_classes,), or list of such arrays
        The sorted classes of a single output, or of each column of a 2-d y: of the
        namespace, and on the device, that y had.

    Attributes
    ----------
    classes : array of shape (n_classes,), or ClassesPerOutput
        As they were given.
    per_output : list of arrays of shape (n_classes,)
        Those of each output, of any kind: NumPy's.
    """

    def __init__(self, classes):
        self.several = isinstance(classes, list)
        self.classes = ClassesPerOutput(classes) if self.several else classes
        classes = [to_host(of) for of in (classes if self.several else [classes])]
        self.per_output = classes
        # (n, m) of 0/1: known by its classes, so that it needs no flag of its own.
        self.multilabel = self.several and all(
            _are_zero_and_one(classes) for classes in self.per_output
        )
        if self.multilabel or (not self.several and len(classes[0]) == 2):
            self.likelihood = Bernoulli(len(self.per_output))
        elif self.several:
            self.likelihood = Joint(
                [Bernoulli() if len(c) == 2 else Categorical(len(c)) for c in classes]
            )
        else:
            self.likelihood = Categorical(len(classes[0]))

    @classmethod
    def of(cls, y):
        """Find the classes of labels y, (n_samples,) or (n_samples, n_outputs)."""
        if is_elsewhere(y):
            return cls._of_elsewhere(y)
        if y.ndim == 1:
            return cls(_unique(y))
        if y.dtype.kind in "biuf" and bool(np.all((y == 0) | (y == 1))):
            return cls([np.asarray([0, 1]).astype(y.dtype)] * y.shape[1])
        return cls([_unique(column) for column in y.T])

    @classmethod
    def _of_elsewhere(cls, y):
        xp = array_namespace(y)

        def distinct(labels):  # in order, of which a namespace need not care
            return beside(np.sort(to_host(xp.unique_values(labels))), y)

        if y.ndim == 1:
            return cls(distinct(y))
        number = _as_number(y)
        if bool(xp.all((number == 0) | (number == 1))):
            zero_and_one = beside(np.asarray([0, 1]), y)
            return cls([xp.astype(zero_and_one, y.dtype)] * y.shape[1])
        return cls([distinct(y[:, i]) for i in range(y.shape[1])])

    def encode(self, y):
        """Turn labels into codes.

        Parameters
        ----------
        y : array of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        codes : int array of shape (n_samples, n_outputs)
            Places in the output's classes. They lie where y does.

        Raises
        ------
        ValueError
            If y has another number of columns, or a label outside the classes.
        """
        columns = y if y.ndim == 2 else y[:, None]
        if self.several != (y.ndim == 2) or columns.shape[1] != len(self.per_output):
            expected = f"(n_samples, {len(self.per_output)})"
            raise ValueError(
                f"y has shape {y.shape}; the model's classes ask for "
                f"{expected if self.several else '(n_samples,)'}."
            )
        if is_elsewhere(y):
            return self._encode_elsewhere(columns)
        most = max(len(classes) for classes in self.per_output)
        codes = np.empty(columns.shape, dtype=np.min_scalar_type(-most))
        for i, classes in enumerate(self.per_output):
            places = _places(classes)
            for at in slices(len(columns), NARROW):
                labels = columns[at, i]
                codes[at, i] = places(labels)
                unknown = classes[codes[at, i]] != labels
                if np.any(unknown):
                    self._raise_unknown(i, np.unique(labels[unknown]))
        return codes

    def _encode_elsewhere(self, columns):
        xp = array_namespace(columns)
        codes = []
        for i, classes in enumerate(self.per_output):
            labels = _as_number(columns[:, i])
            if classes.dtype.kind not in "biuf":
                self._raise_unknown(i, np.unique(to_host(labels)))
            known = _as_number(beside(classes, columns))
            dtype = widest_float(labels)
            if all(xp.isdtype(of.dtype, "integral") for of in (labels, known)):
                dtype = xp.result_type(labels, known)
            known = xp.astype(known, dtype)
            labels = xp.astype(labels, dtype, copy=True)  # PyTorch warns of gaps
            places = xp.clip(xp.searchsorted(known, labels), 0, len(classes) - 1)
            unknown = xp.take(known, places, axis=0) != labels
            if bool(xp.any(unknown)):
                self._raise_unknown(i, np.unique(to_host(labels)[to_host(unknown)]))
            codes.append(places)
        return xp.stack(codes, axis=1)

    def _raise_unknown(self, i, labels):
        where = f" in column {i}" if self.several else ""
        raise ValueError(
            f"y contains labels{where} that are not among the classes "
            f"{self.per_output[i].tolist()}: {labels.tolist()}."
        )

    def labels(self, codes):
        """What codes, (n_rows, n_outputs), stand for: (n_rows,) or (n_rows, n_outputs).

        It lies where the codes do, if that is where labels of this kind can lie.
        """
        if any(classes.dtype.kind not in "biuf" for classes in self.per_output):
            codes = to_host(codes)
        xp = array_namespace(codes)
        columns = [
            xp.take(beside(classes, codes), codes[:, i], axis=0)
            for i, classes in enumerate(self.per_output)
        ]
        if not self.several:
            return columns[0]
        if not is_elsewhere(codes) and len({c.dtype.kind for c in columns}) > 1:
            columns = [column.astype(object) for column in columns]
        return xp.stack(columns, axis=1)

    def same_classes(self, other):
        """Tell whether both have the same outputs with the same classes."""
        return (
            self.several == other.several
            and len(self.per_output) == len(other.per_output)
            and all(
                np.array_equal(a, b)
                for a, b in zip(self.per_output, other.per_output, strict=True)
            )
        )

    def split(self, z):
        """Yield each output's classes and its own columns of z, (n_rows, n_logits)."""
        first = 0
        for classes in self.per_output:
            size = 1 if self.multilabel or len(classes) == 2 else len(classes)
            yield classes, z[:, first : first + size]
            first += size

    def choose(self, z):
        """The code of the likeliest class of each output, (n_rows, n_outputs)."""
        xp = array_namespace(z)
        chosen = [
            xp.astype(at[:, 0] > 0, xp.int64)
            if at.shape[1] == 1 and len(classes) == 2
            else xp.argmax(at, axis=1)
            for classes, at in self.split(z)
        ]
        return xp.stack(chosen, axis=1)


def _as_number(y):
    """Booleans, which namespaces do not count with, as integers."""
    xp = array_namespace(y)
    return xp.astype(y, xp.int8) if xp.isdtype(y.dtype, "bool") else y


def _are_zero_and_one(classes):
    return (
        len(classes) == 2
        and classes.dtype.kind in "biuf"
        and bool(classes[0] == 0 and classes[1] == 1)
    )


#: Integers in a range up to this are counted, not sorted: a tenth of the time.
NARROW = 1 << 16


def _are_narrow(low, high):
    return high - low < NARROW and low > -(2**62) and high < 2**62


def _unique(labels):
    """np.unique."""
    if labels.dtype.kind not in "iu" or not len(labels):
        return np.unique(labels)
    low, high = int(labels.min()), int(labels.max())
    if not _are_narrow(low, high):
        return np.unique(labels)
    seen = np.zeros(high - low + 1, dtype=bool)
    for at in slices(len(labels), NARROW):
        seen[labels[at].astype(np.intp) - low] = True
    return (np.flatnonzero(seen) + low).astype(labels.dtype)


def _places(classes):
    """A function from labels to their places in the classes; from others to any."""
    last = len(classes) - 1
    low, high = classes[0], classes[-1]
    if classes.dtype.kind not in "iu" or not _are_narrow(int(low), int(high)):
        return lambda labels: np.minimum(np.searchsorted(classes, labels), last)
    low = int(low)
    place = np.zeros(int(classes[-1]) - low + 1, dtype=np.intp)
    place[classes.astype(np.intp) - low] = np.arange(last + 1)

    def find(labels):
        if labels.dtype.kind not in "iu":
            return np.minimum(np.searchsorted(classes, labels), last)
        return place[np.clip(labels.astype(np.intp) - low, 0, len(place) - 1)]

    return find
