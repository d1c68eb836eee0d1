"""Tables as people have them: frames, series and text; and what a notebook shows.

Where nothing else is said, what scikit-learn's own classifiers do is what is right.
"""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from reference import binary_data, multiclass_data
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.model_selection import LockstepSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR = GradientAscentLogisticRegression(0.1, max_iter=20)
MLP = SimpleMLPClassifier((3,), learning_rate=0.05, max_iter=5, random_state=0)
SEARCH = LockstepSearchCV(LR, {"C": [1.0, 2.0]}, cv=2, error_score="raise")
both = pytest.mark.parametrize("model", [LR, MLP], ids=["LR", "MLP"])
all_three = pytest.mark.parametrize(
    "model", [LR, MLP, SEARCH], ids=["LR", "MLP", "search"]
)

X, TWO = binary_data()
_, THREE = multiclass_data(n=60)
NAMES = list("abcd")
PANDAS = pd.DataFrame(X, columns=NAMES)
WORDS = np.array(["no", "yes"])[TWO]


def polars(frame):
    return pl.DataFrame({name: frame[name].to_numpy() for name in frame.columns})


# --- features -------------------------------------------------------------------------


TABLES = {
    "pandas": PANDAS,
    "pandas nullable": PANDAS.astype("Float64"),
    "pandas mixed": PANDAS.astype({"a": "Float64", "b": "float64"}),
    "polars": polars(PANDAS),
}


@all_three
@pytest.mark.parametrize("kind", TABLES)
def test_features(model, kind):
    table = TABLES[kind]
    expected = clone(model).fit(X, WORDS)
    fitted = clone(model).fit(table, WORDS)
    assert fitted.feature_names_in_.tolist() == NAMES
    probabilities = fitted.predict_proba(table)
    assert type(probabilities) is np.ndarray
    np.testing.assert_allclose(probabilities, expected.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(table), expected.predict(X))


@all_three
def test_arrow_columns(model):
    pytest.importorskip("pyarrow")
    fitted = clone(model).fit(PANDAS.astype("float64[pyarrow]"), WORDS)
    expected = clone(model).fit(PANDAS, WORDS)
    np.testing.assert_array_equal(fitted.predict(PANDAS), expected.predict(PANDAS))


@all_three
@pytest.mark.parametrize("to", [lambda frame: frame, polars], ids=["pandas", "polars"])
def test_other_names_are_refused(model, to):
    fitted = clone(model).fit(to(PANDAS), WORDS)
    for other in (
        PANDAS.rename(columns={"a": "z"}),
        PANDAS.assign(e=1.0),
        PANDAS[["a", "b"]],
        PANDAS[NAMES[::-1]],
    ):
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(to(other))


@all_three
def test_names_have_to_be_strings(model):
    with pytest.raises(TypeError, match="string names"):
        clone(model).fit(PANDAS.rename(columns={"a": 1}), WORDS)
    numbered = pd.DataFrame(X)
    assert not hasattr(clone(model).fit(numbered, WORDS), "feature_names_in_")


@all_three
@pytest.mark.parametrize(
    ("column", "words"),
    [
        (np.array(["x", "y"] * 30), "could not convert string"),
        (pd.Categorical(["x", "y"] * 30), "could not convert string"),
        (pd.array([None, *X[1:, 0]], dtype="Float64"), "NaN"),
        (np.array([np.inf, *X[1:, 0]]), "infinity"),
    ],
    ids=["strings", "categories", "missing", "infinite"],
)
def test_columns_that_are_no_numbers(model, column, words):
    with pytest.raises(ValueError, match=words):
        clone(model).fit(PANDAS.assign(a=column), WORDS)


@all_three
def test_columns_of_bool(model):
    table = PANDAS.assign(a=X[:, 0] > 0)
    fitted = clone(model).fit(table, WORDS)
    expected = clone(model).fit(table.to_numpy(dtype=float), WORDS)
    np.testing.assert_allclose(
        fitted.predict_proba(table),
        expected.predict_proba(table.to_numpy(dtype=float)),
        rtol=1e-12,
    )


