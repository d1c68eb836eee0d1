"""Random fits, one after another, in which memory does not grow.

    python -m tests.soak --minutes 60

The cases are those of `tests/fuzz.py`, the same few over and over: what a case takes
for the first time, such as a library that is loaded, is no growth. Linux only.
"""

import argparse
import gc
import os
import sys
import time
from pathlib import Path

#: Cases in a round, and how much more memory the last rounds may hold than the first
#: ones after the warm-up, in bytes: allocators keep some of what was free.
ROUND, ALLOWED = 40, 16 << 20


def resident():
    """The memory that this process holds, in bytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    import fuzz

    ends, held = time.monotonic() + 60 * given.minutes, []
    while len(held) < 4 or time.monotonic() < ends:
        for number in range(ROUND):
            found = fuzz.run(given.seed, number)
            if found:
                print(found)
                return 1
        held.append(resident())
        if len(held) & (len(held) - 1) == 0:
            print(f"round {len(held)}: {held[-1] / 2**20:.1f} MiB", flush=True)
    third = max(1, len(held) // 3)
    before, after = min(held[third : 2 * third]), min(held[-third:])
    print(f"{len(held)} rounds of {ROUND} cases; {(after - before) / 2**20:+.1f} MiB")
    return int(after - before > ALLOWED)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
