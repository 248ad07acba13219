"""mount(2) and umount2(2).  Models the calls of fs/namespace.c; pivot_root(2) is in pivot_root.py, the namespaces in mnt_namespace.py.

Left out: what MNT_FORCE does to a file system, the limit on the number of mounts, the calls of the new mount API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, Capability, MountFlag, UmountFlag
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import Dentry, Path, d_unlinked, is_subdir
from nscore_sim.filesystems import FILE_SYSTEMS
from nscore_sim.fs_context import FsContext, parse_monolithic_mount_data
from nscore_sim.fs_struct import task_fs
from nscore_sim.inode import SuperBlock
from nscore_sim.mount import (
    CL_COPY_MNT_NS_FILE,
    MNT_ATIME,
    MNT_EXPIRY_MARK,
    MNT_LOCK_ATIME,
    MNT_LOCK_READONLY,
    MNT_LOCKED,
    MNT_NOATIME,
    MNT_READONLY,
    MNT_RELATIME,
    MNT_UNBINDABLE,
    MNT_USER_SETTABLE,
    MntNamespace,
    Mount,
    check_mnt,
    clone_mnt,
    copy_tree,
    follow_down,
    is_shared,
    mount_tree,
    namespace_mounts,
    path_mounted,
    set_mnt_shared,
)
from nscore_sim.mount_tree import attach_recursive_mnt, can_change_locked_flags, umount_tree
from nscore_sim.namei import LOOKUP_FOLLOW, d_is_dir, filename_lookup, user_path_at
from nscore_sim.pnode import change_mnt_propagation, propagate_mount_busy

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE = int(MountFlag.RDONLY), int(MountFlag.REMOUNT), int(MountFlag.BIND), int(MountFlag.MOVE)
MS_REC, MS_SILENT, MS_NOUSER = int(MountFlag.REC), int(MountFlag.SILENT), int(MountFlag.NOUSER)
MS_SHARED = int(MountFlag.SHARED)
MS_RELATIME, MS_STRICTATIME = int(MountFlag.RELATIME), int(MountFlag.STRICTATIME)
MS_PROPAGATION = int(MountFlag.SHARED | MountFlag.PRIVATE | MountFlag.SLAVE | MountFlag.UNBINDABLE)

MNT_FORCE, MNT_DETACH, MNT_EXPIRE = int(UmountFlag.FORCE), int(UmountFlag.DETACH), int(UmountFlag.EXPIRE)
UMOUNT_NOFOLLOW = int(UmountFlag.NOFOLLOW)


def mnt_ns_of(task: Task) -> MntNamespace:
    """The namespace that task's calls act in."""
    assert task.nsproxy is not None
    return task.nsproxy.mnt_ns


def may_mount(task: Task) -> None:
    """EPERM.  fs/namespace.c:may_mount"""
    if not ns_capable(task, owner_of(mnt_ns_of(task)), CAP_SYS_ADMIN):
        raise Errno("EPERM")


def owner_of(ns: MntNamespace) -> UserNamespace:
    """Where CAP_SYS_ADMIN is needed to change it."""
    assert ns.ns.user_ns is not None
    return ns.ns.user_ns


def mount(task: Task, source: str | None, target: str, fstype: str | None, flags: int, data: str | None) -> Plain:
    """mount(2).  fs/namespace.c:do_mount, path_mount"""
    path = user_path_at(task, AT_FDCWD, target, LOOKUP_FOLLOW)
    if flags & MS_NOUSER:
        raise Errno("EINVAL")
    may_mount(task)
    mnt_flags = mnt_flags_of(flags)
    if flags & MS_REMOUNT and not flags & (MNT_ATIME | MS_RELATIME | MS_STRICTATIME):
        mnt_flags = mnt_flags & ~MNT_ATIME | path.mnt.mnt_flags & MNT_ATIME
    if flags & MS_REMOUNT and flags & MS_BIND:
        do_reconfigure_mnt(task, path, mnt_flags)
    elif flags & MS_REMOUNT:
        do_remount(task, path, flags, mnt_flags, data)
    elif flags & MS_BIND:
        do_loopback(task, path, source, bool(flags & MS_REC))
    elif flags & MS_PROPAGATION:
        do_change_type(task, path, flags)
    elif flags & MS_MOVE:
        do_move_mount_old(task, path, source)
    else:
        do_new_mount(task, path, fstype, flags, mnt_flags, source, data)
    return None


