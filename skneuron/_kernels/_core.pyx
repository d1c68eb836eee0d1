# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled loops, called with arrays whose shapes and types Python has checked."""

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE
from cpython.buffer cimport PyBuffer_Release, PyObject_GetBuffer
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int64_t


cdef extern from "kernels.h":
    ctypedef struct Blas:
        void *sgemm
        void *dgemm
        void *ssyrk
        void *dsyrk
        void *dpotrf
        void *dpotrs

    Blas blas

    const char *c_compiled_with "compiled_with"()

    ctypedef struct Features:
        const void *data
        int type
        Py_ssize_t n_rows, n_columns, row, column
        const void *indptr
        const void *indices
        int wide
        const void *mean
        const void *inverse

    ctypedef struct Targets:
        const void *codes
        int code_type
        const void *weights
        int weight_type, weights_by_output
        Py_ssize_t n_outputs
        const int *widths
        Py_ssize_t n_logits

    ctypedef struct Pass:
        Features X
        Targets y
        Py_ssize_t n_members
        int intercept
        const void *theta
        const Py_ssize_t *chunks
        int n_chunks, n_partial, n_threads, gradients, curvature
        double *sums

    int pass_float(const Pass *) nogil
    int pass_double(const Pass *) nogil
    int moments_float(const Pass *) nogil
    int moments_double(const Pass *) nogil

    ctypedef struct Newton:
        Pass job "pass"
        Py_ssize_t n_inputs, n_parameters
        const double *shrunk
        double divisor, least, clear, enough, flat, stride
        int most
        double *thetas
        double *figures

    int take_steps "newton"(const Newton *) nogil

    ctypedef struct Outcome:
        Targets y
        Py_ssize_t n_rows
        void *z
        int wanted, n_threads
        double log_likelihood

    int outcome_float(Outcome *) nogil
    int outcome_double(Outcome *) nogil

    int activate_float(int, Py_ssize_t, float *, const float *, int) nogil
    int activate_double(int, Py_ssize_t, double *, const double *, int) nogil

    ctypedef struct Epoch:
        Features X
        Targets y
        const Py_ssize_t *order
        const Py_ssize_t *places
        Py_ssize_t first, n_rows, batch, n_layers
        const Py_ssize_t *sizes
        const Py_ssize_t *windows
        int intercept, activation
        void *theta
        Py_ssize_t n_parameters
        int rule
        void *first_moment
        void *second_moment
        double *sum
        double momentum, beta_1, beta_2, eps
        int64_t t
        const double *rates
        const void *shrunk
        double l2, l2_by_row, divisor, divisor_by_row
        int n_threads
        double log_likelihood

    int epoch_float(Epoch *) nogil
    int epoch_double(Epoch *) nogil


cdef void *_blas(capsules, str name) except NULL:
    """A function of SciPy's BLAS, which has to count with C's int."""
    capsule = capsules[name]
    cdef const char *signature = PyCapsule_GetName(capsule)
    if b", int *, " not in signature:
        raise ImportError(f"SciPy's {name} is {signature!r}")
    return PyCapsule_GetPointer(capsule, signature)


def use(capsules, of_lapack):
    """Take BLAS and LAPACK from ``scipy.linalg.cython_blas`` and ``cython_lapack``."""
    blas.sgemm = _blas(capsules, "sgemm")
    blas.dgemm = _blas(capsules, "dgemm")
    blas.ssyrk = _blas(capsules, "ssyrk")
    blas.dsyrk = _blas(capsules, "dsyrk")
    blas.dpotrf = _blas(of_lapack, "dpotrf")
    blas.dpotrs = _blas(of_lapack, "dpotrs")


def compiled_with():
    """The compiler, and which instructions are used on this processor."""
    return c_compiled_with().decode()


cdef class _Buffers:
    """The buffers of some arrays, held until the call has ended."""

    cdef Py_buffer views[24]
    cdef int n

    def __dealloc__(self):
        while self.n:
            self.n -= 1
            PyBuffer_Release(&self.views[self.n])

    cdef Py_buffer *view(self, array, bint writable=False) except NULL:
        cdef Py_buffer *view = &self.views[self.n]
        cdef int flags = PyBUF_STRIDES | PyBUF_FORMAT
        PyObject_GetBuffer(array, view, flags | PyBUF_WRITABLE if writable else flags)
        self.n += 1
        return view

    cdef void *data(self, array, bint writable=False) except? NULL:
        """Where an array without gaps lies; NULL for None."""
        return NULL if array is None else self.view(array, writable).buf


