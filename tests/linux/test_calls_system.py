"""nscore.linux.calls.system."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls
from tests.linux.conftest import await_call

Run = Callable[[Callable[[], object]], None]
SET_PDEATHSIG, GET_PDEATHSIG, SET_NAME, GET_NAME, SET_SUBREAPER, GET_SUBREAPER = 1, 2, 15, 16, 36, 37


def test_prctl(forked: Run) -> None:
    def body() -> None:
        assert calls.prctl(SET_PDEATHSIG, 12) == 0
        assert calls.prctl(GET_PDEATHSIG) == 12
        assert calls.prctl(GET_SUBREAPER) == 0
        calls.prctl(SET_SUBREAPER, 1)
        assert calls.prctl(GET_SUBREAPER) == 1
        assert calls.prctl(3) == 1, "PR_GET_DUMPABLE is the result"
        calls.prctl(38, 1)
        assert calls.prctl(39) == 1, "PR_GET_NO_NEW_PRIVS"
        with pytest.raises(OSError, match="prctl: Invalid argument"):
            calls.prctl(SET_PDEATHSIG, 65)

    forked(body)


def test_names_of_threads(forked: Run) -> None:
    def body() -> None:
        calls.prctl(SET_NAME, "a name of more than fifteen")
        assert calls.prctl(GET_NAME) == "a name of more "
        with open("/proc/self/comm") as comm:
            assert comm.read() == "a name of more \n"
        calls.prctl(SET_NAME, "\udcff")
        assert calls.prctl(GET_NAME) == "\udcff"

    forked(body)


def test_uname() -> None:
    assert calls.uname()[:5] == tuple(os.uname())
    with open("/proc/sys/kernel/domainname") as file:
        assert calls.uname()[5] == file.read().rstrip("\n")


def test_sethostname(as_init: Run) -> None:
    def body() -> None:
        calls.sethostname("böx")
        assert calls.uname()[1] == "böx"
        with pytest.raises(OSError, match="sethostname: Invalid argument"):
            calls.sethostname("x" * 65)

    as_init(body)


def test_reboot_ends_a_namespace(as_init: Run) -> None:
    def body() -> None:
        assert calls.getpid() == 1
        with pytest.raises(OSError, match="reboot: Invalid argument"):
            calls.reboot(0x12345)
        calls.unshare(0x20000000)
        pid = os.fork()
        if pid == 0:
            calls.reboot(0xCDEF0123)  # HALT
            os._exit(0)
        assert os.waitpid(pid, 0) == (pid, 2)

    as_init(body)


def test_time() -> None:
    before = time.monotonic_ns()
    now = calls.monotonic()
    assert before <= now <= time.monotonic_ns()
    calls.sleep(2_000_000)
    assert calls.monotonic() - now >= 2_000_000
    with pytest.raises(OSError, match="clock_nanosleep: Invalid argument"):
        calls.sleep(-1)


def test_a_handled_signal_interrupts_a_sleep(forked: Run) -> None:
    def body() -> None:
        calls.sigaction(17, 2)
        me = os.getpid()
        if os.fork() == 0:
            await_call(me, "clock_nanosleep")
            os._exit(0)
        with pytest.raises(InterruptedError, match="clock_nanosleep: Interrupted"):
            calls.sleep(60_000_000_000)

    forked(body)
