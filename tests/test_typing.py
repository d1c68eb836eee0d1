"""What a type checker learns of the package, from stubs that are held to the code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import skneuron

HOUSE = Path(skneuron.__file__).parent
TESTS = Path(__file__).parent
INSTALLED = "site-packages" in HOUSE.parts

#: A user's: it is checked, and runs.
PROGRAM = """
from typing import assert_type

import numpy as np
from sklearn.datasets import make_classification

from skneuron import Convolution, GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.exceptions import SeparationWarning
from skneuron.inference import MLESummary, compare, mle_summary, separation
from skneuron.inspection import BackwardPass, backward_pass, check_gradient
from skneuron.model_selection import LockstepSearchCV


def likeliest(model: GradientAscentLogisticRegression, X: list[list[float]]) -> float:
    probabilities: np.ndarray = model.predict_proba(X)
    return float(probabilities.max())


X, y = make_classification(300, 4, n_redundant=0, random_state=0)
clf = GradientAscentLogisticRegression(C=np.inf, random_state=0).fit(X, y)
assert_type(clf, GradientAscentLogisticRegression)
number: float = clf.log_likelihood(X, y) + clf.log_likelihood_ + clf.score(X, y)
assert isinstance(number, float) and isinstance(clf.n_iter_ + 0, int)
assert likeliest(clf, [[0.0, 1.0, 2.0, 3.0]]) <= 1
layers = Convolution(2, window=2), 3
assert_type(layers, tuple[Convolution, int])
net = SimpleMLPClassifier(
    layers, image_shape=(2, 2), max_iter=500, random_state=0
).fit(X, y)
assert_type(net, SimpleMLPClassifier)
assert_type(net.alpha_, float)
by_hand = SimpleMLPClassifier.from_weights([np.eye(2), [[1], [1]]], [[0, 0], [0]])
assert_type(by_hand, SimpleMLPClassifier)
summary = mle_summary(clf, X, y, cov_type="HC1")
assert_type(summary, MLESummary)
assert_type(summary.lr_p_value, float)
assert isinstance(summary.lr_p_value, float) and summary.z.shape == (5,)
smaller = GradientAscentLogisticRegression().fit(X[:, :2], y)
assert_type(compare(smaller, clf, (X[:, :2], X), y).p_value, float)
assert separation(X, y).kind == "none"
assert_type(backward_pass(clf, X, y), BackwardPass)
assert check_gradient(clf, X, y) < 1e-4
search = LockstepSearchCV(clf, {"C": [0.1, 1.0]}).fit(X, y)
assert_type(search, LockstepSearchCV)
assert issubclass(SeparationWarning, UserWarning)
"""

#: What it must not say, and what mypy is to say of it.
WRONG = {
    'GradientAscentLogisticRegression(solver="adam")': "arg-type",
    "GradientAscentLogisticRegression(rate=1.0)": "call-arg",
    "SimpleMLPClassifier(activation=3)": "arg-type",
    "clf.fit(X)": "call-arg",
    "clf.predict_proba(X).no_such_method()": "union-attr",
    'mle_summary(clf, X, y, cov_type="HC7")': "arg-type",
    "summary.no_such_figure": "attr-defined",
    'check_gradient("clf", X, y)': "arg-type",
}


def run(*command, folder):
    """A program of Python's, in a folder, that knows the package as we do."""
    found = {} if INSTALLED else {"PYTHONPATH": str(HOUSE.parent)}
    # What is installed needs no telling; mypy refuses to be told of it.
    found |= {} if INSTALLED else {"MYPYPATH": str(HOUSE.parent)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **found},
        capture_output=True,
        text=True,
    )


def test_checkers_are_told_that_there_are_types():
    assert (HOUSE / "py.typed").exists()
    for name in ("logistic_regression", "mlp", "inference/__init__"):
        assert (HOUSE / f"{name}.pyi").exists()


@pytest.mark.slow
def test_the_program_of_a_user_runs(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    found = run("-W", "error", "program.py", folder=tmp_path)
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
def test_the_program_of_a_user_is_checked(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed: the `dev` extra has it")
    (tmp_path / "program.py").write_text(PROGRAM + "\n".join(WRONG))
    options = "--strict", "--ignore-missing-imports", "--follow-imports=silent"
    found = run("-m", "mypy", *options, "program.py", folder=tmp_path).stdout
    lines = [line for line in found.splitlines() if ": error: " in line]
    first = PROGRAM.count("\n") + 1
    wanted = [(str(first + i), f"[{code}]") for i, code in enumerate(WRONG.values())]
    assert [(of.split(":")[1], of.split()[-1]) for of in lines] == wanted, found


@pytest.mark.slow
def test_the_stubs_say_what_the_code_has():
    pytest.importorskip("mypy", reason="mypy is not installed: the `dev` extra has it")
    names = [
        ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts)
        for path in sorted(HOUSE.rglob("*.pyi"))
        if path.stem != "_typing"  # which is not there when the code runs
    ]
    names = [name.removesuffix(".__init__") for name in names]
    told = "--mypy-config-file", TESTS.parent / "pyproject.toml"
    told = *told, "--allowlist", TESTS / "untyped.txt"
    command = "-m", "mypy.stubtest", *names, "--concise", *map(str, told)
    found = run(*command, folder=HOUSE.parent)
    assert found.returncode == 0, found.stdout + found.stderr
