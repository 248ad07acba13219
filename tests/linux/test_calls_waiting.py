"""nscore.linux.calls.waiting and execution: what becomes of children, and how they end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls

P_ALL, P_PID, P_PIDFD = 0, 1, 3
WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT = 1, 2, 4, 8, 0x1000000


def child(body: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            body()
        finally:
            os._exit(99)
    return pid


def test_waitid_tells_what_became_of_a_child() -> None:
    pid = child(lambda: calls.exit_group(7))
    assert calls.waitid(P_PID, pid, WEXITED | WNOWAIT) == (pid, os.getuid(), 17, 7, 1)
    assert calls.waitid(P_ALL, 0, WEXITED) == (pid, os.getuid(), 17, 7, 1)
    with pytest.raises(ChildProcessError, match="waitid: No child processes"):
        calls.waitid(P_PID, pid, WEXITED)


def test_waitid_of_a_pidfd() -> None:
    pid = child(lambda: calls.kill(os.getpid(), 9))
    fd = calls.pidfd_open(pid)
    assert calls.waitid(P_PIDFD, fd, WEXITED) == (pid, os.getuid(), 17, 9, 2)
    os.close(fd)


def test_stopped_and_continued() -> None:
    pid = child(calls.pause)
    os.kill(pid, 19)
    assert calls.waitid(P_PID, pid, WSTOPPED) == (pid, os.getuid(), 17, 19, 5)
    os.kill(pid, 18)
    assert calls.waitid(P_PID, pid, WCONTINUED) == (pid, os.getuid(), 17, 18, 6)
    assert calls.waitid(P_PID, pid, WEXITED | WNOHANG) is None
    assert calls.waitpid(pid, WNOHANG) == (0, 0)
    os.kill(pid, 9)
    assert calls.waitpid(pid) == (pid, 9)


def test_waitpid_is_wait4() -> None:
    pid = child(lambda: calls.exit_group(3))
    assert calls.wait4(-1) == (pid, 3 << 8)
    with pytest.raises(ChildProcessError, match="wait4: No child processes"):
        calls.waitpid(-1)
    with pytest.raises(OSError, match="Invalid argument"):
        calls.waitpid(-1, 0x10000)
    with pytest.raises(ProcessLookupError):
        calls.waitpid(-(1 << 31))


def test_options_are_the_kernels_to_judge() -> None:
    with pytest.raises(OSError, match="waitid: Invalid argument"):
        calls.waitid(P_ALL, 0, 0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        calls.waitid(P_PIDFD, 999_999, WEXITED)


def test_execve() -> None:
    pid = child(lambda: calls.execve("/bin/sh", ("sh", "-c", 'exit "$CODE"'), ("CODE=5",)))
    assert calls.waitpid(pid) == (pid, 5 << 8)
    with pytest.raises(FileNotFoundError, match="execve: No such file"):
        calls.execve("/no/such", (), ())


def test_exit_ends_one_thread() -> None:
    """The leader goes, the other thread ends the process with a status of its own."""

    def body() -> None:
        leader = os.getpid()

        def other() -> None:
            while Path(f"/proc/self/task/{leader}/stat").read_text().split(") ")[1][0] != "Z":
                calls.sleep(1_000_000)
            calls.exit_group(4)

        threading.Thread(target=other).start()
        calls.exit(1)

    pid = child(body)
    assert calls.waitpid(pid) == (pid, 4 << 8)