cdef int _number(Py_buffer *view) except -1:
    """The `enum number` of a buffer's type."""
    kind = view.format.decode().lstrip("@=<")
    size = {1: 0, 2: 1, 4: 2, 8: 3}.get(view.itemsize, -1)
    if kind in ("b", "h", "i", "l", "q") and size >= 0:
        return size
    if kind in ("?", "B", "H", "I", "L", "Q") and size >= 0:
        return 4 + size
    if kind == "f":
        return 8
    if kind == "d":
        return 9
    raise TypeError(f"cannot read numbers of type {kind!r}")


cdef Features _features(_Buffers held, X, centre) except *:
    """`X`: an array, or (data, indices, indptr, shape)."""
    cdef Features of
    cdef Py_buffer *view
    of.indptr = of.indices = NULL
    of.wide = 0
    if isinstance(X, tuple):
        data, indices, indptr, shape = X
        of.n_rows, of.n_columns = shape
        view = held.view(data)
        of.row = of.column = 0
        of.indices = held.data(indices)
        of.indptr = held.data(indptr)
        of.wide = indptr.itemsize == 8
    else:
        view = held.view(X)
        of.n_rows, of.n_columns = view.shape[0], view.shape[1]
        of.row, of.column = view.strides[0], view.strides[1]
    of.data, of.type = view.buf, _number(view)
    mean, inverse = centre or (None, None)
    of.mean, of.inverse = held.data(mean), held.data(inverse)
    return of


cdef Targets _targets(_Buffers held, codes, weights, widths, Py_ssize_t n_logits) except *:
    cdef Targets of
    cdef Py_buffer *view
    of.codes = of.weights = NULL
    of.code_type = of.weight_type = of.weights_by_output = 0
    if codes is not None:
        view = held.view(codes)
        of.codes, of.code_type = view.buf, _number(view)
    if weights is not None:
        view = held.view(weights)
        of.weights, of.weight_type = view.buf, _number(view)
        of.weights_by_output = view.ndim == 2
    of.widths = <const int *>held.data(widths if len(widths) else None)
    of.n_outputs, of.n_logits = len(widths), n_logits
    return of


cdef class Rows:
    """Rows made ready: what passes over them read, held for as long as this lives.

    Parameters
    ----------
    X, centre, codes, weights, widths, n_logits
        As the features and targets of kernels.h have them.
    intercept : bool
    n_members : int
        See `Pass` in kernels.h.
    """

    cdef Pass job
    cdef _Buffers held

    def __init__(self, X, centre, codes, weights, widths, Py_ssize_t n_logits,
                 bint intercept, Py_ssize_t n_members=1):
        held = self.held = _Buffers()
        self.job.X = _features(held, X, centre)
        self.job.y = _targets(held, codes, weights, widths, n_logits)
        self.job.intercept, self.job.n_members = intercept, n_members

    def sums(self, theta, chunks, int n_partial, bint gradients, bint curvature, out,
             int n_threads):
        """Sums over the rows of `chunks`, put in `out`."""
        cdef Pass job = self.job
        cdef _Buffers held = _Buffers()
        job.theta = held.data(theta)
        job.chunks = <const Py_ssize_t *>held.data(chunks)
        job.n_chunks, job.n_partial, job.n_threads = len(chunks), n_partial, n_threads
        job.gradients, job.curvature = gradients, curvature
        job.sums = <double *>held.data(out, True)
        cdef bint single = theta.itemsize == 4
        cdef int failed
        with nogil:
            failed = pass_float(&job) if single else pass_double(&job)
        if failed:
            raise MemoryError("a pass over the rows")


    def newton(self, thetas, figures, chunks, shrunk, double divisor, rules, out):
        """Newton's steps from ``thetas[0]``: how many. `out`: the sums at the last."""
        cdef Newton job
        cdef _Buffers held = _Buffers()
        job.job = self.job
        job.job.chunks = <const Py_ssize_t *>held.data(chunks)
        job.job.n_chunks = job.job.n_partial = len(chunks)
        job.job.n_threads = 1
        job.job.gradients = job.job.curvature = True
        job.job.sums = <double *>held.data(out, True)
        job.n_parameters = thetas.shape[1]
        job.n_inputs = job.n_parameters // job.job.y.n_logits
        job.shrunk, job.divisor = <const double *>held.data(shrunk), divisor
        job.least, job.clear, job.enough, job.flat, job.stride = rules
        job.most = len(thetas) - 1
        job.thetas = <double *>held.data(thetas, True)
        job.figures = <double *>held.data(figures, True)
        cdef int n_steps
        with nogil:
            n_steps = take_steps(&job)
        if n_steps < 0:
            raise MemoryError("Newton's steps")
        return n_steps


