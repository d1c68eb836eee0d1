"""Warnings of this package's own, each a kind of one that scikit-learn has."""

from sklearn.exceptions import ConvergenceWarning


class SeparationWarning(ConvergenceWarning):
    """The classes separate, so that the maximum likelihood estimate does not exist.

    Some weights can grow for ever and raise the log-likelihood all the way: what a fit
    returns is where its tolerance stopped it. A penalty (a finite `C`), or leaving out
    the features that the warning names, gives a model that the data determine. A class
    of which no sample counts is made ever less likely by an intercept, which goes free
    of the penalty: it had better be left out.

    See Also
    --------
    skneuron.inference.separation : Whether, and where, classes separate.

    Examples
    --------
    >>> from sklearn.exceptions import ConvergenceWarning
    >>> from skneuron.exceptions import SeparationWarning
    >>> issubclass(SeparationWarning, ConvergenceWarning)
    True
    """