def mnt_flags_of(flags: int) -> int:
    """The flags of the mount itself, relatime unless others are asked for.  fs/namespace.c:path_mount"""
    mnt_flags = flags & MNT_USER_SETTABLE & ~MNT_RELATIME
    if not flags & MNT_NOATIME:
        mnt_flags |= MNT_RELATIME
    if flags & MS_STRICTATIME:
        mnt_flags &= ~(MNT_RELATIME | MNT_NOATIME)
    return mnt_flags


def do_reconfigure_mnt(task: Task, path: Path, mnt_flags: int) -> None:
    """MS_REMOUNT|MS_BIND: the flags of this mount alone.  fs/namespace.c:do_reconfigure_mnt"""
    if not check_mnt(task, path.mnt) or not path_mounted(path):
        raise Errno("EINVAL")
    if not can_change_locked_flags(path.mnt, mnt_flags):
        raise Errno("EPERM")
    if mnt_flags & ~path.mnt.mnt_flags & MNT_READONLY and path.mnt.mnt_writers:
        raise Errno("EBUSY")
    set_mount_attributes(path.mnt, mnt_flags)


def set_mount_attributes(mnt: Mount, mnt_flags: int) -> None:
    """fs/namespace.c:set_mount_attributes"""
    mnt.mnt_flags = mnt.mnt_flags & ~MNT_USER_SETTABLE | mnt_flags


