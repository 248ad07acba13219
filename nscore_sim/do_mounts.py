"""The root file system, its mount namespace, and what the first task has of it.  Models init/do_mounts.c, init/main.c."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.flags import OpenFlag
from nscore_sim.dcache import Dentry, Path, d_alloc_child
from nscore_sim.file import FdTable, FilesStruct, get_file
from nscore_sim.fs_struct import FsStruct
from nscore_sim.inode import Inode
from nscore_sim.mnt_namespace import mntns_operations
from nscore_sim.mount import MNT_RELATIME, MntNamespace, Mount, MountIds, attach_mnt, follow_down
from nscore_sim.mount_tree import commit_tree
from nscore_sim.nscommon import MNT_NS_INIT_INO, NsCommon
from nscore_sim.proc.root import proc_super
from nscore_sim.ramfs import NullDevice, RamDirectory, RamFile, RamSuper, fill_super

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.task import Task

#: What is there beside /proc, /dev/null and the programs.
DIRECTORIES = ("/bin", "/dev", "/etc", "/mnt", "/proc", "/root", "/run", "/sys", "/tmp", "/usr/bin", "/var")

#: The size of a program.
PROGRAM_SIZE = 4096

#: By the type in the mode.
KINDS: dict[int, type[Inode]] = {stat.S_IFDIR: RamDirectory, stat.S_IFREG: RamFile, stat.S_IFCHR: NullDevice}


def prepare_namespace(kernel: Kernel, programs: tuple[str, ...] = ()) -> MntNamespace:
    """The first mount namespace: an empty rootfs, over it a file system with these programs, and the initial PID namespace's proc.

    fs/namespace.c:init_mount_tree, init/do_mounts.c:prepare_namespace
    """
    ids = kernel.mount_ids = MountIds()
    user_ns = kernel.init_user_ns
    ns = MntNamespace(NsCommon(kernel, mntns_operations, user_ns, MNT_NS_INIT_INO, None))
    rootfs = fill_super("rootfs", ids, user_ns)
    sb = fill_super("tmpfs", ids, user_ns)
    ns.root = Mount(ids, rootfs, rootfs.s_root, "none", 0)
    root = Mount(ids, sb, sb.s_root, "root", MNT_RELATIME)
    attach_mnt(root, ns.root, rootfs.s_root)
    for path in DIRECTORIES:
        populate(sb, path, stat.S_IFDIR | 0o755)
    for path in programs:
        populate(sb, path, stat.S_IFREG | 0o755).d_inode.truncate(PROGRAM_SIZE)
    populate(sb, "/dev/null", stat.S_IFCHR | 0o666)
    populate(sb, "/tmp", 0).d_inode.i_mode |= 0o1777
    proc = proc_super(kernel, kernel.init_pid_ns)
    attach_mnt(Mount(ids, proc, proc.s_root, "proc", MNT_RELATIME), root, populate(sb, "/proc", 0))
    commit_tree(ns.root, ns)
    return ns


def populate(sb: RamSuper, path: str, mode: int) -> Dentry:
    """The file at path, made with the directories above it if it is not there.  init/initramfs.c:do_name"""
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
    file = null.d_inode.open(task, Path(root.mnt, null), int(OpenFlag.RDWR | OpenFlag.LARGEFILE))
    return FilesStruct(FdTable({0: file, 1: get_file(file), 2: get_file(file)}, 0b111, 0))
