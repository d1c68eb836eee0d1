"""The documentation keeps up with the package: what can be told without building it."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import skneuron

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="no documentation here")


def public_objects():
    """All that a user may import, by its full name."""
    estimators = [
        getattr(skneuron, name) for name in skneuron.__all__ if name != "__version__"
    ]
    found = {f"skneuron.{one.__name__}": one for one in estimators}
    homes = {one.__module__ for one in estimators}  # imported from the package itself
    for info in pkgutil.iter_modules(skneuron.__path__, "skneuron."):
        if info.name in homes or info.name.startswith("skneuron._"):
            continue
        module = importlib.import_module(info.name)
        listed = getattr(module, "__all__", ())
        for name, value in vars(module).items():
            is_own = getattr(value, "__module__", None) == module.__name__
            if name in listed or (is_own and not name.startswith("_")):
                found[f"{module.__name__}.{name}"] = value
    return found


def documented_objects():
    """What api.rst lists, by its full name."""
    module, in_table, found = None, False, {}
    for line in (DOCS / "api.rst").read_text("utf-8").splitlines():
        if match := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = importlib.import_module(match[1])
        if line and not line.startswith(" "):
            in_table = line == ".. autosummary::"
        elif in_table and re.fullmatch(r"   \w+", line):
            found[f"{module.__name__}.{line.strip()}"] = getattr(module, line.strip())
    return found


def test_public_names_are_found():
    found = public_objects()
    assert "skneuron.GradientAscentLogisticRegression" in found
    assert "skneuron.inspection.BackwardPass" in found
    assert "skneuron.onnx.register" in found
    assert "skneuron.inspection.np" not in found


def test_the_reference_has_every_public_name():
    documented = set(documented_objects().values())
    missing = [
        name for name, value in public_objects().items() if value not in documented
    ]
    assert not missing


def test_the_reference_has_nothing_else():
    public = set(public_objects().values())
    documented = documented_objects()
    assert documented
    for name, value in documented.items():
        assert value in public, name
        assert inspect.getdoc(value), name


def test_the_benchmarks_page_shows_every_table():
    page = (DOCS / "benchmarks.rst").read_text("utf-8")
    shown = re.findall(r"include:: _tables/(\w+\.md)\n", page)
    tables = {path.name: path.read_text("utf-8") for path in DOCS.glob("_tables/*.md")}
    assert sorted(shown) == sorted(tables)
    # Whoever reads the page's source finds them, too.
    assert re.findall(r"<_tables/(\w+\.md)>", page) == shown
    assert not [name for name, text in tables.items() if "\n|" not in text]


def test_the_gallery_has_every_example():
    (value,) = [
        node.value
        for node in ast.parse((DOCS / "gallery.py").read_text("utf-8")).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "GALLERY"
    ]
    gallery = ast.literal_eval(value)
    named = {
        f"{section}/plot_{one}.py" for section in gallery for one in gallery[section]
    }
    examples = ROOT / "examples"
    scripts = examples.rglob("plot_*.py")
    assert named == {path.relative_to(examples).as_posix() for path in scripts}
    assert all((examples / name / "GALLERY_HEADER.rst").exists() for name in gallery)


def test_the_references_have_every_source_of_a_docstring():
    page = (DOCS / "references.rst").read_text("utf-8")
    cited = set()
    for name, value in documented_objects().items():
        _, _, section = inspect.getdoc(value).partition("\nReferences\n---")
        years = re.findall(r"\b(?:19|20)\d\d\b", section.partition("\nExamples\n")[0])
        cited |= {(name, year) for year in years}
    assert len(cited) > 10
    assert not [(name, year) for name, year in cited if f"({year})" not in page]


def test_links_of_the_readme_lead_somewhere():
    readme = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]
    assert len(readme.splitlines()) <= 150


def test_every_page_is_in_a_table_of_contents():
    pages = {
        path.relative_to(DOCS).with_suffix("").as_posix()
        for folder in [DOCS, DOCS / "guide", DOCS / "lecture"]
        for path in folder.glob("*.rst")
    } - {"index"}
    listed = set()
    for index in [DOCS, DOCS / "guide", DOCS / "lecture"]:
        text = (index / "index.rst").read_text("utf-8")
        for tree in re.findall(r"\.\. toctree::\n((?:   .*\n|\n)+)", text):
            names = re.findall(r"^   (?:.*<)?([\w/]+)>?$", tree, flags=re.M)
            listed |= {(index / name).relative_to(DOCS).as_posix() for name in names}
    assert not pages - listed
