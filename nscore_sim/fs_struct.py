"""Root, working directory and umask.  Models include/linux/fs_struct.h, fs/fs_struct.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import CloneFlag
from nscore_sim.mount import mntput

if TYPE_CHECKING:
    from nscore_sim.dcache import Path
    from nscore_sim.task import Task

CLONE_FS = int(CloneFlag.FS)
CLONE_NEWNS = int(CloneFlag.NEWNS)


class FsStruct:
    """What CLONE_FS shares.  A path in it keeps its mount busy."""

    __slots__ = ("pwd", "root", "umask", "users")

    def __init__(self, root: Path, pwd: Path, umask: int) -> None:
        self.users = 1
        self.umask = umask
        self.root = root
        self.pwd = pwd
        root.mnt.mnt_count += 1
        pwd.mnt.mnt_count += 1


def set_fs_root(fs: FsStruct, path: Path) -> None:
    """fs/fs_struct.c:set_fs_root"""
    old, fs.root = fs.root, path
    path.mnt.mnt_count += 1
    mntput(old.mnt)


def set_fs_pwd(fs: FsStruct, path: Path) -> None:
    """fs/fs_struct.c:set_fs_pwd"""
    old, fs.pwd = fs.pwd, path
    path.mnt.mnt_count += 1
    mntput(old.mnt)


def copy_fs_struct(old: FsStruct) -> FsStruct:
    """fs/fs_struct.c:copy_fs_struct"""
    return FsStruct(old.root, old.pwd, old.umask)


def copy_fs(clone_flags: int, task: Task) -> FsStruct | None:
    """The fs of a new task that task creates.  kernel/fork.c:copy_fs"""
    fs = task.fs
    if fs is None:
        return None
    if clone_flags & CLONE_FS:
        fs.users += 1
        return fs
    return FsStruct(fs.root, fs.pwd, fs.umask)


def unshare_fs(unshare_flags: int, task: Task) -> FsStruct | None:
    """A copy for unshare(CLONE_FS), None where nothing is shared.  kernel/fork.c:unshare_fs

    A new mount namespace always moves a copy, since what is made after it may fail.
    """
    fs = task.fs
    if not unshare_flags & CLONE_FS or fs is None or (fs.users == 1 and not unshare_flags & CLONE_NEWNS):
        return None
    return copy_fs_struct(fs)


def switch_fs(task: Task, new: FsStruct | None) -> None:
    """Replace task's fs and drop the old one.  fs/fs_struct.c:unshare_fs_struct"""
    old, task.fs = task.fs, new
    if old is not None:
        free_fs_struct(old)


def free_fs_struct(fs: FsStruct) -> None:
    """Give up one user of it.  fs/fs_struct.c:free_fs_struct"""
    fs.users -= 1
    if not fs.users:
        root = fs.root.mnt
        if root is fs.pwd.mnt and root.mnt_count > 2:
            root.mnt_count -= 2  # as nearly always
        else:
            mntput(root)
            mntput(fs.pwd.mnt)


def exit_fs(task: Task) -> None:
    """fs/fs_struct.c:exit_fs"""
    fs, task.fs = task.fs, None
    if fs is not None:
        free_fs_struct(fs)


def task_fs(task: Task) -> FsStruct:
    """The fs of a task that still has one."""
    if task.fs is None:
        raise Errno("ENOENT")
    return task.fs
