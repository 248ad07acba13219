"""What a failed call was about: the process that a number means, the file behind a descriptor, a path."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from nscore.flags import OpenFlag
from nscore.interface.calls import Calls
from nscore.tools import procfs

PID_MAX = 1 << 22


@dataclass(frozen=True, slots=True)
class Target:
    """None is unknown, or does not apply.

    Attributes:
        path: The file, by the path that was given or that /proc/PID/fd shows.
        exists: Whether there is such a descriptor, process or file.
        state: The state of the process, "Z" of a zombie.
        ppid: The PID of its parent.
        leads: Whether the number is a process's, and not just a thread's.
        exit_signal: What its parent is sent when it ends.
        nstype: Of a descriptor: the type of the namespace that it is; "" where it is none.
        pidfd: Of a pidfd: the PID of its process, 0 where it has none here, -1 where it has been reaped.
        own: Whether the namespace is the caller's own.
        map: Of a file of id maps or of setgroups: what it holds.
        setgroups: What the file setgroups beside it holds.
        below: Whether the PID or user namespace is the caller's own or below it.
    """

    path: str = ""
    exists: bool | None = None
    state: str | None = None
    ppid: int | None = None
    leads: bool | None = None
    exit_signal: int | None = None
    nstype: str | None = None
    pidfd: int | None = None
    own: bool | None = None
    below: bool | None = None
    map: str | None = None
    setgroups: str | None = None


def of_pid(calls: Calls, pid: int) -> Target:
    """The process or thread of that number, as /proc has it."""
    try:
        status, stat = procfs.status(calls, pid), procfs.stat(calls, pid)
    except (FileNotFoundError, ProcessLookupError):
        return Target(exists=False)
    except OSError:
        return Target()
    return Target(exists=True, state=status.state, ppid=status.ppid, leads=status.tgid == status.pid, exit_signal=stat.exit_signal)


def of_fd(calls: Calls, fd: int, numbered: bool) -> Target:
    """What the descriptor is; numbered: whether /proc has the process's own numbers."""
    me = next((name for name in ("thread-self", "self") if there(calls, f"/proc/{name}")), "self")
    try:
        link = calls.readlink(f"/proc/{me}/fd/{fd}")
    except FileNotFoundError:
        return Target(exists=False)
    except OSError:
        return Target()
    if "[pidfd]" in link:
        return of_pidfd(calls, me, fd, link, numbered)
    match = procfs.LINK.fullmatch(link)
    if match is None:
        return Target(path=link, exists=True, nstype="")
    own = there(calls, f"/proc/{me}/ns/{match[1]}")
    return Target(
        path=link, exists=True, nstype=match[1], own=own == link, below=below(calls, fd, own) if match[1] in ("pid", "user") else None
    )


def of_pidfd(calls: Calls, me: str, fd: int, link: str, numbered: bool) -> Target:
    """The process of a pidfd, and its state where it has a number here."""
    pid: int | None = None
    with suppress(OSError, ValueError):
        match = re.search(r"^Pid:\t(-?\d+)$", procfs.read(calls, f"/proc/{me}/fdinfo/{fd}"), re.MULTILINE)
        pid = int(match[1]) if match and (numbered or match[1] == "-1") else None
    process = of_pid(calls, pid) if pid is not None and pid > 0 else Target()
    return Target(path=link, exists=True, pidfd=pid, state=process.state, ppid=process.ppid)


def there(calls: Calls, path: str) -> str:
    """What a link says; "" where it cannot be read."""
    try:
        return calls.readlink(path)
    except OSError:
        return ""


def below(calls: Calls, fd: int, own: str) -> bool | None:
    """Whether going up from a namespace leads to the caller's own: the kernel shows no parent that is not below it."""
    at, opened = fd, []
    try:
        while True:
            me = there(calls, f"/proc/thread-self/fd/{at}") or there(calls, f"/proc/self/fd/{at}")
            if me == own:
                return True
            at = calls.ns_get_parent(at)
            opened.append(at)
    except PermissionError:
        return False
    except OSError:
        return None
    finally:
        for other in opened:
            calls.close(other)


def of_path(calls: Calls, path: str) -> Target:
    """The file of that path, and the process whose directory of /proc it is in."""
    match = re.match(r"/proc/(\d+)(/|$)", path)
    process = of_pid(calls, int(match[1])) if match and int(match[1]) < PID_MAX else Target()
    exists: bool | None = None
    try:
        calls.close(calls.open(path, OpenFlag.PATH | OpenFlag.CLOEXEC))
        exists = True
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        exists = False
    except OSError:
        pass
    directory, _, name = path.rpartition("/")
    held = text(calls, path) if name in MAPS else None
    setgroups = text(calls, f"{directory}/setgroups") if name in MAPS else None
    return Target(path, exists, process.state, process.ppid, leads=process.exists, map=held, setgroups=setgroups)


#: Files that are written once.
MAPS = ("uid_map", "gid_map", "projid_map", "setgroups")


def text(calls: Calls, path: str) -> str | None:
    """What a small file says."""
    try:
        return procfs.read(calls, path).strip()
    except OSError:
        return None
