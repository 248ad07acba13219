"""The files of /proc/PID about its memory.  Models fs/proc/task_mmu.c and the mem files of fs/proc/base.c.

The model has no memory: what they hold is a page of the image, or nothing.  Who may open them, and what a zombie's do, is as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore_sim.capability import perfmon_capable
from nscore_sim.dcache import Path
from nscore_sim.proc.internal import S_IFREG, PidEntry, PidFile, PidReg
from nscore_sim.ptrace import PTRACE_MODE_READ_FSCREDS, ptrace_may_access

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task


def may_access_mm(task: Task, p: Task) -> bool:
    """kernel/fork.c:may_access_mm"""
    return p.mm is task.mm or ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS) or perfmon_capable(task)


def maps_open(task: Task, p: Task | None) -> None:
    """What has no memory any more has nothing to hide.  fs/proc/base.c:proc_mem_open"""
    if p is None:
        raise Errno("ESRCH")
    if p.mm is not None and not may_access_mm(task, p):
        raise Errno("EACCES")


def mem_open(task: Task, p: Task | None) -> None:
    """The same, but there must be memory.  fs/proc/base.c:__mem_open"""
    maps_open(task, p)
    if p is None or p.mm is None:
        raise Errno("ESRCH")


class MmFile(PidFile):
    """An open file that keeps the memory, not the process: when that has ended there is nothing in it."""

    __slots__ = ()

    def show(self, task: Task) -> bytes:
        return b"" if self.pid.task is None or self.pid.task.mm is None else super().show(task)


class MmInode(PidReg):
    """A file about memory that is found when it is opened."""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        mem_open(task, self.pid.task)
        return MmFile(path, flags, task, self.pid, self.entry)


class AuxvFile(PidFile):
    """The one of them that the memory itself holds."""

    __slots__ = ()

    def show(self, task: Task) -> bytes:
        return auxv_read()


class AuxvInode(PidReg):
    """fs/proc/base.c:proc_auxv_operations"""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        mem_open(task, self.pid.task)
        return AuxvFile(path, flags, task, self.pid, self.entry)


def show_map(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/task_mmu.c:show_map"""
    return b"" if p.mm is None else b"00400000-00401000 r-xp 00000000 00:02 1%32b%b\n" % (b"", p.mm.exe.encode())


def nothing(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """Nothing is shown."""
    return b""


def auxv_read() -> bytes:
    """AT_NULL and no more.  fs/proc/base.c:auxv_read"""
    return bytes(16)


def pagemap_read(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """Pages that are not there.  fs/proc/task_mmu.c:pagemap_read"""
    return bytes(4096)


def mem_read(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """Nothing is mapped at 0.  fs/proc/base.c:mem_rw"""
    raise Errno("EIO")


ENVIRON = PidEntry("environ", S_IFREG | 0o400, MmInode, nothing)
AUXV = PidEntry("auxv", S_IFREG | 0o400, AuxvInode)
MEM = PidEntry("mem", S_IFREG | 0o600, MmInode, mem_read)
PAGEMAP = PidEntry("pagemap", S_IFREG | 0o400, MmInode, pagemap_read)
MAPS, NUMA_MAPS, SMAPS = (PidEntry(name, S_IFREG | 0o444, PidReg, show_map, check=maps_open) for name in ("maps", "numa_maps", "smaps"))
SMAPS_ROLLUP = PidEntry("smaps_rollup", S_IFREG | 0o444, PidReg, show_map, check=mem_open)
CLEAR_REFS = PidEntry("clear_refs", S_IFREG | 0o200, PidReg)
