"""proc(5): what a /proc says about processes, parsed.

Everything is read through the caller's own calls, so the numbers are those of the PID namespace that the mount shows, whatever the
caller's own is.  Every function takes another mount point as proc.  A process that is gone is FileNotFoundError, or ProcessLookupError
where it went between open and read.  Left out of the records: times, memory, and what belongs to no process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from nscore.flags import OpenFlag
from nscore.interface.calls import Calls

PROC = "/proc"

#: A PID, "self", or a thread as "PID/task/TID".
Who: TypeAlias = "int | str"


@dataclass(frozen=True, slots=True)
class Status:
    """/proc/PID/status, fields in its order.

    The ns* columns hold one number a PID namespace, from the mount's own down to the process's; a group or session without one is 0.

    Attributes:
        name: The comm, with what status escapes put back.
        umask: None of a zombie.
        state: The letter alone.
        uid: The real, effective, saved and file system ids, as the caller's user namespace has them; gid alike.
        sigpnd: Signals pending for the thread; shdpnd for its process.
        sigblk: Blocked; sigign ignored; sigcgt caught.
        capinh: The inheritable capabilities, a bit each; likewise permitted, effective, bounding and ambient.
    """

    name: str
    umask: int | None
    state: str
    tgid: int
    pid: int
    ppid: int
    tracerpid: int
    uid: tuple[int, ...]
    gid: tuple[int, ...]
    groups: tuple[int, ...]
    nstgid: tuple[int, ...]
    nspid: tuple[int, ...]
    nspgid: tuple[int, ...]
    nssid: tuple[int, ...]
    threads: int
    sigpnd: frozenset[int]
    shdpnd: frozenset[int]
    sigblk: frozenset[int]
    sigign: frozenset[int]
    sigcgt: frozenset[int]
    capinh: int
    capprm: int
    capeff: int
    capbnd: int
    capamb: int
    nonewprivs: bool


@dataclass(frozen=True, slots=True)
class ProcStat:
    """The fields of /proc/PID/stat that are no times and no memory, with proc(5)'s names.

    ppid, pgrp and session are 0 where the mount's namespace has no number for them; exit_code is 0 without ptrace access.
    """

    pid: int
    comm: str
    state: str
    ppid: int
    pgrp: int
    session: int
    tty_nr: int
    tpgid: int
    flags: int
    num_threads: int
    exit_signal: int
    exit_code: int


@dataclass(frozen=True, slots=True)
class Namespace:
    """A link of /proc/PID/ns: "pid:[4026531836]".  The inode tells namespaces apart while both live."""

    type: str
    inode: int

    def __str__(self) -> str:
        return f"{self.type}:[{self.inode}]"


@dataclass(frozen=True, slots=True)
class IdMap:
    """A line of uid_map or gid_map: count ids from inside are those from outside."""

    inside: int
    outside: int
    count: int


def pids(calls: Calls, proc: str = PROC) -> tuple[int, ...]:
    """The processes that a /proc lists, ascending; zombies are among them, threads are not."""
    return tuple(sorted(int(name) for name in calls.listdir(proc) if name.isdecimal()))


def tasks(calls: Calls, pid: Who = "self", proc: str = PROC) -> tuple[int, ...]:
    """The threads of a process, in the order of their creation."""
    return tuple(int(name) for name in calls.listdir(f"{proc}/{pid}/task"))


def children(calls: Calls, pid: Who = "self", proc: str = PROC) -> tuple[int, ...]:
    """The children of a process, a thread after the other, in the order of creation.  Needs CONFIG_PROC_CHILDREN."""
    return tuple(int(child) for tid in tasks(calls, pid, proc) for child in read(calls, f"{proc}/{pid}/task/{tid}/children").split())


def status(calls: Calls, pid: Who = "self", proc: str = PROC) -> Status:
    """What /proc/PID/status says."""
    text = read(calls, f"{proc}/{pid}/status")
    lines = dict(line.split(":\t", 1) for line in text.split("\n") if ":\t" in line)
    return Status(**{key.lower(): parse(lines[key]) if key in lines else None for key, parse in STATUS.items()})  # type: ignore[arg-type]


def stat(calls: Calls, pid: Who = "self", proc: str = PROC) -> ProcStat:
    """What /proc/PID/stat says.  The comm may hold blanks and parentheses: it ends at the last one."""
    text = read(calls, f"{proc}/{pid}/stat")
    number, _, rest = text.partition(" (")
    comm, _, tail = rest.rpartition(") ")
    fields = ["", number, comm, *tail.split()]
    state = fields[3]
    return ProcStat(int(number), comm, state, *[int(fields[position]) for position in STAT])


def namespace(calls: Calls, pid: Who = "self", type: str = "pid", proc: str = PROC) -> Namespace:
    """The namespace behind a link of /proc/PID/ns; type is the link's name, pid_for_children among them."""
    text = calls.readlink(f"{proc}/{pid}/ns/{type}")
    match = LINK.fullmatch(text)
    if match is None:
        raise ValueError(f"no namespace: {text!r}")
    return Namespace(match[1], int(match[2]))


