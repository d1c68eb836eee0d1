"""What a climb asks, and how it gets its answers.

Walks, step sizes and climbs are generators: they yield a `Question`, and are sent the
evaluation of an objective there. Who gives it is not their matter.
"""

from typing import NamedTuple

from .._arrays import numbers_may_end


class Question(NamedTuple):
    """A question: what is the objective at `theta`.

    Attributes
    ----------
    theta : array of shape (n_parameters,)
    order : {0, 1, 2}
        How many derivatives are asked for: none, the gradient, the curvature too.
    n_rows : int or None
        Of a sample of so many rows. None: of all.
    rules : tuple or None
        Of Newton's whole steps that whoever answers may take at once: the answer is
        then of where they end, and has what was `passed`. They are the least gain that
        a step may promise, the least pivot, the shares of the promise that it has to
        gain, and may leave, and its longest stride.
    """

    theta: object
    order: int = 1
    n_rows: int | None = None
    rules: tuple | None = None


def next_position(walk, n_rows=None):
    """Ask a walk's questions, of a sample of n_rows, up to its next position.

    Returns
    -------
    position : Evaluation or bool
        Where the walk has ended, whether that is at the top.
    """
    try:
        item = next(walk)
        while isinstance(item, Question):
            if n_rows is not None:
                item = item._replace(n_rows=n_rows)
            try:
                item = walk.send((yield item))
            except KeyboardInterrupt as interrupt:
                item = walk.throw(interrupt)
    except StopIteration as end:
        return bool(end.value)
    return item


def answered(climb, answer):
    """What a climb returns, or each position of a walk: `answer` answers its questions.

    An interrupt while it does is the climb's to deal with.
    """
    with numbers_may_end():  # every position is looked at
        try:
            question = next(climb)
            while True:
                try:
                    question = climb.send(answer(question))
                except KeyboardInterrupt as interrupt:
                    question = climb.throw(interrupt)
        except StopIteration as end:
            return end.value


def positions(walk, answer):
    """Yield a walk's positions; `answer` answers its questions."""
    while True:
        position = answered(next_position(walk), answer)
        if isinstance(position, bool):
            return position
        yield position