@both
def test_there_is_nothing_to_set_the_output_of(model):
    # A classifier makes no columns: scikit-learn gives it no set_output.
    assert not hasattr(LogisticRegression(), "set_output")
    assert not hasattr(model, "set_output")


# --- labels ---------------------------------------------------------------------------


SERIES = {
    "pandas strings": pd.Series(WORDS),
    "pandas string type": pd.Series(WORDS, dtype="string"),
    "pandas categories": pd.Series(WORDS, dtype="category"),
    "polars strings": pl.Series(WORDS.tolist()),
    "polars categories": pl.Series(WORDS.tolist()).cast(pl.Categorical),
}


@all_three
@pytest.mark.parametrize("kind", SERIES)
def test_series_of_labels(model, kind):
    fitted = clone(model).fit(PANDAS, SERIES[kind])
    assert fitted.classes_.tolist() == ["no", "yes"]
    expected = clone(model).fit(PANDAS, WORDS)
    np.testing.assert_array_equal(fitted.predict(PANDAS), expected.predict(PANDAS))
    assert fitted.score(PANDAS, SERIES[kind]) == expected.score(PANDAS, WORDS)


@both
def test_arrow_arrays_of_labels_and_weights(model):
    pa = pytest.importorskip("pyarrow")
    weights = np.arange(len(X)) + 1.0
    fitted = clone(model).fit(X, pa.array(TWO), sample_weight=pa.array(weights))
    expected = clone(model).fit(X, TWO, sample_weight=weights)
    for method in ("score", "log_likelihood"):
        ours = getattr(fitted, method)(X, pa.array(TWO), pa.array(weights))
        assert ours == getattr(expected, method)(X, TWO, weights)


@all_three
@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float64"])
# The splitter of a search casts the labels before anyone has looked at them.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_series_of_nullable_labels(model, dtype):
    y = pd.Series(TWO).astype(dtype)
    fitted = clone(model).fit(PANDAS, y)
    theirs = LogisticRegression().fit(PANDAS, y)
    np.testing.assert_array_equal(fitted.classes_, theirs.classes_)
    assert fitted.classes_.dtype == theirs.classes_.dtype
    assert fitted.score(PANDAS, y) > 0.5
    y = y.copy()
    y[0] = pd.NA
    with pytest.raises(ValueError, match="y contains NaN"):
        clone(model).fit(PANDAS, y)


FRAMES = {
    "multilabel": pd.DataFrame({"u": TWO, "v": (THREE > 0).astype(int)}),
    "bool": pd.DataFrame({"u": TWO > 0, "v": THREE > 0}),
    "numbers": pd.DataFrame({"u": TWO, "v": THREE}),
    "strings": pd.DataFrame({"u": WORDS, "v": np.array(list("abc"))[THREE]}),
}


