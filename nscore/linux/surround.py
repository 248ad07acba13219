"""What a process gives itself before it makes a command: the namespaces beside the PID namespace, with what is to be in them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import chroot, close, mount, move_mount, sethostname, setns, unshare
from nscore.linux.calls.creation import NEWNS, NEWUTS
from nscore.linux.init import MS_REC

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Spawn(Protocol):
        """Creates the child by subprocess's own code, with some of its arguments changed, and returns its PID."""

        @property
        def arguments(self) -> dict[str, Any]: ...

        def __call__(self, **changes: Any) -> int: ...


MS_SLAVE = 1 << 19
AT_FDCWD, MOVE_MOUNT_F_EMPTY_PATH = -100, 4
EINVAL = 22
PATH = os.O_PATH | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Options:
    """What a namespace is to have, by the keywords of run()."""

    init: bool = True
    proc: bool = True
    hostname: str | None = None
    #: Whether the keeper is to end the namespace when the command ends: needless where its caller waits for nothing else.
    watch: bool = True


class Refused(Exception):
    """The kernel refused a step on the way into the namespace."""

    def __init__(self, step: str, error: OSError) -> None:
        super().__init__(step, error)
        self.step, self.error = step, error


def surround(options: Options, proc: int) -> None:
    """Give the calling thread the namespaces beside the PID namespace that the command is to have."""
    if options.hostname is not None:
        step("hostname", unshare, NEWUTS)
        step("hostname", sethostname, options.hostname)
    if options.proc:
        step("mount namespace", unshare, NEWNS)
        step("mount namespace", receive_only)
        step("/proc", move_mount, proc, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH)


def step(name: str, call: Callable[..., object], *args: object) -> None:
    """Take a step; Refused says which one failed."""
    try:
        call(*args)
    except OSError as error:
        raise Refused(name, error) from None


def receive_only() -> None:
    """Let no mount out of the new mount namespace."""
    try:
        mount("none", "/", None, MS_REC | MS_SLAVE)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        receive_only_in_chroot()


def receive_only_in_chroot() -> None:
    """The same where "/" is a plain directory: from the root of the namespace, which setns leads to, and back."""
    root, cwd, own = os.open("/", PATH), os.open(".", PATH), os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(own, NEWNS)
        mount("none", "/", None, MS_REC | MS_SLAVE)
        os.fchdir(root)
        chroot(".")
        os.fchdir(cwd)
    finally:
        for fd in (root, cwd, own):
            close(fd)
