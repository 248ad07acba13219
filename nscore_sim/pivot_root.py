"""pivot_root(2).  Models fs/namespace.c:pivot_root, fs/fs_struct.c:chroot_fs_refs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD
from nscore_sim.dcache import Path, d_unlinked
from nscore_sim.fs_struct import set_fs_pwd, set_fs_root, task_fs
from nscore_sim.mount import MNT_LOCKED, Mount, attach_mnt, check_mnt, is_path_reachable, is_shared, path_mounted, unhash_mnt
from nscore_sim.namei import LOOKUP_DIRECTORY, LOOKUP_FOLLOW, user_path_at
from nscore_sim.namespace import lock_mount, may_mount

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task


def pivot_root(task: Task, new_root: str, put_old: str) -> Plain:
    """fs/namespace.c:pivot_root"""
    may_mount(task)
    new = user_path_at(task, AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY)
    old = lock_mount(user_path_at(task, AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY))
    root = task_fs(task).root
    check_pivot(task, new, old, root)
    root_mnt, new_mnt = root.mnt, new.mnt
    root_parent, root_mountpoint = root_mnt.mnt_parent, root_mnt.mnt_mountpoint
    unhash_mnt(new_mnt)
    unhash_mnt(root_mnt)
    if root_mnt.mnt_flags & MNT_LOCKED:
        new_mnt.mnt_flags |= MNT_LOCKED
        root_mnt.mnt_flags &= ~MNT_LOCKED
    attach_mnt(root_mnt, old.mnt, old.dentry)
    attach_mnt(new_mnt, root_parent, root_mountpoint)
    chroot_fs_refs(task, root, new)
    return None


def check_pivot(task: Task, new: Path, old: Path, root: Path) -> None:
    """The refusals, in the kernel's order."""
    if not check_mnt(task, root.mnt) or not check_mnt(task, new.mnt):
        raise Errno("EINVAL")
    if any(is_shared(mnt) for mnt in (old.mnt, new.mnt.mnt_parent, root.mnt.mnt_parent)) or new.mnt.mnt_flags & MNT_LOCKED:
        raise Errno("EINVAL")
    if d_unlinked(new.dentry):
        raise Errno("ENOENT")
    if new.mnt is root.mnt or old.mnt is root.mnt:
        raise Errno("EBUSY")
    if not attached_root(root) or not attached_root(new):
        raise Errno("EINVAL")
    if not is_path_reachable(old.mnt, old.dentry, new) or not is_path_reachable(new.mnt, new.dentry, root):
        raise Errno("EINVAL")


def attached_root(path: Path) -> bool:
    """Whether it is the root of a mount that is mounted on another."""
    mnt: Mount = path.mnt
    return path_mounted(path) and mnt.mnt_parent is not mnt


def chroot_fs_refs(task: Task, old: Path, new: Path) -> None:
    """Take along everybody whose root or directory is the old root.  fs/fs_struct.c:chroot_fs_refs"""
    for pid in task.kernel.init_pid_ns.idr.walk(1):
        fs = pid.task.fs if pid.task is not None else None
        if fs is None:
            continue
        if fs.root == old:
            set_fs_root(fs, new)
        if fs.pwd == old:
            set_fs_pwd(fs, new)
