"""IPC namespaces, of which the model knows no more than that they are.  Models ipc/namespace.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import CloneFlag
from nscore_sim.nscommon import IPC_NS_INIT_INO, NsCommon, ProcNsOperations, check_install, copy_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_NEWIPC = int(CloneFlag.NEWIPC)


class IpcNamespace:
    """include/linux/ipc_namespace.h:ipc_namespace"""

    __slots__ = ("ns",)

    def __init__(self, ns: NsCommon) -> None:
        self.ns = ns
        ns.container = self


def init_ipc_ns(kernel: Kernel, user_ns: UserNamespace) -> IpcNamespace:
    """ipc/msgutil.c:init_ipc_ns"""
    return IpcNamespace(NsCommon(kernel, ipcns_operations, user_ns, IPC_NS_INIT_INO, None))


def copy_ipcs(flags: int, user_ns: UserNamespace, task: Task) -> IpcNamespace:
    """What a new task has, or what CLONE_NEWIPC makes.  ipc/namespace.c:copy_ipcs"""
    assert task.nsproxy is not None
    old = task.nsproxy.ipc_ns
    ns = copy_ns(flags, task, old.ns, user_ns)
    return old if ns is None else IpcNamespace(ns)


def to_ipc_ns(ns: NsCommon) -> IpcNamespace:
    """ipc/namespace.c:to_ipc_ns"""
    assert isinstance(ns.container, IpcNamespace)
    return ns.container


def ipcns_get(task: Task) -> NsCommon | None:
    """ipc/namespace.c:ipcns_get"""
    return None if task.nsproxy is None else get_ns(task.nsproxy.ipc_ns.ns)


def ipcns_install(nsset: NsSet, new: NsCommon) -> None:
    """ipc/namespace.c:ipcns_install"""
    check_install(nsset, new)
    get_ns(new)
    put_ns(nsset.nsproxy.ipc_ns.ns)
    nsset.nsproxy.ipc_ns = to_ipc_ns(new)


ipcns_operations = ProcNsOperations(
    name="ipc",
    real_ns_name="ipc",
    type=CLONE_NEWIPC,
    charge=UcountType.IPC_NAMESPACES,
    get=ipcns_get,
    install=ipcns_install,
    free=free_ns,
)
