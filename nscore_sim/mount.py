"""Mounts and mount namespaces, as data, and the look-up among them.  Models fs/mount.h, fs/namespace.c's first part.

A mount holds what is mounted on it by the place; the peers of a group share one dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nscore.flags import MountFlag
from nscore_sim.dcache import Dentry, Path, d_pin
from nscore_sim.ida import Ida

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.kernel import Kernel
    from nscore_sim.nscommon import NsCommon

#: Mount.mnt_flags: what the user says, in mount(2)'s bits, and what the kernel keeps, above them.
MNT_READONLY = int(MountFlag.RDONLY)
MNT_NOSUID, MNT_NODEV, MNT_NOEXEC = int(MountFlag.NOSUID), int(MountFlag.NODEV), int(MountFlag.NOEXEC)
MNT_NOATIME, MNT_NODIRATIME, MNT_RELATIME = int(MountFlag.NOATIME), int(MountFlag.NODIRATIME), int(MountFlag.RELATIME)
MNT_ATIME = MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME
MNT_USER_SETTABLE = MNT_READONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_ATIME
MNT_UNBINDABLE = 1 << 32
MNT_LOCKED = 1 << 33  #: not to be unmounted by itself
MNT_LOCK_ATIME, MNT_LOCK_NOEXEC, MNT_LOCK_NOSUID = 1 << 34, 1 << 35, 1 << 36
MNT_LOCK_NODEV, MNT_LOCK_READONLY = 1 << 37, 1 << 38
MNT_EXPIRY_MARK = 1 << 39


class Mount:
    """A file system, or a part of it, at a place.  fs/mount.h:mount"""

    __slots__ = (
        "mnt_count",
        "mnt_devname",
        "mnt_flags",
        "mnt_group_id",
        "mnt_id",
        "mnt_id_unique",
        "mnt_master",
        "mnt_mountpoint",
        "mnt_mounts",
        "mnt_ns",
        "mnt_parent",
        "mnt_root",
        "mnt_sb",
        "mnt_share",
        "mnt_slave_list",
    )

    def __init__(self, sb: SuperBlock, root: Dentry, devname: str, flags: int, ids: MountIds) -> None:
        self.mnt_id = ids.mnt_id.alloc()
        ids.mnt_id_unique += 1
        self.mnt_id_unique = ids.mnt_id_unique
        self.mnt_sb = sb
        self.mnt_root = root
        self.mnt_devname = devname
        self.mnt_flags = flags
        self.mnt_parent: Mount = self  #: itself where it is mounted on nothing
        self.mnt_mountpoint = root
        self.mnt_mounts: dict[Dentry, Mount] = {}  #: by the place
        self.mnt_ns: MntNamespace | None = None
        self.mnt_count = 0  #: files, roots and working directories in it
        self.mnt_share: dict[Mount, None] | None = None  #: its peers and itself, while it is shared
        self.mnt_group_id = 0
        self.mnt_master: Mount | None = None
        self.mnt_slave_list: dict[Mount, None] | None = None


class MountIds:
    """The numbers that mounts and file systems get."""

    __slots__ = ("mnt_group", "mnt_id", "mnt_id_unique", "unnamed_dev")

    def __init__(self) -> None:
        self.mnt_id = Ida(1)
        self.mnt_group = Ida(1)
        self.unnamed_dev = Ida(1)
        self.mnt_id_unique = 0


class MntNamespace:
    """A tree of mounts.  fs/mount.h:mnt_namespace"""

    __slots__ = ("ns", "root", "seq")

    def __init__(self, ns: NsCommon, seq: int) -> None:
        self.ns = ns
        self.seq = seq  #: by age
        self.root: Mount | None = None


def mount_tree(mnt: Mount) -> Iterator[Mount]:
    """The mount and all below it, parents first.  fs/pnode.c:next_mnt"""
    yield mnt
    for child in list(mnt.mnt_mounts.values()):
        yield from mount_tree(child)


def namespace_mounts(ns: MntNamespace) -> list[Mount]:
    """All mounts of the namespace in the order of their making.  fs/namespace.c:m_start"""
    if ns.root is None:
        return []
    return sorted(mount_tree(ns.root), key=_unique)


def _unique(mnt: Mount) -> int:
    return mnt.mnt_id_unique


def lookup_mnt(path: Path) -> Mount | None:
    """What is mounted at this place.  fs/namespace.c:__lookup_mnt"""
    return path.mnt.mnt_mounts.get(path.dentry) if path.dentry.d_mounted else None


def follow_down(path: Path) -> Path:
    """The topmost of what is mounted at this place.  fs/namei.c:traverse_mounts"""
    while (mnt := lookup_mnt(path)) is not None:
        path = Path(mnt, mnt.mnt_root)
    return path


def mnt_set_mountpoint(parent: Mount, mountpoint: Dentry, child: Mount) -> None:
    """fs/namespace.c:mnt_set_mountpoint and __attach_mnt"""
    d_pin(mountpoint)
    mountpoint.d_mounted += 1
    child.mnt_parent = parent
    child.mnt_mountpoint = mountpoint
    parent.mnt_mounts[mountpoint] = child


def unhash_mnt(mnt: Mount) -> None:
    """Take the mount off its place, without regard for what is on it.  fs/namespace.c:unhash_mnt"""
    if mnt.mnt_parent is not mnt:
        mnt.mnt_mountpoint.d_mounted -= 1
        del mnt.mnt_parent.mnt_mounts[mnt.mnt_mountpoint]
    mnt.mnt_parent = mnt
    mnt.mnt_mountpoint = mnt.mnt_root


def is_mounted(mnt: Mount) -> bool:
    """include/linux/mount.h:is_mounted"""
    return mnt.mnt_ns is not None


def is_path_reachable(mnt: Mount, dentry: Dentry, root: Path) -> bool:
    """fs/namespace.c:is_path_reachable"""
    while mnt is not root.mnt and mnt.mnt_parent is not mnt:
        dentry = mnt.mnt_mountpoint
        mnt = mnt.mnt_parent
    if mnt is not root.mnt:
        return False
    while dentry is not root.dentry:
        if dentry.d_parent is dentry:
            return False
        dentry = dentry.d_parent
    return True
