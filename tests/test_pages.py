"""The pages to play with: what they compute, alone, and what one sees in a browser."""

import json
import os
import re
import shutil
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    scale,
)
from strokes import drawings

import skneuron
from skneuron import Convolution, GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.inspection import write_climb_page, write_page

TEMPLATES = Path(skneuron.__file__).parent / "inspection" / "templates"
DOCS = Path(__file__).parents[1] / "docs"
HOSTILE = "</script><script>alert('ha')</script><b>&amp;\"'"


# --- what pages compute, without a browser --------------------------------------------


@pytest.fixture(scope="module")
def javascript():
    """Calls a function of the pages with what JSON can say."""
    context = pytest.importorskip("py_mini_racer").MiniRacer()
    for name in ["network.js", "ascent.js"]:
        context.eval((TEMPLATES / name).read_text("utf-8"))
    context.eval("""
        const plain = (key, value) => ArrayBuffer.isView(value) ? [...value] : value;
        function call(name, given) {
          return JSON.stringify(globalThis[name](...JSON.parse(given)), plain);
        }
        function decoded(model) {
          for (const step of [...model.layers, ...model.steps])
            for (const [name, of] of Object.entries(step))
              if (of && of.data) step[name] = unpacked(of);
          return model;
        }
        function predicted(model, nRows) {
          const { n, pixels } = model.examples, all = unpacked(pixels);
          const width = all.length / n;
          decoded(model);
          return Array.from({ length: nRows }, (_, i) =>
            forward(model, all.slice(i * width, (i + 1) * width)).probabilities);
        }
        function slope(problem, theta) {
          return evaluate(problem, Float64Array.from(theta)).gradient;
        }
        function climbed(problem, rate, n) {
          let state = begin(problem);
          const curve = [state.logLikelihood];
          for (let i = 0; i < n; i++) {
            state = step(problem, state, rate);
            curve.push(state.logLikelihood);
          }
          return [curve, state.theta];
        }
    """)

    def call(name, *given):
        return json.loads(context.call("call", name, json.dumps(given)))

    return call


def model_of(path):
    """The numbers that a page holds."""
    found = re.findall(
        r'<script type="application/json" id="model">(.*?)</script>',
        path.read_text("utf-8"),
    )
    (text,) = found
    return json.loads(text)


def side_by_side(probabilities):
    """Those of every class of every output, as the page has them."""
    if isinstance(probabilities, list):
        return np.concatenate(probabilities, axis=1)
    return probabilities


def images(n=40, n_features=12, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(loc=3, scale=2, size=(n, n_features))
    y = (X[:, :3] - X[:, 3:6] + rng.normal(size=(n, 3))).argmax(axis=1)
    return X, y


def quietly(est, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return est.fit(X, y)


LABELS = {
    "binary": lambda X, y: np.array(["no", "yes"])[(y > 0).astype(int)],
    "multiclass": lambda X, y: y,
    "multilabel": lambda X, y: np.column_stack([y == 0, y == 1, X[:, 6] > 3]) * 1,
    "several": lambda X, y: np.column_stack([y + 5, (X[:, 6] > 3) + 1]),
}


def check_probabilities(javascript, est, path, X, y, atol=1e-12, **given):
    """That the page says what predict_proba says of the rows of X."""
    write_page(est, path, X=X, y=y, **given)
    model = model_of(path)
    n = min(20, len(X))
    found = np.array(javascript("predicted", model, n))
    expected = side_by_side(est.predict_proba(X[:n]))
    if model["multilabel"]:
        found = found[:, 1::2]
    np.testing.assert_allclose(found, expected, atol=atol, rtol=0)
    return model


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_probabilities_of_networks(javascript, tmp_path, activation, labels):
    X, y = images()
    y = LABELS[labels](X, y)
    hidden = {"logistic": (5,), "tanh": (4, 3), "relu": (6, 5, 4), "identity": (3,)}
    est = SimpleMLPClassifier(hidden[activation], activation, max_iter=20)
    est.set_params(random_state=0)
    path = tmp_path / "page.html"
    given = {"image_shape": (3, 4)}
    check_probabilities(javascript, quietly(est, X, y), path, X, y, **given)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_probabilities_of_the_logistic_regression(
    javascript, tmp_path, labels, fit_intercept
):
    X, y = images()
    y = LABELS[labels](X, y)
    est = GradientAscentLogisticRegression(C=1.0, fit_intercept=fit_intercept)
    path = tmp_path / "page.html"
    given = {"image_shape": (4, 3, 1)}
    check_probabilities(javascript, quietly(est, X, y), path, X, y, **given)


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        MinMaxScaler(),
        MinMaxScaler((-1, 2), clip=True),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        "passthrough",
        None,
    ],
    ids=str,
)
def test_pipelines_scale(javascript, tmp_path, scaler):
    X, y = images()
    X = X * np.linspace(1, 100, X.shape[1]) + 1e4
    est = SimpleMLPClassifier((5,), max_iter=20, random_state=0)
    est = quietly(make_pipeline(scaler, est), X, y)
    X = X + np.linspace(-20, 20, len(X))[:, None]  # beyond what was seen
    path = tmp_path / "page.html"
    given = {"image_shape": (3, 4), "atol": 1e-9}
    check_probabilities(javascript, est, path, X, y, **given)


