"""How tests run a part of themselves as an ordinary user: in a copy that he can read, by an interpreter that he can run."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.check import Skipped

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
#: Interpreters of the system's, which everybody can run.
SYSTEM = ("/usr/bin/python3", "/usr/local/bin/python3")
WANTED = "import sys; sys.exit(sys.version_info < (3, 10))"


class Place:
    """Where a part of the tests runs, and as whom.

    Attributes:
        python: The interpreter.
        root: The tree that it imports from.
        options: What subprocess.Popen needs for it.
    """

    def __init__(self, python: str, root: Path, options: dict[str, Any]) -> None:
        self.python, self.root, self.options = python, root, options

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start a module with its arguments."""
        return subprocess.Popen([self.python, "-m", *words], cwd=self.root, text=True, **self.options, **more)

    def answer(self, *words: str, timeout: float = 600) -> Any:
        """What a module prints at its end, as JSON."""
        process = self.start(*words, stdout=subprocess.PIPE)
        with process:
            try:
                out, _ = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise RuntimeError(f"{words} ended with {process.returncode}")
        return json.loads(out)


#: The caller himself, with the tree as it stands.
HERE = Place(sys.executable, ROOT, {})


def copied(tree: Path) -> None:
    """Copy what such a part needs, so that everybody can read it."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("nscore", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


#: Loops of events that the system's interpreter may lack, and what they need; all of it plain Python.
LOOPS = ("trio", "attr", "attrs", "outcome", "sniffio", "sortedcontainers", "idna")


def with_loops(tree: Path) -> None:
    """Copy what the caller has of them."""
    for name in LOOPS:
        found = importlib.util.find_spec(name)
        if found is not None and found.submodule_search_locations:
            shutil.copytree(found.submodule_search_locations[0], tree / name, ignore=shutil.ignore_patterns("__pycache__"))


@functools.cache
def system_python() -> str:
    """An interpreter of the system's that is new enough."""
    for path in SYSTEM:
        if os.access(path, os.X_OK) and subprocess.run([path, "-c", WANTED], check=False).returncode == 0:
            return path
    raise Skipped(f"needs an interpreter that an ordinary user can run: {' or '.join(SYSTEM)}, 3.10 or later")


@contextmanager
def as_nobody() -> Iterator[Place]:
    """A place where everything runs as nobody; for an ordinary user, who cannot become nobody, as himself."""
    if sys.platform != "linux" or os.geteuid():
        yield HERE
        return
    python = system_python()
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(prefix="nscore-nobody-") as folder:
        with_loops(Path(folder))
        copied(Path(folder))
        # As installed: a stub of nobody's would compile what it imports each time.
        subprocess.run([python, "-m", "compileall", "-q", "nscore"], cwd=folder, check=True)
        yield Place(python, Path(folder), {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": environment})


def needs_namespaces(place: Place) -> None:
    """Skip where who runs there can have no PID namespace."""
    why = place.answer("tests.running.ordinary")
    if why:
        raise Skipped(f"an ordinary user has no namespaces here: {why}")


def main() -> None:
    """Print why there are no namespaces for whoever runs this, or an empty text."""
    from nscore import Unavailable
    from nscore.running import run

    try:
        run(["true"])
    except Unavailable as why:
        print(json.dumps(str(why)))
    else:
        print('""')


if __name__ == "__main__":
    main()
