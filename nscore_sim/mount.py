"""Mounts and mount namespaces, as data, the look-up among them and their copies.  Models fs/mount.h, fs/namespace.c's first part.

A mount holds what is mounted on it by the place; the peers of a group are a ring.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import MountFlag
from nscore_sim.dcache import Dentry, Path, d_pin, is_subdir
from nscore_sim.ida import Ida

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.kernel import Kernel
    from nscore_sim.nscommon import NsCommon
    from nscore_sim.task import Task

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

#: How a copy of a mount takes part in propagation.  fs/pnode.h
CL_SLAVE, CL_COPY_UNBINDABLE, CL_MAKE_SHARED, CL_PRIVATE, CL_SHARED_TO_SLAVE, CL_COPY_MNT_NS_FILE = 2, 4, 8, 16, 32, 128


class MountIds:
    """The numbers that mounts, peer groups and file systems get, and the kernel's own mounts."""

    __slots__ = ("kern_mounts", "mnt_group", "mnt_id", "mnt_id_unique", "unnamed_dev")

    def __init__(self) -> None:
        self.mnt_id = Ida(1)
        self.mnt_group = Ida(1)
        self.unnamed_dev = Ida(1)
        self.mnt_id_unique = 0
        self.kern_mounts: dict[str, Mount] = {}  #: by file system, of what is mounted nowhere: pipefs, sockfs, nsfs


class Mount:
    """A file system, or a part of it, at a place.  fs/mount.h:mount"""

    __slots__ = (
        "ids",
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
        "mnt_slave_list",
        "mnt_writers",
        "next_peer",
        "prev_peer",
    )

    def __init__(self, ids: MountIds, sb: SuperBlock, root: Dentry, devname: str, flags: int) -> None:
        self.ids = ids
        self.mnt_id = ids.mnt_id.alloc()
        ids.mnt_id_unique += 1
        self.mnt_id_unique = ids.mnt_id_unique  #: by age
        self.mnt_sb = sb
        self.mnt_root = root
        self.mnt_devname = devname
        self.mnt_flags = flags
        self.mnt_parent: Mount = self  #: itself where it is mounted on nothing
        self.mnt_mountpoint = root
        self.mnt_mounts: dict[Dentry, Mount] = {}  #: by the place
        self.mnt_ns: MntNamespace | None = None  #: None: mounted nowhere (any more)
        self.mnt_count = 0  #: files, roots and working directories in it
        self.mnt_writers = 0  #: regular files in it that are open for writing
        self.mnt_group_id = 0  #: not 0 while it is shared
        self.next_peer = self.prev_peer = self  #: the ring of its group
        self.mnt_master: Mount | None = None
        self.mnt_slave_list: list[Mount] | None = None  #: peers stand side by side
        sb.s_active += 1
        root.d_inode.pin(1)


class MntNamespace:
    """A tree of mounts.  fs/mount.h:mnt_namespace"""

    __slots__ = ("ns", "root")

    def __init__(self, ns: NsCommon) -> None:
        self.ns = ns
        ns.container = self
        self.root: Mount | None = None


def mntput(mnt: Mount) -> None:
    """One user less; a mount that is mounted nowhere ends with the last.  fs/namespace.c:mntput, cleanup_mnt"""
    mnt.mnt_count -= 1
    if not mnt.mnt_count and mnt.mnt_ns is None and mnt is not mnt.ids.kern_mounts.get(mnt.mnt_sb.s_type):
        cleanup_mnt(mnt)


def cleanup_mnt(mnt: Mount) -> None:
    """fs/namespace.c:cleanup_mnt, fs/super.c:deactivate_super"""
    mnt.ids.mnt_id.free(mnt.mnt_id)
    mnt.mnt_root.d_inode.pin(-1)
    mnt.mnt_sb.s_active -= 1
    if not mnt.mnt_sb.s_active:
        mnt.ids.unnamed_dev.free(mnt.mnt_sb.s_dev)