def test_several_scalers_follow_each_other(javascript, tmp_path):
    X, y = images()
    est = SimpleMLPClassifier((5,), max_iter=20, random_state=0)
    est = quietly(make_pipeline(MinMaxScaler(), StandardScaler(), est), X, y)
    check_probabilities(javascript, est, tmp_path / "a.html", X, y, image_shape=(3, 4))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_network_is_a_small_file(javascript, tmp_path, dtype):
    rng = np.random.RandomState(0)
    X = np.clip(rng.normal(0, 120, size=(300, 784)), 0, 255).round() / 255
    y = X[:, :200].reshape(300, 10, 20).sum(axis=2).argmax(axis=1)
    X = X.astype(dtype)
    est = SimpleMLPClassifier((100,), max_iter=15, random_state=0)
    est = quietly(make_pipeline(StandardScaler(), est), X, y)
    path, given = tmp_path / "page.html", {"image_shape": (28, 28), "atol": 1e-6}
    X = X.astype(float) if dtype == "float64" else X
    check_probabilities(javascript, est, path, X, y, **given)
    assert path.stat().st_size < 1_000_000


def test_rounding_is_to_eleven_digits(javascript):
    from skneuron.inspection.pages import _packed

    rng = np.random.RandomState(0)
    values = rng.normal(size=1000) * 10.0 ** np.linspace(-300, 300, 1000)
    exact, rounded = (
        np.array(javascript("unpacked", _packed(values, n)), float) for n in (8, 6)
    )
    np.testing.assert_array_equal(exact, values)
    np.testing.assert_allclose(rounded, values, rtol=1e-11)
    few = np.array([0.1, 0.2, 0.1, 1 / 3])
    np.testing.assert_array_equal(javascript("unpacked", _packed(few)), few)


def test_the_estimator_is_read_where_it_was_set(javascript, tmp_path):
    X, y = images()
    est = quietly(GradientAscentLogisticRegression(C=1.0), X, y)
    est.coef_ = est.coef_ * 2
    check_probabilities(javascript, est, tmp_path / "a.html", X, y, image_shape=(3, 4))


# --- what they hold -------------------------------------------------------------------


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes


def page_of_hostile_names(path):
    X, y = images()
    names = np.array([HOSTILE, "\u2028\udc80".encode("utf-8", "replace").decode(), "c"])
    est = quietly(SimpleMLPClassifier((3,), max_iter=5), X, names[y])
    write_page(est, path, image_shape=(3, 4), X=X, y=names[y], title=HOSTILE)
    return names


def test_names_are_not_code(tmp_path):
    path = tmp_path / "page.html"
    names = page_of_hostile_names(path)
    found = Elements(path.read_text("utf-8"))
    assert found.tags.count("script") == 2
    assert "b" not in found.tags
    assert set(model_of(path)["outputs"][0]) == set(names.tolist())
    assert HOSTILE in model_of(path)["examples"]["labels"]


def climb_page_of_hostile_names(path):
    pandas = pytest.importorskip("pandas")
    X, y = make_moons(30, noise=0.2, random_state=0)
    X = pandas.DataFrame(X, columns=[HOSTILE, "x"])
    y = np.array(["a", HOSTILE])[y]
    est = GradientAscentLogisticRegression(learning_rate=1.0)
    write_climb_page(est, path, X, y, title=HOSTILE)


def test_names_are_not_code_of_a_climb(tmp_path):
    path = tmp_path / "page.html"
    climb_page_of_hostile_names(path)
    found = Elements(path.read_text("utf-8"))
    assert found.tags.count("script") == 2
    assert "b" not in found.tags
    assert model_of(path)["features"] == [HOSTILE, "x"]


