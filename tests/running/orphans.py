"""Main children with orphans, for inits on both backends, and two inits with faults that the model finds.

Programs share no memory on linux, so what they find out is a status.
"""

from __future__ import annotations

from collections.abc import Callable

from nscore import Machine, Program, SigMask, Signal, Syscalls, WaitOption

#: What the main child ends with where all is well, and where something is left of an orphan.
RIGHT, LEFT = 37, 99

Init = Callable[[Program], Program]
Main = Callable[[int, Syscalls], int]


def orphaned(calls: Syscalls) -> int:
    """A father whose child is an orphan soon."""
    calls.fork(lambda orphan: 0)
    return 0


def main_child(fathers: int, calls: Syscalls) -> int:
    """Make orphans, reap the fathers, and when all else is at rest look whether anything is left: PIDs are given in order."""
    for _ in range(fathers):
        calls.fork(orphaned)
    for _ in range(fathers):
        calls.waitpid(-1)
    calls.sleep(1)
    own = calls.getpid()
    return RIGHT if not any(exists(calls, pid) for pid in range(own + 1, own + 1 + 2 * fathers)) else LEFT


def hasty(fathers: int, calls: Syscalls) -> int:
    """Make orphans and end before them, after them or among them."""
    for _ in range(fathers):
        calls.fork(orphaned)
    return RIGHT


def exists(calls: Syscalls, pid: int) -> bool:
    """Whether there is such a process, or what is left of it."""
    try:
        calls.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def status_of(machine: Machine, init: Init, main: Main, fathers: int) -> int:
    """What an init returns for a main child with so many fathers of orphans."""
    return machine.run(init(lambda calls: main(fathers, calls)))


def waits_for_main_first(main: Program) -> Program:
    """An init with a fault: it reaps orphans when the main child has ended."""

    def init(calls: Syscalls) -> int:
        _, status = calls.waitpid(calls.fork(main))
        while True:
            try:
                calls.waitpid(-1)
            except ChildProcessError:
                return status >> 8

    return init


def discards(main: Program) -> Program:
    """An init with a fault: of the children that one SIGCHLD tells of, it looks at the first only."""

    def init(calls: Syscalls) -> int:
        calls.sigprocmask(SigMask.BLOCK, (Signal.CHLD,))
        pid = calls.fork(main)
        while True:
            calls.sigtimedwait((Signal.CHLD,))
            reaped, status = calls.waitpid(-1, WaitOption.NOHANG)
            if reaped == pid:
                return status >> 8
            try:
                while calls.waitpid(-1, WaitOption.NOHANG)[0]:
                    pass
            except ChildProcessError:
                return LEFT

    return init
