"""/proc/PID/fd and fdinfo.  Models fs/proc/fd.c."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import O_CLOEXEC, File, descriptors, readable, writable
from nscore_sim.inode import generic_permission
from nscore_sim.proc.generic import SeqFile, make_child, proc_ns
from nscore_sim.proc.internal import PidInode, PidLink
from nscore_sim.ptrace import PTRACE_MODE_READ_FSCREDS, ptrace_may_access

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.pid import Pid
    from nscore_sim.proc.internal import PidEntry
    from nscore_sim.task import Task


def name_to_int(name: str) -> int:
    """A number without sign, blank or leading zero; ENOENT.  fs/proc/util.c:name_to_int"""
    if not (name.isascii() and name.isdigit()) or (name[0] == "0" and name != "0") or int(name) >= 0xFFFFFFFF:
        raise Errno("ENOENT")
    return int(name)


def tid_file(p: Task | None, fd: int) -> File:
    """The open file of a process's descriptor; ENOENT.  fs/proc/fd.c:tid_fd_mode"""
    file = p.files.fdt.fd.get(fd) if p is not None and p.files is not None else None
    if file is None:
        raise Errno("ENOENT")
    return file


def numbers(p: Task | None) -> list[str]:
    """The names of a process's descriptors.  fs/proc/fd.c:proc_readfd_common"""
    if p is None:
        raise Errno("ENOENT")
    return [] if p.files is None else [str(fd) for fd in descriptors(p.files.fdt.open_fds)]


class FdLink(PidLink):
    """/proc/PID/fd/N.  fs/proc/fd.c:proc_fd_link"""

    __slots__ = ("fd",)

    def __init__(self, i_sb: SuperBlock, pid: Pid, fd: int, file: File) -> None:
        super().__init__(i_sb, pid, stat.S_IFLNK | (0o500 if readable(file) else 0) | (0o300 if writable(file) else 0))
        self.fd = fd

    def path(self, p: Task) -> Path:
        return tid_file(p, self.fd).f_path


class FdDirectory(PidInode):
    """/proc/PID/fd.  fs/proc/fd.c:proc_fd_inode_operations"""

    __slots__ = ()

    def __init__(self, i_sb: SuperBlock, pid: Pid, entry: PidEntry) -> None:
        super().__init__(i_sb, pid, entry.mode)

    def permission(self, task: Task, mask: int) -> None:
        """Open to the process itself, whoever owns it.  fs/proc/fd.c:proc_fd_permission"""
        p = self.pid.task
        if p is not None:
            self.update(p)
        try:
            generic_permission(task, self, mask)
        except Errno:
            if p is None or p.signal is not task.signal:
                raise

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        fd = name_to_int(name)
        return make_child(dentry, name, FdLink(self.i_sb, self.pid, fd, tid_file(self.pid.task, fd)))

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        return numbers(self.pid.task)

    def getattr(self, task: Task, dentry: Dentry) -> None:
        """fs/proc/fd.c:proc_fd_getattr"""
        if self.pid.task is None:
            raise Errno("ENOENT")
        super().getattr(task, dentry)

    def size(self) -> int:
        """How many there are, since 6.2."""
        p = self.pid.task
        return 0 if p is None or p.files is None else len(p.files.fdt.fd)


class FdinfoDirectory(PidInode):
    """/proc/PID/fdinfo.  fs/proc/fd.c:proc_fdinfo_inode_operations"""

    __slots__ = ()

    def __init__(self, i_sb: SuperBlock, pid: Pid, entry: PidEntry) -> None:
        super().__init__(i_sb, pid, entry.mode)

    def permission(self, task: Task, mask: int) -> None:
        """fs/proc/fd.c:proc_fdinfo_permission"""
        p = self.pid.task
        if p is None:
            raise Errno("ESRCH")
        if not ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS):
            raise Errno("EACCES")
        self.update(p)
        generic_permission(task, self, mask)

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        fd = name_to_int(name)
        tid_file(self.pid.task, fd)
        return make_child(dentry, name, FdinfoInode(self.i_sb, self.pid, fd))

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        return numbers(self.pid.task)


class FdinfoInode(PidInode):
    """/proc/PID/fdinfo/N"""

    __slots__ = ("fd",)

    def __init__(self, i_sb: SuperBlock, pid: Pid, fd: int) -> None:
        super().__init__(i_sb, pid, stat.S_IFREG | 0o444)
        self.fd = fd

    def open(self, task: Task, path: Path, flags: int) -> File:
        return FdinfoFile(path, flags, task, self)


class FdinfoFile(SeqFile):
    """An open fdinfo."""

    __slots__ = ("inode",)

    def __init__(self, path: Path, flags: int, task: Task, inode: FdinfoInode) -> None:
        super().__init__(path, flags, task)
        self.inode = inode

    def show(self, task: Task) -> bytes:
        """fs/proc/fd.c:seq_show"""
        p, fd = self.inode.pid.task, self.inode.fd
        file = tid_file(p, fd)
        assert p is not None
        assert p.files is not None
        flags = file.f_flags | (O_CLOEXEC if p.files.fdt.close_on_exec >> fd & 1 else 0)
        path = file.f_path
        head = f"pos:\t{file.f_pos}\nflags:\t0{flags:o}\nmnt_id:\t{path.mnt.mnt_id}\nino:\t{path.dentry.d_inode.i_ino}\n"
        return (head + file.show_fdinfo(proc_ns(self))).encode()
