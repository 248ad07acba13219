"""A supervisor with a race, written as anybody might write it, and its cure.

It starts workers, sleeps until SIGCHLD comes, and reaps.  Two things are wrong with the first version, and neither shows in an ordinary
run: a worker that ends between the look and the pause is slept through, and two deaths while one SIGCHLD is pending are one signal.
"""

from __future__ import annotations

from collections.abc import Callable

from nscore import Disposition, SigMask, Signal, Syscalls, WaitOption

Job = Callable[[Syscalls], int]


def start(sys: Syscalls, jobs: list[Job]) -> dict[int, int]:
    """Start a worker for each job: its PID, and which job it has."""
    return {sys.fork(job): number for number, job in enumerate(jobs)}


def racing(sys: Syscalls, jobs: list[Job], statuses: dict[int, int]) -> int:
    """Supervise jobs: their exit statuses, by number.  The version with the race."""
    sys.sigaction(Signal.CHLD, Disposition.HANDLE)
    workers = start(sys, jobs)
    while workers:
        signals = sys.received()
        if not signals:
            try:
                sys.pause()
            except InterruptedError:
                continue
        for _ in signals:
            pid, status = sys.waitpid(-1, WaitOption.NOHANG)
            if pid:
                statuses[workers.pop(pid)] = status >> 8
    return 0


def sound(sys: Syscalls, jobs: list[Job], statuses: dict[int, int]) -> int:
    """The same without the race: SIGCHLD is masked and taken, so that none is lost, and each one means "reap all there are"."""
    sys.sigprocmask(SigMask.BLOCK, (Signal.CHLD,))
    workers = start(sys, jobs)
    while workers:
        sys.sigtimedwait((Signal.CHLD,))
        while workers:
            pid, status = sys.waitpid(-1, WaitOption.NOHANG)
            if not pid:
                break
            statuses[workers.pop(pid)] = status >> 8
    return 0


def worker(status: int) -> Job:
    """A job that does a little and ends with status."""

    def job(sys: Syscalls) -> int:
        sys.getpid()
        return status

    return job


#: What the tests supervise.
STATUSES = {0: 3, 1: 5, 2: 7}
JOBS = [worker(status) for status in STATUSES.values()]
