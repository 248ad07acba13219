"""The files in the directory of a process, one by one.  Models the middle of fs/proc/base.c.

What is about time, processors and security modules is as on an idle machine without any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, Capability
from nscore_sim.capability import capable, ns_capable
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import File
from nscore_sim.inode import MAY_EXEC
from nscore_sim.namei import user_path_at
from nscore_sim.pid import pid_nr_ns
from nscore_sim.proc.fd import FdDirectory
from nscore_sim.proc.internal import S_IFDIR, S_IFLNK, S_IFREG, PidDirectory, PidEntry, PidFile, PidInode, PidLink, PidReg, PidShow
from nscore_sim.proc_namespace import MountinfoFile, MountsFile, VfsmntFile, VfsstatFile
from nscore_sim.ptrace import PTRACE_MODE_READ_FSCREDS, ptrace_may_access

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

TASK_COMM_LEN = 16
CAP_SYS_ADMIN, CAP_SYS_NICE = int(Capability.SYS_ADMIN), int(Capability.SYS_NICE)


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
    """mountinfo, mounts and mountstats, which refuse to open without a namespace."""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        return MOUNTS_FILES[self.entry.name](path, flags, task, self.pid.task)


MOUNTS_FILES: dict[str, type[MountsFile]] = {"mountinfo": MountinfoFile, "mounts": VfsmntFile, "mountstats": VfsstatFile}


class TidCommInode(PidReg):
    """comm of a thread, which its process may write whoever owns it.  fs/proc/base.c:proc_tid_comm_permission"""

    __slots__ = ()

    def permission(self, task: Task, mask: int) -> None:
        p = self.pid.task
        if p is None or p.signal is not task.signal or mask & MAY_EXEC:
            super().permission(task, mask)


class MapFilesDirectory(FdDirectory):
    """Files that are mapped: none.  fs/proc/base.c:proc_map_files_inode_operations"""

    __slots__ = ()

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        raise Errno("ENOENT")

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        p = self.pid.task
        if p is None:
            raise Errno("ENOENT")
        if not ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS):
            raise Errno("EACCES")
        return []

    def size(self) -> int:
        return 0


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


def with_mm(text: bytes) -> PidShow:
    """The same, and nothing for a zombie."""
    return lambda task, file, p, pid, ns: b"" if p.mm is None else text


def sched_show(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """kernel/sched/debug.c:proc_sched_show_task's heading"""
    return b"%b (%d, #threads: %d)\n%b\n" % (p.comm, pid_nr_ns(pid, ns), p.signal.nr_threads, b"-" * 67)


def proc_pid_syscall(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:proc_pid_syscall"""
    return b"-1 0x0 0x0\n" if p.exit_state else b"running\n"


def proc_pid_stack(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:proc_pid_stack"""
    if not capable(task, CAP_SYS_ADMIN):
        raise Errno("EACCES")
    return b""


def timers_open(task: Task, p: Task | None) -> None:
    """fs/proc/base.c:proc_timers_open"""
    if p is None:
        raise Errno("ESRCH")
    if not ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS):
        raise Errno("EACCES")


def timerslack_ns_show(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:timerslack_ns_show"""
    if p is not task and not ns_capable(task, p.cred.user_ns, CAP_SYS_NICE):
        raise Errno("EPERM")
    return b"50000\n"


class NetDirectory(PidInode):
    """/proc/PID/net, of which nothing is modelled.  fs/proc/proc_net.c:proc_tgid_net_readdir"""

    __slots__ = ()

    def __init__(self, i_sb: SuperBlock, pid: Pid, entry: PidEntry) -> None:
        super().__init__(i_sb, pid, entry.mode)

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        if self.pid.task is None or self.pid.task.nsproxy is None:
            raise Errno("EINVAL")
        return []


def directory_of(entries: dict[str, PidEntry]) -> Callable[[SuperBlock, Pid, PidEntry], PidInode]:
    """A directory with these entries."""
    return lambda sb, pid, entry: PidDirectory(sb, pid, entry.mode, entries, 2)


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


def table(*entries: PidEntry) -> dict[str, PidEntry]:
    """By name, in the order of the listing."""
    return {entry.name: entry for entry in entries}


def attr_read(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """Without a security module.  fs/proc/base.c:proc_pid_attr_read"""
    raise Errno("EINVAL")


#: fs/proc/base.c:attr_dir_stuff
ATTR_DIR_STUFF = table(
    *(PidEntry(name, S_IFREG | mode, PidReg, attr_read) for name, mode in (("current", 0o666), ("prev", 0o444), ("exec", 0o666))),
    *(PidEntry(name, S_IFREG | 0o666, PidReg, attr_read) for name in ("fscreate", "keycreate", "sockcreate")),
)
