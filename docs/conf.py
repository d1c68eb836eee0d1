"""Sphinx's settings. The site is built, and read, without a network."""

import inspect
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

import skneuron

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # gallery.py and live.py

from gallery import EXAMPLES, GALLERY, cut_thumbnails  # noqa: E402

project = "skneuron"
author = copyright = "the skneuron developers"
version = release = skneuron.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",  # benchmarks.rst includes tables in Markdown
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.plot_directive",
]
exclude_patterns = ["_build", "_tables"]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext"}
default_role = "literal"

# Every link must lead somewhere. Those to other projects would need their inventories,
# and so a network: they stay names.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(sklearn|numpy|scipy|pandas|matplotlib|statsmodels)\..*"),
    ("py:.*", r"(BaseEstimator|ndarray|NeuronClassifier|GridSearchCV)"),
]
# Properties of scikit-learn's search, whose docstrings point into its glossary.
nitpick_ignore = [("py:obj", "classes_"), ("py:obj", "n_features_in_")]
suppress_warnings = ["ref.term"]

autosummary_generate = True
# Beside the function separation, on a disk that does not tell cases apart.
autosummary_filename_map = {
    "skneuron.inference.Separation": "skneuron.inference.Separation.class"
}
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autodoc_inherit_docstrings = False
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

plot_include_source = True
plot_html_show_source_link = plot_html_show_formats = False
plot_formats = [("png", 120)]

# MathJax in one file, fonts included, from the Python package that carries it.
mathjax_path = "tex-svg.js"
html_static_path = ["_static", str(files("mathjax") / "static/mathjax/es5/tex-svg.js")]

html_theme = "pydata_sphinx_theme"
html_title = "skneuron"
html_css_files = ["site.css"]
html_theme_options = {
    "logo": {"text": "skneuron"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    "index": [],
    "start": [],
    "benchmarks": [],
    "glossary": [],
    "references": [],
    "design": [],
}
html_show_sourcelink = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"quickstart\.py$",
    "subsection_order": ExplicitOrder([f"../examples/{name}" for name in GALLERY]),
    "within_subsection_order": ExplicitOrder(EXAMPLES),
    # Under each name of the API, the examples that use it.
    "doc_module": ("skneuron",),
    "backreferences_dir": "generated/examples",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "capture_repr": (),
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": float("inf"),  # what a build takes is of no use to a reader
    "write_computation_times": False,  # its page loads a table from a network
}


def add_pages(app, exception):
    """Add the pages to play with, and the tables, to what Sphinx has written."""
    if exception is None and app.builder.format == "html":
        from live import write_pages

        write_pages(Path(app.outdir, "pages"))
        shutil.copytree(
            Path(app.srcdir, "_tables"), Path(app.outdir, "_tables"), dirs_exist_ok=True
        )


def show_parameters(app, what, name, thing, *rest):
    """The signature of a class is that of its `__init__`, not of its `__new__`."""
    return (str(inspect.signature(thing)), None) if what == "class" else None


def setup(app):
    app.connect("autodoc-process-signature", show_parameters)
    app.connect("builder-inited", cut_thumbnails, priority=900)  # after the gallery
    app.connect("build-finished", add_pages)
