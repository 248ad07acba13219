"""Cgroup namespaces, of which the model knows no more than that they are.  Models kernel/cgroup/namespace.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import CloneFlag
from nscore_sim.nscommon import CGROUP_NS_INIT_INO, NsCommon, ProcNsOperations, check_install, copy_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_NEWCGROUP = int(CloneFlag.NEWCGROUP)


class CgroupNamespace:
    """include/linux/cgroup_namespace.h:cgroup_namespace"""

    __slots__ = ("ns",)

    def __init__(self, ns: NsCommon) -> None:
        self.ns = ns
        ns.container = self


def init_cgroup_ns(kernel: Kernel, user_ns: UserNamespace) -> CgroupNamespace:
    """kernel/cgroup/cgroup.c:init_cgroup_ns"""
    return CgroupNamespace(NsCommon(kernel, cgroupns_operations, user_ns, CGROUP_NS_INIT_INO, None))


def copy_cgroup_ns(flags: int, user_ns: UserNamespace, task: Task) -> CgroupNamespace:
    """What a new task has, or what CLONE_NEWCGROUP makes.  kernel/cgroup/namespace.c:copy_cgroup_ns"""
    assert task.nsproxy is not None
    old = task.nsproxy.cgroup_ns
    ns = copy_ns(flags, task, old.ns, user_ns)
    return old if ns is None else CgroupNamespace(ns)


def to_cgroup_ns(ns: NsCommon) -> CgroupNamespace:
    """kernel/cgroup/namespace.c:to_cg_ns"""
    assert isinstance(ns.container, CgroupNamespace)
    return ns.container


def cgroupns_get(task: Task) -> NsCommon | None:
    """kernel/cgroup/namespace.c:cgroupns_get"""
    return None if task.nsproxy is None else get_ns(task.nsproxy.cgroup_ns.ns)


def cgroupns_install(nsset: NsSet, new: NsCommon) -> None:
    """kernel/cgroup/namespace.c:cgroupns_install"""
    check_install(nsset, new)
    get_ns(new)
    put_ns(nsset.nsproxy.cgroup_ns.ns)
    nsset.nsproxy.cgroup_ns = to_cgroup_ns(new)


cgroupns_operations = ProcNsOperations(
    name="cgroup",
    real_ns_name="cgroup",
    type=CLONE_NEWCGROUP,
    charge=UcountType.CGROUP_NAMESPACES,
    get=cgroupns_get,
    install=cgroupns_install,
    free=free_ns,
)
