"""What the tests of the Linux backend share; elsewhere they are not collected."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform == "linux":
    from nscore.linux import calls
    from nscore.linux.numbers import NUMBERS

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]

Body = Callable[[], object]
NEWNS, NEWUTS, NEWPID = 0x20000, 0x4000000, 0x20000000


def run_in_child(body: Body) -> None:
    """Run body in a forked child; its exception is printed there and fails the test here."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"


def await_call(pid: int, name: str) -> None:
    """Return when the process sleeps in that system call: its handler is then entered from there, and the call is what it interrupts."""
    number = str(NUMBERS[name])
    while Path(f"/proc/{pid}/syscall").read_text().split()[0] != number:
        os.sched_yield()


@pytest.fixture
def forked() -> Callable[[Body], None]:
    """Run a body in a child, for what would harm the test's own process."""
    return run_in_child


@pytest.fixture
def as_init() -> Callable[[Body], None]:
    """Run a body as PID 1 of fresh PID, mount and UTS namespaces with a /proc of their own; the test is skipped without the right to it."""
    if os.geteuid() != 0:
        pytest.skip("needs root")

    def run(body: Body) -> None:
        def inside() -> None:
            calls.mount(None, "/", None, 0x4000 | 0x40000)
            calls.mount("proc", "/proc", "proc")
            body()

        def outside() -> None:
            calls.unshare(NEWNS | NEWUTS | NEWPID)
            run_in_child(inside)

        run_in_child(outside)

    return run
