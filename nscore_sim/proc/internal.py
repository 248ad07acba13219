"""Files about one process: who owns them, who may see them, and how a table of them becomes a directory.  Models fs/proc/internal.h,
the first part of fs/proc/base.c.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from nscore.errors import Errno
from nscore_sim.cred import SUID_DUMP_USER
from nscore_sim.dcache import Dentry, Path, d_path
from nscore_sim.fs_struct import task_fs
from nscore_sim.inode import Inode, generic_permission, in_group
from nscore_sim.proc.generic import (
    HIDEPID_INVISIBLE,
    HIDEPID_NO_ACCESS,
    HIDEPID_NOT_PTRACEABLE,
    ProcSuper,
    SeqFile,
    make_child,
    proc_ns,
)
from nscore_sim.ptrace import PTRACE_MODE_READ_FSCREDS, ptrace_may_access
from nscore_sim.user_namespace import INVALID_ID, make_kgid, make_kuid

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.inode import SuperBlock
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

S_IFDIR, S_IFLNK, S_IFREG = stat.S_IFDIR, stat.S_IFLNK, stat.S_IFREG
#: Directories that belong to the process's user whether it is dumpable or not.
S_IFDIR_SHOWN = S_IFDIR | 0o555

#: (the reader, the file, the process, its Pid, the numbers' namespace) -> the text
PidShow: TypeAlias = "Callable[[Task, File, Task, Pid, PidNamespace], bytes]"
#: (the writer, the file, the process or None where it is gone, what is written, at) -> how much was taken
PidStore: TypeAlias = "Callable[[Task, File, Task | None, bytes, int], int]"


@dataclass(frozen=True, slots=True)
class PidEntry:
    """A name in the directory of a process.  fs/proc/base.c:pid_entry"""

    name: str
    mode: int
    make: Callable[[SuperBlock, Pid, PidEntry], Inode]
    show: PidShow | None = None
    store: PidStore | None = None
    #: (the opener, the process or None): what open refuses beyond the mode.
    check: Callable[[Task, Task | None], None] | None = None


class PidInode(Inode):
    """A file about the process of a Pid, whichever number that has.  fs/proc/internal.h:proc_inode"""

    __slots__ = ("pid",)

    def __init__(self, i_sb: SuperBlock, pid: Pid, i_mode: int) -> None:
        super().__init__(i_sb, i_sb.new_ino(), i_mode)
        self.pid = pid

    def stale(self) -> bool:
        """fs/proc/base.c:pid_delete_dentry"""
        return self.pid.task is None

    def update(self, p: Task) -> None:
        """Whose it is now.  fs/proc/base.c:pid_update_inode"""
        self.i_uid, self.i_gid = task_dump_owner(p, self.i_mode)

    def permission(self, task: Task, mask: int) -> None:
        p = self.pid.task
        if p is not None:
            self.update(p)
        generic_permission(task, self, mask)

    def getattr(self, task: Task, dentry: Dentry) -> None:
        """fs/proc/base.c:pid_getattr"""
        p = self.pid.task
        if p is not None:
            if not has_pid_permissions(self.i_sb, task, p, HIDEPID_INVISIBLE):
                raise Errno("ENOENT")
            self.update(p)
        else:
            self.i_uid = self.i_gid = 0


def task_dump_owner(p: Task, mode: int) -> tuple[int, int]:
    """fs/proc/base.c:task_dump_owner"""
    if mode != S_IFDIR_SHOWN:
        mm = p.mm
        if mm is None:
            return 0, 0
        if mm.dumpable != SUID_DUMP_USER:
            uid, gid = make_kuid(mm.user_ns, 0), make_kgid(mm.user_ns, 0)
            return 0 if uid == INVALID_ID else uid, 0 if gid == INVALID_ID else gid
    return p.cred.euid, p.cred.egid


def has_pid_permissions(sb: SuperBlock, task: Task, p: Task, hide_pid_min: int) -> bool:
    """fs/proc/base.c:has_pid_permissions"""
    assert isinstance(sb, ProcSuper)
    if sb.hide_pid != HIDEPID_NOT_PTRACEABLE and (sb.hide_pid < hide_pid_min or in_group(task, sb.pid_gid)):
        return True
    return ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS)


class PidDirectory(PidInode):
    """A directory whose entries a table names.  fs/proc/base.c:proc_pident_lookup, proc_pident_readdir"""

    __slots__ = ("entries",)
    immutable = True

    def __init__(self, i_sb: SuperBlock, pid: Pid, i_mode: int, entries: dict[str, PidEntry], i_nlink: int) -> None:
        super().__init__(i_sb, pid, i_mode)
        self.entries = entries
        self.i_nlink = i_nlink

    def flushed(self) -> bool:
        return self.pid.task is None

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        entry = self.entries.get(name)
        if entry is None or self.pid.task is None:
            raise Errno("ENOENT")
        return make_child(dentry, name, entry.make(self.i_sb, self.pid, entry))

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        if self.pid.task is None:
            raise Errno("ENOENT")
        return list(self.entries)


class TgidDirectory(PidDirectory):
    """A process's own directory and its task/, which hidepid closes.  fs/proc/base.c:proc_pid_permission"""

    __slots__ = ()

    def permission(self, task: Task, mask: int) -> None:
        proc_pid_permission(task, self, mask)


