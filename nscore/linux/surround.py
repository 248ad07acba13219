"""What a process gives itself before it makes a command: the namespaces beside the PID namespace, with what is to be in them."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import chroot, close, mount, move_mount, sethostname, setns, unshare
from nscore.linux.calls.creation import NEWNS, NEWUTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeAlias, TypeVar

    T = TypeVar("T")
    #: A mount: its kind, and what it takes.
    Wish: TypeAlias = "tuple[Any, ...]"
    #: Numbers inside, outside, and how many of them.
    Extent: TypeAlias = "tuple[int, int, int]"
    #: What the caller is told of a refusal: step, errno, whether it is the wish's fault, paths.
    Told: TypeAlias = "tuple[str, int, bool, tuple[str, ...]]"

    class Spawn(Protocol):
        """Creates the child by subprocess's own code, with some of its arguments changed, and returns its PID."""

        @property
        def arguments(self) -> dict[str, Any]: ...

        def __call__(self, **changes: Any) -> int: ...

        def by(self, make: Callable[[Any, Any, tuple[Any, ...]], None]) -> None:
            """The same by something that is given that code, its Popen and its arguments."""

        @property
        def reaped(self) -> bool:
            """Whether that code has reaped the child, which could not execute anything."""


#: In the place of a detached /proc: the caller is a member of the namespace, and mounts it.
INSIDE = -2
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_SLAVE = 0x2, 0x4, 0x8, 0x4000, 0x80000
AT_FDCWD, MOVE_MOUNT_F_EMPTY_PATH = -100, 4
EINVAL = 22
PATH = os.O_PATH | os.O_CLOEXEC


class Options:
    """What a namespace is to have, by the keywords of run().

    Attributes:
        user: "root" or "current": the command's own ids as 0, or as themselves; or the maps, None for one that is not written.
        watch: Whether the keeper is to end the namespace when the command ends: needless where its caller waits for nothing else.
    """

    __slots__ = ("hostname", "init", "mounts", "proc", "user", "watch")

    def __init__(
        self,
        init: bool = True,
        proc: bool = True,
        hostname: str | None = None,
        mounts: tuple[Wish, ...] = (),
        user: str | tuple[tuple[Extent, ...] | None, tuple[Extent, ...] | None] | None = None,
        watch: bool = True,
    ) -> None:
        self.init, self.proc, self.hostname, self.mounts, self.user, self.watch = init, proc, hostname, mounts, user, watch

    @property
    def namespaces(self) -> int:
        """What a command has of its own beside the PID namespace and the user namespace."""
        return NEWNS * bool(self.proc or self.mounts) | NEWUTS * (self.hostname is not None)


class Refused(Exception):
    """The kernel refused a step on the way into the namespace.

    Attributes:
        wish: Whether the step is what the caller wished for in so many words, so that it is for him to mend.
        paths: Of the wish.
    """

    def __init__(self, step: str, error: OSError, wish: bool = False, paths: tuple[str, ...] = ()) -> None:
        super().__init__(step, error)
        self.step, self.error, self.wish, self.paths = step, error, wish, paths

    def told(self) -> Told:
        """For the caller, out of a fork."""
        return self.step, self.error.errno or 0, self.wish, self.paths

    def reason(self) -> OSError:
        """What the caller's wish raises."""
        number = self.error.errno or 0
        return OSError(number, f"{self.step}: {os.strerror(number)}", *[part for path in self.paths for part in (path, None)][:3])


def heard(told: Told) -> Refused:
    """What a fork has told."""
    step, number, wish, paths = told
    return Refused(step, OSError(number, os.strerror(number)), wish, paths)


def surround(options: Options, proc: int, leaves: bool = False) -> None:
    """Give the calling thread the namespaces beside the PID namespace that the command is to have.

    Args:
        options: Which, and what is in them.
        proc: A detached /proc of the PID namespace, or INSIDE; -1 for none.
        leaves: Whether the command goes to another directory by a path of its own.
    """
    if options.hostname is not None:
        step("hostname", unshare, NEWUTS)
        wish("sethostname", sethostname, options.hostname)
    if options.proc or options.mounts:
        step("mount namespace", unshare, NEWNS)
        step("mount namespace", receive_only)
    if options.mounts:
        furnished(options, proc, leaves)
    elif options.proc:
        step("/proc", mount_proc, proc)


def mount_proc(proc: int) -> None:
    """Mount on /proc what there is for it."""
    if proc == INSIDE:
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    elif proc >= 0:
        move_mount(proc, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH)


def furnished(options: Options, proc: int, leaves: bool) -> None:
    """/proc, the mounts, and the directory as it is there."""
    from nscore.linux.furniture import Misplaced, Room  # here, and not in each stub

    cwd = "" if leaves else wish("getcwd", os.getcwd)
    room = Room()
    try:
        if options.proc:
            step("/proc", mount_proc, proc)
        room.furnish(options.mounts)
    except Misplaced as misplaced:
        raise Refused(misplaced.kind, misplaced.error, True, misplaced.paths) from None
    finally:
        room.close()
    if cwd:
        # Else what lies below the mounts would be reached by relative paths: a read-only directory would be writable.
        wish("chdir", os.chdir, cwd)


def step(name: str, call: Callable[..., T], *args: object) -> T:
    """Take a step; Refused says which one failed."""
    try:
        return call(*args)
    except OSError as error:
        raise Refused(name, error) from None


def wish(name: str, call: Callable[..., T], *args: object) -> T:
    """The same of what the caller has wished for, with the paths that it is called with."""
    try:
        return call(*args)
    except OSError as error:
        raise Refused(name, error, True, tuple(str(arg) for arg in args)) from None


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
