"""What tests of the wishes of run() share: the scenes by name, and what a command tells and its caller keeps."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nscore.running import run

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

SCENES: dict[str, Callable[[], None]] = {}


def scene(body: Callable[[], None]) -> Callable[[], None]:
    """Register one under its name."""
    SCENES[body.__name__] = body
    return body


def told(words: str, **options: Any) -> list[str]:
    """What a shell says, by lines; its errors are ours."""
    done = run(["sh", "-c", words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return list(done.stdout.splitlines())


def refused(path: object) -> list[str]:
    return [f"touch: cannot touch '{path}': Read-only file system"]


@contextmanager
def folder() -> Iterator[Path]:
    """A directory of one's own, which is the current one of nobody."""
    with tempfile.TemporaryDirectory(prefix="nscore-furnished-") as name:
        (Path(name) / "sub").mkdir()
        (Path(name) / "file").write_text("outside\n")
        yield Path(name).resolve()


def state() -> tuple[object, ...]:
    """What a command must not change for its caller."""
    return Path("/proc/self/mountinfo").read_text(), socket.gethostname(), len(os.listdir("/proc/self/fd")), os.getcwd()


@contextmanager
def nothing_changed() -> Iterator[None]:
    """The caller has the mounts, name, descriptors and children that he had."""
    run(["true"])  # the keeper, with its descriptors; and the guard
    run(["true"], init=False)
    before = state()
    yield
    assert state() == before, (before, state())
    with suppress(ChildProcessError):
        raise AssertionError(f"a child is left: {os.waitpid(-1, os.WNOHANG)}")
