"""nscore_sim/wait.py: who is waited for, in which order, and what a wait says."""

from __future__ import annotations

import pytest

from nscore.flags import Disposition, IdType, Signal, WaitOption
from tests.sim.kernelcalls import NEWPID, PENDING, boot, call, clone, outcome, start, thread

NOHANG, STOPPED, EXITED, CONTINUED, NOWAIT = 1, 2, 4, 8, 0x1000000
NOTHREAD, ALL, CLONE = int(WaitOption.NOTHREAD), int(WaitOption.ALL), int(WaitOption.CLONE)
ANY, PID, PGID, PIDFD = map(int, IdType)
STOP, CONT = int(Signal.STOP), int(Signal.CONT)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((ANY, 0, 0), "EINVAL"),
        ((ANY, 0, NOHANG), "EINVAL"),
        ((ANY, 0, EXITED | 0x10), "EINVAL"),
        ((PID, 0, EXITED), "EINVAL"),
        ((PID, -1, EXITED), "EINVAL"),
        ((PGID, -1, EXITED), "EINVAL"),
        ((PIDFD, -1, EXITED), "EINVAL"),
        ((4, 1, EXITED), "EINVAL"),
        ((PIDFD, 0, EXITED), "EBADF"),
        ((PIDFD, 99, EXITED), "EBADF"),
        ((PID, 99, EXITED), "ECHILD"),
        ((PID, 1, EXITED), "ECHILD"),
        ((PGID, 99, EXITED), "ECHILD"),
        ((ANY, 0, EXITED | NOHANG), None),
    ],
)
def test_waitid_judges_its_arguments(args: tuple[int, ...], expected: object) -> None:
    """WAIT-04"""
    _, init = boot()
    clone(init)
    assert call(init, "waitid", *args) == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [((-(1 << 31), 0), "ESRCH"), ((-1, EXITED), "EINVAL"), ((99, 0), "ECHILD"), ((-99, 0), "ECHILD"), ((0, NOHANG), (0, 0))],
)
def test_waitpid_judges_its_arguments(args: tuple[int, ...], expected: object) -> None:
    """WAIT-03"""
    _, init = boot()
    clone(init)
    assert call(init, "waitpid", *args) == expected


def test_the_order_is_that_of_birth_and_adoption() -> None:
    """WAIT-06"""
    _, init = boot()
    a, father, b = clone(init), clone(init), clone(init)
    orphans = [clone(father), clone(father)]
    call(father, "exit", 0)
    for task in (*reversed(orphans), b, a):
        call(task, "exit", 0)
    order = [call(init, "waitpid", -1, 0) for _ in range(5)]
    assert order == [(2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]


def test_exit_signals_choose_who_may_be_waited_for() -> None:
    """EXITSIG-05"""
    _, init = boot()
    clone(init, 0, 0)
    assert call(init, "waitpid", -1, NOHANG) == "ECHILD"
    assert call(init, "waitpid", -1, NOHANG | CLONE) == call(init, "waitpid", -1, NOHANG | ALL) == (0, 0)
    clone(init)
    assert call(init, "waitpid", 3, NOHANG | CLONE) == "ECHILD"


def test_stops_and_continues_are_told_once() -> None:
    """WAIT-08, SINFO-06"""
    _, init = boot()
    a = clone(init)
    call(init, "kill", 2, STOP)
    assert call(init, "waitid", ANY, 0, STOPPED | NOWAIT) == (2, 0, 17, STOP, 5)
    assert call(init, "waitpid", -1, STOPPED) == (2, STOP << 8 | 0x7F)
    assert call(init, "waitpid", -1, STOPPED | NOHANG) == (0, 0)
    call(init, "kill", 2, CONT)
    assert call(init, "waitid", ANY, 0, CONTINUED | NOWAIT) == (2, 0, 17, CONT, 6)
    assert call(init, "waitpid", -1, CONTINUED) == (2, 0xFFFF)
    assert call(init, "waitpid", -1, CONTINUED | NOHANG) == (0, 0)
    call(a, "exit", 2)
    assert call(init, "waitid", ANY, 0, STOPPED | NOHANG) == "ECHILD"
    assert call(init, "waitid", PID, 2, EXITED | NOWAIT) == (2, 0, 17, 2, 1)
    assert call(init, "waitid", PGID, 0, EXITED) == (2, 0, 17, 2, 1)


def test_threads_wait_for_each_others_children() -> None:
    """THREAD-08"""
    _, init = boot()
    a = clone(init)
    t = thread(a)
    clone(t)
    assert call(a, "waitpid", -1, NOHANG) == (0, 0)
    assert call(a, "waitpid", -1, NOHANG | NOTHREAD) == "ECHILD"
    assert call(a, "waitpid", 4, NOHANG | NOTHREAD) == "ECHILD"
    start(a, "waitpid", -1, 0)
    assert outcome(a) is PENDING
    call(t, "exit_thread", 0)
    assert outcome(a) is PENDING


def test_who_left_the_group_does_not_wake_the_wait_for_it() -> None:
    """kernel/exit.c:child_wait_callback: it sleeps on, though looking again would find no child at all."""
    _, init = boot()
    a = clone(init)
    child = clone(a)
    start(a, "waitpid", 0, 0)
    assert call(child, "setpgid", 0, 0) is None
    call(child, "exit", 0)
    assert outcome(a) is PENDING


def test_a_handler_interrupts_and_a_stop_does_not() -> None:
    _, init = boot()
    a = clone(init)
    clone(a)
    call(a, "sigaction", 10, int(Disposition.HANDLE), 0)
    start(a, "waitpid", -1, 0)
    for sig in (STOP, CONT):
        call(init, "kill", 2, sig)
    assert outcome(a) is PENDING
    call(init, "kill", 2, 10)
    assert outcome(a) == "EINTR"


def test_restart_makes_the_call_again() -> None:
    _, init = boot()
    a = clone(init)
    clone(a)
    call(a, "sigaction", 10, int(Disposition.HANDLE), 0x10000000)
    start(a, "waitpid", -1, 0)
    call(init, "kill", 2, 10)
    assert outcome(a) is PENDING


def test_the_numbers_are_the_waiters() -> None:
    """WAIT-01"""
    _, init = boot()
    inner = clone(init, NEWPID)
    a = clone(inner)
    call(a, "exit", 9)
    assert call(inner, "waitpid", -1, 0) == (2, 9 << 8)
    call(inner, "exit", 8)
    assert call(init, "waitpid", -1, 0) == (2, 8 << 8)


def test_many_children_are_reaped_without_walking_over_the_gaps() -> None:
    _, init = boot()
    for child in [clone(init) for _ in range(3000)]:
        call(child, "exit", 0)
    assert [call(init, "waitpid", -1, 0) for _ in range(3000)] == [(number, 0) for number in range(2, 3002)]
    assert call(init, "waitpid", -1, 0) == "ECHILD"
