"""The directory of a process and those of its threads.  Models fs/proc/base.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore_sim.dcache import Dentry
from nscore_sim.pid import find_pid_ns, pid_nr_ns
from nscore_sim.proc import limits, oom, task_mmu, userns
from nscore_sim.proc.array import children_seq_show, proc_pid_statm, proc_pid_status, proc_tgid_stat, proc_tid_stat
from nscore_sim.proc.entries import (
    ATTR_DIR_STUFF,
    ChildrenInode,
    CwdLink,
    ExeLink,
    MapFilesDirectory,
    MountsInode,
    NetDirectory,
    RootLink,
    TidCommInode,
    comm_show,
    comm_write,
    constant,
    directory,
    directory_of,
    link,
    one,
    proc_pid_cmdline,
    proc_pid_stack,
    proc_pid_syscall,
    sched_show,
    table,
    timers_open,
    timerslack_ns_show,
    with_mm,
)
from nscore_sim.proc.fd import FdDirectory, FdinfoDirectory, name_to_int
from nscore_sim.proc.generic import HIDEPID_INVISIBLE, HIDEPID_NO_ACCESS, HIDEPID_NOT_PTRACEABLE, ProcSuper, make_child
from nscore_sim.proc.internal import (
    S_IFDIR,
    S_IFREG,
    PidDirectory,
    PidEntry,
    PidInode,
    PidReg,
    TgidDirectory,
    has_pid_permissions,
    proc_pid_permission,
)
from nscore_sim.proc.namespaces import NsDirectory

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.inode import SuperBlock
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

#: st_nlink of the directories.  fs/proc/base.c:proc_pid_instantiate
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


FD = directory("fd", 0o500, FdDirectory)
FDINFO = directory("fdinfo", 0o555, FdinfoDirectory)
NS = (directory("ns", 0o511, NsDirectory), directory("net", 0o555, NetDirectory))
UP_TO_LIMITS = (
    *(task_mmu.ENVIRON, task_mmu.AUXV),
    one("status", 0o444, proc_pid_status),
    one("personality", 0o400, constant(b"00000000\n")),
    one("limits", 0o444, limits.proc_pid_limits),
    one("sched", 0o644, sched_show),
)
COMM = PidEntry("comm", S_IFREG | 0o644, PidReg, comm_show, comm_write)
SYSCALL, CMDLINE = one("syscall", 0o400, proc_pid_syscall), one("cmdline", 0o444, proc_pid_cmdline)
STATM, MAPS = one("statm", 0o444, proc_pid_statm), task_mmu.MAPS
FROM_NUMA_MAPS = (
    *(task_mmu.NUMA_MAPS, task_mmu.MEM),
    *(link("cwd", CwdLink), link("root", RootLink), link("exe", ExeLink)),
    *(PidEntry(name, S_IFREG | 0o444, MountsInode) for name in ("mounts", "mountinfo")),
)
MOUNTSTATS = PidEntry("mountstats", S_IFREG | 0o400, MountsInode)
FROM_CLEAR_REFS = (
    *(task_mmu.CLEAR_REFS, task_mmu.SMAPS, task_mmu.SMAPS_ROLLUP, task_mmu.PAGEMAP),
    directory("attr", 0o555, directory_of(ATTR_DIR_STUFF)),
    one("wchan", 0o444, constant(b"0")),
    one("stack", 0o400, proc_pid_stack),
    one("schedstat", 0o444, constant(b"0 0 0\n")),
    one("cpuset", 0o444, constant(b"/\n")),
    one("cgroup", 0o444, constant(b"0::/\n")),
    one("oom_score", 0o444, oom.proc_oom_score),
    one("oom_adj", 0o644, oom.oom_adj_read),
    PidEntry("oom_score_adj", S_IFREG | 0o644, PidReg, oom.oom_score_adj_read, oom.oom_score_adj_write),
    one("loginuid", 0o644, constant(b"4294967295")),
    one("sessionid", 0o444, constant(b"4294967295")),
)
COREDUMP_FILTER = one("coredump_filter", 0o644, with_mm(b"00000033\n"))
LAST = (
    one("arch_status", 0o444, constant(b"AVX512_elapsed_ms:\t-1\n")),
    one("ksm_merging_pages", 0o400, with_mm(b"0\n")),
    one("ksm_stat", 0o400, with_mm(b"ksm_rmap_items 0\nksm_zero_pages 0\nksm_merging_pages 0\nksm_process_profit 0\n")),
)
IO = one("io", 0o400, constant(b"rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"))

#: fs/proc/base.c:tgid_base_stuff
TGID_BASE_STUFF = table(
    directory("task", 0o555, TaskDirectory),
    FD,
    directory("map_files", 0o500, MapFilesDirectory),
    FDINFO,
    *NS,
    *UP_TO_LIMITS,
    one("autogroup", 0o644, constant(b"/autogroup-1 nice 0\n")),
    one("timens_offsets", 0o644, with_mm(b"monotonic           0         0\nboottime            0         0\n")),
    COMM,
    SYSCALL,
    CMDLINE,
    one("stat", 0o444, proc_tgid_stat),
    STATM,
    MAPS,
    *FROM_NUMA_MAPS,
    MOUNTSTATS,
    *FROM_CLEAR_REFS,
    COREDUMP_FILTER,
    IO,
    *userns.ENTRIES,
    PidEntry("timers", S_IFREG | 0o444, PidReg, constant(b""), check=timers_open),
    one("timerslack_ns", 0o666, timerslack_ns_show),
    *LAST,
)
#: fs/proc/base.c:tid_base_stuff
TID_BASE_STUFF = table(
    FD,
    FDINFO,
    *NS,
    *UP_TO_LIMITS,
    PidEntry("comm", S_IFREG | 0o644, TidCommInode, comm_show, comm_write),
    SYSCALL,
    CMDLINE,
    one("stat", 0o444, proc_tid_stat),
    STATM,
    MAPS,
    PidEntry("children", S_IFREG | 0o444, ChildrenInode, children_seq_show),
    *FROM_NUMA_MAPS,
    *FROM_CLEAR_REFS,
    IO,
    *userns.ENTRIES,
    *LAST,
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
