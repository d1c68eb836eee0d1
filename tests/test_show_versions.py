"""What an error report should say."""

import subprocess
import sys

import sklearn

import skneuron
from skneuron import _kernels
from skneuron._show_versions import versions


def test_it_prints_the_versions(capsys):
    assert skneuron.show_versions() is None
    printed = capsys.readouterr().out
    assert printed == versions() + "\n"
    assert f"skneuron: {skneuron.__version__}\n" in printed
    assert f"scikit-learn: {sklearn.__version__}\n" in printed
    assert sys.executable in printed
    assert "openblas" in printed.lower() or "threadpoolctl info" in printed


def test_it_says_whether_there_is_a_core(monkeypatch):
    built = _kernels.compiled_with()
    assert (built is not None) == _kernels.available()
    assert f"Compiled core: {built or 'not built'}" in versions()
    monkeypatch.setattr(_kernels, "_core", None)
    assert "Compiled core: not built" in versions()


def test_it_says_how_many_threads_there_are(monkeypatch):
    monkeypatch.setattr("skneuron._show_versions.n_threads", lambda: 17)
    assert "Threads: 17\n" in versions() + "\n"


def test_it_imports_nothing_heavy():
    code = """
import sys
import skneuron
before = set(sys.modules)
skneuron.show_versions()
print({"torch", "dask", "onnx", "pandas"} & (set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"