def namespaces(calls: Calls, pid: Who = "self", proc: str = PROC) -> dict[str, Namespace]:
    """All links of /proc/PID/ns that resolve, by their names: what a zombie has given up, or has no init yet, is left out."""
    return dict(_resolving(calls, pid, proc))


def uid_map(calls: Calls, pid: Who = "self", proc: str = PROC) -> tuple[IdMap, ...]:
    """The user ids of the process's user namespace; () until they are written."""
    return _id_map(calls, f"{proc}/{pid}/uid_map")


def gid_map(calls: Calls, pid: Who = "self", proc: str = PROC) -> tuple[IdMap, ...]:
    """The group ids of the process's user namespace; () until they are written."""
    return _id_map(calls, f"{proc}/{pid}/gid_map")


def read(calls: Calls, path: str) -> str:
    """The whole of a text file; a byte that is no UTF-8 becomes a surrogate, as in os.fsdecode."""
    fd = calls.open(path, OpenFlag.RDONLY | OpenFlag.CLOEXEC)
    try:
        parts = []
        while part := calls.read(fd, 65536):
            parts.append(part)
    finally:
        calls.close(fd)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def write(calls: Calls, path: str, text: str) -> None:
    """Write a file of /proc in one piece: the kernel takes no second."""
    fd = calls.open(path, OpenFlag.WRONLY | OpenFlag.CLOEXEC)
    try:
        calls.write(fd, text.encode("utf-8", "surrogateescape"))
    finally:
        calls.close(fd)


def _resolving(calls: Calls, pid: Who, proc: str) -> Iterator[tuple[str, Namespace]]:
    for name in calls.listdir(f"{proc}/{pid}/ns"):
        try:
            yield name, namespace(calls, pid, name, proc)
        except FileNotFoundError:
            continue


def _id_map(calls: Calls, path: str) -> tuple[IdMap, ...]:
    return tuple(IdMap(*map(int, line.split())) for line in read(calls, path).splitlines())


LINK = re.compile(r"(\w+):\[(\d+)\]")

#: fs/proc/array.c:task_name escapes these two.
ESCAPED = re.compile(r"\\(n|\\)")


def _name(value: str) -> str:
    return ESCAPED.sub(lambda match: "\n" if match[1] == "n" else "\\", value)


def _numbers(value: str) -> tuple[int, ...]:
    return tuple(map(int, value.split()))


def _signals(value: str) -> frozenset[int]:
    mask = int(value, 16)
    return frozenset(number for number in range(1, mask.bit_length() + 1) if mask >> (number - 1) & 1)


def _hexadecimal(value: str) -> int:
    return int(value, 16)


#: The lines of status that Status holds, in its order.
STATUS: dict[str, Callable[[str], object]] = {
    "Name": _name,
    "Umask": lambda value: int(value, 8),
    "State": lambda value: value[:1],
    "Tgid": int,
    "Pid": int,
    "PPid": int,
    "TracerPid": int,
    "Uid": _numbers,
    "Gid": _numbers,
    "Groups": _numbers,
    "NStgid": _numbers,
    "NSpid": _numbers,
    "NSpgid": _numbers,
    "NSsid": _numbers,
    "Threads": int,
    "SigPnd": _signals,
    "ShdPnd": _signals,
    "SigBlk": _signals,
    "SigIgn": _signals,
    "SigCgt": _signals,
    "CapInh": _hexadecimal,
    "CapPrm": _hexadecimal,
    "CapEff": _hexadecimal,
    "CapBnd": _hexadecimal,
    "CapAmb": _hexadecimal,
    "NoNewPrivs": lambda value: value == "1",
}

#: Positions in stat, counted from 1 as in proc(5), of ProcStat's fields after state.
STAT = (4, 5, 6, 7, 8, 9, 20, 38, 52)
