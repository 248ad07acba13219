"""Mount namespaces: the first one, copies, joining, the end.  Models the part of fs/namespace.c that proc_ns_operations names."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, CloneFlag, OpenFlag
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import Dentry, Path, d_alloc_child
from nscore_sim.file import FdTable, FilesStruct, get_file
from nscore_sim.fs_struct import FsStruct, set_fs_pwd, set_fs_root
from nscore_sim.inode import Inode
from nscore_sim.mount import (
    CL_COPY_UNBINDABLE,
    CL_SHARED_TO_SLAVE,
    MNT_RELATIME,
    MntNamespace,
    Mount,
    MountIds,
    attach_mnt,
    copy_tree,
    follow_down,
)
from nscore_sim.mount_tree import commit_tree, lock_mnt_tree, umount_tree
from nscore_sim.nscommon import MNT_NS_INIT_INO, NsCommon, ProcNsOperations, alloc_ns, free_ns, get_ns
from nscore_sim.ramfs import NullDevice, RamDirectory, RamFile, RamSuper, fill_super
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
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
    new = MntNamespace(ns.ids, alloc_ns(task.kernel, mntns_operations, user_ns, task.cred.euid))
    new.ns.container = new
    if ns.root is not None:
        copy_mounts(ns, ns.root, new, new_fs)
    return new


def copy_mounts(ns: MntNamespace, old_root: Mount, new: MntNamespace, new_fs: FsStruct | None) -> None:
    """Fill a new namespace with copies of ns's mounts; a less privileged one cannot take them apart."""
    privileged = new.ns.user_ns is ns.ns.user_ns
    root = new.root = copy_tree(old_root, old_root.mnt_root, CL_COPY_UNBINDABLE | (0 if privileged else CL_SHARED_TO_SLAVE))
    commit_tree(root, new)
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
    task = nsset.current
    assert isinstance(new, MntNamespace)
    assert nsset.fs is not None
    own = nsset.cred.user_ns
    if not (ns_capable(task, ns.user_ns, CAP_SYS_ADMIN) and ns_capable(task, own, CAP_SYS_CHROOT) and ns_capable(task, own, CAP_SYS_ADMIN)):
        raise Errno("EPERM")
    if nsset.fs.users != 1:
        raise Errno("EINVAL")
    if new.root is None:
        raise Errno("ENOENT")
    root = follow_down(Path(new.root, new.root.mnt_root))
    nsset.nsproxy.mnt_ns = new
    set_fs_pwd(nsset.fs, root)
    set_fs_root(nsset.fs, root)


def put_mnt_ns(ns: NsCommon) -> None:
    """Nobody is in it and nothing refers to it: its mounts go.  fs/namespace.c:put_mnt_ns"""
    namespace = ns.container
    assert isinstance(namespace, MntNamespace)
    if namespace.root is not None:
        umount_tree(namespace.root, propagate=False)
    free_ns(ns)


mntns_operations = ProcNsOperations("mnt", "mnt", CLONE_NEWNS, UcountType.MNT_NAMESPACES, mntns_get, mntns_install, put_mnt_ns)


def init_mount_tree(kernel: Kernel, directories: tuple[str, ...], executables: tuple[str, ...]) -> MntNamespace:
    """The first mount namespace: an empty rootfs, and over it a file system with these directories and executable files.

    fs/namespace.c:init_mount_tree, init/do_mounts.c:prepare_namespace
    """
    ids = MountIds()
    user_ns = kernel.init_user_ns
    ns = MntNamespace(ids, NsCommon(kernel, mntns_operations, user_ns, MNT_NS_INIT_INO, None))
    ns.ns.container = ns
    rootfs = fill_super("rootfs", ids, user_ns)
    sb = fill_super("tmpfs", ids, user_ns)
    ns.root = Mount(ids, rootfs, rootfs.s_root, "none", 0)
    attach_mnt(Mount(ids, sb, sb.s_root, "root", MNT_RELATIME), ns.root, rootfs.s_root)
    commit_tree(ns.root, ns)
    for path in directories:
        populate(sb, path, stat.S_IFDIR | 0o755)
    for path in executables:
        populate(sb, path, stat.S_IFREG | 0o755)
    populate(sb, "/dev/null", stat.S_IFCHR | 0o666)
    return ns


#: By the type in the mode.
KINDS: dict[int, type[Inode]] = {stat.S_IFDIR: RamDirectory, stat.S_IFREG: RamFile, stat.S_IFCHR: NullDevice}


def populate(sb: RamSuper, path: str, mode: int) -> Dentry:
    """Make a file and the directories above it.  init/initramfs.c:do_name"""
    dentry = sb.s_root
    *above, last = path.strip("/").split("/")
    for name in above:
        dentry = _child(sb, dentry, name, stat.S_IFDIR | 0o755)
    return _child(sb, dentry, last, mode)


def _child(sb: RamSuper, parent: Dentry, name: str, mode: int) -> Dentry:
    child = (parent.d_children or {}).get(name)
    if child is None:
        if stat.S_ISDIR(mode):
            parent.d_inode.i_nlink += 1
        child = d_alloc_child(parent, name, KINDS[stat.S_IFMT(mode)](sb, sb.new_ino(), mode))
    return child


def init_fs(ns: MntNamespace) -> FsStruct:
    """Root and directory of the first task.  init/do_mounts.c:init_chroot"""
    assert ns.root is not None
    root = follow_down(Path(ns.root, ns.root.mnt_root))
    return FsStruct(root, root, 0o022)


def console_on_rootfs(task: Task) -> FilesStruct:
    """Descriptors 0 to 2, here of /dev/null.  init/main.c:console_on_rootfs"""
    assert task.fs is not None
    root = task.fs.root
    dev = (root.dentry.d_children or {})["dev"]
    null = (dev.d_children or {})["null"]
    file = null.d_inode.open(task, Path(root.mnt, null), int(OpenFlag.RDWR))
    return FilesStruct(FdTable({0: file, 1: get_file(file), 2: get_file(file)}, 0b111, 0))
