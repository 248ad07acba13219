"""The directory of a process and those of its threads.  Models fs/proc/base.c.

Of the files about memory (maps, mem, pagemap, auxv) and of those about time and security modules (timers, attr), which a model without
these would make up, there are none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD
from nscore_sim.capability import perfmon_capable
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import File
from nscore_sim.namei import user_path_at
from nscore_sim.pid import find_pid_ns, pid_nr_ns
from nscore_sim.proc import limits, oom, userns
from nscore_sim.proc.array import children_seq_show, proc_pid_statm, proc_pid_status, proc_tgid_stat, proc_tid_stat
from nscore_sim.proc.fd import FdDirectory, FdinfoDirectory, name_to_int
from nscore_sim.proc.generic import HIDEPID_INVISIBLE, HIDEPID_NO_ACCESS, HIDEPID_NOT_PTRACEABLE, ProcSuper, make_child
from nscore_sim.proc.internal import (
    S_IFDIR,
    S_IFLNK,
    S_IFREG,
    PidDirectory,
    PidEntry,
    PidFile,
    PidInode,
    PidLink,
    PidReg,
    PidShow,
    TgidDirectory,
    has_pid_permissions,
    proc_pid_permission,
)
from nscore_sim.proc.namespaces import NsDirectory
from nscore_sim.proc_namespace import MountinfoFile, MountsFile, VfsmntFile
from nscore_sim.ptrace import PTRACE_MODE_READ_FSCREDS, ptrace_may_access

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

TASK_COMM_LEN = 16
#: st_nlink of the directories, which counts map_files, net and attr too.  fs/proc/base.c:proc_pid_instantiate
TGID_NLINK, TID_NLINK = 9, 7


class TaskDirectory(PidInode):
    """/proc/PID/task.  fs/proc/base.c:proc_task_lookup, proc_task_readdir"""

    __slots__ = ()

    def __init__(self, i_sb: SuperBlock, pid: Pid, entry: PidEntry) -> None:
        super().__init__(i_sb, pid, entry.mode)

    def permission(self, task: Task, mask: int) -> None:
        proc_pid_permission(task, self, mask)

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        leader, ns = self.pid.task, self.numbers()
        thread = find_pid_ns(name_to_int(name), ns)
        if leader is None or thread is None or thread.task is None or thread.task.signal is not leader.signal:
            raise Errno("ENOENT")
        return make_child(dentry, name, PidDirectory(self.i_sb, thread, S_IFDIR | 0o555, TID_BASE_STUFF, TID_NLINK))

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        leader, ns = self.pid.task, self.numbers()
        if leader is None:
            raise Errno("ENOENT")
        return [str(pid_nr_ns(thread.thread_pid, ns)) for thread in leader.signal.threads]

    def getattr(self, task: Task, dentry: Dentry) -> None:
        """fs/proc/base.c:proc_task_getattr"""
        p = self.pid.task
        self.i_nlink = 2 + (p.signal.nr_threads if p is not None else 0)
        super().getattr(task, dentry)

    def numbers(self) -> PidNamespace:
        """The namespace whose numbers are the names."""
        sb = self.i_sb
        assert isinstance(sb, ProcSuper)
        return sb.pid_ns


class CwdLink(PidLink):
    """fs/proc/base.c:proc_cwd_link"""

    __slots__ = ()

    def path(self, p: Task) -> Path:
        if p.fs is None:
            raise Errno("ENOENT")
        return p.fs.pwd


class RootLink(PidLink):
    """fs/proc/base.c:proc_root_link"""

    __slots__ = ()

    def path(self, p: Task) -> Path:
        if p.fs is None:
            raise Errno("ENOENT")
        return p.fs.root


class ExeLink(PidLink):
    """fs/proc/base.c:proc_exe_link"""

    __slots__ = ()

    def path(self, p: Task) -> Path:
        if p.mm is None:
            raise Errno("ENOENT")
        # The image is where the first task saw it.
        return user_path_at(p.kernel.init_task, AT_FDCWD, p.mm.exe)


class MountsInode(PidReg):
    """mountinfo and mounts, which refuse to open without a namespace."""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        kind: type[MountsFile] = MountinfoFile if self.entry.name == "mountinfo" else VfsmntFile
        return kind(path, flags, task, self.pid.task)


class ChildrenFile(PidFile):
    """Children of nobody are none."""

    __slots__ = ()

    def show(self, task: Task) -> bytes:
        return b"" if self.pid.task is None else super().show(task)


class ChildrenInode(PidReg):
    """fs/proc/array.c:proc_tid_children_operations"""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        return ChildrenFile(path, flags, task, self.pid, self.entry)


def comm_show(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:comm_show"""
    return p.comm + b"\n"


def comm_write(task: Task, file: File, p: Task | None, data: bytes, pos: int) -> int:
    """fs/proc/base.c:comm_write"""
    if p is None:
        raise Errno("ESRCH")
    if p.signal is not task.signal:
        raise Errno("EINVAL")
    p.comm = data[: TASK_COMM_LEN - 1].split(b"\0")[0]
    return len(data)


