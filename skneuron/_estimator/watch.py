"""What looks on while a climb runs: callbacks, `verbose`, early stopping, files."""

from functools import partial

from .._data.files import check_file
from .._model import Objective


class Watch:
    """What looks on while the climb runs: callbacks, and the lines of `verbose`."""

    def __init__(self, estimator, given, climber):
        self.estimator, self.given, self.climber = estimator, given, climber
        self.verbose, self.next_line, self.whole = estimator.verbose, 0, None
        if hasattr(estimator, "_skl_callbacks"):
            context = estimator._init_callback_context(max_subtasks=climber.max_iter)
            self.whole = context.call_on_fit_task_begin(**given)

    def begin(self, n, position):
        check_file(self.given["X"])
        if self.verbose and n == 1:
            self._print(0, position, "next at 1")
        if self.whole is not None:
            self.task = self.whole.subcontext(task_name="iteration")
            self.task.call_on_fit_task_begin(**self._at(position))

    def end(self, n, position):
        if self.verbose and n >= self.next_line:
            self.next_line = n * 10
            self._print(n, position, f"next at {self.next_line}")
        return self.whole and self.task.call_on_fit_task_end(**self._at(position))

    def _at(self, position):
        """What callbacks are given; the attributes only if they ask for them."""
        fitted = partial(self.estimator._fitted, self.climber, position)
        return {**self.given, "reconstruction_attributes": fitted}

    def close(self, result):
        if self.verbose and result.n_iter >= self.next_line // 10 + 1:
            self._print(result.n_iter, result.position, "the end")
        if self.whole is not None:
            self.whole.call_on_fit_task_end(**self.given, reconstruction_attributes={})

    def _print(self, n, position, then):
        mean = position.log_likelihood / self.climber.plan.objective.total_weight
        print(
            f"{type(self.estimator).__name__}: iteration {n:>6d}  log-likelihood "
            f"{position.log_likelihood:.6f}  ({mean:.6f} per example)  {then}"
        )


class ValidationScores:
    """The mean log-likelihood of set-aside rows, position by position."""

    def __init__(self, objective, rows):
        self.objective, self.history = objective, []
        self.held_out = Objective(objective.network, objective.likelihood, rows)

    def __call__(self, position):
        total = self.held_out.log_likelihood(self.objective.parameters(position.theta))
        self.history.append(float(total / self.held_out.total_weight))
        return self.history[-1]