def test_a_page_asks_for_nothing(tmp_path):
    path = tmp_path / "page.html"
    page_of_hostile_names(path)
    found = Elements(path.read_text("utf-8"))
    assert not {"src", "href", "link"} & {name for name, _ in found.attributes}
    assert not {"link", "img", "iframe"} & set(found.tags)
    assert "default-src 'none'" in path.read_text("utf-8")


def test_examples_are_the_first_rows(tmp_path):
    X, y = load_digits(return_X_y=True)
    est = quietly(SimpleMLPClassifier((4,), max_iter=2), X, y)
    write_page(est, tmp_path / "page.html", image_shape=(8, 8), X=X, y=y)
    examples = model_of(tmp_path / "page.html")["examples"]
    assert examples["n"] == 100
    assert examples["labels"] == [str(label) for label in y[:100]]
    write_page(est, str(tmp_path / "page.html"), image_shape=np.array([8, 8]), title="")
    assert model_of(tmp_path / "page.html")["examples"] is None


def test_sparse_images_are_images(tmp_path):
    from scipy import sparse

    X, y = load_digits(return_X_y=True)
    est = quietly(SimpleMLPClassifier((4,), max_iter=2), X, y)
    pages = []
    for given in [X, sparse.csr_array(X)]:
        write_page(est, tmp_path / "page.html", image_shape=(8, 8), X=given)
        pages.append(model_of(tmp_path / "page.html"))
    assert pages[0] == pages[1]


def test_wrong_calls(tmp_path):
    path = tmp_path / "page.html"
    X, y = images()
    est = quietly(GradientAscentLogisticRegression(C=1.0), X, y)
    with pytest.raises(ValueError, match=r"image_shape=.*12"):
        write_page(est, path, image_shape=(3, 5))
    with pytest.raises(ValueError, match="image_shape"):
        write_page(est, path, image_shape=(2, 3, 2))
    with pytest.raises(ValueError, match="X has 11 features"):
        write_page(est, path, image_shape=(3, 4), X=X[:, :11])
    with pytest.raises(ValueError, match="inconsistent"):
        write_page(est, path, image_shape=(3, 4), X=X, y=y[:-1])
    with pytest.raises(ValueError, match="y are the labels of X"):
        write_page(est, path, image_shape=(3, 4), y=y)
    with pytest.raises(NotFittedError):
        write_page(GradientAscentLogisticRegression(), path, image_shape=(3, 4))
    with pytest.raises(NotFittedError):
        write_page(make_pipeline(StandardScaler(), est), path, image_shape=(3, 4))
    with pytest.raises(TypeError, match=r"StandardScaler.*PolynomialFeatures"):
        write_page(make_pipeline(PolynomialFeatures(), est), path, image_shape=(3, 4))
    with pytest.raises(TypeError, match="StandardScaler"):
        write_page(StandardScaler().fit(X), path, image_shape=(3, 4))
    assert not path.exists()


# --- what a drawing becomes -----------------------------------------------------------


def frame_of(X, shape, tmp_path):
    y = np.arange(len(X)) % 2
    est = quietly(GradientAscentLogisticRegression(C=1.0, max_iter=2), X, y)
    write_page(est, tmp_path / "frame.html", image_shape=shape, X=X)
    return model_of(tmp_path / "frame.html")["frame"]


def test_a_drawing_is_what_images_are_like(javascript, tmp_path):
    X, _ = load_digits(return_X_y=True)
    frame = frame_of(X, (8, 8), tmp_path)
    assert (frame["paper"], frame["ink"]) == (0, 16)
    line = [[[140, 30], [150, 250]]]
    pixels = np.array(javascript("features", line, frame)).reshape(8, 8)
    np.testing.assert_array_equal(pixels, pixels.round())  # counts of 16 dots
    assert pixels.min() == 0 and pixels.max() == 16
    assert pixels[[0, -1]].max(axis=1).min() > 0  # as tall as all of them are
    places = np.arange(8) + 0.5
    centre = pixels.sum(axis=0) @ places / pixels.sum()
    assert abs(centre - frame["centre"][1]) < 0.2
    ring = [[[140 + 100 * np.sin(t), 140 - 100 * np.cos(t)] for t in range(7)]]
    found = sum(javascript("features", ring, frame)) / 16
    assert abs(found - frame["mass"]) < 1.0


