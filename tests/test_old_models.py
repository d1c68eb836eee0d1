"""Models that older versions have kept, and files that somebody has changed."""

import io
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

import skneuron
from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP

sio = pytest.importorskip("skops.io")

MODELS = Path(__file__).parent / "models"
FILES = sorted(
    path
    for form in ("pickle", "joblib", "skops")
    for path in MODELS.glob(f"*/*.{form}")
)
X = np.random.default_rng(0).standard_normal((30, 3))
Y = np.arange(30) % 3

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # of the parts that are scikit-learn's
    pytest.mark.filterwarnings(
        f"ignore::{InconsistentVersionWarning.__module__}."
        f"{InconsistentVersionWarning.__name__}"
    ),
]


def load(path):
    """The model of a file, and what is said of its version."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if path.suffix == ".skops":
            trusted = sio.get_untrusted_types(file=path)
            # Nothing but ours is to be trusted, whichever version wrote the file.
            assert all(name.startswith(("skneuron.", "sklearn.")) for name in trusted)
            model = sio.load(path, trusted=trusted)
        else:
            model = joblib.load(path)
    return model, [str(of.message) for of in said if "skneuron" in str(of.message)]


def learns_on(path):
    return path.stem.endswith(("stream", "warm"))


def test_there_are_models_of_every_kind():
    assert len(FILES) >= 45
    assert {path.parent.name for path in FILES} >= {"0.1.0"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_an_old_model_predicts_as_it_did(path):
    model, said = load(path)
    expected = np.load(path.parent / "expected.npz")
    features = expected["X"]
    if path.stem == "regression_single":
        features = features.astype(np.float32)
    p = model.predict_proba(features)
    p = np.concatenate(p, axis=1) if isinstance(p, list) else p
    wanted = expected[f"{path.stem}_probabilities"]
    np.testing.assert_allclose(p, wanted, rtol=2e-5 if p.dtype == np.float32 else 1e-9)
    labels = model.predict(features)
    np.testing.assert_array_equal(labels, expected[f"{path.stem}_labels"])
    assert labels.dtype == expected[f"{path.stem}_labels"].dtype
    is_old = path.parent.name != skneuron.__version__
    assert bool(said) == is_old
    assert any("forgets" in words for words in said) == (is_old and learns_on(path))


@pytest.mark.parametrize(
    "path", [path for path in FILES if "search" not in path.name], ids=lambda p: p.name
)
def test_an_old_model_can_be_fitted_again(path):
    model, _ = load(path)
    y = np.load(path.parent / "expected.npz")[f"{path.stem}_labels"]
    features = np.load(path.parent / "expected.npz")["X"]
    if len(np.unique(y)) > 1:
        model.fit(features, y)
        assert model.predict(features).shape == y.shape


def test_a_parameter_that_came_later_has_its_default():
    state = LR().fit(X, Y).__getstate__()
    del state["reduction"]
    model = LR.__new__(LR)
    model.__setstate__(state)
    assert model.reduction == "mean"
    assert model.get_params() == LR().get_params()


def test_another_version_is_named():
    kept = pickle.dumps(LR(warm_start=True).fit(X, Y))
    version = skneuron.__version__.encode()
    other = kept.replace(version, b"9" * len(version))
    with pytest.warns(UserWarning, match="kept by skneuron 99999.*forgets"):
        model = pickle.loads(other)
    np.testing.assert_array_equal(
        model.predict_proba(X), pickle.loads(kept).predict_proba(X)
    )
    model.fit(X, Y)  # from its attributes


# --- files that somebody has changed --------------------------------------------------


def changed(model, schema=lambda text: text, array=lambda array: array):
    """A skops file of a model, with its schema or its first array changed."""
    given, buffer = zipfile.ZipFile(io.BytesIO(sio.dumps(model))), io.BytesIO()
    first = min(
        (name for name in given.namelist() if name.endswith(".npy")),
        key=lambda name: -np.load(io.BytesIO(given.read(name))).size,
    )
    with zipfile.ZipFile(buffer, "w") as out:
        for name in given.namelist():
            data = given.read(name)
            if name == "schema.json":
                data = schema(data.decode()).encode()
            elif name == first:
                file = io.BytesIO()
                np.save(file, array(np.load(io.BytesIO(data))), allow_pickle=True)
                data = file.getvalue()
            out.writestr(name, data)
    return buffer.getvalue()


OURS = [f"{of.__module__}.{of.__name__}" for of in (LR, MLP)]
models = pytest.mark.parametrize("model", [LR(), MLP((4,), max_iter=3)], ids=str)


@models
@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("x", "y")],
)
def test_no_other_code_is_run(model, module, name, tmp_path):
    """A file that names another class is refused, whoever trusts ours."""

    def schema(text):
        ours = type(model)
        text = text.replace(f'"{ours.__name__}"', f'"{name}"')
        return text.replace(f'"{ours.__module__}"', f'"{module}"')

    file = changed(model.fit(X, Y), schema)
    assert f"{module}.{name}" in sio.get_untrusted_types(data=file)
    with pytest.raises(TypeError, match=r"[Uu]ntrusted"):
        sio.loads(file, trusted=OURS)


def test_no_pickle_is_read_from_an_array():
    def evil(array):
        return np.array([print] * 3, dtype=object)

    file = changed(LR().fit(X, Y), array=evil)
    with pytest.raises(ValueError, match="allow_pickle"):
        sio.loads(file, trusted=OURS)


NONSENSE = {
    "NaN": lambda array: array * np.nan,
    "inf": lambda array: array + np.inf,
    "cut": lambda array: array[:-1],
    "wider": lambda array: np.concatenate([array, array], axis=-1),
    "flat": lambda array: array.ravel(),
    "words": lambda array: array.astype(str),
    "complex": lambda array: array + 1j,
    "nothing": lambda array: array[:0],
}


@models
@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_what_is_no_fit_is_refused(model, nonsense):
    file = changed(model.fit(X, Y), array=nonsense)
    with pytest.raises(ValueError, match="no fitted"):
        sio.loads(file, trusted=OURS)


@models
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes_", np.arange(5)),
        ("classes_", None),
        ("n_features_in_", 7),
        ("n_features_in_", "3"),
        ("coef_", None),
        ("coefs_", [1, 2]),
        ("intercept_", 0.0),
    ],
)
def test_attributes_that_do_not_fit_together_are_refused(model, name, value):
    model.fit(X, Y)
    state = model.__getstate__()
    if name not in state:
        pytest.skip("of the other estimator")
    for changed_state in ({**state, name: value}, {**state}):
        if changed_state.get(name) is not value:
            del changed_state[name]
            if name == "classes_":
                continue  # then it is not fitted, and says so
        with pytest.raises(ValueError, match="no fitted"):
            type(model).__new__(type(model)).__setstate__(changed_state)


@models
def test_a_file_that_ends_too_soon_is_refused(model):
    model.fit(X, Y)
    for cut in (0.1, 0.5, 0.9):
        file = sio.dumps(model)
        with pytest.raises((zipfile.BadZipFile, ValueError, EOFError)):
            sio.loads(file[: int(cut * len(file))], trusted=OURS)
        file = pickle.dumps(model)
        with pytest.raises((pickle.UnpicklingError, EOFError)):
            pickle.loads(file[: int(cut * len(file))])


def test_a_fit_of_another_version_says_so_through_skops():
    def schema(text):
        assert skneuron.__version__ in text
        return re.sub(re.escape(skneuron.__version__), "0.0.9", text)

    file = changed(LR().fit(X, Y), schema)
    with pytest.warns(UserWarning, match=re.escape("kept by skneuron 0.0.9")):
        sio.loads(file, trusted=OURS)
