"""nscore.linux.calls.signals and the handler that records."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls
from nscore.linux.calls import handler
from nscore.linux.numbers import ARCH
from tests.linux.conftest import await_call

Run = Callable[[Callable[[], object]], None]
BLOCK, UNBLOCK, SETMASK = 0, 1, 2
DFL, IGN, HANDLE = 0, 1, 2
SIGINFO, RESTART, RESETHAND = 4, 0x10000000, 0x80000000
ALL = tuple(range(1, 65))
NOBODY = 1 << 22


def test_the_three_ways_to_kill(forked: Run) -> None:
    def body() -> None:
        calls.sigaction(10, HANDLE)
        me, uid = os.getpid(), os.getuid()
        calls.kill(me, 10)
        calls.tkill(me, 10)
        calls.tgkill(me, me, 10)
        calls.sigqueue(me, 10, -5)
        calls.sigqueue(me, 10, 6, -3)
        assert calls.received() == (
            (10, 0, me, uid, 0, 0),
            (10, -6, me, uid, 0, 0),
            (10, -6, me, uid, 0, 0),
            (10, -1, me, uid, 0, -5),
            (10, -3, me, uid, 0, 6),
        )
        assert calls.received() == ()

    forked(body)


def test_nobody_to_kill() -> None:
    kills: list[Callable[[], object]] = [
        lambda: calls.kill(NOBODY, 0),
        lambda: calls.tkill(NOBODY, 0),
        lambda: calls.tgkill(NOBODY, NOBODY, 0),
        lambda: calls.sigqueue(NOBODY, 0),
    ]
    for kill in kills:
        with pytest.raises(ProcessLookupError):
            kill()
    with pytest.raises(OSError, match="tkill: Invalid argument"):
        calls.tkill(0, 0)
    with pytest.raises(OSError, match="kill: Invalid argument"):
        calls.kill(os.getpid(), 65)
    with pytest.raises(PermissionError):
        calls.sigqueue(os.getppid(), 0, 0, 0)


def test_an_action_is_what_was_set(forked: Run) -> None:
    def body() -> None:
        assert calls.sigaction(12, None) == (DFL, 0)
        assert calls.sigaction(12, IGN) == (DFL, 0)
        assert calls.sigaction(12, HANDLE, RESTART) == (IGN, 0)
        assert calls.sigaction(12, HANDLE, RESETHAND) == (HANDLE, SIGINFO | RESTART)
        calls.kill(os.getpid(), 12)
        assert len(calls.received()) == 1
        assert calls.sigaction(12, None) == (DFL, SIGINFO | RESETHAND)
        assert calls.sigaction(9, None) == (DFL, 0)

    forked(body)


def test_the_first_real_time_signals_are_not_kept(forked: Run) -> None:
    def body() -> None:
        for sig in (32, 33, 34, 64):
            calls.sigaction(sig, HANDLE)
            calls.kill(os.getpid(), sig)
        assert [info[0] for info in calls.received()] == [32, 33, 34, 64]

    forked(body)


def test_actions_that_are_refused() -> None:
    actions: list[Callable[[], object]] = [
        lambda: calls.sigaction(65, None),
        lambda: calls.sigaction(0, None),
        lambda: calls.sigaction(9, IGN),
        lambda: calls.sigaction(19, HANDLE),
        lambda: calls.sigaction(10, 3),
    ]
    for refused in actions:
        with pytest.raises(OSError, match="rt_sigaction: Invalid argument"):
            refused()


def test_masks(forked: Run) -> None:
    def body() -> None:
        assert calls.sigprocmask(SETMASK, ()) == ()
        assert calls.sigprocmask(BLOCK, ALL) == ()
        # KILL and STOP cannot be masked; 32 and 33 can, by the kernel.
        assert calls.sigprocmask(UNBLOCK, (34,)) == tuple([sig for sig in ALL if sig not in (9, 19)])
        calls.kill(os.getpid(), 12)
        calls.kill(os.getpid(), 64)
        assert calls.sigpending() == (12, 64)
        with pytest.raises(OSError, match="rt_sigprocmask: Invalid argument"):
            calls.sigprocmask(3, ())

    forked(body)


def test_sigtimedwait(forked: Run) -> None:
    def body() -> None:
        calls.sigprocmask(BLOCK, (10, 34))
        with pytest.raises(BlockingIOError, match="rt_sigtimedwait: Resource temporarily unavailable"):
            calls.sigtimedwait((10, 34), 1_000_000)
        calls.sigqueue(os.getpid(), 34, 42)
        assert calls.sigtimedwait((10, 34)) == (34, -1, os.getpid(), os.getuid(), 0, 42)
        child = os.fork()
        if child == 0:
            os._exit(3)
        calls.sigprocmask(BLOCK, (17,))
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        calls.kill(os.getpid(), 10)
        assert calls.sigtimedwait((10,), 0)[0] == 10

    forked(body)


def test_sigchld_has_a_status(forked: Run) -> None:
    def body() -> None:
        calls.sigaction(17, HANDLE)
        me = os.getpid()
        child = os.fork()
        if child == 0:
            await_call(me, "ppoll")
            os._exit(3)
        with pytest.raises(InterruptedError, match="ppoll: Interrupted"):
            calls.pause()
        assert calls.received() == ((17, 1, child, os.getuid(), 3, 0),)

    forked(body)


def test_what_is_pending_is_recorded_while_the_mask_opens(forked: Run) -> None:
    def body() -> None:
        calls.sigprocmask(BLOCK, ALL)
        calls.sigaction(10, HANDLE)
        calls.kill(os.getpid(), 10)
        assert calls.received() == ()
        calls.sigprocmask(UNBLOCK, (10,))
        assert len(calls.received()) == 1

    forked(body)


def test_ppoll_opens_the_mask_while_it_sleeps(forked: Run) -> None:
    def body() -> None:
        calls.sigprocmask(BLOCK, ALL)
        calls.sigaction(10, HANDLE)
        calls.kill(os.getpid(), 10)
        with pytest.raises(InterruptedError):
            calls.ppoll((), None, ())
        assert len(calls.received()) == 1
        assert calls.ppoll((), 1_000_000, ()) == ()

    forked(body)


def test_a_handler_runs_with_all_signals_masked(forked: Run) -> None:
    """Two at once are recorded one after the other, the lower number first."""

    def body() -> None:
        calls.sigprocmask(BLOCK, ALL)
        for sig in (12, 10, 50):
            calls.sigaction(sig, HANDLE)
            calls.kill(os.getpid(), sig)
        calls.sigprocmask(UNBLOCK, ALL)
        assert sorted(info[0] for info in calls.received()) == [10, 12, 50]

    forked(body)


def test_the_handler_survives_forks_and_threads(forked: Run) -> None:
    def receive() -> None:
        calls.received()
        for _ in range(20):
            calls.tkill(calls.gettid(), 10)
        assert len(calls.received()) == 20

    def body() -> None:
        calls.sigaction(10, HANDLE)
        calls.kill(os.getpid(), 10)
        for _ in range(20):
            child = os.fork()
            if child == 0:
                receive()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        assert len(calls.received()) == 1
        thread = threading.Thread(target=receive)
        thread.start()
        thread.join()

    forked(body)


def test_signals_from_outside_meet_the_handler_in_a_call(forked: Run) -> None:
    """As a driven process waits: masked but for ppoll.  Every queued signal arrives, none twice."""
    count = 200

    def body() -> None:
        calls.sigprocmask(BLOCK, ALL)
        calls.sigaction(40, HANDLE)
        me = os.getpid()
        if os.fork() == 0:
            for value in range(count):
                calls.sigqueue(me, 40, value)
            os._exit(0)
        seen: list[int] = []
        while len(seen) < count:
            with pytest.raises(InterruptedError):
                calls.ppoll((), 60_000_000_000, ())
            seen += [info[5] for info in calls.received()]
        assert seen == list(range(count))

    forked(body)


def test_a_handler_interrupts_a_call(forked: Run) -> None:
    def body() -> None:
        calls.sigaction(17, HANDLE)
        r, _ = calls.pipe2()
        me = os.getpid()
        if os.fork() == 0:
            await_call(me, "read")
            os._exit(0)
        with pytest.raises(InterruptedError, match="read: Interrupted"):
            calls.read(r, 10)
        assert len(calls.received()) == 1

    forked(body)


def test_restart_is_as_asked_for(forked: Run) -> None:
    def pending(pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("ShdPnd:")[1].split()[0], 16)

    def body() -> None:
        calls.sigaction(10, HANDLE, RESTART)
        r, w = calls.pipe2()
        me = os.getpid()
        if os.fork() == 0:
            await_call(me, "read")
            calls.kill(me, 10)
            while pending(me):
                os.sched_yield()
            await_call(me, "read")
            calls.write(w, b"late")
            os._exit(0)
        assert calls.read(r, 10) == b"late"
        assert len(calls.received()) == 1

    forked(body)


def test_the_restorer_is_the_c_librarys(forked: Run) -> None:
    if ARCH != "x86_64":
        assert handler._RESTORER == 0
        return
    assert handler._RESTORER

    def body() -> None:
        for sig in ALL:
            if sig not in (9, 19):
                calls.sigaction(sig, DFL)
        assert handler._find_restorer() == 0
        # One action by way of the C library is enough, a default one too.
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        assert handler._find_restorer() == handler._RESTORER

    forked(body)