def test_size_and_place_of_a_drawing_do_not_matter(javascript, tmp_path):
    X, _ = load_digits(return_X_y=True)
    frame = frame_of(X, (8, 8), tmp_path)
    _, found = drawings(1, seed=3)
    for strokes in found:
        moved = [[[5 + x / 4, 9 + y / 4] for x, y in stroke] for stroke in strokes]
        one, other = (javascript("features", of, frame) for of in (strokes, moved))
        assert np.abs(np.subtract(one, other)).mean() < 0.1  # but for rounding


def test_a_drawing_goes_where_the_ink_is(javascript, tmp_path):
    X = np.zeros((20, 10, 16))
    X[:, 1:7, 11:14] = 1.0  # tall, and on the right
    frame = frame_of(X.reshape(20, -1), (10, 16), tmp_path)
    assert frame["box"] == [6, 3]
    np.testing.assert_allclose(frame["centre"], [4, 12.5])
    for line in [[[0, 0], [0, 100]], [[0, 0], [10, 100]]]:
        pixels = np.reshape(javascript("features", [line], frame), (10, 16))
        assert not pixels[[0, *range(7, 10)]].any() and not pixels[:, :10].any()
        assert pixels[1].any() and pixels[6].any()
        places = np.arange(16) + 0.5
        assert abs(pixels.sum(axis=0) @ places / pixels.sum() - 12.5) < 0.25


def test_light_digits_on_dark_paper_and_the_other_way_round(javascript, tmp_path):
    X, _ = load_digits(return_X_y=True)
    dark, light = (frame_of(of, (8, 8), tmp_path) for of in (X / 16, 1 - X / 16))
    assert (dark["paper"], dark["ink"]) == (0, 1)
    assert (light["paper"], light["ink"]) == (1, 0)
    strokes = [[[10, 10], [200, 200]]]
    one, other = (javascript("features", strokes, of) for of in (dark, light))
    np.testing.assert_allclose(one, 1 - np.array(other))


@pytest.mark.parametrize("strokes", [[], [[[5, 5]]], [[[5, 5], [5, 5]], [[5, 5]]]])
@pytest.mark.parametrize("values", [0.0, 1.0, None])
def test_odd_drawings_and_odd_images(javascript, tmp_path, values, strokes):
    X = np.random.RandomState(0).uniform(size=(20, 12))
    X = X if values is None else np.full_like(X, values)
    pixels = javascript("features", strokes, frame_of(X, (3, 4), tmp_path))
    assert len(pixels) == 12
    assert np.isfinite(np.array(pixels, float)).all()


@pytest.fixture(scope="module")
def live():
    """How the documentation makes its pages."""
    if not DOCS.exists():
        pytest.skip("no documentation here")
    sys.path.insert(0, str(DOCS))
    try:
        import live
    finally:
        sys.path.remove(str(DOCS))
    return live


@pytest.mark.slow
def test_drawings_of_unpractised_hands_are_read(javascript, tmp_path, live):
    X, _ = load_digits(return_X_y=True)
    frame, network = frame_of(X, (8, 8), tmp_path), live.digits_network()
    digits, found = drawings(20)
    pixels = np.array([javascript("features", strokes, frame) for strokes in found])
    right = (network.predict(pixels) == digits).reshape(20, 10)
    assert right.mean() >= 0.8
    assert right.mean(axis=0).min() >= 0.5  # no digit is beyond it


# --- steps ----------------------------------------------------------------------------


def regression(**given):
    return GradientAscentLogisticRegression(**{"learning_rate": 1.0, **given})


def network(*layers, **given):
    rules = {"solver": "gradient", "learning_rate": 0.5, "momentum": 0.0, **given}
    return SimpleMLPClassifier(layers, random_state=0, **rules)


CLIMBS = {
    "mean": regression(),
    "sum": regression(learning_rate=0.01, reduction="sum"),
    "penalty": regression(C=0.1),
    "penalised sum": regression(learning_rate=0.01, C=0.1, reduction="sum"),
    "without intercept": regression(fit_intercept=False),
    "balanced": regression(class_weight="balanced"),
    "overshooting": regression(learning_rate=40.0),
    "network": network(4, activation="tanh"),
    "logistic network": network(3, 2),
    "relu network": network(5, activation="relu", learning_rate=0.1),
    "identity network": network(2, activation="identity"),
    "network with momentum": network(4, momentum=0.9, learning_rate=0.1),
    "network with a penalty": network(4, alpha=0.5),
    "network without intercepts": network(4, fit_intercept=False),
}


