"""nscore.linux.boot and available: why a machine cannot be had, and what to change."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux import BACKEND, available, boot, zygotes
from nscore.linux.calls import mount, unshare
from nscore.linux.calls.creation import NEWNS, NEWPID

Forked = Callable[[Callable[[], object]], None]
root = pytest.mark.skipif(sys.platform == "linux" and os.geteuid() != 0, reason="needs root")


def refusal() -> Unavailable:
    """What boot raises, which available() says too."""
    told = BACKEND.available()
    with pytest.raises(Unavailable) as raised:
        BACKEND.boot({})
    assert told is not None
    assert (told.reason, told.remedy) == (raised.value.reason, raised.value.remedy)
    assert "NSCORE_BACKEND=sim" in told.remedy
    return told


def test_it_is_available_and_the_trial_leaves_nothing() -> None:
    before = os.listdir("/proc/self/fd")
    assert BACKEND.available() is None
    assert os.listdir("/proc/self/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_limit_of_descriptors(forked: Forked) -> None:
    def body() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
        assert "RLIMIT_NOFILE is 512" in refusal().reason

    forked(body)


def test_a_low_soft_limit_is_none(forked: Forked) -> None:
    def body() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        BACKEND.boot({}).close()

    forked(body)


@root
def test_a_proc_of_another_namespace(forked: Forked) -> None:
    def inside() -> None:
        assert "/proc shows" in refusal().reason

    def body() -> None:
        unshare(NEWPID)
        forked(inside)

    forked(body)


@root
def test_an_ordinary_user_without_user_namespaces(forked: Forked) -> None:
    def body() -> None:
        unshare(0x10000000)  # a user namespace of one's own has switches of its own
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")
        monkeypatched = boot.capabilities
        boot.capabilities = lambda: 0
        try:
            told = refusal()
        finally:
            boot.capabilities = monkeypatched
        assert "clone" in told.reason
        assert "max_user_namespaces" in told.remedy

    forked(body)


@root
def test_a_masked_proc(forked: Forked) -> None:
    """mount_too_revealing: what lies over parts of the only /proc in sight must stay in sight."""

    def body() -> None:
        unshare(NEWNS)
        mount(None, "/", None, 0x4000 | 0x40000)
        mount("none", "/proc/sys", "tmpfs", 0)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        told = refusal()
        assert "mount of /proc" in told.reason
        assert "masked" in told.remedy

    forked(body)


def test_an_interpreter_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygotes, "BARE", "raise SystemExit(3)")
    told = BACKEND.available()
    assert told is not None
    assert "does not start" in told.reason


@pytest.mark.parametrize(("name", "text"), [("schedstat", "0 0 0\n"), ("syscall", "")])
def test_what_settle_cannot_do_without(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    real = available.shown
    monkeypatch.setattr(available, "shown", lambda proc, asked: text if asked == name else real(proc, asked))
    told = BACKEND.available()
    assert told is not None
    assert name in told.reason


def test_rights_that_lose_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "capabilities", lambda: 1 << available.CAP_SYS_ADMIN)
    told = BACKEND.available()
    assert told is not None
    assert "CAP_SYS_PTRACE" in told.remedy
