"""An objective that remembers: a batch of a stream, beside what is known of the rest.

Of a log-likelihood whose examples are gone, its curvature near its top says most: to
the second order the log-likelihood is a quadratic hill. So each batch climbs its own
log-likelihood plus the hill of all before it, and adds its curvature to the hill:
Laplace's approximation of what is known, batch after batch.
"""


class Remembering:
    """``objective(theta) - (theta - top)^T information (theta - top) / 2``.

    Parameters
    ----------
    objective : Objective
        A sum: what is known of one batch more does not make the others lighter.
    information : list of (indices, matrix)
        The curvature of the hill, in blocks as in :class:`Evaluation`. None of them:
        there is no hill.

    Attributes
    ----------
    top : array of shape (n_parameters,)
        Where all that is remembered is most likely: to be set before it is asked.
    """

    def __init__(self, objective, information):
        self.objective, self.information, self.top = objective, information, None

    def answer(self, question):
        """As :meth:`Objective.answer`; the log-likelihood is that of the batch."""
        here = self.objective.answer(question)
        here.roots, step = None, question.theta - self.top  # none is of the hill's
        for at, matrix in self.information:
            pull = matrix @ step[at]
            here.value -= 0.5 * float(step[at] @ pull)
            here.gradient[at] -= pull
        if here.curvature and self.information:
            both = zip(here.curvature, self.information, strict=True)
            here.curvature = [(at, new + known) for (at, new), (_, known) in both]
        return here


def information_along(start, end):
    """What is known after a climb from one evaluation to another.

    The gradient changes along the way by the mean of the curvature there; this is the
    mean of both ends. At the end alone a batch whose classes separate would seem to
    know next to nothing: the farther its climb, the flatter its hill.
    """
    ends = zip(start.curvature, end.curvature, strict=True)
    return [(at, (matrix + there) / 2) for (at, matrix), (_, there) in ends]
