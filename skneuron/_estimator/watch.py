"""What looks on while a climb runs: callbacks, `verbose`, early stopping, files."""

from functools import partial

import numpy as np

from .._arrays import array_namespace, like, to_host
from .._data.files import check_file
from .._data.reading import of_any_output


class Watch:
    """What looks on while the climb runs: callbacks, and the lines of `verbose`."""

    def __init__(self, estimator, context, given, climber):
        self.verbose = estimator.verbose
        self.name = type(estimator).__name__
        self.context = context if hasattr(estimator, "_skl_callbacks") else None
        self.given = given
        self.fitted = partial(estimator._fitted, climber)
        self.total_weight = climber.plan.objective.total_weight
        self.next_line = 0

    def begin(self, n, position):
        check_file(self.given["X"])
        if self.verbose and n == 1:
            self._print(0, position, "next at 1")
        if self.context is not None:
            self.task = self.context.subcontext(task_name="iteration")
            self.task.call_on_fit_task_begin(**self._at(position))

    def end(self, n, position):
        if self.verbose and n >= self.next_line:
            self.next_line = n * 10
            self._print(n, position, f"next at {self.next_line}")
        if self.context is None:
            return False
        return self.task.call_on_fit_task_end(**self._at(position))

    def _at(self, position):
        """What callbacks are given; the attributes only if they ask for them."""
        fitted = partial(self.fitted, position)
        return {**self.given, "reconstruction_attributes": fitted}

    def close(self, result):
        if self.verbose and result.n_iter >= self.next_line // 10 + 1:
            self._print(result.n_iter, result.position, "the end")

    def _print(self, n, position, then):
        mean = position.log_likelihood / self.total_weight
        print(
            f"{self.name}: iteration {n:>6d}  log-likelihood "
            f"{position.log_likelihood:.6f}  ({mean:.6f} per example)  {then}"
        )


class ValidationScores:
    """The share of set-aside rows predicted right, position by position."""

    def __init__(self, objective, data):
        self.objective, self.network = objective, objective.network
        self.targets, self.rows = data.targets, data.validation
        self.history = []

    def __call__(self, position):
        theta = self.objective.parameters(position.theta)
        right, total = self.rows.total(
            partial(_weight_right, self.network, self.targets, theta)
        )
        self.history.append(float(right / total))
        return self.history[-1]


def _weight_right(network, targets, theta, rows):
    """The weight of the rows predicted right, and of all of them."""
    layers, weight = network.layers(like(theta, rows.X)), np.zeros(2)
    xp = array_namespace(rows.X)
    for block in rows.blocks(network.n_numbers):
        codes = targets.choose(network.forward(layers, block.X)[-1])
        right = to_host(xp.all(codes == block.codes, axis=1))
        w = np.ones(right.shape)
        if block.weights is not None:
            w = to_host(of_any_output(block.weights))
        weight += w @ right, w.sum()
    return weight
