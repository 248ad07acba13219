"""Open files and the table of descriptors.  Models include/linux/fs.h:file, fs/file.c, fs/file_table.c.

The table is shared by reference on fork and copied when one of its holders changes it, so a plain fork costs two counts; a file in it is
counted once a table.
"""

from __future__ import annotations

import itertools
import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import CloneFlag, OpenFlag, PollEvent
from nscore_sim.cred import get_cred, put_cred
from nscore_sim.mount import mnt_get_write_access, mntput

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.cred import Cred
    from nscore_sim.dcache import Path
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.sched import Restart, Sleep, WaitQueueHead
    from nscore_sim.task import Task

O_ACCMODE = 0o3
O_WRONLY, O_RDWR = int(OpenFlag.WRONLY), int(OpenFlag.RDWR)
O_CLOEXEC, O_PATH, O_NONBLOCK = int(OpenFlag.CLOEXEC), int(OpenFlag.PATH), int(OpenFlag.NONBLOCK)
O_APPEND = int(OpenFlag.APPEND)
CLONE_FILES = int(CloneFlag.FILES)

#: SignalStruct.rlim's index.  asm-generic/resource.h
RLIMIT_NOFILE = 7

#: What a file that does not say otherwise is ready for.  include/linux/poll.h:DEFAULT_POLLMASK
DEFAULT_POLLMASK = int(PollEvent.IN | PollEvent.OUT | PollEvent.RDNORM | PollEvent.WRNORM)


class File:
    """An open file.  include/linux/fs.h:file; the methods are its file_operations."""

    __slots__ = ("f_count", "f_cred", "f_flags", "f_owner", "f_path", "f_pos")

    #: What lseek says; a class of files that has no position sets it False.
    seekable = True
    #: A stream has not even positions to read from.  fs/open.c:stream_open
    stream = False
    #: Whether there are signals for who sets O_ASYNC.
    fasync = False

    def __init__(self, f_path: Path, f_flags: int, f_cred: Cred) -> None:
        self.f_count = 1
        self.f_path = f_path
        self.f_flags = f_flags & ~O_CLOEXEC  #: without the bits that only open itself looks at
        self.f_cred = get_cred(f_cred)
        self.f_pos = 0
        self.f_owner: tuple[Pid, int] | None = None  #: F_SETOWN: whom, and as what (PIDTYPE_*)
        f_path.mnt.mnt_count += 1
        if f_flags & O_ACCMODE and writes_to_mount(self):
            mnt_get_write_access(f_path.mnt, 1)

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        """At most n bytes from pos; whoever calls moves the position."""
        raise Errno("EINVAL")

    def write(self, task: Task, data: bytes, pos: int) -> int | Sleep | Restart:
        """Put data at pos and say how much of it was taken."""
        raise Errno("EINVAL")

    def poll(self, task: Task) -> int:
        """What it is ready for: POLL* bits."""
        return DEFAULT_POLLMASK

    def poll_wait(self, task: Task) -> tuple[WaitQueueHead, ...]:
        """Where to sleep until that changes."""
        return ()

    def iterate(self, task: Task) -> list[str]:
        """The names in a directory."""
        return self.f_path.dentry.d_inode.iterate(task, self.f_path.dentry)

    def llseek(self, pos: int, whence: int) -> int:
        """The position that a seek leads to.  fs/read_write.c:generic_file_llseek"""
        base = (0, self.f_pos, self.f_path.dentry.d_inode.size())
        if whence >= len(base) or base[whence] + pos < 0:
            raise Errno("EINVAL")
        return base[whence] + pos

    def can_odirect(self) -> bool:
        """FMODE_CAN_ODIRECT: whether it takes O_DIRECT."""
        return False

    def release(self, task: Task) -> None:
        """The last reference is gone."""

    def show_fdinfo(self, ns: PidNamespace) -> str:
        """What fdinfo adds, in numbers of the PID namespace of the proc through which it is read."""
        return ""


def readable(file: File) -> bool:
    """FMODE_READ"""
    return file.f_flags & (O_ACCMODE | O_PATH) in (0, O_RDWR)


def writable(file: File) -> bool:
    """FMODE_WRITE"""
    return file.f_flags & (O_ACCMODE | O_PATH) in (O_WRONLY, O_RDWR)


def writes_to_mount(file: File) -> bool:
    """FMODE_WRITER: only of a regular file, since the others keep their data elsewhere.  fs/file_table.c"""
    return writable(file) and stat.S_ISREG(file.f_path.dentry.d_inode.i_mode)


def get_file(file: File) -> File:
    """include/linux/fs.h:get_file"""
    file.f_count += 1
    return file


def fput(file: File, task: Task) -> None:
    """fs/file_table.c:fput and __fput"""
    file.f_count -= 1
    if file.f_count:
        return
    file.release(task)
    if file.f_flags & O_ACCMODE and writes_to_mount(file):
        mnt_get_write_access(file.f_path.mnt, -1)
    mntput(file.f_path.mnt)
    put_cred(file.f_cred)


class FdTable:
    """Descriptors and their files, shared by reference.  include/linux/fdtable.h:fdtable"""

    __slots__ = ("close_on_exec", "fd", "open_fds", "refs")

    def __init__(self, fd: dict[int, File], open_fds: int, close_on_exec: int) -> None:
        self.refs = 1
        self.fd = fd
        self.open_fds = open_fds  #: a bit a descriptor
        self.close_on_exec = close_on_exec


class FilesStruct:
    """What CLONE_FILES shares.  include/linux/fdtable.h:files_struct"""

    __slots__ = ("count", "fdt")

    def __init__(self, fdt: FdTable) -> None:
        self.count = 1
        self.fdt = fdt


