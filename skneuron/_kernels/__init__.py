"""The compiled core, and the thin Python that calls it.

Few loops take nearly all the time; they are compiled (`kernels.c`). Each stands beside
the generic line that it speeds up, which everything else takes: tensors on devices, and
all arrays where there was no compiler (`available` is False). Which way and how far is
decided elsewhere; here is only whether a kernel can read what there is.
"""

import numpy as np

from .._arrays import is_numpy, is_sparse
from .._threads import n_threads

try:
    from scipy.linalg import cython_blas, cython_lapack

    from . import _core

    _core.use(cython_blas.__pyx_capi__, cython_lapack.__pyx_capi__)
except ImportError:  # not built, or not for this SciPy
    _core = None

#: Runs of rows that are summed each by itself, at most; what they should compute at
#: least, in products; the numbers that all their sums may take; and beyond which number
#: of runs that is no larger share of what is read.
MOST_CHUNKS, CHUNK_WORK, SUMS, FEWEST, SHARE = 64, 1 << 16, 1 << 18, 8, 1 / 64

#: Products in a call, after which Python may hear of an interrupt, about; and chunks in
#: it, at least, so that threads find some.
CALL_WORK, LEAST_CHUNKS = 1 << 31, 16

#: Places that Newton's steps may pass in a call.
MOST_STEPS = 32

#: Numbers for which another thread is worth waking.
SHARED_NUMBERS = 1 << 15

#: What is computed in.
FLOATS = np.float32, np.float64

#: What is read, by the letters of NumPy's types.
NUMBERS = "?bBhHiIlLqQfd"

ACTIVATIONS = {"identity": 0, "logistic": 1, "tanh": 2, "relu": 3}
LOG_LIKELIHOOD, Y_HAT, RESIDUAL = range(3)


def available():
    """Whether the core was built."""
    return _core is not None


def compiled_with():
    """The core's compiler, and what of this processor it uses; None without a core."""
    return _core.compiled_with() if available() else None


def readable(X, dtype):
    """`X` as the kernels read it, to compute in `dtype`; None: they cannot.

    Arrays of any strides and any type of number up to 64 bits, aligned and in the
    machine's order of bytes; CSR matrices of `dtype`, sorted and without duplicates.
    """
    if _core is None or dtype not in FLOATS:
        return None
    if is_sparse(X):
        if X.format != "csr" or X.dtype != dtype or not X.has_canonical_format:
            return None
        parts, indices = (X.data, X.indices, X.indptr), X.indices.dtype
        alike = indices == X.indptr.dtype and indices.kind == "i"
        return (*parts, X.shape) if alike and all(map(_is_plain, parts)) else None
    if not is_numpy(X) or X.ndim != 2 or X.dtype.char not in NUMBERS:
        return None
    aligned = X.flags.aligned and all(s % X.itemsize == 0 for s in X.strides)
    return X if aligned and X.dtype.isnative else None


def _is_plain(array):
    flags = array.flags
    return flags.c_contiguous and flags.aligned and array.dtype.isnative


def plain(array, dtype=None):
    """An array, or None, without gaps and in the machine's order of bytes."""
    return None if array is None else np.require(array, dtype, ["C", "A"])


def _weights(weights):
    """Weights as the kernels read them: float32 or float64."""
    as_they_are = weights is None or weights.dtype == np.float32
    return plain(weights, None if as_they_are else np.float64)


def _data(X, rows):
    """What the kernels read of rows: X, their centre, codes and weights."""
    centre = rows.centre and tuple(plain(of, rows.dtype) for of in rows.centre)
    return X, centre, plain(rows.codes), _weights(rows.weights)


