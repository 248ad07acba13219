"""CPython's own tests of subprocess with nscore in its place: by each interpreter that is here, as root and as nobody."""

from __future__ import annotations

import glob
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nscore.flags import CloneFlag, MountFlag
from tests.check import Outcome, Skipped, check, need_linux, scaled
from tests.running.cpython import MODULE, worse
from tests.running.ordinary import NOBODY, ROOT, SYSTEM, Place, copied, needs_namespaces

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform == "linux":
    from nscore.linux import calls

#: Interpreters of those versions are wanted.
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
#: What an interpreter says of itself.
PROBE = f"""
import importlib.util as u, json, os, sys
tests = bool(u.find_spec("test") and u.find_spec({MODULE!r}))
print(json.dumps(["%d.%d" % sys.version_info[:2], os.path.realpath(sys.executable), os.path.realpath(sys.base_prefix), tests]))
"""


@dataclass(frozen=True)
class Interpreter:
    """One that is here: its version, file and prefix, and whether CPython's tests come with it."""

    version: str
    path: str
    prefix: str
    tests: bool


def candidates() -> Iterator[str]:
    """Where interpreters may be: those that NSCORE_PYTHONS names, this one, pyenv's, the system's."""
    yield from filter(None, os.environ.get("NSCORE_PYTHONS", "").split(os.pathsep))
    yield sys.executable
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from sorted(glob.glob(f"{pyenv}/versions/*/bin/python3"))
    yield from SYSTEM


def interpreters() -> list[Interpreter]:
    """Those of the versions that are wanted, each once."""
    found: dict[str, Interpreter] = {}
    for path in candidates():
        if os.access(path, os.X_OK):
            said = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False).stdout
            if said:
                interpreter = Interpreter(*json.loads(said))
                found[interpreter.path] = interpreter
    return sorted((one for one in found.values() if one.version in VERSIONS), key=lambda one: (VERSIONS.index(one.version), one.path))


def lacking(here: list[Interpreter]) -> list[str]:
    """What cannot be run, and why."""
    without = [f"{one.path} ({one.version}) has no {MODULE}" for one in here if not one.tests]
    there = {one.version for one in here if one.tests}
    return without + [f"{version} is not here with its tests" for version in VERSIONS if version not in there]


@contextmanager
def as_nobody(interpreter: Interpreter) -> Iterator[Place]:
    """A place where nobody runs that interpreter."""
    with tempfile.TemporaryDirectory(prefix="nscore-nobody-") as folder:
        copied(Path(folder))
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"}
        yield Place(interpreter.path, Path(folder), {"env": environment, "preexec_fn": partial(drop, interpreter.prefix)})


def drop(prefix: str) -> None:
    """In a child, before its exec: become nobody, in a mount namespace where nobody reaches that folder, by its own name."""
    calls.unshare(CloneFlag.NEWNS)
    calls.mount(None, "/", None, MountFlag.REC | MountFlag.PRIVATE)
    for folder in reversed(Path(prefix).parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            fd = os.open(prefix, os.O_PATH)
            calls.mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
            os.makedirs(prefix)
            calls.mount(f"/proc/self/fd/{fd}", prefix, None, MountFlag.BIND | MountFlag.REC)
            break
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def places(interpreter: Interpreter) -> Iterator[tuple[str, Place]]:
    """Who runs it: the caller and, where that is root, nobody."""
    yield "root" if os.geteuid() == 0 else "an ordinary user", Place(interpreter.path, ROOT, {})
    if os.geteuid() == 0:
        with as_nobody(interpreter) as place:
            needs_namespaces(place)
            yield "nobody", place


@check
def cpython(scale: float) -> Outcome:
    """CPython's own tests of subprocess by each of 3.10 to 3.13, as root and as nobody: what passes with it passes with ours."""
    need_linux()
    here = interpreters()
    able = [one for one in here if one.tests]
    if not able:
        raise Skipped("; ".join(lacking(here)))
    figures, failures = lacking(here), []
    for interpreter in able[: scaled(len(able), scale)]:
        for who, place in places(interpreter):
            counts, failed = worse(place, whole=True)
            figures.append(f"{interpreter.version} as {who}: {counts}")
            failures += [f"{interpreter.path} as {who}: {failure}" for failure in failed]
    return "; ".join(figures), failures
