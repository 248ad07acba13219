"""Network namespaces, of which the model knows no more than that they are.  Models net/core/net_namespace.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import CloneFlag
from nscore_sim.nscommon import NET_NS_INIT_INO, NsCommon, ProcNsOperations, check_install, copy_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_NEWNET = int(CloneFlag.NEWNET)


class Net:
    """include/net/net_namespace.h:net"""

    __slots__ = ("ns",)

    def __init__(self, ns: NsCommon) -> None:
        self.ns = ns
        ns.container = self


def init_net_ns(kernel: Kernel, user_ns: UserNamespace) -> Net:
    """net/core/net_namespace.c:init_net"""
    return Net(NsCommon(kernel, netns_operations, user_ns, NET_NS_INIT_INO, None))


def copy_net_ns(flags: int, user_ns: UserNamespace, task: Task) -> Net:
    """What a new task has, or what CLONE_NEWNET makes.  net/core/net_namespace.c:copy_net_ns"""
    assert task.nsproxy is not None
    old = task.nsproxy.net_ns
    ns = copy_ns(flags, task, old.ns, user_ns)
    return old if ns is None else Net(ns)


def to_net_ns(ns: NsCommon) -> Net:
    """net/core/net_namespace.c:to_net_ns"""
    assert isinstance(ns.container, Net)
    return ns.container


def netns_get(task: Task) -> NsCommon | None:
    """net/core/net_namespace.c:netns_get"""
    return None if task.nsproxy is None else get_ns(task.nsproxy.net_ns.ns)


def netns_install(nsset: NsSet, new: NsCommon) -> None:
    """net/core/net_namespace.c:netns_install"""
    check_install(nsset, new)
    get_ns(new)
    put_ns(nsset.nsproxy.net_ns.ns)
    nsset.nsproxy.net_ns = to_net_ns(new)


netns_operations = ProcNsOperations(
    name="net",
    real_ns_name="net",
    type=CLONE_NEWNET,
    charge=UcountType.NET_NAMESPACES,
    get=netns_get,
    install=netns_install,
    free=free_ns,
)
