"""nscore.linux.calls.files, held against os where os has the same."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls

Run = Callable[[Callable[[], object]], None]
RDWR, CREAT, EXCL, APPEND, NONBLOCK = 2, 0o100, 0o200, 0o2000, 0o4000
DIRECTORY, NOFOLLOW, CLOEXEC, PATH = 0o200000, 0o400000, 0o2000000, 0o10000000
DUPFD, GETFD, SETFD, GETFL, SETFL, SETOWN, GETOWN, DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 8, 9, 1030
IN, OUT, HUP, NVAL = 1, 4, 16, 32


def test_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    fd = calls.open(path, RDWR | CREAT | EXCL, 0o640)
    assert calls.write(fd, b"hello world") == 11
    assert calls.pread(fd, 100, 6) == b"world"
    assert calls.lseek(fd, -5, 2) == 6
    assert calls.read(fd, 3) == b"wor"
    assert calls.read(fd, 0) == b""
    assert calls.lseek(fd, 1 << 40) == 1 << 40
    assert calls.read(fd, 3) == b""
    assert calls.pread(fd, 3, 1 << 40) == b""
    assert calls.stat(path)[2] == 0o100640 & ~os.umask(os.umask(0o22))
    assert calls.fstat(fd) == calls.stat(path)
    with pytest.raises(OSError, match="pread64: Invalid argument"):
        calls.pread(fd, 1, -1)
    with pytest.raises(OSError, match="lseek: Invalid argument"):
        calls.lseek(fd, -1)
    calls.close(fd)
    with pytest.raises(FileExistsError):
        calls.open(path, CREAT | EXCL)
    with pytest.raises(NotADirectoryError):
        calls.open(path, DIRECTORY)
    calls.unlink(path)
    with pytest.raises(FileNotFoundError, match="unlinkat: No such file"):
        calls.unlink(path)
    with pytest.raises(FileNotFoundError, match="statx: No such file"):
        calls.stat(path)


def test_descriptors_that_are_not_open() -> None:
    for call in (
        lambda: calls.read(-1, 1),
        lambda: calls.write(-1, b""),
        lambda: calls.pread(-1, 1, 0),
        lambda: calls.lseek(-1, 0),
        lambda: calls.fstat(-1),
        lambda: calls.close(-1),
        lambda: calls.dup(-1),
        lambda: calls.dup3(-1, 9),
        lambda: calls.fcntl(-1, GETFD),
        lambda: calls.openat(-1, "relative"),
        lambda: calls.sendmsg(-1, b""),
        lambda: calls.recvmsg(-1, 1),
        lambda: calls.setsockopt(-1, 1, 16, 1),
    ):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()


def test_stat_is_os_stat(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    for path in ("/", "/proc", "/proc/self/ns/pid", "/dev/null", "/sys", str(tmp_path / "link")):
        st = os.stat(path)
        assert calls.stat(path) == (st.st_dev, st.st_ino, st.st_mode, st.st_nlink, st.st_uid, st.st_gid, st.st_size)


def test_links_and_names(tmp_path: Path) -> None:
    name = str(tmp_path / "l\udcff")
    (tmp_path / "l\udcff").symlink_to("t\udcfe")
    assert calls.readlink(name) == "t\udcfe"
    assert calls.listdir(str(tmp_path)) == ("l\udcff",)
    with pytest.raises(OSError, match="readlinkat: Invalid argument"):
        calls.readlink("/")
    with pytest.raises(OSError, match="Too many levels") as caught:
        calls.open(name, NOFOLLOW)
    assert caught.value.errno == errno.ELOOP
    assert calls.readlink("/proc/self/ns/pid").startswith("pid:[")


def test_listdir_in_the_kernels_order(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number:04}-{'x' * 40}").touch()
    assert calls.listdir(str(tmp_path)) == tuple(os.listdir(tmp_path))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(NotADirectoryError):
        calls.listdir("/dev/null")
    with pytest.raises(FileNotFoundError):
        calls.listdir("/no/such")
    assert os.listdir("/proc/self/fd") == before


def test_access() -> None:
    assert calls.access("/", 7) == int(os.access("/", 7))
    assert calls.access("/no/such", 0) == 0
    assert calls.access("/", 1 << 20) == 0


def test_directories(forked: Run, tmp_path: Path) -> None:
    def body() -> None:
        calls.chdir(str(tmp_path))
        calls.mkdir("inner", 0o700)
        with pytest.raises(FileExistsError, match="mkdirat: File exists"):
            calls.mkdir("inner")
        with pytest.raises(IsADirectoryError):
            calls.unlink("inner")
        assert calls.getcwd() == str(tmp_path)
        fd = calls.openat(-100, "inner", DIRECTORY | PATH)
        calls.close(calls.openat(fd, "file", CREAT))
        calls.chdir("inner")
        calls.unlink("file")
        os.rmdir("../inner")
        with pytest.raises(FileNotFoundError, match="getcwd: No such file"):
            calls.getcwd()
        with pytest.raises(FileNotFoundError):
            calls.chdir("/no/such")

    forked(body)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_chroot(forked: Run, tmp_path: Path) -> None:
    def body() -> None:
        calls.chdir("/")
        (tmp_path / "mark").touch()
        with pytest.raises(NotADirectoryError):
            calls.chroot("/dev/null")
        calls.chroot(str(tmp_path))
        assert calls.listdir("/") == ("mark",)
        # The kernel calls it "(unreachable)/", and no error.
        with pytest.raises(FileNotFoundError, match="getcwd: No such file"):
            calls.getcwd()

    forked(body)


def test_duplicates(forked: Run) -> None:
    def body() -> None:
        fd = calls.open("/", DIRECTORY)
        copy = calls.dup(fd)
        assert copy == fd + 1
        assert calls.dup3(fd, 100, CLOEXEC) == 100
        assert calls.fcntl(100, GETFD) == 1
        calls.fcntl(100, SETFD, 0)
        assert calls.fcntl(100, GETFD) == 0
        assert calls.fcntl(fd, DUPFD, 200) == 200
        assert calls.fcntl(fd, DUPFD_CLOEXEC, 200) == 201
        with pytest.raises(OSError, match="dup3: Invalid argument"):
            calls.dup3(fd, fd)
        with pytest.raises(OSError, match="dup3: Invalid argument"):
            calls.dup3(fd, 101, 1)
        calls.close_range(100, 300)
        with pytest.raises(OSError, match="Bad file"):
            calls.fstat(201)
        with pytest.raises(OSError, match="close_range: Invalid argument"):
            calls.close_range(2, 1)

    forked(body)


def test_flags_of_an_open_file() -> None:
    r, w = calls.pipe2(CLOEXEC | NONBLOCK)
    assert calls.fcntl(r, GETFL) & ~0o100000 == NONBLOCK
    with pytest.raises(BlockingIOError, match="read: Resource temporarily unavailable"):
        calls.read(r, 1)
    with pytest.raises(OSError, match="Illegal seek"):
        calls.pread(r, 1, 0)
    calls.fcntl(w, SETFL, APPEND)
    assert calls.fcntl(w, GETFL) & ~0o100000 == APPEND | 1
    with pytest.raises(OSError, match="fcntl: Invalid argument"):
        calls.fcntl(r, 4711)
    calls.close(r)
    with pytest.raises(BrokenPipeError):
        calls.write(w, b"x")
    calls.close(w)
    with pytest.raises(OSError, match="pipe2: Invalid argument"):
        calls.pipe2(1)


def test_the_owner_of_a_descriptor_may_be_a_group(forked: Run) -> None:
    def body() -> None:
        os.setpgid(0, 0)
        r, _ = calls.pipe2()
        assert calls.fcntl(r, GETOWN) == 0
        calls.fcntl(r, SETOWN, os.getpid())
        assert calls.fcntl(r, GETOWN) == os.getpid()
        calls.fcntl(r, SETOWN, -os.getpid())
        assert calls.fcntl(r, GETOWN) == -os.getpid()
        with pytest.raises(ProcessLookupError):
            calls.fcntl(r, SETOWN, 1 << 22)

    forked(body)


def test_poll() -> None:
    r, w = calls.pipe2()
    assert calls.poll(((r, IN), (w, OUT), (-1, IN), (9999, IN))) == ((w, OUT), (9999, NVAL))
    assert calls.poll(((r, IN),), 1) == ()
    calls.write(w, b"x")
    assert calls.poll([(r, IN)], 0) == ((r, IN),)
    calls.close(w)
    assert calls.poll([(r, IN)], 0) == ((r, IN | HUP),)
    calls.close(r)
    with pytest.raises(OSError, match="ppoll: Invalid argument"):
        calls.ppoll((), -5)


def test_messages() -> None:
    a, b = calls.socketpair(1, 5 | CLOEXEC)
    r, w = calls.pipe2()
    calls.setsockopt(b, 1, 16, 1)
    me = (os.getpid(), os.getuid(), os.getgid())
    assert calls.sendmsg(a, b"with", (r, w)) == 4
    assert calls.sendmsg(a, b"", credentials=me) == 0
    data, rights, credentials, flags = calls.recvmsg(b, 100, 0x40000000)
    assert (data, credentials, flags & ~0x40000080) == (b"with", me, 0)
    assert [calls.fstat(fd) for fd in rights] == [calls.fstat(r), calls.fstat(w)]
    assert [calls.fcntl(fd, GETFD) for fd in rights] == [1, 1]
    assert calls.recvmsg(b, 100)[:3] == (b"", (), me)
    with pytest.raises(BlockingIOError, match="recvmsg: Resource"):
        calls.recvmsg(b, 1, 0x40)
    for fd in (a, b, r, w, *rights):
        calls.close(fd)


def test_messages_that_are_cut_off() -> None:
    a, b = calls.socketpair(1, 2)
    calls.sendmsg(a, b"0123456789")
    assert calls.recvmsg(b, 4, 2) == (b"0123", (), None, 0x20)
    assert calls.recvmsg(b, 4, 0x20) == (b"0123", (), None, 0x20)
    many = [calls.dup(a) for _ in range(100)]
    calls.sendmsg(a, b"x", many)
    _, rights, _, flags = calls.recvmsg(b, 1)
    assert len(rights) == 64
    assert flags & 8, "MSG_CTRUNC"
    calls.sendmsg(a, b"x", many[:65])
    _, more, _, flags = calls.recvmsg(b, 1)
    assert (len(more), flags & 8) == (64, 8)
    assert calls.dup(a) == max(more) + 1, "the 65th is closed"
    calls.close(max(more) + 1)
    for fd in (a, b, *many, *rights, *more):
        calls.close(fd)


def test_credentials_of_others_are_refused(forked: Run) -> None:
    def body() -> None:
        a, _ = calls.socketpair()
        if os.geteuid() == 0:
            calls.setresuid(1000, 1000, 1000)
        with pytest.raises(PermissionError, match="sendmsg: Operation not permitted"):
            calls.sendmsg(a, b"x", (), (os.getpid(), 0, os.getgid()))

    forked(body)


def test_sockets_that_are_refused() -> None:
    with pytest.raises(OSError, match="Operation not supported"):
        calls.socketpair(2)
    r, w = calls.pipe2()
    with pytest.raises(OSError, match="setsockopt: Socket operation on non-socket"):
        calls.setsockopt(r, 1, 16, 1)
    a, b = calls.socketpair()
    with pytest.raises(OSError, match="setsockopt: Protocol not available"):
        calls.setsockopt(a, 1, 9999, 1)
    for fd in (r, w, a, b):
        calls.close(fd)
