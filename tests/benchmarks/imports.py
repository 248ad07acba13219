"""import nscore, as whole processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

from tests.benchmarks.figure import Figure, alternate, figure, median_ratio


@figure
def import_nscore() -> list[Figure]:
    """`python -c 'import nscore'` against `python -c 'import subprocess'`, both compiled before, as what is installed is."""
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        env.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(module: str) -> None:
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=env)

        for module in ("nscore", "subprocess"):
            run(module)
        ours, theirs = alternate(15, lambda: run("nscore"), lambda: run("subprocess"))
    return [Figure("import nscore / import subprocess", median_ratio(ours, theirs), 2.5, "x", statistics.median(ours) * 1e6)]
