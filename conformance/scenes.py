"""What cases begin with: somebody in a namespace whose parent is outside, and how signals that arrive are looked at."""

from __future__ import annotations

from conformance.steps import enter
from conformance.views import read
from nscore import Calls, Disposition, Gone, IdType, Process, SigMask, WaitOption


def injected(father: Process, pid: int) -> Process:
    """A child of father's in the PID namespace of pid; father stays where it is."""
    enter(father, pid, "pid")
    return father.fork()


def handle(calls: Calls, *signals: int) -> None:
    """Install the recording handler for signals."""
    for sig in signals:
        calls.sigaction(sig, Disposition.HANDLE)


def block(calls: Calls, *signals: int) -> None:
    """Mask signals."""
    calls.sigprocmask(SigMask.BLOCK, signals)


def stat_field(calls: Calls, path: str, number: int) -> int:
    """A field of a stat file of proc(5), counted from 1 as there; one behind the comm and the state."""
    return int(read(calls, path).rpartition(") ")[2].split()[number - 3])


def is_alive(parent: Calls, pid: int) -> bool:
    """Whether a child has not ended."""
    return parent.waitid(IdType.PID, pid, WaitOption.EXITED | WaitOption.NOHANG | WaitOption.NOWAIT) is None


def killed_by(parent: Calls, pid: int) -> int:
    """Reap a child that a signal has killed; the signal."""
    assert parent.waitid(IdType.PID, pid, WaitOption.EXITED | WaitOption.NOHANG | WaitOption.NOWAIT), f"{pid} lives"
    _, status = parent.waitpid(pid)
    assert status == status & 0x7F != 0, f"wait status {status:#x}"
    return status


def has_ended(process: Process) -> bool:
    """Whether the driver finds nobody there; not for one that is stopped or in a call."""
    try:
        process.gettid()
    except Gone:
        return True
    return False
