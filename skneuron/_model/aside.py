"""Rows that are set aside for early stopping: how many of each class, and which.

scikit-learn's `train_test_split` gathers indices in lists of Python's numbers, which
take more memory than a tenth of many a table; and it wants all labels in one place.
"""

import numpy as np


def shared_out(n, sizes):
    """n in whole shares, as the sizes are to one another, none larger than its size."""
    ends = np.cumsum([0, *sizes])
    return np.diff(ends * min(n, ends[-1]) // max(1, ends[-1])).tolist()


def quotas(n_aside, counts):
    """How many rows of each class each part sets aside.

    Parameters
    ----------
    n_aside : int
        Of all rows, about.
    counts : array of shape (n_parts, n_classes)
        The rows of each class in each part.

    Returns
    -------
    quotas : array of shape (n_parts, n_classes) or (n_parts, 1)
        Of each class its share, but one at least, and one less than all; of each part
        its share of that. A column for all rows if a class has a single one, which
        cannot be on both sides.
    """
    counts = np.asarray(counts)
    if 1 in counts.sum(axis=0):
        counts = counts.sum(axis=1, keepdims=True)
    present = counts.sum(axis=0)
    of_class = np.array(shared_out(n_aside, present))
    if len(present) > 1:
        most = np.maximum(present - 1, 0)
        of_class = np.clip(of_class, np.minimum(1, most), most)
    return np.stack(
        [shared_out(n, of) for n, of in zip(of_class, counts.T, strict=True)], axis=1
    )


def drawn(codes, quota, seed):
    """Which rows of a part are set aside, bool (n_rows,), class by class at random.

    Parameters
    ----------
    codes : int array of shape (n_rows,)
    quota : sequence of int
        The part's row of :func:`quotas`.
    seed : int
    """
    rng, aside = np.random.RandomState(seed), np.zeros(len(codes), dtype=bool)
    for code, n in enumerate(quota):
        members = np.arange(len(codes))
        if len(quota) > 1:
            members = np.flatnonzero(codes == code)
        rng.shuffle(members)
        aside[members[:n]] = True
    return aside
