"""A PID from one PID namespace's view to another's, through /proc.

A process has a number in its own PID namespace and one in each ancestor, and status' NSpid lists those from the mount's level down.  Which
namespace a column belongs to is found by walking up from the process's own, NS_GET_PARENT by NS_GET_PARENT.  Since Linux 6.11 nsfs answers
the same for the caller's own namespace in one call (ns_get_pid_from_pidns and its like); this works before, and for every mount.
"""

from __future__ import annotations

from nscore.flags import OpenFlag
from nscore.interface.calls import Calls
from nscore.tools import procfs
from nscore.tools.ps import statuses


def translate(
    calls: Calls, pid: int, source: procfs.Who | None = None, target: procfs.Who | None = None, proc: str = procfs.PROC
) -> int | None:
    """The number that the process pid of one PID namespace has in another; None: there is no such process, or it has none there.

    Args:
        pid: As the namespace source sees it.
        source: A process that lives in that namespace, as the mount shows it; None: the mount's own namespace.
        target: Likewise for the number that is asked for.

    Raises:
        FileNotFoundError: source or target does not exist.
        PermissionError: A namespace that no ptrace access reaches.
    """
    known = pid if source is None else _named(calls, pid, source, proc)
    if known is None or target is None:
        return known
    return _number(calls, known, target, proc)


def pid_namespaces(calls: Calls, pid: procfs.Who, levels: int, proc: str = procfs.PROC) -> tuple[tuple[int, int], ...]:
    """(st_dev, st_ino) of a process's PID namespace and of levels - 1 ancestors of it, innermost first."""
    found = []
    fd = calls.open(f"{proc}/{pid}/ns/pid", OpenFlag.RDONLY | OpenFlag.CLOEXEC)
    try:
        found.append(_identity(calls, fd))
        while len(found) < levels:
            child, fd = fd, calls.ns_get_parent(fd)
            calls.close(child)
            found.append(_identity(calls, fd))
    finally:
        calls.close(fd)
    return tuple(found)


def _number(calls: Calls, pid: int, target: procfs.Who, proc: str) -> int | None:
    """The number of pid, in the mount's view, in target's namespace."""
    level = len(procfs.status(calls, target, proc).nspid) - 1
    try:
        return _at(calls, procfs.status(calls, pid, proc), level, pid_namespaces(calls, target, 1, proc)[0], proc)
    except (FileNotFoundError, ProcessLookupError):
        return None  # pid is nobody


def _named(calls: Calls, pid: int, source: procfs.Who, proc: str) -> int | None:
    """Who, in the mount's view, is called pid in source's namespace."""
    level = len(procfs.status(calls, source, proc).nspid) - 1
    wanted = pid_namespaces(calls, source, 1, proc)[0]
    for status in statuses(calls, proc):
        if len(status.nspid) > level and status.nspid[level] == pid and _at(calls, status, level, wanted, proc):
            return status.pid
    return None


def _at(calls: Calls, status: procfs.Status, level: int, wanted: tuple[int, int], proc: str) -> int | None:
    """The number of a process at a level of the mount's, if its namespace there is the wanted one."""
    steps = len(status.nspid) - level
    if steps < 1 or pid_namespaces(calls, status.pid, steps, proc)[-1] != wanted:
        return None
    return status.nspid[level]


def _identity(calls: Calls, fd: int) -> tuple[int, int]:
    stat = calls.fstat(fd)
    return stat.st_dev, stat.st_ino
