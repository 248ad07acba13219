"""nscore.linux.calls.creation and nscore.linux.afterfork: three ways to clone, each of which makes a sound Python process."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux import afterfork
from nscore.linux.calls import creation, gettid, sethostname, syscall, uname, unshare
from nscore.linux.calls.creation import NEWPID, NEWUSER, NEWUTS, PARENT, PIDFD, SIGCHLD, VM, Born
from nscore.linux.numbers import NUMBERS
from tests.linux.filters import answer

Body = Callable[[], object]
Forked = Callable[[Body], None]
root = pytest.mark.skipif(sys.platform == "linux" and os.geteuid() != 0, reason="needs root")


@contextmanager
def busy(count: int = 4) -> Iterator[None]:
    """Other threads that allocate and compute all the time."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            sorted(bytes(20_000))
            [bytearray(100) for _ in range(50)]

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def sound() -> int:
    """What a sound process can do: import, allocate, start a thread, fork; its locks and its thread's id are its own."""
    thread = threading.Thread(target=lambda: sorted(bytes(1000)))
    thread.start()
    thread.join(5)
    if thread.is_alive() or threading.active_count() != 1 or threading.get_native_id() != gettid():
        return 1
    sys.modules.pop("colorsys", None)
    __import__("colorsys")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def clones(rounds: int, way: str, flags: int = 0) -> int:
    """Clone and wait; how many children were not sound within a few seconds."""
    bad = 0
    for _ in range(rounds):
        pid, pidfd = creation.WAYS[way](flags | PIDFD, SIGCHLD, ())
        if pid == 0:
            status = 2
            try:
                status = sound()
            finally:
                os._exit(status)
        assert pidfd is not None
        if not afterfork_ended(pidfd):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)
        bad += os.waitpid(pid, 0)[1] != 0
    return bad


def afterfork_ended(pidfd: int) -> bool:
    """Whether the process ends within five seconds."""
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        if os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        time.sleep(0.001)
    return False


@pytest.mark.parametrize("way", ["raw", "helper", "fork"])
@pytest.mark.parametrize("flags", [0, pytest.param(NEWPID, marks=root)])
def test_a_child_is_sound(way: str, flags: int, forked: Forked) -> None:
    def body() -> None:
        assert clones(5, way, flags) == 0

    forked(body)


@root
@pytest.mark.parametrize("way", ["helper", "fork"])
def test_a_child_of_a_process_with_threads_is_sound(way: str, forked: Forked) -> None:
    def body() -> None:
        with busy():
            assert clones(8, way, NEWPID) == 0

    forked(body)


def test_the_way_is_the_first_that_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert creation.way() == ("raw" if threading.active_count() == 1 else "helper")
    with busy(1):
        assert creation.way() == "helper"
    monkeypatch.setattr(creation, "GLIBC", False)
    assert creation.way() == "fork"
    monkeypatch.setattr(creation, "FORCED", "helper")
    assert creation.way() == "helper"


@pytest.mark.parametrize("way", ["raw", "helper", "fork"])
def test_a_refused_clone_leaves_nothing(way: str, forked: Forked) -> None:
    def body() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        before = os.listdir("/proc/self/fd")
        with pytest.raises(PermissionError, match="clone"):
            creation.WAYS[way](NEWUTS | PIDFD, SIGCHLD, ())
        assert os.listdir("/proc/self/fd") == before
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    forked(body)


@root
@pytest.mark.parametrize("way", ["raw", "helper", "fork"])
def test_a_child_that_cannot_be_leaves_no_namespace_for_the_next(way: str, forked: Forked) -> None:
    def body() -> None:
        answer(errno.EAGAIN, "clone", "clone3")
        with pytest.raises(BlockingIOError):
            creation.WAYS[way](NEWPID, SIGCHLD, ())
        assert os.readlink("/proc/self/ns/pid_for_children") == os.readlink("/proc/self/ns/pid")

    forked(body)


@root
def test_who_could_not_come_back_from_a_pid_namespace_does_not_go_by_fork(forked: Forked) -> None:
    def body() -> None:
        unshare(NEWUSER)
        with pytest.raises(Unavailable, match="could not go back"):
            creation.fork(NEWPID, SIGCHLD, ())
        assert os.readlink("/proc/self/ns/pid_for_children") == os.readlink("/proc/self/ns/pid")

    forked(body)


