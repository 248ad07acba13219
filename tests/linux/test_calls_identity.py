"""nscore.linux.calls.identity, held against os where os has the same."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls

Run = Callable[[Callable[[], object]], None]
NOBODY = 1 << 30
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_numbers_of_a_process() -> None:
    assert calls.getpid() == os.getpid()
    assert calls.getppid() == os.getppid()
    assert calls.gettid() == threading.get_native_id()
    assert calls.getpgid() == calls.getpgid(os.getpid()) == os.getpgid(0)
    assert calls.getsid() == os.getsid(0)


def test_ids() -> None:
    assert (calls.getuid(), calls.geteuid(), calls.getgid(), calls.getegid()) == (os.getuid(), os.geteuid(), os.getgid(), os.getegid())
    assert calls.getgroups() == tuple(sorted(os.getgroups()))


def test_no_such_process() -> None:
    for call in (calls.getpgid, calls.getsid, calls.capget):
        with pytest.raises(ProcessLookupError, match=f"{call.__name__}: No such process"):
            call(NOBODY)
    with pytest.raises(ProcessLookupError):
        calls.setpgid(NOBODY, 0)
    with pytest.raises(OSError, match="capget: Invalid argument"):
        calls.capget(-1)


def test_groups_and_sessions(forked: Run) -> None:
    def body() -> None:
        calls.setpgid(0, 0)
        assert calls.getpgid() == calls.getpid()
        with pytest.raises(PermissionError):
            calls.setsid()
        calls.setpgid(0, os.getppid())
        calls.setsid()
        assert calls.getsid() == calls.getpid()
        with pytest.raises(PermissionError):
            calls.setpgid(0, 0)
        with pytest.raises(OSError, match="Invalid argument"):
            calls.setpgid(0, -1)

    def leader() -> None:
        os.setpgid(0, 0)
        from tests.linux.conftest import run_in_child

        run_in_child(body)

    forked(leader)


@root
def test_setting_ids(forked: Run) -> None:
    def body() -> None:
        calls.setgroups((7, 5, 6))
        assert calls.getgroups() == (5, 6, 7)
        calls.setgroups(())
        assert calls.getgroups() == ()
        calls.setregid(-1, 101)
        assert os.getresgid()[:2] == (0, 101)
        calls.setresgid(1, 2, 3)
        assert os.getresgid() == (1, 2, 3)
        calls.setgid(2)
        assert os.getresgid() == (2, 2, 2)
        calls.setreuid(-1, 0)
        calls.setresuid(0, 4294967294, 0)
        assert calls.geteuid() == 4294967294
        calls.setresuid(-1, 0, -1)
        calls.setuid(1000)
        assert os.getresuid() == (1000, 1000, 1000)
        with pytest.raises(PermissionError, match="setuid: Operation not permitted"):
            calls.setuid(0)
        refusals: list[Callable[[], object]] = [
            lambda: calls.setreuid(0, 0),
            lambda: calls.setresuid(0, 0, 0),
            lambda: calls.setgid(0),
            lambda: calls.setregid(0, 0),
            lambda: calls.setresgid(0, 0, 0),
            lambda: calls.setgroups((0,)),
        ]
        for refused in refusals:
            with pytest.raises(PermissionError):
                refused()

    forked(body)


def test_no_id_is_minus_one() -> None:
    with pytest.raises(OSError, match="setuid: Invalid argument"):
        calls.setuid(-1)
    with pytest.raises(OSError, match="setgid: Invalid argument"):
        calls.setgid(4294967295)


@root
def test_an_id_is_set_for_the_calling_thread_alone(forked: Run) -> None:
    def body() -> None:
        thread = threading.Thread(target=calls.setresuid, args=(-1, 1000, -1))
        thread.start()
        thread.join()
        assert calls.geteuid() == 0

    forked(body)


@root
def test_capabilities(forked: Run) -> None:
    def status(name: str) -> int:
        with open("/proc/thread-self/status") as file:
            return next(int(line.split()[1], 16) for line in file if line.startswith(name))

    def body() -> None:
        effective, permitted, inheritable = calls.capget()
        assert (effective, permitted, inheritable) == (status("CapEff"), status("CapPrm"), status("CapInh"))
        assert effective >> 32, "a capability above 32 is among them"
        kept = 1 << 21 | 1 << 38 | 1 << 8
        calls.capset(1 << 38, kept, 1 << 21)
        assert calls.capget() == calls.capget(os.getpid()) == (1 << 38, kept, 1 << 21)
        assert (status("CapEff"), status("CapPrm"), status("CapInh")) == (1 << 38, kept, 1 << 21)
        with pytest.raises(PermissionError):
            calls.capset(1 << 5, kept, 0)

    forked(body)
