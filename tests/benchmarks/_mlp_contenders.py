"""Who is raced as a network: ours, scikit-learn, PyTorch, the matrix products alone.

Each trains one hidden layer on arrays of NumPy and gives its layers back, a list of
(W, b) with W of shape (n_in, n_out), so that all are judged by the same function. A
`Record` hears of the end of every epoch.
"""

from dataclasses import dataclass
from functools import cache, partial
from time import perf_counter

import numpy as np
from scipy.special import expit, logsumexp
from sklearn.neural_network import MLPClassifier

from skneuron import SimpleMLPClassifier

from ._timing import Skipped, peer

NEVER = float("inf")


@dataclass(frozen=True)
class Setting:
    """A network and how it is trained."""

    batch: int
    hidden: int
    solver: str  # "adam" or "gradient"
    dtype: type

    def __str__(self):
        return f"{self.batch} {self.hidden} {self.solver} {np.dtype(self.dtype)}"


#: Of the settings: small enough that no solver falls, in every contender's units.
RATES = {"adam": 1e-3, "gradient": 0.01}
MOMENTUM = 0.9


class Record:
    """When each epoch ended, on a clock that stands still while layers are copied.

    Parameters
    ----------
    copying : bool
        Whether to keep the layers of every epoch as well.

    Attributes
    ----------
    seconds : list of float
        Since the record was made.
    layers : list of lists of (W, b)
    """

    def __init__(self, copying):
        self.copying, self.seconds, self.layers = copying, [], []
        self._start = perf_counter()

    def mark(self):
        """An epoch has ended; `keep` must follow where layers are copied."""
        self._now = perf_counter()
        self.seconds.append(self._now - self._start)

    def keep(self, layers):
        self.layers.append([(w.copy(), b.copy()) for w, b in layers])
        self._start += perf_counter() - self._now

    def seconds_an_epoch(self):
        """The first epoch, and with it all that comes before, is left out."""
        return (self.seconds[-1] - self.seconds[0]) / (len(self.seconds) - 1)


# --- ours -----------------------------------------------------------------------------


class _Mark:
    """A callback of scikit-learn's."""

    def __init__(self, record):
        self.record = record

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "iteration":
            self.record.mark()


class _Keep(_Mark):
    """Called after _Mark, with an estimator that takes a while to be made."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "iteration":
            self.record.keep(_layers(fitted_estimator))


def _layers(model):
    return list(zip(model.coefs_, model.intercepts_, strict=True))


def ours(X, y, record=None, **parameters):
    model = SimpleMLPClassifier(**parameters)
    if record is not None:
        model.set_callbacks(_Mark(record), *[_Keep(record)] * record.copying)
    return _layers(model.fit(X, y))


def our_parameters(setting, epochs, learning_rate=None):
    return {
        "hidden_layer_sizes": (setting.hidden,),
        "solver": setting.solver,
        "learning_rate": learning_rate or RATES[setting.solver],
        "alpha": 0.0,
        "momentum": MOMENTUM,
        "batch_size": setting.batch,
        "max_iter": epochs,
        "n_iter_no_change": epochs + 1,
        "random_state": 0,
    }


# --- scikit-learn ---------------------------------------------------------------------


class _Recorded(MLPClassifier):
    """It has no callbacks; this is what it calls at the end of an epoch."""

    def _update_no_improvement_count(self, *args):
        self.record.mark()
        if self.record.copying:
            self.record.keep(_layers(self))
        return super()._update_no_improvement_count(*args)


def scikit_learn(X, y, record=None, **parameters):
    model = (MLPClassifier if record is None else _Recorded)(**parameters)
    model.record = record
    return _layers(model.fit(X, y))


def scikit_learns_parameters(setting, epochs):
    return {
        "hidden_layer_sizes": (setting.hidden,),
        "activation": "logistic",
        "solver": "adam" if setting.solver == "adam" else "sgd",
        "learning_rate_init": RATES[setting.solver],
        "momentum": MOMENTUM,
        "nesterovs_momentum": False,
        "alpha": 0.0,
        "batch_size": setting.batch,
        "max_iter": epochs,
        "n_iter_no_change": epochs + 1,
        "random_state": 0,
    }


# --- PyTorch --------------------------------------------------------------------------


def torch_missing():
    """The reason why PyTorch does not take part, or None."""
    try:
        peer("torch", "torch")
    except Skipped as reason:
        return str(reason)


def _network(torch, X, y, hidden, seed):
    """Tensors that share the arrays' memory, and the network as it starts."""
    torch.manual_seed(seed)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    network = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], hidden, dtype=X.dtype),
        torch.nn.Sigmoid(),
        torch.nn.Linear(hidden, int(y.max()) + 1, dtype=X.dtype),
    )
    return X, y, network, torch.nn.CrossEntropyLoss()