class Passes:
    """Passes over rows that are made ready once: sums, of logistic regressions.

    Parameters
    ----------
    X
        What :func:`readable` gave of the features.
    rows : Rows
        Their codes, (n_rows, n_outputs); weights, (n_rows,) or (n_rows, n_outputs), or
        None; their centre, by which is read ``(X - mean) inverse``; the spans of the
        rows that count; and the float type that is computed in.
    likelihood : Likelihood
    intercept : bool
        Whether the last row of parameters multiplies 1.
    n_members : int, default=1
        How many regressions: each has the very sums that it has alone.
    """

    def __init__(self, X, rows, likelihood, intercept, n_members=1):
        self._likelihood, self._n_members = likelihood, n_members
        self._dtype, self._spans, data = rows.dtype, rows.spans, _data(X, rows)
        self._width, widths = likelihood.n_logits, likelihood.widths
        self._rows = _core.Rows(*data, widths, self._width, intercept, n_members)
        self._n_inputs, self._n_stored = _shape(X)[1] + intercept, _n_stored(X)
        self._plans = {}
        #: Of sparse rows, what is stored is looked up once for all members.
        by_inputs = n_members > 1 and isinstance(X, tuple) and data[1] is None
        self._axes = (1, 0, 2) if by_inputs else (0, 1, 2)

    def __call__(self, theta, order=1):
        """The sums at some parameters.

        Parameters
        ----------
        theta : array of shape (n_members, n_inputs n_logits)
        order : {0, 1, 2}
            How many derivatives; a curvature of a single member.

        Returns
        -------
        log_likelihoods : array of shape (n_members,)
        gradients : array like theta, float64; or None
        pairs : dict of (a, c) to array of shape (n_inputs, n_inputs)
            The curvature, by pair of logits.
        """
        calls, size = self._plan(order)
        each = self._n_members, self._n_inputs, self._width
        given = theta.reshape(each).transpose(self._axes)
        given = np.ascontiguousarray(given, self._dtype)
        out = np.zeros(size)
        for chunks, n_partial in calls:
            part, threads = np.empty(size), n_threads() if n_partial > 1 else 1
            wanted = n_partial, order > 0, order > 1
            self._rows.sums(given, chunks, *wanted, part, threads)
            out = part if chunks is calls[0][0] else out + part
        values, slopes, pairs = self._parts(out, theta.size)
        if not order:
            return values, None, pairs
        slopes = slopes.reshape(given.shape).transpose(self._axes)
        return values, slopes.reshape(theta.shape), pairs

    def _parts(self, sums, n_parameters):
        """Log-likelihoods, gradients, and the curvature by pair."""
        n, first, last = self._n_inputs, self._n_members, self._n_members + n_parameters
        pairs = zip(self._likelihood.pairs, sums[last:].reshape(-1, n, n))
        return sums[:first], sums[first:last], dict(pairs)

    def newton(self, theta, shrunk, divisor, rules):
        """Newton's steps, of float64 and a single member: whole ones, while they do.

        Parameters
        ----------
        theta : array of shape (n_parameters,)
            The start.
        shrunk : array like theta
            What a penalty adds to the curvature's diagonal.
        divisor : float
            Of the sums, and of the penalty.
        rules : tuple
            As `Newton` in kernels.h has them: least, clear, enough, flat, stride.

        Returns
        -------
        log_likelihood, gradient, pairs
            The sums at the end.
        end : array like theta
        passed : list of (theta, log_likelihood, value)
            The places before, from the start on; the value is the objective's.
        """
        calls, size = self._plan(2)
        thetas, figures = np.empty((MOST_STEPS, len(theta))), np.empty((MOST_STEPS, 2))
        thetas[0], sums = theta, np.empty(size)
        chunks = np.concatenate([chunks for chunks, _ in calls])
        n = self._rows.newton(thetas, figures, chunks, shrunk, divisor, rules, sums)
        passed = [(at, *of) for at, of in zip(thetas[:n], figures.tolist())]
        (value,), gradient, pairs = self._parts(sums, len(theta))
        return float(value), gradient, pairs, thetas[n], passed

    def _plan(self, order):
        """The chunks of each call, in how many sums; and how many numbers these are."""
        if order in self._plans:
            return self._plans[order]
        n, n_slopes = self._n_inputs, self._n_inputs * self._width if order else 0
        n_pairs = len(self._likelihood.pairs) if order > 1 else 0
        work = (self._n_stored + 8) * self._width * (1 + n_pairs * self._n_stored // 8)
        # As for a single member, as it is the chunks that give sums their order.
        squares = n_pairs * n**2
        # What is formed as rows are read is summed by chunks, if there is room.
        summed = squares if n <= 128 else squares // 8 * (4 * self._n_stored < n)
        n_sums = 1 + n_slopes + summed
        chunks, partial = _chunks(self._spans, self._n_stored, work, n_sums)
        n_rows = int((chunks[:, 1] - chunks[:, 0]).sum())
        n_calls = min(-(-n_rows * work // CALL_WORK), -(-len(chunks) // LEAST_CHUNKS))
        calls = np.array_split(chunks, n_calls) if n_calls > 1 else [chunks]
        calls = [(of, -(-len(of) * partial // len(chunks))) for of in calls if n_rows]
        self._plans[order] = calls, self._n_members * (1 + n_slopes) + squares
        return self._plans[order]


def moments(X, weights, dtype):
    """Sums of w x and of w x^2 over all rows, (2, n_columns).

    `X` and `weights`, (n_rows,) or None, as in :class:`Passes`.
    """
    n_rows, n_columns = _shape(X)
    out = np.empty((2, n_columns))
    chunks, _ = _chunks([slice(0, n_rows)], _n_stored(X), _n_stored(X), out.size)
    threads = n_threads() if len(chunks) > 1 else 1
    _core.moments(X, _weights(weights), chunks, out, dtype == np.float32, threads)
    return out


def _shape(X):
    """(n_rows, n_columns) of what :func:`readable` gave."""
    return X[3] if isinstance(X, tuple) else X.shape


def _n_stored(X):
    """The numbers of a row that are read."""
    n_rows, n_columns = _shape(X)
    return n_columns if is_numpy(X) else len(X[0]) // max(1, n_rows) + 1


def _chunks(spans, n_stored, row_work, n_sums):
    """Runs of rows, (n_chunks, 2), of about the same length; and in how many sums.

    By sizes alone.
    """
    n_rows = sum(span.stop - span.start for span in spans)
    small, n_sums = int(SHARE * n_rows * n_stored), max(1, n_sums)
    n = min(MOST_CHUNKS, SUMS // n_sums, max(FEWEST, small // n_sums))
    n = min(n, n_rows * row_work // CHUNK_WORK)
    # Two, if there is work for two: or a second thread would have none. Of many, as
    # many for each of two threads, or of four.
    n = max(n - n % 4 * (n > 8), 2 if n_rows * row_work > 4 * CHUNK_WORK else 1)
    size = max(1, -(-n_rows // n))
    starts = ((at, of.stop) for of in spans for at in range(of.start, of.stop, size))
    chunks = [(start, min(start + size, stop)) for start, stop in starts]
    return np.array(chunks, np.intp).reshape(-1, 2), min(n, len(chunks))


def takes(array):
    """Whether an array can be worked on in its place."""
    if _core is None or not is_numpy(array) or array.dtype not in FLOATS:
        return False
    return array.size > 0 and array.flags.writeable and _is_plain(array)


def _shared(n_numbers):
    return n_threads() if n_numbers > SHARED_NUMBERS else 1


def outcome(z, codes, likelihood, weights, wanted):
    """The log-likelihood of logits, and what is `wanted` in their place.

    Parameters
    ----------
    z : array of shape (n_rows, n_logits)
        That :func:`takes` is true of.
    codes, likelihood, weights : as in :class:`Passes`
        Codes of None for ``Y_HAT``.
    wanted : {LOG_LIKELIHOOD, Y_HAT, RESIDUAL}
        Residuals are ``w (y - y_hat)``.
    """
    targets = plain(codes), _weights(weights), likelihood.widths
    return _core.outcome(z, *targets, wanted, _shared(z.size))


def activate(name, z, a=None):
    """``z = g(z)``; or ``z *= g'``, where the values are `a`: z itself.

    Of arrays that :func:`takes` is true of.
    """
    _core.activate(ACTIVATIONS[name], z, a, _shared(z.size))
    return z


#: Products in a batch for which another thread is worth waking.
SHARED_WORK = 1 << 19

#: Numbers that are computed with at the same time where rows are only summed over.
BLOCK_NUMBERS = 1 << 19

RULES = {"gradient": 0, "momentum": 1, "adam": 2, "sum": 3, None: 4}


def epoch(read, rows, likelihood, network, batch, order, theta, rates, rule, **given):
    """Steps of theta, in its place, for the mini-batches of an epoch.

    Parameters
    ----------
    read : (X, places)
        What ``rows.in_place()`` gave. A CSR matrix may have a centre.
    rows, likelihood : as in :class:`Passes`
    network : Network
    batch : int
        Rows in a batch.
    order : int array of shape (n_rows,), or None
        The places of rows in the order of the batches; None: as they lie.
    theta : array of shape (n_parameters,)
    rates : array of shape (n_batches,), or None
        None where no steps are taken.
    rule : {"gradient", "momentum", "adam", "sum"} or None
        "sum": no steps, but the sum of the batches' gradients. None: nothing but the
        log-likelihood.
    t : int, default=0
        Steps before.
    moments : pair of arrays like theta, or None
        Velocity; or running means of g and g^2.
    numbers : (momentum, beta_1, beta_2, eps)
    sum : array like theta, float64
        What the gradients of "sum" are added to.
    shrunk : array like theta, of the rows' float type, default=None
        What the penalty shrinks, and how much.
    l2, divisor : pair of float
        The strength of the penalty, and the divisor, of a batch of n rows:
        ``first + second n``.

    Returns
    -------
    log_likelihood : float
        The sum of what each batch had before its step.
    """
    (X, places), n_rows, t = read, rows.n_rows, given.pop("t", 0)
    sizes, batch = np.array(network.sizes, np.intp), min(batch, n_rows)
    windows = np.array([kind.windows for kind in network.kinds], np.intp)
    moved, total = theta.astype(rows.dtype, copy=False), 0.0
    work = batch * int(np.sum([kind.work for kind in network.kinds]))
    at_a_time = max(1, CALL_WORK // work) * batch
    like = moved.dtype, moved.shape
    for moment in given.get("moments", ()):
        if moment is not None and (moment.dtype, moment.shape) != like:
            raise ValueError(f"moments have to be like theta, not {moment.shape}")
    if places is not None and order is None:
        order = np.arange(n_rows)
    data, activation = _data(X, rows), ACTIVATIONS[network.activation.name]
    model = sizes, windows, network.fit_intercept, activation, moved, RULES[rule]
    threads = n_threads() if work > SHARED_WORK else 1
    for start in range(0, n_rows, at_a_time):
        n = min(at_a_time, n_rows - start)
        first = start // batch
        at = order if order is None else plain(order[start : start + n], np.intp)
        there = at if places is None else plain(places[at], np.intp)
        batches = likelihood.widths, at, there, start, n, batch
        steps = t + first, None if rates is None else plain(rates[first:], np.float64)
        total += _core.epoch(*data, *batches, *model, *steps, threads, **given)
    theta[...] = moved
    return total


def network_sums(read, rows, likelihood, network, theta, order):
    """The log-likelihood of all rows, and its gradient: no steps, but an epoch.

    Parameters
    ----------
    read, rows, likelihood, network, theta : as :func:`epoch` takes them
    order : {0, 1}
        How many derivatives.

    Returns
    -------
    log_likelihood : float
    gradient : array like theta, float64; or None
    """
    total, rule = (np.zeros(len(theta)), "sum") if order else (None, None)
    batch = max(64, BLOCK_NUMBERS // (2 * sum(network.sizes) - network.sizes[0]))
    model = likelihood, network, batch, None, theta.astype(rows.dtype, copy=False)
    return epoch(read, rows, *model, None, rule, sum=total), total
