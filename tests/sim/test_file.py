"""nscore_sim/file.py, fcntl.py, read_write.py: descriptors, what shares them, and what a position belongs to."""

from __future__ import annotations

import pytest

from conformance.expect import raises
from nscore import Machine, boot
from nscore.flags import CloneFlag, FcntlCommand, OpenFlag, SeekWhence
from nscore_sim.file import descriptors, find_next_fd
from nscore_sim.world import SimWorld


def test_the_lowest_free_descriptor_is_given(machine: Machine) -> None:
    a = machine.init.fork()
    assert [a.dup(0), a.dup(0), a.dup(0)] == [3, 4, 5]
    a.close(4)
    a.close(0)
    assert [a.dup(1), a.dup(1), a.dup(1)] == [0, 4, 6]
    assert a.fcntl(1, FcntlCommand.DUPFD, 10) == 10
    with raises("EBADF"):
        a.close(7)


def test_a_fork_has_the_same_files_and_a_table_of_its_own(machine: Machine) -> None:
    a = machine.init.fork()
    fd = a.open("/proc/self/comm")
    b = a.fork()
    b.close(fd)
    assert a.read(fd, 3) == b"ini"
    c = a.fork()
    assert c.read(fd, 9) == b"t\n"
    assert a.read(fd, 9) == b""


def test_the_threads_of_a_process_share_the_table(machine: Machine) -> None:
    a = machine.init.fork()
    thread = a.thread()
    fd = thread.open("/dev/null", OpenFlag.RDWR)
    assert a.write(fd, b"x") == 1
    a.close(fd)
    with raises("EBADF"):
        thread.read(fd, 1)


def test_dup3_replaces_and_close_on_exec_belongs_to_the_descriptor(machine: Machine) -> None:
    a = machine.init.fork()
    r, w = a.pipe2()
    assert a.dup3(0, w, OpenFlag.CLOEXEC) == w
    assert a.read(r, 1) == b""  # the only end to write to is gone
    assert (a.fcntl(w, FcntlCommand.GETFD), a.fcntl(0, FcntlCommand.GETFD)) == (1, 0)
    for oldfd, newfd, flags in ((0, 0, 0), (0, 5, 1)):
        with raises("EINVAL"):
            a.dup3(oldfd, newfd, flags)
    with raises("EBADF"):
        a.dup3(0, -1)


def test_execve_closes_what_is_marked(machine: Machine) -> None:
    a = machine.init.fork()
    kept, closed = a.open("/dev/null"), a.open("/dev/null", OpenFlag.CLOEXEC)
    a.execve(machine.image)
    assert a.read(kept, 1) == b""
    with raises("EBADF"):
        a.read(closed, 1)


def test_a_position_is_the_open_files_and_a_flag_too(machine: Machine) -> None:
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWNS)
    a.mount("none", "/tmp", "tmpfs")
    fd = a.open("/tmp/f", OpenFlag.CREAT | OpenFlag.RDWR, 0o600)
    other = a.dup(fd)
    assert (a.write(fd, b"abc"), a.write(other, b"def")) == (3, 3)
    assert (a.pread(fd, 9, 1), a.read(fd, 9), a.lseek(other, -2, SeekWhence.END)) == (b"bcdef", b"", 4)
    assert a.read(fd, 9) == b"ef"
    a.fcntl(fd, FcntlCommand.SETFL, OpenFlag.APPEND)
    assert a.fcntl(other, FcntlCommand.GETFL) & OpenFlag.APPEND
    appended = a.open("/tmp/f", OpenFlag.WRONLY | OpenFlag.APPEND)
    assert (a.write(appended, b"!"), a.lseek(appended, 0, SeekWhence.CUR), a.pread(fd, 9, 0)) == (1, 7, b"abcdef!")
    for pos, whence in ((-1, SeekWhence.SET), (0, 9)):
        with raises("EINVAL"):
            a.lseek(fd, pos, whence)


def test_an_owner_is_kept_as_a_process_not_as_a_number(machine: Machine) -> None:
    a = machine.init.fork()
    r, _ = a.pipe2()
    inner = a.clone(CloneFlag.NEWPID)
    assert (a.fcntl(r, FcntlCommand.SETOWN, a.getpid()), inner.fcntl(r, FcntlCommand.GETOWN)) == (0, 0)
    inner.fcntl(r, FcntlCommand.SETOWN, 1)
    assert a.fcntl(r, FcntlCommand.GETOWN) == inner.pid
    with pytest.raises(ProcessLookupError):
        a.fcntl(r, FcntlCommand.SETOWN, 4194303)
    inner.exit(0)
    a.waitpid(-1)
    assert a.fcntl(r, FcntlCommand.GETOWN) == 0


def test_descriptors_of_a_table() -> None:
    assert descriptors(0b101001) == [0, 3, 5]
    assert [find_next_fd(0b101, start) for start in (0, 1, 2, 9)] == [1, 1, 3, 9]


def test_a_plain_fork_copies_no_table() -> None:
    with boot("sim") as machine:
        a = machine.init.fork()
        b = a.fork()
        assert isinstance(machine._world, SimWorld)
        tasks = {task.pid: task for task in machine._world.kernel.init_task.children or ()}
        init = next(iter(tasks.values()))
        first = next(iter(init.children or ()))
        second = next(iter(first.children or ()))
        assert first.files is not second.files
        assert first.files is not None and second.files is not None
        assert first.files.fdt is second.files.fdt
        b.dup(0)
        assert first.files.fdt is not second.files.fdt
