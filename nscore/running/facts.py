"""What the present state of a process says about a failure of it, read through its own calls: a model's process is asked as a real one.

Nothing here changes anything.  What cannot be read is None: nobody guesses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from nscore.flags import OpenFlag, Signal
from nscore.interface.calls import Calls
from nscore.running.target import Target
from nscore.tools import procfs

T = TypeVar("T")

UNKNOWN = Target()
KINDS = ("user", "pid", "mnt", "uts", "ipc", "net", "cgroup", "time")
RESERVED = 300


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of mountinfo.  proc_pid_mountinfo(5)"""

    id: int
    parent: int
    root: str
    point: str
    options: str
    fstype: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """What an EAGAIN of clone comes from: limits, and how much of them is used, as far as it can be seen."""

    nproc: int | None = None
    nproc_used: int | None = None
    threads_max: int | None = None
    threads: int | None = None
    pid_max: int | None = None
    pids: tuple[int, ...] | None = None
    last_pid: int | None = None
    #: Of the pids controller: the cgroup that is full, and its limit.
    cgroup: str | None = None
    cgroup_max: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the process whose call failed; None is unknown.

    Attributes:
        capabilities: The effective ones.
        threads: How many the process has.
        seccomp: 0, or 2 where filters are in force.
        filtered: The errno with which a filter answers the call whatever its arguments are; "" where none does.
        release: The kernel's, such as (6, 18).
        shown: What /proc calls the process; "" where no proc is there.
        level: How deep its PID namespace lies, the initial one's being 0.
        initial_user: Whether its user namespace maps all ids to themselves, as the initial one does.
        pid_for_children: As pid_ns; "" where that namespace has no init, or has lost it.
        children_init: Whether the PID namespace for children has a living init, where it is another one.
        owned: The kinds (of mnt, pid, uts) of those of its namespaces that its own user namespace owns (True), or one below it (False).
        limits: The user.max_*_namespaces of its own user namespace.
        chrooted: Whether its root is not that of its mount namespace; a chroot to the root of a mount is not always seen.
        userns_clone: kernel.unprivileged_userns_clone; apparmor: kernel.apparmor_restrict_unprivileged_userns.
    """

    pid: int | None = None
    uid: int | None = None
    gid: int | None = None
    capabilities: int | None = None
    threads: int | None = None
    seccomp: int | None = None
    filtered: str = ""
    release: tuple[int, int] | None = None
    shown: str | None = None
    level: int | None = None
    initial_user: bool | None = None
    user_ns: str | None = None
    pid_ns: str | None = None
    pid_for_children: str | None = None
    owned: Mapping[str, bool] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    uid_map: tuple[procfs.IdMap, ...] | None = None
    gid_map: tuple[procfs.IdMap, ...] | None = None
    setgroups: str | None = None
    chrooted: bool | None = None
    mounts: tuple[Mount, ...] | None = None
    userns_clone: int | None = None
    apparmor: int | None = None
    label: str | None = None
    sigchld_ignored: bool | None = None
    children: tuple[int, ...] | None = None
    numbers: Numbers = Numbers()
    target: Target = UNKNOWN


def tried(look: Callable[..., T], *args: object) -> T | None:
    """What look gives, None where the system refuses or shows something unforeseen."""
    try:
        return look(*args)
    except (OSError, ValueError, LookupError, RuntimeError):
        return None


def gathered(calls: Calls, errno: str) -> Facts:
    """The facts of the process that calls makes calls of, but for what belongs to a single call.

    Args:
        errno: What costs something is looked at only where it can be the reason.
    """
    me = "thread-self" if tried(calls.readlink, "/proc/thread-self") else "self"
    status = tried(status_lines, calls, me)
    uid_map, gid_map = tried(procfs.uid_map, calls, me), tried(procfs.gid_map, calls, me)
    mounts = tried(mountinfo, calls, me)
    return Facts(
        pid=tried(calls.getpid),
        uid=tried(calls.geteuid),
        gid=tried(calls.getegid),
        capabilities=tried(effective, calls),
        threads=number(status, "Threads"),
        seccomp=number(status, "Seccomp"),
        release=tried(release, calls),
        shown=tried(calls.readlink, "/proc/self") or "",
        initial_user=None if uid_map is None else uid_map == (procfs.IdMap(0, 0, 0xFFFFFFFF),),
        user_ns=tried(calls.readlink, f"/proc/{me}/ns/user"),
        pid_ns=tried(calls.readlink, f"/proc/{me}/ns/pid"),
        pid_for_children=pid_for_children(calls, me),
        owned=tried(owned, calls, me),
        limits={kind: limit for kind in KINDS if (limit := sysctl(calls, f"user/max_{kind}_namespaces")) is not None},
        uid_map=uid_map,
        gid_map=gid_map,
        setgroups=(tried(procfs.read, calls, f"/proc/{me}/setgroups") or "").strip() or None,
        chrooted=tried(chrooted, calls, me, mounts),
        mounts=mounts,
        userns_clone=sysctl(calls, "kernel/unprivileged_userns_clone"),
        apparmor=sysctl(calls, "kernel/apparmor_restrict_unprivileged_userns"),
        label=(tried(procfs.read, calls, f"/proc/{me}/attr/current") or "").strip("\0\n") or None,
        sigchld_ignored=tried(sigchld_ignored, calls),
        children=tried(procfs.children, calls) if errno == "ECHILD" else None,
        numbers=numbers(calls, me) if errno == "EAGAIN" else Numbers(),
    )


def status_lines(calls: Calls, me: str) -> dict[str, str]:
    """/proc/PID/status by the names of its lines."""
    return dict(line.split(":\t", 1) for line in procfs.read(calls, f"/proc/{me}/status").splitlines() if ":\t" in line)


def number(lines: Mapping[str, str] | None, name: str) -> int | None:
    """A line that is a number."""
    text = (lines or {}).get(name, "").strip()
    return int(text) if text.isdecimal() else None


def effective(calls: Calls) -> int:
    """The effective capabilities."""
    return calls.capget().effective


def release(calls: Calls) -> tuple[int, int]:
    """The kernel's, as two numbers."""
    major, minor = calls.uname().release.split(".")[:2]
    return int(major), int(re.match(r"\d+", minor)[0])  # type: ignore[index]


