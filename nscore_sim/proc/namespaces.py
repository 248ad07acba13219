"""/proc/PID/ns.  Models fs/proc/namespaces.c."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore_sim.cgroup_namespace import cgroupns_operations
from nscore_sim.dcache import Dentry, Path
from nscore_sim.ipc import ipcns_operations
from nscore_sim.mnt_namespace import mntns_operations
from nscore_sim.net_namespace import netns_operations
from nscore_sim.nsfs import ns_get_name, ns_get_path
from nscore_sim.pid_namespace import pidns_for_children_operations, pidns_operations
from nscore_sim.proc.generic import make_child
from nscore_sim.proc.internal import PidInode, proc_fd_access_allowed
from nscore_sim.time_namespace import timens_for_children_operations, timens_operations
from nscore_sim.user_namespace import userns_operations
from nscore_sim.utsname import utsns_operations

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.nscommon import ProcNsOperations
    from nscore_sim.pid import Pid
    from nscore_sim.proc.internal import PidEntry
    from nscore_sim.task import Task

#: In the order of the listing.  fs/proc/namespaces.c:ns_entries
NS_ENTRIES = {
    ops.name: ops
    for ops in (
        netns_operations,
        utsns_operations,
        ipcns_operations,
        pidns_operations,
        pidns_for_children_operations,
        userns_operations,
        mntns_operations,
        cgroupns_operations,
        timens_operations,
        timens_for_children_operations,
    )
}


class NsDirectory(PidInode):
    """fs/proc/namespaces.c:proc_ns_dir_inode_operations"""

    __slots__ = ()

    def __init__(self, i_sb: SuperBlock, pid: Pid, entry: PidEntry) -> None:
        super().__init__(i_sb, pid, entry.mode)

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        """fs/proc/namespaces.c:proc_ns_dir_lookup"""
        ops = NS_ENTRIES.get(name)
        if ops is None or self.pid.task is None:
            raise Errno("ENOENT")
        return make_child(dentry, name, NsLink(self.i_sb, self.pid, ops))

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        """fs/proc/namespaces.c:proc_ns_dir_readdir"""
        if self.pid.task is None:
            raise Errno("ENOENT")
        return list(NS_ENTRIES)


class NsLink(PidInode):
    """fs/proc/namespaces.c:proc_ns_link_inode_operations"""

    __slots__ = ("ops",)

    def __init__(self, i_sb: SuperBlock, pid: Pid, ops: ProcNsOperations) -> None:
        super().__init__(i_sb, pid, stat.S_IFLNK | 0o777)
        self.ops = ops

    def get_link(self, task: Task, dentry: Dentry) -> Path:
        """fs/proc/namespaces.c:proc_ns_get_link"""
        return ns_get_path(proc_fd_access_allowed(task, self), self.ops)

    def readlink(self, task: Task, dentry: Dentry) -> str:
        """fs/proc/namespaces.c:proc_ns_readlink"""
        return ns_get_name(proc_fd_access_allowed(task, self), self.ops)
