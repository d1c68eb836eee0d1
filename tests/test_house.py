"""The house rules: who may import whom, what is documented, how long a file may be."""

import ast
import inspect
import re
import sys
import tokenize
from pathlib import Path

import pytest

import skneuron
from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

HOUSE = Path(skneuron.__file__).parent
TESTS = Path(__file__).parent
FILES = {
    path.relative_to(HOUSE).as_posix(): path for path in sorted(HOUSE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
every_file = pytest.mark.parametrize("name", FILES)
ESTIMATORS = [GradientAscentLogisticRegression, SimpleMLPClassifier]

LONGEST = 300  # lines of code
WHOLE, WHOLE_CORE = 6_137, 3_323


def imports(name, tree=None):
    """Absolute names of the modules that a file imports, anywhere in it."""
    package = ["skneuron", *Path(name).parts[:-1]]
    found = set()
    for node in ast.walk(tree or TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import x` may import a module
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def imported_with_the_package(name):
    """The same, but only of imports that run when the file is imported."""
    tree = ast.parse(FILES[name].read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            node.body = []
    return imports(name, tree)


def room(name):
    return [file for file in FILES if file.startswith(f"{name}/")]


def is_in(module, package):
    return module == package or module.startswith(f"{package}.")


# --- imports --------------------------------------------------------------------------

#: The rooms and files, from the bottom to the top: each looks down alone.
FLOORS = [
    ["_arrays", "_peers", "exceptions"],
    ["_threads"],
    ["_kernels"],
    ["_model", "_ascent"],
    ["_data"],
    ["_estimator", "_separation"],
    ["logistic_regression", "mlp"],
    ["_search", "_show_versions", "inference", "inspection"],
    ["model_selection"],
    ["onnx"],
]
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names}


def room_of(module):
    """The room, or file, of a module of ours: the word after `skneuron.`"""
    return module.split(".")[1] if is_in(module, "skneuron") and "." in module else None


def test_imports_are_found():
    assert "skneuron._model" in imports("_estimator/fit.py")
    assert "skneuron._arrays" in imports("_model/network.py")
    assert room("_model") and room("_ascent") and room("_kernels")
    assert {re.split(r"\.|/", name)[0] for name in FILES} == {*FLOOR, "__init__"}


@every_file
def test_arrows_point_down(name):
    own = re.split(r"\.|/", name)[0]
    for module in imports(name):
        other = room_of(module)
        if own == "__init__" or other is None or other not in FLOOR or other == own:
            continue
        if (name, other) == ("inspection/curves.py", "model_selection"):
            continue
        assert FLOOR[other] < FLOOR[own], module


@pytest.mark.parametrize("name", [*room("_model"), *room("_ascent"), *room("_kernels")])
def test_scikit_learn_is_not_known_below_the_data(name):
    assert not any(is_in(module, "sklearn") for module in imports(name))


#: What the core has of its annexes: whether data are Dask's, and what then reads them.
CORE = ["_estimator", "_data", "_model", "_ascent", "logistic_regression.py", "mlp.py"]


@pytest.mark.parametrize("name", FILES)
def test_the_core_knows_of_dask_whose_data_it_hands_over(name):
    knows = any("_data.dask" in module for module in imports(name))
    if "dask" not in name and knows:
        allowed = {"_estimator/fit.py", "_estimator/predictions.py"}
        assert name in {*allowed, "model_selection.py"}


@every_file
def test_importing_the_package_takes_its_three_dependencies_alone(name):
    allowed = {"numpy", "scipy", "sklearn", "skneuron"} | sys.stdlib_module_names
    assert {module.split(".")[0] for module in imported_with_the_package(name)} <= (
        allowed
    )


# --- files ----------------------------------------------------------------------------


def docstring_lines(tree):
    """The numbers of the lines that docstrings stand on."""
    lines = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and ast.get_docstring(node) is not None
        ):
            lines |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def code_lines(name):
    """How many lines have code: no docstrings, comments or blanks."""
    lines = set()
    with FILES[name].open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in NO_CODE:
                lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(TREES[name]))


NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


@every_file
def test_a_file_fits_in_a_reading(name):
    assert code_lines(name) <= LONGEST


def test_the_house_stays_small():
    lines = {name: code_lines(name) for name in FILES}
    core = {name for name in FILES if name.startswith(tuple(CORE))}
    assert sum(lines.values()) <= WHOLE
    assert sum(lines[name] for name in core if "dask" not in name) <= WHOLE_CORE


def test_the_map_names_every_file():
    text = (TESTS.parent / "docs" / "design.rst").read_text("utf-8")
    house = re.search(r"   skneuron/\n(.*?)\n\n", text, re.DOTALL)[1]
    named, room = set(), ""
    for line in house.splitlines():
        words = re.findall(r"^ {5}( *)(.*)", line)[0]
        if words[1].endswith("/") or "/ " in words[1][:20]:
            room = words[1].split("/")[0] + "/"
        inside = room if words[0] or words[1].startswith(room) else ""
        named |= {inside + file for file in re.findall(r"[\w]+\.py", words[1])}
    assert named == set(FILES)


@pytest.mark.parametrize("name", [*room("_data"), *room("_model"), *room("_ascent")])
def test_tests_mirror_the_private_rooms(name):
    path = Path(name)
    if path.name != "__init__.py" and "dask" not in path.name:
        assert (TESTS / path.parent / f"test_{path.name}").exists()


# --- docstrings -----------------------------------------------------------------------


def public_definitions(body):
    for node in body:
        if isinstance(
            node, (ast.ClassDef, ast.FunctionDef)
        ) and not node.name.startswith("_"):
            yield node


@every_file
def test_every_module_and_all_that_is_public_in_it_has_a_docstring(name):
    assert ast.get_docstring(TREES[name])
    for node in public_definitions(TREES[name].body):
        # A helper of the estimators may be told by its name.
        if (
            name.startswith("_")
            and "/" not in name
            and isinstance(node, ast.FunctionDef)
        ):
            continue
        assert ast.get_docstring(node), node.name


@every_file
def test_first_lines_are_short_sentences(name):
    for node in ast.walk(TREES[name]):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            continue
        docstring = ast.get_docstring(node)
        if docstring:
            first = docstring.splitlines()[0]
            assert first and len(first) <= 88
            assert first[-1] in ".:", first


def sections(docstring):
    """numpydoc's sections: name to text."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def named_in(section):
    """The names that a Parameters or Attributes section describes, in their order."""
    lines = re.findall(r"^([\w*, ]+?)(?: : .*)?$", section, flags=re.MULTILINE)
    return [
        name.strip() for line in lines if line[0] != " " for name in line.split(",")
    ]


def public_methods():
    for estimator in ESTIMATORS:
        for owner in estimator.__mro__:
            if not owner.__module__.startswith("skneuron"):
                continue
            for name, member in vars(owner).items():
                if not name.startswith("_"):
                    # What `available_if` wraps has the function in `fn`.
                    yield f"{estimator.__name__}.{name}", getattr(member, "fn", member)


METHODS = {name: member for name, member in public_methods() if callable(member)}


def test_methods_are_found():
    for name in ["fit", "partial_fit", "predict", "predict_proba", "log_likelihood"]:
        for estimator in ESTIMATORS:
            assert f"{estimator.__name__}.{name}" in METHODS


@pytest.mark.parametrize("name", METHODS)
def test_public_methods_say_what_they_take_and_give(name):
    docstring = inspect.getdoc(METHODS[name])
    assert docstring
    found = sections(docstring)
    parameters = [*inspect.signature(METHODS[name]).parameters][1:]
    if parameters:
        assert named_in(found["Parameters"]) == parameters
    assert "Returns" in found


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimators_describe_parameters_and_attributes(estimator):
    found = sections(inspect.getdoc(estimator))
    parameters = [*inspect.signature(estimator).parameters]
    assert named_in(found["Parameters"]) == parameters
    attributes = named_in(found["Attributes"])
    assert all(name.endswith("_") for name in attributes)
    for name in ["classes_", "n_iter_", "converged_", "n_parameters_"]:
        assert name in attributes
    for name in ["log_likelihood_", "log_likelihood_curve_", "n_features_in_"]:
        assert name in attributes
    assert ">>>" in found["Examples"]
    assert "References" in found


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_docstring_names_the_defaults(estimator):
    text = sections(inspect.getdoc(estimator))["Parameters"]
    for name, parameter in inspect.signature(estimator).parameters.items():
        (line,) = re.findall(rf"^{name} : .*(?:\n[^ ].*)*", text, flags=re.MULTILINE)
        default = parameter.default
        words = {str(default), repr(default), f'"{default}"', f"np.{default}"}
        if isinstance(default, float):
            words |= {f"{default:g}", f"{default:.0e}".replace("e-0", "e-")}
        assert any(line.endswith(f"default={word}") for word in words), line


def test_all_that_the_package_exports_is_there():
    assert set(skneuron.__all__) >= {"GradientAscentLogisticRegression", "__version__"}
    assert all(hasattr(skneuron, name) for name in skneuron.__all__)
