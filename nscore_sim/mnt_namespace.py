"""Mount namespaces: copies, joining, the end.  Models the part of fs/namespace.c that proc_ns_operations names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, CloneFlag
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import Path
from nscore_sim.fs_struct import FsStruct, set_fs_pwd, set_fs_root
from nscore_sim.mount import (
    CL_COPY_UNBINDABLE,
    CL_SHARED_TO_SLAVE,
    MNT_UNBINDABLE,
    MntNamespace,
    Mount,
    copy_tree,
    follow_down,
    mount_tree,
)
from nscore_sim.mount_tree import commit_tree, lock_mnt_tree, umount_tree
from nscore_sim.nscommon import NsCommon, ProcNsOperations, alloc_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CAP_SYS_ADMIN, CAP_SYS_CHROOT = int(Capability.SYS_ADMIN), int(Capability.SYS_CHROOT)
CLONE_NEWNS = int(CloneFlag.NEWNS)


def copy_mnt_ns(flags: int, task: Task, user_ns: UserNamespace, new_fs: FsStruct | None) -> MntNamespace:
    """The mount namespace of a task that task creates, or its own new one; root and directory of new_fs move along.

    fs/namespace.c:copy_mnt_ns
    """
    assert task.nsproxy is not None
    ns = task.nsproxy.mnt_ns
    if not flags & CLONE_NEWNS:
        get_ns(ns.ns)
        return ns
    new = MntNamespace(alloc_ns(task.kernel, mntns_operations, user_ns, task.cred.euid))
    if ns.root is not None:
        copy_mounts(ns, ns.root, new, new_fs)
    return new


def copy_mounts(ns: MntNamespace, old_root: Mount, new: MntNamespace, new_fs: FsStruct | None) -> None:
    """Fill a new namespace with copies of ns's mounts; a less privileged one cannot take them apart."""
    privileged = new.ns.user_ns is ns.ns.user_ns
    root = new.root = copy_tree(old_root, old_root.mnt_root, CL_COPY_UNBINDABLE | (0 if privileged else CL_SHARED_TO_SLAVE))
    commit_tree(root, new)
    if not new.ns.kernel.release.unbindable_copied:
        for copy in mount_tree(root):
            copy.mnt_flags &= ~MNT_UNBINDABLE
    if not privileged:
        lock_mnt_tree(root)
    if new_fs is None:
        return
    copies = dict(copied(old_root, root))
    if (mnt := copies.get(new_fs.root.mnt)) is not None:
        set_fs_root(new_fs, Path(mnt, new_fs.root.dentry))
    if (mnt := copies.get(new_fs.pwd.mnt)) is not None:
        set_fs_pwd(new_fs, Path(mnt, new_fs.pwd.dentry))


def copied(old: Mount, new: Mount) -> list[tuple[Mount, Mount]]:
    """Each mount of a tree with its copy; what the copy lacks was left out."""
    pairs = [(old, new)]
    for mountpoint, child in old.mnt_mounts.items():
        if (copy := new.mnt_mounts.get(mountpoint)) is not None:
            pairs += copied(child, copy)
    return pairs


def mntns_get(task: Task) -> NsCommon | None:
    """fs/namespace.c:mntns_get"""
    return get_ns(task.nsproxy.mnt_ns.ns) if task.nsproxy is not None else None


def mntns_install(nsset: NsSet, ns: NsCommon) -> None:
    """Join; root and working directory become the topmost root there.  fs/namespace.c:mntns_install"""
    new = ns.container
    task = nsset.task
    assert isinstance(new, MntNamespace)
    assert nsset.fs is not None
    assert ns.user_ns is not None
    own = nsset.cred.user_ns
    if not (ns_capable(task, ns.user_ns, CAP_SYS_ADMIN) and ns_capable(task, own, CAP_SYS_CHROOT) and ns_capable(task, own, CAP_SYS_ADMIN)):
        raise Errno("EPERM")
    if nsset.fs.users != 1:
        raise Errno("EINVAL")
    # Beside other namespaces the set's is a copy, which nobody shares.
    if not task.kernel.release.setns_mnt_checks_copy and task.fs is not None and task.fs.users != 1:
        raise Errno("EINVAL")
    if new.root is None:
        raise Errno("ENOENT")
    root = follow_down(Path(new.root, new.root.mnt_root))
    old, nsset.nsproxy.mnt_ns = nsset.nsproxy.mnt_ns, new
    get_ns(new.ns)
    put_ns(old.ns)
    set_fs_pwd(nsset.fs, root)
    set_fs_root(nsset.fs, root)


def put_mnt_ns(ns: NsCommon) -> None:
    """Nobody is in it and nothing refers to it: its mounts go.  fs/namespace.c:put_mnt_ns"""
    namespace = ns.container
    assert isinstance(namespace, MntNamespace)
    if namespace.root is not None:
        umount_tree(namespace.root, propagate=False)
    free_ns(ns)


mntns_operations = ProcNsOperations(
    name="mnt",
    real_ns_name="mnt",
    type=CLONE_NEWNS,
    charge=UcountType.MNT_NAMESPACES,
    get=mntns_get,
    install=mntns_install,
    free=put_mnt_ns,
)
