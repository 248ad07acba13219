"""/proc/PID/limits.  Models fs/proc/base.c:proc_pid_limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

RLIM_INFINITY = (1 << 64) - 1

#: Name and unit at RLIMIT_*.  fs/proc/base.c:lnames
LNAMES = (
    ("Max cpu time", "seconds"),
    ("Max file size", "bytes"),
    ("Max data size", "bytes"),
    ("Max stack size", "bytes"),
    ("Max core file size", "bytes"),
    ("Max resident set", "bytes"),
    ("Max processes", "processes"),
    ("Max open files", "files"),
    ("Max locked memory", "bytes"),
    ("Max address space", "bytes"),
    ("Max file locks", "locks"),
    ("Max pending signals", "signals"),
    ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""),
    ("Max realtime priority", ""),
    ("Max realtime timeout", "us"),
)


def value(limit: int) -> str:
    """A limit as it is shown."""
    return "unlimited" if limit == RLIM_INFINITY else str(limit)


def proc_pid_limits(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:proc_pid_limits"""
    rows = [("Limit", "Soft Limit", "Hard Limit", "Units")]
    rows += [(name, value(soft), value(hard), unit) for (name, unit), (soft, hard) in zip(LNAMES, p.signal.rlim)]
    lines = [f"{name:<25} {soft:<20} {hard:<20} " + (f"{unit:<10}\n" if unit else "\n") for name, soft, hard, unit in rows]
    return "".join(lines).encode()