def kern_mount(kernel: Kernel, s_type: str) -> Mount:
    """The kernel's own mount of a file system whose files have no names.  fs/namespace.c:kern_mount, fs/pseudo.c"""
    from nscore_sim.inode import Inode, SuperBlock  # which need mounts

    ids = kernel.mount_ids
    mnt = ids.kern_mounts.get(s_type)
    if mnt is None:
        sb = SuperBlock(s_type, ids.unnamed_dev.alloc(), kernel.init_user_ns)
        sb.s_nouser = s_type != "nsfs"  # whose namespaces may be held by mounts: fs/nsfs.c:nsfs_init
        sb.s_root = Dentry("/", None, Inode(sb, sb.new_ino(), stat.S_IFDIR))
        mnt = ids.kern_mounts[s_type] = Mount(ids, sb, sb.s_root, s_type, 0)
    return mnt


def mount_tree(mnt: Mount) -> Iterator[Mount]:
    """The mount and all below it, parents first.  fs/pnode.h:next_mnt"""
    yield mnt
    for child in list(mnt.mnt_mounts.values()):
        yield from mount_tree(child)


def namespace_mounts(ns: MntNamespace) -> list[Mount]:
    """All mounts of the namespace in the order of their making.  fs/namespace.c:m_start"""
    return sorted(mount_tree(ns.root), key=_age) if ns.root is not None else []


def _age(mnt: Mount) -> int:
    return mnt.mnt_id_unique


def check_mnt(task: Task, mnt: Mount) -> bool:
    """Whether it is mounted in task's namespace.  fs/namespace.c:check_mnt"""
    return mnt.mnt_ns is not None and task.nsproxy is not None and mnt.mnt_ns is task.nsproxy.mnt_ns


def lookup_mnt(path: Path) -> Mount | None:
    """What is mounted at this place.  fs/namespace.c:__lookup_mnt"""
    return path.mnt.mnt_mounts.get(path.dentry) if path.dentry.d_mounts else None


def follow_down(path: Path) -> Path:
    """The topmost of what is mounted at this place.  fs/namei.c:traverse_mounts"""
    while (mnt := lookup_mnt(path)) is not None:
        path = Path(mnt, mnt.mnt_root)
    return path


def path_mounted(path: Path) -> bool:
    """Whether it is the root of a mount.  fs/namespace.c:path_mounted"""
    return path.mnt.mnt_root is path.dentry


def is_local_mountpoint(task: Task, dentry: Dentry) -> bool:
    """Whether something is mounted on it in task's namespace.  fs/namespace.c:__is_local_mountpoint"""
    return bool(dentry.d_mounts) and any(check_mnt(task, mnt) for mnt in dentry.d_mounts or ())


def mnt_get_write_access(mnt: Mount, writers: int) -> None:
    """One file more, or less, that keeps it from becoming read-only.  fs/namespace.c:mnt_get_write_access, mnt_put_write_access"""
    mnt.mnt_writers += writers
    mnt.mnt_sb.s_writers += writers


def is_path_reachable(mnt: Mount, dentry: Dentry, root: Path) -> bool:
    """fs/namespace.c:is_path_reachable"""
    while mnt is not root.mnt and mnt.mnt_parent is not mnt:
        dentry = mnt.mnt_mountpoint
        mnt = mnt.mnt_parent
    return mnt is root.mnt and is_subdir(dentry, root.dentry)


def attach_mnt(child: Mount, parent: Mount, mountpoint: Dentry) -> None:
    """fs/namespace.c:mnt_set_mountpoint, __attach_mnt"""
    d_pin(mountpoint)
    if mountpoint.d_mounts is None:
        mountpoint.d_mounts = {}
    mountpoint.d_mounts[child] = None
    child.mnt_parent = parent
    child.mnt_mountpoint = mountpoint
    parent.mnt_mounts[mountpoint] = child


def unhash_mnt(mnt: Mount) -> None:
    """Take the mount off its place, without regard for what is on it.  fs/namespace.c:unhash_mnt"""
    if mnt.mnt_parent is not mnt:
        mounts = mnt.mnt_mountpoint.d_mounts
        if mounts is not None:
            del mounts[mnt]
        del mnt.mnt_parent.mnt_mounts[mnt.mnt_mountpoint]
    mnt.mnt_parent = mnt
    mnt.mnt_mountpoint = mnt.mnt_root


