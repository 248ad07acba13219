"""chdir(2), chroot(2), getcwd(2).  Models fs/open.c and fs/d_path.c's calls on fs_struct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, Capability
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import d_unlinked, prepend_path
from nscore_sim.fs_struct import set_fs_pwd, set_fs_root, task_fs
from nscore_sim.inode import MAY_EXEC, inode_permission
from nscore_sim.namei import LOOKUP_DIRECTORY, LOOKUP_FOLLOW, user_path_at

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.dcache import Path
    from nscore_sim.task import Task

CAP_SYS_CHROOT = int(Capability.SYS_CHROOT)


def searchable(task: Task, path: str) -> Path:
    """The directory, if task may search it."""
    found = user_path_at(task, AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY)
    inode_permission(task, found.dentry.d_inode, MAY_EXEC)
    return found


def chdir(task: Task, path: str) -> Plain:
    """chdir(2).  fs/open.c:chdir"""
    set_fs_pwd(task_fs(task), searchable(task, path))
    return None


def chroot(task: Task, path: str) -> Plain:
    """chroot(2).  fs/open.c:chroot"""
    found = searchable(task, path)
    if not ns_capable(task, task.cred.user_ns, CAP_SYS_CHROOT):
        raise Errno("EPERM")
    set_fs_root(task_fs(task), found)
    return None


def getcwd(task: Task) -> Plain:
    """getcwd(2).  fs/d_path.c:getcwd, and the C library's refusal of what is not below the root"""
    fs = task_fs(task)
    path, reached = prepend_path(fs.pwd, fs.root)
    if d_unlinked(fs.pwd.dentry) or not reached:
        raise Errno("ENOENT")
    return path
