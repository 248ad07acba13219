"""A command that is its own init is made by the calling thread, which comes back whatever happens, and runs nobody's code there."""

from __future__ import annotations

import os
import random
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from nscore import Unavailable
from nscore.running import run
from tests.running import forks, interrupts, witness

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform == "linux":
    from nscore.linux import inplace
    from nscore.linux.calls import unshare
    from nscore.linux.command import threads_left
    from tests.linux.filters import answer

BARE: Any = {"init": False, "proc": False}
NEWUSER, NEWPID, EAGAIN = 0x10000000, 0x20000000, 11


def at_home() -> bool:
    """Whether the next child is born where this process is."""
    return os.readlink("/proc/thread-self/ns/pid_for_children") == os.readlink("/proc/thread-self/ns/pid")


def made() -> list[bool]:
    """Whether each command from now on was made so."""
    told: list[bool] = []
    original = inplace.Visit.close

    def close(visit: inplace.Visit) -> None:
        if visit.pid:
            told.append(True)
        original(visit)

    vars(inplace)["Visit"].close = close
    return told


def whoever_makes_a_command_himself_is_back_at_once() -> None:
    forks.needs_root()
    told = made()
    for threads in (1, 8):
        with ThreadPoolExecutor(threads) as pool:
            statuses = pool.map(lambda _: (run(["sh", "-c", "exit $$"], **BARE).returncode, at_home()), range(40))
            assert set(statuses) == {(1, True)}
    with witness.nothing_left() as options:
        for refused in ({"args": ["/nowhere"]}, {"args": ["true"], "cwd": "/nowhere"}):
            with suppress(OSError):
                raise AssertionError(run(**refused, **BARE, **options))
            assert at_home()
    assert len(told) >= 80, told


def no_handler_runs_there() -> None:
    """However often one comes; it would fork into the new namespace."""
    forks.needs_root()
    told, seen = made(), [0, 0]

    def handler(number: int, frame: object) -> None:
        seen[at_home()] += 1
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.0003))

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0001)
    for _ in range(300):
        assert run(["true"], **BARE).returncode == 0
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert seen[False] == 0 and seen[True] > 100 and len(told) >= 300, (seen, len(told))


def an_interrupt_at_each_line_of_a_visit_leaves_nothing() -> None:
    forks.needs_root()
    told = made()
    interrupts.at_each_line(**BARE)
    assert told and at_home()


def where_no_child_can_be_made_the_thread_comes_back() -> None:
    forks.needs_root()
    assert run(["true"], **BARE).returncode == 0
    answer(EAGAIN, "clone", "clone3")
    with suppress(BlockingIOError, Unavailable):
        raise AssertionError(run(["true"], user=0, **BARE))  # by fork: vfork is a call of its own
    assert at_home()


def who_could_not_come_back_does_not_go() -> None:
    """Another user namespace than his owns the PID namespace."""
    forks.needs_root()
    assert run(["true"], **BARE).returncode == 0
    told = made()
    threads_left()
    unshare(NEWUSER)
    with suppress(Unavailable):
        run(["true"], **BARE)
    assert at_home() and not told


def whose_children_are_born_elsewhere_has_them_there_still() -> None:
    """He has left for a namespace of his own: that is not taken from him, though there is no other for the command."""
    forks.needs_root()
    assert run(["true"], **BARE).returncode == 0
    unshare(NEWPID)
    init = os.fork()
    if init == 0:
        signal.pause()
    there = os.readlink("/proc/self/ns/pid_for_children")
    try:
        with suppress(OSError, Unavailable):  # not even a thread is to be had then
            run(["true"], **BARE)
        assert os.readlink("/proc/self/ns/pid_for_children") == there and not at_home()
    finally:
        os.kill(init, signal.SIGKILL)
        os.waitpid(init, 0)


def a_signal_at_the_death_of_the_thread_comes_as_to_subprocesss_child() -> None:
    """Its parent is the thread that called: PDEATHSIG goes by thread."""
    forks.needs_root()
    asks = ["setpriv", "--pdeathsig", "KILL", "sleep", ".003"]
    with ThreadPoolExecutor(1) as pool:
        statuses = [run(asks, **BARE).returncode for _ in range(20)] + list(pool.map(lambda _: run(asks, **BARE).returncode, range(20)))
    assert statuses == [0] * 40, statuses
