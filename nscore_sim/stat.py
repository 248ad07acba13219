"""stat(2), fstat(2), readlink(2).  Models fs/stat.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import AT_FDCWD
from nscore_sim.file import fget_raw
from nscore_sim.namei import user_path_at
from nscore_sim.user_namespace import from_kgid_munged, from_kuid_munged

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.dcache import Path
    from nscore_sim.task import Task


def stat(task: Task, path: str) -> Plain:
    """stat(2).  fs/stat.c:vfs_statx"""
    return cp_new_stat(task, user_path_at(task, AT_FDCWD, path))


def fstat(task: Task, fd: int) -> Plain:
    """fstat(2).  fs/stat.c:vfs_fstat"""
    return cp_new_stat(task, fget_raw(task, fd).f_path)


def cp_new_stat(task: Task, path: Path) -> Plain:
    """The fields of results.Stat.  fs/stat.c:vfs_getattr, cp_new_stat"""
    inode = path.dentry.d_inode
    inode.getattr(task, path.dentry)
    ns = task.cred.user_ns
    return (
        new_encode_dev(inode.i_sb.s_dev),
        inode.i_ino,
        inode.i_mode,
        inode.i_nlink,
        from_kuid_munged(ns, inode.i_uid),
        from_kgid_munged(ns, inode.i_gid),
        inode.size(),
    )


def new_encode_dev(minor: int) -> int:
    """The number of a device with major number 0.  include/linux/kdev_t.h:new_encode_dev"""
    return minor & 0xFF | (minor & ~0xFF) << 12


def readlink(task: Task, path: str) -> Plain:
    """readlink(2).  fs/stat.c:do_readlinkat"""
    found = user_path_at(task, AT_FDCWD, path, 0)
    return found.dentry.d_inode.readlink(task, found.dentry)
