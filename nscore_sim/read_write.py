"""read(2), write(2), pread(2), lseek(2).  Models fs/read_write.c."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore_sim.file import File, fget, fput, get_file, readable, writable
from nscore_sim.sched import SLEEP, Restart, Sleep

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task


class Transfer:
    """What a call that sleeps keeps from one try to the next: the file, closed by another thread or not, and how much is done."""

    __slots__ = ("done", "file", "slept")

    def __init__(self, file: File) -> None:
        self.file = get_file(file)
        self.done = 0
        self.slept = False


def transfer(task: Task, fd: int) -> Transfer:
    """The one under way, or a new one.  fs/file.c:fdget_pos"""
    state = task.restart
    if state is None:
        task.restart = state = Transfer(fget(task, fd))
    assert isinstance(state, Transfer)
    return state


def finish(task: Task, state: Transfer) -> None:
    """fs/file.c:fdput_pos"""
    task.restart = None
    fput(state.file, task)


def read(task: Task, fd: int, n: int) -> Plain | Sleep | Restart:
    """read(2).  fs/read_write.c:ksys_read, vfs_read"""
    state = transfer(task, fd)
    file = state.file
    out: bytes | Sleep | Restart | None = None
    try:
        check_read(file)
        out = file.read(task, n, file.f_pos)
        if isinstance(out, bytes):
            file.f_pos += len(out)
        return out
    finally:
        if out is not SLEEP:
            finish(task, state)


def write(task: Task, fd: int, data: bytes) -> Plain | Sleep | Restart:
    """write(2).  fs/read_write.c:ksys_write, vfs_write"""
    state = transfer(task, fd)
    file = state.file
    out: int | Sleep | Restart | None = None
    try:
        if not writable(file):
            raise Errno("EBADF")
        out = file.write(task, data, file.f_pos)
        if isinstance(out, int):
            file.f_pos += out
        return out
    finally:
        if out is not SLEEP:
            finish(task, state)


def check_read(file: File) -> None:
    """fs/read_write.c:vfs_read's refusals"""
    if not readable(file):
        raise Errno("EBADF")
    if stat.S_ISDIR(file.f_path.dentry.d_inode.i_mode):
        raise Errno("EISDIR")


def pread(task: Task, fd: int, n: int, offset: int) -> Plain | Sleep | Restart:
    """pread64(2).  fs/read_write.c:ksys_pread64"""
    if offset < 0:
        raise Errno("EINVAL")
    file = fget(task, fd)
    if file.stream:
        raise Errno("ESPIPE")
    check_read(file)
    return file.read(task, n, offset)


def lseek(task: Task, fd: int, pos: int, whence: int) -> Plain:
    """lseek(2).  fs/read_write.c:ksys_lseek, generic_file_llseek"""
    file = fget(task, fd)
    if not 0 <= whence <= 4:
        raise Errno("EINVAL")
    if not file.seekable:
        raise Errno("ESPIPE")
    file.f_pos = file.llseek(pos, whence)
    return file.f_pos
