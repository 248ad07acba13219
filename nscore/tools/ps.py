"""ps(1): the processes that a /proc shows, a row each.

CMD is the comm in brackets, as ps prints what has no command line: a driven process's arguments are the agent's, not its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nscore.interface.calls import Calls
from nscore.tools import procfs


@dataclass(frozen=True, slots=True)
class Row:
    """A process; uid is the effective one, a number."""

    uid: int
    pid: int
    ppid: int
    s: str
    cmd: str


def ps(calls: Calls, proc: str = procfs.PROC) -> tuple[Row, ...]:
    """The processes of a /proc by PID, as ps -e -o uid,pid,ppid,s,cmd lists them, the caller included."""
    return tuple(Row(of.uid[1], of.pid, of.ppid, of.state, _cmd(of)) for of in statuses(calls, proc))


def text(rows: Iterable[Row]) -> str:
    """Rows as ps prints them, with their heading; what cannot be printed is a question mark."""
    lines = [f"{'UID':>5} {'PID':>7} {'PPID':>7} S CMD"]
    for row in rows:
        cmd = "".join(char if char.isprintable() else "?" for char in row.cmd)
        lines.append(f"{row.uid:>5} {row.pid:>7} {row.ppid:>7} {row.s} {cmd}")
    return "\n".join(lines)


def statuses(calls: Calls, proc: str = procfs.PROC) -> Iterator[procfs.Status]:
    """The status of each process that a /proc lists, by PID."""
    for pid in procfs.pids(calls, proc):
        try:
            yield procfs.status(calls, pid, proc)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it was reaped between the listing and our look
        except PermissionError:
            continue  # hidepid=noaccess: listed, and nothing more


def _cmd(status: procfs.Status) -> str:
    return f"[{status.name}] <defunct>" if status.state == "Z" else f"[{status.name}]"
