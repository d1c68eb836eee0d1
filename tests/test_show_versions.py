"""What an error report should say."""

import subprocess
import sys

import pytest
import sklearn

import skneuron
from skneuron import _kernels


@pytest.fixture
def versions(capsys):
    """Gives what is printed."""

    def printed():
        assert skneuron.show_versions() is None
        return capsys.readouterr().out

    return printed


def test_it_prints_the_versions(versions):
    printed = versions()
    assert f"skneuron: {skneuron.__version__}\n" in printed
    assert f"sklearn: {sklearn.__version__}\n" in printed
    assert sys.executable in printed
    assert "openblas" in printed.lower() or "threadpoolctl info" in printed


def test_it_says_whether_there_is_a_core(versions, monkeypatch):
    built = _kernels.compiled_with()
    assert (built is not None) == _kernels.available()
    assert f"Compiled core: {built or 'not built'}" in versions()
    monkeypatch.setattr(_kernels, "_core", None)
    assert "Compiled core: not built" in versions()


def test_it_says_how_many_threads_there_are(versions, monkeypatch):
    monkeypatch.setattr("skneuron._show_versions.n_threads", lambda: 17)
    assert "Threads: 17\n" in versions()


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
