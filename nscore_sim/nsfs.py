"""Namespaces as files, and what ioctl(2) tells about them.  Models fs/nsfs.c.

A file pins its namespace, and so does a mount of it.  Left out: the ioctls about mount namespaces and ids, and file handles.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import CloneFlag
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import File, alloc_fd, fd_install, fget
from nscore_sim.inode import MAY_WRITE, Inode, generic_permission
from nscore_sim.mount import MntNamespace, kern_mount
from nscore_sim.nscommon import get_ns, put_ns
from nscore_sim.pid import find_task_by_pid_ns, find_task_by_vpid, task_pid_nr_ns, task_tgid_nr_ns
from nscore_sim.pid_namespace import to_pid_ns
from nscore_sim.user_namespace import from_kuid_munged, ns_get_owner, to_user_ns

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.inode import SuperBlock
    from nscore_sim.nscommon import NsCommon, ProcNsOperations
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

CLONE_NEWUSER, CLONE_NEWPID = int(CloneFlag.NEWUSER), int(CloneFlag.NEWPID)


class NsInode(Inode):
    """fs/nsfs.c:nsfs_init_inode"""

    __slots__ = ("ns",)

    def __init__(self, i_sb: SuperBlock, ns: NsCommon) -> None:
        super().__init__(i_sb, ns.inum, stat.S_IFREG | 0o444)
        self.ns = ns

    def permission(self, task: Task, mask: int) -> None:
        """Nobody may write, whatever his capabilities: it is immutable."""
        if mask & MAY_WRITE:
            raise Errno("EPERM")
        generic_permission(task, self, mask)

    def open(self, task: Task, path: Path, flags: int) -> NsFile:
        return NsFile(path, flags, task, self.ns)

    def pin(self, users: int) -> None:
        """So many mounts more, or less, show it."""
        if users > 0:
            get_ns(self.ns)
        else:
            put_ns(self.ns)

    def mnt_ns(self) -> MntNamespace | None:
        container = self.ns.container
        return container if isinstance(container, MntNamespace) else None

    def dname(self, dentry: Dentry) -> str:
        """fs/nsfs.c:ns_dname"""
        return f"{self.ns.ops.name}:[{self.i_ino}]"


class NsFile(File):
    """An open namespace.  fs/nsfs.c:ns_file_operations"""

    __slots__ = ("ns",)
    seekable = False

    def __init__(self, path: Path, flags: int, task: Task, ns: NsCommon) -> None:
        super().__init__(path, flags, task.cred)
        self.ns = get_ns(ns)

    def release(self, task: Task) -> None:
        put_ns(self.ns)


def ns_path(ns: NsCommon) -> Path:
    """The place of a namespace's file, the same as long as there is one.  fs/libfs.c:path_from_stashed"""
    mnt = kern_mount(ns.kernel, "nsfs")
    if ns.stashed is None:
        ns.stashed = Dentry("", mnt.mnt_root, NsInode(mnt.mnt_sb, ns))
    return Path(mnt, ns.stashed)


def ns_get_path(task: Task, ops: ProcNsOperations) -> Path:
    """Where the link in /proc/PID/ns of that kind leads; ENOENT.  fs/nsfs.c:ns_get_path"""
    ns = ops.get(task)
    if ns is None:
        raise Errno("ENOENT")
    path = ns_path(ns)
    put_ns(ns)  # task has it; the file that is opened will
    return path


def ns_get_name(task: Task, ops: ProcNsOperations) -> str:
    """The text of that link; ENOENT.  fs/nsfs.c:ns_get_name"""
    ns = ops.get(task)
    if ns is None:
        raise Errno("ENOENT")
    put_ns(ns)
    return f"{ops.real_ns_name}:[{ns.inum}]"


def open_namespace(task: Task, ns: NsCommon) -> int:
    """A descriptor of ns, whose reference is used up; EMFILE.  fs/nsfs.c:open_namespace"""
    try:
        fd = alloc_fd(task)
        fd_install(task, fd, NsFile(ns_path(ns), 0, task, ns), cloexec=True)
    finally:
        put_ns(ns)
    return fd


def fget_ns(task: Task, fd: int) -> NsCommon:
    """The namespace of a descriptor; EBADF, and ENOTTY as ioctl says of what is none."""
    file = fget(task, fd)
    if not isinstance(file, NsFile):
        raise Errno("ENOTTY")
    return file.ns


def ns_get_userns(task: Task, fd: int) -> Plain:
    """NS_GET_USERNS.  fs/nsfs.c:ns_ioctl"""
    return open_namespace(task, ns_get_owner(task, fget_ns(task, fd)))


def ns_get_parent(task: Task, fd: int) -> Plain:
    """NS_GET_PARENT.  fs/nsfs.c:ns_ioctl"""
    ns = fget_ns(task, fd)
    if ns.ops.get_parent is None:
        raise Errno("EINVAL")
    return open_namespace(task, ns.ops.get_parent(task, ns))


def ns_get_nstype(task: Task, fd: int) -> Plain:
    """NS_GET_NSTYPE.  fs/nsfs.c:ns_ioctl"""
    return fget_ns(task, fd).ops.type


def ns_get_owner_uid(task: Task, fd: int) -> Plain:
    """NS_GET_OWNER_UID.  fs/nsfs.c:ns_ioctl"""
    ns = fget_ns(task, fd)
    if ns.ops.type != CLONE_NEWUSER:
        raise Errno("EINVAL")
    return from_kuid_munged(task.cred.user_ns, to_user_ns(ns).owner)


def fget_pid_ns(task: Task, fd: int) -> PidNamespace:
    """The same of a PID namespace; EINVAL."""
    ns = fget_ns(task, fd)
    if ns.ops.type != CLONE_NEWPID:
        raise Errno("EINVAL")
    return to_pid_ns(ns)


def translate(task: Task, target: Task | None, ns: PidNamespace, number_in: Callable[[Task, PidNamespace], int]) -> int:
    """target's number in ns; ESRCH where there is neither."""
    if target is None:
        raise Errno("ESRCH" if task.kernel.release.nsfs_absent_pid_is_esrch else "ENOTTY")
    number = number_in(target, ns)
    if not number:
        raise Errno("ESRCH")
    return number


def ns_get_pid_from_pidns(task: Task, fd: int, id: int) -> Plain:
    """NS_GET_PID_FROM_PIDNS.  fs/nsfs.c:ns_ioctl"""
    return translate(task, find_task_by_pid_ns(id, fget_pid_ns(task, fd)), task.thread_pid.ns, task_pid_nr_ns)


def ns_get_tgid_from_pidns(task: Task, fd: int, id: int) -> Plain:
    """NS_GET_TGID_FROM_PIDNS.  fs/nsfs.c:ns_ioctl"""
    return translate(task, find_task_by_pid_ns(id, fget_pid_ns(task, fd)), task.thread_pid.ns, task_tgid_nr_ns)


def ns_get_pid_in_pidns(task: Task, fd: int, id: int) -> Plain:
    """NS_GET_PID_IN_PIDNS.  fs/nsfs.c:ns_ioctl"""
    ns = fget_pid_ns(task, fd)
    return translate(task, find_task_by_vpid(task, id), ns, task_pid_nr_ns)


def ns_get_tgid_in_pidns(task: Task, fd: int, id: int) -> Plain:
    """NS_GET_TGID_IN_PIDNS.  fs/nsfs.c:ns_ioctl"""
    ns = fget_pid_ns(task, fd)
    return translate(task, find_task_by_vpid(task, id), ns, task_tgid_nr_ns)
