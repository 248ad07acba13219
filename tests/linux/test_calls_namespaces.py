"""nscore.linux.calls.namespaces, in children and fresh namespaces."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls
from tests.linux.conftest import run_in_child

Run = Callable[[Callable[[], object]], None]
NEWUTS, NEWUSER, NEWPID = 0x4000000, 0x10000000, 0x20000000


def of(name: str, pid: str = "self") -> int:
    return calls.open(f"/proc/{pid}/ns/{name}", 0o2000000)


def test_unshare_and_setns(as_init: Run) -> None:
    def body() -> None:
        before = of("uts")
        calls.unshare(NEWUTS)
        assert os.readlink("/proc/self/ns/uts") != f"uts:[{calls.fstat(before)[1]}]"
        calls.setns(before, NEWUTS)
        assert os.readlink("/proc/self/ns/uts") == f"uts:[{calls.fstat(before)[1]}]"
        with pytest.raises(OSError, match="setns: Invalid argument"):
            calls.setns(before, NEWPID)
        calls.unshare(NEWPID)
        assert calls.getpid() == 1
        run_in_child(lambda: calls.getpid() == 1 or pytest.fail("a child of unshare(NEWPID) is not PID 1"))
        # The children's namespace lost its init: it takes no more.
        with pytest.raises(OSError, match="Cannot allocate memory"):
            os.fork()

    as_init(body)


def test_what_is_refused() -> None:
    with pytest.raises(OSError, match="unshare: Invalid argument"):
        calls.unshare(1)
    with pytest.raises(OSError, match="setns: Bad file descriptor"):
        calls.setns(-1)
    for call in (calls.ns_get_parent, calls.ns_get_userns, calls.ns_get_nstype, calls.ns_get_owner_uid):
        with pytest.raises(OSError, match="ioctl: Bad file descriptor"):
            call(-1)


def test_relatives(as_init: Run) -> None:
    def body() -> None:
        pid_ns = of("pid")
        assert calls.ns_get_nstype(pid_ns) == NEWPID
        assert calls.fstat(calls.ns_get_userns(pid_ns)) == calls.fstat(of("user"))
        with pytest.raises(PermissionError, match="ioctl: Operation not permitted"):
            calls.ns_get_parent(pid_ns)
        with pytest.raises(OSError, match="Invalid argument"):
            calls.ns_get_parent(of("uts"))
        calls.unshare(NEWPID)
        run_in_child(lambda: None)
        inner = calls.open("/proc/self/ns/pid_for_children")
        assert calls.fstat(calls.ns_get_parent(inner)) == calls.fstat(pid_ns)

    as_init(body)


def test_the_owner_of_a_user_namespace(forked: Run) -> None:
    def body() -> None:
        me = calls.geteuid()
        calls.unshare(NEWUSER)
        assert calls.ns_get_nstype(of("user")) == NEWUSER
        with open("/proc/self/uid_map", "w") as file:
            file.write(f"{me} {me} 1")
        assert calls.ns_get_owner_uid(of("user")) == me
        with pytest.raises(OSError, match="Invalid argument"):
            calls.ns_get_owner_uid(of("pid"))

    if os.geteuid() != 0:
        pytest.skip("needs root")
    forked(body)


def test_pids_of_another_namespace(as_init: Run) -> None:
    def body() -> None:
        calls.unshare(NEWPID)
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(ready, 1)
            os._exit(0)
        inner = of("pid", str(child))
        assert calls.ns_get_pid_in_pidns(inner, child) == calls.ns_get_tgid_in_pidns(inner, child) == 1
        assert calls.ns_get_pid_from_pidns(inner, 1) == calls.ns_get_tgid_from_pidns(inner, 1) == child
        for call in (calls.ns_get_pid_in_pidns, calls.ns_get_tgid_in_pidns, calls.ns_get_pid_from_pidns, calls.ns_get_tgid_from_pidns):
            with pytest.raises(ProcessLookupError):
                call(inner, 99999)
            with pytest.raises(OSError, match="Invalid argument"):
                call(of("uts"), 1)
        os.write(told, b"x")
        os.waitpid(child, 0)

    as_init(body)
