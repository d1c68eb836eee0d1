"""The compiled core: built where there is a C compiler, and left out where not."""

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = "skneuron/_kernels"
SOURCES = "_core.pyx", "kernels.c", "newton.c", "team.c"
FLAGS = [
    "-std=c11",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fopenmp-simd",  # the loops that are marked for it become vectors; no OpenMP
    "-pthread",
]

MISSING = """
*** {} was not built: {}
*** skneuron works without it, only slower. To build it takes a C compiler, such as gcc,
*** and the headers of Python. skneuron.show_versions() says whether it is there.
"""


def core():
    """The extension. None on Windows: its compiler has neither atomics nor threads."""
    if sys.platform == "win32":
        return []
    from Cython.Build import cythonize

    return cythonize(
        Extension(
            "skneuron._kernels._core",
            [f"{FOLDER}/{name}" for name in SOURCES],
            depends=[path.as_posix() for path in Path(FOLDER).glob("*.h")],
            extra_compile_args=FLAGS,
            extra_link_args=["-pthread"],
        )
    )


class BuildIfPossible(build_ext):
    """An extension that cannot be built is left out, whatever was built before."""

    def run(self):
        folders = [self.build_lib]
        if self.inplace or self.editable_mode:
            folders.append(".")
        for ext in self.extensions:
            name = self.get_ext_filename(self.get_ext_fullname(ext.name))
            for folder in folders:
                Path(folder, name).unlink(missing_ok=True)
        super().run()

    def build_extension(self, ext):
        try:
            super().build_extension(ext)
        except Exception as error:
            ext.optional = True  # then nobody looks for its file
            print(MISSING.format(ext.name, error), file=sys.stderr)


setup(ext_modules=core(), cmdclass={"build_ext": BuildIfPossible})
