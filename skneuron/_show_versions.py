"""What there is to say of an installation, for reports of errors."""

from contextlib import suppress
from importlib import metadata

from sklearn.utils._show_versions import _get_sys_info
from sklearn.utils.parallel import _get_threadpool_controller

from . import _kernels
from ._threads import n_threads

#: What computes, and the extras.
PACKAGES = "numpy scipy scikit-learn dask matplotlib onnx pandas polars skl2onnx torch"


def show_versions() -> None:
    """Print the versions of what computes here, to go with the report of an error.

    That is Python and the machine; skneuron, the packages that it needs, and those of
    its extras that are installed (none is imported for it); whether the compiled core
    was built, by which compiler, and which instructions it uses on this processor;
    the number of threads; and the BLAS of NumPy and SciPy.

    See Also
    --------
    sklearn.show_versions : The same, of scikit-learn.

    Examples
    --------
    >>> import skneuron
    >>> skneuron.show_versions()
    System:
        python: 3...
    Compiled core: ...
          Threads: ...
    """
    print(versions())


def versions():
    """The text of `show_versions`."""
    from . import __version__

    found = {"skneuron": __version__}
    for name in PACKAGES.split():
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    built = _kernels.compiled_with() or "not built, so that NumPy computes everything"
    core = _aligned({"Compiled core": built, "Threads": n_threads()})
    lines = ["System:", *_aligned(_get_sys_info()), ""]
    lines += ["Python dependencies:", *_aligned(found), "", *core]
    for library in _get_threadpool_controller().info():
        lines += ["", "threadpoolctl info:", *_aligned(library)]
    return "\n".join(lines)


def _aligned(values):
    width = max(map(len, values))
    return [f"{name:>{width}}: {value}" for name, value in values.items()]
