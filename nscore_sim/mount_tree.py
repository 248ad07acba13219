"""Trees of mounts put in place and taken away, with what propagates.  Models fs/namespace.c's middle part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import MountFlag
from nscore_sim.mount import (
    MNT_ATIME,
    MNT_LOCK_ATIME,
    MNT_LOCK_NODEV,
    MNT_LOCK_NOEXEC,
    MNT_LOCK_NOSUID,
    MNT_LOCK_READONLY,
    MNT_LOCKED,
    MNT_NODEV,
    MNT_NOEXEC,
    MNT_NOSUID,
    MNT_READONLY,
    Mount,
    attach_mnt,
    cleanup_mnt,
    is_shared,
    mount_tree,
    set_mnt_shared,
    unhash_mnt,
)
from nscore_sim.pnode import change_mnt_propagation, propagate_mnt, propagate_mount_unlock, propagate_umount

if TYPE_CHECKING:
    from nscore_sim.dcache import Dentry
    from nscore_sim.mount import MntNamespace

MS_PRIVATE = int(MountFlag.PRIVATE)

#: What is locked where it is set.  fs/namespace.c:lock_mnt_tree
LOCKS = (
    (MNT_READONLY, MNT_LOCK_READONLY),
    (MNT_NODEV, MNT_LOCK_NODEV),
    (MNT_NOSUID, MNT_LOCK_NOSUID),
    (MNT_NOEXEC, MNT_LOCK_NOEXEC),
)


def lock_mnt_tree(top: Mount) -> None:
    """Bind the mounts of a more privileged namespace together and fix their flags.  fs/namespace.c:lock_mnt_tree"""
    for mnt in mount_tree(top):
        mnt.mnt_flags |= MNT_LOCK_ATIME | MNT_LOCKED
        for flag, lock in LOCKS:
            if mnt.mnt_flags & flag:
                mnt.mnt_flags |= lock


def can_change_locked_flags(mnt: Mount, mnt_flags: int) -> bool:
    """fs/namespace.c:can_change_locked_flags"""
    if any(mnt.mnt_flags & lock and not mnt_flags & flag for flag, lock in LOCKS):
        return False
    return not mnt.mnt_flags & MNT_LOCK_ATIME or mnt.mnt_flags & MNT_ATIME == mnt_flags & MNT_ATIME


def commit_tree(top: Mount, ns: MntNamespace | None) -> None:
    """fs/namespace.c:commit_tree"""
    for mnt in mount_tree(top):
        mnt.mnt_ns = ns


def attach_recursive_mnt(source: Mount, dest: Mount, mountpoint: Dentry, moving: bool) -> None:
    """Put the tree at source on the place, and copies of it where that propagates.  fs/namespace.c:attach_recursive_mnt"""
    copies: list[tuple[Mount, Mount]] = []
    if is_shared(dest):
        for mnt in mount_tree(source):
            set_mnt_shared(mnt)
        copies = propagate_mnt(dest, mountpoint, source)
    if moving:
        unhash_mnt(source)
    attach_mnt(source, dest, mountpoint)
    commit_tree(source, dest.mnt_ns)
    for parent, child in copies:
        assert parent.mnt_ns is not None
        assert dest.mnt_ns is not None
        if parent.mnt_ns.ns.user_ns is not dest.mnt_ns.ns.user_ns:
            lock_mnt_tree(child)
        child.mnt_flags &= ~MNT_LOCKED
        _tuck(child, parent, mountpoint)


def _tuck(child: Mount, parent: Mount, mountpoint: Dentry) -> None:
    """Put child on the place, beneath what is there already."""
    covering = parent.mnt_mounts.get(mountpoint)
    if covering is not None:
        unhash_mnt(covering)
        top = child
        while (above := top.mnt_mounts.get(top.mnt_root)) is not None:
            top = above
        attach_mnt(covering, top, top.mnt_root)
    attach_mnt(child, parent, mountpoint)
    commit_tree(child, parent.mnt_ns)


def umount_tree(top: Mount, propagate: bool) -> None:
    """Take the mount away with all that is on it, and its copies where that propagates.  fs/namespace.c:umount_tree"""
    gone = dict.fromkeys(mount_tree(top))
    if propagate:
        propagate_mount_unlock(top)
        gone.update(dict.fromkeys(propagate_umount(gone)))
    lowered = []
    for mnt in gone:
        topper = mnt.mnt_mounts.get(mnt.mnt_root)
        if topper is not None and topper not in gone:
            unhash_mnt(topper)
            lowered.append((topper, *_place_below(mnt, gone)))
    for mnt in gone:
        _umount_one(mnt, gone)
    for topper, parent, mountpoint in lowered:
        attach_mnt(topper, parent, mountpoint)


def _place_below(mnt: Mount, gone: dict[Mount, None]) -> tuple[Mount, Dentry]:
    """Where what covers mnt lies when mnt is gone, and whatever it lay on.  fs/pnode.c:reparent"""
    parent, mountpoint = mnt.mnt_parent, mnt.mnt_mountpoint
    while parent in gone:
        parent, mountpoint = parent.mnt_parent, parent.mnt_mountpoint
    return parent, mountpoint


def _umount_one(mnt: Mount, gone: dict[Mount, None]) -> None:
    """fs/namespace.c:disconnect_mount: what is locked stays with its parent."""
    ns, mnt.mnt_ns = mnt.mnt_ns, None
    if not (mnt.mnt_flags & MNT_LOCKED and mnt.mnt_parent in gone):
        unhash_mnt(mnt)
    change_mnt_propagation(mnt, MS_PRIVATE)
    if ns is not None and ns.root is mnt:
        ns.root = None
    if not mnt.mnt_count:
        cleanup_mnt(mnt)


def detach_mounts(dentry: Dentry) -> None:
    """Take away whatever is mounted on a name that is gone, in every namespace.  fs/namespace.c:__detach_mounts"""
    while dentry.d_mounts:
        umount_tree(next(iter(dentry.d_mounts)), propagate=False)
