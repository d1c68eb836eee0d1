"""What the labels mean: from y to integer codes and back, for every kind of y.

======================  ===========================  =======================
y                       classes                      likelihood
======================  ===========================  =======================
(n,), 2 classes         array of 2                   sigmoid
(n,), k classes         array of k                   softmax
(n, m) of 0/1           list of m arrays [0, 1]      m sigmoids
(n, m) of labels        list of m arrays             m sigmoids or softmaxes
======================  ===========================  =======================
"""

import numpy as np

from .._arrays import array_namespace, beside, is_elsewhere, to_host
from .._model.likelihood import Likelihood
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
        outputs = classes if self.several else [classes]
        self.per_output = [to_host(of) for of in outputs]
        # (n, m) of 0/1: known by its classes, so that it needs no flag of its own.
        self.multilabel = self.several and all(
            of.dtype.kind in "biuf" and of.tolist() == [0, 1] for of in self.per_output
        )
        sizes = [len(of) for of in self.per_output]
        self.likelihood = Likelihood([0 if k == 2 else k for k in sizes])

    @classmethod
    def of(cls, y):
        """Find the classes of labels y, (n_samples,) or (n_samples, n_outputs)."""
        labels = to_host(y)
        if labels.ndim == 1:
            return cls(beside(_unique(labels), y))
        if labels.dtype.kind in "biuf" and bool(np.all((labels == 0) | (labels == 1))):
            return cls([beside(np.array([0, 1], labels.dtype), y)] * y.shape[1])
        return cls([beside(_unique(column), y) for column in labels.T])

    def encode(self, y):
        """Turn labels into codes.

        Parameters
        ----------
        y : array of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        codes : int array of shape (n_samples, n_outputs)
            Places in the output's classes; on the host.

        Raises
        ------
        ValueError
            If y has another number of columns, or a label outside the classes.
        """
        n_outputs = len(self.per_output)
        if tuple(y.shape[1:]) != ((n_outputs,) if self.several else ()):
            wanted = f"(n_samples, {n_outputs})" if self.several else "(n_samples,)"
            raise ValueError(f"y has shape {y.shape}; the classes ask for {wanted}.")
        columns = np.reshape(to_host(y), (y.shape[0], n_outputs))
        most = max(len(classes) for classes in self.per_output)
        codes = np.empty(columns.shape, dtype=np.min_scalar_type(-most))
        for i, classes in enumerate(self.per_output):
            for at in slices(len(columns), AT_A_TIME):
                labels = columns[at, i]
                codes[at, i] = places = _places(classes, labels)
                unknown = classes.take(places) != labels
                if np.any(unknown):
                    where = f" in column {i}" if self.several else ""
                    raise ValueError(
                        f"y contains labels{where} that are not among the classes "
                        f"{classes.tolist()}: {np.unique(labels[unknown]).tolist()}."
                    )
        return codes

    def labels(self, codes):
        """What codes, (n_rows, n_outputs), stand for: (n_rows,) or (n_rows, n_outputs).

        It lies where the codes do, if that is where labels of this kind can lie.
        """
        if any(classes.dtype.kind not in "biuf" for classes in self.per_output):
            codes = to_host(codes)
        columns = looked_up(self.per_output, codes)
        if not self.several:
            return columns[0]
        if not is_elsewhere(codes) and len({c.dtype.kind for c in columns}) > 1:
            columns = [column.astype(object) for column in columns]
        return array_namespace(codes).stack(columns, axis=1)

    def same_classes(self, other):
        """Tell whether both have the same outputs with the same classes."""
        mine, others = self.per_output, other.per_output
        alike = self.several == other.several and len(mine) == len(others)
        return alike and all(map(np.array_equal, mine, others))

    def split(self, z):
        """Yield each output's classes and its own columns of z, (n_rows, n_logits)."""
        for classes, of in zip(self.per_output, self.likelihood.blocks, strict=True):
            yield classes, z[:, of.start : of.stop]

    def choose(self, z):
        """The code of the likeliest class of each output, (n_rows, n_outputs)."""
        xp, chosen = array_namespace(z), []
        for classes, at in self.split(z):
            code = at[:, 0] > 0 if len(classes) == 2 else xp.argmax(at, axis=1)
            chosen.append(xp.astype(code, xp.int64, copy=False))
        return xp.stack(chosen, axis=1)


def looked_up(tables, codes):
    """What the table of each output has for its column of codes: (n_rows,) arrays."""
    take = array_namespace(codes).take
    return [take(beside(of, codes), codes[:, i], axis=0) for i, of in enumerate(tables)]


#: Integers in a range up to this are counted, not sorted: a tenth of the time. And so
#: many labels are looked up at a time.
NARROW, AT_A_TIME = 1 << 16, 1 << 13


def _above(low, labels):
    """``labels - low``, where that is within a narrow range; anything elsewhere."""
    return np.subtract(labels, low, dtype=np.intp, casting="unsafe")


def _unique(labels):
    """np.unique."""
    if labels.dtype.kind in "iu" and len(labels):
        low, high = labels.min(), labels.max()
        if int(high) - int(low) < NARROW:
            seen = np.zeros(_above(low, high) + 1, dtype=bool)
            for at in slices(len(labels), AT_A_TIME):
                seen[_above(low, labels[at])] = True
            return np.flatnonzero(seen).astype(labels.dtype) + low
    return np.unique(labels)


def _places(classes, labels):
    """The places of labels in the classes, which are sorted; of others, any."""
    integers = {labels.dtype.kind, classes.dtype.kind} <= {*"iu"}
    if not (integers and int(classes[-1]) - int(classes[0]) < NARROW):
        return np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    known, above = _above(classes[0], classes), _above(classes[0], labels)
    return np.searchsorted(known, np.arange(known[-1] + 1)).take(above, mode="clip")