@root
@pytest.mark.parametrize("way", ["raw", "helper", "fork"])
def test_other_namespaces_are_the_childs_alone(way: str, forked: Forked) -> None:
    def body() -> None:
        name = uname()[1]
        pid, _ = creation.WAYS[way](NEWUTS | NEWPID, SIGCHLD, ())
        if pid == 0:
            sethostname("child")
            os._exit(0 if (os.getpid(), uname()[1]) == (1, "child") else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert uname()[1] == name
        assert os.fork() or os._exit(0) is None
        assert os.readlink("/proc/self/ns/pid") == os.readlink("/proc/self/ns/pid_for_children")

    forked(body)


@pytest.mark.parametrize(
    ("way", "flags", "exit_signal", "set_tid"),
    [
        ("raw", VM, SIGCHLD, ()),
        ("raw", creation.SETTLS, SIGCHLD, ()),
        ("helper", 0, 10, ()),
        ("helper", creation.FILES, SIGCHLD, ()),
        ("fork", PARENT, SIGCHLD, ()),
        ("fork", 0, 10, ()),
        ("fork", 0, SIGCHLD, (5,)),
    ],
)
def test_what_a_way_cannot_do_is_unavailable(way: str, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> None:
    """Before anything happened."""
    with pytest.raises(Unavailable, match="clone"):
        creation.WAYS[way](flags, exit_signal, set_tid)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def filter_clone3(number: int) -> None:
    """Have a seccomp filter answer clone3 with an errno, as old container engines do."""
    program = (
        struct.pack("=HBBI", 0x20, 0, 0, 0),
        struct.pack("=HBBI", 0x15, 0, 1, NUMBERS["clone3"]),
        struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | number),
        struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000),
    )
    code = ctypes.create_string_buffer(b"".join(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    syscall("prctl", 38, 1, 0, 0, 0)
    syscall("prctl", 22, 2, ctypes.addressof(header), 0, 0)


@root
@pytest.mark.parametrize("number", [1, 38])
def test_where_clone3_is_filtered_it_is_clone(number: int, forked: Forked) -> None:
    def body() -> None:
        filter_clone3(number)
        for _ in range(2):
            pid, _ = creation.raw(NEWPID, SIGCHLD, ())
            if pid == 0:
                os._exit(0 if gettid() == threading.get_native_id() == 1 else 1)
            assert os.waitpid(pid, 0)[1] == 0
        assert creation._clone3 == ["filtered"]
        with pytest.raises(Unavailable, match="set_tid"):
            creation.raw(0, SIGCHLD, (7,))
        with pytest.raises(OSError, match="Invalid"):
            creation.raw(PARENT, SIGCHLD, ())

    forked(body)


def test_an_eperm_that_is_meant_is_believed(forked: Forked) -> None:
    def body() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        with pytest.raises(PermissionError):
            creation.raw(NEWPID, SIGCHLD, ())
        assert "filtered" not in creation._clone3

    forked(body)


def test_what_a_child_must_not_share_is_forgotten(forked: Forked) -> None:
    def body() -> None:
        names = tempfile._get_candidate_names()  # type: ignore[attr-defined]
        _, tell = os.pipe()
        os.set_blocking(tell, False)
        signal.set_wakeup_fd(tell)
        afterfork.forget()
        assert tempfile._get_candidate_names() is not names  # type: ignore[attr-defined]
        assert signal.set_wakeup_fd(-1) == -1

    forked(body)


def test_a_thread_that_could_be_is_told_apart() -> None:
    assert creation.thread_refusal().errno == 11


def born(answer: Born) -> int:
    return answer[0]


@root
def test_the_childs_thread_id_is_its_own(forked: Forked) -> None:
    """pthread_kill goes by what the C library remembers: with the parent's id it would hit nobody, or somebody else."""

    def body() -> None:
        pid = born(creation.clone(NEWPID))
        if pid == 0:
            signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
            time.sleep(1)
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0

    forked(body)