@all_three
@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("to", [lambda frame: frame, polars], ids=["pandas", "polars"])
def test_frames_of_labels(model, kind, to):
    Y = np.asarray(FRAMES[kind])
    fitted = clone(model).fit(PANDAS, to(FRAMES[kind]))
    expected = clone(model).fit(PANDAS, Y)
    for ours, theirs in zip(fitted.classes_, expected.classes_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    predicted = fitted.predict(PANDAS)
    assert predicted.shape == (60, 2)
    np.testing.assert_array_equal(predicted, expected.predict(PANDAS))
    assert fitted.score(PANDAS, to(FRAMES[kind])) == expected.score(PANDAS, Y)


@both
def test_a_frame_of_strings_and_numbers(model):
    Y = FRAMES["strings"].assign(v=THREE)
    fitted = clone(model).fit(PANDAS, Y)
    assert [of.tolist() for of in fitted.classes_] == [["no", "yes"], [0, 1, 2]]
    assert 0 <= fitted.score(PANDAS, Y) <= 1


@all_three
def test_a_frame_of_nullable_labels(model):
    Y = FRAMES["numbers"].astype("Int64")
    fitted = clone(model).fit(PANDAS, Y)
    expected = clone(model).fit(PANDAS, FRAMES["numbers"])
    np.testing.assert_array_equal(fitted.predict(PANDAS), expected.predict(PANDAS))
    assert fitted.score(PANDAS, Y) == expected.score(PANDAS, FRAMES["numbers"])


@both
def test_a_frame_of_one_column_is_one_output(model):
    with pytest.warns(DataConversionWarning, match="column-vector"):
        fitted = clone(model).fit(PANDAS, pd.DataFrame({"u": WORDS}))
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.predict(PANDAS).shape == (60,)


@both
def test_log_likelihood_of_a_frame(model):
    fitted = clone(model).fit(PANDAS, pd.Series(TWO, dtype="Int64"))
    for table in (PANDAS, TABLES["pandas nullable"], TABLES["polars"]):
        for y in (TWO, pd.Series(TWO, dtype="Int64"), pl.Series(TWO)):
            found = fitted.log_likelihood(table, y)
            assert found == pytest.approx(fitted.log_likelihood_, rel=1e-12)


# --- text -----------------------------------------------------------------------------


SPAM = ["win money now", "cheap money win", "you win cheap pills", "pills now"]
HAM = ["lunch at noon", "see you at lunch", "the report is late", "noon report"]


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_text(model, dtype):
    texts, labels = (SPAM + HAM) * 3, ["spam"] * 4 + ["ham"] * 4
    model = clone(model).set_params(learning_rate="auto", max_iter=200)
    if model.__class__ is GradientAscentLogisticRegression:
        model.set_params(C=1.0)
    mail = make_pipeline(TfidfVectorizer(dtype=dtype), model).fit(texts, labels * 3)
    assert mail.predict(["win pills", "late lunch"]).tolist() == ["spam", "ham"]
    assert mail.predict_proba(texts).dtype == dtype
    name, _ = mail.steps[-1]
    search = LockstepSearchCV(mail, {f"{name}__tol": [1e-3]}, cv=3).fit(
        texts, labels * 3
    )
    assert search.best_score_ == 1


def test_text_in_lockstep():
    texts, labels = pd.Series((SPAM + HAM) * 3), (["spam"] * 4 + ["ham"] * 4) * 3
    mail = make_pipeline(TfidfVectorizer(), clone(LR))
    name, _ = mail.steps[-1]
    grid = {f"{name}__learning_rate": [1.0, 10.0]}
    search = LockstepSearchCV(mail, grid, cv=3).fit(texts, labels)
    assert search.predict(["win pills", "late lunch"]).tolist() == ["spam", "ham"]


# --- what a notebook shows ------------------------------------------------------------


@all_three
def test_parameters_and_fitted_attributes_are_shown(model):
    page = estimator_html_repr(clone(model))
    assert "Not fitted" in page and "Fitted attributes" not in page
    fitted = clone(model).fit(PANDAS, WORDS)
    page = estimator_html_repr(fitted)
    assert type(model).__name__ in page and "Fitted attributes" in page
    shown = [*model.get_params(deep=False), "classes_", "n_features_in_"]
    if model is SEARCH:
        shown = [name for name in shown if name not in ("estimator", "classes_")]
        shown = [name for name in shown if not name.endswith("in_")]
        shown += ["best_params_", "log_likelihoods_"]
    else:
        shown += ["log_likelihood_", "converged_"]
    for name in shown:
        assert name in page, name


@all_three
def test_no_question_mark_leads_to_the_page_of_another_package(model):
    # While this site has no address there is no link, least of all to scikit-learn's.
    assert model._get_doc_link() == ""
    page = estimator_html_repr(make_pipeline(StandardScaler(), model))
    links = re.findall(r'href="([^"]+)"', page)
    assert any("StandardScaler" in link for link in links)
    assert not any(type(model).__name__ in link for link in links)


@all_three
def test_a_link_shows_what_each_parameter_means(model):
    # As scikit-learn shows it of estimators whose documentation has an address.
    kind = type(model)
    linked = type(
        kind.__name__,
        (kind,),
        {
            "__module__": kind.__module__,
            "__doc__": kind.__doc__,
            "_doc_link_module": "skneuron",
            "_doc_link_template": "https://address.local/{estimator_name}.html",
        },
    )(**model.get_params(deep=False))
    page = estimator_html_repr(linked)
    assert f"https://address.local/{kind.__name__}.html" in page
    for name in model.get_params(deep=False):
        assert f"--doc-link-{name};" in page, name
