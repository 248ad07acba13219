"""python3 -m tests.benchmarks [--json] [NAME...]: each figure a ratio of runs that alternate, with the absolute time beside it.

No assertion: machines are noisy.  A missed aim is printed as such.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys

from tests.benchmarks import imports, sim
from tests.benchmarks.figure import FIGURES


def main(argv: list[str] | None = None) -> int:
    """Measure what is named, or all that this host can."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.benchmarks", description="Figures, as ratios of alternating runs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    figures = [figure for name in options.names or FIGURES for figure in FIGURES[name]()]
    if options.json:
        print(json.dumps([figure.as_dict() for figure in figures], indent=1))
    else:
        print(f"Python {platform.python_version()}, {platform.system()} {platform.release()}")
        print("\n".join(map(str, figures)))
    missed = sum(not figure.met for figure in figures)
    print(f"{len(figures)} figures, {missed} miss their aim", file=sys.stderr)
    return 0


#: Whoever is imported has registered its figures.
MODULES = [imports, sim]
if sys.platform == "linux":
    from tests.benchmarks import linux, running

    MODULES += [linux, running]

if __name__ == "__main__":
    sys.exit(main())