def sysctl(calls: Calls, name: str) -> int | None:
    """A number below /proc/sys."""
    text = (tried(procfs.read, calls, f"/proc/sys/{name}") or "").strip()
    return int(text) if text.isdecimal() else None


def pid_for_children(calls: Calls, me: str) -> str | None:
    """The link, "" where it dangles: the namespace has no init yet (before 6.18 not any more either)."""
    try:
        return calls.readlink(f"/proc/{me}/ns/pid_for_children")
    except FileNotFoundError:
        return "" if tried(calls.readlink, f"/proc/{me}/ns/pid") else None
    except OSError:
        return None


def owned(calls: Calls, me: str) -> dict[str, bool]:
    """The kinds of namespaces whose owner the kernel shows, and whether that is the process's own user namespace, or lies below it."""
    found = {}
    mine = calls.stat(f"/proc/{me}/ns/user").st_ino
    for kind in ("mnt", "pid", "uts"):
        fd = calls.open(f"/proc/{me}/ns/{kind}", OpenFlag.RDONLY | OpenFlag.CLOEXEC)
        try:
            owner = calls.ns_get_userns(fd)
            found[kind] = calls.fstat(owner).st_ino == mine
            calls.close(owner)
        except PermissionError:
            pass
        finally:
            calls.close(fd)
    return found


def mountinfo(calls: Calls, me: str) -> tuple[Mount, ...]:
    """The mounts that the process sees, as many as it sees."""
    lines = procfs.read(calls, f"/proc/{me}/mountinfo").splitlines()
    return tuple([parsed(line) for line in lines])