def theta_of(est):
    """All parameters in one vector, as the page has them."""
    layers = est._layers
    parts = [part for layer in layers for part in layer[: 1 + est.fit_intercept]]
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", CLIMBS)
def test_steps_are_those_of_fit(javascript, tmp_path, name, n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = scale(X[y >= 3 - n_classes, 1:3])[::4], y[y >= 3 - n_classes][::4]
    est = CLIMBS[name]
    path = tmp_path / "page.html"
    write_climb_page(est, path, X, y)
    problem = model_of(path)
    for rate in [est.learning_rate, est.learning_rate / 10]:
        n = 12
        est.set_params(learning_rate=rate, max_iter=n, tol=0.0)
        quietly(est, X, y)
        curve, theta = javascript("climbed", problem, rate, n)
        np.testing.assert_allclose(curve, est.log_likelihood_curve_, rtol=1e-10)
        size = abs(theta_of(est)).max()
        np.testing.assert_allclose(theta, theta_of(est), rtol=1e-9, atol=1e-11 * size)
        est.set_params(learning_rate=problem["rate"])


def test_the_top_of_a_hill_of_two_parameters(javascript, tmp_path):
    X, y = make_moons(60, noise=0.5, random_state=0)
    est = regression(fit_intercept=False, C=1.0)
    write_climb_page(est, tmp_path / "page.html", X, y)
    problem = model_of(tmp_path / "page.html")
    assert np.abs(javascript("slope", problem, problem["top"])).max() < 1e-5
    write_climb_page(regression(), tmp_path / "page.html", X, y)
    assert model_of(tmp_path / "page.html")["top"] is None


def test_the_estimator_stays_as_it_was(tmp_path):
    X, y = make_moons(60, noise=0.5, random_state=0)
    est = regression(max_iter=3)
    before = est.get_params()
    write_climb_page(est, tmp_path / "page.html", X, y)
    assert est.get_params() == before and not hasattr(est, "classes_")


def test_what_python_has_to_say_takes_the_same_steps(javascript, tmp_path):
    X, y = make_moons(60, noise=0.5, random_state=0)
    est = network(3, activation="tanh", max_iter=77)
    write_climb_page(est, tmp_path / "page.html", X, y)
    problem = model_of(tmp_path / "page.html")
    code = problem["python"].replace("'RATE'", "0.3").replace("'STEPS'", "9")
    same = quietly(eval(code), X, y)
    curve, _ = javascript("climbed", problem, 0.3, 9)
    np.testing.assert_allclose(curve, same.log_likelihood_curve_, rtol=1e-10)


@pytest.mark.parametrize(
    "est, match",
    [
        (GradientAscentLogisticRegression(), "learning_rate='auto'"),
        (regression(batch_size=10), "batch_size=10"),
        (SimpleMLPClassifier((3,), learning_rate=0.1), "solver='adam'"),
        (network(3, early_stopping=True), "early_stopping=True"),
        (network(3, batch_size=59), "batch_size=59"),
        (regression(learning_rate=-1.0), "learning_rate"),
    ],
    ids=str,
)
def test_other_climbs_are_no_steps_of_a_rate(tmp_path, est, match):
    X, y = make_moons(60, noise=0.5, random_state=0)
    with pytest.raises(ValueError, match=match):
        write_climb_page(est, tmp_path / "page.html", X, y)


def test_wrong_data_of_a_climb(tmp_path):
    X, y = make_moons(60, noise=0.5, random_state=0)
    with pytest.raises(ValueError, match="2 features, got 1"):
        write_climb_page(regression(), tmp_path / "page.html", X[:, :1], y)
    with pytest.raises(ValueError, match="one output"):
        write_climb_page(regression(), tmp_path / "page.html", X, np.c_[y, y])
    with pytest.raises(TypeError, match="est must be"):
        write_climb_page(StandardScaler(), tmp_path / "page.html", X, y)


# --- in a browser ---------------------------------------------------------------------

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "google-chrome"])), None)
DRIVER = shutil.which("chromedriver")
DESKTOP, PHONE = (1280, 900), (390, 844)
sizes = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


