"""fcntl(2): descriptors, flags and owners.  Models fs/fcntl.c.  Locks, leases, seals and pipe sizes are left out."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import FD_CLOEXEC, FcntlCommand, OpenFlag
from nscore_sim.file import O_PATH, File, alloc_fd, fd_install, fget_raw, get_file, own_fdtable, rlimit_nofile
from nscore_sim.inode import inode_owner_or_capable
from nscore_sim.pid import find_vpid, get_pid_task, pid_vnr
from nscore_sim.task import PIDTYPE_PGID, PIDTYPE_TGID

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task

O_DIRECT, O_NOATIME, FASYNC = int(OpenFlag.DIRECT), int(OpenFlag.NOATIME), 0o20000
#: fs/fcntl.c:SETFL_MASK
SETFL_MASK = int(OpenFlag.APPEND | OpenFlag.NONBLOCK) | O_DIRECT | O_NOATIME
#: What may be done to a descriptor of O_PATH.  fs/fcntl.c:check_fcntl_cmd
PATH_COMMANDS = frozenset((FcntlCommand.DUPFD, FcntlCommand.DUPFD_CLOEXEC, FcntlCommand.GETFD, FcntlCommand.SETFD, FcntlCommand.GETFL))
INT_MIN = -(1 << 31)


def fcntl(task: Task, fd: int, cmd: int, arg: int) -> Plain:
    """fcntl(2).  fs/fcntl.c:do_fcntl"""
    file = fget_raw(task, fd)
    if file.f_flags & O_PATH and cmd not in PATH_COMMANDS:
        raise Errno("EBADF")
    command = COMMANDS.get(cmd)
    if command is None:
        raise Errno("EINVAL")
    return command(task, file, fd, arg)


def f_dupfd(task: Task, file: File, fd: int, arg: int) -> int:
    """fs/file.c:f_dupfd"""
    return dupfd(task, file, arg, cloexec=False)


def f_dupfd_cloexec(task: Task, file: File, fd: int, arg: int) -> int:
    """fs/file.c:f_dupfd"""
    return dupfd(task, file, arg, cloexec=True)


def dupfd(task: Task, file: File, start: int, cloexec: bool) -> int:
    """fs/file.c:f_dupfd"""
    if not 0 <= start < rlimit_nofile(task):
        raise Errno("EINVAL")
    new = alloc_fd(task, start)
    fd_install(task, new, get_file(file), cloexec)
    return new


def f_getfd(task: Task, file: File, fd: int, arg: int) -> int:
    """fs/file.c:get_close_on_exec"""
    assert task.files is not None
    return task.files.fdt.close_on_exec >> fd & 1


def f_setfd(task: Task, file: File, fd: int, arg: int) -> int:
    """fs/file.c:set_close_on_exec"""
    assert task.files is not None
    fdt = own_fdtable(task.files, task)
    fdt.close_on_exec = fdt.close_on_exec & ~(1 << fd) | (arg & FD_CLOEXEC) << fd
    return 0


def f_getfl(task: Task, file: File, fd: int, arg: int) -> int:
    """What open and F_SETFL have set."""
    return file.f_flags


def f_setfl(task: Task, file: File, fd: int, arg: int) -> int:
    """fs/fcntl.c:setfl"""
    inode = file.f_path.dentry.d_inode
    if arg & O_NOATIME & ~file.f_flags and not inode_owner_or_capable(task, inode):
        raise Errno("EPERM")
    if arg & O_DIRECT and not (stat.S_ISFIFO(inode.i_mode) or file.can_odirect()):
        raise Errno("EINVAL")
    if file.fasync:
        file.f_flags = file.f_flags & ~FASYNC | arg & FASYNC
    file.f_flags = file.f_flags & ~SETFL_MASK | arg & SETFL_MASK
    return 0


def f_setown(task: Task, file: File, fd: int, arg: int) -> int:
    """fs/fcntl.c:f_setown"""
    who = (arg + (1 << 31)) % (1 << 32) - (1 << 31)
    if who == INT_MIN:
        raise Errno("EINVAL")
    if not who:
        file.f_owner = None
        return 0
    pid = find_vpid(task, abs(who))
    if pid is None:
        raise Errno("ESRCH")
    file.f_owner = (pid, PIDTYPE_PGID if who < 0 else PIDTYPE_TGID)
    return 0


def f_getown(task: Task, file: File, fd: int, arg: int) -> int:
    """The owner as the caller numbers it, a group negated; 0 for none that is left.  fs/fcntl.c:f_getown"""
    if file.f_owner is None:
        return 0
    pid, role = file.f_owner
    if get_pid_task(pid, role) is None:
        return 0
    number = pid_vnr(task, pid)
    return -number if role == PIDTYPE_PGID else number


#: What each command does, and returns.
COMMANDS: dict[int, Callable[[Task, File, int, int], int]] = {
    FcntlCommand.DUPFD: f_dupfd,
    FcntlCommand.GETFD: f_getfd,
    FcntlCommand.SETFD: f_setfd,
    FcntlCommand.GETFL: f_getfl,
    FcntlCommand.SETFL: f_setfl,
    FcntlCommand.SETOWN: f_setown,
    FcntlCommand.GETOWN: f_getown,
    FcntlCommand.DUPFD_CLOEXEC: f_dupfd_cloexec,
}