def parsed(line: str) -> Mount:
    """A line of mountinfo: optional fields end at a dash."""
    fields = line.split()
    return Mount(int(fields[0]), int(fields[1]), unescaped(fields[3]), unescaped(fields[4]), fields[5], fields[fields.index("-", 6) + 1])


def unescaped(path: str) -> str:
    """A path without the octal escapes that blanks have in mountinfo."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def chrooted(calls: Calls, me: str, mounts: tuple[Mount, ...] | None) -> bool | None:
    """Whether the root is no mount's root, or another directory than that of the mount namespace's PID 1; None where neither is seen."""
    if mounts is not None and not any(mount.point == "/" for mount in mounts):
        return True
    if tried(calls.readlink, "/proc/1/ns/mnt") != tried(calls.readlink, f"/proc/{me}/ns/mnt"):
        return None
    mine, first = tried(calls.stat, "/"), tried(calls.stat, "/proc/1/root/")
    if mine is None or first is None:
        return None
    return (mine.st_dev, mine.st_ino) != (first.st_dev, first.st_ino)


def sigchld_ignored(calls: Calls) -> bool:
    """Whether children are reaped by the kernel: SIGCHLD is ignored, or SA_NOCLDWAIT set."""
    action = calls.sigaction(Signal.CHLD, None)
    return action.handler == 1 or bool(action.flags & 2)


# What an EAGAIN may come from


def numbers(calls: Calls, me: str) -> Numbers:
    """Limits of processes and threads, and what of them is used."""
    listed = tried(procfs.pids, calls)
    cgroup, cgroup_max = tried(full_cgroup, calls, me) or (None, None)
    return Numbers(
        nproc=tried(limit, calls, me, "Max processes"),
        nproc_used=None if listed is None else tried(threads_of, calls, listed),
        threads_max=sysctl(calls, "kernel/threads-max"),
        threads=tried(all_threads, calls),
        pid_max=sysctl(calls, "kernel/pid_max"),
        pids=listed,
        last_pid=sysctl(calls, "kernel/ns_last_pid"),
        cgroup=cgroup,
        cgroup_max=cgroup_max,
    )


def limit(calls: Calls, me: str, name: str) -> int | None:
    """A soft limit; None where there is none."""
    text = procfs.read(calls, f"/proc/{me}/limits")
    value = text[text.index(name) + len(name) :].split()[0]
    return int(value) if value.isdecimal() else None


def threads_of(calls: Calls, pids: tuple[int, ...]) -> int:
    """How many threads the real user of the process has, of those that its /proc shows."""
    user, count = calls.getuid(), 0
    for pid in pids:
        with suppress(OSError):
            status = procfs.status(calls, pid)
            count += status.threads if status.uid[0] == user else 0
    return count


def all_threads(calls: Calls) -> int:
    """How many threads the kernel has, whatever the namespace."""
    return int(procfs.read(calls, "/proc/loadavg").split()[3].partition("/")[2])


def full_cgroup(calls: Calls, me: str) -> tuple[str, int] | None:
    """The innermost cgroup around the process with as many tasks as its pids controller allows."""
    for line in procfs.read(calls, f"/proc/{me}/cgroup").splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        places = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") if hierarchy == "0" else ("/sys/fs/cgroup/pids",)
        if hierarchy != "0" and "pids" not in controllers.split(","):
            continue
        for place in places:
            found = full(calls, place, path)
            if found is not None:
                return found
    return None


def full(calls: Calls, place: str, path: str) -> tuple[str, int] | None:
    """That cgroup or one above it, if it has no room."""
    while path not in ("", "/"):
        most = (tried(procfs.read, calls, f"{place}{path}/pids.max") or "").strip()
        now = (tried(procfs.read, calls, f"{place}{path}/pids.current") or "").strip()
        if most.isdecimal() and now.isdecimal() and int(now) >= int(most):
            return path, int(most)
        path = path.rpartition("/")[0]
    return None
