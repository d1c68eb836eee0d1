#!/usr/bin/env bash
# The compiled core under gcc's sanitizers, in a copy: its tests with those of addresses
# and of undefined behaviour, and its team of threads with that of races.
#
#     tests/sanitize.sh [PYTHON]
#
# PYTHON, .venv/bin/python by default, has skneuron's `test` extra.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${1:-.venv/bin/python}
python=$(realpath -s "$(command -v "$python")")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r setup.py pyproject.toml README.md LICENSE skneuron tests "$scratch"
cd "$scratch"

echo "--- races"
gcc -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=thread -Wall -Wextra -Werror -pthread \
    -Iskneuron/_kernels tests/_kernels/team_driver.c skneuron/_kernels/team.c -o races
./races one-process

echo "--- addresses, undefined behaviour"
"$python" -m pip install -q --target tools "setuptools>=77" "cython>=3.1"
# Which clone of a function is right is asked before a sanitizer is ready to be asked.
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
PYTHONPATH=tools CC=gcc CFLAGS="$sanitizers -fno-omit-frame-pointer -DNO_CLONES" \
    LDFLAGS=$sanitizers "$python" setup.py -q build_ext --inplace
grep -q __asan_ skneuron/_kernels/_core.*.so
grep -q __ubsan_ skneuron/_kernels/_core.*.so
# Python itself has none of it. SciPy throws exceptions of C++, and these have to be
# known before the sanitizer is.
export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so)"
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
export PYTHONMALLOC=malloc PYTHONPATH=.
"$python" -c "from skneuron._kernels import available; assert available()"
"$python" -m pytest -q -n 2 -p no:cacheprovider tests/_kernels
"$python" -m tests.fuzz --cases 200 --seed 0