def proc_pid_permission(task: Task, inode: PidInode, mask: int) -> None:
    """fs/proc/base.c:proc_pid_permission"""
    p = inode.pid.task
    if p is None:
        raise Errno("ESRCH")
    sb = inode.i_sb
    if not has_pid_permissions(sb, task, p, HIDEPID_NO_ACCESS):
        assert isinstance(sb, ProcSuper)
        raise Errno("ENOENT" if sb.hide_pid == HIDEPID_INVISIBLE else "EPERM")
    inode.update(p)
    generic_permission(task, inode, mask)


class PidFile(SeqFile):
    """An open file about a process.  fs/proc/base.c:proc_single_show"""

    __slots__ = ("entry", "pid")

    def __init__(self, path: Path, flags: int, task: Task, pid: Pid, entry: PidEntry) -> None:
        super().__init__(path, flags, task)
        self.pid = pid
        self.entry = entry

    def show(self, task: Task) -> bytes:
        p = self.pid.task
        if self.entry.show is None:
            raise Errno("EINVAL")
        if p is None:
            raise Errno("ESRCH")
        return self.entry.show(task, self, p, self.pid, proc_ns(self))

    def store(self, task: Task, data: bytes, pos: int) -> int:
        if self.entry.store is None:
            raise Errno("EINVAL")
        return self.entry.store(task, self, self.pid.task, data, pos)


class PidReg(PidInode):
    """A file about a process."""

    __slots__ = ("entry",)

    def __init__(self, i_sb: SuperBlock, pid: Pid, entry: PidEntry) -> None:
        super().__init__(i_sb, pid, entry.mode)
        self.entry = entry

    def open(self, task: Task, path: Path, flags: int) -> File:
        if self.entry.check is not None:
            self.entry.check(task, self.pid.task)
        return PidFile(path, flags, task, self.pid, self.entry)


def proc_fd_access_allowed(task: Task, inode: PidInode) -> Task:
    """The process, if task may look into it; EACCES.  fs/proc/base.c:proc_fd_access_allowed"""
    p = inode.pid.task
    if p is None or not ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS):
        raise Errno("EACCES")
    return p


class PidLink(PidInode):
    """A link that jumps.  fs/proc/base.c:proc_pid_link_inode_operations"""

    __slots__ = ()

    def __init__(self, i_sb: SuperBlock, pid: Pid, mode: int = S_IFLNK | 0o777) -> None:
        super().__init__(i_sb, pid, mode)

    def path(self, p: Task) -> Path:
        """Where it leads; ENOENT."""
        raise Errno("ENOENT")

    def get_link(self, task: Task, dentry: Dentry) -> str | Path:
        return self.path(proc_fd_access_allowed(task, self))

    def readlink(self, task: Task, dentry: Dentry) -> str:
        return d_path(self.path(proc_fd_access_allowed(task, self)), task_fs(task).root)
