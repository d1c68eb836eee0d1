"""Targets: from labels to codes and back, for every kind of y."""

import pickle

import numpy as np
import pytest

from skneuron._data.targets import ClassesPerOutput, Targets

SINGLE = {
    "0/1": np.array([1, 0, 0, 1]),
    "bool": np.array([True, False, True, True]),
    "two words": np.array(["no", "yes", "no", "no"]),
    "two objects": np.array(["no", "yes", "no", "no"], dtype=object),
    "minus and plus": np.array([-1.0, 1.0, 1.0, -1.0]),
    "three": np.array([7, 2, 9, 2]),
    "one": np.array([3, 3, 3, 3]),
}
SEVERAL = {
    "0/1 columns": np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]]),
    "bool columns": np.array([[True, False], [True, True], [False, False]]),
    "float 0/1 columns": np.array([[1.0, 0.0], [1.0, 1.0]]),
    "labels": np.array([[3, 0], [1, 1], [2, 0], [3, 1]]),
    "words": np.array([["a", "x"], ["b", "y"], ["c", "x"]]),
    "a column of one label": np.array([[3, 5], [1, 5], [2, 5]]),
}
every = pytest.mark.parametrize(
    "y", [*SINGLE.values(), *SEVERAL.values()], ids=[*SINGLE, *SEVERAL]
)
several = pytest.mark.parametrize("y", SEVERAL.values(), ids=SEVERAL)


@every
def test_codes_are_the_places_in_the_classes(y):
    targets = Targets.of(y)
    codes = targets.encode(y)
    columns = y[:, None] if y.ndim == 1 else y
    assert codes.shape == columns.shape
    assert codes.dtype.kind == "i"
    for i, classes in enumerate(targets.per_output):
        assert classes.tolist() == sorted(classes.tolist())
        for row in range(len(y)):
            assert classes[codes[row, i]] == columns[row, i]


@every
def test_classes_turn_codes_back_into_labels(y):
    targets = Targets.of(y)
    codes = targets.encode(y)
    back = targets.classes[codes if targets.several else codes[:, 0]]
    assert np.array_equal(back, y)
    assert back.dtype == y.dtype


@every
def test_likelihood_has_an_output_for_every_column(y):
    targets = Targets.of(y)
    assert targets.several == (y.ndim == 2)
    assert targets.likelihood.n_outputs == (1 if y.ndim == 1 else y.shape[1])


def test_kinds_of_likelihood():
    assert Targets.of(SINGLE["0/1"]).likelihood.widths.tolist() == [0]
    assert Targets.of(SINGLE["two words"]).likelihood.widths.tolist() == [0]
    assert Targets.of(SINGLE["three"]).likelihood.widths.tolist() == [3]
    assert Targets.of(SINGLE["one"]).likelihood.n_logits == 1
    for name in ["0/1 columns", "bool columns", "float 0/1 columns"]:
        targets = Targets.of(SEVERAL[name])
        assert targets.multilabel
        assert targets.likelihood.widths.tolist() == [0] * SEVERAL[name].shape[1]
    mixed = Targets.of(SEVERAL["labels"])
    assert not mixed.multilabel
    assert mixed.likelihood.widths.tolist() == [3, 0]
    assert mixed.likelihood.n_logits == 4


def test_an_indicator_column_without_ones_still_has_both_classes():
    targets = Targets.of(SEVERAL["0/1 columns"])
    assert [classes.tolist() for classes in targets.classes] == [[0, 1]] * 3


@every
def test_the_fitted_classes_are_all_that_is_needed(y):
    first = Targets.of(y)
    again = Targets(first.classes)
    assert again.same_classes(first) and first.same_classes(again)
    assert again.multilabel == first.multilabel
    assert np.array_equal(again.likelihood.widths, first.likelihood.widths)


@every
def test_split_and_choose_take_the_likeliest(y):
    targets = Targets.of(y)
    z = np.random.default_rng(0).standard_normal((50, targets.likelihood.n_logits))
    chosen = targets.choose(z)
    assert chosen.shape == (50, len(targets.per_output))
    split = list(targets.split(z))
    assert len(split) == len(targets.per_output)
    assert np.array_equal(np.concatenate([at for _, at in split], axis=1), z)
    for output, (classes, at) in enumerate(split):
        for row in range(50):
            if len(classes) == 2:
                assert at.shape[1] == 1
                expected = int(at[row, 0] > 0)
            else:
                assert at.shape[1] == len(classes)
                expected = max(range(len(classes)), key=lambda c: at[row, c])
            assert chosen[row, output] == expected


@every
def test_chosen_codes_give_the_most_likely_labels(y):
    targets = Targets.of(y)
    z = np.random.default_rng(0).standard_normal((50, targets.likelihood.n_logits))
    chosen = targets.choose(z)
    best = targets.likelihood.log_prob(z, chosen)
    for output, classes in enumerate(targets.per_output):
        for code in range(len(classes)):
            other = chosen.copy()
            other[:, output] = code
            log_prob = targets.likelihood.log_prob(z, other)
            assert np.all(log_prob[:, output] <= best[:, output])


