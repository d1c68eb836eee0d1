"""When to stop: asked after every iteration."""


class Top:
    """Stop where the gradient says that this is the top, and the direction agrees.

    Parameters
    ----------
    objective : object with ``is_top(evaluation, tol)``
    direction : Direction
    tol : float
        Bound on the largest component of the mean objective's gradient.
    lightest : float, default=1.0
        What the lightest example weighs, in thousandths of the mean weight, 1 at most:
        what it says of the value is so much less.
    strict : bool, default=True
        Whether tol has to be met where nothing is higher, too.
    """

    def __init__(self, objective, direction, tol, lightest=1.0, strict=True):
        self.objective, self.direction, self.tol = objective, direction, tol
        self.lightest, self.strict = lightest, strict

    def __call__(self, position):
        """As far as is known of the place."""
        theta, tol = position.theta, self.tol * self.lightest
        is_top = position.gradient is not None
        is_top = is_top and self.objective.is_top(position, self.tol)
        return is_top and self.direction.is_settled(theta, position, tol)

    #: Whether the climb starts at the top.
    at_start = __call__

    def allows(self, position):
        """Whether a climb that finds nothing higher is at the top."""
        return not self.strict or self.objective.is_top(position, self.tol)


class Plateau:
    """Stop when a figure has not risen by tol in `patience` iterations on end.

    Parameters
    ----------
    figure : callable
        Gives a number for a position; higher is better.
    tol : float
    patience : int
    noisy : bool, default=False
        Whether a figure is the mean of the last `patience`: of those that are noisy the
        highest is a stroke of luck, which later ones may miss.

    Attributes
    ----------
    best : float
        The highest figure so far, `best_position` where it was: of noisy ones the end
        of the highest mean, once there are enough for one.
    waited : int
        Iterations since the figure last rose by tol.
    """

    def __init__(self, figure, tol, patience, noisy=False):
        self.figure, self.tol, self.patience, self.noisy = figure, tol, patience, noisy
        self.best, self.best_position = -float("inf"), None
        self.waited, self.recent = 0, []

    def at_start(self, position):
        """Note the figure at the start, unless the climb only goes on; never stop."""
        if self.best_position is None:
            self(position)
        return False

    def allows(self, position):
        return True

    def __call__(self, position):
        figure, window = self.figure(position), self.patience if self.noisy else 1
        self.recent = [*self.recent, figure][-window:]
        is_first = self.best_position is None
        if len(self.recent) < window:  # too few for a mean
            if is_first or figure >= max(self.recent):
                self.best_position = position
            return False
        mean = sum(self.recent) / window
        self.waited = 0 if mean >= self.best + self.tol else self.waited + 1
        if is_first or mean > self.best:
            self.best, self.best_position = mean, position
        return self.waited >= self.patience