def proc_pid_cmdline(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:proc_pid_cmdline_read"""
    return b"" if p.mm is None else p.mm.exe.encode() + b"\0"


def constant(text: bytes) -> PidShow:
    """What is the same for every process of the model."""
    return lambda task, file, p, pid, ns: text


def environ_open(task: Task, p: Task | None) -> None:
    """fs/proc/base.c:environ_open; kernel/fork.c:may_access_mm"""
    if p is None or p.mm is None:
        raise Errno("ESRCH")
    if p.mm is not task.mm and not ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS) and not perfmon_capable(task):
        raise Errno("EACCES")


Make = Callable[["SuperBlock", "Pid", PidEntry], "PidInode"]


def directory(name: str, mode: int, make: Make) -> PidEntry:
    """fs/proc/base.c:DIR"""
    return PidEntry(name, S_IFDIR | mode, make)


def link(name: str, kind: type[PidLink]) -> PidEntry:
    """fs/proc/base.c:LNK"""
    return PidEntry(name, S_IFLNK | 0o777, lambda sb, pid, entry: kind(sb, pid))


def one(name: str, mode: int, show: PidShow) -> PidEntry:
    """fs/proc/base.c:ONE"""
    return PidEntry(name, S_IFREG | mode, PidReg, show)


ENVIRON = PidEntry("environ", S_IFREG | 0o400, PidReg, constant(b""), check=environ_open)
COMM = PidEntry("comm", S_IFREG | 0o644, PidReg, comm_show, comm_write)
LIMITS = one("limits", 0o444, limits.proc_pid_limits)
STATUS = one("status", 0o444, proc_pid_status)
PERSONALITY = one("personality", 0o400, constant(b"00000000\n"))
LINKS = (link("cwd", CwdLink), link("root", RootLink), link("exe", ExeLink))
MOUNTS = tuple(PidEntry(name, S_IFREG | 0o444, MountsInode) for name in ("mounts", "mountinfo"))
#: From wchan to the maps, alike for processes and threads.
TAIL = (
    one("wchan", 0o444, constant(b"0")),
    one("schedstat", 0o444, constant(b"0 0 0\n")),
    one("cgroup", 0o444, constant(b"0::/\n")),
    one("oom_score", 0o444, oom.proc_oom_score),
    PidEntry("oom_score_adj", S_IFREG | 0o644, PidReg, oom.oom_score_adj_read, oom.oom_score_adj_write),
    one("loginuid", 0o644, constant(b"4294967295")),
    one("sessionid", 0o444, constant(b"4294967295")),
    one("io", 0o400, constant(b"rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n")),
    *userns.ENTRIES,
)
HEAD = (
    directory("fd", 0o500, FdDirectory),
    directory("fdinfo", 0o555, FdinfoDirectory),
    directory("ns", 0o511, NsDirectory),
    ENVIRON,
    STATUS,
    PERSONALITY,
    LIMITS,
    COMM,
    one("cmdline", 0o444, proc_pid_cmdline),
)


def table(*entries: PidEntry) -> dict[str, PidEntry]:
    """By name, in the order of the listing."""
    return {entry.name: entry for entry in entries}


#: fs/proc/base.c:tgid_base_stuff
TGID_BASE_STUFF = table(
    directory("task", 0o555, TaskDirectory),
    *HEAD,
    one("stat", 0o444, proc_tgid_stat),
    one("statm", 0o444, proc_pid_statm),
    *LINKS,
    *MOUNTS,
    *TAIL,
)
#: fs/proc/base.c:tid_base_stuff
TID_BASE_STUFF = table(
    *HEAD,
    one("stat", 0o444, proc_tid_stat),
    one("statm", 0o444, proc_pid_statm),
    PidEntry("children", S_IFREG | 0o444, ChildrenInode, children_seq_show),
    *LINKS,
    *MOUNTS,
    *TAIL,
)


def proc_pid_lookup(sb: ProcSuper, task: Task, parent: Dentry, name: str) -> Dentry:
    """fs/proc/base.c:proc_pid_lookup"""
    pid = find_pid_ns(name_to_int(name), sb.pid_ns)
    p = pid.task if pid is not None else None
    if pid is None or p is None:
        raise Errno("ENOENT")
    if sb.hide_pid == HIDEPID_NOT_PTRACEABLE and not has_pid_permissions(sb, task, p, HIDEPID_NO_ACCESS):
        raise Errno("ENOENT")
    return make_child(parent, name, TgidDirectory(sb, pid, S_IFDIR | 0o555, TGID_BASE_STUFF, TGID_NLINK))


def proc_pid_readdir(sb: ProcSuper, task: Task) -> list[str]:
    """The leaders' numbers, ascending.  fs/proc/base.c:proc_pid_readdir, next_tgid"""
    names = []
    for pid in sb.pid_ns.idr.walk(1):
        if pid.tgid is not None and has_pid_permissions(sb, task, pid.tgid, HIDEPID_INVISIBLE):
            names.append(str(pid_nr_ns(pid, sb.pid_ns)))
    return names


def tgid_pidfd_to_pid(file: File) -> Pid:
    """Whose directory it is, if it is an open /proc/PID; EBADF.  fs/proc/base.c:tgid_pidfd_to_pid"""
    inode = file.f_path.dentry.d_inode
    if not isinstance(inode, TgidDirectory):
        raise Errno("EBADF")
    return inode.pid