def do_remount(task: Task, path: Path, flags: int, mnt_flags: int, data: str | None) -> None:
    """MS_REMOUNT: the superblock's options, wherever it is mounted, and this mount's flags.  fs/namespace.c:do_remount"""
    if not check_mnt(task, path.mnt) or not path_mounted(path):
        raise Errno("EINVAL")
    if not can_change_locked_flags(path.mnt, mnt_flags):
        raise Errno("EPERM")
    sb = path.mnt.mnt_sb
    kind = FILE_SYSTEMS.get(sb.s_type)
    fc = kind(task) if kind is not None else FsContext(task, sb.s_user_ns)
    fc.sb_rdonly = bool(flags & MS_RDONLY)
    fc.for_reconfigure = True
    parse_monolithic_mount_data(fc, data)
    if not ns_capable(task, sb.s_user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    if fc.sb_rdonly and not sb.s_rdonly and sb.s_writers:
        raise Errno("EBUSY")
    fc.reconfigure(sb)
    sb.s_rdonly = fc.sb_rdonly
    set_mount_attributes(path.mnt, mnt_flags)


def do_loopback(task: Task, path: Path, old_name: str | None, recurse: bool) -> None:
    """MS_BIND.  fs/namespace.c:do_loopback"""
    if not old_name:
        raise Errno("EINVAL")
    old = user_path_at(task, AT_FDCWD, old_name, LOOKUP_FOLLOW)
    if mnt_ns_loop(task, old.dentry):
        raise Errno("EINVAL")
    path = lock_mount(path)
    if not check_mnt(task, path.mnt):
        raise Errno("EINVAL")
    graft_tree(copy_of(task, old, recurse), path)


def lock_mount(path: Path) -> Path:
    """Where a mount on path goes: on the topmost of what is there; ENOENT where nothing can.  fs/namespace.c:do_lock_mount"""
    path = follow_down(path)
    if path.mnt.mnt_ns is None or d_unlinked(path.dentry):
        raise Errno("ENOENT")
    return path


def mnt_ns_loop(task: Task, dentry: Dentry) -> bool:
    """Whether it is the file of a mount namespace that is not younger than the caller's.  fs/namespace.c:mnt_ns_loop"""
    ns = dentry.d_inode.mnt_ns()
    return ns is not None and mnt_ns_of(task).ns.ns_id >= ns.ns.ns_id


def copy_of(task: Task, old: Path, recurse: bool) -> Mount:
    """The mount, or the tree of mounts, that a bind puts elsewhere.  fs/namespace.c:__do_loopback"""
    mnt = old.mnt
    if mnt.mnt_flags & MNT_UNBINDABLE:
        raise Errno("EINVAL")
    # Files of nsfs and pidfs are on a mount of the kernel's own.
    if not check_mnt(task, mnt) and mnt.mnt_sb.s_type not in ("nsfs", "pidfs"):
        raise Errno("EINVAL")
    if not recurse and has_locked_children(mnt, old.dentry):
        raise Errno("EINVAL")
    copy = copy_tree(mnt, old.dentry, CL_COPY_MNT_NS_FILE) if recurse else clone_mnt(mnt, old.dentry, 0)
    copy.mnt_flags &= ~MNT_LOCKED
    return copy


def has_locked_children(mnt: Mount, dentry: Dentry) -> bool:
    """fs/namespace.c:has_locked_children"""
    return any(child.mnt_flags & MNT_LOCKED and is_subdir(place, dentry) for place, child in mnt.mnt_mounts.items())


def graft_tree(mnt: Mount, path: Path) -> None:
    """fs/namespace.c:graft_tree"""
    if mnt.mnt_sb.s_nouser:
        umount_tree(mnt, propagate=False)
        raise Errno("EINVAL")
    if d_is_dir(path.dentry) != d_is_dir(mnt.mnt_root):
        umount_tree(mnt, propagate=False)
        raise Errno("ENOTDIR")
    attach_recursive_mnt(mnt, path.mnt, path.dentry, moving=False)


def do_change_type(task: Task, path: Path, flags: int) -> None:
    """MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE.  fs/namespace.c:do_change_type"""
    kind = flags & ~(MS_REC | MS_SILENT)
    ns = path.mnt.mnt_ns
    if not path_mounted(path) or kind & ~MS_PROPAGATION or kind & (kind - 1) or ns is None:
        raise Errno("EINVAL")
    # Of whatever namespace it is: fs/namespace.c:may_change_propagation.
    if not ns_capable(task, owner_of(ns), CAP_SYS_ADMIN):
        raise Errno("EPERM")
    for mnt in list(mount_tree(path.mnt)) if flags & MS_REC else [path.mnt]:
        if kind == MS_SHARED:
            set_mnt_shared(mnt)
        else:
            change_mnt_propagation(mnt, kind)


def do_move_mount_old(task: Task, new: Path, old_name: str | None) -> None:
    """MS_MOVE.  fs/namespace.c:do_move_mount_old, do_move_mount"""
    if not old_name:
        raise Errno("EINVAL")
    old = user_path_at(task, AT_FDCWD, old_name, LOOKUP_FOLLOW)
    if not path_mounted(old) or d_is_dir(new.dentry) != d_is_dir(old.dentry):
        raise Errno("EINVAL")
    new = lock_mount(new)
    mnt, parent = old.mnt, new.mnt
    if not check_mnt(task, parent) or not check_mnt(task, mnt) or mnt.mnt_flags & MNT_LOCKED or mnt.mnt_parent is mnt:
        raise Errno("EINVAL")
    if is_shared(mnt.mnt_parent):
        raise Errno("EINVAL")
    if is_shared(parent) and any(m.mnt_flags & MNT_UNBINDABLE for m in mount_tree(mnt)):
        raise Errno("EINVAL")
    above = parent
    while above is not mnt and above.mnt_parent is not above:
        above = above.mnt_parent
    if above is mnt:
        raise Errno("ELOOP")
    attach_recursive_mnt(mnt, parent, new.dentry, moving=True)


def do_new_mount(task: Task, path: Path, fstype: str | None, flags: int, mnt_flags: int, source: str | None, data: str | None) -> None:
    """A file system that is not mounted yet.  fs/namespace.c:do_new_mount, do_new_mount_fc, do_add_mount"""
    if fstype is None:
        raise Errno("EINVAL")
    kind = FILE_SYSTEMS.get(fstype)
    if kind is None:
        raise Errno("ENODEV")
    fc = kind(task)
    fc.sb_rdonly = bool(flags & MS_RDONLY)
    fc.source = source
    parse_monolithic_mount_data(fc, data)
    if not ns_capable(task, fc.user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    sb = fc.get_tree()
    sb.s_rdonly = fc.sb_rdonly
    mnt_flags = not_too_revealing(task, sb, mnt_flags)
    path = lock_mount(path)
    if not check_mnt(task, path.mnt):
        raise Errno("EINVAL")
    graft_tree(Mount(task.kernel.mount_ids, sb, sb.s_root, "none" if fc.source is None else fc.source, mnt_flags), path)


def not_too_revealing(task: Task, sb: SuperBlock, mnt_flags: int) -> int:
    """mnt_flags, with what an older proc that is seen whole has locked; EPERM where there is none to justify a new one.

    fs/namespace.c:mount_too_revealing, mnt_already_visible
    """
    ns = mnt_ns_of(task)
    if ns.ns.user_ns is task.kernel.init_user_ns or sb.s_type != "proc":
        return mnt_flags
    for mnt in namespace_mounts(ns):
        if mnt.mnt_sb.s_type != sb.s_type or mnt.mnt_root is not mnt.mnt_sb.s_root:
            continue
        locked = mnt.mnt_flags | (MNT_LOCK_READONLY if mnt.mnt_sb.s_rdonly else 0)
        if locked & MNT_LOCK_READONLY and not mnt_flags & MNT_READONLY:
            continue
        if locked & MNT_LOCK_ATIME and locked & MNT_ATIME != mnt_flags & MNT_ATIME:
            continue
        if all(child.mnt_mountpoint.d_inode.empty_dir() for child in mnt.mnt_mounts.values() if child.mnt_flags & MNT_LOCKED):
            return mnt_flags | locked & (MNT_LOCK_READONLY | MNT_LOCK_ATIME)
    raise Errno("EPERM")


def umount2(task: Task, target: str, flags: int) -> Plain:
    """umount2(2).  fs/namespace.c:ksys_umount, path_umount, can_umount"""
    if flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW):
        raise Errno("EINVAL")
    # The topmost mount, even where the directory below it is one's own: LOOKUP_MOUNTPOINT.
    path = follow_down(filename_lookup(task, AT_FDCWD, target, 0 if flags & UMOUNT_NOFOLLOW else LOOKUP_FOLLOW))
    may_mount(task)
    mnt = path.mnt
    if not path_mounted(path) or not check_mnt(task, mnt) or mnt.mnt_flags & MNT_LOCKED:
        raise Errno("EINVAL")
    if flags & MNT_FORCE and not ns_capable(task, mnt.mnt_sb.s_user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    do_umount(task, mnt, flags)
    return None


def do_umount(task: Task, mnt: Mount, flags: int) -> None:
    """fs/namespace.c:do_umount"""
    fs = task_fs(task)
    if flags & MNT_EXPIRE:
        if mnt is fs.root.mnt or flags & (MNT_FORCE | MNT_DETACH):
            raise Errno("EINVAL")
        if mnt.mnt_count or mnt.mnt_mounts:
            raise Errno("EBUSY")
        if not mnt.mnt_flags & MNT_EXPIRY_MARK:
            mnt.mnt_flags |= MNT_EXPIRY_MARK
            raise Errno("EAGAIN")
    if mnt is fs.root.mnt and not flags & MNT_DETACH:
        # "Unmounting" the root makes it read-only.
        if not ns_capable(task, mnt.mnt_sb.s_user_ns, CAP_SYS_ADMIN):
            raise Errno("EPERM")
        if mnt.mnt_sb.s_writers:
            raise Errno("EBUSY")
        mnt.mnt_sb.s_rdonly = True
        return
    if not flags & MNT_DETACH and propagate_mount_busy(mnt):
        raise Errno("EBUSY")
    umount_tree(mnt, propagate=True)
