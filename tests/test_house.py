"""The house rules: who may import whom, what is documented, how long a file may be."""

import ast
import inspect
import re
import sys
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

LONGEST = 450  # lines without docstrings
LONGEST_BY_NAME = {"_estimator.py": 700}


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


def test_imports_are_found():
    assert "skneuron._model" in imports("_estimator.py")
    assert "skneuron._model.moments" in imports("_model/standardised.py")
    assert "skneuron._arrays" in imports("_model/network.py")
    assert room("_model") and room("_ascent") and room("_kernels")


@pytest.mark.parametrize("name", room("_model"))
def test_the_model_knows_nothing_of_the_ascent_nor_of_scikit_learn(name):
    for module in imports(name):
        assert not is_in(module, "skneuron._ascent")
        assert not is_in(module, "sklearn")


@pytest.mark.parametrize("name", room("_ascent"))
def test_the_ascent_knows_nothing_of_the_model_nor_of_scikit_learn(name):
    for module in imports(name):
        assert not is_in(module, "skneuron._model")
        assert not is_in(module, "sklearn")


#: Where each private room may look, besides itself.
BELOW = {
    "_arrays": [],
    "_kernels": ["_arrays", "_threads"],
    "_model": ["_arrays", "_kernels"],
    "_ascent": ["_arrays"],
}


@pytest.mark.parametrize(
    "name", [file for file in FILES if re.split(r"\.|/", file)[0] in BELOW]
)
def test_private_rooms_do_not_look_out(name):
    own = name.removesuffix(".py").split("/")[0]
    for module in imports(name):
        if module != "skneuron" and is_in(module, "skneuron"):
            assert any(is_in(module, f"skneuron.{at}") for at in [own, *BELOW[own]])


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


@every_file
def test_a_file_fits_in_a_reading(name):
    n_lines = len(FILES[name].read_text("utf-8").splitlines())
    n_lines -= len(docstring_lines(TREES[name]))
    assert n_lines <= LONGEST_BY_NAME.get(name, LONGEST)


@pytest.mark.parametrize("name", [*room("_model"), *room("_ascent")])
def test_tests_mirror_the_private_rooms(name):
    path = Path(name)
    if path.name != "__init__.py":
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
