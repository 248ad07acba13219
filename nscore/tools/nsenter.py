"""nsenter(1): join the namespaces of another process.

The fork is the caller's own, and needed for a PID namespace, which takes only later children:

    enter(shell, target, CloneFlag.NEWPID | CloneFlag.NEWNS)
    inside = shell.fork()
"""

from __future__ import annotations

from contextlib import suppress

from nscore.flags import CloneFlag, OpenFlag
from nscore.interface.calls import Calls
from nscore.tools import procfs

#: The files of /proc/PID/ns in the order in which they are joined: what changes the caller's /proc comes late, util-linux's
#: sys-utils/nsenter.c:namespace_files.
FILES = (
    (CloneFlag.NEWUSER, "user"),
    (CloneFlag.NEWCGROUP, "cgroup"),
    (CloneFlag.NEWIPC, "ipc"),
    (CloneFlag.NEWUTS, "uts"),
    (CloneFlag.NEWNET, "net"),
    (CloneFlag.NEWPID, "pid"),
    (CloneFlag.NEWNS, "mnt"),
    (CloneFlag.NEWTIME, "time"),
)


def enter(calls: Calls, target: int, flags: CloneFlag | int, *, preserve_credentials: bool = False, proc: str = procfs.PROC) -> None:
    """Join those of the target's namespaces that flags names.

    Args:
        target: A PID as the mount proc shows it.
        flags: CloneFlag.NEW*.
        preserve_credentials: With NEWUSER: keep the ids as they are; otherwise they become root's, and the groups are dropped.

    Raises:
        ValueError: flags names what is no namespace.
        OSError: As open and setns.
    """
    unknown = int(flags) & ~sum(flag for flag, _ in FILES)
    if unknown:
        raise ValueError(f"enter: {unknown:#x} names no namespace")
    fds: dict[CloneFlag, int] = {}
    try:
        for flag, name in FILES:
            if int(flags) & flag:
                fds[flag] = calls.open(f"{proc}/{target}/ns/{name}", OpenFlag.RDONLY | OpenFlag.CLOEXEC)
        _join(calls, fds)
    finally:
        for fd in fds.values():
            calls.close(fd)
    if int(flags) & CloneFlag.NEWUSER and not preserve_credentials:
        _become_root(calls)


def _join(calls: Calls, fds: dict[CloneFlag, int]) -> None:
    """The user namespace last, while the privileges for the others are outside; what those do not allow is joined after it."""
    for flag, fd in list(fds.items()):
        if flag == CloneFlag.NEWUSER:
            continue
        try:
            calls.setns(fd, flag)
        except PermissionError:
            if CloneFlag.NEWUSER not in fds:
                raise
            continue
        calls.close(fds.pop(flag))
    for flag, fd in list(fds.items()):
        calls.setns(fd, flag)
        calls.close(fds.pop(flag))


def _become_root(calls: Calls) -> None:
    with suppress(PermissionError):  # a user namespace that has given up setgroups keeps them
        calls.setgroups(())
    calls.setgid(0)
    calls.setuid(0)
