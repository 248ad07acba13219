"""read(2), dup(2), fcntl(2): descriptors and what they refer to.  fs/file.c, fs/read_write.c, fs/fcntl.c"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import is_cloexec
from conformance.expect import raises
from conformance.mounting import tmpfs
from conformance.views import read
from nscore import (
    FD_CLOEXEC,
    CloneFlag,
    FcntlCommand,
    Machine,
    OpenFlag,
    SeekWhence,
)

WRONLY, RDWR, CREAT = OpenFlag.WRONLY, OpenFlag.RDWR, OpenFlag.CREAT


@case()
def descriptors_are_the_lowest_free(m: Machine) -> None:
    """From 3 on; each has its own close-on-exec flag and shares offset and status with its duplicates."""
    tmpfs(m.init, "/tmp")
    fd = m.init.open("/tmp/file", CREAT | RDWR)
    assert (fd, m.init.dup(fd), m.init.dup(fd)) == (3, 4, 5)
    m.init.close(4)
    assert m.init.fcntl(fd, FcntlCommand.DUPFD, 10) == 10
    assert m.init.fcntl(fd, FcntlCommand.DUPFD_CLOEXEC, 0) == 4
    assert [is_cloexec(m.init, fd) for fd in (3, 4, 10)] == [False, True, False]
    m.init.write(10, b"words")
    assert m.init.lseek(5, 0, SeekWhence.CUR) == 5
    m.init.fcntl(5, FcntlCommand.SETFL, OpenFlag.APPEND)
    assert m.init.fcntl(3, FcntlCommand.GETFL) & OpenFlag.APPEND


@case()
def exec_closes_what_asks_for_it(m: Machine) -> None:
    """The others stay, with their numbers."""
    child = m.init.fork()
    first = child.open("/proc")
    assert (first, child.dup(first), child.open("/", OpenFlag.CLOEXEC), child.dup(first)) == (3, 4, 5, 6)
    child.fcntl(first, FcntlCommand.SETFD, FD_CLOEXEC)
    child.execve(m.image)
    for fd, there in ((3, False), (4, True), (5, False), (6, True)):
        if there:
            assert child.fcntl(fd, FcntlCommand.GETFD) == 0
        else:
            with raises("EBADF"):
                child.fcntl(fd, FcntlCommand.GETFD)


@case()
def what_dup3_and_fcntl_refuse(m: Machine) -> None:
    """A descriptor that is not open; the same twice; unknown flags and commands."""
    fd = m.init.open("/")
    with raises("EBADF"):
        m.init.dup(99)
    with raises("EBADF"):
        m.init.dup3(99, 98)
    for target in (-1, 1 << 30):
        with raises("EBADF"):
            m.init.dup3(fd, target)
    with raises("EINVAL"):
        m.init.dup3(fd, fd)
    with raises("EINVAL"):
        m.init.dup3(fd, 9, OpenFlag.NONBLOCK)
    with raises("EBADF"):
        m.init.fcntl(99, FcntlCommand.GETFD)
    with raises("EINVAL"):
        m.init.fcntl(fd, 9999)
    for target in (-1, 1 << 30):
        with raises("EINVAL"):
            m.init.fcntl(fd, FcntlCommand.DUPFD, target)
    assert m.init.dup3(fd, 9, OpenFlag.CLOEXEC) == 9
    assert is_cloexec(m.init, 9)
    with raises("EBADF"):
        m.init.close(99)


@case()
def children_have_copies_of_the_table(m: Machine) -> None:
    """Of open files that they share: an offset moves for both, a close does not."""
    tmpfs(m.init, "/tmp")
    write_end = m.init.open("/tmp/file", CREAT | RDWR)
    m.init.write(write_end, b"0123456789")
    child = m.init.fork()
    child.lseek(write_end, 4)
    assert m.init.read(write_end, 2) == b"45"
    child.close(write_end)
    assert m.init.read(write_end, 2) == b"67"
    with raises("EBADF"):
        child.read(write_end, 2)
    other = m.init.fork()
    thread = other.thread()
    other.close(write_end)
    with raises("EBADF"):
        thread.read(write_end, 2)
    thread.unshare(CloneFlag.FILES)
    fd = thread.open("/")
    with raises("EBADF"):
        other.fstat(fd)


@case()
def reading_and_writing_files(m: Machine) -> None:
    """Offsets, the end, APPEND, holes; and what is refused."""
    tmpfs(m.init, "/tmp", "dir/")
    fd = m.init.open("/tmp/file", CREAT | RDWR, 0o640)
    assert (m.init.write(fd, b"abcdef"), m.init.lseek(fd, 2)) == (6, 2)
    assert [m.init.read(fd, n) for n in (3, 9, 9)] == [b"cde", b"f", b""]
    assert (m.init.pread(fd, 2, 1), m.init.lseek(fd, -1, SeekWhence.END), m.init.lseek(fd, 4, SeekWhence.CUR)) == (b"bc", 5, 9)
    assert m.init.write(fd, b"x") == 1
    assert (m.init.pread(fd, 20, 0), m.init.fstat(fd).st_size) == (b"abcdef\0\0\0x", 10)
    append = m.init.open("/tmp/file", WRONLY | OpenFlag.APPEND)
    m.init.write(append, b"!")
    assert read(m.init, "/tmp/file")[-2:] == "x!"
    with raises("EBADF"):
        m.init.read(append, 1)
    with raises("EBADF"):
        m.init.pread(append, 1, 0)
    with raises("EBADF"):
        m.init.write(m.init.open("/tmp/file"), b"x")
    for offset, whence in ((-1, SeekWhence.SET), (-99, SeekWhence.END), (0, 9)):
        with raises("EINVAL"):
            m.init.lseek(fd, offset, whence)
    with raises("EINVAL"):
        m.init.pread(fd, 1, -1)
    with raises("EISDIR"):
        m.init.read(m.init.open("/tmp/dir"), 1)
    m.init.close(m.init.open("/tmp/file", WRONLY | OpenFlag.TRUNC))
    assert m.init.stat("/tmp/file").st_size == 0


@case()
def what_is_no_descriptor(m: Machine) -> None:
    """EBADF, of every call."""
    calls = m.init
    for fd in (99, -1):
        with raises("EBADF"):
            calls.close(fd)
        with raises("EBADF"):
            calls.read(fd, 1)
        with raises("EBADF"):
            calls.write(fd, b"x")
        with raises("EBADF"):
            calls.pread(fd, 1, 0)
        with raises("EBADF"):
            calls.lseek(fd, 0)
        with raises("EBADF"):
            calls.fstat(fd)
        with raises("EBADF"):
            calls.dup(fd)
    held = calls.open("/tmp", OpenFlag.PATH)
    with raises("EBADF"):
        calls.read(held, 1)
    with raises("EBADF"):
        calls.lseek(held, 0)
    with raises("EBADF"):
        calls.fcntl(held, FcntlCommand.SETFL, 0)
    calls.fcntl(held, FcntlCommand.GETFD)
    calls.fstat(held)
