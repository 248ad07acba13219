"""What shows that nothing of a command is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from typing import Any

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

#: In a shell: what leaves something behind that does not end by itself, unless it is ended.
ESCAPES = "setsid sleep 1000 & "


class Witness:
    """A pipe that whatever comes of a command holds open."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.pipe()
        #: An option of Popen.
        self.passed: Any = {"pass_fds": (self.theirs,)}

    def alone(self) -> bool:
        """Whether nobody holds it any more, now."""
        os.close(self.theirs)
        poll = select.poll()
        poll.register(self.ours, select.POLLIN)
        answer = bool(poll.poll(0)) and not os.read(self.ours, 1)
        os.close(self.ours)
        return answer


@contextlib.contextmanager
def nothing_left() -> Iterator[Any]:
    """Options of a command of which nothing is left after the with block, no child, no descriptor and no blocked signal either."""
    before, mask = descriptors(), mask_of_signals()
    witness = Witness()
    yield witness.passed
    assert witness.alone(), "something of the command lives"
    assert_childless()
    assert descriptors() == before, f"{before} descriptors before, {descriptors()} after"
    assert mask_of_signals() == mask, f"blocked signals before: {mask}, after: {mask_of_signals()}"


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def mask_of_signals() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def assert_childless(when: str = "") -> None:
    with contextlib.suppress(ChildProcessError):
        raise AssertionError(f"a child is left: {os.waitpid(-1, os.WNOHANG)} {when}")
