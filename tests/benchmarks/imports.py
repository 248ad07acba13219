"""import nscore, as whole processes."""

from __future__ import annotations

import statistics
import subprocess
import sys

from tests.benchmarks.figure import Figure, alternate, figure, median_ratio


@figure
def import_nscore() -> list[Figure]:
    """`python -c 'import nscore'` against `python -c 'import subprocess'`."""

    def run(module: str) -> None:
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)

    ours, theirs = alternate(15, lambda: run("nscore"), lambda: run("subprocess"))
    return [Figure("import nscore / import subprocess", median_ratio(ours, theirs), 2.5, "x", statistics.median(ours) * 1e6)]