class Browser:
    """A page in Chromium, at a size, and what a hand does with it."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, size=DESKTOP):
        phone = size == PHONE
        self.do("Emulation.setTouchEmulationEnabled", enabled=phone)
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1 + phone}
        self.do("Emulation.setDeviceMetricsOverride", **screen, mobile=phone)
        self.driver.get(path.as_uri())
        return self

    def do(self, command, **given):
        return self.driver.execute_cdp_cmd(command, given)

    def ask(self, script, *given):
        return self.driver.execute_script(f"return {script}", *given)

    def drawn(self):
        """Wait until what was asked for is on the screen."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def text(self, name):
        return self.ask("document.getElementById(arguments[0]).textContent", name)

    def rectangle(self, name):
        return self.ask(
            "document.getElementById(arguments[0]).getBoundingClientRect().toJSON()",
            name,
        )

    def draw(self, strokes, by):
        """Draw strokes, of points on a pad of 280 by 280, by mouse or touch."""
        box = self.rectangle("pad")
        for stroke in strokes:
            places = [
                {"x": box["left"] + x * k, "y": box["top"] + y * k}
                for k in [box["width"] / 280]
                for x, y in stroke
            ]
            for i, at in enumerate([*places, places[-1]]):
                kind = 0 if i == 0 else 2 if i == len(places) else 1
                if by == "mouse":
                    kinds = "mousePressed", "mouseMoved", "mouseReleased"
                    held = {"button": "left", "buttons": 1, "clickCount": 1}
                    self.do("Input.dispatchMouseEvent", type=kinds[kind], **at, **held)
                else:
                    kinds = "touchStart", "touchMove", "touchEnd"
                    at = [] if kind == 2 else [at]
                    self.do(
                        "Input.dispatchTouchEvent", type=kinds[kind], touchPoints=at
                    )
        self.drawn()

    def key(self, *keys):
        from selenium.webdriver.common.keys import Keys

        element = self.driver.switch_to.active_element
        element.send_keys(*[getattr(Keys, key, key) for key in keys])
        self.drawn()

    def click(self, name):
        self.ask("document.getElementById(arguments[0]).click()", name)
        self.drawn()

    def slide(self, name, value):
        self.driver.execute_script(
            "const slider = document.getElementById(arguments[0]);"
            "slider.value = arguments[1];"
            "slider.dispatchEvent(new Event('input'));",
            name,
            value,
        )
        self.drawn()

    def probabilities(self):
        rows = "[...document.querySelectorAll('[data-probability]')]"
        return self.ask(f"{rows}.map((row) => Number(row.dataset.probability))")

    def is_sound(self):
        """No message of an error, and nothing wider than the screen."""
        assert self.driver.get_log("browser") == []
        element = "document.documentElement"
        assert self.ask(f"{element}.scrollWidth <= {element}.clientWidth")


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver")
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"]:
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A page for digits, the network on it, and its images."""
    X, y = load_digits(return_X_y=True)
    est = SimpleMLPClassifier(
        (16, 8), "tanh", alpha=1.0, max_iter=600, random_state=0
    ).fit(X, y)
    path = tmp_path_factory.mktemp("pages") / "digits.html"
    write_page(est, path, image_shape=(8, 8), X=X, y=y)
    return path, est, X


@sizes
@pytest.mark.slow
def test_drawing_in_a_browser(browser, digits, size):
    path, est, _ = digits
    browser.open(path, size)
    by = "touch" if size == PHONE else "mouse"
    for digit in [1, 4]:  # of a stroke or two
        _, found = drawings(1, seed=1)
        strokes = [[*of[::4], of[-1]] for of in found[digit]]
        browser.click("clear")
        browser.draw(strokes, by)
        seen = browser.ask("strokes")
        assert len(seen) == len(strokes)
        for drawn, meant in zip(seen, strokes):
            assert np.abs(np.subtract(drawn[0], meant[0])).max() < 1.5
            assert np.abs(np.subtract(drawn[-1], meant[-1])).max() < 1.5
        x = browser.ask("[...features(strokes, model.frame)]")
        assert max(x) == 16
        expected = est.predict_proba([x])[0]
        np.testing.assert_allclose(browser.probabilities(), expected, atol=1e-6)
        best = est.classes_[expected.argmax()]
        guess = browser.ask("document.querySelector('.guess').textContent")
        assert f"First guess: {best} ({expected.max():.1%})" in guess
        second = est.classes_[np.argsort(expected)[-2]]
        assert f"Second guess: {second} (" in guess
    browser.click("undo")
    assert len(browser.ask("strokes")) == len(strokes) - 1
    browser.is_sound()


@sizes
@pytest.mark.slow
def test_examples_in_a_browser(browser, digits, size):
    path, est, X = digits
    browser.open(path, size)
    for place in [1, 37, 100]:
        browser.slide("slider", place)
        expected = est.predict_proba(X[place - 1 : place])[0]
        np.testing.assert_allclose(browser.probabilities(), expected, atol=1e-6)
        assert browser.text("which").startswith(f"{place} of 100, labelled ")
    assert browser.ask("document.getElementById('seen').width") == 8
    browser.is_sound()


@pytest.mark.slow
def test_layers_are_lit_and_can_be_hidden(browser, digits):
    path, est, X = digits
    browser.open(path)
    browser.slide("slider", 5)
    from skneuron.inspection import forward_pass

    boxes = "[...document.querySelectorAll('#layers details')]"
    lit = browser.ask(
        f"{boxes}.map((box) => [...box.querySelectorAll('.neuron')]"
        ".map((cell) => Number(cell.title.split(': ')[1])))"
    )
    _, *hidden, _ = forward_pass(est, X[4:5])
    for found, expected in zip(lit, [*hidden, est.decision_function(X[4:5])]):
        np.testing.assert_allclose(found, expected[0], atol=1e-6)
    assert [len(of) for of in lit] == [16, 8, 10]
    colours = browser.ask(
        f"[...{boxes}[0].querySelectorAll('.neuron')].map((c) => c.style.background)"
    )
    assert len(set(colours)) > 4
    height = f"{boxes}[0].getBoundingClientRect().height"
    shown = browser.ask(height)
    browser.ask(f"{boxes}[0].querySelector('summary').click()")
    assert browser.ask(height) < shown / 2


@pytest.mark.slow
def test_drawing_by_keyboard(browser, digits):
    path, est, _ = digits
    browser.open(path)
    browser.key("TAB")
    assert browser.ask("document.activeElement.id") == "pad"
    browser.key("ARROW_UP", "ARROW_UP", "SPACE")
    assert browser.text("said") == "Pen down."
    browser.key(*["ARROW_DOWN"] * 9, "SPACE", "ARROW_LEFT")
    (stroke,) = browser.ask("strokes")
    assert stroke[0] == [140, 120] and stroke[-1] == [140, 210] and len(stroke) == 10
    x = browser.ask("[...features(strokes, model.frame)]")
    expected = est.predict_proba([x])[0]
    np.testing.assert_allclose(browser.probabilities(), expected, atol=1e-6)
    browser.driver.execute_async_script("setTimeout(arguments[0], 700)")
    assert browser.text("said").startswith("First guess: ")  # to a screen reader
    browser.key("BACKSPACE")
    assert browser.ask("strokes") == []
    browser.is_sound()


@pytest.mark.slow
def test_words_for_a_screen_reader(browser, digits):
    path, _, _ = digits
    browser.open(path)
    nodes = browser.do("Accessibility.getFullAXTree")["nodes"]
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    }
    roles = {role for role, _ in named}
    assert {"slider", "button", "status", "rowheader", "heading", "image"} <= roles
    for role, name in named:
        if role in {"slider", "button", "image", "application", "region"}:
            assert name, role
    said = "document.getElementById('said').getAttribute('aria-live')"
    assert browser.ask(said) == "polite"


@sizes
@pytest.mark.slow
def test_other_outputs_in_a_browser(browser, tmp_path, size):
    X, y = images()
    for labels in ["binary", "multilabel", "several"]:
        y_of = LABELS[labels](X, y)
        est = quietly(SimpleMLPClassifier((5,), "relu", max_iter=20), X, y_of)
        write_page(est, tmp_path / "page.html", image_shape=(3, 4), X=X, y=y_of)
        browser.open(tmp_path / "page.html", size)
        browser.slide("slider", 2)
        expected = side_by_side(est.predict_proba(X[1:2]))[0]
        np.testing.assert_allclose(browser.probabilities(), expected, atol=1e-6)
        browser.is_sound()


@pytest.mark.slow
def test_hostile_names_in_a_browser(browser, tmp_path):
    page_of_hostile_names(tmp_path / "page.html")
    browser.open(tmp_path / "page.html", PHONE)
    heads = browser.ask(
        "[...document.querySelectorAll('th')].map((h) => h.textContent)"
    )
    assert HOSTILE in heads
    assert browser.ask("document.title") == HOSTILE
    browser.is_sound()
    climb_page_of_hostile_names(tmp_path / "page.html")
    browser.open(tmp_path / "page.html", PHONE)
    assert HOSTILE in browser.text("keys")
    browser.is_sound()


@sizes
@pytest.mark.slow
def test_climbing_in_a_browser(browser, tmp_path, size):
    X, y = load_iris(return_X_y=True)
    X, y = scale(X[y > 0, :2]), y[y > 0]
    est = regression(fit_intercept=False, learning_rate=0.7)
    write_climb_page(est, tmp_path / "page.html", X, y)
    browser.open(tmp_path / "page.html", size)

    def check(rate, n):
        """That the page is where the estimator gets."""
        same = regression(fit_intercept=False, learning_rate=rate, tol=0.0)
        same = quietly(same.set_params(max_iter=n), X, y)
        theta = [float(of) for of in browser.text("parameters").split(", ")]
        np.testing.assert_allclose(theta, same.coef_[0], rtol=1e-9)
        found = float(browser.text("exact"))
        np.testing.assert_allclose(found, same.log_likelihood_, rtol=1e-10)
        assert browser.text("state").startswith(f"Step {n}: log-likelihood ")
        assert f"learning_rate={rate}" in browser.text("python")
        return same

    for n in [1, 2, 3]:
        browser.click("step")
        check(0.7, n)
    assert "rose by" in browser.text("verdict")
    assert browser.ask("!document.getElementById('hill-figure').hidden")
    last = browser.ask("Number(document.getElementById('slider').max)")
    browser.slide("slider", last)  # overshooting
    rate = browser.ask("Number(document.getElementById('number').value)")
    assert rate > 10 * browser.ask("problem.safe")
    browser.click("step")
    check(rate, 1)
    assert "It fell by" in browser.text("verdict")
    browser.slide("slider", 0)  # too small
    rate = browser.ask("Number(document.getElementById('number').value)")
    assert rate < browser.ask("problem.safe") / 50
    browser.click("step")
    assert check(rate, 1).log_likelihood_ < -60
    browser.click("play")
    assert browser.text("play") == "Pause"
    browser.driver.execute_async_script("setTimeout(arguments[0], 700)")
    browser.click("play")
    assert browser.text("play") == "Play"
    n = browser.ask("state.nSteps")
    assert n > 1
    check(rate, n)
    assert browser.text("said").startswith(f"Step {n}: ")
    browser.click("again")
    assert browser.ask("state.nSteps") == 0
    browser.is_sound()


@sizes
@pytest.mark.slow
def test_a_network_climbs_in_a_browser(browser, tmp_path, size):
    X, y = load_iris(return_X_y=True)
    est = network(3, activation="tanh", learning_rate=0.2)
    write_climb_page(est, tmp_path / "page.html", scale(X[:, 1:3]), y)
    browser.open(tmp_path / "page.html", size)
    for _ in range(5):
        browser.click("step")
    same = quietly(est.set_params(max_iter=5, tol=0.0), scale(X[:, 1:3]), y)
    found = float(browser.text("exact"))
    np.testing.assert_allclose(found, same.log_likelihood_, rtol=1e-10)
    assert browser.ask("document.getElementById('hill-figure').hidden")
    browser.is_sound()


@sizes
@pytest.mark.slow
def test_the_pages_of_the_documentation(browser, tmp_path, live, size):
    live.write_pages(tmp_path)
    pages = sorted(tmp_path.glob("*.html"))
    assert len(pages) == 3
    for page in pages:
        browser.open(page, size)
        browser.is_sound()


def test_neurons_that_share_weights_are_not_drawn(tmp_path):
    X, y = images(n_features=12)
    est = SimpleMLPClassifier((Convolution(2, window=2), 3), image_shape=(3, 4))
    est = quietly(est.set_params(max_iter=2, random_state=0), X, y)
    with pytest.raises(ValueError, match="no Convolution"):
        write_page(est, tmp_path / "page.html", image_shape=(3, 4))
    est = SimpleMLPClassifier((Convolution(2, window=(1, 2)), 3), image_shape=(1, 2))
    est.set_params(solver="gradient", learning_rate=0.1, batch_size=1000)
    with pytest.raises(ValueError, match="no Convolution"):
        write_climb_page(est, tmp_path / "page.html", X[:, :2], y)