def test_a_tie_goes_to_the_first_class():
    for y in [SINGLE["0/1"], SINGLE["three"], SEVERAL["labels"]]:
        targets = Targets.of(y)
        z = np.zeros((2, targets.likelihood.n_logits))
        assert not targets.choose(z).any()


@pytest.mark.parametrize("name", SINGLE)
def test_unknown_labels_are_named(name):
    y = SINGLE[name]
    targets = Targets(np.unique(y)[:1])
    if len(np.unique(y)) == 1:
        targets = Targets(np.unique(y) + 1)
    unknown = [label for label in np.unique(y).tolist() if label not in targets.classes]
    with pytest.raises(ValueError, match="not among the classes") as caught:
        targets.encode(y)
    assert all(repr(label) in str(caught.value) for label in unknown)


@several
def test_unknown_labels_of_several_outputs_are_named_with_their_column(y):
    targets = Targets.of(y)
    if y.dtype.kind == "b":
        pytest.skip("there is no third bool")
    bad = y.copy()
    bad[0, 1] = "z" if y.dtype.kind == "U" else 9
    with pytest.raises(ValueError, match="column 1"):
        targets.encode(bad)


def test_wrong_shapes_are_refused():
    single, two = Targets.of(SINGLE["three"]), Targets.of(SEVERAL["labels"])
    with pytest.raises(ValueError, match="shape"):
        single.encode(SINGLE["three"][:, None])
    with pytest.raises(ValueError, match="shape"):
        two.encode(SEVERAL["labels"][:, 0])
    with pytest.raises(ValueError, match="shape"):
        two.encode(SEVERAL["labels"][:, :1])


def test_other_classes_are_told_apart():
    one = Targets.of(SINGLE["three"])
    assert not one.same_classes(Targets.of(SINGLE["0/1"]))
    assert not one.same_classes(Targets([one.classes]))
    two = Targets.of(SEVERAL["labels"])
    assert not two.same_classes(Targets(list(two.classes)[:1]))
    assert not two.same_classes(Targets(list(two.classes)[::-1]))


def test_classes_per_output_is_a_list_that_codes_can_index():
    classes = ClassesPerOutput([np.array([3, 5]), np.array([1, 2, 4])])
    assert isinstance(classes, list)
    assert classes.shape == (2,)
    assert np.array_equal(classes[1], [1, 2, 4])
    assert np.array_equal(classes[-1], [1, 2, 4])
    assert len(classes[:1]) == 1
    codes = np.array([[0, 2], [1, 0]])
    assert np.array_equal(classes[codes], [[3, 4], [5, 1]])
    again = pickle.loads(pickle.dumps(classes))
    assert type(again) is ClassesPerOutput
    assert np.array_equal(again[codes], classes[codes])


# --- integers -------------------------------------------------------------------------

INTEGERS = {
    "few": [3, 7],
    "negative": [-5, -1, 4],
    "a narrow range far off": [2**40, 2**40 + 3, 2**40 + 9],
    "just narrow": [0, 5, 2**16 - 1],
    "just wide": [0, 5, 2**16],
    "wide": [-(10**15), 0, 10**15],
    "the ends": [np.iinfo(np.int64).min, np.iinfo(np.int64).max],
    "one end": [np.iinfo(np.int64).max - 2, np.iinfo(np.int64).max],
    "many": [*range(-150, 150)],
}


@pytest.mark.parametrize("labels", INTEGERS.values(), ids=INTEGERS)
@pytest.mark.parametrize("n", [300, 70_000])
def test_integers_are_encoded_as_by_numpy(labels, n):
    rng = np.random.default_rng(0)
    y = np.asarray(labels)[np.r_[: len(labels), rng.integers(0, len(labels), n)]]
    targets = Targets.of(y)
    classes, codes = np.unique(y, return_inverse=True)
    assert np.array_equal(targets.classes, classes)
    assert targets.classes.dtype == y.dtype
    assert np.array_equal(targets.encode(y)[:, 0], codes)
    for unknown in [labels[0] + 1, labels[-1] - 1, labels[0] - 1, labels[-1] + 1, 2]:
        if unknown in labels or not -(2**63) <= unknown < 2**63:
            continue
        strange = y.copy()
        strange[-1] = unknown
        with pytest.raises(ValueError, match=rf"\[{unknown}\]"):
            targets.encode(strange)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_of_every_size(dtype):
    limits = np.iinfo(dtype)
    for low in [limits.min, limits.max - 40]:
        y = np.array([low + 7 * i % 40 for i in range(40)], dtype)
        targets = Targets.of(y)
        assert targets.classes.dtype == y.dtype
        assert np.array_equal(targets.classes[targets.encode(y)[:, 0]], y)
        # Labels of another type are the same labels, or unknown.
        assert np.array_equal(targets.encode(y.astype(object)), targets.encode(y))
        with pytest.raises(ValueError, match="not among the classes"):
            targets.encode(np.array([0.5]))


@pytest.mark.parametrize("k", [2, 127, 128, 129, 300, 40_000])
def test_codes_hold_any_number_of_classes(k):
    for y in [np.arange(k) * 3, np.arange(k) * 1000, np.arange(k) + 0.5]:
        codes = Targets.of(y).encode(y)
        assert np.array_equal(codes[:, 0], np.arange(k))