def own_fdtable(files: FilesStruct, task: Task) -> FdTable:
    """The table to write to: its own copy if others read the same one.  fs/file.c:dup_fd"""
    fdt = files.fdt
    if fdt.refs == 1:
        return fdt
    fdt.refs -= 1
    for file in fdt.fd.values():
        file.f_count += 1
    files.fdt = FdTable(dict(fdt.fd), fdt.open_fds, fdt.close_on_exec)
    return files.fdt


def copy_files(clone_flags: int, task: Task) -> FilesStruct | None:
    """The files of a new task that task creates.  kernel/fork.c:copy_files"""
    files = task.files
    if files is None:
        return None
    if clone_flags & CLONE_FILES:
        files.count += 1
        return files
    files.fdt.refs += 1
    return FilesStruct(files.fdt)


def put_files_struct(files: FilesStruct, task: Task) -> None:
    """fs/file.c:put_files_struct and close_files"""
    files.count -= 1
    if files.count:
        return
    files.fdt.refs -= 1
    if not files.fdt.refs:
        for _, file in sorted(files.fdt.fd.items(), key=_number):
            fput(file, task)


def _number(entry: tuple[int, File]) -> int:
    return entry[0]


def exit_files(task: Task) -> None:
    """fs/file.c:exit_files"""
    files = task.files
    if files is not None:
        task.files = None
        put_files_struct(files, task)


def unshare_files(task: Task) -> None:
    """Let task have a table of its own.  kernel/fork.c:unshare_files, unshare_fd"""
    files = task.files
    if files is not None and files.count > 1:
        files.count -= 1
        files.fdt.refs += 1
        task.files = FilesStruct(files.fdt)


def do_close_on_exec(task: Task) -> None:
    """fs/file.c:do_close_on_exec"""
    files = task.files
    assert files is not None
    for fd in descriptors(files.fdt.close_on_exec):
        close(task, fd)


def descriptors(bits: int) -> list[int]:
    """The numbers of the bits that are set, ascending."""
    numbers = []
    while bits:
        low = bits & -bits
        numbers.append(low.bit_length() - 1)
        bits ^= low
    return numbers


def fget_raw(task: Task, fd: int) -> File:
    """The open file of a descriptor, O_PATH too; EBADF.  fs/file.c:fget_raw"""
    files = task.files
    file = files.fdt.fd.get(fd) if files is not None else None
    if file is None:
        raise Errno("EBADF")
    return file


def fget(task: Task, fd: int) -> File:
    """The open file of a descriptor that is more than a place (O_PATH); EBADF.  fs/file.c:fget"""
    file = fget_raw(task, fd)
    if file.f_flags & O_PATH:
        raise Errno("EBADF")
    return file


def rlimit_nofile(task: Task) -> int:
    """include/linux/sched/signal.h:rlimit(RLIMIT_NOFILE)"""
    return task.signal.rlim[RLIMIT_NOFILE][0]


def find_next_fd(open_fds: int, start: int) -> int:
    """fs/file.c:find_next_fd"""
    taken = open_fds | ((1 << start) - 1)
    return (~taken & (taken + 1)).bit_length() - 1


def get_unused_fds(task: Task, count: int, start: int = 0) -> list[int]:
    """The lowest free descriptors, without taking them; EMFILE.  fs/file.c:alloc_fd"""
    assert task.files is not None
    open_fds = task.files.fdt.open_fds
    found = []
    for _ in itertools.repeat(None, count):
        fd = find_next_fd(open_fds, start)
        if fd >= rlimit_nofile(task):
            raise Errno("EMFILE")
        found.append(fd)
        open_fds |= 1 << fd
    return found


def alloc_fd(task: Task, start: int = 0) -> int:
    """The lowest free descriptor from start on, without taking it; EMFILE.  fs/file.c:alloc_fd"""
    return get_unused_fds(task, 1, start)[0]


def fd_install(task: Task, fd: int, file: File, cloexec: bool) -> None:
    """Give the reference to file to the descriptor.  fs/file.c:fd_install"""
    assert task.files is not None
    fdt = own_fdtable(task.files, task)
    fdt.fd[fd] = file
    fdt.open_fds |= 1 << fd
    if cloexec:
        fdt.close_on_exec |= 1 << fd
    else:
        fdt.close_on_exec &= ~(1 << fd)


def file_close_fd(task: Task, fd: int) -> File:
    """Take the file out of the table; EBADF.  fs/file.c:file_close_fd_locked"""
    fget_raw(task, fd)
    assert task.files is not None
    fdt = own_fdtable(task.files, task)
    fdt.open_fds &= ~(1 << fd)
    fdt.close_on_exec &= ~(1 << fd)
    return fdt.fd.pop(fd)


def close(task: Task, fd: int) -> Plain:
    """close(2).  fs/open.c:close"""
    fput(file_close_fd(task, fd), task)
    return None


def dup(task: Task, fd: int) -> Plain:
    """dup(2).  fs/file.c:dup"""
    file = fget_raw(task, fd)
    new = alloc_fd(task)
    fd_install(task, new, get_file(file), cloexec=False)
    return new


def dup3(task: Task, oldfd: int, newfd: int, flags: int) -> Plain:
    """dup3(2).  fs/file.c:ksys_dup3"""
    if flags & ~O_CLOEXEC or oldfd == newfd:
        raise Errno("EINVAL")
    if not 0 <= newfd < rlimit_nofile(task):
        raise Errno("EBADF")
    file = get_file(fget_raw(task, oldfd))
    assert task.files is not None
    replaced = own_fdtable(task.files, task).fd.get(newfd)
    fd_install(task, newfd, file, bool(flags & O_CLOEXEC))
    if replaced is not None:
        fput(replaced, task)
    return newfd
