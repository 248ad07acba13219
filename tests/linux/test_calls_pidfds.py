"""nscore.linux.calls.pidfds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls
from tests.check import keeps_status

WEXITED = 4
EXIT = 8


@pytest.fixture
def child() -> Iterator[tuple[int, int]]:
    """A process that sleeps, and its pidfd."""
    pid = os.fork()
    if pid == 0:
        try:
            calls.pause()
        finally:
            os._exit(0)
    fd = calls.pidfd_open(pid)
    yield pid, fd
    os.close(fd)
    try:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return


def test_pidfd_open() -> None:
    fd = calls.pidfd_open(os.getpid(), 0o4000)
    assert calls.fcntl(fd, 1) == 1, "close-on-exec"
    assert calls.fcntl(fd, 3) & 0o4000
    os.close(fd)
    with pytest.raises(OSError, match="pidfd_open: Invalid argument"):
        calls.pidfd_open(0)
    with pytest.raises(ProcessLookupError):
        calls.pidfd_open(1 << 22)


def test_a_signal_and_its_siginfo(child: tuple[int, int]) -> None:
    pid, fd = child
    calls.pidfd_send_signal(fd, 0)
    with pytest.raises(OSError, match="Invalid argument"):
        calls.pidfd_send_signal(fd, 10, (12, -1, 0, 0, 0, 0))
    with pytest.raises(PermissionError):
        calls.pidfd_send_signal(fd, 10, (10, 0, 0, 0, 0, 0))
    with pytest.raises(OSError, match="Invalid argument"):
        calls.pidfd_send_signal(fd, 9, None, 1 << 20)
    calls.pidfd_send_signal(fd, 15)
    assert os.waitpid(pid, 0) == (pid, 15)
    with pytest.raises(ProcessLookupError):
        calls.pidfd_send_signal(fd, 0)


def test_a_siginfo_arrives_as_it_was_sent() -> None:
    fd = calls.pidfd_open(os.getpid())
    old = calls.sigprocmask(0, (34,))
    calls.pidfd_send_signal(fd, 34, (34, -1, 11, 12, 0, -13))
    assert calls.sigtimedwait((34,), 0) == (34, -1, 11, 12, 0, -13)
    calls.sigprocmask(2, old)
    os.close(fd)


def test_pidfd_getfd(child: tuple[int, int]) -> None:
    _, fd = child
    copy = calls.pidfd_getfd(fd, 0)
    assert calls.fstat(copy) == calls.fstat(0)
    os.close(copy)
    with pytest.raises(OSError, match="pidfd_getfd: Bad file descriptor"):
        calls.pidfd_getfd(fd, 9999)
    with pytest.raises(OSError, match="pidfd_getfd: Invalid argument"):
        calls.pidfd_getfd(fd, 0, 1)


@pytest.mark.skipif(not keeps_status(), reason="before Linux 6.15 it does not tell of a status, or of nothing")
def test_pidfd_get_info(child: tuple[int, int]) -> None:
    pid, fd = child
    mask, _, *fields = calls.pidfd_get_info(fd)
    assert isinstance(mask, int)
    assert mask & 7 == 7
    uid, gid = os.getuid(), os.getgid()
    assert fields == [pid, pid, os.getpid(), uid, gid, uid, gid, uid, gid, uid, gid, None]
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    mask, *_, code = calls.pidfd_get_info(fd)
    assert isinstance(mask, int)
    assert (mask & EXIT, code) == (EXIT, 9)
    with pytest.raises(OSError, match="Inappropriate ioctl"):
        calls.pidfd_get_info(0)


def test_pidfd_get_namespace(child: tuple[int, int]) -> None:
    pid, fd = child
    for kind, name in ((3, "mnt"), (5, "pid"), (6, "pid_for_children"), (9, "user"), (10, "uts")):
        namespace = calls.pidfd_get_namespace(fd, kind)
        assert os.fstat(namespace).st_ino == os.stat(f"/proc/{pid}/ns/{name}").st_ino
        os.close(namespace)
    for kind in (0, 99, 0x105, -1):
        with pytest.raises(OSError, match="ioctl: Inappropriate ioctl"):
            calls.pidfd_get_namespace(fd, kind)
    os.kill(pid, 9)
    calls.waitid(1, pid, WEXITED)
    with pytest.raises(ProcessLookupError):
        calls.pidfd_get_namespace(fd, 5)
