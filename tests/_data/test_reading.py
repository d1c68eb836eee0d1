"""What users bring along, checked: labels, weights and classes read one by one."""

import numpy as np
import pytest

from skneuron._data.reading import (
    check_labels,
    class_tables,
    rows_that_count,
    weighted_rows,
)
from skneuron._data.rows import Rows
from skneuron._data.targets import Targets
from skneuron._estimator.plan import Past


def test_labels_of_one_column_are_those_of_a_vector():
    with pytest.warns(match="column-vector"):
        y = check_labels(np.array([[1], [0], [1]]))
    np.testing.assert_array_equal(y, [1, 0, 1])


def test_labels_of_mixed_types_are_named():
    with pytest.raises(ValueError, match=r"\['int', 'str'\]"):
        check_labels(np.array([1, "a"], dtype=object))


@pytest.mark.parametrize(
    "labels",
    [
        ["a", np.str_("b"), "a"],
        [1, np.int64(2), 1.0],
        [True, np.True_, False],
    ],
    ids=["str", "numbers", "bool"],
)
def test_labels_of_numpys_types_stand_beside_pythons(labels):
    y = np.empty(3, dtype=object)
    y[:] = labels
    assert check_labels(y).tolist() == labels


@pytest.mark.parametrize("wanted", [{0: 2.0, 1: 3.0}, "balanced"])
def test_weights_of_classes_multiply_those_of_rows(wanted):
    targets = Targets(np.array([0, 1]))
    codes, given = np.array([[0], [1], [1]]), np.array([1.0, 2.0, 4.0])
    past = Past(False, False, None, {}, None)
    tables = class_tables(wanted, targets, past, codes, given)
    np.testing.assert_array_equal(past.state["class_counts"], [[1.0, 6.0]])
    of_class = {0: 2.0, 1: 3.0}
    if wanted == "balanced":
        of_class = {0: 7 / (2 * 1.0), 1: 7 / (2 * 6.0)}
    expected = [w * of_class[c] for w, c in zip(given, codes[:, 0], strict=True)]
    rows = weighted_rows(np.ones((3, 1)), codes, given, tables)
    np.testing.assert_allclose(rows.weights, expected, rtol=1e-15)


def test_rows_count_that_weigh_something_in_some_output():
    X, codes = np.arange(3.0)[:, None], np.zeros((3, 2), int)
    all_of_them = Rows(X, codes, np.ones(3))
    assert rows_that_count(all_of_them) is all_of_them
    weights = np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    found = rows_that_count(Rows(X, codes, weights))
    np.testing.assert_array_equal(found.X, [[1.0], [2.0]])
    np.testing.assert_array_equal(found.weights, weights[1:])
