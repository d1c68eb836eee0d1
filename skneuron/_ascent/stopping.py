"""When to stop: asked after every iteration."""


class Top:
    """Stop where the gradient says that this is the top, and the direction agrees.

    Parameters
    ----------
    objective : object with ``is_top(evaluation, tol)``
    direction : Direction
    tol : float
        Bound on the largest component of the mean objective's gradient.
    """

    def __init__(self, objective, direction, tol):
        self.objective, self.direction, self.tol = objective, direction, tol

    def __call__(self, position):
        here = position.evaluation
        return self.objective.is_top(here, self.tol) and self.direction.is_settled(
            position.theta, here, self.tol
        )


class Plateau:
    """Stop when a figure has not risen by tol in `patience` iterations on end.

    Parameters
    ----------
    figure : callable
        Gives a number for a position; higher is better.
    tol : float
    patience : int

    Attributes
    ----------
    best : float
        The highest figure so far, `best_position` where it was.
    """

    def __init__(self, figure, tol, patience):
        self.figure, self.tol, self.patience = figure, tol, patience
        self.best, self.best_position = -float("inf"), None
        self.waited = -1  # the start is no iteration
        self._mark = -float("inf")

    def __call__(self, position):
        figure = self.figure(position)
        if figure > self.best:
            self.best, self.best_position = figure, position
        if figure >= self._mark + self.tol or self.waited < 0:
            self.waited = 0
        else:
            self.waited += 1
        self._mark = max(self._mark, figure)
        return self.waited >= self.patience
