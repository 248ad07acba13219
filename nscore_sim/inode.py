"""File systems and their files: what each kind of them answers.  Models include/linux/fs.h, fs/inode.c.

A kind of file is a class below Inode (inode_operations) and, once open, one below File (file_operations); what a kind does not do is
refused here.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import Dentry
from nscore_sim.file import File
from nscore_sim.user_namespace import from_kgid, from_kuid

if TYPE_CHECKING:
    from nscore_sim.dcache import Path
    from nscore_sim.mount import MntNamespace
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

#: Masks of permission().  include/linux/fs.h
MAY_EXEC, MAY_WRITE, MAY_READ = 1, 2, 4

INVALID_ID = 0xFFFFFFFF


class SuperBlock:
    """A mounted file system.  include/linux/fs.h:super_block"""

    __slots__ = ("last_ino", "s_active", "s_dev", "s_nouser", "s_rdonly", "s_root", "s_type", "s_user_ns", "s_writers")

    s_root: Dentry

    def __init__(self, s_type: str, s_dev: int, s_user_ns: UserNamespace) -> None:
        self.s_type = s_type
        self.s_dev = s_dev  #: minor number; the major one of what is on no disk is 0
        self.s_user_ns = s_user_ns
        self.s_nouser = False  #: it is never grafted anywhere
        self.s_rdonly = False
        self.s_active = 0  #: mounts of it
        self.s_writers = 0  #: what its mounts have of them together
        self.last_ino = 0

    def new_ino(self) -> int:
        """fs/inode.c:get_next_ino, which counts for all file systems together"""
        self.last_ino += 1
        return self.last_ino

    def show_options(self, task: Task) -> str:
        """What follows ro or rw in mountinfo, with its comma."""
        return ""


class Inode:
    """A file.  include/linux/fs.h:inode and inode_operations"""

    __slots__ = ("i_gid", "i_ino", "i_mode", "i_nlink", "i_sb", "i_uid")

    #: S_IMMUTABLE: nobody may write it or remove its name.
    immutable = False
    #: Whether names can be made in it; where not, a missing one is missing before anybody asks for permission.
    creates = False

    def __init__(self, i_sb: SuperBlock, i_ino: int, i_mode: int, i_uid: int = 0, i_gid: int = 0) -> None:
        self.i_sb = i_sb
        self.i_ino = i_ino
        self.i_mode = i_mode
        self.i_uid = i_uid
        self.i_gid = i_gid
        self.i_nlink = 2 if stat.S_ISDIR(i_mode) else 1

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        """The entry name of this directory, which dentry names; ENOENT."""
        raise Errno("ENOENT")

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        """The names in this directory, in the order of getdents."""
        raise Errno("ENOTDIR")

    def readlink(self, task: Task, dentry: Dentry) -> str:
        """The text of this link."""
        raise Errno("EINVAL")

    def get_link(self, task: Task, dentry: Dentry) -> str | Path:
        """Where the walk goes on: a path to walk, or the place itself."""
        return self.readlink(task, dentry)

    def permission(self, task: Task, mask: int) -> None:
        """EACCES, or whatever else forbids mask."""
        generic_permission(task, self, mask)

    def open(self, task: Task, path: Path, flags: int) -> File:
        """A new open file."""
        return File(path, flags, task.cred)

    def getattr(self, task: Task, dentry: Dentry) -> None:
        """Bring the fields up to date before stat reads them."""

    def size(self) -> int:
        """st_size"""
        return 0

    def truncate(self, size: int) -> None:
        """Cut or lengthen the content."""

    def create(self, task: Task, dentry: Dentry, name: str, mode: int) -> Dentry:
        """Make a file, directory or link by the type in mode."""
        raise Errno("ENOENT")

    def unlink(self, task: Task, dentry: Dentry) -> None:
        """Remove an entry of this directory."""
        raise Errno("EPERM")

    def stale(self) -> bool:
        """Whether it is about something that is gone, a process that was reaped, so that the next look does not find it."""
        return False

    def flushed(self) -> bool:
        """Whether its name went then, and not only at the next look.  fs/proc/base.c:proc_flush_pid"""
        return False

    def pin(self, users: int) -> None:
        """So many mounts more, or less, have it as their root, or O_PATH files as their place."""

    def empty_dir(self) -> bool:
        """Whether it is a directory that is empty for good.  fs/libfs.c:is_empty_dir_inode"""
        return False

    def mnt_ns(self) -> MntNamespace | None:
        """The mount namespace whose file this is."""
        return None

    def dname(self, dentry: Dentry) -> str | None:
        """The text that stands for the path of what has none: pipe:[1]."""
        return None


def in_group(task: Task, kgid: int) -> bool:
    """kernel/groups.c:in_group_p"""
    return kgid == task.cred.fsgid or kgid in task.cred.groups


def capable_wrt_inode_uidgid(task: Task, inode: Inode, cap: int) -> bool:
    """kernel/capability.c:capable_wrt_inode_uidgid"""
    ns = task.cred.user_ns
    mapped = from_kuid(ns, inode.i_uid) != INVALID_ID and from_kgid(ns, inode.i_gid) != INVALID_ID
    return mapped and ns_capable(task, ns, cap)


def inode_owner_or_capable(task: Task, inode: Inode) -> bool:
    """fs/inode.c:inode_owner_or_capable"""
    if task.cred.fsuid == inode.i_uid:
        return True
    ns = task.cred.user_ns
    return from_kuid(ns, inode.i_uid) != INVALID_ID and ns_capable(task, ns, Capability.FOWNER)


def acl_permission_check(task: Task, inode: Inode, mask: int) -> bool:
    """fs/namei.c:acl_permission_check"""
    mode = inode.i_mode
    if task.cred.fsuid == inode.i_uid:
        mode >>= 6
    elif in_group(task, inode.i_gid):
        mode >>= 3
    return not mask & ~mode


def generic_permission(task: Task, inode: Inode, mask: int) -> None:
    """fs/namei.c:generic_permission"""
    if acl_permission_check(task, inode, mask):
        return
    directory = stat.S_ISDIR(inode.i_mode)
    searching = not mask & MAY_WRITE if directory else mask == MAY_READ
    if searching and capable_wrt_inode_uidgid(task, inode, Capability.DAC_READ_SEARCH):
        return
    executable = directory or not mask & MAY_EXEC or inode.i_mode & 0o111
    if executable and capable_wrt_inode_uidgid(task, inode, Capability.DAC_OVERRIDE):
        return
    raise Errno("EACCES")


def inode_permission(task: Task, inode: Inode, mask: int) -> None:
    """fs/namei.c:inode_permission"""
    if mask & MAY_WRITE and inode.i_sb.s_rdonly and not stat.S_ISCHR(inode.i_mode):
        raise Errno("EROFS")
    if mask & MAY_WRITE and inode.immutable:
        raise Errno("EPERM")
    inode.permission(task, mask)
