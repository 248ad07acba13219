"""Broken lines of the model, each of which the case of its rule must notice.

A row is a rule, a file, a line of the model as it stands and the broken line.  In every run each row still matches exactly once
(test_mutants.py); `python3 -m tests.long mutants` applies each in a copy, and that rule's own cases must fail there by an assertion.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken line: the text before and after, without indentation."""

    rule: str
    file: str
    line: str
    broken: str

    def matches(self) -> int:
        """How often the line stands in the file."""
        return sum(line.strip() == self.line for line in (ROOT / "nscore_sim" / self.file).read_text().splitlines())

    def apply(self, tree: Path) -> None:
        """Break the line in a copy of the project."""
        path = tree / "nscore_sim" / self.file
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line.replace(self.line, self.broken) if line.strip() == self.line else line for line in lines))


#: See the module's docstring.
MUTANTS: tuple[Mutant, ...] = ()


def copy_project(tree: Path) -> None:
    """What the cases need, in a folder of its own."""
    for top in ("nscore", "nscore_sim", "conformance"):
        shutil.copytree(ROOT / top, tree / top, ignore=shutil.ignore_patterns("__pycache__"))


def survivor(mutant: Mutant) -> str | None:
    """None if the rule's cases notice the broken line, otherwise what they said."""
    with tempfile.TemporaryDirectory(prefix="nscore-mutant-") as folder:
        tree = Path(folder)
        copy_project(tree)
        mutant.apply(tree)
        command = [sys.executable, "-m", "conformance", "--backend", "sim", "-k", mutant.rule]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120, check=False)
    noticed = done.returncode == 1 and any(word in done.stdout for word in ("AssertionError", "Blocked", "Gone"))
    return None if noticed else f"{mutant.rule} in {mutant.file}: {mutant.broken!r}: {done.stdout[-300:]}{done.stderr[-300:]}"


def main(rows: Sequence[Mutant] = MUTANTS) -> int:
    """Apply each; how many nobody noticed."""
    survivors = [text for mutant in rows if (text := survivor(mutant)) is not None]
    print("\n".join(survivors))
    print(f"{len(rows)} mutants, {len(survivors)} survive")
    return len(survivors)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
