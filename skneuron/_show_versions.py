"""What there is to say of an installation, for reports of errors."""

from contextlib import suppress
from importlib import metadata

import sklearn

from . import _kernels
from ._threads import n_threads

#: The extras that scikit-learn's own list leaves out.
EXTRAS = "dask", "onnx", "polars", "skl2onnx", "torch"


def show_versions() -> None:
    """Print the versions of what computes here, to go with the report of an error.

    That is skneuron; whether the compiled core was built, by which compiler, and which
    instructions it uses on this processor; the number of threads; the extras that are
    installed (none is imported for it); and what scikit-learn prints: Python and the
    machine, the packages that it needs, and the BLAS of NumPy and SciPy.

    See Also
    --------
    sklearn.show_versions : The last of these.

    Examples
    --------
    >>> import skneuron
    >>> skneuron.show_versions()
    skneuron: ...
    Compiled core: ...
    Threads: ...
    """
    from . import __version__

    built = _kernels.compiled_with() or "not built, so that NumPy computes everything"
    print(f"skneuron: {__version__}\nCompiled core: {built}\nThreads: {n_threads()}")
    for name in EXTRAS:
        with suppress(metadata.PackageNotFoundError):
            print(f"{name}: {metadata.version(name)}")
    sklearn.show_versions()