def moments(X, weights, chunks, out, bint single, int n_threads):
    """Sums of w x and of w x^2 over the rows of `chunks`, put in `out`."""
    cdef Pass job
    cdef _Buffers held = _Buffers()
    job.X = _features(held, X, None)
    job.y = _targets(held, None, weights, (), 0)
    job.y.n_outputs = 1
    job.chunks = <const Py_ssize_t *>held.data(chunks)
    job.n_chunks, job.n_threads = len(chunks), n_threads
    job.sums = <double *>held.data(out, True)
    cdef int failed
    with nogil:
        failed = moments_float(&job) if single else moments_double(&job)
    if failed:
        raise MemoryError("moments of the features")


def outcome(z, codes, weights, widths, int wanted, int n_threads):
    """Log-likelihood of logits, (n_rows, n_logits); what is `wanted` in their place."""
    cdef Outcome job
    cdef _Buffers held = _Buffers()
    job.y = _targets(held, codes, weights, widths, z.shape[1])
    job.n_rows, job.wanted, job.n_threads = len(z), wanted, n_threads
    job.z = held.data(z, True)
    job.log_likelihood = 0
    cdef bint single = z.itemsize == 4
    cdef int failed
    with nogil:
        failed = outcome_float(&job) if single else outcome_double(&job)
    if failed:
        raise MemoryError("the likelihood of logits")
    return job.log_likelihood


def activate(int activation, z, a, int n_threads):
    """Values of neurons in the place of their sums z; of values `a`, ``z *= g'``."""
    cdef _Buffers held = _Buffers()
    cdef void *numbers = held.data(z, True)
    cdef void *values = held.data(a)
    cdef Py_ssize_t n = z.size
    cdef bint single = z.itemsize == 4
    cdef int failed
    with nogil:
        if single:
            failed = activate_float(
                activation, n, <float *>numbers, <const float *>values, n_threads)
        else:
            failed = activate_double(
                activation, n, <double *>numbers, <const double *>values, n_threads)
    if failed:
        raise MemoryError("activations")


def epoch(X, centre, codes, weights, widths, order, places, Py_ssize_t first,
          Py_ssize_t n_rows, Py_ssize_t batch, sizes, windows, bint intercept,
          int activation, theta, int rule, int64_t t, rates, int n_threads, *,
          moments=(None, None), sum=None, numbers=(0.0, 0.0, 0.0, 0.0), shrunk=None,
          l2=(0.0, 0.0), divisor=(1.0, 0.0)):
    """Steps of `theta` for mini-batches; the log-likelihood that they met."""
    cdef Epoch job
    cdef _Buffers held = _Buffers()
    job.X = _features(held, X, centre)
    job.y = _targets(held, codes, weights, widths, sizes[len(sizes) - 1])
    job.order = <const Py_ssize_t *>held.data(order)
    job.places = <const Py_ssize_t *>held.data(places)
    job.first, job.n_rows, job.batch = first, n_rows, batch
    job.sizes, job.n_layers = <const Py_ssize_t *>held.data(sizes), len(sizes) - 1
    job.intercept, job.activation = intercept, activation
    job.windows = <const Py_ssize_t *>held.data(windows)
    job.theta, job.n_parameters = held.data(theta, True), len(theta)
    job.rule = rule
    job.first_moment = held.data(moments[0], True)
    job.second_moment = held.data(moments[1], True)
    job.sum = <double *>held.data(sum, True)
    job.momentum, job.beta_1, job.beta_2, job.eps = numbers
    job.t, job.rates = t, <const double *>held.data(rates)
    job.shrunk = held.data(shrunk)
    job.l2, job.l2_by_row = l2
    job.divisor, job.divisor_by_row = divisor
    job.n_threads = n_threads
    cdef bint single = theta.itemsize == 4
    cdef int failed
    with nogil:
        failed = epoch_float(&job) if single else epoch_double(&job)
    if failed:
        raise MemoryError("an epoch")
    return job.log_likelihood