def _tensors(network):
    return [
        (layer.weight.detach().numpy().T, layer.bias.detach().numpy())
        for layer in (network[0], network[2])
    ]


def pytorch(
    X, y, record=None, *, optimizer, hidden=100, batch=200, epochs=200, seed=0, tol=None
):
    """The plain loop.

    Parameters
    ----------
    optimizer : callable
        Of the parameters.
    tol : float or None
        Where given, the loop ends as MLPClassifier's does: when the mean loss has not
        fallen by `tol` for more than 10 epochs on end.
    """
    torch = peer("torch", "torch")
    X, y, network, loss_of = _network(torch, X, y, hidden, seed)
    optimizer = optimizer(network.parameters())
    best, waited = float("inf"), 0
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(y)).split(batch):
            loss = loss_of(network(X.index_select(0, rows)), y.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if tol is not None:
                total += len(rows) * loss.detach()
        if record is not None:
            record.mark()
            if record.copying:
                record.keep(_tensors(network))
        if tol is not None:
            mean = float(total) / len(y)
            waited = waited + 1 if mean > best - tol else 0
            best = min(best, mean)
            if waited > 10:
                break
    return _tensors(network)


@cache
def pytorchs_optimizer(setting, n_features):
    """Its optimiser for a setting, in the faster of two ways of computing."""
    optim = peer("torch.optim", "torch")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20 * setting.batch, n_features), dtype=setting.dtype)
    y = rng.integers(10, size=len(X))

    def candidate(**way):
        if setting.solver == "adam":
            return lambda p: optim.Adam(p, lr=RATES["adam"], **way)
        return lambda p: optim.SGD(p, lr=RATES["gradient"], momentum=MOMENTUM, **way)

    def seconds(optimizer):
        record = Record(copying=False)
        size = {"hidden": setting.hidden, "batch": setting.batch, "epochs": 3}
        pytorch(X, y, record, optimizer=optimizer, **size)
        return record.seconds_an_epoch()

    return min([candidate(fused=True), candidate(foreach=True)], key=seconds)


def pytorchs_lbfgs(X, y, n_iter, *, hidden=100, seed=0):
    """Full-batch L-BFGS: one step of its optimiser is the whole climb."""
    torch = peer("torch", "torch")
    X, y, network, loss_of = _network(torch, X, y, hidden, seed)
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=n_iter,
        max_eval=25 * n_iter,
        history_size=10,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = loss_of(network(X), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    return _tensors(network)


# --- the floor, and the judge ---------------------------------------------------------


def products(X, setting, n_classes):
    """Seconds of an epoch's matrix products: five a batch, into given arrays."""
    ones = partial(np.ones, dtype=setting.dtype)
    W, V = ones((X.shape[1], setting.hidden)), ones((setting.hidden, n_classes))
    a, e = ones((setting.batch, setting.hidden)), ones((setting.batch, n_classes))
    gW, gV, z = ones(W.shape), ones(V.shape), ones(a.shape)
    start = perf_counter()
    for first in range(0, len(X), setting.batch):
        x = X[first : first + setting.batch]
        m = len(x)
        np.matmul(x, W, out=z[:m])
        np.matmul(a[:m], V, out=e[:m])
        np.matmul(a[:m].T, e[:m], out=gV)
        np.matmul(e[:m], V.T, out=z[:m])
        np.matmul(x.T, z[:m], out=gW)
    return perf_counter() - start


def log_likelihood(layers, X, y, activation="logistic"):
    """Mean log-likelihood in float64, and the accuracy."""
    (W, b), (V, c) = layers
    z = X @ W.astype(X.dtype) + b
    logits = (np.maximum(z, 0) if activation == "relu" else expit(z)) @ V + c
    if logits.shape[1] == 1:
        logits = np.column_stack([np.zeros(len(y)), logits])
    of_y = logits[np.arange(len(y)), y]
    return np.mean(of_y - logsumexp(logits, axis=1)), np.mean(logits.argmax(1) == y)
