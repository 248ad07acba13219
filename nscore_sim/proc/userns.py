"""/proc/PID/{uid_map,gid_map,projid_map,setgroups}.  Models fs/proc/base.c:proc_id_map_open, proc_setgroups_open.

The file belongs to the user namespace that the process had when it was opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import Path
from nscore_sim.file import O_ACCMODE
from nscore_sim.proc.generic import LinesFile
from nscore_sim.proc.internal import S_IFREG, PidEntry, PidReg
from nscore_sim.uid_map import (
    gid_m_show,
    proc_gid_map_write,
    proc_projid_map_write,
    proc_setgroups_show,
    proc_setgroups_write,
    proc_uid_map_write,
    projid_m_show,
    uid_m_show,
)
from nscore_sim.user_namespace import get_user_ns, put_user_ns

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)

ShowMap = Callable[["File", "UserNamespace"], str]
WriteMap = Callable[["Task", "File", "UserNamespace", bytes, int], int]


def setgroups_show(file: File, ns: UserNamespace) -> str:
    """kernel/user_namespace.c:proc_setgroups_show"""
    return proc_setgroups_show(ns)


def setgroups_write(task: Task, file: File, ns: UserNamespace, data: bytes, pos: int) -> int:
    """kernel/user_namespace.c:proc_setgroups_write"""
    return proc_setgroups_write(ns, data, pos)


FILES: dict[str, tuple[ShowMap, WriteMap]] = {
    "uid_map": (uid_m_show, proc_uid_map_write),
    "gid_map": (gid_m_show, proc_gid_map_write),
    "projid_map": (projid_m_show, proc_projid_map_write),
    "setgroups": (setgroups_show, setgroups_write),
}


class UserNsFile(LinesFile):
    """An open map."""

    __slots__ = ("name", "ns")

    def __init__(self, path: Path, flags: int, task: Task, name: str, ns: UserNamespace) -> None:
        super().__init__(path, flags, task)
        self.name = name
        self.ns = get_user_ns(ns)

    def release(self, task: Task) -> None:
        put_user_ns(self.ns)

    def show(self, task: Task) -> bytes:
        return FILES[self.name][0](self, self.ns).encode()

    def store(self, task: Task, data: bytes, pos: int) -> int:
        return FILES[self.name][1](task, self, self.ns, data, pos)


class UserNsInode(PidReg):
    """A map of a process's user namespace."""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        p = self.pid.task
        if p is None:
            raise Errno("ESRCH" if self.entry.name == "setgroups" else "EINVAL")
        if self.entry.name == "setgroups" and flags & O_ACCMODE and not ns_capable(task, p.cred.user_ns, CAP_SYS_ADMIN):
            raise Errno("EACCES")
        return UserNsFile(path, flags, task, self.entry.name, p.cred.user_ns)


#: In the directory of a process and of a thread.
ENTRIES = tuple(PidEntry(name, S_IFREG | 0o644, UserNsInode) for name in FILES)