def is_shared(mnt: Mount) -> bool:
    """fs/pnode.h:IS_MNT_SHARED"""
    return mnt.mnt_group_id != 0


def peers(mnt: Mount) -> list[Mount]:
    """The mount and the others of its group, round the ring.  fs/pnode.c:next_peer"""
    ring = [mnt]
    while (peer := ring[-1].next_peer) is not mnt:
        ring.append(peer)
    return ring


def set_mnt_shared(mnt: Mount) -> None:
    """Let it have peers: none but itself if it is new to that.  fs/pnode.h:set_mnt_shared, fs/namespace.c:mnt_alloc_group_id"""
    if not is_shared(mnt):
        mnt.mnt_group_id = mnt.ids.mnt_group.alloc()
    mnt.mnt_flags &= ~MNT_UNBINDABLE


def add_peer(mnt: Mount, old: Mount) -> None:
    """Put mnt into old's group, next to it."""
    mnt.mnt_group_id = old.mnt_group_id
    mnt.prev_peer, mnt.next_peer = old, old.next_peer
    old.next_peer.prev_peer = mnt
    old.next_peer = mnt


def add_slave(mnt: Mount, master: Mount, after: Mount | None = None) -> None:
    """Let events come from master; first among its slaves, or next to one that is there."""
    if master.mnt_slave_list is None:
        master.mnt_slave_list = []
    master.mnt_slave_list.insert(0 if after is None else master.mnt_slave_list.index(after) + 1, mnt)
    mnt.mnt_master = master


def clone_mnt(old: Mount, root: Dentry, flag: int) -> Mount:
    """fs/namespace.c:clone_mnt"""
    mnt = Mount(old.ids, old.mnt_sb, root, old.mnt_devname, old.mnt_flags & ~MNT_EXPIRY_MARK)
    if flag & CL_SLAVE or (flag & CL_SHARED_TO_SLAVE and is_shared(old)):
        add_slave(mnt, old)
    elif not flag & CL_PRIVATE:
        if is_shared(old):
            add_peer(mnt, old)
        if old.mnt_master is not None:
            add_slave(mnt, old.mnt_master, old)
    if flag & CL_MAKE_SHARED:
        set_mnt_shared(mnt)
    return mnt


def copy_tree(src: Mount, dentry: Dentry, flag: int) -> Mount:
    """A copy of the mount from dentry downwards and of all that is mounted there.  fs/namespace.c:copy_tree

    Unbindable ones are left out unless flag says otherwise, and so are the files of mount namespaces.
    """
    if not flag & CL_COPY_UNBINDABLE and src.mnt_flags & MNT_UNBINDABLE:
        raise Errno("EINVAL")
    if not flag & CL_COPY_MNT_NS_FILE and dentry.d_inode.mnt_ns() is not None:
        raise Errno("EINVAL")
    copy = clone_mnt(src, dentry, flag)
    for mountpoint, child in list(src.mnt_mounts.items()):
        if not is_subdir(mountpoint, dentry) or _skipped(child, flag):
            continue
        attach_mnt(copy_tree(child, child.mnt_root, flag), copy, mountpoint)
    return copy


def _skipped(child: Mount, flag: int) -> bool:
    if not flag & CL_COPY_UNBINDABLE and child.mnt_flags & MNT_UNBINDABLE:
        if child.mnt_flags & MNT_LOCKED:
            raise Errno("EPERM")
        return True
    return not flag & CL_COPY_MNT_NS_FILE and child.mnt_root.d_inode.mnt_ns() is not None


def current_chrooted(task: Task) -> bool:
    """Whether its root is not that of its mount namespace.  fs/namespace.c:current_chrooted"""
    assert task.nsproxy is not None
    assert task.fs is not None
    root = task.nsproxy.mnt_ns.root
    from nscore_sim.mount import follow_down  # whose inodes have owners

    return root is None or task.fs.root != follow_down(Path(root, root.mnt_root))
